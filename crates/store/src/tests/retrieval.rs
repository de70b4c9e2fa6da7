//! What queries find: words, stems, phrases, identifiers, filters, and how much of it.

use docent_core::document::Format;
use docent_core::language::Language;
use docent_core::query::{Condition, Group, Query};
use tempfile::{TempDir, tempdir};

use super::*;

fn word(word: &str) -> Condition {
    Condition::Word(word.into())
}

fn phrase(phrase: &str) -> Condition {
    Condition::Phrase(phrase.into())
}

fn must(conditions: Vec<Condition>) -> Query {
    Query {
        text: Group {
            must: conditions,
            ..Group::default()
        },
        ..Query::default()
    }
}

/// A collection of one file a text; the file's name says its language.
fn collection(files: &[(&str, &str)]) -> (TempDir, Writer) {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    let change = |(path, text): &(&str, &str)| {
        let mut change = put(root, path, text);
        if let Change::Put {
            outcome: Outcome::Indexed { document, .. },
            ..
        } = &mut change
        {
            let code = path.split('.').next().unwrap_or_default();
            document.language = Language::from_code(code);
            document.title = None;
        }
        change
    };
    writer.commit(files.iter().map(change).collect()).unwrap();
    embed_all(&mut writer);
    (home, writer)
}

#[test]
fn words_are_found_in_other_inflections_in_the_documents_language() {
    let (_home, writer) = collection(&[
        ("eng.1", "The tenant pays for repairs."),
        ("deu.1", "Die Häuser sind vermietet."),
        ("fra.1", "Les loyers sont payés."),
    ]);
    let reader = writer.reader();
    assert_eq!(
        found(&reader, &query("repairing")),
        ["The tenant pays for repairs."]
    );
    assert_eq!(
        found(&reader, &query("haus")),
        ["Die Häuser sind vermietet."]
    );
    assert_eq!(found(&reader, &query("payé")), ["Les loyers sont payés."]);
    assert!(reader.chunk_frequency("repairing").unwrap() >= 1);
    assert_eq!(reader.chunk_frequency("unicorn").unwrap(), 0);
    assert_eq!(reader.chunk_count().unwrap(), 3);
}

#[test]
fn the_better_match_comes_first() {
    let (_home, writer) = collection(&[
        ("1.md", "The deposit of the lease is held by the bank."),
        ("2.md", "The bank is open, the bank is closed."),
        ("3.md", "Nothing of interest."),
    ]);
    let hits = found(&writer.reader(), &query("lease deposit bank"));
    assert_eq!(hits[0], "The deposit of the lease is held by the bank.");
    assert_eq!(hits.len(), 2);
}

#[test]
fn phrases_conditions_and_exclusions_hold() {
    let (_home, writer) = collection(&[
        ("1.md", "Two months of rent are due."),
        ("2.md", "Months pass, two of them."),
        ("3.md", "Rent is due in two months or so."),
    ]);
    let reader = writer.reader();
    assert_eq!(found(&reader, &must(vec![phrase("two months")])).len(), 2);
    let mut not = must(vec![phrase("two months")]);
    not.text.must_not = vec![word("so")];
    assert_eq!(found(&reader, &not), ["Two months of rent are due."]);
    let only_not = Query {
        text: Group {
            must_not: vec![word("rent")],
            ..Group::default()
        },
        ..Query::default()
    };
    assert_eq!(found(&reader, &only_not), ["Months pass, two of them."]);
    let group = Condition::Group(Group {
        must: vec![word("months"), word("pass")],
        ..Group::default()
    });
    assert_eq!(found(&reader, &must(vec![group])).len(), 1);
    // Words that have no letters ask for nothing.
    assert!(found(&reader, &query("— ?!")).is_empty());
    assert_eq!(
        found(&reader, &must(vec![word("—"), word("pass")])).len(),
        1
    );
    assert!(found(&reader, &must(vec![word("unheard")])).is_empty());
}

#[test]
fn identifiers_and_numbers_are_found_whole_and_by_their_parts() {
    let (_home, writer) = collection(&[
        ("1.rs", "fn getUserName(id: u32)"),
        ("2.rs", "let get_user_name = 3.14;"),
        ("3.md", "Take 10mg of it, see section 12(b)."),
        ("4.md", "Written in C++ for a follow-up."),
    ]);
    let reader = writer.reader();
    for (typed, count) in [
        ("getUserName", 2),
        ("get_user_name", 2),
        ("3.14", 1),
        ("10mg", 1),
        ("12(b)", 1),
        ("c++", 1),
        ("followup", 1),
    ] {
        let hits = found(&reader, &must(vec![word(typed)]));
        assert_eq!(hits.len(), count, "{typed}: {hits:?}");
    }
    assert_eq!(found(&reader, &must(vec![phrase("user name")])).len(), 2);
    assert_eq!(found(&reader, &must(vec![phrase("10 mg")])).len(), 1);
}

