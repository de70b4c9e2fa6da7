//! A source: one file as it was found under a root folder.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a look at a file's metadata tells, without reading it. Two equal stamps mean: the
/// content has not changed, as far as the file system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Size in bytes.
    pub size: u64,
    /// Time of the last modification, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// Device number, 0 where the platform has none.
    pub device: u64,
    /// Inode number, 0 where the platform has none.
    pub inode: u64,
}

impl Stamp {
    /// Whether both stamps name the same file on the same device, whatever its content. A
    /// stamp without an inode names none.
    pub fn same_inode(&self, other: &Stamp) -> bool {
        self.inode != 0 && (self.device, self.inode) == (other.device, other.inode)
    }
}

/// BLAKE3 of a file's bytes: the identity of its content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContentHash(pub [u8; 32]);

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Something that could not be read or was left out: why, and what would help, for a person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Gap {
    /// Why.
    pub reason: String,
    /// What a person can do about it, where there is something.
    #[serde(default)]
    pub help: Option<String>,
}

impl Gap {
    /// A gap that nobody can do anything about.
    pub fn new(reason: impl Into<String>) -> Gap {
        Gap {
            reason: reason.into(),
            help: None,
        }
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, advice: impl Into<String>) -> Gap {
        self.help = Some(advice.into());
        self
    }
}

impl From<&str> for Gap {
    fn from(reason: &str) -> Gap {
        Gap::new(reason)
    }
}

impl From<String> for Gap {
    fn from(reason: String) -> Gap {
        Gap::new(reason)
    }
}

/// The reason, then what would help.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// The state in which a source stands in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SourceState {
    /// Its document and chunks are live.
    Indexed,
    /// It was read only in part: its document is live, and this is what is missing.
    Partial(Gap),
    /// It could not be read.
    Failed(Gap),
    /// It was left out on purpose.
    Skipped(Gap),
}

impl SourceState {
    /// The word for the state: `indexed`, `partial`, `failed` or `skipped`.
    pub fn word(&self) -> &'static str {
        match self {
            SourceState::Indexed => "indexed",
            SourceState::Partial(_) => "partial",
            SourceState::Failed(_) => "failed",
            SourceState::Skipped(_) => "skipped",
        }
    }

    /// Why the source is not simply indexed.
    pub fn gap(&self) -> Option<&Gap> {
        match self {
            SourceState::Indexed => None,
            SourceState::Partial(gap) | SourceState::Failed(gap) | SourceState::Skipped(gap) => {
                Some(gap)
            }
        }
    }
}
