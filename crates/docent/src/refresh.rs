//! Bringing a collection up to date, with progress for a person.

use std::time::Duration;

use docent_engine::collection::Collection;
use docent_engine::embedding::Vectors;
use docent_engine::error::EngineError;
use docent_engine::indexer::{IndexOptions, IndexReport, Indexer};

use crate::app::App;
use crate::interrupt;
use crate::progress::{ProgressLine, second_index};

/// How often an indexer is asked where it stands.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Brings a collection up to date before it is searched, with some of its vectors.
///
/// Another docent that writes it, a home that cannot be written, Ctrl-C: all of that is told
/// and no more, because what is there can be searched.
pub(crate) fn refresh(app: &App, collection: &Collection, vectors: Vectors) {
    let options = IndexOptions {
        vectors,
        ..IndexOptions::default()
    };
    let why = match index(app, collection, options) {
        Ok(report) if report.read_only => "another docent is writing it".to_owned(),
        Ok(report) if report.interrupted => "you stopped it".to_owned(),
        Ok(report) => {
            if let Some(second) = &report.second_index {
                let name = collection.name();
                app.output.note(format_args!(
                    "{name}: {}. `docent index \"{name}\"` goes on with it.",
                    second_index(second)
                ));
            }
            return;
        }
        Err(error) => error.to_string(),
    };
    app.output.warning(format_args!(
        "{} may not be up to date: {why}. Searching what is there.",
        collection.name()
    ));
}

/// Brings a collection up to date, and tells warnings.
///
/// # Errors
/// What ended the indexer.
pub(crate) fn index(
    app: &App,
    collection: &Collection,
    options: IndexOptions,
) -> Result<IndexReport, EngineError> {
    let indexer = collection.indexer(options)?;
    let line = ProgressLine::new(&app.output, collection.name());
    follow(&indexer, &line);
    let report = indexer.wait();
    line.clear();
    let report = report?;
    for warning in &report.warnings {
        app.output
            .warning(format_args!("{}: {warning}", collection.name()));
    }
    tracing::info!(
        added = report.added,
        updated = report.updated,
        moved = report.moved,
        removed = report.removed,
        failed = report.failed,
        embedded = report.embedded,
        seconds = report.seconds,
        "indexed"
    );
    Ok(report)
}

/// Shows the indexer's progress until it has ended, and stops it when a person asks.
fn follow(indexer: &Indexer, line: &ProgressLine) {
    while !indexer.is_finished() {
        if interrupt::asked() {
            indexer.stop();
        }
        line.show(&indexer.progress());
        std::thread::sleep(LOOK_EVERY);
    }
}
