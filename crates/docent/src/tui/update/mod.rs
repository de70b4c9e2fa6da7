//! What a message changes, and what is to be done elsewhere because of it. Pure: no thread, no
//! file, no clock; and quick, because keys wait for it.

mod ask;
mod input;
mod library;
mod mouse;
mod overlay;
mod search;
mod viewing;

use std::time::Duration;

use crossterm::event::{KeyEvent, KeyEventKind};
use docent_engine::event::{Phase, Progress};

pub(crate) use self::overlay::palette_entries;

use super::keys::{self, Action, Motion};
use super::message::{Command, Message, ModelCard, Slot, StatusReport, Ticket};
use super::state::overlay::Overlay;
use super::state::{Focus, Generator, Opening, Picker, State, Tab};
use super::theme::Theme;
use super::view::layout::Layout;
use super::view::{self, Screen};

/// So many files read lately are kept.
const READ_LENGTH: usize = 50;

/// Takes a message in, gives commands out.
pub(crate) fn update(state: &mut State, message: Message) -> Vec<Command> {
    match message {
        Message::Key(key) => on_key(state, &key),
        Message::Mouse(event) => mouse::on_mouse(state, event),
        Message::Paste(text) => input::on_paste(state, &text),
        Message::Resize(columns, rows) => resize(state, (columns, rows)),
        Message::Tick(now) => tick(state, now),
        Message::Generator(loaded) => on_generator(state, loaded),
        Message::Opened(ticket, opened) => on_opened(state, ticket, opened),
        Message::Library(listed) => library::on_listed(state, listed),
        Message::Progress(ticket, progress) => on_progress(state, ticket, progress),
        Message::Status(ticket, report) => on_status(state, ticket, report),
        Message::Ask(ticket, event) => ask::on_event(state, ticket, event),
        Message::Searched(ticket, found) => search::on_found(state, ticket, found),
        Message::Document(slot, ticket, loaded) => {
            viewing::on_document(state, slot, ticket, loaded)
        }
        Message::Conversations(ticket, listed) => overlay::on_conversations(state, ticket, listed),
        Message::Conversation(ticket, loaded) => ask::on_conversation(state, ticket, loaded),
        Message::Kept(conversation, kept) => ask::on_kept(state, conversation, kept),
        Message::Made(made) => library::on_made(state, made),
        Message::Done(done) => on_done(state, done),
        Message::Terminate => close(state),
        Message::Closed => {
            state.closed = true;
            Vec::new()
        }
    }
}

fn tick(state: &mut State, now: Duration) -> Vec<Command> {
    state.now = now;
    Vec::new()
}

fn on_generator(state: &mut State, loaded: Result<ModelCard, String>) -> Vec<Command> {
    state.generator = match loaded {
        Ok(card) => Generator::Ready(card),
        Err(reason) => {
            state.complain(format!("no model: {reason}"));
            Generator::Failed(reason)
        }
    };
    Vec::new()
}

fn on_done(state: &mut State, done: Result<String, String>) -> Vec<Command> {
    match done {
        Ok(told) => {
            state.tell(told);
            vec![Command::ListLibrary]
        }
        Err(reason) => {
            state.complain(reason);
            Vec::new()
        }
    }
}

fn on_key(state: &mut State, key: &KeyEvent) -> Vec<Command> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    if state.overlay.is_some() {
        return overlay::on_key(state, key);
    }
    let typed = input::focused(state).is_some_and(|input| !input.is_empty());
    let action = keys::find(key, state.focus, typed).map(|binding| binding.action);
    if action != Some(Action::Interrupt) {
        state.quit_armed = false;
    }
    match action {
        // Where one searches already, a slash is a letter.
        Some(Action::Show(Tab::Search)) if state.focus == Focus::Query => input::on_key(state, key),
        Some(action) => act(state, action),
        None => input::on_key(state, key),
    }
}

