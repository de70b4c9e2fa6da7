//! XPS and OXPS: pages of glyphs with their text.

use docent_core::document::{BlockKind, Format, Locator, Page};

use super::package::{Package, resolve};
use super::xml::{Element, Tree};
use crate::compose::Composer;
use crate::job::{Reading, Refusal};

/// Glyphs whose base lines are so near stand on one line.
const SAME_LINE: f64 = 1.0;

/// The part that lists the documents, if a package is of this kind.
pub(super) fn sequence(package: &Package<'_>) -> Option<String> {
    let relations = package.relations("");
    let main = relations
        .into_iter()
        .find(|relation| relation.kind == "fixedrepresentation")?;
    Some(main.target)
}

/// Reads every page of every document in it.
pub(super) fn read(package: &Package<'_>, sequence: &str) -> Result<Reading, Refusal> {
    let mut pages = Vec::new();
    for document in sources(package, sequence, "DocumentReference") {
        pages.extend(sources(package, &document, "PageContent"));
    }
    let mut composer = Composer::new(Format::Pdf);
    for (at, part) in pages.iter().enumerate() {
        if at >= package.job.limits.max_pages || package.job.is_late() {
            package.fault(format!(
                "the pages from {} on, because of the limits",
                at + 1
            ));
            break;
        }
        let tree = package.tree(part);
        let lines = tree
            .as_ref()
            .and_then(Tree::root)
            .map(lines)
            .unwrap_or_default();
        let place = Locator::page(at as u32 + 1, 1, (lines.len() as u32).max(1));
        composer.push(BlockKind::Paragraph, &lines.join("\n"), place);
        composer.document().pages.push(Page::default());
    }
    composer.document().incomplete = package.gap();
    Ok(composer.finish().into())
}

/// The parts that elements of a name refer to.
fn sources(package: &Package<'_>, part: &str, name: &str) -> Vec<String> {
    let tree = package.tree(part);
    let elements = tree
        .as_ref()
        .and_then(Tree::root)
        .into_iter()
        .flat_map(Element::descendants);
    let elements = elements.filter(|element| element.name() == name);
    elements
        .filter_map(|element| Some(resolve(part, element.attr("Source")?)))
        .collect()
}

/// The lines of a page, in the order in which they are drawn.
fn lines(page: Element<'_>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut base = f64::NAN;
    for glyphs in page
        .descendants()
        .filter(|element| element.name() == "Glyphs")
    {
        let text = glyphs.attr("UnicodeString").unwrap_or_default();
        // A brace at the beginning is escaped by an empty pair.
        let text = text.strip_prefix("{}").unwrap_or(text);
        let origin = glyphs
            .attr("OriginY")
            .and_then(|y| y.parse::<f64>().ok())
            .unwrap_or(0.0);
        let goes_on = (origin - base).abs() <= SAME_LINE;
        base = origin;
        match lines.last_mut().filter(|_| goes_on) {
            Some(line) => {
                if !line.ends_with(' ') && !text.starts_with(' ') {
                    line.push(' ');
                }
                line.push_str(text);
            }
            None => lines.push(text.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::package::testing::{document_of, zip};

    #[test]
    fn pages_are_read_line_by_line() {
        let bytes = zip(&[
            (
                "_rels/.rels",
                "<Relationships><Relationship Id='r' Type='x/fixedrepresentation' Target='/s.fdseq'/></Relationships>",
            ),
            (
                "s.fdseq",
                "<FixedDocumentSequence><DocumentReference Source='d/f.fdoc'/></FixedDocumentSequence>",
            ),
            (
                "d/f.fdoc",
                "<FixedDocument><PageContent Source='p/1.fpage'/></FixedDocument>",
            ),
            (
                "d/p/1.fpage",
                "<FixedPage><Glyphs OriginY='9' UnicodeString='one'/><Glyphs OriginY='9.2' UnicodeString='two'/>\
                 <Canvas><Glyphs OriginY='20' UnicodeString='{}{x}'/></Canvas></FixedPage>",
            ),
        ]);
        let document = document_of(&bytes, "a.xps");
        assert_eq!(document.text, "one two\n{x}");
        assert_eq!(document.blocks[0].locator.to_string(), "page 1");
    }
}
