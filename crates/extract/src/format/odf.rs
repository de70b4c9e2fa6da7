//! OpenDocument: ODT, ODS, ODP and their templates.

use docent_core::document::{Format, Locator};
use docent_core::source::Gap;

use super::flow::{Flow, push_about};
use super::package::Package;
use super::word::no_text;
use super::xml::{Element, Tree};
use crate::Inner;
use crate::charset::plural;
use crate::compose::Composer;
use crate::job::{Reading, Refusal, unique_path};

mod list;
mod page;
mod sheet;
mod styles;
mod table;
mod walk;

use styles::Styles;
use walk::Walk;

/// Reads an OpenDocument package.
pub(super) fn read(package: &Package<'_>) -> Result<Reading, Refusal> {
    if is_encrypted(package) {
        return Err(Gap::new("encrypted: needs a password")
            .help("open the file and save it without one")
            .into());
    }
    let content = package.tree("content.xml");
    let Some(root) = content.as_ref().and_then(Tree::root) else {
        return Err(no_text(package, "content.xml"));
    };
    let style_part = package.tree("styles.xml");
    let style_root = style_part.as_ref().and_then(Tree::root);
    let styles = Styles::read(style_root.into_iter().chain([root]));
    let body = root.child("body").and_then(|body| body.children().next());
    let Some(body) = body else {
        return Err(no_text(package, "content.xml"));
    };
    let mut walk = Walk::new(package, &styles);
    let (mut composer, end) = match body.name() {
        "spreadsheet" => sheet::read(&mut walk, body),
        "presentation" | "drawing" => page::read(&mut walk, body),
        _ => text(&mut walk, body),
    };
    for text in furniture(&mut walk, style_root) {
        if !text.trim().is_empty() && !composer.has_furniture(&text) {
            composer.push_furniture(&text, end.clone());
        }
    }
    let links = walk.links.join("\n");
    composer.push_hidden(
        docent_core::document::BlockKind::Paragraph,
        &links,
        end.clone(),
    );
    read_properties(package, &mut composer, end);
    let deletions = walk.deletions;
    let objects = std::mem::take(&mut walk.objects);
    let document = composer.document();
    if deletions > 0 {
        let what = plural(deletions, "tracked deletion");
        document.warnings.push(format!("{what} left out"));
    }
    let inner = embedded(package, &objects);
    let document = composer.document();
    document.title = document.title.take().or(walk.title);
    document.incomplete = package.gap();
    Ok(Reading {
        document: composer.finish(),
        inner,
    })
}

fn text(walk: &mut Walk<'_, '_>, body: Element<'_>) -> (Composer, Locator) {
    walk.blocks(body);
    let flow: Flow = std::mem::take(&mut walk.flow);
    let last = (flow.pieces().len() as u32).max(1);
    let mut composer = Composer::new(Format::Word);
    flow.compose(&mut composer);
    (composer, Locator::Paragraphs { first: last, last })
}

fn is_encrypted(package: &Package<'_>) -> bool {
    let manifest = package.tree("META-INF/manifest.xml");
    let root = manifest.as_ref().and_then(Tree::root);
    root.is_some_and(|root| root.find("encryption-data").is_some())
}

/// The running heads and feet of text, and what masters show on every slide.
fn furniture(walk: &mut Walk<'_, '_>, styles: Option<Element<'_>>) -> Vec<String> {
    let masters = styles.and_then(|root| root.child("master-styles"));
    let mut texts = Vec::new();
    for master in masters.into_iter().flat_map(Element::children) {
        for part in master.children() {
            let name = part.name();
            let shows = name.starts_with("header")
                || name.starts_with("footer")
                || (name == "frame" || name == "custom-shape")
                    && part.attr("placeholder") != Some("true")
                    && part.attr("class").is_none();
            if shows {
                walk.blocks(part);
                texts.push(std::mem::take(&mut walk.flow).lines());
            }
        }
    }
    texts
}

fn read_properties(package: &Package<'_>, composer: &mut Composer, place: Locator) {
    let Some(tree) = package.tree("meta.xml") else {
        return;
    };
    let meta = tree.root().and_then(|root| root.child("meta"));
    let value = |name: &str| {
        let values = meta.into_iter().flat_map(Element::children);
        let values = values.filter(|child| child.name() == name);
        values.map(Element::text).collect::<Vec<_>>().join(", ")
    };
    let author = match value("initial-creator") {
        first if first.is_empty() => value("creator"),
        first => first,
    };
    composer.property("author", &author);
    composer.property("created", &value("creation-date"));
    composer.property("modified", &value("date"));
    let title = value("title");
    composer.document().title = super::title(&title);
    push_about(
        composer,
        &[
            ("Title", &title),
            ("Subject", &value("subject")),
            ("Keywords", &value("keyword")),
            ("Description", &value("description")),
        ],
        place,
    );
}

/// Reads the files that the document embeds, and its macros.
fn embedded(package: &Package<'_>, objects: &[String]) -> Vec<Inner> {
    let mut taken = std::collections::HashSet::new();
    let mut found = Vec::new();
    for part in objects {
        if let Some(bytes) = package.part(part) {
            let name = part.rsplit('/').next().unwrap_or(part);
            found.extend(package.job.open(&unique_path(name, &mut taken), &bytes));
        }
    }
    let macros = package.names().iter();
    for name in macros.filter(|name| name.starts_with("Basic/") && name.ends_with(".xml")) {
        let Some(tree) = package.tree(name) else {
            continue;
        };
        if let Some(module) = tree.root().filter(|root| root.name() == "module") {
            let path = unique_path(&name.replace(".xml", ".bas"), &mut taken);
            found.extend(package.job.open(&path, module.text().as_bytes()));
        }
    }
    found
}

#[cfg(test)]
mod tests;
