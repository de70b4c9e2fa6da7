//! `docent eval`: the set in tests/data/quality guards how well docent searches and answers, and
//! broken sets are told with file and line.

use std::path::PathBuf;

use serde_json::Value;

use crate::sandbox::Sandbox;
use crate::tidy::repository;

fn set() -> PathBuf {
    repository().join("tests/data/quality")
}

/// A measure of a report is at least so good. Floors lie below what is measured, by some two
/// questions, so that they stop a loss and no improvement elsewhere.
#[track_caller]
fn floor(report: &Value, measure: &str, least: f64) {
    let value = report.pointer(measure).and_then(Value::as_f64);
    assert!(
        value.is_some_and(|value| value >= least),
        "{measure}: {value:?} < {least}: {report:#}"
    );
}

#[test]
fn what_is_searched_and_answered_is_good_enough() {
    let sandbox = Sandbox::with("");
    let set = set();
    let set = set.to_str().expect("UTF-8");
    let run = sandbox.run(["eval", set, "--ask", "--json", "--save", "hybrid.jsonl"]);
    let report = &run.with_status(0).json_lines()[0];
    assert_eq!(report["queries"], 32);
    floor(report, "/ndcg@10", 0.95);
    floor(report, "/evidence@8", 0.95);
    floor(report, "/answers/quotes_verified", 1.0);
    floor(report, "/answers/citation_recall", 0.9);
    floor(report, "/answers/citation_precision", 0.55);
    floor(report, "/answers/first_quote", 0.5);
    floor(report, "/answers/first_three", 0.8);
    floor(report, "/answers/abstained", 0.5);
    let refused = report["answers"]["refused"].as_f64();
    assert!(refused.is_some_and(|refused| refused <= 0.1), "{report:#}");
    let stages = report["latency"].as_array().expect("stages");
    assert!(
        stages.iter().any(|stage| stage["stage"] == "evidence"),
        "{report:#}"
    );

    let args = ["eval", set, "--no-index", "--mode", "lexical", "--json"];
    let saved = ["--save", "lexical.jsonl"];
    let run = sandbox.run(args.into_iter().chain(saved));
    let lexical = &run.with_status(0).json_lines()[0];
    assert!(lexical["answers"].is_null());
    floor(
        report,
        "/ndcg@10",
        lexical["ndcg@10"].as_f64().expect("a measure") - 0.01,
    );

    let run = sandbox.run([
        "eval",
        "--compare",
        "lexical.jsonl",
        "hybrid.jsonl",
        "--json",
    ]);
    let comparison = &run.with_status(0).json_lines()[0];
    assert_eq!(comparison["common"], 40);
    let ndcg = &comparison["measures"][0];
    assert_eq!(ndcg["before"], lexical["ndcg@10"]);
    assert_eq!(ndcg["after"], report["ndcg@10"]);
    let told = sandbox.run(["eval", "--compare", "lexical.jsonl", "hybrid.jsonl"]);
    let told = told.with_status(0).telling("40 queries compared");
    assert!(told.stdout.contains("95 % interval"), "{told:?}");
}

#[test]
fn a_broken_set_is_told_with_file_and_line() {
    let sandbox = Sandbox::with(
        "
//- corpus/lease.txt
The notice is ninety days.
//- queries.jsonl
{\"id\": 1, \"text\": \"How long is the notice?\"}
//- qrels.tsv
query\tdoc\trelevance
1\tleese.txt\t1
",
    );
    let run = sandbox.run(["eval", "files"]).with_status(2);
    run.telling("qrels.tsv, line 2").telling("leese.txt");
    sandbox.write("qrels.tsv", "query\tdoc\trelevance\n1\tlease.txt\t1\n");
    sandbox.write(
        "queries.jsonl",
        "{\"id\": 1, \"text\": \"How long?\"}\n{\"id\": 2\n",
    );
    sandbox
        .run(["eval", "files"])
        .with_status(2)
        .telling("queries.jsonl, line 2");
    sandbox
        .run(["eval", "nowhere"])
        .with_status(2)
        .telling("corpus");
    sandbox.write("run.jsonl", "{\"id\": 3}\n");
    sandbox
        .run(["eval", "--compare", "files/run.jsonl", "files/run.jsonl"])
        .with_status(2)
        .telling("run.jsonl, line 1");
}
