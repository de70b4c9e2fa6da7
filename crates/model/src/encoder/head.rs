//! The head of a cross-encoder: from a pair's vectors to the one number that says how well they
//! belong together.

use docent_kernels::Isa;
use docent_kernels::activation::Activation;
use docent_kernels::matmul::{self, FloatWeights};
use docent_kernels::norm::layer_norm;

use super::config::Architecture;
use super::error::EncoderError;
use super::weights::{Norm, Reader};

/// A classification head with one class.
pub(super) struct Head {
    /// A layer between pooling and score, and what follows it.
    dense: Option<(FloatWeights, Bend)>,
    norm: Option<Norm>,
    score: FloatWeights,
}

/// What follows a head's dense layer.
#[derive(Clone, Copy)]
enum Bend {
    Tanh,
    Of(Activation),
}

/// Names of a head's tensors: the dense layer with its bend, a normalisation, the score.
struct Names {
    /// Whether the dense layer is one of the encoder's own tensors.
    pooler: bool,
    dense: &'static str,
    bend: Bend,
    norm: Option<&'static str>,
    score: &'static str,
}

/// BERT's pooler, and a classifier.
const POOLER: Names = Names {
    pooler: true,
    dense: "pooler.dense",
    bend: Bend::Tanh,
    norm: None,
    score: "classifier",
};

/// RoBERTa's classifier of two layers.
const ROBERTA: Names = Names {
    pooler: false,
    dense: "classifier.dense",
    bend: Bend::Tanh,
    norm: None,
    score: "classifier.out_proj",
};

const DISTILBERT: Names = Names {
    pooler: false,
    dense: "pre_classifier",
    bend: Bend::Of(Activation::Relu),
    norm: None,
    score: "classifier",
};

const MODERN_BERT: Names = Names {
    pooler: false,
    dense: "head.dense",
    bend: Bend::Of(Activation::Gelu),
    norm: Some("head.norm"),
    score: "classifier",
};

/// What llama.cpp makes of either of the first two, and of ModernBERT's.
const GGUF: Names = Names {
    pooler: false,
    dense: "cls",
    bend: Bend::Tanh,
    norm: None,
    score: "cls.output",
};

const GGUF_MODERN_BERT: Names = Names {
    bend: Bend::Of(Activation::Gelu),
    norm: Some("cls.norm"),
    ..GGUF
};

impl Head {
    /// Reads the head that stands beside an encoder, in floats: it is small, and its output is
    /// what candidates are told apart by.
    pub(super) fn read(reader: &Reader<'_>) -> Result<Head, EncoderError> {
        let beside = reader.beside();
        let converted = beside.has("cls.output.weight");
        let names = match reader.config().architecture {
            Architecture::ModernBert if converted => &GGUF_MODERN_BERT,
            _ if converted => &GGUF,
            Architecture::ModernBert => &MODERN_BERT,
            Architecture::DistilBert => &DISTILBERT,
            _ if beside.has("classifier.out_proj.weight") => &ROBERTA,
            _ => &POOLER,
        };
        let hidden = reader.config().hidden;
        let of = if names.pooler { reader } else { &beside };
        // Cross-encoders without a pooler exist, of BERT's families only.
        let dense = match names.pooler && !of.has(&format!("{}.weight", names.dense)) {
            true => None,
            false => Some((of.float_linear(names.dense, hidden, hidden)?, names.bend)),
        };
        Ok(Head {
            dense,
            norm: names.norm.map(|name| beside.norm(name)).transpose()?,
            score: beside.float_linear(names.score, 1, hidden)?,
        })
    }

    /// The score of a pooled vector, which is used up.
    pub(super) fn score(&self, isa: Isa, mut vector: Vec<f32>) -> f32 {
        if let Some((dense, bend)) = &self.dense {
            let activation = match bend {
                Bend::Tanh => Activation::Identity,
                Bend::Of(activation) => *activation,
            };
            let mut out = vec![0.0; vector.len()];
            matmul::float(isa, &vector, dense, activation, &mut out);
            if matches!(bend, Bend::Tanh) {
                out.iter_mut().for_each(|x| *x = x.tanh());
            }
            vector = out;
        }
        if let Some(norm) = &self.norm {
            layer_norm(isa, norm.as_kernel(), &mut vector);
        }
        let mut score = [0.0];
        matmul::float(isa, &vector, &self.score, Activation::Identity, &mut score);
        score[0]
    }
}
