//! What follows the first product of a feed-forward block.

use crate::{Isa, dispatch};

/// A function of one number, applied to each result of a matrix product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The result as it is.
    Identity,
    /// `x · Φ(x)`, the Gaussian error linear unit by the error function.
    Gelu,
    /// The same by its usual approximation with `tanh`.
    GeluTanh,
    /// The positive part.
    Relu,
}

impl Activation {
    /// What is subtracted from the positive part; `None` for the identity.
    pub(crate) fn tail(self) -> Option<&'static Tail> {
        match self {
            Activation::Identity => None,
            Activation::Gelu => Some(&GELU),
            Activation::GeluTanh => Some(&GELU_TANH),
            Activation::Relu => Some(&RELU),
        }
    }
}

/// What one half of a gated feed-forward block goes through before it multiplies the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// `x / (1 + e^−x)`.
    Silu,
    /// [`Activation::Gelu`].
    Gelu,
    /// [`Activation::GeluTanh`].
    GeluTanh,
}

/// Replaces each of `values` by `gate(x) · factor`, with the factor in its place. A value that
/// is no finite number becomes one that is none.
///
/// # Panics
/// When the two differ in length.
pub fn apply_gate(isa: Isa, gate: Gate, values: &mut [f32], factors: &[f32]) {
    assert_eq!(values.len(), factors.len(), "a factor for each value");
    dispatch!(isa, gate(gate, values, factors));
}

/// Replaces a row by `e^x / Σ e^x`.
pub fn softmax(isa: Isa, row: &mut [f32]) {
    if !row.is_empty() {
        dispatch!(isa, softmax(row));
    }
}

/// Where [`Tail`] ends: beyond it a GELU is the positive part, to 6e-7.
pub(crate) const TAIL_END: f32 = 5.5;

/// An activation as `max(x, 0) − tail(min(|x|, TAIL_END))`.
///
/// Both kinds of GELU are of this form with a smooth tail of at most 0.17, which needs neither a
/// division nor an exponential: it is a polynomial in `2|x| / TAIL_END − 1`, which runs from -1
/// to 1, coefficients from the constant upwards. They interpolate the tail at 400 Chebyshev
/// points in the least squares sense; the error stays under 2e-6 everywhere in f32.
pub(crate) struct Tail(pub(crate) [f32; 15]);

static GELU: Tail = Tail([
    0.008_194_849,
    -0.060_578_458,
    0.191_202_06,
    -0.308_663_04,
    0.180_235_22,
    0.260_225_56,
    -0.638_624,
    0.460_615,
    0.191_852_5,
    -0.547_519_56,
    0.185_879_47,
    0.235_338_6,
    -0.154_876_23,
    -0.039_418_086,
    0.036_136_687,
]);

static GELU_TANH: Tail = Tail([
    0.007_723_212,
    -0.060_373_507,
    0.196_868_6,
    -0.316_398_62,
    0.160_611_53,
    0.300_733_98,
    -0.611_777_2,
    0.368_393_2,
    0.185_879_92,
    -0.438_764_93,
    0.163_388_71,
    0.169_842_72,
    -0.131_912_35,
    -0.023_432_301,
    0.029_217_78,
]);

static RELU: Tail = Tail([0.0; 15]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar;

    /// The error function by its Maclaurin series, which converges for every number tried here.
    fn erf(x: f64) -> f64 {
        let mut term = x;
        let mut sum = x;
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn gelu_is_its_definition_to_six_digits() {
        for step in -800..=800 {
            let x = f64::from(step) / 160.0;
            let exact = x * 0.5 * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2));
            let ours = f64::from(scalar::activate(x as f32, Activation::Gelu.tail()));
            assert!(
                (ours - exact).abs() < 2e-6,
                "gelu({x}) = {ours}, not {exact}"
            );
        }
    }

    #[test]
    fn gelu_tanh_is_its_definition_to_six_digits() {
        for step in -2000..=2000 {
            let x = f64::from(step) / 160.0;
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
            let exact = 0.5 * x * (1.0 + inner.tanh());
            let ours = f64::from(scalar::activate(x as f32, Activation::GeluTanh.tail()));
            assert!(
                (ours - exact).abs() < 2e-6,
                "gelu({x}) = {ours}, not {exact}"
            );
        }
    }

    #[test]
    fn relu_and_identity_are_exact() {
        assert_eq!(scalar::activate(-3.5, Activation::Relu.tail()), 0.0);
        assert_eq!(scalar::activate(3.5, Activation::Relu.tail()), 3.5);
        assert_eq!(scalar::activate(-3.5, Activation::Identity.tail()), -3.5);
    }

    #[test]
    fn gates_are_their_definitions() {
        let silu = |x: f64| x / (1.0 + (-x).exp());
        let gelu = |x: f64| x * 0.5 * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2));
        let values: Vec<f32> = (-75..=75).map(|i| i as f32 / 15.0).collect();
        let factors: Vec<f32> = (0..values.len()).map(|i| i as f32 / 50.0 - 1.0).collect();
        for isa in Isa::available() {
            for gate in [Gate::Silu, Gate::Gelu, Gate::GeluTanh] {
                let mut got = values.clone();
                apply_gate(isa, gate, &mut got, &factors);
                for ((got, x), factor) in got.iter().zip(&values).zip(&factors) {
                    let x = f64::from(*x);
                    let active = if gate == Gate::Silu { silu(x) } else { gelu(x) };
                    let expected = active * f64::from(*factor);
                    let room = if gate == Gate::GeluTanh { 2e-3 } else { 5e-6 };
                    assert!(
                        (f64::from(*got) - expected).abs() < room,
                        "{isa:?} {gate:?} {x}"
                    );
                }
            }
        }
    }

    #[test]
    fn gates_stay_within_bounds_and_keep_what_is_no_number() {
        let extremes = [-1e30, -200.0, 200.0, 1e30, f32::NAN, f32::INFINITY];
        let extremes: Vec<f32> = extremes.into_iter().cycle().take(24).collect();
        for isa in Isa::available() {
            for gate in [Gate::Silu, Gate::Gelu, Gate::GeluTanh] {
                let mut got = extremes.clone();
                apply_gate(isa, gate, &mut got, &[1.0; 24]);
                for (got, x) in got.iter().zip(&extremes) {
                    if x.is_finite() {
                        assert!(
                            (got - x.max(0.0)).abs() <= 1e-5 * x.abs(),
                            "{isa:?} {x}: {got}"
                        );
                    } else {
                        assert!(got.is_nan(), "{isa:?} {x}: {got}");
                    }
                }
            }
        }
    }

    #[test]
    fn softmax_sums_to_one() {
        for isa in Isa::available() {
            for len in [1, 5, 16, 77] {
                let row: Vec<f32> = (0..len).map(|i| (i as f32 * 1.3).sin() * 90.0).collect();
                let mut got = row.clone();
                softmax(isa, &mut got);
                let sum: f64 = row.iter().map(|x| f64::from(x - row[0]).exp()).sum();
                for (got, x) in got.iter().zip(&row) {
                    let expected = f64::from(x - row[0]).exp() / sum;
                    assert!((f64::from(*got) - expected).abs() < 2e-6, "{isa:?}");
                }
            }
            softmax(isa, &mut []);
        }
    }
}
