//! The formats, a module each, and the one way in: bytes to [`Extraction`].

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use docent_core::document::{Document, Format};

use crate::charset::{Decoded, decode};
use crate::job::{self, Job, Reading, Refusal};
use crate::sniff::{Kind, Sniffed, sniff};
use crate::{Extraction, Inner, Limits, Outcome, ocr, prose};

mod archive;
mod book;
mod calendar;
mod code;
mod compound;
mod contacts;
mod container;
mod content_lines;
mod data;
mod doc;
mod flat_package;
mod flow;
mod html;
mod hwp;
mod image;
mod iwork;
mod mail;
mod markdown;
mod markup;
mod notebook;
mod odf;
mod onenote;
mod ooxml;
mod package;
pub(crate) mod pdf;
mod ppt;
mod rtf;
mod sheet;
mod slides;
mod subtitles;
pub(crate) mod text;
mod word;
mod xls;
mod xml;
mod xps;

/// Extracts a file's bytes in this process. `name` is the file's path or name, of which the
/// extension counts.
///
/// Panics of a parser are caught; nothing else is: for files that nobody vouches for, a
/// [`Pool`](crate::Pool) does the same in a process of its own.
///
/// Pages that need OCR stay unread; a pool reads them.
pub fn extract_bytes(bytes: &[u8], name: &str, limits: &Limits) -> Extraction {
    let mut extraction = job::run(bytes, name, limits, pdf::Engines::Both);
    ocr::settle(&mut extraction);
    extraction
}

/// Reads one file, and the files inside it; panics become reasons.
pub(crate) fn read(bytes: &[u8], job: &Job<'_>) -> (Outcome, Vec<Inner>) {
    let kind = match sniff(job.name, bytes) {
        Sniffed::Read(kind) => kind,
        Sniffed::Skip(reason) => return (Outcome::skipped(reason), Vec::new()),
    };
    match catch_unwind(AssertUnwindSafe(|| read_kind(kind, bytes, job))) {
        Ok(Ok(Reading { document, inner })) => {
            // A document that is all pictures is not empty: OCR may read it yet.
            let unread = document.pages.iter().any(ocr::marker::needs_ocr);
            let empty = document.text.trim().is_empty() && !unread;
            let outcome = match empty {
                true => Outcome::skipped("empty: nothing but white space"),
                false => Outcome::Read(document),
            };
            (outcome, inner)
        }
        Ok(Err(refusal)) => (refusal.into(), Vec::new()),
        Err(panic) => {
            let said = panic_message(panic.as_ref());
            let word = kind.format().word();
            let reason = format!("the {word} reader broke off: {said}");
            (Outcome::failed(reason), Vec::new())
        }
    }
}

fn read_kind(kind: Kind, bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let decoded = || decode(bytes, None);
    Ok(match kind {
        Kind::Pdf => pdf::read(bytes, job)?,
        Kind::Html => {
            html::read_page(decode(bytes, html::declared_charset(bytes).as_deref())).into()
        }
        Kind::Text => text::read(decoded()).into(),
        Kind::Markdown => markdown::read(decoded()).into(),
        Kind::Code => code::read(decoded(), job.name).into(),
        Kind::RestructuredText | Kind::AsciiDoc | Kind::Org | Kind::Latex => {
            markup::read(decoded(), kind).into()
        }
        Kind::Csv => data::read_csv(decoded()).into(),
        Kind::Json | Kind::JsonLines | Kind::Yaml | Kind::Toml => {
            data::read_tree(decoded(), kind).into()
        }
        Kind::Fb2 => book::fb2::read(bytes, job)?,
        Kind::Compound => compound::read(bytes, job)?,
        Kind::Rtf => rtf::read(bytes, job),
        Kind::Xml if flat_package::is_flat_package(bytes) => container::read_flat(bytes, job)?,
        Kind::Xml => {
            let declared = html::declared_charset(bytes);
            data::read_xml(decode(bytes, declared.as_deref()), job).into()
        }
        Kind::Notebook => notebook::read(decoded())?.into(),
        Kind::OneNote => onenote::read(bytes, job)?,
        Kind::Subtitles => subtitles::read(decoded()).into(),
        Kind::Calendar => calendar::read(decoded()).into(),
        Kind::Contacts => contacts::read(decoded()).into(),
        Kind::Zip => container::read_zip(bytes, job)?,
        Kind::Tar => archive::read_tar(bytes, job)?,
        Kind::Compressed => archive::read_compressed(bytes, job)?,
        Kind::SevenZip => archive::read_seven_zip(bytes, job)?,
        Kind::Signed => archive::signed::read(bytes, job)?,
        Kind::Mhtml => mail::read_mhtml(bytes, job)?,
        Kind::Eml => mail::read_eml(bytes, job)?,
        Kind::Mbox => mail::read_mbox(bytes, job)?,
        Kind::Tnef => mail::read_tnef(bytes, job)?,
        Kind::Image => image::read(bytes, job)?,
    })
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
        warnings: decoded.warnings,
        ..Document::of(format, decoded.text)
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
