//! What keys, results and the mouse do.

use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use docent_engine::embedding::SecondIndex;
use docent_engine::event::{Phase, Progress};
use docent_engine::search::Effort;

use super::*;
use crate::tui::message::{Shelf, Slot};
use crate::tui::state::overlay::Overlay;
use crate::tui::state::{Focus, Opening, Tab};

const SIZE: (u16, u16) = (100, 30);

fn click(state: &mut State, column: u16, row: u16) -> Vec<Command> {
    mouse(state, MouseEventKind::Down(MouseButton::Left), column, row)
}

fn mouse(state: &mut State, kind: MouseEventKind, column: u16, row: u16) -> Vec<Command> {
    let event = MouseEvent {
        kind,
        column,
        row,
        modifiers: KeyModifiers::NONE,
    };
    update(state, Message::Mouse(event))
}

/// Where a text stands on the screen.
fn place_of(state: &State, text: &str) -> (u16, u16) {
    let screen = drawn(state);
    let found = screen.lines().enumerate().find_map(|(row, line)| {
        let at = line.find(text)?;
        Some((width(&line[..at]) as u16, row as u16))
    });
    found.unwrap_or_else(|| panic!("{text:?} is not on the screen:\n{screen}"))
}

#[test]
fn ctrl_c_stops_first_and_quits_only_when_pressed_twice() {
    let mut state = opened(SIZE);
    let ticket = asked(&mut state, "first?");
    assert_eq!(ctrl(&mut state, 'c'), [Command::StopAsking(ticket)]);
    answered(&mut state, ticket);
    assert!(ctrl(&mut state, 'c').is_empty());
    assert!(drawn(&state).contains("again to quit"));
    key(&mut state, KeyCode::Char('x'));
    assert!(ctrl(&mut state, 'c').is_empty(), "another key disarms it");
    assert_eq!(ctrl(&mut state, 'c'), [Command::Close]);
    assert!(!state.closed, "the batch in hand is finished first");
    update(&mut state, Message::Closed);
    assert!(state.closed);
}

#[test]
fn quitting_twice_does_not_wait() {
    let mut state = opened(SIZE);
    assert_eq!(ctrl(&mut state, 'q'), [Command::Close]);
    ctrl(&mut state, 'q');
    assert!(state.closed);
}

#[test]
fn the_last_request_to_open_wins() {
    let (mut state, _) = State::start(SIZE, String::new(), None, None);
    let late = Message::Opened(Ticket(99), Ok(Some("other".to_owned())));
    update(&mut state, late);
    assert_eq!(state.collection, Opening::Waiting);
    let reading = Progress {
        phase: Phase::Reading,
        ..Progress::default()
    };
    update(&mut state, Message::Progress(Ticket(99), reading));
    assert_eq!(state.progress.phase, Phase::Idle);
}

#[test]
fn a_second_index_is_told_with_what_searches_use_meanwhile() {
    let mut state = opened((160, 50));
    let second = SecondIndex {
        embedder: "bge-small 77aa".to_owned(),
        chunks_embedded: 12_345,
        pending: 87_655,
    };
    let mut report = samples::report();
    report.status.second_index = Some(second.clone());
    let progress = Progress {
        phase: Phase::Embedding,
        second_index: Some(second),
        ..Progress::default()
    };
    let opening = state.opening;
    update(&mut state, Message::Status(opening, Box::new(report)));
    update(&mut state, Message::Progress(opening, progress));
    let status_line = "second index 12,345/100,000 chunks; searches use the first";
    assert!(drawn(&state).contains(status_line));
    alt(&mut state, '4');
    let told = "a second index for bge-small 77aa: 12,345 of 100,000 chunks; searches use the";
    assert!(drawn(&state).contains(told), "{}", drawn(&state));
}

#[test]
fn enter_with_alt_breaks_the_line_and_pasted_lines_stay_lines() {
    let mut state = opened(SIZE);
    typed(&mut state, "one");
    modified(&mut state, KeyCode::Enter, KeyModifiers::ALT);
    update(&mut state, Message::Paste("two\r\nthree\u{1b}".to_owned()));
    assert_eq!(state.ask.input.text(), "one\ntwo\nthree");
    alt(&mut state, '2');
    update(&mut state, Message::Paste("a\nb".to_owned()));
    assert_eq!(state.search.input.text(), "a b");
}

