use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bellwether_model::{Labels, TimeRange};

use super::blocks::BLOCK;
use super::cache::{CacheShare, Weigh};
use super::error::PartError;
use super::reader::{LabelReader, Part};
use super::series::SeriesWalk;

type Result<T> = std::result::Result<T, PartError>;

/// A chunk, found: everything that is needed to read it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChunkPlace {
    /// From the first to the last sample.
    pub(super) range: TimeRange,
    /// Where the content starts: in the file, or among the inline contents that come with the place.
    pub(super) at: u64,
    pub(super) len: u32,
    /// 0 if the directory is damaged in a way that says nothing about this chunk but that there is one.
    pub(super) rows: u16,
    pub(super) codec: u8,
    pub(super) inline: bool,
    pub(super) histograms: bool,
    pub(super) times: u32,
    pub(super) starts: Option<u32>,
}

/// Neighbouring series, 16 or fewer: where their samples are and, as far as somebody asked, their labels.
#[derive(Debug)]
pub(crate) struct SeriesBlock {
    number: u32,
    labels: Box<[OnceLock<Labels>]>,
    /// Bytes of the labels, taken from the share.
    label_bytes: AtomicUsize,
    share: Arc<CacheShare>,
    /// For each series where its chunks end.
    ends: Box<[u32]>,
    chunks: Box<[ChunkPlace]>,
    inline: Box<[u8]>,
}

impl SeriesBlock {
    /// Which block a series is in, and where there.
    pub(crate) fn locate(ordinal: u32) -> (u32, u32) {
        (ordinal / BLOCK as u32, ordinal % BLOCK as u32)
    }

    /// Undoes [`locate`](Self::locate) for a series of this block.
    pub(crate) fn ordinal(&self, series: u32) -> u32 {
        self.number * BLOCK as u32 + series
    }

    /// The chunks of a series, in the order of time.
    pub(super) fn chunks(&self, series: u32) -> &[ChunkPlace] {
        let series = series as usize;
        let start = series.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.chunks[start as usize..self.ends[series] as usize]
    }

    /// From the first to the last sample of a series, deleted ones included, if it has a chunk that reaches into `range`.
    pub(crate) fn extent_in(&self, series: u32, range: TimeRange) -> Option<TimeRange> {
        let chunks = self.chunks(series);
        let (first, last) = (chunks.first()?, chunks.last()?);
        let is_in = chunks.iter().any(|c| range.overlaps(c.range));
        is_in.then(|| TimeRange::new(first.range.mint, last.range.maxt))
    }

    /// The contents of the chunks that are inline.
    pub(super) fn inline(&self) -> &[u8] {
        &self.inline
    }

    /// How many bytes of memory it takes without the texts of the labels.
    pub(crate) fn memory(&self) -> usize {
        size_of::<Self>()
            + size_of_val(&*self.labels)
            + size_of_val(&*self.ends)
            + size_of_val(&*self.chunks)
            + self.inline.len()
    }
}

impl Drop for SeriesBlock {
    fn drop(&mut self) {
        self.share.give_back(*self.label_bytes.get_mut());
    }
}

impl Weigh for SeriesBlock {
    fn weight(&self) -> usize {
        self.memory()
    }
}

/// Finds series, those that were found before without decoding them again.
#[derive(Debug)]
pub(crate) struct BlockReader<'a> {
    part: &'a Part,
    /// Made when they are first needed.
    walk: Option<SeriesWalk<'a>>,
    labels: Option<LabelReader<'a>>,
}

impl<'a> BlockReader<'a> {
    pub(super) fn new(part: &'a Part) -> Self {
        Self { part, walk: None, labels: None }
    }

    /// The block with that number.
    pub(crate) fn block(&mut self, block: u32) -> Result<Arc<SeriesBlock>> {
        if let Some(found) = self.part.known_blocks().get(block) {
            return Ok(found);
        }
        let walk = match &mut self.walk {
            Some(walk) => walk,
            None => self.walk.insert(self.part.walk()?),
        };
        let decoded = Arc::new(decode(self.part, walk, block)?);
        self.part.known_blocks().put(block, &decoded);
        Ok(decoded)
    }

    /// The labels of a series of `block`.
    pub(crate) fn labels<'b>(&mut self, block: &'b SeriesBlock, ordinal: u32) -> Result<Cow<'b, Labels>> {
        let (_, series) = SeriesBlock::locate(ordinal);
        let known = &block.labels[series as usize];
        if let Some(labels) = known.get() {
            return Ok(Cow::Borrowed(labels));
        }
        let reader = match &mut self.labels {
            Some(reader) => reader,
            None => self.labels.insert(self.part.labels()?),
        };
        let labels = reader.read(ordinal)?;
        let bytes = labels.as_bytes().len() + 16;
        if block.share.take(bytes) {
            block.label_bytes.fetch_add(bytes, Ordering::Relaxed);
            if known.set(labels.clone()).is_err() {
                // Another thread was quicker.
                block.label_bytes.fetch_sub(bytes, Ordering::Relaxed);
                block.share.give_back(bytes);
            }
        }
        Ok(Cow::Owned(labels))
    }
}

fn decode<'a>(part: &'a Part, walk: &mut SeriesWalk<'a>, block: u32) -> Result<SeriesBlock> {
    let first = block * BLOCK as u32;
    let end = first.saturating_add(BLOCK as u32).min(part.n_series());
    let n = end.saturating_sub(first) as usize;
    let (mut ends, mut chunks, mut inline) = (Vec::with_capacity(n), Vec::with_capacity(n), Vec::new());
    let mut columns = RecentColumns::default();
    for ordinal in first..end {
        for chunk in part.seek(walk, ordinal)? {
            chunks.push(part.place(chunk, &mut columns, &mut inline));
        }
        ends.push(chunks.len() as u32);
    }
    Ok(SeriesBlock {
        number: block,
        labels: (0..n).map(|_| OnceLock::new()).collect(),
        label_bytes: AtomicUsize::new(0),
        share: Arc::clone(part.series_share()),
        ends: ends.into_boxed_slice(),
        chunks: chunks.into_boxed_slice(),
        inline: inline.into_boxed_slice(),
    })
}

/// The columns that neighbouring series named: most name the same ones.
#[derive(Debug, Default)]
pub(super) struct RecentColumns([Option<(u32, TimeRange, usize)>; BLOCK]);

impl RecentColumns {
    /// The range and the rows of a column, as `find` finds them.
    pub(super) fn get(
        &mut self,
        id: u32,
        find: impl FnOnce() -> Option<(TimeRange, usize)>,
    ) -> Option<(TimeRange, usize)> {
        let place = &mut self.0[id as usize % BLOCK];
        if place.is_none_or(|(there, ..)| there != id) {
            *place = find().map(|(range, rows)| (id, range, rows));
        }
        place.map(|(_, range, rows)| (range, rows))
    }
}
