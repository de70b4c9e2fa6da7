//! From the bytes of a file to a [`Document`]: what kind of file it is, a module for each format,
//! and the worker process in which untrusted files are parsed.
//!
//! Data passes in this order: [`sniff`] tells the kind of file from its first bytes and its
//! name, `charset` decodes what is text, a module of `format` turns it into text and blocks,
//! and `worker` does all of that in a child process, so that a crash, a hang or a memory hog
//! costs one file and never the run.
//!
//! A file that cannot be read is data (an [`Outcome`]), not an error. An [`ExtractError`] means
//! that nothing can be extracted at all.
//!
//! This crate knows no stores, no models and no user interface.

mod blocks;
mod charset;
mod format;
mod prose;
mod sniff;
mod worker;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use docent_core::document::Document;
use docent_core::source::ContentHash;

pub use blocks::{BrokenDocument, check};
pub use format::extract_bytes;
pub use sniff::{SNIFF_BYTES, Sniffed, sniff};
pub use worker::{Pool, PoolOptions, WorkerCommand, worker_main};

/// The default of [`Limits::max_file_bytes`].
pub const DEFAULT_MAX_FILE_BYTES: u64 = 100 << 20;

/// What was made of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Extraction {
    /// The document, or why there is none.
    pub outcome: Outcome,
    /// BLAKE3 of the bytes that were read; `None` if they were not read to the end.
    pub hash: Option<ContentHash>,
    /// The number of bytes that were read.
    pub bytes: u64,
}

/// The document that was made of a file, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was read; the document says itself whether something is missing.
    Read(Document),
    /// It should have been read and could not be.
    Failed {
        /// Why, for a person.
        reason: String,
    },
    /// It was left out on purpose.
    Skipped {
        /// Why, for a person.
        reason: String,
    },
}

impl Outcome {
    pub(crate) fn failed(reason: impl Into<String>) -> Outcome {
        Outcome::Failed {
            reason: reason.into(),
        }
    }

    pub(crate) fn skipped(reason: impl Into<String>) -> Outcome {
        Outcome::Skipped {
            reason: reason.into(),
        }
    }
}

/// Bounds on one extraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A larger file is skipped.
    pub max_file_bytes: u64,
    /// A reader that goes page by page stops after this time and gives what it has.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_file_bytes: DEFAULT_MAX_FILE_BYTES,
            time: Duration::from_secs(50),
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
            Outcome::skipped(format!(
                "too large: {} is over the limit of {} (setting max_file_bytes)",
                people_bytes(bytes),
                people_bytes(self.max_file_bytes)
            ))
        })
    }
}

/// Nothing can be extracted: a state of this installation, not of a file.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The worker process could not be started.
    #[error(
        "cannot start the extraction worker {}: {source}; check that the docent program is still \
         in its place and may be executed",
        command.display()
    )]
    CannotStart {
        /// The program that was to be started.
        command: PathBuf,
        /// Why it could not.
        source: std::io::Error,
    },
    /// Worker processes start, and end before they take a file.
    #[error(
        "the extraction worker {} ends as soon as it starts ({status}); raise the worker's memory \
         limit if it was lowered, and run `docent doctor`",
        command.display()
    )]
    Dies {
        /// The program that was started.
        command: PathBuf,
        /// How it ended.
        status: String,
    },
}

/// A number of bytes as people read it: `900 bytes`, `1.5 KiB`, `100 MiB`.
pub(crate) fn people_bytes(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|&(size, _)| bytes >= size) {
        Some((size, unit)) if bytes.is_multiple_of(size) => format!("{} {unit}", bytes / size),
        Some((size, unit)) => format!("{:.1} {unit}", bytes as f64 / size as f64),
        None => format!("{bytes} bytes"),
    }
}
