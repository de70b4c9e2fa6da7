//! The tokens of an RTF file.

/// A token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'b> {
    Open,
    Close,
    /// A control word with its number: `\fs24`. A control symbol is a word of one character.
    Word(&'b str, Option<i32>),
    /// `\'hh`.
    Byte(u8),
    /// Bytes of text, in the code page of their font.
    Text(&'b [u8]),
}

/// Cuts a file into tokens; what follows `\bin` is left out.
pub(super) struct Tokens<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Tokens<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Tokens { bytes, at: 0 }
    }

    fn rest(&self) -> &'b [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// What comes behind a backslash.
    fn control(&mut self) -> Option<Token<'b>> {
        let first = *self.rest().first()?;
        if first == b'\'' {
            let digits = self
                .rest()
                .get(1..3)
                .and_then(|hex| std::str::from_utf8(hex).ok());
            let byte = digits.and_then(|hex| u8::from_str_radix(hex, 16).ok());
            self.at += if byte.is_some() { 3 } else { 1 };
            return Some(byte.map_or(Token::Text(b""), Token::Byte));
        }
        if !first.is_ascii_alphabetic() {
            let symbol = self.rest().get(..1).unwrap_or_default();
            self.at += 1;
            return Some(match (first, std::str::from_utf8(symbol)) {
                (b'\\' | b'{' | b'}', _) => Token::Text(symbol),
                (b'\r' | b'\n', _) => Token::Word("par", None),
                (_, Ok(symbol)) => Token::Word(symbol, None),
                (_, Err(_)) => Token::Text(b""),
            });
        }
        let letters = self
            .rest()
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        let word = std::str::from_utf8(self.rest().get(..letters)?).unwrap_or_default();
        self.at += letters;
        let number = self.number();
        if self.rest().first() == Some(&b' ') {
            self.at += 1;
        }
        if word == "bin" {
            let count = number.and_then(|count| usize::try_from(count).ok());
            self.at = self
                .at
                .saturating_add(count.unwrap_or(0))
                .min(self.bytes.len());
        }
        Some(Token::Word(word, number))
    }

    fn number(&mut self) -> Option<i32> {
        let sign = usize::from(self.rest().first() == Some(&b'-'));
        let digits = self
            .rest()
            .iter()
            .skip(sign)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits == 0 {
            return None;
        }
        let text = std::str::from_utf8(self.rest().get(..sign + digits)?).ok()?;
        self.at += sign + digits;
        text.parse().ok()
    }
}

impl<'b> Iterator for Tokens<'b> {
    type Item = Token<'b>;

    fn next(&mut self) -> Option<Token<'b>> {
        loop {
            let first = *self.rest().first()?;
            match first {
                b'{' | b'}' => {
                    self.at += 1;
                    return Some(if first == b'{' {
                        Token::Open
                    } else {
                        Token::Close
                    });
                }
                b'\\' => {
                    self.at += 1;
                    return self.control();
                }
                b'\r' | b'\n' => self.at += 1,
                _ => {
                    let is_text = |byte: &&u8| !matches!(byte, b'{' | b'}' | b'\\' | b'\r' | b'\n');
                    let length = self.rest().iter().take_while(is_text).count();
                    let text = self.rest().get(..length)?;
                    self.at += length;
                    return Some(Token::Text(text));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_a_space_that_is_theirs() {
        let tokens: Vec<Token<'_>> =
            Tokens::new(b"{\\b0 a\\'e4\\-\\u-10179?\\bin3 {{{x\\{").collect();
        assert_eq!(
            tokens,
            [
                Token::Open,
                Token::Word("b", Some(0)),
                Token::Text(b"a"),
                Token::Byte(0xe4),
                Token::Word("-", None),
                Token::Word("u", Some(-10179)),
                Token::Text(b"?"),
                Token::Word("bin", Some(3)),
                Token::Text(b"x"),
                Token::Text(b"{"),
            ]
        );
    }
}
