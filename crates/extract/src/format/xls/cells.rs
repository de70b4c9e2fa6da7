//! The cells of a sheet, and what stands beside them.

use super::super::compound::{u16_at, u32_at};
use super::super::sheet::Grid;
use super::super::sheet::xlsb::packed;
use super::record::{self, Record, Records};
use super::{Book, strings};

/// What a sheet holds.
pub(super) struct Cells {
    pub(super) grid: Grid,
    /// Texts of boxes and comments.
    pub(super) texts: Vec<String>,
    /// Running heads and feet, with their codes.
    pub(super) heads: Vec<String>,
}

impl Cells {
    /// Reads the records of a sheet; each cell takes one from `cells_left`.
    pub(super) fn read(book: &Book, mut records: Records<'_>, cells_left: &mut usize) -> Cells {
        let mut cells = Cells {
            grid: Grid::default(),
            texts: Vec::new(),
            heads: Vec::new(),
        };
        let mut depth = 0usize;
        let mut formula = None;
        while let Some(record) = records.next() {
            match record.kind {
                record::BEGIN => depth += 1,
                record::END if depth <= 1 => break,
                record::END => depth -= 1,
                // Charts lie inside sheets as sheets of their own.
                _ if depth > 1 => {}
                record::FORMULA => formula = cells.formula(book, record.body),
                record::RESULT => {
                    if let Some((row, column)) = formula.take() {
                        let text = book.string(record.body, true);
                        cells.grid.set(row, column, text);
                    }
                }
                record::TEXT => cells.text_box(record.body, &records.continued()),
                _ => cells.cell(book, record),
            }
            *cells_left = cells_left.saturating_sub(usize::from(is_cell(record.kind)));
            if *cells_left == 0 {
                break;
            }
        }
        cells
    }

    fn cell(&mut self, book: &Book, Record { kind, body }: Record<'_>) {
        let number = |at| u16_at(body, at).map(u32::from);
        let (Some(row), Some(column)) = (number(0), number(2)) else {
            return self.head(book, kind, body);
        };
        let style = u16_at(body, 4).unwrap_or(0);
        match kind {
            record::SHARED_LABEL => {
                let at = u32_at(body, 6).unwrap_or(u32::MAX) as usize;
                let text = book.strings.get(at).cloned().unwrap_or_default();
                self.grid.set(row, column, text);
            }
            record::LABEL | record::RICH_LABEL => {
                let text = book.string(body.get(6..).unwrap_or_default(), true);
                self.grid.set(row, column, text);
            }
            record::NUMBER => {
                if let Some(value) = float(body, 6) {
                    self.grid.set(row, column, book.number(value, style));
                }
            }
            record::PACKED_NUMBER => {
                let value = packed(u32_at(body, 6).unwrap_or(0));
                self.grid.set(row, column, book.number(value, style));
            }
            record::PACKED_NUMBERS => {
                let count = body.len().saturating_sub(6) / 6;
                for at in 0..count {
                    let style = u16_at(body, 4 + at * 6).unwrap_or(0);
                    let value = packed(u32_at(body, 6 + at * 6).unwrap_or(0));
                    self.grid
                        .set(row, column + at as u32, book.number(value, style));
                }
            }
            record::TRUTH => {
                let text = truth(body.get(6).copied(), body.get(7).copied());
                self.grid.set(row, column, text.into());
            }
            record::ROW if number(12).is_some_and(|flags| flags & 0x20 != 0) => {
                self.grid.hide_rows(row, row);
            }
            // Here the first two numbers are the first and the last column.
            record::COLUMNS if number(8).is_some_and(|flags| flags & 1 != 0) => {
                self.grid.hide_columns(row, column);
            }
            record::MERGED => {
                for at in 0..row as usize {
                    let corner = |offset| number(2 + at * 8 + offset);
                    let (Some(top), Some(bottom), Some(left), Some(right)) =
                        (corner(0), corner(2), corner(4), corner(6))
                    else {
                        break;
                    };
                    self.grid.merge([top, left, bottom, right]);
                }
            }
            _ => self.head(book, kind, body),
        }
    }

    fn head(&mut self, book: &Book, kind: u16, body: &[u8]) {
        if matches!(kind, record::HEAD | record::FOOT) && !body.is_empty() {
            self.heads.push(book.string(body, book.is_unicode));
        }
    }

    /// Shows the value that a formula had last; gives the cell's place if it follows as a string.
    fn formula(&mut self, book: &Book, body: &[u8]) -> Option<(u32, u32)> {
        let (row, column) = (u32::from(u16_at(body, 0)?), u32::from(u16_at(body, 2)?));
        if u16_at(body, 12)? != 0xffff {
            let text = book.number(float(body, 6)?, u16_at(body, 4)?);
            self.grid.set(row, column, text);
            return None;
        }
        match body.get(6)? {
            0 => return Some((row, column)),
            1 => self
                .grid
                .set(row, column, truth(body.get(8).copied(), Some(0)).into()),
            2 => self
                .grid
                .set(row, column, truth(body.get(8).copied(), Some(1)).into()),
            _ => {}
        }
        None
    }

    fn text_box(&mut self, body: &[u8], continued: &[&[u8]]) {
        let length = u16_at(body, 10).map_or(0, usize::from);
        if let Some(text) = continued.first() {
            let text = strings::characters(text, length, true, encoding_rs::WINDOWS_1252);
            self.texts.push(text.replace('\r', "\n"));
        }
    }
}

fn is_cell(kind: u16) -> bool {
    matches!(
        kind,
        record::SHARED_LABEL
            | record::LABEL
            | record::RICH_LABEL
            | record::NUMBER
            | record::PACKED_NUMBER
            | record::PACKED_NUMBERS
            | record::FORMULA
            | record::TRUTH
    )
}

fn float(body: &[u8], at: usize) -> Option<f64> {
    let bytes = body.get(at..at + 8)?;
    Some(f64::from_le_bytes(bytes.try_into().ok()?))
}

/// A truth value or an error.
fn truth(value: Option<u8>, is_error: Option<u8>) -> &'static str {
    match (value, is_error) {
        (Some(1), Some(0)) => "TRUE",
        (Some(_), Some(0)) => "FALSE",
        (Some(0x07), _) => "#DIV/0!",
        (Some(0x0f), _) => "#VALUE!",
        (Some(0x17), _) => "#REF!",
        (Some(0x1d), _) => "#NAME?",
        (Some(0x24), _) => "#NUM!",
        (Some(0x2a), _) => "#N/A",
        _ => "#NULL!",
    }
}
