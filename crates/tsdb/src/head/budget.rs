//! How much memory the head takes, counted as it changes.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};

use bellwether_model::Labels;
use parking_lot::RwLockWriteGuard;

use super::Head;
use super::series::Series;
use super::shard::Shard;

/// What the table of a shard takes for a series: a number and a byte of its hash, in a table that is about two thirds full.
const TABLE_BYTES: usize = 8;
/// The counts of references before the bytes of a label set.
const LABELS_HEADER: usize = 16;

/// How many bytes of memory a series with these labels takes without any sample and without what the index has of it.
pub(super) fn series_memory(labels: &Labels) -> usize {
    size_of::<Option<Series>>() + TABLE_BYTES + LABELS_HEADER + labels.as_bytes().len()
}

/// A shard that is locked for a change. When it is let go, the head learns by how much its samples grew or shrank.
pub(super) struct ShardWriter<'h> {
    shard: RwLockWriteGuard<'h, Shard>,
    sample_bytes: &'h AtomicUsize,
}

impl Deref for ShardWriter<'_> {
    type Target = Shard;

    fn deref(&self) -> &Shard {
        &self.shard
    }
}

impl DerefMut for ShardWriter<'_> {
    fn deref_mut(&mut self) -> &mut Shard {
        &mut self.shard
    }
}

impl Drop for ShardWriter<'_> {
    fn drop(&mut self) {
        match self.shard.shared.take_growth() {
            0 => {}
            // What shrinks wraps around, as the sum does.
            growth => drop(self.sample_bytes.fetch_add(growth as usize, Ordering::Relaxed)),
        }
    }
}

impl Head {
    /// Locks a shard for a change.
    pub(super) fn write(&self, shard: usize) -> ShardWriter<'_> {
        ShardWriter { shard: self.shards[shard].write(), sample_bytes: &self.sample_bytes }
    }

    /// About how many bytes of memory the samples take that are not in parts, and those that are and were not freed yet.
    pub(crate) fn sample_memory(&self) -> usize {
        self.sample_bytes.load(Ordering::Relaxed)
    }

    /// About how many bytes of memory everything takes together: series, their samples and the index. Looks at no series.
    pub(crate) fn memory(&self) -> usize {
        self.sample_memory() + self.series_bytes.load(Ordering::Relaxed) + self.index.read().memory()
    }
}
