//! An encoder of the BERT family on docent's own kernels: tokens in, vectors out.
//!
//! Sequences are laid back to back without padding and cut into packs by tokens; each thread
//! runs all layers on a pack of its own. A token's arithmetic depends on its sequence alone, so
//! the same sequence gives the same bits whatever its neighbours, the batch and the threads.
//!
//! Nothing here knows texts or files: tokenizing, windows of long texts and prompts are the
//! caller's.

mod config;
mod error;
mod forward;
mod pooling;
mod weights;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use docent_kernels::{Isa, isa};

pub use config::{EncoderConfig, Pooling, Precision};
pub use docent_kernels::activation::Activation;
pub use error::EncoderError;

use forward::{Model, Scratch};
use weights::Weights;

/// Tokens of a pack at most, unless one sequence is longer: enough that reading a layer's
/// weights is little beside using them, few enough that the tokens' own numbers stay in cache.
const PACK_TOKENS: usize = 1024;
/// Tokens that are worth a thread of their own.
const LEAST_PACK_TOKENS: usize = 64;

/// A loaded encoder. Calls from several threads at once are fine.
pub struct Encoder {
    config: EncoderConfig,
    weights: Weights,
    isa: Isa,
    /// Buffers of threads that are done, for the next ones.
    scratch: Mutex<Vec<Scratch>>,
}

impl Encoder {
    /// Reads the bytes of a `model.safetensors` with Hugging Face's names for BERT, with or
    /// without the prefix `bert.`, and packs its weights for [`isa::active`]'s kernels.
    ///
    /// # Errors
    /// When the configuration makes no sense, the file is damaged, or a tensor is missing, of
    /// another shape than configured, stored as anything but F32, F16 or BF16, or not finite.
    pub fn from_safetensors(
        bytes: &[u8],
        config: EncoderConfig,
        precision: Precision,
    ) -> Result<Self, EncoderError> {
        config.check()?;
        Ok(Encoder {
            weights: Weights::read(bytes, &config, precision)?,
            config,
            isa: isa::active(),
            scratch: Mutex::new(Vec::new()),
        })
    }

    /// The shape that the encoder was made with.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// One vector of [`EncoderConfig::hidden`] values for each sequence, in order, pooled and
    /// normalised as configured. Sequences include their special tokens; an empty one gives
    /// zeros. Uses up to `threads` threads, this one among them.
    ///
    /// # Errors
    /// [`EncoderError::TooLong`] and [`EncoderError::UnknownToken`], before anything is computed.
    pub fn encode(
        &self,
        sequences: &[&[u32]],
        threads: usize,
    ) -> Result<Vec<Vec<f32>>, EncoderError> {
        self.run(sequences, threads, |rows| {
            pooling::pool(self.isa, &self.config, rows)
        })
    }

    /// The vectors of each sequence's tokens, one after another: `tokens ·`
    /// [`EncoderConfig::hidden`] values for a sequence, each token's normalised as configured.
    ///
    /// # Errors
    /// As for [`Encoder::encode`].
    pub fn encode_tokens(
        &self,
        sequences: &[&[u32]],
        threads: usize,
    ) -> Result<Vec<Vec<f32>>, EncoderError> {
        self.run(sequences, threads, |rows| {
            pooling::keep(self.isa, &self.config, rows)
        })
    }

    /// Runs every sequence, and `finish` on the rows of its last layer.
    fn run(
        &self,
        sequences: &[&[u32]],
        threads: usize,
        finish: impl Fn(&[f32]) -> Vec<f32> + Sync,
    ) -> Result<Vec<Vec<f32>>, EncoderError> {
        self.check(sequences)?;
        let packs = cut(sequences, threads);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut scratch = self.take_scratch();
            let mut done = Vec::new();
            while let Some(pack) = packs.get(next.fetch_add(1, Ordering::Relaxed)) {
                done.push((
                    pack.start,
                    self.run_pack(&sequences[pack.clone()], &finish, &mut scratch),
                ));
            }
            self.give_scratch(scratch);
            done
        };
        let mut done = std::thread::scope(|scope| {
            let helpers: Vec<_> = (1..threads.min(packs.len()))
                .map(|_| scope.spawn(work))
                .collect();
            let mut done = work();
            for helper in helpers {
                match helper.join() {
                    Ok(more) => done.extend(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            done
        });
        done.sort_unstable_by_key(|(start, _)| *start);
        Ok(done.into_iter().flat_map(|(_, vectors)| vectors).collect())
    }

    fn run_pack(
        &self,
        pack: &[&[u32]],
        finish: impl Fn(&[f32]) -> Vec<f32>,
        scratch: &mut Scratch,
    ) -> Vec<Vec<f32>> {
        let model = Model {
            config: &self.config,
            weights: &self.weights,
            isa: self.isa,
        };
        let mut rows = model.run(pack, scratch);
        let mut vectors = Vec::with_capacity(pack.len());
        for sequence in pack {
            let (of_sequence, rest) = rows.split_at(sequence.len() * self.config.hidden);
            vectors.push(finish(of_sequence));
            rows = rest;
        }
        vectors
    }

    /// Refuses sequences that the weights have no rows for.
    fn check(&self, sequences: &[&[u32]]) -> Result<(), EncoderError> {
        let EncoderConfig {
            max_positions: most,
            vocabulary,
            ..
        } = self.config;
        for (index, sequence) in sequences.iter().enumerate() {
            let tokens = sequence.len();
            if tokens > most {
                return Err(EncoderError::TooLong {
                    index,
                    tokens,
                    most,
                });
            }
            if let Some(token) = sequence
                .iter()
                .copied()
                .find(|token| *token as usize >= vocabulary)
            {
                return Err(EncoderError::UnknownToken {
                    index,
                    token,
                    vocabulary,
                });
            }
        }
        Ok(())
    }

    fn take_scratch(&self) -> Scratch {
        let mut free = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        free.pop().unwrap_or_default()
    }

    fn give_scratch(&self, scratch: Scratch) {
        let mut free = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(scratch);
    }
}

/// Cuts the sequences into packs of about equally many tokens, equally many for each thread.
fn cut(sequences: &[&[u32]], threads: usize) -> Vec<Range<usize>> {
    let total: usize = sequences.iter().map(|sequence| sequence.len()).sum();
    let threads = threads.max(1);
    let rounds = total.div_ceil(threads * PACK_TOKENS).max(1);
    let tokens = total.div_ceil(threads * rounds).max(LEAST_PACK_TOKENS);
    let mut packs: Vec<Range<usize>> = Vec::new();
    let (mut before, mut end) = (0, 0);
    for (index, sequence) in sequences.iter().enumerate() {
        // A sequence belongs to the pack in which its first token lies.
        match packs.last_mut() {
            Some(pack) if before < end => pack.end = index + 1,
            _ => {
                packs.push(index..index + 1);
                end = (before / tokens + 1) * tokens;
            }
        }
        before += sequence.len();
    }
    packs
}
