//! The two commits: documents with their words, and vectors. See the crate's page for why.

use std::collections::HashSet;

use docent_core::chunk::Chunk;
use docent_core::document::Document;
use docent_core::source::Stamp;
use rusqlite::Connection;

use crate::catalog::schema::{DEAD, LIVE};
use crate::catalog::sets::VectorSet;
use crate::catalog::{Failure, chunks, documents, files, schema, sets};
use crate::change::{Change, Inner, Outcome};
use crate::error::StoreError;
use crate::id::{ChunkId, DocumentId, Revision, RootId, SourceId};
use crate::text::{ChunkText, TextWriter};
use crate::vectors::VectorRow;
use crate::writer::{PendingChunk, Set, Writer};

/// Dead documents that one commit takes out of the full-text index.
const MAX_TEXT_DELETES: usize = 20_000;

/// A step of a commit that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The documents stand in the catalog, not live.
    Staged,
    /// The full-text index holds their words.
    TextCommitted,
    /// They are live.
    Live,
    /// The vector table holds the vectors.
    VectorsWritten,
    /// The catalog counts them; if they were the last that a second set lacked, that is the one
    /// which is searched.
    VectorsMarked,
}

/// Called after each step; an error stops the commit there, as a killed process would.
pub(crate) type StepHook = Box<dyn FnMut(Step) -> Result<(), StoreError> + Send>;

/// What was staged for a change: for its file, then for each file inside it.
type StagedChange = Vec<Option<StagedDocument>>;

/// What was staged, by the places of the changes.
type Staged = Vec<StagedChange>;

/// A document in the catalog that is not live yet.
struct StagedDocument {
    id: DocumentId,
    chunks: usize,
}

impl Writer {
    /// Has `hook` called after each step of every commit, to stop it there. For tests of what a
    /// crash leaves.
    pub fn set_step_hook(
        &mut self,
        hook: impl FnMut(Step) -> Result<(), StoreError> + Send + 'static,
    ) {
        self.hook = Some(Box::new(hook));
    }

    fn done(&mut self, step: Step) -> Result<(), StoreError> {
        match &mut self.hook {
            Some(hook) => hook(step),
            None => Ok(()),
        }
    }

    /// Makes changes live, all at once; the new revision. Changes hold in their order.
    ///
    /// After an error nothing of them is live, and the next commit begins where this one did.
    /// (Should the very last step's hook fail, they are.)
    ///
    /// # Errors
    /// When a change names a root or source that is not there, the disk is full, or the catalog
    /// or the full-text index fails.
    pub fn commit(&mut self, changes: Vec<Change>) -> Result<Revision, StoreError> {
        self.settle()?;
        if changes.is_empty() {
            return self.revision();
        }
        let result = self.commit_steps(&changes);
        self.is_unsettled |= result.is_err();
        result
    }

    /// Undoes what a failed commit left.
    pub(crate) fn settle(&mut self) -> Result<(), StoreError> {
        if self.is_unsettled {
            self.text.rollback()?;
            self.catalog
                .write(|catalog| Ok(documents::drop_staged(catalog)?))?;
            self.is_unsettled = false;
        }
        Ok(())
    }

    fn commit_steps(&mut self, changes: &[Change]) -> Result<Revision, StoreError> {
        let revision = self.revision()?.next();
        let text = &mut self.text;
        let staged = self
            .catalog
            .write(|catalog| stage(catalog, text, changes, revision))?;
        self.done(Step::Staged)?;

        let adds_words = staged.iter().flatten().any(Option::is_some)
            || changes
                .iter()
                .any(|change| matches!(change, Change::Move { .. }));
        let mut buried = Vec::new();
        if adds_words {
            buried = self
                .catalog
                .read(|catalog| documents::dead(catalog, MAX_TEXT_DELETES))?;
            buried.retain(|dead| dead.in_text);
            for dead in &buried {
                self.text.delete(dead.id);
            }
            self.text.commit(revision)?;
        }
        self.done(Step::TextCommitted)?;

        self.catalog.write(|catalog| {
            make_live(catalog, changes, &staged, revision)?;
            for dead in &buried {
                documents::note_out_of_text(catalog, dead.id)?;
            }
            Ok(schema::set_revision(catalog, revision)?)
        })?;
        self.done(Step::Live)?;
        Ok(revision)
    }

