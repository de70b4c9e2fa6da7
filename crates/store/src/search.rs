//! One search over both indexes: every hit is joined to the catalog's live rows.
//!
//! The catalog is read in one transaction from beginning to end, so that what is live cannot
//! change under a search. The indexes may hold more than is live (what just died, what is about
//! to live), never less; so a few more hits are asked for than are wanted, and more again in the
//! rare case that too many of them were dead.

use std::collections::HashSet;

use docent_core::query::{self, Correction, Query};
use roaring::RoaringTreemap;
use rusqlite::Connection;

use crate::catalog::schema::{self, State};
use crate::catalog::sets::VectorSet;
use crate::catalog::{Failure, chunks};
use crate::error::StoreError;
use crate::id::ChunkId;
use crate::reader::{Reader, Scored};
use crate::text::{AllowedDocuments, TextView};
use crate::vectors::Restriction;

/// Hits asked for beyond those wanted.
const SLACK: usize = 32;

/// How often a search begins again because a commit came between.
const MAX_ATTEMPTS: usize = 10;

/// A question's vector, and the embedder that made it.
#[derive(Clone, Copy)]
struct QuestionVector<'a> {
    fingerprint: &'a str,
    vector: &'a [f32],
}

impl Reader {
    /// The best chunks by their words (BM25), best first. Filters and strict conditions hold for
    /// every one of them. A query of filters alone finds chunks of any document that passes.
    ///
    /// # Errors
    /// When the catalog or the full-text index cannot be read.
    pub fn lexical(&self, query: &Query, limit: usize) -> Result<Vec<Scored>, StoreError> {
        self.with_text(|catalog, state, view| {
            let allowed = self.allowed(catalog, state.revision, &query.filters)?;
            let nothing_passes = allowed.as_deref().is_some_and(RoaringTreemap::is_empty);
            let nothing_asked = query.text.is_empty() && allowed.is_none();
            if limit == 0 || nothing_passes || nothing_asked {
                return Ok(Vec::new());
            }
            let find = |count: usize| match query.text.is_empty() {
                true => view.any(allowed.as_ref(), count),
                false => view.best(&query.text, allowed.as_ref(), count),
            };
            let is_live = |chunk| Ok(chunks::live_document(catalog, chunk)?.is_some());
            live_hits(limit, find, is_live)
        })
    }

    /// The nearest chunks to a question's vector, best first; the score is the cosine. The
    /// query's filters and strict conditions hold for every one of them.
    ///
    /// `None` when the vectors that are searched are not those of the embedder with this
    /// `fingerprint`, perhaps since a moment ago: see [`Reader::embedder`].
    ///
    /// # Errors
    /// When the vector has the wrong length, or the catalog or an index cannot be read.
    pub fn dense(
        &self,
        fingerprint: &str,
        vector: &[f32],
        query: &Query,
        limit: usize,
    ) -> Result<Option<Vec<Scored>>, StoreError> {
        let question = QuestionVector {
            fingerprint,
            vector,
        };
        let generation = || {
            let state = self
                .shared
                .catalog
                .read(|catalog| Ok(schema::state(catalog)?));
            state.map(|state| state.first.table.generation)
        };
        let mut attempt = 0;
        loop {
            attempt += 1;
            let before = generation()?;
            let found = self.dense_once(question, query, limit);
            // A table that was given up meanwhile may be gone from under the search.
            if attempt == MAX_ATTEMPTS || generation()? == before {
                return found;
            }
        }
    }

    fn dense_once(
        &self,
        question: QuestionVector<'_>,
        query: &Query,
        limit: usize,
    ) -> Result<Option<Vec<Scored>>, StoreError> {
        if query.text.is_strict() {
            return self.with_text(|catalog, state, view| {
                let allowed = self.allowed(catalog, state.revision, &query.filters)?;
                let strict = view.matching(&query.text, allowed.as_ref())?;
                self.nearest(catalog, state, question, allowed, strict, limit)
            });
        }
        self.shared.catalog.read(|catalog| {
            let state = schema::state(catalog)?;
            let allowed = self.allowed(catalog, state.revision, &query.filters)?;
            self.nearest(catalog, &state, question, allowed, None, limit)
        })
    }

