//! A collection: a named set of folders with its own index, opened for reading.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use docent_core::document::{Badge, Document, Page};
use docent_core::model::Embedder;
use docent_core::source::{Gap, SourceState};
use docent_store::{
    Change, Conversations, DocumentId, Outcome, Reader, SecondStatus, SourceReport, StateFilter,
    StoredDocument, Writer,
};
use serde::Serialize;

use crate::embedding::SecondIndex;
use crate::error::EngineError;
use crate::indexer::{IndexOptions, Indexer};
use crate::library::{self, Library};
use crate::reconcile;
use crate::summarize;

/// A collection. Cheap to clone; reading never waits for writing.
#[derive(Clone)]
pub struct Collection {
    shared: Arc<Shared>,
}

struct Shared {
    library: Library,
    name: String,
    home: PathBuf,
    reader: Reader,
    standing: Mutex<Option<(Instant, Standing)>>,
    /// The embedder that was loaded for its vectors, where it is not the library's.
    former: Mutex<Option<Arc<dyn Embedder>>>,
}

/// What every search tells about the collection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// Documents that can be found.
    pub(crate) documents: u64,
    /// The share of the chunks that have their vector, 0 to 1.
    pub(crate) embedded: f32,
}

/// The folder in a collection's home where models keep what they have read of its prompts.
pub(crate) const PREFIXES_FOLDER: &str = "prefixes";
/// How old what is told of the collection may be: counting takes longer than a search.
const STANDING_AGE: Duration = Duration::from_millis(500);

/// How a collection stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CollectionStatus {
    /// Its name.
    pub name: String,
    /// Its folders.
    pub roots: Vec<PathBuf>,
    /// Files found below them.
    pub seen: u64,
    /// Files indexed wholly.
    pub indexed: u64,
    /// Files indexed in part.
    pub partial: u64,
    /// Files that could not be read.
    pub failed: u64,
    /// Files left out on purpose.
    pub skipped: u64,
    /// Chunks that can be found by their words.
    pub chunks: u64,
    /// Chunks that can be found by their meaning.
    pub chunks_embedded: u64,
    /// Chunks that wait for their vector.
    pub pending: u64,
    /// Size of the index on disk.
    pub bytes_on_disk: u64,
    /// Name and hash of the embedder whose vectors are searched.
    pub embedder: Option<String>,
    /// The vectors of another embedder that are made to take their place.
    pub second_index: Option<SecondIndex>,
    /// The last committed state.
    pub revision: u64,
    /// When that was committed, in seconds since 1970.
    pub updated: Option<i64>,
}

impl From<SecondStatus> for SecondIndex {
    fn from(second: SecondStatus) -> SecondIndex {
        SecondIndex {
            embedder: second.fingerprint,
            chunks_embedded: second.embedded,
            pending: second.pending,
        }
    }
}

/// A file that is not simply indexed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Problem {
    /// The folder that it lies in.
    pub root: PathBuf,
    /// Its path below that folder.
    pub path: String,
    /// `partial`, `failed` or `skipped`.
    pub state: String,
    /// Why, and what would help.
    #[serde(flatten)]
    pub gap: Gap,
}

/// A file or some of its pages that were not read, or not simply read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Uncovered {
    /// The folder that it lies in.
    pub root: PathBuf,
    /// Its path below that folder.
    pub path: String,
    /// First and last page, where only some of its pages are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<(u32, u32)>,
    /// `partial`, `failed`, `skipped`; or, of pages, `repaired`, `ocr`, `unreadable`.
    pub state: String,
    /// Why, and what would help.
    #[serde(flatten)]
    pub gap: Gap,
}

impl Uncovered {
    /// The path, and the pages where only some are meant: `scan.pdf, pages 2–4`.
    pub fn place(&self) -> String {
        match self.pages {
            None => self.path.clone(),
            Some((first, last)) if first == last => format!("{}, page {first}", self.path),
            Some((first, last)) => format!("{}, pages {first}–{last}", self.path),
        }
    }
}

/// A document as the viewer shows it.
#[derive(Debug, Clone)]
pub struct DocumentView {
    /// Its id in the store.
    pub id: i64,
    /// The folder that its file lies in.
    pub root: PathBuf,
    /// The file's path below that folder.
    pub path: String,
    /// What was extracted.
    pub document: Document,
}

