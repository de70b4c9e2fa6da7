//! What a file would have its worker do that had taken it over; for the tests of the cage.

use std::fs::File;
use std::net::{TcpStream, UdpSocket};
use std::process::Command;

use docent_core::source::Gap;

use crate::Outcome;

/// A file of this name is an attempt to break out.
pub(super) const NAME: &str = "escape from the cage";

/// Tries every way out if the file is of that name, and tells which were open.
pub(super) fn attempt(name: &str) -> Option<Outcome> {
    (name == NAME).then(|| {
        let open: Vec<&str> = ways_out()
            .into_iter()
            .filter(|(_, succeeded)| *succeeded)
            .map(|(way, _)| way)
            .collect();
        Outcome::Failed(Gap::new(format!("open: {open:?}")))
    })
}

fn ways_out() -> Vec<(&'static str, bool)> {
    let folder = std::env::temp_dir();
    let file = folder.join("docent-escape");
    let parent = rustix::process::getppid();
    let signalled = parent.is_some_and(|parent| rustix::process::test_kill_process(parent).is_ok());
    vec![
        ("read a file", File::open("/etc/passwd").is_ok()),
        ("read itself", File::open("/proc/self/mem").is_ok()),
        ("list a folder", std::fs::read_dir("/").is_ok()),
        ("write a file", File::create(&file).is_ok()),
        ("make a folder", std::fs::create_dir(&file).is_ok()),
        ("remove a file", std::fs::remove_file(&file).is_ok()),
        (
            "link a file",
            std::os::unix::fs::symlink("/etc/passwd", &file).is_ok(),
        ),
        ("connect", is_let_through(TcpStream::connect("127.0.0.1:9"))),
        ("send datagrams", UdpSocket::bind("127.0.0.1:0").is_ok()),
        (
            "make a local socket",
            std::os::unix::net::UnixStream::pair().is_ok(),
        ),
        ("run a program", Command::new("/bin/true").spawn().is_ok()),
        ("signal its parent", signalled),
        (
            "leave its folder",
            std::env::set_current_dir("/tmp").is_ok(),
        ),
    ]
}

/// A connection that is refused by nobody listening was let through.
fn is_let_through<T>(connection: std::io::Result<T>) -> bool {
    !connection.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
}
