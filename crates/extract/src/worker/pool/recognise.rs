//! Pages that need OCR: the worker makes pictures of them, Tesseract reads them, and the text goes
//! into the documents. Meanwhile the worker makes the next picture, and as many pages are read at
//! once as the pool has workers, whether they are of one file or of several.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::File;
use std::sync::{Mutex, PoisonError};

use docent_core::document::Document;
use docent_core::source::Gap;

use super::Place;
use crate::ocr::marker::needs_ocr;
use crate::ocr::merge::{Attempt, merge};
use crate::ocr::tesseract::Tesseract;
use crate::picture::Picture;
use crate::worker::protocol::{MAX_PICTURE_FRAME_BYTES, Request, Task, Wanted, decode_picture};
use crate::{ExtractError, Extraction, Outcome};

/// After so many workers lost over the pictures of one file the rest of its pages stay unread.
const MAX_LOSSES: usize = 3;

/// A page that needs OCR.
struct Scan {
    /// The path of the file inside the file; empty for the file itself.
    path: String,
    /// Its number, from 1.
    page: u32,
}

/// What became of pages, by the path of their file.
type Attempts = HashMap<String, BTreeMap<u32, Attempt>>;

impl Place<'_> {
    /// Recognises the pages of an extraction that need OCR, as far as there is a program for it.
    pub(super) fn recognise(
        &self,
        request: &Request,
        file: &File,
        extraction: &mut Extraction,
    ) -> Result<(), ExtractError> {
        let options = &self.pool.options.ocr;
        let mut scans = scans(extraction);
        if options.program.is_none() || scans.is_empty() {
            return Ok(());
        }
        let mut attempts = Attempts::new();
        let tesseract = self.pool.tesseract.get_or_init(|| Tesseract::new(options));
        match tesseract {
            Ok(tesseract) => {
                let beyond = scans.split_off(options.max_pages.min(scans.len()));
                give_up(&mut attempts, beyond, &too_many(options.max_pages));
                self.read_scans(request, file, tesseract, scans, &mut attempts)?;
            }
            Err(reason) => give_up(&mut attempts, scans, &failed(reason)),
        }
        for (path, document) in documents(extraction) {
            if let Some(attempts) = attempts.remove(path) {
                merge(document, attempts);
            }
        }
        Ok(())
    }

    fn read_scans(
        &self,
        request: &Request,
        file: &File,
        tesseract: &Tesseract,
        mut scans: VecDeque<Scan>,
        attempts: &mut Attempts,
    ) -> Result<(), ExtractError> {
        for _ in 0..MAX_LOSSES {
            if scans.is_empty() {
                return Ok(());
            }
            let request = Request {
                task: Task::Pictures(wanted(&scans)),
                ..request.clone()
            };
            let count = scans.len();
            let shared = Mutex::new(&mut *attempts);
            let asked = std::thread::scope(|scope| {
                self.ask(&request, file, count, MAX_PICTURE_FRAME_BYTES, |reply| {
                    let picture = decode_picture(reply)?;
                    let Some(scan) = scans.pop_front() else {
                        return Ok(());
                    };
                    let (turn, shared) = (self.pool.recognising.take(), &shared);
                    scope.spawn(move || {
                        let attempt = read(tesseract, picture);
                        drop(turn);
                        let mut attempts = shared.lock().unwrap_or_else(PoisonError::into_inner);
                        note(&mut attempts, scan, attempt);
                    });
                    Ok(())
                })
            })?;
            // The page over which the worker was lost is left out, and the next one tried.
            if let (Err(reason), Some(scan)) = (asked, scans.pop_front()) {
                note(attempts, scan, Err(failed(&reason)));
            }
        }
        give_up(
            attempts,
            scans,
            &failed("its pictures took the worker down"),
        );
        Ok(())
    }
}

fn read(tesseract: &Tesseract, picture: Result<Picture, String>) -> Attempt {
    let text = picture.and_then(|picture| tesseract.recognise(&picture));
    text.map_err(|reason| failed(&reason))
}

/// The pages that need OCR, those of the file itself first.
fn scans(extraction: &mut Extraction) -> VecDeque<Scan> {
    let mut scans = VecDeque::new();
    for (path, document) in documents(extraction) {
        let unread = (1..)
            .zip(&document.pages)
            .filter(|(_, page)| needs_ocr(page));
        scans.extend(unread.map(|(page, _)| Scan {
            path: path.to_owned(),
            page,
        }));
    }
    scans
}

/// The documents of an extraction by their paths.
fn documents(extraction: &mut Extraction) -> impl Iterator<Item = (&str, &mut Document)> {
    let outermost = std::iter::once(("", &mut extraction.outcome));
    let inner = extraction.inner.iter_mut();
    outermost
        .chain(inner.map(|inner| (inner.path.as_str(), &mut inner.outcome)))
        .filter_map(|(path, outcome)| match outcome {
            Outcome::Read(document) => Some((path, document)),
            Outcome::Failed(_) | Outcome::Skipped(_) => None,
        })
}

/// The same pages file by file.
fn wanted(scans: &VecDeque<Scan>) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for scan in scans {
        match wanted.last_mut() {
            Some(last) if last.path == scan.path => last.pages.push(scan.page),
            _ => wanted.push(Wanted {
                path: scan.path.clone(),
                pages: vec![scan.page],
            }),
        }
    }
    wanted
}

fn note(attempts: &mut Attempts, Scan { path, page }: Scan, attempt: Attempt) {
    attempts.entry(path).or_default().insert(page, attempt);
}

fn give_up(attempts: &mut Attempts, scans: VecDeque<Scan>, gap: &Gap) {
    for scan in scans {
        note(attempts, scan, Err(gap.clone()));
    }
}

fn failed(reason: &str) -> Gap {
    Gap::new(format!("OCR failed: {reason}"))
}

fn too_many(max_pages: usize) -> Gap {
    Gap::new(format!("OCR stops after {max_pages} pages of a file"))
        .help("raise the setting ocr_max_pages")
}
