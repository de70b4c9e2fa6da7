//! A report as Markdown with footnotes (`[^1]`), as CommonMark's usual extensions and pandoc
//! understand it.

use super::{Part, Report, Run, harmless};

/// Where the title stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Title {
    /// A heading of its own, above those of the sections.
    Heading,
    /// Pandoc's title block.
    Block,
}

/// Writes a report.
pub(super) fn write(report: &Report, title: Title) -> String {
    let (mark, heading) = match title {
        Title::Heading => ("#", "##"),
        Title::Block => ("%", "#"),
    };
    let mut text = format!("{mark} {}\n\n", escaped(&report.title));
    for section in &report.sections {
        text += &format!("{heading} {}\n\n", escaped(&section.heading));
        for part in &section.parts {
            text += &match part {
                Part::Quote(run) => {
                    format!("> “{}” {}\n\n", escaped(&run.text), marks(run))
                }
                Part::Paragraph(runs) => {
                    let runs: Vec<String> = runs.iter().map(said).collect();
                    format!("{}\n\n", runs.join(" "))
                }
            };
        }
    }
    for remark in &report.remarks {
        text += &format!("*{}*\n\n", escaped(remark));
    }
    for (note, number) in report.notes.iter().zip(1..) {
        let (path, place) = (escaped(&note.path), escaped(&note.place));
        text += &format!("[^{number}]: {path}, {place}: “{}”\n", escaped(&note.quote));
    }
    text
}

fn said(run: &Run) -> String {
    let mark = if run.unsupported { "? " } else { "" };
    format!("{mark}{}{}", escaped(&run.text), marks(run))
}

fn marks(run: &Run) -> String {
    run.notes
        .iter()
        .map(|number| format!("[^{number}]"))
        .collect()
}

/// Text that means itself: every character that could begin markup, a link, a formula or a
/// citation has a backslash.
fn escaped(text: &str) -> String {
    let text = harmless(text);
    let mut escaped = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        let rest = &text[at..];
        let opens_line = at == 0 && matches!(c, '-' | '+' | '=' | '%' | ':')
            || (c == '.' || c == ')') && text[..at].bytes().all(|b| b.is_ascii_digit());
        let links = rest.starts_with("://") || (c == '.' && ends_with_www(&text[..at]));
        let is_markup = matches!(
            c,
            '\\' | '`'
                | '*'
                | '_'
                | '['
                | ']'
                | '<'
                | '>'
                | '&'
                | '~'
                | '^'
                | '$'
                | '@'
                | '|'
                | '#'
                | '{'
                | '}'
        );
        if is_markup || links || (opens_line && !rest.is_empty()) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn ends_with_www(before: &str) -> bool {
    let tail = before.as_bytes();
    tail.len() >= 3 && tail[tail.len() - 3..].eq_ignore_ascii_case(b"www")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_open_a_list_or_a_heading_means_itself() {
        assert_eq!(escaped("1. Rent"), "1\\. Rent");
        assert_eq!(escaped("- Rent"), "\\- Rent");
        assert_eq!(escaped("# Rent"), "\\# Rent");
        assert_eq!(escaped("Rent - 4.2 m (net)"), "Rent - 4.2 m (net)");
        assert_eq!(escaped("a\n\n# b"), "a \\# b");
    }
}
