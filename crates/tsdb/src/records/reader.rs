use std::sync::Arc;

use bellwether_model::{Exemplar, Labels, MetricMetadata, MetricType, TimeRange, Value};

use crate::codec::{read_histogram, read_value};
use crate::coding::{Cursor, DecodeError};
use crate::head::Chunk;

use super::kind::{RecordKind, UnknownKind};
use super::writer::{LATE_HAS_START, LATE_HISTOGRAM};

/// Neither frames nor series get numbers above this, so that counting on from one that was read does not overflow.
const MAX_NUMBER: u64 = i64::MAX as u64;

/// Why the payload of a frame cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    /// A newer program wrote it.
    #[error(transparent)]
    Newer(#[from] UnknownKind),
    /// It is not what was written, although its checksum holds.
    #[error(transparent)]
    Damaged(#[from] DecodeError),
}

/// The first record of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CheckpointHead {
    /// The sequence number that the next frame of the log had when the checkpoint was begun.
    pub(crate) next_seq: u64,
    /// The number that the next series gets.
    pub(crate) next_id: u64,
}

/// A series in a checkpoint.
#[derive(Debug)]
pub(crate) struct CheckpointSeries {
    pub(crate) id: u64,
    pub(crate) labels: Labels,
    pub(crate) last_ts_ms: i64,
    pub(crate) last_value: Value,
    pub(crate) chunks: Vec<Chunk>,
}

/// Takes what records contain, in their order.
pub(crate) trait RecordSink {
    fn series(&mut self, id: u64, labels: Labels);
    fn sample(&mut self, id: u64, ts_ms: i64, start_ts_ms: i64, value: Value);
    /// A sample that is older than another one of its series.
    fn late_sample(&mut self, id: u64, ts_ms: i64, start_ts_ms: i64, value: Value);
    fn exemplar(&mut self, series: Labels, exemplar: Exemplar);
    fn metadata(&mut self, tenant: &str, family: &str, metadata: MetricMetadata);
    /// What came before of a series in a range is gone.
    fn deletion(&mut self, id: u64, range: TimeRange);
    fn checkpoint_head(&mut self, head: CheckpointHead);
    fn checkpoint_series(&mut self, series: CheckpointSeries) -> Result<(), DecodeError>;
    fn checkpoint_end(&mut self, n_series: u64);
}

/// Whether the batch of a frame goes on in the next one. Looks only at the heads of the records.
pub(crate) fn is_continued(payload: &[u8]) -> bool {
    has_record(payload, RecordKind::Continued)
}

/// Whether a frame deletes something. Looks only at the heads of the records.
pub(crate) fn has_deletions(payload: &[u8]) -> bool {
    has_record(payload, RecordKind::Deletions)
}

fn has_record(payload: &[u8], wanted: RecordKind) -> bool {
    let mut cursor = Cursor::new(payload);
    while let (Ok(kind), Ok(_)) = (cursor.u8(), cursor.prefixed()) {
        if kind == u8::from(wanted) {
            return true;
        }
    }
    false
}

/// Hands the records of a frame to `sink`. What comes before an error has been handed over.
pub(crate) fn read_records(payload: &[u8], sink: &mut impl RecordSink) -> Result<(), RecordError> {
    let mut cursor = Cursor::new(payload);
    while !cursor.is_empty() {
        let kind = RecordKind::try_from(cursor.u8()?)?;
        let mut body = Cursor::new(cursor.prefixed()?);
        match kind {
            RecordKind::Series => read_series(&mut body, sink)?,
            RecordKind::Floats => read_floats(&mut body, false, sink)?,
            RecordKind::FloatsWithStarts => read_floats(&mut body, true, sink)?,
            RecordKind::Histograms => read_histograms(&mut body, sink)?,
            RecordKind::Late => read_late(&mut body, sink)?,
            RecordKind::Exemplars => read_exemplars(&mut body, sink)?,
            RecordKind::Metadata => read_metadata(&mut body, sink)?,
            RecordKind::Deletions => read_deletions(&mut body, sink)?,
            // Whoever reads a log looks for it beforehand.
            RecordKind::Continued => {}
            RecordKind::CheckpointHead => {
                let (next_seq, next_id) = (countable(body.varint()?)?, countable(body.varint()?)?);
                sink.checkpoint_head(CheckpointHead { next_seq, next_id });
            }
            RecordKind::CheckpointSeries => sink.checkpoint_series(read_checkpoint_series(&mut body)?)?,
            RecordKind::CheckpointEnd => sink.checkpoint_end(body.varint()?),
        }
        if !body.is_empty() {
            return Err(DecodeError::new("bytes behind the last field of a record").into());
        }
    }
    Ok(())
}

