//! From the lines of all pages to the blocks of a document: paragraphs, headings, lists, tables,
//! and the furniture of pages behind everything else.

use std::collections::HashMap;

use docent_core::document::{Area, Badge, BlockKind, Locator, Page};

use super::fields::Remark;
use super::furniture::{self, Sheet};
use super::hyphens::{self, Vocabulary};
use super::info;
use super::layout::{begins_with_number, is_bullet};
use super::lines::Line;
use crate::compose::Composer;

/// Text this much larger than that of most of the document is a heading.
const HEADING_SIZE: f32 = 1.15;

/// A longer stretch is no heading.
const MAX_HEADING_BYTES: usize = 200;

/// A longer stretch in bold of the common size is no heading.
const MAX_BOLD_HEADING_BYTES: usize = 100;

/// What was read of one page.
#[derive(Default)]
pub(super) struct PageText {
    pub(super) lines: Vec<Line>,
    /// The text of an engine that does not tell where it stands, instead of `lines`.
    pub(super) plain: Option<String>,
    pub(super) remarks: Vec<Remark>,
    pub(super) height: f32,
    pub(super) page: Page,
}

/// What the whole document looks like.
struct Look<'b> {
    /// The size that most of it is set in.
    body: f32,
    /// Sizes of headings, the largest first.
    sizes: Vec<f32>,
    /// Whether bold says nothing because most of it is bold.
    is_bold: bool,
    bookmarks: &'b HashMap<String, u8>,
    vocabulary: Option<Vocabulary>,
}

/// Puts the pages into a document.
pub(super) fn compose(
    pages: &[PageText],
    bookmarks: &HashMap<String, u8>,
    composer: &mut Composer,
) {
    let look = Look::of(pages, bookmarks);
    let sheets: Vec<Sheet<'_>> = pages
        .iter()
        .map(|page| Sheet {
            lines: &page.lines,
            height: page.height,
        })
        .collect();
    let furniture = furniture::find(&sheets);
    for (index, (page, furniture)) in pages.iter().zip(&furniture).enumerate() {
        let mut writer = Writer {
            composer,
            look: &look,
            number: u32::try_from(index + 1).unwrap_or(u32::MAX),
            line: 0,
            badge: page.page.badge,
        };
        match &page.plain {
            Some(text) => writer.plain(text),
            None => writer.lines(&page.lines, furniture),
        }
        writer.remarks(&page.remarks);
    }
}

