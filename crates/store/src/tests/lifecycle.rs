//! A collection from the first commit on: changes, states, conversations, two at a time.

use std::fs;
use std::path::Path;

use docent_core::document::{Area, Badge, Line, Page};
use docent_core::query::Query;
use docent_core::source::SourceState;
use serde_json::json;
use tempfile::tempdir;

use super::*;
use crate::{Conversations, Revision, RootId, StoreError, open_reader};

#[test]
fn what_is_committed_is_found_and_what_is_removed_is_gone_at_once() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    let reader = writer.reader();
    assert!(found(&reader, &query("deposit")).is_empty());

    let revision = writer
        .commit(vec![
            put(
                root,
                "lease.md",
                "The deposit is two months.\n\nPets are forbidden.",
            ),
            put(root, "notes/clinic.md", "Ten milligrams twice a day."),
        ])
        .unwrap();
    assert_eq!(revision, Revision(1));
    assert_eq!(
        found(&reader, &query("deposit")),
        ["The deposit is two months."]
    );
    assert_eq!(writer.pending_count(Set::First).unwrap(), 3);
    assert_eq!(embed_all(&mut writer), 3);
    let pets = nearest(&reader, &embed("Pets are forbidden."), &Query::default(), 1);
    assert_eq!(texts(&reader, &pets), ["Pets are forbidden."]);
    assert!((pets[0].score - 1.0).abs() < 1e-5);

    let old = reader.lexical(&query("deposit"), 5).unwrap();
    let source = writer.sources().unwrap().remove(0);
    assert_eq!((source.path.as_str(), source.chunks), ("lease.md", 2));
    writer
        .commit(vec![Change::Remove { source: source.id }])
        .unwrap();
    assert!(found(&reader, &query("deposit pets")).is_empty());
    assert!(reader.chunks(&ids(&old)).unwrap().is_empty());
    let dense = nearest(&reader, &embed("Pets"), &Query::default(), 10);
    assert_eq!(texts(&reader, &dense), ["Ten milligrams twice a day."]);

    while writer.maintain().unwrap().has_more {}
    let fresh = open_reader(home.path()).unwrap();
    assert_eq!(fresh.chunk_count().unwrap(), 1);
    assert_eq!(reader.status().unwrap().chunks, 1);
}

#[test]
fn new_content_replaces_the_old() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    let reader = writer.reader();
    writer
        .commit(vec![put(root, "a.md", "A red apple.")])
        .unwrap();
    writer
        .commit(vec![put(root, "a.md", "A green pear.")])
        .unwrap();
    assert!(found(&reader, &query("apple")).is_empty());
    assert_eq!(found(&reader, &query("pear")), ["A green pear."]);
    assert_eq!(writer.sources().unwrap().len(), 1);
}

#[test]
fn a_file_that_fails_says_so_and_its_old_content_is_gone() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    let reader = writer.reader();
    writer
        .commit(vec![put(root, "a.md", "A red apple.")])
        .unwrap();
    let failed = |outcome| Change::Put {
        root,
        path: "a.md".into(),
        stamp: stamp(9),
        hash: None,
        outcome,
        inner: Vec::new(),
    };
    let reason = || Gap::new("page 2 is encrypted").help("give the password");
    writer
        .commit(vec![failed(Outcome::Failed(reason()))])
        .unwrap();
    assert!(found(&reader, &query("apple")).is_empty());
    let source = writer.sources().unwrap().remove(0);
    assert_eq!(source.state, SourceState::Failed(reason()));
    assert_eq!(source.stamp, stamp(9));
    let problems = reader.sources_with(StateFilter::Problems, 10).unwrap();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].root, Path::new("/files"));
    writer
        .commit(vec![failed(Outcome::Skipped(reason()))])
        .unwrap();
    let status = reader.status().unwrap();
    assert_eq!((status.indexed, status.failed, status.skipped), (0, 0, 1));
    assert!(status.bytes_on_disk > 0 && status.committed_ns.is_some());
}

