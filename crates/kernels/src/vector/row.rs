//! Kernels over one row: inner product, quantising, layer normalisation, gates, rotation.
//!
//! What does not fill a vector at a row's end is done number by number.

use super::Vector;
use super::matmul::activate;
use crate::activation::Tail;
use crate::attention::Heads;
use crate::norm::LayerNorm;
use crate::packed::{BlockRow, SuperRow};
use crate::quant::{BLOCK, SUPER_BLOCK};
use crate::quantise::{RowScale, row_scale};
use crate::rotary::Rotary;
use crate::scalar;

/// Vectors that are reduced side by side: a sum or a maximum takes some cycles, and one chain of
/// them would wait for each.
const CHAINS: usize = 4;

/// # Safety
/// As for [`Vector`]; the slices are equally long.
#[inline(always)]
pub(crate) unsafe fn dot<V: Vector>(a: &[f32], b: &[f32]) -> f32 {
    let whole = a.len() - a.len() % V::LANES;
    // SAFETY: the caller's promise, and every load starts `LANES` before `whole` or earlier.
    let total = unsafe {
        let mut sum = V::splat(0.0);
        for i in (0..whole).step_by(V::LANES) {
            sum = V::load(a.as_ptr().add(i)).mul_add(V::load(b.as_ptr().add(i)), sum);
        }
        sum.total()
    };
    total + scalar::dot(&a[whole..], &b[whole..])
}

/// # Safety
/// As for [`Vector`]; the slices are equally long.
#[inline(always)]
pub(crate) unsafe fn quantise_row<V: Vector>(row: &[f32], bytes: &mut [u8]) -> RowScale {
    let whole = row.len() - row.len() % V::LANES;
    // SAFETY: the caller's promise.
    let (low, high) = unsafe { extremes::<V>(row) };
    let Some((scale, inverse)) = row_scale(low, high) else {
        bytes.fill(0);
        return RowScale::default();
    };
    // SAFETY: the caller's promise; every access starts `LANES` before `whole` or earlier, and
    // `bytes` is as long as `row`.
    unsafe {
        let (factor, zero) = (V::splat(inverse), V::splat(scale.zero));
        for i in (0..whole).step_by(V::LANES) {
            let x = V::load(row.as_ptr().add(i)).mul_add(factor, zero).round();
            let x = x.max(V::splat(0.0)).min(V::splat(255.0));
            x.store_bytes(bytes.as_mut_ptr().add(i));
        }
    }
    for (byte, x) in bytes[whole..].iter_mut().zip(&row[whole..]) {
        *byte = scalar::quantise(*x, inverse, scale.zero);
    }
    scale
}

/// The least and the greatest of a row's values and zero.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
unsafe fn extremes<V: Vector>(row: &[f32]) -> (f32, f32) {
    // SAFETY: the caller's promise; the chunks and what is left of them are whole vectors.
    unsafe {
        let (mut lows, mut highs) = ([V::splat(0.0); CHAINS], [V::splat(0.0); CHAINS]);
        let chunks = row.chunks_exact(CHAINS * V::LANES);
        let rest = chunks.remainder().chunks_exact(V::LANES);
        for chunk in chunks {
            for (chain, (low, high)) in lows.iter_mut().zip(&mut highs).enumerate() {
                let x = V::load(chunk.as_ptr().add(chain * V::LANES));
                *low = x.min(*low);
                *high = x.max(*high);
            }
        }
        let last = rest.remainder();
        for vector in rest {
            let x = V::load(vector.as_ptr());
            lows[0] = x.min(lows[0]);
            highs[0] = x.max(highs[0]);
        }
        let low = lows[0].min(lows[1]).min(lows[2].min(lows[3])).least();
        let high = highs[0]
            .max(highs[1])
            .max(highs[2].max(highs[3]))
            .greatest();
        last.iter()
            .fold((low, high), |(low, high), x| (low.min(*x), high.max(*x)))
    }
}

/// Quantises up to 256 values with a scale for each 32.
///
/// # Safety
/// As for [`Vector`]; whole blocks of 32.
#[inline(always)]
pub(crate) unsafe fn quantise_blocks<V: Vector>(values: &[f32], row: &mut BlockRow) {
    for (j, values) in values.chunks_exact(BLOCK).enumerate() {
        let bytes = &mut row.bytes[j * BLOCK..][..BLOCK];
        // SAFETY: the caller's promise.
        let (scale, inverse) = unsafe { stretch_scale::<V>(values) };
        // SAFETY: the caller's promise; as many bytes as values.
        let sum = unsafe { quantise_stretch::<V>(values, inverse, bytes) };
        row.scales[j] = scale;
        row.sums[j] = scale * sum;
    }
}

