//! Chunks, and which of them wait for a vector.

use docent_core::chunk::{self, Chunk};
use docent_core::document::Document;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::schema::{LIVE, damaged};
use super::{binary, documents, files, sets};
use crate::id::{ChunkId, DocumentId, RootId};
use crate::reader::StoredChunk;
use crate::writer::{PendingChunk, Set};

/// Writes a staged document's chunks; their ids, in order.
pub(crate) fn stage(
    connection: &Connection,
    id: DocumentId,
    document: &Document,
    chunks: &[Chunk],
) -> rusqlite::Result<Vec<ChunkId>> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO chunks (document, ordinal, start, end, locator, headings, hidden,
             text_hash, embedded)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
    )?;
    let mut ids = Vec::with_capacity(chunks.len());
    for (ordinal, chunk) in chunks.iter().enumerate() {
        insert.execute(params![
            id.0,
            ordinal as i64,
            chunk.span.start as i64,
            chunk.span.end as i64,
            binary::encode_locator(&chunk.locator),
            encode_headings(&chunk.heading_path)?,
            chunk.hidden,
            text_hash(document, chunk),
        ])?;
        ids.push(ChunkId(connection.last_insert_rowid()));
    }
    sets::await_document(connection, id)?;
    Ok(ids)
}

/// Half of the hash of what is embedded for a chunk: enough to tell any two texts apart.
fn text_hash(document: &Document, chunk: &Chunk) -> [u8; 16] {
    let text = document.text.get(chunk.span.clone()).unwrap_or_default();
    let opening = || chunk::opening_words(&document.text, document.format, chunk.span.start);
    let title = document.title.clone().or_else(opening);
    let text = chunk::text_to_embed(title.as_deref(), &chunk.heading_path, text);
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    half
}

fn encode_headings(headings: &[String]) -> rusqlite::Result<Option<String>> {
    if headings.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(headings)
        .map(Some)
        .map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))
}

fn headings(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    match row.get_ref(column)?.as_str_or_null()? {
        None => Ok(Vec::new()),
        Some(json) => {
            serde_json::from_str(json).map_err(|e| damaged(format!("the headings of a chunk: {e}")))
        }
    }
}

/// The columns of a chunk from `column` on: start, end, locator, headings, hidden.
fn chunk_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Chunk> {
    let start = row.get::<_, i64>(column)? as usize;
    let end = row.get::<_, i64>(column + 1)? as usize;
    let locator = binary::decode_locator(row.get_ref(column + 2)?.as_blob()?);
    Ok(Chunk {
        span: start..end.max(start),
        locator: locator.ok_or_else(|| damaged("the locator of a chunk".into()))?,
        heading_path: headings(row, column + 3)?,
        hidden: row.get(column + 4)?,
    })
}

const STORED: &str = "SELECT c.id, c.document, c.ordinal, c.start, c.end, c.locator, c.headings,
        c.hidden, d.format, d.title, d.language, r.id, r.path, s.path, s.modified_ns
     FROM chunks c
     JOIN documents d ON d.id = c.document
     JOIN sources s ON s.document = c.document
     JOIN roots r ON r.id = s.root
     WHERE d.state = 1 AND ";