#[test]
fn a_partial_document_is_live_and_says_what_is_missing() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    let (mut half, chunks) = document("half", "Only this page.");
    half.incomplete = Some(Gap::new("page 2 has no text").help("install Tesseract"));
    half.pages = vec![
        Page::default(),
        Page {
            badge: Badge::Unreadable,
            gap: Some("a scan".into()),
        },
    ];
    half.lines = vec![Line {
        start: 0,
        area: Area::from_points([72.0, 72.0, 200.5, 84.25]),
    }];
    writer
        .commit(vec![Change::Put {
            root,
            path: "scan.pdf".into(),
            stamp: stamp(1),
            hash: None,
            outcome: Outcome::Indexed {
                document: half.clone(),
                chunks,
            },
            inner: Vec::new(),
        }])
        .unwrap();
    let reader = writer.reader();
    assert_eq!(found(&reader, &query("page")), ["Only this page."]);
    let stored = reader
        .find_document(Some(root), "scan.pdf")
        .unwrap()
        .unwrap();
    assert_eq!(stored.document, half);
    assert_eq!(reader.status().unwrap().partial, 1);
}

#[test]
fn the_same_text_is_embedded_once() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    let text = "A paragraph that stays.\n\nAnother one.";
    writer.commit(vec![put(root, "a.md", text)]).unwrap();
    assert_eq!(embed_all(&mut writer), 2);
    // The file grows, and has a copy of the same name elsewhere.
    let longer = format!("{text}\n\nA third.");
    writer
        .commit(vec![
            put(root, "a.md", &longer),
            put(root, "copy/a.md", text),
        ])
        .unwrap();
    let pending = writer.pending_vectors(Set::First, 10).unwrap();
    assert_eq!(pending.len(), 5);
    let left = writer.reuse_vectors(Set::First, pending).unwrap();
    let texts: Vec<&str> = left.iter().map(|chunk| chunk.text.as_str()).collect();
    assert_eq!(texts, ["A third."]);
    assert_eq!(writer.pending_count(Set::First).unwrap(), 1);
    let hits = nearest(&writer.reader(), &embed("Another one."), &query(""), 2);
    assert_eq!(hits.len(), 2);
    assert!(hits.iter().all(|hit| hit.score > 0.999), "{hits:?}");
}

#[test]
fn files_inside_a_file_come_move_and_go_with_it() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    let reader = writer.reader();
    writer
        .commit(vec![
            put_mail(root, "one.eml", "offer.txt", "Ten crates of quinces."),
            put_mail(root, "two.eml", "offer.txt", "Nine sacks of medlars."),
        ])
        .unwrap();
    assert_eq!(
        found(&reader, &query("quinces")),
        ["Ten crates of quinces."]
    );
    let files: Vec<String> = writer
        .sources()
        .unwrap()
        .into_iter()
        .map(|s| s.path)
        .collect();
    assert_eq!(files, ["one.eml", "two.eml"]);
    let all = reader.sources_with(StateFilter::All, 10).unwrap();
    assert_eq!(all.len(), 4);
    assert_eq!(all[1].path, "one.eml/offer.txt");
    assert_eq!(all[1].inside.as_deref(), Some("offer.txt"));

    // Both change places, and what is inside goes with them.
    let id = |path: &str| reader.find_document(None, path).unwrap().unwrap().source;
    let (one, two) = (id("one.eml"), id("two.eml"));
    let move_to = |source, path: &str| Change::Move {
        source,
        root,
        path: path.into(),
        stamp: stamp(7),
    };
    writer
        .commit(vec![move_to(one, "two.eml"), move_to(two, "one.eml")])
        .unwrap();
    let text = |path: &str| {
        reader
            .find_document(None, path)
            .unwrap()
            .map(|d| d.document.text)
    };
    assert_eq!(
        text("two.eml/offer.txt").as_deref(),
        Some("Ten crates of quinces.")
    );
    let mut in_mail = query("");
    in_mail.filters.paths = vec!["one.eml/".into()];
    assert_eq!(found(&reader, &in_mail), ["Nine sacks of medlars."]);

    // A mail that is read again may hold other files; a mail that goes takes them along.
    writer
        .commit(vec![put_mail(root, "one.eml", "reply.txt", "Agreed.")])
        .unwrap();
    assert_eq!(text("one.eml/offer.txt"), None);
    assert_eq!(text("one.eml/reply.txt").as_deref(), Some("Agreed."));
    writer
        .commit(vec![
            Change::Remove { source: one },
            Change::Remove { source: two },
        ])
        .unwrap();
    assert!(
        reader
            .sources_with(StateFilter::All, 10)
            .unwrap()
            .is_empty()
    );
    assert!(found(&reader, &query("quinces agreed")).is_empty());
}

