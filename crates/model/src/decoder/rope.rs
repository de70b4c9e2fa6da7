//! Rotary positions: the angles by which queries and keys are turned.
//!
//! Rotary embedding: Su et al. 2021, <https://arxiv.org/abs/2104.09864>. YaRN: Peng et al. 2023,
//! <https://arxiv.org/abs/2309.00071>.

use std::f64::consts::TAU;

/// How positions of a network are turned into angles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rope {
    /// How many numbers of a head are turned, from the first on; the others stay.
    pub(crate) rotated: usize,
    pub(crate) base: f32,
    pub(crate) scaling: Scaling,
    /// Factor on the turned numbers.
    pub(crate) magnitude: f32,
}

/// How positions beyond those of the training are reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scaling {
    None,
    /// Positions are divided by a factor.
    Linear {
        factor: f32,
    },
    /// Slow angles are divided by a factor, fast ones are not, those between partly.
    Yarn {
        factor: f32,
        original_context: usize,
        /// Turns within the original context from which on an angle is fast.
        beta_fast: f32,
        /// Turns up to which it is slow.
        beta_slow: f32,
    },
}

/// Angles per position, and the factor on the turned numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frequencies {
    per_position: Vec<f64>,
    magnitude: f32,
}

impl Frequencies {
    /// The angles of `rope`, each divided by its own one of `factors` where a model brings them.
    pub(crate) fn new(rope: &Rope, factors: Option<&[f32]>) -> Frequencies {
        let pairs = rope.rotated / 2;
        let base = f64::from(rope.base);
        let per_position = (0..pairs).map(|pair| {
            let exponent = -2.0 * pair as f64 / rope.rotated as f64;
            let factor = factors.and_then(|factors| factors.get(pair));
            let plain = base.powf(exponent) / f64::from(*factor.unwrap_or(&1.0));
            rope.scaling.scale(plain, pair, rope)
        });
        Frequencies {
            per_position: per_position.collect(),
            magnitude: rope.magnitude * rope.scaling.magnitude(),
        }
    }

    /// Appends cosines and sines of `position`, one for each pair of numbers that are turned.
    pub(crate) fn turns(&self, position: usize, cosines: &mut Vec<f32>, sines: &mut Vec<f32>) {
        for frequency in &self.per_position {
            let (sine, cosine) = (position as f64 * frequency).sin_cos();
            cosines.push(cosine as f32 * self.magnitude);
            sines.push(sine as f32 * self.magnitude);
        }
    }
}

impl Scaling {
    /// The angle per position of `pair`, which without scaling is `plain`.
    fn scale(self, plain: f64, pair: usize, rope: &Rope) -> f64 {
        match self {
            Scaling::None => plain,
            Scaling::Linear { factor } => plain / f64::from(factor),
            Scaling::Yarn {
                factor,
                original_context,
                beta_fast,
                beta_slow,
            } => {
                // The pair, as a fraction, that turns so often within the original context.
                let pair_of = |turns: f32| {
                    let ratio = original_context as f64 / (f64::from(turns) * TAU);
                    rope.rotated as f64 * ratio.ln() / (2.0 * f64::from(rope.base).ln())
                };
                let low = pair_of(beta_fast).floor().max(0.0);
                let high = pair_of(beta_slow).ceil().min(rope.rotated as f64 - 1.0);
                let ramp = (pair as f64 - low) / (high - low).max(0.001);
                let fast = 1.0 - ramp.clamp(0.0, 1.0);
                plain / f64::from(factor) * (1.0 - fast) + plain * fast
            }
        }
    }

    /// The factor on turned numbers that makes up for angles that lie closer together.
    fn magnitude(self) -> f32 {
        match self {
            Scaling::Yarn { factor, .. } => 1.0 + 0.1 * factor.ln(),
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rope(scaling: Scaling) -> Rope {
        Rope {
            rotated: 64,
            base: 10_000.0,
            scaling,
            magnitude: 1.0,
        }
    }

    #[test]
    fn angles_fall_from_one_to_nearly_the_base() {
        let plain = Frequencies::new(&rope(Scaling::None), None);
        assert_eq!(plain.per_position.len(), 32);
        assert_eq!(plain.per_position[0], 1.0);
        assert!((plain.per_position[16] - 0.01).abs() < 1e-9);
        let (mut cosines, mut sines) = (Vec::new(), Vec::new());
        plain.turns(3, &mut cosines, &mut sines);
        assert!((cosines[0] - 3f32.cos()).abs() < 1e-6 && (sines[0] - 3f32.sin()).abs() < 1e-6);
    }

    #[test]
    fn linear_scaling_and_factors_divide() {
        let linear = Frequencies::new(&rope(Scaling::Linear { factor: 4.0 }), None);
        assert_eq!(linear.per_position[0], 0.25);
        let factors = vec![2.0; 32];
        let divided = Frequencies::new(&rope(Scaling::None), Some(&factors));
        assert_eq!(divided.per_position[0], 0.5);
    }

    #[test]
    fn yarn_leaves_fast_angles_and_divides_slow_ones() {
        let yarn = Scaling::Yarn {
            factor: 4.0,
            original_context: 2048,
            beta_fast: 32.0,
            beta_slow: 1.0,
        };
        let plain = Frequencies::new(&rope(Scaling::None), None);
        let scaled = Frequencies::new(&rope(yarn), None);
        assert_eq!(scaled.per_position[0], plain.per_position[0]);
        let last = plain.per_position[31] / 4.0;
        assert!((scaled.per_position[31] - last).abs() < 1e-12);
        let middle = scaled.per_position[14] / plain.per_position[14];
        assert!(middle > 0.25 && middle < 1.0, "{middle}");
        assert!((scaled.magnitude - (1.0 + 0.1 * 4f32.ln())).abs() < 1e-6);
    }
}
