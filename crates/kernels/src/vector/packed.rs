//! Products of packed weights, over panels of unpacked codes.
//!
//! Each sum of products of bytes is whole numbers up to a scale's stretch of columns; then it is
//! a float that the scales multiply, summed over a chunk of 256 columns, and the chunks are summed
//! in order. Nothing in that depends on how many rows or tiles are worked on side by side.

use super::{Vector, prefetch};
use crate::packed::{
    BlockRow, FloatPanel, InputKind, Panel, Product, SuperRow, TILE_ROWS, unpack, unpack_floats,
};
use crate::packed::{MOST_ROWS, MOST_TILES};
use crate::quant::{BLOCK, Levels, Quant, SUPER_BLOCK};

/// Up to this many rows one tile is worked on at a time, so that the weights are read as one
/// stream.
const FEW_ROWS: usize = 4;
/// Bytes of weights that are asked for ahead of their use: what memory delivers in the time that
/// it takes to answer, and some more.
const PREFETCH: usize = 8192;

/// Multiplies `ROWS` rows by `VECTORS` vectors of sums at a time; `VECTORS` fill two tiles or
/// one, `TILE_VECTORS` fill one.
///
/// # Safety
/// As for [`Vector`]; the sizes are as [`crate::packed::multiply`] has checked them.
#[inline(always)]
pub(crate) unsafe fn multiply_packed<
    V: Vector,
    const ROWS: usize,
    const VECTORS: usize,
    const TILE_VECTORS: usize,
>(
    mut product: Product<'_, '_>,
) {
    const { assert!(ROWS <= MOST_GROUPED && TILE_VECTORS * V::LANES == TILE_ROWS) };
    const { assert!(VECTORS * V::LANES <= MOST_TILES * TILE_ROWS) };
    let side_by_side = VECTORS / TILE_VECTORS;
    let rows = product.inputs.rows();
    for first in (0..rows).step_by(MOST_ROWS) {
        let count = MOST_ROWS.min(rows - first);
        let mut tile = product.tiles.start;
        // SAFETY: the caller's promise; tiles and rows are those of the product.
        unsafe {
            while VECTORS > TILE_VECTORS
                && count > FEW_ROWS
                && tile + side_by_side <= product.tiles.end
            {
                run_tiles::<V, ROWS, VECTORS>(&mut product, tile, first, count);
                tile += side_by_side;
            }
            while tile < product.tiles.end {
                run_tiles::<V, ROWS, TILE_VECTORS>(&mut product, tile, first, count);
                tile += 1;
            }
        }
    }
}

/// All products of `count` rows from `first` on with as many tiles from `tile` on as `VECTORS`
/// fill.
///
/// # Safety
/// As for [`multiply_packed`]; there are such rows and tiles.
#[inline(always)]
unsafe fn run_tiles<V: Vector, const ROWS: usize, const VECTORS: usize>(
    product: &mut Product<'_, '_>,
    tile: usize,
    first: usize,
    count: usize,
) {
    let shape = product.weights.shape();
    let width = VECTORS * V::LANES;
    let scratch = &mut *product.scratch;
    scratch.sums[..count * width].fill(0.0);
    for index in 0..shape.chunks() {
        let columns = shape.chunk_columns(index);
        // SAFETY: the caller's promise.
        unsafe {
            for at in 0..width / TILE_ROWS {
                let chunk = product.weights.chunk(tile + at, index);
                prefetch(chunk, PREFETCH);
                match InputKind::of(shape.quant()) {
                    InputKind::Floats => {
                        unpack_floats::<V>(shape.quant(), chunk, &mut scratch.float_panels[at]);
                    }
                    _ => unpack::<V>(shape.quant(), chunk, columns, &mut scratch.panels[at]),
                }
            }
            let chunk = Chunk {
                quant: shape.quant(),
                columns,
                panels: scratch.panels.as_ptr(),
                float_panels: scratch.float_panels.as_ptr(),
            };
            let sums = scratch.sums.as_mut_ptr();
            match InputKind::of(shape.quant()) {
                InputKind::Floats => {
                    let rows = &product.inputs.float_rows(index)[first..][..count];
                    chunk.add_float_rows::<V, ROWS, VECTORS>(rows, sums);
                }
                InputKind::Blocks => {
                    let rows = &product.inputs.block_rows(index)[first..][..count];
                    chunk.add_block_rows::<V, ROWS, VECTORS>(rows, sums);
                }
                InputKind::SuperBlocks => {
                    let rows = &product.inputs.super_rows(index)[first..][..count];
                    chunk.add_super_rows::<V, ROWS, VECTORS>(rows, sums);
                }
            }
        }
    }
    let column = (tile - product.tiles.start) * TILE_ROWS;
    let sums = scratch.sums.chunks_exact(width);
    for (row, sums) in sums.take(count).enumerate() {
        let out = product.out.row_mut(first + row, column);
        let len = out.len().min(width);
        out[..len].copy_from_slice(&sums[..len]);
    }
}

