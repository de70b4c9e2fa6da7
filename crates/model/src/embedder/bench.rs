//! How fast an embedder is on this machine, and how near to what the machine can do.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use docent_core::model::{Embedder, ModelError, Urgency};
use docent_kernels::activation::Activation;
use docent_kernels::matmul::{self, Int8Weights};
use docent_kernels::quantise::QuantisedRows;
use serde::{Deserialize, Serialize};

use super::{EmbedderOptions, EmbedderSource, LocalEmbedder, gate, load};
use crate::bench::{held_bytes, peak_bytes};
use crate::encoder::Precision;
use crate::error::LoadError;
use crate::{processor, threads};

/// Texts and tokens of each where no texts are given.
const TEXTS: usize = 32;
const TEXT_TOKENS: usize = 128;
/// Texts of a file that are in memory at a time: so many, or with so many bytes.
const BATCH_TEXTS: usize = 1_024;
const BATCH_BYTES: usize = 4 << 20;
/// A question of about 12 tokens.
pub(crate) const QUESTION: &str = "how long is the notice period of a tenant";
/// Times that it is asked in each run.
const QUESTIONS: usize = 20;
/// Texts that are embedded at a time while questions are asked.
const INDEXED_TEXTS: usize = 64;
/// How long the limit of the machine is measured.
const LIMIT_TIME: Duration = Duration::from_millis(200);

/// What is embedded.
#[derive(Debug, Clone, Copy)]
pub enum BenchTexts<'a> {
    /// 32 texts of 128 tokens.
    Usual,
    /// The texts of a file, one on each line: plain, a JSON string, or a JSON object with `text`.
    Lines(&'a Path),
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct EmbedPlan<'a> {
    /// What is embedded.
    pub texts: BenchTexts<'a>,
    /// How often; at least once.
    pub runs: usize,
    /// Whether vectors are compared with those that floats give.
    pub accuracy: bool,
}

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
    /// The time of the same question while the texts are embedded in the background: the median,
    /// what 19 of 20 stay below, and the longest.
    pub query_while_indexing_ms: f64,
    /// See `query_while_indexing_ms`.
    pub query_while_indexing_p95_ms: f64,
    /// See `query_while_indexing_ms`.
    pub query_while_indexing_worst_ms: f64,
    /// Multiply-adds of the linear layers for each token, attention not counted.
    pub multiply_adds_per_token: u64,
    /// Multiply-adds a second of the int8 product alone, on all threads and in the nearest cache.
    pub limit_multiply_adds_per_s: f64,
    /// The part of that limit which the median run's linear layers reach.
    pub share_of_limit: f64,
    /// The mean and the least cosine of the vectors of up to 1,024 texts with those that floats
    /// give; `None` where they were not compared.
    pub cosine_mean: Option<f64>,
    /// See `cosine_mean`.
    pub cosine_worst: Option<f64>,
    /// The memory of this process once the model was loaded, in bytes; `None` where that cannot be
    /// told.
    pub loaded_memory_bytes: Option<u64>,
    /// The most memory that this process has had, in bytes; `None` where that cannot be told.
    pub peak_memory_bytes: Option<u64>,
}

/// A model could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// It could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It failed on the texts.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The texts cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Texts {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There are no texts.
    #[error("{} holds no texts", path.display())]
    NoTexts {
        /// The file.
        path: PathBuf,
    },
}

/// Embeds texts, after a batch of them to warm up, batch by batch, so that memory does not grow with
/// them; and measures a question and the machine's limit.
///
/// # Errors
/// When the embedder cannot be loaded, or fails on a text, or the texts cannot be read.
pub fn bench_embedder(
    source: &EmbedderSource,
    options: &EmbedderOptions,
    plan: EmbedPlan<'_>,
) -> Result<BenchReport, BenchError> {
    let EmbedPlan { texts, runs, .. } = plan;
    let embedder = load(source, options.clone())?;
    let loaded_memory_bytes = held_bytes();
    let warm_up = Batches::open(texts, &embedder)?.next();
    let warm_up = warm_up.unwrap_or_else(|| Err(texts.none()))?;
    Run::default().embed(&embedder, &warm_up)?;
    let runs = (0..runs.max(1)).map(|_| Run::of(&embedder, texts));
    let runs: Vec<Run> = runs.collect::<Result<_, _>>()?;
    let run_ms: Vec<f64> = runs.iter().map(|run| run.ms).collect();
    let Run { texts, tokens, .. } = runs[0];
    let questions = QUESTIONS * runs.len();
    let query_ms = sorted(questions_ms(&embedder, questions)?);
    let indexed = &warm_up[..warm_up.len().min(INDEXED_TEXTS)];
    let busy_ms = sorted(questions_while_indexing_ms(&embedder, indexed, questions)?);
    let peak_memory_bytes = peak_bytes();
    let cosines = match plan.accuracy {
        true => Some(cosines_to_floats(&embedder, source, options, &warm_up)?),
        false => None,
    };
    let seconds = (at(&sorted(run_ms.clone()), 0.5) / 1000.0).max(f64::MIN_POSITIVE);
    let threads = threads::resolve(options.threads);
    let limit = int8_limit(threads);
    let tokens_per_s = tokens as f64 / seconds;
    Ok(BenchReport {
        fingerprint: embedder.fingerprint().to_owned(),
        isa: processor::isa().name(),
        threads,
        batch_tokens: options.pack_tokens,
        texts,
        tokens,
        run_ms,
        texts_per_s: texts as f64 / seconds,
        tokens_per_s,
        query_ms: at(&query_ms, 0.5),
        query_while_indexing_ms: at(&busy_ms, 0.5),
        query_while_indexing_p95_ms: at(&busy_ms, 0.95),
        query_while_indexing_worst_ms: at(&busy_ms, 1.0),
        multiply_adds_per_token: embedder.multiply_adds,
        limit_multiply_adds_per_s: limit,
        share_of_limit: tokens_per_s * embedder.multiply_adds as f64 / limit,
        cosine_mean: cosines.map(|(mean, _)| mean),
        cosine_worst: cosines.map(|(_, worst)| worst),
        loaded_memory_bytes,
        peak_memory_bytes,
    })
}

