use super::FloatHistogram;
use super::bucket::Bucket;

/// What a wider zero bucket takes in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Widened {
    /// The threshold that was asked for, or the outer bound of the populated bucket it fell into.
    pub(super) threshold: f64,
    /// How many positive buckets, counted from zero outwards, the zero bucket takes in.
    pub(super) n_positive: usize,
    /// The same for the negative ones.
    pub(super) n_negative: usize,
}

impl FloatHistogram {
    /// Finds out how far a zero bucket reaches that is at least `threshold` wide and does not cut a populated bucket.
    pub(super) fn widened_zero_bucket(&self, threshold: f64) -> Widened {
        let mut threshold = threshold;
        // One side may push the threshold into a populated bucket of the other one, so repeat until nothing moves. Each round but
        // the last takes in one more populated bucket.
        loop {
            let (after_positive, n_positive) =
                take_in(threshold, self.positive_buckets().map(|b| (b.lower, b.upper, b)));
            let (after_negative, n_negative) =
                take_in(after_positive, self.negative_buckets().map(|b| (-b.upper, -b.lower, b)));
            if after_negative <= threshold || threshold.is_nan() {
                return Widened { threshold, n_positive, n_negative };
            }
            threshold = after_negative;
        }
    }

    /// Makes the zero bucket at least `threshold` wide; counts of the buckets that it takes in go to its count.
    pub(super) fn widen_zero_bucket(&mut self, threshold: f64) {
        let widened = self.widened_zero_bucket(threshold);
        self.zero_threshold = widened.threshold;
        self.zero_count = self.count_in(widened);
        drop_inner(&mut self.positive_spans, widened.n_positive);
        drop_inner(&mut self.negative_spans, widened.n_negative);
        self.positive_buckets.drain(..widened.n_positive);
        self.negative_buckets.drain(..widened.n_negative);
    }

    /// The observations in a wider zero bucket.
    pub(super) fn count_in(&self, widened: Widened) -> f64 {
        let positive = &self.positive_buckets[..widened.n_positive];
        let negative = &self.negative_buckets[..widened.n_negative];
        positive.iter().chain(negative).fold(self.zero_count, |sum, v| sum + v)
    }
}

/// How many of the buckets of one side, given as inner and outer bound, lie within `threshold`, and how far the last one reaches.
fn take_in(threshold: f64, buckets: impl Iterator<Item = (f64, f64, Bucket)>) -> (f64, usize) {
    let mut n = 0;
    for (inner, outer, bucket) in buckets {
        if inner >= threshold {
            break;
        }
        n += 1;
        if outer > threshold {
            return (if bucket.count == 0.0 { threshold } else { outer }, n);
        }
    }
    (threshold, n)
}

/// Removes the first `n` buckets from a layout.
pub(super) fn drop_inner(spans: &mut Vec<super::Span>, n: usize) {
    if n > 0 {
        let mut kept = super::span::SpanBuilder::default();
        super::span::indices(spans).skip(n).for_each(|idx| kept.push(idx));
        *spans = kept.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Span;

    #[test]
    fn does_not_cut_populated_buckets() {
        // Positive buckets (0.5,1], (1,2], (2,4]; negative ones [-2,-1), [-4,-2).
        let h = FloatHistogram {
            zero_threshold: 0.1,
            zero_count: 1.0,
            positive_spans: vec![Span { offset: 0, length: 3 }],
            positive_buckets: vec![2.0, 0.0, 4.0],
            negative_spans: vec![Span { offset: 1, length: 2 }],
            negative_buckets: vec![8.0, 16.0],
            ..FloatHistogram::default()
        };
        let check = |to: f64, threshold: f64, zero_count: f64, positive: &[f64], negative: &[f64]| {
            let mut h = h.clone();
            h.widen_zero_bucket(to);
            assert_eq!((h.zero_threshold, h.zero_count), (threshold, zero_count), "{to}");
            assert_eq!((&h.positive_buckets[..], &h.negative_buckets[..]), (positive, negative), "{to}");
        };
        check(0.2, 0.2, 1.0, &[2.0, 0.0, 4.0], &[8.0, 16.0]);
        check(0.6, 1.0, 3.0, &[0.0, 4.0], &[8.0, 16.0]);
        check(1.0, 1.0, 3.0, &[0.0, 4.0], &[8.0, 16.0]);
        check(1.5, 2.0, 11.0, &[4.0], &[16.0]);
        check(3.0, 4.0, 31.0, &[], &[]);
    }
}
