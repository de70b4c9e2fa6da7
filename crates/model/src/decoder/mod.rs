//! The decoder: tokens in, logits of the next token out, computed by candle.

mod settings;
mod weights;

use std::io::{Read, Seek};

use candle_core::quantized::gguf_file;
use candle_core::{Device, Tensor};
use candle_transformers::models::{
    quantized_gemma3 as gemma3, quantized_llama as llama, quantized_phi3 as phi3,
    quantized_qwen2 as qwen2, quantized_qwen3 as qwen3,
};

use crate::gguf::{Gguf, GgufError};
pub(crate) use settings::{Architecture, Settings};
use weights::Weights;

/// Tokens of a prompt that are read at once. More would take more memory (scores for each pair
/// of tokens and head) and make stopping slower, without being faster.
const STRETCH: usize = 256;

/// A network with its cache of keys and values.
pub(crate) struct Decoder {
    network: Network,
    context: usize,
}

/// The architectures that candle has for GGUF files.
enum Network {
    Llama(Restorable<llama::ModelWeights>),
    Phi3(Restorable<phi3::ModelWeights>),
    Gemma3(Restorable<gemma3::ModelWeights>),
    Qwen2(Box<qwen2::ModelWeights>),
    Qwen3(Box<qwen3::ModelWeights>),
}

/// A network that keeps a mask for every length that it meets, and never lets go of one: each
/// request works on a copy, which shares the weights and takes its masks and cache along.
struct Restorable<M> {
    untouched: M,
    used: Box<M>,
}

impl<M: Clone> Restorable<M> {
    fn new(untouched: M) -> Self {
        let used = Box::new(untouched.clone());
        Restorable { untouched, used }
    }

    fn restore(&mut self) {
        *self.used = self.untouched.clone();
    }
}

impl Decoder {
    /// Loads the weights of a GGUF file whose header was read from the same source.
    pub(crate) fn load(
        gguf: &Gguf,
        settings: &Settings,
        source: &mut (impl Read + Seek),
    ) -> Result<Decoder, GgufError> {
        let content = settings.content(gguf)?;
        let mut weights = Weights::new(gguf, source);
        let content = weights.describe(content);
        let network = load_network(settings.architecture, content, &mut weights);
        match (network, weights.failure()) {
            (_, Some(failure)) => Err(GgufError::Io(failure)),
            (Ok(network), None) => Ok(Decoder {
                network,
                context: settings.context,
            }),
            (Err(error), None) => Err(GgufError::Damaged(format!(
                "its weights do not fit its architecture {}: {}",
                settings.architecture.name(),
                first_line(&error),
            ))),
        }
    }

    /// The number of tokens that the decoder can hold.
    pub(crate) fn context(&self) -> usize {
        self.context
    }

    /// Forgets every token, for another prompt.
    pub(crate) fn reset(&mut self) {
        match &mut self.network {
            Network::Llama(model) => model.restore(),
            Network::Phi3(model) => model.restore(),
            Network::Gemma3(model) => model.restore(),
            Network::Qwen2(model) => model.clear_kv_cache(),
            Network::Qwen3(model) => model.clear_kv_cache(),
        }
    }

    /// How many of the `left` tokens of a prompt are to be read next.
    pub(crate) fn stretch(&self, left: usize) -> usize {
        match &self.network {
            // candle's mask for a second stretch hides the first one.
            Network::Gemma3(_) => left,
            // Masks are kept by length and position: powers of two keep them few.
            Network::Qwen2(_) if left < STRETCH => left.checked_ilog2().map_or(0, |log| 1 << log),
            _ => left.min(STRETCH),
        }
    }

    /// Reads `tokens`, the first of which stands at `position`; gives the logits of what follows
    /// the last one.
    pub(crate) fn read(&mut self, tokens: &[u32], position: usize) -> Result<Vec<f32>, String> {
        let logits = || -> candle_core::Result<Vec<f32>> {
            let input = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
            let logits = match &mut self.network {
                Network::Llama(model) => model.used.forward(&input, position)?,
                Network::Phi3(model) => model.used.forward(&input, position)?,
                Network::Gemma3(model) => model.used.forward(&input, position)?,
                Network::Qwen2(model) => model.forward(&input, position)?,
                Network::Qwen3(model) => model.forward(&input, position)?,
            };
            logits.flatten_all()?.to_vec1()
        };
        let mut logits = logits;
        logits().map_err(|error| first_line(&error))
    }
}

