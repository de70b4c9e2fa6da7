//! The walk over the characters of one story that makes blocks of them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use docent_core::document::BlockKind;

use super::super::compound::u32_at;
use super::super::flow::{Flow, comment_label};
use super::super::word::numbering::Numbering;
use super::fib::Fib;
use super::properties::{Paragraph, Properties};
use super::text::Text;
use crate::job::Job;

/// A story in the making.
pub(super) struct Story<'s> {
    text: &'s Text,
    properties: &'s Properties,
    /// Counted on from story to story.
    numbering: &'s RefCell<Numbering>,
    job: &'s Job<'s>,
    /// Notes and comments: for the character that they hang on, whether it is a comment, and the
    /// characters of their text.
    notes: HashMap<u32, (bool, Range<u32>)>,
    flow: Flow,
    /// UTF-16 units of the paragraph at hand.
    line: Vec<u16>,
    /// Where in it the last paragraph of a cell begins.
    begin: usize,
    hidden: Vec<u16>,
    after: Vec<String>,
    number: usize,
    cells: Vec<String>,
    rows: Vec<Vec<String>>,
    /// The fields that are open: whether their results have begun.
    fields: Vec<bool>,
    deletions: usize,
    in_deletion: bool,
}

impl<'s> Story<'s> {
    pub(super) fn new(
        text: &'s Text,
        properties: &'s Properties,
        numbering: &'s RefCell<Numbering>,
        job: &'s Job<'s>,
    ) -> Self {
        Story {
            text,
            properties,
            numbering,
            job,
            notes: HashMap::new(),
            flow: Flow::default(),
            line: Vec::new(),
            begin: 0,
            hidden: Vec::new(),
            after: Vec::new(),
            number: 0,
            cells: Vec::new(),
            rows: Vec::new(),
            fields: Vec::new(),
            deletions: 0,
            in_deletion: false,
        }
    }

    /// Takes in the notes and comments that hang on this story.
    pub(super) fn notes(&mut self, fib: &Fib<'_>, table: &[u8]) {
        if fib.is_old {
            return;
        }
        let kinds = [
            (0xaa, 0xb2, 2, fib.footnotes(), false),
            (0x20a, 0x212, 2, fib.endnotes(), false),
            (0xba, 0xc2, 30, fib.comments(), true),
        ];
        for (anchors, texts, size, story, is_comment) in kinds {
            let anchors = fib.part(table, anchors);
            let texts = fib.part(table, texts);
            let count = anchors.len().saturating_sub(4) / (4 + size);
            for at in 0..count {
                let (Some(anchor), Some(first), Some(end)) = (
                    u32_at(anchors, at * 4),
                    u32_at(texts, at * 4),
                    u32_at(texts, at * 4 + 4),
                ) else {
                    break;
                };
                let place = |at: u32| story.start.saturating_add(at).min(story.end);
                self.notes
                    .insert(anchor, (is_comment, place(first)..place(end)));
            }
        }
    }

    /// The blocks of a range of characters, and how many deletions were left out of them.
    pub(super) fn read(mut self, range: Range<u32>) -> (Flow, usize) {
        let end = range.end.min(self.text.units.len() as u32);
        for at in range.start..end {
            if at.is_multiple_of(65_536) && self.job.is_late() {
                break;
            }
            self.character(at);
        }
        self.paragraph(Paragraph::default());
        self.end_table();
        (self.flow, self.deletions)
    }

    fn character(&mut self, at: u32) {
        let unit = self.text.units.get(at as usize).copied().unwrap_or(0);
        let place = self.text.place(at);
        match unit {
            0x0d | 0x0c | 0x07 => {
                let holds = self.properties.paragraph(place);
                match unit {
                    0x07 => self.cell(holds),
                    _ if holds.in_table => {
                        self.label(holds);
                        self.line.push(u16::from(b'\n'));
                        self.begin = self.line.len();
                    }
                    _ => self.paragraph(holds),
                }
            }
            0x13 if self.fields.len() < 100 => self.fields.push(false),
            0x14 => {
                if let Some(last) = self.fields.last_mut() {
                    *last = true;
                }
            }
            0x15 => {
                self.fields.pop();
            }
            _ if self.fields.iter().any(|has_result| !has_result) => {}
            0x02 | 0x05 => self.note(at),
            unit => self.letter(unit, place),
        }
    }

