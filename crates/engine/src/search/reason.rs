//! Why a hit stands where it stands.

use serde::{Deserialize, Serialize};

/// A sign that a chunk is what was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// The query's words (BM25).
    Words,
    /// The query's meaning (the cosine of the vectors).
    Meaning,
    /// It is code, and the query asks about code (to what degree).
    Code,
    /// The query's tokens, each by its nearest in the chunk (the weighed mean of the cosines).
    Tokens,
    /// The query names its document, and this part fits the rest of the query (to what degree).
    Document,
    /// It has a rare word of the query that no better hit has (in so many chunks).
    RareWord,
    /// The reranker's opinion (its own score).
    Reranker,
}

impl Signal {
    /// The signal in a word or two.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Words => "words",
            Signal::Meaning => "meaning",
            Signal::Code => "code",
            Signal::Tokens => "tokens",
            Signal::Document => "document",
            Signal::RareWord => "rare word",
            Signal::Reranker => "reranker",
        }
    }
}

/// What a signal says of a hit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Which signal.
    pub signal: Signal,
    /// What it measured, in its own unit.
    pub value: f32,
    /// What that gives to the hit's score.
    pub share: f32,
    /// What it was measured of, where that is not the whole query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

impl Reason {
    pub(super) fn of(signal: Signal, value: f32, share: f32) -> Reason {
        Reason {
            signal,
            value,
            share,
            about: None,
        }
    }
}
