//! The demo folder's questions: a floor under what is found, quoted, and owned not to know.

use serde_json::Value;

use crate::sandbox::Sandbox;
use crate::tidy::repository;

/// The questions, with the file and the words that answer each.
fn questions() -> Vec<Value> {
    let file = repository().join("tests/data/demo-questions.jsonl");
    let text = std::fs::read_to_string(file).expect("questions");
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// What docent says to each question, by one of its commands.
fn run(sandbox: &Sandbox, args: &[&str]) -> Vec<(Value, Value)> {
    let demo = repository().join("assets/demo");
    let file = repository().join("tests/data/demo-questions.jsonl");
    let mut command = sandbox.docent(args);
    command
        .arg("--in")
        .arg(demo)
        .arg("--queries")
        .arg(file)
        .arg("--json");
    let run = crate::sandbox::Run::of(&mut command);
    assert!(matches!(run.status.code(), Some(0 | 1)), "{run:?}");
    let questions = questions();
    assert_eq!(run.json_lines().len(), questions.len());
    questions.into_iter().zip(run.json_lines()).collect()
}

/// Text without the white space that line breaks and extraction add.
fn flat(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

/// Whether a text of the result holds the words that answer the question.
fn holds(text: &Value, question: &Value) -> bool {
    let words = flat(question["contains"].as_str().expect("words"));
    text.as_str()
        .is_some_and(|text| flat(text).contains(&words))
}

/// The questions whose result is not as it should be; at most `allowed` of them may be.
#[track_caller]
fn floor(
    what: &str,
    allowed: usize,
    results: &[(Value, Value)],
    good: impl Fn(&Value, &Value) -> bool,
) {
    let missed: Vec<&Value> = results
        .iter()
        .filter(|(question, result)| !good(question, result))
        .map(|(question, _)| &question["id"])
        .collect();
    assert!(
        missed.len() <= allowed,
        "{what}: missed {missed:?}, {allowed} may be"
    );
}

#[test]
fn the_demo_is_searched_and_answered() {
    let sandbox = Sandbox::with("");
    let found = run(&sandbox, &["search", "--limit", "5"]);
    let answerable = |results: &[(Value, Value)]| -> Vec<(Value, Value)> {
        let has_answer = |(question, _): &&(Value, Value)| question["path"].is_string();
        results.iter().filter(has_answer).cloned().collect()
    };
    let hits = answerable(&found);
    floor(
        "the file among the first three",
        2,
        &hits,
        |question, result| {
            let first = result["hits"].as_array().into_iter().flatten().take(3);
            first.into_iter().any(|hit| hit["path"] == question["path"])
        },
    );
    floor(
        "the words among the first five",
        3,
        &hits,
        |question, result| {
            let hits = result["hits"].as_array();
            hits.into_iter()
                .flatten()
                .any(|hit| holds(&hit["text"], question))
        },
    );

    let answered = run(&sandbox, &["ask", "--no-model", "--no-index"]);
    floor(
        "the words quoted",
        7,
        &answerable(&answered),
        |question, result| {
            let citations = result["citations"].as_array();
            citations.into_iter().flatten().any(|citation| {
                holds(&citation["quote"], question) && citation["path"] == question["path"]
            })
        },
    );
    floor(
        "nothing that is there denied",
        2,
        &answerable(&answered),
        |_, result| result["abstained"] == false,
    );
    let unanswerable: Vec<(Value, Value)> = answered
        .into_iter()
        .filter(|(question, _)| question["path"].is_null())
        .collect();
    assert!(unanswerable.len() >= 5);
    floor(
        "nothing found where there is nothing",
        1,
        &unanswerable,
        |_, result| result["abstained"] == true,
    );
}
