use std::sync::Arc;

use super::CounterResetHint;
use super::schema::CUSTOM_BUCKETS_SCHEMA;
use super::span::Span;
use crate::value::is_stale_nan;

/// A native histogram with float counts; bucket counts are absolute.
///
/// The methods expect a histogram that passes [`validate`](Self::validate): as many counts as the spans hold, custom bounds only with
/// custom buckets. Results of arithmetic stay valid, except that counts may become negative.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FloatHistogram {
    /// What is known about a reset.
    pub counter_reset_hint: CounterResetHint,
    /// Resolution: -4 to 8, or [`CUSTOM_BUCKETS_SCHEMA`].
    pub schema: i32,
    /// Half the width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations.
    pub count: f64,
    /// Sum of the observations; the staleness marker makes the whole histogram a staleness marker.
    pub sum: f64,
    /// Where the positive buckets lie.
    pub positive_spans: Vec<Span>,
    /// Where the negative buckets lie.
    pub negative_spans: Vec<Span>,
    /// Counts of the positive buckets, as many as the spans hold.
    pub positive_buckets: Vec<f64>,
    /// Counts of the negative buckets, as many as the spans hold.
    pub negative_buckets: Vec<f64>,
    /// Upper bounds for [`CUSTOM_BUCKETS_SCHEMA`], strictly increasing, without `+Inf`. Shared, because consecutive samples
    /// have the same bounds.
    pub custom_values: Option<Arc<[f64]>>,
}

impl FloatHistogram {
    /// Whether this marks a series as stale.
    pub fn is_stale(&self) -> bool {
        is_stale_nan(self.sum)
    }

    /// Whether the buckets have custom bounds.
    pub fn uses_custom_buckets(&self) -> bool {
        self.schema == CUSTOM_BUCKETS_SCHEMA
    }

    /// The custom bounds; empty for exponential buckets.
    pub fn custom_bounds(&self) -> &[f64] {
        self.custom_values.as_deref().unwrap_or(&[])
    }

    /// The arithmetic mean of the observations; NaN if there are none.
    pub fn mean(&self) -> f64 {
        self.sum / self.count
    }

    /// Multiplies all counts and the sum. With a negative factor the result is a gauge.
    pub fn scale(&mut self, factor: f64) {
        self.for_each_count(|v| *v *= factor);
        if factor < 0.0 {
            self.counter_reset_hint = CounterResetHint::Gauge;
        }
    }

    /// Divides all counts and the sum. Division by zero removes the buckets, because their counts would have no meaning; division by
    /// a negative number yields a gauge.
    pub fn divide(&mut self, divisor: f64) {
        self.for_each_count(|v| *v /= divisor);
        if divisor == 0.0 {
            self.positive_spans.clear();
            self.negative_spans.clear();
            self.positive_buckets.clear();
            self.negative_buckets.clear();
        } else if divisor < 0.0 {
            self.counter_reset_hint = CounterResetHint::Gauge;
        }
    }

    /// Whether a count, the sum or a bound is infinite.
    pub fn has_overflow(&self) -> bool {
        [self.zero_count, self.count, self.sum].iter().any(|v| v.is_infinite())
            || self.positive_buckets.iter().chain(&self.negative_buckets).any(|v| v.is_infinite())
            || self.custom_bounds().iter().any(|v| v.is_infinite())
    }

    fn for_each_count(&mut self, mut f: impl FnMut(&mut f64)) {
        f(&mut self.zero_count);
        f(&mut self.count);
        f(&mut self.sum);
        self.positive_buckets.iter_mut().for_each(&mut f);
        self.negative_buckets.iter_mut().for_each(&mut f);
    }
}
