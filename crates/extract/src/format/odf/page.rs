//! OpenDocument presentations and drawings.

use docent_core::document::{BlockKind, Format, Locator};

use super::super::flow::Flow;
use super::super::xml::Element;
use super::walk::Walk;
use crate::charset::plural;
use crate::compose::Composer;

/// Reads every page of a presentation. The place is one for what belongs to no slide.
pub(super) fn read(walk: &mut Walk<'_, '_>, body: Element<'_>) -> (Composer, Locator) {
    let mut composer = Composer::new(Format::Slides);
    let mut hidden = 0;
    let pages = body.children().filter(|child| child.name() == "page");
    let mut number = 0;
    for page in pages.take(walk.package.job.limits.max_pages) {
        number += 1;
        let is_hidden = walk.styles.hides(page);
        hidden += usize::from(is_hidden);
        let (titles, others): (Vec<Element<'_>>, Vec<Element<'_>>) = page
            .children()
            .partition(|shape| matches!(shape.attr("class"), Some("title")));
        for title in titles {
            let text = walk.aside(title);
            push(
                &mut composer,
                (BlockKind::Heading { level: 1 }, &text),
                number,
                is_hidden,
            );
        }
        for shape in others.into_iter().filter(|shape| shape.name() != "notes") {
            walk.block(shape);
        }
        push_flow(
            &mut composer,
            std::mem::take(&mut walk.flow),
            number,
            is_hidden,
        );
        if let Some(notes) = page.child("notes") {
            let text = walk.aside(notes);
            if !text.is_empty() {
                let text = format!("Notes: {text}");
                push(
                    &mut composer,
                    (BlockKind::Paragraph, &text),
                    number,
                    is_hidden,
                );
            }
        }
    }
    let running = ["header-decl", "footer-decl", "date-time-decl"];
    for element in body
        .children()
        .filter(|child| running.contains(&child.name()))
    {
        composer.push_furniture(&element.text(), slides(1));
    }
    if hidden > 0 {
        let what = plural(hidden, "hidden slide").into_owned();
        composer.document().warnings.push(what);
    }
    (composer, slides(number.max(1)))
}

fn slides(number: u32) -> Locator {
    Locator::Slides {
        first: number,
        last: number,
    }
}

fn push(composer: &mut Composer, (kind, text): (BlockKind, &str), number: u32, is_hidden: bool) {
    match is_hidden {
        true => composer.push_hidden(kind, text, slides(number)),
        false => composer.push(kind, text, slides(number)),
    }
}

fn push_flow(composer: &mut Composer, flow: Flow, number: u32, is_hidden: bool) {
    for piece in flow.pieces() {
        let hides = is_hidden || piece.hidden;
        push(composer, (piece.kind.clone(), &piece.text), number, hides);
    }
}
