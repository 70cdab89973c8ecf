use std::sync::atomic::Ordering;

use bellwether_model::{ColumnBuffer, Labels, TimeRange, Value};

use crate::coding;

use super::append::{Found, ShardSet};
use super::budget::series_memory;
use super::chunk::Chunk;
use super::ranges::RangeTally;
use super::series::{HeadSamples, LastSample};
use super::{Head, N_SHARDS, SERIES_PER_LOCK, SeriesId};

/// How much the head holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct HeadSize {
    pub(crate) series: usize,
    pub(crate) chunks: usize,
    /// Bytes of memory, roughly.
    pub(crate) bytes: usize,
}

/// What a definition in the log says of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defined {
    /// There was none with these labels.
    New,
    /// What is known.
    Known,
    /// Another number.
    Again,
}

/// A series as a checkpoint has it.
#[derive(Debug)]
pub(crate) struct LiveSeries {
    pub(crate) log_id: u64,
    pub(crate) labels: Labels,
    /// The newest sample and those in order that are not in parts; `None` if all are.
    pub(crate) in_order: Option<(LastSample, HeadSamples)>,
    /// The late samples that are not in parts.
    pub(crate) late: ColumnBuffer,
}

impl Head {
    /// Notes that samples are in parts now: of each series those up to the given time.
    pub(crate) fn mark_cut(&self, cuts: &[(SeriesId, u64, i64)]) {
        self.has_cut_samples.store(true, Ordering::Relaxed);
        for (id, log_id, through) in cuts {
            let mut shard = self.write(id.shard());
            if let Some(series) = shard.get_mut(id.slot()).filter(|s| s.log_id == *log_id) {
                series.cut_through = series.cut_through.max(*through);
            }
        }
    }

    /// Notes of series that their late samples before `end`, as far as a reader of `commit` saw them, are in parts now.
    pub(crate) fn mark_late_cut(&self, cuts: impl Iterator<Item = (SeriesId, u64)>, end: i64, commit: u64) {
        self.has_cut_samples.store(true, Ordering::Relaxed);
        for (id, log_id) in cuts {
            let mut shard = self.write(id.shard());
            if let Some(series) = shard.get_mut(id.slot()).filter(|s| s.log_id == log_id) {
                series.mark_late_cut(end, commit);
            }
        }
    }

    /// Frees the samples that are in parts. Only when no reader relies on finding them here.
    pub(crate) fn drop_cut(&self) {
        if !self.has_cut_samples.swap(false, Ordering::Relaxed) {
            return;
        }
        self.for_each_slot(|shard, slot| {
            if let Some((series, shared)) = shard.get_with_shared(slot) {
                series.drop_cut(shared);
            }
        });
    }

    fn for_each_slot(&self, mut visit: impl FnMut(&mut super::shard::Shard, u32)) {
        for shard in 0..N_SHARDS {
            let n_slots = self.shards[shard].read().n_slots() as u32;
            for first in (0..n_slots).step_by(SERIES_PER_LOCK) {
                let mut locked = self.write(shard);
                for slot in first..n_slots.min(first + SERIES_PER_LOCK as u32) {
                    visit(&mut locked, slot);
                }
            }
        }
    }

