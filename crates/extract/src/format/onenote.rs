//! Sections of OneNote (MS-ONE): as the program keeps them (MS-ONESTORE) and as servers pack them
//! (MS-FSSHTTPB).
//!
//! Both hold the same property sets, and these are found by their own structure, wherever they
//! lie: texts, titles of pages, authors. The lists of revisions and the tree of the page are not
//! followed, so that the text stands in the order of the file, and text of earlier versions of a
//! page, which the program keeps, stands before that of the present one.

use std::collections::HashSet;

use docent_core::document::{BlockKind, Format, Locator};

use super::compound::{u16_at, u32_at, utf16};
use super::flow::push_about;
use super::title;
use crate::compose::Composer;
use crate::job::{Job, Reading, Refusal};

/// RichEditTextUnicode.
const TEXT: u32 = 0x1c00_1c22;
/// TextExtendedAscii.
const BYTE_TEXT: u32 = 0x1c00_3498;
/// CachedTitleString.
const TITLE: u32 = 0x1c00_1cf3;
/// CachedTitleStringFromPage.
const TITLE_FROM_PAGE: u32 = 0x1c00_1d3c;
/// Author.
const AUTHOR: u32 = 0x1c00_1d75;
/// SectionDisplayName.
const SECTION: u32 = 0x1c00_349b;

/// A set of more properties than this is none.
const MAX_PROPERTIES: usize = 128;

/// A set with more properties than this in all sets within it is none.
const MAX_NESTED: usize = 1_000;

/// Sets in sets in sets: so many times.
const MAX_DEPTH: u32 = 8;

/// Authors beyond so many are not listed.
const MAX_AUTHORS: usize = 200;

/// Reads a section. Places are paragraphs, in the order of the file.
pub(super) fn read(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let section = Section::scan(bytes, job);
    let mut composer = Composer::new(Format::Notebook);
    let mut paragraph = 0;
    for (text, is_title) in section.present() {
        paragraph += 1;
        let place = Locator::Paragraphs {
            first: paragraph,
            last: paragraph,
        };
        let kind = match is_title {
            true => BlockKind::Heading { level: 1 },
            false => BlockKind::Paragraph,
        };
        composer.push(kind, text, place);
    }
    if paragraph == 0 {
        return Err(
            "no text found in the OneNote section: it is empty, damaged or protected by a password"
                .into(),
        );
    }
    let authors = section.authors.join("; ");
    composer.property("author", &authors);
    let last = Locator::Paragraphs {
        first: paragraph,
        last: paragraph,
    };
    push_about(&mut composer, &[("Authors", &authors)], last);
    let document = composer.document();
    document.title = section
        .name
        .or(section.first_title)
        .and_then(|name| title(&name));
    document
        .warnings
        .push("text of earlier versions of a page may stand beside its present text".into());
    if section.is_cut {
        let gap = "not read: the rest of the section, because the time was over";
        document.incomplete = Some(gap.into());
    }
    Ok(composer.finish().into())
}

/// What the property sets of a section tell.
#[derive(Default)]
struct Section {
    /// In the order of the file.
    texts: Vec<String>,
    titles: HashSet<String>,
    first_title: Option<String>,
    authors: Vec<String>,
    name: Option<String>,
    /// Whether the time was over before the end.
    is_cut: bool,
}

impl Section {
    fn scan(bytes: &[u8], job: &Job<'_>) -> Section {
        let mut section = Section::default();
        let mut at = 0;
        let mut rounds = 0u32;
        while let Some(found) = next_wanted(bytes, at) {
            rounds = rounds.wrapping_add(1);
            if rounds.is_multiple_of(1_024) && job.is_late() {
                section.is_cut = true;
                break;
            }
            at = match PropertySet::around(bytes, found) {
                Some(set) => {
                    section.take(&set);
                    set.end.max(found + 4)
                }
                None => found + 4,
            };
        }
        section
    }

