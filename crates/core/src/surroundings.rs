//! What stands around a passage: its neighbours, or the section that it is a part of.

use std::ops::Range;

use crate::code;
use crate::document::{BlockKind, Document, Format};

/// A larger section is shown only in part, around the passage.
const MAX_SECTION_BYTES: usize = 16 << 10;

/// The stretch from `count` chunks before a passage to `count` after it. `chunks` are the spans
/// of the document's chunks, ascending.
pub fn neighbours(chunks: &[Range<usize>], passage: &Range<usize>, count: usize) -> Range<usize> {
    let first = chunks.partition_point(|chunk| chunk.end <= passage.start);
    let after = chunks.partition_point(|chunk| chunk.start < passage.end);
    let before = &chunks[first.saturating_sub(count)..first];
    let behind = &chunks[after..(after + count).min(chunks.len())];
    let start = before.first().map_or(passage.start, |chunk| chunk.start);
    let end = behind.last().map_or(passage.end, |chunk| chunk.end);
    start..end
}

/// The smallest section that holds more than the passage: what stands under a heading, an item
/// of code with the items inside it, or, where there is neither, the passage's pages, slides or
/// chapter. `None` where the document has nothing of the kind.
///
/// A section of more than 16 KiB is cut down to whole blocks around the passage.
pub fn section(document: &Document, passage: &Range<usize>) -> Option<Range<usize>> {
    let is_larger = |span: &Range<usize>| span.start < passage.start || span.end > passage.end;
    let found = match document.format {
        Format::Code => items(document, passage).find(is_larger),
        _ => headed(document, passage).into_iter().find(is_larger),
    };
    let found = found.or_else(|| pages(document, passage).filter(is_larger))?;
    let whole = found.start.min(passage.start)..found.end.max(passage.end);
    Some(cut_down(document, whole, passage))
}

/// The stretches under the headings that the passage's beginning stands under, the innermost
/// first. A passage that begins with headings stands under the last of these.
fn headed(document: &Document, passage: &Range<usize>) -> Vec<Range<usize>> {
    let headings = document.blocks.iter().filter_map(|block| match block.kind {
        BlockKind::Heading { level } => Some((level, block.span.clone())),
        _ => None,
    });
    let headings: Vec<(u8, Range<usize>)> = headings.collect();
    let text_start = document
        .blocks
        .iter()
        .filter(|block| block.span.end > passage.start)
        .find(|block| !matches!(block.kind, BlockKind::Heading { .. }))
        .map_or(passage.start, |block| block.span.start.max(passage.start));
    let before = headings.partition_point(|(_, span)| span.start < text_start);
    let mut sections = Vec::new();
    let mut inner = u8::MAX;
    for at in (0..before).rev() {
        let (level, span) = &headings[at];
        if *level >= inner {
            continue;
        }
        inner = *level;
        let mut later = headings[at + 1..].iter();
        let next = later.find(|(other, _)| other <= level);
        let end = next.map_or_else(|| end_of_text(document), |(_, next)| next.start);
        sections.push(span.start..end);
    }
    sections
}

/// The stretch of the passage's item, then of the items that hold it.
fn items<'d>(
    document: &'d Document,
    passage: &'d Range<usize>,
) -> impl Iterator<Item = Range<usize>> + 'd {
    let item = |at: usize| match &document.blocks[at].kind {
        BlockKind::Code { item } => item.as_deref(),
        _ => None,
    };
    let blocks = &document.blocks;
    let first = blocks.partition_point(|block| block.span.end <= passage.start);
    let name = (first < blocks.len()).then(|| item(first)).flatten();
    let names = std::iter::successors(name, |name| code::holder(name));
    names.map(move |name| {
        let belongs = |at: &usize| item(*at).is_some_and(|item| is_within(item, name));
        let start = (0..first).rev().take_while(belongs).last();
        let end = (first..blocks.len()).take_while(belongs).last();
        let (start, end) = (start.unwrap_or(first), end.unwrap_or(first));
        blocks[start].span.start..blocks[end].span.end
    })
}

fn is_within(item: &str, holder: &str) -> bool {
    let rest = item.strip_prefix(holder);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':']))
}

/// The pages, slides or chapter that the passage stands on.
fn pages(document: &Document, passage: &Range<usize>) -> Option<Range<usize>> {
    let (first, last) = document.locate(passage.clone())?.leaves()?;
    let on_them = document.blocks.iter().filter(|block| {
        block.kind != BlockKind::Furniture
            && !block.hidden
            && block
                .locator
                .leaves()
                .is_some_and(|(from, to)| from <= last && to >= first)
    });
    on_them
        .map(|block| block.span.clone())
        .reduce(|all, span| all.start..span.end)
}

fn end_of_text(document: &Document) -> usize {
    let mut blocks = document.blocks.iter().rev();
    let last = blocks.find(|block| block.kind != BlockKind::Furniture);
    last.map_or(document.text.len(), |block| block.span.end)
}

