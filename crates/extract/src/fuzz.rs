//! What the fuzzer calls, and the tests with the same seeds. Not there in an ordinary build.

use std::time::Duration;

use crate::sniff::{Kind, Sniffed, sniff};
use crate::{Limits, Outcome, check, extract_bytes, worker};

/// A line with a file's name, then its bytes: whatever they are, they become a sound document or
/// a reason.
///
/// # Panics
/// If a reader breaks off or breaks a promise.
pub fn extract(input: &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n');
    let (name, bytes) = input.split_at(end.unwrap_or(0));
    let name = String::from_utf8_lossy(name);
    let bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
    // The parsers of these are others'.
    if matches!(sniff(&name, bytes), Sniffed::Read(Kind::Pdf | Kind::Image)) {
        return;
    }
    let limits = Limits {
        max_unpacked_bytes: 8 << 20,
        max_entries: 50,
        time: Duration::from_secs(10),
        ..Limits::default()
    };
    let extraction = extract_bytes(bytes, &name, &limits);
    assert_sound(&name, &extraction.outcome);
    for inner in &extraction.inner {
        assert_sound(&inner.path, &inner.outcome);
    }
}

/// A frame of either side: it is refused, or says what can be said again.
///
/// # Panics
/// If it is neither.
pub fn protocol(input: &[u8]) {
    worker::fuzz_protocol(input);
}

fn assert_sound(name: &str, outcome: &Outcome) {
    match outcome {
        Outcome::Read(document) => assert_eq!(check(document), Ok(()), "{name}"),
        Outcome::Failed(gap) | Outcome::Skipped(gap) => {
            assert!(!gap.reason.is_empty(), "{name}");
            assert!(!gap.reason.contains("broke off"), "{name}: {gap}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// So many mutations of each seed.
    const MUTATIONS: u64 = 1_000;

    /// The seeds of a target.
    fn seeds(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../fuzz/corpus")
            .join(target);
        let mut paths: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        assert!(!paths.is_empty());
        paths
            .iter()
            .map(|path| std::fs::read(path).unwrap())
            .collect()
    }

    /// Random numbers that are the same on every run: SplitMix64 (Steele, Lea, Flood 2014).
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ (mixed >> 31)) as usize % bound.max(1)
        }
    }

    /// A few bytes of a seed changed, taken out, or doubled.
    fn mutated(seed: &[u8], number: u64) -> Vec<u8> {
        let mut numbers = Numbers(number);
        let mut bytes = seed.to_vec();
        for _ in 0..=numbers.below(4) {
            let at = numbers.below(bytes.len());
            let end = (at + 1 + numbers.below(12)).min(bytes.len());
            match numbers.below(4) {
                0 => bytes.truncate(at.max(1)),
                1 => drop(bytes.drain(at.min(end)..end)),
                2 => {
                    let piece = bytes.get(at..end).unwrap_or_default().to_vec();
                    let to = numbers.below(bytes.len());
                    bytes.splice(to..to, piece);
                }
                _ => {
                    let value = [0, 0xff, 0x80, b'<', b'"', b'\n'][numbers.below(6)];
                    bytes
                        .iter_mut()
                        .skip(at)
                        .take(1)
                        .for_each(|byte| *byte = value);
                }
            }
        }
        bytes
    }

    fn run(target: &str, check: fn(&[u8])) {
        for seed in seeds(target) {
            check(&seed);
            (0..MUTATIONS).for_each(|number| check(&mutated(&seed, number)));
        }
    }

    #[test]
    fn the_readers_stand_the_seeds() {
        run("extract", super::extract);
    }

    #[test]
    fn the_protocol_stands_the_seeds() {
        run("protocol", super::protocol);
    }
}
