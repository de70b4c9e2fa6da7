//! Which models there are on this machine, and what each would be like to run.
//!
//! Nothing is loaded: a model's header says all that is needed.

mod places;

use std::collections::BTreeMap;
use std::path::Path;

use docent_core::model::Streaming;
use serde::Serialize;

pub use places::{Found, Owner, Place, find, usual_places};

use crate::decoder::{self, CachePrecision, Footprint, Free, Rates};
use crate::encoder::EncoderConfig;
use crate::error::LoadError;
use crate::generator::{self, GeneratorSource};
use crate::gguf::{Gguf, GgufError};
use crate::source::Source;
use crate::template::ChatTemplate;
use crate::tokenizer;

/// A model's file, as its header describes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelCard {
    /// What its makers call it, if they say.
    pub name: Option<String>,
    /// `general.architecture`.
    pub architecture: String,
    /// What it is for.
    pub purpose: Purpose,
    /// What would run it; `None` if nothing does.
    pub runner: Option<Runner>,
    /// Why it cannot write answers; `None` if it can.
    pub problem: Option<String>,
    /// The format of most of its weights, "Q4_K" for example.
    pub quantisation: String,
    /// Bytes of weights in each format.
    pub formats: BTreeMap<&'static str, u64>,
    /// Length of the file.
    pub file_bytes: u64,
    /// Numbers in all tensors.
    pub parameters: u64,
    /// Tokens that it was trained to see at once; 0 if it does not say.
    pub context_tokens: usize,
    /// Layers; 0 if it does not say.
    pub layers: usize,
    /// How it cuts text, as the format names it: "gpt2 (qwen2)" for example.
    pub tokenizer: String,
    /// Why chats are laid out plainly; `None` where its own template is used.
    pub plain_chat: Option<String>,
    /// Bytes of weights that are read to write one token.
    pub token_bytes: u64,
    /// Bytes of weights that have to be in memory for it to write at full speed.
    pub weight_bytes: u64,
    /// Bytes that keys and values of one token take; 0 if it cannot write.
    pub cache_bytes_per_token: u64,
    #[serde(skip)]
    footprint: Footprint,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// It writes.
    Generator,
    /// It turns text into vectors.
    Embedder,
    /// It changes a model that writes: a LoRA adapter.
    Adapter,
    /// None that docent knows.
    Other,
}

/// What runs a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Runner {
    /// docent's own decoder.
    Docent,
    /// candle, more slowly.
    Candle,
}

/// Whether a model fits into the memory that is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Weights and the context asked about fit.
    Memory,
    /// They do not: some weights come from the disk for each token, which is slow.
    Storage,
    /// The system does not tell how much memory is free.
    Unknown,
}

impl ModelCard {
    /// Whether it fits into the memory that is free now, with room for `context` tokens.
    #[must_use]
    pub fn fit(&self, context: usize) -> Fit {
        self.fit_within(context, Free::now().map(Free::bytes))
    }

    fn fit_within(&self, context: usize, free: Option<u64>) -> Fit {
        match free {
            None => Fit::Unknown,
            Some(free) if decoder::fits(self.weight_bytes, self.cache(context), free) => {
                Fit::Memory
            }
            Some(_) => Fit::Storage,
        }
    }

    /// Bytes of keys and values of so many tokens.
    fn cache(&self, tokens: usize) -> u64 {
        self.cache_bytes_per_token.saturating_mul(tokens as u64)
    }

    /// Tokens that could be written per second at most, after `depth` others, on a machine that
    /// reads so many bytes per second from memory ([`crate::bench::memory_bytes_per_second`]).
    #[must_use]
    pub fn most_tokens_per_second(&self, memory_bytes_per_second: f64, depth: usize) -> f64 {
        let cache = self.cache(depth) as f64;
        memory_bytes_per_second / (self.token_bytes as f64 + cache).max(1.0)
    }

    /// What to expect of it if it does not fit, with room for `context` tokens, where so many
    /// bytes per second come from memory and from storage
    /// ([`crate::bench::storage_bytes_per_second`]). `None` where the system does not tell how
    /// much memory is free, and for what candle runs, which does not read from storage.
    #[must_use]
    pub fn streaming(
        &self,
        context: usize,
        memory_bytes_per_second: f64,
        storage_bytes_per_second: f64,
    ) -> Option<Streaming> {
        let rates = Rates {
            memory: memory_bytes_per_second,
            storage: storage_bytes_per_second,
        };
        let free = Free::now().filter(|_| self.runner == Some(Runner::Docent))?;
        Some(self.streaming_within(context, free.bytes(), rates))
    }

