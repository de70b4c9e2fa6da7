//! The indexer of a collection: a thread that brings the index up to date, and then watches.
//!
//! One tick of its loop:
//! 1. list the folders and compare them with the catalog ([`crate::reconcile`]);
//! 2. read what changed and commit it, batch by batch: from then on it is found by its words;
//! 3. embed what has no vector yet, batch by batch: from then on it is found by its meaning;
//! 4. wait for a change, a nudge or the end.
//!
//! A change that arrives during 3 goes back to 1, so that new text never waits for vectors.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use serde::Serialize;

use crate::collection::Collection;
use crate::embedding::{SecondIndex, Vectors};
use crate::error::EngineError;
use crate::event::{Phase, Progress};
use crate::ingest::{self, Embedded, Ingest};
use crate::watch::Watch;

/// Which files are read although nothing of them changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Again {
    /// None.
    #[default]
    None,
    /// Those that were not read, or only in part: a password or a program may have come.
    Unread,
    /// All, also those that a person had forgotten.
    All,
}

/// What an indexer is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IndexOptions {
    /// Go on and wait for changes.
    pub watch: bool,
    /// Which files are read although nothing of them changed.
    pub again: Again,
    /// Take files out of the index although their whole folder is gone or empty.
    pub prune: bool,
    /// Which vectors are made.
    pub vectors: Vectors,
}

/// What an indexer did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct IndexReport {
    /// Files that are new.
    pub added: u64,
    /// Files whose content changed.
    pub updated: u64,
    /// Files that were renamed or moved; nothing of them was embedded again.
    pub moved: u64,
    /// Files that are gone.
    pub removed: u64,
    /// Files that could not be read.
    pub failed: u64,
    /// Files left out on purpose.
    pub skipped: u64,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// Chunks that were cut.
    pub chunks: u64,
    /// Chunks that were embedded.
    pub embedded: u64,
    /// What is left of a second index to be made.
    pub second_index: Option<SecondIndex>,
    /// Seconds until every text was searchable.
    pub text_seconds: f64,
    /// Seconds in all.
    pub seconds: f64,
    /// Whether another docent writes the collection, so that nothing was done here.
    pub read_only: bool,
    /// Whether it was stopped before everything was indexed.
    pub interrupted: bool,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// What the indexer is asked while it runs.
pub(crate) enum Request {
    /// Something below a root may have changed.
    Look,
    /// Take a file or folder out of the index for good; the number of files goes back.
    Forget(PathBuf, Sender<Result<usize, EngineError>>),
    /// Read one more folder from now on.
    AddRoot(PathBuf, Sender<Result<(), EngineError>>),
}

/// What the indexer's thread and everybody else share.
pub(crate) struct Control {
    progress: Mutex<Progress>,
    phase_began: Mutex<(Instant, f64)>,
    paused: AtomicBool,
    stopping: AtomicBool,
    changed: (Mutex<()>, Condvar),
    /// How many answers are being generated; the indexer yields to them.
    pub(crate) attention: Arc<AtomicUsize>,
    pub(crate) requests: Receiver<Request>,
}

/// How long the indexer sleeps at most before it looks at its flags again.
const FLAG_CHECK: Duration = Duration::from_millis(100);

impl Control {
    fn new(attention: Arc<AtomicUsize>, requests: Receiver<Request>) -> Self {
        Control {
            progress: Mutex::default(),
            phase_began: Mutex::new((Instant::now(), 0.0)),
            paused: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            changed: (Mutex::new(()), Condvar::new()),
            attention,
            requests,
        }
    }

    /// Whether somebody asked the indexer to stop.
    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Changes what the indexer tells.
    pub(crate) fn tell(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut lock(&self.progress));
    }

    /// Enters a phase and starts its clock.
    pub(crate) fn enter(&self, phase: Phase) {
        *lock(&self.phase_began) = (Instant::now(), 0.0);
        self.tell(|progress| progress.phase = phase);
    }

    fn snapshot(&self) -> Progress {
        let mut progress = lock(&self.progress).clone();
        let (began, pauses) = *lock(&self.phase_began);
        progress.phase_seconds = (began.elapsed().as_secs_f64() - pauses).max(0.0);
        if self.paused.load(Ordering::Relaxed)
            && matches!(
                progress.phase,
                Phase::Scanning | Phase::Reading | Phase::Embedding
            )
        {
            progress.phase = Phase::Paused;
        }
        progress
    }

    /// Whether an answer is being generated.
    fn is_asked(&self) -> bool {
        self.attention.load(Ordering::Relaxed) > 0
    }

    /// Whether work that can wait has to: paused, or an answer is being generated.
    pub(crate) fn is_held(&self) -> bool {
        self.paused.load(Ordering::Relaxed) || self.is_asked()
    }

    /// Waits while paused; while answers are generated too, if `yielding`. Returns early when
    /// the indexer is to stop.
    pub(crate) fn wait_while_held(&self, yielding: bool) {
        let held = || {
            !self.stopping()
                && (self.paused.load(Ordering::Relaxed) || (yielding && self.is_asked()))
        };
        let since = Instant::now();
        while held() {
            self.sleep(FLAG_CHECK);
        }
        lock(&self.phase_began).1 += since.elapsed().as_secs_f64();
    }

    /// Sleeps for `time`, or until a flag changes.
    fn sleep(&self, time: Duration) {
        let guard = lock(&self.changed.0);
        drop(self.changed.1.wait_timeout(guard, time));
    }

    fn flag(&self, flag: &AtomicBool, value: bool) {
        flag.store(value, Ordering::Relaxed);
        let _guard = lock(&self.changed.0);
        self.changed.1.notify_all();
    }
}

