//! Mixtures of experts: each row passes the few feed-forward blocks that its router prefers, and
//! no block is computed for rows that do not.

use std::io;

use docent_kernels::aligned::Aligned;

use super::forward::{self, Lane, Pass};
use super::network::{Block, Layer, Linear};
use super::store::Held;
use super::team::each;

/// Room for rows on their way through experts.
#[derive(Default)]
pub(super) struct Buffers {
    /// Rows after their norm.
    normed: Aligned<f32>,
    router: Aligned<f32>,
    choices: Vec<Choice>,
    /// What the chosen experts say, a row for each choice, those of one expert side by side.
    out: Aligned<f32>,
}

/// An expert that a row is to pass.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Choice {
    expert: usize,
    weight: f32,
    /// Its row of [`Buffers::out`].
    place: usize,
}

/// An expert with the rows that chose it.
struct Visit<'a> {
    block: &'a Block,
    /// Numbers of the rows.
    rows: Vec<usize>,
    /// What the expert says to each.
    out: &'a mut [f32],
}

impl Pass<'_> {
    /// Adds what its experts say to each row. `weights` are those of the router.
    pub(super) fn mixture(
        &self,
        layer: &Layer,
        router: &Linear,
        weights: Held<'_>,
        blocks: &[Block],
        buffers: &mut forward::Buffers,
    ) -> io::Result<()> {
        let config = &self.network.config;
        let Some(experts) = config.experts else {
            return Ok(());
        };
        let width = config.embedding;
        let room = &mut buffers.experts;
        let lane = &mut buffers.lanes[0];
        // The router is small: one thread does.
        let rows = self.normed(&layer.feed_forward_norm, &buffers.hidden, &mut room.normed);
        self.prepare(rows, &[router], &mut lane.inputs);
        room.router.resize(self.rows * experts.count);
        let mut products = [(router, &mut *room.router)];
        self.products(&weights, &mut products, &lane.inputs, &mut lane.tools);
        // At most one unit is held at a time.
        drop(weights);
        room.choices.clear();
        for scores in room.router.chunks_exact(experts.count) {
            choose(scores, experts.used, &mut room.choices);
        }
        room.out.resize(self.rows * experts.used * width);
        let visits = self.visits(blocks, &mut room.choices, &mut room.out);
        match self.few() || self.store.streamed().is_some() {
            true => self.one_after_another(rows, visits, &mut buffers.lanes)?,
            false => self.side_by_side(rows, visits, &mut buffers.lanes)?,
        }
        let lane = &mut buffers.lanes[0];
        lane.update.resize(buffers.hidden.len());
        for (update, choices) in lane
            .update
            .chunks_exact_mut(width)
            .zip(room.choices.chunks_exact(experts.used))
        {
            update.fill(0.0);
            for choice in choices {
                let said = &room.out[choice.place * width..][..width];
                for (update, said) in update.iter_mut().zip(said) {
                    *update += choice.weight * said;
                }
            }
        }
        let norm = &layer.post_feed_forward_norm;
        let update = self.normed(norm, &lane.update, &mut lane.normed);
        self.add(update, &mut buffers.hidden);
        Ok(())
    }

    /// The experts that are chosen, each with its rows and a place for what it says.
    fn visits<'b>(
        &self,
        blocks: &'b [Block],
        choices: &mut [Choice],
        out: &'b mut [f32],
    ) -> Vec<Visit<'b>> {
        let width = self.network.config.embedding;
        let used = choices.len() / self.rows;
        let mut visitors: Vec<Vec<usize>> = vec![Vec::new(); blocks.len()];
        for (index, choice) in choices.iter().enumerate() {
            visitors[choice.expert].push(index);
        }
        let mut visits = Vec::new();
        let mut rest = out;
        let mut place = 0;
        for (block, visitors) in blocks.iter().zip(visitors) {
            for index in &visitors {
                choices[*index].place = place;
                place += 1;
            }
            let (out, after) = rest.split_at_mut(visitors.len() * width);
            rest = after;
            if !visitors.is_empty() {
                let rows = visitors.iter().map(|index| index / used).collect();
                visits.push(Visit { block, rows, out });
            }
        }
        visits
    }

    /// All threads work on one expert, which is all that has to be in memory: they share its
    /// columns, or its rows where there are many. Those that are in memory come first, and the
    /// others are read meanwhile.
    fn one_after_another(
        &self,
        rows: &[f32],
        mut visits: Vec<Visit<'_>>,
        lanes: &mut [Lane],
    ) -> io::Result<()> {
        if let Some(streamed) = self.store.streamed() {
            visits.sort_by_cached_key(|visit| !streamed.has(visit.block.unit));
            streamed.foresee(visits.iter().map(|visit| visit.block.unit));
        }
        let width = self.network.config.embedding;
        for visit in visits {
            let weights = self.store.hold(visit.block.unit)?;
            let step = match self.few() {
                true => visit.rows.len(),
                false => visit.rows.len().div_ceil(self.threads),
            };
            let chosen = visit.rows.chunks(step);
            let outs = visit.out.chunks_mut(step * width);
            let mut parts: Vec<_> = chosen.zip(outs).zip(&mut *lanes).collect();
            each(&mut parts, &|((chosen, out), lane)| {
                self.visit(visit.block, &weights, rows, chosen, out, lane);
            });
        }
        Ok(())
    }

    /// Each thread works on experts of its own, with all rows that chose them.
    fn side_by_side(
        &self,
        rows: &[f32],
        mut visits: Vec<Visit<'_>>,
        lanes: &mut [Lane],
    ) -> io::Result<()> {
        struct Share<'a> {
            load: usize,
            lane: &'a mut Lane,
            visits: Vec<(Visit<'a>, Held<'a>)>,
        }
        // The longest first, and each to the thread that has the least to do.
        visits.sort_by_key(|visit| std::cmp::Reverse(visit.rows.len()));
        let shares = lanes.iter_mut().map(|lane| Share {
            load: 0,
            lane,
            visits: Vec::new(),
        });
        let mut shares: Vec<Share<'_>> = shares.collect();
        for visit in visits {
            if let Some(share) = shares.iter_mut().min_by_key(|share| share.load) {
                share.load += visit.rows.len();
                let weights = self.store.hold(visit.block.unit)?;
                share.visits.push((visit, weights));
            }
        }
        each(&mut shares, &|Share { lane, visits, .. }| {
            for (visit, weights) in visits {
                self.visit(visit.block, weights, rows, &visit.rows, visit.out, lane);
            }
        });
        Ok(())
    }

    /// What an expert says to the chosen rows, in `out`.
    fn visit(
        &self,
        block: &Block,
        weights: &Held<'_>,
        rows: &[f32],
        chosen: &[usize],
        out: &mut [f32],
        lane: &mut Lane,
    ) {
        let width = self.network.config.embedding;
        lane.normed.resize(chosen.len() * width);
        for (to, row) in lane.normed.chunks_exact_mut(width).zip(chosen) {
            to.copy_from_slice(&rows[row * width..][..width]);
        }
        self.prepare(&lane.normed, &[&block.gate, &block.up], &mut lane.inputs);
        self.gated(block, weights, lane);
        self.down(block, weights, lane);
        out.copy_from_slice(&lane.update);
    }
}

