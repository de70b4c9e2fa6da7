//! What a list or a count asks of each document.

use unicode_segmentation::UnicodeSegmentation;

use super::{DOCUMENT_NOUNS, in_list};
use crate::evidence;

/// What a document may be said to do with a word, however little it says of it.
const MENTIONING: &[&str] = &[
    "mention",
    "mentions",
    "mentioning",
    "mentioned",
    "contain",
    "contains",
    "containing",
    "name",
    "names",
    "naming",
    "refer",
    "refers",
    "referring",
    "include the word",
    "erwähnen",
    "erwähnt",
    "nennen",
    "enthalten",
    "enthält",
    "mentionnent",
    "mentionne",
    "contiennent",
    "mencionan",
    "menciona",
    "contienen",
];

/// What a document may be said to be about.
const ABOUT: &[&str] = &[
    "about",
    "discuss",
    "discusses",
    "discussing",
    "deal",
    "deals",
    "dealing",
    "concern",
    "concerns",
    "concerning",
    "cover",
    "covers",
    "covering",
    "describe",
    "describes",
    "describing",
    "regarding",
    "handeln",
    "behandeln",
    "traitent",
    "parlent",
    "tratan",
    "hablan",
];

/// Words by which a list asks for what is not so.
const WITHOUT: &str = " not no without lack lacks lacking never n't don't doesn't kein keine keinen \
    nicht ohne sans pas aucun aucune sin ningún ninguna ";

/// What a list or a count decides for each document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What is asked of a document, in the question's words.
    pub text: String,
    /// How it has to hold.
    pub test: Test,
    /// Whether documents are wanted for which it does not hold.
    pub negated: bool,
}

impl Condition {
    /// The words with a capital, the first aside: names that have to be there, without common
    /// endings.
    pub fn names(&self) -> Vec<String> {
        let words = self.text.unicode_words().skip(1);
        let names = words.filter(|word| word.starts_with(char::is_uppercase));
        names.flat_map(evidence::terms).collect()
    }
}

/// How a condition has to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// The document holds these very words.
    Mentions,
    /// The document is about it.
    About,
    /// A sentence of the document says so.
    Says,
}

pub(super) fn speaks(verb: &str) -> bool {
    MENTIONING.iter().chain(ABOUT).any(|known| *known == verb)
}

/// What a list or a count asks of each document: the question without the words that ask.
pub fn condition(asked: &str) -> Condition {
    let words: Vec<(usize, &str)> = asked.unicode_word_indices().collect();
    let lower = |at: usize| words[at].1.to_lowercase();
    let is_noun = |word: &str| {
        DOCUMENT_NOUNS
            .iter()
            .any(|(one, many)| *one == word || *many == word)
    };
    let noun = (0..words.len().min(8)).find(|&at| is_noun(&lower(at)));
    let mut from = noun.map_or(0, |at| at + 1);
    let mut test = Test::Says;
    let mut negated = false;
    let fill = " that which there are is was were do does have has had in the this folder of a an any \
        say says speak speaks with to word words term und die der das es qui les des un une que los las ";
    while from < words.len() {
        let word = lower(from);
        if in_list(WITHOUT, &word) {
            negated = true;
        } else if MENTIONING.contains(&word.as_str()) {
            test = Test::Mentions;
        } else if ABOUT.contains(&word.as_str()) {
            test = Test::About;
        } else if !in_list(fill, &word) {
            break;
        }
        from += 1;
    }
    let text = words.get(from).map_or("", |(at, _)| &asked[*at..]);
    Condition {
        text: text.trim_end_matches(['?', '.', '!', ' ']).to_owned(),
        test,
        negated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_of_each_document() {
        let asked = condition("How many of the documents mention ibuprofen?");
        assert_eq!(
            (asked.text.as_str(), asked.test),
            ("ibuprofen", Test::Mentions)
        );
        let about = condition("Which articles are about breast cancer?");
        assert_eq!(
            (about.text.as_str(), about.test),
            ("breast cancer", Test::About)
        );
        let without = condition("Which contracts do not have a cap on liability?");
        assert_eq!(
            (without.text.as_str(), without.test, without.negated),
            ("cap on liability", Test::Says, true)
        );
        let law = condition("Which contracts are governed by New York law?");
        assert_eq!(law.text, "governed by New York law");
        assert_eq!(law.names(), ["new", "york"]);
    }
}
