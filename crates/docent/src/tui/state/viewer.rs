//! The source viewer's state: a document cut into lines once, and the place that is shown.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use docent_core::document::{Block, BlockKind, Document, Locator};
use docent_engine::collection::DocumentView;

use crate::tui::message::{Target, Ticket};
use crate::tui::text;

/// No line is longer than this many bytes: longer ones are cut when the document is loaded, so
/// that wrapping one never takes long.
const LONGEST_LINE: usize = 4096;

/// A line, or a piece of a very long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineStart {
    /// Its first byte.
    pub(crate) at: usize,
    /// Its number from 1; `None` for the further pieces of a line.
    pub(crate) number: Option<u32>,
}

/// A document ready to be shown.
#[derive(Debug, PartialEq)]
pub(crate) struct Source {
    /// The document in the store.
    pub(crate) id: i64,
    /// The folder that it was found under.
    pub(crate) root: PathBuf,
    /// Its path below that folder.
    pub(crate) path: String,
    /// Its text and places.
    pub(crate) document: Document,
    /// Where its lines begin; at least one.
    pub(crate) lines: Vec<LineStart>,
    /// Index of the line before which a page, a slide, a sheet, a chapter, a part or hidden text
    /// begins, and what it is.
    marks: Vec<(usize, String)>,
}

impl Source {
    /// Cuts a document into lines and pages.
    pub(crate) fn new(view: DocumentView) -> Source {
        let lines = line_starts(&view.document.text);
        let marks = marks(&view.document, &lines);
        Source {
            id: view.id,
            root: view.root,
            path: view.path,
            document: view.document,
            lines,
            marks,
        }
    }

    /// Whether lines are numbered: where people cite by line.
    pub(crate) fn numbered(&self) -> bool {
        let first = self.document.blocks.first();
        first.is_none_or(|block| matches!(block.locator, Locator::Lines { .. }))
    }

    /// Columns of the line numbers with the blank behind them.
    pub(crate) fn gutter(&self) -> usize {
        if !self.numbered() {
            return 0;
        }
        let last = self.lines.iter().rev().find_map(|line| line.number);
        last.unwrap_or(1).to_string().len() + 1
    }

    /// The bytes of a line, without its line feed.
    pub(crate) fn line(&self, index: usize) -> Range<usize> {
        let text = &self.document.text;
        let start = self.lines.get(index).map_or(text.len(), |line| line.at);
        let end = self.lines.get(index + 1).map_or(text.len(), |line| line.at);
        let kept = text[start..end].trim_end_matches(['\n', '\r']).len();
        start..start + kept
    }

    /// The line in which a byte lies.
    pub(crate) fn line_of(&self, byte: usize) -> usize {
        let after = self.lines.partition_point(|line| line.at <= byte);
        after.saturating_sub(1)
    }

    /// The block that a byte belongs to.
    pub(crate) fn block(&self, byte: usize) -> Option<&Block> {
        let block = self.document.block_at(byte)?;
        block.span.contains(&byte).then_some(block)
    }

    /// What begins before a line.
    pub(crate) fn mark_at(&self, index: usize) -> Option<&str> {
        let place = self
            .marks
            .binary_search_by_key(&index, |(line, _)| *line)
            .ok()?;
        Some(&self.marks[place].1)
    }

    /// Where a line stands in the original: `line 3 of 40`, `page 2 of 3`, `slide 4`.
    pub(crate) fn place_of(&self, index: usize) -> String {
        let at = self.lines.get(index).map_or(0, |line| line.at);
        match self.document.locate(at..at + 1) {
            Some(Locator::Page { page, .. }) => {
                let paged =
                    self.document
                        .blocks
                        .iter()
                        .rev()
                        .find_map(|block| match block.locator {
                            Locator::Page { last_page, .. }
                                if block.kind != BlockKind::Furniture =>
                            {
                                Some(last_page)
                            }
                            _ => None,
                        });
                let last = paged.max(u32::try_from(self.document.pages.len()).ok());
                format!("page {page} of {}", last.unwrap_or(page))
            }
            Some(place) if !self.numbered() => place.to_string(),
            _ => {
                let upto = &self.lines[..=index.min(self.lines.len() - 1)];
                let number = upto.iter().rev().find_map(|line| line.number);
                let last = self.lines.iter().rev().find_map(|line| line.number);
                format!(
                    "line {} of {}",
                    text::count(u64::from(number.unwrap_or(1))),
                    text::count(u64::from(last.unwrap_or(1)))
                )
            }
        }
    }

    /// The rows that a line takes, as byte ranges of the document's text.
    pub(crate) fn rows(&self, index: usize, columns: usize) -> Vec<Range<usize>> {
        let line = self.line(index);
        text::wrap(&self.document.text[line.clone()], columns)
            .into_iter()
            .map(|row| line.start + row.start..line.start + row.end)
            .collect()
    }

    /// Rows of a line on the screen, a mark before it included.
    fn height(&self, index: usize, columns: usize) -> usize {
        self.rows(index, columns).len() + usize::from(self.mark_at(index).is_some())
    }
}

