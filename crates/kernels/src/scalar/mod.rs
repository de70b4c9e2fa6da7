//! Each kernel in plain Rust: what runs where no vector unit is known, and what the others are
//! tested against. Written for reading, one obvious loop each.

mod cache;
mod packed;

pub(crate) use cache::{attend_blocks, narrow_halves};
pub(crate) use packed::{Halves, multiply_packed, quantise_blocks, quantise_super, stretch_scale};

use crate::activation::{Activation, Gate, Tail};
use crate::attention::Heads;
use crate::matmul::{FLOAT_PANEL, FloatWeights, INT8_GROUP, INT8_PANEL, Int8Weights};
use crate::norm::LayerNorm;
use crate::quantise::{QuantisedRows, RowScale, row_scale};
use crate::rope::Pairing;
use crate::rotary::Rotary;

pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// One value of an activation, by the [`Tail`] of it.
pub(crate) fn activate(x: f32, tail: Option<&Tail>) -> f32 {
    let Some(tail) = tail else {
        return x;
    };
    let t = x.abs().min(tail.end) * (2.0 / tail.end) - 1.0;
    let polynomial = tail
        .coefficients
        .iter()
        .rev()
        .fold(0.0, |sum, c| sum * t + c);
    x.max(0.0) - polynomial
}

pub(crate) fn quantise_row(row: &[f32], bytes: &mut [u8]) -> RowScale {
    let low = row.iter().fold(0.0f32, |low, x| low.min(*x));
    let high = row.iter().fold(0.0f32, |high, x| high.max(*x));
    let Some((scale, inverse)) = row_scale(low, high) else {
        bytes.fill(0);
        return RowScale::default();
    };
    for (byte, x) in bytes.iter_mut().zip(row) {
        *byte = quantise(*x, inverse, scale.zero);
    }
    scale
}

/// The byte for `x`; a number that is none becomes some byte.
pub(crate) fn quantise(x: f32, inverse: f32, zero: f32) -> u8 {
    nearest((x * inverse + zero).clamp(0.0, 255.0)) as u8
}

/// The whole number nearest to `x`, the even one of two, for `x` within ±2^22. (Where no
/// instruction for it can be counted on, asking for it is a call.)
pub(crate) fn nearest(x: f32) -> i32 {
    // 1.5 · 2^23: the sum's last bit is worth 1, so its low bits hold the whole number.
    const SHIFT: f32 = 12_582_912.0;
    (x + SHIFT).to_bits() as i32 - SHIFT.to_bits() as i32
}

pub(crate) fn add_layer_norm_row(update: &[f32], norm: LayerNorm<'_>, row: &mut [f32]) {
    for (x, update) in row.iter_mut().zip(update) {
        *x += update;
    }
    layer_norm_row(norm, row);
}

pub(crate) fn layer_norm_row(norm: LayerNorm<'_>, row: &mut [f32]) {
    let len = row.len() as f32;
    let mean = row.iter().sum::<f32>() / len;
    let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / len;
    let inverse = 1.0 / (variance + norm.epsilon).sqrt();
    for ((x, gain), bias) in row.iter_mut().zip(norm.gain).zip(norm.bias) {
        *x = (*x - mean) * inverse * gain + bias;
    }
}

pub(crate) fn rms_norm_row(row: &[f32], gain: &[f32], epsilon: f32, out: &mut [f32]) {
    let mean = dot(row, row) / row.len() as f32;
    let inverse = 1.0 / (mean + epsilon).sqrt();
    for ((x, gain), out) in row.iter().zip(gain).zip(out) {
        *out = x * inverse * gain;
    }
}

/// Plain Rust on every instruction set: compiled with its features, it is vectors.
#[inline(always)]
pub(crate) fn rotate(turned: &mut [f32], pairing: Pairing, cosines: &[f32], sines: &[f32]) {
    let angles = cosines.iter().zip(sines);
    match pairing {
        Pairing::Neighbours => {
            for ([a, b], (cosine, sine)) in turned.as_chunks_mut().0.iter_mut().zip(angles) {
                (*a, *b) = (*a * cosine - *b * sine, *a * sine + *b * cosine);
            }
        }
        Pairing::Halves => {
            let (first, second) = turned.split_at_mut(cosines.len());
            for ((a, b), (cosine, sine)) in first.iter_mut().zip(second).zip(angles) {
                (*a, *b) = (*a * cosine - *b * sine, *a * sine + *b * cosine);
            }
        }
    }
}

pub(crate) fn gate_row(row: &[f32], tail: Option<&Tail>, out: &mut [f32]) {
    let (gates, values) = row.split_at(out.len());
    for ((out, gate), value) in out.iter_mut().zip(gates).zip(values) {
        *out = activate(*gate, tail) * value;
    }
}

pub(crate) fn rotate_projected(projected: &mut [f32], heads: Heads, rotary: &Rotary) {
    let half = rotary.half();
    for (position, row) in projected.chunks_exact_mut(3 * heads.hidden()).enumerate() {
        let (cosines, sines) = rotary.at(position);
        for head in row[..2 * heads.hidden()].chunks_exact_mut(heads.width) {
            let (first, second) = head.split_at_mut(half);
            rotate_pairs(first, second, cosines, sines);
        }
    }
}

