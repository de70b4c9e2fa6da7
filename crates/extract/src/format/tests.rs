//! What holds of every format, whatever the bytes.

use docent_core::source::Gap;
use proptest::prelude::*;

use super::*;
use crate::check;

/// A name for each way in which bytes are read.
const NAMES: &[&str] = &[
    "a", "a.txt", "a.md", "a.html", "a.xhtml", "a.pdf", "a.rs", "a.py", "a.js", "a.ts", "a.tsx",
    "a.go", "a.java", "a.c", "a.cpp", "a.cs", "a.rb", "a.php", "a.sh", "a.lua", "a.json", "a.docx",
    "a.csv", "a.jsonl", "a.xml", "a.yaml", "a.toml", "a.ipynb", "a.vtt", "a.srt", "a.ics", "a.vcf",
    "a.rst", "a.adoc", "a.org", "a.tex", "a.eml", "a.mbox", "a.mhtml", "a.p7m", "a.tar",
];

fn assert_sound(bytes: &[u8], name: &str) {
    let extraction = extract_bytes(bytes, name, &Limits::default());
    assert_eq!(extraction.bytes, bytes.len() as u64);
    match extraction.outcome {
        Outcome::Read(document) => assert_eq!(check(&document), Ok(()), "{name}"),
        Outcome::Failed(Gap { reason, .. }) | Outcome::Skipped(Gap { reason, .. }) => {
            assert!(!reason.is_empty(), "{name}");
            assert!(!reason.contains("broke off"), "{name}: {reason}");
        }
    }
}

/// Pieces that mean something to some format, in an order that means nothing.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "# ",
        "\n",
        "\n\n",
        "- ",
        "> ",
        "```\n",
        "| a | b |\n|--|--|\n",
        "[x]: y\n",
        "<p>",
        "</p>",
        "<table><tr><td>",
        "</table>",
        "<ul><li>",
        "<pre>",
        "<!--",
        "<script>",
        "hidden",
        "fn f() {",
        "}",
        "class A:\n    ",
        "def m(self):\n",
        "/* ",
        "// c\n",
        "\"",
        "'",
        "(",
        "word ",
        "é",
        "東",
        "\r\n",
        "\t",
        "\u{2028}",
        "\u{a0}",
        "<?php ",
        "#!/bin/sh\n",
        "---\n",
        "title: x\n",
        "struct S { int a; };\n",
        "impl T for S {\n",
        "From: a@b\n",
        "Subject: x\n\n",
        "From x\n",
        "BEGIN:VEVENT\n",
        "00:01 --> 00:02\n",
        "== T\n",
        "&amp;",
        "style='display:none'",
    ]);
    prop::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_are_sound(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        NAMES.iter().for_each(|name| assert_sound(&bytes, name));
    }

    #[test]
    fn arbitrary_text_is_sound(text in "\\PC{0,200}") {
        NAMES.iter().for_each(|name| assert_sound(text.as_bytes(), name));
    }

    #[test]
    fn fragments_are_sound(bytes in fragments()) {
        NAMES.iter().for_each(|name| assert_sound(&bytes, name));
    }
}

#[test]
fn long_lines_are_sound() {
    for content in [
        "x".repeat(1 << 20),
        "a b ".repeat(1 << 18),
        "é,".repeat(1 << 18),
    ] {
        ["a.txt", "a.md", "a.html", "a.js", "a.json"]
            .iter()
            .for_each(|name| assert_sound(content.as_bytes(), name));
    }
}

#[test]
fn text_of_text_formats_is_the_file_s() {
    let content = "# Title\n\nfn main() {}\n\n- é\n";
    for name in ["a.txt", "a.md", "a.rs"] {
        match extract_bytes(content.as_bytes(), name, &Limits::default()).outcome {
            Outcome::Read(document) => assert_eq!(document.text, content),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_left_out_says_why() {
    let outcome = |bytes: &[u8], name: &str| extract_bytes(bytes, name, &Limits::default()).outcome;
    assert_eq!(outcome(b"", "a.txt"), Outcome::skipped("empty file"));
    assert_eq!(
        outcome(b" \n\t\n", "a.txt"),
        Outcome::skipped("empty: nothing but white space")
    );
    let small = Limits {
        max_file_bytes: 3,
        ..Limits::default()
    };
    let extraction = extract_bytes(b"four", "a.txt", &small);
    assert!(
        matches!(&extraction.outcome, Outcome::Skipped(gap) if gap.reason.starts_with("too large"))
    );
    assert_eq!(extraction.hash, None);
}
