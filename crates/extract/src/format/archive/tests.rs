//! Archives made on the spot: sound, hostile, locked and damaged ones.

use std::io::{Cursor, Write};

use ::zip::write::SimpleFileOptions;
use flate2::write::GzEncoder;
use proptest::prelude::*;

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

/// `# Offer` and a line feed, compressed in each way that the tests cannot compress in.
const BZIP2: &[u8] =
    b"\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x5c\x4c\x01\xe7\x00\x00\x01\x55\x80\x00\x10\x48\
      \x00\x00\x00\x83\x00\x10\x00\x20\x00\x22\x0c\x9b\x42\x18\x01\xa6\x64\x28\xbb\x92\x29\xc2\
      \x84\x82\xe2\x60\x0f\x38";
const XZ: &[u8] =
    b"\xfd\x37\x7a\x58\x5a\x00\x00\x01\x69\x22\xde\x36\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\
      \xe5\xa3\x01\x00\x07\x23\x20\x4f\x66\x66\x65\x72\x0a\x00\x6a\xea\x97\x98\x00\x01\x1c\x08\
      \x44\x60\x2a\xc8\x90\x42\x99\x0d\x01\x00\x00\x00\x00\x01\x59\x5a";
const ZSTANDARD: &[u8] = b"\x28\xb5\x2f\xfd\x20\x08\x41\x00\x00\x23\x20\x4f\x66\x66\x65\x72\x0a";

/// A 7z archive of that file as `letters/offer.md`, and one that is encrypted with `sesame`.
const SEVEN_ZIP: &[u8] =
    b"\x37\x7a\xbc\xaf\x27\x1c\x00\x04\xff\x6a\xc7\xdf\x63\x00\x00\x00\x00\x00\x00\x00\x14\x00\
      \x00\x00\x00\x00\x00\x00\x4f\xfc\x9b\xb9\x23\x20\x4f\x66\x66\x65\x72\x0a\xe0\x00\x5a\x00\
      \x53\x5d\x00\x00\x81\x33\x07\xae\x0f\xce\x3f\xc3\xe7\x88\x2a\x31\xf5\xb3\xc7\xa8\xf6\x39\
      \xf0\xd0\xed\x51\x92\xc3\x18\x02\x49\x15\x91\x3a\x3a\x1f\x86\x3b\x33\xd4\x54\xb3\x0a\x8a\
      \x24\x75\x10\xed\x78\x13\xd6\xf0\x1a\x57\x96\x5b\xfb\x51\x49\x49\x1a\xfd\xc7\x27\xf9\x08\
      \xf7\x9b\x74\x4b\xd6\x0d\x95\x48\xf8\xb9\xaa\x8a\xb5\x87\x9e\xae\x9a\xc0\x00\x00\x00\x17\
      \x06\x08\x01\x09\x5b\x00\x07\x0b\x01\x00\x01\x21\x21\x01\x18\x0c\x5b\x00\x00";
const SEVEN_ZIP_ENCRYPTED: &[u8] =
    b"\x37\x7a\xbc\xaf\x27\x1c\x00\x04\x31\x08\xba\xb2\x81\x00\x00\x00\x00\x00\x00\x00\x14\x00\
      \x00\x00\x00\x00\x00\x00\x43\xa8\xc8\x4b\x7f\x7a\x0c\x09\x22\x6b\xc4\xda\xe2\xd6\x6f\x3f\
      \x87\x8f\x91\x46\xe0\x00\x6a\x00\x69\x5d\x00\x00\x81\x33\x07\xae\x0f\xce\xf3\x72\x47\xfe\
      \xe1\xe0\x14\xfa\x8a\xdd\xe5\xc2\xf7\x64\x44\x58\x73\xd6\x00\x05\x88\xec\x07\x9a\xc0\x5c\
      \x92\x70\xf8\x84\x9f\x4c\xc6\x13\xf3\x9b\xf6\x46\x7a\x6d\xb0\x01\x38\x98\x7c\xc0\x71\xc3\
      \xfa\x00\x60\x4e\xd7\xc2\x50\x68\x6f\xbf\x92\x1b\x96\x0d\x86\x53\x69\xf1\x3d\x8e\x7b\x26\
      \xcf\x5a\xe3\xd2\xb9\xca\x9c\xad\x4e\x88\xd3\x71\x81\xdb\xf2\x4a\x76\xe2\x87\xd8\xcc\x40\
      \xd3\x72\x34\x00\x00\x00\x00\x17\x06\x10\x01\x09\x71\x00\x07\x0b\x01\x00\x01\x21\x21\x01\
      \x18\x0c\x6b\x00\x00";

#[test]
fn files_of_every_compression_are_read() {
    for (bytes, name) in [
        (BZIP2, "offer.md.bz2"),
        (XZ, "offer.md.xz"),
        (ZSTANDARD, "offer.md.zst"),
    ] {
        let (_, inner) = listed(&read(bytes, name, &Limits::default()));
        assert_eq!(inner, [("offer.md".into(), "# Offer\n".into())]);
    }
}

#[test]
fn seven_zip_is_read_with_its_password() {
    let offer = "# Offer\n".to_owned();
    let (_, inner) = listed(&read(SEVEN_ZIP, "a.7z", &Limits::default()));
    assert_eq!(inner, [("letters/offer.md".into(), offer.clone())]);
    let (reason, _) = listed(&read(SEVEN_ZIP_ENCRYPTED, "a.7z", &Limits::default()));
    assert_eq!(reason, "encrypted: needs a password");
    let limits = Limits {
        passwords: vec!["other".into(), "sesame".into()],
        ..Limits::default()
    };
    let (_, inner) = listed(&read(SEVEN_ZIP_ENCRYPTED, "a.7z", &limits));
    assert_eq!(inner, [("offer.md".into(), offer)]);
}

proptest! {
    #[test]
    fn damaged_archives_are_sound(
        at in 0usize..600,
        bytes in prop::collection::vec(any::<u8>(), 0..12),
    ) {
        for (whole, name) in [
            (zip_of(FILES), "a.zip"),
            (tar_of(FILES), "a.tar"),
            (gz_of(b"# Offer\n"), "a.gz"),
            (BZIP2.to_vec(), "a.bz2"),
            (XZ.to_vec(), "a.xz"),
            (ZSTANDARD.to_vec(), "a.zst"),
            (SEVEN_ZIP.to_vec(), "a.7z"),
        ] {
            let at = at.min(whole.len());
            let end = (at + bytes.len()).min(whole.len());
            let mut damaged = whole;
            damaged.splice(at..end, bytes.iter().copied());
            let (said, _) = listed(&read(&damaged, name, &Limits::default()));
            prop_assert!(!said.contains("broke off"), "{name}: {said}");
        }
    }
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
    assert!(reason.starts_with("damaged ZIP archive"), "{reason}");
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
