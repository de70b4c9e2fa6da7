//! Searching as one types.

use docent_engine::search::{Effort, Hit, SearchResults};

use super::{pick, room, viewing};
use crate::tui::keys::Motion;
use crate::tui::message::{Command, Slot, Ticket};
use crate::tui::state::panes::target_of;
use crate::tui::state::viewer::Viewer;
use crate::tui::state::{Focus, Picker, State};
use crate::tui::view::hit_rows;

/// Searches for what is typed.
pub(super) fn search(state: &mut State) -> Vec<Command> {
    let query = state.search.input.text();
    if query.trim().is_empty() {
        state.search.waiting = None;
        state.search.results = None;
        state.search.failure = None;
        state.search.viewer = Viewer::default();
        return Vec::new();
    }
    if state.collection_name().is_none() {
        state.search.failure = Some("no collection is open: choose one in the library".to_owned());
        return Vec::new();
    }
    let ticket = state.ticket();
    state.search.waiting = Some(ticket);
    state.search.repeated = false;
    vec![Command::Search(ticket, query)]
}

/// Searches again because the index changed.
pub(super) fn again(state: &mut State) -> Vec<Command> {
    if state.search.input.is_empty() || state.search.waiting.is_some() {
        return Vec::new();
    }
    let commands = search(state);
    state.search.repeated = true;
    commands
}

/// What a search found. An older search is dropped.
pub(super) fn on_found(
    state: &mut State,
    ticket: Ticket,
    found: Result<SearchResults, String>,
) -> Vec<Command> {
    if state.search.waiting != Some(ticket) {
        return Vec::new();
    }
    let settles = found
        .as_ref()
        .is_ok_and(|results| results.effort == Effort::Quick);
    if !settles {
        state.search.waiting = None;
    }
    match found {
        Ok(mut results) => {
            results.hits = grouped(results.hits);
            // What a person has chosen among the first hits stays chosen when they settle.
            let before = state.search.results.as_ref().map(|results| results.effort);
            let settled = before == Some(Effort::Quick) && !settles;
            let keep = state.search.repeated || (settled && state.search.picker.selected > 0);
            let before = state.search.chosen().map(|hit| (hit.document, hit.start));
            let known = |hit: &Hit| Some((hit.document, hit.start)) == before;
            let place = results.hits.iter().position(known);
            let place = place.filter(|_| keep);
            state.search.failure = None;
            state.search.results = Some(results);
            state.search.picker = Picker::default();
            let (shown, entries) = (shown(state), state.search.hits().len());
            if let Some(place) = place {
                state.search.picker.select(place, entries, shown);
                return Vec::new();
            }
            preview(state)
        }
        Err(reason) => {
            state.search.results = None;
            state.search.failure = Some(reason);
            Vec::new()
        }
    }
}

/// Hits that say the same, behind the first of them.
fn grouped(hits: Vec<Hit>) -> Vec<Hit> {
    let mut groups: Vec<(usize, Vec<Hit>)> = Vec::new();
    for (at, hit) in hits.into_iter().enumerate() {
        let first = hit.similar_to.unwrap_or(at);
        match groups.iter_mut().find(|(known, _)| *known == first) {
            Some((_, group)) => group.push(hit),
            None => groups.push((first, vec![hit])),
        }
    }
    groups.into_iter().flat_map(|(_, group)| group).collect()
}

/// Chooses another hit and shows it.
pub(super) fn move_hit(state: &mut State, motion: Motion) -> Vec<Command> {
    let shown = shown(state);
    let entries = state.search.hits().len();
    pick(&mut state.search.picker, motion, entries, shown);
    preview(state)
}

/// Shows the chosen hit in its document.
pub(super) fn preview(state: &mut State) -> Vec<Command> {
    match state.search.chosen().map(target_of) {
        Some(target) => viewing::show(state, Slot::Search, target),
        None => Vec::new(),
    }
}

/// Hits that are shown at once.
pub(super) fn shown(state: &mut State) -> usize {
    let (rows, _) = room(state, Focus::Results);
    (rows / hit_rows(rows)).max(1)
}
