use std::collections::VecDeque;
use std::hash::{BuildHasher as _, Hash};
use std::ops::Range;

use bellwether_model::{Labels, TimeRange};
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use super::chunk::SharedColumns;
use super::series::Series;

/// The samples that a batch added to a shard: one entry per sample, the place of its series.
#[derive(Debug)]
struct Trace {
    commit: u64,
    slots: Vec<u32>,
}

/// A part of the series, chosen by where they come from, under one lock.
#[derive(Debug)]
pub(crate) struct Shard {
    /// Hash of the labels to place.
    table: HashTable<u32>,
    series: Places,
    /// Places without a series, with the mark of readers that must be gone before a place is used again. Marks increase.
    free: VecDeque<(u64, u32)>,
    /// Of the next series. Starts anywhere, so that handles from another store or another life of this one are not mistaken for valid ones.
    next_generation: u32,
    /// What recent batches added, oldest first. A reader that must not see a batch leaves out as many of the newest samples of each series.
    traces: VecDeque<Trace>,
    /// The memory of a trace that was forgotten, for the next one.
    spare_slots: Vec<u32>,
    pub(crate) shared: SharedColumns,
}

/// Places that come into being a page at a time. A vector would leave up to half of its room empty, and need thrice the room of the series while it grows.
#[derive(Debug, Default)]
struct Places {
    /// All but the last one are full.
    pages: Vec<Vec<Option<Series>>>,
    n: u32,
}

/// The memory of a longer trace is not kept.
const MAX_SPARE_SLOTS: usize = 1 << 12;

/// How many places a page has.
const PAGE: usize = 64;

impl Places {
    #[inline]
    fn get(&self, slot: u32) -> Option<&Option<Series>> {
        self.pages.get(slot as usize / PAGE)?.get(slot as usize % PAGE)
    }

    #[inline]
    fn get_mut(&mut self, slot: u32) -> Option<&mut Option<Series>> {
        self.pages.get_mut(slot as usize / PAGE)?.get_mut(slot as usize % PAGE)
    }

    /// Adds a place and returns its number.
    fn push(&mut self, series: Series) -> u32 {
        let slot = self.n;
        if (slot as usize).is_multiple_of(PAGE) {
            self.pages.push(Vec::with_capacity(PAGE));
        }
        let page = self.pages.last_mut().expect("BUG: no page although one was added");
        page.push(Some(series));
        self.n += 1;
        slot
    }

    fn iter(&self) -> impl Iterator<Item = &Option<Series>> {
        self.pages.iter().flatten()
    }
}

/// Hashes labels and parts of them. The key is random for each store, so nobody can choose labels that collide.
#[derive(Debug, Clone, Default)]
pub(crate) struct LabelHasher(DefaultHashBuilder);

impl LabelHasher {
    pub(crate) fn hash(&self, what: impl Hash) -> u64 {
        self.0.hash_one(what)
    }

    /// The hash by which a table knows the series with these labels.
    pub(crate) fn of(&self, labels: &Labels) -> u64 {
        self.hash(labels.as_bytes())
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            table: HashTable::new(),
            series: Places::default(),
            free: VecDeque::new(),
            next_generation: DefaultHashBuilder::default().hash_one(0) as u32,
            traces: VecDeque::new(),
            spare_slots: Vec::new(),
            shared: SharedColumns::default(),
        }
    }
}

impl Shard {
    /// The place of the series with these labels.
    pub(crate) fn find(&self, hash: u64, labels: &Labels) -> Option<u32> {
        let is_it = |slot: &u32| self.get(*slot).is_some_and(|s| s.labels == *labels);
        self.table.find(hash, is_it).copied()
    }

    /// The series at a place, if there is one.
    pub(crate) fn get(&self, slot: u32) -> Option<&Series> {
        self.series.get(slot)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut Series> {
        self.series.get_mut(slot)?.as_mut()
    }

    /// The series at a place, if there is one, and the shared columns for changing its samples.
    pub(crate) fn get_with_shared(&mut self, slot: u32) -> Option<(&mut Series, &mut SharedColumns)> {
        Some((self.series.get_mut(slot)?.as_mut()?, &mut self.shared))
    }

    /// The series at a place that is known to have one, and the shared columns for pushing samples.
    pub(crate) fn series_mut(&mut self, slot: u32) -> (&mut Series, &mut SharedColumns) {
        let series = self.series.get_mut(slot).and_then(Option::as_mut);
        (series.expect("BUG: a place that was found under this lock is empty"), &mut self.shared)
    }

    /// Adds a series that is not there yet and returns its place. `oldest_reader` is the mark of the oldest reader that is open.
    pub(crate) fn insert(
        &mut self,
        mut series: Series,
        hash: u64,
        hasher: &LabelHasher,
        oldest_reader: u64,
    ) -> u32 {
        series.generation = self.next_generation;
        self.next_generation = self.next_generation.wrapping_add(1);
        let slot = match self.free.front() {
            Some((mark, slot)) if *mark < oldest_reader => {
                let slot = *slot;
                self.free.pop_front();
                let place = self.series.get_mut(slot);
                *place.expect("BUG: a free place is none of the shard's") = Some(series);
                slot
            }
            _ => self.series.push(series),
        };
        let all = &self.series;
        self.table.insert_unique(hash, slot, |slot| {
            let series = all.get(*slot).and_then(Option::as_ref);
            hasher.of(&series.expect("BUG: the table names an empty place").labels)
        });
        slot
    }

    /// Removes the series at a place. The place is not used again before [`free`](Self::free) is called for it.
    pub(crate) fn remove(&mut self, slot: u32, hasher: &LabelHasher) -> Option<Series> {
        let series = self.series.get_mut(slot)?.take()?;
        if let Ok(entry) = self.table.find_entry(hasher.of(&series.labels), |s| *s == slot) {
            entry.remove();
        }
        Some(series)
    }

    /// Lets an empty place be used again once the readers up to `mark` are gone: they may have found it under the labels of its old series.
    pub(crate) fn free(&mut self, slot: u32, mark: u64) {
        self.free.push_back((mark, slot));
    }

    /// All series with their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Series)> {
        (0..).zip(self.series.iter()).filter_map(|(slot, series)| Some((slot, series.as_ref()?)))
    }

