//! docent as people and scripts use it: the real binary on real files with the real models.
//!
//! A module for each subject; [`sandbox`] gives each test a home, an index and files of its own.

mod bad_input;
mod cli;
mod contract;
mod embedders;
mod export;
mod extraction;
mod format;
mod injection;
mod kill;
mod licences;
mod lifecycle;
mod models;
mod processes;
mod quality;
mod queries;
mod retrieval;
mod sandbox;
mod summarize;
mod terminal;
mod tidy;
mod watch;
