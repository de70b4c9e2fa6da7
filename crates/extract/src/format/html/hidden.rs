//! Elements whose text a reader of the page does not see, as far as their own attributes tell.
//! Style sheets are not read.

use ego_tree::NodeRef;
use scraper::Html;
use scraper::node::{Element, Node};

/// Tells hidden elements of one page.
#[derive(Clone, Copy)]
pub(super) struct Sight {
    /// Whether no style sheet can have given an element another background than white.
    no_style_sheets: bool,
}

impl Sight {
    pub(super) fn of(page: &Html) -> Sight {
        let is_sheet = |node: &Node| match node {
            Node::Element(element) => matches!(element.name(), "style" | "link"),
            _ => false,
        };
        Sight {
            no_style_sheets: !page.tree.values().any(is_sheet),
        }
    }

    /// Whether the text of an element is not seen.
    pub(super) fn is_hidden(self, node: NodeRef<'_, Node>) -> bool {
        let Node::Element(element) = node.value() else {
            return false;
        };
        if element.attr("hidden").is_some() {
            return true;
        }
        let Some(style) = element.attr("style") else {
            return element.name() == "font" && self.is_unseen_colour(node, element);
        };
        let style = Style(style);
        let is = |property, hides: &[&str]| {
            style
                .value(property)
                .is_some_and(|value| hides.contains(&value.as_str()))
        };
        is("display", &["none"])
            || is("visibility", &["hidden", "collapse"])
            || is("opacity", &["0", "0.0", "0%"])
            || style.value("font-size").is_some_and(|size| is_zero(&size)) && !resizes(node)
            || self.is_unseen_colour(node, element)
    }

    /// Whether the text of an element has the colour of what is behind it.
    fn is_unseen_colour(self, node: NodeRef<'_, Node>, element: &Element) -> bool {
        let Some(colour) = text_colour(element) else {
            return false;
        };
        let around = std::iter::once(node).chain(node.ancestors());
        let mut backgrounds = around.filter_map(|node| match node.value() {
            Node::Element(element) => background(element),
            _ => None,
        });
        match backgrounds.next() {
            Some(background) => background == colour,
            None => self.no_style_sheets && colour == "#ffffff",
        }
    }
}

/// A `style` attribute.
#[derive(Clone, Copy)]
struct Style<'e>(&'e str);

impl Style<'_> {
    /// The value of a property, in lower case.
    fn value(self, wanted: &str) -> Option<String> {
        self.0.split(';').find_map(|declaration| {
            let (property, value) = declaration.split_once(':')?;
            let value = value.to_ascii_lowercase();
            let value = value.trim().trim_end_matches("!important").trim_end();
            let found = property.trim().eq_ignore_ascii_case(wanted);
            found.then(|| value.to_owned())
        })
    }
}

fn text_colour(element: &Element) -> Option<String> {
    let style = element
        .attr("style")
        .and_then(|style| Style(style).value("color"));
    let font = || element.attr("color").filter(|_| element.name() == "font");
    style
        .or_else(|| font().map(str::to_ascii_lowercase))
        .map(|value| colour(&value))
}

fn background(element: &Element) -> Option<String> {
    let styled = element.attr("style").and_then(|style| {
        let style = Style(style);
        style
            .value("background-color")
            .or_else(|| style.value("background"))
    });
    let value = styled.or_else(|| element.attr("bgcolor").map(str::to_ascii_lowercase))?;
    (value != "transparent" && value != "none").then(|| colour(&value))
}

/// A colour in the form in which equal ones are equal, as far as that is easy.
fn colour(value: &str) -> String {
    let value = value.trim();
    match value {
        "white" | "rgb(255,255,255)" | "rgb(255, 255, 255)" => return "#ffffff".to_owned(),
        "black" | "rgb(0,0,0)" | "rgb(0, 0, 0)" => return "#000000".to_owned(),
        _ => {}
    }
    match value.strip_prefix('#') {
        Some(digits) if digits.len() == 3 => std::iter::once('#')
            .chain(digits.chars().flat_map(|c| [c, c]))
            .collect(),
        _ => value.to_owned(),
    }
}

fn is_zero(size: &str) -> bool {
    let number = size.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    number.trim().parse().is_ok_and(|number: f32| number == 0.0)
}

/// Whether an element within sets the size of its text again: then the zero is there for the
/// gaps between elements.
fn resizes(node: NodeRef<'_, Node>) -> bool {
    node.descendants().skip(1).any(|inner| match inner.value() {
        Node::Element(element) => element
            .attr("style")
            .is_some_and(|style| Style(style).value("font-size").is_some()),
        _ => false,
    })
}
