use super::FloatHistogram;
use super::span::same_buckets;

impl FloatHistogram {
    /// Whether both hold the same data: floats are compared by their bits, so NaN equals itself; spans may be cut differently, but
    /// every bucket must be in both, even if it is empty. The counter reset hint does not count.
    pub fn same_data(&self, other: &Self) -> bool {
        self.schema == other.schema
            && self.zero_threshold == other.zero_threshold
            && same_bits(
                &[self.count, self.sum, self.zero_count],
                &[other.count, other.sum, other.zero_count],
            )
            && (!self.uses_custom_buckets() || same_bits(self.custom_bounds(), other.custom_bounds()))
            && same_buckets(&self.positive_spans, &other.positive_spans)
            && same_buckets(&self.negative_spans, &other.negative_spans)
            && same_bits(&self.positive_buckets, &other.positive_buckets)
            && same_bits(&self.negative_buckets, &other.negative_buckets)
    }
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}