/// The mean and the least cosine of texts' vectors with those that floats give.
fn cosines_to_floats(
    embedder: &LocalEmbedder,
    source: &EmbedderSource,
    options: &EmbedderOptions,
    texts: &[String],
) -> Result<(f64, f64), BenchError> {
    let precision = Some(Precision::F32);
    let options = options.clone();
    let floats = load(
        source,
        EmbedderOptions {
            precision,
            ..options
        },
    )?;
    let floats = floats.embed(texts, Urgency::Background)?;
    let ours = embedder.embed(texts, Urgency::Background)?;
    let cosines: Vec<f64> = gate::cosines(&ours, &floats).map(f64::from).collect();
    let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
    Ok((mean, cosines.into_iter().fold(1.0, f64::min)))
}

/// All texts embedded once.
#[derive(Default)]
struct Run {
    texts: usize,
    tokens: usize,
    ms: f64,
}

impl Run {
    fn of(embedder: &LocalEmbedder, texts: BenchTexts<'_>) -> Result<Run, BenchError> {
        let mut run = Run::default();
        for batch in Batches::open(texts, embedder)? {
            run.embed(embedder, &batch?)?;
        }
        Ok(run)
    }

    /// Only embedding counts, not the reading of a file.
    fn embed(&mut self, embedder: &LocalEmbedder, texts: &[String]) -> Result<(), ModelError> {
        let start = Instant::now();
        let prompt = &embedder.prompts.document;
        let embedded = embedder.embed_after(prompt, texts, Urgency::Background)?;
        self.ms += ms_since(start);
        self.texts += texts.len();
        self.tokens += embedded.tokens;
        Ok(())
    }
}

impl BenchTexts<'_> {
    fn path(self) -> PathBuf {
        match self {
            BenchTexts::Usual => PathBuf::new(),
            BenchTexts::Lines(path) => path.to_owned(),
        }
    }

    fn none(self) -> BenchError {
        BenchError::NoTexts { path: self.path() }
    }

    fn unreadable(self, source: io::Error) -> BenchError {
        let path = self.path();
        BenchError::Texts { path, source }
    }
}

/// Texts, some at a time.
struct Batches<'a> {
    of: BenchTexts<'a>,
    texts: Box<dyn Iterator<Item = io::Result<String>>>,
}

impl<'a> Batches<'a> {
    fn open(of: BenchTexts<'a>, embedder: &LocalEmbedder) -> Result<Self, BenchError> {
        let texts: Box<dyn Iterator<Item = io::Result<String>>> = match of {
            BenchTexts::Usual => Box::new(usual_texts(embedder).into_iter().map(Ok)),
            BenchTexts::Lines(path) => {
                let file = File::open(path).map_err(|error| of.unreadable(error))?;
                Box::new(BufReader::new(file).lines().map(|line| line.map(text)))
            }
        };
        Ok(Batches { of, texts })
    }

    fn batch(&mut self) -> io::Result<Vec<String>> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH_TEXTS && bytes < BATCH_BYTES {
            let Some(text) = self.texts.next().transpose()? else {
                break;
            };
            if !text.trim().is_empty() {
                bytes += text.len();
                batch.push(text);
            }
        }
        Ok(batch)
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<Vec<String>, BenchError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.batch() {
            Ok(batch) if batch.is_empty() => None,
            batch => Some(batch.map_err(|error| self.of.unreadable(error))),
        }
    }
}

/// The text on a line.
fn text(line: String) -> String {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Json {
        Bare(String),
        Named { text: String },
    }
    match serde_json::from_str(&line) {
        Ok(Json::Bare(text) | Json::Named { text }) => text,
        Err(_) => line,
    }
}

