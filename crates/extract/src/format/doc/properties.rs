//! What holds for paragraphs and runs: pages of 512 bytes with changes to a style (MS-DOC 2.9.32,
//! 2.9.174), found by the place of a character in the file.

use super::super::compound::{u16_at, u32_at};
use super::fib::Fib;

const PAGE: usize = 512;

/// Styles rest on styles; longer chains are cut off.
const MAX_CHAIN: usize = 12;

/// What holds for a paragraph.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Paragraph {
    pub(super) heading: Option<u8>,
    pub(super) in_table: bool,
    pub(super) ends_row: bool,
    /// The number of the list's use, from 1, and the level.
    pub(super) list: Option<(u16, u8)>,
}

/// What holds for a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) hidden: bool,
    pub(super) deleted: bool,
}

/// A stretch of the file and what holds there.
struct Stretch<T> {
    first: u32,
    end: u32,
    holds: T,
}

#[derive(Default)]
pub(super) struct Properties {
    paragraphs: Vec<Stretch<Paragraph>>,
    runs: Vec<Stretch<Run>>,
}

impl Properties {
    pub(super) fn read(fib: &Fib<'_>, main: &[u8], table: &[u8]) -> Properties {
        if fib.is_old {
            return Properties::default();
        }
        let styles = headings(fib.part(table, 0xa2));
        let mut properties = Properties::default();
        for page in pages(fib.part(table, 0x102), main) {
            properties.read_paragraphs(page, &styles);
        }
        for page in pages(fib.part(table, 0xfa), main) {
            properties.read_runs(page);
        }
        properties.paragraphs.sort_by_key(|stretch| stretch.first);
        properties.runs.sort_by_key(|stretch| stretch.first);
        properties
    }

    fn read_paragraphs(&mut self, page: &[u8], styles: &[Option<u8>]) {
        let count = usize::from(page[PAGE - 1]);
        for at in 0..count {
            let (Some(first), Some(end)) = (u32_at(page, at * 4), u32_at(page, at * 4 + 4)) else {
                return;
            };
            let place = page.get((count + 1) * 4 + at * 13);
            let Some(place) = place
                .map(|place| usize::from(*place) * 2)
                .filter(|place| *place > 0)
            else {
                continue;
            };
            let changes = match page.get(place).copied() {
                Some(0) => {
                    let size = page.get(place + 1).map_or(0, |size| usize::from(*size) * 2);
                    page.get(place + 2..place + 2 + size)
                }
                Some(size) => page.get(place + 1..(place + usize::from(size) * 2)),
                None => None,
            };
            let Some(changes) = changes else {
                continue;
            };
            let style = u16_at(changes, 0).map_or(0, usize::from);
            let mut holds = Paragraph {
                heading: styles.get(style).copied().flatten(),
                ..Paragraph::default()
            };
            let mut level = 0;
            for (change, operand) in Changes(changes.get(2..).unwrap_or_default()) {
                let value = operand.first().copied().unwrap_or(0);
                match change {
                    0x2416 => holds.in_table = value != 0,
                    0x2417 => holds.ends_row = value != 0,
                    0x2640 => holds.heading = (value < 9).then_some(value + 1),
                    0x260a => level = value,
                    0x460b => {
                        let list = u16_at(operand, 0).filter(|list| (1..0xf800).contains(list));
                        holds.list = list.map(|list| (list, 0));
                    }
                    _ => {}
                }
            }
            holds.list = holds.list.map(|(list, _)| (list, level));
            self.paragraphs.push(Stretch { first, end, holds });
        }
    }