    /// Stores vectors of chunks in a set and counts them as embedded; how many were still wanted.
    /// Those of chunks that died meanwhile are dropped, and all of them if there is no such set.
    /// The same vectors may be stored again.
    ///
    /// A second set that now has a vector for each chunk that the first has one for takes the first
    /// one's place, in the same transaction.
    ///
    /// # Errors
    /// When a vector has the wrong length, the disk is full, or the catalog or the vector table
    /// fails. Nothing is counted then.
    pub fn commit_vectors(
        &mut self,
        set: Set,
        vectors: Vec<(ChunkId, Vec<f32>)>,
    ) -> Result<usize, StoreError> {
        let Some(VectorSet { embedder, table }) = self.set(set)? else {
            return Ok(0);
        };
        let expected = embedder.dimension;
        if let Some((_, vector)) = vectors.iter().find(|(_, vector)| vector.len() != expected) {
            let found = vector.len();
            return Err(StoreError::Dimension { expected, found });
        }
        let rows = self.catalog.read(|catalog| {
            let mut rows = Vec::with_capacity(vectors.len());
            for (chunk, vector) in vectors {
                if let Some((document, _)) = chunks::live_document(catalog, chunk)? {
                    rows.push(VectorRow {
                        chunk,
                        document,
                        vector,
                    });
                }
            }
            Ok::<_, Failure>(rows)
        })?;
        if rows.is_empty() {
            return Ok(0);
        }
        self.vectors.write(table, expected, &rows)?;
        self.done(Step::VectorsWritten)?;
        let ids = rows.iter().map(|row| row.chunk);
        self.catalog.write(|catalog| {
            match set {
                Set::First => chunks::mark_embedded(catalog, ids)?,
                Set::Second => {
                    sets::mark(catalog, ids)?;
                    sets::switch_if_covered(catalog)?;
                }
            }
            Ok(())
        })?;
        self.done(Step::VectorsMarked)?;
        Ok(rows.len())
    }

    /// Gives chunks the vectors that other chunks of the same text have in a set, where there are
    /// any: a file that was cut anew, a copy. The chunks that still want one.
    ///
    /// # Errors
    /// As [`Writer::commit_vectors`].
    pub fn reuse_vectors(
        &mut self,
        set: Set,
        mut pending: Vec<PendingChunk>,
    ) -> Result<Vec<PendingChunk>, StoreError> {
        let ids = pending.iter().map(|chunk| chunk.id);
        let same = self
            .catalog
            .read(|catalog| chunks::same_text(catalog, set, ids))?;
        let Some(VectorSet { table, .. }) = self.set(set)?.filter(|_| !same.is_empty()) else {
            return Ok(pending);
        };
        let known: Vec<ChunkId> = same.iter().map(|(_, known)| *known).collect();
        let vectors = self.vectors.of_chunks(table, &known)?;
        let reused: Vec<(ChunkId, Vec<f32>)> = same
            .into_iter()
            .filter_map(|(chunk, known)| Some((chunk, vectors.get(&known)?.clone())))
            .collect();
        let served: HashSet<ChunkId> = reused.iter().map(|(chunk, _)| *chunk).collect();
        self.commit_vectors(set, reused)?;
        pending.retain(|chunk| !served.contains(&chunk.id));
        Ok(pending)
    }
}

/// Writes new documents to the catalog, not live, and sends their words to the full-text index,
/// whose threads work on them meanwhile.
fn stage(
    catalog: &Connection,
    text: &mut TextWriter,
    changes: &[Change],
    revision: Revision,
) -> Result<Staged, Failure> {
    let mut staged = Vec::with_capacity(changes.len());
    for change in changes {
        staged.push(match change {
            Change::Put {
                root,
                path,
                outcome,
                inner,
                ..
            } => {
                check_root(catalog, *root)?;
                let mut stage = |path: &str, outcome: &Outcome| match outcome {
                    Outcome::Indexed { document, chunks } => {
                        stage_document(catalog, text, path, document, chunks, revision).map(Some)
                    }
                    Outcome::Failed(_) | Outcome::Skipped(_) => Ok(None),
                };
                let mut staged = vec![stage(path, outcome)?];
                for inner in inner {
                    staged.push(stage(&inner_path(path, &inner.path), &inner.outcome)?);
                }
                staged
            }
            Change::Move {
                source, root, path, ..
            } => {
                check_root(catalog, *root)?;
                if let Some(document) = check_source(catalog, *source)? {
                    index_again(catalog, text, document, Some(path))?;
                }
                for (inside, document) in files::inside(catalog, *source)? {
                    if let Some(document) = document {
                        index_again(catalog, text, document, Some(&inner_path(path, &inside)))?;
                    }
                }
                Vec::new()
            }
            Change::Touch { source, .. } | Change::Remove { source } => {
                check_source(catalog, *source)?;
                Vec::new()
            }
        });
    }
    Ok(staged)
}

/// The path of a file inside a file.
fn inner_path(outer: &str, inside: &str) -> String {
    format!("{outer}/{inside}")
}

fn check_root(catalog: &Connection, root: RootId) -> Result<(), Failure> {
    match files::has_root(catalog, root)? {
        true => Ok(()),
        false => Err(Failure::Store(StoreError::UnknownRoot(root))),
    }
}

/// The live document of a source that has to exist.
fn check_source(catalog: &Connection, source: SourceId) -> Result<Option<DocumentId>, Failure> {
    files::document_of(catalog, source)?.ok_or(Failure::Store(StoreError::UnknownSource(source)))
}

