use std::num::NonZeroU32;
use std::ops::{Deref, Range};
use std::sync::Arc;

use bellwether_model::{ColumnBuffer, FloatHistogram, Labels, TimeRange, Value};
use hashbrown::HashMap;

use crate::coding;
use crate::columns::merge_columns;
use crate::intervals::Intervals;
use crate::part::CHUNK_RANGE_MS;

use super::budget::series_memory;
use super::chunk::{Chunk, SharedColumns, Values};
use super::late::LateSamples;
use super::tail::Tail;

/// A tail of this many samples is sealed.
pub(super) const TAIL_ROWS: usize = 32;
/// Sealed chunks are joined until they have this many samples.
const CHUNK_ROWS: u32 = 128;

/// The newest sample of a series, which decides what is taken next.
#[derive(Debug, Clone)]
pub(crate) struct LastSample {
    pub(crate) ts_ms: i64,
    pub(crate) value: Value,
}

impl LastSample {
    /// Whether `value` has the same bits.
    pub(crate) fn has_value(&self, value: &Value) -> bool {
        same_value(&self.value, value)
    }
}

/// Whether two values are the same bit for bit. What histograms say about resets does not count: the store finds that out itself.
pub(crate) fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::Histogram(a), Value::Histogram(b)) => Arc::ptr_eq(a, b) || a.same_data(b),
        _ => false,
    }
}

/// Chunks in the order of time; no allocation without any, and no room for more than there are.
#[derive(Debug, Default)]
#[expect(clippy::box_collection, reason = "a series has to be small, and chunks are looked at rarely")]
struct Chunks(Option<Box<Vec<Chunk>>>);

impl Deref for Chunks {
    type Target = [Chunk];

    fn deref(&self) -> &[Chunk] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl Chunks {
    fn push(&mut self, chunk: Chunk) {
        let chunks = self.0.get_or_insert_default();
        chunks.reserve_exact(1);
        chunks.push(chunk);
    }

    fn retain(&mut self, keep: impl FnMut(&Chunk) -> bool) {
        if let Some(chunks) = &mut self.0 {
            chunks.retain(keep);
            self.shrink();
        }
    }

    fn truncate(&mut self, n: usize) {
        if let Some(chunks) = &mut self.0 {
            chunks.truncate(n);
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        match &mut self.0 {
            Some(chunks) if !chunks.is_empty() => chunks.shrink_to_fit(),
            _ => self.0 = None,
        }
    }

    fn memory(&self) -> usize {
        let list = self.0.as_ref().map_or(0, |_| size_of::<Vec<Chunk>>());
        list + self.iter().map(Chunk::memory).sum::<usize>()
    }
}

/// Stands for no time.
const NEVER: i64 = i64::MIN;

/// A series in the head. One of them takes two lines of a processor's cache: there may be millions.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    /// The number of the series in the log.
    pub(crate) log_id: u64,
    /// The time of the newest sample, which decides what is taken next; [`NEVER`] if none is known.
    last_ts_ms: i64,
    /// Its value, if that is a float.
    last_float: f64,
    tail: Tail,
    /// In the order of time. A chunk never reaches over a multiple of the chunk range.
    chunks: Chunks,
    /// What few series have.
    rare: Option<Box<Rare>>,
    /// Samples up to this time are in parts as well.
    pub(crate) cut_through: i64,
    /// One more than the segment of the log that has its latest definition; `None`: none that will be kept.
    defined_in: Option<NonZeroU32>,
    /// Tells the series from others that were at its place in the shard.
    pub(crate) generation: u32,
    /// When it last got a sample, in seconds on the clock that never goes back.
    pub(crate) touched_s: u32,
    /// When it was created, in seconds on the same clock; 0: it was brought back when the store was opened.
    pub(crate) created_s: u32,
}

const _: () = assert!(size_of::<Option<Series>>() <= 128, "a series takes more than two cache lines");

/// What few series have.
#[derive(Debug, Default)]
struct Rare {
    /// The value of the newest sample, if that is a histogram.
    last_histogram: Option<Arc<FloatHistogram>>,
    /// Samples that came after newer ones.
    late: LateSamples,
    /// Whether the newest sample was deleted and no other one came since: `last` is not there, or there are newer ones that came late or are in parts.
    is_last_deleted: bool,
}

impl Rare {
    fn is_needed(&self) -> bool {
        self.last_histogram.is_some() || !self.late.is_empty() || self.is_last_deleted
    }
}

impl Series {
    pub(crate) fn new(labels: Labels, log_id: u64) -> Self {
        Self {
            labels,
            log_id,
            last_ts_ms: NEVER,
            last_float: 0.0,
            tail: Tail::default(),
            chunks: Chunks::default(),
            rare: None,
            cut_through: i64::MIN,
            defined_in: None,
            generation: 0,
            touched_s: 0,
            created_s: 0,
        }
    }