#[test]
fn scripts_without_spaces_are_found_by_any_stretch() {
    let (_home, writer) = collection(&[
        ("cmn.1", "他患有肺癌，需要治疗。"),
        ("jpn.1", "東京都の会議室を予約した。"),
    ]);
    let reader = writer.reader();
    for (typed, count) in [
        ("肺癌", 1),
        ("会議室", 1),
        ("癌", 1),
        ("京", 1),
        ("議予", 0),
    ] {
        assert_eq!(
            found(&reader, &must(vec![word(typed)])).len(),
            count,
            "{typed}"
        );
    }
    assert_eq!(found(&reader, &query("治疗")).len(), 1);
}

#[test]
fn filters_hold_for_words_and_vectors() {
    let (_home, writer) = collection(&[
        ("legal/lease.md", "The rent is due."),
        ("legal/old/lease.md", "The rent was due."),
        ("notes/rent.md", "Ask about the rent."),
    ]);
    let reader = writer.reader();
    let filtered = |edit: fn(&mut Query)| {
        let mut filtered = query("rent");
        edit(&mut filtered);
        let by_words = found(&reader, &filtered);
        let by_vector = nearest(&reader, &embed("rent"), &filtered, 10);
        assert_eq!(by_words.len(), by_vector.len());
        by_words.len()
    };
    assert_eq!(
        filtered(|query| query.filters.paths = vec!["LEGAL/*lease".into()]),
        2
    );
    assert_eq!(
        filtered(|query| query.filters.not_paths = vec!["old".into()]),
        2
    );
    assert_eq!(
        filtered(|query| query.filters.formats = vec![Format::Pdf]),
        0
    );
    assert_eq!(
        filtered(|query| query.filters.not_formats = vec![Format::Pdf]),
        3
    );
    assert_eq!(filtered(|query| query.filters.titles = vec!["x".into()]), 0);
    let strict = must(vec![word("ask")]);
    let hits = nearest(&reader, &embed("The rent is due."), &strict, 10);
    assert_eq!(texts(&reader, &hits), ["Ask about the rent."]);
    assert_eq!(
        reader.paths_matching("LEASE", 1).unwrap()[0].path,
        "legal/lease.md"
    );
}

#[test]
fn a_search_is_restricted_to_documents_by_their_ids() {
    let (_home, writer) = collection(&[
        ("legal/lease.md", "The rent is due."),
        ("notes/rent.md", "Ask about the rent."),
    ]);
    let reader = writer.reader();
    let notes = reader
        .find_document(None, "notes/rent.md")
        .unwrap()
        .unwrap();
    let mut only = query("rent");
    only.filters.documents = vec![notes.id.0];
    assert_eq!(found(&reader, &only), ["Ask about the rent."]);
    let near = nearest(&reader, &embed("rent"), &only, 10);
    assert_eq!(texts(&reader, &near), ["Ask about the rent."]);
    // The score is that of the words alone.
    let best = reader.lexical(&only, 1).unwrap()[0];
    let all = reader.lexical(&query("rent"), 2).unwrap();
    assert!(all.contains(&best), "{best:?} in {all:?}");
    // Both the ids and the path have to pass.
    only.filters.paths = vec!["legal".into()];
    assert!(found(&reader, &only).is_empty());
    only.filters.paths = vec!["notes".into()];
    assert_eq!(found(&reader, &only).len(), 1);
    only.filters.documents = vec![987_654];
    assert!(found(&reader, &only).is_empty());
}

#[test]
fn words_that_no_chunk_has_are_tried_in_a_spelling_that_some_have() {
    let (_home, writer) = collection(&[
        ("1.md", "The deposit is paid back in March 2024."),
        ("2.md", "The landlord keeps the keys."),
    ]);
    let reader = writer.reader();
    let spelled = |typed: &str| reader.spelled(Query::parse(typed)).unwrap();
    let (query, corrections) = spelled("depositt");
    assert_eq!(corrections[0].typed, "depositt");
    assert_eq!(corrections[0].tried, ["deposit"]);
    assert_eq!(found(&reader, &query).len(), 1);
    // Two characters are wrong in a long word, one in a short one.
    assert_eq!(spelled("lanndlrod key").1[0].tried, ["landlord"]);
    assert!(spelled("lanlodr").1.is_empty());
    // Where most words are unknown, all of them have to resemble some that are known.
    assert_eq!(spelled("lanndlord depositt").1.len(), 2);
    // What is required is corrected too; what is forbidden, quoted or a number is not, and
    // nothing is where the query is in another language.
    assert_eq!(found(&reader, &spelled("depositt AND march").0).len(), 1);
    for typed in [
        "deposit",
        "deposits",
        "\"depositt\"",
        "-depositt key",
        "2025",
        "kaution schlussel depositt",
    ] {
        assert!(spelled(typed).1.is_empty(), "{typed}");
    }
}

