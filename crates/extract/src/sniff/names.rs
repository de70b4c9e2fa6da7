//! Kinds of file that are known by their names.

use super::kind::Kind;

/// A language whose grammar is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grammar {
    Rust,
    Python,
    JavaScript,
    TypeScript,
    Tsx,
    Go,
    Java,
    C,
    Cpp,
    CSharp,
    Ruby,
    Php,
    Bash,
}

/// How a file of source code is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodeKind {
    /// By its grammar, an item to a block.
    Grammar(Grammar),
    /// By its blank lines.
    Lines,
}

/// The last part of a path, and its extension in lower case.
pub(crate) fn parts(name: &str) -> (String, String) {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let extension = match base.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension.to_ascii_lowercase(),
        _ => String::new(),
    };
    (base.to_owned(), extension)
}

/// The reader of a text by its extension, source code aside.
pub(crate) fn text_kind(extension: &str) -> Option<Kind> {
    Some(match extension {
        "md" | "markdown" | "mdown" | "mkd" | "mdx" | "rmd" | "qmd" => Kind::Markdown,
        "rst" | "rest" => Kind::RestructuredText,
        "adoc" | "asciidoc" | "asc" => Kind::AsciiDoc,
        "org" => Kind::Org,
        "tex" | "latex" | "ltx" => Kind::Latex,
        "html" | "htm" | "xhtml" | "xht" | "shtml" => Kind::Html,
        "mht" | "mhtml" => Kind::Mhtml,
        "fb2" => Kind::Fb2,
        "eml" | "emlx" => Kind::Eml,
        "mbox" | "mbx" => Kind::Mbox,
        "csv" | "tsv" | "tab" => Kind::Csv,
        "json" | "geojson" | "json5" | "jsonc" | "topojson" | "webmanifest" => Kind::Json,
        "jsonl" | "ndjson" => Kind::JsonLines,
        "xml" | "atom" | "csproj" | "dbk" | "dita" | "docbook" | "fsproj" | "gpx" | "jats"
        | "kml" | "nxml" | "opml" | "plist" | "rdf" | "resx" | "rng" | "rss" | "svg" | "tei"
        | "vbproj" | "wsdl" | "xaml" | "xmp" | "xsd" | "xsl" | "xslt" => Kind::Xml,
        "yaml" | "yml" => Kind::Yaml,
        "toml" => Kind::Toml,
        "ipynb" => Kind::Notebook,
        "vtt" | "srt" => Kind::Subtitles,
        "ics" | "ical" | "ifb" => Kind::Calendar,
        "vcf" | "vcard" => Kind::Contacts,
        "p7m" => Kind::Signed,
        _ => return None,
    })
}

/// How a file of source code is read; `None` if it is none. A script without an extension
/// names its language in its first line.
pub(crate) fn code_kind(base: &str, extension: &str, first: &[u8]) -> Option<CodeKind> {
    if extension.is_empty() {
        return interpreter(first).or_else(|| whole_name(base));
    }
    if let Some(grammar) = grammar(extension) {
        return Some(CodeKind::Grammar(grammar));
    }
    if LINE_CODE.binary_search(&extension).is_ok() {
        return Some(CodeKind::Lines);
    }
    whole_name(base)
}

fn grammar(extension: &str) -> Option<Grammar> {
    Some(match extension {
        "rs" => Grammar::Rust,
        "py" | "pyi" | "pyw" => Grammar::Python,
        "js" | "mjs" | "cjs" | "jsx" => Grammar::JavaScript,
        "ts" | "mts" | "cts" => Grammar::TypeScript,
        "tsx" => Grammar::Tsx,
        "go" => Grammar::Go,
        "java" => Grammar::Java,
        "c" => Grammar::C,
        // A header of C parses as C++ almost always, and not the other way round.
        "h" | "cpp" | "cc" | "cxx" | "c++" | "hpp" | "hh" | "hxx" | "h++" | "ipp" | "inl"
        | "cu" | "cuh" | "ino" => Grammar::Cpp,
        "cs" | "csx" => Grammar::CSharp,
        "rb" | "rake" | "gemspec" => Grammar::Ruby,
        "php" | "phtml" | "php5" | "php7" => Grammar::Php,
        "sh" | "bash" | "zsh" | "ksh" | "bats" => Grammar::Bash,
        _ => return None,
    })
}

