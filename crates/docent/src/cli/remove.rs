//! `docent remove`: a collection's index is deleted; the person's files stay.

use clap::Args;

use super::Status;
use crate::app::App;
use crate::failure::Result;

/// Delete a collection: what docent keeps of it, never your files.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The collection's name.
    name: String,
}

pub(super) fn run(app: &App, args: &Remove) -> Result<Status> {
    app.library()?.remove(&args.name)?;
    app.output.note(format_args!(
        "{} is removed; your files are as they were.",
        args.name
    ));
    Ok(Status::Done)
}
