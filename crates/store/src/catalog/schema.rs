//! The catalog's tables, and the one row that says how far everything is.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::sets::VectorSet;
use crate::id::Revision;

/// Counts up with the tables.
const SCHEMA_VERSION: i64 = 3;

/// The oldest version that is brought to the present one.
const OLDEST_VERSION: i64 = 2;

/// `docent` in the file's header, so that other programs can tell what it is.
const APPLICATION_ID: i64 = 0x646f_6365;

/// States of a document's row.
pub(crate) const STAGED: i64 = 0;
pub(crate) const LIVE: i64 = 1;
pub(crate) const DEAD: i64 = 2;

/// Ids are AUTOINCREMENT throughout: none is used twice, so that what the derived indexes may
/// still hold of a dropped row is never taken for a new one.
const TABLES: &str = "
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL,
    committed_ns INTEGER,
    -- The embedder of the first set of vectors, which is searched, and the table that holds them:
    -- vectors/chunks_GENERATION.
    fingerprint TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    vector_generation INTEGER NOT NULL,
    -- Counts the commits of vectors, so that readers know when to look again.
    vector_revision INTEGER NOT NULL,
    -- What the program needs to load that embedder again.
    origin TEXT NOT NULL DEFAULT '',
    -- The highest generation that any table ever had.
    last_generation INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TABLE roots (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The bytes of the path as the operating system has it.
    path BLOB NOT NULL UNIQUE
) STRICT;
CREATE TABLE sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    root INTEGER NOT NULL REFERENCES roots (id),
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    device INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    hash BLOB,
    state INTEGER NOT NULL,
    -- Why it is not simply indexed, and what would help.
    reason TEXT,
    help TEXT,
    -- For a file inside a file: the one that holds it, and where in it; path is then that file's
    -- path, a slash, and this.
    container INTEGER REFERENCES sources (id),
    inside TEXT,
    -- The live document, where there is one, and the number of its chunks.
    document INTEGER,
    chunks INTEGER NOT NULL,
    UNIQUE (root, path)
) STRICT;
CREATE INDEX sources_by_container ON sources (container) WHERE container IS NOT NULL;
CREATE UNIQUE INDEX sources_by_document ON sources (document) WHERE document IS NOT NULL;
CREATE TABLE documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state INTEGER NOT NULL,
    -- The revision in which the full-text index got it.
    revision INTEGER NOT NULL,
    -- Whether the full-text index may hold it.
    in_text INTEGER NOT NULL,
    format TEXT NOT NULL,
    title TEXT,
    language TEXT,
    length INTEGER NOT NULL,
    -- As JSON: what is missing, what a reader should know, what the original says of itself,
    -- and how its pages were read.
    incomplete TEXT,
    warnings TEXT,
    properties TEXT,
    pages TEXT,
    -- Number of pages that were not simply read.
    weak_pages INTEGER NOT NULL,
    blocks BLOB NOT NULL,
    -- The lines of pages with their boxes.
    lines BLOB
) STRICT;
CREATE INDEX documents_not_live ON documents (state) WHERE state <> 1;
CREATE INDEX documents_by_revision ON documents (revision);
-- The texts in pieces, so that a chunk of a long document is read without the rest:
-- id = document << 20 | piece.
CREATE TABLE texts (
    id INTEGER PRIMARY KEY,
    text BLOB NOT NULL
) STRICT;
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    locator BLOB NOT NULL,
    headings TEXT,
    -- Whether a reader of the original does not see it.
    hidden INTEGER NOT NULL,
    -- The first half of the BLAKE3 of what is embedded for it: the same text has the same vector.
    text_hash BLOB NOT NULL,
    -- Whether the vector table of this generation holds its vector.
    embedded INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX chunks_by_document ON chunks (document, ordinal);
