//! The embedders: the one that was chosen, and those that stored vectors were made with before.
//!
//! A question can be compared with stored vectors only if the embedder that made them embeds it.
//! So while a collection's vectors are another embedder's, that one is loaded as well. How, only
//! the program knows: what it needs for it, it has kept with the vectors (`origin`).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use docent_core::model::Embedder;
use docent_store::EmbedderIdentity;

/// Loads the embedder of an origin; why it cannot, where it cannot.
pub type Recall = Box<dyn Fn(&str) -> Result<Arc<dyn Embedder>, String> + Send + Sync>;

/// The embedder that makes all vectors from now on, and the way to those before it.
pub struct Embedders {
    /// The embedder.
    pub chosen: Arc<dyn Embedder>,
    /// What `recall` will need to load it again.
    pub origin: String,
    /// Loads an earlier one by its origin, which is empty where it is not known.
    pub recall: Recall,
}

impl From<Arc<dyn Embedder>> for Embedders {
    /// An embedder without a way to another.
    fn from(chosen: Arc<dyn Embedder>) -> Embedders {
        Embedders {
            chosen,
            origin: String::new(),
            recall: Box::new(|_| Err("there is no way to load it".into())),
        }
    }
}

/// An embedder that was loaded, or why it cannot be, so that it is tried once.
type Recalled = Result<Weak<dyn Embedder>, String>;

/// The embedders with those that were loaded for old vectors, as long as a collection holds them.
pub(crate) struct KnownEmbedders {
    embedders: Embedders,
    /// By fingerprint.
    recalled: Mutex<HashMap<String, Recalled>>,
}

impl From<Embedders> for KnownEmbedders {
    fn from(embedders: Embedders) -> KnownEmbedders {
        KnownEmbedders {
            embedders,
            recalled: Mutex::default(),
        }
    }
}

impl KnownEmbedders {
    pub(crate) fn chosen(&self) -> &Arc<dyn Embedder> {
        &self.embedders.chosen
    }

    /// What the stores need to know of the chosen one.
    pub(crate) fn identity(&self) -> EmbedderIdentity {
        EmbedderIdentity {
            fingerprint: self.chosen().fingerprint().to_owned(),
            dimension: self.chosen().dimension(),
            origin: self.embedders.origin.clone(),
        }
    }

    /// The embedder that made vectors; why it cannot be had, where it cannot.
    pub(crate) fn of(&self, vectors: &EmbedderIdentity) -> Result<Arc<dyn Embedder>, String> {
        if vectors.fingerprint == self.chosen().fingerprint() {
            return Ok(Arc::clone(self.chosen()));
        }
        let recalled = self.recalled.lock();
        let mut recalled = recalled.unwrap_or_else(PoisonError::into_inner);
        let entry = recalled.entry(vectors.fingerprint.clone());
        if let Entry::Occupied(known) = &entry {
            match known.get().as_ref().map(Weak::upgrade) {
                Ok(Some(embedder)) => return Ok(embedder),
                Err(why) => return Err(why.clone()),
                Ok(None) => {}
            }
        }
        let found = self.recall(vectors);
        entry.insert_entry(found.as_ref().map(Arc::downgrade).map_err(String::clone));
        found
    }

    fn recall(&self, vectors: &EmbedderIdentity) -> Result<Arc<dyn Embedder>, String> {
        let embedder = (self.embedders.recall)(&vectors.origin)?;
        match embedder.fingerprint() {
            fingerprint if fingerprint == vectors.fingerprint => Ok(embedder),
            _ if vectors.origin.is_empty() => Err("it is not known where its model lies".into()),
            other => Err(format!("{other} lies in its place now")),
        }
    }
}
