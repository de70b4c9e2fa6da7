//! From the vectors of a sequence's tokens to what the caller asked for.

use docent_kernels::Isa;
use docent_kernels::dot::dot;

use super::config::{EncoderConfig, Pooling};

/// One vector of the tokens' `rows`; zeros when there are none.
pub(super) fn pool(config: &EncoderConfig, rows: &[f32]) -> Vec<f32> {
    let mut vector = vec![0.0; config.hidden];
    let only = match config.pooling {
        Pooling::Cls => rows.get(..config.hidden),
        Pooling::Last => rows.rchunks_exact(config.hidden).next(),
        Pooling::Mean => {
            mean(rows, &mut vector);
            None
        }
    };
    if let Some(row) = only {
        vector.copy_from_slice(row);
    }
    vector
}

/// Writes the mean of the rows, each as long as `vector`.
fn mean(rows: &[f32], vector: &mut [f32]) {
    let width = vector.len();
    for row in rows.chunks_exact(width) {
        for (sum, x) in vector.iter_mut().zip(row) {
            *sum += x;
        }
    }
    let tokens = (rows.len() / width).max(1) as f32;
    for sum in vector {
        *sum /= tokens;
    }
}

/// Scales a vector to length 1; zeros stay zeros.
pub(super) fn normalise(isa: Isa, vector: &mut [f32]) {
    let length = dot(isa, vector, vector).sqrt();
    if length > 0.0 {
        for x in vector {
            *x /= length;
        }
    }
}
