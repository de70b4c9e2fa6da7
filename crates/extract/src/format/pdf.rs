//! PDF, page by page.
//!
//! The first engine is our own, over `hayro-syntax` (the file) and `hayro-font` (the fonts):
//! [`content`] runs a page's operators and collects words, rules and pictures; [`columns`],
//! [`tables`] and [`lines`] put the words in the order in which they are read; [`flow`] makes
//! blocks of the lines of all pages. A page that comes out badly ([`quality`]) is read again by
//! the [`second`] engine, and what neither can read is marked for OCR.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use docent_core::document::{Badge, Document, Format, Page};
use docent_core::source::Gap;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use self::face::Faces;
use self::flow::PageText;
use self::quality::Verdict;
use self::second::Second;
use self::streams::Unread;
use super::panic_message;
use crate::compose::Composer;
use crate::job::{Job, Reading, Refusal};
use crate::ocr::marker;

mod attachments;
mod columns;
mod content;
mod face;
mod fields;
mod flow;
mod furniture;
mod geometry;
mod hyphens;
mod info;
mod layout;
mod lines;
mod paint;
mod quality;
mod second;
mod streams;
mod tables;
mod words;

/// Which engines may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engines {
    /// The first, and the second for what it does badly.
    Both,
    /// The second alone: the first took its process down.
    SecondOnly,
}

/// Reads a PDF and the files inside it.
///
/// # Errors
/// Why nothing of it can be read, for a person.
pub(crate) fn read(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    if job.engines == Engines::SecondOnly {
        return by_second_alone(bytes, job, "its parser broke off");
    }
    let opened = catch_unwind(AssertUnwindSafe(|| open(bytes, job)));
    match opened {
        Ok(Ok((pdf, password))) => {
            let second = Second::new(bytes, password);
            let reading = read_pdf(&pdf, &second, job);
            match reading {
                Some(reading) => Ok(reading?),
                None => by_second_alone(bytes, job, "no page was found"),
            }
        }
        Ok(Err(Unopened::Encrypted)) => Err(Gap::new("encrypted: needs a password")
            .help("give it by `--password` or open the file and save it without one")
            .into()),
        Ok(Err(Unopened::Broken)) => by_second_alone(bytes, job, "its structure is broken"),
        Err(panic) => by_second_alone(bytes, job, panic_message(panic.as_ref())),
    }
}

/// Why the first engine does not open a file.
enum Unopened {
    Encrypted,
    Broken,
}

/// Opens a file with the first password that fits: none, then those of the job.
fn open<'p>(bytes: &[u8], job: &Job<'p>) -> Result<(Pdf, &'p str), Unopened> {
    let data = Arc::new(bytes.to_vec());
    let given = job.limits.passwords.iter().map(String::as_str);
    for password in std::iter::once("").chain(given) {
        match Pdf::new_with_password(data.clone(), password) {
            Ok(pdf) => return Ok((pdf, password)),
            Err(LoadPdfError::Decryption(DecryptionError::PasswordProtected)) => {}
            Err(_) => return Err(Unopened::Broken),
        }
    }
    Err(Unopened::Encrypted)
}

/// What was read, and what was not.
#[derive(Default)]
struct Pages {
    read: Vec<PageText>,
    /// How many the file has.
    total: usize,
    /// Pages that failed, counted from 1, with the reason.
    failed: Vec<(usize, String)>,
    /// Pages of which only a part was read, counted from 1.
    cut: Vec<usize>,
    /// Why the last ones were not read.
    stopped: Option<Gap>,
}

