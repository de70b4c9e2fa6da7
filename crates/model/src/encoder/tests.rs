//! The encoder on small random weights: against a plain one in f64, and on bad input.

use std::collections::BTreeMap;

use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::*;

/// A tensor by name: its shape and numbers.
type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn small() -> EncoderConfig {
    EncoderConfig {
        hidden: 40,
        layers: 2,
        heads: 2,
        intermediate: 72,
        max_positions: 300,
        layer_norm_epsilon: 1e-12,
        vocabulary: 60,
        token_types: 2,
        activation: Activation::Gelu,
        pooling: Pooling::Mean,
        normalise: true,
    }
}

/// Numbers from -1 to 1, always the same.
struct Noise(u32);

impl Noise {
    fn take(&mut self, len: usize) -> Vec<f32> {
        let mut next = || {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.0 >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..len).map(|_| next()).collect()
    }
}

fn random_tensors(config: &EncoderConfig) -> Tensors {
    let (hidden, inner) = (config.hidden, config.intermediate);
    let mut noise = Noise(1);
    let mut tensors = Tensors::new();
    let mut add = |name: String, shape: &[usize], centre: f32, spread: f32| {
        let values = noise.take(shape.iter().product());
        let values = values.into_iter().map(|x| centre + spread * x).collect();
        tensors.insert(name, (shape.to_vec(), values));
    };
    let mut norms = vec!["embeddings.LayerNorm".to_owned()];
    for (name, rows) in [
        ("word", config.vocabulary),
        ("position", config.max_positions),
        ("token_type", config.token_types),
    ] {
        add(
            format!("embeddings.{name}_embeddings.weight"),
            &[rows, hidden],
            0.0,
            0.5,
        );
    }
    for layer in 0..config.layers {
        let at = |part: &str| format!("encoder.layer.{layer}.{part}");
        for (name, outputs, inputs) in [
            ("attention.self.query", hidden, hidden),
            ("attention.self.key", hidden, hidden),
            ("attention.self.value", hidden, hidden),
            ("attention.output.dense", hidden, hidden),
            ("intermediate.dense", inner, hidden),
            ("output.dense", hidden, inner),
        ] {
            add(at(&format!("{name}.weight")), &[outputs, inputs], 0.0, 0.4);
            add(at(&format!("{name}.bias")), &[outputs], 0.0, 0.2);
        }
        norms.push(at("attention.output.LayerNorm"));
        norms.push(at("output.LayerNorm"));
    }
    for name in norms {
        add(format!("{name}.weight"), &[hidden], 1.0, 0.3);
        add(format!("{name}.bias"), &[hidden], 0.0, 0.3);
    }
    tensors
}

