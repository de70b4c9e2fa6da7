//! Ctrl-C: the first asks the command to stop cleanly, the second ends the program.

use std::sync::atomic::{AtomicBool, Ordering};

/// Set by the first Ctrl-C (or a polite signal to end).
static ASKED: AtomicBool = AtomicBool::new(false);

/// The exit status of a program that was ended by Ctrl-C, as shells know it.
const KILLED: i32 = 130;

/// Begins to listen. Without a handler Ctrl-C ends the program at once, which loses no more
/// than the batch in flight: so a failure to listen is only logged.
pub(crate) fn listen() {
    let listening = ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::SeqCst) {
            std::process::exit(KILLED);
        }
    });
    if let Err(error) = listening {
        tracing::warn!("Ctrl-C will not stop cleanly: {error}");
    }
}

/// Whether a person asked to stop.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}
