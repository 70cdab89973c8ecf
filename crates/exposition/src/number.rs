use crate::quote::quote;

/// The NaN that Prometheus stores for any NaN that a target exposes (`value.NormalNaN`). The staleness marker is another one, so
/// a target cannot mark its own series as stale.
pub const NORMAL_NAN_BITS: u64 = 0x7ff8_0000_0000_0001;

/// Powers of ten that an `f64` holds exactly.
const EXACT_POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Every integer up to here is an exact `f64`.
const MAX_EXACT_INTEGER: u64 = 1 << 53;

/// Why a text is not a number. The messages are those of Go and Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseNumberError {
    /// Hexadecimal floats and digit separators are not part of the formats.
    #[error("unsupported character in float")]
    UnsupportedCharacter,
    /// Not a number at all.
    #[error("strconv.{function}: parsing {text}: invalid syntax")]
    Syntax {
        /// The Go function whose message this is.
        function: &'static str,
        /// What was to be read, in quotes.
        text: String,
    },
    /// A number that is too large for the type.
    #[error("strconv.{function}: parsing {text}: value out of range")]
    Range {
        /// The Go function whose message this is.
        function: &'static str,
        /// What was to be read, in quotes.
        text: String,
    },
}

/// Reads a sample value as Prometheus does: decimal numbers with an optional exponent, and `Inf`, `Infinity` and `NaN` in any case.
///
/// Every NaN becomes the one of [`NORMAL_NAN_BITS`]. Hexadecimal numbers, digit separators and numbers beyond the range of `f64` are errors.
pub fn parse_value(text: &[u8]) -> Result<f64, ParseNumberError> {
    match scan_decimal(text) {
        Some((value, len)) if len == text.len() => Ok(value),
        _ => parse_any_value(text),
    }
}

/// Reads the integer timestamp of text 0.0.4.
pub(crate) fn parse_integer(digits: &[u8]) -> Result<i64, ParseNumberError> {
    let parsed = std::str::from_utf8(digits).ok().and_then(|s| s.parse().ok());
    parsed.ok_or_else(|| ParseNumberError::Range { function: "ParseInt", text: quote(digits) })
}

/// Reads the number at the start of `text` if one multiplication or division gives the correctly rounded result, which covers integers and
/// short decimals: nearly everything that exporters write.
///
/// Returns the value and how many bytes it took. The caller must check that what follows ends the number.
#[inline]
pub(crate) fn scan_decimal(text: &[u8]) -> Option<(f64, usize)> {
    let negative = text.first() == Some(&b'-');
    let start = usize::from(negative);
    let (mut mantissa, mut n_digits) = scan_digits(text, start, 0);
    let mut idx = start + n_digits;
    let mut scale = 0_isize;
    if text.get(idx) == Some(&b'.') {
        let n_fraction;
        (mantissa, n_fraction) = scan_digits(text, idx + 1, mantissa);
        scale = -(n_fraction as isize);
        n_digits += n_fraction;
        idx += 1 + n_fraction;
    }
    // Nineteen digits cannot wrap around.
    if n_digits == 0 || n_digits > 19 || mantissa > MAX_EXACT_INTEGER {
        return None;
    }
    if matches!(text.get(idx), Some(b'e' | b'E')) {
        let (exponent, len) = scan_exponent(&text[idx + 1..])?;
        scale += exponent;
        idx += 1 + len;
    }
    // Both operands are exact, so IEEE 754 rounds the result once (Clinger's fast path).
    let power = *EXACT_POWERS_OF_TEN.get(scale.unsigned_abs())?;
    let magnitude = if scale < 0 { mantissa as f64 / power } else { mantissa as f64 * power };
    Some((if negative { -magnitude } else { magnitude }, idx))
}

/// Appends the digits from `from` on to `mantissa`. Returns it and how many there are.
#[inline]
fn scan_digits(text: &[u8], from: usize, mut mantissa: u64) -> (u64, usize) {
    let mut idx = from;
    while let Some(digit) = text.get(idx).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        idx += 1;
    }
    (mantissa, idx - from)
}