impl Collection {
    pub(crate) fn open(library: &Library, name: String) -> Result<Collection, EngineError> {
        let home = library.home().join(&name);
        let reader = docent_store::open_reader(&home)?;
        Ok(Collection {
            shared: Arc::new(Shared {
                library: library.clone(),
                name,
                home,
                reader,
                standing: Mutex::default(),
                former: Mutex::default(),
            }),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The library that it belongs to.
    pub fn library(&self) -> &Library {
        &self.shared.library
    }

    /// Its home on disk.
    pub(crate) fn home(&self) -> &Path {
        &self.shared.home
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.shared.reader
    }

    pub(crate) fn open_writer(&self) -> Result<Writer, EngineError> {
        docent_store::open_writer(&self.shared.home, &self.library().identity())
            .map_err(|error| library::busy(self.name(), error))
    }

    /// Its folders.
    ///
    /// # Errors
    /// When the catalog cannot be read; so for everything below.
    pub fn roots(&self) -> Result<Vec<PathBuf>, EngineError> {
        Ok(self
            .reader()
            .roots()?
            .into_iter()
            .map(|root| root.path)
            .collect())
    }

    /// How it stands.
    pub fn status(&self) -> Result<CollectionStatus, EngineError> {
        let status = self.reader().status()?;
        Ok(CollectionStatus {
            name: self.name().to_owned(),
            roots: self.roots()?,
            seen: status.indexed + status.partial + status.failed + status.skipped,
            indexed: status.indexed,
            partial: status.partial,
            failed: status.failed,
            skipped: status.skipped,
            chunks: status.chunks,
            chunks_embedded: status.embedded,
            pending: status.pending,
            bytes_on_disk: status.bytes_on_disk,
            embedder: (!status.fingerprint.is_empty()).then_some(status.fingerprint),
            second_index: status.second.map(SecondIndex::from),
            revision: status.revision.0,
            updated: status.committed_ns.map(|ns| ns / 1_000_000_000),
        })
    }

    /// The embedder whose vectors are searched; why it cannot be had, where it cannot.
    pub(crate) fn searched_by(&self) -> Result<Result<Arc<dyn Embedder>, String>, EngineError> {
        let vectors = self.reader().embedder()?;
        let chosen = self.library().embedder();
        if vectors.fingerprint.is_empty() {
            return Ok(Ok(Arc::clone(chosen)));
        }
        let found = self.library().embedder_of(&vectors);
        let former = found.as_ref().ok();
        let former = former.filter(|found| found.fingerprint() != chosen.fingerprint());
        // Held until the vectors are the chosen one's.
        *self
            .shared
            .former
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = former.cloned();
        Ok(found)
    }

    /// The embedder that questions and passages are compared by: the one whose vectors are
    /// searched, or the chosen one where that cannot be had.
    pub(crate) fn embedder(&self) -> Result<Arc<dyn Embedder>, EngineError> {
        let chosen = || Arc::clone(self.library().embedder());
        Ok(self.searched_by()?.unwrap_or_else(|_| chosen()))
    }

    /// The second index, where one is being made.
    pub(crate) fn second_index(&self) -> Result<Option<SecondIndex>, EngineError> {
        Ok(self.reader().second()?.map(SecondIndex::from))
    }

    /// How it stands, as far as each search tells it.
    pub(crate) fn standing(&self) -> Result<Standing, EngineError> {
        let mut known = self
            .shared
            .standing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((at, standing)) = *known
            && at.elapsed() < STANDING_AGE
        {
            return Ok(standing);
        }
        let status = self.reader().status()?;
        let standing = Standing {
            documents: status.indexed + status.partial,
            embedded: status.embedded as f32 / status.chunks.max(1) as f32,
        };
        *known = Some((Instant::now(), standing));
        Ok(standing)
    }

    /// Files that are not simply indexed: failed ones first, then partial, then skipped.
    pub fn problems(&self, limit: usize) -> Result<Vec<Problem>, EngineError> {
        let mut problems = Vec::new();
        for filter in [
            StateFilter::Failed,
            StateFilter::Partial,
            StateFilter::Skipped,
        ] {
            let left = limit.saturating_sub(problems.len());
            let sources = self.reader().sources_with(filter, left)?;
            problems.extend(sources.into_iter().map(problem));
        }
        Ok(problems)
    }

    /// Every file and page that was not read, or not simply read: what is lost first, then what
    /// is in doubt, then what was left out; by path.
    pub fn coverage(&self) -> Result<Vec<Uncovered>, EngineError> {
        let covered = self.reader().coverage()?;
        let mut rows: Vec<Uncovered> = covered
            .into_iter()
            .flat_map(|(source, pages)| uncovered(&source, &pages))
            .collect();
        rows.sort_by_key(|row| match row.state.as_str() {
            "failed" | "unreadable" => 0,
            "skipped" => 2,
            _ => 1,
        });
        Ok(rows)
    }

    /// A document by its id; `None` if it is not live any more.
    pub fn view(&self, document: i64) -> Result<Option<DocumentView>, EngineError> {
        Ok(self.reader().document(DocumentId(document))?.map(view))
    }

    /// The documents that a person means by a path: the exact one (relative to a folder of the
    /// collection, or on disk), else all whose path contains it, at most ten.
    pub fn find(&self, path: &str) -> Result<Vec<DocumentView>, EngineError> {
        let path = path.trim_start_matches("./");
        for root in self.reader().roots()? {
            let below = below(&root.path, Path::new(path));
            let exact = below.as_deref().unwrap_or(path);
            if let Some(stored) = self.reader().find_document(Some(root.id), exact)? {
                return Ok(vec![view(stored)]);
            }
        }
        let mut views = Vec::new();
        for matching in self.reader().paths_matching(path, 10)? {
            if let Some(document) = matching.document {
                views.extend(self.view(document.0)?);
            }
        }
        Ok(views)
    }

    /// Takes a file, or all below a folder, out of the index; the file itself stays. It is not
    /// read again until the collection is indexed with `full`.
    ///
    /// # Errors
    /// When nothing indexed has the path, or another docent writes.
    pub fn forget(&self, path: &Path) -> Result<usize, EngineError> {
        let mut writer = self.open_writer()?;
        let forgotten = self.forget_with(&mut writer, path)?;
        // Its text leaves the disk before anybody is told that it is forgotten.
        while writer.maintain()?.has_more {}
        Ok(forgotten)
    }

    pub(crate) fn forget_with(
        &self,
        writer: &mut Writer,
        path: &Path,
    ) -> Result<usize, EngineError> {
        let text = path.to_string_lossy();
        let given = text.trim_start_matches("./").trim_end_matches('/');
        let roots = writer.roots()?;
        let meant: Vec<(docent_store::RootId, String)> = roots
            .iter()
            .map(|root| {
                (
                    root.id,
                    below(&root.path, path).unwrap_or_else(|| given.to_owned()),
                )
            })
            .collect();
        let is_meant = |source: &docent_store::StoredSource| {
            meant.iter().any(|(root, path)| {
                let rest = source.path.strip_prefix(path.as_str());
                *root == source.root
                    && (path.is_empty()
                        || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
            })
        };
        let changes: Vec<Change> = writer
            .sources()?
            .into_iter()
            .filter(|source| is_meant(source) && !reconcile::is_forgotten(&source.state))
            .map(|source| Change::Put {
                root: source.root,
                path: source.path,
                stamp: source.stamp,
                hash: source.hash,
                outcome: Outcome::Skipped(reconcile::forgotten()),
                inner: Vec::new(),
            })
            .collect();
        if changes.is_empty() {
            let holds = |source: &docent_store::StoredSource| {
                meant.iter().any(|(root, path)| {
                    let rest = path.strip_prefix(source.path.as_str());
                    *root == source.root && rest.is_some_and(|rest| rest.starts_with('/'))
                })
            };
            if let Some(file) = writer.sources()?.into_iter().find(holds) {
                return Err(EngineError::InsideFile {
                    path: text.into_owned(),
                    file: file.path,
                });
            }
            return Err(EngineError::UnknownPath {
                collection: self.name().to_owned(),
                path: text.into_owned(),
            });
        }
        let forgotten = changes.len();
        writer.commit(changes)?;
        // What was found out about its sections goes with it, and that of the others is found
        // out again.
        let summaries = self.home().join(summarize::CACHE_FILE);
        gone(std::fs::remove_file(&summaries)).map_err(EngineError::io(summaries))?;
        self.forget_prompts()?;
        Ok(forgotten)
    }

    /// Deletes what models have kept of the prompts that they read: passages of documents and
    /// conversations are in them.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub fn forget_prompts(&self) -> Result<(), EngineError> {
        let prefixes = self.home().join(PREFIXES_FOLDER);
        gone(std::fs::remove_dir_all(&prefixes)).map_err(EngineError::io(prefixes))
    }

    /// The conversations that were held about it.
    pub fn conversations(&self) -> Result<Conversations, EngineError> {
        Ok(Conversations::open(&self.shared.home)?)
    }

    /// Starts to bring the index up to date, on a thread of its own.
    ///
    /// # Errors
    /// When no thread can be started. What goes wrong later is told by the indexer.
    pub fn indexer(&self, options: IndexOptions) -> Result<Indexer, EngineError> {
        Indexer::start(self.clone(), options)
    }

    /// Makes full-text index and vector tables again from the catalog; vectors that cannot be read
    /// are then pending.
    ///
    /// # Errors
    /// When another docent writes, or the disk does not take them.
    pub fn rebuild(&self) -> Result<(), EngineError> {
        self.open_writer()?.rebuild()?;
        Ok(())
    }
}

/// The path below `root` with `/`, if a path on disk lies there.
pub(crate) fn below(root: &Path, path: &Path) -> Option<String> {
    let full = std::path::absolute(path).ok()?;
    let full = full.canonicalize().unwrap_or(full);
    let parts = full.strip_prefix(root).ok()?.components();
    let parts: Vec<_> = parts
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    Some(parts.join("/"))
}

fn view(stored: StoredDocument) -> DocumentView {
    DocumentView {
        id: stored.id.0,
        root: stored.root,
        path: stored.path,
        document: stored.document,
    }
}

/// What is to be said of a file: its own state, unless its pages say it better, then its pages,
/// those together that stand side by side for the same reason.
fn uncovered(source: &SourceReport, pages: &[Page]) -> Vec<Uncovered> {
    let row = |pages, state: &str, gap: Gap| Uncovered {
        root: source.root.clone(),
        path: source.path.clone(),
        pages,
        state: state.to_owned(),
        gap,
    };
    let mut rows: Vec<Uncovered> = Vec::new();
    for (number, page) in (1..).zip(pages) {
        if page.badge == Badge::Text && page.gap.is_none() {
            continue;
        }
        let gap = page.gap.clone().unwrap_or_else(|| said_of(page.badge));
        let state = page.badge.word();
        match rows.last_mut() {
            Some(Uncovered {
                pages: Some((_, last)),
                state: same,
                gap: known,
                ..
            }) if *last + 1 == number && same == state && *known == gap => *last = number,
            _ => rows.push(row(Some((number, number)), state, gap)),
        }
    }
    let told_by_pages = matches!(source.state, SourceState::Partial(_))
        && pages.iter().any(|page| page.badge == Badge::Unreadable);
    if let Some(gap) = source.state.gap().filter(|_| !told_by_pages) {
        rows.insert(0, row(None, source.state.word(), gap.clone()));
    }
    rows
}

/// What is to be said of a page that was read in this way and lacks nothing.
fn said_of(badge: Badge) -> Gap {
    match badge {
        Badge::Text => Gap::default(),
        Badge::Repaired => "read by the second engine".into(),
        Badge::Ocr => {
            Gap::new("recognised in its picture").help("compare quotes with the original")
        }
        Badge::Unreadable => "nothing could be read".into(),
    }
}

fn problem(source: SourceReport) -> Problem {
    Problem {
        root: source.root,
        path: source.path,
        state: source.state.word().to_owned(),
        gap: source.state.gap().cloned().unwrap_or_default(),
    }
}

/// Deleting what is not there is no failure.
fn gone(deleted: std::io::Result<()>) -> std::io::Result<()> {
    match deleted {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        deleted => deleted,
    }
}
