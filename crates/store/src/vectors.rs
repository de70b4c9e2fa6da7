//! The vector table: chunk id, document id, vector, and nothing else.
//!
//! LanceDB does not flush what it writes; we do, because embedding again what a power cut took
//! costs hours. Search is exact: a flat scan of unit vectors, over a copy in memory (see
//! [`resident`]) or, where that would be too large, over the table.
//!
//! Each generation is a table of its own (`chunks_GENERATION`), so that a table that is made
//! again is never mistaken for the old one by somebody's cache.

mod resident;
mod rows;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use arrow_array::RecordBatchIterator;
use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;
use futures::TryStreamExt;
use lancedb::query::{ExecutableQuery, QueryBase, Select};
use lancedb::table::{CompactionOptions, OptimizeAction};
use lancedb::{Connection, DistanceType, ObjectStoreRegistry, Session, Table};
use roaring::RoaringTreemap;
use tokio::runtime::Runtime;

use self::resident::Resident;
pub(crate) use self::rows::VectorRow;
use self::rows::{add_rows, column, ids, record_batch, schema, unit};
use crate::error::StoreError;
use crate::id::{ChunkId, DocumentId};

/// The name in messages.
pub(crate) const VECTOR_TABLE: &str = "vector table";

/// LanceDB's own caches would take 7 GiB.
const INDEX_CACHE_BYTES: usize = 256 << 20;
const METADATA_CACHE_BYTES: usize = 64 << 20;

/// Tables that are held open: a collection has two sets of vectors at most.
const MAX_OPEN: usize = 2;

/// Small files are merged once there are so many of them.
const MAX_FRAGMENTS: usize = 20;
/// Rows of a file that is large enough to be left alone.
const ROWS_A_FRAGMENT: usize = 128 << 10;
/// The most ids that are handed to the table as a condition. With more of them, finding first and
/// checking afterwards is faster.
const MAX_LISTED: usize = 5_000;
/// Old versions are kept for readers in other processes that still look at them.
const KEEP_VERSIONS_MINUTES: i64 = 10;

/// Which state of the table is meant: both numbers are the catalog's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VectorState {
    pub(crate) generation: i64,
    pub(crate) revision: i64,
}

/// What the nearest chunks are sought among.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Restriction<'a> {
    /// These chunks only.
    pub(crate) chunks: Option<&'a HashSet<i64>>,
    /// Chunks of these documents only.
    pub(crate) documents: Option<&'a RoaringTreemap>,
}

impl Restriction<'_> {
    /// As a condition on the table's columns; `None` if there is none, or too long a one.
    fn condition(&self) -> Option<String> {
        let chunks = self.chunks.filter(|ids| ids.len() <= MAX_LISTED);
        let documents = self.documents.filter(|ids| ids.len() <= MAX_LISTED as u64);
        let of_chunks = chunks.map(|ids| one_of("chunk_id", ids.iter().copied()));
        of_chunks.or_else(|| {
            let ids = documents?.iter().map(|id| id as i64);
            Some(one_of("document_id", ids))
        })
    }
}

/// The first chunk, by id, that got a vector after a revision of the table; `None` if none did.
pub(crate) type FirstSince<'a> = &'a dyn Fn(i64) -> Result<Option<i64>, StoreError>;

/// The copy in memory.
enum Copy {
    /// Not made yet.
    None,
    /// Made, of this state of the table.
    Made(VectorState, Resident),
    /// Too large to be made.
    TooLarge(i64),
}

/// The vector tables of a collection.
pub(crate) struct Vectors {
    folder: PathBuf,
    runtime: Runtime,
    connection: Mutex<Option<Connection>>,
    /// Those used last: of the set that is searched, and of one that is being made.
    open: Mutex<Vec<(VectorState, Table)>>,
    copy: RwLock<Copy>,
}

