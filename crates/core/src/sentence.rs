//! Sentences: where they begin and end in a text, whatever its script.
//!
//! Borders are those of Unicode's UAX #29, with three corrections that real documents need: a
//! single line break inside a paragraph does not end a sentence; list items and blank lines do;
//! and neither does an abbreviation, an initial or a numbering ("No. 4", "Dr. Ames", "§ 12. b").

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// Words that a full stop follows without ending a sentence, in lower case.
const ABBREVIATIONS: &[&str] = &[
    "abs", "al", "approx", "art", "bzw", "ca", "cf", "ch", "cl", "co", "corp", "dept", "dr", "ed",
    "eg", "e.g", "etc", "fig", "ff", "gov", "hon", "ie", "i.e", "inc", "jr", "lit", "ltd",
    "messrs", "mr", "mrs", "ms", "nr", "no", "nos", "op", "p", "pp", "para", "prof", "rev", "sec",
    "sr", "st", "str", "u.s", "usw", "v", "vgl", "vol", "vs", "z.b", "d.h",
];

/// The spans of the sentences of `text`, trimmed, in order; stretches without any letter or
/// digit are left out.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let joined = join_lines(text);
    let mut spans: Vec<Range<usize>> = Vec::new();
    let mut open: Option<Range<usize>> = None;
    for (at, piece) in joined.split_sentence_bound_indices() {
        let start = open.take().map_or(at, |range| range.start);
        let span = start..at + piece.len();
        if !piece.ends_with('\n') && ends_in_abbreviation(piece) {
            open = Some(span);
        } else {
            spans.push(span);
        }
    }
    spans.extend(open);
    spans
        .into_iter()
        .map(|span| trimmed(text, span))
        .filter(|span| text[span.clone()].chars().any(char::is_alphanumeric))
        .collect()
}

/// `span` without white space at its ends.
pub fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    let piece = &text[span.clone()];
    let start = span.start + (piece.len() - piece.trim_start().len());
    start..start + piece.trim().len()
}

/// The text, byte for byte as long, with the line breaks inside paragraphs as blanks.
fn join_lines(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let body = line.strip_suffix('\n');
        match (body, lines.peek()) {
            (Some(body), Some(next)) if !ends_paragraph(body) && !opens_paragraph(next) => {
                joined.push_str(body.strip_suffix('\r').unwrap_or(body));
                joined.extend(std::iter::repeat_n(' ', joined_width(body)));
            }
            _ => joined.push_str(line),
        }
    }
    joined
}

/// Bytes of the line end after `body`: a carriage return is part of it.
fn joined_width(body: &str) -> usize {
    1 + usize::from(body.ends_with('\r'))
}

fn ends_paragraph(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with(['#', '|', '<'])
}

/// Whether a line begins something new: a blank line, a list item, a heading, a table row, markup.
fn opens_paragraph(line: &str) -> bool {
    let line = line.trim();
    if line.is_empty() || line.starts_with(['#', '|', '<', '•', '◦', '▪']) {
        return true;
    }
    let mark = line.split_whitespace().next().unwrap_or("");
    if matches!(mark, "-" | "*" | "+" | "–" | "—") {
        return true;
    }
    let number = mark.trim_start_matches('(').trim_end_matches(['.', ')']);
    number.len() < mark.len()
        && number.len() <= 4
        && !number.is_empty()
        && (number.chars().all(|c| c.is_ascii_digit() || c == '.')
            || number.chars().count() == 1
            || (mark.starts_with('(') && number.chars().all(|c| "ivxlcdm".contains(c))))
}

/// Whether the full stop at the end of `piece` belongs to an abbreviation, an initial or a
/// numbering rather than to the sentence.
fn ends_in_abbreviation(piece: &str) -> bool {
    let Some(body) = piece.trim_end().strip_suffix('.') else {
        return false;
    };
    let word = body
        .rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '"' | '“'))
        .next()
        .unwrap_or("");
    if word.is_empty() {
        return false;
    }
    let only_word = body.trim().len() == word.len();
    let numbering = only_word && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    let initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    numbering || initial || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        sentences(text)
            .into_iter()
            .map(|span| &text[span])
            .collect()
    }

    #[test]
    fn a_line_break_inside_a_paragraph_ends_nothing() {
        assert_eq!(
            cut("The tenant may end\nthis lease. Rent is due\r\nmonthly."),
            ["The tenant may end\nthis lease.", "Rent is due\r\nmonthly."]
        );
    }

    #[test]
    fn blank_lines_lists_and_headings_do() {
        assert_eq!(
            cut("# Rent\nDue monthly\n\n- by card\n- by cheque\n(b) in cash"),
            [
                "# Rent",
                "Due monthly",
                "- by card",
                "- by cheque",
                "(b) in cash"
            ]
        );
    }

    #[test]
    fn abbreviations_initials_and_numberings_do_not() {
        assert_eq!(
            cut("Dr. J. Ames saw No. 4 today. See Art. 5 of it."),
            ["Dr. J. Ames saw No. 4 today.", "See Art. 5 of it."]
        );
        assert_eq!(
            cut("2. Notice is given. Then rent."),
            ["2. Notice is given.", "Then rent."]
        );
    }

    #[test]
    fn other_scripts_have_sentences_too() {
        assert_eq!(
            cut("东京很大。大阪也很大！"),
            ["东京很大。", "大阪也很大！"]
        );
    }

    proptest::proptest! {
        #[test]
        fn spans_ascend_and_lie_on_characters(text in "[a-zÄ东 .\r\n#|(1)-]{0,80}") {
            let mut last = 0;
            for span in sentences(&text) {
                proptest::prop_assert!(span.start >= last && span.end <= text.len());
                proptest::prop_assert!(text.get(span.clone()).is_some_and(|s| s.trim() == s));
                last = span.end;
            }
        }
    }
}
