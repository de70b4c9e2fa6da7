//! Pictures made on the spot: of a page, of files, turned, transparent, broken.

use ::image::{DynamicImage, GrayAlphaImage, GrayImage, ImageFormat, Luma, LumaA};

use super::*;

/// All pictures of some pages.
fn pictures(bytes: &[u8], pages: &[u32]) -> Vec<Result<Picture, String>> {
    let mut found = Vec::new();
    of_pages(bytes, "a", pages, &Limits::default(), &mut |picture| {
        found.push(picture);
        true
    });
    found
}

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// White with a black corner at the top left.
fn corner(width: u32, height: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        Luma([if x < width / 2 && y < height / 2 {
            0
        } else {
            255
        }])
    })
}

/// How dark a quarter of a picture is, from 0 to 1.
fn ink(picture: &Picture, right: bool, lower: bool) -> f32 {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let mut sum = 0.0;
    for y in 0..height / 2 {
        for x in 0..width / 2 {
            let x = if right { width - 1 - x } else { x };
            let y = if lower { height - 1 - y } else { y };
            sum += 1.0 - f32::from(picture.pixels[y * width + x]) / 255.0;
        }
    }
    sum / (width / 2 * (height / 2)) as f32
}

/// A PDF of one page of 144 by 72 points, turned as given, with a black square at the upper left
/// and a line of text at the lower left (before it is turned).
fn page(rotate: u32) -> Vec<u8> {
    let content = "0 36 72 36 re f BT /F1 20 Tf 4 8 Td (lease) Tj ET";
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [4 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 144 72] /Rotate {rotate} \
             /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        ),
        format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ),
    ];
    let mut file = "%PDF-1.4\n".to_owned();
    let mut table = String::new();
    for (object, number) in objects.iter().zip(1..) {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.push_str(&format!("{number} 0 obj\n{object}\nendobj\n"));
    }
    let start = file.len();
    file.push_str(&format!("xref\n0 6\n0000000000 65535 f \n{table}"));
    file.push_str(&format!(
        "trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    ));
    file.into_bytes()
}

#[test]
fn a_page_is_drawn_as_a_reader_sees_it() {
    let found = pictures(&page(0), &[1, 2]);
    let drawn = found[0].as_ref().unwrap();
    assert_eq!((drawn.width, drawn.height), (600, 300));
    assert!((drawn.scale - 300.0 / 72.0).abs() < 1e-3);
    assert!(ink(drawn, false, false) > 0.95);
    assert!(ink(drawn, true, false) < 0.05 && ink(drawn, true, true) < 0.05);
    // Text is drawn although its font is not in the file.
    assert!((0.02..0.5).contains(&ink(drawn, false, true)));
    assert_eq!(found[1], Err("no such page".to_owned()));
    let turned = pictures(&page(90), &[1]).remove(0).unwrap();
    assert_eq!((turned.width, turned.height), (300, 600));
    assert!(ink(&turned, true, false) > 0.95);
}

#[test]
fn files_of_every_format_are_decoded() {
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Tiff,
        ImageFormat::WebP,
        ImageFormat::Gif,
        ImageFormat::Bmp,
    ] {
        let image: DynamicImage = match format {
            // What these encoders take.
            ImageFormat::WebP | ImageFormat::Gif => {
                DynamicImage::ImageLuma8(corner(40, 20)).into_rgba8().into()
            }
            _ => corner(40, 20).into(),
        };
        let picture = pictures(&encoded(image, format), &[1]).remove(0).unwrap();
        // So small a picture is made larger.
        assert_eq!((picture.width, picture.height), (80, 40), "{format:?}");
        assert_eq!(picture.scale, 2.0);
        assert!(ink(&picture, false, false) > 0.9, "{format:?}");
        assert!(ink(&picture, true, true) < 0.1, "{format:?}");
    }
}

#[test]
fn what_shines_through_is_white() {
    let clear = GrayAlphaImage::from_pixel(40, 20, LumaA([0, 0]));
    let picture = pictures(&encoded(clear, ImageFormat::Png), &[1])
        .remove(0)
        .unwrap();
    assert!(picture.pixels.iter().all(|pixel| *pixel > 250));
}

#[test]
fn every_page_of_a_tiff_is_found() {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut encoder = ::tiff::encoder::TiffEncoder::new(&mut bytes).unwrap();
    for grey in [10, 200] {
        let page = vec![grey; 40 * 20];
        encoder
            .write_image::<::tiff::encoder::colortype::Gray8>(40, 20, &page)
            .unwrap();
    }
    let bytes = bytes.into_inner();
    assert_eq!(image::header(&bytes, 10).unwrap().pages, 2);
    assert_eq!(image::header(&bytes, 1).unwrap().pages, 1);
    let greys: Vec<u8> = pictures(&bytes, &[1, 2])
        .into_iter()
        .map(|picture| picture.unwrap().pixels[100])
        .collect();
    assert_eq!(greys, [10, 200]);
    assert!(pictures(&bytes, &[3])[0].is_err());
}

#[test]
fn broken_and_giant_files_are_refused_with_a_reason() {
    let whole = encoded(corner(40, 20), ImageFormat::Png);
    let cut = &whole[..whole.len() / 2];
    assert!(pictures(cut, &[1])[0].is_err());
    // A header that promises 50,000 by 50,000 pixels.
    let mut giant = whole.clone();
    giant[16..20].copy_from_slice(&50_000u32.to_be_bytes());
    giant[20..24].copy_from_slice(&50_000u32.to_be_bytes());
    let reason = pictures(&giant, &[1]).remove(0).unwrap_err();
    assert!(!reason.is_empty());
    assert!(
        pictures(b"%PDF-1.4 and no more", &[1, 2])
            .iter()
            .all(Result::is_err)
    );
    assert!(pictures(b"words", &[1])[0].is_err());
}

/// The whole way, where the program is installed.
#[test]
fn tesseract_reads_a_page_that_was_drawn() {
    let Some(program) = crate::find_tesseract() else {
        return;
    };
    let options = crate::OcrOptions {
        program: Some(program),
        ..crate::OcrOptions::default()
    };
    let Ok(tesseract) = crate::ocr::tesseract::Tesseract::new(&options) else {
        return;
    };
    let drawn = pictures(&page(0), &[1]).remove(0).unwrap();
    let text = tesseract.recognise(&drawn).unwrap();
    let lines: Vec<&str> = text
        .paragraphs
        .iter()
        .flat_map(|paragraph| &paragraph.lines)
        .map(|line| line.text.as_str())
        .collect();
    assert!(lines.concat().contains("lease"), "{lines:?}");
}
