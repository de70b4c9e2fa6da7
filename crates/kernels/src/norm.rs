//! Layer normalisation, with the residual that goes into it, and by the root mean square.

use crate::{Isa, dispatch};

/// The learned part of a layer normalisation.
#[derive(Clone, Copy)]
pub struct LayerNorm<'a> {
    /// Factor for each column.
    pub gain: &'a [f32],
    /// Summand for each column.
    pub bias: &'a [f32],
    /// Added to the variance, so that a constant row does not divide by zero.
    pub epsilon: f32,
}

/// Replaces each row of `hidden` by the layer normalisation of `hidden + update`:
/// `gain · (x − mean) / √(variance + epsilon) + bias`, the variance over the whole row.
///
/// # Panics
/// When `gain` and `bias` differ in length, or `hidden` and `update` are not equally many rows
/// of that length.
pub fn add_layer_norm(isa: Isa, update: &[f32], norm: LayerNorm<'_>, hidden: &mut [f32]) {
    let width = norm.gain.len();
    assert!(width > 0 && norm.bias.len() == width, "gain and bias");
    assert!(hidden.len().is_multiple_of(width), "whole rows");
    assert_eq!(hidden.len(), update.len(), "a row of update for each row");
    for (row, update) in hidden
        .chunks_exact_mut(width)
        .zip(update.chunks_exact(width))
    {
        dispatch!(isa, add_layer_norm_row(update, norm, row));
    }
}

/// Writes `gain · x / √(mean of x² + epsilon)` of each row of `values` to `out`.
///
/// # Panics
/// When `values` is not a whole number of rows as long as `gain`, or `out` has another length.
pub fn rms_norm(isa: Isa, values: &[f32], gain: &[f32], epsilon: f32, out: &mut [f32]) {
    let width = gain.len();
    assert!(
        width > 0 && values.len().is_multiple_of(width),
        "whole rows"
    );
    assert_eq!(values.len(), out.len(), "a row out for each");
    for (row, out) in values.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        dispatch!(isa, rms_norm_row(row, gain, epsilon, out));
    }
}

/// Replaces each row of `hidden` by its layer normalisation, as [`add_layer_norm`] does without
/// an update.
///
/// # Panics
/// When `gain` and `bias` differ in length, or `hidden` is not a whole number of rows of it.
pub fn layer_norm(isa: Isa, norm: LayerNorm<'_>, hidden: &mut [f32]) {
    let width = norm.gain.len();
    assert!(width > 0 && norm.bias.len() == width, "gain and bias");
    assert!(hidden.len().is_multiple_of(width), "whole rows");
    for row in hidden.chunks_exact_mut(width) {
        dispatch!(isa, layer_norm_row(norm, row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_isa_agrees_with_the_scalar_twin(
            width in 1usize..200,
            rows in 1usize..4,
            seed in any::<u32>(),
        ) {
            let noise = |salt: u32| -> Vec<f32> {
                (0..rows * width)
                    .map(|i| (((i as u32 + 1).wrapping_mul(seed | 1) ^ salt) % 2001) as f32 / 500.0 - 2.0)
                    .collect()
            };
            let (start, update) = (noise(7), noise(1234));
            let (gain, bias) = (&noise(99)[..width], &noise(5)[..width]);
            let norm = LayerNorm { gain, bias, epsilon: 1e-5 };
            let mut expected = start.clone();
            add_layer_norm(Isa::SCALAR, &update, norm, &mut expected);
            for isa in Isa::available() {
                let mut got = start.clone();
                add_layer_norm(isa, &update, norm, &mut got);
                for (got, expected) in got.iter().zip(&expected) {
                    // A row whose values nearly coincide magnifies the rounding of its mean.
                    prop_assert!((got - expected).abs() <= 1e-3 * expected.abs().max(1.0), "{isa:?}");
                }
            }
        }
    }

    #[test]
    fn a_row_has_the_mean_and_deviation_that_were_asked_for() {
        let update: Vec<f32> = (0..384).map(|i| (i as f32 * 0.7).cos() * 3.0).collect();
        let (gain, bias) = (vec![2.0; 384], vec![0.5; 384]);
        for isa in Isa::available() {
            let mut row = vec![1.0; 384];
            let norm = LayerNorm {
                gain: &gain,
                bias: &bias,
                epsilon: 1e-12,
            };
            add_layer_norm(isa, &update, norm, &mut row);
            let mean = row.iter().sum::<f32>() / 384.0;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 384.0;
            assert!(
                (mean - 0.5).abs() < 1e-4 && (variance - 4.0).abs() < 1e-3,
                "{isa:?}"
            );
        }
    }

    #[test]
    fn without_an_update_it_is_the_same_as_with_zeros() {
        let row: Vec<f32> = (0..75).map(|i| (i as f32 * 0.3).sin() * 5.0).collect();
        let gain: Vec<f32> = (0..75).map(|i| 1.0 + i as f32 / 100.0).collect();
        let norm = LayerNorm {
            gain: &gain,
            bias: &row,
            epsilon: 1e-5,
        };
        for isa in Isa::available() {
            let (mut alone, mut added) = (row.clone(), row.clone());
            layer_norm(isa, norm, &mut alone);
            add_layer_norm(isa, &[0.0; 75], norm, &mut added);
            assert_eq!(alone, added, "{isa:?}");
        }
    }

    #[test]
    fn a_constant_row_becomes_the_bias() {
        for isa in Isa::available() {
            let mut row = [3.0; 33];
            let norm = LayerNorm {
                gain: &[1.0; 33],
                bias: &[0.25; 33],
                epsilon: 1e-12,
            };
            add_layer_norm(isa, &[0.0; 33], norm, &mut row);
            assert!(
                row.iter().all(|x| (x - 0.25).abs() < 1e-3),
                "{isa:?}: {row:?}"
            );
        }
    }

    #[test]
    fn a_row_is_divided_by_its_root_mean_square() {
        for width in [1, 7, 64, 100, 576] {
            let row: Vec<f32> = (0..2 * width)
                .map(|i| (i as f32 * 0.9).sin() * 5.0)
                .collect();
            let gain: Vec<f32> = (0..width).map(|i| 1.0 + i as f32 / 100.0).collect();
            for isa in Isa::available() {
                let mut out = vec![f32::NAN; 2 * width];
                rms_norm(isa, &row, &gain, 1e-5, &mut out);
                for (row, out) in row.chunks(width).zip(out.chunks(width)) {
                    let squares: f64 = row.iter().map(|x| f64::from(*x).powi(2)).sum();
                    let root = (squares / width as f64 + 1e-5).sqrt();
                    for ((x, gain), got) in row.iter().zip(&gain).zip(out) {
                        let expected = f64::from(*x) / root * f64::from(*gain);
                        assert!((f64::from(*got) - expected).abs() < 1e-5, "{isa:?}");
                    }
                }
            }
        }
    }
}
