//! What parent and child say to each other.
//!
//! The types of a document are mirrored here where their own serialization is made for people
//! (tagged by name) and needs a format that describes itself, which postcard does not.

use std::borrow::Cow;
use std::time::Duration;

use docent_core::document::{Block, BlockKind, Document, Format, Locator};
use docent_core::language::Language;
use docent_core::source::ContentHash;
use serde::{Deserialize, Serialize};

use crate::format::pdf::Engines;
use crate::{Extraction, Limits, Outcome, check};

/// A frame of a request is a name and some numbers.
pub(super) const MAX_REQUEST_BYTES: usize = 1 << 20;

/// The first frame of every worker: it is up and bounded, and takes files.
pub(super) const READY: &[u8] = b"docent worker 1";

/// A message that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a broken frame: {0}")]
pub(super) struct BrokenFrame(String);

/// "Extract the file that comes with this."
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Request {
    /// The file's path or name.
    pub(super) name: String,
    pub(super) max_file_bytes: u64,
    pub(super) time_ms: u64,
    /// The first attempt at this file broke off: take the other way, where there is one.
    pub(super) again: bool,
}

impl Request {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            max_file_bytes: self.max_file_bytes,
            time: Duration::from_millis(self.time_ms),
        }
    }

    pub(super) fn engines(&self) -> Engines {
        match self.again {
            false => Engines::Both,
            true => Engines::SecondOnly,
        }
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, BrokenFrame> {
        encode(self)
    }

    pub(super) fn decode(frame: &[u8]) -> Result<Request, BrokenFrame> {
        postcard::from_bytes(frame).map_err(|error| BrokenFrame(error.to_string()))
    }
}

fn encode(message: &impl Serialize) -> Result<Vec<u8>, BrokenFrame> {
    postcard::to_extend(message, Vec::new()).map_err(|error| BrokenFrame(error.to_string()))
}

#[derive(Serialize, Deserialize)]
struct Reply<'a> {
    hash: Option<[u8; 32]>,
    bytes: u64,
    #[serde(borrow)]
    outcome: Answer<'a>,
}

#[derive(Serialize, Deserialize)]
enum Answer<'a> {
    #[serde(borrow)]
    Read(Paper<'a>),
    Failed(String),
    Skipped(String),
}

#[derive(Serialize, Deserialize)]
struct Paper<'a> {
    format: Format,
    title: Option<String>,
    language: Option<Language>,
    #[serde(borrow)]
    text: Cow<'a, str>,
    blocks: Vec<Stretch>,
    warnings: Vec<String>,
    incomplete: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Stretch {
    start: u64,
    end: u64,
    kind: BlockKind,
    place: Place,
}

/// A [`Locator`]; the same variants.
#[derive(Serialize, Deserialize)]
enum Place {
    Lines(u32, u32),
    Page(u32, u32, u32, u32),
}

impl From<Locator> for Place {
    fn from(locator: Locator) -> Self {
        match locator {
            Locator::Lines { first, last } => Place::Lines(first, last),
            Locator::Page {
                page,
                first_line,
                last_line,
                last_page,
            } => Place::Page(page, first_line, last_line, last_page),
        }
    }
}

impl From<Place> for Locator {
    fn from(place: Place) -> Self {
        match place {
            Place::Lines(first, last) => Locator::Lines { first, last },
            Place::Page(page, first_line, last_line, last_page) => Locator::Page {
                page,
                first_line,
                last_line,
                last_page,
            },
        }
    }
}

impl<'a> From<&'a Document> for Paper<'a> {
    fn from(document: &'a Document) -> Self {
        let stretch = |block: &Block| Stretch {
            start: block.span.start as u64,
            end: block.span.end as u64,
            kind: block.kind.clone(),
            place: block.locator.into(),
        };
        Paper {
            format: document.format,
            title: document.title.clone(),
            language: document.language,
            text: Cow::Borrowed(&document.text),
            blocks: document.blocks.iter().map(stretch).collect(),
            warnings: document.warnings.clone(),
            incomplete: document.incomplete.clone(),
        }
    }
}

