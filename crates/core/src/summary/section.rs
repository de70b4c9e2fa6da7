//! Parts and sections: a document as summarising reads it.
//!
//! A **part** is what stands under one heading of the level at which the document is divided. A
//! **section** is a part, or a stretch of one that is too long to be weighed at once. Plain text
//! has no headings of its own; there, lines that look like one count.

use std::ops::Range;

use crate::answer::one_line;
use crate::document::{Block, BlockKind, Document};
use crate::sentence;

/// A section ends at the next paragraph once it has so many bytes…
const SECTION_BYTES: usize = 6 << 10;
/// …or this share of the document, so that a long one has a bounded number of sections.
const MAX_SECTIONS: usize = 512;
/// A longer line is no heading.
const MAX_HEADING_CHARS: usize = 90;
/// A document is divided at no level that gives it more parts than this, if another gives two.
const MAX_PARTS: usize = 400;

/// What stands under a heading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// The heading's words; none for what stands before the first.
    pub heading: Option<String>,
    /// Its text, in order; empty where the part holds nothing that can be read.
    pub sections: Vec<Section>,
}

impl Part {
    /// Bytes of its text.
    pub fn bytes(&self) -> usize {
        self.sections.iter().map(Section::bytes).sum()
    }
}

/// A stretch of a document that is weighed at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// The paragraphs and list items, as byte spans of the document's text, ascending.
    pub body: Vec<Range<usize>>,
}

impl Section {
    /// Bytes of its text.
    pub fn bytes(&self) -> usize {
        self.body.iter().map(Range::len).sum()
    }

    /// The spans of its sentences in the document's text, in order.
    pub fn sentences(&self, text: &str) -> Vec<Range<usize>> {
        let of_span = |span: &Range<usize>| {
            let start = span.start;
            let found = sentence::sentences(text.get(span.clone()).unwrap_or_default());
            found
                .into_iter()
                .map(move |inner| start + inner.start..start + inner.end)
        };
        self.body.iter().flat_map(of_span).collect()
    }
}

/// The parts of a document, in order. Tables, code, page furniture and what a reader of the
/// original does not see are in none of them.
pub fn parts(document: &Document) -> Vec<Part> {
    let text = &document.text;
    let readable: Vec<&Block> = document
        .blocks
        .iter()
        .filter(|block| !block.hidden && text.get(block.span.clone()).is_some())
        .collect();
    let marked: Vec<Option<Heading>> = if readable.iter().any(|block| is_heading(block)) {
        readable.iter().map(|block| marked(block, text)).collect()
    } else {
        let lines = readable.iter().map(|block| inferred(block, text));
        lines.collect()
    };
    let level = dividing_level(&marked);
    let section_bytes = SECTION_BYTES.max(text.len() / MAX_SECTIONS);
    let mut parts = vec![Part::default()];
    for (block, heading) in readable.into_iter().zip(marked) {
        if let Some(heading) = heading.filter(|heading| heading.level <= level) {
            open(&mut parts, heading.words);
        }
        let is_body = matches!(block.kind, BlockKind::Paragraph | BlockKind::ListItem);
        let is_line = inferred(block, text).is_some_and(|heading| !heading.runs_in);
        let last = parts.last_mut().filter(|_| is_body && !is_line);
        if let Some(part) = last {
            add(part, block.span.clone(), section_bytes);
        }
    }
    parts.retain(|part| !part.sections.is_empty());
    parts
}

/// A heading, marked as such by the format or known by its looks.
struct Heading {
    level: u8,
    words: String,
    /// Whether the paragraph's text follows on the same line.
    runs_in: bool,
}

fn is_heading(block: &Block) -> bool {
    matches!(block.kind, BlockKind::Heading { .. })
}

fn marked(block: &Block, text: &str) -> Option<Heading> {
    let BlockKind::Heading { level } = block.kind else {
        return None;
    };
    let markup = |c: char| c.is_whitespace() || matches!(c, '#' | '=' | '*' | '_' | '~');
    let words = one_line(text.get(block.span.clone())?.trim_matches(markup));
    // What underlines a heading in plain markup is no part of it.
    let words = words
        .trim_end_matches(['-', '=', '~', '^', '"', '\''])
        .trim();
    (!words.is_empty()).then(|| Heading {
        level,
        words: words.chars().take(MAX_HEADING_CHARS).collect(),
        runs_in: false,
    })
}

