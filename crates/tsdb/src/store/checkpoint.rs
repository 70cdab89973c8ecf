//! Checkpoints: what the log would give, in one file, so that its segments can go. Described in `docs/formats/records.md`.

use std::io;
use std::path::{Path, PathBuf};

use bellwether_disk::{
    FrameFile, FrameFileReader, Fs, Group, HeaderError, SegmentHeader, SegmentKind, Step, StoreId,
    publish_file,
};
use bellwether_model::{ColumnBuffer, Value};

use crate::codec::{put_histogram, put_value};
use crate::coding::{put_labels, put_varint, put_zigzag};
use crate::head::{Chunk, Head, HeadSamples, LastSample, LiveSeries, SharedColumns, Values, value_at};
use crate::records::{RecordKind, RecordWriter};

/// What is collected before it is written.
const WRITE_BYTES: usize = 1 << 20;
/// A record of a series is closed when it has this many bytes.
const RECORD_BYTES: usize = 1 << 20;

/// The path of a checkpoint that stands for the segments below `number`.
pub(super) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("checkpoint-{number:08}.ckpt"))
}

/// The numbers of the checkpoints in the folder, newest first.
pub(super) fn list(fs: &dyn Fs, dir: &Path) -> io::Result<Vec<u64>> {
    let number =
        |name: &str| -> Option<u64> { name.strip_prefix("checkpoint-")?.strip_suffix(".ckpt")?.parse().ok() };
    let entries = fs.list(dir)?;
    let mut numbers: Vec<u64> = entries.iter().filter_map(|e| number(e.name.to_str()?)).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    Ok(numbers)
}

/// What of the head a checkpoint has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CheckpointScope {
    /// What is not in parts.
    Everything,
    /// Exemplars and descriptions of families: all samples are in parts.
    WithoutSeries,
}

/// Writes the checkpoint `number` and publishes it. Appends go on meanwhile; they are in segments from `number` on.
pub(super) fn write(
    fs: &dyn Fs,
    dir: &Path,
    store_id: StoreId,
    number: u64,
    next_seq: u64,
    head: &Head,
    scope: CheckpointScope,
) -> io::Result<()> {
    let target = path(dir, number);
    let temporary = target.with_extension("ckpt.tmp");
    match fs.remove_file(&temporary) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let header = SegmentHeader { kind: SegmentKind::Checkpoint, store_id, number, first_seq: 1 };
    let written = FrameFile::create(fs, &temporary, header).and_then(|file| {
        let mut output = CheckpointWriter { file, records: RecordWriter::new(), group: Group::new() };
        output.write_all(number, next_seq, head, scope)?;
        output.file.finish()
    });
    if let Err(e) = written {
        let _ = fs.remove_file(&temporary);
        return Err(e);
    }
    publish_file(fs, &temporary, &target)
}

struct CheckpointWriter {
    file: FrameFile,
    records: RecordWriter,
    group: Group,
}

impl CheckpointWriter {
    fn write_all(
        &mut self,
        number: u64,
        next_seq: u64,
        head: &Head,
        scope: CheckpointScope,
    ) -> io::Result<()> {
        let mut body = Vec::new();
        put_varint(&mut body, next_seq);
        put_varint(&mut body, head.next_log_id());
        self.records.record(RecordKind::CheckpointHead, &body);
        let mut shared = SharedColumns::default();
        let n_series = match scope {
            CheckpointScope::Everything => {
                head.for_checkpoint(number, |series| self.put_series(&series, &mut shared))?
            }
            CheckpointScope::WithoutSeries => 0,
        };
        // Copies, so that appends do not wait for the disk.
        let exemplars: Vec<_> = head.exemplars.lock().iter().cloned().collect();
        for (series, exemplar) in exemplars {
            self.records.exemplar(&series, &exemplar);
        }
        let metadata: Vec<_> =
            head.metadata.lock().iter().map(|(t, f, m)| (t.to_owned(), f.to_owned(), m.clone())).collect();
        for (tenant, family, metadata) in metadata {
            self.records.metadata(&tenant, &family, &metadata);
        }
        body.clear();
        put_varint(&mut body, n_series);
        self.records.record(RecordKind::CheckpointEnd, &body);
        self.flush()
    }

