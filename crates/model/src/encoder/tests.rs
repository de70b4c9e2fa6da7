//! Encoders on small random weights: against candle's, and on bad input.

use safetensors::Dtype;

use super::fixture::{
    HIDDEN, INNER, LAYERS, MOST_TOKENS, Tensors as Named, Tiny, VOCABULARY, cosine, file,
};
use super::*;

fn config(tiny: &Tiny, pooling: Pooling, normalise: bool) -> EncoderConfig {
    EncoderConfig::from_json(&tiny.json, pooling, normalise).unwrap()
}

fn load(tiny: &Tiny, pooling: Pooling, precision: Precision) -> Encoder {
    Encoder::from_safetensors(&tiny.file(), config(tiny, pooling, true), precision).unwrap()
}

/// Sequences of many lengths, some longer than a block of anything. Without the tokens 0 and 1,
/// which are padding to candle.
fn sequences() -> Vec<Vec<u32>> {
    [1, 12, 0, 33, 2, 128, 7, 300, 64, 5, 31, 100]
        .iter()
        .map(|len| {
            (0..*len)
                .map(|i| 2 + (i * i * 7 + len * 3 + i) % 58)
                .collect()
        })
        .collect()
}

fn slices(sequences: &[Vec<u32>]) -> Vec<&[u32]> {
    sequences.iter().map(Vec::as_slice).collect()
}

/// The mean of rows as long as a token's vector.
fn mean(rows: &[f32]) -> Vec<f32> {
    let mut mean = vec![0.0; HIDDEN];
    for row in rows.chunks(HIDDEN) {
        mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    let count = (rows.len() / HIDDEN) as f32;
    mean.iter_mut().for_each(|sum| *sum /= count);
    mean
}

#[test]
fn floats_agree_with_candle_token_by_token() {
    let sequences = sequences();
    for tiny in Tiny::all() {
        let config = config(&tiny, Pooling::Mean, false);
        let bytes = tiny.file();
        let encoder = Encoder::from_safetensors(&bytes, config, Precision::F32).unwrap();
        let all = encoder.encode_tokens(&slices(&sequences)).unwrap();
        for (mut got, sequence) in all.into_iter().zip(&sequences) {
            assert_eq!(got.len(), sequence.len() * HIDDEN);
            if sequence.is_empty() {
                continue;
            }
            let expected = oracle::rows(tiny.kind, &tiny.json, &bytes, sequence);
            if tiny.kind == "new" {
                got = mean(&got);
            }
            assert_eq!(got.len(), expected.len());
            for (got, expected) in got.iter().zip(&expected) {
                assert!(
                    (got - expected).abs() < 5e-4,
                    "{}, {} tokens: {got}, not {expected}",
                    tiny.kind,
                    sequence.len()
                );
            }
        }
    }
}

/// The same models as newer files of Hugging Face's libraries describe them.
#[test]
fn newer_files_describe_the_same_models() {
    let theta = |base: u32| format!(r#"{{"rope_theta": {base}.0, "rope_type": "default"}}"#);
    let nomic = format!(
        r#"{{"model_type": "nomic_bert", "hidden_size": {HIDDEN}, "intermediate_size": {INNER},
        "num_attention_heads": 2, "num_hidden_layers": {LAYERS}, "hidden_act": "silu",
        "head_dim": {}, "max_position_embeddings": {MOST_TOKENS}, "layer_norm_eps": 1e-12,
        "rope_parameters": {}, "type_vocab_size": 2, "vocab_size": {VOCABULARY}}}"#,
        HIDDEN / 2,
        theta(1000),
    );
    let modern = format!(
        r#"{{"model_type": "modernbert", "hidden_size": {HIDDEN}, "intermediate_size": {INNER},
        "num_attention_heads": 2, "num_hidden_layers": {LAYERS}, "hidden_activation": "gelu",
        "norm_eps": 1e-5, "local_attention": 16, "max_position_embeddings": {MOST_TOKENS},
        "layer_types": ["full_attention", "sliding_attention", "full_attention"],
        "rope_parameters": {{"full_attention": {}, "sliding_attention": {}}},
        "vocab_size": {VOCABULARY}}}"#,
        theta(160_000),
        theta(10_000),
    );
    for (old, json) in [(Tiny::nomic(), nomic), (Tiny::modern(), modern)] {
        let new = Tiny {
            json,
            ..old.clone()
        };
        let config = |tiny| config(tiny, Pooling::Mean, true);
        assert_eq!(config(&new), config(&old), "{}", old.kind);
    }
}

