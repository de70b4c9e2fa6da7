//! How text becomes words of the full-text index, and a query's words the same way.
//!
//! One scanner serves every field:
//! - A word is a run of letters and digits. Words are lower-cased, compatibility forms (ligatures,
//!   full-width letters) are resolved and accents dropped, so that `Café`, `cafe` and `ＣＡＦÉ` meet.
//! - A compound (`getUserName`, `get_user_name`, `follow-up`, `10mg`, `3.14`, `example.com`) yields
//!   its parts at consecutive positions, and on the first part's position the whole, written
//!   together: `getusername`, `followup`, `10mg`; only dots between longer parts are kept (`3.14`
//!   is not `314`), and commas between thousands go. Phrases run over the parts alone, so that
//!   "user name" finds `userName` and `12(b)` is the phrase 12, b.
//! - Scripts without spaces between words (Chinese, Japanese, Thai…) and Korean, whose endings
//!   stick to the words, yield overlapping pairs of characters; a character that stands alone
//!   yields itself.
//! - An English possessive `'s` is dropped; other apostrophes part words (`l'avion`: l, avion).
//! - A word broken by a hyphen at a line's end is a compound like any other.
//!
//! A whole has `position_length` greater than 1; that is how a query tells it from the parts.
//!
//! The index gets two more kinds of token, on the position of the word that they belong to: a word
//! with accents as it is written, so that `résumé` finds `résumé` before `resume`, and the
//! readings of numbers (see [`readings`]). A query asks for them by themselves.

use std::collections::HashMap;

use tantivy::tokenizer::{
    Language as StemmerLanguage, RawTokenizer, Stemmer, TextAnalyzer, Token, TokenStream, Tokenizer,
};
use unicode_normalization::UnicodeNormalization;

use super::readings;
use super::scan::{Piece, Scanner};

/// Words longer than this are no words: encoded data, mostly. They take a position, and are not
/// indexed.
const MAX_WORD_BYTES: usize = 120;

/// Stems kept for words that come again; natural text repeats itself so much that this saves
/// nine calls in ten.
const MAX_CACHED_STEMS: usize = 50_000;

/// Splits text into unstemmed words and compounds.
#[derive(Clone, Default)]
pub(crate) struct WordTokenizer {
    buffer: TokenBuffer,
    /// Whether words as they are written and readings of numbers are wanted too.
    for_index: bool,
    readings: Vec<String>,
}

impl WordTokenizer {
    /// One for texts that are indexed.
    pub(crate) fn for_index() -> WordTokenizer {
        WordTokenizer {
            for_index: true,
            ..WordTokenizer::default()
        }
    }
}

impl Tokenizer for WordTokenizer {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.buffer.clear();
        WordStream {
            scanner: Scanner::new(text),
            buffer: &mut self.buffer,
            readings: self.for_index.then_some(&mut self.readings),
            position: 0,
        }
    }
}

/// Tokens made ahead, their strings used again and again.
#[derive(Clone, Default)]
struct TokenBuffer {
    tokens: Vec<Token>,
    filled: usize,
    /// How many have been handed out; the current one is the last of them.
    taken: usize,
}

impl TokenBuffer {
    fn clear(&mut self) {
        self.filled = 0;
        self.taken = 0;
    }

    /// A token to fill, its text empty.
    fn push(&mut self, from: usize, to: usize, position: usize, length: usize) -> &mut String {
        if self.filled == self.tokens.len() {
            self.tokens.push(Token::default());
        }
        let token = &mut self.tokens[self.filled];
        self.filled += 1;
        token.offset_from = from;
        token.offset_to = to;
        token.position = position;
        token.position_length = length;
        token.text.clear();
        &mut token.text
    }

    fn drop_last(&mut self) {
        self.filled -= 1;
    }
}

/// The words of one text.
pub(crate) struct WordStream<'a> {
    scanner: Scanner<'a>,
    buffer: &'a mut TokenBuffer,
    /// Room for the readings of a number, where they are wanted, and words as they are written.
    readings: Option<&'a mut Vec<String>>,
    position: usize,
}

