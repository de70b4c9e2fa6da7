//! docent: ask the folders on this machine, and get answers with citations you can check.
//!
//! This is the binary: it understands what was typed ([`cli`]), finds settings and places
//! ([`settings`], [`places`]), loads the models and wires them into the engine ([`app`]), and
//! tells people and scripts what came out ([`output`], [`tui`]).

mod app;
mod cli;
mod failure;
mod interrupt;
mod live;
mod log;
mod origin;
mod output;
mod places;
mod printable;
mod progress;
mod refresh;
mod report;
mod settings;
mod streaming;
mod tui;

use std::process::ExitCode;

use app::App;
use cli::Command;

fn main() -> ExitCode {
    let typed = cli::parse();
    if let Some(Command::ExtractWorker) = typed.command {
        return docent_extract::worker_main();
    }
    let output = typed.global.output();
    let done = App::new(typed.global, output).and_then(|app| match typed.command {
        Some(command) => {
            interrupt::listen();
            command.run(&app)
        }
        None => cli::open_terminal_ui(&app),
    });
    match done {
        Ok(status) => status.into(),
        Err(failure) => {
            if failure.status() != 0 {
                output.error(&failure);
            }
            ExitCode::from(failure.status())
        }
    }
}
