//! `docent doctor`: is everything in order, and if not, what to do.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use docent_core::model::Prompts;
use docent_engine::library::Library;
use docent_extract::{Isolation, Outcome, Pool, PoolOptions};
use serde::Serialize;

use super::Status;
use crate::app::App;
use crate::failure::{Failure, Result};
use crate::output::{Style, bytes, counted};
use crate::progress::second_index;
use crate::streaming::outlook;

/// Less free space than this is worth a warning, in bytes.
const LITTLE_SPACE: u64 = 1 << 30;

/// Check settings, places, models, workers and collections; say what to do about what is wrong.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Remove the weights that are kept packed for this processor, and do nothing else.
    #[arg(long)]
    clear_packed: bool,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Good,
    Look,
    Bad,
}

/// A line of `docent doctor --json`.
#[derive(Debug, Serialize)]
struct Check {
    check: String,
    verdict: Verdict,
    detail: String,
    fix: Option<String>,
}

impl Check {
    fn good(check: impl Into<String>, detail: impl Into<String>) -> Check {
        Check {
            check: check.into(),
            verdict: Verdict::Good,
            detail: detail.into(),
            fix: None,
        }
    }

    fn bad(check: impl Into<String>, detail: impl Into<String>, fix: impl Into<String>) -> Check {
        Check {
            verdict: Verdict::Bad,
            fix: Some(fix.into()),
            ..Check::good(check, detail)
        }
    }

    fn look(check: impl Into<String>, detail: impl Into<String>, fix: impl Into<String>) -> Check {
        Check {
            verdict: Verdict::Look,
            ..Check::bad(check, detail, fix)
        }
    }
}

pub(super) fn run(app: &App, args: &Doctor) -> Result<Status> {
    if args.clear_packed {
        return clear_packed(app);
    }
    let checks: [fn(&App) -> Vec<Check>; 11] = [
        version,
        settings,
        home,
        processor,
        embedder,
        reranker,
        generator,
        packed,
        worker,
        ocr,
        collections,
    ];
    let mut worst = Verdict::Good;
    for check in checks.iter().flat_map(|check| check(app)) {
        if check.verdict == Verdict::Bad || worst == Verdict::Good {
            worst = check.verdict;
        }
        tell(app, &check)?;
    }
    Ok(Status::look_at_if(worst != Verdict::Good))
}

fn tell(app: &App, check: &Check) -> Result<()> {
    let out = &app.output;
    if out.json {
        return Ok(out.json(check)?);
    }
    let (style, word) = match check.verdict {
        Verdict::Good => (Style::Good, "good"),
        Verdict::Look => (Style::Warning, "look"),
        Verdict::Bad => (Style::Bad, "bad "),
    };
    out.line(format_args!(
        "{}  {:<18} {}",
        out.styled(style, word),
        check.check,
        check.detail
    ))?;
    if let Some(fix) = &check.fix {
        out.line(format_args!("      → {fix}"))?;
    }
    Ok(())
}

fn version(app: &App) -> Vec<Check> {
    let logs = match app.places.logs() {
        Some(folder) => format!("; logs in {}", folder.display()),
        None => String::new(),
    };
    vec![Check::good(
        "version",
        format!(
            "docent {} on {} {}{logs}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
    )]
}

fn settings(app: &App) -> Vec<Check> {
    let check = match (&app.settings_failure, &app.settings_file) {
        (Some(failure), _) => Check::bad(
            "settings",
            failure.to_string().replace('\n', " "),
            "Mend the file; until then only doctor, completions and help run.",
        ),
        (None, Some(file)) if file.is_file() => Check::good("settings", file.display().to_string()),
        (None, Some(file)) => Check::good(
            "settings",
            format!("the defaults; your own would be in {}", file.display()),
        ),
        (None, None) => Check::good("settings", "the defaults"),
    };
    vec![check]
}

/// Whether the index home can be written, and how much space is left there.
fn home(app: &App) -> Vec<Check> {
    let path = &app.home.path;
    let shown = format!("{}, by {}", path.display(), app.home.chosen_by.word());
    let written = std::fs::create_dir_all(path)
        .and_then(|()| tempfile_in(path))
        .map_err(|error| error.to_string());
    let space = free_bytes(path);
    let check = match (written, space) {
        (Err(error), _) => Check::bad(
            "index home",
            format!("{shown}; cannot be written: {error}"),
            "Make it writable, or name another folder with --index or DOCENT_INDEX.",
        ),
        (Ok(()), Some(free)) if free < LITTLE_SPACE => Check::look(
            "index home",
            format!("{shown}; only {} free", bytes(free)),
            "Free some space: an index takes about as much as the text it is of.",
        ),
        (Ok(()), Some(free)) => Check::good("index home", format!("{shown}; {} free", bytes(free))),
        (Ok(()), None) => Check::good("index home", shown),
    };
    vec![check]
}

/// Writes a file in a folder and takes it away again.
fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    let mut file = std::fs::File::create_new(&path)?;
    let written = file.write_all(b"docent").and_then(|()| file.sync_all());
    std::fs::remove_file(&path)?;
    written
}