    /// The segment of the log that has its latest definition; `None`: none that will be kept.
    #[inline]
    pub(crate) fn defined_in(&self) -> Option<u64> {
        self.defined_in.map(|n| u64::from(n.get()) - 1)
    }

    /// Notes which segment has its latest definition. One that cannot be noted counts as none, and the series is defined again.
    pub(crate) fn set_defined_in(&mut self, segment: Option<u64>) {
        let after = segment.and_then(|segment| u32::try_from(segment.checked_add(1)?).ok());
        self.defined_in = after.and_then(NonZeroU32::new);
    }

    /// The time of the newest sample, which decides what is taken next.
    #[inline]
    pub(crate) fn last_ts_ms(&self) -> Option<i64> {
        (self.last_ts_ms != NEVER).then_some(self.last_ts_ms)
    }

    /// The newest sample, which decides what is taken next.
    pub(crate) fn last(&self) -> Option<LastSample> {
        let value = match self.rare.as_ref().and_then(|rare| rare.last_histogram.as_ref()) {
            Some(histogram) => Value::Histogram(Arc::clone(histogram)),
            None => Value::Float(self.last_float),
        };
        self.last_ts_ms().map(|ts_ms| LastSample { ts_ms, value })
    }

    /// Makes a sample the newest one, and returns the one before.
    pub(crate) fn replace_last(&mut self, last: Option<LastSample>) -> Option<LastSample> {
        let before = self.last();
        self.last_ts_ms = last.as_ref().map_or(NEVER, |last| last.ts_ms);
        let histogram = match last.map(|last| last.value) {
            Some(Value::Float(v)) => {
                self.last_float = v;
                None
            }
            Some(Value::Histogram(histogram)) => Some(histogram),
            None => None,
        };
        if histogram.is_some() || self.rare.is_some() {
            self.change_rare(|rare| rare.last_histogram = histogram);
        }
        before
    }

    /// If a float at this time is newer than the newest sample, which is a float and sure to be that, makes it the newest one and returns the time and value of the one
    /// before. So nearly all samples are.
    #[inline]
    pub(crate) fn advance(&mut self, ts_ms: i64, value: f64) -> Option<(i64, f64)> {
        if self.rare.is_some() || self.last_ts_ms == NEVER || self.last_ts_ms >= ts_ms {
            return None;
        }
        Some((std::mem::replace(&mut self.last_ts_ms, ts_ms), std::mem::replace(&mut self.last_float, value)))
    }

    fn is_last_deleted(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.is_last_deleted)
    }

    fn set_last_deleted(&mut self, is_deleted: bool) {
        if self.is_last_deleted() != is_deleted {
            self.change_rare(|rare| rare.is_last_deleted = is_deleted);
        }
    }

    /// Changes what few series have; what is not needed any more is freed.
    fn change_rare<T>(&mut self, change: impl FnOnce(&mut Rare) -> T) -> T {
        let rare = self.rare.get_or_insert_default();
        let changed = change(rare);
        if !rare.is_needed() {
            self.rare = None;
        }
        changed
    }

    /// Adds a sample that is older than the newest one, as part of the batch `commit`. Returns false if a late one has its time.
    pub(crate) fn push_late(
        &mut self,
        commit: u64,
        ts_ms: i64,
        start_ts_ms: i64,
        value: &Value,
        shared: &mut SharedColumns,
    ) -> bool {
        self.counted(shared, |series| {
            series.change_rare(|rare| rare.late.insert(commit, ts_ms, start_ts_ms, value))
        })
    }

