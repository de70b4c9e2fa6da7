//! The tokens that a GGUF file lists, and which of them steer the model.

use std::collections::HashMap;

use crate::gguf::{Gguf, GgufError, Value};

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It stands for text.
    Text,
    /// It stands for one byte, written `<0x0A>`.
    Byte,
    /// It stands for its own text and is looked for before text is cut into words.
    Literal,
    /// It steers the model: the beginning of a message, the end of an answer.
    Control,
    /// Neither text nor anything that a template writes.
    Unused,
}

/// Names under which models end a message. A file may list an end for the text and forget the
/// one for the message.
const ENDS: [&str; 9] = [
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "</s>",
    "<eos>",
];

/// The tokens of a model.
pub(crate) struct Vocabulary {
    names: Vec<String>,
    kinds: Vec<Kind>,
    /// Tokens that a template may write.
    markers: Names,
    /// Tokens that stand for their own text wherever it is written, such as runs of line feeds.
    literals: Names,
    ends: Vec<u32>,
    beginning: Option<u32>,
    adds_beginning: bool,
}

impl Vocabulary {
    /// The vocabulary that a GGUF file lists.
    pub(crate) fn from_gguf(gguf: &Gguf) -> Result<Vocabulary, GgufError> {
        let Some(Value::Texts(names)) = gguf.metadata.get("tokenizer.ggml.tokens") else {
            let problem = "the list of tokens (tokenizer.ggml.tokens) is missing";
            return Err(GgufError::Damaged(problem.into()));
        };
        let id = |key: &str| {
            let id = gguf.number(&format!("tokenizer.ggml.{key}_token_id"));
            id.filter(|&id| id < names.len()).map(|id| id as u32)
        };
        let kinds = kinds(gguf, names)?;
        let mut vocabulary = Vocabulary {
            names: names.clone(),
            kinds,
            markers: Names::default(),
            literals: Names::default(),
            ends: [id("eos"), id("eot"), id("eom")]
                .into_iter()
                .flatten()
                .collect(),
            beginning: id("bos"),
            adds_beginning: adds_beginning(gguf),
        };
        vocabulary.add_named_ends();
        for steering in vocabulary.ends.iter().chain(&vocabulary.beginning) {
            vocabulary.kinds[*steering as usize] = Kind::Control;
        }
        vocabulary.collect_markers();
        Ok(vocabulary)
    }

    fn add_named_ends(&mut self) {
        for (id, name) in self.names.iter().enumerate() {
            let id = id as u32;
            if self.kinds[id as usize] == Kind::Control
                && ENDS.contains(&name.as_str())
                && !self.ends.contains(&id)
            {
                self.ends.push(id);
            }
        }
    }

    fn collect_markers(&mut self) {
        for (id, name) in self.names.iter().enumerate() {
            match self.kinds[id] {
                Kind::Control => self.markers.add(name, id as u32),
                Kind::Literal => self.literals.add(name, id as u32),
                _ => {}
            }
        }
        self.markers.sort(&self.names);
        self.literals.sort(&self.names);
    }

    /// The number of tokens.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// A token as the file writes it.
    pub(crate) fn name(&self, token: u32) -> Option<&str> {
        self.names.get(token as usize).map(String::as_str)
    }

    /// A token as the file writes it, if it stands for text.
    pub(crate) fn written(&self, token: u32) -> Option<&str> {
        let name = self.name(token)?;
        let kind = self.kinds[token as usize];
        matches!(kind, Kind::Text | Kind::Byte | Kind::Literal).then_some(name)
    }

