//! Prompts: numbered passages and a question, laid out within a budget of tokens.
//!
//! The layout is append-only: rules first, then the passages, then the question, so that what
//! was read once stays a prefix. Passages are fenced and named as quotations; nothing in them is
//! an instruction.

use crate::answer::one_line;
use crate::document::Locator;
use crate::model::{Message, Role};

/// A passage as the prompt shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptPassage<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// Path of its file.
    pub path: &'a str,
    /// Where it stands.
    pub locator: &'a Locator,
    /// The headings above it.
    pub heading_path: &'a [String],
    /// Its text.
    pub text: &'a str,
}

/// The passage as it stands in the prompt.
pub fn lay_out_passage(passage: &PromptPassage<'_>) -> String {
    let place = std::iter::once(format!("{}, {}", passage.path, passage.locator))
        .chain(passage.heading_path.iter().map(|heading| one_line(heading)))
        .collect::<Vec<_>>()
        .join(" › ");
    format!("[{}] {place}\n{}\n\n", passage.number, passage.text.trim())
}

/// A question and answer of before.
#[derive(Debug, Clone, PartialEq)]
pub struct PastTurn<'a> {
    /// What was asked.
    pub question: &'a str,
    /// What was answered.
    pub answer: &'a str,
}

/// The chat that the model continues: `rules` as the system's message, past turns, then the
/// passages (each from [`lay_out_passage`]) and the question in one message of the user.
pub fn lay_out(
    rules: &str,
    past: &[PastTurn<'_>],
    passages: &[String],
    question: &str,
) -> Vec<Message> {
    let message = |role, content: String| Message { role, content };
    let mut messages = vec![message(Role::System, rules.trim().to_owned())];
    for turn in past {
        messages.push(message(Role::User, turn.question.to_owned()));
        messages.push(message(Role::Assistant, turn.answer.to_owned()));
    }
    let quoted: String = passages.concat();
    messages.push(message(
        Role::User,
        format!("Passages:\n\n{quoted}Question: {}", one_line(question)),
    ));
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passages_are_numbered_and_the_question_comes_last() {
        let path = ["Rent".to_owned()];
        let passage = lay_out_passage(&PromptPassage {
            number: 1,
            path: "lease.pdf",
            locator: &Locator::page(2, 1, 3),
            heading_path: &path,
            text: " Due monthly.\n",
        });
        assert_eq!(passage, "[1] lease.pdf, page 2 › Rent\nDue monthly.\n\n");
        let past = PastTurn {
            question: "Who?",
            answer: "Ames.",
        };
        let messages = lay_out("Rules.", &[past], &[passage], "When is\nrent due?");
        let roles: Vec<Role> = messages.iter().map(|m| m.role).collect();
        assert_eq!(
            roles,
            [Role::System, Role::User, Role::Assistant, Role::User]
        );
        let last = &messages[3].content;
        assert!(last.starts_with("Passages:\n\n[1] lease.pdf"));
        assert!(last.ends_with("Question: When is rent due?"));
    }
}