/// One chunk of the tiles side by side, unpacked.
#[derive(Clone, Copy)]
struct Chunk {
    quant: Quant,
    columns: usize,
    panels: *const Panel,
    float_panels: *const FloatPanel,
}

/// Rows that [`in_groups`] knows to take at a time.
const MOST_GROUPED: usize = 6;

/// Calls a method for all rows, as many at a time as the first constant says and then all that
/// are left.
macro_rules! in_groups {
    ($most:ident, $rows:ident, $sums:ident, |$group:ident, $to:ident, $count:ident| $call:expr) => {{
        let mut at = 0;
        while at < $rows.len() {
            let left = ($rows.len() - at).min($most);
            let ($group, $to) = ($rows.as_ptr().add(at), $sums.add(at * VECTORS * V::LANES));
            match left {
                1 => {
                    const $count: usize = 1;
                    $call
                }
                2 => {
                    const $count: usize = 2;
                    $call
                }
                3 => {
                    const $count: usize = 3;
                    $call
                }
                4 if $most > 3 => {
                    const $count: usize = 4;
                    $call
                }
                5 if $most > 4 => {
                    const $count: usize = 5;
                    $call
                }
                _ if $most > 5 => {
                    const $count: usize = 6;
                    $call
                }
                _ => {}
            }
            at += left;
        }
    }};
}

impl Chunk {
    /// Whether codes may be any byte; all others are below 64.
    #[inline(always)]
    fn is_wide(&self) -> bool {
        self.quant == Quant::Q8_0 || self.quant.levels() == Levels::Uneven
    }

    /// Adds the products of rows with a scale for each 32 columns to `sums`.
    ///
    /// # Safety
    /// As for [`run_tiles`]; there are sums for each row.
    #[inline(always)]
    unsafe fn add_block_rows<V: Vector, const ROWS: usize, const VECTORS: usize>(
        self,
        rows: &[BlockRow],
        sums: *mut f32,
    ) {
        // SAFETY: the caller's promise; the groups lie within the rows.
        unsafe {
            if V::TELLS_WIDE && self.is_wide() {
                in_groups!(ROWS, rows, sums, |group, to, COUNT| {
                    self.add_blocks::<V, COUNT, VECTORS, true>(group, to);
                });
            } else {
                in_groups!(ROWS, rows, sums, |group, to, COUNT| {
                    self.add_blocks::<V, COUNT, VECTORS, false>(group, to);
                });
            }
        }
    }

    /// Adds the products of rows with a scale for each 256 columns to `sums`.
    ///
    /// # Safety
    /// As for [`Chunk::add_block_rows`].
    #[inline(always)]
    unsafe fn add_super_rows<V: Vector, const ROWS: usize, const VECTORS: usize>(
        self,
        rows: &[SuperRow],
        sums: *mut f32,
    ) {
        // SAFETY: the caller's promise; the groups lie within the rows.
        unsafe {
            if self.quant.scale_columns() == 16 {
                in_groups!(ROWS, rows, sums, |group, to, COUNT| {
                    self.add_super::<V, COUNT, VECTORS, 4, false>(group, to);
                });
            } else if V::TELLS_WIDE && self.is_wide() {
                in_groups!(ROWS, rows, sums, |group, to, COUNT| {
                    self.add_super::<V, COUNT, VECTORS, 8, true>(group, to);
                });
            } else {
                in_groups!(ROWS, rows, sums, |group, to, COUNT| {
                    self.add_super::<V, COUNT, VECTORS, 8, false>(group, to);
                });
            }
        }
    }

    /// Adds the products of rows of floats to `sums`.
    ///
    /// # Safety
    /// As for [`Chunk::add_block_rows`].
    #[inline(always)]
    unsafe fn add_float_rows<V: Vector, const ROWS: usize, const VECTORS: usize>(
        self,
        rows: &[[f32; SUPER_BLOCK]],
        sums: *mut f32,
    ) {
        // SAFETY: the caller's promise; the groups lie within the rows.
        unsafe {
            in_groups!(ROWS, rows, sums, |group, to, COUNT| {
                self.add_floats::<V, COUNT, VECTORS>(group, to);
            });
        }
    }

