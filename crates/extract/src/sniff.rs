//! What kind of file it is: from its first bytes, and from its name where bytes do not tell.

use crate::charset::utf16_without_mark;

mod kind;
mod magic;
mod names;

pub(crate) use kind::Kind;
pub(crate) use names::{CodeKind, Grammar, code_kind, parts as split_name};

/// The number of bytes at a file's beginning that [`sniff`] looks at.
const SNIFF_BYTES: usize = 64 << 10;

/// Text is judged by so many bytes.
const TEXT_SAMPLE_BYTES: usize = 8 << 10;

/// What kind of file it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sniffed {
    /// One that is read, in this way.
    Read(Kind),
    /// One that is left out, and why, for a person.
    Skip(String),
}

/// Tells the kind of a file from its name (a path will do) and its beginning.
///
/// The content speaks first: a picture that is called `notes.txt` is a picture. Only between
/// formats that are all text does the extension decide.
pub(crate) fn sniff(name: &str, bytes: &[u8]) -> Sniffed {
    let first = &bytes[..bytes.len().min(SNIFF_BYTES)];
    let (base, extension) = names::parts(name);
    if first.is_empty() {
        return Sniffed::Skip("empty file".into());
    }
    if let Some(magic) = magic::magic(first) {
        return match magic {
            magic::Magic::Read(kind) => Sniffed::Read(kind),
            magic::Magic::NotYet(what) => not_yet(what),
            magic::Magic::Never(what) => Sniffed::Skip(format!("not a document: {what}")),
        };
    }
    if !is_text(first) {
        return match (names::not_read_yet(&extension), extension.as_str()) {
            (Some(what), _) => not_yet(what),
            (None, "pdf") => Sniffed::Read(Kind::Pdf),
            // Old archives have no mark.
            (None, "tar") => Sniffed::Read(Kind::Tar),
            (None, "mbox") => Sniffed::Read(Kind::Mbox),
            (None, "eml") => Sniffed::Read(Kind::Eml),
            _ => Sniffed::Skip("binary file, not text".into()),
        };
    }
    Sniffed::Read(text_kind(&base, &extension, first))
}

fn not_yet(what: &str) -> Sniffed {
    Sniffed::Skip(format!("format not read: {what}"))
}

fn text_kind(base: &str, extension: &str, first: &[u8]) -> Kind {
    // Signed mail goes by the name of the envelope that it is not in.
    let is_mail = matches!(extension, "" | "msg" | "p7m" | "p7s");
    let mail = magic::mail(first).filter(|_| is_mail);
    match mail.or_else(|| names::text_kind(extension)) {
        Some(kind) => kind,
        None if code_kind(base, extension, first).is_some() => Kind::Code,
        // An extension that says text is believed; any other says nothing about markup.
        None if extension != "txt" && looks_like_html(first) => Kind::Html,
        None if extension != "txt" && first.starts_with(b"<?xml") => Kind::Xml,
        None => Kind::Text,
    }
}

/// Whether bytes are text of some character set: hardly any control characters that text has
/// no use for. UTF-16 and UTF-32 have zeros in their own way.
fn is_text(first: &[u8]) -> bool {
    let sample = &first[..first.len().min(TEXT_SAMPLE_BYTES)];
    let marked = sample.starts_with(b"\xff\xfe")
        || sample.starts_with(b"\xfe\xff")
        || sample.starts_with(b"\0\0\xfe\xff");
    if marked {
        return true;
    }
    if let Some(encoding) = utf16_without_mark(sample) {
        let (text, _) = encoding.decode_without_bom_handling(sample);
        let odd = |c: &char| *c == '\u{fffd}' || is_odd_control(u32::from(*c));
        return text.chars().filter(odd).count() * 100 <= sample.len();
    }
    let odd = sample
        .iter()
        .filter(|byte| is_odd_control(u32::from(**byte)))
        .count();
    odd * 50 <= sample.len()
}

/// Control characters that text does not have: all but tab, line ends, form feed, backspace
/// (overstriking in old manuals), end-of-file and escape (terminal colours, ISO-2022-JP).
fn is_odd_control(code: u32) -> bool {
    code < 0x20 && !matches!(code, 0x08..=0x0d | 0x1a | 0x1b) || code == 0x7f
}

