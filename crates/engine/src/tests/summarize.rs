//! Summaries: what is kept, what is done again, and what is never told.

use std::sync::mpsc::{Receiver, sync_channel};

use docent_core::model::{
    Finish, GenerationEvent, GenerationReport, GenerationRequest, Generator, Message,
};

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
    fn quote(line: &Line) -> Option<&str> {
        match line {
            Line::Quote { text, .. } => Some(text),
            _ => None,
        }
    }
    let parts = summary.parts.iter().flat_map(|part| &part.lines);
    summary
        .lines
        .iter()
        .chain(parts)
        .filter_map(quote)
        .collect()
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
    // What was told of the whole is not told of its part again.
    let mut told = quotes(&summary);
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 3);
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
    // What a model has kept of the prompts that it read goes, too.
    let prefixes = bench.collection().home().join("prefixes");
    std::fs::create_dir(&prefixes).unwrap();
    std::fs::write(prefixes.join("0123456789abcdef.prefix"), "tenant").unwrap();
    bench
        .collection()
        .forget(Path::new("rent/lease.md"))
        .unwrap();
    assert!(!kept.exists() && !prefixes.exists());
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

/// A model that writes what it is told to.
struct Says(&'static str);

impl Generator for Says {
    fn name(&self) -> &str {
        "says"
    }
    fn fingerprint(&self) -> &str {
        "says-1"
    }
    fn context_tokens(&self) -> usize {
        2_000
    }
    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
    fn count_prompt_tokens(&self, messages: &[Message]) -> usize {
        messages
            .iter()
            .map(|message| self.count_tokens(&message.content))
            .sum()
    }
    fn generate(&self, _: GenerationRequest) -> Receiver<GenerationEvent> {
        let (events, receiver) = sync_channel(2);
        events
            .send(GenerationEvent::Token(self.0.to_owned()))
            .unwrap();
        let report = GenerationReport {
            finish: Finish::End,
            prompt_tokens: 1,
            new_tokens: 1,
            prefill_ms: 0,
            decode_ms: 0,
        };
        events.send(GenerationEvent::Done(report)).unwrap();
        receiver
    }
}

#[test]
fn of_a_models_words_only_what_the_quotes_support_is_told() {
    let bench = Bench::new(FOLDER);
    bench.index();
    let model = Says(
        "The tenant can end the lease in writing with ninety days' notice. \
         The landlord lives in Paris and owns three horses.",
    );
    let request = SummaryRequest {
        path: Some("rent/lease.md".into()),
        ..SummaryRequest::default()
    };
    let made = bench
        .collection()
        .summarize(Some(&model), &request, &mut |_| ControlFlow::Continue(()));
    let summary = made.unwrap().unwrap();
    let written = |line: &&Line| matches!(line, Line::Written { .. });
    let written: Vec<String> = summary
        .lines
        .iter()
        .filter(written)
        .map(Line::to_text)
        .collect();
    assert_eq!(written.len(), 1);
    assert!(written[0].starts_with("The tenant can end") && written[0].contains('['));
    assert_eq!(summary.left_out, 1);
}

#[test]
fn what_many_documents_hold_word_for_word_is_told_of_none() {
    let notice = "This leaflet of the clinic was printed and given out free of charge.";
    let own = [
        "Asthma narrows the airways of the lungs.",
        "Gout is pain of the joints at night.",
        "Migraine is a headache that comes back.",
        "Eczema is a rash of the dry skin.",
    ];
    let bench = Bench::new("//- none.txt\nNothing.");
    for (number, own) in own.iter().enumerate() {
        bench.write(&format!("{number}.md"), &format!("{notice}\n\n{own}"));
    }
    bench.index();
    let (one, _) = summarize(&bench, Some("0.md"));
    assert_eq!(quotes(&one), [own[0]]);
    let (all, _) = summarize(&bench, None);
    assert_eq!(quotes(&all), own);
}
