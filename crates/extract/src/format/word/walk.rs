//! The walk over a part of a Word document that makes blocks of it.

use std::collections::HashMap;

use docent_core::document::BlockKind;

use super::super::flow::{Flow, comment_label};
use super::super::ooxml::{self, chart};
use super::super::package::{Package, Relation};
use super::super::xml::{Element, Tree};
use super::inline::{After, Inline};
use super::numbering::Numbering;
use super::styles::{self, Styles};
use super::{kind, math};

/// Merged cells are repeated with so many bytes in one part.
const MAX_REPEATS: usize = 16 << 20;

/// The parts that a document's text is read with.
pub(super) struct Parts {
    pub(super) styles: Styles,
    pub(super) footnotes: Option<Tree>,
    pub(super) endnotes: Option<Tree>,
    pub(super) comments: Option<Tree>,
}

pub(super) struct Walk<'t, 'p> {
    pub(super) package: &'t Package<'p>,
    pub(super) parts: &'t Parts,
    numbering: Numbering,
    /// Those of the part that is walked, by id.
    relations: HashMap<String, Relation>,
    pub(super) flow: Flow,
    /// The fields that are open: whether their results have begun.
    pub(super) fields: Vec<bool>,
    pub(super) deletions: usize,
    /// Footnotes and endnotes so far.
    pub(super) notes: u32,
    /// Within a note or comment, none is followed further.
    in_note: bool,
    /// Tables and text boxes that are open: in them, white text may stand on a dark ground.
    pub(super) frames: usize,
    /// Bytes that merged cells may still be repeated with.
    pub(super) repeats: usize,
    title: Option<String>,
}

impl<'t, 'p> Walk<'t, 'p> {
    pub(super) fn new(package: &'t Package<'p>, parts: &'t Parts, numbering: Numbering) -> Self {
        Walk {
            package,
            parts,
            numbering,
            relations: HashMap::new(),
            flow: Flow::default(),
            fields: Vec::new(),
            deletions: 0,
            notes: 0,
            in_note: false,
            frames: 0,
            repeats: MAX_REPEATS,
            title: None,
        }
    }

    /// Walks a part from its root on.
    pub(super) fn part(&mut self, root: Element<'t>, relations: &[Relation]) {
        let by_id = relations
            .iter()
            .map(|relation| (relation.id.clone(), relation.clone()));
        self.relations = by_id.collect();
        self.blocks(root);
    }

    pub(super) fn take_flow(&mut self) -> Flow {
        std::mem::take(&mut self.flow)
    }

    /// The text of the first paragraph in the style for titles, or of the first heading.
    pub(super) fn title(&mut self) -> Option<String> {
        self.title.take()
    }

    pub(super) fn deletions(&self) -> usize {
        self.deletions
    }

    /// The part that a relation of the walked part leads to.
    fn target(&self, id: &str) -> Option<String> {
        let relation = self
            .relations
            .get(id)
            .filter(|relation| !relation.external)?;
        Some(relation.target.clone())
    }

    /// Walks the paragraphs and tables in an element.
    pub(super) fn blocks(&mut self, parent: Element<'t>) {
        for child in parent.children() {
            match child.name() {
                "p" => self.paragraph(child),
                "tbl" => self.table(child),
                "del" | "moveFrom" => self.deletions += 1,
                "sectPr" | "pPr" | "sdtPr" | "sdtEndPr" | "tblPr" | "tcPr" | "bookmarkStart" => {}
                "AlternateContent" => {
                    if let Some(chosen) = chosen(child) {
                        self.blocks(chosen);
                    }
                }
                "oMathPara" | "oMath" => self.flow.push(BlockKind::Paragraph, math::linear(child)),
                _ => self.blocks(child),
            }
            if self.package.job.is_late() {
                self.package
                    .fault("the rest of the text, because the time was over".into());
                return;
            }
        }
    }

