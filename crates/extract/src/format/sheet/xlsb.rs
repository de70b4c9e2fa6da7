//! Workbooks of the Office Open XML kind whose parts are binary: XLSB (MS-XLSB).

use docent_core::document::Format;

use super::super::compound::{u16_at, u32_at, utf16};
use super::super::ooxml;
use super::super::package::Package;
use super::super::word::no_text;
use super::number_format::NumberFormat;
use super::{Grid, cells_place};
use crate::charset::plural;
use crate::compose::Composer;
use crate::job::{Reading, Refusal};

const ROW: u32 = 0;
const STRING_ITEM: u32 = 19;
const FORMAT: u32 = 44;
const STYLE: u32 = 47;
const COLUMNS: u32 = 60;
const SHEET: u32 = 156;
const MERGED: u32 = 176;
const STYLES_BEGIN: u32 = 617;
const STYLES_END: u32 = 618;

/// Reads a workbook whose main part is `main`. Places are cells.
pub(in super::super) fn read(package: &Package<'_>, main: &str) -> Result<Reading, Refusal> {
    let Some(workbook) = package.part(main) else {
        return Err(no_text(package, main));
    };
    let relations = package.relations(main);
    let part = |kind: &str| {
        let relation = relations.iter().find(|relation| relation.kind == kind)?;
        package.part(&relation.target)
    };
    let book = Book {
        strings: strings(&part("sharedStrings").unwrap_or_default()),
        styles: styles(&part("styles").unwrap_or_default()),
    };
    let mut composer = Composer::new(Format::Sheet);
    let mut cells_left = package.job.limits.max_cells;
    let (mut hidden, mut last) = (0, String::new());
    for record in Records(&workbook).filter(|record| record.kind == SHEET) {
        let Some((state, id, name)) = sheet(record.body) else {
            continue;
        };
        hidden += usize::from(state != 0);
        let relation = relations.iter().find(|relation| relation.id == id);
        let Some(cells) = relation.and_then(|relation| package.part(&relation.target)) else {
            continue;
        };
        if cells_left == 0 || package.job.is_late() {
            package.fault(format!(
                "the sheets from “{name}” on, because of the limits"
            ));
            break;
        }
        grid(&book, &cells, &mut cells_left).compose(&name, state != 0, &mut composer);
        last = name;
    }
    ooxml::read_properties(package, &mut composer, cells_place(&last, (0, 0), (0, 0)));
    let document = composer.document();
    if hidden > 0 {
        document
            .warnings
            .push(plural(hidden, "hidden sheet").into_owned());
    }
    document.incomplete = package.gap();
    Ok(composer.finish().into())
}

/// What cells refer to.
struct Book {
    strings: Vec<String>,
    styles: Vec<NumberFormat>,
}

struct Record<'p> {
    kind: u32,
    body: &'p [u8],
}

/// Records behind each other; kind and size have seven bits to a byte.
struct Records<'p>(&'p [u8]);

impl<'p> Records<'p> {
    fn number(&mut self, most: usize) -> Option<u32> {
        let mut number = 0;
        for at in 0..most {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u32::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                break;
            }
        }
        Some(number)
    }
}

impl<'p> Iterator for Records<'p> {
    type Item = Record<'p>;

    fn next(&mut self) -> Option<Record<'p>> {
        let kind = self.number(2)?;
        let size = self.number(4)? as usize;
        let body = self.0.get(..size).unwrap_or(self.0);
        self.0 = self.0.get(body.len()..)?;
        Some(Record { kind, body })
    }
}

/// A string with its length in front, and where it ends.
fn string(body: &[u8], at: usize) -> Option<(String, usize)> {
    let length = (u32_at(body, at)? as usize).checked_mul(2)?;
    let end = at.checked_add(4)?.checked_add(length)?;
    Some((utf16(body.get(at + 4..end)?), end))
}

/// State, relation and name of a sheet.
fn sheet(body: &[u8]) -> Option<(u32, String, String)> {
    let (id, end) = string(body, 8)?;
    let (name, _) = string(body, end)?;
    Some((u32_at(body, 0)?, id, name))
}

fn strings(part: &[u8]) -> Vec<String> {
    let items = Records(part).filter(|record| record.kind == STRING_ITEM);
    items
        .map(|item| {
            string(item.body, 1)
                .map(|(text, _)| text)
                .unwrap_or_default()
        })
        .collect()
}

