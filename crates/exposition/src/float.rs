use std::fmt::{self, Write as _};

use crate::MetricType;

/// Appends `value` as Go's `strconv.FormatFloat(value, 'g', -1, 64)` writes it, which is how Prometheus clients write text 0.0.4: the shortest
/// digits that read back as the same number, with an exponent below 1e-4 and from 1e6 on; `NaN`, `+Inf` and `-Inf` by name.
pub fn write_float(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else if value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        // Rust writes the shortest digits too, and never an exponent.
        push(out, format_args!("{value}"));
    } else {
        write_with_exponent(out, value);
    }
}

/// Appends `value` as [`write_float`] does, with `.0` behind it if it would look like an integer otherwise. This is how OpenMetrics wants
/// `le` and `quantile`, and how Prometheus writes any OpenMetrics float.
pub fn write_openmetrics_float(out: &mut String, value: f64) {
    let start = out.len();
    // Prometheus drops the sign of zero here.
    write_float(out, if value == 0.0 { 0.0 } else { value });
    if value.is_finite() && !out[start..].contains(['.', 'e']) {
        out.push_str(".0");
    }
}

/// Appends the value of a label as Prometheus 3 stores it: `le` of a histogram and `quantile` of a summary become OpenMetrics floats, so that `1`
/// and `1.0` are the same series; anything else, and what is not a number, stays.
pub fn write_normalized_label_value(out: &mut String, metric_type: MetricType, name: &str, value: &str) {
    match bound(metric_type, name, value) {
        Some(bound) => write_openmetrics_float(out, bound),
        None => out.push_str(value),
    }
}

/// The number that a label value stands for, if it is one that is normalised.
pub(crate) fn bound(metric_type: MetricType, name: &str, value: &str) -> Option<f64> {
    match (metric_type, name) {
        (MetricType::Histogram, "le") | (MetricType::Summary, "quantile") => {
            crate::number::parse_value(value.as_bytes()).ok()
        }
        _ => None,
    }
}

/// Go writes at least two digits of exponent and always its sign: `1e-07`, `1.5e+21`.
fn write_with_exponent(out: &mut String, value: f64) {
    let start = out.len();
    push(out, format_args!("{value:e}"));
    let Some(mark) = out[start..].find('e').map(|idx| start + idx) else { return };
    let exponent: i32 = out[mark + 1..].parse().expect("BUG: the standard library wrote the exponent");
    out.truncate(mark);
    push(out, format_args!("e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs()));
}

fn push(out: &mut String, args: fmt::Arguments<'_>) {
    out.write_fmt(args).expect("BUG: writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::number::parse_value;

    #[test]
    fn formats_as_prometheus_clients() {
        let check = |value: f64, text: &str, openmetrics: &str| {
            let (mut a, mut b) = (String::new(), String::new());
            write_float(&mut a, value);
            write_openmetrics_float(&mut b, value);
            assert_eq!((a.as_str(), b.as_str()), (text, openmetrics), "{value:e}");
        };
        check(0.0, "0", "0.0");
        check(-0.0, "-0", "0.0");
        check(1.0, "1", "1.0");
        check(-1.0, "-1", "-1.0");
        check(0.25, "0.25", "0.25");
        check(999_999.0, "999999", "999999.0");
        check(1e6, "1e+06", "1e+06");
        check(903_676_723.0, "9.03676723e+08", "9.03676723e+08");
        check(1e-4, "0.0001", "0.0001");
        check(0.000_099, "9.9e-05", "9.9e-05");
        check(-1.5e300, "-1.5e+300", "-1.5e+300");
        check(f64::INFINITY, "+Inf", "+Inf");
        check(f64::NEG_INFINITY, "-Inf", "-Inf");
        check(f64::NAN, "NaN", "NaN");
    }

    #[test]
    fn normalizes_bounds() {
        let check = |metric_type, name, value, want| {
            let mut out = String::new();
            write_normalized_label_value(&mut out, metric_type, name, value);
            assert_eq!(out, want);
        };
        check(MetricType::Histogram, "le", "1", "1.0");
        check(MetricType::Histogram, "le", "10000000", "1e+07");
        check(MetricType::Histogram, "le", "inf", "+Inf");
        check(MetricType::Histogram, "le", "x", "x");
        check(MetricType::Histogram, "quantile", "1", "1");
        check(MetricType::Summary, "quantile", "0", "0.0");
        check(MetricType::Gauge, "le", "1", "1");
    }

    proptest! {
        #[test]
        fn reads_back_what_it_wrote(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan());
            let mut text = String::new();
            write_float(&mut text, value);
            prop_assert_eq!(parse_value(text.as_bytes()).map(f64::to_bits), Ok(bits), "{}", text);
            text.clear();
            write_openmetrics_float(&mut text, value);
            prop_assert_eq!(parse_value(text.as_bytes()), Ok(value), "{}", text);
        }
    }
}
