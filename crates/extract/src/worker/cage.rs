//! The cage of a process that reads what nobody vouches for: no file system, no network, no other
//! processes, as far as the platform gives that without anything to install.
//!
//! - Linux: Landlock closes the file system and TCP, and a filter lets through only the system
//!   calls that parsers need (`filter`). Both are kept as far as the kernel has them.
//! - macOS: bounds on memory, processor time and files. Its sandbox has no interface that is
//!   both public and supported.
//! - Elsewhere: nothing; a worker is still a process of its own.
//!
//! A worker bounds itself before it takes its first file, and then tries what it should no longer
//! be able to do ([`probe`]), so that what is reported is what holds.

use super::isolation::Isolation;

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod filter;
#[cfg(target_os = "linux")]
mod landlocked;

/// Closes this process in for good, and says what holds. To be called before it has threads.
pub(super) fn close() -> Isolation {
    let landlock = landlock_worker();
    let system_call_filter = filter_worker();
    Isolation {
        landlock,
        system_call_filter,
        ..probe()
    }
}

/// Takes from this thread, and from what it starts, what a helper program that only computes does
/// not need: the network, and writing files.
pub(crate) fn close_helper() {
    #[cfg(target_os = "linux")]
    landlocked::reading_only();
    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    filter::helper();
}

#[cfg(target_os = "linux")]
fn landlock_worker() -> Option<u8> {
    landlocked::nothing()
}

#[cfg(not(target_os = "linux"))]
fn landlock_worker() -> Option<u8> {
    None
}

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
fn filter_worker() -> bool {
    filter::worker()
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
fn filter_worker() -> bool {
    false
}

/// Tries what a caged process cannot do.
fn probe() -> Isolation {
    let refused = |error: std::io::Error| error.kind() == std::io::ErrorKind::PermissionDenied;
    // A folder that everyone may read, a port that the system picks, and a program that is none:
    // outside a cage the first two succeed, and the last fails only when it is executed.
    let root = std::path::Path::new("/");
    Isolation {
        no_files: std::fs::read_dir(root).err().is_some_and(refused),
        no_network: std::net::UdpSocket::bind(("127.0.0.1", 0))
            .err()
            .is_some_and(refused),
        no_processes: std::process::Command::new(root)
            .spawn()
            .err()
            .is_some_and(|error| error.raw_os_error() == Some(NOT_PERMITTED)),
        memory_bound: is_bounded(Bounded::Memory),
        time_bound: is_bounded(Bounded::Time),
        ..Isolation::default()
    }
}

/// `EPERM`: what the filter answers, and nothing that executing a folder could.
const NOT_PERMITTED: i32 = 1;

enum Bounded {
    Memory,
    Time,
}

#[cfg(unix)]
fn is_bounded(what: Bounded) -> bool {
    use rustix::process::{Resource, getrlimit};
    let resource = match what {
        Bounded::Memory => Resource::As,
        Bounded::Time => Resource::Cpu,
    };
    getrlimit(resource).current.is_some()
}

#[cfg(not(unix))]
fn is_bounded(_: Bounded) -> bool {
    false
}
