//! Matrix products in tiles of `ROWS` rows by `VECTORS` vectors of outputs, whose sums stay in
//! registers while the inputs run.
//!
//! The panels of weights are the outer loop and the rows the inner one, so that a panel stays in
//! the nearest cache while all rows pass by.

use super::{MOST_LANES, Vector, prefetch_line};
use crate::activation::{Activation, Tail};
use crate::matmul::{FLOAT_PANEL, FloatWeights, INT8_GROUP, INT8_PANEL, Int8Weights};
use crate::quantise::{QuantisedRows, RowScale};

/// # Safety
/// As for [`Vector`]; the rows fit the weights and `out` has a row for each. `VECTORS` vectors
/// fill a panel or an even part of it.
#[inline(always)]
pub(crate) unsafe fn matmul_int8<V: Vector, const ROWS: usize, const VECTORS: usize>(
    rows: &QuantisedRows,
    weights: &Int8Weights,
    activation: Activation,
    out: &mut [f32],
) {
    // SAFETY: the caller's promise.
    unsafe {
        match activation.tail() {
            None => int8_panels::<V, ROWS, VECTORS, false>(rows, weights, None, out),
            tail => int8_panels::<V, ROWS, VECTORS, true>(rows, weights, tail, out),
        }
    }
}

/// # Safety
/// As for [`matmul_int8`].
#[inline(always)]
unsafe fn int8_panels<V, const ROWS: usize, const VECTORS: usize, const ACTIVE: bool>(
    rows: &QuantisedRows,
    weights: &Int8Weights,
    tail: Option<&Tail>,
    out: &mut [f32],
) where
    V: Vector,
{
    let count = rows.rows();
    for column in (0..weights.outputs).step_by(VECTORS * V::LANES) {
        let tile = Int8Tile {
            rows,
            weights,
            tail,
            column,
            out: out.as_mut_ptr(),
        };
        let mut row = 0;
        // SAFETY: the caller's promise; no tile reaches past the last row.
        unsafe {
            if count >= ROWS {
                tile.run::<V, ROWS, VECTORS, ACTIVE, true>(0);
                row = ROWS;
            }
            while row + ROWS <= count {
                tile.run::<V, ROWS, VECTORS, ACTIVE, false>(row);
                row += ROWS;
            }
            while row + 2 <= count {
                tile.run::<V, 2, VECTORS, ACTIVE, false>(row);
                row += 2;
            }
            if row < count {
                tile.run::<V, 1, VECTORS, ACTIVE, false>(row);
            }
        }
    }
}

/// Bytes of a cache line.
const LINE: usize = 64;

/// The outputs from `column` on, of an int8 product.
struct Int8Tile<'a> {
    rows: &'a QuantisedRows,
    weights: &'a Int8Weights,
    tail: Option<&'a Tail>,
    column: usize,
    out: *mut f32,
}

