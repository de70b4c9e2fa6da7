//! `docent status`: what is indexed, what is not, and why.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use docent_core::source::Gap;
use docent_engine::collection::{Collection, CollectionStatus, Problem, Uncovered};
use docent_engine::embedding::SecondIndex;
use serde::Serialize;

use super::Status as ExitStatus;
use crate::app::App;
use crate::failure::Result;
use crate::output::{Style, bytes, counted, thousands};
use crate::printable::printable_line;
use crate::progress::second_index;

/// Problems with one reason that are listed to a person before the rest is only counted.
const LISTED_PER_REASON: usize = 10;

/// Tell what is indexed, what failed or was skipped, and why.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// A collection's name or a folder of it; all collections without it.
    #[arg(value_name = "WHERE")]
    place: Option<String>,
    /// List every file that was not read, however many there are.
    #[arg(long)]
    all: bool,
    /// List every file and page that was not read, or read badly, with the reason and what
    /// would help.
    #[arg(long, conflicts_with = "all")]
    coverage: bool,
}

/// A line of `docent status --json`.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    collection: String,
    roots: Vec<PathBuf>,
    seen: u64,
    indexed: u64,
    partial: Vec<Looked>,
    failed: Vec<Looked>,
    skipped: Vec<Looked>,
    chunks: u64,
    chunks_embedded: u64,
    bytes_on_disk: u64,
    models: Models,
    second_index: Option<SecondIndex>,
    revision: u64,
    pending: u64,
    updated: Option<i64>,
}

/// The models that made what is stored; the generator makes nothing that is.
#[derive(Debug, Serialize)]
struct Models {
    embedder: Option<String>,
}

/// A file to be looked at.
#[derive(Debug, Serialize)]
struct Looked {
    root: PathBuf,
    path: String,
    #[serde(flatten)]
    gap: Gap,
}

/// A line of `docent status --coverage --json`.
#[derive(Debug, Serialize)]
struct Coverage {
    collection: String,
    seen: u64,
    indexed: u64,
    uncovered: Vec<Uncovered>,
}

impl Report {
    /// Where the collection stands.
    ///
    /// # Errors
    /// When its catalog cannot be read.
    pub(super) fn of(collection: &Collection) -> Result<Report> {
        let status = collection.status()?;
        let problems = collection.problems(usize::MAX)?;
        Ok(Report::new(status, problems))
    }

    fn new(status: CollectionStatus, problems: Vec<Problem>) -> Report {
        let mut by_state: BTreeMap<String, Vec<Looked>> = BTreeMap::new();
        for problem in problems {
            by_state.entry(problem.state).or_default().push(Looked {
                root: problem.root,
                path: problem.path,
                gap: problem.gap,
            });
        }
        let mut take = |state: &str| by_state.remove(state).unwrap_or_default();
        Report {
            partial: take("partial"),
            failed: take("failed"),
            skipped: take("skipped"),
            collection: status.name,
            roots: status.roots,
            seen: status.seen,
            indexed: status.indexed,
            chunks: status.chunks,
            chunks_embedded: status.chunks_embedded,
            bytes_on_disk: status.bytes_on_disk,
            models: Models {
                embedder: status.embedder,
            },
            second_index: status.second_index,
            revision: status.revision,
            pending: status.pending,
            updated: status.updated,
        }
    }
}

pub(super) fn run(app: &App, args: &Status) -> Result<ExitStatus> {
    let library = app.library()?;
    let names = app.named_or_all(&library, args.place.as_deref())?;
    if names.is_empty() {
        app.output
            .note("There is no collection yet: `docent add NAME FOLDER` makes one.");
    }
    let mut unreadable = false;
    for name in names {
        let told = library
            .collection(&name)
            .map_err(Into::into)
            .and_then(|collection| look(&collection, args));
        match told {
            Ok(told) => told.tell(app, args)?,
            Err(failure) => {
                unreadable = true;
                app.output.warning(format_args!("{name}: {failure}"));
            }
        }
    }
    Ok(ExitStatus::look_at_if(unreadable))
}

/// What is told of one collection.
enum Told {
    Report(Report),
    Coverage(Coverage),
}

/// Looks at one collection, as was asked for.
fn look(collection: &Collection, args: &Status) -> Result<Told> {
    if !args.coverage {
        return Ok(Told::Report(Report::of(collection)?));
    }
    let status = collection.status()?;
    Ok(Told::Coverage(Coverage {
        collection: status.name,
        seen: status.seen,
        indexed: status.indexed,
        uncovered: collection.coverage()?,
    }))
}

