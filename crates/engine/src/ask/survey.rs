//! Lists and counts: a question that every document of the scope is asked.
//!
//! What is decided, and how, follows from the question's words ([`question::condition`]): a
//! document *mentions* something when it holds the very words; it is *about* something when its
//! title, a heading or a good part of its passages hold them; it *says* something when one of its
//! sentences bears on it, by the same rule that decides whether a question can be answered at
//! all. No model writes: each decision rests on a quote.

use std::collections::HashMap;

use docent_core::answer::{Survey, SurveyRow};
use docent_core::citation;
use docent_core::evidence::{self, Bearing, Candidate, WeightedTerms};
use docent_core::query::Query;
use docent_core::question::{self, Condition, Kind, Test};
use docent_core::sentence;
use docent_core::wording::{self, Concept};
use docent_store::{ChunkId, DocumentId, StoredChunk};

use super::retrieve::{self, Asked};
use super::{Draft, OnEvent, Read, weigh};
use crate::collection::Collection;
use crate::error::EngineError;
use crate::event::AskEvent;
use crate::search::SearchResults;
use crate::stages::Stages;

/// Chunks of a document that are read for a sentence that says it, at most.
const CHUNKS_READ: usize = 4;
/// Sentences of a document that are weighed, at most.
const SENTENCES_WEIGHED: usize = 8;
/// Chunks that are ranked by meaning over the whole scope, at most.
const MAX_RANKED: usize = 50_000;
/// A document is about something when so many of its passages hold it…
const ABOUT_PASSAGES: usize = 3;
/// …or this share of them.
const ABOUT_SHARE: f32 = 0.34;

/// What is asked of each document.
struct Inquiry {
    condition: Condition,
    terms: WeightedTerms,
    /// The condition's words, without common endings.
    words: Vec<String>,
    /// Names in the condition: a sentence that says it holds them too.
    names: Vec<String>,
    concept: Option<&'static Concept>,
    /// How near each chunk is to the condition.
    nearness: HashMap<ChunkId, f32>,
}

/// A document's sentence that decides, and what it says.
struct Finding {
    chunk: StoredChunk,
    candidate: Candidate,
}

impl Collection {
    /// Looks at every document in scope and tells which match.
    pub(super) fn survey(
        &self,
        asked: &Asked,
        draft: &mut Draft,
        on_event: &mut OnEvent<'_>,
    ) -> Result<(), EngineError> {
        let scope = self.reader().documents(&asked.query.filters)?;
        let inquiry = self.inquire(asked)?;
        let mut survey = Survey {
            condition: inquiry.condition.text.clone(),
            in_scope: scope.len(),
            ..Survey::default()
        };
        let mut read: Vec<Read> = Vec::new();
        for document in &scope {
            let total = scope.len();
            let done = survey.looked_at;
            draft.flow = on_event(AskEvent::Looking { done, total });
            if draft.flow.is_break() {
                break;
            }
            let chunks = self.reader().chunks_of(*document)?;
            let Some(path) = chunks.first().map(|chunk| chunk.path.clone()) else {
                // Nothing in it can be read, which is looked at soon enough.
                survey.looked_at += 1;
                continue;
            };
            let found = self.decide(&inquiry, chunks)?;
            let matches = found.is_some() != inquiry.condition.negated;
            let cited = match found.filter(|_| matches) {
                Some(found) => self.quote_found(&found, *document, &mut read, draft)?,
                None => None,
            };
            survey.looked_at += 1;
            survey.matching += usize::from(matches);
            survey.rows.push(SurveyRow {
                path,
                matches,
                citation: cited,
            });
        }
        survey
            .rows
            .sort_by(|a, b| (!a.matches, &a.path).cmp(&(!b.matches, &b.path)));
        let mut searched = self.searched(asked, &self.standing_results()?)?;
        searched.documents = survey.looked_at as u64;
        searched.passages = retrieve::views(&read);
        draft.answer.evidence = draft.answer.citations.iter().map(|c| c.number).collect();
        draft.answer.abstained = survey.matching == 0 && asked.kind == Kind::List;
        draft.answer.finding = Some(told(&survey, &inquiry.condition, self.unread()?));
        draft.answer.survey = Some(survey);
        let flow = draft.flow;
        draft.tell(searched, on_event);
        if flow.is_break() {
            draft.flow = flow;
        }
        Ok(())
    }

    /// What the question asks of each document.
    fn inquire(&self, asked: &Asked) -> Result<Inquiry, EngineError> {
        let condition = question::condition(&asked.reading.asked);
        let concept = wording::concept(&condition.text);
        let mut nearness = HashMap::new();
        if condition.test == Test::Says {
            let query = Query {
                filters: asked.query.filters.clone(),
                ..Query::default()
            };
            let stages = &mut Stages::default();
            let ranked = self.nearest(&condition.text, &query, MAX_RANKED, stages)?;
            nearness.extend(
                ranked
                    .into_iter()
                    .map(|scored| (scored.chunk, scored.score)),
            );
        }
        Ok(Inquiry {
            terms: self.weighted(&condition.text),
            words: evidence::terms(&condition.text),
            names: condition.names(),
            concept,
            nearness,
            condition,
        })
    }