/// Bytes that are free where `path` lies; `None` where that cannot be told.
#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Bytes that are free where `path` lies; `None` where that cannot be told.
#[cfg(not(unix))]
fn free_bytes(_path: &Path) -> Option<u64> {
    None
}

fn processor(app: &App) -> Vec<Check> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = app.generator_options().threads();
    let features = instruction_sets();
    let detail = format!(
        "{} with {}; the models compute on {} with {}",
        counted(cores as u64, "core"),
        features.join(", "),
        counted(threads as u64, "thread"),
        app.instruction_set
    );
    vec![Check::good("processor", detail)]
}

/// The instruction sets that the models' loops can use here.
fn instruction_sets() -> Vec<&'static str> {
    let mut found = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        let all = [
            (is_x86_feature_detected!("avx2"), "AVX2"),
            (is_x86_feature_detected!("fma"), "FMA"),
            (is_x86_feature_detected!("avx512f"), "AVX-512"),
            (is_x86_feature_detected!("avx512vnni"), "AVX-512 VNNI"),
            (is_x86_feature_detected!("avxvnni"), "AVX-VNNI"),
        ];
        found.extend(all.iter().filter(|(has, _)| *has).map(|(_, name)| *name));
    }
    #[cfg(target_arch = "aarch64")]
    {
        let all = [
            (std::arch::is_aarch64_feature_detected!("neon"), "NEON"),
            (
                std::arch::is_aarch64_feature_detected!("dotprod"),
                "dotprod",
            ),
            (std::arch::is_aarch64_feature_detected!("i8mm"), "i8mm"),
        ];
        found.extend(all.iter().filter(|(has, _)| *has).map(|(_, name)| *name));
    }
    if found.is_empty() {
        found.push("no vector instructions that docent knows");
    }
    found
}

fn embedder(app: &App) -> Vec<Check> {
    let begin = Instant::now();
    let check = match app.embedder() {
        Ok(embedder) => Check::good(
            "embedder",
            format!(
                "{}, {} dimensions, {} tokens at a time{}; loaded in {} ms",
                embedder.fingerprint(),
                embedder.dimension(),
                embedder.max_tokens(),
                prompts(&embedder.prompts()),
                begin.elapsed().as_millis()
            ),
        ),
        Err(failure) => Check::bad(
            "embedder",
            failure.to_string(),
            "Name another with --embedder or models.embedder in the settings, or leave both \
             out: a starter is in the program.",
        ),
    };
    vec![check]
}

/// What an embedder reads before texts, where it reads anything.
fn prompts(Prompts { query, document }: &Prompts) -> String {
    match (query.as_str(), document.as_str()) {
        ("", "") => String::new(),
        _ => format!("; reads {query:?} before a question, {document:?} before a text"),
    }
}

/// The reranker, where one is set.
fn reranker(app: &App) -> Vec<Check> {
    let Some(path) = &app.settings.models.reranker else {
        return Vec::new();
    };
    vec![
        match docent_model::load_reranker(path, app.reranker_options()) {
            Ok(reranker) => Check::good("reranker", reranker.fingerprint()),
            Err(error) => Check::bad(
                "reranker",
                error.to_string(),
                "Name another as models.reranker in the settings, or leave it out.",
            ),
        },
    ]
}

