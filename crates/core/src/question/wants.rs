//! What an answer is made of: a name, a time, a number.

use unicode_segmentation::UnicodeSegmentation;

use super::{in_list, lower_words};

/// What the answer is made of, as far as the question tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wants {
    /// Anything.
    #[default]
    Anything,
    /// A name: of a person, a company, a place.
    Name,
    /// A date, a year, a time.
    Time,
    /// A number or an amount.
    Number,
}

/// What the answer is made of.
pub(super) fn wants(words: &[String]) -> Wants {
    let text = format!(" {} ", words.join(" "));
    let has = |phrases: &[&str]| phrases.iter().any(|p| text.contains(&format!(" {p} ")));
    if has(&[
        "how many",
        "how much",
        "how old",
        "how long",
        "how far",
        "how tall",
        "how high",
        "how large",
        "how big",
        "how often",
        "how fast",
        "percentage",
        "percent",
        "what number",
        "what amount",
        "wie viele",
        "wie viel",
        "wie hoch",
        "wie lange",
        "wie alt",
        "combien",
        "cuántos",
        "cuántas",
        "cuánto",
        "cuánta",
    ]) {
        Wants::Number
    } else if has(&[
        "when",
        "what year",
        "which year",
        "what date",
        "what day",
        "what month",
        "what century",
        "what decade",
        "how long ago",
        "wann",
        "quand",
        "cuándo",
    ]) {
        Wants::Time
    } else if has(&[
        "who",
        "whom",
        "whose",
        "where",
        "what city",
        "what country",
        "what place",
        "which city",
        "which country",
        "wer",
        "wem",
        "wen",
        "wo",
        "qui",
        "où",
        "quién",
        "quiénes",
        "dónde",
    ]) {
        Wants::Name
    } else {
        Wants::Anything
    }
}

/// Months and units of time, in the four languages.
const TIMES: &str = " january february march april may june july august september october november \
    december monday tuesday wednesday thursday friday saturday sunday century centuries decade year \
    years month months day days week weeks today januar februar märz mai juni juli oktober dezember \
    jahr jahre jahrhundert janvier février mars avril juin juillet août septembre octobre novembre \
    décembre an ans année siècle enero febrero marzo abril mayo junio julio agosto septiembre octubre \
    noviembre diciembre año años siglo ";

/// Numbers in words.
const NUMBERS: &str = " one two three four five six seven eight nine ten eleven twelve twenty thirty \
    forty fifty sixty hundred thousand million billion half dozen third quarter percent none twice once \
    zwei drei vier fünf sechs sieben acht neun zehn hundert tausend deux trois quatre cinq six sept \
    huit neuf dix cent mille dos tres cuatro cinco seis siete ocho nueve diez cien mil ";

impl Wants {
    /// Whether a sentence holds something of this kind that the question does not.
    pub fn is_in(self, sentence: &str, question: &str) -> bool {
        let mut words = sentence.unicode_words();
        match self {
            Wants::Anything => false,
            Wants::Number => words.any(|word| {
                word.contains(|c: char| c.is_ascii_digit())
                    || in_list(NUMBERS, &word.to_lowercase())
            }),
            Wants::Time => words.any(|word| {
                (word.len() >= 3 && word.chars().all(|c| c.is_ascii_digit()))
                    || in_list(TIMES, &word.to_lowercase())
            }),
            Wants::Name => {
                let known = lower_words(question);
                // The first word of a sentence is capital whatever it is.
                words.skip(1).any(|word| {
                    word.starts_with(char::is_uppercase) && !known.contains(&word.to_lowercase())
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::read;

    #[test]
    fn answers_hold_what_is_wanted() {
        assert_eq!(read("When was it built?").wants, Wants::Time);
        assert!(Wants::Time.is_in("It was built in 1911.", "When was it built?"));
        assert!(Wants::Name.is_in("It was led by Ada Ames.", "Who led it?"));
        assert!(!Wants::Name.is_in("The Club was led well.", "Who led the club?"));
        assert!(Wants::Number.is_in("There were two.", "How many were there?"));
    }
}
