//! What parent and child say to each other.
//!
//! The types of a document are mirrored here where their own serialization is made for people
//! (tagged by name) and needs a format that describes itself, which postcard does not.

use std::borrow::Cow;
use std::time::Duration;

use docent_core::document::{
    Area, Badge, Block, BlockKind, Cell, Document, Format, Line, Locator, Page,
};
use docent_core::language::Language;
use docent_core::source::{ContentHash, Gap};
use serde::{Deserialize, Serialize};

use super::isolation::Isolation;
use crate::format::pdf::Engines;
use crate::picture::{MAX_PIXELS, Picture};
use crate::{Extraction, Inner, Limits, Outcome, check};

/// A frame of a request is a name and some numbers.
pub(super) const MAX_REQUEST_BYTES: usize = 1 << 20;

/// The first frame of every worker begins so: it is up and closed in, and takes files. How it is
/// closed in follows.
const READY: &[u8] = b"docent worker 2";

/// The longest first frame.
pub(super) const MAX_READY_BYTES: usize = 256;

/// A frame with a picture has so many bytes at most: a pixel is a byte.
pub(super) const MAX_PICTURE_FRAME_BYTES: usize = MAX_PIXELS as usize + 4096;

/// The first frame of a worker.
pub(super) fn encode_ready(isolation: &Isolation) -> Result<Vec<u8>, BrokenFrame> {
    postcard::to_extend(isolation, READY.to_vec()).map_err(broken)
}

/// What the first frame of a worker says; `None` if it is none.
pub(super) fn decode_ready(frame: &[u8]) -> Option<Isolation> {
    postcard::from_bytes(frame.strip_prefix(READY)?).ok()
}

/// A message that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a broken frame: {0}")]
pub(super) struct BrokenFrame(String);

fn broken(error: postcard::Error) -> BrokenFrame {
    BrokenFrame(error.to_string())
}

/// What is to be done with the file that comes with a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Task {
    /// Extract it; the answer is one frame.
    Extract,
    /// Make pictures of pages of it or of files inside it; the answer is a frame for each page
    /// in the order in which they are asked for.
    Pictures(Vec<Wanted>),
}

/// Pages of which there are to be pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Wanted {
    /// The path of a file inside the file; empty for the file itself.
    pub(super) path: String,
    /// The pages, counted from 1.
    pub(super) pages: Vec<u32>,
}

/// "Do this with the file that comes with it."
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) task: Task,
    /// The file's path or name.
    pub(super) name: String,
    pub(super) bounds: Bounds,
    /// The first attempt at this file broke off: take the other way, where there is one.
    pub(super) again: bool,
}

/// [`Limits`]; the same fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Bounds {
    max_file_bytes: u64,
    time: Duration,
    max_unpacked_bytes: u64,
    max_ratio: u64,
    max_depth: u32,
    max_entries: u64,
    max_pages: u64,
    max_cells: u64,
    passwords: Vec<String>,
}

impl From<&Limits> for Bounds {
    fn from(limits: &Limits) -> Self {
        Bounds {
            max_file_bytes: limits.max_file_bytes,
            time: limits.time,
            max_unpacked_bytes: limits.max_unpacked_bytes,
            max_ratio: limits.max_ratio,
            max_depth: limits.max_depth,
            max_entries: limits.max_entries as u64,
            max_pages: limits.max_pages as u64,
            max_cells: limits.max_cells as u64,
            passwords: limits.passwords.clone(),
        }
    }
}

