//! Files that come, change, move and go; an index that follows without doing work twice.

use std::fs;

use crate::sandbox::Sandbox;

const FARM: &str = "
//- barn/cows.md
The cows are milked at five in the morning.
//- barn/sheep.md
The sheep are shorn in June.
//- field.txt
The upper field carries barley this year.
";

/// A figure of what `docent index` told.
fn count(sandbox: &Sandbox, field: &str) -> u64 {
    sandbox.status()[field].as_u64().expect("a number")
}

#[test]
fn an_unchanged_collection_embeds_nothing_again() {
    let sandbox = Sandbox::with(FARM);
    let first = sandbox.run(["index", "files"]).with_status(0);
    assert!(first.stderr.contains("3 new"), "{first:?}");
    let revision = count(&sandbox, "revision");
    let again = sandbox.run(["index", "files"]).with_status(0);
    assert!(again.stderr.contains("nothing new"), "{again:?}");
    assert!(again.stderr.contains("0 embedded now"), "{again:?}");
    assert_eq!(
        count(&sandbox, "revision"),
        revision,
        "nothing was committed"
    );
}

#[test]
fn a_deleted_file_is_gone_from_every_answer() {
    let sandbox = Sandbox::with(FARM).indexed();
    assert_eq!(sandbox.paths("lexical", "barley"), ["field.txt"]);
    fs::remove_file(sandbox.file("field.txt")).expect("a file");
    let args = [
        "search",
        "--in",
        "files",
        "--json",
        "What grows on the upper field? barley",
    ];
    let run = sandbox.run(args);
    assert!(!run.stdout.contains("barley this year"), "{run:?}");
    let args = [
        "ask",
        "--in",
        "files",
        "--no-model",
        "--no-index",
        "--json",
        "Which field carries barley?",
    ];
    let run = sandbox.run(args);
    assert!(!run.stdout.contains("barley this year"), "{run:?}");
    assert_eq!(count(&sandbox, "seen"), 2);
}

#[test]
fn a_renamed_or_moved_file_is_not_embedded_again() {
    let sandbox = Sandbox::with(FARM).indexed();
    fs::rename(sandbox.file("barn"), sandbox.file("stable")).expect("a folder");
    fs::rename(sandbox.file("field.txt"), sandbox.file("stable/acre.txt")).expect("a file");
    let run = sandbox.run(["index", "files"]).with_status(0);
    assert!(run.stderr.contains("3 moved"), "{run:?}");
    assert!(run.stderr.contains("0 embedded now"), "{run:?}");
    assert_eq!(sandbox.paths("hybrid", "barley")[0], "stable/acre.txt");
    let everything = sandbox.paths("dense", "animals and fields");
    assert_eq!(
        everything,
        ["stable/acre.txt", "stable/cows.md", "stable/sheep.md"]
    );
}

#[test]
fn a_changed_file_is_found_by_its_new_words_only() {
    let sandbox = Sandbox::with(FARM).indexed();
    sandbox.write(
        "barn/sheep.md",
        "The sheep were sold to a farm in the valley.\n",
    );
    let run = sandbox.run(["index", "files"]).with_status(0);
    assert!(run.stderr.contains("1 changed"), "{run:?}");
    assert!(sandbox.paths("lexical", "shorn").is_empty());
    assert_eq!(sandbox.paths("lexical", "valley"), ["barn/sheep.md"]);
    assert_eq!(count(&sandbox, "pending"), 0);
}

#[test]
fn a_changed_file_of_equal_size_is_noticed() {
    let sandbox = Sandbox::with(FARM).indexed();
    sandbox.write("field.txt", "The upper field carries turnip this year.\n");
    sandbox.run(["index", "files"]).with_status(0);
    assert_eq!(sandbox.paths("lexical", "turnip"), ["field.txt"]);
    assert!(sandbox.paths("lexical", "barley").is_empty());
}