    fn take(&mut self, set: &PropertySet<'_>) {
        for &(id, value) in &set.values {
            let Some(text) = decoded(id, value) else {
                continue;
            };
            match id {
                // The same text in both ways: one is enough.
                BYTE_TEXT if set.values.iter().any(|(other, _)| *other == TEXT) => {}
                TEXT | BYTE_TEXT => self.texts.push(text),
                TITLE | TITLE_FROM_PAGE => {
                    self.first_title.get_or_insert_with(|| text.clone());
                    self.titles.insert(text);
                }
                AUTHOR if self.authors.len() < MAX_AUTHORS && !self.authors.contains(&text) => {
                    self.authors.push(text);
                }
                SECTION => self.name = Some(text),
                _ => {}
            }
        }
    }

    /// Each text once, where it stands last, and whether it is the title of a page; then the
    /// titles that stand nowhere else.
    fn present(&self) -> Vec<(&str, bool)> {
        let mut seen = HashSet::new();
        let texts = self.texts.iter().rev().map(String::as_str);
        let mut present: Vec<(&str, bool)> = texts
            .filter(|text| seen.insert(*text))
            .map(|text| (text, self.titles.contains(text)))
            .collect();
        present.reverse();
        let mut alone: Vec<&str> = self.titles.iter().map(String::as_str).collect();
        alone.retain(|title| !seen.contains(title));
        alone.sort_unstable();
        present.extend(alone.into_iter().map(|title| (title, true)));
        present
    }
}

/// Where the next property identifier lies that is wanted.
fn next_wanted(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let found = rest.windows(4).position(|id| {
        id[3] == 0x1c && id[2] == 0 && is_wanted(u32::from_le_bytes([id[0], id[1], id[2], id[3]]))
    })?;
    Some(from + found)
}

fn is_wanted(id: u32) -> bool {
    matches!(
        id,
        TEXT | BYTE_TEXT | TITLE | TITLE_FROM_PAGE | AUTHOR | SECTION
    )
}

/// A property set (MS-ONESTORE 2.6.7): the values that are wanted, and where it ends.
struct PropertySet<'b> {
    values: Vec<(u32, &'b [u8])>,
    end: usize,
}

impl<'b> PropertySet<'b> {
    /// The set of which the identifier at `at` is one.
    fn around(bytes: &'b [u8], at: usize) -> Option<PropertySet<'b>> {
        // Before it lie other identifiers, whose upper halves are no small numbers, then the count.
        let start = (0..MAX_PROPERTIES).find_map(|before| {
            let start = at.checked_sub(2 + 4 * before)?;
            let count = usize::from(u16_at(bytes, start)?);
            (before < count && count <= MAX_PROPERTIES).then_some(start)
        })?;
        let mut walk = Walk {
            bytes,
            values: Vec::new(),
            left: MAX_NESTED,
        };
        let end = walk.set(start, 0)?;
        Some(PropertySet {
            values: walk.values,
            end,
        })
    }
}

struct Walk<'b> {
    bytes: &'b [u8],
    values: Vec<(u32, &'b [u8])>,
    /// So many more properties are looked at.
    left: usize,
}

impl Walk<'_> {
    /// Walks the set at `start` and gives its end; `None` if it is none.
    fn set(&mut self, start: usize, depth: u32) -> Option<usize> {
        let count = usize::from(u16_at(self.bytes, start)?);
        if count > MAX_PROPERTIES || depth > MAX_DEPTH {
            return None;
        }
        self.left = self.left.checked_sub(count.max(1))?;
        let ids = start + 2;
        let mut at = ids + 4 * count;
        for index in 0..count {
            let id = u32_at(self.bytes, ids + 4 * index)?;
            at = self.value(id, at, depth)?;
        }
        (at <= self.bytes.len()).then_some(at)
    }

    /// Walks the value of a property by the type in its identifier and gives the value's end.
    fn value(&mut self, id: u32, at: usize, depth: u32) -> Option<usize> {
        let number = || u32_at(self.bytes, at).map(|number| number as usize);
        Some(match id >> 26 & 0x1f {
            // No data, a truth value, one reference.
            1 | 2 | 8 | 10 | 12 => at,
            // Numbers of 1, 2, 4 and 8 bytes.
            power @ 3..=6 => at + (1 << (power - 3)),
            7 => {
                let start = at + 4;
                let end = start.checked_add(number()?)?;
                let value = self.bytes.get(start..end)?;
                if is_wanted(id) {
                    self.values.push((id, value));
                }
                end
            }
            // Counts of references.
            9 | 11 | 13 => {
                number()?;
                at + 4
            }
            0x10 => match number()? {
                0 => at + 4,
                count => {
                    let first = at + 8;
                    (0..count).try_fold(first, |at, _| self.set(at, depth + 1))?
                }
            },
            0x11 => self.set(at, depth + 1)?,
            _ => return None,
        })
    }
}

