//! Evidence: which sentences of the passages answer a question, and whether anything does.
//!
//! A sentence is scored by its nearness in meaning (the cosine of its vector with the
//! question's) and by the share of the question's words that it holds, each word weighing as
//! much as it is rare in the collection.

use std::collections::HashSet;
use std::ops::Range;

use frostem::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

/// Words that say nothing of what a question is about: English, German, French and Spanish.
const STOP_WORDS: &str = " a about after all also am an and any are as at be been but by can could \
    did do does for from had has have he her his how i if in into is it its may me my no not of on \
    or our shall she should so some such tell than that the their them then there these they this \
    those to under up us was we were what when where which while who whom whose why will with would \
    you your according document documents \
    aber als am an auch auf aus bei bin bis das dass dem den der des die durch ein eine einem einen \
    einer eines er es für hat hatte ich ihr im in ist kann mit nach nicht oder sein seine sich sie \
    sind so um und uns von vor wann war waren warum was wer welche welcher welches wenn wie wir wird \
    wo wurde wurden zu zum zur \
    au aux avec ce ces cette dans de des du elle en est et il ils la le les leur ne ou par pas pour \
    que quel quelle qui sa se ses son sont sur un une \
    como con cuál cuándo de del dónde el en es esta este la las lo los no o para por que qué quién \
    se su sus un una y ";

/// From this character on, scripts are written without blanks between words.
const DENSE_SCRIPTS: char = '\u{2e80}';

/// The words of a text that carry meaning, in lower case and with common endings off, each
/// once, in order. Scripts without blanks give pairs of characters.
pub fn terms(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut terms = Vec::new();
    let mut add = |term: String| {
        if seen.insert(term.clone()) {
            terms.push(term);
        }
    };
    let mut previous: Option<char> = None;
    for word in text.unicode_words() {
        let mut characters = word.chars();
        match (characters.next(), characters.next()) {
            (Some(c), None) if c >= DENSE_SCRIPTS => {
                if let Some(before) = previous {
                    add([before, c].iter().collect());
                }
                previous = Some(c);
                continue;
            }
            (Some(c), Some(_)) if c >= DENSE_SCRIPTS => {
                word.chars()
                    .zip(word.chars().skip(1))
                    .for_each(|(a, b)| add([a, b].iter().collect()));
            }
            _ => {
                let lower = word.to_lowercase();
                if !is_stop_word(&lower) {
                    add(stem(&lower));
                }
            }
        }
        previous = None;
    }
    terms
}

fn is_stop_word(word: &str) -> bool {
    let short = word.len() == 1 && !word.chars().all(char::is_numeric);
    short || STOP_WORDS.contains(&format!(" {word} "))
}

/// The word's stem by the English Snowball rules, which leave other languages' words mostly
/// alone; numbers stay as they are.
fn stem(word: &str) -> String {
    Stemmer::new(Algorithm::English).stem(word).into_owned()
}

/// Where the words of `query` stand in `text`, endings aside: byte ranges to be marked.
pub fn matches(query: &str, text: &str) -> Vec<Range<usize>> {
    let wanted: HashSet<String> = terms(query).into_iter().collect();
    let mut previous: Option<(usize, &str)> = None;
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (at, word) in text.unicode_word_indices() {
        let pair = previous
            .filter(|(before, first)| {
                first.starts_with(|c| c >= DENSE_SCRIPTS) && before + first.len() == at
            })
            .map(|(before, _)| before..at + word.len());
        let whole = at..at + word.len();
        let found = [Some(whole), pair].into_iter().flatten().find(|range| {
            terms(&text[range.clone()])
                .iter()
                .any(|term| wanted.contains(term))
        });
        match (found, ranges.last_mut()) {
            (Some(range), Some(last)) if range.start < last.end => last.end = range.end,
            (Some(range), _) => ranges.push(range),
            (None, _) => {}
        }
        previous = Some((at, word));
    }
    ranges
}

/// The question's terms with their weights.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WeightedTerms(Vec<(String, f32)>);

impl WeightedTerms {
    /// Weighs the terms of `text` by `weight`, which grows with rarity and is never negative.
    pub fn of(text: &str, mut weight: impl FnMut(&str) -> f32) -> WeightedTerms {
        WeightedTerms(
            terms(text)
                .into_iter()
                .map(|term| {
                    let weight = weight(&term).max(0.0);
                    (term, weight)
                })
                .collect(),
        )
    }