impl Int8Tile<'_> {
    /// With `AHEAD`, the processor is told to bring the next outputs' weights near meanwhile: few
    /// rows pass by faster than it would fetch them by itself.
    ///
    /// # Safety
    /// As for [`matmul_int8`], and there are `ROWS` rows from `first` on.
    #[inline(always)]
    unsafe fn run<
        V,
        const ROWS: usize,
        const VECTORS: usize,
        const ACTIVE: bool,
        const AHEAD: bool,
    >(
        &self,
        first: usize,
    ) where
        V: Vector,
    {
        let (weights, stride) = (self.weights, self.rows.stride());
        let groups = weights.inputs.div_ceil(INT8_GROUP);
        let (panel, within) = (self.column / INT8_PANEL, self.column % INT8_PANEL);
        // SAFETY: the panel has `groups` groups of 64 outputs and each row `groups` groups of
        // bytes, which is as far as the loops run; outputs and scales are padded to whole panels.
        unsafe {
            let mut bytes = self.rows.bytes().as_ptr().add(first * stride);
            let mut panels = weights
                .panels
                .as_ptr()
                .add((panel * groups * INT8_PANEL + within) * INT8_GROUP);
            // As much of the next panel as these outputs are of theirs.
            let share = VECTORS * V::LANES * INT8_GROUP;
            let next = (panel + 1) * INT8_PANEL + within;
            let mut next = weights
                .panels
                .as_ptr()
                .wrapping_add(next * groups * INT8_GROUP);
            let mut sums = [[V::int_zero(); VECTORS]; ROWS];
            for _ in 0..groups {
                if AHEAD {
                    for line in (0..share).step_by(LINE) {
                        prefetch_line(next.wrapping_add(line));
                    }
                    next = next.wrapping_add(share);
                }
                let mut columns = [V::int_zero(); VECTORS];
                for (vector, column) in columns.iter_mut().enumerate() {
                    *column = V::load_groups(panels.add(vector * V::LANES * INT8_GROUP));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let group = V::splat_group(bytes.add(row * stride));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = V::dot_groups(*sum, group, column);
                    }
                }
                bytes = bytes.add(INT8_GROUP);
                panels = panels.add(INT8_PANEL * INT8_GROUP);
            }
            for (row, sums) in sums.iter().enumerate() {
                self.finish::<V, VECTORS, ACTIVE>(first + row, sums);
            }
        }
    }

    /// Turns one row's sums into floats and writes them.
    ///
    /// # Safety
    /// As for [`Int8Tile::run`].
    #[inline(always)]
    unsafe fn finish<V: Vector, const VECTORS: usize, const ACTIVE: bool>(
        &self,
        row: usize,
        sums: &[V::Int; VECTORS],
    ) {
        let weights = self.weights;
        let RowScale { scale, zero } = self.rows.scales()[row];
        // SAFETY: scales, sums and bias are padded to whole panels.
        unsafe {
            let mut values = [V::splat(0.0); VECTORS];
            for (vector, value) in values.iter_mut().enumerate() {
                let at = self.column + vector * V::LANES;
                let of_zero = V::load(weights.sums.as_ptr().add(at));
                let whole = V::splat(zero).neg_mul_add(of_zero, V::to_float(sums[vector]));
                let step = V::load(weights.scales.as_ptr().add(at));
                let bias = V::load(weights.bias.as_ptr().add(at));
                *value = whole.mul(V::splat(scale)).mul_add(step, bias);
            }
            let to = self.out.add(row * weights.outputs + self.column);
            let room = weights.outputs - self.column;
            finish_row::<V, VECTORS, ACTIVE>(values, self.tail, to, room);
        }
    }
}

/// # Safety
/// As for [`Vector`]; `out` has a row for each row, and `VECTORS` vectors fill a panel or an even
/// part of it.
#[inline(always)]
pub(crate) unsafe fn matmul_float<V: Vector, const ROWS: usize, const VECTORS: usize>(
    rows: &[f32],
    weights: &FloatWeights,
    activation: Activation,
    out: &mut [f32],
) {
    // SAFETY: the caller's promise.
    unsafe {
        match activation.tail() {
            None => float_panels::<V, ROWS, VECTORS, false>(rows, weights, None, out),
            tail => float_panels::<V, ROWS, VECTORS, true>(rows, weights, tail, out),
        }
    }
}

/// # Safety
/// As for [`matmul_float`].
#[inline(always)]
unsafe fn float_panels<V, const ROWS: usize, const VECTORS: usize, const ACTIVE: bool>(
    rows: &[f32],
    weights: &FloatWeights,
    tail: Option<&Tail>,
    out: &mut [f32],
) where
    V: Vector,
{
    let count = rows.len() / weights.inputs;
    for column in (0..weights.outputs).step_by(VECTORS * V::LANES) {
        let tile = FloatTile {
            rows,
            weights,
            tail,
            column,
            out: out.as_mut_ptr(),
        };
        let mut row = 0;
        // SAFETY: the caller's promise; no tile reaches past the last row.
        unsafe {
            while row + ROWS <= count {
                tile.run::<V, ROWS, VECTORS, ACTIVE>(row);
                row += ROWS;
            }
            while row + 2 <= count {
                tile.run::<V, 2, VECTORS, ACTIVE>(row);
                row += 2;
            }
            if row < count {
                tile.run::<V, 1, VECTORS, ACTIVE>(row);
            }
        }
    }
}

/// The outputs from `column` on, of a product of floats.
struct FloatTile<'a> {
    rows: &'a [f32],
    weights: &'a FloatWeights,
    tail: Option<&'a Tail>,
    column: usize,
    out: *mut f32,
}

