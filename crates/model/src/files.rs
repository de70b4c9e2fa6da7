//! Opening a model's files: regular files only, with what went wrong said for people.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::LoadError;

/// Files of a model's configuration are small; more than this is something else.
const SMALL_FILE_BYTES: u64 = 64 << 20;

/// A regular file, opened.
pub(crate) fn open(path: &Path, remedy: &str) -> Result<File, LoadError> {
    let metadata = fs::metadata(path).map_err(|error| LoadError::io(path, error, remedy))?;
    if !metadata.is_file() {
        let problem = match metadata.is_dir() {
            true => "this is a folder, and a file is needed",
            false => "this is not a regular file",
        };
        return Err(LoadError::Missing {
            path: path.to_owned(),
            problem: problem.into(),
            remedy: remedy.into(),
        });
    }
    File::open(path).map_err(|error| LoadError::io(path, error, remedy))
}

/// The whole of a regular file.
pub(crate) fn read(path: &Path, remedy: &str) -> Result<Vec<u8>, LoadError> {
    let mut bytes = Vec::new();
    open(path, remedy)?
        .read_to_end(&mut bytes)
        .map_err(|error| LoadError::io(path, error, remedy))?;
    Ok(bytes)
}

/// The whole of a small file, or nothing if there is none.
pub(crate) fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, LoadError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Ok(metadata) if metadata.len() > SMALL_FILE_BYTES => {
            let problem = format!("{} bytes are too many for a configuration", metadata.len());
            return Err(LoadError::damaged(path, problem));
        }
        _ => {}
    }
    read(path, "").map(Some)
}

/// The last part of a path as a model's name, without `extension`.
pub(crate) fn name_of(path: &Path, extension: &str) -> String {
    // A path such as `.` or `models/..` has a name only once it is resolved.
    let resolved = fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
    let name = resolved.file_name().map_or_else(
        || "model".into(),
        |name| name.to_string_lossy().into_owned(),
    );
    match name.strip_suffix(extension) {
        Some(stem) if !stem.is_empty() => stem.to_owned(),
        _ => name,
    }
}
