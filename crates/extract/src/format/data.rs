//! Data as text: tables (CSV), trees (JSON, YAML, TOML) and XML. The text stays the file's own,
//! but for XML that is a document.

use std::ops::Range;

use docent_core::document::{BlockKind, Document, Format};

use crate::blocks::{LineBlocks, for_each_group};
use crate::charset::Decoded;
use crate::sniff::Kind;

mod xml;

pub(crate) use xml::read as read_xml;

/// Reads decoded comma-separated values, whatever separates them: one table of the file's lines.
pub(crate) fn read_csv(decoded: Decoded) -> Document {
    let mut document = super::document(Format::Sheet, decoded);
    let mut blocks = LineBlocks::new(&document.text);
    let whole = 0..document.text.len();
    blocks.push(whole, &BlockKind::Table { continues: false });
    document.blocks = blocks.finish();
    super::with_language(document)
}

/// Reads decoded JSON, JSON lines, YAML or TOML: a block to each part of the outermost level, by
/// its name.
pub(crate) fn read_tree(decoded: Decoded, kind: Kind) -> Document {
    let mut document = super::document(Format::Data, decoded);
    let mut blocks = LineBlocks::new(&document.text);
    for (span, item) in parts(&document.text, kind) {
        blocks.push(span, &BlockKind::Code { item });
    }
    document.blocks = blocks.finish();
    document
}

/// Stretches of lines that belong together, and the name of each.
fn parts(text: &str, kind: Kind) -> Vec<(Range<usize>, Option<String>)> {
    let mut parts: Vec<(Range<usize>, Option<String>)> = Vec::new();
    if kind == Kind::Json {
        for_each_group(text, 0..text.len(), |span| parts.push((span, None)));
        return parts;
    }
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let begins = match kind {
            Kind::Toml => table_name(line),
            Kind::Yaml => branch_name(line),
            // A record to a line.
            _ => Some(None),
        };
        let end = at + line.len();
        match (begins, parts.last_mut()) {
            (None, Some((span, _))) => span.end = end,
            (begins, _) => parts.push((at..end, begins.flatten())),
        }
        at = end;
    }
    parts
}

/// The name of the table that a line of TOML begins: `[package]`, `[[bin]]`.
fn table_name(line: &str) -> Option<Option<String>> {
    let name = line.trim_end().strip_prefix('[')?.split(']').next()?;
    Some(super::title(name.trim_start_matches('[')))
}

/// The name of the branch that a line of YAML begins, or none for a new document: a key of the
/// outermost level with its values below it.
fn branch_name(line: &str) -> Option<Option<String>> {
    let line = line.trim_end();
    if line == "---" {
        return Some(None);
    }
    if line.starts_with([' ', '\t', '#', '-']) {
        return None;
    }
    Some(super::title(line.strip_suffix(':')?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;

    fn items(text: &str, kind: Kind) -> Vec<(String, Option<String>)> {
        let document = read_tree(text.into(), kind);
        assert_eq!(check(&document), Ok(()));
        assert_eq!(document.text, text);
        let item = |block: &docent_core::document::Block| match &block.kind {
            BlockKind::Code { item } => item.clone(),
            _ => None,
        };
        document
            .blocks
            .iter()
            .map(|block| (document.text[block.span.clone()].to_owned(), item(block)))
            .collect()
    }

    #[test]
    fn trees_are_cut_by_their_outermost_names() {
        assert_eq!(
            items("a = 1\n[package]\nname = \"x\"\n", Kind::Toml),
            [
                ("a = 1".into(), None),
                ("[package]\nname = \"x\"".into(), Some("package".into())),
            ]
        );
        assert_eq!(
            items("v: 1\njobs:\n  test: x\n- y\n", Kind::Yaml),
            [
                ("v: 1".into(), None),
                ("jobs:\n  test: x\n- y".into(), Some("jobs".into())),
            ]
        );
        assert_eq!(items("{\"a\":1}\n{\"a\":2}\n", Kind::JsonLines).len(), 2);
        assert_eq!(items("{\n\"a\": 1\n}\n", Kind::Json).len(), 1);
    }

    #[test]
    fn a_table_is_its_file() {
        let text = "name;city\nAda;\"Lon\n\ndon\"\n";
        let document = read_csv(text.into());
        assert_eq!(check(&document), Ok(()));
        assert_eq!(document.text, text);
        assert_eq!(document.blocks.len(), 1);
    }
}
