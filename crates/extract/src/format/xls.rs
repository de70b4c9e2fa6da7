//! Workbooks of the binary kind: XLS of Excel 5 to 2003 (MS-XLS).

use docent_core::document::{BlockKind, Format};
use encoding_rs::Encoding;

use super::compound::{Compound, encrypted, summary, u16_at, u32_at};
use super::rtf::by_code_page;
use super::sheet::cells_place;
use super::sheet::number_format::NumberFormat;
use super::sheet::xlsx::head_text;
use crate::charset::plural;
use crate::compose::Composer;
use crate::job::{Reading, Refusal};

mod cells;
mod record;
mod strings;

use cells::Cells;
use record::{Record, Records};
use strings::Strings;

/// Reads a workbook from the stream of a name. Places are cells.
pub(super) fn read(file: &Compound<'_>, name: &str) -> Result<Reading, Refusal> {
    let Some(stream) = file.stream(name) else {
        return Err("damaged: the workbook cannot be unpacked".into());
    };
    let mut book = Book::read(&stream)?;
    let mut composer = Composer::new(Format::Sheet);
    let mut cells_left = file.job.limits.max_cells;
    let mut hidden = 0;
    let mut last = String::new();
    for sheet in std::mem::take(&mut book.sheets) {
        if file.job.is_late() {
            let gap = format!(
                "not read: the sheets from “{}” on, because the time was over",
                sheet.name
            );
            composer.document().incomplete = Some(gap.into());
            break;
        }
        hidden += usize::from(sheet.is_hidden);
        let records = Records::new(&stream, sheet.start);
        let cells = Cells::read(&book, records, &mut cells_left);
        cells
            .grid
            .compose(&sheet.name, sheet.is_hidden, &mut composer);
        let place = cells_place(&sheet.name, (0, 0), (0, 0));
        for text in cells.texts {
            match sheet.is_hidden {
                true => composer.push_hidden(BlockKind::Paragraph, &text, place.clone()),
                false => composer.push(BlockKind::Paragraph, &text, place.clone()),
            }
        }
        for head in cells.heads {
            let text = head_text(&head);
            if !text.is_empty() && !composer.has_furniture(&text) {
                composer.push_furniture(&text, place.clone());
            }
        }
        if cells_left == 0 {
            let gap = format!(
                "not read: the sheet “{}” and those behind it, wholly",
                sheet.name
            );
            let gap = docent_core::source::Gap::new(gap).help("raise the setting max_cells");
            composer.document().incomplete = Some(gap);
            break;
        }
        last = sheet.name;
    }
    summary::read(file, &mut composer, cells_place(&last, (0, 0), (0, 0)));
    if hidden > 0 {
        let what = plural(hidden, "hidden sheet").into_owned();
        composer.document().warnings.push(what);
    }
    let inner = super::compound::embedded(file, "/MBD");
    Ok(Reading {
        document: composer.finish(),
        inner,
    })
}

/// What all sheets of a workbook share.
struct Book {
    sheets: Vec<Sheet>,
    strings: Vec<String>,
    /// Whether strings say themselves how they are encoded.
    is_unicode: bool,
    page: &'static Encoding,
    from_1904: bool,
    /// The number format of each cell style.
    styles: Vec<NumberFormat>,
}

struct Sheet {
    name: String,
    is_hidden: bool,
    start: usize,
}

impl Book {
    fn read(stream: &[u8]) -> Result<Book, Refusal> {
        let mut book = Book {
            sheets: Vec::new(),
            strings: Vec::new(),
            is_unicode: true,
            page: encoding_rs::WINDOWS_1252,
            from_1904: false,
            styles: Vec::new(),
        };
        let mut formats = std::collections::HashMap::new();
        let mut styles = Vec::new();
        let mut records = Records::new(stream, 0);
        while let Some(Record { kind, body }) = records.next() {
            match kind {
                record::BEGIN => {
                    book.is_unicode = u16_at(body, 0).is_some_and(|version| version >= 0x600)
                }
                record::PASSWORD => return Err(encrypted().into()),
                record::CODE_PAGE => {
                    let page = u16_at(body, 0).and_then(|page| match page {
                        0x8000 => Some(encoding_rs::MACINTOSH),
                        page => by_code_page(i32::from(page)),
                    });
                    book.page = page.unwrap_or(book.page);
                }
                record::DATE_MODE => book.from_1904 = u16_at(body, 0) == Some(1),
                record::FORMAT => {
                    let code = book.string(body.get(2..).unwrap_or_default(), book.is_unicode);
                    formats.insert(u16_at(body, 0).unwrap_or(0), NumberFormat::code(&code));
                }
                record::STYLE => styles.push(u16_at(body, 2).unwrap_or(0)),
                record::SHEET => book.sheet(body),
                record::STRINGS => book.strings = Strings::new(body, records.continued()).read(),
                record::END => break,
                _ => {}
            }
        }
        let format = |id: &u16| {
            let builtin = || NumberFormat::builtin(u32::from(*id));
            formats.get(id).cloned().unwrap_or_else(builtin)
        };
        book.styles = styles.iter().map(format).collect();
        Ok(book)
    }

    fn sheet(&mut self, body: &[u8]) {
        let (Some(start), Some(state)) = (u32_at(body, 0), u16_at(body, 4)) else {
            return;
        };
        // Sheets of charts and macros have no cells.
        if state >> 8 == 0 {
            let name = self.string(body.get(6..).unwrap_or_default(), false);
            self.sheets.push(Sheet {
                name,
                is_hidden: state & 3 != 0,
                start: start as usize,
            });
        }
    }

    /// A string with its length in front: two bytes of it if `is_long`.
    fn string(&self, body: &[u8], is_long: bool) -> String {
        let (length, rest) = match is_long {
            true => (u16_at(body, 0).map(usize::from), body.get(2..)),
            false => (
                body.first().map(|length| usize::from(*length)),
                body.get(1..),
            ),
        };
        let (Some(length), Some(rest)) = (length, rest) else {
            return String::new();
        };
        strings::characters(rest, length, self.is_unicode, self.page)
    }

    /// A number as a cell of a style shows it.
    fn number(&self, number: f64, style: u16) -> String {
        let format = self.styles.get(usize::from(style));
        format
            .unwrap_or(&NumberFormat::General)
            .show(number, self.from_1904)
    }
}

#[cfg(test)]
mod tests;
