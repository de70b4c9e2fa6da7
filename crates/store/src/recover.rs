//! Opening for writing: what a killed process, a power cut or a curious hand left is put right.

use crate::catalog::{Failure, WritingCatalog, chunks, documents, schema};
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

/// Chunks whose vectors are lost wait for new ones.
fn recover_vectors(
    home: &Home,
    catalog: &mut WritingCatalog,
    vectors: &Vectors,
    embedder: &EmbedderIdentity,
) -> Result<(), StoreError> {
    let state = catalog.read(schema::state)?;
    let table = VectorState {
        generation: state.vector_generation,
        revision: state.vector_revision,
    };
    let reset = |catalog: &mut WritingCatalog| {
        catalog.write(|catalog| {
            schema::reset_vectors(catalog, &embedder.fingerprint, embedder.dimension)?;
            Ok(())
        })
    };
    if state.fingerprint != embedder.fingerprint || state.dimension != embedder.dimension {
        reset(catalog)?;
    } else {
        let marked = catalog.read(chunks::embedded_count)?;
        match look_at(vectors, table, marked) {
            Ok(None) => {}
            Ok(Some(ids)) => {
                catalog.write(|catalog| Ok(chunks::keep_embedded(catalog, &ids)?))?;
            }
            Err(StoreError::Derived { .. }) => {
                vectors.close();
                home.set_aside(&home.vectors())?;
                reset(catalog)?;
            }
            Err(error) => return Err(error),
        }
    }
    let generation = catalog.read(schema::state)?.vector_generation;
    vectors.remove_others(generation)
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
