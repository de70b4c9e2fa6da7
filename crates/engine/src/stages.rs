//! Where the time of a search goes, stage by stage.

use std::time::Instant;

use serde::{Deserialize, Serialize};

/// Time that each stage of a search took, in milliseconds; 0 for one that was not needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stages {
    /// The query's vector.
    pub embed_query_ms: f64,
    /// The full-text index.
    pub lexical_ms: f64,
    /// The vector table.
    pub dense_ms: f64,
    /// From the two lists to one ranking.
    pub rank_ms: f64,
    /// The hits' texts and places, from the catalog.
    pub join_ms: f64,
}

/// Does something, and adds the time that it took to a stage.
pub(crate) fn timed<T>(stage_ms: &mut f64, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = work();
    *stage_ms += began.elapsed().as_secs_f64() * 1e3;
    done
}
