//! Tensors by name, out of safetensors files or a GGUF file: read one at a time, and checked.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

use docent_kernels::quant::Quant;
use half::f16;
use serde::Deserialize;

use super::error::EncoderError;
use crate::gguf::Gguf;

/// A safetensors header longer than this is none; those of the largest models have a few MB.
const MOST_HEADER_BYTES: u64 = 100 << 20;

/// The bytes of a file, in memory or on disk.
pub(crate) enum Blob<'a> {
    /// All of them.
    Memory(&'a [u8]),
    /// A file that is read where it is asked for.
    File(Mutex<File>),
}

impl Blob<'_> {
    fn len(&self) -> io::Result<u64> {
        match self {
            Blob::Memory(bytes) => Ok(bytes.len() as u64),
            Blob::File(file) => Ok(lock(file).metadata()?.len()),
        }
    }

    /// `len` bytes from `start` on. The caller has checked that the file is that long.
    fn read(&self, start: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        match self {
            Blob::Memory(bytes) => {
                let from = usize::try_from(start).unwrap_or(usize::MAX);
                let range = from..from.saturating_add(len);
                let part = bytes.get(range).ok_or(io::ErrorKind::UnexpectedEof)?;
                Ok(Cow::Borrowed(part))
            }
            Blob::File(file) => {
                let mut file = lock(file);
                file.seek(SeekFrom::Start(start))?;
                let mut part = vec![0; len];
                file.read_exact(&mut part)?;
                Ok(Cow::Owned(part))
            }
        }
    }
}

fn lock(file: &Mutex<File>) -> std::sync::MutexGuard<'_, File> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A tensor as a header announces it.
struct Entry {
    /// Which of the files has it.
    part: usize,
    shape: Vec<usize>,
    /// `None` where the numbers are stored in a way that is not read here.
    kind: Option<Quant>,
    /// How the file calls that way.
    stored_as: String,
    start: u64,
    bytes: usize,
}

/// A model's tensors. Names may all start with a prefix that tells what the model was made for.
pub(crate) struct Tensors<'a> {
    parts: Vec<Blob<'a>>,
    entries: HashMap<String, Entry>,
}

/// A tensor in the header of a safetensors file.
#[derive(Deserialize)]
struct SafetensorsEntry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

impl<'a> Tensors<'a> {
    /// The tensors of safetensors files, which are the parts of one model.
    pub(crate) fn from_safetensors(parts: Vec<Blob<'a>>) -> Result<Self, EncoderError> {
        let mut entries = HashMap::new();
        for (index, part) in parts.iter().enumerate() {
            read_header(index, part, &mut entries)?;
        }
        Ok(Tensors { parts, entries })
    }

    /// The tensors of a GGUF file, whose header was read from `file`.
    pub(crate) fn from_gguf(gguf: &Gguf, file: Blob<'a>) -> Self {
        let entry = |(name, entry): (&String, &crate::gguf::TensorEntry)| {
            let entry = Entry {
                part: 0,
                shape: entry.shape.clone(),
                kind: Some(entry.kind),
                stored_as: entry.kind.name().to_owned(),
                start: gguf.weights_at + entry.offset,
                bytes: entry.bytes,
            };
            (name.clone(), entry)
        };
        Tensors {
            entries: gguf.tensors.iter().map(entry).collect(),
            parts: vec![file],
        }
    }

    /// A tensor's shape, rows first; `None` where there is no such tensor.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entries.get(name).map(|entry| entry.shape.as_slice())
    }

    /// A tensor's numbers, each of them finite.
    pub(crate) fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EncoderError> {
        let (data, kind) = self.read(name, shape)?;
        // Both headers' readers have checked that a tensor's bytes are as many as its shape takes.
        let mut values = vec![0.0; shape.iter().product()];
        kind.dequantise(&data, &mut values);
        check_finite(name, &values, |x| x.is_finite())?;
        Ok(values)
    }

    /// The rows of a table, f16 where the file has f16.
    pub(super) fn table(&self, name: &str, shape: &[usize]) -> Result<Table, EncoderError> {
        let kind = self.entries.get(name).and_then(|entry| entry.kind);
        if kind != Some(Quant::F16) {
            return Ok(Table::F32(self.values(name, shape)?));
        }
        let (data, _) = self.read(name, shape)?;
        let halves = data.as_chunks().0.iter();
        let values: Vec<f16> = halves.map(|half| f16::from_le_bytes(*half)).collect();
        check_finite(name, &values, |x| x.is_finite())?;
        Ok(Table::F16(values))
    }

    /// A tensor's bytes and how its numbers are stored, once its shape is what it must be.
    fn read(&self, name: &str, shape: &[usize]) -> Result<(Cow<'_, [u8]>, Quant), EncoderError> {
        let name = name.to_owned();
        let Some(entry) = self.entries.get(&name) else {
            return Err(EncoderError::MissingTensor { name });
        };
        if !same_shape(&entry.shape, shape) {
            return Err(EncoderError::TensorShape {
                name,
                found: entry.shape.clone(),
                expected: shape.to_vec(),
            });
        }
        let Some(kind) = entry.kind else {
            return Err(EncoderError::TensorKind {
                name,
                found: entry.stored_as.clone(),
            });
        };
        let data = self.parts[entry.part]
            .read(entry.start, entry.bytes)
            .map_err(|error| EncoderError::Unreadable(format!("tensor {name}: {error}")))?;
        Ok((data, kind))
    }
}

