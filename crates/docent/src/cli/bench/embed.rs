//! `docent bench embed`: how fast texts become vectors.

use std::path::{Path, PathBuf};

use clap::Args;
use docent_model::{BenchReport, bench_embedder};

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
    /// Embed these texts, one on each line: plain, or JSON strings; without it, 32 texts of 128
    /// tokens.
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// Times that it is measured; the median counts.
    #[arg(long, value_name = "N", default_value_t = 5)]
    runs: usize,
}

pub(super) fn run(app: &App, args: &Embed) -> Result<Status> {
    let texts = match &args.texts {
        Some(file) => lines(file)?,
        None => Vec::new(),
    };
    let mut options = app.embedder_options();
    options.pack_tokens = args.batch_tokens.unwrap_or(options.pack_tokens);
    let report = bench_embedder(&app.embedder_source(), &options, &texts, args.runs)
        .map_err(Failure::user)?;
    match app.output.json {
        true => app.output.json(&report)?,
        false => show(app, &report)?,
    }
    Ok(Status::Done)
}

/// The texts of a file, one on each line.
fn lines(file: &Path) -> Result<Vec<String>> {
    let content = std::fs::read_to_string(file).map_err(|error| {
        Failure::user(format_args!("{} cannot be read: {error}", file.display()))
            .hint("Name a file with a text on each line.")
    })?;
    let text = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| line.to_owned());
    let lines = content.lines().filter(|line| !line.trim().is_empty());
    Ok(lines.map(text).collect())
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
    out.line(format_args!("question {:.2} ms", report.query_ms))?;
    if let Some(peak) = report.peak_memory_bytes {
        out.line(format_args!("memory   {} at most", bytes(peak)))?;
    }
    Ok(())
}
