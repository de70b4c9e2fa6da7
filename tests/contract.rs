//! The machine-readable contract: every field of every `--json` output, as scripts rely on it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

const NOTES: &str = "
//- garden.md
# Garden

## Roses

Prune the roses in the last week of February, before the buds break.

## Beans

Sow runner beans after the fifteenth of May.
//- bread.txt
The dough rests for eleven hours in a cold room.
";

/// The fields of an object, each exactly these.
#[track_caller]
pub(crate) fn fields(value: &Value, expected: &[&str]) {
    let object = value.as_object().expect("an object");
    let got: BTreeSet<&str> = object.keys().map(String::as_str).collect();
    assert_eq!(got, expected.iter().copied().collect(), "{value}");
}

/// Text between two bytes of a file's text, as `docent extract` reads it.
fn stretch(sandbox: &Sandbox, path: &str, start: &Value, end: &Value) -> String {
    let file = format!("files/{path}");
    let run = sandbox.run(["extract", "--json", &file]).with_status(0);
    let text = run.json_lines()[0]["text"]
        .as_str()
        .expect("text")
        .to_owned();
    let at = |byte: &Value| byte.as_u64().expect("a byte") as usize;
    text[at(start)..at(end)].to_owned()
}

#[test]
fn search_prints_an_object_for_each_query_in_their_order() {
    let sandbox = Sandbox::with(NOTES);
    let queries =
        "{\"id\": \"q1\", \"text\": \"when to prune roses\"}\n{\"id\": 2, \"text\": \"dough\"}\n";
    sandbox.write("../queries.jsonl", queries);
    let args = [
        "search",
        "--in",
        "files",
        "--queries",
        "queries.jsonl",
        "--limit",
        "2",
        "--json",
    ];
    let lines = sandbox.run(args).with_status(0).json_lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        [&lines[0]["id"], &lines[1]["id"]],
        [&json!("q1"), &json!(2)]
    );
    for line in &lines {
        fields(line, &["id", "hits"]);
        let hits = line["hits"].as_array().expect("hits");
        assert!((1..=2).contains(&hits.len()), "{line}");
        for hit in hits {
            fields(
                hit,
                &[
                    "path",
                    "locator",
                    "text",
                    "score",
                    "dense_rank",
                    "lexical_rank",
                ],
            );
            fields(&hit["locator"], &["kind", "first", "last"]);
            assert!(hit["score"].is_number());
        }
    }
    assert_eq!(lines[0]["hits"][0]["path"], "garden.md");
    assert_eq!(lines[1]["hits"][0]["path"], "bread.txt");
    let locator = json!({"kind": "lines", "first": 1, "last": 1});
    assert_eq!(lines[1]["hits"][0]["locator"], locator);
}

#[test]
fn modes_give_the_ranks_of_their_retrievers() {
    let sandbox = Sandbox::with(NOTES).indexed();
    let ranks = |mode| {
        let hit = sandbox.hits(mode, "dough rests").remove(0);
        (hit["dense_rank"].clone(), hit["lexical_rank"].clone())
    };
    assert_eq!(ranks("lexical"), (Value::Null, json!(1)));
    assert_eq!(ranks("dense"), (json!(1), Value::Null));
    assert_eq!(ranks("hybrid"), (json!(1), json!(1)));
}

#[test]
fn one_query_prints_one_object() {
    let sandbox = Sandbox::with(NOTES);
    let run = sandbox
        .run(["search", "--in", "files", "--json", "runner", "beans"])
        .with_status(0);
    let lines = run.json_lines();
    assert_eq!(lines.len(), 1);
    fields(&lines[0], &["id", "hits"]);
    assert_eq!(lines[0]["id"], Value::Null);
    assert!(
        lines[0]["hits"][0]["text"]
            .as_str()
            .is_some_and(|t| t.contains("fifteenth of May"))
    );
}