    /// The samples that came late, if there are any.
    pub(crate) fn late(&self) -> Option<&LateSamples> {
        self.rare.as_ref().map(|rare| &rare.late).filter(|late| !late.is_empty())
    }

    /// Notes that the late samples before `end` which a reader of `commit` saw are in parts.
    pub(crate) fn mark_late_cut(&mut self, end: i64, commit: u64) {
        if let Some(rare) = &mut self.rare {
            rare.late.mark_cut(end, commit);
        }
    }

    /// Looks at the place where the next sample will be put. What is there means nothing.
    #[inline]
    pub(super) fn touch(&self) -> u8 {
        self.tail.touch()
    }

    /// Appends a sample that is newer than all before. `last` is the caller's business.
    pub(crate) fn push(&mut self, ts_ms: i64, start_ts_ms: i64, value: &Value, shared: &mut SharedColumns) {
        let was_last_deleted = self.is_last_deleted();
        self.set_last_deleted(false);
        if was_last_deleted && let Value::Histogram(h) = value {
            let before = match self.last_in(TimeRange::ALL).map(|last| last.value) {
                Some(Value::Histogram(before)) => Some(before),
                _ => None,
            };
            let counter_reset_hint = h.stored_reset_hint(before.as_deref());
            let settled = FloatHistogram { counter_reset_hint, ..FloatHistogram::clone(h) };
            return self.push_settled(ts_ms, start_ts_ms, &Value::Histogram(Arc::new(settled)), shared);
        }
        self.push_settled(ts_ms, start_ts_ms, value, shared);
    }

    fn push_settled(&mut self, ts_ms: i64, start_ts_ms: i64, value: &Value, shared: &mut SharedColumns) {
        let range = |t: i64| t.div_euclid(CHUNK_RANGE_MS);
        if self.tail.mint().is_some_and(|mint| range(mint) != range(ts_ms)) || !self.tail.takes(value) {
            self.seal(shared);
        }
        let before = self.tail.memory();
        self.tail.push(ts_ms, start_ts_ms, value, shared.tail_times());
        shared.note_change(before, self.tail.memory());
        if self.tail.len() >= TAIL_ROWS {
            self.seal(shared);
        }
    }

    fn seal(&mut self, shared: &mut SharedColumns) {
        let before = self.sample_memory();
        self.chunks.push(self.tail.seal(shared));
        self.join_chunks(shared);
        shared.note_change(before, self.sample_memory());
    }

    /// Changes what the series has of samples and notes by how much it grew.
    fn counted<T>(&mut self, shared: &mut SharedColumns, change: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.sample_memory();
        let changed = change(self);
        shared.note_change(before, self.sample_memory());
        changed
    }

    /// Makes one chunk of the last ones once they have enough samples together: a chunk has a cost of its own.
    fn join_chunks(&mut self, shared: &mut SharedColumns) {
        let Some(last) = self.chunks.last() else { return };
        let range = last.mint.div_euclid(CHUNK_RANGE_MS);
        let small = |c: &&Chunk| {
            c.rows < CHUNK_ROWS
                && c.has_histograms() == last.has_histograms()
                && c.mint.div_euclid(CHUNK_RANGE_MS) == range
        };
        let n = self.chunks.iter().rev().take_while(small).count();
        let rows: u32 = self.chunks[self.chunks.len() - n..].iter().map(|c| c.rows).sum();
        if n < 2 || rows < CHUNK_ROWS {
            return;
        }
        let mut samples = ColumnBuffer::default();
        for chunk in &self.chunks[self.chunks.len() - n..] {
            chunk
                .read(TimeRange::ALL, chunk.rows, &mut samples)
                .expect("BUG: a chunk in memory can be decoded");
        }
        let histograms: Vec<_> = samples.hists.iter().flatten().cloned().collect();
        let values = if histograms.is_empty() {
            Values::Floats(&samples.vals)
        } else {
            Values::Histograms(&histograms)
        };
        let joined = Chunk::seal(&samples.ts, &samples.start_ts, values, shared);
        self.chunks.truncate(self.chunks.len() - n);
        self.chunks.push(joined);
    }