impl WordStream<'_> {
    /// Makes the tokens of the next piece of text; `false` at the end.
    fn fill(&mut self) -> bool {
        self.buffer.clear();
        while self.buffer.filled == 0 {
            let text = self.scanner.text;
            match self.scanner.advance() {
                None => return false,
                Some(Piece::Word(compound)) => {
                    let parts = &compound.parts;
                    if compound.has_whole {
                        let (from, to) = (parts[0].start, compound.end);
                        let length = parts.len().max(2);
                        let whole = self.buffer.push(from, to, self.position, length);
                        write_whole(&text[from..to], compound.keep_dots, whole);
                        if whole.len() > MAX_WORD_BYTES {
                            self.buffer.drop_last();
                        }
                    }
                    if let Some(readings) = self.readings.as_deref_mut()
                        && text.as_bytes()[parts[0].start].is_ascii_digit()
                    {
                        let (from, to) = (parts[0].start, compound.end);
                        readings::of_number(text, from, readings);
                        for reading in readings.drain(..) {
                            let token = self.buffer.push(from, to, self.position, 2);
                            token.push_str(&reading);
                        }
                    }
                    for part in parts.iter() {
                        let word = self.buffer.push(part.start, part.end, self.position, 1);
                        fold(&text[part.clone()], word);
                        if word.is_empty() || word.len() > MAX_WORD_BYTES {
                            self.buffer.drop_last();
                        } else if self.readings.is_some()
                            && let Some(accented) = accented(&text[part.clone()], word)
                        {
                            let token = self.buffer.push(part.start, part.end, self.position, 2);
                            token.push_str(&accented);
                        }
                        self.position += 1;
                    }
                }
                Some(Piece::Unspaced(characters)) => {
                    let pairs = characters.len().saturating_sub(1).max(1);
                    for pair in 0..pairs {
                        let first = &characters[pair];
                        let last = characters.get(pair + 1).unwrap_or(first);
                        let token = self.buffer.push(first.start, last.end, self.position, 1);
                        self.position += 1;
                        fold(&text[first.clone()], token);
                        if last != first {
                            fold(&text[last.clone()], token);
                        }
                    }
                }
            }
        }
        true
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        if self.buffer.taken == self.buffer.filled && !self.fill() {
            return false;
        }
        self.buffer.taken += 1;
        true
    }

    fn token(&self) -> &Token {
        &self.buffer.tokens[self.buffer.taken - 1]
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.buffer.tokens[self.buffer.taken - 1]
    }
}

/// Writes a compound together: connectors dropped, dots kept only where they carry meaning.
fn write_whole(compound: &str, keep_dots: bool, out: &mut String) {
    if compound.is_ascii() {
        let kept = compound
            .bytes()
            .filter(|byte| {
                byte.is_ascii_alphanumeric() || (*byte == b'.' && keep_dots) || is_sign(*byte)
            })
            .map(|byte| char::from(byte.to_ascii_lowercase()));
        out.extend(kept);
        return;
    }
    let mut piece = String::with_capacity(compound.len());
    piece.extend(
        compound
            .chars()
            .filter(|&c| c.is_alphanumeric() || super::scan::is_mark(c) || (c == '.' && keep_dots)),
    );
    fold(&piece, out);
}

/// The signs that belong to a name like `c++` or `c#`.
fn is_sign(byte: u8) -> bool {
    matches!(byte, b'+' | b'#')
}

/// Appends a word in the form that is indexed: lower case, compatibility forms resolved, accents
/// dropped.
pub(crate) fn fold(word: &str, out: &mut String) {
    if word.is_ascii() {
        out.extend(
            word.bytes()
                .map(|byte| char::from(byte.to_ascii_lowercase())),
        );
        return;
    }
    if word.chars().all(super::scan::is_composed_unspaced) {
        // Decomposing would take Korean syllables and voiced kana apart.
        out.push_str(word);
        return;
    }
    for c in word.chars().flat_map(char::to_lowercase).nfkd() {
        match c {
            '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200c}' | '\u{200d}' => {}
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'þ' => out.push_str("th"),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' | 'ð' => out.push('d'),
            'ħ' => out.push('h'),
            'ı' => out.push('i'),
            'ς' => out.push('σ'),
            c => out.extend(c.to_lowercase()),
        }
    }
}

