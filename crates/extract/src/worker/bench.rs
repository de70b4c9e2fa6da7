//! How fast files are extracted, by format.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use docent_core::document::Format;
use serde::Serialize;

use super::{Pool, PoolOptions};
use crate::sniff::{Sniffed, sniff};
use crate::{ExtractError, Extraction, Outcome};

/// How fast a number of files was extracted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bench {
    /// Workers that extracted at the same time.
    pub workers: usize,
    /// From the first file to the last, in seconds.
    pub seconds: f64,
    /// The most memory that any worker had resident, in bytes, where the system tells.
    pub peak_worker_bytes: Option<u64>,
    /// Each format of which there was a file.
    pub formats: Vec<FormatBench>,
}

/// How fast the files of one format were extracted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FormatBench {
    /// The format's word; `other` for files that no reader is there for.
    pub format: &'static str,
    /// The number of files.
    pub files: usize,
    /// Those of them that should have been read and could not be.
    pub failed: usize,
    /// Those of them that were left out on purpose.
    pub skipped: usize,
    /// Pages, where files have pages; else a file counts as one.
    pub pages: usize,
    /// The size of the files in bytes.
    pub bytes: u64,
    /// The time that a worker had each of them, added up, in seconds.
    pub worker_seconds: f64,
    /// Pages in a second of one worker.
    pub pages_per_second: f64,
    /// Megabytes (10⁶ bytes) in a second of one worker.
    pub megabytes_per_second: f64,
}

/// Extracts files in a pool of `options` with all its workers busy, and measures. Files that
/// cannot be opened are left out.
///
/// # Errors
/// If no worker can be started.
pub fn bench(files: &[PathBuf], options: PoolOptions) -> Result<Bench, ExtractError> {
    let workers = options.workers.max(1);
    let pool = Pool::new(options);
    let (next, sums) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || -> Result<(), ExtractError> {
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Ok(file) = File::open(path) else {
                continue;
            };
            let name = path.to_string_lossy();
            let began = Instant::now();
            let extraction = pool.extract(&file, &name)?;
            let word = word(&extraction, path);
            let mut sums = sums
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let sum: &mut Sum = sums.entry(word).or_default();
            sum.add(&extraction, began.elapsed());
        }
        Ok(())
    };
    let began = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or(Ok(())))
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let sums = sums
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(Bench {
        workers,
        seconds,
        peak_worker_bytes: pool.peak_worker_memory(),
        formats: sums
            .into_iter()
            .map(|(word, sum)| sum.rates(word))
            .collect(),
    })
}

#[derive(Default)]
struct Sum {
    files: usize,
    failed: usize,
    skipped: usize,
    pages: usize,
    bytes: u64,
    time: Duration,
}

impl Sum {
    fn add(&mut self, extraction: &Extraction, time: Duration) {
        self.files += 1;
        self.bytes += extraction.bytes;
        self.time += time;
        match &extraction.outcome {
            Outcome::Read(document) => self.pages += document.pages.len().max(1),
            Outcome::Failed(_) => self.failed += 1,
            Outcome::Skipped(_) => self.skipped += 1,
        }
    }

    fn rates(self, format: &'static str) -> FormatBench {
        let worker_seconds = self.time.as_secs_f64();
        let rate = |amount: f64| match worker_seconds > 0.0 {
            true => amount / worker_seconds,
            false => 0.0,
        };
        FormatBench {
            format,
            files: self.files,
            failed: self.failed,
            skipped: self.skipped,
            pages: self.pages,
            bytes: self.bytes,
            worker_seconds,
            pages_per_second: rate(self.pages as f64),
            megabytes_per_second: rate(self.bytes as f64 / 1e6),
        }
    }
}

/// The word of a file's format; that of a file without a document is told from its beginning.
fn word(extraction: &Extraction, path: &Path) -> &'static str {
    /// As much as tells the kind of a file.
    const BEGINNING_BYTES: u64 = 64 << 10;
    if let Outcome::Read(document) = &extraction.outcome {
        return document.format.word();
    }
    let mut first = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BEGINNING_BYTES).read_to_end(&mut first));
    match sniff(&path.to_string_lossy(), &first) {
        Sniffed::Read(kind) if read.is_ok() => Format::word(kind.format()),
        _ => "other",
    }
}
