//! Rows of floats as bytes, each row with a scale and a zero point of its own.

use crate::aligned::Aligned;
use crate::{Isa, dispatch};

/// How a row of bytes `q` stands for floats: `x = scale · (q − zero)`.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct RowScale {
    /// The step between two neighbouring bytes.
    pub scale: f32,
    /// The byte that stands for zero; a whole number from 0 to 255.
    pub zero: f32,
}

/// Rows of activations as unsigned bytes, the left side of [`crate::matmul::int8`].
///
/// Each row uses the whole range of a byte between its own smallest and largest value, so it is
/// quantised the same way whatever rows stand beside it.
#[derive(Default)]
pub struct QuantisedRows {
    width: usize,
    stride: usize,
    bytes: Aligned<u8>,
    scales: Vec<RowScale>,
}

impl QuantisedRows {
    /// No rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces what is held by the rows of `values`, each `width` floats long. Memory is used
    /// again.
    ///
    /// # Panics
    /// When `values` is not a whole number of rows.
    pub fn quantise(&mut self, isa: Isa, values: &[f32], width: usize) {
        assert!(
            width > 0 && values.len().is_multiple_of(width),
            "whole rows"
        );
        let rows = values.len() / width;
        self.width = width;
        // Products take four bytes at a time; what pads a row meets weights that are zero.
        self.stride = width.next_multiple_of(4);
        self.bytes.resize(rows * self.stride);
        self.scales.clear();
        for (row, bytes) in values
            .chunks_exact(width)
            .zip(self.bytes.chunks_exact_mut(self.stride))
        {
            let (bytes, padding) = bytes.split_at_mut(width);
            self.scales.push(dispatch!(isa, quantise_row(row, bytes)));
            padding.fill(0);
        }
    }

    /// The number of rows held.
    pub fn rows(&self) -> usize {
        self.scales.len()
    }

    /// The number of values in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Bytes from the start of one row to the start of the next: the width rounded up to four.
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn scales(&self) -> &[RowScale] {
        &self.scales
    }
}

/// Smallest range between a row's extremes that is told from zero.
pub(crate) const SMALLEST_RANGE: f32 = 1e-30;

/// The scale of a row with these extremes, zero among them, and the factor `1 / scale`. `None`
/// for a row of zeros.
pub(crate) fn row_scale(low: f32, high: f32) -> Option<(RowScale, f32)> {
    let range = high - low;
    if range.is_nan() || range <= SMALLEST_RANGE {
        return None;
    }
    let inverse = 255.0 / range;
    let scale = RowScale {
        scale: range / 255.0,
        zero: (-low * inverse).round_ties_even(),
    };
    Some((scale, inverse))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_isa_quantises_to_within_a_step(
            values in prop::collection::vec(-30.0f32..30.0, 1..150),
        ) {
            for isa in Isa::available() {
                let mut rows = QuantisedRows::new();
                rows.quantise(isa, &values, values.len());
                prop_assert_eq!(rows.rows(), 1);
                let RowScale { scale, zero } = rows.scales()[0];
                for (&x, &q) in values.iter().zip(rows.bytes()) {
                    let back = scale * (f32::from(q) - zero);
                    prop_assert!((x - back).abs() <= scale * 1.001, "{isa:?}: {x} became {back}");
                }
            }
        }
    }

    #[test]
    fn a_row_is_quantised_alike_among_any_neighbours() {
        let values: Vec<f32> = (0..7 * 30)
            .map(|i| (i as f32 * 0.37).sin() * i as f32)
            .collect();
        for isa in Isa::available() {
            let (mut alone, mut together) = (QuantisedRows::new(), QuantisedRows::new());
            together.quantise(isa, &values, 30);
            for row in 0..7 {
                alone.quantise(isa, &values[row * 30..][..30], 30);
                assert_eq!(alone.bytes(), &together.bytes()[row * 32..][..32]);
                assert_eq!(alone.scales()[0], together.scales()[row]);
            }
        }
    }

    #[test]
    fn zeros_and_values_that_are_no_numbers_do_no_harm() {
        for isa in Isa::available() {
            let mut rows = QuantisedRows::new();
            rows.quantise(isa, &[0.0; 40], 40);
            assert_eq!(rows.scales()[0], RowScale::default());
            rows.quantise(isa, &[f32::NAN; 40], 40);
            rows.quantise(isa, &[f32::INFINITY, 1.0, f32::NEG_INFINITY], 3);
            assert_eq!(rows.rows(), 1);
        }
    }
}
