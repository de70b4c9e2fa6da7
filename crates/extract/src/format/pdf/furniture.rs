//! Running heads, feet and page numbers: what repeats in the same place of many pages.

use std::collections::{HashMap, HashSet};

use super::lines::Line;

/// Furniture stands in this share of a page's height, at its top or its bottom.
const MARGIN: f32 = 0.14;

/// Places nearer to each other than this, in points, are the same.
const SAME_PLACE: f32 = 6.0;

/// A longer line is text.
const MAX_BYTES: usize = 200;

/// One page as furniture is looked for on it.
pub(super) struct Sheet<'l> {
    pub(super) lines: &'l [Line],
    pub(super) height: f32,
}

/// Of each page, which of its lines are furniture.
pub(super) fn find(pages: &[Sheet<'_>]) -> Vec<Vec<bool>> {
    let mut places: HashMap<(String, i32), u32> = HashMap::new();
    for page in pages {
        let mut here: Vec<(String, i32)> =
            candidates(page).map(|(_, key, slot)| (key, slot)).collect();
        here.sort_unstable();
        here.dedup();
        for place in here {
            *places.entry(place).or_default() += 1;
        }
    }
    let needed = if pages.len() > 3 { 3 } else { 2 };
    let numbers = page_numbers(pages, needed);
    let mut found: Vec<Vec<bool>> = pages
        .iter()
        .map(|page| {
            page.lines
                .iter()
                .map(|line| line.artifact && !line.hidden)
                .collect()
        })
        .collect();
    for (page, found) in pages.iter().zip(&mut found) {
        for (index, key, slot) in candidates(page) {
            // A place may lie on the edge between two slots.
            let count = |slot| places.get(&(key.clone(), slot)).copied().unwrap_or(0);
            if count(slot) + count(slot - 1) + count(slot + 1) >= needed {
                found[index] = true;
            }
        }
    }
    for (page, index) in numbers {
        found[page][index] = true;
    }
    found
}

/// Page numbers that stand wherever a page's text ends: lines with nothing but a number that
/// counts the pages. Page and line of each.
fn page_numbers(pages: &[Sheet<'_>], needed: u32) -> Vec<(usize, usize)> {
    /// They are among so many lines at the beginning or the end of a page.
    const NEAR_EDGE: usize = 3;
    // By form and by distance from the page's own number.
    let mut series: HashMap<(String, i64), Vec<(usize, usize)>> = HashMap::new();
    for (page, sheet) in pages.iter().enumerate() {
        let count = sheet.lines.len();
        for (index, line) in sheet.lines.iter().enumerate() {
            let near = index < NEAR_EDGE || index + NEAR_EDGE >= count;
            if let Some((form, number)) = page_number(&line.text).filter(|_| near && !line.hidden) {
                let distance = number - page as i64;
                series
                    .entry((form, distance))
                    .or_default()
                    .push((page, index));
            }
        }
    }
    let long = series.into_values().filter(|series| {
        let pages: HashSet<usize> = series.iter().map(|(page, _)| *page).collect();
        pages.len() as u32 >= needed
    });
    long.flatten().collect()
}

/// The form and the number of a line such as `7`, `- 7 -`, `Page 7 of 9`, `B-7`.
fn page_number(text: &str) -> Option<(String, i64)> {
    const MAX_LETTERS: usize = 8;
    if text.len() > 24 {
        return None;
    }
    let form = key(text);
    let letters = form.chars().filter(|c| c.is_alphabetic()).count();
    let begin = text.find(|c: char| c.is_ascii_digit())?;
    let digits = text[begin..].find(|c: char| !c.is_ascii_digit());
    let end = digits.map_or(text.len(), |length| begin + length);
    let number = text[begin..end].parse::<i64>().ok()?;
    (letters <= MAX_LETTERS).then_some((form, number))
}

/// The lines of a page that may be furniture: index, text without its numbers, and place.
fn candidates<'p>(page: &'p Sheet<'_>) -> impl Iterator<Item = (usize, String, i32)> + 'p {
    page.lines
        .iter()
        .enumerate()
        .filter_map(move |(index, line)| {
            let middle = line.bounds.center().1;
            let at_top = middle < MARGIN * page.height;
            let at_bottom = middle > (1.0 - MARGIN) * page.height;
            let may_be = (at_top || at_bottom)
                && !line.hidden
                && line.table.is_none()
                && line.text.len() <= MAX_BYTES;
            // From the edge that it is near to, for pages of different heights.
            let place = if at_top { middle } else { middle - page.height };
            may_be.then(|| (index, key(&line.text), (place / SAME_PLACE).round() as i32))
        })
}

/// A line without its numbers, which count pages.
fn key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_numeric() {
            if !key.ends_with('#') {
                key.push('#');
            }
        } else if !c.is_whitespace() {
            key.extend(c.to_lowercase());
        }
    }
    match key.chars().all(|c| "ivxlc".contains(c)) {
        true => "#".to_owned(),
        false => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::pdf::geometry::Bounds;

    fn line(text: &str, top: f32) -> Line {
        let bounds = Bounds {
            left: 72.0,
            right: 300.0,
            top,
            bottom: top + 10.0,
        };
        Line {
            text: text.into(),
            bounds,
            frame: bounds,
            size: 10.0,
            bold: false,
            hidden: false,
            artifact: false,
            region: 0,
            table: None,
        }
    }

    #[test]
    fn what_repeats_at_the_edge_is_furniture() {
        let pages: Vec<Vec<Line>> = (1..=4)
            .map(|page| {
                vec![
                    line("The lease of the mill", 30.0),
                    line("The rent is due.", 300.0),
                    line(&format!("Page {page} of 4"), 760.0),
                ]
            })
            .collect();
        let sheets: Vec<Sheet<'_>> = pages
            .iter()
            .map(|lines| Sheet {
                lines,
                height: 792.0,
            })
            .collect();
        assert_eq!(find(&sheets), vec![vec![true, false, true]; 4]);
    }

    #[test]
    fn numbers_that_count_the_pages_are_furniture_wherever_they_stand() {
        let pages: Vec<Vec<Line>> = (1..=4)
            .map(|page| {
                vec![
                    line("The rent is due.", 300.0),
                    line("12", 310.0),
                    line(&format!("- {page} -"), 300.0 + 40.0 * page as f32),
                ]
            })
            .collect();
        let sheets: Vec<Sheet<'_>> = pages
            .iter()
            .map(|lines| Sheet {
                lines,
                height: 792.0,
            })
            .collect();
        assert_eq!(find(&sheets), vec![vec![false, false, true]; 4]);
    }

    #[test]
    fn what_stands_once_is_text() {
        let (first, second) = (vec![line("Preface", 30.0)], vec![line("Contents", 30.0)]);
        let sheets = [&first, &second].map(|lines| Sheet {
            lines,
            height: 792.0,
        });
        assert_eq!(find(&sheets), vec![vec![false]; 2]);
    }
}