    fn streaming_within(&self, context: usize, free: u64, rates: Rates) -> Streaming {
        let room = decoder::for_buffers(free).saturating_sub(self.cache(context));
        let resident_bytes = room.min(self.weight_bytes);
        Streaming {
            weight_bytes: self.weight_bytes,
            resident_bytes,
            tokens_per_second: self.footprint.tokens_per_second(resident_bytes, rates),
        }
    }
}

/// Reads what a model's file says about itself. Keys and values are counted in `precision`.
///
/// # Errors
/// When there is no such file, it cannot be read, it is no GGUF, it is damaged, or weights are
/// stored in a format that docent does not read.
pub fn inspect(
    source: &GeneratorSource,
    precision: CachePrecision,
) -> Result<ModelCard, LoadError> {
    let (path, source) = generator::open_source(source)?;
    inspect_source(&path, &source, precision)
}

/// Reads what the bytes of a model's file say about it.
pub(crate) fn inspect_source(
    path: &Path,
    source: &Source,
    precision: CachePrecision,
) -> Result<ModelCard, LoadError> {
    let explain = |error| generator::explain(path, error);
    let gguf = Gguf::read(&mut source.reader()).map_err(explain)?;
    Ok(describe(path, &gguf, source.length(), precision))
}

fn describe(path: &Path, gguf: &Gguf, file_bytes: u64, precision: CachePrecision) -> ModelCard {
    let architecture = gguf.text("general.architecture").unwrap_or("unknown");
    let number = |key: &str| gguf.number(&format!("{architecture}.{key}")).unwrap_or(0);
    let mut formats = BTreeMap::new();
    for entry in gguf.tensors.values() {
        *formats.entry(entry.kind.name()).or_default() += entry.bytes as u64;
    }
    let most = formats.iter().max_by_key(|(_, bytes)| **bytes);
    let purpose = purpose(gguf, architecture);
    let cache = decoder::token_bytes(gguf, precision);
    let usable = match (&cache, purpose) {
        (_, Purpose::Embedder) => Err("it turns text into vectors and writes none".into()),
        (_, Purpose::Adapter) => Err("it is an adapter, for another model to be changed by".into()),
        (Err(error), _) => Err(told(path, error)),
        (Ok(_), _) => tokenizer::check(gguf).map_err(|error| told(path, &error)),
    };
    let template = ChatTemplate::new(gguf.text("tokenizer.chat_template"), "", "");
    let footprint = Footprint::of(gguf);
    ModelCard {
        name: gguf.text("general.name").map(str::to_owned),
        architecture: architecture.to_owned(),
        purpose,
        runner: decoder::runner(architecture),
        problem: usable.err(),
        quantisation: most.map_or("none", |(name, _)| name).to_owned(),
        formats: formats.clone(),
        file_bytes,
        parameters: parameters(gguf),
        context_tokens: number("context_length"),
        layers: number("block_count"),
        tokenizer: tokenizer_name(gguf),
        plain_chat: template.problem(),
        token_bytes: footprint.token_bytes(),
        weight_bytes: footprint.total(),
        cache_bytes_per_token: cache.map_or(0, |bytes| bytes as u64),
        footprint,
    }
}

fn purpose(gguf: &Gguf, architecture: &str) -> Purpose {
    if gguf.text("general.type") == Some("adapter") {
        return Purpose::Adapter;
    }
    match decoder::runner(architecture) {
        Some(_) => Purpose::Generator,
        None if EncoderConfig::from_gguf(gguf).is_ok() => Purpose::Embedder,
        None => Purpose::Other,
    }
}

/// What is wrong, without the file's name.
fn told(path: &Path, error: &GgufError) -> String {
    match error {
        GgufError::Io(error) => format!("{}: {error}", path.display()),
        GgufError::Damaged(problem) => problem.clone(),
        GgufError::Unsupported(problem, remedy) => format!("{problem}; {remedy}"),
    }
}

/// Numbers in all tensors.
fn parameters(gguf: &Gguf) -> u64 {
    let counts = gguf.tensors.values().map(|entry| entry.elements() as u64);
    counts.fold(0, u64::saturating_add)
}

