//! The time series store: it takes samples, keeps them safe, and finds them again.
//!
//! [`Tsdb`] is the store in a folder. It implements [`Appender`](bellwether_model::Appender) and [`Queryable`](bellwether_model::Queryable); everything else about it is upkeep
//! ([`Tsdb::maintain`]) and status. A sample goes through three places: the log, so that it survives the process; the head, where queries find it; and later, together
//! with its neighbours of two hours, a part: an immutable folder of columns with an index. The bytes of all three are described in `docs/formats/`.
//!
//! The store knows no query language, no HTTP and no asynchronous runtime. Files and time are given to it.
//!
//! ```
//! use std::sync::Arc;
//! use bellwether_disk::RealFs;
//! use bellwether_model::{
//!     AppendBatch, AppendEntry, Appender, ColumnBuffer, Labels, ManualClock, Matcher, QueryContext, Queryable, SelectHints,
//!     SelectSpec, Tenant, TimeRange,
//! };
//! use bellwether_tsdb::{Options, Tsdb};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let scratch = tempfile::tempdir()?;
//! # let dir = scratch.path();
//! let clock = Arc::new(ManualClock::new(1_000_000));
//! let (tsdb, report) = Tsdb::open(dir, Options::default(), Arc::new(RealFs::new()), clock)?;
//! assert!(report.is_clean());
//!
//! let entry = AppendEntry {
//!     hint: None,
//!     labels: Labels::from_pairs([("__name__", "up"), ("job", "node")]),
//!     ts_ms: 1_000_000,
//!     start_ts_ms: 0,
//!     value: 1.0.into(),
//! };
//! let batch = AppendBatch { samples: vec![entry], ..AppendBatch::default() };
//! assert_eq!(tsdb.append(&Tenant::default(), &batch)?.stored(), 1);
//!
//! let querier = tsdb.querier(&Tenant::default(), TimeRange::ALL)?;
//! let spec = SelectSpec {
//!     matchers: vec![Matcher::equal("__name__", "up")],
//!     range: TimeRange::ALL,
//!     sorted: true,
//!     hints: SelectHints::default(),
//! };
//! let series = querier.select(&spec, &QueryContext::unbounded())?;
//! let mut samples = ColumnBuffer::default();
//! series.read(0, &mut samples)?;
//! assert_eq!((series.labels()[0].to_string(), samples.vals), (r#"up{job="node"}"#.to_owned(), vec![1.0]));
//! tsdb.close()?;
//! # Ok(())
//! # }
//! ```
#[cfg(feature = "bench")]
pub mod bench;
mod checked_lines;
mod codec;
mod coding;
mod columns;
mod counters;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod head;
mod intervals;
mod options;
mod part;
mod query;
mod records;
mod report;
mod select;
mod snapshot;
mod store;

pub use counters::CounterValues;
pub use error::TsdbError;
pub use options::{Limits, Options, ReadMode, SeriesLimits, SyncPolicy, TenantLimits};
pub use report::{Problem, ProblemKind, RecoveryReport};
pub use snapshot::{CopiedSnapshot, SnapshotError, copy_snapshot, remove_snapshot, restore_snapshot};
pub use store::{
    Breakdown, Cardinality, DumpItem, Finding, HeadMemory, HeadStatus, LabelBreakdown, LabelCost,
    MaintenanceReport, MetricCost, NameCount, Offender, PairCost, PartStatus, QuarantineStatus,
    ReplayProgress, ReplayStatus, SnapshotReport, StartStatus, StorageStatus, Tsdb, UpkeepStatus,
    VerifyReport, dump, forget_starts, verify_store,
};
