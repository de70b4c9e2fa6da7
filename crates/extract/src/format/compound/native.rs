//! A file that another program put into a document: the streams `\u{1}Ole10Native`, `CONTENTS`
//! and `Package`.

use docent_core::document::{BlockKind, Format, Locator};

use super::{Compound, u32_at};
use crate::compose::Composer;
use crate::job::Reading;

/// The longest name that is looked for.
const MAX_NAME: usize = 1_024;

/// Reads the file inside; `None` if there is none.
pub(super) fn read(file: &Compound<'_>) -> Option<Reading> {
    let names = ["\u{1}Ole10Native", "CONTENTS", "Package"];
    let (name, bytes) = names.into_iter().find_map(|name| stream(file, name))?;
    let mut composer = Composer::new(Format::Archive);
    let place = Locator::Lines { first: 1, last: 1 };
    composer.push(BlockKind::Paragraph, &name, place);
    Some(Reading {
        document: composer.finish(),
        inner: file.job.open(&name, &bytes),
    })
}

/// The name and the bytes of the file that a stream holds, if it is one of those that do.
pub(super) fn stream(file: &Compound<'_>, path: &str) -> Option<(String, Vec<u8>)> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let bytes = match name {
        "\u{1}Ole10Native" | "CONTENTS" | "Package" => file.stream(path)?,
        _ => return None,
    };
    if name == "\u{1}Ole10Native" {
        let (name, inside) = unwrap(&bytes)?;
        return Some((name, inside.to_vec()));
    }
    (!bytes.is_empty()).then(|| ("embedded".to_owned(), bytes))
}

/// The name and the bytes of the file in an `Ole10Native` stream: a size, a number, the label and
/// the path that it had, two numbers, the path of a copy with its length, the size, the bytes.
fn unwrap(stream: &[u8]) -> Option<(String, &[u8])> {
    let mut at = 6;
    let label = string(stream, &mut at)?;
    string(stream, &mut at)?;
    at = at.checked_add(4)?;
    let copy = u32_at(stream, at)? as usize;
    at = at.checked_add(4)?.checked_add(copy)?;
    let size = u32_at(stream, at)? as usize;
    let bytes = stream.get(at + 4..)?;
    let name = label
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .to_owned();
    Some((name, bytes.get(..size).unwrap_or(bytes)))
}

/// A string that ends with a zero.
fn string(stream: &[u8], at: &mut usize) -> Option<String> {
    let rest = stream.get(*at..)?;
    let length = rest.iter().take(MAX_NAME).position(|byte| *byte == 0)?;
    *at += length + 1;
    Some(
        encoding_rs::WINDOWS_1252
            .decode_without_bom_handling(&rest[..length])
            .0
            .into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::compound;
    use crate::{Limits, Outcome, extract_bytes};

    #[test]
    fn a_file_inside_is_taken_out() {
        let mut stream = vec![0; 6];
        stream.extend_from_slice(b"a.txt\0C:\\a.txt\0");
        stream.extend_from_slice(&[0; 4]);
        stream.extend_from_slice(&2u32.to_le_bytes());
        stream.extend_from_slice(b"x\0");
        stream.extend_from_slice(&5u32.to_le_bytes());
        stream.extend_from_slice(b"hello");
        let bytes = compound(&[("\u{1}Ole10Native", &stream)]);
        let extraction = extract_bytes(&bytes, "a.bin", &Limits::default());
        assert_eq!(extraction.inner[0].path, "a.txt");
        assert!(
            matches!(&extraction.inner[0].outcome, Outcome::Read(inner) if inner.text == "hello")
        );
    }
}
