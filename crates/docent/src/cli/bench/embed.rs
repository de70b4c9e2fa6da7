//! `docent bench embed`: how fast texts become vectors.

use std::path::PathBuf;

use clap::Args;
use docent_model::{BenchReport, BenchTexts, EmbedPlan, bench_embedder};

use crate::app::App;
use crate::cli::Status;
use crate::failure::{Failure, Result};
use crate::output::{bytes, counted};

/// Measure how fast the embedder makes vectors.
#[derive(Debug, Args)]
pub(crate) struct Embed {
    /// Tokens that a thread computes at a time.
    #[arg(long, value_name = "N")]
    batch_tokens: Option<usize>,
    /// Embed the texts of a file, one on each line: plain, a JSON string, or a JSON object with
    /// `text`. Without it, 32 texts of 128 tokens.
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// Times that it is measured; the median counts.
    #[arg(long, value_name = "N", default_value_t = 5)]
    runs: usize,
    /// Compare the vectors of the first texts, 1,024 at most, with those that floats give.
    #[arg(long)]
    accuracy: bool,
}

pub(super) fn run(app: &App, args: &Embed) -> Result<Status> {
    let texts = match &args.texts {
        Some(file) => BenchTexts::Lines(file),
        None => BenchTexts::Usual,
    };
    let mut options = app.embedder_options();
    options.pack_tokens = args.batch_tokens.unwrap_or(options.pack_tokens);
    let plan = EmbedPlan {
        texts,
        runs: args.runs,
        accuracy: args.accuracy,
    };
    let report = bench_embedder(&app.embedder_source(), &options, plan).map_err(Failure::user)?;
    match app.output.json {
        true => app.output.json(&report)?,
        false => show(app, &report)?,
    }
    Ok(Status::Done)
}

fn show(app: &App, report: &BenchReport) -> Result<()> {
    let out = &app.output;
    out.line(format_args!(
        "{} on {} ({})",
        report.fingerprint,
        counted(report.threads as u64, "thread"),
        report.isa
    ))?;
    out.line(format_args!(
        "texts    {:.1} a second, {:.0} tokens a second, {:.0} % of what the processor multiplies",
        report.texts_per_s,
        report.tokens_per_s,
        100.0 * report.share_of_limit
    ))?;
    out.line(format_args!(
        "question {:.2} ms; while texts are embedded {:.2} ms, 19 of 20 within {:.2} ms, at most {:.2} ms",
        report.query_ms,
        report.query_while_indexing_ms,
        report.query_while_indexing_p95_ms,
        report.query_while_indexing_worst_ms
    ))?;
    if let (Some(mean), Some(worst)) = (report.cosine_mean, report.cosine_worst) {
        out.line(format_args!(
            "accuracy cosine with floats {mean:.4} on the mean, {worst:.4} at least"
        ))?;
    }
    if let Some(peak) = report.peak_memory_bytes {
        let loaded = report.loaded_memory_bytes.map(bytes).unwrap_or_default();
        out.line(format_args!(
            "memory   {loaded} once loaded, {} at most",
            bytes(peak)
        ))?;
    }
    Ok(())
}
