//! What the fuzzer calls, and a test with the same seeds. Not there in an ordinary build.

use std::borrow::Cow;
use std::path::Path;

use docent_core::model::{Message, Role};

use crate::catalogue;
use crate::decoder::Wanted;
use crate::generator::{self, GeneratorOptions};
use crate::source::Source;

/// Tokens that are read of a prompt.
const MOST_TOKENS: usize = 8;

/// Bytes as a model's file: whatever they are, they are refused with a reason, or make a model
/// that lays out a chat, reads it and foresees what follows.
///
/// # Panics
/// If a check is missing: reading, laying out or computing breaks off.
pub fn model(bytes: &[u8]) {
    let path = Path::new("fuzzed.gguf");
    let source = || Source::Memory(Cow::Owned(bytes.to_vec()));
    let card = catalogue::inspect_source(path, &source(), Default::default());
    let options = GeneratorOptions {
        threads: 1,
        context_tokens: Some(64),
        ..GeneratorOptions::default()
    };
    let mut model = match generator::load_source(path, source(), &options) {
        Ok(model) => model,
        Err(error) => {
            let error = error.to_string();
            assert!(error.starts_with("fuzzed.gguf: "), "{error}");
            assert!(!error.contains("internal failure"), "{error}");
            return;
        }
    };
    assert!(card.is_ok(), "{card:?}");
    let chat = [Message {
        role: Role::User,
        content: "the lease ends; é 契".into(),
    }];
    let tokens = model.language.encode_chat(&chat);
    let room = model.decoder.context().min(MOST_TOKENS);
    let tokens = &tokens[..tokens.len().min(room)];
    if model.decoder.read(tokens, Wanted::Last).is_ok() && !tokens.is_empty() {
        model.decoder.logits(0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use crate::fixture::seeds;

    #[test]
    fn the_seeds_load() {
        for (name, seed) in seeds() {
            super::model(&seed);
            let card = crate::fixture::inspect(&seed).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(card.problem, None, "{name}");
            assert_eq!(card.plain_chat, None, "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn changed_seeds_are_refused_or_load(
            seed in any::<Index>(),
            changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6),
            cut in prop::option::weighted(0.2, any::<Index>()),
        ) {
            let seeds = seeds();
            let (_, mut bytes) = seeds[seed.index(seeds.len())].clone();
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            super::model(&bytes);
        }
    }
}