    /// Puts a chunk from a checkpoint behind those that are there. One that is not full is opened again.
    pub(crate) fn restore(&mut self, chunk: Chunk, shared: &mut SharedColumns) -> coding::Result<()> {
        if self.newest().is_some_and(|newest| newest >= chunk.mint) {
            return Err(coding::DecodeError::new("chunks overlap"));
        }
        if (chunk.rows as usize) < TAIL_ROWS {
            let mut samples = ColumnBuffer::default();
            chunk.read(TimeRange::ALL, chunk.rows, &mut samples)?;
            for row in 0..samples.len() {
                let start = samples.start_ts.get(row).copied().unwrap_or(0);
                self.push(samples.ts[row], start, &value_at(&samples, row), shared);
            }
            return Ok(());
        }
        if !self.tail.is_empty() {
            self.seal(shared);
        }
        self.counted(shared, |series| series.chunks.push(chunk));
        Ok(())
    }

    /// Sets the newest sample that is known, after all chunks of a checkpoint were restored so far.
    pub(super) fn restore_last(&mut self, last: LastSample) {
        self.set_last_deleted(self.newest().is_some_and(|newest| newest < last.ts_ms));
        self.replace_last(Some(last));
    }

    /// The newest sample that is known may not be there any more: what the log has next was not compared with it.
    pub(super) fn forget_last(&mut self) {
        let newest = self.last_in(TimeRange::ALL);
        if newest.as_ref().map(|last| last.ts_ms) != self.last_ts_ms() {
            self.set_last_deleted(true);
        }
        self.replace_last(newest);
    }

    /// Whether samples that came late or are in parts may be newer than `last`.
    pub(crate) fn is_last_unsure(&self) -> bool {
        self.last_ts_ms == NEVER || self.is_last_deleted()
    }

    /// Makes `last` the newest sample that is in memory or was found in parts, if it is not newer.
    pub(crate) fn raise_last(&mut self, in_parts: Option<LastSample>) {
        let found = self.last().into_iter().chain(self.last_in(TimeRange::ALL)).chain(in_parts);
        let newest = found.reduce(|newest, other| if other.ts_ms > newest.ts_ms { other } else { newest });
        self.replace_last(newest);
    }

    /// The time of the newest sample in memory.
    pub(super) fn newest(&self) -> Option<i64> {
        self.tail.maxt().or(self.chunks.last().map(|c| c.maxt))
    }

