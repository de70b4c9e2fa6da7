//! Queries: what a person types, understood without ever failing.
//!
//! ```text
//! query  = clause*
//! clause = ["-" | "NOT"] ( word | '"' phrase '"' | "(" query ")" | field ":" value )
//!          joined by white space, "AND" or "OR"
//! field  = "path" | "type" | "title"
//! ```
//!
//! Words side by side are alternatives, ranked by how many match and how rare they are; a quoted
//! phrase must be there; `AND` requires both sides, `NOT` and `-` forbid. Everything that is not
//! understood (a lone quote, an unknown field, a stray bracket) is taken as words.

use serde::{Deserialize, Serialize};

use crate::document::Format;

/// A condition on the text of a chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// One word as typed; the index may split it further.
    Word(String),
    /// Words that must stand one after the other.
    Phrase(String),
    /// Conditions joined.
    Group(Group),
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

/// Conditions on the document that a chunk belongs to. All have to hold; within one list, one
/// value suffices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filters {
    /// The path contains this, upper and lower case alike; `*` stands for any characters.
    pub paths: Vec<String>,
    /// The path does not contain this.
    pub not_paths: Vec<String>,
    /// The document is of this format.
    pub formats: Vec<Format>,
    /// The document is not of this format.
    pub not_formats: Vec<Format>,
    /// The title contains this, upper and lower case alike.
    pub titles: Vec<String>,
    /// The title does not contain this.
    pub not_titles: Vec<String>,
}

impl Filters {
    /// Whether every document passes.
    pub fn is_empty(&self) -> bool {
        *self == Filters::default()
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
}
