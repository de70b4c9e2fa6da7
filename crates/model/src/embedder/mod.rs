//! The embedder: a BERT-family encoder on a thread of its own.
//!
//! Callers cut their texts into tokens on their own threads; the embedder's thread computes
//! batch by batch, and looks between batches whether a person waits.

mod recipe;
mod tokens;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded, select_biased};
use docent_core::model::{Embedder, ModelError, Urgency};

use crate::encoder::{Encoder, EncoderConfig, Precision};
use crate::error::LoadError;
use crate::threads;
use recipe::{Prompts, Recipe};
use tokens::{Sequences, TextTokenizer, join_windows};

/// Requests that may wait in a lane; who has more waits with them.
const WAITING_REQUESTS: usize = 8;

/// Tokens of a batch for each thread: so long does a person wait for the indexer at most, some
/// tens of milliseconds. More in a batch would hardly be faster.
const BATCH_TOKENS: usize = 512;

/// Where an embedder comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbedderSource {
    /// The starter model inside the program.
    Starter,
    /// A folder of a BERT-family model as Hugging Face lays it out.
    Directory(PathBuf),
}

/// Loads an embedder and starts its thread. It computes on `threads` threads, with bytes for
/// weights; 0 takes all processors.
///
/// # Errors
/// When a file is missing, damaged, or of a kind that docent does not run.
pub fn load_embedder(
    source: &EmbedderSource,
    threads: usize,
) -> Result<Arc<dyn Embedder>, LoadError> {
    let threads = threads::resolve(threads);
    match source {
        EmbedderSource::Starter => {
            let (recipe, weights) = recipe::starter()?;
            let path = PathBuf::from("the starter embedder");
            let network = Network::build(weights, &recipe.config, threads, &path)?;
            start(recipe, network)
        }
        EmbedderSource::Directory(folder) => {
            let (recipe, weights) = recipe::directory(folder)?;
            let path = folder.join("model.safetensors");
            let network = Network::build(&weights, &recipe.config, threads, &path)?;
            drop(weights);
            start(recipe, network)
        }
    }
}

/// An encoder with the threads that it computes on.
struct Network {
    encoder: Encoder,
    threads: usize,
}

impl Network {
    fn build(
        weights: &[u8],
        config: &EncoderConfig,
        threads: usize,
        path: &Path,
    ) -> Result<Network, LoadError> {
        let build = || Encoder::from_safetensors(weights, config.clone(), Precision::Int8);
        let encoder = threads::contain(build)
            .map_err(|panic| LoadError::damaged(path, panic))?
            .map_err(|error| LoadError::damaged(path, error.to_string()))?;
        Ok(Network { encoder, threads })
    }

    fn encode(&self, sequences: &[&[u32]]) -> Result<Vec<Vec<f32>>, String> {
        threads::contain(|| self.encoder.encode(sequences, self.threads))?
            .map_err(|error| error.to_string())
    }
}

/// Starts the thread of an embedder.
fn start(recipe: Recipe, network: Network) -> Result<Arc<dyn Embedder>, LoadError> {
    let Recipe {
        name,
        fingerprint,
        config,
        tokenizer,
        prompts,
    } = recipe;
    let (interactive, urgent) = bounded(WAITING_REQUESTS);
    let (background, patient) = bounded(WAITING_REQUESTS);
    let lanes = Lanes { urgent, patient };
    let thread = std::thread::Builder::new()
        .name("docent-embedder".into())
        .spawn(move || lanes.run(&network))
        .map_err(|error| LoadError::Failed {
            model: name.clone(),
            reason: error.to_string(),
        })?;
    Ok(Arc::new(LocalEmbedder {
        name,
        fingerprint,
        dimension: config.hidden,
        tokenizer,
        prompts,
        lanes: Some((interactive, background)),
        thread: Some(thread),
    }))
}

/// Sequences to encode, and where their vectors go.
struct Job {
    sequences: Arc<Sequences>,
    reply: SyncSender<Result<Vec<Vec<f32>>, String>>,
}

/// An embedder in this process.
struct LocalEmbedder {
    name: String,
    fingerprint: String,
    dimension: usize,
    tokenizer: TextTokenizer,
    prompts: Prompts,
    /// For a person and for the indexer; `None` only while this is dropped.
    lanes: Option<(Sender<Job>, Sender<Job>)>,
    thread: Option<JoinHandle<()>>,
}

