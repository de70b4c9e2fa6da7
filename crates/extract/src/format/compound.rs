//! OLE compound files: which kind of document one is, by its streams.

use std::cell::RefCell;
use std::io::{Cursor, Write};

use cfb::CompoundFile;
use docent_core::source::Gap;

use super::{doc, hwp, mail, ppt, xls};
use crate::Inner;
use crate::job::{Job, Reading, Refusal, unique_path};

mod native;
pub(super) mod summary;

/// A compound file with its streams.
pub(super) struct Compound<'a> {
    file: RefCell<CompoundFile<Cursor<&'a [u8]>>>,
    pub(super) job: &'a Job<'a>,
}

impl<'a> Compound<'a> {
    fn open(bytes: &'a [u8], job: &'a Job<'a>) -> Result<Compound<'a>, Refusal> {
        let file = CompoundFile::open(Cursor::new(bytes))
            .map_err(|error| format!("damaged OLE compound file: {error}"))?;
        Ok(Compound {
            file: RefCell::new(file),
            job,
        })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.file.borrow().is_stream(name)
    }

    /// The bytes of a stream; `None` if there is none or it cannot be read.
    pub(super) fn stream(&self, name: &str) -> Option<Vec<u8>> {
        let mut file = self.file.borrow_mut();
        let stream = file.open_stream(name).ok()?;
        let size = stream.len();
        self.job.unpack(stream, size).ok()
    }

    /// The paths of all streams, in the order of the file.
    pub(super) fn streams(&self) -> Vec<String> {
        let file = self.file.borrow();
        let streams = file.walk().filter(|entry| entry.is_stream());
        let streams = streams.take(self.job.limits.max_entries);
        streams
            .map(|entry| entry.path().to_string_lossy().into_owned())
            .collect()
    }

    /// A storage as a file of its own.
    fn copy(&self, storage: &str) -> Option<Vec<u8>> {
        let mut copy = CompoundFile::create(Cursor::new(Vec::new())).ok()?;
        for path in self.streams() {
            let Some(name) = path.strip_prefix(storage) else {
                continue;
            };
            let bytes = self.stream(&path)?;
            if let Some((folder, _)) = name
                .rsplit_once('/')
                .filter(|(folder, _)| !folder.is_empty())
            {
                copy.create_storage_all(folder).ok()?;
            }
            copy.create_stream(name).ok()?.write_all(&bytes).ok()?;
        }
        copy.flush().ok()?;
        Some(copy.into_inner().into_inner())
    }
}

/// Reads a compound file as what its streams say it is.
pub(super) fn read(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let file = Compound::open(bytes, job)?;
    let skipped = |what: &str| Err(Refusal::Skipped(format!("format not read: {what}").into()));
    if file.has("EncryptedPackage") {
        return Err(encrypted().into());
    }
    if file.has("WordDocument") {
        return doc::read(&file);
    }
    if file.has("PowerPoint Document") {
        return ppt::read(&file);
    }
    if let Some(book) = ["Workbook", "Book", "WORKBOOK", "BOOK"]
        .into_iter()
        .find(|name| file.has(name))
    {
        return xls::read(&file, book);
    }
    if file.has("__properties_version1.0") {
        return mail::read_msg(bytes, job);
    }
    if hwp::is_hwp(&file) {
        return hwp::read(&file);
    }
    if file.has("MatOST") {
        return skipped("WPS (Works document)");
    }
    if let Some(reading) = native::read(&file) {
        return Ok(reading);
    }
    match () {
        () if file.has("VisioDocument") => skipped("VSD (Visio drawing)"),
        () if file.has("Quill/QuillSub/CONTENTS") => skipped("PUB (Publisher document)"),
        () => skipped("OLE compound file"),
    }
}

/// Reads the files that other programs put into the storages below `root`.
pub(super) fn embedded(file: &Compound<'_>, root: &str) -> Vec<Inner> {
    let mut taken = std::collections::HashSet::new();
    let mut found = Vec::new();
    let mut copied: Vec<String> = Vec::new();
    for path in file.streams().iter().filter(|path| path.starts_with(root)) {
        let storage = path.rsplit_once('/').map_or("", |(storage, _)| storage);
        let lies_in_copy = |copy: &String| path.starts_with(&format!("{copy}/"));
        if copied.iter().any(lies_in_copy) {
            continue;
        }
        let main = ["WordDocument", "Workbook", "PowerPoint Document"];
        let main = main
            .into_iter()
            .find(|name| file.has(&format!("{storage}/{name}")));
        let inside = match main {
            Some(main) => {
                copied.push(storage.to_owned());
                let name = match main {
                    "WordDocument" => "object.doc",
                    "Workbook" => "object.xls",
                    _ => "object.ppt",
                };
                file.copy(storage).map(|bytes| (name.to_owned(), bytes))
            }
            None => native::stream(file, path),
        };
        if let Some((name, bytes)) = inside {
            found.extend(file.job.open(&unique_path(&name, &mut taken), &bytes));
        }
    }
    found
}

/// Why an encrypted file is not read.
pub(super) fn encrypted() -> Gap {
    Gap::new("encrypted: needs a password").help("open the file and save it without one")
}

/// The number at a place of a little-endian structure.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

/// The number at a place of a little-endian structure.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// Text in UTF-16, little-endian.
pub(super) fn utf16(bytes: &[u8]) -> String {
    encoding_rs::UTF_16LE
        .decode_without_bom_handling(bytes)
        .0
        .into_owned()
}

/// Small compound files for tests.
#[cfg(test)]
pub(in crate::format) mod testing {
    use std::io::Write;

    /// A compound file of streams.
    pub(in crate::format) fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
        let mut file = cfb::CompoundFile::create(std::io::Cursor::new(Vec::new())).unwrap();
        for (name, bytes) in streams {
            file.create_stream(name).unwrap().write_all(bytes).unwrap();
        }
        file.flush().unwrap();
        file.into_inner().into_inner()
    }
}
