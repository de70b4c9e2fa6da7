//! The child's side: takes files, sends documents, until the parent is gone.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::process::ExitCode;
use std::sync::mpsc;

use super::cage;
use super::channel::{self, Inbox, Input, Outbox};
use super::protocol::{Request, Task, Wanted, encode_picture, encode_ready, encode_reply};
use crate::format::panic_message;
use crate::picture::{self, Picture};
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
    // From here on this process only computes.
    let ready = encode_ready(&cage::close());
    if !ready.is_ok_and(|frame| outbox.send(&frame).is_ok()) {
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
        let served = match &request.task {
            Task::Extract => encode_reply(&extract(&request, input))
                .is_ok_and(|frame| outbox.send(&frame).is_ok()),
            Task::Pictures(wanted) => draw(&request, wanted, input, &mut outbox),
        };
        if !served {
            // The parent is told by the end of the process, at once.
            std::process::exit(2);
        }
    }
}

fn extract(request: &Request, input: Input) -> Extraction {
    #[cfg(all(test, target_os = "linux"))]
    if let Some(outcome) = super::escape::attempt(&request.name) {
        return unread(outcome);
    }
    let limits = request.limits();
    let attempt = || match bytes_of(input, &limits) {
        Ok(bytes) => job::run(&bytes, &request.name, &limits, request.engines()),
        Err(outcome) => unread(*outcome),
    };
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(attempt)) {
        Ok(extraction) => extraction,
        Err(panic) => unread(Outcome::failed(format!(
            "the extractor broke off: {}",
            panic_message(panic.as_ref())
        ))),
    }
}

/// Sends a frame for each page that is wanted; whether all could be sent.
fn draw(request: &Request, wanted: &[Wanted], input: Input, outbox: &mut Outbox) -> bool {
    let mut left: usize = wanted.iter().map(|wanted| wanted.pages.len()).sum();
    let mut give = |picture: Result<Picture, String>| {
        left = left.saturating_sub(1);
        encode_picture(&picture).is_ok_and(|frame| outbox.send(&frame).is_ok())
    };
    let attempt = || draw_all(request, wanted, input, &mut give);
    let reason = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(attempt)) {
        Ok(Ok(())) => "no picture was made of it".to_owned(),
        Ok(Err(reason)) => reason,
        Err(panic) => panic_message(panic.as_ref()).to_owned(),
    };
    while left > 0 {
        left -= 1;
        let frame = encode_picture(&Err(reason.clone()));
        if !frame.is_ok_and(|frame| outbox.send(&frame).is_ok()) {
            return false;
        }
    }
    true
}

fn draw_all(
    request: &Request,
    wanted: &[Wanted],
    input: Input,
    give: &mut dyn FnMut(Result<Picture, String>) -> bool,
) -> Result<(), String> {
    let limits = request.limits();
    let bytes = bytes_of(input, &limits).map_err(|_| "the file can no longer be read")?;
    let inside: Vec<&str> = wanted
        .iter()
        .map(|wanted| wanted.path.as_str())
        .filter(|path| !path.is_empty())
        .collect();
    let found = match inside.is_empty() {
        true => HashMap::new(),
        false => job::find(&bytes, &request.name, &limits, request.engines(), &inside),
    };
    for Wanted { path, pages } in wanted {
        let (name, bytes) = match path.is_empty() {
            true => (request.name.as_str(), bytes.as_slice()),
            // What is not found again is no picture.
            false => (
                path.as_str(),
                found.get(path).map_or(&[][..], Vec::as_slice),
            ),
        };
        picture::of_pages(bytes, name, pages, &limits, give);
    }
    Ok(())
}

fn bytes_of(input: Input, limits: &Limits) -> Result<Vec<u8>, Box<Outcome>> {
    match input {
        Input::Bytes(bytes) => Ok(bytes),
        Input::File(file) => read(file, limits),
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
