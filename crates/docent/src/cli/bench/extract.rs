//! `docent bench extract`: how fast files are read, by format.

use std::path::{Path, PathBuf};

use clap::Args;
use docent_extract::{Bench, bench};

use crate::app::App;
use crate::cli::Status;
use crate::failure::{Failure, Result};
use crate::output::{bytes, counted};

/// Measure how fast the files of a folder are read.
#[derive(Debug, Args)]
pub(crate) struct Extract {
    /// The folder; files in folders below it count.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Processes that read at the same time; 0 is one for each core.
    #[arg(long, value_name = "N", default_value_t = 0)]
    workers: usize,
}

pub(super) fn run(app: &App, args: &Extract) -> Result<Status> {
    let mut settings = app.sound_settings()?.engine();
    settings.extract.workers = args.workers;
    let mut files = Vec::new();
    list(&args.folder, &mut files)?;
    files.sort_unstable();
    let report = bench(&files, settings.workers(app.worker_command()?)).map_err(Failure::user)?;
    match app.output.json {
        true => app.output.json(&report)?,
        false => show(app, &report)?,
    }
    Ok(Status::Done)
}

/// Every regular file below a folder.
fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let cannot = |error: std::io::Error| {
        Failure::user(format_args!(
            "{} cannot be listed: {error}",
            folder.display()
        ))
        .hint("Name a folder that is there and may be read.")
    };
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let kind = entry.file_type().map_err(cannot)?;
        if kind.is_dir() {
            list(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn show(app: &App, report: &Bench) -> Result<()> {
    let out = &app.output;
    out.line(format_args!(
        "{:<12}{:>8}{:>8}{:>10}{:>14}{:>14}",
        "format", "files", "failed", "pages", "pages/s", "MB/s"
    ))?;
    for format in &report.formats {
        out.line(format_args!(
            "{:<12}{:>8}{:>8}{:>10}{:>14.1}{:>14.2}",
            format.format,
            format.files,
            format.failed,
            format.pages,
            format.pages_per_second,
            format.megabytes_per_second
        ))?;
    }
    out.line(format_args!(
        "{:.1} s by {}; rates are those of one",
        report.seconds,
        counted(report.workers as u64, "worker")
    ))?;
    if let Some(peak) = report.peak_worker_bytes {
        out.line(format_args!(
            "memory of the largest worker: {}",
            bytes(peak)
        ))?;
    }
    Ok(())
}
