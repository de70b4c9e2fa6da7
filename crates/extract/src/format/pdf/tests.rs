//! PDFs made on the spot, whole and broken.

use std::fmt::Write;
use std::io::Write as _;
use std::time::Duration;

use docent_core::document::{BlockKind, Locator};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;

use super::*;
use crate::{Limits, Outcome, check, extract_bytes, job};

/// A PDF with a page for each list of lines, in Helvetica, and a title.
fn pdf(title: &str, pages: &[&[&str]]) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len())
        .map(|page| format!("{} 0 R", 5 + 2 * page))
        .collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!(
            "<< /Type /Pages /Kids [{}] /Count {} >>",
            kids.join(" "),
            pages.len()
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
        format!("<< /Title ({title}) >>"),
    ];
    for (index, lines) in pages.iter().enumerate() {
        let mut content = String::new();
        if !lines.is_empty() {
            content.push_str("BT /F1 12 Tf 72 720 Td 16 TL ");
            for line in *lines {
                write!(content, "({line}) Tj T* ").unwrap();
            }
            content.push_str("ET");
        }
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> >>",
            6 + 2 * index
        ));
        objects.push(format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ));
    }
    file(&objects)
}

/// A PDF of objects, the first of which is the catalog and the fourth the information on it.
fn file(objects: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut table = String::new();
    for (index, object) in objects.iter().enumerate() {
        writeln!(table, "{:010} 00000 n ", file.len()).unwrap();
        file.extend(format!("{} 0 obj\n", index + 1).bytes());
        file.extend(object.as_ref());
        file.extend(b"\nendobj\n");
    }
    let (size, xref) = (objects.len() + 1, file.len());
    let end = format!(
        "xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n\
         << /Size {size} /Root 1 0 R /Info 4 0 R >>\nstartxref\n{xref}\n%%EOF\n"
    );
    file.extend(end.bytes());
    file
}

fn stream(entries: &str, content: &str) -> String {
    let length = content.len();
    format!("<< {entries} /Length {length} >>\nstream\n{content}\nendstream")
}

/// A PDF of one page of 300 by 200 points with this content, which may use the font `F1` and
/// the picture `P`. The page is object 5; `more` are the objects from 8 on.
fn sheet(content: &str, page: &str, catalog: &str, more: &[&str]) -> Vec<u8> {
    let mut objects = vec![
        format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>"),
        "<< /Type /Pages /Kids [5 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
        "<< /Author (Ada) /CreationDate (D:20240203040506Z) >>".to_owned(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 6 0 R {page} \
             /Resources << /Font << /F1 3 0 R >> /XObject << /P 7 0 R >> >> >>"
        ),
        stream("", content),
        stream(
            "/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 \
             /ColorSpace /DeviceGray",
            "x",
        ),
    ];
    objects.extend(more.iter().map(|object| (*object).to_owned()));
    file(&objects)
}

/// The text of a page with this content.
fn sheet_text(content: &str) -> String {
    read_both(&sheet(content, "", "", &[])).unwrap().text
}

/// Shows each text at its place from the lower left corner, 10 points high.
fn at(texts: &[(f32, f32, &str)]) -> String {
    let show = texts
        .iter()
        .map(|(x, y, text)| format!("1 0 0 1 {x} {y} Tm ({text}) Tj "));
    format!("BT /F1 10 Tf {} ET", show.collect::<String>())
}

/// The box of a text of a document, in points.
fn place_of(document: &Document, text: &str) -> [f64; 4] {
    let at = document.text.find(text).unwrap();
    match document.locate(at..at + text.len()) {
        Some(Locator::Page {
            area: Some(area), ..
        }) => area.points(),
        other => panic!("no box: {other:?}"),
    }
}

fn read_with(bytes: &[u8], limits: &Limits, engines: Engines) -> Result<Document, String> {
    let mut extraction = job::run(bytes, "a.pdf", limits, engines);
    crate::ocr::settle(&mut extraction);
    match extraction.outcome {
        Outcome::Read(document) => Ok(document),
        Outcome::Failed(gap) | Outcome::Skipped(gap) => Err(gap.to_string()),
    }
}

fn read_both(bytes: &[u8]) -> Result<Document, String> {
    read_with(bytes, &Limits::default(), Engines::Both)
}

const LEASE: &[&[&str]] = &[
    &["The lease of the mill", "It begins on the first of June."],
    &["The rent is forty pounds a month."],
];

