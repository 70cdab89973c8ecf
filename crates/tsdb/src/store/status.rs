//! What the store says about itself.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bellwether_disk::{EntryKind, Fs, LogStatus, SyncPolicy, TORN_EXTENSION};
use bellwether_model::{METRIC_NAME, TimeRange};

use crate::options::Limits;

use super::maintain::MaintenanceReport;
use super::open::QUARANTINE_DIR;
use super::starts::StartStatus;
use super::top::Top;
use super::{Store, TENANT_LABEL};

/// A name and how many there are of what it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameCount {
    /// A metric name, a label name, or `name=value`.
    pub name: String,
    /// The count.
    pub count: u64,
}

/// The head, with the fields of Prometheus' `/api/v1/status/tsdb`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeadStatus {
    /// Series.
    pub series: usize,
    /// Different name/value pairs.
    pub label_pairs: usize,
    /// Chunks, open ones included.
    pub chunks: usize,
    /// From the oldest to the newest sample; `None` without samples.
    pub range: Option<TimeRange>,
    /// Samples that are not in parts yet, deleted ones included.
    pub samples: u64,
    /// Bytes of memory, roughly.
    pub memory_bytes: usize,
    /// Metric names with the most series.
    pub series_by_metric: Vec<NameCount>,
    /// Label names with the most values.
    pub values_by_label: Vec<NameCount>,
    /// Label names whose values have the most bytes, each value counted for every series that has it.
    pub bytes_by_label: Vec<NameCount>,
    /// Name/value pairs with the most series.
    pub series_by_pair: Vec<NameCount>,
}

/// A part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartStatus {
    /// Its number.
    pub id: u64,
    /// 0: cut from the head; else how often it was merged.
    pub level: u32,
    /// From the first to the last sample.
    pub range: TimeRange,
    /// Series.
    pub series: u64,
    /// Samples.
    pub samples: u64,
    /// Chunks.
    pub chunks: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Bytes of memory that it takes while it is open.
    pub memory_bytes: usize,
    /// The parts that it was merged from.
    pub sources: Vec<u64>,
    /// How many stretches of its series are deleted and still take room.
    pub deleted_intervals: usize,
}

/// How the upkeep goes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpkeepStatus {
    /// How often it was done.
    pub rounds: u64,
    /// When the last round ended, in milliseconds since the Unix epoch; 0 if there was none.
    pub last_run_ms: i64,
    /// How long it took.
    pub last_took: Duration,
    /// What it did, or why some of it failed.
    pub last_outcome: Result<MaintenanceReport, String>,
}

impl Default for UpkeepStatus {
    fn default() -> Self {
        let last_outcome = Ok(MaintenanceReport::default());
        Self { rounds: 0, last_run_ms: 0, last_took: Duration::ZERO, last_outcome }
    }
}

/// What is kept of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct QuarantineStatus {
    /// Files.
    pub files: usize,
    /// Those of them that are not torn tails of the log, which a crash leaves behind and which are no loss of anything durable.
    pub damaged_files: usize,
    /// Bytes of them.
    pub bytes: u64,
}

/// What the store takes on disk, and whether it takes writes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageStatus {
    /// The identity of the store: 32 hexadecimal digits.
    pub store_id: String,
    /// When the log is synced.
    pub sync: SyncPolicy,
    /// What is kept, and how late a sample may be.
    pub limits: Limits,
    /// The log.
    pub log: LogStatus,
    /// Number of parts.
    pub parts: usize,
    /// Bytes of all parts.
    pub part_bytes: u64,
    /// Bytes of the checkpoint.
    pub checkpoint_bytes: u64,
    /// What is kept of damage, also of earlier starts.
    pub quarantine: QuarantineStatus,
    /// How the upkeep goes.
    pub upkeep: UpkeepStatus,
    /// How the last starts went.
    pub starts: StartStatus,
    /// Bytes that are free on the file system, if that is known.
    pub free_bytes: Option<u64>,
    /// Bytes that must stay free.
    pub min_free_bytes: u64,
    /// Bytes that are taken for upkeep on a full disk.
    pub reserve_bytes: u64,
    /// Why writes are refused at the moment, if they are.
    pub refuses_writes: Option<String>,
}

