//! Which sentences answer, and whether any does.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use docent_core::answer::one_line;
use docent_core::evidence::{self, Bearing, Candidate, WeightedTerms};
use docent_core::fusion;
use docent_core::instruction;
use docent_core::late::contrast::{self, Similarity};
use docent_core::model::Urgency;
use docent_core::question::{self, Kind, Reading};
use docent_core::sentence;
use docent_core::wording::{self, Concept};
use docent_store::{DocumentId, StoredChunk};

use super::Read;
use super::retrieve::Asked;
use crate::collection::Collection;
use crate::error::EngineError;
use crate::event::PassageView;

/// Sentences that are weighed as evidence, at most.
const MAX_CANDIDATES: usize = 96;
/// Those of them that are compared token by token.
const MAX_COMPARED: usize = 32;
/// Passages added because of how documents word what is asked for, at most.
const MAX_WORDED: usize = 4;
/// Below so many words that carry meaning, a line answers nothing: a heading, a lone word.
const MIN_TERMS: usize = 3;
/// Below so many words, a line without a full stop is a heading.
const HEADING_TERMS: usize = 5;

/// The sentences of the passages, best first, and what they say about the whole.
pub(super) struct Weighed {
    pub(super) candidates: Vec<Candidate>,
    pub(super) bearing: Bearing,
    /// Whether the definition that was asked for leads them.
    pub(super) is_defined: bool,
}

impl Weighed {
    /// Whether there is an answer.
    pub(super) fn answers(&self) -> bool {
        self.is_defined || self.bearing.is_enough()
    }
}

impl Collection {
    /// Weighs the sentences of the passages. Where documents word what is asked for in known
    /// ways, the passages that do so are added first. Passages come out ordered by their best
    /// sentence and numbered anew.
    pub(super) fn weigh(
        &self,
        asked: &Asked,
        read: &mut Vec<Read>,
    ) -> Result<Weighed, EngineError> {
        let concept = wording::concept(&asked.reading.about);
        let terms = self.weighted(&asked.reading.about);
        if let Some(concept) = concept {
            self.add_worded(concept, &terms, asked, read)?;
        }
        let mut weighed = self.weigh_all(asked, read, |_| true)?;
        if asked.kind == Kind::Definition {
            let asked = &asked.reading.asked;
            weighed.is_defined = lead_with_definition(&mut weighed.candidates, read, asked);
        }
        Ok(weighed)
    }

    /// Weighs those sentences of the passages that are `eligible`.
    pub(super) fn weigh_all(
        &self,
        asked: &Asked,
        read: &mut Vec<Read>,
        eligible: impl Fn(&str) -> bool,
    ) -> Result<Weighed, EngineError> {
        let concept = wording::concept(&asked.reading.about);
        let terms = self.weighted(&asked.reading.about);
        let agreement = read.first().is_some_and(|first| first.by_both);
        let mut candidates = candidates(read, eligible);
        judge_words(&mut candidates, read, &asked.reading, &terms, concept);
        let texts = |candidate: &Candidate| text_of(candidate, read).to_owned();
        let similarities = self.judge_meaning(&mut candidates, &asked.reading.about, texts)?;
        let mut bearing = bearing(&candidates, &similarities);
        let all: Vec<String> = read.iter().map(context).collect();
        bearing.found = terms.coverage(&all.join(" "));
        bearing.agreement = f32::from(u8::from(agreement));
        bearing.worded = worded(concept, &candidates);
        bearing.foreign = self.is_foreign(&asked.reading.about)?;
        order(&mut candidates, read);
        Ok(Weighed {
            candidates,
            bearing,
            is_defined: false,
        })
    }

