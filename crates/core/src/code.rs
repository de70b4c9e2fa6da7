//! Code: whether a question is about it.
//!
//! Prose about a program shares more words with a question than the program does, and buries it.
//! So where a question speaks of code, code gets a head start.

use unicode_segmentation::UnicodeSegmentation;

/// Words that people use of code, in the singular. Many have another sense, so one alone is half
/// a sign.
const WORDS: &str = " api argument async attribute boolean callable callback class cli closure code \
    compiler constant constructor coroutine crate debugger decorator dependency deserialization \
    dictionary endpoint enum exception fixture flag framework function generic getter hook \
    implementation inheritance instance instantiation instantiate interface iterator lambda library \
    macro metaclass method middleware mixin module mutex namespace object override overload \
    package parameter parser pointer property protocol refactor regex runtime serialization setter \
    signature singleton socket stack stacktrace struct subclass superclass thread trait tuple type \
    unittest variable wrapper \
    implement implements inherits inherit invoke invoked invokes instantiated instantiates ";

/// To what degree a question is about code, 0 to 1: an identifier or two words that people use
/// of code suffice.
pub fn is_asked_about(question: &str) -> f32 {
    let identifiers = question.split_whitespace().any(is_identifier);
    let mut words: Vec<String> = question
        .unicode_words()
        .map(|word| singular(&word.to_lowercase()).to_owned())
        .filter(|word| WORDS.contains(&format!(" {word} ")))
        .collect();
    words.sort_unstable();
    words.dedup();
    match (identifiers, words.len()) {
        (true, _) | (_, 2..) => 1.0,
        (false, 1) => 0.5,
        (false, _) => 0.0,
    }
}

fn singular(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with(['s', 'u', 'i']) => stem,
        _ => word,
    }
}

/// Whether a word is written as only code is: `add_url_rule`, `getUserName`, `std::mem`,
/// `run()`, `__init__`.
fn is_identifier(word: &str) -> bool {
    let word =
        word.trim_matches(|c: char| matches!(c, '?' | '.' | ',' | ';' | ':' | '`' | '"' | '\''));
    let is_ascii_word = word
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '(' | ')' | '.'));
    if !is_ascii_word || !word.contains(|c: char| c.is_ascii_lowercase()) {
        return false;
    }
    let bytes = word.as_bytes();
    let humps = bytes
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
        .count();
    // Names of brands have one small letter at most: iPhone, eBay.
    let begins_small = bytes.iter().take_while(|b| b.is_ascii_lowercase()).count() > 1;
    let snake = word.trim_matches('_').contains('_');
    snake
        || word.contains("::")
        || word.ends_with("()")
        || humps > 1
        || (begins_small && humps == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_and_the_words_of_programmers_tell() {
        for question in [
            "Where is add_url_rule called?",
            "what does getUserName return",
            "How does std::mem work",
            "Which class overrides the method that loads templates?",
            "What decorators wrap the callback?",
        ] {
            assert_eq!(is_asked_about(question), 1.0, "{question}");
        }
    }

    #[test]
    fn prose_is_not_about_code() {
        for question in [
            "What is the notice period of the lease?",
            "Who is McDonald's landlord in Berlin?",
            "Wie hoch ist die Miete?",
            "Is the iPhone insured at 12:30 a.m.?",
            "",
        ] {
            assert!(is_asked_about(question) < 1.0, "{question}");
        }
        assert_eq!(is_asked_about("How is kidney function measured?"), 0.5);
    }
}