#[test]
fn only_the_latest_search_is_shown() {
    let mut state = opened(SIZE);
    key(&mut state, KeyCode::Char('/'));
    assert_eq!(state.focus, Focus::Query);
    let commands = typed(&mut state, "no");
    let [Command::Search(first, _), Command::Search(second, query)] = &commands[..] else {
        panic!("{commands:?}");
    };
    assert_eq!(query, "no");
    let none = update(
        &mut state,
        Message::Searched(*first, Ok(samples::results())),
    );
    assert!(none.is_empty() && state.search.results.is_none());
    let shown = update(
        &mut state,
        Message::Searched(*second, Ok(samples::results())),
    );
    assert!(matches!(shown[..], [Command::Load(Slot::Search, _, _)]));
    assert_eq!(state.search.hits().len(), 3);
    let next = key(&mut state, KeyCode::Down);
    assert!(matches!(&next[..], [Command::Load(_, _, target)] if target.document == 8));
}

#[test]
fn quick_hits_settle_and_keep_what_was_chosen() {
    let mut state = opened(SIZE);
    alt(&mut state, '2');
    let commands = typed(&mut state, "n");
    let [Command::Search(ticket, _)] = commands[..] else {
        panic!("{commands:?}");
    };
    let mut quick = samples::results();
    quick.effort = Effort::Quick;
    update(&mut state, Message::Searched(ticket, Ok(quick)));
    assert!(state.search.waiting.is_some() && state.search.hits().len() == 3);
    key(&mut state, KeyCode::Down);
    let chosen = state.search.chosen().map(|hit| hit.document);
    let mut settled = samples::results();
    settled.hits.swap(0, 2);
    update(&mut state, Message::Searched(ticket, Ok(settled)));
    assert!(state.search.waiting.is_none());
    assert_eq!(state.search.chosen().map(|hit| hit.document), chosen);
}

#[test]
fn hits_that_say_the_same_stand_together() {
    let mut state = opened(SIZE);
    alt(&mut state, '2');
    let commands = typed(&mut state, "n");
    let [Command::Search(ticket, _)] = commands[..] else {
        panic!("{commands:?}");
    };
    let mut results = samples::results();
    let documents: Vec<i64> = results.hits.iter().map(|hit| hit.document).collect();
    results.hits[2].similar_to = Some(0);
    update(&mut state, Message::Searched(ticket, Ok(results)));
    let shown: Vec<i64> = state.search.hits().iter().map(|hit| hit.document).collect();
    assert_eq!(shown, [documents[0], documents[2], documents[1]]);
}

#[test]
fn an_emptied_search_forgets_its_results() {
    let mut state = opened(SIZE);
    alt(&mut state, '2');
    let commands = typed(&mut state, "n");
    let [Command::Search(ticket, _)] = commands[..] else {
        panic!("{commands:?}");
    };
    assert!(key(&mut state, KeyCode::Backspace).is_empty());
    update(
        &mut state,
        Message::Searched(ticket, Ok(samples::results())),
    );
    assert!(state.search.results.is_none());
}

#[test]
fn a_changed_index_searches_again_and_keeps_the_place() {
    let mut state = opened(SIZE);
    alt(&mut state, '2');
    let commands = typed(&mut state, "n");
    let [Command::Search(ticket, _)] = commands[..] else {
        panic!("{commands:?}");
    };
    update(
        &mut state,
        Message::Searched(ticket, Ok(samples::results())),
    );
    key(&mut state, KeyCode::Down);
    let mut report = samples::report();
    report.status.revision += 1;
    let opening = state.opening;
    let again = update(&mut state, Message::Status(opening, Box::new(report)));
    let [Command::Search(ticket, _)] = again[..] else {
        panic!("{again:?}");
    };
    let mut fewer = samples::results();
    fewer.hits.remove(0);
    update(&mut state, Message::Searched(ticket, Ok(fewer)));
    assert_eq!(state.search.chosen().map(|hit| hit.document), Some(8));
}

#[test]
fn esc_goes_back_one_step_and_never_out() {
    let mut state = opened(SIZE);
    key(&mut state, KeyCode::Char('?'));
    assert!(matches!(state.overlay, Some(Overlay::Help(_))));
    key(&mut state, KeyCode::Esc);
    assert!(state.overlay.is_none());
    alt(&mut state, '3');
    key(&mut state, KeyCode::Tab);
    assert_eq!(state.focus, Focus::Problems);
    for expected in [
        Focus::Collections,
        Focus::Question,
        Focus::Conversation,
        Focus::Conversation,
    ] {
        assert!(key(&mut state, KeyCode::Esc).is_empty());
        assert_eq!(state.focus, expected);
    }
    assert!(!state.closing);
    key(&mut state, KeyCode::Char('i'));
    assert_eq!(state.focus, Focus::Question);
}