/// Reads an optional sign and one to three digits.
fn scan_exponent(text: &[u8]) -> Option<(isize, usize)> {
    let negative = text.first() == Some(&b'-');
    let sign_len = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let (exponent, len) = scan_digits(text, sign_len, 0);
    if !(1..=3).contains(&len) {
        return None;
    }
    let exponent = exponent as isize;
    Some((if negative { -exponent } else { exponent }, sign_len + len))
}

#[cold]
fn parse_any_value(text: &[u8]) -> Result<f64, ParseNumberError> {
    const FUNCTION: &str = "ParseFloat";
    if memchr::memchr3(b'p', b'P', b'_', text).is_some() {
        return Err(ParseNumberError::UnsupportedCharacter);
    }
    let syntax = || ParseNumberError::Syntax { function: FUNCTION, text: quote(text) };
    let value: f64 = std::str::from_utf8(text).ok().and_then(|s| s.parse().ok()).ok_or_else(syntax)?;
    if value.is_nan() {
        // Rust takes a sign in front of NaN, Go does not.
        return if matches!(text[0], b'+' | b'-') {
            Err(syntax())
        } else {
            Ok(f64::from_bits(NORMAL_NAN_BITS))
        };
    }
    // Rust rounds what is too large to infinity, Go reports it.
    let spelled_out = text.iter().any(|b| matches!(b, b'i' | b'I'));
    if value.is_infinite() && !spelled_out {
        return Err(ParseNumberError::Range { function: FUNCTION, text: quote(text) });
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_values() {
        let check = |text: &str, want: f64| {
            let got = parse_value(text.as_bytes());
            assert_eq!(got.as_ref().map(|v| v.to_bits()), Ok(want.to_bits()), "{text:?}: {got:?}");
        };
        check("0", 0.0);
        check("-0", -0.0);
        check("17.0", 17.0);
        check("+1.", 1.0);
        check(".5e1", 5.0);
        check("7.424100000000001e-05", 7.424_100_000_000_001e-5);
        check("1e22", 1e22);
        check("9007199254740993", 9_007_199_254_740_992.0);
        check("0000000000000000000000000000000000000000001.2e-1", 0.12);
        check("1e-400", 0.0);
        check("123456789012345678901234567890", 123_456_789_012_345_680_000_000_000_000.0);
        check("inf", f64::INFINITY);
        check("-Infinity", f64::NEG_INFINITY);
        check("nAn", f64::from_bits(NORMAL_NAN_BITS));
    }

    #[test]
    fn refuses_what_is_not_a_number() {
        let check = |text: &str, want: &str| {
            let got = parse_value(text.as_bytes()).expect_err(text);
            assert_eq!(got.to_string(), want);
        };
        check("1_2", "unsupported character in float");
        check("0x1P-3", "unsupported character in float");
        check("0x1", r#"strconv.ParseFloat: parsing "0x1": invalid syntax"#);
        check("", r#"strconv.ParseFloat: parsing "": invalid syntax"#);
        check("1e", r#"strconv.ParseFloat: parsing "1e": invalid syntax"#);
        check("1.1.1", r#"strconv.ParseFloat: parsing "1.1.1": invalid syntax"#);
        check("+NaN", r#"strconv.ParseFloat: parsing "+NaN": invalid syntax"#);
        check("1e400", r#"strconv.ParseFloat: parsing "1e400": value out of range"#);
        assert_eq!(
            parse_integer(b"9223372036854775808").map_err(|e| e.to_string()),
            Err(r#"strconv.ParseInt: parsing "9223372036854775808": value out of range"#.to_owned())
        );
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_library(text in r"-?[0-9]{0,21}(\.[0-9]{0,21})?(e[+-]?[0-9]{1,3})?") {
            let want = text.parse::<f64>().ok().filter(|v| v.is_finite()).map(f64::to_bits);
            prop_assert_eq!(parse_value(text.as_bytes()).ok().map(f64::to_bits), want, "{}", text);
        }

        #[test]
        fn reads_back_any_float(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan());
            for text in [format!("{value}"), format!("{value:e}")] {
                prop_assert_eq!(parse_value(text.as_bytes()).map(f64::to_bits), Ok(bits), "{}", text);
            }
        }
    }
}
