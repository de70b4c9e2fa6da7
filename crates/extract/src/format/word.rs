//! Word documents of the Office Open XML kind: DOCX, DOCM, DOTX and Word's XML in one file.

use std::collections::HashSet;

use docent_core::document::{BlockKind, Format, Locator};

use super::ooxml;
use super::package::Package;
use crate::charset::plural;
use crate::compose::Composer;
use crate::job::{Reading, Refusal};

mod inline;
pub(super) mod math;
pub(super) mod numbering;
mod styles;
mod table;
mod walk;

use numbering::Numbering;
use styles::Styles;
use walk::{Parts, Walk};

/// Reads a Word package whose main part is `main`. Places are paragraphs.
pub(super) fn read(package: &Package<'_>, main: &str) -> Result<Reading, Refusal> {
    let Some(document) = package.tree(main) else {
        return Err(no_text(package, main));
    };
    let relations = package.relations(main);
    let part = |kind: &str| {
        let relation = relations.iter().find(|relation| relation.kind == kind)?;
        package.tree(&relation.target)
    };
    let parts = Parts {
        styles: Styles::read(part("styles").as_ref()),
        footnotes: part("footnotes"),
        endnotes: part("endnotes"),
        comments: part("comments"),
    };
    let numbering = Numbering::read(part("numbering").as_ref());
    let mut walk = Walk::new(package, &parts, numbering);
    let Some(root) = document.root() else {
        return Err(no_text(package, main));
    };
    walk.part(root, &relations);
    let flow = walk.take_flow();

    let mut composer = Composer::new(Format::Word);
    let last = (flow.pieces().len() as u32).max(1);
    let end = Locator::Paragraphs { first: last, last };
    flow.compose(&mut composer);
    let mut inner = relations.clone();
    let mut seen = HashSet::new();
    for relation in &relations {
        let is_furniture = matches!(relation.kind.as_str(), "header" | "footer");
        if !is_furniture || !seen.insert(&relation.target) {
            continue;
        }
        let own = package.relations(&relation.target);
        if let Some(tree) = package.tree(&relation.target)
            && let Some(root) = tree.root()
        {
            let mut walk = Walk::new(package, &parts, Numbering::default());
            walk.part(root, &own);
            let text = walk.take_flow().lines();
            if !composer.has_furniture(&text) {
                composer.push_furniture(&text, end.clone());
            }
        }
        inner.extend(own);
    }
    let first_title = walk.title();
    let deletions = walk.deletions();
    ooxml::read_properties(package, &mut composer, end.clone());
    ooxml::push_references(&mut composer, &inner, end);
    let inner = ooxml::embedded(package, &inner);
    let document = composer.document();
    if document.title.is_none() {
        document.title = first_title.as_deref().and_then(super::title);
    }
    if deletions > 0 {
        let what = plural(deletions, "tracked deletion");
        document.warnings.push(format!("{what} left out"));
    }
    document.incomplete = package.gap();
    Ok(Reading {
        document: composer.finish(),
        inner,
    })
}

/// Why there is no document.
pub(super) fn no_text(package: &Package<'_>, main: &str) -> Refusal {
    package
        .gap()
        .unwrap_or_else(|| format!("damaged: the part {main} is missing").into())
        .into()
}

/// A heading's or a paragraph's kind.
fn kind(heading: Option<u8>, is_item: bool) -> BlockKind {
    match (heading, is_item) {
        (Some(level), _) => BlockKind::Heading { level },
        (None, true) => BlockKind::ListItem,
        (None, false) => BlockKind::Paragraph,
    }
}

#[cfg(test)]
mod tests;
