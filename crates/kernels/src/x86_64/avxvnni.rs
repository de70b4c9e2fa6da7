//! AVX2 with AVX-VNNI, as newer processors without AVX-512 have it: 32 products of bytes an
//! instruction.

use std::arch::x86_64::*;

use super::avx2::vector_of_256_bits;
use super::kernels;

vector_of_256_bits!(AvxVnni, dot_groups: _mm256_dpbusd_avx_epi32);

kernels! {
    vector: AvxVnni, features: "avx2,fma,avxvnni", int8: (6, 2), float: (6, 2), attention: 6
}
