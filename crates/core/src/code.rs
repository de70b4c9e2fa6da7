//! Code: whether a question is about it, and what an item of it says of itself.
//!
//! Prose about a program shares more words with a question than the program does, and buries it.
//! So where a question speaks of code, code gets a head start.

use unicode_segmentation::UnicodeSegmentation;

use crate::codebase::purpose::without_marks;

/// Lines of an item among which its name and its comment are sought.
const HEAD_LINES: usize = 60;
/// A longer comment or signature is cut.
const GIST_CHARS: usize = 120;

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

/// `Parser` of `Parser::next`, `Flask` of `Flask.run`: the item that holds this one.
pub fn holder(item: &str) -> Option<&str> {
    let holder = item[..item.rfind(['.', ':'])?].trim_end_matches([':', '.']);
    (!holder.is_empty()).then_some(holder)
}

/// How an item begins: its signature, and the beginning of the comment before it or of the
/// string after it that says what it is for. `None` where it has neither.
pub fn gist(item: &str) -> Option<String> {
    let lines = || item.lines().map(str::trim).take(HEAD_LINES);
    let is_aside = |line: &&str| {
        line.is_empty()
            || is_comment(line)
            || line.starts_with(['@', ']'])
            || line.starts_with("#[")
    };
    let before: Vec<&str> = lines()
        .take_while(is_aside)
        .filter(|l| is_comment(l))
        .collect();
    let signature = lines().find(|line| !is_aside(line)).unwrap_or_default();
    let comment = match before.is_empty() {
        false => before.join("\n"),
        true => docstring(lines().skip_while(is_aside).skip(1)),
    };
    let comment = without_marks(&comment);
    let parts = [signature.trim_end_matches(['{', ' ', ':']), comment.trim()];
    let parts = parts.iter().filter(|part| !part.is_empty());
    let parts: Vec<String> = parts
        .map(|part| part.chars().take(GIST_CHARS).collect())
        .collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

fn is_comment(line: &str) -> bool {
    let marks = ["//", "/*", "*", "# ", "--", ";;"];
    marks.iter().any(|mark| line.starts_with(mark)) || line == "#"
}

/// The string with which the body of an item begins, as in Python.
fn docstring<'t>(lines: impl Iterator<Item = &'t str>) -> String {
    // A signature may go on for some lines.
    let mut lines = lines
        .take(HEAD_LINES / 2)
        .skip_while(|line| !begins_string(line));
    let mut words = Vec::new();
    for line in &mut lines {
        words.push(line.trim_matches(|c| matches!(c, '"' | '\'' | 'r')));
        let is_whole = line.len() > 5 && line.ends_with(['"', '\'']);
        if is_whole || (words.len() > 1 && line.is_empty()) {
            break;
        }
    }
    words.join("\n")
}

fn begins_string(line: &str) -> bool {
    let line = line.trim_start_matches(['r', 'u', 'R', 'U']);
    line.starts_with("\"\"\"") || line.starts_with("'''")
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
    fn the_gist_of_an_item_is_its_signature_and_what_it_is_for() {
        let gist = |item| gist(item).unwrap_or_default();
        assert_eq!(
            gist(
                "/// Steps once.\n///\n/// More.\n#[inline]\npub fn next(&self) -> bool {\n    true\n}"
            ),
            "pub fn next(&self) -> bool · Steps once. More."
        );
        assert_eq!(
            gist(
                "@cache\ndef load(\n    name,\n):\n    \"\"\"Loads it.\n\n    Then more.\n    \"\"\"\n    return 1"
            ),
            "def load( · Loads it."
        );
        assert_eq!(
            gist("/**\n * Opens a file.\n */\nvoid open() {"),
            "void open() · Opens a file."
        );
        assert_eq!(gist("x = 1"), "x = 1");
        assert_eq!(super::gist("\n\n"), None);
        assert_eq!(gist(&"y".repeat(500)).len(), GIST_CHARS);
        assert_eq!(holder("a::Parser::next"), Some("a::Parser"));
        assert_eq!(holder("Flask.run"), Some("Flask"));
        assert_eq!(holder("main"), None);
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
