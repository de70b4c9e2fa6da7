//! XML as a tree that keeps local names only, for parts of office files and books.
//!
//! Prefixes are dropped because the same vocabulary comes under several of them. A document type
//! is never read, so that no entity is expanded and nothing outside the part is looked at. What
//! is malformed ends the tree where it stands; what came before it is kept.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::html::declared_charset;
use crate::charset::decode;

/// Elements below this depth are not opened; their text goes to the one above.
const MAX_DEPTH: usize = 200;

/// A tree is cut off behind so many elements and texts.
const MAX_NODES: usize = 4_000_000;

/// Marks a node that is text.
const TEXT: u32 = u32::MAX;

/// A parsed part.
pub(crate) struct Tree {
    /// In document order; the first is a root without a name.
    nodes: Vec<Node>,
    attributes: Vec<Attribute>,
    names: Vec<Box<str>>,
    /// Text and attribute values, behind each other.
    strings: String,
    /// Why the rest of the part is missing, if it is.
    pub(crate) fault: Option<String>,
}

struct Node {
    name: u32,
    /// Of a text, its bytes in `strings`; of an element, its attributes.
    content: Range<u32>,
    /// The node behind this one and everything in it.
    next: u32,
}

struct Attribute {
    name: u32,
    prefixed: bool,
    value: Range<u32>,
}

/// A reader over XML that forgives what office programs get wrong.
pub(crate) fn reader(text: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    reader
}

/// The bytes of a part as text, by the character set that it names.
pub(crate) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(_) => Cow::Owned(decode(bytes, declared_charset(bytes).as_deref()).text),
    }
}

/// The value of an attribute by its local name; one without a prefix goes first.
pub(crate) fn attribute<'e>(element: &'e BytesStart<'_>, name: &str) -> Option<Cow<'e, str>> {
    let mut found = None;
    for attribute in element.attributes().with_checks(false).flatten() {
        if attribute.key.local_name().into_inner() == name {
            let plain = attribute.key.prefix().is_none();
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .unwrap_or(attribute.value);
            if plain {
                return Some(value);
            }
            found = found.or(Some(value));
        }
    }
    found
}

/// What a reference in text stands for: a character or one of XML's own five; nothing else is
/// known without the document type.
pub(crate) fn reference(reference: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Some(character);
    }
    Some(match &**reference {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => return None,
    })
}

impl Tree {
    /// Parses a part, as far as it can be.
    pub(crate) fn parse(bytes: &[u8]) -> Tree {
        let text = text_of(bytes);
        let mut builder = Builder::new();
        if u32::try_from(text.len()).is_err() {
            return builder.finish(Some("a part of more than 4 GiB".into()));
        }
        let mut reader = reader(&text);
        loop {
            let fault = match reader.read_event() {
                Ok(Event::Eof) => None,
                Ok(event) => {
                    builder.event(event);
                    if builder.tree.nodes.len() < MAX_NODES {
                        continue;
                    }
                    Some(format!("more than {MAX_NODES} elements in one part"))
                }
                Err(error) => Some(format!("malformed XML: {error}")),
            };
            return builder.finish(fault);
        }
    }

    /// The outermost element; `None` if there is none.
    pub(crate) fn root(&self) -> Option<Element<'_>> {
        let top = Element {
            tree: self,
            index: 0,
        };
        top.children().next()
    }
}

struct Builder {
    tree: Tree,
    known: HashMap<Box<str>, u32>,
    /// The elements that are open.
    open: Vec<u32>,
    /// How many further ones are open that lie too deep.
    too_deep: usize,
    /// Whether a text would go on with the one before it.
    in_text: bool,
}

