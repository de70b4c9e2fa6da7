//! `docent completions`: what a shell needs to complete docent's commands.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Status;
use crate::app::App;
use crate::failure::Result;

/// Print completions for a shell.
///
/// For bash: docent completions bash > ~/.local/share/bash-completion/completions/docent
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(app: &App, args: &Completions) -> Result<Status> {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut super::Cli::command(),
        "docent",
        &mut script,
    );
    app.output.piece(String::from_utf8_lossy(&script))?;
    Ok(Status::Done)
}
