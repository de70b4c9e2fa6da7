//! The walk over a page's elements that writes text and blocks.

use docent_core::document::{Block, BlockKind};
use ego_tree::NodeRef;
use ego_tree::iter::Edge;
use scraper::Html;
use scraper::node::{Element, Node};

use super::hidden::Sight;
use super::table;
use super::writer::Writer;

/// A page as text.
pub(super) struct Rendered {
    pub(super) text: String,
    pub(super) blocks: Vec<Block>,
    /// Of `<title>`.
    pub(super) title: Option<String>,
    /// Of the first `<h1>`.
    pub(super) first_heading: Option<String>,
}

pub(super) fn render(page: &Html) -> Rendered {
    let mut walk = Walk {
        writer: Writer::new(),
        sight: Sight::of(page),
        lists: Vec::new(),
        title: None,
        first_heading: None,
    };
    walk.subtree(page.tree.root());
    let (text, blocks) = walk.writer.finish();
    Rendered {
        text,
        blocks,
        title: walk.title,
        first_heading: walk.first_heading,
    }
}

struct Walk {
    writer: Writer,
    sight: Sight,
    /// The open lists: the next number, or `None` for a list without numbers.
    lists: Vec<Option<u32>>,
    title: Option<String>,
    first_heading: Option<String>,
}

impl Walk {
    fn subtree(&mut self, root: NodeRef<'_, Node>) {
        let mut left_out: Option<NodeRef<'_, Node>> = None;
        for edge in root.traverse() {
            match (edge, left_out) {
                (Edge::Close(node), Some(out)) if node == out => left_out = None,
                (_, Some(_)) => {}
                (Edge::Open(node), None) => {
                    if !self.open(node) {
                        left_out = Some(node);
                    }
                }
                (Edge::Close(node), None) => self.close(node),
            }
        }
    }

    /// Enters a node; `false` leaves out all that is in it.
    fn open(&mut self, node: NodeRef<'_, Node>) -> bool {
        let element = match node.value() {
            Node::Text(text) => {
                self.writer.text(text);
                return true;
            }
            Node::Element(element) => element,
            Node::Document | Node::Fragment => return true,
            _ => return false,
        };
        if element.name() == "title" && self.title.is_none() {
            self.title = Some(all_text(node));
        }
        if is_left_out(element) {
            return false;
        }
        if self.sight.is_hidden(node) {
            self.writer.hide(&all_text(node));
            return false;
        }
        match element.name() {
            "br" => self.writer.line_break(),
            "hr" => self.writer.begin(self.surrounding()),
            "img" => self.image(element),
            "input" => self.input(element),
            "select" => {
                self.chosen(node);
                return false;
            }
            "pre" | "listing" | "xmp" => self.writer.begin_preformatted(),
            "ul" | "menu" | "dir" => self.open_list(None),
            "ol" => {
                let first = element
                    .attr("start")
                    .and_then(|start| start.trim().parse().ok());
                self.open_list(Some(first.unwrap_or(1)));
            }
            "li" => self.item(),
            "table" => {
                if let Some(rows) = table::rows(node, self.sight) {
                    self.writer.table(&rows);
                    self.hidden_within(node);
                    return false;
                }
                self.writer.begin(self.surrounding());
            }
            name => match heading_level(name) {
                Some(level) => self.heading(node, level),
                None if is_block(name) => self.writer.begin(self.surrounding()),
                None => {}
            },
        }
        true
    }

    fn close(&mut self, node: NodeRef<'_, Node>) {
        let Node::Element(element) = node.value() else {
            return;
        };
        match element.name() {
            "pre" | "listing" | "xmp" => self.writer.end_preformatted(),
            "ul" | "menu" | "dir" | "ol" => {
                self.lists.pop();
                self.writer.end_item(self.surrounding());
            }
            "li" => self.writer.end_item(self.surrounding()),
            "td" | "th" => self.writer.space(),
            name if is_block(name) || heading_level(name).is_some() => {
                self.writer.begin(self.surrounding());
            }
            _ => {}
        }
    }

    /// What text is that stands in no element of its own.
    fn surrounding(&self) -> BlockKind {
        match self.lists.is_empty() {
            true => BlockKind::Paragraph,
            false => BlockKind::ListItem,
        }
    }

