//! Bounds on one extraction.

use std::time::{Duration, Instant};

use crate::{Outcome, people_bytes};
use docent_core::source::Gap;

/// The default of [`Limits::max_file_bytes`].
pub const DEFAULT_MAX_FILE_BYTES: u64 = 100 << 20;

/// Bounds on one extraction. What goes beyond one is left out, and the document or the file
/// inside says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// A larger file is skipped.
    pub max_file_bytes: u64,
    /// A reader that goes page by page stops after this time and gives what it has.
    pub time: Duration,
    /// So many bytes may come out of a file's compressed parts, all together.
    pub max_unpacked_bytes: u64,
    /// A compressed part may grow to so many times its size, once it is over a megabyte.
    pub max_ratio: u64,
    /// Files inside files inside files: so many times.
    pub max_depth: u32,
    /// So many files are read inside one, all levels together.
    pub max_entries: usize,
    /// So many pages of one document.
    pub max_pages: usize,
    /// So many cells of one workbook.
    pub max_cells: usize,
    /// Passwords that encrypted files are tried with, after the empty one.
    pub passwords: Vec<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_file_bytes: DEFAULT_MAX_FILE_BYTES,
            time: Duration::from_secs(50),
            max_unpacked_bytes: 512 << 20,
            max_ratio: 200,
            max_depth: 5,
            max_entries: 10_000,
            max_pages: 20_000,
            max_cells: 5_000_000,
            passwords: Vec::new(),
        }
    }
}

impl Limits {
    /// The instant at which a reader that begins now should stop.
    pub(crate) fn deadline(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.time).unwrap_or(now)
    }

    /// Why a file of `bytes` is left out, if it is too large.
    pub(crate) fn refuse(&self, bytes: u64) -> Option<Outcome> {
        (bytes > self.max_file_bytes).then(|| {
            let reason = format!(
                "too large: {} is over the limit of {}",
                people_bytes(bytes),
                people_bytes(self.max_file_bytes)
            );
            Outcome::Skipped(Gap::new(reason).help("raise the setting max_file_bytes"))
        })
    }
}