#[test]
fn more_of_a_document_is_shown_around_a_hit() {
    let line = "The boat is kept in the shed from October to the end of March. ";
    let text = format!(
        "# Boat\n\n{0}\n\n## Varnish\n\nVarnish dries in a day.\n\n{0}\n\n## Sails\n\n{0}\n",
        line.repeat(30)
    );
    let sandbox = Sandbox::with(&format!("//- boat.md\n{text}"));
    let search = ["search", "--in", "files", "-n", "1", "varnish dries"];
    for (flag, begins, ends) in [
        (&["--section"][..], "## Varnish", "end of March."),
        (&["--context", "9"][..], "# Boat", "end of March."),
    ] {
        let args = [&search[..], flag].concat();
        let run = sandbox
            .run([&args[..], &["--json"]].concat())
            .with_status(0);
        let around = &run.json_lines()[0]["hits"][0]["around"];
        let shown = around["text"].as_str().unwrap_or_default().trim();
        assert!(
            shown.starts_with(begins) && shown.ends_with(ends),
            "{shown}"
        );
        let span = around["start"].as_u64().zip(around["end"].as_u64());
        let (start, end) = span.expect("offsets");
        assert_eq!(text[start as usize..end as usize].trim(), shown);
        let run = sandbox.run(&args).with_status(0);
        let marked = "│ Varnish dries in a day.";
        assert!(run.stdout.contains(marked), "{}", run.stdout);
    }
    let run = sandbox.run([&search[..], &["--json"]].concat());
    assert_eq!(run.json_lines()[0]["hits"][0]["around"], Value::Null);
}

#[test]
fn queries_come_from_stdin_too() {
    let sandbox = Sandbox::with(NOTES);
    let args = [
        "search",
        "--in",
        "files",
        "--json",
        "--mode",
        "lexical",
        "--queries",
        "-",
    ];
    let run = sandbox
        .run_with_input(&args, "{\"id\": 1, \"text\": \"roses\"}\n")
        .with_status(0);
    assert_eq!(run.json_lines()[0]["hits"][0]["path"], "garden.md");
}

#[test]
fn a_bad_line_of_queries_is_named_before_anything_is_done() {
    let sandbox = Sandbox::with(NOTES);
    sandbox.write(
        "../queries.jsonl",
        "{\"id\": 1, \"text\": \"roses\"}\nroses\n",
    );
    let run = sandbox
        .run([
            "search",
            "--in",
            "files",
            "--json",
            "--queries",
            "queries.jsonl",
        ])
        .with_status(2)
        .telling("queries.jsonl, line 2");
    assert_eq!(run.stdout, "");
}

#[test]
fn answers_carry_citations_that_stand_in_the_document() {
    let sandbox = Sandbox::with(NOTES);
    let queries = "{\"id\": \"a\", \"text\": \"When should I prune the roses?\"}\n\
                   {\"id\": \"b\", \"text\": \"How long does the dough rest?\"}\n";
    sandbox.write("../questions.jsonl", queries);
    let args = [
        "ask",
        "--in",
        "files",
        "--queries",
        "questions.jsonl",
        "--json",
    ];
    let lines = sandbox.run(args).with_status(0).json_lines();
    assert_eq!(
        [&lines[0]["id"], &lines[1]["id"]],
        [&json!("a"), &json!("b")]
    );
    let expected = [
        ("garden.md", "last week of February"),
        ("bread.txt", "eleven hours"),
    ];
    for (line, (path, words)) in lines.iter().zip(expected) {
        fields(
            line,
            &[
                "id",
                "kind",
                "answer",
                "finding",
                "citations",
                "sentences",
                "abstained",
                "survey",
                "searched",
                "passages",
                "timings",
            ],
        );
        fields(
            &line["timings"],
            &["retrieve_ms", "evidence_ms", "first_token_ms", "total_ms"],
        );
        assert_eq!(line["abstained"], false);
        assert!(
            line["timings"]["first_token_ms"].is_u64(),
            "a model ran: {line}"
        );
        let first = &line["citations"][0];
        assert_eq!(first["path"], path);
        assert!(
            first["quote"]
                .as_str()
                .is_some_and(|quote| quote.contains(words)),
            "{line}"
        );
        assert!(
            line["answer"]
                .as_str()
                .is_some_and(|answer| answer.contains("[1]")),
            "{line}"
        );
        for citation in line["citations"].as_array().expect("citations") {
            fields(citation, &["path", "locator", "quote", "start", "end"]);
            let path = citation["path"].as_str().expect("a path");
            let quoted = stretch(&sandbox, path, &citation["start"], &citation["end"]);
            assert_eq!(citation["quote"], quoted);
        }
        for passage in line["passages"].as_array().expect("passages") {
            assert!(
                passage["path"].is_string() && passage["text"].is_string(),
                "{passage}"
            );
            assert!(passage["locator"].is_object(), "{passage}");
        }
    }
}

