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

/// Name and content hash of the starter embedder; constant so that starting hashes nothing.
pub(crate) const EMBEDDER_FINGERPRINT: &str = "all-MiniLM-L6-v2@03c8737c725e9447/int8";

/// Name of the starter generator.
pub(crate) const GENERATOR_NAME: &str = "SmolLM2-135M-Instruct";

/// Name and content hash of the starter generator.
pub(crate) const GENERATOR_FINGERPRINT: &str = "SmolLM2-135M-Instruct@5f4fa13bfc6dd4a9";

/// The starter embedder, where this program carries one.
#[cfg(feature = "starter-models")]
pub(crate) fn embedder() -> Option<StarterEmbedder> {
    Some(StarterEmbedder {
        config: include_bytes!("../../../assets/models/minilm-l6-v2/config.json"),
        tokenizer: include_bytes!("../../../assets/models/minilm-l6-v2/tokenizer.json"),
        sentence: include_bytes!("../../../assets/models/minilm-l6-v2/sentence_bert_config.json"),
        pooling: include_bytes!("../../../assets/models/minilm-l6-v2/1_Pooling/config.json"),
        weights: &weights::EMBEDDER,
    })
}

/// The starter generator's GGUF file, where this program carries one.
#[cfg(feature = "starter-models")]
pub(crate) fn generator() -> Option<&'static [u8]> {
    Some(&weights::GENERATOR)
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

/// The large files, as statics of their own: a constant would be copied to wherever it is used.
#[cfg(feature = "starter-models")]
mod weights {
    pub(super) static EMBEDDER: [u8; 45_141_904] =
        *include_bytes!("../../../assets/models/minilm-l6-v2/model.safetensors");
    pub(super) static GENERATOR: [u8; 98_362_432] =
        *include_bytes!("../../../assets/models/smollm2-135m-instruct-q4_1.gguf");
}
