use std::sync::Arc;

use super::{CounterResetHint, FloatHistogram, Span};

/// A native histogram with integer counts; bucket counts are deltas to the bucket before, as on the wire.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// What is known about a reset.
    pub counter_reset_hint: CounterResetHint,
    /// Resolution: -4 to 8, or [`CUSTOM_BUCKETS_SCHEMA`](super::CUSTOM_BUCKETS_SCHEMA).
    pub schema: i32,
    /// Half the width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: u64,
    /// All observations.
    pub count: u64,
    /// Sum of the observations.
    pub sum: f64,
    /// Where the positive buckets lie.
    pub positive_spans: Vec<Span>,
    /// Where the negative buckets lie.
    pub negative_spans: Vec<Span>,
    /// Differences between consecutive positive bucket counts.
    pub positive_deltas: Vec<i64>,
    /// Differences between consecutive negative bucket counts.
    pub negative_deltas: Vec<i64>,
    /// As in [`FloatHistogram`].
    pub custom_values: Option<Arc<[f64]>>,
}

impl Histogram {
    /// The same histogram with float counts. Counts above 2^53 are rounded.
    pub fn to_float(&self) -> FloatHistogram {
        FloatHistogram {
            counter_reset_hint: self.counter_reset_hint,
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count as f64,
            count: self.count as f64,
            sum: self.sum,
            positive_spans: self.positive_spans.clone(),
            negative_spans: self.negative_spans.clone(),
            positive_buckets: absolute_counts(&self.positive_deltas).map(|n| n as f64).collect(),
            negative_buckets: absolute_counts(&self.negative_deltas).map(|n| n as f64).collect(),
            custom_values: self.custom_values.clone(),
        }
    }
}

/// The counts behind deltas. Sums wrap, so that data that was not validated cannot panic.
pub(super) fn absolute_counts(deltas: &[i64]) -> impl Iterator<Item = i64> + '_ {
    deltas.iter().scan(0_i64, |count, delta| {
        *count = count.wrapping_add(*delta);
        Some(*count)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_deltas_to_counts() {
        let h = Histogram {
            count: 9,
            zero_count: 1,
            sum: 2.5,
            positive_spans: vec![Span { offset: 1, length: 3 }],
            positive_deltas: vec![2, 1, -2],
            negative_spans: vec![Span { offset: 0, length: 1 }],
            negative_deltas: vec![2],
            ..Histogram::default()
        };
        let f = h.to_float();
        assert_eq!(f.positive_buckets, [2.0, 3.0, 1.0]);
        assert_eq!(f.negative_buckets, [2.0]);
        assert_eq!((f.count, f.zero_count, f.sum), (9.0, 1.0, 2.5));
        assert_eq!(f.positive_spans, h.positive_spans);
    }
}
