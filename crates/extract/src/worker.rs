//! The worker process: parsers run in a child, so that a crash, a hang, a bomb or a memory hog
//! costs one file.
//!
//! The parent ([`Pool`]) opens a file and hands over its descriptor; the child ([`worker_main`])
//! reads and parses it and sends the document back. Frames both ways are a length and a
//! postcard message (`protocol`); how they and the descriptor travel is the business of
//! `channel`, which has one file for Unix and one for everything else.

mod child;
mod pool;
mod protocol;

#[cfg(unix)]
#[path = "worker/channel_unix.rs"]
mod channel;
#[cfg(not(unix))]
#[path = "worker/channel_pipes.rs"]
mod channel;

pub use child::worker_main;
pub use pool::{Pool, PoolOptions, WorkerCommand};
