//! The generator: a GGUF model on a thread of its own.

mod draft;
pub(crate) mod hash;
mod prefixes;
mod stop;
mod writer;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::JoinHandle;

use docent_core::model::{
    GenerationEvent, GenerationRequest, Generator, Message, ModelError, Streaming,
};

use crate::decoder::{CachePrecision, Decoder, LoadOptions};
use crate::error::LoadError;
use crate::gguf::{Gguf, GgufError};
use crate::packed_cache::PackedCache;
use crate::source::Source;
use crate::template::ChatTemplate;
use crate::tokenizer::Tokenizer;
use crate::{files, processor, starter, threads};
pub use prefixes::PrefixLimits;
use writer::Writer;

/// Requests that may wait. People wait for one answer at a time; more is a mistake.
const WAITING_REQUESTS: usize = 8;

/// Where a generator comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GeneratorSource {
    /// The starter model inside the program.
    Starter,
    /// A GGUF file.
    File(PathBuf),
}

/// A LoRA adapter in a GGUF file.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapter {
    /// The file.
    pub path: PathBuf,
    /// How strongly it is applied; 1 as it was trained.
    pub scale: f32,
}

/// How a generator runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GeneratorOptions {
    /// Threads to compute on; 0 takes one for each core.
    pub threads: usize,
    /// Tokens that prompt and answer may have together, as far as the model goes; `None` takes
    /// what the model was trained for, as far as memory goes.
    pub context_tokens: Option<usize>,
    /// How precisely keys and values of what was read are kept.
    pub cache_precision: CachePrecision,
    /// Fine-tunes to be applied, in any number.
    pub adapters: Vec<Adapter>,
    /// Where weights are kept in the form that they are computed in; `None` packs them in memory
    /// at each load.
    pub packed: Option<PackedCache>,
    /// How much is kept on disk of what was read, where a request says where.
    pub prefixes: PrefixLimits,
}

impl GeneratorOptions {
    /// The number of threads that it computes on.
    #[must_use]
    pub fn threads(&self) -> usize {
        threads::resolve(self.threads)
    }
}

/// Loads a generator and starts its thread.
///
/// # Errors
/// When the file is missing, damaged, of a kind that docent does not run, or too large for the
/// memory that is free.
pub fn load_generator(
    source: &GeneratorSource,
    options: GeneratorOptions,
) -> Result<Arc<dyn Generator>, LoadError> {
    start(open(source, &options)?, &options)
}

/// Loads a model without starting a thread for it.
pub(crate) fn open(
    source: &GeneratorSource,
    options: &GeneratorOptions,
) -> Result<Loaded, LoadError> {
    let identity = match source {
        GeneratorSource::Starter => Identity {
            name: starter::GENERATOR_NAME.into(),
            fingerprint: Some(starter::GENERATOR_FINGERPRINT.into()),
        },
        GeneratorSource::File(path) => Identity {
            name: files::name_of(path, ".gguf"),
            fingerprint: None,
        },
    };
    let (path, source) = open_source(source)?;
    load(&path, source, identity, options)
}

/// Loads a model from the bytes of its file, for tests of what may be in one.
#[cfg(any(test, fuzzing))]
pub(crate) fn load_source(
    path: &Path,
    source: Source,
    options: &GeneratorOptions,
) -> Result<Loaded, LoadError> {
    let identity = Identity {
        name: files::name_of(path, ".gguf"),
        fingerprint: None,
    };
    load(path, source, identity, options)
}

/// The bytes of a model, and where they come from, for a person.
pub(crate) fn open_source(source: &GeneratorSource) -> Result<(PathBuf, Source), LoadError> {
    match source {
        GeneratorSource::Starter => {
            let bytes = starter::generator().ok_or(LoadError::NoStarter { option: "model" })?;
            let source = Source::Memory(Cow::Borrowed(bytes));
            Ok(("the starter generator".into(), source))
        }
        GeneratorSource::File(path) => {
            let remedy = "name a GGUF file";
            let file = files::open(path, remedy)?;
            let source = Source::file(file).map_err(|error| LoadError::io(path, error, remedy))?;
            Ok((path.clone(), source))
        }
    }
}

