//! From a question to passages: where to look, what for, and what stands there.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use docent_core::document::Document;
use docent_core::evidence::{self, WeightedTerms};
use docent_core::followup;
use docent_core::passage::{self, Found};
use docent_core::query::{self, Correction, Filters, Query};
use docent_core::question::{self, Kind, Reading};
use docent_store::{DocumentId, StoredDocument};

use super::{Earlier, Question, Read};
use crate::collection::Collection;
use crate::error::EngineError;
use crate::event::{PassageView, Searched, SearchedTerm};
use crate::search::{Effort, Hit, Mode, SearchResults};

/// A passage is not joined beyond this.
const MAX_PASSAGE_BYTES: usize = 1_400;
/// Documents of which the names are compared with a question's place, at most.
const MAX_PLACES: usize = 8;
/// A place is recognised when a document's name and beginning hold this share of its words.
const PLACE_KNOWN: f32 = 0.6;
/// A document's name and its beginning: where it says what it is.
const BEGINNING_BYTES: usize = 2_000;
/// Both retrievers agree on a passage that each has among so many of its best.
const AGREED_RANK: usize = 5;
/// Terms that are told as searched for, at most.
const MAX_TERMS: usize = 12;

/// A question, understood and placed.
pub(super) struct Asked {
    /// The kind of answer.
    pub(super) kind: Kind,
    /// What its words say.
    pub(super) reading: Reading,
    /// What is searched for.
    pub(super) query: Query,
    /// The same in words, for people.
    pub(super) words: String,
    /// Words that no document has, and what is looked for instead.
    pub(super) corrections: Vec<Correction>,
    /// What earlier answers rested on.
    pub(super) earlier: Vec<Earlier>,
}

impl Collection {
    /// Understands a question: fills in what the conversation has said, parts filters and place
    /// from what is asked, and finds the documents that the place names.
    pub(super) fn understand(&self, question: &Question) -> Result<Asked, EngineError> {
        let turns: Vec<followup::Turn<'_>> = question
            .history
            .iter()
            .map(|turn| followup::Turn {
                question: &turn.question,
                answer: &turn.answer,
            })
            .collect();
        let words = match asks_of_everything(&question.text) {
            // What the conversation was about is not what this is about.
            true => question.text.clone(),
            false => followup::standalone(&question.text, &turns),
        };
        let is_follow_up = words != question.text;
        let mut query = Query::parse(&words);
        query.filters.extend(&question.filters);
        let (mut query, corrections) = self.reader().spelled(query)?;
        let plain = match query.filters.is_empty() {
            true => words.clone(),
            false => query.plain.clone(),
        };
        let reading = question::read(&query::corrected(&plain, &corrections));
        if let Some(place) = &reading.place {
            let named = self.named(place, &query.filters)?;
            if !named.is_empty() {
                let filters = Filters {
                    documents: named,
                    ..query.filters
                };
                query = Query {
                    filters,
                    ..Query::parse(&reading.about)
                };
            }
        }
        let earlier = question.history.last().filter(|_| is_follow_up);
        Ok(Asked {
            kind: question.kind.unwrap_or(reading.kind),
            reading,
            query,
            words,
            corrections,
            earlier: earlier.map_or_else(Vec::new, |turn| turn.evidence.clone()),
        })
    }

    /// The documents that a place ("Consider the lease between Ames and Bell") names: those whose
    /// path, title and beginning hold most of its words. Empty when none is recognised.
    pub(super) fn named(&self, place: &str, filters: &Filters) -> Result<Vec<i64>, EngineError> {
        let query = Query {
            filters: filters.clone(),
            ..Query::parse(place)
        };
        let found = self.find_hits(query.clone(), Mode::Hybrid, Effort::Full, MAX_PLACES * 4)?;
        let terms = self.weighted(place);
        let mut seen = HashSet::new();
        let mut known: Vec<(f32, i64)> = Vec::new();
        for hit in found.hits {
            if seen.len() == MAX_PLACES || !seen.insert(hit.document) {
                continue;
            }
            let Some(stored) = self.reader().document(DocumentId(hit.document))? else {
                continue;
            };
            let text = &stored.document.text;
            let beginning = &text[..text.floor_char_boundary(BEGINNING_BYTES)];
            let title = stored.document.title.as_deref().unwrap_or("");
            let share = terms.coverage(&format!("{} {title} {beginning}", stored.path));
            if share >= PLACE_KNOWN {
                known.push((share, hit.document));
            }
        }
        let best = known.iter().map(|(share, _)| *share).fold(0.0, f32::max);
        Ok(known
            .into_iter()
            .filter(|(share, _)| *share >= best)
            .map(|(_, document)| document)
            .collect())
    }

