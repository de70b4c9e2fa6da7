//! What parent and worker say to each other, decoded by either side.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| docent_extract::fuzz::protocol(input));
