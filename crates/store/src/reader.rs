//! Reading a collection, beside whoever writes it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use docent_core::chunk::Chunk;
use docent_core::document::{Document, Format, Page};
use docent_core::language::Language;
use docent_core::source::{ContentHash, SourceState};

use crate::catalog::{Failure, ReadingCatalog, chunks, documents, files, schema, sets};
use crate::error::StoreError;
use crate::filter::FilterCache;
use crate::home::Home;
use crate::id::{ChunkId, DocumentId, Revision, RootId, SourceId};
use crate::text::TextReader;
use crate::vectors::Vectors;
use crate::writer::Root;

/// Which vectors can be compared with a question's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EmbedderIdentity {
    /// Name and content hash of the model; empty before the first writer.
    pub fingerprint: String,
    /// Length of its vectors.
    pub dimension: usize,
    /// What the program needs to load it again, in the program's own words: kept with the vectors
    /// and never read here. Empty where it is not known.
    pub origin: String,
}

impl EmbedderIdentity {
    /// Whether vectors of the two can be compared.
    pub fn is_comparable(&self, other: &EmbedderIdentity) -> bool {
        self.fingerprint == other.fingerprint && self.dimension == other.dimension
    }
}

/// A chunk that a retriever found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// The chunk.
    pub chunk: ChunkId,
    /// BM25 for words, the cosine for vectors: higher is better, and the two do not compare.
    pub score: f32,
}

/// A chunk with everything that a hit shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChunk {
    /// Its id.
    pub id: ChunkId,
    /// Its document.
    pub document: DocumentId,
    /// Its place among the document's chunks, from 0.
    pub ordinal: usize,
    /// The root folder that the file stands under.
    pub root_id: RootId,
    /// That folder's path.
    pub root: PathBuf,
    /// The file's path below it, with `/`.
    pub path: String,
    /// The file's kind.
    pub format: Format,
    /// The document's title.
    pub title: Option<String>,
    /// The document's language.
    pub language: Option<Language>,
    /// When the file was last changed, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// Span, place and headings.
    pub chunk: Chunk,
    /// The text of the span.
    pub text: String,
}

/// A live document with the file that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDocument {
    /// Its id.
    pub id: DocumentId,
    /// The source's id.
    pub source: SourceId,
    /// The root folder that the file stands under.
    pub root: PathBuf,
    /// The file's path below it, with `/`.
    pub path: String,
    /// The hash of the file's content.
    pub hash: Option<ContentHash>,
    /// What was extracted.
    pub document: Document,
}

/// Which sources are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateFilter {
    /// All.
    All,
    /// Whole and live.
    Indexed,
    /// Read in part.
    Partial,
    /// Not readable.
    Failed,
    /// Left out on purpose.
    Skipped,
    /// Partial and failed: what somebody should look at.
    Problems,
}

/// A source as a coverage report shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceReport {
    /// Its id.
    pub id: SourceId,
    /// The root folder that it stands under.
    pub root: PathBuf,
    /// Its path below it, with `/`.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// Its live document, where it has one.
    pub document: Option<DocumentId>,
    /// Number of its chunks.
    pub chunks: usize,
    /// How it stands.
    pub state: SourceState,
    /// For a file inside a file: where in it.
    pub inside: Option<String>,
}

/// How a collection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Sources whole and live.
    pub indexed: u64,
    /// Sources read in part.
    pub partial: u64,
    /// Sources that could not be read.
    pub failed: u64,
    /// Sources left out on purpose.
    pub skipped: u64,
    /// Live chunks.
    pub chunks: u64,
    /// Live chunks that have a vector in the set that is searched.
    pub embedded: u64,
    /// Live chunks that have none in it.
    pub pending: u64,
    /// Size of the collection's home.
    pub bytes_on_disk: u64,
    /// The live revision.
    pub revision: Revision,
    /// The embedder of the vectors that are searched; empty before the first writer.
    pub fingerprint: String,
    /// The set of vectors that is made to take their place, where there is one.
    pub second: Option<SecondStatus>,
    /// When the live revision was committed, in nanoseconds since 1970.
    pub committed_ns: Option<i64>,
}

/// How the second set of vectors stands, which is made while the first is searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondStatus {
    /// Its embedder.
    pub fingerprint: String,
    /// Live chunks that have a vector in it.
    pub embedded: u64,
    /// Live chunks that have none in it.
    pub pending: u64,
}

/// Reads a collection. Clones share their connections; any number of threads may read at once.
#[derive(Clone)]
pub struct Reader {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) home: Home,
    pub(crate) catalog: ReadingCatalog,
    pub(crate) text: TextReader,
    pub(crate) vectors: Arc<Vectors>,
    /// What filters look at, and what passed last.
    pub(crate) filters: Mutex<FilterCache>,
}

/// Opens the collection in `home` for reading, whether or not somebody writes to it.
///
/// # Errors
/// When there is no collection, its format is newer, or its catalog cannot be used.
pub fn open_reader(home: &Path) -> Result<Reader, StoreError> {
    let home = Home::at(home)?;
    let vectors = Vectors::new(home.vectors())?;
    Reader::open(home, vectors)
}

impl Reader {
    pub(crate) fn open(home: Home, vectors: Arc<Vectors>) -> Result<Reader, StoreError> {
        home.check_format()?;
        if !home.catalog().exists() {
            let home = home.path().to_owned();
            return Err(StoreError::Missing { home });
        }
        Ok(Reader {
            shared: Arc::new(Shared {
                catalog: ReadingCatalog::open(&home.catalog())?,
                text: TextReader::new(home.text()),
                vectors,
                filters: Mutex::new(FilterCache::default()),
                home,
            }),
        })
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        self.shared.catalog.read(work)
    }

