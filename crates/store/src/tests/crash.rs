//! Commits that stop half-way, disks that fill, indexes that vanish: what is found afterwards is
//! what an undisturbed collection holds.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::{TempDir, tempdir};

use super::*;
use crate::{Step, StoreError, open_reader};

const STEPS: [Step; 5] = [
    Step::Staged,
    Step::TextCommitted,
    Step::Live,
    Step::VectorsWritten,
    Step::VectorsMarked,
];

/// Stops every commit at a step, as if the process had been killed there.
pub(super) fn stop_at(writer: &mut Writer, stop: Step) {
    writer.set_step_hook(move |step| match step == stop {
        true => Err(StoreError::Stopped(format!("{step:?}"))),
        false => Ok(()),
    });
}

/// The changes of a small life: files come, change, move and go.
fn life(writer: &mut Writer, root: RootId) -> Vec<Result<(), StoreError>> {
    let source = |writer: &Writer, path: &str| {
        let sources = writer.sources().unwrap();
        sources
            .into_iter()
            .find(|source| source.path == path)
            .map(|source| source.id)
    };
    let mut results = Vec::new();
    let mut commit = |writer: &mut Writer, changes| {
        results.push(writer.commit(changes).map(drop));
        let pending = writer.pending_vectors(Set::First, 100).unwrap();
        let vectors = pending.iter().map(|chunk| (chunk.id, embed(&chunk.text)));
        results.push(
            writer
                .commit_vectors(Set::First, vectors.collect())
                .map(drop),
        );
    };
    commit(
        writer,
        vec![
            put(root, "a.md", "Alpha begins.\n\nAlpha ends."),
            put(root, "b.md", "Beta alone."),
            put(root, "c.md", "Gamma stays."),
        ],
    );
    commit(writer, vec![put(root, "a.md", "Alpha is new.")]);
    if let Some(source) = source(writer, "b.md") {
        commit(
            writer,
            vec![Change::Move {
                source,
                root,
                path: "d.md".into(),
                stamp: stamp(3),
            }],
        );
    }
    if let Some(source) = source(writer, "c.md") {
        commit(writer, vec![Change::Remove { source }]);
    }
    results
}

fn undisturbed() -> Vec<String> {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    assert!(life(&mut writer, root).iter().all(Result::is_ok));
    contents(&writer.reader())
}

/// Live chunks, however often they are asked for, are whole documents and unique.
fn check_whole(home: &Path) {
    let reader = open_reader(home).unwrap();
    for word in ["alpha", "beta", "gamma"] {
        let hits = reader.lexical(&query(word), 50).unwrap();
        let chunks = reader.chunks(&ids(&hits)).unwrap();
        assert_eq!(chunks.len(), hits.len());
        for chunk in &chunks {
            let all = reader.chunks_of(chunk.document).unwrap();
            let of_document = chunks
                .iter()
                .filter(|other| other.document == chunk.document);
            assert_eq!(of_document.count(), all.len(), "{}", chunk.text);
        }
    }
}

#[test]
fn a_commit_that_stops_at_any_step_leaves_no_trace_after_the_next_run() {
    let expected = undisturbed();
    for step in STEPS {
        let home = tempdir().unwrap();
        let (mut writer, root) = writer(home.path());
        stop_at(&mut writer, step);
        assert!(
            life(&mut writer, root).iter().any(Result::is_err),
            "{step:?}"
        );
        check_whole(home.path());
        drop(writer);
        check_whole(home.path());
        let (mut writer, root) = super::writer(home.path());
        assert!(life(&mut writer, root).iter().all(Result::is_ok));
        assert_eq!(contents(&writer.reader()), expected, "{step:?}");
        while writer.maintain().unwrap().has_more {}
        assert_eq!(
            contents(&writer.reader()),
            expected,
            "{step:?} after collecting"
        );
    }
}

#[test]
fn a_failed_commit_is_undone_by_the_next_in_the_same_process() {
    let expected = undisturbed();
    for step in STEPS {
        let home = tempdir().unwrap();
        let (mut writer, root) = writer(home.path());
        let count = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&count);
        // Every third time that the step is reached, it fails.
        writer.set_step_hook(move |at| {
            if at == step && seen.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
                return Err(StoreError::Stopped("now and then".into()));
            }
            Ok(())
        });
        life(&mut writer, root);
        check_whole(home.path());
        writer.set_step_hook(|_| Ok(()));
        assert!(life(&mut writer, root).iter().all(Result::is_ok));
        assert_eq!(contents(&writer.reader()), expected, "{step:?}");
    }
}

/// A collection with some life in it, closed.
fn closed() -> (TempDir, Vec<String>) {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    life(&mut writer, root);
    let expected = contents(&writer.reader());
    (home, expected)
}

fn check_recovers(home: &Path, expected: &[String], lost_vectors: usize) {
    let (mut writer, _) = writer(home);
    assert_eq!(
        writer.pending_count(Set::First).unwrap() as usize,
        lost_vectors
    );
    embed_all(&mut writer);
    assert_eq!(contents(&writer.reader()), expected);
}

#[test]
fn derived_indexes_that_were_deleted_are_made_again() {
    let (home, expected) = closed();
    remove(&home.path().join("text"));
    check_recovers(home.path(), &expected, 0);
    remove(&home.path().join("vectors"));
    check_recovers(home.path(), &expected, 2);
}

