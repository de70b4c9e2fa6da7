//! Watching: what is created, changed, renamed and deleted is followed, storms included.

use std::fs;

use crate::sandbox::{Running, Sandbox, eventually};

/// Files of the storm, as many as a checkout of a large repository changes.
const STORM: usize = 5_000;

/// A watcher that has looked at everything once.
fn watching(sandbox: &Sandbox, sign: &str) -> Running {
    let running = sandbox.start(["watch", "files"]);
    sandbox.write("sign.txt", format!("The watcher saw {sign}.\n"));
    eventually("the watcher is there", || {
        sandbox.paths("lexical", sign) == ["sign.txt"]
    });
    running
}

#[test]
fn single_changes_are_followed() {
    let sandbox = Sandbox::with("//- a/lamp.txt\nThe lamp burns oil.\n").indexed();
    let mut running = watching(&sandbox, "starlight");

    sandbox.write("b/stove.md", "# Stove\n\nThe stove burns beech wood.\n");
    eventually("a new folder and file", || {
        sandbox.paths("lexical", "beech") == ["b/stove.md"]
    });

    sandbox.write("b/stove.md", "# Stove\n\nThe stove burns birch wood.\n");
    eventually("a change", || {
        sandbox.paths("lexical", "birch") == ["b/stove.md"]
    });
    assert!(sandbox.paths("lexical", "beech").is_empty());

    // As editors save: written beside, then put in its place.
    sandbox.write("b/.stove.tmp", "# Stove\n\nThe stove burns alder wood.\n");
    fs::rename(sandbox.file("b/.stove.tmp"), sandbox.file("b/stove.md")).expect("a file");
    eventually("a replaced file", || {
        sandbox.paths("lexical", "alder") == ["b/stove.md"]
    });

    fs::rename(sandbox.file("a"), sandbox.file("c")).expect("a folder");
    eventually("a renamed folder", || {
        sandbox.paths("lexical", "oil") == ["c/lamp.txt"]
    });

    fs::remove_dir_all(sandbox.file("c")).expect("a folder");
    eventually("a deleted folder", || {
        sandbox.paths("lexical", "oil").is_empty()
    });

    running.interrupt();
    assert!(running.wait().success());
}

#[test]
fn a_storm_settles_into_what_is_there() {
    let sandbox = Sandbox::with("//- readme.txt\nBefore the storm.\n").indexed();
    let mut running = watching(&sandbox, "thunder");

    for n in 0..STORM {
        sandbox.write(
            &format!("src/{}/f{n}.txt", n % 50),
            format!("Leaf {n} was green.\n"),
        );
    }
    eventually("all that appeared", || {
        sandbox.hits("lexical", "leaf").len() == STORM
    });

    // Some change, some go, the rest moves, all at once, as when a branch is checked out.
    for n in (0..STORM).step_by(5) {
        sandbox.write(
            &format!("src/{}/f{n}.txt", n % 50),
            format!("Leaf {n} is yellow.\n"),
        );
    }
    for n in (1..STORM).step_by(5) {
        fs::remove_file(sandbox.file(&format!("src/{}/f{n}.txt", n % 50))).expect("a file");
    }
    fs::rename(sandbox.file("src"), sandbox.file("lib")).expect("a folder");
    let left = STORM - STORM / 5;
    eventually("all that is left, in its new place", || {
        let hits = sandbox.hits("lexical", "leaf");
        let in_place = |hit: &serde_json::Value| {
            hit["path"]
                .as_str()
                .is_some_and(|path| path.starts_with("lib/"))
        };
        hits.len() == left && hits.iter().all(in_place)
    });
    assert_eq!(sandbox.hits("lexical", "yellow").len(), STORM / 5);
    assert_eq!(sandbox.hits("lexical", "green").len(), left - STORM / 5);

    fs::remove_dir_all(sandbox.file("lib")).expect("a folder");
    eventually("nothing is left", || {
        sandbox.hits("lexical", "leaf").is_empty()
    });

    running.interrupt();
    running.wait();
}

#[test]
fn a_rename_under_watch_embeds_nothing_again() {
    let sandbox = Sandbox::with(
        "
//- old/one.txt
The first plank is oak.
//- old/two.txt
The second plank is ash.
",
    )
    .indexed();
    let mut running = watching(&sandbox, "lightning");
    eventually("the sign has its vector", || {
        sandbox.status()["pending"] == 0
    });
    fs::rename(sandbox.file("old"), sandbox.file("new")).expect("a folder");
    // From the commit of the move on, the vectors are there: none is ever pending.
    eventually("the move", || {
        let status = sandbox.status();
        assert_eq!(status["pending"], 0, "{status}");
        sandbox.paths("lexical", "plank") == ["new/one.txt", "new/two.txt"]
    });
    let dense = sandbox.paths("dense", "wood");
    assert_eq!(dense, ["new/one.txt", "new/two.txt", "sign.txt"]);
    running.interrupt();
    assert!(running.wait().success());
}
