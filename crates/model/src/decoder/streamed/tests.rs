//! Weights from storage against the same weights in memory.

use std::borrow::Cow;
use std::fs::{self, File};
use std::path::Path;

use super::*;
use crate::decoder::config::{Architecture, Config};
use crate::decoder::network::Network;
use crate::decoder::{Decoder, LoadOptions, ReadError, Transformer, Wanted};
use crate::fixture::{Experts, Tiny, tiny_model};
use crate::gguf::Gguf;
use crate::packed_cache::PackedCache;

/// A dense network and a mixture, of a few layers.
fn models() -> [(&'static str, Vec<u8>); 2] {
    let mut dense = Tiny::of("llama");
    dense.layers = 5;
    let mut mixture = Tiny::of("llama");
    mixture.layers = 4;
    mixture.experts = Some(Experts::Merged);
    [
        ("dense", tiny_model(&dense)),
        ("mixture", tiny_model(&mixture)),
    ]
}

fn source(bytes: &[u8]) -> Arc<Source> {
    Arc::new(Source::Memory(Cow::Owned(bytes.to_vec())))
}

fn plan(source: &Source) -> Plan {
    let gguf = Gguf::read(&mut source.reader()).unwrap();
    let config = Config::from_gguf(&gguf, Architecture::by_name("llama").unwrap()).unwrap();
    let mut plan = Plan::default();
    Network::load(&gguf, source, config, 64, &mut plan).unwrap();
    plan
}

/// Bytes of the largest unit.
fn largest(plan: &Plan) -> u64 {
    let bytes = plan.units().iter().map(|unit| unit.bytes);
    bytes.max().unwrap() as u64
}

fn load(
    bytes: &[u8],
    cache: Option<&PackedCache>,
    budget: Option<u64>,
    threads: usize,
) -> Result<Transformer, GgufError> {
    let source = source(bytes);
    let gguf = Gguf::read(&mut source.reader()).unwrap();
    let options = LoadOptions {
        context: Some(256),
        threads,
        packed: cache.map(|cache| (cache, "key")),
        weight_bytes: budget,
        ..LoadOptions::default()
    };
    match Decoder::load(&gguf, source, &options)? {
        Decoder::Own(transformer) => Ok(*transformer),
        Decoder::Candle(_) => panic!("left to candle"),
    }
}

fn cache(folder: &Path) -> PackedCache {
    PackedCache {
        folder: folder.to_owned(),
        limit_bytes: 1 << 24,
    }
}

/// The logits of every token of a prompt, read in batches of many rows, few, and one.
fn logits(transformer: &mut Transformer) -> Vec<Vec<f32>> {
    let mut all = Vec::new();
    for batch in [40, 3, 1, 1, 21, 1, 1, 1] {
        let start = transformer.tokens().len() as u32;
        let tokens: Vec<u32> = (start..start + batch).map(|at| 3 + at * 37 % 250).collect();
        transformer.read(&tokens, Wanted::All).unwrap();
        all.extend((0..batch as usize).map(|row| transformer.logits(row).to_vec()));
    }
    all
}

#[test]
fn weights_from_storage_compute_the_same_bits() {
    for (name, bytes) in models() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path());
        let expected = logits(&mut load(&bytes, Some(&cache), None, 1).unwrap());
        let plan = plan(&source(&bytes));
        let (least, all) = (largest(&plan), plan.bytes() as u64);
        for (cache, threads) in [(Some(&cache), 1), (Some(&cache), 3), (None, 2)] {
            for budget in [least, 2 * least, all / 2, all - 1] {
                let mut transformer = load(&bytes, cache, Some(budget), threads).unwrap();
                let streaming = transformer.streaming().unwrap();
                assert_eq!(streaming.weight_bytes, all);
                assert!(streaming.resident_bytes <= budget);
                let speed = streaming.tokens_per_second;
                assert!(speed > 0.0 && speed.is_finite(), "{streaming:?}");
                let logits = logits(&mut transformer);
                assert!(logits == expected, "{name}, {threads} threads, {budget}");
            }
            let resident = load(&bytes, cache, Some(all), threads).unwrap();
            assert_eq!(resident.streaming(), None);
        }
    }
}

#[test]
fn buffers_take_no_more_than_they_may() {
    for (name, bytes) in models() {
        let source = source(&bytes);
        let reference = plan(&source);
        let (least, all) = (largest(&reference), reference.bytes() as u64);
        let mut stayed = 0;
        for budget in (least..all).step_by(all as usize / 13) {
            let origin = Origin::Model(source.clone());
            let streamed = Streamed::open(plan(&source), origin, budget).unwrap();
            assert!(streamed.buffer_bytes() as u64 <= budget, "{name} {budget}");
            stayed = streamed.pinned_bytes;
            for unit in (0..reference.units().len()).map(Unit).cycle().take(60) {
                let held = streamed.hold(unit).unwrap();
                assert!(streamed.has(unit));
                drop(held);
                assert!(streamed.buffer_bytes() as u64 <= budget, "{name} {budget}");
            }
        }
        assert!(stayed > 0, "{name}");
    }
}

#[test]
fn too_little_memory_for_one_unit_is_told() {
    for (name, bytes) in models() {
        let least = largest(&plan(&source(&bytes)));
        let Err(GgufError::Unsupported(what, _)) = load(&bytes, None, Some(least - 1), 1) else {
            panic!("{name} without room");
        };
        assert!(what.contains("does not fit into memory"), "{what}");
        assert!(load(&bytes, None, Some(0), 1).is_err());
    }
}

