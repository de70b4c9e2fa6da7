//! Which of the processor's instruction sets the models compute with.

use std::sync::OnceLock;

use docent_kernels::Isa;
use docent_kernels::isa::UnknownIsa;

/// The variable of the environment that names an instruction set to be used in place of the best
/// one: to compare results, and to test each.
const VARIABLE: &str = "DOCENT_ISA";

/// The instruction set that all models of this process compute with: the one that `DOCENT_ISA`
/// names, else the best that the processor has. Asked once, so that one run never mixes two
/// arithmetics.
///
/// # Errors
/// When the processor has none of that name. Models then take the best one, so a program asks
/// before it loads any.
pub fn instruction_set() -> Result<Isa, UnknownIsa> {
    static CHOSEN: OnceLock<Result<Isa, UnknownIsa>> = OnceLock::new();
    CHOSEN
        .get_or_init(|| match std::env::var_os(VARIABLE) {
            Some(name) if !name.is_empty() => Isa::by_name(&name.to_string_lossy()),
            _ => Ok(Isa::best()),
        })
        .clone()
}

/// The instruction set to compute with.
pub(crate) fn isa() -> Isa {
    instruction_set().unwrap_or_else(|_| Isa::best())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_run_on_the_instruction_set_that_was_asked_for() {
        let asked = std::env::var(VARIABLE).unwrap_or_default();
        let expected = match asked.as_str() {
            "" => Isa::best().name(),
            name => name,
        };
        assert_eq!(instruction_set().map(Isa::name), Ok(expected));
        assert_eq!(isa().name(), expected);
    }
}
