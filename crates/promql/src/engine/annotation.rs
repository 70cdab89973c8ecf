use std::collections::HashMap;
use std::fmt::Write as _;

use bellwether_model::format_float_go;

use super::civil::rfc3339_seconds;
use crate::syntax::TextSpan;
use crate::syntax::quote::quote;

/// No query keeps more distinct annotations than this; the rest is only counted.
const MAX_ANNOTATIONS: usize = 1000;

/// Whether an annotation says that the result is likely wrong or only that something is noteworthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The result is likely not what was meant.
    Warning,
    /// Something that the author of the query may want to know.
    Info,
}

/// What an annotation says. The texts are those of Prometheus; a name is that of the metric, empty if it has none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Remark {
    InvalidRatio { got: Bits, capped: Bits },
    InvalidQuantile { got: Bits },
    BadBucketLabel { label: String, metric: String },
    MixedFloatsHistograms { metric: String },
    MixedFloatsHistogramsAggregation,
    MixedClassicNative { metric: String },
    NotCounter { metric: String },
    NotGauge { metric: String },
    MixedExponentialCustom { metric: String },
    IncompatibleBucketLayout { op: &'static str },
    SortInRangeQuery,
    CounterResetCollision { during: HistogramOperation },
    StartTimeOverlap { metric: String },
    Storage { text: String },
    PossibleNonCounter { metric: String },
    PossibleNonCounterLabel { metric: String, type_label: String },
    IncompatibleTypes { lhs: &'static str, op: &'static str, rhs: &'static str },
    HistogramIgnoredInAggregation { aggregation: &'static str },
    HistogramIgnoredInMixedRange { metric: String },
    QuantileNanResult { metric: String },
    QuantileNanSkew { metric: String },
    FractionNan { metric: String },
    CustomBucketsReconciled { during: HistogramOperation },
    ForcedMonotonicity { metric: String },
}

/// A float that is compared by its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Bits(u64);

impl From<f64> for Bits {
    fn from(v: f64) -> Self {
        Self(v.to_bits())
    }
}

impl Bits {
    fn text(self) -> String {
        format_float_go(f64::from_bits(self.0))
    }
}

/// During what histograms were combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum HistogramOperation {
    Addition,
    Subtraction,
    Aggregation,
}

impl HistogramOperation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Subtraction => "subtraction",
            Self::Aggregation => "aggregation",
        }
    }
}

impl Remark {
    fn severity(&self) -> Severity {
        match self {
            Self::InvalidRatio { .. }
            | Self::InvalidQuantile { .. }
            | Self::BadBucketLabel { .. }
            | Self::MixedFloatsHistograms { .. }
            | Self::MixedFloatsHistogramsAggregation
            | Self::MixedClassicNative { .. }
            | Self::NotCounter { .. }
            | Self::NotGauge { .. }
            | Self::MixedExponentialCustom { .. }
            | Self::IncompatibleBucketLayout { .. }
            | Self::SortInRangeQuery
            | Self::CounterResetCollision { .. }
            | Self::StartTimeOverlap { .. }
            | Self::Storage { .. } => Severity::Warning,
            Self::PossibleNonCounter { .. }
            | Self::PossibleNonCounterLabel { .. }
            | Self::IncompatibleTypes { .. }
            | Self::HistogramIgnoredInAggregation { .. }
            | Self::HistogramIgnoredInMixedRange { .. }
            | Self::QuantileNanResult { .. }
            | Self::QuantileNanSkew { .. }
            | Self::FractionNan { .. }
            | Self::CustomBucketsReconciled { .. }
            | Self::ForcedMonotonicity { .. } => Severity::Info,
        }
    }

