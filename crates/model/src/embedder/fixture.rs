//! Folders of small models for tests: a tiny encoder with a tokenizer of letters.

use std::fs;

use tempfile::TempDir;

use crate::encoder::fixture::{Tiny, VOCABULARY};

/// The tokens of a WordPiece vocabulary: five that steer, letters, and some words.
pub(crate) fn word_pieces() -> Vec<String> {
    let mut tokens: Vec<String> = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        .map(String::from)
        .into();
    tokens.extend(('a'..='z').map(String::from));
    tokens.extend(('a'..='z').map(|letter| format!("##{letter}")));
    tokens.extend(["the", "lease", "notice"].map(String::from));
    assert_eq!(tokens.len(), VOCABULARY);
    tokens
}

/// The pieces of a SentencePiece vocabulary with their scores.
pub(crate) fn unigrams() -> Vec<(String, f32)> {
    let mut pieces: Vec<(String, f32)> = ["<s>", "<pad>", "</s>", "<unk>"]
        .map(|name| (name.to_owned(), 0.0))
        .into();
    pieces.push(("▁".into(), -3.0));
    pieces.extend(('a'..='z').map(|letter| (letter.to_string(), -5.0)));
    pieces.extend(["▁the", "▁lease"].map(|word| (word.to_owned(), -2.0)));
    pieces
}

/// A `tokenizer.json` for the family: WordPiece, or SentencePiece for RoBERTa.
pub(crate) fn tokenizer_json(kind: &str) -> String {
    if kind == "xlm-roberta" {
        return unigram_json();
    }
    let vocabulary: serde_json::Map<_, _> = word_pieces()
        .into_iter()
        .zip(0..)
        .map(|(token, id)| (token, serde_json::Value::from(id)))
        .collect();
    let special =
        |name: &str| serde_json::json!({"id": name, "ids": [vocabulary[name]], "tokens": [name]});
    let piece =
        |name: &str, kind: u32| serde_json::json!({"SpecialToken": {"id": name, "type_id": kind}});
    let text =
        |name: &str, kind: u32| serde_json::json!({"Sequence": {"id": name, "type_id": kind}});
    serde_json::json!({
        "version": "1.0",
        "added_tokens": added(&[("[CLS]", 2), ("[SEP]", 3)]),
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [piece("[CLS]", 0), text("A", 0), piece("[SEP]", 0)],
            "pair": [piece("[CLS]", 0), text("A", 0), piece("[SEP]", 0), text("B", 1),
                piece("[SEP]", 1)],
            "special_tokens": {"[CLS]": special("[CLS]"), "[SEP]": special("[SEP]")}},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary}
    })
    .to_string()
}

fn unigram_json() -> String {
    serde_json::json!({
        "version": "1.0",
        "added_tokens": added(&[("<s>", 0), ("</s>", 2)]),
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always",
            "split": true},
        "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0],
            "trim_offsets": true, "add_prefix_space": true},
        "model": {"type": "Unigram", "unk_id": 3, "vocab": unigrams()}
    })
    .to_string()
}

fn added(tokens: &[(&str, u32)]) -> Vec<serde_json::Value> {
    let token = |(name, id): &(&str, u32)| {
        serde_json::json!({"id": id, "content": name, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true})
    };
    tokens.iter().map(token).collect()
}

/// A folder with the files of a tiny model, as Hugging Face lays them out.
pub(crate) fn folder(tiny: &Tiny) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("config.json", tiny.json.clone().into_bytes()),
        ("tokenizer.json", tokenizer_json(tiny.kind).into_bytes()),
        ("model.safetensors", tiny.file()),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}
