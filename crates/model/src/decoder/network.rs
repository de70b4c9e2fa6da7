//! A network's weights by their places: which tensors of a GGUF file make up which layer.

use crate::gguf::{Gguf, GgufError};
use crate::source::Source;

use super::config::{Architecture, Config, HeadNorms};
use super::footprint::Footprint;
use super::packed::{Matrix, Need, Plan, Unit, read_floats, rows_within};
use super::rope::Frequencies;

/// Bytes of the output matrix that are needed at a time; few in tests, whose models are small.
const OUTPUT_BYTES: usize = if cfg!(test) { 16 << 10 } else { 32 << 20 };

/// All that a token passes but the matrices themselves, which are found by their [`Matrix`].
pub(super) struct Network {
    pub(super) config: Config,
    /// The vectors of the vocabulary, a row for each token.
    pub(super) embedding: Rows,
    pub(super) layers: Vec<Layer>,
    pub(super) output_norm: Vec<f32>,
    pub(super) output: Vec<Output>,
    /// Angles of layers that see everything, and of those that see a window.
    pub(super) frequencies: Frequencies,
    pub(super) sliding_frequencies: Frequencies,
}

/// A matrix of which single rows are looked up: where it lies in the model's file.
pub(super) struct Rows {
    pub(super) tensor: String,
    pub(super) count: usize,
}

/// `x · weightsᵀ + bias`.
pub(super) struct Linear {
    pub(super) matrix: Matrix,
    pub(super) bias: Option<Vec<f32>>,
}

/// Some rows of the output matrix, which is large: those of a stretch of the vocabulary.
pub(super) struct Output {
    pub(super) unit: Unit,
    /// The first token.
    pub(super) first: usize,
    pub(super) linear: Linear,
}

/// One layer: attention, then a feed-forward block, each with its norms.
pub(super) struct Layer {
    /// The matrices of attention, and the router of a mixture.
    pub(super) unit: Unit,
    pub(super) attention_norm: Option<Vec<f32>>,
    pub(super) query: Linear,
    pub(super) key: Linear,
    pub(super) value: Linear,
    pub(super) query_norm: Option<HeadNorm>,
    pub(super) key_norm: Option<HeadNorm>,
    pub(super) attention_output: Linear,
    pub(super) post_attention_norm: Option<Vec<f32>>,
    pub(super) feed_forward_norm: Option<Vec<f32>>,
    pub(super) feed_forward: FeedForward,
    pub(super) post_feed_forward_norm: Option<Vec<f32>>,
    pub(super) window: Option<usize>,
    pub(super) rotation: Rotation,
}

/// A norm of queries or keys.
pub(super) enum HeadNorm {
    /// Each head by itself, all with the same gain.
    Each(Vec<f32>),
    /// All heads of a token together.
    Together(Vec<f32>),
}

/// Which angles a layer's queries and keys are turned by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rotation {
    None,
    Full,
    Sliding,
}

/// What follows attention.
pub(super) enum FeedForward {
    /// `down` has a unit of its own.
    Dense {
        block: Block,
        down: Unit,
    },
    Experts {
        router: Linear,
        blocks: Vec<Block>,
    },
}

/// `down(gate(x) · up(x))`.
pub(super) struct Block {
    pub(super) unit: Unit,
    pub(super) gate: Linear,
    pub(super) up: Linear,
    pub(super) down: Linear,
}

