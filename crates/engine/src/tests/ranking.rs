//! How hits are ranked, and what they tell of it.

use std::time::{Duration, SystemTime};

use docent_core::model::Reranker;

use super::*;
use crate::search::{Around, Effort, Hit, Signal};

fn hits(bench: &Bench, query: &str) -> Vec<Hit> {
    let request = SearchRequest {
        query: query.into(),
        limit: 10,
        ..SearchRequest::default()
    };
    bench.collection().search(&request).unwrap().hits
}

/// A contract of several chunks between two parties, alike but for their names.
fn contract(kind: &str, one: &str, other: &str, law: &str) -> String {
    let filler = |what: &str| {
        let sentence = format!(
            "Each party shall keep {what} in good order and tell the other in writing of any \
             change of {what} within thirty days. "
        );
        sentence.repeat(14)
    };
    format!(
        "{kind} AGREEMENT between {one} and {other}\n\n{}\n\n{}\n\n\
         Governing law. This agreement is governed by the laws of {law}. {}\n\n{}\n",
        filler("its books"),
        filler("the goods"),
        filler("its registered office"),
        filler("insurance"),
    )
}

fn contracts() -> Bench {
    let bench = Bench::new("");
    for (kind, one, other, law) in [
        ("SUPPLY", "Acme Pumps", "Widget Water", "Norway"),
        ("LICENCE", "Bolt Software", "Crane Media", "Delaware"),
        ("AGENCY", "Dune Travel", "Ember Hotels", "France"),
        ("SERVICE", "Fjord Freight", "Grain Mills", "Bavaria"),
    ] {
        let path = format!("{}.txt", kind.to_lowercase());
        bench.write(&path, &contract(kind, one, other, law));
    }
    bench.index();
    bench
}

#[test]
fn a_question_that_names_a_document_is_asked_of_that_document() {
    let bench = contracts();
    let question = "Consider the Agency Agreement between Dune Travel and Ember Hotels; \
                    which law governs?";
    let found = hits(&bench, question);
    assert_eq!(found[0].path, "agency.txt");
    assert!(
        found[0].text.contains("laws of France"),
        "{}",
        found[0].text
    );
    let named = found[0]
        .reasons
        .iter()
        .find(|r| r.signal == Signal::Document);
    assert_eq!(named.unwrap().about.as_deref(), Some("which law governs?"));
}

#[test]
fn the_reasons_add_up_to_the_score_and_scores_are_in_order() {
    let bench = contracts();
    for query in [
        "insurance of the goods",
        "Ember Hotels governing law",
        "Norway",
    ] {
        let found = hits(&bench, query);
        assert!(!found.is_empty(), "{query}");
        for hit in &found {
            let sum: f32 = hit.reasons.iter().map(|reason| reason.share).sum();
            assert!((sum - hit.score).abs() < 1e-5, "{query}: {hit:?}");
        }
        assert!(
            found.is_sorted_by(|a, b| a.score >= b.score - 1e-5),
            "{query}"
        );
    }
}

#[test]
fn a_quick_search_compares_no_tokens_and_a_full_one_does() {
    let bench = contracts();
    let signals = |effort| {
        let request = SearchRequest {
            query: "insurance of goods".into(),
            effort,
            limit: 5,
            ..SearchRequest::default()
        };
        let found = bench.collection().search(&request).unwrap();
        assert_eq!(found.effort, effort);
        let reasons = found.hits.into_iter().flat_map(|hit| hit.reasons);
        reasons.map(|reason| reason.signal).collect::<Vec<_>>()
    };
    assert!(!signals(Effort::Quick).contains(&Signal::Tokens));
    assert!(signals(Effort::Full).contains(&Signal::Tokens));
}

#[test]
fn versions_are_told_and_the_newest_stands_first() {
    let letter = "Dear Ms Miller, the deposit of two thousand euros will be paid back to your \
                  account at the end of the month, less the cost of the broken window pane.";
    let bench = Bench::new("");
    for (path, text, age) in [
        ("letter.txt", letter.to_owned(), 300),
        ("letter v2.txt", letter.replace("month", "quarter"), 100),
        ("old/2024/letter_copy.txt", letter.to_owned(), 200),
        ("contract.txt", letter.replace("two", "nine"), 50),
        (
            "other.txt",
            "The deposit for bottles is eight cents.".to_owned(),
            0,
        ),
    ] {
        bench.write(path, &text);
        let file = fs::File::options()
            .write(true)
            .open(bench.folder().join(path))
            .unwrap();
        let modified = SystemTime::now() - Duration::from_secs(3600 * age);
        file.set_modified(modified).unwrap();
    }
    bench.index();
    let found = hits(&bench, "deposit window pane");
    let newest = found.iter().position(|hit| hit.path == "letter v2.txt");
    let newest = newest.unwrap();
    assert_eq!(found[newest].similar_to, None);
    let copies = found.iter().filter(|hit| hit.similar_to == Some(newest));
    let copies: Vec<&str> = copies.map(|hit| hit.path.as_str()).collect();
    assert_eq!(copies.len(), 2, "{copies:?}");
    for other in ["other.txt", "contract.txt"] {
        let other = found.iter().find(|hit| hit.path == other).unwrap();
        assert_eq!(other.similar_to, None, "{other:?}");
    }
}

