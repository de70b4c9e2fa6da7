//! Attention of one sequence, head by head.
//!
//! A head's keys are transposed and its values gathered into scratch that the nearest caches
//! hold; then some queries at a time are multiplied with all keys, turned into weights, and
//! multiplied with all values. Both products are the one of [`super::matmul`].

use std::ops::Range;

use super::matmul::{Operand, product, store_first};
use super::{Vector, exp2};
use crate::attention::{BLOCK, Heads, MOST_QUERIES};

/// Queries at a time once fewer are left than fill a whole tile.
const FEW: usize = 4;

/// # Safety
/// As for [`Vector`]; the slices are as [`crate::attention::attend`] has checked them. Two
/// vectors fill a block or an even part of it, and `ROWS` is at most [`MOST_QUERIES`].
#[inline(always)]
pub(crate) unsafe fn attend<V: Vector, const ROWS: usize>(
    projected: &[f32],
    heads: Heads,
    reach: usize,
    context: &mut [f32],
    scratch: &mut [f32],
) {
    const { assert!(ROWS <= MOST_QUERIES) };
    let hidden = heads.hidden();
    let tokens = projected.len() / (3 * hidden);
    let queries = context.len() / hidden;
    let padded = tokens.next_multiple_of(BLOCK);
    let columns = heads.width.next_multiple_of(BLOCK);
    let (keys, rest) = scratch.split_at_mut(padded * heads.width);
    let (values, scores) = rest.split_at_mut(tokens * columns);
    for index in 0..heads.count {
        let rows = &projected[index * heads.width..];
        transpose_keys(&rows[hidden..], 3 * hidden, heads.width, padded, keys);
        gather_values(
            &rows[2 * hidden..],
            3 * hidden,
            heads.width,
            columns,
            values,
        );
        let mut head = Head {
            width: heads.width,
            hidden,
            tokens,
            reach,
            padded,
            columns,
            queries: rows.as_ptr(),
            keys,
            values,
            scores,
            context: context[index * heads.width..].as_mut_ptr(),
        };
        let mut query = 0;
        // SAFETY: the caller's promise; no block of queries reaches past the last.
        unsafe {
            while query + ROWS <= queries {
                head.run::<V, ROWS>(query);
                query += ROWS;
            }
            while query + FEW <= queries {
                head.run::<V, FEW>(query);
                query += FEW;
            }
            while query < queries {
                head.run::<V, 1>(query);
                query += 1;
            }
        }
    }
}

/// Writes the keys with a row for each of their `width` places and a column for each token;
/// columns past the last token are zero.
#[inline(always)]
fn transpose_keys(rows: &[f32], stride: usize, width: usize, padded: usize, keys: &mut [f32]) {
    const TOKENS: usize = 16;
    for (block, rows) in rows.chunks(stride * TOKENS).enumerate() {
        for place in 0..width {
            let to = &mut keys[place * padded + block * TOKENS..][..TOKENS];
            for (token, to) in to.iter_mut().enumerate() {
                *to = rows.get(token * stride + place).copied().unwrap_or(0.0);
            }
        }
    }
    let filled = rows.len().div_ceil(stride).next_multiple_of(TOKENS);
    if filled < padded {
        for row in keys.chunks_exact_mut(padded) {
            row[filled..].fill(0.0);
        }
    }
}

/// Writes the values with a row for each token, zero past their width.
#[inline(always)]
fn gather_values(rows: &[f32], stride: usize, width: usize, columns: usize, values: &mut [f32]) {
    for (row, to) in rows.chunks(stride).zip(values.chunks_exact_mut(columns)) {
        let (to, padding) = to.split_at_mut(width);
        to.copy_from_slice(&row[..width]);
        // A call for nothing takes a while, too.
        if !padding.is_empty() {
            padding.fill(0.0);
        }
    }
}

/// One head, and where its parts lie.
struct Head<'a> {
    width: usize,
    /// All heads' width: what lies between two rows of the context.
    hidden: usize,
    tokens: usize,
    /// How far away a query's keys may be.
    reach: usize,
    /// Tokens rounded up to whole blocks: the length of a row of keys and of scores.
    padded: usize,
    /// The width rounded up to whole blocks: the length of a row of values.
    columns: usize,
    /// The first token's query; three times `hidden` to the next.
    queries: *const f32,
    keys: &'a [f32],
    values: &'a [f32],
    scores: &'a mut [f32],
    context: *mut f32,
}

