//! The log: a file in the data folder, and stderr with `--verbose`.
//!
//! It never holds what files or questions say: the files may be confidential, and the log
//! would be a copy that nobody thinks of.

use std::path::Path;

use tracing::level_filters::LevelFilter;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// Days of which log files are kept.
const DAYS_KEPT: usize = 7;

/// Starts logging. Where no log file can be written there is none: docent works without.
pub(crate) fn start(folder: Option<&Path>, verbose: u8) {
    // The appender complains on stderr about a folder that is not there yet.
    let folder = folder.filter(|folder| std::fs::create_dir_all(folder).is_ok());
    let file = folder.and_then(|folder| {
        RollingFileAppender::builder()
            .rotation(Rotation::DAILY)
            .filename_prefix("docent")
            .filename_suffix("log")
            .max_log_files(DAYS_KEPT)
            .build(folder)
            .ok()
    });
    let file = file.map(|writer| {
        fmt::layer()
            .with_writer(writer)
            .with_ansi(false)
            .with_filter(ours(LevelFilter::INFO))
    });
    let level = match verbose {
        0 => LevelFilter::OFF,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let stderr = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_filter(ours(level));
    tracing_subscriber::registry()
        .with(file)
        .with(stderr)
        .init();
}

/// docent's own events at `level`; of the libraries only warnings, when anything at all.
fn ours(level: LevelFilter) -> EnvFilter {
    let others = level.min(LevelFilter::WARN);
    EnvFilter::new(format!(
        "{others},docent={level},docent_engine={level},docent_model={level},docent_store={level}"
    ))
}
