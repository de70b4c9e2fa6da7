//! Questions that are not answered from the best passages alone.

use super::{Bench, NOTES, ask, question};
use crate::ask::{Earlier, Exchange, Question};
use crate::event::PassageView;

#[test]
fn every_document_is_looked_at_for_a_list() {
    let bench = Bench::new(NOTES);
    bench.index();
    let (answer, searched) = ask(
        &bench.collection(),
        &question("Which documents mention rent?"),
    );
    let survey = answer.survey.as_ref().unwrap();
    assert_eq!(
        (survey.looked_at, survey.in_scope, survey.matching),
        (3, 3, 1)
    );
    let paths: Vec<&str> = survey.rows.iter().map(|row| row.path.as_str()).collect();
    assert_eq!(paths, ["lease.md", "code/parse.py", "letters/clinic.txt"]);
    let cited = survey.rows[0].citation.unwrap();
    assert!(
        answer.citations[cited - 1]
            .quote
            .contains("two months' rent")
    );
    assert!(
        answer
            .to_text()
            .starts_with("Looked at 3 of 3 documents: 1 matches.")
    );
    assert_eq!(searched.passages[0].number, answer.citations[0].passage);

    let (answer, _) = ask(
        &bench.collection(),
        &question("How many documents do not mention rent?"),
    );
    assert_eq!(answer.survey.unwrap().matching, 2);
    let (answer, _) = ask(
        &bench.collection(),
        &question("How many documents mention volcanoes?"),
    );
    assert!(!answer.abstained && answer.citations.is_empty());
}

#[test]
fn a_timeline_is_in_order_of_time() {
    let bench = Bench::new(
        "
//- second.md
The dispute about the wall was settled on 3 March 2021 by the court.
//- first.md
The dispute about the wall began in May 2019 with a letter of the neighbour.
",
    );
    bench.index();
    let asked = question("Give me a timeline of the dispute about the wall");
    let (answer, _) = ask(&bench.collection(), &asked);
    let paths: Vec<&str> = answer.quotes().map(|quote| quote.path.as_str()).collect();
    assert_eq!(paths, ["first.md", "second.md"]);
    assert_eq!(answer.labels[&1], "2019-05");
    assert_eq!(answer.labels[&2], "2021-03-03");
}

#[test]
fn two_sides_are_compared_each_with_its_quotes() {
    let bench = Bench::new(
        "
//- ames.md
# Ames lease
The notice period of the Ames lease is 30 days.
//- bell.md
# Bell lease
The notice period of the Bell lease is 90 days.
",
    );
    bench.index();
    let asked = question("What is the difference between the Ames lease and the Bell lease?");
    let (answer, _) = ask(&bench.collection(), &asked);
    assert_eq!(answer.labels[&1], "the Ames lease");
    assert!(answer.citations[0].quote.contains("30 days"));
    let finding = answer.finding.unwrap();
    assert!(finding.contains("They differ: 30 [1], 90 ["), "{finding}");
}

#[test]
fn a_definition_in_code_comes_first() {
    let bench = Bench::new(NOTES);
    bench.write(
        "code/use.py",
        "from parse import parse_invoice\n\nprint(parse_invoice(\"a 7\"))\n",
    );
    bench.index();
    let (answer, _) = ask(
        &bench.collection(),
        &question("Where is parse_invoice defined?"),
    );
    assert_eq!(answer.citations[0].quote, "def parse_invoice(text):");
}

#[test]
fn a_place_in_the_question_chooses_the_document() {
    let bench = Bench::new(
        "
//- a.md
# Lease between Ames and Bell
The rent is 900 francs.
//- b.md
# Lease between Cole and Dunn
The rent is 700 francs.
",
    );
    bench.index();
    let asked = question("Consider the Lease between Cole and Dunn; How much is the rent?");
    let (answer, searched) = ask(&bench.collection(), &asked);
    assert_eq!(searched.documents, 1);
    assert!(
        answer
            .citations
            .iter()
            .all(|citation| citation.path == "b.md")
    );
}

