//! Follow-up questions: what a question leaves out because the conversation has said it.

use unicode_segmentation::UnicodeSegmentation;

use crate::evidence;

/// Words that point at something said before, in English, German, French and Spanish.
const POINTING: &str = " it its they them their theirs that those this these he him his she her hers \
    there then one ones same also too else instead former latter \
    er sie es ihn ihm ihr ihre dessen deren das dies diese dieser dort dann auch \
    il elle ils elles lui leur ça cela celui celle ello eso esto ese esa allí también ";

/// A question with fewer words that carry meaning is taken as a follow-up.
const FEW_TERMS: usize = 2;

/// Words taken over from the conversation, at most.
const CARRIED: usize = 8;

/// The question as it stands alone: a follow-up carries the words of the questions before it,
/// the latest first. A question that stands alone already is left as it is.
pub fn standalone(question: &str, earlier: &[&str]) -> String {
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
        .flat_map(|question| question.unicode_words())
    {
        let Some(term) = evidence::terms(word).pop() else {
            continue;
        };
        if carried.len() < CARRIED && !known.contains(&term) {
            known.push(term);
            carried.push(word);
        }
    }
    if carried.is_empty() {
        return question.to_owned();
    }
    format!("{} ({})", question.trim(), carried.join(" "))
}

#[cfg(test)]
mod tests {
    use super::standalone;

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