#[test]
fn a_file_that_is_cut_off_is_an_error_until_it_is_whole_again() {
    for (name, bytes) in models() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path());
        let budget = 2 * largest(&plan(&source(&bytes)));
        let mut transformer = load(&bytes, Some(&cache), Some(budget), 2).unwrap();
        transformer.read(&[5, 6, 7], Wanted::Last).unwrap();
        let expected = transformer.logits(0).to_vec();
        let path = cache.file("key");
        let whole = fs::read(&path).unwrap();
        // The same file in place, as it would be on a disk that fails.
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(1000).unwrap();
        transformer.truncate(0);
        let error = transformer.read(&[5, 6, 7], Wanted::Last).unwrap_err();
        assert!(matches!(error, ReadError::Weights(_)), "{name}: {error}");
        assert!(error.to_string().contains("from the disk"), "{error}");
        assert!(transformer.tokens().is_empty());
        fs::write(&path, &whole).unwrap();
        transformer.read(&[5, 6, 7], Wanted::Last).unwrap();
        assert_eq!(transformer.logits(0), expected, "{name}");
    }
}

#[test]
fn the_thread_ends_with_the_weights() {
    let (_, bytes) = &models()[0];
    let source = source(bytes);
    let plan = plan(&source);
    let budget = 2 * largest(&plan);
    let streamed = Streamed::open(plan, Origin::Model(source), budget).unwrap();
    let shelf = Arc::downgrade(&streamed.shelf);
    drop(streamed);
    assert!(shelf.upgrade().is_none());
}

/// Slots with these units, the first of which was held longest ago.
fn state(units: &[usize], passing: &[usize]) -> State {
    let slots = units.iter().enumerate().map(|(used, unit)| Slot {
        unit: Some(Unit(*unit)),
        buffer: Some(Arc::new(Aligned::new())),
        used: used as u64,
    });
    State {
        slots: slots.collect(),
        wanted: None,
        chosen: VecDeque::new(),
        passing: passing.iter().copied().map(Unit).collect(),
        next: 0,
        failure: None,
        is_broken: false,
        clock: units.len() as u64,
        is_closing: false,
    }
}

/// The unit that is read next, and the one that gives way.
fn next_read(state: &mut State) -> Option<(usize, usize)> {
    let before: Vec<_> = state
        .slots
        .iter()
        .map(|slot| slot.unit.unwrap().0)
        .collect();
    let (unit, index, buffer) = state.next_read()?;
    state.put(unit, index, buffer, Ok(()));
    Some((unit.0, before[index]))
}

#[test]
fn what_is_needed_last_gives_way() {
    // Units that pass are read ahead, each in place of the one that has just been used.
    let mut passing = state(&[0, 1, 2], &[0, 1, 2, 3, 4]);
    assert_eq!(next_read(&mut passing), None);
    let held = passing.take(Unit(0)).unwrap();
    assert_eq!(
        next_read(&mut passing),
        None,
        "the only one to give way is held"
    );
    drop(held);
    assert_eq!(next_read(&mut passing), Some((3, 0)));
    assert_eq!(next_read(&mut passing), None);
    passing.take(Unit(1)).unwrap();
    assert_eq!(next_read(&mut passing), Some((4, 1)));
    // The next pass begins with the first again.
    for unit in [2, 3, 4] {
        passing.take(Unit(unit)).unwrap();
    }
    assert_eq!(next_read(&mut passing), Some((0, 4)));
    assert_eq!(next_read(&mut passing), Some((1, 3)));
    assert_eq!(next_read(&mut passing), None);
}

#[test]
fn of_experts_the_longest_unused_gives_way() {
    let mut experts = state(&[10, 11, 12], &[]);
    assert_eq!(next_read(&mut experts), None);
    experts.take(Unit(10)).unwrap();
    experts.chosen = [12, 13, 14].map(Unit).into();
    assert_eq!(next_read(&mut experts), Some((13, 11)));
    assert_eq!(next_read(&mut experts), Some((14, 10)));
    // All that are there were chosen: one that was not is read only if the pass waits for it.
    experts.chosen.push_back(Unit(15));
    assert_eq!(next_read(&mut experts), None);
    experts.wanted = Some(Unit(15));
    assert_eq!(next_read(&mut experts), Some((15, 14)));
}

#[test]
fn what_the_pass_waits_for_stays_until_it_is_taken() {
    let mut state = state(&[7], &[0, 1, 2]);
    state.wanted = Some(Unit(7));
    assert_eq!(next_read(&mut state), None);
    state.take(Unit(7)).unwrap();
    assert_eq!(next_read(&mut state), Some((0, 7)));
}

#[test]
fn after_a_failure_nothing_is_read_ahead() {
    let mut state = state(&[0, 1], &[0, 1, 2, 3]);
    state.take(Unit(0)).unwrap();
    let (unit, index, buffer) = state.next_read().unwrap();
    state.put(
        unit,
        index,
        buffer,
        Err(io::ErrorKind::UnexpectedEof.into()),
    );
    assert!(state.next_read().is_none() && state.failure.is_none());
    state.wanted = Some(unit);
    let (unit, index, buffer) = state.next_read().unwrap();
    state.put(
        unit,
        index,
        buffer,
        Err(io::ErrorKind::UnexpectedEof.into()),
    );
    assert!(state.failure.is_some());
}
