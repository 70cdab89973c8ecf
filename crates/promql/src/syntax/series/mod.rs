//! Series with made-up samples, one per line: the language in which script tests and rule unit tests load and expect data.
//!
//! A line is a label set and a list of values with shorthands for sequences: `errors{job="api"} 0 1+2x3 _ stale {{sum:1 count:2}}`.
//! The language is that of Prometheus' `promtool`; numbers may also be durations, as there.

mod histogram;
mod lexer;
mod start_timestamps;
mod values;

use std::sync::Arc;

use bellwether_model::{FloatHistogram, Labels};

use super::error::ParseErrors;
use super::parser::parse_series_labels;

pub use start_timestamps::{StartTimestamps, parse_start_timestamps};

/// No line may stand for more values: `0x99999999999` is a few bytes to write and a lot of memory to fill.
pub const MAX_SERIES_VALUES: usize = 5_000_000;

/// A label set and the values of its samples, one per step.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesDescription {
    /// The labels, the metric name included.
    pub labels: Labels,
    /// What happens at each step.
    pub values: Vec<SequenceValue>,
}

/// What happens at one step of a series.
#[derive(Debug, Clone)]
pub enum SequenceValue {
    /// There is no sample (`_`).
    Omitted,
    /// A float; `stale` is the staleness marker.
    Float(f64),
    /// A native histogram.
    Histogram {
        /// The histogram, counts and sum as written.
        histogram: Arc<FloatHistogram>,
        /// Whether a counter reset hint was written, so that an expectation can tell "unknown" from "any".
        hint_given: bool,
    },
}

/// Floats compare by their bits, so that staleness markers and other NaNs are told apart.
impl PartialEq for SequenceValue {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Omitted, Self::Omitted) => true,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (
                Self::Histogram { histogram: a, hint_given: a_hint },
                Self::Histogram { histogram: b, hint_given: b_hint },
            ) => a == b && a_hint == b_hint,
            _ => false,
        }
    }
}

/// Reads a series line: a label set and values.
///
/// ```
/// use bellwether_promql::syntax::{SequenceValue, parse_series};
///
/// let series = parse_series(r#"errors{job="api"} 1+2x2 _"#).unwrap();
/// assert_eq!(series.labels.to_string(), r#"errors{job="api"}"#);
/// let values = [SequenceValue::Float(1.0), SequenceValue::Float(3.0), SequenceValue::Float(5.0)];
/// assert_eq!(series.values[..3], values);
/// assert_eq!(series.values[3], SequenceValue::Omitted);
/// ```
pub fn parse_series(line: &str) -> Result<SeriesDescription, ParseErrors> {
    let (labels, values_start) = parse_series_labels(line)?;
    match values::parse_values(line, values_start) {
        Ok(values) => Ok(SeriesDescription { labels, values }),
        Err(error) => Err(ParseErrors::new(line, vec![error])),
    }
}

#[cfg(test)]
mod tests {
    use bellwether_model::{CounterResetHint, Span, stale_nan};

    use super::*;

