//! PDFs made on the spot, whole and broken.

use std::fmt::Write;
use std::time::Duration;

use docent_core::document::Locator;

use super::*;
use crate::{Limits, Outcome, check, extract_bytes, job};

/// A PDF with a page for each list of lines, in Helvetica, and a title.
fn pdf(title: &str, pages: &[&[&str]]) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len())
        .map(|page| format!("{} 0 R", 5 + 2 * page))
        .collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!(
            "<< /Type /Pages /Kids [{}] /Count {} >>",
            kids.join(" "),
            pages.len()
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
        format!("<< /Title ({title}) >>"),
    ];
    for (index, lines) in pages.iter().enumerate() {
        let mut content = String::new();
        if !lines.is_empty() {
            content.push_str("BT /F1 12 Tf 72 720 Td 16 TL ");
            for line in *lines {
                write!(content, "({line}) Tj T* ").unwrap();
            }
            content.push_str("ET");
        }
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> >>",
            6 + 2 * index
        ));
        objects.push(format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ));
    }
    let mut file = "%PDF-1.4\n".to_owned();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(file.len());
        write!(file, "{} 0 obj\n{object}\nendobj\n", index + 1).unwrap();
    }
    let xref = file.len();
    write!(file, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).unwrap();
    for place in places {
        writeln!(file, "{place:010} 00000 n ").unwrap();
    }
    let size = objects.len() + 1;
    write!(
        file,
        "trailer\n<< /Size {size} /Root 1 0 R /Info 4 0 R >>\nstartxref\n{xref}\n%%EOF\n"
    )
    .unwrap();
    file.into_bytes()
}

fn read_with(bytes: &[u8], limits: &Limits, engines: Engines) -> Result<Document, String> {
    match job::run(bytes, "a.pdf", limits, engines).outcome {
        Outcome::Read(document) => Ok(document),
        Outcome::Failed(gap) | Outcome::Skipped(gap) => Err(gap.to_string()),
    }
}

fn read_both(bytes: &[u8]) -> Result<Document, String> {
    read_with(bytes, &Limits::default(), Engines::Both)
}

const LEASE: &[&[&str]] = &[
    &["The lease of the mill", "It begins on the first of June."],
    &["The rent is forty pounds a month."],
];

#[test]
fn pages_and_lines_are_kept() {
    let document = read_both(&pdf("The lease of the mill", LEASE)).unwrap();
    assert_eq!(check(&document), Ok(()));
    assert_eq!(document.title.as_deref(), Some("The lease of the mill"));
    assert!(
        document.text.contains("It begins on the first of June."),
        "{}",
        document.text
    );
    let at = document.text.find("forty").unwrap();
    let place = document.locate(at..at + 5).unwrap();
    assert_eq!(place.to_string(), "page 2");
    let Locator::Page {
        area: Some(area), ..
    } = place
    else {
        panic!("no box");
    };
    let [left, top, right, bottom] = area.points();
    assert!(
        left == 72.0 && right > 200.0 && top < 72.0 && bottom > 72.0,
        "{area:?}"
    );
    let at = document.text.find("It begins").unwrap();
    let place = document.locate(at..at + 5).unwrap();
    assert!(
        matches!(
            place,
            Locator::Page {
                page: 1,
                first_line: 2..,
                ..
            }
        ),
        "{place:?}"
    );
    assert_eq!((document.warnings.len(), document.incomplete), (0, None));
}

#[test]
fn the_second_engine_reads_alone() {
    let document = read_with(&pdf("x", LEASE), &Limits::default(), Engines::SecondOnly).unwrap();
    assert_eq!(check(&document), Ok(()));
    assert!(document.text.contains("forty pounds"), "{}", document.text);
    assert!(
        document
            .blocks
            .iter()
            .any(|block| block.locator.to_string() == "page 2 (repaired)")
    );
}

#[test]
fn blank_pages_are_no_scans() {
    let document = read_both(&pdf("x", &[&["One."], &[], &["Three."], &[]])).unwrap();
    assert_eq!(document.pages, vec![Page::default(); 4]);
    assert_eq!(document.incomplete, None);
    let error = read_both(&pdf("x", &[&[], &[]])).unwrap_err();
    assert_eq!(error, "empty: nothing but white space");
}

#[test]
fn time_that_is_up_leaves_what_was_read() {
    let limits = Limits {
        time: Duration::ZERO,
        ..Limits::default()
    };
    let error = read_with(&pdf("x", LEASE), &limits, Engines::Both).unwrap_err();
    assert!(error.contains("2 pages"), "{error}");
}

#[test]
fn broken_files_fail_with_a_reason() {
    let whole = pdf("The lease of the mill", LEASE);
    for bytes in [
        &b"%PDF-1.7\n"[..],
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog",
        &whole[..200],
    ] {
        let extraction = extract_bytes(bytes, "a.pdf", &Limits::default());
        assert!(
            matches!(extraction.outcome, Outcome::Failed(_)),
            "{:?}",
            extraction.outcome
        );
    }
    // Damage in the middle: whatever comes, it keeps its promises.
    for step in [7, 31, 97] {
        let mut bytes = whole.clone();
        bytes
            .iter_mut()
            .skip(9)
            .step_by(step)
            .for_each(|byte| *byte ^= 0x15);
        if let Outcome::Read(document) = extract_bytes(&bytes, "a.pdf", &Limits::default()).outcome
        {
            assert_eq!(check(&document), Ok(()));
        }
    }
}

#[test]
fn lists_of_pages_are_short() {
    assert_eq!(page_list(&[3]), "page 3");
    assert_eq!(page_list(&[1, 2, 3, 7]), "pages 1–3, 7");
}
