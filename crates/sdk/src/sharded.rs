use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::core::Core;
use crate::labels::Labels;
use crate::record::Record;

/// A family of counters that many threads count in at the same time, in places that are apart: each of them costs a kilobyte, but nobody waits for the others. `L` are its labels.
///
/// For the few counters that every thread touches for every event. It counts whole events only.
///
/// ```
/// use bellwether_sdk::{Opts, Registry};
///
/// let registry = Registry::new();
/// let packets = registry.sharded_counter::<()>(Opts::new("packets", "Packets."))?;
/// let handle = packets.with(());
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(move || (0..100).for_each(|_| handle.inc()));
///     }
/// });
/// assert!(registry.text().contains("packets_total 400\n"));
/// # Ok::<(), bellwether_sdk::RegisterError>(())
/// ```
pub struct ShardedCounter<L = ()> {
    core: &'static Core,
    labels: PhantomData<fn(L)>,
}

/// One counter. A copy of the handle costs nothing, and it stays valid for ever. What is counted while its series is removed is not
/// exposed; if the series is made again it begins from zero, and this is its handle.
#[derive(Debug, Clone, Copy)]
pub struct ShardedCounterHandle {
    cells: &'static [AtomicU64; N_CELLS],
}

/// More threads than this share places.
const N_SHARDS: usize = 16;
/// Processors hand memory to each other in lines of so many words.
const LINE: usize = 8;
/// One in each line counts.
pub(crate) const N_CELLS: usize = N_SHARDS * LINE;

/// Where this thread counts: the threads take turns.
#[inline]
fn shard() -> usize {
    const NONE: usize = usize::MAX;
    thread_local! {
        static SHARD: Cell<usize> = const { Cell::new(NONE) };
    }
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    // While a thread ends there is nothing of its own any more.
    let known = SHARD.try_with(Cell::get).unwrap_or(0);
    if known != NONE {
        return known;
    }
    let shard = NEXT.fetch_add(1, Ordering::Relaxed) % N_SHARDS;
    let _ = SHARD.try_with(|cell| cell.set(shard));
    shard
}

impl ShardedCounterHandle {
    /// Counts one event.
    #[inline]
    pub fn inc(self) {
        self.inc_by(1);
    }

    /// Counts `n` events.
    #[inline]
    pub fn inc_by(self, n: u64) {
        self.cells[shard() % N_SHARDS * LINE].fetch_add(n, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn get(self) -> u64 {
        self.cells.iter().map(|cell| cell.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }

    pub(crate) fn of(record: Record) -> Self {
        Self { cells: record.array() }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "labels are written where they are used")]
impl<L: Labels> ShardedCounter<L> {
    pub(crate) fn new(core: &'static Core) -> Self {
        Self { core, labels: PhantomData }
    }

    /// The counter with these labels. It is made if it is not there; beyond a limit of the family it is the one of the overflow series.
    #[inline]
    pub fn with(&self, labels: L::At<'_>) -> ShardedCounterHandle {
        ShardedCounterHandle::of(self.core.record(&labels))
    }

    /// Takes the counter with these labels out of the exposition. Returns whether it was there.
    pub fn remove(&self, labels: L::At<'_>) -> bool {
        self.core.remove(&labels)
    }
}

/// Without labels the family is its one counter.
impl ShardedCounter {
    /// Counts one event.
    #[inline]
    pub fn inc(&self) {
        self.with(()).inc();
    }

    /// Counts `n` events.
    #[inline]
    pub fn inc_by(&self, n: u64) {
        self.with(()).inc_by(n);
    }
}

impl<L> Clone for ShardedCounter<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for ShardedCounter<L> {}

impl<L> fmt::Debug for ShardedCounter<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShardedCounter({})", self.core.description.name)
    }
}