impl Store {
    pub(super) fn head_status(&self, limit: usize) -> HeadStatus {
        let size = self.head.size();
        let range = self.head.time_range();
        let index = self.head.index.read();
        let mut status = HeadStatus {
            series: size.series,
            label_pairs: index.n_pairs(),
            chunks: size.chunks,
            range,
            samples: self.head.ranges.samples(),
            memory_bytes: size.bytes,
            ..HeadStatus::default()
        };
        let mut by_metric = Top::new(limit);
        let mut by_label = Top::new(limit);
        let mut by_bytes = Top::new(limit);
        let mut by_pair = Top::new(limit);
        for (name, values) in index.names() {
            if name == TENANT_LABEL {
                status.label_pairs -= values.len();
                continue;
            }
            by_label.offer(values.len() as u64, || name.to_owned());
            let mut bytes = 0;
            for (value, series) in values {
                let n = series.len() as u64;
                bytes += n * value.len() as u64;
                by_pair.offer(n, || format!("{name}={value}"));
                if name == METRIC_NAME {
                    by_metric.offer(n, || value.to_string());
                }
            }
            by_bytes.offer(bytes, || name.to_owned());
        }
        status.series_by_metric = name_counts(by_metric);
        status.values_by_label = name_counts(by_label);
        status.bytes_by_label = name_counts(by_bytes);
        status.series_by_pair = name_counts(by_pair);
        status
    }

    pub(super) fn part_status(&self) -> Vec<PartStatus> {
        let set = self.part_set();
        let status = set.parts().iter().map(|part| {
            let meta = part.meta();
            PartStatus {
                id: meta.id,
                level: meta.level,
                range: part.range(),
                series: meta.series,
                samples: meta.samples,
                chunks: meta.chunks,
                bytes: meta.bytes(),
                memory_bytes: part.memory(),
                sources: meta.sources.clone(),
                deleted_intervals: part.tombstones().count(),
            }
        });
        status.collect()
    }

    pub(super) fn quarantine_status(&self) -> QuarantineStatus {
        quarantine_status(self.fs.as_ref(), &self.dir.join(QUARANTINE_DIR))
    }

    pub(super) fn storage_status(&self) -> StorageStatus {
        let set = self.part_set();
        let log = self.log.status();
        let full = self.space.check(self.fs.as_ref(), &self.dir, self.clock.monotonic()).err();
        let closed = self.is_closed.load(Ordering::Acquire).then(|| "the store is closed".to_owned());
        StorageStatus {
            store_id: self.manifest.lock().store_id().to_string(),
            sync: self.options.sync,
            limits: self.limits(),
            checkpoint_bytes: self.checkpoint_bytes(),
            quarantine: self.quarantine_status(),
            upkeep: self.upkeep_status.lock().clone(),
            starts: self.starts.status(),
            parts: set.parts().len(),
            part_bytes: set.bytes(),
            free_bytes: self.fs.space(&self.dir).ok().map(|s| s.available),
            min_free_bytes: self.space.min_free_bytes(),
            reserve_bytes: self.space.reserve().held_bytes(),
            refuses_writes: log.read_only.clone().or(full).or_else(|| self.space.log_full()).or(closed),
            log,
        }
    }
}

/// Counts the files in a folder and below it. What cannot be looked at does not count.
fn quarantine_status(fs: &dyn Fs, dir: &Path) -> QuarantineStatus {
    let mut status = QuarantineStatus::default();
    for entry in fs.list(dir).unwrap_or_default() {
        let path = dir.join(&entry.name);
        if entry.kind == EntryKind::Dir {
            let below = quarantine_status(fs, &path);
            status.files += below.files;
            status.damaged_files += below.damaged_files;
            status.bytes += below.bytes;
        } else {
            status.files += 1;
            status.damaged_files += usize::from(path.extension().is_none_or(|e| e != TORN_EXTENSION));
            status.bytes += fs.metadata(&path).map_or(0, |m| m.len);
        }
    }
    status
}

pub(super) fn name_counts(top: Top<String>) -> Vec<NameCount> {
    top.finish().map(|(count, name)| NameCount { name, count }).collect()
}