fn line_starts(text: &str) -> Vec<LineStart> {
    let mut lines = Vec::new();
    let mut at = 0;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let mut rest = line;
        let mut first = true;
        while rest.len() > LONGEST_LINE {
            let cut = rest.floor_char_boundary(LONGEST_LINE);
            lines.push(LineStart {
                at,
                number: first.then_some(number),
            });
            first = false;
            at += cut;
            rest = &rest[cut..];
        }
        lines.push(LineStart {
            at,
            number: first.then_some(number),
        });
        at += rest.len();
    }
    if lines.is_empty() {
        lines.push(LineStart {
            at: 0,
            number: Some(1),
        });
    }
    lines
}

fn marks(document: &Document, lines: &[LineStart]) -> Vec<(usize, String)> {
    let mut marks: Vec<(usize, String)> = Vec::new();
    let mut current = String::new();
    for block in &document.blocks {
        let label = label(block);
        if label == current {
            continue;
        }
        current.clone_from(&label);
        let after = lines.partition_point(|line| line.at <= block.span.start);
        let line = after.saturating_sub(1);
        // Two pages that begin on one line are told by the later mark.
        if marks.last().is_some_and(|(last, _)| *last == line) {
            marks.pop();
        }
        let label = if label.is_empty() {
            "visible again".to_owned()
        } else {
            label
        };
        marks.push((line, label));
    }
    marks
}

/// What part of the original a block belongs to; empty for lines and paragraphs of the whole.
fn label(block: &Block) -> String {
    if block.kind == BlockKind::Furniture {
        return "running heads and page numbers".to_owned();
    }
    let part = match &block.locator {
        Locator::Lines { .. } | Locator::Paragraphs { .. } => String::new(),
        Locator::Page { page, badge, .. } => Locator::Page {
            page: *page,
            first_line: 1,
            last_line: 1,
            last_page: *page,
            area: None,
            badge: *badge,
        }
        .to_string(),
        Locator::Cells { sheet, .. } => format!("sheet “{sheet}”"),
        Locator::Slides { first, .. } => format!("slide {first}"),
        Locator::Chapter { .. } => block.locator.to_string(),
        Locator::Part { part, .. } => part.clone(),
    };
    match (block.hidden, part.is_empty()) {
        (false, _) => part,
        (true, true) => "hidden in the original".to_owned(),
        (true, false) => format!("{part}, hidden in the original"),
    }
}

/// The first row on the screen: a line of the source, and how many of its rows are above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Top {
    /// The line.
    pub(crate) line: usize,
    /// Rows of it that are scrolled out.
    pub(crate) row: usize,
}

/// A viewer: what it shows and what it waits for.
#[derive(Debug, Default)]
pub(crate) struct Viewer {
    /// The document on the screen.
    pub(crate) source: Option<Arc<Source>>,
    /// The stretch that is pointed to, and the words in it.
    pub(crate) target: Option<Target>,
    /// The first row.
    pub(crate) top: Top,
    /// The load that is on its way, with what to show then.
    pub(crate) waiting: Option<(Ticket, Target)>,
    /// Why the last load came to nothing.
    pub(crate) failure: Option<String>,
}

impl Viewer {
    /// Goes to a place of the document that is on the screen. `rows` and `columns` are those of
    /// the text.
    pub(crate) fn go_to(&mut self, target: Target, rows: usize, columns: usize) {
        self.failure = None;
        if let Some(source) = self.source.clone() {
            // In a long passage, what was searched for is what a person wants to see.
            let start = target.terms.first().unwrap_or(&target.passage).start;
            let start = start.min(source.document.text.len());
            let line = source.line_of(start);
            let above = source
                .rows(line, columns)
                .iter()
                .take_while(|row| row.end <= start)
                .count();
            self.top = Top {
                line,
                row: above + usize::from(source.mark_at(line).is_some()),
            };
            self.target = Some(target);
            // A third of the pane above the passage shows what leads to it.
            self.scroll(-((rows / 3) as isize), rows, columns);
        }
    }

    /// Moves by rows, down for positive numbers, never past the ends.
    pub(crate) fn scroll(&mut self, by: isize, rows: usize, columns: usize) {
        let Some(source) = self.source.clone() else {
            return;
        };
        let mut top = self.top;
        top.line = top.line.min(source.lines.len() - 1);
        top.row = top.row.min(source.height(top.line, columns) - 1);
        if by < 0 {
            up(&source, &mut top, by.unsigned_abs(), columns);
        } else {
            down(&source, &mut top, by.unsigned_abs(), columns);
            let last = self.last_top(&source, rows, columns);
            if (last.line, last.row) < (top.line, top.row) {
                top = last;
            }
        }
        self.top = top;
    }

    /// Goes to the beginning.
    pub(crate) fn go_to_start(&mut self) {
        self.top = Top::default();
    }

    /// Goes to the end.
    pub(crate) fn go_to_end(&mut self, rows: usize, columns: usize) {
        if let Some(source) = self.source.clone() {
            self.top = self.last_top(&source, rows, columns);
        }
    }

