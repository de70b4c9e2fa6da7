//! `docent models perplexity`: how well a model foresees a text.

use std::path::PathBuf;

use clap::Args;
use docent_model::bench::measure_perplexity;

use super::source;
use crate::app::App;
use crate::cli::Status;
use crate::failure::{Failure, Result};
use crate::output::thousands;

/// Measure how well a model foresees a text: the lower, the better.
///
/// Compare models, quantisations and adapters on one text, in windows of one length.
#[derive(Debug, Args)]
pub(crate) struct Perplexity {
    /// A GGUF file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The text, a file in UTF-8.
    #[arg(value_name = "TEXT")]
    text: PathBuf,
    /// Tokens that it sees at once; each is foreseen from those before it in its window.
    #[arg(long, value_name = "N", default_value_t = 512)]
    window: usize,
}

pub(super) fn run(app: &App, args: &Perplexity) -> Result<Status> {
    let text = std::fs::read_to_string(&args.text).map_err(|error| {
        Failure::user(format_args!(
            "{} cannot be read: {error}",
            args.text.display()
        ))
        .hint("Name a file with plain text in UTF-8.")
    })?;
    let source = source(app, Some(&args.file));
    let options = app.generator_options();
    let measured =
        measure_perplexity(&source, &options, &text, args.window).map_err(Failure::user)?;
    if measured.tokens == 0 {
        let short = format!("{} has fewer than two tokens", args.text.display());
        return Err(Failure::user(short).hint("Name a file with some pages of text."));
    }
    match app.output.json {
        true => app.output.json(&measured)?,
        false => app.output.line(format_args!(
            "perplexity {:.4} over {} tokens",
            measured.perplexity,
            thousands(measured.tokens as u64)
        ))?,
    }
    Ok(Status::Done)
}
