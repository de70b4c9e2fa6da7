//! Blocks over a text: how they are made with their lines counted, and what holds of all of them.

use std::ops::Range;

use docent_core::document::{Block, BlockKind, Document, Locator};

/// A block is cut at a line end, a sentence or a space once it is longer than this, so that
/// locating a byte in a block stays cheap whatever the file looks like. Far above a chunk.
pub(crate) const MAX_BLOCK_BYTES: usize = 16 << 10;

/// Makes blocks of a text whose places are its own lines. Spans are given in ascending order.
pub(crate) struct LineBlocks<'t> {
    text: &'t str,
    blocks: Vec<Block>,
    /// Everything before this byte has been counted into `line`.
    counted: usize,
    /// Line number at `counted`.
    line: u32,
}

impl<'t> LineBlocks<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        LineBlocks {
            text,
            blocks: Vec::new(),
            counted: 0,
            line: 1,
        }
    }

    /// Adds what is not white space of `span`: blank lines around it are left out, the first
    /// line's indentation is kept. A span that would reach back over the one before begins
    /// where that one ends.
    pub(crate) fn push(&mut self, span: Range<usize>, kind: &BlockKind) {
        self.add(span, kind, false);
    }

    /// Adds the same of what a reader of the original does not see.
    pub(crate) fn push_hidden(&mut self, span: Range<usize>, kind: &BlockKind) {
        self.add(span, kind, true);
    }

    fn add(&mut self, span: Range<usize>, kind: &BlockKind, hidden: bool) {
        let start = span
            .start
            .max(self.blocks.last().map_or(0, |last| last.span.end));
        if start >= span.end {
            return;
        }
        let Some(mut rest) = trimmed(self.text, start..span.end) else {
            return;
        };
        let mut kind = kind.clone();
        while rest.end - rest.start > MAX_BLOCK_BYTES {
            let cut = rest.start + cut_before(&self.text[rest.clone()], MAX_BLOCK_BYTES);
            self.push_one(rest.start..cut, &kind, hidden);
            if let BlockKind::Table { continues } = &mut kind {
                *continues = true;
            }
            match trimmed(self.text, cut..rest.end) {
                Some(tail) => rest = tail,
                None => return,
            }
        }
        self.push_one(rest, &kind, hidden);
    }

    fn push_one(&mut self, span: Range<usize>, kind: &BlockKind, hidden: bool) {
        let Some(span) = trimmed(self.text, span) else {
            return;
        };
        let first = self.line_of(span.start);
        let last = self.line_of(span.end - 1);
        self.blocks.push(Block {
            span,
            kind: kind.clone(),
            locator: Locator::Lines { first, last },
            hidden,
        });
    }

    fn line_of(&mut self, at: usize) -> u32 {
        let between = &self.text.as_bytes()[self.counted..at.max(self.counted)];
        self.line += count_lines(between);
        self.counted = self.counted.max(at);
        self.line
    }

    pub(crate) fn finish(self) -> Vec<Block> {
        self.blocks
    }
}

/// The number of line feeds.
pub(crate) fn count_lines(bytes: &[u8]) -> u32 {
    let lines = bytes.iter().filter(|&&byte| byte == b'\n').count();
    u32::try_from(lines).unwrap_or(u32::MAX)
}

/// `span` without blank lines before it and white space behind it; `None` if nothing is left.
pub(crate) fn trimmed(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let stretch = &text[span.clone()];
    let ink = stretch.len() - stretch.trim_start().len();
    let start = stretch[..ink].rfind('\n').map_or(0, |feed| feed + 1);
    let end = stretch.trim_end().len();
    (ink < end).then(|| span.start + start..span.start + end)
}

/// Where to cut a long stretch: behind the last line end, sentence or space in the second half
/// of its first `limit` bytes, else at a character boundary.
pub(crate) fn cut_before(stretch: &str, limit: usize) -> usize {
    let limit = floor_boundary(stretch, limit);
    let half = floor_boundary(stretch, limit / 2);
    let window = &stretch[half..limit];
    let cut = window
        .rfind('\n')
        .map(|at| at + 1)
        .or_else(|| window.rfind(". ").map(|at| at + 2))
        .or_else(|| window.rfind(' ').map(|at| at + 1));
    cut.map_or(limit, |at| half + at)
}

/// The last character boundary at or before `at`.
pub(crate) fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The beginning of the line of `at` where nothing but bytes of `margin` (ASCII) stands between;
/// else `at`.
pub(crate) fn margin_start(text: &str, at: usize, margin: &[u8]) -> usize {
    let before = &text.as_bytes()[..at];
    let ink = before.iter().rposition(|byte| !margin.contains(byte));
    match ink {
        None => 0,
        Some(feed) if before[feed] == b'\n' => feed + 1,
        Some(_) => at,
    }
}

