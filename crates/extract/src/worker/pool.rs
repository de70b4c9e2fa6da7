//! The parent's side: workers that are started when needed, bounded in time, replaced when lost.

use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::channel::Link;
use super::isolation::Isolation;
use super::protocol::{BrokenFrame, MAX_READY_BYTES, Request, Task, decode_ready, decode_reply};
use crate::ocr::tesseract::Tesseract;
use crate::ocr::{self, OcrOptions};
use crate::{ExtractError, Extraction, Limits, Outcome, people_bytes};

mod recognise;
mod turns;

use turns::Turns;

/// A worker that is not up by then never will be; a busy machine may take its time.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// The program that is run as a worker; it has to call
/// [`worker_main`](crate::worker_main).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand {
    /// Its path, absolute.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// How a [`Pool`] runs its workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolOptions {
    /// The program that is run as a worker.
    pub command: WorkerCommand,
    /// At most so many workers at a time; at least one.
    pub workers: usize,
    /// A file that takes longer is given up.
    pub timeout: Duration,
    /// The address space that a worker may take.
    pub memory_bytes: u64,
    /// The other bounds; the time is set by `timeout`.
    pub limits: Limits,
    /// A worker is replaced after so many files, whatever a parser may have leaked.
    pub files_per_worker: u32,
    /// How pages are read that are pictures.
    pub ocr: OcrOptions,
}

/// What bounds a worker from its start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Address space, in bytes.
    pub(super) memory_bytes: u64,
    /// Processor time of a file, all threads together, in seconds.
    pub(super) processor_seconds: u64,
}

impl PoolOptions {
    /// One worker for each of `workers`, with the default bounds: a minute and 2 GiB for a
    /// file of at most 100 MiB. Without a program for OCR.
    pub fn new(command: WorkerCommand, workers: usize) -> Self {
        PoolOptions {
            command,
            workers: workers.max(1),
            timeout: Duration::from_secs(60),
            memory_bytes: 2 << 30,
            limits: Limits::default(),
            files_per_worker: 1_000,
            ocr: OcrOptions::default(),
        }
    }
}

/// Why no reply came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// The worker is gone.
    Ended,
    /// Its time was up.
    TimedOut,
    /// Its reply was larger than any document may be.
    TooMuch,
}

/// Worker processes that extract files, one file a worker at a time.
pub struct Pool {
    options: PoolOptions,
    state: Mutex<State>,
    returned: Condvar,
    /// The program for OCR, once it was needed, or why there is none.
    tesseract: OnceLock<Result<Tesseract, String>>,
    /// Pages that are being recognised.
    recognising: Turns,
}

#[derive(Default)]
struct State {
    idle: Vec<Worker>,
    /// Workers that exist or are being started, idle or not.
    places_taken: usize,
    /// The most memory that any worker was seen to have, in bytes.
    peak_memory: Option<u64>,
}

struct Worker {
    link: Link,
    isolation: Isolation,
    files: u32,
}

impl Pool {
    /// A pool without workers yet: they are started when files come.
    pub fn new(options: PoolOptions) -> Pool {
        Pool {
            recognising: Turns::new(options.workers),
            options,
            state: Mutex::default(),
            returned: Condvar::new(),
            tesseract: OnceLock::new(),
        }
    }

    /// Extracts an open file in a worker, waiting for one if all are busy. `name` is the
    /// file's path or name, of which the extension counts.
    ///
    /// Whatever a file does to its worker, it becomes an [`Outcome`]; the next file gets
    /// another worker.
    ///
    /// # Errors
    /// If no worker can be started, which is no file's fault.
    pub fn extract(&self, file: &File, name: &str) -> Result<Extraction, ExtractError> {
        let limits = self.limits();
        if let Some(outcome) = file
            .metadata()
            .ok()
            .and_then(|data| limits.refuse(data.len()))
        {
            return Ok(unread(outcome));
        }
        let place = self.take_place();
        let mut request = Request {
            task: Task::Extract,
            name: name.to_owned(),
            bounds: (&limits).into(),
            again: false,
        };
        let mut extraction = place.read(&mut request, file)?;
        place.recognise(&request, file, &mut extraction)?;
        ocr::settle(&mut extraction);
        Ok(extraction)
    }

