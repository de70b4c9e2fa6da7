//! Mail: letters as files (EML, MSG, winmail.dat) and mailboxes (MBOX). Every kind is made a
//! [`Letter`] first, and all letters are written alike: the header, the body, and what the body
//! quotes of the letters before it.

use std::borrow::Cow;
use std::collections::HashSet;

use docent_core::document::{BlockKind, Document, Format, Locator};
use docent_core::source::Gap;

use crate::blocks::count_lines;
use crate::charset::{Decoded, decode};
use crate::compose::Composer;
use crate::job::{Job, Reading, Refusal, unique_path};
use crate::sniff::Kind;

mod eml;
mod mapi;
mod mbox;
mod msg;
mod quote;
mod rtf_compressed;
mod tnef;

pub(crate) use eml::{read as read_eml, read_mhtml};
pub(crate) use mbox::read as read_mbox;
pub(crate) use msg::read as read_msg;
pub(crate) use tnef::read as read_tnef;

/// A letter, whatever file it came in.
#[derive(Default)]
struct Letter<'m> {
    from: String,
    to: String,
    cc: String,
    bcc: String,
    /// RFC 3339, or as it was written if it cannot be told.
    date: String,
    subject: String,
    /// The parts of the body, in reading order.
    body: Vec<Body<'m>>,
    attachments: Vec<Attachment<'m>>,
    /// What of the letter is not read, where something is not.
    incomplete: Option<Gap>,
}

/// A part of a letter's body.
enum Body<'m> {
    Text(Cow<'m, str>),
    Html(Cow<'m, str>),
    Rtf(Vec<u8>),
}

/// A file that came with a letter.
struct Attachment<'m> {
    name: String,
    bytes: Cow<'m, [u8]>,
}

/// A document of one letter.
fn document_of(mut letter: Letter<'_>, job: &Job<'_>) -> Reading {
    letter.set_aside_encrypted();
    let mut composer = Composer::new(Format::Mail);
    let document = composer.document();
    document.title = super::title(&letter.subject);
    document.incomplete = letter.incomplete.clone();
    for (name, value) in letter.headers() {
        composer.property(name, value);
    }
    letter.write(&mut composer, "", job);
    Reading {
        inner: letter.open_attachments("", &mut HashSet::new(), job),
        document: composer.finish(),
    }
}

impl Letter<'_> {
    /// Whether nothing came with the header.
    fn is_empty(&self) -> bool {
        let is_blank = |part: &Body<'_>| match part {
            Body::Text(text) | Body::Html(text) => text.trim().is_empty(),
            Body::Rtf(rtf) => rtf.is_empty(),
        };
        self.attachments.is_empty() && self.incomplete.is_none() && self.body.iter().all(is_blank)
    }

    /// Leaves out what is encrypted with PGP and says so.
    fn set_aside_encrypted(&mut self) {
        let is_encrypted = |bytes: &[u8]| {
            bytes
                .trim_ascii_start()
                .starts_with(b"-----BEGIN PGP MESSAGE-----")
        };
        let parts = self.attachments.len() + self.body.len();
        self.attachments.retain(|file| !is_encrypted(&file.bytes));
        self.body
            .retain(|part| !matches!(part, Body::Text(text) if is_encrypted(text.as_bytes())));
        if self.attachments.len() + self.body.len() < parts {
            self.incomplete.get_or_insert_with(no_key);
        }
    }

    fn headers(&self) -> [(&'static str, &str); 6] {
        [
            ("from", &self.from),
            ("to", &self.to),
            ("cc", &self.cc),
            ("bcc", &self.bcc),
            ("date", &self.date),
            ("subject", &self.subject),
        ]
    }

    /// Writes the letter; the names of its parts begin with `prefix` (`message 12, `).
    fn write(&self, composer: &mut Composer, prefix: &str, job: &Job<'_>) {
        self.write_header(composer, prefix);
        let mut body = BodyWriter {
            composer,
            part: format!("{prefix}body"),
            quoted_part: format!("{prefix}body, quoted"),
            lines_above: 0,
        };
        for part in &self.body {
            match part {
                Body::Text(text) => body.plain(text),
                Body::Html(html) => body.rendered(&html_document(html)),
                Body::Rtf(rtf) => match super::read_kind(Kind::Rtf, rtf, job) {
                    Ok(reading) => body.rendered(&reading.document),
                    Err(Refusal::Failed(gap) | Refusal::Skipped(gap)) => {
                        body.composer.document().incomplete.get_or_insert(gap);
                    }
                },
            }
        }
    }

    fn write_header(&self, composer: &mut Composer, prefix: &str) {
        let capital = |name: &str| name[..1].to_ascii_uppercase() + &name[1..];
        let lines: Vec<String> = self
            .headers()
            .into_iter()
            .filter(|(_, value)| !value.trim().is_empty())
            .map(|(name, value)| format!("{}: {}", capital(name), one_line(value)))
            .collect();
        let place = part(&format!("{prefix}header"), 1, lines.len() as u32);
        composer.push(BlockKind::Paragraph, &lines.join("\n"), place);
    }

    /// Reads what came with the letter, as files in the folder `folder`.
    fn open_attachments(
        self,
        folder: &str,
        taken: &mut HashSet<String>,
        job: &Job<'_>,
    ) -> Vec<crate::Inner> {
        let mut inner = Vec::new();
        for attachment in self.attachments {
            let path = unique_path(&format!("{folder}{}", attachment.name), taken);
            inner.extend(job.open(&path, &attachment.bytes));
        }
        inner
    }
}