/// Whether text begins as HTML does, comments and an XML declaration aside.
fn looks_like_html(first: &[u8]) -> bool {
    let mut rest = first
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(first)
        .trim_ascii_start();
    loop {
        let end: &[u8] = if rest.starts_with(b"<!--") {
            b"-->"
        } else if rest.starts_with(b"<?xml") {
            b"?>"
        } else {
            break;
        };
        match rest.windows(end.len()).position(|window| window == end) {
            Some(at) => rest = rest[at + end.len()..].trim_ascii_start(),
            None => return false,
        }
    }
    let begins = |with: &[u8]| {
        rest.get(..with.len())
            .is_some_and(|r| r.eq_ignore_ascii_case(with))
    };
    begins(b"<!doctype html") || begins(b"<html") || begins(b"<head") || begins(b"<body")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip(name: &str, first: &[u8]) -> String {
        match sniff(name, first) {
            Sniffed::Skip(reason) => reason,
            Sniffed::Read(kind) => panic!("{name} is read as {kind:?}"),
        }
    }

    #[test]
    fn names_decide_between_kinds_of_text() {
        for (name, kind) in [
            ("a/notes.txt", Kind::Text),
            ("README", Kind::Text),
            ("README.md", Kind::Markdown),
            ("src/main.rs", Kind::Code),
            ("Makefile", Kind::Code),
            ("page.HTM", Kind::Html),
            ("data.csv", Kind::Csv),
            ("odd.xyz", Kind::Text),
        ] {
            assert_eq!(sniff(name, b"some words\n"), Sniffed::Read(kind), "{name}");
        }
    }

    #[test]
    fn content_decides_before_names() {
        assert_eq!(sniff("x.txt", b"%PDF-1.4\n"), Sniffed::Read(Kind::Pdf));
        assert_eq!(
            sniff("x", b"<!DOCTYPE HTML><p>a"),
            Sniffed::Read(Kind::Html)
        );
        assert_eq!(
            sniff("error.pdf", b"<html><p>Not found"),
            Sniffed::Read(Kind::Html)
        );
        assert_eq!(
            sniff("tool", b"#!/usr/bin/env python3\n"),
            Sniffed::Read(Kind::Code)
        );
        assert_eq!(
            sniff("x.txt", b"\x89PNG\r\n\x1a\n\0\0"),
            Sniffed::Read(Kind::Image)
        );
        assert_eq!(skip("x.txt", &[7u8; 400]), "binary file, not text");
        assert_eq!(skip("x.txt", b""), "empty file");
        assert_eq!(
            skip("lib.txt", b"\x7fELF\x02\x01\x01\0"),
            "not a document: ELF (program)"
        );
    }

    #[test]
    fn containers_are_known_whatever_their_name() {
        assert_eq!(sniff("a.txt", b"PK\x03\x04\0"), Sniffed::Read(Kind::Zip));
        assert_eq!(
            sniff("b", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
            Sniffed::Read(Kind::Compound)
        );
        assert_eq!(
            sniff("r.doc", b"{\\rtf1\\ansi Hello}"),
            Sniffed::Read(Kind::Rtf)
        );
        assert_eq!(
            sniff("inbox", b"From a@b Mon Jan 1\nFrom: a@b\n\nHello"),
            Sniffed::Read(Kind::Mbox)
        );
        assert_eq!(
            skip("a.rar", b"Rar!\x1a\x07\0"),
            "format not read: RAR (archive)"
        );
    }

    #[test]
    fn text_of_wide_character_sets_is_text() {
        let wide: Vec<u8> = "The lease ends in June."
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(sniff("a.txt", &wide), Sniffed::Read(Kind::Text));
        assert_eq!(
            sniff(
                "a.txt",
                b"one NUL \0 in a log line that is otherwise fine and long"
            ),
            Sniffed::Read(Kind::Text)
        );
        assert_eq!(skip("a.txt", &[0u8; 4096]), "binary file, not text");
    }
}
