//! AVX-512 with VNNI: 16 floats, 32 registers, 64 products of bytes an instruction.

use std::arch::x86_64::*;

use crate::packed::Widen;
use crate::vector::{Vector, kernels};

#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512);

// 24 sums leave room for the vectors of weights and the row's broadcast value.
kernels! {
    vector: Avx512, features: "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma",
    int8: (6, 4), float: (12, 2), attention: 12, packed: (6, 2, 1)
}

// SAFETY of every block below: `Vector`'s methods are called only where the processor has these
// features, and with pointers to as many elements as there are lanes.
impl Vector for Avx512 {
    type Int = __m512i;
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: as above.
        unsafe { Avx512(_mm512_set1_ps(x)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as above.
        unsafe { Avx512(_mm512_loadu_ps(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Avx512(_mm512_add_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Avx512(_mm512_sub_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Avx512(_mm512_mul_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Avx512(_mm512_div_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, summand: Self) -> Self {
        // SAFETY: as above.
        unsafe { Avx512(_mm512_fmadd_ps(self.0, factor.0, summand.0)) }
    }

    #[inline(always)]
    unsafe fn neg_mul_add(self, factor: Self, summand: Self) -> Self {
        // SAFETY: as above.
        unsafe { Avx512(_mm512_fnmadd_ps(self.0, factor.0, summand.0)) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Avx512(_mm512_min_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Avx512(_mm512_max_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: as above.
        unsafe { Avx512(_mm512_abs_ps(self.0)) }
    }

    #[inline(always)]
    unsafe fn round(self) -> Self {
        // SAFETY: as above.
        unsafe {
            Avx512(_mm512_roundscale_ps::<
                { _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC },
            >(self.0))
        }
    }

    #[inline(always)]
    unsafe fn scale_by_power(self, exponent: Self) -> Self {
        // SAFETY: as above.
        unsafe { Avx512(_mm512_scalef_ps(self.0, exponent.0)) }
    }

    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8) {
        // SAFETY: as above.
        unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(self.0))) }
    }

    #[inline(always)]
    unsafe fn store_signed_bytes(self, to: *mut i8) {
        // SAFETY: as above.
        unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(self.0))) }
    }

    #[inline(always)]
    unsafe fn int_zero() -> __m512i {
        // SAFETY: as above.
        unsafe { _mm512_setzero_si512() }
    }

    #[inline(always)]
    unsafe fn splat_group(from: *const u8) -> __m512i {
        // SAFETY: as above; four bytes can be read.
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn load_groups(from: *const i8) -> __m512i {
        // SAFETY: as above; four bytes a lane can be read.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn dot_groups(sum: __m512i, bytes: __m512i, weights: __m512i) -> __m512i {
        // SAFETY: as above.
        unsafe { _mm512_dpbusd_epi32(sum, bytes, weights) }
    }

    #[inline(always)]
    unsafe fn dot_pairs(sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: as above.
        unsafe { _mm512_dpwssd_epi32(sum, a, b) }
    }

    #[inline(always)]
    unsafe fn to_float(ints: __m512i) -> Self {
        // SAFETY: as above.
        unsafe { Avx512(_mm512_cvtepi32_ps(ints)) }
    }

    #[inline(always)]
    unsafe fn narrow_halves(floats: &[f32; 16]) -> [u8; 32] {
        let mut halves = [0; 32];
        // SAFETY: as above; both arrays are as long as the vectors.
        unsafe {
            let floats = _mm512_loadu_ps(floats.as_ptr());
            let narrow = _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(floats);
            _mm256_storeu_si256(halves.as_mut_ptr().cast(), narrow);
        }
        halves
    }

    #[inline(always)]
    unsafe fn total(self) -> f32 {
        // SAFETY: as above.
        unsafe { _mm512_reduce_add_ps(self.0) }
    }

    #[inline(always)]
    unsafe fn greatest(self) -> f32 {
        // SAFETY: as above.
        unsafe { _mm512_reduce_max_ps(self.0) }
    }
}

impl Widen for Avx512 {
    #[inline(always)]
    unsafe fn widen_halves(halves: &[u8; 32]) -> [f32; 16] {
        let mut floats = [0.0; 16];
        // SAFETY: the caller's promise; both arrays are as long as the vectors.
        unsafe {
            let halves = _mm256_loadu_si256(halves.as_ptr().cast());
            _mm512_storeu_ps(floats.as_mut_ptr(), _mm512_cvtph_ps(halves));
        }
        floats
    }

    #[inline(always)]
    unsafe fn look_up(table: &[u8; 16], bytes: &mut [u8; 64]) {
        // SAFETY: the caller's promise; both arrays are as long as the vectors.
        unsafe {
            let table = _mm512_broadcast_i32x4(_mm_loadu_si128(table.as_ptr().cast()));
            let found = _mm512_shuffle_epi8(table, _mm512_loadu_si512(bytes.as_ptr().cast()));
            _mm512_storeu_si512(bytes.as_mut_ptr().cast(), found);
        }
    }

    #[inline(always)]
    unsafe fn times(numbers: &[f32; 16], factor: f32) -> [f32; 16] {
        let mut products = [0.0; 16];
        // SAFETY: the caller's promise; both arrays are as long as the vectors.
        unsafe {
            let numbers = _mm512_loadu_ps(numbers.as_ptr());
            let product = _mm512_mul_ps(numbers, _mm512_set1_ps(factor));
            _mm512_storeu_ps(products.as_mut_ptr(), product);
        }
        products
    }

    #[inline(always)]
    unsafe fn times_bytes(numbers: &[f32; 16], bytes: &[u8; 16]) -> [f32; 16] {
        let mut products = [0.0; 16];
        // SAFETY: the caller's promise; the arrays are as long as the vectors.
        unsafe {
            let bytes = _mm_loadu_si128(bytes.as_ptr().cast());
            let bytes = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
            let product = _mm512_mul_ps(_mm512_loadu_ps(numbers.as_ptr()), bytes);
            _mm512_storeu_ps(products.as_mut_ptr(), product);
        }
        products
    }

    #[inline(always)]
    unsafe fn interleave_bytes(even: &[u8; 16], odd: &[u8; 16]) -> [[i16; 2]; 16] {
        let mut pairs = [[0; 2]; 16];
        // SAFETY: the caller's promise; the arrays are as long as the vectors.
        unsafe {
            let even = _mm_loadu_si128(even.as_ptr().cast());
            let odd = _mm_loadu_si128(odd.as_ptr().cast());
            let (first, last) = (_mm_unpacklo_epi8(even, odd), _mm_unpackhi_epi8(even, odd));
            let words = _mm512_cvtepi8_epi16(_mm256_set_m128i(last, first));
            _mm512_storeu_si512(pairs.as_mut_ptr().cast(), words);
        }
        pairs
    }
}
