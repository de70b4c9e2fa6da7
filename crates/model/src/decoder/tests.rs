//! The decoder against the same network in plain `f64`, and against candle.

use std::borrow::Cow;

use candle_core::quantized::gguf_file;
use candle_core::{Device, Tensor};
use candle_transformers::models as candle_models;

use super::reference::Reference;
use super::*;
use crate::fixture::{Experts, GgufWriter, Tiny, tiny_gguf, tiny_model};

/// Keys and values are kept in half precision; a number that lies between two of these is
/// rounded to the one here and to the other there.
const ROUNDING: f64 = 3e-4;

fn source(bytes: Vec<u8>) -> Arc<Source> {
    Arc::new(Source::Memory(Cow::Owned(bytes)))
}

fn load(source: &Arc<Source>, threads: usize) -> Result<Transformer, GgufError> {
    let gguf = Gguf::read(&mut source.reader())?;
    let options = LoadOptions {
        context: Some(1024),
        threads,
        ..LoadOptions::default()
    };
    match Decoder::load(&gguf, source.clone(), &options)? {
        Decoder::Own(transformer) => Ok(*transformer),
        Decoder::Candle(_) => panic!("left to candle"),
    }
}

fn reference(source: &Arc<Source>, tokens: &[u32]) -> Vec<Vec<f64>> {
    let gguf = Gguf::read(&mut source.reader()).unwrap();
    Reference::load(&gguf, source, 1024).logits(tokens)
}

fn prompt(length: u32) -> Vec<u32> {
    (0..length)
        .map(|at| 3 + (at * 37 + at * at) % 250)
        .collect()
}

/// The length of the difference in comparison with the length of what is expected.
fn error(logits: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(logits.len(), expected.len());
    let square = |x: f64| x * x;
    let difference: f64 = logits
        .iter()
        .zip(expected)
        .map(|(a, b)| square(f64::from(*a) - b))
        .sum();
    let length: f64 = expected.iter().map(|b| square(*b)).sum();
    (difference / length).sqrt()
}

/// Reads `tokens` in batches of these lengths, and compares the logits of every token.
fn compare(name: &str, tiny: &Tiny, batches: &[usize], bound: f64) {
    let source = source(tiny_model(tiny));
    let tokens = prompt(batches.iter().sum::<usize>() as u32);
    let expected = reference(&source, &tokens);
    for threads in [1, 3] {
        let mut transformer = load(&source, threads).unwrap();
        let mut start = 0;
        for batch in batches {
            let batch = &tokens[start..start + batch];
            transformer.read(batch, Wanted::All).unwrap();
            for row in 0..batch.len() {
                let error = error(transformer.logits(row), &expected[start + row]);
                assert!(
                    error < bound,
                    "{name}, token {} by {threads} threads: {error}",
                    start + row
                );
            }
            start += batch.len();
        }
    }
}

/// A prefill of several batches, decoding, a second turn, decoding.
const TURNS: [usize; 8] = [40, 21, 1, 1, 1, 18, 5, 1];

#[test]
fn every_architecture_computes_what_it_says() {
    for architecture in Architecture::ALL {
        let tiny = Tiny::of(architecture.name());
        compare(architecture.name(), &tiny, &TURNS, ROUNDING);
    }
}

#[test]
fn keys_and_values_may_be_bytes() {
    let source = source(tiny_gguf("llama"));
    let tokens = prompt(60);
    let gguf = Gguf::read(&mut source.reader()).unwrap();
    let options = LoadOptions {
        precision: CachePrecision::Int8,
        ..LoadOptions::default()
    };
    let mut decoder = Decoder::load(&gguf, source.clone(), &options).unwrap();
    decoder.read(&tokens, Wanted::Last).unwrap();
    let expected = reference(&source, &tokens);
    let error = error(decoder.logits(0), &expected[59]);
    assert!(error < 0.03, "{error}");
}

