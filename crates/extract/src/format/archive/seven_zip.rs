//! 7Z archives.

use std::io::Cursor;

use sevenz_rust2::{ArchiveEntry, ArchiveReader, Error, Password};

use super::{Content, Folder, PASSWORD_HELP, needs_password, passwords, symbolic_link};
use crate::job::{Job, Reading, Refusal};

/// Reads a 7z archive as a folder.
///
/// # Errors
/// A header that cannot be read, or not without a password.
pub(crate) fn read(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let mut refusal = None;
    for password in passwords(job) {
        match read_with(bytes, password, job) {
            Ok(reading) => return Ok(reading),
            Err(fault) if asks_for_password(&fault) => refusal = Some(needs_password()),
            Err(fault) => {
                let gap = format!("not a sound 7Z archive: {}", said(&fault));
                refusal.get_or_insert(gap.into());
            }
        }
    }
    Err(refusal.unwrap_or_else(needs_password).into())
}

fn read_with(bytes: &[u8], password: &str, job: &Job<'_>) -> Result<Reading, Error> {
    let mut archive = ArchiveReader::new(Cursor::new(bytes), Password::from(password))?;
    archive.set_thread_count(1);
    let mut folder = Folder::new(job);
    let read = archive.for_each_entries(|entry, content| {
        if folder.is_full() {
            return Ok(false);
        }
        if entry.is_directory() || entry.is_anti_item {
            return Ok(true);
        }
        let mut fault = None;
        folder.entry(entry.name(), entry.size(), || {
            match job.unpack(content, bytes.len() as u64) {
                Ok(_) if is_link(entry) => symbolic_link(),
                Ok(bytes) => Content::Bytes(bytes),
                Err(why) => {
                    let broken = Content::Broken(why.to_string());
                    fault = Some(why);
                    broken
                }
            }
        });
        match fault {
            // A wrong password shows only in what it makes of the first file.
            Some(why) if folder.listed == 1 && !password.is_empty() => {
                Err(Error::MaybeBadPassword(why))
            }
            // Behind a broken entry there is nothing more to be had of a solid archive.
            fault => Ok(fault.is_none()),
        }
    });
    match read {
        Ok(()) => {}
        Err(fault) if folder.inner.is_empty() || is_wrong(&fault, &folder) => return Err(fault),
        Err(fault) => {
            let reason = format!("broken behind entry {}: {}", folder.listed, said(&fault));
            let gap = docent_core::source::Gap::new(reason);
            folder.composer.document().incomplete = Some(match asks_for_password(&fault) {
                true => gap.help(PASSWORD_HELP),
                false => gap,
            });
        }
    }
    Ok(folder.finish())
}

/// Whether an entry is a symbolic link, by the mode of Unix in the upper half of its attributes.
fn is_link(entry: &ArchiveEntry) -> bool {
    const TYPE: u32 = 0o170_000;
    const LINK: u32 = 0o120_000;
    entry.has_windows_attributes && (entry.windows_attributes() >> 16) & TYPE == LINK
}

/// Whether nothing came of the archive because of the password.
fn is_wrong(fault: &Error, folder: &Folder<'_>) -> bool {
    matches!(fault, Error::MaybeBadPassword(_)) && folder.listed <= 1
}

fn asks_for_password(fault: &Error) -> bool {
    matches!(fault, Error::PasswordRequired | Error::MaybeBadPassword(_))
}

/// A fault in a line.
fn said(fault: &Error) -> String {
    match fault {
        Error::UnsupportedCompressionMethod(method) => {
            format!("the compression method {method} is not read")
        }
        Error::NextHeaderCrcMismatch => "its header is damaged".to_owned(),
        Error::ChecksumVerificationFailed => "a checksum does not match".to_owned(),
        fault => fault.to_string(),
    }
}
