//! Another embedder is chosen: searches use the old vectors until the new ones are whole, whatever
//! happens to the files and to the process meanwhile.

use super::*;
use crate::embedders::Embedders;
use crate::embedding::{SecondIndex, Vectors};
use crate::event::Progress;

/// More files than a search waits for.
const FILES: usize = 400;

/// A bench whose files were indexed with the first embedder, and a second one.
fn changed() -> (Bench, Arc<Words>) {
    let bench = Bench::new("");
    for n in 0..FILES {
        bench.write(
            &format!("n{n}.txt"),
            &format!("The heron of volume w{n}x waits."),
        );
    }
    let library = bench.library_of(&bench.embedder, &[]);
    let report = index(&bench, &library, Vectors::All);
    assert_eq!(report.embedded, FILES as u64);
    (bench, Words::new("words-2", 32))
}

impl Bench {
    /// A library on the same home with another embedder chosen, which knows some others.
    fn library_of(&self, chosen: &Arc<Words>, known: &[&Arc<Words>]) -> Library {
        let known: Vec<Arc<Words>> = known.iter().map(|words| Arc::clone(words)).collect();
        let embedders = Embedders {
            chosen: Arc::clone(chosen) as Arc<dyn Embedder>,
            origin: format!("the shelf of {}", chosen.name),
            recall: Box::new(move |origin| {
                let name = origin.strip_prefix("the shelf of ").unwrap_or(origin);
                match known.iter().find(|words| words.name == name) {
                    Some(words) => Ok(Arc::clone(words) as Arc<dyn Embedder>),
                    None => Err(format!("{origin} is empty")),
                }
            }),
        };
        let home = self.dir.path().join("home");
        Library::open(&home, Settings::default(), embedders, worker()).unwrap()
    }

    fn collection_of(&self, library: &Library) -> Collection {
        library.resolve(self.folder().to_str().unwrap()).unwrap()
    }
}

fn index(bench: &Bench, library: &Library, vectors: Vectors) -> IndexReport {
    let options = IndexOptions {
        vectors,
        ..IndexOptions::default()
    };
    let collection = bench.collection_of(library);
    collection.indexer(options).unwrap().wait().unwrap()
}

/// Starts an indexer that stands still once the embedder has embedded so many texts; drop what
/// comes with it, and it goes on.
fn held(
    bench: &Bench,
    library: &Library,
    embedder: &Words,
    after: usize,
) -> (Indexer, crossbeam_channel::Sender<()>) {
    let (reached, at_gate) = crossbeam_channel::bounded(1);
    let (open, opened) = crossbeam_channel::bounded(1);
    *embedder.gate.lock().unwrap() = Some(Gate {
        after,
        reached,
        opened,
    });
    let collection = bench.collection_of(library);
    let indexer = collection.indexer(IndexOptions::default()).unwrap();
    at_gate
        .recv_timeout(Duration::from_secs(30))
        .expect("the embedder is used");
    (indexer, open)
}

/// Embeds so many texts in a second index, and stops there.
fn interrupted(bench: &Bench, library: &Library, embedder: &Words, after: usize) {
    let (indexer, gate) = held(bench, library, embedder, after);
    indexer.stop();
    drop(gate);
    assert!(indexer.wait().unwrap().interrupted);
}

/// All that search by meaning finds, and which of two embedders was asked for it.
fn found(
    collection: &Collection,
    query: &str,
    embedders: [&Words; 2],
) -> (Vec<String>, [usize; 2]) {
    let asked = || embedders.map(|words| words.asked.load(Ordering::Relaxed));
    let before = asked();
    let request = SearchRequest {
        query: query.into(),
        mode: Mode::Dense,
        limit: 2 * FILES,
        ..SearchRequest::default()
    };
    let hits = collection.search(&request).unwrap().hits;
    let paths = hits.into_iter().map(|hit| hit.path).collect();
    let after = asked();
    (paths, [after[0] - before[0], after[1] - before[1]])
}

/// What both retrievers find first.
fn best(collection: &Collection, query: &str) -> String {
    paths(collection, query, Mode::Hybrid).swap_remove(0)
}

fn second(embedded: u64, pending: u64) -> Option<SecondIndex> {
    Some(SecondIndex {
        embedder: "words-2".into(),
        chunks_embedded: embedded,
        pending,
    })
}

#[test]
fn searches_use_the_old_vectors_until_the_new_ones_are_whole() {
    let (bench, new) = changed();
    let old = &bench.embedder;
    // Another process that reads, with the old embedder chosen.
    let beside = bench.collection_of(&bench.library_of(old, &[&new]));
    let library = bench.library_of(&new, &[old]);
    let (indexer, gate) = held(&bench, &library, &new, 64);
    let collection = bench.collection_of(&library);
    for collection in [&collection, &beside] {
        let (paths, asked) = found(collection, "volume w7x", [old, &new]);
        assert_eq!((paths.len(), asked), (FILES, [1, 0]));
        assert_eq!(best(collection, "volume w7x"), "n7.txt");
        let status = collection.status().unwrap();
        assert_eq!(status.embedder.as_deref(), Some("words-1"));
        assert_eq!((status.chunks_embedded, status.pending), (FILES as u64, 0));
        assert_eq!(status.second_index, second(0, FILES as u64));
    }
    let Progress {
        phase,
        second_index,
        ..
    } = indexer.progress();
    assert_eq!(
        (phase, second_index),
        (Phase::Embedding, second(0, FILES as u64))
    );
    drop(gate);
    let report = indexer.wait().unwrap();
    assert_eq!((report.embedded, report.second_index), (FILES as u64, None));
    assert_eq!(report.warnings, Vec::<String>::new());
    for collection in [&collection, &beside] {
        let (paths, asked) = found(collection, "volume w7x", [old, &new]);
        assert_eq!((paths.len(), asked), (FILES, [0, 1]));
        let status = collection.status().unwrap();
        assert_eq!(status.embedder.as_deref(), Some("words-2"));
        assert_eq!(status.second_index, None);
    }
    assert_eq!(old.embedded.load(Ordering::Relaxed), FILES);
}

