//! `docent models inspect`: what a model's file says about itself.

use std::path::PathBuf;

use clap::Args;
use docent_model::catalogue::{ModelCard, Runner, inspect};
use serde::Serialize;

use super::{Machine, Prospect, parameters, source, told};
use crate::app::App;
use crate::cli::Status;
use crate::failure::{Failure, Result};
use crate::output::{bytes, counted, thousands};
use crate::printable::printable_line;

/// Tell what a model's file says about itself, and whether docent can run it.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// A GGUF file; without it, the model in use.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// A line of `docent models inspect --json`.
#[derive(Debug, Serialize)]
struct Inspected {
    #[serde(flatten)]
    model: ModelCard,
    prospect: Option<Prospect>,
}

pub(super) fn run(app: &App, args: &Inspect) -> Result<Status> {
    let source = source(app, args.file.as_ref());
    let model = inspect(&source, app.settings.models.kv.into()).map_err(Failure::user)?;
    let prospect = Machine::measure(app).prospect(&model, &source);
    let cannot = model.problem.is_some();
    let inspected = Inspected { model, prospect };
    match app.output.json {
        true => app.output.json(&inspected)?,
        false => show(app, &inspected)?,
    }
    Ok(Status::look_at_if(cannot))
}

fn show(app: &App, inspected: &Inspected) -> Result<()> {
    let model = &inspected.model;
    let row = |name: &str, value: &str| {
        let value = printable_line(value);
        app.output.line(format_args!("{name:<14}{value}"))
    };
    if let Some(name) = &model.name {
        row("name", name)?;
    }
    let runner = match model.runner {
        Some(Runner::Docent) => "run by docent's own decoder",
        Some(Runner::Candle) => "run by candle",
        None => "not run",
    };
    row("architecture", &format!("{}, {runner}", model.architecture))?;
    let size = [parameters(model.parameters), bytes(model.file_bytes)];
    let layers = counted(model.layers as u64, "layer");
    let [count, length] = size;
    row("size", &format!("{count} parameters in {layers}, {length}"))?;
    let formats = model.formats.iter();
    let formats: Vec<String> = formats
        .map(|(name, of)| format!("{name} {}", bytes(*of)))
        .collect();
    row("weights", &formats.join(", "))?;
    if model.context_tokens > 0 {
        let tokens = thousands(model.context_tokens as u64);
        let each = bytes(model.cache_bytes_per_token);
        row(
            "context",
            &format!("trained on {tokens} tokens, each takes {each}"),
        )?;
    }
    row("tokenizer", &model.tokenizer)?;
    let template = match &model.plain_chat {
        None => "its own".to_owned(),
        Some(why) => format!("plain, as {why}"),
    };
    row("chat template", &template)?;
    row(
        "each token",
        &format!("reads {} of weights", bytes(model.token_bytes)),
    )?;
    if let Some(prospect) = inspected.prospect {
        row("here", &told(prospect, model.weight_bytes))?;
    }
    if let Some(problem) = &model.problem {
        row("cannot write", problem)?;
    }
    Ok(())
}
