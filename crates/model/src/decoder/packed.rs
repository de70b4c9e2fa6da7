//! A network's matrices, packed for the kernels: which there are, where each lies, and how they
//! are made from a model's file.

use std::collections::HashMap;
use std::io;
use std::ops::Range;

use docent_kernels::aligned::Aligned;
use docent_kernels::packed::{Shape, ShapeError, TILE_ROWS, pack};
use docent_kernels::quant::Quant;

use crate::gguf::{Gguf, GgufError, TensorEntry};
use crate::source::Source;

/// What a file of packed weights begins with; the number counts the kernels' layouts.
const MAGIC: &[u8; 16] = b"docent packed 1\n";
/// Matrices begin at multiples of this, a cache line.
pub(super) const ALIGNMENT: usize = 64;
/// Where the first matrix begins: after the magic and a digest of the plan.
pub(super) const HEADER: usize = 64;
/// Bytes of a tensor that are packed at a time.
const PACKED_AT_ONCE: usize = 16 << 20;

/// A matrix of a network: its number in the [`Plan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Matrix {
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    index: usize,
}

/// Matrices of a network that are needed together and lie side by side: its number in the
/// [`Plan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Unit(pub(super) usize);

/// What a unit is for: the sooner here, the more a byte of it is worth in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// The output matrix, the largest of those that every token needs.
    Output,
    /// Attention, and the router of a mixture.
    Attention,
    /// Part of a feed-forward block that every token passes.
    Block,
    /// One that a router chooses for some tokens.
    Expert,
}

/// The matrices that a network needs, before they are packed.
#[derive(Default)]
pub(super) struct Plan {
    parts: Vec<Part>,
    units: Vec<Extent>,
    /// For each part the tensor that it is of, and its first row there.
    origins: Vec<(String, usize)>,
    /// Parts by their unit and their place in the file: what a unit uses twice is packed once.
    known: HashMap<(usize, u64, usize), usize>,
    bytes: usize,
}

/// What a unit takes.
#[derive(Debug, Clone)]
pub(super) struct Extent {
    pub(super) need: Need,
    /// Where it begins, from the beginning of the store.
    pub(super) place: usize,
    pub(super) bytes: usize,
    parts: Range<usize>,
}

/// Rows of a tensor in a model's file, and where they go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) shape: Shape,
    /// Of the first row, in the model's file.
    source: u64,
    /// Of the packed matrix, from the beginning of the store.
    pub(super) place: usize,
}

impl Plan {
    /// Begins a unit, to which all matrices belong that are entered before the next one begins.
    pub(super) fn begin(&mut self, need: Need) -> Unit {
        self.units.push(Extent {
            need,
            place: HEADER + self.bytes,
            bytes: 0,
            parts: self.parts.len()..self.parts.len(),
        });
        Unit(self.units.len() - 1)
    }

    /// Enters `rows` rows of a tensor, from the row `first` on.
    pub(super) fn add(
        &mut self,
        name: &str,
        gguf: &Gguf,
        entry: &TensorEntry,
        first: usize,
        rows: usize,
    ) -> Result<Matrix, GgufError> {
        let impossible = |problem: String| GgufError::Damaged(format!("tensor {name}: {problem}"));
        let width = entry.width();
        let shape = Shape::new(entry.kind, rows, width)
            .map_err(|problem| impossible(problem.to_string()))?;
        let before = Shape::new(entry.kind, first, width)
            .map_err(|problem| impossible(problem.to_string()))?;
        // The header was read with a check that every tensor ends inside the file.
        let source = gguf.weights_at + entry.offset + before.source_bytes() as u64;
        let next = self.parts.len();
        let key = (self.units.len(), source, rows);
        let index = *self.known.entry(key).or_insert(next);
        if index == next {
            let place = HEADER + self.bytes;
            let bytes = shape.packed_bytes().checked_next_multiple_of(ALIGNMENT);
            self.bytes = bytes
                .and_then(|bytes| self.bytes.checked_add(bytes))
                .filter(|bytes| *bytes < usize::MAX - HEADER)
                .ok_or_else(|| impossible("its bytes are beyond counting".into()))?;
            self.origins.push((name.to_owned(), first));
            self.parts.push(Part {
                shape,
                source,
                place,
            });
            if let Some(unit) = self.units.last_mut() {
                unit.bytes = HEADER + self.bytes - unit.place;
                unit.parts.end = self.parts.len();
            }
        }
        Ok(Matrix {
            outputs: rows,
            inputs: width,
            index,
        })
    }

    /// The matrices that are rows of a tensor, each with its first row there.
    pub(super) fn parts_of(&self, tensor: &str) -> impl Iterator<Item = (Matrix, usize)> {
        let all = self.parts.iter().zip(&self.origins).enumerate();
        all.filter(move |(_, (_, (name, _)))| name == tensor)
            .map(|(index, (part, (_, first)))| {
                let matrix = Matrix {
                    outputs: part.shape.rows(),
                    inputs: part.shape.columns(),
                    index,
                };
                (matrix, *first)
            })
    }

