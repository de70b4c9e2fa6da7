//! The natural language of a document, told from a sample of its prose.

use docent_core::document::{BlockKind, Document};
use docent_core::language::Language;

use crate::blocks::floor_boundary;

/// As much prose as a language is told from.
const SAMPLE_BYTES: usize = 2 << 10;

/// A shorter block may be a name in a menu; they are sampled only where there is nothing else.
const SENTENCE_BYTES: usize = 60;

/// Below this number of letters a guess is worth nothing.
const MIN_LETTERS: usize = 24;

/// The language that most of the document's beginning is written in; `None` where that is in
/// doubt. Source code is left out of the sample.
pub(crate) fn language(document: &Document) -> Option<Language> {
    let mut sample = sample(document, SENTENCE_BYTES);
    if sample.len() < SAMPLE_BYTES / 8 {
        sample = self::sample(document, 0);
    }
    if sample
        .chars()
        .filter(|c| c.is_alphabetic())
        .take(MIN_LETTERS)
        .count()
        < MIN_LETTERS
    {
        return None;
    }
    if is_plainly_english(&sample) {
        return Some(Language::ENGLISH);
    }
    let told = whatlang::detect(&sample).filter(whatlang::Info::is_reliable)?;
    Language::from_code(told.lang().code())
}

/// The beginnings of the document's first blocks of at least `min_bytes`.
fn sample(document: &Document, min_bytes: usize) -> String {
    let mut sample = String::with_capacity(SAMPLE_BYTES + 1);
    for block in &document.blocks {
        let is_code = matches!(block.kind, BlockKind::Code { .. });
        if is_code || block.span.len() < min_bytes {
            continue;
        }
        let prose = &document.text[block.span.clone()];
        let room = SAMPLE_BYTES - sample.len();
        sample.push_str(&prose[..floor_boundary(prose, room)]);
        if sample.len() >= SAMPLE_BYTES {
            break;
        }
        sample.push('\n');
    }
    sample
}

/// Whether a sample is so plainly English that the comparison with all languages, which is most
/// of the time that a small file takes, can be left out: a sixth of the words are among the
/// commonest of English, `the` among them.
fn is_plainly_english(sample: &str) -> bool {
    /// Enough to be sure, and few enough to be quick.
    const WORDS: usize = 150;
    if !sample.is_ascii()
        && sample.bytes().filter(|byte| !byte.is_ascii()).count() * 20 > sample.len()
    {
        return false;
    }
    let (mut words, mut common, mut the) = (0, 0, 0);
    let split = sample.split(|c: char| !c.is_alphanumeric());
    for word in split.filter(|word| !word.is_empty()).take(WORDS) {
        words += 1;
        match word {
            "the" | "The" => the += 1,
            "a" | "an" | "and" | "are" | "as" | "be" | "by" | "for" | "from" | "has" | "have"
            | "in" | "is" | "it" | "not" | "of" | "on" | "or" | "that" | "this" | "to" | "was"
            | "were" | "which" | "with" => common += 1,
            _ => {}
        }
    }
    words >= 20 && (common + the) * 6 >= words && the * 80 >= words
}

#[cfg(test)]
mod tests {
    use crate::format::text::read;

    fn language(text: &str) -> Option<String> {
        read(text.into())
            .language
            .map(|language| language.code().to_owned())
    }

    #[test]
    fn languages_are_told_apart() {
        let german = "Der Mieter zahlt die Miete monatlich im Voraus, spätestens bis zum dritten \
                      Werktag, auf das Konto des Vermieters.";
        let english = "The tenant shall pay the rent monthly in advance, no later than the third \
                       working day, to the account of the landlord.";
        assert_eq!(language(german).as_deref(), Some("deu"));
        assert_eq!(language(english).as_deref(), Some("eng"));
        assert_eq!(language("東京都は日本の首都である。人口は約千四百万人であり、世界最大の都市圏のひとつである。").as_deref(), Some("jpn"));
    }

    #[test]
    fn plain_english_is_known_at_once_and_nothing_else_is() {
        let english = "The tenant is to pay the rent in advance for each of the months of the year, and \
                       it is not to be paid in kind or by cheque, as was the custom in the past.";
        assert!(super::is_plainly_english(english));
        let german = "Die Miete ist in bar zu zahlen und an der Kasse in der Stadt abzugeben, die for \
                      allem in der Woche offen ist, an der auch das Amt die Akten der Mieter bearbeitet.";
        assert!(!super::is_plainly_english(german));
    }

    #[test]
    fn menus_do_not_tell_the_language() {
        let menu = "Deutsch\n\nFrançais\n\nEspañol\n\nKontakt\n\nImpressum\n\n".repeat(20);
        let prose = "The mill stands on the river and grinds the corn of the whole of the valley, \
                     as it has done since the day on which it was built. ";
        assert_eq!(
            language(&format!("{menu}{}", prose.repeat(3))).as_deref(),
            Some("eng")
        );
    }

    #[test]
    fn too_little_text_has_no_language() {
        assert_eq!(language("12:30"), None);
        assert_eq!(language("Ok."), None);
    }
}
