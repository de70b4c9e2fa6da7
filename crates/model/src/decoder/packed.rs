//! A network's matrices, packed once for the kernels: mapped from a file in the cache folder, or
//! in memory where there is none.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::time::SystemTime;

use docent_kernels::aligned::Aligned;
use docent_kernels::packed::{PackedWeights, Shape, ShapeError, TILE_ROWS, pack};

use crate::gguf::{Gguf, GgufError, TensorEntry};
use crate::mapped::Mapped;
use crate::packed_cache::{self, PackedCache};
use crate::source::Source;

/// What a file of packed weights begins with; the number counts the kernels' layouts.
const MAGIC: &[u8; 16] = b"docent packed 1\n";
/// Matrices begin at multiples of this, a cache line.
const ALIGNMENT: usize = 64;
/// Where the first matrix begins: after the magic and a digest of the plan.
const HEADER: usize = 64;
/// Bytes of a tensor that are packed at a time.
const PACKED_AT_ONCE: usize = 16 << 20;

/// A matrix of a network: a place in its [`Store`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Matrix {
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    index: usize,
}

/// The matrices that a network needs, before they are packed.
#[derive(Default)]
pub(super) struct Plan {
    parts: Vec<Part>,
    /// For each part the tensor that it is of, and its first row there.
    origins: Vec<(String, usize)>,
    /// Parts by their place in the file: what is used twice is packed once.
    known: HashMap<(u64, usize), usize>,
    bytes: usize,
}

/// Rows of a tensor in a model's file, and where they go.
#[derive(Debug, Clone, Copy)]
struct Part {
    shape: Shape,
    /// Of the first row, in the model's file.
    source: u64,
    /// Of the packed matrix, from the beginning of the store.
    place: usize,
}

