//! The embedder: a BERT-family encoder on a thread of its own.
//!
//! Callers cut their texts into tokens on their own threads; the embedder's thread computes
//! batch by batch, and looks between batches whether a person waits.

mod bert;
mod recipe;
mod tokens;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded, select_biased};
use docent_core::model::{Embedder, ModelError, Urgency};

use crate::encoder::EncoderConfig;
use crate::error::LoadError;
use crate::threads;
use bert::Bert;
use recipe::{Prompts, Recipe};
use tokens::{Sequences, TextTokenizer, join_windows};

/// Requests that may wait in a lane; who has more waits with them.
const WAITING_REQUESTS: usize = 8;

/// Tokens of a batch, padding included: so long does a person wait for the indexer at most.
const BATCH_TOKENS: usize = 2048;

/// Where an embedder comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbedderSource {
    /// The starter model inside the program.
    Starter,
    /// A folder of a BERT-family model as Hugging Face lays it out.
    Directory(PathBuf),
}

/// Loads an embedder and starts its thread. `threads` are shared with the generator; 0 takes all
/// processors.
///
/// # Errors
/// When a file is missing, damaged, or of a kind that docent does not run.
pub fn load_embedder(
    source: &EmbedderSource,
    threads: usize,
) -> Result<Arc<dyn Embedder>, LoadError> {
    threads::share_pool(threads::resolve(threads));
    match source {
        EmbedderSource::Starter => {
            let (recipe, weights) = recipe::starter()?;
            let path = PathBuf::from("the starter embedder");
            let bert = build(weights, &recipe.config, path)?;
            start(recipe, bert)
        }
        EmbedderSource::Directory(folder) => {
            let (recipe, weights) = recipe::directory(folder)?;
            let path = folder.join("model.safetensors");
            let bert = build(&weights, &recipe.config, path.clone())?;
            drop(weights);
            let probe = recipe.tokenizer.sequences("", &["docent".into()]);
            let probe = probe.and_then(|probe| encode(&bert, &[&probe.sequences[0]]));
            match probe {
                Ok(vectors) if vectors[0].iter().all(|value| value.is_finite()) => {
                    start(recipe, bert)
                }
                Ok(_) => Err(LoadError::damaged(&path, "it computes no numbers")),
                Err(problem) => Err(LoadError::damaged(&path, problem)),
            }
        }
    }
}

/// Builds the encoder from its weights.
fn build(weights: &[u8], config: &EncoderConfig, path: PathBuf) -> Result<Bert, LoadError> {
    threads::contain(|| Bert::from_safetensors(weights, config))
        .unwrap_or_else(Err)
        .map_err(|problem| LoadError::damaged(&path, problem))
}

/// Computes the vectors of some sequences.
fn encode(bert: &Bert, sequences: &[&[u32]]) -> Result<Vec<Vec<f32>>, String> {
    threads::contain(|| bert.encode(sequences)).unwrap_or_else(Err)
}

/// Starts the thread of an embedder.
fn start(recipe: Recipe, bert: Bert) -> Result<Arc<dyn Embedder>, LoadError> {
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
        .spawn(move || lanes.run(&bert))
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
    fn run(self, bert: &Bert) {
        loop {
            let (job, urgent) = select_biased! {
                recv(self.urgent) -> job => (job, true),
                recv(self.patient) -> job => (job, false),
            };
            match job {
                Ok(job) if urgent => serve(bert, job, || {}),
                Ok(job) => serve(bert, job, || self.serve_urgent(bert)),
                // Both lanes close at once, when the embedder is dropped and nobody waits.
                Err(_) => return,
            }
        }
    }

    /// Serves every person who waits.
    fn serve_urgent(&self, bert: &Bert) {
        while let Ok(job) = self.urgent.try_recv() {
            serve(bert, job, || {});
        }
    }
}

/// Encodes a job batch by batch, with a `pause` before each.
fn serve(bert: &Bert, job: Job, pause: impl Fn()) {
    let all = &job.sequences.sequences;
    let mut vectors = vec![Vec::new(); all.len()];
    for batch in batches(all) {
        pause();
        let sequences: Vec<&[u32]> = batch.iter().map(|&index| all[index].as_slice()).collect();
        match encode(bert, &sequences) {
            Ok(encoded) => {
                for (&index, vector) in batch.iter().zip(encoded) {
                    vectors[index] = vector;
                }
            }
            Err(problem) => {
                // Whoever asked may have gone; then nobody minds.
                let _ = job.reply.send(Err(problem));
                return;
            }
        }
    }
    let _ = job.reply.send(Ok(vectors));
}

/// Sequences by their indices, in batches of about equal length, so that little is padding.
fn batches(sequences: &[Vec<u32>]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|&index| sequences[index].len());
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for index in order {
        // Lengths ascend: the last one is the longest of its batch.
        let length = sequences[index].len();
        match batches.last_mut() {
            Some(batch) if (batch.len() + 1) * length <= BATCH_TOKENS => batch.push(index),
            _ => batches.push(vec![index]),
        }
    }
    batches
}

#[cfg(test)]
mod tests;
