//! Pages as grey pictures, which is what OCR reads.

use crate::Limits;
use crate::format::panic_message;
use crate::sniff::{Kind, Sniffed, sniff};

pub(crate) mod image;
mod pdf;
mod tiff;

/// A larger picture is made smaller or refused: 40 megapixels are a page of A4 at 600 dots an
/// inch.
pub(crate) const MAX_PIXELS: u64 = 40_000_000;

/// A page as a picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture {
    /// Columns.
    pub(crate) width: u32,
    /// Rows.
    pub(crate) height: u32,
    /// So many pixels lie on a point (1/72 inch) of the page. A pixel of a picture file counts as
    /// a point.
    pub(crate) scale: f32,
    /// Grey values row by row from the top, 0 is black.
    pub(crate) pixels: Vec<u8>,
}

/// Makes pictures of pages, counted from 1, of a PDF or of a picture file, and hands each to
/// `give` in the order of `pages`: the picture, or why there is none. `give` says whether to go on.
pub(crate) fn of_pages(
    bytes: &[u8],
    name: &str,
    pages: &[u32],
    limits: &Limits,
    give: &mut dyn FnMut(Result<Picture, String>) -> bool,
) {
    match sniff(name, bytes) {
        Sniffed::Read(Kind::Pdf) => pdf::of_pages(bytes, pages, &limits.passwords, give),
        Sniffed::Read(Kind::Image) => {
            for page in pages {
                let picture = guarded(|| image::picture(bytes, *page));
                if !give(picture) {
                    return;
                }
            }
        }
        _ => {
            for _ in pages {
                if !give(Err("nothing that has pictures of pages".into())) {
                    return;
                }
            }
        }
    }
}

/// Calls what makes a picture; its panics become reasons.
fn guarded(make: impl FnOnce() -> Result<Picture, String>) -> Result<Picture, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(make))
        .unwrap_or_else(|panic| Err(panic_message(panic.as_ref()).to_owned()))
}

#[cfg(test)]
mod tests;
