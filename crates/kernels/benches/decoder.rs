//! How fast the decoder's kernels are: weights a second where one row is multiplied, which
//! reading them bounds, and multiply-adds a second where many are.
//!
//! Each line is the best of several timings, since a machine that does other things as well only
//! ever makes them longer. Words on the command line choose lines that contain them all.

use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use docent_kernels::Isa;
use docent_kernels::aligned::Aligned;
use docent_kernels::cache::{
    Attention, CacheKind, CacheLayout, CacheScratch, HeadCache, Queries, attend,
};
use docent_kernels::packed::{
    ColumnsMut, InputKind, Inputs, PackedWeights, Scratch, Shape, TILE_ROWS, multiply, pack,
};
use docent_kernels::quant::Quant;
use docent_kernels::quant::half::f32_to_f16;

/// Seconds that one line may take, and timings it has at least.
const BUDGET_S: f64 = 0.6;
const LEAST_TIMINGS: usize = 3;
/// Multiply-adds of one call where many rows are multiplied: about a millisecond.
const MOST_PRODUCTS: usize = 300_000_000;

/// The best time of one call, in seconds.
fn best(mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    let (mut best, mut timings) = (f64::INFINITY, 0);
    while timings < LEAST_TIMINGS || start.elapsed().as_secs_f64() < BUDGET_S {
        let before = Instant::now();
        call();
        best = best.min(before.elapsed().as_secs_f64());
        timings += 1;
    }
    best
}

/// Prints a line unless the command line asks for others; where nobody reads it, that is no harm.
fn line(name: String, bytes: usize, products: usize, call: impl FnMut()) {
    if !is_asked(&name) {
        return;
    }
    let seconds = best(call);
    let _ = writeln!(
        std::io::stdout(),
        "{name:<44} {:>9.1} us {:>7.1} GB/s {:>7.1} GMAC/s",
        seconds * 1e6,
        bytes as f64 / seconds / 1e9,
        products as f64 / seconds / 1e9
    );
}

/// Whether the line's name contains all the words on the command line.
fn is_asked(name: &str) -> bool {
    let mut words = std::env::args().skip(1);
    words.all(|word| word.starts_with("--") || name.contains(&word))
}

fn wave(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i as f32 * 0.73).sin()).collect()
}

/// Any codes, with scales that are small numbers.
fn weights(shape: Shape) -> Aligned<u8> {
    let quant = shape.quant();
    let mut source: Vec<u8> = (0..shape.source_bytes())
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let scale = f32_to_f16(0.01).to_le_bytes();
    for block in source.chunks_exact_mut(quant.block_bytes()) {
        let at = match quant {
            Quant::Q2K => block.len() - 4,
            Quant::Q3K | Quant::Q6K => block.len() - 2,
            _ => 0,
        };
        block[at..at + 2].copy_from_slice(&scale);
        if matches!(
            quant,
            Quant::Q4_1 | Quant::Q5_1 | Quant::Q4K | Quant::Q5K | Quant::Q2K
        ) {
            block[at + 2..at + 4].copy_from_slice(&scale);
        }
    }
    let mut packed = Aligned::zeroed(shape.packed_bytes());
    pack(shape, &source, &mut packed).expect("lengths that agree");
    packed
}

