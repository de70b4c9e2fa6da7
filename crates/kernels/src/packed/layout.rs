//! How many bytes a packed matrix has, and where its parts lie.
//!
//! A chunk of 256 columns, or of as many multiples of 32 as are left, of 16 rows holds, in this
//! order:
//!
//! 1. the codes of each 32 columns in turn, in planes (see [`Codes`]);
//! 2. in formats with blocks of 32: a half-precision scale of each row for each 32 columns, then
//!    as many minimums where the format has them;
//! 3. in formats with blocks of 256: a byte of each row for each scale, then for each minimum
//!    (Q2_K has both in one byte), then a half-precision scale of each row, then a minimum.
//!
//! Floats are stored as they are, 16 rows side by side for each column.

use std::fmt;

use crate::quant::{BLOCK, Quant, SUPER_BLOCK};

/// Rows of a tile.
pub const TILE_ROWS: usize = 16;

/// How the codes of 32 columns and 16 rows are stored.
///
/// Unpacked they are eight groups of four columns; in a group, the four codes of each row side
/// by side, 64 bytes. Each plane is that order again, with the same byte of several groups in
/// one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codes {
    /// Groups 0 to 3 in the lower halves of 256 bytes, 4 to 7 in the upper ones.
    Nibbles,
    /// The same, then a plane of 64 bytes with bit `g` for group `g`: the fifth bit.
    NibblesAndBit,
    /// The same, then two planes of 64 bytes with the upper two bits of four groups each.
    NibblesAndPair,
    /// Two planes of 64 bytes with the two bits of four groups each.
    Pairs,
    /// The same, then a plane of 64 bytes with the third bits.
    PairsAndBit,
    /// A byte a code.
    Bytes,
}

impl Codes {
    /// Those of a format; `None` for floats.
    pub(crate) fn of(quant: Quant) -> Option<Codes> {
        Some(match quant {
            Quant::F32 | Quant::F16 | Quant::Bf16 => return None,
            Quant::Q4_0 | Quant::Q4_1 | Quant::Q4K | Quant::Iq4Nl | Quant::Iq4Xs => Codes::Nibbles,
            Quant::Q5_0 | Quant::Q5_1 | Quant::Q5K => Codes::NibblesAndBit,
            Quant::Q6K => Codes::NibblesAndPair,
            Quant::Q2K => Codes::Pairs,
            Quant::Q3K => Codes::PairsAndBit,
            Quant::Q8_0 => Codes::Bytes,
        })
    }

    /// Bytes for 32 columns of 16 rows.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Codes::Nibbles => 256,
            Codes::NibblesAndBit => 320,
            Codes::NibblesAndPair => 384,
            Codes::Pairs => 128,
            Codes::PairsAndBit => 192,
            Codes::Bytes => 512,
        }
    }
}

/// Size and format of a matrix, for which everything can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    quant: Quant,
    rows: usize,
    columns: usize,
    tile_bytes: usize,
}

/// A matrix that cannot be, or bytes that are not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShapeError {
    /// The format's blocks do not divide a row, or there are no columns.
    Columns {
        /// The format.
        quant: Quant,
        /// The length of a row.
        columns: usize,
    },
    /// The matrix has more bytes than can be counted.
    TooLarge {
        /// The number of rows.
        rows: usize,
        /// The length of a row.
        columns: usize,
    },
    /// A slice has another length than the matrix needs.
    Bytes {
        /// What the slice should have been.
        what: &'static str,
        /// The bytes needed.
        expected: usize,
        /// The bytes found.
        found: usize,
    },
}

impl fmt::Display for ShapeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShapeError::Columns { quant, columns } => write!(
                out,
                "a row of {columns} columns cannot be stored as {}: it must be a positive multiple of {}",
                quant.name(),
                quant.block_columns()
            ),
            ShapeError::TooLarge { rows, columns } => {
                write!(out, "a matrix of {rows} by {columns} is beyond counting")
            }
            ShapeError::Bytes {
                what,
                expected,
                found,
            } => write!(out, "{what} should be {expected} bytes, not {found}"),
        }
    }
}

impl std::error::Error for ShapeError {}

