//! Summaries: which sentences of a text say most of what it says.
//!
//! A document has [`section`]s; of each, the sentences that can be quoted ([`telling`]) are
//! weighed by how [`central`] they are; many documents are grouped by [`topic`]. Nothing here
//! writes: a summary is made of the documents' own sentences.

pub mod central;
pub mod section;
pub mod telling;
pub mod topic;