fn products(isa: Isa) {
    let small =
        [(576, 576), (1536, 576), (49152, 576)].map(|(rows, columns)| (Quant::Q4_1, rows, columns));
    let large = [Quant::Q4K, Quant::Q6K, Quant::Q8_0]
        .into_iter()
        .flat_map(|quant| [(quant, 4096, 4096), (quant, 14336, 4096)]);
    let others = [
        Quant::F32,
        Quant::F16,
        Quant::Bf16,
        Quant::Q4_0,
        Quant::Q5_0,
        Quant::Q5_1,
        Quant::Q2K,
        Quant::Q3K,
        Quant::Q5K,
        Quant::Iq4Nl,
        Quant::Iq4Xs,
    ]
    .map(|quant| (quant, 4096, 2048));
    for (quant, rows, columns) in small.into_iter().chain(large).chain(others) {
        let name = format!("{isa:?} {} {rows}x{columns}", quant.name());
        let counts = [1, 4, 512].map(|count| (count, format!("{name} m={count}")));
        if !counts.iter().any(|(_, name)| is_asked(name)) {
            continue;
        }
        let shape = Shape::new(quant, rows, columns).expect("a shape that can be");
        let bytes = weights(shape);
        let weights = PackedWeights::new(shape, &bytes).expect("as many bytes");
        let mut scratch = Scratch::new();
        for (count, name) in counts {
            let mut inputs = Inputs::new();
            inputs.set(isa, InputKind::of(quant), &wave(count * columns), columns);
            // Of many rows' products so few tiles that other work rarely comes between.
            let most = MOST_PRODUCTS / (columns * count * TILE_ROWS);
            let tiles = if count == 1 {
                shape.tiles()
            } else {
                shape.tiles().min(most)
            };
            let part = weights.rows(0..(tiles * TILE_ROWS).min(rows));
            let rows = part.shape().rows();
            let mut out = vec![0.0; count * rows];
            line(
                name,
                part.shape().packed_bytes(),
                rows * columns * count,
                || {
                    let out = ColumnsMut::new(&mut out, rows);
                    multiply(isa, black_box(&part), 0..tiles, &inputs, out, &mut scratch);
                },
            );
        }
    }
}

fn attention(isa: Isa) {
    const DEPTH: usize = 8192;
    for (kind, (width, heads, tokens)) in [CacheKind::F16, CacheKind::Int8]
        .into_iter()
        .flat_map(|kind| [(128, 4, 1), (64, 3, 1), (128, 4, 128)].map(|shape| (kind, shape)))
    {
        let name = format!("{isa:?} attention {kind:?} {width} heads={heads} m={tokens}");
        if !is_asked(&name) {
            continue;
        }
        let layout = CacheLayout::new(kind, width, DEPTH);
        let mut bytes = Aligned::zeroed(layout.bytes());
        for position in 0..DEPTH {
            let row = wave(width + position % 7);
            layout.store(
                isa,
                &mut bytes,
                position,
                &row[position % 7..],
                &row[..width],
            );
        }
        let values = wave(tokens * heads * width);
        let queries = Queries {
            values: &values,
            stride: heads * width,
            tokens,
            heads,
            first_position: DEPTH - tokens,
        };
        let attention = Attention {
            scale: 0.1,
            soft_cap: None,
            window: None,
        };
        let cache = HeadCache {
            layout,
            bytes: &bytes,
        };
        let mut scratch = CacheScratch::new();
        let mut out = vec![0.0; tokens * heads * width];
        line(
            name,
            bytes.len(),
            2 * DEPTH * width * heads * tokens,
            || {
                let out = ColumnsMut::new(&mut out, heads * width);
                attend(isa, attention, black_box(cache), queries, out, &mut scratch);
            },
        );
    }
}

fn quantising(isa: Isa) {
    let (rows, columns) = (64, 4096);
    let values = wave(rows * columns);
    let mut inputs = Inputs::new();
    for kind in [InputKind::Blocks, InputKind::SuperBlocks] {
        let name = format!("{isa:?} quantise {kind:?}");
        line(name, 4 * rows * columns, rows * columns, || {
            inputs.set(isa, kind, black_box(&values), columns);
        });
    }
}

fn packing() {
    for quant in [Quant::Q4_1, Quant::Q4K, Quant::Q6K, Quant::Q8_0] {
        let shape = Shape::new(quant, 512, 4096).expect("a shape that can be");
        let source = vec![0x11; shape.source_bytes()];
        let mut packed = Aligned::<u8>::zeroed(shape.packed_bytes());
        let name = format!("pack {}", quant.name());
        line(name, source.len(), 512 * 4096, || {
            pack(shape, black_box(&source), &mut packed).expect("lengths that agree");
        });
    }
}

fn main() {
    packing();
    for isa in Isa::available()
        .into_iter()
        .filter(|isa| *isa != Isa::SCALAR)
    {
        products(isa);
        attention(isa);
        quantising(isa);
    }
}
