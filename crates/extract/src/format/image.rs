//! Picture files: pages that only OCR can read.

use docent_core::document::{Document, Format};
use docent_core::source::Gap;

use crate::job::{Job, Reading, Refusal};
use crate::ocr::marker;
use crate::picture::image::header;

/// No line of text fits into a smaller picture: a bullet, a rule, a pixel that counts visits.
const LEAST_SIDE: u32 = 12;

/// Reads what a picture says without its text, which OCR adds.
pub(crate) fn read(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let header = header(bytes, job.limits.max_pages.saturating_add(1))?;
    if header.width.min(header.height) < LEAST_SIDE {
        return Err(Refusal::Skipped("a picture too small for text".into()));
    }
    let pages = header.pages.min(job.limits.max_pages);
    let mut document = Document::of(Format::Image, String::new());
    document.pages = vec![marker::page(); pages];
    if header.pages > pages {
        let reason = format!("more than {pages} pages");
        document.incomplete = Some(Gap::new(reason).help("raise the setting max_pages"));
    }
    Ok(document.into())
}