#[test]
fn a_damaged_full_text_index_is_set_aside_and_made_again() {
    let (home, expected) = closed();
    fs::write(home.path().join("text/meta.json"), "{").unwrap();
    check_recovers(home.path(), &expected, 0);
    assert!(home.path().join("text.broken-1").exists());

    // Segments cut short.
    for entry in fs::read_dir(home.path().join("text")).unwrap().flatten() {
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "term")
        {
            fs::write(entry.path(), "").unwrap();
        }
    }
    check_recovers(home.path(), &expected, 0);
    assert!(home.path().join("text.broken-2").exists());
    let (mut writer, _) = writer(home.path());
    writer.rebuild().unwrap();
    assert!(!home.path().join("text.broken-2").exists());
}

#[test]
fn an_older_full_text_index_is_brought_up_to_date() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    writer
        .commit(vec![put(root, "a.md", "A red apple.")])
        .unwrap();
    drop(writer);
    let kept = tempdir().unwrap();
    copy(&home.path().join("text"), kept.path());
    let (mut writer, root) = super::writer(home.path());
    writer
        .commit(vec![
            put(root, "b.md", "A green pear."),
            put(root, "a.md", "A yellow apple."),
        ])
        .unwrap();
    drop(writer);
    remove(&home.path().join("text"));
    copy(kept.path(), &home.path().join("text"));
    let (writer, _) = super::writer(home.path());
    assert_eq!(found(&writer.reader(), &query("pear")), ["A green pear."]);
    assert_eq!(
        found(&writer.reader(), &query("apple")),
        ["A yellow apple."]
    );
}

/// Deletes a folder into which a merge of segments may still be writing: that goes on for a moment
/// after the writer was dropped, and comes to nothing.
pub(super) fn remove(folder: &Path) {
    while folder.exists() {
        let _ = fs::remove_dir_all(folder);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn vectors_whose_manifests_are_empty_are_set_aside_and_made_again() {
    let (home, expected) = closed();
    let versions = fs::read_dir(home.path().join("vectors")).unwrap().flatten();
    for table in versions.filter(|entry| entry.path().is_dir()) {
        for entry in fs::read_dir(table.path().join("_versions"))
            .unwrap()
            .flatten()
        {
            fs::write(entry.path(), "").unwrap();
        }
    }
    check_recovers(home.path(), &expected, 2);
    assert!(home.path().join("vectors.broken-1").exists());
}

#[test]
fn vectors_that_a_power_cut_took_are_asked_for_again() {
    let (home, expected) = closed();
    let table = fs::read_dir(home.path().join("vectors"))
        .unwrap()
        .flatten()
        .next()
        .unwrap();
    // The newest states of the table never reached the disk; the catalog did.
    let mut versions: Vec<_> = fs::read_dir(table.path().join("_versions"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    versions.sort();
    // Names count down, so that the newest version comes first.
    for newest in &versions[..versions.len() - 2] {
        fs::remove_file(newest).unwrap();
    }
    let (mut writer, _) = writer(home.path());
    assert!(writer.pending_count(Set::First).unwrap() > 0);
    embed_all(&mut writer);
    assert_eq!(contents(&writer.reader()), expected);
}

#[test]
fn a_rebuild_finds_the_same() {
    let (home, expected) = closed();
    let (mut writer, _) = writer(home.path());
    let beside = open_reader(home.path()).unwrap();
    assert_eq!(found(&beside, &query("beta")).len(), 1);
    writer.rebuild().unwrap();
    assert_eq!(
        writer.pending_count(Set::First).unwrap(),
        0,
        "vectors are taken over"
    );
    assert_eq!(contents(&writer.reader()), expected);
    assert_eq!(contents(&beside), expected);
}

#[test]
fn a_rebuild_without_a_vector_table_embeds_again() {
    let (home, expected) = closed();
    let (mut writer, _) = writer(home.path());
    remove(&home.path().join("vectors"));
    writer.rebuild().unwrap();
    assert_eq!(writer.pending_count(Set::First).unwrap(), 2);
    embed_all(&mut writer);
    assert_eq!(contents(&writer.reader()), expected);
}

#[test]
fn a_full_disk_is_named_and_nothing_is_lost() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    writer
        .commit(vec![put(root, "a.md", "A red apple.")])
        .unwrap();
    let pages: i64 = writer
        .catalog
        .read(|c| c.query_row("PRAGMA page_count", [], |row| row.get(0)))
        .unwrap();
    let limit = |writer: &Writer, pages: i64| {
        let connection = &writer.catalog.connection;
        connection
            .pragma_update(None, "max_page_count", pages)
            .unwrap();
    };
    limit(&writer, pages + 2);
    let long = "A pear and another. ".repeat(20_000);
    let error = writer.commit(vec![put(root, "b.md", &long)]).unwrap_err();
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
    assert!(error.to_string().contains("catalog.db"), "{error}");
    assert_eq!(found(&writer.reader(), &query("apple")).len(), 1);
    assert!(found(&writer.reader(), &query("pear")).is_empty());
    limit(&writer, 1 << 30);
    writer.commit(vec![put(root, "b.md", &long)]).unwrap();
    assert_eq!(found(&writer.reader(), &query("pear")).len(), 1);
}

#[test]
fn a_full_disk_is_told_from_any_index_error() {
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = StoreError::io("write", Path::new("/x"), full);
    assert!(matches!(error, StoreError::DiskFull { .. }));
    let deep = tantivy::TantivyError::from(std::io::Error::from_raw_os_error(28));
    let error = StoreError::derived("full-text index", Path::new("/x"), &deep);
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
}
