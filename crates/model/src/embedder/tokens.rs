//! Texts to the sequences that an encoder reads: tokens between the model's own, in windows.

use std::ops::Range;

use tokenizers::{EncodeInput, Encoding, Model, ModelWrapper, Tokenizer};

use super::workers::Sequences;
use crate::threads;

/// Bytes of a text that are cut into tokens at once.
const PIECE_BYTES: usize = 64 << 10;

/// A tokenizer for texts of any length.
pub(crate) struct TextTokenizer {
    tokenizer: Tokenizer,
    /// Special tokens before and after the tokens of a text: `[CLS]` and `[SEP]`.
    before: Vec<u32>,
    after: Vec<u32>,
    max_tokens: usize,
}

/// How texts were cut into windows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Cuts {
    /// For each text, its windows among the sequences; at least one.
    of_text: Vec<Range<usize>>,
    /// For each window, its tokens.
    tokens: Vec<usize>,
    /// Tokens of each window that are not the text's: before it, with the prompt, and after it.
    lead: usize,
    tail: usize,
}

impl TextTokenizer {
    /// A tokenizer for sequences of up to `max_tokens` tokens.
    pub(crate) fn new(
        mut tokenizer: Tokenizer,
        max_tokens: usize,
    ) -> Result<TextTokenizer, String> {
        prepare(&mut tokenizer)?;
        let framed = encode(&tokenizer, "a", true)?;
        let bare = encode(&tokenizer, "a", false)?;
        let (framed, bare) = (framed.get_ids(), bare.get_ids());
        let at = find(framed, bare).ok_or("it has no tokens for a plain word")?;
        let (before, after) = (framed[..at].to_vec(), framed[at + bare.len()..].to_vec());
        if before.len() + after.len() >= max_tokens {
            return Err(format!(
                "sequences of {max_tokens} tokens leave no room for a text"
            ));
        }
        Ok(TextTokenizer {
            tokenizer,
            before,
            after,
            max_tokens,
        })
    }

    /// Tokens of a sequence at most, the special ones included.
    pub(crate) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// The number of tokens of a text, special ones not counted.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.encode(text).map_or(0, |tokens| tokens.len())
    }

    /// The share of the text's words that the vocabulary holds whole. A WordPiece vocabulary is
    /// made from the language that the model was trained on, so this tells that language from
    /// others; of other kinds of vocabulary nothing can be told, which gives 1.
    pub(crate) fn familiarity(&self, text: &str) -> f32 {
        let ModelWrapper::WordPiece(model) = self.tokenizer.get_model() else {
            return 1.0;
        };
        let Ok(encoding) = self.tokenizer.encode(text, false) else {
            return 1.0;
        };
        let unknown = model.token_to_id(&model.unk_token);
        let (mut words, mut known) = (0, 0);
        let tokens = encoding.get_ids().iter().zip(encoding.get_word_ids());
        let tokens: Vec<(u32, Option<u32>)> = tokens.map(|(id, word)| (*id, *word)).collect();
        for word in tokens.chunk_by(|a, b| a.1 == b.1) {
            words += 1;
            known += usize::from(word.len() == 1 && Some(word[0].0) != unknown);
        }
        if words == 0 {
            1.0
        } else {
            known as f32 / words as f32
        }
    }

    fn encode(&self, text: &str) -> Result<Vec<u32>, String> {
        encode_long(&self.tokenizer, text)
    }

    /// Where the tokens of a text stand in it, special ones not counted.
    pub(crate) fn spans(&self, text: &str) -> Result<Vec<Range<usize>>, String> {
        let encoding = threads::contain(|| self.tokenizer.encode(text, false))?
            .map_err(|error| format!("a text could not be cut into tokens: {error}"))?;
        let offsets = encoding.get_offsets().iter();
        Ok(offsets.map(|(start, end)| *start..*end).collect())
    }

    /// The sequences of `texts`, each after `prompt`. A text that is too long for one sequence
    /// becomes several of about equal length.
    pub(crate) fn windows(
        &self,
        prompt: &str,
        texts: &[String],
    ) -> Result<(Sequences, Cuts), String> {
        let prompt = match prompt {
            "" => Vec::new(),
            prompt => self.encode(prompt)?,
        };
        let frame = self.before.len() + self.after.len();
        // A prompt that fills a sequence leaves at least a token for the text.
        let prompt = &prompt[..prompt.len().min(self.max_tokens - frame - 1)];
        let room = self.max_tokens - frame - prompt.len();
        let mut sequences = Sequences::default();
        let mut cuts = Cuts {
            lead: self.before.len() + prompt.len(),
            tail: self.after.len(),
            ..Cuts::default()
        };
        for text in texts {
            let tokens = self.encode(text)?;
            let first = sequences.len();
            for window in equal_parts(tokens.len(), room) {
                cuts.tokens.push(frame + prompt.len() + window.len());
                let parts: [&[u32]; 4] = [&self.before, prompt, &tokens[window], &self.after];
                sequences.push(&parts, parts.len());
            }
            cuts.of_text.push(first..sequences.len());
        }
        Ok((sequences, cuts))
    }
}