impl Plan {
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
        let index = *self.known.entry((source, rows)).or_insert(next);
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
    fn header(&self) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..16].copy_from_slice(MAGIC);
        header[16..48].copy_from_slice(&self.digest());
        header
    }

    /// Packs all matrices in the order of their places, a bounded number of rows at a time, and
    /// hands the bytes to `put` with their place.
    fn pack(
        &self,
        source: &Source,
        mut put: impl FnMut(usize, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut stored = Vec::new();
        let mut packed: Aligned<u8> = Aligned::new();
        for part in &self.parts {
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

/// Packed matrices.
pub(super) struct Store {
    bytes: Bytes,
    plan: Plan,
}

/// Where packed matrices are.
enum Bytes {
    Mapped(Mapped),
    Memory(Aligned<u8>),
}

impl Store {
    /// The packed matrices of a model: mapped from the cache, where they are written first if
    /// they are not there under the content hash of the model's file. Without a cache, or where
    /// it has no room or cannot be written, they are packed in memory.
    pub(super) fn open(
        plan: Plan,
        source: &Source,
        cache: Option<(&PackedCache, &str)>,
    ) -> io::Result<Store> {
        let bytes = match cache.and_then(|(cache, key)| cached(&plan, source, key, cache)) {
            Some(mapped) => Bytes::Mapped(mapped),
            None => Bytes::Memory(in_memory(&plan, source)?),
        };
        Ok(Store { bytes, plan })
    }

    /// Which matrices there are.
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// A packed matrix.
    pub(super) fn weights(&self, matrix: &Matrix) -> PackedWeights<'_> {
        let bytes = match &self.bytes {
            Bytes::Mapped(mapped) => &mapped[..],
            Bytes::Memory(bytes) => &bytes[..],
        };
        let part = &self.plan.parts[matrix.index];
        let bytes = &bytes[part.place..][..part.shape.packed_bytes()];
        PackedWeights::new(part.shape, bytes).expect("as many bytes as the shape has")
    }
}

/// Packs all matrices into memory.
fn in_memory(plan: &Plan, source: &Source) -> io::Result<Aligned<u8>> {
    let mut bytes = Aligned::zeroed(HEADER + plan.bytes());
    plan.pack(source, |place, packed| {
        bytes[place..place + packed.len()].copy_from_slice(packed);
        Ok(())
    })?;
    Ok(bytes)
}

/// The matrices from the cache; `None` if it cannot hold them.
fn cached(plan: &Plan, source: &Source, key: &str, cache: &PackedCache) -> Option<Mapped> {
    let length = (HEADER + plan.bytes()) as u64;
    if length > cache.limit_bytes {
        return None;
    }
    let path = cache.file(key);
    if let Some(mapped) = map(plan, &path) {
        return Some(mapped);
    }
    cache.make_room(length).ok()?;
    write(plan, source, &path).ok()?;
    map(plan, &path)
}

/// Maps a file of packed matrices, if it is the one that `plan` makes.
fn map(plan: &Plan, path: &Path) -> Option<Mapped> {
    let mut file = File::open(path).ok()?;
    let mut header = [0; HEADER];
    file.read_exact(&mut header).ok()?;
    let length = file.metadata().ok()?.len();
    if header != plan.header() || length != (HEADER + plan.bytes()) as u64 {
        return None;
    }
    // So that files which are not used any more are the oldest ones; a read-only folder keeps
    // what it has anyway.
    let _ = file.set_modified(SystemTime::now());
    Mapped::new(&file).ok()
}

/// Writes a file of packed matrices, which gets its name once it is complete and on the disk.
fn write(plan: &Plan, source: &Source, path: &Path) -> io::Result<()> {
    let unfinished = packed_cache::unfinished(path);
    let written = write_all(plan, source, &unfinished).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // Where nothing could be written there may be nothing to remove.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

fn write_all(plan: &Plan, source: &Source, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    file.write_all(&plan.header())?;
    let mut at = HEADER;
    plan.pack(source, |place, packed| {
        file.write_all(&[0; ALIGNMENT][..place - at])?;
        file.write_all(packed)?;
        at = place + packed.len();
        Ok(())
    })?;
    file.write_all(&[0; ALIGNMENT][..HEADER + plan.bytes() - at])?;
    file.into_inner()?.sync_all()
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

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::sync::Arc;

    use super::*;
    use crate::decoder::{Decoder, LoadOptions, Wanted};
    use crate::fixture::tiny_gguf;

    fn cache(folder: &Path) -> PackedCache {
        PackedCache {
            folder: folder.to_owned(),
            limit_bytes: 1 << 20,
        }
    }

    fn logits(cache: Option<(&PackedCache, &str)>) -> Vec<f32> {
        let source = Arc::new(Source::Memory(Cow::Owned(tiny_gguf("llama"))));
        let gguf = Gguf::read(&mut source.reader()).unwrap();
        let options = LoadOptions {
            packed: cache,
            ..LoadOptions::default()
        };
        let mut decoder = Decoder::load(&gguf, source, &options).unwrap();
        decoder.read(&[5, 6, 7], Wanted::Last).unwrap();
        decoder.logits(0).to_vec()
    }

    fn files(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn packed_weights_are_written_once_and_mapped() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(&folder.path().join("made on demand"));
        let expected = logits(None);
        assert_eq!(logits(Some((&cache, "abc"))), expected);
        assert_eq!(files(&cache.folder), ["abc.packed"]);
        let path = cache.folder.join("abc.packed");
        let written = fs::read(&path).unwrap();
        assert_eq!(logits(Some((&cache, "abc"))), expected);
        assert_eq!(fs::read(&path).unwrap(), written);
        // A file of something else, or only a part of one, is written anew.
        for damage in [&b"docent packed 0"[..], &written[..written.len() - 1]] {
            fs::write(&path, damage).unwrap();
            assert_eq!(logits(Some((&cache, "abc"))), expected);
            assert_eq!(fs::read(&path).unwrap(), written);
        }
    }

    #[test]
    fn without_a_place_to_write_they_are_packed_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a file");
        fs::write(&file, "").unwrap();
        let cache = cache(&file.join("no folder"));
        assert_eq!(logits(Some((&cache, "abc"))), logits(None));
        let small = PackedCache {
            folder: folder.path().to_owned(),
            limit_bytes: 1000,
        };
        assert_eq!(logits(Some((&small, "abc"))), logits(None));
        assert_eq!(files(folder.path()), ["a file"]);
    }
}
