//! The order in which a page is read: rows from top to bottom, columns one after the other.
//!
//! A page is read row by row, as tables, forms and letters are, unless a gutter shows that it
//! is set in columns: a strip that nothing crosses for several rows, at whose right edge lines
//! begin, with prose on both sides. Then the stretch above, the left side, the right side and
//! the stretch below are ordered each on its own, in that order.

use super::geometry::Bounds;

/// Something that is placed as a whole: a word or a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) bounds: Bounds,
    pub(super) size: f32,
    /// Its number of characters.
    pub(super) length: usize,
    /// Which of the words or of the tables it is.
    pub(super) index: usize,
    pub(super) is_table: bool,
}

/// Items side by side, from left to right.
pub(super) type Row = Vec<Item>;

/// Regions within regions: so many deep.
const MAX_DEPTH: usize = 12;

/// Narrower strips, in font sizes, are blanks between words.
const GUTTER: f32 = 0.8;

/// Lines of a column begin within so many points of each other.
const ALIGNED: f32 = 3.0;

/// As many rows on each side make a column.
const MIN_ROWS: usize = 4;

/// As many characters has a line of prose on average, at least.
const MIN_PROSE: usize = 14;

/// The regions of a page in reading order, each with its rows from top to bottom.
pub(super) fn order(items: Vec<Item>) -> Vec<Vec<Row>> {
    let mut regions = Vec::new();
    order_region(items, 0, &mut regions);
    regions
}

fn order_region(items: Vec<Item>, depth: usize, regions: &mut Vec<Vec<Row>>) {
    if items.is_empty() {
        return;
    }
    let mut rows = rows(items);
    let split = if depth < MAX_DEPTH {
        find_columns(&rows)
    } else {
        None
    };
    let Some(split) = split else {
        regions.push(rows);
        return;
    };
    let below: Vec<Item> = rows
        .split_off(split.last + 1)
        .into_iter()
        .flatten()
        .collect();
    let both: Vec<Item> = rows.split_off(split.first).into_iter().flatten().collect();
    let above: Vec<Item> = rows.into_iter().flatten().collect();
    let (left, right) = both
        .into_iter()
        .partition(|item| item.bounds.center().0 < split.at);
    for part in [above, left, right, below] {
        order_region(part, depth + 1, regions);
    }
}

/// Puts items that stand side by side into rows.
fn rows(mut items: Vec<Item>) -> Vec<Row> {
    items.sort_by(|a, b| {
        let key = |item: &Item| {
            if item.is_table {
                item.bounds.top
            } else {
                item.bounds.bottom
            }
        };
        key(a).total_cmp(&key(b))
    });
    /// A word may be of a row whose words are not the last ones seen.
    const OPEN: usize = 4;
    // Of each row, the box of its largest word, so that a row does not grow line by line.
    let mut rows: Vec<(Bounds, Row)> = Vec::new();
    for item in items {
        let recent = rows.len().saturating_sub(OPEN);
        let row = rows[recent..].iter_mut().rev().find(|(core, row)| {
            !item.is_table
                && row.iter().all(|other| !other.is_table)
                && are_side_by_side(core, &item.bounds)
        });
        match row {
            Some((core, row)) => {
                if item.bounds.height() > core.height() {
                    *core = item.bounds;
                }
                row.push(item);
            }
            None => rows.push((item.bounds, vec![item])),
        }
    }
    rows.sort_by(|(a, _), (b, _)| a.top.total_cmp(&b.top));
    let mut rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    for row in &mut rows {
        row.sort_by(|a, b| a.bounds.left.total_cmp(&b.bounds.left));
    }
    rows
}

/// Whether two boxes are of one row; a raised or lowered mark is of the row that its middle
/// lies in.
fn are_side_by_side(a: &Bounds, b: &Bounds) -> bool {
    let (small, large) = if a.height() < b.height() {
        (a, b)
    } else {
        (b, a)
    };
    let is_mark = small.height() < 0.8 * large.height();
    let inside = (large.top..=large.bottom).contains(&small.center().1);
    small.shared_height(large) > 0.5 || is_mark && inside
}

