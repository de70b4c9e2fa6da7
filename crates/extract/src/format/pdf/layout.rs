//! The text of a page of which nothing else is known, and what its lines begin with.

use std::ops::Range;

use crate::blocks::{for_each_group, trimmed};

/// The text of a page made tidy: line ends, no control characters, no trailing or excessive
/// white space, at most one blank line on end.
pub(super) fn clean(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut blank = true;
    for line in raw.split(['\n', '\r', '\u{b}', '\u{c}', '\u{2028}', '\u{2029}']) {
        if line.trim().is_empty() {
            if !blank {
                text.push('\n');
            }
            blank = true;
            continue;
        }
        push_line(&mut text, line.trim_end());
        text.push('\n');
        blank = false;
    }
    text.truncate(text.trim_end().len());
    text
}

/// Columns are set apart with many spaces; two say as much.
fn push_line(text: &mut String, line: &str) {
    let mut spaces = 0;
    for c in line.chars() {
        match c {
            ' ' | '\t' | '\u{a0}' => spaces += 1,
            c if c.is_control() => {}
            c => {
                if spaces > 0 && !text.is_empty() && !text.ends_with('\n') {
                    text.push_str(if spaces == 1 { " " } else { "  " });
                }
                spaces = 0;
                text.push(c);
            }
        }
    }
}

/// The paragraphs of a page's text.
pub(super) fn paragraphs_of(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for_each_group(page, 0..page.len(), |group| {
        found.extend(paragraphs(page, group).into_iter().map(|span| &page[span]));
    });
    found
}

/// Cuts lines that no blank line parts behind a line in which a sentence ends, if the line is
/// clearly shorter than the others, as the last line of a paragraph is, or if the next one
/// begins with a number.
fn paragraphs(page: &str, group: Range<usize>) -> Vec<Range<usize>> {
    let widest = page[group.clone()].lines().map(str::len).max().unwrap_or(0);
    let mut spans = Vec::new();
    let mut start = group.start;
    let mut at = group.start;
    for line in page[group.clone()].split_inclusive('\n') {
        at += line.len();
        let words = line.trim_end();
        let ends = words.ends_with(['.', '!', '?', ':', ';', '"', '”', ')']);
        let short = words.len() * 4 < widest * 3;
        if ends && (short || begins_with_number(&page[at..group.end])) {
            spans.extend(trimmed(page, start..at));
            start = at;
        }
    }
    spans.extend(trimmed(page, start..group.end));
    spans
}

/// Whether a line begins as the items of contracts and lists do: `1.`, `2.3`, `(a)`, `iv)`, `•`.
pub(super) fn begins_with_number(line: &str) -> bool {
    let Some(word) = line.split_whitespace().next() else {
        return false;
    };
    if is_bullet(word) {
        return true;
    }
    let inner = word.trim_start_matches('(');
    let label = inner.trim_end_matches([')', '.']);
    let marked = label.len() < word.len();
    let digits = label.starts_with(|c: char| c.is_ascii_digit())
        && label.chars().all(|c| c.is_ascii_digit() || c == '.');
    let letters = label.len() <= 4 && label.chars().all(|c| c.is_ascii_alphabetic());
    let single = label.chars().count() == 1 || label.chars().all(|c| "ivxIVX".contains(c));
    marked && !label.is_empty() && (digits || letters && single) || digits && label.contains('.')
}

/// Whether a line begins with the mark of a list.
pub(super) fn is_bullet(line: &str) -> bool {
    line.starts_with(['•', '‣', '▪', '●', '◦', '○', '■', '□', '➢', '✓', '\u{f0b7}'])
        || ["- ", "– ", "* "].iter().any(|mark| {
            let item = line.strip_prefix(mark);
            item.is_some_and(|item| item.starts_with(char::is_alphabetic))
        })
}

/// A title that says something: not the name of a file, a program's default, or a number.
pub(super) fn sensible_title(raw: &str) -> Option<String> {
    let title = crate::format::title(raw)?;
    let lower = title.to_lowercase();
    let extensions = [
        ".doc", ".docx", ".dvi", ".indd", ".pdf", ".ppt", ".pptx", ".qxd", ".rtf", ".tex", ".txt",
        ".wpd", ".xls", ".xlsx", ".htm", ".html", ".ps", ".fm", ".odt", ".p65", ".cdr", ".ai",
    ];
    let defaults = [
        "untitled",
        "no title",
        "title",
        "document",
        "powerpoint presentation",
        "slide 1",
    ];
    let a_program_s = [
        "microsoft word - ",
        "microsoft powerpoint - ",
        "print ",
        "file://",
        "http://",
        "https://",
    ];
    let meaningless = extensions
        .iter()
        .any(|extension| lower.ends_with(extension))
        || defaults.contains(&lower.as_str())
        || a_program_s
            .iter()
            .any(|beginning| lower.starts_with(beginning))
        || title.chars().filter(|c| c.is_alphabetic()).count() < 3
        || !title.contains(' ') && title.contains(['_', '\\', '/'])
        || is_file_name(&title)
        || title.contains('\u{fffd}');
    (!meaningless).then_some(title)
}

/// Whether a word ends as the names of files do: `10811.exe`.
fn is_file_name(title: &str) -> bool {
    let extension = title
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension);
    !title.contains(' ')
        && (1..=4).contains(&extension.len())
        && extension.chars().all(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_made_tidy() {
        assert_eq!(
            clean("  a   b \r\n\r\n\r\n\r\nc\u{0}d\n\n"),
            "a  b\n\nc".to_owned() + "d"
        );
        assert_eq!(clean(" \n\u{c}\n"), "");
    }

    #[test]
    fn paragraphs_end_in_short_lines() {
        let page = "The tenant pays the rent in advance every month of\nthe year.\n\
                    The landlord keeps the roof and the walls in good\nrepair.";
        let paragraphs = paragraphs_of(page);
        assert_eq!(paragraphs.len(), 2);
        assert!(paragraphs[1].starts_with("The landlord"));
    }

    #[test]
    fn numbered_paragraphs_begin_anew() {
        for begin in [
            "1. The rent",
            "2.3 Term",
            "(a) the mill",
            "iv) and",
            "• first",
        ] {
            assert!(begins_with_number(begin), "{begin}");
        }
        for plain in [
            "The rent",
            "2024 was",
            "etc. and",
            "",
            "(the mill)",
            "No. 5",
        ] {
            assert!(!begins_with_number(plain), "{plain}");
        }
    }

    #[test]
    fn titles_that_say_nothing_are_dropped() {
        assert_eq!(
            sensible_title("Lease  agreement\n2024").as_deref(),
            Some("Lease agreement 2024")
        );
        for nothing in [
            "Microsoft Word - lease.doc",
            "Untitled",
            "12/3",
            "scan_0001",
            "a.pdf",
            "10811.exe",
            " ",
        ] {
            assert_eq!(sensible_title(nothing), None, "{nothing}");
        }
    }
}
