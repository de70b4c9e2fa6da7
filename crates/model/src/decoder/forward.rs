//! Tokens through all layers.
//!
//! Few tokens, as in writing, are one stretch of rows whose products are cut by columns, because
//! there the time goes into reading the weights. Many, as in reading a prompt, are cut by rows:
//! each thread takes its own through everything but attention, which is cut by heads.

use std::io;
use std::ops::Range;

use docent_kernels::Isa;
use docent_kernels::activation::apply_gate;
use docent_kernels::aligned::Aligned;
use docent_kernels::cache::CacheScratch;
use docent_kernels::norm::rms_norm;
use docent_kernels::packed::{ColumnsMut, Scratch, TILE_ROWS, multiply};
use docent_kernels::rope::rotate;

use super::adapter::{Adapter, AdapterRoom};
use super::cache::LayerCache;
use super::config::Config;
use super::experts;
use super::network::{Block, FeedForward, HeadNorm, Layer, Linear, Network, Rotation};
use super::packed::Unit;
use super::prepared::Prepared;
use super::rope::Frequencies;
use super::store::{Held, Store};
use super::team::each;

/// Rows up to which products are cut by columns.
pub(super) const FEW_ROWS: usize = 16;

/// What a batch of tokens passes through, and where it begins.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) network: &'a Network,
    pub(super) store: &'a Store,
    pub(super) adapters: &'a [Adapter],
    pub(super) isa: Isa,
    pub(super) threads: usize,
    /// Position of the first row.
    pub(super) start: usize,
    pub(super) rows: usize,
    /// What the rows' positions are turned by in layers that see everything, and in those that
    /// see a window.
    pub(super) full: &'a Angles,
    pub(super) sliding: &'a Angles,
}

/// Room to work in, kept from batch to batch. Matrices are by rows, a row for each token, unless
/// it says otherwise.
#[derive(Default)]
pub(super) struct Buffers {
    /// The tokens' vectors.
    pub(super) hidden: Aligned<f32>,
    pub(super) queries: Aligned<f32>,
    keys: Aligned<f32>,
    values: Aligned<f32>,
    /// What attention makes of the queries.
    pub(super) context: Aligned<f32>,
    /// The same of single spans of positions, before they are merged.
    pub(super) partials: Aligned<f32>,
    pub(super) lanes: Vec<Lane>,
    pub(super) experts: experts::Buffers,
    pub(super) logits: Vec<f32>,
}

/// Cosines and sines of each row's position.
#[derive(Default)]
pub(super) struct Angles {
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl Angles {
    /// Those of the positions from `start` on.
    pub(super) fn set(&mut self, frequencies: &Frequencies, start: usize, rows: usize) {
        self.cosines.clear();
        self.sines.clear();
        for position in start..start + rows {
            frequencies.turns(position, &mut self.cosines, &mut self.sines);
        }
    }
}

/// Room for one thread's rows.
#[derive(Default)]
pub(super) struct Lane {
    pub(super) normed: Aligned<f32>,
    pub(super) inputs: Prepared,
    pub(super) gate: Aligned<f32>,
    pub(super) up: Aligned<f32>,
    pub(super) update: Aligned<f32>,
    pub(super) tools: Tools,
    pub(super) attention: CacheScratch,
}

/// Room for products.
#[derive(Default)]
pub(super) struct Tools {
    /// One for each thread that works on the rows.
    scratches: Vec<Scratch>,
    adapter: AdapterRoom,
}

/// Rows that one thread takes, or all of them if the threads share their columns.
struct Stretch<'a> {
    first: usize,
    hidden: &'a mut [f32],
    queries: &'a mut [f32],
    keys: &'a mut [f32],
    values: &'a mut [f32],
    context: &'a [f32],
    lane: &'a mut Lane,
}

/// Which rows' logits are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Nothing,
    Last,
    All,
}

/// A product to be computed: the layer, and where its rows go.
pub(super) type Product<'a> = (&'a Linear, &'a mut [f32]);

/// Bytes of the buffers that one row passes through, about: numbers as floats, and the inputs of
/// products in whatever form.
pub(super) fn row_bytes(config: &Config) -> u64 {
    let experts = config.experts.map_or(0, |experts| experts.used);
    let (queries, keys) = (config.query_width(), config.key_width());
    let wide = config.feed_forward.max(config.embedding);
    let floats = (6 + experts) * config.embedding + 2 * (queries + keys) + 3 * wide;
    (floats * size_of::<f32>()) as u64
}

