//! A series in the arena.
//!
//! ```text
//! word 0      next record of the family (high half), hash (low half)
//! word 1      state (high half), number of the closed combination (low half)
//! word 2..    cells
//! behind      the values of the open labels, see [`each_word`]
//! ```
//!
//! All but the state, the next record and the cells is written before anybody can find the record, and never again.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::arena::Arena;

/// Words in front of the cells.
pub(crate) const HEAD: usize = 2;

/// What is with a series. No change of a few bits makes one state another, and a page that was lost is none.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub(crate) enum State {
    Exposed = 0x5555_5555 << 32,
    /// Its memory stays its own, because a handle may still point there.
    Removed = 0xaaaa_aaaa << 32,
}

/// Where a record is.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    words: &'static [AtomicU64],
}

impl Record {
    /// Writes a record with `n_cells` cells. `None` if the arena is full.
    pub(crate) fn create(
        arena: &Arena,
        n_cells: usize,
        hash: u32,
        closed_index: u32,
        values: &[&str],
    ) -> Option<u32> {
        let mut n_words = 0;
        each_word(values, |_| {
            n_words += 1;
            true
        });
        let at = arena.allocate(HEAD + n_cells + n_words)?;
        Self::at(arena, at).write(n_cells, hash, closed_index, values);
        Some(at)
    }

    /// Makes a record of words of which all are zero. Who finds it exposed finds it whole.
    pub(crate) fn write(self, n_cells: usize, hash: u32, closed_index: u32, values: &[&str]) {
        self.words[0].store(u64::from(hash), Ordering::Relaxed);
        let mut free = self.words[HEAD + n_cells..].iter();
        each_word(values, |word| free.next().map(|w| w.store(word, Ordering::Relaxed)).is_some());
        self.words[1].store(State::Exposed as u64 | u64::from(closed_index), Ordering::Release);
    }

    /// Writes a record of which the words behind the head are known.
    pub(crate) fn restore(arena: &Arena, closed_index: u32, cells: &[u64], values: &[u64]) -> Option<u32> {
        let at = arena.allocate(HEAD + cells.len() + values.len())?;
        let words = arena.from(at);
        words[1].store(State::Exposed as u64 | u64::from(closed_index), Ordering::Relaxed);
        for (word, value) in words[HEAD..].iter().zip(cells.iter().chain(values)) {
            word.store(*value, Ordering::Relaxed);
        }
        Some(at)
    }

    #[inline]
    pub(crate) fn at(arena: &Arena, at: u32) -> Self {
        Self::of(arena.from(at))
    }

    /// The record that begins with these words.
    #[inline]
    pub(crate) fn of(words: &'static [AtomicU64]) -> Self {
        Self { words }
    }

    /// The cells, of which there are `N`.
    #[inline]
    pub(crate) fn array<const N: usize>(self) -> &'static [AtomicU64; N] {
        self.words[HEAD..].first_chunk().expect("BUG: a record has its cells")
    }

    /// `N` cells behind the first `n`. `None` if there are not so many: whoever has no use for them pays nothing for a panic.
    #[inline]
    pub(crate) fn array_behind<const N: usize>(self, n: usize) -> Option<&'static [AtomicU64; N]> {
        self.words.get(HEAD + n..)?.first_chunk()
    }

    #[inline]
    pub(crate) fn cells(self, n: usize) -> &'static [AtomicU64] {
        &self.words[HEAD..HEAD + n]
    }

    #[inline]
    pub(crate) fn hash(self) -> u32 {
        self.words[0].load(Ordering::Relaxed) as u32
    }

    pub(crate) fn next(self) -> u32 {
        (self.words[0].load(Ordering::Acquire) >> 32) as u32
    }

    /// Sets the next record, once.
    pub(crate) fn set_next(self, next: u32) {
        self.words[0].fetch_or(u64::from(next) << 32, Ordering::Release);
    }

    #[inline]
    pub(crate) fn closed_index(self) -> u32 {
        self.words[1].load(Ordering::Relaxed) as u32
    }

    #[inline]
    pub(crate) fn is_exposed(self) -> bool {
        self.is(State::Exposed)
    }

    #[inline]
    pub(crate) fn is(self, state: State) -> bool {
        self.words[1].load(Ordering::Acquire) >> 32 << 32 == state as u64
    }

    /// Takes it out of the exposition. One thread at a time may change the state, which the owner sees to.
    pub(crate) fn remove(self) {
        self.set_state(State::Removed);
    }

    fn set_state(self, state: State) {
        self.words[1].store(state as u64 | u64::from(self.closed_index()), Ordering::Release);
    }

    /// Lets it begin again from nothing.
    pub(crate) fn revive(self, n_cells: usize) {
        self.clear(n_cells);
        self.expose();
    }

    /// Forgets what the first `n` cells hold.
    pub(crate) fn clear(self, n: usize) {
        self.cells(n).iter().for_each(|cell| cell.store(0, Ordering::Relaxed));
    }

    /// Puts it into the exposition again.
    pub(crate) fn expose(self) {
        self.set_state(State::Exposed);
    }

    /// Whether the labels are these and the state is this one.
    #[inline(always)]
    pub(crate) fn has(self, n_cells: usize, state: State, closed_index: u32, values: &[&str]) -> bool {
        let mut words = self.words[HEAD + n_cells..].iter();
        self.words[1].load(Ordering::Acquire) == state as u64 | u64::from(closed_index)
            && each_word(values, |word| words.next().is_some_and(|w| w.load(Ordering::Relaxed) == word))
    }

    /// The same for the words that stand for the values.
    #[inline(always)]
    pub(crate) fn has_words(self, n_cells: usize, state: State, closed_index: u32, words: &[u64]) -> bool {
        let behind = self.words.get(HEAD + n_cells..HEAD + n_cells + words.len());
        self.words[1].load(Ordering::Acquire) == state as u64 | u64::from(closed_index)
            && behind.is_some_and(|behind| {
                behind.iter().zip(words).all(|(word, wanted)| word.load(Ordering::Relaxed) == *wanted)
            })
    }

    /// What is behind the cells, from the words of the values on, see [`each_word`].
    pub(crate) fn behind_cells(self, n_cells: usize) -> &'static [AtomicU64] {
        &self.words[HEAD + n_cells..]
    }

    /// Replaces `values` with those of the `n` open labels.
    pub(crate) fn read_values(self, n_cells: usize, n: usize, values: &mut ValueBytes) {
        values.bytes.clear();
        values.ends.clear();
        let words = &self.words[HEAD + n_cells..];
        let mut next = n.div_ceil(4);
        for idx in 0..n {
            let len = usize::from((words[idx / 4].load(Ordering::Relaxed) >> (16 * (idx % 4))) as u16);
            let end = values.bytes.len() + len;
            for word in &words[next..next + len.div_ceil(8)] {
                values.bytes.extend_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
            }
            next += len.div_ceil(8);
            values.bytes.truncate(end);
            values.ends.push(end);
        }
    }
}

