use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_disk::Fs;
use bellwether_model::{ColumnBuffer, Labels, TimeRange, Value};
use parking_lot::Mutex;

use crate::codec::{decode_floats, decode_histograms};
use crate::coding::{Cursor, DecodeError, Result as DecodeResult};

use super::columns::{Column, TimeKind, find_column, read_column};
use super::error::PartError;
use super::file_header::FileKind;
use super::index::Index;
use super::meta::{PartMeta, TOMBSTONE_FILE};
use super::paged::PagedFile;
use super::sections::SectionFile;
use super::series::{ChunkEntry, Content, SeriesWalk};
use super::writer::{COLUMNS, DIRECTORY_FILE, FLOATS_FILE, HISTOGRAMS_FILE, SERIES, SHAPES, TIMES_FILE};

/// Decoded timestamp columns that are kept: the series of one metric on many targets share few of them.
const CACHED_COLUMNS: usize = 256;
/// Longer columns are not kept.
const CACHED_ROWS: usize = 2048;

type Result<T> = std::result::Result<T, PartError>;

/// A part that is open for reading. Index and directory are in memory, columns are read when they are needed.
#[derive(Debug)]
pub(crate) struct Part {
    meta: PartMeta,
    dir: PathBuf,
    index: Index,
    directory: SectionFile,
    shapes: Vec<Vec<u32>>,
    times: PagedFile,
    floats: PagedFile,
    histograms: PagedFile,
    /// By the number of the column modulo the length.
    column_cache: Vec<Mutex<Option<CachedColumn>>>,
}

#[derive(Debug)]
struct CachedColumn {
    id: u32,
    times: Arc<[i64]>,
}

impl Part {
    /// Opens the part in `dir` and verifies everything but the columns, which are verified when they are read.
    pub(crate) fn open(fs: &dyn Fs, dir: &Path, id: u64) -> Result<Self> {
        let meta = PartMeta::read(fs, dir)?;
        if meta.id != id {
            return Err(PartError::damaged(dir, format!("the folder holds part {}", meta.id)));
        }
        for file in &meta.files {
            let path = dir.join(&file.name);
            let len = fs.metadata(&path).map_err(|e| PartError::io(&path, e))?.len;
            if len != file.len {
                return Err(PartError::damaged(
                    &path,
                    format!("the file has {len} bytes instead of {}", file.len),
                ));
            }
        }
        let tombstones = dir.join(TOMBSTONE_FILE);
        if fs.metadata(&tombstones).is_ok() {
            let what = "deletions are not known to this version".to_owned();
            return Err(PartError::Newer { path: tombstones.display().to_string(), what });
        }
        let path = dir.join(DIRECTORY_FILE);
        let directory = SectionFile::open(fs, &path, FileKind::Directory, id, &[SHAPES, SERIES, COLUMNS])?;
        let paged = |file: &str, kind| PagedFile::open(fs, &dir.join(file), kind, id);
        let n_series =
            u32::try_from(meta.series).map_err(|_| PartError::damaged(dir, "more series than can be"))?;
        let index = Index::open(fs, dir, id, n_series)?;
        let shapes = read_shapes(directory.section(SHAPES), index.names().len())
            .map_err(PartError::decoding(&path))?;
        let part = Self {
            times: paged(TIMES_FILE, FileKind::Timestamps)?,
            floats: paged(FLOATS_FILE, FileKind::Floats)?,
            histograms: paged(HISTOGRAMS_FILE, FileKind::Histograms)?,
            meta,
            dir: dir.to_owned(),
            index,
            directory,
            shapes,
            column_cache: (0..CACHED_COLUMNS).map(|_| Mutex::new(None)).collect(),
        };
        if part.walk()?.len() as u64 != part.meta.series {
            return Err(PartError::damaged(&path, "another number of series than in the description"));
        }
        Ok(part)
    }

    pub(crate) fn meta(&self) -> &PartMeta {
        &self.meta
    }

    /// The folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// From the first to the last sample.
    pub(crate) fn range(&self) -> TimeRange {
        TimeRange::new(self.meta.mint, self.meta.maxt)
    }

    pub(crate) fn n_series(&self) -> u32 {
        self.meta.series as u32
    }

    /// How many bytes of memory the open part takes, roughly, without cached columns.
    pub(crate) fn memory(&self) -> usize {
        self.index.memory() + self.directory.len()
    }

