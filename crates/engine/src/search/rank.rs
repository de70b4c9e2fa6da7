//! From two lists to one ranking, and a closer look at the best of it.
//!
//! Each step adds [`Reason`]s to candidates, whose score is the sum of the shares. The weights
//! were set on seven public sets of questions (articles in three languages, abstracts, medical
//! leaflets, contracts, code), coarsely, so that no set loses by a step.

use std::time::{Duration, Instant};

use docent_core::code;
use docent_core::document::Format;
use docent_core::evidence;
use docent_core::fusion::{self, Fused, Fusion, Scored};
use docent_core::model::ModelError;
use docent_core::query::{Condition, Group, Query};
use docent_core::scope::{Identity, Named, Scoping};
use docent_store::{ChunkId, DocumentId, StoredChunk};

use super::reason::{Reason, Signal};
use super::{Effort, Mode};
use crate::collection::Collection;
use crate::error::EngineError;
use crate::stages::{Stages, timed};

/// How often a text is embedded because the vectors were exchanged under the search.
const MAX_ATTEMPTS: usize = 3;

/// Candidates that are looked at more closely than by the two lists, at least.
const POOL: usize = 60;

/// What code is given where the question is about code.
const CODE_SHARE: f32 = 0.2;
/// What the candidate that is nearest token by token is given.
const TOKENS_SHARE: f32 = 0.6;
/// What the reranker's best is given.
const RERANKER_SHARE: f32 = 1.0;

/// Documents whose names are compared with the question.
const NAMED_AMONG: usize = 10;
/// Bytes at a document's beginning that may name it.
const OPENING_BYTES: usize = 1_500;
/// A document that is shorter is not asked for its parts.
const SHORT_BYTES: usize = 2 * OPENING_BYTES;
/// Parts of a document that is named, at most.
const PARTS: usize = 100;
/// How much the best part of a document that is named in a clause of its own stands above
/// everything else.
const NAMED_LIFT: f32 = 0.5;

/// A word in so few chunks is rare…
const RARE: usize = 5;
/// …and if it looks like a name or a number, a chunk that has it is among so many first hits.
const SURFACE: usize = 5;
/// Words that are brought up so, at most.
const MAX_SURFACED: usize = 2;

/// A chunk that may be what was looked for.
pub(super) struct Candidate {
    pub(super) chunk: StoredChunk,
    pub(super) dense_rank: Option<usize>,
    pub(super) lexical_rank: Option<usize>,
    pub(super) reasons: Vec<Reason>,
}

impl Candidate {
    fn new(chunk: StoredChunk) -> Candidate {
        Candidate {
            chunk,
            dense_rank: None,
            lexical_rank: None,
            reasons: Vec::new(),
        }
    }

    pub(super) fn score(&self) -> f32 {
        self.reasons.iter().map(|reason| reason.share).sum()
    }
}

impl Collection {
    /// The ranking of chunks, best first.
    pub(super) fn rank(
        &self,
        query: &Query,
        mode: Mode,
        effort: Effort,
        limit: usize,
        stages: &mut Stages,
    ) -> Result<Vec<Candidate>, EngineError> {
        let settings = &self.library().settings().search;
        let candidates = settings.candidates.max(limit);
        let lexical = match mode {
            Mode::Dense => Vec::new(),
            _ => timed(&mut stages.lexical_ms, || {
                self.reader().lexical(query, candidates)
            })
            .map(scored)?,
        };
        let dense = match mode {
            Mode::Lexical => Vec::new(),
            _ => self.dense(query, candidates, stages)?,
        };
        if mode != Mode::Hybrid {
            let list = if mode == Mode::Dense {
                (&dense, 1.0)
            } else {
                (&lexical, 0.0)
            };
            return self.alone(list.0, list.1, limit);
        }
        let trust = self.dense_trust(query)?;
        let fused = fusion::fuse(&dense, &lexical, settings.fusion.trusting(trust));
        let count = limit.max(POOL);
        let mut ranking = timed(&mut stages.join_ms, || {
            Ranking::load(self, query, trust, &fused[..fused.len().min(count)])
        })?;
        timed(&mut stages.rank_ms, || ranking.refine(effort))?;
        Ok(ranking.candidates)
    }