/// "gpt2 (qwen2)": the kind, and how it cuts words where there are several ways.
fn tokenizer_name(gguf: &Gguf) -> String {
    let kind = gguf.text("tokenizer.ggml.model").unwrap_or("none");
    match gguf.text("tokenizer.ggml.pre") {
        Some(cut) if kind == "gpt2" => format!("{kind} ({cut})"),
        _ => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, Tiny, starter_bytes, tiny_gguf, tiny_model};

    fn card(bytes: &[u8]) -> ModelCard {
        fixture::inspect(bytes).unwrap()
    }

    #[test]
    fn a_card_says_what_a_header_says() {
        let card = card(starter_bytes());
        assert_eq!(card.architecture, "llama");
        assert_eq!(
            (card.purpose, card.runner),
            (Purpose::Generator, Some(Runner::Docent))
        );
        assert_eq!(
            (card.problem.as_deref(), card.plain_chat.as_deref()),
            (None, None)
        );
        assert_eq!(card.quantisation, "Q4_1");
        assert_eq!(card.tokenizer, "gpt2 (smollm)");
        assert_eq!((card.layers, card.context_tokens), (30, 8192));
        assert!((134_000_000..136_000_000).contains(&card.parameters));
        // Keys and values of 30 layers, 3 heads, 64 numbers, two bytes each.
        assert_eq!(card.cache_bytes_per_token, 2 * 30 * 3 * 64 * 2);
        assert!(card.token_bytes > card.file_bytes * 9 / 10);
        assert_eq!(card.weight_bytes, card.token_bytes);
        assert_eq!(card.fit_within(1000, Some(200_000_000)), Fit::Memory);
        assert_eq!(card.fit_within(1000, Some(100_000_000)), Fit::Storage);
        assert_eq!(card.fit_within(1000, None), Fit::Unknown);
        let speed = card.most_tokens_per_second(39e9, 0);
        assert!((380.0..420.0).contains(&speed), "{speed}");
        let rates = Rates {
            memory: 39e9,
            storage: 1e9,
        };
        let slow = card.streaming_within(1000, 100_000_000, rates);
        assert_eq!(slow.weight_bytes, card.weight_bytes);
        assert!(slow.resident_bytes < 20_000_000, "{slow:?}");
        assert!((9.0..15.0).contains(&slow.tokens_per_second), "{slow:?}");
    }

    #[test]
    fn the_starter_has_a_card() {
        let card = |precision| inspect(&GeneratorSource::Starter, precision).unwrap();
        let (exact, small) = (card(CachePrecision::F16), card(CachePrecision::Int8));
        assert_eq!(exact.file_bytes, starter_bytes().len() as u64);
        let share = small.cache_bytes_per_token as f64 / exact.cache_bytes_per_token as f64;
        assert!((0.5..0.6).contains(&share), "{share}");
    }

    #[test]
    fn experts_that_are_not_used_are_not_read() {
        let dense = card(&tiny_gguf("qwen3"));
        let mut tiny = Tiny::of("qwen3moe");
        let mixture = card(&tiny_model(&tiny));
        tiny.experts = Some(crate::fixture::Experts::Single);
        let single = card(&tiny_model(&tiny));
        // Two of four experts of two layers of three matrices of 64 by 96 floats, two routers.
        let one = 2 * 3 * 64 * 96 * 4;
        assert_eq!(
            mixture.token_bytes,
            dense.token_bytes + one + 2 * 4 * 64 * 4
        );
        assert_eq!(single.token_bytes, mixture.token_bytes);
        assert_eq!(mixture.weight_bytes, mixture.token_bytes + 2 * one);
        assert!(mixture.file_bytes > dense.file_bytes + 2 * one);
    }

    #[test]
    fn what_docent_does_not_run_has_a_card_that_says_why() {
        let mamba = card(&tiny_gguf("mamba"));
        assert_eq!((mamba.purpose, mamba.runner), (Purpose::Other, None));
        let problem = mamba.problem.unwrap();
        assert!(
            problem.contains("architecture is mamba") && problem.contains("qwen3moe"),
            "{problem}"
        );
        let candle = card(&tiny_gguf("glm4"));
        assert_eq!(
            (candle.runner, candle.problem),
            (Some(Runner::Candle), None)
        );
        assert!(candle.cache_bytes_per_token > 0);
        let mut odd = Tiny::of("llama");
        odd.texts = vec![("rope.scaling.type", "spiral")];
        let problem = card(&tiny_model(&odd)).problem.unwrap();
        assert!(problem.contains("scaled by spiral"), "{problem}");
    }

    #[test]
    fn a_file_that_is_none_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gguf");
        std::fs::write(&path, "no model").unwrap();
        let source = GeneratorSource::File(path);
        let error = inspect(&source, CachePrecision::F16).unwrap_err();
        assert!(error.to_string().contains("no GGUF file"), "{error}");
    }
}