/// What a letter that is encrypted lacks.
fn no_key() -> Gap {
    Gap::new("encrypted: can be read only with the recipient's key")
        .help("open it in the mail program and save it without encryption")
}

/// The parts of a body on their way into a document, lines counted through all of them.
struct BodyWriter<'c> {
    composer: &'c mut Composer,
    part: String,
    quoted_part: String,
    lines_above: u32,
}

impl BodyWriter<'_> {
    /// Writes a body of plain text, by its paragraphs.
    fn plain(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n");
        let mut counted = (0, 1);
        for piece in quote::pieces(&text) {
            let first = counted.1 + count_lines(&text.as_bytes()[counted.0..piece.span.start]);
            counted = (piece.span.start, first);
            self.push(
                BlockKind::Paragraph,
                &text[piece.span],
                first,
                piece.quoted,
                false,
            );
        }
        self.lines_above += count_lines(text.as_bytes()) + 1;
    }

    /// Writes a body that was read as a document of its own.
    fn rendered(&mut self, document: &Document) {
        let mut quoted = false;
        let mut counted = (0, 1);
        for block in &document.blocks {
            let text = &document.text[block.span.clone()];
            let above = &document.text.as_bytes()[counted.0..block.span.start];
            counted = (block.span.start, counted.1 + count_lines(above));
            if block.kind == BlockKind::Furniture {
                let place = part(&self.part, self.lines_above + counted.1, 0);
                self.composer.push_furniture(text, place);
                continue;
            }
            quoted |= quote::begins_quotation(text);
            self.push(block.kind.clone(), text, counted.1, quoted, block.hidden);
        }
        self.lines_above += count_lines(document.text.as_bytes()) + 1;
    }

    fn push(&mut self, kind: BlockKind, text: &str, first: u32, quoted: bool, hidden: bool) {
        let name = match quoted {
            true => &self.quoted_part,
            false => &self.part,
        };
        let first = self.lines_above.saturating_add(first);
        let last = first.saturating_add(count_lines(text.trim_end().as_bytes()));
        let place = part(name, first, last);
        match hidden {
            true => self.composer.push_hidden(kind, text, place),
            false => self.composer.push(kind, text, place),
        }
    }
}

fn part(name: &str, first: u32, last: u32) -> Locator {
    Locator::Part {
        part: name.to_owned(),
        first,
        last: last.max(first),
    }
}

fn html_document(html: &str) -> Document {
    super::html::read_page(Decoded::from(html))
}

/// Bytes of a body without a declared character set.
fn text_of(bytes: &[u8], charset: Option<&str>) -> String {
    decode(bytes, charset).text
}

/// Header values are shown on a line each, whatever was smuggled into them.
fn one_line(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `Ada <ada@example.org>`, or what there is of it.
fn address(name: &str, address: &str) -> String {
    let (name, address) = (name.trim().trim_matches(['"', '\'']), address.trim());
    match (name.is_empty(), address.is_empty()) {
        (true, _) => address.to_owned(),
        (false, true) => name.to_owned(),
        (false, false) if name.eq_ignore_ascii_case(address) => address.to_owned(),
        (false, false) => format!("{name} <{address}>"),
    }
}

#[cfg(test)]
mod tests;