    fn paragraph(&mut self, paragraph: Element<'t>) {
        let properties = paragraph.child("pPr");
        let parts = self.parts;
        let style = parts.styles.of_paragraph(properties);
        let mut inline = Inline::new(
            parts.styles.hides(style) == Some(true),
            properties.is_some_and(|properties| properties.child("shd").is_some()),
        );
        self.inline(paragraph, &mut inline);
        // A field's instruction ends with its paragraph, whatever the file says.
        self.fields.retain(|has_result| *has_result);
        let outline = properties
            .and_then(|properties| properties.child("outlineLvl")?.attr("val")?.parse().ok())
            .map(|level: u8| (level < 9).then_some(level + 1));
        let heading = outline.unwrap_or_else(|| parts.styles.heading(style));
        let label = match inline.text.trim().is_empty() && inline.after.is_empty() {
            true => None,
            false => self.label(properties, style),
        };
        let mut text = std::mem::take(&mut inline.text);
        let is_item = label.is_some();
        if let Some(label) = label {
            let indent = match heading {
                Some(_) => 0,
                None => label.level * 2,
            };
            // A heading's bullet is an ornament.
            let shown = if heading.is_some() && label.text == "- " {
                ""
            } else {
                &label.text
            };
            text = format!("{:indent$}{shown}{text}", "");
        }
        if self.frames == 0 && !text.trim().is_empty() {
            let is_title = parts.styles.is_title(style);
            if (is_title || heading.is_some()) && self.title.is_none() {
                self.title = Some(text.clone());
            }
        }
        self.flow.push(kind(heading, is_item), text);
        self.flow.push_hidden(std::mem::take(&mut inline.hidden));
        self.after(inline.after);
    }

    /// The label of a paragraph that is numbered by itself or by its style.
    fn label(
        &mut self,
        properties: Option<Element<'t>>,
        style: &str,
    ) -> Option<super::numbering::Label> {
        let own = properties.and_then(|properties| properties.child("numPr"));
        let (id, level) = own.map(styles::number).unwrap_or_default();
        let (style_id, style_level) = self.parts.styles.number(style);
        let id = id.or_else(|| style_id.map(str::to_owned))?;
        self.numbering.next(&id, level.or(style_level).unwrap_or(0))
    }

    /// Adds what hangs on a paragraph: notes, comments, text boxes, charts.
    pub(super) fn after(&mut self, after: Vec<After<'t>>) {
        for item in after {
            match item {
                After::Footnote(number, id) => {
                    self.note(self.parts.footnotes.as_ref(), id, &format!("[{number}] "));
                }
                After::Endnote(number, id) => {
                    self.note(self.parts.endnotes.as_ref(), id, &format!("[{number}] "));
                }
                After::Comment(id) => self.comment(id),
                After::TextBox(element) => {
                    let fields = std::mem::take(&mut self.fields);
                    self.frames += 1;
                    self.blocks(element);
                    self.frames -= 1;
                    self.fields = fields;
                }
                After::Text(text) => self.flow.push(BlockKind::Paragraph, text),
                After::Chart(id) => {
                    if let Some(part) = self.target(id) {
                        let chart = chart::read(self.package, &part);
                        self.flow
                            .push(BlockKind::Paragraph, chart.titles.join("\n"));
                        self.flow.push_table(&chart.rows);
                    }
                }
                After::Diagram(id) => {
                    if let Some(part) = self.target(id) {
                        let text = ooxml::diagram(self.package, &part);
                        self.flow.push(BlockKind::Paragraph, text);
                    }
                }
            }
        }
    }

    fn note(&mut self, notes: Option<&'t Tree>, id: &str, label: &str) {
        let note = notes
            .and_then(Tree::root)
            .and_then(|root| with_id(root, id));
        let Some(note) = note.filter(|_| !self.in_note) else {
            return;
        };
        let text = self.aside(note);
        if !text.is_empty() {
            self.flow
                .push(BlockKind::Paragraph, format!("{label}{text}"));
        }
    }

    fn comment(&mut self, id: &str) {
        let comments = self.parts.comments.as_ref();
        let comment = comments
            .and_then(Tree::root)
            .and_then(|root| with_id(root, id));
        let Some(comment) = comment.filter(|_| !self.in_note) else {
            return;
        };
        let text = self.aside(comment);
        if !text.is_empty() {
            let about = |name| comment.attr(name).unwrap_or_default();
            let label = comment_label(about("author"), about("date"));
            self.flow
                .push(BlockKind::Paragraph, format!("{label}{text}"));
        }
    }

    /// The text of what stands beside the text.
    fn aside(&mut self, element: Element<'t>) -> String {
        let flow = self.take_flow();
        let fields = std::mem::take(&mut self.fields);
        self.in_note = true;
        self.blocks(element);
        self.in_note = false;
        self.fields = fields;
        std::mem::replace(&mut self.flow, flow).lines()
    }
}

/// What is shown of several ways to say the same: the first, unless it is empty.
pub(super) fn chosen(alternatives: Element<'_>) -> Option<Element<'_>> {
    let full = |name: &str| {
        let way = alternatives.child(name)?;
        way.children().next().is_some().then_some(way)
    };
    full("Choice").or_else(|| full("Fallback"))
}

fn with_id<'t>(root: Element<'t>, id: &str) -> Option<Element<'t>> {
    root.children().find(|child| child.attr("id") == Some(id))
}
