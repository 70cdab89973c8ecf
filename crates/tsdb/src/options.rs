pub use bellwether_disk::SyncPolicy;

use std::time::Duration;

/// How a store is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// When the log is synced.
    pub sync: SyncPolicy,
    /// Size of a segment of the log in bytes.
    pub segment_bytes: u64,
    /// Writes are refused while the file system has fewer bytes free. `None`: 2 % of it, but at least 512 MiB.
    pub min_free_bytes: Option<u64>,
    /// Samples that are older than this, counted from the newest sample or from now, whichever is earlier, are dropped with their part. `None`: kept.
    pub retention_ms: Option<i64>,
    /// The oldest parts are dropped while parts and log have more bytes than this. `None`: kept.
    pub retention_bytes: Option<u64>,
    /// How far ahead of the clock a sample may be, in milliseconds. `None`: any distance.
    pub max_future_ms: Option<i64>,
    /// How far behind the newest sample of its series a sample may be, in milliseconds.
    ///
    /// Not in effect yet: every sample that is older than the newest one of its series is refused as out of order.
    pub out_of_order_window_ms: i64,
    /// How many series the head may have; samples of further ones are refused.
    pub max_series: usize,
    /// How many labels a series may have.
    pub max_labels_per_series: usize,
    /// How many bytes a label name may have.
    pub max_label_name_bytes: usize,
    /// How many bytes a label value may have.
    pub max_label_value_bytes: usize,
    /// How many exemplars are kept; 0 for none.
    pub max_exemplars: usize,
    /// Whether a query fails that meets damaged data. If not, it is answered without them, with a warning.
    pub strict_reads: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            sync: SyncPolicy::Interval(Duration::from_secs(1)),
            segment_bytes: 128 << 20,
            min_free_bytes: None,
            retention_ms: None,
            retention_bytes: None,
            max_future_ms: Some(10 * 60 * 1000),
            out_of_order_window_ms: 0,
            max_series: 2_000_000,
            max_labels_per_series: 64,
            max_label_name_bytes: 1 << 10,
            max_label_value_bytes: 4 << 10,
            max_exemplars: 100_000,
            strict_reads: false,
        }
    }
}
