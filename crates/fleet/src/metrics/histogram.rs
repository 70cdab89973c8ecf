use std::time::Duration;

use bellwether_sdk::{HistogramHandle, TraceContext};

/// The trace that an observation belongs to, for exemplars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace(pub(crate) u128);

impl Trace {
    /// The same for the instruments. Its only span has an id made of the trace's.
    fn context(self) -> TraceContext {
        TraceContext { trace_id: self.0, span_id: (self.0 >> 64) as u64 | 1 }
    }
}

/// Counts `value` in a histogram of the instruments; a traced one, with its simulated time, becomes the exemplar of its bucket.
pub(crate) fn observe(histogram: HistogramHandle, value: f64, traced: Option<(Trace, i64)>) {
    match traced {
        Some((trace, ts_ms)) => {
            let time = Duration::from_millis(ts_ms.max(0).unsigned_abs());
            histogram.observe_traced_at(value, trace.context(), time);
        }
        None => histogram.observe(value),
    }
}

/// The last traced observation of a bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BucketExemplar {
    pub(crate) trace: Trace,
    pub(crate) value: f64,
    pub(crate) ts_ms: i64,
}

/// A classic histogram.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    pub(crate) bounds: &'static [f64],
    /// One count per bound and one for `+Inf`; not cumulative.
    pub(crate) counts: Vec<u64>,
    pub(crate) sum: f64,
    pub(crate) exemplars: Vec<Option<BucketExemplar>>,
}

impl Histogram {
    pub(crate) fn new(bounds: &'static [f64]) -> Self {
        debug_assert!(bounds.is_sorted(), "BUG: histogram bounds must increase");
        let buckets = bounds.len() + 1;
        Self { bounds, counts: vec![0; buckets], sum: 0.0, exemplars: vec![None; buckets] }
    }

    /// Counts `value`; a traced one becomes the exemplar of its bucket.
    pub(crate) fn observe(&mut self, value: f64, traced: Option<(Trace, i64)>) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket] += 1;
        self.sum += value;
        if let Some((trace, ts_ms)) = traced {
            self.exemplars[bucket] = Some(BucketExemplar { trace, value, ts_ms });
        }
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.bounds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upper_bound_belongs_to_its_bucket() {
        let mut histogram = Histogram::new(&[1.0, 2.0]);
        for value in [0.5, 1.0, 1.5, 2.0, 2.5] {
            histogram.observe(value, None);
        }
        assert_eq!(histogram.counts, [2, 2, 1]);
        assert_eq!(histogram.sum, 7.5);
    }
}