#[test]
fn a_notice_stays_until_it_is_dismissed() {
    let mut state = opened(SIZE);
    let failed = Message::Done(Err("the folder is gone: plug the disk in".to_owned()));
    update(&mut state, failed);
    typed(&mut state, "abc");
    assert!(drawn(&state).contains("✗ the folder is gone"));
    key(&mut state, KeyCode::Esc);
    assert!(!drawn(&state).contains("the folder is gone"));
    assert_eq!(state.focus, Focus::Question, "dismissing was the step back");
    alt(&mut state, '4');
    assert!(
        drawn(&state).contains("the folder is gone"),
        "the log has it"
    );
}

#[test]
fn the_palette_finds_commands_by_their_words() {
    let mut state = opened(SIZE);
    key(&mut state, KeyCode::Char(':'));
    typed(&mut state, "paus");
    assert_eq!(key(&mut state, KeyCode::Enter), [Command::Pause]);
    assert!(state.overlay.is_none());
}

#[test]
fn removing_a_collection_asks_first() {
    let mut state = opened(SIZE);
    alt(&mut state, '3');
    key(&mut state, KeyCode::Down);
    key(&mut state, KeyCode::Char('d'));
    assert!(drawn(&state).contains("Its files stay as they are"));
    assert!(key(&mut state, KeyCode::Char('n')).is_empty());
    key(&mut state, KeyCode::Char('d'));
    let commands = key(&mut state, KeyCode::Char('y'));
    assert_eq!(commands, [Command::RemoveCollection("notes".to_owned())]);
    key(&mut state, KeyCode::Up);
    key(&mut state, KeyCode::Char('d'));
    let commands = key(&mut state, KeyCode::Char('y'));
    let [Command::RemoveCollection(name), Command::Open(ticket, None)] = &commands[..] else {
        panic!("{commands:?}");
    };
    assert_eq!((name.as_str(), *ticket), ("Miller v. Acme", state.opening));
}

#[test]
fn another_collection_takes_nothing_over() {
    let mut state = opened(SIZE);
    let ticket = asked(&mut state, "secret?");
    let commands = half_answered(&mut state, ticket);
    loaded(&mut state, &commands);
    alt(&mut state, '3');
    key(&mut state, KeyCode::Down);
    let commands = key(&mut state, KeyCode::Enter);
    assert_eq!(commands[0], Command::StopAsking(ticket));
    assert!(matches!(&commands[1], Command::Open(_, Some(name)) if name == "notes"));
    assert!(state.ask.turns.is_empty() && state.ask.viewer.source.is_none());
    let screen = drawn(&state);
    assert!(!screen.contains("secret") && !screen.contains("Lease-2019"));
}

#[test]
fn a_folder_is_added_by_typing_its_path() {
    let mut state = opened(SIZE);
    alt(&mut state, '3');
    key(&mut state, KeyCode::Char('a'));
    typed(&mut state, "~/letters q");
    let commands = key(&mut state, KeyCode::Enter);
    let name = Some("Miller v. Acme".to_owned());
    assert_eq!(commands, [Command::AddFolder(name, "~/letters q".into())]);
    let (state, _) = &mut State::start(SIZE, String::new(), None, None);
    let opening = state.opening;
    update(state, Message::Opened(opening, Ok(None)));
    alt(state, '3');
    key(state, KeyCode::Char('c'));
    typed(state, "/x");
    assert_eq!(
        key(state, KeyCode::Enter),
        [Command::AddFolder(None, "/x".into())]
    );
    let made = update(state, Message::Made(Ok("x".to_owned())));
    assert!(matches!(&made[..], [Command::Open(_, Some(name))] if name == "x"));
    let opening = state.opening;
    update(state, Message::Opened(opening, Ok(Some("x".to_owned()))));
    let shelf = |name: &str| Shelf {
        name: name.to_owned(),
        status: Ok(samples::status(name)),
    };
    let shelves = vec![shelf("other"), shelf("x")];
    update(state, Message::Library(Ok(shelves)));
    let chosen = state.library.chosen().map(|shelf| shelf.name.as_str());
    assert_eq!(chosen, Some("x"), "what was made is chosen");
}