/// The word in lower case with its accents; `None` if it is the same without.
fn accented(word: &str, folded: &str) -> Option<String> {
    if word.is_ascii() {
        return None;
    }
    let lower: String = word
        .to_lowercase()
        .nfkc()
        .filter(|c| *c != '\u{ad}')
        .collect();
    (lower != folded && lower.len() <= MAX_WORD_BYTES).then_some(lower)
}

/// Splits text into the stems of one language's words. Numbers, wholes of compounds and scripts
/// without spaces are left to the unstemmed field.
#[derive(Clone)]
pub(crate) struct StemTokenizer {
    scanner_parts: Vec<std::ops::Range<usize>>,
    stemmer: TextAnalyzer,
    stems: HashMap<String, String>,
    lowered: String,
    token: Token,
}

impl StemTokenizer {
    pub(crate) fn new(language: StemmerLanguage) -> StemTokenizer {
        StemTokenizer {
            scanner_parts: Vec::new(),
            stemmer: TextAnalyzer::builder(RawTokenizer::default())
                .filter(Stemmer::new(language))
                .build(),
            stems: HashMap::new(),
            lowered: String::new(),
            token: Token::default(),
        }
    }

    /// Puts the stem of `word` into the token; `false` when it has none.
    fn stem(&mut self, word: &str) -> bool {
        if word.len() > MAX_WORD_BYTES || !word.chars().all(|c| !c.is_numeric()) {
            return false;
        }
        self.lowered.clear();
        if word.is_ascii() {
            let lower = word
                .bytes()
                .map(|byte| char::from(byte.to_ascii_lowercase()));
            self.lowered.extend(lower);
        } else {
            // Stemmers know composed letters, and a final sigma from another.
            let lower = word.to_lowercase();
            self.lowered.extend(lower.nfkc().filter(|c| *c != '\u{ad}'));
        }
        self.token.text.clear();
        if let Some(stem) = self.stems.get(&self.lowered) {
            self.token.text.push_str(stem);
            return !stem.is_empty();
        }
        let mut stemmed = self.stemmer.token_stream(&self.lowered);
        if let Some(token) = stemmed.next() {
            fold(&token.text, &mut self.token.text);
        }
        drop(stemmed);
        if self.stems.len() >= MAX_CACHED_STEMS {
            self.stems.clear();
        }
        self.stems
            .insert(self.lowered.clone(), self.token.text.clone());
        !self.token.text.is_empty()
    }
}

impl Tokenizer for StemTokenizer {
    type TokenStream<'a> = StemStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> StemStream<'a> {
        self.scanner_parts.clear();
        StemStream {
            scanner: Scanner::new(text),
            next_part: 0,
            position: 0,
            tokenizer: self,
        }
    }
}

/// The stems of one text.
pub(crate) struct StemStream<'a> {
    scanner: Scanner<'a>,
    next_part: usize,
    position: usize,
    tokenizer: &'a mut StemTokenizer,
}

impl TokenStream for StemStream<'_> {
    fn advance(&mut self) -> bool {
        let text = self.scanner.text;
        loop {
            while let Some(part) = self.tokenizer.scanner_parts.get(self.next_part).cloned() {
                self.next_part += 1;
                if self.tokenizer.stem(&text[part.clone()]) {
                    let token = &mut self.tokenizer.token;
                    token.offset_from = part.start;
                    token.offset_to = part.end;
                    token.position = self.position;
                    token.position_length = 1;
                    self.position += 1;
                    return true;
                }
            }
            self.next_part = 0;
            self.tokenizer.scanner_parts.clear();
            match self.scanner.advance() {
                None => return false,
                Some(Piece::Word(compound)) => {
                    self.tokenizer
                        .scanner_parts
                        .extend_from_slice(&compound.parts);
                }
                Some(Piece::Unspaced(_)) => {}
            }
        }
    }

    fn token(&self) -> &Token {
        &self.tokenizer.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.tokenizer.token
    }
}

