//! How fast a reranker is on this machine.

use std::path::Path;
use std::time::Instant;

use docent_core::model::Reranker;
use serde::Serialize;

use super::{LocalReranker, RerankerOptions, load};
use crate::embedder::bench::{BenchError, QUESTION, at, made_text, ms_since, sorted};
use crate::embedder::tokens::encode_long;
use crate::{processor, threads};

/// What `docent bench rerank` tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RerankReport {
    /// The model and how it computes.
    pub fingerprint: String,
    /// The instruction set that is used.
    pub isa: &'static str,
    /// Threads that compute.
    pub threads: usize,
    /// Passages that are compared with a question of about 12 tokens.
    pub passages: usize,
    /// Tokens of all pairs, special ones included.
    pub tokens: usize,
    /// The time of each run, cutting into tokens included, in the order in which they were made.
    pub run_ms: Vec<f64>,
    /// The median of these.
    pub rerank_ms: f64,
}

/// Compares a question with `count` passages of `tokens` tokens each, `runs` times after one run to
/// warm up.
///
/// # Errors
/// When the reranker cannot be loaded, or fails.
pub fn bench_reranker(
    path: &Path,
    options: RerankerOptions,
    (count, tokens): (usize, usize),
    runs: usize,
) -> Result<RerankReport, BenchError> {
    let reranker = load(path, options)?;
    let passages = passages(&reranker, count, tokens);
    let passages: Vec<&str> = passages.iter().map(String::as_str).collect();
    let pairs = reranker.tokenizer.pairs(QUESTION, &passages);
    let (sequences, _) = pairs.map_err(docent_core::model::ModelError::Refused)?;
    reranker.rerank(QUESTION, &passages, None)?;
    let run = |_| {
        let start = Instant::now();
        reranker.rerank(QUESTION, &passages, None)?;
        Ok(ms_since(start))
    };
    let run_ms = (0..runs.max(1)).map(run);
    let run_ms: Vec<f64> = run_ms.collect::<Result<_, BenchError>>()?;
    Ok(RerankReport {
        fingerprint: reranker.fingerprint.clone(),
        isa: processor::isa().name(),
        threads: threads::resolve(options.threads),
        passages: passages.len(),
        tokens: sequences.tokens(),
        rerank_ms: at(&sorted(run_ms.clone()), 0.5),
        run_ms,
    })
}

fn passages(reranker: &LocalReranker, count: usize, tokens: usize) -> Vec<String> {
    let length =
        |text: &str| encode_long(&reranker.tokenizer.tokenizer, text).map_or(0, |t| t.len());
    let passage = |number| made_text(number, tokens, &length);
    (0..count).map(passage).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedder::fixture::folder;
    use crate::encoder::fixture::Tiny;

    #[test]
    fn every_passage_is_compared() {
        let folder = folder(&Tiny::bert().with_head());
        let report = bench_reranker(folder.path(), RerankerOptions::default(), (5, 20), 3);
        let report = report.unwrap();
        assert_eq!((report.passages, report.run_ms.len()), (5, 3));
        assert!(report.tokens > 5 * 20, "{report:?}");
        assert!(report.run_ms.contains(&report.rerank_ms));
    }

    #[test]
    fn an_embedder_is_no_reranker() {
        let folder = folder(&Tiny::bert());
        let report = bench_reranker(folder.path(), RerankerOptions::default(), (1, 1), 1);
        assert!(report.unwrap_err().to_string().contains("no reranker"));
    }
}
