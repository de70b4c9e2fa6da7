//! From docent's query to tantivy's.
//!
//! A word is looked for in the text, unstemmed and as a stem of each language that the
//! collection has, in the title, the headings and the path. All of these are plain term queries
//! side by side wherever possible: that is the form in which tantivy skips what cannot reach the
//! best hits. Terms that the index does not have are left out for the same reason.

use docent_core::query::{Condition, Correction, Group};
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, EmptyQuery, Occur, PhraseQuery, Query, RegexQuery,
    TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::tokenizer::TokenStream;
use tantivy::{Searcher, TantivyError, Term};

use super::analysis::{self, Word};
use super::readings;
use super::schema::Fields;

/// What a match is worth by the field it is in; BM25 within the field decides the rest. Titles and
/// headings weigh little, because where few documents have them, their words are rare in the
/// field and score high by that alone: documentation would bury the code it is about. The exact
/// form of a word adds half to what its stem gives, the best of what was tried on seven sets of
/// questions.
const BODY_WEIGHT: f32 = 0.5;
const STEM_WEIGHT: f32 = 1.0;
const TITLE_WEIGHT: f32 = 0.7;
const HEADINGS_WEIGHT: f32 = 0.5;
const PATH_WEIGHT: f32 = 1.0;
/// What a word with accents counts more where it is written with them too.
const ACCENT_WEIGHT: f32 = 0.25;
/// What a reading of a number counts: a date, a section, a dose.
const READING_WEIGHT: f32 = 1.0;
/// What a word counts that was not typed, but is spelled almost like one that was.
const CORRECTED_WEIGHT: f32 = 0.5;

/// A word that is in more than one in so many chunks is only looked for in the text: it
/// hardly tells chunks apart, and long lists are what searching spends its time on.
const COMMON_PART: u64 = 10;
/// In a smaller collection nothing is common: every list is short.
const SMALL_COLLECTION: u64 = 5_000;

pub(super) type Clause = (Occur, Box<dyn Query>);

/// Builds queries for one state of the index.
pub(super) struct QueryBuilder<'a> {
    pub(super) searcher: &'a Searcher,
    pub(super) fields: &'a Fields,
    /// The stem fields that hold anything.
    pub(super) stems: &'a [Field],
}

