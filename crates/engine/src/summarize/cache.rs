//! What summarising has found out about sections, kept by their content.
//!
//! One file in the collection's home, appended to: a record for each section, with a checksum. A
//! killed process loses the record that it was writing; what cannot be read ends the file there.
//! The file holds no text, only places in a section and vectors of its sentences, and losing it
//! costs time alone.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

/// The first line; another version is begun anew.
const HEADER: &[u8] = b"docent summaries 1\n";
/// A larger file is begun anew.
const MAX_FILE_BYTES: u64 = 128 << 20;
/// A record that says it is longer is damaged.
const MAX_RECORD_BYTES: usize = 1 << 20;
const CHECK_BYTES: usize = 8;

/// The hash of all that a section's digest depends on.
pub(super) type Key = [u8; 32];

/// What is known of a section.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SectionDigest {
    /// Number of its sentences.
    pub(super) sentences: usize,
    /// The sentences that say most of it, the best first.
    pub(super) picks: Vec<Pick>,
    /// Where it lies in meaning: the centroid of its sentences; empty where none was weighed.
    pub(super) vector: Vec<f32>,
}

/// A sentence that may be quoted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pick {
    /// Its bytes, counted from the beginning of the section.
    pub(super) span: Range<usize>,
    /// How central it is to its section, 0 to 1, its fitness included.
    pub(super) score: f32,
    /// How fit it is to be quoted alone.
    pub(super) fitness: f32,
    /// Its unit vector.
    pub(super) vector: Vec<f32>,
}

/// Digests by key. Without a file they live as long as the process.
#[derive(Default)]
pub(super) struct Cache {
    known: HashMap<Key, Vec<u8>>,
    file: Option<File>,
    bytes: u64,
}

impl Drop for Cache {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // Closing is not enough: a process that is being started holds what is open here for
            // a moment. Where it fails, closing has to do.
            let _ = file.unlock();
        }
    }
}

impl Cache {
    /// Opens the file, which is made if it is not there. A file that cannot be used, or that
    /// another process writes, costs time and is no error.
    pub(super) fn open(path: &Path) -> Cache {
        Cache::read(path).unwrap_or_default()
    }

    fn read(path: &Path) -> std::io::Result<Cache> {
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let mut cache = Cache::default();
        let writes = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(error)) => return Err(error),
        };
        cache.bytes = cache.load(&mut file)?;
        if writes {
            let begins = cache.bytes == 0 || cache.bytes > MAX_FILE_BYTES;
            if begins {
                cache.known.clear();
                file.set_len(0)?;
                file.seek(SeekFrom::Start(0))?;
                file.write_all(HEADER)?;
                cache.bytes = HEADER.len() as u64;
            }
            // What follows the last whole record was cut off by a crash.
            file.set_len(cache.bytes)?;
            file.seek(SeekFrom::Start(cache.bytes))?;
            cache.file = Some(file);
        }
        Ok(cache)
    }

    /// Reads the whole records; where the last of them ends, 0 where the file is not ours.
    fn load(&mut self, file: &mut File) -> std::io::Result<u64> {
        let mut reader = BufReader::new(file);
        let mut header = vec![0; HEADER.len()];
        if !fills(&mut reader, &mut header)? || header != HEADER {
            return Ok(0);
        }
        let mut end = HEADER.len() as u64;
        loop {
            let (mut key, mut length, mut check) = ([0; 32], [0; 4], [0; CHECK_BYTES]);
            if !fills(&mut reader, &mut key)? || !fills(&mut reader, &mut length)? {
                return Ok(end);
            }
            let length = u32::from_le_bytes(length) as usize;
            if length > MAX_RECORD_BYTES {
                return Ok(end);
            }
            let mut payload = vec![0; length];
            let whole = fills(&mut reader, &mut payload)? && fills(&mut reader, &mut check)?;
            if !whole || check != checksum(&key, &payload) {
                return Ok(end);
            }
            end += (key.len() + 4 + length + CHECK_BYTES) as u64;
            self.known.insert(key, payload);
        }
    }

    /// What is known of a section.
    pub(super) fn get(&self, key: &Key) -> Option<SectionDigest> {
        decode(self.known.get(key)?)
    }

    /// Keeps what was found out, and gives it as it will be read again: vectors are rounded, and
    /// a summary must not depend on which run it is. A disk that takes no more costs time later.
    pub(super) fn put(&mut self, key: Key, digest: SectionDigest) -> SectionDigest {
        let payload = encode(&digest);
        let mut record = key.to_vec();
        record.extend((payload.len() as u32).to_le_bytes());
        record.extend(&payload);
        record.extend(checksum(&key, &payload));
        let fits =
            payload.len() <= MAX_RECORD_BYTES && self.bytes + record.len() as u64 <= MAX_FILE_BYTES;
        if let Some(file) = self.file.as_mut().filter(|_| fits) {
            match file.write_all(&record) {
                Ok(()) => self.bytes += record.len() as u64,
                Err(_) => self.file = None,
            }
        }
        decode(&payload).unwrap_or(digest)
    }
}

