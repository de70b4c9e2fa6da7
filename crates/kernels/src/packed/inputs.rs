//! The left side of a product: rows of activations in the form that the weights' format wants.

use crate::quant::{BLOCK, Quant, SUPER_BLOCK};
use crate::{Isa, dispatch};

/// How rows are given to a product.
///
/// Quantised as ggml does it, so that products have the same whole numbers as its own: signed
/// bytes, the largest magnitude of a stretch at 127.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputKind {
    /// As they are, for weights that are floats.
    Floats,
    /// A scale for each 32 columns, for weights with blocks of 32.
    Blocks,
    /// A scale for each 256 columns, for weights with blocks of 256.
    SuperBlocks,
}

impl InputKind {
    /// The kind that weights of a format are multiplied with.
    #[must_use]
    pub fn of(quant: Quant) -> InputKind {
        match quant.block_columns() {
            SUPER_BLOCK => InputKind::SuperBlocks,
            BLOCK => InputKind::Blocks,
            _ => InputKind::Floats,
        }
    }
}

/// One row's chunk of 256 columns with a scale for each 32.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct BlockRow {
    pub(crate) bytes: [i8; SUPER_BLOCK],
    pub(crate) scales: [f32; 8],
    /// For each 32 columns the sum of their bytes, times the scale.
    pub(crate) sums: [f32; 8],
}

/// One row's chunk of 256 columns with one scale.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct SuperRow {
    pub(crate) bytes: [i8; SUPER_BLOCK],
    /// The sums of the bytes of each 16 columns.
    pub(crate) sums_of_16: [i16; 16],
    /// The sums of the bytes of each 32 columns.
    pub(crate) sums_of_32: [i16; 8],
    pub(crate) scale: f32,
}

impl BlockRow {
    const EMPTY: BlockRow = BlockRow {
        bytes: [0; SUPER_BLOCK],
        scales: [0.0; 8],
        sums: [0.0; 8],
    };
}

impl SuperRow {
    const EMPTY: SuperRow = SuperRow {
        bytes: [0; SUPER_BLOCK],
        sums_of_16: [0; 16],
        sums_of_32: [0; 8],
        scale: 0.0,
    };
}

/// Rows of activations, to be multiplied with any number of matrices of one kind.
///
/// They lie chunk by chunk of 256 columns, in a chunk row by row. Memory is kept from one use to
/// the next.
#[derive(Default)]
pub struct Inputs {
    rows: usize,
    columns: usize,
    kind: Option<InputKind>,
    floats: Vec<[f32; SUPER_BLOCK]>,
    blocks: Vec<BlockRow>,
    supers: Vec<SuperRow>,
}

impl Inputs {
    /// No rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the rows of `values`, each `columns` long.
    ///
    /// # Panics
    /// When `values` is not a whole number of rows, or as [`Inputs::resize`].
    pub fn set(&mut self, isa: Isa, kind: InputKind, values: &[f32], columns: usize) {
        assert!(
            columns > 0 && values.len().is_multiple_of(columns),
            "whole rows"
        );
        self.resize(kind, values.len() / columns, columns);
        for mut chunk in self.chunks_mut() {
            chunk.set(isa, values);
        }
    }

    /// Makes room for rows that are then set by [`InputChunk::set`], one thread some chunks.
    ///
    /// # Panics
    /// When `columns` is no positive multiple of 32, or of 256 for a scale for each 256.
    pub fn resize(&mut self, kind: InputKind, rows: usize, columns: usize) {
        let unit = match kind {
            InputKind::Floats => 1,
            InputKind::Blocks => BLOCK,
            InputKind::SuperBlocks => SUPER_BLOCK,
        };
        assert!(columns > 0 && columns.is_multiple_of(unit), "whole blocks");
        (self.rows, self.columns, self.kind) = (rows, columns, Some(kind));
        let records = rows * columns.div_ceil(SUPER_BLOCK);
        match kind {
            InputKind::Floats => grow(&mut self.floats, records, [0.0; SUPER_BLOCK]),
            InputKind::Blocks => grow(&mut self.blocks, records, BlockRow::EMPTY),
            InputKind::SuperBlocks => grow(&mut self.supers, records, SuperRow::EMPTY),
        }
    }

