use std::fmt::Write as _;

/// Formats `v` as Go's `strconv.FormatFloat(v, 'f', -1, 64)`: the shortest digits that read back as the same number, never an
/// exponent; `NaN`, `+Inf` and `-Inf` by name.
pub fn format_float(v: f64) -> String {
    let mut out = String::new();
    write_fixed(&mut out, v);
    out
}

/// Appends `v` as the HTTP API writes sample values (without the quotes): like [`format_float`], but with an exponent below 1e-6
/// and from 1e21 on, as Prometheus' `jsonutil.MarshalFloat` does.
pub fn format_float_json(out: &mut String, v: f64) {
    let abs = v.abs();
    if abs != 0.0 && abs.is_finite() && !(1e-6..1e21).contains(&abs) {
        write_exponent(out, v);
    } else {
        write_fixed(out, v);
    }
}

/// Formats `v` as Go prints a float with `%v` or `%g`: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
pub fn format_float_go(v: f64) -> String {
    let mut out = String::new();
    let abs = v.abs();
    if abs != 0.0 && abs.is_finite() && !(1e-4..1e6).contains(&abs) {
        write_exponent(&mut out, v);
    } else {
        write_fixed(&mut out, v);
    }
    out
}

/// Appends a whole number in decimal digits.
pub fn format_integer(out: &mut String, n: u64) {
    out.push_str(itoa::Buffer::new().format(n));
}

/// From here on not every whole number is a float, and floats have more than 16 digits before the point.
const WHOLE: f64 = 9_007_199_254_740_992.0;

fn write_fixed(out: &mut String, v: f64) {
    let (abs, whole) = (v.abs(), v as u64);
    if abs < WHOLE && whole as f64 == v && v.is_sign_positive() {
        format_integer(out, whole);
    } else if (1e-5..WHOLE).contains(&abs) {
        // Here `zmij` writes no exponent either, but always a point.
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(v);
        out.push_str(text.strip_suffix(".0").unwrap_or(text));
    } else if v.is_nan() {
        out.push_str("NaN");
    } else if v.is_infinite() {
        out.push_str(if v > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        // Rust's `Display` writes the shortest digits that round-trip and never an exponent, exactly as Go's 'f' with precision -1.
        write_infallible(out, format_args!("{v}"));
    }
}

/// Go writes at least two digits of exponent and always its sign: `1e-07`, `1.5e+21`.
fn write_exponent(out: &mut String, v: f64) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(v);
    // Numbers near one have no exponent there.
    let plain = if text.contains('e') { String::new() } else { format!("{v:e}") };
    let text = if plain.is_empty() { text } else { &plain };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent.trim_start_matches('+')),
    };
    out.push_str(mantissa);
    out.push('e');
    out.push(sign);
    if digits.len() < 2 {
        out.push('0');
    }
    out.push_str(digits);
}

fn write_infallible(out: &mut String, args: std::fmt::Arguments<'_>) {
    out.write_fmt(args).expect("BUG: writing to a string cannot fail");
}

/// Reads a float as Go's `strconv.ParseFloat(s, 64)` does, hexadecimal floats and `Inf`, `infinity` and `NaN` in any case included.
///
/// Returns `None` for anything else, also for a number that is too large; the sign of a `NaN` is not accepted.
pub fn parse_float(s: &str) -> Option<f64> {
    let unsigned = s.strip_prefix(['+', '-']).unwrap_or(s);
    let first = *unsigned.as_bytes().first()?;
    if matches!(first, b'n' | b'N') {
        return s.eq_ignore_ascii_case("nan").then_some(f64::NAN);
    }
    if let Some(hex) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        let magnitude = parse_hex_float(hex)?;
        return Some(if s.starts_with('-') { -magnitude } else { magnitude });
    }
    let v: f64 = s.parse().ok()?;
    // Rust rounds a number that is too large to infinity; Go reports it.
    let spelled_out = matches!(first, b'i' | b'I');
    (v.is_finite() || spelled_out).then_some(v)
}

/// Reads the part after `0x` of a hexadecimal float: a mantissa with an optional point and a mandatory binary exponent.
fn parse_hex_float(s: &str) -> Option<f64> {
    let (mantissa, exponent) = s.split_once(['p', 'P'])?;
    let exponent: i64 = exponent.parse().ok()?;
    let (int, frac) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if int.is_empty() && frac.is_empty() {
        return None;
    }
    let (mut bits, mut shift, mut lost) = (0_u128, 0_i64, false);
    for (digit, fractional) in int.chars().map(|c| (c, false)).chain(frac.chars().map(|c| (c, true))) {
        let d = u128::from(digit.to_digit(16)?);
        if bits >> 120 == 0 {
            bits = (bits << 4) | d;
            shift -= if fractional { 4 } else { 0 };
        } else {
            // Digits beyond 120 bits cannot change the result except as "a bit more than half".
            lost |= d != 0;
            shift += if fractional { 0 } else { 4 };
        }
    }
    bits |= u128::from(lost);
    let scale = exponent.checked_add(shift)?;
    // A `u128` converts with one correct rounding; scaling by a power of two is exact unless the result is subnormal.
    let v = scale_by_power_of_two(bits as f64, scale);
    v.is_finite().then_some(v)
}

