//! Frames over standard input and output, for systems without Unix sockets: the parent reads
//! the file and sends its bytes along.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use super::pool::{Bounds, Lost, WorkerCommand};
use super::protocol::MAX_REQUEST_BYTES;

/// A larger file is never sent, whatever the limit is set to.
const MAX_INPUT_BYTES: u64 = 2 << 30;

/// What comes with a request.
pub(super) enum Input {
    /// The file, open.
    #[expect(dead_code, reason = "made where there are Unix sockets")]
    File(File),
    /// Its bytes.
    Bytes(Vec<u8>),
}

/// The parent's end, with the child that holds the other.
pub(super) struct Link {
    child: Child,
    requests: ChildStdin,
    replies: Receiver<io::Result<Vec<u8>>>,
}

impl Link {
    /// The bounds are left to the system here; a file that takes too long is given up all the
    /// same.
    pub(super) fn spawn(command: &WorkerCommand, _bounds: Bounds) -> io::Result<Link> {
        let mut child = Command::new(&command.program)
            .args(&command.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let gone = || io::Error::other("the worker has no pipes");
        let requests = child.stdin.take().ok_or_else(gone)?;
        let mut output = child.stdout.take().ok_or_else(gone)?;
        // Pipes know no timeouts; a thread of its own waits for what comes.
        let (sender, replies) = sync_channel(1);
        std::thread::Builder::new()
            .name("worker replies".into())
            .spawn(move || {
                loop {
                    let frame = read_frame(&mut output, u32::MAX as usize);
                    let ended = !matches!(frame, Ok(Some(_)));
                    let frame =
                        frame.and_then(|frame| frame.ok_or_else(|| io::Error::other("ended")));
                    if sender.send(frame).is_err() || ended {
                        return;
                    }
                }
            })?;
        Ok(Link {
            child,
            requests,
            replies,
        })
    }

    /// The most memory that the child has had, where the system tells.
    pub(super) fn peak_memory(&self) -> Option<u64> {
        None
    }

    /// Sends a request and the file's bytes.
    pub(super) fn send(&mut self, request: &[u8], file: &File) -> Result<(), Lost> {
        let mut bytes = Vec::new();
        let mut file = file;
        let read = file
            .rewind()
            .and_then(|()| file.take(MAX_INPUT_BYTES).read_to_end(&mut bytes));
        read.map_err(|_| Lost::Ended)?;
        let sent = write_frame(&mut self.requests, request)
            .and_then(|()| write_frame(&mut self.requests, &bytes))
            .and_then(|()| self.requests.flush());
        sent.map_err(|_| Lost::Ended)
    }

    /// The next reply, of at most `max_bytes`.
    pub(super) fn receive(&mut self, deadline: Instant, max_bytes: usize) -> Result<Vec<u8>, Lost> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.replies.recv_timeout(left) {
            Ok(Ok(frame)) if frame.len() > max_bytes => Err(Lost::TooMuch),
            Ok(Ok(frame)) => Ok(frame),
            Err(RecvTimeoutError::Timeout) => Err(Lost::TimedOut),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(Lost::Ended),
        }
    }

    /// Ends the child and says how it ended, if it had done so by itself.
    pub(super) fn end(mut self) -> Option<ExitStatus> {
        for _ in 0..2_000 {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
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

fn write_frame(to: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(frame)
}

/// The next frame; `None` at the end.
fn read_frame(from: &mut impl Read, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > max_bytes {
        return Err(io::Error::other("a frame that is too long"));
    }
    let mut frame = Vec::new();
    from.take(length as u64).read_to_end(&mut frame)?;
    match frame.len() == length {
        true => Ok(Some(frame)),
        false => Ok(None),
    }
}

/// The child's end for requests.
pub(super) struct Inbox(io::Stdin);

/// The child's end for replies.
pub(super) struct Outbox(io::Stdout);

/// Opens the child's end.
pub(super) fn open() -> Option<(Inbox, Outbox)> {
    Some((Inbox(io::stdin()), Outbox(io::stdout())))
}

impl Inbox {
    /// The next request; `None` once the parent is gone.
    pub(super) fn next(&mut self) -> io::Result<Option<(Vec<u8>, Input)>> {
        let mut from = self.0.lock();
        let Some(request) = read_frame(&mut from, MAX_REQUEST_BYTES)? else {
            return Ok(None);
        };
        let bytes = read_frame(&mut from, u32::MAX as usize)?;
        Ok(bytes.map(|bytes| (request, Input::Bytes(bytes))))
    }
}

impl Outbox {
    pub(super) fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        let mut to = self.0.lock();
        write_frame(&mut to, frame)?;
        to.flush()
    }
}
