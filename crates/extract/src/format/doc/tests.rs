//! Small Word documents of the binary kind, made here.

use super::super::compound::testing::compound;
use super::super::package::testing::document_of;
use proptest::prelude::*;

use crate::{Limits, Outcome, check, extract_bytes};

/// A document of one piece of text in Windows-1252.
fn doc(text: &[u8], flags: u16) -> Vec<u8> {
    let mut main = vec![0u8; 0x400];
    let mut put = |at: usize, bytes: &[u8]| main[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &0xa5ecu16.to_le_bytes());
    put(2, &0xc1u16.to_le_bytes());
    put(10, &flags.to_le_bytes());
    put(0x4c, &(text.len() as u32).to_le_bytes());
    let mut table = vec![2u8];
    table.extend_from_slice(&16u32.to_le_bytes());
    table.extend_from_slice(&0u32.to_le_bytes());
    table.extend_from_slice(&(text.len() as u32).to_le_bytes());
    table.extend_from_slice(&[0, 0]);
    table.extend_from_slice(&(0x4000_0000u32 | 0x800).to_le_bytes());
    table.extend_from_slice(&[0, 0]);
    put(0x1a2, &0u32.to_le_bytes());
    put(0x1a6, &(table.len() as u32).to_le_bytes());
    main.extend_from_slice(text);
    compound(&[("WordDocument", &main), ("0Table", &table)])
}

#[test]
fn text_comes_in_paragraphs_rows_and_fields() {
    let text = b"na\xefve\rsee \x13PAGE\x147\x15 and\x0bon\ra\x07b\x07\x07c\x07d\x07\x07end\r";
    let document = document_of(&doc(text, 0), "a.doc");
    assert_eq!(
        document.text,
        "naïve\n\nsee 7 and\non\n\na | b\nc | d\n\nend"
    );
}

#[test]
fn an_encrypted_document_says_so() {
    match extract_bytes(&doc(b"x", 0x100), "a.doc", &Limits::default()).outcome {
        Outcome::Failed(gap) => assert!(gap.reason.starts_with("encrypted")),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn any_streams_are_sound(main in prop::collection::vec(any::<u8>(), 0x80..0x500), table in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut main = main;
        main[..4].copy_from_slice(&[0xec, 0xa5, 0xc1, 0]);
        main[11] &= 0xfc;
        let bytes = compound(&[("WordDocument", &main), ("0Table", &table)]);
        match extract_bytes(&bytes, "a.doc", &Limits::default()).outcome {
            Outcome::Read(document) => prop_assert_eq!(check(&document), Ok(())),
            Outcome::Failed(gap) | Outcome::Skipped(gap) => prop_assert!(!gap.reason.contains("broke off"), "{}", gap),
        }
    }
}
