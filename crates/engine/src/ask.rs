//! Ask: from a question to a checked answer.
//!
//! `Question → Query → Hit → Passage → Prompt → Token… → Answer + Citation`. Evidence comes
//! first: sentences of the documents, chosen and checked before the model writes a word. What
//! the model writes is checked afterwards, sentence by sentence, against the documents.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use docent_core::answer::{self, Answer, Shown, one_line};
use docent_core::citation::{self, Citation};
use docent_core::document::Document;
use docent_core::evidence::{self, Bearing, Candidate, WeightedTerms};
use docent_core::model::{
    Finish, GenerationEvent, GenerationRequest, Generator, Message, ModelError, Urgency,
};
use docent_core::passage::{self, Found};
use docent_core::prompt::{self, PastTurn, PromptPassage};
use docent_core::query::Filters;
use docent_core::{followup, sentence};
use docent_store::DocumentId;
use serde::{Deserialize, Serialize};

use crate::collection::Collection;
use crate::error::EngineError;
use crate::event::{AskEvent, PassageView, PromptBudget, Searched, Timings};
use crate::search::{Hit, SearchRequest};

/// The rules that every prompt begins with.
const RULES: &str = include_str!("../../../assets/prompts/answer.md");

/// Sentences that are weighed as evidence, at most.
const MAX_CANDIDATES: usize = 96;
/// A passage is not joined beyond this.
const MAX_PASSAGE_BYTES: usize = 1_400;
/// How often the person can stop a model that says nothing.
const HEARTBEAT: Duration = Duration::from_millis(50);
/// Past turns that the model is shown, at most.
const PAST_TURNS: usize = 2;

/// A question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Question {
    /// What was asked.
    pub text: String,
    /// The conversation so far, oldest first.
    pub history: Vec<Exchange>,
    /// Conditions on the documents beside those in the text.
    pub filters: Filters,
}

/// A question and its answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// What was asked.
    pub question: String,
    /// What was answered, as text.
    pub answer: String,
}

/// What a passage is made of: what is shown, and the document to check against.
struct Read {
    view: PassageView,
    document: Arc<Document>,
}

impl Collection {
    /// Answers a question. Blocks; `on_event` hears of each step, and stops the model by
    /// breaking: what has come by then is checked and kept.
    ///
    /// Without a generator the answer is the evidence alone.
    pub fn ask(
        &self,
        generator: Option<&dyn Generator>,
        question: &Question,
        on_event: &mut dyn FnMut(AskEvent) -> ControlFlow<()>,
    ) {
        let _attention = Attention::take(&self.library().attention());
        let began = Instant::now();
        let last = match self.answer(generator, question, began, on_event) {
            Ok((answer, timings)) => AskEvent::Finished(Box::new(answer), timings),
            Err(error) => AskEvent::Failed(error.to_string()),
        };
        // It is the last event: there is nothing left to stop.
        let _ = on_event(last);
    }

    fn answer(
        &self,
        generator: Option<&dyn Generator>,
        question: &Question,
        began: Instant,
        on_event: &mut dyn FnMut(AskEvent) -> ControlFlow<()>,
    ) -> Result<(Answer, Timings), EngineError> {
        let (searched, read) = self.retrieve(question)?;
        let found = Instant::now();
        let (evidence, bears) = self.evidence(&searched.query, &read)?;
        let mut timings = Timings {
            retrieve_ms: began.elapsed().as_millis() as u64,
            evidence_ms: found.elapsed().as_millis() as u64,
            ..Timings::default()
        };
        let mut answer = Answer {
            abstained: !bears,
            ..Answer::default()
        };
        let mut flow = on_event(AskEvent::Searched(Searched {
            retrieve_ms: timings.retrieve_ms,
            ..searched
        }));
        if bears {
            answer.evidence = evidence.iter().map(|citation| citation.number).collect();
            answer.citations.clone_from(&evidence);
            if flow.is_continue() {
                flow = on_event(AskEvent::Evidence(evidence));
            }
            if let Some(generator) = generator.filter(|_| flow.is_continue()) {
                let (messages, budget) = lay_out(
                    generator,
                    question,
                    &read,
                    &self.library().settings().answer,
                );
                flow = on_event(AskEvent::Prompt(budget));
                if flow.is_continue() && budget.passages_used > 0 {
                    let shown = &read[..budget.passages_used];
                    self.write(
                        generator,
                        messages,
                        shown,
                        began,
                        &mut answer,
                        &mut timings,
                        on_event,
                    )?;
                }
            }
        }
        answer.stopped |= flow.is_break();
        timings.total_ms = began.elapsed().as_millis() as u64;
        Ok((answer, timings))
    }

