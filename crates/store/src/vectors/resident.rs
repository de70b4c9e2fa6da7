//! The vectors in memory, for searching.
//!
//! LanceDB's flat search reads and copies the whole column from disk for every question: some
//! 120 ms of processor time for 100,000 vectors of 384 values. Held in memory as 16-bit numbers
//! they take half the room and a tenth of the time. A unit vector's values times 32,000 are
//! rounded; the error of a cosine is some 0.00002, and the sum of products cannot leave 32 bits,
//! because it is at most the product of the two lengths.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Restriction;
use super::rows::unit;
use crate::id::ChunkId;

const SCALE: f32 = 32_000.0;

/// The most memory that one collection's vectors may take; beyond it the table itself is searched.
const MAX_BYTES: usize = 512 << 20;

/// Rows that are worth a thread of their own.
const ROWS_A_THREAD: usize = 20_000;
const MAX_THREADS: usize = 4;

/// A chunk with its score in whole numbers, the best first and then by id.
type Ranked = (i32, Reverse<i64>);

/// Vectors of a table, in no order.
#[derive(Debug, Default)]
pub(super) struct Resident {
    dimension: usize,
    chunks: Vec<i64>,
    documents: Vec<i64>,
    values: Vec<i16>,
    /// The highest chunk id.
    newest: i64,
}

impl Resident {
    /// Room for so many rows; `None` if they are too many.
    pub(super) fn with_capacity(dimension: usize, rows: usize) -> Option<Resident> {
        (rows <= max_rows(dimension)).then(|| Resident {
            dimension,
            chunks: Vec::with_capacity(rows),
            documents: Vec::with_capacity(rows),
            values: Vec::with_capacity(rows * dimension),
            newest: 0,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.chunks.len()
    }

    pub(super) fn newest(&self) -> i64 {
        self.newest
    }

    /// Whether there are more rows than there is room for.
    pub(super) fn is_too_large(&self) -> bool {
        self.len() > max_rows(self.dimension)
    }

    /// Adds a row; one of the wrong length is left out.
    pub(super) fn push(&mut self, chunk: i64, document: i64, vector: &[f32]) {
        if vector.len() != self.dimension {
            return;
        }
        self.chunks.push(chunk);
        self.documents.push(document);
        self.values.extend(vector.iter().map(|value| fixed(*value)));
        self.newest = self.newest.max(chunk);
    }

    /// The nearest chunks with their cosine, the best first.
    pub(super) fn nearest(
        &self,
        vector: &[f32],
        restriction: &Restriction<'_>,
        limit: usize,
    ) -> Vec<(ChunkId, f32)> {
        if self.dimension == 0 || vector.len() != self.dimension {
            return Vec::new();
        }
        let question: Vec<i16> = unit(vector.to_vec()).into_iter().map(fixed).collect();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = (self.len() / ROWS_A_THREAD).clamp(1, cores.min(MAX_THREADS));
        let rows = self.len().div_ceil(threads);
        let mut best: Vec<Ranked> = std::thread::scope(|scope| {
            let parts: Vec<_> = (1..threads)
                .map(|part| (part * rows, ((part + 1) * rows).min(self.len())))
                .map(|(from, to)| {
                    let question = &question;
                    scope.spawn(move || self.best_of(from, to, question, restriction, limit))
                })
                .collect();
            let mut best = self.best_of(0, rows.min(self.len()), &question, restriction, limit);
            for part in parts {
                best.extend(part.join().unwrap_or_default());
            }
            best
        });
        best.sort_unstable_by(|a, b| b.cmp(a));
        best.truncate(limit);
        let cosine = |score: i32| score as f32 / (SCALE * SCALE);
        best.into_iter()
            .map(|(score, Reverse(chunk))| (ChunkId(chunk), cosine(score)))
            .collect()
    }

    /// The best of the rows from `from` up to `to`.
    fn best_of(
        &self,
        from: usize,
        to: usize,
        question: &[i16],
        restriction: &Restriction<'_>,
        limit: usize,
    ) -> Vec<Ranked> {
        let mut best: BinaryHeap<Reverse<Ranked>> = BinaryHeap::new();
        let mut sieve = Sieve::new(restriction);
        let vectors = self.values.chunks_exact(self.dimension);
        for (row, vector) in (from..to).zip(vectors.skip(from)) {
            // Cheaper than a product, and few rows may be left.
            if !sieve.passes(self.chunks[row], self.documents[row]) {
                continue;
            }
            let ranked = (product(question, vector), Reverse(self.chunks[row]));
            let is_full = best.len() >= limit;
            if is_full && best.peek().is_none_or(|worst| ranked <= worst.0) {
                continue;
            }
            if is_full {
                best.pop();
            }
            best.push(Reverse(ranked));
        }
        best.into_iter().map(|Reverse(ranked)| ranked).collect()
    }
}

/// Tells which rows a restriction lets through. Most rows stand beside others of their document,
/// so the last document's verdict is kept.
struct Sieve<'a> {
    restriction: &'a Restriction<'a>,
    last: Option<(i64, bool)>,
}

impl<'a> Sieve<'a> {
    fn new(restriction: &'a Restriction<'a>) -> Sieve<'a> {
        Sieve {
            restriction,
            last: None,
        }
    }