/// The number of a frame or a series, if the next one can be counted.
fn countable(number: u64) -> Result<u64, DecodeError> {
    if number > MAX_NUMBER {
        return Err(DecodeError::new("impossible number of a frame or a series"));
    }
    Ok(number)
}

fn read_series(body: &mut Cursor<'_>, sink: &mut impl RecordSink) -> Result<(), DecodeError> {
    let mut id = 0_u64;
    while !body.is_empty() {
        id = countable(id.wrapping_add(body.zigzag()? as u64))?;
        sink.series(id, body.labels()?);
    }
    Ok(())
}

fn read_floats(
    body: &mut Cursor<'_>,
    with_starts: bool,
    sink: &mut impl RecordSink,
) -> Result<(), DecodeError> {
    let (mut id, mut ts_ms) = (0_u64, 0_i64);
    while !body.is_empty() {
        id = id.wrapping_add(body.zigzag()? as u64);
        ts_ms = ts_ms.wrapping_add(body.zigzag()?);
        let start = if with_starts { ts_ms.wrapping_sub(body.zigzag()?) } else { 0 };
        sink.sample(id, ts_ms, start, Value::Float(read_value(body)?));
    }
    Ok(())
}

fn read_histograms(body: &mut Cursor<'_>, sink: &mut impl RecordSink) -> Result<(), DecodeError> {
    let (mut id, mut ts_ms) = (0_u64, 0_i64);
    while !body.is_empty() {
        id = id.wrapping_add(body.zigzag()? as u64);
        ts_ms = ts_ms.wrapping_add(body.zigzag()?);
        let start = if body.u8()? == 0 { 0 } else { ts_ms.wrapping_sub(body.zigzag()?) };
        sink.sample(id, ts_ms, start, Value::Histogram(Arc::new(read_histogram(body)?)));
    }
    Ok(())
}

fn read_late(body: &mut Cursor<'_>, sink: &mut impl RecordSink) -> Result<(), DecodeError> {
    let (mut id, mut ts_ms) = (0_u64, 0_i64);
    while !body.is_empty() {
        id = id.wrapping_add(body.zigzag()? as u64);
        ts_ms = ts_ms.wrapping_add(body.zigzag()?);
        let flags = body.u8()?;
        if flags & !(LATE_HISTOGRAM | LATE_HAS_START) != 0 {
            return Err(DecodeError::new("unknown kind of sample; a newer program wrote this"));
        }
        let start = if flags & LATE_HAS_START == 0 { 0 } else { ts_ms.wrapping_sub(body.zigzag()?) };
        let value = if flags & LATE_HISTOGRAM == 0 {
            Value::Float(read_value(body)?)
        } else {
            Value::Histogram(Arc::new(read_histogram(body)?))
        };
        sink.late_sample(id, ts_ms, start, value);
    }
    Ok(())
}

fn read_exemplars(body: &mut Cursor<'_>, sink: &mut impl RecordSink) -> Result<(), DecodeError> {
    while !body.is_empty() {
        let series = body.labels()?;
        let (labels, ts_ms) = (body.labels()?, body.zigzag()?);
        sink.exemplar(series, Exemplar { labels, value: body.f64()?, ts_ms });
    }
    Ok(())
}

fn read_metadata(body: &mut Cursor<'_>, sink: &mut impl RecordSink) -> Result<(), DecodeError> {
    while !body.is_empty() {
        let (tenant, family) = (body.str()?, body.str()?);
        let metric_type = type_from_byte(body.u8()?)?;
        let metadata =
            MetricMetadata { metric_type, unit: body.str()?.to_owned(), help: body.str()?.to_owned() };
        sink.metadata(tenant, family, metadata);
    }
    Ok(())
}

