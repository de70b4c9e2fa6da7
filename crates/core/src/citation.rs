//! Citations: quotes tied to their place in a document, checked against it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::document::{Document, Locator};

/// A quote that stands in a document, word for word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The number by which the answer points to it, from 1.
    pub number: usize,
    /// The number of the passage that it was taken from, from 1.
    pub passage: usize,
    /// Path of the file, relative to its root, with `/`.
    pub path: String,
    /// Where the quote stands.
    pub locator: Locator,
    /// The document's own bytes from `start` to `end`.
    pub quote: String,
    /// First byte in the document's text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// The span of `quote` in `text`, searched from byte `from` on: equal byte by byte, but for
/// white space (any run equals any other), hyphenation at a line's end, and typographic quotes
/// and dashes, which models like to straighten.
///
/// Returns `None` when the quote is not there or holds no letters or digits.
pub fn find_quote(text: &str, quote: &str, from: usize) -> Option<Range<usize>> {
    let wanted: Vec<char> = comparable(quote).map(|(_, c)| c).collect();
    if !wanted.iter().any(|c| c.is_alphanumeric()) {
        return None;
    }
    let from = (from..=text.len()).find(|&at| text.is_char_boundary(at))?;
    let hay: Vec<(usize, char)> = comparable(&text[from..]).collect();
    let first = *wanted.first()?;
    let start = (0..hay.len()).find(|&i| {
        hay[i].1 == first
            && hay.len() - i >= wanted.len()
            && hay[i..].iter().zip(&wanted).all(|((_, a), b)| a == b)
    })?;
    let (last, last_char) = hay[start + wanted.len() - 1];
    let begin = from + hay[start].0;
    let last = from + last;
    let width = text[last..]
        .chars()
        .next()
        .map_or(last_char.len_utf8(), char::len_utf8);
    Some(begin..last + width)
}

/// The characters that count when a quote is compared, each with its byte offset: white space
/// and hyphens at line ends left out, quotes and dashes in their plain form.
fn comparable(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    text.char_indices().filter_map(move |(at, c)| {
        let plain = match c {
            '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{2032}' => '\'',
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2033}' => '"',
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            c => c,
        };
        let skipped = plain.is_whitespace()
            || plain == '\u{ad}'
            || (plain == '-' && ends_line(&text[at + c.len_utf8()..]));
        (!skipped).then_some((at, plain))
    })
}

/// Whether nothing but blanks stands before the next line feed.
fn ends_line(rest: &str) -> bool {
    rest.chars()
        .find(|c| !matches!(c, ' ' | '\t' | '\r'))
        .is_some_and(|c| c == '\n')
}

/// A citation of `span` in `document`, quoting its own bytes.
///
/// Returns `None` where the span is not in the document: such a citation must not be shown.
pub fn cite(
    document: &Document,
    path: &str,
    span: Range<usize>,
    passage: usize,
    number: usize,
) -> Option<Citation> {
    let quote = document.text.get(span.clone())?;
    Some(Citation {
        number,
        passage,
        path: path.to_owned(),
        locator: document.locate(span.clone())?,
        quote: quote.to_owned(),
        start: span.start,
        end: span.end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_and_hyphenation_do_not_matter() {
        let text = "The tenant may termi-\n  nate this  lease\non notice.";
        let found = find_quote(text, "may terminate this lease on notice", 0).unwrap();
        assert_eq!(&text[found], "may termi-\n  nate this  lease\non notice");
    }

    #[test]
    fn a_hyphen_inside_a_line_matters() {
        assert_eq!(
            find_quote("a re-formed church", "a reformed church", 0),
            None
        );
    }

    #[test]
    fn typographic_quotes_equal_straight_ones() {
        let text = "ninety (90) days\u{2019} notice";
        assert_eq!(
            find_quote(text, "days' notice", 0).map(|r| &text[r]),
            Some("days\u{2019} notice")
        );
    }

    #[test]
    fn one_changed_word_is_not_found() {
        assert_eq!(
            find_quote("ninety days' notice", "sixty days' notice", 0),
            None
        );
    }

    #[test]
    fn quotes_without_words_are_nowhere() {
        assert_eq!(find_quote("… and so on …", " … ", 0), None);
    }

    #[test]
    fn the_search_starts_where_it_is_told() {
        assert_eq!(find_quote("né. né.", "né.", 1), Some(5..9));
    }
}
