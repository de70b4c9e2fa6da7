//! The shapes of a slide as blocks.

use docent_core::document::BlockKind;

use super::super::flow::table_text;
use super::super::ooxml::{self, chart};
use super::super::package::{Package, Relation};
use super::super::xml::Element;

/// The text of a slide's shapes.
pub(super) struct Shapes<'s, 'p> {
    package: &'s Package<'p>,
    relations: &'s [Relation],
    titles: Vec<String>,
    blocks: Vec<(BlockKind, String)>,
    /// Running heads and feet, dates, slide numbers.
    pub(super) furniture: Vec<String>,
}

/// What a shape is there for.
enum Role {
    Title,
    /// The text proper: a list, more often than not.
    Body,
    Furniture,
    /// The picture of the slide on a page of notes.
    Nothing,
    Free,
}

impl<'s, 'p> Shapes<'s, 'p> {
    pub(super) fn new(package: &'s Package<'p>, relations: &'s [Relation]) -> Self {
        Shapes {
            package,
            relations,
            titles: Vec::new(),
            blocks: Vec::new(),
            furniture: Vec::new(),
        }
    }

    /// The blocks: the title first, wherever it is drawn.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (BlockKind, String)> {
        let heading = |title: &String| (BlockKind::Heading { level: 1 }, title.clone());
        self.titles
            .iter()
            .map(heading)
            .chain(self.blocks.iter().cloned())
    }

    pub(super) fn label_first(&mut self, label: &str) {
        if let Some((_, text)) = self.blocks.first_mut() {
            text.insert_str(0, label);
        }
    }

    /// Reads every shape in an element.
    pub(super) fn read(&mut self, parent: Element<'_>) {
        for child in parent.children() {
            match child.name() {
                "sp" => self.shape(child),
                "graphicFrame" => self.frame(child),
                "pic" => self.described(child),
                "AlternateContent" => {
                    let way = child.child("Choice").or_else(|| child.child("Fallback"));
                    if let Some(way) = way {
                        self.read(way);
                    }
                }
                "oleObj" | "extLst" | "timing" | "transition" => {}
                _ => self.read(child),
            }
        }
    }

    /// Reads what a master shows on its slides, as furniture.
    pub(super) fn read_master(&mut self, root: Element<'_>, is_master: bool) {
        let shapes = root.descendants().filter(|element| element.name() == "sp");
        for shape in shapes {
            let shows = match role(shape) {
                Role::Free => true,
                Role::Furniture => is_master,
                _ => false,
            };
            if let Some(body) = shape.child("txBody").filter(|_| shows) {
                self.furniture.push(ooxml::paragraphs(body).join("\n"));
            }
        }
    }

    fn shape(&mut self, shape: Element<'_>) {
        let Some(body) = shape.child("txBody") else {
            return;
        };
        let paragraphs: Vec<(usize, String)> = body
            .children()
            .filter(|child| child.name() == "p")
            .map(|paragraph| (indent(paragraph), ooxml::paragraph(paragraph)))
            .filter(|(_, text)| !text.trim().is_empty())
            .collect();
        let joined = || {
            let texts: Vec<&str> = paragraphs.iter().map(|(_, text)| text.as_str()).collect();
            texts.join("\n")
        };
        match role(shape) {
            Role::Title => self.titles.push(joined()),
            Role::Furniture => self.furniture.push(joined()),
            Role::Nothing => {}
            Role::Body if paragraphs.len() > 1 => {
                let items = paragraphs.iter().map(|(indent, text)| {
                    (
                        BlockKind::ListItem,
                        format!("{:1$}- {text}", "", indent * 2),
                    )
                });
                self.blocks.extend(items);
            }
            Role::Body | Role::Free => self.blocks.push((BlockKind::Paragraph, joined())),
        }
    }

    fn frame(&mut self, frame: Element<'_>) {
        for element in frame.descendants() {
            let target = |id: Option<&str>| {
                let relation = self
                    .relations
                    .iter()
                    .find(|relation| Some(&*relation.id) == id)?;
                (!relation.external).then_some(&relation.target)
            };
            match element.name() {
                "tbl" => {
                    let kind = BlockKind::Table { continues: false };
                    self.blocks.push((kind, table_text(&rows(element))));
                }
                "chart" => {
                    if let Some(part) = target(element.prefixed_attr("id")) {
                        let chart = chart::read(self.package, part);
                        self.blocks
                            .push((BlockKind::Paragraph, chart.titles.join("\n")));
                        let kind = BlockKind::Table { continues: false };
                        self.blocks.push((kind, table_text(&chart.rows)));
                    }
                }
                "relIds" => {
                    if let Some(part) = target(element.attr("dm")) {
                        let text = ooxml::diagram(self.package, part);
                        self.blocks.push((BlockKind::Paragraph, text));
                    }
                }
                _ => {}
            }
        }
    }

    /// What an author says of a picture, unless it is a file's name.
    fn described(&mut self, picture: Element<'_>) {
        let text = picture.find("cNvPr").and_then(|about| about.attr("descr"));
        let text = text.unwrap_or_default().trim();
        if text.contains(' ') && !text.contains(['/', '\\']) {
            self.blocks.push((BlockKind::Paragraph, text.to_owned()));
        }
    }
}

fn role(shape: Element<'_>) -> Role {
    let placeholder = shape
        .children()
        .find(|child| child.name().starts_with("nv"));
    let placeholder = placeholder.and_then(|about| about.child("nvPr")?.child("ph"));
    let Some(placeholder) = placeholder else {
        return Role::Free;
    };
    match placeholder.attr("type").unwrap_or("body") {
        "title" | "ctrTitle" => Role::Title,
        "dt" | "ftr" | "hdr" | "sldNum" => Role::Furniture,
        "sldImg" => Role::Nothing,
        "body" | "obj" => Role::Body,
        _ => Role::Free,
    }
}

fn indent(paragraph: Element<'_>) -> usize {
    let level = paragraph
        .child("pPr")
        .and_then(|properties| properties.attr("lvl"));
    level
        .and_then(|level| level.parse().ok())
        .unwrap_or(0)
        .min(8)
}

/// A table with a merged cell's text in each place that it takes.
fn rows(table: Element<'_>) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for row in table.children().filter(|child| child.name() == "tr") {
        let mut cells: Vec<String> = Vec::new();
        for cell in row.children().filter(|child| child.name() == "tc") {
            let is_on = |name| matches!(cell.attr(name), Some("1" | "true"));
            let above = rows.last().and_then(|row| row.get(cells.len()));
            cells.push(match (is_on("hMerge"), is_on("vMerge")) {
                (true, _) => cells.last().cloned().unwrap_or_default(),
                (_, true) => above.cloned().unwrap_or_default(),
                _ => ooxml::paragraphs(cell).join(" "),
            });
        }
        rows.push(cells);
    }
    rows
}