#[test]
fn pages_and_lines_are_kept() {
    let document = read_both(&pdf("The lease of the mill", LEASE)).unwrap();
    assert_eq!(check(&document), Ok(()));
    assert_eq!(document.title.as_deref(), Some("The lease of the mill"));
    assert!(
        document.text.contains("It begins on the first of June."),
        "{}",
        document.text
    );
    let at = document.text.find("forty").unwrap();
    let place = document.locate(at..at + 5).unwrap();
    assert_eq!(place.to_string(), "page 2");
    let Locator::Page {
        area: Some(area), ..
    } = place
    else {
        panic!("no box");
    };
    let [left, top, right, bottom] = area.points();
    assert!(
        left == 72.0 && right > 200.0 && top < 72.0 && bottom > 72.0,
        "{area:?}"
    );
    let at = document.text.find("It begins").unwrap();
    let place = document.locate(at..at + 5).unwrap();
    assert!(
        matches!(
            place,
            Locator::Page {
                page: 1,
                first_line: 2..,
                ..
            }
        ),
        "{place:?}"
    );
    assert_eq!((document.warnings.len(), document.incomplete), (0, None));
}

#[test]
fn the_second_engine_reads_alone() {
    let document = read_with(&pdf("x", LEASE), &Limits::default(), Engines::SecondOnly).unwrap();
    assert_eq!(check(&document), Ok(()));
    assert!(document.text.contains("forty pounds"), "{}", document.text);
    assert!(
        document
            .blocks
            .iter()
            .any(|block| block.locator.to_string() == "page 2 (repaired)")
    );
}

#[test]
fn blank_pages_are_no_scans() {
    let document = read_both(&pdf("x", &[&["One."], &[], &["Three."], &[]])).unwrap();
    assert_eq!(document.pages, vec![Page::default(); 4]);
    assert_eq!(document.incomplete, None);
    let error = read_both(&pdf("x", &[&[], &[]])).unwrap_err();
    assert_eq!(error, "empty: nothing but white space");
}

#[test]
fn time_that_is_up_leaves_what_was_read() {
    let limits = Limits {
        time: Duration::ZERO,
        ..Limits::default()
    };
    let error = read_with(&pdf("x", LEASE), &limits, Engines::Both).unwrap_err();
    assert!(error.contains("2 pages"), "{error}");
}

#[test]
fn broken_files_fail_with_a_reason() {
    let whole = pdf("The lease of the mill", LEASE);
    for bytes in [
        &b"%PDF-1.7\n"[..],
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog",
        &whole[..200],
    ] {
        let extraction = extract_bytes(bytes, "a.pdf", &Limits::default());
        assert!(
            matches!(extraction.outcome, Outcome::Failed(_)),
            "{:?}",
            extraction.outcome
        );
    }
    // Damage in the middle: whatever comes, it keeps its promises.
    for step in [7, 31, 97] {
        let mut bytes = whole.clone();
        bytes
            .iter_mut()
            .skip(9)
            .step_by(step)
            .for_each(|byte| *byte ^= 0x15);
        if let Outcome::Read(document) = extract_bytes(&bytes, "a.pdf", &Limits::default()).outcome
        {
            assert_eq!(check(&document), Ok(()));
        }
    }
}

#[test]
fn lists_of_pages_are_short() {
    assert_eq!(page_list(&[3]), "page 3");
    assert_eq!(page_list(&[1, 2, 3, 7]), "pages 1–3, 7");
}

#[test]
fn boxes_are_those_of_the_page_as_it_is_displayed() {
    let content = at(&[(40.0, 150.0, "mill")]);
    let area = |page: &str| {
        let document = read_both(&sheet(&content, page, "", &[])).unwrap();
        place_of(&document, "mill").map(|edge| edge.round())
    };
    assert_eq!(area(""), [40.0, 42.0, 55.0, 52.0]);
    assert_eq!(area("/CropBox [30 20 280 180]"), [10.0, 22.0, 25.0, 32.0]);
    assert_eq!(area("/Rotate 90"), [148.0, 40.0, 158.0, 55.0]);
    assert_eq!(area("/Rotate 180"), [245.0, 148.0, 260.0, 158.0]);
    assert_eq!(area("/Rotate 270"), [42.0, 245.0, 52.0, 260.0]);
}

