//! docent's own decoder: a network, the weights it runs on, and the tokens it has read.

use std::io::{self, Read, Write};
use std::sync::Arc;

use docent_core::model::Streaming;
use docent_kernels::quant::Quant;

use crate::gguf::{Gguf, GgufError};
use crate::source::Source;
use crate::{probe, processor};

use super::adapter::Adapter;
use super::cache::{Cache, Shape};
use super::config::Config;
use super::footprint::Footprint;
use super::forward::{self, Angles, Buffers, Pass, Wanted};
use super::free::Free;
use super::memory::{Budget, Wish};
use super::network::Network;
use super::packed::Plan;
use super::store::Store;
use super::team::Team;
use super::{LoadOptions, MOST_STRETCH, THREAD_STRETCH};

/// A network on the processor, with its cache of keys and values.
pub(crate) struct Transformer {
    network: Network,
    store: Store,
    adapters: Vec<Adapter>,
    source: Arc<Source>,
    embedding: EmbeddingRows,
    cache: Cache,
    team: Team,
    full: Angles,
    sliding: Angles,
    buffers: Buffers,
    /// Rows that are read at once.
    stretch: usize,
    streaming: Option<Streaming>,
}

/// Where the rows of the vocabulary's vectors lie in the model's file.
struct EmbeddingRows {
    quant: Quant,
    start: u64,
    row_bytes: usize,
    row: Vec<u8>,
}

/// Why tokens could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// There are more tokens than the cache has room for.
    #[error("{tokens} tokens are more than the {context} that the model has room for")]
    Full { tokens: usize, context: usize },
    /// A token that the model has no vector for.
    #[error("the token {0} is not in the model's vocabulary")]
    Unknown(u32),
    /// The model's file cannot be read any more.
    #[error("the model's file cannot be read any more: {0}")]
    Io(#[from] io::Error),
    /// Weights that are not in memory cannot be read any more.
    #[error("its weights cannot be read from the disk any more: {0}")]
    Weights(io::Error),
    /// candle could not compute it.
    #[error("{0}")]
    Network(String),
}

impl Transformer {
    /// Loads the network of a file whose header was read from `source`.
    pub(crate) fn load(
        gguf: &Gguf,
        config: Config,
        source: Arc<Source>,
        options: &LoadOptions<'_>,
    ) -> Result<Transformer, GgufError> {
        let mut plan = Plan::default();
        let shape = Shape {
            layers: config.layers,
            heads: config.heads_kv,
            head: config.head,
            precision: options.precision,
        };
        let wish = Wish {
            shape,
            trained: config.trained_context,
            context: options.context,
            weights: Footprint::of(gguf).total(),
            row_bytes: forward::row_bytes(&config),
            rows: (THREAD_STRETCH * options.threads.max(1)).min(MOST_STRETCH),
        };
        let room = wish.room(Free::now())?;
        let context = room.context;
        let network = Network::load(gguf, &source, config, context, &mut plan)?;
        let entry = &gguf.tensors[&network.embedding.tensor];
        let row_bytes = entry.bytes / entry.rows();
        let embedding = EmbeddingRows {
            quant: entry.kind,
            start: gguf.weights_at + entry.offset,
            row_bytes,
            row: vec![0; row_bytes],
        };
        let team = Team::new(options.threads).map_err(|error| {
            GgufError::Io(io::Error::other(format!(
                "no threads to compute on: {error}"
            )))
        })?;
        // Before the weights, which then take what is left.
        let cache = Cache::new(shape, context);
        let given = options.weight_bytes.map(|bytes| Budget {
            bytes,
            keeps_files: false,
        });
        let store = Store::open(plan, &source, options.packed, given.or(room.weights))?;
        let streaming = expected(&network, &store, team.size());
        Ok(Transformer {
            network,
            store,
            adapters: Vec::new(),
            source,
            embedding,
            cache,
            team,
            full: Angles::default(),
            sliding: Angles::default(),
            buffers: Buffers::default(),
            stretch: room.rows,
            streaming,
        })
    }

    /// Applies an adapter from its file, with a weight.
    ///
    /// # Errors
    /// When the file is no adapter, or none for this network.
    pub(crate) fn adapt(&mut self, source: &Source, scale: f32) -> Result<(), GgufError> {
        let architecture = self.network.config.architecture.name();
        let adapter = Adapter::load(source, scale, architecture, self.store.plan())?;
        self.adapters.push(adapter);
        self.cache.truncate(0);
        Ok(())
    }

    /// The number of tokens that it has room for.
    pub(crate) fn context(&self) -> usize {
        self.cache.context()
    }

    /// How many of the `left` tokens of a prompt are to be read at once.
    pub(crate) fn stretch(&self, left: usize) -> usize {
        left.min(self.stretch)
    }

    /// What to expect where not all weights are in memory.
    pub(crate) fn streaming(&self) -> Option<Streaming> {
        self.streaming
    }

    /// Bytes of packed weights: of all, and of those that are in memory.
    pub(crate) fn weight_bytes(&self) -> (usize, usize) {
        (self.store.plan().bytes(), self.store.resident_bytes())
    }

