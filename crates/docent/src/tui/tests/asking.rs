//! Questions, answers, sources, conversations.

use crossterm::event::KeyCode;
use docent_core::answer::Answer;
use docent_engine::event::AskEvent;

use super::*;
use crate::tui::message::{ConversationCard, Exchange, ModelCard, Slot, StoredConversation};
use crate::tui::state::ask::Stage;

const SIZE: (u16, u16) = (100, 30);

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
fn a_model_that_memory_has_no_room_for_says_what_to_expect() {
    let mut state = opened((160, 50));
    let model = ModelCard {
        streaming: Some("about 1.2 tokens a second".to_owned()),
        ..samples::model()
    };
    update(&mut state, Message::Generator(Ok(model)));
    assert!(drawn(&state).contains("it is ready; about 1.2 tokens a second"));
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
fn the_question_is_not_lost_when_it_cannot_be_asked_yet() {
    let (mut state, first) = State::start(SIZE, String::new(), None, None);
    assert!(matches!(first[..], [Command::Open(..)]));
    typed(&mut state, "too early?");
    assert!(key(&mut state, KeyCode::Enter).is_empty());
    assert_eq!(state.ask.input.text(), "too early?");
    assert!(state.notice.is_some());
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
fn a_conversation_is_exported_once_something_is_answered() {
    let mut state = opened(SIZE);
    let ticket = asked(&mut state, "first?");
    key(&mut state, KeyCode::Esc);
    assert_eq!(key(&mut state, KeyCode::Char('e')), []);
    answered(&mut state, ticket);
    let commands = key(&mut state, KeyCode::Char('e'));
    let [Command::Export(exchanges)] = &commands[..] else {
        panic!("{commands:?}");
    };
    assert_eq!(exchanges.len(), 1);
    assert_eq!(exchanges[0].answer, samples::answer());
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
