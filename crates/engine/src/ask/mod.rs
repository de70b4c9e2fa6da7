//! Ask: from a question to a checked answer.
//!
//! `Question → Query → Hit → Passage → Prompt → Token… → Answer + Citation`. Evidence comes
//! first: sentences of the documents, chosen and checked before the model writes a word. What
//! the model writes is checked afterwards, sentence by sentence, against the documents.
//!
//! Reading order: [`retrieve`] finds passages, [`weigh`] chooses the sentences that answer,
//! [`write`] lets a model phrase it. Questions over documents as a whole take other ways:
//! [`survey`] looks at every document, [`compare`] at two sides, [`timeline`] at dates,
//! [`summary`] at all of one document.

mod compare;
mod retrieve;
mod summary;
mod survey;
mod timeline;
mod weigh;
mod write;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use docent_core::answer::{Answer, Told};
use docent_core::citation::{self, Citation};
use docent_core::document::Document;
use docent_core::evidence::Candidate;
use docent_core::model::Generator;
use docent_core::query::Filters;
use docent_core::question::Kind;
use serde::{Deserialize, Serialize};

use crate::collection::Collection;
use crate::error::EngineError;
use crate::event::{AskEvent, PassageView, Searched, Timings};

/// A question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Question {
    /// What was asked.
    pub text: String,
    /// The conversation so far, oldest first.
    pub history: Vec<Exchange>,
    /// Conditions on the documents beside those in the text.
    pub filters: Filters,
    /// The kind of answer, where a person chose it; else the question's words tell.
    pub kind: Option<Kind>,
}

/// A question and its answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// What was asked.
    pub question: String,
    /// What was answered, as text.
    pub answer: String,
    /// What the answer rested on: it is considered again for a follow-up.
    #[serde(default)]
    pub evidence: Vec<Earlier>,
    /// What the model was shown and what it wrote: repeated word for word, it need not be read
    /// again.
    #[serde(default)]
    pub told: Option<Told>,
}

/// Evidence of an earlier answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// The document in the store.
    pub document: i64,
    /// First byte in the document's text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// What a passage is made of: what is shown, and the document to check against.
struct Read {
    view: PassageView,
    document: Arc<Document>,
    /// Whether both retrievers found it.
    by_both: bool,
}

/// Hears of each step, and stops the answer by breaking.
type OnEvent<'a> = dyn FnMut(AskEvent) -> ControlFlow<()> + 'a;

/// An answer in the making, with what it cost so far.
struct Draft {
    answer: Answer,
    timings: Timings,
    began: Instant,
    flow: ControlFlow<()>,
}

impl Draft {
    /// Tells the search, then what is answered without a model.
    fn tell(&mut self, mut searched: Searched, on_event: &mut OnEvent<'_>) {
        self.timings.retrieve_ms = self.began.elapsed().as_millis() as u64;
        searched.retrieve_ms = self.timings.retrieve_ms;
        self.flow = on_event(AskEvent::Searched(searched));
        if self.flow.is_continue() && !self.answer.abstained {
            let evidence = self.answer.citations.clone();
            self.flow = on_event(AskEvent::Evidence(evidence));
        }
    }

    /// Takes over the quotes, best first, as the answer's evidence.
    fn quote(&mut self, evidence: Vec<Citation>) {
        self.answer.evidence = evidence.iter().map(|citation| citation.number).collect();
        self.answer.citations = evidence;
    }
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
        let last = match self.answer(generator, question, on_event) {
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
        on_event: &mut OnEvent<'_>,
    ) -> Result<(Answer, Timings), EngineError> {
        let mut draft = Draft {
            answer: Answer::default(),
            timings: Timings::default(),
            began: Instant::now(),
            flow: ControlFlow::Continue(()),
        };
        let asked = self.understand(question)?;
        match asked.kind {
            Kind::List | Kind::Count => self.survey(&asked, &mut draft, on_event)?,
            Kind::Timeline => self.timeline(&asked, &mut draft, on_event)?,
            Kind::Summary if self.summary(&asked, &mut draft, on_event)? => {}
            Kind::Compare if self.compare(&asked, &mut draft, on_event)? => {}
            _ => self.look_up(generator, question, &asked, &mut draft, on_event)?,
        }
        draft.answer.stopped |= draft.flow.is_break();
        draft.timings.total_ms = draft.began.elapsed().as_millis() as u64;
        Ok((draft.answer, draft.timings))
    }

    /// Answers from the best passages: quotes first, then the model's words.
    fn look_up(
        &self,
        generator: Option<&dyn Generator>,
        question: &Question,
        asked: &retrieve::Asked,
        draft: &mut Draft,
        on_event: &mut OnEvent<'_>,
    ) -> Result<(), EngineError> {
        let (mut searched, mut read) = self.retrieve(asked)?;
        let found = Instant::now();
        let weighed = self.weigh(asked, &mut read)?;
        draft.timings.evidence_ms = found.elapsed().as_millis() as u64;
        searched.bearing = weighed.bearing;
        searched.passages = retrieve::views(&read);
        draft.answer.abstained = !weighed.answers();
        if !draft.answer.abstained {
            let count = self.library().settings().answer.evidence;
            let best = weigh::distinct(&weighed.candidates, &read, count);
            draft.quote(cite(&best, &read));
            draft.answer.finding = weigh::verdict(asked, &best, &read);
        }
        draft.tell(searched, on_event);
        if let Some(generator) = generator
            && !draft.answer.abstained
            && draft.flow.is_continue()
        {
            self.phrase(generator, question, &read, draft, on_event)?;
        }
        Ok(())
    }
}

/// The sentences as citations, numbered in their order.
fn cite(candidates: &[Candidate], read: &[Read]) -> Vec<Citation> {
    let mut cited: Vec<Citation> = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let Read { view, document, .. } = &read[candidate.passage];
        let span = view.start + candidate.span.start..view.start + candidate.span.end;
        let number = cited.len() + 1;
        cited.extend(citation::cite(
            document,
            &view.path,
            span,
            view.number,
            number,
        ));
    }
    cited
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
