//! Presentations of the Office Open XML kind: PPTX, PPSX, PPTM.

use std::collections::HashMap;

use docent_core::document::{BlockKind, Format, Locator};

use super::flow::comment_label;
use super::ooxml;
use super::package::{Package, Relation};
use super::word::no_text;
use super::xml::{Element, Tree};
use crate::charset::plural;
use crate::compose::Composer;
use crate::job::{Reading, Refusal};

mod shapes;

use shapes::Shapes;

/// Reads a presentation whose main part is `main`. Places are slides.
pub(super) fn read(package: &Package<'_>, main: &str) -> Result<Reading, Refusal> {
    let Some(tree) = package.tree(main) else {
        return Err(no_text(package, main));
    };
    let relations = package.relations(main);
    let mut deck = Deck {
        package,
        composer: Composer::new(Format::Slides),
        authors: authors(package, &relations),
        relations: Vec::new(),
        hidden: 0,
    };
    let parts = slide_parts(&tree, &relations);
    for (at, part) in parts.iter().enumerate() {
        if at >= package.job.limits.max_pages || package.job.is_late() {
            package.fault(format!(
                "the slides from {} on, because of the limits",
                at + 1
            ));
            break;
        }
        deck.slide(part, at as u32 + 1);
    }
    let place = slides(parts.len().max(1) as u32);
    for relation in &relations {
        if matches!(
            relation.kind.as_str(),
            "slideMaster" | "notesMaster" | "handoutMaster"
        ) {
            deck.master(&relation.target, true);
        }
    }
    deck.finish(relations, place)
}

/// The parts of the slides in the order in which they are shown.
fn slide_parts(tree: &Tree, relations: &[Relation]) -> Vec<String> {
    let list = tree.root().and_then(|root| root.child("sldIdLst"));
    let ids = list.into_iter().flat_map(Element::children);
    let parts = ids.filter_map(|slide| {
        let id = slide.prefixed_attr("id")?;
        let relation = relations.iter().find(|relation| relation.id == id)?;
        Some(relation.target.clone())
    });
    parts.collect()
}

/// The authors of comments by their ids.
fn authors(package: &Package<'_>, relations: &[Relation]) -> HashMap<String, String> {
    let mut authors = HashMap::new();
    for relation in relations {
        if !matches!(relation.kind.as_str(), "commentAuthors" | "authors") {
            continue;
        }
        if let Some(tree) = package.tree(&relation.target)
            && let Some(root) = tree.root()
        {
            for author in root.children() {
                let value = |name| author.attr(name).unwrap_or_default().to_owned();
                authors.insert(value("id"), value("name"));
            }
        }
    }
    authors
}

fn slides(number: u32) -> Locator {
    Locator::Slides {
        first: number,
        last: number,
    }
}

struct Deck<'d, 'p> {
    package: &'d Package<'p>,
    composer: Composer,
    authors: HashMap<String, String>,
    /// Those of all slides.
    relations: Vec<Relation>,
    hidden: usize,
}

impl Deck<'_, '_> {
    fn slide(&mut self, part: &str, number: u32) {
        let Some(tree) = self.package.tree(part) else {
            self.package.fault(format!("slide {number}"));
            return;
        };
        let Some(root) = tree.root() else {
            return;
        };
        let relations = self.package.relations(part);
        let is_hidden = matches!(root.attr("show"), Some("0" | "false"));
        self.hidden += usize::from(is_hidden);
        let mut shapes = Shapes::new(self.package, &relations);
        shapes.read(root);
        self.push(shapes, number, is_hidden);
        for relation in &relations {
            match relation.kind.as_str() {
                "comments" | "comment" => self.comments(&relation.target, number, is_hidden),
                "notesSlide" => self.notes(&relation.target, number, is_hidden),
                "slideLayout" => self.master(&relation.target, false),
                _ => {}
            }
        }
        self.relations.extend(relations);
    }

    fn push(&mut self, shapes: Shapes<'_, '_>, number: u32, is_hidden: bool) {
        for (kind, text) in shapes.blocks() {
            self.push_one(kind, &text, number, is_hidden);
        }
        self.furniture(shapes.furniture, number);
    }

    fn push_one(&mut self, kind: BlockKind, text: &str, number: u32, is_hidden: bool) {
        match is_hidden {
            true => self.composer.push_hidden(kind, text, slides(number)),
            false => self.composer.push(kind, text, slides(number)),
        }
    }

    /// Adds each running head, foot or date once. A number alone is a slide's.
    fn furniture(&mut self, texts: Vec<String>, number: u32) {
        for text in texts {
            let is_number = text
                .chars()
                .all(|c| c.is_numeric() || "‹›#<>* ".contains(c));
            if !is_number && !self.composer.has_furniture(&text) {
                self.composer.push_furniture(&text, slides(number));
            }
        }
    }

    fn notes(&mut self, part: &str, number: u32, is_hidden: bool) {
        let tree = self.package.tree(part);
        if let Some(root) = tree.as_ref().and_then(Tree::root) {
            let relations = self.package.relations(part);
            let mut shapes = Shapes::new(self.package, &relations);
            shapes.read(root);
            shapes.label_first("Notes: ");
            self.push(shapes, number, is_hidden);
        }
    }

    fn comments(&mut self, part: &str, number: u32, is_hidden: bool) {
        let Some(tree) = self.package.tree(part) else {
            return;
        };
        let comments = tree.root().into_iter().flat_map(Element::descendants);
        let comments = comments.filter(|element| matches!(element.name(), "cm" | "reply"));
        let lines: Vec<String> = comments
            .filter_map(|comment| {
                let text = match comment.child("text") {
                    Some(text) => text.text(),
                    None => ooxml::paragraphs(comment.child("txBody")?).join(" "),
                };
                let author = self
                    .authors
                    .get(comment.attr("authorId").unwrap_or_default());
                let date = comment.attr("dt").or_else(|| comment.attr("created"));
                let author = author.map_or("", String::as_str);
                let label = comment_label(author, date.unwrap_or_default());
                Some(format!("{label}{text}"))
            })
            .collect();
        for line in lines {
            self.push_one(BlockKind::Paragraph, &line, number, is_hidden);
        }
    }

    /// What a master or layout shows on every slide; placeholders hold only advice.
    fn master(&mut self, part: &str, is_master: bool) {
        let tree = self.package.tree(part);
        if let Some(root) = tree.as_ref().and_then(Tree::root) {
            let mut shapes = Shapes::new(self.package, &[]);
            shapes.read_master(root, is_master);
            self.furniture(shapes.furniture, 1);
        }
    }

    fn finish(mut self, relations: Vec<Relation>, place: Locator) -> Result<Reading, Refusal> {
        ooxml::read_properties(self.package, &mut self.composer, place.clone());
        self.relations.extend(relations);
        ooxml::push_references(&mut self.composer, &self.relations, place);
        let inner = ooxml::embedded(self.package, &self.relations);
        let document = self.composer.document();
        if self.hidden > 0 {
            let what = plural(self.hidden, "hidden slide").into_owned();
            document.warnings.push(what);
        }
        document.incomplete = self.package.gap();
        Ok(Reading {
            document: self.composer.finish(),
            inner,
        })
    }
}

#[cfg(test)]
mod tests;
