//! A decoder computed by candle, for architectures that docent's own does not know.

use candle_core::quantized::gguf_file;
use candle_core::{DType, Device, Tensor};
use candle_transformers::models::{quantized_glm4 as glm4, quantized_phi as phi2};

use crate::gguf::{Gguf, GgufError};
use crate::source::Source;

use super::transformer::ReadError;

/// candle's scores take memory for each pair of tokens, and its positions end here.
const MOST_CONTEXT: usize = 4096;
/// Tokens of a prompt that are read at once.
const STRETCH: usize = 256;

/// The architectures that are left to candle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Architecture {
    Phi2,
    Glm4,
}

impl Architecture {
    /// All of them.
    pub(super) const ALL: [Architecture; 2] = [Architecture::Phi2, Architecture::Glm4];

    /// The name in `general.architecture`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Architecture::Phi2 => "phi2",
            Architecture::Glm4 => "glm4",
        }
    }

    /// The architecture called `name`.
    pub(super) fn by_name(name: &str) -> Option<Architecture> {
        Architecture::ALL
            .into_iter()
            .find(|architecture| architecture.name() == name)
    }
}

/// Bytes that keys and values of one token take: floats.
pub(super) fn token_bytes(gguf: &Gguf, architecture: Architecture) -> usize {
    let number = |key: &str| {
        let number = gguf.number(&format!("{}.{key}", architecture.name()));
        number.filter(|number| *number > 0)
    };
    let heads = number("attention.head_count").unwrap_or(1);
    let key_heads = number("attention.head_count_kv").unwrap_or(heads);
    let head = number("attention.key_length")
        .unwrap_or_else(|| number("embedding_length").unwrap_or(0) / heads);
    let numbers = [number("block_count").unwrap_or(0), key_heads, head];
    let floats = numbers.into_iter().fold(2, usize::saturating_mul);
    floats.saturating_mul(size_of::<f32>())
}

/// A network with the tokens that it has read.
pub(crate) struct Decoder {
    /// As it was loaded: a network of candle's does not forget, so each prompt works on a copy,
    /// which shares the weights.
    untouched: Network,
    used: Network,
    tokens: Vec<u32>,
    logits: Vec<f32>,
    context: usize,
}

#[derive(Clone)]
enum Network {
    Phi2(phi2::ModelWeights),
    Glm4(glm4::ModelWeights),
}

impl Decoder {
    /// Loads the weights of a GGUF file whose header was read from `source`.
    pub(super) fn load(
        gguf: &Gguf,
        architecture: Architecture,
        source: &Source,
        context: Option<usize>,
    ) -> Result<Decoder, GgufError> {
        let key = format!("{}.context_length", architecture.name());
        let trained = gguf.number(&key).unwrap_or(MOST_CONTEXT);
        let most = trained.clamp(1, MOST_CONTEXT);
        let mut reader = source.reader();
        let load = |reader: &mut _| -> candle_core::Result<Network> {
            let content = gguf_file::Content::read(reader)?;
            let device = Device::Cpu;
            Ok(match architecture {
                Architecture::Phi2 => {
                    Network::Phi2(phi2::ModelWeights::from_gguf(content, reader, &device)?)
                }
                Architecture::Glm4 => Network::Glm4(glm4::ModelWeights::from_gguf(
                    content,
                    reader,
                    &device,
                    DType::F32,
                )?),
            })
        };
        let network = load(&mut reader).map_err(|error| {
            let (name, why) = (architecture.name(), first_line(&error));
            GgufError::Damaged(format!(
                "its weights do not fit its architecture {name}: {why}"
            ))
        })?;
        Ok(Decoder {
            used: network.clone(),
            untouched: network,
            tokens: Vec::new(),
            logits: Vec::new(),
            context: context.unwrap_or(most).clamp(1, most),
        })
    }

    pub(super) fn context(&self) -> usize {
        self.context
    }

    pub(super) fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Forgets all tokens, unless the first `count` are all that there are.
    pub(super) fn keep(&mut self, count: usize) {
        if count < self.tokens.len() {
            self.used = self.untouched.clone();
            self.tokens.clear();
        }
    }

    pub(super) fn stretch(&self, left: usize) -> usize {
        left.min(STRETCH)
    }

    /// The logits of what follows the token read last.
    pub(super) fn logits(&mut self) -> &mut [f32] {
        &mut self.logits
    }

    /// Reads `tokens`; computes the logits of what follows the last one.
    pub(super) fn read(&mut self, tokens: &[u32]) -> Result<(), ReadError> {
        let position = self.tokens.len();
        let mut forward = || -> candle_core::Result<Vec<f32>> {
            let input = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
            let logits = match &mut self.used {
                Network::Phi2(model) => model.forward(&input, position)?,
                Network::Glm4(model) => model.forward(&input, position)?,
            };
            logits.flatten_all()?.to_vec1()
        };
        self.logits = forward().map_err(|error| ReadError::Network(first_line(&error)))?;
        self.tokens.extend_from_slice(tokens);
        Ok(())
    }
}

/// candle's errors may carry a backtrace below the message.
fn first_line(error: &candle_core::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or("no reason given").to_owned()
}