    fn heading(&mut self, node: NodeRef<'_, Node>, level: u8) {
        if level == 1 && self.first_heading.is_none() {
            self.first_heading =
                Some(seen_text(node, self.sight)).filter(|text| !text.trim().is_empty());
        }
        self.writer.begin(BlockKind::Heading { level });
    }

    fn open_list(&mut self, number: Option<u32>) {
        self.writer.begin(self.surrounding());
        self.lists.push(number);
    }

    fn item(&mut self) {
        let depth = self.lists.len().saturating_sub(1).min(12);
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                let marker = format!("{number}. ");
                *number = number.saturating_add(1);
                marker
            }
            _ => "- ".to_owned(),
        };
        self.writer.begin_item(depth, &marker);
    }

    fn image(&mut self, element: &Element) {
        if let Some(alternative) = element.attr("alt") {
            self.writer.space();
            self.writer.text(alternative);
            self.writer.space();
        }
    }

    /// What is written in a field of a form, or on a button.
    fn input(&mut self, element: &Element) {
        let kind = element.attr("type").unwrap_or("text").to_ascii_lowercase();
        let is_seen = !matches!(
            kind.as_str(),
            "hidden" | "password" | "checkbox" | "radio" | "range" | "color" | "file" | "image"
        );
        if let Some(value) = element.attr("value").filter(|_| is_seen) {
            self.writer.space();
            self.writer.text(value);
            self.writer.space();
        }
    }

    /// What is chosen of a list of a form; a reader sees nothing else of it.
    fn chosen(&mut self, list: NodeRef<'_, Node>) {
        for option in list.descendants() {
            let Node::Element(element) = option.value() else {
                continue;
            };
            if element.name() == "option" && element.attr("selected").is_some() {
                self.writer.space();
                self.writer.text(&all_text(option));
                self.writer.space();
            }
        }
    }

    /// Keeps what is hidden in a table that is written as rows.
    fn hidden_within(&mut self, table: NodeRef<'_, Node>) {
        let mut inside: Option<NodeRef<'_, Node>> = None;
        for edge in table.traverse() {
            match (edge, inside) {
                (Edge::Close(node), Some(out)) if node == out => inside = None,
                (Edge::Open(node), None) if self.sight.is_hidden(node) => {
                    self.writer.hide(&all_text(node));
                    inside = Some(node);
                }
                _ => {}
            }
        }
    }
}

/// All text in a node, scripts and the like aside, seen or not.
fn all_text(node: NodeRef<'_, Node>) -> String {
    text_but(node, |_, element| is_left_out(element))
}

/// All text in a node that a reader of the page sees.
pub(super) fn seen_text(node: NodeRef<'_, Node>, sight: Sight) -> String {
    text_but(node, |node, element| {
        is_left_out(element) || sight.is_hidden(node)
    })
}

/// All text in a node but that in the elements within which are left out.
fn text_but(
    node: NodeRef<'_, Node>,
    leave_out: impl Fn(NodeRef<'_, Node>, &Element) -> bool,
) -> String {
    let mut text = String::new();
    let mut left_out: Option<NodeRef<'_, Node>> = None;
    for edge in node.traverse() {
        match (edge, left_out) {
            (Edge::Close(at), Some(out)) if at == out => left_out = None,
            (_, Some(_)) => {}
            (Edge::Open(at), None) => match at.value() {
                Node::Text(words) => text.push_str(words),
                Node::Element(element) if at != node && leave_out(at, element) => {
                    left_out = Some(at);
                }
                Node::Element(element) if element.name() == "br" || is_block(element.name()) => {
                    text.push(' ');
                }
                Node::Element(element) if element.name() == "img" => {
                    text.push_str(element.attr("alt").unwrap_or_default());
                }
                _ => {}
            },
            (Edge::Close(_), None) => {}
        }
    }
    text
}

pub(super) fn heading_level(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

/// Elements that begin a line of their own.
fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "header"
            | "hgroup"
            | "legend"
            | "li"
            | "main"
            | "nav"
            | "p"
            | "search"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "tr"
    )
}

/// Whether an element holds no text of the page.
pub(super) fn is_left_out(element: &Element) -> bool {
    matches!(
        element.name(),
        "audio"
            | "canvas"
            | "datalist"
            | "embed"
            | "iframe"
            | "noframes"
            | "noscript"
            | "object"
            | "rp"
            | "script"
            | "style"
            | "svg"
            | "template"
            | "title"
            | "video"
    )
}
