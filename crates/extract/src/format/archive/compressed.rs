//! One file that is compressed: GZIP, BZIP2, XZ, Zstandard. A tar archive in it is read as one
//! archive with it.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

use super::{Content, Folder};
use crate::job::{Job, Reading, Refusal};
use crate::people_bytes;
use crate::sniff::{Kind, Sniffed, sniff};

/// The decoder of XZ may take so much memory for its dictionary.
const MAX_DICTIONARY_KIB: u32 = 128 << 10;

/// The decoder of Zstandard, the same.
const MAX_WINDOW_BYTES: u64 = 128 << 20;

/// Reads a compressed file: the archive in it, or the file itself as the only entry.
///
/// # Errors
/// Data that does not unpack to anything.
pub(crate) fn read(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let packed = bytes.len() as u64;
    let mut decoder = UntilFault {
        decoder: decoder(bytes)?,
        fault: None,
    };
    let content = job.unpack(&mut decoder, packed).map_err(broken)?;
    let cut_off = match decoder.fault {
        Some(fault) if content.is_empty() => return Err(broken(fault)),
        Some(fault) => Some(format!(
            "damaged, read up to {}: {fault}",
            people_bytes(content.len() as u64)
        )),
        None => None,
    };
    let name = inner_name(job.name, bytes);
    if matches!(sniff(&name, &content), Sniffed::Read(Kind::Tar)) {
        let mut reading = super::read_tar(&content, job)?;
        if let Some(reason) = cut_off {
            reading.document.incomplete = Some(reason.into());
        }
        return Ok(reading);
    }
    let mut folder = Folder::new(job);
    let size = content.len() as u64;
    folder.entry(&name, size, || Content::Bytes(content));
    folder.composer.document().incomplete = cut_off.map(Into::into);
    Ok(folder.finish())
}

fn decoder(bytes: &[u8]) -> Result<Box<dyn Read + '_>, Refusal> {
    Ok(match bytes {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(bytes)),
        [b'B', b'Z', b'h', ..] => Box::new(bzip2_rs::DecoderReader::new(bytes)),
        [0xfd, b'7', b'z', ..] => Box::new(lzma_rust2::XzReader::new_mem_limit(
            bytes,
            true,
            MAX_DICTIONARY_KIB,
        )),
        _ => Box::new(
            StreamingDecoder::new_with_max_window_size(bytes, MAX_WINDOW_BYTES).map_err(broken)?,
        ),
    })
}

fn broken(fault: impl std::fmt::Display) -> Refusal {
    format!("cannot be unpacked: {fault}").into()
}

/// A reader that ends where the data are damaged or cut off, so that what comes before is read.
struct UntilFault<'b> {
    decoder: Box<dyn Read + 'b>,
    fault: Option<io::Error>,
}

impl Read for UntilFault<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.fault.is_some() {
            return Ok(0);
        }
        match self.decoder.read(buffer) {
            Err(fault) if fault.kind() != io::ErrorKind::Interrupted => {
                self.fault = Some(fault);
                Ok(0)
            }
            read => read,
        }
    }
}

/// The name of the file inside: that of the archive without its last extension, as all four
/// programs have it. A name that `gzip` wrote down counts before it.
fn inner_name(name: &str, bytes: &[u8]) -> String {
    let noted = MultiGzDecoder::new(bytes)
        .header()
        .and_then(|header| header.filename())
        .map(|name| super::names::decode(&[name.to_vec()]).concat());
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let own = match base.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => {
            match extension.to_ascii_lowercase().as_str() {
                "tgz" | "tbz" | "tbz2" | "txz" | "tzst" => format!("{stem}.tar"),
                _ => stem.to_owned(),
            }
        }
        _ => format!("{base}.unpacked"),
    };
    noted.filter(|name| !name.is_empty()).unwrap_or(own)
}
