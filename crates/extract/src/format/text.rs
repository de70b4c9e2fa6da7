//! Plain text: a paragraph is what stands between blank lines.

use docent_core::document::{BlockKind, Document, Format};

use crate::blocks::{LineBlocks, for_each_group};
use crate::charset::Decoded;

/// Reads decoded plain text.
pub(crate) fn read(decoded: Decoded) -> Document {
    let mut document = super::document(Format::Text, decoded);
    let text = &document.text;
    let mut blocks = LineBlocks::new(text);
    for_each_group(text, 0..text.len(), |span| {
        blocks.push(span, &BlockKind::Paragraph)
    });
    document.blocks = blocks.finish();
    super::with_language(document)
}

#[cfg(test)]
mod tests {
    use docent_core::document::Locator;

    use super::*;

    #[test]
    fn paragraphs_keep_their_lines() {
        let document = read("First line\nsecond line\n\n\nLast.".into());
        let found: Vec<_> = document
            .blocks
            .iter()
            .map(|block| (&document.text[block.span.clone()], block.locator.clone()))
            .collect();
        assert_eq!(
            found,
            [
                (
                    "First line\nsecond line",
                    Locator::Lines { first: 1, last: 2 }
                ),
                ("Last.", Locator::Lines { first: 5, last: 5 }),
            ]
        );
        assert_eq!(document.title, None);
    }
}
