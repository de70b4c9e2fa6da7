//! Encoders from GGUF: the same model gives the same vectors as from its folder.

use std::fs;

use tempfile::TempDir;

use super::fixture::{folder, unigrams, word_pieces};
use super::*;
use crate::encoder::fixture::{HIDDEN, INNER, LAYERS, MOST_TOKENS, Tiny};
use crate::fixture::GgufWriter;
use crate::reranker::{RerankerOptions, load_reranker};

/// What llama.cpp's converter makes of the names of tensors: the longest first.
const RENAMED: [(&str, &str); 32] = [
    ("model.", ""),
    ("classifier.out_proj", "cls.output"),
    ("classifier.dense", "cls"),
    ("classifier", "cls.output"),
    ("head.dense", "cls"),
    ("head.norm", "cls.norm"),
    ("roberta.", ""),
    ("bert.", ""),
    ("embeddings.word_embeddings", "token_embd"),
    ("embeddings.tok_embeddings", "token_embd"),
    ("embeddings.position_embeddings", "position_embd"),
    ("embeddings.token_type_embeddings", "token_types"),
    ("embeddings.LayerNorm", "token_embd_norm"),
    ("embeddings.norm", "token_embd_norm"),
    ("emb_ln", "token_embd_norm"),
    ("final_norm", "output_norm"),
    ("encoder.layers.", "blk."),
    ("encoder.layer.", "blk."),
    ("layers.", "blk."),
    ("attention.self.query", "attn_q"),
    ("attention.self.key", "attn_k"),
    ("attention.self.value", "attn_v"),
    ("attention.output.dense", "attn_output"),
    ("attention.output.LayerNorm", "attn_output_norm"),
    ("intermediate.dense", "ffn_up"),
    (".output.dense", ".ffn_down"),
    (".output.LayerNorm", ".layer_output_norm"),
    ("attn.Wqkv", "attn_qkv"),
    ("attn.out_proj", "attn_output"),
    ("mlp.fc11", "ffn_up"),
    ("mlp.fc12", "ffn_gate"),
    ("mlp.fc2", "ffn_down"),
];

/// Names that only one family has.
fn renamed(kind: &str, name: &str) -> String {
    let mut name = RENAMED
        .iter()
        .fold(name.to_owned(), |name, (from, to)| name.replace(from, to));
    if kind == "modernbert" {
        for (from, to) in [
            ("attn.Wo", "attn_output"),
            ("mlp_norm", "ffn_norm"),
            ("mlp.Wi", "ffn_up"),
            ("mlp.Wo", "ffn_down"),
        ] {
            name = name.replace(from, to);
        }
        return name;
    }
    name.replace("norm1", "attn_output_norm")
        .replace("norm2", "layer_output_norm")
}

/// A GGUF file of a tiny model as llama.cpp's converter writes it, with `change` made to its
/// metadata at the end.
fn gguf(tiny: &Tiny, change: impl FnOnce(&mut GgufWriter)) -> Vec<u8> {
    let architecture = match tiny.kind {
        "nomic_bert" => "nomic-bert",
        "modernbert" => "modern-bert",
        _ => "bert",
    };
    let mut writer = GgufWriter::new();
    writer.text("general.architecture", architecture);
    for (key, number) in [
        ("context_length", MOST_TOKENS),
        ("embedding_length", HIDDEN),
        ("block_count", LAYERS),
        ("feed_forward_length", INNER),
        ("attention.head_count", 2),
        ("attention.sliding_window", 16),
        ("attention.sliding_window_pattern", 2),
        ("pooling_type", 1),
    ] {
        writer.integer(&format!("{architecture}.{key}"), number as u32);
    }
    let epsilon = if architecture == "modern-bert" {
        1e-5
    } else {
        1e-12
    };
    writer.float(
        &format!("{architecture}.attention.layer_norm_epsilon"),
        epsilon,
    );
    let base = if architecture == "modern-bert" {
        160_000.0
    } else {
        1000.0
    };
    writer.float(&format!("{architecture}.rope.freq_base"), base);
    writer.float(&format!("{architecture}.rope.freq_base_swa"), 10_000.0);
    match tiny.kind {
        "xlm-roberta" => unigram_vocabulary(&mut writer),
        _ => word_piece_vocabulary(&mut writer),
    }
    change(&mut writer);
    let mut weights = Vec::new();
    for (name, (shape, values)) in &tiny.tensors {
        let name = renamed(tiny.kind, name);
        let (mut shape, mut values) = (shape.clone(), values.as_slice());
        if tiny.kind == "xlm-roberta" && name == "position_embd.weight" {
            // The converter leaves out the rows that no token has.
            shape[0] -= 2;
            values = &values[2 * HIDDEN..];
        }
        if shape.len() > 1 && shape[0] == 1 {
            shape.remove(0);
        }
        let columns: Vec<u64> = shape.iter().rev().map(|size| *size as u64).collect();
        writer.tensor(&name, &columns, 0, weights.len() as u64);
        weights.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        weights.resize(weights.len().next_multiple_of(32), 0);
    }
    writer.finish(&weights)
}

