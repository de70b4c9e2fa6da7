//! Hangul documents of version 5 (HWP): a compound file whose sections are compressed records.

use docent_core::document::{BlockKind, Format, Locator};
use docent_core::source::Gap;

use super::compound::{Compound, encrypted, summary, u32_at, utf16};
use crate::compose::Composer;
use crate::job::{Reading, Refusal};

/// What the stream `FileHeader` begins with.
const SIGNATURE: &[u8] = b"HWP Document File";

/// Flags of `FileHeader`.
const COMPRESSED: u32 = 1;
const PASSWORD: u32 = 2;
const DISTRIBUTION: u32 = 4;

/// The record that holds the text of a paragraph (`HWPTAG_PARA_TEXT`).
const PARAGRAPH_TEXT: u32 = 67;

/// Whether a compound file is a Hangul document.
pub(super) fn is_hwp(file: &Compound<'_>) -> bool {
    file.stream("FileHeader")
        .is_some_and(|header| header.starts_with(SIGNATURE))
}

/// Reads a document. Places are paragraphs, those of tables and notes counted where they stand.
pub(super) fn read(file: &Compound<'_>) -> Result<Reading, Refusal> {
    let header = file.stream("FileHeader").unwrap_or_default();
    let flags = u32_at(&header, 36).unwrap_or(COMPRESSED);
    if flags & PASSWORD != 0 {
        return Err(encrypted().into());
    }
    let mut body = Body {
        composer: Composer::new(Format::Word),
        paragraph: 0,
    };
    let gap = match flags & DISTRIBUTION {
        0 => body.sections(file, flags & COMPRESSED != 0),
        _ => Some(body.preview(file)),
    };
    if let Some(gap) = &gap
        && body.paragraph == 0
    {
        return Err(gap.clone().into());
    }
    let last = body.paragraph.max(1);
    let place = Locator::Paragraphs { first: last, last };
    summary::read(file, &mut body.composer, place);
    body.composer.document().incomplete = gap;
    Ok(body.composer.finish().into())
}

struct Body {
    composer: Composer,
    /// Paragraphs so far.
    paragraph: u32,
}

impl Body {
    /// Adds the sections of the document; gives what is missing of them.
    fn sections(&mut self, file: &Compound<'_>, compressed: bool) -> Option<Gap> {
        let name = |number: usize| format!("BodyText/Section{number}");
        let names = (0..file.job.limits.max_entries)
            .map(name)
            .take_while(|name| file.has(name));
        let mut sections = 0;
        for name in names {
            if file.job.is_late() {
                return Some(format!("not read: {name} and the rest, the time was over").into());
            }
            let section = match compressed {
                true => unpacked(file, &name),
                false => file.stream(&name).ok_or("damaged".to_owned()),
            };
            match section {
                Ok(section) => self.section(&section),
                Err(reason) => {
                    return Some(format!("not read: {name} and the rest: {reason}").into());
                }
            }
            sections += 1;
        }
        (sections == 0).then(|| "damaged: no section in the document".into())
    }

    fn section(&mut self, section: &[u8]) {
        for (tag, data) in (Records { rest: section }) {
            if tag == PARAGRAPH_TEXT {
                self.push(&paragraph_text(data));
            }
        }
    }

    /// Adds the preview of a document whose sections are encrypted; gives what is missing.
    fn preview(&mut self, file: &Compound<'_>) -> Gap {
        let preview = file.stream("PrvText").unwrap_or_default();
        for line in utf16(&preview).lines() {
            self.push(line);
        }
        let reason = match self.paragraph {
            0 => "protected for distribution",
            _ => "protected for distribution: only the preview of its first page was read",
        };
        Gap::new(reason).help("ask its author for the document without this protection")
    }

    fn push(&mut self, text: &str) {
        self.paragraph = self.paragraph.saturating_add(1);
        let place = Locator::Paragraphs {
            first: self.paragraph,
            last: self.paragraph,
        };
        self.composer.push(BlockKind::Paragraph, text, place);
    }
}

/// The bytes of a compressed stream.
fn unpacked(file: &Compound<'_>, name: &str) -> Result<Vec<u8>, String> {
    let packed = file.stream(name).ok_or("damaged")?;
    let inflate = flate2::read::DeflateDecoder::new(packed.as_slice());
    let unpacked = file.job.unpack(inflate, packed.len() as u64);
    unpacked.map_err(|error| error.to_string())
}

/// The records of a section: a tag and its data.
struct Records<'s> {
    rest: &'s [u8],
}