    /// Forgets series that have no samples here and got none since `touched_before_s`. Returns their labels.
    pub(crate) fn drop_idle_series(&self, touched_before_s: u32) -> Vec<Labels> {
        let mut gone = Vec::new();
        for shard in 0..N_SHARDS {
            let n_slots = self.shards[shard].read().n_slots() as u32;
            for first in (0..n_slots).step_by(SERIES_PER_LOCK) {
                let mut locked = self.write(shard);
                for slot in first..n_slots.min(first + SERIES_PER_LOCK as u32) {
                    let idle = |s: &super::Series| s.is_empty() && s.touched_s < touched_before_s;
                    if locked.get(slot).is_some_and(idle)
                        && let Some(series) = locked.remove(slot, &self.hasher)
                    {
                        self.n_series.fetch_sub(1, Ordering::Relaxed);
                        self.label_bytes.fetch_sub(series.labels.as_bytes().len() as u64, Ordering::Relaxed);
                        self.series_bytes.fetch_sub(series_memory(&series.labels), Ordering::Relaxed);
                        gone.push((SeriesId::new(shard, slot).0, series.labels));
                    }
                }
            }
        }
        if gone.is_empty() {
            return Vec::new();
        }
        self.index.write().remove(&gone);
        // Only now nobody finds the places any more, except readers that found them before.
        let mark = self.commits.reader_mark();
        for (id, _) in &gone {
            let id = SeriesId(*id);
            self.write(id.shard()).free(id.slot(), mark);
        }
        gone.into_iter().map(|(_, labels)| labels).collect()
    }

    /// Hands all series with samples that are not in parts to `take`, for a checkpoint that stands for the segments below `segment`.
    ///
    /// From now on the other series are defined anew in the log when they get a sample, and these count as defined in `segment`.
    pub(crate) fn for_checkpoint<E>(
        &self,
        segment: u64,
        mut take: impl FnMut(LiveSeries) -> Result<(), E>,
    ) -> Result<u64, E> {
        let mut n = 0;
        for shard in 0..N_SHARDS {
            let n_slots = self.shards[shard].read().n_slots() as u32;
            for first in (0..n_slots).step_by(SERIES_PER_LOCK) {
                let mut live = Vec::new();
                let mut locked = self.write(shard);
                for slot in first..n_slots.min(first + SERIES_PER_LOCK as u32) {
                    let Some(series) = locked.get_mut(slot) else { continue };
                    let rest = TimeRange::new(series.cut_through.saturating_add(1), i64::MAX);
                    let samples = series.samples(rest, 0);
                    let late =
                        series.late().map(|l| l.read_uncut(TimeRange::ALL, u64::MAX)).unwrap_or_default();
                    let in_order = series.last().filter(|_| !samples.is_empty()).map(|last| (last, samples));
                    if in_order.is_none() && late.is_empty() {
                        series.set_defined_in(None);
                        continue;
                    }
                    live.push(LiveSeries {
                        log_id: series.log_id,
                        labels: series.labels.clone(),
                        in_order,
                        late,
                    });
                    series.set_defined_in(Some(segment));
                }
                drop(locked);
                n += live.len() as u64;
                live.into_iter().try_for_each(&mut take)?;
            }
        }
        Ok(n)
    }

    /// Finds or creates a series while the log is replayed. `id` is its number there. If it is new, it is the caller's to enter into the index.
    pub(crate) fn replay_series(&self, id: u64, labels: &Labels) -> (SeriesId, Defined) {
        let placement = self.place(labels, None);
        let mut set = ShardSet::default();
        set.add(placement);
        let mut locked = self.lock(set);
        let (series, was_known) = match locked.find(placement, labels) {
            Found::Series(found) => (found, true),
            Found::Nothing | Found::WrongHint => (locked.create(placement, labels), false),
        };
        let before = std::mem::replace(&mut locked.series(series).log_id, id);
        let defined = match was_known {
            false => Defined::New,
            true if before == id => Defined::Known,
            true => Defined::Again,
        };
        (series, defined)
    }

    /// A series is defined once more under another number: it had left the head, and what it is compared with from then on is in parts.
    pub(crate) fn replay_return(&self, id: SeriesId) {
        let mut shard = self.write(id.shard());
        let (series, _) = shard.series_mut(id.slot());
        let last = series.last_in(TimeRange::ALL);
        series.replace_last(last);
    }

