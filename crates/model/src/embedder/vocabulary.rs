//! An encoder's tokenizer from the vocabulary that a GGUF file carries.
//!
//! llama.cpp's converter keeps tokens, scores and merges, and leaves out the rest of a tokenizer:
//! normaliser and frame follow from the kind of vocabulary, as they do there.

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::models::unigram::Unigram;
use tokenizers::normalizers::Precompiled;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::whitespace::WhitespaceSplit;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer};

use crate::gguf::{Gguf, GgufError, Value};
use crate::tokenizer::word_pieces;

/// Stands for the space before a word.
const SPACE: char = '▁';
/// The types of tokens that steer the model, and of those that were added as they are.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

/// The tokenizer of an encoder in a GGUF file.
pub(super) fn tokenizer(gguf: &Gguf) -> Result<Tokenizer, GgufError> {
    let vocabulary = Vocabulary::read(gguf)?;
    match gguf.text("tokenizer.ggml.model") {
        Some("bert") => vocabulary.word_pieces(),
        Some("t5") => vocabulary.unigrams(),
        Some("gpt2") => vocabulary.byte_pairs(),
        other => Err(GgufError::Unsupported(
            format!(
                "its tokenizer is of the kind {}",
                other.unwrap_or("not given")
            ),
            "docent has bert, t5 and gpt2 for encoders: choose another model".into(),
        )),
    }
}

/// The tokens that a file lists.
struct Vocabulary<'a> {
    gguf: &'a Gguf,
    names: &'a [String],
    kinds: Vec<i64>,
}

impl<'a> Vocabulary<'a> {
    fn read(gguf: &'a Gguf) -> Result<Self, GgufError> {
        let Some(Value::Texts(names)) = gguf.metadata.get("tokenizer.ggml.tokens") else {
            let problem = "the list of tokens (tokenizer.ggml.tokens) is missing";
            return Err(GgufError::Damaged(problem.into()));
        };
        let kinds = match gguf.metadata.get("tokenizer.ggml.token_type") {
            Some(Value::Integers(kinds)) if kinds.len() == names.len() => kinds.clone(),
            // Older files of BERTs list none; their tokens in brackets steer.
            _ => {
                let kind = |name: &String| match bracketed(name) {
                    true => CONTROL,
                    false => 1,
                };
                names.iter().map(kind).collect()
            }
        };
        Ok(Vocabulary { gguf, names, kinds })
    }

