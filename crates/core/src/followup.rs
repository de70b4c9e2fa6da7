//! Follow-up questions: what a question leaves out because the conversation has said it.

use unicode_segmentation::UnicodeSegmentation;

use crate::{evidence, sentence};

/// Words that point at something said before, in English, German, French and Spanish.
const POINTING: &str = " it its they them their theirs that those this these he him his she her hers \
    there then one ones same also too else instead former latter \
    er sie es ihn ihm ihr ihre dessen deren das dies diese dieser dort dann auch \
    il elle ils elles lui leur ça cela celui celle ello eso esto ese esa allí también ";

/// A question with fewer words that carry meaning is taken as a follow-up.
const FEW_TERMS: usize = 2;

/// Words taken over from the conversation, at most.
const CARRIED: usize = 8;
/// Names taken over from the last answer, at most.
const CARRIED_NAMES: usize = 3;

/// A turn of the conversation so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn<'a> {
    /// What was asked.
    pub question: &'a str,
    /// What was answered.
    pub answer: &'a str,
}

/// The question as it stands alone: a follow-up carries the words of the questions before it,
/// the latest first, and names of the last answer, which "he", "it" or "there" may stand for. A
/// question that stands alone already is left as it is.
pub fn standalone(question: &str, earlier: &[Turn<'_>]) -> String {
    let own = evidence::terms(question);
    let points = question
        .unicode_words()
        .any(|word| POINTING.contains(&format!(" {} ", word.to_lowercase())));
    if earlier.is_empty() || !(points || own.len() < FEW_TERMS) {
        return question.to_owned();
    }
    let mut carried: Vec<&str> = Vec::new();
    let mut known = own;
    for word in earlier
        .iter()
        .rev()
        .flat_map(|turn| turn.question.unicode_words())
    {
        let Some(term) = evidence::terms(word).pop() else {
            continue;
        };
        if carried.len() < CARRIED && !known.contains(&term) {
            known.push(term);
            carried.push(word);
        }
    }
    let answer = earlier.last().map_or("", |turn| turn.answer);
    let mut names = 0;
    for name in names_in(answer) {
        let Some(term) = evidence::terms(name).pop() else {
            continue;
        };
        if names < CARRIED_NAMES && !known.contains(&term) {
            known.push(term);
            carried.push(name);
            names += 1;
        }
    }
    if carried.is_empty() {
        return question.to_owned();
    }
    format!("{} ({})", question.trim(), carried.join(" "))
}

/// Words with a capital that begin no sentence: mostly names.
fn names_in(text: &str) -> impl Iterator<Item = &str> {
    sentence::sentences(text).into_iter().flat_map(|span| {
        let words = text[span].unicode_words().skip(1);
        words.filter(|word| word.starts_with(char::is_uppercase) && word.chars().count() > 1)
    })
}

#[cfg(test)]
mod tests {
    use super::Turn;

    fn standalone(question: &str, earlier: &[&str]) -> String {
        let turns: Vec<Turn<'_>> = earlier
            .iter()
            .map(|question| Turn {
                question,
                answer: "",
            })
            .collect();
        super::standalone(question, &turns)
    }

    #[test]
    fn names_of_the_last_answer_are_carried() {
        let turn = Turn {
            question: "Who designed the bridge?",
            answer: "The bridge was designed by Ada Ames.",
        };
        assert_eq!(
            super::standalone("When was she born?", &[turn]),
            "When was she born? (designed bridge Ada Ames)"
        );
    }

    #[test]
    fn a_follow_up_carries_what_it_is_about() {
        assert_eq!(
            standalone(
                "And what if they are late with it?",
                &["Who pays the rent for the garage?"]
            ),
            "And what if they are late with it? (pays rent garage)"
        );
    }

    #[test]
    fn a_question_that_stands_alone_is_left_alone() {
        let question = "Which insurance covers water damage?";
        assert_eq!(standalone(question, &["Who pays the rent?"]), question);
        assert_eq!(standalone("Why?", &[]), "Why?");
    }

    #[test]
    fn the_latest_question_comes_first_and_nothing_twice() {
        assert_eq!(
            standalone("Why?", &["Who pays the rent?", "When is rent due?"]),
            "Why? (rent due pays)"
        );
    }
}
