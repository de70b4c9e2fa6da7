//! A document in the making, block by block, for formats whose text is not the file's own.

use docent_core::document::{Area, Block, BlockKind, Document, Format, Line, Locator};

use crate::blocks::{MAX_BLOCK_BYTES, count_lines, cut_before};
use crate::{blocks, prose};

/// Puts blocks behind each other, a blank line between any two, and keeps the promises of
/// [`Document`].
pub(crate) struct Composer {
    document: Document,
    /// What stands behind everything else in the end.
    furniture: Vec<Furniture>,
    /// Line feeds in the text so far.
    feeds: u32,
}

/// A piece of what belongs to a page: its text, its place, the boxes of its lines.
type Furniture = (String, Locator, Vec<Area>);

impl Composer {
    pub(crate) fn new(format: Format) -> Composer {
        Composer {
            document: Document::of(format, String::new()),
            furniture: Vec::new(),
            feeds: 0,
        }
    }

    /// Adds a block that a reader of the original sees. Its lines lie one below the other from
    /// the beginning of `place` on.
    pub(crate) fn push(&mut self, kind: BlockKind, text: &str, place: Locator) {
        self.add(kind, text, place, false);
    }

    /// Adds a block that a reader of the original does not see.
    pub(crate) fn push_hidden(&mut self, kind: BlockKind, text: &str, place: Locator) {
        self.add(kind, text, place, true);
    }

    /// Adds a block of a format that has no places of its own: its lines are those of the text
    /// that is being composed.
    pub(crate) fn push_rendered(&mut self, kind: BlockKind, text: &str, hidden: bool) {
        let text = text.trim_matches('\n');
        let above = if self.document.text.is_empty() { 0 } else { 2 };
        let first = self.feeds.saturating_add(above + 1);
        let last = first.saturating_add(count_lines(text.trim_end().as_bytes()));
        self.add(kind, text, Locator::Lines { first, last }, hidden);
    }

    /// Adds what belongs to a page and not to the text; it comes to stand at the end.
    pub(crate) fn push_furniture(&mut self, text: &str, place: Locator) {
        self.furniture.push((text.to_owned(), place, Vec::new()));
    }

    /// Adds a block of a page, of lines with their boxes; no line is blank.
    pub(crate) fn push_lines(
        &mut self,
        kind: BlockKind,
        lines: &[(String, Area)],
        place: Locator,
        hidden: bool,
    ) {
        let (text, areas) = unzip(lines);
        self.add_lines(kind, &text, place, hidden, &areas);
    }

    /// Adds lines with their boxes that belong to a page and not to the text.
    pub(crate) fn push_furniture_lines(&mut self, lines: &[(String, Area)], place: Locator) {
        let (text, areas) = unzip(lines);
        self.furniture.push((text, place, areas));
    }

    /// Whether the same furniture has been added.
    pub(crate) fn has_furniture(&self, text: &str) -> bool {
        self.furniture.iter().any(|(known, _, _)| known == text)
    }

    /// Tells what the original says of itself; an empty value is left out.
    pub(crate) fn property(&mut self, name: &str, value: &str) {
        let value = value.trim();
        if !value.is_empty() {
            self.document
                .properties
                .push((name.to_owned(), value.to_owned()));
        }
    }

    /// The document so far, for what has no function here: title, warnings, what is missing.
    pub(crate) fn document(&mut self) -> &mut Document {
        &mut self.document
    }

    /// The document, its language told.
    pub(crate) fn finish(mut self) -> Document {
        self.document.language = prose::language(&self.document);
        for (text, place, areas) in std::mem::take(&mut self.furniture) {
            self.add_lines(BlockKind::Furniture, &text, place, false, &areas);
        }
        self.document
    }

    fn add_lines(
        &mut self,
        kind: BlockKind,
        text: &str,
        place: Locator,
        hidden: bool,
        areas: &[Area],
    ) {
        let mut start = self.document.text.len();
        self.add(kind, text, place, hidden);
        let mut areas = areas.iter();
        for line in self.document.text[start..].split_inclusive('\n') {
            if !line.trim().is_empty()
                && let Some(&area) = areas.next()
            {
                self.document.lines.push(Line { start, area });
            }
            start += line.len();
        }
    }