/// Extensions of source code and configuration that is read by its blank lines; sorted.
const LINE_CODE: &[&str] = &[
    "abap",
    "ada",
    "adb",
    "ads",
    "ahk",
    "applescript",
    "asm",
    "asp",
    "aspx",
    "astro",
    "au3",
    "awk",
    "bas",
    "bat",
    "bazel",
    "bzl",
    "cbl",
    "cfg",
    "cl",
    "clj",
    "cljc",
    "cljs",
    "cmake",
    "cmd",
    "cob",
    "cobol",
    "coffee",
    "conf",
    "cr",
    "cshtml",
    "css",
    "d",
    "dart",
    "dhall",
    "diff",
    "ebnf",
    "edn",
    "ejs",
    "el",
    "elm",
    "env",
    "erb",
    "erl",
    "ex",
    "exs",
    "f",
    "f03",
    "f77",
    "f90",
    "f95",
    "fish",
    "for",
    "fs",
    "fsi",
    "fsx",
    "gd",
    "glsl",
    "gn",
    "gql",
    "gradle",
    "graphql",
    "groovy",
    "gyp",
    "haml",
    "hbs",
    "hcl",
    "heex",
    "hlsl",
    "hrl",
    "hs",
    "idl",
    "ini",
    "ispc",
    "j2",
    "jinja",
    "jinja2",
    "jl",
    "jsp",
    "kt",
    "kts",
    "ld",
    "lds",
    "less",
    "liquid",
    "lisp",
    "ll",
    "lua",
    "m",
    "m4",
    "metal",
    "mk",
    "ml",
    "mli",
    "mm",
    "mojo",
    "mustache",
    "nim",
    "nix",
    "njk",
    "odin",
    "pas",
    "patch",
    "pl",
    "plsql",
    "pm",
    "postcss",
    "pp",
    "prisma",
    "properties",
    "proto",
    "ps1",
    "psm1",
    "pug",
    "purs",
    "pxd",
    "pyx",
    "qml",
    "r",
    "raku",
    "rbs",
    "reg",
    "rexx",
    "rkt",
    "s",
    "sas",
    "sass",
    "sbt",
    "scala",
    "scm",
    "scss",
    "slim",
    "smali",
    "sml",
    "sol",
    "spec",
    "sql",
    "stan",
    "star",
    "styl",
    "sv",
    "svelte",
    "svh",
    "swift",
    "tcl",
    "tf",
    "tfvars",
    "thrift",
    "twig",
    "typ",
    "v",
    "vala",
    "vb",
    "vbs",
    "vhd",
    "vhdl",
    "vim",
    "vue",
    "wast",
    "wat",
    "wgsl",
    "xquery",
    "yang",
    "zig",
    "zsh-theme",
];

fn whole_name(base: &str) -> Option<CodeKind> {
    match base {
        "Makefile" | "makefile" | "GNUmakefile" | "Dockerfile" | "Containerfile"
        | "CMakeLists.txt" | "Jenkinsfile" | "Justfile" | "justfile" | "meson.build" | "BUILD"
        | "WORKSPACE" => Some(CodeKind::Lines),
        "Rakefile" | "Gemfile" | "Vagrantfile" | "Podfile" => {
            Some(CodeKind::Grammar(Grammar::Ruby))
        }
        _ => None,
    }
}

/// The language that a `#!` line names.
fn interpreter(first: &[u8]) -> Option<CodeKind> {
    let line = first
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let line = std::str::from_utf8(line).ok()?;
    let program = line
        .split_ascii_whitespace()
        .map(|word| word.rsplit('/').next().unwrap_or(word))
        .find(|word| *word != "env" && !word.starts_with('-'))?;
    let name = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    Some(match name {
        "python" | "pypy" => CodeKind::Grammar(Grammar::Python),
        "node" | "deno" | "bun" => CodeKind::Grammar(Grammar::JavaScript),
        "sh" | "bash" | "dash" | "zsh" | "ksh" | "ash" => CodeKind::Grammar(Grammar::Bash),
        "ruby" => CodeKind::Grammar(Grammar::Ruby),
        "php" => CodeKind::Grammar(Grammar::Php),
        _ => CodeKind::Lines,
    })
}

/// What a file of this extension is, where docent does not read it yet.
pub(crate) fn not_read_yet(extension: &str) -> Option<&'static str> {
    let at = NOT_YET
        .binary_search_by_key(&extension, |(known, _)| known)
        .ok()?;
    Some(NOT_YET[at].1)
}

/// Extensions of documents that are not read yet; sorted.
const NOT_YET: &[(&str, &str)] = &[
    ("avif", "AVIF (image)"),
    ("azw3", "AZW3 (book)"),
    ("chm", "CHM (Windows help)"),
    ("djvu", "DjVu (scanned document)"),
    ("heic", "HEIC (image)"),
    ("mobi", "MOBI (book)"),
    ("pst", "PST (Outlook mailbox)"),
    ("webarchive", "WEBARCHIVE (web archive)"),
    ("wpd", "WPD (WordPerfect document)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted() {
        assert!(LINE_CODE.is_sorted());
        assert!(NOT_YET.is_sorted_by_key(|(extension, _)| extension));
    }

    #[test]
    fn parts_of_names() {
        assert_eq!(parts("a/b/Notes.TXT"), ("Notes.TXT".into(), "txt".into()));
        assert_eq!(parts(".bashrc"), (".bashrc".into(), String::new()));
        assert_eq!(parts("x.tar.gz").1, "gz");
    }

    #[test]
    fn scripts_name_their_language() {
        let kind = |line: &[u8]| code_kind("run", "", line);
        assert_eq!(
            kind(b"#!/usr/bin/env -S python3.12 -u\n"),
            Some(CodeKind::Grammar(Grammar::Python))
        );
        assert_eq!(kind(b"#!/bin/sh\n"), Some(CodeKind::Grammar(Grammar::Bash)));
        assert_eq!(kind(b"#!/usr/bin/perl\n"), Some(CodeKind::Lines));
        assert_eq!(kind(b"hello"), None);
    }
}