/// Whether the reader filled the buffer; an early end is none.
fn fills(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn checksum(key: &Key, payload: &[u8]) -> [u8; CHECK_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key).update(payload);
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&hasher.finalize().as_bytes()[..CHECK_BYTES]);
    check
}

/// Numbers little-endian; vectors with a byte a value, which keeps a cosine to two digits.
fn encode(digest: &SectionDigest) -> Vec<u8> {
    let mut bytes = Vec::new();
    let number = |bytes: &mut Vec<u8>, n: usize| bytes.extend((n as u32).to_le_bytes());
    let vector = |bytes: &mut Vec<u8>, values: &[f32]| {
        number(bytes, values.len());
        bytes.extend(
            values
                .iter()
                .map(|value| (value * 127.0).round() as i8 as u8),
        );
    };
    number(&mut bytes, digest.sentences);
    vector(&mut bytes, &digest.vector);
    number(&mut bytes, digest.picks.len());
    for pick in &digest.picks {
        number(&mut bytes, pick.span.start);
        number(&mut bytes, pick.span.end);
        bytes.extend(pick.score.to_le_bytes());
        bytes.extend(pick.fitness.to_le_bytes());
        vector(&mut bytes, &pick.vector);
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<SectionDigest> {
    let mut rest = bytes;
    let sentences = number(&mut rest)?;
    let vector = vector(&mut rest)?;
    let count = number(&mut rest)?;
    let mut picks = Vec::new();
    for _ in 0..count {
        let span = number(&mut rest)?..number(&mut rest)?;
        picks.push(Pick {
            span,
            score: f32::from_le_bytes(take(&mut rest)?),
            fitness: f32::from_le_bytes(take(&mut rest)?),
            vector: self::vector(&mut rest)?,
        });
    }
    rest.is_empty().then_some(SectionDigest {
        sentences,
        picks,
        vector,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    take(rest).map(|bytes| u32::from_le_bytes(bytes) as usize)
}

/// A vector, again of unit length.
fn vector(rest: &mut &[u8]) -> Option<Vec<f32>> {
    let count = number(rest)?;
    let (values, after) = rest.split_at_checked(count)?;
    *rest = after;
    let values: Vec<f32> = values.iter().map(|&value| f32::from(value as i8)).collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    Some(
        values
            .into_iter()
            .map(|value| value / length.max(1e-6))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> SectionDigest {
        SectionDigest {
            sentences: 3,
            picks: vec![Pick {
                span: 4..9,
                score: 0.5,
                fitness: 1.0,
                vector: vec![0.0, 1.0],
            }],
            vector: vec![1.0, 0.0],
        }
    }

    #[test]
    fn what_was_kept_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summaries");
        let mut uneven = digest();
        uneven.vector = vec![0.6001, 0.7999];
        let kept = Cache::open(&path).put([1; 32], uneven.clone());
        assert_ne!(kept, uneven);
        let again = Cache::open(&path);
        assert_eq!(again.get(&[1; 32]), Some(kept));
        assert_eq!(again.get(&[2; 32]), None);
    }

    #[test]
    fn a_record_that_broke_off_is_dropped_and_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summaries");
        let mut cache = Cache::open(&path);
        cache.put([1; 32], digest());
        cache.put([2; 32], digest());
        drop(cache);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
        let mut cache = Cache::open(&path);
        assert!(cache.get(&[1; 32]).is_some() && cache.get(&[2; 32]).is_none());
        cache.put([3; 32], digest());
        drop(cache);
        assert!(Cache::open(&path).get(&[3; 32]).is_some());
    }

    #[test]
    fn a_foreign_or_damaged_file_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summaries");
        std::fs::write(&path, "something else").unwrap();
        Cache::open(&path).put([1; 32], digest());
        assert!(Cache::open(&path).get(&[1; 32]).is_some());
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 12;
        bytes[last] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(Cache::open(&path).get(&[1; 32]).is_none());
    }

    #[test]
    fn two_at_a_time_do_not_write_over_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summaries");
        let mut first = Cache::open(&path);
        let mut second = Cache::open(&path);
        first.put([1; 32], digest());
        second.put([2; 32], digest());
        drop((first, second));
        let cache = Cache::open(&path);
        assert!(cache.get(&[1; 32]).is_some() && cache.get(&[2; 32]).is_none());
    }
}
