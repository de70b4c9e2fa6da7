//! Why an encoder cannot be made, or cannot encode what it was given.

/// What is wrong, with a model's files or with a sequence of tokens.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EncoderError {
    /// The model's configuration cannot be used.
    #[error("the encoder's configuration: {0}")]
    Config(String),
    /// The weights cannot be read, or are cut short.
    #[error("the encoder's weights are no whole file of weights: {0}")]
    Unreadable(String),
    /// A tensor that the configuration asks for is not there.
    #[error(
        "the encoder's weights have no tensor {name}; they belong to another kind of model or \
         another configuration"
    )]
    MissingTensor {
        /// The tensor's name.
        name: String,
    },
    /// A tensor has another shape than the configuration says.
    #[error(
        "tensor {name} of the encoder's weights has shape {found:?}; its configuration asks for {expected:?}"
    )]
    TensorShape {
        /// The tensor's name.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that the configuration asks for.
        expected: Vec<usize>,
    },
    /// A tensor's numbers are stored in a way that is not read here.
    #[error(
        "tensor {name} of the encoder's weights is stored as {found}; F32, F16 and BF16 can be read"
    )]
    TensorKind {
        /// The tensor's name.
        name: String,
        /// How it is stored.
        found: String,
    },
    /// A weight is infinite or no number.
    #[error(
        "tensor {name} of the encoder's weights holds a value at {index} that is no finite number; the file is damaged"
    )]
    NotFinite {
        /// The tensor's name.
        name: String,
        /// Where in it.
        index: usize,
    },
    /// A sequence has more tokens than the model has positions.
    #[error("sequence {index} has {tokens} tokens; the encoder takes {most} at most")]
    TooLong {
        /// Which sequence.
        index: usize,
        /// Its length.
        tokens: usize,
        /// The greatest length.
        most: usize,
    },
    /// A token is not in the model's vocabulary.
    #[error(
        "sequence {index} has the token {token}, but the encoder's vocabulary ends at {vocabulary}: its tokenizer belongs to another model"
    )]
    UnknownToken {
        /// Which sequence.
        index: usize,
        /// The token.
        token: u32,
        /// The number of tokens in the vocabulary.
        vocabulary: usize,
    },
}