#[test]
fn a_rare_name_is_among_the_first_hits() {
    let bench = Bench::new("");
    let usual = "Minutes of the annual budget meeting of the finance committee.";
    for n in 0..12 {
        bench.write(
            &format!("minutes-{n}.txt"),
            &format!("{usual} Held in room {n}."),
        );
    }
    bench.write(
        "guest.txt",
        "A short visit was paid by Zorblatt in the afternoon, with cake.",
    );
    bench.index();
    let question = "At which annual budget meeting of the finance committee was Zorblatt?";
    let found = hits(&bench, question);
    let place = found.iter().position(|hit| hit.path == "guest.txt");
    assert!(place.is_some_and(|place| place < 5), "{place:?}");
}

#[test]
fn code_has_a_head_start_where_code_is_asked_about() {
    let bench = Bench::new("");
    bench.write(
        "guide.md",
        "# Sessions\n\nThe session class keeps cookies. Every method of the session class that \
         loads cookies is called by the framework, and the session class signs cookies.",
    );
    bench.write(
        "session.py",
        "class Session:\n    \"\"\"Keeps cookies.\"\"\"\n\n    def load_cookies(self):\n        return self.cookies\n",
    );
    bench.index();
    let head_start = |query: &str, path: &str| {
        let found = hits(&bench, query);
        let hit = found.into_iter().find(|hit| hit.path == path).unwrap();
        let reasons = hit.reasons.iter().filter(|r| r.signal == Signal::Code);
        reasons.map(|reason| reason.share).sum::<f32>()
    };
    let about_code = "Which method of the session class loads cookies?";
    assert!(head_start(about_code, "session.py") > 0.1);
    assert_eq!(head_start(about_code, "guide.md"), 0.0);
    assert_eq!(head_start("Who keeps the cookies?", "session.py"), 0.0);
}

/// Prefers passages with a certain word, unless it is too slow.
struct Prefers {
    word: &'static str,
    is_late: bool,
}

impl Reranker for Prefers {
    fn fingerprint(&self) -> &str {
        "prefers-1"
    }
    fn max_tokens(&self) -> usize {
        512
    }
    fn rerank(
        &self,
        _question: &str,
        passages: &[&str],
        deadline: Option<Instant>,
    ) -> Result<Vec<f32>, ModelError> {
        assert!(deadline.is_some(), "a search is never without a limit");
        if self.is_late {
            let model = "prefers".to_owned();
            return Err(ModelError::Late { model });
        }
        let likes = |passage: &&str| f32::from(u8::from(passage.contains(self.word)));
        Ok(passages.iter().map(likes).collect())
    }
}

#[test]
fn a_reranker_has_its_say_if_it_is_in_time() {
    let files = "
//- a.txt
The deposit is paid back after the lease.
//- b.txt
A deposit and a lease: the deposit of the lease is for bottles.
//- c.txt
The lease of the boat asks for a deposit, too.
";
    let bench = Bench::new(files);
    bench.index();
    // The lists have to differ: where they agree on the first, no reranker is asked.
    let questions = [
        "deposit",
        "lease",
        "lease deposit",
        "the boat or bottles",
        "paid bottles",
    ];
    let differ = |question: &&str| {
        let first = &hits(&bench, question)[0];
        first.dense_rank != Some(1) || first.lexical_rank != Some(1)
    };
    let question = questions
        .into_iter()
        .find(differ)
        .expect("one that differs");
    for (is_late, expected) in [(true, false), (false, true)] {
        let bench = Bench::new(files);
        bench.index();
        let word = "boat";
        bench
            .library
            .set_reranker(Arc::new(Prefers { word, is_late }));
        let found = hits(&bench, question);
        let says = |hit: &Hit| hit.reasons.iter().any(|r| r.signal == Signal::Reranker);
        assert_eq!(found.iter().any(says), expected);
        let share = |hit: &Hit| {
            let reason = hit.reasons.iter().find(|r| r.signal == Signal::Reranker);
            reason.map_or(0.0, |reason| reason.share)
        };
        let liked = found.iter().find(|hit| hit.path == "c.txt").unwrap();
        assert_eq!(share(liked) > 0.9, expected, "{liked:?}");
    }
}

#[test]
fn what_stands_around_a_hit_is_there_on_demand() {
    let line = "The tenant keeps the cellar dry and the windows shut in winter, every winter. ";
    let bench = Bench::new(&format!(
        "\n//- lease.md\n# Lease\n\n{}\n\n## Deposit\n\nThe deposit is two months' rent.\n\n{}\n\n## End\n\nIt ends in May.\n",
        line.repeat(30),
        line.repeat(30),
    ));
    bench.index();
    let collection = bench.collection();
    let request = SearchRequest {
        query: "deposit rent".into(),
        limit: 1,
        ..SearchRequest::default()
    };
    let hit = collection.search(&request).unwrap().hits.remove(0);
    let section = collection.around(&hit, Around::Section).unwrap().unwrap();
    assert!(section.text.starts_with("## Deposit") && !section.text.contains("## End"));
    assert!(section.text.contains(hit.text.trim()));
    let near = collection
        .around(&hit, Around::Neighbours(1))
        .unwrap()
        .unwrap();
    assert!(near.start < hit.start && near.end > hit.end);
    let all = collection
        .around(&hit, Around::Neighbours(99))
        .unwrap()
        .unwrap();
    assert!(all.text.starts_with("# Lease") && all.text.ends_with("It ends in May."));
}