    /// # Safety
    /// As for [`Vector`]; there are `COUNT` rows.
    #[inline(always)]
    unsafe fn add_blocks<V, const COUNT: usize, const VECTORS: usize, const WIDE: bool>(
        self,
        rows: *const BlockRow,
        sums: *mut f32,
    ) where
        V: Vector,
    {
        // SAFETY: the caller's promise; stretches lie within the chunk and vectors in the panels.
        unsafe {
            let mut totals = [[V::splat(0.0); VECTORS]; COUNT];
            for j in 0..self.columns / BLOCK {
                let bytes = (&raw const (*rows).bytes).cast::<i8>().add(j * BLOCK);
                let stride = size_of::<BlockRow>();
                let dots = self.dots::<V, COUNT, VECTORS, 8, WIDE>(8 * j, bytes, stride);
                for (row, (totals, dots)) in totals.iter_mut().zip(dots).enumerate() {
                    let row = rows.add(row);
                    let scale = V::splat((&raw const (*row).scales).cast::<f32>().add(j).read());
                    let sum = V::splat((&raw const (*row).sums).cast::<f32>().add(j).read());
                    for (vector, (total, dot)) in totals.iter_mut().zip(dots).enumerate() {
                        let (panel, lane) = self.place::<V>(vector);
                        let weight = V::load(
                            (&raw const (*panel).scales)
                                .cast::<f32>()
                                .add(j * TILE_ROWS + lane),
                        );
                        let minimum = V::load(
                            (&raw const (*panel).minimums)
                                .cast::<f32>()
                                .add(j * TILE_ROWS + lane),
                        );
                        let product = V::to_float(dot).mul(scale);
                        *total = minimum.mul_add(sum, product.mul_add(weight, *total));
                    }
                }
            }
            for (row, totals) in totals.into_iter().enumerate() {
                for (vector, total) in totals.into_iter().enumerate() {
                    let to = sums.add((row * VECTORS + vector) * V::LANES);
                    V::load(to).add(total).store(to);
                }
            }
        }
    }

    /// # Safety
    /// As for [`Vector`]; there are `COUNT` rows, and a scale for each four times `GROUPS`
    /// columns.
    #[inline(always)]
    unsafe fn add_super<
        V: Vector,
        const COUNT: usize,
        const VECTORS: usize,
        const GROUPS: usize,
        const WIDE: bool,
    >(
        self,
        rows: *const SuperRow,
        sums: *mut f32,
    ) {
        let stretches = SUPER_BLOCK / 4 / GROUPS;
        // SAFETY: the caller's promise; stretches lie within the chunk and vectors in the panels.
        unsafe {
            let mut totals = [[V::splat(0.0); VECTORS]; COUNT];
            for j in 0..stretches {
                let bytes = (&raw const (*rows).bytes).cast::<i8>().add(4 * j * GROUPS);
                let stride = size_of::<SuperRow>();
                let dots = self.dots::<V, COUNT, VECTORS, GROUPS, WIDE>(j * GROUPS, bytes, stride);
                for (vector, scale) in (0..VECTORS).map(|vector| (vector, self.place::<V>(vector)))
                {
                    let (panel, lane) = scale;
                    let scale = V::load(
                        (&raw const (*panel).scales)
                            .cast::<f32>()
                            .add(j * TILE_ROWS + lane),
                    );
                    for (totals, dots) in totals.iter_mut().zip(&dots) {
                        totals[vector] = V::to_float(dots[vector]).mul_add(scale, totals[vector]);
                    }
                }
            }
            let minimums = self.minimums::<V, COUNT, VECTORS, GROUPS>(rows);
            for (row, (totals, minimums)) in totals.into_iter().zip(minimums).enumerate() {
                let scale = V::splat((*rows.add(row)).scale);
                for (vector, (total, minimum)) in totals.into_iter().zip(minimums).enumerate() {
                    let (panel, lane) = self.place::<V>(vector);
                    let factor =
                        V::load((&raw const (*panel).minimum_scales).cast::<f32>().add(lane));
                    let total = V::to_float(minimum).mul_add(factor, total);
                    let to = sums.add((row * VECTORS + vector) * V::LANES);
                    total.mul_add(scale, V::load(to)).store(to);
                }
            }
        }
    }