impl<'b> Look<'b> {
    fn of(pages: &[PageText], bookmarks: &'b HashMap<String, u8>) -> Look<'b> {
        let lines = || {
            pages
                .iter()
                .flat_map(|page| &page.lines)
                .filter(|line| !line.hidden)
        };
        let mut sizes: HashMap<i32, usize> = HashMap::new();
        let (mut bold, mut all, mut cut) = (0, 0, false);
        for line in lines() {
            *sizes.entry(half_points(line.size)).or_default() += line.text.len();
            all += line.text.len();
            bold += if line.bold { line.text.len() } else { 0 };
            cut |= hyphens::may_go_on(&line.text);
        }
        let body = sizes
            .iter()
            .max_by_key(|(size, length)| (**length, -**size));
        let body = body.map_or(10.0, |(size, _)| *size as f32 / 2.0);
        let mut sizes: Vec<f32> = sizes.keys().map(|size| *size as f32 / 2.0).collect();
        sizes.retain(|size| *size >= HEADING_SIZE * body);
        sizes.sort_by(|a, b| b.total_cmp(a));
        Look {
            body,
            sizes,
            is_bold: bold * 2 > all,
            bookmarks,
            vocabulary: cut.then(|| Vocabulary::of(lines().map(|line| line.text.as_str()))),
        }
    }

    /// The kind of a stretch of lines.
    fn kind(&self, lines: &[Line]) -> BlockKind {
        let Some(first) = lines.first() else {
            return BlockKind::Paragraph;
        };
        if first.table.is_some() {
            return BlockKind::Table { continues: false };
        }
        let length: usize = lines.iter().map(|line| line.text.len()).sum();
        if length <= MAX_HEADING_BYTES && lines.len() <= 3 && !first.hidden {
            let words: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
            if let Some(level) = self.heading(&words.join(" "), lines, length) {
                return BlockKind::Heading { level };
            }
        }
        match is_bullet(&first.text) {
            true => BlockKind::ListItem,
            false => BlockKind::Paragraph,
        }
    }

    fn heading(&self, words: &str, lines: &[Line], length: usize) -> Option<u8> {
        if words.chars().filter(|c| c.is_alphabetic()).count() < 2 {
            return None;
        }
        if let Some(level) = self.bookmarks.get(&info::key(words)) {
            return Some(*level);
        }
        let size = lines.iter().map(|line| line.size).fold(f32::MAX, f32::min);
        let larger = self
            .sizes
            .iter()
            .filter(|other| **other > size + 0.25)
            .count();
        let level = u8::try_from(larger + 1).unwrap_or(6).min(6);
        if size >= HEADING_SIZE * self.body {
            return Some(level);
        }
        // What stands in columns is the head of a table.
        let is_text = words.ends_with(['.', ',', ';', ':', '-']) || words.contains("  ");
        let bold = lines.iter().all(|line| line.bold) && !self.is_bold && !is_text;
        (bold && length <= MAX_BOLD_HEADING_BYTES && size > 0.9 * self.body).then_some(level)
    }
}

fn half_points(size: f32) -> i32 {
    (size * 2.0).round() as i32
}

/// Writes one page.
struct Writer<'c, 'l, 'b> {
    composer: &'c mut Composer,
    look: &'l Look<'b>,
    number: u32,
    /// Lines of the page so far.
    line: u32,
    badge: Badge,
}

impl Writer<'_, '_, '_> {
    fn place(&self, lines: usize) -> Locator {
        let last = self.line + u32::try_from(lines).unwrap_or(u32::MAX);
        Locator::Page {
            page: self.number,
            first_line: self.line + 1,
            last_line: last.max(self.line + 1),
            last_page: self.number,
            area: None,
            badge: self.badge,
        }
    }

    fn lines(&mut self, lines: &[Line], furniture: &[bool]) {
        let mut start = 0;
        for end in 1..=lines.len() {
            let goes_on = end < lines.len()
                && !furniture[start]
                && !furniture[end]
                && goes_on(lines, start, end);
            if goes_on {
                continue;
            }
            self.block(&lines[start..end], furniture[start]);
            start = end;
        }
    }

    fn block(&mut self, lines: &[Line], is_furniture: bool) {
        let kind = self.look.kind(lines);
        let mut words: Vec<(String, Area)> = lines
            .iter()
            .map(|line| (line.text.clone(), line.bounds.to_area()))
            .collect();
        if let Some(vocabulary) = &self.look.vocabulary {
            for index in 1..words.len() {
                let (above, below) = words.split_at_mut(index);
                hyphens::join(&mut above[index - 1].0, &mut below[0].0, vocabulary);
            }
        }
        words.retain(|(text, _)| !text.trim().is_empty());
        if words.is_empty() {
            return;
        }
        if matches!(kind, BlockKind::Heading { .. }) {
            words = one_line(&words);
        }
        let place = self.place(words.len());
        self.line += u32::try_from(words.len()).unwrap_or(u32::MAX);
        if is_furniture {
            self.composer.push_furniture_lines(&words, place);
        } else {
            let hidden = lines.first().is_some_and(|line| line.hidden);
            self.composer.push_lines(kind, &words, place, hidden);
        }
    }

    fn plain(&mut self, text: &str) {
        for paragraph in super::layout::paragraphs_of(text) {
            let count = paragraph.lines().count();
            let place = self.place(count);
            self.line += u32::try_from(count).unwrap_or(u32::MAX);
            self.composer.push(BlockKind::Paragraph, paragraph, place);
        }
    }

    fn remarks(&mut self, remarks: &[Remark]) {
        for remark in remarks {
            let area = remark.bounds.to_area();
            let lines = remark.text.lines().filter(|line| !line.trim().is_empty());
            let words: Vec<(String, Area)> =
                lines.map(|line| (line.trim().to_owned(), area)).collect();
            let place = self.place(words.len());
            self.line += u32::try_from(words.len()).unwrap_or(u32::MAX);
            self.composer
                .push_lines(BlockKind::Paragraph, &words, place, false);
        }
    }
}

