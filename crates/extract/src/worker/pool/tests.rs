//! Real workers, real files, and all the ways in which a worker may be lost.

use std::io::Write;

use docent_core::source::Gap;

use super::*;
use crate::worker::protocol::encode_ready;

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

/// A shell command that says that a worker is ready.
fn greeting() -> String {
    let frame = encode_ready(&Isolation::default()).unwrap();
    format!("printf '{}{}' >&0", octal(&length(&frame)), octal(&frame))
}

fn length(frame: &[u8]) -> [u8; 4] {
    u32::try_from(frame.len()).unwrap().to_le_bytes()
}

/// Bytes as `printf` takes them.
fn octal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:03o}")).collect()
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
    let mut length = [0; 4];
    std::io::Read::read_exact(&mut ours, &mut length).unwrap();
    let mut ready = vec![0; u32::from_le_bytes(length) as usize];
    std::io::Read::read_exact(&mut ours, &mut ready).unwrap();
    assert!(decode_ready(&ready).is_some());
    drop(ours);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_worker_that_crashes_costs_one_file() {
    // Says that it is ready, takes the file, and ends.
    let ready = format!("{}; head -c 4 >/dev/null; exit 7", greeting());
    let pool = Pool::new(PoolOptions::new(shell(&ready), 1));
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
    let hang = format!("{}; sleep 600", greeting());
    let mut options = PoolOptions::new(shell(&hang), 1);
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
    let answers = |frame: &[u8]| {
        let script = format!("{}; printf '{}' >&0; sleep 600", greeting(), octal(frame));
        let pool = Pool::new(PoolOptions::new(shell(&script), 1));
        pool.extract(&file(b"some words"), "a.txt").unwrap()
    };
    let rubbish = answers(b"\x04\0\0\0\xff\xff\xff\xff");
    assert!(reason(&rubbish).contains("broken frame"), "{rubbish:?}");
    let flood = answers(b"\xff\xff\xff\xff");
    assert!(reason(&flood).contains("more text than"), "{flood:?}");
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

#[test]
fn a_worker_that_used_up_its_processor_time_is_said_to_have() {
    use std::os::unix::process::ExitStatusExt;
    let ended = |signal| Some(ExitStatus::from_raw(signal));
    let pool = pool(1);
    let out_of_time = rustix::process::Signal::XCPU.as_raw();
    assert_eq!(
        pool.obituary(Lost::Ended, ended(out_of_time)),
        "took more than 120 s of processor time and was given up"
    );
    assert!(pool.obituary(Lost::Ended, ended(9)).contains("crashed"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_that_was_taken_over_finds_no_way_out() {
    let pool = pool(1);
    let extraction = pool
        .extract(&file(b"some words"), crate::worker::escape::NAME)
        .unwrap();
    assert_eq!(reason(&extraction), "open: []");
    // And it still does its work.
    let content = b"# The lease\n\nIt ends in June.\n";
    let extraction = pool.extract(&file(content), "lease.md").unwrap();
    assert_eq!(
        extraction,
        crate::extract_bytes(content, "lease.md", &Limits::default())
    );
    assert_eq!(pool.state().idle[0].files, 2);
    let isolation = pool.isolation().unwrap();
    assert!(
        isolation.no_files && isolation.no_network && isolation.no_processes,
        "{isolation}"
    );
    assert!(
        isolation.memory_bound && isolation.time_bound,
        "{isolation}"
    );
    assert!(
        pool.peak_worker_memory()
            .is_some_and(|bytes| bytes > 1 << 20)
    );
}

/// A program that answers as Tesseract does, and reads the same words in every picture.
fn tesseract_like(folder: &std::path::Path, words: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let program = folder.join("tesseract");
    let rows: Vec<String> = words
        .split(' ')
        .zip(1..)
        .map(|(word, number)| format!("5\\t1\\t1\\t1\\t1\\t{number}\\t0\\t0\\t9\\t9\\t95\\t{word}"))
        .collect();
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in\n--version) echo 'tesseract 5.3.0';;\n\
         --list-langs) printf 'List:\\neng\\nosd\\n';;\n\
         *) cat >/dev/null; printf '{}\\n';;\nesac\n",
        rows.join("\\n")
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

fn pool_with_ocr(program: Option<std::path::PathBuf>) -> Pool {
    let mut options = PoolOptions::new(this_program(), 1);
    options.ocr.program = program;
    Pool::new(options)
}

fn blank_picture() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::GrayImage::from_pixel(60, 40, image::Luma([255]))
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

#[test]
fn a_picture_is_read_by_ocr() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool_with_ocr(Some(tesseract_like(folder.path(), "The lease ends")));
    let extraction = pool.extract(&file(&blank_picture()), "a.png").unwrap();
    let Outcome::Read(document) = &extraction.outcome else {
        panic!("{extraction:?}");
    };
    assert_eq!(document.text, "The lease ends");
    assert_eq!(document.incomplete, None);
    assert_eq!(document.locate(0..3).unwrap().to_string(), "page 1 (ocr)");
    assert_eq!(crate::check(document), Ok(()));
}

#[test]
fn without_a_program_a_picture_needs_ocr() {
    let extraction = pool_with_ocr(None)
        .extract(&file(&blank_picture()), "a.png")
        .unwrap();
    assert_eq!(reason(&extraction), crate::ocr::marker::NEEDS_OCR);
    let missing = Some("/no/such/tesseract".into());
    let extraction = pool_with_ocr(missing)
        .extract(&file(&blank_picture()), "a.png")
        .unwrap();
    assert!(
        reason(&extraction).starts_with("OCR failed: cannot run /no/such/tesseract"),
        "{extraction:?}"
    );
}

#[test]
fn a_picture_without_writing_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool_with_ocr(Some(tesseract_like(folder.path(), "")));
    let extraction = pool.extract(&file(&blank_picture()), "a.png").unwrap();
    assert!(
        matches!(extraction.outcome, Outcome::Skipped(_)),
        "{extraction:?}"
    );
}

