//! Mails made on the spot, with and without attachments, sound and damaged.

use std::io::Cursor;
use std::io::Write;

use proptest::prelude::*;

use crate::{Extraction, Limits, Outcome, check, extract_bytes};
use docent_core::document::Document;

fn read(bytes: &[u8], name: &str) -> (Document, Extraction) {
    let extraction = extract_bytes(bytes, name, &Limits::default());
    match &extraction.outcome {
        Outcome::Read(document) => {
            assert_eq!(check(document), Ok(()));
            (document.clone(), extraction)
        }
        other => panic!("{other:?}"),
    }
}

/// What was made of each file inside: its path, and its text or the reason.
fn inner(extraction: &Extraction) -> Vec<(&str, &str)> {
    let inner = extraction.inner.iter();
    inner
        .map(|inner| match &inner.outcome {
            Outcome::Read(document) => (inner.path.as_str(), document.text.as_str()),
            Outcome::Failed(gap) | Outcome::Skipped(gap) => {
                (inner.path.as_str(), gap.reason.as_str())
            }
        })
        .collect()
}

fn place(document: &Document, words: &str) -> String {
    let at = document.text.find(words).unwrap();
    document.locate(at..at + words.len()).unwrap().to_string()
}

const LETTER: &str = "From: =?utf-8?q?Ada_B=C3=BCron?= <ada@example.org>\r\nTo: bob@example.org\r\n\
Subject: The offer\r\nDate: Mon, 1 Jun 2026 09:30:00 +0200\r\nMIME-Version: 1.0\r\n\
Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\
Content-Type: multipart/alternative; boundary=y\r\n\r\n--y\r\n\
Content-Type: text/plain; charset=utf-8\r\n\r\nHere it is.\r\n\r\nBob wrote:\r\n\r\n> Where?\r\n\
--y\r\nContent-Type: text/html\r\n\r\n<p>Here it <b>is</b>.</p>\r\n--y--\r\n--x\r\n\
Content-Type: text/plain; name=offer.md\r\nContent-Disposition: attachment; filename=offer.md\r\n\
Content-Transfer-Encoding: base64\r\n\r\nIyBPZmZlcgo=\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n\
Subject: Older\r\n\r\nInside.\r\n--x--\r\n";

#[test]
fn a_mail_has_a_header_a_body_and_files() {
    let (document, extraction) = read(LETTER.as_bytes(), "a.eml");
    assert_eq!(
        document.text,
        "From: Ada Büron <ada@example.org>\nTo: bob@example.org\n\
         Date: 2026-06-01T09:30:00+02:00\nSubject: The offer\n\nHere it is.\n\nBob wrote:\n\n> Where?"
    );
    assert_eq!(document.title.as_deref(), Some("The offer"));
    assert_eq!(place(&document, "bob@"), "header, line 2");
    assert_eq!(place(&document, "Here"), "body, line 1");
    assert_eq!(place(&document, "Bob wrote"), "body, quoted, line 3");
    assert_eq!(place(&document, "Where"), "body, quoted, line 5");
    assert_eq!(
        inner(&extraction),
        [
            ("offer.md", "# Offer\n"),
            ("Older.eml", "Subject: Older\n\nInside."),
        ]
    );
}

#[test]
fn html_is_read_where_the_text_only_points_to_it() {
    let mail = "Subject: a\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n--y\r\n\
        Content-Type: text/plain\r\n\r\nSee HTML.\r\n--y\r\nContent-Type: text/html\r\n\r\n\
        <h1>News</h1><p>A long letter of many words, all of them worth reading.</p>\r\n--y--\r\n";
    let (document, _) = read(mail.as_bytes(), "a.eml");
    assert!(document.text.ends_with("worth reading."));
    assert!(!document.text.contains("See HTML"));
}

#[test]
fn a_mail_without_a_character_set_is_read_as_a_file_would_be() {
    let mail = b"Subject: a\r\n\r\nDie Stra\xdfe f\xfchrt \xfcber die Br\xfccke.\r\n";
    assert!(
        read(mail, "a.eml")
            .0
            .text
            .ends_with("führt über die Brücke.")
    );
}

#[test]
fn mails_of_other_frames_are_read() {
    let apple = "29\nSubject: a\r\n\r\nbody of thirty\n<?xml version='1.0'?>";
    assert!(
        read(apple.as_bytes(), "a.emlx")
            .0
            .text
            .ends_with("body of thirty")
    );
    let wide: Vec<u8> = "\u{feff}Subject: a\r\n\r\nwide words\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert!(read(&wide, "a.eml").0.text.ends_with("wide words"));
}

#[test]
fn encrypted_mail_says_so() {
    let mail = "Subject: a\r\nContent-Type: multipart/encrypted; boundary=x\r\n\r\n--x\r\n\
        Content-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n--x--\r\n";
    let (document, _) = read(mail.as_bytes(), "a.eml");
    assert!(document.incomplete.unwrap().reason.starts_with("encrypted"));
}

