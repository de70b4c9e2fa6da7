//! The source viewer: a document at a place, with line numbers or page marks, and the passage
//! marked in the margin as well as by its style.

use docent_core::document::BlockKind;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::layout::Layout;
use super::{Screen, put_rows};
use crate::tui::message::Target;
use crate::tui::state::Focus;
use crate::tui::state::viewer::{Source, Viewer};
use crate::tui::text::{self, Row, Tone};

/// A viewer in its pane.
#[derive(Debug)]
pub(super) struct SourceView<'a> {
    /// The screen.
    pub(super) screen: &'a Screen<'a>,
    /// Where things stand.
    pub(super) layout: &'a Layout,
    /// The pane.
    pub(super) focus: Focus,
    /// What is shown.
    pub(super) viewer: &'a Viewer,
    /// What is said when nothing is shown.
    pub(super) empty: &'static str,
}

/// Columns of a viewer's text within a pane of `columns`: line numbers and margin left out.
pub(crate) fn text_columns(source: &Source, columns: usize) -> usize {
    columns.saturating_sub(source.gutter() + 2).max(1)
}

impl SourceView<'_> {
    fn titles(&self, rows: usize, columns: usize) -> (String, String) {
        let Some(source) = &self.viewer.source else {
            return ("source".to_owned(), String::new());
        };
        let line = told_line(source, self.viewer, rows, columns);
        let place = source.place_of(line);
        let busy = if self.viewer.waiting.is_some() {
            "… "
        } else {
            ""
        };
        (source.path.clone(), format!("{busy}{place}"))
    }

    fn message(&self) -> Option<(String, Tone)> {
        if let Some(reason) = &self.viewer.failure {
            return Some((format!("✗ {reason}"), Tone::Failure));
        }
        if self.viewer.source.is_some() {
            return None;
        }
        if self.viewer.waiting.is_some() {
            return Some(("The document is being loaded.".to_owned(), Tone::Meta));
        }
        Some((self.empty.to_owned(), Tone::Meta))
    }
}

impl Widget for SourceView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        let inner = self.layout.inner(self.focus);
        let (rows, columns) = self.layout.room(self.focus);
        let (title, place) = self.titles(rows, columns);
        self.screen
            .frame(self.focus, self.layout, &title, &place, buf);
        let rows: Vec<Row> = match (self.message(), &self.viewer.source) {
            (Some((message, tone)), _) => text::wrap(&message, columns)
                .into_iter()
                .map(|range| Row::new(&message[range], tone))
                .collect(),
            (None, Some(source)) => visible(source, self.viewer, columns, rows),
            (None, None) => Vec::new(),
        };
        put_rows(&rows, inner, self.screen.theme, buf);
    }
}

/// The line whose number or page is told: that of the passage while it is on the screen, else
/// the first.
fn told_line(source: &Source, viewer: &Viewer, rows: usize, columns: usize) -> usize {
    let top = viewer.top.line;
    let Some(target) = viewer.target.as_ref().filter(|t| t.document == source.id) else {
        return top;
    };
    let marked = source.line_of(target.passage.start);
    // A pane of so many rows shows no more lines than that.
    if !(top..top + rows).contains(&marked) {
        return top;
    }
    let above: usize = (top..marked)
        .map(|line| line_rows(source, line, None, columns).len())
        .sum();
    if above.saturating_sub(viewer.top.row) < rows {
        marked
    } else {
        top
    }
}

/// The rows from the viewer's top on, as many as are shown.
fn visible(source: &Source, viewer: &Viewer, columns: usize, height: usize) -> Vec<Row> {
    let mut rows = Vec::with_capacity(height);
    let mut skip = viewer.top.row;
    let target = viewer.target.as_ref().filter(|t| t.document == source.id);
    for line in viewer.top.line..source.lines.len() {
        let mut here = line_rows(source, line, target, columns);
        here.drain(..skip.min(here.len()));
        skip = 0;
        rows.extend(here);
        if rows.len() >= height {
            break;
        }
    }
    rows
}

fn line_rows(source: &Source, line: usize, target: Option<&Target>, columns: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(label) = source.mark_at(line) {
        let mark = format!("── {} ", text::safe(label));
        let rest = columns.saturating_sub(text::width(&mark));
        rows.push(Row::new(&format!("{mark}{}", "─".repeat(rest)), Tone::Meta));
    }
    let gutter = source.gutter();
    let number = source.lines[line].number;
    let text = &source.document.text;
    let wrapped = source.rows(line, text_columns(source, columns));
    for (place, range) in wrapped.into_iter().enumerate() {
        let marked = target.is_some_and(|target| {
            range.start < target.passage.end && target.passage.start < range.end
        });
        let row = text::toned_row(text, range, |at| tone_at(source, target, at));
        let margin = if marked { "▐ " } else { "  " };
        let number = match number.filter(|_| place == 0 && gutter > 0) {
            Some(number) => format!("{number:>width$} ", width = gutter - 1),
            None => " ".repeat(gutter),
        };
        rows.push(
            row.indented(margin, Tone::Passage)
                .indented(&number, Tone::Meta),
        );
    }
    rows
}

fn tone_at(source: &Source, target: Option<&Target>, at: usize) -> Tone {
    match target {
        Some(target) if target.terms.iter().any(|term| term.contains(&at)) => Tone::Term,
        Some(target) if target.passage.contains(&at) => Tone::Passage,
        _ => match source.block(at) {
            Some(block) if block.hidden || block.kind == BlockKind::Furniture => Tone::Meta,
            Some(block) if matches!(block.kind, BlockKind::Heading { .. }) => Tone::Strong,
            _ => Tone::Plain,
        },
    }
}
