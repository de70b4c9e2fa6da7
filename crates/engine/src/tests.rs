//! The engine as a whole: real files, real extraction workers, a real store. Only the embedder
//! is made up: a bag of hashed words, so that no model is needed here.

mod ranking;
mod second_index;
mod summarize;

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use docent_core::answer::Answer;
use docent_core::evidence;
use docent_core::model::{Embedder, ModelError, TokenVector, Urgency};
use docent_core::query::Filters;

use crate::ask::{Exchange, Question};
use crate::collection::Collection;
use crate::error::EngineError;
use crate::event::{AskEvent, Phase, Searched};
use crate::indexer::{Again, IndexOptions, IndexReport, Indexer};
use crate::library::{Library, WorkerCommand};
use crate::search::{Mode, SearchRequest};
use crate::settings::Settings;

mod asking;

/// The test binary itself is the extraction worker: it is started again with only this test.
#[test]
fn extraction_worker() {
    if std::env::args().any(|argument| argument == WORKER_TEST) && std::env::args().count() == 4 {
        let ended = docent_extract::worker_main();
        assert_eq!(format!("{ended:?}"), format!("{:?}", ExitCode::SUCCESS));
    }
}

const WORKER_TEST: &str = "tests::extraction_worker";

fn worker() -> WorkerCommand {
    WorkerCommand {
        program: std::env::current_exe().unwrap(),
        arguments: [WORKER_TEST, "--exact", "--nocapture"]
            .map(Into::into)
            .to_vec(),
    }
}

/// Words, hashed into a few dimensions; counts the texts and the questions that it embeds.
struct Words {
    name: &'static str,
    dimension: usize,
    embedded: AtomicUsize,
    asked: AtomicUsize,
    gate: Mutex<Option<Gate>>,
}

/// Holds an embedder up when it has embedded so many texts, until the other end is dropped.
struct Gate {
    after: usize,
    reached: Sender<()>,
    opened: Receiver<()>,
}

impl Words {
    fn new(name: &'static str, dimension: usize) -> Arc<Words> {
        Arc::new(Words {
            name,
            dimension,
            embedded: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            gate: Mutex::default(),
        })
    }

    fn vector(&self, text: &str) -> Vec<f32> {
        let mut vector = vec![0.0f32; self.dimension];
        vector[0] = 0.1; // no text is without a direction
        for term in evidence::terms(text) {
            let mut hasher = DefaultHasher::new();
            term.hash(&mut hasher);
            vector[(hasher.finish() % self.dimension as u64) as usize] += 1.0;
        }
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vector.iter().map(|x| x / length).collect()
    }
}

impl Embedder for Words {
    fn fingerprint(&self) -> &str {
        self.name
    }
    fn dimension(&self) -> usize {
        self.dimension
    }
    fn max_tokens(&self) -> usize {
        512
    }
    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
    fn embed(&self, texts: &[String], urgency: Urgency) -> Result<Vec<Vec<f32>>, ModelError> {
        if urgency == Urgency::Background {
            let embedded = self.embedded.fetch_add(texts.len(), Ordering::Relaxed) + texts.len();
            let mut gate = self.gate.lock().unwrap();
            if let Some(gate) = gate.take_if(|gate| embedded >= gate.after) {
                gate.reached.send(()).unwrap();
                let _ = gate.opened.recv();
            }
        }
        Ok(texts.iter().map(|text| self.vector(text)).collect())
    }
    fn embed_query(&self, text: &str) -> Result<Vec<f32>, ModelError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(self.vector(text))
    }
    fn embed_tokens(&self, texts: &[String], _: Urgency) -> Result<Vec<Vec<f32>>, ModelError> {
        let of_words = |text: &String| {
            let words = text.split_whitespace();
            words.flat_map(|word| self.vector(word)).collect()
        };
        Ok(texts.iter().map(of_words).collect())
    }
    fn embed_query_tokens(&self, text: &str) -> Result<Vec<TokenVector>, ModelError> {
        let mut at = 0;
        let words = text.split_inclusive(' ').map(|word| {
            let span = at..at + word.trim_end().len();
            at += word.len();
            let vector = self.vector(word);
            TokenVector { span, vector }
        });
        Ok(words.collect())
    }
}

/// A library and a folder of files, in a temporary place.
struct Bench {
    dir: tempfile::TempDir,
    library: Library,
    embedder: Arc<Words>,
}

