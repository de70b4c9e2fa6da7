//! Attention of some tokens' queries over the cache of one key-value head.

use std::ops::Range;

use super::{CacheLayout, HeadCache, POSITIONS};
use crate::aligned::Aligned;
use crate::packed::ColumnsMut;
use crate::{Isa, dispatch};

/// Positions that are summed by themselves.
pub const SPAN: usize = 1024;
/// Numbers of a partial result besides the sum of values: the greatest score, and the sum of
/// weights.
pub const PARTIAL_EXTRA: usize = 2;
/// Queries that pass over the cache together at most.
pub(crate) const MOST_QUERIES: usize = 256;

/// What attention does besides multiplying.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// Factor of each score, mostly `1 / √width`.
    pub scale: f32,
    /// `c` in `c · tanh(score / c)`, applied to scaled scores, where the model has one.
    pub soft_cap: Option<f32>,
    /// Positions that a query sees, its own included; all before it where there is none.
    pub window: Option<usize>,
}

/// The queries of consecutive tokens: of each token, those of the heads that share one key-value
/// head.
#[derive(Clone, Copy)]
pub struct Queries<'a> {
    /// Starts with the first token's queries.
    pub values: &'a [f32],
    /// From one token's queries to the next one's.
    pub stride: usize,
    /// The number of tokens.
    pub tokens: usize,
    /// Query heads of a token, side by side.
    pub heads: usize,
    /// The position of the first token. A query sees the cache up to its own position.
    pub first_position: usize,
}

/// Room that one thread works in, kept between calls.
#[derive(Default)]
pub struct CacheScratch {
    floats: Aligned<f32>,
}

impl CacheScratch {
    /// No room yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// Writes, for each query, the mean of the cached values weighted by the softmax of the scores.
/// `out` has a row for each token and a column for each number of its heads.
///
/// Keys and values of every position up to the last query's own, or of the window, must have been
/// stored. The result for a query has the same bits whatever other queries come with it.
///
/// # Panics
/// When the sizes do not agree, or the positions seen are more than the capacity.
pub fn attend(
    isa: Isa,
    attention: Attention,
    cache: HeadCache<'_>,
    queries: Queries<'_>,
    mut out: ColumnsMut<'_>,
    scratch: &mut CacheScratch,
) {
    check(attention, cache, queries);
    let layout = cache.layout;
    let width = layout.width();
    assert_eq!(
        (out.rows(), out.columns()),
        (queries.tokens, queries.heads * width),
        "room for each query's result"
    );
    let per_pass = (MOST_QUERIES / queries.heads.max(1)).max(1);
    for first in (0..queries.tokens).step_by(per_pass) {
        let part = queries.part(first, per_pass.min(queries.tokens - first));
        let seen = part.seen(attention);
        let rows = part.tokens * part.heads;
        let mut room = Room::take(layout, rows, &mut scratch.floats);
        room.total.clear();
        for span in seen.start / SPAN..seen.end.div_ceil(SPAN) {
            run_span(isa, attention, cache, part, span, &mut room);
            for row in 0..rows {
                let partial = room.span.row(row);
                room.total.merge(row, partial);
            }
        }
        for row in 0..rows {
            let (token, head) = (row / part.heads, row % part.heads);
            let to = &mut out.row_mut(first + token, head * width)[..width];
            room.total.finish(row, to);
        }
    }
}

/// Writes partial results of the positions in `spans`, each [`SPAN`] long, for [`merge_spans`]:
/// so that threads share a long context. `partials` has, for each span and then each query,
/// `width + PARTIAL_EXTRA` numbers.
///
/// # Panics
/// When the sizes do not agree, the positions seen are more than the capacity, or there are more
/// than 256 queries.
pub fn attend_spans(
    isa: Isa,
    attention: Attention,
    cache: HeadCache<'_>,
    queries: Queries<'_>,
    spans: Range<usize>,
    partials: &mut [f32],
    scratch: &mut CacheScratch,
) {
    check(attention, cache, queries);
    let layout = cache.layout;
    let rows = queries.tokens * queries.heads;
    assert!(rows <= MOST_QUERIES, "at most 256 queries");
    let len = layout.width() + PARTIAL_EXTRA;
    assert_eq!(
        partials.len(),
        spans.len() * rows * len,
        "room for each span and query"
    );
    let mut room = Room::take(layout, rows, &mut scratch.floats);
    let mut partials = partials.chunks_exact_mut(len);
    for span in spans {
        run_span(isa, attention, cache, queries, span, &mut room);
        for (row, partial) in (0..rows).zip(&mut partials) {
            let (sums, extra) = partial.split_at_mut(layout.width());
            let found = room.span.row(row);
            sums.copy_from_slice(found.sums);
            extra.copy_from_slice(&[found.highest, found.weight]);
        }
    }
}

/// Merges what [`attend_spans`] wrote for all spans that the queries see, in order: the same bits
/// as [`attend`]. `out` has `width` numbers for each query.
///
/// # Panics
/// When the sizes do not agree.
pub fn merge_spans(layout: CacheLayout, queries: usize, partials: &[f32], out: &mut [f32]) {
    let width = layout.width();
    let len = width + PARTIAL_EXTRA;
    assert_eq!(out.len(), queries * width, "room for each query's result");
    assert!(
        queries > 0 && partials.len().is_multiple_of(queries * len),
        "whole spans"
    );
    for (row, out) in out.chunks_exact_mut(width).enumerate() {
        out.fill(0.0);
        let mut norm = [f32::NEG_INFINITY, 0.0];
        for span in partials.chunks_exact(queries * len) {
            let (sums, extra) = span[row * len..][..len].split_at(width);
            let partial = Partial {
                sums,
                highest: extra[0],
                weight: extra[1],
            };
            merge(out, &mut norm, partial);
        }
        divide(out, norm[1]);
    }
}

fn check(attention: Attention, cache: HeadCache<'_>, queries: Queries<'_>) {
    let layout = cache.layout;
    assert_eq!(cache.bytes.len(), layout.bytes(), "the cache of one head");
    let len = queries.heads * layout.width();
    let values = queries
        .tokens
        .checked_sub(1)
        .map_or(0, |last| last * queries.stride + len);
    assert!(queries.values.len() >= values, "a row for each token");
    let seen = queries.seen(attention);
    let blocks = seen.end.div_ceil(POSITIONS) - seen.start / POSITIONS;
    assert!(
        blocks * POSITIONS <= layout.capacity(),
        "positions that the cache holds"
    );
}

impl<'a> Queries<'a> {
    fn part(self, first: usize, tokens: usize) -> Queries<'a> {
        Queries {
            values: &self.values[first * self.stride..],
            tokens,
            first_position: self.first_position + first,
            ..self
        }
    }

