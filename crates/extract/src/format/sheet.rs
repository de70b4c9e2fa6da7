//! Sheets as tables: what the readers of spreadsheet files share.
//!
//! A sheet is a heading with its name and then its cells, a row to a line. Rows and columns that
//! the original hides stand in hidden blocks of their own.

use std::collections::BTreeMap;

use docent_core::document::{BlockKind, Cell, Locator};

use super::flow::table_text;
use crate::compose::Composer;

pub(super) mod number_format;
pub(super) mod xlsb;
pub(super) mod xlsx;

/// A block of a sheet has at most so many rows, so that its place says something.
const MAX_BLOCK_ROWS: usize = 200;

/// Merged cells are repeated with so many bytes in one sheet.
const MAX_REPEATS: usize = 1 << 20;

/// A merged area of more cells than this is not filled in.
const MAX_MERGED: u32 = 500;

/// A table with more empty cells than this for each full one is written without the empty ones.
const MAX_EMPTY: usize = 20;

/// The cells of a sheet that hold something. Rows and columns are counted from 0.
#[derive(Debug, Default)]
pub(super) struct Grid {
    rows: BTreeMap<u32, BTreeMap<u32, String>>,
    /// The last of each stretch by its first.
    hidden_rows: BTreeMap<u32, u32>,
    hidden_columns: BTreeMap<u32, u32>,
    merged: Vec<[u32; 4]>,
}

impl Grid {
    /// Puts text into a cell.
    pub(super) fn set(&mut self, row: u32, column: u32, text: String) {
        if !text.trim().is_empty() {
            self.rows.entry(row).or_default().insert(column, text);
        }
    }

    pub(super) fn hide_rows(&mut self, first: u32, last: u32) {
        self.hidden_rows.insert(first, last);
    }

    pub(super) fn hide_columns(&mut self, first: u32, last: u32) {
        self.hidden_columns.insert(first, last);
    }

    /// Merges the cells from the first row and column to the last.
    pub(super) fn merge(&mut self, area: [u32; 4]) {
        self.merged.push(area);
    }

    /// Fills merged cells with what the first of them holds. A merged area that has its rows to
    /// itself is a title and stays as it is.
    fn fill_merged(&mut self) {
        let mut room = MAX_REPEATS;
        for [top, left, bottom, right] in std::mem::take(&mut self.merged) {
            let cells =
                (bottom.saturating_sub(top) + 1).checked_mul(right.saturating_sub(left) + 1);
            if !cells.is_some_and(|cells| (2..=MAX_MERGED).contains(&cells)) {
                continue;
            }
            let Some(text) = self.rows.get(&top).and_then(|row| row.get(&left)).cloned() else {
                continue;
            };
            let alone =
                |row: &BTreeMap<u32, String>| row.keys().all(|at| (left..=right).contains(at));
            for row in top..=bottom {
                let Some(cells) = self.rows.get_mut(&row).filter(|cells| !alone(cells)) else {
                    continue;
                };
                for column in left..=right {
                    if room < text.len() {
                        return;
                    }
                    room -= text.len();
                    cells.entry(column).or_insert_with(|| text.clone());
                }
            }
        }
    }

    /// The rows from the first to the last that hold something, merged cells filled in.
    pub(super) fn into_rows(mut self) -> Vec<Vec<String>> {
        self.fill_merged();
        let mut columns: Vec<u32> = self
            .rows
            .values()
            .flat_map(|cells| cells.keys().copied())
            .collect();
        columns.sort_unstable();
        columns.dedup();
        let cells = self.rows.values().map(BTreeMap::len).sum();
        let is_sparse = is_sparse(self.rows.len(), columns.len(), cells);
        let rows = self.rows.values();
        rows.map(|cells| line(Some(cells), &columns, is_sparse))
            .collect()
    }

