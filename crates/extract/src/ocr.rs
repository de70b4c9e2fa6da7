//! Pages that only OCR can read.

pub(crate) mod marker;