/// Appends the `used` experts with the greatest scores, weighted by a softmax over those scores:
/// the same as one over all, divided by the sum of the chosen.
fn choose(scores: &[f32], used: usize, choices: &mut Vec<Choice>) {
    let first = choices.len();
    for _ in 0..used {
        let taken = &choices[first..];
        let best = scores
            .iter()
            .enumerate()
            .filter(|(expert, _)| taken.iter().all(|choice| choice.expert != *expert))
            .max_by(|(i, a), (j, b)| a.total_cmp(b).then(j.cmp(i)));
        let Some((expert, &score)) = best else { break };
        choices.push(Choice {
            expert,
            weight: score,
            place: 0,
        });
    }
    let chosen = &mut choices[first..];
    let greatest = chosen.first().map_or(0.0, |choice| choice.weight);
    let mut sum = 0.0;
    for choice in &mut *chosen {
        choice.weight = (choice.weight - greatest).exp();
        sum += choice.weight;
    }
    for choice in chosen {
        choice.weight /= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_experts_are_chosen_and_weighted() {
        let mut choices = Vec::new();
        choose(&[0.0, 2.0, 1.0, 2.0], 3, &mut choices);
        let experts: Vec<usize> = choices.iter().map(|choice| choice.expert).collect();
        assert_eq!(experts, [1, 3, 2]);
        let sum: f32 = choices.iter().map(|choice| choice.weight).sum();
        assert!((sum - 1.0).abs() < 1e-6);
        let ratio = choices[0].weight / choices[2].weight;
        assert!((ratio - 1f32.exp()).abs() < 1e-4);
    }
}
