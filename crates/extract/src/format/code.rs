//! Source code: an item of the language to a block, with the name it defines.

use std::cell::RefCell;
use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use docent_core::document::{BlockKind, Document, Format};
use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

use crate::blocks::{LineBlocks, count_lines, for_each_group};
use crate::charset::Decoded;
use crate::sniff::{CodeKind, Grammar, code_kind, split_name};

mod grammar;
mod items;

/// Larger files are generated more often than written, and are read by their blank lines.
const MAX_PARSED_BYTES: usize = 4 << 20;

/// A grammar that takes longer than this for a file is given up.
const MAX_PARSE_TIME: Duration = Duration::from_secs(2);

/// Longer lines on average than people write: the output of a minifier, which has no items
/// worth naming and takes a grammar long.
const MINIFIED_LINE_BYTES: usize = 500;

thread_local! {
    /// A parser is dear to make and is used again for the next file of its language.
    static PARSERS: RefCell<Vec<(Grammar, Parser)>> = const { RefCell::new(Vec::new()) };
}

/// Reads decoded source code; the language is told by the name and the first line.
pub(crate) fn read(decoded: Decoded, name: &str) -> Document {
    let mut document = super::document(Format::Code, decoded);
    let text = &document.text;
    let (base, extension) = split_name(name);
    let kind = code_kind(&base, &extension, text.as_bytes());
    let stretches = match kind {
        Some(CodeKind::Grammar(grammar)) if is_written(text) => by_items(text, grammar),
        _ => None,
    };
    let mut blocks = LineBlocks::new(text);
    for (span, item) in stretches.unwrap_or_else(|| by_blank_lines(text)) {
        blocks.push(span, &BlockKind::Code { item });
    }
    document.blocks = blocks.finish();
    document
}

/// Whether a file looks written rather than generated.
fn is_written(text: &str) -> bool {
    let lines = 1 + count_lines(text.as_bytes()) as usize;
    text.len() <= MAX_PARSED_BYTES
        && (text.len() < 16 * MINIFIED_LINE_BYTES || text.len() / lines < MINIFIED_LINE_BYTES)
}

type Stretch = (Range<usize>, Option<String>);

fn by_blank_lines(text: &str) -> Vec<Stretch> {
    let mut groups = Vec::new();
    for_each_group(text, 0..text.len(), |span| groups.push((span, None)));
    groups
}

fn by_items(text: &str, grammar: Grammar) -> Option<Vec<Stretch>> {
    let tree = parse(text, grammar)?;
    let cuts = items::cuts(&tree, text, grammar::rules(grammar));
    let ends = cuts
        .iter()
        .skip(1)
        .map(|(start, _)| *start)
        .chain([text.len()]);
    let stretches = cuts
        .iter()
        .zip(ends)
        .map(|((start, item), end)| (*start..end, item.clone()));
    Some(stretches.collect())
}

/// The syntax tree; `None` if it took too long.
fn parse(text: &str, grammar: Grammar) -> Option<Tree> {
    PARSERS.with_borrow_mut(|parsers| {
        let at = match parsers.iter().position(|(known, _)| *known == grammar) {
            Some(at) => at,
            None => {
                let mut parser = Parser::new();
                parser.set_language(&grammar::language(grammar)).ok()?;
                parsers.push((grammar, parser));
                parsers.len() - 1
            }
        };
        let parser = &mut parsers[at].1;
        let begun = Instant::now();
        let mut watch = |_: &ParseState| match begun.elapsed() > MAX_PARSE_TIME {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let bytes = text.as_bytes();
        let mut rest = |at: usize, _| bytes.get(at..).unwrap_or_default();
        let options = ParseOptions::new().progress_callback(&mut watch);
        let tree = parser.parse_with_options(&mut rest, None, Some(options));
        if tree.is_none() {
            parser.reset();
        }
        tree
    })
}

#[cfg(test)]
mod tests;
