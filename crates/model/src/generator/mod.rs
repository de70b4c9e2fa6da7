//! The generator: a GGUF model on a thread of its own.

use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use docent_core::model::{
    Finish, GenerationEvent, GenerationReport, GenerationRequest, Generator, Message, ModelError,
};

use crate::decoder::{Decoder, Settings};
use crate::error::LoadError;
use crate::gguf::{Gguf, GgufError};
use crate::sampling::Sampler;
use crate::template::ChatTemplate;
use crate::tokenizer::Tokenizer;
use crate::{files, starter, threads};

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

/// How a generator runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GeneratorOptions {
    /// Threads to compute on; 0 takes all processors. The first model that is loaded settles it
    /// for the process, and candle's products of quantised weights take a thread for each core
    /// whatever this says.
    pub threads: usize,
    /// Tokens that prompt and answer may have together, as far as the model goes; `None` takes
    /// 4096 or what the model can do, whichever is less.
    pub context_tokens: Option<usize>,
}

/// Loads a generator and starts its thread.
///
/// # Errors
/// When the file is missing, damaged, or of a kind that docent does not run.
pub fn load_generator(
    source: &GeneratorSource,
    options: GeneratorOptions,
) -> Result<Arc<dyn Generator>, LoadError> {
    threads::share_pool(threads::resolve(options.threads));
    let loaded = match source {
        GeneratorSource::Starter => {
            let bytes = starter::generator().ok_or(LoadError::NoStarter { option: "model" })?;
            let identity = Identity {
                name: starter::GENERATOR_NAME.into(),
                fingerprint: Some(starter::GENERATOR_FINGERPRINT.into()),
            };
            let path = Path::new("the starter generator");
            load(path, &mut Cursor::new(bytes), identity, options)?
        }
        GeneratorSource::File(path) => {
            let file = files::open(path, "name a GGUF file")?;
            let identity = Identity {
                name: files::name_of(path, ".gguf"),
                fingerprint: None,
            };
            load(
                path,
                &mut BufReader::with_capacity(1 << 20, file),
                identity,
                options,
            )?
        }
    };
    start(loaded)
}

/// What a model is called.
struct Identity {
    name: String,
    /// `None` to have it computed from the file.
    fingerprint: Option<String>,
}

/// A model in memory.
struct Loaded {
    name: String,
    fingerprint: String,
    language: Language,
    decoder: Decoder,
}

/// The part of a model that turns text into tokens and back; callers use it on their threads.
struct Language {
    tokenizer: Tokenizer,
    template: ChatTemplate,
}

impl Language {
    fn encode_chat(&self, messages: &[Message]) -> Vec<u32> {
        self.tokenizer.encode_chat(&self.template.lay_out(messages))
    }
}

