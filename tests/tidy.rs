//! The promises of ARCHITECTURE.md and CONTRIBUTING.md that a machine can hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// No file is longer, in lines.
const MAX_LINES: usize = 800;
/// No file is larger, in bytes, but for the models.
const MAX_BYTES: u64 = 1_000_000;

/// What each crate may use of ours, and what it must not know, by the beginnings of names.
const CRATES: [(&str, &[&str], &[&str]); 7] = [
    (
        "core",
        &[],
        &[
            "tokio",
            "candle",
            "rusqlite",
            "lancedb",
            "tantivy",
            "crossterm",
            "ratatui",
            "clap",
        ],
    ),
    (
        "extract",
        &["core"],
        &[
            "candle",
            "rusqlite",
            "lancedb",
            "arrow",
            "tantivy",
            "crossterm",
            "ratatui",
            "clap",
        ],
    ),
    (
        "kernels",
        &[],
        &["candle", "tokenizers", "safetensors", "serde"],
    ),
    (
        "model",
        &["core", "kernels"],
        &[
            "rusqlite",
            "lancedb",
            "arrow",
            "tantivy",
            "crossterm",
            "ratatui",
            "clap",
            "notify",
            "ignore",
        ],
    ),
    (
        "store",
        &["core"],
        &[
            "candle",
            "tokenizers",
            "pdf",
            "scraper",
            "tree-sitter",
            "crossterm",
            "ratatui",
            "clap",
        ],
    ),
    (
        "engine",
        &["core", "extract", "store"],
        &[
            "candle",
            "tokenizers",
            "arrow",
            "lancedb",
            "tantivy",
            "rusqlite",
            "crossterm",
            "ratatui",
            "indicatif",
            "clap",
        ],
    ),
    (
        "docent",
        &["core", "extract", "kernels", "model", "store", "engine"],
        &[
            "candle",
            "tokenizers",
            "arrow",
            "lancedb",
            "tantivy",
            "rusqlite",
        ],
    ),
];

/// Words that must not stand in the code of a crate, tests left out.
const ABSENT: [(&str, &[&str]); 3] = [
    (
        "core",
        &[
            "std::fs",
            "std::env",
            "SystemTime::now",
            "Instant::now",
            "println!",
        ],
    ),
    ("kernels", &["std::fs", "std::env::var", "println!"]),
    (
        "engine",
        &["std::env::var", "println!", "eprintln!", "is_terminal"],
    ),
];

/// The repository's own folder.
pub(crate) fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    here.canonicalize().expect("the repository")
}

/// The files that the repository holds: those that git knows, or would.
fn files() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(repository())
        .output();
    let listed = match output {
        Ok(output) if output.status.success() => output.stdout,
        // An archive of the repository has no git: what lies in these folders is all of it.
        _ => {
            return ["crates", "tests", "assets"]
                .iter()
                .flat_map(|part| walk(&repository().join(part)))
                .collect();
        }
    };
    let listed = String::from_utf8(listed).expect("UTF-8");
    let paths = listed.split('\0').filter(|path| !path.is_empty());
    paths
        .map(|path| repository().join(path))
        .filter(|path| path.is_file())
        .collect()
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// The Rust files, as path from the repository and text.
fn sources() -> Vec<(String, String)> {
    let rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let name = |path: &Path| {
        let path = path
            .strip_prefix(repository())
            .expect("below the repository");
        path.to_string_lossy().replace('\\', "/")
    };
    files()
        .into_iter()
        .filter(rust)
        .map(|path| (name(&path), std::fs::read_to_string(&path).expect("UTF-8")))
        .collect()
}

/// A crate's dependencies, those of its tests left out.
fn dependencies(name: &str) -> Vec<String> {
    let path = repository().join(format!("crates/{name}/Cargo.toml"));
    let manifest: toml::Table = std::fs::read_to_string(path)
        .expect("a manifest")
        .parse()
        .expect("TOML");
    let mut names: Vec<String> = Vec::new();
    let mut take = |table: Option<&toml::Value>| {
        let table = table.and_then(toml::Value::as_table);
        names.extend(table.into_iter().flat_map(|table| table.keys().cloned()));
    };
    take(manifest.get("dependencies"));
    for target in manifest
        .get("target")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flatten()
    {
        take(target.1.get("dependencies"));
    }
    names
}

