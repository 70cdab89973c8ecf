//! What the fuzz targets need from the inside: the decoders that no public function gets at alone. Each function takes any bytes, and panics if what can be read from
//! them is not the same after it was written again.

use std::path::Path;
use std::sync::Arc;

use bellwether_disk::{FrameFile, FrameFileReader, Group, SegmentHeader, SegmentKind, SimFs, Step, StoreId};
use bellwether_model::{ColumnBuffer, Exemplar, FloatHistogram, Labels, MetricMetadata, TimeRange, Value};

use crate::codec::{
    MAX_ROWS, decode_floats, decode_histograms, decode_ints, decode_start_times, decode_times, encode_floats,
    encode_histograms, encode_ints, encode_start_times, encode_times, put_histogram, put_value,
    same_histogram,
};
use crate::coding::{Cursor, DecodeError, put_labels, put_varint, put_zigzag};
use crate::head::{Chunk, SharedColumns, Values};
use crate::records::{
    CheckpointHead, CheckpointSeries, RecordKind, RecordSink, RecordWriter, is_continued, read_records,
};

/// The number of rows that a column is said to have, and what is left of the input.
fn rows_of(input: &[u8]) -> Option<(usize, &[u8])> {
    let (head, rest) = input.split_first_chunk()?;
    Some((usize::from(u16::from_le_bytes(*head)) % MAX_ROWS + 1, rest))
}

/// A column of integers. The first two bytes say how many rows it has.
pub fn integers(input: &[u8]) {
    let Some((rows, bytes)) = rows_of(input) else { return };
    let read = |bytes: &[u8], range: std::ops::Range<usize>| {
        let (mut cursor, mut values) = (Cursor::new(bytes), Vec::new());
        decode_ints(&mut cursor, rows, range, |piece| values.extend_from_slice(piece))?;
        Ok::<_, DecodeError>(values)
    };
    let Ok(values) = read(bytes, 0..rows) else { return };
    assert_eq!(values.len(), rows);
    let (from, to) = (rows / 3, rows - rows / 4);
    assert_eq!(read(bytes, from..to).as_deref(), Ok(&values[from..to]), "a range reads differently");
    let mut again = Vec::new();
    encode_ints(&mut again, &values);
    assert_eq!(read(&again, 0..rows), Ok(values));
}

/// A column of timestamps or of start timestamps. The first two bytes say how many rows it has, the next one its codec.
pub fn times(input: &[u8]) {
    let Some((rows, [codec, bytes @ ..])) = rows_of(input) else { return };
    let mut values = Vec::new();
    if decode_times(*codec, bytes, rows, &mut values).is_ok() {
        assert!(values.len() == rows && values.is_sorted_by(|a, b| a < b), "timestamps increase");
        let (mut again, mut back) = (Vec::new(), Vec::new());
        let codec = encode_times(&mut again, &values);
        decode_times(codec.into(), &again, rows, &mut back).expect("just encoded");
        assert_eq!(back, values);
    }
    values.clear();
    if decode_start_times(*codec, bytes, rows, &mut values).is_ok() {
        assert_eq!(values.len(), rows);
        let (mut again, mut back) = (Vec::new(), Vec::new());
        let codec = encode_start_times(&mut again, &values);
        decode_start_times(codec.into(), &again, rows, &mut back).expect("just encoded");
        assert_eq!(back, values);
    }
}

/// A column of floats. The first two bytes say how many rows it has, the next one its codec.
pub fn floats(input: &[u8]) {
    let Some((rows, [codec, bytes @ ..])) = rows_of(input) else { return };
    let read = |codec: u8, bytes: &[u8], range: std::ops::Range<usize>| {
        let mut values = Vec::new();
        decode_floats(codec, bytes, rows, range, &mut values)?;
        Ok::<_, DecodeError>(values.into_iter().map(f64::to_bits).collect::<Vec<_>>())
    };
    let Ok(bits) = read(*codec, bytes, 0..rows) else { return };
    assert_eq!(bits.len(), rows);
    let (from, to) = (rows / 3, rows - rows / 4);
    assert_eq!(read(*codec, bytes, from..to).as_deref(), Ok(&bits[from..to]), "a range reads differently");
    let values: Vec<f64> = bits.iter().copied().map(f64::from_bits).collect();
    let mut again = Vec::new();
    let codec = encode_floats(&mut again, &values);
    assert_eq!(read(codec.into(), &again, 0..rows), Ok(bits));
}