/// Where a stretch of rows falls into two columns.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Split {
    first: usize,
    last: usize,
    /// The left edge of the right column.
    at: f32,
}

/// A stretch of a row without a wide blank in it.
#[derive(Debug, Clone, Copy)]
struct Piece {
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
    length: usize,
    is_table: bool,
}

fn find_columns(rows: &[Row]) -> Option<Split> {
    if rows.len() < MIN_ROWS {
        return None;
    }
    let gutter = GUTTER * median_size(rows);
    let pieces: Vec<Vec<Piece>> = rows.iter().map(|row| self::pieces(row, gutter)).collect();
    let begin = pieces
        .iter()
        .flatten()
        .map(|piece| piece.left)
        .reduce(f32::min)?;
    let candidates = aligned_edges(&pieces, begin + 4.0 * gutter);
    let mut best: Option<(usize, Split)> = None;
    for at in candidates {
        let mut from = 0;
        while from < pieces.len() {
            let run = pieces[from..]
                .iter()
                .take_while(|row| !crosses(row, at, gutter))
                .count();
            if run >= MIN_ROWS
                && let Some((score, split)) = judge(&pieces, from, from + run, at)
                && best.is_none_or(|(best, _)| score > best)
            {
                best = Some((score, split));
            }
            from += run + 1;
        }
    }
    best.map(|(_, split)| split)
}

fn median_size(rows: &[Row]) -> f32 {
    let mut sizes: Vec<f32> = rows.iter().flatten().map(|item| item.size).collect();
    let middle = sizes.len() / 2;
    if sizes.is_empty() {
        return 10.0;
    }
    *sizes.select_nth_unstable_by(middle, f32::total_cmp).1
}

fn pieces(row: &Row, gutter: f32) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for item in row {
        match pieces.last_mut() {
            Some(piece) if item.bounds.left - piece.right < gutter => {
                piece.right = piece.right.max(item.bounds.right);
                piece.top = piece.top.min(item.bounds.top);
                piece.bottom = piece.bottom.max(item.bounds.bottom);
                piece.length += item.length + 1;
            }
            _ => pieces.push(Piece {
                left: item.bounds.left,
                right: item.bounds.right,
                top: item.bounds.top,
                bottom: item.bounds.bottom,
                length: item.length,
                is_table: item.is_table,
            }),
        }
    }
    pieces
}

/// The places right of `begin` at which several pieces begin.
fn aligned_edges(pieces: &[Vec<Piece>], begin: f32) -> Vec<f32> {
    let mut edges: Vec<f32> = pieces.iter().flatten().map(|piece| piece.left).collect();
    edges.retain(|edge| *edge > begin);
    edges.sort_by(f32::total_cmp);
    let mut found = Vec::new();
    let mut start = 0;
    while start < edges.len() {
        let near = edges[start..]
            .iter()
            .take_while(|edge| **edge < edges[start] + ALIGNED)
            .count();
        if near >= MIN_ROWS {
            found.push(edges[start]);
        }
        start += near;
    }
    found
}

/// Whether something of a row stands in the strip before `at`.
fn crosses(row: &[Piece], at: f32, gutter: f32) -> bool {
    row.iter()
        .any(|piece| piece.left < at - 0.5 && piece.right > at - gutter)
}

