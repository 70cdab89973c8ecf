//! The real store, with what it holds brought into one place, for data that says what queries answer.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bellwether_disk::{Fs, SimFs};
use bellwether_model::{
    AppendBatch, AppendEntry, AppendError, AppendReport, Appender, Labels, ManualClock, Querier, Queryable,
    StorageError, Tenant, TimeRange,
};
use bellwether_tsdb::{Options, SeriesLimits, SyncPolicy, Tsdb};

/// Where the samples of a store are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// In the head.
    Head,
    /// In parts.
    Parts,
    /// Of each load one half in parts, the other half, which came out of order afterwards, in the head.
    Split,
}

/// A store on a simulated disk that keeps a layout.
#[derive(Debug)]
pub(super) struct LaidOutStore {
    tsdb: Tsdb,
    layout: Layout,
}

impl LaidOutStore {
    /// An empty store.
    pub(super) fn new(layout: Layout) -> Self {
        let options = Options {
            sync: SyncPolicy::Segment,
            segment_bytes: 1 << 16,
            min_free_bytes: Some(0),
            // Scripts tell time from the epoch on and go far ahead.
            tenants: SeriesLimits::NONE.into(),
            out_of_order_window_ms: if layout == Layout::Split { i64::MAX } else { 0 },
            ..Options::default()
        };
        let fs: Arc<dyn Fs> = Arc::new(SimFs::new());
        let (tsdb, _) = Tsdb::open(Path::new("data"), options, fs, Arc::new(ManualClock::new(0)))
            .expect("BUG: an empty store on a disk without faults opens");
        Self { tsdb, layout }
    }
}

impl Appender for LaidOutStore {
    fn append(&self, tenant: &Tenant, batch: &AppendBatch) -> Result<AppendReport, AppendError> {
        let compact = || self.tsdb.compact_all().map_err(|e| AppendError::ReadOnly(e.to_string()));
        match self.layout {
            Layout::Head => self.tsdb.append(tenant, batch),
            Layout::Parts => {
                let report = self.tsdb.append(tenant, batch)?;
                compact()?;
                Ok(report)
            }
            Layout::Split => {
                let is_late = late_samples(batch);
                let half = |late: bool| {
                    let kept = batch.samples.iter().zip(&is_late).filter(|(_, is_late)| **is_late == late);
                    let samples = kept.map(|(entry, _)| entry.clone()).collect();
                    self.tsdb.append(tenant, &AppendBatch { samples, ..AppendBatch::default() })
                };
                let (in_order, _) = (half(false)?, compact()?);
                let late = half(true)?;
                let new_series = in_order.new_series + late.new_series;
                let (mut in_order, mut late) = (in_order.samples.into_iter(), late.samples.into_iter());
                let next = |is_late: &bool| if *is_late { late.next() } else { in_order.next() };
                let samples = is_late.iter().map_while(next).collect();
                Ok(AppendReport { samples, new_series, ..AppendReport::default() })
            }
        }
    }
}

/// Which samples of a batch come out of order: every second one of each series, but never its newest one, nor the markers of its end, which are taken in order only.
fn late_samples(batch: &AppendBatch) -> Vec<bool> {
    let mut newest = HashMap::new();
    for entry in &batch.samples {
        let newest = newest.entry(&entry.labels).or_insert(entry.ts_ms);
        *newest = entry.ts_ms.max(*newest);
    }
    let mut seen: HashMap<&Labels, usize> = HashMap::new();
    let is_late = |entry: &'_ AppendEntry, seen: &mut usize| {
        *seen += 1;
        seen.is_multiple_of(2) && entry.ts_ms < newest[&entry.labels] && !entry.value.is_stale()
    };
    batch.samples.iter().map(|entry| is_late(entry, seen.entry(&entry.labels).or_default())).collect()
}

impl Queryable for LaidOutStore {
    fn querier(&self, tenant: &Tenant, range: TimeRange) -> Result<Box<dyn Querier>, StorageError> {
        self.tsdb.querier(tenant, range)
    }
}
