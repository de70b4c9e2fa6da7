//! Where a network's packed matrices are: mapped from a file in the cache folder, in memory where
//! there is none, or read from storage as they are needed where memory has no room for all.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;

use docent_kernels::aligned::Aligned;
use docent_kernels::packed::PackedWeights;

use crate::capped;
use crate::gguf::GgufError;
use crate::mapped::Mapped;
use crate::packed_cache::PackedCache;
use crate::source::Source;

use super::memory::Budget;
use super::packed::{ALIGNMENT, HEADER, Matrix, Plan, Unit};
use super::streamed::{Loan, Origin, Streamed};

/// Packed matrices.
pub(super) enum Store {
    Resident(Resident),
    Streamed(Streamed),
}

/// Packed matrices that are all in memory, or mapped into it.
pub(super) struct Resident {
    plan: Plan,
    bytes: Bytes,
}

enum Bytes {
    Mapped(Mapped),
    Memory(Aligned<u8>),
}

/// A unit's matrices, which stay in memory as long as this.
pub(super) struct Held<'a> {
    plan: &'a Plan,
    /// Where the bytes begin in the plan.
    place: usize,
    bytes: HeldBytes<'a>,
}

enum HeldBytes<'a> {
    Resident(&'a [u8]),
    Lent(Loan<'a>),
}

impl<'a> Held<'a> {
    /// What is in memory for good: bytes from this place of the plan on.
    pub(super) fn resident(plan: &'a Plan, place: usize, bytes: &'a [u8]) -> Held<'a> {
        Held {
            plan,
            place,
            bytes: HeldBytes::Resident(bytes),
        }
    }

    /// What is in memory for a while: bytes from this place of the plan on.
    pub(super) fn lent(plan: &'a Plan, place: usize, loan: Loan<'a>) -> Held<'a> {
        Held {
            plan,
            place,
            bytes: HeldBytes::Lent(loan),
        }
    }

    /// One of the unit's matrices.
    pub(super) fn weights(&self, matrix: &Matrix) -> PackedWeights<'_> {
        let bytes = match &self.bytes {
            HeldBytes::Resident(bytes) => bytes,
            HeldBytes::Lent(loan) => loan.bytes(),
        };
        let part = self.plan.part(matrix);
        let bytes = &bytes[part.place - self.place..][..part.shape.packed_bytes()];
        PackedWeights::new(part.shape, bytes).expect("as many bytes as the shape has")
    }
}

impl Resident {
    /// The packed matrices of a model: mapped from the cache, where they are written first if
    /// they are not there under the content hash of the model's file. Without a cache, or where
    /// it has no room or cannot be written, they are packed in memory.
    pub(super) fn open(
        plan: Plan,
        source: &Source,
        cache: Option<(&PackedCache, &str)>,
    ) -> Result<Resident, GgufError> {
        let file = cache.and_then(|(cache, key)| cached(&plan, source, key, cache));
        let bytes = match file.and_then(|file| Mapped::new(&file).ok()) {
            Some(mapped) => Bytes::Mapped(mapped),
            None => Bytes::Memory(in_memory(&plan, source)?),
        };
        Ok(Resident { plan, bytes })
    }

    /// All matrices.
    pub(super) fn hold(&self) -> Held<'_> {
        let bytes = match &self.bytes {
            Bytes::Mapped(mapped) => &mapped[..],
            Bytes::Memory(bytes) => &bytes[..],
        };
        Held::resident(&self.plan, 0, bytes)
    }

    /// Which matrices there are.
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }
}

impl Store {
    /// The packed matrices of a model; with a budget, in no more memory than that.
    pub(super) fn open(
        plan: Plan,
        source: &Arc<Source>,
        cache: Option<(&PackedCache, &str)>,
        budget: Option<Budget>,
    ) -> Result<Store, GgufError> {
        let Some(budget) = budget.filter(|budget| (plan.bytes() as u64) > budget.bytes) else {
            return Resident::open(plan, source, cache).map(Store::Resident);
        };
        let file = cache.and_then(|(cache, key)| cached(&plan, source, key, cache));
        let origin = match file.and_then(|file| Source::file(file).ok()) {
            Some(file) => Origin::Packed {
                file,
                keeps: budget.keeps_files,
            },
            None => Origin::Model(source.clone()),
        };
        Streamed::open(plan, origin, budget.bytes).map(Store::Streamed)
    }

