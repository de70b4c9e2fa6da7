//! Bytes to text: byte order marks, UTF-16 and UTF-32, legacy character sets, damaged UTF-8.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE,
};

/// The character set is guessed from so many bytes, from the first that is not ASCII on.
const DETECT_BYTES: usize = 256 << 10;

/// Text, and what it took to get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// The text; lines end in line feeds, with or without a carriage return before them.
    pub text: String,
    /// What a reader should know.
    pub warnings: Vec<String>,
}

impl From<&str> for Decoded {
    fn from(text: &str) -> Self {
        Decoded {
            text: text.to_owned(),
            warnings: Vec::new(),
        }
    }
}

/// Decodes bytes of any character set. `declared` is the label that the file gives itself
/// (`<meta charset>`), believed when the bytes are not UTF-8.
pub(crate) fn decode(bytes: &[u8], declared: Option<&str>) -> Decoded {
    let mut text = if let Some(text) = utf32(bytes) {
        text
    } else if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        decode_with(encoding, &bytes[mark..])
    } else if let Some(encoding) = utf16_without_mark(bytes) {
        decode_with(encoding, bytes)
    } else {
        decode_unmarked(bytes, declared)
    };
    let mut warnings = Vec::new();
    clean(&mut text, &mut warnings);
    Decoded { text, warnings }
}

fn decode_with(encoding: &'static Encoding, bytes: &[u8]) -> String {
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

fn decode_unmarked(bytes: &[u8], declared: Option<&str>) -> String {
    let fault = match std::str::from_utf8(bytes) {
        Ok(text) if !escapes_kanji(bytes) => return text.to_owned(),
        Ok(_) => None,
        Err(fault) => Some(fault),
    };
    if fault.is_some() && mostly_utf8(bytes) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let declared = declared.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    match declared {
        Some(encoding) if encoding != UTF_8 => decode_with(encoding, bytes),
        _ => decode_with(guess(bytes), bytes),
    }
}

/// Whether there are escape sequences of ISO-2022-JP, which is ASCII to the eye of UTF-8.
fn escapes_kanji(bytes: &[u8]) -> bool {
    let escape = |pair: &[u8]| pair == b"\x1b$" || pair == b"\x1b(";
    bytes.contains(&0x1b) && bytes.windows(2).any(escape)
}

/// Whether bytes that are not valid UTF-8 are damaged UTF-8 rather than another character set:
/// ten good characters outside ASCII for a bad one, or nothing wrong but a character that is
/// cut off at the end.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut bad) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().bytes().filter(|byte| *byte >= 0xc0).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    let cut_off = std::str::from_utf8(bytes).is_err_and(|fault| fault.error_len().is_none());
    good >= 10 * bad || (cut_off && bad == 1 && good > 0)
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let first = bytes
        .iter()
        .position(|byte| !byte.is_ascii() || *byte == 0x1b)
        .unwrap_or(0);
    let end = bytes.len().min(first + DETECT_BYTES);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    // Some context before the first telling byte helps the detector.
    detector.feed(&bytes[first.saturating_sub(64)..end], end == bytes.len());
    detector.guess(None, Utf8Detection::Deny)
}

/// The character set of two bytes to a character (Chinese, Japanese, Korean) that bytes are in,
/// if it is one; for stretches too short to guess among all.
pub(crate) fn multi_byte(bytes: &[u8]) -> Option<&'static Encoding> {
    let guessed = guess(bytes);
    let wide = [SHIFT_JIS, EUC_JP, EUC_KR, GBK, GB18030, BIG5];
    wide.contains(&guessed).then_some(guessed)
}

