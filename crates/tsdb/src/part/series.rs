//! The entries of the series in `dir.bin`.

use crate::codec::MAX_ROWS;
use crate::coding::{Cursor, DecodeError, Result, put_varint, put_zigzag};

use super::blocks::{BLOCK, BlockList, BlockListWriter};

/// Content of at most this many bytes stands in the entry itself.
pub(super) const MAX_INLINE: usize = 16;
/// Series with more labels always give their shape: the bitmap of changes has 64 bits.
const MAX_BITMAP: usize = 64;

const HISTOGRAMS: u8 = 1;
const HAS_STARTS: u8 = 1 << 1;
const INLINE: u8 = 1 << 2;

/// Where the content of a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content<'a> {
    Inline(&'a [u8]),
    Stored { offset: u64, len: usize },
}

/// A chunk of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChunkEntry<'a> {
    pub(super) histograms: bool,
    pub(super) codec: u8,
    pub(super) times: u32,
    pub(super) starts: Option<u32>,
    pub(super) content: Content<'a>,
}

/// What is carried from one series of a block to the next.
#[derive(Debug, Clone, Default)]
struct BlockState {
    shape: Option<u32>,
    values: Vec<u32>,
    times: u32,
    floats_at: u64,
    histograms_at: u64,
}

/// Writes the section of the series.
#[derive(Debug, Default)]
pub(super) struct SeriesWriter {
    list: BlockListWriter,
    state: BlockState,
    entry: Vec<u8>,
}

impl SeriesWriter {
    pub(super) fn len(&self) -> u64 {
        self.list.len()
    }

    /// Appends a series. Stored content of its chunks must lie right behind that of the chunk before, from 0 on. `None` if the section gets too long.
    pub(super) fn push(&mut self, shape: u32, values: &[u32], chunks: &[ChunkEntry<'_>]) -> Option<()> {
        let (state, entry) = (&mut self.state, &mut self.entry);
        entry.clear();
        if self.list.at_block_start() {
            *state = BlockState {
                floats_at: state.floats_at,
                histograms_at: state.histograms_at,
                values: std::mem::take(&mut state.values),
                ..BlockState::default()
            };
            put_varint(entry, state.floats_at);
            put_varint(entry, state.histograms_at);
        }
        if state.shape == Some(shape) && values.len() <= MAX_BITMAP {
            put_varint(entry, 0);
            let changed = |(idx, (new, old)): (usize, (&u32, &u32))| u64::from(new != old) << idx;
            let bitmap = values.iter().zip(&state.values).enumerate().map(changed).sum();
            put_varint(entry, bitmap);
            for (new, old) in values.iter().zip(&state.values) {
                if new != old {
                    put_varint(entry, u64::from(*new));
                }
            }
        } else {
            put_varint(entry, 1 + u64::from(shape));
            for value in values {
                put_varint(entry, u64::from(*value));
            }
        }
        state.shape = Some(shape);
        state.values.clear();
        state.values.extend_from_slice(values);
        put_varint(entry, chunks.len() as u64);
        for chunk in chunks {
            put_chunk(entry, state, chunk);
        }
        self.list.push(&self.entry)
    }

    pub(super) fn finish(self, out: &mut Vec<u8>) {
        self.list.finish(out);
    }
}

fn put_chunk(entry: &mut Vec<u8>, state: &mut BlockState, chunk: &ChunkEntry<'_>) {
    let mut flags = 0;
    if chunk.histograms {
        flags |= HISTOGRAMS;
    }
    if chunk.starts.is_some() {
        flags |= HAS_STARTS;
    }
    if matches!(chunk.content, Content::Inline(_)) {
        flags |= INLINE;
    }
    entry.push(flags);
    entry.push(chunk.codec);
    put_zigzag(entry, i64::from(chunk.times) - i64::from(state.times));
    state.times = chunk.times;
    if let Some(starts) = chunk.starts {
        put_zigzag(entry, i64::from(starts) - i64::from(chunk.times));
    }
    match chunk.content {
        Content::Inline(bytes) => {
            put_varint(entry, bytes.len() as u64);
            entry.extend_from_slice(bytes);
        }
        Content::Stored { offset, len } => {
            put_varint(entry, len as u64);
            let at = if chunk.histograms { &mut state.histograms_at } else { &mut state.floats_at };
            assert_eq!(*at, offset, "BUG: content is not stored in the order of the series");
            *at += len as u64;
        }
    }
}

/// Goes through the series. After [`seek`](Self::seek) the entry of one series can be looked at.
#[derive(Debug)]
pub(crate) struct SeriesWalk<'a> {
    list: BlockList<'a>,
    shapes: &'a [Vec<u32>],
    /// The series that the next entry of `block` belongs to.
    next: usize,
    block: Cursor<'a>,
    state: BlockState,
    chunks: Vec<ChunkEntry<'a>>,
}

