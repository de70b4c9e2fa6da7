//! What a PDF says of itself: strings, dates, title, author, bookmarks.

use std::collections::{HashMap, HashSet};

use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, DateTime, Dict, ObjRef, String as PdfString};

/// As many bookmarks are looked at.
const MAX_BOOKMARKS: usize = 20_000;

/// The characters of PDFDocEncoding from 0x18 to 0x1f.
const LOW: [char; 8] = ['˘', 'ˇ', 'ˆ', '˙', '˝', '˛', '˚', '˜'];

/// The characters of PDFDocEncoding from 0x80 to 0xa0.
const HIGH: [char; 33] = [
    '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™',
    'ﬁ', 'ﬂ', 'Ł', 'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', '\u{fffd}', '€',
];

/// A text string: UTF-16 or UTF-8 with its mark, else PDFDocEncoding (PDF 32000-1:2008, 7.9.2);
/// or UTF-8 without its mark, as some programs write it.
pub(super) fn decode(bytes: &[u8]) -> String {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units)
            .map(|c| c.unwrap_or('\u{fffd}'))
            .collect()
    };
    match bytes {
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) if !text.is_ascii() => text.to_owned(),
            _ => bytes.iter().map(|&byte| pdf_doc_char(byte)).collect(),
        },
    }
}

fn pdf_doc_char(byte: u8) -> char {
    match byte {
        0x18..=0x1f => LOW[usize::from(byte) - 0x18],
        0x80..=0xa0 => HIGH[usize::from(byte) - 0x80],
        _ => char::from(byte),
    }
}

/// The string under a key, decoded, without white space around it.
pub(super) fn text(dict: &Dict<'_>, key: &str) -> Option<String> {
    let text = decode(dict.get::<PdfString<'_>>(key)?.as_bytes());
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The catalog of a document.
pub(super) fn catalog(pdf: &Pdf) -> Option<Dict<'_>> {
    pdf.xref().get::<Dict<'_>>(pdf.xref().root_id())
}

/// Author and dates, by the names of [`docent_core::document::Document::properties`].
pub(super) fn properties(pdf: &Pdf) -> Vec<(&'static str, String)> {
    let metadata = pdf.metadata();
    let author = metadata.author.as_deref().map(decode);
    let date = |date: Option<DateTime>| date.as_ref().and_then(rfc3339);
    let named = [
        ("author", author),
        ("created", date(metadata.creation_date)),
        ("modified", date(metadata.modification_date)),
    ];
    let known = named.into_iter();
    known
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn rfc3339(date: &DateTime) -> Option<String> {
    let sane = (1..=12).contains(&date.month)
        && (1..=31).contains(&date.day)
        && date.hour < 24
        && date.minute < 60
        && date.second < 60
        && date.utc_offset_hour.unsigned_abs() < 24
        && date.utc_offset_minute < 60;
    let offset = match (date.utc_offset_hour, date.utc_offset_minute) {
        (0, 0) => "Z".to_owned(),
        (hour, minute) => {
            let sign = if hour < 0 { '-' } else { '+' };
            format!("{sign}{:02}:{minute:02}", hour.unsigned_abs())
        }
    };
    sane.then(|| {
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{offset}",
            date.year, date.month, date.day, date.hour, date.minute, date.second
        )
    })
}

/// The title, where it says something.
pub(super) fn title(pdf: &Pdf) -> Option<String> {
    super::layout::sensible_title(&decode(pdf.metadata().title.as_deref()?))
}

/// The bookmarks by their [`key`], each with its depth from 1.
pub(super) fn bookmarks(pdf: &Pdf) -> HashMap<String, u8> {
    let mut bookmarks = HashMap::new();
    let root = catalog(pdf).and_then(|catalog| catalog.get::<Dict<'_>>("Outlines"));
    let mut seen: HashSet<ObjRef> = HashSet::new();
    // What is still to be looked at: an entry and its depth.
    let mut open: Vec<(Dict<'_>, u8)> = Vec::new();
    if let Some(root) = &root {
        open.extend(linked(root, "First", 1, &mut seen));
    }
    while let Some((entry, depth)) = open.pop() {
        if bookmarks.len() >= MAX_BOOKMARKS {
            break;
        }
        if let Some(title) = text(&entry, "Title") {
            bookmarks.entry(key(&title)).or_insert(depth);
        }
        open.extend(linked(&entry, "Next", depth, &mut seen));
        let deeper = depth.saturating_add(1).min(6);
        open.extend(linked(&entry, "First", deeper, &mut seen));
    }
    bookmarks.remove("");
    bookmarks
}

/// The bookmark that another one names under a key, if it was not seen before.
fn linked<'a>(
    entry: &Dict<'a>,
    key: &str,
    depth: u8,
    seen: &mut HashSet<ObjRef>,
) -> Option<(Dict<'a>, u8)> {
    let is_new = entry.get_ref(key).is_some_and(|entry| seen.insert(entry));
    let entry = entry.get::<Dict<'a>>(key).filter(|_| is_new)?;
    Some((entry, depth))
}

/// What a heading and its bookmark have in common: letters and digits, without the numbers
/// before them.
pub(super) fn key(title: &str) -> String {
    let words = title.trim_start_matches(|c: char| {
        c.is_ascii_digit() || c.is_whitespace() || matches!(c, '.' | ')' | '(' | '§' | '-' | '–')
    });
    let letters = words.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The layers that are switched off when the file is opened.
pub(super) fn layers_off(pdf: &Pdf) -> HashSet<ObjRef> {
    if !pdf.xref().has_optional_content_groups() {
        return HashSet::new();
    }
    let off = || {
        let layers = catalog(pdf)?.get::<Dict<'_>>("OCProperties")?;
        layers.get::<Dict<'_>>("D")?.get::<Array<'_>>("OFF")
    };
    let groups = off().map(|off| {
        off.raw_iter()
            .filter_map(|group| group.as_obj_ref())
            .collect()
    });
    groups.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_decoded_by_their_mark() {
        assert_eq!(decode(b"caf\xe9 \x84 \xa0"), "café — €");
        assert_eq!(decode(b"\xfe\xff\x00M\x00\xfc"), "Mü");
        assert_eq!(decode(b"\xff\xfeM\x00\xfc\x00"), "Mü");
        assert_eq!(decode("\u{feff}Mü".as_bytes()), "Mü");
        assert_eq!(decode("Mü".as_bytes()), "Mü");
    }

    #[test]
    fn dates_are_written_as_rfc_3339() {
        let mut date = DateTime {
            year: 2024,
            month: 2,
            day: 3,
            hour: 4,
            minute: 5,
            second: 6,
            utc_offset_hour: -8,
            utc_offset_minute: 30,
        };
        assert_eq!(rfc3339(&date).as_deref(), Some("2024-02-03T04:05:06-08:30"));
        date.month = 13;
        assert_eq!(rfc3339(&date), None);
    }

    #[test]
    fn headings_are_known_by_their_letters() {
        assert_eq!(key("1.2  The Rent"), key("The rent"));
        assert_eq!(key("2024"), "");
    }
}
