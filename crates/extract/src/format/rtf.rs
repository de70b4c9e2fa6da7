//! RTF: Word's old exchange format, by the specification 1.9.1.
//!
//! The file is a stream of control words, groups and bytes. Text is in the code page of its font,
//! in which every letter may also stand as `\'hh`, or in Unicode as `\u`.

use docent_core::document::{Format, Locator};

use super::flow::{Flow, push_about};
use crate::charset::plural;
use crate::compose::Composer;
use crate::job::{Job, Reading};

mod destination;
mod fonts;
mod reader;
mod table;
mod token;

pub(super) use fonts::by_code_page;
use reader::Reader;

/// Reads a document. Places are paragraphs.
pub(super) fn read(bytes: &[u8], job: &Job<'_>) -> Reading {
    let mut reader = Reader::new();
    let mut late = false;
    for (at, token) in token::Tokens::new(bytes).enumerate() {
        reader.token(token);
        if at.is_multiple_of(65_536) && job.is_late() {
            late = true;
            break;
        }
    }
    let (flow, about) = reader.finish();
    let mut composer = Composer::new(Format::Word);
    let last = (flow.pieces().len() as u32).max(1);
    let end = Locator::Paragraphs { first: last, last };
    Flow::compose(flow, &mut composer);
    for text in &about.heads {
        if !composer.has_furniture(text) {
            composer.push_furniture(text, end.clone());
        }
    }
    composer.property("author", &about.author);
    composer.document().title = super::title(&about.title).or(about.heading);
    push_about(
        &mut composer,
        &[
            ("Title", &about.title),
            ("Subject", &about.subject),
            ("Keywords", &about.keywords),
            ("Description", &about.comment),
        ],
        end,
    );
    let document = composer.document();
    if about.deletions > 0 {
        let what = plural(about.deletions, "tracked deletion");
        document.warnings.push(format!("{what} left out"));
    }
    if late {
        document.incomplete = Some("not read: the rest, because the time was over".into());
    }
    composer.finish().into()
}

#[cfg(test)]
mod tests;