    /// How many places there are, with and without series.
    pub(crate) fn n_slots(&self) -> usize {
        self.series.n as usize
    }

    /// Remembers that a batch added samples, one for each entry of `slots`. Traces of batches up to `low_water` are forgotten.
    pub(crate) fn trace(&mut self, commit: u64, slots: Vec<u32>, low_water: u64) {
        while let Some(Trace { slots, .. }) = self.traces.pop_front_if(|t| t.commit <= low_water) {
            if slots.capacity() <= MAX_SPARE_SLOTS {
                self.spare_slots = slots;
            }
        }
        self.traces.push_back(Trace { commit, slots });
    }

    /// An empty list for the places of the next trace.
    pub(crate) fn take_spare_slots(&mut self) -> Vec<u32> {
        let mut slots = std::mem::take(&mut self.spare_slots);
        slots.clear();
        slots
    }

    /// Removes the samples of series in ranges. Readers of earlier batches do not find them either, and leave out no others instead.
    pub(super) fn delete(&mut self, deletions: &[(u32, TimeRange)]) {
        let mut gone: HashMap<u32, (usize, Range<usize>)> = HashMap::new();
        for (slot, range) in deletions {
            let (series, shared) = self.series_mut(*slot);
            let removed = series.delete(*range, shared);
            if !removed.is_empty() {
                gone.insert(*slot, (0, removed));
            }
        }
        // The newest samples of a series are those of the last entries, one for one.
        for trace in self.traces.iter_mut().rev() {
            let keep: Vec<bool> = trace
                .slots
                .iter()
                .rev()
                .map(|slot| {
                    let Some((newer, removed)) = gone.get_mut(slot) else { return true };
                    *newer += 1;
                    !removed.contains(&(*newer - 1))
                })
                .collect();
            let mut keep = keep.into_iter().rev();
            trace.slots.retain(|_| keep.next().unwrap_or(true));
        }
    }

    /// For each series that has samples of batches after `commit`: how many.
    pub(crate) fn hidden_after(&self, commit: u64) -> HashMap<u32, usize> {
        let mut hidden = HashMap::new();
        for trace in self.traces.iter().rev().take_while(|t| t.commit > commit) {
            for slot in &trace.slots {
                *hidden.entry(*slot).or_insert(0) += 1;
            }
        }
        hidden
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again() {
        let hasher = LabelHasher::default();
        let mut shard = Shard::default();
        let labels = |i: u32| Labels::from_pairs([("a", i.to_string())]);
        let insert = |shard: &mut Shard, i: u32, oldest_reader| {
            let series = Series::new(labels(i), u64::from(i));
            shard.insert(series, hasher.of(&labels(i)), &hasher, oldest_reader)
        };
        for i in 0..100 {
            assert_eq!(insert(&mut shard, i, 0), i);
        }
        for i in (0..100).step_by(3) {
            assert_eq!(shard.remove(i, &hasher).map(|s| s.log_id), Some(u64::from(i)));
            shard.free(i, u64::from(i));
        }
        assert!(shard.remove(0, &hasher).is_none() && shard.remove(1000, &hasher).is_none());
        assert_eq!(insert(&mut shard, 500, 0), 100, "a reader may still look for what was at place 0");
        assert_eq!(insert(&mut shard, 501, 1), 0);
        assert_eq!(insert(&mut shard, 502, 1), 101);
        for i in 0..100 {
            let found = shard.find(hasher.of(&labels(i)), &labels(i));
            assert_eq!(found, (!i.is_multiple_of(3)).then_some(i));
        }
        assert_eq!(shard.iter().count(), 69);
    }

    #[test]
    fn traces_count_the_samples_that_a_reader_must_not_see() {
        let mut shard = Shard::default();
        shard.trace(1, vec![7, 8], 0);
        shard.trace(2, vec![7, 7], 0);
        assert_eq!(shard.hidden_after(0), HashMap::from_iter([(7, 3), (8, 1)]));
        assert_eq!(shard.hidden_after(1), HashMap::from_iter([(7, 2)]));
        assert!(shard.hidden_after(2).is_empty());
        shard.trace(3, vec![1], 2);
        assert_eq!(shard.hidden_after(0), HashMap::from_iter([(1, 1)]));
    }
}