    /// Weighs sentences of one document by themselves: what words tell of each is filled in
    /// already. They come back in their order.
    pub(super) fn judge(
        &self,
        about: &str,
        concept: Option<&Concept>,
        sentences: &[(&str, Candidate)],
    ) -> Result<(Vec<Candidate>, Bearing), EngineError> {
        let mut candidates: Vec<Candidate> = sentences
            .iter()
            .enumerate()
            .map(|(at, (_, candidate))| Candidate {
                passage: at,
                ..candidate.clone()
            })
            .collect();
        let texts = |candidate: &Candidate| sentences[candidate.passage].0.to_owned();
        let similarities = self.judge_meaning(&mut candidates, about, texts)?;
        let mut bearing = bearing(&candidates, &similarities);
        bearing.found = bearing.passage;
        bearing.worded = worded(concept, &candidates);
        bearing.foreign = self.is_foreign(about)?;
        candidates.sort_by_key(|candidate| candidate.passage);
        Ok((candidates, bearing))
    }

    /// Whether the embedder hardly reads the language of a question.
    fn is_foreign(&self, about: &str) -> Result<bool, EngineError> {
        Ok(fusion::trust(self.embedder()?.familiarity(about)) < 1.0)
    }

    /// Adds passages in which a document says what is asked for in its own way: of the documents
    /// that the question names, or else of the one that was found first.
    fn add_worded(
        &self,
        concept: &Concept,
        terms: &WeightedTerms,
        asked: &Asked,
        read: &mut Vec<Read>,
    ) -> Result<(), EngineError> {
        let named = &asked.query.filters.documents;
        let first: Vec<i64> = read
            .first()
            .map(|read| read.view.document)
            .into_iter()
            .collect();
        for document in if named.is_empty() { &first } else { named } {
            let mut worded: Vec<(f32, StoredChunk)> = Vec::new();
            for chunk in self.reader().chunks_of(DocumentId(*document))? {
                let share = sentence::sentences(&chunk.text)
                    .into_iter()
                    .map(|span| &chunk.text[span])
                    .filter(|text| !chunk.chunk.hidden && concept.is_in(text))
                    .map(|text| terms.coverage(text))
                    .reduce(f32::max);
                worded.extend(share.map(|share| (share, chunk)));
            }
            // Stable: of equal ones, what stands first in the document.
            worded.sort_by(|a, b| b.0.total_cmp(&a.0));
            worded.truncate(MAX_WORDED);
            for (_, chunk) in worded {
                self.add_chunk(&chunk, read)?;
            }
        }
        Ok(())
    }

    /// Adds a chunk as a passage, unless it is part of one.
    pub(super) fn add_chunk(
        &self,
        chunk: &StoredChunk,
        read: &mut Vec<Read>,
    ) -> Result<(), EngineError> {
        let (document, span) = (chunk.document.0, chunk.chunk.span.clone());
        let holds = |read: &&Read| {
            let view = &read.view;
            view.document == document && view.start <= span.start && span.end <= view.end
        };
        if read.iter().any(|read| holds(&read)) {
            return Ok(());
        }
        let known = read.iter().find(|read| read.view.document == document);
        let text = match known {
            Some(read) => Arc::clone(&read.document),
            None => match self.reader().document(chunk.document)? {
                Some(stored) => Arc::new(stored.document),
                None => return Ok(()),
            },
        };
        let view = PassageView {
            number: read.len() + 1,
            document,
            path: chunk.path.clone(),
            title: chunk.title.clone(),
            format: chunk.format,
            locator: chunk.chunk.locator.clone(),
            heading_path: chunk.chunk.heading_path.clone(),
            text: chunk.text.clone(),
            start: span.start,
            end: span.end,
            score: 0.0,
        };
        read.push(Read {
            view,
            document: text,
            by_both: false,
        });
        Ok(())
    }