/// The lock, whatever happened to a thread that held it: all guarded values are plain data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running indexer. Dropping it stops it at the next border between batches.
pub struct Indexer {
    control: Arc<Control>,
    requests: Sender<Request>,
    thread: Option<JoinHandle<Result<IndexReport, EngineError>>>,
}

impl Indexer {
    /// Starts the thread.
    pub(crate) fn start(
        collection: Collection,
        options: IndexOptions,
    ) -> Result<Indexer, EngineError> {
        let (requests, receiver) = crossbeam_channel::bounded(64);
        let attention = collection.library().attention();
        let control = Arc::new(Control::new(attention, receiver));
        let shared = Arc::clone(&control);
        let sender = requests.clone();
        let thread = std::thread::Builder::new()
            .name("docent-indexer".into())
            .spawn(move || {
                let result = run(&collection, options, &shared, sender);
                match &result {
                    Ok(_) if lock(&shared.progress).phase == Phase::ReadOnly => {}
                    Ok(_) => shared.enter(Phase::Idle),
                    Err(error) => {
                        shared.enter(Phase::Stopped);
                        shared.tell(|progress| progress.error = Some(error.to_string()));
                    }
                }
                result
            })
            .map_err(|source| EngineError::Thread { source })?;
        Ok(Indexer {
            control,
            requests,
            thread: Some(thread),
        })
    }

    /// Where it stands.
    pub fn progress(&self) -> Progress {
        self.control.snapshot()
    }

    /// Pauses it at the next border between batches.
    pub fn pause(&self) {
        self.control.flag(&self.control.paused, true);
    }

    /// Goes on after a pause.
    pub fn resume(&self) {
        self.control.flag(&self.control.paused, false);
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.control.paused.load(Ordering::Relaxed)
    }

    /// Asks it to stop; what was committed stays.
    pub fn stop(&self) {
        self.control.flag(&self.control.stopping, true);
    }

    /// Asks it to look at the folders again now.
    pub fn nudge(&self) {
        // A full channel means that it will look anyway.
        let _ = self.requests.try_send(Request::Look);
    }

    /// Takes a file or folder (by its path on disk) out of the index for good.
    ///
    /// # Errors
    /// When nothing of it is indexed, or the indexer does not write.
    pub fn forget(&self, path: PathBuf) -> Result<usize, EngineError> {
        self.request(|reply| Request::Forget(path, reply))
    }

    /// Reads one more folder from now on.
    ///
    /// # Errors
    /// When the folder is not there, or the indexer does not write.
    pub fn add_root(&self, path: &std::path::Path) -> Result<(), EngineError> {
        let path = crate::library::folder(path)?;
        self.request(|reply| Request::AddRoot(path, reply))
    }

    /// Sends a request and waits for its answer.
    fn request<T>(
        &self,
        request: impl FnOnce(Sender<Result<T, EngineError>>) -> Request,
    ) -> Result<T, EngineError> {
        let (reply, answer) = crossbeam_channel::bounded(1);
        let sent = self
            .requests
            .send_timeout(request(reply), Duration::from_secs(5));
        match sent.map(|()| answer.recv_timeout(Duration::from_secs(60))) {
            Ok(Ok(result)) => result,
            _ => Err(EngineError::NotWriting),
        }
    }

    /// Whether the thread has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// What ended it, if that was an error.
    pub fn wait(mut self) -> Result<IndexReport, EngineError> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            _ => Err(EngineError::IndexerDied),
        }
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// How often a reader looks whether it may write by now.
const RETRY: Duration = Duration::from_secs(2);

fn run(
    collection: &Collection,
    options: IndexOptions,
    control: &Control,
    requests: Sender<Request>,
) -> Result<IndexReport, EngineError> {
    control.enter(Phase::Scanning);
    let Some(writer) = become_writer(collection, options, control)? else {
        return Ok(IndexReport {
            read_only: true,
            ..IndexReport::default()
        });
    };
    let mut ingest = Ingest::new(collection, writer, options, control);
    let mut watch = None;
    loop {
        if options.watch && watch.is_none() {
            // Watching begins before the first look, so that nothing falls between the two.
            watch = Some(Watch::start(
                &ingest.roots()?,
                collection.library().home(),
                requests.clone(),
            ));
            let warning = watch.as_ref().and_then(Watch::warning);
            control.tell(|progress| progress.warnings.extend(warning));
        }
        ingest.bring_up_to_date()?;
        if ingest.embed_pending()? == Embedded::Interrupted && !control.stopping() {
            ingest.answer_requests(Duration::ZERO)?;
            continue;
        }
        ingest.maintain()?;
        if !options.watch || control.stopping() {
            break;
        }
        control.enter(Phase::Watching);
        if ingest.wait_for_change(watch.as_ref())? == ingest::Wake::Roots {
            watch = None;
        }
        if control.stopping() {
            break;
        }
    }
    ingest.into_report()
}

/// The writer, waited for where the indexer watches; `None` if another docent has it.
fn become_writer(
    collection: &Collection,
    options: IndexOptions,
    control: &Control,
) -> Result<Option<docent_store::Writer>, EngineError> {
    loop {
        match collection.open_writer() {
            Ok(writer) => return Ok(Some(writer)),
            Err(EngineError::Busy { .. }) => control.enter(Phase::ReadOnly),
            Err(error) => return Err(error),
        }
        if !options.watch {
            return Ok(None);
        }
        let until = Instant::now() + RETRY;
        while Instant::now() < until {
            if control.stopping() {
                return Ok(None);
            }
            control.sleep(FLAG_CHECK);
        }
    }
}
