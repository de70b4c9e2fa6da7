//! XML: the text of a document (JATS, DocBook, TEI, Word's and news feeds'), or the file's own
//! text where it is data.
//!
//! No DTD is read: of entities only those of XML itself and of characters stand for anything,
//! so that nothing is expanded and nothing outside is opened.

use docent_core::document::{BlockKind, Document, Format};
use docent_core::source::Gap;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use crate::blocks::{LineBlocks, for_each_group};
use crate::charset::{Decoded, plural};
use crate::compose::Composer;
use crate::format;
use crate::job::Job;

mod role;

use role::{DOCUMENT_ROOTS, Role, role};

/// Deeper than this XML is data, or worse.
const MAX_DEPTH: usize = 2_000;

/// Reads decoded XML.
pub(crate) fn read(decoded: Decoded, job: &Job<'_>) -> Document {
    if is_document(&decoded.text) {
        let mut walk = Walk::new(job);
        let end = walk.run(&decoded.text);
        if walk.composer.document().blocks.is_empty() {
            return own_text(decoded);
        }
        let document = walk.composer.document();
        document.warnings.extend(decoded.warnings);
        if let Err(reason) = end {
            document.incomplete = Some(Gap::new(reason));
        }
        return walk.composer.finish();
    }
    own_text(decoded)
}

fn own_text(decoded: Decoded) -> Document {
    let mut document = format::document(Format::Data, decoded);
    let mut blocks = LineBlocks::new(&document.text);
    for_each_group(&document.text, 0..document.text.len(), |span| {
        blocks.push(span, &BlockKind::Code { item: None });
    });
    document.blocks = blocks.finish();
    document
}

/// Whether XML is a document: by its outermost element, or because most of it is words.
fn is_document(text: &str) -> bool {
    let mut reader = lenient(text);
    let (mut words, mut inside) = (0, false);
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(element) if !inside => {
                inside = true;
                let name = element.local_name();
                if DOCUMENT_ROOTS.contains(&name.as_ref()) {
                    return true;
                }
            }
            Event::Text(run) if run.contains(' ') => words += run.trim().len(),
            Event::CData(run) => words += run.len(),
            Event::Eof => break,
            _ => {}
        }
    }
    words * 2 > text.len()
}

fn lenient(text: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    reader
}

/// An open element.
struct Open {
    role: Role,
    /// Whether it holds elements, so that words on both sides of it are apart.
    has_elements: bool,
    /// Where its text begins in the block in the making.
    start: usize,
}

struct Walk<'j> {
    job: &'j Job<'j>,
    composer: Composer,
    open: Vec<Open>,
    /// The text of the block in the making, and what it is.
    block: String,
    kind: BlockKind,
    /// Open elements that are blocks, headings, items or cells.
    in_block: usize,
    /// Open records.
    records: usize,
    deletions: usize,
    /// A formula that is written only if no other form of it is.
    spare: String,
    sections: u8,
    /// The rows of the open table, if one is open.
    rows: Option<Vec<Vec<String>>>,
    tables: usize,
}

impl<'j> Walk<'j> {
    fn new(job: &'j Job<'j>) -> Self {
        Walk {
            job,
            composer: Composer::new(Format::Data),
            open: Vec::new(),
            block: String::new(),
            kind: BlockKind::Paragraph,
            in_block: 0,
            records: 0,
            deletions: 0,
            spare: String::new(),
            sections: 0,
            rows: None,
            tables: 0,
        }
    }

    /// Walks to the end, or to where it is broken, and writes what is left.
    fn run(&mut self, text: &str) -> Result<(), String> {
        let end = self.walk(&mut lenient(text));
        if self.rows.is_some() {
            self.table();
        }
        self.flush();
        if self.deletions > 0 {
            let warning = format!("{} left out", plural(self.deletions, "tracked deletion"));
            self.composer.document().warnings.push(warning);
        }
        end
    }

