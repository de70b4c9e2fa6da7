//! From the bytes of a file to a [`Document`]: what kind of file it is, a module for each format,
//! and the worker process in which untrusted files are parsed.
//!
//! Data passes in this order: `sniff` tells the kind of file from its first bytes and its name,
//! `charset` decodes what is text, a module of `format` turns it into text and blocks (with
//! `compose`, where the text is not the file's own), `job` opens the files inside a file within
//! bounds, and `worker` does all of that in a child process, so that a crash, a hang or a memory
//! hog costs one file and never the run. What only OCR can read, `picture` draws and `ocr` has
//! recognised.
//!
//! A file that cannot be read is data (an [`Outcome`]), not an error. An [`ExtractError`] means
//! that nothing can be extracted at all.
//!
//! This crate knows no stores, no models and no user interface.

mod blocks;
mod charset;
mod compose;
mod format;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod job;
mod limits;
mod ocr;
mod picture;
mod prose;
mod sniff;
mod worker;

use std::path::PathBuf;

use docent_core::document::Document;
use docent_core::source::{ContentHash, Gap};

pub use blocks::{BrokenDocument, check};
pub use format::extract_bytes;
pub use limits::{DEFAULT_MAX_FILE_BYTES, Limits};
pub use ocr::{OcrOptions, TesseractError, TesseractVersion, find_tesseract, tesseract};
pub use worker::{
    Bench, FormatBench, Isolation, Pool, PoolOptions, WorkerCommand, bench, worker_main,
};

/// What was made of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Extraction {
    /// The document, or why there is none.
    pub outcome: Outcome,
    /// BLAKE3 of the bytes that were read; `None` if they were not read to the end.
    pub hash: Option<ContentHash>,
    /// The number of bytes that were read.
    pub bytes: u64,
    /// The files inside it: attachments of a mail, entries of an archive, and theirs in turn.
    pub inner: Vec<Inner>,
}

/// What was made of a file inside a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Inner {
    /// Where it lies in the outermost file, `/` between folders and between files within files:
    /// `letters/mail.eml/offer.pdf`. No two are equal.
    pub path: String,
    /// The document, or why there is none.
    pub outcome: Outcome,
    /// BLAKE3 of its bytes; `None` if they were not read to the end.
    pub hash: Option<ContentHash>,
    /// Its size in bytes, unpacked.
    pub bytes: u64,
}

/// The document that was made of a file, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was read; the document says itself whether something is missing.
    Read(Document),
    /// It should have been read and could not be.
    Failed(Gap),
    /// It was left out on purpose.
    Skipped(Gap),
}

impl Outcome {
    pub(crate) fn failed(why: impl Into<Gap>) -> Outcome {
        Outcome::Failed(why.into())
    }

    pub(crate) fn skipped(why: impl Into<Gap>) -> Outcome {
        Outcome::Skipped(why.into())
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