fn styles(part: &[u8]) -> Vec<NumberFormat> {
    let mut own = std::collections::HashMap::new();
    let mut styles = Vec::new();
    let mut in_cells = false;
    for Record { kind, body } in Records(part) {
        match kind {
            FORMAT => {
                let code = string(body, 2).map(|(code, _)| NumberFormat::code(&code));
                own.extend(u16_at(body, 0).zip(code));
            }
            STYLES_BEGIN => in_cells = true,
            STYLES_END => in_cells = false,
            STYLE if in_cells => {
                let id = u16_at(body, 2).unwrap_or(0);
                let builtin = || NumberFormat::builtin(u32::from(id));
                styles.push(own.get(&id).cloned().unwrap_or_else(builtin));
            }
            _ => {}
        }
    }
    styles
}

fn grid(book: &Book, part: &[u8], cells_left: &mut usize) -> Grid {
    let mut grid = Grid::default();
    let mut row = 0;
    for Record { kind, body } in Records(part) {
        let number = |at| u32_at(body, at).unwrap_or(0);
        match kind {
            ROW => {
                row = number(0);
                if body.get(11).is_some_and(|flags| flags & 0x10 != 0) {
                    grid.hide_rows(row, row);
                }
            }
            COLUMNS if u16_at(body, 16).is_some_and(|flags| flags & 1 == 1) => {
                grid.hide_columns(number(0), number(4));
            }
            MERGED => grid.merge([number(0), number(8), number(4), number(12)]),
            2..=11 => {
                let Some(left) = cells_left.checked_sub(1) else {
                    break;
                };
                *cells_left = left;
                grid.set(row, number(0), shown(book, kind, body));
            }
            _ => {}
        }
    }
    grid
}

/// What a cell shows: its column and style lie in front of its value.
fn shown(book: &Book, kind: u32, body: &[u8]) -> String {
    let style = (u32_at(body, 4).unwrap_or(0) & 0xff_ffff) as usize;
    let number = |value: f64| {
        let format = book.styles.get(style).unwrap_or(&NumberFormat::General);
        format.show(value, false)
    };
    match kind {
        2 => number(packed(u32_at(body, 8).unwrap_or(0))),
        4 | 10 => if body.get(8) == Some(&1) {
            "TRUE"
        } else {
            "FALSE"
        }
        .to_owned(),
        5 | 9 => {
            let bytes = body.get(8..16).and_then(|bytes| bytes.try_into().ok());
            bytes
                .map(|bytes| number(f64::from_le_bytes(bytes)))
                .unwrap_or_default()
        }
        6 | 8 => string(body, 8).map(|(text, _)| text).unwrap_or_default(),
        7 => {
            let at = u32_at(body, 8).unwrap_or(u32::MAX) as usize;
            book.strings.get(at).cloned().unwrap_or_default()
        }
        _ => "#ERROR".to_owned(),
    }
}

/// A number in four bytes: an integer or the front half of a float, perhaps times a hundred
/// (MS-XLSB 2.5.123, as in MS-XLS 2.5.217).
pub(in super::super) fn packed(number: u32) -> f64 {
    let value = match number & 2 {
        0 => f64::from_bits(u64::from(number & !3) << 32),
        _ => f64::from(number as i32 >> 2),
    };
    if number & 1 == 1 {
        value / 100.0
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind, body.len() as u8], body].concat()
    }

    fn book() -> Book {
        Book {
            strings: vec!["Flour".into()],
            styles: vec![NumberFormat::General, NumberFormat::builtin(14)],
        }
    }

    #[test]
    fn cells_show_what_the_sheet_shows() {
        let date = [
            &[1, 0, 0, 0, 1, 0, 0, 0],
            44_197f64.to_le_bytes().as_slice(),
        ]
        .concat();
        let part = [
            record(0, &[3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            record(7, &[0; 12]),
            record(5, &date),
            record(2, &[2, 0, 0, 0, 0, 0, 0, 0, (7 << 2) | 2, 0, 0, 0]),
        ];
        let grid = grid(&book(), &part.concat(), &mut 10);
        assert_eq!(grid.into_rows(), [["Flour", "2021-01-01", "7"]]);
    }

    #[test]
    fn kinds_and_sizes_have_seven_bits_to_a_byte() {
        let bytes = [0x9c, 0x01, 0x01, b'x', 0x05, 0x09, b'y'];
        let kinds: Vec<(u32, &[u8])> = Records(&bytes)
            .map(|record| (record.kind, record.body))
            .collect();
        assert_eq!(kinds, [(SHEET, b"x".as_slice()), (5, b"y".as_slice())]);
    }

    proptest! {
        #[test]
        fn any_bytes_make_a_grid(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = grid(&book(), &bytes, &mut 1_000).into_rows();
            let _ = (strings(&bytes), styles(&bytes), sheet(&bytes));
        }
    }
}
