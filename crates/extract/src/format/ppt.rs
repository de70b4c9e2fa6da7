//! Presentations of the binary kind: PPT (MS-PPT).
//!
//! The stream holds every state that was ever saved; a directory says where the parts of the
//! last one lie. Where it is damaged, all slides of the stream are read in their order.

use docent_core::document::{BlockKind, Format, Locator};

use super::compound::{Compound, encrypted, summary, u32_at};
use crate::charset::plural;
use crate::compose::Composer;
use crate::job::{Reading, Refusal, unique_path};

mod directory;
mod record;
mod slide;

use directory::{Directory, Listed};
use record::Record;
use slide::Slide;

/// Begins a `Current User` stream whose presentation is encrypted.
const ENCRYPTED: u32 = 0xf3d1_c4df;

/// Reads a presentation. Places are slides.
pub(super) fn read(file: &Compound<'_>) -> Result<Reading, Refusal> {
    let user = file.stream("Current User").unwrap_or_default();
    if u32_at(&user, 12) == Some(ENCRYPTED) {
        return Err(encrypted().into());
    }
    let Some(stream) = file.stream("PowerPoint Document") else {
        return Err("damaged: the presentation cannot be unpacked".into());
    };
    let directory = Directory::read(&stream, u32_at(&user, 16));
    if directory.is_encrypted {
        return Err(encrypted().into());
    }
    let (slides, masters) = match directory.document(&stream) {
        Some(document) => directory::lists(&stream, &directory, document),
        None => (directory::all_slides(&stream), Vec::new()),
    };
    let mut deck = Deck {
        composer: Composer::new(Format::Slides),
        hidden: 0,
    };
    let mut late = false;
    let count = slides.len();
    for (at, listed) in slides.iter().enumerate() {
        late = file.job.is_late() || at >= file.job.limits.max_pages;
        if late {
            break;
        }
        deck.slide(listed, at as u32 + 1);
    }
    for master in &masters {
        let master = Slide::read(master.record, &[]);
        deck.furniture(master.free, 1);
        deck.furniture(master.running, 1);
    }
    if let Some(document) = directory.document(&stream) {
        deck.furniture(slide::running(document), 1);
    }
    summary::read(file, &mut deck.composer, place(count.max(1) as u32));
    let inner = objects(file, &stream, &directory);
    let document = deck.composer.document();
    if deck.hidden > 0 {
        document
            .warnings
            .push(plural(deck.hidden, "hidden slide").into_owned());
    }
    if late {
        document.incomplete = Some("not read: the last slides, because of the limits".into());
    }
    Ok(Reading {
        document: deck.composer.finish(),
        inner,
    })
}

fn place(number: u32) -> Locator {
    Locator::Slides {
        first: number,
        last: number,
    }
}

struct Deck {
    composer: Composer,
    hidden: usize,
}

impl Deck {
    fn slide(&mut self, listed: &Listed<'_>, number: u32) {
        let slide = Slide::read(listed.record, &listed.outline);
        self.hidden += usize::from(slide.is_hidden);
        for title in &slide.titles {
            self.push(
                BlockKind::Heading { level: 1 },
                title,
                number,
                slide.is_hidden,
            );
        }
        for text in slide.bodies.iter().chain(&slide.free) {
            self.push(BlockKind::Paragraph, text, number, slide.is_hidden);
        }
        for comment in &slide.comments {
            self.push(BlockKind::Paragraph, comment, number, slide.is_hidden);
        }
        self.furniture(slide.running, number);
        if let Some(notes) = listed.notes {
            let notes = Slide::read(notes, &[]);
            let texts: Vec<String> = notes.bodies.into_iter().chain(notes.free).collect();
            let text = texts.join("\n");
            if !text.trim().is_empty() {
                self.push(
                    BlockKind::Paragraph,
                    &format!("Notes: {text}"),
                    number,
                    slide.is_hidden,
                );
            }
            self.furniture(notes.running, number);
        }
    }

    fn push(&mut self, kind: BlockKind, text: &str, number: u32, is_hidden: bool) {
        match is_hidden {
            true => self.composer.push_hidden(kind, text, place(number)),
            false => self.composer.push(kind, text, place(number)),
        }
    }

    fn furniture(&mut self, texts: Vec<String>, number: u32) {
        for text in texts {
            let is_mark = text.trim().is_empty() || text.trim() == "*";
            if !is_mark && !self.composer.has_furniture(&text) {
                self.composer.push_furniture(&text, place(number));
            }
        }
    }
}

/// Reads the files that other programs put into the presentation.
fn objects(file: &Compound<'_>, stream: &[u8], directory: &Directory) -> Vec<crate::Inner> {
    let mut taken = std::collections::HashSet::new();
    let mut found = Vec::new();
    for at in directory.places() {
        let Some(record) = Record::at(stream, at).filter(|record| record.kind == record::OBJECT)
        else {
            continue;
        };
        let packed = record.body.len() as u64;
        let bytes = match record.instance {
            0 => Ok(record.body.to_vec()),
            _ => {
                let rest = record.body.get(4..).unwrap_or_default();
                file.job
                    .unpack(flate2::read::ZlibDecoder::new(rest), packed)
            }
        };
        if let Ok(bytes) = bytes {
            found.extend(
                file.job
                    .open(&unique_path("object.bin", &mut taken), &bytes),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests;
