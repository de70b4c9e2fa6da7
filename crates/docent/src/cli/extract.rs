//! `docent extract`: files are read without being indexed, as the index would read them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use docent_core::document::{Document, Format, Locator};
use docent_extract::{Outcome, Pool, PoolOptions};
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
}

/// A line of `docent extract --json`.
#[derive(Debug, Default, Serialize)]
struct Extracted {
    path: String,
    format: Option<Format>,
    status: &'static str,
    reason: Option<String>,
    text: String,
    blocks: Vec<Place>,
    warnings: Vec<String>,
}

/// Where a stretch of the text, in bytes, comes from.
#[derive(Debug, Serialize)]
struct Place {
    start: usize,
    end: usize,
    locator: Locator,
}

pub(super) fn run(app: &App, args: &Extract) -> Result<Status> {
    let settings = app.sound_settings()?.engine();
    let mut options = PoolOptions::new(app.worker_command()?, 1);
    options.timeout = Duration::from_secs(settings.extract.timeout_seconds);
    options.memory_bytes = settings.extract.memory_bytes;
    options.max_file_bytes = settings.walk.max_file_bytes;
    let pool = Pool::new(options);
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
    let path = file.to_string_lossy().into_owned();
    let opened = match open(file) {
        Ok(opened) => opened,
        Err(reason) => return Ok(Extracted::failed(path, reason)),
    };
    let extraction = pool.extract(&opened, &path).map_err(Failure::user)?;
    Ok(match extraction.outcome {
        Outcome::Read(document) => Extracted::read(path, document),
        Outcome::Failed { reason } | Outcome::Skipped { reason } => Extracted::failed(path, reason),
    })
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
    fn failed(path: String, reason: String) -> Extracted {
        Extracted {
            path,
            status: "failed",
            reason: Some(reason),
            ..Extracted::default()
        }
    }

    fn read(path: String, document: Document) -> Extracted {
        let blocks = document.blocks.iter().map(|block| Place {
            start: block.span.start,
            end: block.span.end,
            locator: block.locator,
        });
        Extracted {
            path,
            format: Some(document.format),
            status: match document.incomplete {
                Some(_) => "partial",
                None => "ok",
            },
            reason: document.incomplete,
            blocks: blocks.collect(),
            text: document.text,
            warnings: document.warnings,
        }
    }
}

/// Prints the text; what is wrong goes to stderr.
fn show(app: &App, extracted: &Extracted, is_one_of_many: bool) -> Result<()> {
    let path = printable_line(&extracted.path);
    if let Some(reason) = &extracted.reason {
        let reason = printable_line(reason);
        app.output
            .warning(format_args!("{path}: {}: {reason}", extracted.status));
    }
    for warning in &extracted.warnings {
        app.output
            .note(format_args!("{path}: {}", printable_line(warning)));
    }
    if extracted.status == "failed" {
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
