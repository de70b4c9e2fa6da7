//! Encoders of the BERT family on docent's own kernels: tokens in, vectors or scores out.
//!
//! The sequences of a pack are laid back to back without padding, and one thread runs all layers
//! on them. A token's arithmetic depends on its sequence alone, so the same sequence gives the
//! same bits whatever its neighbours, the pack and the thread.
//!
//! Nothing here knows texts or folders: tokenizing, windows of long texts, prompts and threads
//! are the caller's.

mod config;
mod error;
mod forward;
mod gguf;
mod head;
mod huggingface;
mod names;
mod pooling;
mod tensors;
mod weights;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
pub(crate) mod oracle;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use docent_kernels::Isa;

pub use config::{
    Architecture, EncoderConfig, LocalAttention, Norms, Pooling, Positions, Precision, Rope,
};
pub use docent_kernels::activation::Activation;
pub use error::EncoderError;
pub(crate) use forward::Sequence;
pub(crate) use huggingface::SUPPORTED;
pub(crate) use names::Layout;
pub(crate) use tensors::{Blob, Tensors};

use forward::{Model, Scratch, Wanted};
use head::Head;
use weights::{Reader, Weights};

/// What is made of a sequence's last layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// One vector of [`EncoderConfig::hidden`] values, pooled and normalised as configured;
    /// zeros for an empty sequence.
    Vector,
    /// Every token's vector, one after another, each normalised as configured.
    Tokens,
    /// One number: how well the texts of a pair belong together. Not of an empty sequence.
    Score,
}

/// A loaded encoder. Calls from several threads at once are fine.
pub struct Encoder {
    config: EncoderConfig,
    weights: Weights,
    head: Option<Head>,
    isa: Isa,
    /// Buffers of threads that are done, for the next ones.
    scratch: Mutex<Vec<Scratch>>,
}

impl Encoder {
    /// Reads the bytes of a `model.safetensors` with Hugging Face's names, and packs its weights
    /// for [`crate::instruction_set`]'s kernels.
    ///
    /// # Errors
    /// When the configuration makes no sense, the file is damaged, or a tensor is missing, of
    /// another shape than configured, stored as anything but F32, F16 or BF16, or not finite.
    pub fn from_safetensors(
        bytes: &[u8],
        config: EncoderConfig,
        precision: Precision,
    ) -> Result<Self, EncoderError> {
        let tensors = Tensors::from_safetensors(vec![Blob::Memory(bytes)])?;
        Encoder::load(&tensors, Layout::HuggingFace, config, precision)
    }

    /// The same from tensors that lie anywhere.
    pub(crate) fn load(
        tensors: &Tensors<'_>,
        layout: Layout,
        config: EncoderConfig,
        precision: Precision,
    ) -> Result<Self, EncoderError> {
        config.check()?;
        Ok(Encoder {
            weights: Weights::read(&Reader::new(tensors, layout, &config, precision))?,
            head: None,
            config,
            isa: crate::processor::isa(),
            scratch: Mutex::new(Vec::new()),
        })
    }

    /// The same with the head of a cross-encoder, which can score pairs.
    pub(crate) fn load_with_head(
        tensors: &Tensors<'_>,
        layout: Layout,
        config: EncoderConfig,
        precision: Precision,
    ) -> Result<Self, EncoderError> {
        config.check()?;
        let head = Head::read(&Reader::new(tensors, layout, &config, precision))?;
        let mut encoder = Encoder::load(tensors, layout, config, precision)?;
        encoder.head = Some(head);
        Ok(encoder)
    }

    /// The shape that the encoder was made with.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// One vector of [`EncoderConfig::hidden`] values for each sequence, in order, pooled and
    /// normalised as configured. Sequences include their special tokens; an empty one gives
    /// zeros.
    ///
    /// # Errors
    /// [`EncoderError::TooLong`] and [`EncoderError::UnknownToken`], before anything is computed.
    pub fn encode(&self, sequences: &[&[u32]]) -> Result<Vec<Vec<f32>>, EncoderError> {
        self.encode_plain(sequences, Output::Vector)
    }

