//! What a part, a segment of the log or a checkpoint holds, for people.

use std::io;
use std::path::Path;

use bellwether_disk::{EntryKind, FrameFileReader, Fs, SegmentHeader, Step, read_exact_at};
use bellwether_model::{ColumnBuffer, Exemplar, Labels, MetricMetadata, TimeRange, Value};

use crate::coding::DecodeError;
use crate::error::TsdbError;
use crate::head::value_at;
use crate::intervals::Intervals;
use crate::options::ReadMode;
use crate::part::{Part, PartError, PartMeta, Reading, Tombstones};
use crate::records::{CheckpointHead, CheckpointSeries, RecordSink, read_records};

/// Something that a file holds. Series are known by numbers: in a part by their place, in the log by those that definitions give them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum DumpItem {
    /// A frame; what is in it follows.
    Frame {
        /// Its number.
        seq: u64,
        /// Where it starts in the file.
        offset: u64,
        /// How many bytes of content it has.
        bytes: usize,
    },
    /// A range of the file, or a series, that cannot be read.
    Damage {
        /// What is wrong.
        what: String,
    },
    /// A series.
    Series {
        /// Its number.
        id: u64,
        /// Its labels.
        labels: Labels,
    },
    /// A sample.
    Sample {
        /// The number of its series.
        id: u64,
        /// Its time.
        ts_ms: i64,
        /// Its start time, 0 if it has none.
        start_ts_ms: i64,
        /// Its value.
        value: Value,
        /// Whether it came after a newer one of its series.
        is_late: bool,
    },
    /// A stretch of a series that is deleted.
    Deletion {
        /// The number of the series.
        id: u64,
        /// The stretch.
        range: TimeRange,
    },
    /// An exemplar.
    Exemplar {
        /// The labels of its series.
        series: Labels,
        /// The exemplar.
        exemplar: Exemplar,
    },
    /// A description of a metric family.
    Metadata {
        /// The family.
        family: String,
        /// The description.
        metadata: MetricMetadata,
    },
}

/// Hands everything that a part (a folder), a segment of the log or a checkpoint holds to `take`, which can end it with an error. Samples that are deleted are among the others.
pub fn dump(
    fs: &dyn Fs,
    path: &Path,
    take: &mut dyn FnMut(DumpItem) -> io::Result<()>,
) -> Result<(), TsdbError> {
    let kind = fs.metadata(path).map_err(|e| TsdbError::io(path, e))?.kind;
    if kind == EntryKind::Dir { dump_part(fs, path, take) } else { dump_frames(fs, path, take) }
}

fn dump_part(
    fs: &dyn Fs,
    dir: &Path,
    take: &mut dyn FnMut(DumpItem) -> io::Result<()>,
) -> Result<(), TsdbError> {
    let io = |e| TsdbError::io(dir, e);
    let unreadable = |e: PartError| TsdbError::NotOurs(e.to_string());
    let id = PartMeta::read(fs, dir).map_err(unreadable)?.id;
    let part = Part::open(fs, dir, id, &Reading::new(ReadMode::Read, 0)).map_err(unreadable)?;
    let deleted = Tombstones::read(fs, dir, id, part.n_series()).map_err(unreadable)?.tombstones;
    let mut labels = part.labels().map_err(unreadable)?;
    let mut samples = ColumnBuffer::default();
    for ordinal in 0..part.n_series() {
        let id = u64::from(ordinal);
        let labels = labels.read(ordinal).map_err(unreadable)?;
        take(DumpItem::Series { id, labels }).map_err(io)?;
        for range in deleted.of(ordinal).into_iter().flat_map(Intervals::iter) {
            take(DumpItem::Deletion { id, range }).map_err(io)?;
        }
        samples.clear();
        if let Err(e) = part.read(ordinal, TimeRange::ALL, &mut samples) {
            take(DumpItem::Damage { what: e.to_string() }).map_err(io)?;
        }
        dump_columns(id, &samples, take).map_err(io)?;
    }
    Ok(())
}