fn stored(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<StoredChunk> {
    let document = DocumentId(row.get(1)?);
    let chunk = chunk_of(row, 3)?;
    let text = documents::text(connection, document, chunk.span.clone())?;
    Ok(StoredChunk {
        id: ChunkId(row.get(0)?),
        document,
        ordinal: row.get::<_, i64>(2)? as usize,
        root_id: RootId(row.get(11)?),
        root: files::root_path(row, 12)?,
        path: row.get(13)?,
        format: documents::format(row, 8)?,
        title: row.get(9)?,
        language: documents::language(row, 10)?,
        modified_ns: row.get(14)?,
        chunk,
        text,
    })
}

/// A live chunk with its text.
pub(crate) fn live(connection: &Connection, id: ChunkId) -> rusqlite::Result<Option<StoredChunk>> {
    connection
        .prepare_cached(&format!("{STORED} c.id = ?1"))?
        .query_row([id.0], |row| stored(connection, row))
        .optional()
}

/// The chunks of a live document, in order.
pub(crate) fn of_document(
    connection: &Connection,
    document: DocumentId,
) -> rusqlite::Result<Vec<StoredChunk>> {
    let mut statement =
        connection.prepare_cached(&format!("{STORED} c.document = ?1 ORDER BY c.ordinal"))?;
    let chunks = statement.query_map([document.0], |row| stored(connection, row))?;
    chunks.collect()
}

/// A document's chunks, live or not, for the full-text index.
pub(crate) fn to_index(
    connection: &Connection,
    document: DocumentId,
) -> rusqlite::Result<Vec<(ChunkId, Chunk)>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, start, end, locator, headings, hidden FROM chunks WHERE document = ?1 ORDER BY ordinal",
    )?;
    let chunks = statement.query_map([document.0], |row| {
        Ok((ChunkId(row.get(0)?), chunk_of(row, 1)?))
    })?;
    chunks.collect()
}

/// The live document of a chunk, and whether the first set has a vector of it; `None` for a chunk
/// that is not live.
pub(crate) fn live_document(
    connection: &Connection,
    id: ChunkId,
) -> rusqlite::Result<Option<(DocumentId, bool)>> {
    connection
        .prepare_cached(
            "SELECT c.document, c.embedded FROM chunks c JOIN documents d ON d.id = c.document
             WHERE c.id = ?1 AND d.state = ?2",
        )?
        .query_row([id.0, LIVE], |row| {
            Ok((DocumentId(row.get(0)?), row.get::<_, i64>(1)? != 0))
        })
        .optional()
}

/// Live chunks after a chunk that a set has no vector of, the oldest first.
pub(crate) fn pending(
    connection: &Connection,
    set: Set,
    after: i64,
    limit: usize,
) -> rusqlite::Result<Vec<PendingChunk>> {
    // Either is read in the order of the chunks, and no further than is asked for.
    let lacking = match set {
        Set::First => {
            "chunks c INDEXED BY chunks_pending JOIN documents d ON d.id = c.document
             WHERE d.state = ?1 AND c.embedded = 0 AND c.id > ?3 ORDER BY c.id"
        }
        Set::Second => {
            "waiting w CROSS JOIN chunks c ON c.id = w.chunk
                 CROSS JOIN documents d ON d.id = c.document
             WHERE d.state = ?1 AND w.chunk > ?3 ORDER BY w.chunk"
        }
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT c.id, c.document, c.start, c.end, c.headings, d.title, d.format
         FROM {lacking} LIMIT ?2"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let chunks = statement.query_map([LIVE, limit, after], |row| {
        let span = row.get::<_, i64>(2)? as usize..row.get::<_, i64>(3)? as usize;
        let document = DocumentId(row.get(1)?);
        let mut title: Option<String> = row.get(5)?;
        if title.is_none() {
            let opening = documents::opening(connection, document, chunk::OPENING_BYTES)?;
            title = chunk::opening_words(&opening, documents::format(row, 6)?, span.start);
        }
        Ok(PendingChunk {
            id: ChunkId(row.get(0)?),
            title,
            heading_path: headings(row, 4)?,
            text: documents::text(connection, document, span)?,
        })
    })?;
    chunks.collect()
}

/// Number of live chunks after a chunk that the first set has no vector of.
pub(crate) fn pending_count(connection: &Connection, after: i64) -> rusqlite::Result<u64> {
    // Counting all and taking off the few that are not live reads one index; asking for each
    // whether its document is live would take a look-up a chunk.
    let all: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM chunks INDEXED BY chunks_pending
             WHERE embedded = 0 AND id > ?1",
        )?
        .query_row([after], |row| row.get(0))?;
    let not_live: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM documents d INDEXED BY documents_not_live
             JOIN chunks c ON c.document = d.id
             WHERE d.state <> 1 AND c.embedded = 0 AND c.id > ?1",
        )?
        .query_row([after], |row| row.get(0))?;
    Ok(u64::try_from(all - not_live).unwrap_or(0))
}

