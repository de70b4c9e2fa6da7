//! What a GGUF file says about its network, checked before candle builds it.

use std::collections::HashMap;

use candle_core::Shape;
use candle_core::quantized::gguf_file::{self, VersionedMagic};

use crate::gguf::{Gguf, GgufError, Value};

/// candle computes rotary positions of these architectures for so many tokens only.
const FIXED_CONTEXT: usize = 4096;
/// The context that is taken unless more is asked for; keys and values take memory for it.
const USUAL_CONTEXT: usize = 4096;
/// More layers than any model has.
const MAX_LAYERS: usize = 1024;

/// The architectures that docent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Architecture {
    Llama,
    Qwen2,
    Qwen3,
    Phi3,
    Gemma3,
}

impl Architecture {
    /// All of them.
    pub(crate) const ALL: [Architecture; 5] = [
        Architecture::Llama,
        Architecture::Qwen2,
        Architecture::Qwen3,
        Architecture::Phi3,
        Architecture::Gemma3,
    ];

    /// The name in `general.architecture`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Architecture::Llama => "llama",
            Architecture::Qwen2 => "qwen2",
            Architecture::Qwen3 => "qwen3",
            Architecture::Phi3 => "phi3",
            Architecture::Gemma3 => "gemma3",
        }
    }

    fn of(gguf: &Gguf) -> Result<Architecture, GgufError> {
        let Some(name) = gguf.text("general.architecture") else {
            let problem = "the header does not name an architecture (general.architecture)";
            return Err(GgufError::Damaged(problem.into()));
        };
        Architecture::ALL
            .into_iter()
            .find(|architecture| architecture.name() == name)
            .ok_or_else(|| {
                let known = "docent runs llama (with Mistral and SmolLM), qwen2, qwen3, phi3 and \
                             gemma3: choose a model of one of these";
                let problem = format!("its architecture is {name}");
                GgufError::Unsupported(problem, known.into())
            })
    }
}

/// What the rest needs to know of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) architecture: Architecture,
    /// Tokens that prompt and answer may have together.
    pub(crate) context: usize,
    layers: usize,
    heads: usize,
    heads_kv: usize,
    /// Length of the part of a token's vector that one head sees.
    head: usize,
}

impl Settings {
    /// The settings of a file, with a context of `asked` tokens as far as the model goes.
    pub(crate) fn from_gguf(gguf: &Gguf, asked: Option<usize>) -> Result<Settings, GgufError> {
        let architecture = Architecture::of(gguf)?;
        let number = |key: &str| gguf.number(&format!("{}.{key}", architecture.name()));
        let needed = |key: &str| {
            number(key).filter(|&number| number > 0).ok_or_else(|| {
                let key = format!("{}.{key}", architecture.name());
                GgufError::Damaged(format!("the header does not say {key}, or not as a number"))
            })
        };
        let heads = needed("attention.head_count")?;
        let embedding = needed("embedding_length")?;
        let trained = needed("context_length")?;
        let longest = match architecture {
            Architecture::Llama | Architecture::Gemma3 => trained.min(FIXED_CONTEXT),
            _ => trained,
        };
        let settings = Settings {
            architecture,
            context: asked.unwrap_or(USUAL_CONTEXT).clamp(1, longest),
            layers: needed("block_count")?,
            heads,
            heads_kv: number("attention.head_count_kv").unwrap_or(heads),
            head: number("attention.key_length").unwrap_or(embedding / heads),
        };
        settings.check(gguf, embedding)?;
        Ok(settings)
    }

    /// Refuses what candle would compute wrongly or panic on.
    fn check(&self, gguf: &Gguf, embedding: usize) -> Result<(), GgufError> {
        let impossible = self.layers > MAX_LAYERS
            || self.heads_kv == 0
            || !self.heads.is_multiple_of(self.heads_kv)
            || self.head == 0
            || !self.head.is_multiple_of(2);
        if impossible {
            return Err(GgufError::Damaged(format!(
                "the header describes an impossible network: {self:?}"
            )));
        }
        let name = self.architecture.name();
        let refuse = |what: String| {
            let remedy = "docent cannot run this variant: choose another model";
            Err(GgufError::Unsupported(what, remedy.into()))
        };
        let free_head = matches!(
            self.architecture,
            Architecture::Qwen3 | Architecture::Gemma3
        );
        if !free_head && self.head * self.heads != embedding {
            let (head, heads) = (self.head, self.heads);
            return refuse(format!(
                "its {heads} heads of {head} do not make up {embedding}"
            ));
        }
        if let Some(rotated) = gguf.number(&format!("{name}.rope.dimension_count"))
            && rotated != self.head
            && !free_head
        {
            return refuse(format!("it rotates {rotated} of {} positions", self.head));
        }
        if gguf.number(&format!("{name}.expert_count")).unwrap_or(0) > 1 {
            return refuse("it is a mixture of experts".into());
        }
        if self.architecture == Architecture::Llama
            && gguf.tensors.contains_key("blk.0.attn_q.bias")
        {
            return refuse("its attention has biases".into());
        }
        if self.architecture != Architecture::Gemma3
            && gguf.text(&format!("{name}.rope.scaling.type")) == Some("linear")
        {
            return refuse("its positions are scaled".into());
        }
        Ok(())
    }

