//! How fast the kernels are on the shapes of a small encoder, on each instruction set.
//!
//! Products are counted in multiply-adds a second, rows in values a second.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use docent_kernels::Isa;
use docent_kernels::activation::Activation;
use docent_kernels::aligned::Aligned;
use docent_kernels::attention::{Heads, attend};
use docent_kernels::matmul::{self, FloatWeights, Int8Weights};
use docent_kernels::norm::{LayerNorm, add_layer_norm};
use docent_kernels::quantise::QuantisedRows;

const TOKENS: usize = 96;
const HIDDEN: usize = 384;
const INNER: usize = 1536;

fn wave(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i as f32 * 0.73).sin()).collect()
}

fn products(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("feed-forward, first product");
    group.throughput(Throughput::Elements((TOKENS * HIDDEN * INNER) as u64));
    let (rows, weights, bias) = (wave(TOKENS * HIDDEN), wave(HIDDEN * INNER), wave(INNER));
    let bytes = Int8Weights::pack(&weights, &bias, HIDDEN);
    let floats = FloatWeights::pack(&weights, &bias, HIDDEN);
    let mut out = vec![0.0; TOKENS * INNER];
    for isa in Isa::available() {
        let mut quantised = QuantisedRows::new();
        quantised.quantise(isa, &rows, HIDDEN);
        group.bench_function(format!("int8 {isa:?}"), |bencher| {
            bencher.iter(|| {
                matmul::int8(
                    isa,
                    black_box(&quantised),
                    &bytes,
                    Activation::Gelu,
                    &mut out,
                );
            });
        });
        group.bench_function(format!("float {isa:?}"), |bencher| {
            bencher.iter(|| {
                matmul::float(isa, black_box(&rows), &floats, Activation::Gelu, &mut out);
            });
        });
    }
}

fn attention(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("attention");
    let heads = Heads {
        count: 12,
        width: HIDDEN / 12,
    };
    group.throughput(Throughput::Elements((2 * TOKENS * TOKENS * HIDDEN) as u64));
    let projected = wave(TOKENS * 3 * HIDDEN);
    let mut context = vec![0.0; TOKENS * HIDDEN];
    let mut scratch = Aligned::new();
    for isa in Isa::available() {
        group.bench_function(format!("{isa:?}"), |bencher| {
            bencher.iter(|| {
                attend(
                    isa,
                    black_box(&projected),
                    heads,
                    usize::MAX,
                    &mut context,
                    &mut scratch,
                )
            });
        });
    }
}

fn rows(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rows");
    group.throughput(Throughput::Elements((TOKENS * HIDDEN) as u64));
    let (values, gain) = (wave(TOKENS * HIDDEN), wave(HIDDEN));
    let norm = LayerNorm {
        gain: &gain,
        bias: &gain,
        epsilon: 1e-12,
    };
    let mut hidden = values.clone();
    let mut quantised = QuantisedRows::new();
    for isa in Isa::available() {
        group.bench_function(format!("quantise {isa:?}"), |bencher| {
            bencher.iter(|| quantised.quantise(isa, black_box(&values), HIDDEN));
        });
        group.bench_function(format!("layer norm {isa:?}"), |bencher| {
            bencher.iter(|| add_layer_norm(isa, black_box(&values), norm, &mut hidden));
        });
    }
}

criterion_group!(kernels, products, attention, rows);
criterion_main!(kernels);
