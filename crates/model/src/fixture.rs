//! Small models for tests: GGUF files written by hand, with random weights.

use std::borrow::Cow;
use std::io::Cursor;
use std::path::Path;

use crate::catalogue::{ModelCard, inspect_source};
use crate::decoder::CachePrecision;
use crate::error::LoadError;
use crate::gguf::Gguf;
use crate::source::Source;
use crate::starter;

/// The names of the files in a folder, in order.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Writes GGUF files, sound and unsound ones.
#[derive(Default)]
pub(crate) struct GgufWriter {
    entries: Vec<u8>,
    entry_count: u64,
    tensors: Vec<u8>,
    tensor_count: u64,
}

impl GgufWriter {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn u32(&mut self, number: u32) {
        self.entries.extend(number.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, number: u64) {
        self.entries.extend(number.to_le_bytes());
    }

    fn string(&mut self, text: &str) {
        self.u64(text.len() as u64);
        self.entries.extend(text.as_bytes());
    }

    /// Begins an entry of the metadata; its value is to be written next.
    pub(crate) fn key(&mut self, key: &str, kind: u32) {
        self.entry_count += 1;
        self.string(key);
        self.u32(kind);
    }

    pub(crate) fn integer(&mut self, key: &str, number: u32) {
        self.key(key, 4);
        self.u32(number);
    }

    pub(crate) fn float(&mut self, key: &str, number: f32) {
        self.key(key, 6);
        self.u32(number.to_bits());
    }

    pub(crate) fn flag(&mut self, key: &str, flag: bool) {
        self.key(key, 7);
        self.entries.push(u8::from(flag));
    }

    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.key(key, 8);
        self.string(text);
    }

    fn array(&mut self, key: &str, kind: u32, count: usize) {
        self.key(key, 9);
        self.u32(kind);
        self.u64(count as u64);
    }

    pub(crate) fn texts(&mut self, key: &str, texts: &[String]) {
        self.array(key, 8, texts.len());
        texts.iter().for_each(|text| self.string(text));
    }

    pub(crate) fn integers(&mut self, key: &str, numbers: &[i32]) {
        self.array(key, 5, numbers.len());
        numbers
            .iter()
            .for_each(|number| self.entries.extend(number.to_le_bytes()));
    }

    pub(crate) fn floats(&mut self, key: &str, numbers: &[f32]) {
        self.array(key, 6, numbers.len());
        numbers.iter().for_each(|number| self.u32(number.to_bits()));
    }

    /// Announces a tensor; `dimensions` columns first, as the format counts.
    pub(crate) fn tensor(&mut self, name: &str, dimensions: &[u64], kind: u32, offset: u64) {
        self.tensor_count += 1;
        self.tensors.extend((name.len() as u64).to_le_bytes());
        self.tensors.extend(name.as_bytes());
        self.tensors.extend((dimensions.len() as u32).to_le_bytes());
        dimensions
            .iter()
            .for_each(|size| self.tensors.extend(size.to_le_bytes()));
        self.tensors.extend(kind.to_le_bytes());
        self.tensors.extend(offset.to_le_bytes());
    }

    pub(crate) fn finish(self, weights: &[u8]) -> Vec<u8> {
        let mut file = b"GGUF\x03\0\0\0".to_vec();
        file.extend(self.tensor_count.to_le_bytes());
        file.extend(self.entry_count.to_le_bytes());
        file.extend(self.entries);
        file.extend(self.tensors);
        file.resize(file.len().next_multiple_of(32), 0);
        file.extend(weights);
        file
    }
}

const CHATML: &str = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// A model of two layers with one token for each byte.
pub(crate) fn tiny_gguf(architecture: &str) -> Vec<u8> {
    tiny_model(&Tiny::of(architecture))
}

