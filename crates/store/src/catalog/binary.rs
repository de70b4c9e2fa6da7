//! Blocks and locators as bytes: a book has a hundred thousand of them.
//!
//! Numbers are LEB128; spans are stored as the gap to the block before and the length. A byte in
//! front tells the kinds apart; new kinds take new numbers, and numbers are never used again.

use docent_core::document::{Area, Badge, Block, BlockKind, Cell, Line, Locator};

/// Appends a number.
fn put_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_numbers<const N: usize>(numbers: [u32; N], out: &mut Vec<u8>) {
    for number in numbers {
        put_number(u64::from(number), out);
    }
}

/// Appends a number that may be negative, the sign in the lowest bit.
fn put_signed(number: i64, out: &mut Vec<u8>) {
    put_number(((number << 1) ^ (number >> 63)) as u64, out);
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    put_number(text.len() as u64, out);
    out.extend(text.as_bytes());
}

fn put_area(area: Area, out: &mut Vec<u8>) {
    put_signed(i64::from(area.left), out);
    put_signed(i64::from(area.top), out);
    put_signed(i64::from(area.right) - i64::from(area.left), out);
    put_signed(i64::from(area.bottom) - i64::from(area.top), out);
}

fn badge_number(badge: Badge) -> u8 {
    match badge {
        Badge::Text => 0,
        Badge::Repaired => 1,
        Badge::Ocr => 2,
        Badge::Unreadable => 3,
    }
}

/// Appends a locator.
fn put_locator(locator: &Locator, out: &mut Vec<u8>) {
    match locator {
        Locator::Lines { first, last } => {
            out.push(0);
            put_numbers([*first, *last], out);
        }
        Locator::Page {
            page,
            first_line,
            last_line,
            last_page,
            area,
            badge,
        } => {
            out.push(1);
            put_numbers([*page, *first_line, *last_line, *last_page], out);
            out.push(badge_number(*badge) | if area.is_some() { 0x80 } else { 0 });
            if let Some(area) = area {
                put_area(*area, out);
            }
        }
        Locator::Paragraphs { first, last } => {
            out.push(2);
            put_numbers([*first, *last], out);
        }
        Locator::Cells { sheet, first, last } => {
            out.push(3);
            put_text(sheet, out);
            put_numbers([first.row, first.column, last.row, last.column], out);
        }
        Locator::Slides { first, last } => {
            out.push(4);
            put_numbers([*first, *last], out);
        }
        Locator::Chapter {
            number,
            title,
            first,
            last,
        } => {
            out.push(5);
            put_text(title, out);
            put_numbers([*number, *first, *last], out);
        }
        Locator::Part { part, first, last } => {
            out.push(6);
            put_text(part, out);
            put_numbers([*first, *last], out);
        }
    }
}

/// A locator as bytes.
pub(crate) fn encode_locator(locator: &Locator) -> Vec<u8> {
    let mut out = Vec::with_capacity(16);
    put_locator(locator, &mut out);
    out
}

/// The bit beside a block's kind that says that it is hidden.
const HIDDEN: u8 = 0x80;

/// A document's blocks as bytes.
pub(crate) fn encode_blocks(blocks: &[Block]) -> Vec<u8> {
    let mut out = Vec::with_capacity(blocks.len() * 10);
    put_number(blocks.len() as u64, &mut out);
    let mut at = 0;
    for block in blocks {
        put_number(block.span.start.saturating_sub(at) as u64, &mut out);
        put_number(block.span.len() as u64, &mut out);
        at = block.span.end;
        let hidden = if block.hidden { HIDDEN } else { 0 };
        match &block.kind {
            BlockKind::Paragraph => out.push(hidden),
            BlockKind::Heading { level } => out.extend([1 | hidden, *level]),
            BlockKind::ListItem => out.push(2 | hidden),
            BlockKind::Table { continues: false } => out.push(3 | hidden),
            BlockKind::Code { item: None } => out.push(4 | hidden),
            BlockKind::Code { item: Some(item) } => {
                out.push(5 | hidden);
                put_text(item, &mut out);
            }
            BlockKind::Table { continues: true } => out.push(6 | hidden),
            BlockKind::Furniture => out.push(7 | hidden),
        }
        put_locator(&block.locator, &mut out);
    }
    out
}

