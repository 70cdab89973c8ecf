use super::bucket::Side;
use super::layout::BucketMap;
use super::schema::{MAX_EXPONENTIAL_SCHEMA, MAX_RESERVED_SCHEMA, is_exponential_schema};
use super::{FloatHistogram, Histogram, HistogramError};

impl FloatHistogram {
    /// Merges exponential buckets until the schema is `schema`. Does nothing if the resolution is not higher than that, or if one of the two
    /// schemas is not exponential.
    pub fn reduce_resolution(&mut self, schema: i32) {
        if schema >= self.schema || !is_exponential_schema(schema) || !is_exponential_schema(self.schema) {
            return;
        }
        self.merge_buckets(schema);
    }

    /// Checks a histogram that someone sent as [`validate`](Self::validate) does. One that is finer than any that can be kept (schemas 9 to 52) is
    /// as good as the others, but gets the highest resolution there is, as in Prometheus.
    pub fn admit(&mut self) -> Result<(), HistogramError> {
        let Some(from) = too_fine(self.schema) else { return self.validate() };
        // The rules are the same for all resolutions, and buckets can be merged only if they are kept.
        self.schema = MAX_EXPONENTIAL_SCHEMA;
        self.validate()?;
        self.schema = from;
        self.merge_buckets(MAX_EXPONENTIAL_SCHEMA);
        Ok(())
    }

    /// Merges buckets until the schema is `schema`, which is lower.
    fn merge_buckets(&mut self, schema: i32) {
        for side in [Side::Positive, Side::Negative] {
            let from = self.schema;
            let (spans, counts) = self.side_mut(side);
            let map = BucketMap::coarser(spans, from, schema);
            *counts = map.apply(counts);
            *spans = map.spans;
        }
        self.schema = schema;
    }

    /// A copy whose schema is at most `schema`; see [`reduce_resolution`](Self::reduce_resolution).
    #[must_use]
    pub fn at_resolution(&self, schema: i32) -> Self {
        let mut copy = self.clone();
        copy.reduce_resolution(schema);
        copy
    }
}

impl Histogram {
    /// As [`FloatHistogram::reduce_resolution`].
    pub fn reduce_resolution(&mut self, schema: i32) {
        if schema >= self.schema || !is_exponential_schema(schema) || !is_exponential_schema(self.schema) {
            return;
        }
        self.merge_buckets(schema);
    }

    /// As [`FloatHistogram::admit`].
    pub fn admit(&mut self) -> Result<(), HistogramError> {
        let Some(from) = too_fine(self.schema) else { return self.validate() };
        self.schema = MAX_EXPONENTIAL_SCHEMA;
        self.validate()?;
        self.schema = from;
        self.merge_buckets(MAX_EXPONENTIAL_SCHEMA);
        Ok(())
    }

    fn merge_buckets(&mut self, schema: i32) {
        for (spans, deltas) in [
            (&mut self.positive_spans, &mut self.positive_deltas),
            (&mut self.negative_spans, &mut self.negative_deltas),
        ] {
            let map = BucketMap::coarser(spans, self.schema, schema);
            let mut counts = vec![0_i64; map.len];
            for (target, n) in map.targets.iter().zip(super::integer::absolute_counts(deltas)) {
                if let Some(target) = target {
                    counts[*target] = counts[*target].wrapping_add(n);
                }
            }
            let mut previous = 0;
            *deltas = counts
                .into_iter()
                .map(|n: i64| n.wrapping_sub(std::mem::replace(&mut previous, n)))
                .collect();
            *spans = map.spans;
        }
        self.schema = schema;
    }
}

/// The schema if it is one of those that are reserved for resolutions that are not kept.
fn too_fine(schema: i32) -> Option<i32> {
    (schema > MAX_EXPONENTIAL_SCHEMA && schema <= MAX_RESERVED_SCHEMA).then_some(schema)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Span;

    /// Bucket `i` of schema 9 lies in bucket `ceil(i / 2)` of schema 8.
    #[test]
    fn what_is_too_fine_is_taken_in_at_the_highest_resolution() {
        let spans = |offset, length| vec![Span { offset, length }];
        let float = |schema, positive_spans, counts: &[f64]| FloatHistogram {
            schema,
            positive_spans,
            positive_buckets: counts.to_vec(),
            ..FloatHistogram::default()
        };
        let check = |mut sent: FloatHistogram, want: FloatHistogram| {
            assert_eq!(sent.admit(), Ok(()));
            assert_eq!(sent, want);
        };
        // Buckets 1 and 2 go to 1, 3 and 4 to 2.
        check(float(9, spans(1, 4), &[1.0, 2.0, 3.0, 4.0]), float(8, spans(1, 2), &[3.0, 7.0]));
        // Buckets -3 and -2 go to -1, -1 and 0 to 0, 1 to 1.
        check(float(9, spans(-3, 5), &[1.0, 2.0, 3.0, 4.0, 5.0]), float(8, spans(-1, 3), &[3.0, 7.0, 5.0]));
        // All buckets that have an index lie between one and its neighbours.
        check(float(52, spans(-1, 3), &[1.0, 2.0, 4.0]), float(8, spans(0, 2), &[3.0, 4.0]));
        check(float(8, spans(1, 2), &[1.0, 2.0]), float(8, spans(1, 2), &[1.0, 2.0]));

        let mut integers = Histogram {
            schema: 10,
            count: 14,
            sum: 14.0,
            zero_count: 1,
            // Buckets 1, 4, 5 and 9 hold 1, 2, 3 and 4: at schema 8 they are 1, 1, 2 and 3.
            positive_spans: vec![
                Span { offset: 1, length: 1 },
                Span { offset: 2, length: 2 },
                Span { offset: 3, length: 1 },
            ],
            positive_deltas: vec![1, 1, 1, 1],
            negative_spans: spans(0, 1),
            negative_deltas: vec![3],
            ..Histogram::default()
        };
        assert_eq!(integers.admit(), Ok(()));
        assert_eq!((integers.schema, &integers.positive_spans), (8, &spans(1, 3)));
        assert_eq!(integers.positive_deltas, [3, 0, 1]);
        assert_eq!((integers.negative_spans, integers.negative_deltas), (spans(0, 1), vec![3]));
    }

    #[test]
    fn what_is_too_fine_is_checked_like_the_rest() {
        let sent = |schema, length| FloatHistogram {
            schema,
            positive_spans: vec![Span { offset: 0, length }],
            positive_buckets: vec![1.0],
            ..FloatHistogram::default()
        };
        assert!(matches!(sent(9, 2).admit(), Err(HistogramError::SpansBucketsMismatch { .. })));
        for schema in [-5, 53, i32::MAX, i32::MIN] {
            assert_eq!(sent(schema, 1).admit(), Err(HistogramError::InvalidSchema(schema)));
        }
    }
}
