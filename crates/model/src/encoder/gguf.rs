//! An encoder's shape from the metadata of a GGUF file, as llama.cpp's converter writes it.

use docent_kernels::activation::Activation;

use super::EncoderError;
use super::config::{Architecture, EncoderConfig, LocalAttention, Norms, Pooling, Positions, Rope};
use crate::gguf::{Gguf, Value};

/// The architectures that are read, as the files call them.
const ARCHITECTURES: &str = "bert, nomic-bert and modern-bert";

impl EncoderConfig {
    /// Reads a GGUF file's metadata; vectors come out with length 1.
    ///
    /// # Errors
    /// [`EncoderError::Config`] when it describes no encoder that is run here.
    pub(crate) fn from_gguf(gguf: &Gguf) -> Result<Self, EncoderError> {
        let name = gguf.text("general.architecture").unwrap_or("not given");
        let architecture = match name {
            "bert" => Architecture::Bert,
            "nomic-bert" => Architecture::NomicBert,
            "modern-bert" => Architecture::ModernBert,
            other => {
                return Err(EncoderError::Config(format!(
                    "its architecture is {other}, and encoders are {ARCHITECTURES}"
                )));
            }
        };
        let metadata = Metadata { gguf, name };
        let config = EncoderConfig {
            architecture,
            hidden: metadata.number("embedding_length")?,
            layers: metadata.number("block_count")?,
            heads: metadata.number("attention.head_count")?,
            intermediate: metadata.number("feed_forward_length")?,
            // A table of positions has a row for each that there is.
            max_tokens: match table_rows(gguf, "position_embd.weight") {
                Some(rows) => rows,
                None => metadata.number("context_length")?,
            },
            positions: match architecture {
                Architecture::Bert => Positions::Learned { first: 0 },
                _ => Positions::Rotary(metadata.rope("rope.freq_base")),
            },
            local: match architecture {
                Architecture::ModernBert => Some(metadata.local()?),
                _ => None,
            },
            norm_epsilon: metadata.float("attention.layer_norm_epsilon")? as f32,
            norms: match architecture {
                Architecture::ModernBert => Norms::Before,
                _ => Norms::After,
            },
            vocabulary: table_rows(gguf, "token_embd.weight").unwrap_or(0),
            token_types: match architecture {
                Architecture::ModernBert => 0,
                _ => table_rows(gguf, "token_types.weight").unwrap_or(0),
            },
            activation: match architecture {
                Architecture::NomicBert => Activation::Silu,
                _ => Activation::Gelu,
            },
            gated: architecture != Architecture::Bert,
            pooling: metadata.pooling()?,
            normalise: true,
        };
        config.check()?;
        Ok(config)
    }
}

/// The rows of a table; one where a single row was stored as a vector.
fn table_rows(gguf: &Gguf, name: &str) -> Option<usize> {
    let entry = gguf.tensors.get(name)?;
    Some(match entry.shape.as_slice() {
        [rows, _] => *rows,
        _ => 1,
    })
}

/// The metadata of an architecture.
struct Metadata<'a> {
    gguf: &'a Gguf,
    name: &'a str,
}

impl Metadata<'_> {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    fn number(&self, key: &str) -> Result<usize, EncoderError> {
        let key = self.key(key);
        self.gguf
            .number(&key)
            .ok_or_else(|| EncoderError::Config(format!("the number {key} is missing")))
    }

    fn float(&self, key: &str) -> Result<f64, EncoderError> {
        let key = self.key(key);
        match self.gguf.metadata.get(&key) {
            Some(Value::Float(float)) => Ok(*float),
            _ => Err(EncoderError::Config(format!("the number {key} is missing"))),
        }
    }

    /// The angles whose base is under `key`, or the usual ones.
    fn rope(&self, key: &str) -> Rope {
        Rope {
            base: self.float(key).unwrap_or(10_000.0),
            scale: 1.0,
        }
    }

    fn local(&self) -> Result<LocalAttention, EncoderError> {
        let pattern = self
            .gguf
            .number(&self.key("attention.sliding_window_pattern"));
        Ok(LocalAttention {
            reach: self.number("attention.sliding_window")? / 2,
            global_every: pattern.unwrap_or(3),
            rope: self.rope("rope.freq_base_swa"),
        })
    }

    /// Numbers are those of llama.cpp's `llama_pooling_type`; a reranker takes the first token.
    fn pooling(&self) -> Result<Pooling, EncoderError> {
        match self.gguf.number(&self.key("pooling_type")) {
            None | Some(1) => Ok(Pooling::Mean),
            Some(2 | 4) => Ok(Pooling::Cls),
            Some(3) => Ok(Pooling::Last),
            Some(other) => Err(EncoderError::Config(format!(
                "its pooling is of the kind {other}; docent has the mean, the first and the last \
                 token"
            ))),
        }
    }
}
