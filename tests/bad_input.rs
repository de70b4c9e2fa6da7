//! What should not be there: each gets a message that names the thing, the place and what to
//! do; the rest of the run goes on; nothing that was indexed is lost.

use std::fs;

use crate::sandbox::Sandbox;
use crate::tidy::repository;

const GOOD: &str = "
//- good.txt
The kettle hangs over the fire.
";

/// Indexes the sandbox, finds the good file, and returns the reason that stands beside `path`,
/// with what would help.
#[track_caller]
fn reason(sandbox: &Sandbox, state: &str, path: &str) -> String {
    let run = sandbox.run(["index", "files"]);
    assert!(matches!(run.status.code(), Some(0 | 1)), "{run:?}");
    assert_eq!(
        sandbox.paths("lexical", "kettle"),
        ["good.txt"],
        "the rest goes on"
    );
    let status = sandbox.status();
    let files = status[state].as_array().expect("files");
    let file = files.iter().find(|file| file["path"] == path);
    let file = file.unwrap_or_else(|| panic!("{path} is {state}: {status}"));
    let help = file["help"].as_str().unwrap_or_default();
    format!("{}; {help}", file["reason"].as_str().expect("a reason"))
}

#[test]
fn a_missing_folder_is_named() {
    let sandbox = Sandbox::with(GOOD);
    for command in [
        &["search", "--in", "./no-such-folder", "x"][..],
        &["ask", "--in", "no/such", "x"],
    ] {
        let run = sandbox.run(command).with_status(2);
        assert!(run.stderr.contains(command[2]), "{run:?}");
        assert_eq!(run.stdout, "");
    }
    sandbox
        .run(["add", "box", "files", "no-such-folder"])
        .with_status(2)
        .telling("no-such-folder");
    assert_eq!(
        sandbox.run(["list"]).with_status(0).stdout,
        "",
        "nothing was added"
    );
    sandbox
        .run(["search", "--in", "files/good.txt", "x"])
        .with_status(2)
        .telling("good.txt");
}

#[test]
fn a_file_of_two_gigabytes_is_skipped() {
    let sandbox = Sandbox::with(GOOD);
    let big = fs::File::create(sandbox.file("big.txt")).expect("a file");
    big.set_len(2 << 30).expect("a sparse file");
    let reason = reason(&sandbox, "skipped", "big.txt");
    assert!(
        reason.contains("limit") && reason.contains("max_file_bytes"),
        "{reason}"
    );
}