impl Network {
    /// The network of a file; its matrices are entered into `plan`.
    ///
    /// `context` is the number of tokens that it is to see at most: some models turn positions
    /// by other angles once that is more than they were first trained on.
    pub(super) fn load(
        gguf: &Gguf,
        source: &Source,
        config: Config,
        context: usize,
        plan: &mut Plan,
    ) -> Result<Network, GgufError> {
        let mut tensors = Tensors { gguf, source, plan };
        let vocabulary = tensors.entry("token_embd.weight")?.rows();
        let output = match tensors.has("output.weight") {
            true => "output",
            // Tied: the vectors of the vocabulary are the weights of the output as well.
            false => "token_embd",
        };
        let layers = (0..config.layers).map(|index| tensors.layer(&config, index));
        let layers = layers.collect::<Result<Vec<_>, _>>()?;
        let factors = tensors.rope_factors(&config, context)?;
        Ok(Network {
            embedding: tensors.rows("token_embd.weight", vocabulary, config.embedding)?,
            layers,
            output_norm: tensors.floats("output_norm.weight", config.embedding)?,
            output: tensors.output(output, vocabulary, config.embedding)?,
            frequencies: Frequencies::new(&config.rope, factors.as_deref()),
            sliding_frequencies: Frequencies::new(&config.sliding_rope, factors.as_deref()),
            config,
        })
    }

    /// Bytes of its packed weights.
    pub(super) fn footprint(&self, plan: &Plan) -> Footprint {
        let of = |is_expert: bool| {
            let units = plan.units().iter();
            let chosen = units.filter(|unit| (unit.need == Need::Expert) == is_expert);
            chosen.map(|unit| unit.bytes as u64).sum()
        };
        let experts: u64 = of(true);
        Footprint {
            common: of(false),
            experts,
            chosen: self.config.experts.map_or(0, |config| {
                experts / config.count.max(1) as u64 * config.used.min(config.count) as u64
            }),
        }
    }

    /// The number of tokens that have a vector.
    pub(super) fn vocabulary(&self) -> usize {
        self.embedding.count
    }
}

/// The tensors of a file, looked up by name and checked against the shape that they must have.
struct Tensors<'a> {
    gguf: &'a Gguf,
    source: &'a Source,
    plan: &'a mut Plan,
}

