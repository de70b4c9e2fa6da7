//! Small encoders of every family for tests: a `config.json` and random weights, named as
//! Hugging Face names them.

use std::collections::BTreeMap;

use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// A tensor by name: its shape and numbers.
pub(crate) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Length of a token's vector; two heads, no whole number of vector registers.
pub(crate) const HIDDEN: usize = 40;
/// Length inside a feed-forward block.
pub(crate) const INNER: usize = 72;
/// Number of layers.
pub(crate) const LAYERS: usize = 3;
/// Number of tokens.
pub(crate) const VOCABULARY: usize = 60;
/// Tokens of a sequence at most.
pub(crate) const MOST_TOKENS: usize = 300;

/// A small encoder.
#[derive(Clone)]
pub(crate) struct Tiny {
    /// What Hugging Face calls the family.
    pub(crate) kind: &'static str,
    pub(crate) json: String,
    pub(crate) tensors: Tensors,
}

impl Tiny {
    /// One of every family.
    pub(crate) fn all() -> [Tiny; 6] {
        [
            Tiny::bert(),
            Tiny::roberta(),
            Tiny::distilbert(),
            Tiny::nomic(),
            Tiny::modern(),
            Tiny::gte(),
        ]
    }

    pub(crate) fn bert() -> Tiny {
        Tiny::bert_like("bert", "", MOST_TOKENS, 2)
    }

    pub(crate) fn roberta() -> Tiny {
        Tiny::bert_like("xlm-roberta", "", MOST_TOKENS + 2, 1)
    }

    fn bert_like(kind: &'static str, prefix: &str, positions: usize, types: usize) -> Tiny {
        let json = format!(
            r#"{{"model_type": "{kind}", "hidden_act": "gelu", "hidden_size": {HIDDEN},
            "intermediate_size": {INNER}, "layer_norm_eps": 1e-12, "num_attention_heads": 2,
            "num_hidden_layers": {LAYERS}, "max_position_embeddings": {positions},
            "position_embedding_type": "absolute", "type_vocab_size": {types},
            "vocab_size": {VOCABULARY}, "pad_token_id": {}, "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0, "initializer_range": 0.02}}"#,
            usize::from(kind != "bert"),
        );
        let mut weights = Weights::new(prefix);
        weights.table("embeddings.word_embeddings", VOCABULARY);
        weights.table("embeddings.position_embeddings", positions);
        weights.table("embeddings.token_type_embeddings", types);
        weights.norm("embeddings.LayerNorm", true);
        for layer in 0..LAYERS {
            let at = |part: &str| format!("encoder.layer.{layer}.{part}");
            for part in ["query", "key", "value"] {
                weights.linear(&at(&format!("attention.self.{part}")), HIDDEN, HIDDEN, true);
            }
            weights.linear(&at("attention.output.dense"), HIDDEN, HIDDEN, true);
            weights.norm(&at("attention.output.LayerNorm"), true);
            weights.linear(&at("intermediate.dense"), INNER, HIDDEN, true);
            weights.linear(&at("output.dense"), HIDDEN, INNER, true);
            weights.norm(&at("output.LayerNorm"), true);
        }
        weights.tiny(kind, json)
    }

