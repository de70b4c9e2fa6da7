//! Charts as tables: a row to a category, a column to a series.

use super::super::package::Package;
use super::super::xml::{Element, Tree};

/// A chart has at most so many points that are read.
const MAX_POINTS: usize = 10_000;

/// What a chart shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Chart {
    /// Titles of the chart and of its axes.
    pub(in super::super) titles: Vec<String>,
    /// The first row names the series.
    pub(in super::super) rows: Vec<Vec<String>>,
}

/// Reads a chart's part.
pub(in super::super) fn read(package: &Package<'_>, part: &str) -> Chart {
    let tree = package.tree(part);
    tree.as_ref()
        .and_then(Tree::root)
        .map(of)
        .unwrap_or_default()
}

fn of(root: Element<'_>) -> Chart {
    let mut chart = Chart::default();
    let mut header = vec![String::new()];
    let mut categories: Vec<String> = Vec::new();
    let mut columns: Vec<Vec<String>> = Vec::new();
    for element in root.descendants() {
        match element.name() {
            "title" => chart.titles.extend(title(element)),
            "ser" => {
                header.push(
                    element
                        .child("tx")
                        .map(|tx| series_name(tx))
                        .unwrap_or_default(),
                );
                let own = element.child("cat").or_else(|| element.child("xVal"));
                let own = own.map(points).unwrap_or_default();
                if own.len() > categories.len() {
                    categories = own;
                }
                let values = element.child("val").or_else(|| element.child("yVal"));
                columns.push(values.map(points).unwrap_or_default());
            }
            _ => {}
        }
    }
    let count = columns
        .iter()
        .map(Vec::len)
        .max()
        .unwrap_or(0)
        .max(categories.len());
    if count > 0 {
        chart.rows.push(header);
        let cell = |column: &Vec<String>, at: usize| column.get(at).cloned().unwrap_or_default();
        chart.rows.extend((0..count).map(|at| {
            let mut row = vec![cell(&categories, at)];
            row.extend(columns.iter().map(|column| cell(column, at)));
            row
        }));
    }
    chart
}

fn title(element: Element<'_>) -> Option<String> {
    let text = super::paragraphs(element).join(" ");
    (!text.trim().is_empty()).then_some(text)
}

fn series_name(tx: Element<'_>) -> String {
    match tx.find("v") {
        Some(value) => value.text(),
        None => super::paragraphs(tx).join(" "),
    }
}

/// The values of the points, each at its own number.
fn points(values: Element<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for point in values
        .descendants()
        .filter(|element| element.name() == "pt")
    {
        let at = point.attr("idx").and_then(|idx| idx.parse().ok());
        let at = at.unwrap_or(found.len());
        if at >= MAX_POINTS {
            continue;
        }
        if found.len() <= at {
            found.resize(at + 1, String::new());
        }
        // Values of several levels of categories stand one above the other.
        let value = point
            .child("v")
            .map(|value| value.text())
            .unwrap_or_default();
        match found[at].is_empty() {
            true => found[at] = value,
            false => found[at] = format!("{value} {}", found[at]),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_a_table_of_its_series() {
        let tree = Tree::parse(
            b"<c:chartSpace><c:chart><c:title><a:p><a:r><a:t>Fruit</a:t></a:r></a:p></c:title><c:ser>\
              <c:tx><c:strRef><c:strCache><c:pt idx='0'><c:v>peach</c:v></c:pt></c:strCache></c:strRef></c:tx>\
              <c:cat><c:pt idx='0'><c:v>March</c:v></c:pt><c:pt idx='1'><c:v>April</c:v></c:pt></c:cat>\
              <c:val><c:pt idx='1'><c:v>7</c:v></c:pt></c:val></c:ser></c:chart></c:chartSpace>",
        );
        let chart = of(tree.root().unwrap());
        assert_eq!(chart.titles, ["Fruit"]);
        assert_eq!(chart.rows, [["", "peach"], ["March", ""], ["April", "7"]]);
    }

    #[test]
    fn numbers_of_points_do_not_take_memory() {
        let tree = Tree::parse(b"<c><ser><val><pt idx='4000000000'><v>1</v></pt></val></ser></c>");
        assert_eq!(of(tree.root().unwrap()), Chart::default());
    }
}
