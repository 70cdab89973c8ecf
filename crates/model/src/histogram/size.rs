use super::FloatHistogram;

/// What the fields of a histogram without buckets take in Prometheus, whose accounting of query samples is reproduced.
const FIXED_BYTES: usize = 168;
/// Bytes of a sample, that is of a time and a float.
const BYTES_PER_SAMPLE: usize = 16;

impl FloatHistogram {
    /// How many bytes the histogram takes, by the reckoning of Prometheus.
    pub fn size_bytes(&self) -> usize {
        FIXED_BYTES
            + 8 * (self.positive_spans.len()
                + self.negative_spans.len()
                + self.positive_buckets.len()
                + self.negative_buckets.len()
                + self.custom_bounds().len())
    }

    /// How many float samples the histogram weighs, together with its timestamp, when the samples of a query are counted.
    pub fn sample_weight(&self) -> usize {
        (self.size_bytes() + 8) / BYTES_PER_SAMPLE
    }
}
