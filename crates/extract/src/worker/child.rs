//! The child's side: takes files, sends documents, until the parent is gone.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::ExitCode;
use std::sync::mpsc;

use super::channel::{self, Inbox, Input, Outbox};
use super::protocol::{READY, Request, encode_reply};
use crate::format::panic_message;
use crate::{Extraction, Limits, Outcome, job, people_bytes};

/// Parsers recurse; what a deep document takes of the stack must not end the process.
const PARSER_STACK_BYTES: usize = 64 << 20;

/// Runs this process as an extraction worker: the body of the hidden command
/// `docent extract-worker`. Standard input is the channel that the [`Pool`](crate::Pool) made.
///
/// Ends when the parent closes the channel or dies, even in the midst of a file.
pub fn worker_main() -> ExitCode {
    // What a parser's panic says goes back as the reason, not to a terminal.
    std::panic::set_hook(Box::new(|_| {}));
    let Some((inbox, mut outbox)) = channel::open() else {
        return ExitCode::from(2);
    };
    if outbox.send(READY).is_err() {
        return ExitCode::from(2);
    }
    let (to_parser, files) = mpsc::sync_channel(1);
    let parser = std::thread::Builder::new()
        .name("parser".into())
        .stack_size(PARSER_STACK_BYTES)
        .spawn(move || parse_all(&files, outbox));
    if parser.is_err() {
        return ExitCode::from(2);
    }
    // This thread only listens, so that it sees at once when the parent is gone: returning
    // ends the process and with it a parser that may never come back.
    match listen(inbox, &to_parser) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(2),
    }
}

fn listen(mut inbox: Inbox, to_parser: &mpsc::SyncSender<(Request, Input)>) -> std::io::Result<()> {
    while let Some((frame, input)) = inbox.next()? {
        let request = Request::decode(&frame).map_err(std::io::Error::other)?;
        if to_parser.send((request, input)).is_err() {
            break;
        }
    }
    Ok(())
}

fn parse_all(files: &mpsc::Receiver<(Request, Input)>, mut outbox: Outbox) {
    while let Ok((request, input)) = files.recv() {
        let extraction = extract(&request, input);
        let Ok(frame) = encode_reply(&extraction) else {
            return;
        };
        if outbox.send(&frame).is_err() {
            return;
        }
    }
}

fn extract(request: &Request, input: Input) -> Extraction {
    let limits = request.limits();
    let attempt = || {
        let bytes = match input {
            Input::Bytes(bytes) => Ok(bytes),
            Input::File(file) => read(file, &limits),
        };
        match bytes {
            Ok(bytes) => job::run(&bytes, &request.name, &limits, request.engines()),
            Err(outcome) => unread(*outcome),
        }
    };
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(attempt)) {
        Ok(extraction) => extraction,
        Err(panic) => unread(Outcome::failed(format!(
            "the extractor broke off: {}",
            panic_message(panic.as_ref())
        ))),
    }
}

fn unread(outcome: Outcome) -> Extraction {
    Extraction {
        outcome,
        hash: None,
        bytes: 0,
        inner: Vec::new(),
    }
}

/// The whole file, within the limit.
fn read(mut file: File, limits: &Limits) -> Result<Vec<u8>, Box<Outcome>> {
    let cannot =
        |error: std::io::Error| Box::new(Outcome::failed(format!("cannot be read: {error}")));
    let metadata = file.metadata().map_err(cannot)?;
    if !metadata.is_file() {
        return Err(Box::new(Outcome::skipped("not a regular file")));
    }
    if let Some(outcome) = limits.refuse(metadata.len()) {
        return Err(Box::new(outcome));
    }
    let mut bytes = Vec::new();
    if bytes
        .try_reserve_exact(metadata.len() as usize + 1)
        .is_err()
    {
        return Err(Box::new(Outcome::failed(format!(
            "too large for the memory of the extraction worker: {}",
            people_bytes(metadata.len())
        ))));
    }
    // The descriptor is shared with the parent, and so is its position.
    file.rewind().map_err(cannot)?;
    file.take(limits.max_file_bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    match limits.refuse(bytes.len() as u64) {
        Some(outcome) => Err(Box::new(outcome)),
        None => Ok(bytes),
    }
}
