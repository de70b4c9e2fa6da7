//! Small presentations, made here.

use super::super::package::testing::{document_of, zip};
use super::*;

fn shape(placeholder: &str, paragraphs: &[&str]) -> String {
    let paragraphs: String = paragraphs
        .iter()
        .map(|text| format!("<a:p><a:r><a:t>{text}</a:t></a:r></a:p>"))
        .collect();
    format!(
        "<p:sp><p:nvSpPr><p:nvPr>{placeholder}</p:nvPr></p:nvSpPr><p:txBody>{paragraphs}</p:txBody></p:sp>"
    )
}

fn pptx(first: &str, second: &str) -> Vec<u8> {
    let slide = |inside: &str, show: &str| {
        format!("<p:sld {show}><p:cSld><p:spTree>{inside}</p:spTree></p:cSld></p:sld>")
    };
    let notes = format!(
        "<p:notes><p:cSld><p:spTree>{}</p:spTree></p:cSld></p:notes>",
        shape("<p:ph type='body'/>", &["Say hello."])
    );
    zip(&[
        (
            "ppt/presentation.xml",
            "<p:presentation><p:sldIdLst><p:sldId id='256' r:id='r2'/><p:sldId id='257' r:id='r1'/></p:sldIdLst></p:presentation>",
        ),
        (
            "ppt/_rels/presentation.xml.rels",
            "<Relationships><Relationship Id='r1' Type='x/slide' Target='slides/a.xml'/>\
             <Relationship Id='r2' Type='x/slide' Target='slides/b.xml'/></Relationships>",
        ),
        ("ppt/slides/b.xml", &slide(first, "")),
        (
            "ppt/slides/_rels/b.xml.rels",
            "<Relationships><Relationship Id='r1' Type='x/notesSlide' Target='../notes.xml'/></Relationships>",
        ),
        ("ppt/notes.xml", &notes),
        ("ppt/slides/a.xml", &slide(second, "show='0'")),
    ])
}

#[test]
fn slides_come_in_order_with_titles_first_and_notes_behind() {
    let first = [
        shape("<p:ph type='ftr'/>", &["Footer"]),
        shape("<p:ph idx='1'/>", &["one", "two"]),
        shape("<p:ph type='title'/>", &["Plan"]),
    ];
    let document = document_of(&pptx(&first.concat(), &shape("", &["Secret"])), "a.pptx");
    assert_eq!(
        document.text,
        "Plan\n\n- one\n\n- two\n\nNotes: Say hello.\n\nSecret\n\nFooter"
    );
    assert_eq!(document.blocks[0].kind, BlockKind::Heading { level: 1 });
    assert_eq!(document.blocks[3].locator.to_string(), "slide 1");
    assert!(document.blocks[4].hidden);
    assert_eq!(document.blocks[5].kind, BlockKind::Furniture);
    assert_eq!(document.warnings, ["1 hidden slide"]);
}

#[test]
fn tables_are_rows_with_merged_cells_filled_in() {
    let cell = |attributes: &str, text: &str| {
        format!(
            "<a:tc {attributes}><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>"
        )
    };
    let table = format!(
        "<p:graphicFrame><a:graphic><a:tbl><a:tr>{}{}</a:tr><a:tr>{}{}</a:tr></a:tbl></a:graphic></p:graphicFrame>",
        cell("gridSpan='2'", "Head"),
        cell("hMerge='1'", ""),
        cell("", "a"),
        cell("", "b"),
    );
    let document = document_of(&pptx(&table, ""), "a.pptx");
    assert!(document.text.starts_with("Head | Head\na | b"));
}
