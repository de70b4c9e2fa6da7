//! Tables whose cells are framed by rules.

use super::geometry::Bounds;
use super::lines::join;
use super::words::Word;

/// Rules this near to each other touch.
const TOUCH: f32 = 2.5;

/// A page with more rules is a drawing.
const MAX_RULES: usize = 3_000;

const MAX_COLUMNS: usize = 60;
const MAX_ROWS: usize = 500;

/// A table, its rows from top to bottom.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) bounds: Bounds,
    pub(super) rows: Vec<TableRow>,
}

/// A row of a table.
#[derive(Debug)]
pub(super) struct TableRow {
    pub(super) cells: Vec<String>,
    /// The box of its words.
    pub(super) bounds: Bounds,
    pub(super) size: f32,
}

/// Takes the tables out of the words of a page: the tables, and the words that are in none.
pub(super) fn take(words: Vec<Word>, rules: &[Bounds]) -> (Vec<Table>, Vec<Word>) {
    let mut tables = Vec::new();
    let mut rest = words;
    for grid in grids(rules) {
        let (inside, outside): (Vec<Word>, Vec<Word>) = rest
            .into_iter()
            .partition(|word| grid.bounds.holds(word.bounds.center()));
        rest = outside;
        match grid.table(&inside) {
            Some(table) => tables.push(table),
            None => rest.extend(inside),
        }
    }
    (tables, rest)
}

/// Rules that touch each other and part a rectangle into cells.
struct Grid {
    bounds: Bounds,
    /// Where the columns begin and end.
    columns: Vec<f32>,
    /// Where the rows begin and end.
    rows: Vec<f32>,
    upright: Vec<Bounds>,
}

fn is_upright(rule: &Bounds) -> bool {
    rule.height() > rule.width()
}

fn grids(rules: &[Bounds]) -> Vec<Grid> {
    let long = |rule: &&Bounds| rule.width().max(rule.height()) > 4.0;
    let rules: Vec<Bounds> = rules.iter().filter(long).copied().collect();
    if rules.len() > MAX_RULES || rules.len() < 5 {
        return Vec::new();
    }
    let mut grids: Vec<Grid> = groups(&rules).into_iter().filter_map(Grid::of).collect();
    grids.sort_by(|a, b| a.bounds.top.total_cmp(&b.bounds.top));
    grids
}

/// Rules that touch each other, directly or by others.
fn groups(rules: &[Bounds]) -> Vec<Vec<Bounds>> {
    let mut leader: Vec<usize> = (0..rules.len()).collect();
    fn find(leader: &mut [usize], mut index: usize) -> usize {
        while leader[index] != index {
            leader[index] = leader[leader[index]];
            index = leader[index];
        }
        index
    }
    for first in 0..rules.len() {
        for second in first + 1..rules.len() {
            let (a, b) = (&rules[first], &rules[second]);
            let apart = a.left > b.right + TOUCH
                || b.left > a.right + TOUCH
                || a.top > b.bottom + TOUCH
                || b.top > a.bottom + TOUCH;
            if !apart {
                let (a, b) = (find(&mut leader, first), find(&mut leader, second));
                leader[b] = a;
            }
        }
    }
    let mut groups: Vec<Vec<Bounds>> = vec![Vec::new(); rules.len()];
    for (index, rule) in rules.iter().enumerate() {
        groups[find(&mut leader, index)].push(*rule);
    }
    groups.retain(|group| group.len() >= 5);
    groups
}

impl Grid {
    fn of(rules: Vec<Bounds>) -> Option<Grid> {
        let bounds = rules.iter().copied().reduce(Bounds::union)?;
        let (upright, level): (Vec<Bounds>, Vec<Bounds>) = rules.into_iter().partition(is_upright);
        let columns = places(upright.iter().map(|rule| rule.center().0));
        let rows = places(level.iter().map(|rule| rule.center().1));
        let is_grid = (3..=MAX_COLUMNS + 1).contains(&columns.len())
            && (3..=MAX_ROWS + 1).contains(&rows.len());
        is_grid.then_some(Grid {
            bounds,
            columns,
            rows,
            upright,
        })
    }

    fn table(&self, words: &[Word]) -> Option<Table> {
        let mut rows: Vec<TableRow> = Vec::new();
        for edges in self.rows.windows(2) {
            let (top, bottom) = (edges[0], edges[1]);
            let inside: Vec<&Word> = words
                .iter()
                .filter(|word| (top..bottom).contains(&word.bounds.center().1))
                .collect();
            for stretch in self.text_rows(inside) {
                rows.extend(self.row(&stretch, top, bottom));
            }
        }
        let held: usize = rows.iter().map(|row| row.cells.len()).sum();
        let in_columns = rows.iter().filter(|row| filled(row) >= 2).count();
        // A frame with words in only one of its columns is no table, and neither is a drawing
        // whose words do not lie in its cells.
        (in_columns >= 2 && in_columns * 2 >= rows.len() && held > 0).then_some(Table {
            bounds: self.bounds,
            rows,
        })
    }

