//! Comparisons: two sides, each with its own citations, and where they say different things.

use docent_core::answer;
use docent_core::citation::Citation;
use docent_core::evidence::{self, Candidate, WeightedTerms};
use docent_core::query::Query;
use docent_core::question;

use super::retrieve::{self, Asked};
use super::{Draft, OnEvent, Read, cite, weigh};
use crate::collection::Collection;
use crate::error::EngineError;
use crate::event::Searched;
use crate::search::{Effort, Mode};

/// Passages that are read for each side.
const PASSAGES: usize = 5;
/// Quotes of each side.
const QUOTES: usize = 2;
/// A passage belongs to a side when it holds this share of the side's words, its place included.
const OF_SIDE: f32 = 0.5;
/// Two statements are about the same when they share this part of the shorter one's words.
const SAME_SUBJECT: f32 = 0.5;

impl Collection {
    /// Puts two sides next to each other. `false` where the question does not name two, or one of
    /// them is not found: then it is answered like any other.
    pub(super) fn compare(
        &self,
        asked: &Asked,
        draft: &mut Draft,
        on_event: &mut OnEvent<'_>,
    ) -> Result<bool, EngineError> {
        let Some((left, right)) = question::sides(&asked.reading.asked) else {
            return Ok(false);
        };
        let mut read: Vec<Read> = Vec::new();
        let mut chosen: Vec<Candidate> = Vec::new();
        let mut labels: Vec<String> = Vec::new();
        let mut searched = None;
        for (side, other) in [(&left, &right), (&right, &left)] {
            let terms = self.weighted(side);
            let (found, told) = self.side(asked, side, &terms)?;
            searched.get_or_insert(told);
            let best = self.quotes_of(asked, side, other, &terms, found, &mut read)?;
            if best.is_empty() {
                return Ok(false);
            }
            labels.extend(best.iter().map(|_| side.clone()));
            chosen.extend(best);
        }
        let Some(mut searched) = searched else {
            return Ok(false);
        };
        for (at, read) in read.iter_mut().enumerate() {
            read.view.number = at + 1;
        }
        searched.passages = retrieve::views(&read);
        draft.quote(cite(&chosen, &read));
        let of_side = |side: &str| -> Vec<&Citation> {
            let citations = draft.answer.citations.iter().zip(&labels);
            citations
                .filter(|(_, label)| *label == side)
                .map(|(c, _)| c)
                .collect()
        };
        draft.answer.finding = contradictions(&of_side(&left), &of_side(&right));
        let numbers = draft
            .answer
            .citations
            .iter()
            .map(|citation| citation.number);
        draft.answer.labels = numbers.zip(labels).collect();
        draft.tell(searched, on_event);
        Ok(true)
    }

    /// Passages about one side.
    fn side(
        &self,
        asked: &Asked,
        side: &str,
        terms: &WeightedTerms,
    ) -> Result<(Vec<Read>, Searched), EngineError> {
        let query = Query {
            filters: asked.query.filters.clone(),
            ..Query::parse(side)
        };
        let results = self.find_hits(query.clone(), Mode::Hybrid, Effort::Full, PASSAGES * 2)?;
        let searched = self.searched(asked, &results)?;
        let mut hits = results.hits;
        hits.retain(|hit| {
            let title = hit.title.as_deref().unwrap_or("");
            let place = format!("{title} {} {}", hit.path, hit.heading_path.join(" "));
            !hit.hidden && terms.coverage(&format!("{place} {}", hit.text)) >= OF_SIDE
        });
        Ok((self.passages(&hits, PASSAGES)?, searched))
    }

