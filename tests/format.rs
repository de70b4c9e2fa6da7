//! What lies on disk: versions, damage, and what is set aside and made again.

use std::fs;

use crate::sandbox::Sandbox;

const SHELF: &str = "
//- tea.txt
The tea is kept in the tin with the crane.
//- salt.txt
The salt stands beside the stove.
";

#[test]
fn an_index_of_a_newer_format_is_left_alone() {
    let sandbox = Sandbox::with(SHELF).indexed();
    let format = sandbox.index().join("files/FORMAT");
    let ours = fs::read_to_string(&format).expect("a FORMAT");
    assert_eq!(ours.trim(), "docent collection 2");
    fs::write(&format, "docent collection 99\n").expect("a FORMAT");
    for args in [&["search", "--in", "files", "tea"][..], &["index", "files"]] {
        sandbox
            .run(args)
            .with_status(2)
            .telling("99")
            .telling("files");
    }
    fs::write(&format, ours).expect("a FORMAT");
    assert_eq!(sandbox.paths("lexical", "crane"), ["tea.txt"]);
}

#[test]
fn a_damaged_catalog_is_named_and_not_touched() {
    let sandbox = Sandbox::with(SHELF).indexed();
    let catalog = sandbox.index().join("files/catalog.db");
    fs::write(&catalog, vec![0x5a; 64 << 10]).expect("a catalog");
    sandbox
        .run(["index", "files"])
        .with_status(2)
        .telling("catalog.db");
    assert_eq!(fs::read(&catalog).expect("a catalog"), vec![0x5a; 64 << 10]);
}

#[test]
fn derived_indexes_that_cannot_be_read_are_made_again() {
    let sandbox = Sandbox::with(SHELF).indexed();
    let home = sandbox.index().join("files");
    for part in ["vectors", "text"] {
        for file in files_below(&home.join(part)) {
            fs::write(file, b"").expect("a file"); // as a power cut leaves them
        }
    }
    sandbox.run(["index", "files"]).with_status(0);
    assert_eq!(sandbox.paths("lexical", "crane"), ["tea.txt"]);
    assert_eq!(sandbox.paths("dense", "where is the tea").len(), 2);
    assert_eq!(sandbox.status()["pending"], 0);
}

#[test]
fn derived_indexes_that_are_gone_are_made_again() {
    let sandbox = Sandbox::with(SHELF).indexed();
    for part in ["vectors", "text"] {
        fs::remove_dir_all(sandbox.index().join("files").join(part)).expect("a folder");
    }
    sandbox.run(["index", "files"]).with_status(0);
    assert_eq!(
        sandbox.paths("hybrid", "crane")[..],
        ["salt.txt", "tea.txt"]
    );
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