    fn text(&self) -> String {
        let for_metric = |text: &str, metric: &str| {
            if metric.is_empty() {
                text.to_owned()
            } else {
                format!("{text} for metric name {}", quote(metric))
            }
        };
        let body = match self {
            Self::InvalidRatio { got, capped } => format!(
                "ratio value should be between -1 and 1, got {}, capping to {}",
                got.text(),
                capped.text()
            ),
            Self::InvalidQuantile { got } => {
                format!("quantile value should be between 0 and 1, got {}", got.text())
            }
            Self::BadBucketLabel { label, metric } => for_metric(
                &format!("bucket label \"le\" is missing or has a malformed value of {}", quote(label)),
                metric,
            ),
            Self::MixedFloatsHistograms { metric } => {
                format!("encountered a mix of histograms and floats for metric name {}", quote(metric))
            }
            Self::MixedFloatsHistogramsAggregation => {
                "encountered a mix of histograms and floats for aggregation".to_owned()
            }
            Self::MixedClassicNative { metric } => {
                for_metric("vector contains a mix of classic and native histograms", metric)
            }
            Self::NotCounter { metric } => {
                format!("this native histogram metric is not a counter: {}", quote(metric))
            }
            Self::NotGauge { metric } => {
                format!("this native histogram metric is not a gauge: {}", quote(metric))
            }
            Self::MixedExponentialCustom { metric } => format!(
                "vector contains a mix of histograms with exponential and custom buckets schemas for metric name {}",
                quote(metric)
            ),
            Self::IncompatibleBucketLayout { op } => {
                format!("incompatible bucket layout encountered for binary operator {op}")
            }
            Self::SortInRangeQuery => {
                "sort is ineffective for range queries since results are always ordered by labels".to_owned()
            }
            Self::CounterResetCollision { during } => {
                format!("conflicting counter resets during histogram {}", during.as_str())
            }
            Self::StartTimeOverlap { metric } => format!(
                "sample has start time that overlaps with previous sample timestamp for metric {}",
                quote(metric)
            ),
            Self::Storage { text } => return text.clone(),
            Self::PossibleNonCounter { metric } => format!(
                "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {}",
                quote(metric)
            ),
            Self::PossibleNonCounterLabel { metric, type_label } => format!(
                "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got {}: {}",
                quote(type_label),
                quote(metric)
            ),
            Self::IncompatibleTypes { lhs, op, rhs } => format!(
                "incompatible sample types encountered for binary operator {}: {lhs} {op} {rhs}",
                quote(op)
            ),
            Self::HistogramIgnoredInAggregation { aggregation } => {
                format!("ignored histogram in {aggregation} aggregation")
            }
            Self::HistogramIgnoredInMixedRange { metric } => format!(
                "ignored histograms in a range containing both floats and histograms for metric name {}",
                quote(metric)
            ),
            Self::QuantileNanResult { metric } => {
                for_metric("input to histogram_quantile has NaN observations, result is NaN", metric)
            }
            Self::QuantileNanSkew { metric } => for_metric(
                "input to histogram_quantile has NaN observations, result is skewed higher",
                metric,
            ),
            Self::FractionNan { metric } => for_metric(
                "input to histogram_fraction has NaN observations, which are excluded from all fractions",
                metric,
            ),
            Self::CustomBucketsReconciled { during } => {
                format!("mismatched custom buckets were reconciled during {}", during.as_str())
            }
            Self::ForcedMonotonicity { metric } => for_metric(
                "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)",
                metric,
            ),
        };
        match self.severity() {
            Severity::Warning => format!("PromQL warning: {body}"),
            Severity::Info => format!("PromQL info: {body}"),
        }
    }
}

/// Where, and by how much, classic buckets had to be made monotonic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Monotonicity {
    pub(crate) first_ts_ms: i64,
    pub(crate) last_ts_ms: i64,
    pub(crate) min_bucket: f64,
    pub(crate) max_bucket: f64,
    pub(crate) max_diff: f64,
    pub(crate) samples: usize,
}

impl Monotonicity {
    fn merge(&mut self, other: Self) {
        self.first_ts_ms = self.first_ts_ms.min(other.first_ts_ms);
        self.last_ts_ms = self.last_ts_ms.max(other.last_ts_ms);
        self.min_bucket = self.min_bucket.min(other.min_bucket);
        self.max_bucket = self.max_bucket.max(other.max_bucket);
        self.max_diff = self.max_diff.max(other.max_diff);
        self.samples += other.samples;
    }

    fn text(&self) -> String {
        format!(
            ", from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
            format_float_go(self.min_bucket),
            format_float_go(self.max_bucket),
            two_digits(self.max_diff),
            self.samples,
            rfc3339_seconds(self.first_ts_ms / 1000),
            rfc3339_seconds(self.last_ts_ms / 1000)
        )
    }
}

