//! The model's words: what it is shown, and what it writes, checked.

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use docent_core::answer::{self, Shown, Told};
use docent_core::model::{
    Finish, GenerationEvent, GenerationRequest, Generator, Message, ModelError,
};
use docent_core::passage;
use docent_core::prompt::{self, PastTurn, PromptPassage};

use super::{Draft, Exchange, OnEvent, Question, Read};
use crate::collection::{Collection, PREFIXES_FOLDER};
use crate::error::EngineError;
use crate::event::{AskEvent, PromptBudget};
use crate::settings::AnswerSettings;

/// The rules that every prompt begins with.
const RULES: &str = include_str!("../../../../assets/prompts/answer.md");
/// Turns that are repeated in short, without their passages, at most.
const TURNS_IN_SHORT: usize = 2;
/// How often the person can stop a model that says nothing.
const HEARTBEAT: Duration = Duration::from_millis(50);

impl Collection {
    /// Lets the model phrase an answer to `question` from the passages, and checks it.
    pub(super) fn phrase(
        &self,
        generator: &dyn Generator,
        question: &Question,
        read: &[Read],
        draft: &mut Draft,
        on_event: &mut OnEvent<'_>,
    ) -> Result<(), EngineError> {
        let settings = &self.library().settings().answer;
        let (messages, budget) = lay_out(generator, question, read, settings);
        draft.flow = on_event(AskEvent::Prompt(budget));
        if draft.flow.is_break() || budget.passages_used == 0 {
            return Ok(());
        }
        let told = messages.last().map(|message| message.content.clone());
        let written = self.write(generator, messages, draft, on_event)?;
        let shown: Vec<Shown<'_>> = read[..budget.passages_used]
            .iter()
            .map(|read| Shown {
                number: read.view.number,
                path: &read.view.path,
                document: &read.document,
                span: read.view.start..read.view.end,
            })
            .collect();
        let answer = &mut draft.answer;
        answer.sentences = answer::check(&written, &shown, &mut answer.citations);
        answer.told = told.map(|shown| Told { shown, written });
        Ok(())
    }

    /// What the model writes, up to its end or to where it was stopped.
    fn write(
        &self,
        generator: &dyn Generator,
        messages: Vec<Message>,
        draft: &mut Draft,
        on_event: &mut OnEvent<'_>,
    ) -> Result<String, EngineError> {
        let settings = &self.library().settings().answer;
        let events = generator.generate(GenerationRequest {
            messages,
            max_tokens: settings.answer_tokens,
            sampling: settings.sampling.clone(),
            prefixes: Some(self.home().join(PREFIXES_FOLDER)),
        });
        let mut written = String::new();
        let (mut done, mut total) = (0, 0);
        loop {
            let event = match events.recv_timeout(HEARTBEAT) {
                Ok(GenerationEvent::Token(token)) => {
                    let waited = draft.began.elapsed().as_millis() as u64;
                    draft.timings.first_token_ms.get_or_insert(waited);
                    written.push_str(&token);
                    AskEvent::Token(token)
                }
                Ok(GenerationEvent::Reading {
                    done: read,
                    total: all,
                }) => {
                    (done, total) = (read, all);
                    AskEvent::Reading { done, total }
                }
                Ok(GenerationEvent::Failed(error)) => return Err(error.into()),
                Ok(GenerationEvent::Done(report)) => {
                    if report.finish == Finish::Length {
                        written.truncate(answer::whole_sentences(&written).len());
                    }
                    break;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(EngineError::Model(ModelError::Stopped {
                        model: generator.name().to_owned(),
                        reason: "it ended in the middle of an answer".into(),
                    }));
                }
                Err(RecvTimeoutError::Timeout) => AskEvent::Reading { done, total },
            };
            if on_event(event).is_break() {
                draft.answer.stopped = true;
                break;
            }
        }
        Ok(written)
    }
}

