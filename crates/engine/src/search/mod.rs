//! Search: two retrievers, one ranking.
//!
//! `Question → Query → Hit`: what was typed is understood ([`Query`]), asked of the full-text
//! index and, by its meaning, of the vector table, and the two lists become one
//! ([`docent_core::fusion`]). The best of that are looked at more closely ([`rank`]), and each
//! hit tells by its [`Reason`]s why it stands where it stands.

mod around;
mod near;
mod rank;
mod reason;
mod tokens;

use std::ops::Range;
use std::path::PathBuf;
use std::time::Instant;

use docent_core::document::{Format, Locator};
use docent_core::evidence;
use docent_core::query::{BadValue, Correction, Filters, Query};
use serde::{Deserialize, Serialize};

use crate::collection::Collection;
use crate::error::EngineError;
use crate::stages::{Stages, timed};
pub use around::{Around, Surroundings};
use rank::Candidate;
pub use reason::{Reason, Signal};
pub(crate) use tokens::TokenCache;

/// Which retrievers are asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Both, fused.
    #[default]
    Hybrid,
    /// By meaning alone.
    Dense,
    /// By words alone.
    Lexical,
}

/// How closely the best candidates are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// By the two lists alone: fast enough to search while a person types.
    Quick,
    /// Token by token, and by the reranker where there is one.
    #[default]
    Full,
}

/// What is searched for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchRequest {
    /// What the person typed.
    pub query: String,
    /// Conditions on the documents beside those that were typed.
    pub filters: Filters,
    /// Which retrievers are asked.
    pub mode: Mode,
    /// How closely the best candidates are looked at.
    pub effort: Effort,
    /// At most so many hits.
    pub limit: usize,
}

/// A chunk that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// Path of the file, relative to its root, with `/`.
    pub path: String,
    /// The folder that the file lies in.
    pub root: PathBuf,
    /// The document in the store.
    pub document: i64,
    /// The document's title.
    pub title: Option<String>,
    /// The document's format.
    pub format: Format,
    /// Where the chunk stands.
    pub locator: Locator,
    /// The headings above it.
    pub heading_path: Vec<String>,
    /// Whether a reader of the original does not see it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// The chunk's text.
    pub text: String,
    /// First byte of the text in the document.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What hits are ordered by: the sum of the reasons' shares; with one retriever, its own.
    pub score: f32,
    /// Rank in the dense list, from 1.
    pub dense_rank: Option<usize>,
    /// Rank in the lexical list, from 1.
    pub lexical_rank: Option<usize>,
    /// Why it stands where it stands.
    pub reasons: Vec<Reason>,
    /// Index of the hit before it that says the same, where there is one.
    pub similar_to: Option<usize>,
    /// When the file was last changed, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// Bytes of the text that match the query's words.
    pub matched: Vec<Range<usize>>,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SearchResults {
    /// The hits, best first.
    pub hits: Vec<Hit>,
    /// Documents that were searched.
    pub documents: u64,
    /// Whether every chunk can be found by its meaning yet.
    pub vectors_complete: bool,
    /// Time it took.
    pub millis: f64,
    /// Where that time went.
    pub stages: Stages,
    /// How closely the best were looked at.
    pub effort: Effort,
    /// Words that no document has, and what was looked for instead.
    pub corrections: Vec<Correction>,
    /// What a field was given and does not know, and was searched for as a word.
    pub unknown: Vec<BadValue>,
}

impl SearchResults {
    /// What a person should know of how the query was understood, a sentence each.
    pub fn notes(&self) -> Vec<String> {
        let unknown = self
            .unknown
            .iter()
            .map(|bad| format!("{bad}. Searched for as a word."));
        let corrected = self.corrections.iter().map(Correction::to_string);
        unknown.chain(corrected).collect()
    }
}

impl Collection {
    /// Searches the collection.
    ///
    /// # Errors
    /// When the index or the embedder fails. No query is an error.
    pub fn search(&self, request: &SearchRequest) -> Result<SearchResults, EngineError> {
        let mut query = Query::parse(&request.query);
        query.filters.extend(&request.filters);
        self.find_hits(query, request.mode, request.effort, request.limit)
    }

    /// Searches the collection for a query that is understood already.
    ///
    /// # Errors
    /// As [`Collection::search`].
    pub(crate) fn find_hits(
        &self,
        query: Query,
        mode: Mode,
        effort: Effort,
        limit: usize,
    ) -> Result<SearchResults, EngineError> {
        let began = Instant::now();
        let (query, corrections) = self.reader().spelled(query)?;
        let mut stages = Stages::default();
        let mut ranked = self.rank(&query, mode, effort, limit, &mut stages)?;
        ranked.truncate(limit);
        let tried = corrections.iter().flat_map(|correction| &correction.tried);
        let words = tried.fold(query.plain.clone(), |words, tried| words + " " + tried);
        let hits = timed(&mut stages.join_ms, || {
            let similar = near::group(&mut ranked);
            let ranked = ranked.into_iter().zip(similar);
            ranked
                .map(|(candidate, similar_to)| hit(candidate, similar_to, &words))
                .collect()
        });
        let standing = self.standing()?;
        Ok(SearchResults {
            hits,
            documents: standing.documents,
            vectors_complete: standing.embedded >= 1.0,
            millis: began.elapsed().as_secs_f64() * 1e3,
            stages,
            effort,
            corrections,
            unknown: query.unknown,
        })
    }
}

fn hit(candidate: Candidate, similar_to: Option<usize>, words: &str) -> Hit {
    let score = candidate.score();
    let chunk = candidate.chunk;
    Hit {
        root: chunk.root,
        path: chunk.path,
        document: chunk.document.0,
        title: chunk.title,
        format: chunk.format,
        locator: chunk.chunk.locator,
        heading_path: chunk.chunk.heading_path,
        hidden: chunk.chunk.hidden,
        matched: evidence::matches(words, &chunk.text),
        text: chunk.text,
        start: chunk.chunk.span.start,
        end: chunk.chunk.span.end,
        score,
        dense_rank: candidate.dense_rank,
        lexical_rank: candidate.lexical_rank,
        reasons: candidate.reasons,
        similar_to,
        modified_ns: chunk.modified_ns,
    }
}
