//! A world of its own for a test: home, index and files in a folder that goes away with it.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long a test waits for what has to happen before it gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with `home/`, `index/` and `files/`.
pub(crate) struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    /// A sandbox whose `files/` hold a corpus: `//- path` lines, each followed by the file.
    pub(crate) fn with(corpus: &str) -> Sandbox {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let sandbox = Sandbox { folder };
        for part in ["home", "files"] {
            std::fs::create_dir(sandbox.folder.path().join(part)).expect("a folder");
        }
        for (path, text) in parse(corpus) {
            sandbox.write(path, text);
        }
        sandbox
    }

    /// The sandbox's own folder.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The home of the index.
    pub(crate) fn index(&self) -> PathBuf {
        self.folder.path().join("index")
    }

    /// The folder that is indexed.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    /// A file in it.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.files().join(path)
    }

    /// Writes a file, and the folders it needs.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.file(path);
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).expect("a folder");
        }
        std::fs::write(file, content).expect("a file");
    }

    /// docent with these arguments and nothing of the surroundings; it runs in the sandbox.
    pub(crate) fn docent<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        self.program(Path::new(env!("CARGO_BIN_EXE_docent")), args)
    }

    /// Another program in the same surroundings.
    pub(crate) fn program<S: AsRef<OsStr>>(
        &self,
        program: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let home = self.folder.path().join("home");
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("DOCENT_INDEX", self.index())
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .stdin(Stdio::null());
        // So that the whole suite can be run on each instruction set.
        if let Some(forced) = std::env::var_os("DOCENT_ISA") {
            command.env("DOCENT_ISA", forced);
        }
        command
    }

    /// Runs docent to its end.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        Run::of(&mut self.docent(args))
    }

    /// Runs docent with something on stdin.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Run {
        let mut command = self.docent(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("docent starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).expect("docent reads");
        drop(stdin);
        Run::from(child.wait_with_output().expect("docent ends"))
    }

    /// Starts docent and lets it run.
    pub(crate) fn start<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Running {
        let child = self
            .docent(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docent starts");
        Running { child }
    }

    /// Indexes `files/` to the end.
    pub(crate) fn indexed(self) -> Sandbox {
        self.run(["index", "files"]).with_status(0);
        self
    }

    /// The only collection's line of `docent status --json`.
    pub(crate) fn status(&self) -> Value {
        let run = self.run(["status", "--json"]).with_status(0);
        let mut lines = run.json_lines();
        assert_eq!(lines.len(), 1, "one collection: {}", run.stdout);
        lines.remove(0)
    }

    /// The hits of a search in what is indexed.
    pub(crate) fn hits(&self, mode: &str, query: &str) -> Vec<Value> {
        let args = ["search", "--in", "files", "--no-index", "--json"];
        let run = self.run(
            args.into_iter()
                .chain(["--mode", mode, "--limit", "10000", "--", query]),
        );
        assert!(matches!(run.status.code(), Some(0 | 1)), "{run:?}");
        let line = &run.json_lines()[0];
        line["hits"].as_array().expect("hits").clone()
    }

    /// The paths of the hits, each once, sorted.
    pub(crate) fn paths(&self, mode: &str, query: &str) -> Vec<String> {
        let mut paths: Vec<String> = self.hits(mode, query).iter().map(path_of).collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

/// The path of a hit.
pub(crate) fn path_of(hit: &Value) -> String {
    hit["path"].as_str().expect("a path").to_owned()
}

/// The files of a corpus: `//- path` lines, each followed by the file's text.
fn parse(corpus: &str) -> Vec<(&str, String)> {
    let mut files: Vec<(&str, String)> = Vec::new();
    for line in corpus.split_inclusive('\n') {
        match (line.strip_prefix("//- "), files.last_mut()) {
            (Some(path), _) => files.push((path.trim().trim_start_matches('/'), String::new())),
            (None, Some((_, text))) => text.push_str(line),
            (None, None) => assert!(line.trim().is_empty(), "text before the first `//- path`"),
        }
    }
    files
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        Run {
            status: output.status,
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

impl Run {
    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Run {
        Run::from(command.output().expect("the program starts"))
    }

    /// The same run, whose exit status is this.
    #[track_caller]
    pub(crate) fn with_status(self, status: i32) -> Run {
        assert_eq!(self.status.code(), Some(status), "{self:#?}");
        self
    }

    /// The same run, whose stderr tells this.
    #[track_caller]
    pub(crate) fn telling(self, words: &str) -> Run {
        assert!(self.stderr.contains(words), "{words:?} in {self:#?}");
        self
    }

    /// Each line of stdout as JSON.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect()
    }
}

/// A docent that runs; it is killed when it goes out of scope.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Kills it at once, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        self.child.wait().expect("it ends");
    }

    /// Presses Ctrl-C.
    #[cfg(unix)]
    pub(crate) fn interrupt(&self) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        let pid = rustix::process::Pid::from_raw(pid).expect("a process id");
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("a signal");
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(begin.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "it did not happen: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
