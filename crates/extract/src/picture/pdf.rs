//! Pages of a PDF, drawn as a reader sees them.

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::object::Stream;
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{LoadPdfError, Pdf};
use hayro::vello_cpu::Pixmap;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};

use super::{MAX_PIXELS, Picture, guarded};

/// What OCR reads best; a scan of at least [`LEAST_DPI`] is drawn in its own resolution instead,
/// so that it is not blurred.
const USUAL_DPI: f32 = 300.0;

/// Scans are drawn with at least so many dots an inch, and with no more than [`MOST_DPI`].
const LEAST_DPI: f32 = 200.0;
const MOST_DPI: f32 = 400.0;

/// The rasteriser counts pixels in 16 bits.
const MAX_SIDE: f32 = 65_000.0;

const POINTS_PER_INCH: f32 = 72.0;

/// Draws pages one by one.
pub(super) fn of_pages(
    bytes: &[u8],
    pages: &[u32],
    passwords: &[String],
    give: &mut dyn FnMut(Result<Picture, String>) -> bool,
) {
    let pdf = match open(bytes, passwords) {
        Ok(pdf) => pdf,
        Err(reason) => {
            let _ = pages.iter().all(|_| give(Err(reason.clone())));
            return;
        }
    };
    for number in pages {
        // What is kept between pages of a scan is of no use for the next and may be large.
        let cache = RenderCache::new();
        let picture = guarded(|| {
            let index = number.saturating_sub(1) as usize;
            let page = pdf.pages().get(index).ok_or("no such page")?;
            draw(page, &cache)
        });
        if !give(picture) {
            return;
        }
    }
}

/// Opens a PDF with the empty password or one of `passwords`.
fn open(bytes: &[u8], passwords: &[String]) -> Result<Pdf, String> {
    let data = std::sync::Arc::new(bytes.to_vec());
    let mut reason = "not a PDF that can be drawn";
    let empty = String::new();
    for password in std::iter::once(&empty).chain(passwords) {
        match Pdf::new_with_password(data.clone(), password) {
            Ok(pdf) => return Ok(pdf),
            Err(LoadPdfError::Decryption(_)) => reason = "encrypted: needs a password",
            Err(LoadPdfError::Invalid) => break,
        }
    }
    Err(reason.to_owned())
}

fn draw<'a>(page: &'a Page<'a>, cache: &RenderCache<'a>) -> Result<Picture, String> {
    let (width, height) = page.render_dimensions();
    let scale = scale(
        width,
        height,
        scan_dpi(page, width, height).unwrap_or(USUAL_DPI),
    )
    .ok_or("a page without a size that can be drawn")?;
    let settings = PixmapSettings {
        x_scale: scale,
        y_scale: scale,
        bg_color: WHITE,
    };
    let pixmap = render(
        page,
        cache,
        &InterpreterSettings::default(),
        &RenderSettings::default(),
        &settings,
    );
    Ok(grey(&pixmap, scale))
}

/// Pixels to a point, so that the picture stays within bounds.
fn scale(width: f32, height: f32, dpi: f32) -> Option<f32> {
    let area = f64::from(width) * f64::from(height);
    if !(width >= 1.0 && height >= 1.0 && area.is_finite()) {
        return None;
    }
    let by_area = (MAX_PIXELS as f64 / area).sqrt() as f32;
    let by_side = MAX_SIDE / width.max(height);
    let scale = (dpi / POINTS_PER_INCH).min(by_area).min(by_side);
    (width * scale >= 1.0 && height * scale >= 1.0).then_some(scale)
}

/// The resolution of the page's largest picture, where it is as large as the page or larger: that
/// of a scan.
fn scan_dpi(page: &Page<'_>, width: f32, height: f32) -> Option<f32> {
    let pictures = &page.resources().x_objects;
    let size = |name| -> Option<(u32, u32)> {
        let stream: Stream<'_> = pictures.get(name)?;
        Some((stream.dict().get("Width")?, stream.dict().get("Height")?))
    };
    let (columns, rows) = pictures
        .keys()
        .filter_map(size)
        .max_by_key(|(columns, rows)| u64::from(*columns) * u64::from(*rows))?;
    // A page that is turned has its picture lie on its side.
    let (longer, shorter) = (columns.max(rows) as f32, columns.min(rows) as f32);
    let dpi = (longer / width.max(height)).min(shorter / width.min(height)) * POINTS_PER_INCH;
    (dpi >= LEAST_DPI).then_some(dpi.min(MOST_DPI))
}

/// The grey values of an opaque picture, by the weights of ITU-R BT.601 in 256ths.
fn grey(pixmap: &Pixmap, scale: f32) -> Picture {
    let value = |pixel: &[u8; 4]| {
        let [red, green, blue, _] = pixel.map(u32::from);
        ((77 * red + 150 * green + 29 * blue) >> 8) as u8
    };
    let (pixels, _) = pixmap.data_as_u8_slice().as_chunks::<4>();
    Picture {
        width: u32::from(pixmap.width()),
        height: u32::from(pixmap.height()),
        scale,
        pixels: pixels.iter().map(value).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_stay_within_bounds() {
        let dpi = |width, height| scale(width, height, USUAL_DPI).map(|scale| scale * 72.0);
        assert!((dpi(595.0, 842.0).unwrap() - USUAL_DPI).abs() < 0.01);
        assert!(dpi(14_400.0, 14_400.0).unwrap() < 35.0);
        let narrow = scale(1e6, 1.0, USUAL_DPI);
        assert!(
            narrow.is_none_or(|scale| scale * 1e6 <= MAX_SIDE),
            "{narrow:?}"
        );
        for nonsense in [0.0, -3.0, f32::NAN, f32::INFINITY] {
            assert_eq!(scale(nonsense, 100.0, USUAL_DPI), None);
        }
    }
}