#[test]
fn a_move_embeds_nothing_again_and_two_files_can_change_places() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    let reader = writer.reader();
    writer
        .commit(vec![
            put(root, "apple.md", "A red one."),
            put(root, "pear.md", "A green one."),
        ])
        .unwrap();
    embed_all(&mut writer);
    let before = reader.find_document(None, "apple.md").unwrap().unwrap();
    let pear = reader.find_document(None, "pear.md").unwrap().unwrap();
    let move_to = |source, path: &str| Change::Move {
        source,
        root,
        path: path.into(),
        stamp: stamp(7),
    };
    writer
        .commit(vec![
            move_to(before.source, "pear.md"),
            move_to(pear.source, "apple.md"),
        ])
        .unwrap();
    let swapped = reader.find_document(None, "pear.md").unwrap().unwrap();
    assert_eq!((swapped.id, swapped.document), (before.id, before.document));
    writer
        .commit(vec![move_to(before.source, "fruit/quince.md")])
        .unwrap();
    assert_eq!(writer.pending_count(Set::First).unwrap(), 0);
    assert_eq!(found(&reader, &query("quince")), ["A red one."]);
    let mut in_folder = query("");
    in_folder.filters.paths = vec!["FRUIT/".into()];
    assert_eq!(found(&reader, &in_folder), ["A red one."]);
    // Onto another file's place: that file is gone.
    writer
        .commit(vec![move_to(before.source, "apple.md")])
        .unwrap();
    assert_eq!(writer.sources().unwrap().len(), 1);
    assert!(found(&reader, &query("green")).is_empty());
}

#[test]
fn a_touch_changes_the_stamp_alone() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    writer
        .commit(vec![put(root, "a.md", "A red apple.")])
        .unwrap();
    let source = writer.sources().unwrap().remove(0);
    let touch = Change::Touch {
        source: source.id,
        stamp: stamp(99),
    };
    writer.commit(vec![touch]).unwrap();
    let touched = writer.sources().unwrap().remove(0);
    assert_eq!(touched.stamp, stamp(99));
    assert_eq!((touched.hash, touched.state), (source.hash, source.state));
    drop(writer);
    let (writer, _) = super::writer(home.path());
    assert_eq!(found(&writer.reader(), &query("apple")).len(), 1);
}

#[test]
fn a_root_is_removed_with_its_files_and_none_else() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    let other = writer.add_root(Path::new("/other")).unwrap();
    assert_eq!(writer.add_root(Path::new("/files")).unwrap(), root);
    writer
        .commit(vec![
            put(root, "a.md", "A red apple."),
            put(other, "a.md", "Another apple."),
        ])
        .unwrap();
    writer.remove_root(root).unwrap();
    assert_eq!(found(&writer.reader(), &query("apple")), ["Another apple."]);
    assert_eq!(writer.roots().unwrap().len(), 1);
    assert!(matches!(
        writer.remove_root(root),
        Err(StoreError::UnknownRoot(_))
    ));
}

