//! Attention over blocks of cached positions.
//!
//! A block's keys and values become floats in scratch that the nearest cache holds, then pass by
//! all queries, some at a time. Both products are the one of [`super::matmul`].

use super::matmul::{Operand, product};
use super::{Vector, exp2, prefetch};
use crate::cache::{Blocks, CacheKind, POSITIONS};

/// Queries at a time: their sums and two vectors of keys fit the registers.
const ROWS: usize = 6;

/// Adds what each query sees of the blocks to the state.
///
/// # Safety
/// As for [`Vector`]; the sizes are as [`crate::cache::attend`] has checked them.
#[inline(always)]
pub(crate) unsafe fn attend_blocks<V: Vector>(mut blocks: Blocks<'_, '_>) {
    const { assert!(POSITIONS.is_multiple_of(2 * V::LANES)) };
    let range = blocks.range;
    for block in range.first / POSITIONS..range.last.div_ceil(POSITIONS) {
        let bytes = blocks.cache.block(block);
        prefetch(bytes, blocks.cache.layout.block_bytes());
        // SAFETY: the caller's promise; groups lie within the rows.
        unsafe {
            let scales = widen::<V>(&mut blocks, bytes);
            let mut group = Group {
                blocks: &mut blocks,
                scales,
                start: block * POSITIONS,
            };
            let mut row = 0;
            while row < range.rows {
                let count = (range.rows - row).min(ROWS);
                match count {
                    1 => group.run::<V, 1>(row),
                    2 => group.run::<V, 2>(row),
                    3 => group.run::<V, 3>(row),
                    4 => group.run::<V, 4>(row),
                    5 => group.run::<V, 5>(row),
                    _ => group.run::<V, ROWS>(row),
                }
                row += count;
            }
        }
    }
}

/// Turns a block's keys and values into floats; returns their scales where they have some.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
unsafe fn widen<V: Vector>(
    blocks: &mut Blocks<'_, '_>,
    bytes: &[u8],
) -> Option<[[f32; POSITIONS]; 2]> {
    let layout = blocks.cache.layout;
    let (matrices, scales) = bytes.split_at(2 * layout.matrix_bytes());
    for (matrix, floats) in matrices
        .chunks_exact(layout.matrix_bytes())
        .zip(blocks.block.chunks_exact_mut(blocks.block_stride))
    {
        match layout.kind() {
            CacheKind::F16 => {
                let floats = floats.as_chunks_mut().0.iter_mut();
                for (halves, floats) in matrix.as_chunks().0.iter().zip(floats) {
                    // SAFETY: the caller's promise.
                    *floats = unsafe { V::widen_halves(halves) };
                }
            }
            CacheKind::Int8 => {
                for (byte, float) in matrix.iter().zip(floats) {
                    *float = f32::from(*byte as i8);
                }
            }
        }
    }
    let scales: &[[[u8; 4]; POSITIONS]] = scales.as_chunks().0.as_chunks().0;
    match scales {
        [keys, values] => Some([keys, values].map(|scales| scales.map(f32::from_le_bytes))),
        _ => None,
    }
}

/// One block, as floats, and the queries that look at it.
struct Group<'a, 'b, 'room> {
    blocks: &'a mut Blocks<'b, 'room>,
    /// Of the keys and of the values.
    scales: Option<[[f32; POSITIONS]; 2]>,
    /// The block's first position.
    start: usize,
}

