//! Tokens through all layers.
//!
//! Few tokens, as in writing, are one stretch of rows whose products are cut by columns, because
//! there the time goes into reading the weights. Many, as in reading a prompt, are cut by rows:
//! each thread takes its own through everything but attention, which is cut by heads.

use std::ops::Range;

use docent_kernels::Isa;
use docent_kernels::activation::apply_gate;
use docent_kernels::aligned::Aligned;
use docent_kernels::cache::{
    Attention, CacheScratch, PARTIAL_EXTRA, Queries, SPAN, attend, attend_spans, merge_spans,
};
use docent_kernels::norm::rms_norm;
use docent_kernels::packed::{ColumnsMut, Scratch, TILE_ROWS, multiply};
use docent_kernels::rope::rotate;

use super::adapter::{Adapter, AdapterRoom};
use super::cache::LayerCache;
use super::config::Config;
use super::experts;
use super::network::{Block, FeedForward, HeadNorm, Layer, Linear, Network, Rotation};
use super::packed::Store;
use super::prepared::Prepared;
use super::rope::Frequencies;
use super::team::each;

/// Rows up to which products are cut by columns.
const FEW_ROWS: usize = 16;
/// Rows whose attention is one piece of work.
const ATTENTION_ROWS: usize = 64;

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
    queries: Aligned<f32>,
    keys: Aligned<f32>,
    values: Aligned<f32>,
    /// What attention makes of the queries.
    context: Aligned<f32>,
    /// The same of single spans of positions, before they are merged.
    partials: Aligned<f32>,
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
    attention: CacheScratch,
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

