//! Attention over cached positions, one query and one position after the other.

use super::dot;
use crate::cache::{Blocks, CacheKind, POSITIONS};
use crate::quant::half::{f16_to_f32, f32_to_f16};

pub(crate) fn narrow_halves(floats: &[f32; 16]) -> [u8; 32] {
    std::array::from_fn(|i| f32_to_f16(floats[i / 2]).to_le_bytes()[i % 2])
}

/// The first part of the block's room holds one key or value.
pub(crate) fn attend_blocks(blocks: Blocks<'_, '_>) {
    let (range, layout) = (blocks.range, blocks.cache.layout);
    let width = layout.width();
    for row in 0..range.rows {
        let query = &blocks.queries[row * width..][..width];
        for block in range.first / POSITIONS..range.last.div_ceil(POSITIONS) {
            let bytes = blocks.cache.block(block);
            for place in range.seen(row, block * POSITIONS) {
                let vector = &mut blocks.block[..width];
                for (i, x) in vector.iter_mut().enumerate() {
                    *x = number(layout.kind(), bytes, i * POSITIONS + place);
                }
                let mut score = dot(query, vector) * scale(bytes, layout.matrix_bytes(), place);
                if let Some(cap) = blocks.soft_cap {
                    score = score.tanh() * cap * std::f32::consts::LOG2_E;
                }
                let highest = blocks.state.highest[row].max(score);
                let factor = (blocks.state.highest[row] - highest).exp2();
                let weight = (score - highest).exp2();
                blocks.state.highest[row] = highest;
                blocks.state.weights[row] = blocks.state.weights[row] * factor + weight;
                let weight = weight * scale(bytes, layout.matrix_bytes(), POSITIONS + place);
                let sums = &mut blocks.state.sums[row * blocks.state.stride..][..width];
                for (i, sum) in sums.iter_mut().enumerate() {
                    let at = POSITIONS * width + place * width + i;
                    *sum = *sum * factor + weight * number(layout.kind(), bytes, at);
                }
            }
        }
    }
}

/// A number of a block: of its keys, then of its values.
fn number(kind: CacheKind, bytes: &[u8], index: usize) -> f32 {
    match kind {
        CacheKind::F16 => f16_to_f32(u16::from_le_bytes([bytes[2 * index], bytes[2 * index + 1]])),
        CacheKind::Int8 => f32::from(bytes[index] as i8),
    }
}

/// A scale of a block, or 1 where it has none.
fn scale(bytes: &[u8], matrix_bytes: usize, index: usize) -> f32 {
    let scales = bytes[2 * matrix_bytes..].as_chunks().0;
    scales
        .get(index)
        .map_or(1.0, |scale| f32::from_le_bytes(*scale))
}
