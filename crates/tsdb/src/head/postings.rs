use std::ops::Range;

use crate::coding::{Cursor, put_varint};

/// A list of up to so many series is kept as it is.
const FEW: usize = 16;
/// A block has at most this many series.
const BLOCK: usize = 256;
/// Room is made in steps of this many bytes.
const ROOM: usize = 32;

/// Series that have a label, sorted. Long lists take little more than a byte for each: the series of a source are neighbours in one shard, and those of a metric are
/// a good part of all.
#[derive(Debug, Clone)]
pub(crate) enum Postings {
    Few(Vec<u32>),
    /// No block is empty, and each is below the next.
    Many(Vec<Block>),
}

/// Some series in a row.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    first: u32,
    last: u32,
    n: u32,
    /// By how much each one is larger than the one before, from the second one on, as varints.
    steps: Vec<u8>,
}

impl Block {
    /// `ids` are sorted and not empty.
    fn new(ids: &[u32]) -> Self {
        let mut block = Self { first: ids[0], last: ids[0], n: 1, steps: Vec::new() };
        for id in &ids[1..] {
            block.push(*id);
        }
        block.steps.shrink_to_fit();
        block
    }

    /// Adds one that is larger than all.
    fn push(&mut self, id: u32) {
        if self.steps.capacity() - self.steps.len() < 10 {
            self.steps.reserve_exact(ROOM);
        }
        put_varint(&mut self.steps, u64::from(id - self.last));
        self.last = id;
        self.n += 1;
    }

    fn ids(&self) -> impl Iterator<Item = u32> {
        let mut steps = Cursor::new(&self.steps);
        let mut id = self.first;
        std::iter::once(id).chain((1..self.n).map_while(move |_| {
            id += steps.varint().ok()? as u32;
            Some(id)
        }))
    }

    #[cfg(test)]
    fn memory(&self) -> usize {
        size_of::<Self>() + self.steps.capacity()
    }
}

impl Default for Postings {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

/// From series in any order.
impl From<Vec<u32>> for Postings {
    fn from(mut ids: Vec<u32>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        if ids.len() > FEW {
            return Self::Many(ids.chunks(BLOCK).map(Block::new).collect());
        }
        ids.shrink_to_fit();
        Self::Few(ids)
    }
}

impl Postings {
    /// How many series there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few(ids) => ids.len(),
            Self::Many(blocks) => blocks.iter().map(|block| block.n as usize).sum(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Few(ids) => ids.is_empty(),
            Self::Many(blocks) => blocks.is_empty(),
        }
    }

    /// Appends all to `out`.
    pub(crate) fn read(&self, out: &mut Vec<u32>) {
        match self {
            Self::Few(ids) => out.extend_from_slice(ids),
            Self::Many(blocks) => {
                out.reserve(self.len());
                for block in blocks {
                    out.extend(block.ids());
                }
            }
        }
    }

    /// Adds a series, if it is not there.
    pub(crate) fn insert(&mut self, id: u32) {
        match self {
            Self::Few(ids) => {
                // New series have the highest numbers, unless they take the place of one that is gone.
                if let Err(at) = ids.binary_search(&id) {
                    ids.insert(at, id);
                }
                if ids.len() > FEW {
                    *self = Self::from(std::mem::take(ids));
                }
            }
            Self::Many(blocks) => match blocks.last_mut() {
                Some(last) if last.last < id => {
                    if (last.n as usize) < BLOCK {
                        last.push(id);
                    } else {
                        // What is full stays as it is, most likely.
                        last.steps.shrink_to_fit();
                        blocks.push(Block::new(&[id]));
                    }
                }
                _ => {
                    let at = blocks.partition_point(|block| block.last < id);
                    change(blocks, at..(at + 1).min(blocks.len()), |ids| {
                        if let Err(at) = ids.binary_search(&id) {
                            ids.insert(at, id);
                        }
                    });
                }
            },
        }
    }

    /// Adds series in any order.
    pub(crate) fn extend(&mut self, mut more: Vec<u32>) {
        self.read(&mut more);
        *self = Self::from(more);
    }

