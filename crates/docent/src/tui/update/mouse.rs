//! The mouse: clicks choose tabs, panes, entries and pins; the wheel scrolls what is under it.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::{ask, library, move_in, overlay, search};
use crate::tui::keys::Motion;
use crate::tui::message::Command;
use crate::tui::state::overlay::Overlay;
use crate::tui::state::{Focus, State, Tab};
use crate::tui::text::Tone;
use crate::tui::view::layout::Layout;
use crate::tui::view::overlay::list_row_at;
use crate::tui::view::{hit_rows, tab_at};

/// Rows that a turn of the wheel scrolls in a text.
const WHEEL_ROWS: usize = 3;

/// Something was done with the mouse.
pub(super) fn on_mouse(state: &mut State, event: MouseEvent) -> Vec<Command> {
    let place = Position::new(event.column, event.row);
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => on_click(state, place),
        MouseEventKind::ScrollUp => on_wheel(state, place, false),
        MouseEventKind::ScrollDown => on_wheel(state, place, true),
        _ => Vec::new(),
    }
}

fn on_wheel(state: &mut State, place: Position, down: bool) -> Vec<Command> {
    if state.overlay.is_some() {
        overlay::on_wheel(state, down);
        return Vec::new();
    }
    let Some(pane) = Layout::of(state).at(place) else {
        return Vec::new();
    };
    let motion = if down { Motion::Down } else { Motion::Up };
    match pane {
        Focus::Conversation | Focus::Source | Focus::Preview | Focus::Activity => {
            for _ in 0..WHEEL_ROWS {
                move_in(state, pane, motion);
            }
            Vec::new()
        }
        _ => move_in(state, pane, motion),
    }
}

fn on_click(state: &mut State, place: Position) -> Vec<Command> {
    state.quit_armed = false;
    let layout = Layout::of(state);
    if let Some(overlay) = &state.overlay {
        let has_input = matches!(overlay, Overlay::Palette(_));
        let row = list_row_at(&layout, has_input, place.x, place.y);
        return row.map_or_else(Vec::new, |row| overlay::on_click(state, row));
    }
    if layout.header.contains(place) {
        state.show_tab(Tab::Library);
        return Vec::new();
    }
    if layout.tabs.contains(place) {
        if let Some(tab) = tab_at(usize::from(place.x)) {
            state.show_tab(tab);
        }
        return Vec::new();
    }
    if layout.notice.contains(place) {
        state.notice = None;
        return Vec::new();
    }
    let Some(pane) = layout.at(place) else {
        return Vec::new();
    };
    state.focus_on(pane);
    let inner = layout.inner(pane);
    if !inner.contains(place) {
        return Vec::new();
    }
    let row = usize::from(place.y - inner.y);
    let column = usize::from(place.x - inner.x);
    let (rows, _) = layout.room(pane);
    take(state, pane, row, column, rows)
}

/// Takes what stands at a row and column of a pane of `rows`.
fn take(state: &mut State, pane: Focus, row: usize, column: usize, rows: usize) -> Vec<Command> {
    match pane {
        Focus::Conversation => {
            let at = state.ask.place_of(state.ask.top_row(rows) + row);
            let Some((turn, row)) = at else {
                return Vec::new();
            };
            let tone = state.ask.turns[turn].rows[row].tone_at(column);
            match tone {
                Some(Tone::Pin(number)) => ask::show_pin(state, turn, number),
                _ => Vec::new(),
            }
        }
        Focus::Sources => {
            let entries = state.ask.sources().len();
            let entry = state.ask.picker.top(entries, rows) + row;
            if entry >= entries {
                return Vec::new();
            }
            state.ask.picker.select(entry, entries, rows);
            ask::show_source(state)
        }
        Focus::Results => {
            let shown = search::shown(state);
            let entries = state.search.hits().len();
            let entry = state.search.picker.top(entries, shown) + row / hit_rows(rows);
            if entry >= entries {
                return Vec::new();
            }
            state.search.picker.select(entry, entries, shown);
            search::preview(state)
        }
        Focus::Collections => {
            let shown = library::shown_shelves(state);
            let entries = state.library.shelves.as_ref().map_or(0, Vec::len);
            let entry = state.library.picker.top(entries, shown) + row;
            if row < shown && entry < entries {
                state.library.picker.select(entry, entries, shown);
            }
            Vec::new()
        }
        Focus::Problems => {
            let shown = library::shown_problems(state);
            let entries = state.report.as_ref().map_or(0, |r| r.uncovered.len());
            let entry = state.library.problem.top(entries, shown) + row;
            if row < shown && entry < entries {
                state.library.problem.select(entry, entries, shown);
            }
            Vec::new()
        }
        _ => Vec::new(),
    }
}
