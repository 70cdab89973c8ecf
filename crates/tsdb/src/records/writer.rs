use bellwether_disk::{FrameError, Group};
use bellwether_model::{Exemplar, Labels, MetricMetadata, MetricType, TimeRange, Value};

use crate::codec::{put_histogram, put_value};
use crate::coding::{put_labels, put_str, put_varint, put_zigzag};

use super::kind::RecordKind;

/// A record is closed when its body has this many bytes.
const MAX_BODY: usize = 1 << 20;
/// A frame is closed when its payload has this many bytes. With the longest label set or histogram that is let in, it stays below the
/// limit of the log.
const MAX_PAYLOAD: usize = 4 << 20;

/// What a late sample has.
pub(super) const LATE_HISTOGRAM: u8 = 1;
pub(super) const LATE_HAS_START: u8 = 1 << 1;

/// The bodies that are collected side by side, in the order in which they are written: definitions come before what needs them.
const KINDS: [RecordKind; 8] = [
    RecordKind::Series,
    RecordKind::Floats,
    RecordKind::FloatsWithStarts,
    RecordKind::Histograms,
    RecordKind::Late,
    RecordKind::Exemplars,
    RecordKind::Metadata,
    RecordKind::Deletions,
];

/// A record that is being collected.
#[derive(Debug, Default)]
struct Body {
    bytes: Vec<u8>,
    /// Identifiers and timestamps are written as differences to the entry before.
    id: u64,
    ts_ms: i64,
}

impl Body {
    fn put_id(&mut self, id: u64) {
        put_zigzag(&mut self.bytes, id.wrapping_sub(self.id) as i64);
        self.id = id;
    }

    fn put_time(&mut self, ts_ms: i64) {
        put_zigzag(&mut self.bytes, ts_ms.wrapping_sub(self.ts_ms));
        self.ts_ms = ts_ms;
    }
}

/// Collects what a batch brings, or what a checkpoint holds, as payloads of frames.
#[derive(Debug, Default)]
pub(crate) struct RecordWriter {
    bodies: [Body; KINDS.len()],
    payload: Vec<u8>,
    /// Payloads that are full.
    full: Vec<Vec<u8>>,
}

impl RecordWriter {
    /// Nothing collected yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A definition: the series `id` has these labels.
    pub(crate) fn series(&mut self, id: u64, labels: &Labels) {
        let body = self.body(RecordKind::Series);
        body.put_id(id);
        put_labels(&mut body.bytes, labels);
    }

    /// A sample; `start_ts_ms` is 0 if unknown.
    pub(crate) fn sample(&mut self, id: u64, ts_ms: i64, start_ts_ms: i64, value: &Value) {
        match value {
            Value::Float(v) if start_ts_ms == 0 => {
                let body = self.body(RecordKind::Floats);
                body.put_id(id);
                body.put_time(ts_ms);
                put_value(&mut body.bytes, *v);
            }
            Value::Float(v) => {
                let body = self.body(RecordKind::FloatsWithStarts);
                body.put_id(id);
                body.put_time(ts_ms);
                put_zigzag(&mut body.bytes, ts_ms.wrapping_sub(start_ts_ms));
                put_value(&mut body.bytes, *v);
            }
            Value::Histogram(h) => {
                let body = self.body(RecordKind::Histograms);
                body.put_id(id);
                body.put_time(ts_ms);
                body.bytes.push(u8::from(start_ts_ms != 0));
                if start_ts_ms != 0 {
                    put_zigzag(&mut body.bytes, ts_ms.wrapping_sub(start_ts_ms));
                }
                put_histogram(&mut body.bytes, h);
            }
        }
    }

    /// A sample that is older than another one of its series; `start_ts_ms` is 0 if unknown.
    pub(crate) fn late_sample(&mut self, id: u64, ts_ms: i64, start_ts_ms: i64, value: &Value) {
        let body = self.body(RecordKind::Late);
        body.put_id(id);
        body.put_time(ts_ms);
        let histogram = if matches!(value, Value::Histogram(_)) { LATE_HISTOGRAM } else { 0 };
        body.bytes.push(histogram | if start_ts_ms == 0 { 0 } else { LATE_HAS_START });
        if start_ts_ms != 0 {
            put_zigzag(&mut body.bytes, ts_ms.wrapping_sub(start_ts_ms));
        }
        match value {
            Value::Float(v) => put_value(&mut body.bytes, *v),
            Value::Histogram(h) => put_histogram(&mut body.bytes, h),
        }
    }

    /// An exemplar of the series with these labels.
    pub(crate) fn exemplar(&mut self, series: &Labels, exemplar: &Exemplar) {
        let body = self.body(RecordKind::Exemplars);
        put_labels(&mut body.bytes, series);
        put_labels(&mut body.bytes, &exemplar.labels);
        put_zigzag(&mut body.bytes, exemplar.ts_ms);
        body.bytes.extend_from_slice(&exemplar.value.to_le_bytes());
    }

