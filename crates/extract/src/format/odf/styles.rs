//! What the styles of an OpenDocument file say of what is seen.

use std::collections::{HashMap, HashSet};

use super::super::xml::Element;
use super::list::Level;

#[derive(Debug, Default)]
pub(super) struct Styles {
    /// Styles that hide their text, sheet or slide.
    hidden: HashSet<String>,
    /// The style that a style rests on.
    parents: HashMap<String, String>,
    lists: HashMap<String, Vec<Level>>,
}

impl Styles {
    /// Reads the styles of several parts; a later one overrides an earlier one.
    pub(super) fn read<'t>(roots: impl Iterator<Item = Element<'t>>) -> Styles {
        let mut styles = Styles::default();
        for element in roots.flat_map(Element::descendants) {
            let name = element.attr("name").unwrap_or_default().to_owned();
            match element.name() {
                "style" => {
                    let properties = |kind: &str, attribute: &str| {
                        element
                            .child(kind)
                            .and_then(|properties| properties.attr(attribute))
                    };
                    let hides = properties("text-properties", "display") == Some("none")
                        || properties("table-properties", "display") == Some("false")
                        || properties("drawing-page-properties", "visibility") == Some("hidden");
                    if hides {
                        styles.hidden.insert(name.clone());
                    }
                    if let Some(parent) = element.attr("parent-style-name") {
                        styles.parents.insert(name, parent.to_owned());
                    }
                }
                "list-style" => {
                    let levels = element.children().map(Level::read).collect();
                    styles.lists.insert(name, levels);
                }
                _ => {}
            }
        }
        styles
    }

    /// Whether an element is hidden by its style.
    pub(super) fn hides(&self, element: Element<'_>) -> bool {
        let style = element.attr("style-name").unwrap_or_default();
        self.hidden.contains(style)
    }

    /// Whether an element has the style for the document's title, or one that rests on it.
    pub(super) fn is_title(&self, element: Element<'_>) -> bool {
        let style = element.attr("style-name").unwrap_or_default();
        style == "Title"
            || self
                .parents
                .get(style)
                .is_some_and(|parent| parent == "Title")
    }

    /// How a level of a list is numbered.
    pub(super) fn level(&self, list: &str, level: usize) -> Option<&Level> {
        let levels = self.lists.get(list)?;
        levels.iter().find(|known| known.number == level + 1)
    }
}
