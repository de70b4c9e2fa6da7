//! Texts to the sequences that an encoder reads: tokens between the model's own, in windows.

use std::ops::Range;

use tokenizers::{Model, ModelWrapper, Tokenizer};

/// A tokenizer for texts of any length.
pub(super) struct TextTokenizer {
    tokenizer: Tokenizer,
    /// Special tokens before and after the tokens of a text: `[CLS]` and `[SEP]`.
    before: Vec<u32>,
    after: Vec<u32>,
    max_tokens: usize,
}

/// The sequences of some texts, with those that belong to each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sequences {
    pub(super) sequences: Vec<Vec<u32>>,
    /// For each text, its windows among the sequences; at least one.
    pub(super) windows: Vec<Range<usize>>,
}

impl TextTokenizer {
    /// The tokenizer of a `tokenizer.json`, for sequences of up to `max_tokens` tokens.
    pub(super) fn new(json: &[u8], max_tokens: usize) -> Result<TextTokenizer, String> {
        let mut tokenizer =
            Tokenizer::from_bytes(json).map_err(|error| format!("not a tokenizer: {error}"))?;
        // Texts are cut into windows here and never silently; batches are padded by who computes.
        tokenizer
            .with_truncation(None)
            .map_err(|error| error.to_string())?;
        tokenizer.with_padding(None);
        // `[SEP]` in a document is text.
        tokenizer.set_encode_special_tokens(true);
        let framed = tokenizer
            .encode_fast("a", true)
            .map_err(|error| error.to_string())?;
        let bare = tokenizer
            .encode_fast("a", false)
            .map_err(|error| error.to_string())?;
        let (framed, bare) = (framed.get_ids(), bare.get_ids());
        let at = (0..framed.len())
            .find(|&at| !bare.is_empty() && framed[at..].starts_with(bare))
            .ok_or("it has no tokens for a plain word")?;
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
    pub(super) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// One more than the greatest token.
    pub(super) fn vocabulary_size(&self) -> usize {
        let vocabulary = self.tokenizer.get_vocab(true);
        vocabulary
            .into_values()
            .max()
            .map_or(0, |greatest| greatest as usize + 1)
    }

    /// The number of tokens of a text, special ones not counted.
    pub(super) fn count(&self, text: &str) -> usize {
        self.encode(text).map_or(0, |tokens| tokens.len())
    }

    /// The share of the text's words that the vocabulary holds whole. A WordPiece vocabulary is
    /// made from the language that the model was trained on, so this tells that language from
    /// others; of other kinds of vocabulary nothing can be told, which gives 1.
    pub(super) fn familiarity(&self, text: &str) -> f32 {
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
        let encoding = self.tokenizer.encode_fast(text, false);
        encoding
            .map(|encoding| encoding.get_ids().to_vec())
            .map_err(|error| format!("a text could not be cut into tokens: {error}"))
    }

    /// The sequences of `texts`, each after `prompt`. A text that is too long for one sequence
    /// becomes several of about equal length.
    pub(super) fn sequences(&self, prompt: &str, texts: &[String]) -> Result<Sequences, String> {
        let prompt = match prompt {
            "" => Vec::new(),
            prompt => self.encode(prompt)?,
        };
        let frame = self.before.len() + self.after.len();
        // A prompt that fills a sequence leaves at least a token for the text.
        let prompt = &prompt[..prompt.len().min(self.max_tokens - frame - 1)];
        let room = self.max_tokens - frame - prompt.len();
        let mut result = Sequences::default();
        for text in texts {
            let tokens = self.encode(text)?;
            let first = result.sequences.len();
            let count = tokens.len().div_ceil(room).max(1);
            for window in 0..count {
                let start = tokens.len() * window / count;
                let end = tokens.len() * (window + 1) / count;
                let parts = [&self.before, prompt, &tokens[start..end], &self.after];
                result.sequences.push(parts.concat());
            }
            result.windows.push(first..result.sequences.len());
        }
        Ok(result)
    }
}

/// One vector for each text: that of its window, or the mean of those of its windows, each
/// counted by its tokens; of length 1.
pub(super) fn join_windows(sequences: &Sequences, mut vectors: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    let join = |windows: &Range<usize>| {
        if windows.len() == 1 {
            return std::mem::take(&mut vectors[windows.start]);
        }
        let mut mean = vec![0.0; vectors[windows.start].len()];
        for window in windows.clone() {
            let tokens = sequences.sequences[window].len() as f32;
            for (sum, value) in mean.iter_mut().zip(&vectors[window]) {
                *sum += value * tokens;
            }
        }
        normalise(&mut mean);
        mean
    };
    sequences.windows.iter().map(join).collect()
}

/// Scales a vector to length 1. A vector of zeros, which has no direction, stays.
pub(super) fn normalise(vector: &mut [f32]) {
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
        TextTokenizer::new(starter::embedder().unwrap().tokenizer, max_tokens).unwrap()
    }

    fn sequences(max_tokens: usize, prompt: &str, text: &str) -> Vec<Vec<u32>> {
        tokenizer(max_tokens)
            .sequences(prompt, &[text.into()])
            .unwrap()
            .sequences
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
        assert_eq!(tokenizer(256).vocabulary_size(), 30522);
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
        let sequences = Sequences {
            sequences: vec![vec![1; 3], vec![1; 1], vec![1; 2]],
            windows: vec![0..2, 2..3],
        };
        let vectors = vec![vec![1.0, 0.0], vec![0.0, 1.0], vec![0.6, 0.8]];
        let joined = join_windows(&sequences, vectors);
        let length = 10.0f32.sqrt();
        assert!((joined[0][0] - 3.0 / length).abs() < 1e-6);
        assert!((joined[0][1] - 1.0 / length).abs() < 1e-6);
        assert_eq!(joined[1], [0.6, 0.8]);
    }

    #[test]
    fn what_is_no_tokenizer_is_told() {
        assert!(TextTokenizer::new(b"{", 256).is_err());
        let starter = starter::embedder().unwrap().tokenizer;
        assert!(TextTokenizer::new(starter, 2).is_err_and(|problem| problem.contains("no room")));
    }
}
