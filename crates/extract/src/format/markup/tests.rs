//! Small documents of each markup, and arbitrary text.

use proptest::prelude::*;

use super::*;
use crate::check;

fn blocks(text: &str, kind: Kind) -> Vec<(String, BlockKind)> {
    let document = read(text.into(), kind);
    assert_eq!(check(&document), Ok(()));
    assert_eq!(document.text, text);
    let block = |block: &docent_core::document::Block| {
        let text = document.text[block.span.clone()].to_owned();
        (text, block.kind.clone())
    };
    document.blocks.iter().map(block).collect()
}

const CODE: BlockKind = BlockKind::Code { item: None };
const TABLE: BlockKind = BlockKind::Table { continues: false };

fn heading(level: u8) -> BlockKind {
    BlockKind::Heading { level }
}

#[test]
fn rst_has_adorned_titles() {
    let text = "=====\nLease\n=====\n\nThe tenant\npays.\n\nRent\n----\n\n- one\n  more\n- two\n\n\
                .. code:: sh\n\n   ls\n\n   ls -l\n\nafter\n\n==  ==\na   b\n==  ==\n1   2\n==  ==\n";
    assert_eq!(
        blocks(text, Kind::RestructuredText),
        [
            ("=====\nLease\n=====".into(), heading(1)),
            ("The tenant\npays.".into(), BlockKind::Paragraph),
            ("Rent\n----".into(), heading(2)),
            ("- one\n  more".into(), BlockKind::ListItem),
            ("- two".into(), BlockKind::ListItem),
            (".. code:: sh\n\n   ls\n\n   ls -l".into(), CODE),
            ("after".into(), BlockKind::Paragraph),
            ("==  ==\na   b\n==  ==\n1   2\n==  ==".into(), TABLE),
        ]
    );
    let title = read(text.into(), Kind::RestructuredText).title;
    assert_eq!(title.as_deref(), Some("Lease"));
}

#[test]
fn asciidoc_has_marked_titles() {
    let text = "= Lease\n\n== Rent\nIt is due.\n\n* one\n** inner\n\n----\nls\n\nls -l\n----\n\n\
                |===\n|a |b\n\n|1 |2\n|===\n";
    assert_eq!(
        blocks(text, Kind::AsciiDoc),
        [
            ("= Lease".into(), heading(1)),
            ("== Rent".into(), heading(2)),
            ("It is due.".into(), BlockKind::Paragraph),
            ("* one".into(), BlockKind::ListItem),
            ("** inner".into(), BlockKind::ListItem),
            ("----\nls\n\nls -l\n----".into(), CODE),
            ("|===\n|a |b\n\n|1 |2\n|===".into(), TABLE),
        ]
    );
}

#[test]
fn org_has_starred_titles() {
    let text = "#+TITLE: Lease\n* Rent\nIt is *due*.\n| a | b |\n| 1 | 2 |\n- one\n\
                #+BEGIN_SRC sh\nls\n\nls\n#+END_SRC\n";
    assert_eq!(
        blocks(text, Kind::Org),
        [
            ("#+TITLE: Lease".into(), heading(1)),
            ("* Rent".into(), heading(1)),
            ("It is *due*.".into(), BlockKind::Paragraph),
            ("| a | b |\n| 1 | 2 |".into(), TABLE),
            ("- one".into(), BlockKind::ListItem),
            ("#+BEGIN_SRC sh\nls\n\nls\n#+END_SRC".into(), CODE),
        ]
    );
}

#[test]
fn latex_has_commands() {
    let text = "% a comment\n\\title{The\n\\emph{lease}}\n\\section*{Rent}\\label{rent}\nIt is due.\n\
                \\begin{itemize}\n\\item one\n\\end{itemize}\n\n\\begin{verbatim}\n\\item\n\n\
                \\end{verbatim}\n";
    let blocks = blocks(text, Kind::Latex);
    assert_eq!(blocks[0], ("% a comment".into(), BlockKind::Paragraph));
    assert_eq!(
        blocks[1],
        ("\\title{The\n\\emph{lease}}".into(), heading(1))
    );
    assert_eq!(blocks[2].1, heading(2));
    assert_eq!(blocks.last().unwrap().1, CODE);
    let title = read(text.into(), Kind::Latex).title;
    assert_eq!(title.as_deref(), Some("The lease"));
}

proptest! {
    #[test]
    fn any_text_is_sound(text in "(==|--|\\*|\\||=|\\{|\\}|section|begin|\\\\|#\\+BEGIN_SRC|\\.\\. code|word|é| |\n){0,60}") {
        for kind in [Kind::RestructuredText, Kind::AsciiDoc, Kind::Org, Kind::Latex] {
            blocks(&text, kind);
        }
    }
}
