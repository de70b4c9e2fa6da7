//! Finds words and runs of unspaced script in a text, as byte spans.

use std::ops::Range;

/// A compound of more parts than this is taken apart at its connectors only: what has dozens of
/// changes between letters and digits is a hash or a key, not a name.
const MAX_PARTS: usize = 8;

/// The next stretch of a text that carries words.
pub(crate) enum Piece<'s> {
    /// A word or a compound of words.
    Word(&'s Compound),
    /// Characters of a script without spaces, each as a span.
    Unspaced(&'s [Range<usize>]),
}

/// A word, or words that are written together.
#[derive(Default)]
pub(crate) struct Compound {
    /// The words; at least one.
    pub(crate) parts: Vec<Range<usize>>,
    /// Where the compound ends, signs included.
    pub(crate) end: usize,
    /// Whether it is worth a token of its own.
    pub(crate) has_whole: bool,
    /// Whether its dots belong to it (`3.14`), or only mark an abbreviation (`U.S.`).
    pub(crate) keep_dots: bool,
}

/// What a character is to the scanner.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Lower,
    Upper,
    Digit,
    Other,
}

/// Walks over a text, piece by piece.
pub(crate) struct Scanner<'a> {
    pub(crate) text: &'a str,
    at: usize,
    compound: Compound,
    characters: Vec<Range<usize>>,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Scanner<'a> {
        Scanner {
            text,
            at: 0,
            compound: Compound::default(),
            characters: Vec::new(),
        }
    }

    /// The next piece; `None` at the end.
    pub(crate) fn advance(&mut self) -> Option<Piece<'_>> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if byte.is_ascii_alphanumeric() {
                self.scan_compound();
                return Some(Piece::Word(&self.compound));
            }
            if byte.is_ascii() {
                self.at += 1;
                continue;
            }
            let c = self.char_at(self.at)?;
            if is_unspaced(c) {
                self.scan_unspaced();
                if !self.characters.is_empty() {
                    return Some(Piece::Unspaced(&self.characters));
                }
            } else if c.is_alphanumeric() {
                self.scan_compound();
                return Some(Piece::Word(&self.compound));
            } else {
                self.at += c.len_utf8();
            }
        }
        None
    }

    fn char_at(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next()
    }

    /// The class of the character at `at` and its length; marks and soft hyphens go with what
    /// stands before them and count as lower case.
    fn class_at(&self, at: usize) -> (Class, usize) {
        let Some(&byte) = self.text.as_bytes().get(at) else {
            return (Class::Other, 0);
        };
        if byte.is_ascii() {
            let class = match byte {
                b'a'..=b'z' => Class::Lower,
                b'A'..=b'Z' => Class::Upper,
                b'0'..=b'9' => Class::Digit,
                _ => Class::Other,
            };
            return (class, 1);
        }
        let Some(c) = self.char_at(at) else {
            return (Class::Other, 0);
        };
        let class = if is_unspaced(c) {
            Class::Other
        } else if c.is_uppercase() {
            Class::Upper
        } else if c.is_numeric() {
            Class::Digit
        } else if c.is_alphabetic() || is_mark(c) {
            Class::Lower
        } else {
            Class::Other
        };
        (class, c.len_utf8())
    }

    /// Reads a compound that begins here.
    fn scan_compound(&mut self) {
        let start = self.at;
        self.compound.parts.clear();
        let mut is_dotted = false;
        loop {
            self.scan_run();
            match self.connector() {
                Some(length) => {
                    is_dotted |= self.text.as_bytes()[self.at] == b'.';
                    self.at += length;
                }
                None => break,
            }
        }
        let is_split = self.compound.parts.len() > MAX_PARTS;
        if is_split {
            self.split_at_connectors(start, self.at);
        }
        let parts = &self.compound.parts;
        // A date or a range is its numbers; only dots and commas make one of several.
        let is_one = |c: char| c.is_alphabetic() || matches!(c, '.' | ',');
        self.compound.has_whole =
            parts.len() > 1 && !is_split && self.text[start..self.at].chars().any(is_one);
        self.compound.keep_dots = is_dotted && parts.iter().any(|part| part.len() > 1);
        self.compound.end = self.at;
        self.scan_sign();
        self.skip_possessive();
    }

    /// Reads letters and digits, a part at a change of case or between letters and digits.
    fn scan_run(&mut self) {
        let mut part = self.at;
        let (mut last, mut length) = self.class_at(self.at);
        let mut last_at = self.at;
        let mut at = self.at + length;
        loop {
            let (class, next_length) = self.class_at(at);
            if class == Class::Other {
                break;
            }
            match (last, class) {
                (Class::Lower, Class::Upper)
                | (Class::Digit, Class::Lower | Class::Upper)
                | (Class::Lower | Class::Upper, Class::Digit) => {
                    self.compound.parts.push(part..at);
                    part = at;
                }
                // The last capital of several begins the next word: HTTPServer.
                (Class::Upper, Class::Lower) if last_at > part => {
                    self.compound.parts.push(part..last_at);
                    part = last_at;
                }
                _ => {}
            }
            last = class;
            last_at = at;
            length = next_length;
            at += length;
        }
        self.compound.parts.push(part..at);
        self.at = at;
    }

    /// The length of a connector here that is followed by another part.
    fn connector(&self) -> Option<usize> {
        let bytes = &self.text.as_bytes()[self.at..];
        let length = match bytes.first()? {
            b'_' => bytes.iter().take_while(|byte| **byte == b'_').count(),
            b'.' => 1,
            b'-' => match bytes.get(1) {
                Some(b'\n') => 2 + bytes[2..].iter().take_while(|byte| **byte == b' ').count(),
                _ => 1,
            },
            b',' => {
                let digits = bytes[1..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
                let after_digit = self.text.as_bytes()[self.at - 1].is_ascii_digit();
                return (digits == 3 && after_digit).then_some(1);
            }
            _ => return None,
        };
        let (class, _) = self.class_at(self.at + length);
        let broken_line = length > 1 && bytes[0] == b'-';
        match class {
            Class::Other => None,
            Class::Lower => Some(length),
            // A hyphen before a new line's capital or number parts two words.
            Class::Upper | Class::Digit => (!broken_line).then_some(length),
        }
    }

    /// Replaces the parts by the runs between connectors.
    fn split_at_connectors(&mut self, start: usize, end: usize) {
        self.compound.parts.clear();
        let mut part = start;
        for (at, byte) in self.text.as_bytes()[start..end].iter().enumerate() {
            if byte.is_ascii() && !byte.is_ascii_alphanumeric() {
                if start + at > part {
                    self.compound.parts.push(part..start + at);
                }
                part = start + at + 1;
            }
        }
        if end > part {
            self.compound.parts.push(part..end);
        }
    }

    /// Takes the signs of a name of one letter: `c++`, `f#`.
    fn scan_sign(&mut self) {
        let [part] = self.compound.parts.as_slice() else {
            return;
        };
        let rest = &self.text.as_bytes()[self.at..];
        let signs = match rest {
            [b'+', b'+', ..] => 2,
            [b'#', ..] => 1,
            _ => return,
        };
        let (after, _) = self.class_at(self.at + signs);
        if part.len() == 1 && after == Class::Other {
            self.at += signs;
            self.compound.end = self.at;
            self.compound.has_whole = true;
        }
    }

    /// Steps over an English possessive.
    fn skip_possessive(&mut self) {
        let rest = &self.text[self.at..];
        let Some(tail) = rest.strip_prefix('\'').or_else(|| rest.strip_prefix('’')) else {
            return;
        };
        if tail.starts_with(['s', 'S']) {
            let after = self.text.len() - tail.len() + 1;
            if self.class_at(after).0 == Class::Other {
                self.at = after;
            }
        }
    }

    /// Reads a run of unspaced script.
    fn scan_unspaced(&mut self) {
        self.characters.clear();
        while let Some(c) = self.char_at(self.at).filter(|c| is_unspaced(*c)) {
            let end = self.at + c.len_utf8();
            if c.is_alphanumeric() {
                self.characters.push(self.at..end);
            } else if !is_tone(c) {
                // Punctuation ends the run, and is stepped over where it stands at its beginning.
                if self.characters.is_empty() {
                    self.at = end;
                }
                break;
            }
            self.at = end;
        }
    }
}

/// Marks that belong to the letter before them, and the soft hyphen, which is to be ignored.
pub(crate) fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200c}' | '\u{200d}'
        | '\u{591}'..='\u{5bd}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{93c}' | '\u{94d}' | '\u{bcd}')
}

/// Tone marks and the like of South-East Asian scripts, which are left out.
fn is_tone(c: char) -> bool {
    matches!(c, '\u{e47}'..='\u{e4e}' | '\u{ec8}'..='\u{ecd}' | '\u{1036}'..='\u{103e}' | '\u{17b4}'..='\u{17d3}')
}

/// Whether words of the character's script are not parted by spaces, or are but take endings
/// that a stemmer would be needed for (Korean).
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
        || is_composed_unspaced(c)
        || matches!(c, '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}')
}

/// Unspaced characters that are in their normal form as they stand.
pub(crate) fn is_composed_unspaced(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{323af}')
}