fn scale_by_power_of_two(v: f64, mut exponent: i64) -> f64 {
    let mut v = v;
    while exponent > 0 && v.is_finite() && v != 0.0 {
        let step = exponent.min(1000);
        v *= 2_f64.powi(step as i32);
        exponent -= step;
    }
    while exponent < 0 && v != 0.0 {
        let step = (-exponent).min(1000);
        v /= 2_f64.powi(step as i32);
        exponent += step;
    }
    v
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formats_as_go() {
        let check = |v: f64, fixed: &str, json: &str, go: &str| {
            assert_eq!(format_float(v), fixed);
            let mut out = String::new();
            format_float_json(&mut out, v);
            assert_eq!(out, json);
            assert_eq!(format_float_go(v), go);
        };
        check(0.0, "0", "0", "0");
        check(-0.0, "-0", "-0", "-0");
        check(1.5, "1.5", "1.5", "1.5");
        check(0.000_01, "0.00001", "0.00001", "1e-05");
        check(1e-7, "0.0000001", "1e-07", "1e-07");
        check(999_999.5, "999999.5", "999999.5", "999999.5");
        check(1_353_755_652.0, "1353755652", "1353755652", "1.353755652e+09");
        check(1e20, "100000000000000000000", "100000000000000000000", "1e+20");
        check(-1.5e21, "-1500000000000000000000", "-1.5e+21", "-1.5e+21");
        check(1e100, &format!("1{}", "0".repeat(100)), "1e+100", "1e+100");
        check(f64::NAN, "NaN", "NaN", "NaN");
        check(f64::INFINITY, "+Inf", "+Inf", "+Inf");
        check(f64::NEG_INFINITY, "-Inf", "-Inf", "-Inf");
        // Exactly between two numbers of 17 digits Go takes the even one.
        assert_eq!(format_float(1_824_923_157_245_782.0 + 0.25), "1824923157245782.2");
    }

    #[test]
    fn parses_as_go() {
        let check = |s: &str, want: Option<f64>| {
            let got = parse_float(s);
            assert_eq!(got.map(f64::to_bits), want.map(f64::to_bits), "{s:?}: {got:?}");
        };
        check("1", Some(1.0));
        check("+1.", Some(1.0));
        check(".5e1", Some(5.0));
        check("0x1p-2", Some(0.25));
        check("-0X1.8p1", Some(-3.0));
        check("0x1", None);
        check("Inf", Some(f64::INFINITY));
        check("-infinity", Some(f64::NEG_INFINITY));
        check("NaN", Some(f64::NAN));
        check("+NaN", None);
        check("1e400", None);
        check("1_000", None);
        check("", None);
        check("+", None);
        check(" 1", None);
        check("0x.p1", None);
    }

    /// Numbers of all sizes, most of them with few digits.
    fn number() -> impl Strategy<Value = f64> {
        let scaled = (any::<i64>(), 0_u32..20, -25_i32..25)
            .prop_map(|(n, drop, exponent)| (n / 10_i64.pow(drop.min(18))) as f64 * 10_f64.powi(exponent));
        prop_oneof![any::<f64>(), scaled, (-1e7..1e7_f64), any::<i64>().prop_map(|n| n as f64)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4096, ..ProptestConfig::default() })]

        #[test]
        fn digits_are_the_shortest(v in number()) {
            prop_assume!(v.is_finite());
            let mut exponent = String::new();
            write_exponent(&mut exponent, v);
            let mantissa = |text: &str| text.split_once('e').map(|(mantissa, _)| mantissa.to_owned());
            for (got, std) in [(Some(format_float(v)), Some(v.to_string())), (mantissa(&exponent), mantissa(&format!("{v:e}")))] {
                let (got, std) = (got.expect("an exponent"), std.expect("an exponent"));
                // Of two that are equally close, Go takes the even one and the standard library the greater one.
                let is_tie = got.len() == std.len() && got.ends_with(['0', '2', '4', '6', '8']);
                prop_assert!(got == std || is_tie, "{} instead of {}", got, std);
            }
            for text in [format_float(v), exponent] {
                prop_assert_eq!(parse_float(&text).map(f64::to_bits), Some(v.to_bits()), "{}", text);
            }
        }

        #[test]
        fn reads_back_what_it_wrote(bits: u64) {
            let v = f64::from_bits(bits);
            prop_assume!(!v.is_nan());
            let mut json = String::new();
            format_float_json(&mut json, v);
            for text in [format_float(v), json, format_float_go(v)] {
                prop_assert_eq!(parse_float(&text).map(f64::to_bits), Some(bits), "{}", text);
            }
        }
    }
}