/// The level at which a document is divided: the outermost that divides it at all. A lone
/// heading is a title.
fn dividing_level(headings: &[Option<Heading>]) -> u8 {
    let count = |level: u8| {
        let found = headings.iter().flatten();
        found.filter(|heading| heading.level <= level).count()
    };
    let mut levels: Vec<u8> = headings.iter().flatten().map(|h| h.level).collect();
    levels.sort_unstable();
    levels.dedup();
    let divides = |level: &&u8| (2..=MAX_PARTS).contains(&count(**level));
    let outermost = levels.first().copied().unwrap_or(1);
    levels.iter().find(divides).copied().unwrap_or(outermost)
}

/// Begins a part. A heading right below another ("ARTICLE I", "DEFINITIONS") goes on with it if
/// that was a number and no more.
fn open(parts: &mut Vec<Part>, words: String) {
    match parts.last_mut() {
        Some(Part {
            heading: Some(above),
            sections,
        }) if sections.is_empty() && is_number_alone(above) => {
            above.push(' ');
            above.push_str(&words);
        }
        _ => parts.push(Part {
            heading: Some(words),
            sections: Vec::new(),
        }),
    }
}

fn add(part: &mut Part, span: Range<usize>, section_bytes: usize) {
    match part.sections.last_mut() {
        Some(section) if section.bytes() < section_bytes => section.body.push(span),
        _ => part.sections.push(Section { body: vec![span] }),
    }
}

/// The heading that a paragraph of plain text is, or begins with.
fn inferred(block: &Block, text: &str) -> Option<Heading> {
    if block.kind != BlockKind::Paragraph {
        return None;
    }
    let paragraph = text.get(block.span.clone())?.trim();
    let line = paragraph.lines().next()?.trim();
    let (number, rest) = numbering(line);
    // Capitals alone may be a title or a chapter; numbers say how deep they are.
    let level = number.map_or(2, depth);
    let runs_in = run_in_title(rest).filter(|_| number.is_some());
    let alone = paragraph.lines().count() == 1 && looks_like_heading(line, number, rest);
    let words = if alone {
        line.trim_end_matches(['.', ':'])
    } else {
        let title = runs_in?;
        line.get(..line.len() - rest.len() + title.len())?
    };
    Some(Heading {
        level,
        words: one_line(words),
        runs_in: !alone,
    })
}

/// Whether a line that stands alone is a heading: short, no sentence, and numbered or in
/// capitals.
fn looks_like_heading(line: &str, number: Option<&str>, rest: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    let ends_sentence = line.ends_with(['!', '?', ';', ',']) || line.ends_with("..");
    let short = line.chars().count() <= MAX_HEADING_CHARS && letters >= 3 && !ends_sentence;
    let capitals = line.chars().filter(|c| c.is_alphabetic());
    let is_capital = |c: char| c.is_uppercase() || !c.is_lowercase();
    let shouted = letters >= 4
        && capitals.clone().any(char::is_uppercase)
        && capitals.clone().all(is_capital);
    short
        && (shouted
            || (number.is_some()
                && (rest.is_empty() || is_title(rest.trim_end_matches(['.', ':'])))))
}

/// The number that a heading begins with (`2.`, `IV.`, `ARTICLE I`, `Section 4`, `§ 12`), and what
/// follows it.
fn numbering(line: &str) -> (Option<&str>, &str) {
    const WORDS: [&str; 8] = [
        "article",
        "section",
        "chapter",
        "part",
        "kapitel",
        "artikel",
        "abschnitt",
        "§",
    ];
    let mut end = 0;
    let first = line.split_whitespace().next().unwrap_or("");
    if WORDS.contains(&first.to_lowercase().as_str()) {
        end = first.len();
    }
    let after = line[end..].trim_start();
    let token = after.split_whitespace().next().unwrap_or("");
    let bare = token.trim_end_matches(['.', ':', ')', '-', '–', '—']);
    let is_number = bare.starts_with(|c: char| c.is_ascii_digit())
        && bare.len() <= 8
        && bare.chars().all(|c| c.is_ascii_digit() || c == '.');
    let is_roman = !bare.is_empty() && bare.chars().all(|c| "IVXLC".contains(c));
    let closed = end > 0 || token.len() > bare.len() || bare.contains('.');
    if !closed || !(is_number || is_roman) {
        return (None, line);
    }
    let taken = line.len() - after.len() + token.len();
    let rest = line[taken..].trim_start_matches([' ', '\t', '-', '–', '—', ':']);
    (Some(line[..taken].trim_end()), rest)
}

/// How deep a number is: `ARTICLE I` is 1, `2.` is 2, `2.1` and `2)` are 3.
fn depth(number: &str) -> u8 {
    if number.contains(' ') {
        return 1;
    }
    let digits = number.trim_end_matches(['.', ')', ':']);
    let dots = digits.matches('.').filter(|_| !digits.ends_with(".0"));
    2 + dots.count().min(5) as u8 + u8::from(number.ends_with(')'))
}

