//! Archives as folders: the document is the list of what is inside, and every file inside is
//! read like any other.

use std::collections::HashSet;

use docent_core::document::{BlockKind, Format, Locator};
use docent_core::source::Gap;

use crate::compose::Composer;
use crate::job::{Job, Reading, left_out, unique_path};
use crate::{Inner, Outcome, people_bytes};

mod compressed;
mod names;
mod seven_zip;
pub(crate) mod signed;
mod tar;
mod zip;

pub(crate) use compressed::read as read_compressed;
pub(crate) use seven_zip::read as read_seven_zip;
pub(crate) use tar::read as read_tar;
pub(crate) use zip::read as read_zip;

/// An archive in the reading: what has been listed and opened so far.
struct Folder<'j> {
    job: &'j Job<'j>,
    composer: Composer,
    inner: Vec<Inner>,
    taken: HashSet<String>,
    listed: u32,
    encrypted: u32,
    broken: u32,
}

/// What can be had of an entry.
enum Content {
    Bytes(Vec<u8>),
    /// It is left out on purpose.
    LeftOut(Gap),
    /// It needs a password that was not given.
    Encrypted,
    /// It could not be unpacked, and why.
    Broken(String),
}

impl<'j> Folder<'j> {
    fn new(job: &'j Job<'j>) -> Self {
        Folder {
            job,
            composer: Composer::new(Format::Archive),
            inner: Vec::new(),
            taken: HashSet::new(),
            listed: 0,
            encrypted: 0,
            broken: 0,
        }
    }

    /// Whether no further entry is taken; the document then says what is missing.
    fn is_full(&mut self) -> bool {
        let gap = if self.listed as usize >= self.job.limits.max_entries {
            let reason = format!("only the first {} entries were read", self.listed);
            Gap::new(reason).help("raise the setting max_entries, or unpack it")
        } else if self.job.is_late() {
            let reason = format!("the time was over after {} entries", self.listed);
            Gap::new(reason).help("unpack it")
        } else {
            return false;
        };
        self.composer.document().incomplete = Some(gap);
        true
    }

    /// Lists an entry and reads it. Folders and what a system keeps beside a file for itself are
    /// passed over.
    fn entry(&mut self, path: &str, size: u64, content: impl FnOnce() -> Content) {
        if is_clutter(path) {
            return;
        }
        let path = unique_path(path, &mut self.taken);
        self.listed = self.listed.saturating_add(1);
        let line = Locator::Lines {
            first: self.listed,
            last: self.listed,
        };
        let item = format!("{path} ({})", people_bytes(size));
        self.composer.push(BlockKind::ListItem, &item, line);
        match content() {
            Content::Bytes(bytes) => self.inner.extend(self.job.open(&path, &bytes)),
            Content::LeftOut(gap) => self.inner.push(left_out(path, gap, size)),
            Content::Encrypted => {
                self.encrypted += 1;
                self.fail(path, needs_password(), size);
            }
            Content::Broken(why) => {
                self.broken += 1;
                self.fail(path, Gap::new(format!("cannot be unpacked: {why}")), size);
            }
        }
    }

    fn fail(&mut self, path: String, gap: Gap, bytes: u64) {
        self.inner.push(Inner {
            path,
            outcome: Outcome::Failed(gap),
            hash: None,
            bytes,
        });
    }

    fn finish(mut self) -> Reading {
        let (listed, encrypted, broken) = (self.listed, self.encrypted, self.broken);
        let document = self.composer.document();
        if encrypted > 0 && document.incomplete.is_none() {
            let reason = format!("{encrypted} of {listed} files inside are encrypted");
            document.incomplete = Some(Gap::new(reason).help(PASSWORD_HELP));
        } else if broken > 0 && document.incomplete.is_none() {
            let reason = format!("{broken} of {listed} files inside cannot be unpacked");
            document.incomplete = Some(Gap::new(reason));
        }
        Reading {
            document: self.composer.finish(),
            inner: self.inner,
        }
    }
}

const PASSWORD_HELP: &str = "give it by `--password` or open the file and save it without one";

fn needs_password() -> Gap {
    Gap::new("encrypted: needs a password").help(PASSWORD_HELP)
}

fn symbolic_link() -> Content {
    Content::LeftOut(Gap::new("a symbolic link, which is not followed"))
}

/// The empty password and those of the settings.
fn passwords<'j>(job: &'j Job<'_>) -> impl Iterator<Item = &'j str> {
    std::iter::once("").chain(job.limits.passwords.iter().map(String::as_str))
}

/// Files that a system writes beside those of a person.
fn is_clutter(path: &str) -> bool {
    let mut parts = path.split(['/', '\\']);
    let last = parts.next_back().unwrap_or_default();
    path.starts_with("__MACOSX/") || matches!(last, ".DS_Store" | "Thumbs.db" | "desktop.ini")
}

#[cfg(test)]
mod tests;
