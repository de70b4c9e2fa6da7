//! Small presentations of the binary kind, made here.

use super::super::compound::testing::compound;
use super::super::package::testing::document_of;
use super::record;
use proptest::prelude::*;

use crate::{Limits, Outcome, check, extract_bytes};

fn record(version: u16, kind: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = version.to_le_bytes().to_vec();
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fn shape(kind: u32, text: &str) -> Vec<u8> {
    let header = record(0, record::TEXT_HEADER, &kind.to_le_bytes());
    let text = record(0, record::TEXT_BYTES, text.as_bytes());
    record(
        0xf,
        record::SHAPE,
        &record(0xf, 0xf00d, &[header, text].concat()),
    )
}

#[test]
fn slides_of_a_stream_without_a_directory_are_read_in_order() {
    let first = record(
        0xf,
        record::SLIDE,
        &[shape(4, "body\rline"), shape(0, "Plan")].concat(),
    );
    let mut info = vec![0; 10];
    info.extend_from_slice(&4u16.to_le_bytes());
    let hidden = [record(0, record::SHOW_INFO, &info), shape(4, "secret")].concat();
    let stream = [first, record(0xf, record::SLIDE, &hidden)].concat();
    let document = document_of(&compound(&[("PowerPoint Document", &stream)]), "a.ppt");
    assert_eq!(document.text, "Plan\n\nbody\nline\n\nsecret");
    assert_eq!(document.blocks[1].locator.to_string(), "slide 1");
    assert!(document.blocks[2].hidden);
}

proptest! {
    #[test]
    fn any_records_are_sound(kinds in prop::collection::vec(
        (prop::sample::select(vec![0u16, 0xf, 0x1f]), prop::sample::select(vec![
            record::DOCUMENT, record::SLIDE, record::SHAPE, record::TEXT_CHARS, record::TEXT_BYTES, record::USER_EDIT,
            record::PERSIST_DIRECTORY, record::SLIDE_LIST, record::SLIDE_PERSIST, record::OBJECT, record::COMMENT,
        ]), prop::collection::vec(any::<u8>(), 0..40)), 0..12), at in 0u32..200) {
        let stream: Vec<u8> = kinds.iter().flat_map(|(version, kind, body)| record(*version, *kind, body)).collect();
        let mut user = vec![0; 16];
        user.extend_from_slice(&at.to_le_bytes());
        let bytes = compound(&[("PowerPoint Document", &stream), ("Current User", &user)]);
        match extract_bytes(&bytes, "a.ppt", &Limits::default()).outcome {
            Outcome::Read(document) => prop_assert_eq!(check(&document), Ok(())),
            Outcome::Failed(gap) | Outcome::Skipped(gap) => prop_assert!(!gap.reason.contains("broke off"), "{}", gap),
        }
    }
}
