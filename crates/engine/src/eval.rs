//! Measuring search and answers on a set of questions whose answers are known.
//!
//! A [`set`] is read from a folder; [`judge`] asks its questions and compares what comes with
//! what is known; [`report`] sums up; [`compare`] tells two runs apart, query by query.

pub mod compare;
pub mod judge;
pub mod report;
pub mod set;