    /// Bytes that all matrices take once packed.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What each unit takes.
    pub(super) fn units(&self) -> &[Extent] {
        &self.units
    }

    /// A matrix's place and size.
    pub(super) fn part(&self, matrix: &Matrix) -> &Part {
        &self.parts[matrix.index]
    }

    /// The format of a matrix.
    pub(super) fn quant(&self, matrix: &Matrix) -> Quant {
        self.part(matrix).shape.quant()
    }

    /// Tells this plan from others for the same model's file.
    fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for part in &self.parts {
            let numbers = [
                u64::from(part.shape.quant().ggml_number()),
                part.shape.rows() as u64,
                part.shape.columns() as u64,
                part.source,
                part.place as u64,
            ];
            for number in numbers {
                hasher.update(&number.to_le_bytes());
            }
        }
        *hasher.finalize().as_bytes()
    }

    /// What a file of these matrices begins with.
    pub(super) fn header(&self) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..16].copy_from_slice(MAGIC);
        header[16..48].copy_from_slice(&self.digest());
        header
    }

    /// Packs all matrices in the order of their places, a bounded number of rows at a time, and
    /// hands the bytes to `put` with their place.
    pub(super) fn pack(
        &self,
        source: &Source,
        put: impl FnMut(usize, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        pack_parts(&self.parts, source, put)
    }

    /// Packs the matrices of a unit into as many bytes as it takes.
    pub(super) fn pack_unit(&self, unit: Unit, source: &Source, out: &mut [u8]) -> io::Result<()> {
        let extent = &self.units[unit.0];
        let parts = &self.parts[extent.parts.clone()];
        pack_parts(parts, source, |place, packed| {
            out[place - extent.place..][..packed.len()].copy_from_slice(packed);
            Ok(())
        })
    }

    /// A matrix as floats, rows one after the other.
    #[cfg(test)]
    pub(super) fn floats(&self, matrix: &Matrix, source: &Source) -> io::Result<Vec<f32>> {
        let part = self.parts[matrix.index];
        let mut stored = vec![0; part.shape.source_bytes()];
        source.read_at(part.source, &mut stored)?;
        let mut floats = vec![0.0; matrix.outputs * matrix.inputs];
        part.shape.quant().dequantise(&stored, &mut floats);
        Ok(floats)
    }
}

impl Part {
    /// Bytes of a row in the model's file.
    fn row_bytes(&self) -> usize {
        self.shape.source_bytes() / self.shape.rows()
    }

    /// Stretches of whole tiles, each with its first row, that are packed at a time.
    fn stretches(&self) -> impl Iterator<Item = Result<(usize, Shape), ShapeError>> {
        let (shape, rows) = (self.shape, self.shape.rows());
        let tiles = (PACKED_AT_ONCE / shape.tile_bytes()).max(1);
        let step = tiles * TILE_ROWS;
        (0..rows).step_by(step).map(move |first| {
            let count = step.min(rows - first);
            Ok((first, Shape::new(shape.quant(), count, shape.columns())?))
        })
    }
}

/// Packs matrices in the order of their places, and hands the bytes to `put` with their place.
fn pack_parts(
    parts: &[Part],
    source: &Source,
    mut put: impl FnMut(usize, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut stored = Vec::new();
    let mut packed: Aligned<u8> = Aligned::new();
    for part in parts {
        for stretch in part.stretches() {
            let (first, shape) = stretch.map_err(io::Error::other)?;
            stored.resize(shape.source_bytes(), 0);
            let before = first * part.row_bytes();
            source.read_at(part.source + before as u64, &mut stored)?;
            packed.resize(shape.packed_bytes());
            pack(shape, &stored, &mut packed).map_err(io::Error::other)?;
            put(part.place + first / TILE_ROWS * shape.tile_bytes(), &packed)?;
        }
    }
    Ok(())
}

/// Rows that take at most so many bytes once packed: whole tiles, at least one.
pub(super) fn rows_within(quant: Quant, columns: usize, bytes: usize) -> usize {
    // A shape that cannot be is refused when its matrix is entered.
    let tile = Shape::new(quant, TILE_ROWS, columns).map_or(bytes, Shape::tile_bytes);
    (bytes / tile.max(1)).max(1) * TILE_ROWS
}

/// `count` rows of a tensor as floats, from the row `first` on.
pub(super) fn read_floats(
    source: &Source,
    gguf: &Gguf,
    entry: &TensorEntry,
    first: usize,
    count: usize,
) -> io::Result<Vec<f32>> {
    let row_bytes = entry.bytes / entry.rows();
    let mut stored = vec![0; count * row_bytes];
    let at = gguf.weights_at + entry.offset + (first * row_bytes) as u64;
    source.read_at(at, &mut stored)?;
    let mut floats = vec![0.0; count * entry.width()];
    entry.kind.dequantise(&stored, &mut floats);
    Ok(floats)
}