    /// Whether no sample is in memory.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.tail.is_empty() && self.late().is_none()
    }

    /// The time of the oldest sample in memory.
    pub(crate) fn mint(&self) -> Option<i64> {
        let in_order = self.chunks.first().map(|c| c.mint).or(self.tail.mint());
        let late = self.late().and_then(LateSamples::mint);
        in_order.into_iter().chain(late).min()
    }

    /// From the oldest to the newest sample in memory.
    pub(super) fn extent(&self) -> Option<TimeRange> {
        let newest = self.newest().into_iter().chain(self.late().and_then(LateSamples::maxt)).max();
        Some(TimeRange::new(self.mint()?, newest?))
    }

    /// How many chunks there are, the open one included.
    pub(crate) fn n_chunks(&self) -> usize {
        self.chunks.len() + usize::from(!self.tail.is_empty()) + usize::from(self.late().is_some())
    }

    /// How many bytes of memory the series takes, roughly.
    pub(crate) fn memory(&self) -> usize {
        series_memory(&self.labels) + self.sample_memory()
    }

    /// How many bytes of memory its samples take, roughly.
    pub(super) fn sample_memory(&self) -> usize {
        self.tail.memory() + self.chunks.memory() + self.late().map_or(0, LateSamples::memory)
    }

    /// A copy of the samples in the range, except late ones. The newest `hidden` ones are not part of it: they belong to batches that the reader must not see.
    pub(crate) fn samples(&self, range: TimeRange, hidden: usize) -> HeadSamples {
        let mut chunks = Vec::new();
        chunks.reserve_exact(self.chunks.iter().filter(|chunk| range.overlaps(chunk.range())).count());
        self.copy_chunks(range, hidden, &mut chunks);
        let rows = self.tail.len().saturating_sub(hidden);
        let tail = if self.tail.reaches_into(range, rows) { self.tail.clone() } else { Tail::default() };
        HeadSamples { range, chunks, tail, tail_rows: rows as u32 }
    }

    /// As [`samples`](Self::samples), appended to lists.
    pub(super) fn copy(
        &self,
        range: TimeRange,
        hidden: usize,
        chunks: &mut Vec<(Chunk, u32)>,
        tail: &mut ColumnBuffer,
    ) {
        self.copy_chunks(range, hidden, chunks);
        self.tail.read(range, self.tail.len().saturating_sub(hidden), tail);
    }

    fn copy_chunks(&self, range: TimeRange, hidden: usize, chunks: &mut Vec<(Chunk, u32)>) {
        let mut hidden_in_chunks = hidden.saturating_sub(self.tail.len());
        let start = chunks.len();
        for chunk in self.chunks.iter().rev() {
            if chunk.maxt < range.mint {
                break;
            }
            let rows = (chunk.rows as usize).saturating_sub(hidden_in_chunks);
            hidden_in_chunks = hidden_in_chunks.saturating_sub(chunk.rows as usize);
            if rows > 0 && range.overlaps(chunk.range()) {
                chunks.push((chunk.clone(), rows as u32));
            }
        }
        chunks[start..].reverse();
    }

    /// Whether the samples reach into the range, as far as the ends of the chunks tell; the newest `hidden` ones and late ones of batches after `commit` do
    /// not count.
    pub(crate) fn reaches_into(&self, range: TimeRange, hidden: usize, commit: u64) -> bool {
        if self.late().is_some_and(|late| late.reaches_into(range, commit)) {
            return true;
        }
        if hidden > 0 {
            return !self.samples(range, hidden).is_empty();
        }
        let in_tail = || match (self.tail.mint(), self.tail.maxt()) {
            (Some(mint), Some(maxt)) => range.overlaps(TimeRange::new(mint, maxt)),
            _ => false,
        };
        in_tail() || self.chunks.iter().any(|c| range.overlaps(c.range()))
    }

    /// The value at a time, if there is a sample.
    pub(crate) fn value_at(&self, ts_ms: i64) -> Option<Value> {
        if let Some(value) = self.late().and_then(|late| late.value_at(ts_ms)) {
            return Some(value.clone());
        }
        let mut samples = ColumnBuffer::default();
        self.samples(TimeRange::new(ts_ms, ts_ms), 0).read(&mut samples).ok()?;
        (!samples.is_empty()).then(|| value_at(&samples, 0))
    }

    /// The newest sample in a range.
    pub(crate) fn last_in(&self, range: TimeRange) -> Option<LastSample> {
        let mut in_order = ColumnBuffer::default();
        self.samples(range, 0).read(&mut in_order).ok()?;
        let late = self.late().map(|late| late.read(range, u64::MAX)).unwrap_or_default();
        let last = |samples: &ColumnBuffer| {
            let row = samples.len().checked_sub(1)?;
            Some(LastSample { ts_ms: samples.ts[row], value: value_at(samples, row) })
        };
        [last(&in_order), last(&late)].into_iter().flatten().max_by_key(|s| s.ts_ms)
    }

    /// Removes the samples in the range. Returns which of those in order they were, counted from the newest one. What is known about the newest sample stays, so that
    /// the series goes on behind it.
    pub(super) fn delete(&mut self, range: TimeRange, shared: &mut SharedColumns) -> Range<usize> {
        if self.late().is_some() {
            self.counted(shared, |series| series.change_rare(|rare| rare.late.delete(range)));
        }
        // The chunk before the first one with deleted samples may have the sample from which the next histogram counts.
        let first_chunk = self.chunks.partition_point(|c| c.maxt < range.mint).saturating_sub(1);
        let mut samples = ColumnBuffer::default();
        for chunk in &self.chunks[first_chunk..] {
            chunk
                .read(TimeRange::ALL, chunk.rows, &mut samples)
                .expect("BUG: a chunk in memory can be decoded");
        }
        self.tail.read(TimeRange::ALL, self.tail.len(), &mut samples);
        let from = samples.ts.partition_point(|t| *t < range.mint);
        let to = samples.ts.partition_point(|t| *t <= range.maxt);
        if from >= to {
            return 0..0;
        }
        let n = samples.len();
        let mut deleted = Intervals::default();
        deleted.add(range);
        deleted.remove_from(&mut samples, 0);
        self.counted(shared, |series| {
            series.chunks.truncate(first_chunk);
            series.tail = Tail::default();
        });
        for row in 0..samples.len() {
            let start = samples.start_ts.get(row).copied().unwrap_or(0);
            self.push_settled(samples.ts[row], start, &value_at(&samples, row), shared);
        }
        if to == n {
            self.set_last_deleted(true);
        }
        n - to..n - from
    }

    /// Forgets the samples that are in parts as well.
    pub(crate) fn drop_cut(&mut self, shared: &mut SharedColumns) {
        self.counted(shared, Self::drop_cut_uncounted);
    }

    fn drop_cut_uncounted(&mut self) {
        let through = self.cut_through;
        self.chunks.retain(|c| c.maxt > through);
        if self.tail.mint().is_some_and(|mint| mint <= through) {
            self.tail.drop_through(through);
        }
        if self.late().is_some() {
            self.change_rare(|rare| rare.late.drop_cut());
        }
    }
}