/// The lines of a document's pages as bytes.
pub(crate) fn encode_lines(lines: &[Line]) -> Vec<u8> {
    let mut out = Vec::with_capacity(lines.len() * 9);
    put_number(lines.len() as u64, &mut out);
    let mut at = 0;
    for line in lines {
        put_number(line.start.saturating_sub(at) as u64, &mut out);
        put_area(line.area, &mut out);
        at = line.start;
    }
    out
}

/// The lines of some bytes; `None` if they are none.
pub(crate) fn decode_lines(bytes: &[u8]) -> Option<Vec<Line>> {
    let mut input = Input { bytes };
    let count = input.size()?;
    // A damaged count must not ask for all memory: a line takes five bytes or more.
    let mut lines = Vec::with_capacity(count.min(bytes.len() / 5));
    let mut start = 0usize;
    for _ in 0..count {
        start = start.checked_add(input.size()?)?;
        let area = input.area()?;
        lines.push(Line { start, area });
    }
    Some(lines)
}

/// The locator of some bytes; `None` if they are none.
pub(crate) fn decode_locator(bytes: &[u8]) -> Option<Locator> {
    Input { bytes }.locator()
}

/// The blocks of some bytes; `None` if they are none.
pub(crate) fn decode_blocks(bytes: &[u8]) -> Option<Vec<Block>> {
    let mut input = Input { bytes };
    let count = input.size()?;
    // A damaged count must not ask for all memory: a block takes five bytes or more.
    let mut blocks = Vec::with_capacity(count.min(bytes.len() / 5));
    let mut at = 0usize;
    for _ in 0..count {
        let start = at.checked_add(input.size()?)?;
        let end = start.checked_add(input.size()?)?;
        at = end;
        let number = input.byte()?;
        let kind = match number & !HIDDEN {
            0 => BlockKind::Paragraph,
            1 => BlockKind::Heading {
                level: input.byte()?,
            },
            2 => BlockKind::ListItem,
            3 => BlockKind::Table { continues: false },
            4 => BlockKind::Code { item: None },
            5 => BlockKind::Code {
                item: Some(input.text()?),
            },
            6 => BlockKind::Table { continues: true },
            7 => BlockKind::Furniture,
            _ => return None,
        };
        let locator = input.locator()?;
        blocks.push(Block {
            span: start..end,
            kind,
            locator,
            hidden: number & HIDDEN != 0,
        });
    }
    Some(blocks)
}

