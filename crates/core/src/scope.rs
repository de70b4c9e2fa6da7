//! Scope: which part of a question says where to look, and which part asks.
//!
//! "Consider the Supply Agreement between Acme and Widget; what is the governing law?" names one
//! document and asks something of it. Compared with passages as a whole, such a question finds
//! the page that names the parties, and not the clause that answers. So the documents that were
//! found are looked at: where one covers, by its title, path and first page, most of what a
//! clause of the question says, and no other does, the rest of the question is asked of that
//! document alone.

use std::collections::HashSet;

use crate::evidence;

/// Below this share of a clause's weighed words a document is not what it names…
const LEAST_COVER: f32 = 0.5;
/// …and from this on it is.
const FULL_COVER: f32 = 0.75;
/// By so much the documents that are meant stand out from the next…
const MARGIN: f32 = 0.15;
/// …and those that cover so much of what the best does are meant along with it: versions.
const ALIKE: f32 = 0.9;
/// A question that fits more documents than this names none.
const MOST_ALIKE: usize = 3;
/// A clause that is covered to this degree says where to look.
const NAMES: f32 = 0.6;
/// A question of one clause names and asks in the same words, so that less can be made of it.
const ONE_CLAUSE: f32 = 0.5;

/// The words by which a document is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity(HashSet<String>);

impl Identity {
    /// Of a document's title, path and first lines, joined.
    pub fn of(text: &str) -> Identity {
        Identity(evidence::terms(text).into_iter().collect())
    }
}

/// A part of a question between stops, with its words and their weights.
#[derive(Debug, Clone, PartialEq)]
struct Clause<'q> {
    text: &'q str,
    terms: Vec<(String, f32)>,
}

impl Clause<'_> {
    /// The share of its weighed words that the document is called by.
    fn cover(&self, identity: &Identity) -> f32 {
        let sum = |terms: &mut dyn Iterator<Item = &(String, f32)>| -> f32 {
            terms.map(|(_, weight)| weight).sum()
        };
        let all = sum(&mut self.terms.iter());
        let mut held = self.terms.iter().filter(|(t, _)| identity.0.contains(t));
        if all > 0.0 { sum(&mut held) / all } else { 0.0 }
    }
}

/// A question, cut into clauses.
#[derive(Debug, Clone, PartialEq)]
pub struct Scoping<'q> {
    clauses: Vec<Clause<'q>>,
}

/// A document that a question names.
#[derive(Debug, Clone, PartialEq)]
pub struct Named<Id> {
    /// The document.
    pub document: Id,
    /// How surely it is meant, 0 to 1.
    pub share: f32,
    /// What is asked of it.
    pub asks: String,
    /// Whether the question names it in a clause of its own.
    pub by_clause: bool,
}

impl<'q> Scoping<'q> {
    /// Of a question; `weight` is a term's rarity, 0 for one that no document has.
    pub fn of(question: &'q str, weight: impl Fn(&str) -> f32) -> Scoping<'q> {
        let clause = |text: &'q str| Clause {
            text,
            terms: evidence::terms(text)
                .into_iter()
                .map(|term| {
                    let weight = weight(&term);
                    (term, weight)
                })
                .collect(),
        };
        let clauses = clauses(question).into_iter().map(clause);
        Scoping {
            clauses: clauses.filter(|clause| !clause.terms.is_empty()).collect(),
        }
    }

    /// Which of the documents the question names, and what it asks of each.
    pub fn named<Id: Copy>(&self, documents: &[(Id, Identity)]) -> Vec<Named<Id>> {
        let covers: Vec<f32> = documents.iter().map(|(_, i)| self.cover(i)).collect();
        let best = covers.iter().copied().fold(0.0, f32::max);
        if best <= LEAST_COVER {
            return Vec::new();
        }
        let is_meant = |cover: f32| cover >= ALIKE * best && cover > LEAST_COVER;
        if covers.iter().filter(|cover| is_meant(**cover)).count() > MOST_ALIKE {
            return Vec::new();
        }
        let others = covers.iter().copied().filter(|cover| !is_meant(*cover));
        let next = others.fold(0.0, f32::max);
        let by_clause = self.clauses.len() > 1;
        let meant = documents.iter().zip(&covers).filter(|(_, c)| is_meant(**c));
        meant
            .filter_map(|((document, identity), cover)| {
                let sure = ((cover - LEAST_COVER) / (FULL_COVER - LEAST_COVER)).min(1.0);
                let apart = ((cover - next) / MARGIN).clamp(0.0, 1.0);
                let share = sure * apart * if by_clause { 1.0 } else { ONE_CLAUSE };
                let asks = self.asks(identity)?;
                (share > 0.0).then_some(Named {
                    document: *document,
                    share,
                    asks,
                    by_clause,
                })
            })
            .collect()
    }