/// The value in a row of a buffer.
pub(crate) fn value_at(samples: &ColumnBuffer, row: usize) -> Value {
    match samples.hists.get(row) {
        Some(Some(h)) => Value::Histogram(Arc::clone(h)),
        _ => Value::Float(samples.vals[row]),
    }
}

/// Samples of a series, taken from the head and independent of what happens there.
#[derive(Debug)]
pub(crate) struct HeadSamples {
    range: TimeRange,
    /// With the number of samples that count.
    chunks: Vec<(Chunk, u32)>,
    /// As it is in the head, because of all series at once it would take much more decoded.
    tail: Tail,
    tail_rows: u32,
}

impl HeadSamples {
    /// Whether there is certainly no sample. Chunks that reach into the range may still have none in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.tail.is_empty()
    }

    /// Appends the samples to `out`, in time order.
    pub(crate) fn read(&self, out: &mut ColumnBuffer) -> coding::Result<()> {
        self.read_range(self.range, out)
    }

    /// Appends the samples that lie in `range` too.
    pub(crate) fn read_range(&self, range: TimeRange, out: &mut ColumnBuffer) -> coding::Result<()> {
        let range = TimeRange::new(range.mint.max(self.range.mint), range.maxt.min(self.range.maxt));
        read_chunks(range, &self.chunks, out)?;
        self.tail.read(range, self.tail_rows as usize, out);
        Ok(())
    }

    /// The chunks, each with the range of its samples that count; only for a copy that hides nothing.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = (&Chunk, TimeRange)> {
        self.chunks.iter().map(|(chunk, rows)| {
            assert_eq!(chunk.rows, *rows, "BUG: a chunk with hidden samples is taken as a whole");
            (chunk, self.range)
        })
    }

    /// The samples that are in no chunk.
    pub(crate) fn tail(&self) -> ColumnBuffer {
        let mut samples = ColumnBuffer::default();
        self.tail.read(self.range, self.tail_rows as usize, &mut samples);
        samples
    }
}

/// Appends the samples in the range that were copied of a series: its chunks, then its rows of `tail`.
fn read_copy(
    range: TimeRange,
    chunks: &[(Chunk, u32)],
    tail: &ColumnBuffer,
    rows: Range<usize>,
    out: &mut ColumnBuffer,
) -> coding::Result<()> {
    read_chunks(range, chunks, out)?;
    let times = &tail.ts[rows.clone()];
    let from = rows.start + times.partition_point(|t| *t < range.mint);
    let to = rows.start + times.partition_point(|t| *t <= range.maxt);
    let is_plain = |c: &ColumnBuffer| c.hists.is_empty() && c.start_ts.is_empty();
    if from < to && is_plain(tail) && is_plain(out) {
        out.ts.extend_from_slice(&tail.ts[from..to]);
        out.vals.extend_from_slice(&tail.vals[from..to]);
        return Ok(());
    }
    for row in from..to {
        let start = tail.start_ts.get(row).copied().unwrap_or(0);
        match value_at(tail, row) {
            Value::Float(v) => out.push_float(tail.ts[row], start, v),
            Value::Histogram(h) => out.push_histogram(tail.ts[row], start, h),
        }
    }
    Ok(())
}

