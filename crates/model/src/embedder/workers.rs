//! The threads that run an encoder, and the order in which they serve.
//!
//! There are two lanes. Work for a person overtakes that of the indexer: a thread that is free
//! takes it first, and one that is busy with the indexer's pack looks for it between two
//! stretches of that pack, a few milliseconds apart, runs it, and goes on where it was.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender as ReplySender};
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded, select_biased};
use docent_core::model::{ModelError, Urgency};

use crate::encoder::{Encoder, Output, Sequence};
use crate::threads;

/// Packs that may wait in a lane for each thread; who has more waits with them.
const WAITING_PACKS: usize = 4;

/// Tokens that are worth a thread of their own.
const LEAST_PACK_TOKENS: usize = 64;

/// Sequences of tokens, one after another.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Sequences {
    tokens: Vec<u32>,
    places: Vec<Place>,
}

/// Where a sequence ends among the tokens, and where its second text begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    end: usize,
    second: usize,
}

impl Sequences {
    /// Appends a sequence made of these parts; those from `second` on are of the second type.
    pub(crate) fn push(&mut self, parts: &[&[u32]], second: usize) {
        let start = self.tokens.len();
        let first: usize = parts.iter().take(second).map(|part| part.len()).sum();
        for part in parts {
            self.tokens.extend_from_slice(part);
        }
        self.places.push(Place {
            end: self.tokens.len(),
            second: start + first,
        });
    }

    /// The number of sequences.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The number of tokens of all sequences.
    pub(crate) fn tokens(&self) -> usize {
        self.tokens.len()
    }

    /// One of the sequences.
    pub(crate) fn get(&self, index: usize) -> Option<Sequence<'_>> {
        let place = self.places.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => self.places[before].end,
            None => 0,
        };
        Some(Sequence {
            tokens: &self.tokens[start..place.end],
            second: place.second - start,
        })
    }

    /// Cuts the sequences into packs of about equally many tokens and of `most` at most, unless
    /// one sequence is longer; as many packs for each of `threads` threads.
    fn cut(&self, threads: usize, most: usize) -> Vec<Range<usize>> {
        let threads = threads.max(1);
        let rounds = self.tokens().div_ceil(threads * most.max(1)).max(1);
        let tokens = self
            .tokens()
            .div_ceil(threads * rounds)
            .max(LEAST_PACK_TOKENS);
        let mut packs: Vec<Range<usize>> = Vec::new();
        let (mut before, mut end) = (0, 0);
        for (index, place) in self.places.iter().enumerate() {
            // A sequence belongs to the pack in which its first token lies.
            match packs.last_mut() {
                Some(pack) if before < end => pack.end = index + 1,
                _ => {
                    packs.push(index..index + 1);
                    end = (before / tokens + 1) * tokens;
                }
            }
            before = place.end;
        }
        packs
    }
}

/// Sequences to run, and what is wanted of them.
pub(crate) struct Job {
    pub(crate) sequences: Sequences,
    pub(crate) output: Output,
    /// When nobody waits for it any more.
    pub(crate) deadline: Option<Instant>,
}

/// A part of a job, and where its results go.
struct Pack {
    job: Arc<Job>,
    range: Range<usize>,
    reply: ReplySender<(usize, Outcome)>,
}

/// What came of a pack: a result for each sequence, `None` past the deadline, or what failed.
type Outcome = Result<Option<Vec<Vec<f32>>>, String>;

/// The results of a job, still to come.
pub(crate) struct Pending {
    packs: usize,
    replies: mpsc::Receiver<(usize, Outcome)>,
}

/// Why a job has no results.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Its deadline passed.
    Late,
    /// The threads are gone.
    Gone,
    /// The encoder failed.
    Failed(String),
}

impl Failure {
    /// What it means to who asked the model of that name.
    pub(crate) fn of_model(self, name: &str) -> ModelError {
        let model = name.to_owned();
        let reason = match self {
            Failure::Late => return ModelError::Late { model },
            Failure::Gone => "its thread is gone; start docent again".into(),
            Failure::Failed(problem) => problem,
        };
        ModelError::Stopped { model, reason }
    }
}

