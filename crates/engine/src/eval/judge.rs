//! Asking the questions of a set, and comparing what comes with what is known.

use std::ops::ControlFlow;

use docent_core::answer::Answer;
use docent_core::citation::Citation;
use docent_core::evidence::Bearing;
use docent_core::model::Generator;
use docent_core::quality::{self, EVIDENCE_DEPTH, distinct, holds_words};
use serde::{Deserialize, Serialize};

use super::set::Known;
use crate::ask::Question;
use crate::collection::Collection;
use crate::error::EngineError;
use crate::event::{AskEvent, Timings};
use crate::search::{Hit, Mode, SearchRequest};
use crate::stages::Stages;

/// Quoted sentences that a person reads before giving up.
const QUOTES_READ: usize = 3;

/// A question of a set with what came of it: a line of a run that is saved.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// The query's own id.
    pub id: String,
    /// What was asked.
    pub text: String,
    /// Whether the documents answer it.
    pub answerable: bool,
    /// What was found, best first.
    pub hits: Vec<JudgedHit>,
    /// How the documents were ranked; absent where none is relevant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranking: Option<JudgedRanking>,
    /// Whether one of the first eight hits holds the evidence; absent where none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<bool>,
    /// Where the time of the search went.
    #[serde(default)]
    pub stages: Stages,
    /// All of that time, in milliseconds.
    #[serde(default)]
    pub search_ms: f64,
    /// What was answered, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<JudgedAnswer>,
}

/// A hit of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JudgedHit {
    /// The document's path below the corpus.
    pub path: String,
    /// The chunk.
    pub text: String,
    /// What hits are ordered by.
    pub score: f32,
    /// Its rank by meaning.
    pub dense_rank: Option<usize>,
    /// Its rank by words.
    pub lexical_rank: Option<usize>,
}

/// How the documents of a query were ranked: [`quality::Ranking`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct JudgedRanking {
    /// nDCG@10.
    pub ndcg: f64,
    /// Recall@10.
    pub recall: f64,
    /// Reciprocal rank within the first ten.
    pub reciprocal_rank: f64,
    /// Rank of the first relevant document, from 1.
    pub first_relevant: Option<usize>,
}

impl From<quality::Ranking> for JudgedRanking {
    fn from(ranking: quality::Ranking) -> JudgedRanking {
        JudgedRanking {
            ndcg: ranking.ndcg,
            recall: ranking.recall,
            reciprocal_rank: ranking.reciprocal_rank,
            first_relevant: ranking.first_relevant,
        }
    }
}

/// An answer of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JudgedAnswer {
    /// The answer as text.
    pub text: String,
    /// Whether docent said that it found nothing.
    pub abstained: bool,
    /// The documents that it cites.
    pub cited: Vec<String>,
    /// Of those, how many are relevant.
    pub cited_gold: usize,
    /// Quotes in it.
    pub quotes: usize,
    /// Quotes that stand in their document, byte by byte, at the offsets that are given.
    pub quotes_verified: usize,
    /// The place, from 1, of the first quoted sentence that holds an answer.
    pub first_holding: Option<usize>,
    /// Whether the words of an answer are known, so that they can be looked for.
    pub has_words: bool,
    /// The logarithm of the odds, as docent sees them, that the documents answer the question;
    /// absent where every document was looked at instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_odds: Option<f64>,
    /// What it cost.
    pub timings: Timings,
}

impl JudgedAnswer {
    /// Whether one of the first `sentences` quoted ones holds an answer.
    pub fn holds_within(&self, sentences: usize) -> bool {
        self.first_holding.is_some_and(|place| place <= sentences)
    }

    /// Whether one of the first three quoted sentences holds an answer.
    pub fn holds_early(&self) -> bool {
        self.holds_within(QUOTES_READ)
    }
}

