//! Questions: what kind of answer one asks for, told by rules that can be read.
//!
//! Words decide, in English first and in the plain forms of German, French and Spanish. What no
//! rule recognises is a look-up, which is never wrong, only less.

mod code;
mod condition;
mod wants;

use std::ops::Range;

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use crate::evidence;

pub use code::{defines, definition, identifier};
pub use condition::{Condition, Test, condition};
pub use wants::Wants;

use condition::speaks;
use wants::wants;

/// What kind of answer a question asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// What the best passages say.
    #[default]
    LookUp,
    /// Whether something is so.
    YesNo,
    /// Which documents it holds for; every one of them is looked at.
    List,
    /// How many documents it holds for; every one of them is looked at.
    Count,
    /// Two things side by side.
    Compare,
    /// What the documents say as a whole.
    Summary,
    /// What happened, in order of time.
    Timeline,
    /// Where something is defined in code.
    Definition,
}

/// Words that name documents, singular and plural: what is listed and counted.
const DOCUMENT_NOUNS: &[(&str, &str)] = &[
    ("document", "documents"),
    ("contract", "contracts"),
    ("agreement", "agreements"),
    ("file", "files"),
    ("letter", "letters"),
    ("article", "articles"),
    ("paper", "papers"),
    ("abstract", "abstracts"),
    ("report", "reports"),
    ("note", "notes"),
    ("mail", "mails"),
    ("email", "emails"),
    ("message", "messages"),
    ("invoice", "invoices"),
    ("record", "records"),
    ("lease", "leases"),
    ("policy", "policies"),
    ("judgment", "judgments"),
    ("case", "cases"),
    ("page", "pages"),
    ("module", "modules"),
    ("dokument", "dokumente"),
    ("vertrag", "verträge"),
    ("vertrags", "verträgen"),
    ("dokuments", "dokumenten"),
    ("brief", "briefe"),
    ("datei", "dateien"),
    ("bericht", "berichte"),
    ("contrat", "contrats"),
    ("lettre", "lettres"),
    ("fichier", "fichiers"),
    ("rapport", "rapports"),
    ("contrato", "contratos"),
    ("documento", "documentos"),
    ("carta", "cartas"),
    ("archivo", "archivos"),
    ("informe", "informes"),
];

/// Words that ask which.
const WHICH: &str = " which what welche welcher welches welchen quels quelles quel quelle \
    qué que cuáles cuál ";

/// Words that ask for all.
const LISTING: &str = " list enumerate name all every each find show liste nenne zeige alle jede \
    lister énumère nomme tous toutes lista enumera nombra todos todas ";

/// Phrases that ask for a number of something.
const HOW_MANY: &[&str] = &[
    "how many",
    "number of",
    "count the",
    "count all",
    "wie viele",
    "wieviele",
    "anzahl der",
    "combien de",
    "combien d",
    "nombre de",
    "cuántos",
    "cuántas",
    "cuantos",
    "cuantas",
    "número de",
];

/// Verbs that open a question for yes or no.
const AUXILIARIES: &str = " is are was were am do does did can could may might must shall should has \
    have had will would isn't aren't doesn't don't \
    ist sind war waren hat haben kann können darf dürfen muss müssen soll sollen wird werden gibt \
    est-ce y-a-t-il ";

/// Openings that are polite and say nothing.
const POLITE: &[&str] = &[
    "please",
    "can you",
    "could you",
    "would you",
    "will you",
    "tell me",
    "i want to know",
    "i would like to know",
    "do you know",
    "kindly",
    "bitte",
    "kannst du",
    "können sie",
    "s'il vous plaît",
    "pouvez-vous",
    "por favor",
    "puedes",
];

/// A leading clause with one of these says where to look, not what for.
const PLACING: &[&str] = &[
    "consider",
    "regarding",
    "concerning",
    "in",
    "for",
    "according to",
    "given",
    "under",
    "about",
    "with regard to",
    "with respect to",
    "as to",
    "im",
    "in der",
    "laut",
    "dans",
    "selon",
    "en",
    "según",
];

/// A question, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The kind of answer.
    pub kind: Kind,
    /// What the answer is made of.
    pub wants: Wants,
    /// A leading clause that says where to look ("Consider the lease with Ames;").
    pub place: Option<String>,
    /// What is asked, without that clause.
    pub asked: String,
    /// What is asked, without words that only point at the document ("under this contract"):
    /// what sentences are compared with.
    pub about: String,
}

