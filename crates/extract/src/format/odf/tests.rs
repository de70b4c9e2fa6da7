//! Small OpenDocument files, made here.

use super::super::package::testing::{document_of, zip};
use crate::{Limits, Outcome, extract_bytes};
use docent_core::document::BlockKind;

fn odf(body: &str, styles: &str) -> Vec<u8> {
    zip(&[
        ("mimetype", "application/vnd.oasis.opendocument"),
        (
            "content.xml",
            &format!(
                "<office:document-content><office:automatic-styles>{styles}</office:automatic-styles>\
                 <office:body>{body}</office:body></office:document-content>"
            ),
        ),
        (
            "styles.xml",
            "<office:document-styles><office:master-styles><style:master-page><style:header><text:p>Head</text:p>\
             </style:header></style:master-page></office:master-styles></office:document-styles>",
        ),
        (
            "meta.xml",
            "<office:document-meta><office:meta><dc:title>Lease</dc:title></office:meta></office:document-meta>",
        ),
    ])
}

#[test]
fn text_comes_with_its_lists_notes_and_comments() {
    let body = "<office:text><text:h text:outline-level='2'>Rent</text:h><text:p>It  is\n due<text:s text:c='2'/>now\
        <text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>See there.</text:p></text:note-body>\
        </text:note><office:annotation><dc:creator>Ada</dc:creator><text:p>Why?</text:p></office:annotation></text:p>\
        <text:list text:style-name='L'><text:list-item><text:p>one</text:p></text:list-item><text:list-item><text:p>two\
        </text:p></text:list-item></text:list><text:p text:style-name='H'>secret</text:p></office:text>";
    let styles = "<text:list-style style:name='L'><text:list-level-style-number text:level='1' style:num-format='1' \
        style:num-suffix='.'/></text:list-style><style:style style:name='H'><style:text-properties text:display='none'/>\
        </style:style>";
    let document = document_of(&odf(body, styles), "a.odt");
    assert!(document.text.starts_with(
        "Rent\n\nIt is due  now[1]\n\n[1] See there.\n\nComment by Ada: Why?\n\n1. one\n\n2. two\n\nsecret"
    ));
    assert_eq!(document.blocks[0].kind, BlockKind::Heading { level: 2 });
    let at = document.text.find("secret").unwrap();
    assert!(document.block_at(at).unwrap().hidden);
    assert!(document.text.ends_with("Head"));
    assert_eq!(document.title.as_deref(), Some("Lease"));
}

#[test]
fn sheets_have_places_and_repeated_cells_are_bounded() {
    let cell = |text: &str| format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>");
    let body = format!(
        "<office:spreadsheet><table:table table:name='S'><table:table-row>{}{}</table:table-row>\
         <table:table-row table:number-rows-repeated='1048000'><table:table-cell table:number-columns-repeated='16000'/>\
         </table:table-row><table:table-row table:visibility='collapse'>{}</table:table-row></table:table>\
         </office:spreadsheet>",
        cell("a"),
        cell("b"),
        cell("c")
    );
    let document = document_of(&odf(&body, ""), "a.ods");
    assert!(
        document.text.starts_with("S\n\na | b\n\nc"),
        "{}",
        document.text
    );
    assert_eq!(
        document.blocks[2].locator.to_string(),
        "sheet “S”, A1048002"
    );
    assert!(document.blocks[2].hidden);
}

#[test]
fn slides_have_titles_and_notes() {
    let body = "<office:presentation><draw:page><draw:frame><draw:text-box><text:p>Body</text:p></draw:text-box></draw:frame>\
        <draw:frame presentation:class='title'><draw:text-box><text:p>Plan</text:p></draw:text-box></draw:frame>\
        <presentation:notes><text:p>Say hello.</text:p></presentation:notes></draw:page></office:presentation>";
    let document = document_of(&odf(body, ""), "a.odp");
    assert!(
        document
            .text
            .starts_with("Plan\n\nBody\n\nNotes: Say hello.")
    );
    assert_eq!(document.blocks[1].locator.to_string(), "slide 1");
}

#[test]
fn an_encrypted_file_says_so() {
    let bytes = zip(&[
        ("mimetype", "application/vnd.oasis.opendocument.text"),
        ("content.xml", "x"),
        (
            "META-INF/manifest.xml",
            "<m:manifest><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>",
        ),
    ]);
    match extract_bytes(&bytes, "a.odt", &Limits::default()).outcome {
        Outcome::Failed(gap) => assert_eq!(gap.reason, "encrypted: needs a password"),
        other => panic!("{other:?}"),
    }
}
