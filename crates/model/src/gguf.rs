//! Reading GGUF: the header of a model file, checked against the file's length before anything
//! that it announces is believed.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>, versions 2 and 3.

use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom};

use docent_kernels::quant::Quant;

/// Metadata entries, tensors and array elements that a header may have; real ones have a few
/// hundred, a thousand and a quarter of a million.
const MAX_ENTRIES: u64 = 1 << 16;
const MAX_ELEMENTS: u64 = 1 << 24;
/// Arrays of arrays deeper than this are no metadata.
const MAX_DEPTH: usize = 4;
const MAX_DIMENSIONS: u32 = 4;
/// Where weights begin is a multiple of this, unless the header says otherwise.
const DEFAULT_ALIGNMENT: u64 = 32;

/// What is wrong with a GGUF file.
#[derive(Debug)]
pub(crate) enum GgufError {
    /// The file could not be read.
    Io(io::Error),
    /// The file is damaged or none at all: what is wrong, and where.
    Damaged(String),
    /// The file is sound, but of a kind that docent does not read: what it is, and what to do.
    Unsupported(String, String),
}

impl From<io::Error> for GgufError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                GgufError::Damaged("the file is cut short: it ends inside its header".into())
            }
            _ => GgufError::Io(error),
        }
    }
}

/// A value of the metadata. Arrays of arrays are checked and left out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Integer(i64),
    Float(f64),
    Flag(bool),
    Text(String),
    Integers(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<String>),
}

/// A tensor as the header announces it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TensorEntry {
    /// Rows first, as candle counts.
    pub(crate) shape: Vec<usize>,
    pub(crate) kind: Quant,
    /// From the beginning of the weights.
    pub(crate) offset: u64,
    /// Length in bytes.
    pub(crate) bytes: usize,
}

impl TensorEntry {
    /// The number of numbers.
    pub(crate) fn elements(&self) -> usize {
        // Checked for overflow when the header was read.
        self.shape.iter().product()
    }

    /// The length of a row.
    pub(crate) fn width(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// The number of rows, over all dimensions but the last.
    pub(crate) fn rows(&self) -> usize {
        self.elements() / self.width()
    }
}

/// The header of a GGUF file.
#[derive(Debug)]
pub(crate) struct Gguf {
    pub(crate) metadata: HashMap<String, Value>,
    pub(crate) tensors: HashMap<String, TensorEntry>,
    /// Where the weights begin in the file.
    pub(crate) weights_at: u64,
}

impl Gguf {
    /// Reads the header and checks that every tensor lies inside the file.
    pub(crate) fn read(source: &mut (impl Read + Seek)) -> Result<Gguf, GgufError> {
        let length = source.seek(SeekFrom::End(0))?;
        source.seek(SeekFrom::Start(0))?;
        let mut header = Header {
            source,
            at: 0,
            length,
            elements: 0,
        };
        header.magic()?;
        let tensor_count = header.count("tensors", MAX_ENTRIES)?;
        let entry_count = header.count("metadata entries", MAX_ENTRIES)?;
        let mut metadata = HashMap::new();
        for _ in 0..entry_count {
            let key = header.text()?;
            let kind = header.u32()?;
            if let Some(value) = header.value(kind, &key)? {
                metadata.insert(key, value);
            }
        }
        let mut tensors = HashMap::new();
        for _ in 0..tensor_count {
            let name = header.text()?;
            let entry = header.tensor(&name)?;
            tensors.insert(name, entry);
        }
        let weights_at = weights_at(&metadata, header.at)?;
        check_extents(&tensors, weights_at, length)?;
        let gguf = Gguf {
            metadata,
            tensors,
            weights_at,
        };
        gguf.refuse_parts()?;
        Ok(gguf)
    }

