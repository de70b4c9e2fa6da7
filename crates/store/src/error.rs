//! What can go wrong in the store, cut by what the caller can do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::id::{RootId, SourceId};

/// The store could not do what was asked. Each message names the thing, the place and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process (or another part of this one) writes to the collection.
    #[error(
        "{} is being written by another docent{}: read it meanwhile, or stop that one first",
        home.display(),
        pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    Locked {
        /// The collection's home.
        home: PathBuf,
        /// The process that writes, where it could be told.
        pid: Option<u32>,
    },
    /// There is no collection at this place.
    #[error("there is no collection at {}: index a folder first", home.display())]
    Missing {
        /// The collection's home.
        home: PathBuf,
    },
    /// The collection was written by a newer docent.
    #[error(
        "{} has format {found}, and this docent knows format {known}: use a newer docent, or index the folders again into another home",
        home.display()
    )]
    NewerFormat {
        /// The collection's home.
        home: PathBuf,
        /// The format that its FORMAT file names.
        found: u32,
        /// The newest format that this program reads.
        known: u32,
    },
    /// The collection was written by an older docent, whose format is not read any more.
    #[error(
        "{} has the older format {found}, and this docent knows format {known}: `docent remove` it, and index its folders again; your files are not touched",
        home.display()
    )]
    OlderFormat {
        /// The collection's home.
        home: PathBuf,
        /// The format that its FORMAT file names.
        found: u32,
        /// The format that this program reads.
        known: u32,
    },
    /// The folder's FORMAT file is not that of a collection.
    #[error(
        "{} does not begin with \"docent collection N\": this folder is no collection, or the file is damaged; choose another home",
        path.display()
    )]
    ForeignFormat {
        /// The FORMAT file.
        path: PathBuf,
    },
    /// The place cannot be written to.
    #[error("{} cannot be written: give yourself write permission, or choose another home with --index", path.display())]
    ReadOnly {
        /// The file or folder.
        path: PathBuf,
    },
    /// The disk is full. What was committed before is safe.
    #[error("no space is left on the disk of {}: free some and run again; everything up to the last commit is kept", path.display())]
    DiskFull {
        /// The file or folder that was written.
        path: PathBuf,
    },
    /// The catalog, which holds the only copy of the texts, cannot be used.
    #[error(
        "the catalog {} cannot be used ({reason}): restore it from a backup, or move the folder away and index again",
        path.display()
    )]
    Catalog {
        /// The database file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process held the catalog for longer than a short wait.
    #[error("the catalog {} is busy: try again in a moment", path.display())]
    Busy {
        /// The database file.
        path: PathBuf,
    },
    /// A derived index failed; it can be made again from the catalog.
    #[error(
        "the {index} in {} failed ({reason}): `docent rebuild` makes it again",
        path.display()
    )]
    Derived {
        /// `full-text index` or `vector table`.
        index: &'static str,
        /// Its folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file operation failed.
    #[error("could not {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `create`, `read`…
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The change names a source that the catalog does not have.
    #[error("source {0} is not in the catalog: list the sources again")]
    UnknownSource(SourceId),
    /// The change names a root folder that the catalog does not have.
    #[error("root folder {0} is not in the catalog: list the roots again")]
    UnknownRoot(RootId),
    /// A vector has the wrong length.
    #[error(
        "a vector has {found} values where the collection's embedder makes {expected}: use the embedder that the collection was opened with"
    )]
    Dimension {
        /// Length of the collection's vectors.
        expected: usize,
        /// Length of the vector.
        found: usize,
    },
    /// The step hook stopped the commit.
    #[error("the commit was stopped: {0}")]
    Stopped(String),
}

impl StoreError {
    /// An I/O error, told apart by what can be done about it.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> StoreError {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                StoreError::DiskFull { path }
            }
            io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly { path },
            io::ErrorKind::PermissionDenied if action != "read" => StoreError::ReadOnly { path },
            _ => StoreError::Io {
                action,
                path,
                source,
            },
        }
    }

    /// A derived index's error. Their libraries wrap I/O errors in many layers, some of them only
    /// as text, so the text decides.
    pub(crate) fn derived(index: &'static str, path: &Path, error: &dyn std::error::Error) -> Self {
        let path = path.to_owned();
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let text = inner.to_string();
            if !reason.contains(&text) {
                reason = format!("{reason}: {text}");
            }
            cause = inner.source();
        }
        let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
        if says(&[
            "No space left",
            "StorageFull",
            "os error 28)",
            "Disk quota exceeded",
        ]) {
            StoreError::DiskFull { path }
        } else if says(&["Permission denied", "Read-only file system"]) {
            StoreError::ReadOnly { path }
        } else {
            StoreError::Derived {
                index,
                path,
                reason,
            }
        }
    }

    /// The catalog's error, told apart by what can be done about it.
    pub(crate) fn catalog(path: &Path, error: &rusqlite::Error) -> StoreError {
        use rusqlite::{ErrorCode, ffi};
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::DiskFull { path },
            // That a file or the memory shared beside it cannot grow is how a full disk or a
            // quota shows first, and SQLite calls it an I/O error.
            Some(ErrorCode::SystemIoFailure)
                if matches!(
                    error.sqlite_error().map(|error| error.extended_code),
                    Some(
                        ffi::SQLITE_IOERR_WRITE
                            | ffi::SQLITE_IOERR_SHMSIZE
                            | ffi::SQLITE_IOERR_TRUNCATE
                    )
                ) =>
            {
                StoreError::DiskFull { path }
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                StoreError::ReadOnly { path }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { path },
            _ => StoreError::Catalog {
                path,
                reason: error.to_string(),
            },
        }
    }
}
