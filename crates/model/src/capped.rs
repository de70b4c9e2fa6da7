//! Folders of files that may be deleted at any time and are kept within a limit: what was not used
//! for longest gives way. A file gets its name once it is complete.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Extension of files that are being written.
const UNFINISHED: &str = "unfinished";
/// An unfinished file that nobody has written to for so long was left by a killed process.
const ABANDONED: Duration = Duration::from_secs(3600);

/// The files of one extension in a folder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capped<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) extension: &'static str,
    /// Bytes that all of them may take together.
    pub(crate) limit_bytes: u64,
}

impl Capped<'_> {
    /// The files, the last used first. A folder that is not there has none.
    pub(crate) fn files(&self) -> io::Result<Vec<(PathBuf, Metadata)>> {
        let mut files: Vec<(PathBuf, SystemTime, Metadata)> = Vec::new();
        for path in with_extension(self.folder, self.extension)? {
            // One that was removed meanwhile is none.
            if let Ok(metadata) = fs::metadata(&path) {
                files.push((path, metadata.modified()?, metadata));
            }
        }
        files.sort_by_key(|(_, used, _)| std::cmp::Reverse(*used));
        let files = files.into_iter();
        Ok(files.map(|(path, _, metadata)| (path, metadata)).collect())
    }

    /// Makes the folder, and room for `length` bytes more within the limit.
    pub(crate) fn make_room(&self, length: u64) -> io::Result<()> {
        fs::create_dir_all(self.folder)?;
        remove_abandoned(self.folder)?;
        let mut files = self.files()?;
        let mut total: u64 = files.iter().map(|(_, metadata)| metadata.len()).sum();
        while total.saturating_add(length) > self.limit_bytes {
            let Some((oldest, metadata)) = files.pop() else {
                break;
            };
            fs::remove_file(oldest)?;
            total -= metadata.len();
        }
        Ok(())
    }
}

/// Notes that a file is in use, so that those which are not are the oldest. In a folder that
/// cannot be written nothing gives way anyway.
pub(crate) fn touch(file: &fs::File) {
    let _ = file.set_modified(SystemTime::now());
}

/// Has a file written under another name, and gives it its own once it is complete.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let unfinished = path.with_extension(format!("{}.{UNFINISHED}", std::process::id()));
    let written = write(&unfinished).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // Where nothing could be written there may be nothing to remove.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// Removes what killed processes have left unfinished.
pub(crate) fn remove_abandoned(folder: &Path) -> io::Result<()> {
    for path in with_extension(folder, UNFINISHED)? {
        let written = fs::metadata(&path).and_then(|metadata| metadata.modified());
        let age = written.ok().and_then(|written| written.elapsed().ok());
        if age.is_some_and(|age| age > ABANDONED) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// The paths in a folder that have an extension; none where there is no folder.
pub(crate) fn with_extension(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths
        .filter(|path| path.extension().is_some_and(|is| is == extension))
        .collect())
}
