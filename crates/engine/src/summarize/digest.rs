//! Digests: what is known of a document once its sections have been weighed.
//!
//! Each section's sentences are weighed by their words; the best of them are embedded and
//! weighed by their meaning, too. That is the only slow step, and what comes of it is cached.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

use docent_core::answer::one_line;
use docent_core::document::Document;
use docent_core::fusion;
use docent_core::model::{Embedder, Urgency};
use docent_core::summary::central::{self, Weighed};
use docent_core::summary::section::{self, Section};
use docent_core::summary::telling;

use super::cache::{Cache, Key, Pick, SectionDigest};
use crate::error::EngineError;

/// Changes whenever a section's digest would come out differently.
const METHOD: &[u8] = b"docent section digest 1";
/// Sentences of a section that are embedded, at most.
const SHORTLIST: usize = 16;
/// Sentences of a section that are kept, at most.
const PICKS: usize = 8;
/// Sentences that are embedded in one go.
const BATCH: usize = 192;
/// What the first sentence of a section gains, as people say first what they are about.
const LEAD: f32 = 0.1;
/// The share of meaning in a sentence's weight, where the embedder knows the language.
const MEANING: f32 = 0.6;

/// What is known of a document.
#[derive(Debug, Clone, Default)]
pub(super) struct Digest {
    /// Its parts, in order.
    pub(super) parts: Vec<PartDigest>,
    /// Where it lies in meaning; `None` where nothing of it could be weighed.
    pub(super) vector: Option<Vec<f32>>,
    /// Number of its sections.
    pub(super) sections: usize,
}

/// What is known of a part of a document.
#[derive(Debug, Clone, Default)]
pub(super) struct PartDigest {
    pub(super) heading: Option<String>,
    pub(super) bytes: usize,
    /// The sentences that may be quoted, with their bytes in the document's text.
    pub(super) picks: Vec<Pick>,
    /// The centroids of its sections.
    pub(super) vectors: Vec<Vec<f32>>,
}

/// A document on its way: its sections' digests are known or asked for.
#[derive(Default)]
pub(super) struct Draft {
    parts: Vec<(PartDigest, Vec<(usize, Key)>)>,
}

/// Weighs sections, many at a time.
pub(super) struct Digester<'a> {
    embedder: &'a dyn Embedder,
    cache: Cache,
    /// Known and finished since the last draft was taken up.
    ready: HashMap<Key, SectionDigest>,
    waiting: Vec<Waiting>,
    sentences_waiting: usize,
}

/// A section whose sentences wait to be embedded.
struct Waiting {
    key: Key,
    sentences: usize,
    /// How far the embedder's word counts here.
    meaning: f32,
    shortlist: Vec<Short>,
}

/// A sentence of a shortlist.
struct Short {
    span: Range<usize>,
    text: String,
    words: f32,
    fitness: f32,
    lead: f32,
}

