//! The reranker on small models with random weights.

use std::fs;
use std::time::Duration;

use super::*;
use crate::embedder::fixture::{folder, tokenizer_json};
use crate::encoder::fixture::{MOST_TOKENS, Tiny};
use crate::encoder::oracle;

fn load(tiny: &Tiny) -> Arc<dyn Reranker> {
    load_with(tiny, RerankerOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn load_with(tiny: &Tiny, options: RerankerOptions) -> Result<Arc<dyn Reranker>, LoadError> {
    load_reranker(folder(tiny).path(), options)
}

fn heads() -> [Tiny; 3] {
    [Tiny::bert(), Tiny::roberta(), Tiny::modern()].map(Tiny::with_head)
}

#[test]
fn pairs_stand_in_the_frame_of_their_family() {
    let pair = |kind: &str| {
        let tokenizer = Tokenizer::from_bytes(tokenizer_json(kind)).unwrap();
        let tokenizer = PairTokenizer::new(tokenizer, MOST_TOKENS).unwrap();
        let (sequences, _) = tokenizer.pairs("the", &["lease"]).unwrap();
        let pair = sequences.get(0).unwrap();
        (pair.tokens.to_vec(), pair.second)
    };
    // [CLS] the [SEP] lease [SEP], the passage of the second type.
    assert_eq!(pair("bert"), (vec![2, 57, 3, 58, 3], 3));
    // <s> the </s></s> lease </s>, all of one type.
    let (tokens, second) = pair("xlm-roberta");
    assert_eq!(tokens, [0, 31, 2, 2, 32, 2]);
    assert_eq!(second, 4);
}

#[test]
fn scores_are_candles() {
    for tiny in [Tiny::bert(), Tiny::roberta()].map(Tiny::with_head) {
        let floats = RerankerOptions {
            precision: Precision::F32,
            threads: 2,
        };
        let reranker = load_with(&tiny, floats).unwrap();
        let scores = reranker.rerank("the", &["lease"], None).unwrap();
        let (tokens, second): (&[u32], usize) = match tiny.kind {
            "bert" => (&[2, 57, 3, 58, 3], 3),
            _ => (&[0, 31, 2, 2, 32, 2], 4),
        };
        let expected = oracle::score(tiny.kind, &tiny.json, &tiny.file(), tokens, second);
        assert!(
            (scores[0] - expected).abs() < 5e-4,
            "{}: {} and not {expected}",
            tiny.kind,
            scores[0]
        );
    }
}

#[test]
fn a_passage_has_the_same_score_among_any_others() {
    for tiny in heads() {
        let reranker = load(&tiny);
        let long = "notice of the lease ".repeat(30);
        let passages = ["the lease", &long, "", "notice"];
        let together = reranker.rerank("a lease", &passages, None).unwrap();
        assert_eq!(together.len(), passages.len());
        for (passage, score) in passages.iter().zip(&together) {
            let alone = reranker.rerank("a lease", &[passage], None).unwrap();
            assert_eq!(alone, [*score], "{}", tiny.kind);
            assert!(score.is_finite());
        }
        assert_ne!(together[0], together[3]);
        assert!(reranker.rerank("a", &[], None).unwrap().is_empty());
    }
}

#[test]
fn a_long_passage_gets_the_score_of_its_best_window() {
    let tokenizer = Tokenizer::from_bytes(tokenizer_json("bert")).unwrap();
    let tokenizer = PairTokenizer::new(tokenizer, 20).unwrap();
    let long = "the lease notice ".repeat(20);
    let question = "the ".repeat(50);
    let (sequences, windows) = tokenizer.pairs(&question, &["the", &long]).unwrap();
    assert_eq!(windows[0], 0..1);
    // Half of the 17 tokens beside the frame are the question's, nine are left for the passage.
    assert_eq!(windows[1], 1..8);
    for index in 1..8 {
        let sequence = sequences.get(index).unwrap();
        assert!(sequence.len() <= 20);
        assert_eq!(sequence.second, 10);
    }
    let tiny = Tiny::bert().with_head();
    let reranker = load(&tiny);
    let long = "the lease notice ".repeat(200);
    assert!(reranker.rerank("the", &[&long], None).unwrap()[0].is_finite());
}

#[test]
fn a_deadline_that_has_passed_is_told() {
    let reranker = load(&Tiny::bert().with_head());
    let past = Some(Instant::now());
    let error = reranker.rerank("the", &["lease"], past).unwrap_err();
    assert!(matches!(error, ModelError::Late { .. }), "{error}");
    let far = Some(Instant::now() + Duration::from_secs(3600));
    assert!(reranker.rerank("the", &["lease"], far).is_ok());
}

#[test]
fn what_is_no_reranker_is_told() {
    let problem = |tiny: &Tiny| {
        let loaded = load_with(tiny, RerankerOptions::default());
        loaded.err().expect("this is no reranker").to_string()
    };
    let embedder = problem(&Tiny::bert());
    assert!(embedder.contains("no classifier"), "{embedder}");
    let mut two = Tiny::bert().with_head();
    two.json = two
        .json
        .replace("\"0\": \"LABEL_0\"", "\"0\": \"a\", \"1\": \"b\"");
    assert!(problem(&two).contains("2 scores"), "{}", problem(&two));
    let mut headless = Tiny::roberta().with_head();
    headless.tensors.remove("classifier.out_proj.weight");
    assert!(problem(&headless).contains("classifier"));

    let broken = folder(&Tiny::bert().with_head());
    fs::write(broken.path().join("tokenizer.json"), b"{\xff").unwrap();
    let error = load_reranker(broken.path(), RerankerOptions::default()).err();
    assert!(error.unwrap().to_string().contains("tokenizer.json"));
}
