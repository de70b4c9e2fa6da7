//! Reports on their way into a file, and the kept conversations that they are made of.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use docent_core::answer::Answer;
use docent_core::export::{Layout, Report};
use docent_core::redact::Kind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What reports of questions and answers are called; it tells nothing about either.
const TITLE: &str = "Answers with their sources";
/// Files of one name that are tried before giving up.
const MAX_COPIES: usize = 999;

/// An answer as the store keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredAnswer {
    /// The checked answer.
    pub(crate) answer: Answer,
    /// Documents by passage number.
    pub(crate) documents: Vec<(usize, i64)>,
}

impl StoredAnswer {
    /// An answer as it was kept.
    ///
    /// # Errors
    /// When it was written by another docent in a form that this one does not know.
    pub(crate) fn read(value: Value) -> Result<StoredAnswer, String> {
        serde_json::from_value(value)
            .map_err(|error| format!("an answer of this conversation cannot be read: {error}"))
    }
}

/// A report of questions with their answers.
pub(crate) fn of_exchanges<'a>(
    exchanges: impl IntoIterator<Item = (&'a str, &'a Answer)>,
) -> Report {
    Report::of_conversation(TITLE, exchanges)
}

/// How a file of this name is laid out.
pub(crate) fn layout_of(path: &Path) -> Layout {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    match extension.to_lowercase().as_str() {
        "html" | "htm" => Layout::Html,
        _ => Layout::Markdown,
    }
}

/// Writes a new file; one that is there already is never overwritten.
///
/// # Errors
/// When there is such a file, or it cannot be written.
pub(crate) fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// Writes a new file `NAME.md` in a folder, or `NAME-2.md` and so on where that is taken.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_beside(folder: &Path, name: &str, text: &str) -> Result<PathBuf, String> {
    for copy in 1..=MAX_COPIES {
        let file = match copy {
            1 => folder.join(format!("{name}.md")),
            copy => folder.join(format!("{name}-{copy}.md")),
        };
        match write_new(&file, text) {
            Ok(()) => return Ok(file),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("{} cannot be written: {error}", file.display())),
        }
    }
    Err(format!(
        "{} has too many files named {name}",
        folder.display()
    ))
}

/// What was replaced, for a person: `3 names of people, 1 address`.
pub(crate) fn replaced(counts: &[(Kind, usize)]) -> String {
    let noun = |kind| match kind {
        Kind::Person => ("name of a person", "names of people"),
        Kind::Organisation => ("name of an organisation", "names of organisations"),
        Kind::Address => ("address", "addresses"),
        Kind::Email => ("e-mail address", "e-mail addresses"),
        Kind::Phone => ("telephone number", "telephone numbers"),
        Kind::Birth => ("date of birth", "dates of birth"),
        Kind::Number => ("other number", "other numbers"),
    };
    let told = counts.iter().map(|(kind, count)| {
        let (one, many) = noun(*kind);
        format!("{count} {}", if *count == 1 { one } else { many })
    });
    match told.collect::<Vec<_>>().as_slice() {
        [] => "nothing".to_owned(),
        told => told.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let first = write_beside(folder.path(), "answers", "one").unwrap();
        let second = write_beside(folder.path(), "answers", "two").unwrap();
        assert_eq!(second, folder.path().join("answers-2.md"));
        assert_eq!(std::fs::read_to_string(&first).unwrap(), "one");
        let error = write_new(&first, "three").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    }

    #[test]
    fn what_was_replaced_is_counted_by_kind() {
        assert_eq!(
            replaced(&[(Kind::Person, 3), (Kind::Address, 1)]),
            "3 names of people, 1 address"
        );
        assert_eq!(replaced(&[]), "nothing");
    }
}
