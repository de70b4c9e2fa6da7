//! An encoder's weights out of a safetensors file: found by name, checked, packed.

use docent_kernels::matmul::{FloatWeights, Int8Weights};
use docent_kernels::norm::LayerNorm;
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};

use super::config::{EncoderConfig, Precision};
use super::error::EncoderError;

/// All weights, ready to run.
pub(super) struct Weights {
    pub(super) words: Table,
    /// A row for each position.
    pub(super) positions: Vec<f32>,
    /// What every token of the first type gets added.
    pub(super) token_type: Vec<f32>,
    pub(super) norm: Norm,
    pub(super) layers: Vec<Layer>,
}

/// The weights of one layer.
pub(super) struct Layer {
    /// Queries, keys and values by one product.
    pub(super) projection: Linear,
    pub(super) attention_output: Linear,
    pub(super) attention_norm: Norm,
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

/// The vocabulary's vectors, the largest part of a small model: a file's f16 stay f16.
pub(super) enum Table {
    F16(Vec<f16>),
    F32(Vec<f32>),
}

impl Table {
    /// Writes the row of `token` to `to`, which is as long as a row.
    pub(super) fn copy_row(&self, token: u32, to: &mut [f32]) {
        let from = token as usize * to.len()..(token as usize + 1) * to.len();
        match self {
            Table::F32(rows) => to.copy_from_slice(&rows[from]),
            Table::F16(rows) => {
                use half::slice::HalfFloatSliceExt;
                rows[from].convert_to_f32_slice(to);
            }
        }
    }
}

impl Weights {
    /// Reads every tensor that `config` asks for.
    pub(super) fn read(
        bytes: &[u8],
        config: &EncoderConfig,
        precision: Precision,
    ) -> Result<Self, EncoderError> {
        let file = File::open(bytes)?;
        let (hidden, norm) = (config.hidden, config.layer_norm_epsilon);
        let mut token_type = file.values(
            "embeddings.token_type_embeddings.weight",
            &[config.token_types, hidden],
        )?;
        token_type.truncate(hidden);
        let layers = (0..config.layers)
            .map(|index| file.layer(index, config, precision))
            .collect::<Result<_, _>>()?;
        Ok(Weights {
            words: file.table(
                "embeddings.word_embeddings.weight",
                &[config.vocabulary, hidden],
            )?,
            positions: file.values(
                "embeddings.position_embeddings.weight",
                &[config.max_positions, hidden],
            )?,
            token_type,
            norm: file.norm("embeddings.LayerNorm", hidden, norm)?,
            layers,
        })
    }
}

/// A safetensors file whose names may all start with `bert.`.
struct File<'a> {
    tensors: SafeTensors<'a>,
    prefix: &'static str,
}

