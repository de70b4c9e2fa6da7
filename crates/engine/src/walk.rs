//! Walking the roots: which files are there, by their metadata alone.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use docent_core::source::{Gap, Stamp};
use ignore::{DirEntry, WalkBuilder};

use crate::settings::WalkSettings;

/// A file below a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Path relative to the root, with `/`.
    pub(crate) path: String,
    /// Its metadata.
    pub(crate) stamp: Stamp,
    /// Why it is not to be read, where its metadata says so.
    pub(crate) unread: Option<Unread>,
}

/// Why a file is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unread {
    /// On purpose.
    Skipped(Gap),
    /// Because something is wrong.
    Failed(Gap),
}

/// What a walk of one root found.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// The files, by path.
    pub(crate) found: Vec<Found>,
    /// Folders (relative, with `/`, empty for the root) that could not be listed, and why: what
    /// is below them is neither there nor gone.
    pub(crate) unlisted: Vec<(String, String)>,
}

/// Lists the files below `root`. Symbolic links are not followed; `leave_out` (docent's own
/// index) is not entered.
pub(crate) fn list(root: &Path, settings: &WalkSettings, leave_out: &Path) -> Listing {
    let mut listing = Listing::default();
    let leave_out = leave_out.to_path_buf();
    let mut builder = WalkBuilder::new(root);
    if settings.ignore_files {
        builder.add_custom_ignore_filename(".docentignore");
    }
    let walk = builder
        .standard_filters(settings.ignore_files)
        .hidden(!settings.hidden)
        .require_git(false)
        .git_global(false)
        .follow_links(false)
        .filter_entry(move |entry| entry.path() != leave_out && !is_version_store(entry))
        .build();
    for entry in walk {
        match entry {
            Ok(entry) => listing.found.extend(found(root, &entry, settings)),
            Err(error) => listing.unlisted.push(unlisted(root, &error)),
        }
    }
    listing.found.sort_by(|a, b| a.path.cmp(&b.path));
    listing
}

/// A version control's own store is no document, even where hidden files are read.
fn is_version_store(entry: &DirEntry) -> bool {
    entry.depth() > 0
        && entry.file_type().is_some_and(|kind| kind.is_dir())
        && matches!(
            entry.file_name().to_str(),
            Some(".git" | ".hg" | ".svn" | ".jj")
        )
}

fn found(root: &Path, entry: &DirEntry, settings: &WalkSettings) -> Option<Found> {
    let kind = entry.file_type()?;
    if kind.is_dir() {
        return None;
    }
    let (path, well_named) = relative(root, entry.path());
    let (stamp, unread) = match entry.metadata() {
        Err(error) => (
            EMPTY,
            Some(Unread::Failed(
                format!("its metadata cannot be read: {error}").into(),
            )),
        ),
        Ok(metadata) => (stamp(&metadata), None),
    };
    let unread = unread.or_else(|| {
        if kind.is_symlink() {
            Some(Unread::Skipped(
                "a symbolic link, which is not followed".into(),
            ))
        } else if !kind.is_file() {
            Some(Unread::Skipped("not a regular file".into()))
        } else if !well_named {
            Some(Unread::Failed(
                Gap::new("its name is not valid Unicode").help("rename it"),
            ))
        } else if stamp.size > settings.max_file_bytes {
            let reason = format!(
                "larger than the limit: {} MB, the limit is {} MB",
                stamp.size >> 20,
                settings.max_file_bytes >> 20
            );
            Some(Unread::Skipped(
                Gap::new(reason).help("raise the setting walk.max_file_bytes"),
            ))
        } else {
            None
        }
    });
    Some(Found {
        path,
        stamp,
        unread,
    })
}

const EMPTY: Stamp = Stamp {
    size: 0,
    modified_ns: 0,
    device: 0,
    inode: 0,
};

/// The path below the root with `/`, and whether it is the file's true name.
fn relative(root: &Path, path: &Path) -> (String, bool) {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = below
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    (parts.join("/"), below.to_str().is_some())
}

fn unlisted(root: &Path, error: &ignore::Error) -> (String, String) {
    let path = path_of(error).map_or_else(String::new, |path| relative(root, path).0);
    let reason = error
        .io_error()
        .map_or_else(|| error.to_string(), ToString::to_string);
    (path, reason)
}

fn path_of(error: &ignore::Error) -> Option<&PathBuf> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            path_of(err)
        }
        _ => None,
    }
}

/// The stamp of a file's metadata.
pub(crate) fn stamp(metadata: &std::fs::Metadata) -> Stamp {
    let modified_ns =
        metadata
            .modified()
            .ok()
            .map_or(0, |time| match time.duration_since(UNIX_EPOCH) {
                Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
                Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
            });
    let (device, inode) = identity(metadata);
    Stamp {
        size: metadata.len(),
        modified_ns,
        device,
        inode,
    }
}

#[cfg(unix)]
fn identity(metadata: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> (u64, u64) {
    (0, 0) // moves are recognised by content alone
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn paths(listing: &Listing) -> Vec<&str> {
        listing
            .found
            .iter()
            .map(|found| found.path.as_str())
            .collect()
    }

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn ignore_files_and_hidden_files_are_left_out_by_default() {
        let dir = tempfile::tempdir().unwrap();
        for path in [
            "a.md",
            "sub/b.md",
            "sub/c.log",
            ".hidden.md",
            "drafts/d.md",
            "index/own.md",
        ] {
            write(dir.path(), path, "x");
        }
        write(dir.path(), ".gitignore", "*.log\n");
        write(dir.path(), ".docentignore", "drafts/\n");
        let own = dir.path().join("index");
        let listing = list(dir.path(), &WalkSettings::default(), &own);
        assert_eq!(paths(&listing), ["a.md", "sub/b.md"]);
        let all = WalkSettings {
            hidden: true,
            ignore_files: false,
            ..WalkSettings::default()
        };
        assert_eq!(
            paths(&list(dir.path(), &all, &own)),
            [
                ".docentignore",
                ".gitignore",
                ".hidden.md",
                "a.md",
                "drafts/d.md",
                "sub/b.md",
                "sub/c.log"
            ]
        );
    }

    #[test]
    fn too_large_files_are_skipped_with_the_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let file = fs::File::create(dir.path().join("big.txt")).unwrap();
        file.set_len(2 << 30).unwrap();
        let listing = list(dir.path(), &WalkSettings::default(), Path::new("/nowhere"));
        let Some(Unread::Skipped(Gap { reason, .. })) = &listing.found[0].unread else {
            panic!("{listing:?}");
        };
        assert!(
            reason.contains("2048 MB") && reason.contains("100 MB"),
            "{reason}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_are_listed_but_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        write(outside.path(), "secret.md", "x");
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("folder")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.md"), dir.path().join("file.md"))
            .unwrap();
        let listing = list(dir.path(), &WalkSettings::default(), Path::new("/nowhere"));
        assert_eq!(paths(&listing), ["file.md", "folder"]);
        assert!(
            listing
                .found
                .iter()
                .all(|found| matches!(found.unread, Some(Unread::Skipped(_))))
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_unicode_is_reported() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.txt");
        if fs::write(dir.path().join(name), "x").is_err() {
            return; // a file system that allows only Unicode names
        }
        let listing = list(dir.path(), &WalkSettings::default(), Path::new("/nowhere"));
        assert!(matches!(listing.found[0].unread, Some(Unread::Failed(_))));
    }
}