#[test]
fn every_line_has_its_box() {
    let document = read_both(&pdf("x", LEASE)).unwrap();
    assert_eq!(document.lines.len(), 3);
    assert!(
        document
            .lines
            .iter()
            .all(|line| line.start == 0 || document.text[..line.start].ends_with('\n'))
    );
    assert!(place_of(&document, "It begins")[1] > place_of(&document, "The lease")[3]);
}

#[test]
fn columns_are_read_one_after_the_other() {
    let rows: Vec<(f32, f32, &str)> = (0..6)
        .flat_map(|row| {
            let y = 150.0 - 12.0 * row as f32;
            [
                (20.0, y, "left side words here"),
                (160.0, y, "the right side of it"),
            ]
        })
        .collect();
    let text = sheet_text(&at(&rows));
    assert!(
        text.rfind("left").unwrap() < text.find("right").unwrap(),
        "{text}"
    );
}

#[test]
fn a_cut_word_stays_whole_and_its_lines_stay_true() {
    let content = at(&[(20.0, 150.0, "as for exam-"), (20.0, 138.0, "ple this one")]);
    let document = read_both(&sheet(&content, "", "", &[])).unwrap();
    assert_eq!(document.text, "as for example\nthis one");
    assert!(place_of(&document, "this one")[1] > place_of(&document, "as for")[1]);
}

#[test]
fn framed_cells_are_a_table() {
    let rules = "20 100 200 60 re S 20 130 m 220 130 l S 120 100 m 120 160 l S ";
    let words = at(&[
        (25.0, 140.0, "Rent"),
        (125.0, 140.0, "40 pounds"),
        (25.0, 110.0, "Term"),
        (125.0, 110.0, "5 years"),
    ]);
    let document = read_both(&sheet(&format!("{rules}{words}"), "", "", &[])).unwrap();
    assert_eq!(document.text, "Rent | 40 pounds\nTerm | 5 years");
    assert_eq!(
        document.blocks[0].kind,
        BlockKind::Table { continues: false }
    );
}

#[test]
fn running_heads_stand_behind_the_text_of_all_pages() {
    let pages: Vec<Vec<String>> = (1..5)
        .map(|page| {
            let mut lines = vec![format!("The lease, page {page}")];
            lines.extend((0..6).map(|_| String::from("---")));
            lines.push(format!(
                "Clause {} of it.",
                ["one", "two", "three", "four"][page - 1]
            ));
            lines
        })
        .collect();
    let pages: Vec<Vec<&str>> = pages
        .iter()
        .map(|page| page.iter().map(String::as_str).collect())
        .collect();
    let pages: Vec<&[&str]> = pages.iter().map(Vec::as_slice).collect();
    let document = read_both(&pdf("x", &pages)).unwrap();
    assert_eq!(check(&document), Ok(()));
    let furniture: Vec<&str> = document
        .blocks
        .iter()
        .filter(|block| block.kind == BlockKind::Furniture)
        .map(|block| &document.text[block.span.clone()])
        .collect();
    assert!(furniture.contains(&"The lease, page 3"), "{furniture:?}");
    assert!(!furniture.contains(&"Clause three of it."));
}

#[test]
fn what_cannot_be_seen_is_hidden() {
    let hidden = |content: &str| {
        let document = read_both(&sheet(content, "", "", &[])).unwrap();
        document
            .blocks
            .iter()
            .map(|block| block.hidden)
            .collect::<Vec<_>>()
    };
    let words = at(&[(20.0, 150.0, "words")]);
    assert_eq!(hidden(&words), [false]);
    assert_eq!(hidden(&format!("1 g {words}")), [true]);
    assert_eq!(
        hidden(&format!("0 g 0 0 300 200 re f 1 g {words}")),
        [false]
    );
    assert_eq!(hidden(&words.replace("10 Tf", "0.1 Tf")), [true]);
    assert_eq!(hidden(&words.replace("/F1", "3 Tr /F1")), [true]);
    let outside = at(&[(20.0, 250.0, "words")]);
    assert_eq!(hidden(&outside), [true]);
}

#[test]
fn the_text_of_a_scan_is_its_text() {
    let words = at(&[(20.0, 150.0, "words")]).replace("/F1", "3 Tr /F1");
    let content = format!("q 300 0 0 200 0 0 cm /P Do Q {words}");
    let document = read_both(&sheet(&content, "", "", &[])).unwrap();
    assert!(!document.blocks[0].hidden);
    assert_eq!(document.pages, [Page::default()]);
}