/// Calls `group` with the span of every group of lines between blank lines.
pub(crate) fn for_each_group(text: &str, span: Range<usize>, mut group: impl FnMut(Range<usize>)) {
    let mut start = None;
    let mut at = span.start;
    for line in text[span.clone()].split_inclusive('\n') {
        match (
            line.trim_ascii().is_empty() || line.trim().is_empty(),
            start,
        ) {
            (true, Some(begun)) => {
                group(begun..at);
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
        at += line.len();
    }
    if let Some(begun) = start {
        group(begun..span.end);
    }
}

/// A document that breaks a promise of [`Document`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("block {index} of the document: {fault}")]
pub struct BrokenDocument {
    /// Which block, from 0.
    pub index: usize,
    /// What is wrong.
    pub fault: &'static str,
}

/// Checks what every [`Document`] promises: spans lie in the text, on character boundaries,
/// ascend, do not overlap, and leave nothing out but white space; lines ascend.
///
/// # Errors
/// Names the first block at which a promise is broken.
pub fn check(document: &Document) -> Result<(), BrokenDocument> {
    let text = &document.text;
    let mut end = 0;
    for (index, block) in document.blocks.iter().enumerate() {
        let broken = |fault| Err(BrokenDocument { index, fault });
        let span = block.span.clone();
        if span.start < end || span.end <= span.start {
            return broken("spans do not ascend");
        }
        if text.get(span.clone()).is_none() {
            return broken("the span is not in the text");
        }
        match text.get(end..span.start) {
            Some(gap) if gap.trim().is_empty() => {}
            _ => return broken("text before it belongs to no block"),
        }
        end = span.end;
    }
    let at_the_end = |fault| {
        let index = document.blocks.len();
        Err(BrokenDocument { index, fault })
    };
    if !document.lines.is_sorted_by_key(|line| line.start) {
        return at_the_end("lines do not ascend");
    }
    match text.get(end..) {
        Some(gap) if gap.trim().is_empty() => Ok(()),
        _ => at_the_end("text at the end belongs to no block"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        for_each_group(text, 0..text.len(), |span| found.push(&text[span]));
        found
    }

    #[test]
    fn groups_are_cut_at_blank_lines() {
        assert_eq!(groups("a\nb\n\n \t\nc\n"), ["a\nb\n", "c\n"]);
        assert!(groups("\n \n").is_empty());
        assert!(groups("").is_empty());
    }

    #[test]
    fn lines_are_counted_across_blocks() {
        let text = "\n\n  one\ntwo\n\nthree\n";
        let mut blocks = LineBlocks::new(text);
        for_each_group(text, 0..text.len(), |span| {
            blocks.push(span, &BlockKind::Paragraph)
        });
        let blocks = blocks.finish();
        assert_eq!(&text[blocks[0].span.clone()], "  one\ntwo");
        assert_eq!(blocks[0].locator, Locator::Lines { first: 3, last: 4 });
        assert_eq!(blocks[1].locator, Locator::Lines { first: 6, last: 6 });
    }

    #[test]
    fn a_long_stretch_is_cut_between_words_and_nothing_is_lost() {
        let text = "words and words ".repeat(10_000);
        let mut blocks = LineBlocks::new(&text);
        blocks.push(0..text.len(), &BlockKind::Paragraph);
        let blocks = blocks.finish();
        assert!(
            blocks
                .iter()
                .all(|block| block.span.len() <= MAX_BLOCK_BYTES)
        );
        let joined: Vec<&str> = blocks
            .iter()
            .map(|block| &text[block.span.clone()])
            .collect();
        assert_eq!(joined.join(" "), text.trim_end());
    }

    #[test]
    fn a_long_stretch_without_a_space_is_cut_between_characters() {
        let text = "ж".repeat(20_000);
        let mut blocks = LineBlocks::new(&text);
        blocks.push(0..text.len(), &BlockKind::Paragraph);
        let total: usize = blocks.finish().iter().map(|block| block.span.len()).sum();
        assert_eq!(total, text.len());
    }

    #[test]
    fn text_outside_all_blocks_is_found() {
        let mut document = crate::format::text::read("one\n\ntwo\n".into());
        assert_eq!(check(&document), Ok(()));
        document.blocks.remove(0);
        assert!(check(&document).is_err());
        document.blocks.clear();
        assert!(check(&document).is_err());
    }
}
