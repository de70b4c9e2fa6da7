//! Batches: what was read, as changes that are committed together, and the tally of it all.
//!
//! A batch is bounded by documents, bytes and time, so that a killed process loses little and
//! memory stays bounded whatever the sizes of the files.

use std::time::{Duration, Instant};

use docent_core::source::{ContentHash, Stamp};
use docent_store::{Change, Inner, Outcome, RootId};

use crate::indexer::{Control, IndexReport};
use crate::reconcile::{ToRead, Vanished};
use crate::walk::{Found, Unread};

/// A batch is committed once it has so many changes…
const BATCH_CHANGES: usize = 1_024;
/// …or so many bytes of text…
const BATCH_BYTES: usize = 16 << 20;
/// …or is so old.
const BATCH_AGE: Duration = Duration::from_secs(2);

/// A file that was read.
pub(crate) struct ReadFile {
    pub(crate) stamp: Stamp,
    pub(crate) hash: Option<ContentHash>,
    pub(crate) outcome: Outcome,
    pub(crate) inner: Vec<Inner>,
    pub(crate) bytes: u64,
}

/// Changes that are committed together.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) changes: Vec<Change>,
    bytes: usize,
    began: Option<Instant>,
}

impl Batch {
    /// Whether it is to be committed: it is full, or old.
    pub(crate) fn is_due(&mut self) -> bool {
        if self.changes.is_empty() {
            return false;
        }
        let began = *self.began.get_or_insert_with(Instant::now);
        self.changes.len() >= BATCH_CHANGES
            || self.bytes >= BATCH_BYTES
            || began.elapsed() >= BATCH_AGE
    }

    /// How long it may go on waiting for more.
    pub(crate) fn time_left(&self) -> Duration {
        self.began
            .map_or(BATCH_AGE, |began| BATCH_AGE.saturating_sub(began.elapsed()))
    }
}

/// What the indexer did, counted as it happens.
pub(crate) struct Tally<'c> {
    pub(crate) report: IndexReport,
    control: &'c Control,
}

impl<'c> Tally<'c> {
    pub(crate) fn new(control: &'c Control) -> Self {
        Tally {
            report: IndexReport::default(),
            control,
        }
    }

    /// The change for a file that is not read.
    pub(crate) fn left_out(&mut self, root: RootId, found: Found) -> Change {
        let outcome = match found.unread {
            Some(Unread::Failed(reason)) => {
                self.report.failed += 1;
                Outcome::Failed(reason)
            }
            Some(Unread::Skipped(reason)) => {
                self.report.skipped += 1;
                Outcome::Skipped(reason)
            }
            None => Outcome::Skipped("left out".into()),
        };
        Change::Put {
            root,
            path: found.path,
            stamp: found.stamp,
            hash: None,
            outcome,
            inner: Vec::new(),
        }
    }

    /// Turns a file that was read into a change.
    pub(crate) fn take(
        &mut self,
        file: &ToRead,
        read: Option<ReadFile>,
        vanished: &mut Vanished,
        batch: &mut Batch,
    ) {
        self.control.tell(|progress| {
            progress.files_done += 1;
            progress.bytes_done += file.stamp.size;
            progress.current = Some(file.path.clone());
        });
        let Some(read) = read else {
            // It vanished between the listing and the reading.
            if let Some((source, _)) = file.known {
                self.report.removed += 1;
                batch.changes.push(Change::Remove { source });
            }
            return;
        };
        self.report.bytes_read += read.bytes;
        if let (Some((source, Some(known))), Some(hash)) = (file.known, read.hash)
            && known == hash
        {
            batch.changes.push(Change::Touch {
                source,
                stamp: read.stamp,
            });
            return;
        }
        if file.known.is_none()
            && let Some(source) = read.hash.and_then(|hash| vanished.take(&hash))
        {
            self.report.moved += 1;
            batch.changes.push(Change::Move {
                source,
                root: file.root,
                path: file.path.clone(),
                stamp: read.stamp,
            });
            return;
        }
        self.count(file, &read.outcome, batch);
        for inner in &read.inner {
            self.count(file, &inner.outcome, batch);
        }
        batch.changes.push(Change::Put {
            root: file.root,
            path: file.path.clone(),
            stamp: read.stamp,
            hash: read.hash,
            outcome: read.outcome,
            inner: read.inner,
        });
    }

    fn count(&mut self, file: &ToRead, outcome: &Outcome, batch: &mut Batch) {
        match outcome {
            Outcome::Indexed { document, chunks } => {
                batch.bytes += document.text.len();
                self.report.chunks += chunks.len() as u64;
                if file.known.is_some() {
                    self.report.updated += 1;
                } else {
                    self.report.added += 1;
                }
            }
            Outcome::Failed(_) => {
                self.report.failed += 1;
                self.control.tell(|progress| progress.failed += 1);
            }
            Outcome::Skipped(_) => self.report.skipped += 1,
        }
    }
}
