//! The sets of vectors: the first, which is searched, and a second while it is made.
//!
//! A collection has one set, until its embedder is changed. Then a second one is begun beside it,
//! and takes its place in one transaction. That a chunk has a vector of the first set is a column
//! of its row; of the second set, the chunks that it lacks are listed (`waiting`). So both facts
//! are there for each chunk, and where there is one set, the other costs nothing.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::schema::{self, LIVE};
use crate::id::{ChunkId, DocumentId};
use crate::reader::EmbedderIdentity;
use crate::vectors::VectorState;

/// A set of vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VectorSet {
    /// The embedder that made them.
    pub(crate) embedder: EmbedderIdentity,
    /// The table that holds them.
    pub(crate) table: VectorState,
}

impl VectorSet {
    /// From a row of which fingerprint, dimension, origin, generation and revision are the columns
    /// from `first` on.
    pub(super) fn of(row: &Row<'_>, first: usize) -> rusqlite::Result<VectorSet> {
        Ok(VectorSet {
            embedder: EmbedderIdentity {
                fingerprint: row.get(first)?,
                dimension: row.get::<_, i64>(first + 1)? as usize,
                origin: row.get(first + 2)?,
            },
            table: VectorState {
                generation: row.get(first + 3)?,
                revision: row.get(first + 4)?,
            },
        })
    }
}

/// The set that is made while the first is searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecondSet {
    pub(crate) set: VectorSet,
    /// The newest chunk when it was begun. Later ones get a vector in both sets, so that they are
    /// found by meaning meanwhile.
    pub(crate) begun_after: i64,
}

/// The second set, where there is one.
pub(crate) fn second(connection: &Connection) -> rusqlite::Result<Option<SecondSet>> {
    let mut statement = connection.prepare_cached(
        "SELECT fingerprint, dimension, origin, generation, revision, begun_after FROM second_set",
    )?;
    let second = statement.query_row([], |row| {
        Ok(SecondSet {
            set: VectorSet::of(row, 0)?,
            begun_after: row.get(5)?,
        })
    });
    second.optional()
}

/// A number that no table had yet.
fn new_generation(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row(
        "UPDATE state SET last_generation = last_generation + 1 RETURNING last_generation",
        [],
        |row| row.get(0),
    )
}

/// Makes an embedder's vectors the ones that are wanted: those that are searched stay so until
/// the others can take their place.
pub(crate) fn choose(connection: &Connection, embedder: &EmbedderIdentity) -> rusqlite::Result<()> {
    let first = schema::state(connection)?.first;
    let second = second(connection)?;
    if first.embedder.is_comparable(embedder) {
        drop_second(connection)?;
        connection.execute(
            "UPDATE state SET origin = ?1 WHERE origin <> ?1",
            [&embedder.origin],
        )?;
    } else if second.is_some_and(|second| second.set.embedder.is_comparable(embedder)) {
        connection.execute(
            "UPDATE second_set SET origin = ?1 WHERE origin <> ?1",
            [&embedder.origin],
        )?;
    } else {
        begin_second(connection, embedder)?;
    }
    switch_if_covered(connection)?;
    Ok(())
}

/// Begins a second set, in place of another one that was not finished. It lacks every chunk.
fn begin_second(connection: &Connection, embedder: &EmbedderIdentity) -> rusqlite::Result<()> {
    let generation = new_generation(connection)?;
    connection.execute(
        "INSERT OR REPLACE INTO second_set
         SELECT 1, ?1, ?2, ?3, ?4, 0, coalesce(max(id), 0) FROM chunks",
        params![
            embedder.fingerprint,
            embedder.dimension as i64,
            embedder.origin,
            generation
        ],
    )?;
    await_all(connection)
}

fn await_all(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM waiting", [])?;
    connection.execute("INSERT INTO waiting SELECT id FROM chunks", [])?;
    Ok(())
}

/// Gives up the second set, where there is one.
fn drop_second(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM second_set", [])?;
    connection.execute("DELETE FROM waiting", [])?;
    Ok(())
}

/// Lets the second set take the first one's place if no live chunk loses its vector by that;
/// whether it did.
pub(crate) fn switch_if_covered(connection: &Connection) -> rusqlite::Result<bool> {
    // In this order: the list is left at the first chunk that counts, and while much is missing,
    // that is one of its first.
    let lacks: bool = connection
        .prepare_cached(
            "SELECT EXISTS (
                 SELECT 1 FROM waiting w CROSS JOIN chunks c ON c.id = w.chunk
                     CROSS JOIN documents d ON d.id = c.document
                 WHERE c.embedded = 1 AND d.state = ?1)",
        )?
        .query_row([LIVE], |row| row.get(0))?;
    if lacks {
        return Ok(false);
    }
    switch(connection)
}