    /// Goes through the series.
    pub(crate) fn walk(&self) -> Result<SeriesWalk<'_>> {
        SeriesWalk::new(self.directory.section(SERIES), &self.shapes).map_err(self.in_directory())
    }

    fn in_directory(&self) -> impl Fn(DecodeError) -> PartError {
        PartError::decoding(self.directory.path())
    }

    fn in_index(&self) -> impl Fn(DecodeError) -> PartError {
        PartError::decoding(self.index.path())
    }

    /// A reader of label sets; it remembers values from one series to the next.
    pub(crate) fn labels(&self) -> Result<LabelReader<'_>> {
        Ok(LabelReader { part: self, walk: self.walk()?, strings: Vec::new() })
    }

    /// The series with these labels.
    pub(crate) fn find(&self, labels: &Labels) -> Result<Option<u32>> {
        let mut reader = self.labels()?;
        let (mut low, mut high) = (0, self.n_series());
        while low < high {
            let middle = low.midpoint(high);
            match reader.read(middle)?.cmp(labels) {
                std::cmp::Ordering::Equal => return Ok(Some(middle)),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    /// Whether the series has a chunk that reaches into the range.
    pub(crate) fn has_samples(
        &self,
        walk: &mut SeriesWalk<'_>,
        ordinal: u32,
        range: TimeRange,
    ) -> Result<bool> {
        walk.seek(ordinal).map_err(self.in_directory())?;
        for chunk in walk.chunks() {
            let column = self.column(chunk.times)?;
            if range.overlaps(TimeRange::new(column.low, column.high)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn column(&self, id: u32) -> Result<Column> {
        find_column(self.directory.section(COLUMNS), id).map_err(self.in_directory())
    }

    /// Appends the samples of a series that lie in the range to `out`, in time order.
    pub(crate) fn read(&self, ordinal: u32, range: TimeRange, out: &mut ColumnBuffer) -> Result<()> {
        self.read_around(ordinal, range, out, Err)
    }

    /// As [`read`](Self::read), but `bad` decides whether a chunk that cannot be read ends everything or is left out.
    pub(crate) fn read_around(
        &self,
        ordinal: u32,
        range: TimeRange,
        out: &mut ColumnBuffer,
        mut bad: impl FnMut(PartError) -> Result<()>,
    ) -> Result<()> {
        let mut walk = self.walk()?;
        walk.seek(ordinal).map_err(self.in_directory())?;
        let mut scratch = Scratch::default();
        for chunk in walk.chunks() {
            let read = self.column(chunk.times).and_then(|column| {
                if range.overlaps(TimeRange::new(column.low, column.high)) {
                    self.read_chunk(chunk, &column, range, &mut scratch, out)?;
                }
                Ok(())
            });
            read.or_else(&mut bad)?;
        }
        Ok(())
    }

    /// The last sample of a series.
    pub(crate) fn last_sample(&self, ordinal: u32) -> Result<Option<(i64, Value)>> {
        let mut walk = self.walk()?;
        walk.seek(ordinal).map_err(self.in_directory())?;
        let Some(chunk) = walk.chunks().last() else { return Ok(None) };
        let column = self.column(chunk.times)?;
        let mut samples = ColumnBuffer::default();
        let range = TimeRange::new(column.high, column.high);
        self.read_chunk(chunk, &column, range, &mut Scratch::default(), &mut samples)?;
        let Some(ts) = samples.ts.last() else { return Ok(None) };
        let value = match samples.hists.pop().flatten() {
            Some(h) => Value::Histogram(h),
            None => Value::Float(samples.vals[samples.vals.len() - 1]),
        };
        Ok(Some((*ts, value)))
    }

    fn read_chunk(
        &self,
        chunk: &ChunkEntry<'_>,
        column: &Column,
        range: TimeRange,
        scratch: &mut Scratch,
        out: &mut ColumnBuffer,
    ) -> Result<()> {
        let times = self.times_of(chunk.times, column, scratch)?;
        let rows = column.rows;
        let from = times.partition_point(|t| *t < range.mint);
        let to = times.partition_point(|t| *t <= range.maxt);
        if from >= to {
            return Ok(());
        }
        scratch.starts.clear();
        if let Some(id) = chunk.starts {
            let starts = self.column(id)?;
            if starts.rows != rows {
                return Err(PartError::damaged(self.directory.path(), "columns of a chunk differ in length"));
            }
            read_column(&self.times, TimeKind::Starts, &starts, &mut scratch.bytes, &mut scratch.starts)?;
        }
        let start_of = |row: usize| scratch.starts.get(row).copied().unwrap_or(0);
        let file = if chunk.histograms { &self.histograms } else { &self.floats };
        let bytes = match chunk.content {
            Content::Inline(bytes) => bytes,
            Content::Stored { offset, len } => {
                file.read(offset, len, &mut scratch.bytes)?;
                &scratch.bytes
            }
        };
        let decoding = PartError::decoding(file.path());
        if chunk.histograms {
            // Collected first: a chunk that turns out to be bad leaves nothing behind.
            let mut histograms = Vec::with_capacity(rows);
            decode_histograms(chunk.codec, bytes, rows, |h| histograms.push(h)).map_err(decoding)?;
            for (row, h) in histograms.into_iter().enumerate().take(to).skip(from) {
                out.push_histogram(times[row], start_of(row), h);
            }
            Ok(())
        } else {
            scratch.floats.clear();
            decode_floats(chunk.codec, bytes, rows, 0..rows, &mut scratch.floats).map_err(decoding)?;
            if out.hists.is_empty() && out.start_ts.is_empty() && scratch.starts.is_empty() {
                // The usual case: two columns and nothing else.
                out.ts.extend_from_slice(&times[from..to]);
                out.vals.extend_from_slice(&scratch.floats[from..to]);
            } else {
                for row in from..to {
                    out.push_float(times[row], start_of(row), scratch.floats[row]);
                }
            }
            Ok(())
        }
    }

    fn times_of(&self, id: u32, column: &Column, scratch: &mut Scratch) -> Result<Arc<[i64]>> {
        let slot = &self.column_cache[id as usize % CACHED_COLUMNS];
        if let Some(cached) = slot.lock().as_ref().filter(|c| c.id == id) {
            return Ok(Arc::clone(&cached.times));
        }
        scratch.times.clear();
        read_column(&self.times, TimeKind::Samples, column, &mut scratch.bytes, &mut scratch.times)?;
        let times: Arc<[i64]> = Arc::from(scratch.times.as_slice());
        if column.rows <= CACHED_ROWS {
            *slot.lock() = Some(CachedColumn { id, times: Arc::clone(&times) });
        }
        Ok(times)
    }

    /// The label names, sorted.
    pub(crate) fn label_names(&self) -> impl Iterator<Item = &str> {
        self.index.names().iter().map(|n| n.text.as_ref())
    }

    /// Hands all values of `name` that start with `prefix`, and their places, to `visit`, until it returns false.
    pub(crate) fn for_each_value(
        &self,
        name: &str,
        prefix: &str,
        mut visit: impl FnMut(u32, &str) -> bool,
    ) -> Result<()> {
        let Some(entry) = self.index.name(name) else { return Ok(()) };
        let visited = self.index.for_each_value(entry, prefix, |ordinal, value| Ok(visit(ordinal, value)));
        visited.map_err(self.in_index())
    }

    /// Appends the series with `name="value"` to `out`, in order.
    pub(crate) fn postings(&self, name: &str, value: &str, out: &mut Vec<u32>) -> Result<()> {
        let Some(entry) = self.index.name(name) else { return Ok(()) };
        if let Some(ordinal) = self.index.find(entry, value).map_err(self.in_index())? {
            self.index.postings(entry, ordinal, out).map_err(self.in_index())?;
        }
        Ok(())
    }

    /// Appends the series that have the value of `name` with the place `ordinal` to `out`, in order.
    pub(crate) fn postings_at(&self, name: &str, ordinal: u32, out: &mut Vec<u32>) -> Result<()> {
        let Some(entry) = self.index.name(name) else { return Ok(()) };
        self.index.postings(entry, ordinal, out).map_err(self.in_index())
    }
}

#[derive(Default)]
struct Scratch {
    bytes: Vec<u8>,
    times: Vec<i64>,
    starts: Vec<i64>,
    floats: Vec<f64>,
}

/// Reads label sets of a part. Neighbours share most values, so these are remembered.
#[derive(Debug)]
pub(crate) struct LabelReader<'a> {
    part: &'a Part,
    walk: SeriesWalk<'a>,
    /// For each label of the last series: name, value and the text of the value.
    strings: Vec<(u32, u32, String)>,
}

impl LabelReader<'_> {
    /// The labels of a series.
    pub(crate) fn read(&mut self, ordinal: u32) -> Result<Labels> {
        self.walk.seek(ordinal).map_err(self.part.in_directory())?;
        let names = self.walk.names();
        let index = &self.part.index;
        self.strings.resize_with(names.len(), || (u32::MAX, u32::MAX, String::new()));
        for (slot, (name, value)) in self.strings.iter_mut().zip(names.iter().zip(self.walk.values())) {
            if (slot.0, slot.1) != (*name, *value) {
                let mut bytes = std::mem::take(&mut slot.2).into_bytes();
                index
                    .value(&index.names()[*name as usize], *value, &mut bytes)
                    .map_err(self.part.in_index())?;
                let text = String::from_utf8(bytes);
                let text = text.map_err(|_| PartError::damaged(index.path(), "label value is not UTF-8"))?;
                *slot = (*name, *value, text);
            }
        }
        let name = |idx: u32| index.names()[idx as usize].text.as_ref();
        Ok(Labels::from_sorted(self.strings.iter().map(|(idx, _, text)| (name(*idx), text.as_str()))))
    }
}

/// Reads the label names of each shape; they are in order and in the index.
fn read_shapes(section: &[u8], n_names: usize) -> DecodeResult<Vec<Vec<u32>>> {
    let mut cursor = Cursor::new(section);
    let n = cursor.count(1)?;
    let mut shapes = Vec::with_capacity(n);
    for _ in 0..n {
        let n = cursor.count(1)?;
        let mut names: Vec<u32> = Vec::with_capacity(n);
        for _ in 0..n {
            let name = cursor.varint()?;
            if name >= n_names as u64 || names.last().is_some_and(|before| u64::from(*before) >= name) {
                return Err(DecodeError::new("shape with names that are not in the index"));
            }
            names.push(name as u32);
        }
        shapes.push(names);
    }
    Ok(shapes)
}

#[cfg(test)]
mod tests {
    use bellwether_disk::SimFs;
    use bellwether_model::{FloatHistogram, stale_nan};

    use super::super::{Dictionary, PartWriter, Provenance};
    use super::*;

    const HOUR: i64 = 60 * 60 * 1000;

    fn provenance() -> Provenance {
        Provenance { id: 5, level: 0, order: 5, sources: Vec::new(), created_ms: 1 }
    }

    /// Series of every kind: shared and own timestamps, constants, histograms, start timestamps, staleness, several chunks.
    fn series() -> Vec<(Labels, ColumnBuffer)> {
        let mut all = Vec::new();
        for i in 0..100_i64 {
            let mut samples = ColumnBuffer::default();
            for row in 0..(i % 7 + 1) * 40 {
                let ts = row * 60_000 + (i % 3) * 5;
                match i % 5 {
                    0 => samples.push_float(ts, 0, (row * i) as f64),
                    1 => samples.push_float(ts, if i > 50 { ts - 7 } else { 0 }, 1.5),
                    2 => samples.push_histogram(
                        ts,
                        0,
                        Arc::new(FloatHistogram { count: row as f64, ..FloatHistogram::default() }),
                    ),
                    3 if row % 50 == 49 => samples.push_histogram(ts, 0, Arc::default()),
                    3 => samples.push_float(ts, 0, row as f64 / 10.0),
                    _ => samples.push_float(
                        ts,
                        0,
                        if row % 9 == 0 { stale_nan() } else { f64::from(row as i32).sqrt() },
                    ),
                }
            }
            let labels = Labels::from_pairs([
                ("__name__", format!("metric_{}", i % 10)),
                ("instance", format!("host-{}", i / 10)),
                ("extra", if i % 4 == 0 { format!("e{i}") } else { String::new() }),
            ]);
            all.push((labels, samples));
        }
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    fn write(fs: &dyn Fs, series: &[(Labels, ColumnBuffer)]) -> PartMeta {
        let dictionary: Dictionary = series.iter().map(|(labels, _)| labels).collect();
        let mut writer =
            PartWriter::create(fs, Path::new("p"), &dictionary, provenance()).expect("no faults");
        for (labels, samples) in series {
            writer.add(labels, samples).expect("no faults");
        }
        writer.finish().expect("no faults")
    }

    fn same(a: &ColumnBuffer, b: &ColumnBuffer) -> bool {
        let bits = |c: &ColumnBuffer| c.vals.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        a.ts == b.ts && bits(a) == bits(b) && a.hists == b.hists && a.start_ts == b.start_ts
    }

    #[test]
    fn everything_reads_back() {
        let fs = SimFs::new();
        let series = series();
        let meta = write(&fs, &series);
        let part = Part::open(&fs, Path::new("p"), 5).expect("whole");
        assert_eq!(part.n_series(), 100);
        assert_eq!(meta.samples as usize, series.iter().map(|s| s.1.len()).sum::<usize>());
        let mut reader = part.labels().expect("whole");
        for (ordinal, (labels, samples)) in (0..).zip(&series) {
            assert_eq!(reader.read(ordinal).expect("in range"), *labels);
            assert_eq!(part.find(labels).expect("whole"), Some(ordinal));
            let mut out = ColumnBuffer::default();
            part.read(ordinal, TimeRange::ALL, &mut out).expect("whole");
            assert!(same(&out, samples), "{labels}");
            let (ts, _) = part.last_sample(ordinal).expect("whole").expect("not empty");
            assert_eq!(Some(&ts), samples.ts.last());
            out.clear();
            part.read(ordinal, TimeRange::new(HOUR, 3 * HOUR), &mut out).expect("whole");
            let want = samples.ts.iter().filter(|t| (HOUR..=3 * HOUR).contains(*t)).count();
            assert_eq!(out.len(), want, "{labels}");
        }
        assert_eq!(part.find(&Labels::from_pairs([("a", "b")])).expect("whole"), None);
        assert_eq!(part.label_names().collect::<Vec<_>>(), ["__name__", "extra", "instance"]);
        let mut postings = Vec::new();
        part.postings("instance", "host-3", &mut postings).expect("whole");
        let want: Vec<u32> = (0..)
            .zip(&series)
            .filter(|(_, s)| s.0.get("instance") == Some("host-3"))
            .map(|(o, _)| o)
            .collect();
        assert_eq!(postings, want);
    }

    #[test]
    fn shared_timestamps_are_stored_once() {
        let fs = SimFs::new();
        let meta = write(&fs, &series());
        let times = meta.files.iter().find(|f| f.name == TIMES_FILE).expect("written");
        assert!(times.len < 1000, "{times:?}");
    }

    /// Whatever is damaged: the part is refused, or a read fails, or what is read is right.
    #[test]
    fn damage_never_gives_wrong_samples() {
        let fs = SimFs::new();
        let series = series();
        let meta = write(&fs, &series);
        for file in &meta.files {
            let path = Path::new("p").join(&file.name);
            let step = (file.len / 150).max(1) as usize;
            for at in (0..file.len as usize).step_by(step) {
                let flip = |bytes: &mut Vec<u8>| bytes[at] ^= 0x11;
                fs.tamper(&path, flip).expect("there");
                if let Ok(part) = Part::open(&fs, Path::new("p"), 5) {
                    for (ordinal, (labels, samples)) in (0..).zip(&series) {
                        let mut out = ColumnBuffer::default();
                        if part.read(ordinal, TimeRange::ALL, &mut out).is_ok() {
                            assert!(same(&out, samples), "{} byte {at}: {labels}", file.name);
                        }
                    }
                }
                fs.tamper(&path, flip).expect("there");
            }
        }
    }

    #[test]
    fn says_why_a_part_cannot_be_opened() {
        let fs = SimFs::new();
        write(&fs, &series());
        let check = |want: &str| {
            let err = Part::open(&fs, Path::new("p"), 5).expect_err("refused").to_string();
            assert!(err.contains(want), "{err}");
        };
        let err = Part::open(&fs, Path::new("p"), 6).expect_err("another id").to_string();
        assert!(err.contains("the folder holds part 5"), "{err}");
        fs.create(&Path::new("p").join(TOMBSTONE_FILE)).expect("no faults");
        check("tomb.bin: deletions are not known to this version; use the program that wrote it");
        fs.remove_file(&Path::new("p").join(TOMBSTONE_FILE)).expect("there");
        fs.tamper(Path::new("p/val.bin"), |bytes| bytes.push(0)).expect("there");
        check("val.bin: the file has");
        let json = br#"{"version":2,"new":true}"#;
        fs.tamper(Path::new("p/meta.json"), |bytes| *bytes = json.to_vec()).expect("there");
        check("format version 2 is not 1; use the program that wrote it");
    }
}
