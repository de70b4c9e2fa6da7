//! A GGUF file's weights as candle reads them, with the types that it computes slowly changed
//! into one that it computes fast.

use std::borrow::Cow;
use std::io::{self, Read, Seek, SeekFrom};

use candle_core::Device;
use candle_core::quantized::ggml_file::qtensor_from_ggml;
use candle_core::quantized::{GgmlDType, QTensor, gguf_file};

use crate::gguf::{Gguf, TensorEntry};

/// Room between tensors keeps their beginnings on multiples of this.
const ALIGNMENT: u64 = 32;

/// The weights, laid out anew: a reader in which every tensor stands where [`Weights::describe`]
/// says, and is converted when it is read. One tensor at a time is in memory.
pub(super) struct Weights<'a, R> {
    source: &'a mut R,
    weights_at: u64,
    /// In order of their new places.
    places: Vec<Place>,
    length: u64,
    at: u64,
    /// The tensor that was converted last, by its index.
    converted: Option<(usize, Vec<u8>)>,
    failure: Option<io::Error>,
}

/// Where a tensor stands now, and as what.
struct Place {
    name: String,
    start: u64,
    bytes: usize,
    kind: GgmlDType,
    entry: TensorEntry,
}

/// Tensors of slow types that take more than this as 32-bit floats become eight-bit ones instead.
const WIDENED_BYTES: u64 = 1 << 30;

/// Whether candle has no vector code for a type of tensor.
fn is_slow(kind: GgmlDType) -> bool {
    matches!(kind, GgmlDType::Q4_1 | GgmlDType::Q5_0 | GgmlDType::Q5_1)
}

/// The type that slow tensors of a model get. As 32-bit floats they are exact, read a prompt
/// about four times as fast as with eight bits and write no slower, and take four times the
/// memory: for small models only. Eight bits for four or five lose next to nothing.
fn replacement(gguf: &Gguf) -> GgmlDType {
    let slow = gguf.tensors.values().filter(|entry| is_slow(entry.kind));
    let elements: u64 = slow
        .map(|entry| entry.shape.iter().product::<usize>() as u64)
        .sum();
    match elements.saturating_mul(4) <= WIDENED_BYTES {
        true => GgmlDType::F32,
        false => GgmlDType::Q8_0,
    }
}

