//! Letters whose names and numbers were marked by hand: what must go, and what must stay.

use super::*;

/// A stretch that was marked by hand.
#[derive(Debug)]
struct Marked {
    kind: Kind,
    /// Who or what it is, within its letter.
    identity: String,
    text: String,
    span: Range<usize>,
}

/// A letter without its marks, and what was marked.
struct Letter {
    title: String,
    text: String,
    marked: Vec<Marked>,
}

fn letters_by_hand() -> Vec<Letter> {
    let all = include_str!("letters.txt").split("=== ").skip(1);
    all.map(|letter| {
        let (title, body) = letter.split_once('\n').unwrap();
        unmarked(title, body)
    })
    .collect()
}

fn unmarked(title: &str, body: &str) -> Letter {
    let mut text = String::new();
    let mut marked = Vec::new();
    for (number, part) in body.split('⟦').enumerate() {
        let Some((mark, rest)) = part.split_once('⟧').filter(|_| number > 0) else {
            text.push_str(part);
            continue;
        };
        let (identity, words) = mark.split_once(':').unwrap();
        let kind = match &identity[..1] {
            "P" => Kind::Person,
            "O" => Kind::Organisation,
            "A" => Kind::Address,
            "E" => Kind::Email,
            "T" => Kind::Phone,
            "B" => Kind::Birth,
            _ => Kind::Number,
        };
        marked.push(Marked {
            kind,
            identity: identity.to_owned(),
            text: words.to_owned(),
            span: text.len()..text.len() + words.len(),
        });
        text.push_str(words);
        text.push_str(rest);
    }
    Letter {
        title: title.to_owned(),
        text,
        marked,
    }
}

fn redacted(text: &str) -> String {
    Redactor::learn([text], []).redact(text)
}

