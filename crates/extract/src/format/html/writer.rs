//! Rendered text in the making: white space collapsed, blocks closed, lines counted.

use std::ops::Range;

use docent_core::document::{Block, BlockKind};

use crate::blocks::LineBlocks;

/// A block that is written.
struct Stretch {
    span: Range<usize>,
    kind: BlockKind,
    hidden: bool,
}

/// Writes blocks one after the other.
pub(super) struct Writer {
    text: String,
    stretches: Vec<Stretch>,
    /// What is hidden within the block in the making; it comes to stand behind it.
    hidden: Vec<String>,
    kind: BlockKind,
    /// Where the block in the making begins.
    start: usize,
    /// Where the marker of a list item ends, if the block begins with one.
    marker_end: usize,
    /// A space is due before the next word.
    space: bool,
    /// Open elements in which white space counts.
    preformatted: usize,
}

impl Writer {
    pub(super) fn new() -> Self {
        Writer {
            text: String::new(),
            stretches: Vec::new(),
            hidden: Vec::new(),
            kind: BlockKind::Paragraph,
            start: 0,
            marker_end: 0,
            space: false,
            preformatted: 0,
        }
    }

    /// Ends the block in the making and begins one of this kind. A marker that nothing has
    /// followed yet stays for the block that begins (`<li><p>`).
    pub(super) fn begin(&mut self, kind: BlockKind) {
        if self.preformatted > 0 {
            return self.line_break();
        }
        if !self.is_bare_marker() {
            self.end();
        }
        self.kind = kind;
    }

    /// Begins an item of a list, `depth` lists deep.
    pub(super) fn begin_item(&mut self, depth: usize, marker: &str) {
        if self.preformatted > 0 {
            return self.line_break();
        }
        self.end();
        self.kind = BlockKind::ListItem;
        self.text.extend(std::iter::repeat_n("  ", depth));
        self.text.push_str(marker);
        self.marker_end = self.text.len();
    }

    /// Ends an item or a list; text that follows is of this kind.
    pub(super) fn end_item(&mut self, kind: BlockKind) {
        if self.preformatted > 0 {
            return self.line_break();
        }
        self.end();
        self.kind = kind;
    }

    fn is_bare_marker(&self) -> bool {
        self.marker_end > self.start && self.text.len() <= self.marker_end
    }

    pub(super) fn begin_preformatted(&mut self) {
        self.begin(BlockKind::Code { item: None });
        self.preformatted += 1;
    }

    pub(super) fn end_preformatted(&mut self) {
        self.preformatted = self.preformatted.saturating_sub(1);
        if self.preformatted == 0 {
            self.end();
            self.kind = BlockKind::Paragraph;
        }
    }

    /// Writes text as the page has it.
    pub(super) fn text(&mut self, text: &str) {
        if self.preformatted > 0 {
            return self.text.push_str(text);
        }
        // No-break spaces collapse like others: they are there for the layout.
        let is_space = |c: char| c.is_ascii_whitespace() || c == '\u{a0}';
        self.space |= text.starts_with(is_space);
        for word in text.split(is_space).filter(|word| !word.is_empty()) {
            if self.space && !self.at_line_start() {
                self.text.push(' ');
            }
            self.text.push_str(word);
            self.space = true;
        }
        if let Some(last) = text.chars().next_back() {
            self.space = is_space(last);
        }
    }

    /// Keeps text that a reader of the page does not see.
    pub(super) fn hide(&mut self, text: &str) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() {
            self.hidden.push(text);
        }
    }

    /// A space is due before the next word, however many were asked for.
    pub(super) fn space(&mut self) {
        self.space = true;
    }

    pub(super) fn line_break(&mut self) {
        if self.text.len() > self.start {
            self.text.push('\n');
        }
        self.space = false;
    }

    /// Writes a table, a row to a line.
    pub(super) fn table(&mut self, rows: &[String]) {
        if self.preformatted > 0 {
            rows.iter().for_each(|row| {
                self.text.push_str(row);
                self.text.push('\n');
            });
            return;
        }
        self.end_item(BlockKind::Table { continues: false });
        self.text.push_str(&rows.join("\n"));
        self.begin(BlockKind::Paragraph);
    }

    fn at_line_start(&self) -> bool {
        self.text.len() == self.start || self.text.ends_with(['\n', ' '])
    }

    fn end(&mut self) {
        self.space = false;
        let written = self.text[self.start..].trim_end();
        let length = written.len();
        if length == 0 || self.is_bare_marker() {
            self.text.truncate(self.start);
        } else {
            self.text.truncate(self.start + length);
            self.add(self.kind.clone(), false);
        }
        for text in std::mem::take(&mut self.hidden) {
            self.text.push_str(&text);
            self.add(BlockKind::Paragraph, true);
        }
    }

    /// Adds the block that reaches to the end of the text.
    fn add(&mut self, kind: BlockKind, hidden: bool) {
        let span = self.start..self.text.len();
        self.stretches.push(Stretch { span, kind, hidden });
        self.text.push_str("\n\n");
        self.start = self.text.len();
    }

    /// The text and its blocks.
    pub(super) fn finish(mut self) -> (String, Vec<Block>) {
        self.end();
        self.tighten_lists();
        self.text.truncate(self.text.trim_end().len());
        let mut blocks = LineBlocks::new(&self.text);
        for Stretch { span, kind, hidden } in &self.stretches {
            match hidden {
                true => blocks.push_hidden(span.clone(), kind),
                false => blocks.push(span.clone(), kind),
            }
        }
        let blocks = blocks.finish();
        (self.text, blocks)
    }

    /// Takes the blank lines out of lists.
    fn tighten_lists(&mut self) {
        let mut tight = String::with_capacity(self.text.len());
        let mut before: Option<&BlockKind> = None;
        for Stretch { span, kind, .. } in &mut self.stretches {
            match before {
                Some(BlockKind::ListItem) if *kind == BlockKind::ListItem => tight.push('\n'),
                Some(_) => tight.push_str("\n\n"),
                None => {}
            }
            let start = tight.len();
            tight.push_str(&self.text[span.clone()]);
            *span = start..tight.len();
            before = Some(kind);
        }
        self.text = tight;
    }
}
