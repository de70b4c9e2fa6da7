//! An encoder's weights: found by name, checked, packed.

use docent_kernels::matmul::{FloatWeights, Int8Weights};
use docent_kernels::norm::LayerNorm;
use docent_kernels::rotary::Rotary;

use super::config::{EncoderConfig, Norms, Positions, Precision, Rope};
use super::error::EncoderError;
use super::names::{Layout, Names, Up};
use super::tensors::{Table, Tensors};

/// All weights, ready to run.
pub(super) struct Weights {
    pub(super) words: Table,
    /// A row for each position that a token may have; none where positions turn.
    pub(super) positions: Vec<f32>,
    /// A row for each type of token; none where there is one type without a vector.
    pub(super) token_types: Vec<f32>,
    pub(super) embedding_norm: Norm,
    pub(super) layers: Vec<Layer>,
    pub(super) final_norm: Option<Norm>,
    /// The angles of layers in which tokens see all others.
    pub(super) rotary: Option<Rotary>,
    /// The angles of layers in which they see their neighbours.
    pub(super) local_rotary: Option<Rotary>,
}

/// The weights of one layer.
pub(super) struct Layer {
    /// Queries, keys and values by one product.
    pub(super) projection: Linear,
    pub(super) attention_output: Linear,
    /// None in the first layer of those that normalise before.
    pub(super) attention_norm: Option<Norm>,
    /// In gated blocks, what is activated and then what is multiplied with it.
    pub(super) up: Linear,
    pub(super) down: Linear,
    pub(super) output_norm: Norm,
}

/// A layer normalisation's weights.
pub(super) struct Norm {
    gain: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

impl Norm {
    pub(super) fn as_kernel(&self) -> LayerNorm<'_> {
        LayerNorm {
            gain: &self.gain,
            bias: &self.bias,
            epsilon: self.epsilon,
        }
    }
}

/// A linear layer's packed weights.
pub(super) enum Linear {
    Int8(Int8Weights),
    F32(FloatWeights),
}

impl Linear {
    fn pack(weights: &[f32], bias: &[f32], inputs: usize, precision: Precision) -> Self {
        match precision {
            Precision::Int8 => Linear::Int8(Int8Weights::pack(weights, bias, inputs)),
            Precision::F32 => Linear::F32(FloatWeights::pack(weights, bias, inputs)),
        }
    }
}

impl Weights {
    /// Reads every tensor that `config` asks for.
    pub(super) fn read(reader: &Reader<'_>) -> Result<Self, EncoderError> {
        let (config, names) = (reader.config, reader.names);
        let hidden = config.hidden;
        let weight = |name: &str| format!("{name}.weight");
        let mut positions = Vec::new();
        if let Positions::Learned { first } = config.positions {
            let rows = match reader.layout {
                Layout::HuggingFace => config.position_rows(),
                // The rows that no token has are left out there.
                Layout::Gguf => config.max_tokens,
            };
            positions = reader.values(&weight(names.positions), &[rows, hidden])?;
            positions.drain(..(rows - config.max_tokens).min(first) * hidden);
        }
        let token_types = match config.token_types {
            0 => Vec::new(),
            types => reader.values(&weight(names.token_types), &[types, hidden])?,
        };
        let (rotary, local_rotary) = angles(config);
        Ok(Weights {
            words: reader.table(&weight(names.words), &[config.vocabulary, hidden])?,
            positions,
            token_types,
            embedding_norm: reader.norm(names.embedding_norm)?,
            layers: (0..config.layers)
                .map(|index| reader.layer(index))
                .collect::<Result<_, _>>()?,
            final_norm: match config.norms {
                Norms::Before => Some(reader.norm(names.final_norm)?),
                Norms::After => None,
            },
            rotary,
            local_rotary,
        })
    }
}

/// The angles of global and of local layers.
fn angles(config: &EncoderConfig) -> (Option<Rotary>, Option<Rotary>) {
    let width = config.hidden / config.heads;
    let rotary = |rope: Rope| {
        let frequencies: Vec<f64> = (0..width / 2)
            .map(|pair| rope.base.powf(-2.0 * pair as f64 / width as f64) / rope.scale)
            .collect();
        Rotary::new(&frequencies, config.max_tokens)
    };
    let global = match config.positions {
        Positions::Rotary(rope) => Some(rotary(rope)),
        Positions::Learned { .. } => None,
    };
    (global, config.local.map(|local| rotary(local.rope)))
}

/// Finds a model's tensors by the names of its family.
pub(super) struct Reader<'a> {
    tensors: &'a Tensors<'a>,
    config: &'a EncoderConfig,
    precision: Precision,
    layout: Layout,
    names: &'static Names,
    /// What stands before the names of the encoder's own tensors.
    prefix: &'static str,
}

