//! How good a search or an answer was, measured as the field measures it.
//!
//! Rankings are judged by documents, each counted at its first hit; passages by whether they
//! hold the words that prove the answer; two runs by what changed, query by query
//! ([`statistics`]).

use std::collections::BTreeMap;

pub mod statistics;

/// Documents that are looked at from the top of a ranking.
pub const RANKING_DEPTH: usize = 10;
/// Hits that are looked at for evidence.
pub const EVIDENCE_DEPTH: usize = 8;
/// Characters of a piece of evidence that have to be there: a clause may be cut across chunks.
const EVIDENCE_CHARACTERS: usize = 400;
/// A text that lies wholly within the evidence proves it only if it is longer than this.
const MIN_WITHIN_CHARACTERS: usize = 80;
/// Shorter words prove nothing.
const MIN_PROOF_CHARACTERS: usize = 3;

/// How well a ranking of documents fits what is relevant.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Ranking {
    /// Normalised discounted cumulative gain of the first ten, with gains 2^relevance − 1 and
    /// discounts log2(rank + 1) (Järvelin and Kekäläinen 2002; Burges et al. 2005). 0 to 1.
    pub ndcg: f64,
    /// The share of the relevant documents that are among the first ten.
    pub recall: f64,
    /// One over the rank of the first relevant document; 0 if none is among the first ten.
    pub reciprocal_rank: f64,
    /// The rank of the first relevant document among all that were found, from 1.
    pub first_relevant: Option<usize>,
}

/// Judges the documents of the hits, best first, against the relevance of documents. `None`
/// where nothing is relevant, so that nothing can be judged.
pub fn ranking<'a>(
    hits: impl IntoIterator<Item = &'a str>,
    relevance: &BTreeMap<String, u32>,
) -> Option<Ranking> {
    let relevant = |document: &str| relevance.get(document).copied().unwrap_or(0);
    let mut ideal: Vec<u32> = relevance.values().copied().filter(|r| *r > 0).collect();
    if ideal.is_empty() {
        return None;
    }
    ideal.sort_unstable_by(|a, b| b.cmp(a));
    let documents = distinct(hits);
    let top = &documents[..documents.len().min(RANKING_DEPTH)];
    let first_relevant = documents.iter().position(|d| relevant(d) > 0);
    let found = top.iter().filter(|d| relevant(d) > 0).count();
    Some(Ranking {
        ndcg: gain(top.iter().map(|d| relevant(d))) / gain(ideal.iter().copied()),
        recall: found as f64 / ideal.len() as f64,
        reciprocal_rank: match first_relevant {
            Some(at) if at < RANKING_DEPTH => 1.0 / (at + 1) as f64,
            _ => 0.0,
        },
        first_relevant: first_relevant.map(|at| at + 1),
    })
}

/// Each of them once, in the order of its first appearance.
pub fn distinct<'a>(items: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen
}

/// Discounted cumulative gain of the first ten.
fn gain(relevance: impl Iterator<Item = u32>) -> f64 {
    relevance
        .take(RANKING_DEPTH)
        .enumerate()
        .map(|(at, relevance)| (f64::from(relevance).exp2() - 1.0) / (at as f64 + 2.0).log2())
        .sum()
}

/// Words that prove an answer, in the form in which they are compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof(Vec<String>);

impl Proof {
    /// Of these texts; those without three letters or digits prove nothing and are left out.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Proof {
        let squeezed = texts.into_iter().map(squeezed);
        Proof(
            squeezed
                .filter(|text| text.chars().count() >= MIN_PROOF_CHARACTERS)
                .collect(),
        )
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Characters of the longest text.
    pub fn longest(&self) -> usize {
        let lengths = self.0.iter().map(|text| text.chars().count());
        lengths.max().unwrap_or(0)
    }

    /// Whether a text holds one of them, or is itself a good part of one.
    pub fn is_in(&self, text: &str) -> bool {
        let text = squeezed(text);
        let is_part = text.chars().count() > MIN_WITHIN_CHARACTERS;
        self.0.iter().any(|wanted| {
            let head = wanted.char_indices().nth(EVIDENCE_CHARACTERS);
            let head = &wanted[..head.map_or(wanted.len(), |(at, _)| at)];
            text.contains(head) || (is_part && wanted.contains(&text))
        })
    }
}