    /// What holds of the workers here: a worker is asked.
    ///
    /// # Errors
    /// If no worker can be started.
    pub fn isolation(&self) -> Result<Isolation, ExtractError> {
        let place = self.take_place();
        let worker = match place.worker.take() {
            Some(worker) => worker,
            None => self.start()?,
        };
        let isolation = worker.isolation.clone();
        place.worker.replace(Some(worker));
        Ok(isolation)
    }

    /// The most memory that any worker has had resident so far, in bytes, where the system tells
    /// (Linux).
    pub fn peak_worker_memory(&self) -> Option<u64> {
        self.state().peak_memory
    }

    /// A reader that stops by itself leaves time to send what it has.
    fn limits(&self) -> Limits {
        Limits {
            time: self.options.timeout.mul_f32(0.75),
            ..self.options.limits.clone()
        }
    }

    fn take_place(&self) -> Place<'_> {
        let mut state = self.state();
        while state.places_taken >= self.options.workers.max(1) && state.idle.is_empty() {
            state = self
                .returned
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let worker = state.idle.pop();
        if worker.is_none() {
            state.places_taken += 1;
        }
        Place {
            pool: self,
            worker: std::cell::RefCell::new(worker),
        }
    }

    fn note_memory(&self, peak: Option<u64>) {
        let mut state = self.state();
        state.peak_memory = state.peak_memory.max(peak);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> Result<Worker, ExtractError> {
        let command = &self.options.command;
        let cannot = |source| ExtractError::CannotStart {
            command: command.program.clone(),
            source,
        };
        let mut link = Link::spawn(command, self.bounds()).map_err(cannot)?;
        let first = link.receive(Instant::now() + START_TIMEOUT, MAX_READY_BYTES);
        if let Some(isolation) = first.as_deref().ok().and_then(decode_ready) {
            return Ok(Worker {
                link,
                isolation,
                files: 0,
            });
        }
        Err(ExtractError::Dies {
            command: command.program.clone(),
            status: match link.end() {
                Some(status) => status.to_string(),
                None if first == Err(Lost::TimedOut) => "it does not answer".to_owned(),
                None => "it is no extraction worker".to_owned(),
            },
        })
    }

    /// Threads may run at once, so that a file may take more processor time than time.
    fn bounds(&self) -> Bounds {
        Bounds {
            memory_bytes: self.options.memory_bytes,
            processor_seconds: self.options.timeout.as_secs().saturating_mul(2).max(1),
        }
    }

    /// The largest reply: text may grow when it is decoded, and blocks come on top.
    fn max_reply_bytes(&self) -> usize {
        let bytes = self
            .options
            .limits
            .max_file_bytes
            .max(self.options.limits.max_unpacked_bytes)
            .saturating_mul(4)
            .saturating_add(64 << 20);
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// What became of a worker, for the person whose file it was.
    fn obituary(&self, lost: Lost, status: Option<ExitStatus>) -> String {
        match lost {
            Lost::TimedOut => format!(
                "took longer than {} s and was given up",
                self.options.timeout.as_secs_f32().ceil()
            ),
            Lost::TooMuch => "gives more text than any document may have".to_owned(),
            Lost::Ended if status.is_some_and(ran_out_of_time) => format!(
                "took more than {} s of processor time and was given up",
                self.bounds().processor_seconds
            ),
            Lost::Ended => format!(
                "the extractor crashed on this file ({}); its memory is limited to {}",
                status.map_or("no exit status".to_owned(), |status| status.to_string()),
                people_bytes(self.options.memory_bytes)
            ),
        }
    }
}

/// The right to one worker, given back when dropped.
struct Place<'p> {
    pool: &'p Pool,
    worker: std::cell::RefCell<Option<Worker>>,
}

impl Place<'_> {
    /// Extracts a file, and once more by other means where that may get through. `request` is
    /// then the one that did.
    fn read(&self, request: &mut Request, file: &File) -> Result<Extraction, ExtractError> {
        let first = match self.extract(request, file)? {
            Ok(extraction) => return Ok(extraction),
            Err(reason) => reason,
        };
        // Another engine may get through where the first took the worker down.
        if is_pdf(file) {
            request.again = true;
            if let Ok(mut extraction) = self.extract(request, file)?
                && let Outcome::Read(document) = &mut extraction.outcome
            {
                document
                    .warnings
                    .push(format!("read by the second engine: {first}"));
                return Ok(extraction);
            }
        }
        Ok(Extraction {
            outcome: Outcome::failed(first),
            hash: hash(file),
            bytes: file.metadata().map_or(0, |data| data.len()),
            inner: Vec::new(),
        })
    }

