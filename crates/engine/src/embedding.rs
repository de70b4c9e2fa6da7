//! Embedding: from chunks without a vector to committed vectors.
//!
//! Where the embedder was changed there are two sets of vectors. The first is the one that is
//! searched; its embedder gives new chunks their vectors, which are few, before anything else.
//! The second is made by the chosen embedder, and takes the first one's place when it is whole.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use docent_core::chunk;
use docent_core::model::{Embedder, Urgency};
use docent_store::{PendingChunk, Set, Writer};
use serde::{Deserialize, Serialize};

use crate::collection::Collection;
use crate::error::EngineError;

/// Vectors are committed in batches of so many…
const VECTOR_BATCH: usize = 1_024;
/// …or, by a slow embedder, of what it makes in so long…
const VECTOR_AGE: Duration = Duration::from_secs(10);
/// …and embedded in slices of so many, between which the indexer yields.
const VECTOR_SLICE: usize = 64;

/// Chunks that a second set may lack to be finished where only what is searched is wanted: a few
/// seconds' work.
const LITTLE: u64 = 256;

/// Which vectors an indexer makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Vectors {
    /// None: only full text is brought up to date.
    None,
    /// Those that the next search needs. A second index is left to a later run, unless little of
    /// it is missing.
    Searched,
    /// All.
    #[default]
    All,
}

/// The second index of a collection: vectors of another embedder, which are made while the first
/// ones are searched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondIndex {
    /// Name and hash of its embedder.
    pub embedder: String,
    /// Chunks that have their vector in it.
    pub chunks_embedded: u64,
    /// Chunks that wait for theirs.
    pub pending: u64,
}

impl SecondIndex {
    /// Chunks that it will hold.
    pub fn chunks(&self) -> u64 {
        self.chunks_embedded + self.pending
    }
}

/// Makes vectors of a collection's chunks.
#[derive(Clone, Copy)]
pub(crate) struct Embedding<'c> {
    pub(crate) collection: &'c Collection,
    pub(crate) wanted: Vectors,
}

impl Embedding<'_> {
    /// Lets the second set be searched if it is whole, or if the first one cannot be searched any
    /// more; what a person should know of that.
    pub(crate) fn settle(self, writer: &mut Writer) -> Result<Option<String>, EngineError> {
        if self.wanted == Vectors::None {
            return Ok(None);
        }
        writer.switch_when_covered()?;
        let searched_by = self.collection.searched_by()?;
        let (Err(why), Some(second)) = (searched_by, writer.second_embedder()?) else {
            return Ok(None);
        };
        let first = self.collection.reader().embedder()?;
        writer.give_up_first()?;
        Ok(Some(format!(
            "the vectors of {} cannot be searched any more: {why}. Search by meaning sees what {} \
             has embedded so far",
            first.fingerprint, second.fingerprint
        )))
    }

    /// Number of chunks that are to get a vector.
    pub(crate) fn pending(self, writer: &Writer) -> Result<u64, EngineError> {
        let first = writer.pending_count(Set::First)?;
        Ok(first + self.wanted_of_second(writer)?)
    }

    fn wanted_of_second(self, writer: &Writer) -> Result<u64, EngineError> {
        let pending = writer.pending_count(Set::Second)?;
        Ok(match self.wanted {
            Vectors::All => pending,
            Vectors::Searched if pending <= LITTLE => pending,
            Vectors::Searched | Vectors::None => 0,
        })
    }

    /// The next chunks to embed, and the set and embedder that they are embedded for.
    fn next(self, writer: &mut Writer) -> Result<Option<Batch>, EngineError> {
        let has_second = writer.second_embedder()?.is_some();
        let chosen = || Arc::clone(self.collection.library().embedder());
        let first = match has_second {
            true => self.collection.searched_by()?.ok(),
            false => Some(chosen()),
        };
        let second = (self.wanted_of_second(writer)? > 0).then(chosen);
        for (set, embedder) in [(Set::First, first), (Set::Second, second)] {
            let Some(embedder) = embedder else { continue };
            let chunks = writer.pending_vectors(set, VECTOR_BATCH)?;
            if !chunks.is_empty() {
                return Ok(Some(Batch {
                    set,
                    embedder,
                    chunks,
                }));
            }
        }
        Ok(None)
    }

    /// Embeds one batch of what has no vector yet; the number of vectors. `goes_on` is asked
    /// before each slice, and told how many vectors the one before it gave, and to which set.
    pub(crate) fn some(
        self,
        writer: &mut Writer,
        goes_on: &mut dyn FnMut(u64, Set) -> bool,
    ) -> Result<u64, EngineError> {
        let Some(Batch {
            set,
            embedder,
            chunks,
        }) = self.next(writer)?
        else {
            return Ok(0);
        };
        let all = chunks.len();
        let chunks = writer.reuse_vectors(set, chunks)?;
        let mut news = (all - chunks.len()) as u64;
        let mut distinct = Distinct::default();
        let mut vectors = Vec::with_capacity(chunks.len());
        let began = Instant::now();
        for slice in chunks.chunks(VECTOR_SLICE) {
            if !goes_on(std::mem::take(&mut news), set) || began.elapsed() > VECTOR_AGE {
                break;
            }
            let embedded = distinct.embed(&*embedder, slice)?;
            vectors.extend(slice.iter().map(|chunk| chunk.id).zip(embedded));
            news = slice.len() as u64;
        }
        goes_on(news, set);
        let embedded = vectors.len() as u64;
        if !vectors.is_empty() {
            writer.commit_vectors(set, vectors)?;
        }
        Ok(embedded)
    }
}

/// Chunks that are embedded together.
struct Batch {
    set: Set,
    embedder: Arc<dyn Embedder>,
    chunks: Vec<PendingChunk>,
}

/// The texts of a batch with their vectors, so that copies are embedded once.
#[derive(Default)]
struct Distinct {
    /// Where the vector of a text is.
    places: HashMap<String, usize>,
    vectors: Vec<Vec<f32>>,
}

impl Distinct {
    /// A vector for each chunk.
    fn embed(
        &mut self,
        embedder: &dyn Embedder,
        chunks: &[PendingChunk],
    ) -> Result<Vec<Vec<f32>>, EngineError> {
        let mut new = Vec::new();
        let mut places = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            let next = self.vectors.len() + new.len();
            let text = text_to_embed(chunk);
            let place = *self.places.entry(text.clone()).or_insert(next);
            if place == next {
                new.push(text);
            }
            places.push(place);
        }
        self.vectors
            .extend(embedder.embed(&new, Urgency::Background)?);
        let vector = |place: usize| self.vectors.get(place).cloned().unwrap_or_default();
        Ok(places.into_iter().map(vector).collect())
    }
}

fn text_to_embed(chunk: &PendingChunk) -> String {
    chunk::text_to_embed(chunk.title.as_deref(), &chunk.heading_path, &chunk.text)
}
