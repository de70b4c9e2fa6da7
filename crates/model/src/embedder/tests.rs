//! Tests of the embedder with the starter model, and with folders that something is wrong with.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::fixture::word_pieces;
use super::*;
use crate::encoder::fixture::{HIDDEN, Tiny, cosine, file};
use crate::encoder::oracle;
use crate::starter;

fn starter() -> Arc<dyn Embedder> {
    load_embedder(&EmbedderSource::Starter, 0).unwrap()
}

fn embed(embedder: &dyn Embedder, texts: &[&str]) -> Vec<Vec<f32>> {
    let texts: Vec<String> = texts.iter().map(|text| text.to_string()).collect();
    embedder.embed(&texts, Urgency::Background).unwrap()
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

/// The vector of a text by candle, from the starter's own files.
fn by_candle(text: &str) -> Vec<f32> {
    let files = starter::embedder().unwrap();
    let checkpoint = super::starter().unwrap();
    let tokenizer = TextTokenizer::new(checkpoint.tokenizer, 256).unwrap();
    let (sequences, _) = tokenizer.windows("", &[text.into()]).unwrap();
    let config = std::str::from_utf8(files.config).unwrap();
    let tokens = sequences.get(0).unwrap().tokens;
    let rows = oracle::rows("bert", config, files.weights, tokens);
    let mut mean = vec![0.0; 384];
    for row in rows.chunks(384) {
        mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    normalise(&mut mean);
    mean
}

#[test]
fn bytes_keep_the_direction_that_floats_give() {
    let long = "The tenant shall give notice of three months in writing. ".repeat(8);
    let texts = REFERENCE.map(|(text, _)| text);
    let embedder = starter();
    for text in texts.into_iter().chain([long.as_str()]) {
        let near = cosine(&embed(&*embedder, &[text])[0], &by_candle(text));
        assert!(near > 0.99, "{text}: {near}");
    }
}

#[test]
fn floats_give_what_the_original_does() {
    let options = EmbedderOptions {
        precision: Some(Precision::F32),
        ..EmbedderOptions::default()
    };
    let embedder = load_embedder(&EmbedderSource::Starter, options).unwrap();
    assert!(embedder.fingerprint().ends_with("/f32"));
    for (text, expected) in REFERENCE {
        let by_candle = by_candle(text);
        let ours = embed(&*embedder, &[text]).remove(0);
        for vector in [&by_candle, &ours] {
            for (value, expected) in vector[..8].iter().chain(vector.last()).zip(expected) {
                assert!(
                    (value - expected).abs() < 1e-3,
                    "{text}: {value} and not {expected}"
                );
            }
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
fn slices_are_bounded_and_hold_every_text_once() {
    let texts: Vec<String> = (0..200).map(|n| "x".repeat(1 + (n * 371) % 3000)).collect();
    let cut = slices(&texts);
    assert!(cut.iter().cloned().flatten().eq(0..200));
    for slice in cut {
        let bytes: usize = texts[slice].iter().map(String::len).sum();
        assert!(bytes <= SLICE_BYTES);
    }
    let long = ["x".repeat(100_000), "y".into()];
    assert_eq!(slices(&long), [0..1, 1..2]);
    assert!(slices(&[]).is_empty());
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
    load_with(folder, EmbedderOptions::default())
}

fn load_with(folder: &Path, options: EmbedderOptions) -> Result<Arc<dyn Embedder>, LoadError> {
    load_embedder(&EmbedderSource::Directory(folder.to_owned()), options)
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
    assert!(starter().fingerprint().starts_with("all-MiniLM-L6-v2@"));
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
fn the_tokenizers_limit_holds_where_nothing_else_is_said() {
    let folder = folder();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let most = || load(folder.path()).unwrap().max_tokens();
    let named = || load(folder.path()).unwrap().fingerprint().to_owned();
    write("tokenizer_config.json", r#"{"model_max_length": 128}"#);
    assert_eq!(most(), 256);
    let before = named();
    write("sentence_bert_config.json", r#"{"transformer_task": "x"}"#);
    assert_eq!(most(), 128);
    assert_ne!(named(), before);
    write(
        "tokenizer_config.json",
        r#"{"model_max_length": 1000000000000000019884624838656}"#,
    );
    assert_eq!(most(), 512);
    write("tokenizer_config.json", "[");
    let problem = load(folder.path()).err().unwrap().to_string();
    assert!(problem.contains("tokenizer_config.json"), "{problem}");
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
    assert!(file.contains("no GGUF file"), "{file}");
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
    let other = change("\"model_type\": \"bert\"", "\"model_type\": \"mpnet\"");
    assert!(
        other.contains("mpnet") && other.contains("ModernBERT"),
        "{other}"
    );
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

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| text.to_string()).collect()
}

#[test]
fn every_family_loads_from_its_folder() {
    for tiny in Tiny::all() {
        let folder = super::fixture::folder(&tiny);
        let embedder = load(folder.path()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(embedder.dimension(), HIDDEN);
        assert_eq!(embedder.max_tokens(), 300);
        assert!(embedder.fingerprint().ends_with("/int8"));
        let vectors = embed(&*embedder, &["the lease", "notice", "the lease"]);
        assert_eq!(vectors[0], vectors[2], "{}", tiny.kind);
        assert_ne!(vectors[0], vectors[1], "{}", tiny.kind);
    }
}

#[test]
fn a_model_in_parts_loads_and_its_parts_are_checked() {
    let tiny = Tiny::bert();
    let folder = super::fixture::folder(&tiny);
    let whole = load(folder.path()).unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut halves = [
        crate::encoder::fixture::Tensors::new(),
        crate::encoder::fixture::Tensors::new(),
    ];
    let mut map = serde_json::Map::new();
    for (index, (name, tensor)) in tiny.tensors.iter().enumerate() {
        halves[index % 2].insert(name.clone(), tensor.clone());
        map.insert(name.clone(), format!("part-{}", index % 2).into());
    }
    for (index, half) in halves.iter().enumerate() {
        let bytes = file(half, safetensors::Dtype::F32);
        fs::write(path(&format!("part-{index}")), bytes).unwrap();
    }
    fs::remove_file(path("model.safetensors")).unwrap();
    let index = |map: &serde_json::Map<String, serde_json::Value>| {
        let index = serde_json::json!({"weight_map": map}).to_string();
        fs::write(path("model.safetensors.index.json"), index).unwrap();
    };
    index(&map);
    let parted = load(folder.path()).unwrap();
    assert_eq!(
        embed(&*whole, &["the lease"]),
        embed(&*parted, &["the lease"])
    );

    fs::remove_file(path("part-1")).unwrap();
    let missing = load(folder.path()).err().unwrap().to_string();
    assert!(missing.contains("part-1"), "{missing}");
    map.insert("x".into(), "../elsewhere".into());
    index(&map);
    let stray = load(folder.path()).err().unwrap().to_string();
    assert!(stray.contains("not in this folder"), "{stray}");
}

#[test]
fn the_first_values_are_kept_and_scaled_again() {
    let folder = super::fixture::folder(&Tiny::nomic());
    let whole = load(folder.path()).unwrap();
    let keep = |dimensions| EmbedderOptions {
        dimensions: Some(dimensions),
        ..EmbedderOptions::default()
    };
    let short = load_with(folder.path(), keep(16)).unwrap();
    assert_eq!(short.dimension(), 16);
    assert!(short.fingerprint().ends_with("/int8/16"));
    let mut expected = embed(&*whole, &["the lease"]).remove(0);
    expected.truncate(16);
    normalise(&mut expected);
    assert_eq!(embed(&*short, &["the lease"]), [expected]);
    let all = load_with(folder.path(), keep(HIDDEN)).unwrap();
    assert_eq!(all.fingerprint(), whole.fingerprint());
    for none in [0, HIDDEN + 1] {
        let problem = load_with(folder.path(), keep(none)).err().unwrap();
        assert!(problem.to_string().contains("keep 1 to 40"), "{problem}");
    }
}

#[test]
fn prompts_that_are_set_take_the_place_of_the_models_own() {
    let folder = super::fixture::folder(&Tiny::bert());
    let options = EmbedderOptions {
        query_prompt: Some("the ".into()),
        document_prompt: Some("notice ".into()),
        ..EmbedderOptions::default()
    };
    let (plain, set) = (
        load(folder.path()).unwrap(),
        load_with(folder.path(), options).unwrap(),
    );
    let expected = embed(&*plain, &["the lease", "notice lease"]);
    assert_eq!(set.embed_query("lease").unwrap(), expected[0]);
    assert_eq!(embed(&*set, &["lease"])[0], expected[1]);
    assert_ne!(set.fingerprint(), plain.fingerprint());
    let own = EmbedderOptions {
        query_prompt: Some("the ".into()),
        document_prompt: Some(String::new()),
        ..EmbedderOptions::default()
    };
    let own = load_with(folder.path(), own).unwrap();
    assert_eq!(own.fingerprint(), plain.fingerprint());
}

#[test]
fn tokens_have_vectors_of_their_own() {
    let folder = super::fixture::folder(&Tiny::modern());
    let embedder = load(folder.path()).unwrap();
    let vectors = embedder
        .embed_tokens(&texts(&["the lease", ""]), Urgency::Interactive)
        .unwrap();
    // With the token before and the one after the text.
    assert_eq!(vectors[0].len(), 4 * HIDDEN);
    assert_eq!(vectors[1].len(), 2 * HIDDEN);
    let mut mean = vec![0.0; HIDDEN];
    for token in vectors[0].chunks(HIDDEN) {
        let length: f32 = token.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-5);
        mean.iter_mut().zip(token).for_each(|(sum, x)| *sum += x);
    }
    assert!(cosine(&mean, &embed(&*embedder, &["the lease"])[0]) > 0.9);
}

#[test]
fn a_reranker_is_no_embedder() {
    let folder = super::fixture::folder(&Tiny::bert().with_head());
    let problem = load(folder.path()).err().unwrap().to_string();
    assert!(problem.contains("reranker"), "{problem}");
}

#[test]
fn text_that_is_no_unicode_in_a_file_is_told() {
    for file in ["config.json", "tokenizer.json"] {
        let problem = problem_with(file, Some(b"{\"model_type\": \"\xff\xfe\"}"));
        assert!(problem.contains(file), "{problem}");
    }
}

#[test]
fn a_text_of_many_windows_has_a_vector() {
    let folder = super::fixture::folder(&Tiny::distilbert());
    let embedder = load(folder.path()).unwrap();
    let long = "the lease ".repeat(20_000);
    let vector = &embed(&*embedder, &[&long])[0];
    assert!((cosine(vector, vector) - 1.0).abs() < 1e-5);
}

#[test]
fn a_long_line_that_was_no_utf_8_is_embedded_to_its_end() {
    let folder = super::fixture::folder(&Tiny::distilbert());
    let embedder = load(folder.path()).unwrap();
    let line = b"the lease \xff\xfe ends, ".repeat(25_000);
    let line = String::from_utf8_lossy(&line).into_owned();
    let longer = format!("{line}{}", "rent ".repeat(25_000));
    let vectors = embed(&*embedder, &[&line, &longer]);
    assert!((cosine(&vectors[0], &vectors[0]) - 1.0).abs() < 1e-5);
    assert!(cosine(&vectors[0], &vectors[1]) < 0.9999);
    // What is no character has no tokens, however much of it there is.
    assert_eq!(embedder.count_tokens(&"\u{fffd}".repeat(100_000)), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_text_has_the_same_bits_in_any_company(
        words in prop::collection::vec(prop::collection::vec(5usize..60, 0..120), 1..12),
        threads in 1usize..5,
        pack_tokens in 1usize..400,
        family in 0usize..6,
    ) {
        let tiny = &Tiny::all()[family];
        let folder = super::fixture::folder(tiny);
        let vocabulary = word_pieces();
        let text = |words: &Vec<usize>| {
            words.iter().map(|word| vocabulary[*word].as_str()).collect::<Vec<_>>().join(" ")
        };
        let texts: Vec<String> = words.iter().map(text).collect();
        let alone = load_with(folder.path(), EmbedderOptions::from(1)).unwrap();
        let options = EmbedderOptions { threads, pack_tokens, ..EmbedderOptions::default() };
        let together = load_with(folder.path(), options).unwrap();
        let vectors = together.embed(&texts, Urgency::Background).unwrap();
        for (text, vector) in texts.iter().zip(&vectors) {
            let own = alone.embed(std::slice::from_ref(text), Urgency::Interactive).unwrap();
            prop_assert_eq!(&own[0], vector);
        }
    }
}
