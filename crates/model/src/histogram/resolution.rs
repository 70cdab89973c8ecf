use super::bucket::Side;
use super::layout::BucketMap;
use super::schema::is_exponential_schema;
use super::{FloatHistogram, Histogram};

impl FloatHistogram {
    /// Merges exponential buckets until the schema is `schema`. Does nothing if the resolution is not higher than that, or if one of the two
    /// schemas is not exponential.
    pub fn reduce_resolution(&mut self, schema: i32) {
        if schema >= self.schema || !is_exponential_schema(schema) || !is_exponential_schema(self.schema) {
            return;
        }
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
