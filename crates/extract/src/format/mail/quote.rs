//! What a letter quotes of the letters before it.

use std::ops::Range;

/// A paragraph of a body of plain text.
#[derive(Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) span: Range<usize>,
    pub(super) quoted: bool,
}

/// Beginnings and ends of the line above a quotation, in the languages of the common programs;
/// lower case.
const ATTRIBUTIONS: &[(&str, &str)] = &[
    ("on ", "wrote:"),
    ("am ", "schrieb:"),
    ("le ", "écrit :"),
    ("le ", "écrit\u{a0}:"),
    ("el ", "escribió:"),
    ("il ", "scritto:"),
    ("em ", "escreveu:"),
    ("op ", "schreef:"),
    ("den ", "skrev:"),
    ("w dniu ", "napisał(a):"),
];

/// Words in the rule above an older letter that is attached whole; lower case.
const RULES: &[&str] = &[
    "original message",
    "forwarded message",
    "ursprüngliche nachricht",
    "weitergeleitete nachricht",
    "message d'origine",
    "message transféré",
    "mensaje original",
    "messaggio originale",
    "mensagem original",
    "oorspronkelijk bericht",
];

/// The first lines of a header that is set as text, and the lines that may come next; lower case.
const HEADERS: &[(&str, &[&str])] = &[
    ("from:", &["sent:", "date:", "to:", "subject:"]),
    ("von:", &["gesendet:", "datum:", "an:", "betreff:"]),
    ("de :", &["envoyé :", "date :", "à :", "objet :"]),
    (
        "de:",
        &["enviado", "envoyé", "data:", "fecha:", "para:", "à:"],
    ),
    ("da:", &["inviato:", "data:", "a:"]),
    ("van:", &["verzonden:", "datum:", "aan:"]),
];

/// Cuts a body into paragraphs and tells which of them are quoted: lines that begin with `>`
/// and the line that says whose they are, and everything behind a rule or a header that
/// introduces an older letter.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let lines = lines(text);
    let mut marks: Vec<bool> = lines
        .iter()
        .map(|span| text[span.clone()].trim_start().starts_with('>'))
        .collect();
    mark_attributions(text, &lines, &mut marks);
    let older = (0..lines.len()).find(|&at| introduces_letter(text, &lines[at..]));
    let mut pieces: Vec<Piece> = Vec::new();
    let mut open = false;
    for (at, span) in lines.into_iter().enumerate() {
        if text[span.clone()].trim().is_empty() {
            open = false;
            continue;
        }
        let quoted = marks[at] || older.is_some_and(|older| at >= older);
        match pieces.last_mut() {
            Some(piece) if open && piece.quoted == quoted => piece.span.end = span.end,
            _ => pieces.push(Piece { span, quoted }),
        }
        open = true;
    }
    pieces
}

/// Whether a paragraph is the line above a quotation that goes on to the end, as it is in the
/// HTML of the common programs.
pub(super) fn begins_quotation(paragraph: &str) -> bool {
    let lines = lines(paragraph);
    is_attribution(paragraph) || introduces_letter(paragraph, &lines)
}

fn lines(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    let line = |line: &str| {
        let start = at;
        at += line.len();
        start..at
    };
    text.split_inclusive('\n').map(line).collect()
}

/// Marks the one or two lines that stand above a quotation and say whose it is.
fn mark_attributions(text: &str, lines: &[Range<usize>], marks: &mut [bool]) {
    for at in 0..lines.len() {
        if !marks[at] || (at > 0 && marks[at - 1]) {
            continue;
        }
        let inked = |&above: &usize| !text[lines[above].clone()].trim().is_empty();
        let Some(last) = (0..at).rev().take(2).find(inked) else {
            continue;
        };
        let stretch = |first: usize| &text[lines[first].start..lines[last].end];
        let above = last.saturating_sub(1);
        if is_attribution(stretch(above)) {
            marks[above..at].fill(true);
        } else if ends_in_verb(stretch(last)) {
            marks[last..at].fill(true);
        }
    }
}

/// Whether a line says that someone wrote what stands below it.
fn ends_in_verb(line: &str) -> bool {
    let lower = line.trim().to_lowercase();
    ATTRIBUTIONS.iter().any(|(_, end)| lower.ends_with(end)) || is_attribution(line)
}

fn is_attribution(stretch: &str) -> bool {
    /// An attribution is a line or two; a paragraph that is longer is none.
    const MAX_BYTES: usize = 300;
    let stretch = stretch.trim();
    if stretch.len() > MAX_BYTES || !stretch.ends_with(':') {
        return false;
    }
    let lower = stretch.to_lowercase();
    // `Am 1. Juni schrieb Ada Byron <ada@example.org>:` has its verb in the middle.
    let german = lower.starts_with("am ") && lower.contains(" schrieb ");
    let known = |(begin, end): &(&str, &str)| lower.starts_with(begin) && lower.ends_with(end);
    german || ATTRIBUTIONS.iter().any(known)
}

/// Whether these lines begin with the rule or the header of an older letter.
fn introduces_letter(text: &str, lines: &[Range<usize>]) -> bool {
    let mut lower = lines
        .iter()
        .map(|span| text[span.clone()].trim().to_lowercase());
    let Some(first) = lower.next() else {
        return false;
    };
    let first = first.trim_matches('*');
    if first.starts_with("--") && RULES.iter().any(|rule| first.contains(rule)) {
        return true;
    }
    let Some((_, next)) = HEADERS.iter().find(|(begin, _)| first.starts_with(begin)) else {
        return false;
    };
    let second = lower.next().unwrap_or_default();
    let second = second.trim_matches('*');
    next.iter().any(|begin| second.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(text: &str) -> Vec<(&str, bool)> {
        pieces(text)
            .into_iter()
            .map(|piece| (text[piece.span].trim_end(), piece.quoted))
            .collect()
    }

    #[test]
    fn marked_lines_and_their_attribution_are_quoted() {
        let text = "Yes.\n\nOn Mon, 1 Jun 2026, Ada\n<ada@example.org> wrote:\n> Will you come?\n>\n\
                    > Ada\nI will.\n";
        assert_eq!(
            told(text),
            [
                ("Yes.", false),
                (
                    "On Mon, 1 Jun 2026, Ada\n<ada@example.org> wrote:\n> Will you come?\n>\n> Ada",
                    true
                ),
                ("I will.", false),
            ]
        );
        assert!(told("Am 1.6.2026 schrieb Ada <a@b>:\n> Kommst du?\n")[0].1);
    }

    #[test]
    fn an_older_letter_is_quoted_to_its_end() {
        for rule in [
            "-----Original Message-----",
            "Von: Ada\nGesendet: Montag",
            "*From:* Ada\n*Sent:* Monday",
        ] {
            let text = format!("Fine.\n\n{rule}\n\nWill you come?\n");
            let told = told(&text);
            assert_eq!(told[0], ("Fine.", false), "{rule}");
            assert!(told[1..].iter().all(|(_, quoted)| *quoted), "{rule}");
        }
    }

    #[test]
    fn ordinary_lines_are_not_quoted() {
        let text = "On Monday we meet.\nFrom: here it is a mile.\n\n-- \nAda\n";
        assert!(told(text).iter().all(|(_, quoted)| !quoted));
    }

    proptest! {
        #[test]
        fn all_ink_is_in_some_piece(text in "([>a:\\-Onwrte é]|\n){0,60}") {
            let kept: String = told(&text).into_iter().map(|(piece, _)| piece).collect();
            let ink = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
            prop_assert_eq!(ink(&kept), ink(&text));
        }
    }
}
