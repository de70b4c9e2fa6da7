//! What can go wrong in the engine, each with what a person can do about it.

use std::io;
use std::path::PathBuf;

use docent_core::model::ModelError;
use docent_extract::ExtractError;
use docent_store::StoreError;

/// The engine could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No collection has this name.
    #[error("there is no collection {name:?} in {}, and no folder of that name{}", home.display(), known_names(known))]
    UnknownCollection {
        /// What was asked for.
        name: String,
        /// The index home.
        home: PathBuf,
        /// The collections that there are.
        known: Vec<String>,
    },
    /// A name that cannot be a folder's.
    #[error(
        "{name:?} cannot be a collection's name: use letters, digits, blanks and . _ - (at most 64, beginning with a letter or digit)"
    )]
    BadName {
        /// The name.
        name: String,
    },
    /// A folder that is not there, or no folder.
    #[error("{} is no folder that can be read: {reason}", path.display())]
    BadFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing indexed matches a path.
    #[error("nothing indexed in {collection:?} has the path {path:?}")]
    UnknownPath {
        /// The collection.
        collection: String,
        /// The path.
        path: String,
    },
    /// A question came to no answer.
    #[error("{reason}")]
    Unanswered {
        /// Why, and what to do.
        reason: String,
    },
    /// A file inside a file cannot be forgotten alone.
    #[error("{path:?} lies inside {file:?}: forget that file, with everything in it")]
    InsideFile {
        /// The path.
        path: String,
        /// The file that holds it.
        file: String,
    },
    /// Another docent writes the collection.
    #[error(
        "another docent{} is writing the collection {collection:?}: wait until it is done, or stop it",
        by_process(pid)
    )]
    Busy {
        /// The collection.
        collection: String,
        /// Its process, if it is known.
        pid: Option<u32>,
    },
    /// The indexer reads only, so it cannot change the index.
    #[error(
        "this docent does not write the collection at the moment: try again when the other one is done"
    )]
    NotWriting,
    /// The indexer ended without a word.
    #[error("the indexer ended unexpectedly; what was committed is safe: run `docent index` again")]
    IndexerDied,
    /// No thread could be started.
    #[error("no thread could be started: {source}")]
    Thread {
        /// What the system says.
        source: io::Error,
    },
    /// The index could not be read or written.
    #[error(transparent)]
    Store(StoreError),
    /// No file can be read at all.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// A model could not do what was asked.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file or folder of docent's own could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl EngineError {
    /// The error for a path, to be used with `map_err`.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> EngineError {
        let path = path.into();
        move |source| EngineError::Io { path, source }
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        EngineError::Store(error)
    }
}

fn known_names(known: &[String]) -> String {
    if known.is_empty() {
        "; there are no collections yet: `docent add NAME FOLDER` makes one".to_owned()
    } else {
        format!("; there are: {}", known.join(", "))
    }
}

fn by_process(pid: &Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}
