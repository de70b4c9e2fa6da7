//! Where the parts of a presentation lie (MS-PPT 2.1.2).

use std::collections::BTreeMap;

use super::super::compound::u32_at;
use super::record::{self, Record, Records};

/// A presentation was saved so often at most.
const MAX_EDITS: usize = 1_000;

/// Where the last state of each part lies, by the part's number.
#[derive(Debug, Default)]
pub(super) struct Directory {
    places: BTreeMap<u32, usize>,
    document: Option<u32>,
    pub(super) is_encrypted: bool,
}

/// A slide as the presentation lists it.
pub(super) struct Listed<'s> {
    pub(super) record: Record<'s>,
    /// Its texts, which shapes refer to by number, each with its kind.
    pub(super) outline: Vec<(u32, String)>,
    pub(super) notes: Option<Record<'s>>,
}

impl Directory {
    /// Follows the edits back from the last one, which lies at `last`.
    pub(super) fn read(stream: &[u8], last: Option<u32>) -> Directory {
        let mut directory = Directory::default();
        let mut at = last.unwrap_or(0) as usize;
        for _ in 0..MAX_EDITS {
            let edit = Record::at(stream, at).filter(|edit| edit.kind == record::USER_EDIT);
            let Some(edit) = edit else {
                break;
            };
            directory.is_encrypted |= edit.body.len() >= 32;
            directory.document = directory.document.or(u32_at(edit.body, 16));
            let list = u32_at(edit.body, 12).and_then(|at| Record::at(stream, at as usize));
            if let Some(list) = list.filter(|list| list.kind == record::PERSIST_DIRECTORY) {
                directory.take(list.body);
            }
            match u32_at(edit.body, 8) {
                Some(before) if before != 0 && (before as usize) < at => at = before as usize,
                _ => break,
            }
        }
        directory
    }

    /// Takes in a list: a number and a count, then as many places.
    fn take(&mut self, list: &[u8]) {
        let mut at = 0;
        while let Some(run) = u32_at(list, at) {
            let (first, count) = (run & 0xf_ffff, run >> 20);
            for number in 0..count {
                let Some(place) = u32_at(list, at + 4 + number as usize * 4) else {
                    return;
                };
                self.places.entry(first + number).or_insert(place as usize);
            }
            at += 4 + count as usize * 4;
        }
    }

    fn part<'s>(&self, stream: &'s [u8], number: u32) -> Option<Record<'s>> {
        Record::at(stream, *self.places.get(&number)?)
    }

    /// Where all parts lie, in the order of their numbers.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.places.values().copied()
    }

    /// The part that lists all others.
    pub(super) fn document<'s>(&self, stream: &'s [u8]) -> Option<Record<'s>> {
        let document = self.part(stream, self.document?)?;
        (document.kind == record::DOCUMENT).then_some(document)
    }
}

/// The slides and the masters that the document lists.
pub(super) fn lists<'s>(
    stream: &'s [u8],
    directory: &Directory,
    document: Record<'s>,
) -> (Vec<Listed<'s>>, Vec<Listed<'s>>) {
    let mut found: [Vec<(u32, Listed<'s>)>; 3] = Default::default();
    for list in document
        .children()
        .filter(|child| child.kind == record::SLIDE_LIST)
    {
        let Some(slides) = found.get_mut(usize::from(list.instance)) else {
            continue;
        };
        let mut kind = 0;
        let mut is_known = false;
        for child in list.children() {
            match child.kind {
                record::SLIDE_PERSIST => {
                    let number = u32_at(child.body, 0).unwrap_or(0);
                    let id = u32_at(child.body, 12).unwrap_or(0);
                    let part = directory.part(stream, number);
                    is_known = part.is_some();
                    slides.extend(part.map(|record| {
                        let listed = Listed {
                            record,
                            outline: Vec::new(),
                            notes: None,
                        };
                        (id, listed)
                    }));
                }
                record::TEXT_HEADER => kind = u32_at(child.body, 0).unwrap_or(0),
                record::TEXT_CHARS | record::TEXT_BYTES if is_known => {
                    if let Some((_, slide)) = slides.last_mut() {
                        slide.outline.push((kind, child.text()));
                    }
                }
                _ => {}
            }
        }
    }
    let [mut slides, masters, notes] = found;
    for (_, note) in notes {
        // Notes name the slide that they are of.
        let atom = note
            .record
            .children()
            .find(|child| child.kind == record::NOTES_ATOM);
        let of = atom.and_then(|atom| u32_at(atom.body, 0));
        if let Some((_, slide)) = slides.iter_mut().find(|(id, _)| Some(*id) == of) {
            slide.notes = Some(note.record);
        }
    }
    let without_ids =
        |list: Vec<(u32, Listed<'s>)>| list.into_iter().map(|(_, listed)| listed).collect();
    (without_ids(slides), without_ids(masters))
}

/// Every slide of a stream whose directory is damaged.
pub(super) fn all_slides(stream: &[u8]) -> Vec<Listed<'_>> {
    let records = Records { stream };
    let slides = records.filter(|record| record.kind == record::SLIDE);
    slides
        .map(|record| Listed {
            record,
            outline: Vec::new(),
            notes: None,
        })
        .collect()
}
