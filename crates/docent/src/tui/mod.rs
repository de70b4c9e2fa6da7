//! The terminal UI: ask, search, library and activity on one screen.
//!
//! Messages come in from the terminal and from the engine, [`update`](update::update) changes the
//! [`state`] and says what is to be done, [`view`] draws the state. Only [`run`](mod@run) knows
//! threads and the terminal; `update` and `view` never wait for anything, so that keys do not.

mod keys;
mod message;
mod run;
#[cfg(test)]
mod samples;
mod state;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod update;
mod view;

use std::sync::Arc;

use docent_core::model::Generator;
use docent_engine::library::Library;

/// Loads the model that writes; called once, on a thread of its own.
pub(crate) type GeneratorLoader = Box<dyn FnOnce() -> Result<Arc<dyn Generator>, String> + Send>;

/// What the terminal UI works with.
pub(crate) struct TuiSetup {
    /// The library.
    pub(crate) library: Library,
    /// The collection to open; the one that was changed last where none is named.
    pub(crate) collection: Option<String>,
    /// Loads the model that writes.
    pub(crate) generator: GeneratorLoader,
    /// docent's version.
    pub(crate) version: String,
}

/// Runs the terminal UI until a person quits. The terminal is given back as it was, after a
/// panic too.
///
/// # Errors
/// When the terminal cannot be used.
pub(crate) fn run(setup: TuiSetup) -> anyhow::Result<()> {
    run::run(setup)
}
