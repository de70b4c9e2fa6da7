//! The records of a presentation (MS-PPT 2.3.1, 2.13.24).

use super::super::compound::{u16_at, u32_at};

pub(super) const DOCUMENT: u16 = 1000;
pub(super) const SLIDE: u16 = 1006;
pub(super) const NOTES_ATOM: u16 = 1009;
pub(super) const SLIDE_PERSIST: u16 = 1011;
pub(super) const SHOW_INFO: u16 = 1017;
pub(super) const PLACEHOLDER: u16 = 3011;
pub(super) const OUTLINE_REFERENCE: u16 = 3998;
pub(super) const TEXT_HEADER: u16 = 3999;
pub(super) const TEXT_CHARS: u16 = 4000;
pub(super) const TEXT_BYTES: u16 = 4008;
pub(super) const STRING: u16 = 4026;
pub(super) const HEADERS_FOOTERS: u16 = 4057;
pub(super) const SLIDE_LIST: u16 = 4080;
pub(super) const USER_EDIT: u16 = 4085;
pub(super) const OBJECT: u16 = 4113;
pub(super) const PERSIST_DIRECTORY: u16 = 6002;
pub(super) const COMMENT: u16 = 12000;
pub(super) const SHAPE: u16 = 0xf004;

/// Records are nested so deep at most.
const MAX_DEPTH: usize = 24;

/// A record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'s> {
    pub(super) kind: u16,
    pub(super) instance: u16,
    /// Whether its body is records.
    holds: bool,
    pub(super) body: &'s [u8],
}

impl<'s> Record<'s> {
    /// The record that begins at a place; one that is cut off ends with the stream.
    pub(super) fn at(stream: &'s [u8], at: usize) -> Option<Record<'s>> {
        let version = u16_at(stream, at)?;
        let size = u32_at(stream, at.checked_add(4)?)? as usize;
        let rest = stream.get(at.checked_add(8)?..)?;
        Some(Record {
            kind: u16_at(stream, at + 2)?,
            instance: version >> 4,
            holds: version & 0xf == 0xf,
            body: rest.get(..size).unwrap_or(rest),
        })
    }

    /// The records in it.
    pub(super) fn children(self) -> Records<'s> {
        Records {
            stream: if self.holds { self.body } else { &[] },
        }
    }

    /// Calls `visit` for every record in it, at any depth, in their order; where it says no, what
    /// is in that record is left out.
    pub(super) fn visit(self, visit: &mut impl FnMut(Record<'s>) -> bool) {
        self.visit_below(0, visit);
    }

    fn visit_below(self, depth: usize, visit: &mut impl FnMut(Record<'s>) -> bool) {
        if depth < MAX_DEPTH {
            for child in self.children() {
                if visit(child) {
                    child.visit_below(depth + 1, visit);
                }
            }
        }
    }

    /// The first record of a kind in it, at any depth.
    pub(super) fn find(self, kind: u16) -> Option<Record<'s>> {
        let mut found = None;
        self.visit(&mut |record| {
            if record.kind == kind && found.is_none() {
                found = Some(record);
            }
            found.is_none()
        });
        found
    }

    /// The text of a record that is one.
    pub(super) fn text(self) -> String {
        let text = match self.kind {
            TEXT_BYTES => self.body.iter().map(|byte| char::from(*byte)).collect(),
            _ => super::super::compound::utf16(self.body),
        };
        text.replace(['\r', '\u{b}'], "\n").replace('\0', "")
    }
}

/// Records behind each other.
pub(super) struct Records<'s> {
    pub(super) stream: &'s [u8],
}

impl<'s> Iterator for Records<'s> {
    type Item = Record<'s>;

    fn next(&mut self) -> Option<Record<'s>> {
        let record = Record::at(self.stream, 0)?;
        self.stream = self.stream.get(8 + record.body.len()..)?;
        Some(record)
    }
}