    /// The tokens that stand for text, with what they stand for.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (u32, &str)> {
        self.of_kind(Kind::Text)
    }

    /// The tokens that stand for a byte each.
    pub(crate) fn bytes(&self) -> impl Iterator<Item = (u32, &str)> {
        self.of_kind(Kind::Byte)
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (u32, &str)> {
        let all = self.names.iter().zip(&self.kinds).enumerate();
        all.filter(move |(_, (_, is))| **is == kind)
            .map(|(id, (name, _))| (id as u32, name.as_str()))
    }

    /// Whether the model says by this token that it is done.
    pub(crate) fn is_end(&self, token: u32) -> bool {
        self.ends.contains(&token)
    }

    /// The token with which every prompt begins, for models that want one.
    pub(crate) fn first(&self) -> Option<u32> {
        self.beginning.filter(|_| self.adds_beginning)
    }

    /// The token that a template calls `bos_token`; empty if there is none.
    pub(crate) fn beginning_name(&self) -> &str {
        self.beginning
            .and_then(|id| self.name(id))
            .unwrap_or_default()
    }

    /// The token that a template calls `eos_token`; empty if there is none.
    pub(crate) fn end_name(&self) -> &str {
        self.ends
            .first()
            .and_then(|&id| self.name(id))
            .unwrap_or_default()
    }

    /// Splits a layout at its first control token: what stands before, the token, what follows.
    pub(crate) fn split_marker<'a>(&self, layout: &'a str) -> Option<(&'a str, u32, &'a str)> {
        self.markers.split(&self.names, layout)
    }

    /// Splits a text at the first token that stands for its own text.
    pub(crate) fn split_literal<'a>(&self, text: &'a str) -> Option<(&'a str, u32, &'a str)> {
        self.literals.split(&self.names, text)
    }

    /// Whether a token stands for its own text, as it is written.
    pub(crate) fn is_literal(&self, token: u32) -> bool {
        self.kinds.get(token as usize) == Some(&Kind::Literal)
    }
}

/// Tokens to be looked for in a text, by their first byte, the longest first.
#[derive(Default)]
struct Names(HashMap<u8, Vec<u32>>);

impl Names {
    fn add(&mut self, name: &str, id: u32) {
        if let Some(&first) = name.as_bytes().first() {
            self.0.entry(first).or_default().push(id);
        }
    }

    fn sort(&mut self, names: &[String]) {
        for ids in self.0.values_mut() {
            ids.sort_by_key(|&id| std::cmp::Reverse(names[id as usize].len()));
        }
    }

    /// What stands before the first of these tokens, the token, and what follows.
    fn split<'a>(&self, names: &[String], text: &'a str) -> Option<(&'a str, u32, &'a str)> {
        if self.0.is_empty() {
            return None;
        }
        text.char_indices().find_map(|(at, _)| {
            let (before, rest) = text.split_at(at);
            let candidates = self.0.get(rest.as_bytes().first()?)?;
            candidates.iter().find_map(|&id| {
                let after = rest.strip_prefix(names[id as usize].as_str())?;
                Some((before, id, after))
            })
        })
    }
}

/// Whether a prompt begins with the token for it. The file may say; else it goes by the family.
fn adds_beginning(gguf: &Gguf) -> bool {
    gguf.flag("tokenizer.ggml.add_bos_token")
        .unwrap_or_else(|| {
            let pieces = gguf.text("tokenizer.ggml.model") == Some("llama");
            let llama3 = matches!(
                gguf.text("tokenizer.ggml.pre"),
                Some("llama-bpe" | "llama3" | "llama-v3")
            );
            pieces || llama3
        })
}

/// What each token is for. Without the list of kinds, names between angles and bars steer.
fn kinds(gguf: &Gguf, names: &[String]) -> Result<Vec<Kind>, GgufError> {
    match gguf.metadata.get("tokenizer.ggml.token_type") {
        Some(Value::Integers(types)) if types.len() == names.len() => {
            let pairs = names.iter().zip(types);
            Ok(pairs.map(|(name, &kind)| kind_of(name, kind)).collect())
        }
        Some(Value::Integers(types)) => Err(GgufError::Damaged(format!(
            "there are {} tokens and {} token types",
            names.len(),
            types.len()
        ))),
        _ => Ok(names.iter().map(|name| kind_of(name, 0)).collect()),
    }
}

/// What a token of a GGUF token type is for.
fn kind_of(name: &str, token_type: i64) -> Kind {
    let barred = name.starts_with("<|") && name.ends_with("|>");
    let bracketed = name.starts_with('<') && name.ends_with('>')
        || name.starts_with('[') && name.ends_with(']');
    match token_type {
        3 => Kind::Control,
        2 | 5 => Kind::Unused,
        6 => Kind::Byte,
        // Added by the model's makers: `<tool_call>` steers, a run of line feeds is text.
        4 if bracketed && name.len() > 2 => Kind::Control,
        4 => Kind::Literal,
        0 if barred => Kind::Control,
        _ => Kind::Text,
    }
}
