//! Measuring a generator: how fast it reads and writes, and how well it foresees a text.

use std::time::Instant;

use serde::Serialize;

use crate::decoder::{Decoder, Free, ReadError, Wanted};
use crate::error::LoadError;
use crate::generator::{GeneratorOptions, GeneratorSource, Loaded, open};
use crate::{generator, probe, threads};

/// Tokens whose logits are held at a time.
const LOGIT_ROWS: usize = 64;
/// Bytes that are read to measure the memory: far more than any cache holds.
const BANDWIDTH_BYTES: usize = 512 << 20;
/// They may take one part in so many of the memory that is free.
const BANDWIDTH_SHARE: u64 = 4;

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpeedPlan {
    /// Tokens to read from an empty cache.
    pub prompt: usize,
    /// Tokens to write, one at a time.
    pub generate: usize,
    /// Tokens in the cache when writing begins.
    pub depth: usize,
    /// Times that each is measured; the fastest counts.
    pub runs: usize,
}

/// How fast a model reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Speed {
    /// Threads that it computed on.
    pub threads: usize,
    /// Tokens of the prompt per second.
    pub prefill_tokens_per_second: f64,
    /// Tokens written per second, after [`SpeedPlan::depth`] others.
    pub decode_tokens_per_second: f64,
    /// Bytes of weights, keys and values that were read for each token written; 0 if unknown.
    pub bytes_per_token: u64,
    /// Bytes of all packed weights; 0 if unknown.
    pub weight_bytes: u64,
    /// Bytes of those in memory: fewer where memory has no room for all, and the others are read
    /// from storage for each token.
    pub resident_bytes: u64,
    /// Tokens per second that were to be expected of writing, by the speed of the storage at
    /// load; `None` if all weights are in memory.
    pub expected_tokens_per_second: Option<f64>,
    /// The most memory that this process has held so far, mapped files included, in bytes;
    /// `None` where the system does not tell.
    pub peak_bytes: Option<u64>,
}

impl Speed {
    /// Bytes of weights, keys and values that were read per second, as a share of what these
    /// threads read from memory at most ([`memory_bytes_per_second`]).
    #[must_use]
    pub fn bandwidth_share(&self, memory_bytes_per_second: f64) -> f64 {
        self.bytes_per_token as f64 * self.decode_tokens_per_second / memory_bytes_per_second
    }
}

/// How well a model foresees a text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Perplexity {
    /// Tokens that were foreseen.
    pub tokens: usize,
    /// e to the mean negative logarithm of their probabilities.
    pub perplexity: f64,
}

/// Measures how fast a model reads and writes.
///
/// # Errors
/// When the model cannot be loaded, or the plan asks for more tokens than it has room for.
pub fn measure_speed(
    source: &GeneratorSource,
    options: &GeneratorOptions,
    plan: SpeedPlan,
) -> Result<Speed, LoadError> {
    let mut model = open(source, options)?;
    let threads = threads::resolve(options.threads);
    let vocabulary = model.language.tokenizer.vocabulary().len().max(1);
    let decoder = &mut model.decoder;
    let token = |at: usize| ((at * 7 + 3) % vocabulary.min(4000)) as u32;
    let tokens = |count: usize| -> Vec<u32> { (0..count).map(token).collect() };
    let mut measure = || -> Result<(f64, f64), ReadError> {
        let (mut prefill, mut decode) = (0.0f64, 0.0f64);
        for _ in 0..plan.runs.max(1) {
            decoder.keep(0);
            let started = Instant::now();
            read(decoder, &tokens(plan.prompt))?;
            prefill = prefill.max(plan.prompt as f64 / started.elapsed().as_secs_f64());
            if plan.depth < plan.prompt {
                decoder.keep(plan.depth);
            } else {
                read(decoder, &tokens(plan.depth - plan.prompt))?;
            }
            let started = Instant::now();
            for at in 0..plan.generate {
                decoder.read(&[token(at)], Wanted::Last)?;
            }
            decode = decode.max(plan.generate as f64 / started.elapsed().as_secs_f64());
        }
        Ok((prefill, decode))
    };
    let (prefill, decode) = measure().map_err(|error| failed(&model.name, &error))?;
    let (bytes_per_token, (weight_bytes, resident_bytes)) = match &model.decoder {
        Decoder::Own(transformer) => (
            transformer.token_bytes(plan.depth),
            transformer.weight_bytes(),
        ),
        Decoder::Candle(_) => (0, (0, 0)),
    };
    let streaming = model.decoder.streaming();
    Ok(Speed {
        threads,
        prefill_tokens_per_second: prefill,
        decode_tokens_per_second: decode,
        bytes_per_token: bytes_per_token as u64,
        weight_bytes: weight_bytes as u64,
        resident_bytes: resident_bytes as u64,
        expected_tokens_per_second: streaming.map(|streaming| streaming.tokens_per_second),
        peak_bytes: peak_bytes(),
    })
}

