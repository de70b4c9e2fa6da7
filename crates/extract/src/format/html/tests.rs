//! What pages look like as text.

use docent_core::document::{BlockKind, Document, Locator};

use super::{declared_charset, read};
use crate::blocks::check;

fn document(html: &str) -> Document {
    let document = read(html.into());
    assert_eq!(check(&document), Ok(()));
    document
}

fn text(html: &str) -> String {
    document(html).text
}

#[test]
fn paragraphs_headings_and_lists() {
    let page = document(
        "<!DOCTYPE html><html><head><title> The\n policy </title><style>p{}</style></head><body>\
         <h1>Leave</h1><p>Twenty <b>five</b>\n days,<br>a year.</p>\
         <ul><li>one</li><li>two<ol><li>first<li>second</ol></li><li></li></ul>\
         <p>Done&nbsp;&amp; dusted.</p></body></html>",
    );
    assert_eq!(page.title.as_deref(), Some("The policy"));
    assert_eq!(
        page.text,
        "Leave\n\nTwenty five days,\na year.\n\n- one\n- two\n  1. first\n  2. second\n\nDone & dusted."
    );
    assert_eq!(page.blocks[0].kind, BlockKind::Heading { level: 1 });
    assert_eq!(page.blocks[1].locator, Locator::Lines { first: 3, last: 4 });
    assert_eq!(page.blocks[2].kind, BlockKind::ListItem);
    assert_eq!(page.blocks.len(), 7);
}

#[test]
fn what_is_not_text_is_left_out() {
    let page = "<body><script>var a</script><template>t</template><noscript>n</noscript>\
                <iframe srcdoc='<p>other</p>'></iframe><p>seen</p></body>";
    assert_eq!(text(page), "seen");
}

#[test]
fn what_is_hidden_stands_behind_what_is_seen_and_is_marked() {
    for hidden in [
        "<span hidden>x y</span>",
        "<span style='color:red; Display : NONE'>x y</span>",
        "<span style='visibility:hidden'>x <b>y</b></span>",
        "<span style='opacity: 0'>x y</span>",
        "<span style='font-size:0px'>x y</span>",
        "<span style='color:#FFF'>x y</span>",
        "<font color=white>x y</font>",
        "<span style='color:red;background:red'>x y</span>",
        "<div style='display:none'><p>x</p><p hidden>y</p></div>",
    ] {
        let page = document(&format!("<p>one {hidden} two</p><p>three</p>"));
        assert!(!page.text.starts_with("one x"), "{hidden}");
        let marked: Vec<&str> = page
            .blocks
            .iter()
            .filter(|block| block.hidden)
            .map(|block| &page.text[block.span.clone()])
            .collect();
        assert_eq!(marked, ["x y"], "{hidden}");
    }
}

#[test]
fn what_only_looks_hidden_is_seen() {
    for seen in [
        "<div style='background:black'><span style='color:white'>x</span></div>",
        "<table bgcolor='#000000'><tr><td><font color=white>x</font></td></tr></table>",
        "<div style='font-size:0'><span style='font-size:12px'>x</span></div>",
        "<style>.dark{background:#000}</style><p class=dark style='color:white'>x</p>",
    ] {
        let page = document(seen);
        assert!(page.blocks.iter().all(|block| !block.hidden), "{seen}");
        assert_eq!(page.text, "x", "{seen}");
    }
}

#[test]
fn hidden_cells_are_kept_apart_from_their_table() {
    let page = document(
        "<table><tr><td>a</td><td>b</td></tr><tr hidden><td>c</td><td>d</td></tr></table>",
    );
    assert_eq!(page.text, "a | b\n\nc d");
    assert!(page.blocks[1].hidden);
}

#[test]
fn cells_stand_in_every_row_and_column_that_they_span() {
    let page = "<table><tr><th>a<th colspan=2>b</tr><tr><td rowspan=2>c<td>d<td>e</tr>\
                <tr><td colspan='2'>f</tr><tr><td>g<td>h<td>i</tr></table>";
    assert_eq!(text(page), "a | b | b\nc | d | e\nc | f | f\ng | h | i");
}

