//! Root folders and sources.

use std::path::{Path, PathBuf};

use docent_core::document::Page;
use docent_core::source::{ContentHash, Gap, SourceState, Stamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::documents;
use super::schema::damaged;
use crate::id::{DocumentId, RootId, SourceId};
use crate::reader::{SourceReport, StateFilter};
use crate::writer::{Root, StoredSource};

/// The root folders, in the order in which they were added.
pub(crate) fn roots(connection: &Connection) -> rusqlite::Result<Vec<Root>> {
    let mut statement = connection.prepare_cached("SELECT id, path FROM roots ORDER BY id")?;
    let roots = statement.query_map([], |row| {
        Ok(Root {
            id: RootId(row.get(0)?),
            path: path_of(row.get_ref(1)?.as_blob()?),
        })
    })?;
    roots.collect()
}

/// Adds a root folder, or finds it.
pub(crate) fn add_root(connection: &Connection, path: &Path) -> rusqlite::Result<RootId> {
    connection.execute(
        "INSERT INTO roots (path) VALUES (?1) ON CONFLICT DO NOTHING",
        [bytes_of(path)],
    )?;
    connection.query_row(
        "SELECT id FROM roots WHERE path = ?1",
        [bytes_of(path)],
        |row| row.get(0).map(RootId),
    )
}

#[cfg(unix)]
fn bytes_of(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn bytes_of(path: &Path) -> Vec<u8> {
    path.to_string_lossy().into_owned().into_bytes()
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// Whether a root exists.
pub(crate) fn has_root(connection: &Connection, root: RootId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM roots WHERE id = ?1")?
        .exists([root.0])
}

/// Deletes a root and its sources; the ids of the documents that die with them.
pub(crate) fn remove_root(
    connection: &Connection,
    root: RootId,
) -> rusqlite::Result<Vec<DocumentId>> {
    let mut statement = connection
        .prepare_cached("SELECT document FROM sources WHERE root = ?1 AND document IS NOT NULL")?;
    let documents: Vec<_> = statement
        .query_map([root.0], |row| row.get(0).map(DocumentId))?
        .collect::<rusqlite::Result<_>>()?;
    connection.execute(
        "DELETE FROM sources WHERE root = ?1 AND container IS NOT NULL",
        [root.0],
    )?;
    connection.execute("DELETE FROM sources WHERE root = ?1", [root.0])?;
    connection.execute("DELETE FROM roots WHERE id = ?1", [root.0])?;
    Ok(documents)
}

const INDEXED: i64 = 0;
const PARTIAL: i64 = 1;
const FAILED: i64 = 2;
const SKIPPED: i64 = 3;

fn state_number(state: &SourceState) -> i64 {
    match state {
        SourceState::Indexed => INDEXED,
        SourceState::Partial(_) => PARTIAL,
        SourceState::Failed(_) => FAILED,
        SourceState::Skipped(_) => SKIPPED,
    }
}

/// The state in three columns: number, reason, help.
fn state_of(row: &Row<'_>, column: usize) -> rusqlite::Result<SourceState> {
    let number: i64 = row.get(column)?;
    let gap = || -> rusqlite::Result<Gap> {
        Ok(Gap {
            reason: row
                .get::<_, Option<String>>(column + 1)?
                .unwrap_or_default(),
            help: row.get(column + 2)?,
        })
    };
    Ok(match number {
        INDEXED => SourceState::Indexed,
        PARTIAL => SourceState::Partial(gap()?),
        FAILED => SourceState::Failed(gap()?),
        SKIPPED => SourceState::Skipped(gap()?),
        _ => return Err(damaged(format!("a source has the state {number}"))),
    })
}

/// Every file of the folders, by root and path; files inside files belong to those.
pub(crate) fn sources(connection: &Connection) -> rusqlite::Result<Vec<StoredSource>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, root, path, size, modified_ns, device, inode, hash, chunks,
             EXISTS (SELECT 1 FROM sources i WHERE i.container = s.id AND i.state <> 0),
             state, reason, help
         FROM sources s WHERE container IS NULL ORDER BY root, path",
    )?;
    let sources = statement.query_map([], |row| {
        Ok(StoredSource {
            id: SourceId(row.get(0)?),
            root: RootId(row.get(1)?),
            path: row.get(2)?,
            stamp: Stamp {
                size: row.get::<_, i64>(3)? as u64,
                modified_ns: row.get(4)?,
                device: row.get::<_, i64>(5)? as u64,
                inode: row.get::<_, i64>(6)? as u64,
            },
            hash: hash(row, 7)?,
            chunks: row.get::<_, i64>(8)? as usize,
            lacks_inside: row.get(9)?,
            state: state_of(row, 10)?,
        })
    })?;
    sources.collect()
}

/// The content hash in a column; one of the wrong length counts as none.
pub(crate) fn hash(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<ContentHash>> {
    let bytes = row.get_ref(column)?.as_blob_or_null()?;
    Ok(bytes
        .and_then(|bytes| bytes.try_into().ok())
        .map(ContentHash))
}

/// What a source is about to become.
pub(crate) struct NewSource<'a> {
    pub(crate) root: RootId,
    pub(crate) path: &'a str,
    pub(crate) stamp: Stamp,
    pub(crate) hash: Option<ContentHash>,
    pub(crate) state: SourceState,
    pub(crate) document: Option<DocumentId>,
    pub(crate) chunks: usize,
    /// For a file inside a file: the one that holds it, and where in it.
    pub(crate) container: Option<(SourceId, &'a str)>,
}

/// Writes a source over what stood at its path; the document that stood there.
pub(crate) fn put(
    connection: &Connection,
    source: &NewSource<'_>,
) -> rusqlite::Result<Option<DocumentId>> {
    let replaced = at(connection, source.root, source.path)?.and_then(|(_, document)| document);
    connection
        .prepare_cached(
            "INSERT INTO sources (root, path, size, modified_ns, device, inode, hash, state,
                 reason, help, document, chunks, container, inside)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (root, path) DO UPDATE SET
                 size = excluded.size, modified_ns = excluded.modified_ns,
                 device = excluded.device, inode = excluded.inode, hash = excluded.hash,
                 state = excluded.state, reason = excluded.reason, help = excluded.help,
                 document = excluded.document, chunks = excluded.chunks,
                 container = excluded.container, inside = excluded.inside",
        )?
        .execute(params![
            source.root.0,
            source.path,
            source.stamp.size as i64,
            source.stamp.modified_ns,
            source.stamp.device as i64,
            source.stamp.inode as i64,
            source.hash.map(|hash| hash.0),
            state_number(&source.state),
            source.state.gap().map(|gap| &gap.reason),
            source.state.gap().and_then(|gap| gap.help.as_ref()),
            source.document.map(|document| document.0),
            source.chunks as i64,
            source.container.map(|(container, _)| container.0),
            source.container.map(|(_, inside)| inside),
        ])?;
    Ok(replaced)
}

/// The source at a path, with its live document.
pub(crate) fn at(
    connection: &Connection,
    root: RootId,
    path: &str,
) -> rusqlite::Result<Option<(SourceId, Option<DocumentId>)>> {
    connection
        .prepare_cached("SELECT id, document FROM sources WHERE root = ?1 AND path = ?2")?
        .query_row(params![root.0, path], |row| {
            Ok((
                SourceId(row.get(0)?),
                row.get::<_, Option<i64>>(1)?.map(DocumentId),
            ))
        })
        .optional()
}

/// A source's live document; the outer `None` if there is no such source.
pub(crate) fn document_of(
    connection: &Connection,
    source: SourceId,
) -> rusqlite::Result<Option<Option<DocumentId>>> {
    connection
        .prepare_cached("SELECT document FROM sources WHERE id = ?1")?
        .query_row([source.0], |row| {
            Ok(row.get::<_, Option<i64>>(0)?.map(DocumentId))
        })
        .optional()
}

/// Sets the place of a source and of what is inside it.
pub(crate) fn set_place(
    connection: &Connection,
    source: SourceId,
    root: RootId,
    path: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE sources SET root = ?2, path = ?3 || coalesce('/' || inside, '')
             WHERE id = ?1 OR container = ?1",
        )?
        .execute(params![source.0, root.0, path])?;
    Ok(())
}

