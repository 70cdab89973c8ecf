pub use bellwether_disk::SyncPolicy;

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_model::Tenant;

/// How the samples of parts are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadMode {
    /// Through memory that stands for the files: nothing is copied, and the operating system keeps what is used.
    #[default]
    Map,
    /// With reads, for file systems where a device that fails later should be an error and not the end of the process, as with those in a network.
    Read,
}

/// How a store is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// When the log is synced.
    pub sync: SyncPolicy,
    /// Size of a segment of the log in bytes.
    pub segment_bytes: u64,
    /// Writes are refused while the file system has fewer bytes free. `None`: 2 % of it, but at least 512 MiB.
    pub min_free_bytes: Option<u64>,
    /// How many bytes of the disk are taken by a file that is removed when upkeep finds the disk full; 0 for none. It is made only where so many stay free beside it
    /// as must.
    pub reserve_bytes: u64,
    /// Samples that are older than this, counted from the newest sample or from now, whichever is earlier, are not taken, and dropped with their part. `None`: kept.
    pub retention_ms: Option<i64>,
    /// The oldest parts are dropped while parts, log and checkpoint have more bytes than this. `None`: kept.
    pub retention_bytes: Option<u64>,
    /// How far behind the newest sample of the store a sample may be that is older than the newest one of its series, in milliseconds. 0: none is taken.
    pub out_of_order_window_ms: i64,
    /// What each tenant may bring.
    pub tenants: TenantLimits,
    /// How many bytes of memory series and samples that are not in parts may take. Near it samples move into parts before their time; over it, samples of
    /// further series are refused. `None`: any number.
    pub memory_budget_bytes: Option<usize>,
    /// How many exemplars are kept; 0 for none.
    pub max_exemplars: usize,
    /// Whether a query fails that meets damaged data. If not, it is answered without them, with a warning.
    pub strict_reads: bool,
    /// How the samples of parts are read.
    pub read_mode: ReadMode,
    /// Whether starts are counted in the folder, so that the third one in ten minutes after which the process died at once is a careful one
    /// ([`Tsdb::starts`](crate::Tsdb::starts)).
    pub count_starts: bool,
    /// How many bytes the label sets and the places of samples may take that queries found in parts, and that are kept for the next ones. What does not fit is looked
    /// up again; parts that are not asked for a while give back what they have.
    pub part_cache_bytes: usize,
}

/// What a tenant may bring. Whatever is beyond is refused sample by sample, and the refusal names the limit, its value, the metric and the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesLimits {
    /// How many labels a series may have.
    pub max_labels_per_series: usize,
    /// How many bytes a label name may have.
    pub max_label_name_bytes: usize,
    /// How many bytes a label value may have.
    pub max_label_value_bytes: usize,
    /// How many series of one metric there may be in the head.
    pub max_series_per_metric: usize,
    /// How many series there may be in the head.
    pub max_active_series: usize,
    /// How many series may come into being in a minute.
    pub max_new_series_per_minute: usize,
    /// How far ahead of the clock a sample may be, in milliseconds. `None`: any distance.
    pub max_future_ms: Option<i64>,
}

impl SeriesLimits {
    /// Whatever can be stored at all.
    pub const NONE: Self = Self {
        max_labels_per_series: usize::MAX,
        max_label_name_bytes: usize::MAX,
        max_label_value_bytes: usize::MAX,
        max_series_per_metric: usize::MAX,
        max_active_series: usize::MAX,
        max_new_series_per_minute: usize::MAX,
        max_future_ms: None,
    };
}

impl Default for SeriesLimits {
    fn default() -> Self {
        Self {
            max_labels_per_series: 64,
            max_label_name_bytes: 1 << 10,
            max_label_value_bytes: 4 << 10,
            max_series_per_metric: 1_000_000,
            max_active_series: 2_000_000,
            max_new_series_per_minute: usize::MAX,
            max_future_ms: Some(10 * 60 * 1000),
        }
    }
}

/// What tenants may bring: those that are named, and each of the others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TenantLimits {
    /// Each tenant that has no limits of its own.
    pub others: SeriesLimits,
    /// By the name of the tenant.
    pub named: BTreeMap<String, SeriesLimits>,
}

impl TenantLimits {
    /// What a tenant may bring.
    pub fn of(&self, tenant: &Tenant) -> SeriesLimits {
        self.named.get(tenant.as_str()).copied().unwrap_or(self.others)
    }
}

/// The same for all tenants.
impl From<SeriesLimits> for TenantLimits {
    fn from(others: SeriesLimits) -> Self {
        Self { others, named: BTreeMap::new() }
    }
}

/// What of the [`Options`] can be changed while a store is open, with the same meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// See [`Options::retention_ms`].
    pub retention_ms: Option<i64>,
    /// See [`Options::retention_bytes`].
    pub retention_bytes: Option<u64>,
    /// See [`Options::out_of_order_window_ms`].
    pub out_of_order_window_ms: i64,
}

impl Options {
    /// Those of the options that can be changed later.
    pub fn limits(&self) -> Limits {
        let Self { retention_ms, retention_bytes, out_of_order_window_ms, .. } = *self;
        Limits { retention_ms, retention_bytes, out_of_order_window_ms }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            sync: SyncPolicy::Interval(Duration::from_secs(1)),
            segment_bytes: 128 << 20,
            min_free_bytes: None,
            reserve_bytes: 0,
            retention_ms: None,
            retention_bytes: None,
            out_of_order_window_ms: 0,
            tenants: TenantLimits::default(),
            memory_budget_bytes: None,
            max_exemplars: 100_000,
            strict_reads: false,
            read_mode: ReadMode::default(),
            count_starts: false,
            part_cache_bytes: 64 << 20,
        }
    }
}
