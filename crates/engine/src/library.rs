//! The library: the index home with its collections, and what they all share.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use docent_core::model::{Embedder, Reranker};
use docent_extract::Pool;
pub use docent_extract::WorkerCommand;
use docent_store::EmbedderIdentity;

use crate::collection::Collection;
use crate::embedders::{Embedders, KnownEmbedders};
use crate::error::EngineError;
use crate::search::TokenCache;
use crate::settings::Settings;

/// The index home. Cheap to clone; clones share the models and the extraction workers.
#[derive(Clone)]
pub struct Library {
    shared: Arc<Shared>,
}

struct Shared {
    home: PathBuf,
    settings: Settings,
    embedders: KnownEmbedders,
    reranker: OnceLock<Arc<dyn Reranker>>,
    pool: Pool,
    readers: usize,
    attention: Arc<AtomicUsize>,
    large_file: Mutex<()>,
    tokens: TokenCache,
}

impl Library {
    /// Opens an index home, which is made if it is not there.
    ///
    /// # Errors
    /// When the folder can be neither found nor made.
    pub fn open(
        home: &Path,
        settings: Settings,
        embedders: impl Into<Embedders>,
        worker: WorkerCommand,
    ) -> Result<Library, EngineError> {
        std::fs::create_dir_all(home).map_err(EngineError::io(home))?;
        let home = home.canonicalize().map_err(EngineError::io(home))?;
        let workers = settings.workers(worker);
        let readers = workers.workers;
        let pool = Pool::new(workers);
        Ok(Library {
            shared: Arc::new(Shared {
                home,
                settings,
                embedders: embedders.into().into(),
                reranker: OnceLock::new(),
                pool,
                readers,
                attention: Arc::default(),
                large_file: Mutex::default(),
                tokens: TokenCache::default(),
            }),
        })
    }

    /// The folder that holds the collections' homes.
    pub fn home(&self) -> &Path {
        &self.shared.home
    }

    /// What was set.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// The embedder that makes vectors. A collection whose vectors are those of another one is
    /// searched with that one, until it has its own of this one.
    pub fn embedder(&self) -> &Arc<dyn Embedder> {
        self.shared.embedders.chosen()
    }

    /// The embedder that stored vectors were made with; why it cannot be had, where it cannot.
    pub(crate) fn embedder_of(
        &self,
        vectors: &EmbedderIdentity,
    ) -> Result<Arc<dyn Embedder>, String> {
        self.shared.embedders.of(vectors)
    }

    /// Lets a reranker look at what searches find. The first one stays.
    pub fn set_reranker(&self, reranker: Arc<dyn Reranker>) {
        self.shared.reranker.get_or_init(|| reranker);
    }

    /// The reranker, where there is one.
    pub fn reranker(&self) -> Option<&dyn Reranker> {
        self.shared.reranker.get().map(AsRef::as_ref)
    }

    /// Token vectors that searches made lately.
    pub(crate) fn tokens(&self) -> &TokenCache {
        &self.shared.tokens
    }

    /// The extraction workers.
    pub fn pool(&self) -> &Pool {
        &self.shared.pool
    }

    /// The number of files that are read at the same time.
    pub(crate) fn workers(&self) -> usize {
        self.shared.readers
    }