#[test]
fn long_contexts_are_shared_by_spans() {
    let mut tiny = Tiny::of("gemma2");
    tiny.integers = vec![("context_length", 4096)];
    tiny.window = 1500;
    tiny.layers = 1;
    let source = source(tiny_model(&tiny));
    let tokens = prompt(2100);
    let run = |threads: usize, batches: &[usize]| -> Vec<f32> {
        let gguf = Gguf::read(&mut source.reader()).unwrap();
        let options = LoadOptions {
            threads,
            ..LoadOptions::default()
        };
        let mut decoder = Decoder::load(&gguf, source.clone(), &options).unwrap();
        let mut rest = &tokens[..];
        for batch in batches {
            let (batch, after) = rest.split_at(*batch);
            decoder.read(batch, Wanted::Last).unwrap();
            rest = after;
        }
        decoder.logits(0).to_vec()
    };
    let expected = run(1, &[2100]);
    for (threads, batches) in [
        (1, [1200, 890, 7, 3]),
        (3, [2000, 98, 1, 1]),
        (2, [16, 1068, 1000, 16]),
    ] {
        assert_eq!(run(threads, &batches), expected, "{threads} {batches:?}");
    }
}

#[test]
fn windows_slide() {
    for architecture in ["gemma2", "gemma3", "olmo2"] {
        let mut tiny = Tiny::of(architecture);
        tiny.window = 24;
        compare(architecture, &tiny, &TURNS, ROUNDING);
    }
}

#[test]
fn experts_are_found_merged_and_single() {
    for experts in [Experts::Merged, Experts::Single] {
        let mut tiny = Tiny::of("llama");
        tiny.experts = Some(experts);
        compare("mixtral", &tiny, &TURNS, ROUNDING);
    }
}

#[test]
fn positions_are_scaled_as_the_file_says() {
    let mut linear = Tiny::of("llama");
    linear.texts = vec![("rope.scaling.type", "linear")];
    linear.floats = vec![("rope.scaling.factor", 4.0)];
    let mut yarn = Tiny::of("qwen2");
    yarn.texts = vec![("rope.scaling.type", "yarn")];
    yarn.floats = vec![("rope.scaling.factor", 4.0)];
    yarn.integers = vec![("rope.scaling.original_context_length", 256)];
    let mut llama3 = Tiny::of("llama");
    let factors = (0..8).map(|pair| 1.0 + pair as f32).collect();
    llama3.vectors = vec![("rope_freqs.weight", factors)];
    let mut partial = Tiny::of("phi3");
    partial.integers = vec![("rope.dimension_count", 8)];
    for (name, tiny) in [
        ("linear", linear),
        ("yarn", yarn),
        ("llama 3", llama3),
        ("partial", partial),
    ] {
        compare(name, &tiny, &[30, 1, 1], ROUNDING);
    }
}

#[test]
fn a_vocabulary_may_serve_as_the_output() {
    let mut tiny = Tiny::of("llama");
    tiny.tied = true;
    compare("tied", &tiny, &[20, 1], ROUNDING);
}

/// The logits of what follows `tokens`, by candle.
fn by_candle(architecture: &str, bytes: &[u8], tokens: &[u32]) -> Vec<f64> {
    let mut reader = std::io::Cursor::new(bytes);
    let content = gguf_file::Content::read(&mut reader).unwrap();
    let device = Device::Cpu;
    let input = Tensor::new(tokens, &device).unwrap().unsqueeze(0).unwrap();
    macro_rules! run {
        ($module:ident $(, $flag:expr)?) => {
            candle_models::$module::ModelWeights::from_gguf(
                $($flag,)? content, &mut reader, &device,
            )
            .and_then(|mut model| model.forward(&input, 0))
        };
    }
    let logits = match architecture {
        "llama" => run!(quantized_llama),
        "qwen2" => run!(quantized_qwen2),
        "qwen3" => run!(quantized_qwen3),
        "phi3" => run!(quantized_phi3, false),
        other => panic!("{other}"),
    };
    let logits: Vec<f32> = logits.unwrap().flatten_all().unwrap().to_vec1().unwrap();
    logits.into_iter().map(f64::from).collect()
}

#[test]
fn candle_computes_the_same() {
    // Gemma 3 is not among them: candle gates it by SiLU and lets its windows see one token more.
    for architecture in ["llama", "qwen2", "qwen3", "phi3"] {
        let bytes = tiny_gguf(architecture);
        let tokens = prompt(50);
        let expected = by_candle(architecture, &bytes, &tokens);
        let mut transformer = load(&source(bytes), 2).unwrap();
        transformer.read(&tokens, Wanted::Last).unwrap();
        let error = error(transformer.logits(0), &expected);
        // candle does not round keys and values to half precision.
        assert!(error < 2e-3, "{architecture}: {error}");
    }
}

