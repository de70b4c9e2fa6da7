//! Text of documents made safe for a terminal: what a file says never moves the cursor,
//! changes colours or turns the direction of writing.

use std::borrow::Cow;

/// The text with every control character but line feed and tab replaced by `�`, and without
/// the characters that change the direction of writing.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let kept = text.replace("\r\n", "\n");
    Cow::Owned(
        kept.chars()
            .filter(|&c| !turns_direction(c))
            .map(|c| if is_unsafe(c) { '\u{fffd}' } else { c })
            .collect(),
    )
}

/// [`printable`] on one line: every run of white space is one blank.
pub(crate) fn printable_line(text: &str) -> String {
    docent_core::answer::one_line(&printable(text))
}

fn is_unsafe(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t') || turns_direction(c)
}

/// Bidirectional embeddings, overrides and isolates.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_power() {
        assert_eq!(printable("a\u{1b}[2Jb\u{9b}1m"), "a\u{fffd}[2Jb\u{fffd}1m");
    }

    #[test]
    fn lines_and_tabs_stay() {
        assert_eq!(printable("a\tb\r\nc\n"), "a\tb\nc\n");
    }

    #[test]
    fn writing_keeps_its_direction() {
        assert_eq!(printable("invoice\u{202e}fdp.exe"), "invoicefdp.exe");
    }

    #[test]
    fn harmless_text_is_not_copied() {
        assert!(matches!(printable("Größe – 漢字 👩‍⚕️"), Cow::Borrowed(_)));
    }
}
