//! The pulse: where the indexer stands, ten times a second at most and only when it changed;
//! counts, troubles and memory more seldom.

use std::thread;
use std::time::{Duration, Instant};

use docent_engine::collection::{CollectionStatus, Uncovered};
use docent_engine::event::{Phase, Progress};

use super::{Opened, Shared, caught, told};
use crate::tui::message::{Message, StatusReport, Ticket};

/// Time between two looks at the indexer.
const BEAT: Duration = Duration::from_millis(100);
/// Time between two looks at the counts while something happens.
const COUNT_EVERY: Duration = Duration::from_secs(1);
/// The same while nothing happens: another docent may write.
const COUNT_AT_REST: Duration = Duration::from_secs(10);
/// Files and pages that need a look are listed up to this many.
const LISTED: usize = 500;

/// What was told last.
#[derive(Default)]
struct Told {
    ticket: Ticket,
    progress: Option<Progress>,
    counted: Option<Instant>,
    changed: bool,
    counts: Option<(CollectionStatus, Vec<Uncovered>)>,
}

/// Tells until the program ends.
pub(super) fn beat(shared: &Shared) {
    let mut last = Told::default();
    loop {
        if let Some(opened) = shared.opened() {
            if opened.ticket != last.ticket {
                last = Told {
                    ticket: opened.ticket,
                    changed: true,
                    ..Told::default()
                };
            }
            tell_progress(shared, &opened, &mut last);
            tell_counts(shared, opened, &mut last);
        }
        thread::sleep(BEAT);
    }
}

fn tell_progress(shared: &Shared, opened: &Opened, last: &mut Told) {
    let Some(indexer) = &opened.indexer else {
        return;
    };
    let mut progress = indexer.progress();
    // A clock that nothing is counted by is no news.
    if progress.count().is_none() || progress.phase == Phase::Paused {
        progress.phase_seconds = 0.0;
    }
    if last.progress.as_ref() != Some(&progress) {
        shared.tell(Message::Progress(opened.ticket, progress.clone()));
        last.progress = Some(progress);
        last.changed = true;
    }
}

fn tell_counts(shared: &Shared, opened: Opened, last: &mut Told) {
    let every = if last.changed {
        COUNT_EVERY
    } else {
        COUNT_AT_REST
    };
    if last
        .counted
        .is_some_and(|counted| counted.elapsed() < every)
    {
        return;
    }
    last.counted = Some(Instant::now());
    last.changed = false;
    let ticket = opened.ticket;
    let collection = opened.collection.clone();
    // The counts may take a moment: the indexer must not be held meanwhile.
    drop(opened);
    let counts = caught(|| {
        let status = collection.status().map_err(told)?;
        let mut uncovered = collection.coverage().map_err(told)?;
        uncovered.truncate(LISTED);
        Ok((status, uncovered))
    });
    // What cannot be counted now is counted later; what is wrong with the index is told by
    // whoever works with it.
    let Ok(counts) = counts else { return };
    if last.counts.as_ref() == Some(&counts) {
        return;
    }
    last.counts = Some(counts.clone());
    let (status, uncovered) = counts;
    let report = StatusReport {
        status,
        uncovered,
        memory_bytes: memory_bytes(),
    };
    shared.tell(Message::Status(ticket, Box::new(report)));
}

/// Memory that docent holds, where the system tells (Linux).
fn memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
