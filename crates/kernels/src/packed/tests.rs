//! Products of packed weights against the same in 64-bit floats, for every format on every
//! instruction set.

use proptest::prelude::*;

use super::*;
use crate::Isa;
use crate::quant::Quant;
use crate::quant::half::f32_to_f16;

struct Noise(u32);

impl Noise {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 8
    }

    /// From -1 to 1.
    fn float(&mut self) -> f32 {
        self.next() as f32 / 8_388_608.0 - 1.0
    }

    fn floats(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.float()).collect()
    }
}

/// Where a block has half-precision numbers.
fn halves(quant: Quant) -> &'static [usize] {
    match quant {
        Quant::F32 | Quant::F16 | Quant::Bf16 => &[],
        Quant::Q4_1 | Quant::Q5_1 | Quant::Q4K | Quant::Q5K => &[0, 2],
        Quant::Q2K => &[80, 82],
        Quant::Q3K => &[108],
        Quant::Q6K => &[208],
        _ => &[0],
    }
}

/// A matrix of any bytes but for the scales, which are small numbers.
fn matrix(shape: Shape, seed: u32) -> Vec<u8> {
    let mut noise = Noise(seed);
    let quant = shape.quant();
    let count = shape.rows() * shape.columns();
    match quant {
        Quant::F32 => noise
            .floats(count)
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect(),
        Quant::F16 => {
            let floats = noise.floats(count);
            floats
                .iter()
                .flat_map(|x| f32_to_f16(*x).to_le_bytes())
                .collect()
        }
        Quant::Bf16 => {
            let floats = noise.floats(count);
            floats
                .iter()
                .flat_map(|x| ((x.to_bits() >> 16) as u16).to_le_bytes())
                .collect()
        }
        _ => {
            let mut bytes: Vec<u8> = (0..shape.source_bytes())
                .map(|_| noise.next() as u8)
                .collect();
            for block in bytes.chunks_mut(quant.block_bytes()) {
                for at in halves(quant) {
                    let half = f32_to_f16(noise.float() * 0.01);
                    block[*at..*at + 2].copy_from_slice(&half.to_le_bytes());
                }
            }
            bytes
        }
    }
}

fn packed(shape: Shape, source: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xa5; shape.packed_bytes()];
    pack(shape, source, &mut bytes).unwrap();
    bytes
}

fn columns_for(quant: Quant, blocks: usize) -> usize {
    match quant.block_columns() {
        1 => blocks * 19,
        32 => blocks * 32,
        _ => blocks.div_ceil(4) * 256,
    }
}

fn product(isa: Isa, weights: &PackedWeights<'_>, values: &[f32]) -> Vec<f32> {
    let shape = weights.shape();
    let mut inputs = Inputs::new();
    inputs.set(isa, InputKind::of(shape.quant()), values, shape.columns());
    let mut out = vec![f32::NAN; inputs.rows() * shape.rows()];
    let columns = ColumnsMut::new(&mut out, shape.rows());
    multiply(
        isa,
        weights,
        0..shape.tiles(),
        &inputs,
        columns,
        &mut Scratch::new(),
    );
    out
}

