//! The first engine: `pdf_oxide`.

use pdf_oxide::document::PdfDocument;
use pdf_oxide::error::Error;

use super::{Engine, Refusal};
use crate::charset::decode;

struct Oxide {
    document: PdfDocument,
    pages: usize,
}

/// Opens a PDF; an empty password is tried.
pub(super) fn open(bytes: &[u8]) -> Result<Box<dyn Engine>, Refusal> {
    let refusal = |error: Error| match error {
        Error::EncryptedPdf => Refusal::Encrypted,
        other => Refusal::Broken(other.to_string()),
    };
    let document = PdfDocument::from_bytes(bytes.to_vec()).map_err(refusal)?;
    if document.is_encrypted() && !document.is_authenticated() {
        return Err(Refusal::Encrypted);
    }
    let pages = document.page_count().map_err(refusal)?;
    Ok(Box::new(Oxide { document, pages }))
}

impl Engine for Oxide {
    fn pages(&self) -> usize {
        self.pages
    }

    fn text(&self, page: usize) -> Result<String, String> {
        self.document
            .extract_text(page)
            .map_err(|error| error.to_string())
    }

    fn may_have_text(&self, page: usize) -> bool {
        self.document.has_text_layer(page).unwrap_or(true)
    }

    fn title(&self) -> Option<String> {
        let info = self.document.trailer().as_dict()?.get("Info")?;
        let info = self.document.resolve_object(info).ok()?;
        let title = self
            .document
            .resolve_object(info.as_dict()?.get("Title")?)
            .ok()?;
        Some(decode(title.as_string()?, None).text)
    }
}
