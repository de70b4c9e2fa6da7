//! Another embedder: its vectors are made beside those of the old one, which are searched until
//! the new ones are whole, whatever happens meanwhile.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

use super::crash::{remove, stop_at};
use super::*;
use crate::{SecondStatus, Step, StoreError, open_reader};

/// The new embedder.
fn other() -> EmbedderIdentity {
    EmbedderIdentity {
        fingerprint: "another".into(),
        dimension: 4,
        origin: "elsewhere".into(),
    }
}

/// The new embedder's vector of a text.
fn embed_other(text: &str) -> Vec<f32> {
    embed(text)
        .chunks(2)
        .map(|pair| pair.iter().sum())
        .collect()
}

const FILES: [(&str, &str); 4] = [
    ("a.md", "Alpha begins.\n\nAlpha ends."),
    ("b.md", "Beta alone."),
    ("c.md", "Gamma stays.\n\nGamma goes.\n\nGamma is here."),
    ("d.md", "Delta, a river's mouth."),
];

/// A collection of four files with the old embedder's vectors, closed.
fn collection() -> TempDir {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    let files = FILES.iter().map(|(path, text)| put(root, path, text));
    writer.commit(files.collect()).unwrap();
    embed_all(&mut writer);
    home
}

fn open_other(home: &Path) -> Writer {
    open_writer(home, &other()).unwrap()
}

/// Embeds what waits in a set, a few chunks at a time and `batches` of them; the number of chunks.
fn embed_set(writer: &mut Writer, set: Set, batches: usize) -> Result<usize, StoreError> {
    let mut embedded = 0;
    for _ in 0..batches {
        let vector = match writer.set(set)? {
            Some(set) if set.embedder.is_comparable(&embedder()) => embed,
            _ => embed_other,
        };
        let pending = writer.pending_vectors(set, 2)?;
        let vectors = pending.iter().map(|chunk| (chunk.id, vector(&chunk.text)));
        embedded += writer.commit_vectors(set, vectors.collect())?;
    }
    Ok(embedded)
}

/// Whose vectors are searched, and the texts of all chunks that are found by them, sorted.
fn searched(reader: &Reader) -> (String, Vec<String>) {
    let fingerprint = reader.embedder().unwrap().fingerprint;
    let question = match fingerprint == other().fingerprint {
        true => embed_other("Gamma"),
        false => embed("Gamma"),
    };
    let hits = reader
        .dense(&fingerprint, &question, &Query::default(), 100)
        .unwrap()
        .expect("the embedder that was just named");
    let mut texts = texts(reader, &hits);
    texts.sort();
    (fingerprint, texts)
}

/// What is searched when all of the four files' chunks have a vector of an embedder.
fn all_by(embedder: &EmbedderIdentity) -> (String, Vec<String>) {
    let mut texts: Vec<String> = FILES
        .iter()
        .flat_map(|(_, text)| text.split("\n\n"))
        .map(str::to_owned)
        .collect();
    texts.sort();
    (embedder.fingerprint.clone(), texts)
}

/// Number of vector tables on disk.
fn tables(home: &Path) -> usize {
    fs::read_dir(home.join("vectors")).unwrap().count()
}

#[test]
fn the_old_vectors_are_searched_until_the_new_ones_are_whole() {
    let home = collection();
    let beside = open_reader(home.path()).unwrap();
    assert_eq!(searched(&beside), all_by(&embedder()));
    let mut writer = open_other(home.path());
    assert_eq!(writer.second_embedder().unwrap(), Some(other()));
    for embedded in [0, 2, 4, 6] {
        for reader in [&beside, &writer.reader()] {
            assert_eq!(searched(reader), all_by(&embedder()));
            assert_eq!(reader.embedder().unwrap().origin, "in the tests");
            let status = reader.status().unwrap();
            let second = SecondStatus {
                fingerprint: other().fingerprint,
                embedded,
                pending: 7 - embedded,
            };
            assert_eq!((status.embedded, status.pending), (7, 0));
            assert_eq!(status.second, Some(second));
        }
        assert_eq!(writer.pending_count(Set::First).unwrap(), 0);
        assert_eq!(writer.pending_count(Set::Second).unwrap(), 7 - embedded);
        embed_set(&mut writer, Set::Second, 1).unwrap();
    }
    // The last one switched, for everybody.
    assert_eq!(tables(home.path()), 2);
    for _ in 0..2 {
        for reader in [&beside, &writer.reader()] {
            assert_eq!(searched(reader), all_by(&other()));
            assert_eq!(reader.embedder().unwrap(), other());
            let late = reader.dense("test-embedder", &embed("Gamma"), &query(""), 5);
            assert!(late.unwrap().is_none(), "a question that came too late");
            let status = reader.status().unwrap();
            assert_eq!((status.embedded, status.second), (7, None));
        }
        // Once more when the old table is gone.
        writer.maintain().unwrap();
        assert_eq!(tables(home.path()), 1);
    }
    assert_eq!(writer.pending_count(Set::First).unwrap(), 0);
    assert_eq!(writer.second_embedder().unwrap(), None);
}

