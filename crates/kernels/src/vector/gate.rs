//! Functions of each number of a row: gates, and softmax.
//!
//! What does not fill a vector at a row's end is copied to one that is filled with zeros.

use super::matmul::activate;
use super::{MOST_LANES, Vector, exp2};
use crate::activation::{Activation, Gate, Tail};

/// # Safety
/// As for [`Vector`]; the slices are equally long.
#[inline(always)]
pub(crate) unsafe fn gate<V: Vector>(gate: Gate, values: &mut [f32], factors: &[f32]) {
    let tail = match gate {
        Gate::Silu => None,
        Gate::Gelu => Activation::Gelu.tail(),
        Gate::GeluTanh => Activation::GeluTanh.tail(),
    };
    let whole = values.len() - values.len() % V::LANES;
    // SAFETY: the caller's promise; every access starts `LANES` before `whole` or earlier, or
    // lies in arrays that no vector is longer than.
    unsafe {
        for i in (0..whole).step_by(V::LANES) {
            let to = values.as_mut_ptr().add(i);
            gated(V::load(to), tail, V::load(factors.as_ptr().add(i))).store(to);
        }
        let (values, factors) = (&mut values[whole..], &factors[whole..]);
        let (mut left, mut right) = ([0.0; MOST_LANES], [0.0; MOST_LANES]);
        left[..values.len()].copy_from_slice(values);
        right[..factors.len()].copy_from_slice(factors);
        let last = gated(V::load(left.as_ptr()), tail, V::load(right.as_ptr()));
        last.store(left.as_mut_ptr());
        values.copy_from_slice(&left[..values.len()]);
    }
}

/// The gate of `x`, by the tail of a GELU or else SiLU, times `factor`; no number where `x` is
/// not finite.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
unsafe fn gated<V: Vector>(x: V, tail: Option<&Tail>, factor: V) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        let active = match tail {
            Some(tail) => activate::<V, 1>([x], tail)[0],
            None => silu(x),
        };
        active.add(x.sub(x)).mul(factor)
    }
}

/// `x / (1 + e^−x)` as `(max(x, 0) + min(x, 0) · e) / (1 + e)` with `e = e^−|x|`, which cannot
/// overflow.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
unsafe fn silu<V: Vector>(x: V) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        let zero = V::splat(0.0);
        let e = exp2(x.abs().mul(V::splat(-std::f32::consts::LOG2_E)));
        let above = x.min(zero).mul_add(e, x.max(zero));
        above.div(e.add(V::splat(1.0)))
    }
}

/// # Safety
/// As for [`Vector`].
#[inline(always)]
pub(crate) unsafe fn softmax<V: Vector>(row: &mut [f32]) {
    let highest = row
        .iter()
        .fold(f32::NEG_INFINITY, |highest, x| highest.max(*x));
    // SAFETY: the caller's promise; vectors lie within the row or an array as long as the
    // longest.
    unsafe {
        let (shift, factor) = (V::splat(highest), V::splat(std::f32::consts::LOG2_E));
        let mut sum = V::splat(0.0);
        let mut vectors = row.chunks_exact_mut(V::LANES);
        for vector in &mut vectors {
            let x = exp2(V::load(vector.as_ptr()).sub(shift).mul(factor));
            x.store(vector.as_mut_ptr());
            sum = sum.add(x);
        }
        let rest = vectors.into_remainder();
        let mut last = [f32::NEG_INFINITY; MOST_LANES];
        last[..rest.len()].copy_from_slice(rest);
        let x = exp2(V::load(last.as_ptr()).sub(shift).mul(factor));
        x.store(last.as_mut_ptr());
        rest.copy_from_slice(&last[..rest.len()]);
        let total = rest.iter().fold(sum.total(), |total, x| total + x);
        for x in row {
            *x /= total;
        }
    }
}