/// The values that an input stands for once it is quantised, by the definition.
fn rounded(quant: Quant, values: &[f32]) -> Vec<f64> {
    let stretch = match InputKind::of(quant) {
        InputKind::Floats => return values.iter().map(|x| f64::from(*x)).collect(),
        InputKind::Blocks => 32,
        InputKind::SuperBlocks => 256,
    };
    values
        .chunks(stretch)
        .flat_map(|values| {
            let largest = values
                .iter()
                .fold(0.0f32, |largest, x| largest.max(x.abs()));
            let inverse = 127.0 / largest;
            let scale = f64::from(largest / 127.0);
            values
                .iter()
                .map(move |x| f64::from((x * inverse).round_ties_even()) * scale)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_isa_agrees_with_the_product_in_f64(
        which in 0..Quant::ALL.len(),
        rows in 1usize..70,
        blocks in 1usize..20,
        count in 1usize..20,
        seed in any::<u32>(),
    ) {
        let quant = Quant::ALL[which];
        let shape = Shape::new(quant, rows, columns_for(quant, blocks)).unwrap();
        let source = matrix(shape, seed);
        let bytes = packed(shape, &source);
        let weights = PackedWeights::new(shape, &bytes).unwrap();
        let values = Noise(seed ^ 5).floats(count * shape.columns());
        let mut exact = vec![0.0; rows * shape.columns()];
        quant.dequantise(&source, &mut exact);
        let inputs = rounded(quant, &values);
        for isa in Isa::available() {
            let got = product(isa, &weights, &values);
            for (got, input) in got.chunks(rows).zip(inputs.chunks(shape.columns())) {
                for (got, row) in got.iter().zip(exact.chunks(shape.columns())) {
                    let terms = || row.iter().zip(input).map(|(w, x)| f64::from(*w) * x);
                    let expected: f64 = terms().sum();
                    let size: f64 = terms().map(f64::abs).sum();
                    let error = (f64::from(*got) - expected).abs();
                    prop_assert!(error <= 2e-6 * size + 1e-6, "{quant:?} {isa:?}: {got}, not {expected}");
                }
            }
        }
    }

    #[test]
    fn a_packed_row_keeps_its_values(
        which in 0..Quant::ALL.len(),
        rows in 1usize..40,
        blocks in 1usize..20,
        seed in any::<u32>(),
    ) {
        let quant = Quant::ALL[which];
        let shape = Shape::new(quant, rows, columns_for(quant, blocks)).unwrap();
        let source = matrix(shape, seed);
        let bytes = packed(shape, &source);
        let weights = PackedWeights::new(shape, &bytes).unwrap();
        let mut expected = vec![0.0; rows * shape.columns()];
        quant.dequantise(&source, &mut expected);
        let mut got = vec![f32::NAN; shape.columns()];
        for (row, expected) in expected.chunks(shape.columns()).enumerate() {
            weights.dequantise_row(row, &mut got);
            for (got, expected) in got.iter().zip(expected) {
                prop_assert!((got - expected).abs() <= 1e-6 * expected.abs().max(1e-3), "{quant:?}");
            }
        }
    }
}

#[test]
fn a_row_has_the_same_bits_alone_among_others_and_by_tiles() {
    let (rows, count) = (75, 23);
    for quant in Quant::ALL {
        let shape = Shape::new(quant, rows, columns_for(quant, 18)).unwrap();
        let bytes = packed(shape, &matrix(shape, 77));
        let weights = PackedWeights::new(shape, &bytes).unwrap();
        let values = Noise(3).floats(count * shape.columns());
        for isa in Isa::available() {
            let all = product(isa, &weights, &values);
            for row in [0, 5, 6, 17, 22] {
                let alone = product(
                    isa,
                    &weights,
                    &values[row * shape.columns()..][..shape.columns()],
                );
                assert_eq!(
                    alone,
                    all[row * rows..][..rows],
                    "{quant:?} {isa:?}, row {row}"
                );
            }
            let mut inputs = Inputs::new();
            inputs.set(isa, InputKind::of(quant), &values, shape.columns());
            let mut out = vec![f32::NAN; count * rows];
            let (first, rest) = ColumnsMut::new(&mut out, rows).split_at(16);
            let (second, third) = rest.split_at(48);
            let mut scratch = Scratch::new();
            multiply(isa, &weights, 4..5, &inputs, third, &mut scratch);
            multiply(isa, &weights, 1..4, &inputs, second, &mut scratch);
            multiply(isa, &weights, 0..1, &inputs, first, &mut scratch);
            assert_eq!(out, all, "{quant:?} {isa:?}");
        }
    }
}

#[test]
fn some_rows_are_a_matrix_of_their_own() {
    let shape = Shape::new(Quant::Q6K, 70, 256).unwrap();
    let bytes = packed(shape, &matrix(shape, 6));
    let weights = PackedWeights::new(shape, &bytes).unwrap();
    let values = Noise(2).floats(256);
    for isa in Isa::available() {
        let all = product(isa, &weights, &values);
        assert_eq!(product(isa, &weights.rows(0..32), &values), all[..32]);
        assert_eq!(product(isa, &weights.rows(32..70), &values), all[32..]);
    }
}

#[test]
fn more_rows_than_one_pass_takes_are_all_multiplied() {
    let shape = Shape::new(Quant::Q4_1, 20, 64).unwrap();
    let bytes = packed(shape, &matrix(shape, 9));
    let weights = PackedWeights::new(shape, &bytes).unwrap();
    let one = Noise(8).floats(64);
    for isa in Isa::available() {
        let alone = product(isa, &weights, &one);
        let all = product(isa, &weights, &one.repeat(1030));
        assert!(all.chunks(20).all(|row| row == alone), "{isa:?}");
    }
}

#[test]
fn the_largest_bytes_do_not_overflow() {
    for quant in Quant::ALL {
        let shape = Shape::new(quant, 16, 512).unwrap();
        for byte in [0x00, 0x7f, 0x80, 0xff] {
            let mut source = vec![byte; shape.source_bytes()];
            for block in source.chunks_mut(quant.block_bytes()) {
                for at in halves(quant) {
                    block[*at..*at + 2].copy_from_slice(&f32_to_f16(0.5).to_le_bytes());
                }
                if halves(quant).is_empty() {
                    block.fill(0x3e);
                }
            }
            let bytes = packed(shape, &source);
            let weights = PackedWeights::new(shape, &bytes).unwrap();
            let mut exact = vec![0.0; 512];
            quant.dequantise(&source[..shape.source_row_bytes()], &mut exact);
            for sign in [1.0, -1.0] {
                let expected: f64 = exact.iter().map(|w| f64::from(*w) * sign).sum();
                let size: f64 = exact.iter().map(|w| f64::from(*w).abs()).sum();
                for isa in Isa::available() {
                    for got in product(isa, &weights, &[sign as f32; 512]) {
                        let error = (f64::from(got) - expected).abs();
                        // Offsets and minimums are of the size of the codes themselves.
                        assert!(
                            error <= 1e-4 * size.max(1.0),
                            "{quant:?} {isa:?} {byte:x}: {got}, not {expected}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn inputs_that_are_no_numbers_make_products_that_are_none() {
    for quant in Quant::ALL {
        let shape = Shape::new(quant, 17, 256).unwrap();
        let bytes = packed(shape, &matrix(shape, 4));
        let weights = PackedWeights::new(shape, &bytes).unwrap();
        for bad in [f32::NAN, f32::INFINITY] {
            let mut values = vec![0.5; 512];
            values[70] = bad;
            for isa in Isa::available() {
                let out = product(isa, &weights, &values);
                assert!(
                    out[..17].iter().all(|x| !x.is_finite()),
                    "{quant:?} {isa:?}"
                );
                assert!(out[17..].iter().all(|x| x.is_finite()), "{quant:?} {isa:?}");
            }
        }
        for isa in Isa::available() {
            assert_eq!(
                product(isa, &weights, &[0.0; 256]),
                [0.0; 17],
                "{quant:?} {isa:?}"
            );
        }
    }
}

#[test]
fn every_isa_quantises_to_the_same_bytes() {
    let mut values = Noise(12).floats(512);
    values[3] = 40.0;
    values[300..332].fill(0.0);
    values[340] = 1e-42;
    for kind in [InputKind::Blocks, InputKind::SuperBlocks] {
        let quantised = |isa| {
            let mut inputs = Inputs::new();
            inputs.set(isa, kind, &values, 512);
            let chunks = 0..inputs.columns() / SUPER_BLOCK;
            chunks
                .flat_map(|chunk| match kind {
                    InputKind::Blocks => inputs.block_rows(chunk)[0].bytes,
                    _ => inputs.super_rows(chunk)[0].bytes,
                })
                .collect::<Vec<_>>()
        };
        let expected = quantised(Isa::SCALAR);
        assert_eq!(expected[3], 127);
        for isa in Isa::available() {
            assert_eq!(quantised(isa), expected, "{isa:?}");
        }
    }
}

#[test]
fn bytes_of_another_length_are_refused() {
    let shape = Shape::new(Quant::Q8_0, 20, 64).unwrap();
    let mut room = vec![0; shape.packed_bytes()];
    let error = pack(shape, &[0; 7], &mut room).unwrap_err();
    assert!(error.to_string().contains("not 7"), "{error}");
    assert!(PackedWeights::new(shape, &room[1..]).is_err());
}