    fn letter(&mut self, unit: u16, place: u32) {
        let run = self.properties.run(place);
        if run.deleted {
            self.deletions += usize::from(!self.in_deletion);
        }
        self.in_deletion = run.deleted;
        let unit = match unit {
            0x0b => u16::from(b'\n'),
            0x1e => 0x2011,
            0x1f => 0xad,
            0xf0b7 | 0xf0a7 => 0x2022,
            // Pictures and what else has no letter.
            0x09 | 0x20.. => unit,
            _ => return,
        };
        match (run.deleted, run.hidden) {
            (true, _) => {}
            (_, true) => self.hidden.push(unit),
            _ => self.line.push(unit),
        }
    }

    fn note(&mut self, at: u32) {
        let Some((is_comment, range)) = self.notes.remove(&at) else {
            return;
        };
        let story = Story::new(self.text, self.properties, self.numbering, self.job);
        let text = story.read(range).0.lines();
        let label = match is_comment {
            true => comment_label("", ""),
            false => {
                self.number += 1;
                let mark = format!("[{}]", self.number);
                self.line.extend(mark.encode_utf16());
                format!("{mark} ")
            }
        };
        if !text.trim().is_empty() {
            self.after.push(format!("{label}{}", text.trim()));
        }
    }

    /// Puts the label of a numbered paragraph in front of it; gives its depth.
    fn label(&mut self, holds: Paragraph) -> Option<usize> {
        let (list, level) = holds.list?;
        let begin = self.begin.min(self.line.len());
        let is_blank = self.line[begin..].iter().all(|unit| *unit <= 0x20);
        if is_blank {
            return None;
        }
        let mut numbering = self.numbering.borrow_mut();
        let label = numbering.next(&list.to_string(), usize::from(level))?;
        self.line.splice(begin..begin, label.text.encode_utf16());
        Some(label.level)
    }

    /// Ends a cell or, where a row's end is marked, a row.
    fn cell(&mut self, holds: Paragraph) {
        self.label(holds);
        self.begin = 0;
        let text = String::from_utf16_lossy(&std::mem::take(&mut self.line));
        // Without properties, an empty mark behind a cell is taken for the end of a row.
        let ends_row =
            holds.ends_row || (!holds.in_table && text.is_empty() && !self.cells.is_empty());
        match ends_row {
            true => self.rows.push(std::mem::take(&mut self.cells)),
            false => self.cells.push(text),
        }
    }

    fn end_table(&mut self) {
        if !self.cells.is_empty() {
            self.rows.push(std::mem::take(&mut self.cells));
        }
        let rows = std::mem::take(&mut self.rows);
        self.flow.push_table(&rows);
    }

    fn paragraph(&mut self, holds: Paragraph) {
        self.end_table();
        // A field's instruction ends with its paragraph, whatever the file says.
        self.fields.retain(|has_result| *has_result);
        self.begin = 0;
        let depth = self.label(holds);
        let text = String::from_utf16_lossy(&std::mem::take(&mut self.line));
        let (kind, text) = match (holds.heading, depth) {
            (Some(level), _) => (BlockKind::Heading { level }, text),
            (None, Some(depth)) => (BlockKind::ListItem, format!("{:1$}{text}", "", depth * 2)),
            (None, None) => (BlockKind::Paragraph, text),
        };
        self.flow.push(kind, text);
        let hidden = String::from_utf16_lossy(&std::mem::take(&mut self.hidden));
        self.flow.push_hidden(hidden);
        for text in std::mem::take(&mut self.after) {
            self.flow.push(BlockKind::Paragraph, text);
        }
    }
}
