//! HTML as a reader of the page sees it: rendered to text, with headings, lists, tables.

use docent_core::document::{Document, Format};
use scraper::Html;

use crate::charset::Decoded;

mod flatten;
mod hidden;
mod render;
mod table;
mod writer;

/// Reads decoded HTML. Places are lines of the rendered text.
pub(crate) fn read(decoded: Decoded) -> Document {
    let page = Html::parse_document(&flatten::flatten(&decoded.text));
    let rendered = render::render(&page);
    let mut document = super::document(
        Format::Html,
        Decoded {
            text: rendered.text,
            warnings: decoded.warnings,
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