impl<'a> Reader<'a> {
    /// A reader of these tensors, whose names may start with one of the family's prefixes.
    pub(super) fn new(
        tensors: &'a Tensors<'a>,
        layout: Layout,
        config: &'a EncoderConfig,
        precision: Precision,
    ) -> Self {
        let names = config.architecture.names(layout);
        let words = format!("{}.weight", names.words);
        let prefixes = names.prefixes.iter().copied();
        let prefix = prefixes
            .clone()
            .find(|prefix| tensors.shape(&format!("{prefix}{words}")).is_some());
        Reader {
            tensors,
            config,
            precision,
            layout,
            names,
            prefix: prefix.unwrap_or_default(),
        }
    }

    pub(super) fn config(&self) -> &EncoderConfig {
        self.config
    }

    /// A tensor of the encoder.
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EncoderError> {
        self.tensors
            .values(&format!("{}{name}", self.prefix), shape)
    }

    fn table(&self, name: &str, shape: &[usize]) -> Result<Table, EncoderError> {
        self.tensors.table(&format!("{}{name}", self.prefix), shape)
    }

    /// Whether there is such a tensor.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors
            .shape(&format!("{}{name}", self.prefix))
            .is_some()
    }

    /// The same reader for tensors that stand beside the encoder, without its prefix.
    pub(super) fn beside(&self) -> Reader<'a> {
        Reader {
            prefix: "",
            ..*self
        }
    }

    fn layer(&self, index: usize) -> Result<Layer, EncoderError> {
        let (config, names) = (self.config, self.names);
        let (hidden, inner) = (config.hidden, config.intermediate);
        let at = |name: &str| name.replace("{}", &index.to_string());
        let parts: Vec<String> = names.projection.iter().map(|name| at(name)).collect();
        let first_of_before = config.norms == Norms::Before && index == 0;
        let attention_norm = at(names.attention_norm);
        Ok(Layer {
            projection: self.stacked(&parts, 3 * hidden / parts.len().max(1), hidden)?,
            attention_output: self.linear(&at(names.attention_output), hidden, hidden)?,
            attention_norm: match first_of_before && !self.has(&format!("{attention_norm}.weight"))
            {
                true => None,
                false => Some(self.norm(&attention_norm)?),
            },
            up: match names.up {
                Up::Plain(name) => self.linear(&at(name), inner, hidden)?,
                Up::Pair(activated, other) => {
                    self.stacked(&[at(activated), at(other)], inner, hidden)?
                }
                Up::Halves {
                    name,
                    activated_first,
                } => self.halves(&at(name), activated_first)?,
            },
            down: self.linear(&at(names.down), hidden, inner)?,
            output_norm: self.norm(&at(names.output_norm))?,
        })
    }

    /// A linear layer in floats, whatever the precision.
    pub(super) fn float_linear(
        &self,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> Result<FloatWeights, EncoderError> {
        let weights = self.values(&format!("{name}.weight"), &[outputs, inputs])?;
        let bias = self.bias(&format!("{name}.bias"), outputs)?;
        Ok(FloatWeights::pack(&weights, &bias, inputs))
    }

    /// A linear layer.
    fn linear(&self, name: &str, outputs: usize, inputs: usize) -> Result<Linear, EncoderError> {
        self.stacked(&[name.to_owned()], outputs, inputs)
    }

    /// Linear layers of `outputs` outputs each on the same input, as one.
    fn stacked(
        &self,
        parts: &[String],
        outputs: usize,
        inputs: usize,
    ) -> Result<Linear, EncoderError> {
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for name in parts {
            weights.extend(self.values(&format!("{name}.weight"), &[outputs, inputs])?);
            bias.extend(self.bias(&format!("{name}.bias"), outputs)?);
        }
        Ok(Linear::pack(&weights, &bias, inputs, self.precision))
    }

    /// A linear layer of both halves of a gated block, the activated one first.
    fn halves(&self, name: &str, activated_first: bool) -> Result<Linear, EncoderError> {
        let (inner, hidden) = (self.config.intermediate, self.config.hidden);
        let mut weights = self.values(&format!("{name}.weight"), &[2 * inner, hidden])?;
        let mut bias = self.bias(&format!("{name}.bias"), 2 * inner)?;
        if !activated_first {
            weights.rotate_left(inner * hidden);
            bias.rotate_left(inner);
        }
        Ok(Linear::pack(&weights, &bias, hidden, self.precision))
    }

    /// A bias, which is zeros where a family may have none.
    fn bias(&self, name: &str, len: usize) -> Result<Vec<f32>, EncoderError> {
        match self.names.bare && !self.has(name) {
            true => Ok(vec![0.0; len]),
            false => self.values(name, &[len]),
        }
    }

    /// A layer normalisation, whose parts older files call gamma and beta.
    pub(super) fn norm(&self, name: &str) -> Result<Norm, EncoderError> {
        let hidden = self.config.hidden;
        let old = self.has(&format!("{name}.gamma"));
        let (gain, bias) = match old {
            true => ("gamma", "beta"),
            false => ("weight", "bias"),
        };
        Ok(Norm {
            gain: self.values(&format!("{name}.{gain}"), &[hidden])?,
            bias: self.bias(&format!("{name}.{bias}"), hidden)?,
            epsilon: self.config.norm_epsilon,
        })
    }
}
