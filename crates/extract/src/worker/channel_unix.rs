//! Frames and descriptors over a pair of Unix sockets; the child's end is its standard input.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use rustix::process::{Resource, Rlimit};

use super::pool::{Bounds, Lost, WorkerCommand};
use super::protocol::MAX_REQUEST_BYTES;

/// Where the child learns its bound on memory.
const MEMORY_VARIABLE: &str = "DOCENT_WORKER_MEMORY_BYTES";

/// Where the child learns its bound on processor time, which the parent moves on from file to
/// file.
const TIME_VARIABLE: &str = "DOCENT_WORKER_TIME_SECONDS";

/// A worker needs its channel, the file and little else.
const MAX_OPEN_FILES: u64 = 32;

/// What comes with a request.
pub(super) enum Input {
    /// The file, open.
    File(File),
    /// Its bytes, where descriptors cannot be handed over.
    #[expect(dead_code, reason = "made where there are no Unix sockets")]
    Bytes(Vec<u8>),
}

/// The parent's end, with the child that holds the other.
pub(super) struct Link {
    child: Child,
    stream: UnixStream,
    bounds: Bounds,
}

impl Link {
    pub(super) fn spawn(command: &WorkerCommand, bounds: Bounds) -> io::Result<Link> {
        let (stream, theirs) = UnixStream::pair()?;
        let child = Command::new(&command.program)
            .args(&command.arguments)
            .env_clear()
            .env(MEMORY_VARIABLE, bounds.memory_bytes.to_string())
            .env(TIME_VARIABLE, bounds.processor_seconds.to_string())
            .current_dir("/")
            // Ctrl-C is for the parent, which ends its workers in its own time.
            .process_group(0)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Link {
            child,
            stream,
            bounds,
        })
    }

    /// The most memory that the child has had resident so far, in bytes, where the system tells.
    pub(super) fn peak_memory(&self) -> Option<u64> {
        usage::peak_memory(self.child.id())
    }

    /// Sends a request together with the file's descriptor. Each file has its own share of the
    /// processor.
    pub(super) fn send(&mut self, request: &[u8], file: &File) -> Result<(), Lost> {
        usage::allow_more_time(&self.child, self.bounds.processor_seconds);
        let length = u32::try_from(request.len())
            .map_err(|_| Lost::Ended)?
            .to_le_bytes();
        let descriptors = [file.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        let parts = [IoSlice::new(&length), IoSlice::new(request)];
        let sent = loop {
            match rustix::net::sendmsg(&self.stream, &parts, &mut control, send_flags()) {
                Err(rustix::io::Errno::INTR) => {}
                other => break other.map_err(|_| Lost::Ended)?,
            }
        };
        let whole: Vec<u8> = [&length, request].concat();
        send_all(&self.stream, whole.get(sent..).unwrap_or_default()).map_err(|_| Lost::Ended)
    }

    /// The next reply, of at most `max_bytes`.
    pub(super) fn receive(&mut self, deadline: Instant, max_bytes: usize) -> Result<Vec<u8>, Lost> {
        let mut length = [0; 4];
        self.read_exact(&mut length, deadline)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > max_bytes {
            return Err(Lost::TooMuch);
        }
        // Memory is taken as bytes come in, not as they are promised.
        const PIECE: usize = 4 << 20;
        let mut frame = Vec::new();
        while frame.len() < length {
            let from = frame.len();
            frame.resize(length.min(from + PIECE), 0);
            self.read_exact(&mut frame[from..], deadline)?;
        }
        Ok(frame)
    }

    fn read_exact(&mut self, mut into: &mut [u8], deadline: Instant) -> Result<(), Lost> {
        while !into.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Lost::TimedOut);
            }
            self.stream
                .set_read_timeout(Some(left))
                .map_err(|_| Lost::Ended)?;
            match self.stream.read(into) {
                Ok(0) => return Err(Lost::Ended),
                Ok(count) => into = &mut into[count..],
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                        return Err(Lost::TimedOut);
                    }
                    _ => return Err(Lost::Ended),
                },
            }
        }
        Ok(())
    }

    /// Ends the child and says how it ended, if it had done so by itself.
    pub(super) fn end(mut self) -> Option<ExitStatus> {
        // A child that closed its end is about to be gone; one that hangs has to be killed.
        for _ in 0..2_000 {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) => std::thread::sleep(std::time::Duration::from_millis(1)),
                Err(_) => break,
            }
        }
        None
    }
}