    /// The vectors of each sequence's tokens, one after another: `tokens ·`
    /// [`EncoderConfig::hidden`] values for a sequence, each token's normalised as configured.
    ///
    /// # Errors
    /// As for [`Encoder::encode`].
    pub fn encode_tokens(&self, sequences: &[&[u32]]) -> Result<Vec<Vec<f32>>, EncoderError> {
        self.encode_plain(sequences, Output::Tokens)
    }

    fn encode_plain(
        &self,
        sequences: &[&[u32]],
        output: Output,
    ) -> Result<Vec<Vec<f32>>, EncoderError> {
        let pack: Vec<Sequence<'_>> = sequences.iter().map(|s| Sequence::single(s)).collect();
        let vectors = self.run(&pack, output, &|| ControlFlow::Continue(()))?;
        Ok(vectors.unwrap_or_default())
    }

    /// What `output` names of each sequence, on this thread. `pause` is asked every few
    /// milliseconds whether to go on; if it says no, there is no result.
    ///
    /// # Errors
    /// As for [`Encoder::encode`].
    pub(crate) fn run(
        &self,
        pack: &[Sequence<'_>],
        output: Output,
        pause: &dyn Fn() -> ControlFlow<()>,
    ) -> Result<Option<Vec<Vec<f32>>>, EncoderError> {
        self.check(pack)?;
        let model = Model {
            config: &self.config,
            weights: &self.weights,
            isa: self.isa,
            pause,
        };
        let wanted = match (output, self.config.pooling) {
            (Output::Vector | Output::Score, Pooling::Cls) => Wanted::First,
            _ => Wanted::All,
        };
        let mut scratch = self.take_scratch();
        let results = match model.run(pack, wanted, &mut scratch) {
            ControlFlow::Continue(rows) => Some(self.finish(pack, output, wanted, rows)),
            ControlFlow::Break(()) => None,
        };
        self.give_scratch(scratch);
        Ok(results)
    }

    /// Turns the last layer's rows into what was asked for.
    fn finish(
        &self,
        pack: &[Sequence<'_>],
        output: Output,
        wanted: Wanted,
        mut rows: &[f32],
    ) -> Vec<Vec<f32>> {
        let mut results = Vec::with_capacity(pack.len());
        for sequence in pack {
            let count = match wanted {
                Wanted::All => sequence.len(),
                Wanted::First => sequence.len().min(1),
            };
            let (of_sequence, rest) = rows.split_at(count * self.config.hidden);
            rows = rest;
            results.push(match (output, &self.head) {
                (Output::Score, Some(head)) => {
                    vec![head.score(self.isa, pooling::pool(&self.config, of_sequence))]
                }
                (Output::Tokens, _) => self.normalised(of_sequence.to_vec()),
                (Output::Vector | Output::Score, _) => {
                    self.normalised(pooling::pool(&self.config, of_sequence))
                }
            });
        }
        results
    }

    /// Vectors of length 1, where it is so configured.
    fn normalised(&self, mut vectors: Vec<f32>) -> Vec<f32> {
        if self.config.normalise {
            for vector in vectors.chunks_exact_mut(self.config.hidden) {
                pooling::normalise(self.isa, vector);
            }
        }
        vectors
    }

    /// Refuses sequences that the weights have no rows for.
    fn check(&self, pack: &[Sequence<'_>]) -> Result<(), EncoderError> {
        let EncoderConfig {
            max_tokens: most,
            vocabulary,
            ..
        } = self.config;
        for (index, sequence) in pack.iter().enumerate() {
            let tokens = sequence.len();
            if tokens > most {
                return Err(EncoderError::TooLong {
                    index,
                    tokens,
                    most,
                });
            }
            let unknown = |token: &u32| *token as usize >= vocabulary;
            if let Some(token) = sequence.tokens.iter().copied().find(unknown) {
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
