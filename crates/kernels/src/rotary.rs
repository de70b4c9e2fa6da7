//! Rotary position embedding: queries and keys are turned by an angle that grows with the
//! position, so that their products depend on how far apart they stand.

use crate::attention::Heads;
use crate::{Isa, dispatch};

/// The angles of every position, as cosines and sines.
///
/// The places `i` and `i + half` of a head turn together (the layout of GPT-NeoX), at position `p`
/// by `p · frequencies[i]`; places from `2 · half` on stay as they are.
/// Source: Su et al., RoFormer, <https://arxiv.org/abs/2104.09864>.
pub struct Rotary {
    half: usize,
    /// For each position, `half` cosines.
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl Rotary {
    /// The angles of positions 0 to `positions - 1`; a frequency is in radians a position.
    ///
    /// # Panics
    /// When there are no frequencies.
    pub fn new(frequencies: &[f64], positions: usize) -> Self {
        assert!(!frequencies.is_empty(), "at least one frequency");
        let angles = |of: fn(f64) -> f64| {
            let rows = (0..positions).flat_map(|position| {
                frequencies
                    .iter()
                    .map(move |frequency| of(position as f64 * frequency) as f32)
            });
            rows.collect()
        };
        Rotary {
            half: frequencies.len(),
            cosines: angles(f64::cos),
            sines: angles(f64::sin),
        }
    }

    /// The number of positions.
    pub fn positions(&self) -> usize {
        self.cosines.len() / self.half
    }

    /// The number of pairs that turn.
    pub(crate) fn half(&self) -> usize {
        self.half
    }

    /// The cosines and sines of a position.
    pub(crate) fn at(&self, position: usize) -> (&[f32], &[f32]) {
        let row = position * self.half..(position + 1) * self.half;
        (&self.cosines[row.clone()], &self.sines[row])
    }
}

/// Turns the queries and keys of one sequence, whose first token stands at position 0.
///
/// `projected` has a row for each token: the queries of all heads, then the keys, then the
/// values, as [`crate::attention::attend`] takes it.
///
/// # Panics
/// When `projected` is not a whole number of such rows, there are more of them than positions,
/// or more turns than fit a head.
pub fn rotate(isa: Isa, projected: &mut [f32], heads: Heads, rotary: &Rotary) {
    let row = 3 * heads.hidden();
    assert!(row > 0 && projected.len().is_multiple_of(row), "whole rows");
    assert!(2 * rotary.half <= heads.width, "turns that fit a head");
    assert!(
        projected.len() / row <= rotary.positions(),
        "a position for each token"
    );
    dispatch!(isa, rotate_projected(projected, heads, rotary));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn noise(len: usize, seed: u32) -> Vec<f32> {
        (0..len)
            .map(|i| ((i as u32 + 1).wrapping_mul(seed | 1) % 2001) as f32 / 500.0 - 2.0)
            .collect()
    }

    proptest! {
        #[test]
        fn every_isa_turns_by_the_angle(
            tokens in 1usize..9,
            count in 1usize..4,
            half in 1usize..40,
            rest in 0usize..9,
            seed in any::<u32>(),
        ) {
            let heads = Heads { count, width: 2 * half + rest };
            let frequencies: Vec<f64> = (0..half).map(|i| 1.0 / (1.0 + i as f64)).collect();
            let rotary = Rotary::new(&frequencies, tokens);
            let start = noise(tokens * 3 * heads.hidden(), seed);
            let mut expected = start.clone();
            for (index, x) in expected.iter_mut().enumerate() {
                let (token, column) = (index / (3 * heads.hidden()), index % (3 * heads.hidden()));
                let place = column % heads.width;
                if column >= 2 * heads.hidden() || place >= 2 * half {
                    continue;
                }
                let (sine, cosine) = (token as f64 * frequencies[place % half]).sin_cos();
                let turned = if place < half {
                    f64::from(*x) * cosine - f64::from(start[index + half]) * sine
                } else {
                    f64::from(*x) * cosine + f64::from(start[index - half]) * sine
                };
                *x = turned as f32;
            }
            for isa in Isa::available() {
                let mut got = start.clone();
                rotate(isa, &mut got, heads, &rotary);
                for (got, expected) in got.iter().zip(&expected) {
                    prop_assert!((got - expected).abs() < 1e-5, "{isa:?}: {got}, not {expected}");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "a position for each token")]
    fn more_tokens_than_positions_are_refused() {
        let heads = Heads { count: 1, width: 2 };
        rotate(Isa::best(), &mut [0.0; 18], heads, &Rotary::new(&[1.0], 2));
    }
}
