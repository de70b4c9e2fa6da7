//! SentencePiece with likelihoods, as T5 has it: of all ways to cut a text into pieces the likeliest
//! one; what no piece covers is unknown.

use std::collections::HashMap;

use super::Vocabulary;
use super::charsmap::CharsMap;
use super::sentencepiece::SPACE;
use crate::gguf::{Gguf, GgufError, Value};

/// A character that is unknown is so much less likely than the rarest piece.
const UNKNOWN_PENALTY: f64 = 10.0;

/// A unigram encoder.
pub(super) struct Unigram {
    pieces: HashMap<String, (u32, f64)>,
    /// Bytes of the longest piece.
    longest: usize,
    unknown: u32,
    unknown_score: f64,
    normaliser: Option<CharsMap>,
    adds_space: bool,
    merges_spaces: bool,
}

/// The likeliest way to a place in a text: its score, where its last piece begins, and which
/// piece that is.
#[derive(Debug, Clone, Copy)]
struct Step {
    score: f64,
    start: usize,
    token: u32,
}

impl Unigram {
    /// The encoder that a GGUF file describes. Tokens that steer the model are no part of it.
    pub(super) fn new(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<Unigram, GgufError> {
        let scores = super::scores(gguf, vocabulary)?;
        if scores.iter().any(|score| !score.is_finite()) {
            let problem = "a score of a token (tokenizer.ggml.scores) is no finite number";
            return Err(GgufError::Damaged(problem.into()));
        }
        let unknown = gguf.number("tokenizer.ggml.unknown_token_id");
        let unknown = unknown.filter(|token| *token < vocabulary.len());
        let Some(unknown) = unknown.and_then(|token| u32::try_from(token).ok()) else {
            let problem = "the token for what is unknown (tokenizer.ggml.unknown_token_id) is \
                           missing";
            return Err(GgufError::Damaged(problem.into()));
        };
        let pieces: HashMap<String, (u32, f64)> = vocabulary
            .texts()
            .map(|(token, name)| (name.to_owned(), (token, f64::from(scores[token as usize]))))
            .collect();
        let least = pieces.values().map(|(_, score)| *score);
        let normaliser = match gguf.metadata.get("tokenizer.ggml.precompiled_charsmap") {
            Some(Value::Integers(bytes)) if !bytes.is_empty() => {
                // The list is of signed or unsigned numbers of one byte.
                let bytes: Vec<u8> = bytes.iter().map(|byte| *byte as u8).collect();
                Some(CharsMap::new(&bytes)?)
            }
            _ => None,
        };
        let flag = |key: &str| gguf.flag(&format!("tokenizer.ggml.{key}"));
        Ok(Unigram {
            longest: pieces.keys().map(String::len).max().unwrap_or(0),
            unknown,
            unknown_score: least.fold(0.0, f64::min) - UNKNOWN_PENALTY,
            normaliser,
            adds_space: flag("add_space_prefix").unwrap_or(true),
            merges_spaces: flag("remove_extra_whitespaces").unwrap_or(false),
            pieces,
        })
    }

    /// Whether a space is put before every text, which has to be taken away again.
    pub(super) fn adds_space(&self) -> bool {
        self.adds_space || self.merges_spaces
    }

    /// Appends the tokens of `text`.
    pub(super) fn encode(&self, text: &str, tokens: &mut Vec<u32>) {
        let text = match &self.normaliser {
            Some(map) => map.normalise(text),
            None => text.to_owned(),
        };
        let text = self.spaced(&text);
        let steps = self.steps(&text);
        let begin = tokens.len();
        let mut end = text.len();
        while let Some(step) = steps.get(end).filter(|_| end > 0) {
            // Unknown characters in a row are one token.
            if step.token != self.unknown || tokens[begin..].last() != Some(&self.unknown) {
                tokens.push(step.token);
            }
            end = step.start;
        }
        tokens[begin..].reverse();
    }

    /// The text with its spaces as the pieces have them: one before each word if spaces are
    /// merged, else each, and one in front.
    fn spaced(&self, text: &str) -> String {
        let mut spaced = String::with_capacity(text.len() + 8);
        let (mut in_word, mut is_first) = (false, true);
        for character in text.chars() {
            if character == ' ' {
                if !self.merges_spaces {
                    spaced.push(SPACE);
                }
            } else {
                if !in_word && (self.merges_spaces || (self.adds_space && is_first)) {
                    spaced.push(SPACE);
                    is_first = false;
                }
                spaced.push(character);
            }
            in_word = character != ' ';
        }
        spaced
    }

    /// For each place in the text the last step of the likeliest way to it; places inside of
    /// characters are never reached.
    fn steps(&self, text: &str) -> Vec<Step> {
        let unreached = Step {
            score: f64::NEG_INFINITY,
            start: 0,
            token: self.unknown,
        };
        let mut steps = vec![unreached; text.len() + 1];
        steps[0].score = 0.0;
        let ends = |start: usize| {
            let rest = text[start..].char_indices();
            rest.map(move |(at, character)| start + at + character.len_utf8())
                .take_while(move |end| end - start <= self.longest.max(4))
        };
        for (start, _) in text.char_indices() {
            let before = steps[start].score;
            let mut reach = |end: usize, token: u32, score: f64| {
                let score = before + score;
                if score > steps[end].score {
                    steps[end] = Step {
                        score,
                        start,
                        token,
                    };
                }
            };
            for (index, end) in ends(start).enumerate() {
                match self.pieces.get(&text[start..end]) {
                    Some((token, score)) => reach(end, *token, *score),
                    None if index == 0 => reach(end, self.unknown, self.unknown_score),
                    None => {}
                }
            }
        }
        steps
    }
}
