//! Keys and pasted text for the inputs.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::search;
use crate::tui::keys::Motion;
use crate::tui::message::Command;
use crate::tui::state::input::Input;
use crate::tui::state::overlay::Overlay;
use crate::tui::state::{Focus, State};

/// The input that has the keyboard.
pub(super) fn focused(state: &State) -> Option<&Input> {
    match state.focus {
        Focus::Question => Some(&state.ask.input),
        Focus::Query => Some(&state.search.input),
        _ => None,
    }
}

/// A key that no binding takes.
pub(super) fn on_key(state: &mut State, key: &KeyEvent) -> Vec<Command> {
    match state.focus {
        Focus::Question => question_key(state, key),
        Focus::Query => return query_key(state, key),
        _ => {}
    }
    Vec::new()
}

fn question_key(state: &mut State, key: &KeyEvent) {
    let input = &mut state.ask.input;
    // At the edges of the text, up and down walk through earlier questions.
    let walked = match key.code {
        KeyCode::Up if input.at_first_row() => input.older(),
        KeyCode::Down if input.at_last_row() => input.newer(),
        _ => false,
    };
    if !walked {
        input.key(*key);
    }
}

fn query_key(state: &mut State, key: &KeyEvent) -> Vec<Command> {
    match key.code {
        KeyCode::Up => search::move_hit(state, Motion::Up),
        KeyCode::Down => search::move_hit(state, Motion::Down),
        _ => edit_query(state, |input| input.key(*key)),
    }
}

/// Changes the query; what it finds is searched at once.
fn edit_query(state: &mut State, edit: impl FnOnce(&mut Input) -> bool) -> Vec<Command> {
    let before = state.search.input.text();
    edit(&mut state.search.input);
    if state.search.input.text() == before {
        return Vec::new();
    }
    search::search(state)
}

/// Deletes back to the beginning of the line.
pub(super) fn clear_line(state: &mut State) -> Vec<Command> {
    match state.focus {
        Focus::Question => {
            state.ask.input.clear_line();
            Vec::new()
        }
        Focus::Query => edit_query(state, Input::clear_line),
        _ => Vec::new(),
    }
}

/// Pasted text goes into the input that is open, else into the question.
pub(super) fn on_paste(state: &mut State, text: &str) -> Vec<Command> {
    match &mut state.overlay {
        Some(Overlay::Palette(palette)) => {
            palette.input.paste(text);
            return Vec::new();
        }
        Some(Overlay::Prompt(prompt)) => {
            prompt.input.paste(text);
            return Vec::new();
        }
        Some(_) => return Vec::new(),
        None => {}
    }
    match state.focus {
        Focus::Query => edit_query(state, |input| {
            input.paste(text);
            true
        }),
        Focus::Question => {
            state.ask.input.paste(text);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Gives a key to a one-line input of an overlay.
pub(super) fn line_key(input: &mut Input, key: &KeyEvent) -> bool {
    if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('u') {
        return input.clear_line();
    }
    // A line takes no line feeds, whatever key would make one.
    let breaks = matches!(key.code, KeyCode::Enter)
        || (key.modifiers.contains(KeyModifiers::CONTROL)
            && matches!(key.code, KeyCode::Char('m' | 'j')));
    !breaks && input.key(*key)
}