impl FloatTile<'_> {
    /// # Safety
    /// As for [`matmul_float`], and there are `ROWS` rows from `first` on.
    #[inline(always)]
    unsafe fn run<V, const ROWS: usize, const VECTORS: usize, const ACTIVE: bool>(
        &self,
        first: usize,
    ) where
        V: Vector,
    {
        let weights = self.weights;
        let (panel, within) = (self.column / FLOAT_PANEL, self.column % FLOAT_PANEL);
        // SAFETY: the panel has a row of 32 outputs for each input, and the bias is padded to
        // whole panels.
        unsafe {
            let left = Operand {
                from: self.rows.as_ptr().add(first * weights.inputs),
                stride: weights.inputs,
            };
            let right = Operand {
                from: weights
                    .panels
                    .as_ptr()
                    .add(panel * weights.inputs * FLOAT_PANEL + within),
                stride: FLOAT_PANEL,
            };
            let sums = product::<V, ROWS, VECTORS>(left, right, weights.inputs);
            for (row, mut values) in sums.into_iter().enumerate() {
                for (vector, value) in values.iter_mut().enumerate() {
                    let at = self.column + vector * V::LANES;
                    *value = value.add(V::load(weights.bias.as_ptr().add(at)));
                }
                let to = self.out.add((first + row) * weights.outputs + self.column);
                let room = weights.outputs - self.column;
                finish_row::<V, VECTORS, ACTIVE>(values, self.tail, to, room);
            }
        }
    }
}

/// Where a matrix starts, and how many floats lie between the starts of its rows.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    pub(super) from: *const f32,
    pub(super) stride: usize,
}

/// `ROWS` rows of `left`, `depth` long, times `VECTORS` vectors of each of `depth` rows of
/// `right`. Each sum runs over the depth in order.
///
/// # Safety
/// As for [`Vector`]; both matrices are at least that large.
#[inline(always)]
pub(super) unsafe fn product<V: Vector, const ROWS: usize, const VECTORS: usize>(
    left: Operand,
    right: Operand,
    depth: usize,
) -> [[V; VECTORS]; ROWS] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [[V::splat(0.0); VECTORS]; ROWS];
        let (mut a, mut b) = (left.from, right.from);
        for _ in 0..depth {
            let mut columns = [V::splat(0.0); VECTORS];
            for (vector, column) in columns.iter_mut().enumerate() {
                *column = V::load(b.add(vector * V::LANES));
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let x = V::splat(*a.add(row * left.stride));
                for (sum, column) in sums.iter_mut().zip(columns) {
                    *sum = x.mul_add(column, *sum);
                }
            }
            a = a.wrapping_add(1);
            b = b.wrapping_add(right.stride);
        }
        sums
    }
}

/// Applies the activation and writes as many of the values as there is room for.
///
/// # Safety
/// As for [`Vector`]; `to` has room for `room` floats.
#[inline(always)]
unsafe fn finish_row<V: Vector, const VECTORS: usize, const ACTIVE: bool>(
    mut values: [V; VECTORS],
    tail: Option<&Tail>,
    to: *mut f32,
    room: usize,
) {
    // SAFETY: the caller's promise; the values fit the array, as a panel does.
    unsafe {
        if ACTIVE && let Some(tail) = tail {
            values = activate(values, tail);
        }
        store_first(values, to, room);
    }
}

/// Writes the first `room` floats of `values`, or all.
///
/// # Safety
/// As for [`Vector`]; `to` has room for `room` floats.
#[inline(always)]
pub(super) unsafe fn store_first<V: Vector, const VECTORS: usize>(
    values: [V; VECTORS],
    to: *mut f32,
    room: usize,
) {
    // SAFETY: the caller's promise; a part that does not fill the vectors is copied from an
    // array as long as all of them.
    unsafe {
        if room >= VECTORS * V::LANES {
            for (vector, value) in values.into_iter().enumerate() {
                value.store(to.add(vector * V::LANES));
            }
        } else {
            let mut whole = [[0.0f32; MOST_LANES]; VECTORS];
            let start: *mut f32 = whole.as_mut_ptr().cast();
            for (vector, value) in values.into_iter().enumerate() {
                value.store(start.add(vector * V::LANES));
            }
            std::ptr::copy_nonoverlapping(start, to, room);
        }
    }
}

/// `max(x, 0) − tail(|x|)`, of several vectors side by side to hide the chain of products.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
pub(super) unsafe fn activate<V: Vector, const VECTORS: usize>(
    values: [V; VECTORS],
    tail: &Tail,
) -> [V; VECTORS] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut places = values;
        for place in &mut places {
            let inside = place.abs().min(V::splat(tail.end));
            *place = inside.mul_add(V::splat(2.0 / tail.end), V::splat(-1.0));
        }
        let mut sums = [V::splat(0.0); VECTORS];
        for coefficient in tail.coefficients.iter().rev() {
            let coefficient = V::splat(*coefficient);
            for (sum, place) in sums.iter_mut().zip(places) {
                *sum = sum.mul_add(place, coefficient);
            }
        }
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = value.max(V::splat(0.0)).sub(*sum);
        }
        sums
    }
}