fn generator(app: &App) -> Vec<Check> {
    let begin = Instant::now();
    let check = match app.load_generator().wait() {
        Ok(generator) => {
            let detail = format!(
                "{}, a context of {} tokens; loaded in {} ms",
                generator.fingerprint(),
                generator.context_tokens(),
                begin.elapsed().as_millis()
            );
            match generator.streaming() {
                None => Check::good("generator", detail),
                Some(streaming) => Check::look(
                    "generator",
                    format!("{detail}; {}", outlook(&streaming)),
                    "Close other programs or choose a smaller model: `docent models` tells which \
                     fit.",
                ),
            }
        }
        Err(failure) => Check::bad(
            "generator",
            failure.to_string(),
            "Name another with --model or models.generator in the settings, or leave both out: \
             a starter is in the program. `ask --no-model` works without.",
        ),
    };
    vec![check]
}

/// Which models' weights are kept packed for this processor.
fn packed(app: &App) -> Vec<Check> {
    let Some(cache) = app.packed_cache() else {
        return Vec::new();
    };
    let folder = cache.folder.display();
    let check = match cache.files() {
        Ok(_) if cache.limit_bytes == 0 => Check::good(
            "packed weights",
            format!("none are kept (models.packed_bytes is 0); they would be in {folder}"),
        ),
        Ok(files) => {
            let total = files.iter().map(|file| file.bytes).sum();
            let models: Vec<String> = files
                .iter()
                .map(|file| {
                    let model = file.model.as_deref().unwrap_or("a model not seen lately");
                    format!("{model} ({})", bytes(file.bytes))
                })
                .collect();
            let of = match models.is_empty() {
                true => String::new(),
                false => format!(": {}", models.join(", ")),
            };
            Check::good(
                "packed weights",
                format!(
                    "{} of at most {} in {folder}{of}",
                    bytes(total),
                    bytes(cache.limit_bytes)
                ),
            )
        }
        Err(error) => Check::look(
            "packed weights",
            format!("{folder} cannot be read: {error}"),
            "Make it readable; until then weights are packed in memory at each start.",
        ),
    };
    vec![check]
}

/// Removes the packed weights; they are made again when a model is next loaded.
fn clear_packed(app: &App) -> Result<Status> {
    let Some(cache) = app.packed_cache() else {
        return Err(Failure::config(
            "there is no cache folder: this account has no home folder",
        ));
    };
    let folder = cache.folder.display();
    let freed = cache.clear().map_err(|error| {
        Failure::user(format_args!("{folder} cannot be cleared: {error}"))
            .hint("Close other programs that use it, and make the folder writable.")
    })?;
    let detail = format!("{} freed in {folder}", bytes(freed));
    tell(app, &Check::good("packed weights", detail))?;
    Ok(Status::Done)
}

/// Whether a worker process starts and reads a file.
fn worker(app: &App) -> Vec<Check> {
    let settings = app.settings.engine().extract;
    let limits = format!(
        "each file is read in a process of its own: at most {} and {} s a file",
        bytes(settings.memory_bytes),
        settings.timeout_seconds
    );
    let check = match try_worker(app, settings.memory_bytes) {
        Ok(isolation) if isolation.no_files && isolation.no_network => {
            Check::good("extraction worker", format!("{limits}; {isolation}"))
        }
        Ok(isolation) => Check::look(
            "extraction worker",
            format!("{limits}; {isolation}"),
            "This system does not close files and network off from that process: read hostile \
             files on one that does (Linux 5.13 or newer).",
        ),
        Err(why) => Check::bad(
            "extraction worker",
            why,
            "Check that the docent program is still in its place and may be executed, and that \
             extract.memory_bytes in the settings is not too small.",
        ),
    };
    vec![check]
}

