//! Language models on this machine: weights in, vectors and text out.
//!
//! [`load_embedder`], [`load_reranker`] and [`load_generator`] read a model's files and give it a
//! thread of its own; what comes back are the traits of `docent-core`, so the rest of docent sees
//! requests and values and never a tensor. A file that cannot be used is a [`LoadError`] that
//! says which, why and what to do.
//!
//! In the order in which data passes: headers and weights are read and checked, a chat is laid
//! out by the model's template, text becomes tokens, the encoder or the decoder computes, the
//! next token is chosen, tokens become text again.
//!
//! This crate knows no stores, no files that are indexed, and no user interface.

pub mod bench;
mod capped;
pub mod catalogue;
mod decoder;
mod embedder;
pub mod encoder;
mod error;
mod files;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod generator;
mod gguf;
mod mapped;
mod packed_cache;
mod probe;
mod processor;
mod reranker;
mod sampling;
mod source;
mod starter;
mod template;
mod threads;
mod tokenizer;

#[cfg(test)]
mod fixture;

pub use decoder::CachePrecision;
pub use embedder::bench::{BenchError, BenchReport, BenchTexts, EmbedPlan, bench_embedder};
pub use embedder::{EmbedderOptions, EmbedderSource, load_embedder};
pub use encoder::Precision;
pub use error::LoadError;
pub use generator::{Adapter, GeneratorOptions, GeneratorSource, PrefixLimits, load_generator};
pub use packed_cache::{PackedCache, PackedFile};
pub use processor::instruction_set;
pub use reranker::bench::{RerankReport, bench_reranker};
pub use reranker::{RerankerOptions, load_reranker};