/// Lays out the prompt within the model's context and the setting; passages that do not fit are
/// left out whole, and counted.
fn lay_out(
    generator: &dyn Generator,
    question: &Question,
    read: &[Read],
    settings: &AnswerSettings,
) -> (Vec<Message>, PromptBudget) {
    let passages: Vec<String> = read
        .iter()
        .map(|read| {
            prompt::lay_out_passage(&PromptPassage {
                number: read.view.number,
                path: &read.view.path,
                locator: &read.view.locator,
                heading_path: &read.view.heading_path,
                text: &read.view.text,
            })
        })
        .collect();
    let costs: Vec<usize> = passages
        .iter()
        .map(|passage| generator.count_tokens(passage))
        .collect();
    let context = generator.context_tokens();
    let rest = |past: &[PastTurn<'_>]| {
        let without = prompt::lay_out(RULES, past, &[], &question.text);
        generator.count_prompt_tokens(&without) + settings.answer_tokens
    };
    let needed = costs.first().copied().unwrap_or(0);
    let past = past_turns(&question.history, |past| rest(past) + needed <= context);
    let room = context
        .saturating_sub(rest(&past))
        .min(settings.passage_tokens.max(needed));
    let used = passage::fitting(&costs, room);
    let messages = prompt::lay_out(RULES, &past, &passages[..used], &question.text);
    let budget = PromptBudget {
        prompt_tokens: generator.count_prompt_tokens(&messages),
        context_tokens: context,
        answer_tokens: settings.answer_tokens,
        passages_used: used,
        passages_left_out: passages.len() - used,
    };
    (messages, budget)
}

/// The conversation as the model is shown it again. Turns stand as they stood before, passages
/// included, so that the model has read them already; when they fill the context, the earlier
/// ones are told in short, all at once, so that what follows can be appended again for a while.
fn past_turns<'a>(
    history: &'a [Exchange],
    fits: impl Fn(&[PastTurn<'a>]) -> bool,
) -> Vec<PastTurn<'a>> {
    let lay_out = |whole_from: usize, end: usize| -> Vec<PastTurn<'a>> {
        let short_from = whole_from.saturating_sub(TURNS_IN_SHORT);
        let short = history[short_from..whole_from].iter().map(in_short);
        let whole = history[whole_from..end].iter();
        short
            .chain(whole.map(|turn| match &turn.told {
                Some(told) => PastTurn {
                    question: &told.shown,
                    answer: &told.written,
                },
                None => in_short(turn),
            }))
            .collect()
    };
    let mut whole_from = 0;
    for end in 1..=history.len() {
        if !fits(&lay_out(whole_from, end)) {
            whole_from = end;
        }
    }
    let mut past = lay_out(whole_from, history.len());
    while !past.is_empty() && !fits(&past) {
        past.remove(0);
    }
    past
}

fn in_short(turn: &Exchange) -> PastTurn<'_> {
    PastTurn {
        question: &turn.question,
        answer: &turn.answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(number: usize) -> Exchange {
        Exchange {
            question: format!("q{number}"),
            answer: format!("a{number}"),
            told: Some(Told {
                shown: format!("passages and q{number}"),
                written: format!("w{number}"),
            }),
            ..Exchange::default()
        }
    }

    fn shown(turns: usize, room: usize) -> Vec<String> {
        let history: Vec<Exchange> = (1..=turns).map(turn).collect();
        let bytes =
            |past: &[PastTurn<'_>]| -> usize { past.iter().map(|t| t.question.len()).sum() };
        let past = past_turns(&history, |past| bytes(past) <= room);
        past.iter().map(|turn| turn.question.to_owned()).collect()
    }

    #[test]
    fn turns_are_repeated_word_for_word_while_they_fit() {
        assert_eq!(shown(2, 100), ["passages and q1", "passages and q2"]);
    }

    #[test]
    fn what_fills_the_context_is_told_in_short_and_stays_so() {
        assert_eq!(shown(3, 35), ["q2", "q3"]);
        assert_eq!(shown(4, 35), ["q2", "q3", "passages and q4"]);
        assert_eq!(shown(3, 0), Vec::<String>::new());
    }
}