/// Whether two shapes are the same but for sizes of 1 in front, which some converters drop.
fn same_shape(a: &[usize], b: &[usize]) -> bool {
    let lead = |shape: &[usize]| shape.iter().take_while(|size| **size == 1).count();
    a[lead(a)..] == b[lead(b)..]
}

/// The vocabulary's vectors, the largest part of a small model: a file's f16 stay f16.
pub(super) enum Table {
    F16(Vec<f16>),
    F32(Vec<f32>),
}

impl Table {
    /// Writes the row of `token` to `to`, which is as long as a row.
    pub(super) fn copy_row(&self, token: u32, to: &mut [f32]) {
        let from = token as usize * to.len()..(token as usize + 1) * to.len();
        match self {
            Table::F32(rows) => to.copy_from_slice(&rows[from]),
            Table::F16(rows) => {
                use half::slice::HalfFloatSliceExt;
                rows[from].convert_to_f32_slice(to);
            }
        }
    }
}

/// Reads the header of a safetensors file and checks every place that it announces.
/// Format: <https://github.com/huggingface/safetensors#format>.
fn read_header(
    part: usize,
    blob: &Blob<'_>,
    entries: &mut HashMap<String, Entry>,
) -> Result<(), EncoderError> {
    let unreadable = |problem: String| EncoderError::Unreadable(problem);
    let io = |error: io::Error| EncoderError::Unreadable(error.to_string());
    let file_len = blob.len().map_err(io)?;
    if file_len < 8 {
        return Err(unreadable(format!("it has {file_len} bytes")));
    }
    let mut prefix = [0; 8];
    prefix.copy_from_slice(&blob.read(0, 8).map_err(io)?);
    let header_len = u64::from_le_bytes(prefix);
    if header_len > MOST_HEADER_BYTES.min(file_len - 8) {
        return Err(unreadable(format!(
            "its header claims {header_len} of the file's {file_len} bytes"
        )));
    }
    let header = blob.read(8, header_len as usize).map_err(io)?;
    let header: HashMap<String, serde_json::Value> = serde_json::from_slice(&header)
        .map_err(|error| unreadable(format!("its header is not as it should be: {error}")))?;
    for (name, entry) in header {
        if name == "__metadata__" {
            continue;
        }
        let entry: SafetensorsEntry = serde_json::from_value(entry)
            .map_err(|error| unreadable(format!("the entry of tensor {name}: {error}")))?;
        let entry = check_entry(part, &name, entry, 8 + header_len, file_len)?;
        entries.insert(name, entry);
    }
    Ok(())
}

/// The place of a tensor, which must lie in the file and be as long as its shape says.
fn check_entry(
    part: usize,
    name: &str,
    entry: SafetensorsEntry,
    data_start: u64,
    file_len: u64,
) -> Result<Entry, EncoderError> {
    let (kind, size) = match entry.dtype.as_str() {
        "F32" => (Some(Quant::F32), 4),
        "F16" => (Some(Quant::F16), 2),
        "BF16" => (Some(Quant::Bf16), 2),
        _ => (None, 0),
    };
    let (start, end) = entry.data_offsets;
    let elements = entry
        .shape
        .iter()
        .try_fold(1u64, |product, size| product.checked_mul(*size as u64));
    let fits = end >= start
        && data_start
            .checked_add(end)
            .is_some_and(|end| end <= file_len)
        && (kind.is_none() || elements.and_then(|n| n.checked_mul(size)) == Some(end - start));
    if !fits {
        return Err(EncoderError::Unreadable(format!(
            "tensor {name} of shape {:?} would lie at {start} to {end} after the header, and the \
             file has {file_len} bytes",
            entry.shape
        )));
    }
    Ok(Entry {
        part,
        shape: entry.shape,
        kind,
        stored_as: entry.dtype,
        start: data_start + start,
        bytes: usize::try_from(end - start).unwrap_or(usize::MAX),
    })
}

fn check_finite<T: Copy>(
    name: &str,
    values: &[T],
    is_finite: impl Fn(T) -> bool,
) -> Result<(), EncoderError> {
    // Without a way out in the middle, the compiler makes vectors of it.
    if values.iter().fold(true, |all, x| all & is_finite(*x)) {
        return Ok(());
    }
    Err(EncoderError::NotFinite {
        name: name.to_owned(),
        index: values.iter().position(|x| !is_finite(*x)).unwrap_or(0),
    })
}
