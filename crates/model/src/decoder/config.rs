//! What a GGUF file says about its network, and what the makers of each architecture left unsaid.
//!
//! Names of the metadata: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>. Where a file
//! is silent, a network is what llama.cpp takes it for, because that is what files are made for.

use docent_kernels::activation::Gate;
use docent_kernels::rope::Pairing;

use crate::gguf::{Gguf, GgufError, Value};

use super::rope::{Rope, Scaling};

/// More layers than any model has.
const MAX_LAYERS: usize = 1024;
/// No head is longer.
const LONGEST_HEAD: usize = 1024;
/// No model is wider than this in any direction but its vocabulary.
const MAX_WIDTH: usize = 1 << 20;

/// The architectures that the decoder runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Architecture {
    /// Llama 1 to 3, Mistral, Mixtral, SmolLM 2 and whatever else took their layout.
    Llama,
    SmolLm3,
    Qwen2,
    Qwen3,
    Qwen3Moe,
    Gemma,
    Gemma2,
    Gemma3,
    /// Phi 3, 3.5 and 4.
    Phi3,
    Granite,
    GraniteMoe,
    /// OLMo 2 and 3.
    Olmo2,
}

impl Architecture {
    /// All of them.
    pub(crate) const ALL: [Architecture; 12] = [
        Architecture::Llama,
        Architecture::SmolLm3,
        Architecture::Qwen2,
        Architecture::Qwen3,
        Architecture::Qwen3Moe,
        Architecture::Gemma,
        Architecture::Gemma2,
        Architecture::Gemma3,
        Architecture::Phi3,
        Architecture::Granite,
        Architecture::GraniteMoe,
        Architecture::Olmo2,
    ];

    /// The name in `general.architecture`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Architecture::Llama => "llama",
            Architecture::SmolLm3 => "smollm3",
            Architecture::Qwen2 => "qwen2",
            Architecture::Qwen3 => "qwen3",
            Architecture::Qwen3Moe => "qwen3moe",
            Architecture::Gemma => "gemma",
            Architecture::Gemma2 => "gemma2",
            Architecture::Gemma3 => "gemma3",
            Architecture::Phi3 => "phi3",
            Architecture::Granite => "granite",
            Architecture::GraniteMoe => "granitemoe",
            Architecture::Olmo2 => "olmo2",
        }
    }

    /// The architecture called `name`.
    pub(crate) fn by_name(name: &str) -> Option<Architecture> {
        Architecture::ALL
            .into_iter()
            .find(|architecture| architecture.name() == name)
    }

    /// Which numbers of a head are rotated together.
    fn pairing(self) -> Pairing {
        match self {
            Architecture::Llama
            | Architecture::SmolLm3
            | Architecture::Granite
            | Architecture::GraniteMoe => Pairing::Neighbours,
            _ => Pairing::Halves,
        }
    }

    /// Where its layers have norms.
    fn norms(self) -> Norms {
        let heads = match self {
            Architecture::Qwen3 | Architecture::Qwen3Moe | Architecture::Gemma3 => HeadNorms::Each,
            Architecture::Olmo2 => HeadNorms::Together,
            _ => HeadNorms::None,
        };
        Norms {
            before: self != Architecture::Olmo2,
            after: matches!(
                self,
                Architecture::Gemma2 | Architecture::Gemma3 | Architecture::Olmo2
            ),
            heads,
        }
    }

    fn is_gemma(self) -> bool {
        matches!(
            self,
            Architecture::Gemma | Architecture::Gemma2 | Architecture::Gemma3
        )
    }
}

/// Where layers have norms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Norms {
    /// Before attention and before the feed-forward block.
    pub(crate) before: bool,
    /// After each of them, before its result is added.
    pub(crate) after: bool,
    pub(crate) heads: HeadNorms,
}

/// How queries and keys are normed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadNorms {
    None,
    /// Each head by itself.
    Each,
    /// All heads of a token together.
    Together,
}

/// A mixture of experts: of `count` feed-forward blocks a token passes the `used` ones that its
/// router prefers, weighted by a softmax over those.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Experts {
    pub(crate) count: usize,
    pub(crate) used: usize,
}