fn file(tensors: &Tensors, kind: Dtype) -> Vec<u8> {
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

fn load(tensors: &Tensors, precision: Precision) -> Encoder {
    Encoder::from_safetensors(&file(tensors, Dtype::F32), small(), precision).unwrap()
}

/// Sequences of many lengths, some longer than a block of anything.
fn sequences() -> Vec<Vec<u32>> {
    [1, 12, 0, 33, 2, 128, 7, 300, 64, 5, 31, 100]
        .iter()
        .map(|len| (0..*len).map(|i| (i * i * 7 + len * 3 + i) % 60).collect())
        .collect()
}

fn slices(sequences: &[Vec<u32>]) -> Vec<&[u32]> {
    sequences.iter().map(Vec::as_slice).collect()
}

/// The last layer of one sequence, one obvious loop after another.
fn plain(tensors: &Tensors, config: &EncoderConfig, sequence: &[u32]) -> Vec<Vec<f64>> {
    let row = |name: &str, index: usize| -> Vec<f64> {
        let (shape, values) = &tensors[name];
        let width = shape[shape.len() - 1];
        values[index * width..][..width]
            .iter()
            .map(|x| f64::from(*x))
            .collect()
    };
    let linear = |name: &str, x: &[f64]| -> Vec<f64> {
        let weight = format!("{name}.weight");
        let products = (0..tensors[&weight].0[0]).map(|output| {
            row(&weight, output)
                .iter()
                .zip(x)
                .map(|(w, x)| w * x)
                .sum::<f64>()
        });
        products
            .zip(row(&format!("{name}.bias"), 0))
            .map(|(sum, bias)| sum + bias)
            .collect()
    };
    let add_norm = |name: &str, x: &[f64], y: &[f64]| -> Vec<f64> {
        let sum: Vec<f64> = x.iter().zip(y).map(|(x, y)| x + y).collect();
        let mean = sum.iter().sum::<f64>() / sum.len() as f64;
        let variance = sum.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / sum.len() as f64;
        let (gain, bias) = (
            row(&format!("{name}.weight"), 0),
            row(&format!("{name}.bias"), 0),
        );
        let scaled = sum.iter().map(|x| (x - mean) / variance.sqrt());
        scaled
            .zip(gain.iter().zip(&bias))
            .map(|(x, (gain, bias))| x * gain + bias)
            .collect()
    };
    let mut hidden: Vec<Vec<f64>> = sequence
        .iter()
        .enumerate()
        .map(|(position, token)| {
            let word = row("embeddings.word_embeddings.weight", *token as usize);
            let position = row("embeddings.position_embeddings.weight", position);
            let kind = row("embeddings.token_type_embeddings.weight", 0);
            let rest: Vec<f64> = position.iter().zip(&kind).map(|(x, y)| x + y).collect();
            add_norm("embeddings.LayerNorm", &word, &rest)
        })
        .collect();
    for layer in 0..config.layers {
        let at = |part: &str| format!("encoder.layer.{layer}.{part}");
        let project = |part: &str| -> Vec<Vec<f64>> {
            let name = at(&format!("attention.self.{part}"));
            hidden.iter().map(|x| linear(&name, x)).collect()
        };
        let (queries, keys, values) = (project("query"), project("key"), project("value"));
        let context = plain_attention(&queries, &keys, &values, config.heads);
        for (x, context) in hidden.iter_mut().zip(&context) {
            let update = linear(&at("attention.output.dense"), context);
            *x = add_norm(&at("attention.output.LayerNorm"), x, &update);
            let mut inner = linear(&at("intermediate.dense"), x);
            for y in &mut inner {
                let cube = *y * *y * *y;
                *y *= 0.5 * (1.0 + ((*y + 0.044715 * cube) * 0.797_884_560_802_865_4).tanh());
            }
            *x = add_norm(
                &at("output.LayerNorm"),
                x,
                &linear(&at("output.dense"), &inner),
            );
        }
    }
    hidden
}

fn plain_attention(
    queries: &[Vec<f64>],
    keys: &[Vec<f64>],
    values: &[Vec<f64>],
    heads: usize,
) -> Vec<Vec<f64>> {
    let width = queries[0].len() / heads;
    let of_query = |query: &Vec<f64>| {
        let of_place = |place: usize| {
            let head = place / width * width..place / width * width + width;
            let score = |key: &Vec<f64>| -> f64 {
                let products = query[head.clone()].iter().zip(&key[head.clone()]);
                (products.map(|(q, k)| q * k).sum::<f64>() / (width as f64).sqrt()).exp()
            };
            let weights: Vec<f64> = keys.iter().map(score).collect();
            let mean: f64 = weights
                .iter()
                .zip(values)
                .map(|(w, value)| w * value[place])
                .sum();
            mean / weights.iter().sum::<f64>()
        };
        (0..query.len()).map(of_place).collect()
    };
    queries.iter().map(of_query).collect()
}

fn cosine(a: &[f32], b: &[f64]) -> f64 {
    let dot: f64 = a.iter().zip(b).map(|(a, b)| f64::from(*a) * b).sum();
    let of_a: f64 = a.iter().map(|a| f64::from(*a).powi(2)).sum();
    dot / (of_a * b.iter().map(|b| b * b).sum::<f64>()).sqrt()
}

#[test]
fn f32_agrees_with_a_plain_encoder_token_by_token() {
    let config = EncoderConfig {
        activation: Activation::GeluTanh,
        normalise: false,
        ..small()
    };
    let tensors = random_tensors(&config);
    let bytes = file(&tensors, Dtype::F32);
    let encoder = Encoder::from_safetensors(&bytes, config.clone(), Precision::F32).unwrap();
    let sequences = sequences();
    let all = encoder.encode_tokens(&slices(&sequences), 2).unwrap();
    for (got, sequence) in all.iter().zip(&sequences) {
        assert_eq!(got.len(), sequence.len() * config.hidden);
        if sequence.is_empty() {
            continue;
        }
        let expected = plain(&tensors, &config, sequence);
        for (got, expected) in got.iter().zip(expected.iter().flatten()) {
            assert!(
                (f64::from(*got) - expected).abs() < 2e-4,
                "{got}, not {expected}"
            );
        }
    }
}

#[test]
fn int8_keeps_the_direction_of_every_sequence() {
    let config = EncoderConfig {
        activation: Activation::GeluTanh,
        ..small()
    };
    let tensors = random_tensors(&config);
    let bytes = file(&tensors, Dtype::F32);
    let encoder = Encoder::from_safetensors(&bytes, config.clone(), Precision::Int8).unwrap();
    let sequences = sequences();
    for (got, sequence) in encoder
        .encode(&slices(&sequences), 2)
        .unwrap()
        .iter()
        .zip(&sequences)
    {
        if sequence.is_empty() {
            continue;
        }
        let mut mean = vec![0.0; config.hidden];
        for row in plain(&tensors, &config, sequence) {
            mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        let near = cosine(got, &mean);
        assert!(near > 0.99, "cosine {near} for {} tokens", sequence.len());
        let length: f32 = got.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-5);
    }
}

#[test]
fn a_sequence_has_the_same_bits_in_any_company() {
    let tensors = random_tensors(&small());
    let sequences = sequences();
    let all = slices(&sequences);
    let mut backwards = all.clone();
    backwards.reverse();
    for precision in [Precision::Int8, Precision::F32] {
        let encoder = load(&tensors, precision);
        let together = encoder.encode(&all, 1).unwrap();
        for threads in [2, 3, 16] {
            assert_eq!(
                encoder.encode(&all, threads).unwrap(),
                together,
                "{threads} threads"
            );
        }
        let mut reversed = encoder.encode(&backwards, 2).unwrap();
        reversed.reverse();
        assert_eq!(reversed, together);
        for (sequence, expected) in all.iter().zip(&together) {
            assert_eq!(&encoder.encode(&[sequence], 2).unwrap()[0], expected);
        }
    }
}

#[test]
fn packs_share_the_tokens_equally_and_keep_the_order() {
    let ones = [1; 2048];
    let lens = [256; 12];
    let sequences: Vec<&[u32]> = lens.iter().map(|len| &ones[..*len]).collect();
    assert_eq!(cut(&sequences, 2), [0..3, 3..6, 6..9, 9..12]);
    assert_eq!(cut(&sequences, 1), [0..4, 4..8, 8..12]);
    assert_eq!(
        cut(&[&ones, &ones[..3], &ones[..0], &ones[..7]], 2),
        [0..1, 1..4]
    );
    assert_eq!(
        cut(&[&ones[..12], &ones[..9]], 2),
        std::slice::from_ref(&(0..2))
    );
    assert_eq!(cut(&[&[], &[]], 4), std::slice::from_ref(&(0..2)));
    assert!(cut(&[], 4).is_empty());
}

#[test]
fn pools_the_mean_or_the_first_token() {
    let tensors = random_tensors(&small());
    let bytes = file(&tensors, Dtype::F32);
    let sequence: &[u32] = &[5, 9, 41, 3];
    let vector = |pooling, normalise| {
        let config = EncoderConfig {
            pooling,
            normalise,
            ..small()
        };
        let encoder = Encoder::from_safetensors(&bytes, config, Precision::F32).unwrap();
        let tokens = encoder.encode_tokens(&[sequence], 1).unwrap().remove(0);
        (encoder.encode(&[sequence], 1).unwrap().remove(0), tokens)
    };
    let (first, tokens) = vector(Pooling::Cls, false);
    assert_eq!(first, tokens[..40]);
    let (mean, tokens) = vector(Pooling::Mean, false);
    for (place, mean) in mean.iter().enumerate() {
        let expected = (0..4).map(|token| tokens[token * 40 + place]).sum::<f32>() / 4.0;
        assert!((mean - expected).abs() < 1e-6);
    }
    let (_, tokens) = vector(Pooling::Mean, true);
    for token in tokens.chunks(40) {
        assert!((token.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
    }
}

#[test]
fn reads_halves_prefixes_and_old_names() {
    let tensors = random_tensors(&small());
    let sequence: &[u32] = &[5, 9, 41, 3, 7, 0];
    let of = |bytes: &[u8]| {
        let encoder = Encoder::from_safetensors(bytes, small(), Precision::F32).unwrap();
        encoder.encode(&[sequence], 1).unwrap().remove(0)
    };
    let expected = of(&file(&tensors, Dtype::F32));
    let renamed: Tensors = tensors
        .iter()
        .map(|(name, tensor)| {
            let old = name
                .replace("LayerNorm.weight", "LayerNorm.gamma")
                .replace("LayerNorm.bias", "LayerNorm.beta");
            (format!("bert.{old}"), tensor.clone())
        })
        .collect();
    assert_eq!(of(&file(&renamed, Dtype::F32)), expected);
    let wide: Vec<f64> = expected.iter().map(|x| f64::from(*x)).collect();
    assert!(cosine(&of(&file(&tensors, Dtype::F16)), &wide) > 0.9999);
    assert!(cosine(&of(&file(&tensors, Dtype::BF16)), &wide) > 0.99);
}

#[test]
fn an_empty_sequence_gives_zeros_and_no_sequences_nothing() {
    let encoder = load(&random_tensors(&small()), Precision::Int8);
    assert_eq!(encoder.encode(&[&[]], 2).unwrap(), [vec![0.0; 40]]);
    assert_eq!(
        encoder.encode_tokens(&[&[]], 2).unwrap(),
        [Vec::<f32>::new()]
    );
    assert!(encoder.encode(&[], 2).unwrap().is_empty());
    assert_eq!(encoder.encode(&[&[1, 2]], 0).unwrap().len(), 1);
}

#[test]
fn refuses_sequences_that_the_weights_cannot_take() {
    let encoder = load(&random_tensors(&small()), Precision::Int8);
    let long = vec![1; 301];
    assert_eq!(
        encoder.encode(&[&[1], &long], 1),
        Err(EncoderError::TooLong {
            index: 1,
            tokens: 301,
            most: 300
        })
    );
    assert_eq!(
        encoder.encode(&[&[1, 60]], 1),
        Err(EncoderError::UnknownToken {
            index: 0,
            token: 60,
            vocabulary: 60
        })
    );
}

#[test]
fn says_which_tensor_is_wrong() {
    let error = |tensors: &Tensors, kind| {
        Encoder::from_safetensors(&file(tensors, kind), small(), Precision::Int8)
            .err()
            .expect("these weights are bad")
    };
    let good = random_tensors(&small());
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
    assert_eq!(
        error(&damaged, Dtype::F32),
        EncoderError::NotFinite {
            name: name.clone(),
            index: 17
        }
    );
    assert!(matches!(
        error(&damaged, Dtype::F16),
        EncoderError::NotFinite { .. }
    ));

    assert!(matches!(
        error(&good, Dtype::F64),
        EncoderError::TensorKind { .. }
    ));
}

#[test]
fn refuses_a_file_that_is_cut_short_and_a_shape_that_is_none() {
    let bytes = file(&random_tensors(&small()), Dtype::F32);
    for len in [0, 5, 100, bytes.len() - 1] {
        let error = Encoder::from_safetensors(&bytes[..len], small(), Precision::Int8).err();
        assert!(
            matches!(error, Some(EncoderError::Unreadable(_))),
            "{len} bytes"
        );
    }
    for config in [
        EncoderConfig {
            heads: 7,
            ..small()
        },
        EncoderConfig {
            hidden: 0,
            ..small()
        },
        EncoderConfig {
            layer_norm_epsilon: f32::NAN,
            ..small()
        },
    ] {
        let error = Encoder::from_safetensors(&bytes, config, Precision::Int8).err();
        assert!(matches!(error, Some(EncoderError::Config(_))));
    }
}