/// A section that is too long, cut to whole blocks around the passage: as many before it as
/// after.
fn cut_down(document: &Document, section: Range<usize>, passage: &Range<usize>) -> Range<usize> {
    if section.len() <= MAX_SECTION_BYTES {
        return section;
    }
    let room = MAX_SECTION_BYTES.saturating_sub(passage.len()) / 2;
    let (earliest, latest) = (passage.start.saturating_sub(room), passage.end + room);
    let blocks = || document.blocks.iter().map(|block| &block.span);
    let start = blocks().find(|span| span.start >= earliest.max(section.start));
    let end = blocks().rfind(|span| span.end <= latest.min(section.end));
    let start = start.map_or(passage.start, |span| span.start.min(passage.start));
    let end = end.map_or(passage.end, |span| span.end.max(passage.end));
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Block, Locator};

    /// A document of blocks, a paragraph each, parted by blank lines.
    fn document(format: Format, blocks: &[(BlockKind, &str, Locator)]) -> Document {
        let mut document = Document::of(format, String::new());
        for (kind, text, locator) in blocks {
            let start = document.text.len();
            document.text += text;
            document.blocks.push(Block {
                span: start..document.text.len(),
                kind: kind.clone(),
                locator: locator.clone(),
                hidden: false,
            });
            document.text += "\n\n";
        }
        document
    }

    fn lines(first: u32) -> Locator {
        Locator::Lines { first, last: first }
    }

    fn text<'d>(document: &'d Document, passage: &str) -> Option<&'d str> {
        let start = document.text.find(passage).unwrap();
        let span = section(document, &(start..start + passage.len()))?;
        Some(&document.text[span])
    }

    #[test]
    fn neighbours_end_where_the_document_does() {
        let chunks = [0..10, 12..20, 22..30, 32..40];
        assert_eq!(neighbours(&chunks, &(12..20), 1), 0..30);
        assert_eq!(neighbours(&chunks, &(12..20), 9), 0..40);
        assert_eq!(neighbours(&chunks, &(12..20), 0), 12..20);
        assert_eq!(neighbours(&chunks, &(32..40), 1), 22..40);
        assert_eq!(neighbours(&[], &(3..4), 2), 3..4);
    }

    #[test]
    fn a_section_is_the_smallest_that_holds_more_than_the_passage() {
        let heading = |level| BlockKind::Heading { level };
        let paragraph = BlockKind::Paragraph;
        let document = document(
            Format::Markdown,
            &[
                (heading(1), "# Lease", lines(1)),
                (paragraph.clone(), "Ames lets the flat.", lines(3)),
                (heading(2), "## Rent", lines(5)),
                (paragraph.clone(), "It is due monthly.", lines(7)),
                (paragraph.clone(), "Late rent costs more.", lines(9)),
                (heading(2), "## End", lines(11)),
                (paragraph, "It ends in May.", lines(13)),
            ],
        );
        assert_eq!(
            text(&document, "It is due monthly."),
            Some("## Rent\n\nIt is due monthly.\n\nLate rent costs more.\n\n")
        );
        // The whole section is there already: the one around it is shown.
        let whole = "## End\n\nIt ends in May.";
        assert_eq!(text(&document, whole), Some(document.text.trim_end()));
        assert_eq!(text(&document, document.text.trim_end()), None);
    }

    #[test]
    fn code_is_widened_to_its_item_and_what_holds_that() {
        let item = |name: &str| BlockKind::Code {
            item: Some(name.to_owned()),
        };
        let document = document(
            Format::Code,
            &[
                (item("helper"), "def helper(): pass", lines(1)),
                (item("Flask"), "class Flask:", lines(3)),
                (item("Flask.run"), "  def run(self):", lines(5)),
                (item("Flask.run"), "    serve()", lines(7)),
                (item("Flasks"), "class Flasks: pass", lines(9)),
            ],
        );
        assert_eq!(
            text(&document, "serve()"),
            Some("  def run(self):\n\n    serve()")
        );
        let run = "  def run(self):\n\n    serve()";
        assert_eq!(
            text(&document, run),
            Some("class Flask:\n\n  def run(self):\n\n    serve()")
        );
    }

    #[test]
    fn without_headings_the_page_is_shown() {
        let paragraph = BlockKind::Paragraph;
        let document = document(
            Format::Pdf,
            &[
                (paragraph.clone(), "one", Locator::page(1, 1, 1)),
                (paragraph.clone(), "two", Locator::page(2, 1, 1)),
                (paragraph.clone(), "three", Locator::page(2, 2, 2)),
                (BlockKind::Furniture, "page 2", Locator::page(2, 3, 3)),
                (paragraph, "four", Locator::page(3, 1, 1)),
            ],
        );
        assert_eq!(text(&document, "three"), Some("two\n\nthree"));
    }

    #[test]
    fn a_long_section_is_cut_to_whole_blocks_around_the_passage() {
        let line = "A line of the novel that goes on. ".repeat(10);
        let mut blocks = vec![(BlockKind::Heading { level: 1 }, "# One", lines(1))];
        for number in 0..200 {
            let text = if number == 100 {
                "the passage"
            } else {
                line.as_str()
            };
            blocks.push((BlockKind::Paragraph, text, lines(number + 2)));
        }
        let document = document(Format::Markdown, &blocks);
        let shown = text(&document, "the passage").unwrap();
        assert!(shown.len() <= MAX_SECTION_BYTES && shown.len() > MAX_SECTION_BYTES / 2);
        assert!(shown.starts_with("A line") && shown.contains("the passage"));
        assert!(shown.ends_with("goes on. "));
    }
}