    /// The tokens that it has read.
    pub(crate) fn tokens(&self) -> &[u32] {
        self.cache.tokens()
    }

    /// Bytes of weights, keys and values that are read to write one token after `depth` others.
    pub(crate) fn token_bytes(&self, depth: usize) -> usize {
        let weights = self.network.footprint(self.store.plan());
        weights.token_bytes() as usize + self.cache.bytes(depth)
    }

    /// The turns of the second position, which tell by what angles this decoder turns all of
    /// them.
    pub(crate) fn turns(&self) -> Vec<f32> {
        let (mut cosines, mut turns) = (Vec::new(), Vec::new());
        let network = &self.network;
        for frequencies in [&network.frequencies, &network.sliding_frequencies] {
            frequencies.turns(1, &mut cosines, &mut turns);
        }
        turns.append(&mut cosines);
        turns
    }

    /// Bytes that [`Transformer::save`] writes.
    pub(crate) fn state_bytes(&self) -> u64 {
        self.cache.saved_bytes()
    }

    /// Writes what the tokens came to, to be taken up by [`Transformer::restore`].
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn save(&self, out: &mut dyn Write) -> io::Result<()> {
        self.cache.save(out)
    }

    /// Takes up what `tokens` came to in a decoder like this, in place of what it has read.
    ///
    /// # Errors
    /// When it cannot be read; all tokens then count as not read.
    pub(crate) fn restore(&mut self, tokens: &[u32], from: &mut dyn Read) -> io::Result<()> {
        self.cache.restore(tokens, from)
    }

    /// Forgets all tokens but the first `count`.
    pub(crate) fn truncate(&mut self, count: usize) {
        self.cache.truncate(count);
    }

    /// The logits of what follows the `row`th wanted token of those read last, one for each
    /// token of the vocabulary.
    pub(crate) fn logits(&mut self, row: usize) -> &mut [f32] {
        let vocabulary = self.network.vocabulary();
        &mut self.buffers.logits[row * vocabulary..][..vocabulary]
    }

    /// Reads `tokens` after those read before; computes the logits of what follows the wanted
    /// ones.
    ///
    /// # Errors
    /// When there is no room, a token is unknown, or the file of the model or of its weights is
    /// gone. The tokens then count as not read.
    pub(crate) fn read(&mut self, tokens: &[u32], wanted: Wanted) -> Result<(), ReadError> {
        let start = self.cache.tokens().len();
        let after = start.saturating_add(tokens.len());
        if after > self.context() {
            return Err(ReadError::Full {
                tokens: after,
                context: self.context(),
            });
        }
        if tokens.is_empty() {
            return Ok(());
        }
        self.embed(tokens)?;
        let (full, sliding) = (&self.network.frequencies, &self.network.sliding_frequencies);
        self.full.set(full, start, tokens.len());
        self.sliding.set(sliding, start, tokens.len());
        let pass = Pass {
            network: &self.network,
            store: &self.store,
            adapters: &self.adapters,
            isa: processor::isa(),
            threads: self.team.size(),
            start,
            rows: tokens.len(),
            full: &self.full,
            sliding: &self.sliding,
        };
        let (layers, buffers) = (&mut self.cache.layers, &mut self.buffers);
        let run = || pass.run(layers, buffers, wanted);
        self.team.enter(run).map_err(ReadError::Weights)?;
        self.cache.extend(tokens);
        Ok(())
    }

    /// Looks up the vectors of `tokens`.
    fn embed(&mut self, tokens: &[u32]) -> Result<(), ReadError> {
        let width = self.network.config.embedding;
        let rows = &mut self.embedding;
        self.buffers.hidden.resize(tokens.len() * width);
        for (token, hidden) in tokens
            .iter()
            .zip(self.buffers.hidden.chunks_exact_mut(width))
        {
            if *token as usize >= self.network.vocabulary() {
                return Err(ReadError::Unknown(*token));
            }
            let at = rows.start + u64::from(*token) * rows.row_bytes as u64;
            self.source.read_at(at, &mut rows.row)?;
            rows.quant.dequantise(&rows.row, hidden);
            if self.network.config.embedding_scale != 1.0 {
                for x in hidden {
                    *x *= self.network.config.embedding_scale;
                }
            }
        }
        Ok(())
    }
}

/// What to expect of a network whose weights are not all in memory.
fn expected(network: &Network, store: &Store, threads: usize) -> Option<Streaming> {
    let streamed = store.streamed()?;
    let footprint = network.footprint(store.plan());
    let memory = match streamed.sample() {
        // What fits into the processor's caches says nothing about memory.
        small if small.len() < probe::LEAST_BYTES => f64::INFINITY,
        sample => probe::bytes_per_second(sample, threads),
    };
    Some(Streaming {
        weight_bytes: footprint.total(),
        resident_bytes: store.resident_bytes() as u64,
        tokens_per_second: streamed.tokens_per_second(footprint, memory),
    })
}