impl Collection {
    /// Searches for a question of a set and judges the hits.
    ///
    /// # Errors
    /// When the index or the embedder fails.
    pub fn judge_search(
        &self,
        known: &Known,
        mode: Mode,
        limit: usize,
    ) -> Result<Judged, EngineError> {
        let results = self.search(&SearchRequest {
            query: known.text.clone(),
            mode,
            limit,
            ..SearchRequest::default()
        })?;
        let paths = results.hits.iter().map(|hit| hit.path.as_str());
        let ranking = quality::ranking(paths, &known.relevance);
        let read = &results.hits[..results.hits.len().min(EVIDENCE_DEPTH)];
        let is_proved = || read.iter().any(|hit| known.evidence.is_in(&hit.text));
        Ok(Judged {
            id: known.id.clone(),
            text: known.text.clone(),
            answerable: known.answerable,
            ranking: ranking.map(JudgedRanking::from),
            evidence: (!known.evidence.is_empty()).then(is_proved),
            stages: results.stages,
            search_ms: results.millis,
            hits: results.hits.into_iter().map(judged_hit).collect(),
            answer: None,
        })
    }

    /// Answers a question of a set and judges the answer; without a generator by quotes alone.
    ///
    /// # Errors
    /// When the question could not be answered.
    pub fn judge_answer(
        &self,
        generator: Option<&dyn Generator>,
        known: &Known,
    ) -> Result<JudgedAnswer, EngineError> {
        let question = Question {
            text: known.text.clone(),
            ..Question::default()
        };
        let (mut last, mut log_odds) = (None, None);
        self.ask(generator, &question, &mut |event| {
            if let AskEvent::Searched(searched) = &event
                && searched.bearing != Bearing::default()
            {
                log_odds = Some(f64::from(searched.bearing.log_odds()));
            }
            if matches!(event, AskEvent::Finished(..) | AskEvent::Failed(_)) {
                last = Some(event);
            }
            ControlFlow::Continue(())
        });
        match last {
            Some(AskEvent::Finished(answer, timings)) => Ok(JudgedAnswer {
                log_odds,
                ..self.judged(&answer, timings, known)?
            }),
            Some(AskEvent::Failed(reason)) => Err(EngineError::Unanswered { reason }),
            _ => Err(EngineError::Unanswered {
                reason: "the answer has no end".into(),
            }),
        }
    }

    fn judged(
        &self,
        answer: &Answer,
        timings: Timings,
        known: &Known,
    ) -> Result<JudgedAnswer, EngineError> {
        let cited = distinct(answer.citations.iter().map(|c| c.path.as_str()));
        let mut quotes_verified = 0;
        for citation in &answer.citations {
            quotes_verified += usize::from(self.verifies(citation)?);
        }
        let quote_of = |number: &usize| answer.citations.iter().find(|c| c.number == *number);
        let quoted = answer.evidence.iter().filter_map(quote_of);
        let first_holding = quoted
            .zip(1..)
            .find(|(c, _)| {
                known
                    .answers
                    .iter()
                    .any(|words| holds_words(&c.quote, words))
            })
            .map(|(_, place)| place);
        Ok(JudgedAnswer {
            text: answer.to_text(),
            abstained: answer.abstained,
            cited_gold: cited.iter().filter(|path| known.is_gold(path)).count(),
            cited: cited.into_iter().map(str::to_owned).collect(),
            quotes: answer.citations.len(),
            quotes_verified,
            log_odds: None,
            first_holding,
            has_words: !known.answers.is_empty(),
            timings,
        })
    }

    /// Whether a quote stands in its document at the offsets that are given.
    fn verifies(&self, citation: &Citation) -> Result<bool, EngineError> {
        let found = self.find(&citation.path)?;
        Ok(found.iter().any(|view| {
            let stands = view.document.text.get(citation.start..citation.end);
            view.path == citation.path && stands == Some(citation.quote.as_str())
        }))
    }
}

fn judged_hit(hit: Hit) -> JudgedHit {
    JudgedHit {
        path: hit.path,
        text: hit.text,
        score: hit.score,
        dense_rank: hit.dense_rank,
        lexical_rank: hit.lexical_rank,
    }
}
