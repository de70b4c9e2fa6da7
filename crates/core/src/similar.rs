//! Near-duplicates: copies, and versions of one document.
//!
//! Texts are compared by the share of their word triples that they have in common (Jaccard;
//! Broder, "On the resemblance and containment of documents", 1997). Two contracts may share a
//! clause but for the name of a country, and that name is all that matters; so texts that are
//! merely alike count as versions only where their files are called so, too.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use unicode_segmentation::UnicodeSegmentation;

/// Words that are taken together.
const SHINGLE: usize = 3;
/// From this share on, two texts are one.
const ALIKE: f64 = 0.8;
/// A text of fewer words is like another only if it is equal: a heading says too little.
const LEAST_WORDS: usize = 12;

/// What a text is compared by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shingles(HashSet<u64>);

/// Words in a file's name that tell one version from the next.
const VERSION_WORDS: [&str; 16] = [
    "v",
    "version",
    "ver",
    "rev",
    "revision",
    "final",
    "draft",
    "copy",
    "new",
    "old",
    "signed",
    "kopie",
    "entwurf",
    "endfassung",
    "neu",
    "alt",
];

/// What the versions of a document have in common: the file's name without its ending, numbers
/// and words such as "final" or "copy"; empty if nothing is left.
pub fn version_name(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let lower = stem.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphabetic());
    words
        .filter(|word| !word.is_empty() && !VERSION_WORDS.contains(word))
        .collect::<Vec<_>>()
        .join(" ")
}

impl Shingles {
    /// Whether the texts are the same, word for word.
    pub fn is_copy(&self, other: &Shingles) -> bool {
        !self.0.is_empty() && self == other
    }

    /// Of a text; upper and lower case, white space and signs make no difference.
    pub fn of(text: &str) -> Shingles {
        let words: Vec<String> = text.unicode_words().map(str::to_lowercase).collect();
        let size = if words.len() < LEAST_WORDS {
            words.len()
        } else {
            SHINGLE
        };
        let hash = |words: &[String]| {
            let mut hasher = DefaultHasher::new();
            words.hash(&mut hasher);
            hasher.finish()
        };
        Shingles(words.windows(size.max(1)).map(hash).collect())
    }

    /// Whether the texts say the same.
    pub fn is_like(&self, other: &Shingles) -> bool {
        let (fewer, more) = match self.0.len() <= other.0.len() {
            true => (&self.0, &other.0),
            false => (&other.0, &self.0),
        };
        // The share can be no greater than that of the sizes.
        if fewer.is_empty() || (fewer.len() as f64) < ALIKE * more.len() as f64 {
            return false;
        }
        let common = fewer.intersection(more).count();
        common as f64 >= ALIKE * (fewer.len() + more.len() - common) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(a: &str, b: &str) -> bool {
        Shingles::of(a).is_like(&Shingles::of(b))
    }

    const CLAUSE: &str = "The tenant may end this lease at any time by giving the landlord \
        ninety days' notice in writing, provided that all rent that is due until the end of \
        that time has been paid, and that the flat is handed over clean, empty and with every \
        key that was ever made for it.";

    #[test]
    fn versions_are_alike_and_other_texts_are_not() {
        assert!(alike(
            CLAUSE,
            &CLAUSE.replace("ninety", "sixty").to_uppercase()
        ));
        assert!(!alike(CLAUSE, &CLAUSE[..150]));
        assert!(!alike(
            CLAUSE,
            "The deposit is two months' rent and is kept in an account of its own."
        ));
    }

    #[test]
    fn copies_are_the_same_but_for_case_and_signs() {
        let is_copy = |a: &str, b: &str| Shingles::of(a).is_copy(&Shingles::of(b));
        assert!(is_copy(CLAUSE, &CLAUSE.to_uppercase().replace(", ", " ")));
        assert!(!is_copy(CLAUSE, &CLAUSE.replace("ninety", "sixty")));
        assert!(!is_copy("", ""));
    }

    #[test]
    fn versions_have_a_name_in_common() {
        for path in [
            "a/Lease_v2 (final).docx",
            "b/lease 2024-03-01.pdf",
            "Lease-copy.txt",
        ] {
            assert_eq!(version_name(path), "lease", "{path}");
        }
        assert_ne!(version_name("agency.txt"), version_name("service.txt"));
        assert_eq!(version_name("2024.txt"), "");
    }

    #[test]
    fn short_texts_have_to_be_equal() {
        assert!(alike("Notice period:", "notice  PERIOD"));
        assert!(!alike("Notice period", "Notice periods apply"));
        assert!(!alike("", ""));
    }
}
