//! `docent summarize`: what a document, a folder or a codebase says, quoted.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use docent_core::model::Generator;
use docent_engine::collection::Collection;
use docent_engine::embedding::Vectors;
use docent_engine::error::EngineError;
use docent_engine::library::Library;
use docent_engine::summarize::{Length, Line, Summary, SummaryEvent, SummaryRequest};
use docent_extract::Outcome;
use serde::Serialize;

use super::{Status, WalkFlags};
use crate::app::App;
use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::output::{Style, counted};
use crate::printable::{printable, printable_line};
use crate::progress::ProgressLine;
use crate::refresh::refresh;

/// Files named in the line about what was not read.
const GAPS_NAMED: usize = 3;

/// Say what a document, a folder or a codebase says, in its own words.
///
/// Every section is read. What is told are the sentences that say most, quoted, each with its
/// place; a folder is told by its subfolders or by topic, a codebase by its purpose, entry
/// points, modules and imports. What is found out is kept, so that a run that was stopped goes
/// on, and that only what changed is done again. With a model of yours (--model, or in the
/// settings) its own words come first, as far as the quotes support them.
#[derive(Debug, Args)]
pub(crate) struct Summarize {
    /// A file, a folder, or a collection's name; without it, the only collection.
    #[arg(value_name = "PATH|WHERE")]
    what: Option<String>,
    /// Look for the path in this collection: a name or a folder.
    #[arg(long = "in", value_name = "WHERE")]
    place: Option<String>,
    /// How much to tell: 5, 12 or 30 sentences.
    #[arg(long, value_enum, default_value_t = LengthWord::Medium, value_name = "LENGTH")]
    length: LengthWord,
    /// Tell so many sentences.
    #[arg(long, value_name = "N", conflicts_with = "length", value_parser = clap::value_parser!(u16).range(1..=500))]
    sentences: Option<u16>,
    /// Quotes alone, without a model.
    #[arg(long)]
    no_model: bool,
    /// Summarise what is indexed, without looking for changes first.
    #[arg(long)]
    no_index: bool,
    #[command(flatten)]
    walk: WalkFlags,
}

/// How much to tell, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LengthWord {
    Short,
    Medium,
    Long,
}

impl Summarize {
    fn length(&self) -> Length {
        match (self.sentences, self.length) {
            (Some(count), _) => Length::Sentences(count.into()),
            (None, LengthWord::Short) => Length::Short,
            (None, LengthWord::Medium) => Length::Medium,
            (None, LengthWord::Long) => Length::Long,
        }
    }
}

/// The line of `docent summarize --json`.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    text: String,
}

/// What is to be summarised.
enum Target {
    /// A collection, or a path in it.
    Indexed(Collection, Option<String>),
    /// A file that no collection holds.
    Lone(PathBuf),
}

