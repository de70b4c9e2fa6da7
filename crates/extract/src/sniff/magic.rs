//! Kinds of file that are known by their bytes.

use super::names;

/// A kind of file that is no text.
pub(crate) enum Kind {
    Pdf,
    /// A document that a later version may read.
    NotYet(&'static str),
    /// Nothing that has text to read.
    Never(&'static str),
}

/// Bytes that a file begins with, and what it then is: `+` for a document that is not read yet.
const BEGINNINGS: &[(&[u8], &str)] = &[
    (b"\x89PNG\r\n\x1a\n", "+PNG (image)"),
    (b"\xff\xd8\xff", "+JPEG (image)"),
    (b"GIF87a", "+GIF (image)"),
    (b"GIF89a", "+GIF (image)"),
    (b"II*\0", "+TIFF (image)"),
    (b"MM\0*", "+TIFF (image)"),
    (b"8BPS", "+PSD (image)"),
    (b"\0\0\x01\0", "ICO (icon)"),
    (b"AT&TFORM", "+DjVu (scanned document)"),
    (b"%!PS-Adobe", "+PostScript"),
    (b"{\\rtf", "+RTF (rich text)"),
    (b"ITSF", "+CHM (Windows help)"),
    (b"!BDN", "+PST (Outlook mailbox)"),
    (
        b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d",
        "+ONE (OneNote section)",
    ),
    (b"\x78\x9f\x3e\x22", "+TNEF (winmail.dat)"),
    (b"\x1f\x8b", "+GZIP (archive)"),
    (b"BZh", "+BZIP2 (archive)"),
    (b"\xfd7zXZ\0", "+XZ (archive)"),
    (b"7z\xbc\xaf\x27\x1c", "+7Z (archive)"),
    (b"Rar!\x1a\x07", "+RAR (archive)"),
    (b"\x28\xb5\x2f\xfd", "+Zstandard (archive)"),
    (b"\x04\x22\x4d\x18", "+LZ4 (archive)"),
    (b"\x7fELF", "ELF (program)"),
    (b"MZ", "EXE (program)"),
    (b"\xcf\xfa\xed\xfe", "Mach-O (program)"),
    (b"\xce\xfa\xed\xfe", "Mach-O (program)"),
    (b"\xca\xfe\xba\xbe", "Java class or Mach-O (program)"),
    (b"\0asm", "WebAssembly (program)"),
    (b"!<arch>\n", "static library or package"),
    (b"\xed\xab\xee\xdb", "RPM (package)"),
    (b"SQLite format 3\0", "SQLite (database)"),
    (b"ID3", "MP3 (audio)"),
    (b"\xff\xfb", "MP3 (audio)"),
    (b"\xff\xf3", "MP3 (audio)"),
    (b"OggS", "OGG (audio or video)"),
    (b"fLaC", "FLAC (audio)"),
    (b"MThd", "MIDI (audio)"),
    (b"\x1a\x45\xdf\xa3", "Matroska or WebM (video)"),
    (b"FLV\x01", "FLV (video)"),
    (b"\0\0\x01\xba", "MPEG (video)"),
    (b"\0\0\x01\xb3", "MPEG (video)"),
    (b"\0\x01\0\0\0", "TrueType (font)"),
    (b"OTTO\0", "OpenType (font)"),
    (b"wOFF", "WOFF (font)"),
    (b"wOF2", "WOFF2 (font)"),
    (b"GGUF", "GGUF (model weights)"),
    (b"\x80\x02}q", "pickled data"),
];

/// The kind of a file by its first bytes; the extension only tells twins apart.
pub(crate) fn kind(first: &[u8], extension: &str) -> Option<Kind> {
    // Some programs write a line or two before the header; readers allow for a kilobyte.
    if contains(&first[..first.len().min(1024)], b"%PDF-") && !begins_as_markup(first) {
        return Some(Kind::Pdf);
    }
    if first.starts_with(b"PK\x03\x04") || first.starts_with(b"PK\x05\x06") {
        return Some(zip(first, extension));
    }
    if first.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Some(Kind::NotYet(compound(first, extension)));
    }
    if let Some(kind) = riff(first).or_else(|| iso_media(first)) {
        return Some(kind);
    }
    if first.get(257..262) == Some(b"ustar") {
        return Some(Kind::NotYet("TAR (archive)"));
    }
    // Two letters are too few to call a text a bitmap.
    if first.starts_with(b"BM") && first.get(6..10) == Some(&[0; 4]) {
        return Some(Kind::NotYet("BMP (image)"));
    }
    let (bytes, what) = BEGINNINGS
        .iter()
        .find(|(bytes, _)| first.starts_with(bytes))?;
    // Letters that may begin a plain text count only together with bytes that may not.
    let letters = bytes.iter().all(u8::is_ascii_alphanumeric);
    if letters && !first[..first.len().min(512)].contains(&0) {
        return None;
    }
    Some(match what.strip_prefix('+') {
        Some(document) => Kind::NotYet(document),
        None => Kind::Never(what),
    })
}

fn begins_as_markup(first: &[u8]) -> bool {
    first.trim_ascii_start().starts_with(b"<")
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some(&head) = needle.first() else {
        return true;
    };
    let mut rest = haystack;
    while let Some(at) = rest.iter().position(|byte| *byte == head) {
        if rest[at..].starts_with(needle) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

/// A name of an entry in a zip archive, and what the archive then is.
const ZIP_ENTRIES: &[(&str, &str)] = &[
    ("mimetypeapplication/epub+zip", "EPUB (book)"),
    (
        "mimetypeapplication/vnd.oasis.opendocument.text",
        "ODT (OpenDocument text)",
    ),
    (
        "mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
        "ODS (OpenDocument spreadsheet)",
    ),
    (
        "mimetypeapplication/vnd.oasis.opendocument.presentation",
        "ODP (OpenDocument presentation)",
    ),
    ("word/", "DOCX (Word document)"),
    ("xl/", "XLSX (Excel workbook)"),
    ("ppt/", "PPTX (PowerPoint presentation)"),
    ("visio/", "VSDX (Visio drawing)"),
    ("FixedDocSeq.fdseq", "XPS (document)"),
    ("Index/Document.iwa", "iWork document"),
    ("AndroidManifest.xml", "APK (program)"),
    ("META-INF/MANIFEST.MF", "JAR (program)"),
];

/// Extensions of formats that are zip archives inside.
const ZIPPED: &[&str] = &[
    "docm", "docx", "dotx", "epub", "key", "numbers", "odp", "ods", "odt", "ott", "pages", "ppsx",
    "pptm", "pptx", "vsdx", "xlsb", "xlsm", "xlsx", "xltx", "xps",
];

/// Extensions of formats that are OLE compound files inside.
const COMPOUND: &[&str] = &[
    "doc", "dot", "hwp", "msg", "pot", "pps", "ppt", "vsd", "wps", "xls", "xlt",
];

fn zip(first: &[u8], extension: &str) -> Kind {
    let named = ZIPPED
        .contains(&extension)
        .then(|| names::not_read_yet(extension))
        .flatten();
    let entry = || {
        ZIP_ENTRIES
            .iter()
            .find(|(entry, _)| contains(first, entry.as_bytes()))
    };
    let what = named.or_else(|| entry().map(|(_, what)| *what));
    Kind::NotYet(what.unwrap_or("ZIP (archive)"))
}

/// An OLE compound file: old Office formats, told apart by the extension or, failing that, by
/// the names of their streams, which are UTF-16.
fn compound(first: &[u8], extension: &str) -> &'static str {
    if let Some(what) = names::not_read_yet(extension).filter(|_| COMPOUND.contains(&extension)) {
        return what;
    }
    let holds = |stream: &str| {
        let wide: Vec<u8> = stream.encode_utf16().flat_map(u16::to_le_bytes).collect();
        contains(first, &wide)
    };
    match () {
        () if holds("WordDocument") => "DOC (Word 97 document)",
        () if holds("Workbook") => "XLS (Excel 97 workbook)",
        () if holds("PowerPoint Document") => "PPT (PowerPoint 97 presentation)",
        () if holds("__substg1.0_") => "MSG (Outlook message)",
        () => "OLE compound file (old Office document)",
    }
}

fn riff(first: &[u8]) -> Option<Kind> {
    if !first.starts_with(b"RIFF") {
        return None;
    }
    match first.get(8..12)? {
        b"WEBP" => Some(Kind::NotYet("WebP (image)")),
        b"WAVE" => Some(Kind::Never("WAV (audio)")),
        b"AVI " => Some(Kind::Never("AVI (video)")),
        _ => None,
    }
}

fn iso_media(first: &[u8]) -> Option<Kind> {
    if first.get(4..8) != Some(b"ftyp") {
        return None;
    }
    Some(match first.get(8..12)? {
        b"heic" | b"heix" | b"mif1" | b"heif" => Kind::NotYet("HEIC (image)"),
        b"avif" => Kind::NotYet("AVIF (image)"),
        b"M4A " => Kind::Never("M4A (audio)"),
        _ => Kind::Never("MP4 (video)"),
    })
}

/// Mail that is kept as text and has no extension to say so.
pub(crate) fn mail(first: &[u8], extension: &str) -> Option<&'static str> {
    if !extension.is_empty() {
        return None;
    }
    let mailbox = first.starts_with(b"From ") && contains(first, b"\nFrom: ");
    let received = first.starts_with(b"Received: ") || first.starts_with(b"Return-Path: ");
    let message = received && contains(first, b"\nSubject:");
    match (mailbox, message) {
        (true, _) => Some("MBOX (mail folder)"),
        (_, true) => Some("EML (mail)"),
        _ => None,
    }
}
