//! The store: head, log and parts put together.

mod append;
mod budget;
mod cardinality;
mod checkpoint;
mod cut;
mod delete;
mod dump;
mod fill;
mod limits;
mod maintain;
mod manifest;
mod merge;
mod open;
mod part_set;
mod progress;
mod replay;
mod reserve;
mod snapshot;
mod space;
mod spill;
mod starts;
mod status;
mod tenancy;
mod top;
mod verify;

use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bellwether_disk::{DirLock, Fs, Log, LogError};
use bellwether_model::{
    AppendBatch, AppendError, AppendReport, Appender, Clock, Limit, Matcher, Querier, QueryContext,
    Queryable, StorageError, Tenant, TimeRange,
};
use parking_lot::{Mutex, MutexGuard, RwLock};

use crate::counters::{CounterValues, Counters};
use crate::error::TsdbError;
use crate::head::Head;
use crate::options::{Limits, Options, SeriesLimits, TenantLimits};
use crate::part::Reading;
use crate::query::StoreQuerier;
use crate::report::RecoveryReport;

pub use budget::HeadMemory;
pub use cardinality::{Breakdown, Cardinality, LabelBreakdown, LabelCost, MetricCost, PairCost};
pub use dump::{DumpItem, dump};
pub use limits::Offender;
pub use maintain::MaintenanceReport;
pub(crate) use part_set::PartSet;
pub use progress::{ReplayProgress, ReplayStatus};
pub use snapshot::SnapshotReport;
pub use starts::{StartStatus, forget_starts};
pub use status::{HeadStatus, NameCount, PartStatus, QuarantineStatus, StorageStatus, UpkeepStatus};
pub(crate) use tenancy::{TENANT_LABEL, tenant_matcher, visible_labels};
pub use verify::{Finding, VerifyReport, verify_store};

use limits::{Refusals, SeriesCounts};
use manifest::Manifest;
use space::SpaceGuard;
use starts::Starts;

/// A time series store in a folder. Clones are handles of the same store.
///
/// Appending, querying and upkeep run on the caller's threads; the store has only one thread of its own, which syncs the log
/// ([`SyncPolicy::Interval`](crate::SyncPolicy::Interval)). Dropping all handles closes nothing properly and loses nothing that was acknowledged; [`close`](Self::close) makes the next start
/// quick.
#[derive(Debug, Clone)]
pub struct Tsdb {
    store: Arc<Store>,
}

pub(crate) struct Store {
    dir: PathBuf,
    pub(crate) options: Options,
    fs: Arc<dyn Fs>,
    clock: Arc<dyn Clock>,
    pub(crate) head: Head,
    log: Log,
    /// How parts are opened.
    reading: Reading,
    /// Replaced as a whole.
    parts: RwLock<Arc<PartSet>>,
    manifest: Mutex<Manifest>,
    /// Held by whoever cuts, merges, writes a checkpoint or drops something.
    maintenance: Mutex<Upkeep>,
    pub(crate) counters: Counters,
    space: SpaceGuard,
    starts: Starts,
    /// Those of the options at first.
    limits: RwLock<Limits>,
    /// As `limits`: that of the options at first.
    tenant_limits: RwLock<TenantLimits>,
    series_counts: SeriesCounts,
    refusals: Refusals,
    upkeep_status: Mutex<UpkeepStatus>,
    /// What was found when the store was opened.
    recovery: RecoveryReport,
    /// What appends work with.
    scratch: Mutex<Vec<append::Scratch>>,
    is_closed: AtomicBool,
    /// How many wait for `maintenance`: upkeep in the background takes no rests then.
    n_waiting: AtomicUsize,
    /// The last field: the folder is free when all else is done.
    _lock: DirLock,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("dir", &self.dir)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// What the upkeep remembers.
#[derive(Debug)]
struct Upkeep {
    /// The number of the next part.
    next_part: u64,
}

impl Tsdb {
    /// Opens the store in `dir`, which is created if it is not there, and brings back everything that the log has.
    ///
    /// Damage is no reason to fail: what is whole is served, the rest is kept in `quarantine/` and told in the report. It fails if another process has the folder, if
    /// something in it belongs to another store or a newer version, and if the operating system refuses.
    pub fn open(
        dir: &Path,
        options: Options,
        fs: Arc<dyn Fs>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, RecoveryReport), TsdbError> {
        Self::open_watched(dir, options, fs, clock, &ReplayProgress::default())
    }

