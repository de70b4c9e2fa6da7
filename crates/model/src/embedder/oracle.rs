//! The same encoder by candle in 32-bit floats, which ours is tested against.

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config, HiddenAct, PositionEmbeddingType};

use super::tokens::normalise;
use crate::encoder::{Activation, EncoderConfig, Pooling};

/// A BERT with its pooling.
pub(super) struct Bert {
    model: BertModel,
    pooling: Pooling,
    hidden: usize,
}

impl Bert {
    /// Builds a BERT from the bytes of a `model.safetensors`, widened to 32-bit floats.
    pub(super) fn from_safetensors(bytes: &[u8], config: &EncoderConfig) -> Result<Bert, String> {
        let build = || -> candle_core::Result<BertModel> {
            let weights = VarBuilder::from_slice_safetensors(bytes, DType::F32, &Device::Cpu)?;
            BertModel::load(weights, &candle_config(config)?)
        };
        Ok(Bert {
            model: build().map_err(|error| error.to_string())?,
            pooling: config.pooling,
            hidden: config.hidden,
        })
    }

    /// A vector of length 1 for each sequence. They are padded to the longest, which costs time
    /// and changes nothing else.
    pub(super) fn encode(&self, sequences: &[&[u32]]) -> Result<Vec<Vec<f32>>, String> {
        let longest = sequences
            .iter()
            .map(|sequence| sequence.len())
            .max()
            .unwrap_or(0);
        let mut tokens = Vec::with_capacity(sequences.len() * longest);
        let mut mask = Vec::with_capacity(sequences.len() * longest);
        for sequence in sequences {
            let padding = longest - sequence.len();
            tokens.extend_from_slice(sequence);
            tokens.extend(std::iter::repeat_n(0, padding));
            mask.extend(std::iter::repeat_n(1, sequence.len()));
            mask.extend(std::iter::repeat_n(0, padding));
        }
        let rows = || -> candle_core::Result<Vec<f32>> {
            let shape = (sequences.len(), longest);
            let tokens = Tensor::from_vec(tokens, shape, &Device::Cpu)?;
            let mask = Tensor::from_vec(mask, shape, &Device::Cpu)?;
            let rows = self
                .model
                .forward(&tokens, &tokens.zeros_like()?, Some(&mask))?;
            rows.flatten_all()?.to_vec1()
        };
        let rows = rows().map_err(|error| error.to_string())?;
        let pairs = sequences.iter().zip(rows.chunks(longest * self.hidden));
        Ok(pairs
            .map(|(sequence, rows)| self.pool(&rows[..sequence.len() * self.hidden]))
            .collect())
    }

    /// The vector of a sequence, given those of its tokens.
    fn pool(&self, rows: &[f32]) -> Vec<f32> {
        let mut vector = vec![0.0; self.hidden];
        let rows = match self.pooling {
            Pooling::Mean => rows,
            Pooling::Cls => &rows[..self.hidden],
        };
        for row in rows.chunks(self.hidden) {
            for (sum, value) in vector.iter_mut().zip(row) {
                *sum += value;
            }
        }
        normalise(&mut vector);
        vector
    }
}

/// The configuration as candle wants it; what it asks for beyond ours belongs to training.
fn candle_config(config: &EncoderConfig) -> candle_core::Result<Config> {
    Ok(Config {
        vocab_size: config.vocabulary,
        hidden_size: config.hidden,
        num_hidden_layers: config.layers,
        num_attention_heads: config.heads,
        intermediate_size: config.intermediate,
        hidden_act: match config.activation {
            Activation::Gelu => HiddenAct::Gelu,
            Activation::GeluTanh => HiddenAct::GeluApproximate,
            Activation::Relu => HiddenAct::Relu,
            Activation::Identity => candle_core::bail!("a BERT without an activation"),
        },
        hidden_dropout_prob: 0.0,
        max_position_embeddings: config.max_positions,
        type_vocab_size: config.token_types,
        initializer_range: 0.0,
        layer_norm_eps: f64::from(config.layer_norm_epsilon),
        pad_token_id: 0,
        position_embedding_type: PositionEmbeddingType::Absolute,
        use_cache: false,
        classifier_dropout: None,
        model_type: Some("bert".into()),
    })
}
