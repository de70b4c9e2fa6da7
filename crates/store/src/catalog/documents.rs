//! Documents and their texts.

use std::ops::Range;

use docent_core::document::{Badge, Document, Format, Page};
use docent_core::language::Language;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::schema::{DEAD, LIVE, STAGED, damaged};
use super::{binary, sets};
use crate::id::{DocumentId, Revision};

/// Bytes of a text in one row. A chunk is found in one or two of them.
const PIECE_BYTES: usize = 64 << 10;
/// Bits of a text's row id that number the piece: 64 GiB of text in one document.
const PIECE_BITS: u32 = 20;

/// Writes a document, not live yet.
pub(crate) fn stage(
    connection: &Connection,
    document: &Document,
    revision: Revision,
) -> rusqlite::Result<DocumentId> {
    connection
        .prepare_cached(
            "INSERT INTO documents (state, revision, in_text, format, title, language, length,
                 incomplete, warnings, properties, pages, weak_pages, blocks, lines)
             VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            STAGED,
            revision.0 as i64,
            document.format.word(),
            document.title,
            document.language.map(|language| language.code().to_owned()),
            document.text.len() as i64,
            document.incomplete.as_ref().map(json).transpose()?,
            json_of_some(&document.warnings)?,
            json_of_some(&document.properties)?,
            json_of_some(&document.pages)?,
            document
                .pages
                .iter()
                .filter(|page| page.badge != Badge::Text)
                .count() as i64,
            binary::encode_blocks(&document.blocks),
            (!document.lines.is_empty()).then(|| binary::encode_lines(&document.lines)),
        ])?;
    let id = DocumentId(connection.last_insert_rowid());
    let mut insert = connection.prepare_cached("INSERT INTO texts (id, text) VALUES (?1, ?2)")?;
    for (piece, bytes) in document.text.as_bytes().chunks(PIECE_BYTES).enumerate() {
        insert.execute(params![piece_id(id, piece), bytes])?;
    }
    Ok(id)
}

fn json<T: Serialize + ?Sized>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))
}

/// A list as JSON, an empty one as nothing.
fn json_of_some<T: Serialize>(list: &[T]) -> rusqlite::Result<Option<String>> {
    (!list.is_empty()).then(|| json(list)).transpose()
}

/// What a column holds as JSON; nothing is the default.
fn from_json<T: DeserializeOwned + Default>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    match row.get_ref(column)?.as_str_or_null()? {
        None => Ok(T::default()),
        Some(json) => serde_json::from_str(json)
            .map_err(|e| damaged(format!("column {column} of a document: {e}"))),
    }
}

fn piece_id(document: DocumentId, piece: usize) -> i64 {
    (document.0 << PIECE_BITS) | piece as i64
}

/// Reads a byte span of a document's text.
pub(crate) fn text(
    connection: &Connection,
    document: DocumentId,
    span: Range<usize>,
) -> rusqlite::Result<String> {
    if span.is_empty() {
        return Ok(String::new());
    }
    let first = span.start / PIECE_BYTES;
    let last = (span.end - 1) / PIECE_BYTES;
    let mut statement = connection
        .prepare_cached("SELECT text FROM texts WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
    let mut rows = statement.query(params![piece_id(document, first), piece_id(document, last)])?;
    let mut bytes = Vec::with_capacity(span.len());
    let mut at = first * PIECE_BYTES;
    while let Some(row) = rows.next()? {
        let piece = row.get_ref(0)?.as_blob()?;
        let from = span.start.saturating_sub(at).min(piece.len());
        let to = span.end.saturating_sub(at).min(piece.len());
        bytes.extend_from_slice(&piece[from..to]);
        at += PIECE_BYTES;
    }
    if bytes.len() != span.len() {
        return Err(damaged(format!(
            "the text of document {document} is cut short"
        )));
    }
    String::from_utf8(bytes)
        .map_err(|_| damaged(format!("the text of document {document} is no text")))
}

/// Reads the first bytes of a document's text, up to a whole character.
pub(crate) fn opening(
    connection: &Connection,
    document: DocumentId,
    bytes: usize,
) -> rusqlite::Result<String> {
    let mut statement =
        connection.prepare_cached("SELECT substr(text, 1, ?2) FROM texts WHERE id = ?1")?;
    let count = bytes.min(PIECE_BYTES) as i64;
    let read = statement.query_row(params![piece_id(document, 0), count], |row| {
        let bytes = row.get_ref(0)?.as_blob()?;
        let whole = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        };
        Ok(whole.to_owned())
    });
    Ok(read.optional()?.unwrap_or_default())
}

/// Reads a whole document.
pub(crate) fn load(connection: &Connection, id: DocumentId) -> rusqlite::Result<Option<Document>> {
    let mut statement = connection.prepare_cached(
        "SELECT format, title, language, length, incomplete, warnings, properties, pages, blocks,
             lines
         FROM documents WHERE id = ?1",
    )?;
    let found = statement
        .query_row([id.0], |row| {
            let blocks = binary::decode_blocks(row.get_ref(8)?.as_blob()?);
            let lines = row.get_ref(9)?.as_blob_or_null()?;
            let lines = lines.map_or(Some(Vec::new()), binary::decode_lines);
            let document = Document {
                title: row.get(1)?,
                language: language(row, 2)?,
                blocks: blocks.ok_or_else(|| damaged(format!("the blocks of document {id}")))?,
                lines: lines.ok_or_else(|| damaged(format!("the lines of document {id}")))?,
                pages: from_json(row, 7)?,
                properties: from_json(row, 6)?,
                warnings: from_json(row, 5)?,
                incomplete: from_json(row, 4)?,
                ..Document::of(format(row, 0)?, String::new())
            };
            Ok((document, row.get::<_, i64>(3)? as usize))
        })
        .optional()?;
    let Some((mut document, length)) = found else {
        return Ok(None);
    };
    document.text = text(connection, id, 0..length)?;
    Ok(Some(document))
}

