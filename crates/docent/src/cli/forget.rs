//! `docent forget`: a file or folder is dropped from the index and not read again.

use std::path::Path;

use clap::Args;
use docent_engine::error::EngineError;

use super::Status;
use crate::app::App;
use crate::failure::{Failure, Result};
use crate::output::counted;

/// Drop a file or folder from the index, and do not read it again.
///
/// Your file stays. `docent status` lists it as skipped; `docent index --full` reads it again.
#[derive(Debug, Args)]
pub(crate) struct Forget {
    /// The file or folder.
    path: String,
    /// Where to forget it: a collection's name or a folder of it; all collections without it.
    #[arg(long = "in", value_name = "WHERE")]
    place: Option<String>,
}

pub(super) fn run(app: &App, args: &Forget) -> Result<Status> {
    let library = app.library()?;
    let names = app.named_or_all(&library, args.place.as_deref())?;
    let mut forgotten = 0;
    for name in names {
        let dropped = match library.collection(&name)?.forget(Path::new(&args.path)) {
            Err(EngineError::UnknownPath { .. }) => continue,
            dropped => dropped?,
        };
        let files = counted(dropped as u64, "file");
        app.output.note(format_args!(
            "{name}: {files} forgotten; `docent index --full` would read it again"
        ));
        forgotten += dropped;
    }
    if forgotten == 0 {
        return Err(
            Failure::user(format_args!("no collection holds {}", args.path))
                .hint("Give the path as `docent search` shows it, or its full path."),
        );
    }
    if app.output.json {
        app.output
            .json(&serde_json::json!({"path": args.path, "forgotten": forgotten}))?;
    }
    Ok(Status::Done)
}