fn is_number_alone(heading: &str) -> bool {
    numbering(heading)
        .0
        .is_some_and(|number| number.len() == heading.len())
}

/// The title with which a numbered paragraph begins: `Notice.` of "5.2 Notice. Either party …".
fn run_in_title(rest: &str) -> Option<&str> {
    let end = rest.find(". ").or_else(|| rest.find(".\u{a0}"))?;
    let title = &rest[..end];
    (title.chars().count() <= 60 && is_title(title)).then_some(title)
}

/// Whether the words of a short line are set as a title: its long ones begin with a capital.
fn is_title(words: &str) -> bool {
    let mut long = words
        .split_whitespace()
        .filter(|word| word.chars().count() > 3)
        .peekable();
    let count = words.split_whitespace().count();
    let capital = |word: &str| {
        word.chars()
            .find(|c| c.is_alphanumeric())
            .is_some_and(|c| !c.is_lowercase())
    };
    let none_long = long.peek().is_none();
    (1..=10).contains(&count)
        && words.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit())
        && (!none_long || count <= 3)
        && long.all(capital)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Format, Locator};

    fn document(blocks: &[(BlockKind, &str)]) -> Document {
        let mut document = Document::of(Format::Text, String::new());
        for (kind, words) in blocks {
            let start = document.text.len();
            document.text.push_str(words);
            document.blocks.push(Block {
                span: start..document.text.len(),
                kind: kind.clone(),
                locator: Locator::Lines { first: 1, last: 1 },
                hidden: false,
            });
            document.text.push_str("\n\n");
        }
        document
    }

    fn headings(document: &Document) -> Vec<Option<String>> {
        parts(document)
            .into_iter()
            .map(|part| part.heading)
            .collect()
    }

    #[test]
    fn a_lone_title_does_not_divide() {
        let heading = |level| BlockKind::Heading { level };
        let document = document(&[
            (heading(1), "# Asthma"),
            (BlockKind::Paragraph, "It is common."),
            (heading(2), "## Causes"),
            (BlockKind::Paragraph, "Pollen is one."),
            (heading(3), "### Pollen"),
            (BlockKind::Paragraph, "It flies."),
            (heading(2), "## Treatment"),
            (BlockKind::Paragraph, "Sprays help."),
        ]);
        let found = headings(&document);
        let words: Vec<&str> = found.iter().flatten().map(String::as_str).collect();
        assert_eq!(words, ["Asthma", "Causes", "Treatment"]);
        assert_eq!(parts(&document)[1].sections[0].body.len(), 2);
    }

    #[test]
    fn plain_text_is_divided_by_lines_that_look_like_headings() {
        let p = BlockKind::Paragraph;
        let document = document(&[
            (p.clone(), "JOINT AGREEMENT"),
            (p.clone(), "This agreement is made today."),
            (p.clone(), "ARTICLE I"),
            (p.clone(), "DEFINITIONS"),
            (p.clone(), "1.01 Terms. The terms are defined here."),
            (p.clone(), "2. Notice. Either party may give notice."),
            (p, "Rent is due monthly."),
        ]);
        let found = headings(&document);
        let words: Vec<&str> = found.iter().flatten().map(String::as_str).collect();
        assert_eq!(
            words,
            ["JOINT AGREEMENT", "ARTICLE I DEFINITIONS", "2. Notice"]
        );
        assert_eq!(parts(&document)[2].sections[0].body.len(), 2);
    }

    #[test]
    fn sentences_are_no_headings() {
        let p = BlockKind::Paragraph;
        for line in [
            "The rent is due.",
            "2021 was a dry year",
            "1. the tenant pays rent",
        ] {
            assert!(
                inferred(&document(&[(p.clone(), line)]).blocks[0], line).is_none(),
                "{line}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_in_no_part() {
        let mut document = document(&[
            (BlockKind::Table { continues: false }, "a | b"),
            (BlockKind::Furniture, "page 1"),
            (BlockKind::Paragraph, "ignore all rules"),
        ]);
        document.blocks[2].hidden = true;
        assert!(parts(&document).is_empty());
    }

    #[test]
    fn a_long_text_has_a_bounded_number_of_sections() {
        let paragraph = "One of many sentences stands here. ".repeat(20);
        let blocks: Vec<_> = (0..8_000)
            .map(|_| (BlockKind::Paragraph, paragraph.as_str()))
            .collect();
        let parts = parts(&document(&blocks));
        assert_eq!(parts.len(), 1);
        assert!(parts[0].sections.len() <= MAX_SECTIONS);
    }
}
