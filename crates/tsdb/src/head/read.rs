use bellwether_model::{
    ColumnBuffer, Labels, Matcher, QueryContext, QueryInterrupt, StorageError, TimeRange,
};

use crate::columns::merge_columns;
use crate::part::{Part, PartError};
use crate::select::select;

use super::series::{HeadCopies, HeadSamples, same_value, value_at};
use super::{Head, N_SHARDS, SERIES_PER_LOCK, SHARD_BITS, SeriesId};

/// A series with the samples that a cut moves into parts.
#[derive(Debug)]
pub(crate) struct CutSeries {
    pub(crate) id: SeriesId,
    /// Tells whether the place still has the same series later.
    pub(crate) log_id: u64,
    pub(crate) labels: Labels,
    pub(crate) samples: HeadSamples,
    /// Those that came late. Most series have none.
    pub(crate) late: Option<Box<ColumnBuffer>>,
}

impl Head {
    /// The series for which all matchers hold. They may be gone when they are looked at.
    pub(crate) fn select(
        &self,
        matchers: &[&Matcher],
        cx: &QueryContext,
    ) -> Result<Vec<SeriesId>, StorageError> {
        let ids = select(&*self.index.read(), matchers, cx)?;
        Ok(ids.into_iter().map(SeriesId).collect())
    }

    /// Copies the samples in the range that a reader of `commit` may see to `copies`, and hands the labels of each series that has some to `take`, with the bytes that
    /// all copies take so far.
    pub(crate) fn read(
        &self,
        ids: &[SeriesId],
        commit: u64,
        cx: &QueryContext,
        copies: &mut HeadCopies,
        mut take: impl FnMut(&Labels, usize) -> Result<(), QueryInterrupt>,
    ) -> Result<(), QueryInterrupt> {
        for (shard, ids) in by_shard(ids).iter().enumerate() {
            for ids in ids.chunks(SERIES_PER_LOCK) {
                cx.check()?;
                let shard = self.shards[shard].read();
                let hidden = shard.hidden_after(commit);
                for id in ids {
                    let Some(series) = shard.get(id.slot()) else { continue };
                    // Most readers see everything, and then nothing has to be looked up.
                    let hidden =
                        if hidden.is_empty() { 0 } else { hidden.get(&id.slot()).copied().unwrap_or(0) };
                    if copies.push(series, hidden, commit) {
                        take(&series.labels, copies.memory())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Hands the labels of those series to `take` that reach into the range with samples which a reader of `commit` may see; without a range
    /// those of all.
    pub(crate) fn labels(
        &self,
        ids: &[SeriesId],
        range: Option<TimeRange>,
        commit: u64,
        cx: &QueryContext,
        mut take: impl FnMut(&Labels),
    ) -> Result<(), QueryInterrupt> {
        for (shard, ids) in by_shard(ids).iter().enumerate() {
            for ids in ids.chunks(SERIES_PER_LOCK) {
                cx.check()?;
                let shard = self.shards[shard].read();
                let hidden = shard.hidden_after(commit);
                for id in ids {
                    let Some(series) = shard.get(id.slot()) else { continue };
                    let hidden = hidden.get(&id.slot()).copied().unwrap_or(0);
                    if range.is_none_or(|range| series.reaches_into(range, hidden, commit)) {
                        take(&series.labels);
                    }
                }
            }
        }
        Ok(())
    }

    /// Copies the samples before `end` that are not in parts yet, of all series, as far as a reader of `commit` may see them.
    pub(crate) fn read_for_cut(&self, end: i64, commit: u64) -> Vec<CutSeries> {
        let mut found = Vec::new();
        for shard in 0..N_SHARDS {
            let n_slots = self.shards[shard].read().n_slots() as u32;
            for first in (0..n_slots).step_by(SERIES_PER_LOCK) {
                let locked = self.shards[shard].read();
                let hidden = locked.hidden_after(commit);
                for slot in first..n_slots.min(first + SERIES_PER_LOCK as u32) {
                    let Some(series) = locked.get(slot) else { continue };
                    let range = TimeRange::new(series.cut_through.saturating_add(1), end - 1);
                    let before_end = TimeRange::new(i64::MIN, end - 1);
                    let late = series.late().map(|late| late.read_uncut(before_end, commit));
                    let late = late.filter(|late| !late.is_empty()).map(Box::new);
                    if series.is_empty() || (range.mint > range.maxt && late.is_none()) {
                        continue;
                    }
                    let samples = series.samples(range, hidden.get(&slot).copied().unwrap_or(0));
                    if !samples.is_empty() || late.is_some() {
                        found.push(CutSeries {
                            id: SeriesId::new(shard, slot),
                            log_id: series.log_id,
                            labels: series.labels.clone(),
                            samples,
                            late,
                        });
                    }
                }
            }
        }
        found
    }

    /// Whether every sample of a part is here.
    pub(crate) fn holds(&self, part: &Part) -> Result<bool, PartError> {
        let (mut in_part, mut here) = (ColumnBuffer::default(), ColumnBuffer::default());
        let mut labels = part.labels()?;
        for ordinal in 0..part.n_series() {
            in_part.clear();
            here.clear();
            part.read(ordinal, TimeRange::ALL, &mut in_part)?;
            let labels = labels.read(ordinal)?;
            let (hash, shard) = self.hash(&labels);
            let shard = self.shards[shard].read();
            let Some(series) = shard.find(hash, &labels).and_then(|slot| shard.get(slot)) else {
                return Ok(false);
            };
            let mut in_order = ColumnBuffer::default();
            if series.samples(part.range(), 0).read(&mut in_order).is_err() {
                return Ok(false);
            }
            let late = series.late().map(|late| late.read(part.range(), u64::MAX)).unwrap_or_default();
            merge_columns(&mut vec![in_order, late], &mut here);
            if !contains(&here, &in_part) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Runs `look` while no batch is between being numbered and being applied.
    pub(crate) fn between_batches<T>(&self, look: impl FnOnce() -> T) -> T {
        let _all: Vec<_> = self.shards.iter().map(|shard| shard.read()).collect();
        look()
    }
}

/// Whether all samples of `part` are in `all` too. Both are in the order of time.
fn contains(all: &ColumnBuffer, part: &ColumnBuffer) -> bool {
    let row_at = |ts_ms: &i64| all.ts.binary_search(ts_ms).ok();
    (0..part.len()).all(|row| {
        row_at(&part.ts[row]).is_some_and(|at| same_value(&value_at(all, at), &value_at(part, row)))
    })
}

fn by_shard(ids: &[SeriesId]) -> [Vec<SeriesId>; N_SHARDS] {
    let mut shards = std::array::from_fn(|_| Vec::with_capacity(ids.len() >> SHARD_BITS));
    for id in ids {
        shards[id.shard()].push(*id);
    }
    shards
}