    /// The positions that any of the queries sees.
    fn seen(self, attention: Attention) -> Range<usize> {
        let first = attention
            .window
            .map_or(0, |window| (self.first_position + 1).saturating_sub(window));
        first..self.first_position + self.tokens
    }
}

/// The state of some queries' attention: for each, the sum of values by their weights, the
/// greatest score, and the sum of weights.
pub(crate) struct State<'a> {
    pub(crate) width: usize,
    /// Floats from one query's sums to the next one's.
    pub(crate) stride: usize,
    pub(crate) sums: &'a mut [f32],
    pub(crate) highest: &'a mut [f32],
    pub(crate) weights: &'a mut [f32],
}

/// What some positions add to one query's result. Scores are to the base of 2.
#[derive(Clone, Copy)]
struct Partial<'a> {
    sums: &'a [f32],
    highest: f32,
    weight: f32,
}

impl State<'_> {
    fn clear(&mut self) {
        self.sums.fill(0.0);
        self.highest.fill(f32::NEG_INFINITY);
        self.weights.fill(0.0);
    }

    fn row(&self, row: usize) -> Partial<'_> {
        Partial {
            sums: &self.sums[row * self.stride..][..self.width],
            highest: self.highest[row],
            weight: self.weights[row],
        }
    }

    fn merge(&mut self, row: usize, partial: Partial<'_>) {
        let mut norm = [self.highest[row], self.weights[row]];
        let sums = &mut self.sums[row * self.stride..][..self.width];
        merge(sums, &mut norm, partial);
        [self.highest[row], self.weights[row]] = norm;
    }

    fn finish(&self, row: usize, out: &mut [f32]) {
        let found = self.row(row);
        out.copy_from_slice(found.sums);
        divide(out, found.weight);
    }
}

/// Adds a partial result to the sums and to their greatest score and weight.
fn merge(sums: &mut [f32], norm: &mut [f32; 2], partial: Partial<'_>) {
    let highest = norm[0].max(partial.highest);
    if highest == f32::NEG_INFINITY {
        return;
    }
    let (ours, theirs) = (
        (norm[0] - highest).exp2(),
        (partial.highest - highest).exp2(),
    );
    for (sum, other) in sums.iter_mut().zip(partial.sums) {
        *sum = *sum * ours + other * theirs;
    }
    *norm = [highest, norm[1] * ours + partial.weight * theirs];
}