fn read_chunks(range: TimeRange, chunks: &[(Chunk, u32)], out: &mut ColumnBuffer) -> coding::Result<()> {
    for (chunk, rows) in chunks {
        if range.overlaps(chunk.range()) {
            chunk.read(range, *rows, out)?;
        }
    }
    Ok(())
}

/// Copies of the samples of many series, in few pieces of memory.
#[derive(Debug)]
pub(crate) struct HeadCopies {
    range: TimeRange,
    /// With the number of samples that count.
    chunks: Vec<(Chunk, u32)>,
    tails: ColumnBuffer,
    /// For each series where its chunks and its rows of `tails` end.
    ends: Vec<(u32, u32)>,
    /// The samples that came late, of the few series that have any.
    late: HashMap<usize, ColumnBuffer>,
    late_rows: usize,
}

impl HeadCopies {
    /// No copies yet, of samples in `range`.
    pub(crate) fn new(range: TimeRange) -> Self {
        Self {
            range,
            chunks: Vec::new(),
            tails: ColumnBuffer::default(),
            ends: Vec::new(),
            late: HashMap::new(),
            late_rows: 0,
        }
    }

    /// Copies the samples of a series, without the newest `hidden` ones and the late ones of batches after `commit`. Returns whether there are any, and so whether
    /// there is a copy.
    pub(super) fn push(&mut self, series: &Series, hidden: usize, commit: u64) -> bool {
        let before = self.end();
        series.copy(self.range, hidden, &mut self.chunks, &mut self.tails);
        let end = (self.chunks.len() as u32, self.tails.len() as u32);
        let late = series.late().map(|late| late.read(self.range, commit)).filter(|l| !l.is_empty());
        if end == before && late.is_none() {
            return false;
        }
        if let Some(late) = late {
            self.late_rows += late.len();
            self.late.insert(self.ends.len(), late);
        }
        self.ends.push(end);
        true
    }

    fn end(&self) -> (u32, u32) {
        self.ends.last().copied().unwrap_or((0, 0))
    }

    /// How many bytes of memory were copied or are kept alive, roughly.
    pub(crate) fn memory(&self) -> usize {
        self.chunks.len() * size_of::<(Chunk, u32)>()
            + (self.tails.len() + self.late_rows) * 16
            + self.ends.len() * 8
    }

