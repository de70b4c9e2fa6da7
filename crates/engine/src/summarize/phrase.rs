//! A model's own words about what was quoted: only the sentences that the quotes support.

use std::ops::ControlFlow;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use docent_core::answer::{self, Sentence, Shown, Support};
use docent_core::citation::Citation;
use docent_core::document::Document;
use docent_core::model::{
    Finish, GenerationEvent, GenerationRequest, Generator, Message, ModelError, Sampling,
};
use docent_core::prompt::{self, PromptPassage};

use super::OnEvent;
use super::report::{Line, Summary, SummaryEvent};
use crate::error::EngineError;

/// The rules that the prompt begins with.
const RULES: &str = include_str!("../../../../assets/prompts/summary.md");
const TASK: &str = "Summarise the passages in two or three sentences.";
/// How often the person can stop a model that says nothing.
const HEARTBEAT: Duration = Duration::from_millis(50);
/// Quotes that the model is shown, at most.
const MAX_QUOTES: usize = 12;
/// Tokens that the model may write.
const TOKENS: usize = 160;

/// Reads the document that a citation is of.
pub(super) type Read<'a> = &'a mut dyn FnMut(&Citation) -> Result<Option<Document>, EngineError>;

/// Lets the model say what the quotes about the whole say, and adds what of it they support.
pub(super) fn add(
    generator: &dyn Generator,
    summary: &mut Summary,
    read: Read<'_>,
    on_event: OnEvent<'_>,
) -> Result<(), EngineError> {
    let quoted = |line: &Line| match line {
        Line::Quote { citation, .. } => Some(*citation),
        _ => None,
    };
    let parts = summary.parts.iter().flat_map(|part| &part.lines);
    let numbers: Vec<usize> = summary
        .lines
        .iter()
        .chain(parts)
        .filter_map(quoted)
        .take(MAX_QUOTES)
        .collect();
    let mut shown: Vec<(Citation, Document)> = Vec::new();
    for citation in summary
        .citations
        .iter()
        .filter(|citation| numbers.contains(&citation.number))
    {
        if let Some(document) = read(citation)? {
            shown.push((citation.clone(), document));
        }
    }
    let messages = lay_out(generator, &shown);
    let Some(messages) = messages else {
        return Ok(());
    };
    let written = write(generator, messages, on_event)?;
    let passages: Vec<Shown<'_>> = shown
        .iter()
        .map(|(citation, document)| Shown {
            number: citation.number,
            path: &citation.path,
            document,
            span: citation.start..citation.end,
        })
        .collect();
    let sentences = answer::check(&written, &passages, &mut summary.citations);
    let supported = |sentence: &Sentence| matches!(sentence.support, Support::Cited { .. });
    summary.left_out = sentences
        .iter()
        .filter(|sentence| !supported(sentence))
        .count();
    let lines = sentences
        .into_iter()
        .filter(supported)
        .map(|sentence| Line::Written { sentence });
    summary.lines.splice(0..0, lines);
    Ok(())
}

/// The prompt, with as many quotes as fit; `None` where not even one does.
fn lay_out(generator: &dyn Generator, shown: &[(Citation, Document)]) -> Option<Vec<Message>> {
    let passages: Vec<String> = shown
        .iter()
        .map(|(citation, _)| {
            prompt::lay_out_passage(&PromptPassage {
                number: citation.number,
                path: &citation.path,
                locator: &citation.locator,
                heading_path: &[],
                text: &citation.quote,
            })
        })
        .collect();
    (1..=passages.len()).rev().find_map(|count| {
        let messages = prompt::lay_out(RULES, &[], &passages[..count], TASK);
        let fits = generator.count_prompt_tokens(&messages) + TOKENS <= generator.context_tokens();
        fits.then_some(messages)
    })
}

/// What the model writes; what had come, if it was stopped.
fn write(
    generator: &dyn Generator,
    messages: Vec<Message>,
    on_event: OnEvent<'_>,
) -> Result<String, EngineError> {
    let events = generator.generate(GenerationRequest {
        messages,
        max_tokens: TOKENS,
        sampling: Sampling::default(),
        prefixes: None,
    });
    let mut written = String::new();
    loop {
        match events.recv_timeout(HEARTBEAT) {
            Ok(GenerationEvent::Token(token)) => written.push_str(&token),
            Ok(GenerationEvent::Done(report)) => {
                if report.finish == Finish::Length {
                    written.truncate(answer::whole_sentences(&written).len());
                }
                return Ok(written);
            }
            Ok(GenerationEvent::Failed(error)) => return Err(error.into()),
            Ok(GenerationEvent::Reading { .. }) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(EngineError::Model(ModelError::Stopped {
                    model: generator.name().to_owned(),
                    reason: "it ended in the middle of a summary".into(),
                }));
            }
        }
        if on_event(SummaryEvent::Writing) == ControlFlow::Break(()) {
            written.truncate(answer::whole_sentences(&written).len());
            return Ok(written);
        }
    }
}
