//! Files in a signed envelope (`.p7m`, S/MIME): CMS, RFC 5652, in BER or DER. The signature is
//! not checked; what was signed is read.

use docent_core::source::Gap;
use mail_parser::decoders::base64::base64_decode;

use super::{Content, Folder};
use crate::job::{Job, Reading, Refusal};

/// Object identifiers of RFC 5652 and RFC 5083, as they are encoded, with their leading tag.
const SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
const ENVELOPED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03";
const ENCRYPTED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06";
const AUTH_ENVELOPED_DATA: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17";

const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;
const OCTET_STRINGS: u8 = 0x24;
/// `[0]`, which holds the content.
const CONTENT: u8 = 0xa0;

/// Reads a signed file as a folder with what was signed in it.
///
/// # Errors
/// An envelope that is encrypted, damaged or empty (a signature that lies beside its file).
pub(crate) fn read(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let content = content(bytes)?;
    let base = job.name.rsplit(['/', '\\']).next().unwrap_or(job.name);
    let name = match base.rsplit_once('.') {
        Some((stem, _)) if stem.contains('.') => stem.to_owned(),
        // A mail is what is mostly signed without a name of its own.
        _ => format!("{base}.eml"),
    };
    let mut folder = Folder::new(job);
    let size = content.len() as u64;
    folder.entry(&name, size, || Content::Bytes(content));
    Ok(folder.finish())
}

/// What was signed.
///
/// # Errors
/// As of [`read`].
pub(crate) fn content(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    let unarmored;
    let bytes = match bytes.first() {
        Some(&SEQUENCE) => bytes,
        _ => {
            unarmored = base64(bytes).unwrap_or_default();
            &unarmored
        }
    };
    let damaged = || Refusal::from("the signed envelope is damaged");
    let info = Element::first(bytes)
        .filter(|element| element.tag == SEQUENCE)
        .ok_or_else(damaged)?;
    let encrypted = [ENVELOPED_DATA, ENCRYPTED_DATA, AUTH_ENVELOPED_DATA];
    if encrypted.iter().any(|kind| info.content.starts_with(kind)) {
        let gap = Gap::new("encrypted: can be read only with the recipient's key");
        return Err(gap
            .help("open it in the mail program and save it without encryption")
            .into());
    }
    let signed = info.content.strip_prefix(SIGNED_DATA).ok_or_else(damaged)?;
    let signed = only(signed, CONTENT)
        .and_then(|explicit| only(explicit, SEQUENCE))
        .ok_or_else(damaged)?;
    // Behind the version and the digest algorithms.
    let rest = after(signed).and_then(after).ok_or_else(damaged)?;
    let encapsulated = only(rest, SEQUENCE).ok_or_else(damaged)?;
    let content = after(encapsulated).and_then(|rest| only(rest, CONTENT));
    match content {
        Some(content) => Ok(octets(content)),
        None => Err(Refusal::Skipped("a signature without content".into())),
    }
}

/// An element: its tag, what it holds and what lies behind it.
struct Element<'b> {
    tag: u8,
    content: &'b [u8],
    rest: &'b [u8],
}

impl<'b> Element<'b> {
    /// The first element of `bytes`. One that the file's end cuts off holds what is there.
    fn first(bytes: &'b [u8]) -> Option<Element<'b>> {
        let header = Header::of(bytes)?;
        let body = &bytes[header.size..];
        let (content, rest) = match header.length {
            Some(length) => body.split_at(length.min(body.len())),
            None => {
                let end = indefinite_end(body);
                (&body[..end], body.get(end + 2..).unwrap_or_default())
            }
        };
        Some(Element {
            tag: header.tag,
            content,
            rest,
        })
    }
}

/// A tag and a length; no length is the indefinite one, ended by two zeros.
struct Header {
    tag: u8,
    length: Option<usize>,
    size: usize,
}

impl Header {
    fn of(bytes: &[u8]) -> Option<Header> {
        let (&tag, rest) = bytes.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let header = |length, size| Header { tag, length, size };
        Some(match first {
            0x80 => header(None, 2),
            short @ 0..0x80 => header(Some(usize::from(short)), 2),
            long => {
                let digits = rest
                    .get(..usize::from(long & 0x7f))
                    .filter(|d| d.len() <= 4)?;
                let length = digits
                    .iter()
                    .fold(0usize, |length, digit| length << 8 | usize::from(*digit));
                header(Some(length), 2 + digits.len())
            }
        })
    }
}

/// Where the two zeros stand that end an element of indefinite length, whatever is nested in it.
fn indefinite_end(body: &[u8]) -> usize {
    let (mut at, mut depth) = (0usize, 1u32);
    while let Some(rest) = body.get(at..) {
        if rest.starts_with(&[0, 0]) {
            depth -= 1;
            if depth == 0 {
                return at;
            }
            at += 2;
            continue;
        }
        let Some(header) = Header::of(rest) else {
            break;
        };
        depth += u32::from(header.length.is_none());
        at = at
            .saturating_add(header.size)
            .saturating_add(header.length.unwrap_or(0));
    }
    body.len()
}

/// What the first element holds, if it has this tag.
fn only(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    Element::first(bytes)
        .filter(|element| element.tag == tag)
        .map(|element| element.content)
}

/// What lies behind the first element.
fn after(bytes: &[u8]) -> Option<&[u8]> {
    Element::first(bytes).map(|element| element.rest)
}

/// The bytes of an octet string, which may come in pieces within pieces.
fn octets(content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = content;
    while let Some(header) = Header::of(rest) {
        let body = &rest[header.size..];
        rest = match (header.tag, header.length) {
            (OCTET_STRING, Some(length)) => {
                let (piece, behind) = body.split_at(length.min(body.len()));
                bytes.extend_from_slice(piece);
                behind
            }
            // The end of a piece, or the beginning of pieces: what is in it comes next.
            (0 | OCTET_STRINGS, _) => body,
            (_, length) => body.get(length.unwrap_or(0)..).unwrap_or_default(),
        };
    }
    bytes
}

/// Base64, with or without the lines that armour it.
fn base64(bytes: &[u8]) -> Option<Vec<u8>> {
    let lines = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.starts_with(b"-----"));
    base64_decode(&lines.collect::<Vec<_>>().concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A signed envelope of indefinite lengths around octets in two pieces.
    fn envelope(kind: &[u8]) -> Vec<u8> {
        let data = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
        [
            b"\x30\x80".as_slice(),
            kind,
            b"\xa0\x80\x30\x80\x02\x01\x01\x31\x00\x30\x80",
            data,
            b"\xa0\x80\x24\x80\x04\x03one\x04\x81\x04 two\0\0\0\0\0\0\0\0\0\0\0\0",
        ]
        .concat()
    }

    #[test]
    fn what_was_signed_is_read() {
        assert_eq!(content(&envelope(SIGNED_DATA)).unwrap(), b"one two");
    }

    #[test]
    fn what_is_encrypted_says_so() {
        match content(&envelope(ENVELOPED_DATA)) {
            Err(Refusal::Failed(gap)) => assert!(gap.reason.starts_with("encrypted")),
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_harmless(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = content(&bytes);
            let _ = content(&[SIGNED_DATA, &bytes].concat());
        }

        #[test]
        fn damaged_envelopes_are_harmless(at in 0usize..70, byte in any::<u8>()) {
            let mut bytes = envelope(SIGNED_DATA);
            if let Some(hit) = bytes.get_mut(at) {
                *hit = byte;
            }
            let _ = content(&bytes);
        }
    }
}
