//! The words of texts and paths, and the forms in which they are compared.

use std::ops::Range;

use super::words;

/// A word of a text.
#[derive(Debug, Clone)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) span: Range<usize>,
    /// What stands between it and the word before.
    pub(super) gap: &'a str,
}

impl Word<'_> {
    pub(super) fn is_capitalised(&self) -> bool {
        self.text.starts_with(char::is_uppercase)
    }

    pub(super) fn is_initial(&self) -> bool {
        self.text.chars().count() == 1 && self.is_capitalised()
    }

    /// Whether it can be part of a name.
    pub(super) fn is_name(&self) -> bool {
        self.is_capitalised()
            && self.text.chars().count() > 1
            && !words::is_no_name(&cased(self.text))
    }

    /// Whether it follows the word before within a name: after a blank or the dot of an initial.
    pub(super) fn follows(&self) -> bool {
        matches!(self.gap, " " | ". " | "." | "\u{a0}" | ".\u{a0}")
    }

    pub(super) fn begins_line(&self) -> bool {
        self.gap.is_empty() || self.gap.contains('\n')
    }
}

/// `SMITH` as `Smith`; other words as they are.
pub(super) fn cased(word: &str) -> String {
    if !is_shouted(word) {
        return word.to_owned();
    }
    let mut chars = word.chars();
    let first: String = chars.next().into_iter().collect();
    first + &chars.as_str().to_lowercase()
}

/// Whether a word of more than two letters has capitals only.
pub(super) fn is_shouted(word: &str) -> bool {
    word.chars().count() > 2 && !word.chars().any(char::is_lowercase)
}

/// A name in the form in which names are compared: small, without accents or umlauts.
pub(super) fn folded(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'ä' => folded.push_str("ae"),
            'ö' => folded.push_str("oe"),
            'ü' => folded.push_str("ue"),
            'ß' => folded.push_str("ss"),
            'à' | 'á' | 'â' | 'ã' | 'å' => folded.push('a'),
            'è' | 'é' | 'ê' | 'ë' => folded.push('e'),
            'ì' | 'í' | 'î' | 'ï' => folded.push('i'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ø' => folded.push('o'),
            'ù' | 'ú' | 'û' => folded.push('u'),
            'ç' => folded.push('c'),
            'ñ' => folded.push('n'),
            c => folded.push(c),
        }
    }
    folded
}

/// The words of a text: letters, with apostrophes and hyphens inside.
pub(super) fn split(text: &str) -> Vec<Word<'_>> {
    let mut found: Vec<Word<'_>> = Vec::new();
    let mut start = None;
    let mut end = 0;
    let inner = |at: usize, c: char| {
        let next = text[at + c.len_utf8()..].chars().next();
        matches!(c, '-' | '\'' | '’') && next.is_some_and(char::is_alphabetic)
    };
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let inside = at < text.len() && (c.is_alphabetic() || (start.is_some() && inner(at, c)));
        match (inside, start) {
            (true, None) => start = Some(at),
            (false, Some(begin)) => {
                let word = possessed(&text[begin..at]);
                found.push(Word {
                    text: word,
                    span: begin..begin + word.len(),
                    gap: &text[end..begin],
                });
                end = begin + word.len();
                start = None;
            }
            _ => {}
        }
    }
    found
}

/// Whether a word is part of an address of mail or of a page.
pub(super) fn is_in_address(text: &str, span: &Range<usize>) -> bool {
    let mut after = text[span.end..].chars();
    let ends_so = match after.next() {
        Some('@' | '_') => true,
        Some('.') => after.next().is_some_and(char::is_alphanumeric),
        _ => false,
    };
    ends_so || text[..span.start].ends_with(['@', '.', '_', '/'])
}

/// `Smith's` as `Smith`.
pub(super) fn possessed(word: &str) -> &str {
    let ends = ["'s", "’s", "'S", "’S"];
    let owner = ends.iter().find_map(|end| word.strip_suffix(end));
    owner.filter(|owner| !owner.is_empty()).unwrap_or(word)
}

/// The words of a path.
pub(super) fn path_words(path: &str) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    for part in path.split_inclusive(|c: char| !c.is_alphabetic()) {
        let word = part.trim_end_matches(|c: char| !c.is_alphabetic());
        if !word.is_empty() {
            found.push(Word {
                text: word,
                span: start..start + word.len(),
                gap: "",
            });
        }
        start += part.len();
    }
    found
}

/// `anna` as `Anna`.
pub(super) fn capital(word: &str) -> String {
    let mut chars = word.chars();
    let first: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    first + &chars.as_str().to_lowercase()
}
