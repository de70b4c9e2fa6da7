//! The decoder once more, in plain `f64` loops over whole sequences, for tests to compare with.

use docent_kernels::activation::Gate;
use docent_kernels::rope::Pairing;

use crate::gguf::Gguf;
use crate::source::Source;

use super::config::{Architecture, Config};
use super::network::{Block, FeedForward, HeadNorm, Layer, Linear, Network, Rotation};
use super::packed::{Plan, read_floats};

/// A network whose numbers are looked up when they are needed.
pub(super) struct Reference<'a> {
    gguf: &'a Gguf,
    source: &'a Source,
    plan: Plan,
    network: Network,
}

type Vectors = Vec<Vec<f64>>;

impl<'a> Reference<'a> {
    pub(super) fn load(gguf: &'a Gguf, source: &'a Source, context: usize) -> Reference<'a> {
        let name = gguf.text("general.architecture").unwrap();
        let architecture = Architecture::by_name(name).unwrap();
        let config = Config::from_gguf(gguf, architecture).unwrap();
        let mut plan = Plan::default();
        let network = Network::load(gguf, source, config, context, &mut plan).unwrap();
        Reference {
            gguf,
            source,
            plan,
            network,
        }
    }

    /// The logits after each of `tokens`.
    pub(super) fn logits(&self, tokens: &[u32]) -> Vectors {
        let config = &self.network.config;
        let entry = &self.gguf.tensors[&self.network.embedding.tensor];
        let mut hidden: Vectors = tokens
            .iter()
            .map(|&token| {
                let row = read_floats(self.source, self.gguf, entry, token as usize, 1).unwrap();
                let scale = f64::from(config.embedding_scale);
                row.iter().map(|x| f64::from(*x) * scale).collect()
            })
            .collect();
        for layer in &self.network.layers {
            let attended = self.attention(layer, &hidden);
            add(&mut hidden, attended, config, &layer.post_attention_norm);
            let fed: Vectors = hidden.iter().map(|x| self.feed_forward(layer, x)).collect();
            add(&mut hidden, fed, config, &layer.post_feed_forward_norm);
        }
        let last = |x: &Vec<f64>| {
            let normed = norm(x, &self.network.output_norm, config);
            let parts = self.network.output.iter();
            let logits = parts.flat_map(|part| self.linear(&part.linear, &normed));
            let scaled = logits.map(|x| x * f64::from(config.output_scale));
            scaled.map(|x| cap(x, config.output_cap)).collect()
        };
        hidden.iter().map(last).collect()
    }

    fn linear(&self, linear: &Linear, x: &[f64]) -> Vec<f64> {
        let weights = self.plan.floats(&linear.matrix, self.source).unwrap();
        let mut out: Vec<f64> = weights
            .chunks(x.len())
            .map(|row| row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum())
            .collect();
        for (out, bias) in out.iter_mut().zip(linear.bias.iter().flatten()) {
            *out += f64::from(*bias);
        }
        out
    }

    fn attention(&self, layer: &Layer, hidden: &Vectors) -> Vectors {
        let config = &self.network.config;
        let normed: Vectors = hidden
            .iter()
            .map(|x| match &layer.attention_norm {
                Some(gain) => norm(x, gain, config),
                None => x.clone(),
            })
            .collect();
        let heads = |linear: &Linear, gain: &Option<HeadNorm>, turn: bool| -> Vec<Vectors> {
            let rows = normed.iter().enumerate();
            rows.map(|(position, x)| {
                let mut row = self.linear(linear, x);
                if let Some(HeadNorm::Together(gain)) = gain {
                    row = norm(&row, gain, config);
                }
                let heads = row.chunks(config.head).map(|head| {
                    let mut head = match gain {
                        Some(HeadNorm::Each(gain)) => norm(head, gain, config),
                        _ => head.to_vec(),
                    };
                    if turn {
                        self.turn(&mut head, position, layer.rotation);
                    }
                    head
                });
                heads.collect()
            })
            .collect()
        };
        let queries = heads(&layer.query, &layer.query_norm, true);
        let keys = halves(heads(&layer.key, &layer.key_norm, true));
        let values = halves(heads(&layer.value, &None, false));
        let group = config.heads / config.heads_kv;
        (0..hidden.len())
            .map(|at| {
                let first = layer.window.map_or(0, |w| (at + 1).saturating_sub(w));
                let context: Vec<f64> = (0..config.heads)
                    .flat_map(|head| {
                        let seen = first..=at;
                        let scores = seen.clone().map(|p| {
                            let score = dot(&queries[at][head], &keys[p][head / group]);
                            cap(
                                score * f64::from(config.attention_scale),
                                config.attention_cap,
                            )
                        });
                        let shares = softmax(scores.collect());
                        let mut mean = vec![0.0; config.head];
                        for (p, share) in seen.zip(shares) {
                            for (mean, x) in mean.iter_mut().zip(&values[p][head / group]) {
                                *mean += share * x;
                            }
                        }
                        mean
                    })
                    .collect();
                self.linear(&layer.attention_output, &context)
            })
            .collect()
    }

    fn turn(&self, head: &mut [f64], position: usize, rotation: Rotation) {
        let frequencies = match rotation {
            Rotation::None => return,
            Rotation::Full => &self.network.frequencies,
            Rotation::Sliding => &self.network.sliding_frequencies,
        };
        let (mut cosines, mut sines) = (Vec::new(), Vec::new());
        frequencies.turns(position, &mut cosines, &mut sines);
        for (pair, (cosine, sine)) in cosines.iter().zip(&sines).enumerate() {
            let (a, b) = match self.network.config.pairing {
                Pairing::Neighbours => (2 * pair, 2 * pair + 1),
                Pairing::Halves => (pair, pair + cosines.len()),
            };
            let (x, y) = (head[a], head[b]);
            let (cosine, sine) = (f64::from(*cosine), f64::from(*sine));
            head[a] = x * cosine - y * sine;
            head[b] = x * sine + y * cosine;
        }
    }

    fn feed_forward(&self, layer: &Layer, x: &[f64]) -> Vec<f64> {
        let config = &self.network.config;
        let x = match &layer.feed_forward_norm {
            Some(gain) => norm(x, gain, config),
            None => x.to_vec(),
        };
        match &layer.feed_forward {
            FeedForward::Dense { block, .. } => self.block(block, &x),
            FeedForward::Experts { router, blocks } => {
                let shares = softmax(self.linear(router, &x));
                let mut order: Vec<usize> = (0..blocks.len()).collect();
                order.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]));
                order.truncate(config.experts.unwrap().used);
                let total: f64 = order.iter().map(|&expert| shares[expert]).sum();
                let mut sum = vec![0.0; x.len()];
                for expert in order {
                    let out = self.block(&blocks[expert], &x);
                    for (sum, out) in sum.iter_mut().zip(out) {
                        *sum += out * shares[expert] / total;
                    }
                }
                sum
            }
        }
    }

    fn block(&self, block: &Block, x: &[f64]) -> Vec<f64> {
        let gate = self.linear(&block.gate, x).into_iter();
        let up = self.linear(&block.up, x);
        let inner: Vec<f64> = gate
            .zip(up)
            .map(|(gate, up)| gated(self.network.config.gate, gate) * up)
            .collect();
        self.linear(&block.down, &inner)
    }
}

