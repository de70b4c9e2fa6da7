//! The texts of a slide, a master or a page of notes.

use super::super::compound::{u16_at, u32_at};
use super::super::flow::comment_label;
use super::record::{self, Record};

/// The texts of a slide by what they are.
#[derive(Debug, Default)]
pub(super) struct Slide {
    pub(super) titles: Vec<String>,
    /// Texts of placeholders.
    pub(super) bodies: Vec<String>,
    /// Texts of other shapes.
    pub(super) free: Vec<String>,
    /// Dates, running heads and feet.
    pub(super) running: Vec<String>,
    pub(super) comments: Vec<String>,
    pub(super) is_hidden: bool,
}

impl Slide {
    /// Reads a slide, whose shapes may refer to the texts of the outline by number.
    pub(super) fn read(slide: Record<'_>, outline: &[(u32, String)]) -> Slide {
        let mut found = Slide {
            running: running(slide),
            ..Slide::default()
        };
        slide.visit(&mut |record| {
            match record.kind {
                record::SHAPE => found.shape(record, outline),
                record::COMMENT => found.comments.push(comment(record)),
                record::SHOW_INFO => {
                    found.is_hidden = u16_at(record.body, 10).is_some_and(|flags| flags & 4 != 0);
                }
                _ => return true,
            }
            false
        });
        found
    }

    fn shape(&mut self, shape: Record<'_>, outline: &[(u32, String)]) {
        let placeholder = shape.find(record::PLACEHOLDER);
        let placeholder = placeholder.and_then(|atom| atom.body.get(4).copied());
        let mut kind = 4;
        let mut texts: Vec<String> = Vec::new();
        shape.visit(&mut |record| {
            match record.kind {
                record::TEXT_HEADER => kind = u32_at(record.body, 0).unwrap_or(4),
                record::TEXT_CHARS | record::TEXT_BYTES => texts.push(record.text()),
                record::OUTLINE_REFERENCE => {
                    let number = u32_at(record.body, 0).map(|number| number as usize);
                    if let Some((listed, text)) = number.and_then(|number| outline.get(number)) {
                        kind = *listed;
                        texts.push(text.clone());
                    }
                }
                _ => return true,
            }
            false
        });
        let text = texts.join("\n");
        if text.trim().is_empty() {
            return;
        }
        match (kind, placeholder) {
            // Placeholders for date, number, foot and head (MS-PPT 2.13.21).
            (_, Some(7..=10)) => self.running.push(text),
            (0 | 6, _) => self.titles.push(text),
            (_, Some(_)) => self.bodies.push(text),
            (_, None) => self.free.push(text),
        }
    }
}

/// Dates, running heads and feet.
pub(super) fn running(part: Record<'_>) -> Vec<String> {
    let parts = part
        .children()
        .filter(|child| child.kind == record::HEADERS_FOOTERS);
    let strings = parts.flat_map(Record::children);
    strings
        .filter(|record| record.kind == record::STRING)
        .map(Record::text)
        .collect()
}

fn comment(comment: Record<'_>) -> String {
    let string = |instance| {
        let mut strings = comment
            .children()
            .filter(|child| child.kind == record::STRING);
        let found = strings.find(|string| string.instance == instance);
        found.map(Record::text).unwrap_or_default()
    };
    format!("{}{}", comment_label(&string(0), ""), string(1))
}
