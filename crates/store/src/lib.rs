//! One collection's store: catalog, vectors and full text behind one commit and one search.
//!
//! A collection's home holds three stores that share no transaction. The **catalog** (SQLite) is
//! docent's own truth: files, texts, chunks, states, conversations. The **full-text index**
//! (tantivy) and the **vector table** (LanceDB) are derived from it and may be deleted at any
//! time. Because LanceDB and tantivy know nothing of each other, the catalog decides what exists:
//! a document is live when its row says so, and every hit of either index is joined to the live
//! rows before anybody sees it. A stale, double or half-written hit cannot surface.
//!
//! # Two commits
//! Reading and tokenizing take seconds where embedding takes hours, and full text must answer
//! before the vectors are finished. So there is one commit for documents and one for vectors,
//! and the catalog has the last word in both:
//!
//! 1. [`Writer::commit`]: documents and chunks are staged in the catalog at revision *r + 1*, not
//!    live; their words go to the full-text index, committed with *r + 1* as its payload; then
//!    one transaction makes the staged documents live, the replaced ones dead, writes the
//!    sources' rows and moves the live revision to *r + 1*.
//! 2. [`Writer::commit_vectors`]: vectors are merged into the table by chunk id; then one
//!    transaction marks these chunks as embedded by the current model.
//!
//! # Two sets of vectors
//! Another embedder makes other vectors, and making them takes hours. Until they are there, the
//! old ones are searched: they are the *first* set, with a table of its own, and the new ones the
//! *second* ([`Set`]). The transaction that marks the last chunk that was missing lets the second
//! set take the first one's place. A reader asks each time whose vectors it searches
//! ([`Reader::embedder`]), and is told when a question's vector came too late ([`Reader::dense`]).
//!
//! What dies in a commit leaves the full-text index only in the next one: until the catalog has
//! moved on, a reader in any process still finds the old documents, whole. Dead rows are collected
//! by [`Writer::maintain`]. A process that is killed between two steps leaves staged rows, words
//! of staged documents or vectors of unmarked chunks; opening the collection for writing drops or
//! repeats them. Ids are never used twice, so nothing left behind can be taken for something new.
//!
//! Everything here is synchronous. LanceDB's runtime lives inside, so call this crate from
//! ordinary threads, not from inside another asynchronous runtime.

mod catalog;
mod change;
mod commit;
mod error;
mod filter;
mod home;
mod id;
mod maintain;
mod reader;
mod recover;
mod search;
mod text;
mod vectors;
mod writer;

#[cfg(test)]
mod tests;

pub use catalog::conversations::{Conversation, ConversationSummary, Conversations, Turn};
pub use change::{Change, Inner, Outcome};
pub use commit::Step;
pub use error::StoreError;
pub use home::FORMAT_VERSION;
pub use id::{ChunkId, ConversationId, DocumentId, Revision, RootId, SourceId};
pub use maintain::Maintenance;
pub use reader::{
    EmbedderIdentity, Reader, Scored, SecondStatus, SourceReport, StateFilter, Status, StoredChunk,
    StoredDocument, open_reader,
};
pub use writer::{PendingChunk, Root, Set, StoredSource, Writer, open_writer};
