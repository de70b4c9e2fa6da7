//! Kernels over one row: inner product, quantising, layer normalisation.
//!
//! What does not fill a vector at a row's end is done number by number.

use super::Vector;
use crate::norm::LayerNorm;
use crate::quantise::{RowScale, row_scale};
use crate::scalar;

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
    // SAFETY: the caller's promise, and every load starts `LANES` before `whole` or earlier.
    let (mut low, mut high) = unsafe {
        let (mut low, mut high) = (V::splat(0.0), V::splat(0.0));
        for i in (0..whole).step_by(V::LANES) {
            let x = V::load(row.as_ptr().add(i));
            low = x.min(low);
            high = x.max(high);
        }
        (low.least(), high.greatest())
    };
    for x in &row[whole..] {
        low = low.min(*x);
        high = high.max(*x);
    }
    let Some((scale, inverse)) = row_scale(low, high) else {
        bytes.fill(0);
        return RowScale::default();
    };
    // SAFETY: as above; `bytes` is as long as `row`.
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

/// # Safety
/// As for [`Vector`]; all slices are equally long.
#[inline(always)]
pub(crate) unsafe fn add_layer_norm_row<V: Vector>(
    update: &[f32],
    norm: LayerNorm<'_>,
    row: &mut [f32],
) {
    let len = row.len() as f32;
    let whole = row.len() - row.len() % V::LANES;
    // SAFETY: the caller's promise, and every access starts `LANES` before `whole` or earlier.
    unsafe {
        let mut sum = V::splat(0.0);
        for i in (0..whole).step_by(V::LANES) {
            let x = V::load(row.as_ptr().add(i)).add(V::load(update.as_ptr().add(i)));
            x.store(row.as_mut_ptr().add(i));
            sum = sum.add(x);
        }
        let mut total = sum.total();
        for i in whole..row.len() {
            row[i] += update[i];
            total += row[i];
        }
        let mean = total / len;

        let mut squares = V::splat(0.0);
        for i in (0..whole).step_by(V::LANES) {
            let x = V::load(row.as_ptr().add(i)).sub(V::splat(mean));
            squares = x.mul_add(x, squares);
        }
        let mut total = squares.total();
        for x in &row[whole..] {
            total += (x - mean) * (x - mean);
        }
        let inverse = 1.0 / (total / len + norm.epsilon).sqrt();

        for i in (0..whole).step_by(V::LANES) {
            let x = V::load(row.as_ptr().add(i))
                .sub(V::splat(mean))
                .mul(V::splat(inverse));
            let gain = V::load(norm.gain.as_ptr().add(i));
            let bias = V::load(norm.bias.as_ptr().add(i));
            x.mul_add(gain, bias).store(row.as_mut_ptr().add(i));
        }
        for i in whole..row.len() {
            row[i] = (row[i] - mean) * inverse * norm.gain[i] + norm.bias[i];
        }
    }
}