#[test]
fn bytes_keep_the_direction_of_every_sequence() {
    let sequences = sequences();
    for tiny in Tiny::all() {
        let vectors = |precision| {
            let encoder = load(&tiny, Pooling::Mean, precision);
            encoder.encode(&slices(&sequences)).unwrap()
        };
        let (bytes, floats) = (vectors(Precision::Int8), vectors(Precision::F32));
        for (byte, float) in bytes.iter().zip(&floats).filter(|(_, x)| x[0] != 0.0) {
            let near = cosine(byte, float);
            assert!(near > 0.98, "{}: {near}", tiny.kind);
            assert!((cosine(byte, byte) - 1.0).abs() < 1e-5);
            let length: f32 = byte.iter().map(|x| x * x).sum();
            assert!((length - 1.0).abs() < 1e-5);
        }
    }
}

#[test]
fn a_sequence_has_the_same_bits_in_any_company() {
    let sequences = sequences();
    let all = slices(&sequences);
    let mut backwards = all.clone();
    backwards.reverse();
    for tiny in Tiny::all() {
        for (precision, pooling) in [
            (Precision::Int8, Pooling::Mean),
            (Precision::F32, Pooling::Cls),
        ] {
            let encoder = load(&tiny, pooling, precision);
            let together = encoder.encode(&all).unwrap();
            let mut reversed = encoder.encode(&backwards).unwrap();
            reversed.reverse();
            assert_eq!(reversed, together, "{}", tiny.kind);
            for (sequence, expected) in all.iter().zip(&together) {
                assert_eq!(&encoder.encode(&[sequence]).unwrap()[0], expected);
            }
        }
    }
}

