//! The store as the HTTP surface sees it, and how it is opened.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bellwether::config::{Config, TenantLimitsConfig};
use bellwether_api::{
    Breakdown, Cardinality, CardinalityQuery, LabelChoice, RefusedSamples, StorageAdmin, StorageAdminError,
    StorageAlarms, StorageDetails, StorageStatus,
};
use bellwether_disk::{Fs as _, RealFs};
use bellwether_model::{Clock, Matcher, QueryContext, Tenant, TimeRange, format_duration_ms, format_size};
use bellwether_state::{FILE_NAME as STATE_FILE, StateStore};
use bellwether_tsdb::{
    Limits, NameCount, Offender, Options, ReadMode, ReplayProgress, SeriesLimits, SnapshotReport, SyncPolicy,
    TenantLimits, Tsdb, TsdbError,
};
use time::OffsetDateTime;

use crate::cardinality;
use crate::cli::{ReadModeArg, StorageArgs, WalSync};
use crate::memory;
use crate::storage_details;

/// How long samples are kept if nobody says anything.
const DEFAULT_RETENTION_MS: i64 = 15 * 24 * 60 * 60 * 1000;
/// The head gets this share of the memory that the process may use if nobody says anything, in percent.
const BUDGET_PERCENT: u64 = 60;
/// How often the log is synced if nobody says anything.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// What is kept. The configuration file wins over the command line, as in Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention {
    time_ms: i64,
    size_bytes: Option<u64>,
}

impl Retention {
    pub(crate) fn new(args: &StorageArgs, config: &Config) -> Self {
        let file = &config.storage.tsdb.retention;
        // A share of the disk wins over a size, as in Prometheus.
        let share = Some(file.percentage).filter(|p| *p > 0.0).and_then(|percent| {
            let total = RealFs::new().space(&args.path).ok()?.total;
            Some((total as f64 / 100.0 * percent) as u64)
        });
        let size_bytes = share.or(Some(file.size_bytes).filter(|b| *b > 0));
        let size_bytes = size_bytes.or(args.retention_size.filter(|b| *b > 0));
        let time_ms = Some(file.time_ms).filter(|ms| *ms > 0).or(args.retention_time_ms.filter(|ms| *ms > 0));
        Self { time_ms: time_ms.unwrap_or(DEFAULT_RETENTION_MS), size_bytes }
    }

    /// How long samples are kept, as a flag.
    pub(crate) fn time(self) -> String {
        format_duration_ms(self.time_ms)
    }

    /// How much is kept, as a flag; `0B` for no limit.
    pub(crate) fn size(self) -> String {
        format_size(self.size_bytes.unwrap_or(0))
    }
}

impl std::fmt::Display for Retention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.time())?;
        if self.size_bytes.is_some() {
            write!(f, " or {}", self.size())?;
        }
        Ok(())
    }
}

/// Opens the store and says in the log what was found. Blocks while the log is replayed.
pub(crate) fn open(
    args: &StorageArgs,
    config: &Config,
    clock: Arc<dyn Clock>,
    progress: &ReplayProgress,
) -> anyhow::Result<Tsdb> {
    let fs = Arc::new(RealFs::new());
    let (store, found) = Tsdb::open_watched(&args.path, options(args, config), fs, clock, progress)
        .with_context(|| format!("cannot open the store in {}", args.path.display()))?;
    tracing::info!(
        path = %args.path.display(),
        series = found.series,
        samples = found.samples,
        log_frames = found.log_frames,
        problems = found.problems.len(),
        "store opened"
    );
    Ok(store)
}

/// What a reload can change.
pub(crate) fn limits(args: &StorageArgs, config: &Config) -> Limits {
    let retention = Retention::new(args, config);
    Limits {
        retention_ms: Some(retention.time_ms),
        retention_bytes: retention.size_bytes,
        out_of_order_window_ms: config.storage.tsdb.out_of_order_time_window_ms,
    }
}

