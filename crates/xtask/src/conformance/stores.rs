//! The real store, with what it holds brought into one place, for data that says what queries answer.

use std::path::Path;
use std::sync::Arc;

use bellwether_disk::{Fs, SimFs};
use bellwether_model::{
    AppendBatch, AppendError, AppendReport, Appender, ManualClock, Querier, Queryable, StorageError, Tenant,
    TimeRange,
};
use bellwether_tsdb::{Options, SyncPolicy, Tsdb};

/// Where the samples of a store are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// In the head.
    Head,
    /// In parts.
    Parts,
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
            max_future_ms: None,
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
        let report = self.tsdb.append(tenant, batch)?;
        match self.layout {
            Layout::Head => {}
            Layout::Parts => {
                self.tsdb.compact_all().map_err(|e| AppendError::ReadOnly(e.to_string()))?;
            }
        }
        Ok(report)
    }
}

impl Queryable for LaidOutStore {
    fn querier(&self, tenant: &Tenant, range: TimeRange) -> Result<Box<dyn Querier>, StorageError> {
        self.tsdb.querier(tenant, range)
    }
}
