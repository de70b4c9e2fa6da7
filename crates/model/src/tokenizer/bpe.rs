//! Byte-pair encoding on bytes, with the ways of cutting words that the model families have.

use std::collections::HashSet;

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;

use super::Vocabulary;
use crate::gguf::{Gguf, GgufError, Value};

/// How GPT-2 cuts words.
const GPT2_WORDS: &str =
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
/// How Llama 3 cuts words: numbers by up to three digits.
const LLAMA3_WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// How Qwen 2 cuts words: numbers by single digits.
const QWEN2_WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// How Mistral's Tekken cuts words: also where small letters end and capitals begin.
const TEKKEN_WORDS: &str = r"[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))*((?=[\p{L}])([^A-Z]))+|[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))+((?=[\p{L}])([^A-Z]))*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// How GPT-4o and Phi 4 mini cut words.
const GPT4O_WORDS: &str = r"[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))*((?=[\p{L}])([^A-Z]))+(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))+((?=[\p{L}])([^A-Z]))*(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The families of `tokenizer.ggml.pre`, by how they cut words. The expressions are those of
/// llama.cpp, which files are made for; each cuts the pieces that the one before it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// For files that do not say.
    Default,
    Gpt2,
    /// As GPT-2, with single digits.
    Smollm,
    Llama3,
    /// As Llama 3, where a word that is a token is still built by merges.
    Dbrx,
    Qwen2,
    Tekken,
    Gpt4o,
}

/// The names of the families, for a person.
const FAMILIES: &str = "docent has default, gpt-2, phi-2, olmo, mpt, jais, smollm, starcoder, \
    refact, command-r, codeshell, exaone, minerva-7b, llama-bpe, falcon3, dbrx, smaug-bpe, \
    chatglm-bpe, glm4, qwen2, stablelm2, deepseek-r1-qwen, hunyuan, megrez, tekken and gpt-4o: \
    choose another model";

impl Family {
    fn of(gguf: &Gguf) -> Result<Family, GgufError> {
        match gguf.text("tokenizer.ggml.pre").unwrap_or("default") {
            "default" => Ok(Family::Default),
            "gpt-2" | "gpt2" | "phi-2" | "olmo" | "mpt" | "jais" => Ok(Family::Gpt2),
            "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" | "exaone"
            | "minerva-7b" => Ok(Family::Smollm),
            "llama-bpe" | "llama3" | "llama-v3" | "falcon3" => Ok(Family::Llama3),
            "dbrx" | "smaug-bpe" | "chatglm-bpe" | "glm4" => Ok(Family::Dbrx),
            "qwen2" | "stablelm2" | "deepseek-r1-qwen" | "hunyuan" | "megrez" => Ok(Family::Qwen2),
            "tekken" => Ok(Family::Tekken),
            "gpt-4o" => Ok(Family::Gpt4o),
            other => Err(GgufError::Unsupported(
                format!("its tokenizer cuts words in the way {other}"),
                FAMILIES.into(),
            )),
        }
    }

    /// The expressions that cut words, in order.
    fn expressions(self) -> &'static [&'static str] {
        match self {
            Family::Default => &[
                r"[\p{P}\$\+<=>\^~\|]+",
                GPT2_WORDS,
                r"\p{N}+",
                r"[0-9][0-9][0-9]",
            ],
            Family::Gpt2 => &[GPT2_WORDS],
            Family::Smollm => &[r"\p{N}", GPT2_WORDS],
            Family::Llama3 | Family::Dbrx => &[LLAMA3_WORDS],
            Family::Qwen2 => &[QWEN2_WORDS],
            Family::Tekken => &[TEKKEN_WORDS],
            Family::Gpt4o => &[GPT4O_WORDS],
        }
    }

    /// Whether a word that is a token is taken as it is, without building it by merges.
    fn takes_words(self) -> bool {
        matches!(self, Family::Llama3 | Family::Tekken)
    }

    fn pre_tokenizer(self) -> Result<PreTokenizerWrapper, String> {
        let mut steps: Vec<PreTokenizerWrapper> = Vec::new();
        for expression in self.expressions() {
            let pattern = SplitPattern::Regex((*expression).into());
            let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false);
            steps.push(split.map_err(|error| error.to_string())?.into());
        }
        // Writes bytes as printable characters.
        steps.push(ByteLevel::new(false, true, false).into());
        Ok(Sequence::new(steps).into())
    }
}

/// Refuses files whose way of cutting words docent does not have.
pub(super) fn check(gguf: &Gguf) -> Result<(), GgufError> {
    Family::of(gguf).map(|_| ())
}

/// A byte-pair encoder.
pub(super) struct Bpe(tokenizers::Tokenizer);

