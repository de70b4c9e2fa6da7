//! The threads that models compute on, and keeping a panic inside one request.

use std::any::Any;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// The number of threads to compute on: `asked`, or all processors if that is 0.
pub(crate) fn resolve(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, NonZero::get),
        asked => asked,
    }
}

/// Makes the one pool on which candle multiplies floats for all generators of this process:
/// rayon's global one, whose size is settled by whoever uses it first; later sizes have no effect.
pub(crate) fn share_pool(threads: usize) {
    static POOL: Once = Once::new();
    POOL.call_once(|| {
        // An error says that the pool exists already, made by somebody else: that one will do.
        let _ = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("docent-compute-{index}"))
            .build_global();
    });
}

/// Runs `work`; a panic in it comes back as its message. Model files come from anywhere, and a
/// shape that no check foresaw must cost one request, not the process.
pub(crate) fn contain<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // What a panic may leave half-changed is the decoder's cache, which every request clears.
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