    /// The live revision.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn revision(&self) -> Result<Revision, StoreError> {
        self.read(|catalog| Ok(schema::state(catalog)?.revision))
    }

    /// The embedder of the vectors that are searched: questions have to be embedded by it.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn embedder(&self) -> Result<EmbedderIdentity, StoreError> {
        self.read(|catalog| Ok(schema::state(catalog)?.first.embedder))
    }

    /// How the collection stands.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn status(&self) -> Result<Status, StoreError> {
        let bytes_on_disk = self.shared.home.bytes_on_disk();
        self.read(|catalog| {
            let state = schema::state(catalog)?;
            let [indexed, partial, failed, skipped] = files::counts(catalog)?;
            let chunks = indexed.1 + partial.1;
            let pending = chunks::pending_count(catalog, 0)?;
            let second = second(catalog, chunks)?;
            Ok(Status {
                indexed: indexed.0,
                partial: partial.0,
                failed: failed.0,
                skipped: skipped.0,
                chunks,
                embedded: chunks.saturating_sub(pending),
                pending,
                bytes_on_disk,
                revision: state.revision,
                fingerprint: state.first.embedder.fingerprint,
                second,
                committed_ns: state.committed_ns,
            })
        })
    }

    /// How the second set of vectors stands, where there is one.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn second(&self) -> Result<Option<SecondStatus>, StoreError> {
        self.read(|catalog| {
            let [indexed, partial, ..] = files::counts(catalog)?;
            second(catalog, indexed.1 + partial.1)
        })
    }

    /// The root folders, in the order in which they were added.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn roots(&self) -> Result<Vec<Root>, StoreError> {
        self.read(|catalog| Ok(files::roots(catalog)?))
    }

    /// Sources in some states, by path.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn sources_with(
        &self,
        filter: StateFilter,
        limit: usize,
    ) -> Result<Vec<SourceReport>, StoreError> {
        self.read(|catalog| Ok(files::reports(catalog, filter, limit)?))
    }

    /// Chunks with their texts, in the order asked for; those no longer live are left out.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<StoredChunk>, StoreError> {
        self.read(|catalog| {
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                found.extend(chunks::live(catalog, *id)?);
            }
            Ok(found)
        })
    }

    /// The chunks of a live document, in order.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn chunks_of(&self, document: DocumentId) -> Result<Vec<StoredChunk>, StoreError> {
        self.read(|catalog| Ok(chunks::of_document(catalog, document)?))
    }

    /// The first `bytes` bytes of a document's text, or fewer: up to a whole character.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn opening(&self, document: DocumentId, bytes: usize) -> Result<String, StoreError> {
        self.read(|catalog| Ok(documents::opening(catalog, document, bytes)?))
    }

    /// A live document, whole.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn document(&self, id: DocumentId) -> Result<Option<StoredDocument>, StoreError> {
        self.read(|catalog| {
            let mut statement = catalog.prepare_cached(
                "SELECT s.id, r.path, s.path, s.hash FROM sources s JOIN roots r ON r.id = s.root
                 WHERE s.document = ?1",
            )?;
            let mut rows = statement.query([id.0])?;
            let Some(row) = rows.next()? else {
                return Ok(None);
            };
            let Some(document) = documents::load(catalog, id)? else {
                return Ok(None);
            };
            Ok(Some(StoredDocument {
                id,
                source: SourceId(row.get(0)?),
                root: files::root_path(row, 1)?,
                path: row.get(2)?,
                hash: files::hash(row, 3)?,
                document,
            }))
        })
    }

    /// The live document of a file, by its path below its root; of the first root that has it
    /// where none is named.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn find_document(
        &self,
        root: Option<RootId>,
        path: &str,
    ) -> Result<Option<StoredDocument>, StoreError> {
        let found = self.read(|catalog| {
            let roots = match root {
                Some(root) => vec![root],
                None => files::roots(catalog)?
                    .into_iter()
                    .map(|root| root.id)
                    .collect(),
            };
            for root in roots {
                if let Some((_, Some(document))) = files::at(catalog, root, path)? {
                    return Ok(Some(document));
                }
            }
            Ok(None)
        })?;
        found.map_or(Ok(None), |id| self.document(id))
    }

    /// Sources that are not simply indexed, and those with pages that were not simply read, by
    /// path, each with how its pages were read.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn coverage(&self) -> Result<Vec<(SourceReport, Vec<Page>)>, StoreError> {
        self.shared
            .catalog
            .read(|catalog| Ok(files::coverage(catalog)?))
    }

    /// Sources whose path contains the fragment, upper and lower case alike, the shortest first.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn paths_matching(
        &self,
        fragment: &str,
        limit: usize,
    ) -> Result<Vec<SourceReport>, StoreError> {
        let fragment = fragment.to_lowercase();
        let all = self.sources_with(StateFilter::All, usize::MAX)?;
        let mut found: Vec<_> = all
            .into_iter()
            .filter(|source| source.path.to_lowercase().contains(&fragment))
            .collect();
        found.sort_by(|a, b| (a.path.len(), &a.path).cmp(&(b.path.len(), &b.path)));
        found.truncate(limit);
        Ok(found)
    }
}

/// How the second set stands in a collection of so many live chunks.
fn second(catalog: &rusqlite::Connection, chunks: u64) -> Result<Option<SecondStatus>, Failure> {
    let Some(second) = sets::second(catalog)? else {
        return Ok(None);
    };
    let pending = sets::waiting_count(catalog)?;
    Ok(Some(SecondStatus {
        fingerprint: second.set.embedder.fingerprint,
        embedded: chunks.saturating_sub(pending),
        pending,
    }))
}
