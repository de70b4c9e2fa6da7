//! Writing a collection: the one writer, and what it is asked for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use docent_core::source::{ContentHash, SourceState, Stamp};

use crate::catalog::schema::DEAD;
use crate::catalog::sets::VectorSet;
use crate::catalog::{Failure, WritingCatalog, chunks, documents, files, schema, sets};
use crate::commit::StepHook;
use crate::error::StoreError;
use crate::home::{Home, WriterLock};
use crate::id::{ChunkId, Revision, RootId, SourceId};
use crate::reader::{EmbedderIdentity, Reader};
use crate::recover;
use crate::text::TextWriter;
use crate::vectors::Vectors;

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

/// Which of a collection's sets of vectors is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// The one that is searched: of the writer's embedder or, while there is a second one, of the
    /// embedder before it ([`Reader::embedder`]).
    First,
    /// The one that the writer's embedder makes to take the first one's place.
    Second,
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
/// When the embedder is not the one that the vectors were made with, a second set of them is begun
/// beside the first, or gone on with. The first stays the one that is searched until the second has
/// a vector for each chunk that the first has one for. What was begun for a third embedder is given
/// up.
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
    let reader = Reader::open(home.clone(), Arc::clone(&vectors))?;
    Ok(Writer {
        home,
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

    /// A set as it stands; `None` for a second one where there is none.
    pub(crate) fn set(&self, set: Set) -> Result<Option<VectorSet>, StoreError> {
        match set {
            Set::First => Ok(Some(self.catalog.read(schema::state)?.first)),
            Set::Second => {
                let second = self.catalog.read(sets::second)?;
                Ok(second.map(|second| second.set))
            }
        }
    }

    /// The sets that there are.
    pub(crate) fn sets(&self) -> Result<Vec<VectorSet>, StoreError> {
        let sets = [self.set(Set::First)?, self.set(Set::Second)?];
        Ok(sets.into_iter().flatten().collect())
    }

    /// The embedder of the second set of vectors, where there is one.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn second_embedder(&self) -> Result<Option<EmbedderIdentity>, StoreError> {
        Ok(self.set(Set::Second)?.map(|second| second.embedder))
    }

    /// Lets the second set of vectors take the first one's place, if no live chunk loses its vector
    /// by that; whether it did. [`Writer::commit_vectors`] does it by itself; chunks may also have
    /// died since.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub fn switch_when_covered(&mut self) -> Result<bool, StoreError> {
        if self.set(Set::Second)?.is_none() {
            return Ok(false);
        }
        self.catalog
            .write(|catalog| Ok(sets::switch_if_covered(catalog)?))
    }

    /// Lets the second set of vectors take the first one's place however little of it is there,
    /// because questions cannot be embedded for the first any more; whether there was one.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub fn give_up_first(&mut self) -> Result<bool, StoreError> {
        self.catalog.write(|catalog| Ok(sets::switch(catalog)?))
    }

    /// The chunk after which chunks are to get a vector in the first set: while a second one is
    /// made, what the first lacked before is not made up for.
    fn wanted_after(&self) -> Result<i64, StoreError> {
        let second = self.catalog.read(sets::second)?;
        Ok(second.map_or(0, |second| second.begun_after))
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

    /// Live chunks that are to get a vector in a set, the oldest first. While a second set is made,
    /// of the first these are the chunks that came since.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn pending_vectors(&self, set: Set, limit: usize) -> Result<Vec<PendingChunk>, StoreError> {
        let after = match set {
            Set::First => self.wanted_after()?,
            Set::Second => 0,
        };
        self.catalog
            .read(|catalog| chunks::pending(catalog, set, after, limit))
    }

    /// Number of live chunks that are to get a vector in a set.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn pending_count(&self, set: Set) -> Result<u64, StoreError> {
        match set {
            Set::First => {
                let after = self.wanted_after()?;
                self.catalog
                    .read(|catalog| chunks::pending_count(catalog, after))
            }
            Set::Second => self.catalog.read(sets::waiting_count),
        }
    }
}
