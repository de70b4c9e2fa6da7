//! Writing a collection: the one writer, and what it is asked for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use docent_core::source::{ContentHash, SourceState, Stamp};

use crate::catalog::schema::DEAD;
use crate::catalog::{Failure, WritingCatalog, chunks, documents, files, schema};
use crate::commit::StepHook;
use crate::error::StoreError;
use crate::home::{Home, WriterLock};
use crate::id::{ChunkId, Revision, RootId, SourceId};
use crate::reader::{EmbedderIdentity, Reader};
use crate::recover;
use crate::text::TextWriter;
use crate::vectors::{VectorState, Vectors};

/// A root folder of the collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Its id.
    pub id: RootId,
    /// Where it is.
    pub path: PathBuf,
}

/// A source as the catalog knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSource {
    /// Its id.
    pub id: SourceId,
    /// The root folder that it stands under.
    pub root: RootId,
    /// Its path below it, with `/`.
    pub path: String,
    /// Its metadata when it was last looked at.
    pub stamp: Stamp,
    /// The hash of its content, where it was read.
    pub hash: Option<ContentHash>,
    /// How it stands.
    pub state: SourceState,
    /// Whether something inside it was not read, or only in part.
    pub lacks_inside: bool,
    /// Number of its live chunks.
    pub chunks: usize,
}

/// A live chunk that waits for its vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingChunk {
    /// Its id.
    pub id: ChunkId,
    /// The document's title, or what stands in for it ([`docent_core::chunk::opening_words`]).
    pub title: Option<String>,
    /// The headings that it stands under, outermost first.
    pub heading_path: Vec<String>,
    /// Its text.
    pub text: String,
}

/// Writes a collection. While it lives, nobody else can.
pub struct Writer {
    pub(crate) home: Home,
    pub(crate) embedder: EmbedderIdentity,
    pub(crate) catalog: WritingCatalog,
    pub(crate) text: TextWriter,
    pub(crate) vectors: Arc<Vectors>,
    /// Whether a commit failed half-way and left something to undo.
    pub(crate) is_unsettled: bool,
    pub(crate) hook: Option<StepHook>,
    reader: Reader,
    /// Dropped last: the next writer finds everything closed.
    _lock: WriterLock,
}

/// Opens the collection in `home` for writing, makes it where there is none, and repairs what a
/// killed process or a power cut left.
///
/// When the embedder is not the one that the vectors were made with, all chunks count as without
/// a vector, and a new table is begun.
///
/// # Errors
/// When somebody else writes, the home cannot be written, its format is newer, or its catalog
/// cannot be used.
pub fn open_writer(home: &Path, embedder: &EmbedderIdentity) -> Result<Writer, StoreError> {
    let home = Home::at(home)?;
    let lock = home.open_for_writing()?;
    let mut catalog = WritingCatalog::open(&home.catalog())?;
    let vectors = Vectors::new(home.vectors())?;
    let text = recover::recover(&home, &mut catalog, &vectors, embedder)?;
    home.seal()?;
    let reader = Reader::open(home.clone(), embedder, Arc::clone(&vectors))?;
    Ok(Writer {
        home,
        embedder: embedder.clone(),
        catalog,
        text,
        vectors,
        is_unsettled: false,
        hook: None,
        reader,
        _lock: lock,
    })
}

impl Writer {
    /// A reader of the same collection, which may outlive the writer.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// The live revision.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn revision(&self) -> Result<Revision, StoreError> {
        Ok(self.catalog.read(schema::state)?.revision)
    }

    pub(crate) fn vector_state(&self) -> Result<VectorState, StoreError> {
        let state = self.catalog.read(schema::state)?;
        Ok(VectorState {
            generation: state.vector_generation,
            revision: state.vector_revision,
        })
    }

    /// The root folders, in the order in which they were added.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn roots(&self) -> Result<Vec<Root>, StoreError> {
        self.catalog.read(files::roots)
    }

    /// Adds a root folder; the id of the one that is there already, if it is.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub fn add_root(&mut self, path: &Path) -> Result<RootId, StoreError> {
        self.catalog
            .write(|catalog| Ok(files::add_root(catalog, path)?))
    }

    /// Removes a root folder with all of its sources, at once.
    ///
    /// # Errors
    /// When there is no such root, or the catalog cannot be written.
    pub fn remove_root(&mut self, root: RootId) -> Result<Revision, StoreError> {
        self.catalog.write(|catalog| {
            if !files::has_root(catalog, root)? {
                return Err(Failure::Store(StoreError::UnknownRoot(root)));
            }
            let revision = schema::state(catalog)?.revision.next();
            for document in files::remove_root(catalog, root)? {
                documents::set_state(catalog, document, DEAD)?;
            }
            schema::set_revision(catalog, revision)?;
            Ok(revision)
        })
    }

    /// Every source, by root and path.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn sources(&self) -> Result<Vec<StoredSource>, StoreError> {
        self.catalog.read(files::sources)
    }

    /// Live chunks without a vector, the oldest first.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn pending_vectors(&self, limit: usize) -> Result<Vec<PendingChunk>, StoreError> {
        self.catalog.read(|catalog| chunks::pending(catalog, limit))
    }

    /// Number of live chunks without a vector.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn pending_count(&self) -> Result<u64, StoreError> {
        self.catalog.read(chunks::pending_count)
    }
}
