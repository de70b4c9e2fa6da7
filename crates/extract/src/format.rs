//! The formats, a module each, and the one way in: bytes to [`Extraction`].

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use docent_core::document::{Document, Format};
use docent_core::source::ContentHash;

use crate::charset::{Decoded, decode};
use crate::sniff::{Sniffed, sniff};
use crate::{Extraction, Limits, Outcome, prose};

mod code;
mod html;
mod markdown;
pub(crate) mod pdf;
pub(crate) mod text;

/// Extracts a file's bytes in this process. `name` is the file's path or name, of which the
/// extension counts.
///
/// Panics of a parser are caught; nothing else is: for files that nobody vouches for, a
/// [`Pool`](crate::Pool) does the same in a process of its own.
pub fn extract_bytes(bytes: &[u8], name: &str, limits: &Limits) -> Extraction {
    extract_with(bytes, name, limits, pdf::Engines::Both)
}

pub(crate) fn extract_with(
    bytes: &[u8],
    name: &str,
    limits: &Limits,
    engines: pdf::Engines,
) -> Extraction {
    let size = bytes.len() as u64;
    if let Some(outcome) = limits.refuse(size) {
        return Extraction {
            outcome,
            hash: None,
            bytes: 0,
        };
    }
    Extraction {
        outcome: match sniff(name, bytes) {
            Sniffed::Skip(reason) => Outcome::Skipped { reason },
            Sniffed::Read(format) => read(format, bytes, name, limits, engines),
        },
        hash: Some(ContentHash(*blake3::hash(bytes).as_bytes())),
        bytes: size,
    }
}

fn read(
    format: Format,
    bytes: &[u8],
    name: &str,
    limits: &Limits,
    engines: pdf::Engines,
) -> Outcome {
    let attempt = || match format {
        Format::Pdf => pdf::read(bytes, limits, engines),
        Format::Html => Ok(html::read(decode(
            bytes,
            html::declared_charset(bytes).as_deref(),
        ))),
        Format::Text => Ok(text::read(decode(bytes, None))),
        Format::Markdown => Ok(markdown::read(decode(bytes, None))),
        Format::Code => Ok(code::read(decode(bytes, None), name)),
    };
    match catch_unwind(AssertUnwindSafe(attempt)) {
        Ok(Ok(document)) if document.text.trim().is_empty() => {
            Outcome::skipped("empty: nothing but white space or hidden text")
        }
        Ok(Ok(document)) => Outcome::Read(document),
        Ok(Err(reason)) => Outcome::Failed { reason },
        Err(panic) => Outcome::failed(format!(
            "the {} reader broke off: {}",
            format.word(),
            panic_message(panic.as_ref())
        )),
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

/// A document of decoded text, still without blocks.
fn document(format: Format, decoded: Decoded) -> Document {
    Document {
        format,
        title: None,
        language: None,
        text: decoded.text,
        blocks: Vec::new(),
        warnings: decoded.warnings,
        incomplete: None,
    }
}

/// The document with its language told.
fn with_language(mut document: Document) -> Document {
    document.language = prose::language(&document);
    document
}

/// A title fit to be shown: one line, white space collapsed, of bounded length; `None` if
/// nothing is left.
fn title(raw: &str) -> Option<String> {
    const MAX_CHARS: usize = 300;
    let mut title = String::new();
    for word in raw.split_whitespace() {
        if !title.is_empty() {
            title.push(' ');
        }
        title.push_str(word);
        if title.len() > 4 * MAX_CHARS {
            break;
        }
    }
    if let Some((end, _)) = title.char_indices().nth(MAX_CHARS) {
        title.truncate(end);
    }
    title.retain(|c| !c.is_control());
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests;
