//! winmail.dat: TNEF, in which Outlook wraps what MIME has no word for. MS-OXTNEF.

use std::borrow::Cow;

use docent_core::source::Gap;
use encoding_rs::Encoding;

use super::mapi::{code_page, property, value};
use super::{Attachment, Body, Letter, document_of, rtf_compressed, text_of};
use crate::job::{Job, Reading, Refusal};

const SIGNATURE: u32 = 0x223e_9f78;

/// Attributes, MS-OXTNEF 2.1.3.2, without their types.
mod attribute {
    pub(super) const SUBJECT: u16 = 0x8004;
    pub(super) const BODY: u16 = 0x800c;
    pub(super) const ATTACH_DATA: u16 = 0x800f;
    pub(super) const ATTACH_TITLE: u16 = 0x8010;
    pub(super) const ATTACH_REND_DATA: u16 = 0x9002;
    pub(super) const MESSAGE_PROPERTIES: u16 = 0x9003;
    pub(super) const ATTACH_PROPERTIES: u16 = 0x9005;
    pub(super) const CODE_PAGE: u16 = 0x9007;
}

/// Reads a winmail.dat as a letter.
///
/// # Errors
/// A file that is none.
pub(crate) fn read(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let mut input = Input(bytes);
    if input.u32() != Some(SIGNATURE) {
        return Err("not a winmail.dat: its first bytes are others".into());
    }
    input.take(2);
    let mut envelope = Envelope::default();
    let mut complete = true;
    while !input.0.is_empty() {
        let Some((id, data)) = next_attribute(&mut input) else {
            complete = false;
            break;
        };
        envelope.put(id, data);
    }
    let mut letter = envelope.letter();
    if !complete {
        letter.incomplete = Some(Gap::new("the winmail.dat is cut off or damaged"));
    }
    if letter.body.is_empty() && letter.attachments.is_empty() && letter.subject.is_empty() {
        return Err(match letter.incomplete {
            Some(gap) => gap.into(),
            None => Refusal::Skipped("a winmail.dat without text or attachments".into()),
        });
    }
    Ok(document_of(letter, job))
}

/// The number of the next attribute and its data.
fn next_attribute<'b>(input: &mut Input<'b>) -> Option<(u16, &'b [u8])> {
    input.take(1)?;
    let id = input.u32()? as u16;
    let length = input.u32()? as usize;
    let data = input.take(length)?;
    input.take(2)?;
    Some((id, data))
}

/// What has been read of a letter.
#[derive(Default)]
struct Envelope<'b> {
    charset: Option<&'static Encoding>,
    subject: Option<Value<'b>>,
    body: Option<Value<'b>>,
    html: Option<Value<'b>>,
    rtf: Option<&'b [u8]>,
    files: Vec<File<'b>>,
}

#[derive(Default)]
struct File<'b> {
    title: Option<Value<'b>>,
    long_name: Option<Value<'b>>,
    data: &'b [u8],
}

/// A property's bytes, and whether they are UTF-16.
#[derive(Clone, Copy)]
struct Value<'b> {
    bytes: &'b [u8],
    wide: bool,
}

impl Value<'_> {
    fn text(self, charset: Option<&'static Encoding>) -> String {
        let text = match self.wide {
            true => encoding_rs::UTF_16LE
                .decode_without_bom_handling(self.bytes)
                .0
                .into_owned(),
            false => text_of(self.bytes, charset.map(Encoding::name)),
        };
        text.trim_end_matches(['\0', ' ']).to_owned()
    }
}

impl<'b> Envelope<'b> {
    fn put(&mut self, id: u16, data: &'b [u8]) {
        let narrow = Some(Value {
            bytes: data.strip_suffix(b"\0").unwrap_or(data),
            wide: false,
        });
        match id {
            attribute::CODE_PAGE => self.charset = Input(data).u32().and_then(code_page),
            attribute::SUBJECT => self.subject = self.subject.or(narrow),
            attribute::BODY => self.body = self.body.or(narrow),
            attribute::ATTACH_REND_DATA => self.files.push(File::default()),
            attribute::MESSAGE_PROPERTIES => each_property(data, |id, value| match id {
                property::SUBJECT => self.subject = Some(value),
                property::BODY => self.body = Some(value),
                property::HTML => self.html = Some(value),
                property::RTF_COMPRESSED => self.rtf = Some(value.bytes),
                _ => {}
            }),
            _ => self.put_file(id, data, narrow),
        }
    }

    fn put_file(&mut self, id: u16, data: &'b [u8], narrow: Option<Value<'b>>) {
        let Some(file) = self.files.last_mut() else {
            return;
        };
        match id {
            attribute::ATTACH_TITLE => file.title = narrow,
            attribute::ATTACH_DATA => file.data = data,
            attribute::ATTACH_PROPERTIES => each_property(data, |id, value| match id {
                property::ATTACH_LONG_NAME => file.long_name = Some(value),
                property::ATTACH_NAME => file.title = Some(value),
                property::ATTACH_DATA if file.data.is_empty() => file.data = value.bytes,
                _ => {}
            }),
            _ => {}
        }
    }