impl Builder {
    fn new() -> Builder {
        let root = Node {
            name: TEXT - 1,
            content: 0..0,
            next: 0,
        };
        Builder {
            tree: Tree {
                nodes: vec![root],
                attributes: Vec::new(),
                names: Vec::new(),
                strings: String::new(),
                fault: None,
            },
            known: HashMap::new(),
            open: vec![0],
            too_deep: 0,
            in_text: false,
        }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(element) if self.open.len() > MAX_DEPTH => {
                let _ = element;
                self.too_deep += 1;
            }
            Event::Start(element) => {
                let index = self.element(&element);
                self.open.push(index);
            }
            Event::Empty(element) => {
                let index = self.element(&element);
                self.close(index);
            }
            Event::End(_) if self.too_deep > 0 => self.too_deep -= 1,
            Event::End(_) if self.open.len() > 1 => {
                if let Some(index) = self.open.pop() {
                    self.close(index);
                }
            }
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                if let Some(character) = reference(&entity) {
                    self.text(character.encode_utf8(&mut [0; 4]));
                }
            }
            _ => {}
        }
    }

    fn element(&mut self, element: &BytesStart<'_>) -> u32 {
        let first = self.tree.attributes.len() as u32;
        for attribute in element.attributes().with_checks(false).flatten() {
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .unwrap_or(Cow::Borrowed(&attribute.value));
            let start = self.tree.strings.len() as u32;
            self.tree.strings.push_str(&value);
            let name = self.name(attribute.key.local_name().into_inner());
            self.tree.attributes.push(Attribute {
                name,
                prefixed: attribute.key.prefix().is_some(),
                value: start..self.tree.strings.len() as u32,
            });
        }
        let content = first..self.tree.attributes.len() as u32;
        let name = self.name(element.local_name().into_inner());
        self.node(name, content)
    }

    fn node(&mut self, name: u32, content: Range<u32>) -> u32 {
        self.in_text = false;
        let index = self.tree.nodes.len() as u32;
        self.tree.nodes.push(Node {
            name,
            content,
            next: index + 1,
        });
        index
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let start = self.tree.strings.len() as u32;
        self.tree.strings.push_str(text);
        let end = self.tree.strings.len() as u32;
        // A reference splits a text; both halves are one.
        match self.tree.nodes.last_mut() {
            Some(last) if self.in_text => last.content.end = end,
            _ => {
                self.node(TEXT, start..end);
                self.in_text = true;
            }
        }
    }

    fn close(&mut self, index: u32) {
        self.in_text = false;
        let next = self.tree.nodes.len() as u32;
        if let Some(node) = self.tree.nodes.get_mut(index as usize) {
            node.next = next;
        }
    }

    fn name(&mut self, name: &str) -> u32 {
        if let Some(&known) = self.known.get(name) {
            return known;
        }
        let index = self.tree.names.len() as u32;
        self.tree.names.push(name.into());
        self.known.insert(name.into(), index);
        index
    }

    fn finish(mut self, fault: Option<String>) -> Tree {
        while let Some(index) = self.open.pop() {
            self.close(index);
        }
        self.tree.fault = fault;
        self.tree
    }
}

/// An element of a tree.
#[derive(Clone, Copy)]
pub(crate) struct Element<'t> {
    tree: &'t Tree,
    index: u32,
}

