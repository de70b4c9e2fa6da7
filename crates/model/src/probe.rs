//! How fast this machine reads: its memory, and the storage that a file lies on.

use std::hint::black_box;
use std::time::Instant;

use docent_kernels::aligned::Aligned;

use crate::source::Source;

/// Less than so many bytes may lie in the processor's caches.
pub(crate) const LEAST_BYTES: usize = 64 << 20;
/// Times that memory is read; the fastest counts.
const PASSES: usize = 5;
/// Bytes of a cache line.
const LINE: usize = 64;
/// Stretches of a file that are read to measure storage, evenly spread.
const STRETCHES: u64 = 16;
const STRETCH_BYTES: u64 = 4 << 20;

/// Bytes per second that `threads` threads read together of `bytes`: the most that a computation
/// could read of them, as far as they are more than the processor's caches hold.
///
/// Each thread reads four stretches side by side, which keeps more of the memory at work than one
/// behind the other.
pub(crate) fn bytes_per_second(bytes: &[u8], threads: usize) -> f64 {
    let lines = bytes.as_chunks::<LINE>().0;
    let part = lines.len().div_ceil(threads.max(1)).max(1);
    let pass = || {
        let started = Instant::now();
        std::thread::scope(|scope| {
            for lines in lines.chunks(part) {
                scope.spawn(|| black_box(sweep(lines)));
            }
        });
        size_of_val(lines) as f64 / started.elapsed().as_secs_f64().max(1e-9)
    };
    (0..PASSES).map(|_| pass()).fold(0.0, f64::max)
}

/// Reads all lines.
fn sweep(lines: &[[u8; LINE]]) -> [u8; LINE] {
    let (first, second) = lines.split_at(lines.len() / 2);
    let (a, b) = first.split_at(first.len() / 2);
    let (c, d) = second.split_at(second.len() / 2);
    let mut sum = [0; LINE];
    for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
        for ((((sum, a), b), c), d) in sum.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *sum ^= a ^ b ^ c ^ d;
        }
    }
    sum
}

/// Bytes of memory with something in them, as many as there are up to `most`.
pub(crate) fn memory(most: usize) -> Aligned<u8> {
    let sizes = std::iter::successors(Some(most), |size| Some(size / 2).filter(|size| *size > 0));
    let mut bytes = sizes
        .filter_map(Aligned::try_zeroed)
        .next()
        .unwrap_or_default();
    bytes.fill(1);
    bytes
}

/// Bytes per second that come from the storage on which a file lies; from what the system holds of
/// it where it `keeps` what was read. `None` for what is no file, or too short to tell.
pub(crate) fn storage_bytes_per_second(source: &Source, keeps: bool) -> Option<f64> {
    let Source::File { length, .. } = source else {
        return None;
    };
    let step = length / STRETCHES;
    let count = step.min(STRETCH_BYTES);
    let mut buffer = vec![0; usize::try_from(count).ok()?];
    let mut pass = || {
        let started = Instant::now();
        for index in 0..STRETCHES {
            source.read_at(index * step, &mut buffer).ok()?;
        }
        let seconds = started.elapsed().as_secs_f64().max(1e-9);
        (count > 0).then(|| (STRETCHES * count) as f64 / seconds)
    };
    if keeps {
        pass()?;
    } else {
        for index in 0..STRETCHES {
            source.forget(index * step, count);
        }
    }
    pass()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::io::Write;

    use super::*;

    #[test]
    fn every_line_is_read_once() {
        // Four stretches of equal length: what is left over is less than three lines.
        for count in [0, 1, 4, 8, 40] {
            let lines: Vec<[u8; LINE]> = (0..count).map(|index| [1 << (index % 8); LINE]).collect();
            let expected = lines.iter().fold(0, |sum, line| sum ^ line[0]);
            if count % 4 == 0 {
                assert_eq!(sweep(&lines), [expected; LINE], "{count}");
            }
        }
    }

    #[test]
    fn speeds_are_more_than_nothing() {
        let bytes = memory(1 << 20);
        assert!(bytes.len() == 1 << 20 && bytes.iter().all(|byte| *byte == 1));
        for threads in [0, 1, 3] {
            assert!(bytes_per_second(&bytes, threads) > 0.0);
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let source = Source::file(file).unwrap();
        for keeps in [false, true] {
            let speed = storage_bytes_per_second(&source, keeps);
            assert!(speed.is_some_and(|speed| speed > 0.0));
        }
        let none = Source::Memory(Cow::Borrowed(&[1; 100]));
        assert_eq!(storage_bytes_per_second(&none, false), None);
    }
}