impl<'a> File<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, EncoderError> {
        let tensors = SafeTensors::deserialize(bytes)
            .map_err(|error| EncoderError::Unreadable(error.to_string()))?;
        let prefixed = tensors.names().iter().any(|name| name.starts_with("bert."));
        Ok(File {
            tensors,
            prefix: if prefixed { "bert." } else { "" },
        })
    }

    fn layer(
        &self,
        index: usize,
        config: &EncoderConfig,
        precision: Precision,
    ) -> Result<Layer, EncoderError> {
        let (hidden, inner) = (config.hidden, config.intermediate);
        let norm = config.layer_norm_epsilon;
        let at = |part: &str| format!("encoder.layer.{index}.{part}");
        let linear =
            |part: &str, outputs, inputs| self.linear(&at(part), outputs, inputs, precision);
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for part in ["query", "key", "value"] {
            let name = at(&format!("attention.self.{part}"));
            weights.extend(self.values(&format!("{name}.weight"), &[hidden, hidden])?);
            bias.extend(self.values(&format!("{name}.bias"), &[hidden])?);
        }
        Ok(Layer {
            projection: Linear::pack(&weights, &bias, hidden, precision),
            attention_output: linear("attention.output.dense", hidden, hidden)?,
            attention_norm: self.norm(&at("attention.output.LayerNorm"), hidden, norm)?,
            up: linear("intermediate.dense", inner, hidden)?,
            down: linear("output.dense", hidden, inner)?,
            output_norm: self.norm(&at("output.LayerNorm"), hidden, norm)?,
        })
    }

    fn linear(
        &self,
        name: &str,
        outputs: usize,
        inputs: usize,
        precision: Precision,
    ) -> Result<Linear, EncoderError> {
        let weights = self.values(&format!("{name}.weight"), &[outputs, inputs])?;
        let bias = self.values(&format!("{name}.bias"), &[outputs])?;
        Ok(Linear::pack(&weights, &bias, inputs, precision))
    }

    /// A layer normalisation, whose parts older files call gamma and beta.
    fn norm(&self, name: &str, len: usize, epsilon: f32) -> Result<Norm, EncoderError> {
        let part = |new: &str, old: &str| {
            let old = format!("{name}.{old}");
            if self
                .tensors
                .tensor(&format!("{}{old}", self.prefix))
                .is_ok()
            {
                self.values(&old, &[len])
            } else {
                self.values(&format!("{name}.{new}"), &[len])
            }
        };
        Ok(Norm {
            gain: part("weight", "gamma")?,
            bias: part("bias", "beta")?,
            epsilon,
        })
    }

    /// A tensor's bytes and how its numbers are stored, once its shape is what it must be.
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<(&'a [u8], Dtype), EncoderError> {
        let name = format!("{}{name}", self.prefix);
        let Ok(tensor) = self.tensors.tensor(&name) else {
            return Err(EncoderError::MissingTensor { name });
        };
        if tensor.shape() != shape {
            return Err(EncoderError::TensorShape {
                name,
                found: tensor.shape().to_vec(),
                expected: shape.to_vec(),
            });
        }
        if !matches!(tensor.dtype(), Dtype::F32 | Dtype::F16 | Dtype::BF16) {
            return Err(EncoderError::TensorKind {
                name,
                found: format!("{:?}", tensor.dtype()),
            });
        }
        Ok((tensor.data(), tensor.dtype()))
    }

    /// A tensor's numbers, each of them finite.
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EncoderError> {
        let (data, kind) = self.tensor(name, shape)?;
        let values: Vec<f32> = match kind {
            Dtype::F16 => halves(data).map(f16::to_f32).collect(),
            Dtype::BF16 => halves(data)
                .map(|x| bf16::from_bits(x.to_bits()).to_f32())
                .collect(),
            _ => data
                .as_chunks()
                .0
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect(),
        };
        self.check_finite(name, &values, |x| x.is_finite())?;
        Ok(values)
    }

    /// The vocabulary's vectors, f16 where the file has f16.
    fn table(&self, name: &str, shape: &[usize]) -> Result<Table, EncoderError> {
        let (data, kind) = self.tensor(name, shape)?;
        if kind != Dtype::F16 {
            return Ok(Table::F32(self.values(name, shape)?));
        }
        let values: Vec<f16> = halves(data).collect();
        self.check_finite(name, &values, |x| x.is_finite())?;
        Ok(Table::F16(values))
    }

    fn check_finite<T: Copy>(
        &self,
        name: &str,
        values: &[T],
        is_finite: impl Fn(T) -> bool,
    ) -> Result<(), EncoderError> {
        // Without a way out in the middle, the compiler makes vectors of it.
        if values.iter().fold(true, |all, x| all & is_finite(*x)) {
            return Ok(());
        }
        Err(EncoderError::NotFinite {
            name: format!("{}{name}", self.prefix),
            index: values.iter().position(|x| !is_finite(*x)).unwrap_or(0),
        })
    }
}

/// Numbers of two bytes.
fn halves(data: &[u8]) -> impl Iterator<Item = f16> {
    data.as_chunks()
        .0
        .iter()
        .map(|bytes| f16::from_le_bytes(*bytes))
}
