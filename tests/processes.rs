//! Two docents on one collection: one writes, the other reads.

use crate::sandbox::{Sandbox, eventually};

fn ponds(count: usize) -> String {
    (0..count)
        .map(|n| format!("//- f{n}.txt\nNote {n}: the heron stands in pond number {n}.\n"))
        .collect()
}

#[test]
fn the_second_reads_while_the_first_writes() {
    let sandbox = Sandbox::with(&ponds(20)).indexed();
    let mut first = sandbox.start(["watch", "files"]);
    // The first has the lock once a second writer is refused.
    eventually("the watcher writes", || {
        assert!(first.is_running());
        sandbox
            .run(["index", "files"])
            .stderr
            .contains("another docent is writing")
    });

    let refused = sandbox.run(["index", "files"]).with_status(1);
    assert!(refused.stderr.contains("files"), "{refused:?}");
    sandbox
        .run(["rebuild", "files"])
        .with_status(2)
        .telling("another docent")
        .telling("files");
    sandbox
        .run(["remove", "files"])
        .with_status(2)
        .telling("another docent");
    sandbox
        .run(["forget", "files/f1.txt"])
        .with_status(2)
        .telling("another docent");

    let found = sandbox
        .run([
            "search", "--in", "files", "--json", "--limit", "50", "heron",
        ])
        .with_status(0)
        .telling("another docent is writing");
    assert_eq!(
        found.json_lines()[0]["hits"].as_array().map(Vec::len),
        Some(20)
    );

    sandbox.write("new.txt", "An otter swims in the mill race.\n");
    eventually("the reader sees what the writer commits", || {
        sandbox.paths("lexical", "otter") == ["new.txt"]
    });

    first.interrupt();
    assert!(first.wait().success(), "Ctrl-C ends a watch well");
    sandbox.run(["index", "files"]).with_status(0);
    assert_eq!(sandbox.status()["indexed"], 21);
}

#[test]
fn searches_during_a_first_index_show_only_whole_documents() {
    let sandbox = Sandbox::with(&ponds(300));
    sandbox.run(["add", "files", "files"]).with_status(0);
    let mut writer = sandbox.start(["index", "files"]);
    let mut seen = 0;
    while writer.is_running() {
        let hits = sandbox.hits("lexical", "heron");
        assert!(
            hits.len() >= seen,
            "what was committed stays: {} < {seen}",
            hits.len()
        );
        seen = hits.len();
        for hit in &hits {
            let path = hit["path"].as_str().expect("a path");
            let text = std::fs::read_to_string(sandbox.file(path)).expect("the file is there");
            assert_eq!(hit["text"].as_str().map(str::trim), Some(text.trim()));
        }
    }
    assert!(writer.wait().success());
    assert_eq!(sandbox.hits("lexical", "heron").len(), 300);
}