/// Does what a key or a command of the palette says.
fn act(state: &mut State, action: Action) -> Vec<Command> {
    match action {
        Action::Submit => return ask::submit(state),
        Action::Interrupt => return interrupt(state),
        Action::Quit => return close(state),
        Action::Move(motion) => return move_in(state, state.focus, motion),
        Action::MoveSource(motion) => viewing::move_viewer(state, slot_of(state.tab()), motion),
        Action::Choose => return choose(state),
        Action::NextSource => return step(state, 1),
        Action::PreviousSource => return step(state, -1),
        Action::OpenFile => return viewing::open_file(state),
        Action::Copy => return viewing::copy(state),
        Action::Summarize => return summarize(state),
        Action::Export => return ask::export(state),
        Action::Conversations => return overlay::list_conversations(state),
        Action::NewConversation => return ask::new_conversation(state),
        Action::Pause => return pause(state),
        Action::AddFolder => overlay::ask_for_folder(state, true),
        Action::NewCollection => overlay::ask_for_folder(state, false),
        Action::Demo => return library::demo(state),
        Action::Look => return library::look(state),
        Action::Reread => library::confirm_reread(state),
        Action::Remove => library::confirm_remove(state),
        Action::Forget => library::confirm_forget(state),
        Action::NewLine => state.ask.input.new_line(),
        Action::ClearLine => return input::clear_line(state),
        Action::Back => back(state),
        Action::NextPane => walk(state, 1),
        Action::PreviousPane => walk(state, -1),
        Action::Show(tab) => state.show_tab(tab),
        Action::Help => state.overlay = Some(Overlay::Help(0)),
        Action::Palette => state.overlay = Some(Overlay::Palette(Default::default())),
        Action::Type => state.focus_on(state.tab().panes()[0]),
        Action::Fold => fold(state),
        Action::Mouse => {
            state.mouse = !state.mouse;
            state.tell(if state.mouse {
                "the mouse works here again"
            } else {
                "the mouse selects text in the terminal now"
            });
            return vec![Command::Mouse(state.mouse)];
        }
    }
    Vec::new()
}

/// Asks for a summary of what is shown: the answer is part of the conversation.
fn summarize(state: &mut State) -> Vec<Command> {
    let question = match state.tab() {
        Tab::Library | Tab::Activity => {
            let chosen = state.library.chosen().map(|shelf| shelf.name.as_str());
            if chosen.is_some() && chosen != state.collection_name() {
                state.tell("open this collection first, with enter");
                return Vec::new();
            }
            "Summarise this collection".to_owned()
        }
        Tab::Ask | Tab::Search => match viewing::path(state) {
            Some(path) => format!("Summarise “{path}”"),
            None => {
                state.tell("no file is chosen here");
                return Vec::new();
            }
        },
    };
    state.show_tab(Tab::Ask);
    ask::ask(state, question)
}

/// Rows and columns of a pane within its border; of a folded one, as if it were shown.
fn room(state: &mut State, focus: Focus) -> (usize, usize) {
    let shown = state.side_shown;
    state.side_shown = focus.is_side();
    let room = Layout::of(state).room(focus);
    state.side_shown = shown;
    room
}

fn slot_of(tab: Tab) -> Slot {
    match tab {
        Tab::Search => Slot::Search,
        _ => Slot::Ask,
    }
}

fn interrupt(state: &mut State) -> Vec<Command> {
    let running = state.ask.turns.iter_mut().find(|turn| turn.is_running());
    if let Some(turn) = running.filter(|turn| !turn.stopping) {
        turn.stopping = true;
        let ticket = turn.ticket;
        ask::lay_out_running(state);
        return vec![Command::StopAsking(ticket)];
    }
    if state.quit_armed || state.closing {
        return close(state);
    }
    state.quit_armed = true;
    Vec::new()
}

/// Ends cleanly; asked once more, at once.
fn close(state: &mut State) -> Vec<Command> {
    if state.closing {
        state.closed = true;
        return Vec::new();
    }
    state.closing = true;
    vec![Command::Close]
}

/// One step back: what is told, then the pane, then the tab.
fn back(state: &mut State) {
    if state.notice.take().is_some() {
        return;
    }
    let first = state.tab().panes()[0];
    match state.focus {
        Focus::Question => state.focus_on(Focus::Conversation),
        Focus::Query => state.focus_on(Focus::Results),
        Focus::Conversation => {}
        Focus::Results => state.show_tab(Tab::Ask),
        focus if focus != first => state.focus_on(first),
        _ => state.show_tab(Tab::Ask),
    }
}

fn walk(state: &mut State, by: isize) {
    let panes = state.tab().panes();
    let here = panes.iter().position(|pane| *pane == state.focus);
    let next = here.unwrap_or(0) as isize + by;
    state.focus_on(panes[next.rem_euclid(panes.len() as isize) as usize]);
}

fn fold(state: &mut State) {
    let other = match (state.tab(), state.focus.is_side()) {
        (Tab::Ask, false) => Focus::Source,
        (Tab::Search, false) => Focus::Preview,
        (tab, _) => tab.panes()[0],
    };
    state.focus_on(other);
}

