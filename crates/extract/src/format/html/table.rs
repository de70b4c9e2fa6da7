//! Tables: those that hold data become a row to a line, those that lay out a page do not.

use ego_tree::NodeRef;
use ego_tree::iter::Edge;
use scraper::node::{Element, Node};

use super::hidden::Sight;
use super::render::{heading_level, is_left_out, seen_text};

/// A cell that is longer than this holds more than a datum.
const MAX_CELL_BYTES: usize = 2_000;

/// The rows of a table of data, cells joined by ` | `. `None` for a table that only lays out
/// the page: one with a single column, with other tables, headings, lists or forms inside, or
/// with cells as long as pages.
pub(super) fn rows(table: NodeRef<'_, Node>, sight: Sight) -> Option<Vec<String>> {
    if table
        .traverse()
        .any(|edge| matches!(edge, Edge::Open(node) if node != table && lays_out(node)))
    {
        return None;
    }
    let mut rows = Grid::default();
    let mut caption = None;
    let mut left_out: Option<NodeRef<'_, Node>> = None;
    for edge in table.traverse() {
        let node = match (edge, left_out) {
            (Edge::Close(node), Some(out)) if node == out => {
                left_out = None;
                continue;
            }
            (Edge::Open(node), None) => node,
            _ => continue,
        };
        let Node::Element(element) = node.value() else {
            continue;
        };
        match element.name() {
            _ if is_left_out(element) || sight.is_hidden(node) => left_out = Some(node),
            "tr" => rows.begin_row(),
            "caption" => caption = Some(one_line(node, sight)).filter(|text| !text.is_empty()),
            "td" | "th" => {
                let cell = one_line(node, sight);
                if cell.len() > MAX_CELL_BYTES {
                    return None;
                }
                rows.cell(cell, span(element, "colspan"), span(element, "rowspan"));
            }
            _ => {}
        }
    }
    let mut rows = rows.finish();
    rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
    if rows.iter().all(|row| row.len() < 2) {
        return None;
    }
    let rows = rows.iter().map(|row| row.join(" | ").trim().to_owned());
    Some(caption.into_iter().chain(rows).collect())
}

/// Rows in the making, in which a cell that spans several columns or rows stands in each.
#[derive(Default)]
struct Grid {
    rows: Vec<Vec<String>>,
    /// By column: for how many rows a cell above still counts, and what is in it.
    above: Vec<(usize, String)>,
}

impl Grid {
    fn begin_row(&mut self) {
        if !self.rows.is_empty() {
            self.fill();
        }
        self.rows.push(Vec::new());
    }

    fn cell(&mut self, text: String, columns: usize, rows: usize) {
        if self.rows.is_empty() {
            self.rows.push(Vec::new());
        }
        self.fill();
        let Some(row) = self.rows.last_mut() else {
            return;
        };
        for _ in 0..columns {
            let column = row.len();
            row.push(text.clone());
            if rows > 1 {
                if self.above.len() <= column {
                    self.above.resize(column + 1, (0, String::new()));
                }
                self.above[column] = (rows - 1, text.clone());
            }
        }
    }

    /// Puts into the row what reaches down from above to its next columns.
    fn fill(&mut self) {
        let Some(row) = self.rows.last_mut() else {
            return;
        };
        while let Some((left, text)) = self.above.get_mut(row.len()).filter(|above| above.0 > 0) {
            *left -= 1;
            row.push(text.clone());
        }
    }

    fn finish(mut self) -> Vec<Vec<String>> {
        self.fill();
        self.rows
    }
}

/// How many columns or rows a cell spans.
fn span(element: &Element, attribute: &str) -> usize {
    /// More is a mistake, or meant to fill the memory.
    const MAX: usize = 50;
    let number = element
        .attr(attribute)
        .and_then(|span| span.trim().parse().ok());
    number.unwrap_or(1).clamp(1, MAX)
}

fn lays_out(node: NodeRef<'_, Node>) -> bool {
    let Node::Element(element) = node.value() else {
        return false;
    };
    let name = element.name();
    heading_level(name).is_some()
        || matches!(
            name,
            "table" | "ul" | "ol" | "dl" | "pre" | "form" | "blockquote" | "section" | "article"
        )
}

fn one_line(node: NodeRef<'_, Node>, sight: Sight) -> String {
    let text = seen_text(node, sight);
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}