    /// Appends the samples of a series to `out`, in time order.
    pub(crate) fn read(&self, series: usize, out: &mut ColumnBuffer) -> coding::Result<()> {
        let start = series.checked_sub(1).map_or((0, 0), |before| self.ends[before]);
        let end = self.ends[series];
        let chunks = &self.chunks[start.0 as usize..end.0 as usize];
        let rows = start.1 as usize..end.1 as usize;
        let Some(late) = self.late.get(&series) else {
            return read_copy(self.range, chunks, &self.tails, rows, out);
        };
        let mut in_order = ColumnBuffer::default();
        read_copy(self.range, chunks, &self.tails, rows, &mut in_order)?;
        merge_columns(&mut vec![in_order, late.clone()], out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(series: &Series, range: TimeRange, hidden: usize) -> Vec<i64> {
        let mut out = ColumnBuffer::default();
        series.samples(range, hidden).read(&mut out).expect("in memory");
        out.ts
    }

    #[test]
    fn chunks_end_at_multiples_of_two_hours_and_at_changes_of_kind() {
        let mut shared = SharedColumns::default();
        let mut series = Series::new(Labels::empty(), 0);
        series.push(CHUNK_RANGE_MS - 2, 0, &Value::Float(1.0), &mut shared);
        series.push(CHUNK_RANGE_MS - 1, 0, &Value::Float(1.0), &mut shared);
        series.push(CHUNK_RANGE_MS, 0, &Value::Float(1.0), &mut shared);
        series.push(CHUNK_RANGE_MS + 1, 0, &Value::Histogram(Arc::default()), &mut shared);
        assert_eq!(series.chunks.iter().map(|c| c.rows).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(series.n_chunks(), 3);
    }

    #[test]
    fn small_chunks_are_joined() {
        let mut shared = SharedColumns::default();
        let mut series = Series::new(Labels::empty(), 0);
        for i in 0..300 {
            series.push(i, i % 2, &Value::Float(i as f64), &mut shared);
        }
        assert_eq!(series.chunks.iter().map(|c| c.rows).collect::<Vec<_>>(), [128, 128, 32]);
        assert_eq!(read(&series, TimeRange::ALL, 0), (0..300).collect::<Vec<_>>());
    }

    #[test]
    fn cut_samples_are_forgotten_once_whole_chunks_are_cut() {
        let mut shared = SharedColumns::default();
        let mut series = Series::new(Labels::empty(), 0);
        for i in 0..74 {
            series.push(i, 0, &Value::Float(0.0), &mut shared);
        }
        series.cut_through = 40;
        series.drop_cut(&mut shared);
        assert_eq!(read(&series, TimeRange::ALL, 0).first(), Some(&32), "the chunk reaches beyond");
        series.cut_through = 70;
        series.drop_cut(&mut shared);
        assert_eq!(read(&series, TimeRange::ALL, 0), [71, 72, 73]);
        series.cut_through = 100;
        series.drop_cut(&mut shared);
        assert!(series.is_empty());
    }

    proptest! {
        /// What is counted as samples come and go is what looking at them all says.
        #[test]
        fn memory_is_counted_as_it_changes(
            steps in prop::collection::vec((0_u8..10, 1_i64..400, prop::bool::weighted(0.1)), 1..120),
        ) {
            let mut shared = SharedColumns::default();
            let mut series = Series::new(Labels::empty(), 0);
            let (mut ts_ms, mut counted) = (0, 0);
            for (what, n, is_histogram) in steps {
                let value = |n: i64| {
                    let sum = n as f64;
                    if is_histogram {
                        Value::Histogram(Arc::new(FloatHistogram { sum, ..FloatHistogram::default() }))
                    } else {
                        Value::Float(sum)
                    }
                };
                match what {
                    0 => drop(series.push_late(0, ts_ms - n, 0, &value(n), &mut shared)),
                    1 => drop(series.delete(TimeRange::new(ts_ms - n, ts_ms - n / 2), &mut shared)),
                    2 => {
                        series.cut_through = ts_ms - n;
                        series.mark_late_cut(ts_ms - n, 0);
                        series.drop_cut(&mut shared);
                    }
                    3 => ts_ms += CHUNK_RANGE_MS / 2,
                    _ => for _ in 0..n % 50 {
                        ts_ms += 1;
                        series.push(ts_ms, n % 2, &value(n + ts_ms), &mut shared);
                    },
                }
                counted += shared.take_growth();
                prop_assert_eq!(counted, series.sample_memory() as isize);
            }
        }

        #[test]
        fn hidden_samples_are_the_newest(n in 0_i64..400, hidden in 0_usize..450, from in 0_i64..400, len in 0_i64..400) {
            let mut shared = SharedColumns::default();
            let mut series = Series::new(Labels::empty(), 0);
            for i in 0..n {
                series.push(i, 0, &Value::Float(0.0), &mut shared);
            }
            let visible = n.saturating_sub(hidden as i64).max(0);
            let want: Vec<i64> = (0..visible).filter(|t| (from..=from + len).contains(t)).collect();
            let range = TimeRange::new(from, from + len);
            if !want.is_empty() {
                prop_assert!(series.reaches_into(range, hidden, 0));
            }
            prop_assert_eq!(read(&series, range, hidden), want.clone());
            let mut copies = HeadCopies::new(range);
            for _ in 0..2 {
                let has_copy = copies.push(&series, hidden, 0);
                prop_assert!(has_copy || want.is_empty());
            }
            for copy in 0..copies.ends.len() {
                let mut out = ColumnBuffer::default();
                copies.read(copy, &mut out).expect("in memory");
                prop_assert_eq!(&out.ts, &want);
            }
            prop_assert_eq!(copies.memory() > 0, !copies.ends.is_empty());
        }
    }
}
