use std::io;
use std::path::{Path, PathBuf};

use bellwether_disk::Fs;
use bellwether_model::{ColumnBuffer, Labels};
use hashbrown::HashMap;

use crate::codec::{MAX_ROWS, encode_floats, encode_histograms};
use crate::coding::put_varint;

use super::columns::{ColumnWriter, TimeKind};
use super::dictionary::Dictionary;
use super::file_header::FileKind;
use super::meta::{META_FILE, PartMeta};
use super::output::Output;
use super::paged::PagedWriter;
use super::sections::SectionWriter;
use super::series::{ChunkEntry, Content, MAX_INLINE, SeriesWriter};
use super::{CHUNK_RANGE_MS, index};

pub(super) const TIMES_FILE: &str = "ts.bin";
pub(super) const FLOATS_FILE: &str = "val.bin";
pub(super) const HISTOGRAMS_FILE: &str = "hist.bin";
pub(super) const DIRECTORY_FILE: &str = "dir.bin";
pub(super) const SHAPES: u32 = 1;
pub(super) const SERIES: u32 = 2;
pub(super) const COLUMNS: u32 = 3;

/// Where a part comes from.
#[derive(Debug, Clone)]
pub(crate) struct Provenance {
    pub(crate) id: u64,
    pub(crate) level: u32,
    pub(crate) order: u64,
    pub(crate) sources: Vec<u64>,
    pub(crate) created_ms: i64,
}

/// Writes a part, series by series, in the order of their labels. Nothing is published: the caller renames the folder.
#[derive(Debug)]
pub(crate) struct PartWriter<'a> {
    fs: &'a dyn Fs,
    dir: PathBuf,
    dictionary: &'a Dictionary,
    times: ColumnWriter,
    floats: PagedWriter,
    histograms: PagedWriter,
    series: SeriesWriter,
    shapes: Vec<Vec<u32>>,
    shape_ids: HashMap<Vec<u32>, u32>,
    /// Per name and value of the dictionary.
    postings: Vec<Vec<Vec<u32>>>,
    last_labels: Option<Labels>,
    meta: PartMeta,
    payload: Vec<u8>,
}

impl<'a> PartWriter<'a> {
    /// Starts a part in the new folder `dir`. The labels of all its series must be in `dictionary`.
    pub(crate) fn create(
        fs: &'a dyn Fs,
        dir: &Path,
        dictionary: &'a Dictionary,
        from: Provenance,
    ) -> io::Result<Self> {
        fs.create_dir_all(dir)?;
        let paged = |file: &str, kind| PagedWriter::create(fs, &dir.join(file), kind, from.id);
        let n_values = |name| dictionary.values(name).len();
        Ok(Self {
            fs,
            times: ColumnWriter::new(paged(TIMES_FILE, FileKind::Timestamps)?),
            floats: paged(FLOATS_FILE, FileKind::Floats)?,
            histograms: paged(HISTOGRAMS_FILE, FileKind::Histograms)?,
            dir: dir.to_owned(),
            dictionary,
            series: SeriesWriter::default(),
            shapes: Vec::new(),
            shape_ids: HashMap::new(),
            postings: (0..dictionary.names().len()).map(|name| vec![Vec::new(); n_values(name)]).collect(),
            last_labels: None,
            meta: PartMeta {
                version: PartMeta::VERSION,
                id: from.id,
                level: from.level,
                order: from.order,
                mint: i64::MAX,
                maxt: i64::MIN,
                series: 0,
                samples: 0,
                histogram_samples: 0,
                chunks: 0,
                sources: from.sources,
                created_ms: from.created_ms,
                files: Vec::new(),
            },
            payload: Vec::new(),
        })
    }