impl Request {
    pub(super) fn limits(&self) -> Limits {
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let bounds = &self.bounds;
        Limits {
            max_file_bytes: bounds.max_file_bytes,
            time: bounds.time,
            max_unpacked_bytes: bounds.max_unpacked_bytes,
            max_ratio: bounds.max_ratio,
            max_depth: bounds.max_depth,
            max_entries: size(bounds.max_entries),
            max_pages: size(bounds.max_pages),
            max_cells: size(bounds.max_cells),
            passwords: bounds.passwords.clone(),
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
        postcard::from_bytes(frame).map_err(broken)
    }
}

fn encode(message: &impl Serialize) -> Result<Vec<u8>, BrokenFrame> {
    postcard::to_extend(message, Vec::new()).map_err(broken)
}

/// What precedes the pixels of a [`Picture`].
#[derive(Serialize, Deserialize)]
enum Frontispiece {
    Picture {
        width: u32,
        height: u32,
        scale: f32,
    },
    /// There is none, and why.
    None(String),
}

/// The frame in which a picture comes.
pub(super) fn encode_picture(picture: &Result<Picture, String>) -> Result<Vec<u8>, BrokenFrame> {
    match picture {
        Err(reason) => encode(&Frontispiece::None(reason.clone())),
        Ok(picture) => {
            let mut frame = encode(&Frontispiece::Picture {
                width: picture.width,
                height: picture.height,
                scale: picture.scale,
            })?;
            frame.extend_from_slice(&picture.pixels);
            Ok(frame)
        }
    }
}

/// The picture in a frame, or why there is none. Nothing that the child says is believed: the
/// pixels are as many as the sides say, and the scale is a number that can be divided by.
pub(super) fn decode_picture(frame: &[u8]) -> Result<Result<Picture, String>, BrokenFrame> {
    let (front, pixels) = postcard::take_from_bytes(frame).map_err(broken)?;
    let (width, height, scale) = match front {
        Frontispiece::None(reason) => return Ok(Err(reason)),
        Frontispiece::Picture {
            width,
            height,
            scale,
        } => (width, height, scale),
    };
    let count = u64::from(width) * u64::from(height);
    if count == 0 || count > MAX_PIXELS || count != pixels.len() as u64 {
        return Err(BrokenFrame("a picture that is not of its size".into()));
    }
    if !(1e-3..=1e3).contains(&scale) {
        return Err(BrokenFrame("a picture of no scale".into()));
    }
    Ok(Ok(Picture {
        width,
        height,
        scale,
        pixels: pixels.to_vec(),
    }))
}

#[derive(Serialize, Deserialize)]
struct Reply<'a> {
    hash: Option<[u8; 32]>,
    bytes: u64,
    #[serde(borrow)]
    outcome: Answer<'a>,
    #[serde(borrow)]
    inner: Vec<Enclosed<'a>>,
}

/// An [`Inner`].
#[derive(Serialize, Deserialize)]
struct Enclosed<'a> {
    path: Cow<'a, str>,
    hash: Option<[u8; 32]>,
    bytes: u64,
    #[serde(borrow)]
    outcome: Answer<'a>,
}

/// An [`Outcome`].
#[derive(Serialize, Deserialize)]
enum Answer<'a> {
    #[serde(borrow)]
    Read(Box<Paper<'a>>),
    Failed(Lack),
    Skipped(Lack),
}

/// A [`Gap`]: why, and what would help.
#[derive(Serialize, Deserialize)]
struct Lack(String, Option<String>);

/// A [`Document`].
#[derive(Serialize, Deserialize)]
struct Paper<'a> {
    format: Format,
    title: Option<String>,
    language: Option<Language>,
    #[serde(borrow)]
    text: Cow<'a, str>,
    blocks: Vec<Stretch>,
    lines: Vec<(u64, [i32; 4])>,
    pages: Vec<(Badge, Option<Lack>)>,
    properties: Vec<(String, String)>,
    warnings: Vec<String>,
    incomplete: Option<Lack>,
}

/// A [`Block`].
#[derive(Serialize, Deserialize)]
struct Stretch {
    start: u64,
    end: u64,
    kind: BlockKind,
    place: Place,
    hidden: bool,
}