fn read_deletions(body: &mut Cursor<'_>, sink: &mut impl RecordSink) -> Result<(), DecodeError> {
    let mut id = 0_u64;
    while !body.is_empty() {
        id = id.wrapping_add(body.zigzag()? as u64);
        let mint = body.zigzag()?;
        let maxt = mint.wrapping_add(body.varint()? as i64);
        if maxt < mint {
            return Err(DecodeError::new("deletion that ends before it starts"));
        }
        sink.deletion(id, TimeRange::new(mint, maxt));
    }
    Ok(())
}

fn read_checkpoint_series(body: &mut Cursor<'_>) -> Result<CheckpointSeries, DecodeError> {
    let id = countable(body.varint()?)?;
    let labels = body.labels()?;
    let last_ts_ms = body.zigzag()?;
    let last_value = match body.u8()? {
        0 => Value::Float(read_value(body)?),
        1 => Value::Histogram(Arc::new(read_histogram(body)?)),
        _ => return Err(DecodeError::new("unknown kind of value; a newer program wrote this")),
    };
    let chunks = (0..body.count(3)?).map(|_| Chunk::decode(body)).collect::<Result<Vec<_>, _>>()?;
    let is_in_order = chunks.is_sorted_by(|a, b| a.maxt < b.mint);
    if !is_in_order || chunks.last().is_some_and(|chunk| chunk.maxt > last_ts_ms) {
        return Err(DecodeError::new("chunks of a series are not in the order of time"));
    }
    Ok(CheckpointSeries { id, labels, last_ts_ms, last_value, chunks })
}

