//! What Word, PowerPoint and Excel packages share: properties, charts, diagrams, files inside,
//! references to the outside.

use std::collections::HashSet;

use docent_core::document::{BlockKind, Locator};

use super::flow::push_about;
use super::package::{Package, Relation};
use super::word::math;
use super::xml::Element;
use crate::Inner;
use crate::compose::Composer;
use crate::job::unique_path;

pub(super) mod chart;

/// Tells what the package says of the document. What is not shown anywhere else comes to stand
/// at the end as a hidden block at `place`.
pub(super) fn read_properties(package: &Package<'_>, composer: &mut Composer, place: Locator) {
    let relations = package.relations("");
    let part = relations
        .iter()
        .find(|relation| relation.kind == "core-properties")
        .map_or("docProps/core.xml", |relation| &relation.target);
    let Some(tree) = package.tree(part) else {
        return;
    };
    let value = |name: &str| {
        let element = tree.root().and_then(|root| root.child(name));
        element.map(|element| element.text()).unwrap_or_default()
    };
    composer.property("author", &value("creator"));
    composer.property("created", &value("created"));
    composer.property("modified", &value("modified"));
    let title = value("title");
    composer.document().title = super::title(&title);
    push_about(
        composer,
        &[
            ("Title", &title),
            ("Subject", &value("subject")),
            ("Keywords", &value("keywords")),
            ("Category", &value("category")),
            ("Description", &value("description")),
        ],
        place,
    );
}

/// Reads the files that parts of the document embed, each once.
pub(super) fn embedded(package: &Package<'_>, relations: &[Relation]) -> Vec<Inner> {
    let mut seen = HashSet::new();
    let mut taken = HashSet::new();
    let mut found = Vec::new();
    for relation in relations {
        let embeds = matches!(
            relation.kind.as_str(),
            "oleObject" | "package" | "aFChunk" | "attachedFile"
        );
        if !embeds || relation.external || !seen.insert(&relation.target) {
            continue;
        }
        if package.job.is_late() {
            package.fault("embedded files, because the time was over".into());
            break;
        }
        if let Some(bytes) = package.part(&relation.target) {
            let name = relation.target.rsplit('/').next().unwrap_or_default();
            let path = unique_path(name, &mut taken);
            found.extend(package.job.open(&path, &bytes));
        }
    }
    found
}

/// Names the addresses outside that the document leads to or takes parts from, hidden, because
/// no reader sees them. They are never opened.
pub(super) fn push_references(composer: &mut Composer, relations: &[Relation], place: Locator) {
    let mut text = String::new();
    let mut seen = HashSet::new();
    for relation in relations {
        if relation.external && seen.insert(&relation.target) {
            text.push_str(&format!(
                "Refers to {}: {}\n",
                relation.kind, relation.target
            ));
        }
    }
    composer.push_hidden(BlockKind::Paragraph, &text, place);
}

/// The text of a diagram (SmartArt) by its data part, a node to a line.
pub(super) fn diagram(package: &Package<'_>, part: &str) -> String {
    let mut lines = Vec::new();
    if let Some(tree) = package.tree(part)
        && let Some(root) = tree.root()
    {
        for point in root.descendants().filter(|element| element.name() == "pt") {
            let Some(text) = point.child("t") else {
                continue;
            };
            let line = paragraphs(text).join(" ");
            if !line.trim().is_empty() {
                lines.push(line);
            }
        }
    }
    lines.join("\n")
}

/// The texts of the DrawingML paragraphs in an element.
pub(super) fn paragraphs(body: Element<'_>) -> Vec<String> {
    body.descendants()
        .filter(|element| element.name() == "p")
        .map(paragraph)
        .collect()
}

/// The text of a DrawingML paragraph.
pub(super) fn paragraph(paragraph: Element<'_>) -> String {
    let mut text = String::new();
    for element in paragraph.children() {
        match element.name() {
            "r" | "fld" => {
                let words = element.children().filter(|child| child.name() == "t");
                words.for_each(|words| text.push_str(&words.text()));
            }
            "br" => text.push('\n'),
            "pPr" | "endParaRPr" => {}
            _ => {
                let equations = element
                    .descendants()
                    .filter(|inner| inner.name() == "oMath");
                equations
                    .take(1)
                    .for_each(|equation| text.push_str(&math::linear(equation)));
            }
        }
    }
    text
}