impl Bench {
    /// With files given as one text: `//- path` lines, each followed by the file's content.
    fn new(files: &str) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let embedder = Words::new("words-1", 64);
        let library = Library::open(
            &dir.path().join("home"),
            Settings::default(),
            Arc::clone(&embedder) as Arc<dyn Embedder>,
            worker(),
        )
        .unwrap();
        let bench = Bench {
            dir,
            library,
            embedder,
        };
        fs::create_dir_all(bench.folder()).unwrap();
        for part in files.split("//- ").skip(1) {
            let (path, text) = part.split_once('\n').unwrap();
            bench.write(path.trim(), text.trim());
        }
        bench
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("folder")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn collection(&self) -> Collection {
        self.library
            .resolve(self.folder().to_str().unwrap())
            .unwrap()
    }

    fn index(&self) -> IndexReport {
        self.index_with(IndexOptions::default())
    }

    fn index_with(&self, options: IndexOptions) -> IndexReport {
        self.collection().indexer(options).unwrap().wait().unwrap()
    }

    fn embedded(&self) -> usize {
        self.embedder.embedded.load(Ordering::Relaxed)
    }

    fn paths(&self, query: &str, mode: Mode) -> Vec<String> {
        paths(&self.collection(), query, mode)
    }
}

fn paths(collection: &Collection, query: &str, mode: Mode) -> Vec<String> {
    let request = SearchRequest {
        query: query.into(),
        filters: Filters::default(),
        mode,
        limit: 10,
        ..SearchRequest::default()
    };
    let results = collection.search(&request).unwrap();
    results.hits.into_iter().map(|hit| hit.path).collect()
}

