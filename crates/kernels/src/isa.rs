//! The instruction sets that there are kernels for, and which of them this processor has.

use std::fmt;

/// An instruction set that this processor is known to have. Only this module makes one, so
/// holding it is the proof that code compiled for it may run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Isa(Level);

/// What an [`Isa`] stands for, slowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    Neon,
}

/// A name that stands for no instruction set of this processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownIsa {
    /// The name that was asked for.
    pub name: String,
    /// The names that this processor would take, slowest first.
    pub available: Vec<&'static str>,
}

impl fmt::Display for UnknownIsa {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "this processor has no instruction set called \"{}\"; use one of: {}",
            self.name,
            self.available.join(", ")
        )
    }
}

impl std::error::Error for UnknownIsa {}

impl Isa {
    /// Plain Rust, which every processor runs.
    pub const SCALAR: Isa = Isa(Level::Scalar);

    /// Every instruction set that this processor has, slowest first.
    pub fn available() -> Vec<Isa> {
        #[cfg_attr(
            not(any(target_arch = "x86_64", target_arch = "aarch64")),
            allow(unused_mut)
        )] // pushed to on these only
        let mut found = vec![Isa::SCALAR];
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            let avx2 = has!("avx2") && has!("fma") && has!("f16c");
            if avx2 {
                found.push(Isa(Level::Avx2));
            }
            if avx2 && has!("avxvnni") {
                found.push(Isa(Level::AvxVnni));
            }
            if avx2
                && has!("avx512f")
                && has!("avx512bw")
                && has!("avx512dq")
                && has!("avx512vl")
                && has!("avx512vnni")
            {
                found.push(Isa(Level::Avx512));
            }
        }
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        if std::arch::is_aarch64_feature_detected!("dotprod") {
            found.push(Isa(Level::Neon));
        }
        found
    }

    /// The fastest instruction set that this processor has.
    pub fn best() -> Isa {
        Isa::available().last().copied().unwrap_or(Isa::SCALAR)
    }

    /// The instruction set called `name`: `scalar`, `avx2`, `avxvnni`, `avx512` or
    /// `neon`.
    ///
    /// # Errors
    /// When there is none of that name, or this processor does not have it.
    pub fn by_name(name: &str) -> Result<Isa, UnknownIsa> {
        let available = Isa::available();
        available
            .iter()
            .copied()
            .find(|isa| isa.name() == name)
            .ok_or_else(|| UnknownIsa {
                name: name.to_owned(),
                available: available.iter().map(|isa| isa.name()).collect(),
            })
    }

    /// The name that [`Isa::by_name`] takes.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::AvxVnni => "avxvnni",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Level::Neon => "neon",
        }
    }

    pub(crate) fn level(self) -> Level {
        self.0
    }
}

impl fmt::Debug for Isa {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_available_isa_is_found_by_its_name() {
        for isa in Isa::available() {
            assert_eq!(Isa::by_name(isa.name()), Ok(isa));
        }
        assert_eq!(Isa::available()[0], Isa::SCALAR);
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_names_that_work() {
        let error = Isa::by_name("mmx").unwrap_err();
        assert!(error.to_string().contains("\"mmx\""), "{error}");
        assert!(error.to_string().contains("scalar"), "{error}");
    }
}