/// Quantises 256 values with one scale.
///
/// # Safety
/// As for [`Vector`]; there are 256.
#[inline(always)]
pub(crate) unsafe fn quantise_super<V: Vector>(values: &[f32], row: &mut SuperRow) {
    // SAFETY: the caller's promise.
    let (scale, inverse) = unsafe { stretch_scale::<V>(values) };
    row.scale = scale;
    for j in 0..SUPER_BLOCK / 16 {
        let (values, bytes) = (&values[j * 16..][..16], &mut row.bytes[j * 16..][..16]);
        // SAFETY: the caller's promise; as many bytes as values.
        row.sums_of_16[j] = unsafe { quantise_stretch::<V>(values, inverse, bytes) } as i16;
    }
    for (j, pair) in row.sums_of_16.as_chunks().0.iter().enumerate() {
        let [lower, upper] = pair;
        row.sums_of_32[j] = lower + upper;
    }
}

/// The scale of a stretch and the factor that makes its largest magnitude 127; zeros where all
/// is zero, a scale that is no number where a value is not finite.
///
/// # Safety
/// As for [`Vector`]; whole vectors.
#[inline(always)]
unsafe fn stretch_scale<V: Vector>(values: &[f32]) -> (f32, f32) {
    // SAFETY: the caller's promise.
    let (largest, finite) = unsafe {
        let (mut largest, mut zeros) = (V::splat(0.0), V::splat(0.0));
        for vector in values.chunks_exact(V::LANES) {
            let x = V::load(vector.as_ptr());
            largest = x.abs().max(largest);
            // A number that is none, or infinite, times zero is none.
            zeros = x.mul_add(V::splat(0.0), zeros);
        }
        (largest.greatest(), zeros.total() == 0.0)
    };
    match scalar::stretch_scale(largest, finite) {
        Some(both) => both,
        None if finite => (0.0, 0.0),
        None => (f32::NAN, 0.0),
    }
}

/// Writes `values · inverse` as bytes, and zeros where the factor is; returns their sum.
///
/// # Safety
/// As for [`Vector`]; whole vectors, and as many bytes as values.
#[inline(always)]
unsafe fn quantise_stretch<V: Vector>(values: &[f32], inverse: f32, bytes: &mut [i8]) -> f32 {
    if inverse == 0.0 {
        bytes.fill(0);
        return 0.0;
    }
    // SAFETY: the caller's promise.
    unsafe {
        let mut sum = V::splat(0.0);
        for (vector, bytes) in values
            .chunks_exact(V::LANES)
            .zip(bytes.chunks_exact_mut(V::LANES))
        {
            let x = V::load(vector.as_ptr()).mul(V::splat(inverse)).round();
            x.store_signed_bytes(bytes.as_mut_ptr());
            sum = sum.add(x);
        }
        sum.total()
    }
}

/// # Safety
/// As for [`Vector`]; all slices are equally long.
#[inline(always)]
pub(crate) unsafe fn add_layer_norm_row<V: Vector>(
    update: &[f32],
    norm: LayerNorm<'_>,
    row: &mut [f32],
) {
    let whole = row.len() - row.len() % V::LANES;
    // SAFETY: the caller's promise, and every access starts `LANES` before `whole` or earlier.
    unsafe {
        for i in (0..whole).step_by(V::LANES) {
            let x = V::load(row.as_ptr().add(i)).add(V::load(update.as_ptr().add(i)));
            x.store(row.as_mut_ptr().add(i));
        }
        for (x, update) in row[whole..].iter_mut().zip(&update[whole..]) {
            *x += update;
        }
        layer_norm_row::<V>(norm, row);
    }
}

/// # Safety
/// As for [`Vector`]; all slices are equally long.
#[inline(always)]
pub(crate) unsafe fn layer_norm_row<V: Vector>(norm: LayerNorm<'_>, row: &mut [f32]) {
    let len = row.len() as f32;
    let whole = row.len() - row.len() % V::LANES;
    // SAFETY: the caller's promise, and every access starts `LANES` before `whole` or earlier.
    unsafe {
        let mean = sum_of::<V>(row, |x| x, |x| x) / len;
        let middle = V::splat(mean);
        let squares = sum_of::<V>(
            row,
            |x| {
                let x = x.sub(middle);
                x.mul(x)
            },
            |x| (x - mean) * (x - mean),
        );
        let inverse = 1.0 / (squares / len + norm.epsilon).sqrt();
        for i in (0..whole).step_by(V::LANES) {
            let x = V::load(row.as_ptr().add(i))
                .sub(middle)
                .mul(V::splat(inverse));
            let gain = V::load(norm.gain.as_ptr().add(i));
            let bias = V::load(norm.bias.as_ptr().add(i));
            x.mul_add(gain, bias).store(row.as_mut_ptr().add(i));
        }
        let last = row[whole..].iter_mut().zip(&norm.gain[whole..]);
        for ((x, gain), bias) in last.zip(&norm.bias[whole..]) {
            *x = (*x - mean) * inverse * gain + bias;
        }
    }
}

