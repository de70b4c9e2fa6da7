//! Keys and values of the tokens that a decoder has read.

use std::io::{self, Read, Write};

use docent_kernels::cache::{CacheKind, CacheLayout, HeadCache};
use serde::{Deserialize, Serialize};

/// Vectors that lie on a cache line load fastest.
const LINE: usize = 64;

/// How precisely keys and values are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CachePrecision {
    /// Half-precision numbers.
    #[default]
    F16,
    /// A byte for each number: half the memory, and answers that may differ in a word.
    Int8,
}

/// What a cache has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) layers: usize,
    /// Heads of keys.
    pub(super) heads: usize,
    /// Length of a head's key or value.
    pub(super) head: usize,
    pub(super) precision: CachePrecision,
}

impl Shape {
    fn layout(self, context: usize) -> CacheLayout {
        let kind = match self.precision {
            CachePrecision::F16 => CacheKind::F16,
            CachePrecision::Int8 => CacheKind::Int8,
        };
        CacheLayout::new(kind, self.head, context)
    }

    /// Bytes that each token takes.
    pub(super) fn token_bytes(self) -> usize {
        let layout = self.layout(1);
        self.layers * self.heads * layout.bytes() / layout.capacity()
    }
}

/// Keys and values of all layers, allocated once. In each layer every head of keys has a stretch
/// of its own, so that a query passes over one stretch of memory.
pub(super) struct Cache {
    pub(super) layers: Vec<LayerCache>,
    shape: Shape,
    /// The tokens whose keys and values are there.
    tokens: Vec<u32>,
    context: usize,
}

/// Keys and values of one layer, head by head.
pub(super) struct LayerCache {
    layout: CacheLayout,
    bytes: Vec<u8>,
    /// Bytes before the first one on a cache line.
    skip: usize,
}

impl Cache {
    /// An empty cache with room for `context` tokens. The system gives the memory when it is
    /// first written to.
    pub(super) fn new(shape: Shape, context: usize) -> Cache {
        let layout = shape.layout(context);
        let layers = (0..shape.layers).map(|_| {
            let bytes = vec![0; shape.heads * layout.bytes() + LINE];
            let skip = bytes.as_ptr().align_offset(LINE).min(LINE);
            LayerCache {
                layout,
                bytes,
                skip,
            }
        });
        Cache {
            layers: layers.collect(),
            shape,
            tokens: Vec::new(),
            context,
        }
    }

    /// The number of tokens that there is room for.
    pub(super) fn context(&self) -> usize {
        self.context
    }

    /// Bytes that `tokens` tokens take.
    pub(super) fn bytes(&self, tokens: usize) -> usize {
        self.shape.token_bytes() * tokens
    }

    /// The tokens whose keys and values are there.
    pub(super) fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Says that keys and values of these tokens, which follow the others, are there.
    pub(super) fn extend(&mut self, tokens: &[u32]) {
        self.tokens.extend_from_slice(tokens);
    }

    /// Forgets all tokens but the first `count`.
    pub(super) fn truncate(&mut self, count: usize) {
        self.tokens.truncate(count);
    }

    /// Bytes that [`Cache::save`] writes.
    pub(super) fn saved_bytes(&self) -> u64 {
        let heads = (self.shape.layers * self.shape.heads) as u64;
        let head = self
            .shape
            .layout(self.context)
            .first_bytes(self.tokens.len());
        heads * head as u64
    }

    /// Writes keys and values of the tokens, layer by layer and head by head, whole blocks.
    pub(super) fn save(&self, out: &mut dyn Write) -> io::Result<()> {
        for layer in &self.layers {
            let bytes = layer.layout.first_bytes(self.tokens.len());
            for head in layer.bytes[layer.skip..].chunks_exact(layer.layout.bytes()) {
                out.write_all(&head[..bytes])?;
            }
        }
        Ok(())
    }

    /// Reads what [`Cache::save`] wrote for `tokens`, in place of all that is there.
    pub(super) fn restore(&mut self, tokens: &[u32], from: &mut dyn Read) -> io::Result<()> {
        self.tokens.clear();
        if tokens.len() > self.context {
            return Err(io::ErrorKind::InvalidData.into());
        }
        for layer in &mut self.layers {
            let bytes = layer.layout.first_bytes(tokens.len());
            for head in layer.heads_mut() {
                from.read_exact(&mut head[..bytes])?;
            }
        }
        self.tokens.extend_from_slice(tokens);
        Ok(())
    }
}

impl LayerCache {
    /// How each head's keys and values lie.
    pub(super) fn layout(&self) -> CacheLayout {
        self.layout
    }

    /// Each head's keys and values, to be written.
    pub(super) fn heads_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let bytes = &mut self.bytes[self.skip..];
        bytes.chunks_exact_mut(self.layout.bytes())
    }

    /// A head's keys and values.
    pub(super) fn head(&self, head: usize) -> HeadCache<'_> {
        let bytes = self.layout.bytes();
        HeadCache {
            layout: self.layout,
            bytes: &self.bytes[self.skip + head * bytes..][..bytes],
        }
    }
}