#[test]
fn logits_have_the_same_bits_whatever_the_threads_and_batches() {
    let source = source(tiny_gguf("llama"));
    let tokens = prompt(60);
    let run = |threads: usize, batches: &[usize]| -> Vec<u32> {
        let mut transformer = load(&source, threads).unwrap();
        let mut rest = &tokens[..];
        for batch in batches {
            let (batch, after) = rest.split_at(*batch);
            transformer.read(batch, Wanted::Last).unwrap();
            rest = after;
        }
        transformer.logits(0).iter().map(|x| x.to_bits()).collect()
    };
    let expected = run(1, &[60]);
    for (threads, batches) in [
        (2, vec![60]),
        (5, vec![60]),
        (1, vec![1; 60]),
        (4, vec![7, 16, 17, 20]),
    ] {
        assert!(run(threads, &batches) == expected, "{threads} {batches:?}");
    }
}

#[test]
fn what_is_forgotten_leaves_no_trace() {
    let source = source(tiny_gguf("qwen3"));
    let tokens = prompt(40);
    let mut transformer = load(&source, 2).unwrap();
    transformer.read(&tokens, Wanted::Last).unwrap();
    let expected = transformer.logits(0).to_vec();
    transformer.truncate(30);
    transformer.read(&[9, 8, 7, 6], Wanted::Nothing).unwrap();
    transformer.truncate(30);
    assert_eq!(transformer.tokens(), &tokens[..30]);
    transformer.read(&tokens[30..], Wanted::Last).unwrap();
    assert_eq!(transformer.logits(0), expected);
}

#[test]
fn more_tokens_than_there_is_room_for_are_refused() {
    let source = source(tiny_gguf("llama"));
    let mut transformer = load(&source, 2).unwrap();
    transformer.read(&prompt(1000), Wanted::Nothing).unwrap();
    let Err(ReadError::Full { tokens, context }) = transformer.read(&prompt(25), Wanted::Last)
    else {
        panic!("25 tokens more than 1024");
    };
    assert_eq!((tokens, context), (1025, 1024));
    assert_eq!(transformer.tokens().len(), 1000);
    assert!(matches!(
        transformer.read(&[100_000], Wanted::Last),
        Err(ReadError::Unknown(100_000))
    ));
}

#[test]
fn a_missing_or_misshapen_tensor_is_named() {
    for architecture in Architecture::ALL {
        let source = source(tiny_gguf(architecture.name()));
        let whole = Gguf::read(&mut source.reader()).unwrap();
        for name in whole.tensors.keys() {
            let mut gguf = Gguf::read(&mut source.reader()).unwrap();
            let entry = gguf.tensors.remove(name).unwrap();
            let optional = name == "output.weight" || name.ends_with(".bias");
            let problem =
                |gguf: &Gguf| match Decoder::load(gguf, source.clone(), &LoadOptions::default()) {
                    Err(GgufError::Damaged(problem)) => Some(problem),
                    Err(other) => panic!("{name}: {other:?}"),
                    Ok(_) => None,
                };
            match problem(&gguf) {
                Some(problem) => assert!(problem.contains("missing"), "{name}: {problem}"),
                None => assert!(optional, "{name} is not missed"),
            }
            let mut misshapen = entry;
            misshapen.shape.insert(0, 1);
            *misshapen.shape.last_mut().unwrap() -= 1;
            gguf.tensors.insert(name.clone(), misshapen);
            let problem = problem(&gguf).unwrap();
            assert!(problem.contains(name.as_str()), "{name}: {problem}");
        }
    }
}

#[test]
fn an_unknown_architecture_is_named_with_the_list() {
    let source = source(tiny_gguf("mamba"));
    let gguf = Gguf::read(&mut source.reader()).unwrap();
    match Decoder::load(&gguf, source, &LoadOptions::default()) {
        Err(GgufError::Unsupported(what, remedy)) => {
            assert!(what.contains("mamba"));
            for architecture in Architecture::ALL {
                assert!(remedy.contains(architecture.name()));
            }
            assert!(remedy.contains("glm4"));
        }
        _ => panic!("mamba was taken"),
    }
}

