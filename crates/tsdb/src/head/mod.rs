//! The newest samples, in memory.

mod append;
mod budget;
mod census;
mod chunk;
mod commits;
mod delete;
mod exemplars;
mod index;
mod late;
mod metadata;
mod postings;
mod ranges;
mod read;
mod series;
mod shard;
mod tail;
mod times;
mod upkeep;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use bellwether_model::{Labels, SeriesRef};
use parking_lot::{Mutex, RwLock};

pub(crate) use append::{Found, LockedShards, NewSample, Placement, ShardSet};
pub(crate) use chunk::{Chunk, SharedColumns, Values};
pub(crate) use commits::{Commits, OpenCommit, Snapshot};
pub(crate) use delete::Deletion;
pub(crate) use exemplars::{ExemplarVerdict, Exemplars};
pub(crate) use index::{HeadIndex, IndexBuilder, entry_memory};
pub(crate) use metadata::MetadataStore;
pub(crate) use ranges::{RangeTally, Ranges, start_of};
pub(crate) use read::CutSeries;
pub(crate) use series::{HeadCopies, HeadSamples, LastSample, Series, same_value, value_at};
pub(crate) use shard::{LabelHasher, Shard};
pub(crate) use upkeep::{Defined, LiveSeries};

/// How many shards there are; a power of two. The lower bits of a series' number are its shard.
const N_SHARDS: usize = 64;
/// The labels that say where a series comes from. Series that have the same ones share a shard: they are written together, so a batch locks few shards and
/// finds its series side by side.
const SOURCE_LABELS: [&str; 2] = ["instance", "job"];
const SHARD_BITS: u32 = N_SHARDS.trailing_zeros();
/// Whoever goes through many series holds a lock for at most this many of them at a time.
const SERIES_PER_LOCK: usize = 256;

/// A series in the head: its shard and its place there. Only valid as long as the series is there; look at the labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SeriesId(u32);

impl SeriesId {
    fn new(shard: usize, slot: u32) -> Self {
        assert!(shard < N_SHARDS && slot < 1 << (32 - SHARD_BITS), "BUG: series {slot} of shard {shard}");
        Self((slot << SHARD_BITS) | shard as u32)
    }

    #[inline]
    pub(crate) fn shard(self) -> usize {
        self.0 as usize % N_SHARDS
    }

    #[inline]
    fn slot(self) -> u32 {
        self.0 >> SHARD_BITS
    }

    /// What callers get as a handle: with the generation of the series, which no other one has that is or was at this place.
    fn to_ref(self, generation: u32) -> SeriesRef {
        SeriesRef(u64::from(generation) << 32 | u64::from(self.0))
    }

    /// Place and generation, from what a caller brings back or makes up.
    #[inline]
    fn from_ref(handle: SeriesRef) -> (Self, u32) {
        (Self(handle.0 as u32), (handle.0 >> 32) as u32)
    }
}

/// The place that a handle names, whatever is there.
impl From<SeriesRef> for SeriesId {
    fn from(handle: SeriesRef) -> Self {
        Self::from_ref(handle).0
    }
}

/// The series that are written to, with their newest samples.
///
/// Lock order: shards in the order of their numbers, then `index`, `exemplars`, `metadata`. Whoever holds one of the latter takes no shard.
#[derive(Debug)]
pub(crate) struct Head {
    shards: Vec<RwLock<Shard>>,
    pub(crate) index: RwLock<HeadIndex>,
    pub(crate) commits: Commits,
    pub(crate) ranges: Ranges,
    pub(crate) exemplars: Mutex<Exemplars>,
    pub(crate) metadata: Mutex<MetadataStore>,
    hasher: LabelHasher,
    n_series: AtomicUsize,
    /// Bytes of the labels of all series.
    label_bytes: AtomicU64,
    /// Bytes of memory that series take without their samples and the index.
    series_bytes: AtomicUsize,
    /// Bytes of memory of samples; see [`budget`].
    sample_bytes: AtomicUsize,
    /// The number that the next series gets in the log.
    next_log_id: AtomicU64,
    /// Whether there may be samples that are in parts.
    has_cut_samples: AtomicBool,
}

impl Head {
    /// An empty head that keeps up to `max_exemplars` exemplars.
    pub(crate) fn new(max_exemplars: usize) -> Self {
        Self {
            shards: (0..N_SHARDS).map(|_| RwLock::default()).collect(),
            index: RwLock::default(),
            commits: Commits::default(),
            ranges: Ranges::default(),
            exemplars: Mutex::new(Exemplars::new(max_exemplars)),
            metadata: Mutex::default(),
            hasher: LabelHasher::default(),
            n_series: AtomicUsize::new(0),
            label_bytes: AtomicU64::new(0),
            series_bytes: AtomicUsize::new(0),
            sample_bytes: AtomicUsize::new(0),
            next_log_id: AtomicU64::new(1),
            has_cut_samples: AtomicBool::new(false),
        }
    }

    /// How many series there are.
    pub(crate) fn n_series(&self) -> usize {
        self.n_series.load(Ordering::Relaxed)
    }

    /// Bytes of the labels of all series: about what defining them all in the log takes.
    pub(crate) fn label_bytes(&self) -> u64 {
        self.label_bytes.load(Ordering::Relaxed)
    }

    /// The number that the next series gets in the log.
    pub(crate) fn next_log_id(&self) -> u64 {
        self.next_log_id.load(Ordering::Relaxed)
    }

    /// Makes sure that new series get numbers from `id` on.
    pub(crate) fn raise_log_id(&self, id: u64) {
        self.next_log_id.fetch_max(id, Ordering::Relaxed);
    }

    fn hash(&self, labels: &Labels) -> (u64, usize) {
        let hash = self.hasher.of(labels);
        let [instance, job] = SOURCE_LABELS.map(|name| labels.get(name));
        let of_source = match (instance, job) {
            (None, None) => hash,
            source => self.hasher.hash(source),
        };
        // Neither the bits that choose a bucket in the table of the shard nor those that it compares there.
        (hash, (of_source >> 32) as usize % N_SHARDS)
    }
}