impl Pending {
    /// Waits for a result for each sequence, in order.
    pub(crate) fn wait(self) -> Result<Vec<Vec<f32>>, Failure> {
        let mut parts = Vec::with_capacity(self.packs);
        for _ in 0..self.packs {
            let (start, outcome) = self.replies.recv().map_err(|_| Failure::Gone)?;
            match outcome {
                Ok(Some(results)) => parts.push((start, results)),
                Ok(None) => return Err(Failure::Late),
                Err(problem) => return Err(Failure::Failed(problem)),
            }
        }
        parts.sort_unstable_by_key(|(start, _)| *start);
        Ok(parts.into_iter().flat_map(|(_, results)| results).collect())
    }
}

/// What a thread does with sequences: an encoder, or a stand-in.
pub(crate) trait Run: Send + Sync + 'static {
    /// A result for each sequence; `None` when `pause`, which is asked every few milliseconds,
    /// says not to go on.
    fn run(
        &self,
        sequences: &[Sequence<'_>],
        output: Output,
        pause: &dyn Fn() -> ControlFlow<()>,
    ) -> Outcome;
}

impl Run for Encoder {
    fn run(
        &self,
        sequences: &[Sequence<'_>],
        output: Output,
        pause: &dyn Fn() -> ControlFlow<()>,
    ) -> Outcome {
        threads::contain(|| Encoder::run(self, sequences, output, pause))?
            .map_err(|error| error.to_string())
    }
}

/// Threads that run what is submitted.
pub(crate) struct Workers {
    /// For a person and for the indexer; `None` only while this is dropped.
    lanes: Option<(Sender<Pack>, Sender<Pack>)>,
    threads: Vec<JoinHandle<()>>,
    pack_tokens: usize,
}

impl Workers {
    /// Starts the threads. A pack has at most `pack_tokens` tokens, or one sequence.
    pub(crate) fn start(
        run: Arc<impl Run>,
        threads: usize,
        pack_tokens: usize,
        name: &str,
    ) -> std::io::Result<Workers> {
        let threads = threads.max(1);
        let waiting = WAITING_PACKS * threads;
        let (interactive, urgent) = bounded(waiting);
        let (background, patient) = bounded(waiting);
        let mut workers = Workers {
            lanes: Some((interactive, background)),
            threads: Vec::with_capacity(threads),
            pack_tokens,
        };
        for index in 0..threads {
            let lanes = Lanes {
                urgent: urgent.clone(),
                patient: patient.clone(),
            };
            let run = run.clone();
            let thread = std::thread::Builder::new()
                .name(format!("docent-{name}-{index}"))
                .spawn(move || lanes.serve(&*run))?;
            workers.threads.push(thread);
        }
        Ok(workers)
    }

    /// Cuts a job into packs and puts them into a lane, waiting where it is full.
    pub(crate) fn submit(&self, job: Job, urgency: Urgency) -> Pending {
        let packs = job.sequences.cut(self.threads.len(), self.pack_tokens);
        let (reply, replies) = mpsc::channel();
        let pending = Pending {
            packs: packs.len(),
            replies,
        };
        let job = Arc::new(job);
        if let Some((interactive, background)) = &self.lanes {
            let lane = match urgency {
                Urgency::Interactive => interactive,
                Urgency::Background => background,
            };
            for range in packs {
                let pack = Pack {
                    job: job.clone(),
                    range,
                    reply: reply.clone(),
                };
                // Without threads the reply is dropped with the pack, and who waits learns it.
                let _ = lane.send(pack);
            }
        }
        pending
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.lanes = None;
        for thread in self.threads.drain(..) {
            // A panic in it was contained; there is nobody to tell.
            let _ = thread.join();
        }
    }
}

/// A thread's side: what people ask for, and what the indexer does.
struct Lanes {
    urgent: Receiver<Pack>,
    patient: Receiver<Pack>,
}

impl Lanes {
    /// Serves both lanes until they are closed, people first.
    fn serve(self, run: &impl Run) {
        loop {
            let (pack, urgent) = select_biased! {
                recv(self.urgent) -> pack => (pack, true),
                recv(self.patient) -> pack => (pack, false),
            };
            match pack {
                Ok(pack) if urgent => pack.serve(run, &|| {}),
                Ok(pack) => pack.serve(run, &|| self.serve_urgent(run)),
                // Both lanes close at once, when the model is dropped and nobody waits.
                Err(_) => return,
            }
        }
    }

