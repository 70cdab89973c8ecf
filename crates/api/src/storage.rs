use std::collections::BTreeMap;

use bellwether_model::{Matcher, Tenant, TimeRange};
use serde::Serialize;

use crate::cardinality::{Breakdown, Cardinality, CardinalityQuery, LabelChoice, RefusedSamples};

/// What operators may ask of the store, whichever store it is. Calls may block for long.
pub trait StorageAdmin: Send + Sync {
    /// Cuts everything in memory into parts and merges what can be merged; returns when that is done.
    fn compact_all(&self) -> Result<(), StorageAdminError>;

    /// Deletes the samples in the range of the series for which all matchers of one of the selectors hold. They are gone for good when it returns.
    fn delete(
        &self,
        tenant: &Tenant,
        selectors: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<(), StorageAdminError>;

    /// Removes deleted samples from the disk; returns when that is done.
    fn clean_tombstones(&self) -> Result<(), StorageAdminError>;

    /// Makes a snapshot of the store and returns its name, that of a folder below `snapshots` in the folder of the store. `with_head`: whether what is in memory is part of it.
    fn snapshot(&self, with_head: bool) -> Result<String, StorageAdminError>;

    /// What the store holds; each list has at most `top` entries.
    fn status(&self, top: usize) -> StorageStatus;

    /// How the store is on disk, and how its upkeep goes.
    fn details(&self) -> StorageDetails;

    /// What everybody should know who looks at the data. Quick.
    fn alarms(&self) -> StorageAlarms;

    /// Which metrics and labels the series in memory come from.
    fn cardinality(&self, query: CardinalityQuery) -> Cardinality;

    /// What the chosen series in memory consist of.
    fn breakdown(&self, choice: &LabelChoice, query: CardinalityQuery) -> Breakdown;
}

/// What everybody should know who looks at the data of a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StorageAlarms {
    /// Damaged places found since the start.
    pub corruptions: u64,
    /// Files that are kept of damage, also of earlier starts. What a crash leaves at the end of the log is none.
    pub damaged_files: usize,
    /// Whether the server holds back because its last starts did not go well.
    pub safe_mode: bool,
}

/// How a store is on disk. Times are in milliseconds since the Unix epoch, sizes in bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageDetails {
    /// The identity of the store.
    pub store_id: String,
    /// Its folder.
    pub path: String,
    /// When the log is synced.
    pub sync_mode: String,
    /// Why writes are refused at the moment, if they are.
    pub refuses_writes: Option<String>,
    /// What is free on the file system, if that is known.
    pub free_bytes: Option<u64>,
    /// What must stay free.
    pub min_free_bytes: u64,
    /// What is taken for upkeep on a full disk.
    pub reserve_bytes: u64,
    /// Whether the server holds back because its last starts did not go well.
    pub safe_mode: bool,
    /// Starts shortly before this one that did not go well.
    pub failed_starts: usize,
    /// What parts, log and checkpoint take, as the retention counts.
    pub used_bytes: u64,
    /// The log.
    pub log: LogDetails,
    /// The checkpoint.
    pub checkpoint_bytes: u64,
    /// What came in since the start.
    pub ingest: IngestDetails,
    /// What is in memory.
    pub head: HeadDetails,
    /// The parts, oldest first.
    pub parts: Vec<PartDetails>,
    /// What is deleted and still on the disk.
    pub tombstones: TombstoneDetails,
    /// What is kept.
    pub retention: RetentionDetails,
    /// How the upkeep goes.
    pub upkeep: UpkeepDetails,
    /// What was found at the last start.
    pub recovery: RecoveryDetails,
    /// What is kept of damage, also of earlier starts.
    pub quarantine: QuarantineDetails,
    /// Damaged places found since the start.
    pub corruptions: u64,
    /// Samples that were refused since the start, by the name of the limit.
    pub refused_by_limit: BTreeMap<&'static str, u64>,
    /// Numbers for metrics that only grow: name without prefix, explanation, value.
    #[serde(skip)]
    pub counters: Vec<(&'static str, &'static str, u64)>,
    /// Numbers for metrics that go up and down: name without prefix, explanation, value.
    #[serde(skip)]
    pub gauges: Vec<(&'static str, &'static str, f64)>,
}

/// The log of a store.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogDetails {
    /// Segments.
    pub segments: usize,
    /// Size of all of them.
    pub bytes: u64,
    /// The number of the last frame.
    pub last_seq: u64,
    /// Up to which frame everything is durable.
    pub synced_seq: u64,
    /// What is written and not durable.
    pub unsynced_bytes: usize,
    /// How often it was synced.
    pub syncs: u64,
    /// How long that took, all together.
    pub sync_seconds: f64,
    /// How often a write or a sync failed.
    pub failures: u64,
}

/// What came into a store since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IngestDetails {
    /// Samples that were stored.
    pub samples: u64,
    /// Those of them that were older than the newest one of their series.
    pub late_samples: u64,
    /// Samples that were refused, for whatever reason.
    pub refused_samples: u64,
    /// Series that were created.
    pub series: u64,
}