fn type_from_byte(byte: u8) -> Result<MetricType, DecodeError> {
    Ok(match byte {
        0 => MetricType::Unknown,
        1 => MetricType::Counter,
        2 => MetricType::Gauge,
        3 => MetricType::Histogram,
        4 => MetricType::GaugeHistogram,
        5 => MetricType::Summary,
        6 => MetricType::Info,
        7 => MetricType::StateSet,
        _ => return Err(DecodeError::new("unknown type of a metric")),
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::path::PathBuf;

    use bellwether_disk::{Group, Log, LogOptions, SimFs, StoreId, SyncPolicy, recover};
    use bellwether_model::{FloatHistogram, stale_nan};
    use proptest::prelude::*;

    use super::super::RecordWriter;
    use super::super::writer::type_to_byte;
    use super::*;
    use crate::codec::put_value;
    use crate::coding::{put_labels, put_varint, put_zigzag};
    use crate::head::{SharedColumns, Values};

    /// Writes down what it gets.
    #[derive(Debug, Default)]
    struct Seen(Vec<String>);

    impl RecordSink for Seen {
        fn series(&mut self, id: u64, labels: Labels) {
            self.0.push(format!("series {id} {labels}"));
        }

        fn sample(&mut self, id: u64, ts_ms: i64, start_ts_ms: i64, value: Value) {
            self.0.push(match value {
                Value::Float(v) => format!("sample {id} {ts_ms} {start_ts_ms} {:x}", v.to_bits()),
                Value::Histogram(h) => format!("histogram {id} {ts_ms} {start_ts_ms} {:x}", h.sum.to_bits()),
            });
        }

        fn late_sample(&mut self, id: u64, ts_ms: i64, start_ts_ms: i64, value: Value) {
            self.0.push("late".to_owned());
            self.sample(id, ts_ms, start_ts_ms, value);
        }

        fn exemplar(&mut self, series: Labels, e: Exemplar) {
            self.0.push(format!("exemplar {series} {} {} {}", e.labels, e.value, e.ts_ms));
        }

        fn metadata(&mut self, tenant: &str, family: &str, m: MetricMetadata) {
            self.0.push(format!("metadata {tenant} {family} {} {} {}", m.metric_type, m.unit, m.help));
        }

        fn deletion(&mut self, id: u64, range: TimeRange) {
            self.0.push(format!("deletion {id} {} {}", range.mint, range.maxt));
        }

        fn checkpoint_head(&mut self, head: CheckpointHead) {
            self.0.push(format!("{head:?}"));
        }

        fn checkpoint_series(&mut self, series: CheckpointSeries) -> Result<(), DecodeError> {
            self.0.push(format!("checkpoint series {} {}", series.id, series.labels));
            Ok(())
        }

        fn checkpoint_end(&mut self, n_series: u64) {
            self.0.push(format!("end {n_series}"));
        }
    }

    /// The payloads of the frames of a group, through a log.
    fn payloads(group: Group) -> Vec<Vec<u8>> {
        let fs = SimFs::new();
        let options = LogOptions {
            segment_bytes: 1 << 12,
            sync: SyncPolicy::Segment,
            ..LogOptions::new(PathBuf::from("l"), PathBuf::from("q"), StoreId([0; 16]))
        };
        let start = recover(&fs, &options, 0, |_| Ok::<_, Infallible>(())).expect("empty");
        Log::start(Arc::new(fs.clone()), options.clone(), start.next).append(group).expect("no faults");
        let mut payloads = Vec::new();
        recover(&fs, &options, 0, |f| {
            payloads.push(f.payload.to_vec());
            Ok::<_, Infallible>(())
        })
        .expect("whole");
        payloads
    }

    fn read(payloads: &[Vec<u8>]) -> Vec<String> {
        let mut seen = Seen::default();
        for payload in payloads {
            read_records(payload, &mut seen).expect("just written");
        }
        seen.0
    }

    fn sample_batch() -> RecordWriter {
        let mut writer = RecordWriter::new();
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "x")]);
        writer.sample(7 << 32, 1000, 0, &Value::Float(1.0));
        writer.sample(7 << 32 | 1, 1000, 900, &Value::Float(stale_nan()));
        writer.sample(3, -5, 0, &Value::Float(-0.0));
        let h = Arc::new(FloatHistogram { sum: 2.5, ..FloatHistogram::default() });
        writer.sample(4, i64::MAX, i64::MIN, &Value::Histogram(h.clone()));
        writer.late_sample(4, -8, 0, &Value::Float(1.5));
        writer.late_sample(5, -9, -10, &Value::Histogram(Arc::clone(&h)));
        writer.sample(4, 0, 0, &Value::Histogram(h));
        writer.series(7 << 32, &labels);
        let exemplar = Exemplar { labels: Labels::from_pairs([("trace_id", "t")]), value: 0.25, ts_ms: 12 };
        writer.exemplar(&labels, &exemplar);
        let metadata =
            MetricMetadata { metric_type: MetricType::Info, unit: "s".to_owned(), help: "h".to_owned() };
        writer.metadata("", "up", &metadata);
        writer.deletion(7 << 32, TimeRange::new(-5, 900));
        writer.deletion(3, TimeRange::ALL);
        writer
    }

    #[test]
    fn a_batch_reads_back_with_definitions_first() {
        let mut group = Group::new();
        sample_batch().finish_batch(&mut group).expect("short");
        let seen = read(&payloads(group));
        assert_eq!(
            seen,
            [
                "series 30064771072 up{job=\"x\"}",
                "sample 30064771072 1000 0 3ff0000000000000",
                "sample 3 -5 0 8000000000000000",
                "sample 30064771073 1000 900 7ff0000000000002",
                "histogram 4 9223372036854775807 -9223372036854775808 4004000000000000",
                "histogram 4 0 0 4004000000000000",
                "late",
                "sample 4 -8 0 3ff8000000000000",
                "late",
                "histogram 5 -9 -10 4004000000000000",
                "exemplar up{job=\"x\"} {trace_id=\"t\"} 0.25 12",
                "metadata  up info s h",
                "deletion 30064771072 -5 900",
                "deletion 3 -9223372036854775808 9223372036854775807",
            ]
        );
    }

    #[test]
    fn long_batches_take_several_frames() {
        let mut writer = RecordWriter::new();
        for id in 0..200_000 {
            writer.series(id, &Labels::from_pairs([("__name__", "some_metric"), ("id", &id.to_string())]));
            writer.sample(id, 1, 0, &Value::Float(0.1));
        }
        assert!(writer.len() > 5 << 20);
        let mut group = Group::new();
        writer.finish_batch(&mut group).expect("each frame is short enough");
        assert!(writer.is_empty());
        let payloads = payloads(group);
        let seen = read(&payloads);
        assert!(payloads.len() > 1);
        let continued: Vec<bool> = payloads.iter().map(|p| is_continued(p)).collect();
        assert_eq!(continued.iter().filter(|c| **c).count(), payloads.len() - 1);
        assert!(!continued[payloads.len() - 1], "the last one ends the batch");
        assert_eq!(seen.iter().filter(|s| s.starts_with("sample")).count(), 200_000);
    }

    #[test]
    fn unknown_kinds_come_from_a_newer_version() {
        let err = read_records(&[9, 0], &mut Seen::default()).expect_err("cohorts are not known yet");
        assert_eq!(err.to_string(), "unknown kind of record 9; use the program that wrote it");
    }

    #[test]
    fn a_checkpoint_that_cannot_be_is_refused() {
        let read_record = |kind: RecordKind, body: &[u8]| {
            let (mut writer, mut group) = (RecordWriter::new(), Group::new());
            writer.record(kind, body);
            writer.finish_frames(&mut group).expect("short");
            read_records(&payloads(group)[0], &mut Seen::default()).map_err(|e| e.to_string())
        };
        let head = |next_seq: u64, next_id: u64| {
            let mut body = Vec::new();
            put_varint(&mut body, next_seq);
            put_varint(&mut body, next_id);
            read_record(RecordKind::CheckpointHead, &body)
        };
        assert_eq!(head(7, 1 << 40), Ok(()));
        for (next_seq, next_id) in [(u64::MAX, 1), (1, u64::MAX)] {
            assert_eq!(head(next_seq, next_id), Err("impossible number of a frame or a series".to_owned()));
        }
        let mut definition = Vec::new();
        put_zigzag(&mut definition, -1);
        put_labels(&mut definition, &Labels::from_pairs([("__name__", "up")]));
        assert_eq!(
            read_record(RecordKind::Series, &definition),
            Err("impossible number of a frame or a series".to_owned())
        );
        let series = |chunks: &[[i64; 2]], last_ts_ms: i64| {
            let mut body = Vec::new();
            put_varint(&mut body, 1);
            put_labels(&mut body, &Labels::from_pairs([("__name__", "up")]));
            put_zigzag(&mut body, last_ts_ms);
            body.push(0);
            put_value(&mut body, 1.0);
            put_varint(&mut body, chunks.len() as u64);
            for times in chunks {
                let values = Values::Floats(&[1.0, 1.0]);
                Chunk::seal(times, &[], values, &mut SharedColumns::default()).encode(&mut body);
            }
            read_record(RecordKind::CheckpointSeries, &body)
        };
        assert_eq!(series(&[[1, 2], [3, 4]], 4), Ok(()));
        let disorder = Err("chunks of a series are not in the order of time".to_owned());
        assert_eq!(series(&[[3, 4], [1, 2]], 4), disorder);
        assert_eq!(series(&[[1, 3], [3, 4]], 4), disorder);
        assert_eq!(series(&[[1, 2], [3, 4]], 3), disorder, "beyond the last sample");
    }

    #[test]
    fn types_read_back() {
        for byte in 0..8 {
            assert_eq!(type_from_byte(byte).map(type_to_byte), Ok(byte));
        }
        assert!(type_from_byte(8).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(at in 0_usize..300, flip in 1_u8.., cut in 0_usize..300) {
            let mut group = Group::new();
            sample_batch().finish_batch(&mut group).expect("short");
            let mut payload = payloads(group).remove(0);
            let at = at % payload.len();
            payload[at] ^= flip;
            payload.truncate(payload.len().max(cut) - cut.min(payload.len()) / 4);
            let _ = read_records(&payload, &mut Seen::default());
        }
    }
}