impl<'s> Iterator for Records<'s> {
    type Item = (u32, &'s [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        /// A length that says that the length follows as a number of its own.
        const LONG: u32 = 0xfff;
        let header = u32_at(self.rest, 0)?;
        let (length, start) = match header >> 20 {
            LONG => (u32_at(self.rest, 4)?, 8),
            length => (length, 4),
        };
        let data = self.rest.get(start..)?;
        let (data, rest) = data.split_at(data.len().min(length as usize));
        self.rest = rest;
        Some((header & 0x3ff, data))
    }
}

/// The text of a paragraph, UTF-16 with control characters in it. Most of these are followed by
/// seven units that say what stands there.
fn paragraph_text(data: &[u8]) -> String {
    let mut units = data
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let mut text = Vec::new();
    while let Some(unit) = units.next() {
        let stands_for = match unit {
            1..=9 | 11 | 12 | 14..=23 => {
                units.nth(6);
                (unit == 9).then_some('\t')
            }
            10 => Some('\n'),
            24 => Some('-'),
            30 => Some('\u{a0}'),
            31 => Some(' '),
            0 | 13 | 25..=29 => None,
            unit => {
                text.push(unit);
                None
            }
        };
        text.extend(stands_for.map(|character| character as u16));
    }
    String::from_utf16_lossy(&text)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::super::compound::testing::compound;
    use super::super::package::testing::document_of;
    use super::*;
    use crate::{Limits, Outcome, check, extract_bytes};

    fn header(flags: u32) -> Vec<u8> {
        let mut header = SIGNATURE.to_vec();
        header.resize(36, 0);
        header.extend(flags.to_le_bytes());
        header
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn record(tag: u32, data: &[u8]) -> Vec<u8> {
        let mut out = (tag | (data.len() as u32) << 20).to_le_bytes().to_vec();
        out.extend(data);
        out
    }

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), Default::default());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    fn file(flags: u32, name: &str, stream: &[u8]) -> Vec<u8> {
        let folder = name.split_once('/').map(|(folder, _)| folder);
        let mut file = cfb::CompoundFile::create(std::io::Cursor::new(Vec::new())).unwrap();
        if let Some(folder) = folder {
            file.create_storage(folder).unwrap();
        }
        for (name, bytes) in [("FileHeader", &*header(flags)), (name, stream)] {
            file.create_stream(name).unwrap().write_all(bytes).unwrap();
        }
        file.flush().unwrap();
        file.into_inner().into_inner()
    }

    #[test]
    fn paragraphs_are_read_without_their_controls() {
        let controls = "\u{2}secdxx\u{2}테\u{9}1234567스트\u{18}\u{d}";
        let section = [
            record(66, b"no text"),
            record(PARAGRAPH_TEXT, &wide(controls)),
            record(PARAGRAPH_TEXT, &wide("test")),
        ]
        .concat();
        let controls_aside = "테\t스트-\n\ntest";
        let packed = file(COMPRESSED, "BodyText/Section0", &deflated(&section));
        assert_eq!(document_of(&packed, "a.hwp").text, controls_aside);
        let document = document_of(&file(0, "BodyText/Section0", &section), "a.hwp");
        assert_eq!(document.text, controls_aside);
        assert_eq!(
            document.blocks[1].locator,
            Locator::Paragraphs { first: 2, last: 2 }
        );
    }

    #[test]
    fn a_protected_document_gives_its_preview_and_says_so() {
        let document = document_of(&file(DISTRIBUTION, "PrvText", &wide("one\r\ntwo")), "a.hwp");
        assert_eq!(document.text, "one\n\ntwo");
        assert!(document.incomplete.is_some());
        for flags in [PASSWORD, DISTRIBUTION, COMPRESSED] {
            let bytes = compound(&[("FileHeader", &header(flags))]);
            let outcome = extract_bytes(&bytes, "a.hwp", &Limits::default()).outcome;
            assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        }
    }

    proptest! {
        #[test]
        fn any_records_are_sound(section in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..9),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(|data| record(PARAGRAPH_TEXT, &data)),
            Just(vec![67, 0, 0xf0, 0xff]),
        ], 0..20)) {
            let bytes = file(0, "BodyText/Section0", &section.concat());
            if let Outcome::Read(document) = extract_bytes(&bytes, "a.hwp", &Limits::default()).outcome {
                prop_assert_eq!(check(&document), Ok(()));
            }
        }
    }
}
