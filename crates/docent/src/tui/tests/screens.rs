//! Whole screens, kept as snapshots: at 80×24, which is enough, and at 160×50.

use crossterm::event::KeyCode;
use docent_engine::event::{Phase, Progress};

use super::*;

const SIZES: [(u16, u16); 2] = [(80, 24), (160, 50)];

/// Compares the screen of a state with the kept one, at both sizes.
fn snapshots(name: &str, make: impl Fn((u16, u16)) -> State) {
    for size in SIZES {
        let screen = drawn(&make(size));
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), screen);
    }
}

fn reading(state: &mut State) {
    let progress = Progress {
        phase: Phase::Reading,
        files_seen: 1_217,
        files_done: 312,
        files_total: 1_204,
        phase_seconds: 7.6,
        current: Some("letters/2021-03 Kündigung.md".to_owned()),
        ..Progress::default()
    };
    let opening = state.opening;
    update(state, Message::Progress(opening, progress));
}

fn searching(size: (u16, u16)) -> State {
    let mut state = opened(size);
    alt(&mut state, '2');
    let commands = typed(&mut state, "notice period");
    let ticket = commands.iter().rev().find_map(|command| match command {
        Command::Search(ticket, _) => Some(*ticket),
        _ => None,
    });
    let ticket = ticket.expect("something is searched");
    let commands = update(
        &mut state,
        Message::Searched(ticket, Ok(samples::results())),
    );
    loaded(&mut state, &commands);
    state
}

#[test]
fn before_anything_is_open() {
    snapshots("start", |size| {
        State::start(size, "0.1.0".to_owned(), None, None).0
    });
}

#[test]
fn an_empty_library() {
    snapshots("empty", |size| {
        let demo = Some("assets/demo".into());
        let (mut state, _) = State::start(size, "0.1.0".to_owned(), demo, None);
        let opening = state.opening;
        update(&mut state, Message::Opened(opening, Ok(None)));
        update(&mut state, Message::Library(Ok(Vec::new())));
        state
    });
}

#[test]
fn an_answer_on_its_way() {
    snapshots("ask_streaming", |size| {
        let mut state = opened(size);
        reading(&mut state);
        let ticket = asked(&mut state, "What happens if the tenant leaves early?");
        let commands = half_answered(&mut state, ticket);
        loaded(&mut state, &commands);
        state
    });
}

#[test]
fn an_answer_with_its_sources() {
    snapshots("ask_answered", |size| {
        let mut state = opened(size);
        let ticket = asked(&mut state, "What happens if the tenant leaves early?");
        let commands = half_answered(&mut state, ticket);
        loaded(&mut state, &commands);
        answered(&mut state, ticket);
        typed(&mut state, "And the deposit?");
        state
    });
}

#[test]
fn a_search() {
    snapshots("search", searching);
}

#[test]
fn the_library() {
    snapshots("library", |size| {
        let mut state = opened(size);
        alt(&mut state, '3');
        state
    });
}

#[test]
fn the_activity() {
    snapshots("activity", |size| {
        let mut state = opened(size);
        reading(&mut state);
        let told = "/home/ann/letters was added to Miller v. Acme".to_owned();
        update(&mut state, Message::Done(Ok(told)));
        alt(&mut state, '4');
        state
    });
}

#[test]
fn the_keys() {
    snapshots("keys", |size| {
        let mut state = opened(size);
        key(&mut state, KeyCode::Char('?'));
        state
    });
}

#[test]
fn the_palette() {
    snapshots("palette", |size| {
        let mut state = opened(size);
        let ticket = asked(&mut state, "What happens if the tenant leaves early?");
        let commands = half_answered(&mut state, ticket);
        loaded(&mut state, &commands);
        key(&mut state, KeyCode::Char(':'));
        typed(&mut state, "co");
        state
    });
}

#[test]
fn something_to_confirm() {
    snapshots("confirm", |size| {
        let mut state = opened(size);
        alt(&mut state, '3');
        key(&mut state, KeyCode::Char('d'));
        state
    });
}

#[test]
fn every_row_is_as_wide_as_the_screen() {
    for size in SIZES {
        let screen = drawn(&searching(size));
        for line in screen.lines() {
            assert_eq!(crate::tui::text::width(line), usize::from(size.0), "{line}");
        }
    }
}
