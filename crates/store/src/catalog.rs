//! The catalog: docent's own truth about a collection, in one SQLite database.
//!
//! Functions below this module take a connection and speak SQL; they know no other store.

pub(crate) mod binary;
pub(crate) mod chunks;
pub(crate) mod conversations;
pub(crate) mod documents;
pub(crate) mod files;
pub(crate) mod schema;
pub(crate) mod sets;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::error::StoreError;

/// How long to wait for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);
/// Memory for pages of each connection, in KiB.
const CACHE_KIB: i64 = 16 << 10;
/// Connections kept for the next read.
const MAX_IDLE: usize = 4;

/// An error inside a transaction: the catalog's own, or another store's on the way.
#[derive(Debug)]
pub(crate) enum Failure {
    Sql(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        Failure::Sql(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Store(error)
    }
}

impl Failure {
    pub(crate) fn explain(self, catalog: &Path) -> StoreError {
        match self {
            Failure::Sql(error) => StoreError::catalog(catalog, &error),
            Failure::Store(error) => error,
        }
    }
}

/// The connection of the one writer.
#[derive(Debug)]
pub(crate) struct WritingCatalog {
    path: PathBuf,
    pub(crate) connection: Connection,
}

impl WritingCatalog {
    /// Opens the database, or makes it.
    pub(crate) fn open(path: &Path) -> Result<WritingCatalog, StoreError> {
        let open = || -> rusqlite::Result<Connection> {
            let mut connection = Connection::open(path)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            schema::prepare(&mut connection)?;
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            connection.set_prepared_statement_cache_capacity(64);
            Ok(connection)
        };
        let connection = open().map_err(|e| StoreError::catalog(path, &e))?;
        Ok(WritingCatalog {
            path: path.to_owned(),
            connection,
        })
    }

    /// Runs `work` in a transaction of its own: all of it happens, or nothing.
    pub(crate) fn write<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let path = &self.path;
        let run = |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run(&mut self.connection).map_err(|failure: Failure| failure.explain(path))
    }

    /// Runs `work` without a transaction, for reads of the writer's own state.
    pub(crate) fn read<T, E: Into<Failure>>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        work(&self.connection).map_err(|error| error.into().explain(&self.path))
    }
}

/// Connections that only read, as many as there are readers at one time.
#[derive(Debug)]
pub(crate) struct ReadingCatalog {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl ReadingCatalog {
    /// Opens a database that exists. Older tables are brought up to this version first.
    pub(crate) fn open(path: &Path) -> Result<ReadingCatalog, StoreError> {
        let failed = |e| StoreError::catalog(path, &e);
        let mut connection = open_reading(path).map_err(failed)?;
        if schema::is_older(&connection).map_err(failed)? {
            drop(WritingCatalog::open(path)?);
            connection = open_reading(path).map_err(failed)?;
        }
        Ok(ReadingCatalog {
            path: path.to_owned(),
            idle: Mutex::new(vec![connection]),
        })
    }

    /// Runs `work` on one state of the catalog, whatever is committed meanwhile.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let pooled = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let run = || -> Result<T, Failure> {
            let mut connection = match pooled {
                Some(connection) => connection,
                None => open_reading(&self.path)?,
            };
            let value = {
                let transaction =
                    connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
                work(&transaction)?
            };
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < MAX_IDLE {
                idle.push(connection);
            }
            Ok(value)
        };
        run().map_err(|failure| failure.explain(&self.path))
    }
}

/// Opens a database for reading. In a folder that cannot be written SQLite's bookkeeping beside
/// the database fails; if nobody can write there, nobody does, and the file is read as it stands.
fn open_reading(path: &Path) -> rusqlite::Result<Connection> {
    let open = |target: &str, flags: OpenFlags| -> rusqlite::Result<Connection> {
        let connection =
            Connection::open_with_flags(target, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.set_prepared_statement_cache_capacity(64);
        if !schema::is_older(&connection)? {
            schema::check(&connection)?;
        }
        Ok(connection)
    };
    let uri = file_uri(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI;
    match open(&uri, flags) {
        Err(error) if is_denied(&error) && !wal_has_content(path) => {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            open(&format!("{uri}?immutable=1"), flags)
        }
        result => result,
    }
}

fn is_denied(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
    )
}

fn wal_has_content(path: &Path) -> bool {
    let wal = path.with_extension("db-wal");
    std::fs::metadata(wal).is_ok_and(|metadata| metadata.len() > 0)
}

/// The path as a URI that SQLite takes, whatever characters are in it.
fn file_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_catalog_can_be_read_where_nothing_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("odd % name?#.db");
        drop(WritingCatalog::open(&path).unwrap());
        let uri = format!("{}?immutable=1", file_uri(&path));
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(uri, flags).unwrap();
        schema::check(&connection).unwrap();
    }

    #[test]
    fn a_failed_transaction_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut catalog = WritingCatalog::open(&folder.path().join("catalog.db")).unwrap();
        let result: Result<(), StoreError> = catalog.write(|connection| {
            connection.execute("INSERT INTO roots (path) VALUES (x'2f')", [])?;
            Err(Failure::Store(StoreError::Stopped("enough".into())))
        });
        assert!(matches!(result, Err(StoreError::Stopped(_))));
        let roots: i64 = catalog
            .read(|c| c.query_row("SELECT count(*) FROM roots", [], |row| row.get(0)))
            .unwrap();
        assert_eq!(roots, 0);
    }
}
