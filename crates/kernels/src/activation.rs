//! What follows the first product of a feed-forward block.

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
}
