//! The timestamp columns of a part, each distinct one once: series that are scraped together share theirs.

use std::io;

use bellwether_model::TimeRange;
use hashbrown::HashMap;
use xxhash_rust::xxh3::Xxh3;

use crate::codec::{MAX_ROWS, decode_start_times, decode_times, encode_start_times, encode_times};
use crate::coding::{Cursor, DecodeError, Result, put_varint, put_zigzag};

use super::blocks::{BLOCK, BlockList, BlockListWriter};
use super::error::PartError;
use super::paged::{PagedFile, PagedWriter};

/// Writes `ts.bin` and its table.
#[derive(Debug)]
pub(super) struct ColumnWriter {
    data: PagedWriter,
    table: BlockListWriter,
    known: HashMap<u128, u32>,
}

/// What the times in a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeKind {
    Samples,
    Starts,
}

impl ColumnWriter {
    pub(super) fn new(data: PagedWriter) -> Self {
        Self { data, table: BlockListWriter::default(), known: HashMap::new() }
    }

    /// The number of the column with these times; it is written if it is new.
    pub(super) fn intern(&mut self, kind: TimeKind, times: &[i64]) -> io::Result<u32> {
        let key = content_hash(kind, times);
        if let Some(id) = self.known.get(&key) {
            return Ok(*id);
        }
        let mut bytes = Vec::new();
        let (codec, low, high) = match kind {
            TimeKind::Samples => (encode_times(&mut bytes, times), times[0], times[times.len() - 1]),
            TimeKind::Starts => {
                let low = times.iter().copied().min().unwrap_or(0);
                let high = times.iter().copied().max().unwrap_or(0);
                (encode_start_times(&mut bytes, times), low, high)
            }
        };
        let mut entry = Vec::new();
        let offset = self.data.put(&bytes)?;
        if self.table.at_block_start() {
            put_varint(&mut entry, offset);
        }
        entry.push(codec.into());
        put_varint(&mut entry, times.len() as u64);
        put_zigzag(&mut entry, low);
        put_zigzag(&mut entry, high.wrapping_sub(low));
        put_varint(&mut entry, bytes.len() as u64);
        let too_large = || io::Error::new(io::ErrorKind::FileTooLarge, "the table of columns exceeds 4 GiB");
        let id = u32::try_from(self.table.len()).map_err(|_| too_large())?;
        self.table.push(&entry).ok_or_else(too_large)?;
        self.known.insert(key, id);
        Ok(id)
    }

    /// The data to be finished, and the table.
    pub(super) fn finish(self) -> (PagedWriter, Vec<u8>) {
        let mut table = Vec::new();
        self.table.finish(&mut table);
        (self.data, table)
    }
}

fn content_hash(kind: TimeKind, times: &[i64]) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(&[u8::from(kind == TimeKind::Starts)]);
    for t in times {
        hash.update(&t.to_le_bytes());
    }
    hash.digest128()
}

/// Where a column is and what it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) codec: u8,
    pub(super) rows: usize,
    /// The first time, or the smallest of start timestamps.
    pub(super) low: i64,
    /// The last time, or the largest of start timestamps.
    pub(super) high: i64,
    offset: u64,
    len: usize,
}

impl Column {
    /// From the lowest to the highest time.
    pub(super) fn range(&self) -> TimeRange {
        TimeRange::new(self.low, self.high)
    }
}

/// How many columns the table has.
pub(super) fn count_columns(table: &[u8]) -> Result<usize> {
    Ok(BlockList::new(table)?.len())
}

/// Finds a column in the table.
pub(super) fn find_column(table: &[u8], id: u32) -> Result<Column> {
    let list = BlockList::new(table)?;
    let id = id as usize;
    if id >= list.len() {
        return Err(DecodeError::new("column that is not in the table"));
    }
    let mut cursor = list.block(id / BLOCK)?;
    let mut column = Column { codec: 0, rows: 0, low: 0, high: 0, offset: 0, len: 0 };
    for idx in 0..=id % BLOCK {
        let mut entry = Cursor::new(cursor.prefixed()?);
        let offset = if idx == 0 { entry.varint()? } else { column.offset.saturating_add(column.len as u64) };
        let codec = entry.u8()?;
        let rows = entry.varint()?;
        if !(1..=MAX_ROWS as u64).contains(&rows) {
            return Err(DecodeError::new("column with an impossible number of rows"));
        }
        let low = entry.zigzag()?;
        let high = low.wrapping_add(entry.zigzag()?);
        let len = entry.varint()?;
        // No codec needs more than this; a damaged length must not be allocated.
        if len > 64 + rows * 16 || high < low {
            return Err(DecodeError::new("column with an impossible length"));
        }
        column = Column { codec, rows: rows as usize, low, high, offset, len: len as usize };
    }
    Ok(column)
}

/// Appends the times of a column to `out`.
pub(super) fn read_column(
    data: &PagedFile,
    kind: TimeKind,
    column: &Column,
    buffer: &mut Vec<u8>,
    out: &mut Vec<i64>,
) -> std::result::Result<(), PartError> {
    let bytes = data.read(column.offset, column.len, buffer)?;
    let result = match kind {
        TimeKind::Samples => decode_times(column.codec, bytes, column.rows, out),
        TimeKind::Starts => decode_start_times(column.codec, bytes, column.rows, out),
    };
    result.map_err(PartError::decoding(data.path()))
}