struct Input<'a> {
    bytes: &'a [u8],
}

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    fn line(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.size()?;
        let (text, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn edge(&mut self, from: i32) -> Option<i32> {
        i32::try_from(i64::from(from).checked_add(self.signed()?)?).ok()
    }

    fn area(&mut self) -> Option<Area> {
        let (left, top) = (self.edge(0)?, self.edge(0)?);
        Some(Area {
            left,
            top,
            right: self.edge(left)?,
            bottom: self.edge(top)?,
        })
    }

    fn cell(&mut self) -> Option<Cell> {
        Some(Cell {
            row: self.line()?,
            column: self.line()?,
        })
    }

    fn page(&mut self) -> Option<Locator> {
        let [page, first_line, last_line, last_page] =
            [self.line()?, self.line()?, self.line()?, self.line()?];
        let byte = self.byte()?;
        let badge = match byte & 0x7f {
            0 => Badge::Text,
            1 => Badge::Repaired,
            2 => Badge::Ocr,
            3 => Badge::Unreadable,
            _ => return None,
        };
        let area = match byte & 0x80 {
            0 => None,
            _ => Some(self.area()?),
        };
        Some(Locator::Page {
            page,
            first_line,
            last_line,
            last_page,
            area,
            badge,
        })
    }

    fn locator(&mut self) -> Option<Locator> {
        Some(match self.byte()? {
            0 => Locator::Lines {
                first: self.line()?,
                last: self.line()?,
            },
            1 => self.page()?,
            2 => Locator::Paragraphs {
                first: self.line()?,
                last: self.line()?,
            },
            3 => Locator::Cells {
                sheet: self.text()?,
                first: self.cell()?,
                last: self.cell()?,
            },
            4 => Locator::Slides {
                first: self.line()?,
                last: self.line()?,
            },
            5 => Locator::Chapter {
                title: self.text()?,
                number: self.line()?,
                first: self.line()?,
                last: self.line()?,
            },
            6 => Locator::Part {
                part: self.text()?,
                first: self.line()?,
                last: self.line()?,
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn areas() -> impl Strategy<Value = Area> {
        any::<[i32; 4]>().prop_map(|[left, top, right, bottom]| Area {
            left,
            top,
            right,
            bottom,
        })
    }

    fn locators() -> impl Strategy<Value = Locator> {
        let badge = prop_oneof![
            Just(Badge::Text),
            Just(Badge::Repaired),
            Just(Badge::Ocr),
            Just(Badge::Unreadable)
        ];
        let cell = || any::<(u32, u32)>().prop_map(|(row, column)| Cell { row, column });
        prop_oneof![
            any::<(u32, u32)>().prop_map(|(first, last)| Locator::Lines { first, last }),
            (any::<[u32; 4]>(), proptest::option::of(areas()), badge).prop_map(
                |([page, first_line, last_line, last_page], area, badge)| Locator::Page {
                    page,
                    first_line,
                    last_line,
                    last_page,
                    area,
                    badge
                }
            ),
            any::<(u32, u32)>().prop_map(|(first, last)| Locator::Paragraphs { first, last }),
            ("\\PC{0,9}", cell(), cell()).prop_map(|(sheet, first, last)| Locator::Cells {
                sheet,
                first,
                last
            }),
            any::<(u32, u32)>().prop_map(|(first, last)| Locator::Slides { first, last }),
            ("\\PC{0,9}", any::<[u32; 3]>()).prop_map(|(title, [number, first, last])| {
                Locator::Chapter {
                    number,
                    title,
                    first,
                    last,
                }
            }),
            ("\\PC{0,9}", any::<(u32, u32)>()).prop_map(|(part, (first, last))| Locator::Part {
                part,
                first,
                last
            }),
        ]
    }

    fn kinds() -> impl Strategy<Value = BlockKind> {
        prop_oneof![
            Just(BlockKind::Paragraph),
            any::<u8>().prop_map(|level| BlockKind::Heading { level }),
            Just(BlockKind::ListItem),
            any::<bool>().prop_map(|continues| BlockKind::Table { continues }),
            Just(BlockKind::Furniture),
            proptest::option::of("\\PC{0,9}").prop_map(|item| BlockKind::Code { item }),
        ]
    }

    proptest! {
        #[test]
        fn blocks_come_back(
            parts in prop::collection::vec(
                (0..1000usize, 0..1000usize, kinds(), locators(), any::<bool>()),
                0..20
            )
        ) {
            let mut at = 0;
            let mut blocks = Vec::new();
            for (gap, length, kind, locator, hidden) in parts {
                let start = at + gap;
                at = start + length;
                blocks.push(Block { span: start..at, kind, locator, hidden });
            }
            prop_assert_eq!(decode_blocks(&encode_blocks(&blocks)), Some(blocks));
        }

        #[test]
        fn lines_come_back(parts in prop::collection::vec((0..1000usize, areas()), 0..20)) {
            let mut start = 0;
            let lines: Vec<Line> = parts
                .into_iter()
                .map(|(gap, area)| {
                    start += gap;
                    Line { start, area }
                })
                .collect();
            prop_assert_eq!(decode_lines(&encode_lines(&lines)), Some(lines));
        }

        #[test]
        fn damaged_bytes_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode_blocks(&bytes);
            let _ = decode_locator(&bytes);
            let _ = decode_lines(&bytes);
        }
    }
}