    /// Removes series, which are sorted; some may not be there.
    pub(crate) fn remove(&mut self, gone: &[u32]) {
        let stays = |id: &u32| gone.binary_search(id).is_err();
        match self {
            Self::Few(ids) => ids.retain(stays),
            Self::Many(blocks) => {
                // From the end, so that the places of those that are left to do stay the same.
                for at in (0..blocks.len()).rev() {
                    let Block { first, last, .. } = blocks[at];
                    let next = gone.partition_point(|id| *id < first);
                    if gone.get(next).is_some_and(|id| *id <= last) {
                        change(blocks, at..at + 1, |ids| ids.retain(stays));
                    }
                }
                if self.len() <= FEW {
                    let mut ids = Vec::new();
                    self.read(&mut ids);
                    *self = Self::Few(ids);
                }
            }
        }
    }

    /// How many bytes of memory the list takes.
    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        match self {
            Self::Few(ids) => ids.capacity() * 4,
            Self::Many(blocks) => blocks.iter().map(Block::memory).sum(),
        }
    }
}

/// Replaces some blocks by the same ones changed.
fn change(blocks: &mut Vec<Block>, range: Range<usize>, change: impl FnOnce(&mut Vec<u32>)) {
    let mut ids: Vec<u32> = blocks[range.clone()].iter().flat_map(Block::ids).collect();
    change(&mut ids);
    // Halves have room for what comes next to it.
    let size = if ids.len() > BLOCK { ids.len().div_ceil(2) } else { BLOCK };
    blocks.splice(range, ids.chunks(size).map(Block::new));
}

/// Series as a set with a bit for each number: nearly all numbers up to the highest one are used.
#[derive(Debug, Default)]
pub(crate) struct IdSet {
    words: Vec<u64>,
}

impl IdSet {
    pub(crate) fn insert(&mut self, id: u32) {
        let word = id as usize / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (id % 64);
    }

    pub(crate) fn remove(&mut self, id: u32) {
        if let Some(word) = self.words.get_mut(id as usize / 64) {
            *word &= !(1 << (id % 64));
        }
    }

    /// Adds those of another set.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.words.resize(self.words.len().max(other.words.len()), 0);
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
    }

    /// All of them, sorted.
    pub(crate) fn ids(&self) -> Vec<u32> {
        let n: u32 = self.words.iter().map(|word| word.count_ones()).sum();
        let mut ids = Vec::with_capacity(n as usize);
        for (first, word) in (0..).step_by(64).zip(&self.words) {
            let mut rest = *word;
            while rest != 0 {
                ids.push(first + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
        ids
    }

    pub(crate) fn memory(&self) -> usize {
        self.words.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn ids(list: &Postings) -> Vec<u32> {
        let mut out = Vec::new();
        list.read(&mut out);
        out
    }

    proptest! {
        #[test]
        fn holds_what_a_set_holds(
            steps in prop::collection::vec((0_u8..10, prop::collection::vec(0_u32..4000, 1..200)), 1..30),
            spread in prop::sample::select(vec![1, 64, 1_000_003]),
        ) {
            let (mut list, mut set, mut want) = (Postings::default(), IdSet::default(), BTreeSet::new());
            for (what, some) in steps {
                let some: Vec<u32> = some.iter().map(|id| id * spread).collect();
                match what {
                    0..6 => some.iter().for_each(|id| list.insert(*id)),
                    6 => list.extend(some.clone()),
                    _ => {
                        let gone: Vec<u32> = some.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
                        list.remove(&gone);
                    }
                }
                for id in some {
                    if what <= 6 { want.insert(id) } else { want.remove(&id) };
                    // Numbers that are far apart would take too many bits.
                    if spread <= 64 {
                        if what <= 6 { set.insert(id) } else { set.remove(id) }
                    }
                }
                let want: Vec<u32> = want.iter().copied().collect();
                prop_assert_eq!((list.len(), list.is_empty()), (want.len(), want.is_empty()));
                prop_assert_eq!(&ids(&list), &want);
                if spread <= 64 {
                    prop_assert_eq!(set.ids(), want);
                }
            }
        }
    }

    #[test]
    fn neighbours_take_about_a_byte() {
        let mut list = Postings::default();
        (0..10_000).for_each(|i| list.insert(i * 64));
        assert!(list.memory() < 12_500, "{}", list.memory());
        // Taking places in the middle does not break it into crumbs.
        (0..10_000).for_each(|i| list.insert(i * 64 + 1));
        assert_eq!(ids(&list).len(), 20_000);
        assert!(list.memory() < 30_000, "{}", list.memory());
    }
}
