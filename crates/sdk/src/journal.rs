//! What cells held before a change of what they mean, so that others need neither wait for it nor lose what was counted if its process is killed in the middle.
//!
//! ```text
//! cell 0    how many changes there were (from bit 8 on), and which part is being changed (below), 0: none
//! cell 1..  what the cells of that part held before
//! ```
//!
//! Other processes have only a copy. If the first cell was the same before and after it was made, it is either whole or of one and the same change, which it then undoes.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering, fence};

const PART_BITS: u32 = 8;

/// Where the journal of a series is in its cells, and what it is about. The gate of the series is the cell behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Journal {
    pub(crate) at: usize,
    /// The parts are next to each other: where the first of them begins, how many cells each has, and how many they are.
    pub(crate) first: usize,
    pub(crate) len: usize,
    pub(crate) n_parts: usize,
}

impl Journal {
    /// How many cells a journal of parts of so many cells takes.
    pub(crate) const fn n_cells(len: usize) -> usize {
        1 + len
    }

    fn part(self, number: usize) -> Range<usize> {
        let start = self.first + (number - 1) * self.len;
        start..start + self.len
    }

    fn saved(self) -> Range<usize> {
        self.at + 1..self.at + 1 + self.len
    }

    /// Calls `change`, which changes a part, counted from 1, of the cells of a series. Nobody else may be at them.
    pub(crate) fn change<T>(self, cells: &[AtomicU64], part: usize, change: impl FnOnce() -> T) -> T {
        for (saved, cell) in cells[self.saved()].iter().zip(&cells[self.part(part)]) {
            saved.store(cell.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        let old = cells[self.at].load(Ordering::Relaxed);
        cells[self.at].store(old | part as u64, Ordering::Release);
        fence(Ordering::Release);
        let changed = change();
        cells[self.at].store(old.wrapping_add(1 << PART_BITS), Ordering::Release);
        changed
    }

    /// Calls `change`, which changes cells that nobody reads, as those of a series that was removed. Whoever began to read before will see that.
    pub(crate) fn change_unseen(self, cells: &[AtomicU64], change: impl FnOnce()) {
        let count = || cells[self.at].fetch_add(1 << PART_BITS, Ordering::AcqRel);
        count();
        fence(Ordering::Release);
        change();
        count();
    }

    /// What tells of the copy of a series whether there was a change since another one.
    pub(crate) fn version(self, cells: &[u64]) -> u64 {
        cells[self.at]
    }

    /// Undoes the change in the middle of which a copy was made, if there was one, and forgets all that is about changes. Returns false if the cells are not what a process writes.
    pub(crate) fn settle(self, cells: &mut [u64]) -> bool {
        let part = (self.version(cells) & ((1 << PART_BITS) - 1)) as usize;
        if part > self.n_parts {
            return false;
        }
        if part > 0 {
            let saved = cells[self.saved()].to_vec();
            cells[self.part(part)].copy_from_slice(&saved);
        }
        // The gate too.
        cells[self.at..=self.saved().end].fill(0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::copied;

    const JOURNAL: Journal = Journal { at: 5, first: 1, len: 2, n_parts: 2 };

    fn values(cells: &[AtomicU64]) -> Vec<u64> {
        cells.iter().map(|cell| cell.load(Ordering::Relaxed)).collect()
    }

    #[test]
    fn what_is_copied_in_the_middle_of_a_change_is_what_was_before() {
        let cells: Vec<AtomicU64> = (0..9).map(|n| AtomicU64::new(if n < 5 { n } else { 0 })).collect();
        let before = values(&cells);
        for part in [1, 2] {
            let version = JOURNAL.version(&values(&cells));
            let copies = JOURNAL.change(&cells, part, || {
                let at = 2 * part;
                [at - 1, at].map(|idx| {
                    cells[idx].store(70, Ordering::Relaxed);
                    values(&copied(&cells))
                })
            });
            for mut copy in copies {
                assert_ne!(JOURNAL.version(&copy), version);
                assert!(JOURNAL.settle(&mut copy));
                let expected = if part == 1 { vec![0, 1, 2, 3, 4] } else { vec![0, 70, 70, 3, 4] };
                assert_eq!((&copy[..5], &copy[5..]), (&expected[..], &[0; 4][..]));
            }
            assert_ne!(JOURNAL.version(&values(&cells)), version);
        }
        let mut after = values(&cells);
        assert!(JOURNAL.settle(&mut after));
        assert_eq!(after[..5], [0, 70, 70, 70, 70]);
        after[JOURNAL.at] = 3;
        assert!(!JOURNAL.settle(&mut after), "there is no such part");
        assert_eq!(before[..5], [0, 1, 2, 3, 4]);
    }
}
