//! SentencePiece as Llama 2 has it: neighbours are merged as long as a token for both exists,
//! the best-scored first; what no token stands for is written byte by byte.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::Vocabulary;
use crate::gguf::{Gguf, GgufError};

/// Stands for a space in the tokens.
pub(super) const SPACE: char = '▁';

/// A SentencePiece encoder.
pub(super) struct SentencePiece {
    pieces: HashMap<String, Piece>,
    bytes: HashMap<u8, u32>,
    /// What stands for text that has neither piece nor bytes.
    unknown: Option<u32>,
    adds_space: bool,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    token: u32,
    score: f32,
}

/// A stretch of the text that is one piece so far, in a chain with its neighbours.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    start: usize,
    end: usize,
    before: Option<usize>,
    after: Option<usize>,
}

/// Two neighbours that may become one piece. Greatest first: the best score, then the leftmost.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Merge {
    score: OrderedScore,
    left: Reverse<usize>,
    right: usize,
    /// The ends of both when this was found; if they have changed, it is out of date.
    start: usize,
    end: usize,
}

#[derive(Debug, Clone, Copy)]
struct OrderedScore(f32);

impl PartialEq for OrderedScore {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for OrderedScore {}

impl PartialOrd for OrderedScore {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OrderedScore {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl SentencePiece {
    /// The encoder that a GGUF file describes. Tokens that steer the model are no part of it.
    pub(super) fn new(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<SentencePiece, GgufError> {
        let scores = super::scores(gguf, vocabulary)?;
        let pieces = vocabulary.texts().map(|(token, name)| {
            let score = scores[token as usize];
            (name.to_owned(), Piece { token, score })
        });
        let bytes = vocabulary
            .bytes()
            .filter_map(|(token, name)| Some((byte_of(name)?, token)));
        let unknown = gguf.number("tokenizer.ggml.unknown_token_id");
        Ok(SentencePiece {
            pieces: pieces.collect(),
            bytes: bytes.collect(),
            unknown: unknown.and_then(|id| u32::try_from(id).ok()),
            adds_space: gguf.flag("tokenizer.ggml.add_space_prefix").unwrap_or(true),
        })
    }

    /// Whether a space is put before every text, which has to be taken away again.
    pub(super) fn adds_space(&self) -> bool {
        self.adds_space
    }

    /// Appends the tokens of `text`.
    pub(super) fn encode(&self, text: &str, tokens: &mut Vec<u32>) {
        let mut written = String::with_capacity(text.len() + 8);
        if self.adds_space {
            written.push(SPACE);
        }
        written.extend(text.chars().map(|character| match character {
            ' ' => SPACE,
            character => character,
        }));
        let stretches = self.merge(&written);
        let mut next = (!stretches.is_empty()).then_some(0);
        while let Some(at) = next {
            let stretch = stretches[at];
            self.emit(&written[stretch.start..stretch.end], tokens);
            next = stretch.after;
        }
    }

    /// The chain of stretches, from the first, once nothing merges any more.
    fn merge(&self, text: &str) -> Vec<Stretch> {
        let mut chain: Vec<Stretch> = text
            .char_indices()
            .enumerate()
            .map(|(index, (start, character))| Stretch {
                start,
                end: start + character.len_utf8(),
                before: index.checked_sub(1),
                after: Some(index + 1),
            })
            .collect();
        if let Some(last) = chain.last_mut() {
            last.after = None;
        }
        let mut merges = BinaryHeap::new();
        for right in 1..chain.len() {
            merges.extend(self.candidate(text, &chain, right - 1, right));
        }
        while let Some(Merge {
            left: Reverse(left),
            right,
            start,
            end,
            ..
        }) = merges.pop()
        {
            let current = (chain[left].start, chain[left].after, chain[right].end);
            if current != (start, Some(right), end) || chain[left].end != chain[right].start {
                continue;
            }
            chain[left].end = end;
            chain[left].after = chain[right].after;
            // An empty stretch takes part in nothing any more.
            chain[right].start = chain[right].end;
            if let Some(after) = chain[left].after {
                chain[after].before = Some(left);
                merges.extend(self.candidate(text, &chain, left, after));
            }
            if let Some(before) = chain[left].before {
                merges.extend(self.candidate(text, &chain, before, left));
            }
        }
        chain
    }

    fn candidate(&self, text: &str, chain: &[Stretch], left: usize, right: usize) -> Option<Merge> {
        let (start, end) = (chain[left].start, chain[right].end);
        let piece = self.pieces.get(&text[start..end])?;
        Some(Merge {
            score: OrderedScore(piece.score),
            left: Reverse(left),
            right,
            start,
            end,
        })
    }

    /// Appends the token of one stretch, or those of its bytes.
    fn emit(&self, stretch: &str, tokens: &mut Vec<u32>) {
        if let Some(piece) = self.pieces.get(stretch) {
            tokens.push(piece.token);
            return;
        }
        for byte in stretch.bytes() {
            match self.bytes.get(&byte) {
                Some(&token) => tokens.push(token),
                None => {
                    tokens.extend(self.unknown);
                    return;
                }
            }
        }
    }
}

/// The bytes that a token stands for.
pub(super) fn bytes_of(token: &str) -> Vec<u8> {
    match byte_of(token) {
        Some(byte) => vec![byte],
        None => token.replace(SPACE, " ").into_bytes(),
    }
}

/// The byte that `<0x0A>` stands for.
fn byte_of(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    if digits.len() != 2 {
        return None;
    }
    u8::from_str_radix(digits, 16).ok()
}
