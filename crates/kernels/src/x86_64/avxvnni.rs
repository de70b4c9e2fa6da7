//! AVX2 with AVX-VNNI, as newer processors without AVX-512 have it: 32 products of bytes an
//! instruction.

use std::arch::x86_64::*;

use crate::vector::kernels;

use super::avx2::vector_of_256_bits;

vector_of_256_bits! {
    AvxVnni, dot_groups: _mm256_dpbusd_avx_epi32, dot_wide_groups: _mm256_dpbusd_avx_epi32,
    dot_pairs: _mm256_dpwssd_avx_epi32, tells_wide: false
}

kernels! {
    vector: AvxVnni, features: "avx2,fma,f16c,avxvnni", int8: (6, 2), float: (6, 2), attention: 6,
    packed: (3, 2, 2)
}