/// What a model is called.
struct Identity {
    name: String,
    /// `None` to have it computed from the file.
    fingerprint: Option<String>,
}

/// A model in memory.
pub(crate) struct Loaded {
    pub(crate) name: String,
    fingerprint: String,
    pub(crate) language: Language,
    pub(crate) decoder: Decoder,
}

/// The part of a model that turns text into tokens and back; callers use it on their threads.
pub(crate) struct Language {
    pub(crate) tokenizer: Tokenizer,
    template: ChatTemplate,
}

impl Language {
    pub(crate) fn encode_chat(&self, messages: &[Message]) -> Vec<u32> {
        self.tokenizer.encode_chat(&self.template.lay_out(messages))
    }
}

/// Loads a model from an open file, its header first, so that a bad file is told at once.
fn load(
    path: &Path,
    source: Source,
    identity: Identity,
    options: &GeneratorOptions,
) -> Result<Loaded, LoadError> {
    let explain = |error: GgufError| explain(path, error);
    let gguf = Gguf::read(&mut source.reader()).map_err(explain)?;
    let tokenizer = Tokenizer::from_gguf(&gguf).map_err(explain)?;
    let vocabulary = tokenizer.vocabulary();
    let template = ChatTemplate::new(
        gguf.text("tokenizer.chat_template"),
        vocabulary.beginning_name(),
        vocabulary.end_name(),
    );
    let mut fingerprint = match identity.fingerprint {
        Some(fingerprint) => fingerprint,
        None => {
            let hash = match &options.packed {
                Some(cache) => hash::remembered(path, &source, &cache.folder),
                None => hash::of(&source),
            };
            let hash = hash.map_err(|error| LoadError::io(path, error, "name a GGUF file"))?;
            format!("{}@{hash}", identity.name)
        }
    };
    let threads = threads::resolve(options.threads);
    let source = Arc::new(source);
    let load = || {
        let hash = fingerprint.rsplit('@').next().unwrap_or_default();
        let options = LoadOptions {
            context: options.context_tokens,
            threads,
            precision: options.cache_precision,
            packed: options.packed.as_ref().map(|cache| (cache, hash)),
            weight_bytes: None,
        };
        Decoder::load(&gguf, source, &options)
    };
    let mut decoder = threads::contain(load)
        .map_err(|panic| LoadError::damaged(path, panic))?
        .map_err(explain)?;
    for adapter in &options.adapters {
        fingerprint.push_str(&adapt(&mut decoder, adapter)?);
    }
    let language = Language {
        tokenizer,
        template,
    };
    Ok(Loaded {
        name: identity.name,
        fingerprint,
        language,
        decoder,
    })
}

/// Applies an adapter; gives what it adds to the model's fingerprint.
fn adapt(decoder: &mut Decoder, adapter: &Adapter) -> Result<String, LoadError> {
    let (path, remedy) = (adapter.path.as_path(), "name a LoRA adapter in a GGUF file");
    let file = files::open(path, remedy)?;
    let source = Source::file(file).map_err(|error| LoadError::io(path, error, remedy))?;
    threads::contain(|| decoder.adapt(&source, adapter.scale))
        .map_err(|panic| LoadError::damaged(path, panic))?
        .map_err(|error| explain(path, error))?;
    let hash = hash::of(&source).map_err(|error| LoadError::io(path, error, remedy))?;
    Ok(format!("+{}@{hash}", adapter.scale))
}

/// What is wrong with the file at `path`.
pub(crate) fn explain(path: &Path, error: GgufError) -> LoadError {
    match error {
        GgufError::Io(error) => LoadError::io(path, error, "name a GGUF file"),
        GgufError::Damaged(problem) => LoadError::damaged(path, problem),
        GgufError::Unsupported(problem, remedy) => LoadError::unsupported(path, problem, remedy),
    }
}

