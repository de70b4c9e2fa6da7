//! The file information block, by which everything else is found (MS-DOC 2.5).

use std::ops::Range;

use super::super::compound::{u16_at, u32_at};

/// Word 97 and later.
const MARK: u16 = 0xa5ec;

/// Word 6 and 95.
const OLD_MARK: u16 = 0xa5dc;

/// Where the parts of a document lie.
pub(super) struct Fib<'m> {
    main: &'m [u8],
    pub(super) is_old: bool,
    pub(super) is_encrypted: bool,
    /// Characters of the text, footnotes, headers, macros, comments, endnotes, text boxes, text
    /// boxes of headers.
    counts: [u32; 8],
}

impl<'m> Fib<'m> {
    pub(super) fn read(main: &'m [u8]) -> Option<Fib<'m>> {
        let mark = u16_at(main, 0)?;
        let is_old = match mark {
            MARK => u16_at(main, 2)? < 0xc0,
            OLD_MARK => true,
            _ => return None,
        };
        let first = if is_old { 0x34 } else { 0x4c };
        let mut counts = [0; 8];
        for (at, count) in counts.iter_mut().enumerate() {
            *count = u32_at(main, first + at * 4)?;
        }
        Some(Fib {
            main,
            is_old,
            is_encrypted: u16_at(main, 10)? & 0x100 != 0,
            counts,
        })
    }

    /// The stream that holds the tables.
    pub(super) fn table_stream(&self) -> &'static str {
        let flags = u16_at(self.main, 10).unwrap_or(0);
        match (self.is_old, flags & 0x200 != 0) {
            (true, _) => "WordDocument",
            (_, true) => "1Table",
            (_, false) => "0Table",
        }
    }

    /// Where the characters of a document of Word 6 lie.
    pub(super) fn old_text(&self) -> Range<usize> {
        let place = |at| u32_at(self.main, at).unwrap_or(0) as usize;
        place(0x18)..place(0x1c)
    }

    /// The structure whose place and size stand at `at`.
    pub(super) fn part<'t>(&self, table: &'t [u8], at: usize) -> &'t [u8] {
        let start = u32_at(self.main, at).unwrap_or(0) as usize;
        let size = u32_at(self.main, at + 4).unwrap_or(0) as usize;
        let end = start.saturating_add(size);
        table.get(start..end).unwrap_or_default()
    }

    /// What lies behind the structure whose place and size stand at `at`.
    pub(super) fn behind<'t>(&self, table: &'t [u8], at: usize) -> &'t [u8] {
        let start = u32_at(self.main, at).unwrap_or(0) as usize;
        let size = u32_at(self.main, at + 4).unwrap_or(0) as usize;
        let rest = table.get(start.saturating_add(size)..);
        rest.filter(|_| size > 0).unwrap_or_default()
    }

    fn story(&self, number: usize) -> Range<u32> {
        let before = self.counts[..number]
            .iter()
            .fold(0u32, |sum, count| sum.saturating_add(*count));
        before..before.saturating_add(self.counts[number])
    }

    pub(super) fn main_text(&self) -> Range<u32> {
        self.story(0)
    }

    pub(super) fn footnotes(&self) -> Range<u32> {
        self.story(1)
    }

    pub(super) fn headers(&self) -> Range<u32> {
        self.story(2)
    }

    pub(super) fn comments(&self) -> Range<u32> {
        self.story(4)
    }

    pub(super) fn endnotes(&self) -> Range<u32> {
        self.story(5)
    }

    pub(super) fn text_boxes(&self) -> Range<u32> {
        self.story(6)
    }

    pub(super) fn header_boxes(&self) -> Range<u32> {
        self.story(7)
    }
}
