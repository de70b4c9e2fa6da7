//! Quantised weights laid out for matrix products, and those products.
//!
//! A matrix is packed once into tiles of 16 rows, which hold the same codes and factors as the
//! file in nearly as few bytes, but in the order in which a vector of 16 sums wants them. The
//! packed bytes may be written to a file and mapped: a [`PackedWeights`] borrows them.
//!
//! A tile is a sequence of chunks of 256 columns, the last one shorter if need be. A product
//! unpacks one chunk of a tile at a time into a panel that the nearest cache holds, and multiplies
//! it with that chunk of every row of [`Inputs`]. One row is bound by reading the weights, many
//! rows by multiplying; both take the same way.
//!
//! The result for a row depends on the row, the weights and the instruction set alone: not on
//! the rows beside it, nor on how tiles are divided among threads.

mod columns;
mod inputs;
mod layout;
mod pack;
mod panel;
mod product;
#[cfg(test)]
mod tests;

pub use columns::ColumnsMut;
pub use inputs::{InputChunk, InputKind, Inputs};
pub use layout::{Shape, ShapeError, TILE_ROWS};
pub use pack::pack;
pub use product::{Scratch, multiply};

pub(crate) use inputs::{BlockRow, SuperRow};
pub(crate) use panel::{FloatPanel, Panel, Widen, unpack, unpack_floats};
pub(crate) use product::{MOST_ROWS, MOST_TILES, Product};

use std::ops::Range;

use crate::quant::SUPER_BLOCK;

/// A packed matrix in borrowed bytes.
#[derive(Clone, Copy)]
pub struct PackedWeights<'a> {
    shape: Shape,
    bytes: &'a [u8],
}

impl<'a> PackedWeights<'a> {
    /// The matrix that [`pack`] wrote. Products are fastest when the bytes start on a cache line
    /// of 64.
    ///
    /// # Errors
    /// When there are not [`Shape::packed_bytes`].
    pub fn new(shape: Shape, bytes: &'a [u8]) -> Result<Self, ShapeError> {
        if bytes.len() != shape.packed_bytes() {
            return Err(ShapeError::Bytes {
                what: "packed weights",
                expected: shape.packed_bytes(),
                found: bytes.len(),
            });
        }
        Ok(PackedWeights { shape, bytes })
    }

    /// The matrix's size and format.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The matrix of some of the rows, from the start of a tile on.
    ///
    /// # Panics
    /// When there are no such rows, the first is no multiple of 16, or the range ends within a
    /// tile that is not the last.
    #[must_use]
    pub fn rows(&self, rows: Range<usize>) -> PackedWeights<'a> {
        let whole = |row: usize| row.is_multiple_of(TILE_ROWS);
        assert!(
            rows.start <= rows.end && rows.end <= self.shape.rows(),
            "rows of the matrix"
        );
        assert!(
            whole(rows.start) && (whole(rows.end) || rows.end == self.shape.rows()),
            "whole tiles"
        );
        let shape = self.shape.with_rows(rows.len());
        let start = rows.start / TILE_ROWS * shape.tile_bytes();
        PackedWeights {
            shape,
            bytes: &self.bytes[start..][..shape.packed_bytes()],
        }
    }

    /// Writes the values of one row: a token's embedding, say.
    ///
    /// # Panics
    /// When there is no such row or `out` is not as long as one.
    pub fn dequantise_row(&self, row: usize, out: &mut [f32]) {
        assert!(row < self.shape.rows(), "a row of the matrix");
        assert_eq!(out.len(), self.shape.columns(), "as long as a row");
        let (tile, lane) = (row / TILE_ROWS, row % TILE_ROWS);
        for (index, out) in out.chunks_mut(SUPER_BLOCK).enumerate() {
            let chunk = self.chunk(tile, index);
            panel::dequantise_lane(self.shape.quant(), chunk, lane, out);
        }
    }

    /// The bytes of a tile's chunk of up to 256 columns.
    pub(crate) fn chunk(&self, tile: usize, index: usize) -> &'a [u8] {
        let (start, len) = self.shape.chunk_place(index);
        &self.bytes[tile * self.shape.tile_bytes() + start..][..len]
    }
}