#[test]
fn whoever_searches_while_sets_are_exchanged_finds_all() {
    let home = collection();
    let reader = open_reader(home.path()).unwrap();
    let done = AtomicBool::new(false);
    let searches = std::thread::scope(|scope| {
        let searching = scope.spawn(|| {
            let mut searches = 0;
            while !done.load(Ordering::Relaxed) {
                let embedder = reader.embedder().unwrap().fingerprint;
                let question = match embedder == other().fingerprint {
                    true => embed_other("Gamma"),
                    false => embed("Gamma"),
                };
                let hits = reader.dense(&embedder, &question, &Query::default(), 10);
                // Without hits, the question came too late.
                if let Some(hits) = hits.unwrap() {
                    assert_eq!(hits.len(), 7);
                    searches += 1;
                }
            }
            searches
        });
        for chosen in [other(), embedder(), other()] {
            let mut writer = open_writer(home.path(), &chosen).unwrap();
            embed_set(&mut writer, Set::Second, 4).unwrap();
            while writer.maintain().unwrap().has_more {}
            assert_eq!(tables(home.path()), 1);
        }
        done.store(true, Ordering::Relaxed);
        searching.join().unwrap()
    });
    assert!(searches > 0);
}

#[test]
fn going_back_to_the_old_embedder_embeds_nothing() {
    let home = collection();
    let mut writer = open_other(home.path());
    embed_set(&mut writer, Set::Second, 2).unwrap();
    drop(writer);
    let (mut writer, _) = writer_of(home.path(), &embedder());
    assert_eq!(embed_all(&mut writer), 0);
    assert_eq!(searched(&writer.reader()), all_by(&embedder()));
    assert_eq!(writer.reader().status().unwrap().second, None);
    assert_eq!(tables(home.path()), 1);
    drop(writer);
    // What was half made is begun anew, in a table of its own.
    let mut writer = open_other(home.path());
    assert_eq!(writer.pending_count(Set::Second).unwrap(), 7);
    embed_set(&mut writer, Set::Second, 4).unwrap();
    assert_eq!(searched(&writer.reader()), all_by(&other()));
}

fn writer_of(home: &Path, embedder: &EmbedderIdentity) -> (Writer, RootId) {
    let mut writer = open_writer(home, embedder).unwrap();
    let root = writer.add_root(Path::new("/files")).unwrap();
    (writer, root)
}

#[test]
fn a_third_embedder_takes_the_place_of_the_second() {
    let home = collection();
    let mut writer = open_other(home.path());
    embed_set(&mut writer, Set::Second, 2).unwrap();
    drop(writer);
    let third = EmbedderIdentity {
        fingerprint: "a third".into(),
        ..other()
    };
    let mut writer = open_writer(home.path(), &third).unwrap();
    assert_eq!(searched(&writer.reader()), all_by(&embedder()));
    assert_eq!(writer.pending_count(Set::Second).unwrap(), 7);
    assert_eq!(tables(home.path()), 1);
    embed_set(&mut writer, Set::Second, 4).unwrap();
    assert_eq!(writer.reader().embedder().unwrap(), third);
}

