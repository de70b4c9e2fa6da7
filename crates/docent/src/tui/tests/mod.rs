//! Tests of the whole terminal UI: messages in, commands and screens out.

mod asking;
mod behaviour;
mod screens;
mod storm;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use docent_engine::event::AskEvent;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::message::{Command, Message, Ticket};
use super::samples;
use super::state::State;
use super::text::width;
use super::theme::Theme;
use super::update::update;
use super::view::Screen;

/// A screen of a size with the sample collection open and its model loaded.
fn opened(size: (u16, u16)) -> State {
    let (mut state, _) = State::start(size, "0.1.0".to_owned(), None, None);
    let ticket = state.opening;
    let name = "Miller v. Acme".to_owned();
    update(&mut state, Message::Opened(ticket, Ok(Some(name))));
    update(&mut state, Message::Library(Ok(samples::shelves())));
    update(&mut state, Message::Generator(Ok(samples::model())));
    let report = Box::new(samples::report());
    update(&mut state, Message::Status(ticket, report));
    state
}

fn key(state: &mut State, code: KeyCode) -> Vec<Command> {
    modified(state, code, KeyModifiers::NONE)
}

fn ctrl(state: &mut State, letter: char) -> Vec<Command> {
    modified(state, KeyCode::Char(letter), KeyModifiers::CONTROL)
}

fn alt(state: &mut State, letter: char) -> Vec<Command> {
    modified(state, KeyCode::Char(letter), KeyModifiers::ALT)
}

fn modified(state: &mut State, code: KeyCode, modifiers: KeyModifiers) -> Vec<Command> {
    update(state, Message::Key(KeyEvent::new(code, modifiers)))
}

/// Types a text; gives the commands of all keys.
fn typed(state: &mut State, text: &str) -> Vec<Command> {
    let mut commands = Vec::new();
    for letter in text.chars() {
        commands.extend(key(state, KeyCode::Char(letter)));
    }
    commands
}

/// Types a question and asks it.
fn asked(state: &mut State, question: &str) -> Ticket {
    typed(state, question);
    let commands = key(state, KeyCode::Enter);
    let ticket = commands.iter().find_map(|command| match command {
        Command::Ask(ticket, _) => Some(*ticket),
        _ => None,
    });
    ticket.expect("a question was asked")
}

/// All events of the sample answer but the last.
fn half_answered(state: &mut State, ticket: Ticket) -> Vec<Command> {
    let events = [
        AskEvent::Searched(samples::searched()),
        AskEvent::Evidence(samples::evidence()[..1].to_vec()),
        AskEvent::Prompt(samples::budget()),
        AskEvent::Reading {
            done: 512,
            total: 1_830,
        },
        AskEvent::Token("The tenant pays".to_owned()),
        AskEvent::Token(" two months' rent".to_owned()),
    ];
    let mut commands = Vec::new();
    for event in events {
        commands.extend(update(state, Message::Ask(ticket, event)));
    }
    commands
}

/// The last event of the sample answer.
fn answered(state: &mut State, ticket: Ticket) -> Vec<Command> {
    let finished = AskEvent::Finished(Box::new(samples::answer()), samples::timings());
    update(state, Message::Ask(ticket, finished))
}

/// Gives every viewer the document that it waits for.
fn loaded(state: &mut State, commands: &[Command]) {
    for command in commands {
        if let Command::Load(slot, ticket, target) = command {
            let loaded = Ok((samples::shared_lease(), target.clone()));
            update(state, Message::Document(*slot, *ticket, loaded));
        }
    }
}

/// The screen as text, a line to a row.
fn drawn(state: &State) -> String {
    let (columns, rows) = state.size;
    let mut terminal =
        Terminal::new(TestBackend::new(columns, rows)).expect("a test terminal has no errors");
    let screen = Screen {
        state,
        theme: Theme { color: true },
    };
    terminal
        .draw(|frame| {
            frame.render_widget(&screen, frame.area());
            if let Some(place) = screen.cursor() {
                frame.set_cursor_position(place);
            }
        })
        .expect("a test terminal has no errors");
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in 0..rows {
        let mut x = 0;
        while x < columns {
            let symbol = buffer[(x, y)].symbol();
            text.push_str(symbol);
            // The cells behind a wide character are not drawn.
            x += (width(symbol) as u16).max(1);
        }
        text.push('\n');
    }
    text
}
