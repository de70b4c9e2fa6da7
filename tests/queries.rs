//! The query language through the program: filters as words and as flags, spelling, numbers.

use std::fs::File;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::sandbox::{Sandbox, path_of};

const CORPUS: &str = "
//- mail/offer.eml
From: Ann Smith <ann@example.com>
To: Jane Doe <jane@example.org>
Cc: Bob <bob@example.org>
Date: Fri, 1 Mar 2024 09:30:00 +0100
Subject: The offer
Content-Type: text/plain

The harbour is leased for two thousand a month.
//- notes/harbour.md
# Harbour

The harbour opens at six in the morning, and Section 12(b) of the rules says who may enter. The
gate was repaired on 12 March 2021.
//- notes/hafen.md
# Der Hafen

Der Hafen wird um sechs Uhr morgens für alle Schiffe geöffnet, und harbour ist das englische Wort
für einen Hafen, das hier nur einmal steht.
";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with(CORPUS);
    // Notes say nothing of their date, so that of the file counts: 2020-06-15 at noon.
    let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_592_222_400);
    for note in ["notes/harbour.md", "notes/hafen.md"] {
        let file = File::options().write(true).open(sandbox.file(note));
        file.and_then(|file| file.set_modified(noon))
            .expect("a file's time");
    }
    sandbox.indexed()
}

const MAIL: &str = "mail/offer.eml";
const ENGLISH: &str = "notes/harbour.md";
const GERMAN: &str = "notes/hafen.md";

#[test]
fn filters_narrow_in_the_query_and_as_flags() {
    let sandbox = sandbox();
    for (filter, flags, expected) in [
        ("path:notes", ["--path", "notes"], vec![GERMAN, ENGLISH]),
        ("type:mail", ["--type", "eml"], vec![MAIL]),
        ("title:offer", ["--title", "offer"], vec![MAIL]),
        ("lang:de", ["--lang", "german"], vec![GERMAN]),
        ("from:smith", ["--from", "SMITH"], vec![MAIL]),
        ("to:\"Jane Doe\"", ["--to", "Jane Doe"], vec![MAIL]),
        ("to:bob", ["--to", "bob"], vec![MAIL]),
        ("from:jane", ["--from", "jane"], vec![]),
        ("after:2024", ["--after", "2024-03-01"], vec![MAIL]),
        (
            "before:2024-03",
            ["--before", "2024"],
            vec![GERMAN, ENGLISH],
        ),
        (
            "date:2020-06",
            ["--date", "15.06.2020"],
            vec![GERMAN, ENGLISH],
        ),
        ("after:30d", ["--after", "1m"], vec![]),
    ] {
        let typed = sandbox.paths("lexical", &format!("harbour {filter}"));
        assert_eq!(typed, expected, "{filter}");
        assert_eq!(
            sandbox.paths("dense", &format!("harbour {filter}")),
            expected
        );
        let [flag, value] = flags;
        let args = [
            "search",
            "--in",
            "files",
            "--no-index",
            "--json",
            flag,
            value,
            "harbour",
        ];
        let run = sandbox.run(args);
        let lines = run.json_lines();
        let mut paths: Vec<String> = lines[0]["hits"]
            .as_array()
            .expect("hits")
            .iter()
            .map(path_of)
            .collect();
        paths.sort();
        assert_eq!(paths, expected, "{flag} {value}");
    }
    for (filter, expected) in [
        ("-type:mail", vec![GERMAN, ENGLISH]),
        ("-lang:de -from:smith", vec![ENGLISH]),
        ("-after:2024", vec![GERMAN, ENGLISH]),
        ("after:2020 before:2021", vec![GERMAN, ENGLISH]),
        ("-date:2020", vec![MAIL]),
    ] {
        let typed = sandbox.paths("lexical", &format!("harbour {filter}"));
        assert_eq!(typed, expected, "{filter}");
    }
}

#[test]
fn a_wrong_value_is_told() {
    let sandbox = sandbox();
    let search = ["search", "--in", "files", "--no-index"];
    sandbox
        .run(search.into_iter().chain(["harbour after:soon"]))
        .with_status(0)
        .telling("“soon” is no date");
    sandbox
        .run(search.into_iter().chain(["--after", "soon", "harbour"]))
        .with_status(2)
        .telling("“soon” is no date");
    sandbox
        .run(search.into_iter().chain(["--lang", "klingon", "harbour"]))
        .with_status(2)
        .telling("“klingon” is no language");
    let ask = ["ask", "--in", "files", "--no-index", "--no-model"];
    sandbox
        .run(ask.into_iter().chain(["--type", "spaceship", "harbour"]))
        .with_status(2)
        .telling("“spaceship” is no type");
}

#[test]
fn a_question_is_asked_of_the_documents_that_pass() {
    let sandbox = sandbox();
    let ask = ["ask", "--in", "files", "--no-index", "--no-model", "--json"];
    let question = "When does the harbour open?";
    for filters in [vec!["--from", "smith"], vec!["--after", "2024"]] {
        let run = sandbox.run(ask.into_iter().chain(filters).chain([question]));
        let line = &run.json_lines()[0];
        let passages = line["passages"].as_array().expect("passages");
        assert!(!passages.is_empty());
        assert!(
            passages.iter().all(|passage| passage["path"] == MAIL),
            "{line}"
        );
    }
}

#[test]
fn misspelled_words_are_tried_and_that_is_told() {
    let sandbox = sandbox();
    let args = ["search", "--in", "files", "--no-index", "--mode", "lexical"];
    sandbox
        .run(args.into_iter().chain(["harbuor"]))
        .with_status(0)
        .telling("also searched for harbour");
    let run = sandbox.run(args.into_iter().chain(["--json", "harbuor"]));
    let line = &run.with_status(0).json_lines()[0];
    let correction = json!([{"typed": "harbuor", "tried": ["harbour"]}]);
    assert_eq!(line["corrections"], correction);
    let run = sandbox.run(args.into_iter().chain(["--json", "\"harbuor\""]));
    let line = &run.with_status(1).json_lines()[0];
    assert_eq!(line["hits"], json!([]));
    assert!(line.get("corrections").is_none(), "{line}");
}

#[test]
fn sections_and_dates_are_found_however_they_are_written() {
    let sandbox = sandbox();
    for typed in [
        "§ 12(b)",
        "Sec. 12(b)",
        "12.03.2021",
        "2021-03-12",
        "March 12, 2021",
    ] {
        let hits = sandbox.hits("lexical", typed);
        assert_eq!(path_of(&hits[0]), ENGLISH, "{typed}");
    }
}
