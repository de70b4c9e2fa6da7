//! Keys and values of the tokens that a decoder has read.

/// Keys and values of all layers, allocated once. In each layer a head's rows stand one after
/// the other, so that a query passes them as one stretch of memory.
pub(super) struct Cache {
    pub(super) layers: Vec<LayerCache>,
    /// The tokens whose rows are there.
    tokens: Vec<u32>,
    context: usize,
}

/// What a cache has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) layers: usize,
    pub(super) heads: usize,
    /// Length of a head's key or value.
    pub(super) head: usize,
}

impl Shape {
    /// Bytes that each token takes.
    pub(super) fn token_bytes(self) -> usize {
        self.layers * self.heads * self.head * 2 * size_of::<u16>()
    }
}

/// Keys and values of one layer in half precision: `[head][position][number]`.
pub(super) struct LayerCache {
    pub(super) keys: Vec<u16>,
    pub(super) values: Vec<u16>,
}

impl Cache {
    /// An empty cache with room for `context` tokens. The system gives the memory when it is
    /// first written to.
    pub(super) fn new(shape: Shape, context: usize) -> Cache {
        let numbers = shape.heads * shape.head * context;
        let layers = (0..shape.layers).map(|_| LayerCache {
            keys: vec![0; numbers],
            values: vec![0; numbers],
        });
        Cache {
            layers: layers.collect(),
            tokens: Vec::new(),
            context,
        }
    }

    /// The number of tokens that there is room for.
    pub(super) fn context(&self) -> usize {
        self.context
    }

    /// Bytes that `tokens` tokens take.
    pub(super) fn read_bytes(&self, tokens: usize) -> usize {
        let bytes =
            |layer: &LayerCache| size_of_val(&layer.keys[..]) + size_of_val(&layer.values[..]);
        self.layers.iter().map(bytes).sum::<usize>() / self.context * tokens
    }

    /// The tokens whose rows are there.
    pub(super) fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Says that the rows of these tokens, which follow the others, are there.
    pub(super) fn extend(&mut self, tokens: &[u32]) {
        self.tokens.extend_from_slice(tokens);
    }

    /// Forgets all tokens but the first `count`.
    pub(super) fn truncate(&mut self, count: usize) {
        self.tokens.truncate(count);
    }
}