impl From<Paper<'_>> for Document {
    fn from(paper: Paper<'_>) -> Self {
        let block = |stretch: Stretch| Block {
            span: stretch.start as usize..stretch.end as usize,
            kind: stretch.kind,
            locator: stretch.place.into(),
        };
        Document {
            format: paper.format,
            title: paper.title,
            language: paper.language,
            text: paper.text.into_owned(),
            blocks: paper.blocks.into_iter().map(block).collect(),
            warnings: paper.warnings,
            incomplete: paper.incomplete,
        }
    }
}

/// The frame in which an extraction comes back.
pub(super) fn encode_reply(extraction: &Extraction) -> Result<Vec<u8>, BrokenFrame> {
    encode(&Reply {
        hash: extraction.hash.map(|hash| hash.0),
        bytes: extraction.bytes,
        outcome: match &extraction.outcome {
            Outcome::Read(document) => Answer::Read(document.into()),
            Outcome::Failed { reason } => Answer::Failed(reason.clone()),
            Outcome::Skipped { reason } => Answer::Skipped(reason.clone()),
        },
    })
}

/// The extraction in a frame. The child may have been taken over by the file it read: nothing
/// that it says is believed before it is checked.
pub(super) fn decode_reply(frame: &[u8]) -> Result<Extraction, BrokenFrame> {
    let reply: Reply<'_> =
        postcard::from_bytes(frame).map_err(|error| BrokenFrame(error.to_string()))?;
    let outcome = match reply.outcome {
        Answer::Failed(reason) => Outcome::Failed { reason },
        Answer::Skipped(reason) => Outcome::Skipped { reason },
        Answer::Read(paper) => {
            let document = Document::from(paper);
            check(&document).map_err(|broken| BrokenFrame(broken.to_string()))?;
            Outcome::Read(document)
        }
    };
    Ok(Extraction {
        outcome,
        hash: reply.hash.map(ContentHash),
        bytes: reply.bytes,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::extract_bytes;

    #[test]
    fn an_extraction_survives_the_journey() {
        let limits = Limits::default();
        for (name, text) in [
            (
                "a.md",
                "# Title\n\nWords of *some* length, in English, for the guess.\n\n- item\n",
            ),
            ("a.rs", "/// Docs.\nfn main() {}\n"),
            ("a.html", "<title>T</title><table><tr><td>a<td>b</table>"),
            ("a.txt", ""),
            ("a.docx", "PK\x03\x04"),
        ] {
            let extraction = extract_bytes(text.as_bytes(), name, &limits);
            let frame = encode_reply(&extraction).unwrap();
            assert_eq!(decode_reply(&frame), Ok(extraction), "{name}");
        }
    }

    #[test]
    fn every_place_survives_the_journey() {
        let lines = Locator::Lines { first: 1, last: 2 };
        let page = Locator::Page {
            page: 1,
            first_line: 2,
            last_line: 3,
            last_page: 4,
        };
        for locator in [lines, page] {
            assert_eq!(Locator::from(Place::from(locator)), locator);
        }
    }

    #[test]
    fn a_document_that_lies_about_its_spans_is_refused() {
        let mut extraction = extract_bytes(b"some words", "a.txt", &Limits::default());
        let Outcome::Read(document) = &mut extraction.outcome else {
            panic!("not read");
        };
        document.blocks[0].span.end = 1 << 40;
        let frame = encode_reply(&extraction).unwrap();
        assert!(decode_reply(&frame).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_frames_are_refused_or_checked(frame in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Request::decode(&frame);
            if let Ok(Extraction { outcome: Outcome::Read(document), .. }) = decode_reply(&frame) {
                prop_assert_eq!(check(&document), Ok(()));
            }
        }
    }
}