impl Head<'_> {
    /// Attention of `ROWS` queries from `first` on.
    ///
    /// # Safety
    /// As for [`attend`], and there are that many.
    #[inline(always)]
    unsafe fn run<V: Vector, const ROWS: usize>(&mut self, first: usize) {
        // Whole blocks of keys, with all that any of the queries reaches.
        let start = first.saturating_sub(self.reach) / BLOCK * BLOCK;
        let end = (first + ROWS).saturating_add(self.reach).min(self.tokens);
        let keys = start..end.next_multiple_of(BLOCK);
        // SAFETY: the caller's promise; the keys end within the padded ones.
        unsafe {
            self.score::<V, ROWS>(first, keys.clone());
            let mut inverse_sums = [0.0; ROWS];
            for (row, inverse) in inverse_sums.iter_mut().enumerate() {
                *inverse = 1.0 / self.weigh::<V>(row, first + row, keys.clone());
            }
            self.mix::<V, ROWS>(first, start..end, inverse_sums);
        }
    }

    /// Writes the products of each query with the keys.
    ///
    /// # Safety
    /// As for [`Head::run`]; the keys are whole blocks of those there are.
    #[inline(always)]
    unsafe fn score<V: Vector, const ROWS: usize>(&mut self, first: usize, keys: Range<usize>) {
        let stride = 3 * self.hidden;
        // SAFETY: keys and scores have rows of `padded` floats, and a whole number of pairs of
        // vectors fills a block.
        unsafe {
            let left = Operand {
                from: self.queries.add(first * stride),
                stride,
            };
            for key in keys.step_by(2 * V::LANES) {
                let right = Operand {
                    from: self.keys.as_ptr().add(key),
                    stride: self.padded,
                };
                let products = product::<V, ROWS, 2>(left, right, self.width);
                for (row, [lower, upper]) in products.into_iter().enumerate() {
                    let to = self.scores.as_mut_ptr().add(row * self.padded + key);
                    lower.store(to);
                    upper.store(to.add(V::LANES));
                }
            }
        }
    }

    /// Replaces the scores of `query` in `row` by `exp((score − highest) / √width)`; returns
    /// their sum.
    ///
    /// # Safety
    /// As for [`Head::score`].
    #[inline(always)]
    unsafe fn weigh<V: Vector>(&mut self, row: usize, query: usize, keys: Range<usize>) -> f32 {
        let scores = &mut self.scores[row * self.padded..][keys.clone()];
        // What pads the row or is out of reach becomes next to nothing: it leaves the sum as it
        // is.
        let start = query.saturating_sub(self.reach).max(keys.start) - keys.start;
        let end = query.saturating_add(self.reach).min(self.tokens - 1) + 1 - keys.start;
        scores[..start].fill(f32::NEG_INFINITY);
        scores[end..].fill(f32::NEG_INFINITY);
        let factor = std::f32::consts::LOG2_E / (self.width as f32).sqrt();
        // SAFETY: a whole number of pairs of vectors fills the scores.
        unsafe {
            let (mut lower, mut upper) = (V::splat(f32::NEG_INFINITY), V::splat(f32::NEG_INFINITY));
            for i in (0..scores.len()).step_by(2 * V::LANES) {
                lower = V::load(scores.as_ptr().add(i)).max(lower);
                upper = V::load(scores.as_ptr().add(i + V::LANES)).max(upper);
            }
            let shift = V::splat(-lower.max(upper).greatest() * factor);
            let (mut lower, mut upper) = (V::splat(0.0), V::splat(0.0));
            for i in (0..scores.len()).step_by(2 * V::LANES) {
                let to = scores.as_mut_ptr().add(i);
                let first = exp2(V::load(to).mul_add(V::splat(factor), shift));
                let second = exp2(V::load(to.add(V::LANES)).mul_add(V::splat(factor), shift));
                first.store(to);
                second.store(to.add(V::LANES));
                lower = lower.add(first);
                upper = upper.add(second);
            }
            lower.add(upper).total()
        }
    }

    /// Writes the means of the values by the weights.
    ///
    /// # Safety
    /// As for [`Head::run`].
    #[inline(always)]
    unsafe fn mix<V: Vector, const ROWS: usize>(
        &mut self,
        first: usize,
        keys: Range<usize>,
        inverse_sums: [f32; ROWS],
    ) {
        // SAFETY: values have rows of `columns` floats, which a whole number of pairs of vectors
        // fills; a row of the context has room for the head's width.
        unsafe {
            let left = Operand {
                from: self.scores.as_ptr().add(keys.start),
                stride: self.padded,
            };
            for column in (0..self.width).step_by(2 * V::LANES) {
                let right = Operand {
                    from: self.values.as_ptr().add(keys.start * self.columns + column),
                    stride: self.columns,
                };
                let products = product::<V, ROWS, 2>(left, right, keys.len());
                for (row, [lower, upper]) in products.into_iter().enumerate() {
                    let inverse = V::splat(inverse_sums[row]);
                    let to = self.context.add((first + row) * self.hidden + column);
                    store_first(
                        [lower.mul(inverse), upper.mul(inverse)],
                        to,
                        self.width - column,
                    );
                }
            }
        }
    }
}
