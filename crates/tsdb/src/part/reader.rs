use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_disk::Fs;
use bellwether_model::{ColumnBuffer, Labels, TimeRange, Value};

use crate::codec::{decode_floats, decode_histograms};
use crate::coding::{Cursor, DecodeError, Result as DecodeResult};
use crate::head::value_at;
use crate::options::ReadMode;

use super::blocks::BLOCK;
use super::cache::{Cache, CacheBudget, CacheShare};
use super::columns::{Column, TimeKind, count_columns, find_column, read_column};
use super::error::PartError;
use super::file_header::FileKind;
use super::index::{Index, ValueCursor};
use super::meta::PartMeta;
use super::paged::PagedFile;
use super::sections::SectionFile;
use super::series::{ChunkEntry, Content, SeriesWalk};
use super::series_block::{BlockReader, ChunkPlace, RecentColumns, SeriesBlock};
use super::tombstones::Tombstones;
use super::writer::{COLUMNS, DIRECTORY_FILE, FLOATS_FILE, HISTOGRAMS_FILE, SERIES, SHAPES, TIMES_FILE};

/// So many decoded columns of timestamps have a place at most: the series of one metric on many targets share few of them.
const CACHED_COLUMNS: usize = 1024;

type Result<T> = std::result::Result<T, PartError>;

/// A part that is open for reading. Index and directory are in memory, columns are read when they are needed.
#[derive(Debug)]
pub(crate) struct Part {
    files: Arc<PartFiles>,
    /// What reading passes over. A part with others is another value, so whoever reads goes on with what it started with.
    tombstones: Tombstones,
}

/// What is open of a part and never changes.
#[derive(Debug)]
struct PartFiles {
    meta: PartMeta,
    dir: PathBuf,
    index: Index,
    directory: SectionFile,
    shapes: Vec<Vec<u32>>,
    times: PagedFile,
    floats: PagedFile,
    histograms: PagedFile,
    /// What the blocks of series take.
    series_share: Arc<CacheShare>,
    /// What the columns of times take.
    times_share: Arc<CacheShare>,
    /// The series that queries looked at.
    blocks: Cache<SeriesBlock>,
    /// Decoded columns of timestamps and start timestamps.
    columns: Cache<[i64]>,
}

/// How the parts of a store are read.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    mode: ReadMode,
    /// What blocks of series may take.
    series: Arc<CacheBudget>,
    /// What columns of times may take: apart, because without them every read decodes one, however many series there are.
    times: Arc<CacheBudget>,
}

impl Reading {
    pub(crate) fn new(mode: ReadMode, cache_bytes: usize) -> Self {
        let for_times = cache_bytes / 4;
        Self {
            mode,
            series: Arc::new(CacheBudget::new(cache_bytes - for_times)),
            times: Arc::new(CacheBudget::new(for_times)),
        }
    }
}

impl Part {
    /// Opens the part in `dir` and verifies everything but the columns, which are verified when they are read. Deletions are the caller's business.
    pub(crate) fn open(fs: &dyn Fs, dir: &Path, id: u64, reading: &Reading) -> Result<Self> {
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
        let path = dir.join(DIRECTORY_FILE);
        let directory = SectionFile::open(fs, &path, FileKind::Directory, id, &[SHAPES, SERIES, COLUMNS])?;
        let paged = |file: &str, kind| PagedFile::open(fs, &dir.join(file), kind, id, reading.mode);
        let n_series =
            u32::try_from(meta.series).map_err(|_| PartError::damaged(dir, "more series than can be"))?;
        let index = Index::open(fs, dir, id, n_series)?;
        let shapes = read_shapes(directory.section(SHAPES), index.names().len())
            .map_err(PartError::decoding(&path))?;
        // Before anything is allocated for so many series.
        let n_listed =
            SeriesWalk::new(directory.section(SERIES), &shapes).map_err(PartError::decoding(&path))?.len();
        if n_listed as u64 != meta.series {
            return Err(PartError::damaged(&path, "another number of series than in the description"));
        }
        let n_columns = count_columns(directory.section(COLUMNS)).map_err(PartError::decoding(&path))?;
        let series_share = Arc::new(CacheShare::new(Arc::clone(&reading.series)));
        let times_share = Arc::new(CacheShare::new(Arc::clone(&reading.times)));
        let files = PartFiles {
            times: paged(TIMES_FILE, FileKind::Timestamps)?,
            floats: paged(FLOATS_FILE, FileKind::Floats)?,
            histograms: paged(HISTOGRAMS_FILE, FileKind::Histograms)?,
            meta,
            dir: dir.to_owned(),
            index,
            directory,
            shapes,
            blocks: Cache::new((n_series as usize).div_ceil(BLOCK), Arc::clone(&series_share)),
            columns: Cache::new(n_columns.min(CACHED_COLUMNS), Arc::clone(&times_share)),
            series_share,
            times_share,
        };
        Ok(Self { files: Arc::new(files), tombstones: Tombstones::default() })
    }