#[test]
fn a_list_tells_what_was_decided_for_each_document() {
    let sandbox = Sandbox::with(NOTES);
    let args = ["ask", "--in", "files", "--no-model", "--json"];
    let asked = args.into_iter().chain(["Which documents mention beans?"]);
    let line = &sandbox.run(asked).with_status(0).json_lines()[0];
    assert_eq!(line["kind"], "list");
    assert_eq!(line["finding"], "Looked at 2 of 2 documents: 1 matches.");
    let survey = &line["survey"];
    fields(
        survey,
        &["condition", "looked_at", "in_scope", "matching", "rows"],
    );
    assert_eq!(
        survey["rows"],
        json!([
            {"path": "garden.md", "matches": true, "citation": 1},
            {"path": "bread.txt", "matches": false, "citation": null},
        ])
    );
    assert_eq!(line["citations"][0]["label"], "garden.md");
    fields(
        &line["searched"],
        &["query", "terms", "documents", "bearing"],
    );
}

#[test]
fn without_a_model_the_answer_is_the_evidence() {
    let sandbox = Sandbox::with(NOTES);
    let args = [
        "ask",
        "--in",
        "files",
        "--no-model",
        "--json",
        "When are beans sown?",
    ];
    let line = &sandbox.run(args).with_status(0).json_lines()[0];
    assert_eq!(line["id"], Value::Null);
    assert_eq!(line["timings"]["first_token_ms"], Value::Null);
    let answer = line["answer"].as_str().expect("an answer");
    assert!(
        answer.contains("fifteenth of May") && answer.contains("[1]"),
        "{answer}"
    );
}

#[test]
fn status_tells_files_chunks_models_and_what_is_pending() {
    let sandbox = Sandbox::with(NOTES);
    sandbox.write("box.rar", b"Rar!\x1a\x07\x01\0");
    sandbox.write("broken.pdf", "%PDF-1.7\nnothing of the kind");
    sandbox.run(["index", "files"]).with_status(1);
    let status = sandbox.status();
    fields(
        &status,
        &[
            "collection",
            "roots",
            "seen",
            "indexed",
            "partial",
            "failed",
            "skipped",
            "chunks",
            "chunks_embedded",
            "bytes_on_disk",
            "models",
            "second_index",
            "revision",
            "pending",
            "updated",
        ],
    );
    assert_eq!(status["collection"], "files");
    assert_eq!(status["seen"], 4);
    assert_eq!(status["indexed"], 2);
    assert_eq!(status["chunks"], status["chunks_embedded"]);
    assert!(
        status["chunks"].as_u64().is_some_and(|chunks| chunks >= 2),
        "{status}"
    );
    assert_eq!(status["pending"], 0);
    assert_eq!(status["second_index"], Value::Null);
    assert!(
        status["bytes_on_disk"]
            .as_u64()
            .is_some_and(|bytes| bytes > 1000)
    );
    assert!(
        status["revision"]
            .as_u64()
            .is_some_and(|revision| revision >= 1)
    );
    fields(&status["models"], &["embedder"]);
    let embedder = status["models"]["embedder"].as_str();
    assert!(
        embedder.is_some_and(|name| name.contains("MiniLM")),
        "{status}"
    );
    let only = |state: &str| {
        let files = status[state].as_array().expect("files");
        assert_eq!(files.len(), 1, "{state}: {status}");
        fields(&files[0], &["root", "path", "reason", "help"]);
        let reason = files[0]["reason"].as_str().expect("a reason").to_owned();
        (
            files[0]["path"].as_str().expect("a path").to_owned(),
            reason,
        )
    };
    assert_eq!(only("failed").0, "broken.pdf");
    let (path, reason) = only("skipped");
    assert_eq!(path, "box.rar");
    assert!(reason.contains("format not read"), "{reason}");
    assert_eq!(status["partial"], json!([]));
}