#[test]
fn what_is_forgotten_stays_forgotten() {
    let sandbox = Sandbox::with(FARM).indexed();
    sandbox.run(["forget", "files/barn"]).with_status(0);
    assert!(sandbox.paths("lexical", "milked").is_empty());
    sandbox.run(["index", "files"]).with_status(0);
    assert!(sandbox.paths("lexical", "milked").is_empty());
    assert_eq!(sandbox.paths("lexical", "barley"), ["field.txt"]);
    let status = sandbox.status();
    assert_eq!(
        status["skipped"].as_array().map(Vec::len),
        Some(2),
        "{status}"
    );
    assert!(
        sandbox.file("barn/cows.md").is_file(),
        "the file itself stays"
    );
    sandbox
        .run(["forget", "files/no-such"])
        .with_status(2)
        .telling("no-such");
}

#[test]
fn a_rebuild_finds_the_same() {
    let sandbox = Sandbox::with(FARM).indexed();
    let before = (
        sandbox.hits("hybrid", "milked cows"),
        sandbox.paths("dense", "farm"),
    );
    let home = sandbox.index().join("files");
    fs::remove_dir_all(home.join("vectors")).expect("vectors");
    fs::remove_dir_all(home.join("text")).expect("text");
    sandbox.run(["rebuild", "files"]).with_status(0);
    let texts = |hits: &[serde_json::Value]| -> Vec<serde_json::Value> {
        hits.iter().map(|hit| hit["text"].clone()).collect()
    };
    let after = (
        sandbox.hits("hybrid", "milked cows"),
        sandbox.paths("dense", "farm"),
    );
    assert_eq!(texts(&before.0), texts(&after.0));
    assert_eq!(before.1, after.1);
}

#[test]
fn a_vanished_folder_does_not_empty_the_index_unasked() {
    let sandbox = Sandbox::with(FARM).indexed();
    fs::rename(sandbox.files(), sandbox.root().join("unplugged")).expect("a folder");
    let index = |args: &[&str]| sandbox.run(["index"].iter().chain(args));
    let run = index(&[]);
    assert!(run.stderr.contains("files"), "{run:?}");
    assert_eq!(count(&sandbox, "indexed"), 3, "nothing is lost: {run:?}");
    let shown = sandbox
        .run(["search", "--no-index", "--json", "barley"])
        .with_status(0);
    assert!(shown.stdout.contains("field.txt"), "{shown:?}");
    index(&["--prune"]);
    assert_eq!(count(&sandbox, "indexed"), 0);
}

#[test]
fn folders_of_one_collection_are_searched_together() {
    let sandbox = Sandbox::with(FARM);
    fs::create_dir(sandbox.root().join("more")).expect("a folder");
    fs::write(
        sandbox.root().join("more/geese.txt"),
        "The geese guard the yard.\n",
    )
    .expect("a file");
    sandbox.run(["add", "farm", "files", "more"]).with_status(0);
    sandbox.run(["index", "farm"]).with_status(0);
    let search = |words: &str| sandbox.run(["search", "--in", "farm", "--mode", "lexical", words]);
    assert!(search("geese").with_status(0).stdout.contains("geese.txt"));
    assert!(search("barley").with_status(0).stdout.contains("field.txt"));
}

#[test]
fn ctrl_c_stops_cleanly_and_loses_nothing() {
    let corpus: String = (0..400)
        .map(|n| format!("//- f{n}.txt\nNote {n}: the heron stands in pond number {n}.\n"))
        .collect();
    let sandbox = Sandbox::with(&corpus);
    let mut running = sandbox.start(["index", "files"]);
    std::thread::sleep(std::time::Duration::from_millis(900));
    running.interrupt();
    let status = running.wait();
    assert!(
        matches!(status.code(), Some(0 | 1)),
        "a clean end: {status:?}"
    );
    sandbox.run(["index", "files"]).with_status(0);
    let status = sandbox.status();
    assert_eq!(status["indexed"], 400);
    assert_eq!(status["chunks_embedded"], 400);
}
