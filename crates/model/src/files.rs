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

/// The last part of a path as a model's name, without `extension`. In the cache of Hugging Face's
/// libraries, folders are `models--MAKER--NAME/snapshots/COMMIT`, and the files in them are links
/// to `models--MAKER--NAME/blobs/HASH`.
pub(crate) fn name_of(path: &Path, extension: &str) -> String {
    // A path such as `.` or `models/..` has a name only once it is resolved.
    let resolved = fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
    let name = match resolved.parent().and_then(last_part).as_deref() {
        Some("snapshots") => cached_name(&resolved),
        Some("blobs") => last_part(path),
        _ => None,
    };
    let name = name.or_else(|| last_part(&resolved));
    let name = name.unwrap_or_else(|| "model".into());
    match name.strip_suffix(extension) {
        Some(stem) if !stem.is_empty() => stem.to_owned(),
        _ => name,
    }
}

fn last_part(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_string_lossy().into_owned())
}

/// The name in the cached folder of a snapshot.
fn cached_name(snapshot: &Path) -> Option<String> {
    let folder = last_part(snapshot.parent()?.parent()?)?;
    let name = folder.strip_prefix("models--")?.rsplit("--").next()?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_has_the_name_that_its_maker_gave_it() {
        let name = |path: &str| name_of(Path::new(path), ".gguf");
        assert_eq!(name("/nowhere/e5-small-v2"), "e5-small-v2");
        assert_eq!(name("/nowhere/some.Q8_0.gguf"), "some.Q8_0");
        assert_eq!(name("/nowhere/.gguf"), ".gguf");
        assert_eq!(
            name("/hub/models--maker--e5-small-v2/snapshots/0123abcd"),
            "e5-small-v2"
        );
        assert_eq!(name("/hub/models--maker--x/blobs/0123"), "0123");
        assert_eq!(name("/home/snapshots/old"), "old");
        assert_eq!(name("/"), "model");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_cached_file_has_the_name_of_the_link() {
        let folder = tempfile::tempdir().unwrap();
        let part = |part: &str| folder.path().join("models--maker--x").join(part);
        for part in ["blobs", "snapshots/abc"].map(part) {
            fs::create_dir_all(part).unwrap();
        }
        fs::write(part("blobs/0123"), "").unwrap();
        std::os::unix::fs::symlink(part("blobs/0123"), part("snapshots/abc/x.gguf")).unwrap();
        assert_eq!(name_of(&part("snapshots/abc/x.gguf"), ".gguf"), "x");
        assert_eq!(name_of(&part("snapshots/abc"), ""), "x");
    }
}
