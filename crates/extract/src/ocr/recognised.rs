//! What Tesseract says of a page: a table of words with their places, as paragraphs of lines.

use docent_core::document::Area;

use crate::picture::Picture;

/// The text of a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Recognised {
    pub(crate) paragraphs: Vec<Paragraph>,
    /// How sure the program is of the words, weighted by their letters, from 0 to 100.
    pub(crate) confidence: f32,
}

/// Lines that belong together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Paragraph {
    pub(crate) lines: Vec<Line>,
}

/// A line of text and its box on the page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) area: Area,
}

/// Below this a word without letters or digits is a mark on the paper.
const SURE_OF_MARKS: f32 = 60.0;

/// Below this a word is what was made of something else: a line, a stamp, dirt.
const SURE_OF_WORDS: f32 = 15.0;

impl Recognised {
    /// The number of letters and digits.
    pub(crate) fn letters(&self) -> usize {
        let lines = self
            .paragraphs
            .iter()
            .flat_map(|paragraph| &paragraph.lines);
        lines.map(|line| letters(&line.text)).sum()
    }
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

/// A row of the table that is about a word.
struct Word<'t> {
    /// Block, paragraph and line.
    place: [u32; 3],
    /// Left, top, width and height in pixels.
    pixels: [f64; 4],
    confidence: f32,
    text: &'t str,
}

/// The rows of words have this level; the others are about the parts of the page.
const WORD_LEVEL: &str = "5";

/// Columns: level, page, block, paragraph, line, word, left, top, width, height, confidence, text.
fn word(row: &str) -> Option<Word<'_>> {
    let mut cells = row.splitn(12, '\t');
    if cells.next()? != WORD_LEVEL {
        return None;
    }
    let mut number = || cells.next()?.parse::<u32>().ok();
    number()?;
    let place = [number()?, number()?, number()?];
    number()?;
    let pixels = [number()?, number()?, number()?, number()?].map(f64::from);
    Some(Word {
        place,
        pixels,
        confidence: cells.next()?.parse().ok()?,
        text: cells.next()?.trim(),
    })
}

/// Whether a word is text rather than what was made of a rule, a stamp or dirt.
fn is_text(word: &Word<'_>) -> bool {
    let least = match letters(word.text) {
        0 => SURE_OF_MARKS,
        _ => SURE_OF_WORDS,
    };
    !word.text.is_empty() && word.confidence >= least
}

/// Reads the table (`tsv`) of a picture. Rows that are no words are passed over.
pub(crate) fn parse(table: &str, picture: &Picture) -> Recognised {
    let mut page = Recognised::default();
    let mut last = [0; 3];
    let (mut sure, mut weight) = (0.0, 0.0);
    for word in table.lines().filter_map(word).filter(is_text) {
        let letters = letters(word.text) as f32;
        sure += word.confidence * letters;
        weight += letters;
        let [left, top, width, height] = word.pixels;
        let edges = [left, top, left + width, top + height];
        let area = Area::from_points(edges.map(|pixels| pixels / f64::from(picture.scale)));
        let [block, paragraph, _] = word.place;
        if page.paragraphs.is_empty() || last[..2] != [block, paragraph] {
            page.paragraphs.push(Paragraph::default());
        }
        let Some(lines) = page
            .paragraphs
            .last_mut()
            .map(|paragraph| &mut paragraph.lines)
        else {
            continue;
        };
        match lines.last_mut() {
            Some(line) if last == word.place => {
                line.text.push(' ');
                line.text.push_str(word.text);
                line.area = line.area.around(area);
            }
            _ => lines.push(Line {
                text: word.text.to_owned(),
                area,
            }),
        }
        last = word.place;
    }
    if weight > 0.0 {
        page.confidence = sure / weight;
    }
    page.paragraphs.iter_mut().for_each(join_hyphenated);
    page
}

