//! The content hash of a model's file, remembered so that a large file is not read whole at each
//! load.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::source::Source;

/// A file that changed so shortly before it was hashed may change again without its time showing
/// it: its hash is not remembered.
const SETTLED: Duration = Duration::from_secs(2);

/// Extension of the notes of hashes.
pub(crate) const EXTENSION: &str = "hash";

/// The beginning of the BLAKE3 hash of all bytes of `source`, in hexadecimal.
pub(super) fn of(source: &Source) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(source.reader())?;
    Ok(hasher.finalize().to_hex()[..16].to_owned())
}

/// The hash of the file at `path`, which is open as `source`: from `folder`, if it was hashed
/// before and has not changed since; else it is computed and remembered there if possible.
pub(super) fn remembered(path: &Path, source: &Source, folder: &Path) -> io::Result<String> {
    let Some(state) = State::of(path) else {
        return of(source);
    };
    let note = state.note(folder);
    if let Some(hash) = state.read(&note) {
        return Ok(hash);
    }
    let hash = of(source)?;
    if state.is_settled() && State::of(path).as_ref() == Some(&state) {
        // Where it cannot be written it is computed again.
        let _ = fs::create_dir_all(folder).and_then(|()| fs::write(&note, state.line(&hash)));
    }
    Ok(hash)
}

/// The paths of the files whose hashes are remembered in `folder`, by their hashes.
pub(crate) fn known(folder: &Path) -> HashMap<String, String> {
    let notes = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = notes.map(|entry| entry.path());
    paths
        .filter(|path| path.extension().is_some_and(|is| is == EXTENSION))
        .filter_map(|note| {
            let line = fs::read_to_string(note).ok()?;
            let mut fields = line.trim_end_matches('\n').splitn(4, ' ').skip(2);
            Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
        })
        .collect()
}

/// What tells that a file is the one that was hashed.
#[derive(Debug, PartialEq, Eq)]
struct State {
    path: PathBuf,
    length: u64,
    modified: SystemTime,
}

impl State {
    fn of(path: &Path) -> Option<State> {
        let path = fs::canonicalize(path).ok()?;
        let metadata = File::open(&path).ok()?.metadata().ok()?;
        Some(State {
            path,
            length: metadata.len(),
            modified: metadata.modified().ok()?,
        })
    }

    /// Where its hash is remembered.
    fn note(&self, folder: &Path) -> PathBuf {
        let name = blake3::hash(self.path.as_os_str().as_encoded_bytes());
        folder.join(format!("{}.{EXTENSION}", &name.to_hex()[..16]))
    }

    fn is_settled(&self) -> bool {
        self.modified.elapsed().is_ok_and(|age| age > SETTLED)
    }

    fn line(&self, hash: &str) -> String {
        let since = self.modified.duration_since(SystemTime::UNIX_EPOCH);
        let nanoseconds = since.unwrap_or_default().as_nanos();
        let path = self.path.display();
        format!("{} {nanoseconds} {hash} {path}\n", self.length)
    }

    /// The hash in a note, if it is of this state.
    fn read(&self, note: &Path) -> Option<String> {
        let line = fs::read_to_string(note).ok()?;
        let hash = line.split(' ').nth(2)?;
        let sound = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        (sound && line == self.line(hash)).then(|| hash.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(path: &Path, folder: &Path) -> String {
        let source = Source::file(File::open(path).unwrap()).unwrap();
        remembered(path, &source, folder).unwrap()
    }

    fn age(path: &Path, seconds: u64) {
        let file = File::options().append(true).open(path).unwrap();
        let time = SystemTime::now() - Duration::from_secs(seconds);
        file.set_modified(time).unwrap();
    }

    #[test]
    fn a_hash_is_remembered_until_the_file_changes() {
        let home = tempfile::tempdir().unwrap();
        let (path, folder) = (home.path().join("model.gguf"), home.path().join("cache"));
        fs::write(&path, "weights").unwrap();
        let first = hash(&path, &folder);
        assert!(
            !folder.exists(),
            "remembered a file that may still be written"
        );
        age(&path, 100);
        assert_eq!(hash(&path, &folder), first);
        let note = fs::read_dir(&folder)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        let line = fs::read_to_string(&note).unwrap();
        assert!(line.contains(&first), "{line}");
        let known = known(&folder);
        assert_eq!(known.len(), 1);
        assert!(known[&first].ends_with("model.gguf"), "{known:?}");
        // What the note says is believed, as long as it is of this file.
        fs::write(&note, line.replace(&first, "0123456789abcdef")).unwrap();
        assert_eq!(hash(&path, &folder), "0123456789abcdef");
        age(&path, 50);
        assert_eq!(hash(&path, &folder), first);
        fs::write(&note, "no note").unwrap();
        assert_eq!(hash(&path, &folder), first);
    }
}
