//! Ingest: from a plan to committed text, and from committed text to vectors.
//!
//! `FileChange → Source → Document → Chunk → Batch → Revision`, then `Chunk → Embedding`.
//! Reader threads hand files to the extraction workers and cut what comes back; this thread
//! alone writes. A batch is bounded by documents, bytes and time, so that a killed process
//! loses little and memory stays bounded whatever the sizes of the files.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use docent_core::chunk::{self, ChunkLimits};
use docent_core::source::{Gap, Stamp};
use docent_extract::Outcome as Extracted;
use docent_store::{Change, Inner, Outcome, Root, Set, Writer};

use crate::batch::{Batch, ReadFile, Tally};
use crate::collection::Collection;
use crate::embedding::{Embedding, Vectors};
use crate::error::EngineError;
use crate::event::Phase;
use crate::indexer::{Control, IndexOptions, IndexReport, Request};
use crate::library::Library;
use crate::reconcile::{self, Plan, RootListing, ToRead, Vanished};
use crate::walk;
use crate::watch::Watch;

/// Whether everything that was pending has its vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Embedded {
    All,
    /// A request came, or the indexer is to stop.
    Interrupted,
}

/// Why waiting for a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Look at the folders again.
    Look,
    /// The folders themselves are others now: watch them anew.
    Roots,
}

/// The indexer's work on one collection.
pub(crate) struct Ingest<'c> {
    collection: &'c Collection,
    writer: Writer,
    options: IndexOptions,
    control: &'c Control,
    tally: Tally<'c>,
    began: Instant,
}

impl<'c> Ingest<'c> {
    pub(crate) fn new(
        collection: &'c Collection,
        writer: Writer,
        options: IndexOptions,
        control: &'c Control,
    ) -> Self {
        Ingest {
            collection,
            writer,
            options,
            control,
            tally: Tally::new(control),
            began: Instant::now(),
        }
    }

