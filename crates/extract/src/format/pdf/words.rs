//! From glyphs, in the order in which a page paints them, to words.

use super::geometry::{Bounds, turn};

/// A gap this wide, in font sizes, parts two words.
pub(super) const WORD_GAP: f32 = 0.1;

/// The same between characters of scripts that set no spaces.
const WIDE_GAP: f32 = 0.4;

/// How a stretch is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Style {
    pub(super) bold: bool,
    /// Not to be seen: white on white, without size, outside the page.
    pub(super) hidden: bool,
    /// Painted in the mode that leaves no mark, as the text of a scan is.
    pub(super) invisible: bool,
    /// Marked by the file as belonging to the page and not to the text.
    pub(super) artifact: bool,
}

/// A glyph as it is painted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glyph<'t> {
    pub(super) text: &'t str,
    /// Where its baseline begins and ends on the page, in points.
    pub(super) from: (f64, f64),
    pub(super) to: (f64, f64),
    /// Font size in points.
    pub(super) size: f32,
    /// The direction of the baseline, clockwise.
    pub(super) degrees: i16,
    pub(super) style: Style,
}

/// A word: glyphs that follow each other on one baseline without a gap.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) text: String,
    /// Its box in the frame in which its baseline runs to the right.
    pub(super) bounds: Bounds,
    /// The height of its baseline in that frame.
    pub(super) baseline: f32,
    pub(super) size: f32,
    pub(super) degrees: i16,
    pub(super) style: Style,
    /// Whether a blank was painted before it.
    pub(super) spaced: bool,
}

/// Makes words of glyphs.
#[derive(Default)]
pub(super) struct Words {
    words: Vec<Word>,
    open: Option<Word>,
    /// The text and the beginning of the last glyph.
    last: Option<(String, f32)>,
    spaced: bool,
}

impl Words {
    pub(super) fn push(&mut self, glyph: Glyph<'_>) {
        if glyph.text.trim().is_empty() {
            self.close();
            self.spaced = true;
            return;
        }
        let (from, baseline) = turn(glyph.from.0, glyph.from.1, glyph.degrees);
        let (to, _) = turn(glyph.to.0, glyph.to.1, glyph.degrees);
        let (left, right, baseline) = (from.min(to) as f32, from.max(to) as f32, baseline as f32);
        let bounds = Bounds {
            left,
            right,
            top: baseline - 0.8 * glyph.size,
            bottom: baseline + 0.2 * glyph.size,
        };
        match self
            .open
            .as_mut()
            .and_then(|word| word.joint(&glyph, bounds, baseline))
        {
            Some(joint) => self.extend(joint, &glyph, bounds),
            None => {
                self.close();
                self.open = Some(Word {
                    text: glyph.text.to_owned(),
                    bounds,
                    baseline,
                    size: glyph.size,
                    degrees: glyph.degrees,
                    style: glyph.style,
                    spaced: std::mem::take(&mut self.spaced),
                });
                self.last = Some((glyph.text.to_owned(), left));
            }
        }
    }

    fn extend(&mut self, joint: Joint, glyph: &Glyph<'_>, bounds: Bounds) {
        let Some(word) = self.open.as_mut() else {
            return;
        };
        // Bold is sometimes made by painting every glyph twice.
        let doubled = matches!(&self.last, Some((text, left))
            if text == glyph.text && (bounds.left - left).abs() < 0.1 * glyph.size);
        if doubled {
            return;
        }
        match joint {
            Joint::Right => word.text.push_str(glyph.text),
            Joint::Left => word.text.insert_str(0, glyph.text),
        }
        word.bounds = word.bounds.union(bounds);
        word.size = word.size.max(glyph.size);
        match &mut self.last {
            Some((text, left)) => {
                text.clear();
                text.push_str(glyph.text);
                *left = bounds.left;
            }
            None => self.last = Some((glyph.text.to_owned(), bounds.left)),
        }
    }

    /// Makes the word under construction longer by a glyph that has no text of its own.
    pub(super) fn stretch(&mut self, glyph: &Glyph<'_>) {
        if let Some(word) = self
            .open
            .as_mut()
            .filter(|word| word.degrees == glyph.degrees)
        {
            let (to, _) = turn(glyph.to.0, glyph.to.1, glyph.degrees);
            word.bounds.right = word.bounds.right.max(to as f32);
        }
    }

    /// Text that the next glyphs do not go on with.
    pub(super) fn close(&mut self) {
        self.words.extend(self.open.take());
    }

    pub(super) fn finish(mut self) -> Vec<Word> {
        self.close();
        self.words
    }
}

/// On which side of a word a glyph goes on with it.
enum Joint {
    Right,
    /// Right-to-left text that is painted in the order in which it is read; the word is kept
    /// in the order in which it is seen, like all others.
    Left,
}

impl Word {
    fn joint(&self, glyph: &Glyph<'_>, bounds: Bounds, baseline: f32) -> Option<Joint> {
        let size = self.size.max(glyph.size);
        let same_line = self.degrees == glyph.degrees
            && self.style == glyph.style
            && (baseline - self.baseline).abs() < 0.15 * size
            && self.size.min(glyph.size) > 0.6 * size;
        if !same_line {
            return None;
        }
        let wide = self.text.chars().next_back().is_some_and(sets_no_spaces)
            && glyph.text.starts_with(sets_no_spaces);
        let bound = size * if wide { WIDE_GAP } else { WORD_GAP };
        let after = bounds.left - self.bounds.right;
        if (-0.5 * size..bound).contains(&after) {
            return Some(Joint::Right);
        }
        let before = self.bounds.left - bounds.right;
        let right_to_left = glyph.text.chars().any(is_right_to_left);
        (right_to_left && (-0.5 * size..bound).contains(&before)).then_some(Joint::Left)
    }
}

/// Whether a character is of a script that parts no words: Han, kana, Thai and their kin.
pub(super) fn sets_no_spaces(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{31ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}' | '\u{e00}'..='\u{eff}')
}

/// Whether a character is of a script that runs from right to left: Hebrew, Arabic and kin.
pub(super) fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(glyphs: &[(&str, f64, f64)]) -> Vec<String> {
        let mut words = Words::default();
        for &(text, from, to) in glyphs {
            words.push(Glyph {
                text,
                from: (from, 100.0),
                to: (to, 100.0),
                size: 10.0,
                degrees: 0,
                style: Style::default(),
            });
        }
        words.finish().into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn gaps_and_blanks_part_words() {
        let glyphs = [
            ("a", 0.0, 5.0),
            ("b", 5.5, 10.0),
            ("c", 12.0, 17.0),
            (" ", 17.0, 17.5),
        ];
        assert_eq!(words(&glyphs), ["ab", "c"]);
        assert_eq!(
            words(&[("a", 0.0, 5.0), (" ", 5.0, 5.1), ("b", 5.1, 9.0)]),
            ["a", "b"]
        );
    }

    #[test]
    fn bold_by_painting_twice_is_read_once() {
        assert_eq!(
            words(&[("a", 0.0, 5.0), ("a", 0.3, 5.3), ("b", 5.0, 9.0)]),
            ["ab"]
        );
    }

    #[test]
    fn right_to_left_words_are_kept_as_they_are_seen() {
        assert_eq!(words(&[("ש", 20.0, 25.0), ("ל", 15.0, 20.0)]), ["לש"]);
    }
}
