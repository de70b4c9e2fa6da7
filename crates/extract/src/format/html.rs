//! HTML as a reader of the page sees it: rendered to text, with headings, lists, tables.

use std::collections::HashSet;

use docent_core::document::{BlockKind, Document, Format};
use scraper::Html;
use scraper::node::Node;

use crate::blocks::LineBlocks;
use crate::charset::Decoded;

mod flatten;
mod hidden;
mod render;
mod table;
mod writer;

/// Reads decoded HTML. Places are lines of the rendered text.
pub(crate) fn read(decoded: Decoded) -> Document {
    let page = Html::parse_document(&flatten::flatten(&decoded.text));
    document_of(&page, decoded.warnings)
}

fn document_of(page: &Html, warnings: Vec<String>) -> Document {
    let rendered = render::render(page);
    let mut document = super::document(
        Format::Html,
        Decoded {
            text: rendered.text,
            warnings,
        },
    );
    document.blocks = rendered.blocks;
    document.title = rendered
        .title
        .as_deref()
        .and_then(super::title)
        .or_else(|| rendered.first_heading.as_deref().and_then(super::title));
    super::with_language(document)
}

/// Reads a decoded page as [`read`] does, and lists behind its text where its links lead. The
/// list is shown and never indexed.
pub(crate) fn read_page(decoded: Decoded) -> Document {
    let page = Html::parse_document(&flatten::flatten(&decoded.text));
    let mut document = document_of(&page, decoded.warnings);
    let links = links(&page);
    if links.is_empty() || document.blocks.is_empty() {
        return document;
    }
    let text = &mut document.text;
    text.push_str("\n\n");
    let start = text.len();
    text.push_str(&links.join("\n"));
    let mut blocks = LineBlocks::new(text);
    blocks.push(start..text.len(), &BlockKind::Furniture);
    document.blocks.extend(blocks.finish());
    document
}

/// The targets of a page's links, each once, in their order; not those on the page itself.
fn links(page: &Html) -> Vec<&str> {
    /// A longer one is data, not an address.
    const MAX_BYTES: usize = 2_000;
    let mut known = HashSet::new();
    let elements = page.tree.values().filter_map(Node::as_element);
    let mut targets: Vec<&str> = elements
        .filter(|element| matches!(element.name(), "a" | "area"))
        .filter_map(|element| element.attr("href").map(str::trim))
        .collect();
    let leads_on = |target: &str| {
        let scheme = target.split(':').next().unwrap_or_default();
        !target.is_empty()
            && target.len() <= MAX_BYTES
            && !target.starts_with('#')
            && !["javascript", "data"]
                .iter()
                .any(|it| scheme.eq_ignore_ascii_case(it))
    };
    targets.retain(|target| leads_on(target) && known.insert(*target));
    targets
}

/// The character set that the file names for itself in its first two kilobytes:
/// `<meta charset=…>`, `<meta … content="text/html; charset=…">` or `<?xml encoding=…?>`.
pub(crate) fn declared_charset(bytes: &[u8]) -> Option<String> {
    let first = bytes[..bytes.len().min(2048)].to_ascii_lowercase();
    let first = String::from_utf8_lossy(&first);
    ["charset", "encoding"].into_iter().find_map(|word| {
        let after = &first[first.find(word)? + word.len()..];
        let value = after
            .trim_start()
            .strip_prefix('=')?
            .trim_start()
            .trim_start_matches(['"', '\'']);
        let end = value.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | ':'));
        let label = &value[..end.unwrap_or(value.len())];
        (!label.is_empty()).then(|| label.to_owned())
    })
}

#[cfg(test)]
mod tests;
