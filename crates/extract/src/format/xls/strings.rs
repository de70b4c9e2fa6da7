//! Strings, and the table of those that cells share (MS-XLS 2.4.265, 2.5.293).

use encoding_rs::Encoding;

use super::super::compound::{u16_at, utf16};

/// The characters of a string. Where it is Unicode, a byte in front says how wide they are.
pub(super) fn characters(
    bytes: &[u8],
    length: usize,
    is_unicode: bool,
    page: &'static Encoding,
) -> String {
    let take = |bytes: &'_ [u8], size: usize| {
        bytes
            .get(..size.min(bytes.len()))
            .unwrap_or_default()
            .to_vec()
    };
    match (is_unicode, bytes.first()) {
        (false, _) => page
            .decode_without_bom_handling(&take(bytes, length))
            .0
            .into_owned(),
        (true, Some(flags)) if flags & 1 == 1 => utf16(&take(&bytes[1..], length * 2)),
        (true, Some(_)) => take(&bytes[1..], length)
            .into_iter()
            .map(char::from)
            .collect(),
        (true, None) => String::new(),
    }
}

/// A reader over a table that goes on in further records.
pub(super) struct Strings<'s> {
    parts: Vec<&'s [u8]>,
    part: usize,
    at: usize,
}

impl<'s> Strings<'s> {
    pub(super) fn new(first: &'s [u8], continued: Vec<&'s [u8]>) -> Self {
        let mut parts = vec![first];
        parts.extend(continued);
        Strings {
            parts,
            part: 0,
            at: 8,
        }
    }

    /// All strings, until one is cut off.
    pub(super) fn read(mut self) -> Vec<String> {
        let mut strings = Vec::new();
        while let Some(string) = self.string() {
            strings.push(string);
        }
        strings
    }

    fn string(&mut self) -> Option<String> {
        let length = usize::from(self.number()?);
        let mut flags = self.byte()?;
        let runs = if flags & 8 != 0 {
            usize::from(self.number()?)
        } else {
            0
        };
        let extra = match flags & 4 {
            0 => 0,
            _ => usize::from(self.number()?) | usize::from(self.number()?) << 16,
        };
        let mut units: Vec<u16> = Vec::new();
        for _ in 0..length {
            // Where the characters go on in another record, they may change their width.
            if self.at >= self.parts.get(self.part)?.len() {
                self.part += 1;
                self.at = 0;
                flags = self.byte()?;
            }
            units.push(match flags & 1 {
                0 => u16::from(self.byte()?),
                _ => self.number()?,
            });
        }
        self.skip(runs * 4 + extra);
        Some(String::from_utf16_lossy(&units))
    }

    fn byte(&mut self) -> Option<u8> {
        loop {
            let part = self.parts.get(self.part)?;
            if let Some(byte) = part.get(self.at) {
                self.at += 1;
                return Some(*byte);
            }
            self.part += 1;
            self.at = 0;
        }
    }

    fn number(&mut self) -> Option<u16> {
        let bytes = [self.byte()?, self.byte()?];
        u16_at(&bytes, 0)
    }

    fn skip(&mut self, mut count: usize) {
        while count > 0 {
            let Some(part) = self.parts.get(self.part) else {
                return;
            };
            let here = count.min(part.len().saturating_sub(self.at));
            self.at += here;
            count -= here;
            if count > 0 {
                self.part += 1;
                self.at = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_go_on_over_records() {
        let first = b"\x02\0\0\0\x02\0\0\0\x03\0\0a".as_slice();
        let second = b"\x01b\0c\0\x01\0\x08\x01\0d".as_slice();
        let strings = Strings::new(first, vec![second, b"\0\0\0\0".as_slice()]).read();
        assert_eq!(strings, ["abc", "d"]);
    }
}