#[test]
fn changes_to_what_is_not_there_are_refused_whole() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    let unknown = Change::Remove {
        source: crate::SourceId(77),
    };
    let result = writer.commit(vec![put(root, "a.md", "A red apple."), unknown]);
    assert!(matches!(result, Err(StoreError::UnknownSource(_))));
    let result = writer.commit(vec![put(RootId(9), "a.md", "A red apple.")]);
    assert!(matches!(result, Err(StoreError::UnknownRoot(_))));
    assert!(found(&writer.reader(), &query("apple")).is_empty());
    writer
        .commit(vec![put(root, "a.md", "A red apple.")])
        .unwrap();
    assert_eq!(found(&writer.reader(), &query("apple")).len(), 1);
    assert_eq!(writer.sources().unwrap().len(), 1);
}

#[test]
fn vectors_of_the_wrong_length_or_of_dead_chunks_are_not_stored() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    writer
        .commit(vec![put(root, "a.md", "A red apple.")])
        .unwrap();
    let chunk = writer.pending_vectors(Set::First, 1).unwrap().remove(0);
    let wrong = writer.commit_vectors(Set::First, vec![(chunk.id, vec![1.0; 3])]);
    assert!(matches!(
        wrong,
        Err(StoreError::Dimension {
            expected: 8,
            found: 3
        })
    ));
    let fingerprint = embedder().fingerprint;
    let short = writer
        .reader()
        .dense(&fingerprint, &[1.0], &Query::default(), 1);
    assert!(short.is_err());
    writer
        .commit(vec![put(root, "a.md", "A green pear.")])
        .unwrap();
    let stored = writer
        .commit_vectors(Set::First, vec![(chunk.id, embed(&chunk.text))])
        .unwrap();
    assert_eq!((stored, writer.pending_count(Set::First).unwrap()), (0, 1));
}

