//! Writing the full-text index, and telling how far it got.

use std::fs;
use std::path::{Path, PathBuf};

use docent_core::language::Language;
use tantivy::directory::MmapDirectory;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::store::Compressor;
use tantivy::{
    Index, IndexBuilder, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, TantivyDocument,
    TantivyError, Term,
};

use super::TEXT_INDEX;
use super::schema::{self, ANALYSIS_VERSION, Fields};
use crate::error::StoreError;
use crate::id::{ChunkId, DocumentId, Revision};

/// Memory of each indexing thread. A full one writes a segment early.
const THREAD_BYTES: usize = 64 << 20;
/// Threads that tokenize. More than a few only make more and smaller segments.
const MAX_THREADS: usize = 4;
/// A segment with a greater part of deleted chunks than this is written again without them.
const MAX_DELETED: f32 = 0.2;

/// What stands on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextState {
    /// All live documents up to this revision are in.
    Committed(Revision),
    /// Nothing is there.
    Missing,
    /// Something is there that cannot be used.
    Unreadable,
}

impl TextState {
    /// Looks without changing anything.
    pub(crate) fn at(folder: &Path) -> TextState {
        if !folder.join("meta.json").exists() {
            let is_empty =
                fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
            return if is_empty {
                TextState::Missing
            } else {
                TextState::Unreadable
            };
        }
        let committed = || -> Option<Revision> {
            let (index, _) = open(folder).ok()?;
            // Opens every segment, which finds files that are missing or cut short.
            let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual);
            let _segments: IndexReader = reader.try_into().ok()?;
            let payload = index.load_metas().ok()?.payload;
            parse_payload(payload.as_deref())
        };
        committed().map_or(TextState::Unreadable, TextState::Committed)
    }
}

/// Opens an index whose schema is ours.
pub(super) fn open(folder: &Path) -> Result<(Index, Fields), TantivyError> {
    let (schema, fields) = schema::build();
    let index = Index::open_in_dir(folder)?;
    if index.schema() != schema {
        return Err(TantivyError::SchemaError(
            "the fields are not those of this version".into(),
        ));
    }
    schema::register_tokenizers(&index);
    Ok((index, fields))
}

fn payload(revision: Revision) -> String {
    format!("{ANALYSIS_VERSION}:{revision}")
}

/// The revision of a commit's payload; an index that has never been committed holds revision 0.
fn parse_payload(payload: Option<&str>) -> Option<Revision> {
    let Some(payload) = payload else {
        return Some(Revision(0));
    };
    let (version, revision) = payload.split_once(':')?;
    let is_ours = version.parse() == Ok(ANALYSIS_VERSION);
    revision.parse().ok().filter(|_| is_ours).map(Revision)
}

/// What is indexed of a chunk.
pub(crate) struct ChunkText<'a> {
    pub(crate) chunk: ChunkId,
    pub(crate) document: DocumentId,
    pub(crate) body: &'a str,
    pub(crate) title: Option<&'a str>,
    pub(crate) headings: &'a [String],
    pub(crate) path: &'a str,
    pub(crate) language: Option<Language>,
}

/// The one writer of the full-text index.
pub(crate) struct TextWriter {
    folder: PathBuf,
    fields: Fields,
    writer: IndexWriter,
    /// Whether something was sent that is neither committed nor rolled back.
    is_dirty: bool,
}

