//! The forward pass of one pack: sequences back to back, without padding, through all layers.
//!
//! A layer runs in two phases, so that the weights of one phase stay in the second-level cache
//! while all tokens of the pack pass by: attention, a few sequences at a time, then the
//! feed-forward block, a few tokens at a time. No number of a token depends on how they are cut.
//! Between two such stretches the pass asks whether to go on, and whoever is asked may do
//! something more urgent first.

use std::ops::ControlFlow;

use docent_kernels::Isa;
use docent_kernels::activation::{Activation, gate};
use docent_kernels::aligned::Aligned;
use docent_kernels::attention::{Heads, attend};
use docent_kernels::matmul;
use docent_kernels::norm::{add_layer_norm, layer_norm};
use docent_kernels::quantise::QuantisedRows;
use docent_kernels::rotary::rotate;

use super::config::{EncoderConfig, Norms};
use super::weights::{Layer, Linear, Norm, Weights};

/// Sequences are projected together until they have this many tokens.
const ATTENTION_TOKENS: usize = 256;
/// Tokens whose feed-forward block is worked on at a time.
const FEED_FORWARD_TOKENS: usize = 48;

/// The tokens of one sequence, special ones included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sequence<'a> {
    pub(crate) tokens: &'a [u32],
    /// Tokens from this one on are of the second type: the second text of a pair.
    pub(crate) second: usize,
}

impl<'a> Sequence<'a> {
    /// A sequence of the first type only.
    pub(crate) fn single(tokens: &'a [u32]) -> Self {
        Sequence {
            tokens,
            second: tokens.len(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }
}

/// Which of a sequence's rows the last layer is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Every token's.
    All,
    /// The first token's, which saves most of the last layer. An empty sequence has none.
    First,
}

/// Buffers that a thread works in, kept from pack to pack.
#[derive(Default)]
pub(super) struct Scratch {
    /// The tokens' vectors, a row each.
    hidden: Aligned<f32>,
    /// What is normalised before a block.
    normed: Aligned<f32>,
    /// Queries, keys and values.
    projected: Aligned<f32>,
    /// What attention makes of them.
    context: Aligned<f32>,
    /// What is to be added to `hidden`.
    update: Aligned<f32>,
    /// Inside a feed-forward block: what is to be gated, and what goes on.
    gated: Aligned<f32>,
    inner: Aligned<f32>,
    quantised: QuantisedRows,
    attention: Aligned<f32>,
}

/// An encoder's weights and shape, and the instruction set to run on.
#[derive(Clone, Copy)]
pub(super) struct Model<'a> {
    pub(super) config: &'a EncoderConfig,
    pub(super) weights: &'a Weights,
    pub(super) isa: Isa,
    /// Asked between two stretches of work, a few milliseconds apart.
    pub(super) pause: &'a dyn Fn() -> ControlFlow<()>,
}