    /// The share of its weight that the dense list deserves. While vectors are being made, a
    /// chunk without one must not lose to one that has one: the list weighs as much as it
    /// covers. And it weighs as much as the embedder knows the question's words.
    fn dense_trust(&self, query: &Query) -> Result<f32, EngineError> {
        let familiarity = self.embedder()?.familiarity(&query.plain);
        Ok(self.standing()?.embedded * fusion::trust(familiarity))
    }

    fn dense(
        &self,
        query: &Query,
        candidates: usize,
        stages: &mut Stages,
    ) -> Result<Vec<Scored<ChunkId>>, EngineError> {
        if query.plain.trim().is_empty() {
            return Ok(Vec::new());
        }
        let found = self.nearest(&query.plain, query, candidates, stages)?;
        Ok(scored(found))
    }

    /// The nearest chunks to a text by its meaning, best first, of those that pass the query's
    /// filters. None where the stored vectors' embedder cannot be had.
    pub(crate) fn nearest(
        &self,
        text: &str,
        query: &Query,
        limit: usize,
        stages: &mut Stages,
    ) -> Result<Vec<docent_store::Scored>, EngineError> {
        for _ in 0..MAX_ATTEMPTS {
            let Ok(embedder) = self.searched_by()? else {
                break;
            };
            let vector = timed(&mut stages.embed_query_ms, || embedder.embed_query(text))?;
            let found = timed(&mut stages.dense_ms, || {
                let reader = self.reader();
                reader.dense(embedder.fingerprint(), &vector, query, limit)
            })?;
            // Without a list, another embedder's vectors took the place of these meanwhile.
            if let Some(found) = found {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// One retriever's list, with its own scores.
    fn alone(
        &self,
        list: &[Scored<ChunkId>],
        dense_weight: f32,
        limit: usize,
    ) -> Result<Vec<Candidate>, EngineError> {
        let fusion = Fusion::Convex { dense_weight };
        let (dense, lexical) = if dense_weight > 0.0 {
            (list, &[][..])
        } else {
            (&[][..], list)
        };
        let mut fused = fusion::fuse(dense, lexical, fusion);
        fused.truncate(limit);
        for place in fused
            .iter_mut()
            .flat_map(|f| [&mut f.dense, &mut f.lexical])
        {
            place.iter_mut().for_each(|place| place.share = place.score);
        }
        self.load(&fused)
    }

    /// The chunks of a ranking; one that died since it was ranked is not among them.
    fn load(&self, fused: &[Fused<ChunkId>]) -> Result<Vec<Candidate>, EngineError> {
        let ids: Vec<ChunkId> = fused.iter().map(|fused| fused.id).collect();
        let mut places = fused.iter();
        let chunks = self.reader().chunks(&ids)?.into_iter();
        let candidates = chunks.filter_map(|chunk| {
            let fused = places.find(|fused| fused.id == chunk.id)?;
            let of = |signal, place: Option<fusion::Place>| {
                place.map(|place| Reason::of(signal, place.score, place.share))
            };
            let words = of(Signal::Words, fused.lexical);
            let meaning = of(Signal::Meaning, fused.dense);
            Some(Candidate {
                dense_rank: fused.dense.map(|place| place.rank),
                lexical_rank: fused.lexical.map(|place| place.rank),
                reasons: words.into_iter().chain(meaning).collect(),
                ..Candidate::new(chunk)
            })
        });
        Ok(candidates.collect())
    }
}

/// A ranking in the making.
struct Ranking<'r> {
    collection: &'r Collection,
    query: &'r Query,
    /// How far the embedder is to be trusted with the query, 0 to 1.
    trust: f32,
    candidates: Vec<Candidate>,
}

impl<'r> Ranking<'r> {
    fn load(
        collection: &'r Collection,
        query: &'r Query,
        trust: f32,
        fused: &[Fused<ChunkId>],
    ) -> Result<Ranking<'r>, EngineError> {
        Ok(Ranking {
            collection,
            query,
            trust,
            candidates: collection.load(fused)?,
        })
    }

    fn refine(&mut self, effort: Effort) -> Result<(), EngineError> {
        self.weigh_code();
        let named = self.named()?;
        if effort == Effort::Full {
            self.compare_tokens()?;
        }
        // Documents that are named by a clause stand above everything else, in their own order.
        let best = self.candidates.first().map_or(0.0, Candidate::score);
        let its_best: Vec<f32> = named.iter().map(|n| self.best_of(n.document)).collect();
        let first = its_best.iter().copied().fold(0.0, f32::max);
        for (named, its_best) in named.iter().zip(its_best) {
            let place = match named.by_clause {
                true => best + NAMED_LIFT - (first - its_best),
                false => its_best,
            };
            self.ask_document(named, place, effort)?;
        }
        if effort == Effort::Full {
            self.rerank()?;
        }
        self.surface_rare_words()
    }

    fn sort(&mut self) {
        // Stable: of equals the order of the lists stays.
        self.candidates
            .sort_by(|a, b| b.score().total_cmp(&a.score()));
    }

    /// Gives code a head start where the question is about code.
    fn weigh_code(&mut self) {
        let degree = code::is_asked_about(&self.query.plain);
        if degree == 0.0 {
            return;
        }
        let is_code =
            |c: &&mut Candidate| matches!(c.chunk.format, Format::Code | Format::Notebook);
        for candidate in self.candidates.iter_mut().filter(is_code) {
            let reason = Reason::of(Signal::Code, degree, degree * CODE_SHARE);
            candidate.reasons.push(reason);
        }
        self.sort();
    }

    /// Compares the best candidates token by token.
    fn compare_tokens(&mut self) -> Result<(), EngineError> {
        let count = self.collection.library().settings().search.token_candidates;
        let count = count.min(self.candidates.len());
        let chunks: Vec<&StoredChunk> = self.candidates[..count].iter().map(|c| &c.chunk).collect();
        if chunks.len() < 2 || self.trust == 0.0 {
            return Ok(());
        }
        let collection = self.collection;
        let Some(scores) = collection.token_similarity(&self.query.plain, &chunks)? else {
            return Ok(());
        };
        let stretched = fusion::stretch(&scores);
        for ((candidate, score), part) in self.candidates.iter_mut().zip(scores).zip(stretched) {
            let share = TOKENS_SHARE * self.trust * part;
            candidate
                .reasons
                .push(Reason::of(Signal::Tokens, score, share));
        }
        self.sort();
        Ok(())
    }

    /// The documents that the question names ([`docent_core::scope`]), among those found.
    fn named(&self) -> Result<Vec<Named<DocumentId>>, EngineError> {
        let only_words = |group: &Group| {
            group
                .should
                .iter()
                .all(|c| matches!(c, Condition::Word(_) | Condition::Corrected(_)))
        };
        if self.query.text.is_strict() || !only_words(&self.query.text) {
            return Ok(Vec::new());
        }
        let reader = self.collection.reader();
        let mut documents: Vec<(DocumentId, Identity)> = Vec::new();
        for Candidate { chunk, .. } in &self.candidates {
            if documents.len() == NAMED_AMONG {
                break;
            }
            if documents.iter().all(|(known, _)| *known != chunk.document) {
                let opening = reader.opening(chunk.document, SHORT_BYTES)?;
                // The whole of a short text is its opening: it has no parts to be asked for.
                if opening.len() + char::MAX_LEN_UTF8 <= SHORT_BYTES {
                    continue;
                }
                let opening = &opening[..opening.floor_char_boundary(OPENING_BYTES)];
                let title = chunk.title.as_deref().unwrap_or_default();
                let name = format!("{title}\n{}\n{opening}", chunk.path);
                documents.push((chunk.document, Identity::of(&name)));
            }
        }
        let all = reader.chunk_count()?;
        let weight = |term: &str| match reader.chunk_frequency(term) {
            Ok(holding) if holding > 0 => evidence::rarity(holding, all),
            _ => 0.0,
        };
        Ok(Scoping::of(&self.query.plain, weight).named(&documents))
    }

    /// The score of a document's best candidate.
    fn best_of(&self, document: DocumentId) -> f32 {
        let of_it = |candidate: &&Candidate| candidate.chunk.document == document;
        let scores = self.candidates.iter().filter(of_it).map(Candidate::score);
        scores.fold(0.0, f32::max)
    }

    /// Asks a document that the question names for the rest of the question: its parts are
    /// ordered by that, as surely as the document is meant. The best part scores `place`.
    fn ask_document(
        &mut self,
        named: &Named<DocumentId>,
        place: f32,
        effort: Effort,
    ) -> Result<(), EngineError> {
        let mut parts = self.parts(named, effort)?;
        let reason = |part: f32| Reason {
            about: Some(named.asks.clone()),
            ..Reason::of(Signal::Document, part, named.share * (place - 1.0 + part))
        };
        for candidate in &mut self.candidates {
            if candidate.chunk.document != named.document {
                continue;
            }
            for earlier in &mut candidate.reasons {
                earlier.share *= 1.0 - named.share;
            }
            let at = parts
                .iter()
                .position(|(chunk, _)| chunk.id == candidate.chunk.id);
            let part = at.map_or(0.0, |at| parts.swap_remove(at).1);
            candidate.reasons.push(reason(part));
        }
        self.candidates
            .extend(parts.into_iter().map(|(chunk, part)| Candidate {
                reasons: vec![reason(part)],
                ..Candidate::new(chunk)
            }));
        self.sort();
        Ok(())
    }

    /// The parts of a document that fit what is asked of it best, with how well, 0 to 1.
    fn parts(
        &self,
        named: &Named<DocumentId>,
        effort: Effort,
    ) -> Result<Vec<(StoredChunk, f32)>, EngineError> {
        let (collection, reader) = (self.collection, self.collection.reader());
        // Within one document the small words are what tells its parts apart least.
        let says_something = |word: &&str| !evidence::terms(word).is_empty();
        let words = named.asks.split_whitespace().filter(says_something);
        let words = words.map(|word| Condition::Word(word.into()));
        let mut query = Query {
            text: Group {
                should: words.collect(),
                ..Group::default()
            },
            filters: self.query.filters.clone(),
            plain: named.asks.clone(),
            ..Query::default()
        };
        query.filters.documents = vec![named.document.0];
        let lexical = scored(reader.lexical(&query, PARTS)?);
        let dense = collection.dense(&query, PARTS, &mut Stages::default())?;
        let fusion = Fusion::Convex { dense_weight: 0.5 }.trusting(self.trust);
        let fused = fusion::fuse(&dense, &lexical, fusion);
        let count = collection.library().settings().search.token_candidates;
        let best = &fused[..fused.len().min(count.max(POOL / 2))];
        let candidates = collection.load(best)?;
        let mut scores: Vec<f32> = candidates.iter().map(Candidate::score).collect();
        if effort == Effort::Full {
            let chunks: Vec<&StoredChunk> =
                candidates.iter().take(count).map(|c| &c.chunk).collect();
            if let Some(tokens) = collection.token_similarity(&named.asks, &chunks)? {
                for (score, part) in scores.iter_mut().zip(fusion::stretch(&tokens)) {
                    *score += self.trust * part;
                }
            }
        }
        let chunks = candidates.into_iter().map(|candidate| candidate.chunk);
        Ok(chunks.zip(fusion::stretch(&scores)).collect())
    }

    /// Lets the reranker look at the best, where there is one and the two lists do not agree on
    /// the first. If it is not done in time, the order stays as it is.
    fn rerank(&mut self) -> Result<(), EngineError> {
        let library = self.collection.library();
        let settings = &library.settings().search;
        let count = settings.rerank_candidates.min(self.candidates.len());
        let best = &self.candidates[..count];
        let Some(reranker) = library.reranker().filter(|_| count > 1) else {
            return Ok(());
        };
        if best[0].dense_rank == Some(1) && best[0].lexical_rank == Some(1) {
            return Ok(());
        }
        let passages: Vec<&str> = best.iter().map(|c| c.chunk.text.as_str()).collect();
        let deadline = Instant::now() + Duration::from_millis(settings.rerank_milliseconds);
        let scores = match reranker.rerank(&self.query.plain, &passages, Some(deadline)) {
            Err(ModelError::Late { .. }) => return Ok(()),
            scores => scores?,
        };
        let stretched = fusion::stretch(&scores);
        for ((candidate, score), part) in self.candidates.iter_mut().zip(scores).zip(stretched) {
            let reason = Reason::of(Signal::Reranker, score, RERANKER_SHARE * part);
            candidate.reasons.push(reason);
        }
        self.sort();
        Ok(())
    }

    /// Sees to it that a rare name or number of the query is in one of the first hits.
    fn surface_rare_words(&mut self) -> Result<(), EngineError> {
        let words: Vec<&str> = self.query.plain.split_whitespace().skip(1).collect();
        let exact = words.into_iter().filter(|word| looks_exact(word));
        let mut surfaced = 0;
        for word in exact {
            if surfaced == MAX_SURFACED {
                break;
            }
            surfaced += usize::from(self.surface(word)?);
        }
        Ok(())
    }

    /// Brings a chunk with this word up to the first hits if none of them has it.
    fn surface(&mut self, word: &str) -> Result<bool, EngineError> {
        let reader = self.collection.reader();
        let holding = reader.chunk_frequency(word)?;
        if !(1..=RARE).contains(&holding) {
            return Ok(false);
        }
        let mut query = Query::parse(word);
        query.filters = self.query.filters.clone();
        let holders = reader.lexical(&query, RARE)?;
        let first = &self.candidates[..self.candidates.len().min(SURFACE)];
        let is_first = |id: ChunkId| first.iter().any(|candidate| candidate.chunk.id == id);
        let Some(found) = holders.first().map(|found| found.chunk) else {
            return Ok(false);
        };
        if holders.iter().any(|holder| is_first(holder.chunk)) {
            return Ok(false);
        }
        let place = first.last().map_or(0.0, Candidate::score);
        let known = self.candidates.iter().position(|c| c.chunk.id == found);
        let mut candidate = match known {
            Some(at) => self.candidates.remove(at),
            None => match reader.chunks(&[found])?.pop() {
                Some(chunk) => Candidate::new(chunk),
                None => return Ok(false),
            },
        };
        let share = place - candidate.score();
        candidate.reasons.push(Reason {
            about: Some(word.to_owned()),
            ..Reason::of(Signal::RareWord, holding as f32, share)
        });
        let at = self.candidates.len().min(SURFACE - 1);
        self.candidates.insert(at, candidate);
        Ok(true)
    }
}

/// Whether a word inside a question is a name or a number: it has a digit or a capital letter.
fn looks_exact(word: &str) -> bool {
    word.chars().any(|c| c.is_numeric() || c.is_uppercase())
}

/// A retriever's list as fusion takes it.
fn scored(found: Vec<docent_store::Scored>) -> Vec<Scored<ChunkId>> {
    let scored = |found: docent_store::Scored| Scored {
        id: found.chunk,
        score: found.score,
    };
    found.into_iter().map(scored).collect()
}