    /// [`open`](Self::open), telling on the way how far it is.
    pub fn open_watched(
        dir: &Path,
        options: Options,
        fs: Arc<dyn Fs>,
        clock: Arc<dyn Clock>,
        progress: &ReplayProgress,
    ) -> Result<(Self, RecoveryReport), TsdbError> {
        let (store, report) = open::open(dir, options, fs, clock, progress)?;
        Ok((Self { store: Arc::new(store) }, report))
    }

    /// The process serves from now on. Upkeep notes when it has done so for long enough that its start counts as a good one
    /// ([`Options::count_starts`]).
    pub fn note_ready(&self) {
        self.store.starts.ready(self.store.clock.monotonic());
    }

    /// How the last starts went.
    pub fn starts(&self) -> StartStatus {
        self.store.starts.status()
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.store.dir
    }

    /// What has to be done from time to time, for instance every 15 seconds: moves complete ranges of two hours from the head into parts, merges parts, drops
    /// what the retention does not keep, and drops the log that is not needed any more.
    ///
    /// Each task is tried even if another one fails; the first error is returned.
    pub fn maintain(&self) -> Result<MaintenanceReport, TsdbError> {
        self.store.maintain()
    }

    /// Moves everything from the head into parts, merges the parts of each day, and drops the log they replace.
    pub fn compact_all(&self) -> Result<MaintenanceReport, TsdbError> {
        self.store.compact_all()
    }

    /// Deletes the samples in the range of the series for which all matchers of one of the selectors hold. When this returns, they are gone for good, whatever happens;
    /// if it fails, some of them may be.
    ///
    /// Only samples that are there are meant: one that is appended later counts, whatever its time. Exemplars and descriptions stay, and label names and values are still listed
    /// until the samples are removed from the disk ([`clean_tombstones`](Self::clean_tombstones) or any merge). A series in memory goes on behind its newest sample, deleted or not.
    pub fn delete(
        &self,
        tenant: &Tenant,
        selectors: &[Vec<Matcher>],
        range: TimeRange,
        cx: &QueryContext,
    ) -> Result<(), TsdbError> {
        self.store.delete(tenant, selectors, range, cx)
    }

    /// Rewrites the parts that have deleted samples without them. Returns how many parts these were.
    pub fn clean_tombstones(&self) -> Result<usize, TsdbError> {
        self.store.clean_tombstones()
    }

    /// Makes a copy of the store in `snapshots/<name>/` below its folder, durably: the parts as links, and, with `with_head`, what is in memory. It has every sample that was
    /// acknowledged before the call. Appends and queries go on meanwhile.
    ///
    /// # Panics
    ///
    /// If the name is not one that a folder can have.
    pub fn snapshot(&self, name: &str, with_head: bool) -> Result<SnapshotReport, TsdbError> {
        self.snapshot_with(name, with_head, &|_| Ok(Vec::new()))
    }

    /// The same with files that belong to the store and are not its own: `companions` puts them into the folder that it is given, and returns their names.
    ///
    /// # Panics
    ///
    /// If the name is not one that a folder can have.
    pub fn snapshot_with(
        &self,
        name: &str,
        with_head: bool,
        companions: &dyn Fn(&Path) -> io::Result<Vec<String>>,
    ) -> Result<SnapshotReport, TsdbError> {
        let mut parts = Path::new(name).components();
        let is_name = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
        assert!(is_name, "BUG: {name:?} as the name of a snapshot");
        self.store.snapshot(name, with_head, companions)
    }

    /// Makes everything durable that was appended so far, whatever the policy.
    pub fn sync(&self) -> Result<(), TsdbError> {
        self.store.log.sync().map_err(log_error)
    }

    /// Writes a checkpoint, so that the next start is quick, syncs, and takes no more samples. Queries go on working.
    pub fn close(&self) -> Result<(), TsdbError> {
        self.store.close()
    }

    /// Sets what counts from the next batch and the next round of upkeep on.
    pub fn set_limits(&self, limits: Limits) {
        *self.store.limits.write() = limits;
    }

