//! The frame around the panes: header, tabs, notice, hints.

use docent_engine::event::{Phase, Progress};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::Screen;
use super::layout::{Layout, NARROW_COLUMNS};
use crate::tui::keys::{Action, TABLE};
use crate::tui::state::overlay::Overlay;
use crate::tui::state::{Focus, Opening, State, Tab};
use crate::tui::text::{self, Row, Tone};

/// Header, tabs, notice, hints.
#[derive(Debug)]
pub(super) struct Chrome<'a> {
    screen: &'a Screen<'a>,
    layout: &'a Layout,
}

impl<'a> Chrome<'a> {
    /// The frame of a screen.
    pub(super) fn new(screen: &'a Screen<'a>, layout: &'a Layout) -> Self {
        Chrome { screen, layout }
    }

    fn header(&self, buf: &mut Buffer) {
        let area = self.layout.header;
        let columns = usize::from(area.width);
        let state = self.screen.state;
        let name = match &state.collection {
            Opening::Waiting => "opening …".to_owned(),
            Opening::Empty => "no collection yet".to_owned(),
            Opening::Open(name) => format!("{name} ▾"),
            Opening::Failed(_) => "not open".to_owned(),
        };
        let left = format!(" docent  {name}");
        let right = fitting(
            &standing(state),
            columns.saturating_sub(text::width(&left) + 3),
        );
        let left = text::fit(&left, columns);
        let gap = columns.saturating_sub(text::width(&left) + text::width(&right) + 1);
        let line = Line::from(vec![
            Span::styled(left, Style::new().add_modifier(Modifier::BOLD)),
            Span::raw(" ".repeat(gap)),
            Span::raw(right),
        ]);
        put(area, &line, buf);
    }

    fn tabs(&self, buf: &mut Buffer) {
        let mut spans = Vec::new();
        for tab in Tab::ALL {
            let label = tab_label(tab);
            // Brackets say it where colours and weights do not show.
            if tab == self.screen.state.tab() {
                let style = Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED);
                spans.push(Span::styled(format!("[{label}]"), style));
            } else {
                spans.push(Span::raw(format!(" {label} ")));
            }
            spans.push(Span::raw(" "));
        }
        put(self.layout.tabs, &Line::from(spans), buf);
    }

    fn notice(&self, buf: &mut Buffer) {
        let Some(notice) = &self.screen.state.notice else {
            return;
        };
        let area = self.layout.notice;
        let (mark, tone) = if notice.failure {
            ("✗ ", Tone::Failure)
        } else {
            ("✓ ", Tone::Strong)
        };
        let columns = usize::from(area.width.saturating_sub(4));
        let rows: Vec<Row> = text::wrap(&notice.text, columns)
            .into_iter()
            .enumerate()
            .map(|(row, range)| {
                let front = if row == 0 { mark } else { "  " };
                Row::new(&notice.text[range], Tone::Plain)
                    .indented(front, tone)
                    .indented(" ", Tone::Plain)
            })
            .collect();
        super::put_rows(&rows, area, self.screen.theme, buf);
    }

    fn hint(&self, buf: &mut Buffer) {
        let columns = usize::from(self.layout.hint.width);
        let (hints, last) = hints(self.screen.state);
        let mut row = Row::default();
        let kept = width_of(&last);
        for hint in hints {
            if row.width() + width_of(&hint) + kept > columns {
                break;
            }
            push_hint(&mut row, hint);
        }
        if row.width() + kept <= columns {
            push_hint(&mut row, last);
        }
        super::put_rows([&row], self.layout.hint, self.screen.theme, buf);
    }
}

impl Widget for Chrome<'_> {
    fn render(self, _: Rect, buf: &mut Buffer) {
        self.header(buf);
        self.tabs(buf);
        self.notice(buf);
        self.hint(buf);
    }
}

fn put(area: Rect, line: &Line<'_>, buf: &mut Buffer) {
    if !area.is_empty() {
        buf.set_line(area.x, area.y, line, area.width);
    }
}

fn tab_label(tab: Tab) -> String {
    format!("{} {}", tab.index() + 1, tab.name())
}

/// The tab at a column of its row.
pub(crate) fn tab_at(column: usize) -> Option<Tab> {
    let mut end = 0;
    Tab::ALL.into_iter().find(|tab| {
        let start = end;
        end += tab_label(*tab).len() + 3;
        (start..end - 1).contains(&column)
    })
}

/// The last parts that fit into `columns`: what runs now stands last and counts most.
fn fitting(parts: &[String], columns: usize) -> String {
    let from = (0..parts.len()).find(|&from| text::width(&parts[from..].join(" · ")) <= columns);
    match from {
        Some(from) => parts[from..].join(" · "),
        None => text::fit(parts.last().map_or("", String::as_str), columns),
    }
}