/// The lines of a heading as one.
fn one_line(lines: &[(String, Area)]) -> Vec<(String, Area)> {
    let words: Vec<&str> = lines.iter().map(|(text, _)| text.as_str()).collect();
    let area = lines.iter().map(|(_, area)| *area).reduce(Area::around);
    vec![(words.join(" "), area.unwrap_or_default())]
}

/// Whether the line at `end` goes on with the block that begins at `start`.
fn goes_on(lines: &[Line], start: usize, end: usize) -> bool {
    let (first, last, line) = (&lines[start], &lines[end - 1], &lines[end]);
    if last.table.is_some() || line.table.is_some() {
        return last.table == line.table;
    }
    let same = last.region == line.region
        && last.hidden == line.hidden
        && (last.size - line.size).abs() < 0.15 * last.size.max(line.size);
    let size = line.size.max(1.0);
    let step = line.frame.bottom - last.frame.bottom;
    if !same || step <= 0.0 || step > 1.35 * leading(lines, end) {
        return false;
    }
    let block = &lines[start..end];
    let widest = block
        .iter()
        .map(|line| line.frame.right)
        .fold(line.frame.right, f32::max);
    let left = block
        .iter()
        .map(|line| line.frame.left)
        .fold(line.frame.left, f32::min);
    let short = last.frame.right - left < 0.75 * (widest - left);
    let ends = last
        .text
        .ends_with(['.', '!', '?', ':', ';', '"', '”', ')']);
    let begins = begins_with_number(&line.text);
    if last.bold != line.bold && (ends || short || last.bold && block.len() == 1) {
        return false;
    }
    if is_bullet(&line.text) || begins && (ends || short) || ends && short {
        return false;
    }
    // A line that is set in begins a paragraph, except below the number of an item, in the
    // middle of a sentence, and where all lines are centred.
    let centred = (line.frame.center().0 - last.frame.center().0).abs() < 0.5 * size;
    let set_in = line.frame.left - last.frame.left > size
        && line.frame.left - left > size
        && !line.text.starts_with(char::is_lowercase)
        && !centred
        && !(block.len() == 1 && (begins_with_number(&first.text) || is_bullet(&first.text)));
    !set_in
}

/// From baseline to baseline of the region that a line is in: the common distance near it.
fn leading(lines: &[Line], at: usize) -> f32 {
    /// As many lines on each side are looked at.
    const NEAR: usize = 12;
    let region = lines[at].region;
    let size = lines[at].size.max(1.0);
    let near = &lines[at.saturating_sub(NEAR)..(at + NEAR).min(lines.len())];
    let steps = near
        .windows(2)
        .filter(|pair| pair.iter().all(|line| line.region == region));
    let mut steps: Vec<f32> = steps
        .map(|pair| pair[1].frame.bottom - pair[0].frame.bottom)
        .filter(|step| (0.5 * size..2.5 * size).contains(step))
        .collect();
    if steps.is_empty() {
        return 1.4 * size;
    }
    // The closer lines are those within paragraphs.
    let low = steps.len() * 2 / 5;
    *steps.select_nth_unstable_by(low, f32::total_cmp).1
}
