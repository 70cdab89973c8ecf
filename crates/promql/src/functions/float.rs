//! Functions of one float and, for a few, of scalar arguments. `None` means that there is no result.

use super::extremes::{max_of, min_of};

/// A function of a float and the scalar arguments of the call.
pub(crate) type FloatFunction = fn(f64, &[f64]) -> Option<f64>;

/// Functions that need the float alone.
macro_rules! plain {
    ($($name:ident: $v:ident => $result:expr;)*) => {
        $(pub(super) fn $name($v: f64, _: &[f64]) -> Option<f64> {
            Some($result)
        })*
    };
}

/// From here on Go takes half of the exponential function for the hyperbolic ones, which is too large a little earlier than they are.
const FAR: f64 = 21.0;

plain! {
    abs: v => v.abs();
    acos: v => v.acos();
    acosh: v => v.acosh();
    asin: v => v.asin();
    asinh: v => v.asinh();
    atan: v => v.atan();
    atanh: v => v.atanh();
    ceil: v => v.ceil();
    cos: v => v.cos();
    cosh: v => if v.abs() > FAR { v.abs().exp() * 0.5 } else { v.cosh() };
    deg: v => v * 180.0 / std::f64::consts::PI;
    exp: v => v.exp();
    floor: v => v.floor();
    ln: v => v.ln();
    log10: v => v.log10();
    log2: v => v.log2();
    rad: v => v * std::f64::consts::PI / 180.0;
    // Zeros and NaN stay what they are.
    sgn: v => if v < 0.0 { -1.0 } else if v > 0.0 { 1.0 } else { v };
    sin: v => v.sin();
    sinh: v => if v.abs() > FAR { (v.abs().exp() * 0.5).copysign(v) } else { v.sinh() };
    sqrt: v => v.sqrt();
    tan: v => v.tan();
    tanh: v => v.tanh();
}

pub(super) fn clamp(v: f64, args: &[f64]) -> Option<f64> {
    let (low, high) = (args[0], args[1]);
    if high < low {
        return None;
    }
    Some(max_of(low, min_of(high, v)))
}

pub(super) fn clamp_max(v: f64, args: &[f64]) -> Option<f64> {
    clamp(v, &[f64::NEG_INFINITY, args[0]])
}

pub(super) fn clamp_min(v: f64, args: &[f64]) -> Option<f64> {
    clamp(v, &[args[0], f64::INFINITY])
}

/// The nearest multiple of the argument, by default of 1; halves go up.
#[expect(clippy::unnecessary_wraps, reason = "all functions of a float have one shape")]
pub(super) fn round(v: f64, args: &[f64]) -> Option<f64> {
    // Multiplying with the inverse is more often exact than dividing.
    let inverse = 1.0 / args.first().copied().unwrap_or(1.0);
    Some((v * inverse + 0.5).floor() / inverse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clamping() {
        assert_eq!(clamp(5.0, &[0.0, 3.0]), Some(3.0));
        assert_eq!(clamp(5.0, &[3.0, 0.0]), None);
        assert!(clamp(5.0, &[0.0, f64::NAN]).is_some_and(f64::is_nan));
        assert!(clamp(f64::NAN, &[0.0, 1.0]).is_some_and(f64::is_nan));
        assert_eq!(clamp_min(-1.0, &[2.0]), Some(2.0));
        assert_eq!(clamp_max(-1.0, &[-2.0]), Some(-2.0));
    }

    #[test]
    fn rounding() {
        assert_eq!(round(2.5, &[]), Some(3.0));
        assert_eq!(round(-2.5, &[]), Some(-2.0));
        assert_eq!(round(7.3, &[5.0]), Some(5.0));
        assert_eq!(round(0.125, &[0.1]), Some(0.1));
    }

    #[test]
    fn hyperbolic_functions_end_where_the_exponential_function_does() {
        for v in [709.0_f64, 710.0] {
            let expected = v.exp() * 0.5;
            assert_eq!(expected.is_infinite(), v == 710.0);
            assert_eq!(sinh(v, &[]), Some(expected));
            assert_eq!(sinh(-v, &[]), Some(-expected));
            assert_eq!(cosh(-v, &[]), Some(expected));
        }
        assert_eq!(sinh(1.0, &[]), Some(1.0_f64.sinh()));
        assert_eq!(cosh(1.0, &[]), Some(1.0_f64.cosh()));
    }

    #[test]
    fn signs() {
        assert_eq!(sgn(-0.0, &[]).map(f64::to_bits), Some((-0.0_f64).to_bits()));
        assert_eq!(sgn(-7.0, &[]), Some(-1.0));
        assert!(sgn(f64::NAN, &[]).is_some_and(f64::is_nan));
    }
}
