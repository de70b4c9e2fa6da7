//! Entry points: where a program begins to run.

use std::ops::Range;

use super::{extension, lines, name};

/// A place where something begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is called: a function, a command, a script.
    pub name: String,
    /// The line that says so.
    pub span: Range<usize>,
}

/// The entry points that a source file holds. `items` are the names that it defines, with where.
pub fn of_code(path: &str, text: &str, items: &[(String, Range<usize>)]) -> Vec<Entry> {
    let extension = extension(path);
    let names: &[&str] = match extension.as_str() {
        "rs" if matches!(name(path), "main.rs") || path.contains("src/bin/") => &["main"],
        "go" if text.contains("package main") => &["main"],
        "c" | "cc" | "cpp" | "cxx" => &["main"],
        "kt" => &["main"],
        "py" => &["main", "create_app", "make_app", "app_factory"],
        _ => &[],
    };
    let mut entries: Vec<Entry> = items
        .iter()
        .filter(|(item, _)| names.contains(&item.as_str()))
        .filter_map(|(item, span)| {
            let body = text.get(span.clone())?;
            let (at, line) =
                lines(body).find(|(_, line)| holds_word(line, item) && !is_comment(line))?;
            let start = span.start + at;
            Some(Entry {
                name: item.clone(),
                span: trimmed(text, start..start + line.len()),
            })
        })
        .collect();
    let signs: &[&str] = match extension.as_str() {
        "py" => &["if __name__ == "],
        "java" => &["public static void main("],
        "cs" => &[
            "static void Main(",
            "static async Task Main(",
            "static int Main(",
        ],
        _ => &[],
    };
    for (at, line) in lines(text) {
        if signs.iter().any(|sign| {
            line.trim_start().starts_with(sign) || (extension != "py" && line.contains(sign))
        }) {
            let name = if extension == "py" {
                "__main__"
            } else {
                "main"
            };
            entries.push(Entry {
                name: name.to_owned(),
                span: trimmed(text, at..at + line.len()),
            });
        }
    }
    entries
}

/// The entry points that a manifest names: programs and scripts.
pub fn of_manifest(path: &str, text: &str) -> Vec<Entry> {
    match name(path) {
        "Cargo.toml" => tables(text, &["bin"])
            .into_iter()
            .filter(|e| e.0 == "name")
            .map(|e| e.1)
            .collect(),
        "pyproject.toml" => {
            let named = tables(
                text,
                &[
                    "project.scripts",
                    "tool.poetry.scripts",
                    "project.gui-scripts",
                ],
            );
            named
                .into_iter()
                .map(|(key, entry)| Entry { name: key, ..entry })
                .collect()
        }
        "setup.py" | "setup.cfg" => console_scripts(text),
        "package.json" => package_json(text),
        _ => Vec::new(),
    }
}

/// Keys and values of some tables of a TOML file, each as an entry named by its value.
fn tables(text: &str, wanted: &[&str]) -> Vec<(String, Entry)> {
    let (mut found, mut inside) = (Vec::new(), false);
    for (at, line) in lines(text) {
        let bare = line.trim();
        if bare.starts_with('[') {
            inside = wanted.contains(&bare.trim_matches(['[', ']', ' ']));
            continue;
        }
        let Some((key, value)) = bare
            .split_once('=')
            .filter(|_| inside && !bare.starts_with('#'))
        else {
            continue;
        };
        let name = value.trim().trim_matches('"').to_owned();
        let entry = Entry {
            name,
            span: trimmed(text, at..at + line.len()),
        };
        found.push((key.trim().trim_matches('"').to_owned(), entry));
    }
    found
}

/// Lines `name = package.module:function` after `console_scripts`.
fn console_scripts(text: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    for (at, line) in lines(text)
        .skip_while(|(_, line)| !line.contains("console_scripts"))
        .take(20)
    {
        let bare = line.trim().trim_matches(['"', '\'', ',', '[', ']']);
        if let Some((key, value)) = bare.rsplit_once('=')
            && value.contains(':')
        {
            let key = key.rsplit(['"', '\'', '[']).next().unwrap_or(key);
            found.push(Entry {
                name: key.trim().to_owned(),
                span: trimmed(text, at..at + line.len()),
            });
        }
    }
    found
}

/// `"main"`, `"bin"` and the script `"start"`, each on a line of its own.
fn package_json(text: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    for (at, line) in lines(text) {
        let keys = ["main", "bin", "start", "module"];
        let key = keys
            .iter()
            .find(|key| line.trim_start().starts_with(&format!("\"{key}\":")));
        if let Some(key) = key.filter(|_| !line.trim_end().ends_with('{')) {
            found.push(Entry {
                name: (*key).to_owned(),
                span: trimmed(text, at..at + line.len()),
            });
        }
    }
    found
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with(['/', '#', '*'])
}

/// Whether the word stands in the line, and is no part of a longer one.
fn holds_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .any(|part| part == word)
}

fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    crate::sentence::trimmed(text, span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(entries: Vec<Entry>, text: &str) -> Vec<(String, String)> {
        entries
            .into_iter()
            .map(|e| (e.name, text[e.span].to_owned()))
            .collect()
    }

    #[test]
    fn functions_are_found_behind_their_comments() {
        let text = "//! A tool.\n\n/// Runs main.\nfn main() {\n}\n";
        let items = [("main".to_owned(), 13..text.len())];
        assert_eq!(
            told(of_code("src/main.rs", text, &items), text),
            [("main".into(), "fn main() {".into())]
        );
        assert!(of_code("src/a.rs", text, &items).is_empty());
    }

    #[test]
    fn scripts_of_python_begin_below() {
        let text =
            "def create_app():\n    pass\n\nif __name__ == \"__main__\":\n    create_app()\n";
        let items = [("create_app".to_owned(), 0..26)];
        let names: Vec<String> = of_code("app.py", text, &items)
            .into_iter()
            .map(|e| e.name)
            .collect();
        assert_eq!(names, ["create_app", "__main__"]);
    }

    #[test]
    fn manifests_name_programs() {
        let text = "[project]\nname = \"x\"\n[project.scripts]\nflask = \"flask.cli:main\"\n";
        assert_eq!(
            told(of_manifest("pyproject.toml", text), text),
            [("flask".into(), "flask = \"flask.cli:main\"".into())]
        );
        let text = "[[bin]]\nname = \"tool\"\npath = \"a.rs\"\n";
        assert_eq!(
            told(of_manifest("Cargo.toml", text), text),
            [("tool".into(), "name = \"tool\"".into())]
        );
        let text = "{\n  \"main\": \"index.js\",\n  \"bin\": {\n    \"x\": \"y\"\n  }\n}\n";
        assert_eq!(
            told(of_manifest("package.json", text), text),
            [("main".into(), "\"main\": \"index.js\",".into())]
        );
    }
}