fn dump_columns(
    id: u64,
    samples: &ColumnBuffer,
    take: &mut dyn FnMut(DumpItem) -> io::Result<()>,
) -> io::Result<()> {
    for row in 0..samples.len() {
        let start_ts_ms = samples.start_ts.get(row).copied().unwrap_or(0);
        let (ts_ms, value) = (samples.ts[row], value_at(samples, row));
        take(DumpItem::Sample { id, ts_ms, start_ts_ms, value, is_late: false })?;
    }
    Ok(())
}

fn dump_frames(
    fs: &dyn Fs,
    path: &Path,
    take: &mut dyn FnMut(DumpItem) -> io::Result<()>,
) -> Result<(), TsdbError> {
    let io = |e| TsdbError::io(path, e);
    let mut header = [0; SegmentHeader::LEN];
    let read = fs.open(path).and_then(|file| read_exact_at(file.as_ref(), &mut header, 0));
    let store_id = read.ok().and_then(|()| SegmentHeader::store_id_of(&header)).ok_or_else(|| {
        TsdbError::NotOurs(format!("{}: its header is not that of a segment or a checkpoint", path.display()))
    })?;
    let number = SegmentHeader::decode(&header, store_id).map_or(0, |header| header.number);
    let (mut reader, _) = FrameFileReader::open(fs, path, store_id, number).map_err(io)?;
    loop {
        match reader.step() {
            Step::Frame => {
                let frame = reader.frame().expect("BUG: a step to a frame has a frame");
                let (seq, offset, bytes) = (frame.seq, frame.offset, frame.payload.len());
                take(DumpItem::Frame { seq, offset, bytes }).map_err(io)?;
                let mut sink = Sink { take: &mut *take, outcome: Ok(()) };
                let read = read_records(frame.payload, &mut sink);
                sink.outcome.map_err(io)?;
                if let Err(e) = read {
                    take(DumpItem::Damage { what: e.to_string() }).map_err(io)?;
                }
            }
            Step::Damage { offset, len } => {
                take(DumpItem::Damage { what: format!("{len} bytes at offset {offset}") }).map_err(io)?;
            }
            Step::End { offset, torn } => {
                if torn > 0 {
                    let what = format!("{torn} bytes at offset {offset}");
                    take(DumpItem::Damage { what }).map_err(io)?;
                }
                return Ok(());
            }
        }
    }
}

/// Hands records on; after an error nothing more.
struct Sink<'a> {
    take: &'a mut dyn FnMut(DumpItem) -> io::Result<()>,
    outcome: io::Result<()>,
}

impl Sink<'_> {
    fn hand(&mut self, item: DumpItem) {
        if self.outcome.is_ok() {
            self.outcome = (self.take)(item);
        }
    }
}

impl RecordSink for Sink<'_> {
    fn series(&mut self, id: u64, labels: Labels) {
        self.hand(DumpItem::Series { id, labels });
    }

    fn sample(&mut self, id: u64, ts_ms: i64, start_ts_ms: i64, value: Value) {
        self.hand(DumpItem::Sample { id, ts_ms, start_ts_ms, value, is_late: false });
    }

    fn late_sample(&mut self, id: u64, ts_ms: i64, start_ts_ms: i64, value: Value) {
        self.hand(DumpItem::Sample { id, ts_ms, start_ts_ms, value, is_late: true });
    }

    fn exemplar(&mut self, series: Labels, exemplar: Exemplar) {
        self.hand(DumpItem::Exemplar { series, exemplar });
    }

    fn metadata(&mut self, _tenant: &str, family: &str, metadata: MetricMetadata) {
        self.hand(DumpItem::Metadata { family: family.to_owned(), metadata });
    }

    fn deletion(&mut self, id: u64, range: TimeRange) {
        self.hand(DumpItem::Deletion { id, range });
    }

    fn checkpoint_head(&mut self, _head: CheckpointHead) {}

    fn checkpoint_series(&mut self, series: CheckpointSeries) -> Result<(), DecodeError> {
        self.hand(DumpItem::Series { id: series.id, labels: series.labels });
        for chunk in &series.chunks {
            let mut samples = ColumnBuffer::default();
            chunk.read(TimeRange::ALL, chunk.rows, &mut samples)?;
            if self.outcome.is_ok() {
                self.outcome = dump_columns(series.id, &samples, self.take);
            }
        }
        Ok(())
    }

    fn checkpoint_end(&mut self, _n_series: u64) {}
}
