//! The three kinds of model, as the rest of docent sees them.
//!
//! Implementations own a thread each; these traits are the requests that go in and the values
//! that come out. Nothing here knows tensors or files.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// A model could not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ModelError {
    /// The request itself cannot be met: a prompt past the context, say.
    #[error("{0}")]
    Refused(String),
    /// The deadline passed before the model was done: go on without it.
    #[error("the model {model} was not done in time")]
    Late {
        /// The model's name.
        model: String,
    },
    /// The model failed or its thread is gone.
    #[error("the model {model} stopped: {reason}")]
    Stopped {
        /// The model's name.
        model: String,
        /// What went wrong.
        reason: String,
    },
}

/// Who waits for an embedding: a person overtakes the indexer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// A person waits.
    Interactive,
    /// The indexer waits.
    Background,
}

/// A token of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenVector {
    /// Its bytes in the question.
    pub span: Range<usize>,
    /// Its vector, of length 1.
    pub vector: Vec<f32>,
}

/// What an embedder reads before a question, and before a text that is searched, as many are
/// trained to; empty where they are not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prompts {
    /// Before a question.
    pub query: String,
    /// Before a text.
    pub document: String,
}

/// Turns texts into unit vectors.
pub trait Embedder: Send + Sync {
    /// Name and content hash of the model: vectors of equal fingerprints are comparable.
    fn fingerprint(&self) -> &str;

    /// Length of every vector.
    fn dimension(&self) -> usize;

    /// The number of tokens that one text may have, special tokens included.
    fn max_tokens(&self) -> usize;

    /// What it reads before texts.
    fn prompts(&self) -> Prompts {
        Prompts::default()
    }

    /// The number of tokens of `text` for this model, special tokens not counted.
    fn count_tokens(&self, text: &str) -> usize;

    /// How well the model knows the words of `text`, 0 to 1: an English model sees a German
    /// question in fragments, and its vectors then say little. 1 where the model cannot tell.
    fn familiarity(&self, text: &str) -> f32 {
        let _ = text;
        1.0
    }

    /// A unit vector of [`Embedder::dimension`] values for each text, in order. The same text
    /// gives the same vector whatever its neighbours are. A text longer than
    /// [`Embedder::max_tokens`] is embedded by windows whose mean is taken.
    ///
    /// # Errors
    /// When the model's thread failed.
    fn embed(&self, texts: &[String], urgency: Urgency) -> Result<Vec<Vec<f32>>, ModelError>;

    /// The vector of a question: [`Embedder::embed`] of one text with the model's own prompt
    /// for queries, ahead of whatever the indexer has waiting.
    ///
    /// # Errors
    /// When the model's thread failed.
    fn embed_query(&self, text: &str) -> Result<Vec<f32>, ModelError>;

    /// The vectors of each text's tokens, one after another, for late interaction: a multiple of
    /// [`Embedder::dimension`] values for each text, each token's of length 1, special tokens
    /// included.
    ///
    /// # Errors
    /// When the model's thread failed, or the model gives no vectors of tokens.
    fn embed_tokens(
        &self,
        texts: &[String],
        urgency: Urgency,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        let _ = (texts, urgency);
        let problem = format!("{} gives no vectors of tokens", self.fingerprint());
        Err(ModelError::Refused(problem))
    }

    /// The tokens of a question, as [`Embedder::embed_query`] reads it; the model's own special
    /// tokens and its prompt are left out.
    ///
    /// # Errors
    /// When the model's thread failed, or the model gives no vectors of tokens.
    fn embed_query_tokens(&self, text: &str) -> Result<Vec<TokenVector>, ModelError> {
        let _ = text;
        let problem = format!("{} gives no vectors of tokens", self.fingerprint());
        Err(ModelError::Refused(problem))
    }
}

/// Orders candidates by how well they answer a question.
pub trait Reranker: Send + Sync {
    /// Name and content hash of the model.
    fn fingerprint(&self) -> &str;

    /// The number of tokens that a question and a passage may have together, special tokens
    /// included.
    fn max_tokens(&self) -> usize;

