//! Everything that is said survives the journey, and what is not true is refused.

use proptest::prelude::*;

use super::*;
use crate::extract_bytes;

#[test]
fn an_extraction_survives_the_journey() {
    let limits = Limits::default();
    for (name, text) in [
        (
            "a.md",
            "# Title\n\nWords of *some* length, in English, for the guess.\n\n- item\n",
        ),
        ("a.rs", "/// Docs.\nfn main() {}\n"),
        ("a.html", "<title>T</title><table><tr><td>a<td>b</table>"),
        ("a.txt", ""),
        ("a.docx", "PK\x03\x04"),
    ] {
        let extraction = extract_bytes(text.as_bytes(), name, &limits);
        let frame = encode_reply(&extraction).unwrap();
        assert_eq!(decode_reply(&frame), Ok(extraction), "{name}");
    }
}

#[test]
fn every_place_survives_the_journey() {
    let cell = |row, column| Cell { row, column };
    let places = [
        Locator::Lines { first: 1, last: 2 },
        Locator::Page {
            page: 1,
            first_line: 2,
            last_line: 3,
            last_page: 4,
            area: Some(area([1, -2, 3, 4])),
            badge: Badge::Ocr,
        },
        Locator::Paragraphs { first: 1, last: 2 },
        Locator::Cells {
            sheet: "Costs".into(),
            first: cell(1, 2),
            last: cell(3, 4),
        },
        Locator::Slides { first: 1, last: 2 },
        Locator::Chapter {
            number: 1,
            title: "The storm".into(),
            first: 2,
            last: 3,
        },
        Locator::Part {
            part: "body".into(),
            first: 1,
            last: 2,
        },
    ];
    for locator in places {
        assert_eq!(Locator::from(Place::from(&locator)), locator);
    }
}

#[test]
fn a_document_that_lies_about_its_spans_is_refused() {
    let mut extraction = extract_bytes(b"some words", "a.txt", &Limits::default());
    let Outcome::Read(document) = &mut extraction.outcome else {
        panic!("not read");
    };
    document.blocks[0].span.end = 1 << 40;
    let frame = encode_reply(&extraction).unwrap();
    assert!(decode_reply(&frame).is_err());
}

#[test]
fn pictures_survive_the_journey_and_are_checked() {
    let picture = Picture {
        width: 3,
        height: 2,
        scale: 4.5,
        pixels: vec![1, 2, 3, 4, 5, 6],
    };
    for picture in [Ok(picture.clone()), Err("no such page".to_owned())] {
        let frame = encode_picture(&picture).unwrap();
        assert_eq!(decode_picture(&frame), Ok(picture));
    }
    let mut longer = encode_picture(&Ok(picture.clone())).unwrap();
    longer.push(7);
    assert!(decode_picture(&longer).is_err());
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let picture = Ok(Picture {
            scale,
            ..picture.clone()
        });
        assert!(decode_picture(&encode_picture(&picture).unwrap()).is_err());
    }
}

#[test]
fn a_worker_says_how_it_is_closed_in() {
    let isolation = Isolation {
        no_files: true,
        landlock: Some(4),
        ..Isolation::default()
    };
    let frame = encode_ready(&isolation).unwrap();
    assert!(frame.len() <= MAX_READY_BYTES);
    assert_eq!(decode_ready(&frame), Some(isolation));
    assert_eq!(decode_ready(b"docent worker 1"), None);
}

proptest! {
    #[test]
    fn arbitrary_frames_are_refused_or_checked(frame in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Request::decode(&frame);
        let _ = decode_picture(&frame);
        let _ = decode_ready(&frame);
        if let Ok(Extraction { outcome: Outcome::Read(document), .. }) = decode_reply(&frame) {
            prop_assert_eq!(check(&document), Ok(()));
        }
    }
}
