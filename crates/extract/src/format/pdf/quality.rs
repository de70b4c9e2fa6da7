//! How well a page was read, told from its text and what it shows.

use super::content::Surface;
use super::lines::Line;

/// What is to be done with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its text is what it shows.
    Good,
    /// Its text cannot be right; another engine may do better.
    Weak,
    /// It shows a picture and has no text.
    Picture,
}

/// Judges a page by its lines and by what else it shows.
pub(super) fn judge(surface: &Surface, lines: &[Line]) -> Verdict {
    let text = || {
        lines
            .iter()
            .filter(|line| !line.hidden)
            .map(|line| line.text.as_str())
    };
    if surface.unread > 0 || is_weak(text()) {
        return Verdict::Weak;
    }
    let letters = |line: &Line| line.text.chars().filter(|c| c.is_alphanumeric()).count();
    let seen = || lines.iter().filter(|line| !line.hidden);
    let total: usize = seen().map(letters).sum();
    let (width, height) = surface.size;
    let page = (width * height).max(1.0);
    let pictured = surface.pictures.iter().map(|picture| picture.area() / page);
    let pictured = pictured.sum::<f32>().min(1.0);
    /// A page with this many paths and no text has its letters as drawings.
    const DRAWN_LETTERS: usize = 300;
    if total == 0 {
        return match pictured > 0.01 || surface.paths > DRAWN_LETTERS {
            true => Verdict::Picture,
            false => Verdict::Good,
        };
    }
    // A stamp or a page number on a scan is not its text.
    let in_margin = |line: &Line| {
        let middle = line.bounds.center().1;
        middle < 0.1 * height || middle > 0.9 * height
    };
    match pictured > 0.6 && total < 100 && seen().all(in_margin) {
        true => Verdict::Picture,
        false => Verdict::Good,
    }
}

/// The number of letters and digits that can be read, those that cannot counted against it.
pub(super) fn letters(text: &str) -> usize {
    let good = text.chars().filter(|c| c.is_alphanumeric()).count();
    good.saturating_sub(2 * text.chars().filter(|c| is_unreadable(*c)).count())
}

/// Whether a text has characters, a tenth of them unreadable, or words that no language has.
pub(super) fn is_weak<'t>(text: impl Iterator<Item = &'t str> + Clone) -> bool {
    let (visible, bad) = count(text.clone());
    bad > 0 && bad * 10 > visible || is_nonsense(text)
}

/// Whether half of a text cannot be read, or its words cannot be words.
pub(super) fn is_rubbish<'t>(text: impl Iterator<Item = &'t str> + Clone) -> bool {
    let (visible, bad) = count(text.clone());
    bad * 2 > visible || is_nonsense(text)
}

fn count<'t>(text: impl Iterator<Item = &'t str>) -> (usize, usize) {
    text.flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .fold((0, 0), |(visible, bad), c| {
            (visible + 1, bad + usize::from(is_unreadable(c)))
        })
}

/// What a glyph becomes whose meaning the file does not give.
pub(super) fn is_unreadable(c: char) -> bool {
    c == '\u{fffd}'
        || ('\u{e000}'..='\u{f8ff}').contains(&c)
        || c.is_control() && !c.is_whitespace()
}

/// Whether most words of Latin letters have no vowel, or more symbols stand between letters
/// than any language has: the codes of a font that were taken for letters.
fn is_nonsense<'t>(text: impl Iterator<Item = &'t str>) -> bool {
    /// Too few to tell.
    const MIN_WORDS: usize = 30;
    let (mut words, mut voiceless) = (0, 0);
    for word in text.flat_map(|line| line.split(|c: char| !c.is_alphabetic())) {
        let latin = || word.chars().all(|c| c < '\u{250}');
        // Names of firms and units have no vowels; they are short or in capitals.
        if word.len() < 4 || !word.chars().any(char::is_lowercase) || !latin() {
            continue;
        }
        words += 1;
        voiceless += usize::from(!word.chars().any(is_vowel));
    }
    words >= MIN_WORDS && voiceless * 2 > words
}

fn is_vowel(c: char) -> bool {
    matches!(
        c.to_ascii_lowercase(),
        'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'w' | 'r' | 'l'
    ) || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weak(text: &str) -> bool {
        is_weak(text.lines())
    }

    #[test]
    fn weak_pages_are_known() {
        assert!(weak("ab\u{fffd}"));
        assert!(weak("\u{e001}\u{e002} a"));
        assert!(!weak(""));
        assert!(!weak("A page with one \u{fffd} among many letters."));
    }

    #[test]
    fn words_that_no_language_has_are_known() {
        let shifted = "Wkh ohdvh ri wkh ploo ehjlqv rq wkh iluvw ri Mxqh "
            .replace(['u', 'i', 'o', 'e', 'a', 'r', 'l'], "k");
        assert!(weak(&shifted.repeat(10)));
        assert!(!weak(
            &"The lease of the mill begins on the first of June. ".repeat(10)
        ));
        assert!(!weak(
            &"Strč prst skrz krk, vlk zmrzl, zhltl hrst zrn. ".repeat(10)
        ));
    }
}
