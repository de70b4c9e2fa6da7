//! The command line: help, misuse, exit statuses, pipes, quiet and verbose.

use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use crate::sandbox::{Run, Sandbox};

const LETTERS: &str = "
//- letters/landlord.md
# Letter to the landlord

The heating in the flat has failed. Please repair the boiler before Friday.
//- letters/mill.txt
The mill delivers forty sacks of rye flour on the second Monday of each month.
";

#[test]
fn without_a_terminal_and_a_command_docent_shows_its_help() {
    let sandbox = Sandbox::with("");
    let run = sandbox.run::<&str>([]).with_status(2);
    assert!(run.stdout.is_empty(), "{run:?}");
    for command in ["add", "ask", "search", "watch", "doctor", "completions"] {
        assert!(
            run.stderr.contains(&format!("\n  {command} ")),
            "{command}: {run:?}"
        );
    }
    assert!(!run.stderr.contains("extract-worker"), "{run:?}");
}

#[test]
fn every_command_has_help() {
    let sandbox = Sandbox::with("");
    for command in [
        "add",
        "remove",
        "list",
        "index",
        "watch",
        "search",
        "ask",
        "status",
        "show",
        "extract",
        "rebuild",
        "forget",
        "models",
        "doctor",
        "completions",
    ] {
        let run = sandbox.run([command, "--help"]).with_status(0);
        assert!(run.stdout.contains("Usage: docent"), "{command}: {run:?}");
        assert!(run.stdout.contains("--json"), "{command}: {run:?}");
    }
}

#[test]
fn misuse_is_status_2() {
    let sandbox = Sandbox::with("");
    sandbox.run(["no-such-command"]).with_status(2);
    sandbox.run(["search"]).with_status(2);
    sandbox
        .run(["search", "--mode", "psychic", "x"])
        .with_status(2);
    sandbox.run(["list", "--quiet", "--verbose"]).with_status(2);
    sandbox
        .run(["search", "rye"])
        .with_status(2)
        .telling("there is no collection yet");
    sandbox
        .run(["status", "nothing"])
        .with_status(2)
        .telling("nothing");
}

#[test]
fn hits_go_to_stdout_and_everything_else_to_stderr() {
    let sandbox = Sandbox::with(LETTERS);
    let run = sandbox
        .run(["search", "--in", "files", "rye flour"])
        .with_status(0);
    assert!(run.stdout.contains("letters/mill.txt, line 1"), "{run:?}");
    assert!(run.stdout.contains("forty sacks"), "{run:?}");
    assert!(!run.stdout.contains("hits in"), "{run:?}");
    assert!(run.stderr.contains("in 2 documents"), "{run:?}");
    assert!(
        !run.stdout.contains('\u{1b}'),
        "no colours in a pipe: {run:?}"
    );

    let quiet = sandbox
        .run(["search", "--quiet", "--in", "files", "rye flour"])
        .with_status(0);
    assert_eq!(quiet.stdout, run.stdout);
    assert_eq!(quiet.stderr, "");

    let verbose = sandbox.run(["list", "-v"]).with_status(0);
    assert!(verbose.stderr.contains("embedder loaded"), "{verbose:?}");
}

#[test]
fn colours_come_when_asked_for() {
    let sandbox = Sandbox::with(LETTERS);
    let run = sandbox
        .run(["search", "--color", "always", "--in", "files", "rye"])
        .with_status(0);
    assert!(run.stdout.contains("\u{1b}["), "{run:?}");
}

#[test]
fn finding_nothing_is_status_1() {
    let sandbox = Sandbox::with(LETTERS);
    let args = ["search", "--in", "files", "--mode", "lexical", "xylophone"];
    let run = sandbox.run(args).with_status(1);
    assert_eq!(run.stdout, "");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let sandbox = Sandbox::with(LETTERS).indexed();
    let queries: String = (0..2000)
        .map(|id| format!("{{\"id\": {id}, \"text\": \"rye flour\"}}\n"))
        .collect();
    sandbox.write("../queries.jsonl", queries);
    let args = [
        "search",
        "--in",
        "files",
        "--no-index",
        "--mode",
        "lexical",
        "--json",
    ];
    let mut child = sandbox
        .docent(args.into_iter().chain(["--queries", "queries.jsonl"]))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("docent starts");
    let mut some = [0; 20];
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_exact(&mut some).expect("some output");
    drop(stdout);
    let run = Run::from(child.wait_with_output().expect("docent ends"));
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    assert_eq!(run.stderr, "");
}

