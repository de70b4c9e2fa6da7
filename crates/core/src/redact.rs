//! Redaction: names, addresses, dates of birth and numbers give way to labels, the same thing to
//! the same label wherever it stands.
//!
//! It goes by rules that can be read, not by a model: forms of address, given names, labels such
//! as `Patient:` and the form of numbers. All texts are read first ([`Redactor::learn`]), so that
//! a person who is "J. Smith" on page one and "John Smith" on page two is one person. It is a
//! help and no proof: a name without any cue stays, and somebody has to read the result.
//!
//! What is said is left as it is: sums of money, dates other than days of birth, doses, sections.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

mod cues;
mod patterns;
mod people;
mod tokens;
mod words;

use patterns::Known;
use people::People;

/// Numbers in a path with so many digits may name a person's file.
const MIN_PATH_DIGITS: usize = 6;

/// What is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// People, by name.
    Person,
    /// Companies and institutions.
    Organisation,
    /// Streets with number and town, post boxes, postcodes.
    Address,
    /// Addresses of mail.
    Email,
    /// Telephone numbers.
    Phone,
    /// Dates of birth.
    Birth,
    /// Numbers of accounts, papers, cards, policies, cases.
    Number,
}

impl Kind {
    /// The word in its labels: `Person A`.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Person => "Person",
            Kind::Organisation => "Organisation",
            Kind::Address => "Address",
            Kind::Email => "Email",
            Kind::Phone => "Phone",
            Kind::Birth => "Date of birth",
            Kind::Number => "Number",
        }
    }
}

/// A stretch of a text that is to be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    kind: Kind,
    span: Range<usize>,
    /// What has the same key gets the same label.
    key: String,
}

/// Replaces what tells who somebody is.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    people: People,
    known: Known,
    labels: HashMap<(Kind, String), String>,
    given: HashMap<Kind, usize>,
    counts: BTreeMap<Kind, usize>,
}

impl Redactor {
    /// Learns who and what occurs in some texts and paths. To be called once, with all of them,
    /// before anything is replaced.
    pub fn learn<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        paths: impl IntoIterator<Item = &'a str>,
    ) -> Redactor {
        let texts: Vec<&str> = texts.into_iter().collect();
        let mut known = Known::default();
        for text in &texts {
            known.learn(text);
        }
        Redactor {
            people: People::learn(&texts, paths),
            known,
            ..Redactor::default()
        }
    }

    /// The text with labels in place of what tells who somebody is. Labels are given in the
    /// order of first appearance.
    pub fn redact(&mut self, text: &str) -> String {
        let mut found = patterns::find(text, &self.known);
        let taken: Vec<Range<usize>> = found.iter().map(|found| found.span.clone()).collect();
        found.extend(self.people.find(text, &taken));
        self.replace(text, found)
    }

    /// The path with labels in place of names and long numbers.
    pub fn redact_path(&mut self, path: &str) -> String {
        let mut found = patterns::find(path, &self.known);
        found.retain(|found| matches!(found.kind, Kind::Email | Kind::Number));
        found.extend(long_numbers(path));
        found.extend(self.people.find_in_path(path));
        self.replace(path, found)
    }

    /// How much was replaced so far, by kind.
    pub fn counts(&self) -> impl Iterator<Item = (Kind, usize)> {
        self.counts.iter().map(|(kind, count)| (*kind, *count))
    }

    fn replace(&mut self, text: &str, mut found: Vec<Found>) -> String {
        // Of what overlaps the longer; an address holds a street that bears a person's name.
        found.sort_by_key(|found| (found.span.start, std::cmp::Reverse(found.span.end)));
        let mut redacted = String::with_capacity(text.len());
        let mut at = 0;
        for one in longest(found) {
            let Some(between) = text.get(at..one.span.start) else {
                continue;
            };
            redacted.push_str(between);
            redacted.push_str(&self.label(one.kind, one.key));
            at = one.span.end;
        }
        redacted.push_str(&text[at..]);
        redacted
    }

    fn label(&mut self, kind: Kind, key: String) -> String {
        *self.counts.entry(kind).or_default() += 1;
        if let Some(label) = self.labels.get(&(kind, key.clone())) {
            return label.clone();
        }
        let given = self.given.entry(kind).or_default();
        let label = format!("{} {}", kind.word(), letters(*given));
        *given += 1;
        self.labels.insert((kind, key), label.clone());
        label
    }
}

/// Of stretches that overlap, those that are longest; sorted by their beginning.
fn longest(found: Vec<Found>) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::with_capacity(found.len());
    for one in found {
        match kept.last_mut() {
            Some(last) if one.span.start < last.span.end => {
                if one.span.len() > last.span.len() {
                    *last = one;
                }
            }
            _ => kept.push(one),
        }
    }
    kept
}

/// A, B … Z, AA, AB …
fn letters(number: usize) -> String {
    let mut letters = Vec::new();
    let mut left = number + 1;
    while left > 0 {
        letters.push(char::from(b'A' + ((left - 1) % 26) as u8));
        left = (left - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// Numbers of a path that are no date (`20210312`).
fn long_numbers(path: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let mut start = 0;
    for part in path.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let digits = part.trim_end_matches(|c: char| !c.is_ascii_digit());
        if digits.len() >= MIN_PATH_DIGITS && !patterns::is_compact_date(digits) {
            found.push(Found {
                kind: Kind::Number,
                span: start..start + digits.len(),
                key: digits.to_owned(),
            });
        }
        start += part.len();
    }
    found
}

#[cfg(test)]
mod tests;
