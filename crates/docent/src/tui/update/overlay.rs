//! What lies over the panes: keys and results for it.

use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{act, ask, close, input, library, pick};
use crate::tui::keys::{Action, Binding, Motion, TABLE};
use crate::tui::message::{Command, ConversationCard, Ticket};
use crate::tui::state::input::Input;
use crate::tui::state::overlay::{Conversations, Overlay, Prompt, Purpose};
use crate::tui::state::{State, Tab};
use crate::tui::view::layout::Layout;
use crate::tui::view::overlay::{help_rows, list_rows};

/// A key while something lies over the panes. Esc closes it; ctrl-c and ctrl-q are as always.
pub(super) fn on_key(state: &mut State, key: &KeyEvent) -> Vec<Command> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        match key.code {
            KeyCode::Char('q') => return close(state),
            KeyCode::Char('c') => {
                state.overlay = None;
                return Vec::new();
            }
            _ => {}
        }
    }
    if key.code == KeyCode::Esc {
        state.overlay = None;
        return Vec::new();
    }
    match state.overlay.take() {
        None => Vec::new(),
        Some(Overlay::Help(top)) => {
            state.overlay = help_key(state, key, top).map(Overlay::Help);
            Vec::new()
        }
        Some(Overlay::Palette(palette)) => {
            state.overlay = Some(Overlay::Palette(palette));
            palette_key(state, key)
        }
        Some(Overlay::Conversations(list)) => {
            state.overlay = Some(Overlay::Conversations(list));
            conversations_key(state, key)
        }
        Some(Overlay::Confirm(confirm)) => match key.code {
            KeyCode::Char('y' | 'Y') => confirmed(state, confirm.command),
            KeyCode::Char('n' | 'N') => Vec::new(),
            _ => {
                state.overlay = Some(Overlay::Confirm(confirm));
                Vec::new()
            }
        },
        Some(Overlay::Prompt(mut prompt)) => {
            if key.code == KeyCode::Enter {
                return entered(state, prompt);
            }
            input::line_key(&mut prompt.input, key);
            state.overlay = Some(Overlay::Prompt(prompt));
            Vec::new()
        }
    }
}

fn motion(key: &KeyEvent, letters: bool) -> Option<Motion> {
    Some(match key.code {
        KeyCode::Up => Motion::Up,
        KeyCode::Down => Motion::Down,
        KeyCode::PageUp => Motion::PageUp,
        KeyCode::PageDown => Motion::PageDown,
        KeyCode::Char('k') if letters => Motion::Up,
        KeyCode::Char('j') if letters => Motion::Down,
        KeyCode::Home | KeyCode::Char('g') if letters => Motion::Start,
        KeyCode::End | KeyCode::Char('G') if letters => Motion::End,
        _ => return None,
    })
}

/// The first row of the page of keys; `None` closes it.
fn help_key(state: &State, key: &KeyEvent, top: usize) -> Option<usize> {
    if matches!(key.code, KeyCode::Char('?' | 'q') | KeyCode::F(1)) {
        return None;
    }
    let body = Layout::of(state).body;
    let shown = usize::from(body.height.saturating_sub(2)).max(1);
    let columns = usize::from(body.width.saturating_sub(2));
    let last = help_rows(columns).len().saturating_sub(shown);
    let top = top.min(last);
    Some(match motion(key, true) {
        Some(Motion::Up) => top.saturating_sub(1),
        Some(Motion::Down) => (top + 1).min(last),
        Some(Motion::PageUp) => top.saturating_sub(shown),
        Some(Motion::PageDown) => (top + shown).min(last),
        Some(Motion::Start) => 0,
        Some(Motion::End) => last,
        None => top,
    })
}

/// Scrolls what lies over the panes by the wheel.
pub(super) fn on_wheel(state: &mut State, down: bool) {
    let code = if down { KeyCode::Down } else { KeyCode::Up };
    let key = KeyEvent::new(code, KeyModifiers::NONE);
    if !matches!(
        state.overlay,
        Some(Overlay::Prompt(_) | Overlay::Confirm(_))
    ) {
        on_key(state, &key);
    }
}

/// A click on an entry of what lies over the panes chooses and takes it.
pub(super) fn on_click(state: &mut State, row: usize) -> Vec<Command> {
    let layout = Layout::of(state);
    let entries = entries(state);
    let enter = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
    let (picker, shown) = match &mut state.overlay {
        Some(Overlay::Palette(palette)) => (&mut palette.picker, list_rows(&layout, true)),
        Some(Overlay::Conversations(list)) => (&mut list.picker, list_rows(&layout, false)),
        _ => return Vec::new(),
    };
    let entry = picker.top(entries, shown) + row;
    if entry >= entries {
        return Vec::new();
    }
    picker.select(entry, entries, shown);
    on_key(state, &enter)
}

/// Entries of the list that lies over the panes.
fn entries(state: &State) -> usize {
    match &state.overlay {
        Some(Overlay::Palette(palette)) => palette_entries(state, &palette.input.text()).len(),
        Some(Overlay::Conversations(list)) => list.cards.as_ref().map_or(0, Vec::len),
        _ => 0,
    }
}

/// The commands whose name or explanation contains all words of `filter`, each once.
pub(crate) fn palette_entries(state: &State, filter: &str) -> Vec<&'static Binding> {
    let filter = filter.to_lowercase();
    let mut entries: Vec<&'static Binding> = Vec::new();
    for binding in TABLE {
        let text = format!("{} {}", binding.name, binding.help).to_lowercase();
        let matches = filter.split_whitespace().all(|word| text.contains(word));
        let known = entries.iter().any(|entry| entry.action == binding.action);
        if matches && !known && binding.in_palette() && makes_sense(state, binding.action) {
            entries.push(binding);
        }
    }
    let words = filter.trim().to_owned();
    entries.sort_by_key(|binding| !binding.name.starts_with(&words));
    entries
}

