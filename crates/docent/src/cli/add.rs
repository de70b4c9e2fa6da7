//! `docent add`: a collection is made, or gets more folders.

use std::path::PathBuf;

use clap::Args;

use super::Status;
use crate::app::App;
use crate::failure::Result;

/// Make a collection of folders, or add folders to one.
///
/// The folders are read by the next `index`, `search` or `ask`. docent never writes to them.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The collection's name: letters, digits, blanks, dots, dashes.
    name: String,
    /// Folders to read.
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
}

pub(super) fn run(app: &App, args: &Add) -> Result<Status> {
    let library = app.library()?;
    let collection = library.create(&args.name, &args.folders)?;
    let name = collection.name();
    app.output.note(format_args!(
        "{name} is there. `docent index \"{name}\"` reads it now; the first search or question \
         does, too."
    ));
    Ok(Status::Done)
}
