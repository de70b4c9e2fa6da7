//! The embedder: an encoder on threads of its own, with what turns texts into its tokens.
//!
//! Whoever embeds cuts the texts into tokens on their own thread, some at a time, while the
//! encoder's threads already compute what was cut before.

pub(crate) mod bench;
pub(crate) mod checkpoint;
mod gate;
mod prompts;
pub(crate) mod tokens;
mod vocabulary;
pub(crate) mod workers;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use docent_core::model::{Embedder, ModelError, Prompts, TokenVector, Urgency};

use crate::encoder::{Output, Precision};
use crate::error::LoadError;
use crate::{starter, threads};
use checkpoint::Checkpoint;
use tokens::{Cuts, TextTokenizer, normalise};
use workers::{Failure, Job, Pending, Workers};

/// Tokens of a pack at most, unless one sequence is longer: enough that reading a layer's
/// weights is little beside using them, few enough that the tokens' own numbers stay in cache.
pub(crate) const PACK_TOKENS: usize = 1024;

/// Bytes of text that are cut into tokens before the encoder's threads get them: some packs for
/// each thread, so that none waits for the next.
const SLICE_BYTES: usize = 32 << 10;

/// Bytes of a question whose tokens are compared one by one.
const QUESTION_BYTES: usize = 2 << 10;

/// Where an embedder comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbedderSource {
    /// The starter model inside the program.
    Starter,
    /// A folder of a BERT-family model as Hugging Face lays it out, or a GGUF file of one.
    Directory(PathBuf),
}

/// How an embedder computes, and what of its vectors is kept. What changes vectors is in the
/// fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbedderOptions {
    /// Threads to compute on; 0 takes all processors.
    pub threads: usize,
    /// How weights are held and multiplied; as bytes if `None`, where vectors stay near those of
    /// floats.
    pub precision: Option<Precision>,
    /// A folder for what is found out about models, so that it is found out once.
    pub findings: Option<PathBuf>,
    /// Values of a vector that are kept, from the first on, scaled to length 1 again: for models
    /// that were trained for it (Matryoshka). All if `None`.
    pub dimensions: Option<usize>,
    /// What stands before a question, in place of the prompt that the model's files or the name of
    /// its family ask for.
    pub query_prompt: Option<String>,
    /// The same before a text that is searched.
    pub document_prompt: Option<String>,
    /// Tokens that a thread computes at a time.
    pub pack_tokens: usize,
}

impl Default for EmbedderOptions {
    fn default() -> Self {
        EmbedderOptions {
            threads: 0,
            precision: None,
            findings: None,
            dimensions: None,
            query_prompt: None,
            document_prompt: None,
            pack_tokens: PACK_TOKENS,
        }
    }
}

impl From<usize> for EmbedderOptions {
    /// The usual options on so many threads.
    fn from(threads: usize) -> Self {
        EmbedderOptions {
            threads,
            ..EmbedderOptions::default()
        }
    }
}

/// Loads an embedder and starts its threads.
///
/// # Errors
/// When a file is missing, damaged, or of a kind that docent does not run, or fewer or more
/// values are to be kept than vectors have.
pub fn load_embedder(
    source: &EmbedderSource,
    options: impl Into<EmbedderOptions>,
) -> Result<Arc<dyn Embedder>, LoadError> {
    Ok(Arc::new(load(source, options.into())?))
}

/// The starter's files.
pub(crate) fn starter() -> Result<Checkpoint<'static>, LoadError> {
    let files = starter::embedder().ok_or(LoadError::NoStarter { option: "embedder" })?;
    let mut checkpoint = Checkpoint::starter(&files, starter::EMBEDDER_HASH)?;
    checkpoint.name = starter::EMBEDDER_NAME.into();
    Ok(checkpoint)
}