/// A network in numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Config {
    pub(crate) architecture: Architecture,
    pub(crate) layers: usize,
    /// Length of a token's vector.
    pub(crate) embedding: usize,
    /// Length of the vector inside a feed-forward block, or inside one expert.
    pub(crate) feed_forward: usize,
    pub(crate) heads: usize,
    pub(crate) heads_kv: usize,
    /// Length of a head's queries, keys and values.
    pub(crate) head: usize,
    /// Tokens that the model was trained to see at once.
    pub(crate) trained_context: usize,
    /// Added to the mean square in norms.
    pub(crate) epsilon: f32,
    pub(crate) norms: Norms,
    pub(crate) pairing: Pairing,
    /// Positions of layers that see everything, and of all layers where there is one kind.
    pub(crate) rope: Rope,
    /// Positions of layers that see a window.
    pub(crate) sliding_rope: Rope,
    /// Every so many layers the last one gives no positions to its keys; `None`: all give them.
    unrotated_every: Option<usize>,
    /// Tokens that a sliding layer sees, the present one among them.
    pub(crate) window: Option<usize>,
    /// Every so many layers the last one sees everything, not just the window.
    full_every: usize,
    pub(crate) attention_scale: f32,
    /// Scores `s` become `cap · tanh(s / cap)`.
    pub(crate) attention_cap: Option<f32>,
    /// Likewise for logits.
    pub(crate) output_cap: Option<f32>,
    pub(crate) embedding_scale: f32,
    /// Factor on what a block adds to the token's vector.
    pub(crate) residual_scale: f32,
    /// Factor on logits.
    pub(crate) output_scale: f32,
    pub(crate) gate: Gate,
    pub(crate) experts: Option<Experts>,
}

impl Config {
    /// The network of a file whose architecture is `architecture`.
    pub(crate) fn from_gguf(gguf: &Gguf, architecture: Architecture) -> Result<Config, GgufError> {
        let keys = Keys { gguf, architecture };
        let embedding = keys.size("embedding_length")?;
        let layers = keys.size("block_count")?;
        let heads = keys.size("attention.head_count")?;
        let head = match keys.optional_size("attention.key_length")? {
            Some(head) => head,
            None => embedding / heads,
        };
        let experts = keys.experts()?;
        let expert_width = match experts {
            Some(_) => keys.optional_size("expert_feed_forward_length")?,
            None => None,
        };
        let trained_context = keys.size("context_length")?;
        let (rope, sliding_rope) = ropes(&keys, head, trained_context)?;
        let (window, full_every) = window(&keys)?;
        let config = Config {
            architecture,
            layers,
            embedding,
            feed_forward: match expert_width {
                Some(width) => width,
                None => keys.size("feed_forward_length")?,
            },
            heads,
            heads_kv: keys
                .optional_size("attention.head_count_kv")?
                .unwrap_or(heads),
            head,
            trained_context,
            epsilon: keys
                .float("attention.layer_norm_rms_epsilon")?
                .unwrap_or(1e-5),
            norms: architecture.norms(),
            pairing: architecture.pairing(),
            rope,
            sliding_rope,
            unrotated_every: (architecture == Architecture::SmolLm3).then_some(4),
            window,
            full_every,
            attention_scale: attention_scale(&keys, embedding, heads, head, layers)?,
            attention_cap: match architecture {
                Architecture::Gemma2 => Some(keys.float("attn_logit_softcapping")?.unwrap_or(50.0)),
                _ => None,
            },
            output_cap: match architecture {
                Architecture::Gemma2 => {
                    Some(keys.float("final_logit_softcapping")?.unwrap_or(30.0))
                }
                Architecture::Gemma3 => keys.float("final_logit_softcapping")?,
                _ => None,
            }
            .filter(|cap| *cap > 0.0),
            embedding_scale: match architecture.is_gemma() {
                true => (embedding as f32).sqrt(),
                false => keys.multiplier("embedding_scale")?,
            },
            residual_scale: keys.multiplier("residual_scale")?,
            output_scale: 1.0 / keys.multiplier("logit_scale")?,
            gate: match architecture.is_gemma() {
                true => Gate::GeluTanh,
                false => Gate::Silu,
            },
            experts,
        };
        config.check(&keys)?;
        Ok(config)
    }