    /// Adds the sheet's blocks to a document.
    pub(super) fn compose(mut self, sheet: &str, is_hidden: bool, composer: &mut Composer) {
        let top = self.rows.keys().next().copied().unwrap_or(0);
        let heading = BlockKind::Heading { level: 1 };
        let place = cells_place(sheet, (top, 0), (top, 0));
        match is_hidden {
            true => composer.push_hidden(heading, sheet, place),
            false => composer.push(heading, sheet, place),
        }
        self.fill_merged();
        let mut region: Vec<u32> = Vec::new();
        let numbers: Vec<u32> = self.rows.keys().copied().collect();
        let mut header_above = false;
        for row in numbers {
            let ends = region.last().is_some_and(|last| {
                *last + 1 != row || self.is_hidden_row(*last) != self.is_hidden_row(row)
            });
            if ends || region.len() >= MAX_BLOCK_ROWS {
                self.region(sheet, &region, is_hidden, header_above, composer);
                header_above = !ends;
                region.clear();
            }
            region.push(row);
        }
        self.region(sheet, &region, is_hidden, header_above, composer);
    }

    /// Adds rows that follow on each other. `goes_on` says that the header stands above them.
    fn region(
        &self,
        sheet: &str,
        rows: &[u32],
        is_hidden: bool,
        goes_on: bool,
        composer: &mut Composer,
    ) {
        let (Some(&first), Some(&last)) = (rows.first(), rows.last()) else {
            return;
        };
        let mut columns: Vec<u32> = rows
            .iter()
            .filter_map(|row| self.rows.get(row))
            .flat_map(|cells| cells.keys().copied())
            .collect();
        columns.sort_unstable();
        columns.dedup();
        let is_hidden = is_hidden || self.is_hidden_row(first);
        let (unseen, seen): (Vec<u32>, Vec<u32>) = columns
            .into_iter()
            .partition(|column| within(&self.hidden_columns, *column));
        for (columns, hides) in [(seen, is_hidden), (unseen, true)] {
            let (Some(&left), Some(&right)) = (columns.first(), columns.last()) else {
                continue;
            };
            let text = self.text(rows, &columns);
            let place = cells_place(sheet, (first, left), (last, right));
            let kind = BlockKind::Table { continues: goes_on };
            match hides {
                true => composer.push_hidden(kind, &text, place),
                false => composer.push(kind, &text, place),
            }
        }
    }

    /// The lines of rows, each at its place: one without cells in `columns` is a line too.
    fn text(&self, rows: &[u32], columns: &[u32]) -> String {
        let cells = rows
            .iter()
            .filter_map(|row| self.rows.get(row))
            .map(BTreeMap::len)
            .sum();
        let is_sparse = is_sparse(rows.len(), columns.len(), cells);
        let shown = |row| table_text(&[line(self.rows.get(row), columns, is_sparse)]);
        let lines: Vec<String> = rows.iter().map(shown).collect();
        lines.join(
            "
",
        )
    }

    fn is_hidden_row(&self, row: u32) -> bool {
        within(&self.hidden_rows, row)
    }
}

/// A row's cells in `columns`; without the empty ones where most are.
fn line(cells: Option<&BTreeMap<u32, String>>, columns: &[u32], is_sparse: bool) -> Vec<String> {
    let Some(cells) = cells else {
        return Vec::new();
    };
    if is_sparse {
        let seen = cells
            .iter()
            .filter(|(column, _)| columns.binary_search(column).is_ok());
        return seen.map(|(_, text)| text.clone()).collect();
    }
    let cell = |column| cells.get(column).cloned().unwrap_or_default();
    columns.iter().map(cell).collect()
}

fn within(stretches: &BTreeMap<u32, u32>, at: u32) -> bool {
    let before = stretches.range(..=at).next_back();
    before.is_some_and(|(_, last)| at <= *last)
}

/// Whether a table of `rows` and `columns` is nearly empty with so many cells in it.
fn is_sparse(rows: usize, columns: usize, cells: usize) -> bool {
    rows.saturating_mul(columns) > cells.saturating_mul(MAX_EMPTY) + 10_000
}

