//! The folder of packed weights: which files are in it, and clearing it.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::capped::{self, Capped};
use crate::generator::hash;
use crate::starter;

/// Extension of files of packed weights.
const PACKED: &str = "packed";
/// The folder in which packed weights are kept, and how much of it they may fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedCache {
    /// The folder; it is made if need be. Everything in it may be deleted at any time.
    pub folder: PathBuf,
    /// Bytes that all files of packed weights may take together.
    pub limit_bytes: u64,
}

/// A file of packed weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedFile {
    /// The name of the starter, or the path of the model's file when it was last loaded; `None`
    /// if that is not known any more.
    pub model: Option<String>,
    /// Its length in bytes.
    pub bytes: u64,
    /// When it was last used.
    pub used: SystemTime,
    path: PathBuf,
}

impl PackedCache {
    /// The file of the model whose file has this content hash.
    pub(crate) fn file(&self, hash: &str) -> PathBuf {
        self.folder.join(format!("{hash}.{PACKED}"))
    }

    /// The files of packed weights, the last used first.
    ///
    /// # Errors
    /// When the folder cannot be read. One that is not there has no files.
    pub fn files(&self) -> io::Result<Vec<PackedFile>> {
        let models = hash::known(&self.folder);
        let files = self.capped().files()?.into_iter();
        let files = files.map(|(path, metadata)| {
            let key = path.file_stem().unwrap_or_default().to_string_lossy();
            let starter = starter::GENERATOR_FINGERPRINT.rsplit('@').next();
            Ok(PackedFile {
                model: match starter == Some(&*key) {
                    true => Some(starter::GENERATOR_NAME.to_owned()),
                    false => models.get(&*key).cloned(),
                },
                bytes: metadata.len(),
                used: metadata.modified()?,
                path,
            })
        });
        files.collect()
    }

    /// Removes all files of packed weights, and what is remembered of their models; gives the
    /// bytes that this freed. A docent that runs keeps what it has mapped.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn clear(&self) -> io::Result<u64> {
        let mut freed = 0;
        for file in self.files()? {
            fs::remove_file(&file.path)?;
            freed += file.bytes;
        }
        for note in capped::with_extension(&self.folder, hash::EXTENSION)? {
            fs::remove_file(note)?;
        }
        capped::remove_abandoned(&self.folder)?;
        Ok(freed)
    }

    /// The folder as one that is kept within its limit.
    pub(crate) fn capped(&self) -> Capped<'_> {
        Capped {
            folder: &self.folder,
            extension: PACKED,
            limit_bytes: self.limit_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::fixture::names;

    /// A file of `length` bytes that was last used so many seconds ago.
    fn file(folder: &Path, name: &str, length: u64, seconds: u64) {
        let file = File::create(folder.join(name)).unwrap();
        file.set_len(length).unwrap();
        let used = SystemTime::now() - Duration::from_secs(seconds);
        file.set_modified(used).unwrap();
    }

    #[test]
    fn the_longest_unused_give_way() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PackedCache {
            folder: folder.path().to_owned(),
            limit_bytes: 30,
        };
        file(folder.path(), "old.packed", 10, 300);
        file(folder.path(), "new.packed", 10, 100);
        file(folder.path(), "killed.1.unfinished", 10, 7200);
        file(folder.path(), "written.2.unfinished", 10, 5);
        file(folder.path(), "somebody's.txt", 100, 9000);
        cache.capped().make_room(10).unwrap();
        let kept = ["new.packed", "old.packed"];
        let others = ["somebody's.txt", "written.2.unfinished"];
        assert_eq!(names(folder.path()), [&kept[..], &others].concat());
        cache.capped().make_room(11).unwrap();
        assert_eq!(names(folder.path()), [&kept[..1], &others].concat());
        cache.capped().make_room(1000).unwrap();
        assert_eq!(names(folder.path()), others);
    }

    #[test]
    fn the_files_are_told_with_their_models_and_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PackedCache {
            folder: folder.path().join("packed"),
            limit_bytes: 100,
        };
        assert_eq!(cache.files().unwrap(), []);
        assert_eq!(cache.clear().unwrap(), 0);
        cache.capped().make_room(0).unwrap();
        let starter = starter::GENERATOR_FINGERPRINT.rsplit('@').next().unwrap();
        file(&cache.folder, &format!("{starter}.packed"), 10, 10);
        file(&cache.folder, "0123456789abcdef.packed", 20, 5);
        let note = "3 4 0123456789abcdef /models/a model.gguf\n";
        fs::write(cache.folder.join("fedcba9876543210.hash"), note).unwrap();
        file(&cache.folder, "unknown.packed", 30, 20);
        let files = cache.files().unwrap();
        let told: Vec<_> = files
            .iter()
            .map(|file| (file.model.as_deref(), file.bytes))
            .collect();
        assert_eq!(
            told,
            [
                (Some("/models/a model.gguf"), 20),
                (Some("SmolLM2-135M-Instruct"), 10),
                (None, 30)
            ]
        );
        assert_eq!(cache.clear().unwrap(), 60);
        assert_eq!(names(&cache.folder), [""; 0]);
    }
}
