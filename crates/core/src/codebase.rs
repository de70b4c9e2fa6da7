//! Codebases: what source code says of itself without being run.
//!
//! What a project is for stands in its manifest, its README and its doc comments ([`purpose`]);
//! where it begins, in functions and manifests with known names ([`entry`]); how its parts hang
//! together, in its [`imports`], which make a graph of [`modules`]. All of it is found by the
//! lines of the text and has a byte span that can be cited.

pub mod entry;
pub mod imports;
pub mod modules;
pub mod purpose;

/// Manifests, by the name of the file: a folder that has one is a project.
const MANIFESTS: &[&str] = &[
    "Cargo.toml",
    "package.json",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "go.mod",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "composer.json",
    "Gemfile",
    "CMakeLists.txt",
    "mix.exs",
    "Package.swift",
];

/// Folders beside the code itself: what tests it, shows it or comes from elsewhere.
const ASIDE: &[&str] = &[
    "test",
    "tests",
    "spec",
    "specs",
    "__tests__",
    "testing",
    "example",
    "examples",
    "demo",
    "doc",
    "docs",
    "assets",
    "bench",
    "benches",
    "benchmarks",
    "fuzz",
    "vendor",
    "third_party",
    "node_modules",
    "scripts",
    "tools",
];

/// Extensions of source code.
const SOURCES: &[&str] = &[
    "rs", "py", "pyi", "js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "vue", "svelte", "go",
    "java", "kt", "kts", "scala", "groovy", "cs", "php", "c", "h", "cc", "cpp", "cxx", "hpp", "hh",
    "rb", "sh", "bash", "swift", "zig", "lua", "pl", "pm", "r", "jl", "hs", "ml", "mli", "ex",
    "exs", "erl", "clj", "dart", "m", "mm", "f90", "sql", "proto", "ps1",
];

/// Whether the file is source code, by its name.
pub fn is_source(path: &str) -> bool {
    SOURCES.contains(&extension(path).as_str())
}

/// Whether the file is a project's manifest.
pub fn is_manifest(path: &str) -> bool {
    MANIFESTS.contains(&name(path))
}

/// Whether the path lies beside the code itself.
pub fn is_aside(path: &str) -> bool {
    let test_file = |part: &str| {
        part.starts_with("test_")
            || part.starts_with("tests.")
            || part.contains("_test.")
            || part.contains(".test.")
            || part == "conftest.py"
    };
    path.split('/')
        .any(|part| ASIDE.contains(&part) || test_file(part))
}

/// The path's last part.
pub fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What stands before the last `/`; nothing for a file of the root.
pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The extension in lower case; nothing where there is none.
pub fn extension(path: &str) -> String {
    name(path)
        .rsplit_once('.')
        .map_or(String::new(), |(_, extension)| extension.to_lowercase())
}

/// Each line with the byte at which it begins.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line.trim_end_matches(['\n', '\r']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_and_examples_lie_aside() {
        assert!(
            is_aside("tests/test_app.py") && is_aside("src/a_test.go") && is_aside("a/tests.rs")
        );
        assert!(!is_aside("src/contest.py"));
        assert!(is_manifest("crates/core/Cargo.toml") && !is_manifest("Cargo.lock"));
    }

    #[test]
    fn lines_know_where_they_begin() {
        let found: Vec<_> = lines("a\r\nbc\n\nd").collect();
        assert_eq!(found, [(0, "a"), (3, "bc"), (6, ""), (7, "d")]);
    }
}
