//! Where a model file's bytes are: on disk or in memory, read at any place by any thread.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
#[cfg(target_os = "linux")]
use std::num::NonZero;

/// The bytes of a file.
pub(crate) enum Source {
    /// An open file and its length.
    File { file: File, length: u64 },
    /// A file that is part of the program, or of a test.
    Memory(Cow<'static, [u8]>),
}

impl Source {
    /// An open file.
    pub(crate) fn file(file: File) -> io::Result<Source> {
        let length = file.metadata()?.len();
        Ok(Source::File { file, length })
    }

    /// Length in bytes.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Source::File { length, .. } => *length,
            Source::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Fills `buffer` from the byte `at` on.
    ///
    /// # Errors
    /// When the file ends before, or cannot be read.
    pub(crate) fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        match self {
            Source::File { file, .. } => read_exact_at(file, at, buffer),
            Source::Memory(bytes) => {
                let start = usize::try_from(at).unwrap_or(usize::MAX);
                let end = start.saturating_add(buffer.len());
                let stored = bytes.get(start..end);
                buffer.copy_from_slice(stored.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }

    /// Has the operating system give up what it keeps in memory of `length` bytes from the byte
    /// `at` on: they are not read again soon. Where it cannot be told, nothing happens.
    pub(crate) fn forget(&self, at: u64, length: u64) {
        #[cfg(target_os = "linux")]
        if let (Source::File { file, .. }, Some(length)) = (self, NonZero::new(length)) {
            // Advice, whose refusal changes nothing.
            let _ = rustix::fs::fadvise(file, at, Some(length), rustix::fs::Advice::DontNeed);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (at, length);
    }

    /// The same bytes to be read from the beginning on.
    pub(crate) fn reader(&self) -> BufReader<Reader<'_>> {
        let reader = Reader {
            source: self,
            at: 0,
        };
        BufReader::with_capacity(1 << 20, reader)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, at: u64, buffer: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, at)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut at: u64, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                buffer = &mut buffer[count..];
                at += count as u64;
            }
        }
    }
    Ok(())
}

/// A place in a [`Source`].
pub(crate) struct Reader<'a> {
    source: &'a Source,
    at: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.source.length().saturating_sub(self.at);
        let count = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        self.source.read_at(self.at, &mut buffer[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Reader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.source.length().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn files_and_memory_read_alike() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let sources = [
            Source::file(file).unwrap(),
            Source::Memory(Cow::Owned(bytes.clone())),
        ];
        for source in sources {
            assert_eq!(source.length(), 256);
            let mut four = [0; 4];
            source.read_at(100, &mut four).unwrap();
            assert_eq!(four, [100, 101, 102, 103]);
            for at in [253, 256, u64::MAX] {
                assert!(source.read_at(at, &mut four).is_err());
            }
            let mut reader = source.reader();
            reader.seek(SeekFrom::End(-2)).unwrap();
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest).unwrap();
            assert_eq!(rest, [254, 255]);
        }
    }
}
