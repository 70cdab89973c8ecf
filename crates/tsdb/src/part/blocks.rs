//! Long lists in blocks of 16 entries.

use crate::coding::{Cursor, DecodeError, Result, put_varint};

/// Entries per block.
pub(super) const BLOCK: usize = 16;

/// Collects a list.
#[derive(Debug, Default)]
pub(super) struct BlockListWriter {
    offsets: Vec<u32>,
    entries: Vec<u8>,
    n: u64,
}

impl BlockListWriter {
    /// Whether the next entry starts a block.
    pub(super) fn at_block_start(&self) -> bool {
        self.n.is_multiple_of(BLOCK as u64)
    }

    /// The number of entries.
    pub(super) fn len(&self) -> u64 {
        self.n
    }

    /// Appends an entry. `None` if the list would be longer than offsets can say.
    pub(super) fn push(&mut self, entry: &[u8]) -> Option<()> {
        if self.at_block_start() {
            self.offsets.push(u32::try_from(self.entries.len()).ok()?);
        }
        put_varint(&mut self.entries, entry.len() as u64);
        self.entries.extend_from_slice(entry);
        self.n += 1;
        Some(())
    }

    /// Appends the list to `out`.
    pub(super) fn finish(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.n.to_le_bytes());
        out.extend(self.offsets.iter().flat_map(|o| o.to_le_bytes()));
        out.extend_from_slice(&self.entries);
    }
}

/// A list that was written by [`BlockListWriter`].
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockList<'a> {
    n: usize,
    offsets: &'a [u8],
    entries: &'a [u8],
}

impl<'a> BlockList<'a> {
    /// Looks at a list; only the table is checked.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self> {
        let mut cursor = Cursor::new(bytes);
        let n = cursor.u64()?;
        // Each entry has at least its length.
        if n > cursor.len() as u64 {
            return Err(DecodeError::new("list of more entries than there is room for"));
        }
        let offsets = cursor.take((n as usize).div_ceil(BLOCK) * 4)?;
        Ok(Self { n: n as usize, offsets, entries: cursor.take_rest() })
    }

    /// The number of entries.
    pub(super) fn len(&self) -> usize {
        self.n
    }

    /// The number of blocks.
    pub(super) fn n_blocks(&self) -> usize {
        self.n.div_ceil(BLOCK)
    }

    /// The entries from the start of a block on.
    pub(super) fn block(&self, block: usize) -> Result<Cursor<'a>> {
        let mut offset = Cursor::new(self.offsets.get(block * 4..).unwrap_or_default());
        let entries = self.entries.get(offset.u32()? as usize..);
        entries.map(Cursor::new).ok_or(DecodeError::new("block outside of its list"))
    }

    /// One entry, for lists whose entries do not depend on those before.
    pub(super) fn get(&self, idx: usize) -> Result<Cursor<'a>> {
        if idx >= self.n {
            return Err(DecodeError::new("entry outside of its list"));
        }
        let mut cursor = self.block(idx / BLOCK)?;
        for _ in 0..idx % BLOCK {
            cursor.prefixed()?;
        }
        Ok(Cursor::new(cursor.prefixed()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_each_entry() {
        for n in [0_u32, 1, 15, 16, 17, 100] {
            let mut writer = BlockListWriter::default();
            for i in 0..n {
                assert_eq!(writer.at_block_start(), i % 16 == 0);
                writer.push(&vec![i as u8; i as usize % 200]).expect("short");
            }
            let mut bytes = Vec::new();
            writer.finish(&mut bytes);
            let list = BlockList::new(&bytes).expect("just written");
            assert_eq!((list.len(), list.n_blocks()), (n as usize, n.div_ceil(16) as usize));
            for i in 0..n {
                let entry = list.get(i as usize).expect("in range").take_rest();
                assert_eq!(entry, vec![i as u8; i as usize % 200]);
            }
            assert!(list.get(n as usize).is_err());
        }
    }

    #[test]
    fn impossible_lists() {
        assert!(BlockList::new(&[1, 2, 3]).is_err());
        assert!(BlockList::new(&u64::MAX.to_le_bytes()).is_err());
        let mut bytes = 17_u64.to_le_bytes().to_vec();
        bytes.extend_from_slice(&[0xff; 20]);
        assert!(BlockList::new(&bytes).expect("the table fits").get(16).is_err());
    }
}