impl Group<'_, '_, '_> {
    /// Adds the block to the state of `COUNT` queries from `row` on.
    ///
    /// # Safety
    /// As for [`attend_blocks`], and there are that many.
    #[inline(always)]
    unsafe fn run<V: Vector, const COUNT: usize>(&mut self, row: usize) {
        let range = self.blocks.range;
        let last = (row..row + COUNT).map(|row| range.seen(row, self.start));
        // Places that no query sees may hold anything, so they are not multiplied with at all.
        let Some(depth) = last
            .filter(|seen| !seen.is_empty())
            .map(|seen| seen.end)
            .max()
        else {
            return;
        };
        // SAFETY: the caller's promise.
        unsafe {
            let mut scores = self.score::<V, COUNT>(row);
            for (query, scores) in scores.iter_mut().enumerate() {
                self.weigh::<V>(row + query, scores);
            }
            self.mix::<V, COUNT>(row, &scores, depth);
        }
    }

    /// The products of each query with every key.
    ///
    /// # Safety
    /// As for [`Group::run`].
    #[inline(always)]
    unsafe fn score<V: Vector, const COUNT: usize>(&self, row: usize) -> [[f32; POSITIONS]; COUNT] {
        let width = self.blocks.cache.layout.width();
        let mut scores = [[0.0; POSITIONS]; COUNT];
        // SAFETY: keys have rows of 32 floats, which pairs of vectors fill, and queries lie one
        // after the other.
        unsafe {
            let left = Operand {
                from: self.blocks.queries.as_ptr().add(row * width),
                stride: width,
            };
            for key in (0..POSITIONS).step_by(2 * V::LANES) {
                let right = Operand {
                    from: self.blocks.block.as_ptr().add(key),
                    stride: POSITIONS,
                };
                let products = product::<V, COUNT, 2>(left, right, width);
                for (scores, [lower, upper]) in scores.iter_mut().zip(products) {
                    lower.store(scores.as_mut_ptr().add(key));
                    upper.store(scores.as_mut_ptr().add(key + V::LANES));
                }
            }
        }
        scores
    }

    /// Replaces a query's scores by weights, `2^(score − greatest so far)`, and zeros where it
    /// does not look; brings the query's state up to the greatest score.
    ///
    /// # Safety
    /// As for [`Group::run`].
    #[inline(always)]
    unsafe fn weigh<V: Vector>(&mut self, row: usize, scores: &mut [f32; POSITIONS]) {
        let seen = self.blocks.range.seen(row, self.start);
        if seen.is_empty() {
            scores.fill(0.0);
            return;
        }
        // SAFETY: the caller's promise; vectors fill the scores and the rows of sums.
        unsafe {
            self.finish_scores::<V>(scores);
            scores[..seen.start].fill(f32::NEG_INFINITY);
            scores[seen.end..].fill(f32::NEG_INFINITY);
            let mut highest = V::splat(f32::NEG_INFINITY);
            for i in (0..POSITIONS).step_by(V::LANES) {
                highest = V::load(scores.as_ptr().add(i)).max(highest);
            }
            let highest = highest.greatest();
            let state = &mut *self.blocks.state;
            if highest > state.highest[row] {
                let factor = (state.highest[row] - highest).exp2();
                state.highest[row] = highest;
                state.weights[row] *= factor;
                let sums = &mut state.sums[row * state.stride..][..state.stride];
                for sums in sums.chunks_exact_mut(V::LANES) {
                    V::load(sums.as_ptr())
                        .mul(V::splat(factor))
                        .store(sums.as_mut_ptr());
                }
            }
            let shift = V::splat(state.highest[row]);
            let mut sum = V::splat(0.0);
            for i in (0..POSITIONS).step_by(V::LANES) {
                let weight = exp2(V::load(scores.as_ptr().add(i)).sub(shift));
                weight.store(scores.as_mut_ptr().add(i));
                sum = sum.add(weight);
            }
            state.weights[row] += sum.total();
            scores[..seen.start].fill(0.0);
            scores[seen.end..].fill(0.0);
            if let Some([_, scales]) = &self.scales {
                multiply::<V>(scores, scales);
            }
        }
    }

    /// Applies the keys' scales and the soft cap.
    ///
    /// # Safety
    /// As for [`Group::run`].
    #[inline(always)]
    unsafe fn finish_scores<V: Vector>(&self, scores: &mut [f32; POSITIONS]) {
        // SAFETY: the caller's promise; vectors fill the scores.
        unsafe {
            if let Some([scales, _]) = &self.scales {
                multiply::<V>(scores, scales);
            }
            let Some(cap) = self.blocks.soft_cap else {
                return;
            };
            for i in (0..POSITIONS).step_by(V::LANES) {
                let to = scores.as_mut_ptr().add(i);
                let factor = V::splat(cap * std::f32::consts::LOG2_E);
                tanh(V::load(to)).mul(factor).store(to);
            }
        }
    }

    /// Adds the values by their weights to the queries' sums.
    ///
    /// # Safety
    /// As for [`Group::run`].
    #[inline(always)]
    unsafe fn mix<V: Vector, const COUNT: usize>(
        &mut self,
        row: usize,
        weights: &[[f32; POSITIONS]; COUNT],
        depth: usize,
    ) {
        let blocks = &mut *self.blocks;
        let width = blocks.cache.layout.width();
        let state = &mut *blocks.state;
        // SAFETY: rows of sums are whole pairs of vectors; past the last value of a block lies
        // room for what vectors read too much, which only sums past the width see.
        unsafe {
            let left = Operand {
                from: weights.as_flattened().as_ptr(),
                stride: POSITIONS,
            };
            for column in (0..width).step_by(2 * V::LANES) {
                let right = Operand {
                    from: blocks.block.as_ptr().add(blocks.block_stride + column),
                    stride: width,
                };
                let products = product::<V, COUNT, 2>(left, right, depth);
                for (query, [lower, upper]) in products.into_iter().enumerate() {
                    let at = (row + query) * state.stride + column;
                    let to = state.sums.as_mut_ptr().add(at);
                    V::load(to).add(lower).store(to);
                    let to = to.add(V::LANES);
                    V::load(to).add(upper).store(to);
                }
            }
        }
    }
}

/// # Safety
/// As for [`Vector`].
#[inline(always)]
unsafe fn multiply<V: Vector>(values: &mut [f32; POSITIONS], factors: &[f32; POSITIONS]) {
    for i in (0..POSITIONS).step_by(V::LANES) {
        // SAFETY: the caller's promise; vectors fill both.
        unsafe {
            let to = values.as_mut_ptr().add(i);
            V::load(to).mul(V::load(factors.as_ptr().add(i))).store(to);
        }
    }
}

/// `tanh(x)` as `(1 − e) / (1 + e)` with `e = e^(−2|x|)`, and the sign of `x`.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
unsafe fn tanh<V: Vector>(x: V) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        let (one, size) = (V::splat(1.0), x.abs());
        let e = exp2(size.mul(V::splat(-2.0 * std::f32::consts::LOG2_E)));
        let sign = x.div(size.max(V::splat(1e-30)));
        one.sub(e).div(one.add(e)).mul(sign)
    }
}
