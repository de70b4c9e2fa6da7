//! Recognised text takes its place in a document, page by page.

use std::collections::BTreeMap;
use std::ops::Range;

use docent_core::document::{Badge, Block, BlockKind, Document, Line, Locator, Page};
use docent_core::source::Gap;

use super::marker;
use super::recognised::{Paragraph, Recognised};
use crate::blocks::MAX_BLOCK_BYTES;
use crate::prose;

/// What OCR made of a page, or why nothing came of it.
pub(crate) type Attempt = Result<Recognised, Gap>;

/// The picture of a page shows no writing.
pub(crate) const NOTHING_TO_READ: &str = "OCR found no text in its picture";

/// The picture of a page shows writing that the program could only guess at.
const NONSENSE: &str = "OCR could not read its picture";
const BETTER_PICTURE: &str =
    "set the languages of OCR to those of the document, or scan it again at 300 dots an inch";

/// A page of which the program is less sure than this is no text.
const LEAST_CONFIDENCE: f32 = 40.0;

/// A page with fewer letters is no text.
const LEAST_LETTERS: usize = 2;

/// Whether a page waits for OCR, or OCR could not read it.
pub(crate) fn is_of_ocr(page: &Page) -> bool {
    let reason = page.gap.as_ref().map_or("", |gap| gap.reason.as_str());
    marker::needs_ocr(page) || reason.starts_with("OCR ")
}

/// Puts the text of pages, counted from 1, at their places: what the document has of such a page
/// is replaced, except its furniture. A page that could not be recognised keeps what it has, and
/// says why it is unreadable.
pub(crate) fn merge(document: &mut Document, attempts: BTreeMap<u32, Attempt>) {
    let mut texts = BTreeMap::new();
    for (number, attempt) in attempts {
        let Some(page) = document.pages.get_mut(number.saturating_sub(1) as usize) else {
            continue;
        };
        match judged(attempt) {
            Ok(text) => {
                *page = Page {
                    badge: Badge::Ocr,
                    gap: None,
                };
                texts.insert(number, text);
            }
            Err(gap) => page.gap = Some(gap),
        }
    }
    if texts.is_empty() {
        return;
    }
    *document = Merger::new(document).run(texts);
    document.language = prose::language(document);
}

/// The text of a page, if it is one.
fn judged(attempt: Attempt) -> Result<Recognised, Gap> {
    match attempt {
        Err(gap) => Err(gap),
        Ok(text) if text.letters() < LEAST_LETTERS => Err(NOTHING_TO_READ.into()),
        Ok(text) if text.confidence < LEAST_CONFIDENCE => {
            Err(Gap::new(NONSENSE).help(BETTER_PICTURE))
        }
        Ok(text) => Ok(text),
    }
}

/// A document with pages of it replaced.
struct Merger<'d> {
    old: &'d Document,
    new: Document,
    /// Where the last block that was taken over ends in the old text, if nothing came since.
    behind: Option<usize>,
}

impl<'d> Merger<'d> {
    fn new(old: &'d Document) -> Self {
        Merger {
            old,
            new: Document {
                text: String::with_capacity(old.text.len()),
                blocks: Vec::new(),
                lines: Vec::new(),
                ..old.clone()
            },
            behind: None,
        }
    }

    fn run(mut self, mut pages: BTreeMap<u32, Recognised>) -> Document {
        let replaced: Vec<u32> = pages.keys().copied().collect();
        for block in &self.old.blocks {
            let furniture = block.kind == BlockKind::Furniture;
            let page = match block.locator {
                Locator::Page { page, .. } => page,
                _ => 0,
            };
            while let Some(next) = pages.first_entry()
                && (furniture || *next.key() <= page)
            {
                let (number, text) = next.remove_entry();
                self.add_page(number, &text);
            }
            if furniture || !replaced.contains(&page) {
                self.take_over(block);
            }
        }
        for (number, text) in pages {
            self.add_page(number, &text);
        }
        self.new
    }

