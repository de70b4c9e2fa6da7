//! Where everything stands on the screen: a pure function of the state, asked by drawing and by
//! the mouse alike.

use ratatui::layout::{Margin, Position, Rect};

use crate::tui::state::{Focus, State, Tab};
use crate::tui::text;

/// Below so many columns only one side is shown at a time.
pub(crate) const NARROW_COLUMNS: u16 = 60;
/// From so many columns on, search shows hits and preview side by side.
const WIDE_COLUMNS: u16 = 100;
/// A question's input grows to so many rows.
const INPUT_ROWS: u16 = 6;
/// A notice takes at most so many rows.
const NOTICE_ROWS: u16 = 4;

/// The screen's parts; those that are not shown have no area.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// Collection and progress.
    pub(crate) header: Rect,
    /// The tabs.
    pub(crate) tabs: Rect,
    /// Between tabs and notice.
    pub(crate) body: Rect,
    /// What is told.
    pub(crate) notice: Rect,
    /// What keys do here.
    pub(crate) hint: Rect,
    panes: Vec<(Focus, Rect)>,
}

impl Layout {
    /// The layout of a state.
    pub(crate) fn of(state: &State) -> Layout {
        let screen = Rect::new(0, 0, state.size.0, state.size.1);
        let (header, rest) = top(screen, 1);
        let (tabs, rest) = top(rest, 1);
        let (rest, hint) = bottom(rest, 1);
        let (body, notice) = bottom(rest, notice_rows(state, screen.width));
        let mut layout = Layout {
            header,
            tabs,
            body,
            notice,
            hint,
            panes: Vec::new(),
        };
        match state.tab() {
            Tab::Ask => layout.ask(state),
            Tab::Search => layout.search(state),
            Tab::Library => layout.library(),
            Tab::Activity => layout.panes.push((Focus::Activity, body)),
        }
        layout
    }

    /// The area of a pane with its border; empty where it is not shown.
    pub(crate) fn pane(&self, focus: Focus) -> Rect {
        let found = self.panes.iter().find(|(pane, _)| *pane == focus);
        found.map_or(Rect::default(), |(_, area)| *area)
    }

    /// The area of a pane within its border.
    pub(crate) fn inner(&self, focus: Focus) -> Rect {
        self.pane(focus).inner(Margin::new(1, 1))
    }

    /// Rows and columns of a pane within its border.
    pub(crate) fn room(&self, focus: Focus) -> (usize, usize) {
        let inner = self.inner(focus);
        (usize::from(inner.height), usize::from(inner.width))
    }

    /// The pane at a place.
    pub(crate) fn at(&self, place: Position) -> Option<Focus> {
        let found = self.panes.iter().find(|(_, area)| area.contains(place));
        found.map(|(pane, _)| *pane)
    }

    fn ask(&mut self, state: &State) {
        let body = self.body;
        let (main, side) = if body.width < NARROW_COLUMNS {
            one_side(body, state.side_shown)
        } else {
            left(body, body.width * 11 / 20)
        };
        let columns = usize::from(main.width.saturating_sub(4));
        let rows = u16::try_from(state.ask.input.rows(columns)).unwrap_or(INPUT_ROWS);
        let rows = rows.min(INPUT_ROWS).min(body.height / 2);
        let (conversation, question) = bottom(main, rows + 2);
        let list = (side.height * 3 / 10).clamp(3, 12);
        let (source, sources) = bottom(side, list);
        self.panes = vec![
            (Focus::Question, question),
            (Focus::Conversation, conversation),
            (Focus::Source, source),
            (Focus::Sources, sources),
        ];
    }

    fn search(&mut self, state: &State) {
        let (query, rest) = top(self.body, 3);
        let (results, preview) = if rest.width < NARROW_COLUMNS {
            one_side(rest, state.side_shown)
        } else if rest.width < WIDE_COLUMNS {
            top(rest, rest.height * 11 / 20)
        } else {
            left(rest, rest.width * 11 / 20)
        };
        self.panes = vec![
            (Focus::Query, query),
            (Focus::Results, results),
            (Focus::Preview, preview),
        ];
    }

    fn library(&mut self) {
        let body = self.body;
        let (collections, problems) = if body.width < WIDE_COLUMNS {
            top(body, body.height / 2)
        } else {
            left(body, body.width * 9 / 20)
        };
        self.panes = vec![
            (Focus::Collections, collections),
            (Focus::Problems, problems),
        ];
    }
}

fn notice_rows(state: &State, width: u16) -> u16 {
    let Some(notice) = &state.notice else {
        return 0;
    };
    let rows = text::wrap(&notice.text, usize::from(width.saturating_sub(4))).len();
    u16::try_from(rows).unwrap_or(NOTICE_ROWS).min(NOTICE_ROWS)
}

fn one_side(area: Rect, side: bool) -> (Rect, Rect) {
    if side {
        (Rect::default(), area)
    } else {
        (area, Rect::default())
    }
}

/// The first `rows` and the rest.
fn top(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    (
        Rect::new(area.x, area.y, area.width, rows),
        Rect::new(area.x, area.y + rows, area.width, area.height - rows),
    )
}

/// All but the last `rows`, and these.
fn bottom(area: Rect, rows: u16) -> (Rect, Rect) {
    top(area, area.height - rows.min(area.height))
}

/// The first `columns` and the rest.
fn left(area: Rect, columns: u16) -> (Rect, Rect) {
    let columns = columns.min(area.width);
    (
        Rect::new(area.x, area.y, columns, area.height),
        Rect::new(area.x + columns, area.y, area.width - columns, area.height),
    )
}
