//! reStructuredText, AsciiDoc, Org and LaTeX: the text stays as it was written, blocks are
//! stretches of it.

use docent_core::document::{BlockKind, Document, Format};

use crate::blocks::LineBlocks;
use crate::charset::Decoded;
use crate::sniff::Kind;

mod asciidoc;
mod latex;
mod org;
mod rst;

/// What a dialect sees at a line.
#[derive(Debug, PartialEq)]
enum Seen {
    /// A heading of so many lines.
    Heading {
        level: u8,
        lines: usize,
        title: String,
    },
    /// A block whose content is not markup, with the lines that open and close it.
    Verbatim {
        lines: usize,
    },
    Table {
        lines: usize,
    },
    Item,
    /// A line of a paragraph, an item or a table that is open, or blank.
    Plain,
}

/// Reads decoded markup of one of the dialects.
pub(crate) fn read(decoded: Decoded, kind: Kind) -> Document {
    let mut document = super::document(Format::Markup, decoded);
    let look: fn(&mut Context, &[&str]) -> Seen = match kind {
        Kind::RestructuredText => rst::look,
        Kind::AsciiDoc => asciidoc::look,
        Kind::Org => org::look,
        _ => latex::look,
    };
    let lines: Vec<&str> = document.text.split_inclusive('\n').collect();
    let mut context = Context::default();
    let mut stretches = Stretches::default();
    let mut at = 0;
    while at < lines.len() {
        let seen = look(&mut context, &lines[at..]);
        let taken = match &seen {
            Seen::Heading { lines, .. } | Seen::Verbatim { lines } | Seen::Table { lines } => {
                *lines
            }
            Seen::Item | Seen::Plain => 1,
        };
        let taken = taken.clamp(1, lines.len() - at);
        let bytes: usize = lines[at..at + taken].iter().map(|line| line.len()).sum();
        let blank = lines[at].trim().is_empty();
        match seen {
            Seen::Heading { level, title, .. } => {
                if document.title.is_none() {
                    document.title = super::title(&title);
                }
                stretches.whole(bytes, BlockKind::Heading { level });
            }
            Seen::Verbatim { .. } => stretches.whole(bytes, BlockKind::Code { item: None }),
            Seen::Table { .. } => stretches.whole(bytes, BlockKind::Table { continues: false }),
            Seen::Item => stretches.begin(bytes, BlockKind::ListItem),
            Seen::Plain if blank => stretches.end(bytes),
            Seen::Plain => stretches.line(bytes),
        }
        at += taken;
    }
    let mut blocks = LineBlocks::new(&document.text);
    for (span, kind) in stretches.done {
        blocks.push(span, &kind);
    }
    document.blocks = blocks.finish();
    super::with_language(document)
}

/// What a dialect keeps in mind from line to line.
#[derive(Default)]
struct Context {
    /// The adornments of reStructuredText in the order in which they were first met, each with
    /// whether there is one above the title too.
    adornments: Vec<(char, bool)>,
}

/// Stretches of the text in the making.
#[derive(Default)]
struct Stretches {
    done: Vec<(std::ops::Range<usize>, BlockKind)>,
    at: usize,
    open: bool,
}

impl Stretches {
    /// Adds lines that are a block by themselves.
    fn whole(&mut self, bytes: usize, kind: BlockKind) {
        self.begin(bytes, kind);
        self.open = false;
    }

    /// Begins a block.
    fn begin(&mut self, bytes: usize, kind: BlockKind) {
        self.done.push((self.at..self.at + bytes, kind));
        self.at += bytes;
        self.open = true;
    }

    /// Ends the open block at a blank line.
    fn end(&mut self, bytes: usize) {
        self.at += bytes;
        self.open = false;
    }

    /// Adds a line to the open block, or begins a paragraph with it.
    fn line(&mut self, bytes: usize) {
        match self.done.last_mut() {
            Some((span, _)) if self.open => {
                span.end += bytes;
                self.at += bytes;
            }
            _ => self.begin(bytes, BlockKind::Paragraph),
        }
    }
}

/// The number of lines through the next one of which `closes` holds, which is counted; all that
/// are left, if there is none.
fn lines_through(lines: &[&str], closes: impl Fn(&str) -> bool) -> usize {
    let inner = lines
        .iter()
        .skip(1)
        .position(|line| closes(line.trim_end()));
    inner.map_or(lines.len(), |at| at + 2)
}

/// The number of lines up to the first of which `belongs` does not hold.
fn lines_while(lines: &[&str], belongs: impl Fn(&str) -> bool) -> usize {
    let first_other = lines.iter().position(|line| !belongs(line.trim()));
    first_other.unwrap_or(lines.len())
}

/// Whether a line begins with a bullet of these, or a number and a dot or a bracket, and a
/// space.
fn is_item(line: &str, bullets: &[char]) -> bool {
    let line = line.trim_start();
    let after_bullets = line.trim_start_matches(bullets);
    let bullets = line.len() - after_bullets.len();
    if (1..=5).contains(&bullets) && after_bullets.starts_with(' ') {
        return true;
    }
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == '#');
    let numbers = line.len() - digits.len();
    (1..=4).contains(&numbers) && (digits.starts_with(". ") || digits.starts_with(") "))
}

#[cfg(test)]
mod tests;