    /// Sets what counts from the next batch on. Series that are there stay, even if they are more than allowed.
    pub fn set_tenant_limits(&self, limits: TenantLimits) {
        *self.store.tenant_limits.write() = limits;
    }

    /// How many samples each limit refused since the store was opened.
    pub fn refused_by_limit(&self) -> Vec<(Limit, u64)> {
        self.store.refusals.by_limit()
    }

    /// Whose samples limits refused most often since the store was opened: at most `n` metrics.
    pub fn offenders(&self, n: usize) -> Vec<Offender> {
        self.store.refusals.top(n)
    }

    /// What happened since the store was opened.
    pub fn counters(&self) -> CounterValues {
        self.store.counters.values()
    }

    /// How many series the head has: those that got samples lately.
    pub fn active_series(&self) -> usize {
        self.store.head.n_series()
    }

    /// How much memory series and samples take that are not in parts, and how much they may take. Looks at no series.
    pub fn head_memory(&self) -> HeadMemory {
        self.store.head_memory()
    }

    /// The head, as `/api/v1/status/tsdb` shows it: totals, and the `limit` largest of each kind. Looks at every series.
    pub fn head_status(&self, limit: usize) -> HeadStatus {
        self.store.head_status(limit)
    }

    /// Which metrics and labels the series in memory come from: the `limit` largest of each kind. Counts those as created that were created in the last
    /// `window`. Looks at every series.
    pub fn cardinality(&self, limit: usize, window: Duration) -> Cardinality {
        self.store.cardinality(limit, window)
    }

    /// What the series in memory consist of that have the label `name`, with `value` if it is given; `None` without any. Lists of values and metrics have
    /// the `limit` largest.
    pub fn breakdown(
        &self,
        name: &str,
        value: Option<&str>,
        limit: usize,
        window: Duration,
    ) -> Option<Breakdown> {
        self.store.breakdown(name, value, limit, window)
    }

    /// The parts, oldest first.
    pub fn parts(&self) -> Vec<PartStatus> {
        self.store.part_status()
    }

    /// What was found when the store was opened.
    pub fn recovery(&self) -> &RecoveryReport {
        &self.store.recovery
    }

    /// What is kept of damage.
    pub fn quarantine(&self) -> QuarantineStatus {
        self.store.quarantine_status()
    }

    /// What the store takes on disk and whether it takes writes.
    pub fn storage_status(&self) -> StorageStatus {
        self.store.storage_status()
    }
}

impl Appender for Tsdb {
    fn append(&self, tenant: &Tenant, batch: &AppendBatch) -> Result<AppendReport, AppendError> {
        self.store.append(tenant, batch)
    }
}

impl Queryable for Tsdb {
    fn querier(&self, tenant: &Tenant, range: TimeRange) -> Result<Box<dyn Querier>, StorageError> {
        Ok(Box::new(StoreQuerier::open(Arc::clone(&self.store), tenant, range)))
    }
}

impl Store {
    /// The parts as they are now.
    pub(crate) fn part_set(&self) -> Arc<PartSet> {
        Arc::clone(&self.parts.read())
    }

    /// What of the options can change, as it is now.
    fn limits(&self) -> Limits {
        *self.limits.read()
    }

    fn series_limits(&self, tenant: &Tenant) -> SeriesLimits {
        self.tenant_limits.read().of(tenant)
    }

    fn check_open(&self) -> Result<(), TsdbError> {
        if self.is_closed.load(Ordering::Acquire) { Err(TsdbError::Closed) } else { Ok(()) }
    }

    /// The right to change parts, for somebody who waits for it.
    fn urgent_upkeep(&self) -> MutexGuard<'_, Upkeep> {
        self.n_waiting.fetch_add(1, Ordering::Relaxed);
        let upkeep = self.maintenance.lock();
        self.n_waiting.fetch_sub(1, Ordering::Relaxed);
        upkeep
    }

    /// For work that takes long and can be done again: fails once the store is to be closed.
    fn check_going_on(&self) -> io::Result<()> {
        self.check_open().map_err(|e| io::Error::new(io::ErrorKind::Interrupted, e))
    }
}

fn log_error(e: LogError) -> TsdbError {
    match e {
        LogError::Full(what) => TsdbError::Full(what),
        LogError::Closed => TsdbError::Closed,
        e => TsdbError::Log(e.to_string()),
    }
}
