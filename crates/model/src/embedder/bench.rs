//! How fast an embedder is on this machine, and how near to what the machine can do.

use std::hint::black_box;
use std::time::{Duration, Instant};

use docent_core::model::{Embedder, Urgency};
use docent_kernels::activation::Activation;
use docent_kernels::matmul::{self, Int8Weights};
use docent_kernels::quantise::QuantisedRows;
use serde::Serialize;

use super::{EmbedderOptions, EmbedderSource, LocalEmbedder, load};
use crate::bench::peak_bytes;
use crate::error::LoadError;
use crate::{processor, threads};

/// Texts and tokens of each where no texts are given.
const TEXTS: usize = 32;
const TEXT_TOKENS: usize = 128;
/// A question of about 12 tokens.
const QUESTION: &str = "how long is the notice period of a tenant";
/// How long the limit of the machine is measured.
const LIMIT_TIME: Duration = Duration::from_millis(200);

/// What `docent bench embed` tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BenchReport {
    /// The model and how it computes.
    pub fingerprint: String,
    /// The instruction set that is used.
    pub isa: &'static str,
    /// Threads that compute.
    pub threads: usize,
    /// Tokens of a pack at most.
    pub batch_tokens: usize,
    /// Texts that were embedded in each run.
    pub texts: usize,
    /// Their tokens, special ones included.
    pub tokens: usize,
    /// The time of each run, cutting into tokens included, in the order in which they were made.
    pub run_ms: Vec<f64>,
    /// Texts a second in the median run.
    pub texts_per_s: f64,
    /// Tokens a second in the median run.
    pub tokens_per_s: f64,
    /// The median time of a question of about 12 tokens with nothing else going on.
    pub query_ms: f64,
    /// Multiply-adds of the linear layers for each token, attention not counted.
    pub multiply_adds_per_token: u64,
    /// Multiply-adds a second of the int8 product alone, on all threads and in the nearest cache.
    pub limit_multiply_adds_per_s: f64,
    /// The part of that limit which the median run's linear layers reach.
    pub share_of_limit: f64,
    /// The most memory that this process has had, in bytes; `None` where that cannot be told.
    pub peak_memory_bytes: Option<u64>,
}

/// An embedder could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// It could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It failed on the texts.
    #[error(transparent)]
    Model(#[from] docent_core::model::ModelError),
}

/// Embeds `texts`, or 32 texts of 128 tokens if there are none, `runs` times after one run to warm
/// up, and measures a question and the machine's limit.
///
/// # Errors
/// When the embedder cannot be loaded, or fails on a text.
pub fn bench_embedder(
    source: &EmbedderSource,
    options: &EmbedderOptions,
    texts: &[String],
    runs: usize,
) -> Result<BenchReport, BenchError> {
    let embedder = load(source, options.clone())?;
    let made;
    let texts = match texts {
        [] => {
            made = usual_texts(&embedder);
            &made
        }
        texts => texts,
    };
    let tokens = tokens(&embedder, texts)?;
    embedder.embed(texts, Urgency::Background)?;
    let runs = runs.max(1);
    let run_ms = times(runs, || {
        embedder.embed(texts, Urgency::Background).map(|_| ())
    })?;
    let query_ms = median(&times(10 * runs, || {
        embedder.embed_query(QUESTION).map(|_| ())
    })?);
    let seconds = (median(&run_ms) / 1000.0).max(f64::MIN_POSITIVE);
    let threads = threads::resolve(options.threads);
    let limit = int8_limit(threads);
    let tokens_per_s = tokens as f64 / seconds;
    Ok(BenchReport {
        fingerprint: embedder.fingerprint().to_owned(),
        isa: processor::isa().name(),
        threads,
        batch_tokens: options.pack_tokens,
        texts: texts.len(),
        tokens,
        run_ms,
        texts_per_s: texts.len() as f64 / seconds,
        tokens_per_s,
        query_ms,
        multiply_adds_per_token: embedder.multiply_adds,
        limit_multiply_adds_per_s: limit,
        share_of_limit: tokens_per_s * embedder.multiply_adds as f64 / limit,
        peak_memory_bytes: peak_bytes(),
    })
}

/// The time of each of some runs, in milliseconds.
fn times<E>(runs: usize, mut run: impl FnMut() -> Result<(), E>) -> Result<Vec<f64>, E> {
    (0..runs)
        .map(|_| {
            let start = Instant::now();
            run()?;
            Ok(start.elapsed().as_secs_f64() * 1000.0)
        })
        .collect()
}

/// The middle one of some times.
fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// Tokens of texts as the encoder reads them: with prompts and frames.
fn tokens(
    embedder: &LocalEmbedder,
    texts: &[String],
) -> Result<usize, docent_core::model::ModelError> {
    let prompt = &embedder.prompts.document;
    let windows = embedder.tokenizer.windows(prompt, texts);
    let (sequences, _) = windows.map_err(docent_core::model::ModelError::Refused)?;
    Ok(sequences.tokens())
}

/// Texts of the usual length, of words that any vocabulary has.
fn usual_texts(embedder: &LocalEmbedder) -> Vec<String> {
    const WORDS: [&str; 16] = [
        "the", "house", "and", "water", "year", "work", "part", "of", "place", "people", "in",
        "time", "long", "day", "name", "city",
    ];
    (0..TEXTS)
        .map(|text| {
            let word = |index: usize| WORDS[(index * 7 + index / 5 + text) % WORDS.len()];
            let mut words: Vec<&str> = (0..TEXT_TOKENS).map(word).collect();
            while words.len() > 1 && embedder.count_tokens(&words.join(" ")) > TEXT_TOKENS - 2 {
                words.pop();
            }
            words.join(" ")
        })
        .collect()
}

/// Multiply-adds a second of the int8 product on so many threads, on operands that stay in the
/// nearest cache.
fn int8_limit(threads: usize) -> f64 {
    const ROWS: usize = 24;
    const INPUTS: usize = 256;
    const OUTPUTS: usize = 64;
    let isa = processor::isa();
    let weights = Int8Weights::pack(&[0.5; INPUTS * OUTPUTS], &[0.0; OUTPUTS], INPUTS);
    let of_thread = || {
        let mut rows = QuantisedRows::new();
        rows.quantise(isa, &[1.0; ROWS * INPUTS], INPUTS);
        let mut out = [0.0; ROWS * OUTPUTS];
        let start = Instant::now();
        let mut products = 0u64;
        while start.elapsed() < LIMIT_TIME {
            for _ in 0..64 {
                let rows = black_box(&rows);
                matmul::int8(isa, rows, &weights, Activation::Identity, &mut out);
                black_box(&mut out);
            }
            products += 64;
        }
        products as f64 * (ROWS * INPUTS * OUTPUTS) as f64 / start.elapsed().as_secs_f64()
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(of_thread)).collect();
        let own = of_thread();
        let others = others.into_iter().filter_map(|thread| thread.join().ok());
        own + others.sum::<f64>()
    })
}
