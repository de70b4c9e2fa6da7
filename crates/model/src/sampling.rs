//! Choosing the next token.

use std::collections::VecDeque;

use docent_core::model::Sampling;

/// The penalty on repetition looks back over so many of the model's own tokens. It leaves the
/// prompt out: an answer that quotes its sources has to repeat them.
const PENALTY_WINDOW: usize = 64;

/// Chooses the tokens of one answer.
pub(crate) struct Sampler {
    settings: Sampling,
    state: u64,
    recent: VecDeque<u32>,
}

impl Sampler {
    /// A sampler for one answer. The same seed on the same logits gives the same tokens.
    pub(crate) fn new(settings: &Sampling) -> Sampler {
        Sampler {
            settings: settings.clone(),
            state: settings.seed,
            recent: VecDeque::new(),
        }
    }

    /// The next token; `None` if the logits are no numbers. Changes the logits.
    pub(crate) fn choose(&mut self, logits: &mut [f32]) -> Option<u32> {
        self.penalise(logits);
        let temperature = self.settings.temperature;
        let token = if temperature > 0.0 && temperature.is_finite() {
            self.draw(logits)?
        } else {
            likeliest(logits)?
        };
        if self.recent.len() == PENALTY_WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back(token);
        Some(token)
    }

    /// Makes tokens that were just used less likely, each once however often it was used.
    fn penalise(&self, logits: &mut [f32]) {
        let penalty = self.settings.repetition_penalty;
        if penalty == 1.0 || penalty <= 0.0 || !penalty.is_finite() {
            return;
        }
        let mut seen: Vec<u32> = self.recent.iter().copied().collect();
        seen.sort_unstable();
        seen.dedup();
        for token in seen {
            if let Some(logit) = logits.get_mut(token as usize) {
                *logit = if *logit > 0.0 {
                    *logit / penalty
                } else {
                    *logit * penalty
                };
            }
        }
    }

    /// Draws from the tokens that `top_k`, `top_p` and `min_p` keep, in this order.
    fn draw(&mut self, logits: &[f32]) -> Option<u32> {
        let greatest = logits[likeliest(logits)? as usize];
        let weight = |logit: f32| ((logit - greatest) / self.settings.temperature).exp();
        let least = self.settings.min_p.clamp(0.0, 1.0);
        // The likeliest token weighs 1, so weights are shares of its probability.
        let mut weights: Vec<(u32, f32)> = (0u32..)
            .zip(logits)
            .map(|(token, &logit)| (token, weight(logit)))
            .filter(|(_, weight)| *weight > 0.0)
            .collect();
        let order = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if let 1.. = self.settings.top_k
            && self.settings.top_k < weights.len()
        {
            weights.select_nth_unstable_by(self.settings.top_k - 1, order);
            weights.truncate(self.settings.top_k);
        }
        weights.sort_unstable_by(order);
        let total: f32 = weights.iter().map(|(_, weight)| weight).sum();
        let share = self.settings.top_p.clamp(0.0, 1.0) * total;
        let mut reached = 0.0;
        let kept = weights.iter().position(|(_, weight)| {
            reached += weight;
            reached >= share
        });
        weights.truncate(kept.map_or(weights.len(), |last| last + 1));
        let likely = weights.iter().take_while(|(_, weight)| *weight >= least);
        weights.truncate(likely.count().max(1));
        let kept: f32 = weights.iter().map(|(_, weight)| weight).sum();
        let mut point = self.random() * kept;
        let drawn = weights.iter().find(|(_, weight)| {
            point -= weight;
            point < 0.0
        });
        // Rounding may leave the point just past the end.
        drawn.or(weights.last()).map(|(token, _)| *token)
    }

    /// A random number from 0 to below 1 (SplitMix64, <https://doi.org/10.1145/2714064.2660195>).
    fn random(&mut self) -> f32 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // The 24 bits that an f32 holds exactly.
        (mixed >> 40) as f32 / (1u32 << 24) as f32
    }
}