    /// Takes over a block as it is, with its lines and with what stands between it and the one
    /// before.
    fn take_over(&mut self, block: &Block) {
        match self
            .behind
            .and_then(|end| self.old.text.get(end..block.span.start))
        {
            Some(between) => self.new.text.push_str(between),
            None => self.part(),
        }
        let start = self.new.text.len();
        self.new.text.push_str(&self.old.text[block.span.clone()]);
        for line in lines_of(&self.old.lines, &block.span) {
            self.new.lines.push(Line {
                start: line.start - block.span.start + start,
                ..*line
            });
        }
        self.new.blocks.push(Block {
            span: start..self.new.text.len(),
            ..block.clone()
        });
        self.behind = Some(block.span.end);
    }

    fn add_page(&mut self, number: u32, text: &Recognised) {
        let mut line = 1;
        for paragraph in &text.paragraphs {
            self.add_paragraph(number, &mut line, paragraph);
        }
        self.behind = None;
    }

    /// Adds a paragraph, cut between lines where it is too long for a block. `number` is that of
    /// its first line on the page and becomes that of the line below.
    fn add_paragraph(&mut self, page: u32, number: &mut u32, paragraph: &Paragraph) {
        let mut rest = paragraph.lines.as_slice();
        while !rest.is_empty() {
            self.part();
            let start = self.new.text.len();
            let first = *number;
            let mut area = None;
            while let Some((line, below)) = rest.split_first() {
                let long = self.new.text.len() - start + line.text.len() > MAX_BLOCK_BYTES;
                if area.is_some() && long {
                    break;
                }
                if area.is_some() {
                    self.new.text.push('\n');
                }
                self.new.lines.push(Line {
                    start: self.new.text.len(),
                    area: line.area,
                });
                self.new.text.push_str(&line.text);
                area = Some(area.map_or(line.area, |so_far| line.area.around(so_far)));
                *number += 1;
                rest = below;
            }
            self.new.blocks.push(Block {
                span: start..self.new.text.len(),
                kind: BlockKind::Paragraph,
                locator: Locator::Page {
                    page,
                    first_line: first,
                    last_line: *number - 1,
                    last_page: page,
                    area,
                    badge: Badge::Ocr,
                },
                hidden: false,
            });
        }
    }

    /// Sets the next block apart from the one before.
    fn part(&mut self) {
        if !self.new.text.is_empty() {
            self.new.text.push_str("\n\n");
        }
    }
}

/// The lines that begin in a span.
fn lines_of<'l>(lines: &'l [Line], span: &Range<usize>) -> &'l [Line] {
    let from = lines.partition_point(|line| line.start < span.start);
    let to = lines.partition_point(|line| line.start < span.end);
    &lines[from..to.max(from)]
}

#[cfg(test)]
mod tests {
    use docent_core::document::{Area, Format};

    use super::*;
    use crate::check;
    use crate::ocr::recognised;

    fn area(top: f64) -> Area {
        Area::from_points([10.0, top, 90.0, top + 10.0])
    }

    fn recognised(paragraphs: &[&[&str]]) -> Recognised {
        let line = |(index, text): (usize, &&str)| recognised::Line {
            text: (*text).to_owned(),
            area: area(20.0 * index as f64),
        };
        let paragraph = |lines: &&[&str]| Paragraph {
            lines: lines.iter().enumerate().map(line).collect(),
        };
        Recognised {
            paragraphs: paragraphs.iter().map(paragraph).collect(),
            confidence: 90.0,
        }
    }

