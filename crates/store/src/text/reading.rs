//! Searching the full-text index: ranked chunks, sets of chunks, word counts.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use docent_core::query::Group;
use roaring::RoaringTreemap;
use tantivy::collector::{Collector, DocSetCollector, FilterCollector, TopDocs};
use tantivy::query::{AllQuery, BooleanQuery, BoostQuery, Query, TermSetQuery};
use tantivy::schema::Field;
use tantivy::{DocAddress, IndexReader, ReloadPolicy, Searcher, TantivyError, Term};

use super::TEXT_INDEX;
use super::query::QueryBuilder;
use super::schema::{CHUNK, DOCUMENT, Fields};
use super::writing;
use crate::error::StoreError;
use crate::id::{ChunkId, Revision};

/// Threads that search the index's segments.
const MAX_THREADS: usize = 4;

/// Documents that hits are restricted to.
pub(crate) type AllowedDocuments = Arc<RoaringTreemap>;

/// So few documents are made part of the query, which then looks at their chunks alone. Of more
/// documents every match is looked at, and checked.
const MAX_LISTED: u64 = 1_000;

/// A reader of the index as of one catalog revision. It is opened when it is first needed.
pub(crate) struct TextReader {
    folder: PathBuf,
    view: RwLock<Option<View>>,
}

/// One state of the index.
#[derive(Clone)]
struct View {
    revision: Revision,
    reader: IndexReader,
    fields: Fields,
    /// The stem fields that hold anything.
    stems: Vec<Field>,
}

impl TextReader {
    pub(crate) fn new(folder: PathBuf) -> TextReader {
        TextReader {
            folder,
            view: RwLock::new(None),
        }
    }

    /// The words of the index as it stands at `revision` of the catalog, or after it.
    pub(crate) fn at(&self, revision: Revision) -> Result<TextView, StoreError> {
        let view = self
            .view_at(revision)
            .map_err(|e| StoreError::derived(TEXT_INDEX, &self.folder, &e))?;
        Ok(TextView {
            folder: self.folder.clone(),
            searcher: view.reader.searcher(),
            fields: view.fields,
            stems: view.stems,
        })
    }

    fn view_at(&self, revision: Revision) -> Result<View, TantivyError> {
        {
            let view = self.view.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(view) = view.as_ref().filter(|view| view.revision == revision) {
                return Ok(view.clone());
            }
        }
        let mut slot = self.view.write().unwrap_or_else(PoisonError::into_inner);
        let view = match slot.take() {
            Some(view) if view.revision == revision => view,
            // A folder that was set aside and made again is another index at the same place.
            Some(view) => match view.reader.reload() {
                Ok(()) => View::new(revision, view.reader, view.fields)?,
                Err(_) => open(&self.folder, revision)?,
            },
            None => open(&self.folder, revision)?,
        };
        *slot = Some(view.clone());
        Ok(view)
    }
}

fn open(folder: &Path, revision: Revision) -> Result<View, TantivyError> {
    let (mut index, fields) = writing::open(folder)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if threads > 1 {
        index.set_multithread_executor(threads.min(MAX_THREADS))?;
    }
    let reader = index
        .reader_builder()
        .reload_policy(ReloadPolicy::Manual)
        .try_into()?;
    View::new(revision, reader, fields)
}

impl View {
    fn new(revision: Revision, reader: IndexReader, fields: Fields) -> Result<View, TantivyError> {
        let searcher = reader.searcher();
        let mut stems = Vec::new();
        for (_, field) in &fields.stems {
            for segment in searcher.segment_readers() {
                if segment.inverted_index(*field)?.terms().num_terms() > 0 {
                    stems.push(*field);
                    break;
                }
            }
        }
        Ok(View {
            revision,
            reader,
            fields,
            stems,
        })
    }
}

/// The full-text index, not changing while it is looked at.
pub(crate) struct TextView {
    folder: PathBuf,
    searcher: Searcher,
    fields: Fields,
    stems: Vec<Field>,
}

impl TextView {
    fn failed(&self, error: &TantivyError) -> StoreError {
        StoreError::derived(TEXT_INDEX, &self.folder, error)
    }

