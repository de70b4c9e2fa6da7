//! `docent index`: collections are brought up to date.

use clap::Args;
use docent_engine::collection::{Collection, CollectionStatus};
use docent_engine::embedding::Vectors;
use docent_engine::indexer::{Again, IndexOptions, IndexReport};

use super::Status;
use crate::app::App;
use crate::failure::Result;
use crate::output::{counted, thousands};
use crate::progress::{duration, second_index};
use crate::refresh;

/// Bring collections up to date: read what is new or changed, forget what is gone.
///
/// Words are searchable before vectors are finished. It may be stopped or killed at any
/// instant: the next run goes on.
#[derive(Debug, Args)]
pub(crate) struct Index {
    /// A collection's name or a folder; all collections without it.
    #[arg(value_name = "WHERE")]
    place: Option<String>,
    /// Read every file again, changed or not.
    #[arg(long)]
    full: bool,
    /// Read again what was not read, or only in part: after installing OCR, with a password, or
    /// with higher limits.
    #[arg(long)]
    retry: bool,
    /// Try encrypted files with this password; may be given more than once.
    #[arg(long = "password", value_name = "PASSWORD")]
    passwords: Vec<String>,
    /// Stop when words are searchable; vectors are made by a later run.
    #[arg(long)]
    no_vectors: bool,
    /// Drop files although their whole folder is gone or empty now (an unplugged disk, say).
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    walk: super::WalkFlags,
}

pub(super) fn run(app: &App, args: &Index) -> Result<Status> {
    let mut settings = args.walk.settings(app)?;
    settings.extract.passwords.extend(args.passwords.clone());
    let library = app.library_with(settings)?;
    let collections = super::collections(&library, args.place.as_deref())?;
    if collections.is_empty() {
        app.output
            .note("There is no collection yet: `docent add NAME FOLDER` makes one.");
    }
    let mut look_at = false;
    for collection in collections {
        look_at |= one(app, &collection, args)? == Status::LookAt;
        if crate::interrupt::asked() {
            break;
        }
    }
    Ok(Status::look_at_if(look_at))
}

/// Indexes one collection and tells how that went.
fn one(app: &App, collection: &Collection, args: &Index) -> Result<Status> {
    let name = collection.name();
    let options = IndexOptions {
        again: match (args.full, args.retry) {
            (true, _) => Again::All,
            (false, true) => Again::Unread,
            (false, false) => Again::None,
        },
        prune: args.prune,
        vectors: match args.no_vectors {
            true => Vectors::None,
            false => Vectors::All,
        },
        watch: false,
    };
    let report = refresh::index(app, collection, options)?;
    let status = collection.status()?;
    if report.read_only {
        app.output.warning(format_args!(
            "{name} is left as it is: another docent is writing it. Wait until it is done, or stop it."
        ));
    }
    if report.interrupted {
        app.output.warning(format_args!(
            "{name} is not finished: you stopped it. What was read is kept; the next run goes on."
        ));
    }
    tell(app, &status, &report);
    if app.output.json {
        app.output.json(&super::status::Report::of(collection)?)?;
    }
    let look_at = report.read_only || report.interrupted || status.failed > 0;
    Ok(Status::look_at_if(look_at))
}

/// What was done, and where the collection stands now.
fn tell(app: &App, status: &CollectionStatus, report: &IndexReport) {
    let changes = [
        (report.added, "new"),
        (report.updated, "changed"),
        (report.moved, "moved"),
        (report.removed, "gone"),
    ];
    let changes: Vec<String> = changes
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", thousands(*count)))
        .collect();
    let changes = match changes.is_empty() {
        true => "nothing new".to_owned(),
        false => changes.join(", "),
    };
    app.output.note(format_args!(
        "{}: {changes}; {}, {} indexed, {} skipped, {} failed; {}, {} embedded now; {}",
        status.name,
        counted(status.seen, "file"),
        thousands(status.indexed + status.partial),
        thousands(status.skipped),
        thousands(status.failed),
        counted(status.chunks, "chunk"),
        thousands(report.embedded),
        duration(report.seconds),
    ));
    if let Some(second) = &report.second_index {
        app.output
            .note(format_args!("{}: {}.", status.name, second_index(second)));
    }
    if status.failed > 0 {
        app.output.note(format_args!(
            "`docent status \"{}\"` tells what failed and why.",
            status.name
        ));
    }
}