    /// Refuses numbers that do not make a network, and networks that would come out wrong.
    fn check(&self, keys: &Keys<'_>) -> Result<(), GgufError> {
        let impossible = self.layers > MAX_LAYERS
            || !self.heads.is_multiple_of(self.heads_kv)
            || !(1..=LONGEST_HEAD).contains(&self.head)
            || !self.head.is_multiple_of(2)
            || self.rope.rotated > self.head
            || self.epsilon < 0.0
            || !self.attention_scale.is_finite();
        if impossible {
            return Err(GgufError::Damaged(format!(
                "the header describes an impossible network: {} layers, {} heads of {} with {} \
                 of keys, {} rotated",
                self.layers, self.heads, self.head, self.heads_kv, self.rope.rotated
            )));
        }
        let values = keys.optional_size("attention.value_length")?;
        if values.is_some_and(|values| values != self.head) {
            return Err(keys.unsupported("its values have another length than its keys"));
        }
        Ok(())
    }

    /// Length of all heads' queries of a token.
    pub(crate) fn query_width(&self) -> usize {
        self.heads * self.head
    }

    /// Length of all heads' keys of a token.
    pub(crate) fn key_width(&self) -> usize {
        self.heads_kv * self.head
    }

    /// The window of a layer; `None` if it sees everything.
    pub(crate) fn window_of(&self, layer: usize) -> Option<usize> {
        self.window
            .filter(|_| !(layer + 1).is_multiple_of(self.full_every))
    }

    /// The rotary positions of a layer; `None` if it does without.
    pub(crate) fn rope_of(&self, layer: usize) -> Option<&Rope> {
        match self.unrotated_every {
            Some(every) if (layer + 1).is_multiple_of(every) => None,
            _ if self.window_of(layer).is_some() => Some(&self.sliding_rope),
            _ => Some(&self.rope),
        }
    }
}

/// The metadata of one architecture.
struct Keys<'a> {
    gguf: &'a Gguf,
    architecture: Architecture,
}

impl Keys<'_> {
    fn name(&self, key: &str) -> String {
        format!("{}.{key}", self.architecture.name())
    }

    fn unsupported(&self, what: &str) -> GgufError {
        let remedy = "docent cannot run this variant: choose another model";
        GgufError::Unsupported(what.into(), remedy.into())
    }

    /// A whole number from 1 on; a list of equal ones, a value for each layer, is one as well.
    fn optional_size(&self, key: &str) -> Result<Option<usize>, GgufError> {
        let key = self.name(key);
        let number = match self.gguf.metadata.get(&key) {
            None => return Ok(None),
            Some(Value::Integer(number)) => *number,
            Some(Value::Integers(numbers)) => match numbers.split_first() {
                Some((first, rest)) if rest.iter().all(|number| number == first) => *first,
                _ => return Err(self.unsupported(&format!("{key} differs from layer to layer"))),
            },
            Some(_) => return Err(GgufError::Damaged(format!("{key} is no number"))),
        };
        match usize::try_from(number) {
            Ok(size @ 1..=MAX_WIDTH) => Ok(Some(size)),
            // A context or a window may be longer than anything is wide.
            Ok(size) if size > MAX_WIDTH && key.ends_with("context_length") => Ok(Some(size)),
            _ => Err(GgufError::Damaged(format!("{key} is {number}"))),
        }
    }

    fn size(&self, key: &str) -> Result<usize, GgufError> {
        self.optional_size(key)?.ok_or_else(|| {
            let key = self.name(key);
            GgufError::Damaged(format!("the header does not say {key}"))
        })
    }

    fn float(&self, key: &str) -> Result<Option<f32>, GgufError> {
        let key = self.name(key);
        let number = match self.gguf.metadata.get(&key) {
            None => return Ok(None),
            Some(Value::Float(number)) => *number as f32,
            Some(Value::Integer(number)) => *number as f32,
            Some(_) => return Err(GgufError::Damaged(format!("{key} is no number"))),
        };
        match number.is_finite() {
            true => Ok(Some(number)),
            false => Err(GgufError::Damaged(format!("{key} is {number}"))),
        }
    }

    /// A factor; 0 stands for none, as in llama.cpp.
    fn multiplier(&self, key: &str) -> Result<f32, GgufError> {
        Ok(self.float(key)?.filter(|f| *f != 0.0).unwrap_or(1.0))
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.gguf.text(&self.name(key))
    }

    fn experts(&self) -> Result<Option<Experts>, GgufError> {
        // Dense files of families with experts say 0.
        let count = self.gguf.number(&self.name("expert_count")).unwrap_or(0);
        if count < 2 {
            return Ok(None);
        }
        let used = self.size("expert_used_count")?;
        if used > count || count > 4096 {
            let problem = format!("the header says that {used} of {count} experts are used");
            return Err(GgufError::Damaged(problem));
        }
        let shared = self
            .gguf
            .number(&self.name("expert_shared_feed_forward_length"));
        if shared.is_some_and(|width| width > 0) {
            return Err(self.unsupported("its layers share an expert"));
        }
        Ok(Some(Experts { count, used }))
    }
}