/// Takes words that a line's end cut in two back into the first line: `exam-`, `ple` becomes
/// `example` and an empty rest, which is left out with its line.
fn join_hyphenated(paragraph: &mut Paragraph) {
    let lines = &mut paragraph.lines;
    for below in 1..lines.len() {
        let (above, rest) = lines.split_at_mut(below);
        if let (Some(first), Some(second)) = (above.last_mut(), rest.first_mut())
            && let Some(length) = torn(&first.text, &second.text)
        {
            first.text.pop();
            first.text.push_str(&second.text[..length]);
            second.text = second.text[length..].trim_start().to_owned();
        }
    }
    lines.retain(|line| !line.text.is_empty());
}

/// The length in bytes of what belongs to the last word of the line above, where a hyphen cut it:
/// letters on both sides, small ones below.
fn torn(above: &str, below: &str) -> Option<usize> {
    let before = above.strip_suffix(['-', '\u{2010}', '\u{ad}'])?;
    let head = before.rsplit(' ').next()?;
    let tail = below.split(' ').next()?;
    let small = tail.chars().next().is_some_and(char::is_lowercase);
    let plain = head.chars().count() > 1 && head.chars().all(char::is_alphabetic);
    (small && plain).then_some(tail.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn picture(scale: f32) -> Picture {
        Picture {
            width: 100,
            height: 100,
            scale,
            pixels: vec![255; 10_000],
        }
    }

    const TABLE: &str = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext
1\t1\t0\t0\t0\t0\t0\t0\t100\t100\t-1\t
5\t1\t1\t1\t1\t1\t10\t10\t20\t8\t96.5\tThe
5\t1\t1\t1\t1\t2\t40\t10\t20\t9\t90\texam-
5\t1\t1\t1\t2\t1\t10\t30\t20\t8\t90\tple
5\t1\t1\t1\t2\t2\t40\t30\t20\t8\t90\tends.
5\t1\t1\t1\t2\t3\t70\t30\t2\t60\t20\t|
5\t1\t1\t2\t1\t1\t10\t50\t20\t8\t5\tqzx
5\t1\t2\t1\t1\t1\t10\t70\t20\t8\t80\tLast
";

    #[test]
    fn words_become_lines_and_paragraphs() {
        let page = parse(TABLE, &picture(2.0));
        let texts: Vec<Vec<&str>> = page
            .paragraphs
            .iter()
            .map(|paragraph| {
                paragraph
                    .lines
                    .iter()
                    .map(|line| line.text.as_str())
                    .collect()
            })
            .collect();
        assert_eq!(texts, [vec!["The example", "ends."], vec!["Last"]]);
        let first = &page.paragraphs[0].lines[0];
        assert_eq!(first.area.points(), [5.0, 5.0, 30.0, 9.5]);
        assert!((85.0..95.0).contains(&page.confidence));
        assert_eq!(page.letters(), 18);
    }

    #[test]
    fn hyphens_that_belong_to_a_word_stay() {
        assert_eq!(torn("for exam-", "ple is"), Some(3));
        for (above, below) in [
            ("north-", "South"),
            ("A-", "level"),
            ("1990-", "ties"),
            ("word", "word"),
        ] {
            assert_eq!(torn(above, below), None, "{above}{below}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_tables_are_read(rows in prop::collection::vec("[0-9\\t\\-.a-zé]{0,40}", 0..20)) {
            parse(&rows.join("\n"), &picture(1.0));
        }

        #[test]
        fn arbitrary_words_are_read(cells in prop::collection::vec((0u32..4, 0u32..4, any::<u32>(), -9f32..120.0, "\\PC{0,9}"), 0..20)) {
            let rows: Vec<String> = cells
                .iter()
                .map(|(a, b, c, conf, text)| format!("5\t1\t{a}\t{b}\t{a}\t{b}\t{c}\t{c}\t{c}\t{c}\t{conf}\t{text}"))
                .collect();
            let page = parse(&rows.join("\n"), &picture(1.0));
            for paragraph in &page.paragraphs {
                prop_assert!(!paragraph.lines.is_empty());
                prop_assert!(paragraph.lines.iter().all(|line| !line.text.is_empty()));
            }
        }
    }
}
