//! The starter models, which are part of the program so that it works on its own.

/// The files of the starter embedder, laid out as in a directory of one.
pub(crate) struct StarterEmbedder {
    pub(crate) config: &'static [u8],
    pub(crate) tokenizer: &'static [u8],
    pub(crate) sentence: &'static [u8],
    pub(crate) pooling: &'static [u8],
    pub(crate) weights: &'static [u8],
}

/// Name of the starter embedder.
pub(crate) const EMBEDDER_NAME: &str = "all-MiniLM-L6-v2";

/// Content hash of the starter embedder; constant so that starting hashes nothing.
pub(crate) const EMBEDDER_HASH: &str = "03c8737c725e9447";

/// Name of the starter generator.
pub(crate) const GENERATOR_NAME: &str = "SmolLM2-135M-Instruct";

/// Name and content hash of the starter generator.
pub(crate) const GENERATOR_FINGERPRINT: &str = "SmolLM2-135M-Instruct@5f4fa13bfc6dd4a9";

/// The starter embedder, where this program carries one.
///
/// Never inlined: the files would be copied to every caller, and into the crate's metadata.
#[cfg(feature = "starter-models")]
#[inline(never)]
pub(crate) fn embedder() -> Option<StarterEmbedder> {
    Some(StarterEmbedder {
        config: include_bytes!("../../../assets/models/minilm-l6-v2/config.json"),
        tokenizer: include_bytes!("../../../assets/models/minilm-l6-v2/tokenizer.json"),
        sentence: include_bytes!("../../../assets/models/minilm-l6-v2/sentence_bert_config.json"),
        pooling: include_bytes!("../../../assets/models/minilm-l6-v2/1_Pooling/config.json"),
        weights: include_bytes!("../../../assets/models/minilm-l6-v2/model.safetensors"),
    })
}

/// The starter generator's GGUF file, where this program carries one.
///
/// Never inlined: the files would be copied to every caller, and into the crate's metadata.
#[cfg(feature = "starter-models")]
#[inline(never)]
pub(crate) fn generator() -> Option<&'static [u8]> {
    Some(include_bytes!(
        "../../../assets/models/smollm2-135m-instruct-q4_1.gguf"
    ))
}

/// The starter embedder, where this program carries one.
#[cfg(not(feature = "starter-models"))]
pub(crate) fn embedder() -> Option<StarterEmbedder> {
    None
}

/// The starter generator's GGUF file, where this program carries one.
#[cfg(not(feature = "starter-models"))]
pub(crate) fn generator() -> Option<&'static [u8]> {
    None
}
