//! From the records of checkpoint and log back to the head.

use std::time::Duration;

use bellwether_model::{Exemplar, Labels, MetricMetadata, TimeRange, Value};
use hashbrown::HashMap;

use crate::coding::DecodeError;
use crate::head::{Defined, ExemplarVerdict, Head, IndexBuilder, LastSample, RangeTally, SeriesId};
use crate::records::{CheckpointHead, CheckpointSeries, RecordError, RecordSink, is_continued, read_records};

use super::fill::{Fillers, FloatSample, Sample, SamplePlace};
use super::manifest::Cut;

/// Numbers of series are looked up in pieces of this many, so that those of series which are defined one after the other stand side by side.
const NUMBERS: u64 = 256;

/// The series in the head by their numbers in the log.
#[derive(Default)]
struct SeriesByNumber {
    pieces: Vec<[Option<SeriesId>; NUMBERS as usize]>,
    /// The place of each piece.
    by_number: HashMap<u64, usize>,
    /// The piece that was used last: its number and its place.
    last: Option<(u64, usize)>,
}

impl SeriesByNumber {
    #[inline]
    fn get(&mut self, id: u64) -> Option<SeriesId> {
        let number = id / NUMBERS;
        let place = match self.last {
            Some((last, place)) if last == number => place,
            _ => *self.by_number.get(&number)?,
        };
        self.last = Some((number, place));
        self.pieces[place][(id % NUMBERS) as usize]
    }

    fn insert(&mut self, id: u64, series: SeriesId) {
        let number = id / NUMBERS;
        let place = *self.by_number.entry(number).or_insert_with(|| {
            self.pieces.push([None; NUMBERS as usize]);
            self.pieces.len() - 1
        });
        self.pieces[place][(id % NUMBERS) as usize] = Some(series);
    }
}

/// What was replayed.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    pub(super) samples: u64,
    /// Samples that were there already.
    pub(super) known: u64,
    /// Samples of series that nothing defines.
    pub(super) orphaned: u64,
    /// From the first record of the checkpoint.
    pub(super) checkpoint: Option<CheckpointHead>,
    /// From the last record of the checkpoint.
    pub(super) checkpoint_ended: bool,
}

/// Reads checkpoint and log and puts what they have into a head.
///
/// Frames are read by one thread, which also creates the series; their samples are appended by [`Fillers`].
pub(super) struct Replay<'a> {
    head: &'a Head,
    cuts: &'a [Cut],
    ids: SeriesByNumber,
    index: IndexBuilder,
    fillers: Fillers<'a>,
    tally: RangeTally,
    now: Duration,
    /// The sequence number of the frame that is read; 0 for a checkpoint.
    seq: u64,
    /// Whether samples of this frame may be in parts.
    is_cut: bool,
    /// Frames of a batch whose end did not come yet.
    pending: Vec<(u64, Vec<u8>)>,
    /// The floats of the batch that is read.
    floats: Vec<FloatSample>,
    /// Its other samples in order. A record holds samples of one form, so those of a series which has several forms in one batch come out of order.
    others: Vec<Sample>,
    /// Its samples that came late.
    late: Vec<Sample>,
    pub(super) replayed: Replayed,
}

impl<'a> Replay<'a> {
    pub(super) fn new(head: &'a Head, cuts: &'a [Cut], now: Duration, fillers: Fillers<'a>) -> Self {
        Self {
            head,
            cuts,
            ids: SeriesByNumber::default(),
            index: IndexBuilder::default(),
            fillers,
            tally: RangeTally::default(),
            now,
            seq: 0,
            is_cut: false,
            pending: Vec::new(),
            floats: Vec::new(),
            others: Vec::new(),
            late: Vec::new(),
            replayed: Replayed::default(),
        }
    }

    /// A frame of a checkpoint.
    pub(super) fn checkpoint_frame(&mut self, payload: &[u8]) -> Result<(), RecordError> {
        let result = read_records(payload, self);
        self.end_batch();
        result
    }

    /// A frame of the log. A batch is replayed when its last frame is there.
    pub(super) fn log_frame(&mut self, seq: u64, payload: &[u8]) -> Result<(), RecordError> {
        let mut result = Ok(());
        if self.pending.last().is_some_and(|(last, _)| last + 1 != seq) {
            // The rest of that batch was lost to damage. It may have been acknowledged, so what is there counts.
            result = self.read_pending();
            self.end_batch();
        }
        if is_continued(payload) {
            self.pending.push((seq, payload.to_vec()));
            return result;
        }
        let before = self.read_pending();
        let last = self.read_frame(seq, payload);
        self.end_batch();
        result.and(before).and(last)
    }

    fn read_pending(&mut self) -> Result<(), RecordError> {
        let pending = std::mem::take(&mut self.pending);
        let mut result = Ok(());
        for (seq, payload) in &pending {
            // What is damaged in one frame is no reason to give up the others.
            let read = self.read_frame(*seq, payload);
            result = result.and(read);
        }
        result
    }

    fn read_frame(&mut self, seq: u64, payload: &[u8]) -> Result<(), RecordError> {
        self.seq = seq;
        self.is_cut = self.cuts.iter().any(|cut| seq <= cut.log_seq);
        read_records(payload, self)
    }

