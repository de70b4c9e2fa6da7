//! The inner product of two vectors.

use crate::{Isa, dispatch};

/// The sum of `a[i] · b[i]`.
///
/// # Panics
/// When the two differ in length.
pub fn dot(isa: Isa, a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "two vectors of one length");
    dispatch!(isa, dot(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_isa_agrees_with_the_scalar_twin(
            pairs in prop::collection::vec((-4.0f32..4.0, -4.0f32..4.0), 0..300),
        ) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let expected = dot(Isa::SCALAR, &a, &b);
            let size: f32 = a.iter().zip(&b).map(|(a, b)| (a * b).abs()).sum();
            for isa in Isa::available() {
                prop_assert!((dot(isa, &a, &b) - expected).abs() <= 1e-5 * size.max(1.0), "{isa:?}");
            }
        }
    }
}