#[test]
fn copies_are_quoted_once() {
    let bench = Bench::new(
        "
//- a.txt
The deposit of the lease is two thousand euros.
//- copy of a.txt
The deposit of the lease is two thousand euros.
//- b.txt
The rent of the lease is due on the third day of each month.
",
    );
    bench.index();
    let (answer, _) = ask(
        &bench.collection(),
        &question("How high is the deposit of the lease?"),
    );
    let quotes: Vec<&str> = answer.quotes().map(|c| c.quote.as_str()).collect();
    let deposit = quotes.iter().filter(|quote| quote.contains("deposit"));
    assert_eq!(deposit.count(), 1, "{quotes:?}");
}

#[test]
fn a_summary_is_of_the_document_that_is_named() {
    let bench = Bench::new(
        "
//- cellar.md
# The cellar
The cellar has three rooms and a door to the garden. Wine is kept in the first room, which is the \
coolest of them all. The second room holds the boiler, which is looked after once a year.
//- garden.md
# The garden
The garden has apple trees and a pond. Children swim in the pond in summer.
",
    );
    bench.index();
    let (answer, searched) = ask(&bench.collection(), &question("Summarise the cellar"));
    assert_eq!(searched.documents, 1);
    assert!(!answer.evidence.is_empty() && !answer.abstained);
    assert!(answer.citations.iter().all(|c| c.path == "cellar.md"));
    let finding = answer.finding.unwrap();
    assert!(finding.contains("1 of 1 document"), "{finding}");
    let shown = &searched.passages;
    assert_eq!(shown.len(), answer.citations.len());
    assert_eq!(shown[0].text, answer.citations[0].quote);

    let (answer, _) = ask(&bench.collection(), &question("Summarise “garden.md”"));
    assert!(answer.citations.iter().all(|c| c.path == "garden.md"));
    assert!(!answer.abstained);
}

#[test]
fn everything_is_summarised_where_nothing_is_named() {
    let bench = Bench::new(NOTES);
    bench.index();
    // What the conversation was about before does not narrow it.
    let asked = Question {
        history: vec![Exchange {
            question: "What does the lease say about the deposit?".into(),
            answer: "The deposit of the Lease is two months' rent. [1]".into(),
            ..Exchange::default()
        }],
        ..question("Summarise all documents")
    };
    let (answer, searched) = ask(&bench.collection(), &asked);
    assert!(answer.survey.is_none());
    let finding = answer.finding.unwrap();
    assert!(finding.contains("3 of 3 documents"), "{finding}");
    assert_eq!(searched.documents, 3);
    for citation in &answer.citations {
        assert!(finding.contains(&format!("[{}]", citation.number)));
    }
    assert_eq!(searched.passages.len(), answer.citations.len());
}

#[test]
fn another_spelling_is_told_with_the_answer() {
    let bench = Bench::new(NOTES);
    bench.index();
    let collection = bench.collection();
    let (right, searched) = ask(&collection, &question("When is the deposit paid back?"));
    assert!(!right.abstained && searched.notes.is_empty());
    let (answer, searched) = ask(&collection, &question("When is the depositt paid back?"));
    assert_eq!(answer.citations, right.citations);
    assert_eq!(searched.notes.len(), 1);
    assert!(
        searched.notes[0].contains("“depositt”"),
        "{:?}",
        searched.notes
    );
}

#[test]
fn what_an_answer_rested_on_is_considered_again() {
    let bench = Bench::new(NOTES);
    bench.index();
    let collection = bench.collection();
    let clinic = collection.find("letters/clinic.txt").unwrap().remove(0);
    let follow_up = Question {
        text: "And what about it?".into(),
        history: vec![Exchange {
            question: "How high is the deposit?".into(),
            evidence: vec![Earlier {
                document: clinic.id,
                start: 0,
                end: 11,
            }],
            ..Exchange::default()
        }],
        ..Question::default()
    };
    let (_, searched) = ask(&collection, &follow_up);
    let again = |passage: &PassageView| passage.path == "letters/clinic.txt";
    assert!(searched.passages.iter().any(again));
}