fn word_piece_vocabulary(writer: &mut GgufWriter) {
    let names = word_pieces();
    let kinds: Vec<i32> = (0..names.len())
        .map(|id| if id < 5 { 3 } else { 1 })
        .collect();
    let written = names.iter().zip(&kinds).map(|(name, kind)| match kind {
        3 => name.clone(),
        _ => match name.strip_prefix("##") {
            Some(rest) => rest.to_owned(),
            None => format!("▁{name}"),
        },
    });
    writer.text("tokenizer.ggml.model", "bert");
    writer.texts("tokenizer.ggml.tokens", &written.collect::<Vec<_>>());
    writer.integers("tokenizer.ggml.token_type", &kinds);
    writer.integer("tokenizer.ggml.unknown_token_id", 1);
    writer.integer("tokenizer.ggml.cls_token_id", 2);
    writer.integer("tokenizer.ggml.seperator_token_id", 3);
}

fn unigram_vocabulary(writer: &mut GgufWriter) {
    let pieces = unigrams();
    let kinds: Vec<i32> = (0..pieces.len())
        .map(|id| [3, 3, 3, 2].get(id).copied().unwrap_or(1))
        .collect();
    let names: Vec<String> = pieces.iter().map(|(name, _)| name.clone()).collect();
    let scores: Vec<f32> = pieces.iter().map(|(_, score)| *score).collect();
    writer.text("tokenizer.ggml.model", "t5");
    writer.texts("tokenizer.ggml.tokens", &names);
    writer.floats("tokenizer.ggml.scores", &scores);
    writer.integers("tokenizer.ggml.token_type", &kinds);
    writer.integer("tokenizer.ggml.bos_token_id", 0);
    writer.integer("tokenizer.ggml.eos_token_id", 2);
    writer.integer("tokenizer.ggml.unknown_token_id", 3);
}