/// Loads a model from an open file, its header first, so that a bad file is told at once.
fn load(
    path: &Path,
    source: &mut (impl Read + Seek),
    identity: Identity,
    options: GeneratorOptions,
) -> Result<Loaded, LoadError> {
    let explain = |error: GgufError| match error {
        GgufError::Io(error) => LoadError::io(path, error, "name a GGUF file"),
        GgufError::Damaged(problem) => LoadError::damaged(path, problem),
        GgufError::Unsupported(problem, remedy) => LoadError::unsupported(path, problem, remedy),
    };
    let gguf = Gguf::read(source).map_err(explain)?;
    let settings = Settings::from_gguf(&gguf, options.context_tokens).map_err(explain)?;
    let tokenizer = Tokenizer::from_gguf(&gguf).map_err(explain)?;
    let vocabulary = tokenizer.vocabulary();
    let template = ChatTemplate::new(
        gguf.text("tokenizer.chat_template"),
        vocabulary.beginning_name(),
        vocabulary.end_name(),
    );
    let fingerprint = match identity.fingerprint {
        Some(fingerprint) => fingerprint,
        None => fingerprint(&identity.name, source)
            .map_err(|error| LoadError::io(path, error, "name a GGUF file"))?,
    };
    let decoder = threads::contain(|| Decoder::load(&gguf, &settings, source))
        .map_err(|panic| LoadError::damaged(path, panic))?
        .map_err(explain)?;
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

/// A model's name with the beginning of the BLAKE3 hash of its whole file.
fn fingerprint(name: &str, source: &mut (impl Read + Seek)) -> std::io::Result<String> {
    source.seek(SeekFrom::Start(0))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(source)?;
    Ok(format!("{name}@{}", &hasher.finalize().to_hex()[..16]))
}

/// Starts the thread of a model.
fn start(loaded: Loaded) -> Result<Arc<dyn Generator>, LoadError> {
    let Loaded {
        name,
        fingerprint,
        language,
        decoder,
    } = loaded;
    let context = decoder.context();
    let language = Arc::new(language);
    let closing = Arc::new(AtomicBool::new(false));
    let (sender, requests) = sync_channel(WAITING_REQUESTS);
    let writer = Writer {
        name: name.clone(),
        language: language.clone(),
        decoder,
        closing: closing.clone(),
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

/// The thread's side: it owns the decoder and answers one request after the other.
struct Writer {
    name: String,
    language: Arc<Language>,
    decoder: Decoder,
    closing: Arc<AtomicBool>,
}

/// Why an answer ended before its end.
enum Interruption {
    /// Nobody listens any more.
    Unheard,
    /// It cannot go on.
    Failed(ModelError),
}

impl From<ModelError> for Interruption {
    fn from(error: ModelError) -> Self {
        Interruption::Failed(error)
    }
}

impl Writer {
    fn run(mut self, requests: &Receiver<Job>) {
        for Job { request, events } in requests {
            let outcome = threads::contain(|| self.answer(&request, &events))
                .unwrap_or_else(|panic| Err(stopped(&self.name, panic).into()));
            self.decoder.reset();
            // Whoever has stopped listening does not mind.
            let _ = match outcome {
                Ok(report) => events.send(GenerationEvent::Done(report)),
                Err(Interruption::Failed(error)) => events.send(GenerationEvent::Failed(error)),
                Err(Interruption::Unheard) => Ok(()),
            };
        }
    }

    /// Sends an event, unless nobody listens or the generator is being dropped.
    fn tell(
        &self,
        events: &Sender<GenerationEvent>,
        event: GenerationEvent,
    ) -> Result<(), Interruption> {
        if self.closing.load(Ordering::Relaxed) {
            return Err(stopped(&self.name, "it was closed").into());
        }
        events.send(event).map_err(|_| Interruption::Unheard)
    }

    fn answer(
        &mut self,
        request: &GenerationRequest,
        events: &Sender<GenerationEvent>,
    ) -> Result<GenerationReport, Interruption> {
        let prompt = self.language.encode_chat(&request.messages);
        let context = self.decoder.context();
        if prompt.is_empty() || prompt.len() >= context {
            let tokens = prompt.len();
            return Err(ModelError::Refused(format!(
                "the prompt has {tokens} tokens, and {} can take from 1 to {} and answer",
                self.name,
                context - 1
            ))
            .into());
        }
        let started = Instant::now();
        let logits = self.read_prompt(&prompt, events)?;
        let prefill = started.elapsed();
        let room = request.max_tokens.min(context - prompt.len());
        let (finish, new_tokens) = self.write(logits, prompt.len(), room, request, events)?;
        Ok(GenerationReport {
            finish,
            prompt_tokens: prompt.len(),
            new_tokens,
            prefill_ms: milliseconds(prefill),
            decode_ms: milliseconds(started.elapsed() - prefill),
        })
    }

    /// Reads the prompt, telling between stretches how far it is; gives the logits of what
    /// follows it.
    fn read_prompt(
        &mut self,
        prompt: &[u32],
        events: &Sender<GenerationEvent>,
    ) -> Result<Vec<f32>, Interruption> {
        self.decoder.reset();
        let mut logits = Vec::new();
        let mut done = 0;
        while done < prompt.len() {
            let total = prompt.len();
            self.tell(events, GenerationEvent::Reading { done, total })?;
            let end = done + self.decoder.stretch(total - done);
            logits = self.read(&prompt[done..end], done)?;
            done = end;
        }
        Ok(logits)
    }

    /// Writes up to `room` tokens after the prompt, whose length is `position`.
    fn write(
        &mut self,
        mut logits: Vec<f32>,
        mut position: usize,
        room: usize,
        request: &GenerationRequest,
        events: &Sender<GenerationEvent>,
    ) -> Result<(Finish, usize), Interruption> {
        let mut sampler = Sampler::new(&request.sampling);
        let mut detokenizer = self.language.tokenizer.detokenizer();
        let mut finish = Finish::Length;
        let mut written = 0;
        while written < room {
            let vocabulary = self.language.tokenizer.vocabulary();
            // Some files pad the vocabulary with rows that stand for nothing.
            logits.truncate(vocabulary.len());
            let token = sampler.choose(&mut logits).ok_or_else(|| {
                stopped(
                    &self.name,
                    "it computes no numbers; its file may be damaged",
                )
            })?;
            if vocabulary.is_end(token) {
                finish = Finish::End;
                break;
            }
            written += 1;
            let text = detokenizer.push(&self.language.tokenizer.bytes_of(token));
            if !text.is_empty() {
                self.tell(events, GenerationEvent::Token(text))?;
            }
            if written < room {
                logits = self.read(&[token], position)?;
                position += 1;
            }
        }
        let rest = detokenizer.finish();
        if !rest.is_empty() {
            self.tell(events, GenerationEvent::Token(rest))?;
        }
        Ok((finish, written))
    }

    fn read(&mut self, tokens: &[u32], position: usize) -> Result<Vec<f32>, ModelError> {
        self.decoder
            .read(tokens, position)
            .map_err(|error| stopped(&self.name, error))
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
