//! Rotary position embedding: pairs of numbers turned by an angle that grows with the position.

use crate::{Isa, dispatch};

/// Which numbers of a head are turned together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// Neighbours: 0 with 1, 2 with 3. GGUF's "norm", as Llama's weights are stored in it.
    Neighbours,
    /// The first half with the second: 0 with n/2, 1 with n/2 + 1. GGUF's "neox".
    Halves,
}

/// Turns the first `2 · cosines.len()` numbers of each head, in place, by the angles whose cosines
/// and sines are given: `(a, b)` becomes `(a·cos − b·sin, a·sin + b·cos)`. What follows in a head
/// stays as it is.
///
/// # Panics
/// When `heads` is not a whole number of heads of `width`, a head is shorter than what is turned,
/// or there are more cosines than sines or the other way round.
pub fn rotate(
    isa: Isa,
    heads: &mut [f32],
    width: usize,
    pairing: Pairing,
    cosines: &[f32],
    sines: &[f32],
) {
    assert!(
        width > 0 && heads.len().is_multiple_of(width),
        "whole heads"
    );
    assert!(2 * cosines.len() <= width, "angles for one head");
    assert_eq!(cosines.len(), sines.len(), "a sine for each cosine");
    for head in heads.chunks_exact_mut(width) {
        let turned = &mut head[..2 * cosines.len()];
        dispatch!(isa, rotate(turned, pairing, cosines, sines));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_turned_by_their_angles_and_the_rest_stays() {
        for pairs in [1, 4, 12, 32, 64] {
            let width = 2 * pairs + 3;
            let heads: Vec<f32> = (0..2 * width).map(|i| (i as f32 * 0.7).cos()).collect();
            let angles: Vec<f64> = (0..pairs).map(|i| i as f64 * 0.31 - 2.0).collect();
            let cosines: Vec<f32> = angles.iter().map(|a| a.cos() as f32).collect();
            let sines: Vec<f32> = angles.iter().map(|a| a.sin() as f32).collect();
            for (isa, pairing) in Isa::available()
                .into_iter()
                .flat_map(|isa| [(isa, Pairing::Neighbours), (isa, Pairing::Halves)])
            {
                let mut got = heads.clone();
                rotate(isa, &mut got, width, pairing, &cosines, &sines);
                for (got, head) in got.chunks(width).zip(heads.chunks(width)) {
                    for (i, angle) in angles.iter().enumerate() {
                        let (at, other) = match pairing {
                            Pairing::Neighbours => (2 * i, 2 * i + 1),
                            Pairing::Halves => (i, i + pairs),
                        };
                        let (a, b) = (f64::from(head[at]), f64::from(head[other]));
                        let turned = (
                            a * angle.cos() - b * angle.sin(),
                            a * angle.sin() + b * angle.cos(),
                        );
                        assert!((f64::from(got[at]) - turned.0).abs() < 1e-6, "{isa:?}");
                        assert!((f64::from(got[other]) - turned.1).abs() < 1e-6, "{isa:?}");
                    }
                    assert_eq!(got[2 * pairs..], head[2 * pairs..]);
                }
            }
        }
    }
}
