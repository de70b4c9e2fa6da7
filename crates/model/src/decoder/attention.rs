//! Attention: each row's queries over the keys and values of all that it sees.

use std::ops::Range;

use docent_kernels::cache::{
    Attention, CacheScratch, PARTIAL_EXTRA, Queries, SPAN, attend, attend_spans, merge_spans,
};
use docent_kernels::packed::ColumnsMut;

use super::cache::LayerCache;
use super::forward::{Buffers, FEW_ROWS, Lane, Pass};
use super::network::Layer;
use super::team::each;

/// Rows whose attention is one piece of work.
const ATTENTION_ROWS: usize = 64;

impl Pass<'_> {
    /// Each row's queries over the keys and values that it sees.
    pub(super) fn attend(&self, layer: &Layer, cache: &LayerCache, buffers: &mut Buffers) {
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
}