impl Bpe {
    /// The encoder that a GGUF file describes. Tokens that steer the model are no part of it,
    /// so no text can become one.
    pub(super) fn new(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<Bpe, GgufError> {
        let family = Family::of(gguf)?;
        let Some(Value::Texts(merges)) = gguf.metadata.get("tokenizer.ggml.merges") else {
            let problem = "the list of merges (tokenizer.ggml.merges) is missing";
            return Err(GgufError::Damaged(problem.into()));
        };
        let known: HashSet<&str> = vocabulary.texts().map(|(_, name)| name).collect();
        let mut kept = Vec::with_capacity(merges.len());
        let mut merged = String::new();
        for merge in merges {
            // A merge of or into a control token is left out with the token.
            if let Some((left, right)) = merge.split_once(' ') {
                merged.clear();
                merged.push_str(left);
                merged.push_str(right);
                if [left, right, &merged]
                    .iter()
                    .all(|part| known.contains(*part))
                {
                    kept.push((left.to_owned(), right.to_owned()));
                }
            }
        }
        let tokens: Vocab = vocabulary
            .texts()
            .map(|(id, name)| (name.to_owned(), id))
            .collect();
        let build = || -> Result<tokenizers::Tokenizer, String> {
            let model = BPE::builder()
                .vocab_and_merges(tokens, kept)
                .ignore_merges(family.takes_words())
                .build()
                .map_err(|error| error.to_string())?;
            let mut tokenizer = tokenizers::Tokenizer::new(model);
            tokenizer.with_pre_tokenizer(Some(family.pre_tokenizer()?));
            Ok(tokenizer)
        };
        build()
            .map(Bpe)
            .map_err(|error| GgufError::Damaged(format!("its tokenizer makes no sense: {error}")))
    }

    /// Appends the tokens of `text`.
    pub(super) fn encode(&self, text: &str, tokens: &mut Vec<u32>) {
        // Without added tokens, padding and truncation nothing in here can fail: characters that
        // the vocabulary lacks are left out.
        if let Ok(encoding) = self.0.encode_fast(text, false) {
            tokens.extend_from_slice(encoding.get_ids());
        }
    }
}

/// The bytes that a token stands for: each of its characters is one.
pub(super) fn bytes_of(token: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(token.len());
    for character in token.chars() {
        match byte_of(character) {
            Some(byte) => bytes.push(byte),
            // Tokens that a model's makers added are written as they are.
            None => bytes.extend(character.to_string().as_bytes()),
        }
    }
    bytes
}

/// The byte that a character stands for. Printable bytes stand for themselves, the other 68 are
/// written as the characters from U+0100 on, in order.
fn byte_of(character: char) -> Option<u8> {
    let code = u32::from(character);
    match code {
        33..=126 | 161..=172 | 174..=255 => Some(code as u8),
        256..=288 => Some((code - 256) as u8),
        289..=322 => Some((code - 289 + 127) as u8),
        323 => Some(173),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tokenizers::tokenizer::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

    use super::*;

    fn words(family: Family, text: &str) -> Vec<String> {
        let mut cut = PreTokenizedString::from(text);
        family
            .pre_tokenizer()
            .unwrap()
            .pre_tokenize(&mut cut)
            .unwrap();
        cut.get_splits(OffsetReferential::Original, OffsetType::Byte)
            .into_iter()
            .map(|(word, _, _)| String::from_utf8(bytes_of(word)).unwrap())
            .collect()
    }

    #[test]
    fn each_family_cuts_words_its_own_way() {
        let text = "Don't pay 12345\n\n  now!";
        let gpt2 = ["Don", "'t", " pay", " 12345", "\n\n ", " now", "!"];
        assert_eq!(words(Family::Gpt2, text), gpt2);
        let smollm = [
            "Don", "'t", " pay", " ", "1", "2", "3", "4", "5", "\n\n ", " now", "!",
        ];
        assert_eq!(words(Family::Smollm, text), smollm);
        let llama = [
            "Don", "'t", " pay", " ", "123", "45", "\n\n", " ", " now", "!",
        ];
        assert_eq!(words(Family::Llama3, text), llama);
        let qwen = [
            "Don", "'t", " pay", " ", "1", "2", "3", "4", "5", "\n\n", " ", " now", "!",
        ];
        assert_eq!(words(Family::Qwen2, text), qwen);
        let default = [
            "Don", "'", "t", " pay", " ", "123", "45", "\n\n ", " now", "!",
        ];
        assert_eq!(words(Family::Default, text), default);
        let tekken = ["an", " Http", "Server", " ", "1", "2"];
        assert_eq!(words(Family::Tekken, "an HttpServer 12"), tekken);
        let gpt4o = ["Don't", " pay", " ", "123", "45", "\n\n", " ", " now", "!"];
        assert_eq!(words(Family::Gpt4o, text), gpt4o);
    }

    #[test]
    fn every_byte_has_a_character_of_its_own() {
        let alphabet = ByteLevel::alphabet();
        let bytes: HashSet<u8> = alphabet.into_iter().filter_map(byte_of).collect();
        assert_eq!(bytes.len(), 256);
        assert_eq!(byte_of('Ġ'), Some(b' '));
        assert_eq!(byte_of('Ċ'), Some(b'\n'));
    }
}