/// Loads the network of an architecture.
fn load_network(
    architecture: Architecture,
    content: gguf_file::Content,
    weights: &mut Weights<'_, impl Read + Seek>,
) -> candle_core::Result<Network> {
    let device = Device::Cpu;
    Ok(match architecture {
        Architecture::Llama => Network::Llama(Restorable::new(llama::ModelWeights::from_gguf(
            content, weights, &device,
        )?)),
        Architecture::Phi3 => Network::Phi3(Restorable::new(phi3::ModelWeights::from_gguf(
            false, content, weights, &device,
        )?)),
        Architecture::Gemma3 => Network::Gemma3(Restorable::new(gemma3::ModelWeights::from_gguf(
            content, weights, &device,
        )?)),
        Architecture::Qwen2 => Network::Qwen2(Box::new(qwen2::ModelWeights::from_gguf(
            content, weights, &device,
        )?)),
        Architecture::Qwen3 => Network::Qwen3(Box::new(qwen3::ModelWeights::from_gguf(
            content, weights, &device,
        )?)),
    })
}

/// candle's errors may carry a backtrace below the message.
fn first_line(error: &candle_core::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or("no reason given").to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::fixture::tiny_gguf;

    fn load(bytes: &[u8]) -> Result<Decoder, GgufError> {
        let mut source = Cursor::new(bytes);
        let gguf = Gguf::read(&mut source)?;
        let settings = Settings::from_gguf(&gguf, None)?;
        Decoder::load(&gguf, &settings, &mut source)
    }

    fn likeliest(logits: &[f32]) -> usize {
        (0..logits.len())
            .max_by(|&a, &b| logits[a].total_cmp(&logits[b]))
            .unwrap()
    }

    #[test]
    fn every_architecture_loads_and_reads() {
        for architecture in Architecture::ALL {
            let mut decoder = load(&tiny_gguf(architecture.name())).unwrap();
            let logits = decoder.read(&[3, 4, 5], 0).unwrap();
            assert!(
                logits.iter().all(|logit| logit.is_finite()),
                "{architecture:?}"
            );
            let spread = logits
                .iter()
                .fold(0.0f32, |most, logit| most.max(logit.abs()));
            assert!(spread > 1e-3, "{architecture:?} says nothing: {spread}");
        }
    }

    #[test]
    fn reading_by_stretches_or_token_by_token_is_the_same() {
        let prompt: Vec<u32> = (0..300).map(|at| 3 + (at * 7) % 250).collect();
        for architecture in Architecture::ALL {
            let mut decoder = load(&tiny_gguf(architecture.name())).unwrap();
            let mut position = 0;
            let mut by_stretches = Vec::new();
            while position < prompt.len() {
                let next = decoder.stretch(prompt.len() - position);
                by_stretches = decoder
                    .read(&prompt[position..position + next], position)
                    .unwrap();
                position += next;
            }
            decoder.reset();
            let mut by_token = Vec::new();
            for (position, token) in prompt.iter().enumerate() {
                by_token = decoder.read(&[*token], position).unwrap();
            }
            // Gemma's sliding window is masked in a prompt and not for single tokens.
            let pairs = by_stretches.iter().zip(&by_token);
            let furthest = pairs.fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
            assert!(furthest < 0.05, "{architecture:?}: {furthest}");
            assert_eq!(
                likeliest(&by_stretches),
                likeliest(&by_token),
                "{architecture:?}"
            );
        }
    }

    #[test]
    fn a_reset_forgets() {
        for architecture in Architecture::ALL {
            let mut decoder = load(&tiny_gguf(architecture.name())).unwrap();
            let first = decoder.read(&[7, 8, 9], 0).unwrap();
            decoder.read(&[10], 3).unwrap();
            decoder.reset();
            decoder.read(&[100, 101, 102, 103], 0).unwrap();
            decoder.reset();
            assert_eq!(
                decoder.read(&[7, 8, 9], 0).unwrap(),
                first,
                "{architecture:?}"
            );
        }
    }

    #[test]
    fn a_missing_tensor_is_named() {
        let mut source = Cursor::new(tiny_gguf("llama"));
        let mut gguf = Gguf::read(&mut source).unwrap();
        let settings = Settings::from_gguf(&gguf, None).unwrap();
        gguf.tensors.remove("blk.1.ffn_up.weight");
        match Decoder::load(&gguf, &settings, &mut source) {
            Err(GgufError::Damaged(problem)) => {
                assert!(problem.contains("blk.1.ffn_up.weight"), "{problem}");
            }
            _ => panic!("loaded without a tensor"),
        }
    }
}
