//! Mailboxes: MBOX, one mail behind the other.

use std::borrow::Cow;
use std::collections::HashSet;

use docent_core::document::{BlockKind, Format};

use super::{eml, one_line, part};
use crate::compose::Composer;
use crate::job::{Job, Reading, Refusal};

/// Reads a mailbox as one document, a heading to each mail.
///
/// # Errors
/// None so far; broken mails are passed over and counted.
pub(crate) fn read(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let mut composer = Composer::new(Format::Mail);
    let mut inner = Vec::new();
    let mut taken = HashSet::new();
    let (mut count, mut unread) = (0u32, 0u32);
    for message in messages(bytes) {
        if job.is_late() {
            let reason = format!("the time was over after {count} mails");
            composer.document().incomplete = Some(reason.into());
            break;
        }
        count += 1;
        let letter = match eml::letter(&unescaped(message)) {
            Ok(Some(letter)) => letter,
            _ => {
                unread += 1;
                continue;
            }
        };
        let heading = match one_line(&letter.subject) {
            subject if subject.is_empty() => format!("Message {count}"),
            subject => subject,
        };
        let prefix = format!("message {count}, ");
        let place = part(&format!("{prefix}header"), 1, 1);
        composer.push(BlockKind::Heading { level: 1 }, &heading, place);
        letter.write(&mut composer, &prefix, job);
        inner.extend(letter.open_attachments(&format!("message {count}/"), &mut taken, job));
    }
    if unread > 0 {
        let warning = format!("{unread} of {count} mails could not be read");
        composer.document().warnings.push(warning);
    }
    Ok(Reading {
        document: composer.finish(),
        inner,
    })
}

/// The mails of a mailbox. One begins at a line that begins with `From ` and holds a year, at
/// the beginning of the file or behind a blank line, with a header line below it.
fn messages(bytes: &[u8]) -> Vec<&[u8]> {
    let mut starts: Vec<(usize, usize)> = Vec::new();
    let (mut at, mut blank) = (0, true);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let below = at + line.len();
        let dated = line.starts_with(b"From ") && holds_year(line);
        if blank && dated && begins_with_header(&bytes[below..]) {
            starts.push((at, below));
        }
        blank = line.trim_ascii().is_empty();
        at = below;
    }
    if starts
        .first()
        .is_none_or(|(first, _)| !bytes[..*first].trim_ascii().is_empty())
    {
        // A mailbox without its first separator, or a single mail.
        starts.insert(0, (0, 0));
    }
    let ends = starts
        .iter()
        .skip(1)
        .map(|(start, _)| *start)
        .chain([bytes.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|((_, begin), end)| &bytes[*begin..end])
        .collect()
}

fn holds_year(line: &[u8]) -> bool {
    line.windows(4)
        .any(|four| four.iter().all(u8::is_ascii_digit))
}

/// Whether a line is a header field: a name without spaces, and a colon.
fn begins_with_header(rest: &[u8]) -> bool {
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    // Some programs repeat the separator, marked, as the first line of the mail.
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    line.starts_with(b">From ")
        || name.len() < line.len() && !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

/// A mail without the marks of lines that would look like separators: `>From ` was `From `.
fn unescaped(message: &[u8]) -> Cow<'_, [u8]> {
    let is_marked = |line: &[u8]| -> bool {
        let marks = line.iter().take_while(|byte| **byte == b'>').count();
        marks > 0 && line[marks..].starts_with(b"From ")
    };
    let lines = || message.split_inclusive(|byte| *byte == b'\n');
    if !lines().any(is_marked) {
        return Cow::Borrowed(message);
    }
    let mut plain = Vec::with_capacity(message.len());
    // Above the header such a line is a separator that was written twice.
    let doubled = usize::from(message.starts_with(b">From "));
    for line in lines().skip(doubled) {
        plain.extend_from_slice(if is_marked(line) { &line[1..] } else { line });
    }
    Cow::Owned(plain)
}
