//! The source viewer's state: a document cut into lines once, and the place that is shown.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use docent_core::document::{BlockKind, Document, Format, Locator};
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
    /// Index of the line before which a page begins, and the page.
    pub(crate) pages: Vec<(usize, u32)>,
}

impl Source {
    /// Cuts a document into lines and pages.
    pub(crate) fn new(view: DocumentView) -> Source {
        let lines = line_starts(&view.document.text);
        let pages = page_starts(&view.document, &lines);
        Source {
            id: view.id,
            root: view.root,
            path: view.path,
            document: view.document,
            lines,
            pages,
        }
    }

    /// Whether lines are numbered: where people cite by line.
    pub(crate) fn numbered(&self) -> bool {
        self.document.format != Format::Pdf
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

    /// Whether a byte belongs to a heading.
    pub(crate) fn is_heading(&self, byte: usize) -> bool {
        let blocks = &self.document.blocks;
        let after = blocks.partition_point(|block| block.span.start <= byte);
        let block = after.checked_sub(1).and_then(|place| blocks.get(place));
        block.is_some_and(|block| {
            block.span.contains(&byte) && matches!(block.kind, BlockKind::Heading { .. })
        })
    }

    /// The page that begins before a line.
    pub(crate) fn page_at(&self, index: usize) -> Option<u32> {
        let place = self
            .pages
            .binary_search_by_key(&index, |(line, _)| *line)
            .ok()?;
        Some(self.pages[place].1)
    }

    /// The page on which a line lies.
    pub(crate) fn page_of(&self, index: usize) -> Option<u32> {
        let after = self.pages.partition_point(|(line, _)| *line <= index);
        let place = after.checked_sub(1)?;
        Some(self.pages[place].1)
    }

    /// The rows that a line takes, as byte ranges of the document's text.
    pub(crate) fn rows(&self, index: usize, columns: usize) -> Vec<Range<usize>> {
        let line = self.line(index);
        text::wrap(&self.document.text[line.clone()], columns)
            .into_iter()
            .map(|row| line.start + row.start..line.start + row.end)
            .collect()
    }

    /// Rows of a line on the screen, a page mark before it included.
    fn height(&self, index: usize, columns: usize) -> usize {
        self.rows(index, columns).len() + usize::from(self.page_at(index).is_some())
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

fn page_starts(document: &Document, lines: &[LineStart]) -> Vec<(usize, u32)> {
    let mut pages: Vec<(usize, u32)> = Vec::new();
    for block in &document.blocks {
        let Locator::Page { page, .. } = block.locator else {
            continue;
        };
        if pages.last().is_some_and(|(_, last)| *last == page) {
            continue;
        }
        let after = lines.partition_point(|line| line.at <= block.span.start);
        let line = after.saturating_sub(1);
        // Two pages that begin on one line are told by the later mark.
        if pages.last().is_some_and(|(last, _)| *last == line) {
            pages.pop();
        }
        pages.push((line, page));
    }
    pages
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
                row: above + usize::from(source.page_at(line).is_some()),
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
        assert_eq!(source.pages.first().map(|p| p.1), Some(1));
        let (line, page) = source.pages[1];
        assert_eq!(source.page_at(line), Some(page));
        assert_eq!(source.page_of(line - 1), Some(1));
        assert!(!source.numbered());
    }
}