    /// The sentence for which a document matches.
    fn decide(
        &self,
        inquiry: &Inquiry,
        mut chunks: Vec<StoredChunk>,
    ) -> Result<Option<Finding>, EngineError> {
        chunks.retain(|chunk| !chunk.chunk.hidden);
        Ok(match inquiry.condition.test {
            Test::Mentions => mention(inquiry, chunks),
            Test::About => topic(inquiry, chunks),
            Test::Says => self.statement(inquiry, chunks)?,
        })
    }

    /// The sentence that says it best, if the document bears on it.
    fn statement(
        &self,
        inquiry: &Inquiry,
        mut chunks: Vec<StoredChunk>,
    ) -> Result<Option<Finding>, EngineError> {
        let near = |chunk: &StoredChunk| inquiry.nearness.get(&chunk.id).copied().unwrap_or(0.0);
        let promise =
            |chunk: &StoredChunk| near(chunk) + inquiry.terms.coverage(&with_place(chunk));
        if inquiry.concept.is_none() {
            chunks.sort_by(|a, b| promise(b).total_cmp(&promise(a)));
            chunks.truncate(CHUNKS_READ);
        }
        let mut weighed: Vec<(usize, Candidate)> = Vec::new();
        for (at, chunk) in chunks.iter().enumerate() {
            let context = inquiry.terms.coverage(&with_place(chunk));
            for span in sentence::sentences(&chunk.text) {
                let text = &chunk.text[span.clone()];
                let is_worded = inquiry.concept.is_some_and(|concept| concept.is_in(text));
                let is_open = inquiry.concept.is_none() || is_worded;
                if is_open && weigh::states(text) && holds_names(inquiry, chunk, &span) {
                    let candidate = Candidate {
                        span,
                        coverage: inquiry.terms.coverage(text),
                        context,
                        is_worded,
                        ..Candidate::default()
                    };
                    weighed.push((at, candidate));
                }
            }
        }
        weighed.sort_by(|a, b| b.1.first_score().total_cmp(&a.1.first_score()));
        weighed.truncate(SENTENCES_WEIGHED);
        let Some((at, candidate, bearing)) = self.best_statement(inquiry, &chunks, weighed)? else {
            return Ok(None);
        };
        let is_said = inquiry.concept.is_some() || bearing.is_enough();
        Ok(is_said.then(|| Finding {
            chunk: chunks.swap_remove(at),
            candidate,
        }))
    }

    fn best_statement(
        &self,
        inquiry: &Inquiry,
        chunks: &[StoredChunk],
        weighed: Vec<(usize, Candidate)>,
    ) -> Result<Option<(usize, Candidate, Bearing)>, EngineError> {
        if weighed.is_empty() {
            return Ok(None);
        }
        let texts: Vec<(&str, Candidate)> = weighed
            .iter()
            .map(|(at, candidate)| {
                let text = &chunks[*at].text[candidate.span.clone()];
                (text, candidate.clone())
            })
            .collect();
        let (judged, bearing) = self.judge(&inquiry.condition.text, inquiry.concept, &texts)?;
        let best = judged
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.score().total_cmp(&b.1.score()).then(b.0.cmp(&a.0)));
        Ok(best.map(|(index, candidate)| (weighed[index].0, candidate.clone(), bearing)))
    }

    /// Cites the sentence; its chunk becomes a passage.
    fn quote_found(
        &self,
        found: &Finding,
        document: DocumentId,
        read: &mut Vec<Read>,
        draft: &mut Draft,
    ) -> Result<Option<usize>, EngineError> {
        let before = read.len();
        self.add_chunk(&found.chunk, read)?;
        // Deleted since it was looked at.
        let Some(passage) = read
            .get(before)
            .filter(|read| read.view.document == document.0)
        else {
            return Ok(None);
        };
        let span = passage.view.start + found.candidate.span.start
            ..passage.view.start + found.candidate.span.end;
        let number = draft.answer.citations.len() + 1;
        let view = &passage.view;
        let cited = citation::cite(&passage.document, &view.path, span, view.number, number);
        Ok(cited.map(|citation| {
            let path = citation.path.clone();
            draft.answer.labels.insert(number, path);
            draft.answer.citations.push(citation);
            number
        }))
    }

    /// How many files could not be read.
    fn unread(&self) -> Result<u64, EngineError> {
        Ok(self.reader().status()?.failed)
    }

    /// What every search tells, without hits.
    fn standing_results(&self) -> Result<SearchResults, EngineError> {
        let standing = self.standing()?;
        Ok(SearchResults {
            documents: standing.documents,
            vectors_complete: standing.embedded >= 1.0,
            ..SearchResults::default()
        })
    }
}

