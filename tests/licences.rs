//! The licence policy of `deny.toml`, held where cargo-deny is not installed.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::tidy::repository;

/// An SPDX expression read from left to right: `or` of `and` of licences and brackets.
struct Expression<'a> {
    words: Vec<&'a str>,
    at: usize,
    allowed: &'a [String],
}

impl<'a> Expression<'a> {
    /// Whether the expression can be met by allowed licences alone.
    fn is_allowed(text: &'a str, allowed: &'a [String]) -> bool {
        let words = words(text);
        let mut expression = Expression {
            words,
            at: 0,
            allowed,
        };
        let met = expression.either();
        assert_eq!(
            expression.at,
            expression.words.len(),
            "understood wholly: {text}"
        );
        met
    }

    fn next_is(&mut self, word: &str) -> bool {
        let is = self.words.get(self.at) == Some(&word);
        self.at += usize::from(is);
        is
    }

    fn either(&mut self) -> bool {
        let mut met = self.both();
        while self.next_is("OR") || self.next_is("/") {
            met |= self.both();
        }
        met
    }

    fn both(&mut self) -> bool {
        let mut met = self.licence();
        while self.next_is("AND") {
            met &= self.licence();
        }
        met
    }

    fn licence(&mut self) -> bool {
        if self.next_is("(") {
            let met = self.either();
            assert!(self.next_is(")"), "a closing bracket");
            return met;
        }
        let mut name = (*self.words.get(self.at).expect("a licence")).to_owned();
        self.at += 1;
        if self.next_is("WITH") {
            name += &format!(" WITH {}", self.words[self.at]);
            self.at += 1;
        }
        self.allowed.contains(&name)
    }
}

/// The words, brackets and slashes of an expression.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for part in text.split_whitespace() {
        let mut rest = part;
        while let Some(at) = rest.find(['(', ')', '/']) {
            words.extend(
                [&rest[..at], &rest[at..=at]]
                    .into_iter()
                    .filter(|word| !word.is_empty()),
            );
            rest = &rest[at + 1..];
        }
        words.extend(Some(rest).filter(|word| !word.is_empty()));
    }
    words
}

fn policy() -> toml::Table {
    let text = std::fs::read_to_string(repository().join("deny.toml")).expect("deny.toml");
    text.parse().expect("deny.toml is TOML")
}

/// The crates that are built on this machine, from cargo's own resolution.
fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", &host()])
        .current_dir(repository())
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {errors}");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 100, "all of them");
    packages.clone()
}

/// The platform that this is built on, as rustc calls it.
fn host() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("a host").to_owned()
}

#[test]
fn every_crate_has_a_licence_that_the_policy_allows() {
    let policy = policy();
    let allowed: Vec<String> = policy["licenses"]["allow"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect();
    let is_refused = |package: &&Value| match package["license"].as_str() {
        Some(licence) => !Expression::is_allowed(licence, &allowed),
        None => true,
    };
    let packages = packages();
    let refused: Vec<String> = packages
        .iter()
        .filter(is_refused)
        .map(|package| format!("{} ({})", package["name"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "not allowed by deny.toml: {refused:?}");
}

#[test]
fn no_crate_is_one_that_the_policy_bans() {
    let policy = policy();
    let banned: Vec<&str> = policy["bans"]["deny"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["crate"].as_str().expect("a crate"))
        .collect();
    let packages = packages();
    let names = packages
        .iter()
        .filter_map(|package| package["name"].as_str());
    let found: Vec<&str> = names.filter(|name| banned.contains(name)).collect();
    assert!(found.is_empty(), "banned by deny.toml: {found:?}");
}

#[test]
fn every_crate_comes_from_the_registry_or_from_here() {
    for package in packages() {
        let source = package["source"].as_str().unwrap_or_default();
        let is_ours = source.is_empty()
            && package["manifest_path"]
                .as_str()
                .is_some_and(|path| Path::new(path).starts_with(repository()));
        assert!(
            is_ours || source.starts_with("registry+"),
            "{} {source}",
            package["name"]
        );
    }
}

#[test]
fn expressions_are_understood() {
    let allowed: Vec<String> = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"]
        .map(String::from)
        .to_vec();
    let is_allowed = |text| Expression::is_allowed(text, &allowed);
    assert!(is_allowed("MIT"));
    assert!(is_allowed("GPL-3.0 OR MIT"));
    assert!(is_allowed("GPL-3.0/MIT"));
    assert!(is_allowed("Apache-2.0 WITH LLVM-exception"));
    assert!(is_allowed("(MIT OR GPL-3.0) AND Apache-2.0"));
    assert!(!is_allowed("MIT AND GPL-3.0"));
    assert!(!is_allowed("GPL-3.0 WITH Classpath-exception-2.0"));
    assert!(!is_allowed("MIT AND (GPL-3.0 OR LGPL-3.0)"));
}