    /// The chunks of 256 columns, each to be set.
    pub fn chunks_mut(&mut self) -> impl Iterator<Item = InputChunk<'_>> {
        let (rows, columns) = (self.rows.max(1), self.columns);
        let records = self.rows * columns.div_ceil(SUPER_BLOCK);
        let of = |kind| if self.kind == Some(kind) { records } else { 0 };
        let floats = self.floats[..of(InputKind::Floats)]
            .chunks_mut(rows)
            .map(Records::Floats);
        let blocks = self.blocks[..of(InputKind::Blocks)]
            .chunks_mut(rows)
            .map(Records::Blocks);
        let supers = self.supers[..of(InputKind::SuperBlocks)]
            .chunks_mut(rows)
            .map(Records::Supers);
        floats
            .chain(blocks)
            .chain(supers)
            .enumerate()
            .map(move |(index, records)| InputChunk {
                first_column: index * SUPER_BLOCK,
                columns,
                records,
            })
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The length of a row.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// How the rows are held; `None` before any were.
    #[must_use]
    pub fn kind(&self) -> Option<InputKind> {
        self.kind
    }

    /// Each row's part of a chunk.
    pub(crate) fn float_rows(&self, chunk: usize) -> &[[f32; SUPER_BLOCK]] {
        &self.floats[chunk * self.rows..][..self.rows]
    }

    /// Each row's part of a chunk.
    pub(crate) fn block_rows(&self, chunk: usize) -> &[BlockRow] {
        &self.blocks[chunk * self.rows..][..self.rows]
    }

    /// Each row's part of a chunk.
    pub(crate) fn super_rows(&self, chunk: usize) -> &[SuperRow] {
        &self.supers[chunk * self.rows..][..self.rows]
    }
}

fn grow<T: Copy>(records: &mut Vec<T>, len: usize, empty: T) {
    if records.len() < len {
        records.resize(len, empty);
    }
}

/// 256 columns of all rows, or what is left of them.
pub struct InputChunk<'a> {
    first_column: usize,
    columns: usize,
    records: Records<'a>,
}

enum Records<'a> {
    Floats(&'a mut [[f32; SUPER_BLOCK]]),
    Blocks(&'a mut [BlockRow]),
    Supers(&'a mut [SuperRow]),
}

impl InputChunk<'_> {
    /// Takes this chunk's columns of the rows of `values`, which are as many and as long as
    /// [`Inputs::resize`] was told. A stretch with a value that is no finite number makes every
    /// product of its row no number.
    ///
    /// # Panics
    /// When there are not so many values.
    pub fn set(&mut self, isa: Isa, values: &[f32]) {
        let last = (self.first_column + SUPER_BLOCK).min(self.columns);
        let range = self.first_column..last;
        let rows = values
            .chunks_exact(self.columns)
            .map(|row| &row[range.clone()]);
        let count = match &self.records {
            Records::Floats(records) => records.len(),
            Records::Blocks(records) => records.len(),
            Records::Supers(records) => records.len(),
        };
        assert_eq!(values.len(), count * self.columns, "all rows");
        match &mut self.records {
            Records::Floats(records) => {
                for (row, record) in rows.zip(records.iter_mut()) {
                    record[..row.len()].copy_from_slice(row);
                }
            }
            Records::Blocks(records) => {
                for (row, record) in rows.zip(records.iter_mut()) {
                    dispatch!(isa, quantise_blocks(row, record));
                }
            }
            Records::Supers(records) => {
                for (row, record) in rows.zip(records.iter_mut()) {
                    dispatch!(isa, quantise_super(row, record));
                }
            }
        }
    }
}
