//! The content streams of pages and forms, unpacked within bounds.

use std::io::ErrorKind;

use flate2::read::ZlibDecoder;
use hayro_syntax::Filter;
use hayro_syntax::object::{Object, Stream};
use hayro_syntax::page::Page;

use crate::job::Job;

/// As many bytes of operators may a page have, unpacked.
const MAX_CONTENT: u64 = 128 << 20;

/// Why a page's content is not read.
#[derive(Debug)]
pub(super) enum Unread {
    /// It goes beyond a bound.
    Bound(String),
    /// It is damaged.
    Broken(String),
}

/// The content streams of a page as one.
pub(super) fn page_content(page: &Page<'_>, job: &Job<'_>) -> Result<Vec<u8>, Unread> {
    match page.raw().get::<Object<'_>>("Contents") {
        Some(Object::Stream(stream)) => unpack(&stream, job),
        Some(Object::Array(streams)) => {
            let mut content = Vec::new();
            for stream in streams.iter::<Stream<'_>>() {
                content.extend(unpack(&stream, job)?);
                content.push(b'\n');
                if content.len() as u64 > MAX_CONTENT {
                    let reason = "its content is larger than that of any page";
                    return Err(Unread::Bound(reason.to_owned()));
                }
            }
            Ok(content)
        }
        _ => Ok(Vec::new()),
    }
}

/// Unpacks a content stream, within the job's bounds as far as it is packed as nearly all are.
pub(super) fn unpack(stream: &Stream<'_>, job: &Job<'_>) -> Result<Vec<u8>, Unread> {
    let is_plain = !stream.dict().contains_key("DecodeParms");
    if is_plain && matches!(stream.filters().as_slice(), [Filter::FlateDecode]) {
        let raw = stream.raw_data();
        let unpacked =
            job.unpack_passing(ZlibDecoder::new(&raw[..]), raw.len() as u64, MAX_CONTENT);
        match unpacked {
            Ok(content) => return Ok(content),
            Err(error) if error.kind() == ErrorKind::Other => {
                return Err(Unread::Bound(format!("its content {error}")));
            }
            // Damaged: the library makes what can be made of it.
            Err(_) => {}
        }
    }
    let content = stream.decoded_data();
    let broken = |_| Unread::Broken("its content could not be unpacked".to_owned());
    let content = content.map_err(broken)?;
    Ok(content.into_owned())
}