fn divide(sums: &mut [f32], weight: f32) {
    let inverse = 1.0 / weight;
    for sum in sums {
        *sum *= inverse;
    }
}

/// The parts of the scratch.
struct Room<'a> {
    /// The queries, one after the other.
    queries: &'a mut [f32],
    /// A block's keys and then its values as floats, `block_stride` each.
    block: &'a mut [f32],
    block_stride: usize,
    span: State<'a>,
    total: State<'a>,
}

impl<'a> Room<'a> {
    fn take(layout: CacheLayout, rows: usize, floats: &'a mut Aligned<f32>) -> Room<'a> {
        let width = layout.width();
        let stride = width.next_multiple_of(POSITIONS);
        let padded = rows.next_multiple_of(16);
        // Vectors may read past a block's last value, but no further than one stride.
        let block = POSITIONS * width + stride;
        floats.resize(2 * block + padded * (width + 2 * stride + 4));
        let mut rest: &'a mut [f32] = floats;
        let mut take = |len: usize| {
            let (taken, others) = std::mem::take(&mut rest).split_at_mut(len);
            rest = others;
            taken
        };
        let mut state = || State {
            width,
            stride,
            sums: take(padded * stride),
            highest: take(padded),
            weights: take(padded),
        };
        let (span, total) = (state(), state());
        Room {
            span,
            total,
            block: take(2 * block),
            block_stride: block,
            queries: take(padded * width),
        }
    }
}

/// What a kernel is asked for: the queries' attention to some blocks of positions.
pub(crate) struct Blocks<'a, 'room> {
    pub(crate) cache: HeadCache<'a>,
    pub(crate) range: BlockRange,
    pub(crate) soft_cap: Option<f32>,
    /// Of all queries one after the other, scaled so that products are scores, to the base of 2
    /// where there is no soft cap.
    pub(crate) queries: &'a [f32],
    /// Room for a block's keys and then its values, `block_stride` floats each.
    pub(crate) block: &'a mut [f32],
    pub(crate) block_stride: usize,
    pub(crate) state: &'a mut State<'room>,
}

/// Which positions each query sees.
#[derive(Clone, Copy)]
pub(crate) struct BlockRange {
    /// The positions of the span.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// The position of the first token's queries, and how many queries a token has.
    pub(crate) position: usize,
    pub(crate) heads: usize,
    pub(crate) rows: usize,
    pub(crate) window: usize,
}

impl BlockRange {
    /// The places in the block that starts at `start` which a query sees.
    #[inline(always)]
    pub(crate) fn seen(&self, row: usize, start: usize) -> Range<usize> {
        let position = self.position + row / self.heads;
        let after = (position + 1).min(self.last);
        let first = (position + 1).saturating_sub(self.window).max(self.first);
        let place = |position: usize| position.saturating_sub(start).min(POSITIONS);
        place(first)..place(after)
    }
}

/// Fills the room's span with the queries' attention to the positions of one span.
fn run_span(
    isa: Isa,
    attention: Attention,
    cache: HeadCache<'_>,
    queries: Queries<'_>,
    span: usize,
    room: &mut Room<'_>,
) {
    let width = cache.layout.width();
    let factor = match attention.soft_cap {
        // The cap is applied to whole scores; the base is changed after it.
        Some(cap) => attention.scale / cap,
        None => attention.scale * std::f32::consts::LOG2_E,
    };
    let rows = queries.tokens * queries.heads;
    for (token, to) in room.queries[..rows * width]
        .chunks_exact_mut(queries.heads * width)
        .enumerate()
    {
        let from = &queries.values[token * queries.stride..];
        for (to, x) in to.iter_mut().zip(from) {
            *to = x * factor;
        }
    }
    room.span.clear();
    let seen = queries.seen(attention);
    let blocks = Blocks {
        cache,
        range: BlockRange {
            first: seen.start.max(span * SPAN),
            last: seen.end.min((span + 1) * SPAN),
            position: queries.first_position,
            heads: queries.heads,
            rows,
            window: attention.window.unwrap_or(usize::MAX),
        },
        soft_cap: attention.soft_cap,
        queries: room.queries,
        block: room.block,
        block_stride: room.block_stride,
        state: &mut room.span,
    };
    dispatch!(isa, attend_blocks(blocks));
}
