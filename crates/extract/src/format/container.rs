//! Containers: which kind of document a zip archive or a compound file is.

use super::book::epub;
use super::package::Package;
use super::sheet::xlsx;
use super::{archive, odf, slides, word, xps};
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
    read_office(&package).unwrap_or_else(|| archive::read_zip(bytes, job))
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
        Office::BinarySheet => Err(Refusal::Skipped("format not read: XLSB (workbook)".into())),
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
