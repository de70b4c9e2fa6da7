//! A document: the text that was extracted from a source, with the place of every stretch of it.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::language::Language;

/// The kind of file that a document was extracted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Plain text of any character set.
    Text,
    /// Markdown.
    Markdown,
    /// Source code.
    Code,
    /// HTML or XHTML.
    Html,
    /// PDF.
    Pdf,
}

impl Format {
    /// Every format, in the order in which they are listed to people.
    pub const ALL: [Format; 5] = [
        Format::Text,
        Format::Markdown,
        Format::Code,
        Format::Html,
        Format::Pdf,
    ];

    /// The word for it in output, in queries (`type:pdf`) and in the catalog.
    pub fn word(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Markdown => "markdown",
            Format::Code => "code",
            Format::Html => "html",
            Format::Pdf => "pdf",
        }
    }

    /// The format that a word of [`Format::word`] names.
    pub fn from_word(word: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.word() == word)
    }
}

/// Where in the original a stretch of text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Locator {
    /// Lines of a text, counted from 1, both ends included. For formats that are rendered to
    /// text (HTML), lines of the rendered text, which is what the viewer shows.
    Lines {
        /// First line.
        first: u32,
        /// Last line.
        last: u32,
    },
    /// A page, counted from 1, with lines on that page, counted from 1, both ends included.
    Page {
        /// The page on which the stretch begins.
        page: u32,
        /// First line on that page.
        first_line: u32,
        /// Last line, on `last_page`.
        last_line: u32,
        /// The page on which the stretch ends.
        last_page: u32,
    },
}

impl Locator {
    /// The place that reaches from the beginning of `self` to the end of `end`. Places of
    /// different kinds do not join: `self` stays as it is.
    pub fn through(self, end: Locator) -> Locator {
        match (self, end) {
            (Locator::Lines { first, .. }, Locator::Lines { last, .. }) => {
                Locator::Lines { first, last }
            }
            (
                Locator::Page {
                    page, first_line, ..
                },
                Locator::Page {
                    last_line,
                    last_page,
                    ..
                },
            ) => Locator::Page {
                page,
                first_line,
                last_line,
                last_page,
            },
            (start, _) => start,
        }
    }

    /// The single line that lies `lines` below the first line of this place.
    fn line_below(self, lines: u32) -> Locator {
        match self {
            Locator::Lines { first, .. } => Locator::Lines {
                first: first + lines,
                last: first + lines,
            },
            Locator::Page {
                page, first_line, ..
            } => Locator::Page {
                page,
                first_line: first_line + lines,
                last_line: first_line + lines,
                last_page: page,
            },
        }
    }
}

/// `line 3`, `lines 3–7`, `page 4`, `pages 4–5`: as people cite.
impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Locator::Lines { first, last } if first == last => write!(f, "line {first}"),
            Locator::Lines { first, last } => write!(f, "lines {first}–{last}"),
            Locator::Page {
                page, last_page, ..
            } if page == last_page => write!(f, "page {page}"),
            Locator::Page {
                page, last_page, ..
            } => write!(f, "pages {page}–{last_page}"),
        }
    }
}

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
    /// A table, a row to a line.
    Table,
    /// Source code; `item` names what it defines (`Parser::next`), where that is known.
    Code {
        /// The name of the function, type or module that the block defines.
        item: Option<String>,
    },
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
    /// What a reader should know: pages without text, characters replaced.
    pub warnings: Vec<String>,
    /// Set when something of the file is missing from the text: what, for a person.
    pub incomplete: Option<String>,
}

impl Document {
    /// The place of a byte span of the text, to the line.
    ///
    /// Lines are counted by the line feeds between a block's beginning and the span's ends.
    /// Returns `None` only for a document without blocks.
    pub fn locate(&self, span: Range<usize>) -> Option<Locator> {
        let last_byte = span.end.saturating_sub(1).max(span.start);
        Some(self.line_at(span.start)?.through(self.line_at(last_byte)?))
    }

    /// The place of the line in which byte `at` lies.
    fn line_at(&self, at: usize) -> Option<Locator> {
        let after = self.blocks.partition_point(|block| block.span.start <= at);
        let block = self.blocks.get(after.saturating_sub(1))?;
        let end = at.min(block.span.end).max(block.span.start);
        let above = &self.text.as_bytes()[block.span.start..end];
        let lines = above.iter().filter(|&&byte| byte == b'\n').count();
        Some(block.locator.line_below(lines as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Document {
        let block = |span, page| Block {
            span,
            kind: BlockKind::Paragraph,
            locator: Locator::Page {
                page,
                first_line: 1,
                last_line: 2,
                last_page: page,
            },
        };
        Document {
            format: Format::Pdf,
            title: None,
            language: None,
            text: "one\ntwo\n\nthree\nfour".into(),
            blocks: vec![block(0..7, 1), block(9..19, 2)],
            warnings: vec![],
            incomplete: None,
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
