//! Picture files: PNG, JPEG, TIFF, WebP, GIF, BMP.

use std::io::Cursor;

use image::error::{ImageError, LimitErrorKind};
use image::imageops::FilterType;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageReader, Limits};

use super::{MAX_PIXELS, Picture, tiff};

/// Enough for [`MAX_PIXELS`] with four channels, and a decoder's own needs.
const MAX_DECODER_BYTES: u64 = 320 << 20;

/// The longest side of any picture.
const MAX_SIDE: u32 = 50_000;

/// Pictures of screens have letters that are smaller than what OCR was trained on: those whose
/// longer side is shorter than this are enlarged by [`ENLARGED`].
const SMALL_SIDE: u32 = 1_600;
const ENLARGED: u32 = 2;

/// What the header of a picture says.
pub(crate) struct Header {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pages: usize,
}

/// Reads the header of a picture with at most `max_pages` pages.
///
/// # Errors
/// Why it is no picture that can be read.
pub(crate) fn header(bytes: &[u8], max_pages: usize) -> Result<Header, String> {
    let decoder = reader(bytes)?
        .into_decoder()
        .map_err(|error| said(&error))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!(
            "a picture of {width} × {height} pixels is over the limit of {} megapixels",
            MAX_PIXELS / 1_000_000
        ));
    }
    Ok(Header {
        width,
        height,
        pages: tiff::directories(bytes, max_pages).len().max(1),
    })
}

/// The picture of a page, counted from 1, the right way up.
pub(super) fn picture(bytes: &[u8], page: u32) -> Result<Picture, String> {
    let places = tiff::directories(bytes, page as usize);
    let index = page.saturating_sub(1) as usize;
    let image = match places.get(index) {
        Some(place) => decode(&tiff::beginning_at(bytes, *place))?,
        None if index == 0 => decode(bytes)?,
        None => return Err("no such page".into()),
    };
    let grey = on_white(image);
    let factor = match grey.width().max(grey.height()) < SMALL_SIDE {
        true => ENLARGED,
        false => 1,
    };
    let grey = match factor {
        1 => grey,
        factor => image::imageops::resize(
            &grey,
            grey.width() * factor,
            grey.height() * factor,
            FilterType::CatmullRom,
        ),
    };
    Ok(Picture {
        width: grey.width(),
        height: grey.height(),
        scale: factor as f32,
        pixels: grey.into_raw(),
    })
}

fn reader(bytes: &[u8]) -> Result<ImageReader<Cursor<&[u8]>>, String> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    reader.limits(limits);
    Ok(reader)
}

/// The first picture of a file, turned as its metadata (EXIF) says.
fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    header(bytes, 1)?;
    let mut decoder = reader(bytes)?
        .into_decoder()
        .map_err(|error| said(&error))?;
    let orientation = decoder.orientation().map_err(|error| said(&error))?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| said(&error))?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// Grey values, what shines through shown on white.
fn on_white(image: DynamicImage) -> GrayImage {
    if !image.color().has_alpha() {
        return image.into_luma8();
    }
    let mut shown = image.into_luma_alpha8();
    for pixel in shown.pixels_mut() {
        let [grey, alpha] = pixel.0.map(u32::from);
        pixel.0[0] = ((grey * alpha + 255 * (255 - alpha)) / 255) as u8;
        pixel.0[1] = 255;
    }
    DynamicImage::ImageLumaA8(shown).into_luma8()
}

/// What a decoder's error says to a person.
fn said(error: &ImageError) -> String {
    match error {
        ImageError::Limits(limits) => match limits.kind() {
            LimitErrorKind::DimensionError => {
                format!("a picture with a side over the limit of {MAX_SIDE} pixels")
            }
            _ => "a picture too large for the memory of the extraction worker".to_owned(),
        },
        other => format!("not a readable picture: {other}"),
    }
}