/// What tells the keys and values that this model makes of a prompt from those of others. Each
/// instruction set rounds in its own way.
fn digest(fingerprint: &str, decoder: &Decoder, options: &GeneratorOptions) -> [u8; 32] {
    let (isa, precision) = (processor::isa(), options.cache_precision);
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{fingerprint} {precision:?} {isa:?}").as_bytes());
    for turn in decoder.turns() {
        hasher.update(&turn.to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// Starts the thread of a model.
fn start(loaded: Loaded, options: &GeneratorOptions) -> Result<Arc<dyn Generator>, LoadError> {
    let Loaded {
        name,
        fingerprint,
        language,
        decoder,
    } = loaded;
    let (context, streaming) = (decoder.context(), decoder.streaming());
    let language = Arc::new(language);
    let closing = Arc::new(AtomicBool::new(false));
    let prefixes = (options.prefixes, digest(&fingerprint, &decoder, options));
    let (sender, requests) = sync_channel(WAITING_REQUESTS);
    let writer = Writer {
        name: name.clone(),
        language: language.clone(),
        decoder,
        closing: closing.clone(),
        prefixes,
    };
    let thread = std::thread::Builder::new()
        .name("docent-generator".into())
        .spawn(move || writer.run(&requests))
        .map_err(|error| LoadError::Failed {
            model: name.clone(),
            reason: error.to_string(),
        })?;
    Ok(Arc::new(LocalGenerator {
        name,
        fingerprint,
        language,
        context,
        streaming,
        closing,
        requests: Some(sender),
        thread: Some(thread),
    }))
}

/// A request with the channel for what comes of it. The channel has no bound of its own: an
/// answer has no more events than the context has tokens.
struct Job {
    request: GenerationRequest,
    events: Sender<GenerationEvent>,
}

/// A generator in this process.
struct LocalGenerator {
    name: String,
    fingerprint: String,
    language: Arc<Language>,
    context: usize,
    streaming: Option<Streaming>,
    closing: Arc<AtomicBool>,
    requests: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Generator for LocalGenerator {
    fn name(&self) -> &str {
        &self.name
    }

    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn context_tokens(&self) -> usize {
        self.context
    }

    fn streaming(&self) -> Option<Streaming> {
        self.streaming
    }

    fn count_tokens(&self, text: &str) -> usize {
        let mut tokens = Vec::new();
        self.language.tokenizer.encode(text, &mut tokens);
        tokens.len()
    }

    fn count_prompt_tokens(&self, messages: &[Message]) -> usize {
        self.language.encode_chat(messages).len()
    }

    fn generate(&self, request: GenerationRequest) -> Receiver<GenerationEvent> {
        let (events, receiver) = channel();
        let outcome = match &self.requests {
            Some(requests) => requests.try_send(Job { request, events }),
            None => return receiver,
        };
        // The receiver is in our hands, so neither of these can be lost.
        match outcome {
            Ok(()) => {}
            Err(TrySendError::Full(job)) => {
                let reason = format!("{WAITING_REQUESTS} questions are waiting already");
                let _ = job
                    .events
                    .send(GenerationEvent::Failed(ModelError::Refused(reason)));
            }
            Err(TrySendError::Disconnected(job)) => {
                let stopped = stopped(&self.name, "its thread is gone; start docent again");
                let _ = job.events.send(GenerationEvent::Failed(stopped));
            }
        }
        receiver
    }
}

impl Drop for LocalGenerator {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A panic in it was contained; there is nobody to tell.
            let _ = thread.join();
        }
    }
}

/// A failure of the model itself.
fn stopped(model: &str, reason: impl Into<String>) -> ModelError {
    ModelError::Stopped {
        model: model.to_owned(),
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests;
