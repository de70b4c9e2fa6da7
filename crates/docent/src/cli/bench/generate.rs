//! `docent bench generate`: how fast a model reads a prompt and writes.

use clap::Args;
use docent_model::bench::{Speed, SpeedPlan, measure_speed, memory_bytes_per_second};
use serde::Serialize;

use crate::app::App;
use crate::cli::Status;
use crate::failure::{Failure, Result};
use crate::output::bytes;
use crate::streaming::rate;

/// Measure how fast the generator reads a prompt and writes an answer.
#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// Tokens to read.
    #[arg(long, value_name = "N", default_value_t = 512)]
    prompt: usize,
    /// Tokens to write.
    #[arg(long, value_name = "N", default_value_t = 64)]
    generate: usize,
    /// Tokens that stand before the first one that is written.
    #[arg(long, value_name = "N", default_value_t = 0)]
    depth: usize,
    /// Times that each is measured; the fastest counts.
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,
}

pub(super) fn run(app: &App, args: &Generate) -> Result<Status> {
    let plan = SpeedPlan {
        prompt: args.prompt,
        generate: args.generate,
        depth: args.depth,
        runs: args.runs,
    };
    let options = app.generator_options();
    let speed = measure_speed(&app.generator_source(), &options, plan).map_err(Failure::user)?;
    let memory_bytes_per_second = memory_bytes_per_second(speed.threads);
    let report = Report {
        bandwidth_share: speed.bandwidth_share(memory_bytes_per_second),
        memory_bytes_per_second,
        speed,
    };
    match app.output.json {
        true => app.output.json(&report)?,
        false => show(app, &report)?,
    }
    Ok(Status::Done)
}

/// A line of `docent bench generate --json`.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    speed: Speed,
    memory_bytes_per_second: f64,
    bandwidth_share: f64,
}

fn show(app: &App, report: &Report) -> Result<()> {
    let (out, speed) = (&app.output, &report.speed);
    out.line(format_args!(
        "reading  {:.1} tokens a second",
        speed.prefill_tokens_per_second
    ))?;
    out.line(format_args!(
        "writing  {:.1} tokens a second, {} a token, {:.0} % of the memory's {} a second",
        speed.decode_tokens_per_second,
        bytes(speed.bytes_per_token),
        100.0 * report.bandwidth_share,
        bytes(report.memory_bytes_per_second as u64),
    ))?;
    if let Some(expected) = speed.expected_tokens_per_second {
        let (resident, all) = (bytes(speed.resident_bytes), bytes(speed.weight_bytes));
        out.line(format_args!(
            "storage  {resident} of {all} of weights are in memory; expected to write {}",
            rate(expected)
        ))?;
    }
    if let Some(peak) = speed.peak_bytes {
        out.line(format_args!("memory   {} at most", bytes(peak)))?;
    }
    Ok(())
}
