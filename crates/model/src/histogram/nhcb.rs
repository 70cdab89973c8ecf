use std::sync::Arc;

use super::span::SpanBuilder;
use super::{CUSTOM_BUCKETS_SCHEMA, FloatHistogram};

/// The parts of a classic histogram, collected one by one and then turned into a native histogram with custom bounds.
#[derive(Debug, Clone, Default)]
pub struct ClassicHistogram {
    /// Cumulative counts by upper bound, sorted.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

/// Why a classic histogram has no native form. The messages are those of Prometheus.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClassicHistogramError {
    /// A bound is NaN.
    #[error("le is not a number")]
    NanBound,
    /// A bucket or the histogram has a negative count.
    #[error("bucket count must be non-negative: le={bound}, count={count}")]
    NegativeBucket {
        /// The upper bound of the bucket.
        bound: f64,
        /// Its count.
        count: f64,
    },
    /// The histogram has a negative count.
    #[error("count must be non-negative: count={0}")]
    NegativeCount(f64),
    /// A count is lower than that of a bucket with a lower bound.
    #[error("bucket counts must be cumulative: {lower} > {higher} at le={bound}")]
    NotCumulative {
        /// The count of the bucket before.
        lower: f64,
        /// The count.
        higher: f64,
        /// The upper bound.
        bound: f64,
    },
    /// The count of the last bucket is not that of the histogram.
    #[error("count mismatch: count={count}, last bucket={last}")]
    CountMismatch {
        /// The count of the histogram.
        count: f64,
        /// The count of the last bucket.
        last: f64,
    },
}

impl ClassicHistogram {
    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.buckets.clear();
        self.count = None;
        self.sum = 0.0;
    }

    /// Whether nothing was set.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty() && self.count.is_none()
    }

    /// Sets the cumulative count up to `bound`; a bound that was set before keeps its first count.
    pub fn set_bucket(&mut self, bound: f64, count: f64) -> Result<(), ClassicHistogramError> {
        if bound.is_nan() {
            return Err(ClassicHistogramError::NanBound);
        }
        if count < 0.0 {
            return Err(ClassicHistogramError::NegativeBucket { bound, count });
        }
        // Bounds mostly come in order, so this is an append.
        let at = self.buckets.partition_point(|(b, _)| *b < bound);
        if self.buckets.get(at).is_none_or(|(b, _)| *b != bound) {
            self.buckets.insert(at, (bound, count));
        }
        Ok(())
    }

    /// Sets the number of observations.
    pub fn set_count(&mut self, count: f64) -> Result<(), ClassicHistogramError> {
        if count < 0.0 {
            return Err(ClassicHistogramError::NegativeCount(count));
        }
        self.count = Some(count);
        Ok(())
    }

    /// Sets the sum of the observations.
    pub fn set_sum(&mut self, sum: f64) {
        self.sum = sum;
    }

    /// The native form. Without a count, that of the highest bucket is taken; without a bucket up to +Inf, one with the count is assumed.
    pub fn to_native(&self) -> Result<FloatHistogram, ClassicHistogramError> {
        let highest = self.buckets.last().map(|(_, count)| *count);
        let count = self.count.or(highest).unwrap_or(0.0);
        let mut cumulative = self.buckets.clone();
        match cumulative.last() {
            Some((bound, last)) if *bound == f64::INFINITY => {
                if *last != count {
                    return Err(ClassicHistogramError::CountMismatch { count, last: *last });
                }
            }
            _ => cumulative.push((f64::INFINITY, count)),
        }
        let (mut spans, mut counts, mut before) = (SpanBuilder::default(), Vec::new(), 0.0);
        for (idx, (bound, n)) in cumulative.iter().enumerate() {
            if *n < before {
                return Err(ClassicHistogramError::NotCumulative {
                    lower: before,
                    higher: *n,
                    bound: *bound,
                });
            }
            if *n > before {
                spans.push(idx as i32);
                counts.push(n - before);
            }
            before = *n;
        }
        // The last bound is +Inf, which goes without saying.
        let bounds: Arc<[f64]> = cumulative[..cumulative.len() - 1].iter().map(|(bound, _)| *bound).collect();
        Ok(FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count,
            sum: self.sum,
            positive_spans: spans.finish(),
            positive_buckets: counts,
            custom_values: Some(bounds),
            ..FloatHistogram::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Span;

    fn convert(buckets: &[(f64, f64)], count: Option<f64>) -> Result<FloatHistogram, ClassicHistogramError> {
        let mut classic = ClassicHistogram::default();
        for (bound, n) in buckets {
            classic.set_bucket(*bound, *n)?;
        }
        if let Some(count) = count {
            classic.set_count(count)?;
        }
        classic.set_sum(3.5);
        classic.to_native()
    }

    #[test]
    fn converts() {
        let h = convert(&[(2.0, 3.0), (1.0, 1.0), (f64::INFINITY, 7.0)], Some(7.0)).expect("valid");
        h.validate().expect("valid");
        assert_eq!(h.custom_bounds(), [1.0, 2.0]);
        assert_eq!(h.positive_buckets, [1.0, 2.0, 4.0]);
        assert_eq!((h.count, h.sum, h.schema), (7.0, 3.5, CUSTOM_BUCKETS_SCHEMA));
        let gap = convert(&[(1.0, 1.0), (2.0, 1.0), (3.0, 2.0)], None).expect("valid");
        gap.validate().expect("valid");
        assert_eq!(gap.positive_spans, [Span { offset: 0, length: 1 }, Span { offset: 1, length: 1 }]);
        assert_eq!(gap.count, 2.0);
        let more = convert(&[(1.0, 1.0)], Some(3.0)).expect("valid");
        assert_eq!(more.positive_buckets, [1.0, 2.0]);
    }

    #[test]
    fn refuses() {
        assert!(matches!(
            convert(&[(1.0, 2.0), (2.0, 1.0)], None),
            Err(ClassicHistogramError::NotCumulative { .. })
        ));
        assert!(matches!(convert(&[(1.0, -2.0)], None), Err(ClassicHistogramError::NegativeBucket { .. })));
        assert!(matches!(convert(&[], Some(-1.0)), Err(ClassicHistogramError::NegativeCount(_))));
        assert!(matches!(convert(&[(f64::NAN, 1.0)], None), Err(ClassicHistogramError::NanBound)));
        let mismatch = convert(&[(f64::INFINITY, 4.0)], Some(5.0));
        assert_eq!(mismatch, Err(ClassicHistogramError::CountMismatch { count: 5.0, last: 4.0 }));
    }
}
