//! From the words of a page to its lines, in the order in which they are read.

use std::collections::BTreeMap;

use super::columns::{self, Item};
use super::content::Surface;
use super::geometry::Bounds;
use super::tables::{self, Table};
use super::words::{WORD_GAP, Word, is_right_to_left, sets_no_spaces};

/// Two words further apart than this, in font sizes, stand in different cells or columns.
const CELL_GAP: f32 = 1.8;

/// A longer line is cut: nobody reads it as one.
const MAX_LINE_BYTES: usize = 4 << 10;

/// One line of a page.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) text: String,
    /// Its box on the page.
    pub(super) bounds: Bounds,
    /// Its box in the frame in which its text runs to the right.
    pub(super) frame: Bounds,
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) hidden: bool,
    pub(super) artifact: bool,
    /// Lines of different regions have nothing to do with each other.
    pub(super) region: usize,
    /// The table of the page whose row it is.
    pub(super) table: Option<usize>,
}

/// The lines of a page, in reading order; hidden ones are last.
pub(super) fn read(surface: &Surface) -> Vec<Line> {
    let invisible_counts = shows_invisible_text(surface);
    let mut seen: BTreeMap<i16, Vec<Word>> = BTreeMap::new();
    let mut hidden: BTreeMap<i16, Vec<Word>> = BTreeMap::new();
    for word in &surface.words {
        let is_hidden = word.style.hidden || word.style.invisible && !invisible_counts;
        let side = if is_hidden { &mut hidden } else { &mut seen };
        side.entry(word.degrees).or_default().push(word.clone());
    }
    let mut lines = Vec::new();
    for (words, is_hidden) in [(seen, false), (hidden, true)] {
        let mut groups: Vec<(i16, Vec<Word>)> = words.into_iter().collect();
        // The direction that most of the page is written in is read first.
        groups.sort_by_key(|(_, words)| std::cmp::Reverse(words.len()));
        for (degrees, words) in groups {
            let rules = if is_hidden { &[][..] } else { &surface.rules };
            read_group(words, degrees, rules, is_hidden, &mut lines);
        }
    }
    lines
}

/// Whether text that leaves no mark is the text of what is seen: of a scan, or of letters that
/// are drawn as paths.
fn shows_invisible_text(surface: &Surface) -> bool {
    let words = || surface.words.iter().filter(|word| !word.style.hidden);
    let invisible: Vec<&Word> = words().filter(|word| word.style.invisible).collect();
    if invisible.is_empty() {
        return true;
    }
    let on_picture = |word: &&&Word| {
        let center = word.bounds.turned_back(word.degrees).center();
        surface.pictures.iter().any(|picture| picture.holds(center))
    };
    let covered = invisible.iter().filter(on_picture).count();
    let nothing_else = words().all(|word| word.style.invisible);
    covered * 2 > invisible.len() || nothing_else && surface.paths > 20
}

fn read_group(
    words: Vec<Word>,
    degrees: i16,
    rules: &[Bounds],
    hidden: bool,
    lines: &mut Vec<Line>,
) {
    let rules: Vec<Bounds> = rules.iter().map(|rule| rule.turned(degrees)).collect();
    let (tables, words) = tables::take(words, &rules);
    let mut items: Vec<Item> = Vec::with_capacity(words.len() + tables.len());
    items.extend(words.iter().enumerate().map(|(index, word)| Item {
        bounds: word.bounds,
        size: word.size,
        length: word.text.chars().count(),
        index,
        is_table: false,
    }));
    items.extend(tables.iter().enumerate().map(|(index, table)| Item {
        bounds: table.bounds,
        size: 10.0,
        length: 0,
        index,
        is_table: true,
    }));
    let mut tables_above = lines
        .iter()
        .filter_map(|line| line.table)
        .max()
        .map_or(0, |id| id + 1);
    for region in columns::order(items) {
        let number = lines.last().map_or(0, |line| line.region + 1);
        for row in region {
            match row.first() {
                Some(item) if item.is_table => {
                    push_table(&tables[item.index], tables_above, degrees, number, lines);
                    tables_above += 1;
                }
                _ => {
                    let words: Vec<&Word> = row.iter().map(|item| &words[item.index]).collect();
                    lines.extend(Line::of(&words, degrees, hidden, number));
                }
            }
        }
    }
}

fn push_table(table: &Table, id: usize, degrees: i16, region: usize, lines: &mut Vec<Line>) {
    for row in &table.rows {
        lines.push(Line {
            text: row.cells.join(" | "),
            bounds: row.bounds.turned_back(degrees),
            frame: row.bounds,
            size: row.size,
            bold: false,
            hidden: false,
            artifact: false,
            region,
            table: Some(id),
        });
    }
}