impl TextWriter {
    /// Opens the index, or makes an empty one where there is none.
    pub(crate) fn open(folder: &Path) -> Result<TextWriter, StoreError> {
        fs::create_dir_all(folder).map_err(|e| StoreError::io("create", folder, e))?;
        let writer = || -> Result<_, TantivyError> {
            let (index, fields) = if folder.join("meta.json").exists() {
                open(folder)?
            } else {
                create(folder)?
            };
            let threads = std::thread::available_parallelism().map_or(2, usize::from);
            let options = IndexWriterOptions::builder()
                .num_worker_threads(threads.clamp(1, MAX_THREADS))
                .memory_budget_per_thread(THREAD_BYTES)
                .num_merge_threads(1)
                .build();
            let writer: IndexWriter = index.writer_with_options(options)?;
            let mut merge_policy = LogMergePolicy::default();
            merge_policy.set_del_docs_ratio_before_merge(MAX_DELETED);
            writer.set_merge_policy(Box::new(merge_policy));
            Ok((fields, writer))
        };
        let (fields, writer) = writer().map_err(|e| StoreError::derived(TEXT_INDEX, folder, &e))?;
        Ok(TextWriter {
            folder: folder.to_owned(),
            fields,
            writer,
            is_dirty: false,
        })
    }

    fn failed(&self, error: &TantivyError) -> StoreError {
        StoreError::derived(TEXT_INDEX, &self.folder, error)
    }

    /// Adds a chunk; nobody sees it before the commit.
    pub(crate) fn add(&mut self, chunk: &ChunkText<'_>) -> Result<(), StoreError> {
        self.is_dirty = true;
        let fields = &self.fields;
        let mut document = TantivyDocument::default();
        document.add_u64(fields.chunk, chunk.chunk.0 as u64);
        document.add_u64(fields.document, chunk.document.0 as u64);
        document.add_text(fields.body, chunk.body);
        document.add_text(fields.path, chunk.path);
        if let Some(title) = chunk.title {
            document.add_text(fields.title, title);
        }
        for heading in chunk.headings {
            document.add_text(fields.headings, heading);
        }
        // What is in no language that could be told is mostly code or short notes. Without stems
        // it would lose to every text that has them.
        let language = chunk.language.unwrap_or(Language::ENGLISH);
        if let Some(stems) = fields.stems_of(language) {
            document.add_text(stems, chunk.body);
            if Some(stems) == fields.german_stems() {
                document.add_text(fields.german_ends, chunk.body);
            }
        }
        let added = self.writer.add_document(document);
        added.map(drop).map_err(|e| self.failed(&e))
    }

    /// Deletes a document's chunks that were added so far.
    pub(crate) fn delete(&mut self, document: DocumentId) {
        self.is_dirty = true;
        let term = Term::from_field_u64(self.fields.document, document.0 as u64);
        self.writer.delete_term(term);
    }

    /// Deletes everything.
    pub(crate) fn clear(&mut self) -> Result<(), StoreError> {
        self.is_dirty = true;
        let cleared = self.writer.delete_all_documents();
        cleared.map(drop).map_err(|e| self.failed(&e))
    }

    /// Makes what was sent durable and visible to readers that reload, as of `revision`.
    pub(crate) fn commit(&mut self, revision: Revision) -> Result<(), StoreError> {
        let commit = |writer: &mut IndexWriter| {
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(&payload(revision));
            prepared.commit()
        };
        commit(&mut self.writer).map_err(|e| self.failed(&e))?;
        self.is_dirty = false;
        Ok(())
    }

    /// Forgets what was sent since the last commit.
    pub(crate) fn rollback(&mut self) -> Result<(), StoreError> {
        if self.is_dirty {
            self.writer.rollback().map_err(|e| self.failed(&e))?;
            self.is_dirty = false;
        }
        Ok(())
    }
}

fn create(folder: &Path) -> Result<(Index, Fields), TantivyError> {
    let (schema, fields) = schema::build();
    let directory = MmapDirectory::open(folder)?;
    // Nothing is stored, so nothing needs compressing.
    let settings = IndexSettings {
        docstore_compression: Compressor::None,
        docstore_compress_dedicated_thread: false,
        ..IndexSettings::default()
    };
    let builder: IndexBuilder = Index::builder().schema(schema).settings(settings);
    let index = builder.open_or_create(directory)?;
    schema::register_tokenizers(&index);
    Ok((index, fields))
}