fn load(source: &EmbedderSource, options: EmbedderOptions) -> Result<LocalEmbedder, LoadError> {
    let mut checkpoint = match source {
        EmbedderSource::Starter => starter()?,
        EmbedderSource::Directory(path) => Checkpoint::open(path)?,
    };
    if checkpoint.labels.is_some() {
        let problem = "this is a reranker: it scores pairs and gives no vectors";
        let remedy = "name it as the reranker, and choose another embedder";
        return Err(LoadError::unsupported(&checkpoint.path, problem, remedy));
    }
    let hidden = checkpoint.config.hidden;
    let dimension = options.dimensions.unwrap_or(hidden);
    if !(1..=hidden).contains(&dimension) {
        let problem = format!("its vectors have {hidden} values, and {dimension} are to be kept");
        let remedy = format!("keep 1 to {hidden}");
        return Err(LoadError::unsupported(&checkpoint.path, problem, remedy));
    }
    let precision = match options.precision {
        Some(precision) => precision,
        None => gate::precision(&mut checkpoint, options.findings.as_deref())?,
    };
    let encoder = checkpoint.build(precision, false)?;
    let multiply_adds = encoder.config().multiply_adds();
    let failed = |error: std::io::Error| LoadError::Failed {
        model: checkpoint.name.clone(),
        reason: error.to_string(),
    };
    let threads = threads::resolve(options.threads);
    let workers = Workers::start(Arc::new(encoder), threads, options.pack_tokens, "embedder")
        .map_err(failed)?;
    let prompts = prompts(&checkpoint, &options);
    let fingerprint = fingerprint(&checkpoint, precision, dimension, &prompts);
    let max_tokens = checkpoint.max_tokens();
    let tokenizer = TextTokenizer::new(checkpoint.tokenizer, max_tokens)
        .map_err(|problem| LoadError::damaged(&checkpoint.path, problem))?;
    Ok(LocalEmbedder {
        name: checkpoint.name,
        fingerprint,
        hidden,
        dimension,
        tokenizer,
        prompts,
        workers,
        multiply_adds,
    })
}

/// The prompts that are set, or else that the model's files or the name of its family ask for.
fn prompts(checkpoint: &Checkpoint<'_>, options: &EmbedderOptions) -> Prompts {
    let of_files = checkpoint.sentence.prompts.clone();
    let usual = of_files.unwrap_or_else(|| prompts::of_family(&checkpoint.name));
    Prompts {
        query: options.query_prompt.clone().unwrap_or(usual.query),
        document: options.document_prompt.clone().unwrap_or(usual.document),
    }
}

/// The model's name, the beginning of the hash of its files, and all else that vectors depend
/// on: `name@0123456789abcdef/int8`, with `/256` where so many values are kept and `/` and a hash
/// where texts get another prompt than the one in the model's files.
fn fingerprint(
    checkpoint: &Checkpoint<'_>,
    precision: Precision,
    dimension: usize,
    prompts: &Prompts,
) -> String {
    let Checkpoint { name, hash, .. } = checkpoint;
    let mut fingerprint = format!("{name}@{hash}/{}", precision.name());
    if dimension != checkpoint.config.hidden {
        fingerprint += &format!("/{dimension}");
    }
    let of_files = checkpoint.sentence.prompts.as_ref();
    if prompts.document != of_files.map_or("", |own| &own.document) {
        let hash = blake3::hash(prompts.document.as_bytes()).to_hex();
        fingerprint += &format!("/{}", &hash[..8]);
    }
    fingerprint
}

/// What became of texts.
#[derive(Default)]
struct Embedded {
    vectors: Vec<Vec<f32>>,
    /// Tokens that the encoder read, those around texts included.
    tokens: usize,
}

/// An embedder in this process.
struct LocalEmbedder {
    name: String,
    fingerprint: String,
    /// Values of the encoder's vectors, and those that are kept.
    hidden: usize,
    dimension: usize,
    tokenizer: TextTokenizer,
    prompts: Prompts,
    workers: Workers,
    /// Of the linear layers for each token.
    multiply_adds: u64,
}

impl LocalEmbedder {
    /// Starts to compute `texts`, each after `prompt`.
    fn submit(
        &self,
        prompt: &str,
        texts: &[String],
        output: Output,
        urgency: Urgency,
    ) -> Result<(Cuts, Pending), ModelError> {
        let (sequences, cuts) = self
            .tokenizer
            .windows(prompt, texts)
            .map_err(ModelError::Refused)?;
        let job = Job {
            sequences,
            output,
            deadline: None,
        };
        Ok((cuts, self.workers.submit(job, urgency)))
    }