#[test]
fn german_compounds_and_their_parts_find_each_other() {
    let (_home, writer) = collection(&[
        ("deu.1", "Der Mietvertrag endet durch eine Kündigung."),
        (
            "deu.2",
            "Mietvertragskündigungen sind schriftlich zu erklären.",
        ),
        (
            "deu.3",
            "Die Kündigungsfrist beträgt eine Frist von drei Monaten.",
        ),
        ("deu.4", "Der Bäcker backt Brot."),
    ]);
    let reader = writer.reader();
    let best = |typed: &str| found(&reader, &query(typed));
    let hits = best("Kündigung");
    assert_eq!(hits.len(), 3, "{hits:?}");
    assert!(hits[0].starts_with("Der Mietvertrag"), "{hits:?}");
    let hits = best("Mietvertragskündigung");
    assert!(hits[0].starts_with("Mietvertragsk"), "{hits:?}");
    assert!(
        hits.iter().any(|hit| hit.starts_with("Der Mietvertrag")),
        "{hits:?}"
    );
    assert_eq!(best("Bäcker").len(), 1);
}

#[test]
fn accents_that_were_typed_count() {
    let (_home, writer) = collection(&[
        ("deu.1", "Das ist schon lange her."),
        ("deu.2", "Das ist schön lange her."),
    ]);
    let reader = writer.reader();
    let hits = found(&reader, &query("schön"));
    assert_eq!(hits.len(), 2);
    assert_eq!(hits[0], "Das ist schön lange her.");
}

#[test]
fn numbers_dates_and_references_meet_however_they_are_written() {
    let texts = [
        "§ 12(b) obliges the tenant.",
        "Signed on 12 March 2024 in Rome.",
        "Take 10 mg at night.",
        "A sum of 1 000 francs.",
        "Nothing of the kind.",
    ];
    let files: Vec<_> = ["1.md", "2.md", "3.md", "4.md", "5.md"]
        .into_iter()
        .zip(texts)
        .collect();
    let (_home, writer) = collection(&files);
    let reader = writer.reader();
    for (typed, text) in [
        ("Section 12(b)", 0),
        ("Sec. 12", 0),
        ("12.03.2024", 1),
        ("2024-03-12", 1),
        ("March 12, 2024", 1),
        ("12/03/2024", 1),
        ("10mg", 2),
        ("1000", 3),
        ("1,000", 3),
    ] {
        let hits = found(&reader, &Query::parse(typed));
        assert_eq!(
            hits.first().map(String::as_str),
            Some(texts[text]),
            "{typed}"
        );
    }
    // As a condition that has to hold, too.
    let hits = found(&reader, &Query::parse("12.03.2024 AND rome"));
    assert_eq!(hits, [texts[1]]);
}

#[test]
fn titles_headings_and_paths_are_searched() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    let mut change = put(root, "contracts/hamburg.md", "Nothing said here.");
    if let Change::Put {
        outcome: Outcome::Indexed { document, chunks },
        ..
    } = &mut change
    {
        document.title = Some("Tenancy Agreement".into());
        chunks[0].heading_path = vec!["Part One".into(), "Termination".into()];
    }
    writer
        .commit(vec![change, put(root, "x.md", "Other things.")])
        .unwrap();
    let reader = writer.reader();
    for typed in ["tenancy", "termination", "hamburg", "contracts"] {
        assert_eq!(
            found(&reader, &query(typed)),
            ["Nothing said here."],
            "{typed}"
        );
    }
    assert_eq!(
        found(&reader, &must(vec![phrase("tenancy agreement")])).len(),
        1
    );
    let chunk = reader
        .chunks(&ids(&reader.lexical(&query("tenancy"), 1).unwrap()))
        .unwrap()
        .remove(0);
    assert_eq!(chunk.chunk.heading_path, ["Part One", "Termination"]);
    assert_eq!(chunk.title.as_deref(), Some("Tenancy Agreement"));
    assert_eq!(
        (chunk.path.as_str(), chunk.ordinal),
        ("contracts/hamburg.md", 0)
    );
}

#[test]
fn a_chunk_of_a_long_document_is_cut_out_exactly() {
    let home = tempdir().unwrap();
    let (mut writer, root) = writer(home.path());
    let paragraphs: Vec<String> = (0..9_000)
        .map(|n| format!("Absatz {n} über Größe und Maß."))
        .collect();
    let text = paragraphs.join("\n\n");
    assert!(text.len() > 4 * 64 * 1024);
    writer.commit(vec![put(root, "long.md", &text)]).unwrap();
    let reader = writer.reader();
    let stored = reader.find_document(None, "long.md").unwrap().unwrap();
    assert_eq!(stored.document.text, text);
    let chunks = reader.chunks_of(stored.id).unwrap();
    let texts: Vec<&str> = chunks.iter().map(|chunk| chunk.text.as_str()).collect();
    assert_eq!(texts, paragraphs);
}
