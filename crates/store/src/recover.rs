//! Opening for writing: what a killed process, a power cut or a curious hand left is put right.

use crate::catalog::{Failure, WritingCatalog, chunks, documents, schema, sets};
use crate::commit::index_again;
use crate::error::StoreError;
use crate::home::Home;
use crate::id::Revision;
use crate::reader::EmbedderIdentity;
use crate::text::{TextState, TextWriter};
use crate::vectors::{VectorState, Vectors};

/// Makes the derived indexes agree with the catalog; the full-text index, open.
pub(crate) fn recover(
    home: &Home,
    catalog: &mut WritingCatalog,
    vectors: &Vectors,
    embedder: &EmbedderIdentity,
) -> Result<TextWriter, StoreError> {
    // A commit that did not end: its documents die, and leave the full-text index with the next
    // commit like any other dead document.
    catalog.write(|catalog| Ok(documents::drop_staged(catalog)?))?;
    recover_vectors(home, catalog, vectors, embedder)?;
    recover_text(home, catalog)
}

/// Words that the full-text index lacks are added again from the catalog. What it has too much
/// needs no care: those documents are not live.
fn recover_text(home: &Home, catalog: &mut WritingCatalog) -> Result<TextWriter, StoreError> {
    let folder = home.text();
    let complete = match TextState::at(&folder) {
        TextState::Committed(revision) => revision,
        TextState::Missing => Revision(0),
        TextState::Unreadable => {
            home.set_aside(&folder)?;
            Revision(0)
        }
    };
    let mut text = TextWriter::open(&folder)?;
    let live = catalog.read(schema::state)?.revision;
    let missing = catalog.read(|catalog| documents::live_since(catalog, complete))?;
    if !missing.is_empty() {
        let text = &mut text;
        catalog.read(|catalog| {
            for document in missing {
                index_again(catalog, text, document, None)?;
            }
            Ok::<_, Failure>(())
        })?;
        text.commit(live)?;
    }
    Ok(text)
}

/// Chunks whose vectors are lost wait for new ones; the writer's embedder gets its set.
fn recover_vectors(
    home: &Home,
    catalog: &mut WritingCatalog,
    vectors: &Vectors,
    embedder: &EmbedderIdentity,
) -> Result<(), StoreError> {
    recover_first(home, catalog, vectors)?;
    recover_second(catalog, vectors)?;
    catalog.write(|catalog| Ok(sets::choose(catalog, embedder)?))?;
    keep_sets(catalog, vectors)
}

fn recover_first(
    home: &Home,
    catalog: &mut WritingCatalog,
    vectors: &Vectors,
) -> Result<(), StoreError> {
    loop {
        let table = catalog.read(schema::state)?.first.table;
        let marked = catalog.read(chunks::embedded_count)?;
        match look_at(vectors, table, marked) {
            Ok(None) => return Ok(()),
            Ok(Some(ids)) => {
                catalog.write(|catalog| Ok(chunks::keep_embedded(catalog, &ids)?))?;
                return Ok(());
            }
            Err(StoreError::Derived { .. }) => vectors.close(),
            Err(error) => return Err(error),
        }
        // What there is of a second set is more than nothing.
        if !catalog.write(|catalog| Ok(sets::switch(catalog)?))? {
            home.set_aside(&home.vectors())?;
            return catalog.write(|catalog| Ok(sets::renew_first(catalog)?));
        }
    }
}

fn recover_second(catalog: &mut WritingCatalog, vectors: &Vectors) -> Result<(), StoreError> {
    let Some(second) = catalog.read(sets::second)? else {
        return Ok(());
    };
    let marked = catalog.read(sets::made_count)?;
    match look_at(vectors, second.set.table, marked) {
        Ok(None) => Ok(()),
        Ok(Some(ids)) => catalog.write(|catalog| Ok(sets::keep(catalog, &ids)?)),
        Err(StoreError::Derived { .. }) => {
            vectors.close();
            catalog.write(|catalog| Ok(sets::renew_second(catalog)?))
        }
        Err(error) => Err(error),
    }
}

/// Deletes the tables that are no set's any more.
pub(crate) fn keep_sets(catalog: &WritingCatalog, vectors: &Vectors) -> Result<(), StoreError> {
    let first = catalog.read(schema::state)?.first;
    let second = catalog.read(sets::second)?.map(|second| second.set);
    let generations: Vec<i64> = std::iter::once(first)
        .chain(second)
        .map(|set| set.table.generation)
        .collect();
    vectors.keep_only(&generations)
}

/// Looks whether the table can be read; the chunks that it holds, if they are fewer than are
/// marked.
fn look_at(
    vectors: &Vectors,
    table: VectorState,
    marked: u64,
) -> Result<Option<std::collections::HashSet<i64>>, StoreError> {
    if vectors.count(table)? >= marked {
        return Ok(None);
    }
    vectors.chunk_ids(table).map(Some)
}
