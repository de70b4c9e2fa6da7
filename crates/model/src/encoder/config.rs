//! The shape of an encoder, checked before anything is sized by it.

use docent_kernels::activation::Activation;

use super::EncoderError;

/// The shape of an encoder and what becomes of its last layer.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderConfig {
    /// How its tensors are named.
    pub architecture: Architecture,
    /// Length of a token's vector.
    pub hidden: usize,
    /// Number of layers.
    pub layers: usize,
    /// Number of attention heads; divides `hidden`.
    pub heads: usize,
    /// Length of the vector inside a feed-forward block.
    pub intermediate: usize,
    /// The most tokens that one sequence may have, special tokens included.
    pub max_tokens: usize,
    /// How a token knows where it stands.
    pub positions: Positions,
    /// How far a token sees, in the layers where it does not see all others.
    pub local: Option<LocalAttention>,
    /// Added to the variance in each layer normalisation.
    pub norm_epsilon: f32,
    /// Where a layer's normalisations stand.
    pub norms: Norms,
    /// Number of tokens in the vocabulary.
    pub vocabulary: usize,
    /// Number of token types; none where the model does not tell them apart.
    pub token_types: usize,
    /// What follows the first product of a feed-forward block.
    pub activation: Activation,
    /// Whether a second product, made beside the first, is multiplied with what is activated.
    pub gated: bool,
    /// How the tokens' vectors become one.
    pub pooling: Pooling,
    /// Whether vectors are scaled to length 1.
    pub normalise: bool,
}

/// Families of encoders, each with its own names for tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// BERT and RoBERTa: MiniLM, BGE, E5, GTE, arctic-embed, bge-m3.
    Bert,
    /// DistilBERT, a BERT of half the layers.
    DistilBert,
    /// NomicBERT: nomic-embed-text.
    NomicBert,
    /// ModernBERT: granite-embedding, gte-modernbert.
    ModernBert,
    /// The encoder of GTE's second generation, which its files call "new".
    Gte,
}

/// How a token knows where it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Positions {
    /// A learned vector for each position is added to the word's. Token 0 takes the row `first`
    /// of the table: RoBERTa's tables begin with rows that no token has.
    Learned {
        /// The row of the first token.
        first: usize,
    },
    /// Queries and keys are turned by angles that grow with the position.
    Rotary(Rope),
}

/// The angles of a rotary embedding: the pair `i` of a head of width `w` turns by
/// `base^(-2i/w) / scale` a position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rope {
    /// Grows with the distances that the model was trained for.
    pub base: f64,
    /// More than 1 in models that were stretched beyond the length that they were trained on.
    pub scale: f64,
}

/// Layers in which a token sees its neighbours only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalAttention {
    /// How many tokens to either side are seen.
    pub reach: usize,
    /// Every so-manieth layer, the first among them, sees all tokens.
    pub global_every: usize,
    /// The angles in the layers that see neighbours only.
    pub rope: Rope,
}

/// Where a layer's normalisations stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Norms {
    /// After each block, over what it gave and what went in: BERT.
    After,
    /// Before each block, and once more at the end: ModernBERT. The first layer's attention
    /// takes what the embedding's own normalisation gave.
    Before,
}

/// How the vectors of a sequence's tokens become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// The first token's.
    Cls,
    /// The last token's.
    Last,
}

/// How weights are held and multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Weights as bytes with a scale for each output, activations as bytes with a scale for each
    /// token.
    Int8,
    /// Both as 32-bit floats.
    F32,
}

impl Precision {
    /// The name that settings and fingerprints use.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Int8 => "int8",
            Precision::F32 => "f32",
        }
    }
}

impl EncoderConfig {
    /// Whether the tokens of a layer see only those near them, and how they turn.
    pub(super) fn is_local(&self, layer: usize) -> bool {
        self.local
            .is_some_and(|local| !layer.is_multiple_of(local.global_every))
    }

    /// Multiply-adds of the linear layers for each token.
    pub(crate) fn multiply_adds(&self) -> u64 {
        let (hidden, inner) = (self.hidden as u64, self.intermediate as u64);
        let blocks = if self.gated { 3 } else { 2 };
        self.layers as u64 * (4 * hidden * hidden + blocks * hidden * inner)
    }

    /// Rows of the table of positions; none where there is no table.
    pub(super) fn position_rows(&self) -> usize {
        match self.positions {
            Positions::Learned { first } => first + self.max_tokens,
            Positions::Rotary(_) => 0,
        }
    }

    /// Refuses shapes that no encoder has, before anything is sized by them.
    pub(super) fn check(&self) -> Result<(), EncoderError> {
        // Far above every known encoder; products of two of them stay far below overflow.
        const MOST: usize = 1 << 24;
        // The sums of an int8 product are 32-bit integers.
        const MOST_INPUTS: usize = 32_768;
        // A token's angles are held for each position.
        const MOST_TOKENS: usize = 1 << 17;
        let sizes = [
            ("the hidden size", self.hidden, 1, MOST_INPUTS),
            ("the number of layers", self.layers, 1, 1024),
            ("the number of attention heads", self.heads, 1, MOST_INPUTS),
            ("the intermediate size", self.intermediate, 1, MOST_INPUTS),
            ("the number of positions", self.max_tokens, 1, MOST_TOKENS),
            ("the size of the vocabulary", self.vocabulary, 1, MOST),
            ("the number of token types", self.token_types, 0, 1024),
        ];
        for (name, value, least, most) in sizes {
            if !(least..=most).contains(&value) {
                return Err(EncoderError::Config(format!(
                    "{name} is {value}, not {least} to {most}"
                )));
            }
        }
        if !self.hidden.is_multiple_of(self.heads) {
            return Err(EncoderError::Config(format!(
                "the hidden size {} is no multiple of the number of attention heads {}",
                self.hidden, self.heads
            )));
        }
        let epsilon = self.norm_epsilon;
        if !epsilon.is_finite() || epsilon < 0.0 {
            return Err(EncoderError::Config(format!(
                "the epsilon of its normalisations is {epsilon}"
            )));
        }
        self.check_rotation()
    }

    /// Refuses angles that are none, and heads that cannot turn.
    fn check_rotation(&self) -> Result<(), EncoderError> {
        let global = match self.positions {
            Positions::Rotary(rope) => Some(rope),
            Positions::Learned { .. } => None,
        };
        let ropes = global.into_iter().chain(self.local.map(|local| local.rope));
        for Rope { base, scale } in ropes {
            let sound = |x: f64| x.is_finite() && x > 0.0;
            if !sound(base) || !sound(scale) {
                return Err(EncoderError::Config(format!(
                    "its rotary embedding has the base {base} and the scale {scale}"
                )));
            }
            if !(self.hidden / self.heads).is_multiple_of(2) {
                return Err(EncoderError::Config(format!(
                    "its heads of width {} cannot turn in pairs",
                    self.hidden / self.heads
                )));
            }
        }
        match self.local {
            Some(LocalAttention {
                global_every: 0, ..
            }) => Err(EncoderError::Config(
                "no layer is to see all tokens (global_attn_every_n_layers is 0)".into(),
            )),
            _ => Ok(()),
        }
    }
}
