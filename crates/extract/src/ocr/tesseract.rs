//! The Tesseract program: found at run time, asked what it is, given pictures.
//!
//! It runs on its own, not in a worker, which may start no program. What it is given is a grey
//! picture without metadata, in a format that is a line of numbers and the pixels; it may not
//! use the network nor write files, and is bounded in time, memory and output.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::recognised::{Recognised, parse};
use crate::picture::Picture;
use crate::worker::close_helper;

/// How pictures of text are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcrOptions {
    /// The Tesseract program, as [`find_tesseract`] finds it. Without it pages that need OCR stay
    /// unread, and say so.
    pub program: Option<PathBuf>,
    /// Tesseract's names of the languages to expect, joined by `+`: `eng+deu`.
    pub languages: String,
    /// A page that takes longer is given up.
    pub timeout: Duration,
    /// So many pages of one file are recognised, those of files inside it counted.
    pub max_pages: usize,
}

/// No program; English, a minute for a page, 500 pages of a file.
impl Default for OcrOptions {
    fn default() -> Self {
        OcrOptions {
            program: None,
            languages: "eng".to_owned(),
            timeout: Duration::from_secs(60),
            max_pages: 500,
        }
    }
}

/// What a Tesseract program says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TesseractVersion {
    /// Its version: `5.3.0`.
    pub version: String,
    /// The languages that it has data of, by its names for them.
    pub languages: Vec<String>,
}

/// Why there is no Tesseract to work with.
#[derive(Debug, thiserror::Error)]
pub enum TesseractError {
    /// The program does not run.
    #[error(
        "cannot run {}: {source}; install Tesseract OCR (Debian: tesseract-ocr)",
        program.display()
    )]
    CannotRun {
        /// The program.
        program: PathBuf,
        /// Why it does not.
        source: io::Error,
    },
    /// The program runs and is not what it should be.
    #[error("{} does not answer as Tesseract does: {answer}", program.display())]
    Strange {
        /// The program.
        program: PathBuf,
        /// How it does answer.
        answer: String,
    },
}

/// What Tesseract prints of a page is some hundred bytes a word.
const MAX_OUTPUT_BYTES: u64 = 32 << 20;

/// Its models take some tens of megabytes, a picture of 40 megapixels some hundreds.
#[cfg(target_os = "linux")]
const MAX_MEMORY_BYTES: u64 = 3 << 30;

/// How long a question to the program itself may take.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(20);

/// The data with which the program tells which way up a page is.
const ORIENTATION: &str = "osd";