/// A small model with one token for each byte.
pub(crate) fn tiny_model(tiny: &Tiny) -> Vec<u8> {
    let mut writer = GgufWriter::new();
    let mut tokens: Vec<String> = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        .map(String::from)
        .into();
    let mut alphabet: Vec<char> = tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet()
        .into_iter()
        .collect();
    alphabet.sort_unstable();
    tokens.extend(alphabet.iter().map(char::to_string));
    tokens.extend(["th", "the"].map(String::from));
    let mut kinds = vec![1; tokens.len()];
    kinds[..3].fill(3);
    writer.text("tokenizer.ggml.model", "gpt2");
    writer.text("tokenizer.ggml.pre", "smollm");
    writer.texts("tokenizer.ggml.tokens", &tokens);
    writer.integers("tokenizer.ggml.token_type", &kinds);
    writer.texts("tokenizer.ggml.merges", &["t h".into(), "th e".into()]);
    writer.integer("tokenizer.ggml.bos_token_id", 1);
    writer.integer("tokenizer.ggml.eos_token_id", 2);
    writer.flag("tokenizer.ggml.add_bos_token", false);
    network(writer, tiny, tokens.len() as u64)
}

/// A model of two layers with a vocabulary of scored pieces.
pub(crate) fn tiny_pieces_gguf() -> Vec<u8> {
    let mut writer = GgufWriter::new();
    let mut tokens: Vec<String> = ["<unk>", "<s>", "</s>"].map(String::from).into();
    tokens.extend((0..=255u8).map(|byte| format!("<0x{byte:02X}>")));
    let mut kinds = vec![2, 3, 3];
    kinds.resize(tokens.len(), 6);
    let pieces = ["▁", "t", "h", "e", "l", "a", "s", "th", "he", "se", "▁l"];
    tokens.extend(pieces.map(String::from));
    kinds.resize(tokens.len(), 1);
    let mut scores = vec![0.0; tokens.len()];
    for (score, token) in scores.iter_mut().zip(&tokens) {
        *score = match token.as_str() {
            "th" => -1.0,
            "he" | "se" => -2.0,
            _ => -10.0,
        };
    }
    writer.text("tokenizer.ggml.model", "llama");
    writer.texts("tokenizer.ggml.tokens", &tokens);
    writer.integers("tokenizer.ggml.token_type", &kinds);
    writer.floats("tokenizer.ggml.scores", &scores);
    writer.integer("tokenizer.ggml.bos_token_id", 1);
    writer.integer("tokenizer.ggml.eos_token_id", 2);
    writer.integer("tokenizer.ggml.unknown_token_id", 0);
    network(writer, &Tiny::of("llama"), tokens.len() as u64)
}

