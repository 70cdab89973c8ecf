use std::cell::Cell;
use std::sync::Arc;

use bellwether_model::{ColumnBuffer, FloatHistogram, TimeRange};
use hashbrown::HashMap;
use xxhash_rust::xxh3::Xxh3;

use crate::codec::{
    Codec, MAX_ROWS, decode_floats, decode_histograms, decode_start_times, decode_times, encode_floats,
    encode_histograms, encode_start_times, encode_times,
};
use crate::coding::{Cursor, DecodeError, Result, put_varint};

use super::times::TimeColumns;

/// Distinct timestamp columns that a shard remembers in order to share them.
const SHARED_COLUMNS: usize = 256;

const HISTOGRAMS: u8 = 1;
const HAS_STARTS: u8 = 1 << 1;

/// A column of times. Chunks refer to it and do not contain it, so that series which are scraped together can share one.
///
/// The first byte is the codec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TsCol(Arc<[u8]>);

impl TsCol {
    fn codec(&self) -> u8 {
        self.0[0]
    }

    fn content(&self) -> &[u8] {
        &self.0[1..]
    }
}

/// Decoded columns that a thread keeps: those of the series that it reads one after the other.
const DECODED_COLUMNS: usize = 64;

/// Columns that a thread decoded lately. A column is known by where it is in memory, which nothing else can be as long as it is kept here.
struct Decoded([Option<(TsCol, Vec<i64>)>; DECODED_COLUMNS]);

thread_local! {
    static DECODED: Cell<Option<Box<Decoded>>> = const { Cell::new(None) };
}

impl TsCol {
    /// Hands the `n` decoded timestamps to `look`.
    fn with_times<T>(&self, n: usize, look: impl FnOnce(&[i64]) -> Result<T>) -> Result<T> {
        let mut decoded = DECODED.take().unwrap_or_else(|| Box::new(Decoded(std::array::from_fn(|_| None))));
        let address = self.0.as_ptr().addr();
        let slot = &mut decoded.0[(address / 16) % DECODED_COLUMNS];
        let result = match slot {
            Some((column, times)) if Arc::ptr_eq(&column.0, &self.0) && times.len() == n => look(times),
            slot => {
                let mut times = slot.take().map(|(_, times)| times).unwrap_or_default();
                times.clear();
                decode_times(self.codec(), self.content(), n, &mut times)
                    .and_then(|()| look(&slot.insert((self.clone(), times)).1))
            }
        };
        DECODED.set(Some(decoded));
        result
    }
}

/// The timestamp columns that were sealed lately. Series of one scrape are sealed with the same timestamps, so most find theirs here.
#[derive(Debug, Default)]
pub(crate) struct SharedColumns {
    by_content: HashMap<u128, TsCol>,
    /// Memory for whoever seals: times and values.
    buffers: (Vec<i64>, Vec<f64>),
    /// The times of samples that are not sealed yet.
    tail_times: TimeColumns,
    /// By how many bytes the samples of the shard grew since that was asked for.
    growth: isize,
}

impl SharedColumns {
    /// Notes that some samples took so many bytes of memory before a change and so many after it.
    #[inline]
    pub(super) fn note_change(&mut self, before: usize, after: usize) {
        self.growth += after as isize - before as isize;
    }

    /// By how many bytes the samples of the shard grew since the last time.
    pub(super) fn take_growth(&mut self) -> isize {
        std::mem::take(&mut self.growth)
    }

    /// The times of samples that are not sealed yet.
    #[inline]
    pub(super) fn tail_times(&mut self) -> &mut TimeColumns {
        &mut self.tail_times
    }

    /// Empty buffers; [`give_buffers`](Self::give_buffers) keeps their memory for the next time.
    pub(super) fn take_buffers(&mut self) -> (Vec<i64>, Vec<f64>) {
        std::mem::take(&mut self.buffers)
    }

    pub(super) fn give_buffers(&mut self, mut times: Vec<i64>, mut values: Vec<f64>) {
        times.clear();
        values.clear();
        self.buffers = (times, values);
    }

    fn column(&mut self, times: &[i64]) -> TsCol {
        let mut hash = Xxh3::new();
        for t in times {
            hash.update(&t.to_le_bytes());
        }
        let key = hash.digest128();
        if let Some(column) = self.by_content.get(&key) {
            return column.clone();
        }
        if self.by_content.len() >= SHARED_COLUMNS {
            self.by_content.clear();
        }
        let column = encode_column(|out| encode_times(out, times));
        self.by_content.insert(key, column.clone());
        column
    }
}

fn encode_column(encode: impl FnOnce(&mut Vec<u8>) -> Codec) -> TsCol {
    let mut bytes = vec![0];
    let codec = encode(&mut bytes);
    bytes[0] = codec.into();
    TsCol(Arc::from(bytes))
}