fn move_in(state: &mut State, focus: Focus, motion: Motion) -> Vec<Command> {
    match focus {
        Focus::Question | Focus::Conversation => ask::scroll(state, motion),
        Focus::Source => viewing::move_viewer(state, Slot::Ask, motion),
        Focus::Preview => viewing::move_viewer(state, Slot::Search, motion),
        Focus::Sources => return ask::move_source(state, motion),
        Focus::Query | Focus::Results => return search::move_hit(state, motion),
        Focus::Collections => library::move_shelf(state, motion),
        Focus::Problems => library::move_problem(state, motion),
        Focus::Activity => move_activity(state, motion),
    }
    Vec::new()
}

fn move_activity(state: &mut State, motion: Motion) {
    let (rows, _) = room(state, Focus::Activity);
    let layout = Layout::of(state);
    let screen = Screen {
        state,
        theme: Theme { color: false },
    };
    let entries = (view::activity::height(&screen, &layout) + 1).saturating_sub(rows);
    let mut picker = state.activity;
    pick(&mut picker, motion, entries.max(1), rows);
    state.activity = picker;
}

fn choose(state: &mut State) -> Vec<Command> {
    match state.focus {
        Focus::Query | Focus::Results => {
            if state.search.chosen().is_some() {
                state.focus_on(Focus::Preview);
            }
            search::preview(state)
        }
        Focus::Sources => {
            let commands = ask::show_source(state);
            state.focus_on(Focus::Source);
            commands
        }
        Focus::Collections => library::open_chosen(state),
        Focus::Problems => viewing::open_file(state),
        _ => Vec::new(),
    }
}

/// The next or previous source or hit.
fn step(state: &mut State, by: isize) -> Vec<Command> {
    let motion = if by < 0 { Motion::Up } else { Motion::Down };
    match state.tab() {
        Tab::Ask => ask::move_source(state, motion),
        Tab::Search => search::move_hit(state, motion),
        Tab::Library | Tab::Activity => Vec::new(),
    }
}

fn pause(state: &mut State) -> Vec<Command> {
    match state.progress.phase {
        Phase::Paused => vec![Command::Resume],
        Phase::ReadOnly | Phase::Stopped => {
            state.tell("there is nothing to pause here");
            Vec::new()
        }
        _ => vec![Command::Pause],
    }
}

/// Moves the choice of a list.
fn pick(picker: &mut Picker, motion: Motion, entries: usize, shown: usize) {
    let page = shown.max(2) as isize - 1;
    let all = entries as isize;
    let by = match motion {
        Motion::Up => -1,
        Motion::Down => 1,
        Motion::PageUp => -page,
        Motion::PageDown => page,
        Motion::Start => -all,
        Motion::End => all,
    };
    picker.move_by(by, entries, shown);
}

fn resize(state: &mut State, size: (u16, u16)) -> Vec<Command> {
    state.size = size;
    ask::lay_out_all(state);
    for viewer in [&mut state.ask.viewer, &mut state.search.viewer] {
        viewer.top.row = 0;
    }
    Vec::new()
}

fn on_opened(
    state: &mut State,
    ticket: Ticket,
    opened: Result<Option<String>, String>,
) -> Vec<Command> {
    if ticket != state.opening {
        return Vec::new();
    }
    match opened {
        Ok(Some(name)) => state.collection = Opening::Open(name),
        Ok(None) => state.collection = Opening::Empty,
        Err(reason) => {
            state.complain(reason.clone());
            state.collection = Opening::Failed(reason);
        }
    }
    library::choose_open(state);
    let mut commands = search::again(state);
    commands.push(Command::ListLibrary);
    commands
}

fn on_progress(state: &mut State, ticket: Ticket, progress: Progress) -> Vec<Command> {
    if ticket != state.opening {
        return Vec::new();
    }
    if let Some(current) = &progress.current
        && state.read.front() != Some(current)
    {
        state.read.push_front(current.clone());
        state.read.truncate(READ_LENGTH);
    }
    for warning in &progress.warnings {
        if !state.progress.warnings.contains(warning) {
            state.complain(warning.clone());
        }
    }
    if progress.error.is_some() && state.progress.error != progress.error {
        let reason = progress.error.clone().unwrap_or_default();
        state.complain(format!("indexing stopped: {reason}"));
    }
    state.progress = progress;
    Vec::new()
}

fn on_status(state: &mut State, ticket: Ticket, report: Box<StatusReport>) -> Vec<Command> {
    if ticket != state.opening {
        return Vec::new();
    }
    let before = state.report.as_ref().map(|report| report.status.revision);
    let changed = before.is_some_and(|revision| revision != report.status.revision);
    library::take_status(state, &report.status);
    state.report = Some(report);
    if changed && state.tab() == Tab::Search {
        return search::again(state);
    }
    Vec::new()
}