/// A column of native histograms. The first two bytes say how many rows it has, the next one its codec.
pub fn histograms(input: &[u8]) {
    let Some((rows, [codec, bytes @ ..])) = rows_of(input) else { return };
    let read = |codec: u8, bytes: &[u8]| {
        let mut histograms: Vec<Arc<FloatHistogram>> = Vec::new();
        decode_histograms(codec, bytes, rows, |h| histograms.push(h)).map(|()| histograms)
    };
    let Ok(histograms) = read(*codec, bytes) else { return };
    let mut again = Vec::new();
    let codec = encode_histograms(&mut again, &histograms);
    let back = read(codec.into(), &again).expect("just encoded");
    assert!(back.len() == rows && back.iter().zip(&histograms).all(|(a, b)| same_histogram(a, b)));
}

/// A chunk as a checkpoint has it.
pub fn chunk(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let Ok(chunk) = Chunk::decode(&mut cursor) else { return };
    let mut again = Vec::new();
    chunk.encode(&mut again);
    let back = Chunk::decode(&mut Cursor::new(&again)).expect("just encoded");
    let mut samples = ColumnBuffer::default();
    chunk.read(TimeRange::ALL, chunk.rows, &mut samples).expect("it was read when it was decoded");
    assert_eq!(samples.len(), chunk.rows as usize);
    assert_eq!((chunk.mint, chunk.maxt), (samples.ts[0], samples.ts[samples.len() - 1]));
    let histograms: Vec<_> = samples.hists.iter().flatten().cloned().collect();
    let values =
        if chunk.has_histograms() { Values::Histograms(&histograms) } else { Values::Floats(&samples.vals) };
    let sealed = Chunk::seal(&samples.ts, &samples.start_ts, values, &mut SharedColumns::default());
    for other in [back, sealed] {
        let mut found = ColumnBuffer::default();
        other.read(TimeRange::ALL, other.rows, &mut found).expect("just encoded");
        assert!(found.ts == samples.ts && found.start_ts == samples.start_ts);
        let bits = |buffer: &ColumnBuffer| buffer.vals.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(&samples));
        let same = |(a, b): (&Option<Arc<_>>, &Option<Arc<_>>)| match (a, b) {
            (Some(a), Some(b)) => same_histogram(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        assert!(found.hists.iter().zip(&samples.hists).all(same));
    }
}

/// The payload of a frame.
pub fn records(payload: &[u8]) {
    let _ = is_continued(payload);
    let mut first = Rewriter::default();
    if read_records(payload, &mut first).is_err() {
        return;
    }
    let mut second = Rewriter::default();
    for payload in first.payloads() {
        read_records(&payload, &mut second).expect("just written");
    }
    // Records of one kind stay in their order, those of several are sorted by it.
    first.told.sort_by_key(|told| told.split_once(' ').map(|(kind, _)| kind.to_owned()));
    second.told.sort_by_key(|told| told.split_once(' ').map(|(kind, _)| kind.to_owned()));
    assert_eq!(first.told, second.told);
}

/// Notes what records say, and writes them again.
#[derive(Default)]
struct Rewriter {
    told: Vec<String>,
    writer: RecordWriter,
}

impl Rewriter {
    /// What was written.
    fn payloads(&mut self) -> Vec<Vec<u8>> {
        let (fs, path) = (SimFs::new(), Path::new("records"));
        let header =
            SegmentHeader { kind: SegmentKind::Log, store_id: StoreId([0; 16]), number: 1, first_seq: 1 };
        let mut group = Group::new();
        self.writer.finish_frames(&mut group).expect("no longer than what was read");
        let mut file = FrameFile::create(&fs, path, header).expect("no faults");
        file.append(group).expect("no faults");
        let (mut reader, _) =
            FrameFileReader::open(&fs, path, header.store_id, header.number).expect("no faults");
        let mut payloads = Vec::new();
        while reader.step() == Step::Frame {
            payloads.extend(reader.frame().map(|frame| frame.payload.to_vec()));
        }
        payloads
    }
}

fn told(value: &Value) -> String {
    let mut bytes = Vec::new();
    match value {
        Value::Float(v) => put_value(&mut bytes, *v),
        Value::Histogram(h) => put_histogram(&mut bytes, h),
    }
    format!("{bytes:x?}")
}

impl RecordSink for Rewriter {
    fn series(&mut self, id: u64, labels: Labels) {
        self.told.push(format!("series {id} {labels}"));
        self.writer.series(id, &labels);
    }

    fn sample(&mut self, id: u64, ts_ms: i64, start_ts_ms: i64, value: Value) {
        let kind = match (&value, start_ts_ms) {
            (Value::Float(_), 0) => "float",
            (Value::Float(_), _) => "started",
            (Value::Histogram(_), _) => "histogram",
        };
        self.told.push(format!("{kind} {id} {ts_ms} {start_ts_ms} {}", told(&value)));
        self.writer.sample(id, ts_ms, start_ts_ms, &value);
    }

    fn late_sample(&mut self, id: u64, ts_ms: i64, start_ts_ms: i64, value: Value) {
        self.told.push(format!("late {id} {ts_ms} {start_ts_ms} {}", told(&value)));
        self.writer.late_sample(id, ts_ms, start_ts_ms, &value);
    }

    fn exemplar(&mut self, series: Labels, exemplar: Exemplar) {
        let Exemplar { labels, value, ts_ms } = &exemplar;
        self.told.push(format!("exemplar {series} {labels} {:x} {ts_ms}", value.to_bits()));
        self.writer.exemplar(&series, &exemplar);
    }

    fn metadata(&mut self, tenant: &str, family: &str, metadata: MetricMetadata) {
        self.told.push(format!("metadata {tenant:?} {family:?} {metadata:?}"));
        self.writer.metadata(tenant, family, &metadata);
    }

    fn deletion(&mut self, id: u64, range: TimeRange) {
        self.told.push(format!("deletion {id} {range:?}"));
        self.writer.deletion(id, range);
    }

    fn checkpoint_head(&mut self, head: CheckpointHead) {
        self.told.push(format!("head {head:?}"));
        let mut body = Vec::new();
        put_varint(&mut body, head.next_seq);
        put_varint(&mut body, head.next_id);
        self.writer.record(RecordKind::CheckpointHead, &body);
    }

    fn checkpoint_series(&mut self, series: CheckpointSeries) -> Result<(), DecodeError> {
        let CheckpointSeries { id, labels, last_ts_ms, last_value, chunks } = series;
        let ranges: Vec<_> = chunks.iter().map(|c| (c.range(), c.rows, c.has_histograms())).collect();
        self.told.push(format!("checkpoint {id} {labels} {last_ts_ms} {} {ranges:?}", told(&last_value)));
        let mut body = Vec::new();
        put_varint(&mut body, id);
        put_labels(&mut body, &labels);
        put_zigzag(&mut body, last_ts_ms);
        body.push(u8::from(matches!(last_value, Value::Histogram(_))));
        match &last_value {
            Value::Float(v) => put_value(&mut body, *v),
            Value::Histogram(h) => put_histogram(&mut body, h),
        }
        put_varint(&mut body, chunks.len() as u64);
        for chunk in &chunks {
            chunk.encode(&mut body);
        }
        self.writer.record(RecordKind::CheckpointSeries, &body);
        Ok(())
    }

    fn checkpoint_end(&mut self, n_series: u64) {
        self.told.push(format!("end {n_series}"));
        let mut body = Vec::new();
        put_varint(&mut body, n_series);
        self.writer.record(RecordKind::CheckpointEnd, &body);
    }
}
