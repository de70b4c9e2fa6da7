//! `docent extract`: files are read without being indexed, as the index would read them.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Args;
use docent_core::document::{Area, BlockKind, Format, Locator, Page};
use docent_extract::{Outcome, Pool};
use serde::Serialize;

use super::Status;
use crate::app::App;
use crate::failure::{Failure, Result};
use crate::output::Style;
use crate::printable::{printable, printable_line};

/// Read files without indexing them, and print their text.
///
/// Each is read in a process of its own with limits on time and memory, as `index` does.
#[derive(Debug, Args)]
pub(crate) struct Extract {
    /// The files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Try encrypted files with this password; may be given more than once.
    #[arg(long = "password", value_name = "PASSWORD")]
    passwords: Vec<String>,
}

/// A line of `docent extract --json`.
#[derive(Debug, Default, Serialize)]
struct Extracted {
    path: String,
    format: Option<Format>,
    status: &'static str,
    reason: Option<String>,
    help: Option<String>,
    title: Option<String>,
    properties: Vec<(String, String)>,
    /// The file's text, then the texts of the files inside it.
    text: String,
    blocks: Vec<Place>,
    lines: Vec<LinePlace>,
    pages: Vec<Page>,
    documents: Vec<Enclosed>,
    warnings: Vec<String>,
}

/// Where a stretch of the text, in bytes, comes from.
#[derive(Debug, Serialize)]
struct Place {
    start: usize,
    end: usize,
    #[serde(rename = "type")]
    kind: BlockKind,
    locator: Locator,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
}

/// Where a line of a page begins in the text, and its box on the page.
#[derive(Debug, Serialize)]
struct LinePlace {
    start: usize,
    area: Area,
}

/// A file inside the file, and its stretch of the text.
#[derive(Debug, Serialize)]
struct Enclosed {
    path: String,
    format: Option<Format>,
    status: &'static str,
    reason: Option<String>,
    help: Option<String>,
    start: usize,
    end: usize,
}

pub(super) fn run(app: &App, args: &Extract) -> Result<Status> {
    let mut settings = app.sound_settings()?.engine();
    settings.extract.passwords.extend(args.passwords.clone());
    settings.extract.workers = 1;
    let pool = Pool::new(settings.workers(app.worker_command()?));
    let mut look_at = false;
    for file in &args.files {
        if crate::interrupt::asked() {
            return Ok(Status::LookAt);
        }
        let extracted = extract(&pool, file)?;
        look_at |= extracted.status != "ok";
        if app.output.json {
            app.output.json(&extracted)?;
        } else {
            show(app, &extracted, args.files.len() > 1)?;
        }
    }
    Ok(Status::look_at_if(look_at))
}

/// Reads one file; what is wrong with it is part of the result.
fn extract(pool: &Pool, file: &Path) -> Result<Extracted> {
    let mut extracted = Extracted {
        path: file.to_string_lossy().into_owned(),
        ..Extracted::default()
    };
    let opened = match open(file) {
        Ok(opened) => opened,
        Err(reason) => {
            (extracted.status, extracted.reason) = ("failed", Some(reason));
            return Ok(extracted);
        }
    };
    let extraction = pool
        .extract(&opened, &extracted.path)
        .map_err(Failure::user)?;
    if let Outcome::Read(document) = &extraction.outcome {
        extracted.title = document.title.clone();
        extracted.properties = document.properties.clone();
        extracted.pages = document.pages.clone();
    }
    let own = extracted.take(extraction.outcome);
    extracted.format = own.format;
    (extracted.status, extracted.reason, extracted.help) = (own.status, own.reason, own.help);
    for inner in extraction.inner {
        let heading = format!("── {} ──\n", inner.path);
        if !extracted.text.is_empty() {
            extracted.text.push_str("\n\n");
        }
        extracted.text.push_str(&heading);
        let enclosed = extracted.take(inner.outcome);
        if let Some(reason) = &enclosed.reason {
            let state = enclosed.status;
            let warning = format!("{}: {state}: {reason}", inner.path);
            extracted.warnings.push(warning);
        }
        extracted.documents.push(Enclosed {
            path: inner.path,
            ..enclosed
        });
    }
    Ok(extracted)
}

/// Opens a file, and nothing that could keep a reader waiting for ever.
fn open(file: &Path) -> std::result::Result<File, String> {
    let metadata = std::fs::metadata(file).map_err(|error| format!("cannot be opened: {error}"))?;
    if !metadata.is_file() {
        return Err("it is no file".to_owned());
    }
    File::open(file).map_err(|error| format!("cannot be opened: {error}"))
}

impl Extracted {
    /// Puts what was read of one file behind the text so far; how it stands, and where it is.
    fn take(&mut self, outcome: Outcome) -> Enclosed {
        let offset = self.text.len();
        let mut enclosed = Enclosed {
            path: String::new(),
            format: None,
            status: "ok",
            reason: None,
            help: None,
            start: offset,
            end: offset,
        };
        let gap = match outcome {
            Outcome::Failed(gap) | Outcome::Skipped(gap) => {
                enclosed.status = "failed";
                Some(gap)
            }
            Outcome::Read(document) => {
                enclosed.format = Some(document.format);
                self.text.push_str(&document.text);
                enclosed.end = self.text.len();
                self.blocks
                    .extend(document.blocks.into_iter().map(|block| Place {
                        start: offset + block.span.start,
                        end: offset + block.span.end,
                        kind: block.kind,
                        locator: block.locator,
                        hidden: block.hidden,
                    }));
                self.lines
                    .extend(document.lines.iter().map(|line| LinePlace {
                        start: offset + line.start,
                        area: line.area,
                    }));
                self.warnings.extend(document.warnings);
                if document.incomplete.is_some() {
                    enclosed.status = "partial";
                }
                document.incomplete
            }
        };
        (enclosed.reason, enclosed.help) = match gap {
            Some(gap) => (Some(gap.reason), gap.help),
            None => (None, None),
        };
        enclosed
    }
}

/// Prints the text; what is wrong goes to stderr.
fn show(app: &App, extracted: &Extracted, is_one_of_many: bool) -> Result<()> {
    let path = printable_line(&extracted.path);
    if let Some(reason) = &extracted.reason {
        let help = extracted.help.iter().map(|help| format!("; {help}"));
        let reason = printable_line(
            &std::iter::once(reason.clone())
                .chain(help)
                .collect::<String>(),
        );
        app.output
            .warning(format_args!("{path}: {}: {reason}", extracted.status));
    }
    for warning in &extracted.warnings {
        app.output
            .note(format_args!("{path}: {}", printable_line(warning)));
    }
    if extracted.text.is_empty() {
        return Ok(());
    }
    if is_one_of_many {
        app.output.line(
            app.output
                .styled(Style::Place, format_args!("── {path} ──")),
        )?;
    }
    let text = printable(&extracted.text);
    app.output.line(text.trim_end_matches('\n'))?;
    Ok(())
}