impl Tensors<'_> {
    fn has(&self, name: &str) -> bool {
        self.gguf.tensors.contains_key(name)
    }

    fn entry(&self, name: &str) -> Result<&crate::gguf::TensorEntry, GgufError> {
        let entry = self.gguf.tensors.get(name);
        entry.ok_or_else(|| GgufError::Damaged(format!("the tensor {name} is missing")))
    }

    /// A tensor of `length` numbers, as floats.
    fn floats(&self, name: &str, length: usize) -> Result<Vec<f32>, GgufError> {
        let entry = self.entry(name)?;
        if entry.elements() != length {
            return Err(misshapen(name, &entry.shape, &[length]));
        }
        Ok(read_floats(self.source, self.gguf, entry, 0, entry.rows())?)
    }

    fn optional_floats(&self, name: &str, length: usize) -> Result<Option<Vec<f32>>, GgufError> {
        match self.has(name) {
            true => self.floats(name, length).map(Some),
            false => Ok(None),
        }
    }

    fn rows(&self, name: &str, count: usize, width: usize) -> Result<Rows, GgufError> {
        let entry = self.entry(name)?;
        if entry.shape != [count, width] {
            return Err(misshapen(name, &entry.shape, &[count, width]));
        }
        Ok(Rows {
            tensor: name.to_owned(),
            count,
        })
    }

    /// The linear layer whose weights are `name.weight` and whose bias, if any, is `name.bias`.
    fn linear(&mut self, name: &str, outputs: usize, inputs: usize) -> Result<Linear, GgufError> {
        let bias = self.optional_floats(&format!("{name}.bias"), outputs)?;
        let matrix = self.part(&format!("{name}.weight"), &[outputs, inputs], 0, outputs)?;
        Ok(Linear { matrix, bias })
    }

    /// The output matrix in stretches of a bounded size.
    fn output(
        &mut self,
        name: &str,
        vocabulary: usize,
        inputs: usize,
    ) -> Result<Vec<Output>, GgufError> {
        let bias = self.optional_floats(&format!("{name}.bias"), vocabulary)?;
        let tensor = format!("{name}.weight");
        let step = rows_within(self.entry(&tensor)?.kind, inputs, OUTPUT_BYTES);
        let stretches = (0..vocabulary.max(1)).step_by(step).map(|first| {
            let rows = step.min(vocabulary - first);
            let unit = self.plan.begin(Need::Output);
            let matrix = self.part(&tensor, &[vocabulary, inputs], first, rows)?;
            let bias = bias.as_ref().map(|bias| bias[first..first + rows].to_vec());
            Ok(Output {
                unit,
                first,
                linear: Linear { matrix, bias },
            })
        });
        stretches.collect()
    }

    /// `rows` rows, from the row `first` on, of a tensor of this shape, whose last number is
    /// the width of a row.
    fn part(
        &mut self,
        name: &str,
        shape: &[usize],
        first: usize,
        rows: usize,
    ) -> Result<Matrix, GgufError> {
        let entry = self.entry(name)?.clone();
        if entry.shape != shape {
            return Err(misshapen(name, &entry.shape, shape));
        }
        self.plan.add(name, self.gguf, &entry, first, rows)
    }

    fn layer(&mut self, config: &Config, index: usize) -> Result<Layer, GgufError> {
        let name = |part: &str| format!("blk.{index}.{part}");
        let (width, norms) = (config.embedding, config.norms);
        let unit = self.plan.begin(Need::Attention);
        let [query, key, value] = self.attention_inputs(config, index)?;
        let attention_output = self.linear(&name("attn_output"), width, config.query_width())?;
        Ok(Layer {
            unit,
            attention_norm: self.norm(&name("attn_norm.weight"), width, norms.before)?,
            query,
            key,
            value,
            query_norm: self.head_norm(
                &name("attn_q_norm.weight"),
                config,
                config.query_width(),
            )?,
            key_norm: self.head_norm(&name("attn_k_norm.weight"), config, config.key_width())?,
            attention_output,
            post_attention_norm: self.norm(
                &name("post_attention_norm.weight"),
                width,
                norms.after,
            )?,
            feed_forward_norm: self.norm(&name("ffn_norm.weight"), width, norms.before)?,
            feed_forward: self.feed_forward(config, index)?,
            post_feed_forward_norm: self.norm(&name("post_ffw_norm.weight"), width, norms.after)?,
            window: config.window_of(index),
            rotation: match config.rope_of(index) {
                None => Rotation::None,
                Some(_) if config.window_of(index).is_some() => Rotation::Sliding,
                Some(_) => Rotation::Full,
            },
        })
    }

    /// Queries, keys and values, which some files keep in one tensor.
    fn attention_inputs(
        &mut self,
        config: &Config,
        index: usize,
    ) -> Result<[Linear; 3], GgufError> {
        let name = |part: &str| format!("blk.{index}.{part}");
        let (queries, keys, width) = (config.query_width(), config.key_width(), config.embedding);
        let fused = name("attn_qkv.weight");
        if config.architecture != Architecture::Phi3 || !self.has(&fused) {
            return Ok([
                self.linear(&name("attn_q"), queries, width)?,
                self.linear(&name("attn_k"), keys, width)?,
                self.linear(&name("attn_v"), keys, width)?,
            ]);
        }
        let all = queries + 2 * keys;
        let bias = self.optional_floats(&name("attn_qkv.bias"), all)?;
        let mut slice = |first: usize, rows: usize| -> Result<Linear, GgufError> {
            Ok(Linear {
                matrix: self.part(&fused, &[all, width], first, rows)?,
                bias: bias.as_ref().map(|bias| bias[first..first + rows].to_vec()),
            })
        };
        Ok([
            slice(0, queries)?,
            slice(queries, keys)?,
            slice(queries + keys, keys)?,
        ])
    }

    fn norm(&self, name: &str, width: usize, wanted: bool) -> Result<Option<Vec<f32>>, GgufError> {
        match wanted {
            true => self.floats(name, width).map(Some),
            false => Ok(None),
        }
    }

    /// The norm of queries or keys, which are `all` numbers for all heads together.
    fn head_norm(
        &self,
        name: &str,
        config: &Config,
        all: usize,
    ) -> Result<Option<HeadNorm>, GgufError> {
        Ok(match config.norms.heads {
            HeadNorms::None => None,
            HeadNorms::Each => Some(HeadNorm::Each(self.floats(name, config.head)?)),
            HeadNorms::Together => Some(HeadNorm::Together(self.floats(name, all)?)),
        })
    }

    fn feed_forward(&mut self, config: &Config, index: usize) -> Result<FeedForward, GgufError> {
        let name = |part: &str| format!("blk.{index}.{part}");
        let (inner, width) = (config.feed_forward, config.embedding);
        // A mixture may begin with dense layers.
        let Some(experts) = config
            .experts
            .filter(|_| self.has(&name("ffn_gate_inp.weight")))
        else {
            return self.dense(config, index);
        };
        let router = self.linear(&name("ffn_gate_inp"), experts.count, width)?;
        let merged = self.has(&name("ffn_gate_exps.weight"));
        let mut blocks = Vec::with_capacity(experts.count);
        for expert in 0..experts.count {
            let unit = self.plan.begin(Need::Expert);
            let mut matrix = |part: &str, outputs: usize, inputs: usize| {
                if merged {
                    let tensor = name(&format!("{part}_exps.weight"));
                    let shape = [experts.count, outputs, inputs];
                    let matrix = self.part(&tensor, &shape, expert * outputs, outputs)?;
                    Ok(Linear { matrix, bias: None })
                } else {
                    self.linear(&name(&format!("{part}.{expert}")), outputs, inputs)
                }
            };
            blocks.push(Block {
                unit,
                gate: matrix("ffn_gate", inner, width)?,
                up: matrix("ffn_up", inner, width)?,
                down: matrix("ffn_down", width, inner)?,
            });
        }
        Ok(FeedForward::Experts { router, blocks })
    }

    fn dense(&mut self, config: &Config, index: usize) -> Result<FeedForward, GgufError> {
        let name = |part: &str| format!("blk.{index}.{part}");
        let (inner, width) = (config.feed_forward, config.embedding);
        let unit = self.plan.begin(Need::Block);
        let [gate, up] = match config.architecture {
            // Phi has gate and up in one tensor.
            Architecture::Phi3 => {
                let fused = name("ffn_up.weight");
                let mut slice = |first: usize| -> Result<Linear, GgufError> {
                    let matrix = self.part(&fused, &[2 * inner, width], first, inner)?;
                    Ok(Linear { matrix, bias: None })
                };
                [slice(0)?, slice(inner)?]
            }
            _ => [
                self.linear(&name("ffn_gate"), inner, width)?,
                self.linear(&name("ffn_up"), inner, width)?,
            ],
        };
        let down_unit = self.plan.begin(Need::Block);
        let down = self.linear(&name("ffn_down"), width, inner)?;
        Ok(FeedForward::Dense {
            block: Block {
                unit,
                gate,
                up,
                down,
            },
            down: down_unit,
        })
    }

    /// What each angle is divided by, for models that bring such a list.
    fn rope_factors(&self, config: &Config, context: usize) -> Result<Option<Vec<f32>>, GgufError> {
        let pairs = config.rope.rotated / 2;
        let key = format!(
            "{}.rope.scaling.original_context_length",
            config.architecture.name()
        );
        let original = self.gguf.number(&key).unwrap_or(config.trained_context);
        let name = match () {
            () if self.has("rope_freqs.weight") => "rope_freqs.weight",
            () if context > original => "rope_factors_long.weight",
            () => "rope_factors_short.weight",
        };
        self.optional_floats(name, pairs)
    }
}

fn misshapen(name: &str, shape: &[usize], expected: &[usize]) -> GgufError {
    GgufError::Damaged(format!(
        "the tensor {name} has the shape {shape:?}, and its network needs {expected:?}"
    ))
}
