//! Which sentences can be quoted in a summary: they have to be whole, and to say something
//! without what stands around them.

/// A longer sentence is quoted only where nothing shorter is there.
const LONG_CHARS: usize = 320;
/// A still longer one is not quoted at all.
const MAX_CHARS: usize = 800;
/// A shorter one says too little alone.
const MIN_CHARS: usize = 25;

/// Beginnings that point back to a sentence before: alone, nobody knows what they mean.
const POINTS_BACK: &[&str] = &[
    "it",
    "its",
    "this",
    "these",
    "that",
    "those",
    "they",
    "their",
    "he",
    "she",
    "his",
    "her",
    "such",
    "however",
    "therefore",
    "thus",
    "hence",
    "moreover",
    "furthermore",
    "also",
    "but",
    "and",
    "or",
    "so",
    "then",
    "additionally",
    "otherwise",
    "nevertheless",
    "consequently",
    "instead",
    "meanwhile",
    "similarly",
    "likewise",
    "conversely",
    "again",
    "er",
    "sie",
    "es",
    "dies",
    "diese",
    "dieser",
    "dieses",
    "jedoch",
    "daher",
    "aber",
    "und",
    "oder",
    "auch",
    "außerdem",
    "dabei",
    "dazu",
    "zudem",
    "dennoch",
    "hierzu",
    "cela",
    "ils",
    "elle",
    "elles",
    "cependant",
    "mais",
    "donc",
    "ello",
    "pero",
    "además",
    "sin embargo",
];

/// Beginnings of the same kind in scripts without blanks between words.
const POINTS_BACK_DENSE: &[&str] = &[
    "但", "因此", "所以", "而且", "然而", "此外", "这", "它", "他", "她", "其",
];

/// Words of what stands in every document of a kind: licences, notices, signatures, contents.
const BOILERPLATE: &[&str] = &[
    "all rights reserved",
    "copyright",
    "©",
    "licensed under",
    "without warranty",
    "in witness whereof",
    "table of contents",
    "et al.",
    "doi:",
    "isbn",
    "click here",
    "see also",
    "more information",
    "more detailed information",
    "visit the",
    "subscribe",
    "cookie",
    "spdx-license",
    "severab",
    "counterparts",
    "capitalized terms",
    "terms appearing",
    "shall have the meaning",
    "attached hereto",
    "incorporated herein",
    "full force and effect",
    "successors and assigns",
    "alle rechte vorbehalten",
    "weitere informationen",
    "tous droits réservés",
];

/// Headings of what a summary passes over.
const PASSED_OVER: &[&str] = &[
    "references",
    "bibliography",
    "contents",
    "index",
    "acknowledgments",
    "acknowledgements",
    "further reading",
    "external links",
    "see also",
    "license",
    "licence",
    "copyright",
    "signatures",
    "literatur",
    "literaturverzeichnis",
    "inhaltsverzeichnis",
    "quellen",
    "notes",
    "footnotes",
    "citations",
    "related links",
    "definitions",
    "interpretation",
    "begriffsbestimmungen",
    "miscellaneous",
    "miscellaneous provisions",
    "general provisions",
    "additional provisions",
    "notices",
    "counterparts",
    "severability",
    "entire agreement",
];

/// Words that may stand before them: of a number, a part.
const NUMBERING: &[&str] = &[
    "article", "section", "chapter", "part", "appendix", "annex", "schedule", "exhibit", "table",
    "of", "kapitel", "artikel", "anhang",
];

/// Small words of which a title has none.
const VERBS: &[&str] = &[
    "is", "are", "was", "were", "be", "been", "has", "have", "had", "will", "shall", "may", "must",
    "can", "could", "should", "would", "do", "does", "did", "means", "agrees", "agree",
];

/// How fit a sentence is to be quoted alone, 0 to 1; `None` where it is no sentence: a heading,
/// a row of a table, a line of a form, an address, a reference.
pub fn fitness(sentence: &str) -> Option<f32> {
    let text = sentence.trim();
    let chars = text.chars().count();
    let is_dense = text.chars().any(|c| c >= '\u{2e80}');
    let least = if is_dense { MIN_CHARS / 3 } else { MIN_CHARS };
    if chars < least || chars > MAX_CHARS || !ends_whole(text) || is_broken(text) {
        return None;
    }
    let mut fitness = 1.0;
    if chars > LONG_CHARS {
        fitness *= 0.55;
    }
    if points_back(text) {
        fitness *= 0.6;
    }
    let lower = text.to_lowercase();
    if is_cross_reference(&lower) {
        fitness *= 0.7;
    }
    if lower.starts_with("see ") || BOILERPLATE.iter().any(|words| lower.contains(words)) {
        fitness *= 0.3;
    }
    let enumerated = text.starts_with('(');
    if enumerated {
        fitness *= 0.6;
    }
    if text.ends_with(['?', '？']) {
        fitness *= 0.4;
    }
    if text.starts_with(|c: char| c.is_lowercase()) {
        fitness *= 0.5;
    }
    Some(fitness)
}

/// Whether a summary passes over what stands under this heading.
pub fn is_passed_over(heading: &str) -> bool {
    let lower = heading.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let is_number = |word: &&str| {
        NUMBERING.contains(word)
            || word.chars().all(|c| c.is_ascii_digit())
            || word.chars().count() == 1
            || word.chars().all(|c| "ivxlc".contains(c))
    };
    let skipped = words.iter().take_while(|word| is_number(word)).count();
    PASSED_OVER.contains(&words[skipped..].join(" ").as_str())
}