    /// A text of the metadata.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number of the metadata that is not negative.
    pub(crate) fn number(&self, key: &str) -> Option<usize> {
        match self.metadata.get(key)? {
            Value::Integer(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A yes or no of the metadata.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        match self.metadata.get(key)? {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    /// Refuses one part of a model that was cut into several files.
    fn refuse_parts(&self) -> Result<(), GgufError> {
        match self.number("split.count") {
            Some(parts @ 2..) => Err(GgufError::Unsupported(
                format!("this is one of {parts} parts of a model"),
                "merge the parts into one file first (llama-gguf-split --merge)".into(),
            )),
            _ => Ok(()),
        }
    }
}

/// Where the weights begin, given where the header ends.
fn weights_at(metadata: &HashMap<String, Value>, header_end: u64) -> Result<u64, GgufError> {
    let alignment = match metadata.get("general.alignment") {
        Some(Value::Integer(alignment)) => u64::try_from(*alignment).unwrap_or(0),
        _ => DEFAULT_ALIGNMENT,
    };
    if !alignment.is_power_of_two() || alignment > 1 << 20 {
        let problem = format!("general.alignment is {alignment}, which is no power of two");
        return Err(GgufError::Damaged(problem));
    }
    Ok(header_end.next_multiple_of(alignment))
}

/// Checks that every tensor ends before the file does.
fn check_extents(
    tensors: &HashMap<String, TensorEntry>,
    weights_at: u64,
    length: u64,
) -> Result<(), GgufError> {
    for (name, entry) in tensors {
        let end = weights_at
            .checked_add(entry.offset)
            .and_then(|start| start.checked_add(entry.bytes as u64));
        if end.is_none_or(|end| end > length) {
            let end = end.map_or("beyond any file".into(), |end| format!("at byte {end}"));
            return Err(GgufError::Damaged(format!(
                "the file is cut short: tensor {name} ends {end}, the file has {length} bytes"
            )));
        }
    }
    Ok(())
}

/// What a file that is no GGUF is likely to be, from its first bytes.
fn likeness(start: &[u8]) -> &'static str {
    match start {
        b"ver" => "a Git LFS pointer, not the file that it stands for",
        b"PK\x03" => "a zip archive or a PyTorch model",
        b"<!D" | b"<!d" | b"<ht" | b"<HT" => "a web page",
        b"ggj" | b"ggm" | b"jgg" | b"lmg" => "a GGML file of before 2023",
        _ => "something else",
    }
}

/// The header while it is read.
struct Header<'a, R> {
    source: &'a mut R,
    at: u64,
    length: u64,
    /// Array elements so far.
    elements: u64,
}

impl<R: Read> Header<'_, R> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, GgufError> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, GgufError> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn magic(&mut self) -> Result<(), GgufError> {
        if self.length < 4 {
            let problem = format!("this is no GGUF file: it has {} bytes", self.length);
            return Err(GgufError::Damaged(problem));
        }
        let magic: [u8; 4] = self.bytes()?;
        if &magic != b"GGUF" {
            let likeness = likeness(&magic[..3]);
            let problem = format!("this is no GGUF file, it looks like {likeness}");
            return Err(GgufError::Damaged(problem));
        }
        match self.u32()? {
            2 | 3 => Ok(()),
            version => Err(GgufError::Unsupported(
                format!("GGUF version {version} (or of the other byte order)"),
                "docent reads versions 2 and 3: convert the model again".into(),
            )),
        }
    }

    /// A number of things, each of which takes at least a byte of what is left of the file.
    fn count(&mut self, things: &str, limit: u64) -> Result<u64, GgufError> {
        let count = self.u64()?;
        let left = self.length.saturating_sub(self.at);
        if count > limit.min(left) {
            let at = self.at - 8;
            return Err(GgufError::Damaged(format!(
                "the header at byte {at} announces {count} {things}, and {left} bytes follow"
            )));
        }
        Ok(count)
    }