    /// Five pages: text, unread, text with a line's place, unread with rubbish, unread; and
    /// furniture.
    fn document() -> Document {
        let texts = ["One.", "Three\ngoes on.", "r~bb§sh", "Page 3"];
        let mut document = Document::of(Format::Pdf, String::new());
        for (text, page) in texts.into_iter().zip([1, 3, 4, 3]) {
            if !document.text.is_empty() {
                document.text.push_str(" \n");
            }
            let start = document.text.len();
            document.text.push_str(text);
            document.blocks.push(Block {
                span: start..document.text.len(),
                kind: match text {
                    "Page 3" => BlockKind::Furniture,
                    _ => BlockKind::Paragraph,
                },
                locator: Locator::page(page, 1, 2),
                hidden: false,
            });
        }
        document.lines = vec![Line {
            start: document.text.find("goes").unwrap(),
            area: area(50.0),
        }];
        document.pages = vec![Page::default(); 5];
        for unread in [1, 3, 4] {
            document.pages[unread] = marker::page();
        }
        document
    }

    #[test]
    fn pages_come_to_stand_in_order() {
        let mut document = document();
        let attempts = BTreeMap::from([
            (2, Ok(recognised(&[&["Two,", "in lines."], &["And more."]]))),
            (4, Ok(recognised(&[&["Four."]]))),
            (5, Ok(recognised(&[&["Five."]]))),
        ]);
        merge(&mut document, attempts);
        assert_eq!(check(&document), Ok(()));
        assert_eq!(
            document.text,
            "One.\n\nTwo,\nin lines.\n\nAnd more.\n\nThree\ngoes on.\n\nFour.\n\nFive.\n\nPage 3"
        );
        let badges: Vec<Badge> = document.pages.iter().map(|page| page.badge).collect();
        use Badge::{Ocr, Text};
        assert_eq!(badges, [Text, Ocr, Text, Ocr, Ocr]);
        let at = document.text.find("in lines").unwrap();
        let Some(Locator::Page {
            page,
            first_line,
            area: place,
            badge,
            ..
        }) = document.locate(at..at + 3)
        else {
            panic!("no place");
        };
        assert_eq!((page, first_line, badge), (2, 2, Ocr));
        assert_eq!(place, Some(area(20.0)));
        let kept = document
            .lines
            .iter()
            .find(|line| line.area == area(50.0))
            .unwrap();
        assert!(document.text[kept.start..].starts_with("goes on."));
        assert!(document.lines.is_sorted_by_key(|line| line.start));
    }

    #[test]
    fn what_was_not_recognised_says_why() {
        let mut document = document();
        let before = document.text.clone();
        let unsure = Recognised {
            confidence: 12.0,
            ..recognised(&[&["xq vfl"]])
        };
        let attempts = BTreeMap::from([
            (2, Err("OCR failed: Tesseract ended".into())),
            (4, Ok(unsure)),
            (5, Ok(Recognised::default())),
            (9, Ok(recognised(&[&["No such page."]]))),
        ]);
        merge(&mut document, attempts);
        assert_eq!(document.text, before);
        let reason = |page: usize| document.pages[page].gap.clone().unwrap().reason;
        assert_eq!(reason(1), "OCR failed: Tesseract ended");
        assert_eq!(reason(3), NONSENSE);
        assert_eq!(reason(4), NOTHING_TO_READ);
        assert!(document.pages.iter().all(|page| page.badge != Badge::Ocr));
    }

    #[test]
    fn a_long_paragraph_is_cut_between_lines() {
        let mut document = Document::of(Format::Image, String::new());
        document.pages = vec![marker::page()];
        let line = "words and words ".repeat(20);
        let lines: Vec<&str> = vec![line.trim_end(); 100];
        merge(
            &mut document,
            BTreeMap::from([(1, Ok(recognised(&[&lines])))]),
        );
        assert_eq!(check(&document), Ok(()));
        assert!(document.blocks.len() > 1);
        assert!(
            document
                .blocks
                .iter()
                .all(|block| block.span.len() <= MAX_BLOCK_BYTES)
        );
        let last = document.text.len() - 5..document.text.len();
        assert!(matches!(
            document.locate(last),
            Some(Locator::Page {
                first_line: 100,
                ..
            })
        ));
    }
}
