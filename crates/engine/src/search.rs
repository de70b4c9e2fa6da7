//! Search: two retrievers, one ranking.
//!
//! `Question → Query → Hit`: what was typed is understood ([`Query`]), asked of the full-text
//! index and, by its meaning, of the vector table, and the two lists become one
//! ([`docent_core::fusion`]).

use std::ops::Range;
use std::path::PathBuf;
use std::time::Instant;

use docent_core::document::{Format, Locator};
use docent_core::evidence;
use docent_core::fusion::{self, Fused, Scored};
use docent_core::query::Query;
use docent_store::{ChunkId, StoredChunk};
use serde::{Deserialize, Serialize};

use crate::collection::Collection;
use crate::error::EngineError;

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

/// What is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchRequest {
    /// What the person typed.
    pub query: String,
    /// Which retrievers are asked.
    pub mode: Mode,
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
    /// The fused score; with one retriever, its own.
    pub score: f32,
    /// Rank in the dense list, from 1.
    pub dense_rank: Option<usize>,
    /// Rank in the lexical list, from 1.
    pub lexical_rank: Option<usize>,
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
}

impl Collection {
    /// Searches the collection.
    ///
    /// # Errors
    /// When the index or the embedder fails. No query is an error.
    pub fn search(&self, request: &SearchRequest) -> Result<SearchResults, EngineError> {
        self.find_hits(&Query::parse(&request.query), request.mode, request.limit)
    }

    /// Searches the collection for a query that is understood already.
    pub(crate) fn find_hits(
        &self,
        query: &Query,
        mode: Mode,
        limit: usize,
    ) -> Result<SearchResults, EngineError> {
        let began = Instant::now();
        let ranked = self.rank(query, mode, limit)?;
        let hits = self.hits(&ranked, &query.plain, limit)?;
        let standing = self.standing()?;
        Ok(SearchResults {
            hits,
            documents: standing.documents,
            vectors_complete: standing.embedded >= 1.0,
            millis: began.elapsed().as_secs_f64() * 1e3,
        })
    }

    /// The fused ranking of chunks, best first.
    pub(crate) fn rank(
        &self,
        query: &Query,
        mode: Mode,
        limit: usize,
    ) -> Result<Vec<Fused<ChunkId>>, EngineError> {
        let settings = &self.library().settings().search;
        let candidates = settings.candidates.max(limit);
        let lexical = match mode {
            Mode::Dense => Vec::new(),
            _ => scored(self.reader().lexical(query, candidates)?),
        };
        let dense = match mode {
            Mode::Lexical => Vec::new(),
            _ => self.dense(query, candidates)?,
        };
        Ok(match mode {
            Mode::Hybrid => {
                let fusion = settings.fusion.trusting(self.dense_trust(query)?);
                fusion::fuse(&dense, &lexical, fusion)
            }
            Mode::Dense => alone(&dense, |rank| (Some(rank), None)),
            Mode::Lexical => alone(&lexical, |rank| (None, Some(rank))),
        })
    }

    /// The share of its weight that the dense list deserves. While vectors are being made, a
    /// chunk without one must not lose to one that has one: the list weighs as much as it
    /// covers. And it weighs as much as the embedder knows the question's words.
    fn dense_trust(&self, query: &Query) -> Result<f32, EngineError> {
        let familiarity = self.library().embedder().familiarity(&query.plain);
        Ok(self.standing()?.embedded * fusion::trust(familiarity))
    }

    fn dense(&self, query: &Query, candidates: usize) -> Result<Vec<Scored<ChunkId>>, EngineError> {
        if query.plain.trim().is_empty() || !self.reader().dense_ready()? {
            return Ok(Vec::new());
        }
        let vector = self.library().embedder().embed_query(&query.plain)?;
        Ok(scored(self.reader().dense(&vector, query, candidates)?))
    }

    /// The chunks of a ranking, with all that is shown of them.
    fn hits(
        &self,
        ranked: &[Fused<ChunkId>],
        words: &str,
        limit: usize,
    ) -> Result<Vec<Hit>, EngineError> {
        let best = &ranked[..ranked.len().min(limit)];
        let ids: Vec<ChunkId> = best.iter().map(|fused| fused.id).collect();
        let chunks = self.reader().chunks(&ids)?;
        // A chunk that died since it was ranked is not among them.
        let mut ranks = best.iter();
        Ok(chunks
            .into_iter()
            .filter_map(|chunk| {
                let fused = ranks.find(|fused| fused.id == chunk.id)?;
                Some(hit(chunk, fused, words))
            })
            .collect())
    }
}

fn hit(chunk: StoredChunk, fused: &Fused<ChunkId>, words: &str) -> Hit {
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
        score: fused.score,
        dense_rank: fused.dense_rank,
        lexical_rank: fused.lexical_rank,
    }
}

/// A retriever's list as fusion takes it.
fn scored(found: Vec<docent_store::Scored>) -> Vec<Scored<ChunkId>> {
    let scored = |found: docent_store::Scored| Scored {
        id: found.chunk,
        score: found.score,
    };
    found.into_iter().map(scored).collect()
}

/// One retriever's list as a ranking.
fn alone(
    list: &[Scored<ChunkId>],
    ranks: impl Fn(usize) -> (Option<usize>, Option<usize>),
) -> Vec<Fused<ChunkId>> {
    list.iter()
        .enumerate()
        .map(|(index, scored)| {
            let (dense_rank, lexical_rank) = ranks(index + 1);
            Fused {
                id: scored.id,
                score: scored.score,
                dense_rank,
                lexical_rank,
            }
        })
        .collect()
}
