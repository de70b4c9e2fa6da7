//! Purpose: what a project or a source file says that it is for.

use std::ops::Range;

use super::{extension, is_manifest, lines, name};
use crate::answer::one_line;
use crate::sentence;

/// Lines of a file in which its own comment begins.
const HEAD_LINES: usize = 12;
/// A longer sentence of a comment is cut at its paragraph instead.
const MAX_BYTES: usize = 1_200;

/// The description that a manifest gives: the span of its words.
pub fn description(path: &str, text: &str) -> Option<Range<usize>> {
    if !is_manifest(path) {
        return None;
    }
    for (at, line) in lines(text).take(400) {
        let bare = line.trim_start();
        let rest = bare
            .strip_prefix("description")
            .or_else(|| bare.strip_prefix("\"description\""));
        let Some(rest) = rest.map(str::trim_start) else {
            continue;
        };
        let Some(value) = rest.strip_prefix(['=', ':']) else {
            continue;
        };
        let words = value.trim().trim_end_matches(',').trim_matches(['"', '\'']);
        // A table or the name of a file is no description.
        if words.len() < 10 || words.starts_with(['{', '[']) || !words.contains(' ') {
            continue;
        }
        let start = at + line.find(words)?;
        return Some(start..start + words.len());
    }
    None
}

/// The name that a manifest gives the project.
pub fn project_name<'t>(path: &str, text: &'t str) -> Option<&'t str> {
    let is_json = name(path).ends_with(".json");
    let mut inside = is_json || name(path) == "setup.cfg";
    for (_, line) in lines(text).take(400) {
        let bare = line.trim();
        if bare.starts_with('[') {
            inside = matches!(
                bare,
                "[package]" | "[project]" | "[tool.poetry]" | "[metadata]"
            );
        }
        let key = if is_json { "\"name\"" } else { "name" };
        let value = bare
            .strip_prefix(key)
            .map(str::trim_start)
            .and_then(|rest| rest.strip_prefix(['=', ':']));
        if let Some(value) = value.filter(|_| inside) {
            return Some(value.trim().trim_end_matches(',').trim_matches(['"', '\'']));
        }
    }
    None
}

/// The first sentence of the comment with which a source file begins; licences are no purpose.
/// The span may hold the comment's own marks, which [`without_marks`] takes off.
pub fn doc_comment(path: &str, text: &str) -> Option<Range<usize>> {
    match extension(path).as_str() {
        "rs" => line_comment(text, &["//!"]),
        "py" | "pyi" => docstring(text),
        "go" => line_comment(text, &["// Package ", "// Command "]).or_else(|| block_comment(text)),
        "rb" | "sh" | "bash" => line_comment(text, &["# "]),
        "swift" | "zig" => line_comment(text, &["//!", "///", "//"]),
        "js" | "jsx" | "ts" | "tsx" | "mjs" | "java" | "kt" | "scala" | "c" | "h" | "cc"
        | "cpp" | "hpp" | "cs" | "php" => {
            block_comment(text).or_else(|| line_comment(text, &["// "]))
        }
        _ => None,
    }
}

/// A comment's words, without its marks, on one line.
pub fn without_marks(comment: &str) -> String {
    let bare = |line: &str| {
        let line = line.trim();
        let marks = [
            "//!", "///", "/**", "/*", "//", "*/", "* ", "\"\"\"", "'''", "# ",
        ];
        let line = marks
            .iter()
            .find_map(|mark| line.strip_prefix(mark))
            .unwrap_or(line);
        let line = if line == "*" { "" } else { line };
        line.trim_end_matches("*/").trim().to_owned()
    };
    one_line(&comment.lines().map(bare).collect::<Vec<_>>().join(" "))
}

/// The first sentence of lines that begin with a mark, near the top.
fn line_comment(text: &str, marks: &[&str]) -> Option<Range<usize>> {
    let is_comment = |line: &str| {
        marks
            .iter()
            .any(|mark| line.starts_with(mark) || line == mark.trim_end())
    };
    let continues = |line: &str| {
        is_comment(line)
            || marks
                .iter()
                .any(|mark| mark.starts_with("// ") && line.starts_with("//"))
    };
    let mut all = lines(text)
        .take(HEAD_LINES)
        .skip_while(|(_, line)| !is_comment(line) || line.starts_with("#!"));
    let (start, _) = all.next()?;
    let body = text.get(start..)?;
    let length: usize = body
        .split_inclusive('\n')
        .take_while(|line| continues(line.trim_end()) && line.trim().len() > 3)
        .map(str::len)
        .sum();
    first_sentence(text, start..start + length)
}