/// The place of cells that are counted from 0: row, then column.
pub(super) fn cells_place(sheet: &str, first: (u32, u32), last: (u32, u32)) -> Locator {
    let cell = |(row, column): (u32, u32)| Cell {
        row: row.saturating_add(1),
        column: column.saturating_add(1),
    };
    Locator::Cells {
        sheet: sheet.to_owned(),
        first: cell(first),
        last: cell(last),
    }
}

/// Row and column of a reference (`B12`, `$B$12`), counted from 0.
pub(super) fn cell_of(reference: &str) -> Option<(u32, u32)> {
    let mut column = 0u32;
    let mut row = 0u32;
    for character in reference.chars().filter(|character| *character != '$') {
        match character {
            'A'..='Z' | 'a'..='z' if row == 0 => {
                let letter = u32::from(character.to_ascii_uppercase()) - u32::from('A') + 1;
                column = column.checked_mul(26)?.checked_add(letter)?;
            }
            '0'..='9' => row = row.checked_mul(10)?.checked_add(character.to_digit(10)?)?,
            _ => return None,
        }
    }
    Some((row.checked_sub(1)?, column.checked_sub(1)?))
}

#[cfg(test)]
mod tests {
    use docent_core::document::Format;

    use super::*;

    fn document(grid: Grid) -> docent_core::document::Document {
        let mut composer = Composer::new(Format::Sheet);
        grid.compose("Costs", false, &mut composer);
        let document = composer.finish();
        assert_eq!(crate::check(&document), Ok(()));
        document
    }

    #[test]
    fn references_name_cells() {
        assert_eq!(cell_of("A1"), Some((0, 0)));
        assert_eq!(cell_of("$XFD$1048576"), Some((1_048_575, 16_383)));
        assert_eq!(cell_of("A0"), None);
        assert_eq!(cell_of("12"), None);
        assert_eq!(cell_of("ZZZZZZZZZ1"), None);
    }

    #[test]
    fn each_region_has_its_place_and_hidden_parts_are_apart() {
        let mut grid = Grid::default();
        for (row, column, text) in [
            (1, 1, "Item"),
            (1, 3, "Price"),
            (2, 1, "Flour"),
            (2, 2, "x"),
            (2, 3, "9"),
            (9, 0, "End"),
            (10, 0, "Gone"),
        ] {
            grid.set(row, column, text.into());
        }
        grid.hide_columns(2, 2);
        grid.hide_rows(10, 10);
        let document = document(grid);
        assert_eq!(
            document.text,
            "Costs\n\nItem | Price\nFlour | 9\n\nx\n\nEnd\n\nGone"
        );
        let places: Vec<String> = document
            .blocks
            .iter()
            .map(|block| block.locator.to_string())
            .collect();
        assert_eq!(places[1], "sheet “Costs”, B2:D3");
        assert_eq!(places[3], "sheet “Costs”, A10");
        let hidden: Vec<bool> = document.blocks.iter().map(|block| block.hidden).collect();
        assert_eq!(hidden, [false, false, true, false, true]);
        let at = document.text.find("Flour").unwrap();
        assert_eq!(
            document.locate(at..at + 5).unwrap().to_string(),
            "sheet “Costs”, B3:D3"
        );
    }

    #[test]
    fn a_sheet_that_is_nearly_empty_stays_small() {
        let mut grid = Grid::default();
        for row in 0..180 {
            grid.set(row, row * 90, "x".into());
        }
        for column in 0..16_000 {
            grid.set(180, column, "y".into());
        }
        assert!(document(grid).text.len() < 200_000);
    }

    #[test]
    fn merged_cells_are_filled_but_for_titles() {
        let mut grid = Grid::default();
        for (row, column, text) in [(0, 0, "Title"), (1, 0, "a"), (1, 1, "b"), (2, 1, "c")] {
            grid.set(row, column, text.into());
        }
        grid.merge([0, 0, 0, 5]);
        grid.merge([1, 0, 2, 0]);
        grid.merge([0, 0, u32::MAX, u32::MAX]);
        assert!(document(grid).text.ends_with("Title\na | b\na | c"));
    }
}
