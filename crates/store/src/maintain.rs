//! Housekeeping between commits: dead rows are collected, small files merged, indexes made again.

use crate::catalog::{Failure, chunks, documents, schema, sets};
use crate::commit::index_again;
use crate::error::StoreError;
use crate::id::{ChunkId, DocumentId, Revision};
use crate::recover::keep_sets;
use crate::vectors::VectorState;
use crate::writer::{Set, Writer};

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
    /// Collects some of what died, everywhere, and merges small files; last, deletes a table whose
    /// vectors are no set's any more. Short; to be called when there is nothing more urgent, until
    /// nothing is left.
    ///
    /// # Errors
    /// When the disk is full, or the catalog or an index fails. Nothing is lost then.
    pub fn maintain(&mut self) -> Result<Maintenance, StoreError> {
        self.settle()?;
        let dead = self
            .catalog
            .read(|catalog| documents::dead(catalog, COLLECTED_AT_ONCE))?;
        if dead.is_empty() {
            for set in self.sets()? {
                self.vectors.compact(set.table)?;
            }
            keep_sets(&self.catalog, &self.vectors)?;
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
        for set in self.sets()? {
            self.vectors.delete(set.table, &ids)?;
        }
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
        self.catalog
            .write(|catalog| Ok(schema::set_revision(catalog, revision)?))?;
        // The second set first: it must not take the place of a first one that is half made.
        self.rebuild_vectors(Set::Second)?;
        self.rebuild_vectors(Set::First)?;
        self.switch_when_covered()?;
        keep_sets(&self.catalog, &self.vectors)?;
        self.home.remove_set_aside()?;
        Ok(revision)
    }

    /// Makes a set's table again of what can be read of it.
    fn rebuild_vectors(&mut self, set: Set) -> Result<(), StoreError> {
        let Some(old) = self.set(set)?.map(|set| set.table) else {
            return Ok(());
        };
        let chunks = self.catalog.read(match set {
            Set::First => chunks::embedded,
            Set::Second => sets::made,
        })?;
        self.catalog.write(|catalog| {
            match set {
                Set::First => sets::renew_first(catalog)?,
                Set::Second => sets::renew_second(catalog)?,
            }
            Ok(())
        })?;
        self.vectors.close();
        match self.take_over(set, old, &chunks) {
            // A table that cannot be read is what a rebuild is for.
            Ok(()) | Err(StoreError::Derived { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes the vectors that a set's older table holds of some chunks to its present one.
    fn take_over(
        &mut self,
        set: Set,
        old: VectorState,
        chunks: &[ChunkId],
    ) -> Result<(), StoreError> {
        for chunks in chunks.chunks(TAKEN_AT_ONCE) {
            let vectors = self.vectors.of_chunks(old, chunks)?;
            self.commit_vectors(set, vectors.into_iter().collect())?;
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
