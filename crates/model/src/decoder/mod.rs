//! The decoder: tokens in, logits of what follows out.
//!
//! docent's own [`Transformer`] runs the architectures that people have; a few others are left to
//! candle. Both are steps behind one enum, [`Decoder`], which is where a decoder on another kind
//! of processor would join them.
//!
//! A decoder's parts in the order of a load: [`config`] reads the network's numbers, [`network`]
//! finds its tensors, [`packed`] lays its matrices out for the kernels, [`memory`] divides what is
//! free, [`store`] maps the matrices or has them [`streamed`]; in the order of a token:
//! [`transformer`] looks up its vector, [`forward`] takes it through all layers on the threads of
//! a [`team`], past the [`cache`] of keys and values that earlier tokens left.

mod adapter;
mod attention;
mod cache;
mod candle;
mod config;
mod experts;
mod footprint;
mod forward;
mod free;
mod memory;
mod network;
mod packed;
mod prepared;
mod rope;
mod store;
mod streamed;
mod team;
mod transformer;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use std::io::{self, Read, Write};
use std::sync::Arc;

use docent_core::model::Streaming;

use crate::catalogue;
use crate::gguf::{Gguf, GgufError};
use crate::packed_cache::PackedCache;
use crate::source::Source;
pub use cache::CachePrecision;
pub(crate) use config::{Architecture, Config};
pub(crate) use footprint::{Footprint, Rates};
pub(crate) use forward::Wanted;
pub(crate) use free::Free;
pub(crate) use memory::{fits, for_buffers};
pub(crate) use transformer::{ReadError, Transformer};

/// Tokens of a prompt that are read at once by each thread: enough for the unpacking of weights
/// to matter little beside their use.
const THREAD_STRETCH: usize = 256;
/// Tokens that are read at once by all threads: more would take more memory and make stopping
/// slower.
const MOST_STRETCH: usize = 2048;

/// How a decoder is loaded.
#[derive(Clone, Copy, Default)]
pub(crate) struct LoadOptions<'a> {
    /// Tokens that it is asked to hold; `None` takes what the model was trained for, as far as
    /// memory goes.
    pub(crate) context: Option<usize>,
    /// Threads to compute on.
    pub(crate) threads: usize,
    pub(crate) precision: CachePrecision,
    /// Where packed weights are kept, and the content hash of the model's file.
    pub(crate) packed: Option<(&'a PackedCache, &'a str)>,
    /// Bytes of memory that weights may take; `None` takes what is free.
    pub(crate) weight_bytes: Option<u64>,
}

/// A network with its cache of keys and values.
pub(crate) enum Decoder {
    Own(Box<Transformer>),
    Candle(Box<candle::Decoder>),
}

/// What runs a file's architecture.
enum Runner {
    Own(Architecture),
    Candle(candle::Architecture),
}

impl Runner {
    fn of(gguf: &Gguf) -> Result<Runner, GgufError> {
        let Some(name) = gguf.text("general.architecture") else {
            let problem = "the header does not name an architecture (general.architecture)";
            return Err(GgufError::Damaged(problem.into()));
        };
        if let Some(architecture) = Architecture::by_name(name) {
            return Ok(Runner::Own(architecture));
        }
        if let Some(architecture) = candle::Architecture::by_name(name) {
            return Ok(Runner::Candle(architecture));
        }
        let own = Architecture::ALL.map(Architecture::name).join(", ");
        let candle = candle::Architecture::ALL.map(candle::Architecture::name);
        Err(GgufError::Unsupported(
            format!("its architecture is {name}"),
            format!(
                "docent runs {own}, and through candle {}: choose a model of one of these",
                candle.join(", ")
            ),
        ))
    }
}

/// What runs models of an architecture.
pub(crate) fn runner(architecture: &str) -> Option<catalogue::Runner> {
    let own = Architecture::by_name(architecture).map(|_| catalogue::Runner::Docent);
    own.or_else(|| candle::Architecture::by_name(architecture).map(|_| catalogue::Runner::Candle))
}

/// Bytes that keys and values of one token take, by a file's header alone.
///
/// # Errors
/// When the header describes a network that docent does not run.
pub(crate) fn token_bytes(gguf: &Gguf, precision: CachePrecision) -> Result<usize, GgufError> {
    match Runner::of(gguf)? {
        Runner::Own(architecture) => {
            let config = Config::from_gguf(gguf, architecture)?;
            let shape = cache::Shape {
                layers: config.layers,
                heads: config.heads_kv,
                head: config.head,
                precision,
            };
            Ok(shape.token_bytes())
        }
        Runner::Candle(architecture) => Ok(candle::token_bytes(gguf, architecture)),
    }
}