    fn read_runs(&mut self, page: &[u8]) {
        let count = usize::from(page[PAGE - 1]);
        for at in 0..count {
            let (Some(first), Some(end)) = (u32_at(page, at * 4), u32_at(page, at * 4 + 4)) else {
                return;
            };
            let place = page
                .get((count + 1) * 4 + at)
                .map_or(0, |place| usize::from(*place) * 2);
            let size = page.get(place).map_or(0, |size| usize::from(*size));
            let Some(changes) = page.get(place + 1..place + 1 + size).filter(|_| place > 0) else {
                continue;
            };
            let mut holds = Run::default();
            for (change, operand) in Changes(changes) {
                let is_on = operand.first().is_some_and(|value| value & 1 == 1);
                match change {
                    0x083c => holds.hidden = is_on,
                    0x0800 => holds.deleted = is_on,
                    _ => {}
                }
            }
            if holds != Run::default() {
                self.runs.push(Stretch { first, end, holds });
            }
        }
    }

    /// What holds for the paragraph whose mark lies at `place`.
    pub(super) fn paragraph(&self, place: u32) -> Paragraph {
        find(&self.paragraphs, place)
    }

    /// What holds for the character at `place`.
    pub(super) fn run(&self, place: u32) -> Run {
        find(&self.runs, place)
    }
}

fn find<T: Copy + Default>(stretches: &[Stretch<T>], place: u32) -> T {
    let after = stretches.partition_point(|stretch| stretch.first <= place);
    match stretches.get(after.wrapping_sub(1)) {
        Some(stretch) if place < stretch.end => stretch.holds,
        _ => T::default(),
    }
}

/// The pages that a table of pages lists.
fn pages<'m>(list: &[u8], main: &'m [u8]) -> Vec<&'m [u8]> {
    let count = list.len().saturating_sub(4) / 8;
    // No file has more pages than there is room for.
    (0..count.min(main.len() / PAGE + 1))
        .filter_map(|at| {
            let number = u32_at(list, (count + 1) * 4 + at * 4)? & 0x3f_ffff;
            let start = number as usize * PAGE;
            main.get(start..start + PAGE)
        })
        .collect()
}

/// The level of the heading that each style makes (MS-DOC 2.9.271).
fn headings(sheet: &[u8]) -> Vec<Option<u8>> {
    let Some(header) = u16_at(sheet, 0) else {
        return Vec::new();
    };
    let count = u16_at(sheet, 2).unwrap_or(0);
    let mut at = 2 + usize::from(header);
    let mut styles: Vec<(u16, usize)> = Vec::new();
    for _ in 0..count {
        let Some(size) = u16_at(sheet, at) else {
            break;
        };
        let id = u16_at(sheet, at + 2)
            .filter(|_| size > 0)
            .map_or(0xfff, |id| id & 0xfff);
        let base = u16_at(sheet, at + 4)
            .filter(|_| size > 0)
            .map_or(0xfff, |base| base >> 4);
        styles.push((id, usize::from(base)));
        at += 2 + usize::from(size);
    }
    let level = |style: usize| {
        let first = styles.get(style);
        let chain = std::iter::successors(first, |(_, base)| styles.get(*base));
        chain.take(MAX_CHAIN).find_map(|(id, _)| match id {
            1..=9 => Some(*id as u8),
            62 => Some(1),
            _ => None,
        })
    };
    (0..styles.len()).map(level).collect()
}

/// The changes in a list of them, each with its operand (MS-DOC 2.6.1).
struct Changes<'c>(&'c [u8]);

impl<'c> Iterator for Changes<'c> {
    type Item = (u16, &'c [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let change = u16_at(self.0, 0)?;
        let rest = self.0.get(2..)?;
        let (skip, size) = match change >> 13 {
            0 | 1 => (0, 1),
            2 | 4 | 5 => (0, 2),
            3 => (0, 4),
            7 => (0, 3),
            _ if change == 0xd608 => (2, usize::from(u16_at(rest, 0)?).saturating_sub(1)),
            _ => (1, usize::from(*rest.first()?)),
        };
        let operand = rest.get(skip..skip + size)?;
        self.0 = rest.get(skip + size..)?;
        Some((change, operand))
    }
}