    /// Whether nothing was added yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.meta.series == 0
    }

    /// Adds a series, whose labels must come after those of the one before. A series without samples is left out.
    pub(crate) fn add(&mut self, labels: &Labels, samples: &ColumnBuffer) -> io::Result<()> {
        if samples.is_empty() {
            return Ok(());
        }
        assert!(
            self.last_labels.as_ref().is_none_or(|last| last < labels),
            "BUG: {labels} comes after {:?}",
            self.last_labels
        );
        let ordinal = u32::try_from(self.series.len()).map_err(|_| too_large("more than 2^32 series"))?;
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for label in labels {
            let found = self.dictionary.find(label.name, label.value);
            let (name, value) = found.expect("BUG: the dictionary has the labels of all series");
            names.push(name);
            values.push(value);
            self.postings[name as usize][value as usize].push(ordinal);
        }
        let next = self.shapes.len() as u32;
        let shape = *self.shape_ids.entry(names).or_insert_with_key(|names| {
            self.shapes.push(names.clone());
            next
        });
        let chunks = self.put_chunks(samples)?;
        let entries: Vec<ChunkEntry<'_>> = chunks.iter().map(Chunk::entry).collect();
        self.series.push(shape, &values, &entries).ok_or_else(|| too_large("the directory exceeds 4 GiB"))?;
        self.meta.series += 1;
        self.meta.samples += samples.len() as u64;
        self.meta.chunks += entries.len() as u64;
        self.meta.mint = self.meta.mint.min(samples.ts[0]);
        self.meta.maxt = self.meta.maxt.max(samples.ts[samples.len() - 1]);
        self.last_labels = Some(labels.clone());
        Ok(())
    }

    fn put_chunks(&mut self, samples: &ColumnBuffer) -> io::Result<Vec<Chunk>> {
        let mut chunks = Vec::new();
        let mut start = 0;
        while start < samples.len() {
            let end = chunk_end(samples, start);
            chunks.push(self.put_chunk(samples, start, end)?);
            start = end;
        }
        Ok(chunks)
    }

    fn put_chunk(&mut self, samples: &ColumnBuffer, start: usize, end: usize) -> io::Result<Chunk> {
        let times = self.times.intern(TimeKind::Samples, &samples.ts[start..end])?;
        let starts = samples.start_ts.get(start..end).filter(|s| s.iter().any(|t| *t != 0));
        let starts = starts.map(|s| self.times.intern(TimeKind::Starts, s)).transpose()?;
        self.payload.clear();
        let histograms = samples.hists.get(start).is_some_and(Option::is_some);
        let codec = if histograms {
            self.meta.histogram_samples += (end - start) as u64;
            let row = |h: &Option<_>| h.clone().expect("BUG: a chunk has samples of one kind");
            let rows: Vec<_> = samples.hists[start..end].iter().map(row).collect();
            encode_histograms(&mut self.payload, &rows)
        } else {
            encode_floats(&mut self.payload, &samples.vals[start..end])
        };
        let content = if self.payload.len() <= MAX_INLINE {
            StoredContent::Inline(self.payload.clone())
        } else {
            let file = if histograms { &mut self.histograms } else { &mut self.floats };
            StoredContent::Stored { offset: file.put(&self.payload)?, len: self.payload.len() }
        };
        Ok(Chunk { histograms, codec: codec.into(), times, starts, content })
    }

    /// Writes the index and the description. The part is complete then, but neither synced nor published.
    pub(crate) fn finish(mut self) -> io::Result<PartMeta> {
        assert!(!self.is_empty(), "BUG: a part without samples");
        let (times, columns) = self.times.finish();
        let mut files = vec![times.finish()?, self.floats.finish()?, self.histograms.finish()?];
        let path = self.dir.join(DIRECTORY_FILE);
        let mut directory = SectionWriter::create(self.fs, &path, FileKind::Directory, self.meta.id)?;
        directory.put(SHAPES, &encode_shapes(&self.shapes))?;
        let mut series = Vec::new();
        self.series.finish(&mut series);
        directory.put(SERIES, &series)?;
        directory.put(COLUMNS, &columns)?;
        files.push(directory.finish()?);
        let path = self.dir.join(index::FILE);
        let file = SectionWriter::create(self.fs, &path, FileKind::Index, self.meta.id)?;
        files.push(index::write_index(file, self.dictionary, &self.postings)?);
        self.meta.files = files;
        let path = self.dir.join(META_FILE);
        let mut output = Output::create(self.fs, &path)?;
        output.put(&self.meta.encode())?;
        let meta_file = output.finish()?;
        // The list in MANIFEST covers the description too; the description cannot cover itself.
        let mut meta = self.meta;
        meta.files.push(meta_file);
        Ok(meta)
    }
}

/// A chunk between being encoded and being listed.
struct Chunk {
    histograms: bool,
    codec: u8,
    times: u32,
    starts: Option<u32>,
    content: StoredContent,
}

enum StoredContent {
    Inline(Vec<u8>),
    Stored { offset: u64, len: usize },
}

impl Chunk {
    fn entry(&self) -> ChunkEntry<'_> {
        let content = match &self.content {
            StoredContent::Inline(bytes) => Content::Inline(bytes),
            StoredContent::Stored { offset, len } => Content::Stored { offset: *offset, len: *len },
        };
        ChunkEntry {
            histograms: self.histograms,
            codec: self.codec,
            times: self.times,
            starts: self.starts,
            content,
        }
    }
}

/// Where the chunk that starts with sample `start` ends: samples of one kind, of one range of two hours, and not too many.
///
/// Cutting at fixed times and not by count keeps the timestamp columns of series equal that were scraped together, even after one of
/// them missed a scrape.
fn chunk_end(samples: &ColumnBuffer, start: usize) -> usize {
    let is_histogram = |idx: usize| samples.hists.get(idx).is_some_and(Option::is_some);
    let range = samples.ts[start].div_euclid(CHUNK_RANGE_MS);
    let kind = is_histogram(start);
    let most = (start + MAX_ROWS).min(samples.len());
    (start..most)
        .find(|idx| samples.ts[*idx].div_euclid(CHUNK_RANGE_MS) != range || is_histogram(*idx) != kind)
        .unwrap_or(most)
}

fn encode_shapes(shapes: &[Vec<u32>]) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, shapes.len() as u64);
    for names in shapes {
        put_varint(&mut out, names.len() as u64);
        for name in names {
            put_varint(&mut out, u64::from(*name));
        }
    }
    out
}

fn too_large(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, what)
}