impl<'a> SeriesWalk<'a> {
    pub(super) fn new(section: &'a [u8], shapes: &'a [Vec<u32>]) -> Result<Self> {
        let list = BlockList::new(section)?;
        Ok(Self {
            list,
            shapes,
            next: 0,
            block: Cursor::new(&[]),
            state: BlockState::default(),
            chunks: Vec::new(),
        })
    }

    /// How many series there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Goes to a series. Going forward within a block reads on; anything else starts at the block of the series.
    pub(super) fn seek(&mut self, ordinal: u32) -> Result<()> {
        let ordinal = ordinal as usize;
        if ordinal >= self.list.len() {
            return Err(DecodeError::new("series beyond the last one"));
        }
        let block = ordinal / BLOCK;
        let in_block = self.next > block * BLOCK && self.next <= ordinal;
        if !in_block {
            self.block = self.list.block(block)?;
            self.next = block * BLOCK;
        }
        while self.next <= ordinal {
            self.read_entry()?;
        }
        Ok(())
    }

    fn read_entry(&mut self) -> Result<()> {
        let mut entry = Cursor::new(self.block.prefixed()?);
        if self.next.is_multiple_of(BLOCK) {
            self.state =
                BlockState { values: std::mem::take(&mut self.state.values), ..BlockState::default() };
            self.state.floats_at = entry.varint()?;
            self.state.histograms_at = entry.varint()?;
        }
        let narrow =
            |v: u64| u32::try_from(v).map_err(|_| DecodeError::new("number of a label value is too large"));
        match entry.varint()? {
            0 => {
                if self.state.shape.is_none() {
                    return Err(DecodeError::new("first series of a block without a shape"));
                }
                let bitmap = entry.varint()?;
                for (idx, value) in self.state.values.iter_mut().enumerate().take(MAX_BITMAP) {
                    if bitmap & (1 << idx) != 0 {
                        *value = narrow(entry.varint()?)?;
                    }
                }
            }
            shape => {
                let names = usize::try_from(shape - 1).ok().and_then(|s| self.shapes.get(s));
                let names = names.ok_or(DecodeError::new("series of an unknown shape"))?;
                self.state.shape = Some((shape - 1) as u32);
                self.state.values.clear();
                for _ in names {
                    self.state.values.push(narrow(entry.varint()?)?);
                }
            }
        }
        self.chunks.clear();
        for _ in 0..entry.count(4)? {
            let chunk = read_chunk(&mut entry, &mut self.state)?;
            self.chunks.push(chunk);
        }
        if !entry.is_empty() {
            return Err(DecodeError::new("bytes behind the entry of a series"));
        }
        self.next += 1;
        Ok(())
    }

    /// The label names of the series, as places in the index.
    pub(super) fn names(&self) -> &'a [u32] {
        self.state.shape.map_or(&[], |shape| &self.shapes[shape as usize])
    }

    /// The values of these labels, as places in the lists of values of the names.
    pub(super) fn values(&self) -> &[u32] {
        &self.state.values
    }

    /// The chunks of the series, in the order of time.
    pub(super) fn chunks(&self) -> &[ChunkEntry<'a>] {
        &self.chunks
    }
}