/// The first sentence of the string with which a Python file begins.
fn docstring(text: &str) -> Option<Range<usize>> {
    let (start, line) = lines(text).find(|(_, line)| {
        let bare = line.trim();
        !bare.is_empty() && !bare.starts_with('#')
    })?;
    let mark = ["\"\"\"", "'''"]
        .into_iter()
        .find(|mark| line.trim_start_matches(['r', 'u']).starts_with(mark))?;
    let from = start + line.find(mark)? + mark.len();
    let length = text.get(from..)?.find(mark)?;
    paragraph(text, from..from + length)
}

/// The first sentence of a `/* … */` near the top.
fn block_comment(text: &str) -> Option<Range<usize>> {
    let (start, line) = lines(text)
        .take(HEAD_LINES)
        .find(|(_, line)| line.trim_start().starts_with("/*"))?;
    let from = start + line.find("/*")?;
    let length = text.get(from..)?.find("*/")?;
    paragraph(text, from..from + length)
}

/// The first sentence of the first paragraph of a span.
fn paragraph(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let body = text.get(span.clone())?;
    let (mut start, mut end, mut began) = (0, 0, false);
    for line in body.split_inclusive('\n') {
        let words = line.trim().trim_matches(['*', '/', ' ']);
        let underlines =
            words.len() > 2 && words.chars().all(|c| matches!(c, '~' | '=' | '-' | '^'));
        if words.is_empty() && began {
            break;
        }
        end += line.len();
        began = !underlines && (began || !words.is_empty());
        if underlines {
            // What was underlined is a title, and says less than what follows.
            start = end;
        }
    }
    first_sentence(text, span.start + start..span.start + end)
}

fn first_sentence(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let span = sentence::trimmed(text, span);
    let body = text.get(span.clone())?;
    let lower = body.to_lowercase();
    let legal = [
        "copyright",
        "licensed",
        "license",
        "spdx",
        "all rights reserved",
        "©",
    ];
    if legal.iter().any(|word| lower.contains(word)) {
        return None;
    }
    let end = body
        .match_indices(['.', '!', '?', '。'])
        .map(|(at, mark)| at + mark.len());
    // The `!` of `//!` ends no sentence.
    let ends = |&at: &usize| {
        !body[..at].ends_with("//!") && body[at..].chars().next().is_none_or(char::is_whitespace)
    };
    let end = end.filter(ends).find(|&at| at >= 20).unwrap_or(body.len());
    let words = without_marks(&body[..end]);
    let says_something =
        words.split_whitespace().count() >= 2 && words.chars().any(char::is_alphabetic);
    (end <= MAX_BYTES && says_something)
        .then(|| sentence::trimmed(text, span.start..span.start + end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str, text: &str) -> Option<String> {
        doc_comment(path, text).map(|span| without_marks(&text[span]))
    }

    #[test]
    fn comments_are_read_in_each_language() {
        assert_eq!(
            said(
                "a.rs",
                "//! Chunks: the stretches of\n//! a document. More.\n\nuse x;\n"
            )
            .as_deref(),
            Some("Chunks: the stretches of a document.")
        );
        assert_eq!(
            said(
                "a.py",
                "# -*- coding\n\"\"\"Signed cookies\nfor sessions.\n\nMore.\"\"\"\n"
            )
            .as_deref(),
            Some("Signed cookies for sessions.")
        );
        assert_eq!(
            said(
                "a.go",
                "// Package walk finds files\n// and folders.\npackage walk\n"
            )
            .as_deref(),
            Some("Package walk finds files and folders.")
        );
        assert_eq!(
            said("a.js", "/**\n * Draws the chart.\n *\n * More.\n */\n").as_deref(),
            Some("Draws the chart.")
        );
    }

    #[test]
    fn an_underlined_title_says_less_than_what_follows() {
        let text = "\"\"\"\nTagged JSON\n~~~~~~~~~~~\n\nKeeps types that JSON lacks.\n\"\"\"\n";
        assert_eq!(
            said("a.py", text).as_deref(),
            Some("Keeps types that JSON lacks.")
        );
    }

    #[test]
    fn licences_and_code_are_no_purpose() {
        assert_eq!(said("a.js", "/*\n * Copyright 2020 X.\n */\n"), None);
        assert_eq!(
            said("a.py", "import os\n\"\"\"no docstring at all\"\"\"\n"),
            None
        );
        assert_eq!(said("a.rs", "fn main() {}\n"), None);
    }

    #[test]
    fn manifests_describe_their_project() {
        let text = "[project]\nname = \"Flask\"\ndescription = \"A simple framework for web applications.\"\n";
        let span = description("pyproject.toml", text).unwrap();
        assert_eq!(&text[span], "A simple framework for web applications.");
        assert_eq!(project_name("pyproject.toml", text), Some("Flask"));
        assert_eq!(description("notes.toml", text), None);
        let text = "{\n  \"name\": \"x\",\n  \"description\": \"Draws charts in a browser\",\n}";
        let span = description("package.json", text).unwrap();
        assert_eq!(&text[span], "Draws charts in a browser");
    }
}