#[test]
fn links_are_listed_behind_the_page() {
    let page = "<p><a href='/a'>one</a> <a href='#x'>two</a> <a href=' /a '>three</a> \
                <a href='javascript:x()'>four</a> <a href='https://b.example/'>five</a></p>";
    let document = super::read_page(page.into());
    assert_eq!(check(&document), Ok(()));
    assert_eq!(
        document.text,
        "one two three four five\n\n/a\nhttps://b.example/"
    );
    assert_eq!(document.blocks[1].kind, BlockKind::Furniture);
    assert_eq!(
        document.blocks[1].locator,
        Locator::Lines { first: 3, last: 4 }
    );
}

#[test]
fn forms_show_their_labels_and_values() {
    let page = "<form><label>Name <input value='Ada'></label><input type=hidden value=token>\
                <select><option>one<option selected>two</select><textarea>note</textarea></form>";
    assert_eq!(text(page), "Name Ada two note");
}

#[test]
fn tables_of_data_are_rows() {
    let page = document(
        "<p>Before</p><table><caption>Fees</caption><tr><th>Item</th><th>Cost</th></tr>\
         <tr><td>Filing\n fee</td><td>40&nbsp;€</td></tr></table>After",
    );
    assert_eq!(
        page.text,
        "Before\n\nFees\nItem | Cost\nFiling fee | 40 €\n\nAfter"
    );
    assert_eq!(page.blocks[1].kind, BlockKind::Table { continues: false });
    assert_eq!(page.blocks[1].locator, Locator::Lines { first: 3, last: 5 });
}

#[test]
fn tables_that_lay_out_are_looked_through() {
    let page = "<table><tr><td><h2>Head</h2><p>Body</p></td><td>Side</td></tr></table>";
    assert_eq!(text(page), "Head\n\nBody\n\nSide");
}

#[test]
fn preformatted_text_keeps_its_lines() {
    let page = document("<p>Run:</p><pre>\nfn main() {\n    go();\n}\n</pre><p>It ends.</p>");
    assert_eq!(page.text, "Run:\n\nfn main() {\n    go();\n}\n\nIt ends.");
    assert_eq!(page.blocks[1].kind, BlockKind::Code { item: None });
}

#[test]
fn words_join_and_part_as_on_the_screen() {
    assert_eq!(text("<p>a<b>b</b> c <i>d</i>e</p>"), "ab c de");
    assert_eq!(text("<div>a</div>b<div>c</div>"), "a\n\nb\n\nc");
    assert_eq!(text("<p>a <span> b</span> </p>"), "a b");
    assert_eq!(
        text("<p>see <img src=x alt='the plan'> here</p>"),
        "see the plan here"
    );
}

#[test]
fn broken_and_hostile_markup_is_read_through() {
    assert_eq!(text("<p>a<p>b</i></div><td>c"), "a\n\nbc");
    let nested = format!(
        "{}deep{}",
        "<div>".repeat(100_000),
        "</div>".repeat(100_000)
    );
    assert_eq!(text(&nested), "deep");
    let bold = format!("{}deep", "<b><i>".repeat(50_000));
    assert_eq!(text(&bold), "deep");
    let tables = format!("{}deep", "<table><tr><td>".repeat(20_000));
    assert!(text(&tables).contains("deep"));
    assert_eq!(text(""), "");
}

#[test]
fn character_sets_are_declared_in_three_ways() {
    let told = |html: &str| declared_charset(html.as_bytes());
    assert_eq!(
        told("<META CHARSET='Windows-1251'>").as_deref(),
        Some("windows-1251")
    );
    assert_eq!(
        told("<meta http-equiv=content-type content=\"text/html; charset=big5\">").as_deref(),
        Some("big5")
    );
    assert_eq!(
        told("<?xml version='1.0' encoding=\"iso-8859-15\"?>").as_deref(),
        Some("iso-8859-15")
    );
    assert_eq!(told("<p>no charset here"), None);
}