#[test]
fn files_that_come_change_and_go_meanwhile_are_found_and_gone() {
    let home = collection();
    let (mut writer, root) = writer_of(home.path(), &other());
    embed_set(&mut writer, Set::Second, 2).unwrap();
    let gone = writer.sources().unwrap().remove(1);
    writer
        .commit(vec![
            put(root, "a.md", "Alpha is new.\n\nAlpha ends."),
            put(root, "e.md", "Epsilon is small."),
            Change::Remove { source: gone.id },
        ])
        .unwrap();
    // What is new gets a vector in both sets; in the first, at once.
    let pending = writer.pending_vectors(Set::First, 10).unwrap();
    let left = writer.reuse_vectors(Set::First, pending).unwrap();
    assert_eq!(left.len(), 2, "the same text is embedded once: {left:?}");
    assert_eq!(embed_set(&mut writer, Set::First, 1).unwrap(), 2);
    let now = [
        "Alpha ends.",
        "Alpha is new.",
        "Delta, a river's mouth.",
        "Epsilon is small.",
        "Gamma goes.",
        "Gamma is here.",
        "Gamma stays.",
    ];
    let (by, texts) = searched(&writer.reader());
    assert_eq!(
        (by, texts),
        (embedder().fingerprint, now.map(String::from).into())
    );
    let pending = writer.pending_vectors(Set::Second, 10).unwrap();
    let left = writer.reuse_vectors(Set::Second, pending).unwrap();
    assert!(left.iter().all(|chunk| chunk.text != "Alpha ends."));
    while writer.maintain().unwrap().has_more {}
    embed_set(&mut writer, Set::Second, 4).unwrap();
    let (by, texts) = searched(&writer.reader());
    assert_eq!(
        (by, texts),
        (other().fingerprint, now.map(String::from).into())
    );
}

#[test]
fn when_what_was_missing_dies_the_rest_is_whole() {
    let home = collection();
    let (mut writer, _) = writer_of(home.path(), &other());
    embed_set(&mut writer, Set::Second, 3).unwrap();
    let last = writer.sources().unwrap().remove(3);
    writer
        .commit(vec![Change::Remove { source: last.id }])
        .unwrap();
    assert_eq!(writer.reader().embedder().unwrap(), embedder());
    assert!(writer.switch_when_covered().unwrap());
    assert_eq!(searched(&writer.reader()).1.len(), 6);
    assert_eq!(writer.reader().embedder().unwrap(), other());
}

#[test]
fn a_first_set_that_is_half_made_is_not_finished() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    let files = FILES.iter().map(|(path, text)| put(root, path, text));
    writer.commit(files.collect()).unwrap();
    embed_set(&mut writer, Set::First, 1).unwrap();
    drop(writer);
    let mut writer = open_other(home.path());
    assert_eq!(writer.pending_count(Set::First).unwrap(), 0);
    assert_eq!(writer.reader().embedder().unwrap(), embedder());
    assert_eq!(searched(&writer.reader()).1.len(), 2);
    // As soon as nothing is lost by it, the new vectors are searched; the rest follows.
    embed_set(&mut writer, Set::Second, 1).unwrap();
    assert_eq!(writer.reader().embedder().unwrap(), other());
    assert_eq!(writer.pending_count(Set::First).unwrap(), 5);
    embed_set(&mut writer, Set::First, 3).unwrap();
    assert_eq!(searched(&writer.reader()), all_by(&other()));
}

#[test]
fn without_any_vectors_there_is_nothing_to_wait_for() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    writer
        .commit(vec![put(root, "a.md", "A red apple.")])
        .unwrap();
    drop(writer);
    let writer = open_other(home.path());
    assert_eq!(writer.reader().embedder().unwrap(), other());
    assert_eq!(writer.pending_count(Set::First).unwrap(), 1);
}

#[test]
fn a_first_set_whose_embedder_is_gone_is_given_up() {
    let home = collection();
    let mut writer = open_other(home.path());
    embed_set(&mut writer, Set::Second, 1).unwrap();
    assert!(writer.give_up_first().unwrap());
    assert_eq!(
        searched(&writer.reader()).1,
        ["Alpha begins.", "Alpha ends."]
    );
    assert_eq!(writer.pending_count(Set::First).unwrap(), 5);
    embed_set(&mut writer, Set::First, 3).unwrap();
    assert_eq!(searched(&writer.reader()), all_by(&other()));
    assert!(!writer.give_up_first().unwrap());
}

#[test]
fn a_second_set_that_stops_at_any_step_is_gone_on_with() {
    for step in [Step::VectorsWritten, Step::VectorsMarked] {
        for batches in 1..=4 {
            let home = collection();
            let mut writer = open_other(home.path());
            embed_set(&mut writer, Set::Second, batches - 1).unwrap();
            stop_at(&mut writer, step);
            assert!(embed_set(&mut writer, Set::Second, 1).is_err());
            drop(writer);
            let is_whole = step == Step::VectorsMarked && batches == 4;
            let searched_by = if is_whole { other() } else { embedder() };
            let beside = open_reader(home.path()).unwrap();
            assert_eq!(
                searched(&beside),
                all_by(&searched_by),
                "{step:?} {batches}"
            );
            let mut writer = open_other(home.path());
            assert_eq!(tables(home.path()), if is_whole { 1 } else { 2 });
            assert_eq!(searched(&writer.reader()), all_by(&searched_by));
            let made = batches - 1 + usize::from(step == Step::VectorsMarked);
            let pending = writer.pending_count(Set::Second).unwrap() as usize;
            assert_eq!(
                pending,
                7usize.saturating_sub(2 * made),
                "{step:?} {batches}"
            );
            embed_set(&mut writer, Set::Second, 4).unwrap();
            assert_eq!(searched(&writer.reader()), all_by(&other()));
            assert_eq!(searched(&beside), all_by(&other()));
        }
    }
}

