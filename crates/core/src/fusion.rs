//! Fusion: one ranking out of what two retrievers found.

use std::collections::HashMap;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

/// What a retriever found, with its own score; lists are best first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored<Id> {
    /// What was found.
    pub id: Id,
    /// The retriever's score; higher is better.
    pub score: f32,
}

/// Where a list has a find.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Its rank, from 1.
    pub rank: usize,
    /// The retriever's own score.
    pub score: f32,
    /// What that gives to the fused score.
    pub share: f32,
}

/// What a fused ranking says of one find.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fused<Id> {
    /// What was found.
    pub id: Id,
    /// Its place in the dense list.
    pub dense: Option<Place>,
    /// Its place in the lexical list.
    pub lexical: Option<Place>,
}

impl<Id> Fused<Id> {
    /// The fused score, the sum of the shares; higher is better.
    pub fn score(&self) -> f32 {
        let places = [self.dense, self.lexical].into_iter().flatten();
        places.map(|place| place.share).sum()
    }

    fn best_rank(&self) -> usize {
        let places = [self.dense, self.lexical].into_iter().flatten();
        places.map(|place| place.rank).min().unwrap_or(usize::MAX)
    }
}

/// How two rankings become one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fusion {
    /// Each list's scores are stretched to 0…1 (min-max), then added with these weights
    /// (Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", 2023).
    Convex {
        /// Weight of the dense list, 0 to 1; the lexical list has the rest.
        dense_weight: f32,
    },
    /// The sum of 1 / (k + rank) (Cormack, Clarke and Büttcher, 2009).
    ReciprocalRank {
        /// How much the first ranks are levelled; 60 in the paper.
        k: f32,
    },
}

impl Fusion {
    /// The fusion for a dense list that deserves only this share of its weight, 0 to 1.
    pub fn trusting(self, share: f32) -> Fusion {
        match self {
            Fusion::Convex { dense_weight } => Fusion::Convex {
                dense_weight: dense_weight * share.clamp(0.0, 1.0),
            },
            ranks => ranks,
        }
    }
}

/// Below this familiarity the embedder hardly reads the language…
const FOREIGN: f32 = 0.3;
/// …and from this on it is at home in it. English questions of all kinds have 0.7 to 1 with an
/// English WordPiece vocabulary, German ones 0.3 to 0.7, Chinese ones 0.2 to 0.5.
const NATIVE: f32 = 0.75;
/// What even a foreign list is worth: names and numbers are the same in every language.
const LEAST_TRUST: f32 = 0.1;

/// The share of its weight that a dense list deserves whose embedder knows the question's words
/// to this degree ([`crate::model::Embedder::familiarity`]).
pub fn trust(familiarity: f32) -> f32 {
    ((familiarity - FOREIGN) / (NATIVE - FOREIGN)).clamp(LEAST_TRUST, 1.0)
}

impl Default for Fusion {
    fn default() -> Self {
        Fusion::Convex { dense_weight: 0.5 }
    }
}

/// Joins two rankings, best first. Ties are ordered by rank and then by id, so that the result
/// is the same every time. If one list is empty, the other's order is kept.
pub fn fuse<Id: Copy + Eq + Hash + Ord>(
    dense: &[Scored<Id>],
    lexical: &[Scored<Id>],
    fusion: Fusion,
) -> Vec<Fused<Id>> {
    let mut found: HashMap<Id, Fused<Id>> = HashMap::new();
    let mut add = |list: &[Scored<Id>], weight: f32, is_dense: bool| {
        let (low, high) = low_and_high(list.iter().map(|scored| scored.score));
        for (scored, rank) in list.iter().zip(1..) {
            let entry = found.entry(scored.id).or_insert(Fused {
                id: scored.id,
                dense: None,
                lexical: None,
            });
            let place = if is_dense {
                &mut entry.dense
            } else {
                &mut entry.lexical
            };
            let share = match fusion {
                Fusion::Convex { .. } => weight * stretched(scored.score, low, high),
                Fusion::ReciprocalRank { k } => 1.0 / (k + rank as f32),
            };
            place.get_or_insert(Place {
                rank,
                score: scored.score,
                share,
            });
        }
    };
    let dense_weight = match fusion {
        Fusion::Convex { dense_weight } => dense_weight.clamp(0.0, 1.0),
        Fusion::ReciprocalRank { .. } => 0.5,
    };
    add(dense, dense_weight, true);
    add(lexical, 1.0 - dense_weight, false);
    let mut fused: Vec<Fused<Id>> = found.into_values().collect();
    fused.sort_by(|a, b| {
        b.score()
            .total_cmp(&a.score())
            .then_with(|| a.best_rank().cmp(&b.best_rank()))
            .then_with(|| a.id.cmp(&b.id))
    });
    fused
}

