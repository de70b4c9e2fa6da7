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
    /// `x / (1 + exp(-x))`, the sigmoid linear unit.
    Silu,
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
            Activation::Silu => Some(&SILU),
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

/// Writes `activation(a) · b` for the first half `a` and the second half `b` of each row of
/// `rows`, which are `2 · width` floats long, to the rows of `out`, which are `width` long: what
/// a gated feed-forward block does between its products.
///
/// # Panics
/// When there is no width, or the two are not equally many rows of those lengths.
pub fn gate(isa: Isa, rows: &[f32], width: usize, activation: Activation, out: &mut [f32]) {
    assert!(
        width > 0 && out.len().is_multiple_of(width),
        "whole rows out"
    );
    assert_eq!(rows.len(), 2 * out.len(), "two values in for each out");
    for (row, out) in rows
        .chunks_exact(2 * width)
        .zip(out.chunks_exact_mut(width))
    {
        dispatch!(isa, gate_row(row, activation.tail(), out));
    }
}

/// An activation as `max(x, 0) − tail(min(|x|, end))`.
///
/// Every activation here is of this form with a smooth tail of at most 0.28, which needs neither
/// a division nor an exponential: it is a polynomial in `2|x| / end − 1`, which runs from -1 to 1,
/// coefficients from the constant upwards. They interpolate the tail at 400 Chebyshev points in
/// the least squares sense; the error stays under 2e-6 everywhere in f32, of SiLU under 5e-6.
pub(crate) struct Tail {
    /// Beyond this the activation is the positive part, to 2e-6.
    pub(crate) end: f32,
    pub(crate) coefficients: &'static [f32],
}

static GELU: Tail = Tail {
    end: 5.5,
    coefficients: &[
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
    ],
};

static GELU_TANH: Tail = Tail {
    end: 5.5,
    coefficients: &[
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
    ],
};

static SILU: Tail = Tail {
    end: 16.0,
    coefficients: &[
        0.002_682_117_7,
        -0.018_712_29,
        0.064_409_12,
        -0.146_467_37,
        0.225_139_05,
        -0.198_035_88,
        0.238_798_92,
        -0.711_033_1,
        0.033_167_38,
        2.868_772,
        -1.107_430_5,
        -6.468_611_7,
        2.658_373_8,
        10.132_948,
        -5.639_787_7,
        -7.417_014,
        5.020_781,
        1.958_156_3,
        -1.496_135_2,
    ],
};

static RELU: Tail = Tail {
    end: 1.0,
    coefficients: &[0.0],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar;
    use proptest::prelude::*;

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
    fn silu_is_its_definition_to_five_digits() {
        for step in -4000..=4000 {
            let x = f64::from(step) / 160.0;
            let exact = x / (1.0 + (-x).exp());
            let ours = f64::from(scalar::activate(x as f32, Activation::Silu.tail()));
            assert!(
                (ours - exact).abs() < 5e-6,
                "silu({x}) = {ours}, not {exact}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_isa_gates_like_the_scalar_twin(
            width in 1usize..100,
            rows in 1usize..4,
            which in 0usize..5,
            seed in any::<u32>(),
        ) {
            let activation = [
                Activation::Identity,
                Activation::Gelu,
                Activation::GeluTanh,
                Activation::Silu,
                Activation::Relu,
            ][which];
            let values: Vec<f32> = (0..2 * rows * width)
                .map(|i| ((i as u32 + 1).wrapping_mul(seed | 1) % 4001) as f32 / 200.0 - 10.0)
                .collect();
            let run = |isa| {
                let mut out = vec![f32::NAN; rows * width];
                gate(isa, &values, width, activation, &mut out);
                out
            };
            let expected = run(Isa::SCALAR);
            let first = scalar::activate(values[0], activation.tail()) * values[width];
            prop_assert_eq!(expected[0], first);
            for isa in Isa::available() {
                for (got, expected) in run(isa).iter().zip(&expected) {
                    prop_assert!((got - expected).abs() < 1e-4, "{isa:?}: {got}, not {expected}");
                }
            }
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