#[test]
fn hostile_forwarding_is_refused() {
    let mail = "Content-Type: message/rfc822\r\n\r\n".repeat(5_000);
    let outcome = extract_bytes(mail.as_bytes(), "a.eml", &Limits::default()).outcome;
    assert!(matches!(outcome, Outcome::Failed(_)));
}

#[test]
fn a_mailbox_is_a_document_with_a_heading_to_each_mail() {
    let mailbox = "From ada Mon Jun  1 2026\nSubject: One\n\nFirst.\n\nFrom here it is a mile.\n\
        >From now on.\n\nFrom bob Tue Jun  2 2026\nTo: ada\n\nSecond.\n";
    let (document, _) = read(mailbox.as_bytes(), "a.mbox");
    assert_eq!(
        document.text,
        "One\n\nSubject: One\n\nFirst.\n\nFrom here it is a mile.\nFrom now on.\n\n\
         Message 2\n\nTo: ada\n\nSecond."
    );
    assert_eq!(place(&document, "Second"), "message 2, body, line 1");
}

#[test]
fn a_page_kept_as_mail_is_a_page() {
    let page = "From: <saved>\r\nSubject: A page\r\nContent-Type: multipart/related; boundary=x\r\n\
        \r\n--x\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        <h1>Hel=6Co</h1><p style=3D\"color:red\">words</p>\r\n--x--\r\n";
    let (document, _) = read(page.as_bytes(), "a.mhtml");
    assert_eq!(document.text, "Hello\n\nwords");
}

/// An Outlook message of these streams.
fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (path, content) in streams {
        if let Some(parent) = std::path::Path::new(path).parent() {
            file.create_storage_all(parent).unwrap();
        }
        let mut stream = file.create_stream(path).unwrap();
        stream.write_all(content).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A message with two recipients, a file and an attached message.
fn outlook() -> Vec<u8> {
    let mut properties = vec![0; 32];
    properties.extend([0x40, 0, 0x39, 0, 0, 0, 0, 0]);
    properties.extend(133_247_000_000_000_000u64.to_le_bytes());
    let copy = [
        &[0; 8][..],
        &[3, 0, 0x15, 0x0c, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let attached = "/__attach_version1.0_#00000001/__substg1.0_3701000D";
    compound(&[
        ("/__properties_version1.0", &properties),
        ("/__substg1.0_0037001F", &wide("The offer")),
        ("/__substg1.0_1000001E", b"Stra\xdfe\r\n"),
        ("/__substg1.0_0C1A001F", &wide("Ada")),
        ("/__substg1.0_5D01001F", &wide("ada@example.org")),
        (
            "/__recip_version1.0_#00000000/__substg1.0_3001001F",
            &wide("Bob"),
        ),
        (
            "/__recip_version1.0_#00000001/__substg1.0_39FE001F",
            &wide("eve@example.org"),
        ),
        (
            "/__recip_version1.0_#00000001/__properties_version1.0",
            &copy,
        ),
        (
            "/__attach_version1.0_#00000000/__substg1.0_3707001F",
            &wide("offer.md"),
        ),
        (
            "/__attach_version1.0_#00000000/__substg1.0_37010102",
            b"# Offer\n",
        ),
        (
            "/__attach_version1.0_#00000001/__substg1.0_3001001F",
            &wide("Older"),
        ),
        (&format!("{attached}/__properties_version1.0"), &[0; 24]),
        (&format!("{attached}/__substg1.0_0037001F"), &wide("Older")),
        (
            &format!("{attached}/__substg1.0_10130102"),
            b"<p>Inside.</p>",
        ),
    ])
}

#[test]
fn an_outlook_message_is_read_with_its_files() {
    let (document, extraction) = read(&outlook(), "a.msg");
    assert_eq!(
        document.text,
        "From: Ada <ada@example.org>\nTo: Bob\nCc: eve@example.org\n\
         Date: 2023-03-31T01:33:20Z\nSubject: The offer\n\nStraße"
    );
    assert_eq!(
        inner(&extraction),
        [
            ("offer.md", "# Offer\n"),
            ("Older.msg", "Subject: Older\n\nInside."),
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_mail_is_sound(
        at in 0usize..4_000,
        bytes in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        for (whole, name) in [(LETTER.as_bytes().to_vec(), "a.eml"), (outlook(), "a.msg")] {
            let mut damaged = whole;
            let at = at.min(damaged.len());
            let end = (at + bytes.len()).min(damaged.len());
            damaged.splice(at..end, bytes.iter().copied());
            let outcome = extract_bytes(&damaged, name, &Limits::default()).outcome;
            match outcome {
                Outcome::Read(document) => prop_assert_eq!(check(&document), Ok(())),
                Outcome::Failed(gap) | Outcome::Skipped(gap) => {
                    prop_assert!(!gap.reason.contains("broke off"), "{}", gap.reason);
                }
            }
        }
    }
}