fn low_and_high(scores: impl Iterator<Item = f32>) -> (f32, f32) {
    scores.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), score| {
        (low.min(score), high.max(score))
    })
}

/// Scores stretched to 0…1 (min-max), each 1 where all are equal: how scores of different kinds
/// are made to compare.
pub fn stretch(scores: &[f32]) -> Vec<f32> {
    let (low, high) = low_and_high(scores.iter().copied());
    scores
        .iter()
        .map(|score| stretched(*score, low, high))
        .collect()
}

/// The score's place between the lowest and the highest; 1 where all are equal.
fn stretched(score: f32, low: f32, high: f32) -> f32 {
    if high > low {
        (score - low) / (high - low)
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(scores: &[(u32, f32)]) -> Vec<Scored<u32>> {
        scores
            .iter()
            .map(|&(id, score)| Scored { id, score })
            .collect()
    }

    fn ids(fused: &[Fused<u32>]) -> Vec<u32> {
        fused.iter().map(|f| f.id).collect()
    }

    #[test]
    fn scores_are_stretched_and_weighed() {
        let fused = fuse(
            &list(&[(1, 0.9), (2, 0.8), (3, 0.5)]),
            &list(&[(3, 12.0), (2, 11.0), (4, 2.0)]),
            Fusion::Convex { dense_weight: 0.7 },
        );
        assert_eq!(ids(&fused), [2, 1, 3, 4]);
        let (dense, lexical) = (fused[0].dense.unwrap(), fused[0].lexical.unwrap());
        assert!((dense.share - 0.7 * 0.75).abs() < 1e-6);
        assert!((lexical.share - 0.3 * 0.9).abs() < 1e-6);
        assert_eq!(fused[0].score(), dense.share + lexical.share);
        assert_eq!((dense.rank, lexical.rank), (2, 2));
        assert_eq!((dense.score, lexical.score), (0.8, 11.0));
    }

    #[test]
    fn reciprocal_ranks_add_up() {
        let fused = fuse(
            &list(&[(1, 0.9), (2, 0.8)]),
            &list(&[(2, 3.0)]),
            Fusion::ReciprocalRank { k: 60.0 },
        );
        assert_eq!(ids(&fused), [2, 1]);
        assert!((fused[0].score() - (1.0 / 62.0 + 1.0 / 61.0)).abs() < 1e-6);
    }

    #[test]
    fn a_list_that_knows_little_weighs_little() {
        let (dense, lexical) = (list(&[(1, 0.9), (2, 0.1)]), list(&[(3, 8.0), (1, 2.0)]));
        let fusion = Fusion::Convex { dense_weight: 0.7 };
        assert_eq!(fuse(&dense, &lexical, fusion)[0].id, 1);
        assert_eq!(fuse(&dense, &lexical, fusion.trusting(0.2))[0].id, 3);
    }

    #[test]
    fn an_embedder_is_trusted_as_far_as_it_knows_the_words() {
        assert_eq!(trust(0.9), 1.0);
        assert_eq!(trust(0.1), LEAST_TRUST);
        assert!(trust(0.5) > trust(0.4));
    }

    #[test]
    fn one_empty_list_leaves_the_other_in_order() {
        let fused = fuse(
            &[],
            &list(&[(5, 2.0), (1, 2.0), (9, 1.0)]),
            Fusion::default(),
        );
        assert_eq!(ids(&fused), [5, 1, 9]);
    }
}