/// Formats like Go's verb `%.2g`.
fn two_digits(v: f64) -> String {
    if !v.is_finite() || v == 0.0 {
        return format_float_go(v);
    }
    let text = format!("{v:.1e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..2).contains(&exponent) {
        let rounded = format!("{v:.*}", usize::try_from(1 - exponent).unwrap_or(0));
        return if rounded.contains('.') {
            rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            rounded
        };
    }
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[derive(Debug, Clone)]
struct Annotation {
    remark: Remark,
    span: Option<TextSpan>,
    monotonicity: Option<Monotonicity>,
}

/// What is to be said about a result beside the result itself.
///
/// Annotations with the same text are one, at the place where it was first said; so a query over many steps does not repeat itself.
#[derive(Debug, Clone, Default)]
pub struct Annotations {
    list: Vec<Annotation>,
    index: HashMap<Remark, usize>,
    /// How many warnings and infos did not find room.
    omitted: [usize; 2],
}

impl Annotations {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The warnings as the HTTP API shows them, with line and column in `query`; at most `limit` (0: all), then how many are left out.
    pub fn warnings(&self, query: &str, limit: usize) -> Vec<String> {
        self.texts(Severity::Warning, query, limit)
    }

    /// The infos; see [`warnings`](Self::warnings).
    pub fn infos(&self, query: &str, limit: usize) -> Vec<String> {
        self.texts(Severity::Info, query, limit)
    }

    /// Adds a warning of the store.
    pub(crate) fn add_storage_warning(&mut self, text: String) {
        self.push(Annotation { remark: Remark::Storage { text }, span: None, monotonicity: None });
    }

    pub(crate) fn add(&mut self, remark: Remark, span: TextSpan) {
        self.push(Annotation { remark, span: Some(span), monotonicity: None });
    }

    pub(crate) fn add_forced_monotonicity(&mut self, metric: &str, span: TextSpan, found: Monotonicity) {
        let remark = Remark::ForcedMonotonicity { metric: metric.to_owned() };
        self.push(Annotation { remark, span: Some(span), monotonicity: Some(found) });
    }

    /// Adds those of `other` behind these.
    pub(crate) fn merge(&mut self, other: Self) {
        for annotation in other.list {
            self.push(annotation);
        }
        self.omitted[0] += other.omitted[0];
        self.omitted[1] += other.omitted[1];
    }

    fn push(&mut self, annotation: Annotation) {
        if let Some(idx) = self.index.get(&annotation.remark) {
            if let (Some(seen), Some(more)) = (&mut self.list[*idx].monotonicity, annotation.monotonicity) {
                seen.merge(more);
            }
            return;
        }
        if self.list.len() >= MAX_ANNOTATIONS {
            self.omitted[annotation.remark.severity() as usize] += 1;
            return;
        }
        self.index.insert(annotation.remark.clone(), self.list.len());
        self.list.push(annotation);
    }

    fn texts(&self, severity: Severity, query: &str, limit: usize) -> Vec<String> {
        let mut texts = Vec::new();
        let mut omitted = self.omitted[severity as usize];
        for annotation in self.list.iter().filter(|a| a.remark.severity() == severity) {
            if limit == 0 || texts.len() < limit {
                texts.push(annotation.text(query));
            } else {
                omitted += 1;
            }
        }
        if omitted > 0 {
            let what = match severity {
                Severity::Warning => "warning",
                Severity::Info => "info",
            };
            texts.push(format!("{omitted} more {what} annotations omitted"));
        }
        texts
    }
}

impl Annotation {
    fn text(&self, query: &str) -> String {
        let mut text = self.remark.text();
        if let Some(monotonicity) = &self.monotonicity {
            text.push_str(&monotonicity.text());
        }
        if let Some(span) = self.span {
            let (line, column) = span.line_column(query);
            write!(text, " ({line}:{column})").expect("BUG: writing to a string cannot fail");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: usize) -> TextSpan {
        TextSpan::new(start, start + 1)
    }

    #[test]
    fn the_same_text_is_said_once_where_it_came_first() {
        let mut all = Annotations::default();
        let remark = |metric: &str| Remark::NotCounter { metric: metric.to_owned() };
        all.add(remark("a"), span(3));
        all.add(remark("b"), span(3));
        all.add(remark("a"), span(0));
        let mut more = Annotations::default();
        more.add(remark("b"), span(1));
        more.add(Remark::SortInRangeQuery, span(1));
        all.merge(more);
        assert_eq!(
            all.warnings("x + rate(y)", 2),
            [
                "PromQL warning: this native histogram metric is not a counter: \"a\" (1:4)",
                "PromQL warning: this native histogram metric is not a counter: \"b\" (1:4)",
                "1 more warning annotations omitted"
            ]
        );
        assert!(all.infos("x", 0).is_empty());
    }

    #[test]
    fn monotonicity_accumulates() {
        let found = |ts, bucket, diff| Monotonicity {
            first_ts_ms: ts,
            last_ts_ms: ts,
            min_bucket: bucket,
            max_bucket: bucket,
            max_diff: diff,
            samples: 1,
        };
        let mut all = Annotations::default();
        all.add_forced_monotonicity("m", span(0), found(60_000, 5.0, 0.123));
        all.add_forced_monotonicity("m", span(2), found(1_000, 10.0, 12.6));
        assert_eq!(
            all.infos("q", 10),
            [
                "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name \"m\", from buckets 5 to 10, with a max diff of 13, over 2 samples from 1970-01-01T00:00:01Z to 1970-01-01T00:01:00Z (1:1)"
            ]
        );
    }

    #[test]
    fn the_number_of_annotations_is_bounded() {
        let mut all = Annotations::default();
        for i in 0..MAX_ANNOTATIONS + 5 {
            all.add(Remark::NotCounter { metric: i.to_string() }, span(0));
        }
        let texts = all.warnings("q", 0);
        assert_eq!(texts.len(), MAX_ANNOTATIONS + 1);
        assert_eq!(texts.last().map(String::as_str), Some("5 more warning annotations omitted"));
    }

    #[test]
    fn two_digits_like_go() {
        let check = |v: f64, want: &str| assert_eq!(two_digits(v), want);
        check(5.0, "5");
        check(0.123, "0.12");
        check(0.1, "0.1");
        check(12.6, "13");
        check(99.9, "1e+02");
        check(123.0, "1.2e+02");
        check(0.000_01, "1e-05");
        check(0.000_12, "0.00012");
        check(1.96, "2");
    }
}
