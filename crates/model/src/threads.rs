//! The threads that models compute on, and keeping a panic inside one request.

use std::any::Any;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// More than any machine that docent is for.
const MOST_THREADS: usize = 512;

/// The number of threads to compute on: `asked`, or one for each core if that is 0. Two threads
/// of one core share the units that multiply, and would wait for each other.
pub(crate) fn resolve(asked: usize) -> usize {
    match asked {
        0 => {
            let allowed = std::thread::available_parallelism().map_or(1, NonZero::get);
            num_cpus::get_physical().clamp(1, allowed)
        }
        asked => asked.min(MOST_THREADS),
    }
}

/// Runs `work`; a panic in it comes back as its message. Model files come from anywhere, and a
/// shape that no check foresaw must cost one request, not the process.
pub(crate) fn contain<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // What a panic may leave half-changed is the decoder's cache, which a failed request clears.
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| describe(&*panic))
}

/// The message that a panic carries.
fn describe(panic: &(dyn Any + Send)) -> String {
    let text = match panic.downcast_ref::<String>() {
        Some(text) => text.as_str(),
        None => panic
            .downcast_ref::<&str>()
            .copied()
            .unwrap_or("no reason given"),
    };
    format!("internal failure: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        let outcome = contain::<u32>(|| panic!("nothing there"));
        assert_eq!(outcome, Err("internal failure: nothing there".into()));
        assert_eq!(contain(|| 3), Ok(3));
    }
}
