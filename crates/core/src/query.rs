//! Queries: what a person types, understood without ever failing.
//!
//! ```text
//! query  = clause*
//! clause = ["-" | "NOT"] ( word | '"' phrase '"' | "(" query ")" | field ":" value )
//!          joined by white space, "AND" or "OR"
//! field  = "path" | "type" | "title" | "lang" | "after" | "before" | "date" | "from" | "to"
//! ```
//!
//! Words side by side are alternatives, ranked by how many match and how rare they are; a quoted
//! phrase must be there; `AND` requires both sides, `NOT` and `-` forbid. Everything that is not
//! understood (a lone quote, an unknown field, a stray bracket) is taken as words.

mod filters;

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

pub use self::filters::{BadValue, Field, Filters};

/// A condition on the text of a chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// One word as typed; the index may split it further.
    Word(String),
    /// Words that must stand one after the other.
    Phrase(String),
    /// Conditions joined.
    Group(Group),
    /// A word that no document has, and what is looked for instead. Never typed; an index that
    /// knows its words puts it in the place of a word.
    Corrected(Correction),
}

/// A word that no document has, and words of the documents that are spelled almost so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// The word as typed.
    pub typed: String,
    /// The words that are looked for instead, as the index has them: in lower case, without
    /// accents. At least one.
    pub tried: Vec<String>,
}

impl fmt::Display for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tried = self.tried.join(", ");
        write!(
            f,
            "No document has “{}”; also searched for {tried}.",
            self.typed
        )
    }
}

/// A text with the first word that is tried in place of each that was typed.
pub fn corrected(text: &str, corrections: &[Correction]) -> String {
    text.split_word_bounds()
        .map(|word| {
            let correction = corrections.iter().find(|c| c.typed == word);
            let tried = correction.and_then(|correction| correction.tried.first());
            tried.map_or(word, String::as_str)
        })
        .collect()
}

/// Conditions joined: all of `must`, none of `must_not`; `should` raises the score, and where
/// `must` is empty, at least one of `should` has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Each has to hold.
    pub must: Vec<Condition>,
    /// The more hold, the better.
    pub should: Vec<Condition>,
    /// None may hold.
    pub must_not: Vec<Condition>,
}

impl Group {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.must.is_empty() && self.should.is_empty() && self.must_not.is_empty()
    }

    /// Whether some chunks are ruled out, not only ranked lower.
    pub fn is_strict(&self) -> bool {
        !self.must.is_empty() || !self.must_not.is_empty()
    }
}

/// What a person typed, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// The conditions on the text.
    pub text: Group,
    /// The conditions on the document.
    pub filters: Filters,
    /// The words that are asked for, without operators and fields: what is embedded.
    pub plain: String,
    /// What a field was given and does not know (`after:soon`), and is searched for as a word.
    pub unknown: Vec<BadValue>,
}

impl Query {
    /// Understands what a person typed. Never fails: what makes no sense as an operator is a word.
    pub fn parse(input: &str) -> Query {
        let tokens = tokens(input);
        let mut query = Query::default();
        let mut parser = Parser {
            tokens: &tokens,
            at: 0,
            filters: &mut query.filters,
            unknown: &mut query.unknown,
        };
        query.text = parser.group(0);
        query.plain = plain(&query.text);
        query
    }
}

/// The words that a group asks for, in the order typed within each kind.
fn plain(group: &Group) -> String {
    let mut words = Vec::new();
    collect_words(group, &mut words);
    words.join(" ")
}

fn collect_words<'q>(group: &'q Group, words: &mut Vec<&'q str>) {
    for condition in group.must.iter().chain(&group.should) {
        match condition {
            Condition::Word(word) | Condition::Phrase(word) => words.push(word),
            Condition::Corrected(correction) => words.push(&correction.typed),
            Condition::Group(inner) => collect_words(inner, words),
        }
    }
}

/// A piece of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Phrase(String),
    /// A known field with its value.
    Field(Field, String),
    Minus,
    Not,
    And,
    Or,
    Open,
    Close,
}