    /// Where only columns are ruled, one frame holds many rows: cuts them at every line of the
    /// text, if several columns have many lines.
    fn text_rows<'w>(&self, words: Vec<&'w Word>) -> Vec<Vec<&'w Word>> {
        const MANY_LINES: usize = 5;
        let lines = lines_of(&words);
        let by_column = |column: usize| {
            let holds = |word: &&&Word| self.column_of(word) == column;
            let inside: Vec<&Word> = words.iter().filter(holds).copied().collect();
            lines_of(&inside).len()
        };
        let long = (0..self.columns.len() - 1)
            .filter(|&c| by_column(c) >= MANY_LINES)
            .count();
        match long >= 2 && lines.len() >= MANY_LINES {
            true => lines,
            false => vec![words],
        }
    }

    fn column_of(&self, word: &Word) -> usize {
        let after = self
            .columns
            .partition_point(|edge| *edge <= word.bounds.center().0);
        after.saturating_sub(1).min(self.columns.len() - 2)
    }

    /// The cells of a row; columns that no rule parts at its height are one cell.
    fn row(&self, words: &[&Word], top: f32, bottom: f32) -> Option<TableRow> {
        let bounds = words.iter().map(|word| word.bounds).reduce(Bounds::union)?;
        let mut cells: Vec<Vec<&Word>> = vec![Vec::new()];
        let mut cell_of = vec![0];
        for edge in &self.columns[1..self.columns.len() - 1] {
            if self.is_parted(*edge, top, bottom) {
                cells.push(Vec::new());
            }
            cell_of.push(cells.len() - 1);
        }
        for word in words {
            cells[cell_of[self.column_of(word)]].push(word);
        }
        Some(TableRow {
            cells: cells.iter().map(|words| cell_text(words)).collect(),
            bounds,
            size: words.iter().map(|word| word.size).fold(0.0, f32::max),
        })
    }

    /// Whether rules stand at `x` along half of the way from `top` to `bottom`.
    fn is_parted(&self, x: f32, top: f32, bottom: f32) -> bool {
        let here = self
            .upright
            .iter()
            .filter(|rule| (rule.center().0 - x).abs() <= TOUCH);
        let ruled: f32 = here
            .map(|rule| (rule.bottom.min(bottom) - rule.top.max(top)).max(0.0))
            .sum();
        ruled > 0.5 * (bottom - top)
    }
}

fn filled(row: &TableRow) -> usize {
    row.cells.iter().filter(|cell| !cell.is_empty()).count()
}

/// The places at which rules stand, each once, ascending.
fn places(rules: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut places: Vec<f32> = rules.collect();
    places.sort_by(f32::total_cmp);
    places.dedup_by(|next, previous| *next - *previous < TOUCH + 1.0);
    places
}

/// Words by lines, from top to bottom and from left to right.
fn lines_of<'w>(words: &[&'w Word]) -> Vec<Vec<&'w Word>> {
    let mut sorted = words.to_vec();
    sorted.sort_by(|a, b| a.baseline.total_cmp(&b.baseline));
    let mut lines: Vec<Vec<&Word>> = Vec::new();
    for word in sorted {
        match lines.last_mut() {
            Some(line) if line[0].bounds.shared_height(&word.bounds) > 0.5 => line.push(word),
            _ => lines.push(vec![word]),
        }
    }
    for line in &mut lines {
        line.sort_by(|a, b| a.bounds.left.total_cmp(&b.bounds.left));
    }
    lines
}

/// The text of a cell on one line.
fn cell_text(words: &[&Word]) -> String {
    let lines: Vec<String> = lines_of(words).iter().map(|line| join(line)).collect();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::pdf::words::Style;

    fn word(text: &str, left: f32, top: f32) -> Word {
        Word {
            text: text.into(),
            bounds: Bounds {
                left,
                top,
                right: left + 20.0,
                bottom: top + 10.0,
            },
            baseline: top + 8.0,
            size: 10.0,
            degrees: 0,
            style: Style::default(),
            spaced: true,
        }
    }

    fn rule(left: f32, top: f32, right: f32, bottom: f32) -> Bounds {
        Bounds {
            left,
            top,
            right,
            bottom,
        }
    }

    /// A frame of two rows and two columns.
    fn frame() -> Vec<Bounds> {
        let level = [0.0, 20.0, 40.0].map(|y| rule(0.0, y, 100.0, y + 0.5));
        let upright = [0.0, 50.0, 100.0].map(|x| rule(x, 0.0, x + 0.5, 40.0));
        level.into_iter().chain(upright).collect()
    }

    #[test]
    fn framed_words_are_cells() {
        let words = vec![
            word("Rent", 5.0, 5.0),
            word("40", 55.0, 5.0),
            word("Term", 5.0, 25.0),
            word("5", 55.0, 25.0),
            word("below", 5.0, 60.0),
        ];
        let (tables, rest) = take(words, &frame());
        assert_eq!(tables.len(), 1);
        assert_eq!(tables[0].rows[0].cells, ["Rent", "40"]);
        assert_eq!(tables[0].rows[1].cells, ["Term", "5"]);
        assert_eq!(rest.len(), 1);
    }

    #[test]
    fn a_frame_with_one_column_of_words_is_no_table() {
        let words = vec![word("Rent", 5.0, 5.0), word("Term", 5.0, 25.0)];
        let (tables, rest) = take(words, &frame());
        assert!(tables.is_empty());
        assert_eq!(rest.len(), 2);
    }
}