    /// Passes the samples of a batch on, of which all frames have been read, in the order in which they were taken.
    fn end_batch(&mut self) {
        if self.others.is_empty() {
            // The samples of a series stand in the order of time; how series follow each other does not matter.
            self.fillers.floats(&self.floats);
        } else {
            let floats = self.floats.iter().map(|sample| Sample::from(*sample));
            self.others.extend(floats);
            self.others.sort_by_key(|sample| sample.ts_ms);
            self.others.drain(..).for_each(|sample| self.fillers.sample(sample));
        }
        self.floats.clear();
        self.late.drain(..).for_each(|sample| self.fillers.sample(sample));
    }

    /// All frames were read. A batch whose end is missing was not acknowledged and is given up.
    pub(super) fn finish(mut self) -> Replayed {
        self.settle();
        self.head.index.write().extend(self.index);
        let nothing_more = self.fillers.finish();
        debug_assert_eq!(nothing_more.samples, 0, "BUG: samples came after the threads had settled");
        self.replayed
    }

    /// Whether the last frame ended a batch: all that was read can be seen in the head once it is settled.
    pub(super) fn is_between_batches(&self) -> bool {
        self.pending.is_empty()
    }

    /// Waits until the samples that were read are in the head, and counts them there.
    pub(super) fn settle(&mut self) {
        let filled = self.fillers.settle();
        self.replayed.samples += filled.samples;
        self.replayed.known += filled.known;
        self.head.ranges.add(&std::mem::take(&mut self.tally), self.now);
        self.head.ranges.add(&filled.tally, self.now);
    }

    fn is_cut(&self, ts_ms: i64) -> bool {
        self.is_cut
            && self.cuts.iter().any(|cut| self.seq <= cut.log_seq && (cut.mint..=cut.maxt).contains(&ts_ms))
    }

    /// The series with this number; `None` and counted if nothing defines it.
    #[inline]
    fn series_of(&mut self, id: u64) -> Option<SeriesId> {
        let series = self.ids.get(id);
        self.replayed.orphaned += u64::from(series.is_none());
        series
    }

    fn define(&mut self, id: u64, labels: &Labels) -> SeriesId {
        let (series, defined) = self.head.replay_series(id, labels);
        match defined {
            Defined::New => self.index.insert(series, labels),
            Defined::Known => {}
            Defined::Again => self.fillers.return_of(series),
        }
        self.ids.insert(id, series);
        series
    }
}

impl RecordSink for Replay<'_> {
    fn series(&mut self, id: u64, labels: Labels) {
        self.define(id, &labels);
        self.head.raise_log_id(id + 1);
    }

    #[inline]
    fn sample(&mut self, id: u64, ts_ms: i64, start_ts_ms: i64, value: Value) {
        let Some(series) = self.series_of(id) else { return };
        let is_cut = self.is_cut(ts_ms);
        match value {
            Value::Float(value) if start_ts_ms == 0 && !is_cut => {
                self.floats.push(FloatSample { series, ts_ms, value });
            }
            value => {
                let place = if is_cut { SamplePlace::Cut } else { SamplePlace::Newest };
                self.others.push(Sample { series, ts_ms, start_ts_ms, value, place });
            }
        }
    }

    fn late_sample(&mut self, id: u64, ts_ms: i64, start_ts_ms: i64, value: Value) {
        let Some(series) = self.series_of(id) else { return };
        // What a checkpoint has was in no part when it was written; cuts that are older than it may still be listed.
        if self.seq > 0 && self.is_cut(ts_ms) {
            self.replayed.known += 1;
        } else {
            self.late.push(Sample { series, ts_ms, start_ts_ms, value, place: SamplePlace::Late });
        }
    }

    fn exemplar(&mut self, series: Labels, exemplar: Exemplar) {
        let mut exemplars = self.head.exemplars.lock();
        if exemplars.judge(&series, &exemplar, true) == Ok(ExemplarVerdict::New) {
            exemplars.push(&series, exemplar);
        }
    }

    fn metadata(&mut self, tenant: &str, family: &str, metadata: MetricMetadata) {
        self.head.metadata.lock().put(tenant, family, metadata);
    }

    fn deletion(&mut self, id: u64, range: TimeRange) {
        // What came before in the same frame is meant, too.
        self.end_batch();
        if let Some(series) = self.ids.get(id) {
            self.fillers.deletion(series, range);
        }
    }

    fn checkpoint_head(&mut self, head: CheckpointHead) {
        self.replayed.checkpoint = Some(head);
        self.head.raise_log_id(head.next_id);
    }

    fn checkpoint_series(&mut self, series: CheckpointSeries) -> Result<(), DecodeError> {
        let id = self.define(series.id, &series.labels);
        for chunk in &series.chunks {
            self.tally.add(chunk.mint);
            self.tally.add(chunk.maxt);
        }
        let last = LastSample { ts_ms: series.last_ts_ms, value: series.last_value };
        self.replayed.samples += self.head.replay_chunks(id, last, series.chunks)?;
        Ok(())
    }

    fn checkpoint_end(&mut self, _n_series: u64) {
        self.replayed.checkpoint_ended = true;
    }
}