fn tokens(input: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = input.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, taken) = match first {
            '(' => (Some(Token::Open), 1),
            ')' => (Some(Token::Close), 1),
            '-' if rest[1..].starts_with(|c: char| !c.is_whitespace() && c != '-') => {
                (Some(Token::Minus), 1)
            }
            c if is_quote(c) => phrase(rest),
            _ => word(rest),
        };
        tokens.extend(token);
        rest = rest[taken..].trim_start();
    }
    tokens
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '«' | '»')
}

/// A quoted phrase at the beginning of `rest`; a quote that nothing closes is left out.
fn phrase(rest: &str) -> (Option<Token>, usize) {
    let opening = rest.chars().next().map_or(0, char::len_utf8);
    let Some(length) = rest[opening..].find(is_quote) else {
        return (None, opening);
    };
    let body = rest[opening..opening + length].trim();
    let closing = rest[opening + length..]
        .chars()
        .next()
        .map_or(0, char::len_utf8);
    let token = (!body.is_empty()).then(|| Token::Phrase(body.to_owned()));
    (token, opening + length + closing)
}

/// A word, an operator or a field at the beginning of `rest`.
fn word(rest: &str) -> (Option<Token>, usize) {
    let end = word_end(rest);
    let word = &rest[..end];
    if let Some((name, value)) = word.split_once(':')
        && let Some(field) = Field::from_name(name)
    {
        if !value.is_empty() {
            return (Some(Token::Field(field, value.to_owned())), end);
        }
        if rest[end..].starts_with(is_quote) {
            let (quoted, taken) = phrase(&rest[end..]);
            if let Some(Token::Phrase(value)) = quoted {
                return (Some(Token::Field(field, value)), end + taken);
            }
        }
    }
    let token = match word {
        "AND" | "&&" => Token::And,
        "OR" | "||" => Token::Or,
        "NOT" => Token::Not,
        _ => Token::Word(word.to_owned()),
    };
    (Some(token), end)
}

/// Where the word at the beginning of `rest` ends. Brackets behind a letter or digit that close
/// before the word does belong to it: `12(b)`, `run(x)`.
fn word_end(rest: &str) -> usize {
    let mut before = None;
    let mut inner_end = 0;
    for (at, c) in rest.char_indices() {
        let ends = c.is_whitespace() || is_quote(c);
        let opens = c == '(' && !is_inner(&rest[at..], before, &rest[..at]);
        if at >= inner_end && (ends || opens || c == ')') {
            return at;
        }
        if at >= inner_end && c == '(' {
            inner_end = at + rest[at..].find(')').map_or(0, |length| length + 1);
        }
        before = Some(c);
    }
    rest.len()
}

/// Whether a bracket belongs to the word before it: nothing but the word's own kind of characters
/// stands in it, and the word is no operator.
fn is_inner(bracket: &str, before: Option<char>, word: &str) -> bool {
    let inside = bracket[1..].split(')').next().unwrap_or_default();
    before.is_some_and(|c| c.is_alphanumeric() || c == ')')
        && !matches!(word, "AND" | "OR" | "NOT")
        && inside.len() + 1 < bracket.len()
        && !inside.is_empty()
        && inside
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// Brackets nested deeper than this are taken as words of the outer level.
const MAX_DEPTH: usize = 16;

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    filters: &'t mut Filters,
    unknown: &'t mut Vec<BadValue>,
}

