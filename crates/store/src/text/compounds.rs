//! German compound words, taken apart by the words of the index itself.
//!
//! *Mietvertragskündigung* is a *Kündigung*, and a question for one wants the other. No list of
//! words tells where to cut: a stretch of letters is a part if the index has it as a word, with
//! one of the linking letters between two parts or without. Words that begin like the one asked
//! for stand together in the dictionary of words; those that end like it stand together in a
//! dictionary of words written backwards ([`EndTokenizer`]). In that one, endings of inflection
//! are off, by a rule that does not depend on a word's length as those of the stemmer do: a
//! compound and its last part have to end alike.

use std::collections::HashMap;

use tantivy::query::{Occur, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use tantivy::{TantivyError, Term};

use super::analysis::{WordStream, WordTokenizer, words};
use super::query::{Clause, QueryBuilder, boosted};

/// What a part or a compound of a word counts, where the word's stem counts 1: on German questions
/// .3, .5 and .8 gained .0035, .0053 and .0046 nDCG@10.
const COMPOUND_WEIGHT: f32 = 0.5;
/// A shorter word is the end of too many others, in characters.
const MIN_WORD: usize = 4;
/// A shorter first part is a prefix.
const MIN_FIRST: usize = 3;
/// A shorter word has no two parts.
const MIN_COMPOUND: usize = 8;
/// Words that are looked at for one, at most, in each segment of the index.
const MAX_SCANNED: usize = 2_000;
/// Words among these that are taken apart, at most.
const MAX_CHECKED: usize = 50;
/// Compounds that are searched for, at most.
const MAX_COMPOUNDS: usize = 12;
/// What German writes between two parts.
const LINKS: [&str; 7] = ["s", "es", "n", "en", "er", "e", "ens"];
/// Endings of inflection, the longest first.
const ENDINGS: [&str; 8] = ["ern", "em", "en", "er", "es", "e", "n", "s"];

/// Splits text into its words of letters, without their endings and backwards.
#[derive(Clone, Default)]
pub(super) struct EndTokenizer {
    words: WordTokenizer,
}

impl Tokenizer for EndTokenizer {
    type TokenStream<'a> = EndStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> EndStream<'a> {
        EndStream {
            words: self.words.token_stream(text),
        }
    }
}

/// The words of one text, backwards.
pub(super) struct EndStream<'a> {
    words: WordStream<'a>,
}

impl TokenStream for EndStream<'_> {
    fn advance(&mut self) -> bool {
        while self.words.advance() {
            let token = self.words.token_mut();
            let is_word = token.position_length == 1
                && token.text.chars().count() >= MIN_FIRST
                && token.text.chars().all(char::is_alphabetic);
            if is_word {
                token.text = backwards(without_ending(&token.text));
                return true;
            }
        }
        false
    }

    fn token(&self) -> &Token {
        self.words.token()
    }

    fn token_mut(&mut self) -> &mut Token {
        self.words.token_mut()
    }
}

fn backwards(text: &str) -> String {
    text.chars().rev().collect()
}

/// A folded word without its ending, if enough is left.
fn without_ending(word: &str) -> &str {
    let mut endings = ENDINGS.iter();
    let left = endings.find_map(|ending| {
        let left = word.strip_suffix(ending)?;
        (left.chars().count() >= MIN_WORD).then_some(left)
    });
    left.unwrap_or(word)
}

