//! What keys, results and the mouse do.

use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use docent_core::answer::Answer;
use docent_engine::event::{AskEvent, Phase, Progress};

use super::*;
use crate::tui::message::{ConversationCard, Exchange, Slot, StoredConversation};
use crate::tui::state::ask::Stage;
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
fn a_question_is_asked_answered_and_kept() {
    let mut state = opened(SIZE);
    let ticket = asked(&mut state, "What if the tenant leaves early?");
    assert!(state.ask.input.is_empty());
    let commands = half_answered(&mut state, ticket);
    assert!(
        matches!(commands[..], [Command::Load(Slot::Ask, _, _)]),
        "the first quote is shown"
    );
    let commands = answered(&mut state, ticket);
    let kept = commands.iter().any(|command| {
        matches!(command, Command::Keep(_, None, exchange) if exchange.answer == samples::answer())
    });
    assert!(kept);
    assert_eq!(state.ask.turns[0].stage, Stage::Done);
    let speed = state.ask.speed.expect("the speed is known");
    assert!((speed - 2.0 / 2.2).abs() < 1e-9);
}

#[test]
fn a_follow_up_carries_the_conversation_and_goes_into_the_same_one() {
    let mut state = opened(SIZE);
    let ticket = asked(&mut state, "first?");
    answered(&mut state, ticket);
    let conversation = state.ask.conversation;
    update(&mut state, Message::Kept(conversation, Ok(5)));
    typed(&mut state, "and then?");
    let commands = key(&mut state, KeyCode::Enter);
    let [Command::Ask(ticket, question)] = &commands[..] else {
        panic!("{commands:?}");
    };
    assert_eq!(question.history.len(), 1);
    assert!(question.history[0].answer.contains("two months"));
    let commands = answered(&mut state, *ticket);
    assert!(
        commands
            .iter()
            .any(|c| matches!(c, Command::Keep(_, Some(5), _)))
    );
}

#[test]
fn tokens_of_another_conversation_are_dropped() {
    let mut state = opened(SIZE);
    let old = asked(&mut state, "first?");
    let commands = key(&mut state, KeyCode::F(3));
    assert_eq!(commands, [Command::StopAsking(old)]);
    assert!(half_answered(&mut state, old).is_empty());
    assert!(state.ask.turns.is_empty());
}