    /// A score for each passage; higher is better. Scores of different questions do not compare.
    /// The same passage gets the same score whatever its neighbours are. A passage that is too
    /// long gets the best score of its windows.
    ///
    /// # Errors
    /// [`ModelError::Late`] when the deadline passes first: an order of some of the passages
    /// would say nothing of the rest. Another when the model's thread failed.
    fn rerank(
        &self,
        question: &str,
        passages: &[&str],
        deadline: Option<Instant>,
    ) -> Result<Vec<f32>, ModelError>;
}

/// Who speaks in a message of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The rules that docent sets.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One message of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The words; text only, whatever tokens they resemble.
    pub content: String,
}

/// How the next token is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// 0 takes the likeliest token every time.
    pub temperature: f32,
    /// Keep so many of the likeliest tokens; 0 keeps all.
    pub top_k: usize,
    /// Keep the likeliest tokens that together reach this probability; 1 keeps all.
    pub top_p: f32,
    /// Keep the tokens that are at least so likely in comparison with the likeliest; 0 keeps all.
    pub min_p: f32,
    /// Penalty on tokens that were just used; 1 is none.
    pub repetition_penalty: f32,
    /// Seed of the random numbers.
    pub seed: u64,
    /// The answer ends before the first of these strings.
    pub stop: Vec<String>,
}

impl Default for Sampling {
    /// Greedy, which is deterministic: the same question on the same files gets the same answer.
    fn default() -> Self {
        Sampling {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.1,
            seed: 0,
            stop: Vec::new(),
        }
    }
}

/// What a generator is asked to write.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationRequest {
    /// The chat so far; the model writes the next message.
    pub messages: Vec<Message>,
    /// At most so many new tokens.
    pub max_tokens: usize,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// A folder for what was read of this prompt and those before it, where a generator may keep
    /// it for the next that begins so. It is as confidential as the prompt.
    pub prefixes: Option<PathBuf>,
}

/// Why a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model said that it was done.
    End,
    /// The limit on new tokens was reached.
    Length,
}

/// What comes back while a generator writes, in this order: any number of `Reading`s, any number
/// of `Token`s, then one `Done`; or at any point one `Failed`, after which nothing comes.
#[derive(Debug, Clone)]
pub enum GenerationEvent {
    /// The prompt is being read, which takes most of the time before the first token.
    Reading {
        /// Tokens of the prompt that were read.
        done: usize,
        /// Tokens of the prompt.
        total: usize,
    },
    /// The next piece of text: whole characters, at least one.
    Token(String),
    /// The end, with what it cost.
    Done(GenerationReport),
    /// The end, without a result.
    Failed(ModelError),
}

/// What a generation cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GenerationReport {
    /// Why it ended.
    pub finish: Finish,
    /// Tokens read.
    pub prompt_tokens: usize,
    /// Tokens written.
    pub new_tokens: usize,
    /// Time until the prompt was read.
    pub prefill_ms: u64,
    /// Time for all new tokens after that.
    pub decode_ms: u64,
}

/// What to expect of a model that memory has no room for: the rest of its weights comes from
/// storage for each token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Streaming {
    /// Bytes of all weights.
    pub weight_bytes: u64,
    /// Bytes of those in memory.
    pub resident_bytes: u64,
    /// Tokens that it writes per second, about, by the speed of the storage at load.
    pub tokens_per_second: f64,
}

/// Writes text after a chat.
pub trait Generator: Send + Sync {
    /// A short name for people.
    fn name(&self) -> &str;

    /// Name and content hash of the model.
    fn fingerprint(&self) -> &str;

    /// The number of tokens that prompt and answer may have together.
    fn context_tokens(&self) -> usize;

    /// What to expect of it if memory has no room for it; `None` if it has.
    fn streaming(&self) -> Option<Streaming> {
        None
    }

    /// The number of tokens of `text`, special tokens not counted.
    fn count_tokens(&self, text: &str) -> usize;

    /// The number of tokens that these messages take once laid out by the model's template.
    fn count_prompt_tokens(&self, messages: &[Message]) -> usize;

    /// Starts to write; events arrive in the channel. Dropping the receiver stops the model
    /// before its next token, or before the next stretch of the prompt.
    fn generate(&self, request: GenerationRequest) -> Receiver<GenerationEvent>;
}
