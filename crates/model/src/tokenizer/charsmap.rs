//! SentencePiece's compiled table of normalisation: which bytes are written as which.
//!
//! Four bytes with the length of a double-array trie, the trie, and the texts that its values
//! point into, each ended by a zero. The trie is that of Darts-clone (Yata 2008,
//! <https://github.com/s-yata/darts-clone>).

use crate::gguf::GgufError;

/// A table of normalisation.
pub(super) struct CharsMap {
    trie: Vec<u32>,
    texts: Vec<u8>,
}

impl CharsMap {
    /// The table in `bytes`.
    pub(super) fn new(bytes: &[u8]) -> Result<CharsMap, GgufError> {
        let damaged = || {
            let problem =
                "the table of characters (tokenizer.ggml.precompiled_charsmap) is damaged";
            GgufError::Damaged(problem.into())
        };
        let (length, rest) = bytes.split_first_chunk().ok_or_else(damaged)?;
        let length = u32::from_le_bytes(*length) as usize;
        if !length.is_multiple_of(4) || length > rest.len() {
            return Err(damaged());
        }
        let (trie, texts) = rest.split_at(length);
        let unit = |unit: &[u8; 4]| u32::from_le_bytes(*unit);
        Ok(CharsMap {
            trie: trie.as_chunks().0.iter().map(unit).collect(),
            texts: texts.to_vec(),
        })
    }

    /// The text with the longest stretches that the table knows replaced.
    pub(super) fn normalise(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let known = self.longest(rest.as_bytes());
            let replaced = known.and_then(|(length, text)| Some((rest.get(length..)?, text)));
            rest = match replaced {
                Some((after, text)) => {
                    out.push_str(text);
                    after
                }
                None => {
                    out.push(character);
                    &rest[character.len_utf8()..]
                }
            };
        }
        out
    }

    /// The longest beginning of `bytes` that the table knows, and what is written for it.
    fn longest(&self, bytes: &[u8]) -> Option<(usize, &str)> {
        let mut node = offset(*self.trie.first()?);
        let mut found = None;
        for (index, byte) in bytes.iter().enumerate() {
            node ^= usize::from(*byte);
            let Some(&unit) = self.trie.get(node) else {
                break;
            };
            if *byte == 0 || label(unit) != u32::from(*byte) {
                break;
            }
            node ^= offset(unit);
            if has_value(unit) {
                let value = self.trie.get(node).and_then(|unit| self.text(*unit));
                found = value.map(|text| (index + 1, text)).or(found);
            }
        }
        found
    }

    /// The text that a value points to.
    fn text(&self, value: u32) -> Option<&str> {
        let start = (value & 0x7fff_ffff) as usize;
        let text = self.texts.get(start..)?.split(|byte| *byte == 0).next()?;
        std::str::from_utf8(text).ok()
    }
}

/// How far a node's children are from it.
fn offset(unit: u32) -> usize {
    ((unit >> 10) << ((unit & (1 << 9)) >> 6)) as usize
}

/// The byte that leads to a node; no byte for a value.
fn label(unit: u32) -> u32 {
    unit & (1 << 31 | 0xff)
}

/// Whether a node has a value.
fn has_value(unit: u32) -> bool {
    unit & (1 << 8) != 0
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A table that writes single bytes as texts.
    pub(in crate::tokenizer) fn table(entries: &[(u8, &str)]) -> Vec<u8> {
        // The root's children lie from 256 on; each has one child, its value, at its own place
        // with the lowest bits turned by an offset of 512.
        let mut trie = vec![0u32; 1024];
        trie[0] = 256 << 10;
        let mut texts = Vec::new();
        for (byte, text) in entries {
            let node = 256 ^ usize::from(*byte);
            trie[node] = 512 << 10 | 1 << 8 | u32::from(*byte);
            trie[node ^ 512] = 1 << 31 | texts.len() as u32;
            texts.extend(text.as_bytes());
            texts.push(0);
        }
        let mut bytes = (4 * trie.len() as u32).to_le_bytes().to_vec();
        bytes.extend(trie.iter().flat_map(|unit| unit.to_le_bytes()));
        bytes.extend(texts);
        bytes
    }

    #[test]
    fn what_the_table_knows_is_written_its_way() {
        let map = CharsMap::new(&table(&[(b'\t', " "), (b'A', "a"), (b'\r', "")])).unwrap();
        assert_eq!(map.normalise("A\tcat\r, Äh"), "a cat, Äh");
    }

    #[test]
    fn a_damaged_table_is_refused() {
        let whole = table(&[(b'A', "a")]);
        for bytes in [&whole[..3], &whole[..100], b"\x03\0\0\0abcd"] {
            assert!(CharsMap::new(bytes).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_table_makes_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 4..400), text: String) {
            let length = (bytes.len() as u32 - 4) / 8 * 4;
            bytes[..4].copy_from_slice(&length.to_le_bytes());
            CharsMap::new(&bytes).unwrap().normalise(&text);
        }
    }
}
