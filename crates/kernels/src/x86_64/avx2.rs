//! AVX2 with FMA: 8 floats, 16 registers.

use std::arch::x86_64::*;

use crate::vector::kernels;

/// Implements [`crate::vector::Vector`] for a vector of 256 bits, with this way to multiply
/// groups of bytes: AVX-VNNI has another one than AVX2, all else is the same.
macro_rules! vector_of_256_bits {
    (
        $vector:ident, dot_groups: $dot_groups:path, dot_wide_groups: $dot_wide_groups:path,
        dot_pairs: $dot_pairs:path, tells_wide: $tells_wide:literal
    ) => {
        #[derive(Clone, Copy)]
        pub(crate) struct $vector(std::arch::x86_64::__m256);

        // SAFETY of every block below: `Vector`'s methods are called only where the processor
        // has these features, and with pointers to as many elements as there are lanes.
        impl $crate::vector::Vector for $vector {
            type Int = std::arch::x86_64::__m256i;
            const LANES: usize = 8;
            const TELLS_WIDE: bool = $tells_wide;

            #[inline(always)]
            unsafe fn splat(x: f32) -> Self {
                // SAFETY: as above.
                unsafe { $vector(_mm256_set1_ps(x)) }
            }

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: as above.
                unsafe { $vector(_mm256_loadu_ps(from)) }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: as above.
                unsafe { _mm256_storeu_ps(to, self.0) }
            }

            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $vector(_mm256_add_ps(self.0, other.0)) }
            }

            #[inline(always)]
            unsafe fn sub(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $vector(_mm256_sub_ps(self.0, other.0)) }
            }

            #[inline(always)]
            unsafe fn mul(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $vector(_mm256_mul_ps(self.0, other.0)) }
            }

            #[inline(always)]
            unsafe fn div(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $vector(_mm256_div_ps(self.0, other.0)) }
            }

            #[inline(always)]
            unsafe fn mul_add(self, factor: Self, summand: Self) -> Self {
                // SAFETY: as above.
                unsafe { $vector(_mm256_fmadd_ps(self.0, factor.0, summand.0)) }
            }

            #[inline(always)]
            unsafe fn neg_mul_add(self, factor: Self, summand: Self) -> Self {
                // SAFETY: as above.
                unsafe { $vector(_mm256_fnmadd_ps(self.0, factor.0, summand.0)) }
            }

            #[inline(always)]
            unsafe fn min(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $vector(_mm256_min_ps(self.0, other.0)) }
            }

            #[inline(always)]
            unsafe fn max(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $vector(_mm256_max_ps(self.0, other.0)) }
            }

            #[inline(always)]
            unsafe fn abs(self) -> Self {
                // SAFETY: as above.
                unsafe { $vector(_mm256_andnot_ps(_mm256_set1_ps(-0.0), self.0)) }
            }

            #[inline(always)]
            unsafe fn round(self) -> Self {
                const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
                // SAFETY: as above.
                unsafe { $vector(_mm256_round_ps::<NEAREST>(self.0)) }
            }

            #[inline(always)]
            unsafe fn scale_by_power(self, exponent: Self) -> Self {
                // SAFETY: as above. The exponent's bits lie above the 23 of the fraction.
                unsafe {
                    let steps = _mm256_slli_epi32::<23>(_mm256_cvtps_epi32(exponent.0));
                    let bits = _mm256_add_epi32(_mm256_castps_si256(self.0), steps);
                    $vector(_mm256_castsi256_ps(bits))
                }
            }

            #[inline(always)]
            unsafe fn store_bytes(self, to: *mut u8) {
                // SAFETY: as above.
                unsafe {
                    let ints = _mm256_cvtps_epi32(self.0);
                    let (lower, upper) = (
                        _mm256_castsi256_si128(ints),
                        _mm256_extracti128_si256::<1>(ints),
                    );
                    let words = _mm_packs_epi32(lower, upper);
                    _mm_storel_epi64(to.cast(), _mm_packus_epi16(words, words));
                }
            }

            #[inline(always)]
            unsafe fn store_signed_bytes(self, to: *mut i8) {
                // SAFETY: as above.
                unsafe {
                    let ints = _mm256_cvtps_epi32(self.0);
                    let (lower, upper) = (
                        _mm256_castsi256_si128(ints),
                        _mm256_extracti128_si256::<1>(ints),
                    );
                    let words = _mm_packs_epi32(lower, upper);
                    _mm_storel_epi64(to.cast(), _mm_packs_epi16(words, words));
                }
            }

            #[inline(always)]
            unsafe fn int_zero() -> __m256i {
                // SAFETY: as above.
                unsafe { _mm256_setzero_si256() }
            }

            #[inline(always)]
            unsafe fn splat_group(from: *const u8) -> __m256i {
                // SAFETY: as above; four bytes can be read.
                unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
            }

            #[inline(always)]
            unsafe fn load_groups(from: *const i8) -> __m256i {
                // SAFETY: as above; four bytes a lane can be read.
                unsafe { _mm256_loadu_si256(from.cast()) }
            }

            #[inline(always)]
            unsafe fn dot_groups(sum: __m256i, bytes: __m256i, weights: __m256i) -> __m256i {
                // SAFETY: as above.
                unsafe { $dot_groups(sum, bytes, weights) }
            }

            #[inline(always)]
            unsafe fn dot_wide_groups(sum: __m256i, bytes: __m256i, weights: __m256i) -> __m256i {
                // SAFETY: as above.
                unsafe { $dot_wide_groups(sum, bytes, weights) }
            }

            #[inline(always)]
            unsafe fn dot_pairs(sum: __m256i, a: __m256i, b: __m256i) -> __m256i {
                // SAFETY: as above.
                unsafe { $dot_pairs(sum, a, b) }
            }

            #[inline(always)]
            unsafe fn to_float(ints: __m256i) -> Self {
                // SAFETY: as above.
                unsafe { $vector(_mm256_cvtepi32_ps(ints)) }
            }

            #[inline(always)]
            unsafe fn narrow_halves(floats: &[f32; 16]) -> [u8; 32] {
                let mut halves = [0; 32];
                // SAFETY: as above; both arrays are as long as two vectors.
                unsafe {
                    for half in 0..2 {
                        let floats = _mm256_loadu_ps(floats.as_ptr().add(8 * half));
                        let narrow = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(floats);
                        _mm_storeu_si128(halves.as_mut_ptr().add(16 * half).cast(), narrow);
                    }
                }
                halves
            }

            #[inline(always)]
            unsafe fn total(self) -> f32 {
                // SAFETY: as above.
                unsafe {
                    let upper = _mm256_extractf128_ps::<1>(self.0);
                    let sum = _mm_add_ps(_mm256_castps256_ps128(self.0), upper);
                    let sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
                    _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)))
                }
            }

            #[inline(always)]
            unsafe fn greatest(self) -> f32 {
                // SAFETY: as above.
                unsafe {
                    let upper = _mm256_extractf128_ps::<1>(self.0);
                    let most = _mm_max_ps(_mm256_castps256_ps128(self.0), upper);
                    let most = _mm_max_ps(most, _mm_movehl_ps(most, most));
                    _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)))
                }
            }
        }

        impl $crate::packed::Widen for $vector {
            #[inline(always)]
            unsafe fn widen_halves(halves: &[u8; 32]) -> [f32; 16] {
                let mut floats = [0.0; 16];
                // SAFETY: the caller's promise; both arrays are as long as two vectors.
                unsafe {
                    for half in 0..2 {
                        let halves = _mm_loadu_si128(halves.as_ptr().add(16 * half).cast());
                        _mm256_storeu_ps(
                            floats.as_mut_ptr().add(8 * half),
                            _mm256_cvtph_ps(halves),
                        );
                    }
                }
                floats
            }

            #[inline(always)]
            unsafe fn look_up(table: &[u8; 16], bytes: &mut [u8; 64]) {
                // SAFETY: the caller's promise; the array is as long as two vectors.
                unsafe {
                    let table = _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast()));
                    for half in 0..2 {
                        let place = bytes.as_mut_ptr().add(32 * half);
                        let found = _mm256_shuffle_epi8(table, _mm256_loadu_si256(place.cast()));
                        _mm256_storeu_si256(place.cast(), found);
                    }
                }
            }

            #[inline(always)]
            unsafe fn times(numbers: &[f32; 16], factor: f32) -> [f32; 16] {
                let mut products = [0.0; 16];
                // SAFETY: the caller's promise; both arrays are as long as two vectors.
                unsafe {
                    for half in 0..2 {
                        let numbers = _mm256_loadu_ps(numbers.as_ptr().add(8 * half));
                        let product = _mm256_mul_ps(numbers, _mm256_set1_ps(factor));
                        _mm256_storeu_ps(products.as_mut_ptr().add(8 * half), product);
                    }
                }
                products
            }

            #[inline(always)]
            unsafe fn times_bytes(numbers: &[f32; 16], bytes: &[u8; 16]) -> [f32; 16] {
                let mut products = [0.0; 16];
                // SAFETY: the caller's promise; the arrays are as long as two vectors.
                unsafe {
                    for half in 0..2 {
                        let bytes = _mm_loadl_epi64(bytes.as_ptr().add(8 * half).cast());
                        let bytes = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
                        let numbers = _mm256_loadu_ps(numbers.as_ptr().add(8 * half));
                        let product = _mm256_mul_ps(numbers, bytes);
                        _mm256_storeu_ps(products.as_mut_ptr().add(8 * half), product);
                    }
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
                    let halves = [_mm_unpacklo_epi8(even, odd), _mm_unpackhi_epi8(even, odd)];
                    for (half, bytes) in halves.into_iter().enumerate() {
                        let to = pairs.as_mut_ptr().add(8 * half).cast();
                        _mm256_storeu_si256(to, _mm256_cvtepi8_epi16(bytes));
                    }
                }
                pairs
            }
        }
    };
}
pub(super) use vector_of_256_bits;

vector_of_256_bits! {
    Avx2, dot_groups: dot_groups, dot_wide_groups: dot_wide_groups,
    dot_pairs: dot_pairs, tells_wide: true
}

kernels! {
    vector: Avx2, features: "avx2,fma,f16c", int8: (6, 2), float: (6, 2), attention: 6,
    packed: (3, 2, 2)
}

/// The four products of each lane. The first instruction adds two neighbours in 16 bits and
/// saturates; weights are packed such that no such sum leaves them, so this is exact.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn dot_groups(sum: __m256i, bytes: __m256i, weights: __m256i) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe {
        let pairs = _mm256_maddubs_epi16(bytes, weights);
        _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }
}

/// The same for bytes of any size: each of two neighbours by itself.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn dot_wide_groups(sum: __m256i, bytes: __m256i, weights: __m256i) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe {
        let even = _mm256_and_si256(bytes, _mm256_set1_epi16(0xff));
        let odd = _mm256_andnot_si256(_mm256_set1_epi16(0xff), bytes);
        dot_groups(dot_groups(sum, even, weights), odd, weights)
    }
}

/// The two products of numbers of 16 bits of each lane.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn dot_pairs(sum: __m256i, a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe { _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)) }
}