#[test]
fn what_was_stopped_in_the_middle_is_gone_on_with() {
    let (bench, new) = changed();
    let old = &bench.embedder;
    let library = bench.library_of(&new, &[old]);
    interrupted(&bench, &library, &new, 128);
    let collection = bench.collection_of(&library);
    assert_eq!(collection.status().unwrap().second_index, second(128, 272));
    let (paths, asked) = found(&collection, "volume", [old, &new]);
    assert_eq!((paths.len(), asked), (FILES, [1, 0]));

    let report = index(&bench, &library, Vectors::All);
    assert_eq!((report.embedded, report.second_index), (272, None));
    let (paths, asked) = found(&collection, "volume", [old, &new]);
    assert_eq!((paths.len(), asked), (FILES, [0, 1]));
}

#[test]
fn going_back_embeds_nothing_again() {
    let (bench, new) = changed();
    let old = &bench.embedder;
    interrupted(&bench, &bench.library_of(&new, &[old]), &new, 64);
    let library = bench.library_of(old, &[]);
    let report = index(&bench, &library, Vectors::All);
    assert_eq!((report.embedded, report.second_index), (0, None));
    let (paths, asked) = found(&bench.collection_of(&library), "volume", [old, &new]);
    assert_eq!((paths.len(), asked), (FILES, [1, 0]));
}

#[test]
fn files_that_come_change_and_go_meanwhile_are_found_by_meaning() {
    let (bench, new) = changed();
    let old = &bench.embedder;
    let library = bench.library_of(&new, &[old]);
    interrupted(&bench, &library, &new, 64);
    bench.write("new.txt", "The bittern booms in the reeds.");
    bench.write("n3.txt", "The kingfisher dives from a willow branch.");
    fs::remove_file(bench.folder().join("n5.txt")).unwrap();
    let check = |asked: [usize; 2]| {
        let collection = bench.collection_of(&library);
        let (mut paths, by) = found(&collection, "kingfisher", [old, &new]);
        assert_eq!((paths.len(), by), (FILES, asked));
        paths.retain(|path| ["new.txt", "n3.txt", "n5.txt"].contains(&path.as_str()));
        paths.sort();
        assert_eq!(paths, ["n3.txt", "new.txt"]);
    };
    // A search brings only what it needs up to date.
    let report = index(&bench, &library, Vectors::Searched);
    assert_eq!((report.embedded, report.second_index), (2, second(64, 336)));
    check([1, 0]);
    assert_eq!(index(&bench, &library, Vectors::All).second_index, None);
    check([0, 1]);
}

#[test]
fn a_search_finishes_a_second_index_that_lacks_little() {
    let (bench, new) = changed();
    let library = bench.library_of(&new, &[&bench.embedder]);
    interrupted(&bench, &library, &new, 192);
    let report = index(&bench, &library, Vectors::Searched);
    assert_eq!((report.embedded, report.second_index), (208, None));
}

#[test]
fn where_the_old_embedder_is_gone_the_new_vectors_are_searched_as_they_come() {
    let (bench, new) = changed();
    let old = &bench.embedder;
    let impostor = Words::new("somebody else", 64);
    let embedders = Embedders {
        chosen: Arc::clone(&new) as Arc<dyn Embedder>,
        origin: String::new(),
        recall: Box::new(move |_| Ok(Arc::clone(&impostor) as Arc<dyn Embedder>)),
    };
    let home = bench.dir.path().join("home");
    let library = Library::open(&home, Settings::default(), embedders, worker()).unwrap();
    let (indexer, gate) = held(&bench, &library, &new, 64);
    let told = indexer.progress().warnings.join("\n");
    assert!(
        told.contains("somebody else") && told.contains("words-1"),
        "{told}"
    );
    let collection = bench.collection_of(&library);
    assert_eq!(
        collection.status().unwrap().embedder.as_deref(),
        Some("words-2")
    );
    assert_eq!(found(&collection, "volume", [old, &new]).1, [0, 1]);
    assert_eq!(best(&collection, "w7x"), "n7.txt");
    indexer.stop();
    drop(gate);
    assert_eq!(indexer.wait().unwrap().warnings.len(), 1);
    // It is told once.
    let report = index(&bench, &library, Vectors::All);
    assert_eq!(
        (report.embedded, report.warnings.len()),
        (FILES as u64 - 64, 0)
    );
    assert_eq!(found(&collection, "volume", [old, &new]).0.len(), FILES);
}

#[test]
fn a_reader_without_the_embedder_of_the_vectors_finds_by_words() {
    let (bench, new) = changed();
    let collection = bench.collection_of(&bench.library_of(&new, &[]));
    let (paths, asked) = found(&collection, "volume", [&bench.embedder, &new]);
    assert_eq!((paths.len(), asked), (0, [0, 0]));
    assert_eq!(best(&collection, "w7x"), "n7.txt");
}
