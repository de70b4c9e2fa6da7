//! A document: the text that was extracted from a source, with the place of every stretch of it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::language::Language;
use crate::source::Gap;

mod format;
mod locator;

pub use format::Format;
pub use locator::{Area, Badge, Cell, Locator};

/// What a block is, as far as chunking and reading care.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// A heading; 1 is the outermost level.
    Heading {
        /// Depth, from 1.
        level: u8,
    },
    /// Running text.
    Paragraph,
    /// One item of a list.
    ListItem,
    /// A table, a row to a line; the cells of a row are parted by ` | `. The first line is the
    /// header, which goes with every stretch that the table is cut into.
    Table {
        /// Whether it goes on with the table of the block before, and so has no header.
        continues: bool,
    },
    /// Source code; `item` names what it defines (`Parser::next`), where that is known.
    Code {
        /// The name of the function, type or module that the block defines.
        item: Option<String>,
    },
    /// What repeats on every page and belongs to none: running heads, page numbers. It stands
    /// behind everything else of the text, is shown, and is never indexed.
    Furniture,
}

/// A stretch of a document's text that came from one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Byte span in the document's text, on character boundaries. Spans ascend and do not
    /// overlap; between two blocks there is nothing but white space.
    pub span: Range<usize>,
    /// What it is.
    pub kind: BlockKind,
    /// Where it came from.
    pub locator: Locator,
    /// Whether a reader of the original does not see it: white on white, size zero, a hidden
    /// sheet. It is found and marked, and no model is ever given it.
    pub hidden: bool,
}

/// A line of a page, and where on the page it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The byte of the document's text at which it begins.
    pub start: usize,
    /// Its box on the page of the block it is in.
    pub area: Area,
}

/// How well a page was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Page {
    /// How it was read.
    pub badge: Badge,
    /// What is missing of it.
    pub gap: Option<Gap>,
}

/// What was extracted from a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it was extracted from.
    pub format: Format,
    /// Title as the document itself gives it (never the file's name, which may change).
    pub title: Option<String>,
    /// The language that most of it is written in, where that could be told.
    pub language: Option<Language>,
    /// The text, UTF-8. For formats that are text already it is the file's text, so that byte
    /// offsets and lines are those of the (decoded) file.
    pub text: String,
    /// Where every stretch of the text comes from.
    pub blocks: Vec<Block>,
    /// The lines of pages, ascending, where the original has pages and says where its lines are.
    pub lines: Vec<Line>,
    /// How each page was read, where the original has pages.
    pub pages: Vec<Page>,
    /// What the original says of itself, by name: `author`, `created`, `from`, `to`, `date`.
    /// Dates are RFC 3339.
    pub properties: Vec<(String, String)>,
    /// What a reader should know: characters replaced, deletions left out.
    pub warnings: Vec<String>,
    /// Set when something of the file is missing from the text.
    pub incomplete: Option<Gap>,
}

impl Document {
    /// A document of a text and nothing else yet.
    pub fn of(format: Format, text: String) -> Document {
        Document {
            format,
            title: None,
            language: None,
            text,
            blocks: Vec::new(),
            lines: Vec::new(),
            pages: Vec::new(),
            properties: Vec::new(),
            warnings: Vec::new(),
            incomplete: None,
        }
    }

    /// The place of a byte span of the text, to the line.
    ///
    /// Lines are counted by the line feeds between a block's beginning and the span's ends.
    /// Returns `None` only for a document without blocks.
    pub fn locate(&self, span: Range<usize>) -> Option<Locator> {
        let last_byte = span.end.saturating_sub(1).max(span.start);
        let mut place = self.line_at(span.start)?.through(&self.line_at(last_byte)?);
        if let Locator::Page { page, area, .. } = &mut place {
            *area = self.area(span, *page);
        }
        Some(place)
    }

    /// The block in which byte `at` lies, or the one before it.
    pub fn block_at(&self, at: usize) -> Option<&Block> {
        let after = self.blocks.partition_point(|block| block.span.start <= at);
        self.blocks.get(after.saturating_sub(1))
    }

    /// The place of the line in which byte `at` lies.
    fn line_at(&self, at: usize) -> Option<Locator> {
        let block = self.block_at(at)?;
        let end = at.min(block.span.end).max(block.span.start);
        let above = &self.text.as_bytes()[block.span.start..end];
        let lines = above.iter().filter(|&&byte| byte == b'\n').count();
        Some(block.locator.line_below(lines as u32))
    }

    /// The box of those lines of a span that stand on a page.
    fn area(&self, span: Range<usize>, page: u32) -> Option<Area> {
        let after = self.lines.partition_point(|line| line.start <= span.start);
        let lines = &self.lines[after.saturating_sub(1)..];
        let on_page = |line: &&Line| {
            let block = self.block_at(line.start);
            matches!(block, Some(Block { locator: Locator::Page { page: on, .. }, .. }) if *on == page)
        };
        lines
            .iter()
            .take_while(|line| line.start < span.end)
            .take_while(on_page)
            .map(|line| line.area)
            .reduce(Area::around)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Document {
        let block = |span, page| Block {
            span,
            kind: BlockKind::Paragraph,
            locator: Locator::page(page, 1, 2),
            hidden: false,
        };
        let line = |start, top| Line {
            start,
            area: Area::from_points([72.0, top, 144.0, top + 12.0]),
        };
        Document {
            blocks: vec![block(0..7, 1), block(9..19, 2)],
            lines: vec![
                line(0, 100.0),
                line(4, 114.0),
                line(9, 100.0),
                line(15, 114.0),
            ],
            ..Document::of(Format::Pdf, "one\ntwo\n\nthree\nfour".into())
        }
    }

    #[test]
    fn a_span_is_located_by_page_and_line() {
        let place = pages().locate(15..19).unwrap();
        assert_eq!(place.to_string(), "page 2");
        assert!(matches!(
            place,
            Locator::Page {
                first_line: 2,
                last_line: 2,
                ..
            }
        ));
    }

    #[test]
    fn a_span_has_the_box_of_its_lines_on_its_first_page() {
        let area = |span: Range<usize>| match pages().locate(span) {
            Some(Locator::Page { area, .. }) => area.map(Area::points),
            _ => None,
        };
        assert_eq!(area(5..6), Some([72.0, 114.0, 144.0, 126.0]));
        assert_eq!(area(9..19), Some([72.0, 100.0, 144.0, 126.0]));
        assert_eq!(area(4..14), Some([72.0, 114.0, 144.0, 126.0]));
    }

    #[test]
    fn a_span_over_a_page_break_names_both_pages() {
        assert_eq!(pages().locate(4..14).unwrap().to_string(), "pages 1–2");
    }

    #[test]
    fn an_empty_document_has_no_places() {
        let mut document = pages();
        document.blocks.clear();
        assert_eq!(document.locate(0..1), None);
    }
}