    /// The words of a text, each weighing as much as it is rare in the collection.
    pub(super) fn weighted(&self, text: &str) -> WeightedTerms {
        WeightedTerms::of(text, |term| self.rarity(term))
    }

    /// Searches for the question and widens what was found to passages.
    pub(super) fn retrieve(&self, asked: &Asked) -> Result<(Searched, Vec<Read>), EngineError> {
        let limit = self.library().settings().answer.passages;
        let results = self.find_hits(asked.query.clone(), Mode::Hybrid, Effort::Full, limit * 2)?;
        let searched = self.searched(asked, &results)?;
        // What a reader of the original does not see is shown to no model.
        let mut hits = results.hits;
        hits.retain(|hit| !hit.hidden);
        if asked.kind == Kind::Definition
            && let Some(name) = question::identifier(&asked.reading.asked)
        {
            // Stable: among the definitions, and among the others, the better stays first.
            hits.sort_by_key(|hit| !question::defines(&hit.text, name));
        }
        let mut read = self.passages(&hits, limit)?;
        self.recall(&asked.earlier, &mut read)?;
        Ok((searched, read))
    }

    /// What is told of a search.
    pub(super) fn searched(
        &self,
        asked: &Asked,
        results: &SearchResults,
    ) -> Result<Searched, EngineError> {
        let documents = match asked.query.filters.is_empty() {
            true => results.documents,
            false => self.reader().documents(&asked.query.filters)?.len() as u64,
        };
        let mut notes: Vec<String> = asked
            .corrections
            .iter()
            .map(Correction::to_string)
            .collect();
        notes.extend(results.notes());
        let reader = self.reader();
        let terms = evidence::terms(&asked.reading.about).into_iter();
        let terms = terms.take(MAX_TERMS).map(|term| {
            let passages = reader.chunk_frequency(&term)?;
            Ok(SearchedTerm { term, passages })
        });
        Ok(Searched {
            kind: asked.kind,
            query: asked.words.clone(),
            terms: terms.collect::<Result<_, EngineError>>()?,
            notes,
            documents,
            vectors_complete: results.vectors_complete,
            ..Searched::default()
        })
    }

    /// What earlier answers rested on, where it is not among the passages already.
    fn recall(&self, earlier: &[Earlier], read: &mut Vec<Read>) -> Result<(), EngineError> {
        for past in earlier {
            let is_read = |read: &Read| {
                let view = &read.view;
                view.document == past.document && view.start <= past.start && past.end <= view.end
            };
            if read.iter().any(is_read) {
                continue;
            }
            let Some(stored) = self.reader().document(DocumentId(past.document))? else {
                continue;
            };
            read.extend(Read::at(stored, past.start..past.end, read.len() + 1));
        }
        Ok(())
    }

    pub(super) fn passages(&self, hits: &[Hit], limit: usize) -> Result<Vec<Read>, EngineError> {
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
            read.push(Read {
                view,
                document,
                by_both: [hit.dense_rank, hit.lexical_rank]
                    .iter()
                    .all(|rank| rank.is_some_and(|rank| rank <= AGREED_RANK)),
            });
        }
        Ok(read)
    }
}

/// Whether a summary of all there is is asked for.
fn asks_of_everything(question: &str) -> bool {
    let reading = question::read(question);
    reading.kind == Kind::Summary
        && question::is_everything(&question::summary_subject(&reading.about))
}

impl Read {
    /// A stretch of a document as a passage; `None` where the document has no such stretch.
    pub(super) fn at(stored: StoredDocument, span: Range<usize>, number: usize) -> Option<Read> {
        let document = Arc::new(stored.document);
        let view = PassageView {
            number,
            document: stored.id.0,
            path: stored.path,
            title: document.title.clone(),
            format: document.format,
            locator: document.locate(span.clone())?,
            heading_path: Vec::new(),
            text: document.text.get(span.clone())?.to_owned(),
            start: span.start,
            end: span.end,
            score: 0.0,
        };
        Some(Read {
            view,
            document,
            by_both: false,
        })
    }
}

/// What is shown of passages.
pub(super) fn views(read: &[Read]) -> Vec<PassageView> {
    read.iter().map(|read| read.view.clone()).collect()
}
