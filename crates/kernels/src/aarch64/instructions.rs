//! Instructions for which Rust has no stable function.

use std::arch::aarch64::*;
use std::arch::asm;

/// For each lane, `sum` plus the four products of signed bytes.
///
/// # Safety
/// The processor has the products of bytes (`dotprod`).
#[inline(always)]
pub(super) unsafe fn dot_signed(mut sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: the caller's promise; the instruction only reads and writes these registers.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {a:v}.16b, {b:v}.16b",
            sum = inout(vreg) sum, a = in(vreg) a, b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

/// The values of four half-precision numbers.
///
/// # Safety
/// The processor has NEON.
#[inline(always)]
pub(super) unsafe fn widen(halves: uint16x4_t) -> float32x4_t {
    let floats: float32x4_t;
    // SAFETY: the caller's promise; the instruction only reads and writes these registers.
    unsafe {
        asm!(
            "fcvtl {floats:v}.4s, {halves:v}.4h",
            floats = out(vreg) floats, halves = in(vreg) halves,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    floats
}

/// The nearest half-precision numbers of four floats.
///
/// # Safety
/// The processor has NEON.
#[inline(always)]
pub(super) unsafe fn narrow(floats: float32x4_t) -> uint16x4_t {
    let halves: uint16x4_t;
    // SAFETY: the caller's promise; the instruction only reads and writes these registers.
    unsafe {
        asm!(
            "fcvtn {halves:v}.4h, {floats:v}.4s",
            halves = out(vreg) halves, floats = in(vreg) floats,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    halves
}