    /// Fills in cosines, drops all but the best, and compares those token by token; their
    /// similarities come back in the candidates' order.
    fn judge_meaning(
        &self,
        candidates: &mut Vec<Candidate>,
        about: &str,
        text_of: impl Fn(&Candidate) -> String,
    ) -> Result<Vec<Similarity>, EngineError> {
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let embedder = self.embedder()?;
        let text = |candidate: &Candidate| one_line(&text_of(candidate));
        let asked = embedder.embed_query(about)?;
        let texts: Vec<String> = candidates.iter().map(text).collect();
        let vectors = embedder.embed(&texts, Urgency::Interactive)?;
        for (candidate, vector) in candidates.iter_mut().zip(&vectors) {
            candidate.cosine = vector.iter().zip(&asked).map(|(a, b)| a * b).sum();
        }
        *candidates = evidence::best(
            std::mem::take(candidates),
            MAX_COMPARED,
            Candidate::first_score,
        );
        let texts: Vec<String> = std::iter::once(about.to_owned())
            .chain(candidates.iter().map(text))
            .collect();
        // An embedder without vectors of tokens leaves the order as it is.
        let Ok(tokens) = embedder.embed_tokens(&texts, Urgency::Interactive) else {
            return Ok(vec![Similarity::default(); candidates.len()]);
        };
        let Some((question, sentences)) = tokens.split_first() else {
            return Ok(vec![Similarity::default(); candidates.len()]);
        };
        let similarities = contrast::similarities(question, sentences, embedder.dimension());
        for (candidate, similarity) in candidates.iter_mut().zip(&similarities) {
            candidate.similarity = similarity.weighed;
        }
        Ok(similarities)
    }
}

/// The text of a sentence.
pub(super) fn text_of<'a>(candidate: &Candidate, read: &'a [Read]) -> &'a str {
    &read[candidate.passage].view.text[candidate.span.clone()]
}

/// The first `count` that say different things: copies of a document would be quoted one after
/// another.
pub(super) fn distinct(candidates: &[Candidate], read: &[Read], count: usize) -> Vec<Candidate> {
    let mut said = HashSet::new();
    let is_new = |candidate: &&Candidate| said.insert(one_line(text_of(candidate, read)));
    let distinct = candidates.iter().filter(is_new);
    distinct.take(count).cloned().collect()
}

/// The sentences of the passages, best passage first.
fn candidates(read: &[Read], eligible: impl Fn(&str) -> bool) -> Vec<Candidate> {
    let sentences = read.iter().enumerate().flat_map(|(passage, read)| {
        sentence::sentences(&read.view.text)
            .into_iter()
            .map(move |span| Candidate {
                passage,
                span,
                ..Candidate::default()
            })
    });
    sentences
        .filter(|candidate| {
            let text = text_of(candidate, read);
            states(text) && eligible(text)
        })
        .take(MAX_CANDIDATES)
        .collect()
}

/// Whether a line says something to a reader: it is no heading, no lone word, no question, and
/// no instruction to a model.
pub(super) fn states(text: &str) -> bool {
    let terms = evidence::terms(text).len();
    let is_heading = text.starts_with('#') || (terms < HEADING_TERMS && is_bare(text));
    let is_question = text.ends_with(['?', '？']);
    terms >= MIN_TERMS && !is_heading && !is_question && !instruction::is_in(text)
}

/// Whether a line has nothing that a sentence, an item of a list, a table or code has.
fn is_bare(text: &str) -> bool {
    let marks = |c: char| c.is_ascii_digit() || matches!(c, '|' | '(' | '=' | '{' | ':' | '_');
    text.ends_with(char::is_alphanumeric)
        && text.starts_with(char::is_alphanumeric)
        && !text.contains(marks)
}

/// What [`Bearing::worded`] says of these sentences.
fn worded(concept: Option<&Concept>, candidates: &[Candidate]) -> f32 {
    concept.map_or(0.0, |_| match candidates.iter().any(|c| c.is_worded) {
        true => 1.0,
        false => -1.0,
    })
}

/// Fills in what words tell of each sentence.
fn judge_words(
    candidates: &mut [Candidate],
    read: &[Read],
    reading: &Reading,
    terms: &WeightedTerms,
    concept: Option<&Concept>,
) {
    let contexts: Vec<f32> = read
        .iter()
        .map(|read| terms.coverage(&context(read)))
        .collect();
    for candidate in candidates {
        let text = text_of(candidate, read);
        candidate.coverage = terms.coverage(text);
        candidate.context = contexts[candidate.passage];
        candidate.is_wanted = reading.wants.is_in(text, &reading.asked);
        candidate.is_worded = concept.is_some_and(|concept| concept.is_in(text));
    }
}

