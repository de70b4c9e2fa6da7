//! What the engine tells while it works: progress as a latest-wins value, answers as events.

use docent_core::answer::Answer;
use docent_core::citation::Citation;
use docent_core::document::{Format, Locator};
use docent_core::evidence::Bearing;
use docent_core::question::Kind;
use serde::{Deserialize, Serialize};

use crate::embedding::SecondIndex;

/// What the indexer of a collection does right now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing: everything that was found is indexed, and nobody watches.
    #[default]
    Idle,
    /// Files are listed and compared with the catalog.
    Scanning,
    /// Changed files are read; each is searchable by words once its batch is committed.
    Reading,
    /// Chunks get their vectors; search by meaning covers those that have one, or, while a second
    /// index is made, uses the first.
    Embedding,
    /// Everything is indexed, and changes are waited for.
    Watching,
    /// A person paused it.
    Paused,
    /// Another docent writes this collection; this one reads.
    ReadOnly,
    /// It ended with an error, which [`Progress::error`] tells.
    Stopped,
}

/// Where an indexer stands. A later value replaces an earlier one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What it does.
    pub phase: Phase,
    /// Files found under the roots.
    pub files_seen: u64,
    /// Files of this run that have been read, failed or been skipped.
    pub files_done: u64,
    /// Files of this run that have to be read.
    pub files_total: u64,
    /// Bytes of the files done.
    pub bytes_done: u64,
    /// Bytes of all files that have to be read.
    pub bytes_total: u64,
    /// Chunks of this run that have got their vector.
    pub chunks_done: u64,
    /// Chunks that need a vector in this run.
    pub chunks_total: u64,
    /// The index of another embedder that is made while searches use the first.
    pub second_index: Option<SecondIndex>,
    /// Files of this run that failed.
    pub failed: u64,
    /// The file last read, relative to its root.
    pub current: Option<String>,
    /// Seconds since the phase began, pauses left out.
    pub phase_seconds: f64,
    /// What a person should know: a folder that is gone, changes that cannot be watched.
    pub warnings: Vec<String>,
    /// Why the indexer stopped.
    pub error: Option<String>,
}

impl Progress {
    /// Done and total of the phase, in its own unit (files when reading, chunks when
    /// embedding), and the unit's name. `None` where the phase has no count. A second index is
    /// counted as a whole, whichever run made its beginning.
    pub fn count(&self) -> Option<(u64, u64, &'static str)> {
        let files = Some((self.files_done, self.files_total, "files"));
        let chunks = match &self.second_index {
            Some(second) => Some((second.chunks_embedded, second.chunks(), "chunks")),
            None => Some((self.chunks_done, self.chunks_total, "chunks")),
        };
        match self.phase {
            Phase::Reading => files,
            Phase::Embedding => chunks,
            Phase::Paused if self.files_done < self.files_total => files,
            Phase::Paused => chunks,
            _ => None,
        }
    }

    /// Units per second of the phase so far; `None` before there is anything to tell.
    pub fn rate(&self) -> Option<f64> {
        let done = match self.count()? {
            (done, _, "files") => done,
            _ => self.chunks_done,
        };
        (self.phase_seconds > 0.2 && done > 0).then(|| done as f64 / self.phase_seconds)
    }

    /// Counts chunks that got their vector; in the second index, if so.
    pub(crate) fn embedded(&mut self, news: u64, in_second: bool) {
        self.chunks_done += news;
        if let Some(second) = self.second_index.as_mut().filter(|_| in_second) {
            let made = news.min(second.pending);
            second.chunks_embedded += made;
            second.pending -= made;
        }
    }

    /// Seconds that the phase will take at the present rate.
    pub fn seconds_left(&self) -> Option<f64> {
        let (done, total, _) = self.count()?;
        Some((total.saturating_sub(done)) as f64 / self.rate()?)
    }
}

/// A passage as it is shown to people: what the model was given, or what came nearest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassageView {
    /// Its number in the prompt and in `[n]`, from 1.
    pub number: usize,
    /// The document in the store.
    pub document: i64,
    /// Path of the file, relative to its root.
    pub path: String,
    /// The document's title.
    pub title: Option<String>,
    /// The document's format.
    pub format: Format,
    /// Where it stands.
    pub locator: Locator,
    /// The headings above it.
    pub heading_path: Vec<String>,
    /// The text.
    pub text: String,
    /// First byte of the text in the document.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The fused score of its best chunk.
    pub score: f32,
}

impl Searched {
    /// Whether a model may phrase the answer; the other kinds are answered by rules alone.
    pub fn is_phrased(&self) -> bool {
        !matches!(
            self.kind,
            Kind::List | Kind::Count | Kind::Timeline | Kind::Compare
        )
    }
}

/// How the prompt's tokens are spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptBudget {
    /// Tokens of the prompt as laid out.
    pub prompt_tokens: usize,
    /// Tokens that the model may read and write together.
    pub context_tokens: usize,
    /// Tokens kept free for the answer.
    pub answer_tokens: usize,
    /// Passages in the prompt.
    pub passages_used: usize,
    /// Passages found that did not fit.
    pub passages_left_out: usize,
}

/// A word that was searched for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchedTerm {
    /// The word, with common endings off.
    pub term: String,
    /// Passages of the collection that hold it.
    pub passages: usize,
}

/// What was searched for an answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Searched {
    /// The kind of answer that the question asks for.
    pub kind: Kind,
    /// The question as it was searched: follow-ups carry words of the conversation.
    pub query: String,
    /// The words that say what it is about.
    pub terms: Vec<SearchedTerm>,
    /// What a person should know of how its words were taken, a sentence each: other spellings
    /// that were tried, filters that are none.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Documents that were searched: those that pass the question's filters.
    pub documents: u64,
    /// What the passages say about whether they answer at all.
    pub bearing: Bearing,
    /// Whether every chunk has its vector yet.
    pub vectors_complete: bool,
    /// What was found, best first.
    pub passages: Vec<PassageView>,
    /// Time it took.
    pub retrieve_ms: u64,
}

/// What comes while a question is answered, in this order; `Finished` or `Failed` ends it.
#[derive(Debug, Clone)]
pub enum AskEvent {
    /// Every document of the scope is looked at; told again and again.
    Looking {
        /// Documents that were looked at.
        done: usize,
        /// Documents in the scope.
        total: usize,
    },
    /// The search is done.
    Searched(Searched),
    /// Sentences of the documents that answer best, checked, best first.
    Evidence(Vec<Citation>),
    /// The prompt is laid out; the model reads it now.
    Prompt(PromptBudget),
    /// The model reads the prompt; told again and again until its first words, so that the
    /// person can stop it.
    Reading {
        /// Tokens read.
        done: usize,
        /// Tokens of the prompt.
        total: usize,
    },
    /// The model's next words.
    Token(String),
    /// The checked answer, with what it cost.
    Finished(Box<Answer>, Timings),
    /// It could not be answered: why, and what to do.
    Failed(String),
}

/// What an answer cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Search, until the passages were there and their sentences weighed.
    pub retrieve_ms: u64,
    /// Of that: choosing the sentences that answer.
    pub evidence_ms: u64,
    /// From the question to the model's first token; `None` where no model ran.
    pub first_token_ms: Option<u64>,
    /// Everything.
    pub total_ms: u64,
}