pub(super) fn run(app: &App, args: &Summarize) -> Result<Status> {
    let library = args.walk.library(app)?;
    // The starter adds nothing to the quotes that helps: it takes a model of the person's own.
    let has_own = app.settings.models.generator.is_some();
    let loading = (has_own && !args.no_model).then(|| app.load_generator());
    let target = target(app, &library, args)?;
    if let Target::Indexed(collection, _) = &target
        && !args.no_index
    {
        refresh(app, collection, Vectors::None);
    }
    let generator = loading.map(|loading| loading.wait_and_tell(app));
    let generator = generator.transpose()?;
    let line = ProgressLine::new(&app.output, "summary");
    let mut hear = |event: SummaryEvent| {
        show(&line, &event);
        match interrupt::asked() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let summary = summarize(
        &library,
        &target,
        generator.as_deref(),
        args.length(),
        &mut hear,
    )?;
    line.clear();
    let Some(summary) = summary else {
        app.output
            .note("Stopped. What was found out is kept: the same command goes on.");
        return Ok(Status::LookAt);
    };
    if app.output.json {
        let text = summary.to_text();
        app.output.json(&Told {
            summary: &summary,
            text,
        })?;
    } else {
        tell(app, &summary)?;
    }
    Ok(Status::look_at_if(summary.coverage.documents == 0))
}

fn summarize(
    library: &Library,
    target: &Target,
    generator: Option<&dyn Generator>,
    length: Length,
    hear: &mut dyn FnMut(SummaryEvent) -> ControlFlow<()>,
) -> Result<Option<Summary>> {
    match target {
        Target::Lone(file) => lone(library, file, generator, length, hear),
        Target::Indexed(collection, path) => {
            let request = SummaryRequest {
                path: path.clone(),
                length,
            };
            match collection.summarize(generator, &request, hear) {
                // It lies in the collection's folder, and an ignore file keeps it out.
                Err(EngineError::UnknownPath { .. }) if path.as_deref().is_some_and(is_file) => {
                    let file = PathBuf::from(path.as_deref().unwrap_or_default());
                    lone(library, &file, generator, length, hear)
                }
                made => Ok(made?),
            }
        }
    }
}

fn is_file(path: &str) -> bool {
    Path::new(path).is_file()
}

/// Summarises a file that is in no collection, and keeps nothing.
fn lone(
    library: &Library,
    file: &Path,
    generator: Option<&dyn Generator>,
    length: Length,
    hear: &mut dyn FnMut(SummaryEvent) -> ControlFlow<()>,
) -> Result<Option<Summary>> {
    let path = file.to_string_lossy();
    let bad = |reason: &dyn std::fmt::Display| {
        Failure::user(format_args!("{path} cannot be read: {reason}"))
    };
    let opened = File::open(file).map_err(|error| bad(&error))?;
    let extraction = library
        .pool()
        .extract(&opened, &path)
        .map_err(Failure::user)?;
    match extraction.outcome {
        Outcome::Read(document) => {
            Ok(library.summarize_document(generator, &document, &path, length, hear)?)
        }
        Outcome::Failed(gap) | Outcome::Skipped(gap) => Err(bad(&gap)),
    }
}

/// What the arguments mean: a collection's name first, then what lies on disk, then a path in
/// the collection that is meant without one.
fn target(app: &App, library: &Library, args: &Summarize) -> Result<Target> {
    let Some(what) = &args.what else {
        return Ok(Target::Indexed(
            app.place(library, args.place.as_deref())?,
            None,
        ));
    };
    if let Some(place) = &args.place {
        return Ok(Target::Indexed(library.resolve(place)?, Some(what.clone())));
    }
    let is_name = library
        .names()?
        .iter()
        .any(|name| name.to_lowercase() == what.to_lowercase());
    if is_name {
        return Ok(Target::Indexed(library.collection(what)?, None));
    }
    let Ok(full) = Path::new(what).canonicalize() else {
        return Ok(Target::Indexed(
            app.place(library, None)?,
            Some(what.clone()),
        ));
    };
    match app.around(library, &full)? {
        Some(collection) => Ok(Target::Indexed(
            collection,
            Some(full.to_string_lossy().into_owned()),
        )),
        None if full.is_dir() => Ok(Target::Indexed(library.resolve(what)?, None)),
        None => Ok(Target::Lone(PathBuf::from(what))),
    }
}

fn show(line: &ProgressLine, event: &SummaryEvent) {
    match event {
        SummaryEvent::Reading {
            sections,
            sections_total: Some(total),
            ..
        } => {
            line.show_part("sections", *sections, *total);
        }
        SummaryEvent::Reading {
            documents,
            documents_total,
            ..
        } => {
            line.show_part("documents", *documents, *documents_total);
        }
        SummaryEvent::Writing => line.show_part("model", 0, 0),
    }
}

/// The summary for people: title, lines, parts, then the places and what was read.
fn tell(app: &App, summary: &Summary) -> Result<()> {
    let output = &app.output;
    output.line(output.styled(Style::Bold, printable_line(&summary.title)))?;
    tell_lines(app, &summary.lines)?;
    for part in &summary.parts {
        output.line("")?;
        output.line(output.styled(Style::Bold, printable_line(&part.heading)))?;
        tell_lines(app, &part.lines)?;
    }
    output.line("")?;
    output.sources(&summary.citations)?;
    let coverage = printable(&summary.coverage.to_text(GAPS_NAMED)).into_owned();
    output.line(output.styled(Style::Dim, coverage))?;
    if summary.left_out > 0 {
        output.note(format_args!(
            "left out {} of the model's, which no quote supports",
            counted(summary.left_out as u64, "sentence")
        ));
    }
    Ok(())
}

fn tell_lines(app: &App, lines: &[Line]) -> Result<()> {
    for line in lines {
        let text = printable_line(&line.to_text());
        match line {
            Line::Fact { .. } => app.output.line(app.output.styled(Style::Dim, text))?,
            Line::Quote { .. } | Line::Written { .. } => {
                app.output.line(format_args!("  {text}"))?
            }
        }
    }
    Ok(())
}
