//! One extraction under way: its bounds, and the files inside the file, which are read like any
//! other.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{self, Read};
use std::time::Instant;

use docent_core::document::Document;
use docent_core::source::{ContentHash, Gap};

use crate::format::{self, pdf::Engines};
use crate::{Extraction, Inner, Limits, Outcome, people_bytes};

/// What a reader makes of a file: a document, and the files that lie inside.
pub(crate) struct Reading {
    pub(crate) document: Document,
    pub(crate) inner: Vec<Inner>,
}

impl From<Document> for Reading {
    fn from(document: Document) -> Reading {
        Reading {
            document,
            inner: Vec::new(),
        }
    }
}

/// Why a reader gives no document.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    /// It should have been read and could not be.
    Failed(Gap),
    /// It is left out on purpose.
    Skipped(Gap),
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Outcome {
        match refusal {
            Refusal::Failed(gap) => Outcome::Failed(gap),
            Refusal::Skipped(gap) => Outcome::Skipped(gap),
        }
    }
}

/// A reason is one for failing; leaving out is said on purpose.
impl<G: Into<Gap>> From<G> for Refusal {
    fn from(why: G) -> Refusal {
        Refusal::Failed(why.into())
    }
}

/// What all files inside one file share.
struct Shared<'a> {
    deadline: Instant,
    /// Bytes that may still be unpacked.
    bytes: Cell<u64>,
    /// Files that may still be read.
    entries: Cell<usize>,
    /// Set when not the documents are wanted but the bytes of some files inside.
    search: Option<Search<'a>>,
}

/// A search for files inside a file by their paths.
struct Search<'a> {
    wanted: &'a [&'a str],
    found: RefCell<HashMap<String, Vec<u8>>>,
}

impl Search<'_> {
    /// Keeps a file that is wanted.
    fn meet(&self, path: &str, bytes: &[u8]) {
        if self.wanted.contains(&path) {
            self.found
                .borrow_mut()
                .insert(path.to_owned(), bytes.to_vec());
        }
    }

    /// Whether a file inside the one at `path` is wanted.
    fn leads_on(&self, path: &str) -> bool {
        let inside = |wanted: &&str| {
            wanted
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        self.wanted.iter().any(inside)
    }
}

/// One file of an extraction: the outermost, or one inside it.
pub(crate) struct Job<'a> {
    /// The file's path or name, of which the extension counts.
    pub(crate) name: &'a str,
    pub(crate) limits: &'a Limits,
    pub(crate) engines: Engines,
    depth: u32,
    /// Its path in the outermost file, with a `/` behind it; empty for the outermost.
    prefix: String,
    shared: &'a Shared<'a>,
}

/// Extracts a file with everything inside it.
pub(crate) fn run(bytes: &[u8], name: &str, limits: &Limits, engines: Engines) -> Extraction {
    let shared = Shared::new(limits, None);
    Job::outermost(name, limits, engines, &shared).extract(bytes)
}

/// Reads a file once more for the bytes of files inside it, by the paths under which [`run`] gave
/// them.
pub(crate) fn find(
    bytes: &[u8],
    name: &str,
    limits: &Limits,
    engines: Engines,
    wanted: &[&str],
) -> HashMap<String, Vec<u8>> {
    let search = Search {
        wanted,
        found: RefCell::default(),
    };
    let shared = Shared::new(limits, Some(search));
    Job::outermost(name, limits, engines, &shared).extract(bytes);
    let found = shared.search.map(|search| search.found.into_inner());
    found.unwrap_or_default()
}

impl<'a> Shared<'a> {
    fn new(limits: &Limits, search: Option<Search<'a>>) -> Self {
        Shared {
            deadline: limits.deadline(),
            bytes: Cell::new(limits.max_unpacked_bytes),
            entries: Cell::new(limits.max_entries),
            search,
        }
    }
}

impl<'a> Job<'a> {
    fn outermost(
        name: &'a str,
        limits: &'a Limits,
        engines: Engines,
        shared: &'a Shared<'a>,
    ) -> Self {
        Job {
            name,
            limits,
            engines,
            depth: 0,
            prefix: String::new(),
            shared,
        }
    }

    /// Whether the time for this file and everything inside it is over.
    pub(crate) fn is_late(&self) -> bool {
        Instant::now() >= self.shared.deadline
    }

    fn extract(&self, bytes: &[u8]) -> Extraction {
        let size = bytes.len() as u64;
        if let Some(outcome) = self.limits.refuse(size) {
            return Extraction {
                outcome,
                hash: None,
                bytes: 0,
                inner: Vec::new(),
            };
        }
        let (outcome, inner) = format::read(bytes, self);
        Extraction {
            outcome,
            hash: Some(ContentHash(*blake3::hash(bytes).as_bytes())),
            bytes: size,
            inner,
        }
    }