/// What is found in a letter, as it would be replaced.
fn found_in(text: &str) -> Vec<Found> {
    let redactor = Redactor::learn([text], []);
    let mut found = patterns::find(text, &redactor.known);
    let taken: Vec<Range<usize>> = found.iter().map(|found| found.span.clone()).collect();
    found.extend(redactor.people.find(text, &taken));
    found.sort_by_key(|found| (found.span.start, std::cmp::Reverse(found.span.end)));
    longest(found)
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// For each kind: marked, found wholly, replaced, rightly replaced. Tells what is wrong.
fn counted() -> (BTreeMap<Kind, [usize; 4]>, Vec<String>) {
    let mut counts: BTreeMap<Kind, [usize; 4]> = BTreeMap::new();
    let mut wrong = Vec::new();
    for letter in letters_by_hand() {
        let found = found_in(&letter.text);
        for mark in &letter.marked {
            let count = counts.entry(mark.kind).or_default();
            count[0] += 1;
            // All of its words must be gone, whatever they were taken for.
            let words = mark.span.clone().filter(|at| {
                letter.text[mark.span.clone()].is_char_boundary(at - mark.span.start)
                    && letter.text[*at..].starts_with(char::is_alphanumeric)
            });
            let mut gone = words.map(|at| found.iter().any(|found| found.span.contains(&at)));
            match gone.all(|gone| gone) {
                true => count[1] += 1,
                false => wrong.push(format!("{}: stayed: {}", letter.title, mark.text)),
            }
        }
        for one in &found {
            let count = counts.entry(one.kind).or_default();
            count[2] += 1;
            let right = letter
                .marked
                .iter()
                .any(|mark| overlap(&mark.span, &one.span));
            match right {
                true => count[3] += 1,
                false => wrong.push(format!(
                    "{}: went: {}",
                    letter.title,
                    &letter.text[one.span.clone()]
                )),
            }
        }
    }
    (counts, wrong)
}

#[test]
fn what_was_marked_by_hand_goes_and_the_rest_stays() {
    let (counts, wrong) = counted();
    // What is wrong is told.
    for (kind, [marked, gone, replaced, rightly]) in &counts {
        let recall = *gone as f64 / (*marked).max(1) as f64;
        let precision = *rightly as f64 / (*replaced).max(1) as f64;
        let told = format!(
            "{kind:?}: {gone} of {marked} went, {rightly} of {replaced} rightly: {wrong:#?}"
        );
        assert!(recall >= 0.95, "{told}");
        assert!(precision >= 0.95, "{told}");
    }
    let sum = |at: usize| counts.values().map(|count| count[at]).sum::<usize>();
    assert!(sum(1) as f64 >= 0.95 * sum(0) as f64, "{wrong:#?}");
    assert!(sum(3) as f64 >= 0.95 * sum(2) as f64, "{wrong:#?}");
}

#[test]
fn the_same_person_has_the_same_label() {
    let mut wrong = Vec::new();
    for letter in letters_by_hand() {
        let found = found_in(&letter.text);
        let key = |mark: &Marked| {
            let found = found.iter().find(|found| overlap(&found.span, &mark.span));
            found.map(|found| (found.kind, found.key.clone()))
        };
        for (place, a) in letter.marked.iter().enumerate() {
            for b in &letter.marked[place + 1..] {
                let same = a.identity == b.identity;
                let (Some(of_a), Some(of_b)) = (key(a), key(b)) else {
                    continue;
                };
                if same != (of_a == of_b) {
                    wrong.push(format!("{}: {} and {}", letter.title, a.text, b.text));
                }
            }
        }
    }
    assert!(wrong.len() <= 1, "{wrong:#?}");
}

#[test]
fn full_name_surname_title_and_initials_are_one_person() {
    let text = "John Smith signed. Mr Smith paid; Smith's cheque came. J. Smith and J.S. agreed.";
    assert_eq!(
        redacted(text),
        "Person A signed. Person A paid; Person A's cheque came. Person A and Person A agreed."
    );
}

#[test]
fn a_shared_surname_is_told_apart_by_gender_and_else_stands_alone() {
    let text = "Mr Paul Hart and Mrs Jane Hart came. Mrs Hart spoke. The house is Hart property.";
    let redacted = redacted(text);
    assert!(
        redacted.starts_with("Person A and Person B came. Person B spoke."),
        "{redacted}"
    );
    assert!(
        redacted.contains("The house is Person C property"),
        "{redacted}"
    );
}

#[test]
fn words_that_are_names_elsewhere_stay() {
    for text in [
        "You may mark the form. May we ask you to pay by June? Mark it. Will it rain?",
        "The Tenant shall pay the Landlord under Section 12(b) by 1 May 2024 the sum of £1,200.",
        "Take 10 mg twice a day with 200 ml of water; call if the value exceeds 140.",
        "Der Mieter zahlt die Miete am dritten Werktag; § 5 gilt auch für Frau und Kind.",
        "Dear Sir or Madam, Dear Customer,",
        "The Grace Period ends on the Grant Date, 3 Jan 2024, under the laws of Virginia.",
        "The model is BERT, trained with ADAM; max. 40 units. Max. 12 in all.",
        "fn main() { let total = 40718835 + 1; }",
    ] {
        let kept = redacted(text).replace("Number A", "40718835");
        assert_eq!(kept, text);
    }
}

#[test]
fn labels_come_in_the_order_of_appearance_and_are_counted() {
    let texts = [
        "Anna Berg wrote to Otto Lang.",
        "Otto Lang answered Anna Berg.",
    ];
    let mut redactor = Redactor::learn(texts, []);
    assert_eq!(redactor.redact(texts[1]), "Person A answered Person B.");
    assert_eq!(redactor.redact(texts[0]), "Person B wrote to Person A.");
    assert_eq!(redactor.counts().collect::<Vec<_>>(), [(Kind::Person, 4)]);
}

#[test]
fn paths_lose_names_and_long_numbers_and_keep_their_dates() {
    let text = "Maria Müller, account number 7712094, wrote.";
    let mut redactor = Redactor::learn([text], ["letters/otto-lang.pdf"]);
    let path = redactor.redact_path("clients/mueller_maria/7712094-2021-03-12.pdf");
    assert_eq!(path, "clients/Person A/Number A-2021-03-12.pdf");
    assert_eq!(
        redactor.redact_path("letters/otto-lang.pdf"),
        "letters/Person B.pdf"
    );
    assert_eq!(
        redactor.redact_path("notes/20210312-lease.md"),
        "notes/20210312-lease.md"
    );
    assert_eq!(redactor.redact("Otto came."), "Person B came.");
}

#[test]
fn strange_texts_do_no_harm() {
    for text in [
        "",
        "Mr",
        "J.",
        "J. K.",
        "Dear ",
        "’s",
        "Ünïcödé 中文 Mr 😀",
        "Name:\u{a0}",
        "+",
        "A.B.C.D.E.F.",
    ] {
        let _ = redacted(text);
        let _ = Redactor::learn([text], [text]).redact_path(text);
    }
}

#[test]
fn letters_go_on_after_z() {
    assert_eq!(letters(0), "A");
    assert_eq!(letters(26), "AA");
}
