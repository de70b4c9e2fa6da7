//! The domain of docent: its words as types, and everything about them that is a pure function.
//!
//! Reading order is the order in which data passes: a [`source`] is found, a [`document`] is
//! extracted from it, [`chunk`]s are cut from the document, a [`query`] finds some of them,
//! [`fusion`] ranks what the retrievers found, [`passage`]s are widened from the best,
//! a [`prompt`] is laid out, and every [`citation`] of the [`answer`] is checked.
//!
//! This crate knows no files, no clock, no environment, no SQL, no tensors and no terminal.

pub mod answer;
pub mod chunk;
pub mod citation;
pub mod code;
pub mod codebase;
pub mod date;
pub mod dated;
pub mod document;
pub mod evidence;
pub mod export;
pub mod followup;
pub mod fusion;
pub mod instruction;
pub mod language;
pub mod late;
pub mod model;
pub mod passage;
pub mod prompt;
pub mod quality;
pub mod query;
pub mod question;
pub mod redact;
pub mod scope;
pub mod sentence;
pub mod similar;
pub mod source;
pub mod summary;
pub mod surroundings;
pub mod token;
pub mod wording;