impl Line {
    /// The line of words that stand side by side, from left to right.
    fn of(words: &[&Word], degrees: i16, hidden: bool, region: usize) -> Option<Line> {
        let frame = words.iter().map(|word| word.bounds).reduce(Bounds::union)?;
        let text = join(words);
        let letters = |pick: &dyn Fn(&Word) -> bool| -> usize {
            let picked = words.iter().filter(|word| pick(word));
            picked.map(|word| word.text.len()).sum()
        };
        let all = letters(&|_| true);
        Some(Line {
            text,
            bounds: frame.turned_back(degrees),
            frame,
            size: words.iter().map(|word| word.size).fold(0.0, f32::max),
            bold: letters(&|word| word.style.bold) * 2 > all,
            hidden,
            artifact: words.iter().all(|word| word.style.artifact),
            region,
            table: None,
        })
    }
}

/// The text of words that stand side by side, from left to right.
pub(super) fn join(words: &[&Word]) -> String {
    let letters = words.iter().flat_map(|word| word.text.chars());
    let (right_to_left, left_to_right) = letters.filter(|c| c.is_alphabetic()).fold(
        (0, 0),
        |(right, left), c| match is_right_to_left(c) {
            true => (right + 1, left),
            false => (right, left + 1),
        },
    );
    let mut text = String::new();
    let mut last: Option<&Word> = None;
    for word in words {
        if let Some(last) = last {
            if is_painted_again(last, word) {
                continue;
            }
            text.push_str(separator(last, word));
        }
        if text.len() + word.text.len() > MAX_LINE_BYTES {
            break;
        }
        text.push_str(&word.text);
        last = Some(word);
    }
    if right_to_left > 0 {
        return in_reading_order(&text, right_to_left > left_to_right);
    }
    text
}

/// Whether a word was painted a second time in the same place, to make it bold or to give it
/// a shadow.
fn is_painted_again(first: &Word, second: &Word) -> bool {
    let shared = first.bounds.intersection(second.bounds).area();
    first.text == second.text && shared > 0.6 * first.bounds.area().min(second.bounds.area())
}

/// What stands between two neighbours.
fn separator(left: &Word, right: &Word) -> &'static str {
    let gap = right.bounds.left - left.bounds.right;
    let size = left.size.max(right.size);
    let wide = left.text.chars().next_back().is_some_and(sets_no_spaces)
        && right.text.starts_with(sets_no_spaces);
    if gap > CELL_GAP * size {
        "  "
    } else if right.spaced && gap > -0.5 * size && !wide
        || gap > size * if wide { 0.6 } else { WORD_GAP }
    {
        " "
    } else {
        ""
    }
}

/// Turns a line with right-to-left words, as it is seen from left to right, into the order in
/// which it is read. The directions of words are told by their letters; numbers keep theirs.
fn in_reading_order(seen: &str, runs_to_left: bool) -> String {
    let read = |word: &str| match word.chars().any(is_right_to_left) {
        true => word.chars().rev().map(mirrored).collect(),
        false => word.to_owned(),
    };
    let mut words: Vec<String> = seen.split_whitespace().map(read).collect();
    let is_foreign = |word: &String| word.chars().any(is_right_to_left) != runs_to_left;
    if runs_to_left {
        words.reverse();
    }
    // A stretch of the other direction is itself in the other order.
    let mut start = 0;
    while start < words.len() {
        let length = words[start..]
            .iter()
            .take_while(|word| is_foreign(word))
            .count();
        words[start..start + length].reverse();
        start += length.max(1);
    }
    words.join(" ")
}

fn mirrored(c: char) -> char {
    match c {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        '<' => '>',
        '>' => '<',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::pdf::words::Style;

    fn word(text: &str, left: f32, right: f32) -> Word {
        Word {
            text: text.into(),
            bounds: Bounds {
                left,
                right,
                top: 0.0,
                bottom: 10.0,
            },
            baseline: 8.0,
            size: 10.0,
            degrees: 0,
            style: Style::default(),
            spaced: false,
        }
    }

    #[test]
    fn neighbours_are_parted_as_they_stand() {
        let words = [
            word("E=mc", 0.0, 20.0),
            word("2", 20.2, 24.0),
            word("holds", 27.0, 50.0),
            word("12", 90.0, 99.0),
        ];
        assert_eq!(join(&words.iter().collect::<Vec<_>>()), "E=mc2 holds  12");
    }

    #[test]
    fn shadows_are_left_out() {
        let words = [word("bold", 0.0, 20.0), word("bold", 0.4, 20.4)];
        assert_eq!(join(&words.iter().collect::<Vec<_>>()), "bold");
    }

    #[test]
    fn right_to_left_lines_are_read_from_the_right() {
        assert_eq!(
            in_reading_order("(םולש) 12 34 לאקסה", true),
            "הסקאל 12 34 (שלום)"
        );
        assert_eq!(
            in_reading_order("see םלוע םולש there", false),
            "see שלום עולם there"
        );
    }
}
