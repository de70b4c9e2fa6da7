//! Tokens back to text while they arrive: whole characters only.

/// Collects the bytes of tokens and gives them out as characters.
#[derive(Debug)]
pub(crate) struct Detokenizer {
    /// The beginning of a character whose end has not arrived.
    pending: Vec<u8>,
    /// The next bytes are the first, and a space before them is the tokenizer's.
    drops_space: bool,
}

impl Detokenizer {
    /// `drops_space`: the tokenizer puts a space before a text, and the first one is dropped.
    pub(super) fn new(drops_space: bool) -> Detokenizer {
        Detokenizer {
            pending: Vec::new(),
            drops_space,
        }
    }

    /// Takes a token's bytes; gives the characters that are whole now, often one, perhaps none.
    /// Bytes that cannot become a character are given as U+FFFD.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        let mut bytes = bytes;
        if self.drops_space && !bytes.is_empty() {
            bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
            self.drops_space = false;
        }
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut rest = self.pending.as_slice();
        while !rest.is_empty() {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    rest = &[];
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    rest = after;
                    let Some(broken) = error.error_len() else {
                        break;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = &rest[broken..];
                }
            }
        }
        self.pending = rest.to_vec();
        text
    }

    /// What is left at the end: U+FFFD for a character whose end never arrived.
    pub(crate) fn finish(self) -> String {
        String::from_utf8_lossy(&self.pending).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(pieces: &[&[u8]]) -> Vec<String> {
        let mut detokenizer = Detokenizer::new(false);
        let mut out: Vec<_> = pieces.iter().map(|piece| detokenizer.push(piece)).collect();
        out.push(detokenizer.finish());
        out
    }

    #[test]
    fn characters_come_out_whole() {
        let crab = "🦀".as_bytes();
        assert_eq!(
            stream(&[b"a", &crab[..1], &crab[1..3], &crab[3..]]),
            ["a", "", "", "🦀", ""]
        );
        assert_eq!(stream(&[&crab[..2], b"b"]), ["", "\u{fffd}b", ""]);
        assert_eq!(
            stream(&[b"\xff\xfex", &crab[..3]]),
            ["\u{fffd}\u{fffd}x", "", "\u{fffd}"]
        );
    }

    #[test]
    fn the_first_space_is_dropped_once() {
        let mut detokenizer = Detokenizer::new(true);
        assert_eq!(detokenizer.push(b""), "");
        assert_eq!(detokenizer.push(b" The"), "The");
        assert_eq!(detokenizer.push(b" end"), " end");
    }
}
