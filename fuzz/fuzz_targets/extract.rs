//! Bytes of every kind through the readers that walk them: a line with the file's name, then its
//! bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| docent_extract::fuzz::extract(input));