/// Marks chunks as embedded in the first set, and notes the first of them for readers that hold the others.
pub(crate) fn mark_embedded(
    connection: &Connection,
    ids: impl Iterator<Item = ChunkId>,
) -> rusqlite::Result<()> {
    let mut update = connection.prepare_cached("UPDATE chunks SET embedded = 1 WHERE id = ?1")?;
    let mut first = i64::MAX;
    for id in ids {
        update.execute([id.0])?;
        first = first.min(id.0);
    }
    connection.execute("UPDATE state SET vector_revision = vector_revision + 1", [])?;
    connection
        .prepare_cached(
            "INSERT INTO vector_commits (revision, first_chunk)
             SELECT vector_revision, ?1 FROM state",
        )?
        .execute([first])?;
    Ok(())
}

/// The first chunk, by id, that was embedded after a revision of the vectors.
pub(crate) fn first_embedded_since(
    connection: &Connection,
    revision: i64,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT min(first_chunk) FROM vector_commits WHERE revision > ?1")?
        .query_row([revision], |row| row.get(0))
}

/// Number of chunks that the first set has a vector of, live or not.
pub(crate) fn embedded_count(connection: &Connection) -> rusqlite::Result<u64> {
    let count: i64 = connection.query_row(
        "SELECT (SELECT count(*) FROM chunks)
             - (SELECT count(*) FROM chunks INDEXED BY chunks_pending WHERE embedded = 0)",
        [],
        |row| row.get(0),
    )?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// For each of some chunks another one, live or not, of the same text that a set has a vector of.
pub(crate) fn same_text(
    connection: &Connection,
    set: Set,
    chunks: impl Iterator<Item = ChunkId>,
) -> rusqlite::Result<Vec<(ChunkId, ChunkId)>> {
    // What the second set has and the first has not is embedded once more; it is little.
    let has = match set {
        Set::First => "",
        Set::Second => "AND d.id NOT IN (SELECT chunk FROM waiting)",
    };
    let mut find = connection.prepare_cached(&format!(
        "SELECT d.id FROM chunks c JOIN chunks d INDEXED BY chunks_embedded
             ON d.text_hash = c.text_hash AND d.embedded = 1
         WHERE c.id = ?1 {has} LIMIT 1"
    ))?;
    let mut found = Vec::new();
    for chunk in chunks {
        let same: Option<i64> = find.query_row([chunk.0], |row| row.get(0)).optional()?;
        found.extend(same.map(|same| (chunk, ChunkId(same))));
    }
    Ok(found)
}

/// Live chunks that the first set has a vector of.
pub(crate) fn embedded(connection: &Connection) -> rusqlite::Result<Vec<ChunkId>> {
    let mut statement = connection.prepare_cached(
        "SELECT c.id FROM chunks c JOIN documents d ON d.id = c.document
         WHERE c.embedded = 1 AND d.state = ?1 ORDER BY c.id",
    )?;
    let ids = statement.query_map([LIVE], |row| row.get(0).map(ChunkId))?;
    ids.collect()
}

/// Marks every chunk as waiting for a vector that is not among `ids`.
pub(crate) fn keep_embedded(
    connection: &Connection,
    ids: &std::collections::HashSet<i64>,
) -> rusqlite::Result<usize> {
    let mut statement = connection.prepare("SELECT id FROM chunks WHERE embedded = 1")?;
    let marked: Vec<i64> = statement
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut update = connection.prepare_cached("UPDATE chunks SET embedded = 0 WHERE id = ?1")?;
    let mut lost = 0;
    for id in marked.into_iter().filter(|id| !ids.contains(id)) {
        lost += update.execute([id])?;
    }
    Ok(lost)
}
