//! Names in code that a question asks for, and where code defines them.

use std::ops::Range;

use super::in_list;

/// The name of something in code that a question asks for: in backticks, or written as no other
/// word is (`parse_invoice`, `Parser::next`, `getName`, `main()`).
pub fn identifier(asked: &str) -> Option<&str> {
    if let Some((_, rest)) = asked.split_once('`')
        && let Some((name, _)) = rest.split_once('`')
    {
        return Some(name.trim_end_matches("()")).filter(|name| !name.is_empty());
    }
    asked
        .split_whitespace()
        .map(|word| word.trim_matches(['?', '.', ',', ';', '"', '\'', '!', ':']))
        .find_map(|word| {
            let name = word.trim_end_matches("()");
            let parts = name.split("::").flat_map(|part| part.split('.'));
            let is_name = !name.is_empty()
                && parts.clone().all(|part| {
                    part.chars().all(|c| c.is_alphanumeric() || c == '_')
                        && part.starts_with(|c: char| c.is_alphabetic() || c == '_')
                });
            let inner = name.chars().collect::<Vec<_>>();
            let camel = inner
                .windows(2)
                .any(|pair| pair[0].is_lowercase() && pair[1].is_uppercase());
            let marked = name.contains('_') || name.contains("::") || name.len() < word.len();
            (is_name && (marked || camel)).then_some(name)
        })
}

/// Words that a definition begins with, in the languages that docent knows items of.
const DEFINING: &str = " def class fn struct enum trait impl type const static let var val function func     interface module mod macro_rules! namespace sub define #define record object protocol ";

/// Whether a stretch of code defines `name`: a line begins with a word such as `def` or `struct`,
/// and the name follows, before anything is done with it.
pub fn defines(code: &str, name: &str) -> bool {
    definition(code, name).is_some()
}

/// Where the line stands that defines `name`.
pub fn definition(code: &str, name: &str) -> Option<Range<usize>> {
    let name = name.rsplit(['.', ':']).next().unwrap_or(name);
    let mut start = 0;
    for line in code.split_inclusive('\n') {
        let head = line.split(['(', '=', '{', '<']).next().unwrap_or("");
        let mut words = head
            .split(|c: char| c.is_whitespace() || c == ':')
            .filter(|w| !w.is_empty());
        if words.any(|word| in_list(DEFINING, word)) && words.next() == Some(name) {
            let end = start + line.trim_end().len();
            return Some(start + (line.len() - line.trim_start().len())..end);
        }
        start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_code_are_known_by_their_form() {
        assert_eq!(identifier("Where is `main` defined?"), Some("main"));
        assert_eq!(
            identifier("What does Parser::next do?"),
            Some("Parser::next")
        );
        assert_eq!(identifier("What does getName return?"), Some("getName"));
        assert_eq!(identifier("Who signed the lease?"), None);
        let code = "import json\n\n    def dump_all(x, y):\n        return dump_all\n";
        assert_eq!(
            definition(code, "json.dump_all").map(|span| &code[span]),
            Some("def dump_all(x, y):")
        );
        assert!(!defines(code, "x"));
        assert!(defines("pub struct Parser<'a> {", "Parser"));
    }
}