/// Whether rows that leave a gutter free are two columns, where exactly, and how clearly.
fn judge(pieces: &[Vec<Piece>], from: usize, to: usize, at: f32) -> Option<(usize, Split)> {
    let side = |row: usize, right: bool| {
        let row = pieces[row].iter();
        row.filter(move |piece| (piece.left >= at - 0.5) == right)
    };
    let has = |row: usize, right: bool| side(row, right).next().is_some();
    let mut rows = (from..to).filter(|row| has(*row, false));
    let first_left = rows.next()?;
    let last_left = rows.next_back()?;
    let last_right = (from..to).rev().find(|row| has(*row, true))?;
    // What stands alone on the left above the right column is read first in any case.
    let first_right = (from..to).find(|row| has(*row, true))?;
    let first = if first_left < first_right {
        first_right
    } else {
        from
    };
    let last = if last_left <= last_right {
        last_right
    } else {
        last_right.max(end_of_column(pieces, last_right, last_left, at))
    };
    let prose = |right: bool| {
        let mut seen = (0, 0, 0);
        for row in first..=last {
            let mut rows = side(row, right).peekable();
            seen.0 += usize::from(rows.peek().is_some());
            for piece in rows {
                seen.1 += piece.length + if piece.is_table { 10 * MIN_PROSE } else { 0 };
                seen.2 += 1;
            }
        }
        seen
    };
    let (left, right) = (prose(false), prose(true));
    let is_prose = |(rows, length, pieces): (usize, usize, usize)| {
        // A side that itself falls into many pieces a row is a table.
        rows >= MIN_ROWS && length >= MIN_PROSE * pieces && pieces <= 3 * rows
    };
    let dense = left.0 * 5 >= right.0 * 2 && right.0 * 5 >= left.0 * 2;
    (is_prose(left) && is_prose(right) && dense)
        .then(|| (left.0.min(right.0), Split { first, last, at }))
}

/// How far down the left column goes on below the right one: as long as its lines follow each
/// other closely.
fn end_of_column(pieces: &[Vec<Piece>], last_right: usize, last_left: usize, at: f32) -> usize {
    let left = |row: usize| pieces[row].iter().find(|piece| piece.right < at);
    let mut last = last_right;
    let mut above: Option<Piece> = (0..=last_right).rev().find_map(left).copied();
    for row in last_right + 1..=last_left {
        let (Some(piece), Some(previous)) = (left(row), above) else {
            break;
        };
        if piece.top - previous.bottom > piece.bottom - piece.top {
            break;
        }
        last = row;
        above = Some(*piece);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(index: usize, left: f32, top: f32, length: usize) -> Item {
        Item {
            bounds: Bounds {
                left,
                top,
                right: left + length as f32 * 5.0,
                bottom: top + 10.0,
            },
            size: 10.0,
            length,
            index,
            is_table: false,
        }
    }

    fn read(items: Vec<Item>) -> Vec<usize> {
        order(items)
            .into_iter()
            .flatten()
            .flatten()
            .map(|item| item.index)
            .collect()
    }

    #[test]
    fn columns_are_read_one_after_the_other() {
        let mut items = vec![item(0, 50.0, 50.0, 60)];
        for row in 0..8 {
            let top = 80.0 + 12.0 * row as f32;
            items.push(item(1 + row, 50.0, top, 30));
            items.push(item(11 + row, 220.0, top + 5.0, 30));
        }
        items.push(item(30, 50.0, 300.0, 60));
        let mut expected = vec![0];
        expected.extend(1..9);
        expected.extend(11..19);
        expected.push(30);
        assert_eq!(read(items), expected);
    }

    #[test]
    fn tables_are_read_by_rows() {
        let mut items = Vec::new();
        for row in 0..8 {
            for column in 0..3 {
                let left = 50.0 + 100.0 * column as f32;
                items.push(item(row * 3 + column, left, 80.0 + 12.0 * row as f32, 6));
            }
        }
        assert_eq!(read(items), (0..24).collect::<Vec<_>>());
    }

    #[test]
    fn a_raised_mark_stays_in_its_row() {
        let mut mark = item(1, 100.0, 77.0, 1);
        mark.bounds.bottom = 83.5;
        assert_eq!(
            read(vec![item(0, 50.0, 80.0, 9), mark, item(2, 110.0, 80.0, 9)]),
            [0, 1, 2]
        );
    }
}
