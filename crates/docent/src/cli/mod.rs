//! The commands: what can be typed, and a file for each command whose doc comment is its help.

mod add;
mod ask;
mod bench;
mod completions;
mod doctor;
mod eval;
mod export;
mod extract;
mod filters;
mod forget;
mod index;
mod list;
mod models;
mod queries;
mod rebuild;
mod remove;
mod search;
mod show;
mod status;
mod summarize;
mod watch;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand};
use docent_engine::collection::Collection;
use docent_engine::library::Library;
use docent_engine::settings::Settings;

use crate::app::App;
use crate::failure::{Failure, Result};
use crate::output::{Colour, Output};
use crate::settings::{Arithmetic, KeysAndValues};
use crate::tui;

/// Ask the folders on this machine, and get answers with citations you can check.
///
/// Without a command the terminal UI opens. WHERE is a collection's name or a folder; a folder
/// that is in no collection gets one of its own. Answers and hits go to stdout, everything
/// else to stderr. Exit status: 0 done, 1 done but with failures to look at or nothing found,
/// 2 misuse or cannot work.
#[derive(Debug, Parser)]
#[command(name = "docent", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Keep collections in this folder.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) index: Option<PathBuf>,
    /// Read settings from this file.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// Let this model write: a GGUF file.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// Change the model that writes by this LoRA adapter, a GGUF file; may be given several times.
    #[arg(long, global = true, value_name = "FILE[:SCALE]")]
    pub(crate) lora: Vec<String>,
    /// How the model that writes keeps what it has read; int8 takes half the memory.
    #[arg(long, global = true, value_name = "HOW")]
    pub(crate) kv: Option<KeysAndValues>,
    /// Embed with this model: a folder with config.json, tokenizer.json, model.safetensors.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) embedder: Option<PathBuf>,
    /// Threads for the models; 0 is one for each core.
    #[arg(long, global = true, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// How the embedder computes; vectors of bytes and of floats do not mix.
    #[arg(long, global = true, value_name = "HOW")]
    pub(crate) precision: Option<Arithmetic>,
    /// Print results as JSON, one object a line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Tell only results, warnings and errors.
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Tell on stderr what docent does; twice for more.
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Colour,
}

impl Global {
    /// How to write, as the flags, the terminal and NO_COLOR say.
    pub(crate) fn output(&self) -> Output {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Output::new(self.json, self.quiet, self.color, no_color)
    }
}

/// The commands, in the order in which a person meets them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(add::Add),
    Remove(remove::Remove),
    List(list::List),
    Index(index::Index),
    Watch(watch::Watch),
    Search(search::Search),
    Ask(ask::Ask),
    Summarize(summarize::Summarize),
    Status(status::Status),
    Show(show::Show),
    Extract(extract::Extract),
    Rebuild(rebuild::Rebuild),
    Forget(forget::Forget),
    Export(export::Export),
    Eval(eval::Eval),
    Models(models::Models),
    Doctor(doctor::Doctor),
    Bench(bench::Bench),
    Completions(completions::Completions),
    /// Reads files for another docent, which starts it.
    #[command(hide = true)]
    ExtractWorker,
}

impl Command {
    /// Runs it.
    pub(crate) fn run(self, app: &App) -> Result<Status> {
        match self {
            Command::Add(args) => add::run(app, &args),
            Command::Remove(args) => remove::run(app, &args),
            Command::List(args) => list::run(app, &args),
            Command::Index(args) => index::run(app, &args),
            Command::Watch(args) => watch::run(app, &args),
            Command::Search(args) => search::run(app, &args),
            Command::Ask(args) => ask::run(app, &args),
            Command::Summarize(args) => summarize::run(app, &args),
            Command::Status(args) => status::run(app, &args),
            Command::Show(args) => show::run(app, &args),
            Command::Extract(args) => extract::run(app, &args),
            Command::Rebuild(args) => rebuild::run(app, &args),
            Command::Forget(args) => forget::run(app, &args),
            Command::Export(args) => export::run(app, &args),
            Command::Eval(args) => eval::run(app, &args),
            Command::Models(args) => models::run(app, &args),
            Command::Doctor(args) => doctor::run(app, &args),
            Command::Bench(args) => bench::run(app, &args),
            Command::Completions(args) => completions::run(app, &args),
            Command::ExtractWorker => Ok(Status::Done), // main has run it: it needs no App
        }
    }
}

/// Which files a command reads that brings collections up to date.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct WalkFlags {
    /// Read what .gitignore, .ignore and .docentignore name, too (a setting keeps it so).
    #[arg(long)]
    no_ignore: bool,
    /// Read hidden files and folders, too (a setting keeps it so).
    #[arg(long)]
    hidden: bool,
}

impl WalkFlags {
    /// The engine's settings, with these flags laid over them.
    fn settings(self, app: &App) -> Result<Settings> {
        let mut settings = app.sound_settings()?.engine();
        settings.walk.ignore_files &= !self.no_ignore;
        settings.walk.hidden |= self.hidden;
        Ok(settings)
    }

    /// The library, with these flags laid over its settings.
    fn library(self, app: &App) -> Result<Library> {
        app.library_with(self.settings(app)?)
    }
}

/// The collection that WHERE names, made if it is a folder without one; all without WHERE.
fn collections(library: &Library, place: Option<&str>) -> Result<Vec<Collection>> {
    if let Some(place) = place {
        return Ok(vec![library.resolve(place)?]);
    }
    let names = library.names()?;
    let open = |name: &String| library.collection(name).map_err(Failure::from);
    names.iter().map(open).collect()
}

/// How a command ended that did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// All of it.
    Done,
    /// All that could be done, but there is something to look at, or nothing was found.
    LookAt,
}

impl Status {
    /// `LookAt` where something is to be looked at.
    pub(crate) fn look_at_if(something: bool) -> Status {
        if something {
            Status::LookAt
        } else {
            Status::Done
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        match status {
            Status::Done => ExitCode::SUCCESS,
            Status::LookAt => ExitCode::from(1),
        }
    }
}

/// What was typed; misuse is told and ends the program with status 2.
pub(crate) fn parse() -> Cli {
    Cli::parse()
}

/// The terminal UI, which is what docent is without a command. Where stdout is no terminal,
/// the help instead.
pub(crate) fn open_terminal_ui(app: &App) -> Result<Status> {
    if !std::io::stdout().is_terminal() {
        return Err(no_terminal());
    }
    tui::run(app.tui_setup()?).map_err(Failure::internal)?;
    Ok(Status::Done)
}

/// The failure of being asked for the terminal UI where there is no terminal.
fn no_terminal() -> Failure {
    let help = Cli::command().render_help();
    Failure::user(format_args!(
        "the terminal UI needs a terminal; without one, give a command.\n\n{help}"
    ))
}
