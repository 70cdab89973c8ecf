//! Where things are in a region: see `docs/formats/region.md`. Written through an arena, read from a copy.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::arena::{Arena, CHUNK, HEADER_WORDS};

/// "BWREGION" in a file of a machine whose bytes go from low to high.
const MAGIC: u64 = u64::from_le_bytes(*b"BWREGION");
/// Stands there as long as nothing is counted. Not zero, which a page that was lost is too.
const UNBORN: u64 = u64::from_le_bytes(*b"BWUNBORN");
/// The version of the layout.
const VERSION: u64 = 1;

/// Words of the header.
mod word {
    pub(super) const MAGIC: usize = 0;
    pub(super) const VERSION: usize = 1;
    pub(super) const ID: usize = 2;
    pub(super) const BOOT: usize = 3;
    pub(super) const PID: usize = 5;
    pub(super) const START: usize = 6;
    pub(super) const EPOCH: usize = 7;
    pub(super) const CHECK: usize = 8;
    pub(super) const IS_CLEAN: usize = 9;
    pub(super) const FAMILIES: usize = 16;
}

/// What a region says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// A number that no other region of the directory has.
    pub(crate) id: u64,
    /// Which start of the machine the region is of.
    pub(crate) boot: [u64; 2],
    pub(crate) pid: u32,
    /// When the process began, in ticks since the start of the machine.
    pub(crate) start: u64,
    /// Which start of the application the region is of.
    pub(crate) epoch: u64,
    /// Whether the owner has left, so that nothing is counted there any more.
    pub(crate) is_clean: bool,
}

/// The value of the clean word when the owner has left. Whole words, so that no other change of a byte looks like it.
const CLEAN: u64 = u64::MAX;

/// Why a file is no region that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Damage {
    /// It is not complete yet: its process is just making it.
    Unborn,
    /// It is none of ours.
    Foreign,
    /// A later version wrote it.
    Newer,
    /// A part is missing, or not what it was when it was written.
    Torn,
}

impl Header {
    fn fixed(&self) -> [u64; word::CHECK] {
        [MAGIC, VERSION, self.id, self.boot[0], self.boot[1], u64::from(self.pid), self.start, self.epoch]
    }

    /// Writes the header. The region counts from the last word on that is written, the magic.
    pub(crate) fn write(&self, words: &[AtomicU64]) {
        let fixed = self.fixed();
        for (idx, value) in fixed.iter().enumerate().skip(1) {
            words[idx].store(*value, Ordering::Relaxed);
        }
        words[word::CHECK].store(u64::from(check(0, fixed)), Ordering::Relaxed);
        words[word::IS_CLEAN].store(if self.is_clean { CLEAN } else { 0 }, Ordering::Relaxed);
        words[word::MAGIC].store(MAGIC, Ordering::Release);
    }

    pub(crate) fn read(words: &[u64]) -> Result<Self, Damage> {
        let fixed = words.first_chunk::<{ word::FAMILIES }>().ok_or(Damage::Torn)?;
        match fixed[word::MAGIC] {
            UNBORN => return Err(Damage::Unborn),
            MAGIC => {}
            0 => return Err(Damage::Torn),
            _ => return Err(Damage::Foreign),
        }
        if fixed[word::VERSION] > VERSION {
            return Err(Damage::Newer);
        }
        let is_clean = match fixed[word::IS_CLEAN] {
            0 => false,
            CLEAN => true,
            _ => return Err(Damage::Torn),
        };
        let header = Self {
            id: fixed[word::ID],
            boot: [fixed[word::BOOT], fixed[word::BOOT + 1]],
            pid: u32::try_from(fixed[word::PID]).map_err(|_| Damage::Torn)?,
            start: fixed[word::START],
            epoch: fixed[word::EPOCH],
            is_clean,
        };
        let is_whole = fixed[word::CHECK] == u64::from(check(0, header.fixed()));
        let is_zero = fixed[word::CHECK + 2..].iter().all(|reserved| *reserved == 0);
        if is_whole && is_zero && fixed[word::VERSION] == VERSION { Ok(header) } else { Err(Damage::Torn) }
    }
}

/// How many bytes are read of a region to learn whose it is.
pub(crate) const HEADER_BYTES: usize = word::FAMILIES * size_of::<u64>();