/// Keys or values as the cache holds them.
fn halves(mut rows: Vec<Vectors>) -> Vec<Vectors> {
    for x in rows.iter_mut().flatten().flatten() {
        *x = half::f16::from_f64(*x).to_f64();
    }
    rows
}

fn gated(gate: Gate, x: f64) -> f64 {
    match gate {
        Gate::Silu => x / (1.0 + (-x).exp()),
        Gate::Gelu | Gate::GeluTanh => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        }
    }
}

fn add(hidden: &mut Vectors, update: Vectors, config: &Config, post: &Option<Vec<f32>>) {
    for (x, update) in hidden.iter_mut().zip(update) {
        let update = match post {
            Some(gain) => norm(&update, gain, config),
            None => update,
        };
        for (x, update) in x.iter_mut().zip(update) {
            *x += update * f64::from(config.residual_scale);
        }
    }
}

fn norm(x: &[f64], gain: &[f32], config: &Config) -> Vec<f64> {
    let square = dot(x, x) / x.len() as f64;
    let factor = 1.0 / (square + f64::from(config.epsilon)).sqrt();
    x.iter()
        .zip(gain)
        .map(|(x, gain)| x * factor * f64::from(*gain))
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn cap(x: f64, cap: Option<f32>) -> f64 {
    cap.map_or(x, |cap| f64::from(cap) * (x / f64::from(cap)).tanh())
}

fn softmax(mut scores: Vec<f64>) -> Vec<f64> {
    let greatest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    scores
        .iter_mut()
        .for_each(|score| *score = (*score - greatest).exp());
    let sum: f64 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= sum);
    scores
}
