//! WordPiece, as BERT has it: words are cut into the longest pieces that the vocabulary has, from
//! their beginning on. GGUF files mark the beginning of a word instead of its continuation.

use tokenizers::models::bpe::Vocab;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;

use super::Vocabulary;
use super::sentencepiece::SPACE;
use crate::gguf::{Gguf, GgufError};

/// A WordPiece encoder.
pub(super) struct Words(tokenizers::Tokenizer);

impl Words {
    /// The encoder that a GGUF file describes. Tokens that steer the model are no part of it.
    pub(super) fn new(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<Words, GgufError> {
        let unknown = gguf.number("tokenizer.ggml.unknown_token_id");
        let unknown = unknown.and_then(|token| u32::try_from(token).ok());
        let unknown = unknown.and_then(|token| Some((token, vocabulary.name(token)?)));
        let Some(unknown) = unknown else {
            let problem = "the token for what is unknown (tokenizer.ggml.unknown_token_id) is \
                           missing";
            return Err(GgufError::Damaged(problem.into()));
        };
        word_pieces(vocabulary.texts(), [unknown], unknown.1)
            .map(Words)
            .map_err(|error| GgufError::Damaged(format!("its tokenizer makes no sense: {error}")))
    }

    /// Appends the tokens of `text`.
    pub(super) fn encode(&self, text: &str, tokens: &mut Vec<u32>) {
        // Without added tokens, padding and truncation nothing in here can fail.
        if let Ok(encoding) = self.0.encode_fast(text, false) {
            tokens.extend_from_slice(encoding.get_ids());
        }
    }
}

/// A tokenizer of the pieces of words in `texts`, as a GGUF file writes them, and of tokens that
/// stay as they are written, `unknown` among them.
///
/// # Errors
/// When they make no vocabulary.
pub(crate) fn word_pieces<'a>(
    texts: impl Iterator<Item = (u32, &'a str)>,
    others: impl IntoIterator<Item = (u32, &'a str)>,
    unknown: &str,
) -> tokenizers::Result<tokenizers::Tokenizer> {
    let spelt = |name: &str| match name.strip_prefix(SPACE) {
        Some(beginning) => beginning.to_owned(),
        None => format!("##{name}"),
    };
    let mut cased = false;
    let mut vocabulary: Vocab = texts
        .map(|(token, name)| {
            cased |= name.chars().any(char::is_uppercase);
            (spelt(name), token)
        })
        .collect();
    let others = others.into_iter();
    vocabulary.extend(others.map(|(token, name)| (name.to_owned(), token)));
    let model = WordPiece::builder()
        .vocab(vocabulary)
        .unk_token(unknown.to_owned())
        .build()?;
    let mut tokenizer = tokenizers::Tokenizer::new(model);
    // A vocabulary without a capital letter was made from text without any.
    tokenizer.with_normalizer(Some(BertNormalizer::new(true, true, None, !cased)));
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    Ok(tokenizer)
}
