//! Folders in, hits and cited answers out: the pipeline that reads, indexes and watches, and
//! the journey from a question to a checked answer.
//!
//! Reading order: a [`library`] holds [`collection`]s; [`walk`] finds files, [`reconcile`]
//! compares them with the catalog, [`ingest`] reads and commits what changed in [`batch`]es,
//! [`embedding`] makes vectors with one of the [`embedders`], [`watch`] says when to look again; [`search`] finds, [`ask`] answers, [`summarize`] sums up.
//! [`event`] is what they tell.
//!
//! This crate knows no tensors, no Arrow, no terminal and no environment: models come in as
//! the traits of `docent_core::model`, and what happens goes out as plain values.

pub mod ask;
mod batch;
pub mod collection;
pub mod embedders;
pub mod embedding;
pub mod error;
pub mod eval;
pub mod event;
pub mod indexer;
mod ingest;
pub mod library;
mod reconcile;
pub mod search;
pub mod settings;
pub mod stages;
pub mod summarize;
mod walk;
mod watch;

#[cfg(test)]
mod tests;