    pub(crate) fn meta(&self) -> &PartMeta {
        &self.files.meta
    }

    /// The folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.files.dir
    }

    /// From the first to the last sample.
    pub(crate) fn range(&self) -> TimeRange {
        TimeRange::new(self.files.meta.mint, self.files.meta.maxt)
    }

    pub(crate) fn n_series(&self) -> u32 {
        self.files.meta.series as u32
    }

    /// What reading passes over.
    pub(crate) fn tombstones(&self) -> &Tombstones {
        &self.tombstones
    }

    /// The same part with other deletions.
    pub(crate) fn with_tombstones(&self, tombstones: Tombstones) -> Self {
        Self { files: Arc::clone(&self.files), tombstones }
    }

    /// How many bytes of memory the open part takes, roughly, with what queries left.
    pub(crate) fn memory(&self) -> usize {
        self.files.index.memory() + self.files.directory.len() + self.kept_bytes()
    }

    /// How many bytes the caches take.
    fn kept_bytes(&self) -> usize {
        self.files.series_share.bytes() + self.files.times_share.bytes()
    }

    /// To be called in each round of upkeep: what queries left is given back after a while without queries.
    pub(crate) fn end_round(&self) {
        self.files.blocks.end_round();
        self.files.columns.end_round();
    }

    /// Goes through the series.
    pub(crate) fn walk(&self) -> Result<SeriesWalk<'_>> {
        SeriesWalk::new(self.files.directory.section(SERIES), &self.files.shapes).map_err(self.in_directory())
    }

    fn in_directory(&self) -> impl Fn(DecodeError) -> PartError {
        PartError::decoding(self.files.directory.path())
    }

    fn in_index(&self) -> impl Fn(DecodeError) -> PartError {
        PartError::decoding(self.files.index.path())
    }

    /// A reader of label sets; it remembers values from one series to the next.
    pub(crate) fn labels(&self) -> Result<LabelReader<'_>> {
        Ok(LabelReader { part: self, walk: self.walk()?, slots: Vec::new() })
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

    /// A reader of series with their labels and chunks, for queries.
    pub(crate) fn blocks(&self) -> BlockReader<'_> {
        BlockReader::new(self)
    }

    pub(super) fn known_blocks(&self) -> &Cache<SeriesBlock> {
        &self.files.blocks
    }

    /// What the labels in blocks are counted in.
    pub(super) fn series_share(&self) -> &Arc<CacheShare> {
        &self.files.series_share
    }

    /// The chunks of a series.
    pub(super) fn seek<'w, 'a>(
        &'a self,
        walk: &'w mut SeriesWalk<'a>,
        ordinal: u32,
    ) -> Result<&'w [ChunkEntry<'a>]> {
        walk.seek(ordinal).map_err(self.in_directory())?;
        Ok(walk.chunks())
    }

    fn column(&self, id: u32) -> Result<Column> {
        find_column(self.files.directory.section(COLUMNS), id).map_err(self.in_directory())
    }

    /// Finds out what is needed to read a chunk. Content that is not in a file goes to `inline`.
    pub(super) fn place(
        &self,
        chunk: &ChunkEntry<'_>,
        columns: &mut RecentColumns,
        inline: &mut Vec<u8>,
    ) -> ChunkPlace {
        let (at, len) = match chunk.content {
            Content::Inline(bytes) => {
                let at = inline.len();
                inline.extend_from_slice(bytes);
                (at as u64, bytes.len())
            }
            Content::Stored { offset, len } => (offset, len),
        };
        // Without its column nothing is known about the chunk. That must not hide the others, so it is said when the chunk is read.
        let column = || self.column(chunk.times).ok().map(|c| (c.range(), c.rows));
        let (range, rows) = columns.get(chunk.times, column).unwrap_or((TimeRange::ALL, 0));
        ChunkPlace {
            range,
            at,
            len: len as u32,
            rows: rows as u16,
            codec: chunk.codec,
            inline: matches!(chunk.content, Content::Inline(_)),
            histograms: chunk.histograms,
            times: chunk.times,
            starts: chunk.starts,
        }
    }

    /// Appends the samples of a series that lie in the range to `out`, in time order.
    pub(crate) fn read(&self, ordinal: u32, range: TimeRange, out: &mut ColumnBuffer) -> Result<()> {
        self.read_or(ordinal, range, out, Err)
    }

    /// As [`read`](Self::read); `bad` decides whether a chunk that cannot be read ends everything or is left out.
    pub(crate) fn read_or(
        &self,
        ordinal: u32,
        range: TimeRange,
        out: &mut ColumnBuffer,
        mut bad: impl FnMut(PartError) -> Result<()>,
    ) -> Result<()> {
        let mut walk = self.walk()?;
        let (mut scratch, mut inline, mut columns) =
            (Scratch::default(), Vec::new(), RecentColumns::default());
        let start = out.len();
        for chunk in self.seek(&mut walk, ordinal)? {
            inline.clear();
            let place = self.place(chunk, &mut columns, &mut inline);
            if range.overlaps(place.range) {
                self.read_chunk(&place, &inline, range, &mut scratch, out).or_else(&mut bad)?;
            }
        }
        self.remove_deleted(ordinal, start, out);
        Ok(())
    }

    fn remove_deleted(&self, ordinal: u32, start: usize, out: &mut ColumnBuffer) {
        if let Some(deleted) = self.tombstones.of(ordinal) {
            deleted.remove_from(out, start);
        }
    }

    /// Whether a series of a block has a chunk that reaches into the range and is not deleted as a whole.
    pub(crate) fn has_samples(&self, block: &SeriesBlock, series: u32, range: TimeRange) -> bool {
        let mut chunks = block.chunks(series).iter().filter(|c| range.overlaps(c.range));
        match self.tombstones.of(block.ordinal(series)) {
            None => chunks.next().is_some(),
            Some(deleted) => chunks.any(|c| !deleted.covers(c.range)),
        }
    }

    /// Appends the samples of a series of a block that lie in the range to `out`, in time order. `bad` decides whether a chunk that cannot be read ends everything or
    /// is left out.
    pub(crate) fn read_series(
        &self,
        block: &SeriesBlock,
        series: u32,
        range: TimeRange,
        out: &mut ColumnBuffer,
        mut bad: impl FnMut(PartError) -> Result<()>,
    ) -> Result<()> {
        let mut scratch = Scratch::default();
        let start = out.len();
        for place in block.chunks(series) {
            if range.overlaps(place.range) {
                self.read_chunk(place, block.inline(), range, &mut scratch, out).or_else(&mut bad)?;
            }
        }
        self.remove_deleted(block.ordinal(series), start, out);
        Ok(())
    }

    /// Decodes every chunk of a series of a block, deleted samples included, and appends the samples to `out`. `bad` gets what cannot be read, with the time from the
    /// first to the last sample that is lost.
    pub(crate) fn check_series(
        &self,
        block: &SeriesBlock,
        series: u32,
        out: &mut ColumnBuffer,
        mut bad: impl FnMut(TimeRange, PartError),
    ) {
        let mut scratch = Scratch::default();
        for place in block.chunks(series) {
            if let Err(e) = self.read_chunk(place, block.inline(), TimeRange::ALL, &mut scratch, out) {
                bad(place.range, e);
            }
        }
    }

    /// The last sample of a series.
    pub(crate) fn last_sample(&self, ordinal: u32) -> Result<Option<(i64, Value)>> {
        let mut walk = self.walk()?;
        let (mut inline, mut columns) = (Vec::new(), RecentColumns::default());
        for chunk in self.seek(&mut walk, ordinal)?.iter().rev() {
            inline.clear();
            let place = self.place(chunk, &mut columns, &mut inline);
            let is_whole = self.tombstones.of(ordinal).is_none();
            let range =
                if is_whole { TimeRange::new(place.range.maxt, place.range.maxt) } else { TimeRange::ALL };
            let mut samples = ColumnBuffer::default();
            self.read_chunk(&place, &inline, range, &mut Scratch::default(), &mut samples)?;
            self.remove_deleted(ordinal, 0, &mut samples);
            if let Some(row) = samples.len().checked_sub(1) {
                return Ok(Some((samples.ts[row], value_at(&samples, row))));
            }
        }
        Ok(None)
    }

    /// A chunk that turns out to be bad leaves nothing behind in `out`.
    fn read_chunk(
        &self,
        chunk: &ChunkPlace,
        inline: &[u8],
        range: TimeRange,
        scratch: &mut Scratch,
        out: &mut ColumnBuffer,
    ) -> Result<()> {
        let n = usize::from(chunk.rows);
        let times = self.times_of(TimeKind::Samples, chunk.times, scratch)?;
        if times.len() != n {
            return Err(PartError::damaged(
                self.files.directory.path(),
                "chunk without its column of timestamps",
            ));
        }
        let rows = if range.mint <= chunk.range.mint && chunk.range.maxt <= range.maxt {
            0..n
        } else {
            times.partition_point(|t| *t < range.mint)..times.partition_point(|t| *t <= range.maxt)
        };
        if rows.is_empty() {
            return Ok(());
        }
        let starts = chunk.starts.map(|id| self.times_of(TimeKind::Starts, id, scratch)).transpose()?;
        if starts.as_ref().is_some_and(|starts| starts.len() != n) {
            return Err(PartError::damaged(
                self.files.directory.path(),
                "columns of a chunk differ in length",
            ));
        }
        let start_of = |row: usize| starts.as_ref().map_or(0, |starts| starts[row]);
        let file = if chunk.histograms { &self.files.histograms } else { &self.files.floats };
        let bytes = if chunk.inline {
            &inline[chunk.at as usize..][..chunk.len as usize]
        } else {
            file.read(chunk.at, chunk.len as usize, &mut scratch.bytes)?
        };
        let decoding = PartError::decoding(file.path());
        if chunk.histograms {
            let mut histograms = Vec::with_capacity(n);
            decode_histograms(chunk.codec, bytes, n, |h| histograms.push(h)).map_err(decoding)?;
            for (row, h) in histograms.into_iter().enumerate().take(rows.end).skip(rows.start) {
                out.push_histogram(times[row], start_of(row), h);
            }
        } else if out.hists.is_empty() && out.start_ts.is_empty() && starts.is_none() {
            // The usual case: two columns and nothing else.
            let before = out.vals.len();
            if let Err(e) = decode_floats(chunk.codec, bytes, n, rows.clone(), &mut out.vals) {
                out.vals.truncate(before);
                return Err(decoding(e));
            }
            out.ts.extend_from_slice(&times[rows]);
        } else {
            let mut floats = Vec::with_capacity(rows.len());
            decode_floats(chunk.codec, bytes, n, rows.clone(), &mut floats).map_err(decoding)?;
            for (row, v) in rows.zip(floats) {
                out.push_float(times[row], start_of(row), v);
            }
        }
        Ok(())
    }

    fn times_of(&self, kind: TimeKind, id: u32, scratch: &mut Scratch) -> Result<Arc<[i64]>> {
        if let Some(times) = self.files.columns.get(id) {
            return Ok(times);
        }
        let column = self.column(id)?;
        scratch.times.clear();
        read_column(&self.files.times, kind, &column, &mut scratch.bytes, &mut scratch.times)?;
        let times: Arc<[i64]> = Arc::from(scratch.times.as_slice());
        self.files.columns.put(id, &times);
        Ok(times)
    }

    /// The label names, sorted.
    pub(crate) fn label_names(&self) -> impl Iterator<Item = &str> {
        self.files.index.names().iter().map(|n| n.text.as_ref())
    }

    /// Hands all values of `name` that start with `prefix`, and their places, to `visit`, until it returns false.
    pub(crate) fn for_each_value(
        &self,
        name: &str,
        prefix: &str,
        mut visit: impl FnMut(u32, &str) -> bool,
    ) -> Result<()> {
        let Some(entry) = self.files.index.name(name) else { return Ok(()) };
        let visited =
            self.files.index.for_each_value(entry, prefix, |ordinal, value| Ok(visit(ordinal, value)));
        visited.map_err(self.in_index())
    }

    /// Appends the series with `name="value"` to `out`, in order.
    pub(crate) fn postings(&self, name: &str, value: &str, out: &mut Vec<u32>) -> Result<()> {
        let Some(entry) = self.files.index.name(name) else { return Ok(()) };
        if let Some(ordinal) = self.files.index.find(entry, value).map_err(self.in_index())? {
            self.files.index.postings(entry, ordinal, out).map_err(self.in_index())?;
        }
        Ok(())
    }

    /// Appends the series that have the value of `name` with the place `ordinal` to `out`, in order.
    pub(crate) fn postings_at(&self, name: &str, ordinal: u32, out: &mut Vec<u32>) -> Result<()> {
        let Some(entry) = self.files.index.name(name) else { return Ok(()) };
        self.files.index.postings(entry, ordinal, out).map_err(self.in_index())
    }
}

