//! What the store says about itself.

use std::sync::atomic::Ordering;

use bellwether_disk::LogStatus;
use bellwether_model::{METRIC_NAME, TimeRange};

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

/// What the store takes on disk, and whether it takes writes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageStatus {
    /// The log.
    pub log: LogStatus,
    /// Number of parts.
    pub parts: usize,
    /// Bytes of all parts.
    pub part_bytes: u64,
    /// Bytes that are free on the file system, if that is known.
    pub free_bytes: Option<u64>,
    /// Bytes that must stay free.
    pub min_free_bytes: u64,
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
        status.series_by_metric = by_metric.finish();
        status.values_by_label = by_label.finish();
        status.bytes_by_label = by_bytes.finish();
        status.series_by_pair = by_pair.finish();
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

    pub(super) fn storage_status(&self) -> StorageStatus {
        let set = self.part_set();
        let log = self.log.status();
        let full = self.space.check(self.fs.as_ref(), &self.dir, self.clock.monotonic()).err();
        let closed = self.is_closed.load(Ordering::Acquire).then(|| "the store is closed".to_owned());
        StorageStatus {
            parts: set.parts().len(),
            part_bytes: set.bytes(),
            free_bytes: self.fs.space(&self.dir).ok().map(|s| s.available),
            min_free_bytes: self.space.min_free_bytes(),
            refuses_writes: log.read_only.clone().or(full).or_else(|| self.space.log_full()).or(closed),
            log,
        }
    }
}

/// The largest of many counts.
struct Top {
    limit: usize,
    /// Largest first; of equal ones the first that was offered.
    entries: Vec<NameCount>,
}

impl Top {
    fn new(limit: usize) -> Self {
        Self { limit, entries: Vec::new() }
    }

    fn offer(&mut self, count: u64, name: impl FnOnce() -> String) {
        let at = self.entries.partition_point(|e| e.count >= count);
        if at < self.limit {
            self.entries.truncate(self.limit - 1);
            self.entries.insert(at, NameCount { name: name(), count });
        }
    }

    fn finish(self) -> Vec<NameCount> {
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_largest() {
        let mut top = Top::new(3);
        for (idx, count) in [5, 1, 9, 5, 7, 2].into_iter().enumerate() {
            top.offer(count, || idx.to_string());
        }
        let got: Vec<(String, u64)> = top.finish().into_iter().map(|e| (e.name, e.count)).collect();
        assert_eq!(got, [("2".to_owned(), 9), ("4".to_owned(), 7), ("0".to_owned(), 5)]);
        let mut none = Top::new(0);
        none.offer(1, String::new);
        assert!(none.finish().is_empty());
    }
}