/// Measures how well a model foresees `text`, in windows of `window` tokens, in each of which it
/// sees what stands before within the window.
///
/// # Errors
/// When the model cannot be loaded or is one of candle's, which give no logits within a text.
pub fn measure_perplexity(
    source: &GeneratorSource,
    options: &GeneratorOptions,
    text: &str,
    window: usize,
) -> Result<Perplexity, LoadError> {
    let mut model = open(source, options)?;
    if !model.decoder.can_draft() {
        return Err(LoadError::Failed {
            model: model.name,
            reason: "it runs on candle, which gives no logits within a text".into(),
        });
    }
    let mut tokens = Vec::new();
    model.language.tokenizer.encode(text, &mut tokens);
    let window = window.clamp(2, model.decoder.context());
    let mut sum = 0.0;
    let mut count = 0;
    for window in tokens.chunks(window) {
        let (nats, foreseen) = surprise(&mut model, window)?;
        sum += nats;
        count += foreseen;
    }
    Ok(Perplexity {
        tokens: count,
        perplexity: (sum / count.max(1) as f64).exp(),
    })
}

/// The negative logarithms of the probabilities of all of `tokens` but the first, added up, and
/// their number.
fn surprise(model: &mut Loaded, tokens: &[u32]) -> Result<(f64, usize), LoadError> {
    model.decoder.keep(0);
    let (read, foreseen) = (&tokens[..tokens.len() - 1], &tokens[1..]);
    let mut sum = 0.0;
    for (read, foreseen) in read.chunks(LOGIT_ROWS).zip(foreseen.chunks(LOGIT_ROWS)) {
        let outcome = model.decoder.read(read, Wanted::All);
        outcome.map_err(|error| failed(&model.name, &error))?;
        for (row, token) in foreseen.iter().enumerate() {
            let logits = model.decoder.logits(row);
            let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let shares = logits.iter().map(|x| f64::from(x - greatest).exp());
            let token = f64::from(logits[*token as usize] - greatest);
            sum += shares.sum::<f64>().ln() - token;
        }
    }
    Ok((sum, foreseen.len()))
}

/// Reads tokens in stretches, as a prompt is read.
fn read(decoder: &mut Decoder, mut tokens: &[u32]) -> Result<(), ReadError> {
    while !tokens.is_empty() {
        let (stretch, rest) = tokens.split_at(decoder.stretch(tokens.len()));
        let wanted = match rest.is_empty() {
            true => Wanted::Last,
            false => Wanted::Nothing,
        };
        decoder.read(stretch, wanted)?;
        tokens = rest;
    }
    Ok(())
}

fn failed(model: &str, error: &ReadError) -> LoadError {
    LoadError::Failed {
        model: model.to_owned(),
        reason: error.to_string(),
    }
}

/// Bytes per second that `threads` threads read together from memory at most. Takes up to 512 MiB
/// of memory, and some tenths of a second.
#[must_use]
pub fn memory_bytes_per_second(threads: usize) -> f64 {
    let free = Free::now().map_or(u64::MAX, |free| free.bytes() / BANDWIDTH_SHARE);
    let most = usize::try_from(free).unwrap_or(usize::MAX);
    let bytes = probe::memory(most.min(BANDWIDTH_BYTES));
    probe::bytes_per_second(&bytes, threads)
}

/// Bytes per second that come from the storage on which a model's file lies, by some of its
/// bytes; or from the system's memory, where that has room for all of them and only this process
/// is limited. `None` for the starter, and for a file that cannot be read.
#[must_use]
pub fn storage_bytes_per_second(source: &GeneratorSource) -> Option<f64> {
    let (_, source) = generator::open_source(source).ok()?;
    let keeps = Free::now().is_some_and(|free| free.keeps(source.length()));
    probe::storage_bytes_per_second(&source, keeps)
}

/// The most memory that this process has held so far.
pub(crate) fn peak_bytes() -> Option<u64> {
    memory_bytes("VmHWM:")
}

/// The memory that this process holds now.
pub(crate) fn held_bytes() -> Option<u64> {
    memory_bytes("VmRSS:")
}

/// What Linux tells of this process's memory under a name.
fn memory_bytes(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::tiny_gguf;

    fn model() -> (tempfile::TempDir, GeneratorSource) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiny.gguf");
        std::fs::write(&path, tiny_gguf("llama")).unwrap();
        (folder, GeneratorSource::File(path))
    }

    #[test]
    fn speed_is_measured_at_any_depth() {
        let (_folder, source) = model();
        for depth in [0, 10, 100] {
            let plan = SpeedPlan {
                prompt: 20,
                generate: 3,
                depth,
                runs: 1,
            };
            let speed = measure_speed(&source, &GeneratorOptions::default(), plan).unwrap();
            assert!(speed.prefill_tokens_per_second > 0.0);
            assert!(speed.decode_tokens_per_second > 0.0);
            assert!(speed.bytes_per_token > 100_000);
            assert!(speed.weight_bytes > 100_000);
            assert_eq!(speed.resident_bytes, speed.weight_bytes);
            assert_eq!(speed.expected_tokens_per_second, None);
        }
        let plan = SpeedPlan {
            prompt: 5000,
            generate: 1,
            depth: 0,
            runs: 1,
        };
        let error = measure_speed(&source, &GeneratorOptions::default(), plan).unwrap_err();
        assert!(error.to_string().contains("1024"), "{error}");
    }

    #[test]
    fn a_random_model_foresees_next_to_nothing() {
        let (_folder, source) = model();
        let text = "The lease ends on 31 March 2027. ".repeat(8);
        let options = GeneratorOptions::default();
        let one = measure_perplexity(&source, &options, &text, 1000).unwrap();
        assert!(
            one.perplexity > 50.0 && one.perplexity.is_finite(),
            "{one:?}"
        );
        let windows = measure_perplexity(&source, &options, &text, 16).unwrap();
        assert!(windows.tokens < one.tokens);
    }
}
