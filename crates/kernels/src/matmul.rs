//! Matrix products with weights that are packed once: bytes by bytes, or floats.
//!
//! Both multiply rows of activations by a weight matrix that is given as a row of `inputs`
//! numbers for each output, the way linear layers are stored, and both add a bias and apply an
//! activation before anything is written.

use crate::activation::Activation;
use crate::aligned::Aligned;
use crate::quantise::QuantisedRows;
use crate::{Isa, dispatch, scalar};

/// Outputs that lie side by side in packed int8 weights: four vectors of AVX-512.
pub(crate) const INT8_PANEL: usize = 64;
/// Inputs that one int8 instruction consumes.
pub(crate) const INT8_GROUP: usize = 4;
/// Outputs that lie side by side in packed float weights: two vectors of AVX-512.
pub(crate) const FLOAT_PANEL: usize = 32;
/// Beyond this many inputs the sum of products of bytes could leave an i32.
const MOST_INPUTS: usize = 32_768;

/// A weight matrix as signed bytes with a scale for each output, and its bias.
///
/// Laid out as panels of 64 outputs; in a panel, for each four inputs, the four bytes of each
/// output side by side. Outputs and inputs that pad the last panel and group are zero.
pub struct Int8Weights {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) panels: Aligned<i8>,
    /// For each output, padding included: the step between two bytes.
    pub(crate) scales: Aligned<f32>,
    /// For each output the sum of its bytes, which a row's zero point is multiplied by.
    pub(crate) sums: Aligned<f32>,
    pub(crate) bias: Aligned<f32>,
}

impl Int8Weights {
    /// Quantises and packs `weights`, which has a row of `inputs` values for each value of
    /// `bias`. Each row is scaled by its own largest magnitude.
    ///
    /// # Panics
    /// When there are no inputs or more than 32,768, or `weights` is not `inputs · bias.len()`
    /// long.
    pub fn pack(weights: &[f32], bias: &[f32], inputs: usize) -> Self {
        assert!((1..=MOST_INPUTS).contains(&inputs), "1 to 32,768 inputs");
        assert_eq!(weights.len(), inputs * bias.len(), "a row for each output");
        let padded = bias.len().next_multiple_of(INT8_PANEL);
        let groups = inputs.div_ceil(INT8_GROUP);
        let mut packed = Int8Weights {
            inputs,
            outputs: bias.len(),
            panels: Aligned::zeroed(padded * groups * INT8_GROUP),
            scales: Aligned::zeroed(padded),
            sums: Aligned::zeroed(padded),
            bias: pad(bias, padded),
        };
        let mut bytes = vec![0i8; groups * INT8_GROUP];
        for (output, row) in weights.chunks_exact(inputs).enumerate() {
            let scale = quantise_weights(row, &mut bytes[..inputs]);
            let (panel, column) = (output / INT8_PANEL, output % INT8_PANEL);
            for (group, bytes) in bytes.chunks_exact(INT8_GROUP).enumerate() {
                let place = ((panel * groups + group) * INT8_PANEL + column) * INT8_GROUP;
                packed.panels[place..place + INT8_GROUP].copy_from_slice(bytes);
            }
            packed.scales[output] = scale;
            packed.sums[output] = bytes.iter().map(|b| i32::from(*b)).sum::<i32>() as f32;
        }
        packed
    }

    /// The length of a row that goes in.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The length of a row that comes out.
    pub fn outputs(&self) -> usize {
        self.outputs
    }
}

/// A weight matrix of floats and its bias, in panels of 32 outputs; in a panel, for each input,
/// the weights of the outputs side by side.
pub struct FloatWeights {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) panels: Aligned<f32>,
    pub(crate) bias: Aligned<f32>,
}

impl FloatWeights {
    /// Packs `weights`, which has a row of `inputs` values for each value of `bias`.
    ///
    /// # Panics
    /// When there are no inputs, or `weights` is not `inputs · bias.len()` long.
    pub fn pack(weights: &[f32], bias: &[f32], inputs: usize) -> Self {
        assert!(inputs > 0, "at least one input");
        assert_eq!(weights.len(), inputs * bias.len(), "a row for each output");
        let padded = bias.len().next_multiple_of(FLOAT_PANEL);
        let mut panels = Aligned::zeroed(padded * inputs);
        for (output, row) in weights.chunks_exact(inputs).enumerate() {
            let (panel, column) = (output / FLOAT_PANEL, output % FLOAT_PANEL);
            for (input, w) in row.iter().enumerate() {
                panels[(panel * inputs + input) * FLOAT_PANEL + column] = *w;
            }
        }
        FloatWeights {
            inputs,
            outputs: bias.len(),
            panels,
            bias: pad(bias, padded),
        }
    }

    /// The length of a row that goes in.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The length of a row that comes out.
    pub fn outputs(&self) -> usize {
        self.outputs
    }
}

