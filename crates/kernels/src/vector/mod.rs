//! Each kernel once, over a trait for one vector of floats.
//!
//! Everything here is `#[inline(always)]` and generic, and becomes machine code only inside the
//! functions of an instruction set's module, which switch its features on. The numbers of rows
//! and vectors that are worked on at a time are given by that module too, since they follow from
//! its number of registers. A row's arithmetic does not depend on them.

mod attention;
mod cache;
mod gate;
mod kernels;
mod matmul;
mod packed;
mod row;

pub(crate) use attention::attend;
pub(crate) use cache::attend_blocks;
pub(crate) use gate::{gate, softmax};
pub(crate) use kernels::kernels;
pub(crate) use matmul::{matmul_float, matmul_int8};
pub(crate) use packed::multiply_packed;
pub(crate) use row::{
    add_layer_norm_row, dot, gate_row, layer_norm_row, quantise_blocks, quantise_row,
    quantise_super, rms_norm_row, rotate_projected,
};

use crate::packed::Widen;

/// The widest vector has this many floats.
const MOST_LANES: usize = 16;

/// One vector of floats, and the vector of 32-bit integers of the same length.
///
/// # Safety
/// Every method may be called only where the processor has the instruction set; those that take
/// a pointer, only where [`Vector::LANES`] elements can be read or written there.
pub(crate) trait Vector: Copy + Widen {
    /// As many 32-bit integers.
    type Int: Copy;
    /// The number of floats.
    const LANES: usize;
    /// Whether [`Vector::dot_wide_groups`] is another way than [`Vector::dot_small_groups`].
    const TELLS_WIDE: bool = false;

    unsafe fn splat(x: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    /// `self · factor + summand`, rounded once.
    unsafe fn mul_add(self, factor: Self, summand: Self) -> Self;
    /// `summand − self · factor`, rounded once.
    unsafe fn neg_mul_add(self, factor: Self, summand: Self) -> Self;
    /// The lesser; `other` where `self` is no number.
    unsafe fn min(self, other: Self) -> Self;
    /// The greater; `other` where `self` is no number.
    unsafe fn max(self, other: Self) -> Self;
    unsafe fn abs(self) -> Self;
    /// The nearest whole number, the even one of two.
    unsafe fn round(self) -> Self;
    /// `self · 2^exponent`, for whole exponents from -125 to 0.
    unsafe fn scale_by_power(self, exponent: Self) -> Self;
    /// Whole numbers from 0 to 255 as bytes; writes as many bytes as there are lanes.
    unsafe fn store_bytes(self, to: *mut u8);
    /// Whole numbers from -128 to 127 as bytes; writes as many bytes as there are lanes.
    unsafe fn store_signed_bytes(self, to: *mut i8);

    unsafe fn int_zero() -> Self::Int;
    /// The four bytes there, in every lane.
    unsafe fn splat_group(from: *const u8) -> Self::Int;
    /// Four signed bytes for each lane.
    unsafe fn load_groups(from: *const i8) -> Self::Int;
    /// For each lane, `sum` plus the four products of its unsigned `bytes` and signed `weights`,
    /// where no two neighbours' products leave 16 bits together.
    unsafe fn dot_groups(sum: Self::Int, bytes: Self::Int, weights: Self::Int) -> Self::Int;
    /// The same, exactly, for `bytes` below 64, and all others but where
    /// [`Vector::TELLS_WIDE`].
    #[inline(always)]
    unsafe fn dot_small_groups(sum: Self::Int, bytes: Self::Int, weights: Self::Int) -> Self::Int {
        // SAFETY: the caller's promise.
        unsafe { Self::dot_groups(sum, bytes, weights) }
    }
    /// The same, exactly, for any `bytes`.
    #[inline(always)]
    unsafe fn dot_wide_groups(sum: Self::Int, bytes: Self::Int, weights: Self::Int) -> Self::Int {
        // SAFETY: the caller's promise.
        unsafe { Self::dot_groups(sum, bytes, weights) }
    }
    /// For each lane, `sum` plus the products of its two numbers of 16 bits in `a` and `b`.
    unsafe fn dot_pairs(sum: Self::Int, a: Self::Int, b: Self::Int) -> Self::Int;
    unsafe fn to_float(ints: Self::Int) -> Self;
    /// The nearest half-precision numbers, least byte first.
    unsafe fn narrow_halves(floats: &[f32; 16]) -> [u8; 32];

    /// The sum over the lanes, in halves: always the same order.
    #[inline(always)]
    unsafe fn total(self) -> f32 {
        // SAFETY: the caller's promise.
        unsafe { self.fold(|a, b| a + b) }
    }

    /// The greatest lane.
    #[inline(always)]
    unsafe fn greatest(self) -> f32 {
        // SAFETY: the caller's promise.
        unsafe { self.fold(f32::max) }
    }

    /// The least lane.
    #[inline(always)]
    unsafe fn least(self) -> f32 {
        // SAFETY: the caller's promise.
        unsafe { self.fold(f32::min) }
    }

    /// Combines the upper half of the lanes with the lower until one is left.
    #[inline(always)]
    unsafe fn fold(self, combine: impl Fn(f32, f32) -> f32) -> f32 {
        let mut lanes = [0.0; MOST_LANES];
        // SAFETY: the caller's promise, and no vector is longer than the array.
        unsafe { self.store(lanes.as_mut_ptr()) };
        let mut half = Self::LANES / 2;
        while half > 0 {
            for lane in 0..half {
                lanes[lane] = combine(lanes[lane], lanes[lane + half]);
            }
            half /= 2;
        }
        lanes[0]
    }
}

/// Asks for the cache lines that lie `ahead` bytes behind those of `bytes`, to be read once.
#[inline(always)]
fn prefetch(bytes: &[u8], ahead: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in bytes.chunks(64) {
        use std::arch::x86_64::{_MM_HINT_NTA, _mm_prefetch};
        // SAFETY: every x86-64 processor has the instruction, which may be given any address.
        unsafe { _mm_prefetch::<_MM_HINT_NTA>(line.as_ptr().wrapping_add(ahead).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, ahead);
}

/// Asks for the cache line at `place`, which may be any address, to be used soon.
#[inline(always)]
fn prefetch_line(place: *const i8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 processor has the instruction, which may be given any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// `2^x` for `x` up to 0; below -125 it stays at `2^-125`, which is still a normal number.
///
/// The whole part goes into the exponent, the rest, within ±1/2, through a polynomial of degree
/// 5 that interpolates `2^x` at Chebyshev points with a relative error of 1e-7.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
unsafe fn exp2<V: Vector>(x: V) -> V {
    const COEFFICIENTS: [f32; 6] = [
        1.000_000_1,
        std::f32::consts::LN_2,
        0.240_221_07,
        0.055_503_27,
        0.009_676_037,
        0.001_340_043_3,
    ];
    // SAFETY: the caller's promise.
    unsafe {
        let x = x.max(V::splat(-125.0));
        let whole = x.round();
        let rest = x.sub(whole);
        let mut sum = V::splat(COEFFICIENTS[5]);
        for coefficient in COEFFICIENTS[..5].iter().rev() {
            sum = sum.mul_add(rest, V::splat(*coefficient));
        }
        sum.scale_by_power(whole)
    }
}
