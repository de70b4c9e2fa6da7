//! Markdown: the text stays as it was written, blocks are stretches of it.

use docent_core::document::{BlockKind, Document, Format};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::blocks::{LineBlocks, margin_start};
use crate::charset::Decoded;

/// Reads decoded Markdown.
pub(crate) fn read(decoded: Decoded) -> Document {
    let mut document = super::document(Format::Markdown, decoded);
    let outline = Outline::of(&document.text);
    let mut blocks = LineBlocks::new(&document.text);
    // A stretch reaches from where its element begins to where the next one does, so that
    // link definitions and rules, which are no elements, are lost nowhere.
    for (index, (start, kind)) in outline.cuts.iter().enumerate() {
        let end = outline
            .cuts
            .get(index + 1)
            .map_or(document.text.len(), |(next, _)| *next);
        blocks.push(*start..end, kind);
    }
    document.blocks = blocks.finish();
    document.title = outline.title;
    super::with_language(document)
}

/// Where elements begin, and the title.
struct Outline {
    cuts: Vec<(usize, BlockKind)>,
    title: Option<String>,
}

impl Outline {
    fn of(text: &str) -> Outline {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_GFM
            | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
            | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
        let mut outline = Outline {
            cuts: vec![(0, BlockKind::Paragraph)],
            title: None,
        };
        let mut items = 0usize;
        let mut heading: Option<String> = None;
        let mut metadata = false;
        for (event, span) in Parser::new_ext(text, options).into_offset_iter() {
            match event {
                Event::Start(tag) => {
                    if let Some(kind) = kind_of(&tag, items) {
                        outline.cut(text, span.start, kind);
                    }
                    items += usize::from(matches!(tag, Tag::Item | Tag::FootnoteDefinition(_)));
                    metadata |= matches!(tag, Tag::MetadataBlock(_));
                    if matches!(tag, Tag::Heading { level, .. } if level as u8 == 1) {
                        heading = Some(String::new());
                    }
                }
                Event::End(TagEnd::Item | TagEnd::FootnoteDefinition) => items -= 1,
                Event::End(TagEnd::MetadataBlock(_)) => metadata = false,
                Event::End(TagEnd::Heading(_)) => {
                    let told = heading.take().and_then(|words| super::title(&words));
                    outline.title = outline.title.or(told);
                }
                Event::Text(words) if metadata => {
                    outline.title = outline.title.or_else(|| metadata_title(&words));
                }
                Event::Text(words) | Event::Code(words) => {
                    heading
                        .as_mut()
                        .into_iter()
                        .for_each(|told| told.push_str(&words));
                }
                Event::SoftBreak | Event::HardBreak => {
                    heading.as_mut().into_iter().for_each(|told| told.push(' '));
                }
                _ => {}
            }
        }
        outline
    }

    /// Begins a stretch at the element at `at`, or at the beginning of its line where only
    /// indentation and quotation marks stand before it.
    fn cut(&mut self, text: &str, at: usize, kind: BlockKind) {
        let at = margin_start(text, at, b" \t>");
        match self.cuts.last_mut() {
            // The inner of two elements that begin together says more.
            Some(last) if last.0 >= at => last.1 = kind,
            _ => self.cuts.push((at, kind)),
        }
    }
}

/// What a stretch that begins with this tag is; `None` if none begins. An item of a list is
/// one stretch with all its paragraphs, and so is a footnote; only items within begin their own.
fn kind_of(tag: &Tag<'_>, items: usize) -> Option<BlockKind> {
    match tag {
        Tag::Item => Some(BlockKind::ListItem),
        _ if items > 0 => None,
        Tag::Heading { level, .. } => Some(BlockKind::Heading {
            level: *level as u8,
        }),
        Tag::Paragraph | Tag::HtmlBlock | Tag::MetadataBlock(_) | Tag::FootnoteDefinition(_) => {
            Some(BlockKind::Paragraph)
        }
        Tag::CodeBlock(_) => Some(BlockKind::Code { item: None }),
        Tag::Table(_) => Some(BlockKind::Table { continues: false }),
        _ => None,
    }
}

/// The title that front matter gives.
fn metadata_title(front_matter: &str) -> Option<String> {
    let value = front_matter.lines().find_map(|line| {
        let rest = line.strip_prefix("title")?.trim_start();
        rest.strip_prefix([':', '='])
    })?;
    super::title(value.trim().trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use docent_core::document::Locator;

    use super::*;
    use crate::blocks::check;

    fn blocks(text: &str) -> Vec<(String, BlockKind)> {
        let document = read(text.into());
        assert_eq!(check(&document), Ok(()));
        let stretch = |block: &docent_core::document::Block| {
            (
                document.text[block.span.clone()].to_owned(),
                block.kind.clone(),
            )
        };
        document.blocks.iter().map(stretch).collect()
    }

    #[test]
    fn elements_become_blocks_of_the_raw_text() {
        let text = "# Lease\n\nThe *tenant* pays.\n\n- one\n  more\n- two\n  - inner\n\n\
                    | a | b |\n|---|---|\n| 1 | 2 |\n\n```sh\nls\n\nls -l\n```\n\n> quoted\n> words\n";
        let heading = |level| BlockKind::Heading { level };
        assert_eq!(
            blocks(text),
            [
                ("# Lease".into(), heading(1)),
                ("The *tenant* pays.".into(), BlockKind::Paragraph),
                ("- one\n  more".into(), BlockKind::ListItem),
                ("- two".into(), BlockKind::ListItem),
                ("  - inner".into(), BlockKind::ListItem),
                (
                    "| a | b |\n|---|---|\n| 1 | 2 |".into(),
                    BlockKind::Table { continues: false }
                ),
                (
                    "```sh\nls\n\nls -l\n```".into(),
                    BlockKind::Code { item: None }
                ),
                ("> quoted\n> words".into(), BlockKind::Paragraph),
            ]
        );
    }

    #[test]
    fn titles_come_from_front_matter_or_the_first_heading() {
        let title = |text: &str| read(text.into()).title;
        assert_eq!(
            title("words\n\n# The `big` *lease*\n").as_deref(),
            Some("The big lease")
        );
        assert_eq!(
            title("---\ntitle: \"From the top\"\n---\n# Other\n").as_deref(),
            Some("From the top")
        );
        assert_eq!(title("Setext\n======\n").as_deref(), Some("Setext"));
        assert_eq!(title("## Second level only\n"), None);
    }

    #[test]
    fn what_is_no_element_stays_in_some_block() {
        let text =
            "[a]: http://x.example\n\n---\n\nwords\n\n<!-- note -->\n\n[b]: http://y.example\n";
        let joined: String = blocks(text).into_iter().map(|(text, _)| text).collect();
        assert!(joined.contains("[a]:") && joined.contains("note") && joined.contains("[b]:"));
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let document = read("# One\r\n\r\ntwo\r\nthree\r\n".into());
        assert_eq!(
            document.blocks[1].locator,
            Locator::Lines { first: 3, last: 4 }
        );
    }

    #[test]
    fn deep_nesting_is_harmless() {
        for opening in ["> ", "- ", "* a\n ", "[", "**a "] {
            let document = read(opening.repeat(5_000).as_str().into());
            assert_eq!(check(&document), Ok(()), "{opening:?}");
        }
    }
}
