//! What stands around a hit, fetched for the hits that a person wants to see more of.

use docent_core::document::Locator;
use docent_core::surroundings;
use docent_store::DocumentId;
use serde::Serialize;

use super::Hit;
use crate::collection::Collection;
use crate::error::EngineError;

/// How much is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// So many passages before the hit and after it.
    Neighbours(usize),
    /// The smallest section that holds more than the hit.
    Section,
}

/// The stretch of a document that holds a hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Surroundings {
    /// Where it stands.
    pub locator: Locator,
    /// Its text, the hit's included.
    pub text: String,
    /// First byte in the document.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Collection {
    /// What stands around a hit; `None` where there is nothing more, or the document was deleted
    /// meanwhile.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn around(&self, hit: &Hit, around: Around) -> Result<Option<Surroundings>, EngineError> {
        let id = DocumentId(hit.document);
        let Some(stored) = self.reader().document(id)? else {
            return Ok(None);
        };
        let (document, passage) = (stored.document, hit.start..hit.end);
        let span = match around {
            Around::Section => surroundings::section(&document, &passage),
            Around::Neighbours(count) => {
                // What a reader of the original does not see stays with its own kind.
                let chunks = self.reader().chunks_of(id)?.into_iter();
                let chunks = chunks.filter(|chunk| chunk.chunk.hidden == hit.hidden);
                let spans: Vec<_> = chunks.map(|chunk| chunk.chunk.span).collect();
                Some(surroundings::neighbours(&spans, &passage, count))
            }
        };
        let span = span.filter(|span| *span != passage);
        Ok(span.and_then(|span| {
            Some(Surroundings {
                locator: document.locate(span.clone())?,
                text: document.text.get(span.clone())?.to_owned(),
                start: span.start,
                end: span.end,
            })
        }))
    }
}
