//! Rows of a vector table as Arrow's batches, and back.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int64Type};
use arrow_array::{ArrayRef, FixedSizeListArray, Float32Array, Int64Array, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use super::resident::Resident;
use crate::id::{ChunkId, DocumentId};

/// A row to write.
pub(crate) struct VectorRow {
    pub(crate) chunk: ChunkId,
    pub(crate) document: DocumentId,
    pub(crate) vector: Vec<f32>,
}

/// A column of a batch.
pub(super) fn column<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a ArrayRef> {
    batch.column_by_name(name)
}

/// A column of ids.
pub(super) fn ids<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a [i64]> {
    let ids = column(batch, name)?.as_primitive_opt::<Int64Type>()?;
    Some(ids.values())
}

/// Adds a batch's rows to the copy in memory.
pub(super) fn add_rows(batch: &RecordBatch, resident: &mut Resident) {
    let vectors = column(batch, "vector").and_then(|vectors| vectors.as_fixed_size_list_opt());
    let values = vectors.and_then(|list| list.values().as_primitive_opt::<Float32Type>());
    let (Some(list), Some(values)) = (vectors, values) else {
        return;
    };
    let (Some(chunks), Some(documents)) = (ids(batch, "chunk_id"), ids(batch, "document_id"))
    else {
        return;
    };
    for (row, (chunk, document)) in chunks.iter().zip(documents).enumerate() {
        let length = list.value_length() as usize;
        // The offset of a list that was cut out of a longer one is in its values already.
        let start = list.value_offset(row) as usize;
        resident.push(*chunk, *document, &values.values()[start..start + length]);
    }
}

/// The columns of a table of vectors of so many values.
pub(super) fn schema(dimension: usize) -> SchemaRef {
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    let size = i32::try_from(dimension).unwrap_or(i32::MAX);
    Arc::new(Schema::new(vec![
        Field::new("chunk_id", DataType::Int64, false),
        Field::new("document_id", DataType::Int64, false),
        Field::new("vector", DataType::FixedSizeList(item, size), false),
    ]))
}

/// Rows to write, their vectors at length 1.
pub(super) fn record_batch(
    dimension: usize,
    rows: &[VectorRow],
) -> Result<RecordBatch, ArrowError> {
    let mut values = Vec::with_capacity(rows.len() * dimension);
    for row in rows {
        values.extend(unit(row.vector.clone()));
    }
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    let size = i32::try_from(dimension).unwrap_or(i32::MAX);
    let vectors =
        FixedSizeListArray::try_new(item, size, Arc::new(Float32Array::from(values)), None)?;
    let chunks: Int64Array = rows.iter().map(|row| Some(row.chunk.0)).collect();
    let documents: Int64Array = rows.iter().map(|row| Some(row.document.0)).collect();
    RecordBatch::try_new(
        schema(dimension),
        vec![Arc::new(chunks), Arc::new(documents), Arc::new(vectors)],
    )
}

/// The vector at length 1, so that the product of two is their cosine. Zero, and what is not a
/// number, become the zero vector, which is near nothing.
pub(super) fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if !length.is_finite() || length == 0.0 {
        vector.fill(0.0);
    } else if (length - 1.0).abs() > 1e-4 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
    vector
}
