//! From the vectors of a sequence's tokens to what the caller asked for.

use docent_kernels::Isa;
use docent_kernels::dot::dot;

use super::config::{EncoderConfig, Pooling};

/// One vector of the tokens' `rows`; zeros when there are none.
pub(super) fn pool(isa: Isa, config: &EncoderConfig, rows: &[f32]) -> Vec<f32> {
    let mut vector = vec![0.0; config.hidden];
    match config.pooling {
        Pooling::Cls => {
            if let Some(first) = rows.get(..config.hidden) {
                vector.copy_from_slice(first);
            }
        }
        Pooling::Mean => {
            for row in rows.chunks_exact(config.hidden) {
                for (sum, x) in vector.iter_mut().zip(row) {
                    *sum += x;
                }
            }
            let tokens = (rows.len() / config.hidden).max(1) as f32;
            for sum in &mut vector {
                *sum /= tokens;
            }
        }
    }
    if config.normalise {
        normalise(isa, &mut vector);
    }
    vector
}

/// Every token's vector.
pub(super) fn keep(isa: Isa, config: &EncoderConfig, rows: &[f32]) -> Vec<f32> {
    let mut vectors = rows.to_vec();
    if config.normalise {
        for vector in vectors.chunks_exact_mut(config.hidden) {
            normalise(isa, vector);
        }
    }
    vectors
}

/// Scales a vector to length 1; zeros stay zeros.
fn normalise(isa: Isa, vector: &mut [f32]) {
    let length = dot(isa, vector, vector).sqrt();
    if length > 0.0 {
        for x in vector {
            *x /= length;
        }
    }
}