#[test]
fn one_writes_others_read() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    match open_writer(home.path(), &embedder()) {
        Err(StoreError::Locked { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("a second writer: {:?}", other.err()),
    }
    let beside = open_reader(home.path()).unwrap();
    writer
        .commit(vec![put(root, "a.md", "A red apple.")])
        .unwrap();
    assert_eq!(found(&beside, &query("apple")).len(), 1);
    embed_all(&mut writer);
    let hits = nearest(&beside, &embed("A red apple."), &Query::default(), 5);
    assert_eq!(hits.len(), 1);
    drop(writer);
    assert_eq!(found(&beside, &query("apple")).len(), 1);
    open_writer(home.path(), &embedder()).unwrap();
}

#[test]
fn readers_see_only_whole_documents_while_one_writes() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    let both = |n: usize| format!("Version {n} begins apple.\n\nVersion {n} ends apple.");
    writer.commit(vec![put(root, "a.md", &both(0))]).unwrap();
    let reader = writer.reader();
    let beside = open_reader(home.path()).unwrap();
    std::thread::scope(|scope| {
        let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        for reader in [reader, beside] {
            let done = std::sync::Arc::clone(&done);
            scope.spawn(move || {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let hits = reader.lexical(&query("apple"), 10).unwrap();
                    assert_eq!(hits.len(), 2, "both chunks of one version");
                    nearest(&reader, &embed("apple"), &Query::default(), 10);
                    reader.status().unwrap();
                }
            });
        }
        for n in 1..12 {
            writer.commit(vec![put(root, "a.md", &both(n))]).unwrap();
            embed_all(&mut writer);
            writer.maintain().unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn conversations_are_kept_beside_the_writer() {
    let home = tempdir().unwrap();
    assert!(matches!(
        Conversations::open(home.path()),
        Err(StoreError::Missing { .. })
    ));
    let (writer, _) = writer(home.path());
    let conversations = Conversations::open(home.path()).unwrap();
    let first = conversations.create().unwrap();
    let second = conversations.create().unwrap();
    assert!(
        conversations
            .append(
                first,
                "What is the deposit?",
                &json!({"text": "Two months"})
            )
            .unwrap()
    );
    assert!(
        conversations
            .append(first, "And pets?", &json!({"text": "None"}))
            .unwrap()
    );
    let list = conversations.list().unwrap();
    assert_eq!(list[0].id, first);
    assert_eq!(
        list[0].first_question.as_deref(),
        Some("What is the deposit?")
    );
    assert_eq!((list[0].turns, list[1].turns), (2, 0));
    let loaded = conversations.load(first).unwrap().unwrap();
    assert_eq!(loaded.turns[1].answer, json!({"text": "None"}));
    assert!(conversations.delete(first).unwrap());
    assert!(!conversations.delete(first).unwrap());
    assert!(conversations.load(first).unwrap().is_none());
    assert!(
        !conversations
            .append(first, "Still there?", &json!(null))
            .unwrap()
    );
    assert_eq!(conversations.list().unwrap().len(), 1);
    assert_eq!(conversations.create().unwrap().0, second.0 + 1);
    drop(writer);
}

#[test]
fn another_format_and_a_foreign_folder_are_named() {
    let home = tempdir().unwrap();
    assert!(matches!(
        open_reader(home.path()),
        Err(StoreError::Missing { .. })
    ));
    drop(writer(home.path()));
    let format = home.path().join("FORMAT");
    assert_eq!(
        fs::read_to_string(&format).unwrap(),
        "docent collection 2\n"
    );
    fs::write(&format, "docent collection 1\n").unwrap();
    assert!(matches!(
        open_reader(home.path()),
        Err(StoreError::OlderFormat { found: 1, .. })
    ));
    fs::write(&format, "docent collection 3\n").unwrap();
    for error in [
        open_writer(home.path(), &embedder()).err().unwrap(),
        open_reader(home.path()).err().unwrap(),
    ] {
        assert!(matches!(
            error,
            StoreError::NewerFormat {
                found: 3,
                known: 2,
                ..
            }
        ));
        assert!(error.to_string().contains("format 3"), "{error}");
    }
    fs::write(&format, "something else").unwrap();
    assert!(matches!(
        open_writer(home.path(), &embedder()),
        Err(StoreError::ForeignFormat { .. })
    ));
}

#[test]
fn a_damaged_catalog_is_named_and_left_alone() {
    let home = tempdir().unwrap();
    drop(writer(home.path()));
    let path = home.path().join("catalog.db");
    fs::write(&path, "this is no database, whatever it says").unwrap();
    for error in [
        open_writer(home.path(), &embedder()).err().unwrap(),
        open_reader(home.path()).err().unwrap(),
    ] {
        assert!(matches!(error, StoreError::Catalog { .. }));
        assert!(error.to_string().contains("catalog.db"), "{error}");
    }
    assert!(fs::read_to_string(&path).unwrap().starts_with("this is no"));
}

#[test]
fn a_home_that_cannot_be_made_is_named() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = open_writer(&file.join("home"), &embedder()).err().unwrap();
    assert!(error.to_string().contains("file/home"), "{error}");
    assert!(matches!(
        open_reader(&file.join("home")),
        Err(StoreError::Missing { .. })
    ));
}

#[cfg(unix)]
#[test]
fn a_home_without_write_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempdir().unwrap();
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    // The superuser may write anywhere; then there is nothing to see here.
    let may_write = fs::write(locked.join("probe"), "").is_ok();
    let result = open_writer(&locked.join("home"), &embedder());
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    if !may_write {
        assert!(matches!(result, Err(StoreError::ReadOnly { .. })));
    }
    let error = StoreError::io(
        "create",
        &locked,
        std::io::Error::from(std::io::ErrorKind::ReadOnlyFilesystem),
    );
    assert!(matches!(error, StoreError::ReadOnly { .. }));
}

#[test]
fn a_home_may_have_any_name() {
    let folder = tempdir().unwrap();
    let home = folder.path().join("akte #7 – 50% größer?");
    let (mut writer, root) = writer(&home);
    writer
        .commit(vec![put(root, "a.md", "A red apple.")])
        .unwrap();
    embed_all(&mut writer);
    drop(writer);
    let reader = open_reader(&home).unwrap();
    assert_eq!(found(&reader, &query("apple")).len(), 1);
    assert_eq!(
        nearest(&reader, &embed("apple"), &Query::default(), 3).len(),
        1
    );
}
