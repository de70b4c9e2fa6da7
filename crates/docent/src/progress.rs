//! Progress of an indexer, drawn on a terminal: count, rate, time left.

use docent_engine::embedding::SecondIndex;
use docent_engine::event::{Phase, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{Output, counted, thousands};
use crate::printable::printable_line;

/// Draws at most so many times a second.
const DRAWS_PER_SECOND: u8 = 10;

/// How something is drawn of which the end is known, and something of which it is not.
const COUNTED: &str = "{prefix}  {bar:24}  {wide_msg}";
const UNCOUNTED: &str = "{prefix}  {wide_msg}";

/// A line at the bottom of the terminal that is there while an indexer works.
pub(crate) struct ProgressLine {
    bar: Option<ProgressBar>,
}

impl ProgressLine {
    /// A line for a collection, or for whatever works; nothing at all where progress is not to
    /// be drawn.
    pub(crate) fn new(output: &Output, worker: &str) -> ProgressLine {
        let bar = output.draws_progress().then(|| {
            let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
            ProgressBar::with_draw_target(Some(0), target)
                .with_style(style(UNCOUNTED))
                .with_prefix(printable_line(worker))
        });
        ProgressLine { bar }
    }

    /// Shows where the indexer stands.
    pub(crate) fn show(&self, progress: &Progress) {
        let Some(bar) = &self.bar else { return };
        let template = match progress.count() {
            Some((done, total, _)) => {
                bar.set_length(total);
                bar.set_position(done);
                COUNTED
            }
            None => UNCOUNTED,
        };
        bar.set_style(style(template));
        bar.set_message(describe(progress));
    }

    /// Shows how much of something is done.
    pub(crate) fn show_part(&self, what: &str, done: usize, total: usize) {
        let Some(bar) = &self.bar else { return };
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        bar.set_style(style(COUNTED));
        bar.set_message(format!("{what} {done} of {total}"));
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The style of a template; the plain one where the template were wrong.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Where an indexer stands, in one line.
pub(crate) fn describe(progress: &Progress) -> String {
    let mut text = match progress.phase {
        Phase::Idle => "up to date".to_owned(),
        Phase::Scanning => format!("looking: {} files", thousands(progress.files_seen)),
        Phase::Reading => "reading".to_owned(),
        Phase::Embedding => match &progress.second_index {
            Some(second) => format!("a second index for {}:", second.embedder),
            None => "embedding".to_owned(),
        },
        Phase::Watching => format!("watching {} files", thousands(progress.files_seen)),
        Phase::Paused => "paused".to_owned(),
        Phase::ReadOnly => "another docent writes; reading only".to_owned(),
        Phase::Stopped => "stopped".to_owned(),
    };
    if let Some((done, total, unit)) = progress.count() {
        text += &format!(" {} of {} {unit}", thousands(done), thousands(total));
    }
    if let Some(rate) = progress.rate() {
        text += &format!(", {rate:.0}/s");
    }
    if let Some(seconds) = progress.seconds_left() {
        text += &format!(", {} left", duration(seconds));
    }
    if progress.failed > 0 {
        text += &format!(", {} failed", thousands(progress.failed));
    }
    text
}

/// How a second index stands, for people.
pub(crate) fn second_index(second: &SecondIndex) -> String {
    format!(
        "a second index for {}: {} of {}; searches use the first until then",
        second.embedder,
        thousands(second.chunks_embedded),
        counted(second.chunks(), "chunk"),
    )
}

/// Seconds for people: `8 s`, `3 min 20 s`, `2 h 5 min`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match (whole / 3600, whole % 3600 / 60, whole % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, min, s) => format!("{min} min {s} s"),
        (h, min, _) => format!("{h} h {min} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_tells_count_rate_and_time_left() {
        let progress = Progress {
            phase: Phase::Reading,
            files_done: 312,
            files_total: 1204,
            phase_seconds: 7.8,
            failed: 2,
            ..Progress::default()
        };
        assert_eq!(
            describe(&progress),
            "reading 312 of 1,204 files, 40/s, 22 s left, 2 failed"
        );
    }

    #[test]
    fn a_second_index_is_told_as_a_whole() {
        let second = SecondIndex {
            embedder: "bge@01/int8".into(),
            chunks_embedded: 12_345,
            pending: 87_655,
        };
        let told = "a second index for bge@01/int8: 12,345 of 100,000 chunks";
        let until = "; searches use the first until then";
        assert_eq!(second_index(&second), format!("{told}{until}"));
        let progress = Progress {
            phase: Phase::Embedding,
            chunks_done: 1_000,
            chunks_total: 88_655,
            second_index: Some(second),
            phase_seconds: 10.0,
            ..Progress::default()
        };
        assert_eq!(
            describe(&progress),
            format!("{told}, 100/s, 14 min 37 s left")
        );
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(8.4), "8 s");
        assert_eq!(duration(200.0), "3 min 20 s");
        assert_eq!(duration(7500.0), "2 h 5 min");
    }
}
