//! The ids of the catalog's rows. None is ever used twice, not even after a crash.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares an id: a number that the catalog gives out.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A root folder of the collection.
    RootId
}
id! {
    /// A file as it was found under a root. It keeps its id when it is moved.
    SourceId
}
id! {
    /// What was extracted from a source at one time. New content is a new document.
    DocumentId
}
id! {
    /// A chunk of a document.
    ChunkId
}
id! {
    /// A conversation.
    ConversationId
}

/// A committed state of the collection's index; 0 is the empty collection.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision after this one.
    pub(crate) fn next(self) -> Revision {
        Revision(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