    /// Appends floats from the log to series of one shard, as [`replay_sample`](Self::replay_sample) does, and counts them in `tally`. Returns how many were not there.
    pub(crate) fn replay_floats(
        &self,
        shard: usize,
        samples: impl Iterator<Item = (SeriesId, i64, f64)>,
        tally: &mut RangeTally,
    ) -> u64 {
        let mut shard = self.write(shard);
        let mut n = 0;
        for (id, ts_ms, value) in samples {
            let (series, shared) = shard.series_mut(id.slot());
            if series.last_ts_ms().is_some_and(|last| last >= ts_ms) {
                continue;
            }
            let value = Value::Float(value);
            series.push(ts_ms, 0, &value, shared);
            series.replace_last(Some(LastSample { ts_ms, value }));
            tally.add(ts_ms);
            n += 1;
        }
        n
    }

    /// Appends a sample from the log. Returns false if the series has it, or a newer one, already.
    pub(crate) fn replay_sample(&self, id: SeriesId, ts_ms: i64, start_ts_ms: i64, value: &Value) -> bool {
        let mut shard = self.write(id.shard());
        let (series, shared) = shard.series_mut(id.slot());
        if series.last_ts_ms().is_some_and(|last| last >= ts_ms) {
            return false;
        }
        series.replace_last(Some(LastSample { ts_ms, value: value.clone() }));
        series.push(ts_ms, start_ts_ms, value, shared);
        true
    }

    /// Puts back a sample that had come late. Returns false if the series has one at this time already.
    pub(crate) fn replay_late(&self, id: SeriesId, ts_ms: i64, start_ts_ms: i64, value: &Value) -> bool {
        let mut shard = self.write(id.shard());
        let (series, shared) = shard.series_mut(id.slot());
        // Every reader may see it.
        series.push_late(0, ts_ms, start_ts_ms, value, shared)
    }

    /// Notes the last sample of a series whose samples are in parts.
    pub(crate) fn replay_last(&self, id: SeriesId, ts_ms: i64, value: &Value) {
        let mut shard = self.write(id.shard());
        let (series, _) = shard.series_mut(id.slot());
        if series.last_ts_ms().is_none_or(|last| last < ts_ms) {
            series.replace_last(Some(LastSample { ts_ms, value: value.clone() }));
        }
    }

    /// Puts chunks from a checkpoint into a series, behind those of an earlier record. Returns how many samples they have.
    pub(crate) fn replay_chunks(
        &self,
        id: SeriesId,
        last: LastSample,
        chunks: Vec<Chunk>,
    ) -> coding::Result<u64> {
        let mut shard = self.write(id.shard());
        let (series, shared) = shard.series_mut(id.slot());
        // Two records of a series that contradict each other.
        if series.newest().is_some_and(|newest| newest > last.ts_ms) {
            return Err(coding::DecodeError::new("last sample before others of its series"));
        }
        let mut samples = 0;
        for chunk in chunks {
            samples += u64::from(chunk.rows);
            series.restore(chunk, shared)?;
        }
        series.restore_last(last);
        Ok(samples)
    }

    /// Counts series, chunks and memory. Looks at every series.
    pub(crate) fn size(&self) -> HeadSize {
        let mut size = HeadSize::default();
        for shard in &self.shards {
            for (_, series) in shard.read().iter() {
                size.series += 1;
                size.chunks += series.n_chunks();
                size.bytes += series.memory();
            }
        }
        size.bytes += self.index.read().memory();
        size
    }

    /// The time of the oldest and the newest sample, looking at every series.
    pub(crate) fn time_range(&self) -> Option<TimeRange> {
        let mut range: Option<TimeRange> = None;
        for shard in &self.shards {
            for (_, series) in shard.read().iter() {
                if let (Some(mint), Some(last)) = (series.mint(), series.last_ts_ms()) {
                    let (low, high) = range.map_or((mint, last), |r| (r.mint, r.maxt));
                    range = Some(TimeRange::new(low.min(mint), high.max(last)));
                }
            }
        }
        range
    }
}

const _: () = assert!(N_SHARDS <= 64, "a set of shards has 64 bits");
