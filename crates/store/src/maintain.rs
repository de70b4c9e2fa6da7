//! Housekeeping between commits: dead rows are collected, small files merged, indexes made again.

use crate::catalog::{Failure, chunks, documents, schema};
use crate::commit::index_again;
use crate::error::StoreError;
use crate::id::{ChunkId, DocumentId, Revision};
use crate::vectors::VectorState;
use crate::writer::Writer;

/// Dead documents collected by one call, so that none takes long.
const COLLECTED_AT_ONCE: usize = 256;

/// Vectors that go from one table to another by one commit.
const TAKEN_AT_ONCE: usize = 4_096;

/// What a round of housekeeping did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maintenance {
    /// Dead documents whose last traces were removed.
    pub collected: usize,
    /// Whether there is more to do: call again when there is time.
    pub has_more: bool,
}

impl Writer {
    /// Collects some of what died, everywhere, and merges small files. Short; to be called when
    /// there is nothing more urgent, until nothing is left.
    ///
    /// # Errors
    /// When the disk is full, or the catalog or an index fails. Nothing is lost then.
    pub fn maintain(&mut self) -> Result<Maintenance, StoreError> {
        self.settle()?;
        let dead = self
            .catalog
            .read(|catalog| documents::dead(catalog, COLLECTED_AT_ONCE))?;
        if dead.is_empty() {
            let state = self.vector_state()?;
            self.vectors.compact(state)?;
            return Ok(Maintenance {
                collected: 0,
                has_more: false,
            });
        }
        // The catalog's rows go last: what is interrupted is simply done again.
        if dead.iter().any(|dead| dead.in_text) {
            for dead in dead.iter().filter(|dead| dead.in_text) {
                self.text.delete(dead.id);
            }
            let revision = self.revision()?;
            let committed = self.text.commit(revision);
            self.is_unsettled |= committed.is_err();
            committed?;
        }
        let ids: Vec<DocumentId> = dead.iter().map(|dead| dead.id).collect();
        self.vectors.delete(self.vector_state()?, &ids)?;
        self.catalog.write(|catalog| {
            for id in &ids {
                documents::delete(catalog, *id)?;
            }
            Ok(())
        })?;
        Ok(Maintenance {
            collected: ids.len(),
            has_more: true,
        })
    }

    /// Makes the derived indexes again from the catalog: the full-text index at once, in one
    /// commit; vectors that can be read go over into a new table, and the others wait to be
    /// embedded. Indexes that were set aside are deleted.
    ///
    /// # Errors
    /// When the disk is full, or the catalog or an index fails; the old full-text index stands
    /// then.
    pub fn rebuild(&mut self) -> Result<Revision, StoreError> {
        self.settle()?;
        let revision = self.revision()?.next();
        let result = self.rebuild_text(revision);
        self.is_unsettled |= result.is_err();
        result?;
        let embedder = self.embedder.clone();
        let old = self.vector_state()?;
        let embedded = self.catalog.read(chunks::embedded)?;
        self.catalog.write(|catalog| {
            schema::reset_vectors(catalog, &embedder.fingerprint, embedder.dimension)?;
            Ok(schema::set_revision(catalog, revision)?)
        })?;
        self.vectors.close();
        match self.take_over(old, &embedded) {
            // A table that cannot be read is what a rebuild is for.
            Ok(()) | Err(StoreError::Derived { .. }) => {}
            Err(error) => return Err(error),
        }
        self.vectors
            .remove_others(self.vector_state()?.generation)?;
        self.home.remove_set_aside()?;
        Ok(revision)
    }

    /// Writes the vectors that an older table holds of some chunks to the present one.
    fn take_over(&mut self, old: VectorState, chunks: &[ChunkId]) -> Result<(), StoreError> {
        for chunks in chunks.chunks(TAKEN_AT_ONCE) {
            let vectors = self.vectors.of_chunks(old, chunks)?;
            self.commit_vectors(vectors.into_iter().collect())?;
        }
        Ok(())
    }

    fn rebuild_text(&mut self, revision: Revision) -> Result<(), StoreError> {
        let text = &mut self.text;
        text.clear()?;
        let live = self
            .catalog
            .read(|catalog| documents::live_since(catalog, Revision(0)))?;
        self.catalog.read(|catalog| {
            for document in live {
                index_again(catalog, text, document, None)?;
            }
            Ok::<_, Failure>(())
        })?;
        text.commit(revision)
    }
}
