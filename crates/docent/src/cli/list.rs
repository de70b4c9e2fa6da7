//! `docent list`: the collections and their folders.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::Status;
use crate::app::App;
use crate::failure::Result;
use crate::output::Style;
use crate::printable::printable_line;

/// List collections and their folders.
#[derive(Debug, Args)]
pub(crate) struct List {}

/// A line of `docent list --json`.
#[derive(Debug, Serialize)]
struct Listed {
    collection: String,
    roots: Vec<PathBuf>,
}

pub(super) fn run(app: &App, _args: &List) -> Result<Status> {
    let library = app.library()?;
    let names = library.names()?;
    if names.is_empty() {
        app.output
            .note("There is no collection yet: `docent add NAME FOLDER` makes one.");
    }
    for name in names {
        let roots = match library.collection(&name).and_then(|c| c.roots()) {
            Ok(roots) => roots,
            Err(error) => {
                app.output.warning(format_args!("{name}: {error}"));
                continue;
            }
        };
        if app.output.json {
            app.output.json(&Listed {
                collection: name,
                roots,
            })?;
            continue;
        }
        app.output.line(app.output.styled(Style::Bold, &name))?;
        for root in roots {
            let missing = if root.is_dir() {
                ""
            } else {
                "  (not there now)"
            };
            let root = printable_line(&root.to_string_lossy());
            app.output.line(format_args!("  {root}{missing}"))?;
        }
    }
    Ok(Status::Done)
}
