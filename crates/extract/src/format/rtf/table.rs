//! The rows of a table, as they come.

/// A table has at most so many columns.
const MAX_COLUMNS: usize = 200;

/// How a cell is merged with its neighbours.
#[derive(Debug, Clone, Copy, Default)]
struct Merge {
    with_left: bool,
    with_above: bool,
}

/// A table in the making.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    /// How the cells of the row at hand are merged.
    merges: Vec<Merge>,
    next: Merge,
}

impl Table {
    /// Takes in a control word that defines a row.
    pub(super) fn word(&mut self, word: &str) {
        match word {
            "trowd" => {
                self.merges.clear();
                self.next = Merge::default();
            }
            "clmrg" => self.next.with_left = true,
            "clvmrg" => self.next.with_above = true,
            "cellx" if self.merges.len() < MAX_COLUMNS => {
                self.merges.push(std::mem::take(&mut self.next));
            }
            _ => {}
        }
    }

    pub(super) fn end_cell(&mut self, text: String) {
        self.row.push(text);
    }

    pub(super) fn end_row(&mut self) {
        let mut row = std::mem::take(&mut self.row);
        for (at, merge) in self.merges.iter().enumerate().take(row.len()) {
            if !row[at].trim().is_empty() || row.len() > MAX_COLUMNS {
                continue;
            }
            let from = match merge {
                Merge {
                    with_left: true, ..
                } => at.checked_sub(1).and_then(|left| row.get(left)),
                Merge {
                    with_above: true, ..
                } => self.rows.last().and_then(|above| above.get(at)),
                _ => None,
            };
            // A long text is not repeated.
            if let Some(text) = from.filter(|text| text.len() <= 200).cloned() {
                row[at] = text;
            }
        }
        self.rows.push(row);
    }

    /// The rows so far; nothing is left of the table then.
    pub(super) fn take(&mut self) -> Vec<Vec<String>> {
        if !self.row.is_empty() {
            self.end_row();
        }
        std::mem::take(&mut self.rows)
    }
}
