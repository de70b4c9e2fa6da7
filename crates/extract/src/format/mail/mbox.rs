//! Mailboxes: MBOX, one mail behind the other.

use std::borrow::Cow;
use std::collections::HashSet;

use docent_core::document::{BlockKind, Format};

use super::{Body, Letter, eml, one_line, part, text_of};
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
        let mut letter = match eml::letter(&unescaped(message)) {
            Ok(Some(letter)) => letter,
            Ok(None) => Letter {
                body: vec![Body::Text(Cow::Owned(text_of(message, None)))],
                ..Letter::default()
            },
            Err(_) => {
                unread += 1;
                continue;
            }
        };
        letter.set_aside_encrypted();
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

/// The mails of a mailbox. One begins behind a blank line, or where the file does, at a line
/// that begins with `From ` and ends in a time and a year, or holds a year and has a header
/// line below it.
fn messages(bytes: &[u8]) -> Vec<&[u8]> {
    let mut starts: Vec<(usize, usize)> = Vec::new();
    let (mut at, mut blank) = (0, true);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let below = at + line.len();
        let is_separator = line.starts_with(b"From ")
            && (ends_in_date(line) || holds_year(line) && begins_with_header(&bytes[below..]));
        if blank && is_separator {
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

/// Whether a line ends as the separator should: `11:00:00 2010`, with or without a zone.
fn ends_in_date(line: &[u8]) -> bool {
    let mut words = line.trim_ascii_end().rsplit(|byte| *byte == b' ');
    let is_clock = |word: &[u8]| word.iter().filter(|byte| **byte == b':').count() == 2;
    words.next().is_some_and(holds_year)
        && (words.next().is_some_and(is_clock) || words.next().is_some_and(is_clock))
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
