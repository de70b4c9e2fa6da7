//! An estimate of how many tokens a text has, the same for every model.
//!
//! Chunk borders must not move when the embedder is changed, and counting with a real tokenizer
//! costs more than the whole of full-text indexing; so chunks are measured by this estimate.
//! Against the WordPiece tokenizer of MiniLM it is within 7 % on English prose, contracts, code
//! and Chinese, and 38 % low on German, which an English vocabulary cuts finely.

/// Letters of a word that the first token is taken to cover.
const FIRST: usize = 8;
/// Letters that each further token is taken to cover.
const FURTHER: usize = 4;
/// From this character on, scripts are written without blanks between words: a token each.
const DENSE_SCRIPTS: char = '\u{2e80}';

/// The number of tokens that `text` is taken to have.
pub fn estimate(text: &str) -> usize {
    let mut tokens = 0;
    let mut word = 0; // letters of the word being read
    for c in text.chars() {
        if c.is_alphanumeric() && c < DENSE_SCRIPTS {
            word += 1;
            continue;
        }
        tokens += word_tokens(word) + usize::from(!c.is_whitespace());
        word = 0;
    }
    tokens + word_tokens(word)
}

fn word_tokens(letters: usize) -> usize {
    match letters {
        0 => 0,
        1..=FIRST => 1,
        more => 1 + (more - FIRST).div_ceil(FURTHER),
    }
}

#[cfg(test)]
mod tests {
    use super::estimate;

    #[test]
    fn words_signs_and_ideographs_count() {
        assert_eq!(estimate(""), 0);
        assert_eq!(estimate("The cat sat."), 4);
        assert_eq!(estimate("pharmaceutical"), 3);
        assert_eq!(estimate("東京都 Tokyo"), 4);
    }
}
