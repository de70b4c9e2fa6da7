//! Letters of Outlook: MSG, an OLE compound file with a stream for each property. MS-OXMSG.

use std::borrow::Cow;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use docent_core::source::Gap;
use encoding_rs::{Encoding, UTF_16LE};
use mail_parser::{DateTime, MessageParser};

use super::mapi::{code_page, property, value};
use super::{Attachment, Body, Letter, address, document_of, rtf_compressed, text_of};
use crate::job::{Job, Reading, Refusal};

/// The stream of the properties that have no stream of their own.
const PROPERTIES: &str = "__properties_version1.0";

/// Bytes before the first property in that stream: of the outermost letter, of one that is
/// attached, and of a recipient or an attachment.
const LETTER_HEADER_BYTES: usize = 32;
const ATTACHED_HEADER_BYTES: usize = 24;
const OTHER_HEADER_BYTES: usize = 8;

/// So many recipients and so many attachments of a letter are looked at.
const MAX_STORAGES: usize = 10_000;

/// Reads an Outlook message.
///
/// # Errors
/// A compound file that is damaged, or holds no letter.
pub(crate) fn read(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let mut file = File::open(bytes)?;
    if !file.is_letter() {
        return Err("not an Outlook message: it has no properties of one".into());
    }
    let letter = file.letter(job);
    Ok(document_of(letter, job))
}

/// A compound file of a letter, and the character set of its narrow strings.
struct File<'b> {
    streams: cfb::CompoundFile<Cursor<&'b [u8]>>,
    charset: Option<&'static Encoding>,
    /// No stream is longer.
    size: u64,
}

impl<'b> File<'b> {
    fn open(bytes: &'b [u8]) -> Result<File<'b>, Refusal> {
        let streams = cfb::CompoundFile::open(Cursor::new(bytes))
            .map_err(|fault| format!("the compound file is damaged: {fault}"))?;
        let mut file = File {
            streams,
            charset: None,
            size: bytes.len() as u64,
        };
        let root = Path::new("/");
        let number = |file: &mut File<'_>, id| {
            let value = file.fixed(root, LETTER_HEADER_BYTES, id, value::INTEGER)?;
            Some(u32::from_le_bytes([value[0], value[1], value[2], value[3]]))
        };
        file.charset = number(&mut file, property::MESSAGE_CODE_PAGE)
            .or_else(|| number(&mut file, property::INTERNET_CODE_PAGE))
            .and_then(code_page);
        Ok(file)
    }

    fn is_letter(&self) -> bool {
        let mut entries = self.streams.read_root_storage();
        entries.any(|entry| {
            let name = entry.name();
            name == PROPERTIES || name.starts_with("__substg1.0_")
        })
    }