/// The values of the open labels of one series, read out of its record.
#[derive(Default)]
pub(crate) struct ValueBytes {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl ValueBytes {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        // Only text is ever written there, and a length beyond 16 bits is no label's.
        starts
            .zip(&self.ends)
            .map(|(start, end)| std::str::from_utf8(&self.bytes[start..*end]).unwrap_or_default())
    }
}

/// Calls `take` with the words that stand for the values of the open labels until it returns false. Returns whether it never did.
///
/// First the lengths in bytes, four in a word, then the bytes of each value, with zeros up to a whole word.
#[inline(always)]
pub(crate) fn each_word(values: &[&str], mut take: impl FnMut(u64) -> bool) -> bool {
    let lengths =
        |values: &[&str]| values.iter().rev().fold(0, |word, v| word << 16 | clipped(v).len() as u64);
    values.chunks(4).all(|four| take(lengths(four)))
        && values.iter().all(|value| {
            let bytes = clipped(value);
            let (whole, rest) = bytes.as_chunks::<8>();
            whole.iter().all(|chunk| take(u64::from_le_bytes(*chunk)))
                && (rest.is_empty() || take(last_word(bytes, rest)))
        })
}

/// A length fits into 16 bits; the limits of labels are below that, so this is only about not being wrong.
#[inline]
fn clipped(value: &str) -> &[u8] {
    &value.as_bytes()[..value.len().min(usize::from(u16::MAX))]
}

/// The bytes behind the last whole word as a word. Copying as few as there are would cost more than reading some of them twice.
#[inline]
fn last_word(bytes: &[u8], rest: &[u8]) -> u64 {
    if let Some(last) = bytes.last_chunk::<8>() {
        return u64::from_le_bytes(*last) >> (8 * (8 - rest.len()));
    }
    let n = rest.len();
    if let (Some(first), Some(last)) = (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        return u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << (8 * (n - 4));
    }
    let byte = |idx: usize| u64::from(rest[idx]) << (8 * idx);
    byte(0) | byte(n / 2) | byte(n - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_are_found_again(
            texts in prop::collection::vec(".{0,30}", 0..7),
            others in prop::collection::vec("[ab]{0,12}", 0..4),
            n_cells in 1_usize..4,
            closed_index: u32,
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let others: Vec<&str> = others.iter().map(String::as_str).collect();
            // The labels of a family are as many for all of its series.
            let others: Vec<&str> = others.into_iter().chain([""; 7]).take(texts.len()).collect();
            let arena = Arena::global();
            let at = Record::create(arena, n_cells, 5, closed_index, &texts).expect("there is room");
            let next = Record::create(arena, n_cells, 6, 1, &others).expect("there is room");
            let record = Record::at(arena, at);
            record.cells(n_cells).iter().for_each(|c| c.store(u64::MAX, Ordering::Relaxed));
            prop_assert!(record.has(n_cells, State::Exposed, closed_index, &texts));
            prop_assert_eq!(record.has(n_cells, State::Exposed, closed_index, &others), texts == others);
            prop_assert!(!record.has(n_cells, State::Exposed, closed_index ^ 1, &texts));
            let mut values = ValueBytes::default();
            record.read_values(n_cells, texts.len(), &mut values);
            prop_assert_eq!(&values.iter().collect::<Vec<_>>(), &texts);
            prop_assert_eq!((record.hash(), record.next(), record.is_exposed()), (5, 0, true));
            record.set_next(next);
            record.remove();
            prop_assert_eq!((record.hash(), record.next(), record.is_exposed()), (5, next, false));
            prop_assert!(record.has(n_cells, State::Removed, closed_index, &texts));
            prop_assert!(!record.has(n_cells, State::Exposed, closed_index, &texts));
            record.revive(n_cells);
            prop_assert!(record.has(n_cells, State::Exposed, closed_index, &texts));
            prop_assert!(record.cells(n_cells).iter().all(|c| c.load(Ordering::Relaxed) == 0));
            prop_assert!(Record::at(arena, next).has(n_cells, State::Exposed, 1, &others), "its neighbour is untouched");
        }
    }
}
