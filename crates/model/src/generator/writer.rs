//! The thread's side of a generator: it owns the decoder and answers one request after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use docent_core::model::{
    Finish, GenerationEvent, GenerationReport, GenerationRequest, ModelError,
};

use super::draft::Drafter;
use super::prefixes::{PrefixLimits, Prefixes};
use super::stop::Stop;
use super::{Job, Language, stopped};
use crate::decoder::{Decoder, Wanted};
use crate::sampling::Sampler;
use crate::threads;

/// A decoder with what it needs to answer.
pub(super) struct Writer {
    pub(super) name: String,
    pub(super) language: Arc<Language>,
    pub(super) decoder: Decoder,
    pub(super) closing: Arc<AtomicBool>,
    /// How much is kept on disk of what was read, and the model's digest in those files.
    pub(super) prefixes: (PrefixLimits, [u8; 32]),
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
    /// Answers requests until there can be no more.
    pub(super) fn run(mut self, requests: &Receiver<Job>) {
        for Job { request, events } in requests {
            let outcome = threads::contain(|| self.answer(&request, &events))
                .unwrap_or_else(|panic| Err(stopped(&self.name, panic).into()));
            // Whoever has stopped listening does not mind.
            let _ = match outcome {
                Ok(report) => {
                    let told = events.send(GenerationEvent::Done(report));
                    self.keep(&request, Duration::from_millis(report.prefill_ms));
                    told
                }
                Err(Interruption::Failed(error)) => {
                    // What it has read may be the reason.
                    self.decoder.keep(0);
                    events.send(GenerationEvent::Failed(error))
                }
                Err(Interruption::Unheard) => Ok(()),
            };
        }
    }

    /// Keeps what was read on disk, if reading it took long and the request says where.
    fn keep(&self, request: &GenerationRequest, read_in: Duration) {
        let Some(prefixes) = self.prefixes(request) else {
            return;
        };
        if read_in >= prefixes.limits.least_time {
            // What cannot be kept is read again.
            let _ = prefixes.keep(&self.decoder);
        }
    }

    fn prefixes<'r>(&self, request: &'r GenerationRequest) -> Option<Prefixes<'r>> {
        let (limits, model) = self.prefixes;
        let folder = request.prefixes.as_deref()?;
        (limits.bytes > 0 && self.decoder.can_save()).then_some(Prefixes {
            folder,
            limits,
            model,
        })
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

    fn show(&self, events: &Sender<GenerationEvent>, text: String) -> Result<(), Interruption> {
        match text.is_empty() {
            true => Ok(()),
            false => self.tell(events, GenerationEvent::Token(text)),
        }
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
        if let Some(prefixes) = self.prefixes(request) {
            prefixes.take_up(&prompt, &mut self.decoder);
        }
        self.read_prompt(&prompt, events)?;
        let prefill = started.elapsed();
        let room = request.max_tokens.min(context - prompt.len());
        let (finish, new_tokens) = self.write(&prompt, room, request, events)?;
        Ok(GenerationReport {
            finish,
            prompt_tokens: prompt.len(),
            new_tokens,
            prefill_ms: milliseconds(prefill),
            decode_ms: milliseconds(started.elapsed() - prefill),
        })
    }

    /// Reads what differs of the prompt from what was read last, telling between stretches how
    /// far it is.
    fn read_prompt(
        &mut self,
        prompt: &[u32],
        events: &Sender<GenerationEvent>,
    ) -> Result<(), Interruption> {
        let read = self.decoder.tokens();
        let same = prompt.iter().zip(read).take_while(|(a, b)| a == b).count();
        // The last token is read again: its logits are not kept.
        let mut done = self.decoder.keep(same.min(prompt.len() - 1));
        while done < prompt.len() {
            let total = prompt.len();
            self.tell(events, GenerationEvent::Reading { done, total })?;
            let end = done + self.decoder.stretch(total - done);
            let wanted = match end == total {
                true => Wanted::Last,
                false => Wanted::Nothing,
            };
            self.read(&prompt[done..end], wanted)?;
            done = end;
        }
        Ok(())
    }

    /// Writes up to `room` tokens after the prompt, which was just read.
    ///
    /// Tokens are chosen from the same logits in the same order whether they were guessed or
    /// not: guesses change the time that an answer takes, never the answer.
    fn write(
        &mut self,
        prompt: &[u32],
        room: usize,
        request: &GenerationRequest,
        events: &Sender<GenerationEvent>,
    ) -> Result<(Finish, usize), Interruption> {
        let language = self.language.clone();
        let vocabulary = language.tokenizer.vocabulary();
        let mut sampler = Sampler::new(&request.sampling);
        let mut detokenizer = language.tokenizer.detokenizer();
        let mut stop = Stop::at(&request.sampling.stop);
        let mut drafter = self.decoder.can_draft().then(|| Drafter::new(prompt));
        let mut guess: Vec<u32> = Vec::new();
        // Of the guess, the tokens that came true.
        let mut accepted = 0;
        let mut written = 0;
        let mut finish = Finish::Length;
        while written < room {
            let logits = self.decoder.logits(accepted);
            // Some files pad the vocabulary with rows that stand for nothing.
            let named = logits.len().min(vocabulary.len());
            let token = sampler.choose(&mut logits[..named]).ok_or_else(|| {
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
            let text = detokenizer.push(&language.tokenizer.bytes_of(token));
            let (text, met) = stop.push(&text);
            self.show(events, text)?;
            if met {
                return Ok((Finish::End, written));
            }
            if let Some(drafter) = &mut drafter {
                drafter.push(token);
            }
            if guess.get(accepted) == Some(&token) {
                accepted += 1;
            } else if written < room {
                self.decoder.keep(prompt.len() + written - 1);
                let mut next = vec![token];
                if let Some(drafter) = &mut drafter {
                    drafter.judge(guess.len(), accepted);
                    next.extend_from_slice(drafter.guess(room - written - 1));
                }
                self.read(&next, Wanted::All)?;
                next.remove(0);
                (guess, accepted) = (next, 0);
            }
        }
        let (text, met) = stop.push(&detokenizer.finish());
        self.show(events, text)?;
        if !met {
            self.show(events, stop.finish())?;
        }
        Ok((finish, written))
    }

    fn read(&mut self, tokens: &[u32], wanted: Wanted) -> Result<(), ModelError> {
        let read = self.decoder.read(tokens, wanted);
        read.map_err(|error| stopped(&self.name, error.to_string()))
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
