//! ZIP archives.

use std::io::Cursor;

use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use docent_core::source::Gap;

use super::{Content, Folder, names, passwords, symbolic_link};
use crate::job::{Job, Reading, Refusal};

type Archive<'b> = ZipArchive<Cursor<&'b [u8]>>;

/// Reads a zip archive as a folder.
///
/// # Errors
/// A directory of entries that cannot be read.
pub(crate) fn read(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|fault| format!("not a sound ZIP archive: {fault}"))?;
    let entries = list(&mut archive);
    let overlaps = overlap(&entries);
    let mut folder = Folder::new(job);
    for entry in &entries {
        if folder.is_full() {
            break;
        }
        if entry.is_folder {
            continue;
        }
        folder.entry(&entry.path, entry.size, || match entry {
            _ if overlaps => Content::LeftOut(Gap::new(
                "the entries of the archive overlap, as those of a zip bomb do",
            )),
            Entry { is_link: true, .. } => symbolic_link(),
            _ => content(&mut archive, entry, job),
        });
    }
    Ok(folder.finish())
}

struct Entry {
    index: usize,
    path: String,
    size: u64,
    packed: u64,
    /// Where its header and data lie.
    start: u64,
    is_folder: bool,
    is_link: bool,
    is_encrypted: bool,
}

fn list(archive: &mut Archive<'_>) -> Vec<Entry> {
    let mut raw_names = Vec::new();
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let Ok(file) = archive.by_index_raw(index) else {
            continue;
        };
        raw_names.push(file.name_raw().to_vec());
        entries.push(Entry {
            index,
            path: String::new(),
            size: file.size(),
            packed: file.compressed_size(),
            start: file.header_start(),
            is_folder: file.is_dir(),
            is_link: file.is_symlink(),
            is_encrypted: file.encrypted(),
        });
    }
    for (entry, path) in entries.iter_mut().zip(names::decode(&raw_names)) {
        entry.path = path;
    }
    entries
}

/// Whether the data of any two entries share bytes of the archive.
fn overlap(entries: &[Entry]) -> bool {
    let mut spans: Vec<(u64, u64)> = entries
        .iter()
        .map(|entry| (entry.start, entry.start.saturating_add(entry.packed)))
        .collect();
    spans.sort_unstable();
    spans.windows(2).any(|pair| pair[0].1 > pair[1].0)
}

fn content(archive: &mut Archive<'_>, entry: &Entry, job: &Job<'_>) -> Content {
    if !entry.is_encrypted {
        return unpack(archive.by_index(entry.index), entry, job);
    }
    for password in passwords(job) {
        match archive.by_index_decrypt(entry.index, password.as_bytes()) {
            Err(ZipError::InvalidPassword) => {}
            file => match unpack(file, entry, job) {
                // The old cipher lets one wrong password in 256 pass, whose data is then rubbish.
                Content::Broken(_) => {}
                content => return content,
            },
        }
    }
    Content::Encrypted
}

fn unpack(
    file: Result<ZipFile<'_, Cursor<&[u8]>>, ZipError>,
    entry: &Entry,
    job: &Job<'_>,
) -> Content {
    let bytes = file
        .map_err(std::io::Error::from)
        .and_then(|file| job.unpack(file, entry.packed));
    match bytes {
        Ok(bytes) => Content::Bytes(bytes),
        Err(fault) => Content::Broken(fault.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_share_bytes_are_known() {
        let entry = |start, packed| Entry {
            index: 0,
            path: String::new(),
            size: 0,
            packed,
            start,
            is_folder: false,
            is_link: false,
            is_encrypted: false,
        };
        assert!(!overlap(&[entry(40, 10), entry(0, 10)]));
        assert!(overlap(&[entry(40, 10), entry(0, 50)]));
        assert!(overlap(&[entry(0, 10), entry(0, 10)]));
        assert!(!overlap(&[]));
    }
}
