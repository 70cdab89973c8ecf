//! The memory that cells and the label values of series live in.
//!
//! One stretch of addresses is reserved for the whole process and never given back, so that a handle is a plain reference that stays valid for ever, and so that
//! the memory behind the addresses can be exchanged later without anybody noticing.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, OnceLock, PoisonError};

use memmap2::MmapOptions;

/// How many words are reserved, at most: 4 GiB of addresses. Memory is taken as it is touched.
pub(crate) const MAX_WORDS: usize = if cfg!(target_pointer_width = "64") { 1 << 29 } else { 1 << 23 };
/// With less than this the platform has no memory map worth speaking of.
const MIN_WORDS: usize = 1 << 13;

/// Words that are handed out once and stay where they are.
pub(crate) struct Arena {
    words: &'static [AtomicU64],
    /// How many are handed out. Word 0 never is, so that 0 can stand for "none".
    used: Mutex<usize>,
}

impl Arena {
    /// The arena of the process.
    pub(crate) fn global() -> &'static Self {
        static ARENA: OnceLock<Arena> = OnceLock::new();
        ARENA.get_or_init(|| Self { words: reserve(), used: Mutex::new(1) })
    }

    /// Hands out `n` words, all zero, and says where they are. `None` if there are no more.
    pub(crate) fn allocate(&self, n: usize) -> Option<u32> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let end = used.checked_add(n).filter(|end| *end <= self.words.len())?;
        let start = std::mem::replace(&mut *used, end);
        Some(start as u32)
    }

    /// The words from `at` on.
    #[inline]
    pub(crate) fn from(&self, at: u32) -> &'static [AtomicU64] {
        &self.words[at as usize..]
    }

    /// How many words are handed out.
    #[cfg(test)]
    pub(crate) fn used(&self) -> usize {
        *self.used.lock().expect("no panic while it was held")
    }
}

/// Reserves as many words as the system lets us, up to [`MAX_WORDS`]. Where it refuses to reserve at all, the words are those of a vector.
fn reserve() -> &'static [AtomicU64] {
    let mut n = MAX_WORDS;
    while n >= MIN_WORDS {
        if let Some(words) = map(n) {
            return words;
        }
        n /= 2;
    }
    Vec::leak((0..MIN_WORDS).map(|_| AtomicU64::new(0)).collect())
}

#[expect(unsafe_code, reason = "there is no other way to reserve addresses")]
#[expect(clippy::cast_ptr_alignment, reason = "a mapping begins with a page")]
fn map(n: usize) -> Option<&'static [AtomicU64]> {
    let map = MmapOptions::new().len(n * size_of::<AtomicU64>()).no_reserve_swap().map_anon().ok()?;
    // A page of 2 MiB for a handful of counters would be most of what they cost.
    #[cfg(target_os = "linux")]
    let _ = map.advise(memmap2::Advice::NoHugePage);
    let map = Box::leak(Box::new(map));
    // SAFETY: the mapping is leaked, so it lives as long as the process; it is private to it, readable and writable, zero at first, which is a valid `AtomicU64`, and aligned
    // to a page. This reference is made once, and nothing else refers to the mapping: the box is not reachable any more.
    Some(unsafe { std::slice::from_raw_parts(map.as_mut_ptr().cast::<AtomicU64>(), n) })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    #[test]
    fn words_are_handed_out_once() {
        let arena = Arena::global();
        let (a, b) = (arena.allocate(3).expect("there is room"), arena.allocate(2).expect("there is room"));
        assert!(a > 0 && b >= a + 3);
        arena.from(a)[2].store(7, Ordering::Relaxed);
        assert_eq!(arena.from(b)[0].load(Ordering::Relaxed), 0);
        assert_eq!(arena.from(a)[2].load(Ordering::Relaxed), 7);
        assert!(arena.used() >= 6);
        assert_eq!(arena.allocate(usize::MAX), None);
    }

    #[test]
    fn an_arena_can_be_full() {
        let arena =
            Arena { words: Vec::leak((0..4).map(|_| AtomicU64::new(0)).collect()), used: Mutex::new(1) };
        assert_eq!((arena.allocate(3), arena.allocate(1), arena.allocate(0)), (Some(1), None, Some(4)));
    }
}
