//! Small models for tests: GGUF files written by hand, with random weights.

use std::io::Cursor;

use crate::gguf::Gguf;
use crate::starter;

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

const EMBEDDING: u64 = 64;
const HEAD: u64 = 16;
const HEADS: u64 = 4;
const HEADS_KV: u64 = 2;
const FEED_FORWARD: u64 = 96;
const LAYERS: u64 = 2;

const CHATML: &str = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// A model of two layers with one token for each byte.
pub(crate) fn tiny_gguf(architecture: &str) -> Vec<u8> {
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
    network(writer, architecture, tokens.len() as u64)
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
    network(writer, "llama", tokens.len() as u64)
}

/// Completes a file with a chat template and a network of random weights.
fn network(mut writer: GgufWriter, architecture: &str, vocabulary: u64) -> Vec<u8> {
    writer.text("tokenizer.chat_template", CHATML);
    writer.text("general.architecture", architecture);
    let settings = [
        ("context_length", 1024),
        ("block_count", LAYERS),
        ("embedding_length", EMBEDDING),
        ("feed_forward_length", FEED_FORWARD),
        ("attention.head_count", HEADS),
        ("attention.head_count_kv", HEADS_KV),
        ("attention.key_length", HEAD),
        ("attention.value_length", HEAD),
        ("attention.sliding_window", 512),
        ("rope.dimension_count", HEAD),
    ];
    for (key, number) in settings {
        writer.integer(&format!("{architecture}.{key}"), number as u32);
    }
    writer.float(
        &format!("{architecture}.attention.layer_norm_rms_epsilon"),
        1e-5,
    );
    writer.float(&format!("{architecture}.rope.freq_base"), 10_000.0);
    let mut weights = Vec::new();
    let mut random = 12345u32;
    for (name, shape) in tensors(architecture, vocabulary) {
        let offset = weights.len() as u64;
        writer.tensor(&name, &shape, 0, offset);
        let norm = name.contains("norm");
        for _ in 0..shape.iter().product() {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let weight = (random >> 8) as f32 / (1 << 24) as f32 - 0.5;
            let weight = if norm {
                1.0 + weight * 0.1
            } else {
                weight * 0.4
            };
            weights.extend(weight.to_le_bytes());
        }
    }
    writer.finish(&weights)
}

/// Names and dimensions of an architecture's tensors.
fn tensors(architecture: &str, vocabulary: u64) -> Vec<(String, Vec<u64>)> {
    let mut tensors = vec![("token_embd.weight".to_string(), vec![EMBEDDING, vocabulary])];
    let (queries, keys) = (HEADS * HEAD, HEADS_KV * HEAD);
    for layer in 0..LAYERS {
        let mut add = |name: &str, shape: &[u64]| {
            tensors.push((format!("blk.{layer}.{name}"), shape.to_vec()));
        };
        add("attn_norm.weight", &[EMBEDDING]);
        add("ffn_norm.weight", &[EMBEDDING]);
        add("attn_output.weight", &[queries, EMBEDDING]);
        add("ffn_down.weight", &[FEED_FORWARD, EMBEDDING]);
        if architecture == "phi3" {
            add("attn_qkv.weight", &[EMBEDDING, queries + 2 * keys]);
            add("ffn_up.weight", &[EMBEDDING, 2 * FEED_FORWARD]);
            continue;
        }
        add("attn_q.weight", &[EMBEDDING, queries]);
        add("attn_k.weight", &[EMBEDDING, keys]);
        add("attn_v.weight", &[EMBEDDING, keys]);
        add("ffn_gate.weight", &[EMBEDDING, FEED_FORWARD]);
        add("ffn_up.weight", &[EMBEDDING, FEED_FORWARD]);
        if architecture == "qwen2" {
            add("attn_q.bias", &[queries]);
            add("attn_k.bias", &[keys]);
            add("attn_v.bias", &[keys]);
        }
        if matches!(architecture, "qwen3" | "gemma3") {
            add("attn_q_norm.weight", &[HEAD]);
            add("attn_k_norm.weight", &[HEAD]);
        }
        if architecture == "gemma3" {
            add("post_attention_norm.weight", &[EMBEDDING]);
            add("post_ffw_norm.weight", &[EMBEDDING]);
        }
    }
    tensors.push(("output.weight".into(), vec![EMBEDDING, vocabulary]));
    tensors.push(("output_norm.weight".into(), vec![EMBEDDING]));
    tensors
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
