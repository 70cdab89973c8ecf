//! A hash table that is read without locks.

use std::sync::OnceLock;

use crate::arena::MAX_WORDS;
use crate::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// Places of records, found by hash. One thread at a time may change it, which its owner sees to; any number may read meanwhile.
///
/// Slots are probed one after the other from the hash on. When three quarters are taken, all go into a table of twice the size; the old one stays
/// for those who still read it. All old ones together have no more slots than the newest.
#[derive(Debug)]
pub(crate) struct Table {
    sizes: [OnceLock<Box<[AtomicU32]>>; 26],
    /// Which of them counts.
    current: AtomicUsize,
}

/// Slots of the first table.
const FIRST_SIZE: usize = 8;
const EMPTY: u32 = 0;
/// A place needs so many bits. The others of a slot are the highest of the hash, so that most places that are not meant are not looked at.
const PLACE_BITS: u32 = MAX_WORDS.trailing_zeros();
const PLACE: u32 = (1 << PLACE_BITS) - 1;

impl Default for Table {
    fn default() -> Self {
        let table = Self { sizes: Default::default(), current: AtomicUsize::new(0) };
        let _ = table.sizes[0].set(slots(FIRST_SIZE));
        table
    }
}

fn slots(n: usize) -> Box<[AtomicU32]> {
    (0..n).map(|_| AtomicU32::new(EMPTY)).collect()
}

impl Table {
    /// The places that may have this hash: one of them is what is looked for, if it is there. Nearly always there is only one.
    #[inline]
    pub(crate) fn candidates(&self, hash: u32) -> impl Iterator<Item = u32> {
        let slots: &[AtomicU32] =
            self.sizes[self.current.load(Ordering::Acquire)].get().map_or(&[], |slots| slots);
        let mask = slots.len().wrapping_sub(1);
        let mut slot = hash as usize & mask;
        // There is always an empty slot.
        std::iter::from_fn(move || {
            loop {
                let found = slots.get(slot)?.load(Ordering::Acquire);
                slot = (slot + 1) & mask;
                if found == EMPTY {
                    return None;
                }
                if (found ^ hash) & !PLACE == 0 {
                    return Some(found & PLACE);
                }
            }
        })
    }

    /// Adds a place that is not there. `n` is how many are there, and `hash_of` knows the hash of each. Returns false if there is no room for more.
    pub(crate) fn insert(&self, hash: u32, at: u32, n: usize, hash_of: impl Fn(u32) -> u32) -> bool {
        let current = self.current.load(Ordering::Relaxed);
        let Some(slots) = self.sizes[current].get() else { return false };
        if (n + 1) * 4 <= slots.len() * 3 {
            put(slots, hash, at);
            return true;
        }
        if current + 1 == self.sizes.len() {
            return false;
        }
        let larger = self.sizes[current + 1].get_or_init(|| self::slots(slots.len() * 2));
        put(larger, hash, at);
        let all = slots.iter().map(|slot| slot.load(Ordering::Relaxed));
        for at in all.filter(|slot| *slot != EMPTY).map(|slot| slot & PLACE) {
            put(larger, hash_of(at), at);
        }
        self.current.store(current + 1, Ordering::Release);
        true
    }
}

fn put(slots: &[AtomicU32], hash: u32, at: u32) {
    let mask = slots.len() - 1;
    let mut slot = hash as usize & mask;
    while slots[slot].load(Ordering::Relaxed) != EMPTY {
        slot = (slot + 1) & mask;
    }
    slots[slot].store(at | (hash & !PLACE), Ordering::Release);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes that collide often.
    fn hash(at: u32) -> u32 {
        (at / 3).wrapping_mul(0x2000_0001)
    }

    #[test]
    fn what_was_put_is_found() {
        let table = Table::default();
        for at in 1..2_000 {
            assert!(table.insert(hash(at), at, at as usize - 1, hash));
            for other in [1, at / 2, at, at + 1] {
                let is_there = (1..=at).contains(&other);
                let found = table.candidates(hash(other)).find(|found| *found == other);
                assert_eq!(found, is_there.then_some(other));
            }
        }
    }
}