#[test]
fn a_file_is_forgotten_by_its_path_on_disk() {
    let mut state = opened(SIZE);
    alt(&mut state, '3');
    key(&mut state, KeyCode::Tab);
    key(&mut state, KeyCode::Down);
    key(&mut state, KeyCode::Char('f'));
    let commands = key(&mut state, KeyCode::Char('y'));
    let path = "/home/ann/matters/miller/mail/broken.html".into();
    assert_eq!(commands, [Command::Forget(path)]);
}

#[test]
fn pausing_is_one_key_and_going_on_the_same() {
    let mut state = opened(SIZE);
    alt(&mut state, '4');
    assert_eq!(key(&mut state, KeyCode::Char('p')), [Command::Pause]);
    let paused = Progress {
        phase: Phase::Paused,
        files_done: 3,
        files_total: 9,
        ..Progress::default()
    };
    let opening = state.opening;
    update(&mut state, Message::Progress(opening, paused));
    assert!(drawn(&state).contains("paused at 3/9 files"));
    assert_eq!(key(&mut state, KeyCode::Char('p')), [Command::Resume]);
}

#[test]
fn clicks_choose_tabs_panes_and_pins() {
    let mut state = opened(SIZE);
    let ticket = asked(&mut state, "first?");
    half_answered(&mut state, ticket);
    answered(&mut state, ticket);
    let (column, row) = place_of(&state, "3 Library");
    click(&mut state, column, row);
    assert_eq!(state.tab(), Tab::Library);
    let (column, row) = place_of(&state, "1 Ask");
    click(&mut state, column, row);
    assert_eq!(state.focus, Focus::Question);
    let (column, row) = place_of(&state, "[2].");
    let commands = click(&mut state, column + 1, row);
    assert_eq!(state.focus, Focus::Conversation);
    assert!(matches!(&commands[..], [Command::Load(_, _, target)] if target.document == 8));
    let (column, row) = place_of(&state, "[1] contracts");
    let commands = click(&mut state, column, row);
    assert_eq!(state.focus, Focus::Sources);
    assert!(matches!(&commands[..], [Command::Load(_, _, target)] if target.document == 7));
}

#[test]
fn the_wheel_scrolls_what_is_under_it() {
    let mut state = opened((80, 16));
    for _ in 0..4 {
        let ticket = asked(&mut state, "again?");
        answered(&mut state, ticket);
    }
    assert!(state.ask.follows);
    mouse(&mut state, MouseEventKind::ScrollUp, 3, 5);
    assert!(!state.ask.follows);
    assert_eq!(state.focus, Focus::Question, "scrolling takes no focus");
}

#[test]
fn a_narrow_screen_folds_the_side_under_a_key() {
    let mut state = opened((50, 20));
    let ticket = asked(&mut state, "first?");
    let commands = half_answered(&mut state, ticket);
    loaded(&mut state, &commands);
    assert!(!drawn(&state).contains("page 2 of 3"));
    key(&mut state, KeyCode::F(6));
    let screen = drawn(&state);
    assert!(screen.contains("page 2 of 3") && screen.contains("▐"));
    key(&mut state, KeyCode::F(6));
    assert_eq!(state.focus, Focus::Question);
}

#[test]
fn a_summary_is_asked_for_by_a_key() {
    let asks = |commands: &[Command]| match commands {
        [Command::Ask(_, question)] => question.text.clone(),
        other => panic!("{other:?}"),
    };
    let mut state = opened(SIZE);
    alt(&mut state, '3');
    let commands = key(&mut state, KeyCode::Char('S'));
    assert_eq!(asks(&commands), "Summarise this collection");
    assert_eq!(state.tab(), Tab::Ask);
    let ticket = state.ask.turns[0].ticket;
    answered(&mut state, ticket);
    alt(&mut state, '2');
    let commands = typed(&mut state, "n");
    let [Command::Search(ticket, _)] = commands[..] else {
        panic!("{commands:?}");
    };
    update(
        &mut state,
        Message::Searched(ticket, Ok(samples::results())),
    );
    key(&mut state, KeyCode::Tab);
    let path = state.search.chosen().unwrap().path.clone();
    let commands = key(&mut state, KeyCode::Char('S'));
    assert_eq!(asks(&commands), format!("Summarise “{path}”"));
}
