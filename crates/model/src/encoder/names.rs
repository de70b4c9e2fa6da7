//! What each family of encoders calls its tensors, in Hugging Face's files and in GGUF.
//!
//! `{}` stands for the number of a layer. `.weight` and `.bias` follow each name.

use super::config::Architecture;

/// The names of a family's tensors.
pub(super) struct Names {
    /// What may stand before all names.
    pub(super) prefixes: &'static [&'static str],
    pub(super) words: &'static str,
    pub(super) positions: &'static str,
    pub(super) token_types: &'static str,
    pub(super) embedding_norm: &'static str,
    /// Queries, keys and values: one tensor or three.
    pub(super) projection: &'static [&'static str],
    pub(super) attention_output: &'static str,
    pub(super) attention_norm: &'static str,
    /// What is activated in the feed-forward block, and what is multiplied with it.
    pub(super) up: Up,
    pub(super) down: &'static str,
    pub(super) output_norm: &'static str,
    /// The normalisation after the last layer, of families that have one before each block.
    pub(super) final_norm: &'static str,
    /// Whether linear layers and normalisations may have no bias.
    pub(super) bare: bool,
}

/// The first product of a feed-forward block.
#[derive(Clone, Copy)]
pub(super) enum Up {
    /// One tensor, activated.
    Plain(&'static str),
    /// A tensor that is activated, and one that is multiplied with it.
    Pair(&'static str, &'static str),
    /// One tensor with both halves.
    Halves {
        name: &'static str,
        /// Whether the first half is the one that is activated.
        activated_first: bool,
    },
}

/// The layout of a model's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// As Hugging Face's libraries save a model.
    HuggingFace,
    /// As llama.cpp names tensors.
    Gguf,
}

impl Architecture {
    /// The names of the family's tensors. DistilBERT and GTE become plain BERTs or are not
    /// converted on the way to GGUF, so that they have none of their own there.
    pub(super) fn names(self, layout: Layout) -> &'static Names {
        match (layout, self) {
            (Layout::HuggingFace, Architecture::Bert) => &BERT,
            (Layout::HuggingFace, Architecture::DistilBert) => &DISTILBERT,
            (Layout::HuggingFace, Architecture::NomicBert) => &NOMIC_BERT,
            (Layout::HuggingFace, Architecture::ModernBert) => &MODERN_BERT,
            (Layout::HuggingFace, Architecture::Gte) => &GTE,
            (Layout::Gguf, Architecture::NomicBert | Architecture::Gte) => &GGUF_NOMIC_BERT,
            (Layout::Gguf, Architecture::ModernBert) => &GGUF_MODERN_BERT,
            (Layout::Gguf, Architecture::Bert | Architecture::DistilBert) => &GGUF_BERT,
        }
    }
}

const BERT: Names = Names {
    prefixes: &["", "bert.", "roberta."],
    words: "embeddings.word_embeddings",
    positions: "embeddings.position_embeddings",
    token_types: "embeddings.token_type_embeddings",
    embedding_norm: "embeddings.LayerNorm",
    projection: &[
        "encoder.layer.{}.attention.self.query",
        "encoder.layer.{}.attention.self.key",
        "encoder.layer.{}.attention.self.value",
    ],
    attention_output: "encoder.layer.{}.attention.output.dense",
    attention_norm: "encoder.layer.{}.attention.output.LayerNorm",
    up: Up::Plain("encoder.layer.{}.intermediate.dense"),
    down: "encoder.layer.{}.output.dense",
    output_norm: "encoder.layer.{}.output.LayerNorm",
    final_norm: "",
    bare: false,
};

const DISTILBERT: Names = Names {
    prefixes: &["", "distilbert."],
    token_types: "",
    projection: &[
        "transformer.layer.{}.attention.q_lin",
        "transformer.layer.{}.attention.k_lin",
        "transformer.layer.{}.attention.v_lin",
    ],
    attention_output: "transformer.layer.{}.attention.out_lin",
    attention_norm: "transformer.layer.{}.sa_layer_norm",
    up: Up::Plain("transformer.layer.{}.ffn.lin1"),
    down: "transformer.layer.{}.ffn.lin2",
    output_norm: "transformer.layer.{}.output_layer_norm",
    ..BERT
};

const NOMIC_BERT: Names = Names {
    prefixes: &["", "bert.", "nomic_bert."],
    positions: "",
    embedding_norm: "emb_ln",
    projection: &["encoder.layers.{}.attn.Wqkv"],
    attention_output: "encoder.layers.{}.attn.out_proj",
    attention_norm: "encoder.layers.{}.norm1",
    up: Up::Pair("encoder.layers.{}.mlp.fc12", "encoder.layers.{}.mlp.fc11"),
    down: "encoder.layers.{}.mlp.fc2",
    output_norm: "encoder.layers.{}.norm2",
    bare: true,
    ..BERT
};

const MODERN_BERT: Names = Names {
    prefixes: &["", "model."],
    words: "embeddings.tok_embeddings",
    positions: "",
    token_types: "",
    embedding_norm: "embeddings.norm",
    projection: &["layers.{}.attn.Wqkv"],
    attention_output: "layers.{}.attn.Wo",
    attention_norm: "layers.{}.attn_norm",
    up: Up::Halves {
        name: "layers.{}.mlp.Wi",
        activated_first: true,
    },
    down: "layers.{}.mlp.Wo",
    output_norm: "layers.{}.mlp_norm",
    final_norm: "final_norm",
    bare: true,
};

const GTE: Names = Names {
    prefixes: &["", "new.", "gte."],
    positions: "",
    projection: &["encoder.layer.{}.attention.qkv_proj"],
    attention_output: "encoder.layer.{}.attention.o_proj",
    attention_norm: "encoder.layer.{}.attn_ln",
    up: Up::Halves {
        name: "encoder.layer.{}.mlp.up_gate_proj",
        activated_first: false,
    },
    down: "encoder.layer.{}.mlp.down_proj",
    output_norm: "encoder.layer.{}.mlp_ln",
    bare: true,
    ..BERT
};

const GGUF_BERT: Names = Names {
    prefixes: &[""],
    words: "token_embd",
    positions: "position_embd",
    token_types: "token_types",
    embedding_norm: "token_embd_norm",
    projection: &["blk.{}.attn_q", "blk.{}.attn_k", "blk.{}.attn_v"],
    attention_output: "blk.{}.attn_output",
    attention_norm: "blk.{}.attn_output_norm",
    up: Up::Plain("blk.{}.ffn_up"),
    down: "blk.{}.ffn_down",
    output_norm: "blk.{}.layer_output_norm",
    final_norm: "",
    bare: false,
};

const GGUF_NOMIC_BERT: Names = Names {
    positions: "",
    projection: &["blk.{}.attn_qkv"],
    up: Up::Pair("blk.{}.ffn_gate", "blk.{}.ffn_up"),
    bare: true,
    ..GGUF_BERT
};

const GGUF_MODERN_BERT: Names = Names {
    positions: "",
    token_types: "",
    projection: &["blk.{}.attn_qkv"],
    attention_norm: "blk.{}.attn_norm",
    up: Up::Halves {
        name: "blk.{}.ffn_up",
        activated_first: true,
    },
    output_norm: "blk.{}.ffn_norm",
    final_norm: "output_norm",
    bare: true,
    ..GGUF_BERT
};