/// A word of a query after analysis: a compound or a run of characters stays together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// The compound written together, if it is one.
    pub(crate) whole: Option<String>,
    /// Its parts, in order; the one word itself where it is no compound.
    pub(crate) parts: Vec<String>,
    /// Those of its parts that have accents, with them.
    pub(crate) accented: Vec<String>,
}

/// The words of what a person typed.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut scanner = WordTokenizer::default();
    let mut stream = scanner.token_stream(text);
    while stream.fill() {
        let mut word = Word {
            whole: None,
            parts: Vec::new(),
            accented: Vec::new(),
        };
        for token in &stream.buffer.tokens[..stream.buffer.filled] {
            if token.position_length > 1 {
                word.whole = Some(token.text.clone());
            } else {
                let written = &text[token.offset_from..token.offset_to];
                word.accented.extend(accented(written, &token.text));
                word.parts.push(token.text.clone());
            }
        }
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(text: &str) -> Vec<(usize, String)> {
        let mut tokenizer = WordTokenizer::default();
        let mut stream = tokenizer.token_stream(text);
        let mut all = Vec::new();
        while stream.advance() {
            all.push((stream.token().position, stream.token().text.clone()));
        }
        all
    }

    #[track_caller]
    fn check(text: &str, expect: &[(usize, &str)]) {
        let expect: Vec<_> = expect
            .iter()
            .map(|(at, word)| (*at, (*word).to_owned()))
            .collect();
        assert_eq!(tokens(text), expect, "{text:?}");
    }

    #[test]
    fn words_are_lower_cased_and_accents_dropped() {
        check(
            "The Café, NAÏVE Straße — ﬁne ＡＢＣ e\u{301}te\u{301}",
            &[
                (0, "the"),
                (1, "cafe"),
                (2, "naive"),
                (3, "strasse"),
                (4, "fine"),
                (5, "abc"),
                (6, "ete"),
            ],
        );
    }

    fn indexed(text: &str) -> Vec<(usize, String)> {
        let mut tokenizer = WordTokenizer::for_index();
        let mut stream = tokenizer.token_stream(text);
        let mut all = Vec::new();
        while stream.advance() {
            all.push((stream.token().position, stream.token().text.clone()));
        }
        all
    }

    #[test]
    fn the_index_has_words_with_their_accents_too() {
        let expect = [(0, "le"), (1, "resume"), (1, "résumé"), (2, "fini")];
        let expect: Vec<_> = expect.map(|(at, word)| (at, word.to_owned())).into();
        assert_eq!(indexed("Le Re\u{301}sume\u{301} ﬁni"), expect);
        assert_eq!(words("Straße")[0].accented, ["straße"]);
        assert!(words("plain")[0].accented.is_empty());
    }

    #[test]
    fn the_index_has_the_readings_of_numbers_too() {
        let expect = [
            (0, "12.03.2024"),
            (0, "2024-03-12"),
            (0, "2024-03"),
            (0, "12"),
            (1, "03"),
            (2, "2024"),
            (3, "12"),
            (3, "§12"),
        ];
        let mut expect: Vec<_> = expect.map(|(at, word)| (at, word.to_owned())).into();
        let mut got = indexed("12.03.2024, § 12");
        expect.sort();
        got.sort();
        assert_eq!(got, expect);
    }

    #[test]
    fn compounds_give_their_parts_and_the_whole() {
        check(
            "call getUserName now",
            &[
                (0, "call"),
                (1, "getusername"),
                (1, "get"),
                (2, "user"),
                (3, "name"),
                (4, "now"),
            ],
        );
        check("get_user", &[(0, "getuser"), (0, "get"), (1, "user")]);
        check("follow-up", &[(0, "followup"), (0, "follow"), (1, "up")]);
        check(
            "HTTPServer",
            &[(0, "httpserver"), (0, "http"), (1, "server")],
        );
        check("exam-\nple", &[(0, "example"), (0, "exam"), (1, "ple")]);
    }

    #[test]
    fn numbers_stay_whole_and_are_split() {
        check("3.14", &[(0, "3.14"), (0, "3"), (1, "14")]);
        check("10mg", &[(0, "10mg"), (0, "10"), (1, "mg")]);
        check("12(b)", &[(0, "12"), (1, "b")]);
        check("1,000", &[(0, "1000"), (0, "1"), (1, "000")]);
        check("1,5", &[(0, "1"), (1, "5")]);
        check("end.", &[(0, "end")]);
    }

    #[test]
    fn names_of_one_letter_keep_their_signs() {
        check(
            "C++ or c#.",
            &[(0, "c++"), (0, "c"), (1, "or"), (2, "c#"), (2, "c")],
        );
        check("U.S. law", &[(0, "us"), (0, "u"), (1, "s"), (2, "law")]);
    }

    #[test]
    fn apostrophes_part_words_and_possessives_go() {
        check(
            "the patient's l'avion",
            &[(0, "the"), (1, "patient"), (2, "l"), (3, "avion")],
        );
    }

    #[test]
    fn unspaced_scripts_give_pairs() {
        check("肺癌治療", &[(0, "肺癌"), (1, "癌治"), (2, "治療")]);
        check("癌", &[(0, "癌")]);
        check("abc東京x", &[(0, "abc"), (1, "東京"), (2, "x")]);
        check("한국어", &[(0, "한국"), (1, "국어")]);
    }

    #[test]
    fn a_hash_is_one_word_and_encoded_data_none() {
        let hash = "a1b2c3d4e5f6a7b8c9d0";
        check(hash, &[(0, hash)]);
        check(&format!("x {} y", "q".repeat(500)), &[(0, "x"), (2, "y")]);
    }

    #[test]
    fn stems_leave_numbers_and_pairs_out() {
        let mut tokenizer = StemTokenizer::new(StemmerLanguage::English);
        let mut stream = tokenizer.token_stream("Leases, 12 running 東京 getLeases");
        let mut stems = Vec::new();
        while stream.advance() {
            stems.push(stream.token().text.clone());
        }
        assert_eq!(stems, ["leas", "run", "get", "leas"]);
    }

    #[test]
    fn stems_are_made_before_accents_go() {
        let mut tokenizer = StemTokenizer::new(StemmerLanguage::German);
        let mut stream = tokenizer.token_stream("Häuser");
        assert!(stream.advance());
        assert_eq!(stream.token().text, "haus");
    }

    #[test]
    fn a_query_keeps_compounds_together() {
        let words = words("getUser lease");
        assert_eq!(words.len(), 2);
        assert_eq!(words[0].whole.as_deref(), Some("getuser"));
        assert_eq!(words[0].parts, ["get", "user"]);
        assert_eq!(words[1].whole, None);
    }

    proptest! {
        #[test]
        fn any_text_is_split_without_panic_at_rising_positions(text in "\\PC{0,60}") {
            let mut tokenizer = WordTokenizer::for_index();
            let mut stream = tokenizer.token_stream(&text);
            let mut last = 0;
            while stream.advance() {
                let token = stream.token();
                prop_assert!(token.position >= last);
                prop_assert!(!token.text.is_empty());
                prop_assert!(text.get(token.offset_from..token.offset_to).is_some());
                last = token.position;
            }
            let mut stemmer = StemTokenizer::new(StemmerLanguage::French);
            let mut stream = stemmer.token_stream(&text);
            while stream.advance() {
                prop_assert!(!stream.token().text.is_empty());
            }
        }

        #[test]
        fn case_and_accents_do_not_matter(text in "[a-zA-ZéÉüÜñ ,]{0,40}") {
            let folded: Vec<_> = tokens(&text.to_lowercase());
            let plain: String = text.to_lowercase().nfd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).collect();
            prop_assert_eq!(folded, tokens(&plain));
        }
    }
}