    /// With ReLU, since candle has GELU's approximation where this family has GELU itself.
    pub(crate) fn distilbert() -> Tiny {
        let json = format!(
            r#"{{"model_type": "distilbert", "activation": "relu", "dim": {HIDDEN},
            "hidden_dim": {INNER}, "n_heads": 2, "n_layers": {LAYERS},
            "max_position_embeddings": {MOST_TOKENS}, "vocab_size": {VOCABULARY},
            "pad_token_id": 0, "initializer_range": 0.02}}"#
        );
        let mut weights = Weights::new("distilbert.");
        weights.table("embeddings.word_embeddings", VOCABULARY);
        weights.table("embeddings.position_embeddings", MOST_TOKENS);
        weights.norm("embeddings.LayerNorm", true);
        for layer in 0..LAYERS {
            let at = |part: &str| format!("transformer.layer.{layer}.{part}");
            for part in ["q_lin", "k_lin", "v_lin", "out_lin"] {
                weights.linear(&at(&format!("attention.{part}")), HIDDEN, HIDDEN, true);
            }
            weights.norm(&at("sa_layer_norm"), true);
            weights.linear(&at("ffn.lin1"), INNER, HIDDEN, true);
            weights.linear(&at("ffn.lin2"), HIDDEN, INNER, true);
            weights.norm(&at("output_layer_norm"), true);
        }
        weights.tiny("distilbert", json)
    }

    pub(crate) fn nomic() -> Tiny {
        let json = format!(
            r#"{{"model_type": "nomic_bert", "n_embd": {HIDDEN}, "n_inner": {INNER}, "n_head": 2,
            "n_layer": {LAYERS}, "n_positions": {MOST_TOKENS}, "activation_function": "swiglu",
            "layer_norm_epsilon": 1e-12, "rotary_emb_base": 1000, "rotary_emb_fraction": 1.0,
            "rotary_emb_interleaved": false, "type_vocab_size": 2, "vocab_size": {VOCABULARY}}}"#
        );
        let mut weights = Weights::new("");
        weights.table("embeddings.word_embeddings", VOCABULARY);
        weights.table("embeddings.token_type_embeddings", 2);
        weights.norm("emb_ln", true);
        for layer in 0..LAYERS {
            let at = |part: &str| format!("encoder.layers.{layer}.{part}");
            weights.linear(&at("attn.Wqkv"), 3 * HIDDEN, HIDDEN, false);
            weights.linear(&at("attn.out_proj"), HIDDEN, HIDDEN, false);
            weights.linear(&at("mlp.fc11"), INNER, HIDDEN, false);
            weights.linear(&at("mlp.fc12"), INNER, HIDDEN, false);
            weights.linear(&at("mlp.fc2"), HIDDEN, INNER, false);
            weights.norm(&at("norm1"), true);
            weights.norm(&at("norm2"), true);
        }
        weights.tiny("nomic_bert", json)
    }

    pub(crate) fn modern() -> Tiny {
        let json = format!(
            r#"{{"model_type": "modernbert", "hidden_size": {HIDDEN},
            "intermediate_size": {INNER}, "num_attention_heads": 2,
            "num_hidden_layers": {LAYERS}, "hidden_activation": "gelu",
            "layer_norm_eps": 1e-5, "global_attn_every_n_layers": 2, "local_attention": 16,
            "global_rope_theta": 160000.0, "local_rope_theta": 10000.0,
            "max_position_embeddings": {MOST_TOKENS}, "vocab_size": {VOCABULARY},
            "pad_token_id": 0}}"#
        );
        let mut weights = Weights::new("model.");
        weights.table("embeddings.tok_embeddings", VOCABULARY);
        weights.norm("embeddings.norm", false);
        for layer in 0..LAYERS {
            let at = |part: &str| format!("layers.{layer}.{part}");
            if layer > 0 {
                weights.norm(&at("attn_norm"), false);
            }
            weights.linear(&at("attn.Wqkv"), 3 * HIDDEN, HIDDEN, false);
            weights.linear(&at("attn.Wo"), HIDDEN, HIDDEN, false);
            weights.norm(&at("mlp_norm"), false);
            weights.linear(&at("mlp.Wi"), 2 * INNER, HIDDEN, false);
            weights.linear(&at("mlp.Wo"), HIDDEN, INNER, false);
        }
        weights.norm("final_norm", false);
        weights.tiny("modernbert", json)
    }

    pub(crate) fn gte() -> Tiny {
        let json = format!(
            r#"{{"model_type": "new", "hidden_act": "gelu", "hidden_size": {HIDDEN},
            "intermediate_size": {INNER}, "num_attention_heads": 2,
            "num_hidden_layers": {LAYERS}, "layer_norm_eps": 1e-12,
            "layer_norm_type": "layer_norm", "max_position_embeddings": {MOST_TOKENS},
            "position_embedding_type": "rope", "rope_theta": 160000,
            "rope_scaling": {{"factor": 2.0, "type": "ntk"}}, "type_vocab_size": 2,
            "vocab_size": {VOCABULARY}}}"#
        );
        let mut weights = Weights::new("new.");
        weights.table("embeddings.word_embeddings", VOCABULARY);
        weights.table("embeddings.token_type_embeddings", 2);
        weights.norm("embeddings.LayerNorm", true);
        for layer in 0..LAYERS {
            let at = |part: &str| format!("encoder.layer.{layer}.{part}");
            weights.linear(&at("attention.qkv_proj"), 3 * HIDDEN, HIDDEN, true);
            weights.linear(&at("attention.o_proj"), HIDDEN, HIDDEN, true);
            weights.norm(&at("attn_ln"), true);
            weights.linear(&at("mlp.up_gate_proj"), 2 * INNER, HIDDEN, false);
            weights.linear(&at("mlp.down_proj"), HIDDEN, INNER, true);
            weights.norm(&at("mlp_ln"), true);
        }
        weights.tiny("new", json)
    }

    /// The same as a cross-encoder, with the head of its family.
    pub(crate) fn with_head(mut self) -> Tiny {
        let prefix = match self.kind {
            "bert" => "bert.",
            "xlm-roberta" => "roberta.",
            _ => "",
        };
        let tensors = std::mem::take(&mut self.tensors);
        let renamed = tensors
            .into_iter()
            .map(|(name, tensor)| (format!("{prefix}{name}"), tensor));
        self.tensors = renamed.collect();
        let mut weights = Weights::new("");
        match self.kind {
            "bert" => {
                weights.linear("bert.pooler.dense", HIDDEN, HIDDEN, true);
                weights.linear("classifier", 1, HIDDEN, true);
            }
            "xlm-roberta" => {
                weights.linear("classifier.dense", HIDDEN, HIDDEN, true);
                weights.linear("classifier.out_proj", 1, HIDDEN, true);
            }
            "modernbert" => {
                weights.linear("head.dense", HIDDEN, HIDDEN, false);
                weights.norm("head.norm", false);
                weights.linear("classifier", 1, HIDDEN, true);
            }
            kind => panic!("no head for {kind}"),
        }
        self.tensors.extend(weights.tensors);
        let architectures = r#"{"architectures": ["XForSequenceClassification"],
            "id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": "0"},"#;
        self.json = self.json.replacen('{', architectures, 1);
        self
    }

    /// The bytes of its `model.safetensors`.
    pub(crate) fn file(&self) -> Vec<u8> {
        file(&self.tensors, Dtype::F32)
    }
}