/// Reads an opened file; `None` if it has no pages.
fn read_pdf(pdf: &Pdf, second: &Second<'_>, job: &Job<'_>) -> Option<Result<Reading, Gap>> {
    let total = pdf.pages().len();
    if total == 0 {
        return None;
    }
    let mut pages = Pages {
        total,
        ..Pages::default()
    };
    let off = info::layers_off(pdf);
    let mut faces = Faces::new();
    for (index, page) in pdf.pages().iter().enumerate() {
        if pages.stop(index, job) {
            break;
        }
        let surface = catch_unwind(AssertUnwindSafe(|| {
            let surface = content::read(page, &mut faces, &off, job)?;
            let lines = lines::read(&surface);
            Ok((surface, lines))
        }));
        let panicked = |panic: Box<dyn Any + Send>| {
            Err(Unread::Broken(panic_message(panic.as_ref()).to_owned()))
        };
        let (surface, lines) = match surface.unwrap_or_else(panicked) {
            Ok(read) => read,
            Err(unread) => {
                let (Unread::Bound(reason) | Unread::Broken(reason)) = &unread;
                if matches!(unread, Unread::Bound(_)) {
                    second.withhold();
                }
                pages.repair(index, reason, second);
                continue;
            }
        };
        if faces.oversized {
            second.withhold();
        }
        if surface.cut {
            pages.cut.push(index + 1);
        }
        let verdict = quality::judge(&surface, &lines);
        let mut text = PageText {
            lines,
            height: surface.size.1,
            ..PageText::default()
        };
        match verdict {
            Verdict::Good => {}
            Verdict::Picture => text.page = marker::page(),
            Verdict::Weak => text.improve(index, second),
        }
        text.remarks = catch_unwind(AssertUnwindSafe(|| fields::remarks(page))).unwrap_or_default();
        pages.read.push(text);
    }
    let bookmarks = catch_unwind(AssertUnwindSafe(|| info::bookmarks(pdf))).unwrap_or_default();
    let mut composer = Composer::new(Format::Pdf);
    for (name, value) in info::properties(pdf) {
        composer.property(name, &value);
    }
    composer.document().title = info::title(pdf);
    let inner = catch_unwind(AssertUnwindSafe(|| attachments::read(pdf, job))).unwrap_or_default();
    Some(
        pages
            .into_document(composer, &bookmarks)
            .map(|document| Reading { document, inner }),
    )
}

/// Reads a file that the first engine cannot open.
fn by_second_alone(bytes: &[u8], job: &Job<'_>, reason: &str) -> Result<Reading, Refusal> {
    let passwords = job.limits.passwords.iter().map(String::as_str);
    let mut opened = std::iter::once("").chain(passwords).filter_map(|password| {
        let second = Second::new(bytes, password);
        second.pages().map(|pages| (second, pages))
    });
    let Some((second, total)) = opened.next() else {
        return Err(format!("not a readable PDF: {}", shortened(reason)).into());
    };
    let mut pages = Pages {
        total,
        ..Pages::default()
    };
    for index in 0..total {
        if pages.stop(index, job) {
            break;
        }
        pages.repair(index, "neither engine can read it", &second);
    }
    let composer = Composer::new(Format::Pdf);
    Ok(pages.into_document(composer, &HashMap::new())?.into())
}

/// Some errors of parsers quote what they could not read, byte by byte.
fn shortened(reason: &str) -> String {
    const MAX_CHARS: usize = 160;
    match reason.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason.to_owned(),
    }
}

impl PageText {
    /// What the second engine makes of a page.
    fn repaired(text: String) -> PageText {
        PageText {
            plain: Some(text),
            page: Page {
                badge: Badge::Repaired,
                gap: None,
            },
            ..PageText::default()
        }
    }

    /// Reads a weak page by the second engine; what that cannot read either needs OCR.
    fn improve(&mut self, index: usize, second: &Second<'_>) {
        let own: Vec<&str> = self.lines.iter().map(|line| line.text.as_str()).collect();
        let letters =
            |text: &[&str]| -> usize { text.iter().map(|text| quality::letters(text)).sum() };
        let other = second
            .text(index)
            .filter(|other| letters(&[other]) > letters(&own) && !quality::is_weak(other.lines()));
        if let Some(other) = other {
            let height = self.height;
            *self = PageText::repaired(other);
            self.height = height;
        } else {
            if quality::is_rubbish(own.iter().copied()) {
                self.lines.clear();
            }
            self.page = marker::page();
        }
    }
}