    /// The best sentences of one side; their passages join those read so far.
    fn quotes_of(
        &self,
        asked: &Asked,
        side: &str,
        other: &str,
        terms: &WeightedTerms,
        mut found: Vec<Read>,
        read: &mut Vec<Read>,
    ) -> Result<Vec<Candidate>, EngineError> {
        let other = evidence::terms(other);
        let own: Vec<String> = evidence::terms(side);
        let weighed = self.weigh_all(asked, &mut found, |_| true)?;
        let mut best: Vec<(f32, Candidate)> = weighed
            .candidates
            .into_iter()
            .map(|candidate| {
                let text = weigh::text_of(&candidate, &found);
                let held = evidence::terms(text);
                // A sentence about the other side alone belongs there.
                let foreign = other.iter().any(|t| held.contains(t) && !own.contains(t))
                    && !own.iter().any(|t| held.contains(t) && !other.contains(t));
                let score = candidate.score() + terms.coverage(text) - f32::from(u8::from(foreign));
                (score, candidate)
            })
            .collect();
        best.sort_by(|a, b| b.0.total_cmp(&a.0));
        best.truncate(QUOTES);
        let before = read.len();
        read.extend(found);
        Ok(best
            .into_iter()
            .map(|(_, candidate)| Candidate {
                passage: candidate.passage + before,
                ..candidate
            })
            .collect())
    }
}

/// Where two sides speak of the same and say something different: other numbers and dates, or
/// one denies what the other says.
fn contradictions(left: &[&Citation], right: &[&Citation]) -> Option<String> {
    let mut told = Vec::new();
    for (a, b) in left
        .iter()
        .flat_map(|a| right.iter().map(move |b| (*a, *b)))
    {
        if !same_subject(&a.quote, &b.quote) {
            continue;
        }
        let (of_a, of_b) = (numbers(&a.quote), numbers(&b.quote));
        if !of_a.is_empty() && !of_b.is_empty() && of_a != of_b {
            told.push(format!(
                "They differ: {} [{}], {} [{}].",
                of_a.join(", "),
                a.number,
                of_b.join(", "),
                b.number
            ));
        } else if weigh::is_negated(&a.quote) != weigh::is_negated(&b.quote) {
            let (says, denies) = match weigh::is_negated(&a.quote) {
                true => (b, a),
                false => (a, b),
            };
            told.push(format!(
                "They may contradict: [{}] says what [{}] denies.",
                says.number, denies.number
            ));
        }
    }
    (!told.is_empty()).then(|| told.join("\n"))
}

fn same_subject(a: &str, b: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let terms = evidence::terms(text).into_iter();
        terms
            .filter(|term| !term.starts_with(|c: char| c.is_ascii_digit()))
            .collect()
    };
    let (a, b) = (words(a), words(b));
    let shared = a.iter().filter(|term| b.contains(term)).count();
    let shorter = a.len().min(b.len());
    shorter > 0 && shared as f32 >= SAME_SUBJECT * shorter as f32
}

/// The numbers in a statement, as written, each once.
fn numbers(text: &str) -> Vec<&str> {
    let mut numbers: Vec<&str> = answer::numbers(text).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[cfg(test)]
mod tests {
    use docent_core::document::Locator;

    use super::*;

    fn quote(number: usize, quote: &str) -> Citation {
        Citation {
            number,
            passage: number,
            path: "a.txt".into(),
            locator: Locator::Lines { first: 1, last: 1 },
            quote: quote.into(),
            start: 0,
            end: quote.len(),
        }
    }

    fn told(a: &str, b: &str) -> Option<String> {
        contradictions(&[&quote(1, a)], &[&quote(2, b)])
    }

    #[test]
    fn other_numbers_for_the_same_are_flagged() {
        assert_eq!(
            told(
                "The notice period is 30 days.",
                "The notice period is 90 days."
            ),
            Some("They differ: 30 [1], 90 [2].".into())
        );
        assert_eq!(
            told("The notice period is 30 days.", "The rent is 900 francs."),
            None
        );
        assert_eq!(
            told("Notice is 30 days.", "Notice of 30 days is due."),
            None
        );
    }

    #[test]
    fn a_denial_of_the_same_is_flagged() {
        let text = told(
            "Pets are allowed in the house.",
            "Pets are not allowed in the house.",
        );
        assert_eq!(
            text.as_deref(),
            Some("They may contradict: [1] says what [2] denies.")
        );
    }
}