    fn walk(&mut self, reader: &mut Reader<&[u8]>) -> Result<(), String> {
        loop {
            let event = reader
                .read_event()
                .map_err(|fault| format!("broken at byte {}: {fault}", reader.error_position()))?;
            match event {
                Event::Start(element) => {
                    match role(element.local_name().as_ref()) {
                        Role::LeftOut => {
                            let is_deletion = element.local_name().as_ref() == "delText";
                            self.deletions += usize::from(is_deletion);
                            reader
                                .read_to_end(element.name())
                                .map_err(|fault| fault.to_string())?;
                        }
                        role => self.enter(role),
                    }
                    if self.open.len() > MAX_DEPTH || self.job.is_late() {
                        return Err("nested too deep, or too long to read".to_owned());
                    }
                }
                Event::Empty(element) => match element.local_name().as_ref() {
                    "br" | "break" | "lb" | "cr" => self.block.push('\n'),
                    "tab" => self.block.push('\t'),
                    _ => {}
                },
                Event::End(_) => self.leave(),
                Event::Text(run) => self.text(&run),
                Event::CData(run) => self.text(&run),
                Event::GeneralRef(reference) => self.entity(&reference),
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn enter(&mut self, role: Role) {
        if let Some(parent) = self.open.last_mut() {
            parent.has_elements = true;
        }
        match role {
            Role::Inline | Role::Alternatives | Role::Math | Role::Formula => {}
            Role::Record if self.rows.is_none() && self.in_block == 0 => {
                if self.records == 0 {
                    self.flush();
                }
                self.space();
                self.records += 1;
            }
            Role::Block | Role::Heading | Role::Item
                if self.rows.is_none() && self.records == 0 =>
            {
                self.flush();
                self.kind = match role {
                    Role::Heading => BlockKind::Heading {
                        level: self.sections.clamp(1, 6),
                    },
                    Role::Item => BlockKind::ListItem,
                    _ => self.surrounding(),
                };
                self.in_block += 1;
            }
            Role::Section => {
                self.flush();
                self.sections = self.sections.saturating_add(1);
            }
            Role::Table => {
                self.tables += 1;
                if self.tables == 1 {
                    self.flush();
                    self.rows = Some(Vec::new());
                }
            }
            Role::Row => {
                self.cell();
                self.rows.iter_mut().for_each(|rows| rows.push(Vec::new()));
            }
            Role::Cell => self.cell(),
            _ if self.in_block == 0 && self.rows.is_none() => self.space(),
            _ => {}
        }
        self.open.push(Open {
            role,
            has_elements: false,
            start: self.block.len(),
        });
    }

    fn leave(&mut self) {
        let Some(element) = self.open.pop() else {
            return;
        };
        match element.role {
            Role::Inline => {}
            Role::Math if self.is_in(Role::Alternatives) => {
                self.spare = self.block.split_off(element.start.min(self.block.len()));
            }
            Role::Alternatives => {
                let spare = std::mem::take(&mut self.spare);
                if self.block.len() <= element.start {
                    self.block.push_str(&spare);
                }
            }
            Role::Formula => self.formula(element.start),
            Role::Math => {}
            Role::Record if self.rows.is_none() && self.in_block == 0 => {
                self.records = self.records.saturating_sub(1);
                match self.records {
                    0 => self.flush(),
                    _ => self.space(),
                }
            }
            Role::Block | Role::Heading | Role::Item
                if self.rows.is_none() && self.records == 0 =>
            {
                self.in_block = self.in_block.saturating_sub(1);
                self.flush();
            }
            Role::Section => {
                self.flush();
                self.sections = self.sections.saturating_sub(1);
            }
            Role::Table => {
                self.tables = self.tables.saturating_sub(1);
                if self.tables == 0 {
                    self.table();
                }
            }
            Role::Row | Role::Cell => self.cell(),
            _ if self.rows.is_some() => self.space(),
            _ if self.in_block == 0 => match element.has_elements {
                true if self.records == 0 => self.flush(),
                _ => self.space(),
            },
            _ => {}
        }
    }

    fn is_in(&self, role: Role) -> bool {
        self.open.last().is_some_and(|open| open.role == role)
    }

    /// Takes the formula out of the document that it is wrapped in.
    fn formula(&mut self, start: usize) {
        let wrapped = self.block.split_off(start.min(self.block.len()));
        let formula = wrapped
            .split_once("\\begin{document}")
            .and_then(|(_, rest)| rest.split_once("\\end{document}"))
            .map_or(wrapped.as_str(), |(formula, _)| formula);
        self.block.push_str(formula.trim());
    }

    /// What text is that stands in a paragraph: of an item, if the paragraph does.
    fn surrounding(&self) -> BlockKind {
        match self.open.iter().any(|open| open.role == Role::Item) {
            true => BlockKind::ListItem,
            false => BlockKind::Paragraph,
        }
    }

    fn text(&mut self, text: &str) {
        if self.rows.is_none() && !self.is_in(Role::Formula) && holds_markup(text) {
            return self.markup(text);
        }
        for (at, word) in text.split(char::is_whitespace).enumerate() {
            if at > 0 {
                self.space();
            }
            self.block.push_str(word);
        }
    }

    /// Adds what is HTML within the XML, as feeds have it.
    fn markup(&mut self, html: &str) {
        self.flush();
        let page = format::html::read(Decoded::from(html));
        for block in &page.blocks {
            let text = &page.text[block.span.clone()];
            self.composer
                .push_rendered(block.kind.clone(), text, block.hidden);
        }
    }

    fn entity(&mut self, reference: &BytesRef<'_>) {
        if let Ok(Some(character)) = reference.resolve_char_ref() {
            return self.block.push(character);
        }
        match &**reference {
            "amp" => self.block.push('&'),
            "lt" => self.block.push('<'),
            "gt" => self.block.push('>'),
            "quot" => self.block.push('"'),
            "apos" => self.block.push('\''),
            "nbsp" => self.space(),
            other => {
                self.block.push('&');
                self.block.push_str(other);
                self.block.push(';');
            }
        }
    }

    fn space(&mut self) {
        if !self.block.is_empty() && !self.block.ends_with(char::is_whitespace) {
            self.block.push(' ');
        }
    }

    fn flush(&mut self) {
        if self.rows.is_some() {
            return self.space();
        }
        let text = std::mem::take(&mut self.block);
        let kind = std::mem::replace(&mut self.kind, BlockKind::Paragraph);
        let text = text.trim();
        if let (BlockKind::Heading { .. }, None) = (&kind, &self.composer.document().title) {
            self.composer.document().title = format::title(text);
        }
        match holds_markup(text) {
            true => self.markup(text),
            false => self.composer.push_rendered(kind, text, false),
        }
    }

    /// Ends the cell in the making.
    fn cell(&mut self) {
        let text = std::mem::take(&mut self.block);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let row = self.rows.as_mut().and_then(|rows| rows.last_mut());
        match row {
            Some(row) if !text.is_empty() => row.push(text),
            None if !text.is_empty() => {
                self.composer
                    .push_rendered(BlockKind::Paragraph, &text, false);
            }
            _ => {}
        }
    }

    fn table(&mut self) {
        self.cell();
        let rows = self.rows.take().unwrap_or_default();
        let lines: Vec<String> = rows
            .iter()
            .filter(|row| !row.is_empty())
            .map(|row| row.join(" | "))
            .collect();
        let kind = BlockKind::Table { continues: false };
        self.composer.push_rendered(kind, &lines.join("\n"), false);
    }
}

/// Whether text is HTML that was put into XML as text.
fn holds_markup(text: &str) -> bool {
    text.contains("</") && text.contains('>') || text.contains("<br") || text.contains("<p>")
}

#[cfg(test)]
mod tests;
