//! Self-attention of one sequence over itself: every token sees every other, or those near it.

use crate::aligned::Aligned;
use crate::{Isa, dispatch};

/// Keys, or values of a head's row, that are worked on side by side: two vectors of AVX-512.
pub(crate) const BLOCK: usize = 32;
/// Queries that are worked on side by side at most.
pub(crate) const MOST_QUERIES: usize = 12;

/// The shape of a multi-head attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// The number of heads.
    pub count: usize,
    /// The length of one head's queries, keys and values.
    pub width: usize,
}

impl Heads {
    /// The length of all heads' queries of one token.
    pub fn hidden(self) -> usize {
        self.count * self.width
    }
}

/// Writes to `context`, for each head and token, the mean of the head's values weighted by
/// `softmax(query · key / √width)`, over the tokens that are at most `reach` away.
///
/// `projected` has a row for each token: the queries of all heads, then the keys, then the
/// values. `context` has a row for each token, or for as many of the first tokens as are wanted.
/// `scratch` is room to work in, kept between calls.
///
/// # Panics
/// When the slices are not whole rows of those lengths, `context` has more of them, or a head has
/// no width.
pub fn attend(
    isa: Isa,
    projected: &[f32],
    heads: Heads,
    reach: usize,
    context: &mut [f32],
    scratch: &mut Aligned<f32>,
) {
    let hidden = heads.hidden();
    assert!(hidden > 0, "heads of some width");
    assert!(context.len().is_multiple_of(hidden), "whole rows");
    assert!(
        projected.len().is_multiple_of(3 * hidden) && projected.len() >= 3 * context.len(),
        "queries, keys and values"
    );
    if context.is_empty() {
        return;
    }
    let tokens = projected.len() / (3 * hidden);
    scratch.resize(scratch_len(tokens, heads.width));
    dispatch!(isa, attend(projected, heads, reach, context, scratch));
}

/// Floats that one head of a sequence needs: transposed keys, values, and a block of scores.
pub(crate) fn scratch_len(tokens: usize, width: usize) -> usize {
    let keys = tokens.next_multiple_of(BLOCK);
    keys * width + tokens * width.next_multiple_of(BLOCK) + MOST_QUERIES * keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn noise(len: usize, seed: u32) -> Vec<f32> {
        let mut state = seed | 1;
        (0..len)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 2_097_152.0 - 4.0
            })
            .collect()
    }

    fn attended(isa: Isa, projected: &[f32], heads: Heads) -> Vec<f32> {
        reaching(isa, projected, heads, usize::MAX)
    }

    fn reaching(isa: Isa, projected: &[f32], heads: Heads, reach: usize) -> Vec<f32> {
        let mut context = vec![f32::NAN; projected.len() / 3];
        let mut scratch = Aligned::new();
        attend(isa, projected, heads, reach, &mut context, &mut scratch);
        context
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_isa_agrees_with_the_scalar_twin(
            tokens in 1usize..80,
            count in 1usize..4,
            width in 1usize..70,
            seed in any::<u32>(),
        ) {
            let heads = Heads { count, width };
            let projected = noise(tokens * 3 * heads.hidden(), seed);
            let expected = attended(Isa::SCALAR, &projected, heads);
            for isa in Isa::available() {
                for (got, expected) in attended(isa, &projected, heads).iter().zip(&expected) {
                    prop_assert!((got - expected).abs() < 1e-4, "{isa:?}: {got}, not {expected}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_isa_reaches_as_far_as_the_scalar_twin(
            tokens in 1usize..200,
            reach in 0usize..90,
            width in 1usize..40,
            seed in any::<u32>(),
        ) {
            let heads = Heads { count: 2, width };
            let projected = noise(tokens * 3 * heads.hidden(), seed);
            let expected = reaching(Isa::SCALAR, &projected, heads, reach);
            if reach >= tokens {
                prop_assert_eq!(&expected, &attended(Isa::SCALAR, &projected, heads));
            }
            for isa in Isa::available() {
                let got = reaching(isa, &projected, heads, reach);
                for (got, expected) in got.iter().zip(&expected) {
                    prop_assert!((got - expected).abs() < 1e-4, "{isa:?}: {got}, not {expected}");
                }
            }
        }
    }

    #[test]
    fn what_is_out_of_reach_does_not_count() {
        let heads = Heads { count: 1, width: 1 };
        let mut projected: Vec<f32> = (0..300).map(|i| (i as f32 * 0.37).sin()).collect();
        for isa in Isa::available() {
            let before = reaching(isa, &projected, heads, 10);
            // The last token's key and value.
            projected[298] += 5.0;
            projected[299] += 5.0;
            let after = reaching(isa, &projected, heads, 10);
            assert_eq!(before[..89], after[..89], "{isa:?}");
            assert_ne!(before[89..], after[89..], "{isa:?}");
        }
    }

    #[test]
    fn the_first_tokens_alone_get_what_they_get_among_all() {
        let heads = Heads {
            count: 2,
            width: 17,
        };
        let projected = noise(61 * 3 * heads.hidden(), 4);
        for isa in Isa::available() {
            let all = attended(isa, &projected, heads);
            for queries in [0, 1, 2, 13] {
                let mut context = vec![f32::NAN; queries * heads.hidden()];
                let mut scratch = Aligned::new();
                attend(
                    isa,
                    &projected,
                    heads,
                    usize::MAX,
                    &mut context,
                    &mut scratch,
                );
                assert_eq!(context, all[..context.len()], "{isa:?}");
            }
        }
    }

    #[test]
    fn one_token_attends_to_itself() {
        let heads = Heads { count: 2, width: 3 };
        let projected: Vec<f32> = (0..18).map(|i| i as f32).collect();
        for isa in Isa::available() {
            let context = attended(isa, &projected, heads);
            for (got, value) in context.iter().zip(&projected[12..]) {
                assert!((got - value).abs() < 1e-5, "{isa:?}: {got}, not {value}");
            }
        }
    }

    #[test]
    fn equal_keys_give_the_mean_of_the_values() {
        let heads = Heads { count: 1, width: 2 };
        let row = |value: f32| [1.0, -2.0, 0.5, 0.5, value, -value];
        let projected: Vec<f32> = (0..50).flat_map(|i| row(i as f32)).collect();
        for isa in Isa::available() {
            for pair in attended(isa, &projected, heads).chunks(2) {
                assert!((pair[0] - 24.5).abs() < 1e-3 && (pair[1] + 24.5).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn scores_that_would_overflow_an_exponential_do_not() {
        let heads = Heads { count: 1, width: 1 };
        // Queries of 100 against keys of 100 and -100: the second token's value is all there is.
        let projected = [100.0, -100.0, 7.0, 100.0, 100.0, 9.0];
        for isa in Isa::available() {
            let context = attended(isa, &projected, heads);
            assert!(
                context.iter().all(|x| (x - 9.0).abs() < 1e-5),
                "{isa:?}: {context:?}"
            );
        }
    }
}