/// Makes a tokenizer that cuts nothing off, pads nothing, and takes `[SEP]` in a text for text.
pub(crate) fn prepare(tokenizer: &mut Tokenizer) -> Result<(), String> {
    // Texts are cut into windows here and never silently; packs need no padding.
    tokenizer
        .with_truncation(None)
        .map_err(|error| error.to_string())?;
    tokenizer.with_padding(None);
    tokenizer.set_encode_special_tokens(true);
    Ok(())
}

/// One more than the greatest token of a tokenizer.
pub(crate) fn vocabulary_size(tokenizer: &Tokenizer) -> usize {
    let vocabulary = tokenizer.get_vocab(true);
    let greatest = vocabulary.into_values().max();
    greatest.map_or(0, |greatest| greatest as usize + 1)
}

/// The tokens of a text or a pair, between special ones if they are asked for.
pub(crate) fn encode<'s>(
    tokenizer: &Tokenizer,
    text: impl Into<EncodeInput<'s>>,
    framed: bool,
) -> Result<Encoding, String> {
    // A tokenizer comes from a file, and not everything in it is checked when it is read.
    threads::contain(|| tokenizer.encode_fast(text, framed))?
        .map_err(|error| format!("a text could not be cut into tokens: {error}"))
}

/// The tokens of a text of any length, special ones not among them.
///
/// A tokenizer takes some hundred bytes for each byte of a text, so a long text goes in pieces,
/// which are cut before a space between two words: there every kind of tokenizer cuts, too.
pub(crate) fn encode_long(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while rest.len() > PIECE_BYTES {
        let (piece, after) = rest.split_at(piece_end(rest));
        tokens.extend_from_slice(encode(tokenizer, piece, false)?.get_ids());
        rest = after;
    }
    tokens.extend_from_slice(encode(tokenizer, rest, false)?.get_ids());
    Ok(tokens)
}

/// Where the first piece of a text that is longer than one ends: at the last place where a word
/// ends and a space and another word follow, or else at the last character that fits.
fn piece_end(text: &str) -> usize {
    let most = text.floor_char_boundary(PIECE_BYTES);
    let bytes = text.as_bytes();
    let between_words = |at: &usize| {
        bytes[*at] == b' '
            && !bytes[at - 1].is_ascii_whitespace()
            && !bytes[at + 1].is_ascii_whitespace()
    };
    (most / 2..most).rev().find(between_words).unwrap_or(most)
}

/// Where `part` first stands in `whole`; nowhere if it is empty.
pub(crate) fn find(whole: &[u32], part: &[u32]) -> Option<usize> {
    match part.is_empty() {
        true => None,
        false => whole.windows(part.len()).position(|window| window == part),
    }
}

/// Cuts `len` tokens into parts of about equal length and of `room` at most; at least one part.
pub(crate) fn equal_parts(len: usize, room: usize) -> impl Iterator<Item = Range<usize>> {
    let count = len.div_ceil(room).max(1);
    (0..count).map(move |part| len * part / count..len * (part + 1) / count)
}

impl Cuts {
    /// The number of tokens of all windows.
    pub(crate) fn tokens(&self) -> usize {
        self.tokens.iter().sum()
    }

    /// One vector for each text: that of its window, or the mean of those of its windows, each
    /// counted by its tokens; of length 1.
    pub(crate) fn join(&self, mut vectors: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
        let join = |windows: &Range<usize>| {
            if windows.len() == 1 {
                return std::mem::take(&mut vectors[windows.start]);
            }
            let mut mean = vec![0.0; vectors[windows.start].len()];
            for window in windows.clone() {
                let tokens = self.tokens[window] as f32;
                for (sum, value) in mean.iter_mut().zip(&vectors[window]) {
                    *sum += value * tokens;
                }
            }
            normalise(&mut mean);
            mean
        };
        self.of_text.iter().map(join).collect()
    }

    /// The vectors of a text's own tokens, those of its windows one after another, each of
    /// `width` values; `vectors` are those of all tokens of each of its windows.
    pub(crate) fn own<'v>(
        &self,
        vectors: &'v [Vec<f32>],
        width: usize,
    ) -> impl Iterator<Item = &'v [f32]> {
        let (lead, tail) = (self.lead, self.tail);
        vectors.iter().flat_map(move |window| {
            let count = (window.len() / width).saturating_sub(lead + tail);
            window.chunks_exact(width).skip(lead).take(count)
        })
    }

    /// The vectors of each text's tokens, those of its windows one after another.
    pub(crate) fn concatenate(&self, vectors: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
        let of_text = self.of_text.iter();
        of_text
            .map(|windows| vectors[windows.clone()].concat())
            .collect()
    }
}