    /// What a source says about a family.
    pub(crate) fn metadata(&mut self, tenant: &str, family: &str, metadata: &MetricMetadata) {
        let body = self.body(RecordKind::Metadata);
        put_str(&mut body.bytes, tenant);
        put_str(&mut body.bytes, family);
        body.bytes.push(type_to_byte(metadata.metric_type));
        put_str(&mut body.bytes, &metadata.unit);
        put_str(&mut body.bytes, &metadata.help);
    }

    /// The samples of a series in a range are deleted.
    pub(crate) fn deletion(&mut self, id: u64, range: TimeRange) {
        let body = self.body(RecordKind::Deletions);
        body.put_id(id);
        put_zigzag(&mut body.bytes, range.mint);
        put_varint(&mut body.bytes, range.maxt.wrapping_sub(range.mint) as u64);
    }

    /// A record that stands alone.
    pub(crate) fn record(&mut self, kind: RecordKind, body: &[u8]) {
        self.close_bodies();
        self.put_record(kind, body);
    }

    fn body(&mut self, kind: RecordKind) -> &mut Body {
        let idx = KINDS.iter().position(|k| *k == kind).expect("BUG: this kind is not collected");
        if self.bodies[idx].bytes.len() >= MAX_BODY {
            self.close_bodies();
        }
        &mut self.bodies[idx]
    }

    fn close_bodies(&mut self) {
        for (idx, kind) in KINDS.into_iter().enumerate() {
            if !self.bodies[idx].bytes.is_empty() {
                let mut body = std::mem::take(&mut self.bodies[idx]);
                self.put_record(kind, &body.bytes);
                body.bytes.clear();
                self.bodies[idx] = Body { bytes: body.bytes, ..Body::default() };
            }
        }
    }

    fn put_record(&mut self, kind: RecordKind, body: &[u8]) {
        if self.payload.len() + body.len() > MAX_PAYLOAD && !self.payload.is_empty() {
            self.full.push(std::mem::take(&mut self.payload));
        }
        self.payload.push(kind.into());
        put_varint(&mut self.payload, body.len() as u64);
        self.payload.extend_from_slice(body);
    }

    /// Whether nothing was collected since the last time it was put into a group.
    pub(crate) fn is_empty(&self) -> bool {
        self.payload.is_empty() && self.full.is_empty() && self.bodies.iter().all(|b| b.bytes.is_empty())
    }

    /// Forgets what was collected since the last time it was put into a group.
    pub(crate) fn clear(&mut self) {
        self.payload.clear();
        self.full.clear();
        for body in &mut self.bodies {
            body.bytes.clear();
            (body.id, body.ts_ms) = (0, 0);
        }
    }

    /// About how many bytes were collected.
    pub(crate) fn len(&self) -> usize {
        let full: usize = self.full.iter().map(Vec::len).sum();
        full + self.payload.len() + self.bodies.iter().map(|b| b.bytes.len()).sum::<usize>()
    }

    /// How many bytes of memory are kept for the next use.
    pub(crate) fn capacity(&self) -> usize {
        self.payload.capacity() + self.bodies.iter().map(|b| b.bytes.capacity()).sum::<usize>()
    }

    /// Puts everything into `group` as the frames of one batch; each but the last one says that the batch goes on.
    pub(crate) fn finish_batch(&mut self, group: &mut Group) -> Result<(), FrameError> {
        self.finish(group, true)
    }

    /// Puts everything into `group` as frames that stand for themselves.
    pub(crate) fn finish_frames(&mut self, group: &mut Group) -> Result<(), FrameError> {
        self.finish(group, false)
    }

    fn finish(&mut self, group: &mut Group, one_batch: bool) -> Result<(), FrameError> {
        self.close_bodies();
        for payload in self.full.drain(..) {
            group.frame(0, 0, |out| {
                out.extend_from_slice(&payload);
                if one_batch {
                    out.extend_from_slice(&[RecordKind::Continued.into(), 0]);
                }
            })?;
        }
        if !self.payload.is_empty() {
            group.frame(0, 0, |out| out.extend_from_slice(&self.payload))?;
            self.payload.clear();
        }
        Ok(())
    }
}

pub(super) fn type_to_byte(metric_type: MetricType) -> u8 {
    match metric_type {
        MetricType::Unknown => 0,
        MetricType::Counter => 1,
        MetricType::Gauge => 2,
        MetricType::Histogram => 3,
        MetricType::GaugeHistogram => 4,
        MetricType::Summary => 5,
        MetricType::Info => 6,
        MetricType::StateSet => 7,
    }
}