#[derive(Default)]
struct Scratch {
    bytes: Vec<u8>,
    times: Vec<i64>,
}

/// Reads label sets of a part. Neighbours share most values, so these are remembered.
#[derive(Debug)]
pub(crate) struct LabelReader<'a> {
    part: &'a Part,
    walk: SeriesWalk<'a>,
    /// For each label of the last series.
    slots: Vec<Slot<'a>>,
}

/// A label: the place of its name, and its value.
#[derive(Debug)]
struct Slot<'a> {
    name: u32,
    value: ValueCursor<'a>,
    text: String,
}

impl LabelReader<'_> {
    /// The labels of a series.
    pub(crate) fn read(&mut self, ordinal: u32) -> Result<Labels> {
        self.walk.seek(ordinal).map_err(self.part.in_directory())?;
        let names = self.walk.names();
        let index = &self.part.files.index;
        self.slots.resize_with(names.len(), || Slot {
            name: u32::MAX,
            value: ValueCursor::default(),
            text: String::new(),
        });
        for (slot, (name, value)) in self.slots.iter_mut().zip(names.iter().zip(self.walk.values())) {
            if slot.name != *name {
                (slot.name, slot.value) = (*name, ValueCursor::default());
            }
            if slot.value.place() != Some(*value) {
                let mut bytes = std::mem::take(&mut slot.text).into_bytes();
                let moved = index.value(&index.names()[*name as usize], *value, &mut slot.value, &mut bytes);
                let text = moved.and_then(|()| match String::from_utf8(bytes) {
                    Ok(text) if text.is_empty() => Err(DecodeError::new("label value is empty")),
                    text => text.map_err(|_| DecodeError::new("label value is not UTF-8")),
                });
                slot.text = text
                    .inspect_err(|_| slot.value = ValueCursor::default())
                    .map_err(self.part.in_index())?;
            }
        }
        let name = |idx: u32| index.names()[idx as usize].text.as_ref();
        Ok(Labels::from_sorted(self.slots.iter().map(|slot| (name(slot.name), slot.text.as_str()))))
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

    const MODES: [ReadMode; 2] = [ReadMode::Map, ReadMode::Read];

    fn open(fs: &dyn Fs, mode: ReadMode) -> Result<Part> {
        Part::open(fs, Path::new("p"), 5, &Reading::new(mode, 1 << 20))
    }

    /// What a query reads of a series; a bad chunk ends it.
    fn query(part: &Part, ordinal: u32, range: TimeRange) -> Result<(Labels, ColumnBuffer)> {
        let (number, series) = SeriesBlock::locate(ordinal);
        let mut reader = part.blocks();
        let block = reader.block(number)?;
        let mut out = ColumnBuffer::default();
        part.read_series(&block, series, range, &mut out, Err)?;
        Ok((reader.labels(&block, ordinal)?.into_owned(), out))
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
        assert_eq!(meta.samples as usize, series.iter().map(|s| s.1.len()).sum::<usize>());
        for (mode, cache_bytes) in
            MODES.into_iter().flat_map(|mode| [(mode, 1 << 20), (mode, 5000), (mode, 0)])
        {
            let reading = Reading::new(mode, cache_bytes);
            let part = Part::open(&fs, Path::new("p"), 5, &reading).expect("whole");
            check_part(&part, &series);
            // Once more, with what is remembered now.
            check_part(&part, &series);
            assert!(part.kept_bytes() <= cache_bytes);
            assert_eq!(
                part.memory() > part.files.index.memory() + part.files.directory.len(),
                cache_bytes > 0
            );
            (0..100).for_each(|_| part.end_round());
            assert_eq!(part.kept_bytes(), 0);
            check_part(&part, &series);
        }
    }

    fn check_part(part: &Part, series: &[(Labels, ColumnBuffer)]) {
        assert_eq!(part.n_series(), 100);
        let mut reader = part.labels().expect("whole");
        for (ordinal, (labels, samples)) in (0..).zip(series) {
            assert_eq!(reader.read(ordinal).expect("in range"), *labels);
            assert_eq!(part.find(labels).expect("whole"), Some(ordinal));
            let mut out = ColumnBuffer::default();
            part.read(ordinal, TimeRange::ALL, &mut out).expect("whole");
            assert!(same(&out, samples), "{labels}");
            let (found, out) = query(part, ordinal, TimeRange::ALL).expect("whole");
            assert!(found == *labels && same(&out, samples), "{labels}");
            let (ts, _) = part.last_sample(ordinal).expect("whole").expect("not empty");
            assert_eq!(Some(&ts), samples.ts.last());
            for range in
                [TimeRange::new(HOUR, 3 * HOUR), TimeRange::new(7, 100_000), TimeRange::new(HOUR, HOUR)]
            {
                let (_, out) = query(part, ordinal, range).expect("whole");
                let from = samples.ts.partition_point(|t| *t < range.mint);
                let to = samples.ts.partition_point(|t| *t <= range.maxt);
                let mut want = ColumnBuffer::default();
                for row in from..to {
                    let start = samples.start_ts.get(row).copied().unwrap_or(0);
                    match samples.hists.get(row) {
                        Some(Some(h)) => want.push_histogram(samples.ts[row], start, Arc::clone(h)),
                        _ => want.push_float(samples.ts[row], start, samples.vals[row]),
                    }
                }
                // A column of start timestamps may be there although the rows in the range have none.
                if want.start_ts.is_empty() && out.start_ts.iter().all(|t| *t == 0) {
                    want.start_ts.clone_from(&out.start_ts);
                }
                assert!(same(&out, &want), "{labels} {range:?}");
                let mut merged = ColumnBuffer::default();
                part.read(ordinal, range, &mut merged).expect("whole");
                assert!(same(&merged, &out), "{labels} {range:?}");
            }
        }
        assert_eq!(part.find(&Labels::from_pairs([("a", "b")])).expect("whole"), None);
        assert_eq!(part.label_names().collect::<Vec<_>>(), ["__name__", "extra", "instance"]);
        let mut postings = Vec::new();
        part.postings("instance", "host-3", &mut postings).expect("whole");
        let want: Vec<u32> = (0..)
            .zip(series)
            .filter(|(_, s)| s.0.get("instance") == Some("host-3"))
            .map(|(o, _)| o)
            .collect();
        assert_eq!(postings, want);
    }

    #[test]
    fn deleted_samples_are_passed_over() {
        let fs = SimFs::new();
        let mut series = series();
        write(&fs, &series);
        let part = open(&fs, ReadMode::Map).expect("whole");
        let (gone, half, end) = (3, 14, 27);
        let cut = |ordinal: usize| {
            let ts = &series[ordinal].1.ts;
            (ts[ts.len() / 4], ts[ts.len() / 2], ts[ts.len() - 1])
        };
        let deleted = [
            (gone as u32, TimeRange::ALL),
            (half as u32, TimeRange::new(cut(half).0, cut(half).1)),
            (end as u32, TimeRange::new(cut(end).1, cut(end).2)),
        ];
        let with = part.with_tombstones(part.tombstones().with_deletion(deleted));
        for (ordinal, range) in deleted {
            let mut intervals = crate::intervals::Intervals::default();
            intervals.add(range);
            intervals.remove_from(&mut series[ordinal as usize].1, 0);
            let (labels, samples) = &series[ordinal as usize];
            let (found, out) = query(&with, ordinal, TimeRange::ALL).expect("whole");
            assert!(found == *labels && same(&out, samples), "{labels}");
            let last = with.last_sample(ordinal).expect("whole").map(|(ts, _)| ts);
            assert_eq!(last, samples.ts.last().copied());
            let (number, at) = SeriesBlock::locate(ordinal);
            let block = with.blocks().block(number).expect("whole");
            assert_eq!(with.has_samples(&block, at, TimeRange::ALL), !samples.is_empty());
            assert!(part.has_samples(&block, at, TimeRange::ALL), "the part from before is as it was");
            // Rows that were there before stay, whatever their time.
            let mut out = series[50].1.clone();
            let before = out.len();
            with.read(ordinal, TimeRange::ALL, &mut out).expect("whole");
            assert_eq!(out.len(), before + samples.len());
        }
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
                for part in MODES.iter().filter_map(|mode| open(&fs, *mode).ok()) {
                    for (ordinal, (labels, samples)) in (0..).zip(&series) {
                        let mut out = ColumnBuffer::default();
                        if part.read(ordinal, TimeRange::ALL, &mut out).is_ok() {
                            assert!(same(&out, samples), "{} byte {at}: {labels}", file.name);
                        }
                        if let Ok((found, out)) = query(&part, ordinal, TimeRange::ALL) {
                            assert!(
                                found == *labels && same(&out, samples),
                                "{} byte {at}: {labels}",
                                file.name
                            );
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
            let err = open(&fs, ReadMode::Map).expect_err("refused").to_string();
            assert!(err.contains(want), "{err}");
        };
        let err = Part::open(&fs, Path::new("p"), 6, &Reading::new(ReadMode::Map, 0))
            .expect_err("another id")
            .to_string();
        assert!(err.contains("the folder holds part 5"), "{err}");
        fs.tamper(Path::new("p/val.bin"), |bytes| bytes.push(0)).expect("there");
        check("val.bin: the file has");
        let json = br#"{"version":2,"new":true}"#;
        fs.tamper(Path::new("p/meta.json"), |bytes| *bytes = json.to_vec()).expect("there");
        check("format version 2 is not 1; use the program that wrote it");
    }
}