/// The text without its tests, comments and the words in them.
fn code(text: &str) -> String {
    let before_tests = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = before_tests
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_file_says_first_what_it_is_for() {
    for (path, text) in sources() {
        let first = text.lines().next().unwrap_or_default();
        let says = first
            .strip_prefix("//! ")
            .is_some_and(|words| words.len() > 10);
        assert!(
            says,
            "{path}: the first line says what the file is for, after `//! `"
        );
    }
}

#[test]
fn crates_use_what_the_table_allows() {
    let known: BTreeMap<_, _> = CRATES.iter().map(|(name, ..)| (*name, ())).collect();
    let folders = std::fs::read_dir(repository().join("crates")).expect("crates");
    for folder in folders {
        let name = folder.expect("a folder").file_name();
        let name = name.to_str().expect("UTF-8");
        assert!(
            known.contains_key(name),
            "the crate {name} is not in the table"
        );
    }
    for (name, ours, strangers) in CRATES {
        for dependency in dependencies(name) {
            if let Some(own) = dependency.strip_prefix("docent-") {
                assert!(ours.contains(&own), "{name} must not use {own}");
            }
            let stranger = strangers
                .iter()
                .find(|stranger| dependency.starts_with(*stranger));
            assert_eq!(stranger, None, "{name} must not know {dependency}");
        }
    }
}

#[test]
fn crates_do_not_know_what_they_must_not() {
    for (path, text) in sources() {
        for (name, words) in ABSENT {
            if !path.starts_with(&format!("crates/{name}/src/")) {
                continue;
            }
            let code = code(&text);
            let found = words.iter().find(|word| code.contains(*word));
            assert_eq!(found, None, "{path}: {name} must not know this");
        }
    }
}

/// The one place beside the kernels with unsafe code: a file of weights is mapped there.
const MAPPED: &str = "crates/model/src/mapped.rs";

#[test]
fn unsafe_code_lives_in_the_kernels_with_its_reasons() {
    for (path, text) in sources() {
        let code = code(&text);
        let is_unsafe = ["unsafe {", "unsafe fn", "unsafe impl", "allow(unsafe_code)"]
            .iter()
            .any(|word| code.contains(word));
        if path.starts_with("crates/kernels/") {
            let reasoned = text.contains("SAFETY:") || text.contains("# Safety");
            let blocks = code.contains("unsafe {") || code.contains("unsafe impl");
            assert!(
                !blocks || reasoned,
                "{path}: unsafe without a word about safety"
            );
        } else if path != "tests/tidy.rs" && path != MAPPED {
            assert!(!is_unsafe, "{path}: unsafe outside the kernels");
        }
    }
}

#[test]
fn lints_are_silenced_with_a_reason() {
    for (path, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let line = line.trim_start();
            let silences = line.starts_with("#[allow(") || line.starts_with("#![allow(");
            let above = at
                .checked_sub(1)
                .map_or("", |above| lines[above].trim_start());
            let reasoned =
                line.contains("//") || line.contains("reason") || above.starts_with("//");
            assert!(
                !silences || reasoned,
                "{path}:{}: a lint silenced without a reason",
                at + 1
            );
        }
    }
}

#[test]
fn no_test_is_switched_off() {
    let mark = ["#[ig", "nore"].concat();
    for (path, text) in sources() {
        assert!(!text.contains(&mark), "{path}");
    }
}

#[test]
fn files_stay_small() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(
            lines <= MAX_LINES,
            "{path} has {lines} lines: make a folder of it"
        );
    }
    for path in files() {
        let bytes = std::fs::metadata(&path).expect("a file").len();
        let is_model = path.starts_with(repository().join("assets/models"));
        assert!(
            is_model || bytes <= MAX_BYTES,
            "{} has {bytes} bytes",
            path.display()
        );
    }
}

#[test]
fn every_command_has_a_file_and_stands_in_the_readme() {
    let readme = std::fs::read_to_string(repository().join("README.md")).expect("README.md");
    let commands = walk(&repository().join("crates/docent/src/cli"));
    let names = commands
        .iter()
        .filter(|path| path.parent().is_some_and(|folder| folder.ends_with("cli")))
        .filter_map(|path| path.file_stem()?.to_str());
    for name in names.filter(|name| !["filters", "mod", "queries"].contains(name)) {
        assert!(
            readme.contains(&format!("`docent {name}")),
            "README.md does not name `docent {name}`"
        );
    }
}