/// What tenants may bring, as the configuration says.
pub(crate) fn tenant_limits(config: &Config) -> TenantLimits {
    let limits = &config.limits;
    TenantLimits {
        others: series_limits(&limits.default),
        named: limits.tenants.iter().map(|(name, limits)| (name.clone(), series_limits(limits))).collect(),
    }
}

fn series_limits(limits: &TenantLimitsConfig) -> SeriesLimits {
    let count = |n: u64| if n == 0 { usize::MAX } else { usize::try_from(n).unwrap_or(usize::MAX) };
    SeriesLimits {
        max_labels_per_series: count(limits.max_labels_per_series),
        max_label_name_bytes: count(limits.max_label_name_bytes),
        max_label_value_bytes: count(limits.max_label_value_bytes),
        max_series_per_metric: count(limits.max_series_per_metric),
        max_active_series: count(limits.max_active_series),
        max_new_series_per_minute: count(limits.max_new_series_per_minute),
        max_future_ms: Some(limits.max_future_ms).filter(|ms| *ms > 0),
    }
}

fn options(args: &StorageArgs, config: &Config) -> Options {
    let Limits { retention_ms, retention_bytes, out_of_order_window_ms } = limits(args, config);
    Options {
        retention_ms,
        retention_bytes,
        out_of_order_window_ms,
        tenants: tenant_limits(config),
        min_free_bytes: args.min_free,
        strict_reads: args.strict_reads,
        reserve_bytes: args.reserve,
        read_mode: match args.read_mode {
            ReadModeArg::Mmap => ReadMode::Map,
            ReadModeArg::Pread => ReadMode::Read,
        },
        count_starts: true,
        memory_budget_bytes: Some(usize::try_from(memory_budget(args)).unwrap_or(usize::MAX)),
        max_exemplars: usize::try_from(config.storage.max_exemplars).unwrap_or(0),
        sync: match args.wal_sync {
            WalSync::Interval => SyncPolicy::Interval(SYNC_INTERVAL),
            WalSync::Always => SyncPolicy::Always,
            WalSync::Segment => SyncPolicy::Segment,
        },
        ..Options::default()
    }
}

/// How much memory the head may take: what the flag says, else a share of what the process may use.
pub(crate) fn memory_budget(args: &StorageArgs) -> u64 {
    args.memory_budget.unwrap_or_else(|| memory::available() / 100 * BUDGET_PERCENT)
}

