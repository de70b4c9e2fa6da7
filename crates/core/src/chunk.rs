//! Chunks: the stretches of a document that are indexed and retrieved.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::document::Locator;

/// A stretch of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Byte span in the document's text.
    pub span: Range<usize>,
    /// Where that is in the original.
    pub locator: Locator,
    /// The headings it stands under, outermost first.
    pub heading_path: Vec<String>,
}
