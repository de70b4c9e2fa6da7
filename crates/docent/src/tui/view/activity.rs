//! The activity pane: what runs now and how long it takes, what it uses, what was read, what
//! failed, what was told.

use docent_engine::event::Phase;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::layout::Layout;
use super::{Screen, chrome, put_rows};
use crate::progress::second_index;
use crate::tui::state::{Focus, Generator};
use crate::tui::text::{self, Prose, Row, Tone};

/// The longest bar, in columns.
const BAR_COLUMNS: usize = 40;
/// So many files read lately are shown.
const READ_SHOWN: usize = 5;
/// So many failed files are shown; the library has them all.
const FAILED_SHOWN: usize = 5;
/// Columns of the labels at the left.
const LABEL_COLUMNS: usize = 10;

/// The activity tab.
#[derive(Debug)]
pub(super) struct Activity<'a> {
    screen: &'a Screen<'a>,
    layout: &'a Layout,
}

impl<'a> Activity<'a> {
    /// The activity tab of a screen.
    pub(super) fn new(screen: &'a Screen<'a>, layout: &'a Layout) -> Self {
        Activity { screen, layout }
    }

    fn rows(&self, columns: usize) -> Vec<Row> {
        let mut rows = self.now(columns);
        rows.push(Row::default());
        rows.extend(self.uses(columns));
        rows.extend(self.read(columns));
        rows.extend(self.failed(columns));
        rows.extend(self.told(columns));
        rows
    }

    /// What runs now.
    fn now(&self, columns: usize) -> Vec<Row> {
        let progress = &self.screen.state.progress;
        let told = match self.screen.state.collection_name() {
            None => "nothing: no collection is open".to_owned(),
            Some(_) => chrome::phase(progress).unwrap_or_else(|| "nothing".to_owned()),
        };
        let mut rows = labelled("now", &told, Tone::Strong, columns);
        if let Some((done, total, _)) = progress.count().filter(|(_, total, _)| *total > 0) {
            rows.push(bar(done, total, columns));
        }
        if let (Some(current), Phase::Reading) = (&progress.current, progress.phase) {
            let current = text::fit_path(current, columns.saturating_sub(LABEL_COLUMNS));
            rows.extend(labelled("file", &current, Tone::Plain, columns));
        }
        if let Some(error) = &progress.error {
            rows.extend(labelled("stopped", error, Tone::Failure, columns));
        }
        if let Some(turn) = self.screen.state.ask.running() {
            let question = text::fit(&turn.question, columns.saturating_sub(LABEL_COLUMNS));
            rows.extend(labelled("answering", &question, Tone::Plain, columns));
        }
        rows
    }

    /// What docent uses.
    fn uses(&self, columns: usize) -> Vec<Row> {
        let state = self.screen.state;
        let model = match &state.generator {
            Generator::Loading => "being loaded".to_owned(),
            Generator::Failed(reason) => format!("none: {reason}"),
            Generator::Ready(card) => {
                let speed = match state.ask.speed {
                    Some(speed) => format!(" · {speed:.1} tokens/s in the last answer"),
                    None => String::new(),
                };
                let context = text::count(card.context_tokens as u64);
                format!("{} · {context} tokens of context{speed}", card.name)
            }
        };
        let mut rows = labelled("writes", &model, Tone::Plain, columns);
        if let Generator::Ready(card) = &state.generator
            && let Some(streaming) = &card.streaming
        {
            rows.extend(labelled("slowly", streaming, Tone::Plain, columns));
        }
        if let Some(report) = &state.report {
            let embedder = report
                .status
                .embedder
                .as_deref()
                .unwrap_or("no vectors yet");
            rows.extend(labelled("embeds", embedder, Tone::Plain, columns));
            if let Some(second) = &report.status.second_index {
                let second = second_index(second);
                rows.extend(labelled("", &second, Tone::Plain, columns));
            }
            let disk = text::bytes(report.status.bytes_on_disk);
            rows.extend(labelled("disk", &disk, Tone::Plain, columns));
            if let Some(memory) = report.memory_bytes {
                let memory = text::bytes(memory);
                rows.extend(labelled("memory", &memory, Tone::Plain, columns));
            }
        }
        let version = format!("docent {}", state.version);
        rows.extend(labelled("version", &version, Tone::Plain, columns));
        rows
    }

