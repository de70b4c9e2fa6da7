//! Mail as it is sent: EML, RFC 5322 and MIME; and MHTML, a web page that is kept as one.

use std::borrow::Cow;

use docent_core::document::Format;
use docent_core::source::Gap;
use mail_parser::decoders::{base64::base64_decode, quoted_printable::quoted_printable_decode};
use mail_parser::{Address, Encoding, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::{Attachment, Body, Letter, address, document_of, no_key, text_of};
use crate::charset::utf16_without_mark;
use crate::format::{archive, html, text};
use crate::job::{Job, Reading, Refusal};

/// A mail that forwards more mails than this is left alone: each may hold the next, and the
/// parser goes as deep as they do.
const MAX_FORWARDED: usize = 500;

/// Signed envelopes within signed envelopes: so many.
const MAX_ENVELOPES: usize = 3;

/// Reads one mail.
///
/// # Errors
/// A mail that is built to overwhelm its reader.
pub(crate) fn read(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let bytes = message_bytes(bytes);
    match letter(&bytes)? {
        Some(mut letter) => {
            if letter.is_empty() {
                letter.body.extend(raw_body(&bytes));
            }
            Ok(document_of(letter, job))
        }
        // Not a single header: what is left of it is text.
        None => {
            let mut document = text::read(crate::charset::decode(&bytes, None));
            document.format = Format::Mail;
            Ok(document.into())
        }
    }
}

/// What stands below the header of a mail whose parts are not where they should be.
fn raw_body(bytes: &[u8]) -> Option<Body<'static>> {
    let text = text_of(bytes, None).replace("\r\n", "\n");
    let (_, body) = text.split_once("\n\n")?;
    Some(Body::Text(Cow::Owned(body.to_owned())))
}

/// Reads a web page that was kept as one file.
///
/// # Errors
/// As of [`read`].
pub(crate) fn read_mhtml(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let message_bytes = message_bytes(bytes);
    let Some(message) = parse(&message_bytes)? else {
        return read(bytes, job);
    };
    let page = message.parts.iter().find_map(|part| match &part.body {
        PartType::Html(html) => Some(redecoded(&message, part).unwrap_or_else(|| html.to_string())),
        _ => None,
    });
    let Some(page) = page else {
        return read(bytes, job);
    };
    let mut document = html::read_page(page.as_str().into());
    if document.title.is_none() {
        document.title = message.subject().and_then(crate::format::title);
    }
    Ok(document.into())
}

/// The letter of a mail's bytes; `None` if they have no header.
///
/// # Errors
/// As of [`read`].
pub(super) fn letter(bytes: &[u8]) -> Result<Option<Letter<'static>>, Refusal> {
    let Some(message) = parse(bytes)? else {
        return Ok(None);
    };
    let mut letter = header_of(&message);
    fill(&mut letter, &message, MAX_ENVELOPES);
    Ok(Some(letter))
}

fn parse(bytes: &[u8]) -> Result<Option<Message<'_>>, Refusal> {
    let forwarded = ["message/rfc822", "multipart/digest"]
        .iter()
        .map(|kind| count_ignoring_case(bytes, kind.as_bytes()))
        .sum::<usize>();
    if forwarded > MAX_FORWARDED {
        let reason = format!("more than {MAX_FORWARDED} forwarded mails in one");
        return Err(Gap::new(reason).help("save them one by one").into());
    }
    Ok(MessageParser::default().parse(bytes))
}

fn count_ignoring_case(bytes: &[u8], word: &[u8]) -> usize {
    let slash = word.iter().position(|byte| *byte == b'/').unwrap_or(0);
    let at_slash = |(at, byte): (usize, &u8)| {
        *byte == b'/'
            && at
                .checked_sub(slash)
                .and_then(|from| bytes.get(from..from + word.len()))
                .is_some_and(|found| found.eq_ignore_ascii_case(word))
    };
    bytes.iter().enumerate().filter(|&it| at_slash(it)).count()
}

/// The bytes of the message: without the frame of Apple Mail, and in a character set that has
/// one byte for an ASCII letter.
fn message_bytes(bytes: &[u8]) -> Cow<'_, [u8]> {
    let wide = bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
        || utf16_without_mark(bytes).is_some();
    if wide {
        return Cow::Owned(text_of(bytes, None).into_bytes());
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // The first line of an `.emlx` is the message's size; a property list comes behind it.
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let size = std::str::from_utf8(line)
        .ok()
        .and_then(|line| line.trim().parse::<usize>().ok());
    match (size, bytes.get(line.len() + 1..)) {
        (Some(size), Some(rest)) => Cow::Borrowed(&rest[..size.min(rest.len())]),
        _ => Cow::Borrowed(bytes),
    }
}