impl Parser<'_> {
    fn next_if(&mut self, token: &Token) -> bool {
        let found = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(found);
        found
    }

    /// Clauses up to the closing bracket or the end. `OR` binds weaker than `AND`, which binds
    /// weaker than standing side by side.
    fn group(&mut self, depth: usize) -> Group {
        let mut alternatives = vec![self.conjunction(depth)];
        while self.at < self.tokens.len() {
            if self.next_if(&Token::Or) {
                alternatives.push(self.conjunction(depth));
            } else if depth > 0 && self.tokens.get(self.at) == Some(&Token::Close) {
                break;
            } else {
                self.at += 1; // a closing bracket that nothing opened
                alternatives.push(self.conjunction(depth));
            }
        }
        one_of(alternatives)
    }

    /// Groups joined by `AND`.
    fn conjunction(&mut self, depth: usize) -> Group {
        let mut parts = vec![self.run(depth)];
        while self.next_if(&Token::And) {
            parts.push(self.run(depth));
        }
        parts.retain(|part| !part.is_empty());
        if parts.len() == 1 {
            return parts.remove(0);
        }
        let mut all = Group::default();
        for part in parts {
            // What only forbids has nothing to require.
            if part.must.is_empty() && part.should.is_empty() {
                all.must_not.extend(part.must_not);
            } else {
                all.must.push(simplest(part));
            }
        }
        all
    }

    /// Clauses side by side.
    fn run(&mut self, depth: usize) -> Group {
        let mut group = Group::default();
        loop {
            let start = self.at;
            let negated = self.next_if(&Token::Minus) || self.next_if(&Token::Not);
            let Some(token) = self.tokens.get(self.at).cloned() else {
                break;
            };
            let condition = match token {
                Token::Word(word) => Some(Condition::Word(word)),
                Token::Phrase(phrase) => Some(Condition::Phrase(phrase)),
                Token::Open if depth < MAX_DEPTH => {
                    self.at += 1;
                    let inner = self.group(depth + 1);
                    // The closing bracket, if there is one, is skipped below.
                    self.at -= usize::from(self.at >= self.tokens.len());
                    (!inner.is_empty()).then(|| simplest(inner))
                }
                Token::Field(field, value) => self.filter(field, &value, negated),
                Token::Open | Token::Minus | Token::Not => None,
                Token::And | Token::Or | Token::Close => {
                    self.at = if negated { start + 1 } else { start };
                    break;
                }
            };
            self.at += 1;
            match condition {
                Some(condition) if negated => group.must_not.push(condition),
                Some(phrase @ Condition::Phrase(_)) => group.must.push(phrase),
                Some(condition) => group.should.push(condition),
                None => {}
            }
        }
        group
    }

    /// Notes a condition on the document; a value that the field does not know is a word.
    fn filter(&mut self, field: Field, value: &str, negated: bool) -> Option<Condition> {
        let bad = self.filters.add(field, value, negated).err()?;
        let word = Condition::Word(bad.value.clone());
        self.unknown.push(bad);
        Some(word)
    }
}

fn one_of(mut alternatives: Vec<Group>) -> Group {
    alternatives.retain(|group| !group.is_empty());
    match alternatives.len() {
        0 => Group::default(),
        1 => alternatives.remove(0),
        _ => Group {
            should: alternatives.into_iter().map(simplest).collect(),
            ..Group::default()
        },
    }
}

