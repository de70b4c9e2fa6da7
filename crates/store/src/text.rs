//! The full-text index: one tantivy document a chunk, bodies not stored.

pub(crate) mod analysis;
mod compounds;
mod query;
mod reading;
mod readings;
mod scan;
mod schema;
mod spelling;
mod writing;

pub(crate) use reading::{AllowedDocuments, TextReader, TextView};
pub(crate) use writing::{ChunkText, TextState, TextWriter};

/// The name in messages.
pub(crate) const TEXT_INDEX: &str = "full-text index";