/// Random weights, always the same.
struct Weights {
    prefix: String,
    tensors: Tensors,
    noise: u32,
}

impl Weights {
    fn new(prefix: &str) -> Weights {
        Weights {
            prefix: prefix.into(),
            tensors: Tensors::new(),
            noise: 1,
        }
    }

    fn add(&mut self, name: &str, shape: &[usize], centre: f32, spread: f32) {
        let mut next = || {
            self.noise = self
                .noise
                .wrapping_mul(1_664_525)
                .wrapping_add(1_013_904_223);
            centre + spread * ((self.noise >> 8) as f32 / 8_388_608.0 - 1.0)
        };
        let values = (0..shape.iter().product()).map(|_| next()).collect();
        let name = format!("{}{name}", self.prefix);
        self.tensors.insert(name, (shape.to_vec(), values));
    }

    fn table(&mut self, name: &str, rows: usize) {
        self.add(&format!("{name}.weight"), &[rows, HIDDEN], 0.0, 0.5);
    }

    fn linear(&mut self, name: &str, outputs: usize, inputs: usize, bias: bool) {
        self.add(&format!("{name}.weight"), &[outputs, inputs], 0.0, 0.4);
        if bias {
            self.add(&format!("{name}.bias"), &[outputs], 0.0, 0.2);
        }
    }

    fn norm(&mut self, name: &str, bias: bool) {
        self.add(&format!("{name}.weight"), &[HIDDEN], 1.0, 0.3);
        if bias {
            self.add(&format!("{name}.bias"), &[HIDDEN], 0.0, 0.3);
        }
    }

    fn tiny(self, kind: &'static str, json: String) -> Tiny {
        Tiny {
            kind,
            json,
            tensors: self.tensors,
        }
    }
}

/// The bytes of a safetensors file.
pub(crate) fn file(tensors: &Tensors, kind: Dtype) -> Vec<u8> {
    let to_bytes = |x: &f32| match kind {
        Dtype::F16 => f16::from_f32(*x).to_le_bytes().to_vec(),
        Dtype::BF16 => bf16::from_f32(*x).to_le_bytes().to_vec(),
        Dtype::F64 => f64::from(*x).to_le_bytes().to_vec(),
        _ => x.to_le_bytes().to_vec(),
    };
    let stored: Vec<(&String, &Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, values))| (name, shape, values.iter().flat_map(to_bytes).collect()))
        .collect();
    let views = stored.iter().map(|(name, shape, bytes)| {
        (
            name.as_str(),
            TensorView::new(kind, shape.to_vec(), bytes).unwrap(),
        )
    });
    safetensors::serialize(views, None).unwrap()
}

/// The cosine of the angle between two vectors.
pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