impl Pages {
    /// Whether a bound ends the reading before this page.
    fn stop(&mut self, index: usize, job: &Job<'_>) -> bool {
        let rest = |why: String| {
            let left = self.total - index;
            format!("the last {left} of {} pages {why}", self.total)
        };
        if index >= job.limits.max_pages {
            let why = rest(format!("are over the limit of {}", job.limits.max_pages));
            self.stopped = Some(Gap::new(why).help("raise the setting max_pages"));
        } else if job.is_late() {
            let why = rest("were not reached in time".to_owned());
            self.stopped = Some(Gap::new(why));
        }
        self.stopped.is_some()
    }

    /// Reads a page by the second engine, because the first could not.
    fn repair(&mut self, index: usize, reason: &str, second: &Second<'_>) {
        let page = match second.text(index) {
            Some(text) if !quality::is_weak(text.lines()) => PageText::repaired(text),
            _ => {
                let gap = Gap::new(format!("could not be read: {}", shortened(reason)));
                self.failed.push((index + 1, shortened(reason)));
                PageText {
                    page: Page {
                        badge: Badge::Unreadable,
                        gap: Some(gap),
                    },
                    ..PageText::default()
                }
            }
        };
        self.read.push(page);
    }

    fn into_document(
        self,
        mut composer: Composer,
        bookmarks: &HashMap<String, u8>,
    ) -> Result<Document, Gap> {
        if self.total == 0 {
            return Err("a PDF without pages".into());
        }
        flow::compose(&self.read, bookmarks, &mut composer);
        let mut document = composer.finish();
        document.pages = self.read.iter().map(|page| page.page.clone()).collect();
        let for_ocr = document.pages.iter().any(marker::needs_ocr);
        if document.text.is_empty() && !for_ocr {
            if let Some((_, reason)) = self.failed.first() {
                return Err(format!("none of {} pages could be read: {reason}", self.total).into());
            }
            if let Some(gap) = self.incomplete() {
                return Err(gap);
            }
        }
        let replaced = document.text.matches('\u{fffd}').count();
        if replaced > 0 {
            let warning = format!("{replaced} characters could not be decoded");
            document.warnings.push(warning);
        }
        document.warnings.extend(self.warnings());
        document.incomplete = self.incomplete();
        Ok(document)
    }

    fn warnings(&self) -> Vec<String> {
        let failed = self.failed.iter();
        let mut warnings: Vec<String> = failed
            .map(|(page, reason)| format!("page {page} could not be read: {reason}"))
            .collect();
        let pages = self.read.iter().enumerate();
        let repaired: Vec<usize> = pages
            .filter(|(_, page)| page.page.badge == Badge::Repaired)
            .map(|(index, _)| index + 1)
            .collect();
        if !repaired.is_empty() {
            warnings.push(format!(
                "read by the second engine: {}",
                page_list(&repaired)
            ));
        }
        warnings
    }

    /// What is missing, but for pages that need OCR.
    fn incomplete(&self) -> Option<Gap> {
        let mut missing = Vec::new();
        let failed: Vec<usize> = self.failed.iter().map(|(page, _)| *page).collect();
        for (pages, what) in [
            (&failed, "could not be read"),
            (&self.cut, "were read in part"),
        ] {
            if !pages.is_empty() {
                let (count, total) = (pages.len(), self.total);
                missing.push(format!(
                    "{count} of {total} pages {what}: {}",
                    page_list(pages)
                ));
            }
        }
        let help = self.stopped.as_ref().and_then(|gap| gap.help.clone());
        missing.extend(self.stopped.as_ref().map(|gap| gap.reason.clone()));
        (!missing.is_empty()).then(|| Gap {
            reason: missing.join("; "),
            help,
        })
    }
}

/// `page 3`, `pages 3, 5–9`.
pub(crate) fn page_list(pages: &[usize]) -> String {
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
