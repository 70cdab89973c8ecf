//! From the records of checkpoint and log back to the head.

use std::time::Duration;

use bellwether_model::{Exemplar, Labels, MetricMetadata, Value};
use hashbrown::HashMap;

use crate::coding::DecodeError;
use crate::head::{ExemplarVerdict, Head, LastSample, RangeTally, SeriesId};
use crate::records::{CheckpointHead, CheckpointSeries, RecordError, RecordSink, is_continued, read_records};

use super::manifest::Cut;

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

/// A sample of a batch that is being read.
#[derive(Debug)]
struct Waiting {
    id: u64,
    ts_ms: i64,
    start_ts_ms: i64,
    value: Value,
    /// The sequence number of its frame.
    seq: u64,
}

/// Puts what comes from checkpoint and log into a head.
pub(super) struct Replay<'a> {
    head: &'a Head,
    cuts: &'a [Cut],
    ids: HashMap<u64, SeriesId>,
    tally: RangeTally,
    now: Duration,
    /// The sequence number of the frame that is read; 0 for a checkpoint.
    seq: u64,
    /// Frames of a batch whose end did not come yet.
    pending: Vec<(u64, Vec<u8>)>,
    /// The samples of the batch that is read. A record holds samples of one form, so those of a series which has several forms in one batch come out of order.
    waiting: Vec<Waiting>,
    /// Likewise those that came late.
    waiting_late: Vec<Waiting>,
    pub(super) replayed: Replayed,
}

impl<'a> Replay<'a> {
    pub(super) fn new(head: &'a Head, cuts: &'a [Cut], now: Duration) -> Self {
        Self {
            head,
            cuts,
            ids: HashMap::new(),
            tally: RangeTally::default(),
            now,
            seq: 0,
            pending: Vec::new(),
            waiting: Vec::new(),
            waiting_late: Vec::new(),
            replayed: Replayed::default(),
        }
    }

    /// A frame of a checkpoint.
    pub(super) fn checkpoint_frame(&mut self, payload: &[u8]) -> Result<(), RecordError> {
        let result = read_records(payload, self);
        self.replay_waiting();
        result
    }

    /// A frame of the log. A batch is replayed when its last frame is there.
    pub(super) fn log_frame(&mut self, seq: u64, payload: &[u8]) -> Result<(), RecordError> {
        let mut result = Ok(());
        if self.pending.last().is_some_and(|(last, _)| last + 1 != seq) {
            // The rest of that batch was lost to damage. It may have been acknowledged, so what is there counts.
            result = self.read_pending();
            self.replay_waiting();
        }
        if is_continued(payload) {
            self.pending.push((seq, payload.to_vec()));
            return result;
        }
        let before = self.read_pending();
        let last = self.read_frame(seq, payload);
        self.replay_waiting();
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
        read_records(payload, self)
    }

    /// Appends the samples of a batch, of which all frames have been read, in the order in which they were taken.
    fn replay_waiting(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        // The samples of a series were taken in the order of time; how series follow each other does not matter.
        if !waiting.is_sorted_by_key(|s| s.ts_ms) {
            waiting.sort_by_key(|s| s.ts_ms);
        }
        for sample in waiting.drain(..) {
            self.replay_sample(sample);
        }
        self.waiting = waiting;
        for sample in std::mem::take(&mut self.waiting_late) {
            self.replay_late(sample);
        }
        self.note_ranges();
    }

    fn replay_late(&mut self, sample: Waiting) {
        let Waiting { id, ts_ms, start_ts_ms, value, seq } = sample;
        let Some(series) = self.ids.get(&id).copied() else {
            self.replayed.orphaned += 1;
            return;
        };
        // What a checkpoint has was in no part when it was written; cuts that are older than it may still be listed.
        let is_cut = seq > 0 && self.is_cut(seq, ts_ms);
        if !is_cut && self.head.replay_late(series, ts_ms, start_ts_ms, &value) {
            self.replayed.samples += 1;
            self.tally.add(ts_ms);
        } else {
            self.replayed.known += 1;
        }
    }

    fn replay_sample(&mut self, sample: Waiting) {
        let Waiting { id, ts_ms, start_ts_ms, value, seq } = sample;
        let Some(series) = self.ids.get(&id).copied() else {
            self.replayed.orphaned += 1;
            return;
        };
        if self.is_cut(seq, ts_ms) {
            self.head.replay_last(series, ts_ms, &value);
            self.replayed.known += 1;
        } else if self.head.replay_sample(series, ts_ms, start_ts_ms, &value) {
            self.replayed.samples += 1;
            self.tally.add(ts_ms);
        } else {
            self.replayed.known += 1;
        }
    }

    fn note_ranges(&mut self) {
        self.head.ranges.add(&std::mem::take(&mut self.tally), self.now);
    }

    /// All frames were read. A batch whose end is missing was not acknowledged and is given up.
    pub(super) fn finish(self) -> Replayed {
        self.replayed
    }

    fn is_cut(&self, seq: u64, ts_ms: i64) -> bool {
        self.cuts.iter().any(|cut| seq <= cut.log_seq && (cut.mint..=cut.maxt).contains(&ts_ms))
    }
}

impl RecordSink for Replay<'_> {
    fn series(&mut self, id: u64, labels: Labels) {
        let series = self.head.replay_series(id, &labels);
        self.ids.insert(id, series);
        self.head.raise_log_id(id + 1);
    }

    fn sample(&mut self, id: u64, ts_ms: i64, start_ts_ms: i64, value: Value) {
        self.waiting.push(Waiting { id, ts_ms, start_ts_ms, value, seq: self.seq });
    }

    fn late_sample(&mut self, id: u64, ts_ms: i64, start_ts_ms: i64, value: Value) {
        self.waiting_late.push(Waiting { id, ts_ms, start_ts_ms, value, seq: self.seq });
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

    fn checkpoint_head(&mut self, head: CheckpointHead) {
        self.replayed.checkpoint = Some(head);
        self.head.raise_log_id(head.next_id);
    }

    fn checkpoint_series(&mut self, series: CheckpointSeries) -> Result<(), DecodeError> {
        let id = self.head.replay_series(series.id, &series.labels);
        self.ids.insert(series.id, id);
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