    fn put_series(&mut self, series: &LiveSeries, shared: &mut SharedColumns) -> io::Result<()> {
        match &series.in_order {
            Some((last, samples)) => self.put_in_order(series, last, samples, shared)?,
            None => self.records.series(series.log_id, &series.labels),
        }
        for row in 0..series.late.len() {
            let start = series.late.start_ts.get(row).copied().unwrap_or(0);
            let value = value_at(&series.late, row);
            self.records.late_sample(series.log_id, series.late.ts[row], start, &value);
        }
        if self.records.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    fn put_in_order(
        &mut self,
        series: &LiveSeries,
        last: &LastSample,
        samples: &HeadSamples,
        shared: &mut SharedColumns,
    ) -> io::Result<()> {
        let mut body = Vec::new();
        put_varint(&mut body, series.log_id);
        put_labels(&mut body, &series.labels);
        put_zigzag(&mut body, last.ts_ms);
        match &last.value {
            Value::Float(v) => {
                body.push(0);
                put_value(&mut body, *v);
            }
            Value::Histogram(h) => {
                body.push(1);
                put_histogram(&mut body, h);
            }
        }
        let head_len = body.len();
        let mut pending: Vec<Vec<u8>> = Vec::new();
        let mut pending_bytes = 0;
        for chunk in chunks_of(samples, shared)? {
            let mut bytes = Vec::new();
            chunk.encode(&mut bytes);
            pending_bytes += bytes.len();
            pending.push(bytes);
            if pending_bytes >= RECORD_BYTES {
                self.put_chunks(&mut body, head_len, &pending);
                pending.clear();
                pending_bytes = 0;
            }
        }
        if !pending.is_empty() {
            self.put_chunks(&mut body, head_len, &pending);
        }
        Ok(())
    }

    fn put_chunks(&mut self, body: &mut Vec<u8>, head_len: usize, chunks: &[Vec<u8>]) {
        body.truncate(head_len);
        put_varint(body, chunks.len() as u64);
        for chunk in chunks {
            body.extend_from_slice(chunk);
        }
        self.records.record(RecordKind::CheckpointSeries, body);
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut group = std::mem::take(&mut self.group);
        self.records.finish_frames(&mut group).map_err(io::Error::other)?;
        self.group = if group.is_empty() { group } else { self.file.append(group)? };
        Ok(())
    }
}

/// The samples of a series as chunks: those that are whole as they are, the others encoded anew.
fn chunks_of(samples: &HeadSamples, shared: &mut SharedColumns) -> io::Result<Vec<Chunk>> {
    let mut chunks = Vec::new();
    for (chunk, range) in samples.chunks() {
        if range.mint <= chunk.mint {
            chunks.push(chunk.clone());
            continue;
        }
        // The beginning of this one is in a part.
        let mut rest = ColumnBuffer::default();
        chunk
            .read(range, chunk.rows, &mut rest)
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        chunks.extend(seal(&rest, shared));
    }
    chunks.extend(seal(&samples.tail(), shared));
    Ok(chunks)
}

/// Encodes samples, all of one kind.
fn seal(samples: &ColumnBuffer, shared: &mut SharedColumns) -> Option<Chunk> {
    if samples.is_empty() {
        return None;
    }
    let histograms: Vec<_> = samples.hists.iter().flatten().cloned().collect();
    let values = if histograms.is_empty() {
        Values::Floats(&samples.vals)
    } else {
        assert_eq!(histograms.len(), samples.len(), "BUG: a tail has samples of two kinds");
        Values::Histograms(&histograms)
    };
    Some(Chunk::seal(&samples.ts, &samples.start_ts, values, shared))
}

/// What reading a checkpoint found besides its records.
#[derive(Debug, Default)]
pub(super) struct CheckpointProblems {
    /// Ranges of the file that are no frames.
    pub(super) damage: Vec<String>,
    /// Why the file is not ours, if it is not.
    pub(super) not_ours: Option<String>,
}

/// What is wrong with a checkpoint that says that it is another one than its name says.
pub(super) fn misnamed(number: u64) -> String {
    format!("it is a copy of checkpoint {number} under another name; remove it")
}

/// Reads a checkpoint and hands the payloads of its frames to `take`.
pub(super) fn read<E>(
    fs: &dyn Fs,
    path: &Path,
    store_id: StoreId,
    number: u64,
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> io::Result<Result<CheckpointProblems, E>> {
    let (mut reader, header) = FrameFileReader::open(fs, path, store_id, number)?;
    let mut problems = CheckpointProblems::default();
    match header {
        Ok(header) if header.kind != SegmentKind::Checkpoint => {
            let e = HeaderError::UnknownKind { tag: header.kind.into() };
            problems.not_ours = Some(e.to_string());
            return Ok(Ok(problems));
        }
        Ok(header) if header.number != number => {
            // A copy under another name would hide the segments between the two numbers.
            problems.damage.push(misnamed(header.number));
            return Ok(Ok(problems));
        }
        Ok(_) => {}
        Err(e) if e.is_damage() => problems.damage.push(e.to_string()),
        Err(e) => {
            problems.not_ours = Some(e.to_string());
            return Ok(Ok(problems));
        }
    }
    loop {
        match reader.step() {
            Step::Frame if !reader.is_known() => {
                problems.not_ours =
                    Some("frame of a newer version; use the program that wrote it".to_owned());
                return Ok(Ok(problems));
            }
            Step::Frame => {
                let frame = reader.frame().expect("BUG: a step to a frame has a frame");
                if let Err(e) = take(frame.payload) {
                    return Ok(Err(e));
                }
            }
            Step::Damage { offset, len } => {
                problems.damage.push(format!("{len} bytes at {offset} are damaged"));
            }
            Step::End { offset, torn } => {
                if torn > 0 {
                    problems.damage.push(format!("{torn} bytes at {offset} are damaged"));
                }
                break;
            }
        }
    }
    if reader.unreadable_bytes() > 0 {
        problems.damage.push(format!("{} bytes cannot be read", reader.unreadable_bytes()));
    }
    Ok(Ok(problems))
}
