//! Answers: quoted evidence first, then the model's words, each sentence with its standing.

use serde::{Deserialize, Serialize};

use crate::citation::Citation;

/// What stands behind a sentence that the model wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Support {
    /// Citations whose passages say it, by [`Citation::number`].
    Cited {
        /// The numbers, ascending.
        citations: Vec<usize>,
    },
    /// Nothing that was retrieved says it.
    Unsupported,
    /// It claims nothing that could be supported ("Here is what I found:").
    NoClaim,
}

/// A sentence that the model wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentence {
    /// The words, without citation marks.
    pub text: String,
    /// What stands behind it.
    pub support: Support,
}

/// An answer, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The sentences of the documents that answer best, best first, by [`Citation::number`].
    pub evidence: Vec<usize>,
    /// What the model wrote.
    pub sentences: Vec<Sentence>,
    /// Everything that the answer points to; each was found in its document.
    pub citations: Vec<Citation>,
    /// Whether docent says that it found nothing that bears on the question.
    pub abstained: bool,
    /// Whether the model was stopped before it was done.
    pub stopped: bool,
}

impl Answer {
    /// The answer as plain text: quotes with their numbers, then the model's sentences;
    /// an unsupported one opens with `?`.
    pub fn to_text(&self) -> String {
        let mut lines: Vec<String> = self
            .evidence
            .iter()
            .filter_map(|number| self.citations.iter().find(|c| c.number == *number))
            .map(|c| format!("“{}” [{}]", one_line(&c.quote), c.number))
            .collect();
        let wording: Vec<String> = self.sentences.iter().map(Sentence::to_text).collect();
        if !wording.is_empty() {
            lines.push(wording.join(" "));
        }
        lines.join("\n")
    }
}

impl Sentence {
    /// The sentence with its marks: `[n]` for citations, a leading `?` without support.
    pub fn to_text(&self) -> String {
        match &self.support {
            Support::NoClaim => self.text.clone(),
            Support::Unsupported => format!("?{}", self.text),
            Support::Cited { citations } => {
                let marks: String = citations.iter().map(|n| format!(" [{n}]")).collect();
                let body = self
                    .text
                    .trim_end_matches(['.', '!', '?', '。', '！', '？']);
                format!("{body}{marks}{}", &self.text[body.len()..])
            }
        }
    }
}

/// Text with every run of white space as one blank.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_before_the_full_stop() {
        let sentence = Sentence {
            text: "The notice is ninety days.".into(),
            support: Support::Cited {
                citations: vec![1, 3],
            },
        };
        assert_eq!(sentence.to_text(), "The notice is ninety days [1] [3].");
    }

    #[test]
    fn unsupported_sentences_are_marked() {
        let answer = Answer {
            sentences: vec![Sentence {
                text: "The deposit is kept.".into(),
                support: Support::Unsupported,
            }],
            ..Answer::default()
        };
        assert_eq!(answer.to_text(), "?The deposit is kept.");
    }
}