/// Writes the bytes of one output's weights; returns the step between two.
///
/// The step is as small as two limits allow: a byte goes to 127, and two neighbours of one sign
/// to 128 together. Then `255 · (a + b)` fits 16 bits, and AVX2's product of bytes, which adds
/// neighbours and saturates, is exact. Large weights are rarely neighbours, so that costs little.
fn quantise_weights(row: &[f32], bytes: &mut [i8]) -> f32 {
    let largest = row.iter().fold(0.0f32, |largest, w| largest.max(w.abs()));
    let pairs = row.chunks_exact(2).map(|pair| (pair[0] + pair[1]).abs());
    // Rounding adds up to one half to each of a pair: 127 leaves room for it.
    let scale = pairs.fold(largest, f32::max) / 127.0;
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    for (byte, w) in bytes.iter_mut().zip(row) {
        *byte = scalar::nearest(w * inverse) as i8;
    }
    scale
}

fn pad(values: &[f32], len: usize) -> Aligned<f32> {
    let mut padded = Aligned::zeroed(len);
    padded[..values.len()].copy_from_slice(values);
    padded
}

/// Writes `activation(rows · weightsᵀ + bias)` to `out`, a row of `weights.outputs()` floats for
/// each row. The sums are exact integers until the scales are applied.
///
/// # Panics
/// When the rows are not `weights.inputs()` wide or `out` has another size.
pub fn int8(
    isa: Isa,
    rows: &QuantisedRows,
    weights: &Int8Weights,
    activation: Activation,
    out: &mut [f32],
) {
    if rows.rows() == 0 {
        return;
    }
    assert_eq!(rows.width(), weights.inputs, "the rows fit the weights");
    assert_eq!(
        out.len(),
        rows.rows() * weights.outputs,
        "a row out for each"
    );
    dispatch!(isa, matmul_int8(rows, weights, activation, out));
}