/// What is known about the collection, the most pressing last.
fn standing(state: &State) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(report) = &state.report {
        let files = report.status.indexed + report.status.partial;
        parts.push(text::counted(files, "file"));
        let troubled = report.status.failed + report.status.partial;
        match troubled {
            0 => {}
            1 => parts.push("1 needs a look".to_owned()),
            more => parts.push(format!("{} need a look", text::count(more))),
        }
    }
    if state.closing {
        parts.push("closing: the batch in hand is finished".to_owned());
    } else if state.collection_name().is_some() {
        parts.extend(phase(&state.progress));
    }
    parts
}

/// What the indexer does, with its numbers.
pub(super) fn phase(progress: &Progress) -> Option<String> {
    let count = || {
        let (done, total, unit) = progress.count()?;
        Some(format!(
            "{}/{} {unit}",
            text::count(done),
            text::count(total)
        ))
    };
    let going = |word: &str| {
        let mut told = format!("{word} {}", count().unwrap_or_default());
        if let Some(rate) = progress.rate() {
            told.push_str(&format!("  {}", text::rate(rate)));
        }
        if let Some(left) = progress.seconds_left() {
            told.push_str(&format!("  {} left", text::duration(left)));
        }
        told
    };
    Some(match progress.phase {
        Phase::Idle => return None,
        Phase::Scanning => format!("looking at files: {}", text::count(progress.files_seen)),
        Phase::Reading => going("reading"),
        Phase::Embedding if progress.second_index.is_some() => {
            format!("{}; searches use the first", going("second index"))
        }
        Phase::Embedding => going("embedding"),
        Phase::Watching => "up to date".to_owned(),
        Phase::Paused => format!("paused at {}", count().unwrap_or_default()),
        Phase::ReadOnly => "another docent indexes it; this one reads".to_owned(),
        Phase::Stopped => "indexing stopped".to_owned(),
    })
}

/// A key and what it does.
type Hint = (String, String);

/// Columns of a hint with what stands before it.
fn width_of((key, name): &Hint) -> usize {
    3 + text::width(key) + 1 + text::width(name)
}

fn push_hint(row: &mut Row, (key, name): Hint) {
    let joint = if row.pieces.is_empty() { " " } else { " · " };
    row.pieces.push((joint.to_owned(), Tone::Meta));
    row.pieces.push((key, Tone::Key));
    row.pieces.push((format!(" {name}"), Tone::Plain));
}

/// What keys do here and now, the most useful first, and the one that is always told.
fn hints(state: &State) -> (Vec<Hint>, Hint) {
    let pair = |key: &str, name: &str| (key.to_owned(), name.to_owned());
    if let Some(overlay) = &state.overlay {
        let hints = match overlay {
            Overlay::Help(_) => vec![pair("↑ ↓ pgup pgdn", "move")],
            Overlay::Palette(_) => vec![pair("enter", "do it"), pair("↑ ↓", "choose")],
            Overlay::Conversations(_) => vec![
                pair("enter", "open"),
                pair("n", "new"),
                pair("d", "delete"),
                pair("↑ ↓", "choose"),
            ],
            Overlay::Confirm(_) => vec![pair("y", "yes"), pair("n", "no")],
            Overlay::Prompt(_) => vec![pair("enter", "add it")],
        };
        return (hints, pair("esc", "back"));
    }
    let mut hints = Vec::new();
    if state.quit_armed {
        hints.push(pair("ctrl-c", "again to quit"));
    }
    if state.ask.running().is_some() {
        hints.push(pair("ctrl-c", "stop"));
    }
    let typed = match state.focus {
        Focus::Question => !state.ask.input.is_empty(),
        Focus::Query => !state.search.input.is_empty(),
        _ => false,
    };
    let mut bindings: Vec<_> = TABLE
        .iter()
        .filter(|binding| binding.hint > 0 && binding.works(state.focus, typed))
        .collect();
    bindings.sort_by_key(|binding| binding.hint);
    let mut told = Vec::new();
    for binding in bindings {
        if told.contains(&binding.action) {
            continue;
        }
        told.push(binding.action);
        if let Some(name) = name_here(state, binding.action, binding.name) {
            hints.push((binding.key(), name));
        }
    }
    (hints, pair(if typed { "F1" } else { "?" }, "keys"))
}

/// An action's name as it fits the moment; `None` where it would do nothing.
fn name_here(state: &State, action: Action, name: &str) -> Option<String> {
    let listed = match state.tab() {
        Tab::Ask => !state.ask.sources().is_empty(),
        Tab::Search => !state.search.hits().is_empty(),
        Tab::Library | Tab::Activity => true,
    };
    let name = match action {
        Action::Submit if state.ask.input.is_empty() => return None,
        Action::NextSource | Action::OpenFile | Action::Copy | Action::Choose if !listed => {
            return None;
        }
        Action::NextSource if state.tab() == Tab::Search => "next hit",
        Action::Copy => "copy with citation",
        Action::Pause if state.progress.phase == Phase::Paused => "go on",
        Action::Fold if state.size.0 >= NARROW_COLUMNS => return None,
        Action::Fold if state.focus.is_side() => "back",
        Action::Fold => "source",
        Action::Help => return None,
        Action::Show(tab) if tab == state.tab() => return None,
        _ => name,
    };
    Some(name.to_owned())
}
