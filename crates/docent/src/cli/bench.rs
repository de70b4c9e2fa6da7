//! `docent bench`: how fast docent is on this machine, as JSON or for a person.

mod embed;
mod extract;
mod generate;
mod rerank;

use clap::{Args, Subcommand};

use super::Status;
use crate::app::App;
use crate::failure::Result;

/// Measure how fast this machine reads, embeds and writes.
///
/// Measure on an otherwise idle machine. Nothing is indexed and nothing is kept.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

/// What is measured.
#[derive(Debug, Subcommand)]
enum What {
    Embed(embed::Embed),
    Extract(extract::Extract),
    Generate(generate::Generate),
    Rerank(rerank::Rerank),
}

pub(super) fn run(app: &App, args: &Bench) -> Result<Status> {
    match &args.what {
        What::Embed(args) => embed::run(app, args),
        What::Extract(args) => extract::run(app, args),
        What::Generate(args) => generate::run(app, args),
        What::Rerank(args) => rerank::run(app, args),
    }
}
