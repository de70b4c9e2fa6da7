//! Asking: questions go out, events come in, sources are walked through.

use docent_engine::event::AskEvent;

use super::{pick, room, viewing};
use crate::tui::keys::Motion;
use crate::tui::message::{Command, Slot, StoredConversation, Ticket};
use crate::tui::state::ask::{Stage, Turn};
use crate::tui::state::{Focus, Opening, Picker, State};

/// Asks what is typed. It stays in the input until it can be asked.
pub(super) fn submit(state: &mut State) -> Vec<Command> {
    let question = state.ask.input.text().trim().to_owned();
    if question.is_empty() {
        return Vec::new();
    }
    let commands = ask(state, question);
    if !commands.is_empty() {
        state.ask.input.submit();
    }
    commands
}

/// Asks a question, if a collection is open. What still runs is stopped; what has come of it
/// stays.
pub(super) fn ask(state: &mut State, question: String) -> Vec<Command> {
    let closed = match &state.collection {
        Opening::Open(_) => None,
        Opening::Waiting => Some("the collection is still being opened: try again in a moment"),
        Opening::Empty => Some("there is nothing to ask about yet: add a folder first"),
        Opening::Failed(_) => Some("no collection is open: choose one in the library"),
    };
    if let Some(reason) = closed {
        state.tell(reason);
        return Vec::new();
    }
    if state.notice.as_ref().is_some_and(|notice| !notice.failure) {
        state.notice = None;
    }
    let mut commands = stop_running(state);
    let ticket = state.ticket();
    let asked = state.ask.asked(question.clone());
    let turn = Turn::new(ticket, question, state.now);
    state.ask.turns.push(turn);
    state.ask.follow_last();
    state.ask.turn = None;
    state.ask.picker = Picker::default();
    state.ask.looked = false;
    lay_out_running(state);
    commands.push(Command::Ask(ticket, Box::new(asked)));
    commands
}

fn stop_running(state: &mut State) -> Vec<Command> {
    let running = state.ask.turns.iter_mut().filter(|turn| turn.is_running());
    running
        .map(|turn| {
            turn.stopping = true;
            Command::StopAsking(turn.ticket)
        })
        .collect()
}

/// Something about an answer. A ticket of a turn that is gone is dropped.
pub(super) fn on_event(state: &mut State, ticket: Ticket, event: AskEvent) -> Vec<Command> {
    let Some((place, turn)) = state.ask.turn_of(ticket) else {
        return Vec::new();
    };
    if !turn.is_running() {
        return Vec::new();
    }
    let mut sources_changed = false;
    match event {
        AskEvent::Looking { done, total } => turn.stage = Stage::Looking { done, total },
        AskEvent::Searched(searched) => turn.searched = Some(searched),
        AskEvent::Evidence(evidence) => {
            sources_changed = !evidence.is_empty();
            turn.evidence = evidence;
        }
        AskEvent::Prompt(budget) => {
            turn.budget = Some(budget);
            turn.stage = Stage::Reading {
                done: 0,
                total: budget.prompt_tokens,
            };
        }
        // It is told again until the end of the writing; the first word says more.
        AskEvent::Reading { .. } if turn.stage == Stage::Writing => {}
        AskEvent::Reading { done, total } => turn.stage = Stage::Reading { done, total },
        AskEvent::Token(token) => {
            turn.stage = Stage::Writing;
            turn.written.push_str(&token);
            turn.tokens += 1;
        }
        AskEvent::Finished(answer, timings) => {
            turn.answer = Some(*answer);
            turn.timings = Some(timings);
            turn.stage = Stage::Done;
            sources_changed = true;
        }
        AskEvent::Failed(reason) => turn.stage = Stage::Failed(reason),
    }
    let done = turn.stage == Stage::Done;
    let speed = turn.speed();
    let exchange = turn.exchange();
    lay_out(state, place);
    let mut commands = Vec::new();
    if sources_changed && state.ask.listed() == Some(place) && !state.ask.looked {
        state.ask.picker = Picker::default();
        commands.extend(show(state));
    }
    if done {
        state.ask.speed = speed.or(state.ask.speed);
        let (conversation, stored) = (state.ask.conversation, state.ask.stored);
        let keep = |exchange| Command::Keep(conversation, stored, Box::new(exchange));
        commands.extend(exchange.map(keep));
    }
    commands
}