/// An adapter of rank 2 for some matrices of [`tiny_gguf`], whose numbers are all `value`.
fn adapter_gguf(architecture: &str, alpha: f32, value: f32) -> Vec<u8> {
    let mut writer = GgufWriter::new();
    writer.text("general.type", "adapter");
    writer.text("adapter.type", "lora");
    writer.text("general.architecture", architecture);
    writer.float("adapter.lora.alpha", alpha);
    let mut weights = Vec::new();
    for (name, inputs, outputs) in [("attn_q", 64, 64), ("ffn_down", 96, 64)] {
        for (end, shape) in [("lora_a", [inputs, 2]), ("lora_b", [2, outputs])] {
            let name = format!("blk.1.{name}.weight.{end}");
            writer.tensor(&name, &shape, 0, weights.len() as u64);
            for at in 0..shape[0] * shape[1] {
                let number = value * ((at * 7 % 11) as f32 - 5.0);
                weights.extend(number.to_le_bytes());
            }
        }
    }
    writer.finish(&weights)
}

fn last_logits(transformer: &mut Transformer) -> Vec<f32> {
    transformer.truncate(0);
    transformer.read(&prompt(30), Wanted::Last).unwrap();
    transformer.logits(0).to_vec()
}

#[test]
fn an_adapter_adds_its_product_to_those_that_it_changes() {
    let base = tiny_gguf("llama");
    let mut plain = load(&source(base.clone()), 2).unwrap();
    let without = last_logits(&mut plain);
    plain
        .adapt(&source(adapter_gguf("llama", 4.0, 0.05)), 0.5)
        .unwrap();
    let with = last_logits(&mut plain);
    assert_ne!(with, without);
    // The same by changing the weights themselves: alpha 4 of rank 2, half of it.
    let gguf = Gguf::read(&mut source(base.clone()).reader()).unwrap();
    let mut changed = base;
    for (name, inputs, outputs) in [("attn_q", 64, 64), ("ffn_down", 96, 64)] {
        let number = |at: usize| 0.05 * ((at * 7 % 11) as f32 - 5.0);
        let start = gguf.weights_at + gguf.tensors[&format!("blk.1.{name}.weight")].offset;
        for (at, bytes) in changed[start as usize..].chunks_exact_mut(4).enumerate() {
            let (row, column) = (at / inputs, at % inputs);
            if row == outputs {
                break;
            }
            let down = [number(column), number(inputs + column)];
            let up = [number(row * 2), number(row * 2 + 1)];
            let weight = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            let weight = weight + down[0] * up[0] + down[1] * up[1];
            bytes.copy_from_slice(&weight.to_le_bytes());
        }
    }
    let expected = last_logits(&mut load(&source(changed), 2).unwrap());
    let expected: Vec<f64> = expected.into_iter().map(f64::from).collect();
    assert!(error(&with, &expected) < ROUNDING);
    // Scaled by nothing it changes nothing.
    let mut same = load(&source(tiny_gguf("llama")), 1).unwrap();
    same.adapt(&source(adapter_gguf("llama", 4.0, 0.05)), 0.0)
        .unwrap();
    assert_eq!(last_logits(&mut same), without);
}

#[test]
fn files_that_are_no_adapters_for_the_model_are_refused() {
    let mut llama = load(&source(tiny_gguf("llama")), 1).unwrap();
    let mut refused = |bytes: Vec<u8>| match llama.adapt(&source(bytes), 1.0) {
        Err(GgufError::Unsupported(what, _) | GgufError::Damaged(what)) => what,
        other => panic!("{other:?}"),
    };
    assert!(refused(tiny_gguf("llama")).contains("no adapter"));
    assert!(refused(adapter_gguf("qwen2", 1.0, 0.1)).contains("qwen2"));
    let bytes = adapter_gguf("llama", 1.0, 0.1);
    let rename = |from: &[u8], to: &[u8]| {
        let mut bytes = bytes.clone();
        let at = bytes.windows(from.len()).position(|window| window == from);
        bytes[at.unwrap()..][..to.len()].copy_from_slice(to);
        bytes
    };
    assert!(refused(rename(b"blk.1.attn_q", b"blk.7.attn_q")).contains("blk.7.attn_q"));
    assert!(
        refused(rename(b"ffn_down.weight.lora_b", b"ffn_down.weight.lora_c")).contains("lora_")
    );
    assert!(
        refused(rename(b"ffn_down.weight.lora_a", b"attn_out.weight.lora_a")).contains("attn_out")
    );
}
