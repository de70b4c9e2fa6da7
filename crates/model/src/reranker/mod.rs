//! The reranker: a cross-encoder, which reads a question and a passage together and says in one
//! number how well they belong together.

pub(crate) mod bench;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use docent_core::model::{ModelError, Reranker, Urgency};
use tokenizers::Tokenizer;

use crate::embedder::PACK_TOKENS;
use crate::embedder::checkpoint::Checkpoint;
use crate::embedder::tokens::{encode, encode_long, equal_parts, find, prepare};
use crate::embedder::workers::{Job, Sequences, Workers};
use crate::encoder::{Output, Precision};
use crate::error::LoadError;
use crate::threads;

/// How a reranker computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RerankerOptions {
    /// Threads to compute on; 0 takes all processors.
    pub threads: usize,
    /// How weights are held and multiplied.
    pub precision: Precision,
}

impl Default for RerankerOptions {
    fn default() -> Self {
        RerankerOptions {
            threads: 0,
            precision: Precision::Int8,
        }
    }
}

/// Loads a cross-encoder of the BERT family from a folder as Hugging Face lays it out, or from a
/// GGUF file, and starts its threads.
///
/// # Errors
/// When a file is missing, damaged, of a kind that docent does not run, or of a model that gives
/// no single score for a pair.
pub fn load_reranker(
    path: &Path,
    options: RerankerOptions,
) -> Result<Arc<dyn Reranker>, LoadError> {
    Ok(Arc::new(load(path, options)?))
}

fn load(path: &Path, options: RerankerOptions) -> Result<LocalReranker, LoadError> {
    let checkpoint = Checkpoint::open(path)?;
    let remedy = "choose a cross-encoder with one label, such as ms-marco-MiniLM or bge-reranker";
    match checkpoint.labels {
        Some(1) => {}
        Some(labels) => {
            let problem = format!("it gives {labels} scores for a pair, and a reranker gives one");
            return Err(LoadError::unsupported(&checkpoint.path, problem, remedy));
        }
        None => {
            let problem = "this is no reranker: it has no classifier";
            return Err(LoadError::unsupported(&checkpoint.path, problem, remedy));
        }
    }
    let encoder = checkpoint.build(options.precision, true)?;
    let threads = threads::resolve(options.threads);
    let workers =
        Workers::start(Arc::new(encoder), threads, PACK_TOKENS, "reranker").map_err(|error| {
            LoadError::Failed {
                model: checkpoint.name.clone(),
                reason: error.to_string(),
            }
        })?;
    let fingerprint = format!(
        "{}@{}/{}",
        checkpoint.name,
        checkpoint.hash,
        options.precision.name()
    );
    let max_tokens = checkpoint.max_tokens();
    let tokenizer = PairTokenizer::new(checkpoint.tokenizer, max_tokens)
        .map_err(|problem| LoadError::damaged(&checkpoint.path, problem))?;
    Ok(LocalReranker {
        name: checkpoint.name,
        fingerprint,
        tokenizer,
        workers,
    })
}

/// A reranker in this process.
struct LocalReranker {
    name: String,
    fingerprint: String,
    tokenizer: PairTokenizer,
    workers: Workers,
}

impl Reranker for LocalReranker {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn max_tokens(&self) -> usize {
        self.tokenizer.max_tokens
    }

    fn rerank(
        &self,
        question: &str,
        passages: &[&str],
        deadline: Option<Instant>,
    ) -> Result<Vec<f32>, ModelError> {
        let (sequences, windows) = self
            .tokenizer
            .pairs(question, passages)
            .map_err(ModelError::Refused)?;
        let job = Job {
            sequences,
            output: Output::Score,
            deadline,
        };
        let scores = self
            .workers
            .submit(job, Urgency::Interactive)
            .wait()
            .map_err(|failure| failure.of_model(&self.name))?;
        let best = |windows: Range<usize>| {
            let scores = scores[windows].iter().flatten();
            scores.copied().fold(f32::NEG_INFINITY, f32::max)
        };
        Ok(windows.into_iter().map(best).collect())
    }
}

/// A tokenizer for pairs of a question and a passage.
struct PairTokenizer {
    tokenizer: Tokenizer,
    /// Special tokens before the question, between the two and after the passage.
    before: Vec<u32>,
    between: Vec<u32>,
    after: Vec<u32>,
    /// How many of those between belong to the question's type.
    between_first: usize,
    max_tokens: usize,
}

impl PairTokenizer {
    /// A tokenizer for sequences of up to `max_tokens` tokens.
    fn new(mut tokenizer: Tokenizer, max_tokens: usize) -> Result<PairTokenizer, String> {
        prepare(&mut tokenizer)?;
        let none = || "it has no tokens for a plain word";
        let framed = encode(&tokenizer, ("a", "a"), true)?;
        let bare = encode(&tokenizer, "a", false)?;
        let (framed, types, bare) = (framed.get_ids(), framed.get_type_ids(), bare.get_ids());
        let question = find(framed, bare).ok_or_else(none)?;
        let question_end = question + bare.len();
        let passage = question_end + find(&framed[question_end..], bare).ok_or_else(none)?;
        let (before, between) = (&framed[..question], &framed[question_end..passage]);
        let after = &framed[passage + bare.len()..];
        let types_between = types.get(question_end..passage).unwrap_or_default();
        // A question and a passage of a token each are the least that makes sense.
        if before.len() + between.len() + after.len() + 2 > max_tokens {
            return Err(format!(
                "sequences of {max_tokens} tokens leave no room for a pair"
            ));
        }
        Ok(PairTokenizer {
            before: before.to_vec(),
            between: between.to_vec(),
            after: after.to_vec(),
            between_first: types_between.iter().filter(|kind| **kind == 0).count(),
            tokenizer,
            max_tokens,
        })
    }

    /// The sequences of the question with each passage, and which of them belong to each. A
    /// question takes half of a sequence at most; what is longer is left out. A passage that is
    /// too long for what is left becomes several windows of about equal length.
    fn pairs(
        &self,
        question: &str,
        passages: &[&str],
    ) -> Result<(Sequences, Vec<Range<usize>>), String> {
        let frame = self.before.len() + self.between.len() + self.after.len();
        let mut question = encode_long(&self.tokenizer, question)?;
        question.truncate(((self.max_tokens - frame) / 2).max(1));
        let room = self.max_tokens - frame - question.len();
        let (first, second) = self.between.split_at(self.between_first);
        let mut sequences = Sequences::default();
        let mut windows = Vec::with_capacity(passages.len());
        for passage in passages {
            let tokens = encode_long(&self.tokenizer, passage)?;
            let start = sequences.len();
            for window in equal_parts(tokens.len(), room) {
                let passage = &tokens[window];
                let parts = [&self.before, &question, first, second, passage, &self.after];
                sequences.push(&parts, 3);
            }
            windows.push(start..sequences.len());
        }
        Ok((sequences, windows))
    }
}

#[cfg(test)]
mod tests;
