//! A file mapped into memory, the one place of this crate with `unsafe` code.

// Mapping a file is unsafe: see `Mapped::new`.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::Deref;

/// The bytes of a file that docent wrote, read from the disk as they are needed.
pub(crate) struct Mapped(memmap2::Mmap);

impl Mapped {
    /// Maps a whole file that nobody writes to any more.
    ///
    /// # Errors
    /// When the operating system cannot map it.
    pub(crate) fn new(file: &File) -> io::Result<Mapped> {
        // SAFETY: the file lies in docent's own cache folder. It got its name only once it was
        // complete, and no docent ever opens it for writing: it is replaced or removed as a
        // whole, which leaves the mapped bytes in place.
        let map = unsafe { memmap2::Mmap::map(file)? };
        Ok(Mapped(map))
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