    /// The place from which the end of the document fills the pane.
    fn last_top(&self, source: &Source, rows: usize, columns: usize) -> Top {
        let line = source.lines.len() - 1;
        let mut top = Top {
            line,
            row: source.height(line, columns) - 1,
        };
        up(source, &mut top, rows.saturating_sub(1), columns);
        top
    }
}

fn up(source: &Source, top: &mut Top, mut by: usize, columns: usize) {
    while by > top.row {
        if top.line == 0 {
            top.row = 0;
            return;
        }
        by -= top.row + 1;
        top.line -= 1;
        top.row = source.height(top.line, columns) - 1;
    }
    top.row -= by;
}

fn down(source: &Source, top: &mut Top, mut by: usize, columns: usize) {
    loop {
        let below = source.height(top.line, columns) - 1 - top.row;
        if by <= below {
            top.row += by;
            return;
        }
        if top.line + 1 >= source.lines.len() {
            top.row += below;
            return;
        }
        by -= below + 1;
        top.line += 1;
        top.row = 0;
    }
}

#[cfg(test)]
mod tests {
    use docent_core::document::Cell;

    use super::*;
    use crate::tui::samples;

    fn shown(text: &str) -> Viewer {
        Viewer {
            source: Some(Arc::new(Source::new(samples::text_view(1, "a.txt", text)))),
            ..Viewer::default()
        }
    }

    #[test]
    fn very_long_lines_are_cut_and_numbered_once() {
        let text = format!("{}\nnext", "é".repeat(LONGEST_LINE));
        let lines = line_starts(&text);
        assert!(lines.len() >= 3);
        assert_eq!(lines.iter().filter(|l| l.number == Some(1)).count(), 1);
        assert_eq!(lines.last().and_then(|l| l.number), Some(2));
        assert!(lines.iter().all(|l| text.is_char_boundary(l.at)));
    }

    #[test]
    fn scrolling_stops_at_both_ends() {
        let text: String = (1..=100).map(|n| format!("line {n}\n")).collect();
        let mut viewer = shown(&text);
        viewer.scroll(-5, 10, 40);
        assert_eq!(viewer.top, Top::default());
        viewer.scroll(1_000, 10, 40);
        assert_eq!(viewer.top, Top { line: 90, row: 0 });
        viewer.scroll(-1, 10, 40);
        assert_eq!(viewer.top, Top { line: 89, row: 0 });
        viewer.go_to_end(10, 40);
        assert_eq!(viewer.top.line, 90);
        viewer.go_to_start();
        assert_eq!(viewer.top.line, 0);
    }

    #[test]
    fn a_target_stands_in_the_upper_third() {
        let text: String = (1..=100).map(|n| format!("line {n}\n")).collect();
        let mut viewer = shown(&text);
        let start = text.find("line 50").unwrap_or(0);
        viewer.go_to(samples::target(1, start..start + 7), 9, 40);
        assert_eq!(viewer.top, Top { line: 46, row: 0 });
    }

    #[test]
    fn rows_of_wrapped_lines_are_scrolled_one_by_one() {
        let mut viewer = shown(&format!("{}\nend", "word ".repeat(20)));
        viewer.scroll(3, 2, 10);
        assert_eq!(viewer.top, Top { line: 0, row: 3 });
        viewer.scroll(-2, 2, 10);
        assert_eq!(viewer.top, Top { line: 0, row: 1 });
    }

    #[test]
    fn pages_are_marked_where_they_begin() {
        let source = samples::lease();
        let labels: Vec<&str> = source
            .marks
            .iter()
            .map(|(_, label)| label.as_str())
            .collect();
        assert_eq!(labels, ["page 1", "page 2", "page 3"]);
        let line = source.marks[1].0;
        assert_eq!(source.mark_at(line), Some("page 2"));
        assert_eq!(source.place_of(line - 1), "page 1 of 3");
        assert!(!source.numbered());
    }

    #[test]
    fn hidden_text_and_sheets_are_marked() {
        let cell = |row| Cell { row, column: 1 };
        let cells = |sheet: &str, row| Locator::Cells {
            sheet: sheet.into(),
            first: cell(row),
            last: cell(row),
        };
        let block = |span, locator, hidden| Block {
            span,
            kind: BlockKind::Paragraph,
            locator,
            hidden,
        };
        let mut view = samples::text_view(1, "costs.xlsx", "rent\n\nbribe\n\nheat");
        view.document.blocks = vec![
            block(0..4, cells("Costs", 1), false),
            block(6..11, cells("Costs", 2), true),
            block(13..17, cells("Other", 1), false),
        ];
        let source = Source::new(view);
        let labels: Vec<&str> = source
            .marks
            .iter()
            .map(|(_, label)| label.as_str())
            .collect();
        let hidden = "sheet “Costs”, hidden in the original";
        assert_eq!(labels, ["sheet “Costs”", hidden, "sheet “Other”"]);
        assert_eq!(source.place_of(2), "sheet “Costs”, A2");
    }
}