/// A sentence that holds the condition's words; the whole phrase before the words alone.
fn mention(inquiry: &Inquiry, chunks: Vec<StoredChunk>) -> Option<Finding> {
    let phrase = inquiry.condition.text.to_lowercase();
    let mut best: Option<(bool, usize, std::ops::Range<usize>)> = None;
    for (at, chunk) in chunks.iter().enumerate() {
        if !inquiry.words.iter().all(|word| may_hold(&chunk.text, word)) {
            continue;
        }
        for span in sentence::sentences(&chunk.text) {
            let text = &chunk.text[span.clone()];
            let held = evidence::terms(text);
            if inquiry.words.is_empty() || !inquiry.words.iter().all(|word| held.contains(word)) {
                continue;
            }
            let is_phrase = text.to_lowercase().contains(&phrase);
            if best.as_ref().is_none_or(|(known, ..)| is_phrase && !known) {
                best = Some((is_phrase, at, span));
            }
        }
    }
    found(chunks, best.map(|(_, at, span)| (at, span)))
}

/// Whether a text may hold a word, before it is taken apart: endings change, beginnings do not.
fn may_hold(text: &str, word: &str) -> bool {
    let beginning: String = word.chars().take(3).collect();
    text.to_lowercase().contains(&beginning)
}

/// The first sentence with the condition's words, in a document that is about them.
fn topic(inquiry: &Inquiry, chunks: Vec<StoredChunk>) -> Option<Finding> {
    let all = |text: &str| {
        let held = evidence::terms(text);
        !inquiry.words.is_empty() && inquiry.words.iter().all(|word| held.contains(word))
    };
    let first = chunks.first()?;
    let name = format!(
        "{} {}",
        first.title.as_deref().unwrap_or(""),
        first.path.replace(['-', '_', '/', '.'], " ")
    );
    let headed = |chunk: &StoredChunk| chunk.chunk.heading_path.iter().any(|heading| all(heading));
    let holding = chunks.iter().filter(|chunk| all(&chunk.text)).count();
    let is_topic = all(&name)
        || chunks.iter().any(headed)
        || holding >= ABOUT_PASSAGES
        || holding as f32 >= ABOUT_SHARE * chunks.len() as f32 && holding > 0;
    if !is_topic {
        return None;
    }
    let spans = chunks.iter().enumerate().flat_map(|(at, chunk)| {
        let spans = sentence::sentences(&chunk.text).into_iter();
        spans.map(move |span| (at, span))
    });
    let mut first = None;
    let mut best = None;
    for (at, span) in spans {
        let text = &chunks[at].text[span.clone()];
        if weigh::states(text) {
            if all(text) {
                best = Some((at, span));
                break;
            }
            first.get_or_insert((at, span));
        }
    }
    found(chunks, best.or(first))
}

fn found(
    mut chunks: Vec<StoredChunk>,
    place: Option<(usize, std::ops::Range<usize>)>,
) -> Option<Finding> {
    let (at, span) = place?;
    Some(Finding {
        chunk: chunks.swap_remove(at),
        candidate: Candidate {
            span,
            ..Candidate::default()
        },
    })
}

/// Whether the sentence and its neighbours hold the condition's names.
fn holds_names(inquiry: &Inquiry, chunk: &StoredChunk, span: &std::ops::Range<usize>) -> bool {
    if inquiry.names.is_empty() {
        return true;
    }
    let spans = sentence::sentences(&chunk.text);
    let at = spans.iter().position(|other| other == span).unwrap_or(0);
    let last = (at + 1).min(spans.len().saturating_sub(1));
    let Some(around) = spans.get(at.saturating_sub(1)).zip(spans.get(last)) else {
        return false;
    };
    let held = evidence::terms(&chunk.text[around.0.start..around.1.end]);
    inquiry.names.iter().all(|name| held.contains(name))
}

/// A chunk with the words that say what it is part of.
fn with_place(chunk: &StoredChunk) -> String {
    let title = chunk.title.as_deref().unwrap_or("");
    format!(
        "{title} {} {}",
        chunk.chunk.heading_path.join(" "),
        chunk.text
    )
}

/// "Looked at 60 of 60 documents: 14 match."
fn told(survey: &Survey, condition: &Condition, unread: u64) -> String {
    let documents = if survey.in_scope == 1 {
        "document"
    } else {
        "documents"
    };
    let matching = match survey.matching {
        0 => "none matches".to_owned(),
        1 => "1 matches".to_owned(),
        many => format!("{many} match"),
    };
    let without = if condition.negated {
        " (without it)"
    } else {
        ""
    };
    let mut text = format!(
        "Looked at {} of {} {documents}: {matching}{without}.",
        survey.looked_at, survey.in_scope
    );
    if unread > 0 {
        let files = if unread == 1 { "file" } else { "files" };
        text.push_str(&format!(" {unread} {files} could not be read."));
    }
    text
}
