//! Real workers, real files, and all the ways in which a worker may be lost.

use std::io::Write;

use docent_core::source::Gap;

use super::*;

/// Makes the test program a worker when it is started as one.
const WORKER_VARIABLE: &str = "DOCENT_TEST_IS_WORKER";

#[test]
fn worker_process() {
    if std::env::var_os(WORKER_VARIABLE).is_some() {
        let code = crate::worker_main();
        std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
    }
    assert_eq!(std::env::var_os(WORKER_VARIABLE), None);
}

/// The test program itself as a worker.
fn this_program() -> WorkerCommand {
    let program = std::env::current_exe().unwrap();
    let test = "worker::pool::tests::worker_process";
    WorkerCommand {
        program: "/usr/bin/env".into(),
        arguments: vec![
            format!("{WORKER_VARIABLE}=1").into(),
            program.into(),
            "--exact".into(),
            test.into(),
            "--nocapture".into(),
        ],
    }
}

fn shell(script: &str) -> WorkerCommand {
    WorkerCommand {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
    }
}

fn pool(workers: usize) -> Pool {
    Pool::new(PoolOptions::new(this_program(), workers))
}

fn file(content: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file
}

fn text(extraction: &Extraction) -> &str {
    match &extraction.outcome {
        Outcome::Read(document) => &document.text,
        other => panic!("{other:?}"),
    }
}

fn reason(extraction: &Extraction) -> &str {
    match &extraction.outcome {
        Outcome::Failed(gap) => &gap.reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_worker_reads_file_after_file() {
    let pool = pool(1);
    let content = b"# The lease\n\nIt ends in June.\n";
    let extraction = pool.extract(&file(content), "lease.md").unwrap();
    assert_eq!(
        extraction,
        crate::extract_bytes(content, "lease.md", &Limits::default())
    );
    for index in 0..50 {
        let words = format!("file number {index}");
        let extraction = pool.extract(&file(words.as_bytes()), "a.txt").unwrap();
        assert_eq!(text(&extraction), words);
    }
    let state = pool.state();
    assert_eq!((state.places_taken, state.idle.len()), (1, 1));
    assert_eq!(state.idle[0].files, 51);
}

#[test]
fn threads_share_workers_and_each_gets_its_own_file_back() {
    let pool = pool(2);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let pool = &pool;
            scope.spawn(move || {
                for index in 0..25 {
                    let words = format!("thread {thread} file {index}");
                    let extraction = pool.extract(&file(words.as_bytes()), "a.txt").unwrap();
                    assert_eq!(text(&extraction), words);
                }
            });
        }
    });
    assert!(pool.state().places_taken <= 2);
}

#[test]
fn a_large_document_comes_back_whole() {
    let words = "All work and no play makes Jack a dull boy.\n\n".repeat(100_000);
    let extraction = pool(1)
        .extract(&file(words.as_bytes()), "novel.txt")
        .unwrap();
    assert_eq!(text(&extraction), words);
    assert_eq!(extraction.bytes, words.len() as u64);
}

#[test]
fn a_worker_that_was_killed_while_idle_is_replaced() {
    let pool = pool(1);
    assert_eq!(text(&pool.extract(&file(b"one"), "a.txt").unwrap()), "one");
    pool.state().idle[0].link.kill();
    assert_eq!(text(&pool.extract(&file(b"two"), "a.txt").unwrap()), "two");
}

