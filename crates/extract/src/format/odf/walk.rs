//! The walk over OpenDocument text that makes blocks of it.

use docent_core::document::BlockKind;

use super::super::flow::{Flow, comment_label};
use super::super::ooxml::chart::Chart;
use super::super::package::{Package, resolve};
use super::super::word::math;
use super::super::xml::{Content, Element};
use super::list::Lists;
use super::styles::Styles;

/// More spaces than this in a row are cut.
const MAX_SPACES: usize = 200;

/// More links than this are not listed.
const MAX_LINKS: usize = 2_000;

pub(super) struct Walk<'w, 'p> {
    pub(super) package: &'w Package<'p>,
    pub(super) styles: &'w Styles,
    pub(super) flow: Flow,
    pub(super) lists: Lists,
    pub(super) deletions: usize,
    notes: u32,
    /// Addresses that text leads to.
    pub(super) links: Vec<String>,
    /// Parts that are files of another program.
    pub(super) objects: Vec<String>,
    pub(super) title: Option<String>,
    /// Cells that may still be read.
    pub(super) cells_left: usize,
}

/// A paragraph in the making.
#[derive(Default)]
struct Inline<'t> {
    text: String,
    hidden: String,
    is_hidden: bool,
    after: Vec<After<'t>>,
}

enum After<'t> {
    Note(u32, Element<'t>),
    Comment(Element<'t>),
    Blocks(Element<'t>),
    Object(Element<'t>),
    Text(String),
}

impl<'w, 'p> Walk<'w, 'p> {
    pub(super) fn new(package: &'w Package<'p>, styles: &'w Styles) -> Self {
        Walk {
            package,
            styles,
            flow: Flow::default(),
            lists: Lists::default(),
            deletions: 0,
            notes: 0,
            links: Vec::new(),
            objects: Vec::new(),
            title: None,
            cells_left: package.job.limits.max_cells,
        }
    }

    /// Walks the paragraphs, lists and tables in an element.
    pub(super) fn blocks(&mut self, parent: Element<'_>) {
        for child in parent.children() {
            if self.package.job.is_late() {
                self.package
                    .fault("the rest of the text, because the time was over".into());
                return;
            }
            self.block(child);
        }
    }

    /// Walks one paragraph, list or table, or what holds some.
    pub(super) fn block(&mut self, element: Element<'_>) {
        match element.name() {
            "h" | "p" => self.paragraph(element, String::new()),
            "list" => self.list(element),
            "table" => self.table(element),
            "tracked-changes" => {
                let deletions = element
                    .descendants()
                    .filter(|inner| inner.name() == "deletion");
                self.deletions += deletions.count();
            }
            "annotation" => self.comment(element),
            "object" | "object-ole" => self.object(element),
            "forms" | "sequence-decls" | "scripts" | "title" | "desc" | "image" | "settings" => {}
            "section" if element.attr("display") == Some("none") => {
                let text = self.aside(element);
                self.flow.push_hidden(text);
            }
            _ => self.blocks(element),
        }
    }

    fn list(&mut self, list: Element<'_>) {
        self.lists.open(list);
        for item in list.children() {
            let mut label = match item.name() {
                "list-item" => self.lists.label(item, self.styles),
                _ => String::new(),
            };
            for child in item.children() {
                match child.name() {
                    "p" | "h" => self.paragraph(child, std::mem::take(&mut label)),
                    "list" => self.list(child),
                    _ => self.blocks(child),
                }
            }
        }
        self.lists.close();
    }

    fn paragraph(&mut self, paragraph: Element<'_>, label: String) {
        let mut inline = Inline {
            is_hidden: self.styles.hides(paragraph),
            ..Inline::default()
        };
        self.inline(paragraph, &mut inline);
        let text = inline.text.trim();
        let level = paragraph
            .attr("outline-level")
            .and_then(|level| level.parse().ok());
        let is_title = self.styles.is_title(paragraph);
        let kind = match (paragraph.name(), is_title) {
            ("h", _) => BlockKind::Heading {
                level: level.unwrap_or(1).clamp(1, 9),
            },
            (_, true) => BlockKind::Heading { level: 1 },
            _ if self.lists.is_open() => BlockKind::ListItem,
            _ => BlockKind::Paragraph,
        };
        let is_heading = matches!(kind, BlockKind::Heading { .. });
        if is_heading && self.title.is_none() && !text.is_empty() {
            self.title = super::super::title(text);
        }
        if !text.is_empty() {
            let indent = if kind == BlockKind::ListItem {
                self.lists.depth() * 2
            } else {
                0
            };
            let label = if is_heading && label == "- " {
                ""
            } else {
                &label
            };
            let text = format!("{:indent$}{label}{text}", "");
            self.flow.push(kind, text);
        }
        self.flow.push_hidden(inline.hidden);
        for after in inline.after {
            match after {
                After::Note(number, note) => {
                    if let Some(body) = note.child("note-body") {
                        let text = self.aside(body);
                        self.flow
                            .push(BlockKind::Paragraph, format!("[{number}] {text}"));
                    }
                }
                After::Comment(comment) => self.comment(comment),
                After::Blocks(element) => {
                    let lists = std::mem::take(&mut self.lists);
                    self.blocks(element);
                    self.lists = lists;
                }
                After::Object(object) => self.object(object),
                After::Text(text) => self.flow.push(BlockKind::Paragraph, text),
            }
        }
    }

    fn inline<'t>(&mut self, parent: Element<'t>, out: &mut Inline<'t>) {
        for content in parent.content() {
            match content {
                Content::Text(text) => push_words(out, text),
                Content::Element(element) => self.inline_one(element, out),
            }
        }
    }

    fn inline_one<'t>(&mut self, element: Element<'t>, out: &mut Inline<'t>) {
        match element.name() {
            "s" => {
                let count = element.attr("c").and_then(|count| count.parse().ok());
                push(out, &" ".repeat(count.unwrap_or(1).min(MAX_SPACES)));
            }
            "tab" => push(out, "\t"),
            "line-break" => push(out, "\n"),
            "note" => {
                self.notes += 1;
                push(out, &format!("[{}]", self.notes));
                out.after.push(After::Note(self.notes, element));
            }
            "annotation" => out.after.push(After::Comment(element)),
            "text-box" | "table" => out.after.push(After::Blocks(element)),
            "p" | "h" | "list" => out.after.push(After::Blocks(element)),
            "object" | "object-ole" => out.after.push(After::Object(element)),
            "title" | "desc" => {
                let text = element.text();
                if text.trim().contains(' ') {
                    out.after.push(After::Text(text));
                }
            }
            "ruby-text" | "image" | "tracked-changes" | "sequence-decls" => {}
            "hidden-text" => out
                .hidden
                .push_str(element.attr("string-value").unwrap_or_default()),
            "a" => {
                let target = element.attr("href").unwrap_or_default();
                if target.contains(':') && self.links.len() < MAX_LINKS {
                    let link = format!("Refers to link: {target}");
                    if !self.links.contains(&link) {
                        self.links.push(link);
                    }
                }
                self.inline(element, out);
            }
            _ => {
                let before = out.is_hidden;
                out.is_hidden |= element.name() == "span" && self.styles.hides(element);
                self.inline(element, out);
                out.is_hidden = before;
            }
        }
    }

    /// The text of what stands beside the text.
    pub(super) fn aside(&mut self, element: Element<'_>) -> String {
        let flow = std::mem::take(&mut self.flow);
        let lists = std::mem::take(&mut self.lists);
        self.blocks(element);
        self.lists = lists;
        std::mem::replace(&mut self.flow, flow).lines()
    }

    pub(super) fn comment(&mut self, comment: Element<'_>) {
        let value = |name: &str| comment.child(name).map(Element::text).unwrap_or_default();
        let label = comment_label(&value("creator"), &value("date"));
        let text = self.aside(comment);
        if !text.is_empty() {
            self.flow
                .push(BlockKind::Paragraph, format!("{label}{text}"));
        }
    }

    /// An object inside: an equation or a chart is shown, another program's file is opened later.
    fn object(&mut self, object: Element<'_>) {
        if let Some(equation) = object.child("math") {
            self.flow.push(BlockKind::Paragraph, math::linear(equation));
            return;
        }
        let name = resolve("", object.attr("href").unwrap_or_default());
        let Some(tree) = self.package.tree(&format!("{name}/content.xml")) else {
            if self.package.has(&name) {
                self.objects.push(name);
            }
            return;
        };
        let Some(root) = tree.root() else {
            return;
        };
        if root.name() == "math" {
            self.flow.push(BlockKind::Paragraph, math::linear(root));
        } else if let Some(chart) = root.find("chart") {
            let chart = chart_of(self, chart);
            self.flow
                .push(BlockKind::Paragraph, chart.titles.join("\n"));
            self.flow.push_table(&chart.rows);
        }
    }
}

fn chart_of(walk: &mut Walk<'_, '_>, chart: Element<'_>) -> Chart {
    let titles = chart
        .descendants()
        .filter(|element| element.name() == "title");
    let titles = titles.map(|title| walk.aside(title)).collect();
    let rows = chart
        .find("table")
        .map(|table| walk.rows(table))
        .unwrap_or_default();
    Chart { titles, rows }
}

fn push(out: &mut Inline<'_>, text: &str) {
    match out.is_hidden {
        true => out.hidden.push_str(text),
        false => out.text.push_str(text),
    }
}

/// Adds text with its white space collapsed, as OpenDocument has it.
fn push_words(out: &mut Inline<'_>, text: &str) {
    let is_hidden = out.is_hidden;
    let target = if is_hidden {
        &mut out.hidden
    } else {
        &mut out.text
    };
    for character in text.chars() {
        match character {
            ' ' | '\t' | '\r' | '\n' => {
                if !target.ends_with([' ', '\t', '\n']) && !target.is_empty() {
                    target.push(' ');
                }
            }
            character => target.push(character),
        }
    }
}
