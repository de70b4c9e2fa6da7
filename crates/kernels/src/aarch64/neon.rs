//! NEON: 4 floats, 32 registers, 16 products of bytes an instruction.

// Some of the instructions are safe to use on every AArch64 processor; to the trait all are alike.
#![allow(unused_unsafe)]

use std::arch::aarch64::*;

use super::instructions::{dot_signed, narrow, widen};
use crate::packed::Widen;
use crate::scalar::Halves;
use crate::vector::{Vector, kernels};

#[derive(Clone, Copy)]
pub(crate) struct Neon(float32x4_t);

kernels! {
    vector: Neon, features: "neon,dotprod", int8: (4, 4), float: (4, 4), attention: 6,
    packed: (2, 4, 4)
}

// SAFETY of every block below: `Vector`'s methods are called only where the processor has these
// features, and with pointers to as many elements as there are lanes.
impl Vector for Neon {
    type Int = int32x4_t;
    const LANES: usize = 4;
    const TELLS_WIDE: bool = true;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: as above.
        unsafe { Neon(vdupq_n_f32(x)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as above.
        unsafe { Neon(vld1q_f32(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe { vst1q_f32(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Neon(vaddq_f32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Neon(vsubq_f32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Neon(vmulq_f32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Neon(vdivq_f32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, summand: Self) -> Self {
        // SAFETY: as above.
        unsafe { Neon(vfmaq_f32(summand.0, self.0, factor.0)) }
    }

    #[inline(always)]
    unsafe fn neg_mul_add(self, factor: Self, summand: Self) -> Self {
        // SAFETY: as above.
        unsafe { Neon(vfmsq_f32(summand.0, self.0, factor.0)) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Neon(vminnmq_f32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Neon(vmaxnmq_f32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: as above.
        unsafe { Neon(vabsq_f32(self.0)) }
    }

    #[inline(always)]
    unsafe fn round(self) -> Self {
        // SAFETY: as above.
        unsafe { Neon(vrndnq_f32(self.0)) }
    }

    #[inline(always)]
    unsafe fn scale_by_power(self, exponent: Self) -> Self {
        // SAFETY: as above. The exponent's bits lie above the 23 of the fraction.
        unsafe {
            let steps = vshlq_n_s32::<23>(vcvtnq_s32_f32(exponent.0));
            let bits = vaddq_s32(vreinterpretq_s32_f32(self.0), steps);
            Neon(vreinterpretq_f32_s32(bits))
        }
    }

    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8) {
        // SAFETY: as above.
        unsafe {
            let mut ints = [0i32; 4];
            vst1q_s32(ints.as_mut_ptr(), vcvtnq_s32_f32(self.0));
            to.cast::<[u8; 4]>().write(ints.map(|int| int as u8));
        }
    }

    #[inline(always)]
    unsafe fn store_signed_bytes(self, to: *mut i8) {
        // SAFETY: as above.
        unsafe {
            let mut ints = [0i32; 4];
            vst1q_s32(ints.as_mut_ptr(), vcvtnq_s32_f32(self.0));
            to.cast::<[i8; 4]>().write(ints.map(|int| int as i8));
        }
    }

    #[inline(always)]
    unsafe fn int_zero() -> int32x4_t {
        // SAFETY: as above.
        unsafe { vdupq_n_s32(0) }
    }

    #[inline(always)]
    unsafe fn splat_group(from: *const u8) -> int32x4_t {
        // SAFETY: as above; four bytes can be read.
        unsafe { vdupq_n_s32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn load_groups(from: *const i8) -> int32x4_t {
        // SAFETY: as above; four bytes a lane can be read.
        unsafe { vreinterpretq_s32_s8(vld1q_s8(from)) }
    }

    /// As products of signed bytes: `b·w = (b − 128)·w + 2·(64·w)`.
    #[inline(always)]
    unsafe fn dot_groups(sum: int32x4_t, bytes: int32x4_t, weights: int32x4_t) -> int32x4_t {
        // SAFETY: as above.
        unsafe {
            let weights = vreinterpretq_s8_s32(weights);
            let moved = veorq_s8(vreinterpretq_s8_s32(bytes), vdupq_n_s8(i8::MIN));
            let half = dot_signed(vdupq_n_s32(0), vdupq_n_s8(64), weights);
            let sum = vaddq_s32(sum, vaddq_s32(half, half));
            dot_signed(sum, moved, weights)
        }
    }

    #[inline(always)]
    unsafe fn dot_small_groups(sum: int32x4_t, bytes: int32x4_t, weights: int32x4_t) -> int32x4_t {
        // SAFETY: as above.
        unsafe {
            dot_signed(
                sum,
                vreinterpretq_s8_s32(bytes),
                vreinterpretq_s8_s32(weights),
            )
        }
    }

    #[inline(always)]
    unsafe fn dot_pairs(sum: int32x4_t, a: int32x4_t, b: int32x4_t) -> int32x4_t {
        // SAFETY: as above.
        unsafe {
            let (a, b) = (vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b));
            let lower = vmull_s16(vget_low_s16(a), vget_low_s16(b));
            vaddq_s32(sum, vpaddq_s32(lower, vmull_high_s16(a, b)))
        }
    }

    #[inline(always)]
    unsafe fn to_float(ints: int32x4_t) -> Self {
        // SAFETY: as above.
        unsafe { Neon(vcvtq_f32_s32(ints)) }
    }

    #[inline(always)]
    unsafe fn narrow_halves(floats: &[f32; 16]) -> [u8; 32] {
        let mut halves = [0u16; 16];
        for at in (0..16).step_by(4) {
            // SAFETY: as above; vectors of four fill both arrays.
            unsafe {
                let floats = vld1q_f32(floats.as_ptr().add(at));
                vst1_u16(halves.as_mut_ptr().add(at), narrow(floats));
            }
        }
        std::array::from_fn(|i| halves[i / 2].to_le_bytes()[i % 2])
    }
}

// Where nothing else is said, plain Rust is compiled to NEON, which every AArch64 processor has.
impl Widen for Neon {
    #[inline(always)]
    unsafe fn widen_halves(halves: &[u8; 32]) -> [f32; 16] {
        let mut floats = [0.0; 16];
        for at in (0..16).step_by(4) {
            // SAFETY: the caller's promise; vectors of four fill both arrays.
            unsafe {
                // Bytes may lie anywhere: four numbers of 16 bits are loaded as eight bytes.
                let four = vreinterpret_u16_u8(vld1_u8(halves.as_ptr().add(2 * at)));
                vst1q_f32(floats.as_mut_ptr().add(at), widen(four));
            }
        }
        floats
    }

    #[inline(always)]
    unsafe fn look_up(table: &[u8; 16], bytes: &mut [u8; 64]) {
        for at in (0..64).step_by(16) {
            // SAFETY: the caller's promise; vectors of sixteen fill both arrays.
            unsafe {
                let place = bytes.as_mut_ptr().add(at);
                let found = vqtbl1q_u8(vld1q_u8(table.as_ptr()), vld1q_u8(place));
                vst1q_u8(place, found);
            }
        }
    }

    #[inline(always)]
    unsafe fn times(numbers: &[f32; 16], factor: f32) -> [f32; 16] {
        // SAFETY: plain Rust needs no instruction set.
        unsafe { Halves::times(numbers, factor) }
    }

    #[inline(always)]
    unsafe fn times_bytes(numbers: &[f32; 16], bytes: &[u8; 16]) -> [f32; 16] {
        // SAFETY: as above.
        unsafe { Halves::times_bytes(numbers, bytes) }
    }

    #[inline(always)]
    unsafe fn interleave_bytes(even: &[u8; 16], odd: &[u8; 16]) -> [[i16; 2]; 16] {
        // SAFETY: as above.
        unsafe { Halves::interleave_bytes(even, odd) }
    }
}