/// What a question says that wants a summary.
const SUMMARY_PHRASES: [&str; 12] = [
    "summarize",
    "summarise",
    "summary of",
    "sum up",
    "overview of",
    "zusammenfassung",
    "fasse",
    "résume",
    "résumé",
    "resume",
    "resumen",
    "resumir",
];

/// What is to be summarised: the words that do not say that something is.
pub fn summary_subject(asked: &str) -> String {
    let says_so = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        let word = word.to_lowercase();
        let mut words = SUMMARY_PHRASES.iter().flat_map(|phrase| phrase.split(' '));
        words.any(|known| known == word)
    };
    let subject = asked.split_whitespace().filter(|word| !says_so(word));
    subject.collect::<Vec<_>>().join(" ")
}

/// What stands between the question's quotation marks: a path, for example.
pub fn in_quotes(asked: &str) -> Option<&str> {
    let is_mark = |c: char| matches!(c, '"' | '“' | '”' | '„' | '«' | '»');
    let (start, mark) = asked.char_indices().find(|(_, c)| is_mark(*c))?;
    let end = asked.rfind(is_mark)?;
    let inside = asked.get(start + mark.len_utf8()..end)?.trim();
    (!inside.is_empty()).then_some(inside)
}

/// Words of a subject that is all there is: "everything", "this collection", "all my files".
const EVERYTHING: &str = " all everything whole entire collection folder folders directory library \
     index files documents papers notes texts codebase code repository repo project alles alle \
     ganze ganzen ordner sammlung dateien dokumente unterlagen notizen tout toute tous toutes \
     dossier fichiers todo toda todos todas carpeta colección archivos documentos ";

/// Small words that may stand beside them.
const BESIDE_EVERYTHING: &str = " give me us an a please show the this these my our of in it zusammen diese diesen dieser die \
     der das den meine le la les mes ces cette ce los las el mis estos ";

/// Whether what is to be summarised is all there is. Small words alone point at something that
/// was spoken of.
pub fn is_everything(subject: &str) -> bool {
    let words = lower_words(subject);
    let is_all = |word: &String| in_list(EVERYTHING, word);
    words.iter().any(is_all)
        && words
            .iter()
            .all(|word| is_all(word) || in_list(BESIDE_EVERYTHING, word))
}

/// Understands a question. Never fails.
pub fn read(question: &str) -> Reading {
    let (place, asked) = without_place(question.trim());
    let words = lower_words(asked);
    let open = after_politeness(&words);
    let kind = kind(asked, &words[open..]);
    Reading {
        kind,
        wants: wants(&words),
        place: place.map(str::to_owned),
        asked: asked.to_owned(),
        about: without_pointing(asked),
    }
}

/// Words that point at a document together with its noun: "in this contract".
const POINTING: &str =
    " this these said present diesem dieser diesen dieses ce cet cette este esta ";

/// Words that lead to it.
const LEADING: &str = " in under of by for to from with im unter nach dans sous de en bajo ";

/// The question without "under this contract" and the like, which every sentence of the
/// document is as near to.
fn without_pointing(asked: &str) -> String {
    let words: Vec<(usize, &str)> = asked.unicode_word_indices().collect();
    let lower = |at: usize| words[at].1.to_lowercase();
    let is_noun = |word: &str| {
        let mut nouns = DOCUMENT_NOUNS.iter();
        nouns.any(|(one, many)| *one == word || *many == word)
    };
    let mut kept = String::with_capacity(asked.len());
    let mut from = 0;
    for at in 1..words.len() {
        if !(in_list(POINTING, &lower(at - 1)) && is_noun(&lower(at))) {
            continue;
        }
        let first = match at.checked_sub(2) {
            Some(before) if in_list(LEADING, &lower(before)) => before,
            _ => at - 1,
        };
        kept.push_str(asked[from..words[first].0].trim_end());
        kept.push(' ');
        from = words[at].0 + words[at].1.len();
    }
    kept.push_str(&asked[from..]);
    let kept = kept
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace(" ?", "?");
    if evidence::terms(&kept).is_empty() {
        return asked.to_owned();
    }
    kept
}

/// Parts a leading clause that says where to look from what is asked.
fn without_place(question: &str) -> (Option<&str>, &str) {
    let Some((first, rest)) = question.split_once([';', ':']) else {
        return (None, question);
    };
    let lower = first.to_lowercase();
    let places = PLACING.iter().any(|opening| {
        lower
            .strip_prefix(opening)
            .is_some_and(|rest| rest.starts_with(' '))
    });
    if places && evidence::terms(rest).len() >= 2 {
        (Some(first.trim()), rest.trim())
    } else {
        (None, question)
    }
}