/// An exchange was kept, or not.
pub(super) fn on_kept(
    state: &mut State,
    conversation: Ticket,
    kept: Result<i64, String>,
) -> Vec<Command> {
    match kept {
        Ok(id) if conversation == state.ask.conversation => state.ask.stored = Some(id),
        Ok(_) => {}
        Err(reason) => state.complain(format!("the conversation could not be kept: {reason}")),
    }
    Vec::new()
}

/// Writes what was answered so far into a file.
pub(super) fn export(state: &mut State) -> Vec<Command> {
    let exchanges: Vec<_> = state.ask.turns.iter().filter_map(Turn::exchange).collect();
    if exchanges.is_empty() {
        state.tell("there is no answer to export yet");
        return Vec::new();
    }
    vec![Command::Export(exchanges)]
}

/// Begins a new conversation.
pub(super) fn new_conversation(state: &mut State) -> Vec<Command> {
    let commands = stop_running(state);
    let conversation = state.ticket();
    state.ask.clear(conversation);
    state.focus_on(Focus::Question);
    commands
}

/// A kept conversation replaces the one on the screen.
pub(super) fn on_conversation(
    state: &mut State,
    ticket: Ticket,
    loaded: Result<StoredConversation, String>,
) -> Vec<Command> {
    if state.ask.loading != Some(ticket) {
        return Vec::new();
    }
    state.ask.loading = None;
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(reason) => {
            state.complain(reason);
            return Vec::new();
        }
    };
    let mut commands = new_conversation(state);
    state.ask.stored = Some(loaded.id);
    for exchange in loaded.exchanges {
        state.ask.input.remember(&exchange.question);
        let ticket = state.ticket();
        state.ask.turns.push(Turn::stored(ticket, exchange));
    }
    state.ask.follow_last();
    lay_out_all(state);
    commands.extend(show(state));
    commands
}

/// Scrolls the conversation.
pub(super) fn scroll(state: &mut State, motion: Motion) {
    let (rows, _) = room(state, Focus::Conversation);
    let page = rows.max(2) as isize - 1;
    let by = match motion {
        Motion::Up => -1,
        Motion::Down => 1,
        Motion::PageUp => -page,
        Motion::PageDown => page,
        Motion::Start => isize::MIN,
        Motion::End => isize::MAX,
    };
    state.ask.scroll(by, rows);
}

/// Chooses another source and shows it.
pub(super) fn move_source(state: &mut State, motion: Motion) -> Vec<Command> {
    let entries = state.ask.sources().len();
    let (rows, _) = room(state, Focus::Sources);
    pick(&mut state.ask.picker, motion, entries, rows);
    show_source(state)
}

/// Shows the source of a number in a turn's answer.
pub(super) fn show_pin(state: &mut State, place: usize, number: usize) -> Vec<Command> {
    state.ask.turn = Some(place);
    let sources = state.ask.sources();
    let Some(entry) = sources.iter().position(|source| source.number == number) else {
        return Vec::new();
    };
    let (rows, _) = room(state, Focus::Sources);
    state.ask.picker.select(entry, sources.len(), rows);
    show_source(state)
}

/// Shows the chosen source because a person wants it.
pub(super) fn show_source(state: &mut State) -> Vec<Command> {
    state.ask.looked = true;
    show(state)
}

fn show(state: &mut State) -> Vec<Command> {
    let sources = state.ask.sources();
    let chosen = sources.into_iter().nth(state.ask.picker.selected);
    match chosen.and_then(|source| source.target) {
        Some(target) => viewing::show(state, Slot::Ask, target),
        None => Vec::new(),
    }
}

fn lay_out(state: &mut State, place: usize) {
    let (_, columns) = room(state, Focus::Conversation);
    if let Some(turn) = state.ask.turns.get_mut(place) {
        turn.lay_out(columns);
    }
}

/// Makes the rows of what runs again: time went by.
pub(super) fn lay_out_running(state: &mut State) {
    let running = state.ask.turns.iter().enumerate();
    let places: Vec<usize> = running
        .filter(|(_, turn)| turn.is_running())
        .map(|(place, _)| place)
        .collect();
    for place in places {
        lay_out(state, place);
    }
}

/// Makes all rows again for another width; what is being read stays where it is.
pub(super) fn lay_out_all(state: &mut State) {
    let (rows, columns) = room(state, Focus::Conversation);
    let top = state.ask.top_row(rows);
    let read = state.ask.place_of(top);
    for turn in &mut state.ask.turns {
        turn.lay_out(columns);
    }
    if let Some((place, row)) = read {
        let start = state.ask.start_of(place);
        let length = state.ask.turns[place].rows.len();
        state.ask.top = start + row.min(length.saturating_sub(1));
    }
}