impl Pass<'_> {
    /// Takes `buffers.hidden` through all layers; leaves logits in `buffers.logits`.
    ///
    /// # Errors
    /// When weights cannot be read. The cache then has keys and values of some layers, which
    /// count for nothing as long as nobody says that the rows are there.
    pub(super) fn run(
        &self,
        layers: &mut [LayerCache],
        buffers: &mut Buffers,
        wanted: Wanted,
    ) -> io::Result<()> {
        self.resize(buffers);
        for (layer, cache) in self.network.layers.iter().zip(layers) {
            let weights = self.store.hold(layer.unit)?;
            self.attention_inputs(layer, &weights, buffers);
            self.keep(cache, buffers);
            self.attend(layer, cache, buffers);
            self.attention_output(layer, &weights, buffers);
            match &layer.feed_forward {
                FeedForward::Dense { block, down } => {
                    // At most one unit is held at a time.
                    drop(weights);
                    self.dense(layer, block, *down, buffers)?;
                }
                FeedForward::Experts { router, blocks } => {
                    self.mixture(layer, router, weights, blocks, buffers)?;
                }
            }
        }
        self.logits(buffers, wanted)
    }

    pub(super) fn config(&self) -> &Config {
        &self.network.config
    }

    fn resize(&self, buffers: &mut Buffers) {
        let (queries, keys) = (self.config().query_width(), self.config().key_width());
        buffers.queries.resize(self.rows * queries);
        buffers.keys.resize(self.rows * keys);
        buffers.values.resize(self.rows * keys);
        buffers.context.resize(self.rows * queries);
        buffers.lanes.resize_with(self.threads, Lane::default);
        for (index, lane) in buffers.lanes.iter_mut().enumerate() {
            // The first lane is also that of few rows, which all threads work on.
            let threads = if index == 0 { self.threads } else { 1 };
            lane.tools.scratches.resize_with(threads, Scratch::default);
        }
    }

    /// Whether the threads share the columns of all rows.
    pub(super) fn few(&self) -> bool {
        self.rows <= FEW_ROWS || self.threads == 1
    }

    /// Runs `work` on all rows, cut among the threads if there are many.
    fn over_rows(&self, buffers: &mut Buffers, work: impl Fn(&mut Stretch<'_>) + Sync) {
        let config = self.config();
        let (width, queries, keys) = (config.embedding, config.query_width(), config.key_width());
        let rows = match self.few() {
            true => self.rows,
            false => self.rows.div_ceil(self.threads),
        };
        let mut stretches: Vec<Stretch<'_>> = buffers
            .hidden
            .chunks_mut(rows * width)
            .zip(buffers.queries.chunks_mut(rows * queries))
            .zip(buffers.keys.chunks_mut(rows * keys))
            .zip(buffers.values.chunks_mut(rows * keys))
            .zip(buffers.context.chunks(rows * queries))
            .zip(&mut buffers.lanes)
            .enumerate()
            .map(
                |(index, (((((hidden, queries), keys), values), context), lane))| Stretch {
                    first: index * rows,
                    hidden,
                    queries,
                    keys,
                    values,
                    context,
                    lane,
                },
            )
            .collect();
        each(&mut stretches, &work);
    }

    /// Queries, keys and values of each row, normed and turned as they are looked at.
    fn attention_inputs(&self, layer: &Layer, weights: &Held<'_>, buffers: &mut Buffers) {
        let angles = match layer.rotation {
            Rotation::None => None,
            Rotation::Full => Some(self.full),
            Rotation::Sliding => Some(self.sliding),
        };
        self.over_rows(buffers, |stretch| {
            let Lane {
                normed,
                inputs,
                tools,
                ..
            } = &mut *stretch.lane;
            let values = self.normed(&layer.attention_norm, stretch.hidden, normed);
            self.prepare(values, &[&layer.query, &layer.key, &layer.value], inputs);
            let mut products = [
                (&layer.query, &mut *stretch.queries),
                (&layer.key, &mut *stretch.keys),
                (&layer.value, &mut *stretch.values),
            ];
            self.products(weights, &mut products, inputs, tools);
            let config = self.config();
            for (norm, rows, width) in [
                (
                    &layer.query_norm,
                    &mut *stretch.queries,
                    config.query_width(),
                ),
                (&layer.key_norm, &mut *stretch.keys, config.key_width()),
            ] {
                if let Some(HeadNorm::Each(gain) | HeadNorm::Together(gain)) = norm {
                    normed.resize(rows.len());
                    rms_norm(self.isa, rows, gain, self.config().epsilon, normed);
                    rows.copy_from_slice(normed);
                }
                if let Some(angles) = angles {
                    self.turn(angles, stretch.first, rows, width);
                }
            }
        });
    }

    /// `hidden` after a norm, if there is one.
    pub(super) fn normed<'b>(
        &self,
        norm: &Option<Vec<f32>>,
        hidden: &'b [f32],
        normed: &'b mut Aligned<f32>,
    ) -> &'b [f32] {
        let Some(gain) = norm else {
            return hidden;
        };
        normed.resize(hidden.len());
        rms_norm(self.isa, hidden, gain, self.config().epsilon, normed);
        normed
    }

    /// Turns the heads of each row of `width` numbers, the first of which is the batch's row
    /// `first`.
    fn turn(&self, angles: &Angles, first: usize, heads: &mut [f32], width: usize) {
        let config = self.config();
        let pairs = config.rope.rotated / 2;
        let cosines = angles.cosines[first * pairs..].chunks_exact(pairs);
        let sines = angles.sines[first * pairs..].chunks_exact(pairs);
        for ((heads, cosines), sines) in heads.chunks_exact_mut(width).zip(cosines).zip(sines) {
            rotate(self.isa, heads, config.head, config.pairing, cosines, sines);
        }
    }

    /// Puts the rows' keys and values into the cache.
    fn keep(&self, cache: &mut LayerCache, buffers: &Buffers) {
        let (head, width) = (self.config().head, self.config().key_width());
        let layout = cache.layout();
        let mut heads: Vec<(usize, &mut [u8])> = cache.heads_mut().enumerate().collect();
        let work = |(index, bytes): &mut (usize, &mut [u8])| {
            for row in 0..self.rows {
                let at = row * width + *index * head;
                let (key, value) = (&buffers.keys[at..][..head], &buffers.values[at..][..head]);
                layout.store(self.isa, bytes, self.start + row, key, value);
            }
        };
        match self.few() {
            true => heads.iter_mut().for_each(work),
            false => each(&mut heads, &work),
        }
    }

    /// Adds what attention says to each row.
    fn attention_output(&self, layer: &Layer, weights: &Held<'_>, buffers: &mut Buffers) {
        self.over_rows(buffers, |stretch| {
            let Lane {
                normed,
                inputs,
                tools,
                update,
                ..
            } = &mut *stretch.lane;
            self.prepare(stretch.context, &[&layer.attention_output], inputs);
            update.resize(stretch.hidden.len());
            let mut products = [(&layer.attention_output, &mut **update)];
            self.products(weights, &mut products, inputs, tools);
            let norm = &layer.post_attention_norm;
            self.add(self.normed(norm, update, normed), stretch.hidden);
        });
    }

    /// Adds what a block says to the rows.
    pub(super) fn add(&self, update: &[f32], hidden: &mut [f32]) {
        let scale = self.config().residual_scale;
        for (hidden, update) in hidden.iter_mut().zip(update) {
            *hidden += update * scale;
        }
    }

    /// Adds what a feed-forward block says to each row.
    fn dense(
        &self,
        layer: &Layer,
        block: &Block,
        down: Unit,
        buffers: &mut Buffers,
    ) -> io::Result<()> {
        let weights = self.store.hold(block.unit)?;
        self.over_rows(buffers, |stretch| {
            let lane = &mut *stretch.lane;
            let values = self.normed(&layer.feed_forward_norm, stretch.hidden, &mut lane.normed);
            self.prepare(values, &[&block.gate, &block.up], &mut lane.inputs);
            self.gated(block, &weights, lane);
        });
        drop(weights);
        let weights = self.store.hold(down)?;
        self.over_rows(buffers, |stretch| {
            let lane = &mut *stretch.lane;
            self.down(block, &weights, lane);
            let norm = &layer.post_feed_forward_norm;
            let update = self.normed(norm, &lane.update, &mut lane.normed);
            self.add(update, stretch.hidden);
        });
        Ok(())
    }

    /// `gate(x) · up(x)` for the rows of `lane.inputs`, in `lane.gate`.
    pub(super) fn gated(&self, block: &Block, weights: &Held<'_>, lane: &mut Lane) {
        let config = self.config();
        let rows = lane.inputs.rows();
        lane.gate.resize(rows * config.feed_forward);
        lane.up.resize(rows * config.feed_forward);
        let mut products = [(&block.gate, &mut *lane.gate), (&block.up, &mut *lane.up)];
        self.products(weights, &mut products, &lane.inputs, &mut lane.tools);
        apply_gate(self.isa, config.gate, &mut lane.gate, &lane.up);
    }

    /// What a feed-forward block makes of `lane.gate`, in `lane.update`.
    pub(super) fn down(&self, block: &Block, weights: &Held<'_>, lane: &mut Lane) {
        self.prepare(&lane.gate, &[&block.down], &mut lane.inputs);
        lane.update
            .resize(lane.inputs.rows() * self.config().embedding);
        let mut products = [(&block.down, &mut *lane.update)];
        self.products(weights, &mut products, &lane.inputs, &mut lane.tools);
    }

    /// Logits of the wanted rows.
    fn logits(&self, buffers: &mut Buffers, wanted: Wanted) -> io::Result<()> {
        let (width, vocabulary) = (self.config().embedding, self.network.vocabulary());
        let first = match wanted {
            Wanted::Nothing => self.rows,
            Wanted::Last => self.rows - 1,
            Wanted::All => 0,
        };
        buffers.logits.resize((self.rows - first) * vocabulary, 0.0);
        if first == self.rows {
            return Ok(());
        }
        let lane = &mut buffers.lanes[0];
        for output in &self.network.output {
            let weights = self.store.hold(output.unit)?;
            let outputs = output.linear.matrix.outputs;
            let rows = buffers.hidden[first * width..].chunks(FEW_ROWS * width);
            let logits = buffers.logits.chunks_mut(FEW_ROWS * vocabulary);
            for (hidden, logits) in rows.zip(logits) {
                lane.normed.resize(hidden.len());
                let (gain, epsilon) = (&self.network.output_norm, self.config().epsilon);
                rms_norm(self.isa, hidden, gain, epsilon, &mut lane.normed);
                self.prepare(&lane.normed, &[&output.linear], &mut lane.inputs);
                lane.update.resize(hidden.len() / width * outputs);
                let mut products = [(&output.linear, &mut *lane.update)];
                let (inputs, tools) = (&lane.inputs, &mut lane.tools);
                self.products_by(self.threads, &weights, &mut products, inputs, tools);
                let said = lane.update.chunks_exact(outputs);
                for (logits, said) in logits.chunks_exact_mut(vocabulary).zip(said) {
                    logits[output.first..][..outputs].copy_from_slice(said);
                }
            }
        }
        let config = self.config();
        if config.output_scale != 1.0 || config.output_cap.is_some() {
            for logit in &mut buffers.logits {
                *logit *= config.output_scale;
                if let Some(cap) = config.output_cap {
                    *logit = cap * (*logit / cap).tanh();
                }
            }
        }
        Ok(())
    }

    /// Computes products of the same rows, whose columns the threads share if there are few rows.
    pub(super) fn products(
        &self,
        weights: &Held<'_>,
        products: &mut [Product<'_>],
        inputs: &Prepared,
        tools: &mut Tools,
    ) {
        let threads = if self.few() { self.threads } else { 1 };
        self.products_by(threads, weights, products, inputs, tools);
    }

    /// Computes products, cut by columns into as many parts as there are `threads`.
    fn products_by(
        &self,
        threads: usize,
        weights: &Held<'_>,
        products: &mut [Product<'_>],
        inputs: &Prepared,
        tools: &mut Tools,
    ) {
        struct Piece<'a> {
            linear: &'a Linear,
            tiles: Range<usize>,
            out: ColumnsMut<'a>,
        }
        struct Part<'a> {
            pieces: Vec<Piece<'a>>,
            scratch: &'a mut Scratch,
        }
        let mut parts: Vec<Part<'_>> = tools
            .scratches
            .iter_mut()
            .take(threads)
            .map(|scratch| Part {
                pieces: Vec::with_capacity(products.len()),
                scratch,
            })
            .collect();
        for (linear, out) in products.iter_mut() {
            let outputs = linear.matrix.outputs;
            let tiles = outputs.div_ceil(TILE_ROWS);
            let mut rest = ColumnsMut::new(out, outputs);
            for (index, part) in parts.iter_mut().enumerate() {
                let tiles = tiles * index / threads..tiles * (index + 1) / threads;
                let columns =
                    (tiles.end * TILE_ROWS).min(outputs) - (tiles.start * TILE_ROWS).min(outputs);
                let (out, after) = rest.split_at(columns);
                rest = after;
                if columns > 0 {
                    part.pieces.push(Piece { linear, tiles, out });
                }
            }
        }
        each(&mut parts, &|part: &mut Part<'_>| {
            for Piece { linear, tiles, out } in part.pieces.drain(..) {
                let weights = weights.weights(&linear.matrix);
                let inputs = inputs.of(weights.shape().quant());
                multiply(self.isa, &weights, tiles, inputs, out, part.scratch);
            }
        });
        for (linear, out) in products {
            for adapter in self.adapters {
                let (room, scratch) = (&mut tools.adapter, &mut tools.scratches[0]);
                adapter.add(self.isa, &linear.matrix, inputs, out, room, scratch);
            }
            if let Some(bias) = &linear.bias {
                for row in out.chunks_exact_mut(bias.len()) {
                    for (out, bias) in row.iter_mut().zip(bias) {
                        *out += bias;
                    }
                }
            }
        }
    }

    /// Prepares `values` for products with `linears`, which all take rows of one length.
    pub(super) fn prepare(&self, values: &[f32], linears: &[&Linear], inputs: &mut Prepared) {
        inputs.clear();
        for linear in linears {
            let quant = self.store.plan().quant(&linear.matrix);
            inputs.add(self.isa, quant, values, linear.matrix.inputs);
            for adapter in self.adapters {
                adapter.prepare(self.isa, &linear.matrix, values, inputs);
            }
        }
    }
}