/// Lets the second set take the first one's place as it stands; `false` if there is none.
pub(crate) fn switch(connection: &Connection) -> rusqlite::Result<bool> {
    let Some(SecondSet { set, .. }) = second(connection)? else {
        return Ok(false);
    };
    connection.execute(
        "UPDATE chunks SET embedded = 0
         WHERE embedded = 1 AND id IN (SELECT chunk FROM waiting)",
        [],
    )?;
    connection.execute(
        "UPDATE chunks SET embedded = 1
         WHERE embedded = 0 AND id NOT IN (SELECT chunk FROM waiting)",
        [],
    )?;
    connection.execute(
        "UPDATE state SET fingerprint = ?1, dimension = ?2, origin = ?3, vector_generation = ?4,
             vector_revision = max(vector_revision, ?5) + 1",
        params![
            set.embedder.fingerprint,
            set.embedder.dimension as i64,
            set.embedder.origin,
            set.table.generation,
            set.table.revision
        ],
    )?;
    connection.execute("DELETE FROM vector_commits", [])?;
    drop_second(connection)?;
    Ok(true)
}

/// Begins a new, empty table for the first set: every chunk waits for its vector again.
pub(crate) fn renew_first(connection: &Connection) -> rusqlite::Result<()> {
    let generation = new_generation(connection)?;
    connection.execute(
        "UPDATE state SET vector_generation = ?1, vector_revision = vector_revision + 1",
        [generation],
    )?;
    connection.execute("DELETE FROM vector_commits", [])?;
    connection.execute("UPDATE chunks SET embedded = 0 WHERE embedded <> 0", [])?;
    Ok(())
}

/// Begins a new, empty table for the second set.
pub(crate) fn renew_second(connection: &Connection) -> rusqlite::Result<()> {
    let generation = new_generation(connection)?;
    connection.execute("UPDATE second_set SET generation = ?1", [generation])?;
    await_all(connection)
}

/// Lists the chunks of a staged document as lacking in the second set, where there is one.
pub(crate) fn await_document(
    connection: &Connection,
    document: DocumentId,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO waiting SELECT id FROM chunks
             WHERE document = ?1 AND EXISTS (SELECT 1 FROM second_set)",
        )?
        .execute([document.0])?;
    Ok(())
}

/// Takes the chunks of a document that is deleted off the list.
pub(crate) fn forget_document(
    connection: &Connection,
    document: DocumentId,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM waiting WHERE chunk IN (SELECT id FROM chunks WHERE document = ?1)",
        )?
        .execute([document.0])?;
    Ok(())
}

/// Notes that the second set has vectors of chunks.
pub(crate) fn mark(
    connection: &Connection,
    ids: impl Iterator<Item = ChunkId>,
) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM waiting WHERE chunk = ?1")?;
    for id in ids {
        delete.execute([id.0])?;
    }
    connection.execute("UPDATE second_set SET revision = revision + 1", [])?;
    Ok(())
}

/// Number of live chunks that the second set lacks.
pub(crate) fn waiting_count(connection: &Connection) -> rusqlite::Result<u64> {
    let all: i64 = connection
        .prepare_cached("SELECT count(*) FROM waiting")?
        .query_row([], |row| row.get(0))?;
    let not_live: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM documents d INDEXED BY documents_not_live
             JOIN chunks c ON c.document = d.id JOIN waiting w ON w.chunk = c.id
             WHERE d.state <> 1",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(u64::try_from(all - not_live).unwrap_or(0))
}

/// Number of chunks that the second set has a vector of, live or not.
pub(crate) fn made_count(connection: &Connection) -> rusqlite::Result<u64> {
    let count: i64 = connection.query_row(
        "SELECT (SELECT count(*) FROM chunks) - (SELECT count(*) FROM waiting)",
        [],
        |row| row.get(0),
    )?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Chunks that the second set has a vector of, live or not.
pub(crate) fn made(connection: &Connection) -> rusqlite::Result<Vec<ChunkId>> {
    let mut statement = connection
        .prepare("SELECT id FROM chunks WHERE id NOT IN (SELECT chunk FROM waiting) ORDER BY id")?;
    let ids = statement.query_map([], |row| row.get(0).map(ChunkId))?;
    ids.collect()
}

/// Lists every chunk as lacking in the second set that is not among `ids`.
pub(crate) fn keep(connection: &Connection, ids: &HashSet<i64>) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached("INSERT INTO waiting VALUES (?1)")?;
    for id in made(connection)? {
        if !ids.contains(&id.0) {
            insert.execute([id.0])?;
        }
    }
    Ok(())
}