    /// Has a file extracted; the inner error is why this file failed.
    fn extract(
        &self,
        request: &Request,
        file: &File,
    ) -> Result<Result<Extraction, String>, ExtractError> {
        let mut extraction = None;
        let asked = self.ask(request, file, 1, self.pool.max_reply_bytes(), |reply| {
            extraction = Some(decode_reply(reply)?);
            Ok(())
        })?;
        Ok(asked.and_then(|()| extraction.ok_or_else(|| "the extractor sent nothing".to_owned())))
    }

    /// Sends a request and gives each of its `replies` to `take`; the inner error is why they did
    /// not all come.
    fn ask(
        &self,
        request: &Request,
        file: &File,
        replies: usize,
        max_bytes: usize,
        mut take: impl FnMut(&[u8]) -> Result<(), BrokenFrame>,
    ) -> Result<Result<(), String>, ExtractError> {
        let frame = match request.encode() {
            Ok(frame) => frame,
            Err(broken) => return Ok(Err(broken.to_string())),
        };
        let mut worker = self.send(&frame, file)?;
        for _ in 0..replies {
            let deadline = Instant::now() + self.pool.options.timeout;
            let received = worker.link.receive(deadline, max_bytes);
            self.pool.note_memory(worker.link.peak_memory());
            match received.as_deref().map(&mut take) {
                Ok(Ok(())) => {}
                Ok(Err(broken)) => return Ok(Err(format!("the extractor sent {broken}"))),
                Err(lost) => {
                    let status = match lost {
                        Lost::Ended => worker.link.end(),
                        Lost::TimedOut | Lost::TooMuch => None,
                    };
                    return Ok(Err(self.pool.obituary(*lost, status)));
                }
            }
        }
        worker.files += 1;
        if worker.files < self.pool.options.files_per_worker {
            self.worker.replace(Some(worker));
        }
        Ok(Ok(()))
    }

    /// Hands the file to a worker. One that died while it was idle is replaced.
    fn send(&self, frame: &[u8], file: &File) -> Result<Worker, ExtractError> {
        if let Some(mut worker) = self.worker.take()
            && worker.link.send(frame, file).is_ok()
        {
            return Ok(worker);
        }
        let mut worker = self.pool.start()?;
        // If this fails, so will waiting for the reply, which tells why.
        let _ = worker.link.send(frame, file);
        Ok(worker)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        match self.worker.take() {
            Some(worker) => state.idle.push(worker),
            None => state.places_taken -= 1,
        }
        drop(state);
        self.pool.returned.notify_one();
    }
}

/// Whether the system ended a process because its processor time was over.
#[cfg(unix)]
fn ran_out_of_time(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal() == Some(rustix::process::Signal::XCPU.as_raw())
}

#[cfg(not(unix))]
fn ran_out_of_time(_: ExitStatus) -> bool {
    false
}

fn unread(outcome: Outcome) -> Extraction {
    Extraction {
        outcome,
        hash: None,
        bytes: 0,
        inner: Vec::new(),
    }
}

/// Whether the file begins as a PDF does.
fn is_pdf(mut file: &File) -> bool {
    use std::io::{Read, Seek};
    let mut first = Vec::new();
    let read = file
        .rewind()
        .and_then(|()| file.take(1024).read_to_end(&mut first));
    read.is_ok() && first.windows(5).any(|window| window == b"%PDF-")
}

/// The hash of a file that its worker could not give; reading it here is no risk.
fn hash(mut file: &File) -> Option<docent_core::source::ContentHash> {
    use std::io::Seek;
    file.rewind().ok()?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).ok()?;
    Some(docent_core::source::ContentHash(
        *hasher.finalize().as_bytes(),
    ))
}

#[cfg(all(test, unix))]
mod tests;