fn stored(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn load_gguf(bytes: &[u8]) -> Result<Arc<dyn Embedder>, LoadError> {
    let (_folder, path) = stored(bytes);
    load_embedder(&EmbedderSource::Directory(path), 1)
}

fn problem(bytes: &[u8]) -> String {
    match load_gguf(bytes) {
        Ok(_) => panic!("it was loaded"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_gguf_file_gives_the_vectors_of_its_folder() {
    for tiny in [Tiny::bert(), Tiny::roberta(), Tiny::nomic(), Tiny::modern()] {
        let folder = folder(&tiny);
        let source = EmbedderSource::Directory(folder.path().to_owned());
        let original = load_embedder(&source, 1).unwrap();
        let converted = load_gguf(&gguf(&tiny, |_| {})).unwrap_or_else(|error| panic!("{error}"));
        assert!(converted.fingerprint().starts_with("tiny@"));
        assert_eq!(converted.max_tokens(), MOST_TOKENS);
        let texts: Vec<String> = ["The lease", "a notice, of the lease; é", "", "zzz the"]
            .map(String::from)
            .into();
        assert_eq!(
            converted.embed(&texts, Urgency::Background).unwrap(),
            original.embed(&texts, Urgency::Background).unwrap(),
            "{}",
            tiny.kind
        );
    }
}

#[test]
fn a_gguf_reranker_gives_the_scores_of_its_folder() {
    for tiny in [Tiny::roberta(), Tiny::modern()].map(Tiny::with_head) {
        let folder = folder(&tiny);
        let original = load_reranker(folder.path(), RerankerOptions::default()).unwrap();
        let key = match tiny.kind {
            "modernbert" => "modern-bert.pooling_type",
            _ => "bert.pooling_type",
        };
        let (_folder, path) = stored(&gguf(&tiny, |writer| writer.integer(key, 4)));
        let converted = load_reranker(&path, RerankerOptions::default())
            .unwrap_or_else(|error| panic!("{error}"));
        let passages = ["notice of the lease", "z"];
        assert_eq!(
            converted.rerank("the lease", &passages, None).unwrap(),
            original.rerank("the lease", &passages, None).unwrap(),
            "{}",
            tiny.kind
        );
    }
}

#[test]
fn what_is_wrong_with_a_gguf_file_is_told() {
    let tiny = Tiny::bert();
    let changed = |key: &'static str, value: &'static str| {
        problem(&gguf(&tiny, |writer| writer.text(key, value)))
    };
    let other = changed("general.architecture", "t5encoder");
    assert!(
        other.contains("t5encoder") && other.contains("nomic-bert"),
        "{other}"
    );
    let tokenizer = changed("tokenizer.ggml.model", "rwkv");
    assert!(tokenizer.contains("rwkv"), "{tokenizer}");
    let pooling = problem(&gguf(&tiny, |writer| {
        writer.integer("bert.pooling_type", 9)
    }));
    assert!(pooling.contains("pooling"), "{pooling}");
    let many: Vec<String> = (0..70).map(|id| format!("▁{id}")).collect();
    let foreign = problem(&gguf(&tiny, |writer| {
        writer.texts("tokenizer.ggml.tokens", &many);
    }));
    assert!(foreign.contains("different models"), "{foreign}");
    let mut lacking = tiny.clone();
    lacking
        .tensors
        .remove("encoder.layer.1.output.dense.weight");
    let missing = problem(&gguf(&lacking, |_| {}));
    assert!(missing.contains("blk.1.ffn_down.weight"), "{missing}");
    let mut damaged = tiny.clone();
    let tensor = damaged
        .tensors
        .get_mut("encoder.layer.1.output.dense.weight");
    tensor.unwrap().1[3] = f32::INFINITY;
    let infinite = problem(&gguf(&damaged, |_| {}));
    assert!(infinite.contains("no finite number"), "{infinite}");
    let whole = gguf(&tiny, |_| {});
    assert!(problem(&whole[..whole.len() / 2]).contains("cut short"));
}

#[test]
fn byte_pairs_are_cut_as_their_model_was_trained() {
    let mut writer = GgufWriter::new();
    let mut names: Vec<String> = ["[CLS]", "[SEP]", "[UNK]"].map(String::from).into();
    names.extend(["t", "h", "e", "Ġ", "th", "the", "Ġthe"].map(String::from));
    let kinds: Vec<i32> = (0..names.len())
        .map(|id| if id < 3 { 3 } else { 1 })
        .collect();
    writer.text("tokenizer.ggml.model", "gpt2");
    writer.texts("tokenizer.ggml.tokens", &names);
    writer.integers("tokenizer.ggml.token_type", &kinds);
    let merges = ["t h", "th e", "Ġ the"].map(String::from);
    writer.texts("tokenizer.ggml.merges", &merges);
    let bytes = writer.finish(&[]);
    let gguf = crate::gguf::Gguf::read(&mut std::io::Cursor::new(bytes)).unwrap();
    let tokenizer = vocabulary::tokenizer(&gguf).unwrap();
    let encoding = tokens::encode(&tokenizer, "the the", true).unwrap();
    assert_eq!(encoding.get_ids(), [0, 8, 9, 1]);
    let pair = tokens::encode(&tokenizer, ("the", "the"), true).unwrap();
    assert_eq!(pair.get_ids(), [0, 8, 1, 8, 1]);
    assert_eq!(pair.get_type_ids(), [0, 0, 0, 1, 1]);
}
