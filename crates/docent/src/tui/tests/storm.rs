//! A storm of messages in any order on screens of any size: nothing panics, and what is drawn
//! is always whole.

use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use docent_core::answer::Answer;
use docent_engine::event::{AskEvent, Phase, Progress};

use super::*;
use crate::tui::message::{ConversationCard, Slot, StoredConversation};

/// Numbers that are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len() as u64) as usize].clone()
    }
}

const TEXTS: [&str; 6] = [
    "",
    "plain words",
    "\u{1b}[2J\u{7}\u{9b}",
    "漢字👩‍⚖️ عربى e\u{301}\u{301}\u{301}",
    "a\n\nb\r\n\tc",
    "\u{202e}\u{feff}\u{200d}\u{fe0f}",
];

fn a_key(dice: &mut Dice) -> Message {
    let codes = [
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::F(1),
        KeyCode::F(2),
        KeyCode::F(3),
        KeyCode::F(6),
    ];
    let letters: Vec<char> = "abcdfghijklnNopqrRsyY1234:/?G漢é👩 \u{301}"
        .chars()
        .collect();
    let code = match dice.roll(2) {
        0 => dice.pick(&codes),
        _ => KeyCode::Char(dice.pick(&letters)),
    };
    let modifiers = match dice.roll(8) {
        // Not ctrl with c or q: the storm is to go on.
        0 if !matches!(code, KeyCode::Char('c' | 'q')) => KeyModifiers::CONTROL,
        1 => KeyModifiers::ALT,
        2 => KeyModifiers::SHIFT,
        _ => KeyModifiers::NONE,
    };
    Message::Key(KeyEvent::new(code, modifiers))
}

fn a_click(dice: &mut Dice) -> Message {
    let kinds = [
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::ScrollDown,
        MouseEventKind::ScrollUp,
        MouseEventKind::Drag(MouseButton::Left),
    ];
    Message::Mouse(MouseEvent {
        kind: dice.pick(&kinds),
        column: dice.roll(200) as u16,
        row: dice.roll(60) as u16,
        modifiers: KeyModifiers::NONE,
    })
}

fn an_event(dice: &mut Dice) -> AskEvent {
    let mut evidence = samples::evidence();
    evidence[0].quote = dice.pick(&TEXTS).to_owned();
    evidence[1].start = dice.roll(10_000) as usize;
    match dice.roll(8) {
        0 => AskEvent::Searched(samples::searched()),
        1 => AskEvent::Evidence(evidence),
        2 => AskEvent::Prompt(samples::budget()),
        3 => AskEvent::Reading { done: 1, total: 0 },
        4 | 5 => AskEvent::Token(dice.pick(&TEXTS).to_owned()),
        6 => AskEvent::Failed(dice.pick(&TEXTS).to_owned()),
        _ => {
            let answers = [samples::answer(), Answer::default()];
            AskEvent::Finished(Box::new(dice.pick(&answers)), samples::timings())
        }
    }
}

/// A result for one of the requests that were made, or for none.
fn a_result(dice: &mut Dice, state: &State) -> Message {
    let ticket = Ticket(dice.roll(60));
    let opening = state.opening;
    match dice.roll(12) {
        0 => Message::Opened(opening, Ok(Some("notes".to_owned()))),
        1 => Message::Opened(opening, dice.pick(&[Ok(None), Err("no".to_owned())])),
        2 => Message::Library(Ok(samples::shelves())),
        3 => Message::Library(Err("cannot be listed".to_owned())),
        4 => Message::Status(opening, Box::new(samples::report())),
        5 => {
            let phases = [
                Phase::Reading,
                Phase::Embedding,
                Phase::Paused,
                Phase::Stopped,
            ];
            Message::Progress(
                opening,
                Progress {
                    phase: dice.pick(&phases),
                    files_done: dice.roll(10),
                    files_total: dice.roll(10),
                    phase_seconds: dice.roll(100) as f64,
                    current: Some(dice.pick(&TEXTS).to_owned()),
                    warnings: vec![dice.pick(&TEXTS).to_owned()],
                    ..Progress::default()
                },
            )
        }
        6 => Message::Searched(
            ticket,
            dice.pick(&[Ok(samples::results()), Err("no".to_owned())]),
        ),
        7 => Message::Conversations(
            ticket,
            Ok(vec![ConversationCard {
                id: 1,
                title: dice.pick(&TEXTS).to_owned(),
                updated: i64::MAX / 2,
            }]),
        ),
        8 => Message::Conversation(
            ticket,
            Ok(StoredConversation {
                id: 1,
                exchanges: Vec::new(),
            }),
        ),
        9 => Message::Kept(ticket, dice.pick(&[Ok(1), Err("no".to_owned())])),
        10 => Message::Tick(std::time::Duration::from_millis(dice.roll(1_000_000))),
        _ => Message::Done(dice.pick(&[Ok("done".to_owned()), Err("long ".repeat(80))])),
    }
}

fn a_message(dice: &mut Dice, state: &State, waiting: &[Command]) -> Message {
    let wanted = (!waiting.is_empty()).then(|| dice.pick(waiting));
    match (dice.roll(12), wanted) {
        (0, _) => {
            let columns = [0, 1, 2, 3, 10, 40, 59, 60, 80, 99, 100, 160];
            let rows = [0, 1, 2, 3, 5, 8, 24, 50];
            Message::Resize(dice.pick(&columns), dice.pick(&rows))
        }
        (1, _) => a_click(dice),
        (2, _) => Message::Paste(dice.pick(&TEXTS).to_owned()),
        (3, _) => a_result(dice, state),
        (4..=6, Some(Command::Ask(ticket, _))) => Message::Ask(ticket, an_event(dice)),
        (4..=6, Some(Command::Search(ticket, _))) => {
            Message::Searched(ticket, Ok(samples::results()))
        }
        (4..=6, Some(Command::Load(slot, ticket, target))) => {
            Message::Document(slot, ticket, Ok((samples::shared_lease(), target)))
        }
        (7, Some(Command::Load(slot, ticket, _))) => {
            Message::Document(slot, ticket, Err("it is gone".to_owned()))
        }
        (4..=7, Some(Command::ListConversations(ticket))) => {
            Message::Conversations(ticket, Ok(Vec::new()))
        }
        (8, _) => Message::Document(Slot::Ask, Ticket(0), Err(String::new())),
        _ => a_key(dice),
    }
}

#[test]
fn nothing_panics_in_a_storm() {
    for seed in 1..=16 {
        let mut dice = Dice(seed * 0x9e37_79b9_7f4a_7c15);
        let mut state = if seed % 4 == 0 {
            State::start((80, 24), "0".to_owned(), None, None).0
        } else {
            opened((80, 24))
        };
        let mut waiting: Vec<Command> = Vec::new();
        for _ in 0..250 {
            let message = a_message(&mut dice, &state, &waiting);
            waiting.extend(update(&mut state, message));
            if waiting.len() > 12 {
                waiting.remove(0);
            }
            let screen = drawn(&state);
            assert!(!screen.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}

#[test]
fn every_size_is_drawn() {
    let mut state = opened((80, 24));
    let ticket = asked(&mut state, "What if?");
    let commands = half_answered(&mut state, ticket);
    loaded(&mut state, &commands);
    answered(&mut state, ticket);
    for tab in ['1', '2', '3', '4'] {
        alt(&mut state, tab);
        for columns in (0..12).chain((13..70).step_by(8)) {
            for rows in (0..12).chain([15, 24]) {
                update(&mut state, Message::Resize(columns, rows));
                drawn(&state);
            }
        }
    }
}
