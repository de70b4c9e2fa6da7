//! The kernels for NEON with the products of bytes that ARMv8.2 added.

mod instructions;
pub(crate) mod neon;
