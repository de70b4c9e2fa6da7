//! `docent show`: what was read of a file, with its pages or lines.

use std::path::PathBuf;

use clap::Args;
use docent_core::document::{Document, Locator};
use docent_engine::collection::DocumentView;
use docent_engine::library::Library;
use serde::Serialize;

use super::Status;
use crate::app::App;
use crate::failure::{Failure, Result};
use crate::output::Style;
use crate::printable::printable;

/// Lines shown around the one that was asked for.
const LINES_AROUND: u32 = 10;

/// Print what was read of a file: all of it, a page, or the lines around one.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The file: its path, or the end of it. `:N` is a page of a PDF, a line of anything else.
    #[arg(value_name = "PATH[:PAGE|:LINE]")]
    what: String,
    /// Where to look: a collection's name or a folder of it; all collections without it.
    #[arg(long = "in", value_name = "WHERE")]
    place: Option<String>,
}

/// The line of `docent show --json`.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    collection: &'a str,
    root: PathBuf,
    path: &'a str,
    document: &'a Document,
}

pub(super) fn run(app: &App, args: &Show) -> Result<Status> {
    let library = app.library()?;
    let names = app.named_or_all(&library, args.place.as_deref())?;
    let (path, place) = split(&args.what);
    let mut found = find(&library, &names, &args.what)?;
    let mut at = None;
    if found.is_empty() && place.is_some() {
        found = find(&library, &names, path)?;
        at = place;
    }
    let (collection, view) = match found.as_slice() {
        [] => {
            return Err(
                Failure::user(format_args!("no collection holds a file {path}")).hint(
                    "`docent status` lists what was not read; `docent extract FILE` reads a \
                     file without indexing it.",
                ),
            );
        }
        [one] => one,
        several => {
            let mut paths: Vec<_> = several.iter().map(|(_, v)| v.path.as_str()).collect();
            paths.truncate(10);
            return Err(Failure::user(format_args!(
                "{path} is the end of several paths: {}",
                paths.join(", ")
            ))
            .hint("Give more of the path, or the collection with --in NAME."));
        }
    };
    if app.output.json {
        app.output.json(&Shown {
            collection,
            root: view.root.clone(),
            path: &view.path,
            document: &view.document,
        })?;
        return Ok(Status::Done);
    }
    tell(app, view, at)
}

/// The documents of that path, each with its collection's name.
fn find(library: &Library, names: &[String], path: &str) -> Result<Vec<(String, DocumentView)>> {
    let mut found = Vec::new();
    for name in names {
        let views = library.collection(name)?.find(path)?;
        found.extend(views.into_iter().map(|view| (name.clone(), view)));
    }
    Ok(found)
}

/// The path, and the page or line behind the last colon.
fn split(what: &str) -> (&str, Option<u32>) {
    match what.rsplit_once(':') {
        Some((path, number)) if !path.is_empty() => match number.parse() {
            Ok(number) => (path, Some(number)),
            Err(_) => (what, None),
        },
        _ => (what, None),
    }
}

/// A line of a document as it is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line<'a> {
    page: Option<u32>,
    number: u32,
    text: &'a str,
}

/// Prints the document, or the part of it that was asked for.
fn tell(app: &App, view: &DocumentView, at: Option<u32>) -> Result<Status> {
    let lines = lines(&view.document);
    let shown: Vec<&Line> = lines.iter().filter(|line| is_asked_for(line, at)).collect();
    if shown.is_empty()
        && let Some(at) = at
    {
        return Err(Failure::user(match lines.last() {
            Some(Line {
                page: Some(last), ..
            }) => {
                format!(
                    "{} has no text on a page {at}: its last is {last}",
                    view.path
                )
            }
            last => format!(
                "{} has no line {at}: its last is {}",
                view.path,
                last.map_or(0, |line| line.number)
            ),
        }));
    }
    let mut page = None;
    for line in shown {
        if line.page != page {
            page = line.page;
            let mark = format!("── page {} ──", page.unwrap_or_default());
            app.output.line(app.output.styled(Style::Place, mark))?;
        }
        let is_it = line.page.is_none() && at == Some(line.number);
        let mark = if is_it { ">" } else { " " };
        let number = format!("{mark}{:>5}", line.number);
        app.output.line(format_args!(
            "{}  {}",
            app.output.styled(Style::Dim, number),
            printable(line.text).trim_end_matches(['\n', '\r']),
        ))?;
    }
    for warning in &view.document.warnings {
        app.output.note(format_args!("note: {warning}"));
    }
    Ok(Status::Done)
}

/// Whether a line belongs to the page, or lies near the line, that was asked for.
fn is_asked_for(line: &Line, at: Option<u32>) -> bool {
    match (at, line.page) {
        (None, _) => true,
        (Some(at), Some(page)) => page == at,
        (Some(at), None) => line.number.abs_diff(at) <= LINES_AROUND,
    }
}

/// The document's lines with their numbers: on their page for a PDF, in the text otherwise.
fn lines(document: &Document) -> Vec<Line<'_>> {
    let is_paged = matches!(
        document.blocks.first().map(|block| &block.locator),
        Some(Locator::Page { .. })
    );
    if !is_paged {
        return numbered(&document.text, None, 1).collect();
    }
    let mut lines = Vec::new();
    for block in &document.blocks {
        let Some(text) = document.text.get(block.span.clone()) else {
            continue;
        };
        if let Locator::Page {
            page, first_line, ..
        } = &block.locator
        {
            lines.extend(numbered(text, Some(*page), *first_line));
        }
    }
    lines
}

/// The lines of a text, counted from `first`.
fn numbered(text: &str, page: Option<u32>, first: u32) -> impl Iterator<Item = Line<'_>> {
    (first..)
        .zip(text.split_inclusive('\n'))
        .map(move |(number, text)| Line { page, number, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use docent_core::document::{Block, BlockKind, Format};

    #[test]
    fn a_number_behind_a_colon_is_a_place() {
        assert_eq!(split("home/lease.pdf:3"), ("home/lease.pdf", Some(3)));
        assert_eq!(split("C:notes.md"), ("C:notes.md", None));
        assert_eq!(split("notes.md"), ("notes.md", None));
        assert_eq!(split(":3"), (":3", None));
    }

    #[test]
    fn lines_of_a_paged_document_are_counted_on_their_page() {
        let block = |span, page, first_line, last_line| Block {
            span,
            kind: BlockKind::Paragraph,
            locator: Locator::page(page, first_line, last_line),
            hidden: false,
        };
        let document = Document {
            blocks: vec![block(0..7, 1, 1, 2), block(9..14, 2, 4, 4)],
            ..Document::of(Format::Pdf, "one\ntwo\n\nthree".into())
        };
        let lines = lines(&document);
        let places: Vec<_> = lines.iter().map(|line| (line.page, line.number)).collect();
        assert_eq!(places, [(Some(1), 1), (Some(1), 2), (Some(2), 4)]);
        assert!(is_asked_for(&lines[2], Some(2)) && !is_asked_for(&lines[0], Some(2)));
    }

    #[test]
    fn other_documents_count_lines_through_the_text() {
        let document = Document::of(Format::Text, "one\n\nthree\n".into());
        let numbers: Vec<_> = lines(&document).iter().map(|line| line.number).collect();
        assert_eq!(numbers, [1, 2, 3]);
    }
}