/// The store as operators ask about it.
pub(crate) struct Admin {
    pub(crate) store: Tsdb,
    pub(crate) state: StateStore,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The name of a snapshot: when it is made and something random, as in Prometheus.
pub(crate) fn snapshot_name(now_ms: i64) -> String {
    let at =
        OffsetDateTime::from_unix_timestamp(now_ms.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, time) = (at.date(), at.time());
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    let random = RandomState::new().hash_one(now_ms) >> 1;
    format!(
        "{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z-{random:016x}",
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// Makes a snapshot of the store together with what else must survive: silences, alerts, and what was told.
pub(crate) fn snapshot(
    store: &Tsdb,
    state: Option<&StateStore>,
    name: &str,
    with_head: bool,
) -> Result<SnapshotReport, TsdbError> {
    store.snapshot_with(name, with_head, &|dir| {
        let Some(state) = state else { return Ok(Vec::new()) };
        state.copy_to(&dir.join(STATE_FILE)).map_err(io::Error::other)?;
        Ok(vec![STATE_FILE.to_owned()])
    })
}

impl StorageAdmin for Admin {
    fn compact_all(&self) -> Result<(), StorageAdminError> {
        self.store.compact_all().map(drop).map_err(admin_error)
    }

    fn delete(
        &self,
        tenant: &Tenant,
        selectors: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<(), StorageAdminError> {
        self.store.delete(tenant, selectors, range, &QueryContext::unbounded()).map_err(admin_error)
    }

    fn clean_tombstones(&self) -> Result<(), StorageAdminError> {
        self.store.clean_tombstones().map(drop).map_err(admin_error)
    }

    fn snapshot(&self, with_head: bool) -> Result<String, StorageAdminError> {
        let name = snapshot_name(self.clock.now_ms());
        let made = snapshot(&self.store, Some(&self.state), &name, with_head).map_err(admin_error)?;
        tracing::info!(path = %made.dir.display(), files = made.files, bytes = made.bytes, "snapshot made");
        Ok(name)
    }

    fn details(&self) -> StorageDetails {
        storage_details::details(&self.store)
    }

    fn alarms(&self) -> StorageAlarms {
        StorageAlarms {
            corruptions: self.store.counters().corruptions,
            damaged_files: self.store.quarantine().damaged_files,
            safe_mode: self.store.starts().is_safe_mode,
        }
    }

    fn status(&self, top: usize) -> StorageStatus {
        let head = self.store.head_status(top);
        let list = |entries: Vec<NameCount>| entries.into_iter().map(|e| (e.name, e.count)).collect();
        // Prometheus says so of an empty head, too.
        let (mint, maxt) = head.range.map_or((i64::MAX, i64::MIN), |range| (range.mint, range.maxt));
        StorageStatus {
            series: head.series,
            label_pairs: head.label_pairs,
            chunks: head.chunks,
            mint,
            maxt,
            corruptions: self.store.counters().corruptions,
            series_by_metric: list(head.series_by_metric),
            values_by_label: list(head.values_by_label),
            bytes_by_label: list(head.bytes_by_label),
            series_by_pair: list(head.series_by_pair),
            refused: refused(&self.store, top),
        }
    }

    fn cardinality(&self, query: CardinalityQuery) -> Cardinality {
        let overview = cardinality::overview(self.store.cardinality(query.top, query.window));
        Cardinality { refused: refused(&self.store, query.top), ..overview }
    }

    fn breakdown(&self, choice: &LabelChoice, query: CardinalityQuery) -> Breakdown {
        let found = self.store.breakdown(&choice.name, choice.value.as_deref(), query.top, query.window);
        found.map(cardinality::breakdown).unwrap_or_default()
    }
}

fn refused(store: &Tsdb, top: usize) -> Vec<RefusedSamples> {
    let refused = |offender: Offender| {
        let Offender { limit, tenant, metric, samples } = offender;
        RefusedSamples { limit: limit.as_str(), tenant, metric, samples }
    };
    store.offenders(top).into_iter().map(refused).collect()
}

fn admin_error(error: TsdbError) -> StorageAdminError {
    match error {
        TsdbError::Full(what) => StorageAdminError::Full(what),
        TsdbError::Log(_) | TsdbError::Closed => StorageAdminError::Unavailable(error.to_string()),
        _ => StorageAdminError::Failed(error.to_string()),
    }
}

/// Whether there is anything in the folder.
pub(crate) fn is_used(path: &Path) -> bool {
    std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_of_the_store_are_those_of_a_file_that_says_nothing() {
        assert_eq!(tenant_limits(&Config::default()), TenantLimits::default());
    }

    #[test]
    fn snapshots_are_named_after_their_time() {
        let name = snapshot_name(1_700_000_000_123);
        assert!(name.starts_with("20231114T221320Z-") && name.len() == 33, "{name}");
        assert_ne!(name, snapshot_name(1_700_000_000_123));
    }

    #[test]
    fn a_full_disk_is_no_defect() {
        let full = admin_error(TsdbError::Full("part 7: 3 MiB are missing".to_owned()));
        assert_eq!(full, StorageAdminError::Full("part 7: 3 MiB are missing".to_owned()));
        assert_eq!(full.to_string(), "storage_full: part 7: 3 MiB are missing");
        let closed = admin_error(TsdbError::Closed);
        assert_eq!(closed, StorageAdminError::Unavailable("the store is closed".to_owned()));
        let bug = admin_error(TsdbError::Part { id: 1, what: "x".to_owned() });
        assert_eq!(bug, StorageAdminError::Failed("part 1: x".to_owned()));
    }
}
