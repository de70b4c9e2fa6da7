//! PDF, page by page: the first engine reads, the second repairs what the first does badly.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use docent_core::document::{Document, Format};
use docent_core::source::Gap;

use super::panic_message;
use crate::charset::Decoded;
use crate::job::{Job, Refusal as Refused};

mod first;
mod layout;
mod second;

/// Which engines may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engines {
    /// The first, and the second for what it does badly.
    Both,
    /// The second alone: the first took its process down.
    SecondOnly,
}

/// Something that reads the pages of one PDF.
trait Engine {
    /// The number of pages.
    fn pages(&self) -> usize;

    /// The text of a page, counted from 0.
    fn text(&self, page: usize) -> Result<String, String>;

    /// Whether the page may have text at all; in doubt, it may.
    fn may_have_text(&self, _page: usize) -> bool {
        true
    }

    /// The title that the file gives itself.
    fn title(&self) -> Option<String> {
        None
    }
}

/// Why an engine does not open a file.
enum Refusal {
    Encrypted,
    Broken(String),
}

/// Reads a PDF.
///
/// # Errors
/// Why nothing of it can be read, for a person.
pub(crate) fn read(bytes: &[u8], job: &Job<'_>) -> Result<Document, Refused> {
    let (deadline, engines) = (job.deadline(), job.engines);
    let second = Second::new(bytes);
    let first = match engines {
        Engines::Both => guarded(|| first::open(bytes)),
        Engines::SecondOnly => Err(Refusal::Broken("left out".into())),
    };
    let pages = match first {
        Ok(first) => read_pages(first.as_ref(), Some(&second), deadline),
        Err(Refusal::Encrypted) => return Err(ENCRYPTED.into()),
        Err(Refusal::Broken(reason)) => match second.get() {
            Ok(engine) => read_pages(engine, None, deadline),
            Err(Refusal::Encrypted) => return Err(ENCRYPTED.into()),
            Err(Refusal::Broken(other)) => {
                let reason = if engines == Engines::Both {
                    &reason
                } else {
                    other
                };
                return Err(format!("not a readable PDF: {}", shortened(reason)).into());
            }
        },
    };
    Ok(pages.into_document()?)
}

const ENCRYPTED: &str = "encrypted: needs a password";

/// Some errors of parsers quote what they could not read, byte by byte.
fn shortened(reason: &str) -> String {
    const MAX_CHARS: usize = 160;
    match reason.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason.to_owned(),
    }
}

/// Calls into an engine, whose panics become refusals.
fn guarded<T>(call: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        Err(Refusal::Broken(format!(
            "its parser broke off: {}",
            panic_message(panic.as_ref())
        )))
    })
}

/// The text of a page; panics become errors.
fn page_text(engine: &dyn Engine, page: usize) -> Result<String, String> {
    catch_unwind(AssertUnwindSafe(|| engine.text(page)))
        .unwrap_or_else(|panic| Err(panic_message(panic.as_ref()).to_owned()))
        .map_err(|reason| shortened(&reason))
        .map(|text| layout::clean(&text))
}

/// The second engine, opened when it is first needed.
struct Second<'b> {
    bytes: &'b [u8],
    engine: std::cell::OnceCell<Result<Box<dyn Engine>, Refusal>>,
}

impl<'b> Second<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        Second {
            bytes,
            engine: std::cell::OnceCell::new(),
        }
    }

    fn get(&self) -> Result<&dyn Engine, &Refusal> {
        let engine = self
            .engine
            .get_or_init(|| guarded(|| second::open(self.bytes)));
        engine.as_ref().map(AsRef::as_ref)
    }

    /// The page's text, if the second engine gets any.
    fn text(&self, page: usize) -> Option<String> {
        let engine = self.get().ok()?;
        (page < engine.pages())
            .then(|| page_text(engine, page).ok())
            .flatten()
    }
}

/// What was read, page by page.
#[derive(Default)]
struct Pages {
    title: Option<String>,
    texts: Vec<String>,
    /// Pages that the second engine read better, counted from 1.
    repaired: Vec<usize>,
    /// Pages that failed, with the reason.
    failed: Vec<(usize, String)>,
    /// Pages that there was no time for.
    unread: usize,
}