/// The format in a column.
pub(crate) fn format(row: &Row<'_>, column: usize) -> rusqlite::Result<Format> {
    let word: String = row.get(column)?;
    Format::from_word(&word).ok_or_else(|| damaged(format!("the format {word:?} is unknown")))
}

/// What the original says of itself, in a column.
pub(crate) fn properties(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<(String, String)>> {
    from_json(row, column)
}

/// The language in a column.
pub(crate) fn language(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Language>> {
    let code: Option<String> = row.get(column)?;
    Ok(code.as_deref().and_then(Language::from_code))
}

/// Sets a document's state.
pub(crate) fn set_state(
    connection: &Connection,
    id: DocumentId,
    state: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE documents SET state = ?2 WHERE id = ?1")?
        .execute([id.0, state])?;
    Ok(())
}

/// Declares what was staged and never made live dead.
pub(crate) fn drop_staged(connection: &Connection) -> rusqlite::Result<usize> {
    connection
        .prepare_cached("UPDATE documents SET state = ?1 WHERE state = ?2 AND state <> 1")?
        .execute([DEAD, STAGED])
}

/// A document whose rows wait to be collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dead {
    pub(crate) id: DocumentId,
    /// Whether the full-text index may still hold it.
    pub(crate) in_text: bool,
}

/// Dead documents, those that the full-text index may hold first.
pub(crate) fn dead(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<Dead>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, in_text FROM documents INDEXED BY documents_not_live
         WHERE state = ?1 AND state <> 1 ORDER BY in_text DESC, id LIMIT ?2",
    )?;
    let dead = statement.query_map(params![DEAD, limit as i64], |row| {
        Ok(Dead {
            id: DocumentId(row.get(0)?),
            in_text: row.get::<_, i64>(1)? != 0,
        })
    })?;
    dead.collect()
}

/// Live documents that the full-text index got after a revision.
pub(crate) fn live_since(
    connection: &Connection,
    revision: Revision,
) -> rusqlite::Result<Vec<DocumentId>> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM documents INDEXED BY documents_by_revision
         WHERE revision > ?1 AND state = ?2 ORDER BY id",
    )?;
    let ids = statement.query_map([revision.0 as i64, LIVE], |row| row.get(0).map(DocumentId))?;
    ids.collect()
}

/// What the full-text index takes of a document beside its chunks.
pub(crate) struct Indexable {
    pub(crate) title: Option<String>,
    pub(crate) language: Option<Language>,
    pub(crate) text: String,
    /// The path of its source.
    pub(crate) path: String,
}

/// Reads what the full-text index takes of a live document.
pub(crate) fn indexable(
    connection: &Connection,
    id: DocumentId,
) -> rusqlite::Result<Option<Indexable>> {
    let mut statement = connection.prepare_cached(
        "SELECT d.title, d.language, d.length, s.path
         FROM documents d JOIN sources s ON s.document = d.id WHERE d.id = ?1",
    )?;
    statement
        .query_row([id.0], |row| {
            let length = row.get::<_, i64>(2)? as usize;
            Ok(Indexable {
                title: row.get(0)?,
                language: language(row, 1)?,
                text: text(connection, id, 0..length)?,
                path: row.get(3)?,
            })
        })
        .optional()
}

/// Notes that the full-text index no longer holds a document.
pub(crate) fn note_out_of_text(connection: &Connection, id: DocumentId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE documents SET in_text = 0 WHERE id = ?1")?
        .execute([id.0])?;
    Ok(())
}

/// Notes in which revision the full-text index got a document.
pub(crate) fn set_revision(
    connection: &Connection,
    id: DocumentId,
    revision: Revision,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE documents SET revision = ?2 WHERE id = ?1")?
        .execute([id.0, revision.0 as i64])?;
    Ok(())
}

/// Deletes a document's rows.
pub(crate) fn delete(connection: &Connection, id: DocumentId) -> rusqlite::Result<()> {
    let range = [piece_id(id, 0), piece_id(DocumentId(id.0 + 1), 0) - 1];
    connection
        .prepare_cached("DELETE FROM texts WHERE id BETWEEN ?1 AND ?2")?
        .execute(range)?;
    sets::forget_document(connection, id)?;
    connection
        .prepare_cached("DELETE FROM chunks WHERE document = ?1")?
        .execute([id.0])?;
    connection
        .prepare_cached("DELETE FROM documents WHERE id = ?1")?
        .execute([id.0])?;
    Ok(())
}

/// How the pages of a document were read.
pub(crate) fn pages(connection: &Connection, id: DocumentId) -> rusqlite::Result<Vec<Page>> {
    connection
        .prepare_cached("SELECT pages FROM documents WHERE id = ?1")?
        .query_row([id.0], |row| from_json(row, 0))
}
