//! Small RTF files.

use docent_core::document::{BlockKind, Document};
use proptest::prelude::*;

use crate::format::package::testing::document_of;
use crate::{Limits, Outcome, check, extract_bytes};

fn read(body: &str) -> Document {
    document_of(
        format!("{{\\rtf1\\ansi\\ansicpg1252 {body}}}").as_bytes(),
        "a.rtf",
    )
}

#[test]
fn letters_come_from_code_pages_fonts_and_unicode() {
    assert_eq!(
        read("na\\'efve \\u8364?5 \\u-10187?\\u-9182?").text,
        "naïve €5 𝐢"
    );
    let fonts = "{\\fonttbl{\\f0\\fcharset0 A;}{\\f1\\fcharset238 B;}{\\f2\\fcharset128 C;}}";
    assert_eq!(
        read(&format!("{fonts}{{\\f1 \\'b3}}\\'b3 {{\\f2\\'93\\'8c}}")).text,
        "ł³ 東"
    );
    assert_eq!(read("{\\upr{ansi}{\\*\\ud{unicode}}}").text, "unicode");
}

#[test]
fn headings_notes_and_hidden_text_have_their_places() {
    let document = read(
        "{\\stylesheet{\\s1 heading 1;}}{\\info{\\title Lease}{\\author Ada}}{\\header Head\\par}\
         \\pard\\s1 Rent\\par\\pard It is{\\footnote See there.} due{\\v secret}.\\par\
         {\\listtext 1.\\tab}one\\par {\\deleted gone}{\\*\\unknown x}{\\field{\\*\\fldinst PAGE}{\\fldrslt 7}}",
    );
    let shown: Vec<&str> = document
        .blocks
        .iter()
        .map(|block| &document.text[block.span.clone()])
        .collect();
    assert_eq!(
        shown[..6],
        [
            "Rent",
            "It is[1] due.",
            "secret",
            "[1] See there.",
            "1. one",
            "7"
        ]
    );
    assert_eq!(document.blocks[0].kind, BlockKind::Heading { level: 1 });
    assert!(document.blocks[2].hidden);
    assert_eq!(document.blocks[4].kind, BlockKind::ListItem);
    assert_eq!(document.title.as_deref(), Some("Lease"));
    assert_eq!(document.warnings, ["1 tracked deletion left out"]);
    assert!(document.text.ends_with("Head"));
}

#[test]
fn tables_are_rows() {
    let document = read(
        "\\trowd\\cellx1\\cellx2\\pard\\intbl a\\cell b\\cell\\row\\trowd\\clvmrg\\cellx1\\cellx2\\pard\\intbl\\cell c\\cell\\row\
         \\pard after\\par",
    );
    assert_eq!(document.text, "a | b\na | c\n\nafter");
}

proptest! {
    #[test]
    fn any_tokens_make_a_sound_document(pieces in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "\\par ", "\\cell ", "\\row ", "\\intbl ", "\\trowd\\cellx1 ", "text", "\\'e4", "\\u8364?", "\\uc3 ",
        "\\v ", "\\v0 ", "{\\footnote ", "{\\*\\x ", "{\\fonttbl{\\f1\\fcharset128 ", "\\f1 ", "\\pard ", "{\\upr{a}{\\*\\ud ",
        "{\\listtext ", "{\\header ", "\\bin9 ", "\\u-10187?", "\\deleted ", "{\\info{\\title ", "\\'", "\\", "\\nestcell ",
    ]), 0..60)) {
        let bytes = format!("{{\\rtf1 {}", pieces.concat());
        match extract_bytes(bytes.as_bytes(), "a.rtf", &Limits::default()).outcome {
            Outcome::Read(document) => prop_assert_eq!(check(&document), Ok(())),
            Outcome::Failed(gap) | Outcome::Skipped(gap) => prop_assert!(!gap.reason.contains("broke off"), "{}", gap),
        }
    }
}
