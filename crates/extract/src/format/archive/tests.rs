use std::io::{Cursor, Write};

use ::zip::write::SimpleFileOptions;
use flate2::write::GzEncoder;

use super::*;
use crate::{Extraction, Limits, extract_bytes};

fn read(bytes: &[u8], name: &str, limits: &Limits) -> Extraction {
    extract_bytes(bytes, name, limits)
}

/// The text of the list, and of each file inside its path with its text or the reason.
fn listed(extraction: &Extraction) -> (String, Vec<(String, String)>) {
    let said = |outcome: &Outcome| match outcome {
        Outcome::Read(document) => document.text.clone(),
        Outcome::Failed(gap) | Outcome::Skipped(gap) => gap.reason.clone(),
    };
    let inner = extraction.inner.iter();
    (
        said(&extraction.outcome),
        inner
            .map(|inner| (inner.path.clone(), said(&inner.outcome)))
            .collect(),
    )
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gz_of(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

const FILES: &[(&str, &[u8])] = &[
    ("letters/offer.md", b"# Offer\n"),
    ("__MACOSX/letters/._offer.md", b"\0\x05\x16\x07"),
    ("notes.txt", b"Call back."),
];

fn expected() -> Vec<(String, String)> {
    vec![
        ("letters/offer.md".into(), "# Offer\n".into()),
        ("notes.txt".into(), "Call back.".into()),
    ]
}

#[test]
fn archives_are_read_as_folders() {
    for (bytes, name) in [
        (zip_of(FILES), "a.zip"),
        (tar_of(FILES), "a.tar"),
        (gz_of(&tar_of(FILES)), "a.tar.gz"),
        (gz_of(&tar_of(FILES)), "a.tgz"),
    ] {
        let (list, inner) = listed(&read(&bytes, name, &Limits::default()));
        assert_eq!(list, "letters/offer.md (8 bytes)\n\nnotes.txt (10 bytes)");
        assert_eq!(inner, expected(), "{name}");
    }
}

#[test]
fn a_compressed_file_is_the_only_entry() {
    let (list, inner) = listed(&read(
        &gz_of(b"# Offer\n"),
        "offer.md.gz",
        &Limits::default(),
    ));
    assert_eq!(list, "offer.md (8 bytes)");
    assert_eq!(inner, [("offer.md".into(), "# Offer\n".into())]);
}

#[test]
fn a_damaged_file_is_read_up_to_the_damage() {
    let whole = "one line like any other, but for its number: ";
    let lines: String = (0..5_000).map(|n| format!("{whole}{n}\n")).collect();
    let mut bytes = gz_of(lines.as_bytes());
    bytes.truncate(bytes.len() / 2);
    let extraction = read(&bytes, "a.txt.gz", &Limits::default());
    let Outcome::Read(document) = &extraction.outcome else {
        panic!("{:?}", extraction.outcome);
    };
    assert!(document.incomplete.is_some());
    assert!(listed(&extraction).1[0].1.contains("number: 100\n"));
}

#[test]
fn paths_lead_nowhere_else() {
    let files: &[(&str, &[u8])] = &[("../../etc/passwd.txt", b"a"), ("/root.txt", b"b")];
    let (_, inner) = listed(&read(&zip_of(files), "a.zip", &Limits::default()));
    let paths: Vec<&str> = inner.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["etc/passwd.txt", "root.txt"]);
}

#[test]
fn links_are_not_followed() {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .add_symlink("link.txt", "/etc/passwd", SimpleFileOptions::default())
        .unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    let (_, inner) = listed(&read(&bytes, "a.zip", &Limits::default()));
    assert_eq!(inner[0].1, "a symbolic link, which is not followed");
}

#[test]
fn bombs_are_left_out() {
    let zeros = vec![0u8; 8 << 20];
    let (_, inner) = listed(&read(
        &zip_of(&[("zeros.txt", &zeros)]),
        "a.zip",
        &Limits::default(),
    ));
    assert!(inner[0].1.contains("max_ratio"), "{inner:?}");

    let mut nested = zip_of(&[("a.txt", b"inside")]);
    for _ in 0..9 {
        nested = zip_of(&[("a.zip", &nested)]);
    }
    let (_, inner) = listed(&read(&nested, "a.zip", &Limits::default()));
    let (path, reason) = inner.last().unwrap();
    assert_eq!(path.matches("a.zip").count(), 6);
    assert!(reason.contains("more than 5 deep"), "{reason}");
}

#[test]
fn entries_beyond_the_bound_are_said_to_be_missing() {
    let limits = Limits {
        max_entries: 1,
        ..Limits::default()
    };
    let extraction = read(&zip_of(FILES), "a.zip", &limits);
    let Outcome::Read(document) = &extraction.outcome else {
        panic!("{:?}", extraction.outcome);
    };
    let gap = document.incomplete.as_ref().unwrap();
    assert_eq!(gap.reason, "only the first 1 entries were read");
    assert_eq!(extraction.inner.len(), 1);
}

#[test]
fn passwords_are_tried() {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options =
        SimpleFileOptions::default().with_aes_encryption(::zip::AesMode::Aes256, "sesame");
    writer.start_file("a.txt", options).unwrap();
    writer.write_all(b"treasure").unwrap();
    let bytes = writer.finish().unwrap().into_inner();

    let extraction = read(&bytes, "a.zip", &Limits::default());
    let (_, inner) = listed(&extraction);
    assert_eq!(inner[0].1, "encrypted: needs a password");
    assert!(matches!(&extraction.outcome, Outcome::Read(d) if d.incomplete.is_some()));

    let limits = Limits {
        passwords: vec!["other".into(), "sesame".into()],
        ..Limits::default()
    };
    assert_eq!(listed(&read(&bytes, "a.zip", &limits)).1[0].1, "treasure");
}

#[test]
fn damaged_archives_say_so() {
    let mut bytes = zip_of(FILES);
    bytes.truncate(bytes.len() / 2);
    let (reason, _) = listed(&read(&bytes, "a.zip", &Limits::default()));
    assert!(reason.starts_with("not a sound ZIP archive"), "{reason}");
    for mark in [
        b"\x1f\x8b\x08\0".as_slice(),
        b"BZh9\0\0",
        b"\xfd7zXZ\0\0",
        b"\x28\xb5\x2f\xfd\0",
        b"7z\xbc\xaf\x27\x1c\0\x04",
    ] {
        let outcome = read(mark, "a", &Limits::default()).outcome;
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    }
}
