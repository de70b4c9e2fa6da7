//! The mark of a page that only OCR can read.

use docent_core::document::{Badge, Page};
use docent_core::source::Gap;

/// Why a page that shows a picture of text has none.
pub(crate) const NEEDS_OCR: &str = "needs OCR: a picture without text";

/// What helps where there is no program for OCR.
pub(crate) const INSTALL_OCR: &str =
    "install Tesseract OCR (Debian: tesseract-ocr), then run `docent index --retry`";

/// A page that shows something, and whose text nothing but OCR could tell.
pub(crate) fn page() -> Page {
    Page {
        badge: Badge::Unreadable,
        gap: Some(Gap::new(NEEDS_OCR).help(INSTALL_OCR)),
    }
}

/// Whether a page is such a one.
pub(crate) fn needs_ocr(page: &Page) -> bool {
    page.badge == Badge::Unreadable && page.gap.as_ref().is_some_and(|gap| gap.reason == NEEDS_OCR)
}