    /// Which matrices there are.
    pub(super) fn plan(&self) -> &Plan {
        match self {
            Store::Resident(resident) => resident.plan(),
            Store::Streamed(streamed) => streamed.plan(),
        }
    }

    /// A unit's matrices, once they are in memory. One thread at a time may ask, and at most one
    /// unit may be held meanwhile.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) fn hold(&self, unit: Unit) -> io::Result<Held<'_>> {
        match self {
            Store::Resident(resident) => Ok(resident.hold()),
            Store::Streamed(streamed) => streamed.hold(unit),
        }
    }

    /// What is read from storage, where not all is in memory.
    pub(super) fn streamed(&self) -> Option<&Streamed> {
        match self {
            Store::Resident(_) => None,
            Store::Streamed(streamed) => Some(streamed),
        }
    }

    /// Bytes of packed matrices that are in memory, or mapped into it.
    pub(super) fn resident_bytes(&self) -> usize {
        match self {
            Store::Resident(resident) => resident.plan.bytes(),
            Store::Streamed(streamed) => streamed.resident_bytes(),
        }
    }
}

/// Packs all matrices into memory.
fn in_memory(plan: &Plan, source: &Source) -> Result<Aligned<u8>, GgufError> {
    let length = HEADER + plan.bytes();
    let mut bytes = Aligned::try_zeroed(length).ok_or_else(|| {
        GgufError::Unsupported(
            format!("there is no memory for its {} MB", length / 1_000_000),
            "close other programs, or let docent keep packed weights on the disk \
             (models.packed_bytes)"
                .into(),
        )
    })?;
    plan.pack(source, |place, packed| {
        bytes[place..place + packed.len()].copy_from_slice(packed);
        Ok(())
    })?;
    Ok(bytes)
}

/// The file of the matrices in the cache, written if need be; `None` if it cannot hold them.
fn cached(plan: &Plan, source: &Source, key: &str, cache: &PackedCache) -> Option<File> {
    let length = (HEADER + plan.bytes()) as u64;
    if length > cache.limit_bytes {
        return None;
    }
    let path = cache.file(key);
    if let Some(file) = complete(plan, &path) {
        return Some(file);
    }
    cache.capped().make_room(length).ok()?;
    write(plan, source, &path).ok()?;
    complete(plan, &path)
}

/// Opens a file of packed matrices, if it is the one that `plan` makes.
fn complete(plan: &Plan, path: &Path) -> Option<File> {
    let mut file = File::open(path).ok()?;
    let mut header = [0; HEADER];
    file.read_exact(&mut header).ok()?;
    let length = file.metadata().ok()?.len();
    if header != plan.header() || length != (HEADER + plan.bytes()) as u64 {
        return None;
    }
    capped::touch(&file);
    Some(file)
}

/// Writes a file of packed matrices, which gets its name once it is complete and on the disk.
fn write(plan: &Plan, source: &Source, path: &Path) -> io::Result<()> {
    capped::write_whole(path, |unfinished| write_all(plan, source, unfinished))
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

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::decoder::{Decoder, LoadOptions, Wanted};
    use crate::fixture::{names, tiny_gguf};
    use crate::gguf::Gguf;

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

    #[test]
    fn packed_weights_are_written_once_and_mapped() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(&folder.path().join("made on demand"));
        let expected = logits(None);
        assert_eq!(logits(Some((&cache, "abc"))), expected);
        assert_eq!(names(&cache.folder), ["abc.packed"]);
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
        assert_eq!(names(folder.path()), ["a file"]);
    }
}
