//! The library pane: collections with their folders and counts, and what needs a look.

use docent_engine::collection::Uncovered;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::layout::Layout;
use super::{Screen, put_rows};
use crate::tui::message::Shelf;
use crate::tui::state::{Focus, Opening, Picker};
use crate::tui::text::{self, Prose, Row, Tone};

/// The library tab.
#[derive(Debug)]
pub(super) struct Library<'a> {
    screen: &'a Screen<'a>,
    layout: &'a Layout,
}

impl<'a> Library<'a> {
    /// The library tab of a screen.
    pub(super) fn new(screen: &'a Screen<'a>, layout: &'a Layout) -> Self {
        Library { screen, layout }
    }

    fn collections(&self, buf: &mut Buffer) {
        let library = &self.screen.state.library;
        self.screen
            .frame(Focus::Collections, self.layout, "collections", "", buf);
        let area = self.layout.inner(Focus::Collections);
        let columns = usize::from(area.width);
        let shelves = library.shelves.as_deref().unwrap_or_default();
        let message = match (&library.failure, &library.shelves) {
            (Some(reason), _) => Some((format!("✗ {reason}"), Tone::Failure)),
            (None, None) => Some(("The collections are being listed.".to_owned(), Tone::Meta)),
            (None, Some(shelves)) if shelves.is_empty() => Some((
                "No collection yet: c makes one from a folder.".to_owned(),
                Tone::Strong,
            )),
            _ => None,
        };
        if let Some((message, tone)) = message {
            put_rows(
                &wrapped(&message, tone, columns),
                area,
                self.screen.theme,
                buf,
            );
            return;
        }
        let list_rows = shelf_rows(shelves.len(), usize::from(area.height));
        let top = library.picker.top(shelves.len(), list_rows);
        let mut rows: Vec<Row> = Vec::new();
        for (place, shelf) in shelves.iter().enumerate().skip(top).take(list_rows) {
            let chosen = place == library.picker.selected;
            rows.push(self.shelf_row(shelf, chosen, columns));
        }
        if let Some(shelf) = library.chosen() {
            rows.push(Row::default());
            rows.extend(details(shelf, columns));
        }
        put_rows(&rows, area, self.screen.theme, buf);
        if self.screen.state.focus == Focus::Collections {
            let y = area
                .y
                .saturating_add((library.picker.selected.saturating_sub(top)) as u16);
            let line = Rect::new(area.x, y, area.width, 1).intersection(area);
            buf.set_style(line, self.screen.theme.chosen(true));
        }
    }

    fn shelf_row(&self, shelf: &Shelf, chosen: bool, columns: usize) -> Row {
        let mark = if chosen { "› " } else { "  " };
        let open = self.screen.state.collection == Opening::Open(shelf.name.clone());
        let right = match &shelf.status {
            Ok(status) => text::counted(status.indexed + status.partial, "file"),
            Err(_) => "✗ cannot be read".to_owned(),
        };
        let right = if open {
            format!("{right} · open")
        } else {
            right
        };
        let room = columns.saturating_sub(text::width(&right) + 3);
        let name = text::fit(&shelf.name, room);
        let gap = columns.saturating_sub(2 + text::width(&name) + text::width(&right));
        Row {
            pieces: vec![
                (mark.to_owned(), Tone::Strong),
                (name, if open { Tone::Strong } else { Tone::Plain }),
                (" ".repeat(gap), Tone::Plain),
                (right, Tone::Meta),
            ],
        }
    }

    fn problems(&self, buf: &mut Buffer) {
        let state = self.screen.state;
        let problems = state.report.as_ref().map(|report| &report.uncovered);
        let right = match problems.map(Vec::len) {
            Some(0) | None => String::new(),
            Some(all) => format!("{}/{all}", state.library.problem.selected.min(all - 1) + 1),
        };
        let title = match state.collection_name() {
            Some(name) => format!("needs a look in {name}"),
            None => "needs a look".to_owned(),
        };
        self.screen
            .frame(Focus::Problems, self.layout, &title, &right, buf);
        let area = self.layout.inner(Focus::Problems);
        let columns = usize::from(area.width);
        let rows = match problems {
            None => wrapped(
                "Files that could not be read are listed here.",
                Tone::Meta,
                columns,
            ),
            Some(problems) if problems.is_empty() => {
                wrapped("Nothing: every file was read whole.", Tone::Plain, columns)
            }
            Some(problems) => {
                let shown = problem_rows(usize::from(area.height));
                problem_list(problems, state.library.problem, shown, columns)
            }
        };
        put_rows(&rows, area, self.screen.theme, buf);
    }
}