    /// Searches for the question and widens what was found to passages.
    fn retrieve(&self, question: &Question) -> Result<(Searched, Vec<Read>), EngineError> {
        let earlier: Vec<&str> = question
            .history
            .iter()
            .map(|turn| turn.question.as_str())
            .collect();
        let query = followup::standalone(&question.text, &earlier);
        let settings = &self.library().settings().answer;
        let results = self.search(&SearchRequest {
            query: query.clone(),
            filters: question.filters.clone(),
            limit: settings.passages * 2,
            ..SearchRequest::default()
        })?;
        // What a reader of the original does not see is shown to no model.
        let mut hits = results.hits;
        hits.retain(|hit| !hit.hidden);
        let read = self.passages(&hits, settings.passages)?;
        let searched = Searched {
            query,
            documents: results.documents,
            vectors_complete: results.vectors_complete,
            passages: read.iter().map(|read| read.view.clone()).collect(),
            retrieve_ms: 0,
        };
        Ok((searched, read))
    }

    fn passages(&self, hits: &[Hit], limit: usize) -> Result<Vec<Read>, EngineError> {
        let found: Vec<Found> = hits
            .iter()
            .map(|hit| Found {
                document: hit.document,
                span: hit.start..hit.end,
                score: hit.score,
            })
            .collect();
        let mut documents: Vec<(i64, Arc<Document>)> = Vec::new();
        let mut read = Vec::new();
        for passage in passage::join(&found, limit, MAX_PASSAGE_BYTES) {
            let known = documents.iter().find(|(id, _)| *id == passage.document);
            let document = match known {
                Some((_, document)) => Arc::clone(document),
                None => {
                    // Deleted since it was found: it is gone from the answer too.
                    let Some(stored) = self.reader().document(DocumentId(passage.document))? else {
                        continue;
                    };
                    let document = Arc::new(stored.document);
                    documents.push((passage.document, Arc::clone(&document)));
                    document
                }
            };
            let best = hits
                .iter()
                .find(|hit| hit.document == passage.document && passage.span.contains(&hit.start));
            let (Some(hit), Some(text), Some(locator)) = (
                best,
                document.text.get(passage.span.clone()),
                document.locate(passage.span.clone()),
            ) else {
                continue;
            };
            let view = PassageView {
                number: read.len() + 1,
                document: passage.document,
                path: hit.path.clone(),
                title: hit.title.clone(),
                format: hit.format,
                locator,
                heading_path: hit.heading_path.clone(),
                text: text.to_owned(),
                start: passage.span.start,
                end: passage.span.end,
                score: passage.score,
            };
            read.push(Read { view, document });
        }
        Ok(read)
    }

    /// The sentences that answer best, cited, and whether anything found bears on the question.
    fn evidence(
        &self,
        question: &str,
        read: &[Read],
    ) -> Result<(Vec<Citation>, bool), EngineError> {
        let mut candidates = candidates(read);
        if candidates.is_empty() {
            return Ok((Vec::new(), false));
        }
        let reader = self.reader();
        let all = reader.chunk_count()?;
        let terms = WeightedTerms::of(question, |term| {
            evidence::rarity(reader.chunk_frequency(term).unwrap_or(0), all)
        });
        let embedder = self.library().embedder();
        let asked = embedder.embed_query(question)?;
        let texts: Vec<String> = candidates
            .iter()
            .map(|candidate| one_line(&read[candidate.passage].view.text[candidate.span.clone()]))
            .collect();
        let vectors = embedder.embed(&texts, Urgency::Interactive)?;
        for ((candidate, vector), text) in candidates.iter_mut().zip(&vectors).zip(&texts) {
            candidate.cosine = vector.iter().zip(&asked).map(|(a, b)| a * b).sum();
            candidate.coverage = terms.coverage(text);
        }
        let in_passages = read.iter().map(|read| {
            let place = [
                read.view.title.as_deref().unwrap_or(""),
                &read.view.heading_path.join(" "),
            ]
            .join(" ");
            terms.coverage(&format!("{place} {} {}", read.view.path, read.view.text))
        });
        let bearing = Bearing {
            cosine: candidates
                .iter()
                .map(|candidate| candidate.cosine)
                .fold(0.0, f32::max),
            coverage: in_passages.fold(0.0, f32::max),
        };
        let best = evidence::best(candidates, self.library().settings().answer.evidence);
        let cited = best
            .into_iter()
            .enumerate()
            .filter_map(|(index, candidate)| {
                let Read { view, document } = &read[candidate.passage];
                let span = view.start + candidate.span.start..view.start + candidate.span.end;
                citation::cite(document, &view.path, span, view.number, index + 1)
            });
        Ok((cited.collect(), bearing.is_enough()))
    }

