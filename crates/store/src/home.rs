//! A collection's home on disk: its layout, its FORMAT and its LOCK.
//!
//! ```text
//! FORMAT        one line, read first: the format's version
//! LOCK          held by the one writer; names its process
//! catalog.db    SQLite, with its -wal and -shm
//! vectors/      LanceDB: a table a generation
//! text/         tantivy
//! *.broken-N    a derived index that could not be read, set aside
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::error::StoreError;

/// The format that this program writes and reads.
pub const FORMAT_VERSION: u32 = 2;

const FORMAT_WORDS: &str = "docent collection ";

/// A collection's home.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    path: PathBuf,
}

impl Home {
    /// The home at `path`, which may not exist yet.
    pub(crate) fn at(path: &Path) -> Result<Home, StoreError> {
        let path = std::path::absolute(path).map_err(|e| StoreError::io("find", path, e))?;
        Ok(Home { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn catalog(&self) -> PathBuf {
        self.path.join("catalog.db")
    }

    pub(crate) fn vectors(&self) -> PathBuf {
        self.path.join("vectors")
    }

    pub(crate) fn text(&self) -> PathBuf {
        self.path.join("text")
    }

    /// Creates the folder where there is none, checks the format and takes the lock.
    pub(crate) fn open_for_writing(&self) -> Result<WriterLock, StoreError> {
        fs::create_dir_all(&self.path).map_err(|e| StoreError::io("create", &self.path, e))?;
        if self.path.join("FORMAT").exists() {
            self.check_format()?;
        }
        self.lock()
    }

    /// Writes FORMAT where it is missing. That is the last step of making a collection: before
    /// it, readers find none.
    pub(crate) fn seal(&self) -> Result<(), StoreError> {
        if self.path.join("FORMAT").exists() {
            return Ok(());
        }
        self.write_format()
    }

    /// Fails unless FORMAT names a format that this program reads.
    pub(crate) fn check_format(&self) -> Result<(), StoreError> {
        let path = self.path.join("FORMAT");
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                let home = self.path.clone();
                return Err(StoreError::Missing { home });
            }
            Err(e) => return Err(StoreError::io("read", &path, e)),
        };
        let found = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix(FORMAT_WORDS))
            .and_then(|version| version.trim().parse::<u32>().ok())
            .ok_or(StoreError::ForeignFormat { path })?;
        if found > FORMAT_VERSION {
            return Err(StoreError::NewerFormat {
                home: self.path.clone(),
                found,
                known: FORMAT_VERSION,
            });
        }
        if found < FORMAT_VERSION {
            return Err(StoreError::OlderFormat {
                home: self.path.clone(),
                found,
                known: FORMAT_VERSION,
            });
        }
        Ok(())
    }

    fn write_format(&self) -> Result<(), StoreError> {
        let path = self.path.join("FORMAT");
        let draft = self.path.join("FORMAT.new");
        let write = || {
            let mut file = File::create(&draft)?;
            writeln!(file, "{FORMAT_WORDS}{FORMAT_VERSION}")?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        };
        write().map_err(|e| StoreError::io("create", &path, e))
    }

    fn lock(&self) -> Result<WriterLock, StoreError> {
        let path = self.path.join("LOCK");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| StoreError::io("create", &path, e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // Where locked files cannot be read, the message does without the number.
                let _ = file.read_to_string(&mut pid);
                return Err(StoreError::Locked {
                    home: self.path.clone(),
                    pid: pid.trim().parse().ok(),
                });
            }
            Err(TryLockError::Error(e)) => return Err(StoreError::io("lock", &path, e)),
        }
        let note_pid = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}", std::process::id())
        };
        note_pid(&mut file).map_err(|e| StoreError::io("write", &path, e))?;
        Ok(WriterLock { file })
    }

    /// Renames the folder of a derived index to the first free `NAME.broken-N`.
    pub(crate) fn set_aside(&self, folder: &Path) -> Result<(), StoreError> {
        let free = (1..u32::MAX)
            .map(|n| folder.with_extension(format!("broken-{n}")))
            .find(|path| !path.exists());
        let Some(aside) = free else { return Ok(()) };
        match fs::rename(folder, &aside) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("set aside", folder, e))
            }
            _ => Ok(()),
        }
    }

    /// Deletes what [`Home::set_aside`] left.
    pub(crate) fn remove_set_aside(&self) -> Result<(), StoreError> {
        let entries =
            fs::read_dir(&self.path).map_err(|e| StoreError::io("read", &self.path, e))?;
        for entry in entries.flatten() {
            let path = entry.path();
            let is_aside = |name: &str| {
                name.starts_with("text.broken-") || name.starts_with("vectors.broken-")
            };
            if entry.file_name().to_str().is_some_and(is_aside) {
                fs::remove_dir_all(&path).map_err(|e| StoreError::io("delete", &path, e))?;
            }
        }
        Ok(())
    }

    /// Size of everything in the home. Files that vanish meanwhile do not count.
    pub(crate) fn bytes_on_disk(&self) -> u64 {
        fn bytes_in(folder: &Path) -> u64 {
            let Ok(entries) = fs::read_dir(folder) else {
                return 0;
            };
            let size = |entry: fs::DirEntry| match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => bytes_in(&entry.path()),
                Ok(metadata) => metadata.len(),
                Err(_) => 0,
            };
            entries.flatten().map(size).sum()
        }
        bytes_in(&self.path)
    }
}

/// Held while a writer is open. The operating system lets go of it when the process ends,
/// however it ends.
#[derive(Debug)]
pub(crate) struct WriterLock {
    file: File,
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // Closing is not enough: an extraction worker that is being started holds what is open
        // here until it has become another program, and the next writer would find the
        // collection locked. Where it fails, closing has to do.
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_was_let_go_is_free_whoever_inherited_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home {
            path: folder.path().join("home"),
        };
        let lock = home.open_for_writing().unwrap();
        assert!(matches!(
            home.open_for_writing(),
            Err(StoreError::Locked { .. })
        ));
        // What a process holds that is just being started.
        let inherited = lock.file.try_clone().unwrap();
        drop(lock);
        assert!(home.open_for_writing().is_ok());
        drop(inherited);
    }
}