impl Decoder {
    /// Loads the weights of a GGUF file whose header was read from `source`.
    ///
    /// # Errors
    /// When the file is damaged, of a kind that docent does not run, or asks for more than there
    /// is memory for.
    pub(crate) fn load(
        gguf: &Gguf,
        source: Arc<Source>,
        options: &LoadOptions<'_>,
    ) -> Result<Decoder, GgufError> {
        match Runner::of(gguf)? {
            Runner::Own(architecture) => {
                let config = Config::from_gguf(gguf, architecture)?;
                let transformer = Transformer::load(gguf, config, source, options)?;
                Ok(Decoder::Own(Box::new(transformer)))
            }
            Runner::Candle(architecture) => {
                let candle = candle::Decoder::load(gguf, architecture, &source, options.context)?;
                Ok(Decoder::Candle(Box::new(candle)))
            }
        }
    }

    /// Applies a low-rank adapter from its file, with a weight.
    ///
    /// # Errors
    /// When the file is no adapter, or none for this network.
    pub(crate) fn adapt(&mut self, source: &Source, scale: f32) -> Result<(), GgufError> {
        match self {
            Decoder::Own(transformer) => transformer.adapt(source, scale),
            Decoder::Candle(_) => Err(GgufError::Unsupported(
                "the model runs on candle, which takes no adapters".into(),
                "choose a model of another architecture".into(),
            )),
        }
    }

    /// The number of tokens that the decoder has room for.
    pub(crate) fn context(&self) -> usize {
        match self {
            Decoder::Own(transformer) => transformer.context(),
            Decoder::Candle(candle) => candle.context(),
        }
    }

    /// The tokens that it has read.
    pub(crate) fn tokens(&self) -> &[u32] {
        match self {
            Decoder::Own(transformer) => transformer.tokens(),
            Decoder::Candle(candle) => candle.tokens(),
        }
    }

    /// Forgets all tokens but the first `count`, or more if it has to; gives the number of those
    /// that are left.
    pub(crate) fn keep(&mut self, count: usize) -> usize {
        match self {
            Decoder::Own(transformer) => transformer.truncate(count),
            Decoder::Candle(candle) => candle.keep(count),
        }
        self.tokens().len()
    }

    /// Whether what it has read can be saved: candle's decoders keep it to themselves.
    pub(crate) fn can_save(&self) -> bool {
        matches!(self, Decoder::Own(_))
    }

    /// Numbers that differ where positions are turned by other angles, as some models do it where
    /// they have room for more tokens; none where nothing can be saved.
    pub(crate) fn turns(&self) -> Vec<f32> {
        match self {
            Decoder::Own(transformer) => transformer.turns(),
            Decoder::Candle(_) => Vec::new(),
        }
    }

    /// Bytes that [`Decoder::save`] writes.
    pub(crate) fn state_bytes(&self) -> u64 {
        match self {
            Decoder::Own(transformer) => transformer.state_bytes(),
            Decoder::Candle(_) => 0,
        }
    }

    /// Writes what the tokens that it has read came to.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn save(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Decoder::Own(transformer) => transformer.save(out),
            Decoder::Candle(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Takes up what a decoder of the same model wrote of these tokens, in place of what it has
    /// read.
    ///
    /// # Errors
    /// When it cannot be read; all tokens then count as not read.
    pub(crate) fn restore(&mut self, tokens: &[u32], from: &mut dyn Read) -> io::Result<()> {
        match self {
            Decoder::Own(transformer) => transformer.restore(tokens, from),
            Decoder::Candle(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Whether several tokens may be read with the logits of each, and some of them forgotten
    /// again, for little more than the time of one.
    pub(crate) fn can_draft(&self) -> bool {
        matches!(self, Decoder::Own(_))
    }

    /// How many of the `left` tokens of a prompt are to be read next.
    pub(crate) fn stretch(&self, left: usize) -> usize {
        match self {
            Decoder::Own(transformer) => transformer.stretch(left),
            Decoder::Candle(candle) => candle.stretch(left),
        }
    }

    /// What to expect where not all weights are in memory.
    pub(crate) fn streaming(&self) -> Option<Streaming> {
        match self {
            Decoder::Own(transformer) => transformer.streaming(),
            Decoder::Candle(_) => None,
        }
    }

    /// Reads `tokens` after those read before; computes the logits of what follows each wanted
    /// one.
    ///
    /// # Errors
    /// When they cannot be read; they then count as not read.
    pub(crate) fn read(&mut self, tokens: &[u32], wanted: Wanted) -> Result<(), ReadError> {
        match self {
            Decoder::Own(transformer) => transformer.read(tokens, wanted),
            Decoder::Candle(candle) => candle.read(tokens),
        }
    }

    /// The logits of what follows the `row`th wanted token of those read last. candle's decoders
    /// have those of the last token alone.
    pub(crate) fn logits(&mut self, row: usize) -> &mut [f32] {
        match self {
            Decoder::Own(transformer) => transformer.logits(row),
            Decoder::Candle(candle) => candle.logits(),
        }
    }
}
