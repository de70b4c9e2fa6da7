//! Kinds of file that are known by their bytes.

use super::kind::Kind;

/// What a file is that is known by its bytes.
pub(crate) enum Magic {
    Read(Kind),
    /// A document that no reader is there for.
    NotYet(&'static str),
    /// Nothing that has text to read.
    Never(&'static str),
}

/// Bytes that a file with a reader begins with.
const READ: &[(&[u8], Kind)] = &[
    (b"\x89PNG\r\n\x1a\n", Kind::Image),
    (b"\xff\xd8\xff", Kind::Image),
    (b"GIF87a", Kind::Image),
    (b"GIF89a", Kind::Image),
    (b"II*\0", Kind::Image),
    (b"MM\0*", Kind::Image),
    (b"{\\rtf", Kind::Rtf),
    (b"\x78\x9f\x3e\x22", Kind::Tnef),
    (b"\x1f\x8b", Kind::Compressed),
    (b"BZh", Kind::Compressed),
    (b"\xfd7zXZ\0", Kind::Compressed),
    (b"\x28\xb5\x2f\xfd", Kind::Compressed),
    (b"7z\xbc\xaf\x27\x1c", Kind::SevenZip),
    (b"PK\x03\x04", Kind::Zip),
    (b"PK\x05\x06", Kind::Zip),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind::Compound),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", Kind::OneNote),
];

/// Bytes that a file without a reader begins with, and what it then is: `+` for a document.
const NOT_READ: &[(&[u8], &str)] = &[
    (b"8BPS", "+PSD (image)"),
    (b"\0\0\x01\0", "ICO (icon)"),
    (b"AT&TFORM", "+DjVu (scanned document)"),
    (b"%!PS-Adobe", "+PostScript"),
    (b"ITSF", "+CHM (Windows help)"),
    (b"!BDN", "+PST (Outlook mailbox)"),
    (b"Rar!\x1a\x07", "+RAR (archive)"),
    (b"MSCF", "+CAB (archive)"),
    (b"LZIP", "+LZIP (archive)"),
    (b"\x1f\x9d", "+Z (archive)"),
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

/// The object identifier of the cryptographic envelopes of RFC 5652, but for its last part.
const CMS: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07";

/// What a file is by its first bytes.
pub(crate) fn magic(first: &[u8]) -> Option<Magic> {
    // Some programs write a line or two before the header; readers allow for a kilobyte.
    if contains(&first[..first.len().min(1024)], b"%PDF-") && !begins_as_markup(first) {
        return Some(Magic::Read(Kind::Pdf));
    }
    if let Some(magic) = riff(first).or_else(|| iso_media(first)) {
        return Some(magic);
    }
    if first.get(257..262) == Some(b"ustar") {
        return Some(Magic::Read(Kind::Tar));
    }
    if first.starts_with(b"\x30") && contains(&first[..first.len().min(32)], CMS) {
        return Some(Magic::Read(Kind::Signed));
    }
    // Two letters are too few to call a text a bitmap.
    if first.starts_with(b"BM") && first.get(6..10) == Some(&[0; 4]) {
        return Some(Magic::Read(Kind::Image));
    }
    if let Some((bytes, kind)) = beginning(READ, first) {
        return believed(bytes, first).then_some(Magic::Read(*kind));
    }
    let (bytes, what) = beginning(NOT_READ, first)?;
    believed(bytes, first).then(|| match what.strip_prefix('+') {
        Some(document) => Magic::NotYet(document),
        None => Magic::Never(what),
    })
}

fn beginning<'t, T>(table: &'t [(&[u8], T)], first: &[u8]) -> Option<&'t (&'t [u8], T)> {
    table.iter().find(|(bytes, _)| first.starts_with(bytes))
}

/// Letters that may begin a plain text count only together with bytes that may not.
fn believed(bytes: &[u8], first: &[u8]) -> bool {
    let letters = bytes.iter().all(u8::is_ascii_alphanumeric);
    !letters || first[..first.len().min(512)].contains(&0)
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

fn riff(first: &[u8]) -> Option<Magic> {
    if !first.starts_with(b"RIFF") {
        return None;
    }
    match first.get(8..12)? {
        b"WEBP" => Some(Magic::Read(Kind::Image)),
        b"WAVE" => Some(Magic::Never("WAV (audio)")),
        b"AVI " => Some(Magic::Never("AVI (video)")),
        _ => None,
    }
}

fn iso_media(first: &[u8]) -> Option<Magic> {
    if first.get(4..8) != Some(b"ftyp") {
        return None;
    }
    Some(match first.get(8..12)? {
        b"heic" | b"heix" | b"mif1" | b"heif" => Magic::NotYet("HEIC (image)"),
        b"avif" => Magic::NotYet("AVIF (image)"),
        b"M4A " => Magic::Never("M4A (audio)"),
        _ => Magic::Never("MP4 (video)"),
    })
}

/// Mail that is kept as text and has no extension to say so: its first lines are header fields,
/// among them two that every mail has.
pub(crate) fn mail(first: &[u8]) -> Option<Kind> {
    if first.starts_with(b"From ") && contains(first, b"\nFrom: ") {
        return Some(Kind::Mbox);
    }
    let mut told = 0;
    for line in first.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii_end();
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let continues = line.starts_with(b" ") || line.starts_with(b"\t");
        let is_field = name.len() < line.len() && name.iter().all(u8::is_ascii_graphic);
        if line.is_empty() || !(continues || is_field) {
            break;
        }
        let is_told = |known: &&[u8]| name.eq_ignore_ascii_case(known);
        told += usize::from(MAIL_FIELDS.iter().any(is_told));
    }
    (told >= 2).then_some(Kind::Eml)
}

/// Fields of a mail's header that hardly any other file begins with.
const MAIL_FIELDS: &[&[u8]] = &[
    b"Received",
    b"Return-Path",
    b"Delivered-To",
    b"Message-ID",
    b"MIME-Version",
    b"Content-Type",
    b"From",
    b"To",
    b"Subject",
    b"Date",
];
