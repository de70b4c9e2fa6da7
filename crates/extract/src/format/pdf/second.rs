//! The second engine, `pdf-extract`, for files and pages that the first reads badly.

use std::cell::{Cell, OnceCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

use pdf_extract::{Document, PlainTextOutput, output_doc_page};

use super::layout;

/// A document, opened when its first page is asked for.
pub(super) struct Second<'b> {
    bytes: &'b [u8],
    password: &'b str,
    opened: OnceCell<Option<Opened>>,
    withheld: Cell<bool>,
}

struct Opened {
    document: Document,
    /// Page numbers as the engine counts them.
    numbers: Vec<u32>,
}

impl<'b> Second<'b> {
    pub(super) fn new(bytes: &'b [u8], password: &'b str) -> Self {
        Second {
            bytes,
            password,
            opened: OnceCell::new(),
            withheld: Cell::new(false),
        }
    }

    /// Lets the engine read no more of this file: it has no bounds of its own, and the file
    /// goes beyond those of the first.
    pub(super) fn withhold(&self) {
        self.withheld.set(true);
    }

    fn opened(&self) -> Option<&Opened> {
        if self.withheld.get() {
            return None;
        }
        let open = || {
            let mut document = Document::load_mem(self.bytes).ok()?;
            if document.is_encrypted() {
                document.decrypt(self.password).ok()?;
            }
            let numbers = document.get_pages().into_keys().collect();
            Some(Opened { document, numbers })
        };
        self.opened.get_or_init(|| guarded(open).flatten()).as_ref()
    }

    /// The number of pages; `None` if it cannot open the file.
    pub(super) fn pages(&self) -> Option<usize> {
        Some(self.opened()?.numbers.len())
    }

    /// The text of a page, counted from 0, made tidy.
    pub(super) fn text(&self, page: usize) -> Option<String> {
        let opened = self.opened()?;
        let number = *opened.numbers.get(page)?;
        let read = || {
            let mut text = String::new();
            let mut output = PlainTextOutput::new(&mut text);
            output_doc_page(&opened.document, &mut output, number).ok()?;
            Some(text)
        };
        Some(layout::clean(&guarded(read).flatten()?))
    }
}

/// Calls into the engine, whose panics mean that it has nothing to say.
fn guarded<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}