/// The rotary positions of full and of sliding layers.
fn ropes(keys: &Keys<'_>, head: usize, trained: usize) -> Result<(Rope, Rope), GgufError> {
    let base = keys.float("rope.freq_base")?.unwrap_or(10_000.0);
    let rotated = keys.optional_size("rope.dimension_count")?.unwrap_or(head);
    let rope = Rope {
        rotated,
        base,
        scaling: scaling(keys, trained)?,
        magnitude: keys.float("rope.scaling.attn_factor")?.unwrap_or(1.0),
    };
    let sliding = match keys.architecture {
        Architecture::Gemma3 => Rope {
            base: keys.float("rope.freq_base_swa")?.unwrap_or(10_000.0),
            scaling: Scaling::None,
            ..rope
        },
        Architecture::Olmo2 => Rope {
            scaling: Scaling::None,
            ..rope
        },
        _ => rope,
    };
    let sound = base > 0.0 && sliding.base > 0.0 && rotated.is_multiple_of(2);
    match sound {
        true => Ok((rope, sliding)),
        false => Err(GgufError::Damaged(format!(
            "the header describes impossible rotary positions: {rotated} rotated by {base}"
        ))),
    }
}

fn scaling(keys: &Keys<'_>, trained: usize) -> Result<Scaling, GgufError> {
    let factor = match keys.float("rope.scaling.factor")? {
        Some(factor) => Some(factor),
        None => keys.float("rope.scale_linear")?,
    };
    let factor = factor.filter(|factor| *factor > 0.0).unwrap_or(1.0);
    Ok(match keys.text("rope.scaling.type").unwrap_or("linear") {
        "none" => Scaling::None,
        "linear" | "longrope" => Scaling::Linear { factor },
        "yarn" => Scaling::Yarn {
            factor,
            original_context: keys
                .optional_size("rope.scaling.original_context_length")?
                .unwrap_or(trained),
            beta_fast: keys.float("rope.scaling.yarn_beta_fast")?.unwrap_or(32.0),
            beta_slow: keys.float("rope.scaling.yarn_beta_slow")?.unwrap_or(1.0),
        },
        other => return Err(keys.unsupported(&format!("its positions are scaled by {other}"))),
    })
}

/// Tokens that sliding layers see, and after how many layers one sees everything.
fn window(keys: &Keys<'_>) -> Result<(Option<usize>, usize), GgufError> {
    let (usual, full_every) = match keys.architecture {
        Architecture::Gemma2 => (Some(4096), 2),
        Architecture::Gemma3 => (None, 6),
        Architecture::Olmo2 => (None, 4),
        // Mistral 0.1 and Phi 3 name a window that they were not evaluated with.
        _ => return Ok((None, 1)),
    };
    let named = keys.gguf.number(&keys.name("attention.sliding_window"));
    Ok((named.or(usual).filter(|window| *window > 0), full_every))
}

/// What scores are multiplied by. The largest Gemmas scale by their width instead of the head's.
fn attention_scale(
    keys: &Keys<'_>,
    embedding: usize,
    heads: usize,
    head: usize,
    layers: usize,
) -> Result<f32, GgufError> {
    let by_width = match keys.architecture {
        Architecture::Gemma2 => layers == 46,
        Architecture::Gemma3 => layers == 62,
        _ => false,
    };
    let usual = match by_width {
        true => ((embedding / heads) as f32).sqrt().recip(),
        false => (head as f32).sqrt().recip(),
    };
    let named = keys.float("attention.scale")?;
    Ok(named.filter(|scale| *scale != 0.0).unwrap_or(usual))
}