/// Whether a text holds these words: white space and case do not matter, and a number or a word
/// in Latin letters stands by itself ("4" is not in "40").
pub fn holds_words(text: &str, words: &str) -> bool {
    let (text, words) = (flat(text), flat(words));
    let joins = |outer: Option<char>, inner: Option<char>| {
        let is_latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        is_latin(outer) && is_latin(inner)
    };
    !words.is_empty()
        && text.match_indices(&words).any(|(at, found)| {
            let before = text[..at].chars().next_back();
            let after = text[at + found.len()..].chars().next();
            !joins(before, found.chars().next()) && !joins(after, found.chars().next_back())
        })
}

/// A text in lower case with every run of white space as one blank.
fn flat(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

/// A text in lower case, with nothing but its letters, digits and underscores: line breaks,
/// hyphenation and typography do not matter.
fn squeezed(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relevance(pairs: &[(&str, u32)]) -> BTreeMap<String, u32> {
        pairs.iter().map(|(d, r)| ((*d).to_owned(), *r)).collect()
    }

    #[test]
    fn a_perfect_ranking_is_one_and_a_late_one_is_discounted() {
        let relevance = relevance(&[("a", 2), ("b", 1)]);
        let best = ranking(["a", "a", "b", "c"], &relevance).unwrap();
        assert!((best.ndcg - 1.0).abs() < 1e-12);
        assert_eq!((best.recall, best.reciprocal_rank), (1.0, 1.0));
        // Gains 3 and 1; b stands first and a third: (1 + 3/2) / (3 + 1/log2(3)).
        let late = ranking(["b", "c", "a"], &relevance).unwrap();
        let expected = (1.0 + 3.0 / 2.0) / (3.0 + 1.0 / 3f64.log2());
        assert!((late.ndcg - expected).abs() < 1e-12, "{}", late.ndcg);
    }

    #[test]
    fn what_stands_below_the_tenth_place_counts_nothing_but_has_a_rank() {
        let names: Vec<String> = (0..12).map(|n| format!("d{n}")).collect();
        let hits = names.iter().map(String::as_str);
        let judged = ranking(hits, &relevance(&[("d11", 1)])).unwrap();
        assert_eq!((judged.ndcg, judged.recall), (0.0, 0.0));
        assert_eq!(judged.reciprocal_rank, 0.0);
        assert_eq!(judged.first_relevant, Some(12));
    }

    #[test]
    fn without_relevant_documents_there_is_no_judgement() {
        assert_eq!(ranking(["a"], &relevance(&[("a", 0)])), None);
    }

    #[test]
    fn evidence_is_found_across_line_breaks_and_typography() {
        let proof = Proof::of(["The deposit is two months' rent."]);
        assert!(proof.is_in("… The de-\nposit is two  months\u{2019} rent, and"));
        assert!(!proof.is_in("The deposit is three months' rent."));
        assert!(Proof::of(["a.", "§"]).is_empty());
    }

    #[test]
    fn a_long_part_of_a_longer_clause_is_evidence() {
        let clause = "The tenant keeps the flat clean. ".repeat(20);
        let proof = Proof::of([clause.as_str()]);
        assert!(proof.is_in(&clause[..200]));
        assert!(!proof.is_in(&clause[..30]));
    }

    #[test]
    fn words_stand_by_themselves() {
        assert!(holds_words("It costs\n4 euros.", "4  Euros"));
        assert!(!holds_words("It costs 40 euros.", "4"));
        assert!(!holds_words("fourteen", "four"));
        assert!(holds_words("他入选四次职业碗", "四次"));
        assert!(!holds_words("anything", " "));
    }

    #[test]
    fn chinese_words_are_compared_by_their_characters() {
        let proof = Proof::of(["押金为两个月租金"]);
        assert!(proof.is_in("第三条 押金为两个月 租金。"));
    }
}