#[test]
fn a_second_table_that_is_lost_or_damaged_is_made_again_and_the_first_is_searched() {
    let home = collection();
    let damage = |folder: &Path| {
        for entry in fs::read_dir(folder.join("_versions")).unwrap().flatten() {
            fs::write(entry.path(), "").unwrap();
        }
    };
    let ways: [&dyn Fn(&Path); 2] = [&remove, &damage];
    for way in ways {
        let mut writer = open_other(home.path());
        embed_set(&mut writer, Set::Second, 2).unwrap();
        let generation = writer.set(Set::Second).unwrap().unwrap().table.generation;
        drop(writer);
        way(&home
            .path()
            .join(format!("vectors/chunks_{generation}.lance")));
        let writer = open_other(home.path());
        assert_eq!(writer.pending_count(Set::Second).unwrap(), 7);
        assert_eq!(searched(&writer.reader()), all_by(&embedder()));
    }
    let mut writer = open_other(home.path());
    embed_set(&mut writer, Set::Second, 4).unwrap();
    assert_eq!(searched(&writer.reader()), all_by(&other()));
}

#[test]
fn when_the_first_table_is_damaged_what_there_is_of_the_second_is_searched() {
    let home = collection();
    let mut writer = open_other(home.path());
    embed_set(&mut writer, Set::Second, 2).unwrap();
    let generation = writer.set(Set::First).unwrap().unwrap().table.generation;
    drop(writer);
    let versions = format!("vectors/chunks_{generation}.lance/_versions");
    for entry in fs::read_dir(home.path().join(versions)).unwrap().flatten() {
        fs::write(entry.path(), "").unwrap();
    }
    let mut writer = open_other(home.path());
    assert_eq!(searched(&writer.reader()).1.len(), 4);
    assert_eq!(tables(home.path()), 1);
    embed_set(&mut writer, Set::First, 2).unwrap();
    assert_eq!(searched(&writer.reader()), all_by(&other()));
}

#[test]
fn a_rebuild_takes_over_both_sets() {
    let home = collection();
    let mut writer = open_other(home.path());
    embed_set(&mut writer, Set::Second, 2).unwrap();
    writer.rebuild().unwrap();
    assert_eq!(searched(&writer.reader()), all_by(&embedder()));
    assert_eq!(writer.pending_count(Set::Second).unwrap(), 3);
    assert_eq!(tables(home.path()), 2);
    embed_set(&mut writer, Set::Second, 2).unwrap();
    assert_eq!(searched(&writer.reader()), all_by(&other()));
}

#[test]
fn where_an_embedder_comes_from_is_kept_up_to_date() {
    let home = collection();
    let moved = EmbedderIdentity {
        origin: "a new place".into(),
        ..embedder()
    };
    let writer = open_writer(home.path(), &moved).unwrap();
    assert_eq!(writer.reader().embedder().unwrap(), moved);
    assert_eq!(writer.pending_count(Set::First).unwrap(), 0);
}

/// Makes a catalog's tables those of version 2.
fn make_older(home: &Path) {
    let catalog = Connection::open(home.join("catalog.db")).unwrap();
    let older =
        "ALTER TABLE state DROP COLUMN origin; ALTER TABLE state DROP COLUMN last_generation;
                 DROP TABLE second_set; DROP TABLE waiting; PRAGMA user_version = 2;";
    catalog.execute_batch(older).unwrap();
}

#[test]
fn a_catalog_of_version_2_is_brought_up_with_all_that_is_in_it() {
    let home = collection();
    make_older(home.path());
    let reader = open_reader(home.path()).unwrap();
    assert_eq!(searched(&reader), all_by(&embedder()));
    assert_eq!(reader.embedder().unwrap().origin, "");
    make_older(home.path());
    let mut writer = open_other(home.path());
    assert_eq!(searched(&writer.reader()), all_by(&embedder()));
    embed_set(&mut writer, Set::Second, 4).unwrap();
    assert_eq!(searched(&writer.reader()), all_by(&other()));
    assert_eq!(searched(&reader), all_by(&other()));
}