#[test]
fn a_binary_file_called_text_is_skipped() {
    let sandbox = Sandbox::with(GOOD);
    let bytes: Vec<u8> = (0..40_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    sandbox.write("noise.txt", &bytes);
    let reason = reason(&sandbox, "skipped", "noise.txt");
    assert!(reason.contains("binary"), "{reason}");
}

#[test]
fn pdfs_that_are_none_fail_and_no_more() {
    let sandbox = Sandbox::with(GOOD);
    let looped = "%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n\
                  <</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>\nendobj\ntrailer\n<</Root 1 0 R>>\n";
    let lease = fs::read(repository().join("assets/demo/home/lease.pdf")).expect("the lease");
    sandbox.write("loop.pdf", looped);
    sandbox.write("empty.pdf", "%PDF-1.7\n");
    sandbox.write("cut.pdf", &lease[..lease.len() / 3]);
    sandbox.run(["index", "files"]);
    assert_eq!(sandbox.paths("lexical", "kettle"), ["good.txt"]);
    let status = sandbox.status();
    for path in ["loop.pdf", "empty.pdf"] {
        let failed = status["failed"].as_array().expect("files");
        let file = failed.iter().find(|file| file["path"] == path);
        let reason = file.and_then(|file| file["reason"].as_str());
        assert!(
            reason.is_some_and(|reason| reason.len() > 10),
            "{path}: {status}"
        );
    }
    assert_eq!(status["seen"], 4, "every file has a state: {status}");
}

#[test]
fn a_file_that_can_never_be_read_to_its_end_does_not_hold_up_the_rest() {
    let sandbox = Sandbox::with(GOOD);
    let made = std::process::Command::new("mkfifo")
        .arg(sandbox.file("pipe.txt"))
        .status();
    assert!(made.expect("mkfifo").success());
    sandbox.run(["index", "files"]).with_status(0);
    assert_eq!(sandbox.paths("lexical", "kettle"), ["good.txt"]);
    sandbox
        .run(["extract", "files/pipe.txt"])
        .with_status(1)
        .telling("pipe.txt");
}

#[test]
fn files_that_vanish_while_they_are_read_are_no_error() {
    let corpus: String = (0..300)
        .map(|n| format!("//- f{n}.txt\nA moth, number {n}.\n"))
        .collect();
    let sandbox = Sandbox::with(&format!("{GOOD}{corpus}"));
    let mut running = sandbox.start(["index", "files"]);
    for n in (0..300).rev() {
        fs::remove_file(sandbox.file(&format!("f{n}.txt"))).expect("a file");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let status = running.wait();
    assert!(matches!(status.code(), Some(0 | 1)), "{status:?}");
    sandbox.run(["index", "files"]).with_status(0);
    assert!(sandbox.paths("lexical", "moth").is_empty());
    assert_eq!(sandbox.paths("lexical", "kettle"), ["good.txt"]);
    assert_eq!(sandbox.status()["seen"], 1);
}

#[test]
fn a_wrong_model_is_told_with_its_path() {
    let sandbox = Sandbox::with(GOOD).indexed();
    let gguf = repository().join("assets/models/smollm2-135m-instruct-q4_1.gguf");
    let whole = fs::read(gguf).expect("the starter model");
    sandbox.write("../cut.gguf", &whole[..3_000_000]);
    sandbox.write("../header.gguf", &whole[..100]);
    sandbox.write("../text.gguf", "This is no model.\n");
    fs::create_dir(sandbox.root().join("folder.gguf")).expect("a folder");
    for model in [
        "no-such.gguf",
        "cut.gguf",
        "header.gguf",
        "text.gguf",
        "folder.gguf",
    ] {
        let args = [
            "ask",
            "--in",
            "files",
            "--model",
            model,
            "Where does the kettle hang?",
        ];
        let run = sandbox.run(args).with_status(2).telling(model);
        assert!(!run.stderr.contains("panicked"), "{run:?}");
    }
    let args = [
        "ask",
        "--in",
        "files",
        "--no-model",
        "Where does the kettle hang?",
    ];
    assert!(
        sandbox
            .run(args)
            .with_status(0)
            .stdout
            .contains("over the fire")
    );
}

#[test]
fn a_wrong_embedder_is_told_with_its_path() {
    let sandbox = Sandbox::with(GOOD).indexed();
    let starter = repository().join("assets/models/minilm-l6-v2");
    let folder = sandbox.root().join("embedder");
    fs::create_dir(&folder).expect("a folder");
    let search = || {
        sandbox.run([
            "search",
            "--in",
            "files",
            "--embedder",
            "embedder",
            "kettle",
        ])
    };
    search().with_status(2).telling("embedder");
    for name in ["config.json", "tokenizer.json"] {
        fs::copy(starter.join(name), folder.join(name)).expect("a file");
    }
    search().with_status(2).telling("model.safetensors");
    let weights = fs::read(starter.join("model.safetensors")).expect("weights");
    fs::write(
        folder.join("model.safetensors"),
        &weights[..weights.len() / 2],
    )
    .expect("a file");
    search().with_status(2).telling("model.safetensors");
    fs::write(folder.join("model.safetensors"), &weights).expect("a file");
    fs::write(folder.join("config.json"), "{").expect("a file");
    search().with_status(2).telling("config.json");
    sandbox
        .run(["search", "--in", "files", "--embedder", "nowhere", "x"])
        .with_status(2)
        .telling("nowhere");
    assert_eq!(sandbox.status()["pending"], 0, "nothing was spoilt");
}

#[test]
fn an_index_home_that_is_a_file_is_named() {
    let sandbox = Sandbox::with(GOOD);
    sandbox.write("../plain", "a file");
    sandbox
        .run(["--index", "plain", "list"])
        .with_status(2)
        .telling("plain");
}

#[cfg(unix)]
mod permissions {
    //! What depends on who runs docent: root may read and write everything, so root tries
    //! these as nobody.

    use std::fs;
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    use std::path::Path;

    use super::GOOD;
    use crate::sandbox::{Run, Sandbox};

    /// The user without powers, on Linux and macOS alike.
    const NOBODY: u32 = 65_534;

    fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    /// Gives everything in the sandbox to whoever runs docent there.
    fn hand_over(path: &Path) {
        if !is_root() {
            return;
        }
        chown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
        if path.is_dir() {
            for entry in fs::read_dir(path).expect("a folder") {
                hand_over(&entry.expect("an entry").path());
            }
        }
    }

    /// Runs docent without root's powers.
    fn run(sandbox: &Sandbox, args: &[&str]) -> Run {
        if !is_root() {
            return sandbox.run(args);
        }
        let program = sandbox.root().join("docent");
        if !program.exists() {
            fs::copy(env!("CARGO_BIN_EXE_docent"), &program).expect("the program");
            hand_over(sandbox.root());
        }
        let mut command = sandbox.program(&program, args);
        Run::of(command.uid(NOBODY).gid(NOBODY))
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
    }

    /// Takes the right to write away below a folder, or gives it back.
    fn writable(path: &Path, yes: bool) {
        let is_folder = path.is_dir();
        if is_folder {
            set_mode(path, 0o755);
            for entry in fs::read_dir(path).expect("a folder") {
                writable(&entry.expect("an entry").path(), yes);
            }
        }
        set_mode(
            path,
            match (is_folder, yes) {
                (true, true) => 0o755,
                (true, false) => 0o555,
                (false, true) => 0o644,
                (false, false) => 0o444,
            },
        );
    }

    #[test]
    fn an_unreadable_file_is_listed_and_the_rest_goes_on() {
        let sandbox = Sandbox::with(&format!("{GOOD}//- secret.txt\nNobody may read this.\n"));
        set_mode(&sandbox.file("secret.txt"), 0o000);
        let indexed = run(&sandbox, &["index", "files", "--json"]).with_status(1);
        let status = &indexed.json_lines()[0];
        assert_eq!(status["indexed"], 1, "{status}");
        assert_eq!(status["failed"][0]["path"], "secret.txt");
        let reason = status["failed"][0]["reason"].as_str().expect("a reason");
        assert!(reason.to_lowercase().contains("permission"), "{reason}");
        // Once it may be read, it is, though its content did not change.
        set_mode(&sandbox.file("secret.txt"), 0o644);
        run(&sandbox, &["index", "files"]).with_status(0);
        let found = run(
            &sandbox,
            &["search", "--in", "files", "--mode", "lexical", "nobody"],
        );
        assert!(found.stdout.contains("secret.txt"), "{found:?}");
    }

    #[test]
    fn a_read_only_index_home_is_named_and_loses_nothing() {
        let sandbox = Sandbox::with(GOOD);
        run(&sandbox, &["index", "files"]).with_status(0);
        writable(&sandbox.index(), false);
        sandbox.write("new.txt", "The ladle hangs beside it.\n");
        let index = sandbox.index();
        let refused = run(&sandbox, &["index", "files"]).with_status(2);
        assert!(
            refused.stderr.contains(index.to_str().expect("UTF-8")),
            "{refused:?}"
        );
        // Whether a reader gets by without writing is the stores' affair; if not, it says so.
        let search = ["search", "--in", "files", "--json", "kettle"];
        let found = run(&sandbox, &search);
        match found.status.code() {
            Some(0) => assert!(found.stdout.contains("good.txt"), "{found:?}"),
            _ => assert!(found.stderr.contains("cannot be written"), "{found:?}"),
        }
        let doctor = run(&sandbox, &["doctor"]).with_status(1);
        assert!(doctor.stdout.contains("cannot be written"), "{doctor:?}");
        writable(&sandbox.index(), true);
        run(&sandbox, &["index", "files"]).with_status(0);
        let found = run(
            &sandbox,
            &["search", "--in", "files", "--json", "ladle kettle"],
        );
        assert!(found.stdout.contains("new.txt") && found.stdout.contains("good.txt"));
    }

    /// A small disk, filled up between two runs; told are the exit status of each run.
    const SMALL_DISK: &str = r#"
        mount -t tmpfs -o size=64m none "$2" || exit 77
        "$1" index files >&2; echo "before $?"
        cat /dev/zero >"$2/filler" 2>/dev/null
        for n in $(seq 400); do echo "Spoon $n lies in drawer $n." >"files/spoon$n.txt"; done
        "$1" index files 2>full; echo "full $?"
        "$1" search --no-index --in files --mode lexical kettle >found 2>&1; echo "search $?"
        rm "$2/filler"
        "$1" index files >&2; echo "after $?"
        "$1" search --no-index --in files --mode lexical --limit 1000 --json spoon kettle
    "#;

    #[test]
    fn a_full_disk_is_told_and_loses_nothing() {
        let sandbox = Sandbox::with(GOOD);
        fs::create_dir(sandbox.index()).expect("a folder");
        let docent = env!("CARGO_BIN_EXE_docent").to_owned();
        let index = sandbox.index().to_str().expect("UTF-8").to_owned();
        let args = ["-rm", "sh", "-c", SMALL_DISK, "sh", &docent, &index];
        let run = sandbox.program(Path::new("unshare"), args).output();
        let run = match run {
            Ok(output)
                if !matches!(output.status.code(), Some(1 | 77)) || !output.stdout.is_empty() =>
            {
                Run::from(output)
            }
            // Where no small disk can be made, a limit on the size of files does the like.
            _ => return limited_files(&sandbox),
        };
        let mut lines = run.stdout.lines();
        let mut next = || lines.next().unwrap_or_default();
        assert_eq!([next(), next()], ["before 0", "full 2"], "{run:?}");
        let told = |file| fs::read_to_string(sandbox.root().join(file)).expect("a message");
        let full = told("full");
        assert!(
            full.contains("no space is left") && full.contains(&index),
            "{full}"
        );
        // Opening an index to read it may need a little space, too.
        let (searched, found) = (next(), told("found"));
        match searched {
            "search 0" => assert!(found.contains("over the fire"), "{found}"),
            _ => assert!(found.contains(&index), "{searched}: {found}"),
        }
        assert_eq!(next(), "after 0", "{run:?}");
        let found: serde_json::Value = serde_json::from_str(next()).expect("JSON");
        assert_eq!(found["hits"].as_array().map(Vec::len), Some(401));
    }

    /// As a full disk, by a limit on the size of each file that is written.
    fn limited_files(sandbox: &Sandbox) {
        run(sandbox, &["index", "files"]).with_status(0);
        for n in 0..400 {
            sandbox.write(
                &format!("spoon{n}.txt"),
                format!("Spoon {n} lies in drawer {n}.\n"),
            );
        }
        let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" index files";
        let docent = env!("CARGO_BIN_EXE_docent");
        let full = Run::of(&mut sandbox.program(Path::new("sh"), ["-c", script, docent]));
        assert_eq!(full.status.code(), Some(2), "{full:?}");
        assert!(
            full.stderr
                .contains(sandbox.index().to_str().expect("UTF-8")),
            "{full:?}"
        );
        assert_eq!(sandbox.paths("lexical", "kettle"), ["good.txt"]);
        run(sandbox, &["index", "files"]).with_status(0);
        assert_eq!(sandbox.hits("lexical", "spoon kettle").len(), 401);
    }
}
