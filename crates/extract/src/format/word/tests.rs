//! Small Word documents, made here.

use super::super::package::testing::{document_of, zip};
use super::*;
use crate::Outcome;

const RELATIONS: &str = "<Relationships><Relationship Id='r1' Type='x/footnotes' Target='footnotes.xml'/>\
    <Relationship Id='r2' Type='x/comments' Target='comments.xml'/>\
    <Relationship Id='r3' Type='x/header' Target='header1.xml'/>\
    <Relationship Id='r4' Type='x/styles' Target='styles.xml'/>\
    <Relationship Id='r5' Type='x/package' Target='embeddings/notes.txt'/>\
    <Relationship Id='r6' Type='x/attachedTemplate' Target='http://example.com/t.dotm' TargetMode='External'/>\
    </Relationships>";

fn docx(body: &str) -> Vec<u8> {
    zip(&[
        ("[Content_Types].xml", "<Types/>"),
        (
            "_rels/.rels",
            "<Relationships><Relationship Id='r1' Type='x/officeDocument' Target='word/document.xml'/></Relationships>",
        ),
        (
            "word/document.xml",
            &format!("<w:document><w:body>{body}</w:body></w:document>"),
        ),
        ("word/_rels/document.xml.rels", RELATIONS),
        (
            "word/footnotes.xml",
            "<w:footnotes><w:footnote w:id='2'><w:p><w:r><w:t>See the note.</w:t></w:r></w:p></w:footnote></w:footnotes>",
        ),
        (
            "word/comments.xml",
            "<w:comments><w:comment w:id='0' w:author='Ada'><w:p><w:r><w:t>Why?</w:t></w:r></w:p></w:comment></w:comments>",
        ),
        (
            "word/header1.xml",
            "<w:hdr><w:p><w:r><w:t>Running head</w:t></w:r></w:p></w:hdr>",
        ),
        (
            "word/styles.xml",
            "<w:styles><w:style w:styleId='H2'><w:name w:val='heading 2'/></w:style>\
             <w:style w:styleId='Own'><w:name w:val='Own'/><w:basedOn w:val='H2'/></w:style></w:styles>",
        ),
        ("word/embeddings/notes.txt", "inside"),
        (
            "docProps/core.xml",
            "<cp:coreProperties><dc:title>Lease</dc:title><dc:creator>Ada</dc:creator></cp:coreProperties>",
        ),
    ])
}

fn text(words: &str) -> String {
    format!("<w:p><w:r><w:t>{words}</w:t></w:r></w:p>")
}

#[test]
fn headings_notes_comments_and_heads_come_out_in_their_places() {
    let document = document_of(
        &docx(
            "<w:p><w:pPr><w:pStyle w:val='Own'/></w:pPr><w:r><w:t>Rent</w:t></w:r></w:p>\
             <w:p><w:r><w:t>It is due</w:t><w:footnoteReference w:id='2'/></w:r><w:r><w:t> now.</w:t>\
             <w:commentReference w:id='0'/></w:r></w:p>",
        ),
        "a.docx",
    );
    let shown: Vec<(&BlockKind, &str)> = document
        .blocks
        .iter()
        .map(|block| (&block.kind, &document.text[block.span.clone()]))
        .collect();
    assert_eq!(shown[0], (&BlockKind::Heading { level: 2 }, "Rent"));
    assert_eq!(shown[1].1, "It is due[1] now.");
    assert_eq!(shown[2].1, "[1] See the note.");
    assert_eq!(shown[3].1, "Comment by Ada: Why?");
    assert_eq!(shown.last(), Some(&(&BlockKind::Furniture, "Running head")));
    assert_eq!(document.title.as_deref(), Some("Lease"));
    assert!(
        document
            .text
            .contains("Refers to attachedTemplate: http://example.com/t.dotm")
    );
    assert!(
        document
            .properties
            .contains(&("author".into(), "Ada".into()))
    );
}

#[test]
fn deletions_are_left_out_and_told_and_hidden_text_is_marked() {
    let document = document_of(
        &docx(
            "<w:p><w:del><w:r><w:delText>old</w:delText></w:r></w:del><w:ins><w:r><w:t>new</w:t></w:r></w:ins>\
             <w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r>\
             <w:r><w:rPr><w:color w:val='FFFFFF'/></w:rPr><w:t>white</w:t></w:r></w:p>",
        ),
        "a.docx",
    );
    assert_eq!(document.warnings, ["1 tracked deletion left out"]);
    let hidden = |word: &str| {
        let at = document.text.find(word).unwrap();
        document.block_at(at).unwrap().hidden
    };
    assert!(!hidden("new") && hidden("secret") && hidden("white"));
    assert!(!document.text.contains("old"));
}

#[test]
fn merged_cells_are_filled_in() {
    let cell = |properties: &str, words: &str| {
        format!("<w:tc><w:tcPr>{properties}</w:tcPr>{}</w:tc>", text(words))
    };
    let rows = [
        vec![cell("", "a"), cell("<w:gridSpan w:val='2'/>", "b")],
        vec![
            cell("<w:vMerge w:val='restart'/>", "c"),
            cell("", "d"),
            cell("", "e"),
        ],
        vec![cell("<w:vMerge/>", ""), cell("", "f"), cell("", "g")],
    ];
    let rows = rows
        .map(|cells| format!("<w:tr>{}</w:tr>", cells.concat()))
        .concat();
    let document = document_of(&docx(&format!("<w:tbl>{rows}</w:tbl>")), "a.docx");
    assert!(document.text.starts_with("a | b | b\nc | d | e\nc | f | g"));
}

#[test]
fn a_field_shows_its_result_and_not_its_code() {
    let document = document_of(
        &docx(
            "<w:p><w:r><w:fldChar w:fldCharType='begin'/><w:instrText>PAGE</w:instrText><w:t>x</w:t>\
             <w:fldChar w:fldCharType='separate'/><w:t>7</w:t><w:fldChar w:fldCharType='end'/></w:r></w:p>\
             <w:p><w:r><w:fldChar w:fldCharType='begin'/><w:t>lost</w:t></w:r></w:p>\
             <w:p><w:r><w:t>still here</w:t></w:r></w:p>",
        ),
        "a.docx",
    );
    assert!(document.text.starts_with("7\n\nstill here"));
}

#[test]
fn text_boxes_equations_and_files_inside_are_read() {
    let bytes = docx(
        "<w:p><w:r><w:t>Body</w:t><mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>Box</w:t></w:r></w:p>\
         </w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent><w:p><w:r><w:t>Box</w:t></w:r></w:p></w:txbxContent>\
         </mc:Fallback></mc:AlternateContent></w:r><m:oMath><m:f><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den><m:r>\
         <m:t>2</m:t></m:r></m:den></m:f></m:oMath></w:p>",
    );
    let document = document_of(&bytes, "a.docx");
    assert!(
        document.text.starts_with("Body 1/2\n\nBox\n\n"),
        "{}",
        document.text
    );
    let extraction = crate::extract_bytes(&bytes, "a.docx", &crate::Limits::default());
    assert_eq!(extraction.inner[0].path, "notes.txt");
    assert!(matches!(&extraction.inner[0].outcome, Outcome::Read(inner) if inner.text == "inside"));
}