fn read_pages(first: &dyn Engine, second: Option<&Second<'_>>, deadline: Instant) -> Pages {
    let count = first.pages();
    let mut pages = Pages {
        title: catch_unwind(AssertUnwindSafe(|| first.title()))
            .ok()
            .flatten(),
        ..Pages::default()
    };
    for page in 0..count {
        if Instant::now() >= deadline {
            pages.unread = count - page;
            break;
        }
        let read = page_text(first, page);
        let weak = read.as_deref().map_or(true, layout::is_weak);
        let in_reach = weak && (read.is_err() || first.may_have_text(page));
        let repair = second
            .filter(|_| in_reach)
            .and_then(|second| second.text(page));
        match (read, repair) {
            (Ok(text), Some(repair)) if layout::letters(&repair) > layout::letters(&text) => {
                pages.repaired.push(page + 1);
                pages.texts.push(repair);
            }
            (Err(_), Some(repair)) => {
                pages.repaired.push(page + 1);
                pages.texts.push(repair);
            }
            (Ok(text), _) => pages.texts.push(text),
            (Err(reason), None) => {
                pages.failed.push((page + 1, reason));
                pages.texts.push(String::new());
            }
        }
    }
    pages
}

impl Pages {
    fn into_document(self) -> Result<Document, String> {
        let total = self.texts.len() + self.unread;
        let failed = |page: usize| self.failed.iter().any(|(failed, _)| *failed == page);
        let blank: Vec<usize> = (1..=self.texts.len())
            .filter(|page| self.texts[page - 1].is_empty() && !failed(*page))
            .collect();
        if total == 0 {
            return Err("a PDF without pages".into());
        }
        if blank.len() == total {
            return Err(format!(
                "no text on any of {total} pages: a scan needs OCR, which docent does not read yet"
            ));
        }
        if self.texts.iter().all(String::is_empty) {
            let reason = self
                .failed
                .first()
                .map_or("no time", |(_, reason)| reason.as_str());
            return Err(format!("none of {total} pages could be read: {reason}"));
        }
        let mut warnings = self.warnings(&blank);
        let incomplete = self.incomplete(&blank, total);
        let (text, blocks) = layout::join(&self.texts);
        let replaced = text.matches('\u{fffd}').count();
        if replaced > 0 {
            warnings.push(format!("{replaced} characters could not be decoded"));
        }
        let mut document = super::document(Format::Pdf, Decoded { text, warnings });
        document.blocks = blocks;
        document.title = self.title.as_deref().and_then(layout::sensible_title);
        document.incomplete = incomplete.map(Gap::new);
        Ok(super::with_language(document))
    }

    fn warnings(&self, blank: &[usize]) -> Vec<String> {
        let mut warnings: Vec<String> = blank
            .iter()
            .map(|page| format!("page {page} has no text (a scan needs OCR)"))
            .collect();
        let failed = self.failed.iter();
        warnings.extend(
            failed.map(|(page, reason)| format!("page {page} could not be read: {reason}")),
        );
        if !self.repaired.is_empty() {
            warnings.push(format!(
                "read by the second engine: {}",
                page_list(&self.repaired)
            ));
        }
        warnings
    }

    fn incomplete(&self, blank: &[usize], total: usize) -> Option<String> {
        let mut missing = Vec::new();
        if !blank.is_empty() {
            let verb = if blank.len() == 1 { "has" } else { "have" };
            let of = format!("{} of {total} pages {verb} no text", blank.len());
            missing.push(format!("{of}: {} (scans need OCR)", page_list(blank)));
        }
        if !self.failed.is_empty() {
            let pages: Vec<usize> = self.failed.iter().map(|(page, _)| *page).collect();
            missing.push(format!(
                "{} of {total} pages could not be read: {}",
                pages.len(),
                page_list(&pages)
            ));
        }
        if self.unread > 0 {
            missing.push(format!(
                "the last {} of {total} pages were not reached in time",
                self.unread
            ));
        }
        (!missing.is_empty()).then(|| missing.join("; "))
    }
}

/// `page 3`, `pages 3, 5–9`.
fn page_list(pages: &[usize]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for &page in pages {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == page => *last = page,
            _ => ranges.push((page, page)),
        }
    }
    let words: Vec<String> = ranges
        .into_iter()
        .map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}–{last}"),
        })
        .collect();
    let noun = if pages.len() == 1 { "page" } else { "pages" };
    format!("{noun} {}", words.join(", "))
}

#[cfg(test)]
mod tests;