    fn library(&self) -> &'c Library {
        self.collection.library()
    }

    /// The folders of the collection.
    pub(crate) fn roots(&self) -> Result<Vec<PathBuf>, EngineError> {
        Ok(self
            .writer
            .roots()?
            .into_iter()
            .map(|root| root.path)
            .collect())
    }

    /// What was done.
    pub(crate) fn into_report(mut self) -> Result<IndexReport, EngineError> {
        self.tally.report.seconds = self.began.elapsed().as_secs_f64();
        self.tally.report.interrupted = self.control.stopping();
        self.tally.report.second_index = self.collection.second_index()?;
        Ok(self.tally.report)
    }

    fn embedding(&self) -> Embedding<'c> {
        Embedding {
            collection: self.collection,
            wanted: self.options.vectors,
        }
    }

    /// Tells which vectors are searched from now on, where that changes.
    fn settle_vectors(&mut self) -> Result<(), EngineError> {
        if let Some(warning) = self.embedding().settle(&mut self.writer)? {
            self.tally.report.warnings.push(warning.clone());
            self.control
                .tell(|progress| progress.warnings.push(warning));
        }
        let second = self.collection.second_index()?;
        self.control.tell(|progress| progress.second_index = second);
        Ok(())
    }

    /// Lists the folders, compares, reads and commits what changed.
    pub(crate) fn bring_up_to_date(&mut self) -> Result<(), EngineError> {
        self.control.enter(Phase::Scanning);
        self.control.wait_while_held(false);
        let roots = self.writer.roots()?;
        let stored = self.writer.sources()?;
        let listings = self.list(&roots, &stored);
        self.settle_vectors()?;
        // Only the first look reads what did not change.
        let again = std::mem::take(&mut self.options.again);
        let plan = reconcile::plan(&stored, listings, again);
        if !plan.is_empty() {
            self.carry_out(plan, &roots)?;
        }
        if self.tally.report.text_seconds == 0.0 {
            self.tally.report.text_seconds = self.began.elapsed().as_secs_f64();
        }
        Ok(())
    }

    /// What lies below each root. A root that is gone, or empty where it was not, says nothing
    /// of its files: an unmounted disk must not empty the index.
    fn list(&mut self, roots: &[Root], stored: &[docent_store::StoredSource]) -> Vec<RootListing> {
        let (mut listings, mut warnings, mut seen) = (Vec::new(), Vec::new(), 0);
        for root in roots {
            let listing = walk::list(
                &root.path,
                &self.library().settings().walk,
                self.library().home(),
            );
            let known = stored
                .iter()
                .filter(|source| source.root == root.id)
                .count();
            let unseen = listing.found.is_empty() && known > 0;
            for (folder, reason) in &listing.unlisted {
                warnings.push(format!(
                    "{} cannot be listed: {reason}",
                    root.path.join(folder).display()
                ));
            }
            if unseen && !self.options.prune {
                warnings.push(format!(
                    "{} is gone or empty: its {known} files stay in the index; `docent index --prune {}` drops them",
                    root.path.display(),
                    self.collection.name(),
                ));
            }
            seen += listing.found.len() as u64;
            let unlisted = if self.options.prune && unseen {
                Vec::new()
            } else {
                listing.unlisted
            };
            listings.push(RootListing {
                root: root.id,
                found: (!unseen || self.options.prune).then_some(listing.found),
                unlisted: unlisted.into_iter().map(|(folder, _)| folder).collect(),
            });
        }
        self.tally.report.warnings = warnings.clone();
        self.control.tell(|progress| {
            progress.files_seen = seen;
            progress.warnings = warnings;
        });
        listings
    }

    fn carry_out(&mut self, plan: Plan, roots: &[Root]) -> Result<(), EngineError> {
        self.control.enter(Phase::Reading);
        let (files, bytes) = (
            plan.read.len() as u64,
            plan.read.iter().map(|file| file.stamp.size).sum(),
        );
        self.control.tell(|progress| {
            (progress.files_done, progress.files_total) = (0, files);
            (progress.bytes_done, progress.bytes_total) = (0, bytes);
            progress.failed = 0;
        });
        let mut batch = Batch::default();
        self.tally.report.removed += plan.removed.len() as u64;
        self.tally.report.moved += plan.moved.len() as u64;
        batch.changes.extend(
            plan.removed
                .into_iter()
                .map(|source| Change::Remove { source }),
        );
        batch
            .changes
            .extend(
                plan.moved
                    .into_iter()
                    .map(|(source, root, path, stamp)| Change::Move {
                        source,
                        root,
                        path,
                        stamp,
                    }),
            );
        batch.changes.extend(
            plan.unread
                .into_iter()
                .map(|(root, found)| self.tally.left_out(root, found)),
        );
        // What is gone is gone from every answer before anything new is read.
        self.commit(&mut batch)?;
        let mut vanished = plan.vanished;
        self.read_all(&plan.read, roots, &mut vanished, &mut batch)?;
        if !self.control.stopping() {
            let gone = vanished.into_sources();
            self.tally.report.removed += gone.len() as u64;
            batch
                .changes
                .extend(gone.into_iter().map(|source| Change::Remove { source }));
        }
        self.commit(&mut batch)
    }

    /// Reads files on several threads and commits what comes back, in batches: while one is
    /// committed, the next is read; while readers leave cores idle, what is committed is embedded.
    fn read_all(
        &mut self,
        files: &[ToRead],
        roots: &[Root],
        vanished: &mut Vanished,
        batch: &mut Batch,
    ) -> Result<(), EngineError> {
        let readers = self.library().workers().min(files.len().max(1));
        let (library, control) = (self.library(), self.control);
        let embedding = self.embedding();
        let reading = &AtomicUsize::new(0);
        let Ingest { writer, tally, .. } = self;
        let embedded = std::thread::scope(|scope| {
            let (jobs, waiting) = bounded::<&ToRead>(readers * 2);
            let (finished, done) = bounded(readers * 2);
            for _ in 0..readers {
                let (waiting, finished) = (waiting.clone(), finished.clone());
                scope.spawn(move || read_files(library, roots, reading, &waiting, &finished));
            }
            drop((waiting, finished));
            scope.spawn(move || {
                for file in files {
                    control.wait_while_held(false);
                    if control.stopping() || jobs.send(file).is_err() {
                        break;
                    }
                }
            });
            // No batch waits behind another: a slow disk holds up the reading, not the memory.
            let (batches, full) = bounded::<Vec<Change>>(0);
            let committing = scope.spawn(move || {
                let is_idle = || {
                    embedding.wanted != Vectors::None
                        && reading.load(Ordering::Relaxed) < library.workers()
                        && !control.is_held()
                };
                commit_all(writer, embedding, &full, &is_idle)
            });
            // Leaving this early drops `done` and `batches`, which ends the other threads.
            let collected = collect(&done, &batches, tally, vanished, batch);
            drop((done, batches));
            let embedded = match committing.join() {
                Ok(committed) => committed?,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            collected.map(|()| embedded)
        })?;
        self.tally.report.embedded += embedded;
        Ok(())
    }

    fn commit(&mut self, batch: &mut Batch) -> Result<(), EngineError> {
        let full = std::mem::take(batch);
        if !full.changes.is_empty() {
            self.writer.commit(full.changes)?;
        }
        Ok(())
    }

    /// Embeds what has no vector yet, until all have one or something more urgent comes.
    pub(crate) fn embed_pending(&mut self) -> Result<Embedded, EngineError> {
        if self.options.vectors == Vectors::None {
            return Ok(Embedded::All);
        }
        self.settle_vectors()?;
        let embedding = self.embedding();
        let total = embedding.pending(&self.writer)?;
        if total == 0 {
            return Ok(Embedded::All);
        }
        self.control.enter(Phase::Embedding);
        self.control
            .tell(|progress| (progress.chunks_done, progress.chunks_total) = (0, total));
        let control = self.control;
        let is_wanted = || !control.stopping() && control.requests.is_empty();
        loop {
            let embedded = embedding.some(&mut self.writer, &mut |news, set| {
                control.tell(|progress| progress.embedded(news, set == Set::Second));
                control.wait_while_held(true);
                is_wanted()
            })?;
            self.tally.report.embedded += embedded;
            // The batch may have been the last that a second index lacked.
            self.settle_vectors()?;
            if embedding.pending(&self.writer)? == 0 {
                return Ok(Embedded::All);
            }
            if !is_wanted() {
                return Ok(Embedded::Interrupted);
            }
        }
    }

    /// Collects what past revisions left.
    pub(crate) fn maintain(&mut self) -> Result<(), EngineError> {
        while self.writer.maintain()?.has_more
            && !self.control.stopping()
            && self.control.requests.is_empty()
        {}
        Ok(())
    }

    /// Waits until something asks for another look, and the file system has settled.
    pub(crate) fn wait_for_change(&mut self, watch: Option<&Watch>) -> Result<Wake, EngineError> {
        let period = watch.and_then(Watch::poll_every);
        let waiting_since = Instant::now();
        let mut clock = (Instant::now(), SystemTime::now());
        while !self.control.stopping() {
            match self.answer_requests(Duration::from_millis(100))? {
                Some(Wake::Roots) => return Ok(Wake::Roots),
                Some(Wake::Look) => {
                    self.settle()?;
                    return Ok(Wake::Look);
                }
                None => {}
            }
            if period.is_some_and(|period| waiting_since.elapsed() >= period) || slept(&mut clock) {
                break;
            }
        }
        Ok(Wake::Look)
    }

    /// Waits until no event came for a moment, or events have been coming for too long.
    fn settle(&mut self) -> Result<(), EngineError> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(1_200) && !self.control.stopping() {
            if self.answer_requests(Duration::from_millis(250))?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Answers what was asked until the channel is empty, waiting `patience` for the first.
    pub(crate) fn answer_requests(
        &mut self,
        patience: Duration,
    ) -> Result<Option<Wake>, EngineError> {
        let mut wake = None;
        let mut next = self.control.requests.recv_timeout(patience).ok();
        while let Some(request) = next {
            // Where nobody waits for the reply any more, the work is done all the same.
            match request {
                Request::Look => wake = wake.or(Some(Wake::Look)),
                Request::AddRoot(path, reply) => {
                    let result = self
                        .writer
                        .add_root(&path)
                        .map(drop)
                        .map_err(EngineError::from);
                    wake = Some(Wake::Roots);
                    let _ = reply.send(result);
                }
                Request::Forget(path, reply) => {
                    let result = self.collection.forget_with(&mut self.writer, &path);
                    let _ = reply.send(result);
                }
            }
            next = self.control.requests.try_recv().ok();
        }
        Ok(wake)
    }
}

/// Whether the machine slept since the last call: the wall clock ran on, ours did not.
fn slept(clock: &mut (Instant, SystemTime)) -> bool {
    let awake = clock.0.elapsed();
    let passed = clock.1.elapsed().unwrap_or(awake);
    *clock = (Instant::now(), SystemTime::now());
    passed > awake + Duration::from_secs(30)
}

/// Commits batches as they come, until no more do, and embeds while cores are idle; the number of
/// vectors.
fn commit_all(
    writer: &mut Writer,
    embedding: Embedding<'_>,
    batches: &Receiver<Vec<Change>>,
    is_idle: &dyn Fn() -> bool,
) -> Result<u64, EngineError> {
    /// How often it is asked whether cores are idle.
    const PATIENCE: Duration = Duration::from_millis(20);
    let mut embedded = 0;
    loop {
        match batches.recv_timeout(PATIENCE) {
            Ok(changes) => drop(writer.commit(changes)?),
            Err(RecvTimeoutError::Disconnected) => return Ok(embedded),
            Err(RecvTimeoutError::Timeout) if is_idle() => {
                let goes_on = &mut |_, _| is_idle() && batches.is_empty();
                embedded += embedding.some(writer, goes_on)?;
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Takes what the readers bring and hands on full batches, until there is no more, or nobody
/// commits. What is left stays in `batch`.
fn collect(
    done: &Receiver<Done<'_>>,
    batches: &Sender<Vec<Change>>,
    tally: &mut Tally<'_>,
    vanished: &mut Vanished,
    batch: &mut Batch,
) -> Result<(), EngineError> {
    loop {
        match done.recv_timeout(batch.time_left()) {
            Ok((file, read)) => tally.take(file, read?, vanished, batch),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        if batch.is_due() && batches.send(std::mem::take(batch).changes).is_err() {
            return Ok(());
        }
    }
}

/// What comes back for a file: what was read, `None` if it is gone, or why nothing can be read.
type Done<'f> = (&'f ToRead, Result<Option<ReadFile>, EngineError>);

/// A reader thread: takes files until there are no more, or nobody wants them. `reading` counts
/// those that are being read.
fn read_files<'f>(
    library: &Library,
    roots: &[Root],
    reading: &AtomicUsize,
    waiting: &Receiver<&'f ToRead>,
    finished: &Sender<Done<'f>>,
) {
    for file in waiting {
        let root = roots.iter().find(|root| root.id == file.root);
        reading.fetch_add(1, Ordering::Relaxed);
        let read = root.map_or(Ok(None), |root| read(library, &root.path, file));
        reading.fetch_sub(1, Ordering::Relaxed);
        if finished.send((file, read)).is_err() {
            return;
        }
    }
}

/// Files larger than this are read one at a time: each takes several times its size while it is
/// read, in the worker and here.
const LARGE_BYTES: u64 = 16 << 20;

/// Reads one file: extraction in a worker, then chunks.
fn read(library: &Library, root: &Path, file: &ToRead) -> Result<Option<ReadFile>, EngineError> {
    let path = root.join(&file.path);
    let opened = match File::open(&path).and_then(|opened| Ok((opened.metadata()?, opened))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let gap = Gap::new(format!("it cannot be opened: {error}"));
            return Ok(Some(unread(file.stamp, Outcome::Failed(gap))));
        }
        Ok(opened) => opened,
    };
    let (metadata, opened) = opened;
    let before = walk::stamp(&metadata);
    let _alone = (before.size > LARGE_BYTES).then(|| library.large_file());
    let extraction = library.pool().extract(&opened, &file.path)?;
    let after = opened
        .metadata()
        .map_or(before, |metadata| walk::stamp(&metadata));
    let limits = library.settings().chunk;
    let inner = extraction.inner.into_iter().map(|inner| Inner {
        path: inner.path,
        size: inner.bytes,
        hash: inner.hash,
        outcome: outcome(inner.outcome, limits),
    });
    Ok(Some(ReadFile {
        stamp: certain(before, after),
        hash: extraction.hash,
        outcome: outcome(extraction.outcome, limits),
        inner: inner.collect(),
        bytes: extraction.bytes,
    }))
}

/// What was extracted, cut into chunks.
fn outcome(extracted: Extracted, limits: ChunkLimits) -> Outcome {
    match extracted {
        Extracted::Read(document) => Outcome::Indexed {
            chunks: chunk::cut(&document, limits),
            document,
        },
        Extracted::Failed(gap) => Outcome::Failed(gap),
        Extracted::Skipped(gap) => Outcome::Skipped(gap),
    }
}

fn unread(stamp: Stamp, outcome: Outcome) -> ReadFile {
    ReadFile {
        stamp,
        hash: None,
        outcome,
        inner: Vec::new(),
        bytes: 0,
    }
}

/// The stamp to remember. A file that changed while it was read, or so shortly before that the
/// file system's clock may not show the next change, gets a time that no file has, so that the
/// next look reads it again.
fn certain(before: Stamp, after: Stamp) -> Stamp {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos() as i64);
    // Whole seconds come from file systems that count in units of one or two seconds.
    let whole_seconds = before.modified_ns % 1_000_000_000 == 0;
    let doubt = if whole_seconds {
        2_000_000_000
    } else {
        20_000_000
    };
    let fresh = (0..doubt).contains(&now.saturating_sub(before.modified_ns));
    if before == after && !fresh {
        return before;
    }
    Stamp {
        modified_ns: before.modified_ns - 1,
        ..before
    }
}
