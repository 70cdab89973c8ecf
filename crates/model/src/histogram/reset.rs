use super::custom_bounds::common_bounds;
use super::layout::BucketMap;
use super::span::{Span, indices};
use super::{CounterResetHint, FloatHistogram};

impl FloatHistogram {
    /// Whether the counters were reset between `previous` and this histogram.
    ///
    /// The hint decides if it knows. Otherwise a reset is anything that cannot happen while a histogram only counts: a count that is smaller, a bucket
    /// that is gone, a higher resolution, a narrower zero bucket or one that cuts what was a populated bucket, and a change between
    /// exponential and custom buckets. Custom bounds may change: then the counts between common bounds are compared.
    pub fn detect_reset(&self, previous: &Self) -> bool {
        match self.counter_reset_hint {
            CounterResetHint::Reset => return true,
            CounterResetHint::NotReset => return false,
            CounterResetHint::Unknown | CounterResetHint::Gauge => {}
        }
        if self.count < previous.count || self.uses_custom_buckets() != previous.uses_custom_buckets() {
            return true;
        }
        if self.uses_custom_buckets() {
            return self.detect_reset_between_bounds(previous);
        }
        if self.schema > previous.schema || self.zero_threshold < previous.zero_threshold {
            return true;
        }
        let widened = previous.widened_zero_bucket(self.zero_threshold);
        if widened.threshold != self.zero_threshold || self.zero_count < previous.count_in(widened) {
            return true;
        }
        let to = self.schema;
        [
            (
                &self.positive_spans,
                &self.positive_buckets,
                &previous.positive_spans,
                &previous.positive_buckets,
            ),
            (
                &self.negative_spans,
                &self.negative_buckets,
                &previous.negative_spans,
                &previous.negative_buckets,
            ),
        ]
        .into_iter()
        .any(|(spans, counts, previous_spans, previous_counts)| {
            let outside =
                BucketMap::outside_zero_bucket(previous_spans, previous.schema, self.zero_threshold);
            let left = outside.apply(previous_counts);
            if previous.schema == to {
                shrank(spans, counts, &outside.spans, &left)
            } else {
                let coarser = BucketMap::coarser(&outside.spans, previous.schema, to);
                shrank(spans, counts, &coarser.spans, &coarser.apply(&left))
            }
        })
    }

    /// The hint under which Prometheus reads this histogram back from its storage, given the sample before it in the series (`None` if that is no
    /// histogram, or none at all).
    ///
    /// A store that keeps histograms of one layout together knows that there was no reset between them, so it tells readers, who need not
    /// compare. Where it had to start anew, because of a reset or another layout, it leaves the comparison to the reader, who may see other
    /// samples. So the hint is never [`CounterResetHint::Reset`], even if the source gave that.
    pub fn stored_reset_hint(&self, previous: Option<&Self>) -> CounterResetHint {
        use CounterResetHint::{Gauge, NotReset, Reset, Unknown};

        match (self.counter_reset_hint, previous) {
            (Gauge, _) => Gauge,
            (Reset, _) | (_, None) => Unknown,
            (_, Some(previous)) if previous.counter_reset_hint == Gauge || previous.is_stale() => Unknown,
            (_, Some(previous)) if self.continues(previous) => NotReset,
            _ => Unknown,
        }
    }

    /// Whether the histogram has the layout of the one before it and no count is smaller.
    fn continues(&self, previous: &Self) -> bool {
        self.same_grid(previous)
            && self.count >= previous.count
            && self.zero_count >= previous.zero_count
            && ![
                (
                    &self.positive_spans,
                    &self.positive_buckets,
                    &previous.positive_spans,
                    &previous.positive_buckets,
                ),
                (
                    &self.negative_spans,
                    &self.negative_buckets,
                    &previous.negative_spans,
                    &previous.negative_buckets,
                ),
            ]
            .into_iter()
            .any(|(spans, counts, previous_spans, previous_counts)| {
                shrank(spans, counts, previous_spans, previous_counts)
            })
    }

    fn detect_reset_between_bounds(&self, previous: &Self) -> bool {
        if self.custom_bounds() == previous.custom_bounds() {
            return shrank(
                &self.positive_spans,
                &self.positive_buckets,
                &previous.positive_spans,
                &previous.positive_buckets,
            );
        }
        let common = common_bounds(self.custom_bounds(), previous.custom_bounds());
        let [now, before] = [self, previous].map(|h| {
            let kept = common.as_deref().unwrap_or(&[]);
            let map = BucketMap::fewer_bounds(&h.positive_spans, h.custom_bounds(), kept);
            let counts = map.apply(&h.positive_buckets);
            (map.spans, counts)
        });
        shrank(&now.0, &now.1, &before.0, &before.1)
    }
}

/// Whether a populated bucket is gone or holds less than before.
fn shrank(spans: &[Span], counts: &[f64], previous_spans: &[Span], previous_counts: &[f64]) -> bool {
    let mut now = indices(spans).zip(counts).peekable();
    indices(previous_spans).zip(previous_counts).any(|(idx, before)| {
        while now.next_if(|(i, _)| *i < idx).is_some() {}
        match now.next_if(|(i, _)| *i == idx) {
            Some((_, count)) => count < before,
            None => *before != 0.0,
        }
    })
}