/// A [`Locator`]; the same variants.
#[derive(Serialize, Deserialize)]
enum Place {
    Lines(u32, u32),
    Page([u32; 4], Option<[i32; 4]>, Badge),
    Paragraphs(u32, u32),
    Cells(String, [u32; 4]),
    Slides(u32, u32),
    Chapter(u32, String, u32, u32),
    Part(String, u32, u32),
}

fn edges(area: Area) -> [i32; 4] {
    [area.left, area.top, area.right, area.bottom]
}

fn area([left, top, right, bottom]: [i32; 4]) -> Area {
    Area {
        left,
        top,
        right,
        bottom,
    }
}

impl From<&Gap> for Lack {
    fn from(gap: &Gap) -> Self {
        Lack(gap.reason.clone(), gap.help.clone())
    }
}

impl From<Lack> for Gap {
    fn from(Lack(reason, help): Lack) -> Self {
        Gap { reason, help }
    }
}

impl From<&Locator> for Place {
    fn from(locator: &Locator) -> Self {
        match locator.clone() {
            Locator::Lines { first, last } => Place::Lines(first, last),
            Locator::Page {
                page,
                first_line,
                last_line,
                last_page,
                area,
                badge,
            } => Place::Page(
                [page, first_line, last_line, last_page],
                area.map(edges),
                badge,
            ),
            Locator::Paragraphs { first, last } => Place::Paragraphs(first, last),
            Locator::Cells { sheet, first, last } => {
                Place::Cells(sheet, [first.row, first.column, last.row, last.column])
            }
            Locator::Slides { first, last } => Place::Slides(first, last),
            Locator::Chapter {
                number,
                title,
                first,
                last,
            } => Place::Chapter(number, title, first, last),
            Locator::Part { part, first, last } => Place::Part(part, first, last),
        }
    }
}

impl From<Place> for Locator {
    fn from(place: Place) -> Self {
        match place {
            Place::Lines(first, last) => Locator::Lines { first, last },
            Place::Page([page, first_line, last_line, last_page], place, badge) => Locator::Page {
                page,
                first_line,
                last_line,
                last_page,
                area: place.map(area),
                badge,
            },
            Place::Paragraphs(first, last) => Locator::Paragraphs { first, last },
            Place::Cells(sheet, [row, column, last_row, last_column]) => Locator::Cells {
                sheet,
                first: Cell { row, column },
                last: Cell {
                    row: last_row,
                    column: last_column,
                },
            },
            Place::Slides(first, last) => Locator::Slides { first, last },
            Place::Chapter(number, title, first, last) => Locator::Chapter {
                number,
                title,
                first,
                last,
            },
            Place::Part(part, first, last) => Locator::Part { part, first, last },
        }
    }
}

impl<'a> From<&'a Document> for Paper<'a> {
    fn from(document: &'a Document) -> Self {
        let stretch = |block: &Block| Stretch {
            start: block.span.start as u64,
            end: block.span.end as u64,
            kind: block.kind.clone(),
            place: (&block.locator).into(),
            hidden: block.hidden,
        };
        let line = |line: &Line| (line.start as u64, edges(line.area));
        let page = |page: &Page| (page.badge, page.gap.as_ref().map(Lack::from));
        Paper {
            format: document.format,
            title: document.title.clone(),
            language: document.language,
            text: Cow::Borrowed(&document.text),
            blocks: document.blocks.iter().map(stretch).collect(),
            lines: document.lines.iter().map(line).collect(),
            pages: document.pages.iter().map(page).collect(),
            properties: document.properties.clone(),
            warnings: document.warnings.clone(),
            incomplete: document.incomplete.as_ref().map(Lack::from),
        }
    }
}