    fn letter(self) -> Letter<'b> {
        let charset = self.charset;
        let text = |value: Option<Value<'_>>| {
            value
                .map(|value| value.text(charset))
                .filter(|text| !text.trim().is_empty())
        };
        let body = if let Some(body) = text(self.body) {
            Some(Body::Text(Cow::Owned(body)))
        } else if let Some(html) = text(self.html) {
            Some(Body::Html(Cow::Owned(html)))
        } else {
            self.rtf.and_then(rtf_compressed::unpack).map(Body::Rtf)
        };
        let attachments = self.files.into_iter().filter(|file| !file.data.is_empty());
        Letter {
            subject: text(self.subject).unwrap_or_default(),
            body: body.into_iter().collect(),
            attachments: attachments
                .enumerate()
                .map(|(at, file)| Attachment {
                    name: text(file.long_name)
                        .or_else(|| text(file.title))
                        .unwrap_or_else(|| format!("attachment {}.dat", at + 1)),
                    bytes: Cow::Borrowed(file.data),
                })
                .collect(),
            ..Letter::default()
        }
    }
}

/// Calls `put` with the number and the last value of each property that has bytes.
fn each_property<'b>(data: &'b [u8], mut put: impl FnMut(u16, Value<'b>)) {
    let mut input = Input(data);
    let count = input.u32().unwrap_or(0);
    for _ in 0..count {
        let Some((id, value)) = next_property(&mut input) else {
            return;
        };
        if let Some(value) = value {
            put(id, value);
        }
    }
}

fn next_property<'b>(input: &mut Input<'b>) -> Option<(u16, Option<Value<'b>>)> {
    const MULTIPLE: u16 = 0x1000;
    let kind = input.u16()?;
    let id = input.u16()?;
    if id >= 0x8000 {
        skip_name(input)?;
    }
    let fixed = match kind & !MULTIPLE {
        0x0002 | 0x0003 | 0x0004 | 0x000a | 0x000b => Some(4),
        0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => Some(8),
        0x0048 => Some(16),
        value::OBJECT | value::NARROW | value::WIDE | value::BINARY => None,
        _ => return None,
    };
    let several = kind & MULTIPLE != 0 || fixed.is_none();
    let count = if several { input.u32()? } else { 1 };
    let mut found = None;
    for _ in 0..count {
        match fixed {
            Some(size) => {
                input.take(size)?;
            }
            None => {
                let length = input.u32()? as usize;
                found = Some(Value {
                    bytes: input.take_padded(length)?,
                    wide: kind & !MULTIPLE == value::WIDE,
                });
            }
        }
    }
    Some((id, found))
}

/// Passes over the name of a property that has no number of its own.
fn skip_name(input: &mut Input<'_>) -> Option<()> {
    input.take(16)?;
    match input.u32()? {
        0 => input.take(4).map(drop),
        _ => {
            let length = input.u32()? as usize;
            input.take_padded(length).map(drop)
        }
    }
}

/// Bytes that are still to be read; numbers are little-endian.
struct Input<'b>(&'b [u8]);

impl<'b> Input<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Takes bytes and what fills them up to a multiple of four.
    fn take_padded(&mut self, count: usize) -> Option<&'b [u8]> {
        let taken = self.take(count)?;
        let padding = (count.next_multiple_of(4) - count).min(self.0.len());
        self.take(padding)?;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().map(u16::from_le_bytes).ok()
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().map(u32::from_le_bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Limits, Outcome, extract_bytes};

    fn attribute(id: u32, data: &[u8]) -> Vec<u8> {
        [
            &[1],
            id.to_le_bytes().as_slice(),
            &(data.len() as u32).to_le_bytes(),
            data,
            &[0, 0],
        ]
        .concat()
    }

    /// A winmail.dat with a subject, a body and a file with a long name.
    fn winmail() -> Vec<u8> {
        let name: Vec<u8> = "Große Liste.txt"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let mut properties = 1u32.to_le_bytes().to_vec();
        properties.extend(0x3707_001fu32.to_le_bytes());
        properties.extend(1u32.to_le_bytes());
        properties.extend((name.len() as u32).to_le_bytes());
        properties.extend(&name);
        properties.extend([0; 2]);
        [
            SIGNATURE.to_le_bytes().to_vec(),
            vec![0, 0],
            attribute(0x0001_8004, b"The list\0"),
            attribute(0x0002_800c, b"Here it is.\0"),
            attribute(0x0006_9002, &[0; 14]),
            attribute(0x0001_8010, b"GROSSE~1.TXT\0"),
            attribute(0x0006_800f, b"one, two"),
            attribute(0x0006_9005, &properties),
        ]
        .concat()
    }

    #[test]
    fn a_letter_and_its_files_are_read() {
        let extraction = extract_bytes(&winmail(), "winmail.dat", &Limits::default());
        let Outcome::Read(document) = extraction.outcome else {
            panic!("{:?}", extraction.outcome);
        };
        assert_eq!(document.text, "Subject: The list\n\nHere it is.");
        assert_eq!(document.incomplete, None);
        assert_eq!(extraction.inner[0].path, "Große Liste.txt");
        assert_eq!(extraction.inner[0].bytes, 8);
    }

    #[test]
    fn a_cut_off_letter_says_so() {
        let whole = winmail();
        let extraction = extract_bytes(&whole[..60], "winmail.dat", &Limits::default());
        assert!(matches!(extraction.outcome, Outcome::Read(d) if d.incomplete.is_some()));
    }

    proptest! {
        #[test]
        fn damaged_letters_are_harmless(
            at in 6usize..200,
            bytes in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut damaged = winmail();
            let at = at.min(damaged.len());
            let end = (at + bytes.len()).min(damaged.len());
            damaged.splice(at..end, bytes);
            extract_bytes(&damaged, "winmail.dat", &Limits::default());
        }
    }
}