#[test]
fn a_picture_without_text_needs_ocr() {
    let picture = "q 300 0 0 200 0 0 cm /P Do Q ";
    let error = read_both(&sheet(picture, "", "", &[])).unwrap_err();
    assert!(error.starts_with(marker::NEEDS_OCR), "{error}");
    // A number in the margin of a scan is not its text.
    let stamped = format!("{picture}{}", at(&[(150.0, 5.0, "7")]));
    let document = read_both(&sheet(&stamped, "", "", &[])).unwrap();
    assert!(marker::needs_ocr(&document.pages[0]));
    assert_eq!(document.text, "7");
}

#[test]
fn fields_and_notes_are_read_and_links_are_not() {
    let field = "<< /Type /Annot /Subtype /Widget /FT /Tx /T (rent) /TU (Rent a month) \
                 /V (forty pounds) /Rect [20 100 120 112] >>";
    let note = "<< /Type /Annot /Subtype /Text /Contents (Ask the miller.) /Rect [20 50 30 60] >>";
    let link = "<< /Type /Annot /Subtype /Link /Contents (elsewhere) /Rect [20 50 30 60] >>";
    let page = "/Annots [8 0 R 9 0 R 10 0 R]";
    let bytes = sheet(
        &at(&[(20.0, 150.0, "Lease")]),
        page,
        "",
        &[field, note, link],
    );
    let document = read_both(&bytes).unwrap();
    assert_eq!(
        document.text,
        "Lease\n\nRent a month: forty pounds\n\nAsk the miller."
    );
    assert_eq!(
        place_of(&document, "forty pounds"),
        [20.0, 88.0, 120.0, 100.0]
    );
}

#[test]
fn files_inside_are_read() {
    let names = "/Names << /EmbeddedFiles << /Names [(a) 8 0 R] >> >>";
    let specification = "<< /Type /Filespec /F (a.txt) /EF << /F 9 0 R >> >>";
    let content = stream("/Type /EmbeddedFile", "The rent is due.");
    let bytes = sheet(
        &at(&[(20.0, 150.0, "Lease")]),
        "",
        names,
        &[specification, &content],
    );
    let extraction = extract_bytes(&bytes, "a.pdf", &Limits::default());
    assert_eq!(extraction.inner.len(), 1);
    assert_eq!(extraction.inner[0].path, "a.txt");
    assert!(
        matches!(&extraction.inner[0].outcome, Outcome::Read(document)
            if document.text == "The rent is due.")
    );
}

#[test]
fn bookmarks_are_headings_and_the_file_tells_of_itself() {
    let outlines = "/Outlines 8 0 R";
    let root = "<< /First 9 0 R >>";
    // An entry that names itself as the next one.
    let entry = "<< /Title (1. The Rent) /First 10 0 R /Next 9 0 R >>";
    let deeper = "<< /Title (When it is due) >>";
    let content = at(&[
        (20.0, 150.0, "The rent"),
        (20.0, 110.0, "When it is due"),
        (20.0, 70.0, "In June."),
    ]);
    let document = read_both(&sheet(&content, "", outlines, &[root, entry, deeper])).unwrap();
    let kinds: Vec<&BlockKind> = document.blocks.iter().map(|block| &block.kind).collect();
    let heading = |level| BlockKind::Heading { level };
    assert_eq!(kinds, [&heading(1), &heading(2), &BlockKind::Paragraph]);
    let known = |name: &str, value: &str| {
        document
            .properties
            .contains(&(name.to_owned(), value.to_owned()))
    };
    assert!(known("author", "Ada") && known("created", "2024-02-03T04:05:06Z"));
}

#[test]
fn the_text_that_a_file_gives_for_its_glyphs_is_taken() {
    let content = "BT /F1 10 Tf 1 0 0 1 20 150 Tm /Span << /ActualText (office) >> BDC \
                   (o~ce) Tj EMC ( hours) Tj ET";
    assert_eq!(sheet_text(content), "office hours");
}

#[test]
fn spaced_out_letters_are_one_word() {
    let content = "BT /F1 10 Tf 4 Tc 1 0 0 1 20 150 Tm (LEASE of) Tj ET";
    assert_eq!(sheet_text(content), "LEASE of");
}