    fn builder(&self) -> QueryBuilder<'_> {
        QueryBuilder {
            searcher: &self.searcher,
            fields: &self.fields,
            stems: &self.stems,
        }
    }

    /// The best chunks for a group of conditions, best first; `None` when nothing is asked for.
    ///
    /// Among them may be chunks that are no longer live, or not yet.
    pub(crate) fn best(
        &self,
        group: &Group,
        allowed: Option<&AllowedDocuments>,
        limit: usize,
    ) -> Result<Vec<(ChunkId, f32)>, StoreError> {
        let query = self.builder().query(group).map_err(|e| self.failed(&e))?;
        match query {
            Some(query) => self.top(query, allowed, limit),
            None => Ok(Vec::new()),
        }
    }

    /// Chunks in no order of merit, for a query that has filters and no words.
    pub(crate) fn any(
        &self,
        allowed: Option<&AllowedDocuments>,
        limit: usize,
    ) -> Result<Vec<(ChunkId, f32)>, StoreError> {
        self.top(Box::new(AllQuery), allowed, limit)
    }

    fn top(
        &self,
        query: Box<dyn Query>,
        allowed: Option<&AllowedDocuments>,
        limit: usize,
    ) -> Result<Vec<(ChunkId, f32)>, StoreError> {
        let limit = limit.min(self.count());
        if limit == 0 {
            return Ok(Vec::new());
        }
        let top = TopDocs::with_limit(limit).order_by_score();
        let found = self.search_among(query, allowed, top)?;
        let columns = self.chunk_columns()?;
        let chunk = |(score, address): (f32, DocAddress)| {
            let column = columns.get(address.segment_ord as usize)?;
            Some((ChunkId(column.first(address.doc_id)? as i64), score))
        };
        let mut hits: Vec<_> = found.into_iter().filter_map(chunk).collect();
        // Equal scores in an order that does not depend on how segments were merged.
        hits.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Ok(hits)
    }

    /// Every chunk that meets the group's strict conditions; what only raises the score does not
    /// matter here. `None` when there are no such conditions.
    pub(crate) fn matching(
        &self,
        group: &Group,
        allowed: Option<&AllowedDocuments>,
    ) -> Result<Option<HashSet<i64>>, StoreError> {
        let strict = Group {
            must: group.must.clone(),
            should: Vec::new(),
            must_not: group.must_not.clone(),
        };
        let Some(query) = self.builder().query(&strict).map_err(|e| self.failed(&e))? else {
            return Ok(None);
        };
        let found = self.search_among(query, allowed, DocSetCollector)?;
        let columns = self.chunk_columns()?;
        let chunk = |address: DocAddress| {
            let column = columns.get(address.segment_ord as usize)?;
            Some(column.first(address.doc_id)? as i64)
        };
        Ok(Some(found.into_iter().filter_map(chunk).collect()))
    }

    /// Number of chunks in the index, live or not.
    pub(crate) fn count(&self) -> usize {
        usize::try_from(self.searcher.num_docs()).unwrap_or(usize::MAX)
    }

    /// Searches the chunks of the allowed documents, or all.
    fn search_among<C: Collector + Send + Sync>(
        &self,
        query: Box<dyn Query>,
        allowed: Option<&AllowedDocuments>,
        collector: C,
    ) -> Result<C::Fruit, StoreError> {
        let found = match allowed {
            None => self.searcher.search(&*query, &collector),
            Some(allowed) if allowed.len() <= MAX_LISTED => {
                let query = BooleanQuery::intersection(vec![query, self.chunks_of(allowed)]);
                self.searcher.search(&query, &collector)
            }
            Some(allowed) => {
                let allowed = Arc::clone(allowed);
                let is_allowed = move |document: u64| allowed.contains(document);
                let filtered = FilterCollector::new(DOCUMENT.to_owned(), is_allowed, collector);
                self.searcher.search(&*query, &filtered)
            }
        };
        found.map_err(|e| self.failed(&e))
    }

    /// The chunks of documents, as a condition that adds nothing to a score.
    fn chunks_of(&self, documents: &RoaringTreemap) -> Box<dyn Query> {
        let term = |document| Term::from_field_u64(self.fields.document, document);
        let chunks = TermSetQuery::new(documents.iter().map(term));
        Box::new(BoostQuery::new(Box::new(chunks), 0.0))
    }

    /// The chunk ids of each segment.
    fn chunk_columns(&self) -> Result<Vec<tantivy::columnar::Column<u64>>, StoreError> {
        let column = |segment: &tantivy::SegmentReader| segment.fast_fields().u64(CHUNK);
        let columns: Result<Vec<_>, _> =
            self.searcher.segment_readers().iter().map(column).collect();
        columns.map_err(|e| self.failed(&e))
    }

    /// How many chunks hold the word in any inflection that the collection's stemmers know; of a
    /// compound, the whole or all of its parts, whichever is found more often.
    pub(crate) fn chunks_with(&self, word: &str) -> Result<usize, StoreError> {
        self.builder().frequency(word).map_err(|e| self.failed(&e))
    }
}