#[test]
fn a_new_question_stops_the_one_before_and_keeps_what_came() {
    let mut state = opened(SIZE);
    let first = asked(&mut state, "first?");
    half_answered(&mut state, first);
    typed(&mut state, "second?");
    let commands = key(&mut state, KeyCode::Enter);
    assert_eq!(commands[0], Command::StopAsking(first));
    let stopped = Answer {
        stopped: true,
        ..samples::answer()
    };
    let finished = AskEvent::Finished(Box::new(stopped), samples::timings());
    update(&mut state, Message::Ask(first, finished));
    assert!(state.ask.turns[0].answer.is_some());
    assert!(state.ask.turns[1].is_running());
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
fn the_question_is_not_lost_when_it_cannot_be_asked_yet() {
    let (mut state, first) = State::start(SIZE, String::new(), None, None);
    assert!(matches!(first[..], [Command::Open(..)]));
    typed(&mut state, "too early?");
    assert!(key(&mut state, KeyCode::Enter).is_empty());
    assert_eq!(state.ask.input.text(), "too early?");
    assert!(state.notice.is_some());
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
fn up_walks_through_earlier_questions_and_back_to_the_draft() {
    let mut state = opened(SIZE);
    for question in ["first?", "second?"] {
        let ticket = asked(&mut state, question);
        answered(&mut state, ticket);
    }
    typed(&mut state, "draft");
    key(&mut state, KeyCode::Up);
    key(&mut state, KeyCode::Up);
    assert_eq!(state.ask.input.text(), "first?");
    key(&mut state, KeyCode::Down);
    key(&mut state, KeyCode::Down);
    assert_eq!(state.ask.input.text(), "draft");
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
    key(&mut state, KeyCode::Tab);
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
fn a_document_that_nobody_waits_for_is_dropped() {
    let mut state = opened(SIZE);
    let ticket = asked(&mut state, "first?");
    let commands = half_answered(&mut state, ticket);
    let [Command::Load(slot, load, target)] = &commands[..] else {
        panic!("{commands:?}");
    };
    let stale = Message::Document(*slot, Ticket(0), Err("stale".to_owned()));
    update(&mut state, stale);
    assert!(state.ask.viewer.failure.is_none() && state.ask.viewer.waiting.is_some());
    let document = (samples::shared_lease(), target.clone());
    update(&mut state, Message::Document(*slot, *load, Ok(document)));
    assert!(state.ask.viewer.source.is_some());
    assert!(drawn(&state).contains("page 2 of 3"));
}

#[test]
fn a_person_who_looks_at_a_source_is_not_moved() {
    let mut state = opened(SIZE);
    let ticket = asked(&mut state, "first?");
    let commands = half_answered(&mut state, ticket);
    loaded(&mut state, &commands);
    let commands = ctrl(&mut state, 'n');
    assert!(commands.is_empty(), "the document is there already");
    let commands = answered(&mut state, ticket);
    assert!(!commands.iter().any(|c| matches!(c, Command::Load(..))));
    let commands = ctrl(&mut state, 'n');
    assert!(matches!(&commands[..], [Command::Load(_, _, target)] if target.document == 8));
}

#[test]
fn streaming_does_not_move_what_is_read() {
    let mut state = opened((80, 16));
    for _ in 0..3 {
        let ticket = asked(&mut state, "again?");
        answered(&mut state, ticket);
    }
    let ticket = asked(&mut state, "last?");
    half_answered(&mut state, ticket);
    assert!(
        drawn(&state).contains("two months' rent"),
        "it follows at the end"
    );
    for _ in 0..3 {
        key(&mut state, KeyCode::PageUp);
    }
    let before = state.ask.top_row(5);
    for _ in 0..50 {
        let token = AskEvent::Token("more words ".to_owned());
        update(&mut state, Message::Ask(ticket, token));
    }
    assert_eq!(state.ask.top_row(5), before);
    for _ in 0..30 {
        key(&mut state, KeyCode::PageDown);
    }
    assert!(state.ask.follows);
}

#[test]
fn a_growing_answer_never_scrolls_its_question_out() {
    let mut state = opened((80, 16));
    let first = asked(&mut state, "first?");
    answered(&mut state, first);
    let ticket = asked(&mut state, "second?");
    half_answered(&mut state, ticket);
    let token = || AskEvent::Token("more words ".to_owned());
    for _ in 0..50 {
        update(&mut state, Message::Ask(ticket, token()));
    }
    let screen = drawn(&state);
    assert!(screen.contains("▌ second?") && !screen.contains("▌ first?"));
    assert!(screen.contains("↓ "), "it says that there is more");
    for _ in 0..9 {
        key(&mut state, KeyCode::PageDown);
    }
    update(
        &mut state,
        Message::Ask(ticket, AskEvent::Token("last".to_owned())),
    );
    let screen = drawn(&state);
    assert!(screen.contains("last") && !screen.contains("second?"));
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
fn copying_takes_the_quote_with_its_place() {
    let mut state = opened(SIZE);
    let ticket = asked(&mut state, "first?");
    answered(&mut state, ticket);
    let commands = ctrl(&mut state, 'y');
    let [Command::Copy(text)] = &commands[..] else {
        panic!("{commands:?}");
    };
    assert!(text.starts_with("“The Tenant may end"));
    assert!(text.ends_with("(contracts/Lease-2019.pdf, page 2)"));
}

#[test]
fn the_file_of_the_source_is_opened() {
    let mut state = opened(SIZE);
    let ticket = asked(&mut state, "first?");
    let commands = half_answered(&mut state, ticket);
    loaded(&mut state, &commands);
    let path = "/files/contracts/Lease-2019.pdf".into();
    assert_eq!(ctrl(&mut state, 'o'), [Command::OpenFile(path)]);
}

#[test]
fn kept_conversations_are_listed_opened_and_deleted() {
    let mut state = opened(SIZE);
    let commands = key(&mut state, KeyCode::F(2));
    let [Command::ListConversations(ticket)] = commands[..] else {
        panic!("{commands:?}");
    };
    let card = |id, title: &str| ConversationCard {
        id,
        title: title.to_owned(),
        updated: 0,
    };
    let cards = vec![card(4, "rent?"), card(3, "deposit?")];
    update(&mut state, Message::Conversations(ticket, Ok(cards)));
    assert!(drawn(&state).contains("deposit?"));
    key(&mut state, KeyCode::Down);
    key(&mut state, KeyCode::Char('d'));
    let commands = key(&mut state, KeyCode::Char('y'));
    let [Command::DeleteConversation(ticket, 3)] = commands[..] else {
        panic!("{commands:?}");
    };
    let left = vec![card(4, "rent?")];
    update(&mut state, Message::Conversations(ticket, Ok(left)));
    let commands = key(&mut state, KeyCode::Enter);
    let [Command::LoadConversation(ticket, 4)] = commands[..] else {
        panic!("{commands:?}");
    };
    let exchange = Exchange {
        question: "rent?".to_owned(),
        answer: samples::answer(),
        documents: vec![(1, 7), (2, 8)],
    };
    let conversation = StoredConversation {
        id: 4,
        exchanges: vec![exchange],
    };
    let commands = update(&mut state, Message::Conversation(ticket, Ok(conversation)));
    assert!(matches!(&commands[..], [Command::Load(_, _, target)] if target.document == 7));
    assert_eq!(state.ask.stored, Some(4));
    assert!(drawn(&state).contains("▌ rent?"));
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
fn a_failed_answer_says_why() {
    let mut state = opened(SIZE);
    let ticket = asked(&mut state, "first?");
    let failed = AskEvent::Failed("the prompt does not fit: ask shorter".to_owned());
    update(&mut state, Message::Ask(ticket, failed));
    assert!(drawn(&state).contains("✗ the prompt does not fit"));
    assert!(!state.is_waiting());
}

#[test]
fn nothing_found_says_what_was_searched_and_shows_the_nearest() {
    let mut state = opened(SIZE);
    let ticket = asked(&mut state, "weather?");
    let searched = AskEvent::Searched(samples::searched());
    update(&mut state, Message::Ask(ticket, searched));
    let answer = Answer {
        abstained: true,
        ..Answer::default()
    };
    let finished = AskEvent::Finished(Box::new(answer), samples::timings());
    let commands = update(&mut state, Message::Ask(ticket, finished));
    assert!(commands.iter().any(|c| matches!(c, Command::Load(..))));
    let screen = drawn(&state);
    assert!(screen.contains("Nothing was found that bears on"));
    assert!(screen.contains("1,201 files"));
    assert!(screen.contains("[1] contracts/Lease-2019.pdf"));
}

#[test]
fn text_of_documents_cannot_command_the_terminal() {
    let mut state = opened(SIZE);
    let ticket = asked(&mut state, "first?");
    let mut evil = samples::evidence();
    evil[0].quote = "a\u{1b}]52;c;ZXZpbA==\u{7}b\u{9b}2J\u{202e}".to_owned();
    evil[0].path = "x\u{1b}[2J\n.txt".to_owned();
    update(&mut state, Message::Ask(ticket, AskEvent::Evidence(evil)));
    let token = AskEvent::Token("\u{1b}[31mred".to_owned());
    update(&mut state, Message::Ask(ticket, token));
    let screen = drawn(&state);
    assert!(!screen.chars().any(|c| c.is_control() && c != '\n'));
    assert!(!screen.contains('\u{202e}'));
}