impl From<Paper<'_>> for Document {
    fn from(paper: Paper<'_>) -> Self {
        let block = |stretch: Stretch| Block {
            span: stretch.start as usize..stretch.end as usize,
            kind: stretch.kind,
            locator: stretch.place.into(),
            hidden: stretch.hidden,
        };
        let line = |(start, edges)| Line {
            start: start as usize,
            area: area(edges),
        };
        let page = |(badge, gap): (Badge, Option<Lack>)| Page {
            badge,
            gap: gap.map(Gap::from),
        };
        Document {
            format: paper.format,
            title: paper.title,
            language: paper.language,
            text: paper.text.into_owned(),
            blocks: paper.blocks.into_iter().map(block).collect(),
            lines: paper.lines.into_iter().map(line).collect(),
            pages: paper.pages.into_iter().map(page).collect(),
            properties: paper.properties,
            warnings: paper.warnings,
            incomplete: paper.incomplete.map(Gap::from),
        }
    }
}

fn enclosed(inner: &Inner) -> Enclosed<'_> {
    Enclosed {
        path: Cow::Borrowed(&inner.path),
        hash: inner.hash.map(|hash| hash.0),
        bytes: inner.bytes,
        outcome: answer(&inner.outcome),
    }
}

fn answer(outcome: &Outcome) -> Answer<'_> {
    match outcome {
        Outcome::Read(document) => Answer::Read(Box::new(document.into())),
        Outcome::Failed(gap) => Answer::Failed(gap.into()),
        Outcome::Skipped(gap) => Answer::Skipped(gap.into()),
    }
}

/// What an answer says, checked.
fn outcome(answer: Answer<'_>) -> Result<Outcome, BrokenFrame> {
    Ok(match answer {
        Answer::Failed(gap) => Outcome::Failed(gap.into()),
        Answer::Skipped(gap) => Outcome::Skipped(gap.into()),
        Answer::Read(paper) => {
            let document = Document::from(*paper);
            check(&document).map_err(|broken| BrokenFrame(broken.to_string()))?;
            Outcome::Read(document)
        }
    })
}

/// The frame in which an extraction comes back.
pub(super) fn encode_reply(extraction: &Extraction) -> Result<Vec<u8>, BrokenFrame> {
    encode(&Reply {
        hash: extraction.hash.map(|hash| hash.0),
        bytes: extraction.bytes,
        outcome: answer(&extraction.outcome),
        inner: extraction.inner.iter().map(enclosed).collect(),
    })
}

/// The extraction in a frame. The child may have been taken over by the file it read: nothing
/// that it says is believed before it is checked.
pub(super) fn decode_reply(frame: &[u8]) -> Result<Extraction, BrokenFrame> {
    let reply: Reply<'_> = postcard::from_bytes(frame).map_err(broken)?;
    let inner = |enclosed: Enclosed<'_>| -> Result<Inner, BrokenFrame> {
        Ok(Inner {
            path: enclosed.path.into_owned(),
            outcome: outcome(enclosed.outcome)?,
            hash: enclosed.hash.map(ContentHash),
            bytes: enclosed.bytes,
        })
    };
    Ok(Extraction {
        outcome: outcome(reply.outcome)?,
        hash: reply.hash.map(ContentHash),
        bytes: reply.bytes,
        inner: reply
            .inner
            .into_iter()
            .map(inner)
            .collect::<Result<_, _>>()?,
    })
}

/// Decodes a frame as each side would, and sends on what it says.
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz(frame: &[u8]) {
    let _ = decode_ready(frame);
    if let Ok(request) = Request::decode(frame) {
        let again = request.encode().and_then(|frame| Request::decode(&frame));
        assert_eq!(again, Ok(request));
    }
    if let Ok(picture) = decode_picture(frame) {
        let again = encode_picture(&picture).and_then(|frame| decode_picture(&frame));
        assert_eq!(again, Ok(picture));
    }
    if let Ok(extraction) = decode_reply(frame) {
        let again = encode_reply(&extraction).and_then(|frame| decode_reply(&frame));
        assert_eq!(again, Ok(extraction));
    }
}

#[cfg(test)]
mod tests;