/// UTF-16 that begins without a mark: text in Latin letters has its zeros all on one side.
pub(crate) fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4096) & !1];
    let pairs = sample.len() / 2;
    if pairs < 2 || !bytes.len().is_multiple_of(2) {
        return None;
    }
    let zeros = |side: usize| {
        sample
            .iter()
            .skip(side)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    let (high_first, low_first) = (zeros(0), zeros(1));
    if low_first * 10 >= pairs * 4 && high_first * 50 <= pairs {
        Some(UTF_16LE)
    } else if high_first * 10 >= pairs * 4 && low_first * 50 <= pairs {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// UTF-32 with its mark, which `encoding_rs` leaves out because the web does.
fn utf32(bytes: &[u8]) -> Option<String> {
    let read: fn([u8; 4]) -> u32 = match bytes {
        [0xff, 0xfe, 0, 0, ..] => u32::from_le_bytes,
        [0, 0, 0xfe, 0xff, ..] => u32::from_be_bytes,
        _ => return None,
    };
    let units = bytes[4..]
        .chunks(4)
        .map(|unit| unit.try_into().map_or(u32::MAX, read));
    Some(
        units
            .map(|unit| char::from_u32(unit).unwrap_or('\u{fffd}'))
            .collect(),
    )
}

/// Makes the text fit to be shown and counted: NULs become spaces, lone carriage returns (old
/// Macintosh files) line feeds. Both keep every byte in its place. Characters that could not
/// be decoded are counted.
fn clean(text: &mut String, warnings: &mut Vec<String>) {
    let nuls = text.bytes().filter(|byte| *byte == 0).count();
    if nuls > 0 {
        *text = text.replace('\0', " ");
        warnings.push(format!("{} replaced by spaces", plural(nuls, "NUL byte")));
    }
    if text.contains('\r') && !text.contains('\n') {
        *text = text.replace('\r', "\n");
    }
    let lost = text.matches('\u{fffd}').count();
    if lost > 0 {
        warnings.push(format!(
            "{} could not be decoded",
            plural(lost, "character")
        ));
    }
}

/// `1 character`, `2 characters`.
pub(crate) fn plural(count: usize, noun: &str) -> Cow<'_, str> {
    match count {
        1 => Cow::Owned(format!("1 {noun}")),
        _ => Cow::Owned(format!("{count} {noun}s")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        decode(bytes, None).text
    }

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn marks_are_obeyed_and_dropped() {
        assert_eq!(text(b"\xef\xbb\xbfna\xc3\xafve"), "naïve");
        assert_eq!(
            text(&utf16("\u{feff}naïve 東京", u16::to_le_bytes)),
            "naïve 東京"
        );
        assert_eq!(
            text(&utf16("\u{feff}naïve 東京", u16::to_be_bytes)),
            "naïve 東京"
        );
        assert_eq!(text(b"\xff\xfe\0\0a\0\0\0\xac\x20\0\0"), "a€");
    }

    #[test]
    fn utf16_is_known_without_a_mark() {
        let plain = "The lease ends in June.\r\n";
        assert_eq!(text(&utf16(plain, u16::to_le_bytes)), plain);
        assert_eq!(text(&utf16(plain, u16::to_be_bytes)), plain);
    }

    #[test]
    fn lone_surrogates_become_replacement_characters() {
        let mut bytes = vec![0xff, 0xfe];
        bytes.extend([0x61, 0, 0x00, 0xd8, 0x62, 0, 0x00, 0xdc]);
        let decoded = decode(&bytes, None);
        assert_eq!(decoded.text, "a\u{fffd}b\u{fffd}");
        assert_eq!(decoded.warnings, ["2 characters could not be decoded"]);
    }

    #[test]
    fn legacy_character_sets_are_guessed() {
        let latin = b"Die Stra\xdfe f\xfchrt \xfcber die Br\xfccke zur M\xfchle.";
        assert_eq!(text(latin), "Die Straße führt über die Brücke zur Mühle.");
        let (russian, _, _) = encoding_rs::WINDOWS_1251
            .encode("Договор аренды жилого помещения заключён на один год.");
        assert!(text(&russian).starts_with("Договор аренды"));
        let (japanese, _, _) =
            encoding_rs::SHIFT_JIS.encode("東京都は日本の首都です。人口はとても多い。");
        assert!(text(&japanese).starts_with("東京都"));
        let (mail, _, _) = encoding_rs::ISO_2022_JP.encode("東京都は日本の首都です。");
        assert!(text(&mail).starts_with("東京都"));
    }

    #[test]
    fn a_declared_character_set_is_believed_where_utf8_fails() {
        let greek = b"\xe1\xe2\xe3";
        assert_eq!(decode(greek, Some("iso-8859-7")).text, "αβγ");
        assert_eq!(decode("αβγ".as_bytes(), Some("iso-8859-7")).text, "αβγ");
    }

    #[test]
    fn damaged_utf8_stays_utf8() {
        let mut bytes = "größere Übungen für Fußgänger überall"
            .repeat(4)
            .into_bytes();
        bytes.push(0xe4);
        let decoded = decode(&bytes, None);
        assert!(decoded.text.starts_with("größere Übungen"));
        assert_eq!(decoded.warnings, ["1 character could not be decoded"]);
    }

    #[test]
    fn old_line_ends_and_nuls_keep_every_byte_in_place() {
        assert_eq!(text(b"one\rtwo\r"), "one\ntwo\n");
        assert_eq!(text(b"one\r\ntwo"), "one\r\ntwo");
        let decoded = decode(b"a\0b", None);
        assert_eq!(decoded.text, "a b");
        assert_eq!(decoded.warnings, ["1 NUL byte replaced by spaces"]);
    }
}
