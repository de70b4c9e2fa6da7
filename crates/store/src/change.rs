//! What the engine tells the store about files: the changes of a commit.

use docent_core::chunk::Chunk;
use docent_core::document::Document;
use docent_core::source::{ContentHash, Gap, SourceState, Stamp};

use crate::id::{RootId, SourceId};

/// One thing that happened to a file.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all changes of a large batch are of the large kind"
)]
pub enum Change {
    /// The file is new, or its content is. It replaces what was known of this path.
    Put {
        /// The root folder.
        root: RootId,
        /// The path below the root, with `/`.
        path: String,
        /// The file's metadata, taken before it was read.
        stamp: Stamp,
        /// The hash of its content, where it was read.
        hash: Option<ContentHash>,
        /// What came of reading it.
        outcome: Outcome,
        /// The files inside it. They come, move and go with it.
        inner: Vec<Inner>,
    },
    /// The file stands elsewhere, its content unchanged: document, chunks and vectors stay.
    /// Whatever else stood at the new path is replaced. Several moves of one commit happen at
    /// once, so that two files can change places.
    Move {
        /// The file.
        source: SourceId,
        /// The root folder that it stands under now.
        root: RootId,
        /// Its new path below that root, with `/`.
        path: String,
        /// Its metadata now.
        stamp: Stamp,
    },
    /// The file's metadata changed, its content did not.
    Touch {
        /// The file.
        source: SourceId,
        /// Its metadata now.
        stamp: Stamp,
    },
    /// The file is gone.
    Remove {
        /// The file.
        source: SourceId,
    },
}

/// What came of reading a file.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It was read; if the document says that it is incomplete, the source counts as partial.
    Indexed {
        /// What was extracted.
        document: Document,
        /// The stretches to index, in order.
        chunks: Vec<Chunk>,
    },
    /// It could not be read. What it held before is no longer found.
    Failed(Gap),
    /// It was left out on purpose. What it held before is no longer found.
    Skipped(Gap),
}

/// A file inside a file: an attachment, an entry of an archive.
#[derive(Debug, Clone)]
pub struct Inner {
    /// Where it lies in the outer file, with `/`; no two are equal.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// The hash of its content, where it was read.
    pub hash: Option<ContentHash>,
    /// What came of reading it.
    pub outcome: Outcome,
}

impl Outcome {
    /// The state that the source stands in after this.
    pub(crate) fn state(&self) -> SourceState {
        match self {
            Outcome::Indexed { document, .. } => match &document.incomplete {
                Some(gap) => SourceState::Partial(gap.clone()),
                None => SourceState::Indexed,
            },
            Outcome::Failed(gap) => SourceState::Failed(gap.clone()),
            Outcome::Skipped(gap) => SourceState::Skipped(gap.clone()),
        }
    }
}
