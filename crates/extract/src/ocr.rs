//! Text that is recognised in pictures of pages, by the Tesseract program where it is installed.
//!
//! A reader marks the pages that nothing but OCR can read (`marker`); the worker makes pictures
//! of them (`picture`), the parent has them recognised (`tesseract`), since a worker may run no
//! program, and the text takes its place in the document (`merge`). What is still unread then is
//! a gap ([`settle`]).

use docent_core::document::{Badge, Document, Page};
use docent_core::source::Gap;

use crate::format::pdf::page_list;
use crate::{Extraction, Outcome};

pub(crate) mod marker;
pub(crate) mod merge;
mod recognised;
pub(crate) mod tesseract;

pub use tesseract::{OcrOptions, TesseractError, TesseractVersion, find_tesseract, tesseract};

/// Says of every document what of it no OCR has read. A document without any text has failed,
/// and a picture in which there was nothing to recognise is left out.
pub(crate) fn settle(extraction: &mut Extraction) {
    settle_one(&mut extraction.outcome);
    for inner in &mut extraction.inner {
        settle_one(&mut inner.outcome);
    }
}

fn settle_one(outcome: &mut Outcome) {
    let Outcome::Read(document) = outcome else {
        return;
    };
    if !document.text.trim().is_empty() {
        if let Some(missing) = missing(document) {
            document.incomplete = Some(join(document.incomplete.take(), missing));
        }
        return;
    }
    let mut gaps = document.pages.iter().filter_map(|page| page.gap.as_ref());
    let nothing = |gap: &&Gap| gap.reason == merge::NOTHING_TO_READ;
    match gaps.clone().find(|gap| !nothing(gap)).or(gaps.next()) {
        Some(gap) if nothing(&gap) => *outcome = Outcome::Skipped(gap.clone()),
        Some(gap) => *outcome = Outcome::Failed(gap.clone()),
        None => {}
    }
}

/// The pages that need OCR or that it could not read, if there are any.
fn missing(document: &Document) -> Option<Gap> {
    let blank = |page: &Page| {
        let reason = page.gap.as_ref().map(|gap| gap.reason.as_str());
        reason == Some(merge::NOTHING_TO_READ)
    };
    let is_missing =
        |page: &Page| page.badge == Badge::Unreadable && merge::is_of_ocr(page) && !blank(page);
    let numbered = document.pages.iter().zip(1..);
    let unread: Vec<(&Page, usize)> = numbered.filter(|(page, _)| is_missing(page)).collect();
    let (first, _) = unread.first()?;
    let numbers: Vec<usize> = unread.iter().map(|(_, number)| *number).collect();
    let verb = if numbers.len() == 1 { "needs" } else { "need" };
    let reason = format!(
        "{} of {} pages {verb} OCR: {}",
        numbers.len(),
        document.pages.len(),
        page_list(&numbers)
    );
    Some(Gap {
        reason,
        help: first.gap.as_ref().and_then(|gap| gap.help.clone()),
    })
}

/// Both gaps as one.
fn join(first: Option<Gap>, second: Gap) -> Gap {
    match first {
        None => second,
        Some(first) => Gap {
            reason: format!("{}; {}", first.reason, second.reason),
            help: first.help.or(second.help),
        },
    }
}

#[cfg(test)]
mod tests;
