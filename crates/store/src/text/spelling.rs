//! Words that no document has, and words of the documents that are spelled almost so.

use docent_core::evidence;
use docent_core::query::{Condition, Correction, Group};
use tantivy::query::FuzzyTermQuery;
use tantivy::{TantivyError, Term};

use super::analysis;
use super::query::QueryBuilder;

/// A shorter word is near too many others, in characters.
const MIN_LENGTH: usize = 4;
/// From so many characters on, two may be wrong.
const LONG: usize = 8;
/// Words that are tried for one, at most.
const MAX_TRIED: usize = 3;
/// Words of a query that are looked into, at most.
const MAX_UNKNOWN: usize = 8;

impl QueryBuilder<'_> {
    /// The group with each word that the index does not know exchanged for those that it knows
    /// and that are spelled almost so, and what was exchanged.
    ///
    /// Phrases, numbers, identifiers, stop words and what is forbidden stay as they are. So does
    /// everything where most of the words are unknown and one of these resembles no word of the
    /// documents: the query is then in another language, and what is spelled like it means
    /// something else.
    pub(super) fn spelled(&self, group: &Group) -> Result<(Group, Vec<Correction>), TantivyError> {
        let mut words = Vec::new();
        collect(group, &mut words);
        let mut unknown = Vec::new();
        for word in &words {
            if !self.is_known(&word.folded)? {
                unknown.push(word);
            }
        }
        let is_foreign = unknown.len() > 1 && unknown.len() * 2 > words.len();
        let mut corrections = Vec::new();
        for word in unknown.iter().take(MAX_UNKNOWN) {
            let tried = self.near(&word.folded)?;
            if !tried.is_empty() {
                let typed = bare(word.typed).to_owned();
                corrections.push(Correction { typed, tried });
            } else if is_foreign {
                return Ok((group.clone(), Vec::new()));
            }
        }
        Ok((exchanged(group, &corrections), corrections))
    }

    /// Whether some chunk has the word, in any form and anywhere.
    fn is_known(&self, word: &str) -> Result<bool, TantivyError> {
        let fields = self.fields;
        for field in [fields.body, fields.title, fields.headings, fields.path] {
            if self
                .searcher
                .doc_freq(&Term::from_field_text(field, word))?
                > 0
            {
                return Ok(true);
            }
        }
        Ok(self.frequency(word)? > 0)
    }

    /// The nearest words of the index: those with one character wrong or, if there are none and
    /// the word is long, with two; the most frequent first.
    fn near(&self, word: &str) -> Result<Vec<String>, TantivyError> {
        let length = word.chars().count();
        let mut found = self.within(word, 1)?;
        if found.is_empty() && length >= LONG {
            found = self.within(word, 2)?;
        }
        found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        found.truncate(MAX_TRIED);
        Ok(found.into_iter().map(|(word, _)| word).collect())
    }

    /// The words of the index that differ in so many characters but the first, which people get
    /// right, with the number of chunks that have them. Two exchanged characters count as one.
    fn within(&self, word: &str, distance: u8) -> Result<Vec<(String, u64)>, TantivyError> {
        let body = self.fields.body;
        let fuzzy = FuzzyTermQuery::new(Term::from_field_text(body, word), distance, true);
        let first = word.chars().next().unwrap_or_default();
        let mut found: Vec<(String, u64)> = Vec::new();
        for segment in self.searcher.segment_readers() {
            let inverted = segment.inverted_index(body)?;
            let mut near = inverted.terms().search(fuzzy.automaton()?).into_stream()?;
            while let Some((term, info)) = near.next() {
                let Ok(term) = std::str::from_utf8(term) else {
                    continue;
                };
                if !term.starts_with(first) || !is_word(term) {
                    continue;
                }
                let chunks = u64::from(info.doc_freq);
                match found.iter_mut().find(|(known, _)| known == term) {
                    Some((_, count)) => *count += chunks,
                    None => found.push((term.to_owned(), chunks)),
                }
            }
        }
        Ok(found)
    }
}

/// A word that may be misspelled.
struct Typed<'g> {
    typed: &'g str,
    folded: String,
}

/// The words of a group that may be misspelled, what is forbidden left out.
fn collect<'g>(group: &'g Group, words: &mut Vec<Typed<'g>>) {
    for condition in group.must.iter().chain(&group.should) {
        match condition {
            Condition::Group(inner) => collect(inner, words),
            Condition::Word(typed) => {
                if let Some(folded) = plain_word(typed) {
                    words.push(Typed { typed, folded });
                }
            }
            Condition::Phrase(_) | Condition::Corrected(_) => {}
        }
    }
}

/// The folded form of what is one word of letters, long enough to be misspelled.
fn plain_word(typed: &str) -> Option<String> {
    let mut words = analysis::words(typed);
    let word = words.pop().filter(|_| words.is_empty())?;
    let [part] = word.parts.as_slice() else {
        return None;
    };
    let is_plain = word.whole.is_none()
        && is_word(part)
        && part.chars().count() >= MIN_LENGTH
        && !evidence::terms(typed).is_empty();
    is_plain.then(|| part.clone())
}

/// What was typed without the punctuation around it.
fn bare(typed: &str) -> &str {
    typed.trim_matches(|c: char| !c.is_alphanumeric())
}

/// Whether a term is a word of letters, folded, of a script that spells its words with them.
fn is_word(term: &str) -> bool {
    let is_letter = |c: char| c.is_alphabetic() && !super::scan::is_composed_unspaced(c);
    let mut folded = String::new();
    term.chars().all(is_letter) && {
        analysis::fold(term, &mut folded);
        folded == term
    }
}

fn exchanged(group: &Group, corrections: &[Correction]) -> Group {
    if corrections.is_empty() {
        return group.clone();
    }
    let exchange = |conditions: &[Condition]| {
        let one = |condition: &Condition| match condition {
            Condition::Group(inner) => Condition::Group(exchanged(inner, corrections)),
            Condition::Word(typed) => {
                let mut known = corrections.iter();
                let correction = known.find(|correction| correction.typed == bare(typed));
                match correction {
                    Some(correction) => Condition::Corrected(correction.clone()),
                    None => condition.clone(),
                }
            }
            other => other.clone(),
        };
        conditions.iter().map(one).collect()
    };
    Group {
        must: exchange(&group.must),
        should: exchange(&group.should),
        must_not: group.must_not.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_letters_are_misspelled() {
        for typed in ["deposit", "Kündigung?", "ΛΟΓΟΣ"] {
            assert!(plain_word(typed).is_some(), "{typed}");
        }
        for typed in [
            "fee",
            "what",
            "Wann?",
            "2024",
            "10mg",
            "getUser",
            "e-mail",
            "肺癌治疗",
            "—",
            "a b",
        ] {
            assert_eq!(plain_word(typed), None, "{typed}");
        }
    }
}
