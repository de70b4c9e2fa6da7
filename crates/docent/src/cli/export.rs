//! `docent export`: a kept conversation as a report with footnotes.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use docent_core::export::{Layout, Report};
use docent_engine::collection::Collection;
use docent_store::{ConversationId, ConversationSummary};
use serde::Serialize;

use super::Status;
use crate::app::App;
use crate::failure::{Failure, Result};
use crate::output::{Style, counted};
use crate::printable::printable_line;
use crate::report::{self, StoredAnswer};

/// Write a kept conversation down, with its citations as footnotes.
///
/// Without CONVERSATION or --last, the kept conversations are listed with their numbers. What
/// documents say is text in the result: no link or script of theirs becomes live.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The conversation's number.
    #[arg(value_name = "CONVERSATION", conflicts_with = "last")]
    conversation: Option<i64>,
    /// The conversation to which something was added last.
    #[arg(long)]
    last: bool,
    /// Where it was held: a collection's name or a folder.
    #[arg(long = "in", value_name = "WHERE")]
    place: Option<String>,
    /// How it is laid out; without it, as the name of the file says.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write into this new file instead of printing.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    redact: RedactFlag,
}

/// Whether names and numbers give way to labels.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct RedactFlag {
    /// Replace names, addresses, telephone numbers, dates of birth, account and other numbers by
    /// labels (Person A, Number B), in quotes, titles and paths, too. By rules, for English,
    /// German and some Chinese: a help and no proof, read the result before you give it away.
    #[arg(long)]
    redact: bool,
}

/// The layouts, as flags name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Markdown with footnotes.
    Md,
    /// One HTML file that needs nothing else.
    Html,
    /// Markdown of which pandoc makes a DOCX.
    DocxMd,
}

impl From<Format> for Layout {
    fn from(format: Format) -> Layout {
        match format {
            Format::Md => Layout::Markdown,
            Format::Html => Layout::Html,
            Format::DocxMd => Layout::Docx,
        }
    }
}

/// A line of `docent export --json` without a conversation.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    conversation: i64,
    first_question: Option<&'a str>,
    turns: usize,
    updated: i64,
}

/// The line of `docent export --json`.
#[derive(Debug, Serialize)]
struct Exported<'a> {
    conversation: i64,
    text: &'a str,
}

pub(super) fn run(app: &App, args: &Export) -> Result<Status> {
    let library = app.library()?;
    let collection = app.place(&library, args.place.as_deref())?;
    let kept = collection.conversations()?.list().map_err(Failure::user)?;
    let id = match (args.conversation, args.last) {
        (Some(id), _) => id,
        (None, true) => match kept.first() {
            Some(last) => last.id.0,
            None => return Err(none_kept(&collection)),
        },
        (None, false) => return list(app, &kept),
    };
    let report = conversation(&collection, id)?;
    let layout = match (args.format, &args.output) {
        (Some(format), _) => format.into(),
        (None, Some(file)) => report::layout_of(file),
        (None, None) => Layout::Markdown,
    };
    let text = args.redact.apply(app, report).to_text(layout);
    match &args.output {
        Some(file) => save(app, file, &text)?,
        None if app.output.json => app.output.json(&Exported {
            conversation: id,
            text: &text,
        })?,
        None => app.output.piece(&text)?,
    }
    Ok(Status::Done)
}

impl RedactFlag {
    /// Whether it was asked for.
    pub(super) fn is_set(self) -> bool {
        self.redact
    }

    /// The report as it may leave, with what was replaced told on stderr.
    pub(super) fn apply(self, app: &App, report: Report) -> Report {
        if !self.redact {
            return report;
        }
        let (report, counts) = report.redacted();
        app.output.note(format_args!(
            "Replaced: {}. Read the result: this is a help and no proof.",
            report::replaced(&counts)
        ));
        report
    }
}

/// Writes a report into a new file and tells so.
pub(super) fn save(app: &App, file: &Path, text: &str) -> Result<()> {
    report::write_new(file, text).map_err(|error| {
        Failure::user(format_args!(
            "{} cannot be written: {error}",
            file.display()
        ))
        .hint("Name a file that is not there yet; none is overwritten.")
    })?;
    app.output.note(format_args!("Written: {}", file.display()));
    Ok(())
}

fn none_kept(collection: &Collection) -> Failure {
    Failure::user(format_args!("no conversation is kept in {:?}", collection.name()))
        .hint("Conversations are kept by the terminal UI; `docent ask --export FILE` writes an answer down.")
}

/// A kept conversation as a report.
fn conversation(collection: &Collection, id: i64) -> Result<Report> {
    let store = collection.conversations()?;
    let found = store.load(ConversationId(id)).map_err(Failure::user)?;
    let Some(found) = found else {
        return Err(Failure::user(format_args!(
            "{:?} keeps no conversation {id}",
            collection.name()
        ))
        .hint("`docent export` lists those that there are."));
    };
    let mut exchanges = Vec::with_capacity(found.turns.len());
    for turn in found.turns {
        let stored = StoredAnswer::read(turn.answer).map_err(Failure::user)?;
        exchanges.push((turn.question, stored.answer));
    }
    let exchanges = exchanges.iter();
    Ok(report::of_exchanges(
        exchanges.map(|(question, answer)| (question.as_str(), answer)),
    ))
}

/// Lists the conversations that are kept, the latest first.
fn list(app: &App, kept: &[ConversationSummary]) -> Result<Status> {
    for one in kept {
        if app.output.json {
            app.output.json(&Listed {
                conversation: one.id.0,
                first_question: one.first_question.as_deref(),
                turns: one.turns,
                updated: one.updated_ns / 1_000_000_000,
            })?;
            continue;
        }
        let question = printable_line(one.first_question.as_deref().unwrap_or("–"));
        let turns = counted(one.turns as u64, "question");
        let turns = app.output.styled(Style::Dim, turns);
        app.output
            .line(format_args!("{:>5}  {question}  {turns}", one.id.0))?;
    }
    if kept.is_empty() {
        app.output.note("No conversation is kept.");
    }
    Ok(Status::look_at_if(kept.is_empty()))
}