fn stage_document(
    catalog: &Connection,
    text: &mut TextWriter,
    path: &str,
    document: &Document,
    chunks: &[Chunk],
    revision: Revision,
) -> Result<StagedDocument, Failure> {
    let id = documents::stage(catalog, document, revision)?;
    let ids = chunks::stage(catalog, id, document, chunks)?;
    for (chunk_id, chunk) in ids.into_iter().zip(chunks) {
        text.add(&ChunkText {
            chunk: chunk_id,
            document: id,
            // A span outside the text would be the chunker's mistake; such a chunk has no words.
            body: document.text.get(chunk.span.clone()).unwrap_or_default(),
            title: document.title.as_deref(),
            headings: below_title(&chunk.heading_path, document.title.as_deref()),
            path,
            language: document.language,
        })?;
    }
    Ok(StagedDocument {
        id,
        chunks: chunks.len(),
    })
}

/// The headings without the document's title, whose words have a field of their own.
fn below_title<'h>(headings: &'h [String], title: Option<&str>) -> &'h [String] {
    match headings {
        [first, rest @ ..] if Some(first.as_str()) == title => rest,
        headings => headings,
    }
}

/// Sends a live document's words to the full-text index again, in place of what it holds of it;
/// under another path, if one is named.
pub(crate) fn index_again(
    catalog: &Connection,
    text: &mut TextWriter,
    document: DocumentId,
    path: Option<&str>,
) -> Result<(), Failure> {
    let Some(indexable) = documents::indexable(catalog, document)? else {
        return Ok(());
    };
    text.delete(document);
    for (chunk_id, chunk) in chunks::to_index(catalog, document)? {
        text.add(&ChunkText {
            chunk: chunk_id,
            document,
            body: indexable.text.get(chunk.span.clone()).unwrap_or_default(),
            title: indexable.title.as_deref(),
            headings: below_title(&chunk.heading_path, indexable.title.as_deref()),
            path: path.unwrap_or(&indexable.path),
            language: indexable.language,
        })?;
    }
    Ok(())
}

/// Writes the sources' rows: new documents live, replaced and removed ones dead.
fn make_live(
    catalog: &Connection,
    changes: &[Change],
    staged: &Staged,
    revision: Revision,
) -> Result<(), Failure> {
    // All that move leave their places first, so that two can change them.
    for change in changes {
        if let Change::Move { source, .. } = change {
            files::lift(catalog, *source)?;
        }
    }
    for (change, staged) in changes.iter().zip(staged) {
        match change {
            Change::Put { .. } => put(catalog, change, staged)?,
            Change::Move {
                source,
                root,
                path,
                stamp,
            } => {
                if let Some((other, _)) = files::at(catalog, *root, path)?
                    && other != *source
                {
                    bury(catalog, files::delete(catalog, other)?)?;
                }
                files::set_place(catalog, *source, *root, path)?;
                files::set_stamp(catalog, *source, *stamp)?;
                let inside = files::inside(catalog, *source)?;
                let moved = files::document_of(catalog, *source)?
                    .flatten()
                    .into_iter()
                    .chain(inside.into_iter().filter_map(|(_, document)| document));
                for document in moved {
                    documents::set_revision(catalog, document, revision)?;
                }
            }
            Change::Touch { source, stamp } => {
                files::set_stamp(catalog, *source, *stamp)?;
            }
            Change::Remove { source } => {
                bury(catalog, files::delete(catalog, *source)?)?;
            }
        }
    }
    Ok(())
}

fn put(
    catalog: &Connection,
    change: &Change,
    staged: &[Option<StagedDocument>],
) -> Result<(), Failure> {
    let Change::Put {
        root,
        path,
        stamp,
        hash,
        outcome,
        inner,
    } = change
    else {
        return Ok(());
    };
    let [outer, inside @ ..] = staged else {
        return Ok(());
    };
    let row = |outcome: &Outcome, staged: &Option<StagedDocument>| files::NewSource {
        root: *root,
        path,
        stamp: *stamp,
        hash: *hash,
        state: outcome.state(),
        document: staged.as_ref().map(|staged| staged.id),
        chunks: staged.as_ref().map_or(0, |staged| staged.chunks),
        container: None,
    };
    let replaced = files::put(catalog, &row(outcome, outer))?;
    bury(catalog, replaced)?;
    let source = files::at(catalog, *root, path)?.map(|(source, _)| source);
    if let Some(source) = source {
        bury(catalog, files::delete_inside(catalog, source)?)?;
        for (inner, staged) in inner.iter().zip(inside) {
            let Inner {
                path: inside, size, ..
            } = inner;
            let new = files::NewSource {
                path: &inner_path(path, inside),
                stamp: Stamp {
                    size: *size,
                    ..*stamp
                },
                hash: inner.hash,
                container: Some((source, inside)),
                ..row(&inner.outcome, staged)
            };
            let replaced = files::put(catalog, &new)?;
            bury(catalog, replaced)?;
        }
    }
    for staged in staged.iter().flatten() {
        documents::set_state(catalog, staged.id, LIVE)?;
    }
    Ok(())
}

fn bury(
    catalog: &Connection,
    documents: impl IntoIterator<Item = DocumentId>,
) -> Result<(), Failure> {
    for document in documents {
        documents::set_state(catalog, document, DEAD)?;
    }
    Ok(())
}
