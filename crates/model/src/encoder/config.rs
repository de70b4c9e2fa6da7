//! The shape of an encoder: what `config.json` says, checked.

use docent_kernels::activation::Activation;
use serde::Deserialize;

use super::EncoderError;

/// The shape of a BERT encoder and what becomes of its last layer.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderConfig {
    /// Length of a token's vector.
    pub hidden: usize,
    /// Number of layers.
    pub layers: usize,
    /// Number of attention heads; divides `hidden`.
    pub heads: usize,
    /// Length of the vector inside a feed-forward block.
    pub intermediate: usize,
    /// The most tokens that one sequence may have, special tokens included.
    pub max_positions: usize,
    /// Added to the variance in each layer normalisation.
    pub layer_norm_epsilon: f32,
    /// Number of tokens in the vocabulary.
    pub vocabulary: usize,
    /// Number of token types; every token here is of the first.
    pub token_types: usize,
    /// What follows the first product of a feed-forward block.
    pub activation: Activation,
    /// How the tokens' vectors become one.
    pub pooling: Pooling,
    /// Whether vectors are scaled to length 1.
    pub normalise: bool,
}

/// How the vectors of a sequence's tokens become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// The first token's.
    Cls,
}

/// How weights are held and multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Weights as bytes with a scale for each output, activations as bytes with a scale for each
    /// token.
    Int8,
    /// Both as 32-bit floats.
    F32,
}

/// `config.json` as Hugging Face writes it for BERT; other keys do not matter here.
#[derive(Deserialize)]
struct BertConfig {
    model_type: Option<String>,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "usual_epsilon")]
    layer_norm_eps: f32,
    vocab_size: usize,
    type_vocab_size: usize,
    hidden_act: String,
    position_embedding_type: Option<String>,
}

fn usual_epsilon() -> f32 {
    1e-12
}

impl EncoderConfig {
    /// Reads the text of a BERT's `config.json`, which says nothing of pooling and normalising.
    ///
    /// # Errors
    /// [`EncoderError::Config`] when it is no such file or describes an encoder of another kind.
    pub fn from_json(json: &str, pooling: Pooling, normalise: bool) -> Result<Self, EncoderError> {
        let read: BertConfig = serde_json::from_str(json)
            .map_err(|error| EncoderError::Config(format!("cannot be read: {error}")))?;
        if let Some(kind) = read.model_type.as_deref().filter(|kind| *kind != "bert") {
            return Err(EncoderError::Config(format!(
                "model_type is \"{kind}\"; only \"bert\" is supported"
            )));
        }
        if let Some(kind) = read
            .position_embedding_type
            .as_deref()
            .filter(|kind| *kind != "absolute")
        {
            return Err(EncoderError::Config(format!(
                "position_embedding_type is \"{kind}\"; only \"absolute\" is supported"
            )));
        }
        let activation = match read.hidden_act.as_str() {
            "gelu" => Activation::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Activation::GeluTanh,
            "relu" => Activation::Relu,
            other => {
                return Err(EncoderError::Config(format!(
                    "hidden_act is \"{other}\"; gelu, gelu_new, gelu_pytorch_tanh, gelu_fast and \
                     relu are supported"
                )));
            }
        };
        let config = EncoderConfig {
            hidden: read.hidden_size,
            layers: read.num_hidden_layers,
            heads: read.num_attention_heads,
            intermediate: read.intermediate_size,
            max_positions: read.max_position_embeddings,
            layer_norm_epsilon: read.layer_norm_eps,
            vocabulary: read.vocab_size,
            token_types: read.type_vocab_size,
            activation,
            pooling,
            normalise,
        };
        config.check()?;
        Ok(config)
    }

    /// Refuses shapes that no encoder has, before anything is sized by them.
    pub(super) fn check(&self) -> Result<(), EncoderError> {
        // Far above every known encoder; products of two of them stay far below overflow.
        const MOST: usize = 1 << 24;
        // The sums of an int8 product are 32-bit integers.
        const MOST_INPUTS: usize = 32_768;
        let sizes = [
            ("hidden_size", self.hidden, MOST_INPUTS),
            ("num_hidden_layers", self.layers, 1024),
            ("num_attention_heads", self.heads, MOST_INPUTS),
            ("intermediate_size", self.intermediate, MOST_INPUTS),
            ("max_position_embeddings", self.max_positions, MOST),
            ("vocab_size", self.vocabulary, MOST),
            ("type_vocab_size", self.token_types, MOST),
        ];
        for (name, value, most) in sizes {
            if !(1..=most).contains(&value) {
                return Err(EncoderError::Config(format!(
                    "{name} is {value}, not 1 to {most}"
                )));
            }
        }
        if !self.hidden.is_multiple_of(self.heads) {
            return Err(EncoderError::Config(format!(
                "hidden_size {} is no multiple of num_attention_heads {}",
                self.hidden, self.heads
            )));
        }
        let epsilon = self.layer_norm_epsilon;
        if !epsilon.is_finite() || epsilon < 0.0 {
            return Err(EncoderError::Config(format!("layer_norm_eps is {epsilon}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINILM: &str = r#"{
        "model_type": "bert", "hidden_act": "gelu", "hidden_size": 384, "intermediate_size": 1536,
        "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "num_attention_heads": 12,
        "num_hidden_layers": 6, "position_embedding_type": "absolute", "type_vocab_size": 2,
        "vocab_size": 30522, "use_cache": true
    }"#;

    fn error_with(from: &str, to: &str) -> String {
        let json = MINILM.replace(from, to);
        assert_ne!(json, MINILM, "{from} is in the file");
        EncoderConfig::from_json(&json, Pooling::Mean, true)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn reads_the_file_of_a_bert() {
        let config = EncoderConfig::from_json(MINILM, Pooling::Cls, false).unwrap();
        assert_eq!((config.hidden, config.layers, config.heads), (384, 6, 12));
        assert_eq!(
            (config.activation, config.pooling),
            (Activation::Gelu, Pooling::Cls)
        );
    }

    #[test]
    fn says_what_is_wrong_with_a_file() {
        assert!(error_with("\"bert\"", "\"llama\"").contains("llama"));
        assert!(error_with("\"gelu\"", "\"swish\"").contains("swish"));
        assert!(error_with("absolute", "relative_key").contains("relative_key"));
        assert!(error_with("\"hidden_size\": 384,", "").contains("hidden_size"));
        assert!(
            error_with("\"num_attention_heads\": 12", "\"num_attention_heads\": 7")
                .contains("multiple")
        );
        assert!(
            error_with("\"num_hidden_layers\": 6", "\"num_hidden_layers\": 0")
                .contains("num_hidden_layers")
        );
        assert!(
            error_with("\"vocab_size\": 30522", "\"vocab_size\": 99999999999")
                .contains("vocab_size")
        );
        assert!(error_with("{", "").contains("cannot be read"));
    }
}
