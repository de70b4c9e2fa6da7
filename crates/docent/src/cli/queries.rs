//! Questions from a file: one JSON object a line, with `id` and `text`.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use crate::failure::{Failure, Result};

/// A question or search, and the id by which its result is known.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Query {
    /// Whatever the file says; null for one that was typed.
    pub(super) id: Value,
    /// The words.
    pub(super) text: String,
}

/// Where the queries come from.
#[derive(Debug, Clone, Args)]
pub(super) struct QueryArgs {
    /// What to find; several words need no quotes.
    #[arg(required_unless_present = "queries", value_name = "QUERY")]
    words: Vec<String>,
    /// Take queries from a file of {"id", "text"} lines; `-` is stdin.
    #[arg(long, value_name = "FILE", conflicts_with = "words")]
    queries: Option<PathBuf>,
}

impl QueryArgs {
    /// Whether queries come from a file.
    pub(super) fn is_batch(&self) -> bool {
        self.queries.is_some()
    }

    /// All queries, read and checked before the first is run.
    ///
    /// # Errors
    /// When nothing was asked, or the file cannot be read or understood.
    pub(super) fn read(&self) -> Result<Vec<Query>> {
        match &self.queries {
            Some(file) => parse(&read(file)?, &file.display().to_string()),
            None => {
                let text = self.words.join(" ");
                if text.trim().is_empty() {
                    return Err(Failure::user("nothing was asked").hint("Say what to look for."));
                }
                Ok(vec![Query {
                    id: Value::Null,
                    text,
                }])
            }
        }
    }
}

fn read(file: &Path) -> Result<String> {
    let read = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|error| {
        Failure::user(format_args!(
            "the queries {} cannot be read: {error}",
            file.display()
        ))
    })
}

fn parse(text: &str, origin: &str) -> Result<Vec<Query>> {
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|error| {
                Failure::user(format_args!("{origin}, line {}: {error}", at + 1))
                    .hint("Each line is an object with \"id\" and \"text\".")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_as_they_are() {
        let text =
            "{\"id\": 7, \"text\": \"a\"}\n\n{\"id\": \"q8\", \"text\": \"b\", \"more\": 1}\n";
        let queries = parse(text, "q.jsonl").unwrap();
        assert_eq!(queries[0].id, Value::from(7));
        assert_eq!(queries[1].id, Value::from("q8"));
        assert_eq!(queries[1].text, "b");
    }

    #[test]
    fn a_bad_line_is_named() {
        let failure = parse("{\"id\": 1, \"text\": \"a\"}\n{\"id\": 2}\n", "q.jsonl").unwrap_err();
        assert!(failure.to_string().contains("q.jsonl, line 2"), "{failure}");
    }
}
