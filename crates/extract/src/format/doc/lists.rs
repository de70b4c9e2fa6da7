//! How paragraphs are numbered (MS-DOC 2.4.6.3).

use super::super::compound::{u16_at, u32_at};
use super::super::word::numbering::{Level, Numbering};
use super::fib::Fib;

/// A document has at most so many lists that are read.
const MAX_LISTS: usize = 20_000;

/// The lists of a document; each use of one has its number, from 1, as its id.
pub(super) fn read(fib: &Fib<'_>, table: &[u8]) -> Numbering {
    let mut numbering = Numbering::default();
    if fib.is_old {
        return numbering;
    }
    let lists = fib.part(table, 0x2e2);
    let mut levels = Levels {
        bytes: fib.behind(table, 0x2e2),
    };
    let count = u16_at(lists, 0).map_or(0, usize::from);
    for at in 0..count {
        let list = lists.get(2 + at * 28..2 + (at + 1) * 28);
        let Some(list) = list else {
            break;
        };
        let simple = list.get(26).is_some_and(|flags| flags & 1 == 1);
        let own = (0..if simple { 1 } else { 9 }).map_while(|_| levels.next());
        numbering.add_list(id(list), own.collect());
    }
    read_uses(fib.part(table, 0x2ea), &mut numbering);
    numbering
}

fn id(list: &[u8]) -> String {
    u32_at(list, 0).unwrap_or(0).to_string()
}

/// Reads the uses of lists, with what each changes of its list.
fn read_uses(uses: &[u8], numbering: &mut Numbering) {
    let count = u32_at(uses, 0)
        .map_or(0, |count| count as usize)
        .min(MAX_LISTS);
    let mut changes = Levels {
        bytes: uses.get(4 + count * 16..).unwrap_or_default(),
    };
    for at in 0..count {
        let Some(list) = uses.get(4 + at * 16..4 + (at + 1) * 16) else {
            break;
        };
        let number = (at + 1).to_string();
        numbering.add_number(number.clone(), id(list));
        changes.skip(4);
        for _ in 0..list.get(12).copied().unwrap_or(0) {
            let (Some(start), Some(flags)) = (u32_at(changes.bytes, 0), u32_at(changes.bytes, 4))
            else {
                return;
            };
            changes.skip(8);
            let level = (flags & 0xf) as usize;
            if flags & 0x20 != 0
                && let Some(own) = changes.next()
            {
                numbering.change_level(&number, level, own);
            } else if flags & 0x10 != 0 {
                numbering.change_start(&number, level, start);
            }
        }
    }
}

/// Levels behind each other.
struct Levels<'t> {
    bytes: &'t [u8],
}

impl Levels<'_> {
    fn skip(&mut self, count: usize) {
        self.bytes = self.bytes.get(count..).unwrap_or_default();
    }

    fn next(&mut self) -> Option<Level> {
        let fixed = self.bytes.get(..28)?;
        let start = u32_at(fixed, 0)?;
        let (format, flags, follow) = (fixed[4], fixed[5], fixed[15]);
        let (restart, sizes) = (fixed[26], usize::from(fixed[24]) + usize::from(fixed[25]));
        self.skip(28 + sizes);
        let length = usize::from(u16_at(self.bytes, 0)?);
        let mut text = String::new();
        let units = self.bytes.get(2..2 + length * 2)?.chunks_exact(2);
        let units = units.filter_map(|unit| u16_at(unit, 0));
        for character in char::decode_utf16(units).flatten() {
            match u32::from(character) {
                level @ 0..9 => text.push_str(&format!("%{}", level + 1)),
                _ => text.push(character),
            }
        }
        self.skip(2 + length * 2);
        let format = match format {
            1 => "upperRoman",
            2 => "lowerRoman",
            3 => "upperLetter",
            4 => "lowerLetter",
            5 => "ordinal",
            22 => "decimalZero",
            23 => "bullet",
            255 => "none",
            _ => "decimal",
        };
        Some(Level {
            start,
            format: format.to_owned(),
            text,
            restart: (flags & 8 != 0).then_some(usize::from(restart)),
            legal: flags & 4 != 0,
            glued: follow == 2,
        })
    }
}