impl Told {
    fn tell(&self, app: &App, args: &Status) -> Result<()> {
        match (self, app.output.json) {
            (Told::Report(report), true) => Ok(app.output.json(report)?),
            (Told::Report(report), false) => show(app, report, args.all),
            (Told::Coverage(coverage), true) => Ok(app.output.json(coverage)?),
            (Told::Coverage(coverage), false) => show_coverage(app, coverage),
        }
    }
}

/// Prints a table: the file and its pages, how they stand, why, and what would help.
fn show_coverage(app: &App, coverage: &Coverage) -> Result<()> {
    let out = &app.output;
    out.line(format_args!(
        "{}: {} of {} read whole; {} to look at",
        out.styled(Style::Bold, &coverage.collection),
        thousands(coverage.indexed),
        counted(coverage.seen, "file"),
        thousands(coverage.uncovered.len() as u64),
    ))?;
    for row in &coverage.uncovered {
        let style = match row.state.as_str() {
            "failed" | "unreadable" => Style::Bad,
            "partial" | "repaired" | "ocr" => Style::Warning,
            _ => Style::Dim,
        };
        out.line(format_args!(
            "{}  {}",
            out.styled(style, format_args!("{:<10}", row.state)),
            printable_line(&row.place())
        ))?;
        out.line(format_args!(
            "            {}",
            printable_line(&row.gap.reason)
        ))?;
        if let Some(help) = &row.gap.help {
            out.line(format_args!("            → {}", printable_line(help)))?;
        }
    }
    Ok(())
}

/// Prints a report for a person.
fn show(app: &App, report: &Report, all: bool) -> Result<()> {
    let out = &app.output;
    out.line(out.styled(Style::Bold, &report.collection))?;
    for root in &report.roots {
        let missing = if root.is_dir() {
            ""
        } else {
            "  (not there now)"
        };
        let root = printable_line(&root.to_string_lossy());
        out.line(format_args!("  folder    {root}{missing}"))?;
    }
    out.line(format_args!(
        "  files     {} seen, {} indexed, {} in part, {} failed, {} skipped",
        thousands(report.seen),
        thousands(report.indexed),
        report.partial.len(),
        report.failed.len(),
        report.skipped.len(),
    ))?;
    out.line(format_args!(
        "  chunks    {}, {} with a vector",
        thousands(report.chunks),
        thousands(report.chunks_embedded),
    ))?;
    out.line(format_args!(
        "  pending   {}",
        match report.pending {
            0 => "nothing".to_owned(),
            chunks => counted(chunks, "vector"),
        }
    ))?;
    out.line(format_args!("  on disk   {}", bytes(report.bytes_on_disk)))?;
    out.line(format_args!("  revision  {}", report.revision))?;
    let embedder = report.models.embedder.as_deref().unwrap_or("none yet");
    out.line(format_args!("  embedder  {embedder}"))?;
    if let Some(second) = &report.second_index {
        out.line(format_args!("  meanwhile {}", second_index(second)))?;
    }
    let limit = if all { usize::MAX } else { LISTED_PER_REASON };
    list(app, "failed", Style::Bad, &report.failed, limit)?;
    list(app, "in part", Style::Warning, &report.partial, limit)?;
    list(app, "skipped", Style::Dim, &report.skipped, limit)
}

/// Lists files under their reasons, the commonest reason first.
fn list(app: &App, word: &str, style: Style, files: &[Looked], limit: usize) -> Result<()> {
    let mut by_reason: BTreeMap<String, Vec<&Looked>> = BTreeMap::new();
    for file in files {
        by_reason
            .entry(file.gap.to_string())
            .or_default()
            .push(file);
    }
    let mut reasons: Vec<_> = by_reason.into_iter().collect();
    reasons.sort_by_key(|(_, files)| std::cmp::Reverse(files.len()));
    for (reason, files) in reasons {
        app.output.line(format_args!(
            "  {}: {} ({})",
            app.output.styled(style, word),
            printable_line(&reason),
            counted(files.len() as u64, "file")
        ))?;
        for file in files.iter().take(limit) {
            app.output
                .line(format_args!("    {}", printable_line(&file.path)))?;
        }
        if files.len() > limit {
            let rest = thousands((files.len() - limit) as u64);
            app.output
                .line(format_args!("    … and {rest} more (--all lists them)"))?;
        }
    }
    Ok(())
}