impl Vectors {
    /// Nothing is read or made before it is needed.
    pub(crate) fn new(folder: PathBuf) -> Result<Arc<Vectors>, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("docent-vectors")
            .enable_all()
            .build()
            .map_err(|e| StoreError::io("start threads for", &folder, e))?;
        Ok(Arc::new(Vectors {
            folder,
            runtime,
            connection: Mutex::new(None),
            open: Mutex::default(),
            copy: RwLock::new(Copy::None),
        }))
    }

    fn failed(&self, error: &(dyn std::error::Error + 'static)) -> StoreError {
        StoreError::derived(VECTOR_TABLE, &self.folder, error)
    }

    fn connection(&self) -> Result<Connection, StoreError> {
        let mut slot = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = &*slot {
            return Ok(connection.clone());
        }
        let Some(uri) = self.folder.to_str() else {
            return Err(StoreError::Derived {
                index: VECTOR_TABLE,
                path: self.folder.clone(),
                reason: "the path is not Unicode".into(),
            });
        };
        let session = Session::new(
            INDEX_CACHE_BYTES,
            METADATA_CACHE_BYTES,
            Arc::new(ObjectStoreRegistry::default()),
        );
        let connect = lancedb::connect(uri).session(Arc::new(session)).execute();
        let connection = self
            .runtime
            .block_on(connect)
            .map_err(|e| self.failed(&e))?;
        *slot = Some(connection.clone());
        Ok(connection)
    }

    /// The table in a state; `None` where nothing was written yet.
    fn table(&self, state: VectorState) -> Result<Option<Table>, StoreError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, table)) = open
            .iter_mut()
            .find(|(known, _)| known.generation == state.generation)
        {
            if known.revision != state.revision {
                let latest = self.runtime.block_on(table.checkout_latest());
                latest.map_err(|e| self.failed(&e))?;
                known.revision = state.revision;
            }
            return Ok(Some(table.clone()));
        }
        if !self
            .folder
            .join(format!("{}.lance", name(state.generation)))
            .exists()
        {
            return Ok(None);
        }
        let connection = self.connection()?;
        let opening = connection.open_table(name(state.generation)).execute();
        let table = self.runtime.block_on(opening);
        let table = table.map_err(|e| self.failed(&e))?;
        keep_open(&mut open, state, &table);
        Ok(Some(table))
    }

    /// Forgets the open table: the next use looks at the disk again.
    pub(crate) fn close(&self) {
        *self.copy.write().unwrap_or_else(PoisonError::into_inner) = Copy::None;
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        *self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Writes rows over those of the same chunks, and flushes them.
    pub(crate) fn write(
        &self,
        state: VectorState,
        dimension: usize,
        rows: &[VectorRow],
    ) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let began = SystemTime::now();
        let table = match self.table(state)? {
            Some(table) => table,
            None => self.create(state, dimension)?,
        };
        let batch = record_batch(dimension, rows).map_err(|e| self.failed(&e))?;
        let schema = batch.schema();
        let reader = RecordBatchIterator::new([Ok(batch)], schema);
        let mut merge = table.merge_insert(&["chunk_id"]);
        merge
            .when_matched_update_all(None)
            .when_not_matched_insert_all();
        self.runtime
            .block_on(merge.execute(Box::new(reader)))
            .map_err(|e| self.failed(&e))?;
        let table_folder = self
            .folder
            .join(format!("{}.lance", name(state.generation)));
        sync_since(&table_folder, began).map_err(|e| StoreError::io("write", &table_folder, e))
    }

    fn create(&self, state: VectorState, dimension: usize) -> Result<Table, StoreError> {
        fs::create_dir_all(&self.folder).map_err(|e| StoreError::io("create", &self.folder, e))?;
        let connection = self.connection()?;
        let create = connection
            .create_empty_table(name(state.generation), schema(dimension))
            .execute();
        let table = self.runtime.block_on(create).map_err(|e| self.failed(&e))?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        keep_open(&mut open, state, &table);
        Ok(table)
    }

    /// The nearest chunks with their cosine, the best first. Among them may be chunks that are no
    /// longer live.
    pub(crate) fn nearest(
        &self,
        state: VectorState,
        vector: &[f32],
        restriction: &Restriction<'_>,
        first_since: FirstSince<'_>,
        limit: usize,
    ) -> Result<Vec<(ChunkId, f32)>, StoreError> {
        let nearest =
            || match self.nearest_in_copy(state, vector, restriction, first_since, limit)? {
                Some(hits) => Ok(hits),
                None => self.nearest_in_table(state, vector, restriction, limit),
            };
        match nearest() {
            // Another process may have merged and removed the files that we held on to.
            Err(StoreError::Derived { .. }) => {
                self.close();
                nearest()
            }
            result => result,
        }
    }

    /// Searches the copy in memory, made or brought up to date before; `None` if it is too large.
    fn nearest_in_copy(
        &self,
        state: VectorState,
        vector: &[f32],
        restriction: &Restriction<'_>,
        first_since: FirstSince<'_>,
        limit: usize,
    ) -> Result<Option<Vec<(ChunkId, f32)>>, StoreError> {
        loop {
            match &*self.copy.read().unwrap_or_else(PoisonError::into_inner) {
                Copy::Made(known, resident)
                    if known.generation == state.generation && known.revision >= state.revision =>
                {
                    return Ok(Some(resident.nearest(vector, restriction, limit)));
                }
                Copy::TooLarge(generation) if *generation == state.generation => return Ok(None),
                _ => {}
            }
            self.refresh_copy(state, vector.len(), first_since)?;
        }
    }

    /// Makes the copy, or adds to it what the table got since.
    fn refresh_copy(
        &self,
        state: VectorState,
        dimension: usize,
        first_since: FirstSince<'_>,
    ) -> Result<(), StoreError> {
        let mut copy = self.copy.write().unwrap_or_else(PoisonError::into_inner);
        let table = self.table(state)?;
        let rows = match &table {
            Some(table) => {
                let count = self.runtime.block_on(table.count_rows(None));
                count.map_err(|e| self.failed(&e))?
            }
            None => 0,
        };
        // What was deleted stays in the copy, which is made anew when most of it is such.
        let grown = match std::mem::replace(&mut *copy, Copy::None) {
            Copy::Made(known, resident)
                if known.generation == state.generation && resident.len() <= 2 * rows =>
            {
                match first_since(known.revision)? {
                    None => Some((resident, i64::MAX)),
                    Some(first) if first > resident.newest() => Some((resident, first)),
                    Some(_) => None,
                }
            }
            _ => None,
        };
        let made = grown.or_else(|| Some((Resident::with_capacity(dimension, rows)?, 0)));
        let Some((mut resident, first)) = made else {
            *copy = Copy::TooLarge(state.generation);
            return Ok(());
        };
        if let Some(table) = table.filter(|_| first != i64::MAX) {
            self.read_from(&table, first, &mut resident)?;
        }
        *copy = match resident.is_too_large() {
            true => Copy::TooLarge(state.generation),
            false => Copy::Made(state, resident),
        };
        Ok(())
    }

    /// Reads the rows of chunks from an id on.
    fn read_from(
        &self,
        table: &Table,
        first: i64,
        resident: &mut Resident,
    ) -> Result<(), StoreError> {
        let read = async {
            let columns = Select::columns(&["chunk_id", "document_id", "vector"]);
            let mut query = table.query().select(columns);
            if first > 0 {
                query = query.only_if(format!("chunk_id >= {first}"));
            }
            let mut batches = query.execute().await?;
            while let Some(batch) = batches.try_next().await? {
                add_rows(&batch, resident);
            }
            Ok(())
        };
        let read: lancedb::Result<()> = self.runtime.block_on(read);
        read.map_err(|e| self.failed(&e))
    }

    fn nearest_in_table(
        &self,
        state: VectorState,
        vector: &[f32],
        restriction: &Restriction<'_>,
        limit: usize,
    ) -> Result<Vec<(ChunkId, f32)>, StoreError> {
        let Some(table) = self.table(state)? else {
            return Ok(Vec::new());
        };
        let vector = unit(vector.to_vec());
        let search = async {
            let mut query = table
                .query()
                .nearest_to(vector)?
                .column("vector")
                .distance_type(DistanceType::Dot)
                .bypass_vector_index()
                .limit(limit)
                .select(Select::columns(&["chunk_id", "_distance"]));
            if let Some(only) = restriction.condition() {
                query = query.only_if(only);
            }
            query.execute().await?.try_collect::<Vec<_>>().await
        };
        let batches = self.runtime.block_on(search).map_err(|e| self.failed(&e))?;
        let mut hits = Vec::with_capacity(limit.min(1 << 16));
        for batch in &batches {
            let distances =
                column(batch, "_distance").and_then(|far| far.as_primitive_opt::<Float32Type>());
            let (Some(ids), Some(distances)) = (ids(batch, "chunk_id"), distances) else {
                continue;
            };
            let pairs = ids.iter().zip(distances.values());
            // The distance of unit vectors by their product is one less the cosine.
            hits.extend(pairs.map(|(id, distance)| (ChunkId(*id), 1.0 - distance)));
        }
        hits.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Ok(hits)
    }

    /// Number of rows; 0 where there is no table.
    pub(crate) fn count(&self, state: VectorState) -> Result<u64, StoreError> {
        let Some(table) = self.table(state)? else {
            return Ok(0);
        };
        let count = self.runtime.block_on(table.count_rows(None));
        count.map(|count| count as u64).map_err(|e| self.failed(&e))
    }

    /// The ids of all chunks that have a row.
    pub(crate) fn chunk_ids(&self, state: VectorState) -> Result<HashSet<i64>, StoreError> {
        let Some(table) = self.table(state)? else {
            return Ok(HashSet::new());
        };
        let read = async {
            let query = table.query().select(Select::columns(&["chunk_id"]));
            query.execute().await?.try_collect::<Vec<_>>().await
        };
        let batches = self.runtime.block_on(read).map_err(|e| self.failed(&e))?;
        let found = batches.iter().filter_map(|batch| ids(batch, "chunk_id"));
        Ok(found.flatten().copied().collect())
    }

    /// The vectors of those of some chunks that have one.
    pub(crate) fn of_chunks(
        &self,
        state: VectorState,
        chunks: &[ChunkId],
    ) -> Result<HashMap<ChunkId, Vec<f32>>, StoreError> {
        let Some(table) = self.table(state)?.filter(|_| !chunks.is_empty()) else {
            return Ok(HashMap::new());
        };
        let read = async {
            let query = table
                .query()
                .only_if(one_of("chunk_id", chunks.iter().map(|chunk| chunk.0)))
                .select(Select::columns(&["chunk_id", "vector"]));
            query.execute().await?.try_collect::<Vec<_>>().await
        };
        let batches = self.runtime.block_on(read).map_err(|e| self.failed(&e))?;
        let mut found = HashMap::with_capacity(chunks.len());
        for batch in &batches {
            let (Some(ids), Some(vectors)) = (ids(batch, "chunk_id"), column(batch, "vector"))
            else {
                continue;
            };
            let vectors = vectors.as_fixed_size_list();
            for (at, id) in ids.iter().enumerate() {
                let vector = vectors.value(at);
                let vector = vector.as_primitive::<Float32Type>().values().to_vec();
                found.insert(ChunkId(*id), vector);
            }
        }
        Ok(found)
    }

    /// Deletes the rows of documents.
    pub(crate) fn delete(
        &self,
        state: VectorState,
        documents: &[DocumentId],
    ) -> Result<(), StoreError> {
        let Some(table) = self.table(state)? else {
            return Ok(());
        };
        let condition = one_of("document_id", documents.iter().map(|document| document.0));
        let deleted = self.runtime.block_on(table.delete(condition.as_str()));
        deleted.map(drop).map_err(|e| self.failed(&e))
    }

    /// Merges small files and drops old versions once there are many; whether it did.
    pub(crate) fn compact(&self, state: VectorState) -> Result<bool, StoreError> {
        let Some(table) = self.table(state)? else {
            return Ok(false);
        };
        let began = SystemTime::now();
        let compact = async {
            let stats = table.stats().await?;
            if stats.fragment_stats.num_small_fragments < MAX_FRAGMENTS {
                return Ok(false);
            }
            table
                .optimize(OptimizeAction::Compact {
                    options: CompactionOptions {
                        target_rows_per_fragment: ROWS_A_FRAGMENT,
                        ..CompactionOptions::default()
                    },
                    remap_options: None,
                })
                .await?;
            table
                .optimize(OptimizeAction::Prune {
                    older_than: Some(lancedb::table::Duration::minutes(KEEP_VERSIONS_MINUTES)),
                    delete_unverified: None,
                    error_if_tagged_old_versions: None,
                })
                .await?;
            Ok(true)
        };
        let done: lancedb::Result<bool> = self.runtime.block_on(compact);
        let done = done.map_err(|e| self.failed(&e))?;
        if done {
            let folder = self
                .folder
                .join(format!("{}.lance", name(state.generation)));
            sync_since(&folder, began).map_err(|e| StoreError::io("write", &folder, e))?;
        }
        Ok(done)
    }

    /// Deletes the tables of all generations but some.
    pub(crate) fn keep_only(&self, generations: &[i64]) -> Result<(), StoreError> {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return Ok(());
        };
        let kept: Vec<String> = generations
            .iter()
            .map(|generation| format!("{}.lance", name(*generation)))
            .collect();
        for entry in entries.flatten() {
            let path = entry.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "lance")
                && !kept.iter().any(|kept| entry.file_name() == **kept)
            {
                fs::remove_dir_all(&path).map_err(|e| StoreError::io("delete", &path, e))?;
            }
        }
        Ok(())
    }
}

/// Remembers a table that was opened, and forgets the one opened before the others.
fn keep_open(open: &mut Vec<(VectorState, Table)>, state: VectorState, table: &Table) {
    open.insert(0, (state, table.clone()));
    open.truncate(MAX_OPEN);
}

/// The table of a generation.
fn name(generation: i64) -> String {
    format!("chunks_{generation}")
}

/// A condition that holds for some ids.
fn one_of(column: &str, ids: impl Iterator<Item = i64>) -> String {
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    if ids.is_empty() {
        return "false".into();
    }
    format!("{column} IN ({})", ids.join(", "))
}

/// Flushes the files below a folder that were written since a time.
fn sync_since(folder: &Path, since: SystemTime) -> std::io::Result<()> {
    // File systems' clocks tick more coarsely than ours.
    let since = since - Duration::from_secs(2);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            sync_since(&entry.path(), since + Duration::from_secs(2))?;
        } else if metadata.modified()? >= since {
            File::open(entry.path())?.sync_all()?;
        }
    }
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}