impl<'a> Digester<'a> {
    pub(super) fn new(embedder: &'a dyn Embedder, cache: Cache) -> Digester<'a> {
        Digester {
            embedder,
            cache,
            ready: HashMap::new(),
            waiting: Vec::new(),
            sentences_waiting: 0,
        }
    }

    /// Whether enough waits for [`Digester::work`] to be worth its while.
    pub(super) fn is_full(&self) -> bool {
        self.sentences_waiting >= BATCH
    }

    /// The number of sections that wait to be weighed.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Divides a document, and notes what of it is not known yet.
    pub(super) fn begin(&mut self, document: &Document) -> Draft {
        let title = document.title.as_deref().unwrap_or_default();
        let mut draft = Draft::default();
        for part in section::parts(document) {
            let topic = format!("{title} {}", part.heading.as_deref().unwrap_or_default());
            let sections = part.sections.iter().filter_map(|section| {
                let start = section.body.first()?.start;
                Some((start, self.note(document, section, &topic)))
            });
            let sections = sections.collect();
            let digest = PartDigest {
                bytes: part.bytes(),
                heading: part.heading,
                ..PartDigest::default()
            };
            draft.parts.push((digest, sections));
        }
        draft
    }

    fn note(&mut self, document: &Document, section: &Section, topic: &str) -> Key {
        let key = self.key(document, section, topic);
        if self.ready.contains_key(&key) || self.waiting.iter().any(|known| known.key == key) {
            return key;
        }
        if let Some(digest) = self.cache.get(&key) {
            self.ready.insert(key, digest);
            return key;
        }
        let waiting = self.shortlist(document, section, topic, key);
        self.sentences_waiting += waiting.shortlist.len();
        self.waiting.push(waiting);
        key
    }

    /// The hash of all that a section's digest depends on.
    fn key(&self, document: &Document, section: &Section, topic: &str) -> Key {
        let mut hasher = blake3::Hasher::new();
        hasher.update(METHOD);
        for text in [self.embedder.fingerprint(), topic] {
            hasher
                .update(&(text.len() as u64).to_le_bytes())
                .update(text.as_bytes());
        }
        let start = section.body.first().map_or(0, |span| span.start);
        for span in &section.body {
            hasher.update(&((span.start - start) as u64).to_le_bytes());
            hasher.update(&(span.len() as u64).to_le_bytes());
            hasher.update(
                document
                    .text
                    .get(span.clone())
                    .unwrap_or_default()
                    .as_bytes(),
            );
        }
        *hasher.finalize().as_bytes()
    }

    /// The sentences of a section that are best by their words.
    fn shortlist(&self, document: &Document, section: &Section, topic: &str, key: Key) -> Waiting {
        let text = &document.text;
        let spans = section.sentences(text);
        let texts: Vec<&str> = spans.iter().map(|span| &text[span.clone()]).collect();
        let central = central::by_words(&texts, topic);
        let start = section.body.first().map_or(0, |span| span.start);
        let mut shortlist: Vec<Short> = spans
            .iter()
            .zip(&texts)
            .zip(central)
            .filter_map(|((span, text), words)| {
                let text = one_line(text);
                let fitness = telling::fitness(&text)?;
                let span = span.start - start..span.end - start;
                Some(Short {
                    span,
                    text,
                    words,
                    fitness,
                    lead: 0.0,
                })
            })
            .collect();
        for (short, lead) in shortlist.iter_mut().zip([LEAD, LEAD / 2.0]) {
            short.lead = lead;
        }
        let weight = |short: &Short| (short.words + short.lead) * short.fitness;
        shortlist.sort_by(|a, b| {
            weight(b)
                .total_cmp(&weight(a))
                .then(a.span.start.cmp(&b.span.start))
        });
        shortlist.truncate(SHORTLIST);
        let sample: String = shortlist
            .iter()
            .take(3)
            .map(|short| short.text.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        Waiting {
            key,
            sentences: spans.len(),
            meaning: MEANING * fusion::trust(self.embedder.familiarity(&sample)),
            shortlist,
        }
    }

    /// Embeds and weighs all that waits; each batch is kept once it is done. `on_batch` hears how
    /// many sections are done, and stops the work by breaking.
    pub(super) fn work(
        &mut self,
        on_batch: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, EngineError> {
        self.sentences_waiting = 0;
        let mut waiting = std::mem::take(&mut self.waiting).into_iter().peekable();
        while waiting.peek().is_some() {
            let mut batch: Vec<Waiting> = Vec::new();
            let mut texts: Vec<String> = Vec::new();
            while let Some(next) = waiting
                .next_if(|next| batch.is_empty() || texts.len() + next.shortlist.len() <= BATCH)
            {
                texts.extend(next.shortlist.iter().map(|short| short.text.clone()));
                batch.push(next);
            }
            let mut vectors = match texts.is_empty() {
                true => Vec::new(),
                false => self.embedder.embed(&texts, Urgency::Interactive)?,
            }
            .into_iter();
            let sections = batch.len();
            for section in batch {
                let own: Vec<Vec<f32>> = vectors.by_ref().take(section.shortlist.len()).collect();
                let key = section.key;
                let digest = self.cache.put(key, weigh(section, own));
                self.ready.insert(key, digest);
            }
            if on_batch(sections).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The document's digest. All that its draft asked for must have been worked on.
    pub(super) fn finish(&self, draft: Draft) -> Digest {
        let mut digest = Digest::default();
        for (mut part, sections) in draft.parts {
            digest.sections += sections.len();
            for (start, key) in sections {
                let Some(known) = self.ready.get(&key) else {
                    continue;
                };
                part.picks.extend(known.picks.iter().map(|pick| Pick {
                    span: start + pick.span.start..start + pick.span.end,
                    ..pick.clone()
                }));
                if !known.vector.is_empty() {
                    part.vectors.push(known.vector.clone());
                }
            }
            digest.parts.push(part);
        }
        let told =
            |part: &&PartDigest| !part.heading.as_deref().is_some_and(telling::is_passed_over);
        let vectors = digest
            .parts
            .iter()
            .filter(told)
            .flat_map(|part| &part.vectors);
        digest.vector = central::centroid(vectors.map(|vector| (vector.as_slice(), 1.0)));
        digest
    }

    /// Forgets the digests of documents that are finished; the file keeps them.
    pub(super) fn clear(&mut self) {
        self.ready.clear();
    }
}

/// A section's digest, from its shortlist and the vectors of that.
fn weigh(section: Waiting, vectors: Vec<Vec<f32>>) -> SectionDigest {
    let weighed = section.shortlist.iter().zip(&vectors);
    let centre =
        central::centroid(weighed.map(|(short, vector)| (vector.as_slice(), short.fitness)));
    let Some(centre) = centre else {
        return SectionDigest {
            sentences: section.sentences,
            ..SectionDigest::default()
        };
    };
    let score = |short: &Short, vector: &[f32]| {
        let meaning = section.meaning * central::dot(vector, &centre).max(0.0);
        (meaning + (1.0 - section.meaning) * short.words + short.lead) * short.fitness
    };
    let scored: Vec<Weighed<'_>> = section
        .shortlist
        .iter()
        .zip(&vectors)
        .map(|(short, vector)| Weighed {
            score: score(short, vector),
            vector,
        })
        .collect();
    let picks = central::diverse(&scored, &[], PICKS)
        .into_iter()
        .map(|index| Pick {
            span: section.shortlist[index].span.clone(),
            score: scored[index].score,
            fitness: section.shortlist[index].fitness,
            vector: vectors[index].clone(),
        })
        .collect();
    SectionDigest {
        sentences: section.sentences,
        picks,
        vector: centre,
    }
}