    fn passes(&mut self, chunk: i64, document: i64) -> bool {
        let in_document = match (self.restriction.documents, self.last) {
            (None, _) => true,
            (Some(_), Some((last, verdict))) if last == document => verdict,
            (Some(documents), _) => {
                let verdict = documents.contains(document as u64);
                self.last = Some((document, verdict));
                verdict
            }
        };
        in_document
            && self
                .restriction
                .chunks
                .is_none_or(|chunks| chunks.contains(&chunk))
    }
}

fn max_rows(dimension: usize) -> usize {
    MAX_BYTES / (2 * dimension.max(1) + 16)
}

fn fixed(value: f32) -> i16 {
    (value * SCALE).round() as i16
}

/// The sum of products. A plain loop: compilers make vector instructions of it.
fn product(a: &[i16], b: &[i16]) -> i32 {
    a.iter()
        .zip(b)
        .map(|(a, b)| i32::from(*a) * i32::from(*b))
        .fold(0, i32::wrapping_add)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_nearest_are_those_of_a_plain_search(
            rows in prop::collection::vec(prop::collection::vec(-1.0f32..1.0, 24), 1..60),
            question in prop::collection::vec(-1.0f32..1.0, 24),
            limit in 1usize..20,
        ) {
            let mut resident = Resident::with_capacity(24, 1).unwrap();
            for (id, row) in rows.iter().enumerate() {
                resident.push(id as i64, 0, &unit(row.clone()));
            }
            let found = resident.nearest(&question, &Restriction::default(), limit);
            prop_assert_eq!(found.len(), limit.min(rows.len()));
            let question = unit(question);
            let cosine = |id: ChunkId| -> f32 {
                let row = unit(rows[id.0 as usize].clone());
                row.iter().zip(&question).map(|(a, b)| a * b).sum()
            };
            for pair in found.windows(2) {
                prop_assert!(pair[0].1 >= pair[1].1);
            }
            for (id, score) in &found {
                prop_assert!((score - cosine(*id)).abs() < 2e-4);
            }
            let worst = found.last().map_or(0.0, |(_, score)| *score);
            let better = (0..rows.len() as i64).filter(|id| cosine(ChunkId(*id)) > worst + 2e-4);
            prop_assert!(better.count() < limit);
        }
    }

    #[test]
    fn the_longest_vectors_do_not_overflow() {
        for dimension in [1, 2, 384, 4096] {
            let mut resident = Resident::with_capacity(dimension, 1).unwrap();
            let vector = unit(vec![1.0; dimension]);
            resident.push(1, 1, &vector);
            let found = resident.nearest(&vector, &Restriction::default(), 1);
            assert!((found[0].1 - 1.0).abs() < 1e-2, "{dimension}: {found:?}");
        }
    }

    #[test]
    fn many_rows_are_searched_by_several_threads_and_restrictions_hold() {
        let rows = 3 * ROWS_A_THREAD + 7;
        let mut resident = Resident::with_capacity(2, rows).unwrap();
        for row in 0..rows {
            let angle = row as f32 / rows as f32;
            resident.push(row as i64, row as i64 % 2, &[angle.cos(), angle.sin()]);
        }
        let found = resident.nearest(&[1.0, 0.0], &Restriction::default(), 3);
        assert_eq!(found[0].0, ChunkId(0));
        let odd = [1u64].into_iter().collect();
        let restriction = Restriction {
            documents: Some(&odd),
            ..Restriction::default()
        };
        let found = resident.nearest(&[0.0, 1.0], &restriction, 1000);
        assert_eq!(found.len(), 1000);
        assert!(found.iter().all(|(chunk, _)| chunk.0 % 2 == 1));
        assert!(found[0].0.0 > rows as i64 / 2);
    }

    #[test]
    fn too_many_rows_are_refused() {
        assert!(Resident::with_capacity(384, 10_000_000).is_none());
    }
}
