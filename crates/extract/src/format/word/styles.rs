//! The paragraph and character styles of a Word document.

use std::collections::HashMap;

use super::super::xml::{Element, Tree};

/// Styles rest on styles; longer chains are cut off.
const MAX_CHAIN: usize = 12;

/// What the styles say, by style id.
#[derive(Debug, Default)]
pub(super) struct Styles {
    by_id: HashMap<String, Style>,
    /// The paragraph style of paragraphs that name none.
    default: String,
}

#[derive(Debug, Default, Clone)]
struct Style {
    /// In lower case.
    name: String,
    based_on: Option<String>,
    outline: Option<u8>,
    number: Option<(Option<String>, Option<usize>)>,
    hidden: Option<bool>,
}

impl Styles {
    pub(super) fn read(tree: Option<&Tree>) -> Styles {
        let mut styles = Styles::default();
        let Some(root) = tree.and_then(Tree::root) else {
            return styles;
        };
        for element in root.children().filter(|child| child.name() == "style") {
            let id = element.attr("styleId").unwrap_or_default().to_owned();
            let is_default = element.attr("default").is_some_and(is_on);
            if is_default && element.attr("type") == Some("paragraph") {
                styles.default.clone_from(&id);
            }
            styles.by_id.insert(id, Style::read(element));
        }
        styles
    }

    fn chain<'s>(&'s self, id: &'s str) -> impl Iterator<Item = &'s Style> {
        let first = self.by_id.get(id);
        let next = |style: &&'s Style| self.by_id.get(style.based_on.as_deref()?);
        std::iter::successors(first, next).take(MAX_CHAIN)
    }

    /// The style that a paragraph has.
    pub(super) fn of_paragraph<'s>(&'s self, properties: Option<Element<'s>>) -> &'s str {
        let named = properties.and_then(|properties| properties.child("pStyle"));
        let id = named.and_then(|style| style.attr("val"));
        id.filter(|id| self.by_id.contains_key(*id))
            .unwrap_or(&self.default)
    }

    /// The level of the heading that a style makes, from 1.
    pub(super) fn heading(&self, id: &str) -> Option<u8> {
        for style in self.chain(id) {
            if let Some(level) = style.outline {
                return (level < 9).then_some(level + 1);
            }
            if let Some(level) = style.name.strip_prefix("heading ") {
                return level
                    .trim()
                    .parse()
                    .ok()
                    .filter(|level| (1..=9).contains(level));
            }
        }
        self.is_title(id).then_some(1)
    }

    /// Whether a style is the one for the document's title.
    pub(super) fn is_title(&self, id: &str) -> bool {
        self.by_id
            .get(id)
            .is_some_and(|style| style.name == "title")
    }

    /// The numbering (its id and level) that a style gives.
    pub(super) fn number<'s>(&'s self, id: &'s str) -> (Option<&'s str>, Option<usize>) {
        let mut level = None;
        for style in self.chain(id) {
            if let Some((number, own)) = &style.number {
                level = level.or(*own);
                if let Some(number) = number {
                    return (Some(number), level);
                }
            }
        }
        (None, level)
    }

    /// Whether a style hides its text.
    pub(super) fn hides(&self, id: &str) -> Option<bool> {
        self.chain(id).find_map(|style| style.hidden)
    }
}

impl Style {
    fn read(element: Element<'_>) -> Style {
        let value = |name: &str| element.child(name).and_then(|child| child.attr("val"));
        let paragraph = element.child("pPr");
        let outline = paragraph.and_then(|properties| properties.child("outlineLvl"));
        Style {
            name: value("name").unwrap_or_default().to_lowercase(),
            based_on: value("basedOn").map(str::to_owned),
            outline: outline.and_then(|level| level.attr("val")?.parse().ok()),
            number: paragraph
                .and_then(|properties| properties.child("numPr"))
                .map(number),
            hidden: element.child("rPr").and_then(vanishes),
        }
    }
}

/// The numbering that `numPr` names: its id and level, as far as it does.
pub(super) fn number(properties: Element<'_>) -> (Option<String>, Option<usize>) {
    let value = |name: &str| properties.child(name).and_then(|child| child.attr("val"));
    let level = value("ilvl").and_then(|level| level.parse().ok());
    (value("numId").map(str::to_owned), level)
}

/// Whether run properties hide the run, if they say anything of it.
pub(super) fn vanishes(properties: Element<'_>) -> Option<bool> {
    let vanish = properties
        .child("vanish")
        .or_else(|| properties.child("webHidden"))?;
    (vanish.name() == "vanish").then(|| vanish.attr("val").is_none_or(is_on))
}

/// Whether a switch is on.
pub(super) fn is_on(value: &str) -> bool {
    !matches!(value, "0" | "false" | "off")
}