    fn floats(line: &str) -> Vec<Option<f64>> {
        let series = parse_series(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        let float = |v: &SequenceValue| match v {
            SequenceValue::Omitted => None,
            SequenceValue::Float(v) => Some(*v),
            SequenceValue::Histogram { .. } => panic!("{line}: unexpected histogram"),
        };
        series.values.iter().map(float).collect()
    }

    fn histograms(line: &str) -> Vec<FloatHistogram> {
        let series = parse_series(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        let histogram = |v: &SequenceValue| match v {
            SequenceValue::Histogram { histogram, .. } => FloatHistogram::clone(histogram),
            other => panic!("{line}: unexpected {other:?}"),
        };
        series.values.iter().map(histogram).collect()
    }

    #[test]
    fn sequences() {
        let some = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
        assert_eq!(floats("{}"), some(&[]));
        assert_eq!(floats("{} "), some(&[]));
        assert_eq!(floats("m 1 2\t 3 "), some(&[1.0, 2.0, 3.0]));
        assert_eq!(floats("m 1+2x3 0x2"), some(&[1.0, 3.0, 5.0, 7.0, 0.0, 0.0, 0.0]));
        assert_eq!(
            floats("m -1-1x2 +5 .5 Inf -inf"),
            some(&[-1.0, -2.0, -3.0, 5.0, 0.5, f64::INFINITY, f64::NEG_INFINITY])
        );
        assert_eq!(floats("m _ _x2 1"), [None, None, None, Some(1.0)]);
        assert_eq!(floats("m 1m 1h-1mx1 1e3 0x1f 1_0"), some(&[60.0, 3600.0, 3540.0, 1000.0, 31.0, 10.0]));
        let stale = parse_series("m stale").expect("parses").values;
        assert_eq!(stale, [SequenceValue::Float(stale_nan())]);
    }

    #[test]
    fn labels() {
        let check = |line: &str, want: &str| {
            let series = parse_series(line).unwrap_or_else(|e| panic!("{line}: {e}"));
            assert_eq!(series.labels.to_string(), want, "{line}");
        };
        check("up 1", "up");
        check("sum 1", "sum");
        check(r#"up{b="2", a='1',} 1"#, r#"up{a="1", b="2"}"#);
        check(r#"{"a.b", x="y"} 1"#, r#"{"a.b", x="y"}"#);
        check(r#"{"l.m"="y"} 1"#, r#"{"l.m"="y"}"#);
        check("a:b{} 1", "a:b");
    }

    #[test]
    fn histogram_literals() {
        let all = "m {{schema:1 sum:-0.3 count:3.1 z_bucket:7.1 z_bucket_w:0.05 buckets:[5.1 10 7] offset:-3 n_buckets:[4.1 5 ] n_offset:5 counter_reset_hint:gauge}}";
        let want = FloatHistogram {
            counter_reset_hint: CounterResetHint::Gauge,
            schema: 1,
            zero_threshold: 0.05,
            zero_count: 7.1,
            count: 3.1,
            sum: -0.3,
            positive_spans: vec![Span { offset: -3, length: 3 }],
            negative_spans: vec![Span { offset: 5, length: 2 }],
            positive_buckets: vec![5.1, 10.0, 7.0],
            negative_buckets: vec![4.1, 5.0],
            custom_values: None,
        };
        assert_eq!(histograms(all), [want]);
        assert_eq!(histograms("m {{}} {{ }}"), [FloatHistogram::default(), FloatHistogram::default()]);
        let sums = |line: &str| histograms(line).iter().map(|h| h.sum).collect::<Vec<_>>();
        assert_eq!(sums("m {{sum:1}}x2 {{sum:5}}"), [1.0, 1.0, 1.0, 5.0]);
        assert_eq!(sums("m {{sum:1}}+{{sum:2}}x2"), [1.0, 3.0, 5.0]);
        assert_eq!(sums("m {{sum:1}}-{{sum:2}}x1 {{sum:-Inf}}"), [1.0, -1.0, f64::NEG_INFINITY]);
        let custom = &histograms("m {{schema:-53 custom_values:[1 2.5] buckets:[1 0 3]}}")[0];
        assert_eq!(custom.custom_bounds(), [1.0, 2.5]);
        let hints: Vec<bool> = parse_series("m {{}} {{counter_reset_hint:unknown}}")
            .expect("parses")
            .values
            .iter()
            .map(|v| matches!(v, SequenceValue::Histogram { hint_given: true, .. }))
            .collect();
        assert_eq!(hints, [false, true]);
    }

    #[test]
    fn errors() {
        let check = |line: &str, want: &str| {
            assert_eq!(parse_series(line).map_err(|e| e.to_string()), Err(want.to_owned()), "{line}");
        };
        check("m 1 _a4", "1:6: parse error: unexpected identifier \"a4\"");
        check(" 2", "1:2: parse error: unexpected number \"2\" in series values");
        check("m -3-3 -3", "1:7: parse error: unexpected \" \" in series values");
        check("m -3 -3-3", "1:10: parse error: unexpected end of input in series values");
        check("m -3 _-2", "1:7: parse error: unexpected <op:->");
        check("m 3+3x4-4", "1:8: parse error: unexpected <op:->");
        check(
            "m foo",
            "1:3: parse error: unexpected identifier \"foo\" in series values, expected number or \"stale\"",
        );
        check("m 1 ?", "1:5: parse error: unexpected character in series sequence: '?'");
        check(
            "m 1x2.5",
            "1:5: parse error: invalid repetition in series values: strconv.ParseUint: parsing \"2.5\": invalid syntax",
        );
        check("m 1.2.3", "1:3: parse error: bad number syntax: \"1.2.\"");
        check("m{a=1} 1", "1:5: parse error: unexpected character inside braces: '1'");
        check("m{a} 1", "1:4: parse error: unexpected \"}\" in label set, expected \"=\"");
        check("m{a=b} 1", "1:5: parse error: unexpected identifier \"b\" in label set, expected string");
        check("m{,} 1", "1:3: parse error: unexpected \",\" in label set, expected identifier or \"}\"");
        check(
            "m{a=\"b\" c=\"d\"} 1",
            "1:9: parse error: unexpected identifier \"c\" in label set, expected \",\" or \"}\"",
        );
        check("m {{sum:1 sum:2}}", "1:11: parse error: duplicate key \"sum\" in histogram");
        check(
            "m 3_x2",
            "1:3: parse error: error parsing number: strconv.ParseFloat: parsing \"3_\": invalid syntax",
        );
        check("m {{sum}", "1:5: parse error: missing `:` for histogram descriptor");
        check(
            "m {{sum:1 z_bucket_w:-1}}",
            "1:22: parse error: unexpected <op:-> in histogram description, expected histogram description key, e.g. buckets:[5 10 7]",
        );
        check("m {{z_bucket_w:-1}}", "1:16: parse error: unexpected <op:-> in series values");
        check("m {{buckets:[-{]}}", "1:15: parse error: bad number syntax: \"\"");
        check("m {{sums:1}}", "1:5: parse error: bad histogram descriptor found: \"sums\"");
        check("m {{sum}}", "1:5: parse error: missing `:` for histogram descriptor");
        check("m {{sum:1,count:2}}", "1:10: parse error: histogram description incomplete unexpected: ','");
        check("m {{buckets:[a]}}", "1:14: parse error: invalid character in buckets description: ']'");
        check("m {{sum:1count:2}}", "1:9: parse error: bad number syntax: \"1\"");
        check(
            "m {{schema:2}}+{{schema:1}}x2",
            "1:29: parse error: error combining histograms: cannot merge from schema 1 to 2",
        );
        check("m 0x99999999", "1:5: parse error: too many values: at most 5000000 are allowed");
    }
}
