//! Words that a line break has cut in two.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault};

use rustc_hash::FxHasher;

/// The words of a document, by their hashes.
pub(super) struct Vocabulary(HashSet<u64, BuildHasherDefault<FxHasher>>);

impl Vocabulary {
    /// The words of all lines, hyphenated ones as one word and each part on its own; without
    /// the halves of words that are cut between two lines.
    pub(super) fn of<'t>(lines: impl Iterator<Item = &'t str>) -> Vocabulary {
        let mut words = HashSet::default();
        let mut cut = false;
        for line in lines {
            let mut whole = line.trim();
            if std::mem::replace(&mut cut, may_go_on(line)) {
                whole = whole.split_once(' ').map_or("", |(_, rest)| rest);
            }
            if cut {
                whole = whole.rsplit_once(' ').map_or("", |(rest, _)| rest);
            }
            for word in whole.split(|c: char| !c.is_alphanumeric() && c != '-') {
                if word.contains('-') {
                    words.extend(word.split('-').map(hash));
                }
                words.insert(hash(word));
            }
        }
        Vocabulary(words)
    }

    fn has(&self, word: &str) -> bool {
        self.0.contains(&hash(word))
    }

    /// Whether two halves look like words of their own, which a hyphen binds: both are known,
    /// or the first one is and is long, or it often stands before one.
    fn is_compound(&self, head: &str, tail: &str) -> bool {
        const BEFORE_WORDS: [&str; 9] = [
            "anti", "co", "cross", "mid", "multi", "non", "post", "self", "semi",
        ];
        let known = |word: &str, least: usize| word.len() >= least && self.has(word);
        known(head, 2) && known(tail, 2)
            || known(head, 4)
            || BEFORE_WORDS.contains(&head.to_lowercase().as_str()) && known(tail, 4)
    }
}

fn hash(word: &str) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(word.to_lowercase())
}

/// Whether a line ends as the first half of a word does.
pub(super) fn may_go_on(line: &str) -> bool {
    let mut ends = line.chars().rev();
    matches!(ends.next(), Some('-' | '\u{ad}' | '\u{2010}'))
        && ends.next().is_some_and(char::is_alphabetic)
}

/// Joins the word that is cut between two lines: it stays whole on the first one. Does nothing
/// where the hyphen is the word's own or nothing tells.
pub(super) fn join(first: &mut String, second: &mut String, vocabulary: &Vocabulary) {
    if !may_go_on(first) || !second.starts_with(|c: char| c.is_lowercase()) {
        return;
    }
    let end = second.find(char::is_whitespace).unwrap_or(second.len());
    let hyphen = first.chars().next_back().map_or(0, char::len_utf8);
    let stem = &first[..first.len() - hyphen];
    let from = stem
        .rfind(|c: char| !c.is_alphanumeric() && c != '-')
        .map_or(0, |at| {
            at + stem[at..].chars().next().map_or(1, char::len_utf8)
        });
    let head = &stem[from..];
    let tail = second[..end].trim_end_matches(|c: char| !c.is_alphanumeric());
    if head.contains('-') || tail.is_empty() || end == second.len() && tail.len() < 2 {
        return;
    }
    let whole = format!("{head}{tail}");
    let soft = first.ends_with('\u{ad}');
    let its_own = vocabulary.has(&format!("{head}-{tail}")) || vocabulary.is_compound(head, tail);
    if soft || vocabulary.has(&whole) || !its_own {
        first.truncate(first.len() - hyphen);
        first.push_str(&second[..end]);
        second.replace_range(..end, "");
        let blanks = second.len() - second.trim_start().len();
        second.replace_range(..blanks, "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(first: &str, second: &str, others: &str) -> (String, String) {
        let (mut one, mut two) = (first.to_owned(), second.to_owned());
        let vocabulary = Vocabulary::of([first, second, others].into_iter());
        join(&mut one, &mut two, &vocabulary);
        (one, two)
    }

    #[test]
    fn a_cut_word_stays_whole_on_the_first_line() {
        let lines = joined("as for exam-", "ple, here", "");
        assert_eq!(lines, ("as for example,".into(), "here".into()));
        let lines = joined("as for exam\u{ad}", "ple", "");
        assert_eq!(lines, ("as for example".into(), String::new()));
    }

    #[test]
    fn a_hyphen_of_its_own_stays() {
        let kept = |first: &str, second: &str, others: &str| {
            assert_eq!(joined(first, second, others), (first.into(), second.into()));
        };
        kept("a third-", "party claim", "the third-party claim");
        kept("a third-", "party claim", "each party, the third one");
        kept("the in-", "process control", "in a process");
        kept("a conversation-", "centric one", "a conversation");
        kept("a non-", "binding offer", "binding on all");
        kept("pages 3-", "5 of it", "");
        kept("Hewlett-", "Packard", "");
        kept("state-of-the-", "art mill", "");
    }
}
