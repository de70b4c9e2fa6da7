//! The kernels for AVX2, AVX-VNNI and AVX-512, each compiled with its features switched on.

pub(crate) mod avx2;
pub(crate) mod avx512;
pub(crate) mod avxvnni;