impl<'a, R: Read + Seek> Weights<'a, R> {
    /// The weights of a file whose header was read from `source`.
    pub(super) fn new(gguf: &Gguf, source: &'a mut R) -> Weights<'a, R> {
        Weights::replacing(gguf, source, replacement(gguf))
    }

    /// The weights with slow tensors as `replacement`.
    fn replacing(gguf: &Gguf, source: &'a mut R, replacement: GgmlDType) -> Weights<'a, R> {
        let mut entries: Vec<_> = gguf.tensors.iter().collect();
        entries.sort_unstable_by_key(|(name, entry)| (entry.offset, name.as_str()));
        let mut length = 0u64;
        let mut places = Vec::with_capacity(entries.len());
        for (name, entry) in entries {
            let kind = if is_slow(entry.kind) {
                replacement
            } else {
                entry.kind
            };
            let elements: usize = entry.shape.iter().product();
            let bytes = elements / kind.block_size() * kind.type_size();
            places.push(Place {
                name: name.clone(),
                start: length,
                bytes,
                kind,
                entry: entry.clone(),
            });
            length = (length + bytes as u64).next_multiple_of(ALIGNMENT);
        }
        Weights {
            source,
            weights_at: gguf.weights_at,
            places,
            length,
            at: 0,
            converted: None,
            failure: None,
        }
    }

    /// The same content with the tensors where and what they are in this reader.
    pub(super) fn describe(&self, mut content: gguf_file::Content) -> gguf_file::Content {
        content.tensor_data_offset = 0;
        for place in &self.places {
            if let Some(info) = content.tensor_infos.get_mut(&place.name) {
                info.offset = place.start;
                info.ggml_dtype = place.kind;
            }
        }
        content
    }

    /// What went wrong in reading the file, if anything did; candle's own errors do not tell.
    pub(super) fn failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Reads from the tensor that stands at the present position.
    fn read_here(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let after = self.places.partition_point(|place| place.start <= self.at);
        let Some(index) = after.checked_sub(1) else {
            return Ok(0);
        };
        let place = &self.places[index];
        let into = usize::try_from(self.at - place.start).unwrap_or(usize::MAX);
        let count = place.bytes.saturating_sub(into).min(buffer.len());
        if count == 0 {
            return Ok(0);
        }
        let stored = SeekFrom::Start(self.weights_at + place.entry.offset + into as u64);
        if place.kind == place.entry.kind {
            self.source.seek(stored)?;
            self.source.read_exact(&mut buffer[..count])?;
        } else {
            if self
                .converted
                .as_ref()
                .is_none_or(|(last, _)| *last != index)
            {
                let bytes = self.convert(index)?;
                self.converted = Some((index, bytes));
            }
            if let Some((_, bytes)) = &self.converted {
                buffer[..count].copy_from_slice(&bytes[into..into + count]);
            }
        }
        self.at += count as u64;
        Ok(count)
    }

    /// The bytes of a tensor in the type that it has here.
    fn convert(&mut self, index: usize) -> io::Result<Vec<u8>> {
        let Place {
            entry, kind, bytes, ..
        } = &self.places[index];
        let mut stored = vec![0; entry.bytes];
        self.source
            .seek(SeekFrom::Start(self.weights_at + entry.offset))?;
        self.source.read_exact(&mut stored)?;
        let change = || -> candle_core::Result<Vec<u8>> {
            let shape = entry.shape.clone();
            let tensor = qtensor_from_ggml(entry.kind, &stored, shape, &Device::Cpu)?;
            let tensor = QTensor::quantize(&tensor.dequantize(&Device::Cpu)?, *kind)?;
            tensor.data().map(Cow::into_owned)
        };
        let changed = change().map_err(io::Error::other)?;
        match changed.len() == *bytes {
            true => Ok(changed),
            false => Err(io::Error::other("a tensor changed its size in conversion")),
        }
    }
}

impl<R: Read + Seek> Read for Weights<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_here(buffer).inspect_err(|error| {
            self.failure = Some(io::Error::new(error.kind(), error.to_string()));
        })
    }
}

impl<R> Seek for Weights<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::other("a position before the beginning"))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::decoder::Settings;
    use crate::fixture::starter_bytes;

    fn values(tensor: &QTensor) -> Vec<f32> {
        let tensor = tensor.dequantize(&Device::Cpu).unwrap();
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    #[test]
    fn converted_weights_are_those_of_the_file() {
        let name = "blk.3.attn_k.weight";
        let mut source = Cursor::new(starter_bytes());
        let gguf = Gguf::read(&mut source).unwrap();
        let settings = Settings::from_gguf(&gguf, None).unwrap();
        let content = settings.content(&gguf).unwrap();
        let stored = content.tensor(&mut source, name, &Device::Cpu).unwrap();
        assert_eq!(stored.dtype(), GgmlDType::Q4_1);
        assert_eq!(replacement(&gguf), GgmlDType::F32);
        for (kind, least) in [(GgmlDType::F32, 1.0 - 1e-6), (GgmlDType::Q8_0, 0.9999)] {
            let mut weights = Weights::replacing(&gguf, &mut source, kind);
            let content = weights.describe(settings.content(&gguf).unwrap());
            let converted = content.tensor(&mut weights, name, &Device::Cpu).unwrap();
            assert_eq!(converted.dtype(), kind);
            assert!(
                cosine(&values(&stored), &values(&converted)) > least,
                "{kind:?}"
            );
        }
    }

    #[test]
    fn a_tensor_that_is_not_converted_is_read_as_it_stands() {
        let mut source = Cursor::new(starter_bytes());
        let gguf = Gguf::read(&mut source).unwrap();
        let entry = gguf.tensors["output_norm.weight"].clone();
        let start = (gguf.weights_at + entry.offset) as usize;
        let mut weights = Weights::new(&gguf, &mut source);
        let place = weights
            .places
            .iter()
            .find(|place| place.name == "output_norm.weight");
        let at = place.unwrap().start;
        weights.seek(SeekFrom::Start(at)).unwrap();
        let mut bytes = vec![0; entry.bytes];
        weights.read_exact(&mut bytes).unwrap();
        assert_eq!(bytes, starter_bytes()[start..start + entry.bytes]);
    }
}