fn kind(asked: &str, words: &[String]) -> Kind {
    let text = format!(" {} ", words.join(" "));
    let has = |phrase: &str| text.contains(&format!(" {phrase} "));
    let first = words.first().map_or("", String::as_str);
    if identifier(asked).is_some()
        && ([
            "defined",
            "definition",
            "declared",
            "implemented",
            "definiert",
            "défini",
        ]
        .iter()
        .any(|word| has(word))
            || (has("what") && (has("do") || has("does") || has("is"))))
    {
        return Kind::Definition;
    }
    if [
        "timeline",
        "chronology",
        "chronological",
        "chronologically",
        "sequence of events",
        "in order of time",
        "zeitleiste",
        "zeitlicher",
        "chronologie",
        "cronología",
    ]
    .iter()
    .any(|phrase| has(phrase))
    {
        return Kind::Timeline;
    }
    let wants_summary = SUMMARY_PHRASES.iter().any(|phrase| has(phrase));
    // "All documents" may be listed, too.
    if wants_summary && is_everything(&summary_subject(asked)) {
        return Kind::Summary;
    }
    if let Some(kind) = over_documents(words) {
        return kind;
    }
    if wants_summary {
        return Kind::Summary;
    }
    if in_list(AUXILIARIES, first) || text.starts_with(" est ce ") || text.starts_with(" y a ") {
        return Kind::YesNo;
    }
    if sides(asked).is_some() {
        return Kind::Compare;
    }
    Kind::LookUp
}

/// List or count, where the question asks so of documents.
fn over_documents(words: &[String]) -> Option<Kind> {
    let text = words.join(" ");
    let noun = |word: &String| DOCUMENT_NOUNS.iter().any(|(_, plural)| plural == word);
    let single = |word: &String| DOCUMENT_NOUNS.iter().any(|(one, _)| one == word);
    // The noun follows within a few words: "which of these three contracts".
    let soon = |from: usize, is: &dyn Fn(&String) -> bool| {
        let end = (from + 5).min(words.len());
        (from..end).find(|&at| is(&words[at]))
    };
    for phrase in HOW_MANY {
        let Some(at) = text.find(phrase) else {
            continue;
        };
        let from = text[..at].split_whitespace().count() + phrase.split(' ').count();
        let opens = text[..at].split_whitespace().count() <= 3;
        if let Some(at) = soon(from.min(words.len()), &noun).filter(|_| opens) {
            return (!did(words, at)).then_some(Kind::Count);
        }
    }
    let opening = words.iter().take(3).position(|word| in_list(WHICH, word));
    if let Some(opening) = opening {
        if let Some(at) = soon(opening + 1, &noun).filter(|at| at - opening <= 4) {
            return (!did(words, at)).then_some(Kind::List);
        }
        let at = soon(opening + 1, &single).filter(|at| at - opening <= 2)?;
        let next = words.get(at + 1)?;
        return speaks(next).then_some(Kind::List);
    }
    let listing = words.iter().take(3).any(|word| in_list(LISTING, word));
    (listing && soon(0, &noun).is_some()).then_some(Kind::List)
}

/// "Which papers did Tesla publish?" asks for what a document says, not for documents.
fn did(words: &[String], noun: usize) -> bool {
    words.get(noun + 1).is_some_and(|word| word == "did")
}

/// The two things that a comparison is about.
pub fn sides(asked: &str) -> Option<(String, String)> {
    let lower = asked.to_lowercase();
    // Lower case may change lengths; then the places do not fit and nothing is read from them.
    if lower.len() != asked.len() {
        return None;
    }
    let parted = |opening: &str, between: &[&str]| {
        let start = lower.find(opening)? + opening.len();
        let (at, width) = between
            .iter()
            .filter_map(|word| Some((start + lower[start..].find(word)?, word.len())))
            .min()?;
        side(asked, start..at).zip(side(asked, at + width..asked.len()))
    };
    let and = [
        " and ",
        " und ",
        " et ",
        " y ",
        " to ",
        " with ",
        " against ",
    ];
    let openings = [
        "difference between ",
        "differences between ",
        "differ between ",
        "compare ",
        "contrast ",
        "comparison of ",
        "comparison between ",
        "unterschied zwischen ",
        "vergleiche ",
        "différence entre ",
        "compare ",
        "diferencia entre ",
        "comparar ",
    ];
    openings
        .iter()
        .find_map(|opening| parted(opening, &and))
        .or_else(|| {
            let at = [" versus ", " vs. ", " vs "]
                .iter()
                .find_map(|word| Some((lower.find(word)?, word.len())))?;
            side(asked, 0..at.0).zip(side(asked, at.0 + at.1..asked.len()))
        })
}

