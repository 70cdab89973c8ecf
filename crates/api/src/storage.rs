use bellwether_model::{Matcher, Tenant, TimeRange};

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
    /// Numbers that only grow: name without prefix, explanation, value.
    pub counters: Vec<(&'static str, &'static str, u64)>,
    /// Numbers that go up and down: name without prefix, explanation, value.
    pub gauges: Vec<(&'static str, &'static str, f64)>,
}
