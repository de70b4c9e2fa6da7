//! What a model has read, kept on disk: a prompt that begins with it, in another process or on
//! another day, is read from there on.
//!
//! A file holds tokens, and the keys and values that the network made of them. It is as
//! confidential as the prompt: the caller names the folder, one for each collection, and nothing
//! is taken from anywhere else.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::capped::{self, Capped};
use crate::decoder::Decoder;

/// What a file begins with.
const MAGIC: &[u8; 16] = b"docent prefix 1\n";
/// Extension of the files.
const EXTENSION: &str = "prefix";
/// Bytes before the tokens: the magic, the model's digest, the number of tokens.
const HEADER: usize = 16 + 32 + 4;
/// Tokens that a file has to save for it to be worth reading.
const LEAST_GAIN: usize = 32;
/// A checksum of all else at the end.
const CHECK: usize = 32;

/// How much is kept of what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrefixLimits {
    /// Bytes that all files of a folder may take; 0 keeps nothing.
    pub bytes: u64,
    /// What was read in less time is read again rather than kept.
    pub least_time: Duration,
}

impl Default for PrefixLimits {
    /// Nothing is kept.
    fn default() -> Self {
        PrefixLimits {
            bytes: 0,
            least_time: Duration::from_secs(1),
        }
    }
}

/// The kept prefixes of one model in one folder.
pub(super) struct Prefixes<'a> {
    pub(super) folder: &'a Path,
    pub(super) limits: PrefixLimits,
    /// Tells this model, with its adapters and the form of its cache, from others.
    pub(super) model: [u8; 32],
}

/// A file, as its header tells.
struct Kept {
    path: PathBuf,
    tokens: Vec<u32>,
}

impl Prefixes<'_> {
    /// Has the decoder take up the longest beginning of `prompt` that is kept, if that is more
    /// than it has read anyway. A file that is damaged is removed, and costs time at most.
    pub(super) fn take_up(&self, prompt: &[u32], decoder: &mut Decoder) {
        let known = shared(prompt, decoder.tokens());
        let files = self.files().unwrap_or_default().into_iter();
        let best = files.max_by_key(|kept| shared(prompt, &kept.tokens));
        let Some(best) = best else { return };
        let gain = shared(prompt, &best.tokens).saturating_sub(known);
        if gain < LEAST_GAIN || best.tokens.len() > decoder.context() {
            return;
        }
        if self.read(&best, decoder).is_err() {
            decoder.keep(0);
            // Where it cannot be removed it is tried again.
            let _ = fs::remove_file(&best.path);
        }
    }

    /// Keeps what the decoder has read, in place of files of which it is the continuation.
    ///
    /// # Errors
    /// When the folder cannot be written; nothing is lost but time.
    pub(super) fn keep(&self, decoder: &Decoder) -> io::Result<()> {
        let tokens = decoder.tokens();
        let length = (HEADER + 4 * tokens.len() + CHECK) as u64 + decoder.state_bytes();
        if tokens.is_empty() || length > self.limits.bytes {
            return Ok(());
        }
        let mut files = self.files()?;
        if files.iter().any(|kept| kept.tokens.starts_with(tokens)) {
            return Ok(());
        }
        for kept in files.extract_if(.., |kept| tokens.starts_with(&kept.tokens)) {
            fs::remove_file(kept.path)?;
        }
        self.capped().make_room(length)?;
        let mut name = blake3::Hasher::new();
        name.update(&self.model);
        for token in tokens {
            name.update(&token.to_le_bytes());
        }
        let name = format!("{}.{EXTENSION}", &name.finalize().to_hex()[..16]);
        let path = self.folder.join(name);
        capped::write_whole(&path, |unfinished| self.write(unfinished, decoder))
    }

    /// The folder, with the files of all models, as one that is kept within its limit.
    fn capped(&self) -> Capped<'_> {
        Capped {
            folder: self.folder,
            extension: EXTENSION,
            limit_bytes: self.limits.bytes,
        }
    }

    fn write(&self, path: &Path, decoder: &Decoder) -> io::Result<()> {
        let mut out = Hashing::new(BufWriter::with_capacity(1 << 20, File::create(path)?));
        out.write_all(MAGIC)?;
        out.write_all(&self.model)?;
        out.write_all(&(decoder.tokens().len() as u32).to_le_bytes())?;
        for token in decoder.tokens() {
            out.write_all(&token.to_le_bytes())?;
        }
        decoder.save(&mut out)?;
        let check = out.hasher.finalize();
        out.inner.write_all(check.as_bytes())?;
        out.inner.flush()
    }

    fn read(&self, kept: &Kept, decoder: &mut Decoder) -> io::Result<()> {
        let file = File::open(&kept.path)?;
        capped::touch(&file);
        let mut input = Hashing::new(BufReader::with_capacity(1 << 20, file));
        let head = HEADER + 4 * kept.tokens.len();
        io::copy(&mut input.by_ref().take(head as u64), &mut io::sink())?;
        decoder.restore(&kept.tokens, &mut input)?;
        let mut check = [0; CHECK];
        let hash = input.hasher.finalize();
        input.inner.read_exact(&mut check)?;
        match hash == blake3::Hash::from_bytes(check) {
            true => Ok(()),
            false => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// The whole files of this model.
    fn files(&self) -> io::Result<Vec<Kept>> {
        let files = self.capped().files()?.into_iter();
        Ok(files
            .filter_map(|(path, _)| self.header(path).ok())
            .collect())
    }

    fn header(&self, path: PathBuf) -> io::Result<Kept> {
        let mut file = File::open(&path)?;
        let length = file.metadata()?.len();
        let mut header = [0; HEADER];
        file.read_exact(&mut header)?;
        let (magic, rest) = header.split_at(MAGIC.len());
        let (model, count) = rest.split_at(self.model.len());
        let count = count.try_into().map_or(0, u32::from_le_bytes) as usize;
        let is_ours = magic == MAGIC && model == self.model && count > 0;
        if !is_ours || (count as u64).saturating_mul(4) > length {
            return Err(io::ErrorKind::InvalidData.into());
        }
        file.seek(SeekFrom::Start(HEADER as u64))?;
        let mut bytes = vec![0; 4 * count];
        file.read_exact(&mut bytes)?;
        let tokens = bytes.as_chunks().0.iter().map(|t| u32::from_le_bytes(*t));
        Ok(Kept {
            path,
            tokens: tokens.collect(),
        })
    }
}

/// The number of tokens with which both begin.
fn shared(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Hashes what passes.
struct Hashing<T> {
    inner: T,
    hasher: blake3::Hasher,
}

impl<T> Hashing<T> {
    fn new(inner: T) -> Self {
        Hashing {
            inner,
            hasher: blake3::Hasher::new(),
        }
    }
}

impl<T: Write> Write for Hashing<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Hashing<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.hasher.update(&bytes[..read]);
        Ok(read)
    }
}
