//! XML that is data, XML that is a document, and XML that is neither.

use proptest::prelude::*;

use super::*;
use crate::{Limits, Outcome, check, extract_bytes};

fn read(text: &str) -> Document {
    match extract_bytes(text.as_bytes(), "a.xml", &Limits::default()).outcome {
        Outcome::Read(document) => {
            assert_eq!(check(&document), Ok(()));
            document
        }
        other => panic!("{other:?}"),
    }
}

fn blocks(text: &str) -> Vec<(String, BlockKind)> {
    let document = read(text);
    let block = |block: &docent_core::document::Block| {
        let text = document.text[block.span.clone()].to_owned();
        (text, block.kind.clone())
    };
    document.blocks.iter().map(block).collect()
}

#[test]
fn an_article_is_read_as_text() {
    let text = "<article><front><article-meta><title-group><article-title>On <i>mice</i>\
        </article-title></title-group><contrib-group><contrib><name><surname>Byron</surname>\
        <given-names>Ada</given-names></name></contrib></contrib-group></article-meta></front>\
        <body><sec><title>Methods</title><p>We &lt;fed&gt; 3 m<sup>2</sup>\n of mice.</p>\
        <table-wrap><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>\
        </table-wrap></sec></body></article>";
    assert_eq!(
        blocks(text),
        [
            ("On mice".into(), BlockKind::Heading { level: 1 }),
            ("Byron Ada".into(), BlockKind::Paragraph),
            ("Methods".into(), BlockKind::Heading { level: 1 }),
            ("We <fed> 3 m2 of mice.".into(), BlockKind::Paragraph),
            ("a | b\n1 | 2".into(), BlockKind::Table { continues: false }),
        ]
    );
    assert_eq!(read(text).title.as_deref(), Some("On mice"));
}

#[test]
fn a_feed_with_pages_in_it_is_read() {
    let text = "<rss><channel><title>News</title><item><title>One</title><description>\
        <![CDATA[<p>First.</p><p>Second.</p>]]></description></item><item><description>\
        &lt;p&gt;Third.&lt;/p&gt;</description></item></channel></rss>";
    let texts: Vec<String> = blocks(text).into_iter().map(|(text, _)| text).collect();
    assert_eq!(texts, ["News", "One", "First.", "Second.", "Third."]);
}

#[test]
fn a_formula_is_read_once() {
    let text = "<article><p>If <alternatives><tex-math>\\documentclass{a}\\begin{document}\
        $x^2$\\end{document}</tex-math><math><mi>x</mi><mn>2</mn></math></alternatives>, or \
        <alternatives><math><mi>y</mi></math><graphic/></alternatives>.</p></article>";
    assert_eq!(read(text).text, "If $x^2$, or y.");
}

#[test]
fn data_keeps_its_own_text() {
    let text = "<project a='1'>\n  <name>x</name>\n\n  <b c='2'/>\n</project>\n";
    assert_eq!(read(text).text, text);
}

#[test]
fn entities_are_neither_expanded_nor_fetched() {
    let text = "<!DOCTYPE article [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;\">\
        <!ENTITY x SYSTEM \"file:///etc/passwd\">]><article><p>one &b; &x; two</p></article>";
    assert_eq!(read(text).text, "one &b; &x; two");
}

#[test]
fn broken_and_deep_documents_are_read_as_far_as_they_go() {
    let broken = read("<article><p>one</p><p>two</p><p <");
    assert!(broken.text.starts_with("one\n\ntwo"));
    let deep = format!("<article><p>top</p>{}", "<sec>".repeat(5_000));
    assert!(read(&deep).incomplete.is_some());
}

proptest! {
    #[test]
    fn fragments_are_sound(pieces in prop::collection::vec(prop::sample::select(vec![
        "<article>", "<p>", "</p>", "<table>", "</table>", "<tr>", "<td>", "</td>", "word ",
        "&amp;", "&x;", "&", "<![CDATA[", "]]>", "<p>x</p>", "<sec>", "</sec>", "<!--", "-->",
        "<title>", "</title>", "<style>", "é", "\n",
    ]), 0..60)) {
        let text = format!("<article>{}", pieces.concat());
        if let Outcome::Read(document) =
            extract_bytes(text.as_bytes(), "a.xml", &Limits::default()).outcome
        {
            prop_assert_eq!(check(&document), Ok(()));
        }
    }
}
