//! `docent watch`: collections are kept up to date until Ctrl-C.

use std::time::Duration;

use clap::Args;
use docent_engine::event::{Phase, Progress};
use docent_engine::indexer::{IndexOptions, Indexer};

use super::Status;
use crate::app::App;
use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::progress::{ProgressLine, describe};

/// How often the indexers are asked where they stand.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Keep collections up to date until Ctrl-C.
///
/// What is created, changed, renamed, moved or deleted is picked up within two seconds after
/// it settles.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// A collection's name or a folder; all collections without it.
    #[arg(value_name = "WHERE")]
    place: Option<String>,
    #[command(flatten)]
    walk: super::WalkFlags,
}

/// A collection that is watched.
struct Watched {
    name: String,
    indexer: Indexer,
    line: ProgressLine,
    told: Option<Phase>,
}

pub(super) fn run(app: &App, args: &Watch) -> Result<Status> {
    let library = args.walk.library(app)?;
    let collections = super::collections(&library, args.place.as_deref())?;
    if collections.is_empty() {
        return Err(Failure::user("there is no collection to watch")
            .hint("Name a folder, or make a collection with `docent add NAME FOLDER`."));
    }
    let mut watched = Vec::new();
    for collection in collections {
        watched.push(Watched {
            indexer: collection.indexer(IndexOptions {
                watch: true,
                ..IndexOptions::default()
            })?,
            line: ProgressLine::new(&app.output, collection.name()),
            name: collection.name().to_owned(),
            told: None,
        });
    }
    let mut running = true;
    while running && !interrupt::asked() {
        running = false;
        for one in &mut watched {
            running |= !one.indexer.is_finished();
            tell(app, one, &one.indexer.progress())?;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    finish(app, watched)
}

/// Draws progress, and tells a change of phase where nothing is drawn.
fn tell(app: &App, one: &mut Watched, progress: &Progress) -> Result<()> {
    one.line.show(progress);
    if one.told == Some(progress.phase) {
        return Ok(());
    }
    one.told = Some(progress.phase);
    if app.output.json {
        app.output.json(&serde_json::json!({
            "collection": one.name,
            "progress": progress,
        }))?;
    }
    if !app.output.draws_progress() {
        app.output
            .note(format_args!("{}: {}", one.name, describe(progress)));
    }
    Ok(())
}

/// Stops the indexers and tells what is to be looked at.
fn finish(app: &App, watched: Vec<Watched>) -> Result<Status> {
    let mut look_at = false;
    for one in &watched {
        one.indexer.stop();
    }
    for one in watched {
        let ended = one.indexer.wait();
        one.line.clear();
        let why = match ended {
            Ok(report) if report.read_only => "another docent is writing it".to_owned(),
            Ok(_) => continue,
            Err(error) => error.to_string(),
        };
        look_at = true;
        app.output
            .warning(format_args!("{} was not watched: {why}", one.name));
    }
    Ok(Status::look_at_if(look_at))
}