    fn letter(&mut self, job: &Job<'_>) -> Letter<'static> {
        let root = Path::new("/");
        let [to, cc, bcc] = self.recipients();
        let mut text = |id| self.text(root, id).unwrap_or_default();
        let or = |given: Vec<String>, shown: String| match given.is_empty() {
            true => shown,
            false => given.join(", "),
        };
        let mut letter = Letter {
            to: or(to, text(property::DISPLAY_TO)),
            cc: or(cc, text(property::DISPLAY_CC)),
            bcc: or(bcc, text(property::DISPLAY_BCC)),
            subject: text(property::SUBJECT),
            from: self.sender(),
            date: self.date().unwrap_or_default(),
            ..Letter::default()
        };
        let class = self.text(root, property::MESSAGE_CLASS).unwrap_or_default();
        if class.eq_ignore_ascii_case("IPM.Note.SMIME") {
            let gap = Gap::new("the letter is signed or encrypted as a whole");
            let help = "if its attachment smime.p7m could not be read, open it in the mail program";
            letter.incomplete = Some(gap.help(help));
        }
        letter.body.extend(self.body());
        letter.attachments = self.attachments(job);
        letter
    }

    fn sender(&mut self) -> String {
        use property::*;
        let root = Path::new("/");
        let mut first = |ids: [u16; 4], fits: fn(&str) -> bool| {
            let mut texts = ids.into_iter().filter_map(|id| self.text(root, id));
            texts.find(|text| fits(text)).unwrap_or_default()
        };
        let name = first(
            [SENDER_NAME, SENT_FOR_NAME, SENDER_NAME, SENT_FOR_NAME],
            |name| !name.trim().is_empty(),
        );
        // Within an organisation addresses have another form that nobody types.
        let mail = first(
            [SENDER_SMTP, SENT_FOR_SMTP, SENDER_ADDRESS, SENT_FOR_ADDRESS],
            |address| address.contains('@'),
        );
        address(&name, &mail)
    }

    /// When it was sent, RFC 3339.
    fn date(&mut self) -> Option<String> {
        /// From the beginning of 1601, in tenths of a microsecond, to that of 1970, in seconds.
        const EPOCH_SECONDS: i64 = 11_644_473_600;
        let root = Path::new("/");
        let time = [property::SUBMIT_TIME, property::DELIVERY_TIME]
            .into_iter()
            .find_map(|id| self.fixed(root, LETTER_HEADER_BYTES, id, value::TIME));
        if let Some(ticks) = time {
            let seconds = (u64::from_le_bytes(ticks) / 10_000_000) as i64 - EPOCH_SECONDS;
            return Some(DateTime::from_timestamp(seconds).to_rfc3339()).filter(|_| seconds > 0);
        }
        let headers = self.text(root, property::TRANSPORT_HEADERS)?;
        let message = MessageParser::default().parse_headers(headers.as_bytes())?;
        let date = message.date().filter(|date| date.is_valid())?;
        Some(date.to_rfc3339())
    }

    fn body(&mut self) -> Option<Body<'static>> {
        let root = Path::new("/");
        let filled = |text: &String| !text.trim().is_empty();
        if let Some(text) = self.text(root, property::BODY).filter(filled) {
            return Some(Body::Text(Cow::Owned(text)));
        }
        let html = match self.stream(root, property::HTML, value::BINARY) {
            Some(bytes) => {
                let own = crate::format::html::declared_charset(&bytes);
                let charset = own.as_deref().or(self.charset.map(Encoding::name));
                Some(text_of(&bytes, charset))
            }
            None => self.text(root, property::HTML),
        };
        if let Some(html) = html.filter(filled) {
            return Some(Body::Html(Cow::Owned(html)));
        }
        let packed = self.stream(root, property::RTF_COMPRESSED, value::BINARY)?;
        rtf_compressed::unpack(&packed).map(Body::Rtf)
    }

    /// Those that the letter goes to, those that get a copy, and those that get one unseen.
    fn recipients(&mut self) -> [Vec<String>; 3] {
        let mut all: [Vec<String>; 3] = Default::default();
        for storage in self.storages("__recip_version1.0_") {
            let kind = self.fixed(
                &storage,
                OTHER_HEADER_BYTES,
                property::RECIPIENT_TYPE,
                value::INTEGER,
            );
            let list = match kind.map(|kind| kind[0]) {
                Some(2) => &mut all[1],
                Some(3) => &mut all[2],
                _ => &mut all[0],
            };
            let mut text = |id| self.text(&storage, id);
            let name = text(property::DISPLAY_NAME).unwrap_or_default();
            let mail = text(property::SMTP_ADDRESS)
                .or_else(|| text(property::ADDRESS))
                .filter(|mail| mail.contains('@'))
                .unwrap_or_default();
            let one = address(&name, &mail);
            if !one.is_empty() {
                list.push(one);
            }
        }
        all
    }