impl Model<'_> {
    /// The last layer's vectors of the wanted tokens of `pack`, a row each, in order; nothing if
    /// the pass was not to go on. Each token is in the vocabulary and has a position.
    pub(super) fn run<'s>(
        self,
        pack: &[Sequence<'_>],
        wanted: Wanted,
        scratch: &'s mut Scratch,
    ) -> ControlFlow<(), &'s [f32]> {
        self.embed(pack, scratch);
        let last = self.weights.layers.len() - 1;
        for (index, layer) in self.weights.layers.iter().enumerate() {
            let wanted = match index == last {
                true => wanted,
                false => Wanted::All,
            };
            self.attention(index, pack, wanted, scratch)?;
            self.feed_forward(layer, scratch)?;
        }
        if let Some(norm) = &self.weights.final_norm {
            layer_norm(self.isa, norm.as_kernel(), &mut scratch.hidden);
        }
        ControlFlow::Continue(&scratch.hidden)
    }

    /// Word, position and type of each token, normalised.
    fn embed(self, pack: &[Sequence<'_>], scratch: &mut Scratch) {
        let width = self.config.hidden;
        let tokens: usize = pack.iter().map(Sequence::len).sum();
        scratch.hidden.resize(tokens * width);
        scratch.update.resize(tokens * width);
        let mut rows = scratch.hidden.chunks_exact_mut(width);
        let mut updates = scratch.update.chunks_exact_mut(width);
        for sequence in pack {
            let rows = rows.by_ref().zip(updates.by_ref());
            for ((at, token), (row, update)) in sequence.tokens.iter().enumerate().zip(rows) {
                self.weights.words.copy_row(*token, row);
                self.place(at, at >= sequence.second, update);
            }
        }
        let norm = self.weights.embedding_norm.as_kernel();
        add_layer_norm(self.isa, &scratch.update, norm, &mut scratch.hidden);
    }

    /// Writes what a token's place and type add to its word.
    fn place(self, position: usize, is_second: bool, to: &mut [f32]) {
        let width = to.len();
        match self.weights.positions.get(position * width..) {
            Some(rows) if rows.len() >= width => to.copy_from_slice(&rows[..width]),
            _ => to.fill(0.0),
        }
        // Models that know one type take it for both texts of a pair.
        let types = self.config.token_types;
        let kind = usize::from(is_second).min(types.saturating_sub(1));
        for (sum, x) in to
            .iter_mut()
            .zip(self.weights.token_types.iter().skip(kind * width))
        {
            *sum += x;
        }
    }

    /// Self-attention, its output layer, and the sum with what went in. Where only first tokens
    /// are wanted, theirs are the rows that are left.
    fn attention(
        self,
        index: usize,
        pack: &[Sequence<'_>],
        wanted: Wanted,
        scratch: &mut Scratch,
    ) -> ControlFlow<()> {
        let layer = &self.weights.layers[index];
        let width = self.config.hidden;
        let (mut start, mut kept) = (0, 0);
        for group in groups(pack, ATTENTION_TOKENS) {
            (self.pause)()?;
            let tokens: usize = group.iter().map(Sequence::len).sum();
            let rows = self.attend(index, group, start * width, wanted, scratch);
            let update = &mut scratch.update;
            update.resize(rows * width);
            self.linear(
                &layer.attention_output,
                &scratch.context,
                Activation::Identity,
                &mut scratch.quantised,
                update,
            );
            if wanted == Wanted::First {
                let mut from = start;
                for (row, sequence) in group.iter().filter(|s| s.len() > 0).enumerate() {
                    let first = from * width..(from + 1) * width;
                    scratch.hidden.copy_within(first, (kept + row) * width);
                    from += sequence.len();
                }
            }
            let at = match wanted {
                Wanted::All => start,
                Wanted::First => kept,
            };
            let hidden = &mut scratch.hidden[at * width..][..rows * width];
            self.add(update, layer.attention_norm.as_ref(), hidden);
            start += tokens;
            kept += rows;
        }
        if wanted == Wanted::First {
            scratch.hidden.resize(kept * width);
        }
        ControlFlow::Continue(())
    }

    /// Writes the context of the wanted tokens of a group, whose rows begin at `start`; returns
    /// how many they are.
    fn attend(
        self,
        index: usize,
        group: &[Sequence<'_>],
        start: usize,
        wanted: Wanted,
        scratch: &mut Scratch,
    ) -> usize {
        let layer = &self.weights.layers[index];
        let width = self.config.hidden;
        let heads = Heads {
            count: self.config.heads,
            width: width / self.config.heads,
        };
        let (reach, rotary) = match self.config.local {
            Some(local) if self.config.is_local(index) => (local.reach, &self.weights.local_rotary),
            _ => (usize::MAX, &self.weights.rotary),
        };
        let tokens: usize = group.iter().map(Sequence::len).sum();
        let queries = |sequence: &Sequence<'_>| match wanted {
            Wanted::All => sequence.len(),
            Wanted::First => sequence.len().min(1),
        };
        let rows: usize = group.iter().map(queries).sum();
        scratch.projected.resize(tokens * 3 * width);
        scratch.context.resize(rows * width);
        let hidden = &scratch.hidden[start..][..tokens * width];
        let input = self.before(layer.attention_norm.as_ref(), hidden, &mut scratch.normed);
        self.linear(
            &layer.projection,
            input,
            Activation::Identity,
            &mut scratch.quantised,
            &mut scratch.projected,
        );
        let (mut projected, mut context) = (&mut scratch.projected[..], &mut scratch.context[..]);
        for sequence in group {
            let (of_sequence, others) = projected.split_at_mut(sequence.len() * 3 * width);
            let (to, rest) = context.split_at_mut(queries(sequence) * width);
            if let Some(rotary) = rotary {
                rotate(self.isa, of_sequence, heads, rotary);
            }
            attend(
                self.isa,
                of_sequence,
                heads,
                reach,
                to,
                &mut scratch.attention,
            );
            (projected, context) = (others, rest);
        }
        rows
    }

    /// Both products of the feed-forward block, and the sum with what went in.
    fn feed_forward(self, layer: &Layer, scratch: &mut Scratch) -> ControlFlow<()> {
        let (width, inner) = (self.config.hidden, self.config.intermediate);
        for hidden in scratch.hidden.chunks_mut(FEED_FORWARD_TOKENS * width) {
            (self.pause)()?;
            let tokens = hidden.len() / width;
            scratch.inner.resize(tokens * inner);
            scratch.update.resize(tokens * width);
            let quantised = &mut scratch.quantised;
            let input = self.before(Some(&layer.output_norm), hidden, &mut scratch.normed);
            let activation = self.config.activation;
            if self.config.gated {
                let both = &mut scratch.gated;
                both.resize(2 * tokens * inner);
                self.linear(&layer.up, input, Activation::Identity, quantised, both);
                gate(self.isa, both, inner, activation, &mut scratch.inner);
            } else {
                self.linear(&layer.up, input, activation, quantised, &mut scratch.inner);
            }
            self.linear(
                &layer.down,
                &scratch.inner,
                Activation::Identity,
                quantised,
                &mut scratch.update,
            );
            self.add(&scratch.update, Some(&layer.output_norm), hidden);
        }
        ControlFlow::Continue(())
    }

    /// What a block takes in: the tokens' vectors, normalised where the model does so first.
    fn before<'b>(
        self,
        norm: Option<&Norm>,
        hidden: &'b [f32],
        normed: &'b mut Aligned<f32>,
    ) -> &'b [f32] {
        match (self.config.norms, norm) {
            (Norms::Before, Some(norm)) => {
                normed.resize(hidden.len());
                normed.copy_from_slice(hidden);
                layer_norm(self.isa, norm.as_kernel(), normed);
                normed
            }
            _ => hidden,
        }
    }

    /// Adds what a block gave, and normalises where the model does so afterwards.
    fn add(self, update: &[f32], norm: Option<&Norm>, hidden: &mut [f32]) {
        match (self.config.norms, norm) {
            (Norms::After, Some(norm)) => {
                add_layer_norm(self.isa, update, norm.as_kernel(), hidden);
            }
            _ => {
                for (x, update) in hidden.iter_mut().zip(update) {
                    *x += update;
                }
            }
        }
    }

    /// A linear layer, on bytes or floats as its weights are.
    fn linear(
        self,
        linear: &Linear,
        rows: &[f32],
        activation: Activation,
        quantised: &mut QuantisedRows,
        out: &mut [f32],
    ) {
        match linear {
            Linear::F32(weights) => matmul::float(self.isa, rows, weights, activation, out),
            Linear::Int8(weights) => {
                quantised.quantise(self.isa, rows, weights.inputs());
                matmul::int8(self.isa, quantised, weights, activation, out);
            }
        }
    }
}

