//! Tests of the embedder with the starter model, and with folders that something is wrong with.

use std::fs;
use std::path::Path;

use super::*;
use crate::starter;

fn starter() -> Arc<dyn Embedder> {
    load_embedder(&EmbedderSource::Starter, 0).unwrap()
}

fn embed(embedder: &dyn Embedder, texts: &[&str]) -> Vec<Vec<f32>> {
    let texts: Vec<String> = texts.iter().map(|text| text.to_string()).collect();
    embedder.embed(&texts, Urgency::Background).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Texts with the first eight and the last value of their vectors by the original weights,
/// computed in 64-bit floats.
const REFERENCE: [(&str, [f32; 9]); 4] = [
    (
        "The lease ends on 31 March 2027.",
        [
            -0.011366, -0.039139, 0.065099, -0.009056, -0.036868, 0.019322, -0.11102, -0.046752,
            -0.047631,
        ],
    ),
    (
        "How do I renew my passport?",
        [
            -0.02429, 0.016596, -0.000841, -0.022913, 0.00693, -0.000854, -0.04161, 0.025202,
            -0.065391,
        ],
    ),
    (
        "fn main() { println!(\"héllo\"); }",
        [
            -0.016161, 0.04402, -0.065554, -0.001717, -0.045118, -0.051583, 0.026928, 0.08161,
            0.027479,
        ],
    ),
    (
        "契約は終了します。",
        [
            0.05635, 0.071934, 0.024262, 0.022841, -0.017944, 0.066395, 0.093468, 0.014901,
            -0.020569,
        ],
    ),
];

#[test]
fn the_starter_computes_what_its_original_does() {
    let embedder = starter();
    let vectors = embed(&*embedder, &REFERENCE.map(|(text, _)| text));
    for (vector, (text, expected)) in vectors.iter().zip(REFERENCE) {
        assert_eq!(vector.len(), 384);
        let given = vector[..8].iter().chain(vector.last());
        for (value, expected) in given.zip(expected) {
            assert!(
                (value - expected).abs() < TOLERANCE,
                "{text}: {value} and not {expected}"
            );
        }
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        assert!((length - 1.0).abs() < 1e-5, "{text}: {length}");
    }
}

/// What a value may be off by, computed with bytes.
const TOLERANCE: f32 = 0.02;

#[test]
fn bytes_keep_the_direction_that_floats_give() {
    let (recipe, weights) = recipe::starter().unwrap();
    let oracle = oracle::Bert::from_safetensors(weights, &recipe.config).unwrap();
    let mut texts: Vec<String> = REFERENCE.map(|(text, _)| text.to_string()).into();
    texts.push("The tenant shall give notice of three months in writing. ".repeat(8));
    let sequences = recipe.tokenizer.sequences("", &texts).unwrap().sequences;
    let slices: Vec<&[u32]> = sequences.iter().map(Vec::as_slice).collect();
    let expected = oracle.encode(&slices).unwrap();
    let vectors = starter().embed(&texts, Urgency::Background).unwrap();
    for ((vector, expected), text) in vectors.iter().zip(&expected).zip(&texts) {
        let cosine = cosine(vector, expected);
        assert!(cosine > 0.99, "{text}: {cosine}");
    }
}

#[test]
fn the_oracle_is_the_original() {
    let (recipe, weights) = recipe::starter().unwrap();
    let oracle = oracle::Bert::from_safetensors(weights, &recipe.config).unwrap();
    let texts = REFERENCE.map(|(text, _)| text.to_string());
    let sequences = recipe.tokenizer.sequences("", &texts).unwrap().sequences;
    let slices: Vec<&[u32]> = sequences.iter().map(Vec::as_slice).collect();
    for (vector, (text, expected)) in oracle.encode(&slices).unwrap().iter().zip(REFERENCE) {
        for (value, expected) in vector[..8].iter().chain(vector.last()).zip(expected) {
            assert!(
                (value - expected).abs() < 1e-3,
                "{text}: {value} and not {expected}"
            );
        }
    }
}

#[test]
fn near_meanings_are_near() {
    let embedder = starter();
    let query = embedder
        .embed_query("When does the contract run out?")
        .unwrap();
    let texts = [
        "The lease ends on 31 March 2027.",
        "Boil the pasta for nine minutes.",
    ];
    let vectors = embed(&*embedder, &texts);
    assert!(cosine(&query, &vectors[0]) > cosine(&query, &vectors[1]) + 0.2);
}

#[test]
fn the_same_text_gives_the_same_vector_whatever_its_neighbours() {
    let embedder = starter();
    let text = "The lease ends on 31 March 2027.";
    let alone = embed(&*embedder, &[text]).remove(0);
    let long = "Nobody reads the fine print of a contract. ".repeat(12);
    let mut texts = vec![long.as_str(); 9];
    texts.insert(4, text);
    texts.push("short");
    let among = embed(&*embedder, &texts).remove(4);
    assert_eq!(alone, among);
    let asked = embedder.embed_query(text).unwrap();
    assert_eq!(alone, asked);
}

#[test]
fn every_part_of_a_long_text_counts() {
    let embedder = starter();
    let padding = "The weather was fine that day and nothing happened. ".repeat(60);
    let with = format!("{padding} The patient is allergic to penicillin.");
    assert!(embedder.count_tokens(&with) > 2 * embedder.max_tokens());
    let vectors = embed(&*embedder, &[&padding, &with]);
    let query = embedder.embed_query("penicillin allergy").unwrap();
    assert!(cosine(&query, &vectors[1]) > cosine(&query, &vectors[0]) + 0.05);
}

#[test]
fn odd_texts_have_vectors() {
    let embedder = starter();
    let long = "x".repeat(10_000);
    let texts = ["", " \n\t", "\u{0}", "🦀🦀🦀", "[SEP][CLS]", &long];
    for (vector, text) in embed(&*embedder, &texts).iter().zip(texts) {
        assert!(vector.iter().all(|value| value.is_finite()), "{text:?}");
        assert!(vector.iter().any(|value| *value != 0.0), "{text:?}");
    }
    assert!(
        embedder
            .embed(&[], Urgency::Interactive)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn batches_are_bounded_and_hold_every_sequence_once() {
    let sequences: Vec<Vec<u32>> = (0..200).map(|n| vec![0; 1 + (n * 37) % 256]).collect();
    let cut = batches(&sequences, 1024);
    assert!(cut.iter().cloned().flatten().eq(0..200));
    for batch in cut {
        let tokens: usize = sequences[batch].iter().map(Vec::len).sum();
        assert!(tokens <= 1024);
    }
    assert_eq!(batches(&[vec![0; 5000], vec![0]], 1024), [0..1, 1..2]);
}

#[test]
fn a_person_overtakes_the_indexer_between_batches() {
    let embedder = starter();
    let text = "A chunk of some length that the indexer wants embedded. ".repeat(4);
    let background = vec![text; 400];
    std::thread::scope(|scope| {
        let indexer = scope.spawn(|| {
            embedder.embed(&background, Urgency::Background).unwrap();
            std::time::Instant::now()
        });
        // Let the indexer's request reach the thread first; the test holds either way.
        std::thread::sleep(std::time::Duration::from_millis(20));
        embedder.embed_query("a question").unwrap();
        let answered = std::time::Instant::now();
        assert!(answered < indexer.join().unwrap());
    });
}

#[test]
fn a_dropped_embedder_ends_its_thread() {
    let embedder = starter();
    embed(&*embedder, &["x"]);
    drop(embedder);
}

/// A folder with the starter's files.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let files = starter::embedder().unwrap();
    fs::create_dir(folder.path().join("1_Pooling")).unwrap();
    for (name, bytes) in [
        ("config.json", files.config),
        ("tokenizer.json", files.tokenizer),
        ("sentence_bert_config.json", files.sentence),
        ("1_Pooling/config.json", files.pooling),
        ("model.safetensors", files.weights),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn load(folder: &Path) -> Result<Arc<dyn Embedder>, LoadError> {
    load_embedder(&EmbedderSource::Directory(folder.to_owned()), 0)
}

/// The message for a folder in which `file` is changed to `bytes`, or missing.
fn problem_with(file: &str, bytes: Option<&[u8]>) -> String {
    let folder = folder();
    let path = folder.path().join(file);
    match bytes {
        Some(bytes) => fs::write(path, bytes).unwrap(),
        None => fs::remove_file(path).unwrap(),
    }
    match load(folder.path()) {
        Ok(_) => panic!("loaded with {file} as {bytes:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_folder_gives_the_same_vectors_as_the_starter() {
    let folder = folder();
    let embedder = load(folder.path()).unwrap();
    assert_eq!((embedder.dimension(), embedder.max_tokens()), (384, 256));
    assert_ne!(embedder.fingerprint(), starter().fingerprint());
    let hash = |fingerprint: &str| fingerprint.split_once('@').unwrap().1.to_owned();
    assert_eq!(hash(embedder.fingerprint()), hash(starter().fingerprint()));
    let text = ["The lease ends on 31 March 2027."];
    assert_eq!(embed(&*embedder, &text), embed(&*starter(), &text));
}

#[test]
fn the_first_tokens_vector_and_prompts_are_used_where_a_model_says_so() {
    let folder = folder();
    let pooling = r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#;
    fs::write(folder.path().join("1_Pooling/config.json"), pooling).unwrap();
    let prompts = r#"{"prompts": {"query": "query: ", "document": ""}}"#;
    fs::write(
        folder.path().join("config_sentence_transformers.json"),
        prompts,
    )
    .unwrap();
    let embedder = load(folder.path()).unwrap();
    let text = "The lease ends on 31 March 2027.";
    let first = embed(&*embedder, &[text]).remove(0);
    let mean = embed(&*starter(), &[text]).remove(0);
    assert!(cosine(&first, &mean) < 0.99);
    let query = embedder.embed_query(text).unwrap();
    assert!(
        cosine(
            &query,
            &embed(&*embedder, &["query: The lease ends on 31 March 2027."])[0]
        ) > 0.999
    );
}

#[test]
fn missing_files_are_named() {
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        let problem = problem_with(file, None);
        assert!(
            problem.contains(file) && problem.contains("no such file"),
            "{problem}"
        );
        assert!(problem.contains("name the folder"), "{problem}");
    }
    let nowhere = load(Path::new("/nowhere/at/all"))
        .err()
        .unwrap()
        .to_string();
    assert!(nowhere.contains("/nowhere/at/all"), "{nowhere}");
    let folder = folder();
    let file = load(&folder.path().join("config.json"))
        .err()
        .unwrap()
        .to_string();
    assert!(file.contains("not a folder"), "{file}");
}

#[test]
fn other_forms_of_weights_are_told() {
    let folder = folder();
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    fs::write(folder.path().join("pytorch_model.bin"), "x").unwrap();
    let problem = load(folder.path()).err().unwrap().to_string();
    assert!(
        problem.contains("pytorch_model.bin") && problem.contains("convert"),
        "{problem}"
    );
}

#[test]
fn damaged_files_are_named() {
    for file in [
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        "1_Pooling/config.json",
        "sentence_bert_config.json",
    ] {
        let problem = problem_with(file, Some(b"{ \"half\": "));
        assert!(
            problem.contains(file.rsplit('/').next().unwrap()),
            "{file}: {problem}"
        );
    }
    let weights = starter::embedder().unwrap().weights;
    let short = problem_with("model.safetensors", Some(&weights[..weights.len() / 2]));
    assert!(
        short.contains("model.safetensors") && short.contains("fetch"),
        "{short}"
    );
    let lying = [&u64::MAX.to_le_bytes()[..], &weights[8..1000]].concat();
    assert!(problem_with("model.safetensors", Some(&lying)).contains("model.safetensors"));
}

#[test]
fn files_that_do_not_belong_together_are_told() {
    let config = String::from_utf8(starter::embedder().unwrap().config.to_vec()).unwrap();
    let change = |from: &str, to: &str| {
        let changed = config.replace(from, to);
        assert_ne!(changed, config);
        problem_with("config.json", Some(changed.as_bytes()))
    };
    let narrow = change("\"hidden_size\": 384", "\"hidden_size\": 768");
    assert!(narrow.contains("model.safetensors"), "{narrow}");
    let deep = change("\"num_hidden_layers\": 6", "\"num_hidden_layers\": 7");
    assert!(
        deep.contains("model.safetensors") && deep.contains("layer.6"),
        "{deep}"
    );
    let few = change("\"vocab_size\": 30522", "\"vocab_size\": 1000");
    assert!(few.contains("different models"), "{few}");
    let other = change("\"model_type\": \"bert\"", "\"model_type\": \"roberta\"");
    assert!(other.contains("roberta"), "{other}");
}

#[test]
fn unknown_pooling_and_further_modules_are_refused() {
    let pooling = br#"{"pooling_mode_max_tokens": true, "pooling_mode_mean_tokens": false}"#;
    let problem = problem_with("1_Pooling/config.json", Some(pooling));
    assert!(problem.contains("pools by something else"), "{problem}");
    let modules = br#"[{"idx": 3, "type": "sentence_transformers.models.Dense"}]"#;
    let problem = problem_with("modules.json", Some(modules));
    assert!(problem.contains("Dense"), "{problem}");
}

#[test]
fn an_english_model_knows_english_words() {
    let embedder = starter();
    assert!(embedder.familiarity("How much notice must the tenant give?") > 0.9);
    assert!(embedder.familiarity("Welche Kündigungsfrist gilt für den Mieter?") < 0.6);
    assert!(embedder.familiarity("租户必须提前多久通知？") < 0.6);
    assert_eq!(embedder.familiarity(""), 1.0);
}