/// The token with the greatest logit, the first of equals; `None` unless it is a finite number.
fn likeliest(logits: &[f32]) -> Option<u32> {
    let mut best: Option<(u32, f32)> = None;
    for (token, &logit) in (0u32..).zip(logits) {
        if logit.is_nan() {
            return None;
        }
        if best.is_none_or(|(_, greatest)| logit > greatest) {
            best = Some((token, logit));
        }
    }
    best.filter(|(_, greatest)| greatest.is_finite())
        .map(|(token, _)| token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(temperature: f32, top_p: f32, repetition_penalty: f32, seed: u64) -> Sampling {
        Sampling {
            temperature,
            top_p,
            repetition_penalty,
            seed,
            ..Sampling::default()
        }
    }

    fn draws(settings: &Sampling, logits: &[f32], count: usize) -> Vec<u32> {
        let mut sampler = Sampler::new(settings);
        (0..count)
            .map(|_| sampler.choose(&mut logits.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn greedy_takes_the_likeliest_and_the_first_of_equals() {
        assert_eq!(
            draws(&settings(0.0, 1.0, 1.0, 1), &[1.0, 5.0, 5.0, -2.0], 3),
            [1, 1, 1]
        );
    }

    #[test]
    fn the_penalty_turns_away_from_what_was_just_said() {
        assert_eq!(
            draws(&settings(0.0, 1.0, 2.0, 0), &[3.0, 2.0, 1.0], 3),
            [0, 1, 0]
        );
        // Below zero a penalty makes the logit smaller still.
        assert_eq!(draws(&settings(0.0, 1.0, 2.0, 0), &[-1.0, -1.5], 2), [0, 1]);
    }

    #[test]
    fn draws_follow_the_probabilities_and_the_seed() {
        let logits = [0.0, 2.0f32.ln(), f32::NEG_INFINITY, 1.0f32.ln()];
        let drawn = draws(&settings(1.0, 1.0, 1.0, 7), &logits, 4000);
        let share = |token| drawn.iter().filter(|&&id| id == token).count() as f32 / 4000.0;
        assert!((share(1) - 0.5).abs() < 0.03, "{}", share(1));
        assert!((share(0) - 0.25).abs() < 0.03 && (share(3) - 0.25).abs() < 0.03);
        assert_eq!(share(2), 0.0);
        assert_eq!(drawn, draws(&settings(1.0, 1.0, 1.0, 7), &logits, 4000));
        assert_ne!(drawn, draws(&settings(1.0, 1.0, 1.0, 8), &logits, 4000));
    }

    #[test]
    fn top_p_keeps_the_likeliest() {
        let logits = [6.0f32.ln(), 3.0f32.ln(), 1.0f32.ln()];
        let drawn = draws(&settings(1.0, 0.8, 1.0, 3), &logits, 500);
        assert!(drawn.contains(&0) && drawn.contains(&1) && !drawn.contains(&2));
        assert!(
            draws(&settings(1.0, 0.0, 1.0, 3), &logits, 50)
                .iter()
                .all(|&id| id == 0)
        );
    }

    #[test]
    fn top_k_and_min_p_keep_the_likeliest() {
        let logits = [1.0f32.ln(), 6.0f32.ln(), 3.0f32.ln(), 2.0f32.ln()];
        let kept = |sampling: Sampling| {
            let mut drawn = draws(&sampling, &logits, 500);
            drawn.sort_unstable();
            drawn.dedup();
            drawn
        };
        let all = settings(1.0, 1.0, 1.0, 5);
        assert_eq!(kept(all.clone()), [0, 1, 2, 3]);
        assert_eq!(
            kept(Sampling {
                top_k: 2,
                ..all.clone()
            }),
            [1, 2]
        );
        assert_eq!(
            kept(Sampling {
                top_k: 9,
                ..all.clone()
            }),
            [0, 1, 2, 3]
        );
        assert_eq!(
            kept(Sampling {
                min_p: 0.3,
                ..all.clone()
            }),
            [1, 2, 3]
        );
        assert_eq!(kept(Sampling { min_p: 2.0, ..all }), [1]);
    }

    #[test]
    fn senseless_settings_and_logits_do_no_harm() {
        let odd = settings(f32::NAN, f32::NAN, f32::NAN, 0);
        assert_eq!(draws(&odd, &[1.0, 2.0], 1), [1]);
        let mut sampler = Sampler::new(&settings(1.0, 1.0, 1.1, 0));
        assert_eq!(sampler.choose(&mut [1.0, f32::NAN]), None);
        assert_eq!(sampler.choose(&mut [f32::NEG_INFINITY]), None);
        assert_eq!(sampler.choose(&mut []), None);
    }
}