#[test]
fn pools_the_mean_the_first_or_the_last_token() {
    let sequence: &[u32] = &[5, 9, 41, 3];
    for tiny in Tiny::all() {
        let vector = |pooling| {
            let config = config(&tiny, pooling, false);
            let encoder = Encoder::from_safetensors(&tiny.file(), config, Precision::Int8).unwrap();
            let tokens = encoder.encode_tokens(&[sequence]).unwrap().remove(0);
            (encoder.encode(&[sequence]).unwrap().remove(0), tokens)
        };
        let (first, tokens) = vector(Pooling::Cls);
        assert_eq!(first, tokens[..HIDDEN], "{}", tiny.kind);
        let (last, tokens) = vector(Pooling::Last);
        assert_eq!(last, tokens[3 * HIDDEN..]);
        let (of_all, tokens) = vector(Pooling::Mean);
        for (got, expected) in of_all.iter().zip(mean(&tokens)) {
            assert!((got - expected).abs() < 1e-6);
        }
    }
    let encoder = load(&Tiny::bert(), Pooling::Mean, Precision::Int8);
    for token in encoder.encode_tokens(&[sequence]).unwrap()[0].chunks(HIDDEN) {
        assert!((token.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
    }
}

#[test]
fn scores_agree_with_candle() {
    for tiny in [Tiny::bert(), Tiny::roberta()].map(Tiny::with_head) {
        let bytes = tiny.file();
        let tensors = Tensors::from_safetensors(vec![Blob::Memory(&bytes)]).unwrap();
        let config = config(&tiny, Pooling::Cls, true);
        let encoder =
            Encoder::load_with_head(&tensors, Layout::HuggingFace, config, Precision::F32).unwrap();
        for tokens in sequences().iter().filter(|tokens| tokens.len() > 1) {
            let second = tokens.len() / 2;
            let pair = Sequence { tokens, second };
            let go_on = || ControlFlow::Continue(());
            let scores = encoder
                .run(&[pair], Output::Score, &go_on)
                .unwrap()
                .unwrap();
            let expected = oracle::score(tiny.kind, &tiny.json, &bytes, tokens, second);
            let got = scores[0][0];
            assert!(
                (got - expected).abs() < 5e-4,
                "{}: {got}, not {expected}",
                tiny.kind
            );
        }
    }
}

#[test]
fn a_pass_that_is_not_to_go_on_gives_nothing() {
    let encoder = load(&Tiny::modern(), Pooling::Mean, Precision::Int8);
    let tokens = vec![3; 200];
    let pauses = std::cell::Cell::new(0);
    let until = |most: u32| {
        pauses.set(0);
        let pause = || {
            pauses.set(pauses.get() + 1);
            match pauses.get() > most {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let pack = [Sequence::single(&tokens)];
        encoder.run(&pack, Output::Vector, &pause).unwrap()
    };
    let whole = until(u32::MAX).unwrap();
    let asked = pauses.get();
    // Once for the attention of each layer and for every 48 tokens of its feed-forward block.
    assert_eq!(asked, 3 * (1 + 5));
    for most in 0..asked {
        assert_eq!(until(most), None);
    }
    assert_eq!(until(asked).unwrap(), whole);
}

#[test]
fn reads_halves_prefixes_and_old_names() {
    let tiny = Tiny::bert();
    let sequence: &[u32] = &[5, 9, 41, 3, 7, 0];
    let of = |bytes: &[u8]| {
        let config = config(&tiny, Pooling::Mean, true);
        let encoder = Encoder::from_safetensors(bytes, config, Precision::F32).unwrap();
        encoder.encode(&[sequence]).unwrap().remove(0)
    };
    let expected = of(&tiny.file());
    let renamed: Named = tiny
        .tensors
        .iter()
        .map(|(name, tensor)| {
            let old = name
                .replace("LayerNorm.weight", "LayerNorm.gamma")
                .replace("LayerNorm.bias", "LayerNorm.beta");
            (format!("bert.{old}"), tensor.clone())
        })
        .collect();
    assert_eq!(of(&file(&renamed, Dtype::F32)), expected);
    assert!(cosine(&of(&file(&tiny.tensors, Dtype::F16)), &expected) > 0.9999);
    assert!(cosine(&of(&file(&tiny.tensors, Dtype::BF16)), &expected) > 0.99);
}

#[test]
fn a_model_in_parts_is_the_same_model() {
    let tiny = Tiny::nomic();
    let config = || config(&tiny, Pooling::Mean, true);
    let whole = Encoder::from_safetensors(&tiny.file(), config(), Precision::Int8).unwrap();
    let mut halves = [Named::new(), Named::new()];
    for (index, (name, tensor)) in tiny.tensors.iter().enumerate() {
        halves[index % 2].insert(name.clone(), tensor.clone());
    }
    let halves = halves.map(|half| file(&half, Dtype::F32));
    let parts = halves.iter().map(|half| Blob::Memory(half)).collect();
    let tensors = Tensors::from_safetensors(parts).unwrap();
    let parted = Encoder::load(&tensors, Layout::HuggingFace, config(), Precision::Int8).unwrap();
    let sequence: &[u32] = &[5, 9, 41];
    assert_eq!(
        whole.encode(&[sequence]).unwrap(),
        parted.encode(&[sequence]).unwrap()
    );
}

#[test]
fn an_empty_sequence_gives_zeros_and_no_sequences_nothing() {
    for pooling in [Pooling::Mean, Pooling::Cls, Pooling::Last] {
        let encoder = load(&Tiny::bert(), pooling, Precision::Int8);
        assert_eq!(encoder.encode(&[&[]]).unwrap(), [vec![0.0; HIDDEN]]);
        let among = encoder.encode(&[&[4, 5], &[], &[6]]).unwrap();
        assert_eq!(among[1], vec![0.0; HIDDEN]);
        assert_eq!(among[2], encoder.encode(&[&[6]]).unwrap()[0]);
        assert_eq!(encoder.encode_tokens(&[&[]]).unwrap(), [Vec::<f32>::new()]);
        assert!(encoder.encode(&[]).unwrap().is_empty());
    }
}

#[test]
fn refuses_sequences_that_the_weights_cannot_take() {
    for tiny in Tiny::all() {
        let encoder = load(&tiny, Pooling::Mean, Precision::Int8);
        let long = vec![1; MOST_TOKENS + 1];
        assert_eq!(
            encoder.encode(&[&[1], &long]),
            Err(EncoderError::TooLong {
                index: 1,
                tokens: MOST_TOKENS + 1,
                most: MOST_TOKENS
            })
        );
        assert_eq!(
            encoder.encode(&[&[1, 60]]),
            Err(EncoderError::UnknownToken {
                index: 0,
                token: 60,
                vocabulary: VOCABULARY
            })
        );
    }
}

#[test]
fn says_which_tensor_is_wrong() {
    let tiny = Tiny::bert();
    let error = |tensors: &Named, kind| {
        let config = config(&tiny, Pooling::Mean, true);
        Encoder::from_safetensors(&file(tensors, kind), config, Precision::Int8)
            .err()
            .expect("these weights are bad")
    };
    let good = tiny.tensors.clone();
    let name = "encoder.layer.1.output.dense.weight".to_owned();

    let mut missing = good.clone();
    missing.remove(&name);
    assert_eq!(
        error(&missing, Dtype::F32),
        EncoderError::MissingTensor { name: name.clone() }
    );

    let mut turned = good.clone();
    turned.get_mut(&name).unwrap().0.reverse();
    assert_eq!(
        error(&turned, Dtype::F32),
        EncoderError::TensorShape {
            name: name.clone(),
            found: vec![72, 40],
            expected: vec![40, 72]
        }
    );

    let mut damaged = good.clone();
    damaged.get_mut(&name).unwrap().1[17] = f32::NAN;
    for kind in [Dtype::F32, Dtype::F16, Dtype::BF16] {
        assert_eq!(
            error(&damaged, kind),
            EncoderError::NotFinite {
                name: name.clone(),
                index: 17
            }
        );
    }

    assert!(matches!(
        error(&good, Dtype::F64),
        EncoderError::TensorKind { .. }
    ));
}

#[test]
fn every_family_misses_each_of_its_tensors() {
    for tiny in Tiny::all() {
        for name in tiny.tensors.keys() {
            // Families without biases may have them, and take zeros where they are not.
            let optional = name.ends_with(".bias") && !["bert", "xlm-roberta"].contains(&tiny.kind);
            if optional {
                continue;
            }
            let mut tensors = tiny.tensors.clone();
            tensors.remove(name);
            let bytes = file(&tensors, Dtype::F32);
            let config = config(&tiny, Pooling::Mean, true);
            let error = Encoder::from_safetensors(&bytes, config, Precision::Int8).err();
            assert!(
                matches!(error, Some(EncoderError::MissingTensor { .. })),
                "{}: {name}",
                tiny.kind
            );
        }
    }
}

#[test]
fn refuses_a_file_that_is_cut_short_or_lies_and_a_shape_that_is_none() {
    let tiny = Tiny::bert();
    let bytes = tiny.file();
    let error = |bytes: &[u8]| {
        let config = config(&tiny, Pooling::Mean, true);
        Encoder::from_safetensors(bytes, config, Precision::Int8).err()
    };
    let lying = [&u64::MAX.to_le_bytes()[..], &bytes[8..]].concat();
    let header =
        br#"{"a": {"dtype": "F32", "shape": [18446744073709551615, 4], "data_offsets": [0, 16]}}"#;
    let overflowing = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 16]].concat();
    let cut = [0, 5, 100, bytes.len() - 1].map(|len| bytes[..len].to_vec());
    for bad in cut.into_iter().chain([lying, overflowing]) {
        let error = error(&bad);
        assert!(
            matches!(error, Some(EncoderError::Unreadable(_))),
            "{} bytes: {error:?}",
            bad.len()
        );
    }
    let good = config(&tiny, Pooling::Mean, true);
    for bad in [
        EncoderConfig {
            heads: 7,
            ..good.clone()
        },
        EncoderConfig {
            hidden: 0,
            ..good.clone()
        },
        EncoderConfig {
            norm_epsilon: f32::NAN,
            ..good.clone()
        },
        EncoderConfig {
            positions: Positions::Rotary(Rope {
                base: -1.0,
                scale: 1.0,
            }),
            ..good.clone()
        },
    ] {
        let error = Encoder::from_safetensors(&bytes, bad, Precision::Int8).err();
        assert!(matches!(error, Some(EncoderError::Config(_))));
    }
}