impl Link {
    /// Ends the child at once, in the midst of a file if need be; waiting leaves no zombie.
    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A parent that is gone must not raise a signal.
fn send_flags() -> SendFlags {
    #[cfg(target_vendor = "apple")]
    return SendFlags::empty();
    #[cfg(not(target_vendor = "apple"))]
    SendFlags::NOSIGNAL
}

fn send_all(stream: &UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::net::send(stream, bytes, send_flags()) {
            Ok(count) => bytes = &bytes[count..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The child's end for requests.
pub(super) struct Inbox(UnixStream);

/// The child's end for replies.
pub(super) struct Outbox(UnixStream);

/// Opens the child's end and bounds this process; `None` if standard input is no channel.
pub(super) fn open() -> Option<(Inbox, Outbox)> {
    let theirs = io::stdin().as_fd().try_clone_to_owned().ok()?;
    let stream = UnixStream::from(theirs);
    stream.peer_addr().ok()?;
    let number = |variable| std::env::var(variable).ok()?.parse().ok();
    bound_this_process(number(MEMORY_VARIABLE), number(TIME_VARIABLE));
    Some((Inbox(stream.try_clone().ok()?), Outbox(stream)))
}

/// No more memory than allowed, no core dumps, no files written, few open. What the system refuses
/// to bound stays as it is.
fn bound_this_process(memory_bytes: Option<u64>, processor_seconds: Option<u64>) {
    let bound = |resource, current: u64, maximum: Option<u64>| {
        let current = Some(current);
        let _ = rustix::process::setrlimit(resource, Rlimit { current, maximum });
    };
    bound(Resource::Core, 0, Some(0));
    bound(Resource::Fsize, 0, Some(0));
    bound(Resource::Nofile, MAX_OPEN_FILES, Some(MAX_OPEN_FILES));
    if let Some(bytes) = memory_bytes {
        bound(Resource::As, bytes, Some(bytes));
    }
    // The clock of a process runs from its start: without a parent that moves the bound on, it
    // would strike some innocent file.
    if let Some(seconds) = processor_seconds
        && usage::CAN_ALLOW_MORE_TIME
    {
        let maximum = rustix::process::getrlimit(Resource::Cpu).maximum;
        bound(Resource::Cpu, seconds, maximum);
    }
}

/// What Linux tells of a child, and where its bounds can be moved.
#[cfg(target_os = "linux")]
mod usage {
    use std::process::Child;

    use rustix::process::{Pid, Resource, Rlimit, prlimit};

    pub(super) const CAN_ALLOW_MORE_TIME: bool = true;

    /// Processor time is told in hundredths of a second, whatever the kernel counts in.
    const TICKS_PER_SECOND: u64 = 100;

    /// Lets the child run for so many seconds more than it has run so far.
    pub(super) fn allow_more_time(child: &Child, seconds: u64) {
        let Some(used) = processor_seconds(child.id()) else {
            return;
        };
        let bound = Rlimit {
            current: Some(used.saturating_add(1).saturating_add(seconds)),
            maximum: None,
        };
        // A child that is gone shows itself when it is asked.
        let _ = prlimit(Some(Pid::from_child(child)), Resource::Cpu, bound);
    }

    /// The processor time of a process, in whole seconds: `utime` and `stime` of proc(5).
    fn processor_seconds(pid: u32) -> Option<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name of the program stands in parentheses and may hold anything.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut times = fields.split_ascii_whitespace().skip(11).take(2);
        let mut ticks = || times.next()?.parse::<u64>().ok();
        Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
    }

    /// `VmHWM` of proc(5), in bytes.
    pub(super) fn peak_memory(pid: u32) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes << 10)
    }
}

/// Other systems tell nothing of a child in a way that needs no unsafe code.
#[cfg(not(target_os = "linux"))]
mod usage {
    use std::process::Child;

    pub(super) const CAN_ALLOW_MORE_TIME: bool = false;

    pub(super) fn allow_more_time(_: &Child, _: u64) {}

    pub(super) fn peak_memory(_: u32) -> Option<u64> {
        None
    }
}

impl Inbox {
    /// The next request; `None` once the parent is gone.
    pub(super) fn next(&mut self) -> io::Result<Option<(Vec<u8>, Input)>> {
        let mut length = [0; 4];
        let Some(descriptor) = self.header(&mut length)? else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_REQUEST_BYTES {
            return Err(io::Error::other("a request that is too long"));
        }
        let mut frame = vec![0; length];
        self.0.read_exact(&mut frame)?;
        Ok(Some((frame, Input::File(File::from(descriptor)))))
    }

    /// Reads the length of a frame and takes the descriptor that comes with its first byte.
    fn header(&mut self, length: &mut [u8; 4]) -> io::Result<Option<OwnedFd>> {
        let mut descriptor = None;
        let mut filled = 0;
        while filled < length.len() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut parts = [IoSliceMut::new(&mut length[filled..])];
            let received =
                match rustix::net::recvmsg(&self.0, &mut parts, &mut control, receive_flags()) {
                    Err(rustix::io::Errno::INTR) => continue,
                    other => other?,
                };
            if received.bytes == 0 {
                return Ok(None);
            }
            filled += received.bytes;
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(mut descriptors) = message {
                    descriptor = descriptors.next().or(descriptor);
                }
            }
        }
        let missing = || io::Error::other("a request without a file");
        descriptor.ok_or_else(missing).map(Some)
    }
}

fn receive_flags() -> RecvFlags {
    #[cfg(target_vendor = "apple")]
    return RecvFlags::empty();
    #[cfg(not(target_vendor = "apple"))]
    RecvFlags::CMSG_CLOEXEC
}

impl Outbox {
    pub(super) fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        let length = u32::try_from(frame.len())
            .map_err(io::Error::other)?
            .to_le_bytes();
        // Small replies go out in one piece, so that the parent wakes once.
        match frame.len() {
            0..=65_536 => self.0.write_all(&[&length, frame].concat()),
            _ => {
                self.0.write_all(&length)?;
                self.0.write_all(frame)
            }
        }
    }
}