    /// The nearest chunks of `allowed` documents and, where there are strict conditions on the
    /// text, among those that meet them.
    fn nearest(
        &self,
        catalog: &Connection,
        state: &State,
        question: QuestionVector<'_>,
        allowed: Option<AllowedDocuments>,
        strict: Option<HashSet<i64>>,
        limit: usize,
    ) -> Result<Option<Vec<Scored>>, Failure> {
        let VectorSet { embedder, table } = &state.first;
        let vector = question.vector;
        if question.fingerprint != embedder.fingerprint {
            return Ok(None);
        }
        if vector.len() != embedder.dimension {
            let (expected, found) = (embedder.dimension, vector.len());
            return Err(StoreError::Dimension { expected, found }.into());
        }
        if limit == 0 {
            return Ok(Some(Vec::new()));
        }
        let restriction = Restriction {
            chunks: strict.as_ref(),
            documents: allowed.as_deref(),
        };
        let first_since = |revision| {
            let first = chunks::first_embedded_since(catalog, revision);
            first.map_err(|e| StoreError::catalog(&self.shared.home.catalog(), &e))
        };
        let find = |count| {
            let vectors = &self.shared.vectors;
            vectors.nearest(*table, vector, &restriction, &first_since, count)
        };
        let passes = |chunk: ChunkId| {
            let live = chunks::live_document(catalog, chunk)?;
            Ok(live.is_some_and(|(document, is_embedded)| {
                is_embedded
                    && strict.as_ref().is_none_or(|ids| ids.contains(&chunk.0))
                    && allowed
                        .as_ref()
                        .is_none_or(|ids| ids.contains(document.0 as u64))
            }))
        };
        live_hits(limit, find, passes).map(Some)
    }

    /// Runs a search on one state of the catalog and the full-text index that belongs to it.
    ///
    /// The index that is on disk holds everything live at the catalog's revision of that moment;
    /// an index two commits later need not. So it is opened first, and if the revision has moved
    /// on before the catalog's state is held, both are taken again.
    fn with_text<T>(
        &self,
        work: impl Fn(&Connection, &State, &TextView) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let revision = self.revision()?;
            let view = self.shared.text.at(revision)?;
            let result = self.shared.catalog.read(|catalog| {
                let state = schema::state(catalog)?;
                if state.revision != revision && attempt < MAX_ATTEMPTS {
                    return Ok(None);
                }
                work(catalog, &state, &view).map(Some)
            })?;
            if let Some(result) = result {
                return Ok(result);
            }
        }
    }

    /// The query with words that no chunk has exchanged for words of the collection that are
    /// spelled almost so, and what was exchanged. Never in phrases, never numbers.
    ///
    /// # Errors
    /// When the catalog or the full-text index cannot be read.
    pub fn spelled(&self, mut query: Query) -> Result<(Query, Vec<Correction>), StoreError> {
        let (text, corrections) = self.view()?.spelled(&query.text)?;
        query.text = text;
        query.plain = query::corrected(&query.plain, &corrections);
        Ok((query, corrections))
    }

    /// How many chunks hold the word, in any inflection that the collection's stemmers know. Of a
    /// compound it is the number of those that hold it whole, or all of its parts.
    ///
    /// # Errors
    /// When the catalog or the full-text index cannot be read.
    pub fn chunk_frequency(&self, word: &str) -> Result<usize, StoreError> {
        self.view()?.chunks_with(word)
    }

    /// How many chunks [`Reader::chunk_frequency`] counts among.
    ///
    /// # Errors
    /// When the catalog or the full-text index cannot be read.
    pub fn chunk_count(&self) -> Result<usize, StoreError> {
        Ok(self.view()?.count())
    }

    fn view(&self) -> Result<TextView, StoreError> {
        let revision = self.revision()?;
        self.shared.text.at(revision)
    }
}

/// The first `limit` hits that pass, from a search that gives as many as it is asked for.
fn live_hits(
    limit: usize,
    find: impl Fn(usize) -> Result<Vec<(ChunkId, f32)>, StoreError>,
    passes: impl Fn(ChunkId) -> Result<bool, Failure>,
) -> Result<Vec<Scored>, Failure> {
    let mut count = limit.saturating_add(SLACK);
    loop {
        let hits = find(count)?;
        let is_all = hits.len() < count;
        let mut seen = HashSet::new();
        let mut live = Vec::with_capacity(limit.min(hits.len()));
        for (chunk, score) in hits {
            if live.len() == limit {
                break;
            }
            if seen.insert(chunk) && passes(chunk)? {
                live.push(Scored { chunk, score });
            }
        }
        if is_all || live.len() == limit {
            return Ok(live);
        }
        count = count.saturating_mul(4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_hits_are_made_up_for() {
        let all: Vec<(ChunkId, f32)> = (0..1000).map(|n| (ChunkId(n), -(n as f32))).collect();
        let find = |count: usize| Ok(all.iter().copied().take(count).collect());
        let hits = live_hits(10, find, |chunk| Ok(chunk.0 >= 500)).unwrap();
        let ids: Vec<i64> = hits.iter().map(|hit| hit.chunk.0).collect();
        assert_eq!(ids, (500..510).collect::<Vec<_>>());
    }
}