/// What a store has in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeadDetails {
    /// Series.
    pub series: usize,
    /// Samples that are not in parts yet.
    pub samples: u64,
    /// Chunks.
    pub chunks: usize,
    /// The oldest sample.
    pub min_time: Option<i64>,
    /// The newest sample.
    pub max_time: Option<i64>,
    /// Memory, roughly.
    pub memory_bytes: usize,
    /// Memory that it may take; `None`: any.
    pub memory_budget_bytes: Option<usize>,
}

/// A part of a store.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartDetails {
    /// Its number.
    pub id: u64,
    /// 0 if it was cut from memory, else how often it was merged.
    pub level: u32,
    /// The first sample.
    pub min_time: i64,
    /// The last sample.
    pub max_time: i64,
    /// Size.
    pub bytes: u64,
    /// Samples.
    pub samples: u64,
    /// Series.
    pub series: u64,
    /// Chunks.
    pub chunks: u64,
    /// Size by samples.
    pub bytes_per_sample: f64,
    /// Memory while it is open.
    pub memory_bytes: usize,
    /// Stretches of its series that are deleted.
    pub deleted_intervals: usize,
    /// The parts that it was merged from.
    pub sources: Vec<u64>,
}

/// What is deleted and still on the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TombstoneDetails {
    /// Parts that have deleted samples.
    pub parts: usize,
    /// Stretches of their series.
    pub intervals: usize,
}

/// What is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RetentionDetails {
    /// For how long, in milliseconds.
    pub time_ms: Option<i64>,
    /// How much.
    pub bytes: Option<u64>,
    /// How late a sample may be, in milliseconds.
    pub out_of_order_window_ms: i64,
    /// Parts that were dropped since the start.
    pub parts_retired: u64,
}

/// How the upkeep of a store goes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpkeepDetails {
    /// How often it was done.
    pub rounds: u64,
    /// When the last round ended.
    pub last_run: Option<i64>,
    /// How long it took, in seconds.
    pub last_took_seconds: f64,
    /// Why some of it failed, if it did.
    pub last_error: Option<String>,
    /// Parts that the last round cut from memory.
    pub parts_cut: usize,
    /// Parts that the last round merged into others.
    pub parts_merged: usize,
    /// Parts that the last round rewrote because much of them was deleted.
    pub parts_rewritten: usize,
    /// Parts that the last round dropped.
    pub parts_retired: usize,
    /// Tasks that failed since the start.
    pub failures: u64,
}

/// What was found when a store was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryDetails {
    /// Whether nothing was lost.
    pub clean: bool,
    /// The checkpoint that was read.
    pub checkpoint: Option<u64>,
    /// Frames of the log that were read.
    pub log_frames: u64,
    /// Samples that came back into memory.
    pub samples: u64,
    /// Series that came back into memory.
    pub series: usize,
    /// Samples whose series nothing defines.
    pub samples_orphaned: u64,
    /// Frames that are not there although later ones are.
    pub frames_missing: u64,
    /// What was damaged or out of place.
    pub problems: Vec<ProblemDetails>,
}

/// Something that was damaged or out of place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProblemDetails {
    /// What kind of problem.
    pub kind: &'static str,
    /// The file or folder.
    pub path: String,
    /// What is wrong.
    pub what: String,
    /// Where it was moved or copied to.
    pub quarantined: Option<String>,
}

/// What is kept of damage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QuarantineDetails {
    /// Files.
    pub files: usize,
    /// Those of them that are not just what a crash left at the end of the log.
    pub damaged_files: usize,
    /// Their size.
    pub bytes: u64,
}

/// Why the store did not do what an operator asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StorageAdminError {
    /// The disk has no room for it; this changes when somebody frees some.
    #[error("storage_full: {0}")]
    Full(String),
    /// The store takes no writes now, or is being closed.
    #[error("{0}")]
    Unavailable(String),
    /// The disk or the program is at fault.
    #[error("{0}")]
    Failed(String),
}

/// What a store holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StorageStatus {
    /// Series in memory.
    pub series: usize,
    /// Distinct label pairs in memory.
    pub label_pairs: usize,
    /// Chunks in memory.
    pub chunks: usize,
    /// The time of the oldest sample in memory, in milliseconds since the Unix epoch.
    pub mint: i64,
    /// The time of the newest sample in memory, in milliseconds since the Unix epoch.
    pub maxt: i64,
    /// Damaged places found on disk since the start.
    pub corruptions: u64,
    /// Metric names with the most series.
    pub series_by_metric: Vec<(String, u64)>,
    /// Label names with the most values.
    pub values_by_label: Vec<(String, u64)>,
    /// Label names whose values take the most bytes.
    pub bytes_by_label: Vec<(String, u64)>,
    /// Label pairs with the most series, written `name=value`.
    pub series_by_pair: Vec<(String, u64)>,
    /// Whose samples were refused because of limits most often since the store was opened.
    pub refused: Vec<RefusedSamples>,
}