    /// Serves every person who waits.
    fn serve_urgent(&self, run: &impl Run) {
        while let Ok(pack) = self.urgent.try_recv() {
            pack.serve(run, &|| {});
        }
    }
}

impl Pack {
    /// Runs the pack, and `meanwhile` between its stretches.
    fn serve(self, run: &impl Run, meanwhile: &dyn Fn()) {
        let late = || self.job.deadline.is_some_and(|at| Instant::now() >= at);
        let pause = || {
            meanwhile();
            match late() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let sequences: Vec<Sequence<'_>> = self
            .range
            .clone()
            .filter_map(|index| self.job.sequences.get(index))
            .collect();
        let outcome = match late() {
            true => Ok(None),
            false => run.run(&sequences, self.job.output, &pause),
        };
        // Whoever asked may have gone; then nobody minds.
        let _ = self.reply.send((self.range.start, outcome));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// A stand-in for an encoder that writes down what it serves, by the first token of each
    /// pack, and asks twice whether to go on.
    struct Scribe {
        log: Mutex<Vec<String>>,
        /// Told at the first stretch of a pack of the indexer, which then waits to be let go.
        started: mpsc::Sender<()>,
        go: Mutex<mpsc::Receiver<()>>,
    }

    /// The first token of the packs of the indexer.
    const INDEXER: u32 = 100;

    impl Scribe {
        fn note(&self, what: &str, token: u32) {
            self.log.lock().unwrap().push(format!("{what} {token}"));
        }
    }

    impl Run for Scribe {
        fn run(
            &self,
            sequences: &[Sequence<'_>],
            _: Output,
            pause: &dyn Fn() -> ControlFlow<()>,
        ) -> Outcome {
            let token = sequences[0].tokens[0];
            self.note("start", token);
            if token >= INDEXER {
                self.started.send(()).unwrap();
                self.go.lock().unwrap().recv().unwrap();
            }
            for _ in 0..2 {
                if pause().is_break() {
                    self.note("stop", token);
                    return Ok(None);
                }
            }
            self.note("end", token);
            let result = |sequence: &Sequence<'_>| vec![sequence.tokens[0] as f32];
            Ok(Some(sequences.iter().map(result).collect()))
        }
    }

    fn job(tokens: &[u32], deadline: Option<Instant>) -> Job {
        let mut sequences = Sequences::default();
        for token in tokens {
            sequences.push(&[&[*token; 64]], 1);
        }
        Job {
            sequences,
            output: Output::Vector,
            deadline,
        }
    }

    /// One thread with the scribe, whose packs hold one sequence; and what it waits for.
    fn workers() -> (Workers, Arc<Scribe>, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let (started, has_started) = mpsc::channel();
        let (let_go, go) = mpsc::channel();
        let scribe = Arc::new(Scribe {
            log: Mutex::default(),
            started,
            go: Mutex::new(go),
        });
        let workers = Workers::start(scribe.clone(), 1, 64, "test").unwrap();
        (workers, scribe, has_started, let_go)
    }

    #[test]
    fn a_person_is_served_between_two_stretches_of_the_indexers_pack() {
        let (workers, scribe, has_started, let_go) = workers();
        let indexed = workers.submit(job(&[INDEXER, INDEXER + 1], None), Urgency::Background);
        has_started.recv().unwrap();
        let asked = workers.submit(job(&[1], None), Urgency::Interactive);
        let_go.send(()).unwrap();
        assert_eq!(asked.wait(), Ok(vec![vec![1.0]]));
        has_started.recv().unwrap();
        let_go.send(()).unwrap();
        assert_eq!(indexed.wait(), Ok(vec![vec![100.0], vec![101.0]]));
        let log = scribe.log.lock().unwrap();
        let expected = [
            "start 100",
            "start 1",
            "end 1",
            "end 100",
            "start 101",
            "end 101",
        ];
        assert_eq!(*log, expected);
    }

    #[test]
    fn a_free_thread_takes_people_first_and_the_rest_in_order() {
        let (workers, scribe, has_started, let_go) = workers();
        let blocked = workers.submit(job(&[INDEXER], None), Urgency::Background);
        has_started.recv().unwrap();
        let waiting = workers.submit(job(&[2, 3], None), Urgency::Background);
        let urgent = workers.submit(job(&[4, 5], None), Urgency::Interactive);
        let_go.send(()).unwrap();
        assert_eq!(urgent.wait(), Ok(vec![vec![4.0], vec![5.0]]));
        assert_eq!(waiting.wait(), Ok(vec![vec![2.0], vec![3.0]]));
        assert_eq!(blocked.wait(), Ok(vec![vec![100.0]]));
        let log = scribe.log.lock().unwrap();
        let starts: Vec<&str> = log
            .iter()
            .filter_map(|line| line.strip_prefix("start "))
            .collect();
        assert_eq!(starts, ["100", "4", "5", "2", "3"]);
    }

    #[test]
    fn what_is_late_is_left_and_the_next_is_served() {
        let (workers, scribe, has_started, let_go) = workers();
        let past = Some(Instant::now());
        let late = workers.submit(job(&[1, 2], past), Urgency::Interactive);
        assert_eq!(late.wait(), Err(Failure::Late));
        // A deadline that passes in the middle of a pack stops it at the next stretch.
        let soon = Instant::now() + std::time::Duration::from_millis(30);
        let stopped = workers.submit(job(&[INDEXER], Some(soon)), Urgency::Interactive);
        if has_started
            .recv_timeout(std::time::Duration::from_secs(60))
            .is_ok()
        {
            std::thread::sleep(std::time::Duration::from_millis(40));
            let_go.send(()).unwrap();
        }
        assert_eq!(stopped.wait(), Err(Failure::Late));
        let next = workers.submit(job(&[3], None), Urgency::Background);
        assert_eq!(next.wait(), Ok(vec![vec![3.0]]));
        assert!(!scribe.log.lock().unwrap().contains(&"end 100".to_owned()));
    }

    #[test]
    fn a_failure_is_told_and_the_threads_go_on() {
        struct Failing;
        impl Run for Failing {
            fn run(
                &self,
                sequences: &[Sequence<'_>],
                _: Output,
                _: &dyn Fn() -> ControlFlow<()>,
            ) -> Outcome {
                match sequences[0].tokens[0] {
                    1 => Err("it broke".into()),
                    token => Ok(Some(vec![vec![token as f32]; sequences.len()])),
                }
            }
        }
        let workers = Workers::start(Arc::new(Failing), 2, 64, "test").unwrap();
        let bad = workers.submit(job(&[2, 1, 3], None), Urgency::Background);
        assert_eq!(bad.wait(), Err(Failure::Failed("it broke".into())));
        let good = workers.submit(job(&[2, 3], None), Urgency::Background);
        assert_eq!(good.wait(), Ok(vec![vec![2.0], vec![3.0]]));
        let none = workers.submit(job(&[], None), Urgency::Background);
        assert_eq!(none.wait(), Ok(Vec::new()));
    }

    #[test]
    fn packs_share_the_tokens_equally_and_keep_the_order() {
        let cut = |lens: &[usize], threads| {
            let mut sequences = Sequences::default();
            for len in lens {
                sequences.push(&[&vec![1; *len]], 1);
            }
            sequences.cut(threads, 1024)
        };
        assert_eq!(cut(&[256; 12], 2), [0..3, 3..6, 6..9, 9..12]);
        assert_eq!(cut(&[256; 12], 1), [0..4, 4..8, 8..12]);
        assert_eq!(cut(&[2048, 3, 0, 7], 2), [0..1, 1..4]);
        assert_eq!(cut(&[12, 9], 2), std::slice::from_ref(&(0..2)));
        assert_eq!(cut(&[0, 0], 4), std::slice::from_ref(&(0..2)));
        assert!(cut(&[], 4).is_empty());
    }

    #[test]
    fn sequences_keep_their_parts_and_where_the_second_begins() {
        let mut sequences = Sequences::default();
        sequences.push(&[&[1, 2], &[3]], 2);
        sequences.push(&[&[4], &[5, 6], &[7]], 1);
        assert_eq!((sequences.len(), sequences.tokens()), (2, 7));
        assert_eq!(sequences.get(0), Some(Sequence::single(&[1, 2, 3])));
        let pair = sequences.get(1).unwrap();
        assert_eq!((pair.tokens, pair.second), (&[4, 5, 6, 7][..], 1));
        assert_eq!(sequences.get(2), None);
    }
}