/// Writes `activation(rows · weightsᵀ + bias)` to `out`, a row of `weights.outputs()` floats for
/// each row of `weights.inputs()` floats in `rows`.
///
/// # Panics
/// When `rows` is not a whole number of rows or `out` has another number of them.
pub fn float(
    isa: Isa,
    rows: &[f32],
    weights: &FloatWeights,
    activation: Activation,
    out: &mut [f32],
) {
    assert!(rows.len().is_multiple_of(weights.inputs), "whole rows");
    let count = rows.len() / weights.inputs;
    assert_eq!(out.len(), count * weights.outputs, "a row out for each");
    dispatch!(isa, matmul_float(rows, weights, activation, out));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ACTIVATIONS: [Activation; 5] = [
        Activation::Identity,
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Silu,
        Activation::Relu,
    ];

    /// Numbers from -1 to 1 that differ from seed to seed.
    fn noise(len: usize, seed: u32) -> Vec<f32> {
        let mut state = seed | 1;
        (0..len)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 8_388_608.0 - 1.0
            })
            .collect()
    }

    fn product_in_f64(rows: &[f32], weights: &[f32], bias: &[f32], inputs: usize) -> Vec<f64> {
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter()
                .zip(b)
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum()
        };
        rows.chunks(inputs)
            .flat_map(|row| {
                weights
                    .chunks(inputs)
                    .zip(bias)
                    .map(|(column, b)| dot(row, column) + f64::from(*b))
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    fn int8_product(isa: Isa, values: &[f32], weights: &Int8Weights, f: Activation) -> Vec<f32> {
        let mut rows = QuantisedRows::new();
        rows.quantise(isa, values, weights.inputs());
        let mut out = vec![f32::NAN; rows.rows() * weights.outputs()];
        int8(isa, &rows, weights, f, &mut out);
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn int8_agrees_with_its_scalar_twin(
            rows in 1usize..20,
            inputs in 1usize..150,
            outputs in 1usize..150,
            activation in 0usize..5,
            seed in any::<u32>(),
        ) {
            let values = noise(rows * inputs, seed);
            let weights = noise(outputs * inputs, seed ^ 77);
            let packed = Int8Weights::pack(&weights, &noise(outputs, seed ^ 3), inputs);
            let mut quantised = QuantisedRows::new();
            quantised.quantise(Isa::SCALAR, &values, inputs);
            let run = |isa| {
                let mut out = vec![f32::NAN; rows * outputs];
                int8(isa, &quantised, &packed, ACTIVATIONS[activation], &mut out);
                out
            };
            let expected = run(Isa::SCALAR);
            for isa in Isa::available() {
                for (got, expected) in run(isa).iter().zip(&expected) {
                    prop_assert!((got - expected).abs() < 1e-4, "{isa:?}: {got}, not {expected}");
                }
            }
        }

        #[test]
        fn float_agrees_with_the_product_in_f64(
            rows in 1usize..30,
            inputs in 1usize..150,
            outputs in 1usize..150,
            seed in any::<u32>(),
        ) {
            let values = noise(rows * inputs, seed);
            let weights = noise(outputs * inputs, seed ^ 77);
            let bias = noise(outputs, seed ^ 3);
            let packed = FloatWeights::pack(&weights, &bias, inputs);
            let expected = product_in_f64(&values, &weights, &bias, inputs);
            for isa in Isa::available() {
                let mut out = vec![f32::NAN; rows * outputs];
                float(isa, &values, &packed, Activation::Identity, &mut out);
                for (got, expected) in out.iter().zip(&expected) {
                    prop_assert!((f64::from(*got) - expected).abs() < 1e-4, "{isa:?}");
                }
            }
        }

        #[test]
        fn float_activations_agree_with_the_scalar_twin(seed in any::<u32>(), which in 0usize..5) {
            let values: Vec<f32> = noise(13 * 20, seed).iter().map(|x| x * 4.0).collect();
            let packed = FloatWeights::pack(&noise(70 * 20, seed ^ 5), &noise(70, seed ^ 8), 20);
            let mut expected = vec![f32::NAN; 13 * 70];
            float(Isa::SCALAR, &values, &packed, ACTIVATIONS[which], &mut expected);
            for isa in Isa::available() {
                let mut got = vec![f32::NAN; 13 * 70];
                float(isa, &values, &packed, ACTIVATIONS[which], &mut got);
                for (got, expected) in got.iter().zip(&expected) {
                    prop_assert!((got - expected).abs() < 1e-4, "{isa:?}: {got}, not {expected}");
                }
            }
        }
    }

    #[test]
    fn int8_stays_near_the_product_in_f64() {
        let (rows, inputs, outputs) = (9, 384, 100);
        let (values, weights) = (noise(rows * inputs, 1), noise(outputs * inputs, 2));
        let bias = noise(outputs, 3);
        let packed = Int8Weights::pack(&weights, &bias, inputs);
        let expected = product_in_f64(&values, &weights, &bias, inputs);
        for isa in Isa::available() {
            let got = int8_product(isa, &values, &packed, Activation::Identity);
            for (got, expected) in got.iter().zip(&expected) {
                // Sums of 384 products of magnitude 1/3, each off by about a two-hundredth.
                assert!(
                    (f64::from(*got) - expected).abs() < 0.3,
                    "{isa:?}: {got}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn the_largest_bytes_do_not_overflow() {
        let inputs = 4096;
        for pattern in [
            [-1.0, -1.0],
            [1.0, 1.0],
            [1.0, 0.0],
            [-1.0, 0.3],
            [0.6, 0.7],
        ] {
            let weights: Vec<f32> = pattern.into_iter().cycle().take(3 * inputs).collect();
            let packed = Int8Weights::pack(&weights, &[0.0; 3], inputs);
            let expected = (pattern[0] + pattern[1]) * inputs as f32;
            for isa in Isa::available() {
                for got in int8_product(isa, &vec![2.0; inputs], &packed, Activation::Identity) {
                    let error = (got - expected).abs() / expected.abs();
                    assert!(error < 0.01, "{isa:?}, {pattern:?}: {got}, not {expected}");
                }
            }
        }
    }

    #[test]
    fn a_row_has_the_same_bits_among_any_neighbours() {
        let (inputs, outputs, rows) = (52, 90, 31);
        let values = noise(rows * inputs, 11);
        let weights = noise(outputs * inputs, 12);
        let bias = noise(outputs, 13);
        let bytes = Int8Weights::pack(&weights, &bias, inputs);
        let floats = FloatWeights::pack(&weights, &bias, inputs);
        for isa in Isa::available() {
            let all = int8_product(isa, &values, &bytes, Activation::Gelu);
            let mut all_floats = vec![0.0; rows * outputs];
            float(isa, &values, &floats, Activation::Gelu, &mut all_floats);
            for row in 0..rows {
                let alone = &values[row * inputs..][..inputs];
                let one = int8_product(isa, alone, &bytes, Activation::Gelu);
                assert_eq!(one, all[row * outputs..][..outputs], "{isa:?}, row {row}");
                let mut one = vec![0.0; outputs];
                float(isa, alone, &floats, Activation::Gelu, &mut one);
                assert_eq!(
                    one,
                    all_floats[row * outputs..][..outputs],
                    "{isa:?}, row {row}"
                );
            }
        }
    }

    #[test]
    fn no_rows_are_no_work() {
        let packed = Int8Weights::pack(&[1.0; 12], &[0.0; 3], 4);
        int8(
            Isa::best(),
            &QuantisedRows::new(),
            &packed,
            Activation::Gelu,
            &mut [],
        );
        let packed = FloatWeights::pack(&[1.0; 12], &[0.0; 3], 4);
        float(Isa::best(), &[], &packed, Activation::Gelu, &mut []);
    }
}