impl QueryBuilder<'_> {
    /// The query for a group; `None` when it asks for nothing that has words in it.
    pub(super) fn query(&self, group: &Group) -> Result<Option<Box<dyn Query>>, TantivyError> {
        let mut clauses = Vec::new();
        for condition in &group.must {
            if let Some(query) = self.required(condition)? {
                clauses.push((Occur::Must, query));
            }
        }
        for condition in &group.must_not {
            if let Some(query) = self.required(condition)? {
                clauses.push((Occur::MustNot, query));
            }
        }
        let asks_for_one = !clauses.iter().any(|(occur, _)| *occur == Occur::Must);
        let wanted = self.wanted(&group.should, &mut clauses)?;
        if clauses.is_empty() {
            return Ok(wanted.then(|| Box::new(EmptyQuery) as Box<dyn Query>));
        }
        if asks_for_one && !clauses.iter().any(|(occur, _)| *occur == Occur::Should) {
            if wanted {
                return Ok(Some(Box::new(EmptyQuery)));
            }
            // Only forbidden words: everything else.
            clauses.push((Occur::Must, Box::new(AllQuery)));
        }
        Ok(Some(Box::new(BooleanQuery::new(clauses))))
    }

    /// Adds what raises the score; whether any of it has words.
    fn wanted(
        &self,
        conditions: &[Condition],
        clauses: &mut Vec<Clause>,
    ) -> Result<bool, TantivyError> {
        let mut has_words = false;
        self.reading_terms(conditions, clauses)?;
        for condition in conditions {
            if let Condition::Word(text) = condition {
                let words = analysis::words(text);
                has_words |= !words.is_empty();
                for word in &words {
                    self.word_terms(word, clauses)?;
                }
                if words.len() > 1 {
                    let parts: Vec<String> = words.iter().flat_map(|w| w.parts.clone()).collect();
                    clauses.push((
                        Occur::Should,
                        self.phrase(self.fields.body, &parts, BODY_WEIGHT),
                    ));
                }
                let is_common = words.iter().any(|word| self.is_common(word));
                if !is_common {
                    self.stem_terms(text, clauses)?;
                    self.compound_terms(text, clauses)?;
                }
            } else if let Some(query) = self.required(condition)? {
                has_words = true;
                clauses.push((Occur::Should, query));
            }
        }
        Ok(has_words)
    }

    /// The readings of the numbers in words that stand side by side: `Section 12`, `12 March 2024`.
    fn reading_terms(
        &self,
        conditions: &[Condition],
        clauses: &mut Vec<Clause>,
    ) -> Result<(), TantivyError> {
        let word = |condition: &Condition| match condition {
            Condition::Word(word) => word.clone(),
            _ => String::new(),
        };
        let words: Vec<String> = conditions.iter().map(word).collect();
        self.readings(&words.join(" "), clauses)
    }

    /// The readings of the numbers in a text, wherever a chunk has them.
    fn readings(&self, text: &str, clauses: &mut Vec<Clause>) -> Result<(), TantivyError> {
        let fields = self.fields;
        for reading in readings::of_text(text) {
            self.term(fields.body, &reading, READING_WEIGHT, clauses)?;
            self.term(fields.title, &reading, TITLE_WEIGHT, clauses)?;
            self.term(fields.headings, &reading, HEADINGS_WEIGHT, clauses)?;
            self.term(fields.path, &reading, PATH_WEIGHT, clauses)?;
        }
        Ok(())
    }

    /// A word as alternatives: its whole, each of its parts, and its parts as a phrase.
    fn word_terms(&self, word: &Word, clauses: &mut Vec<Clause>) -> Result<(), TantivyError> {
        let fields = self.fields;
        let all = [
            (fields.body, BODY_WEIGHT),
            (fields.title, TITLE_WEIGHT),
            (fields.headings, HEADINGS_WEIGHT),
            (fields.path, PATH_WEIGHT),
        ];
        let places = if self.is_common(word) {
            &all[..1]
        } else {
            &all[..]
        };
        for token in word.whole.iter().chain(&word.parts) {
            for (field, weight) in places {
                self.term(*field, token, *weight, clauses)?;
            }
        }
        for accented in &word.accented {
            self.term(fields.body, accented, ACCENT_WEIGHT, clauses)?;
        }
        if word.parts.len() > 1 {
            clauses.push((
                Occur::Should,
                self.phrase(fields.body, &word.parts, BODY_WEIGHT),
            ));
        }
        if let Some(character) = lone_character(word) {
            clauses.push((Occur::Should, self.character(character)?));
        }
        Ok(())
    }

    fn stem_terms(&self, text: &str, clauses: &mut Vec<Clause>) -> Result<(), TantivyError> {
        for (field, stem) in self.stems_of(text)? {
            self.term(field, &stem, STEM_WEIGHT, clauses)?;
        }
        Ok(())
    }

    /// The stems of a text in every language of the collection.
    fn stems_of(&self, text: &str) -> Result<Vec<(Field, String)>, TantivyError> {
        let mut stems = Vec::new();
        for field in self.stems {
            let mut analyzer = self.searcher.index().tokenizer_for_field(*field)?;
            let mut stream = analyzer.token_stream(text);
            while stream.advance() {
                stems.push((*field, stream.token().text.clone()));
            }
        }
        Ok(stems)
    }

    fn term(
        &self,
        field: Field,
        text: &str,
        weight: f32,
        clauses: &mut Vec<Clause>,
    ) -> Result<(), TantivyError> {
        let term = Term::from_field_text(field, text);
        if self.searcher.doc_freq(&term)? == 0 {
            return Ok(());
        }
        let query: Box<dyn Query> = Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs));
        clauses.push((Occur::Should, boosted(query, weight)));
        Ok(())
    }

    fn is_common(&self, word: &Word) -> bool {
        let chunks = self.searcher.num_docs();
        let frequency = |part: &String| {
            let term = Term::from_field_text(self.fields.body, part);
            self.searcher.doc_freq(&term).unwrap_or(0)
        };
        chunks > SMALL_COLLECTION
            && word.parts.len() == 1
            && word
                .parts
                .iter()
                .all(|part| frequency(part) > chunks / COMMON_PART)
    }

    /// A condition that has to hold; `None` if there are no words in it.
    fn required(&self, condition: &Condition) -> Result<Option<Box<dyn Query>>, TantivyError> {
        match condition {
            Condition::Group(group) => self.query(group),
            Condition::Corrected(correction) => Ok(Some(self.corrected(correction)?)),
            Condition::Phrase(text) => Ok(self.required_phrase(text)),
            Condition::Word(text) => {
                let words = analysis::words(text);
                let mut forms = Vec::new();
                self.readings(text, &mut forms)?;
                let [word] = words.as_slice() else {
                    // What is typed as one word and is several (`12(b)`, `and/or`) is meant as
                    // it stands.
                    let Some(phrase) = self.required_phrase(text) else {
                        return Ok(None);
                    };
                    forms.push((Occur::Should, phrase));
                    return Ok(Some(any_of(forms)));
                };
                self.forms(word, &mut forms)?;
                if word.parts.len() == 1 {
                    self.stem_terms(text, &mut forms)?;
                }
                Ok(Some(any_of(forms)))
            }
        }
    }

    /// The words that are tried instead of one that no chunk has.
    fn corrected(&self, correction: &Correction) -> Result<Box<dyn Query>, TantivyError> {
        let mut clauses = Vec::new();
        for tried in &correction.tried {
            for word in analysis::words(tried) {
                self.forms(&word, &mut clauses)?;
            }
            self.stem_terms(tried, &mut clauses)?;
        }
        Ok(boosted(any_of(clauses), CORRECTED_WEIGHT))
    }

    /// The forms of a required word: the whole, or all of its parts in a row.
    fn forms(&self, word: &Word, clauses: &mut Vec<Clause>) -> Result<(), TantivyError> {
        let fields = self.fields;
        for (field, weight) in [
            (fields.body, BODY_WEIGHT),
            (fields.title, TITLE_WEIGHT),
            (fields.headings, HEADINGS_WEIGHT),
            (fields.path, PATH_WEIGHT),
        ] {
            if let Some(whole) = &word.whole {
                self.term(field, whole, weight, clauses)?;
            }
            match word.parts.as_slice() {
                // The one part of `c++` is not what is meant.
                [_] if word.whole.is_some() => {}
                [part] => self.term(field, part, weight, clauses)?,
                parts => clauses.push((Occur::Should, self.phrase(field, parts, weight))),
            }
        }
        if let Some(character) = lone_character(word) {
            clauses.push((Occur::Should, self.character(character)?));
        }
        Ok(())
    }

    /// Words that must stand one after the other, in the text, the title or the headings.
    fn required_phrase(&self, text: &str) -> Option<Box<dyn Query>> {
        let parts: Vec<String> = analysis::words(text)
            .into_iter()
            .flat_map(|word| word.parts)
            .collect();
        if parts.is_empty() {
            return None;
        }
        let fields = self.fields;
        let places = [
            (fields.body, BODY_WEIGHT),
            (fields.title, TITLE_WEIGHT),
            (fields.headings, HEADINGS_WEIGHT),
        ];
        let clauses =
            places.map(|(field, weight)| (Occur::Should, self.phrase(field, &parts, weight)));
        Some(any_of(clauses.into()))
    }

    fn phrase(&self, field: Field, parts: &[String], weight: f32) -> Box<dyn Query> {
        let mut terms: Vec<Term> = parts
            .iter()
            .map(|part| Term::from_field_text(field, part))
            .collect();
        let query: Box<dyn Query> = match terms.len() {
            0 => Box::new(EmptyQuery),
            1 => Box::new(TermQuery::new(
                terms.remove(0),
                IndexRecordOption::WithFreqs,
            )),
            _ => Box::new(PhraseQuery::new(terms)),
        };
        boosted(query, weight)
    }

    /// One character of a script without spaces: any pair that it is part of.
    fn character(&self, character: char) -> Result<Box<dyn Query>, TantivyError> {
        // Letters of these scripts mean nothing to the pattern language.
        let pattern = format!("{character}.|.{character}");
        Ok(Box::new(RegexQuery::from_pattern(
            &pattern,
            self.fields.body,
        )?))
    }

    /// How many chunks hold the word; see [`super::reading::TextView::chunks_with`].
    pub(super) fn frequency(&self, text: &str) -> Result<usize, TantivyError> {
        let count = |field: Field, token: &str| {
            let term = Term::from_field_text(field, token);
            self.searcher.doc_freq(&term)
        };
        let mut most = 0;
        for word in analysis::words(text) {
            if let Some(whole) = &word.whole {
                most = most.max(count(self.fields.body, whole)?);
            }
            let mut all_parts = None::<u64>;
            for part in &word.parts {
                let found = count(self.fields.body, part)?;
                all_parts = Some(all_parts.map_or(found, |least| least.min(found)));
            }
            most = most.max(all_parts.unwrap_or(0));
            if word.parts.len() == 1 {
                for (field, stem) in self.stems_of(text)? {
                    most = most.max(count(field, &stem)?);
                }
            }
        }
        Ok(usize::try_from(most).unwrap_or(usize::MAX))
    }
}

/// The character of a word that is a single one of a script without spaces.
fn lone_character(word: &Word) -> Option<char> {
    let [part] = word.parts.as_slice() else {
        return None;
    };
    let mut characters = part.chars();
    let first = characters.next()?;
    (characters.next().is_none() && super::scan::is_composed_unspaced(first)).then_some(first)
}

pub(super) fn boosted(query: Box<dyn Query>, weight: f32) -> Box<dyn Query> {
    if weight == 1.0 {
        query
    } else {
        Box::new(BoostQuery::new(query, weight))
    }
}

fn any_of(mut clauses: Vec<Clause>) -> Box<dyn Query> {
    match clauses.len() {
        0 => Box::new(EmptyQuery),
        1 => clauses.remove(0).1,
        _ => Box::new(BooleanQuery::new(clauses)),
    }
}