    /// WordPiece: words carry a mark in front, and what goes on in a word none.
    fn word_pieces(&self) -> Result<Tokenizer, GgufError> {
        let all = || self.names.iter().zip(&self.kinds).zip(0u32..);
        let steers = |name: &str, kind: i64| kind == CONTROL || bracketed(name);
        let texts = all().filter(|((name, kind), _)| !steers(name, **kind));
        let others = all().filter(|((name, kind), _)| steers(name, **kind));
        let named = |((name, _), token): ((&'a String, &i64), u32)| (token, name.as_str());
        let unknown = self.special(&["unknown"], "[UNK]")?.0;
        let tokenizer =
            word_pieces(texts.map(named), others.map(named), &unknown).map_err(damaged)?;
        self.framed(tokenizer, Frame::Bert)
    }

    /// SentencePiece with the likelihood of each piece.
    fn unigrams(&self) -> Result<Tokenizer, GgufError> {
        let scores = match self.gguf.metadata.get("tokenizer.ggml.scores") {
            Some(Value::Floats(scores)) if scores.len() == self.names.len() => scores,
            _ => {
                let problem = "the tokens' scores (tokenizer.ggml.scores) are missing or too few";
                return Err(GgufError::Damaged(problem.into()));
            }
        };
        if scores.iter().any(|score| !score.is_finite()) {
            let problem = "a score of a token (tokenizer.ggml.scores) is no finite number";
            return Err(GgufError::Damaged(problem.into()));
        }
        let pieces = self
            .names
            .iter()
            .cloned()
            .zip(scores.iter().map(|score| f64::from(*score)));
        let unknown = self.special(&["unknown"], "<unk>")?.1 as usize;
        let model = Unigram::from(pieces.collect(), Some(unknown), false).map_err(damaged)?;
        let mut tokenizer = Tokenizer::new(model);
        if let Some(Value::Integers(bytes)) = self
            .gguf
            .metadata
            .get("tokenizer.ggml.precompiled_charsmap")
        {
            // The list is read as signed or unsigned numbers of one byte.
            let bytes: Vec<u8> = bytes.iter().map(|byte| *byte as u8).collect();
            let normaliser = Precompiled::from(&bytes).map_err(|error| {
                GgufError::Damaged(format!("tokenizer.ggml.precompiled_charsmap: {error}"))
            })?;
            tokenizer.with_normalizer(Some(normaliser));
        }
        let metaspace = Metaspace::new(SPACE, PrependScheme::Always, true);
        let steps: Vec<PreTokenizerWrapper> = vec![WhitespaceSplit.into(), metaspace.into()];
        tokenizer.with_pre_tokenizer(Some(Sequence::new(steps)));
        self.framed(tokenizer, Frame::Roberta)
    }

    /// Byte-pair encoding on bytes.
    fn byte_pairs(&self) -> Result<Tokenizer, GgufError> {
        let Some(Value::Texts(merges)) = self.gguf.metadata.get("tokenizer.ggml.merges") else {
            let problem = "the list of merges (tokenizer.ggml.merges) is missing";
            return Err(GgufError::Damaged(problem.into()));
        };
        let pair = |merge: &String| {
            let (left, right) = merge.split_once(' ')?;
            Some((left.to_owned(), right.to_owned()))
        };
        let merges: Option<Vec<_>> = merges.iter().map(pair).collect();
        let merges = merges.ok_or_else(|| {
            GgufError::Damaged("a merge (tokenizer.ggml.merges) is not of two tokens".into())
        })?;
        let vocabulary: Vocab = self.names.iter().cloned().zip(0u32..).collect();
        let model = BPE::builder()
            .vocab_and_merges(vocabulary, merges)
            .build()
            .map_err(damaged)?;
        let mut tokenizer = Tokenizer::new(model);
        tokenizer.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
        let added = self.names.iter().zip(&self.kinds);
        let added = added.filter(|(_, kind)| **kind == USER_DEFINED);
        let added: Vec<AddedToken> = added
            .map(|(name, _)| AddedToken::from(name.clone(), false))
            .collect();
        tokenizer.add_tokens(&added);
        self.framed(tokenizer, Frame::Bert)
    }

    /// The token under the first of these keys that is there, or else of that name.
    fn special(&self, keys: &[&str], name: &str) -> Result<(String, u32), GgufError> {
        let given = keys
            .iter()
            .find_map(|key| self.gguf.number(&format!("tokenizer.ggml.{key}_token_id")));
        let token = given.or_else(|| self.names.iter().position(|known| known == name));
        match token.and_then(|token| Some((self.names.get(token)?, u32::try_from(token).ok()?))) {
            Some((name, token)) => Ok((name.clone(), token)),
            None => Err(GgufError::Damaged(format!(
                "the vocabulary has no token for {name}"
            ))),
        }
    }

    /// The tokenizer with the tokens that stand around a text or between those of a pair.
    fn framed(&self, mut tokenizer: Tokenizer, frame: Frame) -> Result<Tokenizer, GgufError> {
        let (first, last) = match frame {
            Frame::Bert => ("[CLS]", "[SEP]"),
            Frame::Roberta => ("<s>", "</s>"),
        };
        let first = self.special(&["cls", "bos"], first)?;
        // The first of these is how the format spells it.
        let last = self.special(&["seperator", "separator", "eos"], last)?;
        let (single, pair) = match frame {
            Frame::Bert => ("first $A last", "first $A last $B:1 last:1"),
            Frame::Roberta => ("first $A last", "first $A last last $B last"),
        };
        let named = |pattern: &str| pattern.replace("first", &first.0).replace("last", &last.0);
        let template = TemplateProcessing::builder()
            .try_single(named(single))
            .map_err(damaged)?
            .try_pair(named(pair))
            .map_err(damaged)?
            .special_tokens(vec![first, last])
            .build()
            .map_err(damaged)?;
        tokenizer.with_post_processor(Some(template));
        let special = self.names.iter().zip(&self.kinds);
        let special = special.filter(|(_, kind)| **kind == CONTROL);
        let special: Vec<AddedToken> = special
            .map(|(name, _)| AddedToken::from(name.clone(), true))
            .collect();
        tokenizer.add_special_tokens(&special);
        Ok(tokenizer)
    }
}

/// What stands around texts.
#[derive(Clone, Copy)]
enum Frame {
    /// `[CLS] a [SEP] b [SEP]`, the second text of the second type.
    Bert,
    /// `<s> a </s></s> b </s>`, of one type.
    Roberta,
}

/// Whether a token is written in brackets, as those that steer a BERT are.
fn bracketed(name: &str) -> bool {
    name.len() > 2 && name.starts_with('[') && name.ends_with(']')
}

fn damaged(error: impl std::fmt::Display) -> GgufError {
    GgufError::Damaged(format!("its vocabulary makes no tokenizer: {error}"))
}