/// Cuts `pack` into runs of sequences that have about `tokens` tokens together, or of one longer
/// sequence.
fn groups<'a, 's>(
    mut pack: &'a [Sequence<'s>],
    tokens: usize,
) -> impl Iterator<Item = &'a [Sequence<'s>]> {
    std::iter::from_fn(move || {
        let len = run_len(pack, tokens)?;
        let (group, rest) = pack.split_at(len);
        pack = rest;
        Some(group)
    })
}

/// How many sequences from the first on fit into `tokens` tokens: at least one, unless there are
/// none.
fn run_len(sequences: &[Sequence<'_>], tokens: usize) -> Option<usize> {
    let mut sum = sequences.first()?.len();
    let more = sequences[1..].iter().take_while(|sequence| {
        sum += sequence.len();
        sum <= tokens
    });
    Some(1 + more.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_every_sequence_in_order() {
        let long = [0; 50];
        let pack = [10, 10, 50, 0, 5, 16].map(|len| Sequence::single(&long[..len]));
        let lens: Vec<Vec<usize>> = groups(&pack, 20)
            .map(|group| group.iter().map(Sequence::len).collect())
            .collect();
        assert_eq!(lens, [vec![10, 10], vec![50], vec![0, 5], vec![16]]);
        assert_eq!(groups(&[], 20).count(), 0);
    }
}