/// Whether a command has something to work on.
fn makes_sense(state: &State, action: Action) -> bool {
    match action {
        Action::Submit => !state.ask.input.is_empty(),
        Action::Remove => state.tab() == Tab::Library,
        Action::Forget => {
            let problems = state.report.as_ref().map_or(0, |r| r.uncovered.len());
            state.tab() == Tab::Library && problems > 0
        }
        Action::Demo => state.demo.is_some(),
        Action::Type => matches!(state.tab(), Tab::Ask | Tab::Search),
        _ => true,
    }
}

fn palette_key(state: &mut State, key: &KeyEvent) -> Vec<Command> {
    let Some(Overlay::Palette(palette)) = &state.overlay else {
        return Vec::new();
    };
    let found = palette_entries(state, &palette.input.text());
    if key.code == KeyCode::Enter {
        let chosen = found.get(palette.picker.selected).map(|entry| entry.action);
        state.overlay = None;
        return chosen.map_or_else(Vec::new, |action| act(state, action));
    }
    let shown = list_rows(&Layout::of(state), true);
    if let Some(Overlay::Palette(palette)) = &mut state.overlay {
        match motion(key, false) {
            Some(motion) => pick(&mut palette.picker, motion, found.len(), shown),
            None => {
                if input::line_key(&mut palette.input, key) {
                    palette.picker = Default::default();
                }
            }
        }
    }
    Vec::new()
}

/// Shows the kept conversations, and asks for them.
pub(super) fn list_conversations(state: &mut State) -> Vec<Command> {
    if state.collection_name().is_none() {
        state.tell("no collection is open");
        return Vec::new();
    }
    let ticket = state.ticket();
    state.overlay = Some(Overlay::Conversations(Conversations {
        ticket,
        ..Conversations::default()
    }));
    vec![Command::ListConversations(ticket)]
}

/// The kept conversations came. A list that nobody waits for is dropped.
pub(super) fn on_conversations(
    state: &mut State,
    ticket: Ticket,
    listed: Result<Vec<ConversationCard>, String>,
) -> Vec<Command> {
    let Some(Overlay::Conversations(list)) = &mut state.overlay else {
        return Vec::new();
    };
    if list.ticket != ticket {
        return Vec::new();
    }
    match listed {
        Ok(cards) => {
            list.picker.selected = list.picker.selected.min(cards.len().saturating_sub(1));
            list.cards = Some(cards);
            list.failure = None;
        }
        Err(reason) => list.failure = Some(reason),
    }
    Vec::new()
}

fn conversations_key(state: &mut State, key: &KeyEvent) -> Vec<Command> {
    let shown = list_rows(&Layout::of(state), false);
    let Some(Overlay::Conversations(list)) = &mut state.overlay else {
        return Vec::new();
    };
    let cards = list.cards.as_deref().unwrap_or_default();
    let chosen = cards.get(list.picker.selected).map(|card| card.id);
    if let Some(motion) = motion(key, true) {
        let entries = cards.len();
        pick(&mut list.picker, motion, entries, shown);
        return Vec::new();
    }
    match (key.code, chosen) {
        (KeyCode::Enter, Some(id)) => {
            state.overlay = None;
            let ticket = state.ticket();
            state.ask.loading = Some(ticket);
            vec![Command::LoadConversation(ticket, id)]
        }
        (KeyCode::Char('n'), _) => {
            state.overlay = None;
            ask::new_conversation(state)
        }
        (KeyCode::Char('d') | KeyCode::Delete, Some(id)) => {
            let question = "Delete this conversation for good?".to_owned();
            let ticket = state.ticket();
            state.overlay = Some(Overlay::Confirm(crate::tui::state::overlay::Confirm {
                question,
                command: Command::DeleteConversation(ticket, id),
            }));
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Does what was confirmed.
fn confirmed(state: &mut State, command: Command) -> Vec<Command> {
    match &command {
        Command::DeleteConversation(ticket, id) => {
            let list = Conversations {
                ticket: *ticket,
                ..Conversations::default()
            };
            state.overlay = Some(Overlay::Conversations(list));
            if state.ask.stored == Some(*id) {
                let mut commands = ask::new_conversation(state);
                commands.push(command);
                return commands;
            }
            vec![command]
        }
        Command::RemoveCollection(name) if state.collection_name() == Some(name) => {
            let mut commands = vec![command];
            commands.extend(library::open(state, None));
            commands
        }
        _ => vec![command],
    }
}

/// Asks for a folder: for the chosen collection, or for a new one.
pub(super) fn ask_for_folder(state: &mut State, to_chosen: bool) {
    let chosen = match state.tab() {
        Tab::Library => state.library.chosen().map(|shelf| shelf.name.clone()),
        _ => state.collection_name().map(str::to_owned),
    };
    let name = chosen.filter(|_| to_chosen);
    state.overlay = Some(Overlay::Prompt(Prompt {
        purpose: Purpose::AddFolder(name),
        input: Input::new(false, "/path/of/a/folder or ~/folder"),
    }));
}

fn entered(state: &mut State, prompt: Prompt) -> Vec<Command> {
    let line = prompt.input.text();
    let line = line.trim();
    if line.is_empty() {
        state.overlay = Some(Overlay::Prompt(prompt));
        return Vec::new();
    }
    let Purpose::AddFolder(collection) = prompt.purpose;
    vec![Command::AddFolder(collection, PathBuf::from(line))]
}
