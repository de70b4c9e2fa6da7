//! `kill -9` at random moments: nothing is lost, nothing is double, nothing half is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::sandbox::Sandbox;

/// Files of the index that is killed.
const FILES: usize = 500;
/// How often it is killed.
const KILLS: u32 = 12;

/// What stands in a file while it is changed.
const ON_LOAN: &str = "The heron is out on loan.";

/// Chunks as path, place and text.
type Chunks = BTreeSet<(String, String, String)>;

/// Files of one to three chunks' worth of short paragraphs, each with a word of its own.
fn corpus() -> String {
    let mut corpus = String::new();
    for n in 0..FILES {
        corpus += &format!("//- shelf{}/book{n}.md\n# Book {n}\n\n", n % 7);
        corpus += &format!("Every heron in volume {n} knows the word w{n}x.\n");
        if n % 50 == 0 {
            for part in 0..40 {
                corpus += &format!("\nChapter {part} of volume {n} tells of a heron on a lake.\n");
            }
        }
    }
    corpus
}

/// All chunks that a retriever shows, as path, place and text.
fn chunks(sandbox: &Sandbox, mode: &str) -> Chunks {
    let hits = sandbox.hits(mode, "heron");
    let parts = |hit: &Value| {
        let text = hit["text"].as_str().expect("text");
        let path = hit["path"].as_str().expect("a path");
        (path.to_owned(), hit["locator"].to_string(), text.to_owned())
    };
    let chunks: BTreeSet<_> = hits.iter().map(parts).collect();
    assert_eq!(chunks.len(), hits.len(), "no chunk is shown twice");
    chunks
}

/// The chunks of each document, as place and text.
fn by_document(chunks: Chunks) -> BTreeMap<String, BTreeSet<(String, String)>> {
    let mut documents: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for (path, place, text) in chunks {
        documents.entry(path).or_default().insert((place, text));
    }
    documents
}

/// Moments that differ from run to run.
struct Moments(u64);

impl Moments {
    fn new() -> Moments {
        let now = std::time::SystemTime::now();
        let since = now.duration_since(std::time::UNIX_EPOCH).expect("a clock");
        let seed = since.as_nanos() as u64 | 1;
        Moments(seed)
    }

    /// A moment before `end` (xorshift: Marsaglia, "Xorshift RNGs", 2003).
    fn before(&mut self, end: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        end.mul_f64((self.0 >> 11) as f64 / (1u64 << 53) as f64)
    }
}

#[test]
fn a_killed_index_ends_as_an_undisturbed_one() {
    let corpus = corpus();
    let undisturbed = Sandbox::with(&corpus);
    let begin = Instant::now();
    undisturbed.run(["index", "files"]).with_status(0);
    let whole = begin.elapsed();
    let expected = (
        chunks(&undisturbed, "lexical"),
        chunks(&undisturbed, "dense"),
    );
    let documents = by_document(expected.0.clone());
    assert_eq!(documents.len(), FILES);

    let sandbox = Sandbox::with(&corpus);
    sandbox.run(["add", "files", "files"]).with_status(0);
    let mut moments = Moments::new();
    for _ in 0..KILLS {
        let mut running = sandbox.start(["index", "files"]);
        std::thread::sleep(moments.before(whole.mul_f64(0.4)));
        running.kill();
        let shown = by_document(chunks(&sandbox, "lexical"));
        for (path, chunks) in shown {
            let is_lent = |(_, text): &(String, String)| text.contains(ON_LOAN);
            let whole = chunks.len() == 1 && chunks.iter().all(is_lent);
            assert!(
                whole || documents.get(&path) == Some(&chunks),
                "a document is shown as it was at some time, and wholly: {path} {chunks:?}"
            );
        }
        // Files changed and changed back, so that there is always something to do.
        let lent: Vec<String> = (0..FILES)
            .step_by(7)
            .map(|n| format!("shelf0/book{n}.md"))
            .collect();
        for path in &lent {
            sandbox.write(path, ON_LOAN);
        }
        let mut running = sandbox.start(["index", "files"]);
        std::thread::sleep(moments.before(whole.mul_f64(0.2)));
        running.kill();
        for path in &lent {
            std::fs::copy(undisturbed.file(path), sandbox.file(path)).expect("a file");
        }
    }
    sandbox.run(["index", "files"]).with_status(0);
    assert_eq!(chunks(&sandbox, "lexical"), expected.0);
    assert_eq!(chunks(&sandbox, "dense"), expected.1);
    let (status, other) = (sandbox.status(), undisturbed.status());
    for field in ["seen", "indexed", "chunks", "chunks_embedded", "pending"] {
        assert_eq!(status[field], other[field], "{field}");
    }
}
