//! Books: EPUB and FictionBook. Places are lines of chapters.

use docent_core::document::{BlockKind, Document, Format, Locator};

use crate::blocks::count_lines;
use crate::compose::Composer;

pub(super) mod epub;
pub(super) mod fb2;

/// A book in the making, chapter by chapter.
struct Book {
    composer: Composer,
    number: u32,
    title: String,
    /// The line of the chapter at which the next block begins.
    line: u32,
}

impl Book {
    fn new() -> Book {
        Book {
            composer: Composer::new(Format::Book),
            number: 0,
            title: String::new(),
            line: 1,
        }
    }

    /// Begins the next chapter.
    fn chapter(&mut self, title: &str) {
        self.number += 1;
        self.title = super::title(title).unwrap_or_default();
        self.line = 1;
    }

    fn push(&mut self, kind: BlockKind, text: &str) {
        let text = text.trim();
        if !text.is_empty() {
            let lines = count_lines(text.as_bytes());
            let place = self.place(self.line, self.line + lines);
            self.line += lines + 2;
            self.composer.push(kind, text, place);
        }
    }

    /// Adds the blocks of a rendered page, whose places are its lines.
    fn page(&mut self, page: &Document) {
        for block in &page.blocks {
            let place = match block.locator {
                Locator::Lines { first, last } => self.place(first, last),
                _ => self.place(1, 1),
            };
            let text = page.text.get(block.span.clone()).unwrap_or_default();
            match block.hidden {
                true => self.composer.push_hidden(block.kind.clone(), text, place),
                false => self.composer.push(block.kind.clone(), text, place),
            }
        }
    }

    fn place(&self, first: u32, last: u32) -> Locator {
        Locator::Chapter {
            number: self.number.max(1),
            title: self.title.clone(),
            first,
            last,
        }
    }
}