#[test]
fn collections_are_added_listed_and_removed() {
    let sandbox = Sandbox::with(LETTERS);
    sandbox.run(["add", "post", "files/letters"]).with_status(0);
    let listed = sandbox.run(["list", "--json"]).with_status(0).json_lines();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["collection"], "post");
    let root = sandbox.file("letters").canonicalize().expect("a folder");
    assert_eq!(listed[0]["roots"][0], root.to_str().expect("UTF-8"));

    // The only collection needs no name.
    let run = sandbox.run(["search", "boiler"]).with_status(0);
    assert!(run.stdout.contains("landlord.md"), "{run:?}");

    sandbox.run(["remove", "post"]).with_status(0);
    assert_eq!(sandbox.run(["list", "--json"]).with_status(0).stdout, "");
    assert!(sandbox.file("letters/mill.txt").is_file(), "files stay");
    sandbox
        .run(["remove", "post"])
        .with_status(2)
        .telling("post");
}

#[test]
fn bad_names_are_refused() {
    let sandbox = Sandbox::with(LETTERS);
    for name in ["", "../escape", "a/b", "."] {
        sandbox.run(["add", name, "files"]).with_status(2);
    }
    assert!(!sandbox.root().join("escape").exists());
}

#[test]
fn completions_are_scripts() {
    let sandbox = Sandbox::with("");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = sandbox.run(["completions", shell]).with_status(0);
        assert!(run.stdout.contains("docent"), "{shell}");
    }
}

#[test]
fn doctor_finds_a_fresh_installation_sound() {
    let sandbox = Sandbox::with(LETTERS).indexed();
    let run = sandbox.run(["doctor", "--json"]);
    let checks = sound(&run);
    for name in [
        "version",
        "settings",
        "index home",
        "embedder",
        "generator",
        "processor",
        "extraction worker",
    ] {
        let check = checks.iter().find(|check| check["check"] == name);
        let check = check.unwrap_or_else(|| panic!("{name}: {}", run.stdout));
        assert_eq!(check["verdict"], "good", "{check}");
    }
    let shown = sandbox.run(["doctor"]);
    assert_eq!(shown.status.code(), run.status.code(), "{shown:?}");
}

/// The checks of a `docent doctor --json` that complains of nothing but, where this machine has no
/// Tesseract, of that.
#[track_caller]
pub(crate) fn sound(run: &Run) -> Vec<Value> {
    let checks = run.json_lines();
    let complaints = checks.iter().filter(|check| check["verdict"] != "good");
    let names: Vec<&Value> = complaints.map(|check| &check["check"]).collect();
    assert!(names.iter().all(|name| **name == "ocr"), "{run:#?}");
    assert_eq!(run.status.code(), Some(i32::from(!names.is_empty())));
    checks
}

#[test]
fn doctor_tells_what_is_wrong_and_what_to_do() {
    let sandbox = Sandbox::with("");
    sandbox.write("../broken.toml", "[walk]\nhiden = true\n");
    sandbox.write("../reranker.toml", "[models]\nreranker = \"nowhere\"\n");
    let doctor = ["doctor", "--settings", "reranker.toml"];
    let reranker = sandbox.run(doctor).with_status(1);
    assert!(reranker.stdout.contains("nowhere"), "{reranker:?}");
    let args = [
        "doctor",
        "--json",
        "--settings",
        "broken.toml",
        "--model",
        "no-such.gguf",
    ];
    let run = sandbox.run(args).with_status(1);
    let bad: Vec<_> = run
        .json_lines()
        .into_iter()
        .filter(|c| c["verdict"] == "bad")
        .collect();
    let names: Vec<_> = bad.iter().map(|check| check["check"].as_str()).collect();
    assert_eq!(names, [Some("settings"), Some("generator")], "{run:?}");
    assert!(
        bad[0]["detail"]
            .as_str()
            .is_some_and(|d| d.contains("hiden"))
    );
    assert!(bad.iter().all(|check| check["fix"].is_string()));
}

#[test]
fn wrong_settings_are_told_with_their_line() {
    let sandbox = Sandbox::with(LETTERS);
    sandbox.write(
        "../home/config/docent/settings.toml",
        "[walk]\nhiden = true\n",
    );
    sandbox
        .run(["list"])
        .with_status(2)
        .telling("settings.toml")
        .telling("line 2")
        .telling("hiden");
}

#[test]
fn settings_and_flags_decide_what_is_read() {
    let sandbox = Sandbox::with(
        "
//- .gitignore
drafts/
//- drafts/a.txt
An early draft about walnuts.
//- .secret/b.txt
A hidden note about hazelnuts.
//- c.txt
A plain note about almonds.
",
    );
    let files = |run: Run| {
        let line = &run.with_status(0).json_lines()[0];
        line["indexed"].as_u64().expect("a number")
    };
    std::fs::create_dir(sandbox.file(".git")).expect("a folder");
    assert_eq!(files(sandbox.run(["index", "files", "--json"])), 1);
    assert_eq!(
        files(sandbox.run(["index", "files", "--json", "--no-ignore"])),
        2
    );
    sandbox.write(
        "../home/config/docent/settings.toml",
        "[walk]\nhidden = true\nignore_files = false\n",
    );
    let all = files(sandbox.run(["index", "files", "--json"]));
    assert!(all >= 3, "hidden files, too: {all}");
}
