//! The records of a workbook (MS-XLS 2.3.1).

use super::super::compound::u16_at;

pub(super) const FORMULA: u16 = 0x06;
pub(super) const END: u16 = 0x0a;
pub(super) const HEAD: u16 = 0x14;
pub(super) const FOOT: u16 = 0x15;
pub(super) const DATE_MODE: u16 = 0x22;
pub(super) const PASSWORD: u16 = 0x2f;
pub(super) const CONTINUE: u16 = 0x3c;
pub(super) const CODE_PAGE: u16 = 0x42;
pub(super) const COLUMNS: u16 = 0x7d;
pub(super) const SHEET: u16 = 0x85;
pub(super) const PACKED_NUMBERS: u16 = 0xbd;
pub(super) const RICH_LABEL: u16 = 0xd6;
pub(super) const STYLE: u16 = 0xe0;
pub(super) const MERGED: u16 = 0xe5;
pub(super) const STRINGS: u16 = 0xfc;
pub(super) const SHARED_LABEL: u16 = 0xfd;
pub(super) const TEXT: u16 = 0x1b6;
pub(super) const NUMBER: u16 = 0x203;
pub(super) const LABEL: u16 = 0x204;
pub(super) const TRUTH: u16 = 0x205;
pub(super) const RESULT: u16 = 0x207;
pub(super) const ROW: u16 = 0x208;
pub(super) const PACKED_NUMBER: u16 = 0x27e;
pub(super) const FORMAT: u16 = 0x41e;
pub(super) const BEGIN: u16 = 0x809;

/// A record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'s> {
    pub(super) kind: u16,
    pub(super) body: &'s [u8],
}

/// Records behind each other.
#[derive(Debug, Clone)]
pub(super) struct Records<'s> {
    rest: &'s [u8],
}

impl<'s> Records<'s> {
    /// Those from a place of the stream on.
    pub(super) fn new(stream: &'s [u8], start: usize) -> Self {
        Records {
            rest: stream.get(start..).unwrap_or_default(),
        }
    }

    /// The bodies of the records that go on with the last one.
    pub(super) fn continued(&mut self) -> Vec<&'s [u8]> {
        let mut bodies = Vec::new();
        while u16_at(self.rest, 0) == Some(CONTINUE) {
            match self.next() {
                Some(record) => bodies.push(record.body),
                None => break,
            }
        }
        bodies
    }
}

impl<'s> Iterator for Records<'s> {
    type Item = Record<'s>;

    fn next(&mut self) -> Option<Record<'s>> {
        let kind = u16_at(self.rest, 0)?;
        let size = usize::from(u16_at(self.rest, 2)?);
        let rest = self.rest.get(4..)?;
        let body = rest.get(..size).unwrap_or(rest);
        self.rest = rest.get(body.len()..)?;
        Some(Record { kind, body })
    }
}
