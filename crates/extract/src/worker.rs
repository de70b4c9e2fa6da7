//! The worker process: parsers run in a child, so that a crash, a hang, a bomb or a memory hog
//! costs one file.
//!
//! The parent ([`Pool`]) opens a file and hands over its descriptor; the child ([`worker_main`])
//! reads and parses it and sends the document back, and pictures of the pages that need OCR, which
//! the parent has recognised. Frames both ways are a length and a postcard message (`protocol`);
//! how they and the descriptor travel is the business of `channel`, which has one file for Unix
//! and one for everything else. Before it takes a file the child closes itself in (`cage`).

mod bench;
mod cage;
mod child;
#[cfg(all(test, target_os = "linux"))]
mod escape;
mod isolation;
mod pool;
mod protocol;

#[cfg(unix)]
#[path = "worker/channel_unix.rs"]
mod channel;
#[cfg(not(unix))]
#[path = "worker/channel_pipes.rs"]
mod channel;

pub use bench::{Bench, FormatBench, bench};
pub(crate) use cage::close_helper;
pub use child::worker_main;
pub use isolation::Isolation;
pub use pool::{Pool, PoolOptions, WorkerCommand};
#[cfg(any(test, fuzzing))]
pub(crate) use protocol::fuzz as fuzz_protocol;