/// What stands in an element.
#[derive(Clone, Copy)]
pub(crate) enum Content<'t> {
    Element(Element<'t>),
    Text(&'t str),
}

impl<'t> Element<'t> {
    fn node(self) -> &'t Node {
        &self.tree.nodes[self.index as usize]
    }

    /// Its name without prefix.
    pub(crate) fn name(self) -> &'t str {
        let name = self.tree.names.get(self.node().name as usize);
        name.map_or("", |name| name)
    }

    fn attributes(self) -> impl Iterator<Item = (&'t str, bool, &'t str)> {
        let range = self.node().content.clone();
        let attributes = self
            .tree
            .attributes
            .get(range.start as usize..range.end as usize);
        attributes.unwrap_or_default().iter().map(|attribute| {
            let value = attribute.value.start as usize..attribute.value.end as usize;
            (
                &*self.tree.names[attribute.name as usize],
                attribute.prefixed,
                &self.tree.strings[value],
            )
        })
    }

    /// The value of an attribute by its local name; one without a prefix goes first.
    pub(crate) fn attr(self, name: &str) -> Option<&'t str> {
        let mut found = None;
        for (known, prefixed, value) in self.attributes().filter(|(known, ..)| *known == name) {
            let _ = known;
            if !prefixed {
                return Some(value);
            }
            found = found.or(Some(value));
        }
        found
    }

    /// The value of an attribute that has a prefix, by its local name: `r:id`.
    pub(crate) fn prefixed_attr(self, name: &str) -> Option<&'t str> {
        self.attributes()
            .find_map(|(known, prefixed, value)| (known == name && prefixed).then_some(value))
    }

    /// The elements and texts that stand in it.
    pub(crate) fn content(self) -> impl Iterator<Item = Content<'t>> {
        let end = self.node().next;
        let mut at = self.index + 1;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let node = self.tree.nodes.get(at as usize)?;
            let here = self.tree.content_at(at, node);
            at = node.next;
            Some(here)
        })
    }

    /// The elements that stand in it.
    pub(crate) fn children(self) -> impl Iterator<Item = Element<'t>> {
        self.content().filter_map(|content| match content {
            Content::Element(element) => Some(element),
            Content::Text(_) => None,
        })
    }

    /// The first element of a name that stands in it.
    pub(crate) fn child(self, name: &str) -> Option<Element<'t>> {
        self.children().find(|child| child.name() == name)
    }

    /// Everything in it, at any depth, in document order.
    fn everything(self) -> impl Iterator<Item = Content<'t>> {
        let first = self.index + 1;
        let nodes = self
            .tree
            .nodes
            .get(first as usize..self.node().next as usize);
        (first..)
            .zip(nodes.unwrap_or_default())
            .map(move |(index, node)| self.tree.content_at(index, node))
    }

    /// The elements in it, at any depth, in document order.
    pub(crate) fn descendants(self) -> impl Iterator<Item = Element<'t>> {
        self.everything().filter_map(|content| match content {
            Content::Element(element) => Some(element),
            Content::Text(_) => None,
        })
    }

    /// The first element of a name in it, at any depth.
    pub(crate) fn find(self, name: &str) -> Option<Element<'t>> {
        self.descendants().find(|element| element.name() == name)
    }

    /// All text in it.
    pub(crate) fn text(self) -> String {
        let mut text = String::new();
        for content in self.everything() {
            if let Content::Text(words) = content {
                text.push_str(words);
            }
        }
        text
    }
}

impl Tree {
    fn content_at<'t>(&'t self, index: u32, node: &'t Node) -> Content<'t> {
        match node.name {
            TEXT => {
                let text = self
                    .strings
                    .get(node.content.start as usize..node.content.end as usize);
                Content::Text(text.unwrap_or_default())
            }
            _ => Content::Element(Element { tree: self, index }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_attributes_and_text_are_found() {
        let tree = Tree::parse(
            b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e 'boom'>]><w:a><b id='1' r:id='2'>x &amp; \
              &#121;&e;<![CDATA[<z>]]></b><b/></w:a>",
        );
        let root = tree.root().unwrap();
        assert_eq!(root.name(), "a");
        assert_eq!(root.children().count(), 2);
        let b = root.child("b").unwrap();
        assert_eq!(
            (b.attr("id"), b.prefixed_attr("id")),
            (Some("1"), Some("2"))
        );
        assert_eq!(b.text(), "x & y<z>");
        assert!(tree.fault.is_none());
    }

    #[test]
    fn what_is_malformed_ends_the_tree_and_keeps_what_came_before() {
        let tree = Tree::parse(b"<a><b>one</b><c>two<");
        assert_eq!(tree.root().unwrap().text(), "onetwo");
        assert!(tree.fault.is_some());
        assert!(Tree::parse(b"").root().is_none());
    }

    #[test]
    fn deep_elements_are_flattened() {
        let deep = format!("{}x{}<y/>", "<a>".repeat(5_000), "</a>".repeat(4_999));
        let tree = Tree::parse(deep.as_bytes());
        let root = tree.root().unwrap();
        assert_eq!(root.text(), "x");
        assert!(root.child("y").is_some());
        assert_eq!(root.descendants().count(), MAX_DEPTH);
    }

    proptest! {
        #[test]
        fn any_markup_makes_a_tree(pieces in prop::collection::vec(prop::sample::select(vec![
            "<a>", "</a>", "<b x='1'>", "</b>", "<c/>", "text", "&amp;", "&#0;", "&x;", "<!--", "-->",
            "<![CDATA[", "]]>", "<?p ", "?>", "<", ">", "'", "é", "<!DOCTYPE a [", "]>", "<x y=",
        ]), 0..60)) {
            let tree = Tree::parse(pieces.concat().as_bytes());
            if let Some(root) = tree.root() {
                let all = root.descendants().count();
                prop_assert!(root.children().count() <= all);
                let _ = root.text();
            }
        }
    }
}