fn read_chunk<'a>(entry: &mut Cursor<'a>, state: &mut BlockState) -> Result<ChunkEntry<'a>> {
    let flags = entry.u8()?;
    if flags & !(HISTOGRAMS | HAS_STARTS | INLINE) != 0 {
        return Err(DecodeError::new("unknown kind of chunk; a newer program wrote this"));
    }
    let column = |base: u32, delta: i64| {
        let id = i64::from(base).checked_add(delta).and_then(|id| u32::try_from(id).ok());
        id.ok_or(DecodeError::new("impossible number of a column"))
    };
    let codec = entry.u8()?;
    let times = column(state.times, entry.zigzag()?)?;
    state.times = times;
    let starts = if flags & HAS_STARTS != 0 { Some(column(times, entry.zigzag()?)?) } else { None };
    let histograms = flags & HISTOGRAMS != 0;
    let content = if flags & INLINE != 0 {
        Content::Inline(entry.prefixed()?)
    } else {
        let len = entry.varint()?;
        // Floats never take more than raw; a histogram may be large, but not as large as a whole frame of the log.
        let most = if histograms { 256 << 20 } else { (MAX_ROWS * 8) as u64 };
        if len > most {
            return Err(DecodeError::new("chunk of an impossible length"));
        }
        let at = if histograms { &mut state.histograms_at } else { &mut state.floats_at };
        let offset = *at;
        *at = at.saturating_add(len);
        Content::Stored { offset, len: len as usize }
    };
    Ok(ChunkEntry { histograms, codec, times, starts, content })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Series = (u32, Vec<u32>, Vec<ChunkEntry<'static>>);
    /// Histograms or not, timestamp column, start timestamp column, length.
    type ChunkSeed = (bool, u32, Option<u32>, usize);

    fn shapes() -> Vec<Vec<u32>> {
        vec![vec![0, 2], vec![0, 1, 2], (0..70).collect()]
    }

    fn check(series: &[Series], order: &[usize]) {
        let mut writer = SeriesWriter::default();
        for (shape, values, chunks) in series {
            writer.push(*shape, values, chunks).expect("short");
        }
        let mut section = Vec::new();
        writer.finish(&mut section);
        let shapes = shapes();
        let mut walk = SeriesWalk::new(&section, &shapes).expect("just written");
        assert_eq!(walk.len(), series.len());
        for idx in order {
            let (shape, values, chunks) = &series[*idx];
            walk.seek(*idx as u32).expect("in range");
            assert_eq!(
                (walk.names(), walk.values()),
                (&shapes[*shape as usize][..], &values[..]),
                "series {idx}"
            );
            assert_eq!(walk.chunks(), chunks, "series {idx}");
        }
        assert!(walk.seek(series.len() as u32).is_err());
    }

    /// Series whose stored content lies one behind the other.
    fn some_series() -> impl Strategy<Value = Vec<Series>> {
        let chunk = (any::<bool>(), 0_u32..20, proptest::option::of(0_u32..20), 0_usize..40);
        let one =
            (0_usize..3, proptest::collection::vec(0_u32..3, 70), proptest::collection::vec(chunk, 0..4));
        proptest::collection::vec(one, 1..60).prop_map(|rows| {
            let mut at = [0, 0];
            let row = |(shape, values, chunks): (usize, Vec<u32>, Vec<ChunkSeed>)| {
                let chunks = chunks.into_iter().map(|(histograms, times, starts, len)| {
                    let content = if len <= MAX_INLINE {
                        Content::Inline(&[9; MAX_INLINE][..len])
                    } else {
                        let offset = at[usize::from(histograms)];
                        at[usize::from(histograms)] += len as u64;
                        Content::Stored { offset, len }
                    };
                    ChunkEntry { histograms, codec: 3, times, starts, content }
                });
                let n = shapes()[shape].len();
                (shape as u32, values[..n].to_vec(), chunks.collect())
            };
            rows.into_iter().map(row).collect()
        })
    }

    proptest! {
        #[test]
        fn entries_read_back_in_any_order(series in some_series(), seed in proptest::collection::vec(any::<u16>(), 40)) {
            check(&series, &(0..series.len()).collect::<Vec<_>>());
            check(&series, &seed.iter().map(|s| *s as usize % series.len()).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let mut section = 5_u64.to_le_bytes().to_vec();
            section.extend_from_slice(&[0; 4]);
            section.extend_from_slice(&bytes);
            let shapes = shapes();
            if let Ok(mut walk) = SeriesWalk::new(&section, &shapes) {
                for ordinal in 0..5 {
                    let _ = walk.seek(ordinal);
                }
            }
        }
    }
}