fn side(asked: &str, span: Range<usize>) -> Option<String> {
    let text = asked
        .get(span)?
        .trim_matches(|c: char| !c.is_alphanumeric());
    (!evidence::terms(text).is_empty()).then(|| text.to_owned())
}

fn in_list(list: &str, word: &str) -> bool {
    !word.is_empty() && list.contains(&format!(" {word} "))
}

fn lower_words(text: &str) -> Vec<String> {
    text.replace('\u{2019}', "'")
        .unicode_words()
        .map(str::to_lowercase)
        .collect()
}

/// How many words are politeness.
fn after_politeness(words: &[String]) -> usize {
    let mut open = 0;
    while let Some(length) = POLITE.iter().find_map(|phrase| {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        let here = words.get(open..open + phrase.len())?;
        let same = here.iter().zip(&phrase).all(|(word, known)| word == known);
        same.then_some(phrase.len())
    }) {
        open += length;
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn kinds(expected: Kind, questions: &[&str]) {
        for question in questions {
            assert_eq!(read(question).kind, expected, "{question}");
        }
    }

    #[test]
    fn lists_and_counts_are_of_documents() {
        kinds(
            Kind::List,
            &[
                "Which contracts have an anti-assignment clause?",
                "List all documents that mention ibuprofen",
                "Please list the agreements governed by New York law.",
                "Which document mentions the word cider?",
                "Welche Verträge haben eine Haftungsgrenze?",
                "Quels contrats mentionnent Paris ?",
                "¿Qué contratos mencionan Madrid?",
            ],
        );
        kinds(
            Kind::Count,
            &[
                "How many contracts have a cap on liability?",
                "How many of the documents mention aspirin?",
                "Wie viele Verträge erwähnen Berlin?",
                "Combien de contrats ont une clause ?",
            ],
        );
        kinds(
            Kind::LookUp,
            &[
                "How many possible bids for the prize were there in 1915?",
                "How many people are affected by Prolactinoma ?",
                "What papers did Tesla publish?",
                "Which insurance covers water damage?",
                "What is the governing law for this contract?",
            ],
        );
    }

    #[test]
    fn other_kinds_are_told_by_their_words() {
        kinds(
            Kind::YesNo,
            &[
                "Is there a cap on liability?",
                "Does automatic transmission improve driving?",
                "Ist das Haus versichert?",
            ],
        );
        kinds(
            Kind::Compare,
            &[
                "What is the difference between the old lease and the new lease?",
                "Compare the offer of Ames with the offer of Bell",
                "Plan A vs Plan B",
            ],
        );
        kinds(Kind::Timeline, &["Give me a timeline of the dispute"]);
        kinds(
            Kind::Summary,
            &[
                "Summarize the lease",
                "Summarise all documents",
                "Give me an overview of all documents",
            ],
        );
        assert_eq!(
            summary_subject("Give an overview of the lease"),
            "Give an the lease"
        );
        assert_eq!(
            in_quotes("Summarise “notes/sum of all.md”, please"),
            Some("notes/sum of all.md")
        );
        assert_eq!(in_quotes("Summarise the 2\" pipe"), None);
        for all in [
            "Summarise this collection",
            "Summarize all my files.",
            "Fasse alle Dokumente zusammen",
        ] {
            assert!(is_everything(&summary_subject(all)), "{all}");
        }
        for some in [
            "Summarise the lease",
            "Summarise the notes of May",
            "Summarise it",
        ] {
            assert!(!is_everything(&summary_subject(some)), "{some}");
        }
        kinds(
            Kind::Definition,
            &[
                "Where is parse_invoice defined?",
                "What does `Flask.run` do?",
            ],
        );
        kinds(Kind::LookUp, &["Can you tell me where the key is?", ""]);
    }

    #[test]
    fn a_leading_clause_says_where_to_look() {
        let reading =
            read("Consider the Lease between Ames and Bell; Is there a cap on liability?");
        assert_eq!(
            reading.place.as_deref(),
            Some("Consider the Lease between Ames and Bell")
        );
        assert_eq!(reading.asked, "Is there a cap on liability?");
        assert_eq!(reading.kind, Kind::YesNo);
        let reading = read("Is there a cap on liability under this contract?");
        assert_eq!(reading.about, "Is there a cap on liability?");
        let plain = read("He said: where is the cellar key?");
        assert_eq!(plain.place, None);
    }
}