    /// Lets the model write, and checks what it wrote.
    #[expect(
        clippy::too_many_arguments,
        reason = "one step of `answer`, with all that it has gathered"
    )]
    fn write(
        &self,
        generator: &dyn Generator,
        messages: Vec<Message>,
        read: &[Read],
        began: Instant,
        answer: &mut Answer,
        timings: &mut Timings,
        on_event: &mut dyn FnMut(AskEvent) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let settings = &self.library().settings().answer;
        let events = generator.generate(GenerationRequest {
            messages,
            max_tokens: settings.answer_tokens,
            sampling: settings.sampling.clone(),
        });
        let mut written = String::new();
        let (mut done, mut total) = (0, 0);
        loop {
            let event = match events.recv_timeout(HEARTBEAT) {
                Ok(GenerationEvent::Token(token)) => {
                    timings
                        .first_token_ms
                        .get_or_insert(began.elapsed().as_millis() as u64);
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
                answer.stopped = true;
                break;
            }
        }
        let shown: Vec<Shown<'_>> = read
            .iter()
            .map(|read| Shown {
                number: read.view.number,
                path: &read.view.path,
                document: &read.document,
                span: read.view.start..read.view.end,
            })
            .collect();
        answer.sentences = answer::check(&written, &shown, &mut answer.citations);
        Ok(())
    }
}

/// The sentences of the passages, best passage first.
fn candidates(read: &[Read]) -> Vec<Candidate> {
    let sentences = read.iter().enumerate().flat_map(|(passage, read)| {
        sentence::sentences(&read.view.text)
            .into_iter()
            .map(move |span| Candidate {
                passage,
                span,
                cosine: 0.0,
                coverage: 0.0,
            })
    });
    sentences
        // A heading or a lone word answers nothing.
        .filter(|candidate| {
            let text = &read[candidate.passage].view.text[candidate.span.clone()];
            evidence::terms(text).len() >= 3 && !text.starts_with('#')
        })
        .take(MAX_CANDIDATES)
        .collect()
}

/// Lays out the prompt within the model's context and the setting; passages that do not fit are
/// left out whole, and counted.
fn lay_out(
    generator: &dyn Generator,
    question: &Question,
    read: &[Read],
    settings: &crate::settings::AnswerSettings,
) -> (Vec<Message>, PromptBudget) {
    let past: Vec<PastTurn<'_>> = question
        .history
        .iter()
        .skip(question.history.len().saturating_sub(PAST_TURNS))
        .map(|turn| PastTurn {
            question: &turn.question,
            answer: &turn.answer,
        })
        .collect();
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
    // A long conversation gives way to the passages.
    let needed = costs.first().copied().unwrap_or(0);
    let kept = (0..=past.len()).find(|&dropped| rest(&past[dropped..]) + needed <= context);
    let past = &past[kept.unwrap_or(past.len())..];
    let room = context
        .saturating_sub(rest(past))
        .min(settings.passage_tokens.max(needed));
    let used = passage::fitting(&costs, room);
    let messages = prompt::lay_out(RULES, past, &passages[..used], &question.text);
    let budget = PromptBudget {
        prompt_tokens: generator.count_prompt_tokens(&messages),
        context_tokens: context,
        answer_tokens: settings.answer_tokens,
        passages_used: used,
        passages_left_out: passages.len() - used,
    };
    (messages, budget)
}

/// While it lives, the indexer yields.
struct Attention(Arc<AtomicUsize>);

impl Attention {
    fn take(counter: &Arc<AtomicUsize>) -> Attention {
        counter.fetch_add(1, Ordering::Relaxed);
        Attention(Arc::clone(counter))
    }
}

impl Drop for Attention {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
