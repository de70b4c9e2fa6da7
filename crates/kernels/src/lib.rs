//! SIMD loops on slices: quantised matrix products, attention, norms, dot products.
//!
//! Nothing here knows tensors, model files or documents. Each public function takes an [`Isa`],
//! the proof that the processor has an instruction set, checks its slices, and hands over to one
//! of these:
//!
//! - `scalar`: plain Rust, which every machine runs and which the tests hold the others against;
//! - `vector`: each algorithm once, over a private trait for one vector of floats;
//! - `x86_64`: that trait for AVX2, AVX-VNNI and AVX-512, and the functions compiled for them;
//! - `aarch64`: the same for NEON.
//!
//! The arithmetic of one row is the same whichever rows stand beside it, so a result depends on
//! the row and the instruction set alone, never on the batch.

// Vector loads and stores take raw pointers. This crate is where docent keeps them.
#![allow(unsafe_code)]

pub mod activation;
pub mod aligned;
pub mod attention;
pub mod cache;
pub mod dot;
pub mod isa;
pub mod matmul;
pub mod norm;
pub mod packed;
pub mod quant;
pub mod quantise;
pub mod rope;
pub mod rotary;

mod scalar;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod aarch64;

pub use isa::Isa;

/// Calls a function of the module that belongs to an instruction set.
macro_rules! dispatch {
    ($isa:expr, $function:ident($($argument:expr),* $(,)?)) => {
        match $isa.level() {
            $crate::isa::Level::Scalar => $crate::scalar::$function($($argument),*),
            // SAFETY: an `Isa` of this level is only made after the processor was asked for
            // every feature that the function is compiled with; the caller of this macro has
            // checked the lengths of the slices.
            #[cfg(target_arch = "x86_64")]
            $crate::isa::Level::Avx2 => unsafe { $crate::x86_64::avx2::$function($($argument),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            $crate::isa::Level::AvxVnni => unsafe { $crate::x86_64::avxvnni::$function($($argument),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            $crate::isa::Level::Avx512 => unsafe { $crate::x86_64::avx512::$function($($argument),*) },
            // SAFETY: as above.
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            $crate::isa::Level::Neon => unsafe { $crate::aarch64::neon::$function($($argument),*) },
        }
    };
}
pub(crate) use dispatch;