/// The network of a small model.
pub(crate) struct Tiny {
    pub(crate) architecture: String,
    pub(crate) layers: u64,
    pub(crate) embedding: u64,
    pub(crate) feed_forward: u64,
    pub(crate) heads: u64,
    pub(crate) heads_kv: u64,
    pub(crate) head: u64,
    pub(crate) window: u64,
    pub(crate) experts: Option<Experts>,
    /// More metadata below the architecture's name.
    pub(crate) floats: Vec<(&'static str, f32)>,
    pub(crate) integers: Vec<(&'static str, u32)>,
    pub(crate) texts: Vec<(&'static str, &'static str)>,
    /// Tensors of one dimension with all their numbers.
    pub(crate) vectors: Vec<(&'static str, Vec<f32>)>,
    /// Without an output matrix: the vocabulary's serves for both.
    pub(crate) tied: bool,
    /// How matrices are stored; `None`: as floats.
    pub(crate) encoding: Option<Encoding>,
}

/// How the experts of a small model are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Experts {
    /// All of a layer in one tensor.
    Merged,
    /// A tensor for each.
    Single,
}

/// A way of storing matrices.
#[derive(Clone, Copy)]
pub(crate) struct Encoding {
    /// The type's number in the format.
    pub(crate) kind: u32,
    /// Encodes whole rows.
    pub(crate) encode: fn(&[f32]) -> Vec<u8>,
}

/// Experts of a small mixture; half of them are used.
const EXPERTS: u64 = 4;

impl Tiny {
    /// A network of floats in the architecture's own way.
    pub(crate) fn of(architecture: &str) -> Tiny {
        Tiny {
            architecture: architecture.into(),
            layers: match architecture {
                "smollm3" | "olmo2" => 4,
                "gemma3" => 6,
                _ => 2,
            },
            embedding: 64,
            feed_forward: 96,
            heads: 4,
            heads_kv: 2,
            head: 16,
            window: 512,
            experts: matches!(architecture, "qwen3moe" | "granitemoe").then_some(Experts::Merged),
            floats: match architecture {
                "granite" | "granitemoe" => vec![
                    ("embedding_scale", 12.0),
                    ("residual_scale", 0.22),
                    ("logit_scale", 8.0),
                    ("attention.scale", 0.1),
                ],
                _ => Vec::new(),
            },
            integers: Vec::new(),
            texts: Vec::new(),
            vectors: Vec::new(),
            // Gemma's files have no output of their own.
            tied: matches!(architecture, "gemma" | "gemma2"),
            encoding: None,
        }
    }

    fn integers(&self) -> Vec<(&'static str, u32)> {
        let mut integers = vec![
            ("context_length", 1024),
            ("block_count", self.layers as u32),
            ("embedding_length", self.embedding as u32),
            ("feed_forward_length", self.feed_forward as u32),
            ("attention.head_count", self.heads as u32),
            ("attention.head_count_kv", self.heads_kv as u32),
            ("attention.key_length", self.head as u32),
            ("attention.value_length", self.head as u32),
            ("attention.sliding_window", self.window as u32),
            ("rope.dimension_count", self.head as u32),
        ];
        if self.experts.is_some() {
            integers.push(("expert_count", EXPERTS as u32));
            integers.push(("expert_used_count", EXPERTS as u32 / 2));
            integers.push(("expert_feed_forward_length", self.feed_forward as u32));
        }
        integers.retain(|(key, _)| self.integers.iter().all(|(other, _)| key != other));
        integers.extend(&self.integers);
        integers
    }

    /// Names and dimensions of the tensors, columns first.
    fn tensors(&self, vocabulary: u64) -> Vec<(String, Vec<u64>)> {
        let embedding = self.embedding;
        let mut tensors = vec![("token_embd.weight".to_string(), vec![embedding, vocabulary])];
        for layer in 0..self.layers {
            let mut add = |name: &str, shape: &[u64]| {
                tensors.push((format!("blk.{layer}.{name}"), shape.to_vec()));
            };
            self.attention(&mut add);
            self.feed_forward(&mut add);
        }
        if !self.tied {
            tensors.push(("output.weight".into(), vec![embedding, vocabulary]));
        }
        tensors.push(("output_norm.weight".into(), vec![embedding]));
        tensors
    }

    fn attention(&self, add: &mut impl FnMut(&str, &[u64])) {
        let (embedding, architecture) = (self.embedding, self.architecture.as_str());
        let (queries, keys) = (self.heads * self.head, self.heads_kv * self.head);
        if architecture != "olmo2" {
            add("attn_norm.weight", &[embedding]);
            add("ffn_norm.weight", &[embedding]);
        }
        if matches!(architecture, "gemma2" | "gemma3" | "olmo2") {
            add("post_attention_norm.weight", &[embedding]);
            add("post_ffw_norm.weight", &[embedding]);
        }
        add("attn_output.weight", &[queries, embedding]);
        if architecture == "phi3" {
            add("attn_qkv.weight", &[embedding, queries + 2 * keys]);
            return;
        }
        for (name, width) in [("attn_q", queries), ("attn_k", keys), ("attn_v", keys)] {
            add(&format!("{name}.weight"), &[embedding, width]);
            if architecture == "qwen2" {
                add(&format!("{name}.bias"), &[width]);
            }
        }
        match architecture {
            "qwen3" | "qwen3moe" | "gemma3" => {
                add("attn_q_norm.weight", &[self.head]);
                add("attn_k_norm.weight", &[self.head]);
            }
            "olmo2" => {
                add("attn_q_norm.weight", &[queries]);
                add("attn_k_norm.weight", &[keys]);
            }
            _ => {}
        }
    }

    fn feed_forward(&self, add: &mut impl FnMut(&str, &[u64])) {
        let (embedding, inner) = (self.embedding, self.feed_forward);
        let parts = [
            ("gate", embedding, inner),
            ("up", embedding, inner),
            ("down", inner, embedding),
        ];
        if self.experts.is_some() {
            add("ffn_gate_inp.weight", &[embedding, EXPERTS]);
        }
        match self.experts {
            None if self.architecture == "phi3" => {
                add("ffn_up.weight", &[embedding, 2 * inner]);
                add("ffn_down.weight", &[inner, embedding]);
            }
            None => parts
                .iter()
                .for_each(|(name, from, to)| add(&format!("ffn_{name}.weight"), &[*from, *to])),
            Some(Experts::Merged) => parts.iter().for_each(|(name, from, to)| {
                add(&format!("ffn_{name}_exps.weight"), &[*from, *to, EXPERTS]);
            }),
            Some(Experts::Single) => parts.iter().for_each(|(name, from, to)| {
                for expert in 0..EXPERTS {
                    add(&format!("ffn_{name}.{expert}.weight"), &[*from, *to]);
                }
            }),
        }
    }
}

/// Completes a file with a chat template and a network of random weights.
fn network(mut writer: GgufWriter, tiny: &Tiny, vocabulary: u64) -> Vec<u8> {
    let architecture = &tiny.architecture;
    writer.text("tokenizer.chat_template", CHATML);
    writer.text("general.architecture", architecture);
    for (key, number) in tiny.integers() {
        writer.integer(&format!("{architecture}.{key}"), number);
    }
    let usual = [
        ("attention.layer_norm_rms_epsilon", 1e-5),
        ("rope.freq_base", 10_000.0),
    ];
    for (key, number) in usual.iter().chain(&tiny.floats) {
        writer.float(&format!("{architecture}.{key}"), *number);
    }
    for (key, text) in &tiny.texts {
        writer.text(&format!("{architecture}.{key}"), text);
    }
    let mut weights = Vec::new();
    let mut random = 12345u32;
    for (name, shape) in tiny.tensors(vocabulary) {
        let norm = name.contains("norm");
        let numbers = (0..shape.iter().product()).map(|_| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let weight = (random >> 8) as f32 / (1 << 24) as f32 - 0.5;
            if norm {
                1.0 + weight * 0.1
            } else {
                weight * 0.4
            }
        });
        let numbers: Vec<f32> = numbers.collect();
        weights.resize(weights.len().next_multiple_of(32), 0);
        let (kind, bytes) = match tiny.encoding {
            Some(Encoding { kind, encode }) if shape.len() > 1 => (kind, encode(&numbers)),
            _ => (0, le_bytes(&numbers)),
        };
        writer.tensor(&name, &shape, kind, weights.len() as u64);
        weights.extend(bytes);
    }
    for (name, numbers) in &tiny.vectors {
        weights.resize(weights.len().next_multiple_of(32), 0);
        writer.tensor(name, &[numbers.len() as u64], 0, weights.len() as u64);
        weights.extend(le_bytes(numbers));
    }
    writer.finish(&weights)
}

fn le_bytes(numbers: &[f32]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}

/// The header of [`tiny_gguf`].
pub(crate) fn tiny(architecture: &str) -> Gguf {
    Gguf::read(&mut Cursor::new(tiny_gguf(architecture))).unwrap()
}

/// The header of [`tiny_pieces_gguf`].
pub(crate) fn tiny_pieces() -> Gguf {
    Gguf::read(&mut Cursor::new(tiny_pieces_gguf())).unwrap()
}

/// The starter generator's file.
pub(crate) fn starter_bytes() -> &'static [u8] {
    starter::generator().expect("tests are built with the starter models")
}

/// The starter generator's header.
pub(crate) fn starter_gguf() -> Gguf {
    Gguf::read(&mut Cursor::new(starter_bytes())).unwrap()
}

/// The card of a model's file.
pub(crate) fn inspect(bytes: &[u8]) -> Result<ModelCard, LoadError> {
    let source = Source::Memory(Cow::Owned(bytes.to_vec()));
    inspect_source(Path::new("model.gguf"), &source, CachePrecision::F16)
}

/// The fuzzer's seeds, by name: whole models of a few kilobytes.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/model");
    let mut seeds: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let bytes = std::fs::read(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), bytes)
        })
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty());
    seeds
}
