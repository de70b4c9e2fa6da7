//! Markup that is nested without end, made flat before it is parsed.
//!
//! The standard's parser looks through all open elements at many a tag, so that a hundred
//! thousand nested `<div>`s cost billions of steps. Browsers stop nesting at 512; so does this,
//! by leaving out tags below that depth and keeping everything between them.

use std::borrow::Cow;

/// Elements below this depth are opened no more.
const MAX_DEPTH: usize = 400;

/// Elements that hold no others, or whose end tags may be left out and often are; the parser
/// closes them itself, so that they do not nest without end.
const UNCOUNTED: &[&[u8]] = &[
    b"a",
    b"area",
    b"base",
    b"body",
    b"br",
    b"col",
    b"colgroup",
    b"dd",
    b"dt",
    b"embed",
    b"head",
    b"hr",
    b"html",
    b"img",
    b"input",
    b"li",
    b"link",
    b"meta",
    b"option",
    b"p",
    b"param",
    b"path",
    b"source",
    b"tbody",
    b"td",
    b"tfoot",
    b"th",
    b"thead",
    b"tr",
    b"track",
    b"wbr",
];

/// Elements whose content is not markup.
const RAW: &[&[u8]] = &[
    b"script",
    b"style",
    b"textarea",
    b"title",
    b"xmp",
    b"noscript",
];

/// `markup` without the tags that would nest deeper than [`MAX_DEPTH`].
pub(super) fn flatten(markup: &str) -> Cow<'_, str> {
    let bytes = markup.as_bytes();
    let mut depth = 0usize;
    let mut kept = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(open) = find(bytes, at, b'<') {
        let (tag, end) = tag_at(bytes, open);
        at = end;
        match tag {
            Tag::Open(name) if RAW.iter().any(|raw| name.eq_ignore_ascii_case(raw)) => {
                at = raw_end(bytes, end, name);
            }
            Tag::Open(name) if counts(name) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    kept.push_str(&markup[copied..open]);
                    kept.push(' ');
                    copied = end;
                }
            }
            Tag::Close(name) if counts(name) => {
                if depth > MAX_DEPTH {
                    kept.push_str(&markup[copied..open]);
                    copied = end;
                }
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
    }
    if copied == 0 {
        return Cow::Borrowed(markup);
    }
    kept.push_str(&markup[copied..]);
    Cow::Owned(kept)
}

enum Tag<'m> {
    Open(&'m [u8]),
    Close(&'m [u8]),
    Other,
}

fn counts(name: &[u8]) -> bool {
    !UNCOUNTED
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

fn find(bytes: &[u8], from: usize, byte: u8) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.iter().position(|b| *b == byte).map(|at| from + at)
}

/// The tag that begins at `open`, and where it ends.
fn tag_at(bytes: &[u8], open: usize) -> (Tag<'_>, usize) {
    let rest = &bytes[open..];
    if rest.starts_with(b"<!--") {
        let end = rest[4..].windows(3).position(|window| window == b"-->");
        return (Tag::Other, end.map_or(bytes.len(), |at| open + 4 + at + 3));
    }
    let closes = rest.get(1) == Some(&b'/');
    let name_start = open + 1 + usize::from(closes);
    let name_end = name_start
        + bytes[name_start..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
    if name_end == name_start {
        return (Tag::Other, open + 1);
    }
    let name = &bytes[name_start..name_end];
    let end = attributes_end(bytes, name_end);
    let empty = !closes && bytes[..end].ends_with(b"/>");
    match (closes, empty) {
        (true, _) => (Tag::Close(name), end),
        // Only foreign elements may close themselves; HTML's own stay open all the same.
        (false, true) if !is_html_block(name) => (Tag::Other, end),
        (false, _) => (Tag::Open(name), end),
    }
}

fn is_html_block(name: &[u8]) -> bool {
    let known: [&[u8]; 8] = [
        b"div",
        b"span",
        b"section",
        b"table",
        b"ul",
        b"ol",
        b"blockquote",
        b"font",
    ];
    known.iter().any(|block| name.eq_ignore_ascii_case(block))
}

/// Just behind the `>` that ends a tag; quoted values may hold one.
fn attributes_end(bytes: &[u8], from: usize) -> usize {
    let mut quote = None;
    for (at, &byte) in bytes.iter().enumerate().skip(from) {
        match (quote, byte) {
            (None, b'>') => return at + 1,
            // A quote opens a value only behind an equals sign; a stray one is a name's.
            (None, b'"' | b'\'') if bytes[..at].trim_ascii_end().ends_with(b"=") => {
                quote = Some(byte);
            }
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    bytes.len()
}

/// Where the end tag of a raw element begins.
fn raw_end(bytes: &[u8], from: usize, name: &[u8]) -> usize {
    let mut at = from;
    while let Some(open) = find(bytes, at, b'<') {
        let tail = bytes.get(open + 2..open + 2 + name.len());
        if bytes.get(open + 1) == Some(&b'/') && tail.is_some_and(|t| t.eq_ignore_ascii_case(name))
        {
            return open;
        }
        at = open + 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_pages_are_left_alone() {
        let page = "<!-- <div> --><div a='>'><p>one<p>two<script>'<div>'</script></div>";
        assert!(matches!(flatten(page), Cow::Borrowed(_)));
        let list = format!("<ul>{}</ul>", "<li>a".repeat(5_000));
        assert!(matches!(flatten(&list), Cow::Borrowed(_)));
    }

    #[test]
    fn deep_tags_go_and_their_text_stays() {
        let page = format!(
            "{}deep{}<b>after</b>",
            "<div>".repeat(1_000),
            "</div>".repeat(1_000)
        );
        let flat = flatten(&page);
        assert_eq!(flat.matches("<div>").count(), MAX_DEPTH);
        assert_eq!(flat.matches("</div>").count(), MAX_DEPTH);
        assert!(flat.contains("deep") && flat.ends_with("<b>after</b>"));
    }

    #[test]
    fn cut_off_markup_ends_somewhere() {
        for page in [
            "<",
            "</",
            "<!--",
            "<div",
            "<div a=\"",
            "<script>x",
            "<é>",
            "<a\u{300}>",
        ] {
            let _ = flatten(page);
        }
    }
}
