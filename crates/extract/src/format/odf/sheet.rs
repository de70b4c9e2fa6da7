//! OpenDocument sheets.

use docent_core::document::{BlockKind, Format, Locator};

use super::super::sheet::{Grid, cells_place};
use super::super::xml::Element;
use super::walk::Walk;
use crate::charset::plural;
use crate::compose::Composer;

/// Reads every sheet of a spreadsheet. The place is one for what belongs to no cell.
pub(super) fn read(walk: &mut Walk<'_, '_>, body: Element<'_>) -> (Composer, Locator) {
    let mut composer = Composer::new(Format::Sheet);
    let mut hidden = 0;
    let mut last = String::new();
    for table in body.children().filter(|child| child.name() == "table") {
        let name = table.attr("name").unwrap_or_default();
        let is_hidden = walk.styles.hides(table) || table.attr("display") == Some("false");
        hidden += usize::from(is_hidden);
        let mut grid = Grid::default();
        let mut comments = Vec::new();
        walk.grid(table, &mut grid, &mut 0, &mut comments);
        grid.compose(name, is_hidden, &mut composer);
        if let Some(shapes) = table.child("shapes") {
            let text = walk.aside(shapes);
            comments.push(((0, 0), text));
        }
        for (cell, text) in comments {
            let place = cells_place(name, cell, cell);
            match is_hidden {
                true => composer.push_hidden(BlockKind::Paragraph, &text, place),
                false => composer.push(BlockKind::Paragraph, &text, place),
            }
        }
        last = name.to_owned();
    }
    if hidden > 0 {
        let what = plural(hidden, "hidden sheet").into_owned();
        composer.document().warnings.push(what);
    }
    (composer, cells_place(&last, (0, 0), (0, 0)))
}
