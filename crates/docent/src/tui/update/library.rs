//! The library: collections are listed, opened, made and removed; troubles are walked through.

use docent_engine::collection::CollectionStatus;

use super::{pick, room};
use crate::tui::keys::Motion;
use crate::tui::message::{Command, Shelf};
use crate::tui::state::overlay::{Confirm, Overlay};
use crate::tui::state::panes::SearchPane;
use crate::tui::state::viewer::Viewer;
use crate::tui::state::{Focus, Opening, State, Tab};
use crate::tui::view::library::{problem_rows, shelf_rows};

/// The collections came.
pub(super) fn on_listed(state: &mut State, listed: Result<Vec<Shelf>, String>) -> Vec<Command> {
    match listed {
        Ok(shelves) => {
            let open = state.collection_name().map(str::to_owned);
            let known = state.library.shelves.iter().flatten();
            let new = !known
                .map(|shelf| &shelf.name)
                .any(|name| Some(name) == open.as_ref());
            let chosen = state.library.chosen().map(|shelf| shelf.name.clone());
            state.library.failure = None;
            state.library.shelves = Some(shelves);
            // A collection that was just made is what a person is about.
            match chosen.filter(|_| !new) {
                Some(name) => choose_name(state, &name),
                None => choose_open(state),
            }
        }
        Err(reason) => state.library.failure = Some(reason),
    }
    Vec::new()
}

/// A collection was made of a folder, or not: it is opened.
pub(super) fn on_made(state: &mut State, made: Result<String, String>) -> Vec<Command> {
    match made {
        Ok(name) => open(state, Some(name)),
        Err(reason) => {
            state.complain(reason);
            Vec::new()
        }
    }
}

/// Chooses the open collection in the list.
pub(super) fn choose_open(state: &mut State) {
    if let Some(name) = state.collection_name().map(str::to_owned) {
        choose_name(state, &name);
    }
}

fn choose_name(state: &mut State, name: &str) {
    let shelves = state.library.shelves.as_deref().unwrap_or_default();
    let entries = shelves.len();
    let place = shelves.iter().position(|shelf| shelf.name == name);
    let shown = shown_shelves(state);
    let place = place.unwrap_or(state.library.picker.selected);
    state.library.picker.select(place, entries, shown);
}

/// Newer counts of the open collection.
pub(super) fn take_status(state: &mut State, status: &CollectionStatus) {
    let shelves = state.library.shelves.iter_mut().flatten();
    for shelf in shelves.filter(|shelf| shelf.name == status.name) {
        shelf.status = Ok(status.clone());
    }
}

/// Opens a collection: everything on the screen was about another one, and goes.
pub(super) fn open(state: &mut State, name: Option<String>) -> Vec<Command> {
    let mut commands = super::ask::new_conversation(state);
    state.ask.viewer = Viewer::default();
    state.search = SearchPane::default();
    state.report = None;
    state.progress = Default::default();
    state.read.clear();
    state.library.problem = Default::default();
    state.collection = Opening::Waiting;
    state.opening = state.ticket();
    state.last_focus[Tab::Ask.index()] = Focus::Question;
    commands.push(Command::Open(state.opening, name));
    commands
}

/// Opens the chosen collection and goes to ask it.
pub(super) fn open_chosen(state: &mut State) -> Vec<Command> {
    let Some(name) = state.library.chosen().map(|shelf| shelf.name.clone()) else {
        return Vec::new();
    };
    if state.collection_name() == Some(&name) {
        state.show_tab(Tab::Ask);
        return Vec::new();
    }
    open(state, Some(name))
}

/// Makes a collection of the demo documents.
pub(super) fn demo(state: &mut State) -> Vec<Command> {
    match state.demo.clone() {
        Some(folder) => vec![Command::AddFolder(None, folder)],
        None => Vec::new(),
    }
}

/// Compares all files with the index again.
pub(super) fn look(state: &mut State) -> Vec<Command> {
    match state.collection_name() {
        Some(_) => vec![Command::Look],
        None => Vec::new(),
    }
}

/// Asks whether all files are to be read again.
pub(super) fn confirm_reread(state: &mut State) {
    let Some(name) = state.collection_name() else {
        return;
    };
    let question = format!(
        "Read all files of {name} again? The index stays usable meanwhile; forgotten files come back."
    );
    state.overlay = Some(Overlay::Confirm(Confirm {
        question,
        command: Command::Reread(state.opening),
    }));
}

/// Asks whether the chosen collection is to be removed.
pub(super) fn confirm_remove(state: &mut State) {
    let Some(shelf) = state.library.chosen() else {
        return;
    };
    let question = format!(
        "Remove {} from the index, with its conversations? Its files stay as they are.",
        shelf.name
    );
    let name = shelf.name.clone();
    state.overlay = Some(Overlay::Confirm(Confirm {
        question,
        command: Command::RemoveCollection(name),
    }));
}

/// Asks whether the chosen file is to be forgotten.
pub(super) fn confirm_forget(state: &mut State) {
    let problems = state.report.as_ref().map(|report| &report.uncovered);
    let chosen = problems.and_then(|list| list.get(state.library.problem.selected));
    let Some(problem) = chosen else {
        return;
    };
    let path = problem.root.join(&problem.path);
    let question = format!(
        "Drop {} from the index and never read it again? The file stays as it is.",
        problem.path
    );
    state.overlay = Some(Overlay::Confirm(Confirm {
        question,
        command: Command::Forget(path),
    }));
}

/// Chooses another collection.
pub(super) fn move_shelf(state: &mut State, motion: Motion) {
    let shown = shown_shelves(state);
    let entries = state.library.shelves.as_ref().map_or(0, Vec::len);
    pick(&mut state.library.picker, motion, entries, shown);
}

/// Chooses another file that needs a look.
pub(super) fn move_problem(state: &mut State, motion: Motion) {
    let shown = shown_problems(state);
    let entries = state.report.as_ref().map_or(0, |r| r.uncovered.len());
    pick(&mut state.library.problem, motion, entries, shown);
}

/// Collections that are shown at once.
pub(super) fn shown_shelves(state: &mut State) -> usize {
    let (rows, _) = room(state, Focus::Collections);
    shelf_rows(state.library.shelves.as_ref().map_or(0, Vec::len), rows)
}

/// Files that are shown at once.
pub(super) fn shown_problems(state: &mut State) -> usize {
    let (rows, _) = room(state, Focus::Problems);
    problem_rows(rows)
}