    /// Extracts a file that lies inside this one under `path`, with everything inside it. The
    /// first of the result is that file itself.
    pub(crate) fn open(&self, path: &str, bytes: &[u8]) -> Vec<Inner> {
        let path = tidy_path(path);
        if let Some(gap) = self.refuse_entry() {
            return vec![left_out(path, gap, bytes.len() as u64)];
        }
        let whole_path = format!("{}{path}", self.prefix);
        if let Some(search) = &self.shared.search {
            search.meet(&whole_path, bytes);
            if !search.leads_on(&whole_path) {
                return Vec::new();
            }
        }
        let job = Job {
            name: &path,
            limits: self.limits,
            engines: self.engines,
            depth: self.depth + 1,
            prefix: whole_path + "/",
            shared: self.shared,
        };
        let extraction = job.extract(bytes);
        let deeper = extraction.inner.into_iter().map(|inner| Inner {
            path: format!("{path}/{}", inner.path),
            ..inner
        });
        let mut found = vec![Inner {
            path: path.clone(),
            outcome: extraction.outcome,
            hash: extraction.hash,
            bytes: extraction.bytes,
        }];
        found.extend(deeper);
        found
    }

    /// Why no further file inside this one is read, if none is.
    fn refuse_entry(&self) -> Option<Gap> {
        if self.depth >= self.limits.max_depth {
            let reason = format!(
                "files inside files, more than {} deep",
                self.limits.max_depth
            );
            return Some(Gap::new(reason).help("raise the setting max_depth, or unpack it"));
        }
        let Some(left) = self.shared.entries.get().checked_sub(1) else {
            let reason = format!("more than {} files in one", self.limits.max_entries);
            return Some(Gap::new(reason).help("raise the setting max_entries, or unpack it"));
        };
        self.shared.entries.set(left);
        self.is_late()
            .then(|| Gap::new("the time for the file that holds it was over").help("unpack it"))
    }

    /// Reads a compressed part to its end, `packed` bytes of which lie in the file, within what
    /// is left of the bound on unpacked bytes and within the bound on the ratio.
    ///
    /// # Errors
    /// Those of `part`, and a part that grows beyond a bound.
    pub(crate) fn unpack(&self, part: impl Read, packed: u64) -> io::Result<Vec<u8>> {
        let left = self.shared.bytes.get();
        let mut part = Counted { part, bytes: 0 };
        let most = self.limits.max_unpacked_bytes;
        let unpacked = self.unpack_within(&mut part, packed, left, most);
        self.shared.bytes.set(left.saturating_sub(part.bytes));
        unpacked
    }

    /// The same for a part that is not kept, as the content of one page of many: it may have
    /// `most` bytes and does not count for the parts after it.
    ///
    /// # Errors
    /// Those of `part`, and a part that grows beyond a bound (of kind [`io::ErrorKind::Other`]).
    pub(crate) fn unpack_passing(
        &self,
        part: impl Read,
        packed: u64,
        most: u64,
    ) -> io::Result<Vec<u8>> {
        let most = most.min(self.limits.max_unpacked_bytes);
        self.unpack_within(part, packed, most, most)
    }

    /// Unpacks a part of at most `left` bytes; `most` is the bound that an error names.
    fn unpack_within(
        &self,
        part: impl Read,
        packed: u64,
        left: u64,
        most: u64,
    ) -> io::Result<Vec<u8>> {
        /// Below this a ratio says nothing: a page of blanks shrinks to nothing.
        const RATIO_FROM: u64 = 1 << 20;
        let by_ratio = packed.saturating_mul(self.limits.max_ratio).max(RATIO_FROM);
        let bound = left.min(by_ratio);
        let mut bytes = Vec::new();
        part.take(bound.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= bound {
            return Ok(bytes);
        }
        Err(io::Error::other(match bound == by_ratio {
            true => format!(
                "unpacks to more than {} times its size (setting max_ratio)",
                self.limits.max_ratio
            ),
            false => format!(
                "unpacks to more than {} (setting max_unpacked_bytes)",
                people_bytes(most)
            ),
        }))
    }
}

/// A part that counts what is read of it, also where reading fails.
struct Counted<R> {
    part: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.part.read(buffer)?;
        self.bytes += count as u64;
        Ok(count)
    }
}

