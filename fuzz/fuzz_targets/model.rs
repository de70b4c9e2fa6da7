//! Bytes as a model's file: header, tokenizer, chat template, network.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| docent_model::fuzz::model(input));