impl Pass<'_> {
    /// Takes `buffers.hidden` through all layers; leaves logits in `buffers.logits`.
    pub(super) fn run(&self, layers: &mut [LayerCache], buffers: &mut Buffers, wanted: Wanted) {
        self.resize(buffers);
        for (layer, cache) in self.network.layers.iter().zip(layers) {
            self.attention_inputs(layer, buffers);
            self.keep(cache, buffers);
            self.attend(layer, cache, buffers);
            self.attention_output(layer, buffers);
            match &layer.feed_forward {
                FeedForward::Dense(block) => self.dense(layer, block, buffers),
                FeedForward::Experts { router, blocks } => {
                    self.mixture(layer, router, blocks, buffers);
                }
            }
        }
        self.logits(buffers, wanted);
    }

    fn config(&self) -> &Config {
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
    fn attention_inputs(&self, layer: &Layer, buffers: &mut Buffers) {
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
            self.products(&mut products, inputs, tools);
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

    /// Each row's queries over the keys and values that it sees.
    fn attend(&self, layer: &Layer, cache: &LayerCache, buffers: &mut Buffers) {
        let config = self.config();
        let attention = Attention {
            scale: config.attention_scale,
            soft_cap: config.attention_cap,
            window: layer.window,
        };
        let first = layer
            .window
            .map_or(0, |w| (self.start + 1).saturating_sub(w));
        let spans = first / SPAN..(self.start + self.rows).div_ceil(SPAN);
        match self.rows <= FEW_ROWS && spans.len() > 1 {
            true => self.attend_by_spans(attention, cache, spans, buffers),
            false => self.attend_by_rows(attention, cache, buffers),
        }
    }

    /// The queries of some rows that look at one head's keys.
    fn queries<'b>(&self, queries: &'b [f32], head: usize, rows: Range<usize>) -> Queries<'b> {
        let config = self.config();
        let (stride, heads) = (config.query_width(), config.heads / config.heads_kv);
        Queries {
            values: &queries[rows.start * stride + head * heads * config.head..],
            stride,
            tokens: rows.len(),
            heads,
            first_position: self.start + rows.start,
        }
    }

    /// Each head with some rows is one piece of work.
    fn attend_by_rows(&self, attention: Attention, cache: &LayerCache, buffers: &mut Buffers) {
        struct Piece<'a> {
            head: usize,
            rows: Range<usize>,
            out: ColumnsMut<'a>,
        }
        let config = self.config();
        let width = config.heads / config.heads_kv * config.head;
        let mut pieces = Vec::new();
        let step = ATTENTION_ROWS * config.query_width();
        for (index, out) in buffers.context.chunks_mut(step).enumerate() {
            let first = index * ATTENTION_ROWS;
            let rows = first..(first + ATTENTION_ROWS).min(self.rows);
            let mut rest = ColumnsMut::new(out, config.query_width());
            for head in 0..config.heads_kv {
                let (out, after) = rest.split_at(width);
                rest = after;
                let rows = rows.clone();
                pieces.push(Piece { head, rows, out });
            }
        }
        let queries = &buffers.queries[..];
        self.share(pieces, &mut buffers.lanes, |piece, scratch| {
            let Piece { head, rows, out } = piece;
            let queries = self.queries(queries, head, rows);
            attend(self.isa, attention, cache.head(head), queries, out, scratch);
        });
    }

    /// Few rows that see much: each head with a span of positions is one piece of work.
    fn attend_by_spans(
        &self,
        attention: Attention,
        cache: &LayerCache,
        spans: Range<usize>,
        buffers: &mut Buffers,
    ) {
        struct Piece<'a> {
            head: usize,
            span: usize,
            partials: &'a mut [f32],
        }
        let config = self.config();
        let group = config.heads / config.heads_kv;
        let queries = self.rows * group;
        let partial = queries * (config.head + PARTIAL_EXTRA);
        buffers
            .partials
            .resize(config.heads_kv * spans.len() * partial);
        let chunks = buffers.partials.chunks_exact_mut(partial).enumerate();
        let pieces = chunks.map(|(index, partials)| Piece {
            head: index / spans.len(),
            span: spans.start + index % spans.len(),
            partials,
        });
        let (pieces, rows) = (pieces.collect(), &buffers.queries[..]);
        self.share(pieces, &mut buffers.lanes, |piece, scratch| {
            let Piece {
                head,
                span,
                partials,
            } = piece;
            let queries = self.queries(rows, head, 0..self.rows);
            let (cache, spans) = (cache.head(head), span..span + 1);
            attend_spans(
                self.isa, attention, cache, queries, spans, partials, scratch,
            );
        });
        // The queries are not needed any more; their room takes each head's rows.
        let merged = &mut buffers.queries[..queries * config.head];
        let of_heads = buffers.partials.chunks_exact(spans.len() * partial);
        for (head, partials) in of_heads.enumerate() {
            merge_spans(cache.layout(), queries, partials, merged);
            let width = group * config.head;
            let rows = merged.chunks_exact(width);
            let outs = buffers.context.chunks_exact_mut(config.query_width());
            for (row, out) in rows.zip(outs) {
                out[head * width..][..width].copy_from_slice(row);
            }
        }
    }

    /// Shares pieces of about equal work among the threads, each of which takes every so many.
    fn share<P: Send>(
        &self,
        pieces: Vec<P>,
        lanes: &mut [Lane],
        work: impl Fn(P, &mut CacheScratch) + Sync,
    ) {
        let mut parts: Vec<(Vec<P>, &mut CacheScratch)> = lanes
            .iter_mut()
            .map(|lane| (Vec::new(), &mut lane.attention))
            .collect();
        let threads = parts.len();
        for (index, piece) in pieces.into_iter().enumerate() {
            parts[index % threads].0.push(piece);
        }
        each(&mut parts, &|(pieces, scratch)| {
            for piece in pieces.drain(..) {
                work(piece, scratch);
            }
        });
    }

    /// Adds what attention says to each row.
    fn attention_output(&self, layer: &Layer, buffers: &mut Buffers) {
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
            self.products(
                &mut [(&layer.attention_output, &mut *update)],
                inputs,
                tools,
            );
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
    fn dense(&self, layer: &Layer, block: &Block, buffers: &mut Buffers) {
        self.over_rows(buffers, |stretch| {
            let lane = &mut *stretch.lane;
            let values = self.normed(&layer.feed_forward_norm, stretch.hidden, &mut lane.normed);
            self.prepare(values, &[&block.gate, &block.up], &mut lane.inputs);
            self.block(block, lane);
            let norm = &layer.post_feed_forward_norm;
            let update = self.normed(norm, &lane.update, &mut lane.normed);
            self.add(update, stretch.hidden);
        });
    }

    /// What a feed-forward block makes of `lane.inputs`, in `lane.update`.
    pub(super) fn block(&self, block: &Block, lane: &mut Lane) {
        let config = self.config();
        let rows = lane.inputs.rows();
        lane.gate.resize(rows * config.feed_forward);
        lane.up.resize(rows * config.feed_forward);
        let mut products = [(&block.gate, &mut *lane.gate), (&block.up, &mut *lane.up)];
        self.products(&mut products, &lane.inputs, &mut lane.tools);
        apply_gate(self.isa, config.gate, &mut lane.gate, &lane.up);
        self.prepare(&lane.gate, &[&block.down], &mut lane.inputs);
        lane.update.resize(rows * config.embedding);
        let mut products = [(&block.down, &mut *lane.update)];
        self.products(&mut products, &lane.inputs, &mut lane.tools);
    }

    /// Logits of the wanted rows.
    fn logits(&self, buffers: &mut Buffers, wanted: Wanted) {
        let (width, vocabulary) = (self.config().embedding, self.network.vocabulary());
        let first = match wanted {
            Wanted::Nothing => self.rows,
            Wanted::Last => self.rows - 1,
            Wanted::All => 0,
        };
        buffers.logits.resize((self.rows - first) * vocabulary, 0.0);
        let lane = &mut buffers.lanes[0];
        let rows = buffers.hidden[first * width..].chunks(FEW_ROWS * width);
        let outs = buffers.logits.chunks_mut(FEW_ROWS * vocabulary);
        for (hidden, out) in rows.zip(outs) {
            lane.normed.resize(hidden.len());
            let gain = &self.network.output_norm;
            rms_norm(
                self.isa,
                hidden,
                gain,
                self.config().epsilon,
                &mut lane.normed,
            );
            self.prepare(&lane.normed, &[&self.network.output], &mut lane.inputs);
            let mut products = [(&self.network.output, out)];
            self.products_by(self.threads, &mut products, &lane.inputs, &mut lane.tools);
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
    }

    /// Computes products of the same rows, whose columns the threads share if there are few rows.
    pub(super) fn products(
        &self,
        products: &mut [Product<'_>],
        inputs: &Prepared,
        tools: &mut Tools,
    ) {
        let threads = if self.few() { self.threads } else { 1 };
        self.products_by(threads, products, inputs, tools);
    }

    /// Computes products, cut by columns into as many parts as there are `threads`.
    fn products_by(
        &self,
        threads: usize,
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
                let weights = self.store.weights(&linear.matrix);
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
            let quant = self.store.weights(&linear.matrix).shape().quant();
            inputs.add(self.isa, quant, values, linear.matrix.inputs);
            for adapter in self.adapters {
                adapter.prepare(self.isa, &linear.matrix, values, inputs);
            }
        }
    }
}
