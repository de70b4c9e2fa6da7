//! The second engine: `pdf-extract`.

use std::collections::BTreeMap;

use pdf_extract::{Document, ObjectId, PlainTextOutput, output_doc_page};

use super::{Engine, Refusal};

struct Extract {
    document: Document,
    /// Page numbers as the engine counts them.
    numbers: Vec<u32>,
}

/// Opens a PDF; an empty password is tried.
pub(super) fn open(bytes: &[u8]) -> Result<Box<dyn Engine>, Refusal> {
    let mut document =
        Document::load_mem(bytes).map_err(|error| Refusal::Broken(error.to_string()))?;
    if document.is_encrypted() {
        document.decrypt("").map_err(|_| Refusal::Encrypted)?;
    }
    let pages: BTreeMap<u32, ObjectId> = document.get_pages();
    let numbers = pages.into_keys().collect();
    Ok(Box::new(Extract { document, numbers }))
}

impl Engine for Extract {
    fn pages(&self) -> usize {
        self.numbers.len()
    }

    fn text(&self, page: usize) -> Result<String, String> {
        let number = *self.numbers.get(page).ok_or("no such page")?;
        let mut text = String::new();
        let mut output = PlainTextOutput::new(&mut text);
        output_doc_page(&self.document, &mut output, number).map_err(|error| error.to_string())?;
        Ok(text)
    }
}