/// Takes a source, with what is inside it, off its path until it gets a new one in the same transaction, so that sources
/// can change places. No file's path has a zero in it.
pub(crate) fn lift(connection: &Connection, source: SourceId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE sources SET path = char(0) || id WHERE id = ?1 OR container = ?1")?
        .execute([source.0])?;
    Ok(())
}

/// Sets a source's metadata; `false` if there is no such source.
pub(crate) fn set_stamp(
    connection: &Connection,
    source: SourceId,
    stamp: Stamp,
) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(
            "UPDATE sources SET size = ?2, modified_ns = ?3, device = ?4, inode = ?5 WHERE id = ?1",
        )?
        .execute(params![
            source.0,
            stamp.size as i64,
            stamp.modified_ns,
            stamp.device as i64,
            stamp.inode as i64,
        ])?;
    // A file inside has its own size, and the time of the one that holds it.
    connection
        .prepare_cached("UPDATE sources SET modified_ns = ?2 WHERE container = ?1")?
        .execute(params![source.0, stamp.modified_ns])?;
    Ok(changed == 1)
}

/// What lies inside a source: where, and its live document.
pub(crate) fn inside(
    connection: &Connection,
    source: SourceId,
) -> rusqlite::Result<Vec<(String, Option<DocumentId>)>> {
    let mut statement = connection
        .prepare_cached("SELECT inside, document FROM sources WHERE container = ?1 ORDER BY id")?;
    let inside = statement.query_map([source.0], |row| {
        Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(DocumentId)))
    })?;
    inside.collect()
}

