//! The viewers: documents are loaded, shown at a place, scrolled, copied from, opened.

use std::path::PathBuf;
use std::sync::Arc;

use docent_core::answer::one_line;

use super::{room, slot_of};
use crate::tui::keys::Motion;
use crate::tui::message::{Command, Slot, Target, Ticket};
use crate::tui::state::viewer::{Source, Viewer};
use crate::tui::state::{Focus, State, Tab};
use crate::tui::view::source::text_columns;

/// No more than so many bytes are copied: terminals drop longer ones.
const COPY_BYTES: usize = 70_000;

fn viewer(state: &mut State, slot: Slot) -> &mut Viewer {
    match slot {
        Slot::Ask => &mut state.ask.viewer,
        Slot::Search => &mut state.search.viewer,
    }
}

/// Rows of a viewer, and columns of its text.
fn text_room(state: &mut State, slot: Slot) -> (usize, usize) {
    let focus = match slot {
        Slot::Ask => Focus::Source,
        Slot::Search => Focus::Preview,
    };
    let (rows, columns) = room(state, focus);
    let source = viewer(state, slot).source.as_ref();
    let columns = source.map_or(columns, |source| text_columns(source, columns));
    (rows, columns)
}

/// Shows a place of a document, which is loaded first if it is not on the screen.
pub(super) fn show(state: &mut State, slot: Slot, target: Target) -> Vec<Command> {
    let shown = viewer(state, slot).source.as_ref();
    if shown.is_some_and(|source| source.id == target.document) {
        let (rows, columns) = text_room(state, slot);
        let viewer = viewer(state, slot);
        viewer.waiting = None;
        viewer.go_to(target, rows, columns);
        return Vec::new();
    }
    let ticket = state.ticket();
    viewer(state, slot).waiting = Some((ticket, target.clone()));
    vec![Command::Load(slot, ticket, target)]
}

/// A document came for a viewer. One that nobody waits for any more is dropped.
pub(super) fn on_document(
    state: &mut State,
    slot: Slot,
    ticket: Ticket,
    loaded: Result<(Arc<Source>, Target), String>,
) -> Vec<Command> {
    let viewer_here = viewer(state, slot);
    let waiting = viewer_here.waiting.as_ref();
    if !waiting.is_some_and(|(awaited, _)| *awaited == ticket) {
        return Vec::new();
    }
    viewer_here.waiting = None;
    match loaded {
        Ok((source, target)) => {
            viewer_here.source = Some(source);
            let (rows, columns) = text_room(state, slot);
            viewer(state, slot).go_to(target, rows, columns);
        }
        Err(reason) => {
            viewer_here.failure = Some(reason);
            viewer_here.source = None;
            viewer_here.target = None;
        }
    }
    Vec::new()
}

/// Scrolls a viewer.
pub(super) fn move_viewer(state: &mut State, slot: Slot, motion: Motion) {
    let (rows, columns) = text_room(state, slot);
    let page = rows.max(2) as isize - 1;
    let viewer = viewer(state, slot);
    match motion {
        Motion::Up => viewer.scroll(-1, rows, columns),
        Motion::Down => viewer.scroll(1, rows, columns),
        Motion::PageUp => viewer.scroll(-page, rows, columns),
        Motion::PageDown => viewer.scroll(page, rows, columns),
        Motion::Start => viewer.go_to_start(),
        Motion::End => viewer.go_to_end(rows, columns),
    }
}

/// Opens the file that is shown or chosen in the system's viewer.
pub(super) fn open_file(state: &mut State) -> Vec<Command> {
    match file(state) {
        Some(path) => vec![Command::OpenFile(path)],
        None => {
            state.tell("no file is chosen here");
            Vec::new()
        }
    }
}

fn file(state: &State) -> Option<PathBuf> {
    match state.tab() {
        Tab::Ask => {
            let source = state.ask.viewer.source.as_ref()?;
            Some(source.root.join(&source.path))
        }
        Tab::Search => {
            let hit = state.search.chosen()?;
            Some(hit.root.join(&hit.path))
        }
        Tab::Library | Tab::Activity => {
            let problems = &state.report.as_ref()?.uncovered;
            let problem = problems.get(state.library.problem.selected)?;
            Some(problem.root.join(&problem.path))
        }
    }
}

/// The path, below its root, of the file that is shown or chosen beside a conversation or hits.
pub(super) fn path(state: &State) -> Option<String> {
    match slot_of(state.tab()) {
        Slot::Ask => Some(state.ask.viewer.source.as_ref()?.path.clone()),
        Slot::Search => Some(state.search.chosen()?.path.clone()),
    }
}

/// Copies the chosen quote with its citation, or the path of the chosen file.
pub(super) fn copy(state: &mut State) -> Vec<Command> {
    let Some(text) = quotation(state) else {
        state.tell("there is nothing to copy here");
        return Vec::new();
    };
    let text = text[..text.floor_char_boundary(COPY_BYTES)].to_owned();
    state.tell("copied, if the terminal takes it (OSC 52)");
    vec![Command::Copy(text)]
}

fn quotation(state: &State) -> Option<String> {
    let (quote, path, place) = match slot_of(state.tab()) {
        Slot::Search => {
            let hit = state.search.chosen()?;
            (one_line(&hit.text), &hit.path, hit.locator.clone())
        }
        Slot::Ask if state.tab() == Tab::Ask => {
            let sources = state.ask.sources();
            let source = sources.get(state.ask.picker.selected)?;
            return Some(cited(
                &one_line(&source.quote),
                &source.path,
                source.locator.clone(),
            ));
        }
        Slot::Ask => return file(state).map(|path| path.to_string_lossy().into_owned()),
    };
    Some(cited(&quote, path, place))
}

fn cited(quote: &str, path: &str, place: docent_core::document::Locator) -> String {
    format!("“{quote}” ({path}, {place})")
}
