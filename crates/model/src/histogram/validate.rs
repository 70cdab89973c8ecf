use super::integer::absolute_counts;
use super::schema::is_exponential_schema;
use super::span::bucket_count;
use super::{CUSTOM_BUCKETS_SCHEMA, FloatHistogram, Histogram, HistogramError, Span};

const POSITIVE: &str = "positive side";
const NEGATIVE: &str = "negative side";
const CUSTOM: &str = "custom buckets";

impl FloatHistogram {
    /// Checks the layout and that no bucket count is negative. That the buckets hold as many observations as the histogram is not checked: float counts are
    /// rounded.
    pub fn validate(&self) -> Result<(), HistogramError> {
        check_layout(&Parts {
            schema: self.schema,
            has_zero_count: self.zero_count != 0.0,
            zero_threshold: self.zero_threshold,
            positive_spans: &self.positive_spans,
            n_positive: self.positive_buckets.len(),
            negative_spans: &self.negative_spans,
            n_negative: self.negative_buckets.len(),
            custom_values: self.custom_values.as_deref(),
        })?;
        check_counts(NEGATIVE, self.negative_buckets.iter().copied())?;
        check_counts(POSITIVE, self.positive_buckets.iter().copied())
    }
}

impl Histogram {
    /// Checks the layout, that no bucket count is negative, and that the buckets hold all observations (or, if there are NaN observations, not more).
    pub fn validate(&self) -> Result<(), HistogramError> {
        check_layout(&Parts {
            schema: self.schema,
            has_zero_count: self.zero_count != 0,
            zero_threshold: self.zero_threshold,
            positive_spans: &self.positive_spans,
            n_positive: self.positive_deltas.len(),
            negative_spans: &self.negative_spans,
            n_negative: self.negative_deltas.len(),
            custom_values: self.custom_values.as_deref(),
        })?;
        check_counts(NEGATIVE, absolute_counts(&self.negative_deltas))?;
        check_counts(POSITIVE, absolute_counts(&self.positive_deltas))?;
        let sides = absolute_counts(&self.negative_deltas).chain(absolute_counts(&self.positive_deltas));
        let buckets = sides.fold(self.zero_count, |sum, n| sum.saturating_add(n.unsigned_abs()));
        let count = self.count;
        if self.sum.is_nan() {
            if buckets > count {
                return Err(HistogramError::CountNotBigEnough { buckets, count });
            }
        } else if buckets != count {
            return Err(HistogramError::CountMismatch { buckets, count });
        }
        Ok(())
    }
}

/// What the two kinds of histograms have in common.
struct Parts<'a> {
    schema: i32,
    has_zero_count: bool,
    zero_threshold: f64,
    positive_spans: &'a [Span],
    n_positive: usize,
    negative_spans: &'a [Span],
    n_negative: usize,
    custom_values: Option<&'a [f64]>,
}

fn check_layout(h: &Parts<'_>) -> Result<(), HistogramError> {
    if h.schema == CUSTOM_BUCKETS_SCHEMA {
        let bounds = h.custom_values.unwrap_or(&[]);
        check_custom_bounds(bounds)?;
        check_spans(CUSTOM, h.positive_spans, h.n_positive)?;
        // The first offset counts as well, and there is one bucket more than there are bounds.
        let end: i64 = h.positive_spans.iter().map(|s| i64::from(s.offset) + i64::from(s.length)).sum();
        if end > bounds.len() as i64 + 1 {
            return Err(HistogramError::CustomBoundsTooFew { bounds: bounds.len(), spans: end });
        }
        if let Some(offset) = h.positive_spans.first().map(|s| s.offset).filter(|offset| *offset < 0) {
            return Err(HistogramError::NegativeSpanOffset { side: CUSTOM, number: 1, offset });
        }
        if h.has_zero_count {
            return Err(HistogramError::CustomZeroCount);
        }
        if h.zero_threshold != 0.0 {
            return Err(HistogramError::CustomZeroThreshold);
        }
        if !h.negative_spans.is_empty() {
            return Err(HistogramError::CustomNegativeSpans);
        }
        if h.n_negative > 0 {
            return Err(HistogramError::CustomNegativeBuckets);
        }
        return Ok(());
    }
    if !is_exponential_schema(h.schema) {
        return Err(HistogramError::InvalidSchema(h.schema));
    }
    check_spans(POSITIVE, h.positive_spans, h.n_positive)?;
    check_spans(NEGATIVE, h.negative_spans, h.n_negative)?;
    if h.custom_values.is_some_and(|bounds| !bounds.is_empty()) {
        return Err(HistogramError::ExponentialWithCustomBounds);
    }
    Ok(())
}

fn check_spans(side: &'static str, spans: &[Span], n_buckets: usize) -> Result<(), HistogramError> {
    let mut end = 0_i64;
    for (at, span) in spans.iter().enumerate() {
        if at > 0 && span.offset < 0 {
            return Err(HistogramError::NegativeSpanOffset { side, number: at + 1, offset: span.offset });
        }
        end += i64::from(span.offset) + i64::from(span.length);
        if i32::try_from(end).is_err() {
            return Err(HistogramError::SpansTooFar { side, limit: i64::from(i32::MAX) });
        }
    }
    let needed = bucket_count(spans);
    if needed != n_buckets as u64 {
        return Err(HistogramError::SpansBucketsMismatch { side, spans: needed, buckets: n_buckets });
    }
    Ok(())
}

fn check_custom_bounds(bounds: &[f64]) -> Result<(), HistogramError> {
    if bounds.iter().any(|b| b.is_nan()) {
        return Err(HistogramError::CustomBoundsNan);
    }
    if let Some(pair) = bounds.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(HistogramError::CustomBoundsInvalid { previous: pair[0], current: pair[1] });
    }
    if bounds.iter().any(|b| b.is_infinite()) {
        return Err(HistogramError::CustomBoundsInfinite);
    }
    Ok(())
}

fn check_counts<T: PartialOrd + Default + ToString>(
    side: &'static str,
    counts: impl Iterator<Item = T>,
) -> Result<(), HistogramError> {
    match counts.enumerate().find(|(_, n)| *n < T::default()) {
        Some((at, n)) => {
            Err(HistogramError::NegativeBucketCount { side, number: at + 1, count: n.to_string() })
        }
        None => Ok(()),
    }
}
