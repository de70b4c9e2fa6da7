//! Mixtures of experts: each row passes the few feed-forward blocks that its router prefers, and
//! no block is computed for rows that do not.

use docent_kernels::aligned::Aligned;

use super::forward::{self, Lane, Pass};
use super::network::{Block, Layer, Linear};
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

impl Pass<'_> {
    /// Adds what its experts say to each row.
    pub(super) fn mixture(
        &self,
        layer: &Layer,
        router: &Linear,
        blocks: &[Block],
        buffers: &mut forward::Buffers,
    ) {
        let config = &self.network.config;
        let Some(experts) = config.experts else {
            return;
        };
        let width = config.embedding;
        let room = &mut buffers.experts;
        let lane = &mut buffers.lanes[0];
        // The router is small: one thread does.
        let rows = self.normed(&layer.feed_forward_norm, &buffers.hidden, &mut room.normed);
        self.prepare(rows, &[router], &mut lane.inputs);
        room.router.resize(self.rows * experts.count);
        let mut products = [(router, &mut *room.router)];
        self.products(&mut products, &lane.inputs, &mut lane.tools);
        room.choices.clear();
        for scores in room.router.chunks_exact(experts.count) {
            choose(scores, experts.used, &mut room.choices);
        }
        room.out.resize(self.rows * experts.used * width);
        match self.few() {
            true => self.row_by_row(rows, blocks, &mut room.choices, &mut room.out, lane),
            false => {
                let choices = &mut room.choices;
                self.expert_by_expert(rows, blocks, choices, &mut room.out, &mut buffers.lanes);
            }
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
    }

    /// Few rows: one after the other, each expert's columns cut among the threads.
    fn row_by_row(
        &self,
        rows: &[f32],
        blocks: &[Block],
        choices: &mut [Choice],
        out: &mut [f32],
        lane: &mut Lane,
    ) {
        let width = self.network.config.embedding;
        let used = choices.len() / self.rows;
        let outs = out.chunks_exact_mut(width);
        for (place, (choice, out)) in choices.iter_mut().zip(outs).enumerate() {
            choice.place = place;
            let row = &rows[place / used * width..][..width];
            let block = &blocks[choice.expert];
            self.prepare(row, &[&block.gate, &block.up], &mut lane.inputs);
            self.block(block, lane);
            out.copy_from_slice(&lane.update);
        }
    }

    /// Many rows: each expert is one piece of work, with all rows that chose it.
    fn expert_by_expert(
        &self,
        rows: &[f32],
        blocks: &[Block],
        choices: &mut [Choice],
        out: &mut [f32],
        lanes: &mut [Lane],
    ) {
        struct Visit<'a> {
            block: &'a Block,
            rows: Vec<usize>,
            out: &'a mut [f32],
        }
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
        // The longest first, and each to the thread that has the least to do.
        visits.sort_by_key(|visit| std::cmp::Reverse(visit.rows.len()));
        let mut parts: Vec<(usize, &mut Lane, Vec<Visit<'_>>)> =
            lanes.iter_mut().map(|lane| (0, lane, Vec::new())).collect();
        for visit in visits {
            if let Some((load, _, visits)) = parts.iter_mut().min_by_key(|(load, ..)| *load) {
                *load += visit.rows.len();
                visits.push(visit);
            }
        }
        each(&mut parts, &|(_, lane, visits)| {
            for visit in visits {
                lane.normed.resize(visit.rows.len() * width);
                for (to, row) in lane.normed.chunks_exact_mut(width).zip(&visit.rows) {
                    to.copy_from_slice(&rows[row * width..][..width]);
                }
                let block = visit.block;
                self.prepare(&lane.normed, &[&block.gate, &block.up], &mut lane.inputs);
                self.block(block, lane);
                visit.out.copy_from_slice(&lane.update);
            }
        });
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