    fn add(&mut self, kind: BlockKind, text: &str, place: Locator, hidden: bool) {
        let Some(span) = blocks::trimmed(text, 0..text.len()) else {
            return;
        };
        let mut place = from_line(place, count_lines(&text.as_bytes()[..span.start]));
        let (mut kind, mut rest) = (kind, &text[span]);
        while rest.len() > MAX_BLOCK_BYTES {
            let cut = cut_before(rest, MAX_BLOCK_BYTES);
            let (part, tail) = rest.split_at(cut);
            self.add_one(kind.clone(), part.trim_end(), place.clone(), hidden);
            let ink = tail.len() - tail.trim_start().len();
            let below = count_lines(part.as_bytes()) + count_lines(&tail.as_bytes()[..ink]);
            place = from_line(place, below);
            rest = &tail[ink..];
            if let BlockKind::Table { continues } = &mut kind {
                *continues = true;
            }
        }
        self.add_one(kind, rest, place, hidden);
    }

    fn add_one(&mut self, kind: BlockKind, text: &str, locator: Locator, hidden: bool) {
        if text.is_empty() {
            return;
        }
        let out = &mut self.document.text;
        if !out.is_empty() {
            out.push_str("\n\n");
            self.feeds += 2;
        }
        self.feeds += count_lines(text.as_bytes());
        let start = out.len();
        out.push_str(text);
        let span = start..out.len();
        self.document.blocks.push(Block {
            span,
            kind,
            locator,
            hidden,
        });
    }
}

/// Lines as one text, and their boxes.
fn unzip(lines: &[(String, Area)]) -> (String, Vec<Area>) {
    let words: Vec<&str> = lines.iter().map(|(text, _)| text.as_str()).collect();
    let areas = lines.iter().map(|(_, area)| *area).collect();
    (words.join("\n"), areas)
}

/// A place without its first `lines` lines.
fn from_line(place: Locator, lines: u32) -> Locator {
    match lines {
        0 => place,
        lines => place.line_below(lines).through(&place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;

    const LINE: Locator = Locator::Lines { first: 1, last: 9 };

    #[test]
    fn furniture_comes_to_stand_at_the_end() {
        let mut composer = Composer::new(Format::Pdf);
        composer.push_furniture("Page 1", Locator::page(1, 9, 9));
        composer.push(BlockKind::Paragraph, "  \n Words. \n", LINE);
        composer.push(BlockKind::Paragraph, " \n", LINE);
        let document = composer.finish();
        assert_eq!(document.text, " Words.\n\nPage 1");
        assert_eq!(
            document.blocks[0].locator,
            Locator::Lines { first: 2, last: 9 }
        );
        assert_eq!(document.blocks[1].kind, BlockKind::Furniture);
        assert_eq!(check(&document), Ok(()));
    }

    #[test]
    fn rendered_blocks_are_placed_by_their_lines() {
        let mut composer = Composer::new(Format::Data);
        composer.push_rendered(BlockKind::Paragraph, "\n one\ntwo\n", false);
        composer.push_rendered(BlockKind::Paragraph, "", false);
        composer.push_rendered(BlockKind::Paragraph, "three", true);
        let document = composer.finish();
        assert_eq!(document.text, " one\ntwo\n\nthree");
        for block in &document.blocks {
            let above = count_lines(&document.text.as_bytes()[..block.span.start]);
            let last = above + 1 + count_lines(document.text[block.span.clone()].as_bytes());
            let first = above + 1;
            assert_eq!(block.locator, Locator::Lines { first, last });
        }
        assert!(document.blocks[1].hidden);
    }

    #[test]
    fn a_long_table_goes_on_in_further_blocks() {
        let rows = "a | b | c\n".repeat(5_000);
        let mut composer = Composer::new(Format::Sheet);
        composer.push(
            BlockKind::Table { continues: false },
            &rows,
            Locator::Lines {
                first: 1,
                last: 5_000,
            },
        );
        let document = composer.finish();
        assert_eq!(check(&document), Ok(()));
        let continues: Vec<bool> = document
            .blocks
            .iter()
            .map(|block| block.kind == BlockKind::Table { continues: true })
            .collect();
        assert!(!continues[0] && continues[1..].iter().all(|c| *c) && continues.len() > 2);
        let second = document.blocks[1].span.start;
        let rows_above = document.text[..second].matches("a | b").count() as u32;
        let Some(Locator::Lines { first, .. }) = document.locate(second..second + 1) else {
            panic!("no place");
        };
        assert_eq!(first, rows_above + 1);
    }
}