    /// For each row and vector, the sum over the stretches of minimum times sum of bytes.
    ///
    /// # Safety
    /// As for [`Chunk::add_super`].
    #[inline(always)]
    unsafe fn minimums<V: Vector, const COUNT: usize, const VECTORS: usize, const GROUPS: usize>(
        self,
        rows: *const SuperRow,
    ) -> [[V::Int; VECTORS]; COUNT] {
        // SAFETY: the caller's promise; there are as many pairs of sums as of factors.
        unsafe {
            let mut totals = [[V::int_zero(); VECTORS]; COUNT];
            for pair in 0..SUPER_BLOCK / 8 / GROUPS {
                let mut factors = [V::int_zero(); VECTORS];
                for (vector, factors) in factors.iter_mut().enumerate() {
                    let (panel, lane) = self.place::<V>(vector);
                    let from = (&raw const (*panel).factors).cast::<i8>();
                    *factors = V::load_groups(from.add(4 * (pair * TILE_ROWS + lane)));
                }
                for (row, totals) in totals.iter_mut().enumerate() {
                    let row = rows.add(row);
                    let sums = match GROUPS {
                        4 => (&raw const (*row).sums_of_16).cast::<u8>(),
                        _ => (&raw const (*row).sums_of_32).cast::<u8>(),
                    };
                    let sums = V::splat_group(sums.add(4 * pair));
                    for (total, factors) in totals.iter_mut().zip(factors) {
                        *total = V::dot_pairs(*total, factors, sums);
                    }
                }
            }
            totals
        }
    }

    /// # Safety
    /// As for [`Vector`]; there are `COUNT` rows.
    #[inline(always)]
    unsafe fn add_floats<V: Vector, const COUNT: usize, const VECTORS: usize>(
        self,
        rows: *const [f32; SUPER_BLOCK],
        sums: *mut f32,
    ) {
        // SAFETY: the caller's promise; columns lie within the chunk and vectors in the panels.
        unsafe {
            let mut totals = [[V::splat(0.0); VECTORS]; COUNT];
            for column in 0..self.columns {
                let mut weights = [V::splat(0.0); VECTORS];
                for (vector, weights) in weights.iter_mut().enumerate() {
                    let (at, lane) = (vector * V::LANES / TILE_ROWS, vector * V::LANES % TILE_ROWS);
                    let panel = self.float_panels.add(at).cast::<f32>();
                    *weights = V::load(panel.add(column * TILE_ROWS + lane));
                }
                for (row, totals) in totals.iter_mut().enumerate() {
                    let x = V::splat(rows.add(row).cast::<f32>().add(column).read());
                    for (total, weights) in totals.iter_mut().zip(weights) {
                        *total = x.mul_add(weights, *total);
                    }
                }
            }
            for (row, totals) in totals.into_iter().enumerate() {
                for (vector, total) in totals.into_iter().enumerate() {
                    let to = sums.add((row * VECTORS + vector) * V::LANES);
                    V::load(to).add(total).store(to);
                }
            }
        }
    }

    /// For each row and vector, the sum of products over `GROUPS` groups of four columns from
    /// `first` on.
    ///
    /// # Safety
    /// As for [`Vector`]; `bytes` points to those columns of the first of `COUNT` rows, which
    /// lie `stride` bytes apart.
    #[inline(always)]
    unsafe fn dots<
        V: Vector,
        const COUNT: usize,
        const VECTORS: usize,
        const GROUPS: usize,
        const WIDE: bool,
    >(
        self,
        first: usize,
        bytes: *const i8,
        stride: usize,
    ) -> [[V::Int; VECTORS]; COUNT] {
        // SAFETY: the caller's promise.
        unsafe {
            let mut sums = [[V::int_zero(); VECTORS]; COUNT];
            for group in 0..GROUPS {
                let mut codes = [V::int_zero(); VECTORS];
                for (vector, codes) in codes.iter_mut().enumerate() {
                    let (panel, lane) = self.place::<V>(vector);
                    let groups = (&raw const (*panel).codes).cast::<i8>();
                    *codes = V::load_groups(groups.add(4 * ((first + group) * TILE_ROWS + lane)));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let input = V::splat_group(bytes.add(row * stride + 4 * group).cast());
                    for (sum, codes) in sums.iter_mut().zip(codes) {
                        *sum = if WIDE {
                            V::dot_wide_groups(*sum, codes, input)
                        } else {
                            V::dot_small_groups(*sum, codes, input)
                        };
                    }
                }
            }
            sums
        }
    }

    /// The panel that a vector of sums belongs to, and the first of its rows there.
    #[inline(always)]
    fn place<V: Vector>(&self, vector: usize) -> (*const Panel, usize) {
        let row = vector * V::LANES;
        (self.panels.wrapping_add(row / TILE_ROWS), row % TILE_ROWS)
    }
}