fn header_of(message: &Message<'_>) -> Letter<'static> {
    let date = match message.date() {
        Some(date) if date.is_valid() => date.to_rfc3339(),
        _ => message
            .header_raw("Date")
            .unwrap_or_default()
            .trim()
            .to_owned(),
    };
    Letter {
        from: addresses(message.from().or_else(|| message.sender())),
        to: addresses(message.to()),
        cc: addresses(message.cc()),
        bcc: addresses(message.bcc()),
        date,
        subject: message.subject().unwrap_or_default().to_owned(),
        ..Letter::default()
    }
}

fn addresses(list: Option<&Address<'_>>) -> String {
    let all: Vec<String> = list
        .into_iter()
        .flat_map(Address::iter)
        .map(|one| {
            address(
                one.name().unwrap_or_default(),
                one.address().unwrap_or_default(),
            )
        })
        .filter(|one| !one.is_empty())
        .collect();
    all.join(", ")
}

/// Puts the body and the attachments of a message into a letter.
fn fill(letter: &mut Letter<'static>, message: &Message<'_>, envelopes: usize) {
    if let Some(gap) = encrypted(message) {
        letter.incomplete = Some(gap);
    }
    let chosen = body_parts(message);
    for (index, part) in message.parts.iter().enumerate() {
        let index = index as u32;
        if chosen.contains(&index) {
            letter.body.push(body(message, part));
        } else if is_alternative(message, index, part) || is_signature(part) {
            continue;
        } else if let Some(envelope) = envelope(part).filter(|_| envelopes > 0) {
            open_envelope(letter, envelope, part, envelopes);
        } else if let Some(bytes) = file(message, part) {
            let name = file_name(part, letter.attachments.len() + 1);
            let bytes = Cow::Owned(bytes);
            letter.attachments.push(Attachment { name, bytes });
        }
    }
}

/// The parts that are shown as the body: text rather than HTML, unless the text only says that
/// there is HTML.
fn body_parts(message: &Message<'_>) -> Vec<u32> {
    let length = |parts: &[u32]| -> usize {
        let parts = parts.iter().filter_map(|id| message.part(*id));
        parts
            .map(|part| match &part.body {
                PartType::Text(text) => text.trim().len(),
                PartType::Html(page) => html::read(page.as_ref().into()).text.len(),
                _ => 0,
            })
            .sum()
    };
    let is_body = |id: &u32| {
        let part = message.part(*id);
        part.is_some_and(|part| matches!(part.body, PartType::Text(_) | PartType::Html(_)))
    };
    let only = |parts: &[u32]| parts.iter().copied().filter(is_body).collect::<Vec<_>>();
    let (text, html) = (only(&message.text_body), only(&message.html_body));
    match text == html || length(&text) * 4 >= length(&html) {
        true => text,
        false => html,
    }
}

/// Whether a part says again what the body says.
fn is_alternative(message: &Message<'_>, index: u32, part: &MessagePart<'_>) -> bool {
    let body = message.text_body.contains(&index) || message.html_body.contains(&index);
    body && matches!(part.body, PartType::Text(_) | PartType::Html(_))
}

fn body<'m>(message: &Message<'_>, part: &MessagePart<'_>) -> Body<'m> {
    let again = redecoded(message, part);
    match &part.body {
        PartType::Html(html) => Body::Html(Cow::Owned(again.unwrap_or_else(|| html.to_string()))),
        other => {
            let text = match other {
                PartType::Text(text) => text,
                _ => "",
            };
            let text = again.unwrap_or_else(|| text.to_owned());
            match part.content_type().and_then(|kind| kind.subtype()) {
                Some(kind) if kind.eq_ignore_ascii_case("rtf") => Body::Rtf(text.into_bytes()),
                _ => Body::Text(Cow::Owned(text)),
            }
        }
    }
}

/// The text of a part that names no character set, or a wrong one, decoded as a file would be.
fn redecoded(message: &Message<'_>, part: &MessagePart<'_>) -> Option<String> {
    let (PartType::Text(text) | PartType::Html(text)) = &part.body else {
        return None;
    };
    if !text.contains('\u{fffd}') {
        return None;
    }
    let raw = message
        .raw_message
        .get(part.raw_body_offset() as usize..part.raw_end_offset() as usize)?;
    let bytes = match part.encoding {
        Encoding::None => Cow::Borrowed(raw),
        Encoding::QuotedPrintable => Cow::Owned(quoted_printable_decode(raw)?),
        Encoding::Base64 => Cow::Owned(base64_decode(raw)?),
    };
    let declared = match part.body {
        PartType::Html(_) => html::declared_charset(&bytes),
        _ => None,
    };
    let again = text_of(&bytes, declared.as_deref());
    (again.matches('\u{fffd}').count() < text.matches('\u{fffd}').count()).then_some(again)
}

/// Why a message cannot be read without a key, if that is so.
fn encrypted(message: &Message<'_>) -> Option<Gap> {
    let kind = message.root_part().content_type()?;
    let is_pgp = kind.ctype().eq_ignore_ascii_case("multipart")
        && kind
            .subtype()
            .is_some_and(|subtype| subtype.eq_ignore_ascii_case("encrypted"));
    is_pgp.then(no_key)
}

/// The bytes of a part that is a signed or encrypted envelope (S/MIME).
fn envelope<'p>(part: &'p MessagePart<'_>) -> Option<&'p [u8]> {
    let subtype = part.content_type()?.subtype()?.to_ascii_lowercase();
    matches!(subtype.as_str(), "pkcs7-mime" | "x-pkcs7-mime").then(|| part.contents())
}

fn open_envelope(
    letter: &mut Letter<'static>,
    envelope: &[u8],
    part: &MessagePart<'_>,
    envelopes: usize,
) {
    let signed = match archive::signed::content(envelope) {
        Ok(signed) => signed,
        Err(Refusal::Failed(gap)) => {
            letter.incomplete = Some(gap);
            return;
        }
        Err(Refusal::Skipped(_)) => return,
    };
    match parse(&signed) {
        Ok(Some(message)) => fill(letter, &message, envelopes - 1),
        _ => letter.attachments.push(Attachment {
            name: file_name(part, 1),
            bytes: Cow::Owned(signed),
        }),
    }
}

/// Whether a part is a signature that belongs to another.
fn is_signature(part: &MessagePart<'_>) -> bool {
    let subtype = part.content_type().and_then(|kind| kind.subtype());
    subtype.is_some_and(|subtype| {
        [
            "pkcs7-signature",
            "x-pkcs7-signature",
            "pgp-signature",
            "pgp-encrypted",
        ]
        .iter()
        .any(|known| subtype.eq_ignore_ascii_case(known))
    })
}

/// The bytes of a part that is a file, as they would be on disk.
fn file(message: &Message<'_>, part: &MessagePart<'_>) -> Option<Vec<u8>> {
    match &part.body {
        PartType::Multipart(_) => None,
        PartType::Message(inner) => match part.encoding {
            Encoding::None => message
                .raw_message
                .get(part.raw_body_offset() as usize..part.raw_end_offset() as usize)
                .map(<[u8]>::to_vec),
            _ => Some(inner.raw_message.to_vec()),
        },
        PartType::Text(text) | PartType::Html(text) => {
            let again = redecoded(message, part);
            Some(again.unwrap_or_else(|| text.to_string()).into_bytes())
        }
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => Some(bytes.to_vec()),
    }
}

/// The name of a file that came with a mail, made up where it has none.
fn file_name(part: &MessagePart<'_>, number: usize) -> String {
    if let Some(name) = part
        .attachment_name()
        .filter(|name| !name.trim().is_empty())
    {
        let is_mail = matches!(part.body, PartType::Message(_));
        return match is_mail && !name.to_ascii_lowercase().ends_with(".eml") {
            true => format!("{name}.eml"),
            false => name.to_owned(),
        };
    }
    if let PartType::Message(message) = &part.body {
        let subject = message
            .subject()
            .map(|subject| subject.replace(['/', '\\'], " "));
        return format!("{}.eml", subject.as_deref().unwrap_or("forwarded mail"));
    }
    let subtype = part.content_type().and_then(|kind| kind.subtype());
    let extension = match subtype.unwrap_or("dat").to_ascii_lowercase().as_str() {
        "plain" => "txt".to_owned(),
        "calendar" => "ics".to_owned(),
        "jpeg" => "jpg".to_owned(),
        "octet-stream" | "delivery-status" => "dat".to_owned(),
        "ms-tnef" | "vnd.ms-tnef" => return "winmail.dat".to_owned(),
        other => other.trim_start_matches("x-").to_owned(),
    };
    format!("attachment {number}.{extension}")
}