/// # Safety
/// As for [`Vector`]; all slices are equally long.
#[inline(always)]
pub(crate) unsafe fn rms_norm_row<V: Vector>(
    row: &[f32],
    gain: &[f32],
    epsilon: f32,
    out: &mut [f32],
) {
    // SAFETY: the caller's promise, and every access starts `LANES` before `whole` or earlier.
    unsafe {
        let squares = sum_of::<V>(row, |x| x.mul(x), |x| x * x);
        let inverse = 1.0 / (squares / row.len() as f32 + epsilon).sqrt();
        let whole = row.len() - row.len() % V::LANES;
        for i in (0..whole).step_by(V::LANES) {
            let x = V::load(row.as_ptr().add(i)).mul(V::splat(inverse));
            x.mul(V::load(gain.as_ptr().add(i)))
                .store(out.as_mut_ptr().add(i));
        }
        for i in whole..row.len() {
            out[i] = row[i] * inverse * gain[i];
        }
    }
}

/// # Safety
/// As for [`Vector`]; `row` is twice as long as `out`.
#[inline(always)]
pub(crate) unsafe fn gate_row<V: Vector>(row: &[f32], tail: Option<&Tail>, out: &mut [f32]) {
    let (gates, values) = row.split_at(out.len());
    let whole = out.len() - out.len() % V::LANES;
    // SAFETY: the caller's promise, and every access starts `LANES` before `whole` or earlier.
    unsafe {
        for i in (0..whole).step_by(V::LANES) {
            let mut gate = [V::load(gates.as_ptr().add(i))];
            if let Some(tail) = tail {
                gate = activate(gate, tail);
            }
            let value = V::load(values.as_ptr().add(i));
            gate[0].mul(value).store(out.as_mut_ptr().add(i));
        }
    }
    let last = gates[whole..].iter().zip(&values[whole..]);
    for (out, (gate, value)) in out[whole..].iter_mut().zip(last) {
        *out = scalar::activate(*gate, tail) * value;
    }
}

/// # Safety
/// As for [`Vector`]; the slices are as [`crate::rotary::rotate`] has checked them.
#[inline(always)]
pub(crate) unsafe fn rotate_projected<V: Vector>(
    projected: &mut [f32],
    heads: Heads,
    rotary: &Rotary,
) {
    let half = rotary.half();
    let whole = half - half % V::LANES;
    for (position, row) in projected.chunks_exact_mut(3 * heads.hidden()).enumerate() {
        let (cosines, sines) = rotary.at(position);
        for head in row[..2 * heads.hidden()].chunks_exact_mut(heads.width) {
            let (first, second) = head[..2 * half].split_at_mut(half);
            // SAFETY: the caller's promise; all four are `half` long, and every access starts
            // `LANES` before `whole` or earlier.
            unsafe {
                for i in (0..whole).step_by(V::LANES) {
                    let x = V::load(first.as_ptr().add(i));
                    let y = V::load(second.as_ptr().add(i));
                    let cosine = V::load(cosines.as_ptr().add(i));
                    let sine = V::load(sines.as_ptr().add(i));
                    let turned = y.neg_mul_add(sine, x.mul(cosine));
                    turned.store(first.as_mut_ptr().add(i));
                    let turned = x.mul_add(sine, y.mul(cosine));
                    turned.store(second.as_mut_ptr().add(i));
                }
            }
            scalar::rotate_pairs(
                &mut first[whole..],
                &mut second[whole..],
                &cosines[whole..],
                &sines[whole..],
            );
        }
    }
}

/// The sum over a row of some function, given for vectors and for one number.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
unsafe fn sum_of<V: Vector>(row: &[f32], of: impl Fn(V) -> V, of_one: impl Fn(f32) -> f32) -> f32 {
    // SAFETY: the caller's promise; the chunks and what is left of them are whole vectors.
    unsafe {
        let mut sums = [V::splat(0.0); CHAINS];
        let chunks = row.chunks_exact(CHAINS * V::LANES);
        let rest = chunks.remainder().chunks_exact(V::LANES);
        for chunk in chunks {
            for (chain, sum) in sums.iter_mut().enumerate() {
                *sum = sum.add(of(V::load(chunk.as_ptr().add(chain * V::LANES))));
            }
        }
        let last = rest.remainder();
        for vector in rest {
            sums[0] = sums[0].add(of(V::load(vector.as_ptr())));
        }
        let total = sums[0].add(sums[1]).add(sums[2].add(sums[3])).total();
        last.iter().fold(total, |total, x| total + of_one(*x))
    }
}