#[test]
fn encrypted_files_need_their_password() {
    let bytes = include_bytes!("encrypted.pdf");
    let error = read_both(bytes).unwrap_err();
    assert!(error.starts_with("encrypted: needs a password"), "{error}");
    let limits = Limits {
        passwords: vec!["wrong".into(), "mill".into()],
        ..Limits::default()
    };
    let document = read_with(bytes, &limits, Engines::Both).unwrap();
    assert_eq!(document.text, "The lease of the mill");
}

#[test]
fn a_damaged_table_of_objects_is_made_anew() {
    let mut bytes = pdf("x", LEASE);
    let at = bytes
        .windows(5)
        .position(|window| window == b"xref\n")
        .unwrap();
    bytes.truncate(at + 20);
    let document = read_both(&bytes).unwrap();
    assert!(document.text.contains("forty pounds"), "{}", document.text);
}

/// A page with these resources and this content, and the objects from 5 on.
fn bare(resources: &str, content: Vec<u8>, more: &[String]) -> Vec<u8> {
    let page =
        format!("<< /Type /Page /Parent 2 0 R /Resources << {resources} >> /Contents 4 0 R >>");
    let mut objects: Vec<Vec<u8>> = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        page.into_bytes(),
        content,
    ];
    objects.extend(more.iter().map(|object| object.clone().into_bytes()));
    file(&objects)
}

#[test]
fn bombs_are_left_unread_and_named() {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b' '; 4 << 20]).unwrap();
    let packed = encoder.finish().unwrap();
    let mut content = format!(
        "<< /Filter /FlateDecode /Length {} >>\nstream\n",
        packed.len()
    )
    .into_bytes();
    content.extend(&packed);
    content.extend(b"\nendstream");
    let error = read_both(&bare("", content, &[])).unwrap_err();
    assert!(error.contains("more than 200 times its size"), "{error}");

    // Every form shows the next one thirty times.
    let show = "/X Do ".repeat(30);
    let form = |next: usize| {
        let resources = format!("/Resources << /XObject << /X {next} 0 R >> >>");
        stream(
            &format!("/Type /XObject /Subtype /Form /BBox [0 0 9 9] {resources}"),
            &show,
        )
    };
    let forms: Vec<String> = (6..20).map(form).chain([form(5)]).collect();
    let content = stream("", &show).into_bytes();
    let error = read_both(&bare("/XObject << /X 5 0 R >>", content, &forms)).unwrap_err();
    assert_eq!(error, "1 of 1 pages were read in part: page 1");

    let font = "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H \
                /DescendantFonts [6 0 R] >>";
    let widths = "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /W [0 4294967295 500] >>";
    let content = stream("", "BT /F 12 Tf 40 400 Td <00410042> Tj ET").into_bytes();
    let bytes = bare(
        "/Font << /F 5 0 R >>",
        content,
        &[font.into(), widths.into()],
    );
    assert!(read_both(&bytes).is_err());
}

#[test]
fn pages_over_the_limit_are_left_out_and_named() {
    let limits = Limits {
        max_pages: 1,
        ..Limits::default()
    };
    let document = read_with(&pdf("x", LEASE), &limits, Engines::Both).unwrap();
    assert!(!document.text.contains("forty"));
    let gap = document.incomplete.unwrap();
    assert_eq!(gap.reason, "the last 1 of 2 pages are over the limit of 1");
    assert_eq!(gap.help.as_deref(), Some("raise the setting max_pages"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a content stream says, the document keeps its promises.
    #[test]
    fn any_content_makes_a_sound_document(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "BT", "ET", "q", "Q", "/F1 10 Tf", "(words) Tj", "[(a) -900 (b)] TJ", "T*",
                "0 -12 Td", "12 TL", "1 0 0 1 20 20 Tm", "0 1 -1 0 50 50 Tm", "1e9 0 0 1 0 0 cm",
                "0 0 0 0 0 0 cm", "3 Tr", "1 g", "20 20 90 90 re", "S", "f", "10 10 m", "90 10 l",
                "/P Do", "/Span << /ActualText (x) >> BDC", "EMC", "900 Tz", "-9 Tc", "99 Ts",
                "(", ">>", "<4142", "99999999999 Tf",
            ]),
            0..60,
        )
    ) {
        if let Ok(document) = read_both(&sheet(&parts.join(" "), "", "", &[])) {
            prop_assert_eq!(check(&document), Ok(()));
        }
    }
}