/// The group as a condition, without brackets around a single one.
fn simplest(mut group: Group) -> Condition {
    match (group.must.len(), group.should.len(), group.must_not.len()) {
        (1, 0, 0) => group.must.remove(0),
        (0, 1, 0) => group.should.remove(0),
        _ => Condition::Group(group),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Format;

    fn word(word: &str) -> Condition {
        Condition::Word(word.into())
    }

    fn phrase(words: &str) -> Condition {
        Condition::Phrase(words.into())
    }

    #[test]
    fn words_side_by_side_are_alternatives() {
        let query = Query::parse("What ends the lease?");
        assert_eq!(query.text.should.len(), 4);
        assert!(!query.text.is_strict());
        assert_eq!(query.plain, "What ends the lease?");
    }

    #[test]
    fn phrases_are_required_and_minus_forbids() {
        let query = Query::parse("deposit “two months” -pets -\"early end\"");
        assert_eq!(query.text.must, [phrase("two months")]);
        assert_eq!(query.text.should, [word("deposit")]);
        assert_eq!(query.text.must_not, [word("pets"), phrase("early end")]);
        assert_eq!(query.plain, "two months deposit");
    }

    #[test]
    fn and_binds_stronger_than_or() {
        let query = Query::parse("rent AND deposit OR pets");
        let both = Group {
            must: vec![word("rent"), word("deposit")],
            ..Group::default()
        };
        assert_eq!(query.text.should, [Condition::Group(both), word("pets")]);
    }

    #[test]
    fn and_not_forbids() {
        let query = Query::parse("rent AND NOT pets");
        assert_eq!(query.text.must, [word("rent")]);
        assert_eq!(query.text.must_not, [word("pets")]);
    }

    #[test]
    fn brackets_group() {
        let query = Query::parse("(cat OR dog) AND food");
        assert_eq!(query.text.must.len(), 2);
        assert!(matches!(&query.text.must[0], Condition::Group(g) if g.should.len() == 2));
        assert_eq!(query.plain, "cat dog food");
    }

    #[test]
    fn fields_become_filters() {
        let query =
            Query::parse("type:PDF path:letters/2021 -path:drafts title:\"The lease\" rent");
        assert_eq!(query.filters.formats, [Format::Pdf]);
        assert_eq!(query.filters.paths, ["letters/2021"]);
        assert_eq!(query.filters.not_paths, ["drafts"]);
        assert_eq!(query.filters.titles, ["The lease"]);
        assert_eq!(query.plain, "rent");
    }

    #[test]
    fn unknown_fields_and_values_are_words() {
        assert_eq!(Query::parse("http://a.b").text.should, [word("http://a.b")]);
        for (typed, value) in [
            ("type:spaceship", "spaceship"),
            ("after:soon", "soon"),
            ("lang:klingon", "klingon"),
        ] {
            let query = Query::parse(typed);
            assert_eq!(query.text.should, [word(value)]);
            assert_eq!(query.unknown.len(), 1, "{typed}");
            assert!(query.unknown[0].to_string().contains(value));
            assert!(query.filters.is_empty());
        }
        assert!(Query::parse("path:x after:2024").unknown.is_empty());
    }

    #[test]
    fn a_bracket_inside_of_a_word_belongs_to_it() {
        assert_eq!(Query::parse("12(b)").text.should, [word("12(b)")]);
        let should = Query::parse("§ 12(b)(ii) run(x) rent").text.should;
        assert_eq!(
            should,
            [word("§"), word("12(b)(ii)"), word("run(x)"), word("rent")]
        );
        // An operator, white space inside, nothing that closes: brackets that group.
        let not = Query::parse("food NOT(pets)").text;
        assert_eq!(not.must_not, [word("pets")]);
        assert_eq!(Query::parse("cat(dog bird)").plain, "cat dog bird");
        assert_eq!(Query::parse("(cat)").text.should, [word("cat")]);
        assert_eq!(Query::parse("cat(dog").plain, "cat dog");
        assert_eq!(Query::parse("(12(b) OR rent)").plain, "12(b) rent");
    }

    #[test]
    fn nonsense_never_fails() {
        for input in [
            "",
            "\"",
            "((",
            "))",
            "AND",
            "OR OR",
            "NOT",
            "-",
            "a AND",
            "( \" OR -)",
            "path:",
            ")a b",
        ] {
            let query = Query::parse(input);
            assert!(query.filters.is_empty(), "{input}");
        }
        assert_eq!(Query::parse(")a b").plain, "a b");
        assert_eq!(Query::parse("\"lone quote").plain, "lone quote");
        assert_eq!(Query::parse("path: lease").plain, "path: lease");
    }

    proptest::proptest! {
        #[test]
        fn any_input_is_understood(input in "([a-c\"“()-]|AND|OR|NOT|path:|type:|after:|lang:|2024| ){0,40}") {
            let query = Query::parse(&input);
            proptest::prop_assert!(query.plain.len() <= input.len() + 40);
        }

        #[test]
        fn any_characters_are_understood(input in "\\PC{0,60}") {
            Query::parse(&input);
        }
    }
}
