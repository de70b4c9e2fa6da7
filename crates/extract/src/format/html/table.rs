//! Tables: those that hold data become a row to a line, those that lay out a page do not.

use ego_tree::NodeRef;
use ego_tree::iter::Edge;
use scraper::node::Node;

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
    let mut rows: Vec<Vec<String>> = Vec::new();
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
            "tr" => rows.push(Vec::new()),
            "caption" => caption = Some(one_line(node, sight)).filter(|text| !text.is_empty()),
            "td" | "th" => {
                let cell = one_line(node, sight);
                if cell.len() > MAX_CELL_BYTES {
                    return None;
                }
                match rows.last_mut() {
                    Some(row) => row.push(cell),
                    None => rows.push(vec![cell]),
                }
            }
            _ => {}
        }
    }
    rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
    if rows.iter().all(|row| row.len() < 2) {
        return None;
    }
    let rows = rows.iter().map(|row| row.join(" | ").trim().to_owned());
    Some(caption.into_iter().chain(rows).collect())
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