/// A file inside that is left out unread.
pub(crate) fn left_out(path: String, gap: Gap, bytes: u64) -> Inner {
    Inner {
        path,
        outcome: Outcome::Skipped(gap),
        hash: None,
        bytes,
    }
}

/// A path as the parts of one that lead nowhere else: no root, no `..`, no empty part.
fn tidy_path(path: &str) -> String {
    let parts = path
        .split(['/', '\\'])
        .filter(|part| !matches!(*part, "" | "." | ".."));
    let tidy: Vec<String> = parts
        .map(|part| part.chars().filter(|c| !c.is_control()).collect())
        .collect();
    match tidy.is_empty() {
        true => "unnamed".to_owned(),
        false => tidy.join("/"),
    }
}

/// Makes the paths of files inside one file differ: the second `a.txt` becomes `a (2).txt`.
pub(crate) fn unique_path(path: &str, taken: &mut std::collections::HashSet<String>) -> String {
    let path = tidy_path(path);
    let (stem, extension) = match path.rsplit_once('.') {
        Some((stem, extension)) if !extension.contains('/') => (stem, format!(".{extension}")),
        _ => (path.as_str(), String::new()),
    };
    let numbered = (2..).map(|number| format!("{stem} ({number}){extension}"));
    std::iter::once(path.clone())
        .chain(numbered)
        .find(|candidate| taken.insert(candidate.clone()))
        .unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn with_job<T>(limits: &Limits, depth: u32, test: impl FnOnce(&Job<'_>) -> T) -> T {
        let shared = Shared::new(limits, None);
        test(&Job {
            depth,
            ..Job::outermost("a.zip", limits, Engines::Both, &shared)
        })
    }

    #[test]
    fn a_file_inside_is_read_like_any_other() {
        with_job(&Limits::default(), 0, |job| {
            let found = job.open("../letters//a.md", b"# Hello\n");
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].path, "letters/a.md");
            assert!(
                matches!(&found[0].outcome, Outcome::Read(document) if document.title.as_deref() == Some("Hello"))
            );
        });
    }

    #[test]
    fn a_search_finds_what_it_wants_and_reads_nothing_else() {
        let limits = Limits::default();
        let search = Search {
            wanted: &["letters/a.png", "b.zip/c.png"],
            found: RefCell::default(),
        };
        let shared = Shared::new(&limits, Some(search));
        let job = Job::outermost("a.zip", &limits, Engines::Both, &shared);
        assert!(job.open("letters/a.png", b"one").is_empty());
        assert!(job.open("letters/b.md", b"two").is_empty());
        // One that may hold what is wanted is read as ever.
        assert_eq!(job.open("b.zip", b"three").len(), 1);
        let found = shared.search.unwrap().found.into_inner();
        assert_eq!(found.len(), 1);
        assert_eq!(found["letters/a.png"], b"one");
    }

    #[test]
    fn bounds_on_depth_and_number_leave_out_the_rest() {
        let limits = Limits {
            max_depth: 1,
            max_entries: 1,
            ..Limits::default()
        };
        let skipped = |found: &[Inner]| matches!(found[0].outcome, Outcome::Skipped(_));
        with_job(&limits, 1, |job| assert!(skipped(&job.open("a.txt", b"a"))));
        with_job(&limits, 0, |job| {
            assert!(!skipped(&job.open("a.txt", b"a")));
            assert!(skipped(&job.open("b.txt", b"b")));
        });
    }

    #[test]
    fn unpacking_stops_at_each_bound() {
        let limits = Limits {
            max_unpacked_bytes: 3 << 20,
            max_ratio: 2,
            ..Limits::default()
        };
        with_job(&limits, 0, |job| {
            let zeros = |count: u64| io::repeat(0).take(count);
            assert_eq!(job.unpack(zeros(1 << 20), 10).unwrap().len(), 1 << 20);
            let ratio = job.unpack(zeros((1 << 20) + 1), 10).unwrap_err();
            assert!(ratio.to_string().contains("max_ratio"));
            let total = job.unpack(zeros(2 << 20), 1 << 20).unwrap_err();
            assert!(total.to_string().contains("max_unpacked_bytes"));
        });
    }

    #[test]
    fn paths_inside_differ() {
        let mut taken = HashSet::new();
        let mut unique = |path| unique_path(path, &mut taken);
        assert_eq!(unique("a/b.txt"), "a/b.txt");
        assert_eq!(unique("a/b.txt"), "a/b (2).txt");
        assert_eq!(unique("/a/./b.txt"), "a/b (3).txt");
        assert_eq!(unique(".."), "unnamed");
        assert_eq!(unique(""), "unnamed (2)");
    }
}
