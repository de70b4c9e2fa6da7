//! Tables of Word documents, with merged cells filled in.

use super::super::flow::Flow;
use super::super::xml::Element;
use super::walk::Walk;

/// A table whose cells hold more than this is a layout, whose cells are read one after the
/// other.
const LAYOUT_BYTES: usize = 2_000;

/// A row has at most so many columns, which is Word's own limit.
const MAX_COLUMNS: usize = 63;

/// A row begins at most so many columns late.
const MAX_BEFORE: usize = 15;

/// What a place in a row takes beside its text.
const PLACE_BYTES: usize = 24;

/// A cell, and how many columns it takes.
struct CellText {
    flow: Flow,
    span: usize,
    /// Whether it goes on with the cell above.
    continues: bool,
}

impl<'t> Walk<'t, '_> {
    pub(super) fn table(&mut self, table: Element<'t>) {
        let outer = self.take_flow();
        self.frames += 1;
        let mut rows: Vec<(usize, Vec<CellText>)> = Vec::new();
        self.rows(table, &mut rows);
        self.frames -= 1;
        self.flow = outer;
        let cells = || rows.iter().flat_map(|(_, cells)| cells);
        let longest = cells()
            .map(|cell| cell.flow.lines().len())
            .max()
            .unwrap_or(0);
        let is_box = cells()
            .filter(|cell| !cell.flow.pieces().is_empty())
            .count()
            <= 1;
        if is_box || longest > LAYOUT_BYTES {
            for cell in rows.into_iter().flat_map(|(_, cells)| cells) {
                self.flow.append(cell.flow);
            }
            return;
        }
        let filled = fill(&rows, &mut self.repeats);
        self.flow.push_table(&filled);
        for piece in cells().flat_map(|cell| cell.flow.pieces()) {
            if piece.hidden {
                self.flow.push_hidden(piece.text.clone());
            }
        }
    }

    fn rows(&mut self, parent: Element<'t>, rows: &mut Vec<(usize, Vec<CellText>)>) {
        for child in parent.children() {
            match child.name() {
                "tr" => {
                    let properties = child.child("trPr");
                    if properties.is_some_and(|properties| properties.child("del").is_some()) {
                        self.deletions += 1;
                        continue;
                    }
                    let before = properties.and_then(|properties| number(properties, "gridBefore"));
                    let mut cells = Vec::new();
                    self.cells(child, &mut cells);
                    rows.push((before.unwrap_or(0).min(MAX_BEFORE), cells));
                }
                "del" | "moveFrom" => self.deletions += 1,
                "tblPr" | "tblGrid" => {}
                _ => self.rows(child, rows),
            }
        }
    }

    fn cells(&mut self, parent: Element<'t>, cells: &mut Vec<CellText>) {
        for child in parent.children() {
            match child.name() {
                "tc" => {
                    self.blocks(child);
                    let properties = child.child("tcPr");
                    let merge = properties.and_then(|properties| properties.child("vMerge"));
                    cells.push(CellText {
                        flow: self.take_flow(),
                        span: properties
                            .and_then(|properties| number(properties, "gridSpan"))
                            .unwrap_or(1),
                        continues: merge.is_some_and(|merge| merge.attr("val") != Some("restart")),
                    });
                }
                "trPr" | "tblPrEx" => {}
                _ => self.cells(child, cells),
            }
        }
    }
}

fn number(properties: Element<'_>, name: &str) -> Option<usize> {
    let value = properties.child(name)?.attr("val")?.parse().ok()?;
    Some(std::cmp::min(value, MAX_COLUMNS))
}

/// The rows with a merged cell's text in each place that it takes, unless it takes a whole row.
fn fill(rows: &[(usize, Vec<CellText>)], repeats: &mut usize) -> Vec<Vec<String>> {
    let mut filled: Vec<Vec<String>> = Vec::new();
    for (before, cells) in rows {
        let mut row = vec![String::new(); *before];
        for cell in cells {
            let at = row.len();
            let above = filled.last().and_then(|above| above.get(at));
            let text = match cell.continues {
                true => repeated(above.map_or("", String::as_str), repeats).unwrap_or_default(),
                false => cell.flow.line(),
            };
            let further = match cells.len() {
                1 => 0,
                _ => cell
                    .span
                    .saturating_sub(1)
                    .min(MAX_COLUMNS.saturating_sub(at)),
            };
            let copies: Vec<String> = (0..further)
                .map_while(|_| repeated(&text, repeats))
                .collect();
            row.push(text);
            row.extend(copies);
        }
        filled.push(row);
    }
    filled
}

/// The text again, as long as there is room for it.
fn repeated(text: &str, repeats: &mut usize) -> Option<String> {
    *repeats = repeats.checked_sub(text.len() + PLACE_BYTES)?;
    Some(text.to_owned())
}