impl Widget for Library<'_> {
    fn render(self, _: Rect, buf: &mut Buffer) {
        self.collections(buf);
        self.problems(buf);
    }
}

/// Files that need a look, and below them the chosen one in full.
fn problem_list(problems: &[Uncovered], picker: Picker, shown: usize, columns: usize) -> Vec<Row> {
    let top = picker.top(problems.len(), shown);
    let chosen = picker.selected.min(problems.len() - 1);
    let mut rows = Vec::new();
    for (place, problem) in problems.iter().enumerate().skip(top).take(shown) {
        let mark = if place == chosen { "› " } else { "  " };
        let tone = match problem.state.as_str() {
            "failed" | "unreadable" => Tone::Failure,
            _ => Tone::Plain,
        };
        let path = text::fit_path(&problem.place(), (columns.saturating_sub(13) / 2).max(8));
        let mut row = Prose::default();
        row.push(mark, Tone::Strong);
        row.push(&format!("{:<10}", problem.state), tone);
        row.push(&format!(" {path}  "), Tone::Plain);
        row.push(&text::safe(&problem.gap.reason), Tone::Meta);
        rows.push(row.one_row(columns));
    }
    let problem = &problems[chosen];
    let place = problem.root.join(problem.place());
    rows.push(Row::default());
    rows.extend(wrapped(&place.to_string_lossy(), Tone::Strong, columns));
    rows.extend(wrapped(&problem.gap.reason, Tone::Plain, columns));
    if let Some(help) = &problem.gap.help {
        rows.extend(wrapped(&format!("→ {help}"), Tone::Plain, columns));
    }
    rows
}

/// Rows of the list of problems in a pane of `rows`: below it the chosen one is told in full.
pub(crate) fn problem_rows(rows: usize) -> usize {
    rows.saturating_sub(4).max(1)
}

/// Rows of the list of collections in a pane of `rows` with so many entries.
pub(crate) fn shelf_rows(entries: usize, rows: usize) -> usize {
    entries.min(rows.div_ceil(2).max(1))
}

fn wrapped(line: &str, tone: Tone, columns: usize) -> Vec<Row> {
    let rows = text::wrap(line, columns).into_iter();
    rows.map(|range| Row::new(&line[range], tone)).collect()
}

/// Folders and counts of a collection.
fn details(shelf: &Shelf, columns: usize) -> Vec<Row> {
    let status = match &shelf.status {
        Ok(status) => status,
        Err(reason) => return wrapped(&format!("✗ {reason}"), Tone::Failure, columns),
    };
    let mut rows = Vec::new();
    for root in &status.roots {
        let root = text::fit_path(&root.to_string_lossy(), columns.saturating_sub(9));
        let mut row = Prose::default();
        row.push("folder   ", Tone::Meta);
        row.push(&root, Tone::Plain);
        rows.push(row.one_row(columns));
    }
    let chunks = if status.chunks_embedded < status.chunks {
        format!(
            "{} ({} have vectors)",
            text::count(status.chunks),
            text::count(status.chunks_embedded)
        )
    } else {
        text::count(status.chunks)
    };
    let files = format!(
        "{} found · {} indexed · {} in part · {} failed · {} skipped",
        text::count(status.seen),
        text::count(status.indexed),
        text::count(status.partial),
        text::count(status.failed),
        text::count(status.skipped)
    );
    let lines = [
        ("files    ", files),
        ("chunks   ", chunks),
        (
            "on disk  ",
            format!(
                "{} · revision {}",
                text::bytes(status.bytes_on_disk),
                status.revision
            ),
        ),
    ];
    for (label, value) in lines {
        for (place, range) in text::wrap(&value, columns.saturating_sub(9))
            .into_iter()
            .enumerate()
        {
            let label = if place == 0 { label } else { "         " };
            rows.push(Row::new(&value[range], Tone::Plain).indented(label, Tone::Meta));
        }
    }
    rows
}