impl QueryBuilder<'_> {
    /// Compounds that the word is a part of, and the parts that it is made of.
    pub(super) fn compound_terms(
        &self,
        text: &str,
        clauses: &mut Vec<Clause>,
    ) -> Result<(), TantivyError> {
        let has_german = self
            .fields
            .german_stems()
            .is_some_and(|german| self.stems.contains(&german));
        let Some(word) = has_german.then(|| german_word(text)).flatten() else {
            return Ok(());
        };
        let mut found = self.ending_in(&word)?;
        found.extend(self.beginning_with(&word)?);
        found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        found.dedup();
        found.truncate(MAX_COMPOUNDS);
        let parts = self.parts_of(&word)?;
        let chunks = self.chunks_with_end(&word)?;
        if !parts.is_empty() && chunks > 0 {
            // In another inflection it is still more than its parts.
            found.push((word, chunks));
        }
        found.extend(parts);
        let most = found.iter().map(|(_, chunks)| *chunks).max().unwrap_or(0);
        let own = self.rarity(if chunks > 0 { chunks } else { most });
        for (other, chunks) in found {
            // A rare compound is to count no more than the word that was asked for.
            let weight = COMPOUND_WEIGHT * (own / self.rarity(chunks)).min(1.0);
            let query = TermQuery::new(self.end_term(&other), IndexRecordOption::Basic);
            clauses.push((Occur::Should, boosted(Box::new(query), weight)));
        }
        Ok(())
    }

    /// Compounds whose last part is this word, with the number of chunks that have them.
    fn ending_in(&self, word: &str) -> Result<Vec<(String, u64)>, TantivyError> {
        let mut found = Vec::new();
        for (end, chunks) in self.with_prefix(self.fields.german_ends, &backwards(word))? {
            let compound = backwards(&end);
            let first = &compound[..compound.len() - word.len()];
            if self.first_part(first)?.is_some() {
                found.push((compound, chunks));
            }
        }
        Ok(found)
    }

    /// Compounds whose first part is this word.
    fn beginning_with(&self, word: &str) -> Result<Vec<(String, u64)>, TantivyError> {
        let mut found = Vec::new();
        for (compound, _) in self.with_prefix(self.fields.body, word)? {
            if self.is_last_part(&compound[word.len()..])? {
                let compound = without_ending(&compound).to_owned();
                let chunks = self.chunks_with_end(&compound)?;
                found.push((compound, chunks));
            }
        }
        Ok(found)
    }

    /// The two parts of a compound, cut where the rarer of them is most frequent.
    fn parts_of(&self, word: &str) -> Result<Vec<(String, u64)>, TantivyError> {
        if word.chars().count() < MIN_COMPOUND {
            return Ok(Vec::new());
        }
        let mut best: Option<(u64, [(String, u64); 2])> = None;
        for (at, _) in word.char_indices().skip(MIN_FIRST) {
            let (first, last) = word.split_at(at);
            if last.chars().count() < MIN_WORD {
                break;
            }
            let chunks = self.chunks_with_end(last)?;
            if let Some(first) = self.first_part(first)? {
                let rarer = chunks.min(first.1);
                if rarer > best.as_ref().map_or(0, |(most, _)| *most) {
                    best = Some((rarer, [first, (last.to_owned(), chunks)]));
                }
            }
        }
        Ok(best.map(|(_, parts)| parts.into()).unwrap_or_default())
    }

    /// A first part as a word that the index has, its linking letters taken off, with the number
    /// of chunks.
    fn first_part(&self, first: &str) -> Result<Option<(String, u64)>, TantivyError> {
        let unlinked = LINKS.iter().filter_map(|link| first.strip_suffix(link));
        for part in std::iter::once(first).chain(unlinked) {
            let part = without_ending(part);
            if part.chars().count() >= MIN_FIRST {
                let chunks = self.chunks_with_end(part)?;
                if chunks > 0 {
                    return Ok(Some((part.to_owned(), chunks)));
                }
            }
        }
        Ok(None)
    }

    /// Whether what is left of a word is a word of the index, behind linking letters or not.
    fn is_last_part(&self, rest: &str) -> Result<bool, TantivyError> {
        let unlinked = LINKS.iter().filter_map(|link| rest.strip_prefix(link));
        for part in std::iter::once(rest).chain(unlinked) {
            let part = without_ending(part);
            if part.chars().count() >= MIN_WORD && self.chunks_with_end(part)? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The terms of a field that go on behind a beginning, those that most chunks have, with
    /// their number.
    fn with_prefix(&self, field: Field, prefix: &str) -> Result<Vec<(String, u64)>, TantivyError> {
        let mut terms: HashMap<String, u64> = HashMap::new();
        for segment in self.searcher.segment_readers() {
            let inverted = segment.inverted_index(field)?;
            let mut range = inverted.terms().range().gt(prefix).into_stream()?;
            let mut scanned = 0;
            while scanned < MAX_SCANNED && range.advance() {
                scanned += 1;
                let Ok(term) = std::str::from_utf8(range.key()) else {
                    continue;
                };
                if !term.starts_with(prefix) {
                    break;
                }
                *terms.entry(term.to_owned()).or_default() += u64::from(range.value().doc_freq);
            }
        }
        let mut terms: Vec<(String, u64)> = terms.into_iter().collect();
        terms.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        terms.truncate(MAX_CHECKED);
        Ok(terms)
    }

    fn end_term(&self, word: &str) -> Term {
        Term::from_field_text(self.fields.german_ends, &backwards(word))
    }

    fn chunks_with_end(&self, word: &str) -> Result<u64, TantivyError> {
        self.searcher.doc_freq(&self.end_term(word))
    }

    /// How much a term that so many chunks have tells them apart, as BM25 has it.
    fn rarity(&self, chunks: u64) -> f32 {
        let all = self.searcher.num_docs().max(chunks) as f32;
        let chunks = chunks as f32;
        (1.0 + (all - chunks + 0.5) / (chunks + 0.5)).ln()
    }
}

/// What was typed without its ending, if it is one word of letters and long enough.
fn german_word(text: &str) -> Option<String> {
    let mut words = words(text);
    let word = words.pop().filter(|_| words.is_empty())?;
    let [part] = word.parts.as_slice() else {
        return None;
    };
    let stem = without_ending(part);
    let is_word = stem.chars().count() >= MIN_WORD && part.chars().all(char::is_alphabetic);
    is_word.then(|| stem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_written_backwards_without_their_endings() {
        let mut tokenizer = EndTokenizer::default();
        let mut stream =
            tokenizer.token_stream("Zwei Mietvertragskündigungen, 12 Häuser im e-Haus");
        let mut ends = Vec::new();
        while stream.advance() {
            ends.push(backwards(&stream.token().text));
        }
        assert_eq!(ends, ["zwei", "mietvertragskundigung", "haus", "haus"]);
    }

    #[test]
    fn only_words_of_letters_are_taken_apart() {
        assert_eq!(german_word("Kündigungen?").as_deref(), Some("kundigung"));
        for typed in ["der", "10mg", "e-Haus", "a b", "—", "2024"] {
            assert_eq!(german_word(typed), None, "{typed}");
        }
    }
}