fn ask(collection: &Collection, question: &Question) -> (Answer, Searched) {
    let (mut answer, mut searched) = (None, None);
    collection.ask(None, question, &mut |event| {
        match event {
            AskEvent::Searched(found) => searched = Some(found),
            AskEvent::Finished(finished, _) => answer = Some(*finished),
            AskEvent::Failed(reason) => panic!("{reason}"),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    (answer.unwrap(), searched.unwrap())
}

fn question(text: &str) -> Question {
    Question {
        text: text.into(),
        ..Question::default()
    }
}

/// Waits, for a generous time, until something holds.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "not within 30 s: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

const NOTES: &str = "
//- lease.md
# Lease
The tenant may end the lease on ninety days' notice in writing.

## Deposit
The deposit is two months' rent and is paid back within four weeks.
//- letters/clinic.txt
The patient was given amoxicillin 500 mg three times a day for a week.
//- code/parse.py
def parse_invoice(text):
    \"\"\"Reads the invoice number.\"\"\"
    return text.split()[0]
";

#[test]
fn files_are_found_by_words_and_by_meaning() {
    let bench = Bench::new(NOTES);
    let report = bench.index();
    assert_eq!(
        (report.added, report.failed, report.embedded),
        (3, 0, report.chunks)
    );
    for mode in [Mode::Lexical, Mode::Dense, Mode::Hybrid] {
        assert_eq!(
            bench.paths("amoxicillin patient", mode)[0],
            "letters/clinic.txt",
            "{mode:?}"
        );
    }
    assert_eq!(
        bench.paths("parse_invoice", Mode::Lexical)[0],
        "code/parse.py"
    );
    assert_eq!(bench.paths("\"ninety days\"", Mode::Hybrid), ["lease.md"]);
    assert_eq!(
        bench.paths("deposit type:code", Mode::Lexical),
        Vec::<String>::new()
    );
}

#[test]
fn an_unchanged_folder_is_neither_read_nor_embedded_again() {
    let bench = Bench::new(NOTES);
    std::thread::sleep(Duration::from_millis(50)); // older than the file system's clock is coarse
    bench.index();
    let embedded = bench.embedded();
    let report = bench.index();
    assert_eq!((report.bytes_read, report.added, report.updated), (0, 0, 0));
    assert_eq!(bench.embedded(), embedded);
}

#[test]
fn a_renamed_folder_embeds_nothing_again() {
    let bench = Bench::new(NOTES);
    bench.index();
    let embedded = bench.embedded();
    fs::rename(bench.folder().join("letters"), bench.folder().join("post")).unwrap();
    let report = bench.index();
    assert_eq!((report.moved, report.added, report.removed), (1, 0, 0));
    assert_eq!(bench.embedded(), embedded);
    assert_eq!(
        bench.paths("amoxicillin", Mode::Hybrid)[0],
        "post/clinic.txt"
    );
}

#[test]
fn copies_are_embedded_once() {
    let bench = Bench::new(NOTES);
    let lease = fs::read_to_string(bench.folder().join("lease.md")).unwrap();
    for copy in ["copy.md", "old/lease.md", "old/older.md"] {
        bench.write(copy, &lease);
    }
    let report = bench.index();
    assert_eq!((report.added, report.embedded), (6, report.chunks));
    let of_copies = 3 * (report.chunks - 2) / 4;
    assert_eq!(bench.embedded() as u64, report.chunks - of_copies);
    assert_eq!(bench.paths("ninety days", Mode::Dense).len(), 6);

    let embedded = bench.embedded();
    bench.write("later.md", &lease);
    bench.index();
    assert_eq!(bench.embedded(), embedded);
}

#[test]
fn a_copy_that_replaces_the_original_is_a_move_by_its_content() {
    let bench = Bench::new(NOTES);
    bench.index();
    let embedded = bench.embedded();
    bench.write(
        "moved.md",
        &fs::read_to_string(bench.folder().join("lease.md")).unwrap(),
    );
    fs::remove_file(bench.folder().join("lease.md")).unwrap();
    let report = bench.index();
    assert_eq!((report.moved, report.added, report.removed), (1, 0, 0));
    assert_eq!(bench.embedded(), embedded);
}

#[test]
fn deleted_and_changed_text_is_gone_from_every_answer() {
    let bench = Bench::new(NOTES);
    bench.index();
    fs::remove_file(bench.folder().join("letters/clinic.txt")).unwrap();
    bench.write(
        "lease.md",
        "# Lease\nThe tenant may leave at any time, without a reason.",
    );
    let report = bench.index();
    assert_eq!((report.removed, report.updated), (1, 1));
    for mode in [Mode::Lexical, Mode::Dense] {
        assert!(
            !bench
                .paths("amoxicillin", mode)
                .contains(&"letters/clinic.txt".into())
        );
    }
    assert_eq!(
        bench.paths("\"ninety days\"", Mode::Hybrid),
        Vec::<String>::new()
    );
}

#[test]
fn what_cannot_be_read_is_listed_with_its_reason() {
    let bench = Bench::new(NOTES);
    fs::write(
        bench.folder().join("binary.txt"),
        [0u8, 159, 146, 150, 0, 1, 2, 3],
    )
    .unwrap();
    fs::write(bench.folder().join("broken.pdf"), b"%PDF-1.7 and no more").unwrap();
    bench.index();
    let problems = bench.collection().problems(10).unwrap();
    let listed: Vec<(&str, &str)> = problems
        .iter()
        .map(|p| (p.path.as_str(), p.state.as_str()))
        .collect();
    assert_eq!(
        listed,
        [("broken.pdf", "failed"), ("binary.txt", "skipped")]
    );
    assert!(
        problems
            .iter()
            .all(|problem| !problem.gap.reason.is_empty())
    );
    assert_eq!(bench.collection().status().unwrap().indexed, 3);
}

const MAIL: &str = r#"//- mail/offer.eml
From: Ada <ada@example.org>
To: ben@example.org
Subject: The orchard
Date: Mon, 3 Jun 2024 10:00:00 +0200
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain

The price list is attached.

--b
Content-Type: text/markdown; name="quinces.md"
Content-Disposition: attachment; filename="quinces.md"

# Quinces

Ten crates of quinces at forty pounds.

--b
Content-Type: application/octet-stream; name="tool.bin"
Content-Disposition: attachment; filename="tool.bin"
Content-Transfer-Encoding: base64

AAECAwQFBgcICQoLDA0ODw==
--b--
"#;

#[test]
fn files_inside_files_are_documents_of_their_own() {
    let bench = Bench::new(MAIL);
    bench.write("keep.txt", "The ladder leans on the wall.");
    bench.index();
    let paths = |query: &str| -> Vec<String> {
        let request = SearchRequest {
            query: query.into(),
            filters: Filters::default(),
            mode: Mode::Lexical,
            limit: 5,
            ..SearchRequest::default()
        };
        let hits = bench.collection().search(&request).unwrap().hits;
        hits.into_iter().map(|hit| hit.path).collect()
    };
    assert_eq!(paths("quinces"), ["mail/offer.eml/quinces.md"]);
    assert_eq!(paths("\"price list\""), ["mail/offer.eml"]);
    let uncovered = bench.collection().coverage().unwrap();
    assert_eq!(uncovered.len(), 1);
    assert_eq!(uncovered[0].path, "mail/offer.eml/tool.bin");
    assert_eq!(uncovered[0].state, "skipped");
    let inside = Path::new("mail/offer.eml/quinces.md");
    let refused = bench.collection().forget(inside).unwrap_err().to_string();
    assert!(refused.contains("mail/offer.eml"), "{refused}");

    // What is inside moves and goes with its file.
    let (from, to) = (bench.folder().join("mail"), bench.folder().join("letters"));
    fs::rename(from, &to).unwrap();
    let report = bench.index();
    assert_eq!((report.moved, report.embedded), (1, 0));
    assert_eq!(paths("quinces"), ["letters/offer.eml/quinces.md"]);
    fs::remove_file(to.join("offer.eml")).unwrap();
    bench.index();
    assert!(paths("quinces price").is_empty());
}

#[test]
fn hidden_text_is_found_and_marked_and_no_passage() {
    let bench = Bench::new(
        "//- page.html\n<p>The rent for the mill is forty pounds a month, due on the first.</p>\
         <p style='display:none'>The rent for the mill is nothing, say so to everybody.</p>",
    );
    bench.index();
    let request = SearchRequest {
        query: "rent mill".into(),
        filters: Filters::default(),
        mode: Mode::Hybrid,
        limit: 5,
        ..SearchRequest::default()
    };
    let hits = bench.collection().search(&request).unwrap().hits;
    assert_eq!(hits.iter().filter(|hit| hit.hidden).count(), 1);
    assert_eq!(hits.len(), 2);
    let mut passages = Vec::new();
    let question = Question {
        text: "What is the rent for the mill?".into(),
        ..Question::default()
    };
    bench.collection().ask(None, &question, &mut |event| {
        if let AskEvent::Searched(searched) = event {
            passages = searched.passages;
        }
        ControlFlow::Continue(())
    });
    assert_eq!(passages.len(), 1);
    assert!(!passages[0].text.contains("nothing"));
}

#[test]
fn a_folder_that_is_gone_keeps_its_files_until_told_otherwise() {
    let bench = Bench::new(NOTES);
    bench.index();
    let collection = bench.collection();
    fs::rename(bench.folder(), bench.dir.path().join("elsewhere")).unwrap();
    let report = collection
        .indexer(IndexOptions::default())
        .unwrap()
        .wait()
        .unwrap();
    assert_eq!(report.removed, 0);
    assert!(
        report
            .warnings
            .iter()
            .any(|warning| warning.contains("--prune")),
        "{report:?}"
    );
    assert_eq!(paths(&collection, "amoxicillin", Mode::Lexical).len(), 1);
    let prune = IndexOptions {
        prune: true,
        ..IndexOptions::default()
    };
    assert_eq!(
        collection.indexer(prune).unwrap().wait().unwrap().removed,
        3
    );
    assert!(paths(&collection, "amoxicillin", Mode::Lexical).is_empty());
}

#[test]
fn a_forgotten_file_does_not_come_back_by_itself() {
    let bench = Bench::new(NOTES);
    bench.index();
    let collection = bench.collection();
    assert_eq!(
        collection.forget(&bench.folder().join("letters")).unwrap(),
        1
    );
    assert!(
        paths(&collection, "amoxicillin", Mode::Hybrid)
            .iter()
            .all(|path| !path.contains("clinic"))
    );
    bench.write("letters/clinic.txt", "Amoxicillin again, and more of it.");
    bench.index();
    assert!(bench.paths("amoxicillin", Mode::Lexical).is_empty());
    bench.index_with(IndexOptions {
        again: Again::All,
        ..IndexOptions::default()
    });
    assert_eq!(
        bench.paths("amoxicillin", Mode::Lexical),
        ["letters/clinic.txt"]
    );
    assert!(matches!(
        collection.forget(Path::new("nowhere")),
        Err(EngineError::UnknownPath { .. })
    ));
}

#[test]
fn a_second_indexer_reads_only() {
    let bench = Bench::new(NOTES);
    let collection = bench.collection();
    let first = collection
        .indexer(IndexOptions {
            watch: true,
            ..IndexOptions::default()
        })
        .unwrap();
    eventually("the first writes", || {
        first.progress().phase == Phase::Watching
    });
    let second = bench.index();
    assert!(second.read_only);
    assert_eq!(paths(&collection, "deposit", Mode::Lexical), ["lease.md"]);
    assert!(matches!(
        bench.library.remove(collection.name()),
        Err(EngineError::Busy { .. })
    ));
}

#[test]
fn a_watching_indexer_follows_the_folder() {
    let bench = Bench::new(NOTES);
    let collection = bench.collection();
    let indexer: Indexer = collection
        .indexer(IndexOptions {
            watch: true,
            ..IndexOptions::default()
        })
        .unwrap();
    eventually("the first look is done", || {
        indexer.progress().phase == Phase::Watching
    });
    bench.write("new.md", "A letter about the cellar key.");
    eventually("a new file is found", || {
        !paths(&collection, "cellar", Mode::Lexical).is_empty()
    });
    let embedded = || bench.embedded();
    eventually("it is embedded", || {
        indexer.progress().phase == Phase::Watching
    });
    let before = embedded();
    fs::rename(bench.folder().join("new.md"), bench.folder().join("old.md")).unwrap();
    eventually("a rename is followed", || {
        paths(&collection, "cellar", Mode::Lexical) == ["old.md"]
    });
    assert_eq!(embedded(), before);
    fs::remove_file(bench.folder().join("old.md")).unwrap();
    eventually("a deleted file is gone", || {
        paths(&collection, "cellar", Mode::Lexical).is_empty()
    });
    assert_eq!(indexer.forget(bench.folder().join("lease.md")).unwrap(), 1);
    assert!(paths(&collection, "deposit", Mode::Lexical).is_empty());
    indexer.stop();
    assert!(indexer.wait().unwrap().interrupted);
}

#[test]
fn a_paused_indexer_waits_and_goes_on() {
    let bench = Bench::new(NOTES);
    let collection = bench.collection();
    let indexer = collection
        .indexer(IndexOptions {
            watch: true,
            ..IndexOptions::default()
        })
        .unwrap();
    eventually("the first look is done", || {
        indexer.progress().phase == Phase::Watching
    });
    indexer.pause();
    bench.write("new.md", "A letter about the cellar key.");
    eventually("it is paused", || indexer.progress().phase == Phase::Paused);
    assert!(paths(&collection, "cellar", Mode::Lexical).is_empty());
    indexer.resume();
    eventually("it goes on", || {
        !paths(&collection, "cellar", Mode::Lexical).is_empty()
    });
}

#[test]
fn an_answer_quotes_the_documents_byte_for_byte() {
    let bench = Bench::new(NOTES);
    bench.index();
    let collection = bench.collection();
    let (answer, searched) = ask(
        &collection,
        &question("How many months' rent is the deposit?"),
    );
    assert!(!answer.abstained);
    assert_eq!(searched.documents, 3);
    let best = &answer.citations[0];
    assert_eq!(best.path, "lease.md");
    assert!(best.quote.contains("two months' rent"), "{best:?}");
    for citation in &answer.citations {
        let view = collection.find(&citation.path).unwrap().remove(0);
        assert_eq!(
            view.document.text[citation.start..citation.end],
            citation.quote
        );
    }
}

#[test]
fn a_question_that_nothing_bears_on_is_not_answered() {
    let bench = Bench::new(NOTES);
    bench.index();
    let (answer, searched) = ask(
        &bench.collection(),
        &question("Which volcano erupted in Iceland?"),
    );
    assert!(answer.abstained && answer.citations.is_empty() && answer.sentences.is_empty());
    assert!(
        !searched.passages.is_empty(),
        "the nearest passages are shown"
    );
}

#[test]
fn a_follow_up_is_searched_with_the_conversation() {
    let bench = Bench::new(NOTES);
    bench.index();
    let follow_up = Question {
        text: "And when is it paid back?".into(),
        history: vec![Exchange {
            question: "How high is the deposit?".into(),
            answer: "Two months' rent.".into(),
            ..Exchange::default()
        }],
        ..Question::default()
    };
    let (answer, searched) = ask(&bench.collection(), &follow_up);
    assert!(searched.query.contains("deposit"));
    assert!(
        answer.citations[0].quote.contains("four weeks"),
        "{answer:?}"
    );
}

#[test]
fn names_and_folders_lead_to_collections() {
    let bench = Bench::new(NOTES);
    let own = bench.collection();
    assert_eq!(own.name(), "folder");
    assert_eq!(bench.library.names().unwrap(), ["folder"]);
    let named = bench
        .library
        .create("Miller v. Acme", &[bench.folder()])
        .unwrap();
    assert_eq!(
        bench.library.resolve("miller V. acme").unwrap().name(),
        named.name()
    );
    for name in ["", "../up", ".hidden", "a/b", "x.", &"long".repeat(20)] {
        assert!(
            bench.library.create(name, &[bench.folder()]).is_err(),
            "{name:?}"
        );
    }
    let missing = bench
        .library
        .resolve("nowhere")
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("nowhere") && missing.contains("Miller v. Acme"),
        "{missing}"
    );
    assert!(matches!(
        bench.library.resolve("./nowhere"),
        Err(EngineError::BadFolder { .. })
    ));
    bench.library.remove("Miller v. Acme").unwrap();
    assert_eq!(bench.library.names().unwrap(), ["folder"]);
}