/// Scales a vector to length 1. A vector of zeros, which has no direction, stays.
pub(crate) fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::starter;

    fn tokenizer(max_tokens: usize) -> TextTokenizer {
        let json = starter::embedder().unwrap().tokenizer;
        TextTokenizer::new(Tokenizer::from_bytes(json).unwrap(), max_tokens).unwrap()
    }

    fn sequences(max_tokens: usize, prompt: &str, text: &str) -> Vec<Vec<u32>> {
        let (sequences, _) = tokenizer(max_tokens)
            .windows(prompt, &[text.into()])
            .unwrap();
        (0..sequences.len())
            .map(|index| sequences.get(index).unwrap().tokens.to_vec())
            .collect()
    }

    #[test]
    fn a_text_stands_between_the_models_own_tokens() {
        let expected = [
            101, 1996, 10084, 4515, 2006, 2861, 2233, 16798, 2581, 1012, 102,
        ]
        .to_vec();
        assert_eq!(
            sequences(256, "", "The lease ends on 31 March 2027."),
            [expected]
        );
        assert_eq!(sequences(256, "", ""), [[101, 102]]);
        assert_eq!(tokenizer(256).count("The lease ends on 31 March 2027."), 9);
        assert_eq!(vocabulary_size(&tokenizer(256).tokenizer), 30522);
    }

    #[test]
    fn special_tokens_in_a_text_are_text() {
        let tokens = &sequences(256, "", "[SEP] [CLS] [MASK]")[0];
        let inside = &tokens[1..tokens.len() - 1];
        assert!(
            inside.iter().all(|token| ![101, 102, 103].contains(token)),
            "{tokens:?}"
        );
    }

    #[test]
    fn long_texts_become_windows_of_equal_length_and_lose_nothing() {
        let text = "one two three four five six seven eight nine ten eleven";
        let windows = sequences(8, "", text);
        assert_eq!(windows.iter().map(Vec::len).collect::<Vec<_>>(), [7, 8]);
        let joined: Vec<u32> = windows
            .iter()
            .flat_map(|window| &window[1..window.len() - 1])
            .copied()
            .collect();
        let whole = &sequences(256, "", text)[0];
        assert_eq!(joined, whole[1..whole.len() - 1]);
    }

    #[test]
    fn a_prompt_stands_before_every_window() {
        let windows = sequences(8, "query: ", "one two three four five six");
        let prompt = &windows[0][1..3];
        assert_eq!(windows.len(), 2);
        assert!(
            windows
                .iter()
                .all(|window| window[0] == 101 && &window[1..3] == prompt)
        );
        // A prompt longer than a sequence is cut; the text still gets through.
        assert_eq!(
            sequences(5, "one two three four five six", "seven").len(),
            1
        );
    }

    #[test]
    fn windows_are_joined_by_their_lengths() {
        let cuts = Cuts {
            of_text: vec![0..2, 2..3],
            tokens: vec![3, 1, 2],
            ..Cuts::default()
        };
        let vectors = vec![vec![1.0, 0.0], vec![0.0, 1.0], vec![0.6, 0.8]];
        let tokens = cuts.concatenate(vectors.clone());
        assert_eq!(tokens, [vec![1.0, 0.0, 0.0, 1.0], vec![0.6, 0.8]]);
        let joined = cuts.join(vectors);
        let length = 10.0f32.sqrt();
        assert!((joined[0][0] - 3.0 / length).abs() < 1e-6);
        assert!((joined[0][1] - 1.0 / length).abs() < 1e-6);
        assert_eq!(joined[1], [0.6, 0.8]);
    }

    #[test]
    fn a_long_text_has_the_tokens_of_its_pieces() {
        let tokenizer = tokenizer(256).tokenizer;
        let text = "Größe and  measure, words\nand 12.5 numbers — ".repeat(4000);
        let whole = encode(&tokenizer, text.as_str(), false).unwrap();
        assert_eq!(encode_long(&tokenizer, &text).unwrap(), whole.get_ids());
        let unbroken = "é".repeat(100_000);
        assert!(!encode_long(&tokenizer, &unbroken).unwrap().is_empty());
    }

    #[test]
    fn sequences_without_room_for_a_text_are_told() {
        let json = starter::embedder().unwrap().tokenizer;
        let problem = TextTokenizer::new(Tokenizer::from_bytes(json).unwrap(), 2);
        assert!(problem.is_err_and(|problem| problem.contains("no room")));
    }
}