/// Deletes the rows of what is inside a source; the documents that die with them.
pub(crate) fn delete_inside(
    connection: &Connection,
    source: SourceId,
) -> rusqlite::Result<Vec<DocumentId>> {
    let documents = inside(connection, source)?;
    connection
        .prepare_cached("DELETE FROM sources WHERE container = ?1")?
        .execute([source.0])?;
    Ok(documents
        .into_iter()
        .filter_map(|(_, document)| document)
        .collect())
}

/// Deletes a source's row and those of what is inside it; the documents that die with them.
pub(crate) fn delete(
    connection: &Connection,
    source: SourceId,
) -> rusqlite::Result<Vec<DocumentId>> {
    let mut documents = delete_inside(connection, source)?;
    documents.extend(document_of(connection, source)?.flatten());
    connection
        .prepare_cached("DELETE FROM sources WHERE id = ?1")?
        .execute([source.0])?;
    Ok(documents)
}

/// The columns of a report.
const REPORT: &str = "SELECT s.id, r.path, s.path, s.size, s.modified_ns, s.document, s.chunks,
        s.inside, s.state, s.reason, s.help
     FROM sources s JOIN roots r ON r.id = s.root";

fn report(row: &Row<'_>) -> rusqlite::Result<SourceReport> {
    Ok(SourceReport {
        id: SourceId(row.get(0)?),
        root: path_of(row.get_ref(1)?.as_blob()?),
        path: row.get(2)?,
        size: row.get::<_, i64>(3)? as u64,
        modified_ns: row.get(4)?,
        document: row.get::<_, Option<i64>>(5)?.map(DocumentId),
        chunks: row.get::<_, i64>(6)? as usize,
        inside: row.get(7)?,
        state: state_of(row, 8)?,
    })
}

/// Sources in some states, by path.
pub(crate) fn reports(
    connection: &Connection,
    filter: StateFilter,
    limit: usize,
) -> rusqlite::Result<Vec<SourceReport>> {
    let (first, last) = match filter {
        StateFilter::All => (INDEXED, SKIPPED),
        StateFilter::Indexed => (INDEXED, INDEXED),
        StateFilter::Partial => (PARTIAL, PARTIAL),
        StateFilter::Failed => (FAILED, FAILED),
        StateFilter::Skipped => (SKIPPED, SKIPPED),
        StateFilter::Problems => (PARTIAL, FAILED),
    };
    let mut statement = connection.prepare_cached(&format!(
        "{REPORT} WHERE s.state BETWEEN ?1 AND ?2 ORDER BY s.root, s.path LIMIT ?3"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let reports = statement.query_map([first, last, limit], report)?;
    reports.collect()
}

/// Sources that are not simply indexed, and those with pages that were not simply read, by path,
/// each with how its pages were read.
pub(crate) fn coverage(
    connection: &Connection,
) -> rusqlite::Result<Vec<(SourceReport, Vec<Page>)>> {
    let mut statement = connection.prepare_cached(&format!(
        "{REPORT} LEFT JOIN documents d ON d.id = s.document
         WHERE s.state <> ?1 OR d.weak_pages > 0 ORDER BY s.root, s.path"
    ))?;
    let mut covered = Vec::new();
    for source in statement.query_map([INDEXED], report)? {
        let source = source?;
        let pages = match source.document {
            Some(document) => documents::pages(connection, document)?,
            None => Vec::new(),
        };
        covered.push((source, pages));
    }
    Ok(covered)
}

/// Number of sources and of live chunks, by state: indexed, partial, failed, skipped.
pub(crate) fn counts(connection: &Connection) -> rusqlite::Result<[(u64, u64); 4]> {
    let mut statement = connection
        .prepare_cached("SELECT state, count(*), sum(chunks) FROM sources GROUP BY state")?;
    let mut counts = [(0, 0); 4];
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let state = row.get::<_, i64>(0)? as usize;
        if let Some(count) = counts.get_mut(state) {
            *count = (row.get::<_, i64>(1)? as u64, row.get::<_, i64>(2)? as u64);
        }
    }
    Ok(counts)
}

/// The root in a column of path bytes.
pub(crate) fn root_path(row: &Row<'_>, column: usize) -> rusqlite::Result<PathBuf> {
    Ok(path_of(row.get_ref(column)?.as_blob()?))
}
