//! `docent bench rerank`: how fast the best hits are looked at again.

use std::path::PathBuf;

use clap::Args;
use docent_model::bench_reranker;

use crate::app::App;
use crate::cli::Status;
use crate::failure::{Failure, Result};
use crate::output::counted;

/// Measure how fast a reranker compares a question with passages.
#[derive(Debug, Args)]
pub(crate) struct Rerank {
    /// The reranker's folder or GGUF file, in place of `models.reranker`.
    #[arg(long, value_name = "FOLDER")]
    reranker: Option<PathBuf>,
    /// Passages to compare.
    #[arg(long, value_name = "N", default_value_t = 30)]
    passages: usize,
    /// Tokens of each.
    #[arg(long, value_name = "N", default_value_t = 200)]
    tokens: usize,
    /// Times that it is measured; the median counts.
    #[arg(long, value_name = "N", default_value_t = 5)]
    runs: usize,
}

pub(super) fn run(app: &App, args: &Rerank) -> Result<Status> {
    let set = app.settings.models.reranker.as_ref();
    let Some(path) = args.reranker.as_ref().or(set) else {
        return Err(Failure::user("there is no reranker to measure")
            .hint("Name its folder with --reranker, or set models.reranker in the settings."));
    };
    let sizes = (args.passages, args.tokens);
    let report =
        bench_reranker(path, app.reranker_options(), sizes, args.runs).map_err(Failure::user)?;
    let out = &app.output;
    match out.json {
        true => out.json(&report)?,
        false => out.line(format_args!(
            "{} on {} ({}): {}, {} tokens in all, in {:.1} ms",
            report.fingerprint,
            counted(report.threads as u64, "thread"),
            report.isa,
            counted(report.passages as u64, "passage"),
            report.tokens,
            report.rerank_ms
        ))?,
    }
    Ok(Status::Done)
}