    /// Whether the question has no word that carries meaning.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The share of the terms' weight that `text` holds, 0 to 1; 0 without terms.
    pub fn coverage(&self, text: &str) -> f32 {
        let held: HashSet<String> = terms(text).into_iter().collect();
        let total: f32 = self.0.iter().map(|(_, weight)| weight).sum();
        let found: f32 = self
            .0
            .iter()
            .filter(|(term, _)| held.contains(term))
            .map(|(_, weight)| weight)
            .sum();
        if total > 0.0 { found / total } else { 0.0 }
    }
}

/// Rarity of a word that `holding` of `all` documents hold: the inverse document frequency of
/// BM25 (Robertson and Spärck Jones).
pub fn rarity(holding: usize, all: usize) -> f32 {
    let (n, all) = (holding.min(all) as f32, all as f32);
    (1.0 + (all - n + 0.5) / (n + 0.5)).ln()
}

/// A sentence that may answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Index of its passage.
    pub passage: usize,
    /// Its bytes in the passage's text.
    pub span: Range<usize>,
    /// The cosine of its vector with the question's.
    pub cosine: f32,
    /// The share of the question's weighed words that it holds.
    pub coverage: f32,
}

/// How much the words of a sentence count beside its meaning.
const COVERAGE_WEIGHT: f32 = 0.5;

impl Candidate {
    /// How well it answers; comparable within one question.
    pub fn score(&self) -> f32 {
        self.cosine + COVERAGE_WEIGHT * self.coverage
    }
}

/// The best `count` candidates, best first; of equal ones the earlier passage.
pub fn best(mut candidates: Vec<Candidate>, count: usize) -> Vec<Candidate> {
    candidates.sort_by(|a, b| {
        b.score()
            .total_cmp(&a.score())
            .then_with(|| (a.passage, a.span.start).cmp(&(b.passage, b.span.start)))
    });
    candidates.truncate(count);
    candidates
}

/// What the search says about whether the documents answer a question at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bearing {
    /// The best cosine of a passage or sentence with the question.
    pub cosine: f32,
    /// The largest share of the question's weighed words in one passage.
    pub coverage: f32,
}

impl Bearing {
    /// Whether something bears on the question. Meaning or words suffice: either alone misses
    /// too much, and a low similarity is no proof of absence.
    pub fn is_enough(&self) -> bool {
        self.cosine >= 0.45 || self.coverage >= 0.5 || self.cosine + 0.5 * self.coverage >= 0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_leave_out_what_says_nothing() {
        assert_eq!(
            terms("What is the tenant's deposit?"),
            ["tenant", "deposit"]
        );
        assert_eq!(terms("terminated, terminating"), ["termin"]);
        assert_eq!(
            terms("Wie hoch ist die Miete 2024?"),
            ["hoch", "miet", "2024"]
        );
    }

    #[test]
    fn scripts_without_blanks_give_pairs() {
        assert_eq!(terms("东京很大"), ["东京", "京很", "很大"]);
    }

    #[test]
    fn words_are_marked_whatever_their_endings() {
        let text = "Tenants pay. The tenant's deposit is kept.";
        let marked: Vec<&str> = matches("tenant deposits", text)
            .into_iter()
            .map(|range| &text[range])
            .collect();
        assert_eq!(marked, ["Tenants", "tenant's", "deposit"]);
        let text = "东京很大";
        let marked: Vec<&str> = matches("东京", text)
            .into_iter()
            .map(|range| &text[range])
            .collect();
        assert_eq!(marked, ["东京"]);
    }

    #[test]
    fn rare_words_weigh_more() {
        assert!(rarity(1, 1000) > rarity(500, 1000));
        assert!(rarity(1000, 1000) > 0.0);
    }

    #[test]
    fn coverage_is_the_share_of_weight() {
        let question = WeightedTerms::of(
            "deposit pets",
            |term| if term == "deposit" { 3.0 } else { 1.0 },
        );
        assert_eq!(question.coverage("The deposit is due."), 0.75);
        assert_eq!(question.coverage("Nothing here."), 0.0);
        assert!(WeightedTerms::of("is the", |_| 1.0).is_empty());
    }

    #[test]
    fn the_best_sentences_come_first() {
        let candidate = |passage, cosine, coverage| Candidate {
            passage,
            span: 0..1,
            cosine,
            coverage,
        };
        let best = best(
            vec![
                candidate(0, 0.5, 0.0),
                candidate(1, 0.4, 0.6),
                candidate(2, 0.1, 0.1),
            ],
            2,
        );
        assert_eq!(best.iter().map(|c| c.passage).collect::<Vec<_>>(), [1, 0]);
    }
}
