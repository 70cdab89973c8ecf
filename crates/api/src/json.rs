//! Query results as JSON, written straight into the answer: no intermediate tree.

use std::fmt::Write as _;
use std::sync::Arc;

use bellwether_model::{FloatHistogram, Labels, Value, format_float, format_float_json, format_integer};
use serde::{Serialize, Serializer};

use crate::error::ApiError;
use crate::result_limit::Answer;

/// Appends a timestamp as seconds with three decimals, or none if there are no milliseconds.
pub(crate) fn write_timestamp(out: &mut String, ts_ms: i64) {
    if ts_ms < 0 {
        out.push('-');
    }
    let ms = ts_ms.unsigned_abs();
    format_integer(out, ms / 1000);
    if !ms.is_multiple_of(1000) {
        out.push('.');
        // The digit in front keeps the zeros; it is taken off again.
        let at = out.len();
        format_integer(out, 1000 + ms % 1000);
        out.remove(at);
    }
}

/// Appends a float in quotes.
pub(crate) fn write_value(out: &mut String, v: f64) {
    out.push('"');
    format_float_json(out, v);
    out.push('"');
}

/// Appends a string in quotes, escaped.
pub(crate) fn write_string(out: &mut String, s: &str) {
    out.push('"');
    let mut plain_from = 0;
    for (at, b) in s.bytes().enumerate() {
        let escape = match b {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(&s[plain_from..at]);
        plain_from = at + 1;
        if escape.is_empty() {
            write!(out, "\\u{b:04x}").expect("BUG: writing to a string cannot fail");
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&s[plain_from..]);
    out.push('"');
}

/// Appends a label set as an object.
pub(crate) fn write_labels(out: &mut String, labels: &Labels) {
    out.push('{');
    for (i, label) in labels.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_string(out, label.name);
        out.push(':');
        write_string(out, label.value);
    }
    out.push('}');
}

/// A label set as an object of what serde writes.
#[derive(Debug, Clone)]
pub(crate) struct LabelMap(pub(crate) Labels);

impl Serialize for LabelMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|label| (label.name, label.value)))
    }
}

/// Appends `[ts,"value"]`.
pub(crate) fn write_point(out: &mut String, ts_ms: i64, v: f64) {
    out.push('[');
    write_timestamp(out, ts_ms);
    out.push(',');
    write_value(out, v);
    out.push(']');
}

/// Appends `[ts,"value"]` for a scalar: Prometheus never writes an exponent there.
pub(crate) fn write_scalar_point(out: &mut String, ts_ms: i64, v: f64) {
    out.push('[');
    write_timestamp(out, ts_ms);
    out.push_str(",\"");
    out.push_str(&format_float(v));
    out.push_str("\"]");
}

/// Appends `[ts,{"count":...,"sum":...,"buckets":[...]}]`.
///
/// A bucket is `[boundaries, lower, upper, count]`; `boundaries` says which bounds belong to it: 0 the upper, 1 the lower, 2 none, 3 both.
pub(crate) fn write_histogram_point(out: &mut String, ts_ms: i64, h: &FloatHistogram) {
    out.push('[');
    write_timestamp(out, ts_ms);
    out.push_str(",{\"count\":");
    write_value(out, h.count);
    out.push_str(",\"sum\":");
    write_value(out, h.sum);
    let mut first = true;
    for bucket in h.all_buckets().filter(|b| b.count != 0.0) {
        out.push_str(if first { ",\"buckets\":[" } else { "," });
        first = false;
        let boundaries = match (bucket.lower_inclusive, bucket.upper_inclusive) {
            (true, true) => '3',
            (true, false) => '1',
            (false, true) => '0',
            (false, false) => '2',
        };
        out.push('[');
        out.push(boundaries);
        for v in [bucket.lower, bucket.upper, bucket.count] {
            out.push(',');
            write_value(out, v);
        }
        out.push(']');
    }
    if !first {
        out.push(']');
    }
    out.push_str("}]");
}

/// Appends `,"value":[...]` or `,"histogram":[...]`.
pub(crate) fn write_sample(out: &mut String, ts_ms: i64, value: &Value) {
    match value {
        Value::Float(v) => {
            out.push_str(",\"value\":");
            write_point(out, ts_ms, *v);
        }
        Value::Histogram(h) => {
            out.push_str(",\"histogram\":");
            write_histogram_point(out, ts_ms, h);
        }
    }
}

/// Appends `,"values":[...]` and `,"histograms":[...]`, each only if there are any.
pub(crate) fn write_points(
    out: &mut Answer<'_>,
    floats: &[(i64, f64)],
    histograms: &[(i64, Arc<FloatHistogram>)],
) -> Result<(), ApiError> {
    if !floats.is_empty() {
        out.text().push_str(",\"values\":");
        out.small_list(floats, |out, (ts_ms, v)| write_point(out, *ts_ms, *v))?;
    }
    if !histograms.is_empty() {
        out.text().push_str(",\"histograms\":");
        out.small_list(histograms, |out, (ts_ms, h)| write_histogram_point(out, *ts_ms, h))?;
    }
    Ok(())
}

/// A number with an exponent of at least two digits, as Go's format `e` writes it.
pub(crate) fn format_exponent(v: f64) -> String {
    if !v.is_finite() {
        return format_float(v);
    }
    let text = format!("{v:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_points() {
        let mut out = String::new();
        write_point(&mut out, 1_435_781_430_781, 1.5);
        write_point(&mut out, -1_500, f64::NAN);
        write_point(&mut out, 2_000, 1e-9);
        assert_eq!(out, r#"[1435781430.781,"1.5"][-1.500,"NaN"][2,"1e-09"]"#);
        out.clear();
        write_scalar_point(&mut out, 500, 1e21);
        write_scalar_point(&mut out, 2_000, f64::INFINITY);
        assert_eq!(out, r#"[0.500,"1000000000000000000000"][2,"+Inf"]"#);
    }

    #[test]
    fn escapes_strings_as_serde_does() {
        for s in ["", "plain", "a\"b\\c\n\r\t\u{1}\u{7f}é😀", "<script>"] {
            let mut out = String::new();
            write_string(&mut out, s);
            let back: String = serde_json::from_str(&out).expect("valid JSON");
            assert_eq!(back, s);
        }
    }

    #[test]
    fn exponents_have_two_digits() {
        let cases =
            [(1.0, "1e+00"), (0.5, "5e-01"), (-1234.5, "-1.2345e+03"), (1e100, "1e+100"), (0.0, "0e+00")];
        for (v, want) in cases {
            assert_eq!(format_exponent(v), want);
        }
        assert_eq!(
            [f64::INFINITY, f64::NEG_INFINITY, f64::NAN].map(format_exponent),
            ["+Inf", "-Inf", "NaN"]
        );
    }
}