/// A PDF with one empty page and a file attached to it.
fn pdf_with(name: &str, attached: &[u8]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    let mut object = |bytes: &mut Vec<u8>, head: &str, stream: &[u8]| {
        places.push(bytes.len());
        bytes.extend(format!("{} 0 obj\n{head}\n", places.len()).bytes());
        if !stream.is_empty() {
            bytes.extend(b"stream\n");
            bytes.extend(stream);
            bytes.extend(b"\nendstream\n");
        }
        bytes.extend(b"endobj\n");
    };
    let catalog = format!(
        "<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles << /Names [({name}) 4 0 R] >> >> >>"
    );
    object(&mut bytes, &catalog, b"");
    object(&mut bytes, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", b"");
    object(
        &mut bytes,
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] >>",
        b"",
    );
    let file = format!("<< /Type /Filespec /F ({name}) /UF ({name}) /EF << /F 5 0 R >> >>");
    object(&mut bytes, &file, b"");
    let stream = format!("<< /Type /EmbeddedFile /Length {} >>", attached.len());
    object(&mut bytes, &stream, attached);
    let table = bytes.len();
    bytes.extend(b"xref\n0 6\n0000000000 65535 f \n");
    for place in places {
        bytes.extend(format!("{place:010} 00000 n \n").bytes());
    }
    let trailer = "trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n";
    bytes.extend(format!("{trailer}{table}\n%%EOF\n").bytes());
    bytes
}

#[test]
fn a_picture_inside_a_file_is_read_by_ocr() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool_with_ocr(Some(tesseract_like(folder.path(), "The lease ends")));
    let outer = pdf_with("scan.png", &blank_picture());
    let extraction = pool.extract(&file(&outer), "a.pdf").unwrap();
    let [inner] = extraction.inner.as_slice() else {
        panic!("{extraction:?}");
    };
    assert_eq!(inner.path, "scan.png");
    assert!(
        matches!(&inner.outcome, Outcome::Read(document) if document.text == "The lease ends"),
        "{inner:?}"
    );
}

#[test]
fn no_more_pages_are_recognised_than_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = PoolOptions::new(this_program(), 1);
    options.ocr.program = Some(tesseract_like(folder.path(), "The lease ends"));
    options.ocr.max_pages = 0;
    let extraction = Pool::new(options)
        .extract(&file(&blank_picture()), "a.png")
        .unwrap();
    assert_eq!(reason(&extraction), "OCR stops after 0 pages of a file");
}

#[test]
fn a_bench_counts_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (name, content) in [
        ("a.txt", &b"some words"[..]),
        ("b.txt", b"other words"),
        ("empty.txt", b""),
        ("a.png", &blank_picture()),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        paths.push(path);
    }
    paths.push(folder.path().join("missing.txt"));
    let bench = crate::bench(&paths, PoolOptions::new(this_program(), 2)).unwrap();
    let count = |format: &str| {
        let found = bench.formats.iter().find(|row| row.format == format);
        found.map(|row| (row.files, row.failed, row.skipped, row.pages, row.bytes))
    };
    assert_eq!(count("text"), Some((2, 0, 0, 2, 21)));
    assert_eq!(count("other"), Some((1, 0, 1, 0, 0)));
    assert!(matches!(count("image"), Some((1, 1, 0, 0, 1..))));
    let json = serde_json::to_value(&bench).unwrap();
    assert_eq!(json["workers"], 2);
    assert_eq!(json["formats"][0]["format"], "image");
}