#[test]
fn a_worker_ends_when_its_parent_is_gone() {
    let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let command = this_program();
    let mut child = std::process::Command::new(command.program)
        .args(command.arguments)
        .stdin(std::process::Stdio::from(std::os::fd::OwnedFd::from(
            theirs,
        )))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut ready = vec![0; 4 + READY.len()];
    std::io::Read::read_exact(&mut ours, &mut ready).unwrap();
    assert_eq!(&ready[4..], READY);
    drop(ours);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_worker_that_crashes_costs_one_file() {
    // Says that it is ready, takes the file, and ends.
    let ready = "printf '\\017\\000\\000\\000docent worker 1' >&0; head -c 4 >/dev/null; exit 7";
    let pool = Pool::new(PoolOptions::new(shell(ready), 1));
    let content = b"some words";
    let extraction = pool.extract(&file(content), "a.txt").unwrap();
    assert!(
        reason(&extraction).contains("crashed on this file (exit status: 7)"),
        "{extraction:?}"
    );
    assert_eq!(
        extraction.hash.unwrap().0,
        *blake3::hash(content).as_bytes()
    );
    assert_eq!(pool.state().places_taken, 0);
}

#[test]
fn a_worker_that_hangs_is_given_up() {
    let hang = "printf '\\017\\000\\000\\000docent worker 1' >&0; sleep 600";
    let mut options = PoolOptions::new(shell(hang), 1);
    options.timeout = Duration::from_millis(200);
    let pool = Pool::new(options);
    let extraction = pool.extract(&file(b"some words"), "a.txt").unwrap();
    assert!(
        reason(&extraction).contains("took longer than"),
        "{extraction:?}"
    );
    assert_eq!(pool.state().places_taken, 0);
}

#[test]
fn a_worker_that_sends_rubbish_is_not_believed() {
    let rubbish = "printf '\\017\\000\\000\\000docent worker 1\\004\\000\\000\\000\\377\\377\\377\\377' >&0; sleep 600";
    let pool = Pool::new(PoolOptions::new(shell(rubbish), 1));
    let extraction = pool.extract(&file(b"some words"), "a.txt").unwrap();
    assert!(
        reason(&extraction).contains("broken frame"),
        "{extraction:?}"
    );
    let flood = "printf '\\017\\000\\000\\000docent worker 1\\377\\377\\377\\377' >&0; sleep 600";
    let pool = Pool::new(PoolOptions::new(shell(flood), 1));
    let extraction = pool.extract(&file(b"some words"), "a.txt").unwrap();
    assert!(
        reason(&extraction).contains("more text than"),
        "{extraction:?}"
    );
}

#[test]
fn workers_that_cannot_live_are_an_error_and_not_a_file_s_fault() {
    let missing = WorkerCommand {
        program: "/no/such/program".into(),
        arguments: vec![],
    };
    let error = Pool::new(PoolOptions::new(missing, 1))
        .extract(&file(b"a"), "a.txt")
        .unwrap_err();
    assert!(matches!(error, ExtractError::CannotStart { .. }), "{error}");
    let error = Pool::new(PoolOptions::new(shell("exit 3"), 1))
        .extract(&file(b"a"), "a.txt")
        .unwrap_err();
    assert!(matches!(error, ExtractError::Dies { .. }), "{error}");
    assert!(error.to_string().contains("exit status: 3"), "{error}");
}

#[test]
fn memory_and_size_are_bounded() {
    let large = tempfile::tempfile().unwrap();
    large.set_len(3 << 30).unwrap();
    let extraction = pool(1).extract(&large, "a.txt").unwrap();
    assert_eq!(
        extraction.outcome,
        Outcome::Skipped(
            Gap::new("too large: 3 GiB is over the limit of 100 MiB")
                .help("raise the setting max_file_bytes")
        )
    );
    let mut options = PoolOptions::new(this_program(), 1);
    options.limits.max_file_bytes = 8 << 30;
    options.memory_bytes = 1 << 30;
    let extraction = Pool::new(options).extract(&large, "a.txt").unwrap();
    assert!(
        reason(&extraction).contains("too large for the memory"),
        "{extraction:?}"
    );
}

#[test]
fn workers_are_replaced_after_their_share_of_files() {
    let mut options = PoolOptions::new(this_program(), 1);
    options.files_per_worker = 2;
    let pool = Pool::new(options);
    for expected in [1, 0, 1, 0] {
        pool.extract(&file(b"words"), "a.txt").unwrap();
        assert_eq!(pool.state().idle.len(), expected);
    }
}

#[test]
fn directories_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let extraction = pool(1)
        .extract(&File::open(folder.path()).unwrap(), "folder")
        .unwrap();
    assert_eq!(extraction.outcome, Outcome::skipped("not a regular file"));
}
