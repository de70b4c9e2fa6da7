//! The keys and values of tokens seen, and attention over them.
//!
//! Each key-value head has a cache of its own, a slice of bytes that may be kept anywhere, also
//! on disk. It holds blocks of 32 positions: the keys with the positions side by side for each of
//! their numbers, then the values row by row, as half-precision numbers or as bytes with a scale
//! for each key and each value. A cache of some capacity is a ring: position `p` lies where
//! `p + capacity` will.
//!
//! Attention goes through the blocks once, with a running maximum (Milakov and Gimelshein,
//! "Online normalizer calculation for softmax", 2018), and all query heads that share a key-value
//! head share one reading of it. Spans of 1024 positions are summed by themselves and merged in
//! order, so that threads may share a long context and the result has the same bits.

mod attend;
#[cfg(test)]
mod tests;

pub(crate) use attend::Blocks;
pub use attend::{
    Attention, CacheScratch, PARTIAL_EXTRA, Queries, SPAN, attend, attend_spans, merge_spans,
};

use crate::{Isa, dispatch};

/// Positions of a block.
pub const POSITIONS: usize = 32;

/// How keys and values are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheKind {
    /// Half-precision numbers.
    F16,
    /// Signed bytes, with a scale for each position's key and value.
    Int8,
}

/// Sizes of the cache of one key-value head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLayout {
    kind: CacheKind,
    width: usize,
    blocks: usize,
}

impl CacheLayout {
    /// A cache for heads of `width` numbers and at least `capacity` positions.
    ///
    /// # Panics
    /// When a head has no width, there is no capacity, or the bytes are beyond counting.
    #[must_use]
    pub fn new(kind: CacheKind, width: usize, capacity: usize) -> Self {
        assert!(width > 0 && capacity > 0, "some width and capacity");
        let layout = CacheLayout {
            kind,
            width,
            blocks: capacity.div_ceil(POSITIONS),
        };
        let bytes = width.checked_mul(4 * POSITIONS);
        let bytes = bytes.and_then(|bytes| bytes.checked_add(8 * POSITIONS));
        let bytes = bytes.and_then(|bytes| bytes.checked_mul(layout.blocks));
        assert!(bytes.is_some(), "a cache that can be counted");
        layout
    }

    /// How keys and values are kept.
    #[must_use]
    pub fn kind(self) -> CacheKind {
        self.kind
    }

    /// The length of a key and of a value.
    #[must_use]
    pub fn width(self) -> usize {
        self.width
    }

    /// Positions that are held: what was asked for, rounded up to whole blocks.
    #[must_use]
    pub fn capacity(self) -> usize {
        self.blocks * POSITIONS
    }

    /// Bytes of the cache of one key-value head.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.blocks * self.block_bytes()
    }

    /// Bytes at the beginning of the cache of one key-value head that hold the first `positions`.
    ///
    /// # Panics
    /// When there are more of these than the cache holds.
    #[must_use]
    pub fn first_bytes(self, positions: usize) -> usize {
        assert!(positions <= self.capacity(), "positions that are held");
        positions.div_ceil(POSITIONS) * self.block_bytes()
    }

    /// Bytes of one block: its keys, its values, and their scales.
    #[must_use]
    pub fn block_bytes(self) -> usize {
        2 * (self.matrix_bytes() + self.scale_bytes())
    }

    /// Bytes of a block's keys, or of its values.
    pub(crate) fn matrix_bytes(self) -> usize {
        match self.kind {
            CacheKind::F16 => 2 * POSITIONS * self.width,
            CacheKind::Int8 => POSITIONS * self.width,
        }
    }

    fn scale_bytes(self) -> usize {
        match self.kind {
            CacheKind::F16 => 0,
            CacheKind::Int8 => 4 * POSITIONS,
        }
    }

    /// Keeps the key and the value of a position.
    ///
    /// # Panics
    /// When the key or the value is not `width` long, or `cache` has another size.
    pub fn store(self, isa: Isa, cache: &mut [u8], position: usize, key: &[f32], value: &[f32]) {
        assert!(
            key.len() == self.width && value.len() == self.width,
            "a head's key and value"
        );
        assert_eq!(cache.len(), self.bytes(), "the cache of one head");
        let (block, place) = (position / POSITIONS % self.blocks, position % POSITIONS);
        let block = &mut cache[block * self.block_bytes()..][..self.block_bytes()];
        let (matrices, scales) = block.split_at_mut(2 * self.matrix_bytes());
        let (keys, values) = matrices.split_at_mut(self.matrix_bytes());
        match self.kind {
            CacheKind::F16 => {
                each_halves(isa, key, |first, halves| {
                    let columns = keys[first * 2 * POSITIONS..].chunks_exact_mut(2 * POSITIONS);
                    for (half, column) in halves.iter().zip(columns) {
                        column[2 * place..][..2].copy_from_slice(half);
                    }
                });
                let row = &mut values[place * 2 * self.width..][..2 * self.width];
                each_halves(isa, value, |first, halves| {
                    let halves = halves.as_flattened();
                    row[2 * first..][..halves.len()].copy_from_slice(halves);
                });
            }
            CacheKind::Int8 => {
                let (key_scale, key_inverse) = int8_scale(key);
                let (value_scale, value_inverse) = int8_scale(value);
                for (x, column) in key.iter().zip(keys.chunks_exact_mut(POSITIONS)) {
                    column[place] = (x * key_inverse).round_ties_even() as i8 as u8;
                }
                let row = &mut values[place * self.width..][..self.width];
                for (x, byte) in value.iter().zip(row) {
                    *byte = (x * value_inverse).round_ties_even() as i8 as u8;
                }
                for (which, scale) in [key_scale, value_scale].into_iter().enumerate() {
                    let to = &mut scales[4 * (which * POSITIONS + place)..][..4];
                    to.copy_from_slice(&scale.to_le_bytes());
                }
            }
        }
    }
}

/// The cache of one key-value head, to be looked at.
#[derive(Clone, Copy)]
pub struct HeadCache<'a> {
    /// Its sizes.
    pub layout: CacheLayout,
    /// What [`CacheLayout::store`] wrote, [`CacheLayout::bytes`] long.
    pub bytes: &'a [u8],
}

impl<'a> HeadCache<'a> {
    /// The block of the ring that holds the positions from `32 · block` on.
    pub(crate) fn block(self, block: usize) -> &'a [u8] {
        let len = self.layout.block_bytes();
        &self.bytes[block % self.layout.blocks * len..][..len]
    }
}

/// The step between two bytes, and its inverse; a step that is no number for values that are
/// none.
fn int8_scale(values: &[f32]) -> (f32, f32) {
    let largest = values
        .iter()
        .fold(0.0f32, |largest, x| largest.max(x.abs()));
    if !values.iter().all(|x| x.is_finite()) {
        return (f32::NAN, 0.0);
    }
    let inverse = 127.0 / largest;
    if inverse.is_finite() {
        (largest / 127.0, inverse)
    } else {
        (0.0, 0.0)
    }
}

/// Gives the half-precision numbers of a row, 16 or what is left of them at a time, each as its
/// two bytes, with the place of the first.
fn each_halves(isa: Isa, values: &[f32], mut take: impl FnMut(usize, &[[u8; 2]])) {
    for (index, chunk) in values.chunks(16).enumerate() {
        let mut floats = [0.0; 16];
        floats[..chunk.len()].copy_from_slice(chunk);
        let halves: [u8; 32] = dispatch!(isa, narrow_halves(&floats));
        take(16 * index, &halves.as_chunks().0[..chunk.len()]);
    }
}
