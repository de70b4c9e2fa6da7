//! The forward pass of one pack: sequences back to back, without padding, through all layers.
//!
//! A layer runs in two phases, so that the weights of one phase stay in the second-level cache
//! while all tokens of the pack pass by: attention, a few sequences at a time, then the
//! feed-forward block, a few tokens at a time. No number of a token depends on how they are cut.

use docent_kernels::Isa;
use docent_kernels::activation::Activation;
use docent_kernels::aligned::Aligned;
use docent_kernels::attention::{Heads, attend};
use docent_kernels::matmul;
use docent_kernels::norm::add_layer_norm;
use docent_kernels::quantise::QuantisedRows;

use super::config::EncoderConfig;
use super::weights::{Layer, Linear, Weights};

/// Sequences are projected together until they have this many tokens.
const ATTENTION_TOKENS: usize = 256;
/// Tokens whose feed-forward block is worked on at a time.
const FEED_FORWARD_TOKENS: usize = 48;

/// Buffers that a thread works in, kept from pack to pack.
#[derive(Default)]
pub(super) struct Scratch {
    /// The tokens' vectors, a row each.
    hidden: Aligned<f32>,
    /// Queries, keys and values.
    projected: Aligned<f32>,
    /// What attention makes of them.
    context: Aligned<f32>,
    /// What is to be added to `hidden`.
    update: Aligned<f32>,
    /// Inside a feed-forward block.
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
}

impl Model<'_> {
    /// The last layer's vectors of every token of `pack`, a row each, in order. Each token is in
    /// the vocabulary and has a position.
    pub(super) fn run<'s>(self, pack: &[&[u32]], scratch: &'s mut Scratch) -> &'s [f32] {
        self.embed(pack, scratch);
        for layer in &self.weights.layers {
            self.attention(layer, pack, scratch);
            self.feed_forward(layer, scratch);
        }
        &scratch.hidden
    }

    /// Word, position and type of each token, normalised.
    fn embed(self, pack: &[&[u32]], scratch: &mut Scratch) {
        let width = self.config.hidden;
        let tokens: usize = pack.iter().map(|sequence| sequence.len()).sum();
        scratch.hidden.resize(tokens * width);
        scratch.update.resize(tokens * width);
        let mut rows = scratch.hidden.chunks_exact_mut(width);
        let mut updates = scratch.update.chunks_exact_mut(width);
        for sequence in pack {
            let positions = self.weights.positions.chunks_exact(width);
            let rows = rows.by_ref().zip(updates.by_ref());
            for ((token, position), (row, update)) in sequence.iter().zip(positions).zip(rows) {
                self.weights.words.copy_row(*token, row);
                for ((update, position), kind) in update
                    .iter_mut()
                    .zip(position)
                    .zip(&self.weights.token_type)
                {
                    *update = position + kind;
                }
            }
        }
        let norm = self.weights.norm.as_kernel();
        add_layer_norm(self.isa, &scratch.update, norm, &mut scratch.hidden);
    }

    /// Self-attention, its output layer, and the normalised sum.
    fn attention(self, layer: &Layer, pack: &[&[u32]], scratch: &mut Scratch) {
        let width = self.config.hidden;
        let heads = Heads {
            count: self.config.heads,
            width: width / self.config.heads,
        };
        let mut start = 0;
        for group in groups(pack, ATTENTION_TOKENS) {
            let tokens: usize = group.iter().map(|sequence| sequence.len()).sum();
            let hidden = &mut scratch.hidden[start * width..][..tokens * width];
            scratch.projected.resize(tokens * 3 * width);
            scratch.context.resize(tokens * width);
            scratch.update.resize(tokens * width);
            let quantised = &mut scratch.quantised;
            self.linear(
                &layer.projection,
                hidden,
                Activation::Identity,
                quantised,
                &mut scratch.projected,
            );
            let (mut projected, mut context) = (&scratch.projected[..], &mut scratch.context[..]);
            for sequence in group {
                let (of_sequence, others) = projected.split_at(sequence.len() * 3 * width);
                let (to, rest) = context.split_at_mut(sequence.len() * width);
                attend(self.isa, of_sequence, heads, to, &mut scratch.attention);
                (projected, context) = (others, rest);
            }
            self.linear(
                &layer.attention_output,
                &scratch.context,
                Activation::Identity,
                quantised,
                &mut scratch.update,
            );
            add_layer_norm(
                self.isa,
                &scratch.update,
                layer.attention_norm.as_kernel(),
                hidden,
            );
            start += tokens;
        }
    }

    /// Both products of the feed-forward block, and the normalised sum.
    fn feed_forward(self, layer: &Layer, scratch: &mut Scratch) {
        let (width, inner) = (self.config.hidden, self.config.intermediate);
        for hidden in scratch.hidden.chunks_mut(FEED_FORWARD_TOKENS * width) {
            let tokens = hidden.len() / width;
            scratch.inner.resize(tokens * inner);
            scratch.update.resize(tokens * width);
            let quantised = &mut scratch.quantised;
            self.linear(
                &layer.up,
                hidden,
                self.config.activation,
                quantised,
                &mut scratch.inner,
            );
            self.linear(
                &layer.down,
                &scratch.inner,
                Activation::Identity,
                quantised,
                &mut scratch.update,
            );
            add_layer_norm(
                self.isa,
                &scratch.update,
                layer.output_norm.as_kernel(),
                hidden,
            );
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
    mut pack: &'a [&'s [u32]],
    tokens: usize,
) -> impl Iterator<Item = &'a [&'s [u32]]> {
    std::iter::from_fn(move || {
        let len = run_len(pack, tokens)?;
        let (group, rest) = pack.split_at(len);
        pack = rest;
        Some(group)
    })
}

/// How many sequences from the first on fit into `tokens` tokens: at least one, unless there are
/// none.
fn run_len(sequences: &[&[u32]], tokens: usize) -> Option<usize> {
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
        let pack = [
            &long[..10],
            &long[..10],
            &long[..],
            &long[..0],
            &long[..5],
            &long[..16],
        ];
        let lens: Vec<Vec<usize>> = groups(&pack, 20)
            .map(|group| group.iter().map(|sequence| sequence.len()).collect())
            .collect();
        assert_eq!(lens, [vec![10, 10], vec![50], vec![0, 5], vec![16]]);
        assert_eq!(groups(&[], 20).count(), 0);
    }
}