    fn text(&mut self) -> Result<String, GgufError> {
        let length = self.u64()?;
        let left = self.length.saturating_sub(self.at);
        if length > left {
            return Err(GgufError::Damaged(format!(
                "the file is cut short or damaged: a text of {length} bytes at byte {} of {}",
                self.at, self.length
            )));
        }
        // Not longer than the file, so not longer than memory allows for what is on disk.
        let mut bytes = vec![0; length as usize];
        self.source.read_exact(&mut bytes)?;
        self.at += length;
        Ok(match String::from_utf8(bytes) {
            Ok(text) => text,
            // Single tokens of some vocabularies are no UTF-8.
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    fn value(&mut self, kind: u32, key: &str) -> Result<Option<Value>, GgufError> {
        Ok(Some(match kind {
            6 => Value::Float(f64::from(f32::from_le_bytes(self.bytes()?))),
            12 => Value::Float(f64::from_le_bytes(self.bytes()?)),
            7 => Value::Flag(self.bytes::<1>()?[0] != 0),
            8 => Value::Text(self.text()?),
            9 => return self.array(key, 0),
            kind => Value::Integer(self.integer(kind, key)?),
        }))
    }

    fn integer(&mut self, kind: u32, key: &str) -> Result<i64, GgufError> {
        Ok(match kind {
            0 | 7 => i64::from(self.bytes::<1>()?[0]),
            1 => i64::from(i8::from_le_bytes(self.bytes()?)),
            2 => i64::from(u16::from_le_bytes(self.bytes()?)),
            3 => i64::from(i16::from_le_bytes(self.bytes()?)),
            4 => i64::from(self.u32()?),
            5 => i64::from(i32::from_le_bytes(self.bytes()?)),
            // Nothing that docent looks at is as large as the numbers that this saturates.
            10 => i64::try_from(self.u64()?).unwrap_or(i64::MAX),
            11 => i64::from_le_bytes(self.bytes()?),
            kind => {
                return Err(GgufError::Damaged(format!(
                    "metadata {key} at byte {} is of the unknown type {kind}",
                    self.at
                )));
            }
        })
    }

    fn array(&mut self, key: &str, depth: usize) -> Result<Option<Value>, GgufError> {
        let kind = self.u32()?;
        let count = self.count("array elements", MAX_ELEMENTS)?;
        self.elements += count;
        if self.elements > MAX_ELEMENTS || depth > MAX_DEPTH {
            let problem = format!("metadata {key} is larger than any model's");
            return Err(GgufError::Damaged(problem));
        }
        Ok(match kind {
            6 => {
                let floats = (0..count).map(|_| self.bytes().map(f32::from_le_bytes));
                Some(Value::Floats(floats.collect::<Result<_, _>>()?))
            }
            12 => {
                let floats = (0..count).map(|_| Ok(f64::from_le_bytes(self.bytes()?) as f32));
                Some(Value::Floats(floats.collect::<Result<_, GgufError>>()?))
            }
            8 => {
                let texts = (0..count).map(|_| self.text());
                Some(Value::Texts(texts.collect::<Result<_, _>>()?))
            }
            9 => {
                for _ in 0..count {
                    self.array(key, depth + 1)?;
                }
                None
            }
            kind => {
                let integers = (0..count).map(|_| self.integer(kind, key));
                Some(Value::Integers(integers.collect::<Result<_, _>>()?))
            }
        })
    }

    fn tensor(&mut self, name: &str) -> Result<TensorEntry, GgufError> {
        let dimensions = self.u32()?;
        if dimensions == 0 || dimensions > MAX_DIMENSIONS {
            let problem = format!("tensor {name} has {dimensions} dimensions");
            return Err(GgufError::Damaged(problem));
        }
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            shape.push(usize::try_from(self.u64()?).unwrap_or(usize::MAX));
        }
        let kind = tensor_kind(name, self.u32()?)?;
        let offset = self.u64()?;
        let elements = shape
            .iter()
            .try_fold(1usize, |product, &size| product.checked_mul(size));
        // Rows are stored in whole blocks.
        let row_bytes = kind.row_bytes(shape[0]).filter(|_| shape[0] > 0);
        let bytes = elements
            .zip(row_bytes)
            .and_then(|(elements, row_bytes)| (elements / shape[0]).checked_mul(row_bytes))
            .filter(|&bytes| bytes > 0);
        shape.reverse();
        let Some(bytes) = bytes else {
            let problem = format!("tensor {name} has the impossible shape {shape:?} of {kind:?}");
            return Err(GgufError::Damaged(problem));
        };
        Ok(TensorEntry {
            shape,
            kind,
            offset,
            bytes,
        })
    }
}

/// The kind of number that a tensor's type id stands for.
fn tensor_kind(name: &str, id: u32) -> Result<Quant, GgufError> {
    if let Some(kind) = Quant::from_ggml(id) {
        return Ok(kind);
    }
    let unread = match id {
        16..=19 | 21 | 22 | 29 => "one of the IQ types of 1 to 3 bits",
        34 | 35 => "a ternary type",
        39 => "MXFP4",
        _ => "a type that docent does not know",
    };
    Err(GgufError::Unsupported(
        format!("tensor {name} is stored as {unread} (type {id})"),
        "take the Q4_K_M, Q5_K_M, Q6_K or Q8_0 file of the same model".into(),
    ))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::fixture::{GgufWriter, tiny_gguf};

    fn read(bytes: &[u8]) -> Result<Gguf, GgufError> {
        Gguf::read(&mut Cursor::new(bytes))
    }

    fn damage(bytes: &[u8]) -> String {
        match read(bytes) {
            Err(GgufError::Damaged(problem)) => problem,
            other => panic!("not damaged: {other:?}"),
        }
    }

    #[test]
    fn a_header_is_read() {
        let gguf = read(&tiny_gguf("llama")).unwrap();
        assert_eq!(gguf.text("general.architecture"), Some("llama"));
        assert_eq!(gguf.number("llama.block_count"), Some(2));
        assert_eq!(gguf.flag("tokenizer.ggml.add_bos_token"), Some(false));
        assert_eq!(gguf.tensors["output_norm.weight"].kind, Quant::F32);
        assert_eq!(gguf.weights_at % 32, 0);
    }

    #[test]
    fn a_file_cut_at_any_byte_is_damaged_and_never_panics() {
        let whole = tiny_gguf("llama");
        let header = read(&whole).unwrap().weights_at as usize;
        for end in (0..header).step_by(7).chain([header, whole.len() - 1]) {
            let problem = damage(&whole[..end]);
            assert!(
                problem.contains("cut short") || problem.contains("bytes"),
                "{end}: {problem}"
            );
        }
        let problem = damage(&whole[..whole.len() - 1]);
        assert!(problem.contains("cut short: tensor"), "{problem}");
    }

    #[test]
    fn a_file_with_any_byte_of_its_header_changed_never_panics() {
        let whole = tiny_gguf("llama");
        let header = read(&whole).unwrap().weights_at as usize;
        for at in 0..header.min(6000) {
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            let _ = read(&changed);
        }
    }

    #[test]
    fn lying_counts_are_refused_before_memory_is_taken() {
        let mut bytes = tiny_gguf("llama");
        bytes[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(damage(&bytes).contains("announces 18446744073709551615 tensors"));

        let mut writer = GgufWriter::new();
        writer.key("long", 8);
        writer.u64(u64::MAX / 2);
        assert!(damage(&writer.finish(&[])).contains("a text of"));

        let mut writer = GgufWriter::new();
        writer.key("many", 9);
        writer.u32(0);
        writer.u64(1 << 40);
        assert!(damage(&writer.finish(&[])).contains("array elements"));
    }

    #[test]
    fn what_is_no_gguf_is_named() {
        assert!(damage(b"").contains("0 bytes"));
        assert!(damage(b"version https://git-lfs.github.com/spec/v1").contains("Git LFS pointer"));
        assert!(damage(b"PK\x03\x04 and so on").contains("PyTorch"));
        assert!(damage(b"\0\0\0\0\0\0\0\0\0\0\0\0").contains("something else"));
    }

    #[test]
    fn an_alignment_of_zero_is_damage() {
        let mut writer = GgufWriter::new();
        writer.integer("general.alignment", 0);
        assert!(damage(&writer.finish(&[])).contains("general.alignment is 0"));
    }

    #[test]
    fn impossible_tensors_are_damage() {
        let mut writer = GgufWriter::new();
        writer.tensor("a", &[u64::MAX, u64::MAX], 0, 0);
        assert!(damage(&writer.finish(&[])).contains("impossible shape"));
        let mut writer = GgufWriter::new();
        writer.tensor("a", &[33], 8, 0);
        assert!(damage(&writer.finish(&[0; 64])).contains("impossible shape"));
        let mut writer = GgufWriter::new();
        writer.tensor("a", &[32], 0, u64::MAX - 3);
        assert!(damage(&writer.finish(&[0; 64])).contains("beyond any file"));
    }

    #[test]
    fn an_unread_type_says_what_to_take() {
        let mut writer = GgufWriter::new();
        writer.tensor("blk.0.ffn_up.weight", &[256], 16, 0);
        match read(&writer.finish(&[0; 256])) {
            Err(GgufError::Unsupported(what, remedy)) => {
                assert!(what.contains("blk.0.ffn_up.weight") && what.contains("IQ types"));
                assert!(remedy.contains("Q4_K_M"));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_part_of_a_model_is_refused() {
        let mut writer = GgufWriter::new();
        writer.integer("split.count", 3);
        assert!(matches!(
            read(&writer.finish(&[])),
            Err(GgufError::Unsupported(what, _)) if what.contains("one of 3 parts")
        ));
    }
}