    fn attachments(&mut self, job: &Job<'_>) -> Vec<Attachment<'static>> {
        let mut attachments = Vec::new();
        for storage in self.storages("__attach_version1.0_") {
            if job.is_late() {
                break;
            }
            let name = [
                property::ATTACH_LONG_NAME,
                property::ATTACH_NAME,
                property::DISPLAY_NAME,
            ]
            .into_iter()
            .find_map(|id| {
                self.text(&storage, id)
                    .filter(|name| !name.trim().is_empty())
            });
            let mut name =
                name.unwrap_or_else(|| format!("attachment {}.dat", attachments.len() + 1));
            let bytes = match self.stream(&storage, property::ATTACH_DATA, value::BINARY) {
                Some(bytes) => bytes,
                None => match self.attached_letter(&storage) {
                    Some(bytes) => {
                        if !name.to_ascii_lowercase().ends_with(".msg") {
                            name.push_str(".msg");
                        }
                        bytes
                    }
                    None => continue,
                },
            };
            attachments.push(Attachment {
                name,
                bytes: Cow::Owned(bytes),
            });
        }
        attachments
    }

    /// A letter that is attached to this one, as a file of its own.
    fn attached_letter(&mut self, attachment: &Path) -> Option<Vec<u8>> {
        let from = attachment.join(stream_name(property::ATTACH_DATA, value::OBJECT));
        let entries: Vec<(PathBuf, bool)> = self
            .streams
            .walk_storage(&from)
            .ok()?
            .skip(1)
            .take(MAX_STORAGES)
            .map(|entry| (entry.path().to_owned(), entry.is_stream()))
            .collect();
        let mut copy = cfb::CompoundFile::create(Cursor::new(Vec::new())).ok()?;
        for (path, is_stream) in entries {
            let to = Path::new("/").join(path.strip_prefix(&from).ok()?);
            if !is_stream {
                copy.create_storage(&to).ok()?;
                continue;
            }
            let mut content = self.bytes_of(&path)?;
            if to == Path::new("/").join(PROPERTIES) {
                let missing = LETTER_HEADER_BYTES - ATTACHED_HEADER_BYTES;
                let at = ATTACHED_HEADER_BYTES.min(content.len());
                content.splice(at..at, vec![0; missing]);
            }
            copy.create_stream(&to).ok()?.write_all(&content).ok()?;
        }
        copy.flush().ok()?;
        Some(copy.into_inner().into_inner())
    }

    /// The storages of the letter whose names begin so.
    fn storages(&self, prefix: &str) -> Vec<PathBuf> {
        self.streams
            .read_root_storage()
            .filter(|entry| entry.is_storage() && entry.name().starts_with(prefix))
            .take(MAX_STORAGES)
            .map(|entry| entry.path().to_owned())
            .collect()
    }

    /// A property of text, without the zeros that some programs end it with.
    fn text(&mut self, storage: &Path, id: u16) -> Option<String> {
        let text = match self.stream(storage, id, value::WIDE) {
            Some(bytes) => UTF_16LE.decode_without_bom_handling(&bytes).0.into_owned(),
            None => {
                let bytes = self.stream(storage, id, value::NARROW)?;
                text_of(&bytes, self.charset.map(Encoding::name))
            }
        };
        Some(text.trim_end_matches('\0').to_owned())
    }

    fn stream(&mut self, storage: &Path, id: u16, kind: u16) -> Option<Vec<u8>> {
        self.bytes_of(&storage.join(stream_name(id, kind)))
    }

    fn bytes_of(&mut self, path: &Path) -> Option<Vec<u8>> {
        let stream = self.streams.open_stream(path).ok()?;
        let mut bytes = Vec::new();
        // What a damaged file still has of a stream is better than nothing.
        let _ = stream.take(self.size).read_to_end(&mut bytes);
        Some(bytes)
    }

    /// A property of at most eight bytes.
    fn fixed(&mut self, storage: &Path, header: usize, id: u16, kind: u16) -> Option<[u8; 8]> {
        let bytes = self.bytes_of(&storage.join(PROPERTIES))?;
        let tag = [kind.to_le_bytes(), id.to_le_bytes()].concat();
        let entries = bytes.get(header..)?.chunks_exact(16);
        let mut found = entries.filter(|entry| entry[..4] == tag[..]);
        found.next()?[8..].try_into().ok()
    }
}

fn stream_name(id: u16, kind: u16) -> String {
    format!("__substg1.0_{id:04X}{kind:04X}")
}