CREATE INDEX chunks_embedded ON chunks (text_hash) WHERE embedded = 1;
CREATE INDEX chunks_pending ON chunks (id) WHERE embedded = 0;
-- The first chunk of each commit of vectors, so that readers take up only what is new.
CREATE TABLE vector_commits (
    revision INTEGER PRIMARY KEY,
    first_chunk INTEGER NOT NULL
) STRICT;
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_ns INTEGER NOT NULL,
    updated_ns INTEGER NOT NULL
) STRICT;
CREATE TABLE turns (
    conversation INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    asked_ns INTEGER NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (conversation, ordinal)
) STRICT, WITHOUT ROWID;
INSERT INTO state VALUES (1, 0, NULL, '', 0, 1, 0, '', 1);
";

/// The second set of vectors, which is made while the first is searched: at most one row.
const SECOND_SET: &str = "
CREATE TABLE second_set (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    fingerprint TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    origin TEXT NOT NULL,
    generation INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    -- The newest chunk when it was begun: later ones get a vector in both sets.
    begun_after INTEGER NOT NULL
) STRICT;
-- The chunks that the second set lacks.
CREATE TABLE waiting (
    chunk INTEGER PRIMARY KEY
) STRICT;
";

/// From version 2, which had one set of vectors and did not know where its embedder came from.
const FROM_2: &str = "
ALTER TABLE state ADD COLUMN origin TEXT NOT NULL DEFAULT '';
ALTER TABLE state ADD COLUMN last_generation INTEGER NOT NULL DEFAULT 1;
UPDATE state SET last_generation = vector_generation;
";

/// Sets a connection up for writing, makes the tables where there are none, and brings older ones
/// to this version.
pub(crate) fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    if version(connection)? == 0 {
        // Texts are long: larger pages keep their chains short.
        connection.pragma_update(None, "page_size", 8192)?;
    }
    set_up(connection)?;
    // Another process may be at the same: who comes second finds it done.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match version(&transaction)? {
        0 => {
            transaction.execute_batch(TABLES)?;
            transaction.execute_batch(SECOND_SET)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        }
        2 => {
            transaction.execute_batch(FROM_2)?;
            transaction.execute_batch(SECOND_SET)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        }
        _ => {}
    }
    transaction.commit()?;
    check(connection)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Whether the tables are older than this program's, and [`prepare`] brings them up.
pub(crate) fn is_older(connection: &Connection) -> rusqlite::Result<bool> {
    Ok((OLDEST_VERSION..SCHEMA_VERSION).contains(&version(connection)?))
}

/// The settings of every connection that writes. What is deleted is overwritten: these are
/// people's confidential texts.
pub(crate) fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

/// Fails unless the tables are those of this version.
pub(crate) fn check(connection: &Connection) -> rusqlite::Result<()> {
    let version = version(connection)?;
    let state: Option<i64> = connection
        .query_row("SELECT one FROM state", [], |row| row.get(0))
        .optional()?;
    if version != SCHEMA_VERSION || state.is_none() {
        return Err(damaged(format!(
            "its tables have version {version} where this docent knows {SCHEMA_VERSION}"
        )));
    }
    Ok(())
}

/// The error for a row that says what cannot be.
pub(crate) fn damaged(what: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Null, what.into())
}

/// How far everything is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) revision: Revision,
    pub(crate) committed_ns: Option<i64>,
    /// The vectors that are searched.
    pub(crate) first: VectorSet,
}

/// Reads the state row.
pub(crate) fn state(connection: &Connection) -> rusqlite::Result<State> {
    let mut statement = connection.prepare_cached(
        "SELECT revision, committed_ns, fingerprint, dimension, origin, vector_generation,
             vector_revision
         FROM state",
    )?;
    statement.query_row([], |row| {
        Ok(State {
            revision: Revision(row.get::<_, i64>(0)? as u64),
            committed_ns: row.get(1)?,
            first: VectorSet::of(row, 2)?,
        })
    })
}

/// Moves the live revision.
pub(crate) fn set_revision(connection: &Connection, revision: Revision) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE state SET revision = ?1, committed_ns = ?2")?
        .execute(params![revision.0 as i64, now_ns()])?;
    Ok(())
}

/// The time, in nanoseconds since 1970.
pub(crate) fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}