    /// How many answers are being generated at this moment.
    pub(crate) fn attention(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.shared.attention)
    }

    /// Waits until no other large file is read; the next may be once the guard is dropped.
    pub(crate) fn large_file(&self) -> MutexGuard<'_, ()> {
        let guard = self.shared.large_file.lock();
        guard.unwrap_or_else(PoisonError::into_inner)
    }

    /// What the stores need to know of the embedder.
    pub(crate) fn identity(&self) -> EmbedderIdentity {
        self.shared.embedders.identity()
    }

    /// The names of the collections, in order.
    ///
    /// # Errors
    /// When the index home cannot be listed.
    pub fn names(&self) -> Result<Vec<String>, EngineError> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.home()).map_err(EngineError::io(self.home()))? {
            let entry = entry.map_err(EngineError::io(self.home()))?;
            if entry.path().join("FORMAT").is_file() {
                names.extend(entry.file_name().into_string());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Makes a collection of folders, or adds folders to the one that has the name already.
    ///
    /// # Errors
    /// When the name cannot be used, a folder is not there, or another docent writes it.
    pub fn create(&self, name: &str, roots: &[PathBuf]) -> Result<Collection, EngineError> {
        let name = self.known_name(name)?.unwrap_or_else(|| name.to_owned());
        check_name(&name)?;
        let roots = roots
            .iter()
            .map(|root| folder(root))
            .collect::<Result<Vec<_>, _>>()?;
        let home = self.home().join(&name);
        let mut writer = docent_store::open_writer(&home, &self.identity())
            .map_err(|error| busy(&name, error))?;
        let known = writer.roots()?;
        for root in roots {
            if !known.iter().any(|known| known.path == root) {
                writer.add_root(&root)?;
            }
        }
        drop(writer);
        self.collection(&name)
    }

    /// Deletes a collection's home: its index, texts and conversations. The files it was made
    /// of stay.
    ///
    /// # Errors
    /// When there is none, another docent writes it, or it cannot be deleted.
    pub fn remove(&self, name: &str) -> Result<(), EngineError> {
        let name = self.required_name(name)?;
        let home = self.home().join(&name);
        // Taking the lock proves that nobody writes. A home that cannot be opened for another
        // reason (damaged, of a newer format) can still be removed.
        match docent_store::open_writer(&home, &self.identity()).map_err(|error| busy(&name, error))
        {
            Err(error @ EngineError::Busy { .. }) => return Err(error),
            opened => drop(opened),
        }
        std::fs::remove_dir_all(&home).map_err(EngineError::io(home))
    }

    /// Opens a collection for reading.
    ///
    /// # Errors
    /// When there is none of this name, or its home cannot be read.
    pub fn collection(&self, name: &str) -> Result<Collection, EngineError> {
        Collection::open(self, self.required_name(name)?)
    }

    /// The collection that a person means by a name or a folder. A folder that no collection has
    /// gets one of its own.
    ///
    /// # Errors
    /// When it is neither.
    pub fn resolve(&self, place: &str) -> Result<Collection, EngineError> {
        let looks_like_path = place.contains(['/', '\\']) || place.starts_with('.');
        if !looks_like_path && let Some(name) = self.known_name(place)? {
            return self.collection(&name);
        }
        let path = Path::new(place);
        if !path.is_dir() {
            if looks_like_path || path.exists() {
                folder(path)?;
            }
            return Err(self.unknown(place)?);
        }
        let path = folder(path)?;
        for name in self.names()? {
            // A collection that cannot be opened is not the one that is asked for.
            if let Ok(collection) = self.collection(&name)
                && collection.roots()?.contains(&path)
            {
                return Ok(collection);
            }
        }
        self.create(&self.name_for(&path)?, &[path])
    }

    /// A free name after the folder's own.
    fn name_for(&self, folder: &Path) -> Result<String, EngineError> {
        let own = folder
            .file_name()
            .map_or_else(|| "root".into(), |name| name.to_string_lossy());
        let fitting = |c: char| {
            if c.is_alphanumeric() || " ._-".contains(c) {
                c
            } else {
                '-'
            }
        };
        let name: String = own.chars().map(fitting).take(56).collect();
        let name = name.trim_matches([' ', '.', '-', '_']);
        let name = if name.is_empty() { "folder" } else { name };
        let taken: Vec<String> = self
            .names()?
            .iter()
            .map(|name| name.to_lowercase())
            .collect();
        let candidates =
            std::iter::once(name.to_owned()).chain((2..).map(|n| format!("{name}-{n}")));
        let mut free = candidates.filter(|name| {
            !taken.contains(&name.to_lowercase()) && !self.home().join(name).exists()
        });
        Ok(free.next().unwrap_or_else(|| name.to_owned()))
    }

    /// The collection's own spelling of a name, if there is one; upper and lower case are alike,
    /// as they are on many file systems.
    fn known_name(&self, name: &str) -> Result<Option<String>, EngineError> {
        let lower = name.to_lowercase();
        Ok(self
            .names()?
            .into_iter()
            .find(|known| known.to_lowercase() == lower))
    }

    fn required_name(&self, name: &str) -> Result<String, EngineError> {
        match self.known_name(name)? {
            Some(name) => Ok(name),
            None => Err(self.unknown(name)?),
        }
    }

    fn unknown(&self, name: &str) -> Result<EngineError, EngineError> {
        Ok(EngineError::UnknownCollection {
            name: name.to_owned(),
            home: self.home().to_owned(),
            known: self.names()?,
        })
    }
}

/// The folder's full path, without links.
pub(crate) fn folder(path: &Path) -> Result<PathBuf, EngineError> {
    let bad = |reason: String| EngineError::BadFolder {
        path: path.to_owned(),
        reason,
    };
    let full = path
        .canonicalize()
        .map_err(|error| bad(error.to_string()))?;
    if !full.is_dir() {
        return Err(bad("it is a file".into()));
    }
    std::fs::read_dir(&full).map_err(|error| bad(error.to_string()))?;
    Ok(full)
}

fn check_name(name: &str) -> Result<(), EngineError> {
    let fitting = |c: char| c.is_alphanumeric() || " ._-".contains(c);
    let good = name.chars().count() <= 64
        && name.starts_with(char::is_alphanumeric)
        && name.chars().all(fitting)
        && !name.ends_with([' ', '.']);
    if good {
        Ok(())
    } else {
        Err(EngineError::BadName {
            name: name.to_owned(),
        })
    }
}

/// The store's "locked" in the engine's words.
pub(crate) fn busy(collection: &str, error: docent_store::StoreError) -> EngineError {
    match error {
        docent_store::StoreError::Locked { pid, .. } => EngineError::Busy {
            collection: collection.to_owned(),
            pid,
        },
        error => EngineError::Store(error),
    }
}