/// A region begins with so many words.
pub(crate) const CHUNK_WORDS: usize = CHUNK / size_of::<u64>();

/// What a file has in it from its first moment on: that it is unborn, and which process makes it.
pub(crate) fn unborn_chunk(pid: u32, start: u64) -> Vec<u8> {
    let mut words = vec![0; CHUNK_WORDS];
    unborn(&mut words, pid, start);
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// Takes the header out of a copy of the words of a region, for a region that is yet to be born.
pub(crate) fn unborn(words: &mut [u64], pid: u32, start: u64) {
    words[..word::FAMILIES].fill(0);
    words[word::MAGIC] = UNBORN;
    words[word::PID] = u64::from(pid);
    words[word::START] = start;
}

/// The process that makes a region that is unborn, and when it began.
pub(crate) fn maker(words: &[u64]) -> Option<(u32, u64)> {
    Some((u32::try_from(*words.get(word::PID)?).ok()?, *words.get(word::START)?))
}

/// Where it is written in a file that nothing is counted there any more, and what.
pub(crate) const CLEAN_AT: (u64, [u8; 8]) = ((word::IS_CLEAN * size_of::<u64>()) as u64, CLEAN.to_ne_bytes());

/// A checksum of words, begun with the place where they are, so that words of another place are not taken for them.
pub(crate) fn check(place: u64, words: impl IntoIterator<Item = u64>) -> u32 {
    words.into_iter().fold(crc32c::crc32c(&place.to_le_bytes()), |crc, word| {
        crc32c::crc32c_append(crc, &word.to_le_bytes())
    })
}

/// A list in a region that is only ever appended to.
///
/// ```text
/// word 0       number of entries (low half), the same with all bits turned (high half)
/// word 1..27   blocks of 8, 16, 32, ... entries; 0: none
/// entry        the address of what it stands for (low half), its checksum (high half)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct List(u32);

const N_BLOCKS: usize = 26;
const FIRST_BLOCK: usize = 8;

/// The block of an entry, and its place there.
fn place(idx: usize) -> (usize, usize) {
    let block = (idx / FIRST_BLOCK + 1).ilog2() as usize;
    (block, idx - FIRST_BLOCK * ((1 << block) - 1))
}

fn counted(n: usize) -> u64 {
    let n = n as u32;
    u64::from(!n) << 32 | u64::from(n)
}

impl List {
    /// How many words the head of a list takes.
    pub(crate) const N_WORDS: usize = 1 + N_BLOCKS;
    /// The families of a region.
    pub(crate) const FAMILIES: Self = Self(word::FAMILIES as u32);

    /// The list whose head is there.
    pub(crate) fn at(at: u32) -> Self {
        Self(at)
    }

    /// Makes the list empty.
    pub(crate) fn begin(self, arena: &Arena) {
        let words = arena.from(self.0);
        words[1..Self::N_WORDS].iter().for_each(|block| block.store(0, Ordering::Relaxed));
        words[0].store(counted(0), Ordering::Release);
    }

    fn len(self, arena: &Arena) -> usize {
        arena.from(self.0)[0].load(Ordering::Relaxed) as u32 as usize
    }

    /// Sees to it that one more entry has room. Returns whether it has.
    pub(crate) fn make_room(self, arena: &Arena) -> bool {
        let (block, _) = place(self.len(arena));
        let Some(slot) = arena.from(self.0)[1..Self::N_WORDS].get(block) else { return false };
        if slot.load(Ordering::Relaxed) == 0 {
            let Some(at) = arena.allocate(FIRST_BLOCK << block) else { return false };
            slot.store(u64::from(at), Ordering::Relaxed);
        }
        true
    }

    /// Appends an entry, for which there must be room, and lets others see it. `fixed` are those of its words that never change.
    pub(crate) fn append(self, arena: &Arena, at: u32, fixed: impl IntoIterator<Item = u64>) {
        let n = self.len(arena);
        let (block, idx) = place(n);
        let words = arena.from(self.0);
        let entries = arena.from(words[1 + block].load(Ordering::Relaxed) as u32);
        let check = u64::from(self.check(n, at, fixed));
        entries[idx].store(check << 32 | u64::from(at), Ordering::Relaxed);
        words[0].store(counted(n + 1), Ordering::Release);
    }

    fn check(self, idx: usize, at: u32, fixed: impl IntoIterator<Item = u64>) -> u32 {
        check(u64::from(self.0) << 32 | idx as u64, std::iter::once(u64::from(at)).chain(fixed))
    }

    /// The entries in a copy of a region: where they are, and what tells whether that is right.
    pub(crate) fn read(self, words: &[u64]) -> Result<Vec<Entry>, Damage> {
        let head = slice(words, self.0 as usize, Self::N_WORDS)?;
        let n = head[0] as u32 as usize;
        // Every entry takes a word.
        if head[0] != counted(n) || n > words.len() {
            return Err(Damage::Torn);
        }
        let entry = |idx| {
            let (block, at) = place(idx);
            let start =
                usize::try_from(*head.get(1 + block).ok_or(Damage::Torn)?).map_err(|_| Damage::Torn)?;
            if start < HEADER_WORDS {
                return Err(Damage::Torn);
            }
            let word = slice(words, start.saturating_add(at), 1)?[0];
            Ok(Entry { list: self, idx, at: word as u32, check: (word >> 32) as u32 })
        };
        (0..n).map(entry).collect()
    }
}

/// An entry of a list in a copy of a region.
pub(crate) struct Entry {
    list: List,
    idx: usize,
    /// Where what it stands for begins.
    pub(crate) at: u32,
    check: u32,
}

impl Entry {
    /// Whether what it stands for is what was written.
    pub(crate) fn stands_for(&self, fixed: impl IntoIterator<Item = u64>) -> bool {
        self.at as usize >= HEADER_WORDS && self.check == self.list.check(self.idx, self.at, fixed)
    }
}

/// `n` words from `at` on.
pub(crate) fn slice(words: &[u64], at: usize, n: usize) -> Result<&[u64], Damage> {
    words.get(at..).and_then(|rest| rest.get(..n)).ok_or(Damage::Torn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_fill_block_after_block() {
        let places: Vec<_> = [0, 7, 8, 23, 24].map(place).into();
        assert_eq!(places, [(0, 0), (0, 7), (1, 0), (1, 15), (2, 0)]);
    }

    #[test]
    fn what_was_appended_is_read() {
        let arena = Arena::private();
        List::FAMILIES.begin(&arena);
        for n in 0..200_u32 {
            assert!(List::FAMILIES.make_room(&arena));
            let at = arena.allocate(1).expect("there is room");
            List::FAMILIES.append(&arena, at, [u64::from(n), 3]);
        }
        let words = arena.copy(&arena.lock());
        let entries = List::FAMILIES.read(&words).expect("it is whole");
        assert_eq!(entries.len(), 200);
        for (n, entry) in entries.iter().enumerate() {
            assert!(entry.stands_for([n as u64, 3]) && !entry.stands_for([n as u64 + 1, 3]));
        }
        assert!(List::FAMILIES.read(&words[..300]).is_err_and(|d| d == Damage::Torn));
    }

    #[test]
    fn a_header_is_as_it_was_written_or_refused() {
        let arena = Arena::private();
        let header = Header { id: 7, boot: [1, u64::MAX], pid: 300, start: 5, epoch: 9, is_clean: false };
        let words = || arena.copy(&arena.lock());
        assert_eq!(Header::read(&words()), Err(Damage::Torn), "a page that was lost");
        let mut unborn = words();
        super::unborn(&mut unborn, 3, 4);
        assert_eq!(maker(&unborn), Some((3, 4)));
        assert_eq!(Header::read(&unborn), Err(Damage::Unborn));
        assert_eq!(Header::read(&crate::arena::to_words(&unborn_chunk(3, 4))), Err(Damage::Unborn));
        header.write(arena.from(0));
        assert_eq!(Header::read(&words()), Ok(header));
        for byte in 0..word::FAMILIES * 8 {
            let mut flipped = words();
            flipped[byte / 8] ^= 0xff << (8 * (byte % 8));
            assert!(Header::read(&flipped).is_err(), "byte {byte}");
        }
        Header { is_clean: true, ..header }.write(arena.from(0));
        assert_eq!(Header::read(&words()), Ok(Header { is_clean: true, ..header }));
        let mut newer = words();
        newer[word::VERSION] += 1;
        assert_eq!(Header::read(&newer), Err(Damage::Newer));
        assert_eq!(Header::read(&words()[..5]), Err(Damage::Torn));
    }
}
