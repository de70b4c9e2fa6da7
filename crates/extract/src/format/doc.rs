//! Word documents of the binary kind: DOC (MS-DOC), and those of Word 6 and 95.

use std::cell::RefCell;

use docent_core::document::{BlockKind, Format, Locator};

use super::compound::{Compound, encrypted, summary};
use super::flow::Flow;
use crate::charset::plural;
use crate::compose::Composer;
use crate::job::{Reading, Refusal};

mod fib;
mod lists;
mod properties;
mod story;
mod text;

use fib::Fib;
use properties::Properties;
use story::Story;
use text::Text;

/// Reads a document. Places are paragraphs.
pub(super) fn read(file: &Compound<'_>) -> Result<Reading, Refusal> {
    let main = file.stream("WordDocument").unwrap_or_default();
    let Some(fib) = Fib::read(&main) else {
        return Err("damaged: no Word document in it".into());
    };
    if fib.is_encrypted {
        return Err(encrypted().into());
    }
    let table = file.stream(fib.table_stream()).unwrap_or_default();
    let text = Text::read(&fib, &main, &table);
    let properties = Properties::read(&fib, &main, &table);
    let numbering = RefCell::new(lists::read(&fib, &table));
    let begin = || Story::new(&text, &properties, &numbering, file.job);
    let mut story = begin();
    story.notes(&fib, &table);
    let (mut flow, deletions) = story.read(fib.main_text());
    let further = |range| begin().read(range).0;
    let boxes = further(fib.text_boxes());
    flow.append(boxes);
    let heads: Vec<Flow> = [fib.headers(), fib.header_boxes()]
        .into_iter()
        .map(further)
        .collect();

    let mut composer = Composer::new(Format::Word);
    let last = (flow.pieces().len() as u32).max(1);
    let end = Locator::Paragraphs { first: last, last };
    let heading = flow
        .pieces()
        .iter()
        .find(|piece| matches!(piece.kind, BlockKind::Heading { .. }));
    let heading = heading.and_then(|piece| super::title(&piece.text));
    flow.compose(&mut composer);
    for piece in heads.iter().flat_map(Flow::pieces) {
        if !composer.has_furniture(&piece.text) {
            composer.push_furniture(&piece.text, end.clone());
        }
    }
    summary::read(file, &mut composer, end);
    let inner = super::compound::embedded(file, "/ObjectPool/");
    let document = composer.document();
    document.title = document.title.take().or(heading);
    if deletions > 0 {
        let what = plural(deletions, "tracked deletion");
        document.warnings.push(format!("{what} left out"));
    }
    if file.job.is_late() {
        document.incomplete = Some("not read: the rest, because the time was over".into());
    }
    Ok(Reading {
        document: composer.finish(),
        inner,
    })
}

#[cfg(test)]
mod tests;