/// Whether a sentence leans on another place: "the foregoing", "Section 4.2".
fn is_cross_reference(lower: &str) -> bool {
    let names = [
        "section ",
        "paragraph ",
        "article ",
        "clause ",
        "exhibit ",
        "schedule ",
        "appendix ",
    ];
    let numbered = |name: &str| {
        lower.match_indices(name).any(|(at, name)| {
            let next = lower[at + name.len()..].chars().next();
            next.is_some_and(|c| c.is_ascii_digit() || matches!(c, '(' | '[' | '"' | '“'))
        })
    };
    let vague = [
        "the foregoing",
        "aforesaid",
        "such instance",
        "set forth above",
        "so affected",
    ];
    names.iter().any(|name| numbered(name)) || vague.iter().any(|words| lower.contains(words))
}

/// Whether it is a title that ends like a sentence: hardly a word in it begins small, and none
/// of the small words is a verb.
fn is_title(words: &[&str]) -> bool {
    let long = words.iter().filter(|word| word.chars().count() > 3);
    let capital = |word: &&&str| {
        let first = word.chars().find(|c| c.is_alphanumeric());
        first.is_some_and(|c| !c.is_lowercase())
    };
    let (count, capitals) = (long.clone().count(), long.filter(capital).count());
    let has_verb = words
        .iter()
        .any(|word| VERBS.contains(&word.to_lowercase().as_str()));
    words.len() <= 16 && !has_verb && capitals * 10 >= count * 7
}

/// Whether the sentence has an end: what has none is a heading, a label or a fragment.
fn ends_whole(text: &str) -> bool {
    let body = text.trim_end_matches(['"', '”', '’', '\'', ')', ']', '»', '“', '*', '_']);
    body.ends_with(['.', '!', '?', '。', '！', '？', '…']) && !body.ends_with("..")
}

/// Whether it looks like anything but running text.
fn is_broken(text: &str) -> bool {
    let visible = text.chars().filter(|c| !c.is_whitespace()).count().max(1);
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let words: Vec<&str> = text.split_whitespace().collect();
    let capitals = |word: &&&str| {
        word.chars().filter(|c| c.is_alphabetic()).count() > 1
            && word.chars().all(|c| !c.is_lowercase())
            && word.chars().any(char::is_uppercase)
    };
    let shouted = words.iter().filter(capitals).count();
    let is_dense = text.chars().any(|c| c >= '\u{2e80}');
    let marks = [
        "· ", "• ", "▪ ", "[* *", "|", "____", "....", ". . .", "://", "```", "<?", "/>", "§§",
        "\t\t", "[***]",
    ];
    letters * 100 < visible * 70
        || shouted * 2 > words.len()
        || (!is_dense && words.len() < 5)
        || marks.iter().any(|mark| text.contains(mark))
        || text.matches(" - ").count() >= 3
        || (!is_dense && is_title(&words))
        || text.starts_with(['>', '|', '=', '['])
        || text.starts_with("Source:")
        || text.starts_with("..")
}

fn points_back(text: &str) -> bool {
    let first = text
        .split(|c: char| !c.is_alphabetic())
        .find(|word| !word.is_empty());
    let first = first.unwrap_or("").to_lowercase();
    POINTS_BACK.contains(&first.as_str())
        || POINTS_BACK_DENSE.iter().any(|word| text.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_sentences_can_be_quoted() {
        let fit = fitness("The tenant pays two months' rent on ending the lease early.");
        assert_eq!(fit, Some(1.0));
        assert!(fitness("亚马逊雨林占地球剩余雨林面积的一半以上。").is_some());
    }

    #[test]
    fn fragments_rows_and_references_cannot() {
        for text in [
            "Early termination of the lease by the tenant",
            "a | b | c are the columns of it.",
            "Signed by: ______________ on the first of May.",
            "THE PARTIES HAVE SIGNED THIS AGREEMENT BELOW.",
            "See https://example.org/a for the whole story of it.",
            "12, 14, 15 (2001) 33-48, 50, 51, 52.",
            "Yes, it is.",
            "4.01 Program Information Disclosure, Confidentiality and Use Restriction.",
            "[* * *] = Certain information has been left out of this document.",
        ] {
            assert_eq!(fitness(text), None, "{text}");
        }
    }

    #[test]
    fn what_needs_its_neighbours_is_less_fit() {
        let alone = fitness("The river floods the lower town every spring.");
        assert!(fitness("It floods the lower town again every spring.") < alone);
        assert!(fitness("Copyright of the lower town's maps lies with the city.") < alone);
        assert!(fitness("The river floods the lower town as Section 4.2 says.") < alone);
        assert!(fitness("Does the river flood the lower town every spring?") < alone);
    }

    #[test]
    fn some_headings_are_passed_over() {
        assert!(is_passed_over("12. References"));
        assert!(is_passed_over("TABLE OF CONTENTS"));
        assert!(is_passed_over("APPENDIX A - DEFINITIONS"));
        assert!(!is_passed_over("Index of prices"));
        assert!(!is_passed_over("Treatment"));
    }
}