/// The text of a property; `None` if it is blank or no text.
fn decoded(id: u32, value: &[u8]) -> Option<String> {
    let raw = match id {
        BYTE_TEXT => encoding_rs::WINDOWS_1252
            .decode_without_bom_handling(value)
            .0
            .into_owned(),
        _ => utf16(value),
    };
    let raw = raw.split('\0').next().unwrap_or_default();
    let text = without_links(raw).replace(['\u{b}', '\r'], "\n");
    let text = text.trim();
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    (!text.is_empty() && !text.contains(is_odd)).then(|| text.to_owned())
}

/// The text without the addresses of its links: U+FDDF, `HYPERLINK`, the address in quotation
/// marks.
fn without_links(text: &str) -> String {
    let mut parts = text.split('\u{fddf}');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let address = part.trim_start().strip_prefix("HYPERLINK");
        let label = address.and_then(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'));
        out.push_str(label.map_or(part, |(_, label)| label));
    }
    out
}

#[cfg(test)]
mod tests {
    use docent_core::document::BlockKind;
    use proptest::prelude::*;

    use super::super::package::testing::document_of;
    use super::*;
    use crate::{Limits, Outcome, check, extract_bytes};

    const MAGIC: &[u8] = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3";

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    /// A property set of a truth value, a number, and the given values.
    fn set(values: &[(u32, &[u8])]) -> Vec<u8> {
        let mut out = (values.len() as u16 + 2).to_le_bytes().to_vec();
        out.extend(0x0800_1c04u32.to_le_bytes());
        out.extend(0x1400_1d09u32.to_le_bytes());
        for (id, _) in values {
            out.extend(id.to_le_bytes());
        }
        out.extend([1, 2, 3, 4]);
        for (_, value) in values {
            out.extend((value.len() as u32).to_le_bytes());
            out.extend(*value);
        }
        out
    }

    fn section(sets: &[Vec<u8>]) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        for set in sets {
            out.extend([0xff; 5]);
            out.extend(set);
        }
        out
    }

    #[test]
    fn texts_stand_once_and_titles_are_headings() {
        let bytes = section(&[
            set(&[(TITLE, &wide("Mill\0"))]),
            set(&[(TEXT, &wide("Grain")), (BYTE_TEXT, b"Grain")]),
            set(&[(TEXT, &wide("Mill"))]),
            set(&[(
                TEXT,
                &wide("\u{fddf}HYPERLINK \"http://a.b\"Flour\u{b}is sold"),
            )]),
            set(&[(BYTE_TEXT, b"Grain")]),
            set(&[(AUTHOR, &wide("Ada\0"))]),
        ]);
        let document = document_of(&bytes, "a.one");
        assert_eq!(
            document.text,
            "Mill\n\nFlour\nis sold\n\nGrain\n\nAuthors: Ada"
        );
        assert_eq!(document.blocks[0].kind, BlockKind::Heading { level: 1 });
        assert!(document.blocks[3].hidden);
        assert_eq!(document.title.as_deref(), Some("Mill"));
    }

    #[test]
    fn what_is_no_property_set_gives_no_text() {
        let mut torn = set(&[(TEXT, &wide("Grain"))]);
        torn.pop();
        for bytes in [section(&[torn]), section(&[TEXT.to_le_bytes().to_vec()])] {
            let outcome = extract_bytes(&bytes, "a.one", &Limits::default()).outcome;
            assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_sound(pieces in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..6),
            prop::sample::select(vec![TEXT, BYTE_TEXT, TITLE, 0x4000_1c10, 0x4400_1c10, 2, 0x0001_0001])
                .prop_map(|id| id.to_le_bytes().to_vec()),
            "[a-z]{0,6}".prop_map(|text| set(&[(TEXT, &wide(&text))])),
        ], 0..40)) {
            let bytes = section(&pieces);
            if let Outcome::Read(document) = extract_bytes(&bytes, "a.one", &Limits::default()).outcome {
                prop_assert_eq!(check(&document), Ok(()));
            }
        }
    }
}