/// Samples of one kind, encoded, in memory. Immutable; clones share the bytes.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub(crate) mint: i64,
    pub(crate) maxt: i64,
    pub(crate) rows: u32,
    histograms: bool,
    times: TsCol,
    starts: Option<TsCol>,
    /// The first byte is the codec.
    payload: Arc<[u8]>,
}

/// Values of one kind on their way into a chunk.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Values<'a> {
    Floats(&'a [f64]),
    Histograms(&'a [Arc<FloatHistogram>]),
}

impl Chunk {
    /// Encodes samples; `starts` is empty if no sample has a start timestamp.
    pub(crate) fn seal(
        times: &[i64],
        starts: &[i64],
        values: Values<'_>,
        shared: &mut SharedColumns,
    ) -> Self {
        let payload = encode_column(|out| match values {
            Values::Floats(floats) => encode_floats(out, floats),
            Values::Histograms(histograms) => encode_histograms(out, histograms),
        });
        let chunk = Self {
            mint: times[0],
            maxt: times[times.len() - 1],
            rows: times.len() as u32,
            histograms: matches!(values, Values::Histograms(_)),
            times: shared.column(times),
            starts: (!starts.is_empty()).then(|| encode_column(|out| encode_start_times(out, starts))),
            payload: payload.0,
        };
        if cfg!(debug_assertions) {
            chunk.assert_reads_back(times, values);
        }
        chunk
    }

    fn assert_reads_back(&self, times: &[i64], values: Values<'_>) {
        let mut back = ColumnBuffer::default();
        self.read(TimeRange::ALL, self.rows, &mut back).expect("BUG: a sealed chunk cannot be read");
        assert_eq!(back.ts, times, "BUG: a sealed chunk has other timestamps");
        let same = match values {
            Values::Floats(floats) => floats.iter().zip(&back.vals).all(|(a, b)| a.to_bits() == b.to_bits()),
            Values::Histograms(histograms) => {
                let same = |(a, b): (&Arc<_>, &Option<Arc<_>>)| {
                    b.as_ref().is_some_and(|b| crate::codec::same_histogram(a, b))
                };
                histograms.iter().zip(&back.hists).all(same)
            }
        };
        assert!(same, "BUG: a sealed chunk has other values");
    }

    /// Whether the samples are histograms.
    pub(crate) fn has_histograms(&self) -> bool {
        self.histograms
    }

    /// From the first to the last sample.
    pub(crate) fn range(&self) -> TimeRange {
        TimeRange::new(self.mint, self.maxt)
    }

    /// How many bytes of memory the chunk takes, not counting timestamps that it may share.
    pub(crate) fn memory(&self) -> usize {
        size_of::<Self>() + self.payload.len() + 16
    }

    /// Appends those of the first `rows` samples that lie in the range to `out`.
    pub(crate) fn read(&self, range: TimeRange, rows: u32, out: &mut ColumnBuffer) -> Result<()> {
        self.times.with_times(self.rows as usize, |times| self.read_rows(times, range, rows, out))
    }

    fn read_rows(&self, times: &[i64], range: TimeRange, rows: u32, out: &mut ColumnBuffer) -> Result<()> {
        let n = times.len();
        let from = times.partition_point(|t| *t < range.mint);
        let to = times.partition_point(|t| *t <= range.maxt).min(rows as usize);
        if from >= to {
            return Ok(());
        }
        let mut starts = Vec::new();
        if let Some(column) = &self.starts {
            decode_start_times(column.codec(), column.content(), n, &mut starts)?;
        }
        let start_of = |row: usize| starts.get(row).copied().unwrap_or(0);
        let (codec, payload) = (self.payload[0], &self.payload[1..]);
        if self.histograms {
            let mut row = 0;
            decode_histograms(codec, payload, n, |h| {
                if (from..to).contains(&row) {
                    out.push_histogram(times[row], start_of(row), h);
                }
                row += 1;
            })?;
        } else if out.hists.is_empty() && out.start_ts.is_empty() && starts.is_empty() {
            // The usual case: the values are decoded in place.
            decode_floats(codec, payload, n, from..to, &mut out.vals)?;
            out.ts.extend_from_slice(&times[from..to]);
        } else {
            let mut floats = Vec::with_capacity(to - from);
            decode_floats(codec, payload, n, from..to, &mut floats)?;
            for (row, v) in (from..to).zip(floats) {
                out.push_float(times[row], start_of(row), v);
            }
        }
        Ok(())
    }

    /// Appends the chunk as a checkpoint has it.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut flags = 0;
        if self.histograms {
            flags |= HISTOGRAMS;
        }
        if self.starts.is_some() {
            flags |= HAS_STARTS;
        }
        out.push(flags);
        put_varint(out, u64::from(self.rows));
        for column in [Some(&self.times.0), self.starts.as_ref().map(|s| &s.0), Some(&self.payload)] {
            if let Some((codec, content)) = column.and_then(|c| c.split_first()) {
                out.push(*codec);
                put_varint(out, content.len() as u64);
                out.extend_from_slice(content);
            }
        }
    }

    /// Reads what [`encode`](Self::encode) wrote, and checks that it can be decoded.
    pub(crate) fn decode(cursor: &mut Cursor<'_>) -> Result<Self> {
        let flags = cursor.u8()?;
        if flags & !(HISTOGRAMS | HAS_STARTS) != 0 {
            return Err(DecodeError::new("unknown kind of chunk; a newer program wrote this"));
        }
        let rows = cursor.varint()?;
        if !(1..=MAX_ROWS as u64).contains(&rows) {
            return Err(DecodeError::new("chunk with an impossible number of samples"));
        }
        let column = |cursor: &mut Cursor<'_>| -> Result<Arc<[u8]>> {
            let codec = cursor.u8()?;
            let content = cursor.prefixed()?;
            Ok(std::iter::once(codec).chain(content.iter().copied()).collect())
        };
        let mut chunk = Self {
            mint: 0,
            maxt: 0,
            rows: rows as u32,
            histograms: flags & HISTOGRAMS != 0,
            times: TsCol(column(cursor)?),
            starts: if flags & HAS_STARTS != 0 { Some(TsCol(column(cursor)?)) } else { None },
            payload: column(cursor)?,
        };
        let mut samples = ColumnBuffer::default();
        chunk.read(TimeRange::ALL, chunk.rows, &mut samples)?;
        let (Some(mint), Some(maxt)) = (samples.ts.first(), samples.ts.last()) else {
            return Err(DecodeError::new("chunk without samples"));
        };
        (chunk.mint, chunk.maxt) = (*mint, *maxt);
        Ok(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_timestamps_are_shared() {
        let mut shared = SharedColumns::default();
        let times: Vec<i64> = (0..32).map(|i| i * 15_000).collect();
        let a = Chunk::seal(&times, &[], Values::Floats(&[1.0; 32]), &mut shared);
        let b = Chunk::seal(&times, &[], Values::Floats(&[2.0; 32]), &mut shared);
        assert!(Arc::ptr_eq(&a.times.0, &b.times.0));
        let c = Chunk::seal(&times[1..], &[], Values::Floats(&[2.0; 31]), &mut shared);
        assert_ne!(a.times, c.times);
        assert_eq!((c.mint, c.maxt), (15_000, 31 * 15_000));
    }

    #[test]
    fn reads_ranges_and_prefixes_and_survives_a_checkpoint() {
        let mut shared = SharedColumns::default();
        let times: Vec<i64> = (0..50).map(|i| i * 10).collect();
        let starts: Vec<i64> = (0..50).map(|i| if i < 25 { 0 } else { 7 }).collect();
        let floats: Vec<f64> = (0..50).map(f64::from).collect();
        let h = |i: i32| Arc::new(FloatHistogram { sum: f64::from(i), ..FloatHistogram::default() });
        let histograms: Vec<_> = (0..50).map(h).collect();
        for (starts, values) in [
            (&[][..], Values::Floats(&floats)),
            (&starts, Values::Floats(&floats)),
            (&starts, Values::Histograms(&histograms)),
        ] {
            let sealed = Chunk::seal(&times, starts, values, &mut shared);
            let mut bytes = Vec::new();
            sealed.encode(&mut bytes);
            let mut cursor = Cursor::new(&bytes);
            let read = Chunk::decode(&mut cursor).expect("just encoded");
            assert!(cursor.is_empty());
            for chunk in [sealed, read] {
                let mut out = ColumnBuffer::default();
                chunk.read(TimeRange::new(101, 450), 40, &mut out).expect("whole");
                assert_eq!(out.ts, (11..40).map(|i| i * 10).collect::<Vec<_>>());
                assert_eq!(out.start_ts.is_empty(), starts.is_empty());
                assert_eq!(out.hists.is_empty(), matches!(values, Values::Floats(_)));
                chunk.read(TimeRange::new(0, 50), 3, &mut out).expect("whole");
                assert_eq!(out.len(), 32, "{:?}", out.ts);
                assert!(out.start_ts.is_empty() || out.start_ts.len() == 32);
            }
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x41;
                let _ = Chunk::decode(&mut Cursor::new(&damaged));
                assert!(Chunk::decode(&mut Cursor::new(&bytes[..at])).is_err());
            }
        }
    }
}