/// The fields of a line of `docent extract --json`.
const EXTRACTED: &[&str] = &[
    "path",
    "format",
    "status",
    "reason",
    "help",
    "title",
    "properties",
    "text",
    "blocks",
    "lines",
    "pages",
    "documents",
    "warnings",
];

#[test]
fn extract_prints_text_blocks_and_places() {
    let sandbox = Sandbox::with(NOTES);
    let run = sandbox
        .run(["extract", "--json", "files/garden.md"])
        .with_status(0);
    let line = &run.json_lines()[0];
    fields(line, EXTRACTED);
    assert_eq!(line["path"], "files/garden.md");
    assert_eq!(line["format"], "markdown");
    assert_eq!(line["status"], "ok");
    assert_eq!(line["reason"], Value::Null);
    let text = line["text"].as_str().expect("text");
    let blocks = line["blocks"].as_array().expect("blocks");
    let mut end = 0;
    for block in blocks {
        fields(block, &["start", "end", "type", "locator"]);
        let start = block["start"].as_u64().expect("a byte") as usize;
        assert!(
            text[end..start].trim().is_empty(),
            "only white space between blocks"
        );
        end = block["end"].as_u64().expect("a byte") as usize;
    }
    assert!(text[end..].trim().is_empty());
}

#[test]
fn extract_says_why_a_file_was_not_read() {
    let sandbox = Sandbox::with("");
    sandbox.write("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    for file in ["files/picture.png", "files/no-such-file.txt", "files"] {
        let line = &sandbox
            .run(["extract", "--json", file])
            .with_status(1)
            .json_lines()[0];
        fields(line, EXTRACTED);
        assert_eq!(line["status"], "failed", "{line}");
        assert!(
            line["reason"]
                .as_str()
                .is_some_and(|reason| reason.len() > 8),
            "{line}"
        );
    }
}

#[test]
fn show_prints_what_was_read_with_its_lines() {
    let sandbox = Sandbox::with(NOTES).indexed();
    let run = sandbox.run(["show", "garden.md:9"]).with_status(0);
    let line = run
        .stdout
        .lines()
        .find(|line| line.starts_with('>'))
        .expect("a marked line");
    assert!(line.contains("9  Sow runner beans"), "{}", run.stdout);

    let line = &sandbox
        .run(["show", "--json", "bread.txt"])
        .with_status(0)
        .json_lines()[0];
    fields(line, &["collection", "root", "path", "document"]);
    assert!(
        line["document"]["text"]
            .as_str()
            .is_some_and(|text| text.contains("dough"))
    );

    sandbox
        .run(["show", "garden.md:99"])
        .with_status(2)
        .telling("its last is 9");
    sandbox
        .run(["show", "cellar.md"])
        .with_status(2)
        .telling("cellar.md");
}

#[test]
fn terminal_sequences_in_documents_never_reach_the_terminal() {
    let sandbox = Sandbox::with("");
    sandbox.write(
        "evil.txt",
        "The code word is heron\u{1b}[2J\u{1b}]0;owned\u{7} for tonight.\n",
    );
    for args in [
        &["search", "--in", "files", "heron"][..],
        &[
            "ask",
            "--in",
            "files",
            "--no-model",
            "What is the code word?",
        ],
        &["show", "evil.txt"],
        &["extract", "files/evil.txt"],
    ] {
        let run = sandbox.run(args);
        assert!(run.stdout.contains("heron"), "{run:?}");
        assert!(
            !run.stdout.contains('\u{1b}') && !run.stdout.contains('\u{7}'),
            "{run:?}"
        );
    }
}
