//! Tables of OpenDocument text and sheets.

use super::super::sheet::Grid;
use super::super::xml::Element;
use super::walk::Walk;

/// A cell with text is repeated so many times at most; empty ones are only counted.
const MAX_REPEATED: u32 = 1_000;

/// A row with text is repeated so many times at most.
const MAX_ROWS_REPEATED: u32 = 100;

/// A table of one cell, or with a cell of more text than this, is a layout.
const LAYOUT_BYTES: usize = 2_000;

impl Walk<'_, '_> {
    pub(super) fn table(&mut self, table: Element<'_>) {
        let is_layout = is_layout(table);
        if is_layout {
            let cells = table
                .descendants()
                .filter(|element| element.name() == "table-cell");
            for cell in cells.filter(|cell| !has_table(*cell)) {
                self.blocks(cell);
            }
            return;
        }
        let outer = std::mem::take(&mut self.flow);
        let rows = self.rows(table);
        self.flow = outer;
        self.flow.push_table(&rows);
    }

    /// The cells of a table, merged ones filled in.
    pub(super) fn rows(&mut self, table: Element<'_>) -> Vec<Vec<String>> {
        let mut grid = Grid::default();
        let mut comments = Vec::new();
        self.grid(table, &mut grid, &mut 0, &mut comments);
        grid.into_rows()
    }

    /// Puts the rows in an element into a grid from row `next` on. Comments are given apart, each
    /// with the cell that it is on.
    pub(super) fn grid(
        &mut self,
        parent: Element<'_>,
        grid: &mut Grid,
        next: &mut u32,
        comments: &mut Vec<((u32, u32), String)>,
    ) {
        let mut column = 0u32;
        for child in parent.children() {
            match child.name() {
                "table-row" => {
                    let repeated = number(child, "number-rows-repeated").unwrap_or(1);
                    if is_hidden(child) {
                        grid.hide_rows(*next, next.saturating_add(repeated - 1));
                    }
                    let filled = self.row(child, grid, *next, comments);
                    for copy in 1..repeated.min(MAX_ROWS_REPEATED) {
                        if !filled || self.cells_left == 0 {
                            break;
                        }
                        self.row(child, grid, next.saturating_add(copy), comments);
                    }
                    *next = next.saturating_add(repeated);
                }
                "table-column" => {
                    let repeated = number(child, "number-columns-repeated").unwrap_or(1);
                    if is_hidden(child) {
                        grid.hide_columns(column, column.saturating_add(repeated - 1));
                    }
                    column = column.saturating_add(repeated);
                }
                "table-header-rows"
                | "table-rows"
                | "table-row-group"
                | "table-columns"
                | "table-header-columns"
                | "table-column-group" => {
                    self.grid(child, grid, next, comments);
                }
                _ => {}
            }
        }
    }

    /// Puts a row into a grid; `false` if nothing is in it.
    fn row(
        &mut self,
        row: Element<'_>,
        grid: &mut Grid,
        at: u32,
        comments: &mut Vec<((u32, u32), String)>,
    ) -> bool {
        let mut column = 0u32;
        let mut filled = false;
        for cell in row.children() {
            if !matches!(cell.name(), "table-cell" | "covered-table-cell") {
                continue;
            }
            let repeated = number(cell, "number-columns-repeated").unwrap_or(1);
            if let Some(comment) = cell.child("annotation") {
                let outer = std::mem::take(&mut self.flow);
                self.comment(comment);
                let text = std::mem::replace(&mut self.flow, outer).line();
                comments.push(((at, column), text));
            }
            let text = self.cell_text(cell);
            if !text.is_empty() {
                filled = true;
                for copy in 0..repeated.min(MAX_REPEATED) {
                    let Some(left) = self.cells_left.checked_sub(1) else {
                        self.package
                            .fault("further cells (setting max_cells)".into());
                        break;
                    };
                    self.cells_left = left;
                    grid.set(at, column.saturating_add(copy), text.clone());
                }
            }
            let down = number(cell, "number-rows-spanned").unwrap_or(1);
            let across = number(cell, "number-columns-spanned").unwrap_or(1);
            if down > 1 || across > 1 {
                let (bottom, right) = (
                    at.saturating_add(down - 1),
                    column.saturating_add(across - 1),
                );
                grid.merge([at, column, bottom, right]);
            }
            column = column.saturating_add(repeated);
        }
        filled
    }

    fn cell_text(&mut self, cell: Element<'_>) -> String {
        let outer = std::mem::take(&mut self.flow);
        for child in cell.children().filter(|child| child.name() != "annotation") {
            match child.name() {
                "p" | "h" | "list" | "table" => self.block(child),
                _ => self.blocks(child),
            }
        }
        let text = std::mem::replace(&mut self.flow, outer).line();
        match (
            text.is_empty(),
            cell.attr("string-value"),
            cell.attr("value"),
        ) {
            (false, ..) => text,
            (true, Some(value), _) | (true, None, Some(value)) => value.to_owned(),
            _ => text,
        }
    }
}

fn is_layout(table: Element<'_>) -> bool {
    let cells = table
        .descendants()
        .filter(|element| element.name() == "table-cell");
    let mut filled = 0;
    let mut longest = 0;
    for cell in cells {
        let bytes = cell.text().len();
        filled += usize::from(bytes > 0);
        longest = longest.max(bytes);
    }
    filled <= 1 || longest > LAYOUT_BYTES
}

fn has_table(cell: Element<'_>) -> bool {
    cell.find("table").is_some()
}

fn is_hidden(element: Element<'_>) -> bool {
    matches!(element.attr("visibility"), Some("collapse" | "filter"))
}

/// A count, at least one.
fn number(element: Element<'_>, name: &str) -> Option<u32> {
    element
        .attr(name)?
        .parse()
        .ok()
        .map(|number: u32| number.max(1))
}