/// A passage with the words that say what it is part of.
fn context(read: &Read) -> String {
    let view = &read.view;
    let title = view.title.as_deref().unwrap_or("");
    format!(
        "{title} {} {} {}",
        view.heading_path.join(" "),
        view.path,
        view.text
    )
}

/// What the sentences say about the whole.
fn bearing(candidates: &[Candidate], similarities: &[Similarity]) -> Bearing {
    let most = |value: &dyn Fn(&Candidate) -> f32| candidates.iter().map(value).fold(0.0, f32::max);
    let mut scores: Vec<f32> = candidates.iter().map(Candidate::score).collect();
    scores.sort_by(f32::total_cmp);
    let median = scores.get(scores.len() / 2).copied().unwrap_or(0.0);
    Bearing {
        cosine: most(&|candidate| candidate.cosine),
        similarity: similarities.iter().map(|s| s.mean).fold(0.0, f32::max),
        sentence: most(&|candidate| candidate.coverage),
        passage: most(&|candidate| candidate.context),
        gap: scores.last().copied().unwrap_or(0.0) - median,
        ..Bearing::default()
    }
}

/// Orders sentences by how well they answer, and passages by their best sentence; passages are
/// numbered anew.
fn order(candidates: &mut Vec<Candidate>, read: &mut Vec<Read>) {
    *candidates = evidence::best(std::mem::take(candidates), MAX_CANDIDATES, Candidate::score);
    let mut places: HashMap<usize, usize> = HashMap::new();
    for candidate in candidates.iter() {
        let next = places.len();
        places.entry(candidate.passage).or_insert(next);
    }
    for old in 0..read.len() {
        let next = places.len();
        places.entry(old).or_insert(next);
    }
    for candidate in candidates.iter_mut() {
        candidate.passage = places[&candidate.passage];
    }
    let mut ordered: Vec<(usize, Read)> = read
        .drain(..)
        .enumerate()
        .map(|(old, read)| (places[&old], read))
        .collect();
    ordered.sort_by_key(|(place, _)| *place);
    read.extend(ordered.into_iter().map(|(place, mut read)| {
        read.view.number = place + 1;
        read
    }));
}

/// Puts the line that defines what is asked for ahead of everything said about it, if it is there.
fn lead_with_definition(candidates: &mut Vec<Candidate>, read: &[Read], asked: &str) -> bool {
    let Some(name) = question::identifier(asked) else {
        return false;
    };
    let defined = read.iter().enumerate().find_map(|(passage, read)| {
        let span = question::definition(&read.view.text, name)?;
        Some(Candidate {
            passage,
            span,
            ..Candidate::default()
        })
    });
    let Some(definition) = defined else {
        return false;
    };
    candidates.retain(|candidate| {
        candidate.passage != definition.passage || candidate.span != definition.span
    });
    candidates.insert(0, definition);
    true
}

/// Words by which a sentence says that something is not so.
const NEGATIONS: &[&str] = &[
    "not", "no", "never", "none", "neither", "nor", "without", "cannot",
];

/// A sentence decides a question for yes or no when it holds this share of its words…
const DECIDES_COVERAGE: f32 = 0.8;
/// …and is this near to it.
const DECIDES_COSINE: f32 = 0.6;

/// Yes or no, where the best sentence says it in the question's own words; else nothing: a
/// person reads the quotes and decides.
pub(super) fn verdict(asked: &Asked, best: &[Candidate], read: &[Read]) -> Option<String> {
    let first = best.first().filter(|_| asked.kind == Kind::YesNo)?;
    let is_plain = first.coverage >= DECIDES_COVERAGE && first.cosine >= DECIDES_COSINE;
    if !is_plain {
        return None;
    }
    let no = is_negated(text_of(first, read)) != is_negated(&asked.reading.about);
    Some(format!("{} [1].", if no { "No" } else { "Yes" }))
}

/// Whether a sentence denies something.
pub(super) fn is_negated(text: &str) -> bool {
    let lower = text.to_lowercase().replace('\u{2019}', "'");
    lower.contains("n't")
        || lower
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| NEGATIONS.contains(&word))
}
