//! Blocks and locators as bytes: a book has a hundred thousand of them.
//!
//! Numbers are LEB128; spans are stored as the gap to the block before and the length. A byte in
//! front tells the kinds apart; new kinds take new numbers, and numbers are never used again.

use docent_core::document::{Block, BlockKind, Locator};

/// Appends a number.
fn put_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a locator.
fn put_locator(locator: Locator, out: &mut Vec<u8>) {
    match locator {
        Locator::Lines { first, last } => {
            out.push(0);
            put_number(u64::from(first), out);
            put_number(u64::from(last), out);
        }
        Locator::Page {
            page,
            first_line,
            last_line,
            last_page,
        } => {
            out.push(1);
            for number in [page, first_line, last_line, last_page] {
                put_number(u64::from(number), out);
            }
        }
    }
}

/// A locator as bytes.
pub(crate) fn encode_locator(locator: Locator) -> Vec<u8> {
    let mut out = Vec::with_capacity(8);
    put_locator(locator, &mut out);
    out
}

/// A document's blocks as bytes.
pub(crate) fn encode_blocks(blocks: &[Block]) -> Vec<u8> {
    let mut out = Vec::with_capacity(blocks.len() * 10);
    put_number(blocks.len() as u64, &mut out);
    let mut at = 0;
    for block in blocks {
        put_number(block.span.start.saturating_sub(at) as u64, &mut out);
        put_number(block.span.len() as u64, &mut out);
        at = block.span.end;
        match &block.kind {
            BlockKind::Paragraph => out.push(0),
            BlockKind::Heading { level } => out.extend([1, *level]),
            BlockKind::ListItem => out.push(2),
            BlockKind::Table => out.push(3),
            BlockKind::Code { item: None } => out.push(4),
            BlockKind::Code { item: Some(item) } => {
                out.push(5);
                put_number(item.len() as u64, &mut out);
                out.extend(item.as_bytes());
            }
        }
        put_locator(block.locator, &mut out);
    }
    out
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
        let kind = match input.byte()? {
            0 => BlockKind::Paragraph,
            1 => BlockKind::Heading {
                level: input.byte()?,
            },
            2 => BlockKind::ListItem,
            3 => BlockKind::Table,
            4 => BlockKind::Code { item: None },
            5 => BlockKind::Code {
                item: Some(input.text()?),
            },
            _ => return None,
        };
        let locator = input.locator()?;
        blocks.push(Block {
            span: start..end,
            kind,
            locator,
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

    fn locator(&mut self) -> Option<Locator> {
        Some(match self.byte()? {
            0 => Locator::Lines {
                first: self.line()?,
                last: self.line()?,
            },
            1 => Locator::Page {
                page: self.line()?,
                first_line: self.line()?,
                last_line: self.line()?,
                last_page: self.line()?,
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn locators() -> impl Strategy<Value = Locator> {
        prop_oneof![
            (any::<u32>(), any::<u32>()).prop_map(|(first, last)| Locator::Lines { first, last }),
            (any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>()).prop_map(
                |(page, first_line, last_line, last_page)| Locator::Page {
                    page,
                    first_line,
                    last_line,
                    last_page
                }
            ),
        ]
    }

    fn kinds() -> impl Strategy<Value = BlockKind> {
        prop_oneof![
            Just(BlockKind::Paragraph),
            any::<u8>().prop_map(|level| BlockKind::Heading { level }),
            Just(BlockKind::ListItem),
            Just(BlockKind::Table),
            proptest::option::of("\\PC{0,9}").prop_map(|item| BlockKind::Code { item }),
        ]
    }

    proptest! {
        #[test]
        fn blocks_come_back(
            parts in prop::collection::vec((0..1000usize, 0..1000usize, kinds(), locators()), 0..20)
        ) {
            let mut at = 0;
            let mut blocks = Vec::new();
            for (gap, length, kind, locator) in parts {
                let start = at + gap;
                at = start + length;
                blocks.push(Block { span: start..at, kind, locator });
            }
            prop_assert_eq!(decode_blocks(&encode_blocks(&blocks)), Some(blocks));
        }

        #[test]
        fn damaged_bytes_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode_blocks(&bytes);
            let _ = decode_locator(&bytes);
        }
    }
}
