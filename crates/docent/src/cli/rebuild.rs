//! `docent rebuild`: everything that is derived from the catalog is made again.

use clap::Args;
use docent_engine::indexer::IndexOptions;

use super::Status;
use crate::app::App;
use crate::failure::Result;
use crate::refresh;

/// Make a collection's full-text index and vectors again from its catalog.
///
/// No file is read for it. Use it when `doctor` says so, or after deleting either by hand.
#[derive(Debug, Args)]
pub(crate) struct Rebuild {
    /// The collection's name.
    name: String,
}

pub(super) fn run(app: &App, args: &Rebuild) -> Result<Status> {
    let library = app.library()?;
    let collection = library.collection(&args.name)?;
    collection.rebuild()?;
    let report = refresh::index(app, &collection, IndexOptions::default())?;
    let partly = report.interrupted || report.read_only;
    app.output.note(match partly {
        true => format!(
            "{} is rebuilt for words; the next `docent index` goes on with the vectors.",
            args.name
        ),
        false => format!("{} is rebuilt.", args.name),
    });
    Ok(Status::look_at_if(partly))
}
