//! What can be wrong with a model's files, cut by what a person can do about it.

use std::io;
use std::path::{Path, PathBuf};

/// A model could not be loaded. Each message names the file, what is wrong and what to do.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Nothing usable is at the path: choose another path.
    #[error("{}: {problem}; {remedy}", path.display())]
    Missing {
        /// Where a model was expected.
        path: PathBuf,
        /// What is there instead.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// The operating system does not let the file be read: fix the permission or the disk.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is not what it claims to be, or only a part of it: fetch it again.
    #[error("{}: {problem}; fetch the file again or choose another model", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where in the file.
        problem: String,
    },
    /// The file is sound, but docent cannot run it: choose another model.
    #[error("{}: {problem}; {remedy}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What docent does not run.
        problem: String,
        /// What it does run.
        remedy: String,
    },
    /// This docent carries no starter models: name a model.
    #[error(
        "this docent was built without the starter models; name a model with --{option} PATH, or \
         build with the feature starter-models"
    )]
    NoStarter {
        /// The option that names one.
        option: &'static str,
    },
    /// The machine could not do it: no thread, no memory.
    #[error("the model {model} could not be started: {reason}")]
    Failed {
        /// The model's name.
        model: String,
        /// What went wrong.
        reason: String,
    },
}

impl LoadError {
    /// A damaged file.
    pub(crate) fn damaged(path: &Path, problem: impl Into<String>) -> LoadError {
        LoadError::Damaged {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }

    /// A sound file that docent cannot run.
    pub(crate) fn unsupported(
        path: &Path,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> LoadError {
        LoadError::Unsupported {
            path: path.to_owned(),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// A file that could not be opened or read.
    pub(crate) fn io(path: &Path, source: io::Error, remedy: &str) -> LoadError {
        match source.kind() {
            io::ErrorKind::NotFound => LoadError::Missing {
                path: path.to_owned(),
                problem: "there is no such file".into(),
                remedy: remedy.into(),
            },
            _ => LoadError::Unreadable {
                path: path.to_owned(),
                source,
            },
        }
    }
}
