//! Summaries: what is kept, what is done again, and what is never told.

use super::*;
use crate::summarize::{Length, Line, Subject, Summary, SummaryEvent, SummaryRequest};

const FOLDER: &str = "
//- rent/lease.md
# Lease

The tenant may end the lease on ninety days' notice in writing.

## Deposit

The deposit is two months' rent and is paid back within four weeks.

## Repairs

The landlord repairs the roof and the heating of the house within a week.
//- bread/flour.md
# Flour

The mill delivers two tons of rye flour to the bakery every Monday.
//- bread/oven.md
# Oven

The baker heats the oven of the bakery with beech wood before dawn.
";

/// The summary of a path, and how many sections had to be weighed for it.
fn summarize(bench: &Bench, path: Option<&str>) -> (Summary, usize) {
    let mut weighed = 0;
    let request = SummaryRequest {
        path: path.map(str::to_owned),
        length: Length::Short,
    };
    let made = bench.collection().summarize(None, &request, &mut |event| {
        if let SummaryEvent::Reading { sections, .. } = event {
            weighed = weighed.max(sections);
        }
        ControlFlow::Continue(())
    });
    (made.unwrap().expect("nobody stops it"), weighed)
}

fn quotes(summary: &Summary) -> Vec<&str> {
    let parts = summary.parts.iter().flat_map(|part| &part.lines);
    let lines = summary.lines.iter().chain(parts);
    fn quote(line: &Line) -> Option<&str> {
        match line {
            Line::Quote { text, .. } => Some(text),
            _ => None,
        }
    }
    lines.filter_map(quote).collect()
}

#[test]
fn every_quote_stands_in_its_document() {
    let bench = Bench::new(FOLDER);
    bench.index();
    let (summary, _) = summarize(&bench, Some("rent/lease.md"));
    assert_eq!(summary.subject, Subject::Document);
    assert_eq!(summary.title, "Lease");
    assert_eq!(summary.coverage.sections, 3);
    assert_eq!(quotes(&summary).len(), 3);
    let document = &bench.collection().find("rent/lease.md").unwrap()[0].document;
    for citation in &summary.citations {
        assert_eq!(&document.text[citation.start..citation.end], citation.quote);
    }
    let headings: Vec<&str> = summary
        .parts
        .iter()
        .map(|part| part.heading.as_str())
        .collect();
    assert_eq!(headings, ["Deposit", "Repairs"]);
}

#[test]
fn a_second_run_and_a_changed_file_do_only_what_is_new() {
    let bench = Bench::new(FOLDER);
    bench.index();
    let (first, weighed) = summarize(&bench, None);
    assert_eq!((first.subject, weighed), (Subject::Folder, 5));
    let (again, weighed) = summarize(&bench, None);
    assert_eq!((&again, weighed), (&first, 0));
    bench.write(
        "bread/oven.md",
        "# Oven\n\nThe baker heats the oven of the bakery with gas now.",
    );
    bench.index();
    let (changed, weighed) = summarize(&bench, None);
    assert_eq!(weighed, 1);
    assert!(
        quotes(&changed)
            .iter()
            .any(|quote| quote.contains("with gas"))
    );
}

#[test]
fn what_was_done_before_a_stop_is_kept() {
    let bench = Bench::new(FOLDER);
    bench.index();
    let request = SummaryRequest::default();
    let stopped = bench
        .collection()
        .summarize(None, &request, &mut |_| ControlFlow::Break(()));
    assert_eq!(stopped.unwrap(), None);
    assert_eq!(summarize(&bench, None).1, 0);
}

#[test]
fn forgetting_a_file_forgets_what_was_found_out_about_it() {
    let bench = Bench::new(FOLDER);
    bench.index();
    summarize(&bench, None);
    let kept = bench.collection().home().join("summaries");
    assert!(kept.is_file());
    bench
        .collection()
        .forget(Path::new("rent/lease.md"))
        .unwrap();
    assert!(!kept.exists());
    let (summary, _) = summarize(&bench, None);
    assert!(
        quotes(&summary)
            .iter()
            .all(|quote| !quote.contains("tenant"))
    );
}

#[test]
fn what_could_not_be_read_is_named() {
    let bench = Bench::new(FOLDER);
    bench.write("rent/scan.pdf", "%PDF-1.7 broken");
    bench.index();
    let (summary, _) = summarize(&bench, Some("rent"));
    assert_eq!(
        (summary.coverage.documents, summary.coverage.documents_total),
        (1, 2)
    );
    assert_eq!(summary.coverage.not_read[0].place, "rent/scan.pdf");
}

#[test]
fn a_path_that_is_not_there_is_an_error() {
    let bench = Bench::new(FOLDER);
    bench.index();
    let request = SummaryRequest {
        path: Some("nowhere.md".into()),
        ..SummaryRequest::default()
    };
    let made = bench
        .collection()
        .summarize(None, &request, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(made, Err(EngineError::UnknownPath { .. })));
}
