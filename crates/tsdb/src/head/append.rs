use std::sync::atomic::Ordering;

use bellwether_model::{Labels, SeriesRef, Value};

use super::budget::{ShardWriter, series_memory};
use super::series::Series;
use super::shard::Shard;
use super::{Head, N_SHARDS, SeriesId};

/// Where the series of a sample should be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Placement {
    /// The caller says so; the labels must be compared.
    Hinted(SeriesId),
    /// By the hash of the labels.
    Hashed { hash: u64, shard: usize },
}

impl Placement {
    fn shard(self) -> usize {
        match self {
            Self::Hinted(id) => id.shard(),
            Self::Hashed { shard, .. } => shard,
        }
    }
}

/// What was found where a series should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Series(SeriesId),
    /// There is no series with these labels.
    Nothing,
    /// The hint names another series or none; only the hash can tell.
    WrongHint,
}

/// A set of shards, so that it can be locked in order.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ShardSet(u64);

impl ShardSet {
    pub(crate) fn add(&mut self, placement: Placement) {
        self.0 |= 1 << placement.shard();
    }

    fn has(self, shard: usize) -> bool {
        self.0 & (1 << shard) != 0
    }
}

/// A sample that will be appended.
#[derive(Debug)]
pub(crate) struct NewSample {
    pub(crate) series: SeriesId,
    pub(crate) ts_ms: i64,
    pub(crate) start_ts_ms: i64,
    pub(crate) value: Value,
    /// Whether the series has a newer one.
    pub(crate) is_late: bool,
}

/// Shards that are locked for an append, all that it touches.
pub(crate) struct LockedShards<'h> {
    head: &'h Head,
    shards: [Option<ShardWriter<'h>>; N_SHARDS],
    /// Series that were created and are not in the index yet.
    created: Vec<(SeriesId, Labels)>,
}

impl Head {
    /// Where the series with these labels should be.
    #[inline]
    pub(crate) fn place(&self, labels: &Labels, hint: Option<SeriesRef>) -> Placement {
        if let Some(hint) = hint {
            return Placement::Hinted(hint.into());
        }
        let (hash, shard) = self.hash(labels);
        Placement::Hashed { hash, shard }
    }

    /// Locks shards for writing.
    pub(crate) fn lock(&self, set: ShardSet) -> LockedShards<'_> {
        let lock = |shard| set.has(shard).then(|| self.write(shard));
        LockedShards { head: self, shards: std::array::from_fn(lock), created: Vec::new() }
    }
}

impl LockedShards<'_> {
    /// Whether the shard of a placement is among the locked ones.
    pub(crate) fn has(&self, placement: Placement) -> bool {
        self.shards[placement.shard()].is_some()
    }

    #[inline]
    fn shard(&self, shard: usize) -> &Shard {
        self.shards[shard].as_ref().expect("BUG: a shard that is not locked")
    }

    #[inline]
    fn shard_mut(&mut self, shard: usize) -> &mut Shard {
        self.shards[shard].as_mut().expect("BUG: a shard that is not locked")
    }

    /// Which of these handles, by their order, were given for series that are gone.
    ///
    /// Looks also where samples of those that are there will be put. Each look may wait for memory, but none for another; so what follows finds them in the cache.
    pub(crate) fn forgotten(&self, handles: impl Iterator<Item = SeriesRef>) -> Vec<usize> {
        let (mut forgotten, mut seen) = (Vec::new(), 0);
        for (idx, handle) in handles.enumerate() {
            let (id, generation) = SeriesId::from_ref(handle);
            match self.shard(id.shard()).get(id.slot()) {
                Some(series) if series.generation == generation => seen ^= series.touch(),
                _ => forgotten.push(idx),
            }
        }
        std::hint::black_box(seen);
        forgotten
    }

    /// The labels of a series that was found or created under these locks.
    pub(crate) fn labels(&self, id: SeriesId) -> &Labels {
        let series = self.shard(id.shard()).get(id.slot());
        &series.expect("BUG: a place that was found under this lock is empty").labels
    }

    /// Looks where the series should be.
    pub(crate) fn find(&self, placement: Placement, labels: &Labels) -> Found {
        match placement {
            Placement::Hinted(id) => match self.shard(id.shard()).get(id.slot()) {
                Some(series) if series.labels == *labels => Found::Series(id),
                _ => Found::WrongHint,
            },
            Placement::Hashed { hash, shard } => match self.shard(shard).find(hash, labels) {
                Some(slot) => Found::Series(SeriesId::new(shard, slot)),
                None => Found::Nothing,
            },
        }
    }

    /// Creates a series that was not found by its hash.
    pub(crate) fn create(&mut self, placement: Placement, labels: &Labels) -> SeriesId {
        let Placement::Hashed { hash, shard } = placement else {
            unreachable!("BUG: a series is created without looking by its hash");
        };
        let log_id = self.head.next_log_id.fetch_add(1, Ordering::Relaxed);
        let oldest_reader = self.head.commits.oldest_reader();
        let series = Series::new(labels.clone(), log_id);
        let hasher = &self.head.hasher;
        let slot = self.shard_mut(shard).insert(series, hash, hasher, oldest_reader);
        let id = SeriesId::new(shard, slot);
        self.created.push((id, labels.clone()));
        self.head.n_series.fetch_add(1, Ordering::Relaxed);
        self.head.label_bytes.fetch_add(labels.as_bytes().len() as u64, Ordering::Relaxed);
        self.head.series_bytes.fetch_add(series_memory(labels), Ordering::Relaxed);
        id
    }

    /// Enters the series that were created into the index, and returns how many they are.
    pub(crate) fn index_created(&mut self) -> usize {
        if !self.created.is_empty() {
            let mut index = self.head.index.write();
            for (id, labels) in &self.created {
                index.insert(id.0, labels);
            }
        }
        std::mem::take(&mut self.created).len()
    }

    /// The handle of a series that was found or created under these locks.
    #[inline]
    pub(crate) fn to_ref(&self, id: SeriesId) -> SeriesRef {
        let series = self.shard(id.shard()).get(id.slot());
        id.to_ref(series.expect("BUG: a place that was found under this lock is empty").generation)
    }

    /// A series that was found or created under these locks.
    #[inline]
    pub(crate) fn series(&mut self, id: SeriesId) -> &mut Series {
        self.shard_mut(id.shard()).series_mut(id.slot()).0
    }

    /// Appends samples, which were judged and logged, as part of the batch `commit`.
    pub(crate) fn apply(&mut self, commit: u64, samples: impl Iterator<Item = NewSample>) {
        let mut slots: [Vec<u32>; N_SHARDS] = std::array::from_fn(|_| Vec::new());
        for sample in samples {
            let shard = sample.series.shard();
            let (series, shared) = self.shard_mut(shard).series_mut(sample.series.slot());
            if sample.is_late {
                // These know themselves which batch brought them.
                series.push_late(commit, sample.ts_ms, sample.start_ts_ms, &sample.value, shared);
                continue;
            }
            series.push(sample.ts_ms, sample.start_ts_ms, &sample.value, shared);
            if slots[shard].is_empty() {
                slots[shard] = self.shard_mut(shard).take_spare_slots();
            }
            slots[shard].push(sample.series.slot());
        }
        let low_water = self.head.commits.low_water();
        for (shard, slots) in slots.into_iter().enumerate().filter(|(_, slots)| !slots.is_empty()) {
            self.shard_mut(shard).trace(commit, slots, low_water);
        }
    }
}
