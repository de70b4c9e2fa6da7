//! Containers: which kind of document a zip archive or a compound file is.

use super::book::epub;
use super::package::Package;
use super::sheet::{xlsb, xlsx};
use super::{archive, iwork, odf, slides, word, xps};
use crate::job::{Job, Reading, Refusal};

/// Reads a zip archive as what its entries say it is.
pub(super) fn read_zip(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let package = Package::open(bytes, job)?;
    if package.has("META-INF/container.xml") && !package.has("content.xml") {
        return epub::read(&package);
    }
    if let Some(sequence) = xps::sequence(&package) {
        return xps::read(&package, &sequence);
    }
    let is_open_document = package.has("content.xml")
        && (package.has("mimetype") || package.has("META-INF/manifest.xml"));
    if is_open_document {
        return odf::read(&package);
    }
    if let Some(office) = read_office(&package) {
        return office;
    }
    if let Some(index) = iwork::index(&package) {
        return iwork::read(&package, index);
    }
    match unread(&package) {
        Some(what) => Err(Refusal::Skipped(format!("format not read: {what}").into())),
        None => archive::read_zip(bytes, job),
    }
}

/// What a package is that no reader is there for.
fn unread(package: &Package<'_>) -> Option<&'static str> {
    let marks = [
        (
            "Index/Document.iwa",
            "Apple iWork (Pages, Numbers or Keynote)",
        ),
        ("Index.zip", "Apple iWork (Pages, Numbers or Keynote)"),
        ("visio/document.xml", "VSDX (Visio drawing)"),
        ("Contents/content.hpf", "HWPX (Hangul document)"),
    ];
    let named = marks.into_iter().find(|(name, _)| package.has(name));
    named.map(|(_, what)| what)
}

/// Reads Office XML in one file.
pub(super) fn read_flat(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let package = Package::open_flat(bytes, job);
    read_office(&package)
        .unwrap_or_else(|| Err("damaged: Office XML without a document in it".into()))
}

/// Reads a package of the Office Open XML kind; `None` if it is none.
fn read_office(package: &Package<'_>) -> Option<Result<Reading, Refusal>> {
    let (office, main) = kind(package)?;
    Some(match office {
        Office::Word => word::read(package, &main),
        Office::Slides => slides::read(package, &main),
        Office::Sheet => xlsx::read(package, &main),
        Office::BinarySheet => xlsb::read(package, &main),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Office {
    Word,
    Slides,
    Sheet,
    BinarySheet,
}

/// What kind of Office Open XML a package is, and its main part.
fn kind(package: &Package<'_>) -> Option<(Office, String)> {
    let relations = package.relations("");
    let main = relations
        .into_iter()
        .find(|relation| relation.kind == "officeDocument" && package.has(&relation.target))
        .map(|relation| relation.target);
    let known = [
        "word/document.xml",
        "ppt/presentation.xml",
        "xl/workbook.xml",
        "xl/workbook.bin",
    ];
    let main = main.or_else(|| {
        let found = known.into_iter().find(|name| package.has(name));
        found.map(str::to_owned)
    })?;
    let content_type = content_type(package, &main).unwrap_or_default();
    let means = |word: &str, folder: &str| {
        content_type.contains(word) || (content_type.is_empty() && main.starts_with(folder))
    };
    let office = if main.ends_with(".bin") {
        Office::BinarySheet
    } else if means("wordprocessingml", "word/") || content_type.contains("ms-word") {
        Office::Word
    } else if means("presentationml", "ppt/") || content_type.contains("ms-powerpoint") {
        Office::Slides
    } else if means("spreadsheetml", "xl/") || content_type.contains("ms-excel") {
        Office::Sheet
    } else {
        return None;
    };
    Some((office, main))
}

/// The type of content that the package gives a part by its name.
fn content_type(package: &Package<'_>, part: &str) -> Option<String> {
    let tree = package.tree("[Content_Types].xml")?;
    let mut types = tree.root()?.children();
    let named = types.find(|entry| {
        let name = entry.attr("PartName").unwrap_or_default();
        name.trim_start_matches('/').eq_ignore_ascii_case(part)
    })?;
    named.attr("ContentType").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::package::testing::zip;
    use crate::{Limits, Outcome, check, extract_bytes};

    fn reason(parts: &[(&str, &str)]) -> String {
        match extract_bytes(&zip(parts), "a.zip", &Limits::default()).outcome {
            Outcome::Failed(gap) | Outcome::Skipped(gap) => gap.reason,
            Outcome::Read(document) => panic!("{}", document.text),
        }
    }

    #[test]
    fn what_is_not_read_says_what_it_is() {
        assert_eq!(
            reason(&[("visio/document.xml", "<v/>")]),
            "format not read: VSDX (Visio drawing)"
        );
        assert!(reason(&[("Index/Document.iwa", "")]).contains("iWork"));
    }

    #[test]
    fn a_main_part_that_unpacks_without_end_is_named() {
        let limits = Limits {
            max_unpacked_bytes: 1_000,
            ..Limits::default()
        };
        let bytes = zip(&[("word/document.xml", &"<w:p/>".repeat(1_000))]);
        match extract_bytes(&bytes, "a.docx", &limits).outcome {
            Outcome::Failed(gap) => assert!(gap.reason.contains("max_unpacked_bytes"), "{gap}"),
            other => panic!("{other:?}"),
        }
    }

    /// A main part for each reader, and the names of elements that mean something in it.
    const READERS: &[(&str, &str, &[&str])] = &[
        (
            "word/document.xml",
            "document",
            &[
                "body",
                "p",
                "r",
                "t",
                "tbl",
                "tr",
                "tc",
                "del",
                "oMath",
                "txbxContent",
                "sdt",
            ],
        ),
        (
            "ppt/presentation.xml",
            "presentation",
            &["sldIdLst", "sldId"],
        ),
        ("xl/workbook.xml", "workbook", &["sheets", "sheet"]),
        (
            "content.xml",
            "document-content",
            &[
                "body",
                "text",
                "p",
                "h",
                "list",
                "list-item",
                "table",
                "table-row",
                "table-cell",
                "note",
                "s",
            ],
        ),
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_elements_are_sound(reader in 0usize..4, steps in prop::collection::vec((0usize..12, any::<bool>()), 0..60)) {
            let (part, root, names) = READERS[reader];
            let mut xml = format!("<{root}>");
            for (at, opens) in steps {
                let name = names[at % names.len()];
                match opens {
                    true => xml.push_str(&format!("<{name} val='1' c='9' number-columns-repeated='9'>x")),
                    false => xml.push_str(&format!("</{name}>")),
                }
            }
            let bytes = zip(&[("mimetype", "x"), (part, &xml)]);
            match extract_bytes(&bytes, "a.zip", &Limits::default()).outcome {
                Outcome::Read(document) => prop_assert_eq!(check(&document), Ok(())),
                Outcome::Failed(gap) | Outcome::Skipped(gap) => prop_assert!(!gap.reason.contains("broke off"), "{}", gap),
            }
        }
    }
}
