//! Small workbooks of the binary kind, made here.

use super::super::compound::testing::compound;
use super::super::package::testing::document_of;
use super::record;
use proptest::prelude::*;

use crate::{Limits, Outcome, check, extract_bytes};

fn record(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = kind.to_le_bytes().to_vec();
    bytes.extend_from_slice(&(body.len() as u16).to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fn book(cells: &[Vec<u8>]) -> Vec<u8> {
    let begin = record(record::BEGIN, &[0, 6, 5, 0]);
    let strings = record(record::STRINGS, b"\x01\0\0\0\x01\0\0\0\x05\0\0Flour");
    let style = record(record::STYLE, &[0, 0, 14, 0]);
    let mut sheet = vec![0; 6];
    sheet.extend_from_slice(b"\x05\0Costs");
    let end = record(record::END, &[]);
    let length = begin.len() + strings.len() + style.len() + 4 + sheet.len() + end.len();
    sheet[..4].copy_from_slice(&(length as u32).to_le_bytes());
    let globals = [
        begin.clone(),
        strings,
        style,
        record(record::SHEET, &sheet),
        end.clone(),
    ]
    .concat();
    compound(&[("Workbook", &[globals, begin, cells.concat(), end].concat())])
}

#[test]
fn cells_show_what_the_sheet_shows() {
    let bytes = book(&[
        record(record::SHARED_LABEL, &[1, 0, 1, 0, 9, 0, 0, 0, 0, 0]),
        record(
            record::PACKED_NUMBER,
            &[1, 0, 2, 0, 9, 0, (7 << 2) | 2, 0, 0, 0],
        ),
        record(
            record::NUMBER,
            &[&[2, 0, 2, 0, 0, 0], 44_197f64.to_le_bytes().as_slice()].concat(),
        ),
        record(
            record::FORMULA,
            &[2, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 255, 255],
        ),
        record(record::RESULT, b"\x02\0\0ok"),
    ]);
    let document = document_of(&bytes, "a.xls");
    assert_eq!(document.text, "Costs\n\nFlour | 7\nok | 2021-01-01");
    assert_eq!(
        document.blocks[1].locator.to_string(),
        "sheet “Costs”, B2:C3"
    );
}

#[test]
fn an_encrypted_workbook_says_so() {
    let stream = [
        record(record::BEGIN, &[0, 6, 5, 0]),
        record(record::PASSWORD, &[0; 6]),
    ]
    .concat();
    match extract_bytes(
        &compound(&[("Workbook", &stream)]),
        "a.xls",
        &Limits::default(),
    )
    .outcome
    {
        Outcome::Failed(gap) => assert!(gap.reason.starts_with("encrypted")),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn any_records_are_sound(records in prop::collection::vec((prop::sample::select(vec![
        record::FORMULA, record::RESULT, record::SHARED_LABEL, record::LABEL, record::NUMBER, record::PACKED_NUMBERS,
        record::ROW, record::COLUMNS, record::MERGED, record::TEXT, record::CONTINUE, record::BEGIN, record::HEAD, record::TRUTH,
    ]), prop::collection::vec(any::<u8>(), 0..30)), 0..20)) {
        let cells: Vec<Vec<u8>> = records.iter().map(|(kind, body)| record(*kind, body)).collect();
        match extract_bytes(&book(&cells), "a.xls", &Limits::default()).outcome {
            Outcome::Read(document) => prop_assert_eq!(check(&document), Ok(())),
            Outcome::Failed(gap) | Outcome::Skipped(gap) => prop_assert!(!gap.reason.contains("broke off"), "{}", gap),
        }
    }
}