    /// The vectors of texts, which are cut into tokens slice by slice while those of the slice
    /// before are computed.
    fn embed_after(
        &self,
        prompt: &str,
        texts: &[String],
        urgency: Urgency,
    ) -> Result<Embedded, ModelError> {
        let mut running = Vec::new();
        for slice in slices(texts) {
            running.push(self.submit(prompt, &texts[slice], Output::Vector, urgency)?);
        }
        let mut embedded = Embedded::default();
        for (cuts, pending) in running {
            let of_windows = pending.wait().map_err(|failure| self.stopped(failure))?;
            let of_windows = of_windows.into_iter().map(|vector| self.kept(vector));
            embedded.tokens += cuts.tokens();
            embedded.vectors.extend(cuts.join(of_windows.collect()));
        }
        Ok(embedded)
    }

    /// The values of a vector that are kept.
    fn kept(&self, mut vector: Vec<f32>) -> Vec<f32> {
        if self.dimension < vector.len() {
            vector.truncate(self.dimension);
            normalise(&mut vector);
        }
        vector
    }

    fn stopped(&self, failure: Failure) -> ModelError {
        failure.of_model(&self.name)
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

    fn prompts(&self) -> Prompts {
        self.prompts.clone()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.count(text)
    }

    fn familiarity(&self, text: &str) -> f32 {
        self.tokenizer.familiarity(text)
    }

    fn embed(&self, texts: &[String], urgency: Urgency) -> Result<Vec<Vec<f32>>, ModelError> {
        let embedded = self.embed_after(&self.prompts.document, texts, urgency)?;
        Ok(embedded.vectors)
    }

    fn embed_query(&self, text: &str) -> Result<Vec<f32>, ModelError> {
        let texts = [text.to_owned()];
        let embedded = self.embed_after(&self.prompts.query, &texts, Urgency::Interactive)?;
        let mut vectors = embedded.vectors.into_iter();
        vectors
            .next()
            .ok_or_else(|| ModelError::Refused("there is no vector of no text".into()))
    }

    fn embed_tokens(
        &self,
        texts: &[String],
        urgency: Urgency,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        let prompt = &self.prompts.document;
        let (cuts, pending) = self.submit(prompt, texts, Output::Tokens, urgency)?;
        let vectors = pending.wait().map_err(|failure| self.stopped(failure))?;
        let kept = vectors.into_iter().map(|vectors| {
            let tokens = vectors.chunks_exact(self.hidden);
            tokens.flat_map(|token| self.kept(token.to_vec())).collect()
        });
        Ok(cuts.concatenate(kept.collect()))
    }

    fn embed_query_tokens(&self, text: &str) -> Result<Vec<TokenVector>, ModelError> {
        // A question is short; the rest of a page that was pasted as one says little more.
        let text = &text[..text.floor_char_boundary(QUESTION_BYTES)];
        let spans = self.tokenizer.spans(text).map_err(ModelError::Refused)?;
        let texts = [text.to_owned()];
        let prompt = &self.prompts.query;
        let (cuts, pending) = self.submit(prompt, &texts, Output::Tokens, Urgency::Interactive)?;
        let vectors = pending.wait().map_err(|failure| self.stopped(failure))?;
        let own = cuts.own(&vectors, self.hidden);
        let tokens = spans
            .into_iter()
            .zip(own)
            .map(|(span, vector)| TokenVector {
                span,
                vector: self.kept(vector.to_vec()),
            });
        Ok(tokens.collect())
    }
}

/// Cuts texts into slices of about [`SLICE_BYTES`], of one text at least.
fn slices(texts: &[String]) -> Vec<Range<usize>> {
    let mut slices: Vec<Range<usize>> = Vec::new();
    let mut bytes = 0;
    for (index, text) in texts.iter().enumerate() {
        bytes += text.len();
        match slices.last_mut() {
            Some(slice) if bytes <= SLICE_BYTES => slice.end = index + 1,
            _ => {
                bytes = text.len();
                slices.push(index..index + 1);
            }
        }
    }
    slices
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod gguf_tests;
#[cfg(test)]
mod tests;
