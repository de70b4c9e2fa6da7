//! TAR archives.

use tar::EntryType;

use super::{Content, Folder, names, symbolic_link};
use crate::job::{Job, Reading, Refusal};

/// Reads a tar archive as a folder.
///
/// # Errors
/// A first header that is none.
pub(crate) fn read(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let mut archive = tar::Archive::new(bytes);
    let entries = archive.entries().map_err(unsound)?;
    let mut folder = Folder::new(job);
    for entry in entries {
        if folder.is_full() {
            break;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(fault) if folder.listed == 0 => return Err(unsound(fault)),
            Err(fault) => {
                let gap = format!("broken behind entry {}: {fault}", folder.listed);
                folder.composer.document().incomplete = Some(gap.into());
                break;
            }
        };
        let name = entry.path_bytes().into_owned();
        let path = names::decode(&[name]).concat();
        let size = entry.size();
        match entry.header().entry_type() {
            EntryType::Directory | EntryType::XGlobalHeader => {}
            EntryType::Symlink | EntryType::Link => folder.entry(&path, size, symbolic_link),
            kind if kind.is_file() || kind.is_gnu_sparse() => {
                // A sparse file may claim any size that its blocks do not hold.
                let held = size.min(bytes.len() as u64);
                folder.entry(&path, size, || match job.unpack(entry, held) {
                    Ok(bytes) => Content::Bytes(bytes),
                    Err(fault) => Content::Broken(fault.to_string()),
                });
            }
            _ => {}
        }
    }
    Ok(folder.finish())
}

fn unsound(fault: std::io::Error) -> Refusal {
    format!("not a sound TAR archive: {fault}").into()
}