    fn read(&self, columns: usize) -> Vec<Row> {
        let state = self.screen.state;
        let mut rows = Vec::new();
        for (place, path) in state.read.iter().take(READ_SHOWN).enumerate() {
            if place == 0 {
                rows.push(Row::default());
            }
            let label = if place == 0 { "read" } else { "" };
            let path = text::fit_path(path, columns.saturating_sub(LABEL_COLUMNS));
            rows.extend(labelled(label, &path, Tone::Plain, columns));
        }
        rows
    }

    fn failed(&self, columns: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        let Some(report) = &self.screen.state.report else {
            return rows;
        };
        let failed: Vec<_> = report
            .uncovered
            .iter()
            .filter(|problem| problem.state == "failed")
            .collect();
        for (place, problem) in failed.iter().take(FAILED_SHOWN).enumerate() {
            if place == 0 {
                rows.push(Row::default());
            }
            let label = if place == 0 { "failed" } else { "" };
            let line = format!("{}: {}", problem.path, problem.gap);
            rows.extend(labelled(label, &line, Tone::Plain, columns));
        }
        if report.status.failed > FAILED_SHOWN as u64 {
            let more = report.status.failed - FAILED_SHOWN as u64;
            let line = format!("and {} more: the library lists them", text::count(more));
            rows.extend(labelled("", &line, Tone::Meta, columns));
        }
        rows
    }

    /// What was told since the start, latest first.
    fn told(&self, columns: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        for (place, (when, notice)) in self.screen.state.log.iter().enumerate() {
            if place == 0 {
                rows.push(Row::default());
            }
            let label = if place == 0 { "told" } else { "" };
            let mark = if notice.failure { "✗" } else { "✓" };
            let after = text::duration(when.as_secs_f64());
            let line = format!("{mark} {} (after {after})", notice.text);
            rows.extend(labelled(label, &line, Tone::Plain, columns));
        }
        rows
    }
}

impl Widget for Activity<'_> {
    fn render(self, _: Rect, buf: &mut Buffer) {
        self.screen
            .frame(Focus::Activity, self.layout, "activity", "", buf);
        let area = self.layout.inner(Focus::Activity);
        let rows = self.rows(usize::from(area.width));
        let last = rows.len().saturating_sub(usize::from(area.height));
        let top = self.screen.state.activity.selected.min(last);
        put_rows(&rows[top..], area, self.screen.theme, buf);
    }
}

/// Rows of the whole pane: as far as it scrolls.
pub(crate) fn height(screen: &Screen<'_>, layout: &Layout) -> usize {
    let area = layout.inner(Focus::Activity);
    Activity::new(screen, layout)
        .rows(usize::from(area.width))
        .len()
}

fn labelled(label: &str, value: &str, tone: Tone, columns: usize) -> Vec<Row> {
    text::wrap(value, columns.saturating_sub(LABEL_COLUMNS))
        .into_iter()
        .enumerate()
        .map(|(place, range)| {
            let label = if place == 0 { label } else { "" };
            Row::new(&value[range], tone).indented(&format!("{label:<LABEL_COLUMNS$}"), Tone::Meta)
        })
        .collect()
}

/// How far it is, as a bar with its share in figures.
fn bar(done: u64, total: u64, columns: usize) -> Row {
    let length = columns.saturating_sub(LABEL_COLUMNS + 5).min(BAR_COLUMNS);
    let share = (done as f64 / total.max(1) as f64).clamp(0.0, 1.0);
    let full = (share * length as f64).round() as usize;
    let mut row = Prose::default();
    row.push(&" ".repeat(LABEL_COLUMNS), Tone::Plain);
    row.push(&"█".repeat(full), Tone::Key);
    row.push(&"░".repeat(length - full), Tone::Meta);
    row.push(&format!(" {:>3.0}%", share * 100.0), Tone::Plain);
    row.one_row(columns)
}