pub(crate) fn gate(gate: Gate, values: &mut [f32], factors: &[f32]) {
    for (x, factor) in values.iter_mut().zip(factors) {
        let active = match gate {
            Gate::Silu => *x / (1.0 + (-*x).exp()),
            Gate::Gelu => activate(*x, Activation::Gelu.tail()),
            Gate::GeluTanh => activate(*x, Activation::GeluTanh.tail()),
        };
        *x = if x.is_finite() {
            active * factor
        } else {
            f32::NAN
        };
    }
}

pub(crate) fn softmax(row: &mut [f32]) {
    let highest = row
        .iter()
        .fold(f32::NEG_INFINITY, |highest, x| highest.max(*x));
    let mut sum = 0.0;
    for x in row.iter_mut() {
        *x = (*x - highest).exp();
        sum += *x;
    }
    for x in row {
        *x /= sum;
    }
}

/// Turns each pair `(first[i], second[i])` by the angle of that cosine and sine.
pub(crate) fn rotate_pairs(first: &mut [f32], second: &mut [f32], cosines: &[f32], sines: &[f32]) {
    let pairs = first.iter_mut().zip(second);
    for ((x, y), (cosine, sine)) in pairs.zip(cosines.iter().zip(sines)) {
        (*x, *y) = (*x * cosine - *y * sine, *y * cosine + *x * sine);
    }
}

pub(crate) fn matmul_int8(
    rows: &QuantisedRows,
    weights: &Int8Weights,
    activation: Activation,
    out: &mut [f32],
) {
    let tail = activation.tail();
    let panel_len = weights.inputs.div_ceil(INT8_GROUP) * INT8_GROUP * INT8_PANEL;
    for (row, out) in out.chunks_exact_mut(weights.outputs).enumerate() {
        let bytes = &rows.bytes()[row * rows.stride()..][..rows.stride()];
        let RowScale { scale, zero } = rows.scales()[row];
        for (panel, out) in out.chunks_mut(INT8_PANEL).enumerate() {
            let mut sums = [0i32; INT8_PANEL];
            let groups = &weights.panels[panel * panel_len..][..panel_len];
            for (bytes, columns) in bytes
                .chunks_exact(INT8_GROUP)
                .zip(groups.chunks_exact(INT8_GROUP * INT8_PANEL))
            {
                for (sum, column) in sums.iter_mut().zip(columns.chunks_exact(INT8_GROUP)) {
                    let products = bytes.iter().zip(column);
                    *sum += products
                        .map(|(b, w)| i32::from(*b) * i32::from(*w))
                        .sum::<i32>();
                }
            }
            for (column, (out, sum)) in out.iter_mut().zip(sums).enumerate() {
                let output = panel * INT8_PANEL + column;
                let whole = (sum as f32 - zero * weights.sums[output]) * scale;
                *out = activate(whole * weights.scales[output] + weights.bias[output], tail);
            }
        }
    }
}

pub(crate) fn matmul_float(
    rows: &[f32],
    weights: &FloatWeights,
    activation: Activation,
    out: &mut [f32],
) {
    let tail = activation.tail();
    let panel_len = weights.inputs * FLOAT_PANEL;
    for (row, out) in rows
        .chunks_exact(weights.inputs)
        .zip(out.chunks_exact_mut(weights.outputs))
    {
        for (panel, out) in out.chunks_mut(FLOAT_PANEL).enumerate() {
            let mut sums = [0.0; FLOAT_PANEL];
            let columns = &weights.panels[panel * panel_len..][..panel_len];
            for (x, column) in row.iter().zip(columns.chunks_exact(FLOAT_PANEL)) {
                for (sum, weight) in sums.iter_mut().zip(column) {
                    *sum += x * weight;
                }
            }
            let bias = &weights.bias[panel * FLOAT_PANEL..];
            for ((out, sum), bias) in out.iter_mut().zip(sums).zip(bias) {
                *out = activate(sum + bias, tail);
            }
        }
    }
}

/// The scratch holds one query's scores.
pub(crate) fn attend(
    projected: &[f32],
    heads: Heads,
    reach: usize,
    context: &mut [f32],
    scratch: &mut [f32],
) {
    let (hidden, width) = (heads.hidden(), heads.width);
    let tokens = projected.len() / (3 * hidden);
    let factor = 1.0 / (width as f32).sqrt();
    for head in 0..heads.count {
        let part = |token: usize, which: usize| {
            &projected[(3 * token + which) * hidden + head * width..][..width]
        };
        for query in 0..context.len() / hidden {
            let start = query.saturating_sub(reach);
            let end = query.saturating_add(reach).min(tokens - 1) + 1;
            let scores = &mut scratch[..end - start];
            let mut highest = f32::NEG_INFINITY;
            for (key, score) in (start..).zip(scores.iter_mut()) {
                *score = dot(part(query, 0), part(key, 1)) * factor;
                highest = highest.max(*score);
            }
            let mut sum = 0.0;
            for score in scores.iter_mut() {
                *score = (*score - highest).exp();
                sum += *score;
            }
            let mean = &mut context[query * hidden + head * width..][..width];
            mean.fill(0.0);
            for (token, score) in (start..).zip(scores.iter()) {
                let weight = score / sum;
                for (mean, value) in mean.iter_mut().zip(part(token, 2)) {
                    *mean += weight * value;
                }
            }
        }
    }
}