/// The time of each of `count` questions, in milliseconds.
fn questions_ms(embedder: &LocalEmbedder, count: usize) -> Result<Vec<f64>, ModelError> {
    let ask = |_| {
        let start = Instant::now();
        embedder.embed_query(QUESTION)?;
        Ok(ms_since(start))
    };
    (0..count).map(ask).collect()
}

/// The same while `texts` are embedded in the background, over and over.
fn questions_while_indexing_ms(
    embedder: &LocalEmbedder,
    texts: &[String],
    count: usize,
) -> Result<Vec<f64>, ModelError> {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let indexer = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                embedder.embed(texts, Urgency::Background)?;
            }
            Ok(())
        });
        let ask = |index: usize| {
            // At no fixed place in the indexer's work.
            thread::sleep(Duration::from_millis(3 + (index as u64 * 7) % 11));
            Ok(questions_ms(embedder, 1)?.into_iter())
        };
        let times: Result<Vec<_>, ModelError> = (0..count).map(ask).collect();
        is_over.store(true, Ordering::Relaxed);
        match indexer.join() {
            Ok(indexed) => indexed?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        Ok(times?.into_iter().flatten().collect())
    })
}

pub(crate) fn ms_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

pub(crate) fn sorted(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_unstable_by(f64::total_cmp);
    times
}

/// What such a share of sorted times stays below; 0 of none.
pub(crate) fn at(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64) as usize;
    let rank = rank.min(sorted.len().saturating_sub(1));
    sorted.get(rank).copied().unwrap_or(0.0)
}

/// Texts of the usual length.
fn usual_texts(embedder: &LocalEmbedder) -> Vec<String> {
    let count = |text: &str| embedder.count_tokens(text);
    let text = |index| made_text(index, TEXT_TOKENS - 2, &count);
    (0..TEXTS).map(text).collect()
}

/// A text of about so many tokens, of words that any vocabulary has; another one for each number.
pub(crate) fn made_text(number: usize, tokens: usize, count: &dyn Fn(&str) -> usize) -> String {
    const WORDS: [&str; 16] = [
        "the", "house", "and", "water", "year", "work", "part", "of", "place", "people", "in",
        "time", "long", "day", "name", "city",
    ];
    let word = |index: usize| WORDS[(index * 7 + index / 5 + number) % WORDS.len()];
    let mut words: Vec<&str> = (0..tokens).map(word).collect();
    while words.len() > 1 && count(&words.join(" ")) > tokens {
        words.pop();
    }
    words.join(" ")
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
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(of_thread)).collect();
        let own = of_thread();
        let others = others.into_iter().filter_map(|thread| thread.join().ok());
        own + others.sum::<f64>()
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::embedder::fixture::folder;
    use crate::encoder::fixture::Tiny;

    fn bench(texts: BenchTexts<'_>) -> Result<BenchReport, BenchError> {
        let folder = folder(&Tiny::bert());
        let source = EmbedderSource::Directory(folder.path().to_owned());
        let plan = EmbedPlan {
            texts,
            runs: 2,
            accuracy: true,
        };
        bench_embedder(&source, &EmbedderOptions::default(), plan)
    }

    #[test]
    fn every_text_is_embedded_in_every_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("texts");
        let lines = "the lease\n\n\"the lease\"\n{\"id\": 1, \"text\": \"the lease\"}\n";
        fs::write(&path, lines.repeat(500)).unwrap();
        let report = bench(BenchTexts::Lines(&path)).unwrap();
        assert_eq!(report.texts, 1_500);
        // Two words between two tokens of the model's own.
        assert_eq!(report.tokens, 4 * 1_500);
        assert_eq!(report.run_ms.len(), 2);
        assert!(report.query_ms > 0.0);
        assert!(report.query_while_indexing_ms <= report.query_while_indexing_p95_ms);
        assert!(report.query_while_indexing_p95_ms <= report.query_while_indexing_worst_ms);
        assert!(report.share_of_limit > 0.0);
        assert!(report.cosine_worst > Some(0.99) && report.cosine_mean >= report.cosine_worst);
        assert!(report.loaded_memory_bytes <= report.peak_memory_bytes);
    }

    #[test]
    fn without_texts_there_are_some_of_the_usual_length() {
        let report = bench(BenchTexts::Usual).unwrap();
        assert_eq!(report.texts, TEXTS);
        assert!(report.tokens <= TEXTS * TEXT_TOKENS);
    }

    #[test]
    fn texts_that_cannot_be_read_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("texts");
        let missing = bench(BenchTexts::Lines(&path)).unwrap_err().to_string();
        assert!(
            missing.contains("texts") && missing.contains("cannot be read"),
            "{missing}"
        );
        fs::write(&path, "\n \n").unwrap();
        let empty = bench(BenchTexts::Lines(&path)).unwrap_err().to_string();
        assert!(empty.contains("holds no texts"), "{empty}");
        fs::write(&path, b"fine\n\xff\xfe\n").unwrap();
        let binary = bench(BenchTexts::Lines(&path)).unwrap_err().to_string();
        assert!(binary.contains("UTF-8"), "{binary}");
    }
}