impl LocalEmbedder {
    fn embed_after(
        &self,
        prompt: &str,
        texts: &[String],
        urgency: Urgency,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let sequences = self
            .tokenizer
            .sequences(prompt, texts)
            .map_err(ModelError::Refused)?;
        let sequences = Arc::new(sequences);
        let (reply, vectors) = mpsc::sync_channel(1);
        let job = Job {
            sequences: sequences.clone(),
            reply,
        };
        let lane = match (&self.lanes, urgency) {
            (Some((interactive, _)), Urgency::Interactive) => interactive,
            (Some((_, background)), Urgency::Background) => background,
            (None, _) => return Err(self.stopped("it was closed")),
        };
        let gone = "its thread is gone; start docent again";
        lane.send(job).map_err(|_| self.stopped(gone))?;
        let vectors = vectors.recv().map_err(|_| self.stopped(gone))?;
        vectors
            .map(|vectors| join_windows(&sequences, vectors))
            .map_err(|reason| self.stopped(&reason))
    }

    fn stopped(&self, reason: &str) -> ModelError {
        ModelError::Stopped {
            model: self.name.clone(),
            reason: reason.into(),
        }
    }
}

impl Embedder for LocalEmbedder {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn max_tokens(&self) -> usize {
        self.tokenizer.max_tokens()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.count(text)
    }

    fn familiarity(&self, text: &str) -> f32 {
        self.tokenizer.familiarity(text)
    }

    fn embed(&self, texts: &[String], urgency: Urgency) -> Result<Vec<Vec<f32>>, ModelError> {
        self.embed_after(&self.prompts.document, texts, urgency)
    }

    fn embed_query(&self, text: &str) -> Result<Vec<f32>, ModelError> {
        let texts = [text.to_owned()];
        let vectors = self.embed_after(&self.prompts.query, &texts, Urgency::Interactive)?;
        vectors
            .into_iter()
            .next()
            .ok_or_else(|| self.stopped("it gave no vector"))
    }
}

impl Drop for LocalEmbedder {
    fn drop(&mut self) {
        self.lanes = None;
        if let Some(thread) = self.thread.take() {
            // A panic in it was contained; there is nobody to tell.
            let _ = thread.join();
        }
    }
}

/// The thread's side: what people ask for, and what the indexer does.
struct Lanes {
    urgent: Receiver<Job>,
    patient: Receiver<Job>,
}

impl Lanes {
    /// Serves both lanes until they are closed, people first.
    fn run(self, network: &Network) {
        loop {
            let (job, urgent) = select_biased! {
                recv(self.urgent) -> job => (job, true),
                recv(self.patient) -> job => (job, false),
            };
            match job {
                Ok(job) if urgent => serve(network, job, || {}),
                Ok(job) => serve(network, job, || self.serve_urgent(network)),
                // Both lanes close at once, when the embedder is dropped and nobody waits.
                Err(_) => return,
            }
        }
    }

    /// Serves every person who waits.
    fn serve_urgent(&self, network: &Network) {
        while let Ok(job) = self.urgent.try_recv() {
            serve(network, job, || {});
        }
    }
}

/// Encodes a job batch by batch, with a `pause` before each.
fn serve(network: &Network, job: Job, pause: impl Fn()) {
    let all = &job.sequences.sequences;
    let mut vectors = Vec::with_capacity(all.len());
    for batch in batches(all, network.threads * BATCH_TOKENS) {
        pause();
        let sequences: Vec<&[u32]> = all[batch].iter().map(Vec::as_slice).collect();
        match network.encode(&sequences) {
            Ok(encoded) => vectors.extend(encoded),
            Err(problem) => {
                // Whoever asked may have gone; then nobody minds.
                let _ = job.reply.send(Err(problem));
                return;
            }
        }
    }
    let _ = job.reply.send(Ok(vectors));
}

/// Cuts sequences into batches of up to `tokens` tokens, or of one sequence that is longer.
fn batches(sequences: &[Vec<u32>], tokens: usize) -> Vec<Range<usize>> {
    let mut batches: Vec<Range<usize>> = Vec::new();
    let mut total = 0;
    for (index, sequence) in sequences.iter().enumerate() {
        total += sequence.len();
        match batches.last_mut() {
            Some(batch) if total <= tokens => batch.end = index + 1,
            _ => {
                total = sequence.len();
                batches.push(index..index + 1);
            }
        }
    }
    batches
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