/// Whether pictures of text can be read, and in which languages.
fn ocr(app: &App) -> Vec<Check> {
    let ocr = app.settings.engine().extract.ocr;
    let install =
        "Install Tesseract (Debian: apt install tesseract-ocr), then `docent index --retry`.";
    let check = match ocr.program.filter(|_| ocr.enabled) {
        None if !ocr.enabled => Check::look(
            "ocr",
            "switched off: scanned pages are listed as unreadable",
            "Set extract.ocr.enabled = true in the settings.",
        ),
        None => Check::look(
            "ocr",
            "no Tesseract found: scanned pages are not read",
            install,
        ),
        Some(program) => match docent_extract::tesseract(&program) {
            Err(error) => Check::bad("ocr", error.to_string(), install),
            Ok(found) => {
                let lacks = |language: &&str| !found.languages.iter().any(|has| has == language);
                let missing: Vec<&str> = ocr.languages.split('+').filter(lacks).collect();
                let detail = format!(
                    "Tesseract {} at {}, reads {}",
                    found.version,
                    program.display(),
                    ocr.languages
                );
                match missing.is_empty() {
                    true => Check::good("ocr", detail),
                    false => Check::look(
                        "ocr",
                        format!("{detail}; no data for {}", missing.join(", ")),
                        "Install its data (Debian: tesseract-ocr-LANGUAGE), or set \
                         extract.ocr.languages.",
                    ),
                }
            }
        },
    };
    vec![check]
}

/// Has a worker read a small file; what it is cut off from.
fn try_worker(app: &App, memory_bytes: u64) -> std::result::Result<Isolation, String> {
    let command = app
        .worker_command()
        .map_err(|failure| failure.to_string())?;
    let options = PoolOptions {
        memory_bytes,
        timeout: Duration::from_secs(20),
        ..PoolOptions::new(command, 1)
    };
    let path = std::env::temp_dir().join(format!("docent-doctor-{}.txt", std::process::id()));
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    std::fs::write(&path, "Is anybody there?\n").map_err(told)?;
    let pool = Pool::new(options);
    let read = std::fs::File::open(&path).map_err(told).and_then(|file| {
        pool.extract(&file, "doctor.txt")
            .map_err(|error| error.to_string())
    });
    std::fs::remove_file(&path).map_err(told)?;
    match read?.outcome {
        Outcome::Read(document) if document.text.starts_with("Is anybody there?") => {
            pool.isolation().map_err(|error| error.to_string())
        }
        other => Err(format!("it did not read a small text file: {other:?}")),
    }
}

/// A check for each collection.
fn collections(app: &App) -> Vec<Check> {
    let library = match app.library() {
        Ok(library) => library,
        // The settings, the embedder or the home are told above.
        Err(_) => return Vec::new(),
    };
    match library.names() {
        Ok(names) => names
            .iter()
            .map(|name| collection(&library, name))
            .collect(),
        Err(error) => vec![Check::bad(
            "collections",
            error.to_string(),
            "Make the index home readable.",
        )],
    }
}

/// Whether a collection can be opened, its folders are there and everything is indexed.
fn collection(library: &Library, name: &str) -> Check {
    let title = format!("collection {name}");
    let status = match library.collection(name).and_then(|c| c.status()) {
        Ok(status) => status,
        Err(error) => {
            return Check::bad(
                title,
                error.to_string(),
                "Do what the message says; the other collections are not touched by it.",
            );
        }
    };
    if let Some(root) = status.roots.iter().find(|root| !root.is_dir()) {
        return Check::look(
            title,
            format!("its folder {} is not there", root.display()),
            "Connect the disk or move the folder back. What was indexed stays until you say \
             `docent index --prune`.",
        );
    }
    let detail = format!(
        "{} indexed, {} failed, {} in part, {} skipped; {} on disk",
        counted(status.indexed + status.partial, "file"),
        status.failed,
        status.partial,
        status.skipped,
        bytes(status.bytes_on_disk)
    );
    if let Some(second) = &status.second_index {
        return Check::look(
            title,
            format!("{detail}; {}", second_index(second)),
            format!("`docent index \"{name}\"` goes on with it."),
        );
    }
    if status.pending > 0 {
        let missing = counted(status.pending, "vector");
        return Check::look(
            title,
            format!("{detail}; {missing} missing"),
            format!("`docent index \"{name}\"` makes them."),
        );
    }
    Check::good(title, detail)
}
