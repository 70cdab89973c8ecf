/// What one write request may bring, whatever the store takes. Each refusal names the limit, its value and the offender.
///
/// The limits of labels only bound what decoding takes. The store has its own ones, for each tenant, and counts whose series it refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteLimits {
    /// The body as it comes, in bytes. The request is refused.
    pub max_compressed_bytes: usize,
    /// The decompressed body, in bytes; checked before memory is set aside. The request is refused.
    pub max_decoded_bytes: usize,
    /// Samples, exemplars and metadata entries together. An empty one takes two bytes of the body but some eighty of memory, so the size of
    /// the body alone bounds too little. The request is refused.
    pub max_entries: usize,
    /// Labels of a series, its name included. The series is refused.
    pub max_labels_per_series: usize,
    /// A label name or the name of a metric family, in bytes. The series is refused.
    pub max_name_bytes: usize,
    /// A label value, in bytes. The series is refused.
    pub max_value_bytes: usize,
    /// Buckets, spans or custom bounds of a native histogram. The sample is refused.
    pub max_histogram_buckets: usize,
}

impl Default for WriteLimits {
    fn default() -> Self {
        Self {
            max_compressed_bytes: 16 << 20,
            max_decoded_bytes: 32 << 20,
            max_entries: 1_000_000,
            max_labels_per_series: 1000,
            max_name_bytes: 64 << 10,
            max_value_bytes: 1 << 20,
            max_histogram_buckets: 10_000,
        }
    }
}