impl Shape {
    /// A matrix of `rows` outputs and `columns` inputs.
    ///
    /// # Errors
    /// When the format's blocks do not divide the columns, there are none, or the bytes are
    /// beyond counting.
    pub fn new(quant: Quant, rows: usize, columns: usize) -> Result<Shape, ShapeError> {
        if columns == 0 || !columns.is_multiple_of(quant.block_columns()) {
            return Err(ShapeError::Columns { quant, columns });
        }
        let too_large = ShapeError::TooLarge { rows, columns };
        let (chunks, left) = (columns / SUPER_BLOCK, columns % SUPER_BLOCK);
        let tile_bytes = chunks
            .checked_mul(chunk_bytes(quant, SUPER_BLOCK))
            .and_then(|bytes| bytes.checked_add(chunk_bytes(quant, left)))
            .ok_or(too_large.clone())?;
        // Packed is never smaller than the source, so this bounds both.
        let padded = rows.checked_add(TILE_ROWS).ok_or(too_large.clone())?;
        tile_bytes.checked_mul(padded).ok_or(too_large)?;
        Ok(Shape {
            quant,
            rows,
            columns,
            tile_bytes,
        })
    }

    /// The format.
    #[must_use]
    pub fn quant(self) -> Quant {
        self.quant
    }

    /// Rows: the length of a product.
    #[must_use]
    pub fn rows(self) -> usize {
        self.rows
    }

    /// Columns: the length of an input.
    #[must_use]
    pub fn columns(self) -> usize {
        self.columns
    }

    /// The number of tiles, which threads may divide among themselves.
    #[must_use]
    pub fn tiles(self) -> usize {
        self.rows.div_ceil(TILE_ROWS)
    }

    /// Bytes of one packed tile: tile `i` starts at `i` times as many. Any number of whole tiles
    /// is a packed matrix of its own.
    #[must_use]
    pub fn tile_bytes(self) -> usize {
        self.tile_bytes
    }

    /// Bytes of the packed matrix.
    #[must_use]
    pub fn packed_bytes(self) -> usize {
        self.tiles() * self.tile_bytes
    }

    /// Bytes of the matrix as the file has it.
    #[must_use]
    pub fn source_bytes(self) -> usize {
        self.rows * self.source_row_bytes()
    }

    /// The same with fewer rows.
    pub(crate) fn with_rows(self, rows: usize) -> Shape {
        Shape { rows, ..self }
    }

    pub(crate) fn source_row_bytes(self) -> usize {
        self.columns / self.quant.block_columns() * self.quant.block_bytes()
    }

    /// The number of chunks of up to 256 columns.
    pub(crate) fn chunks(self) -> usize {
        self.columns.div_ceil(SUPER_BLOCK)
    }

    /// The columns of a chunk.
    pub(crate) fn chunk_columns(self, index: usize) -> usize {
        (self.columns - index * SUPER_BLOCK).min(SUPER_BLOCK)
    }

    /// Where in a tile a chunk starts, and its length, in bytes.
    pub(crate) fn chunk_place(self, index: usize) -> (usize, usize) {
        let start = index * chunk_bytes(self.quant, SUPER_BLOCK);
        (start, chunk_bytes(self.quant, self.chunk_columns(index)))
    }
}

/// Bytes of that many columns, at most 256, of a tile.
fn chunk_bytes(quant: Quant, columns: usize) -> usize {
    let Some(codes) = Codes::of(quant) else {
        return columns * TILE_ROWS * quant.block_bytes();
    };
    if columns == 0 {
        return 0;
    }
    columns / BLOCK * codes.bytes() + factor_bytes(quant, columns) * TILE_ROWS
}

/// Bytes of one row's scales and minimums for that many columns.
fn factor_bytes(quant: Quant, columns: usize) -> usize {
    let stretches = columns / quant.scale_columns();
    let with_minimum = 1 + usize::from(quant.has_minimum());
    match quant {
        _ if quant.block_columns() == BLOCK => 2 * stretches * with_minimum,
        Quant::Q2K => stretches + 4,
        _ => (stretches + 2) * with_minimum,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_weights_are_hardly_larger_than_their_source() {
        for quant in Quant::ALL {
            let columns = if quant.block_columns() == SUPER_BLOCK {
                512
            } else {
                576
            };
            let shape = Shape::new(quant, 4096, columns).unwrap();
            let ratio = shape.packed_bytes() as f64 / shape.source_bytes() as f64;
            assert!((1.0..1.04).contains(&ratio), "{quant:?}: {ratio}");
        }
    }

    #[test]
    fn shapes_that_cannot_be_are_refused() {
        let columns = Shape::new(Quant::Q4K, 10, 576).unwrap_err();
        assert!(columns.to_string().contains("576"), "{columns}");
        assert!(Shape::new(Quant::F32, 10, 0).is_err());
        let huge = Shape::new(Quant::Q8_0, usize::MAX / 2, 1 << 40).unwrap_err();
        assert!(matches!(huge, ShapeError::TooLarge { .. }), "{huge}");
        let huge = Shape::new(Quant::F32, 1, usize::MAX).unwrap_err();
        assert!(matches!(huge, ShapeError::TooLarge { .. }), "{huge}");
    }
}