    /// How much of the clause that it covers best a document covers; of a question of one
    /// clause, how much of the question. A clause of one word, or one that asks, names nothing.
    fn cover(&self, identity: &Identity) -> f32 {
        let is_one = self.clauses.len() == 1;
        let may_name = |clause: &&Clause| {
            is_one || (clause.terms.len() > 1 && !clause.text.ends_with(['?', '？']))
        };
        let naming = self.clauses.iter().filter(may_name);
        let covers = naming.map(|clause| clause.cover(identity));
        covers.fold(0.0, f32::max)
    }

    /// What is left to ask of a document that is called so: the clauses that do not name it, or
    /// else the words that do not.
    fn asks(&self, identity: &Identity) -> Option<String> {
        let (naming, asking): (Vec<_>, Vec<_>) =
            (self.clauses.iter()).partition(|clause| clause.cover(identity) >= NAMES);
        if !naming.is_empty() && !asking.is_empty() {
            let asking: Vec<&str> = asking.iter().map(|clause| clause.text).collect();
            return Some(asking.join(" "));
        }
        let words = self.clauses.iter().flat_map(|c| c.text.split_whitespace());
        let left = words.filter(|word| {
            let terms = evidence::terms(word);
            terms.is_empty() || !terms.iter().all(|term| identity.0.contains(term))
        });
        let asks = left.collect::<Vec<_>>().join(" ");
        (!evidence::terms(&asks).is_empty()).then_some(asks)
    }
}

/// The parts of a question between stops: `;`, `?`, `!`, `.` and `:` before white space.
fn clauses(question: &str) -> Vec<&str> {
    let mut clauses = Vec::new();
    let mut start = 0;
    let mut characters = question.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let ends_here = match c {
            '。' | '？' | '！' | '；' => true,
            ';' | '?' | '!' | '.' | ':' => characters
                .peek()
                .is_none_or(|(_, next)| next.is_whitespace()),
            _ => false,
        };
        if ends_here {
            let end = at + c.len_utf8();
            clauses.push(question[start..end].trim());
            start = end;
        }
    }
    clauses.push(question[start..].trim());
    clauses
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUPPLY: &str = "Supply Agreement between Acme Pumps Inc. and Widget Water SA, dated 2020";
    const LEASE: &str = "Lease between Acme Holdings and Jane Miller";

    fn named(question: &str, documents: &[&str]) -> Vec<Named<usize>> {
        let documents: Vec<(usize, Identity)> = documents
            .iter()
            .map(|text| Identity::of(text))
            .enumerate()
            .collect();
        Scoping::of(question, |_| 1.0).named(&documents)
    }

    #[test]
    fn a_clause_that_names_a_document_leaves_the_rest_to_be_asked_of_it() {
        let question = "Consider the Supply Agreement between Acme Pumps, Inc. and Widget Water; \
                        What is the governing law?";
        let found = named(question, &[LEASE, SUPPLY]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].document, 1);
        assert_eq!(found[0].asks, "What is the governing law?");
        assert!(found[0].by_clause && found[0].share > 0.9, "{found:?}");
    }

    #[test]
    fn in_one_clause_the_words_that_name_are_left_out() {
        let found = named(
            "notice period lease Jane Miller Acme Holdings",
            &[LEASE, SUPPLY],
        );
        assert_eq!(found[0].document, 0);
        assert_eq!(found[0].asks, "notice period");
        assert!(!found[0].by_clause && found[0].share <= ONE_CLAUSE);
    }

    #[test]
    fn nothing_is_named_by_words_that_all_documents_share_or_none_has() {
        assert!(named("What is the rent?", &[LEASE, SUPPLY]).is_empty());
        assert!(named("Acme contract", &[LEASE, SUPPLY]).is_empty());
        assert!(named("Who signed? When?", &[]).is_empty());
        let many = [LEASE; 4];
        assert!(named("lease Jane Miller Acme Holdings rent", &many).is_empty());
    }

    #[test]
    fn versions_of_a_document_are_meant_together() {
        let question = "lease of Jane Miller and Acme Holdings. Is a deposit due?";
        let found = named(question, &[LEASE, LEASE, SUPPLY]);
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|named| named.asks == "Is a deposit due?"));
    }

    #[test]
    fn a_clause_that_asks_names_nothing() {
        assert!(
            named(
                "What about the rent? Is it the lease of Jane Miller?",
                &[LEASE]
            )
            .is_empty()
        );
    }

    #[test]
    fn a_question_that_only_names_asks_nothing_more() {
        assert!(named("Lease Jane Miller Acme Holdings", &[LEASE, SUPPLY]).is_empty());
    }

    #[test]
    fn stops_inside_words_cut_nothing() {
        assert_eq!(
            clauses("version 3.5 of a:b; why?"),
            ["version 3.5 of a:b;", "why?", ""]
        );
        assert_eq!(clauses("甲方是谁？何时？"), ["甲方是谁？", "何时？", ""]);
    }
}
