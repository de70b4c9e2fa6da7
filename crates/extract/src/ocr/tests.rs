//! What is said of documents that are not read to their end.

use docent_core::document::Format;

use super::*;

fn extraction(text: &str, pages: Vec<Page>) -> Extraction {
    let mut document = Document::of(Format::Pdf, text.to_owned());
    document.pages = pages;
    Extraction {
        outcome: Outcome::Read(document),
        hash: None,
        bytes: 0,
        inner: Vec::new(),
    }
}

fn unreadable(reason: &str) -> Page {
    Page {
        badge: Badge::Unreadable,
        gap: Some(reason.into()),
    }
}

#[test]
fn pages_that_nobody_read_are_counted() {
    let pages = vec![
        Page::default(),
        marker::page(),
        unreadable("OCR failed: no time"),
        unreadable(merge::NOTHING_TO_READ),
        unreadable("damaged"),
    ];
    let mut extraction = extraction("words", pages);
    if let Outcome::Read(document) = &mut extraction.outcome {
        document.incomplete = Some("1 page is damaged".into());
    }
    settle(&mut extraction);
    let Outcome::Read(document) = extraction.outcome else {
        panic!("not read");
    };
    let gap = document.incomplete.unwrap();
    assert_eq!(
        gap.reason,
        "1 page is damaged; 2 of 5 pages need OCR: pages 2–3"
    );
    assert_eq!(gap.help.as_deref(), Some(marker::INSTALL_OCR));
}

#[test]
fn a_document_without_any_text_is_no_success() {
    let mut scan = extraction(" \n", vec![marker::page()]);
    settle(&mut scan);
    assert_eq!(
        scan.outcome,
        Outcome::Failed(Gap::new(marker::NEEDS_OCR).help(marker::INSTALL_OCR))
    );
    let mut photo = extraction("", vec![unreadable(merge::NOTHING_TO_READ)]);
    settle(&mut photo);
    assert_eq!(photo.outcome, Outcome::skipped(merge::NOTHING_TO_READ));
    let mut whole = extraction("words", vec![Page::default()]);
    let before = whole.clone();
    settle(&mut whole);
    assert_eq!(whole, before);
}