/// The Tesseract program on the search path (`PATH`). Only absolute folders count, so that a
/// program in the current folder is never run.
pub fn find_tesseract() -> Option<PathBuf> {
    let name = format!("tesseract{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&std::env::var_os("PATH")?)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(&name))
        .find(|program| program.is_file())
}

/// Asks a Tesseract program for its version and its languages.
///
/// # Errors
/// If it does not run, or is no Tesseract.
pub fn tesseract(program: &Path) -> Result<TesseractVersion, TesseractError> {
    let ask = |question: &str| -> Result<String, TesseractError> {
        let cannot = |source| TesseractError::CannotRun {
            program: program.to_owned(),
            source,
        };
        let mut running = Running::start(program, &[question]).map_err(cannot)?;
        let (_, answer) = running
            .feed(Vec::new(), QUESTION_TIMEOUT)
            .map_err(|error| cannot(io::Error::other(error)))?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = ask("--version")?;
    let first = answer.lines().next().unwrap_or_default();
    let version = first.strip_prefix("tesseract ").map(str::trim);
    let Some(version) = version else {
        return Err(TesseractError::Strange {
            program: program.to_owned(),
            answer: first.chars().take(80).collect(),
        });
    };
    // The first line of the list is its heading.
    let languages = ask("--list-langs")?;
    Ok(TesseractVersion {
        version: version.trim_start_matches('v').to_owned(),
        languages: languages.lines().skip(1).map(str::to_owned).collect(),
    })
}

/// A Tesseract program that is ready for pages.
#[derive(Debug, Clone)]
pub(crate) struct Tesseract {
    program: PathBuf,
    languages: String,
    timeout: Duration,
    /// Whether it can tell which way up a page is.
    orients: bool,
}

impl Tesseract {
    /// The program of the options with those of their languages that it has, English if none.
    ///
    /// # Errors
    /// Why there is none, for a person.
    pub(crate) fn new(options: &OcrOptions) -> Result<Tesseract, String> {
        let program = options.program.clone().ok_or(super::marker::NEEDS_OCR)?;
        let version = tesseract(&program).map_err(|error| error.to_string())?;
        let has = |language: &&str| version.languages.iter().any(|known| known == language);
        let wanted: Vec<&str> = options.languages.split('+').filter(has).collect();
        let languages = match wanted.is_empty() {
            true => "eng".to_owned(),
            false => wanted.join("+"),
        };
        Ok(Tesseract {
            program,
            languages,
            timeout: options.timeout,
            orients: has(&ORIENTATION),
        })
    }

    /// The text of a picture with the places of its lines on the page.
    ///
    /// # Errors
    /// Why there is none, for a person.
    pub(crate) fn recognise(&self, picture: &Picture) -> Result<Recognised, String> {
        // Pages are cut into columns and paragraphs, and turned where that can be told.
        let layout = if self.orients { "1" } else { "3" };
        let arguments = [
            "stdin",
            "stdout",
            "-l",
            &self.languages,
            "--psm",
            layout,
            "tsv",
        ];
        let mut running =
            Running::start(&self.program, &arguments).map_err(|error| error.to_string())?;
        let (status, table) = running.feed(pgm(picture), self.timeout)?;
        match status.success() {
            true => Ok(parse(&String::from_utf8_lossy(&table), picture)),
            false => Err(format!("Tesseract ended with {status}")),
        }
    }
}

/// A picture as a file: portable graymap, `P5`.
fn pgm(picture: &Picture) -> Vec<u8> {
    let mut file = format!("P5\n{} {}\n255\n", picture.width, picture.height).into_bytes();
    file.extend_from_slice(&picture.pixels);
    file
}

/// A program that runs, and is ended when this is dropped.
struct Running(Child);

impl Running {
    fn start(program: &Path, arguments: &[&str]) -> io::Result<Running> {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir("/")
            // One page, one core: the other cores have their own.
            .env("OMP_THREAD_LIMIT", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        // What a thread may no longer do, a program that it starts may not do either; the thread
        // is there for nothing else.
        let start = std::thread::Builder::new()
            .name("start of tesseract".into())
            .spawn(move || {
                close_helper();
                command.spawn()
            })?;
        let child = start
            .join()
            .map_err(|_| io::Error::other("the thread that starts it broke off"))??;
        let running = Running(child);
        running.bound();
        Ok(running)
    }

    /// Bounds memory, core dumps and the size of files, before the program has any input.
    #[cfg(target_os = "linux")]
    fn bound(&self) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let bound = |resource, limit| {
            let both = Rlimit {
                current: Some(limit),
                maximum: Some(limit),
            };
            // What the system refuses to bound stays as it is.
            let _ = prlimit(Some(Pid::from_child(&self.0)), resource, both);
        };
        bound(Resource::As, MAX_MEMORY_BYTES);
        bound(Resource::Core, 0);
        bound(Resource::Fsize, 0);
    }

    #[cfg(not(target_os = "linux"))]
    fn bound(&self) {}

    /// Gives the program its input and takes its output.
    fn feed(&mut self, input: Vec<u8>, timeout: Duration) -> Result<(ExitStatus, Vec<u8>), String> {
        let deadline = Instant::now() + timeout;
        let late = || {
            format!(
                "Tesseract took longer than {} s",
                timeout.as_secs_f32().ceil()
            )
        };
        let (Some(mut to), Some(from)) = (self.0.stdin.take(), self.0.stdout.take()) else {
            return Err("Tesseract has no pipes".into());
        };
        // Both pipes may fill up, so each has its thread; they end with the program.
        let (send, output) = mpsc::sync_channel(1);
        std::thread::spawn(move || to.write_all(&input));
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = from.take(MAX_OUTPUT_BYTES + 1).read_to_end(&mut bytes);
            let _ = send.send(read.map(|_| bytes));
        });
        let left = deadline.saturating_duration_since(Instant::now());
        let bytes = output
            .recv_timeout(left)
            .map_err(|_| late())?
            .map_err(|error| error.to_string())?;
        if bytes.len() as u64 > MAX_OUTPUT_BYTES {
            return Err("Tesseract gives more text than any page may have".into());
        }
        loop {
            match self.0.try_wait().map_err(|error| error.to_string())? {
                Some(status) => return Ok((status, bytes)),
                None if Instant::now() >= deadline => return Err(late()),
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