    /// The header as candle wants it: what it would take from the file, and what files leave out
    /// or say in a way that costs memory or accuracy.
    pub(crate) fn content(&self, gguf: &Gguf) -> Result<gguf_file::Content, GgufError> {
        let prefix = format!("{}.", self.architecture.name());
        let mut metadata: HashMap<String, gguf_file::Value> = gguf
            .metadata
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix))
            .filter_map(|(key, value)| Some((key.clone(), candle_value(value)?)))
            .collect();
        let mut set = |key: &str, number: usize| -> Result<(), GgufError> {
            let number = u32::try_from(number)
                .map_err(|_| GgufError::Damaged(format!("{prefix}{key} is {number}")))?;
            metadata.insert(format!("{prefix}{key}"), gguf_file::Value::U32(number));
            Ok(())
        };
        // candle takes memory for as many positions as this says.
        set("context_length", self.context)?;
        set("attention.head_count_kv", self.heads_kv)?;
        set("attention.key_length", self.head)?;
        set("rope.dimension_count", self.head)?;
        let name = gguf_file::Value::String(self.architecture.name().into());
        metadata.insert("general.architecture".into(), name);
        // 0 is f32: candle's rotary positions in f16 go wrong past 2048.
        metadata.insert("general.dtype".into(), gguf_file::Value::U32(0));
        let tensor_infos = gguf.tensors.iter().map(|(name, entry)| {
            let info = gguf_file::TensorInfo {
                ggml_dtype: entry.kind,
                shape: Shape::from(entry.shape.clone()),
                offset: entry.offset,
            };
            (name.clone(), info)
        });
        Ok(gguf_file::Content {
            magic: VersionedMagic::GgufV3,
            metadata,
            tensor_infos: tensor_infos.collect(),
            tensor_data_offset: gguf.weights_at,
        })
    }
}

/// A value for candle, which asks for whole numbers as `u32` and others as `f32`.
fn candle_value(value: &Value) -> Option<gguf_file::Value> {
    Some(match value {
        Value::Integer(number) => gguf_file::Value::U32(u32::try_from(*number).ok()?),
        Value::Float(number) => gguf_file::Value::F32(*number as f32),
        Value::Flag(flag) => gguf_file::Value::Bool(*flag),
        Value::Text(text) => gguf_file::Value::String(text.clone()),
        Value::Integers(_) | Value::Floats(_) | Value::Texts(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{starter_gguf, tiny};

    fn with(key: &str, value: Value) -> Result<Settings, GgufError> {
        let mut gguf = tiny("llama");
        gguf.metadata.insert(key.into(), value);
        Settings::from_gguf(&gguf, None)
    }

    #[test]
    fn the_context_is_the_least_of_what_is_trained_possible_and_asked() {
        let starter = starter_gguf();
        let context = |asked| Settings::from_gguf(&starter, asked).unwrap().context;
        assert_eq!(context(None), 4096);
        assert_eq!(context(Some(100_000)), 4096);
        assert_eq!(context(Some(512)), 512);
        assert_eq!(context(Some(0)), 1);
    }

    #[test]
    fn an_unknown_architecture_is_named_with_the_list() {
        match with("general.architecture", Value::Text("mamba".into())) {
            Err(GgufError::Unsupported(what, remedy)) => {
                assert!(what.contains("mamba"));
                for architecture in Architecture::ALL {
                    assert!(remedy.contains(architecture.name()));
                }
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn impossible_numbers_are_damage() {
        for (key, number) in [
            ("llama.attention.head_count", 0),
            ("llama.attention.head_count_kv", 0),
            ("llama.attention.head_count_kv", 3),
            ("llama.block_count", 1 << 40),
            ("llama.block_count", -1),
            ("llama.embedding_length", 0),
            ("llama.context_length", 0),
        ] {
            let outcome = with(key, Value::Integer(number));
            assert!(
                matches!(outcome, Err(GgufError::Damaged(_))),
                "{key} {number}: {outcome:?}"
            );
        }
    }

    #[test]
    fn variants_that_would_come_out_wrong_are_refused() {
        for (key, value) in [
            ("llama.attention.key_length", Value::Integer(64)),
            ("llama.rope.dimension_count", Value::Integer(8)),
            ("llama.expert_count", Value::Integer(8)),
            ("llama.rope.scaling.type", Value::Text("linear".into())),
        ] {
            assert!(
                matches!(with(key, value), Err(GgufError::Unsupported(..))),
                "{key}"
            );
        }
    }
}
